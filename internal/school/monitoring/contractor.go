package monitoring

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"belisha/internal/activity"
	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

// Grant is sight of the record that a contractor has for a purpose and a
// time. It shows devices and hosts; names only where the grantor said so. It
// ends by itself.
type Grant struct {
	ID      string
	Person  people.ID
	Purpose string
	Why     string
	Names   bool
	From    time.Time
	Until   time.Time
	At      time.Time
	By      string // actor
	Ended   time.Time
	EndedBy string
}

// RunsAt says whether the grant counts at a moment.
func (g Grant) RunsAt(t time.Time) bool {
	return g.Ended.IsZero() && !t.Before(g.From) && t.Before(g.Until)
}

// EndsAt is when it ends, or ended.
func (g Grant) EndsAt() time.Time {
	if !g.Ended.IsZero() && g.Ended.Before(g.Until) {
		return g.Ended
	}
	return g.Until
}

// mayGrant refuses whoever may not let a contractor look: listed monitors and
// the head may.
func (r *Room) mayGrant(ctx context.Context, a actor.Actor) error {
	if a.May(MayConfirm) && !isPupil(a) {
		return nil
	}
	return r.allowed(ctx, a)
}

// GrantSight lets a contractor look. The bounds of the time are the policy's.
func (r *Room) GrantSight(ctx context.Context, g Grant) (Grant, error) {
	a := actor.From(ctx)
	if err := r.mayGrant(ctx, a); err != nil {
		return g, err
	}
	now := r.d.Clock.Now()
	g.Why = strings.TrimSpace(g.Why)
	if err := r.checkGrant(ctx, g, a, now).OrNil(); err != nil {
		return g, err
	}
	g.ID, g.At, g.By = store.NewID(now), now, a.ID
	if g.From.Before(now) {
		g.From = now
	}
	why, err := r.sealText(ctx, "contractor-grants", g.ID, g.Why)
	if err != nil {
		return g, err
	}
	return g, r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if err := insertGrant(ctx, tx, g, why); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbGranted, Kind: "contractor grant", ID: g.ID, Reason: g.Why,
			After: map[string]any{"contractor": g.Person, "purpose": g.Purpose, "with names": g.Names, "from": g.From, "until": g.Until},
			Rows:  []journal.Row{{Table: "contractor_grants", ID: g.ID}},
		})
	})
}

func (r *Room) checkGrant(ctx context.Context, g Grant, a actor.Actor, now time.Time) store.Invalid {
	bad := store.Invalid{}
	longest := r.values().Duration(keyGrantMax)
	from := g.From
	if from.Before(now) {
		from = now
	}
	switch {
	case g.Until.IsZero():
		bad["until"] = "Say until when: no grant is without an end."
	case !g.Until.After(from):
		bad["until"] = "The end must be after the beginning, and still to come."
	case g.Until.Sub(from) > longest:
		bad["until"] = "The policy lets a grant last " + words.Length(longest) + " at most. Choose an earlier end."
	}
	if g.From.After(now.Add(60 * oneDay)) {
		bad["from"] = "Begin within two months; nobody knows what is needed later."
	}
	if !slices.Contains(r.values().Items(keyPurposes), g.Purpose) {
		bad["purpose"] = "Choose one of the purposes."
	}
	if n := utf8.RuneCountInString(g.Why); n < minReason || n > maxReason {
		bad["why"] = fmt.Sprintf("Say in %d to %d letters what the contractor has to do.", minReason, maxReason)
	}
	if why := r.whyNotContractor(ctx, g.Person, a, now); why != "" {
		bad["person"] = why
	}
	return bad
}

// whyNotContractor says why a person can be given no sight, "" where they can.
func (r *Room) whyNotContractor(ctx context.Context, id people.ID, a actor.Actor, now time.Time) string {
	p, err := r.d.Roll.Get(ctx, id)
	switch {
	case err != nil:
		return "Choose the contractor."
	case p.Kind != people.Contractor:
		return "This person is not on the roll as a contractor."
	case !p.Here(people.DayOf(now)):
		return "This contractor's time at the school is over, or has not begun."
	case string(id) == a.Person:
		return "Nobody gives sight to themselves."
	}
	if r.d.Strong == nil {
		return ""
	}
	ok, err := r.d.Strong(ctx, id)
	if err != nil || !ok {
		return "This contractor's account has no second factor yet. It has to be set up before they may look."
	}
	return ""
}

// EndSight ends a grant before its time: whoever gave it may, another listed
// monitor, and the head.
func (r *Room) EndSight(ctx context.Context, id string) error {
	a := actor.From(ctx)
	if err := r.mayGrant(ctx, a); err != nil {
		return err
	}
	g, err := r.grant(ctx, id)
	if err != nil {
		return err
	}
	now := r.d.Clock.Now()
	if !now.Before(g.EndsAt()) {
		return nil
	}
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if err := endGrant(ctx, tx, id, now, a.ID); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbGrantEnded, Kind: "contractor grant", ID: id, Rows: []journal.Row{{Table: "contractor_grants", ID: id}},
		})
	})
}

// sight is the grant under which a contractor may look now. A grant counts
// only while whoever gave it may still give one.
func (r *Room) sight(ctx context.Context, a actor.Actor) (Grant, error) {
	if a.Audience != actor.Contractor || a.Person == "" {
		return Grant{}, fmt.Errorf("%w: this page is for contractors", store.ErrForbidden)
	}
	all, err := r.grantsOf(ctx, people.ID(a.Person), r.d.Clock.Now())
	if err != nil {
		return Grant{}, err
	}
	for _, g := range all {
		if !g.RunsAt(r.d.Clock.Now()) || !slices.Contains(r.values().Items(keyPurposes), g.Purpose) {
			continue
		}
		ok, err := r.stillGrantor(ctx, g.By)
		if err != nil {
			return Grant{}, err
		}
		if ok {
			return g, nil
		}
	}
	return Grant{}, fmt.Errorf("%w: nobody has given you sight of the record for now; ask one of the school's monitors", store.ErrForbidden)
}

// stillGrantor says whether a person may give sight at this moment: on the
// confirmed list, or the head.
func (r *Room) stillGrantor(ctx context.Context, actorID string) (bool, error) {
	id := people.ID(strings.TrimPrefix(actorID, "person:"))
	heads, err := r.holdersOf(ctx, people.Headteacher)
	if err != nil {
		return false, err
	}
	if slices.ContainsFunc(heads, func(o people.Office) bool { return o.Person.ID == id }) {
		return true, nil
	}
	list, err := r.List(ctx)
	if err != nil {
		return false, err
	}
	return list.Has(id), nil
}

// lookContractor is the kind of look that a contractor's is.
const lookContractor = "contractor"

// Sighted is what a contractor sees: rows without pages and search words, and
// without names unless the grant says so.
func (r *Room) Sighted(ctx context.Context, device, host string, day people.Day) (Answer, Grant, error) {
	a := actor.From(ctx)
	g, err := r.sight(ctx, a)
	if err != nil {
		return Answer{}, g, err
	}
	asked := Asked{Device: device, Host: host, From: day, To: day}
	q, said, err := r.query(ctx, asked)
	if err != nil {
		return Answer{}, g, err
	}
	q.Alert = activity.NoAlert
	p, err := r.grantPurpose(ctx, a, g)
	if err != nil {
		return Answer{}, g, err
	}
	page, err := r.d.Memory.Search(ctx, q)
	if err != nil {
		return Answer{}, g, refusal(err)
	}
	if err := r.look(ctx, p, lookContractor, len(page.Events), asked.asked()); err != nil {
		return Answer{}, g, err
	}
	rows := r.shape(ctx, page.Events)
	for i := range rows {
		s := &rows[i]
		s.Path, s.Words, s.Engine, s.Found, s.Ref = "", "", "", "", ""
		if !g.Names {
			s.Person, s.Name, s.How = "", "", ""
		}
	}
	return Answer{Rows: rows, Said: said, Purpose: p, Partial: page.Partial, SearchedTo: page.SearchedTo}, g, nil
}

// grantPurpose is the purpose under which a contractor's looks count: the
// grant's own, from its beginning to its end.
func (r *Room) grantPurpose(ctx context.Context, a actor.Actor, g Grant) (Purpose, error) {
	now := r.d.Clock.Now()
	p, err := r.latestPurpose(ctx, a.ID, "grant:"+g.ID, now)
	if !errors.Is(err, store.ErrNotFound) {
		return p, err
	}
	p = Purpose{ID: store.NewID(now), Actor: a.ID, Session: "grant:" + g.ID, Purpose: g.Purpose, Given: now, Until: g.Until}
	return p, r.keepPurpose(ctx, p, g.Why)
}

// askedUnder says, by look, what a contractor asked under a grant, out of the
// journal.
func (r *Room) askedUnder(ctx context.Context, g Grant) (map[string]string, error) {
	lines, err := r.d.Journal.List(ctx, journal.Filter{
		Kind: "look", Verbs: []journal.Verb{VerbViewed}, Actor: "person:" + string(g.Person), From: g.From, To: g.Until, Limit: 500,
	})
	if err != nil {
		return nil, fmt.Errorf("reading a contractor's looks in the journal: %w", err)
	}
	out := map[string]string{}
	for _, l := range lines {
		var d struct {
			After map[string]string `json:"after"`
		}
		if l.Erased || json.Unmarshal(l.Detail, &d) != nil {
			out[l.ID] = "no longer kept"
			continue
		}
		var parts []string
		for _, k := range []string{"device", "site", "from"} {
			if v := d.After["asked "+k]; v != "" {
				parts = append(parts, k+" "+v)
			}
		}
		if out[l.ID] = strings.Join(parts, ", "); out[l.ID] == "" {
			out[l.ID] = "everything of the last days"
		}
	}
	return out, nil
}
