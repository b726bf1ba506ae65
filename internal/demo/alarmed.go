package demo

import (
	"context"
	"fmt"
	"time"

	"belisha/internal/school/alarms"
	"belisha/internal/school/people"
)

// alarmed is the story of what Belisha noticed by itself: the device of the
// sports hall that was on a network of its own, a virus scanner that was away
// for an hour, and a licensed list that has grown old, to which nobody has seen
// yet.
func (f *filling) alarmed(add adder) {
	hall := alarms.Signal{
		Kind: "trial-wrong", Subject: "Sports hall (pupils)", Words: "A trial of the filter came out wrong: Sports hall (pupils)", May: "Something that must be closed was open, or a device is not behind the filter.",
		Todo: "Open the trial: it says what went wrong and what to do.", Owner: people.FilterManager, Risk: 3, Link: "/filter/probes", After: 1,
	}
	scanner := alarms.Signal{
		Kind: "scanner-away", Words: "No virus scanner answers", May: "Files that must be scanned stay out, or come in unscanned where the policy lets them.",
		Todo: "Start it again: on Debian, systemctl restart clamav-daemon.", Owner: people.NetworkManager, Risk: 2, Link: "/health",
	}
	add(passedBy, 8*60+30, "", func(ctx context.Context) error { return f.looks(ctx, 2, "trial-wrong", hall) })
	add(passedBy, 9*60+20, "filter", func(ctx context.Context) error {
		return f.seeTo(ctx, "trial-wrong", "Its cable was in the wrong socket, behind the caterers' router. Put back; the next trial will tell.")
	})
	add(passedBy-1, 8*60+31, "", func(ctx context.Context) error { return f.looks(ctx, 3, "trial-wrong") })
	add(6, 13*60+2, "", func(ctx context.Context) error { return f.looks(ctx, 2, "scanner-away", scanner) })
	add(6, 13*60+40, "network", func(ctx context.Context) error {
		return f.seeTo(ctx, "scanner-away", "It was updated and had not come up again. Started it.")
	})
	add(6, 13*60+55, "", func(ctx context.Context) error { return f.looks(ctx, 3, "scanner-away") })
	add(0, 8*60+50, "", f.oldList)
}

// oldList is the alarm about each licensed list that is old by now.
func (f *filling) oldList(ctx context.Context) error {
	list, err := f.h.Filtering.LicensedLists(ctx)
	if err != nil {
		return err
	}
	for _, l := range list {
		if !l.Stale {
			continue
		}
		err := f.looks(ctx, 2, "licensed-stale", alarms.Signal{
			Kind: "licensed-stale", Subject: l.ID, Words: "The licensed list " + l.Title + " is old", May: "What its supplier added lately is not closed by it.",
			Todo: "Look on the page of licensed lists, and ask the supplier.", Owner: people.FilterManager, Risk: 2, Link: "/filter/licensed",
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// looks has Belisha look a few times in a row.
func (f *filling) looks(ctx context.Context, n int, kind string, bad ...alarms.Signal) error {
	for range n {
		if err := f.h.Alarms.Take(ctx, alarms.Look{Bad: bad, Looked: []string{kind}}); err != nil {
			return fmt.Errorf("looking for alarms: %w", err)
		}
		f.pass(3 * time.Minute)
	}
	return nil
}

func (f *filling) seeTo(ctx context.Context, kind, note string) error {
	running, err := f.h.Alarms.Running(ctx)
	if err != nil {
		return err
	}
	for _, a := range running {
		if a.Kind == kind {
			return f.h.Alarms.SeeTo(ctx, a.ID, a.Version, note, 7)
		}
	}
	return nil
}
