package alarms

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"belisha/internal/kit/store"
)

const columns = "id, kind, subject, words, may, todo, owner, risk, link, since, ended_at, seen_at, seen_by, note, told_at, again, back_at, up_at, version"

func scan(into func(...any) error) (a Alarm, err error) {
	var since, ended, seen, told, back, up store.Time
	var again int64
	err = into(&a.ID, &a.Kind, &a.Subject, &a.Words, &a.May, &a.Todo, &a.Owner, &a.Risk, &a.Link, &since, &ended, &seen, &a.SeenBy, &a.Note, &told, &again, &back, &up, &a.Version)
	a.Times = again + 1
	a.Since, a.EndedAt, a.SeenAt, a.ToldAt, a.BackAt, a.UpAt = since.Time, ended.Time, seen.Time, told.Time, back.Time, up.Time
	return a, err
}

func list(ctx context.Context, q store.Querier, rest string, args ...any) (out []Alarm, err error) {
	rows, err := q.QueryContext(ctx, "SELECT "+columns+" FROM alarms "+rest, args...)
	if err != nil {
		return nil, fmt.Errorf("reading alarms: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		a, err := scan(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("reading alarms: %w", err)
		}
		out = append(out, a)
	}
	return out, rows.Err()
}

// Running are the alarms that have not ended, the gravest first.
func (r *Room) Running(ctx context.Context) ([]Alarm, error) {
	return list(ctx, r.DB, "WHERE ended_at = 0 ORDER BY risk DESC, since, id LIMIT 500")
}

// Ended are those that have, newest first.
func (r *Room) Ended(ctx context.Context, limit, offset int) ([]Alarm, int, error) {
	var n int
	if err := r.DB.QueryRowContext(ctx, "SELECT COUNT(*) FROM alarms WHERE ended_at <> 0").Scan(&n); err != nil {
		return nil, 0, fmt.Errorf("counting alarms: %w", err)
	}
	out, err := list(ctx, r.DB, "WHERE ended_at <> 0 ORDER BY ended_at DESC, id DESC LIMIT $1 OFFSET $2", limit, offset)
	return out, n, err
}

func get(ctx context.Context, q store.Querier, id string) (Alarm, error) {
	a, err := scan(q.QueryRowContext(ctx, "SELECT "+columns+" FROM alarms WHERE id = $1", id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return a, store.ErrNotFound
	}
	return a, err
}

func insertAlarm(ctx context.Context, tx *store.Tx, a Alarm) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO alarms ("+columns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
		a.ID, a.Kind, a.Subject, a.Words, a.May, a.Todo, string(a.Owner), a.Risk, a.Link, store.At(a.Since), store.At(a.EndedAt), store.At(a.SeenAt), a.SeenBy, a.Note, store.At(a.ToldAt), a.Times-1, store.At(a.BackAt), store.At(a.UpAt), a.Version)
	if err != nil {
		return fmt.Errorf("keeping an alarm: %w", err)
	}
	return nil
}

func updateAlarm(ctx context.Context, tx *store.Tx, a Alarm) error {
	res, err := tx.ExecContext(ctx, `UPDATE alarms SET words = $1, may = $2, todo = $3, ended_at = $4, seen_at = $5, seen_by = $6, note = $7, told_at = $8, risk = $9, link = $10, again = $11, back_at = $12, up_at = $13,
		version = version + 1 WHERE id = $14 AND version = $15`,
		a.Words, a.May, a.Todo, store.At(a.EndedAt), store.At(a.SeenAt), a.SeenBy, a.Note, store.At(a.ToldAt), a.Risk, a.Link, a.Times-1, store.At(a.BackAt), store.At(a.UpAt), a.ID, a.Version)
	if err != nil {
		return fmt.Errorf("keeping an alarm: %w", err)
	}
	n, err := res.RowsAffected()
	if err == nil && n != 1 {
		return store.ErrStale
	}
	return err
}

// lately is the alarm of the same thing that ended last, if it ended since a
// moment.
func lately(ctx context.Context, q store.Querier, kind, subject string, since time.Time) (Alarm, bool, error) {
	out, err := list(ctx, q, "WHERE kind = $1 AND subject = $2 AND ended_at > $3 ORDER BY ended_at DESC, id DESC LIMIT 1", kind, subject, store.At(since))
	if err != nil || len(out) == 0 {
		return Alarm{}, false, err
	}
	return out[0], true, nil
}

// unseen are the grave alarms that ended since a moment, and that nobody saw.
func (r *Room) unseen(ctx context.Context, since time.Time) ([]Alarm, error) {
	return list(ctx, r.DB, "WHERE ended_at > $1 AND seen_at = 0 AND risk >= 2 ORDER BY risk DESC, since, id LIMIT 100", store.At(since))
}

func endedBefore(ctx context.Context, q store.Querier, t time.Time) ([]Alarm, error) {
	return list(ctx, q, "WHERE ended_at <> 0 AND ended_at < $1 ORDER BY ended_at LIMIT 2000", store.At(t))
}

func deleteAlarm(ctx context.Context, tx *store.Tx, id string) error {
	if _, err := tx.ExecContext(ctx, "DELETE FROM alarms WHERE id = $1", id); err != nil {
		return fmt.Errorf("removing an alarm: %w", err)
	}
	return nil
}

// Note keeps figures of hours by their names, over what was noted of those
// hours before. They are counts without a person, and no record of anything
// done.
func (r *Room) Note(ctx context.Context, figures map[string][]Hour) error {
	if len(figures) == 0 {
		return nil
	}
	return r.DB.Write(ctx, func(tx *store.Tx) error {
		for name, hours := range figures {
			for _, h := range hours {
				_, err := tx.ExecContext(ctx, `INSERT INTO alarm_figures (hour, name, value, base) VALUES ($1, $2, $3, $4)
					ON CONFLICT (name, hour) DO UPDATE SET value = excluded.value, base = excluded.base`, store.At(h.At), name, h.Value, h.Base)
				if err != nil {
					return fmt.Errorf("keeping a figure: %w", err)
				}
			}
		}
		return nil
	})
}

// Figures are the hours of a figure since a moment.
func (r *Room) Figures(ctx context.Context, name string, since time.Time) (out []Hour, err error) {
	rows, err := r.DB.QueryContext(ctx, "SELECT hour, value, base FROM alarm_figures WHERE name = $1 AND hour >= $2 ORDER BY hour LIMIT 5000", name, store.At(since))
	if err != nil {
		return nil, fmt.Errorf("reading figures: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var h Hour
		var at store.Time
		if err := rows.Scan(&at, &h.Value, &h.Base); err != nil {
			return nil, fmt.Errorf("reading figures: %w", err)
		}
		h.At = at.Time
		out = append(out, h)
	}
	return out, rows.Err()
}

// FiguresOf are the hours of all figures whose names begin so, by the rest of
// the name.
func (r *Room) FiguresOf(ctx context.Context, prefix string, since time.Time) (out map[string][]Hour, err error) {
	rows, err := r.DB.QueryContext(ctx, `SELECT name, hour, value, base FROM alarm_figures
		WHERE name LIKE $1 AND hour >= $2 ORDER BY name, hour LIMIT 200000`, prefix+"%", store.At(since))
	if err != nil {
		return nil, fmt.Errorf("reading figures: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	out = map[string][]Hour{}
	for rows.Next() {
		var h Hour
		var at store.Time
		var name string
		if err := rows.Scan(&name, &at, &h.Value, &h.Base); err != nil {
			return nil, fmt.Errorf("reading figures: %w", err)
		}
		h.At = at.Time
		name = strings.TrimPrefix(name, prefix)
		out[name] = append(out[name], h)
	}
	return out, rows.Err()
}

func removeFigures(ctx context.Context, tx *store.Tx, before time.Time) error {
	if _, err := tx.ExecContext(ctx, "DELETE FROM alarm_figures WHERE hour < $1", store.At(before)); err != nil {
		return fmt.Errorf("removing old figures: %w", err)
	}
	return nil
}
