package access

import (
	"context"

	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
)

// tryKey is where wrong second factors of an account are counted: apart from
// wrong passwords, since whoever gets here knows the password.
func tryKey(account string) string { return account + "/second" }

// errResting refuses a try while the account's second factor rests.
func (r *Room) errResting() error {
	return store.Invalid{"code": "there were too many wrong tries; wait " + lengthWords(r.values().Duration(KeyLockFor)) + ", then try again"}
}

// resting reports whether the account's second factor rests.
func (r *Room) resting(ctx context.Context, q store.Querier, account string) (is, back bool, err error) {
	now := r.Clock.Now()
	until, err := restsUntil(ctx, q, tryKey(account))
	// A rest longer than any that is set is one that a clock put forward began.
	return err == nil && until.After(now), until.After(now.Add(r.values().Duration(KeyLockFor))), err
}

// triesRest refuses while the account's second factor rests.
func (r *Room) triesRest(ctx context.Context, account string) error {
	is, back, err := r.resting(ctx, r.DB, account)
	if err != nil || !is {
		return err
	}
	if back {
		until := r.Clock.Now().Add(r.values().Duration(KeyLockFor))
		if err := r.DB.Write(ctx, func(tx *store.Tx) error { return lockUntil(ctx, tx, tryKey(account), until) }); err != nil {
			return err
		}
	}
	return r.errResting()
}

// beginTry counts a try at the second factor before anything is looked at, so
// that many at once are no more than one after the other. A right one forgets
// the count.
func (r *Room) beginTry(ctx context.Context, account string) (n int64, err error) {
	if err := r.triesRest(ctx, account); err != nil {
		return 0, err
	}
	now, over := r.Clock.Now(), false
	rest := r.values().Duration(KeyLockFor)
	err = r.DB.Write(ctx, func(tx *store.Tx) error {
		over = false
		is, _, err := r.resting(ctx, tx, account)
		if err != nil || is {
			over = is
			return err
		}
		if n, err = countTry(ctx, tx, tryKey(account), now, rest); err != nil || n <= r.values().Int(KeyTries) {
			return err
		}
		over = true
		return r.restFactor(ctx, tx, account, n)
	})
	if err == nil && over {
		err = r.errResting()
	}
	return n, err
}

func (r *Room) restFactor(ctx context.Context, tx *store.Tx, account string, n int64) error {
	if err := lockUntil(ctx, tx, tryKey(account), r.Clock.Now().Add(r.values().Duration(KeyLockFor))); err != nil {
		return err
	}
	return r.Journal.Write(ctx, tx, journal.Entry{Verb: VerbFactorWrong, Kind: "account", ID: account, After: map[string]any{"tries": n, "rests": true}})
}

// wrongFactor notes that the n-th try was wrong, and lets the second factor
// rest when there were too many. Whoever tries knows the password, so each is
// a line.
func (r *Room) wrongFactor(ctx context.Context, account string, n int64) error {
	return r.DB.Write(ctx, func(tx *store.Tx) error {
		if n >= r.values().Int(KeyTries) {
			return r.restFactor(ctx, tx, account, n)
		}
		return r.Journal.Write(ctx, tx, journal.Entry{Verb: VerbFactorWrong, Kind: "account", ID: account, After: map[string]any{"tries": n, "rests": false}})
	})
}
