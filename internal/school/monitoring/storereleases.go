package monitoring

import (
	"context"
	"fmt"
	"time"

	"belisha/internal/kit/store"
)

func insertRelease(ctx context.Context, tx *store.Tx, x Release, why string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO releases (id, person, purpose, why, from_on, to_on, asked_at, asked_by, state, said_at, said_by, until_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, '', 0)`,
		x.ID, string(x.Person), x.Purpose, why, string(x.From), string(x.To), store.At(x.Asked), x.AskedBy, x.State)
	if err != nil {
		return fmt.Errorf("keeping what was asked for: %w", err)
	}
	return nil
}

func answerRelease(ctx context.Context, tx *store.Tx, x Release) error {
	done, err := tx.ExecContext(ctx, `UPDATE releases SET state = $1, said_at = $2, said_by = $3, until_at = $4 WHERE id = $5 AND state = $6`,
		x.State, store.At(x.Said), x.SaidBy, store.At(x.Until), x.ID, ReleaseAsked)
	return changedOne(done, err, "answering what was asked for")
}

func (r *Room) release(ctx context.Context, id string) (Release, error) {
	all, err := r.releases(ctx, `WHERE id = $1`, id)
	if err == nil && len(all) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return Release{}, err
	}
	return all[0], nil
}

func (r *Room) releases(ctx context.Context, rest string, args ...any) ([]Release, error) {
	rows, err := r.d.DB.QueryContext(ctx, `SELECT id, person, purpose, why, from_on, to_on, asked_at, asked_by, state, said_at, said_by, until_at
		FROM releases `+rest, args...)
	if err != nil {
		return nil, fmt.Errorf("reading what was asked for: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all []Release
	for rows.Next() {
		var x Release
		var why string
		var asked, said, until store.Time
		if err := rows.Scan(&x.ID, &x.Person, &x.Purpose, &why, &x.From, &x.To, &asked, &x.AskedBy, &x.State, &said, &x.SaidBy, &until); err != nil {
			return nil, fmt.Errorf("reading what was asked for: %w", err)
		}
		x.Asked, x.Said, x.Until = asked.Time, said.Time, until.Time
		if x.Why, err = r.unsealText(ctx, "releases", x.ID, why); err != nil {
			return nil, err
		}
		all = append(all, x)
	}
	return all, rows.Err()
}

// releasesSince are those asked for since a moment, newest first.
func (r *Room) releasesSince(ctx context.Context, since time.Time) ([]Release, error) {
	return r.releases(ctx, `WHERE asked_at >= $1 ORDER BY asked_at DESC, id DESC LIMIT 200`, store.Millis(since))
}
