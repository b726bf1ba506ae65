package filtering

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"belisha/internal/kit/store"
)

const licensedColumns = `id, title, supplier, subject, url, secret_file, private, form, salt, segment, entries, digest,
	imported_at, imported_by, dated_at, reason, ended_at, version`

func scanLicensed(scan func(...any) error) (Licensed, error) {
	var l Licensed
	var imported, dated, ended store.Time
	err := scan(&l.ID, &l.Title, &l.Supplier, &l.Subject, &l.URL, &l.SecretFile, &l.Private, &l.Form, &l.Salt, &l.Segment, &l.Entries, &l.Digest,
		&imported, &l.ImportedBy, &dated, &l.Reason, &ended, &l.Version)
	l.ImportedAt, l.DatedAt, l.EndedAt = imported.Time, dated.Time, ended.Time
	return l, err
}

// listLicensed are the licensed lists in force.
func listLicensed(ctx context.Context, q store.Querier) ([]Licensed, error) {
	var out []Licensed
	rows, err := q.QueryContext(ctx, "SELECT "+licensedColumns+" FROM filter_licensed WHERE ended_at = 0 ORDER BY id")
	err = each(rows, err, func(scan func(...any) error) error {
		l, err := scanLicensed(scan)
		out = append(out, l)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the licensed lists: %w", err)
	}
	return out, nil
}

func getLicensed(ctx context.Context, q store.Querier, id string) (Licensed, error) {
	l, err := scanLicensed(q.QueryRowContext(ctx, "SELECT "+licensedColumns+" FROM filter_licensed WHERE id = $1", id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return Licensed{}, store.ErrNotFound
	}
	if err != nil {
		return l, fmt.Errorf("reading the licensed list %s: %w", id, err)
	}
	return l, nil
}

// putLicensed inserts a list of version 0, or updates the one that was read.
func putLicensed(ctx context.Context, tx *store.Tx, l Licensed) error {
	values := []any{
		l.Title, l.Supplier, l.Subject, l.URL, l.SecretFile, l.Private, string(l.Form), l.Salt, l.Segment, l.Entries, l.Digest,
		store.At(l.ImportedAt), l.ImportedBy, store.At(l.DatedAt), l.Reason, store.At(l.EndedAt), l.ID, l.Version,
	}
	if l.Version == 0 {
		_, err := tx.ExecContext(ctx, `INSERT INTO filter_licensed (title, supplier, subject, url, secret_file, private, form, salt, segment, entries, digest,
			imported_at, imported_by, dated_at, reason, ended_at, id, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18 + 1)`, values...)
		if err != nil {
			return fmt.Errorf("keeping the licensed list %s: %w", l.ID, err)
		}
		return nil
	}
	res, err := tx.ExecContext(ctx, `UPDATE filter_licensed SET title = $1, supplier = $2, subject = $3, url = $4, secret_file = $5, private = $6, form = $7, salt = $8,
		segment = $9, entries = $10, digest = $11, imported_at = $12, imported_by = $13, dated_at = $14, reason = $15, ended_at = $16, version = version + 1
		WHERE id = $17 AND version = $18`, values...)
	if err != nil {
		return fmt.Errorf("keeping the licensed list %s: %w", l.ID, err)
	}
	return one(res)
}

// getLicensedTry is how bringing a licensed list goes; of one that was never
// tried, only the id is filled in.
func getLicensedTry(ctx context.Context, q store.Querier, id string) (LicensedTry, error) {
	t := LicensedTry{ID: id}
	var tried, well, due store.Time
	err := q.QueryRowContext(ctx, "SELECT tried_at, well_at, due_at, failures, problem FROM filter_licensed_tries WHERE id = $1", id).
		Scan(&tried, &well, &due, &t.Failures, &t.Problem)
	if errors.Is(err, sql.ErrNoRows) {
		return t, nil
	}
	if err != nil {
		return t, fmt.Errorf("reading how the licensed list %s goes: %w", id, err)
	}
	t.TriedAt, t.WellAt, t.DueAt = tried.Time, well.Time, due.Time
	return t, nil
}

func putLicensedTry(ctx context.Context, tx *store.Tx, t LicensedTry) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO filter_licensed_tries (id, tried_at, well_at, due_at, failures, problem) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (id) DO UPDATE SET tried_at = excluded.tried_at, well_at = excluded.well_at, due_at = excluded.due_at, failures = excluded.failures, problem = excluded.problem`,
		t.ID, store.At(t.TriedAt), store.At(t.WellAt), store.At(t.DueAt), t.Failures, t.Problem)
	if err != nil {
		return fmt.Errorf("keeping how the licensed list %s goes: %w", t.ID, err)
	}
	return nil
}
