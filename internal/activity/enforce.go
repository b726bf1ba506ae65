package activity

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Enforce does the night's work: days that are over are settled, days past
// Keep.Names removed, search words and paths past Keep.Words removed, totals
// past Keep.Totals removed, and files swept clean after an erasure.
func (s *Store) Enforce(ctx context.Context, now time.Time) (Removed, error) {
	s.tending.Lock()
	defer s.tending.Unlock()
	var r Removed
	keep := *s.keep.Load()
	var err error
	if r.Held, err = s.held(ctx, now); err != nil {
		return r, err
	}
	if r.Held != "" {
		r.Settled, err = s.Settle(ctx, now)
		return r, err
	}
	if err := s.removeDays(ctx, s.oldest(keep.Names, now), &r); err != nil {
		return r, err
	}
	r.Settled, err = s.Settle(ctx, now)
	if err != nil {
		return r, err
	}
	if err := s.removeWords(ctx, s.oldest(keep.Words, now), &r); err != nil {
		return r, err
	}
	if err := s.sweepDays(ctx, now, &r); err != nil {
		return r, err
	}
	r.Totals, err = s.totals.removeBefore(ctx, s.oldest(keep.Totals, now))
	return r, err
}

// removeDays unlinks the day files before oldest. A day's totals are settled
// first, so that they outlive it.
func (s *Store) removeDays(ctx context.Context, oldest string, r *Removed) error {
	if err := s.removeDamaged(oldest); err != nil {
		return err
	}
	for _, date := range slices.Backward(s.dates(time.Time{}, time.Time{})) {
		if date >= oldest {
			return nil
		}
		if !s.totals.isSettled(date) {
			if err := s.handOver(ctx, date); err != nil {
				return fmt.Errorf("keeping the totals of %s: %w", date, err)
			}
		}
		if err := s.removeDay(ctx, date); err != nil {
			return err
		}
		r.Days = append(r.Days, date)
	}
	return nil
}

// removeDamaged unlinks the damaged files of days before oldest: what cannot
// be read may still hold names.
func (s *Store) removeDamaged(oldest string) error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("looking for damaged files: %w", err)
	}
	for _, e := range entries {
		name, _, ok := strings.Cut(e.Name(), ".damaged-")
		if !ok {
			continue
		}
		if date, ok := dateOf(name); ok && date < oldest {
			if err := os.Remove(filepath.Join(s.dir, e.Name())); err != nil {
				return fmt.Errorf("removing a damaged file: %w", err)
			}
		}
	}
	return nil
}

func (s *Store) removeDay(ctx context.Context, date string) error {
	d, release, err := s.hold(date, false)
	if err != nil || d == nil {
		return err
	}
	release()
	if err := s.totals.forget(ctx, date); err != nil {
		return err
	}
	d.use.Lock()
	defer d.use.Unlock()
	s.mu.Lock()
	delete(s.days, date)
	s.mu.Unlock()
	return d.remove()
}

// removeWords empties the words and paths of the days before oldest.
func (s *Store) removeWords(ctx context.Context, oldest string, r *Removed) error {
	for _, date := range slices.Backward(s.dates(time.Time{}, time.Time{})) {
		if date >= oldest {
			return nil
		}
		bare, err := s.dayMeta(ctx, date, metaBare)
		if err != nil {
			return err
		}
		if bare != 0 {
			continue
		}
		err = s.rewrite(ctx, date, func(w *writer) error {
			return w.transaction(ctx, func() error { return w.stripWords(ctx) })
		})
		if err != nil {
			return fmt.Errorf("removing the search words of %s: %w", date, err)
		}
		r.Words = append(r.Words, date)
	}
	return nil
}

// Notes that a day keeps of itself.
const (
	metaBare  = "bare"  // its words are removed
	metaSweep = "sweep" // an erasure left room to clean
)

func (s *Store) dayMeta(ctx context.Context, date, name string) (int64, error) {
	var v int64
	err := s.readDay(ctx, date, func(_ *day, db *sql.DB) error {
		var err error
		v, err = readMeta(ctx, db, name)
		return err
	})
	return v, err
}

// stripWords takes all paths and search words from a day.
func (w *writer) stripWords(ctx context.Context) error {
	for _, text := range []string{
		`UPDATE events SET path = 0 WHERE path > 0`,
		`UPDATE events SET search = 0 WHERE search > 0`,
	} {
		if _, err := w.conn.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("emptying the rows: %w", err)
		}
	}
	if err := w.setMeta(ctx, metaBare, 1); err != nil {
		return err
	}
	return w.dropOrphans(ctx)
}

// dropOrphans removes the words that no row uses any more, and the trigram
// index with them, which settling builds again.
func (w *writer) dropOrphans(ctx context.Context) error {
	for name, column := range map[string]string{
		dictPaths: "path", dictSearches: "search", dictSubjects: "subject",
		dictDevices: "device", dictAddrs: "address",
	} {
		if err := w.setMeta(ctx, "last "+name, w.dicts[name].next); err != nil {
			return err
		}
		_, err := w.conn.ExecContext(ctx, `DELETE FROM `+name+` WHERE id NOT IN (SELECT DISTINCT `+column+` FROM events)`)
		if err != nil {
			return fmt.Errorf("removing unused words from %s: %w", name, err)
		}
	}
	if _, err := w.conn.ExecContext(ctx, `INSERT INTO found (found) VALUES ('delete-all')`); err != nil {
		return fmt.Errorf("emptying the index of words: %w", err)
	}
	for _, name := range indexedDicts {
		if err := w.setMeta(ctx, "indexed "+name, 0); err != nil {
			return err
		}
	}
	return w.setMeta(ctx, metaSweep, 0)
}

// rewrite changes what a day holds, takes the freed room off the disk, and
// leaves the day as settled as it was. The counts do not change by it.
func (s *Store) rewrite(ctx context.Context, date string, do func(*writer) error) error {
	again := s.totals.isSettled(date)
	if err := s.writeDay(ctx, date, do); err != nil {
		return err
	}
	err := s.writeDay(ctx, date, func(w *writer) error {
		if _, err := w.conn.ExecContext(ctx, `VACUUM`); err != nil {
			return fmt.Errorf("taking the freed room off the disk: %w", err)
		}
		_, err := w.conn.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
		return err
	})
	if err != nil || !again {
		return err
	}
	return s.settleDay(ctx, date)
}

// sweepDays cleans the days in which somebody was erased, once they are over.
func (s *Store) sweepDays(ctx context.Context, now time.Time, r *Removed) error {
	today := now.In(s.location).Format(time.DateOnly)
	for _, date := range slices.Backward(s.dates(time.Time{}, time.Time{})) {
		if date >= today {
			return nil
		}
		left, err := s.dayMeta(ctx, date, metaSweep)
		if err != nil {
			return err
		}
		if left == 0 {
			continue
		}
		err = s.rewrite(ctx, date, func(w *writer) error {
			return w.transaction(ctx, func() error { return w.dropOrphans(ctx) })
		})
		if err != nil {
			return fmt.Errorf("cleaning %s after an erasure: %w", date, err)
		}
		r.Swept = append(r.Swept, date)
	}
	return nil
}

// Erase takes one person out of every day: their rows stay as counts of what
// passed, without subject, device, address, path or search words. It answers
// how many rows it changed. The freed room is cleaned by the next Enforce.
func (s *Store) Erase(ctx context.Context, subject string) (int, error) {
	if subject == "" {
		return 0, fmt.Errorf("%w: choose a person", ErrQuery)
	}
	total := 0
	for _, date := range s.dates(time.Time{}, time.Time{}) {
		n, err := s.eraseDay(ctx, date, subject)
		if err != nil {
			return total, fmt.Errorf("erasing a person from %s: %w", date, err)
		}
		total += n
	}
	return total, nil
}

func (s *Store) eraseDay(ctx context.Context, date, subject string) (int, error) {
	here := 0
	err := s.readDay(ctx, date, func(_ *day, db *sql.DB) error {
		ids, err := column[int64](ctx, db, `SELECT id FROM subjects WHERE text = $1`, subject)
		here = len(ids)
		return err
	})
	if err != nil || here == 0 {
		return 0, err
	}
	again := s.totals.isSettled(date)
	changed := 0
	err = s.writeDay(ctx, date, func(w *writer) error {
		err := w.transaction(ctx, func() error {
			var err error
			changed, err = w.erase(ctx, subject)
			return err
		})
		if err != nil {
			return err
		}
		delete(w.dicts[dictSubjects].young, subject)
		delete(w.dicts[dictSubjects].old, subject)
		return nil
	})
	if err != nil || !again {
		return changed, err
	}
	return changed, s.settleDay(ctx, date)
}

func (w *writer) erase(ctx context.Context, subject string) (int, error) {
	ids, err := column[int64](ctx, w.conn, `SELECT id FROM subjects WHERE text = $1`, subject)
	if err != nil {
		return 0, fmt.Errorf("finding the person: %w", err)
	}
	changed := 0
	for _, id := range ids {
		done, err := w.conn.ExecContext(ctx, `UPDATE events SET subject = 0, device = 0, address = 0, path = 0, search = 0
			WHERE subject = $1 AND subject > 0`, id)
		if err != nil {
			return 0, fmt.Errorf("emptying the person's rows: %w", err)
		}
		n, err := done.RowsAffected()
		if err != nil {
			return 0, fmt.Errorf("counting the person's rows: %w", err)
		}
		changed += int(n)
	}
	if err := w.setMeta(ctx, "last "+dictSubjects, w.dicts[dictSubjects].next); err != nil {
		return 0, err
	}
	if _, err := w.conn.ExecContext(ctx, `DELETE FROM subjects WHERE text = $1`, subject); err != nil {
		return 0, fmt.Errorf("removing the person's pseudonym: %w", err)
	}
	return changed, w.setMeta(ctx, metaSweep, 1)
}

// removeBefore takes the totals of the days and months before oldest.
func (t *totals) removeBefore(ctx context.Context, oldest string) (int, error) {
	removed := 0
	// What was deleted must leave the log of the file as well.
	defer func() { _, _ = t.db.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`) }()
	err := t.within(ctx, func(tx *sql.Tx) error {
		days, err := column[string](ctx, tx, `SELECT DISTINCT day FROM days WHERE day < $1`, oldest)
		if err != nil {
			return fmt.Errorf("finding old totals: %w", err)
		}
		removed = len(days)
		if removed == 0 {
			return nil
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM days WHERE day < $1`, oldest); err != nil {
			return fmt.Errorf("removing old totals: %w", err)
		}
		month := oldest[:len("2006-01")]
		if _, err := tx.ExecContext(ctx, `DELETE FROM months WHERE month < $1`, month); err != nil {
			return fmt.Errorf("removing old months: %w", err)
		}
		return sumMonth(ctx, tx, month)
	})
	return removed, err
}
