package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"belisha/internal/activity"
	"belisha/internal/verdict"
)

// decision is what the filter answered, in the words of an event.
type decision struct {
	action     activity.Action
	categories []string
	category   string
	rule       string
	reason     string
	alert      string
	number     uint64
	support    bool
}

// doors are the filter's doors by the word that events have.
var doors = map[string]verdict.Door{"proxy": verdict.DoorProxy, "tunnel": verdict.DoorTunnel, "dns": verdict.DoorDNS}

// decide asks the rules that are in force at this moment of the school's past.
// An answer is remembered for the half hour of the day: rules have times.
func (f *filling) decide(_ context.Context, v visitor, door string, p page, at time.Time) (decision, error) {
	snap := f.h.Filtering.Snapshot()
	if snap == nil {
		return decision{}, errors.New("the filter has no rules to decide by")
	}
	minute := f.cal.MinuteOfWeek(at)
	key := fmt.Sprintf("%d %d %s %s %s%s %s", snap.Number(), minute/30, v.group, v.stage, p.host, p.path, door)
	if d, ok := f.decided[key]; ok {
		return d, nil
	}
	parts, err := verdict.CanonicalURL("http://" + p.host + p.path)
	if err != nil {
		return decision{}, fmt.Errorf("reading %s: %w", p.host, err)
	}
	names := snap.Names()
	ask := verdict.Ask{Door: doors[door], Host: parts.Host, Port: 443, KeyStage: names.KeyStage(string(v.stage)), At: at, Minute: minute}
	if door == "proxy" {
		ask.Port, ask.Path = 80, parts.Path
	}
	if !v.nameless {
		ask.Groups = names.GroupBit(v.group)
	}
	d := f.inWords(names, snap.Decide(&ask))
	d.number = snap.Number()
	if len(f.decided) > 50_000 {
		clear(f.decided)
	}
	f.decided[key] = d
	return d, nil
}

func (f *filling) inWords(names *verdict.Names, v verdict.Verdict) decision {
	d := decision{reason: v.Reason.String(), categories: names.Slugs(v.Categories), support: v.Support}
	switch v.Action {
	case verdict.Allow:
		d.action = activity.Allow
	case verdict.Warn:
		d.action = activity.Warn
	default:
		d.action = activity.Block
	}
	if c, ok := names.Category(v.Category); ok {
		d.category = c.Slug
	}
	if r, ok := names.Rule(v.Rule); ok {
		d.rule = r.ID
	}
	if d.action != activity.Block {
		return d
	}
	for i, c := range names.Categories {
		if v.Categories.Has(uint8(i)) && c.Alert != "" && c.Alert != "none" { //nolint:gosec // at most 256
			d.alert = c.Alert
			break
		}
	}
	return d
}
