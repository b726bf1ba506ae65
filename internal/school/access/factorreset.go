package access

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/approval"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/notice"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// Approvals asks somebody else to decide. kit/approval is one.
type Approvals interface {
	Ask(ctx context.Context, tx *store.Tx, q approval.Request) (approval.Approval, error)
}

// KindHeadFactor is the kind of approval by which the head's second factor is
// taken away. House calls HeadFactorDecided when it closes.
const KindHeadFactor = "access.head-factor"

const resetLasts = 7 * day // how long the second of the two has to decide

// ResetFactor takes away somebody else's second factor: a lost phone. They
// sign in by the password, take a new one, and are told who did it and why.
// The head's own takes two people, see AskHeadFactor.
func (r *Room) ResetFactor(ctx context.Context, person people.ID, reason string) error {
	if reason = strings.TrimSpace(reason); reason == "" || len(reason) > 500 {
		return store.Invalid{"reason": "say in a few words why; whoever it belongs to reads it"}
	}
	if actor.From(ctx).Person == string(person) {
		return store.Invalid{"": "nobody takes away their own second factor here; use a recovery code, or ask the head teacher"}
	}
	head, err := r.isHead(ctx, person)
	if err != nil {
		return err
	}
	if head {
		return store.Invalid{"": "the head teacher's second factor is taken away by two people together, the network manager and the chair of governors"}
	}
	a, err := r.AccountOf(ctx, person)
	if err != nil {
		return err
	}
	var ended []Session
	err = r.DB.Write(ctx, func(tx *store.Tx) error {
		ended, err = r.clearFactors(ctx, tx, a, reason)
		return err
	})
	if err != nil {
		return err
	}
	r.signedOut(ctx, ended)
	return r.offTheWeb(ctx, person)
}

// heads are those who are head teacher now and have a second factor.
func (r *Room) heads(ctx context.Context) ([]people.Person, error) {
	holders, err := r.People.HoldersAt(ctx, people.Headteacher, r.Clock.Now())
	if err != nil {
		return nil, err
	}
	var out []people.Person
	for _, o := range holders {
		a, err := r.AccountOf(ctx, o.Person.ID)
		if ignoreNotFound(err) != nil {
			return nil, err
		}
		if err != nil {
			continue
		}
		has, err := hasFactor(ctx, r.DB, a.ID)
		if err != nil {
			return nil, err
		}
		if has {
			out = append(out, o.Person)
		}
	}
	return out, nil
}

func (r *Room) isHead(ctx context.Context, person people.ID) (bool, error) {
	held, err := r.People.PostsAt(ctx, person, r.Clock.Now())
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(held, func(h people.Holder) bool { return h.Post == people.Headteacher }), nil
}

// clearFactors takes every second factor and recovery code of an account away
// within a change, ends its sessions, and leaves word for its owner.
func (r *Room) clearFactors(ctx context.Context, tx *store.Tx, a Account, reason string) (ended []Session, err error) {
	list, err := factorsOf(ctx, tx, a.ID)
	if err != nil {
		return nil, err
	}
	codes, err := recoveryCodes(ctx, tx, a.ID)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 && len(codes) == 0 {
		return nil, store.Invalid{"": "this account has no second factor"}
	}
	if err := r.dropFactors(ctx, tx, list); err != nil {
		return nil, err
	}
	if err := dropCodes(ctx, tx, a.ID); err != nil {
		return nil, err
	}
	if err := clearTries(ctx, tx, tryKey(a.ID)); err != nil {
		return nil, err
	}
	now := r.Clock.Now()
	id := store.NewID(now)
	if err := insertReset(ctx, tx, id, a.ID, FactorReset{At: now, By: actor.From(ctx).ID, Reason: reason}); err != nil {
		return nil, err
	}
	if ended, err = r.endAll(ctx, tx, a.Person, "", "the second factor was taken away"); err != nil {
		return nil, err
	}
	rows := codeRows(codes)
	for _, f := range list {
		rows = append(rows, journal.Row{Table: "account_factors", ID: f.ID})
	}
	if err := r.Journal.Write(ctx, tx, journal.Entry{Verb: VerbFactorReset, Kind: "account", ID: a.ID, Reason: reason, Rows: rows}); err != nil {
		return nil, err
	}
	return ended, r.tell(ctx, tx, notice.Notice{
		Key: "second-factor/" + id, To: []string{string(a.Person)}, What: "Your second factor was taken away by somebody else", Link: "/account", Risk: 2,
	})
}

// tell sends a notice, where notices are sent at all.
func (r *Room) tell(ctx context.Context, tx *store.Tx, n notice.Notice) error {
	if r.Notices == nil {
		return nil
	}
	if err := r.Notices.Send(ctx, tx, n); err != nil {
		return fmt.Errorf("keeping a notice: %w", err)
	}
	return nil
}

// Resets are the times when somebody else took an account's second factor
// away, within the last 90 days.
func (r *Room) Resets(ctx context.Context, account string) ([]FactorReset, error) {
	return resetsOf(ctx, r.DB, account, r.Clock.Now().Add(-90*day))
}

// AskHeadFactor is the first half of taking the head's second factor away: the
// network manager asks and the chair of governors decides, or the other way
// round.
func (r *Room) AskHeadFactor(ctx context.Context, head people.ID, reason string) error {
	if reason = strings.TrimSpace(reason); reason == "" || len(reason) > 500 {
		return store.Invalid{"reason": "say in a few words why; the other of the two and the head read it"}
	}
	who := actor.From(ctx)
	if who.Person == string(head) {
		return store.Invalid{"": "two others do this: the network manager and the chair of governors"}
	}
	is, err := r.isHead(ctx, head)
	if err != nil {
		return err
	}
	a, err := r.AccountOf(ctx, head)
	if err != nil {
		return err
	}
	has, err := hasFactor(ctx, r.DB, a.ID)
	if err != nil {
		return err
	}
	if !is || !has || r.Approvals == nil {
		return store.Invalid{"": "there is no second factor of the head teacher's to take away"}
	}
	other := people.ChairOfGovernors
	if who.Holds(string(people.ChairOfGovernors)) {
		other = people.NetworkManager
	}
	return r.DB.Write(ctx, func(tx *store.Tx) error {
		_, err := r.Approvals.Ask(ctx, tx, approval.Request{
			Kind: KindHeadFactor, Record: a.ID, Title: "Take away the head teacher's second factor", Why: reason, Link: "/account/head-factor",
			Deciders: []approval.Decider{{Post: string(other)}}, Expires: r.Clock.Now().Add(resetLasts),
		})
		return err
	})
}

// HeadFactorDecided is the second half, within the change that closes the
// approval.
func (r *Room) HeadFactorDecided(ctx context.Context, tx *store.Tx, ap approval.Approval) error {
	if ap.State != approval.Granted {
		return nil
	}
	a, err := readAccount(ctx, tx, "id", ap.Record)
	if err != nil {
		return err
	}
	ended, err := r.clearFactors(ctx, tx, a, ap.Why)
	if err != nil {
		return err
	}
	after := context.WithoutCancel(ctx)
	tx.AfterCommit(func() {
		r.signedOut(after, ended)
		if err := r.offTheWeb(after, a.Person); err != nil {
			r.Log.ErrorContext(after, "a sign-out could not be told to the gate", "err", err)
		}
	})
	return nil
}

// Rescue is what somebody at the machine hands to the head.
type Rescue struct {
	Username  string
	Temporary string
	Until     time.Time
	// Factor: there was a second factor, and it is gone.
	Factor bool
}

// VerbRescued is journalled when an account was opened from the machine.
const VerbRescued journal.Verb = "account.rescued"

// RescueHead is the way back from the machine itself: the head's second factor
// is taken away and a temporary password is made. The deputy head and the
// chair of governors are told.
func (r *Room) RescueHead(ctx context.Context, username string) (Rescue, error) {
	a, err := readAccount(ctx, r.DB, "username", strings.ToLower(strings.TrimSpace(username)))
	if err != nil {
		return Rescue{}, err
	}
	if is, err := r.isHead(ctx, a.Person); err != nil || !is {
		if err == nil {
			err = store.Invalid{"username": "this is not the account of somebody who is head teacher now"}
		}
		return Rescue{}, err
	}
	has, err := hasFactor(ctx, r.DB, a.ID)
	if err != nil {
		return Rescue{}, err
	}
	var ended []Session
	err = r.DB.Write(ctx, func(tx *store.Tx) error {
		if has {
			if ended, err = r.clearFactors(ctx, tx, a, "opened again from the machine's console"); err != nil {
				return err
			}
		}
		if err := r.Journal.Write(ctx, tx, journal.Entry{Verb: VerbRescued, Kind: "account", ID: a.ID, After: map[string]any{"second_factor": has}}); err != nil {
			return err
		}
		return r.tell(ctx, tx, notice.Notice{
			Key: "rescued/" + store.NewID(r.Clock.Now()), Posts: []string{string(people.DeputyHead), string(people.ChairOfGovernors)}, Not: []string{string(a.Person)},
			What: "The head teacher's account was opened again from the machine itself", Link: "/journal", Risk: 3,
		})
	})
	if err != nil {
		return Rescue{}, err
	}
	r.signedOut(ctx, ended)
	temporary, err := r.Reset(ctx, a.Username)
	if err != nil {
		return Rescue{}, err
	}
	a, err = r.AccountByID(ctx, a.ID)
	return Rescue{Username: a.Username, Temporary: temporary, Until: a.TemporaryUntil, Factor: has}, err
}
