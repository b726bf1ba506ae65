package classroom

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"belisha/internal/kit/store"
)

func slogErr(err error) slog.Attr { return slog.Any("err", err) }

const setColumns = "id, kind, class, place, hosts, note, from_at, until_at, set_by, ended_at, ended_by, version"

func scanSet(scan func(...any) error) (Set, error) {
	var s Set
	var hosts string
	var from, until, ended store.Time
	err := scan(&s.ID, &s.Kind, &s.Class, &s.Place, &hosts, &s.Note, &from, &until, &s.By, &ended, &s.EndedBy, &s.Version)
	s.Hosts, s.From, s.Until, s.EndedAt = split(hosts), from.Time, until.Time, ended.Time
	return s, err
}

func split(text string) []string { return strings.Fields(text) }

func join(list []string) string { return strings.Join(list, "\n") }

// each scans every row.
func each[T any](rows *sql.Rows, err error, scan func(func(...any) error) (T, error), what string) ([]T, error) {
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", what, err)
	}
	defer func() { _ = rows.Close() }()
	var out []T
	for rows.Next() {
		x, err := scan(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", what, err)
		}
		out = append(out, x)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading %s: %w", what, err)
	}
	return out, nil
}

func sets(ctx context.Context, q store.Querier, rest string, args ...any) ([]Set, error) {
	rows, err := q.QueryContext(ctx, "SELECT "+setColumns+" FROM class_settings "+rest, args...)
	return each(rows, err, scanSet, "what classes are set")
}

// runningSets are those that hold now, in the order in which they were set.
func runningSets(ctx context.Context, q store.Querier, now time.Time) ([]Set, error) {
	return sets(ctx, q, "WHERE ended_at = 0 AND until_at > $1 ORDER BY id", store.At(now))
}

// overSets are those whose end has passed and is not written down yet.
func overSets(ctx context.Context, q store.Querier, now time.Time) ([]Set, error) {
	return sets(ctx, q, "WHERE ended_at = 0 AND until_at <= $1 ORDER BY id LIMIT 1000", store.At(now))
}

// latestSets are what was set last, newest first; of everybody, or of one
// person.
func latestSets(ctx context.Context, q store.Querier, by string, limit int) ([]Set, error) {
	if by == "" {
		return sets(ctx, q, "ORDER BY from_at DESC, id DESC LIMIT $1", limit)
	}
	return sets(ctx, q, "WHERE set_by = $1 ORDER BY from_at DESC, id DESC LIMIT $2", by, limit)
}

func getSet(ctx context.Context, q store.Querier, id string) (Set, error) {
	s, err := scanSet(q.QueryRowContext(ctx, "SELECT "+setColumns+" FROM class_settings WHERE id = $1", id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return s, store.ErrNotFound
	}
	return s, err
}

func insertSet(ctx context.Context, tx *store.Tx, s Set) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO class_settings ("+setColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
		s.ID, string(s.Kind), s.Class, s.Place, join(s.Hosts), s.Note, store.At(s.From), store.At(s.Until), string(s.By), store.At(s.EndedAt), s.EndedBy, s.Version)
	if err != nil {
		return fmt.Errorf("keeping what a class is set: %w", err)
	}
	return nil
}

func endSet(ctx context.Context, tx *store.Tx, s Set) error {
	res, err := tx.ExecContext(ctx, "UPDATE class_settings SET ended_at = $1, ended_by = $2, version = version + 1 WHERE id = $3 AND ended_at = 0",
		store.At(s.EndedAt), s.EndedBy, s.ID)
	if err != nil {
		return fmt.Errorf("keeping the end of what a class was set: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return store.ErrStale
	}
	return nil
}

const listColumns = "id, title, hosts, plan, class, homework, made_at, made_by, ended_at, version"

func scanList(scan func(...any) error) (SiteList, error) {
	var l SiteList
	var hosts string
	var made, ended store.Time
	err := scan(&l.ID, &l.Title, &hosts, &l.Plan, &l.Class, &l.Homework, &made, &l.MadeBy, &ended, &l.Version)
	l.Hosts, l.MadeAt, l.EndedAt = split(hosts), made.Time, ended.Time
	return l, err
}

// openLists are the lists in use; with a class those of it and of any.
func openLists(ctx context.Context, q store.Querier, class string) ([]SiteList, error) {
	rest, args := "WHERE ended_at = 0 ORDER BY title, id LIMIT 2000", []any{}
	if class != "" {
		rest, args = "WHERE ended_at = 0 AND (class = '' OR class = $1) ORDER BY title, id LIMIT 2000", []any{class}
	}
	rows, err := q.QueryContext(ctx, "SELECT "+listColumns+" FROM class_lists "+rest, args...)
	return each(rows, err, scanList, "lists of sites")
}

func getList(ctx context.Context, q store.Querier, id string) (SiteList, error) {
	l, err := scanList(q.QueryRowContext(ctx, "SELECT "+listColumns+" FROM class_lists WHERE id = $1 AND ended_at = 0", id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return l, store.ErrNotFound
	}
	return l, err
}

func insertList(ctx context.Context, tx *store.Tx, l SiteList) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO class_lists ("+listColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
		l.ID, l.Title, join(l.Hosts), l.Plan, l.Class, l.Homework, store.At(l.MadeAt), string(l.MadeBy), store.At(l.EndedAt), l.Version)
	if err != nil {
		return fmt.Errorf("keeping a list of sites: %w", err)
	}
	return nil
}

func endList(ctx context.Context, tx *store.Tx, l SiteList) error {
	res, err := tx.ExecContext(ctx, "UPDATE class_lists SET ended_at = $1, version = version + 1 WHERE id = $2 AND ended_at = 0", store.At(l.EndedAt), l.ID)
	if err != nil {
		return fmt.Errorf("taking a list of sites away: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return store.ErrStale
	}
	return nil
}
