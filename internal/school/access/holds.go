package access

import (
	"context"
	"fmt"
	"strings"
	"time"

	"belisha/internal/school/people"
)

// Holds is what the room keeps about a person: never the password, of which
// only a digest is kept.
func (r *Room) Holds(ctx context.Context, id people.ID) ([]people.Holding, error) {
	var out []people.Holding
	a, err := r.AccountOf(ctx, id)
	if ignoreNotFound(err) != nil {
		return nil, err
	}
	if err == nil {
		out = append(out, people.Holding{Title: "Account", Facts: []people.Fact{
			{Name: "Username", Value: a.Username},
			{Name: "Made", Value: stamp(a.MadeAt)},
			{Name: "Password changed", Value: stamp(a.PasswordAt)},
			{Name: "Last signed in", Value: stamp(a.LastIn)},
		}})
	}
	if err == nil {
		h, err := r.holdsFactors(ctx, a.ID)
		if err != nil {
			return nil, err
		}
		out = append(out, h...)
	}
	list, err := sessions(ctx, r.DB, "WHERE person = $1 ORDER BY started_at DESC, id LIMIT 500", string(id))
	if err != nil {
		return nil, err
	}
	ss := people.Holding{Title: "Sign-ins"}
	for _, s := range list {
		ss.Facts = append(ss.Facts, people.Fact{Name: stamp(s.StartedAt), Value: fmt.Sprintf("%s, address %s", s.Device, addressText(s.Address))})
	}
	subjects, err := r.Subjects(ctx, id)
	if err != nil {
		return nil, err
	}
	names := people.Holding{Title: "Pseudonyms on the web"}
	for _, s := range subjects {
		names.Facts = append(names.Facts, people.Fact{Name: "Pseudonym", Value: s})
	}
	for _, h := range []people.Holding{ss, names} {
		if len(h.Facts) > 0 {
			out = append(out, h)
		}
	}
	return out, nil
}

// holdsFactors is what is kept of somebody's second factors and of alerts about
// their account: never a seed or a code.
func (r *Room) holdsFactors(ctx context.Context, account string) ([]people.Holding, error) {
	list, err := factorsOf(ctx, r.DB, account)
	if err != nil {
		return nil, err
	}
	factors := people.Holding{Title: "Second factors"}
	for _, f := range list {
		factors.Facts = append(factors.Facts, people.Fact{Name: f.Name, Value: factorKinds[f.Kind] + ", added " + stamp(f.MadeAt) + ", last used " + stamp(f.UsedAt)})
	}
	resets, err := resetsOf(ctx, r.DB, account, time.Time{})
	if err != nil {
		return nil, err
	}
	for _, x := range resets {
		factors.Facts = append(factors.Facts, people.Fact{Name: "Taken away " + stamp(x.At), Value: x.Reason})
	}
	about, err := alerts(ctx, r.DB, "WHERE account = $1 ORDER BY at DESC LIMIT 200", account)
	if err != nil {
		return nil, err
	}
	told := people.Holding{Title: "Alerts about the account"}
	for _, x := range about {
		told.Facts = append(told.Facts, people.Fact{Name: stamp(x.At), Value: strings.TrimSpace(x.Says + ". " + x.Note)})
	}
	var out []people.Holding
	for _, h := range []people.Holding{factors, told} {
		if len(h.Facts) > 0 {
			out = append(out, h)
		}
	}
	return out, nil
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format("2 January 2006 15:04 UTC")
}
