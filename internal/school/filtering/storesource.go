package filtering

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

const sourceColumns = `id, title, path, format, category, mapping, segment, names, categories,
	imported_at, imported_by, dated_at, tried_at, problem, enabled, version`

func scanSource(scan func(...any) error) (Source, error) {
	var s Source
	var mapping, categories string
	var imported, dated, tried store.Time
	err := scan(&s.ID, &s.Title, &s.Path, &s.Format, &s.Category, &mapping, &s.Segment, &s.Names, &categories,
		&imported, &s.ImportedBy, &dated, &tried, &s.Problem, &s.Enabled, &s.Version)
	if err != nil {
		return s, err
	}
	s.ImportedAt, s.DatedAt, s.TriedAt = imported.Time, dated.Time, tried.Time
	if err := json.Unmarshal([]byte(mapping), &s.Map); err != nil {
		return s, fmt.Errorf("reading the mapping of the list %s: %w", s.ID, err)
	}
	return s, json.Unmarshal([]byte(categories), &s.Categories)
}

func listSources(ctx context.Context, q store.Querier) ([]Source, error) {
	var out []Source
	rows, err := q.QueryContext(ctx, "SELECT "+sourceColumns+" FROM filter_sources ORDER BY id")
	err = each(rows, err, func(scan func(...any) error) error {
		s, err := scanSource(scan)
		out = append(out, s)
		return err
	})
	return out, err
}

func getSource(ctx context.Context, q store.Querier, id string) (Source, error) {
	s, err := scanSource(q.QueryRowContext(ctx, "SELECT "+sourceColumns+" FROM filter_sources WHERE id = $1", id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return s, store.ErrNotFound
	}
	return s, err
}

// putSource inserts a source of version 0, or updates the one that was read.
func putSource(ctx context.Context, tx *store.Tx, s Source) error {
	mapping, err := json.Marshal(s.Map)
	if err != nil {
		return err
	}
	categories, err := json.Marshal(s.Categories)
	if err != nil {
		return err
	}
	if s.Version == 0 {
		_, err := tx.ExecContext(ctx, "INSERT INTO filter_sources ("+sourceColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
			s.ID, s.Title, s.Path, s.Format, s.Category, string(mapping), s.Segment, s.Names, string(categories),
			store.At(s.ImportedAt), s.ImportedBy, store.At(s.DatedAt), store.At(s.TriedAt), s.Problem, s.Enabled, 1)
		return err
	}
	res, err := tx.ExecContext(ctx, `UPDATE filter_sources SET title = $1, path = $2, format = $3, category = $4, mapping = $5, segment = $6, names = $7,
		categories = $8, imported_at = $9, imported_by = $10, dated_at = $11, tried_at = $12, problem = $13, enabled = $14, version = version + 1
		WHERE id = $15 AND version = $16`,
		s.Title, s.Path, s.Format, s.Category, string(mapping), s.Segment, s.Names, string(categories),
		store.At(s.ImportedAt), s.ImportedBy, store.At(s.DatedAt), store.At(s.TriedAt), s.Problem, s.Enabled, s.ID, s.Version)
	if err != nil {
		return err
	}
	return one(res)
}

// latestHolders is the newest confirmed list, the zero one when there is none.
func latestHolders(ctx context.Context, q store.Querier) (Holders, error) {
	h, err := scanHolders(q.QueryRowContext(ctx, "SELECT id, confirmed_at, confirmed_by, people FROM filter_holders ORDER BY confirmed_at DESC, id DESC LIMIT 1").Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return Holders{}, nil
	}
	return h, err
}

// allHolders are all confirmed lists, oldest first.
func allHolders(ctx context.Context, q store.Querier) ([]Holders, error) {
	var out []Holders
	rows, err := q.QueryContext(ctx, "SELECT id, confirmed_at, confirmed_by, people FROM filter_holders ORDER BY confirmed_at, id")
	err = each(rows, err, func(scan func(...any) error) error {
		h, err := scanHolders(scan)
		out = append(out, h)
		return err
	})
	return out, err
}

func scanHolders(scan func(...any) error) (Holders, error) {
	var h Holders
	var at store.Time
	var ids string
	err := scan(&h.ID, &at, &h.By, &ids)
	h.At = at.Time
	for _, id := range strings.Fields(ids) {
		h.People = append(h.People, people.ID(id))
	}
	return h, err
}

func insertHolders(ctx context.Context, tx *store.Tx, h Holders) error {
	ids := make([]string, 0, len(h.People))
	for _, p := range h.People {
		ids = append(ids, string(p))
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO filter_holders (id, confirmed_at, confirmed_by, people) VALUES ($1, $2, $3, $4)",
		h.ID, store.At(h.At), h.By, strings.Join(ids, "\n"))
	return err
}
