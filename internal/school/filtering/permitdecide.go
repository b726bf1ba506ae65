package filtering

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/notice"
	"belisha/internal/kit/store"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

// The kinds of change that a permit makes.
const (
	kindPermit    = "permit"
	kindPermitEnd = "permit end"
)

// GrantPermit lets whoever asked download the file, from now for the length of
// time. Everything is looked at again: the file, the site, the asker and who
// grants.
func (r *Room) GrantPermit(ctx context.Context, id string, long time.Duration) error {
	p, err := r.permitting(ctx, id)
	if err != nil {
		return err
	}
	most := r.d.Live.Current().Duration(keyPermitMax)
	if long < leastPermit || long > most {
		return store.Invalid{"minutes": fmt.Sprintf("A file is permitted for %s to %s.", words.Length(leastPermit), words.Length(most))}
	}
	who, err := r.d.People.Present(ctx, p.AskedBy)
	if errors.Is(err, store.ErrNotFound) {
		return &Refused{Words: "Whoever asked is not at the school any more. Nothing was permitted."}
	}
	if err != nil {
		return fmt.Errorf("reading who asked: %w", err)
	}
	if err := r.permittable(ctx, p, who, netip.Addr{}); err != nil {
		return err
	}
	now := r.now()
	p.State, p.DecidedAt, p.DecidedBy, p.From, p.Until = UnblockGranted, now, people.ID(actor.From(ctx).Person), now, now.Add(long)
	says := p.says(r.words(ctx))
	return stale(r.apply(ctx, &edit{
		change: Change{Kind: kindPermit, Ref: p.ID, Reason: p.Purpose, What: "A file was permitted.", Becomes: says},
		alter: func(st *state) error {
			if len(st.permits) >= mostPermits {
				return &Refused{Words: fmt.Sprintf("%d files are permitted already and no more fit.", mostPermits)}
			}
			st.permits = append(st.permits, p)
			return nil
		},
		write: func(ctx context.Context, tx *store.Tx) ([]journal.Row, error) {
			return permitRows(p), r.permitDecided(ctx, tx, p, VerbPermitGranted, says, nil)
		},
	}))
}

// permitDecided writes a decision with its own line and tells the asker.
func (r *Room) permitDecided(ctx context.Context, tx *store.Tx, p Permit, verb journal.Verb, says string, rows []journal.Row) error {
	if err := decidePermit(ctx, tx, p); err != nil {
		return err
	}
	if err := r.tell(ctx, tx, notice.Notice{
		Key: "permit/" + p.ID + "/" + string(p.State), To: []string{string(p.AskedBy)},
		What: "What you asked of the filter was decided", Link: pathPermit + "/" + p.ID, Risk: 1,
	}); err != nil {
		return err
	}
	return r.d.Journal.Write(ctx, tx, journal.Entry{Verb: verb, Kind: "permit", ID: p.ID, After: told{says}, Reason: p.Answer, Rows: rows})
}

// permitting is what is asked, for somebody who may decide it.
func (r *Room) permitting(ctx context.Context, id string) (Permit, error) {
	if !actor.From(ctx).May(MayPermit) {
		return Permit{}, store.ErrForbidden
	}
	p, err := getPermit(ctx, r.d.DB, id)
	if err != nil {
		return p, err
	}
	why, err := r.mayPermit(ctx, actor.From(ctx), p)
	if err != nil {
		return p, err
	}
	if why != "" {
		return p, r.refusedBy(ctx, "decide about the file "+id, "", why)
	}
	return p, p.undecided(r.now())
}

// undecided refuses what is not waiting for a decision any more.
func (p Permit) undecided(now time.Time) error {
	switch {
	case p.State == UnblockAsked && p.Until.After(now):
		return nil
	case p.State == UnblockAsked || p.State == UnblockLapsed:
		return &Refused{Words: "Nobody decided in time, so there is nothing to decide any more. Nothing was permitted."}
	case p.State == UnblockGranted:
		return &Refused{Words: "It is permitted already."}
	case p.State == UnblockWithdrawn:
		return &Refused{Words: "Whoever asked has taken it back. Nothing was permitted."}
	}
	return &Refused{Words: "It has been decided already."}
}

// RefusePermit says no, and why.
func (r *Room) RefusePermit(ctx context.Context, id, why string) error {
	p, err := r.permitting(ctx, id)
	if err != nil {
		return err
	}
	if p.Answer, err = reason(why); err != nil {
		return err
	}
	p.State, p.DecidedAt, p.DecidedBy = UnblockRefused, r.now(), people.ID(actor.From(ctx).Person)
	return stale(r.d.DB.Write(ctx, func(tx *store.Tx) error {
		return r.permitDecided(ctx, tx, p, VerbPermitRefused, "", permitRows(p))
	}))
}

// WithdrawPermit takes back what one asked and nobody has decided.
func (r *Room) WithdrawPermit(ctx context.Context, id string) error {
	p, err := r.myPermit(ctx, id)
	if err != nil {
		return err
	}
	if err := p.undecided(r.now()); err != nil {
		return err
	}
	p.State, p.EndedAt, p.EndedBy = UnblockWithdrawn, r.now(), actor.From(ctx).ID
	return stale(r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if err := closePermit(ctx, tx, p, UnblockAsked); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{Verb: VerbPermitWithdrawn, Kind: "permit", ID: p.ID, Rows: permitRows(p)})
	}))
}

// myPermit is a permit that the actor asked for.
func (r *Room) myPermit(ctx context.Context, id string) (Permit, error) {
	a := actor.From(ctx)
	if a.Person == "" {
		return Permit{}, store.ErrForbidden
	}
	p, err := getPermit(ctx, r.d.DB, id)
	if err == nil && string(p.AskedBy) != a.Person {
		return Permit{}, store.ErrNotFound
	}
	return p, err
}

// Permit returns one by its id, for whoever asked it, may decide it or may
// read the filter.
func (r *Room) Permit(ctx context.Context, id string) (Permit, error) {
	p, err := getPermit(ctx, r.d.DB, id)
	if err != nil {
		return p, err
	}
	a := actor.From(ctx)
	if a.May(MayRead) || a.Person != "" && (a.Person == string(p.AskedBy) || a.Person == string(p.DecidedBy)) {
		return p, nil
	}
	why, err := r.mayPermit(ctx, a, p)
	if err == nil && why != "" {
		return Permit{}, store.ErrNotFound
	}
	return p, err
}

// EndPermit closes a file again before its time: whoever asked may do so, and
// everybody who could have permitted it.
func (r *Room) EndPermit(ctx context.Context, id string) error {
	a := actor.From(ctx)
	p, err := getPermit(ctx, r.d.DB, id)
	if err != nil {
		return err
	}
	if a.Person == "" || people.ID(a.Person) != p.AskedBy {
		why, err := r.mayPermit(ctx, a, p)
		if err != nil {
			return err
		}
		if why != "" {
			return store.ErrNotFound
		}
	}
	if p.State != UnblockGranted || !p.Until.After(r.now()) {
		return &Refused{Words: "It is not permitted any more."}
	}
	p.State, p.EndedAt, p.EndedBy = UnblockEnded, r.now(), a.ID
	return stale(r.endPermits(ctx, []Permit{p}, "A file that was permitted was closed before its time."))
}

// endPermits takes granted permits out of the rules.
func (r *Room) endPermits(ctx context.Context, list []Permit, what string) error {
	w := r.words(ctx)
	c := Change{Kind: kindPermitEnd, Ref: list[0].ID, What: what}
	for _, p := range list[:min(len(list), mostTold)] {
		c.Was += p.says(w) + ". "
	}
	c.Was = strings.TrimSpace(c.Was)
	return r.apply(ctx, &edit{
		change: c,
		alter: func(st *state) error {
			st.permits = slices.DeleteFunc(st.permits, func(x Permit) bool {
				return slices.ContainsFunc(list, func(p Permit) bool { return p.ID == x.ID })
			})
			return nil
		},
		write: func(ctx context.Context, tx *store.Tx) ([]journal.Row, error) {
			var rows []journal.Row
			for _, p := range list {
				if err := closePermit(ctx, tx, p, UnblockGranted); err != nil {
					return nil, err
				}
				rows = append(rows, permitRows(p)...)
				if err := r.d.Journal.Write(ctx, tx, journal.Entry{Verb: VerbPermitEnded, Kind: "permit", ID: p.ID, Before: told{p.says(w)}}); err != nil {
					return nil, err
				}
			}
			return rows, nil
		},
	})
}

// SettlePermits writes down what ended by the clock: the files closed at that
// moment already, since the rules say until when they are open.
func (r *Room) SettlePermits(ctx context.Context) error {
	over, err := overPermits(ctx, r.d.DB, r.now())
	if err != nil {
		return fmt.Errorf("reading which files ended: %w", err)
	}
	var ended []Permit
	for _, p := range over {
		if p.State == UnblockGranted {
			p.State, p.EndedAt, p.EndedBy = UnblockEnded, p.Until, actor.From(ctx).ID
			ended = append(ended, p)
			continue
		}
		p.State, p.EndedAt, p.EndedBy = UnblockLapsed, p.Until, actor.From(ctx).ID
		err := r.d.DB.Write(ctx, func(tx *store.Tx) error {
			if err := closePermit(ctx, tx, p, UnblockAsked); err != nil {
				return err
			}
			return r.d.Journal.Write(ctx, tx, journal.Entry{Verb: VerbPermitLapsed, Kind: "permit", ID: p.ID, Rows: permitRows(p)})
		})
		if err != nil {
			return fmt.Errorf("writing down what nobody decided: %w", err)
		}
	}
	if len(ended) == 0 {
		return nil
	}
	if err := r.endPermits(ctx, ended, "A file that was permitted closed by itself."); err != nil {
		return fmt.Errorf("writing down what closed by itself: %w", err)
	}
	return nil
}
