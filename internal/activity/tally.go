package activity

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// supportCategory is what a visit to a help service is counted under.
const supportCategory = "support service"

type hourKey struct {
	hour                  int64
	site, group, category string
	action                Action
}

type topKey struct {
	kind, word string
	action     Action
}

type minuteKey struct {
	minute int64
	site   string
}

type amount struct{ n, bytes uint64 }

// tally gathers the roll-ups of one batch, so that each line of a total is
// written once a batch and not once an event.
type tally struct {
	hours   map[hourKey]amount
	tops    map[topKey]uint64
	minutes map[minuteKey]uint64
}

func newTally() *tally {
	return &tally{
		hours: map[hourKey]amount{}, tops: map[topKey]uint64{}, minutes: map[minuteKey]uint64{},
	}
}

// add counts an event that has a row, or is counted in place of one.
func (t *tally) add(e *Event) {
	n := uint64(max(e.Count, 1))
	site := clean(e.Site, maxLabel)
	key := hourKey{
		hour: e.At.Truncate(time.Hour).Unix(), site: site,
		group: clean(e.Group, maxLabel), category: clean(e.Category, maxLabel), action: e.Action,
	}
	sum := t.hours[key]
	t.hours[key] = amount{sum.n + n, sum.bytes + min(e.Bytes, 1<<62)}
	t.minutes[minuteKey{e.At.Truncate(time.Minute).Unix(), site}] += n
	if e.Host != "" && e.Alert == "" { // what is for the safeguarding lead stands in no list of hosts
		t.tops[topKey{"host", strings.ToLower(clean(e.Host, maxHost)), e.Action}] += n
	}
	if e.Alert != "" && e.Category != "" {
		t.tops[topKey{"alert", clean(e.Category, maxLabel), e.Action}] += n
	}
	if e.Rule != "" {
		t.tops[topKey{"rule", clean(e.Rule, maxLabel), e.Action}] += n
	}
}

// addSupport counts a visit to a help service for the day alone: an hour, a
// minute or a group could tell who it was.
func (t *tally) addSupport(base time.Time, e *Event) {
	key := hourKey{hour: base.Unix(), category: supportCategory, action: Support}
	sum := t.hours[key]
	t.hours[key] = amount{n: sum.n + uint64(max(e.Count, 1))}
}

// mark is how far the uncounted events of one gate are counted.
type mark struct{ before, upto uint64 }

// count stores an event that leaves no row. What was counted before is known
// by the highest number of its gate alone: a list of numbers would say, by
// the gaps between its neighbours, who it was.
func (w *writer) count(ctx context.Context, t *tally, marks map[string]mark, e *Event) error {
	gate := clean(e.Gate, maxLabel)
	m, ok := marks[gate]
	if !ok {
		var upto int64
		if err := w.readMark.QueryRowContext(ctx, gate).Scan(&upto); err != nil {
			return fmt.Errorf("reading what was counted: %w", err)
		}
		m = mark{before: uint64(upto), upto: uint64(upto)} //nolint:gosec // stored the same way
	}
	if e.ID > 0 && e.ID <= m.before {
		return nil
	}
	m.upto = max(m.upto, e.ID)
	marks[gate] = m
	if e.Action == Support {
		t.addSupport(w.base.Add(14*time.Hour), e)
		return nil
	}
	t.add(e)
	return nil
}

func (w *writer) saveMarks(ctx context.Context, marks map[string]mark) error {
	for gate, m := range marks {
		if _, err := w.setMark.ExecContext(ctx, gate, int64(m.upto)); err != nil { //nolint:gosec // read back the same way
			return fmt.Errorf("keeping what was counted: %w", err)
		}
	}
	return nil
}

// save adds the batch's roll-ups to the day's.
func (w *writer) save(ctx context.Context, t *tally) error {
	for k, a := range t.hours {
		_, err := w.addHour.ExecContext(ctx, k.hour, k.site, k.group, k.category, int64(k.action), int64(a.n), int64(a.bytes)) //nolint:gosec // bounded
		if err != nil {
			return fmt.Errorf("adding to the hour: %w", err)
		}
	}
	for k, n := range t.tops {
		if _, err := w.addTop.ExecContext(ctx, k.kind, k.word, int64(k.action), int64(n)); err != nil { //nolint:gosec // bounded
			return fmt.Errorf("adding to the %ss: %w", k.kind, err)
		}
	}
	for k, n := range t.minutes {
		if _, err := w.addMinute.ExecContext(ctx, k.minute, k.site, int64(n)); err != nil { //nolint:gosec // bounded
			return fmt.Errorf("adding to the minute: %w", err)
		}
	}
	return nil
}
