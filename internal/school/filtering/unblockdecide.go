package filtering

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/notice"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// GrantUnblock opens what was asked, until its end. Everything is looked at
// again: the sites, the policy, the class, the asker and who grants.
func (r *Room) GrantUnblock(ctx context.Context, id string) error {
	u, err := r.deciding(ctx, id)
	if err != nil {
		return err
	}
	if err := r.stillAsked(ctx, &u); err != nil {
		return err
	}
	u.State, u.DecidedAt, u.DecidedBy = UnblockGranted, r.now(), people.ID(actor.From(ctx).Person)
	says := u.says(r.words(ctx))
	return stale(r.apply(ctx, &edit{
		change: Change{Kind: kindUnblock, Ref: u.ID, Reason: u.Purpose, What: "A site was opened for a lesson.", Becomes: says},
		alter: func(st *state) error {
			if len(st.unblocks) >= mostGranted {
				return &Refused{Words: fmt.Sprintf("%d sites are opened for lessons already and no more fit.", mostGranted)}
			}
			if !u.Until.After(r.now()) {
				return &Refused{Words: "Its time is over. Nothing was opened."}
			}
			st.unblocks = append(st.unblocks, u)
			return nil
		},
		write: func(ctx context.Context, tx *store.Tx) ([]journal.Row, error) {
			return unblockRows(u), r.decided(ctx, tx, u, VerbUnblockGranted, says)
		},
	}))
}

// decided writes a decision with its own line and tells the asker.
func (r *Room) decided(ctx context.Context, tx *store.Tx, u Unblock, verb journal.Verb, says string) error {
	if err := decideUnblock(ctx, tx, u); err != nil {
		return err
	}
	if err := r.tell(ctx, tx, notice.Notice{
		Key: "unblock/" + u.ID + "/" + string(u.State), To: []string{string(u.AskedBy)},
		What: "What you asked of the filter was decided", Link: pathUnblock + "/" + u.ID, Risk: 1,
	}); err != nil {
		return err
	}
	return r.d.Journal.Write(ctx, tx, journal.Entry{Verb: verb, Kind: "unblock", ID: u.ID, After: told{says}, Reason: u.Answer})
}

// deciding is what is asked, for somebody who may decide it.
func (r *Room) deciding(ctx context.Context, id string) (Unblock, error) {
	if !actor.From(ctx).May(MayUnblock) {
		return Unblock{}, store.ErrForbidden
	}
	u, err := getUnblock(ctx, r.d.DB, id)
	if err != nil {
		return u, err
	}
	why, err := r.mayDecide(ctx, actor.From(ctx), u.AskedBy)
	if err != nil {
		return u, err
	}
	if why != "" {
		return u, r.refusedBy(ctx, "decide about the timed unblock "+id, "", why)
	}
	return u, u.undecided(r.now())
}

// undecided refuses what is not waiting for a decision any more.
func (u Unblock) undecided(now time.Time) error {
	switch {
	case u.State == UnblockAsked && u.Until.After(now):
		return nil
	case u.State == UnblockAsked || u.State == UnblockLapsed:
		return &Refused{Words: "Its time is over, so there is nothing to decide any more. Nothing was opened."}
	case u.State == UnblockGranted:
		return &Refused{Words: "It is granted already."}
	case u.State == UnblockWithdrawn:
		return &Refused{Words: "Whoever asked has taken it back. Nothing was opened."}
	}
	return &Refused{Words: "It has been decided already."}
}

// stillAsked looks at everything again that may have changed since.
func (r *Room) stillAsked(ctx context.Context, u *Unblock) error {
	p, err := r.d.People.Present(ctx, u.AskedBy)
	if err != nil || p.Kind != people.Staff {
		return &Refused{Words: "Whoever asked is not on the staff any more. Nothing was opened."}
	}
	if err := r.known(ctx, u.For); err != nil {
		return err
	}
	social := u.Social
	if err := r.openFor(ctx, u); err != nil {
		return err
	}
	u.Social = u.Social || social
	return nil
}

// RefuseUnblock says no, and why.
func (r *Room) RefuseUnblock(ctx context.Context, id, why string) error {
	u, err := r.deciding(ctx, id)
	if err != nil {
		return err
	}
	if u.Answer, err = reason(why); err != nil {
		return err
	}
	u.State, u.DecidedAt, u.DecidedBy = UnblockRefused, r.now(), people.ID(actor.From(ctx).Person)
	return stale(r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if err := decideUnblock(ctx, tx, u); err != nil {
			return err
		}
		if err := r.tell(ctx, tx, notice.Notice{
			Key: "unblock/" + u.ID + "/refused", To: []string{string(u.AskedBy)},
			What: "What you asked of the filter was decided", Link: pathUnblock + "/" + u.ID, Risk: 1,
		}); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{Verb: VerbUnblockRefused, Kind: "unblock", ID: u.ID, Reason: u.Answer, Rows: unblockRows(u)})
	}))
}

func reason(why string) (string, error) {
	why = strings.TrimSpace(why)
	if why == "" || len([]rune(why)) > mostPurpose {
		return "", store.Invalid{"reason": fmt.Sprintf("Write why, in a sentence of at most %d letters.", mostPurpose)}
	}
	return why, nil
}

// WithdrawUnblock takes back what one asked and nobody has decided.
func (r *Room) WithdrawUnblock(ctx context.Context, id string) error {
	u, err := r.mine(ctx, id)
	if err != nil {
		return err
	}
	if err := u.undecided(r.now()); err != nil {
		return err
	}
	u.State, u.EndedAt, u.EndedBy = UnblockWithdrawn, r.now(), actor.From(ctx).ID
	return stale(r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if err := closeUnblock(ctx, tx, u, UnblockAsked); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{Verb: VerbUnblockWithdrawn, Kind: "unblock", ID: u.ID, Rows: unblockRows(u)})
	}))
}

// mine is an unblock that the actor asked for.
func (r *Room) mine(ctx context.Context, id string) (Unblock, error) {
	asker, err := asking(ctx)
	if err != nil {
		return Unblock{}, err
	}
	u, err := getUnblock(ctx, r.d.DB, id)
	if err == nil && u.AskedBy != asker {
		return Unblock{}, store.ErrNotFound
	}
	return u, err
}

// EndUnblock closes before its time what was opened: whoever asked may do so,
// any filter manager, and the head.
func (r *Room) EndUnblock(ctx context.Context, id string) error {
	a := actor.From(ctx)
	u, err := getUnblock(ctx, r.d.DB, id)
	if err != nil {
		return err
	}
	asked := a.May(MayAsk) && a.Person != "" && people.ID(a.Person) == u.AskedBy
	if !asked && !a.May(MayUnblock) {
		return store.ErrNotFound
	}
	if u.State != UnblockGranted || !u.Until.After(r.now()) {
		return &Refused{Words: "It is not open any more."}
	}
	u.State, u.EndedAt, u.EndedBy = UnblockEnded, r.now(), a.ID
	return stale(r.endAll(ctx, []Unblock{u}, "A site that was open for a lesson was closed before its time."))
}

// endAll takes granted unblocks out of the rules.
func (r *Room) endAll(ctx context.Context, list []Unblock, what string) error {
	w := r.words(ctx)
	c := Change{Kind: kindUnblockEnd, Ref: list[0].ID, What: what}
	for _, u := range list[:min(len(list), mostTold)] {
		c.Was += u.says(w) + ". "
	}
	c.Was = strings.TrimSpace(c.Was)
	return r.apply(ctx, &edit{
		change: c,
		alter: func(st *state) error {
			st.unblocks = slices.DeleteFunc(st.unblocks, func(x Unblock) bool {
				return slices.ContainsFunc(list, func(u Unblock) bool { return u.ID == x.ID })
			})
			return nil
		},
		write: func(ctx context.Context, tx *store.Tx) ([]journal.Row, error) {
			var rows []journal.Row
			for _, u := range list {
				if err := closeUnblock(ctx, tx, u, UnblockGranted); err != nil {
					return nil, err
				}
				rows = append(rows, unblockRows(u)...)
				if err := r.d.Journal.Write(ctx, tx, journal.Entry{Verb: VerbUnblockEnded, Kind: "unblock", ID: u.ID, Before: told{u.says(w)}}); err != nil {
					return nil, err
				}
			}
			return rows, nil
		},
	})
}

// mostTold is how many unblocks one line of the change log names.
const mostTold = 10

// SettleUnblocks writes down what ended by the clock: the sites closed at that
// moment already, since the rules say until when they are open.
func (r *Room) SettleUnblocks(ctx context.Context) error {
	now := r.now()
	over, err := overUnblocks(ctx, r.d.DB, now)
	if err != nil {
		return fmt.Errorf("reading what ended: %w", err)
	}
	var ended []Unblock
	for _, u := range over {
		if u.State == UnblockGranted {
			u.State, u.EndedAt, u.EndedBy = UnblockEnded, u.Until, actor.From(ctx).ID
			ended = append(ended, u)
			continue
		}
		u.State, u.EndedAt, u.EndedBy = UnblockLapsed, u.Until, actor.From(ctx).ID
		err := r.d.DB.Write(ctx, func(tx *store.Tx) error {
			if err := closeUnblock(ctx, tx, u, UnblockAsked); err != nil {
				return err
			}
			return r.d.Journal.Write(ctx, tx, journal.Entry{Verb: VerbUnblockLapsed, Kind: "unblock", ID: u.ID, Rows: unblockRows(u)})
		})
		if err != nil {
			return fmt.Errorf("writing down what nobody decided: %w", err)
		}
	}
	if len(ended) == 0 {
		return nil
	}
	if err := r.endAll(ctx, ended, "A site that was open for a lesson closed by itself."); err != nil {
		return fmt.Errorf("writing down what closed by itself: %w", err)
	}
	return nil
}
