package approval

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/control"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
)

// Decided is one yes or no that somebody gave, as it is looked at afterwards.
type Decided struct {
	What string // for the page of evidence; no name in it
	// Asker and By are actors ("person:<id>").
	Asker, By string
	// Posts: holding any of them was enough.
	Posts []string
	At    time.Time
	// Paper: somebody's word for what was signed on paper.
	Paper bool
}

// Controls is what must be true of approvals: C93.
func (r *Room) Controls() []control.Control {
	return []control.Control{{
		Number: "C93", Slug: "approvals-by-right-person", Title: "Every approval was given by somebody who may, and never by the asker.",
		Requirements: []string{"GOV-17"}, MaxAge: 25 * time.Hour, Default: true, Check: r.check,
	}}
}

// lookedBack is how far back approvals are looked at.
const lookedBack = 366 * 24 * time.Hour

// check looks at every approval of the last year again: whether whoever gave
// it held the post at that moment, by the posts' own record.
func (r *Room) check(ctx context.Context, now time.Time, _ *setting.Values) (control.Finding, error) {
	f := control.Finding{
		State: control.Kept, Source: control.Measured, By: "the record of approvals and of posts", At: now, Owner: "headteacher",
		Rule: "whoever decides holds the post at that moment and did not ask",
	}
	all, err := r.decided(ctx, now.Add(-lookedBack))
	if err != nil {
		return f, err
	}
	paper, wrong := 0, 0
	for _, d := range all {
		why, err := r.wrong(ctx, d)
		if err != nil {
			return f, err
		}
		switch {
		case why != "":
			wrong++
			if len(f.Rows) < 200 {
				f.Rows = append(f.Rows, control.Row{What: d.What + ": " + why, State: control.Broken, At: d.At})
			}
		case d.Paper:
			paper++
		}
	}
	f.Total = wrong
	f.Figure = fmt.Sprintf("%d decisions in the last year, all by somebody who might", len(all))
	if paper > 0 {
		f.Figure += fmt.Sprintf("; %d of them on paper, which is somebody's word", paper)
	}
	switch {
	case len(all) == 0:
		f.State, f.Figure = control.Unknown, "nothing was decided in the last year, so there is nothing to look at"
	case wrong > 0:
		f.State, f.Figure = control.Broken, fmt.Sprintf("%d of %d decisions were by somebody who could not give them", wrong, len(all))
		f.Todo = "Ask again for what was decided wrongly, and find out how it came about."
	}
	return f, nil
}

// decided are all decisions since a moment, those of other rooms included.
func (r *Room) decided(ctx context.Context, since time.Time) ([]Decided, error) {
	rows, err := r.DB.QueryContext(ctx, `SELECT a.title, a.asked_by, a.person, p.post, p.decided_by, p.decided_at, p.paper
		FROM approval_parts p JOIN approvals a ON a.id = p.approval WHERE p.decision <> '' AND p.decided_at >= $1 ORDER BY p.decided_at DESC LIMIT 5000`, store.At(since))
	if err != nil {
		return nil, fmt.Errorf("reading who decided: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Decided
	for rows.Next() {
		var d Decided
		var post, person string
		var at store.Time
		if err := rows.Scan(&d.What, &d.Asker, &person, &post, &d.By, &at, &d.Paper); err != nil {
			return nil, fmt.Errorf("reading who decided: %w", err)
		}
		d.At, d.Posts = at.Time, []string{post}
		if person != "" {
			d.Asker = "person:" + person
		}
		out = append(out, d)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading who decided: %w", err)
	}
	if r.Elsewhere != nil {
		more, err := r.Elsewhere(ctx, since)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

// wrong says why a decision should not have been taken, "" where it might.
func (r *Room) wrong(ctx context.Context, d Decided) (string, error) {
	if d.By == d.Asker && d.By != "" {
		return "given by whoever asked for it", nil
	}
	if d.Paper {
		return "", nil
	}
	who, isPerson := strings.CutPrefix(d.By, "person:")
	if !isPerson {
		return "not given by a person", nil
	}
	held, err := r.anyHolders(ctx, d.Posts, d.At)
	if err != nil || slices.Contains(held, who) {
		return "", err
	}
	asker := strings.TrimPrefix(d.Asker, "person:")
	chairs, err := r.anyHolders(ctx, []string{Chair}, d.At)
	if err != nil {
		return "", err
	}
	alone := !slices.ContainsFunc(held, func(h string) bool { return h != asker })
	if alone && slices.Contains(chairs, who) {
		return "", nil
	}
	return "given by somebody who did not hold the post", nil
}

// anyHolders are those who held any of the posts at a moment.
func (r *Room) anyHolders(ctx context.Context, posts []string, at time.Time) ([]string, error) {
	var out []string
	for _, post := range posts {
		held, err := r.Posts.Holders(ctx, post, at)
		if err != nil {
			return nil, fmt.Errorf("looking who held the post %s: %w", post, err)
		}
		out = append(out, held...)
	}
	return out, nil
}
