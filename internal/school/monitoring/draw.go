package monitoring

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"sort"
	"time"

	"belisha/internal/activity"
	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// A draw is the random sample of one turn of the school's rhythm. When it is
// planned a seed is drawn and its digest journalled, and a moment is chosen
// that nobody is told. At that moment rows of the school hours before it are
// picked: which ones follows from the seed alone, so that anybody can prove
// afterwards that nobody picked them by hand. Rows that carry an alert are
// not drawn: they went to the safeguarding lead, by the lead's own way.
type Draw struct {
	ID      string
	Period  string
	Planned time.Time
	Seed    string // hex
	Size    int
	Drawn   time.Time // zero: not yet
	From    time.Time // the time sampled
	To      time.Time
	Pool    int // how many rows there were to draw from

	Rows     int // how many were drawn
	Judged   int
	Last     time.Time // the last judgement
	Unjudged int
}

// Complete says whether every row has been judged.
func (d Draw) Complete() bool { return !d.Drawn.IsZero() && d.Judged == d.Rows }

// What is found about a drawn row.
const (
	FoundFine          = "fine"
	FoundNoConcern     = "no-concern"
	FoundFollowUp      = "follow-up"
	FoundInappropriate = "inappropriate"
)

// judgeWithin is how many school days the monitors have for a sample.
const judgeWithin = 5

// slot is the grain of the moment of a draw.
const slot = 5 * time.Minute

// DrawDue plans the draw of the turn that now is in, and draws when its moment
// has come.
func (r *Room) DrawDue(ctx context.Context) error {
	ctx = actor.With(ctx, actor.Belisha("monitoring"))
	since, on, err := r.RecordingSince(ctx)
	if err != nil || !on {
		return err // nothing is kept that could be drawn
	}
	c, err := r.d.Roll.Calendar(ctx, people.MainSite)
	if err != nil {
		return err
	}
	now := r.d.Clock.Now()
	p := periodOf(r.values().Choice(keyDrawEvery), c.Day(now))
	d, err := r.drawOfPeriod(ctx, p.Key())
	if errors.Is(err, store.ErrNotFound) {
		return r.plan(ctx, p, c, now)
	}
	if err != nil || !d.Drawn.IsZero() || now.Before(d.Planned) {
		return err
	}
	return r.draw(ctx, d, p, c, since, now)
}

// plan chooses the moment and the seed. In a turn with no school hours left
// there is no draw.
func (r *Room) plan(ctx context.Context, p period, c *people.Calendar, now time.Time) error {
	var slots []time.Time
	for t := now.Truncate(slot).Add(slot); t.Before(p.end(c.Location())); t = t.Add(slot) {
		if c.SchoolHours(t) {
			slots = append(slots, t)
		}
	}
	if len(slots) == 0 {
		return nil
	}
	n, err := rand.Int(rand.Reader, big.NewInt(int64(len(slots))))
	if err != nil {
		return fmt.Errorf("choosing the moment of a draw: %w", err)
	}
	var seed [32]byte
	_, _ = rand.Read(seed[:]) // crypto/rand.Read never fails (Go 1.24)
	d := Draw{
		ID: store.NewID(now), Period: p.Key(), Planned: slots[n.Int64()], Seed: hex.EncodeToString(seed[:]),
		Size: int(r.values().Int(keyDrawSize)),
	}
	promise := sha256.Sum256(seed[:])
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if err := insertDraw(ctx, tx, d); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbDrawPlanned, Kind: "draw", ID: d.ID,
			After: map[string]any{"period": d.Period, "rows": d.Size, "digest of the seed": hex.EncodeToString(promise[:])},
			Rows:  []journal.Row{{Table: "draws", ID: d.ID}},
		})
	})
}

// picker gives numbers that follow from a seed alone: number i is the first
// eight bytes of HMAC-SHA256(seed, i).
type picker struct {
	seed []byte
	i    uint64
}

// below gives the next number under n, each as likely as the others.
func (p *picker) below(n uint64) uint64 {
	limit := ^uint64(0) - ^uint64(0)%n // whole turns of n only
	for {
		m := hmac.New(sha256.New, p.seed)
		var b [8]byte
		binary.BigEndian.PutUint64(b[:], p.i)
		m.Write(b[:])
		p.i++
		if v := binary.BigEndian.Uint64(m.Sum(nil)); v < limit {
			return v % n
		}
	}
}

// longestSample is how far back one draw looks, whatever the rhythm.
const longestSample = 31*oneDay - time.Hour

// triesEach bounds how often a draw tries for each row that it wants: what was
// only counted, or carries an alert, is no row.
const triesEach = 30

// draw picks the rows and keeps which they are.
func (r *Room) draw(ctx context.Context, d Draw, p period, c *people.Calendar, since, now time.Time) error {
	length := min(p.end(c.Location()).Sub(p.start(c.Location())), longestSample)
	d.From, d.To, d.Drawn = now.Add(-length), now, now
	if since.After(d.From) {
		d.From = since
	}
	d.From = d.From.Truncate(time.Minute)
	minutes, err := r.d.Memory.Minutes(ctx, "", d.From, d.To)
	if err != nil {
		return fmt.Errorf("counting what there is to draw from: %w", err)
	}
	var starts []time.Time
	var sums []uint64
	pool := uint64(0)
	for _, m := range minutes {
		if m.Events > 0 && c.SchoolHours(m.At) {
			pool += m.Events
			starts, sums = append(starts, m.At), append(sums, pool)
		}
	}
	d.Pool = int(min(pool, 1<<31)) //nolint:gosec // bounded
	keys, err := r.pick(ctx, d, starts, sums)
	if err != nil {
		return err
	}
	return r.keepDraw(ctx, d, keys)
}

// pick follows the seed to rows, each at most once.
func (r *Room) pick(ctx context.Context, d Draw, starts []time.Time, sums []uint64) ([]rowKey, error) {
	if len(sums) == 0 {
		return nil, nil
	}
	seed, err := hex.DecodeString(d.Seed)
	if err != nil {
		return nil, fmt.Errorf("reading the seed of a draw: %w", err)
	}
	from := picker{seed: seed}
	seen := map[time.Time][]rowKey{}
	var keys []rowKey
	for tries := 0; len(keys) < d.Size && tries < triesEach*d.Size; tries++ {
		at := from.below(sums[len(sums)-1])
		minute := starts[sort.Search(len(sums), func(i int) bool { return sums[i] > at })]
		rows, ok := seen[minute]
		if !ok {
			if rows, err = r.rowsOf(ctx, minute); err != nil {
				return nil, err
			}
			seen[minute] = rows
		}
		if len(rows) == 0 {
			continue
		}
		k := rows[from.below(uint64(len(rows)))]
		if !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	return keys, nil
}

// maxInMinute bounds the rows of one minute that a draw looks at.
const maxInMinute = 1000

// rowsOf are the rows of a minute that may be drawn, newest first.
func (r *Room) rowsOf(ctx context.Context, minute time.Time) ([]rowKey, error) {
	q := activity.Query{From: minute, To: minute.Add(time.Minute), Alert: activity.NoAlert, Limit: activity.MaxLimit}
	var keys []rowKey
	for len(keys) < maxInMinute {
		page, err := r.d.Memory.Search(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("reading a minute of the record: %w", err)
		}
		for i := range page.Events {
			if page.Events[i].Action != activity.Support {
				keys = append(keys, keyOf(&page.Events[i]))
			}
		}
		if page.Next == "" || page.Partial {
			break
		}
		q.Cursor = page.Next
	}
	return keys, nil
}

// keepDraw keeps a draw with its rows.
func (r *Room) keepDraw(ctx context.Context, d Draw, keys []rowKey) error {
	e := journal.Entry{
		Verb: VerbDrawn, Kind: "draw", ID: d.ID, After: map[string]any{"rows": len(keys), "of": d.Pool, "seed": d.Seed},
		Rows: []journal.Row{{Table: "draws", ID: d.ID}},
	}
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if err := updateDrawn(ctx, tx, d); err != nil {
			return err
		}
		for i, k := range keys {
			id := store.NewID(d.Drawn)
			if err := insertDrawRow(ctx, tx, id, d.ID, i+1, k); err != nil {
				return err
			}
			e.Rows = append(e.Rows, journal.Row{Table: "draw_rows", ID: id})
		}
		return r.d.Journal.Write(ctx, tx, e)
	})
}
