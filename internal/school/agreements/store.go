package agreements

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"belisha/internal/kit/store"
)

const editionColumns = "id, sheet, number, body, hash, small, binds, reason, lost, by_actor, at"

func editions(ctx context.Context, q store.Querier, rest string, args ...any) ([]Edition, error) {
	rows, err := q.QueryContext(ctx, "SELECT "+editionColumns+" FROM agreement_editions "+rest, args...)
	if err != nil {
		return nil, fmt.Errorf("reading the rules that are signed: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Edition
	for rows.Next() {
		var e Edition
		var at store.Time
		if err := rows.Scan(&e.ID, &e.Sheet, &e.Number, &e.Text, &e.Hash, &e.Small, &e.Binds, &e.Reason, &e.Lost, &e.By, &at); err != nil {
			return nil, fmt.Errorf("reading the rules that are signed: %w", err)
		}
		e.At = at.Time
		out = append(out, e)
	}
	return out, rows.Err()
}

func insertEdition(ctx context.Context, tx *store.Tx, e Edition) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO agreement_editions ("+editionColumns+") VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11)",
		e.ID, string(e.Sheet), e.Number, e.Text, e.Hash, e.Small, string(e.Binds), e.Reason, e.Lost, e.By, store.At(e.At))
	if err != nil {
		return fmt.Errorf("keeping an edition: %w", err)
	}
	return nil
}

func readDraft(ctx context.Context, q store.Querier, s Sheet) (Draft, error) {
	d := Draft{Sheet: s}
	var at store.Time
	err := q.QueryRowContext(ctx, "SELECT body, by_actor, at, version FROM agreement_drafts WHERE sheet = $1", string(s)).Scan(&d.Text, &d.By, &at, &d.Version)
	if errors.Is(err, sql.ErrNoRows) {
		return Draft{}, store.ErrNotFound
	}
	if err != nil {
		return Draft{}, fmt.Errorf("reading a draft: %w", err)
	}
	d.At = at.Time
	return d, nil
}

func putDraft(ctx context.Context, tx *store.Tx, d Draft) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO agreement_drafts (sheet, body, by_actor, at, version) VALUES ($1,$2,$3,$4,$5)
		ON CONFLICT (sheet) DO UPDATE SET body = excluded.body, by_actor = excluded.by_actor, at = excluded.at, version = excluded.version`,
		string(d.Sheet), d.Text, d.By, store.At(d.At), d.Version)
	if err != nil {
		return fmt.Errorf("keeping a draft: %w", err)
	}
	return nil
}

func deleteDraft(ctx context.Context, tx *store.Tx, s Sheet) error {
	if _, err := tx.ExecContext(ctx, "DELETE FROM agreement_drafts WHERE sheet = $1", string(s)); err != nil {
		return fmt.Errorf("removing a draft: %w", err)
	}
	return nil
}

func decisions(ctx context.Context, q store.Querier) ([]Decision, error) {
	rows, err := q.QueryContext(ctx, "SELECT id, audience, mode, from_day, counted, by_actor, at FROM agreement_modes ORDER BY at, id")
	if err != nil {
		return nil, fmt.Errorf("reading who waits: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Decision
	for rows.Next() {
		var d Decision
		var at store.Time
		if err := rows.Scan(&d.ID, &d.Audience, &d.Mode, &d.From, &d.Counted, &d.By, &at); err != nil {
			return nil, fmt.Errorf("reading who waits: %w", err)
		}
		d.At = at.Time
		out = append(out, d)
	}
	return out, rows.Err()
}

func insertDecision(ctx context.Context, tx *store.Tx, d Decision) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO agreement_modes (id, audience, mode, from_day, counted, by_actor, at) VALUES ($1,$2,$3,$4,$5,$6,$7)",
		d.ID, d.Audience, d.Mode, string(d.From), d.Counted, d.By, store.At(d.At))
	if err != nil {
		return fmt.Errorf("keeping who waits: %w", err)
	}
	return nil
}

// chased is when those who have not signed a sheet were last reminded.
func chased(ctx context.Context, q store.Querier, s Sheet) (time.Time, error) {
	var at sql.NullInt64
	if err := q.QueryRowContext(ctx, "SELECT max(at) FROM agreement_chases WHERE sheet = $1", string(s)).Scan(&at); err != nil {
		return time.Time{}, fmt.Errorf("reading when people were reminded: %w", err)
	}
	if !at.Valid || at.Int64 == 0 {
		return time.Time{}, nil
	}
	return time.UnixMilli(at.Int64).UTC(), nil
}

func insertChase(ctx context.Context, tx *store.Tx, id string, s Sheet, mailed, unmailed int, by string, at time.Time) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO agreement_chases (id, sheet, mailed, unmailed, by_actor, at) VALUES ($1,$2,$3,$4,$5,$6)",
		id, string(s), mailed, unmailed, by, store.At(at))
	if err != nil {
		return fmt.Errorf("keeping that people were reminded: %w", err)
	}
	return nil
}
