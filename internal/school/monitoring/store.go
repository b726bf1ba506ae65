package monitoring

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

// found turns "no row" into the store's own error.
func found(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return store.ErrNotFound
	}
	return err
}

func insertPurpose(ctx context.Context, tx *store.Tx, p Purpose) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO monitoring_purposes (id, actor, session, purpose, given_at, until_at)
		VALUES ($1, $2, $3, $4, $5, $6)`, p.ID, p.Actor, p.Session, p.Purpose, store.At(p.Given), store.At(p.Until))
	if err != nil {
		return fmt.Errorf("keeping a purpose: %w", err)
	}
	return nil
}

// latestPurpose is the newest purpose of a session that still counts. The
// clock is asked for both ends, so that one set back opens nothing.
func (r *Room) latestPurpose(ctx context.Context, actor, session string, now time.Time) (Purpose, error) {
	var p Purpose
	var given, until store.Time
	err := r.d.DB.QueryRowContext(ctx, `SELECT id, actor, session, purpose, given_at, until_at FROM monitoring_purposes
		WHERE actor = $1 AND session = $2 AND until_at > $3 AND given_at <= $3 ORDER BY given_at DESC, id DESC LIMIT 1`,
		actor, session, store.Millis(now)).Scan(&p.ID, &p.Actor, &p.Session, &p.Purpose, &given, &until)
	if err != nil {
		return Purpose{}, fmt.Errorf("reading the purpose: %w", found(err))
	}
	p.Given, p.Until = given.Time, until.Time
	return p, nil
}

func insertLook(ctx context.Context, tx *store.Tx, id string, p Purpose, kind string, rows int, at time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO monitoring_looks (id, purpose, actor, kind, rows_n, looked_at)
		VALUES ($1, $2, $3, $4, $5, $6)`, id, p.ID, p.Actor, kind, rows, store.At(at))
	if err != nil {
		return fmt.Errorf("keeping a look: %w", err)
	}
	return nil
}

// Look is one look at the record, as the head reads it.
type Look struct {
	ID        string
	At        time.Time
	Actor     string
	Kind      string
	Rows      int
	Purpose   string
	PurposeID string
}

// Looks are the looks in [from, to), newest first, at most limit.
func (r *Room) Looks(ctx context.Context, from, to time.Time, limit int) ([]Look, error) {
	return r.looksWhere(ctx, `WHERE l.looked_at >= $1 AND l.looked_at < $2 ORDER BY l.looked_at DESC, l.id DESC LIMIT $3`,
		store.Millis(from), store.Millis(to), limit)
}

func (r *Room) looksWhere(ctx context.Context, rest string, args ...any) ([]Look, error) {
	rows, err := r.d.DB.QueryContext(ctx, `SELECT l.id, l.looked_at, l.actor, l.kind, l.rows_n, p.purpose, p.id
		FROM monitoring_looks l JOIN monitoring_purposes p ON p.id = l.purpose `+rest, args...)
	if err != nil {
		return nil, fmt.Errorf("reading the looks: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all []Look
	for rows.Next() {
		var l Look
		var at store.Time
		if err := rows.Scan(&l.ID, &at, &l.Actor, &l.Kind, &l.Rows, &l.Purpose, &l.PurposeID); err != nil {
			return nil, fmt.Errorf("reading a look: %w", err)
		}
		l.At = at.Time
		all = append(all, l)
	}
	return all, rows.Err()
}

// purposeOfLook is what a look was for and by whom; store.ErrNotFound where
// no such look is kept.
func (r *Room) purposeOfLook(ctx context.Context, id string) (purpose, actor string, err error) {
	err = r.d.DB.QueryRowContext(ctx, `SELECT p.purpose, l.actor FROM monitoring_looks l
		JOIN monitoring_purposes p ON p.id = l.purpose WHERE l.id = $1 AND p.actor = l.actor
		AND l.looked_at >= p.given_at AND l.looked_at < p.until_at`, id).Scan(&purpose, &actor)
	if err != nil {
		return "", "", fmt.Errorf("reading what a look was for: %w", found(err))
	}
	return purpose, actor, nil
}

func insertList(ctx context.Context, tx *store.Tx, l List) error {
	ids := make([]string, 0, len(l.People))
	for _, p := range l.People {
		ids = append(ids, string(p))
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO monitor_lists (id, confirmed_at, confirmed_by, people) VALUES ($1, $2, $3, $4)`,
		l.ID, store.At(l.ConfirmedAt), l.ConfirmedBy, strings.Join(ids, "\n"))
	if err != nil {
		return fmt.Errorf("keeping the list of monitors: %w", err)
	}
	return nil
}

// List is the list of monitors in force; the zero List where none was ever
// confirmed.
func (r *Room) List(ctx context.Context) (List, error) {
	var l List
	var at store.Time
	var ids string
	err := r.d.DB.QueryRowContext(ctx, `SELECT id, confirmed_at, confirmed_by, people FROM monitor_lists
		ORDER BY confirmed_at DESC, id DESC LIMIT 1`).Scan(&l.ID, &at, &l.ConfirmedBy, &ids)
	if errors.Is(err, sql.ErrNoRows) {
		return List{}, nil
	}
	if err != nil {
		return List{}, fmt.Errorf("reading the list of monitors: %w", err)
	}
	l.ConfirmedAt = at.Time
	for id := range strings.Lines(ids) {
		l.People = append(l.People, people.ID(strings.TrimSpace(id)))
	}
	return l, nil
}

func insertRecording(ctx context.Context, tx *store.Tx, rec Recording) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO recordings (id, confirmed_at, confirmed_by, assessed_on, notice, ended_at, ended_by)
		VALUES ($1, $2, $3, $4, $5, 0, '')`, rec.ID, store.At(rec.ConfirmedAt), rec.ConfirmedBy, string(rec.AssessedOn), rec.Notice)
	if err != nil {
		return fmt.Errorf("keeping the head's word: %w", err)
	}
	return nil
}

func endRecording(ctx context.Context, tx *store.Tx, id string, at time.Time, by string) error {
	_, err := tx.ExecContext(ctx, `UPDATE recordings SET ended_at = $1, ended_by = $2 WHERE id = $3`, store.At(at), by, id)
	if err != nil {
		return fmt.Errorf("ending the recording of names: %w", err)
	}
	return nil
}

// recording is the one in force, or store.ErrNotFound.
func (r *Room) recording(ctx context.Context) (Recording, error) {
	var rec Recording
	var at store.Time
	var on string
	err := r.d.DB.QueryRowContext(ctx, `SELECT id, confirmed_at, confirmed_by, assessed_on, notice FROM recordings
		WHERE ended_at = 0 ORDER BY confirmed_at DESC, id DESC LIMIT 1`).Scan(&rec.ID, &at, &rec.ConfirmedBy, &on, &rec.Notice)
	if err != nil {
		return Recording{}, fmt.Errorf("reading whether names are recorded: %w", found(err))
	}
	rec.ConfirmedAt, rec.AssessedOn = at.Time, people.Day(on)
	return rec, nil
}
