package setup

import (
	"context"
	"fmt"
	"time"

	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
)

type state struct {
	codeHash string
	until    time.Time
	tries    int
	done     time.Time
}

// School returns what is known of the school.
func (r *Room) School(ctx context.Context) (School, error) {
	var s School
	var done store.Time
	err := r.d.DB.QueryRowContext(ctx, "SELECT name, host, done_at, version FROM schools WHERE one = 1").Scan(&s.Name, &s.Host, &done, &s.Version)
	if err != nil {
		return School{}, fmt.Errorf("reading the school's name: %w", err)
	}
	s.Done = done.Time
	return s, nil
}

func (r *Room) state(ctx context.Context) (state, error) {
	var s state
	var until, done store.Time
	err := r.d.DB.QueryRowContext(ctx, "SELECT code_hash, code_until, tries, done_at FROM schools WHERE one = 1").Scan(&s.codeHash, &until, &s.tries, &done)
	if err != nil {
		return state{}, fmt.Errorf("reading the set-up: %w", err)
	}
	s.until, s.done = until.Time, done.Time
	return s, nil
}

func (r *Room) setCode(ctx context.Context, hash string, until time.Time) error {
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE schools SET code_hash = $1, code_until = $2, tries = 0 WHERE one = 1", hash, store.At(until))
		if err != nil {
			return fmt.Errorf("making a set-up code: %w", err)
		}
		return nil
	})
}

// countTry counts a wrong code, with its journal line.
func (r *Room) countTry(ctx context.Context) error {
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.ExecContext(ctx, "UPDATE schools SET tries = tries + 1 WHERE one = 1"); err != nil {
			return fmt.Errorf("counting a wrong code: %w", err)
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{Verb: verbCode, Kind: "school", ID: "1"})
	})
}

func (r *Room) writeName(ctx context.Context, tx *store.Tx, n Name) error {
	_, err := tx.ExecContext(ctx, "UPDATE schools SET name = $1, host = $2, version = version + 1 WHERE one = 1", n.School, n.Host)
	if err != nil {
		return fmt.Errorf("naming the school: %w", err)
	}
	return nil
}

func (r *Room) writeDone(ctx context.Context, tx *store.Tx, at time.Time) error {
	_, err := tx.ExecContext(ctx, "UPDATE schools SET done_at = $1, code_hash = '', code_until = 0, version = version + 1 WHERE one = 1 AND done_at = 0", store.At(at))
	if err != nil {
		return fmt.Errorf("finishing the set-up: %w", err)
	}
	return nil
}
