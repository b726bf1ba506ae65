package filtering

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"belisha/internal/kit/fetch"
	"belisha/internal/kit/store"
)

// inForce is what is here of a list that is fetched, names or phrases. Version
// is 0 where there is nothing yet.
func (r *Room) inForce(ctx context.Context, s Supply) (Source, error) {
	if s.Format != FormatPhrases {
		have, err := getSource(ctx, r.d.DB, s.ID)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return have, fmt.Errorf("reading the list %s: %w", s.ID, err)
		}
		return have, nil
	}
	l, err := getPhraseList(ctx, r.d.DB, s.ID)
	if errors.Is(err, store.ErrNotFound) {
		return Source{}, nil
	}
	if err != nil {
		return Source{}, fmt.Errorf("reading the phrase list %s: %w", s.ID, err)
	}
	return l.asSource(), nil
}

// asSource is a phrase list as far as fetching it goes.
func (l PhraseList) asSource() Source {
	return Source{
		ID: l.ID, Title: l.Title, Path: l.Path, Format: FormatPhrases, Segment: l.Hash, Names: l.Phrases + l.Combinations, ImportedAt: l.ImportedAt, DatedAt: l.ImportedAt,
		TriedAt: l.TriedAt, Problem: l.Problem, Enabled: l.Enabled, Version: l.Version,
	}
}

// takePhrases takes up the phrases that came.
func (r *Room) takePhrases(ctx context.Context, s Supply, got fetch.Got, file string, allowShrink bool) (Report, fetch.Got, error) {
	rep, err := r.importPhrasesAs(ctx, Options{Path: file, Name: s.Title, AllowShrink: allowShrink, from: s.URL})
	return rep, got, err
}

// phrasesFoundWell clears a problem that a phrase list had, now that its
// publisher says that what is here is the newest.
func (r *Room) phrasesFoundWell(ctx context.Context, id string) error {
	l, err := getPhraseList(ctx, r.d.DB, id)
	if err != nil {
		return err
	}
	l.Problem, l.TriedAt = "", r.now()
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if err := putPhraseList(ctx, tx, l); err != nil {
			return fmt.Errorf("noting that the phrase list is well: %w", err)
		}
		return r.d.Journal.Write(ctx, tx, checked(l.ID, "filter_phrase_lists"))
	})
}

// refusedLists are the lists in use, of names and of phrases, whose latest
// version was refused.
func (r *Room) refusedLists(ctx context.Context) ([]Source, error) {
	all, err := r.Sources(ctx)
	if err != nil {
		return nil, err
	}
	phrases, err := listPhrases(ctx, r.d.DB)
	if err != nil {
		return nil, fmt.Errorf("reading the phrase lists: %w", err)
	}
	for _, l := range phrases {
		all = append(all, l.asSource())
	}
	return slices.DeleteFunc(all, func(s Source) bool { return !s.Enabled || s.Problem == "" }), nil
}
