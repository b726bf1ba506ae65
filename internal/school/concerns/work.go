package concerns

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// maxPerCase bounds what is written to one case.
const maxPerCase = 1500

// change is what a piece of work does to a case.
type change struct {
	verb    journal.Verb
	entries []Entry
	rows    []journal.Row
	// acts: it counts as the first thing that was done.
	acts bool
}

// work lets one of those a case goes to (or, with mayNamed, somebody named for
// it) change it: a form made of an older state of the case is refused.
func (r *Room) work(ctx context.Context, id string, version int64, mayNamed bool, fn func(tx *store.Tx, w *Whole) (change, error)) (*Whole, error) {
	if err := r.mustBeReady(ctx); err != nil {
		return nil, err
	}
	rd, err := r.reader(ctx)
	if err != nil {
		return nil, err
	}
	var w *Whole
	err = r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if w, err = r.openIn(ctx, tx, rd, id); err != nil {
			return err
		}
		if !w.Full && !mayNamed {
			return fmt.Errorf("%w: only those it goes to decide this", store.ErrForbidden)
		}
		if w.Version != version {
			return store.ErrStale
		}
		if n, err := countEntries(ctx, tx, id); err != nil || n >= maxPerCase {
			if err == nil {
				err = store.Invalid{"": "This case has become too long to write to. Close it and open another that names it."}
			}
			return err
		}
		ch, err := fn(tx, w)
		if err != nil {
			return err
		}
		return r.keepChange(ctx, tx, w, ch)
	})
	return w, err
}

func (r *Room) keepChange(ctx context.Context, tx *store.Tx, w *Whole, ch change) error {
	now, by := r.now(), actor.From(ctx).ID
	rows := append([]journal.Row{row("concerns", w.ID)}, ch.rows...)
	for i, e := range ch.entries {
		e.ID, e.At, e.Told.By = store.NewID(now), now.Add(time.Duration(i)*time.Millisecond), by
		if err := r.insertEntry(ctx, tx, w.ID, e); err != nil {
			return err
		}
		rows = append(rows, row("concern_entries", e.ID))
	}
	if ch.acts && w.First.IsZero() {
		w.First = now
	}
	if ch.acts && w.State == CaseNew {
		w.State = CaseOpen
	}
	if err := updateCase(ctx, tx, &w.Case); err != nil {
		return err
	}
	return r.line(ctx, tx, ch.verb, w.ID, rows...)
}

// Triage is what is decided first: how urgent, whose, which way.
type Triage struct {
	Kind  string
	Also  []string
	Risk  int
	Route Route
	Owner people.ID
	Note  string
}

// Triage decides how a case goes on. Moved to a route that does not go to
// whoever decides it, it is theirs no longer.
func (r *Room) Triage(ctx context.Context, id string, version int64, t Triage) (*Whole, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	cal, err := r.calendar(ctx)
	if err != nil {
		return nil, err
	}
	var moved bool
	w, err := r.work(ctx, id, version, false, func(tx *store.Tx, w *Whole) (change, error) {
		if !w.live() {
			return change{}, errNotLive
		}
		ch := change{verb: VerbTriaged, acts: true}
		if err := r.keepFromHead(ctx, tx, w, t.Route, &ch); err != nil {
			return change{}, err
		}
		who, tier, err := r.receivers(ctx, t.Route, w.People)
		if err != nil {
			return change{}, err
		}
		if len(who) == 0 {
			return change{}, store.Invalid{"route": "Nobody would receive it that way: fill the post first."}
		}
		if t.Owner != "" && !slices.ContainsFunc(who, func(o people.Office) bool { return o.Person.ID == t.Owner }) {
			return change{}, store.Invalid{"owner": "Choose somebody it goes to."}
		}
		moved = t.Route != w.Route
		said := t.words(w)
		if moved {
			w.Sight = SightUsual
		}
		k, _ := KindOf(t.Kind)
		w.Kind, w.Also, w.Risk, w.Route, w.Tier, w.Owner = t.Kind, t.Also, t.Risk, t.Route, tier, t.Owner
		w.Images, w.Care = w.Images || k.Images, w.Care || k.Care
		w.Due = dueAfter(cal, w.Clock, r.target(t.Risk))
		if k.Police && w.ReferralDue.IsZero() {
			w.ReferralDue = dueAfter(cal, cal.NextOpening(r.now()), r.values().Duration(keyReferral))
		}
		if moved {
			if err := r.tellReceivers(ctx, tx, &w.Case, who, "moved/"+store.NewID(r.now())); err != nil {
				return change{}, err
			}
		}
		ch.entries = []Entry{{Kind: EntryTriage, Told: Told{Text: said, Reason: t.Note}}}
		if w.Care {
			err = r.liftAll(ctx, tx, w, "What this is about never leads to a sanction.", &ch)
		}
		return ch, err
	})
	return w, err
}

// keepFromHead puts the head among those who must not read a case that is now
// about the head.
func (r *Room) keepFromHead(ctx context.Context, tx *store.Tx, w *Whole, route Route, ch *change) error {
	kept, err := r.barHead(ctx, route, w.People)
	if err != nil {
		return err
	}
	for _, p := range kept {
		p.ID = store.NewID(r.now())
		if err := r.insertPerson(ctx, tx, w.ID, p); err != nil {
			return err
		}
		w.People = append(w.People, p)
		ch.rows = append(ch.rows, row("concern_people", p.ID))
	}
	return nil
}

var errNotLive = store.Invalid{"": "This case is closed. Open it again first."}

func (t *Triage) check() error {
	bad := store.Invalid{}
	t.Note = clean(t.Note)
	if _, ok := KindOf(t.Kind); !ok {
		bad["kind"] = "Choose what it is about."
	}
	if t.Risk < 1 || t.Risk > 3 {
		bad["risk"] = "Choose how urgent it is."
	}
	if !slices.ContainsFunc(Routes, func(x RouteInfo) bool { return x.Route == t.Route }) {
		bad["route"] = "Choose which way it goes."
	}
	t.Also = slices.DeleteFunc(slices.Clone(t.Also), func(v string) bool { return !hasOption(Also, v) })
	long(bad, "note", t.Note, maxLong)
	return bad.OrNil()
}

// words says what was decided, and what it was before where that changed.
func (t *Triage) words(w *Whole) string {
	k, _ := KindOf(t.Kind)
	say := func(what, before, after string) string {
		if before == after {
			return what + ": " + after
		}
		return what + ": " + after + " (before: " + before + ")"
	}
	parts := []string{
		say("About", w.kind().Title, k.Title), say("Urgency", severityTitle(w.Risk), severityTitle(t.Risk)), say("Way", w.Route.title(), t.Route.title()),
	}
	if !slices.Equal(t.Also, w.Also) {
		var also []string
		for _, v := range t.Also {
			also = append(also, optionTitle(Also, v))
		}
		parts = append(parts, "Counted also as: "+strings.Join(also, ", "))
	}
	return strings.Join(parts, ". ") + "."
}

// Note adds to a case's story.
func (r *Room) Note(ctx context.Context, id string, version int64, text string) error {
	text, err := needed("text", text, maxAccount)
	if err != nil {
		return err
	}
	_, err = r.work(ctx, id, version, true, func(_ *store.Tx, w *Whole) (change, error) {
		return change{verb: VerbNoted, acts: w.Full, entries: []Entry{{Kind: EntryNote, Told: Told{Text: text}}}}, nil
	})
	return err
}

// needed cleans what was typed and refuses nothing and too much.
func needed(field, text string, most int) (string, error) {
	text = clean(text)
	bad := store.Invalid{}
	if text == "" {
		bad[field] = "Write something here."
	}
	long(bad, field, text, most)
	return text, bad.OrNil()
}

// Amend sets a new text beside an entry. What the entry said before stays.
func (r *Room) Amend(ctx context.Context, id string, version int64, entry, text, reason string) error {
	text, err := needed("text", text, maxAccount)
	if err != nil {
		return err
	}
	if reason, err = needed("reason", reason, maxLong); err != nil {
		return err
	}
	_, err = r.work(ctx, id, version, false, func(_ *store.Tx, w *Whole) (change, error) {
		i := slices.IndexFunc(w.Entries, func(e Entry) bool { return e.ID == entry })
		if i < 0 {
			return change{}, store.ErrNotFound
		}
		if k := w.Entries[i].Kind; k != EntryAccount && k != EntryNote && k != EntryAmendment {
			return change{}, store.Invalid{"": "Only what was written by hand is amended; write a note instead."}
		}
		return change{verb: VerbAmended, entries: []Entry{{Kind: EntryAmendment, Amends: entry, Told: Told{Text: text, Reason: reason}}}}, nil
	})
	return err
}

// AddPerson puts somebody into a case. Those it goes to are worked out anew:
// whoever is now in it sees it no longer.
func (r *Room) AddPerson(ctx context.Context, id string, version int64, who, role, how string) error {
	bad := store.Invalid{}
	who, how = clean(who), clean(how)
	if !hasOption(Roles, role) {
		bad["role"] = "Choose how they are in it."
	}
	long(bad, "how", how, maxLong)
	p, why := people.Person{}, "Write a name, a username or a number."
	if who != "" {
		p, why = r.find(ctx, who)
	}
	if why != "" {
		bad["who"] = why
	}
	if err := bad.OrNil(); err != nil {
		return err
	}
	_, err := r.work(ctx, id, version, false, func(tx *store.Tx, w *Whole) (change, error) {
		n := r.personOf(p, role)
		n.ID, n.Named.How = store.NewID(r.now()), how
		if err := r.insertPerson(ctx, tx, id, n); err != nil {
			return change{}, err
		}
		w.People = append(w.People, n)
		return r.repeople(ctx, w, []string{n.ID}, "Added: "+n.Named.Name+", who "+optionTitle(Roles, role)+".", how)
	})
	return err
}

// TakeOut takes somebody out of a case who is in it by mistake. The row stays,
// with the reason.
func (r *Room) TakeOut(ctx context.Context, id string, version int64, who, reason string) error {
	reason, err := needed("reason", reason, maxLong)
	if err != nil {
		return err
	}
	_, err = r.work(ctx, id, version, false, func(tx *store.Tx, w *Whole) (change, error) {
		i := slices.IndexFunc(w.People, func(p Person) bool { return p.ID == who && !p.Gone })
		if i < 0 {
			return change{}, store.ErrNotFound
		}
		p := &w.People[i]
		p.Gone, p.Named.Gone = true, reason
		if err := r.takeOut(ctx, tx, id, *p); err != nil {
			return change{}, err
		}
		ch, err := r.repeople(ctx, w, []string{p.ID}, "Taken out: "+p.Named.Name+".", reason)
		if err != nil || p.Mark == "" {
			return ch, err
		}
		err = r.lift(ctx, tx, w, "They were in the concern by mistake.", &ch, func(x *Pause) bool { return x.Mark == p.Mark })
		return ch, err
	})
	return err
}

// repeople works out what follows when other people are in a case.
func (r *Room) repeople(ctx context.Context, w *Whole, ids []string, text, reason string) (change, error) {
	_, tier, err := r.receivers(ctx, w.Route, w.People)
	if err != nil {
		return change{}, err
	}
	w.Tier = tier
	if w.KeepFrom, err = r.keepFrom(ctx, w.People, w.Reported); err != nil {
		return change{}, err
	}
	ch := change{verb: VerbNamed, acts: true, entries: []Entry{{Kind: EntryPerson, Told: Told{Text: text, Reason: reason}}}}
	for _, id := range ids {
		ch.rows = append(ch.rows, row("concern_people", id))
	}
	return ch, nil
}

// SetSight narrows who may see a case, or opens it again to all it goes to.
func (r *Room) SetSight(ctx context.Context, id string, version int64, sight, reason string) error {
	reason, err := needed("reason", reason, maxLong)
	if err != nil {
		return err
	}
	if !hasOption(sights, sight) {
		return store.Invalid{"sight": "Choose who may see it."}
	}
	_, err = r.work(ctx, id, version, false, func(_ *store.Tx, w *Whole) (change, error) {
		if sight != SightUsual && w.Route != ChildProtection && w.Route != Behaviour {
			return change{}, store.Invalid{"sight": "This way goes to few people already; nothing narrower can be chosen."}
		}
		if err := r.somebodySees(ctx, w, sight); err != nil {
			return change{}, err
		}
		text := "Now: " + optionTitle(sights, sight) + ". Before: " + optionTitle(sights, w.Sight) + "."
		w.Sight = sight
		return change{verb: VerbSight, entries: []Entry{{Kind: EntrySight, Told: Told{Text: text, Reason: reason}}}}, nil
	})
	return err
}

// somebodySees refuses a sight that would leave a case to nobody.
func (r *Room) somebodySees(ctx context.Context, w *Whole, sight string) error {
	posts := []people.Post{people.Headteacher}
	switch sight {
	case SightUsual:
		return nil
	case SightLeadAndHead:
		posts = append(posts, people.SafeguardingLead)
	}
	who, err := r.holders(ctx, posts)
	if err != nil {
		return err
	}
	marks := barred(w.People)
	for _, o := range who {
		close, err := r.relations(ctx, o.Person.ID)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(close, func(m string) bool { return slices.Contains(marks, m) }) {
			return nil
		}
	}
	return store.Invalid{"sight": "Nobody could see it then: whoever holds the post is in the case, or nobody holds it."}
}

// maxLeave is the longest that somebody is named for a case.
const maxLeave = 366 * oneDay

// Name lets one more person see a case until a day, for a reason.
func (r *Room) Name(ctx context.Context, id string, version int64, who string, until time.Time, reason string) error {
	reason, err := needed("reason", reason, maxLong)
	if err != nil {
		return err
	}
	now := r.now()
	if !until.After(now) || until.Sub(now) > maxLeave {
		return store.Invalid{"until": "Give a day after today and within a year."}
	}
	p, why := r.find(ctx, clean(who))
	if why == "" && p.Kind != people.Staff && p.Kind != people.Governor {
		why = "Only staff and governors can be named for a case."
	}
	if why != "" {
		return store.Invalid{"who": why}
	}
	close, err := r.relations(ctx, p.ID)
	if err != nil {
		return err
	}
	_, err = r.work(ctx, id, version, false, func(tx *store.Tx, w *Whole) (change, error) {
		marks := barred(w.People)
		if slices.ContainsFunc(close, func(m string) bool { return slices.Contains(marks, m) }) {
			return change{}, store.Invalid{"who": "They are in this case, or close to somebody who is."}
		}
		s := Sighting{ID: store.NewID(now), Person: p.ID, Kind: sightNamed, From: now, Until: until, Reason: reason, By: actor.From(ctx).ID}
		if err := r.insertSight(ctx, tx, id, s); err != nil {
			return change{}, err
		}
		return change{verb: VerbSight, rows: []journal.Row{row("concern_sights", s.ID)}, entries: []Entry{{
			Kind: EntrySight, Told: Told{Text: p.Name() + " may see it until " + people.DayOf(until).Words() + ".", Reason: reason},
		}}}, nil
	})
	return err
}

// Unname ends somebody's leave to see a case.
func (r *Room) Unname(ctx context.Context, id string, version int64, sighting string) error {
	_, err := r.work(ctx, id, version, false, func(tx *store.Tx, _ *Whole) (change, error) {
		if err := endSight(ctx, tx, id, sighting); err != nil {
			return change{}, err
		}
		return change{verb: VerbSight, rows: []journal.Row{row("concern_sights", sighting)}, entries: []Entry{{
			Kind: EntrySight, Told: Told{Text: "A leave to see it was ended."},
		}}}, nil
	})
	return err
}

// SetHold keeps a case beyond its time, or lets it go again.
func (r *Room) SetHold(ctx context.Context, id string, version int64, hold bool, reason string) error {
	reason, err := needed("reason", reason, maxLong)
	if err != nil {
		return err
	}
	_, err = r.work(ctx, id, version, false, func(_ *store.Tx, w *Whole) (change, error) {
		if w.Hold == hold {
			return change{}, store.ErrStale
		}
		w.Hold = hold
		text := "Under a legal hold: it is kept until the hold is taken off."
		if !hold {
			text = "The legal hold was taken off."
		}
		return change{verb: VerbHold, entries: []Entry{{Kind: EntryHold, Told: Told{Text: text, Reason: reason}}}}, nil
	})
	return err
}

// Reply answers whoever raised a concern. It is all of the case that they
// read, besides where it stands.
func (r *Room) Reply(ctx context.Context, id string, version int64, text string) error {
	text, err := needed("text", text, maxLong)
	if err != nil {
		return err
	}
	_, err = r.work(ctx, id, version, false, func(_ *store.Tx, w *Whole) (change, error) {
		if w.Reporter == "" && w.ReplyCode == "" {
			return change{}, store.Invalid{"": "There is no way back to whoever told this."}
		}
		return change{verb: VerbReplied, acts: true, entries: []Entry{{Kind: EntryReply, Told: Told{Text: text}}}}, nil
	})
	return err
}
