package monitoring

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"belisha/internal/activity"
	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// Findings are what a monitor may find about a drawn row.
var Findings = []setting.Option{
	{Value: FoundFine, Title: "Fine"},
	{Value: FoundNoConcern, Title: "Not a concern"},
	{Value: FoundFollowUp, Title: "Somebody should follow this up"},
	{Value: FoundInappropriate, Title: "Inappropriate"},
}

// DrawnRow is one row of a sample.
type DrawnRow struct {
	ID      string
	Draw    string
	Place   int
	Finding string // "" is not judged yet
	By      string
	Version int64
	// Seen is what may be shown: nobody is named before the row was found to
	// need it. Gone: the record no longer holds the row.
	Seen Seen
	Gone bool
	// Own: the row is the reader's own, so another monitor judges it.
	Own bool
	// Case is the page of the case behind an inappropriate row, "" for none.
	Case string

	key rowKey
}

// Ref is how another room refers to the row.
func (d DrawnRow) Ref() string { return refDraw + d.ID }

// named says whether the finding lets the person be shown.
func (d DrawnRow) named() bool {
	return d.Finding == FoundFollowUp || d.Finding == FoundInappropriate
}

// lookDraw is the kind of look that opening a sample is.
const lookDraw = "sample"

// Samples are the samples drawn since a moment, newest first; those that are
// only planned are nobody's to know.
func (r *Room) Samples(ctx context.Context, since time.Time) ([]Draw, error) {
	all, err := r.draws(ctx, since)
	return slices.DeleteFunc(all, func(d Draw) bool { return d.Drawn.IsZero() }), err
}

// OpenDraw answers a page of a sample to a listed monitor with a purpose, and
// journals the look.
func (r *Room) OpenDraw(ctx context.Context, id string, after, limit int) (Draw, []DrawnRow, Purpose, error) {
	p, err := r.purpose(ctx)
	if err != nil {
		return Draw{}, nil, p, err
	}
	d, err := r.drawByID(ctx, id)
	if err != nil {
		return d, nil, p, err
	}
	if d.Drawn.IsZero() {
		return d, nil, p, store.ErrNotFound // its moment is nobody's to know
	}
	rows, err := r.drawRows(ctx, `WHERE draw = $1 AND place > $2 ORDER BY place LIMIT $3`, id, after, limit)
	if err != nil {
		return d, nil, p, err
	}
	if err := r.look(ctx, p, lookDraw, len(rows), map[string]string{"sample": d.Period}); err != nil {
		return d, nil, p, err
	}
	return d, rows, p, r.show(ctx, rows)
}

// show fills in what of each row may be seen.
func (r *Room) show(ctx context.Context, rows []DrawnRow) error {
	me := people.ID(actor.From(ctx).Person)
	for i := range rows {
		d := &rows[i]
		e, err := r.event(ctx, d.key)
		if errors.Is(err, store.ErrNotFound) {
			d.Gone = true
			continue
		}
		if err != nil {
			return err
		}
		d.Seen = r.shape(ctx, []activity.Event{e})[0]
		d.Own = d.Seen.Person != "" && d.Seen.Person == me
		if !d.named() {
			d.Seen.Person, d.Seen.Name, d.Seen.Where, d.Seen.Device = "", "", "", ""
		}
	}
	return r.linkCases(ctx, rows)
}

// linkCases finds the cases behind the inappropriate rows.
func (r *Room) linkCases(ctx context.Context, rows []DrawnRow) error {
	if r.d.Cases == nil {
		return nil
	}
	var refs []string
	for i := range rows {
		if rows[i].named() {
			refs = append(refs, rows[i].Ref())
		}
	}
	if len(refs) == 0 {
		return nil
	}
	linked, err := r.d.Cases.Linked(ctx, refs)
	if err != nil {
		return fmt.Errorf("asking which rows have a case: %w", err)
	}
	for i := range rows {
		rows[i].Case = linked[rows[i].Ref()]
	}
	return nil
}

// Judge keeps what a monitor found about a drawn row. A finding may be changed
// until the sample is complete; then it stands.
func (r *Room) Judge(ctx context.Context, row, finding string, version int64) (DrawnRow, error) {
	if _, err := r.purpose(ctx); err != nil {
		return DrawnRow{}, err
	}
	if !slices.ContainsFunc(Findings, func(o setting.Option) bool { return o.Value == finding }) {
		return DrawnRow{}, store.Invalid{"finding": "Choose what you found."}
	}
	rows, err := r.drawRows(ctx, `WHERE id = $1`, row)
	if err != nil {
		return DrawnRow{}, err
	}
	if len(rows) == 0 {
		return DrawnRow{}, store.ErrNotFound
	}
	if err := r.show(ctx, rows); err != nil {
		return DrawnRow{}, err
	}
	d := rows[0]
	if d.Own {
		return d, fmt.Errorf("%w: this row is yours, so another monitor judges it", store.ErrForbidden)
	}
	whole, err := r.drawByID(ctx, d.Draw)
	if err != nil {
		return d, err
	}
	if d.Version != version || whole.Complete() {
		return d, store.ErrStale
	}
	before := d.Finding
	d.Finding, d.By = finding, actor.From(ctx).ID
	return d, r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if err := judgeRow(ctx, tx, d, r.d.Clock.Now()); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbJudged, Kind: "draw", ID: d.Draw,
			Before: map[string]any{"found": before}, After: map[string]any{"row": d.Place, "found": finding},
			Rows: []journal.Row{{Table: "draw_rows", ID: d.ID}},
		})
	})
}

// unfollowed are the inappropriate rows without a case, oldest first.
func (r *Room) unfollowed(ctx context.Context, rows []DrawnRow) ([]DrawnRow, error) {
	if err := r.linkCases(ctx, rows); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(rows), func(d DrawnRow) bool { return d.Case != "" }), nil
}
