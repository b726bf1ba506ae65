package review

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/control"
	"belisha/internal/kit/duty"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

// missing are the posts that somebody holds and whose word a report lacks.
func (r *Room) missing(ctx context.Context, k Kept) ([]people.Post, error) {
	all, err := receipts(ctx, r.d.DB, k.ID)
	if err != nil {
		return nil, err
	}
	var out []people.Post
	for _, p := range signers[k.Kind] {
		held, err := r.d.Facts.Posts(ctx, string(p))
		if err != nil {
			return nil, err
		}
		signed := slices.ContainsFunc(all, func(x Receipt) bool { return !x.Signed.IsZero() && slices.Contains(x.Posts, string(p)) })
		if len(held) > 0 && !signed {
			out = append(out, p)
		}
	}
	return out, nil
}

// Duties are the reports to be read.
func (r *Room) Duties() []duty.Source {
	return []duty.Source{{Name: "reports", Owed: r.owed}}
}

// readBy is when a report is to be read by, counted in school days.
func (r *Room) readBy(k Kept) time.Time {
	n := int(r.d.Live.Current().Int(KeyReadWithin))
	return r.d.Days.AddSchoolDays(k.MadeAt, n)
}

func (r *Room) owed(ctx context.Context, _ time.Time) ([]duty.Owed, error) {
	var out []duty.Owed
	for _, kind := range []string{ForHead, ForBoard} {
		k, err := r.newest(ctx, kind)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		lacks, err := r.missing(ctx, k)
		if err != nil {
			return nil, err
		}
		if len(lacks) == 0 {
			continue
		}
		due := r.readBy(k)
		for _, p := range lacks {
			out = append(out, duty.Owed{
				ID: k.ID + "/" + string(p), What: "Read and sign: " + strings.ToLower(title(kind)[:1]) + title(kind)[1:], Step: "Read it",
				Owner: string(p), Since: k.MadeAt, Due: due, Link: "/reports/" + k.ID, Risk: 1,
			})
		}
	}
	return out, nil
}

// Controls is C85.
func (r *Room) Controls() []control.Control {
	return []control.Control{{
		Number: "C85", Slug: "reports-read", Title: "The head's and the governors' reports were read.",
		Requirements: []string{"GOV-05", "GOV-06", "GOV-07", "GOV-08"}, Settings: []string{KeyHeadReport, KeyBoardReport, KeyReadWithin},
		MaxAge: 25 * time.Hour, Default: true, Check: r.check,
	}}
}

// check looks whether the reports were made in time, and the newest of each
// kind opened and signed by whoever it is for.
func (r *Room) check(ctx context.Context, now time.Time, v *setting.Values) (control.Finding, error) {
	f := control.Finding{Source: control.Measured, By: "the receipts of reports", At: now, Owner: headteacher, Rule: "made in time, and signed within " + words.Count(int(v.Int(KeyReadWithin)), "school day", "school days")}
	var states []control.State
	var said []string
	for _, kind := range []string{ForHead, ForBoard} {
		state, says, err := r.checkKind(ctx, kind, now, v)
		if err != nil {
			return f, err
		}
		states, said = append(states, state), append(said, says)
		f.Rows = append(f.Rows, control.Row{What: title(kind) + ": " + says, State: state, At: now, Link: "/reports"})
	}
	f.State, f.Figure = control.Worst(states), "head teacher: "+said[0]+"; governors: "+said[1]
	if f.State != control.Kept {
		f.Todo = "Open the reports under Reports; whoever they are for reads and signs them there."
	}
	return f, nil
}

func (r *Room) checkKind(ctx context.Context, kind string, now time.Time, v *setting.Values) (control.State, string, error) {
	k, err := r.newest(ctx, kind)
	if errors.Is(err, store.ErrNotFound) {
		return control.Unknown, "no report was made yet", nil
	}
	if err != nil {
		return control.Unknown, "", err
	}
	if now.Sub(k.MadeAt) > v.Duration(cadence[kind])+2*day {
		return control.Broken, "the last report is older than it may be", nil
	}
	holders := 0
	for _, p := range signers[kind] {
		held, err := r.d.Facts.Posts(ctx, string(p))
		if err != nil {
			return control.Unknown, "", err
		}
		holders += len(held)
	}
	if holders == 0 {
		return control.Broken, "nobody holds a post that reads it", nil
	}
	lacks, err := r.missing(ctx, k)
	if err != nil {
		return control.Unknown, "", err
	}
	if len(lacks) == 0 {
		return control.Kept, "the last one was signed by all who read it", nil
	}
	if now.After(r.readBy(k)) {
		return control.Broken, "the last one is not signed by: " + posts(lacks), nil
	}
	return control.AtRisk, "the newest one waits to be signed by: " + posts(lacks), nil
}

func posts(list []people.Post) string {
	out := make([]string, 0, len(list))
	for _, p := range list {
		out = append(out, strings.ToLower(p.Title()))
	}
	return words.And(out)
}
