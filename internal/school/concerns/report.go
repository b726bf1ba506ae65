package concerns

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/notice"
	"belisha/internal/kit/store"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

// Bounds on what is typed, in letters.
const (
	maxAccount = 20_000
	maxShort   = 300
	maxLong    = 4_000
	// maxPeople is how many people one form names.
	maxPeople = 6
)

// Mentioned is somebody whom a reporter names.
type Mentioned struct {
	Who  string // as typed: a name, a username, a number
	Role string
}

// Report is what a member of staff says.
type Report struct {
	Form     string // the form it came from: sent twice it is one concern
	Kind     string
	Also     []string
	Danger   bool
	People   []Mentioned
	NotKnown bool // it is not known who
	Account  string
	Place    string
	When     string
	Done     string
	// Ref is the row or signal of the record of web use that it came from.
	// Where that does not know for sure who it was, Confirm says why the
	// reporter does.
	Ref     string
	Confirm string
}

// Receipt is what a reporter keeps.
type Receipt struct {
	ID       string
	Ref      string
	Reported time.Time
	// Code is how somebody without a name comes back for an answer; only when
	// the concern was told, and only this once.
	Code string
}

// Report keeps a concern of a member of staff.
func (r *Room) Report(ctx context.Context, in Report) (Receipt, error) {
	a := actor.From(ctx)
	if !person(a) || !a.May(MayReport) {
		return Receipt{}, store.ErrForbidden
	}
	if err := r.mustBeReady(ctx); err != nil {
		return Receipt{}, err
	}
	form := r.mark("form", a.Person+":"+in.Form)
	if old, err := byForm(ctx, r.d.DB, form); err == nil {
		return receiptOf(&old), nil
	} else if !errors.Is(err, store.ErrNotFound) {
		return Receipt{}, err
	}
	bad := in.check()
	list := r.named(ctx, in, bad)
	seen, err := r.evidence(ctx, in, &list, bad)
	if err != nil {
		return Receipt{}, err
	}
	if err := bad.OrNil(); err != nil {
		return Receipt{}, err
	}
	k, _ := KindOf(in.Kind)
	c := Case{
		Form: form, Source: FromStaff, Kind: k.Value, Also: in.Also, Route: k.Route, Risk: k.Risk, Danger: in.Danger,
		Images: k.Images, Care: k.Care, Confidential: k.Sealed, Reporter: r.personMark(people.ID(a.Person)),
		About: About{Reporter: people.ID(a.Person), Place: in.Place, When: in.When, Done: in.Done},
	}
	if seen != nil && seen.Theme != "" { // what was flagged speaks of distress, health or abuse
		c.Care = true
	}
	entries := []Entry{{Kind: EntryAccount, Told: Told{Text: in.Account}}}
	if seen != nil {
		entries = append(entries, Entry{Kind: EntryEvidence, Told: Told{Text: seen.Words, Reason: seenWords(seen)}})
	}
	return r.create(ctx, c, list, entries, in.Ref)
}

// check looks at what can be wrong without asking anybody.
func (in *Report) check() store.Invalid {
	bad := store.Invalid{}
	in.Account, in.Place, in.When, in.Done = clean(in.Account), clean(in.Place), clean(in.When), clean(in.Done)
	in.Confirm = clean(in.Confirm)
	if _, ok := KindOf(in.Kind); !ok {
		bad["kind"] = "Choose what it is about."
	}
	in.Also = slices.DeleteFunc(slices.Clone(in.Also), func(v string) bool { return !hasOption(Also, v) })
	long(bad, "account", in.Account, maxAccount)
	if in.Account == "" {
		bad["account"] = "Write what happened. A sentence is enough to begin with."
	}
	long(bad, "place", in.Place, maxShort)
	long(bad, "when", in.When, maxShort)
	long(bad, "done", in.Done, maxLong)
	long(bad, "confirm", in.Confirm, maxLong)
	if len(in.Ref) > maxShort {
		bad[""] = "The row that this came from is not known here."
	}
	if len(in.People) > maxPeople {
		bad["who1"] = fmt.Sprintf("Name at most %d people here; more can be added to the case.", maxPeople)
	}
	return bad
}

// clean takes away what nobody meant to type.
func clean(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "�"), "\r\n", "\n")
	return strings.TrimSpace(strings.ReplaceAll(s, "\x00", ""))
}

func long(bad store.Invalid, field, text string, most int) {
	if n := utf8.RuneCountInString(text); n > most {
		bad[field] = fmt.Sprintf("Shorten this to %s letters; it has %s. Longer papers can be attached afterwards.", words.Number(most), words.Number(n))
	}
}

// named finds the people of a form on the roll.
func (r *Room) named(ctx context.Context, in Report, bad store.Invalid) []Person {
	var list []Person
	for i, m := range in.People {
		m.Who = clean(m.Who)
		if m.Who == "" {
			continue
		}
		field := fmt.Sprintf("who%d", i+1)
		if !hasOption(Roles, m.Role) {
			m.Role = roleHarmed
		}
		p, why := r.find(ctx, m.Who)
		if why != "" {
			bad[field] = why
			continue
		}
		list = append(list, r.personOf(p, m.Role))
	}
	if len(list) == 0 && len(bad) == 0 && !in.NotKnown && in.Ref == "" {
		if k, _ := KindOf(in.Kind); k.Area != Security {
			bad["who1"] = "Say who it is about, or tick that you do not know who."
		}
	}
	return list
}

// evidence asks for the row that a report came from. Only a row that is sure
// puts its person into the case by itself; else the reporter names somebody
// and says why it was them.
func (r *Room) evidence(ctx context.Context, in Report, list *[]Person, bad store.Invalid) (*Seen, error) {
	if in.Ref == "" {
		return nil, nil //nolint:nilnil // no row is no fault
	}
	seen, err := r.seen(ctx, in.Ref)
	if errors.Is(err, store.ErrForbidden) {
		bad[""] = "The row that this comes from may not be opened just now. What you typed is kept: give a purpose on the page of web activity again, then come back and send it."
		return nil, nil //nolint:nilnil // said in bad
	}
	if err != nil {
		return nil, err
	}
	if seen.Certainty == Sure && seen.Person != "" {
		p, err := r.d.Roll.Get(ctx, seen.Person)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(*list, func(x Person) bool { return x.Named.Person == p.ID }) {
			*list = append(*list, r.personOf(p, roleHarmed))
		}
		for i := range *list {
			if (*list)[i].Named.Person == p.ID {
				(*list)[i].Named.How = "signed in when it happened"
			}
		}
		return &seen, nil
	}
	for i := range *list {
		(*list)[i].Named.How = "confirmed by whoever reported it: " + in.Confirm
	}
	if len(*list) > 0 && in.Confirm == "" {
		bad["confirm"] = "The record does not know for sure who it was. Say how you know that it was the person you name, or name nobody."
	}
	return &seen, nil
}

// seen asks monitoring what a row says.
func (r *Room) seen(ctx context.Context, ref string) (Seen, error) {
	if r.d.Evidence == nil {
		return Seen{}, store.ErrNotFound
	}
	s, err := r.d.Evidence.Evidence(ctx, ref)
	if err != nil {
		return Seen{}, err
	}
	s.Words = cut(clean(s.Words), maxLong)
	return s, nil
}

// seenWords says how much a row knows.
func seenWords(s *Seen) string {
	switch s.Certainty {
	case Sure:
		return "The record knows who was signed in."
	case Likely:
		return "The record shows who it probably was; that is no proof."
	default:
		return "The record shows a device or an address, and no person."
	}
}

// create keeps a new case with everything that came with it, and tells those
// it goes to that something waits.
func (r *Room) create(ctx context.Context, c Case, list []Person, entries []Entry, ref string) (Receipt, error) {
	now := r.now()
	if err := r.prepare(ctx, &c, list, now); err != nil {
		return Receipt{}, err
	}
	kept, err := r.barHead(ctx, c.Route, list)
	if err != nil {
		return Receipt{}, err
	}
	list = append(list, kept...)
	who, tier, err := r.receivers(ctx, c.Route, list)
	if err != nil {
		return Receipt{}, err
	}
	c.Tier = tier
	err = r.d.DB.Write(hidden(ctx), func(tx *store.Tx) error {
		if old, err := byForm(ctx, tx, c.Form); err == nil { // sent twice at once
			c = old
			return nil
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return r.keepNew(hidden(ctx), tx, &c, list, entries, ref, who)
	})
	if err != nil {
		return Receipt{}, fmt.Errorf("keeping a concern: %w", err)
	}
	return receiptOf(&c), nil
}

// prepare fills what follows from the moment and the settings.
func (r *Room) prepare(ctx context.Context, c *Case, list []Person, now time.Time) error {
	cal, err := r.calendar(ctx)
	if err != nil {
		return err
	}
	if c.Danger {
		c.Risk = 3
	}
	c.ID, c.State, c.Sight = store.NewID(now), CaseNew, SightUsual
	c.Reported, c.Clock = now, cal.NextOpening(now)
	c.Month = now.In(cal.Location()).Format("2006-01")
	c.Due = dueAfter(cal, c.Clock, r.target(c.Risk))
	if c.kind().Police {
		c.ReferralDue = dueAfter(cal, c.Clock, r.values().Duration(keyReferral))
	}
	c.KeepFrom, err = r.keepFrom(ctx, list, now)
	return err
}

func (r *Room) keepNew(ctx context.Context, tx *store.Tx, c *Case, list []Person, entries []Entry, ref string, who []people.Office) error {
	if err := r.insertCase(ctx, tx, c); err != nil {
		return err
	}
	rows := []journal.Row{row("concerns", c.ID)}
	for i := range list {
		list[i].ID = store.NewID(c.Reported.Add(time.Duration(i) * time.Millisecond)) // people stand in the order they were named in
		if err := r.insertPerson(ctx, tx, c.ID, list[i]); err != nil {
			return err
		}
		rows = append(rows, row("concern_people", list[i].ID))
	}
	for i, e := range entries {
		// What came first stands first, also when all came at once.
		e.ID, e.At = store.NewID(c.Reported), c.Reported.Add(time.Duration(i)*time.Millisecond)
		if err := r.insertEntry(ctx, tx, c.ID, e); err != nil {
			return err
		}
		rows = append(rows, row("concern_entries", e.ID))
	}
	if ref != "" {
		if err := insertRef(ctx, tx, ref, c.ID); err != nil {
			return err
		}
	}
	if err := r.line(ctx, tx, VerbReported, c.ID, rows...); err != nil {
		return err
	}
	return r.tellReceivers(ctx, tx, c, who, "new")
}

// tellReceivers mails those a case goes to that something waits. What is not
// urgent does not wake anybody: it is sent when school opens.
func (r *Room) tellReceivers(ctx context.Context, tx *store.Tx, c *Case, who []people.Office, what string) error {
	if r.d.Notices == nil || len(who) == 0 {
		return nil
	}
	n := notice.Notice{Key: "concern/" + c.ID + "/" + what, What: "A concern waits for you", Link: "/", Risk: c.Risk}
	for _, o := range who {
		n.To = append(n.To, string(o.Person.ID))
	}
	if c.Risk < 3 {
		n.After = c.Clock
	}
	return r.d.Notices.Send(ctx, tx, n)
}

func receiptOf(c *Case) Receipt { return Receipt{ID: c.ID, Ref: c.Ref(), Reported: c.Reported} }

// Status is all that a reporter sees of what they reported.
func (c *Case) Status() string {
	switch {
	case c.State == CaseClosed || c.State == CaseVoid:
		return "closed"
	case c.State == CaseOpen || !c.Read.IsZero():
		return "being looked at"
	default:
		return "received"
	}
}

// Mine are the concerns that whoever asks has reported: when, and where each
// stands. Nothing else of them is shown.
func (r *Room) Mine(ctx context.Context) ([]Case, error) {
	a := actor.From(ctx)
	if a.Person == "" {
		return nil, nil
	}
	return r.mine(ctx, people.ID(a.Person))
}

// ownReport returns the case if whoever asks has reported it.
func (r *Room) ownReport(ctx context.Context, q store.Querier, id string) (Case, error) {
	a := actor.From(ctx)
	c, err := r.caseOf(ctx, q, id)
	if err != nil {
		return Case{}, err
	}
	if a.Person == "" || c.Reporter == "" || c.Reporter != r.personMark(people.ID(a.Person)) {
		return Case{}, store.ErrNotFound
	}
	return c, nil
}
