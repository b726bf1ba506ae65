package filtering

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/notice"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
	"belisha/internal/verdict"
)

// Refusal is what the filter closed last at an address.
type Refusal struct {
	Host   string
	Reason string // the judge's word: "file", "virus" …
	Detail string // what was found: "file program setup.exe"
}

// AskPermit asks for one file. from is the address that is asked from, not
// valid where none is known: what the scanner found something in just now is
// refused at once.
func (r *Room) AskPermit(ctx context.Context, raw string, p Permit, from netip.Addr) (Permit, error) {
	who, err := r.permitAsker(ctx)
	if err != nil {
		return p, err
	}
	if err := p.check(raw); err != nil {
		return p, err
	}
	now := r.now()
	p.ID, p.State, p.AskedAt, p.AskedBy, p.Group, p.Version = store.NewID(now), UnblockAsked, now, who.ID, groupOf(who.Kind), 1
	p.Until = now.Add(permitWaits)
	if err := r.permittable(ctx, p, who, from); err != nil {
		return p, err
	}
	n, err := r.permitNotice(ctx, p, who)
	if err != nil {
		return p, err
	}
	r.changing.Lock()
	defer r.changing.Unlock()
	return p, r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if err := roomForPermit(ctx, tx, p); err != nil {
			return err
		}
		if err := insertPermit(ctx, tx, p); err != nil {
			return err
		}
		if err := r.tell(ctx, tx, n); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbPermitAsked, Kind: "permit", ID: p.ID, After: told{p.Address()}, Reason: p.Purpose, Rows: permitRows(p),
		})
	})
}

// permitAsker is who asks: somebody on the roll, in person or through a token
// of theirs.
func (r *Room) permitAsker(ctx context.Context) (people.Person, error) {
	a := actor.From(ctx)
	if a.Person == "" {
		return people.Person{}, store.ErrForbidden
	}
	p, err := r.d.People.Present(ctx, people.ID(a.Person))
	if errors.Is(err, store.ErrNotFound) {
		return p, store.ErrForbidden
	}
	if err != nil {
		return p, fmt.Errorf("reading who asks: %w", err)
	}
	return p, nil
}

// roomForPermit refuses what was asked already and more than anybody can
// decide.
func roomForPermit(ctx context.Context, q store.Querier, p Permit) error {
	open, err := askedPermits(ctx, q, p.AskedAt)
	if err != nil {
		return err
	}
	mine := 0
	for _, x := range open {
		if x.AskedBy != p.AskedBy {
			continue
		}
		mine++
		if x.Host == p.Host && x.Path == p.Path {
			return &AskedAlready{ID: x.ID}
		}
	}
	if mine >= mostPermitsEach || len(open) >= mostPermitsAll {
		return store.Invalid{"": "Too many files are waiting for an answer already. Wait for the answers, or take one back."}
	}
	return nil
}

// permittable holds what is asked against the site's own rules and against
// what the scanner found.
func (r *Room) permittable(ctx context.Context, p Permit, who people.Person, from netip.Addr) error {
	snap := r.Snapshot()
	if snap == nil {
		return errNoVersion
	}
	musts, err := liveMusts(ctx, r.d.DB)
	if err != nil {
		return fmt.Errorf("reading what must be closed: %w", err)
	}
	if m, ok := mustClose(musts, p.Host); ok {
		return r.refusedBy(ctx, "download "+p.Address(), "", p.Host+" stands on the school's list of what must stay closed ("+m.URL+").")
	}
	groups := snap.Names().GroupBits(r.GroupsOf(who.Kind, who.Stage()))
	at := r.now()
	cal, err := r.d.People.Calendar(ctx, people.MainSite)
	if err != nil {
		return fmt.Errorf("reading the calendar: %w", err)
	}
	v := snap.Decide(&verdict.Ask{
		Door: verdict.DoorProxy, Host: p.Host, Path: p.Path, Groups: groups, KeyStage: snap.Names().KeyStage(string(who.Stage())),
		Classes: snap.Names().ClassNumbers(r.labelsOf(ctx, who)), At: at, Minute: cal.MinuteOfWeek(at),
	})
	if acted(v) == verdict.Block {
		return r.refusedBy(ctx, "download "+p.Address(), "", p.Host+" itself is closed, so no file of it can be permitted. Ask for the site.")
	}
	return r.notInfected(ctx, p, from)
}

func (r *Room) labelsOf(ctx context.Context, who people.Person) []string {
	classes, err := r.d.People.ClassesOf(ctx, who.ID)
	if err != nil {
		return nil // without a class nothing more is open
	}
	return ClassLabels(who, classes)
}

// notInfected refuses a file that the scanner found something in when it was
// asked for at the address.
func (r *Room) notInfected(ctx context.Context, p Permit, from netip.Addr) error {
	if r.d.ClosedAt == nil || !from.IsValid() {
		return nil
	}
	last, ok, err := r.d.ClosedAt(ctx, from)
	if err != nil || !ok {
		return nil //nolint:nilerr // the filter looks again when the file is fetched, and no permit opens what it finds
	}
	if last.Host == p.Host && last.Reason == verdict.ReasonVirus.String() {
		return r.refusedBy(ctx, "download "+p.Address(), "", "The virus scanner found something in this file. Nobody can permit it. Tell the network manager if you need what it should have been.")
	}
	return nil
}

// permitNotice says who is told that somebody waits.
func (r *Room) permitNotice(ctx context.Context, p Permit, who people.Person) (notice.Notice, error) {
	n := notice.Notice{
		Key: "permit/" + p.ID + "/asked", Not: []string{string(p.AskedBy)},
		What: "Somebody asks for a file to be permitted", Link: pathPermits + "/" + p.ID, Risk: 2,
	}
	d, err := r.permitDeciders(ctx, p)
	if err != nil {
		return n, err
	}
	for _, post := range d.posts {
		n.Posts = append(n.Posts, string(post))
	}
	if !d.anyStaff {
		return n, nil
	}
	teachers, err := r.teachersOf(ctx, who)
	if err != nil {
		return n, err
	}
	for _, id := range teachers {
		n.To = append(n.To, string(id))
	}
	if len(n.To)+len(n.Posts) == 0 {
		n.Posts = []string{string(people.FilterManager)}
	}
	return n, nil
}

// mostTeachers bounds who is told of one file.
const mostTeachers = 12

// teachersOf are the staff who teach somebody's classes.
func (r *Room) teachersOf(ctx context.Context, who people.Person) ([]people.ID, error) {
	classes, err := r.d.People.ClassesOf(ctx, who.ID)
	if err != nil {
		return nil, fmt.Errorf("reading the classes: %w", err)
	}
	if who.Class != "" {
		classes = append([]string{who.Class}, without(classes, []string{who.Class})...)
	}
	var out []people.ID
	for _, class := range classes {
		members, err := r.d.People.Members(ctx, class, true)
		if err != nil {
			return nil, fmt.Errorf("reading who teaches the class: %w", err)
		}
		for _, m := range members {
			if m.ID != who.ID && len(out) < mostTeachers && !slices.Contains(out, m.ID) {
				out = append(out, m.ID)
			}
		}
	}
	return out, nil
}
