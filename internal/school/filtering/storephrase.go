package filtering

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"belisha/internal/kit/store"
)

const phraseColumns = "id, title, path, hash, phrases, combinations, areas, areas_off, report, imported_at, imported_by, tried_at, problem, enabled, version"

func scanPhraseList(scan func(...any) error) (PhraseList, error) {
	var l PhraseList
	var areas, off, report string
	var imported, tried store.Time
	err := scan(&l.ID, &l.Title, &l.Path, &l.Hash, &l.Phrases, &l.Combinations, &areas, &off, &report, &imported, &l.ImportedBy, &tried, &l.Problem, &l.Enabled, &l.Version)
	if err != nil {
		return l, err
	}
	l.Off, l.ImportedAt, l.TriedAt = split(off), imported.Time, tried.Time
	if err := errors.Join(json.Unmarshal([]byte(areas), &l.Areas), json.Unmarshal([]byte(report), &l.Report)); err != nil {
		return l, fmt.Errorf("reading the phrase list %s: %w", l.ID, err)
	}
	return l, nil
}

// listPhrases are the phrase lists, without what is in them.
func listPhrases(ctx context.Context, q store.Querier) ([]PhraseList, error) {
	var out []PhraseList
	rows, err := q.QueryContext(ctx, "SELECT "+phraseColumns+" FROM filter_phrase_lists ORDER BY id")
	err = each(rows, err, func(scan func(...any) error) error {
		l, err := scanPhraseList(scan)
		out = append(out, l)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the phrase lists: %w", err)
	}
	return out, nil
}

func getPhraseList(ctx context.Context, q store.Querier, id string) (PhraseList, error) {
	l, err := scanPhraseList(q.QueryRowContext(ctx, "SELECT "+phraseColumns+" FROM filter_phrase_lists WHERE id = $1", id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return l, store.ErrNotFound
	}
	if err != nil {
		return l, fmt.Errorf("reading the phrase list %s: %w", id, err)
	}
	return l, nil
}

// phraseContent is what is in a list, as it was packed.
func phraseContent(ctx context.Context, q store.Querier, id string) (string, error) {
	var content string
	if err := q.QueryRowContext(ctx, "SELECT content FROM filter_phrase_lists WHERE id = $1", id).Scan(&content); err != nil {
		return "", fmt.Errorf("reading what is in the phrase list %s: %w", id, err)
	}
	return content, nil
}

// putPhraseList inserts a list of version 0, or updates the one that was read.
// Without content, what is in it stays.
func putPhraseList(ctx context.Context, tx *store.Tx, l PhraseList) error {
	areas, err := json.Marshal(l.Areas)
	if err != nil {
		return fmt.Errorf("writing the phrase list %s: %w", l.ID, err)
	}
	report, err := json.Marshal(l.Report)
	if err != nil {
		return fmt.Errorf("writing the phrase list %s: %w", l.ID, err)
	}
	values := []any{
		l.Title, l.Path, l.Hash, l.Phrases, l.Combinations, string(areas), join(l.Off), string(report), store.At(l.ImportedAt), l.ImportedBy,
		store.At(l.TriedAt), l.Problem, l.Enabled, l.ID, l.content,
	}
	if l.Version == 0 {
		_, err := tx.ExecContext(ctx, `INSERT INTO filter_phrase_lists (title, path, hash, phrases, combinations, areas, areas_off, report, imported_at, imported_by,
			tried_at, problem, enabled, id, content, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 1)`, values...)
		if err != nil {
			return fmt.Errorf("keeping the phrase list %s: %w", l.ID, err)
		}
		return nil
	}
	res, err := tx.ExecContext(ctx, `UPDATE filter_phrase_lists SET title = $1, path = $2, hash = $3, phrases = $4, combinations = $5, areas = $6, areas_off = $7,
		report = $8, imported_at = $9, imported_by = $10, tried_at = $11, problem = $12, enabled = $13,
		content = CASE WHEN $15 = '' THEN content ELSE $15 END, version = version + 1 WHERE id = $14 AND version = $16`, append(values, l.Version)...)
	if err != nil {
		return fmt.Errorf("keeping the phrase list %s: %w", l.ID, err)
	}
	return one(res)
}
