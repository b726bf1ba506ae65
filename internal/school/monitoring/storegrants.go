package monitoring

import (
	"context"
	"fmt"
	"time"

	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

func insertGrant(ctx context.Context, tx *store.Tx, g Grant, why string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO contractor_grants (id, person, purpose, why, names, from_at, until_at, granted_at, granted_by, ended_at, ended_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, '')`,
		g.ID, string(g.Person), g.Purpose, why, g.Names, store.At(g.From), store.At(g.Until), store.At(g.At), g.By)
	if err != nil {
		return fmt.Errorf("keeping a grant: %w", err)
	}
	return nil
}

func endGrant(ctx context.Context, tx *store.Tx, id string, at time.Time, by string) error {
	done, err := tx.ExecContext(ctx, `UPDATE contractor_grants SET ended_at = $1, ended_by = $2 WHERE id = $3 AND ended_at = 0`, store.At(at), by, id)
	return changedOne(done, err, "ending a grant")
}

func (r *Room) grants(ctx context.Context, rest string, args ...any) ([]Grant, error) {
	rows, err := r.d.DB.QueryContext(ctx, `SELECT id, person, purpose, why, names, from_at, until_at, granted_at, granted_by, ended_at, ended_by
		FROM contractor_grants `+rest, args...)
	if err != nil {
		return nil, fmt.Errorf("reading the contractors' grants: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all []Grant
	for rows.Next() {
		var g Grant
		var why string
		var from, until, at, ended store.Time
		if err := rows.Scan(&g.ID, &g.Person, &g.Purpose, &why, &g.Names, &from, &until, &at, &g.By, &ended, &g.EndedBy); err != nil {
			return nil, fmt.Errorf("reading a contractor's grant: %w", err)
		}
		g.From, g.Until, g.At, g.Ended = from.Time, until.Time, at.Time, ended.Time
		if g.Why, err = r.unsealText(ctx, "contractor-grants", g.ID, why); err != nil {
			return nil, err
		}
		all = append(all, g)
	}
	return all, rows.Err()
}

func (r *Room) grant(ctx context.Context, id string) (Grant, error) {
	all, err := r.grants(ctx, `WHERE id = $1`, id)
	if err == nil && len(all) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return Grant{}, err
	}
	return all[0], nil
}

// grantsOf are a contractor's grants that have not run out.
func (r *Room) grantsOf(ctx context.Context, id people.ID, now time.Time) ([]Grant, error) {
	return r.grants(ctx, `WHERE person = $1 AND until_at > $2 AND ended_at = 0 ORDER BY from_at LIMIT 50`, string(id), store.Millis(now))
}

// grantsSince are those that ran at some time since a moment, newest first.
func (r *Room) grantsSince(ctx context.Context, since time.Time) ([]Grant, error) {
	return r.grants(ctx, `WHERE until_at >= $1 ORDER BY granted_at DESC, id DESC LIMIT 200`, store.Millis(since))
}

// looksUnder are the looks that a grant or a release led to, newest first:
// those under the purposes of its own session.
func (r *Room) looksUnder(ctx context.Context, session string) ([]Look, error) {
	return r.looksWhere(ctx, `WHERE p.session = $1 ORDER BY l.looked_at DESC, l.id DESC LIMIT 500`, session)
}
