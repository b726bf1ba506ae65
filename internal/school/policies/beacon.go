package policies

import (
	"context"
	"sync"
	"time"

	"belisha/internal/kit/setting"
	"belisha/internal/school/policies/document"
)

// Beacon is what the light on every page needs to know of the policy.
type Beacon struct {
	NotKept int       // clauses that are not being kept, the policy itself included
	Unknown int       // clauses with no evidence
	Checked time.Time // when controls were last looked at; zero: never
}

// beaconAge is how long a count serves before it is taken again: pages ask
// for it each time.
const beaconAge = 30 * time.Second

type beacon struct {
	mu    sync.Mutex
	at    time.Time
	value Beacon
}

// drop makes the next reader count again.
func (b *beacon) drop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.at = time.Time{}
}

// Beacon counts what is not being kept. The count is at most 30 seconds old.
func (r *Room) Beacon(ctx context.Context) (Beacon, error) {
	r.light.mu.Lock()
	defer r.light.mu.Unlock()
	now := r.now()
	if age := now.Sub(r.light.at); !r.light.at.IsZero() && age >= 0 && age < beaconAge {
		return r.light.value, nil
	}
	s, err := r.statusAt(ctx, now, time.Time{})
	if err != nil {
		return Beacon{}, err
	}
	b := Beacon{NotKept: s.Counts.NotKept, Unknown: s.Counts.Unknown}
	if s.Policy == nil {
		b.NotKept++
	}
	for _, a := range s.Also {
		counts := Counts{}
		counts.add(a.State)
		b.NotKept, b.Unknown = b.NotKept+counts.NotKept, b.Unknown+counts.Unknown
	}
	if b.Checked, err = r.watch.LastSeen(ctx); err != nil {
		return Beacon{}, err
	}
	r.light.value, r.light.at = b, now
	return b, nil
}

// docs keeps the last few texts as they were read. A Doc is never changed.
type docs struct {
	mu   sync.Mutex
	kept map[string]*readText
}

// readText is one text, and the values that it gives once they were asked for.
type readText struct {
	doc    *document.Doc
	values *setting.Values
}

const docsKept = 8

func (d *docs) of(v Version) *document.Doc {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.read(v).doc
}

// read is called with the lock held.
func (d *docs) read(v Version) *readText {
	if r, ok := d.kept[v.Hash]; ok {
		return r
	}
	doc, _ := document.Parse(v.Text)
	if d.kept == nil || len(d.kept) >= docsKept {
		d.kept = map[string]*readText{}
	}
	d.kept[v.Hash] = &readText{doc: doc}
	return d.kept[v.Hash]
}

// values are what a text gives. Every page asks.
func (r *Room) values(v Version) *setting.Values {
	d := &r.reading
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.read(v)
	if t.values == nil {
		given, _ := r.text.Given(t.doc)
		t.values = setting.NewValues(r.d.Book, 0, given)
	}
	return t.values
}
