package access

import (
	"context"
	"errors"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
)

// sweepSessions locks the sessions that were left and ends those that are
// over, so that the list of sessions and the gate know it although nobody
// asks with them.
func (r *Room) sweepSessions(ctx context.Context) error {
	ctx = actor.With(ctx, actor.Belisha("access"))
	open, err := sessions(ctx, r.DB, "WHERE ended_at = 0 ORDER BY used_at, id")
	if err != nil {
		return err
	}
	var errs []error
	for _, s := range open {
		errs = append(errs, r.sweepSession(ctx, s))
	}
	return errors.Join(errs...)
}

func (r *Room) sweepSession(ctx context.Context, s Session) error {
	now := r.Clock.Now()
	a, err := readAccount(ctx, r.DB, "id", s.Account)
	if err != nil {
		return err
	}
	p, may, err := r.present(ctx, s.Person)
	if err != nil {
		return err
	}
	if why := over(s, a, may, now); why != "" {
		return r.endNow(ctx, s, why)
	}
	limit := r.idleLimit(p.Kind, s.Place)
	if gap := now.Sub(s.UsedAt); s.LockedAt.IsZero() && (gap >= limit || gap < -clockSlack) {
		return r.lock(ctx, s, now, gap, limit)
	}
	return nil
}

// sweepAccounts closes the accounts of leavers, takes back temporary passwords
// that lay unused too long, writes the counts of wrong tries and forgets old
// sessions.
func (r *Room) sweepAccounts(ctx context.Context) error {
	ctx = actor.With(ctx, actor.Belisha("access"))
	now := r.Clock.Now()
	all, err := accounts(ctx, r.DB, " WHERE a.disabled = $1 ORDER BY a.id", false)
	if err != nil {
		return err
	}
	var errs []error
	for _, a := range all {
		errs = append(errs, r.sweepAccount(ctx, a, now))
	}
	for key, n := range r.failed.due(now) {
		if err := r.writeFailures(ctx, key, n); err != nil {
			r.failed.restore(key, n, now)
			errs = append(errs, err)
		}
	}
	errs = append(errs, r.DB.Write(ctx, func(tx *store.Tx) error { return forgetOld(ctx, tx, now) }))
	return errors.Join(errs...)
}

func (r *Room) sweepAccount(ctx context.Context, a Account, now time.Time) error {
	_, may, err := r.present(ctx, a.Person)
	if err != nil {
		return err
	}
	if !may {
		if err := r.offTheWeb(ctx, a.Person); err != nil {
			return err
		}
	}
	gone, err := r.goneFor(ctx, a, now)
	if err != nil {
		return err
	}
	if gone >= r.values().Duration(KeyDisableAfter) {
		return r.SetDisabled(ctx, a.ID, true, a.Version, "the person has left")
	}
	if a.Temporary() && a.password != "" && !now.Before(a.TemporaryUntil) {
		return r.expire(ctx, a)
	}
	return nil
}

// goneFor is how long a person has been away from the roll; negative while
// they are here.
func (r *Room) goneFor(ctx context.Context, a Account, now time.Time) (time.Duration, error) {
	p, err := r.People.Get(ctx, a.Person)
	if err != nil {
		return 0, err
	}
	cal, err := r.People.Calendar(ctx, p.Site)
	if err != nil {
		return 0, err
	}
	if !p.Left(cal.Day(now)) {
		return -1, nil
	}
	return now.Sub(p.Until.End(cal.Location())), nil
}

// expire takes back a temporary password that was not used in time: the
// account stays, and lets nobody in until it is given a new one.
func (r *Room) expire(ctx context.Context, a Account) error {
	var ended []Session
	err := r.DB.Write(ctx, func(tx *store.Tx) (err error) {
		a.password, a.TemporaryUntil, a.MustChange = "", time.Time{}, false
		if err := updateAccount(ctx, tx, a); err != nil {
			return err
		}
		if ended, err = r.endAll(ctx, tx, a.Person, "", "the temporary password ran out"); err != nil {
			return err
		}
		return r.Journal.Write(ctx, tx, journal.Entry{Verb: VerbExpired, Kind: "account", ID: a.ID, Rows: rowOf(a.ID)})
	})
	if err != nil {
		return err
	}
	r.signedOut(ctx, ended)
	return r.offTheWeb(ctx, a.Person)
}

// forgetOld drops what is long over.
func forgetOld(ctx context.Context, tx *store.Tx, now time.Time) error {
	if err := dropOldAddresses(ctx, tx, now); err != nil {
		return err
	}
	return dropOldSessions(ctx, tx, now.Add(-keepSession))
}
