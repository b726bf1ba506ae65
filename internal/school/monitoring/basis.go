package monitoring

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// Activities are the kinds of monitoring that a school may do. Telephone, mail
// and the rest are not Belisha's, and may be entered all the same, so that the
// record is whole.
var Activities = []setting.Option{
	{Value: "web", Title: "recording of web use with names"},
	{Value: "signals", Title: "signals to the safeguarding lead"},
	{Value: "samples", Title: "random samples of the record"},
	{Value: "alerts", Title: "finding misuse"},
	{Value: "contractors", Title: "contractors' sight of the record"},
	{Value: "mail", Title: "reading mail or messages"},
	{Value: "phone", Title: "telephone and voicemail"},
	{Value: "equipment", Title: "looking into school equipment"},
	{Value: "cameras", Title: "cameras"},
}

// Bases are what the law may rest one on.
var Bases = []setting.Option{
	{Value: "public-task", Title: "public task (UK GDPR, article 6(1)(e))"},
	{Value: "legal-duty", Title: "legal obligation (article 6(1)(c))"},
	{Value: "legitimate", Title: "legitimate interests (article 6(1)(f)); not for a maintained school's public tasks"},
	{Value: "vital", Title: "vital interests (article 6(1)(d))"},
	{Value: "interception", Title: "lawful interception in the running of a system (Investigatory Powers Act 2016, section 46)"},
	{Value: "not-done", Title: "the school does not do this"},
}

// basisAge is how old a review of a lawful basis may be.
const basisAge = 366 * oneDay

// Basis is why the law lets the school do one kind of monitoring: somebody's
// word, with who looked at it and when it is looked at again.
type Basis struct {
	ID       string
	Activity string
	Basis    string
	Note     string
	Reviewer string // who looked at it: "The data protection officer of the county"
	On       people.Day
	Next     people.Day
	By       string // actor who entered it
}

// SaveBasis keeps an entry; the newest of an activity counts.
func (r *Room) SaveBasis(ctx context.Context, b Basis) error {
	a := actor.From(ctx)
	if !a.May(MayAssess) || isPupil(a) {
		return fmt.Errorf("%w: the head and the data manager keep the record of lawful bases", store.ErrForbidden)
	}
	zone, err := r.zone(ctx)
	if err != nil {
		return err
	}
	now := r.d.Clock.Now()
	b.Note, b.Reviewer = strings.TrimSpace(b.Note), strings.TrimSpace(b.Reviewer)
	bad := store.Invalid{}
	if !known(Activities, b.Activity) {
		bad["activity"] = "Choose the kind of monitoring."
	}
	if !known(Bases, b.Basis) {
		bad["basis"] = "Choose what it rests on."
	}
	if n := utf8.RuneCountInString(b.Reviewer); n < 3 || n > 120 {
		bad["reviewer"] = "Say who looked at this, such as \"The data protection officer\"."
	}
	if n := utf8.RuneCountInString(b.Note); n < minReason || n > maxReason {
		bad["note"] = fmt.Sprintf("Say in %d to %d letters why this basis fits, or where that is written.", minReason, maxReason)
	}
	switch {
	case !b.On.Valid() || b.On.Time(zone).After(now):
		bad["on"] = "Enter the day on which it was looked at, such as 14 9 2026; it cannot be still to come."
	case b.On.Time(zone).Before(now.Add(-basisAge)):
		bad["on"] = "This is more than a year ago. Have it looked at again, then enter it."
	}
	switch {
	case !b.Next.Valid() || b.Next <= b.On:
		bad["next"] = "Enter the day on which it is looked at again, after the day it was looked at."
	case b.On.Valid() && b.Next > b.On.Add(366):
		bad["next"] = "It has to be looked at again within a year."
	}
	if err := bad.OrNil(); err != nil {
		return err
	}
	b.ID, b.By = store.NewID(now), a.ID
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if err := insertBasis(ctx, tx, b, now); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbBasis, Kind: "lawful basis", ID: b.ID, Reason: b.Note,
			After: map[string]any{"of": b.Activity, "basis": b.Basis, "reviewer": b.Reviewer, "on": b.On, "again on": b.Next},
			Rows:  []journal.Row{{Table: "monitoring_bases", ID: b.ID}},
		})
	})
}

func known(options []setting.Option, value string) bool {
	return slices.ContainsFunc(options, func(o setting.Option) bool { return o.Value == value })
}

// activities are the kinds of monitoring that the school does by Belisha now,
// so that each needs its basis.
func (r *Room) activities(ctx context.Context) ([]string, error) {
	var out []string
	on, err := r.Recording(ctx)
	if err != nil {
		return nil, err
	}
	if on {
		out = append(out, "web", "samples", "alerts")
	}
	if len(r.values().Items(keyThemes)) > 0 {
		out = append(out, "signals")
	}
	grants, err := r.grantsSince(ctx, r.d.Clock.Now().Add(-basisAge))
	if err != nil {
		return nil, err
	}
	if len(grants) > 0 {
		out = append(out, "contractors")
	}
	return out, nil
}
