package access

import (
	"context"
	"fmt"
	"time"

	"belisha/internal/kit/control"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// Controls is what must be true of passwords and sessions.
func (r *Room) Controls() []control.Control { return append(r.passwordControls(), r.moreControls()...) }

func (r *Room) passwordControls() []control.Control {
	return []control.Control{
		{
			Number: "C43", Slug: "password-age", Title: "No staff password is older than the policy allows",
			Requirements: []string{"ACC-06"}, Settings: []string{KeyPasswordAge}, MaxAge: time.Hour, Default: true, Check: r.passwordAge,
		},
		{
			Number: "C44", Slug: "first-logon-change", Title: "Temporary passwords are changed at the first sign-in and never lie about",
			Requirements: []string{"ACC-07"}, Settings: []string{KeyMustChange, KeyTemporaryAge}, MaxAge: time.Hour, Default: true, Check: r.firstChange,
		},
		{
			Number: "C45", Slug: "idle-lock", Title: "A session that is left locks itself",
			Requirements: []string{"ACC-17", "ACC-18"}, Settings: []string{KeyIdleLock}, MaxAge: time.Hour, Default: true, Check: r.idleLocks,
		},
	}
}

const (
	owner   = string(people.NetworkManager)
	maxRows = 200
)

// addRow keeps the first rows and counts all.
func addRow(f *control.Finding, row control.Row) {
	f.Total++
	if len(f.Rows) < maxRows {
		f.Rows = append(f.Rows, row)
	}
}

func accountLink(id string) string { return "/accounts/" + id }

// passwordAge looks at the password of every open account of somebody whose
// passwords grow old.
func (r *Room) passwordAge(ctx context.Context, now time.Time, v *setting.Values) (control.Finding, error) {
	f := control.Finding{Source: control.Measured, By: "the accounts", At: now, Owner: owner}
	limit := v.Get(KeyPasswordAge)
	if limit.Duration == 0 {
		f.State, f.Rule = control.NotApplicable, "no forced change of passwords"
		f.Figure = "off"
		f.Reason = "forced changes are off, as guidance advises: a password is changed when anybody may know it"
		if limit.Clause != "" {
			f.Reason = "the policy's clause " + limit.Clause + " turns forced changes off"
		}
		return f, nil
	}
	f.Rule = "no staff password older than " + daysWords(limit.Duration)
	f.Todo = "These people choose a new password at their next sign-in, before anything else opens. Close the accounts of those who are away for long."
	old, soon, all := 0, 0, 0
	err := r.eachOpen(ctx, func(a Account, p people.Person) error {
		if !ages(p.Kind) || a.password == "" {
			return nil
		}
		all++
		age := now.Sub(a.PasswordAt)
		row := control.Row{What: fmt.Sprintf("Account of %s, password %s old", people.KindWords(p.Kind), daysWords(age)), At: a.PasswordAt, Link: accountLink(a.ID)}
		switch {
		case age > limit.Duration:
			old++
			row.State = control.Broken
			addRow(&f, row)
		case age > limit.Duration-7*day:
			soon++
			row.State = control.AtRisk
			addRow(&f, row)
		}
		return nil
	})
	f.Figure = fmt.Sprintf("%d of %d passwords older than %s", old, all, daysWords(limit.Duration))
	switch {
	case all == 0:
		f.State, f.Figure, f.Todo = control.Unknown, "no account of staff yet", "Make the accounts of staff."
	case old > 0:
		f.State = control.Broken
	case soon > 0:
		f.State = control.AtRisk
	default:
		f.State, f.Todo = control.Kept, ""
	}
	return f, err
}

// eachOpen calls fn with every open account of somebody who is here.
func (r *Room) eachOpen(ctx context.Context, fn func(Account, people.Person) error) error {
	all, err := accounts(ctx, r.DB, " WHERE a.disabled = $1 ORDER BY a.password_at, a.id", false)
	if err != nil {
		return err
	}
	for _, a := range all {
		p, err := r.People.Present(ctx, a.Person)
		if err != nil {
			if ignoreNotFound(err) == nil {
				continue
			}
			return err
		}
		if err := fn(a, p); err != nil {
			return err
		}
	}
	return nil
}

// firstChange looks for temporary passwords that were used and not changed,
// and for those that lie about.
func (r *Room) firstChange(ctx context.Context, now time.Time, v *setting.Values) (control.Finding, error) {
	f := control.Finding{Source: control.Measured, By: "the accounts", At: now, Owner: owner}
	limit := v.Duration(KeyTemporaryAge)
	f.Rule = fmt.Sprintf("no temporary password is kept after the first sign-in, and none lies unused for more than %s", daysWords(limit))
	if must := v.Get(KeyMustChange); !must.Bool {
		f.State, f.Figure = control.NotApplicable, "off"
		f.Reason = "the school does not ask for a change at the first sign-in"
		if must.Clause != "" {
			f.Reason += " (clause " + must.Clause + ")"
		}
		return f, nil
	}
	f.Todo = "Ask these people to sign in and choose a password of their own, or close their accounts."
	kept, lying, waiting, all := 0, 0, 0, 0
	err := r.eachOpen(ctx, func(a Account, p people.Person) error {
		all++
		if !a.Temporary() {
			return nil
		}
		row := control.Row{At: a.PasswordAt, Link: accountLink(a.ID), State: control.Kept}
		who := "Account of " + people.KindWords(p.Kind)
		switch {
		case a.LastIn.After(a.PasswordAt):
			kept++
			row.State, row.What = control.Broken, who+": signed in and the temporary password not changed yet"
		case now.Sub(a.PasswordAt) > limit:
			lying++
			row.State, row.What = control.Broken, fmt.Sprintf("%s: a temporary password %s old, never used", who, daysWords(now.Sub(a.PasswordAt)))
		default:
			waiting++
			row.What = fmt.Sprintf("%s: a temporary password given %s ago", who, daysWords(now.Sub(a.PasswordAt)))
		}
		addRow(&f, row)
		return nil
	})
	f.Figure = fmt.Sprintf("%d kept after the first sign-in, %d unused too long, %d still in time", kept, lying, waiting)
	switch {
	case all == 0:
		f.State, f.Figure, f.Todo = control.Unknown, "no account yet", "Make the first accounts."
	case kept+lying > 0:
		f.State = control.Broken
	default:
		f.State, f.Todo = control.Kept, ""
	}
	return f, err
}

// How sessions prove the lock.
const (
	provedBy  = 30 * day        // sessions of this time are the evidence
	lateSweep = 3 * time.Minute // a left session must be locked within
	hair      = time.Second     // between looking at a clock and writing it down
)

// idleLocks measures the lock: the longest any session was left and still
// answered, against the limit that then held, and whether any session stands
// open now that was left for longer.
func (r *Room) idleLocks(ctx context.Context, now time.Time, v *setting.Values) (control.Finding, error) {
	limit := v.Duration(KeyIdleLock)
	f := control.Finding{
		Source: control.Measured, By: "the sessions", At: now, Owner: owner,
		Rule: "a session left for " + lengthWords(limit) + " locks, and name and password are asked again",
		Todo: "Look at the health page: the task access-sessions locks what is left. Then look at these sessions.",
	}
	list, err := sessions(ctx, r.DB, "WHERE used_at >= $1 OR ended_at = 0 ORDER BY used_at DESC, id", store.Millis(now.Add(-provedBy)))
	if err != nil {
		return f, err
	}
	locked, over, measured := 0, 0, 0
	var longest time.Duration
	for _, s := range list {
		if !s.LockedAt.IsZero() {
			locked++
		}
		if s.LongestLimit > 0 || !s.LockedAt.IsZero() {
			measured++
		}
		longest = max(longest, s.LongestGap)
		what, err := r.idleFault(ctx, s, now)
		if err != nil {
			return f, err
		}
		if what != "" {
			over++
			addRow(&f, control.Row{What: what, State: control.Broken, At: s.UsedAt})
		}
	}
	f.Figure = fmt.Sprintf("%d sessions in 30 days; the longest left and still answered: %s; locked: %d; not locked in time: %d",
		len(list), longest.Round(time.Second), locked, over)
	switch {
	case over > 0:
		f.State = control.Broken
	case measured == 0:
		f.State, f.Figure, f.Todo = control.Unknown, "no session has been measured in 30 days", "It becomes known when somebody has signed in and come back after a pause."
	default:
		f.State, f.Todo = control.Kept, ""
	}
	return f, nil
}

// idleFault says what shows that the lock did not hold for a session, "" for
// nothing.
func (r *Room) idleFault(ctx context.Context, s Session, now time.Time) (string, error) {
	if s.LongestLimit > 0 && s.LongestGap > s.LongestLimit+hair {
		return fmt.Sprintf("A session was left for %s and answered, with a limit of %s", s.LongestGap.Round(time.Second), s.LongestLimit), nil
	}
	if !s.Open() || !s.LockedAt.IsZero() {
		return "", nil
	}
	p, err := r.People.Get(ctx, s.Person)
	if err != nil {
		return "", err
	}
	limit := r.idleLimit(p.Kind, s.Place)
	if left := now.Sub(s.UsedAt); left > limit+lateSweep {
		return fmt.Sprintf("A session has been left for %s and is not locked", left.Round(time.Minute)), nil
	}
	return "", nil
}

// daysWords says an age in days, or in hours where it is less than one.
func daysWords(d time.Duration) string {
	switch n := int(d / day); {
	case d < 2*time.Hour:
		return "an hour"
	case n == 0:
		return fmt.Sprintf("%d hours", int(d/time.Hour))
	case n == 1:
		return "1 day"
	default:
		return fmt.Sprintf("%d days", n)
	}
}
