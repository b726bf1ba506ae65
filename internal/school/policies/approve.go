package policies

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
)

// What somebody may do with the policy.
const (
	MayRead     actor.Capability = "policies.read"
	MayEdit     actor.Capability = "policies.edit"
	MayActivate actor.Capability = "policies.activate"
	MayApprove  actor.Capability = "policies.approve"
	MayEvidence actor.Capability = "evidence.read"
)

const maxName = 120

// ParseApproval reads ROLE=NAME@DATE, as the command line gives an approval
// that stands on paper: "governing-body=A. Khan, chair@2026-09-14".
func ParseApproval(s string) (Approval, error) {
	role, rest, ok := strings.Cut(s, "=")
	name, date, ok2 := cutLast(rest, "@")
	if !ok || !ok2 || strings.TrimSpace(name) == "" {
		return Approval{}, fmt.Errorf("%q is not ROLE=NAME@DATE; write it as governing-body=\"A. Khan, chair\"@2026-09-14", s)
	}
	on, err := time.Parse(time.DateOnly, strings.TrimSpace(date))
	if err != nil {
		return Approval{}, fmt.Errorf("%q is not a date; write it as 2026-09-14", date)
	}
	return Approval{Role: strings.TrimSpace(role), Name: strings.TrimSpace(name), On: on, Paper: true}, nil
}

func cutLast(s, sep string) (string, string, bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// roleOf finds the approver that a word names.
func roleOf(word string) (string, error) {
	v, err := setting.Setting{Kind: setting.Choice, Options: approvers}.Parse(word)
	if err != nil {
		return "", fmt.Errorf("an approver %w", err)
	}
	return v.Choice, nil
}

// checkApproval says what is wrong with an approval given on paper.
func checkApproval(a Approval, needed []string, now time.Time) (Approval, error) {
	role, err := roleOf(a.Role)
	if err != nil {
		return a, store.Invalid{"role": err.Error()}
	}
	a.Role = role
	bad := store.Invalid{}
	if !slices.Contains(needed, role) {
		bad["role"] = fmt.Sprintf("%s is not one of this policy's approvers: %s", role, strings.Join(needed, ", "))
	}
	if n := len([]rune(a.Name)); n == 0 || n > maxName {
		bad["name"] = fmt.Sprintf("Write the name of whoever approved, in at most %d characters.", maxName)
	}
	if a.On.IsZero() || a.On.After(now) {
		bad["on"] = "Give the day on which it was approved; it cannot be in the future."
	}
	if len([]rune(a.Minute)) > maxName {
		bad["minute"] = fmt.Sprintf("The minute's reference is longer than %d characters.", maxName)
	}
	return a, bad.OrNil()
}

// needed are the approvers that a text asks for.
func (r *Room) needed(v Version) []string {
	return r.values(v).Items("policies.approvers")
}

// missing are the approvers whose word is not there yet.
func missing(needed []string, have []Approval) []string {
	var out []string
	for _, n := range needed {
		if !slices.ContainsFunc(have, func(a Approval) bool { return a.Role == n }) {
			out = append(out, n)
		}
	}
	return out
}

// Missing returns the approvers that a version still lacks.
func (r *Room) Missing(ctx context.Context, v Version) ([]string, error) {
	have, err := r.Approvals(ctx, v.ID)
	if err != nil {
		return nil, err
	}
	return missing(r.needed(v), have), nil
}

// ErrOwn says that nobody approves what they proposed themselves.
var ErrOwn = errors.New("you proposed this text, so somebody else must approve it; if nobody else holds the post, the chair of governors does")

// postRoles says in which roles the holder of a post approves. A body's
// approval is recorded by its chair.
var postRoles = map[string][]string{
	"headteacher":              {"headteacher", "senior-leadership"},
	"deputy-head":              {"senior-leadership"},
	"chair-of-governors":       {"chair-of-governors", "governing-body"},
	"safeguarding-governor":    {"safeguarding-governor"},
	"safeguarding-lead":        {"safeguarding-lead"},
	"deputy-safeguarding-lead": {"safeguarding-lead"},
	"online-safety-lead":       {"online-safety-lead"},
}

// bodies decide together: whoever records it names the minute.
var bodies = map[string]bool{"governing-body": true, "senior-leadership": true}

// OwnRoles are those of a version's missing approvals that the actor can give
// in person.
func (r *Room) OwnRoles(ctx context.Context, v Version, a actor.Actor) ([]string, error) {
	lacks, err := r.Missing(ctx, v)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, role := range lacks {
		if r.gives(ctx, v, a, role) {
			out = append(out, role)
		}
	}
	return out, nil
}

// gives reports whether a post of the actor gives the role. Where the head
// proposed the text, the chair of governors approves in the head's place.
func (r *Room) gives(ctx context.Context, v Version, a actor.Actor, role string) bool {
	for _, p := range a.Posts {
		if slices.Contains(postRoles[p], role) {
			return true
		}
	}
	return role == "headteacher" && a.Holds("chair-of-governors") && r.d.Posts != nil &&
		slices.Contains(r.d.Posts(ctx, v.ProposedBy), "headteacher")
}

// Approve keeps the actor's own approval of a version, in a role that a post
// of theirs gives.
func (r *Room) Approve(ctx context.Context, version, role, minute string) error {
	a := actor.From(ctx)
	if !a.May(MayApprove) {
		return store.ErrForbidden
	}
	v, err := r.Version(ctx, version)
	if err != nil {
		return err
	}
	roles, err := r.OwnRoles(ctx, v, a)
	if err != nil {
		return err
	}
	if !slices.Contains(roles, role) {
		return store.Invalid{"role": "This approval is already there, or is not yours to give."}
	}
	if v.ProposedBy == a.ID {
		return store.Invalid{"": ErrOwn.Error()}
	}
	if bodies[role] && strings.TrimSpace(minute) == "" {
		return store.Invalid{"minute": "Give the minute of the decision, such as \"12 October, item 4\"."}
	}
	name := a.Name
	if role == "headteacher" && !a.Holds("headteacher") {
		name += ", chair of governors, in the head's place"
	}
	return r.keepApprovals(ctx, v, []Approval{{Role: role, Name: name, On: r.now(), Minute: strings.TrimSpace(minute)}})
}

// Record keeps approvals that were given on paper: somebody's word, shown as
// attested with the name of whoever recorded it.
func (r *Room) Record(ctx context.Context, version string, given []Approval) error {
	v, err := r.Version(ctx, version)
	if err != nil {
		return err
	}
	for i := range given {
		given[i].Paper = true
	}
	return r.keepApprovals(ctx, v, given)
}

func (r *Room) keepApprovals(ctx context.Context, v Version, given []Approval) error {
	if len(given) == 0 {
		return nil
	}
	needed, now := r.needed(v), r.now()
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		have, err := approvalsOf(ctx, tx, v.ID)
		if err != nil {
			return err
		}
		for _, a := range given {
			a, err := checkApproval(a, needed, now)
			if err != nil {
				return err
			}
			if slices.ContainsFunc(have, func(h Approval) bool { return h.Role == a.Role }) {
				continue // the same word twice changes nothing
			}
			a.ID, a.By = store.NewID(now), actor.From(ctx).ID
			have = append(have, a)
			if err := insertApproval(ctx, tx, v.ID, a, now); err != nil {
				return err
			}
			err = r.d.Journal.Write(ctx, tx, journal.Entry{
				Verb: approved, Kind: "policy", ID: v.ID, After: a,
				Rows: []journal.Row{{Table: "policy_approvals", ID: a.ID}},
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}
