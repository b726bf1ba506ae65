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

const permitColumns = `id, host, path, hash, purpose, asker_is, state, asked_at, asked_by, from_at, until_at,
	decided_at, decided_by, answer, ended_at, ended_by, version`

func scanPermit(scan func(...any) error) (Permit, error) {
	var p Permit
	var asked, from, until, decided, ended store.Time
	err := scan(&p.ID, &p.Host, &p.Path, &p.Hash, &p.Purpose, &p.Group, &p.State, &asked, &p.AskedBy, &from, &until,
		&decided, &p.DecidedBy, &p.Answer, &ended, &p.EndedBy, &p.Version)
	p.AskedAt, p.From, p.Until, p.DecidedAt, p.EndedAt = asked.Time, from.Time, until.Time, decided.Time, ended.Time
	return p, err
}

func permitList(ctx context.Context, q store.Querier, rest string, args ...any) ([]Permit, error) {
	var out []Permit
	rows, err := q.QueryContext(ctx, "SELECT "+permitColumns+" FROM filter_permits "+rest, args...)
	err = each(rows, err, func(scan func(...any) error) error {
		p, err := scanPermit(scan)
		out = append(out, p)
		return err
	})
	return out, err
}

// grantedPermits are those that stand in the rules.
func grantedPermits(ctx context.Context, q store.Querier) ([]Permit, error) {
	return permitList(ctx, q, "WHERE state = $1 ORDER BY id", UnblockGranted)
}

// askedPermits are those that wait for a decision.
func askedPermits(ctx context.Context, q store.Querier, now time.Time) ([]Permit, error) {
	return permitList(ctx, q, "WHERE state = $1 AND until_at > $2 ORDER BY asked_at, id", UnblockAsked, store.At(now))
}

// overPermits are those whose end has passed and is not written down yet.
func overPermits(ctx context.Context, q store.Querier, now time.Time) ([]Permit, error) {
	return permitList(ctx, q, "WHERE state IN ($1, $2) AND until_at <= $3 ORDER BY id LIMIT 1000", UnblockAsked, UnblockGranted, store.At(now))
}

// permitsSince are those that were granted and whose time ended since.
func permitsSince(ctx context.Context, q store.Querier, since time.Time) ([]Permit, error) {
	return permitList(ctx, q, "WHERE state IN ($1, $2) AND until_at >= $3 ORDER BY until_at DESC, id LIMIT 20000", UnblockGranted, UnblockEnded, store.At(since))
}

// permitFilter narrows the list of permits.
type permitFilter struct {
	By    people.ID
	State UnblockState
	Words string
	// Mine, where it is set, is a reader who sees only what waits and what
	// they decided themselves.
	Mine people.ID
	page page
}

func (f permitFilter) where() (string, []any) {
	var where []string
	var args []any
	add := func(cond string, arg ...any) {
		for _, a := range arg {
			args = append(args, a)
			cond = strings.Replace(cond, "?", fmt.Sprintf("$%d", len(args)), 1)
		}
		where = append(where, cond)
	}
	if f.By != "" {
		add("asked_by = ?", string(f.By))
	}
	if f.State != "" {
		add("state = ?", f.State)
	}
	if f.Mine != "" {
		add("(state = ? OR decided_by = ?)", UnblockAsked, string(f.Mine))
	}
	if f.Words != "" {
		add(`(host LIKE ? ESCAPE '\' OR path LIKE ? ESCAPE '\')`, "%"+store.LikeEscape(f.Words)+"%", "%"+store.LikeEscape(f.Words)+"%")
	}
	if len(where) == 0 {
		return "", nil
	}
	return "WHERE " + strings.Join(where, " AND "), args
}

func findPermits(ctx context.Context, q store.Querier, f permitFilter) ([]Permit, int, error) {
	cond, args := f.where()
	n, err := countRows(ctx, q, "SELECT COUNT(*) FROM filter_permits "+cond, args...)
	if err != nil {
		return nil, 0, err
	}
	args = append(args, f.page.size, f.page.offset())
	list, err := permitList(ctx, q, fmt.Sprintf("%s ORDER BY asked_at DESC, id DESC LIMIT $%d OFFSET $%d", cond, len(args)-1, len(args)), args...)
	return list, n, err
}

func getPermit(ctx context.Context, q store.Querier, id string) (Permit, error) {
	p, err := scanPermit(q.QueryRowContext(ctx, "SELECT "+permitColumns+" FROM filter_permits WHERE id = $1", id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return p, store.ErrNotFound
	}
	return p, err
}

func insertPermit(ctx context.Context, tx *store.Tx, p Permit) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO filter_permits ("+permitColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
		p.ID, p.Host, p.Path, p.Hash, p.Purpose, p.Group, p.State, store.At(p.AskedAt), string(p.AskedBy), store.At(p.From), store.At(p.Until),
		store.At(p.DecidedAt), string(p.DecidedBy), p.Answer, store.At(p.EndedAt), p.EndedBy, p.Version)
	if err != nil {
		return fmt.Errorf("keeping what was asked: %w", err)
	}
	return nil
}

// decidePermit writes a decision about what is still asked.
func decidePermit(ctx context.Context, tx *store.Tx, p Permit) error {
	res, err := tx.ExecContext(ctx, `UPDATE filter_permits SET state = $1, decided_at = $2, decided_by = $3, answer = $4, from_at = $5, until_at = $6, version = version + 1
		WHERE id = $7 AND state = $8 AND version = $9`,
		p.State, store.At(p.DecidedAt), string(p.DecidedBy), p.Answer, store.At(p.From), store.At(p.Until), p.ID, UnblockAsked, p.Version)
	if err != nil {
		return fmt.Errorf("keeping a decision: %w", err)
	}
	return one(res)
}

// closePermit writes the end of one that stood in the state was.
func closePermit(ctx context.Context, tx *store.Tx, p Permit, was UnblockState) error {
	res, err := tx.ExecContext(ctx, `UPDATE filter_permits SET state = $1, ended_at = $2, ended_by = $3, version = version + 1
		WHERE id = $4 AND state = $5 AND version = $6`, p.State, store.At(p.EndedAt), p.EndedBy, p.ID, was, p.Version)
	if err != nil {
		return fmt.Errorf("keeping an end: %w", err)
	}
	return one(res)
}
