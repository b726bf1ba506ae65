package filtering

import (
	"context"
	"fmt"
	"time"

	"belisha/internal/kit/control"
	"belisha/internal/verdict"
)

// permitFaults holds the files that are permitted in the rules as published
// against what was granted, and asks the rules for files whose time is over.
// It also counts those that are permitted now and in the time looked at.
func (r *Room) permitFaults(ctx context.Context, snap *verdict.Snapshot, rules *verdict.Rules, now time.Time) (rows []control.Row, running, all int, err error) {
	list, err := permitsSince(ctx, r.d.DB, now.Add(-lookedBack))
	if err != nil {
		return nil, 0, 0, fmt.Errorf("reading which files were permitted: %w", err)
	}
	by := map[string]Permit{}
	for _, p := range list {
		by[p.ID] = p
		if p.Running(now) {
			running++
		} else if stillPermitted(snap, p, now) {
			rows = append(rows, control.Row{What: "a file of " + p.Host + " is still permitted although its time is over", State: control.Broken, At: p.Until, Link: pathPermits + "/" + p.ID})
		}
	}
	for _, x := range rules.Permits {
		if row, ok := permitUnaccounted(by, x, now); ok {
			rows = append(rows, row)
		}
	}
	return rows, running, len(list), nil
}

// stillPermitted asks the rules as whoever asked for the file.
func stillPermitted(snap *verdict.Snapshot, p Permit, now time.Time) bool {
	for g := range snap.Names().Groups {
		ok, again := snap.Permitted(&verdict.Ask{
			Door: verdict.DoorProxy, Host: p.Host, Path: p.Path, Groups: uint64(1) << g, At: now,
			Classes: snap.Names().ClassNumbers([]string{permitMark + p.ID}),
		}, p.Hash)
		if ok || again {
			return true
		}
	}
	return false
}

// permitUnaccounted is what the rules permit that nobody granted as it stands
// there.
func permitUnaccounted(by map[string]Permit, x verdict.Permit, now time.Time) (control.Row, bool) {
	row := control.Row{State: control.Broken, At: now, Link: pathPermits + "/" + x.ID}
	p, known := by[x.ID]
	switch {
	case !known:
		row.Link, row.What = pathPermits, "a file of "+x.Host+" is permitted and nobody granted it"
	case p.Purpose == "":
		row.What = "a file of " + x.Host + " is permitted without a purpose"
	case p.DecidedBy == "" || p.DecidedBy == p.AskedBy:
		row.What = "a file of " + x.Host + " was permitted by nobody, or by whoever asked"
	case x.Span.Until != p.Until.UnixMilli() || x.Host != p.Host || x.Path != p.Path || x.Hash != p.Hash ||
		len(x.Who.Classes) != 1 || x.Who.Classes[0] != permitMark+p.ID:
		row.What = "a file of " + x.Host + " is not permitted as it was granted"
	default:
		return row, false
	}
	return row, true
}
