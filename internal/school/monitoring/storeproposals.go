package monitoring

import (
	"context"
	"fmt"
	"strings"
	"time"

	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

func lines(ids []people.ID) string {
	out := make([]string, 0, len(ids))
	for _, id := range ids {
		out = append(out, string(id))
	}
	return strings.Join(out, "\n")
}

func unlines(text string) []people.ID {
	var out []people.ID
	for l := range strings.Lines(text) {
		out = append(out, people.ID(strings.TrimSpace(l)))
	}
	return out
}

func insertProposal(ctx context.Context, tx *store.Tx, id string, at time.Time, by string, ids []people.ID, approval string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO monitor_proposals (id, asked_at, asked_by, people, approval, state, closed_at, list)
		VALUES ($1, $2, $3, $4, $5, 'asked', 0, '')`, id, store.At(at), by, lines(ids), approval)
	if err != nil {
		return fmt.Errorf("keeping a proposed list: %w", err)
	}
	return nil
}

func proposal(ctx context.Context, q store.Querier, id string) ([]people.ID, error) {
	var ids string
	if err := q.QueryRowContext(ctx, `SELECT people FROM monitor_proposals WHERE id = $1 AND state = 'asked'`, id).Scan(&ids); err != nil {
		return nil, fmt.Errorf("reading a proposed list: %w", found(err))
	}
	return unlines(ids), nil
}

func closeProposal(ctx context.Context, tx *store.Tx, id, state string, at time.Time, list string) error {
	done, err := tx.ExecContext(ctx, `UPDATE monitor_proposals SET state = $1, closed_at = $2, list = $3 WHERE id = $4 AND state = 'asked'`,
		state, store.At(at), list, id)
	return changedOne(done, err, "closing a proposed list")
}

// openProposal is the approval that a proposed list waits for, "" for none.
func (r *Room) openProposal(ctx context.Context) (string, error) {
	rows, err := r.d.DB.QueryContext(ctx, `SELECT approval FROM monitor_proposals WHERE state = 'asked' ORDER BY asked_at DESC LIMIT 1`)
	if err != nil {
		return "", fmt.Errorf("reading the proposed lists: %w", err)
	}
	defer func() { _ = rows.Close() }()
	id := ""
	if rows.Next() {
		if err := rows.Scan(&id); err != nil {
			return "", fmt.Errorf("reading a proposed list: %w", err)
		}
	}
	return id, rows.Err()
}

// Versions are the lists of monitors that were in force, newest first.
func (r *Room) Versions(ctx context.Context) ([]Version, error) {
	rows, err := r.d.DB.QueryContext(ctx, `SELECT l.id, l.confirmed_at, l.confirmed_by, l.people, COALESCE(p.asked_by, ''), COALESCE(p.approval, ''),
		(SELECT COUNT(*) FROM monitor_lists o WHERE o.confirmed_at < l.confirmed_at OR (o.confirmed_at = l.confirmed_at AND o.id <= l.id))
		FROM monitor_lists l LEFT JOIN monitor_proposals p ON p.list = l.id ORDER BY l.confirmed_at DESC, l.id DESC LIMIT 50`)
	if err != nil {
		return nil, fmt.Errorf("reading the lists of monitors: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all []Version
	for rows.Next() {
		var v Version
		var at store.Time
		var ids string
		if err := rows.Scan(&v.ID, &at, &v.ConfirmedBy, &ids, &v.AskedBy, &v.Approval, &v.Number); err != nil {
			return nil, fmt.Errorf("reading a list of monitors: %w", err)
		}
		v.ConfirmedAt, v.People = at.Time, unlines(ids)
		all = append(all, v)
	}
	return all, rows.Err()
}

func putBadge(ctx context.Context, tx *store.Tx, b Badge) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO monitor_badges (person, code, made_at) VALUES ($1, $2, $3)
		ON CONFLICT (person) DO UPDATE SET code = excluded.code, made_at = excluded.made_at`, string(b.Person), b.Code, store.At(b.Made))
	if err != nil {
		return fmt.Errorf("keeping a badge's code: %w", err)
	}
	return nil
}

func (r *Room) badge(ctx context.Context, condition string, arg any) (Badge, error) {
	var b Badge
	var made store.Time
	err := r.d.DB.QueryRowContext(ctx, `SELECT person, code, made_at FROM monitor_badges WHERE `+condition, arg).Scan(&b.Person, &b.Code, &made)
	if err != nil {
		return Badge{}, fmt.Errorf("reading a badge's code: %w", found(err))
	}
	b.Made = made.Time
	return b, nil
}
