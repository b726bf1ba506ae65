package access

import (
	"context"
	"fmt"
	"time"

	"belisha/internal/kit/control"
	"belisha/internal/kit/setting"
)

func (r *Room) moreControls() []control.Control {
	return []control.Control{
		{
			Number: "C42", Slug: "no-zombie-accounts", Title: "No account here is open for somebody who has left",
			Requirements: []string{"ACC-15"}, Settings: []string{KeyDisableAfter}, MaxAge: time.Hour, Default: true, Check: r.noZombies,
		},
		{
			Number: "C46", Slug: "no-shared-use", Title: "No account is used by two people",
			Requirements: []string{"ACC-01", "ACC-04"}, Settings: []string{KeySharedWindow}, MaxAge: time.Hour, Default: true, Check: r.noSharedUse,
		},
		{
			Number: "C47", Slug: "admin-rights-reviewed", Title: "Everybody with the most rights was looked at in time",
			Requirements: []string{"ACC-20"}, Settings: []string{KeyRightsReview}, MaxAge: time.Hour, Default: true, Check: r.rightsReviewed,
		},
	}
}

// noZombies is C42, of Belisha's own accounts: what other systems have, it
// does not see.
func (r *Room) noZombies(ctx context.Context, now time.Time, v *setting.Values) (control.Finding, error) {
	limit := v.Duration(KeyDisableAfter)
	f := control.Finding{
		Source: control.Measured, By: "Belisha's own accounts against the roll", At: now, Owner: owner,
		Rule: "an account of somebody who has left is closed within " + daysWords(limit),
	}
	all, err := accounts(ctx, r.DB, " WHERE a.disabled = $1 ORDER BY a.id", false)
	if err != nil {
		return f, err
	}
	left, late := 0, 0
	for _, a := range all {
		gone, err := r.goneFor(ctx, a, now)
		if err != nil {
			return f, err
		}
		if gone < 0 {
			continue
		}
		left++
		row := control.Row{What: "An account is open although its owner has left", State: control.AtRisk, At: now.Add(-gone), Link: accountLink(a.ID)}
		if gone > limit+lateSweep+15*time.Minute {
			late++
			row.State = control.Broken
		}
		addRow(&f, row)
	}
	f.Figure = fmt.Sprintf("%d accounts open here; %d of people who have left, %d of them for longer than %s", len(all), left, late, daysWords(limit))
	switch {
	case len(all) == 0:
		f.State, f.Figure, f.Todo = control.Unknown, "no account yet", "Make the first accounts."
	case late > 0:
		f.State, f.Todo = control.Broken, "Close these accounts. The task access-accounts on the health page should have done it."
	case left > 0:
		f.State, f.Todo = control.AtRisk, "They are closed by themselves in time; nobody can sign in with them."
	default:
		f.State = control.Kept
	}
	return f, nil
}

// noSharedUse is C46: every sign-in is looked at, and what it showed was
// reviewed by somebody.
func (r *Room) noSharedUse(ctx context.Context, now time.Time, v *setting.Values) (control.Finding, error) {
	window := v.Get(KeySharedWindow)
	f := control.Finding{
		Source: control.Measured, By: "the sign-ins", At: now, Owner: owner,
		Rule: "an account in use at two places within " + lengthWords(window.Duration) + " is looked into within " + daysWords(reviewIn),
	}
	if window.Duration == 0 {
		f.State, f.Figure, f.Rule = control.NotApplicable, "off", "sign-ins are not compared"
		f.Reason = "the school does not compare where an account is used"
		if window.Clause != "" {
			f.Reason += " (clause " + window.Clause + ")"
		}
		return f, nil
	}
	n, err := signInsSince(ctx, r.DB, now.Add(-provedBy))
	if err != nil {
		return f, err
	}
	open, err := alerts(ctx, r.DB, "WHERE reviewed_at = 0 AND kind <> $1 ORDER BY at", AlertCompromised)
	if err != nil {
		return f, err
	}
	late := 0
	for _, a := range open {
		row := control.Row{What: a.Says, State: control.AtRisk, At: a.At, Link: alertsPath}
		if now.Sub(a.At) > reviewIn {
			late++
			row.State = control.Broken
		}
		addRow(&f, row)
	}
	f.Figure = fmt.Sprintf("%d sign-ins in 30 days looked at; %d hits wait to be looked into, %d for longer than %s", n, len(open), late, daysWords(reviewIn))
	others, err := r.ByRequest(ctx)
	if err != nil {
		return f, err
	}
	if len(others) > 0 {
		f.Figure += fmt.Sprintf("; %d on the web by a password or ticket with each request, or by the Wi-Fi, are not compared", len(others))
	}
	switch {
	case late > 0:
		f.State = control.Broken
	case len(open) > 0:
		f.State = control.AtRisk
	case n == 0:
		f.State, f.Figure = control.Unknown, "no sign-in in 30 days"
	default:
		f.State = control.Kept
	}
	if f.State == control.Broken || f.State == control.AtRisk {
		f.Todo = "Ask whose account it is who used it, and say under Accounts, Alerts what it was."
	}
	return f, nil
}
