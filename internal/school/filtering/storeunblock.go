package filtering

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

const unblockColumns = `id, hosts, open_for, purpose, from_at, until_at, social, state, asked_at, asked_by,
	decided_at, decided_by, answer, ended_at, ended_by, version`

func scanUnblock(scan func(...any) error) (Unblock, error) {
	var u Unblock
	var hosts string
	var from, until, asked, decided, ended store.Time
	err := scan(&u.ID, &hosts, &u.For, &u.Purpose, &from, &until, &u.Social, &u.State, &asked, &u.AskedBy,
		&decided, &u.DecidedBy, &u.Answer, &ended, &u.EndedBy, &u.Version)
	u.Hosts = split(hosts)
	u.From, u.Until, u.AskedAt, u.DecidedAt, u.EndedAt = from.Time, until.Time, asked.Time, decided.Time, ended.Time
	return u, err
}

func unblockList(ctx context.Context, q store.Querier, rest string, args ...any) ([]Unblock, error) {
	var out []Unblock
	rows, err := q.QueryContext(ctx, "SELECT "+unblockColumns+" FROM filter_unblocks "+rest, args...)
	err = each(rows, err, func(scan func(...any) error) error {
		u, err := scanUnblock(scan)
		out = append(out, u)
		return err
	})
	return out, err
}

// grantedUnblocks are those that stand in the rules.
func grantedUnblocks(ctx context.Context, q store.Querier) ([]Unblock, error) {
	return unblockList(ctx, q, "WHERE state = $1 ORDER BY id", UnblockGranted)
}

// openUnblocks are those that are asked or granted and have not ended.
func openUnblocks(ctx context.Context, q store.Querier, now time.Time) ([]Unblock, error) {
	return unblockList(ctx, q, "WHERE state IN ($1, $2) AND until_at > $3 ORDER BY asked_at, id", UnblockAsked, UnblockGranted, store.At(now))
}

// overUnblocks are those whose end has passed and is not written down yet.
func overUnblocks(ctx context.Context, q store.Querier, now time.Time) ([]Unblock, error) {
	return unblockList(ctx, q, "WHERE state IN ($1, $2) AND until_at <= $3 ORDER BY id LIMIT 1000", UnblockAsked, UnblockGranted, store.At(now))
}

// unblocksSince are those that were granted and whose time ended since.
func unblocksSince(ctx context.Context, q store.Querier, since time.Time) ([]Unblock, error) {
	return unblockList(ctx, q, "WHERE state IN ($1, $2) AND until_at >= $3 ORDER BY until_at, id LIMIT 5000", UnblockGranted, UnblockEnded, store.At(since))
}

// unblockFilter narrows the list of unblocks.
type unblockFilter struct {
	By    people.ID
	State UnblockState
	Words string
	page  page
}

func findUnblocks(ctx context.Context, q store.Querier, f unblockFilter) ([]Unblock, int, error) {
	var where []string
	var args []any
	add := func(cond string, arg any) {
		args = append(args, arg)
		where = append(where, fmt.Sprintf(cond, len(args)))
	}
	if f.By != "" {
		add("asked_by = $%d", string(f.By))
	}
	if f.State != "" {
		add("state = $%d", f.State)
	}
	if f.Words != "" {
		add(`hosts LIKE $%d ESCAPE '\'`, "%"+store.LikeEscape(f.Words)+"%")
	}
	cond := ""
	if len(where) > 0 {
		cond = "WHERE " + strings.Join(where, " AND ")
	}
	n, err := countRows(ctx, q, "SELECT COUNT(*) FROM filter_unblocks "+cond, args...)
	if err != nil {
		return nil, 0, err
	}
	args = append(args, f.page.size, f.page.offset())
	list, err := unblockList(ctx, q, fmt.Sprintf("%s ORDER BY asked_at DESC, id DESC LIMIT $%d OFFSET $%d", cond, len(args)-1, len(args)), args...)
	return list, n, err
}

func getUnblock(ctx context.Context, q store.Querier, id string) (Unblock, error) {
	u, err := scanUnblock(q.QueryRowContext(ctx, "SELECT "+unblockColumns+" FROM filter_unblocks WHERE id = $1", id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return u, store.ErrNotFound
	}
	return u, err
}

func insertUnblock(ctx context.Context, tx *store.Tx, u Unblock) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO filter_unblocks ("+unblockColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
		u.ID, join(u.Hosts), u.For, u.Purpose, store.At(u.From), store.At(u.Until), u.Social, u.State, store.At(u.AskedAt), string(u.AskedBy),
		store.At(u.DecidedAt), string(u.DecidedBy), u.Answer, store.At(u.EndedAt), u.EndedBy, u.Version)
	if err != nil {
		return fmt.Errorf("keeping what was asked: %w", err)
	}
	return nil
}

// decideUnblock writes a decision about what is still asked.
func decideUnblock(ctx context.Context, tx *store.Tx, u Unblock) error {
	res, err := tx.ExecContext(ctx, `UPDATE filter_unblocks SET state = $1, decided_at = $2, decided_by = $3, answer = $4, social = $5, version = version + 1
		WHERE id = $6 AND state = $7 AND version = $8`,
		u.State, store.At(u.DecidedAt), string(u.DecidedBy), u.Answer, u.Social, u.ID, UnblockAsked, u.Version)
	if err != nil {
		return fmt.Errorf("keeping a decision: %w", err)
	}
	return one(res)
}

// closeUnblock writes the end of one that stood in the state was.
func closeUnblock(ctx context.Context, tx *store.Tx, u Unblock, was UnblockState) error {
	res, err := tx.ExecContext(ctx, `UPDATE filter_unblocks SET state = $1, ended_at = $2, ended_by = $3, version = version + 1
		WHERE id = $4 AND state = $5 AND version = $6`, u.State, store.At(u.EndedAt), u.EndedBy, u.ID, was, u.Version)
	if err != nil {
		return fmt.Errorf("keeping an end: %w", err)
	}
	return one(res)
}
