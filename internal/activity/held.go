package activity

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Held is how much is kept of somebody.
type Held struct {
	Rows        int
	First, Last time.Time // zero where there is nothing
}

// heldAtOnce is how many days are asked at the same time.
const heldAtOnce = 4

// Held counts what is kept of [from, to) under any of the pseudonyms, without
// reading it.
func (s *Store) Held(ctx context.Context, subjects []string, from, to time.Time) (Held, error) {
	if len(subjects) == 0 {
		return Held{}, fmt.Errorf("%w: choose a person", ErrQuery)
	}
	dates := s.dates(from, to)
	parts, errs := make([]Held, len(dates)), make([]error, len(dates))
	var wg sync.WaitGroup
	for w := range heldAtOnce {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := w; i < len(dates) && ctx.Err() == nil; i += heldAtOnce {
				errs[i] = s.readDay(ctx, dates[i], func(d *day, db *sql.DB) (err error) {
					parts[i], err = heldOn(ctx, d, db, subjects, from, to)
					return err
				})
			}
		}()
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return Held{}, fmt.Errorf("counting what is held: %w", err)
	}
	var all Held
	for i, p := range parts {
		if errs[i] != nil {
			return Held{}, fmt.Errorf("counting what is held of %s: %w", dates[i], errs[i])
		}
		all.add(p)
	}
	return all, nil
}

func (h *Held) add(p Held) {
	if p.Rows == 0 {
		return
	}
	h.Rows += p.Rows
	if h.First.IsZero() || p.First.Before(h.First) {
		h.First = p.First
	}
	if p.Last.After(h.Last) {
		h.Last = p.Last
	}
}

func heldOn(ctx context.Context, d *day, db *sql.DB, subjects []string, from, to time.Time) (Held, error) {
	low, high := int64(0), int64(1)<<62
	if !from.IsZero() {
		low = firstKey(d.base, from)
	}
	if !to.IsZero() {
		high = firstKey(d.base, to)
	}
	args := []any{low, high}
	marks := make([]string, len(subjects))
	for i, s := range subjects {
		args = append(args, s)
		marks[i] = fmt.Sprintf("$%d", len(args))
	}
	var p Held
	var first, last int64
	err := db.QueryRowContext(ctx, `SELECT count(*), COALESCE(min(k), 0), COALESCE(max(k), 0) FROM events
		WHERE subject > 0 AND subject IN (SELECT id FROM subjects WHERE text IN (`+strings.Join(marks, ", ")+`)) AND k >= $1 AND k < $2`, args...).Scan(&p.Rows, &first, &last)
	if err != nil {
		return p, fmt.Errorf("counting the rows: %w", err)
	}
	if p.Rows > 0 {
		p.First, p.Last = keyTime(d.base, first), keyTime(d.base, last)
	}
	return p, nil
}
