package house

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"belisha/internal/activity"
	"belisha/internal/gate/probe"
	"belisha/internal/gate/spool"
	"belisha/internal/kit/clock"
)

// pump carries what the filter decided from its spool into the memory, at
// least once and in order, and tells monitoring what it saw.
type pump struct {
	gate   string // the filter's name in the memory
	reader *spool.Reader
	store  *activity.Store
	clock  clock.Clock
	// recording reports whether names may be kept, and since when: before the head has
	// confirmed the impact assessment decisions are counted only.
	recording func(ctx context.Context) (since time.Time, on bool, err error)
	saw       func(ctx context.Context, events []activity.Event) error
	// called is what the school calls a device.
	called func(ctx context.Context, device string) string

	moved   atomic.Uint64
	trouble atomic.Pointer[string]
	dropped uint64 // at the last heartbeat
	seeded  bool   // dropped is of a heartbeat that this pump took
}

// Rhythm of the pump.
const (
	pumpBatch = 2000
	pumpRest  = 200 * time.Millisecond
	pumpRetry = 5 * time.Second
)

// Run drains the spool until ctx ends. Trouble is kept for the health page
// and tried again: nothing is acknowledged that is not stored.
func (p *pump) Run(ctx context.Context) {
	for ctx.Err() == nil {
		n, err := p.once(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			words := err.Error()
			if old := p.trouble.Swap(&words); old == nil || *old != words {
				slog.Error("what passed the filter could not be kept; it waits and is tried again", "err", err)
			}
			_ = pause(ctx, pumpRetry)
		case n < pumpBatch:
			p.trouble.Store(nil)
			_ = pause(ctx, pumpRest)
		}
	}
}

// once moves one batch.
func (p *pump) once(ctx context.Context) (int, error) {
	events, cursor, err := p.reader.Next(pumpBatch)
	if err != nil {
		return 0, err
	}
	if len(events) == 0 {
		return 0, nil
	}
	if err := p.keep(ctx, events); err != nil {
		return 0, err
	}
	if err := p.reader.Ack(cursor); err != nil {
		return 0, err
	}
	p.moved.Add(uint64(len(events)))
	return len(events), nil
}

func (p *pump) keep(ctx context.Context, events []spool.Event) error {
	batch := make([]activity.Event, 0, len(events))
	for i := range events {
		e := &events[i]
		if e.Kind == spool.Heartbeat {
			if err := p.beat(ctx, e); err != nil {
				return err
			}
			continue
		}
		if isProbe(e.Device) || probe.Serves(e.Host) {
			continue // our own question, see probe.go, or that of a device that tries the filter
		}
		kept := fromSpool(p.gate, e)
		kept.Device = p.called(ctx, e.Device)
		batch = append(batch, kept)
	}
	if len(batch) == 0 {
		return nil
	}
	since, names, err := p.recording(ctx)
	if err != nil {
		return err
	}
	// A child in danger is seen whether or not names are recorded yet: the
	// tray's item tells no name.
	if err := p.saw(ctx, batch); err != nil {
		return err
	}
	if !names {
		return p.store.Count(ctx, batch)
	}
	early, late := splitAt(batch, since)
	if len(early) > 0 {
		if err := p.store.Count(ctx, early); err != nil {
			return err
		}
	}
	if len(late) == 0 {
		return nil
	}
	return p.store.Append(ctx, late)
}

// splitAt parts what is counted only from what is kept: what was seen before
// the head's word, which may have waited in the spool, and what rules that are
// only being tried out would have closed.
func splitAt(events []activity.Event, since time.Time) (counted, kept []activity.Event) {
	for _, e := range events {
		if e.At.Before(since) || e.Action == activity.WouldBlock || e.Action == activity.WouldWarn {
			counted = append(counted, e)
		} else {
			kept = append(kept, e)
		}
	}
	return counted, kept
}

// beat notes that the filter was up, and what it had to drop since last time.
func (p *pump) beat(ctx context.Context, e *spool.Event) error {
	// The filter counts since its own start. The first heartbeat that this
	// pump takes tells nothing new: what it counts was told to the pump before.
	lost := uint64(0)
	switch {
	case !p.seeded:
	case e.Dropped >= p.dropped:
		lost = e.Dropped - p.dropped
	default: // the filter was started again
		lost = e.Dropped
	}
	if err := p.store.Heartbeat(ctx, p.gate, e.Site, e.At, lost); err != nil {
		return fmt.Errorf("noting the filter's heartbeat: %w", err)
	}
	p.dropped, p.seeded = e.Dropped, true
	return nil
}

// fromSpool puts an event into the memory's words. The numbers of action and
// certainty are the same on both sides, which a test holds.
func fromSpool(gate string, e *spool.Event) activity.Event {
	action := activity.Action(e.Action)
	switch e.Tried {
	case spool.TriedBlock:
		action = activity.WouldBlock
	case spool.TriedWarn:
		action = activity.WouldWarn
	}
	return activity.Event{
		ID: e.ID, Gate: gate, At: e.At, Site: e.Site, Door: e.Door,
		Subject: e.Subject, Certainty: activity.Certainty(e.Certainty), Device: e.Device, Address: e.Address,
		Group: e.Group, KeyStage: e.KeyStage, Host: e.Host, Path: e.Path,
		Categories: e.Categories, Category: e.Category, Rule: e.Rule, Reason: e.Reason, Detail: e.Detail,
		Action: action, Alert: e.Alert, RulesNumber: e.RulesNumber,
		Words: e.Words, Engine: e.Engine, Count: e.Count, Bytes: e.Bytes,
	}
}

// state says how many events were moved since the start, and what stands in
// the way now, "" for nothing.
func (p *pump) state() (moved uint64, trouble string) {
	if t := p.trouble.Load(); t != nil {
		trouble = *t
	}
	return p.moved.Load(), trouble
}
