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

// stepsDone are the pages that were saved or passed by.
func (r *Room) stepsDone(ctx context.Context) (map[string]bool, error) {
	rows, err := r.d.DB.QueryContext(ctx, "SELECT slug FROM setup_steps")
	if err != nil {
		return nil, fmt.Errorf("reading how far the set-up is: %w", err)
	}
	defer func() { _ = rows.Close() }()
	out := map[string]bool{}
	for rows.Next() {
		var slug string
		if err := rows.Scan(&slug); err != nil {
			return nil, fmt.Errorf("reading how far the set-up is: %w", err)
		}
		out[slug] = true
	}
	return out, rows.Err()
}

// passed marks a page of the set-up as done. It is a place in a book, not a
// record: no journal line.
func (r *Room) passed(ctx context.Context, slug string) error {
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO setup_steps (slug, done_at) VALUES ($1, $2) ON CONFLICT (slug) DO NOTHING", slug, store.At(r.d.Clock.Now()))
		if err != nil {
			return fmt.Errorf("noting how far the set-up is: %w", err)
		}
		return nil
	})
}

func (r *Room) writeUnlisted(ctx context.Context, tx *store.Tx, choice string) error {
	if _, err := tx.ExecContext(ctx, "UPDATE schools SET unlisted = $1, version = version + 1 WHERE one = 1", choice); err != nil {
		return fmt.Errorf("writing the choice about unlisted sites: %w", err)
	}
	return nil
}

// Unlisted is what the set-up was told about sites that stand on no list.
func (r *Room) Unlisted(ctx context.Context) (string, error) {
	var s string
	if err := r.d.DB.QueryRowContext(ctx, "SELECT unlisted FROM schools WHERE one = 1").Scan(&s); err != nil {
		return "", fmt.Errorf("reading the choice about unlisted sites: %w", err)
	}
	return s, nil
}
