package filtering

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/control"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/words"
	"belisha/internal/verdict"
	"belisha/internal/verdict/snapfile"
)

// lookedBack is how far C04 looks at what was open.
const lookedBack = 30 * day

// byHead reports whether a timed unblock was granted by who was head then,
// which the head does where the only filter manager asks.
func (r *Room) byHead(ctx context.Context, c Change) (bool, error) {
	who := personOf(c.Actor)
	if c.Kind != kindUnblock || who == "" {
		return false, nil
	}
	return r.isHead(ctx, who, c.At)
}

// exceptionsExpire holds what is open for lessons in the rules as published
// against what was granted, and asks them for sites whose time is over.
func (r *Room) exceptionsExpire(ctx context.Context, now time.Time, v *setting.Values) (control.Finding, error) {
	f := control.Finding{
		Rule:   "nothing is open past its end, and each site and file has a purpose, those it is for, and somebody else who granted it",
		Source: control.Measured, By: "the rules in force, asked for every site that was opened in 30 days", At: now, Owner: owner,
		Todo: "Open the page of sites opened for lessons, or of files that were asked for, and end what is open.",
	}
	public, _ := r.d.Key.Public().(ed25519.PublicKey)
	snap, err := r.published()
	if err != nil {
		f.State, f.Figure = control.Broken, "there are no rules in force that the filter would take: "+err.Error()
		return f, nil
	}
	n, err := snapfile.Current(r.d.Dir)
	if err != nil {
		return f, fmt.Errorf("finding the rules in force: %w", err)
	}
	_, rules, err := snapfile.Read(r.d.Dir, public, n)
	if err != nil {
		return f, fmt.Errorf("reading the rules in force: %w", err)
	}
	list, err := unblocksSince(ctx, r.d.DB, now.Add(-lookedBack))
	if err != nil {
		return f, fmt.Errorf("reading what was opened for lessons: %w", err)
	}
	by := map[string]Unblock{}
	running := 0
	for _, u := range list {
		by[u.ID] = u
		if u.Running(now) {
			running++
		}
		if row, ok := pastEnd(snap, u, now); ok {
			f.Rows = append(f.Rows, row)
		}
	}
	for _, u := range rules.Unblocks {
		if row, ok := unaccounted(by, u, v, now); ok {
			f.Rows = append(f.Rows, row)
		}
	}
	rows, files, permitted, err := r.permitFaults(ctx, snap, &rules, now)
	if err != nil {
		return f, err
	}
	f.Rows = append(f.Rows, rows...)
	f.State = control.Kept
	if len(f.Rows) > 0 {
		f.State = control.Broken
	}
	f.Figure = fmt.Sprintf("%d open now, %d opened in 30 days, %s", running, len(list), words.Count(len(f.Rows), "fault", "faults"))
	if permitted > 0 {
		f.Figure = fmt.Sprintf("%d open now, %d opened in 30 days; %d files permitted now, %d in 30 days; %s", running, len(list), files, permitted, words.Count(len(f.Rows), "fault", "faults"))
	}
	cut(&f)
	return f, nil
}

// pastEnd asks the rules for the sites of an unblock that is over.
func pastEnd(snap *verdict.Snapshot, u Unblock, now time.Time) (control.Row, bool) {
	if u.Running(now) || now.Before(u.From) && u.State == UnblockGranted {
		return control.Row{}, false
	}
	for _, host := range u.Hosts {
		for g, group := range snap.Names().Groups {
			ask := verdict.Ask{
				Door: verdict.DoorProxy, Host: host, Path: "/", Groups: uint64(1) << g, At: now,
				Classes: snap.Names().ClassNumbers([]string{u.For}),
			}
			v := snap.Decide(&ask)
			if rule, ok := snap.Names().Rule(v.Rule); ok && v.Reason == verdict.ReasonUnblock && rule.ID == u.ID {
				return control.Row{What: host + " is still open for " + group.Slug + " although its time is over", State: control.Broken, At: u.Until, Link: pathUnblocks + "/" + u.ID}, true
			}
		}
	}
	return control.Row{}, false
}

// unaccounted is what the rules open that nobody granted as it stands there.
func unaccounted(by map[string]Unblock, x verdict.Unblock, v *setting.Values, now time.Time) (control.Row, bool) {
	row := control.Row{State: control.Broken, At: now, Link: pathUnblocks + "/" + x.ID}
	u, known := by[x.ID]
	switch {
	case !known:
		row.Link, row.What = pathUnblocks, strings.Join(x.Hosts, ", ")+" is open and nobody granted it"
	case u.Purpose == "" || u.For == "":
		row.What = strings.Join(x.Hosts, ", ") + " is open without a purpose or a class"
	case u.DecidedBy == "" || u.DecidedBy == u.AskedBy:
		row.What = strings.Join(x.Hosts, ", ") + " was granted by nobody, or by whoever asked"
	case x.Span.Until != u.Until.UnixMilli() || !slices.Equal(x.Hosts, u.Hosts):
		row.What = strings.Join(x.Hosts, ", ") + " is not open as it was granted"
	case u.Social && !v.Bool(keyUnblock):
		row.What = strings.Join(x.Hosts, ", ") + " is a social site and the policy does not allow it"
	default:
		return row, false
	}
	return row, true
}
