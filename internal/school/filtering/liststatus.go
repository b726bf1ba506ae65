package filtering

import (
	"context"
	"time"

	"belisha/internal/kit/store"
)

// ListStatus is how one list stands.
type ListStatus struct {
	Source     string           `json:"source"`
	Title      string           `json:"title"`
	Path       string           `json:"path,omitempty"`
	Names      int64            `json:"names"`
	Categories []SourceCategory `json:"categories"`
	Imported   *time.Time       `json:"imported,omitempty"`
	Dated      *time.Time       `json:"dated,omitempty"`
	Tried      *time.Time       `json:"tried,omitempty"`
	Problem    string           `json:"problem,omitempty"`
	InUse      bool             `json:"in_use"`
	Says       string           `json:"says"`
}

// StarterSays stands wherever the starter list is all there is.
const StarterSays = "starter list: not a filter on its own"

// Status tells how every list stands, the starter list first.
func (r *Room) Status(ctx context.Context) ([]ListStatus, error) {
	sources, err := r.Sources(ctx)
	if err != nil {
		return nil, err
	}
	starter := ListStatus{Source: starterID, Title: "Starter list", InUse: true, Says: StarterSays}
	for _, c := range r.stock.starter {
		n := int64(len(c.Entries))
		starter.Names += n
		starter.Categories = append(starter.Categories, SourceCategory{Slug: c.Slug, Names: n, Neutral: c.Area == "neutral"})
	}
	out := []ListStatus{starter}
	for _, s := range sources {
		out = append(out, s.status(r.now(), r.d.Live.Current().Duration(keyListAge)))
	}
	return out, nil
}

// Show tells how one list stands; store.ErrNotFound if there is none.
func (r *Room) Show(ctx context.Context, id string) (ListStatus, error) {
	all, err := r.Status(ctx)
	if err != nil {
		return ListStatus{}, err
	}
	for _, s := range all {
		if s.Source == id || s.Title == id {
			return s, nil
		}
	}
	return ListStatus{}, store.ErrNotFound
}

// fresh is the moment that a list's age counts from: when its files were
// written, at the latest when it was taken up.
func (s Source) fresh() time.Time {
	if s.DatedAt.IsZero() || s.DatedAt.After(s.ImportedAt) {
		return s.ImportedAt
	}
	return s.DatedAt
}

func (s Source) status(now time.Time, limit time.Duration) ListStatus {
	out := ListStatus{
		Source: s.ID, Title: s.Title, Path: shownPath(s.Path), Names: s.Names, Categories: s.Categories, Problem: s.Problem, InUse: s.Enabled,
		Imported: &s.ImportedAt, Dated: &s.DatedAt, Tried: &s.TriedAt,
	}
	age := now.Sub(s.fresh())
	switch {
	case !s.Enabled:
		out.Says = "not in use"
	case s.Problem != "":
		out.Says = "the latest attempt was refused; the last good list is in force"
	case age > limit:
		out.Says = "older than the policy lets it be"
	default:
		out.Says = "in force"
	}
	return out
}
