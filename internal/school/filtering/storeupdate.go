package filtering

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"belisha/internal/kit/store"
)

const supplyColumns = "id, title, url, format, category, mapping, sum, plain, private, reason, added_at, added_by, ended_at, version"

func scanSupply(scan func(...any) error) (Supply, error) {
	var s Supply
	var mapping string
	var added, ended store.Time
	err := scan(&s.ID, &s.Title, &s.URL, &s.Format, &s.Category, &mapping, &s.Sum, &s.Plain, &s.Private, &s.Reason, &added, &s.AddedBy, &ended, &s.Version)
	if err != nil {
		return s, err
	}
	s.AddedAt, s.EndedAt = added.Time, ended.Time
	if err := json.Unmarshal([]byte(mapping), &s.Map); err != nil {
		return s, fmt.Errorf("reading the mapping of the list %s: %w", s.ID, err)
	}
	return s, nil
}

func listSupplies(ctx context.Context, q store.Querier) ([]Supply, error) {
	var out []Supply
	rows, err := q.QueryContext(ctx, "SELECT "+supplyColumns+" FROM filter_supplies ORDER BY id")
	err = each(rows, err, func(scan func(...any) error) error {
		s, err := scanSupply(scan)
		out = append(out, s)
		return err
	})
	return out, err
}

func getSupply(ctx context.Context, q store.Querier, id string) (Supply, error) {
	s, err := scanSupply(q.QueryRowContext(ctx, "SELECT "+supplyColumns+" FROM filter_supplies WHERE id = $1", id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return s, store.ErrNotFound
	}
	return s, err
}

// putSupply inserts a supply of version 0, or updates the one that was read.
func putSupply(ctx context.Context, tx *store.Tx, s Supply) error {
	mapping, err := json.Marshal(s.Map)
	if err != nil {
		return fmt.Errorf("keeping where a list is fetched from: %w", err)
	}
	if s.Version == 0 {
		_, err := tx.ExecContext(ctx, "INSERT INTO filter_supplies ("+supplyColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
			s.ID, s.Title, s.URL, s.Format, s.Category, string(mapping), s.Sum, s.Plain, s.Private, s.Reason, store.At(s.AddedAt), s.AddedBy, store.At(s.EndedAt), 1)
		if err != nil {
			return fmt.Errorf("keeping where a list is fetched from: %w", err)
		}
		return nil
	}
	res, err := tx.ExecContext(ctx, `UPDATE filter_supplies SET title = $1, url = $2, format = $3, category = $4, mapping = $5, sum = $6, plain = $7, private = $8,
		reason = $9, added_at = $10, added_by = $11, ended_at = $12, version = version + 1 WHERE id = $13 AND version = $14`,
		s.Title, s.URL, s.Format, s.Category, string(mapping), s.Sum, s.Plain, s.Private, s.Reason, store.At(s.AddedAt), s.AddedBy, store.At(s.EndedAt), s.ID, s.Version)
	if err != nil {
		return fmt.Errorf("keeping where a list is fetched from: %w", err)
	}
	return one(res)
}

const fetchedColumns = "id, terms, etag, modified, got, well_at, tried_at, due_at, failures, problem, problem_since"

// getFetched is how fetching a list goes; of one that was never fetched, only
// the id is filled in.
func getFetched(ctx context.Context, q store.Querier, id string) (Fetched, error) {
	var f Fetched
	var well, tried, due, since store.Time
	err := q.QueryRowContext(ctx, "SELECT "+fetchedColumns+" FROM filter_fetches WHERE id = $1", id).
		Scan(&f.ID, &f.Terms, &f.ETag, &f.Modified, &f.Got, &well, &tried, &due, &f.Failures, &f.Problem, &since)
	if errors.Is(err, sql.ErrNoRows) {
		return Fetched{ID: id}, nil
	}
	if err != nil {
		return f, fmt.Errorf("reading how fetching goes: %w", err)
	}
	f.WellAt, f.TriedAt, f.DueAt, f.Since = well.Time, tried.Time, due.Time, since.Time
	return f, nil
}

func putFetched(ctx context.Context, tx *store.Tx, f Fetched) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO filter_fetches ("+fetchedColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (id) DO UPDATE SET terms = excluded.terms, etag = excluded.etag, modified = excluded.modified, got = excluded.got, well_at = excluded.well_at,
		tried_at = excluded.tried_at, due_at = excluded.due_at, failures = excluded.failures, problem = excluded.problem, problem_since = excluded.problem_since`,
		f.ID, f.Terms, f.ETag, f.Modified, f.Got, store.At(f.WellAt), store.At(f.TriedAt), store.At(f.DueAt), f.Failures, f.Problem, store.At(f.Since))
	if err != nil {
		return fmt.Errorf("keeping how fetching goes: %w", err)
	}
	return nil
}
