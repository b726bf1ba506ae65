package policies

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"belisha/internal/kit/control"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/words"
	"belisha/internal/school/policies/watch"
)

// Controls are the room's own controls.
func (r *Room) Controls() []control.Control {
	c := watch.BySlug("policy-in-force")
	return []control.Control{{
		Number: c.Number, Slug: c.Slug, Title: c.Title, Requirements: c.Requirements,
		Settings: []string{"policies.review", "policies.approvers"},
		MaxAge:   day, Default: true, Check: r.policyInForce,
	}}
}

// policyInForce is C76: a policy is in force, every approver has approved it,
// and its review is not overdue.
func (r *Room) policyInForce(ctx context.Context, now time.Time, v *setting.Values) (control.Finding, error) {
	f := control.Finding{
		State: control.Broken, Source: control.Measured, By: "the policy's own record", At: now, Owner: "headteacher",
		Rule: "a policy is in force, all its approvers have approved it, and its review is not overdue",
	}
	act, ver, err := r.inForce(ctx, r.d.DB)
	if errors.Is(err, store.ErrNotFound) {
		f.Figure, f.Todo = "no policy is in force", "Put a policy in force."
		return f, nil
	}
	if err != nil {
		return f, err
	}
	have, err := r.Approvals(ctx, ver.ID)
	if err != nil {
		return f, err
	}
	needed := v.Items("policies.approvers")
	f.Rows, f.Total = approvalRows(needed, have), len(needed)
	lacks := missing(needed, have)
	due := reviewDue(act, have, v)
	switch {
	case len(needed) == 0:
		f.Figure, f.Todo = "the policy names nobody who must approve it", "Name its approvers in the front matter."
	case len(lacks) > 0:
		f.Figure = fmt.Sprintf("not yet approved: %d of %d approvals missing (%s)", len(lacks), len(needed), titles(lacks))
		f.Todo = "Ask them to approve it, or record an approval given on paper."
	case now.After(due):
		f.Figure = "its review was due on " + due.Format("2 January 2006")
		f.Todo = "Review the policy, and put the reviewed text in force."
	case now.After(due.Add(-30 * day)):
		f.State, f.Figure = control.AtRisk, "its review is due on "+due.Format("2 January 2006")
		f.Todo = "Begin the review."
	default:
		f.State, f.Figure = control.Kept, fmt.Sprintf("all %d approvals given; review due on %s", len(needed), due.Format("2 January 2006"))
		if allPaper(have) {
			f.Source, f.By = control.Attested, "approvals given on paper, recorded by "+have[0].By
		}
	}
	return f, nil
}

func allPaper(have []Approval) bool {
	for _, a := range have {
		if !a.Paper {
			return false
		}
	}
	return len(have) > 0
}

// reviewDue counts from the last approval, or from the activation while there
// is none.
func reviewDue(act Activation, have []Approval, v *setting.Values) time.Time {
	from := time.Time{}
	for _, a := range have {
		if a.On.After(from) {
			from = a.On
		}
	}
	if from.IsZero() || from.After(act.At) {
		from = act.At
	}
	return later(from, v.Get("policies.review"))
}

// later counts calendar months and years where the policy says months and
// years, so that a review is due on the same day of the month.
func later(from time.Time, v setting.Value) time.Time {
	switch d := v.Duration; {
	case strings.Contains(v.Raw, "month") && d%(30*day) == 0:
		return from.AddDate(0, int(d/(30*day)), 0)
	case strings.Contains(v.Raw, "year") && d%(365*day) == 0:
		return from.AddDate(int(d/(365*day)), 0, 0)
	default:
		return from.Add(d)
	}
}

func approvalRows(needed []string, have []Approval) []control.Row {
	var rows []control.Row
	for _, role := range needed {
		row := control.Row{What: "Not yet approved by " + approverTitle(role), State: control.Broken}
		for _, a := range have {
			if a.Role == role {
				row = control.Row{What: "Approved by " + approverTitle(role), State: control.Kept, At: a.On}
				if a.Paper {
					row.What += ", on paper"
				}
			}
		}
		rows = append(rows, row)
	}
	return rows
}

func titles(roles []string) string {
	var out []string
	for _, r := range roles {
		out = append(out, approverTitle(r))
	}
	return words.And(out)
}
