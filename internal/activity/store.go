package activity

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"belisha/internal/kit/clock"
)

// maxOpen bounds the day files held open at once, and with them the memory
// and the file handles of a store that keeps a year.
const maxOpen = 48

// Store is the memory of one school. Open makes it; Close ends it.
type Store struct {
	dir      string
	clock    clock.Clock
	location *time.Location
	keep     atomic.Pointer[Keep]
	refused  atomic.Uint64
	enforced atomic.Int64 // when Enforce last removed what was old, in seconds
	uses     atomic.Uint64

	mu      sync.Mutex // guards days and closed
	days    map[string]*day
	closed  bool
	totals  *totals
	tending sync.Mutex // one Enforce at a time
}

// Open opens the store in cfg.Dir, making it if it is not there. A file that
// cannot be read is set aside and reported by Stats; the others are used.
func Open(cfg Config) (*Store, error) {
	if cfg.Clock == nil {
		return nil, errors.New("opening the activity store: a clock is needed")
	}
	if cfg.Location == nil {
		cfg.Location = time.UTC
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder for web activity: %w", err)
	}
	s := &Store{dir: cfg.Dir, clock: cfg.Clock, location: cfg.Location, days: map[string]*day{}}
	s.SetKeep(cfg.Keep)
	entries, err := os.ReadDir(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("reading the folder of web activity: %w", err)
	}
	for _, e := range entries {
		if date, ok := dateOf(e.Name()); ok {
			s.days[date] = newDay(cfg.Dir, date)
		}
	}
	path := filepath.Join(cfg.Dir, "totals.db")
	if err := takeUpTotals(cfg.Dir, path); err != nil {
		return nil, err
	}
	s.totals, err = openTotals(context.Background(), path, cfg.Clock)
	if err != nil {
		return nil, err
	}
	last, err := readMeta(context.Background(), s.totals.db, metaEnforced)
	if err != nil {
		return nil, errors.Join(err, s.totals.close())
	}
	s.enforced.Store(last)
	return s, nil
}

// SetKeep changes how long what is kept; the next Append and Enforce follow it.
func (s *Store) SetKeep(k Keep) {
	k.HostOnly = slices.Clone(k.HostOnly)
	s.keep.Store(&k)
}

// Close ends the store. Calls that still run end first.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	days := s.days
	s.mu.Unlock()
	var errs []error
	for _, d := range days {
		d.use.Lock()
		errs = append(errs, d.closeHandles())
		d.use.Unlock()
	}
	return errors.Join(append(errs, s.totals.close())...)
}

var errClosed = errors.New("the activity store is closed")

// hold returns the day, held for use, and the call that lets it go. A day
// that is not there is nil unless create is set.
func (s *Store) hold(date string, create bool) (*day, func(), error) {
	for {
		d, err := s.find(date, create)
		if d == nil || err != nil {
			return nil, func() {}, err
		}
		d.use.RLock()
		if s.still(d) {
			return d, func() { d.use.RUnlock(); s.shed() }, nil
		}
		d.use.RUnlock() // it was removed or set aside between the two locks
	}
}

func (s *Store) find(date string, create bool) (*day, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	d := s.days[date]
	if d == nil && create {
		d = newDay(s.dir, date)
		s.days[date] = d
	}
	if d != nil {
		d.lastUse = s.uses.Add(1)
	}
	return d, nil
}

// still says whether d is the day of its date, and the store is open.
func (s *Store) still(d *day) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.closed && s.days[d.date] == d
}

// isOpen says whether the day holds file handles.
func (d *day) isOpen() bool {
	d.open.Lock()
	defer d.open.Unlock()
	return d.reader != nil || d.writer != nil
}

// shed closes the days used longest ago while too many are open. A day in use
// is left.
func (s *Store) shed() {
	s.mu.Lock()
	open := make([]*day, 0, len(s.days))
	for _, d := range s.days {
		if d.isOpen() {
			open = append(open, d)
		}
	}
	slices.SortFunc(open, func(a, b *day) int { return int(a.lastUse) - int(b.lastUse) }) //nolint:gosec // small
	s.mu.Unlock()
	for _, d := range open[:max(0, len(open)-maxOpen)] {
		if d.use.TryLock() {
			_ = d.closeHandles() // a handle that will not close is let go; the file is whole
			d.use.Unlock()
		}
	}
}

// dates lists the days that can hold something of [from, to), newest first.
// The edges are taken a day wide, since the school's zone may have changed.
func (s *Store) dates(from, to time.Time) []string {
	first, last := "", "9999"
	if !from.IsZero() {
		first = from.In(s.location).AddDate(0, 0, -1).Format(time.DateOnly)
	}
	if !to.IsZero() {
		last = to.In(s.location).AddDate(0, 0, 1).Format(time.DateOnly)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var dates []string
	for date := range s.days {
		if date >= first && date <= last {
			dates = append(dates, date)
		}
	}
	slices.Sort(dates)
	slices.Reverse(dates)
	return dates
}

// Append stores events; when it returns nil they are on the disk. Events
// stored before are passed over, so the caller may hand in again whatever it
// is not certain of.
func (s *Store) Append(ctx context.Context, events []Event) error {
	return s.take(ctx, events, false)
}

// Count adds events to the totals and the minutes without storing any row:
// no person, device, address, path or search word. It serves a school that
// has not yet confirmed its impact assessment.
func (s *Store) Count(ctx context.Context, events []Event) error {
	return s.take(ctx, events, true)
}

func (s *Store) take(ctx context.Context, events []Event, countOnly bool) error {
	for batch := range slices.Chunk(events, MaxBatch) {
		byDay := s.sort(batch)
		for _, date := range sortedKeys(byDay) {
			if err := s.appendDay(ctx, date, byDay[date], countOnly); err != nil {
				return fmt.Errorf("storing web activity of %s: %w", date, err)
			}
		}
	}
	return nil
}

// sort groups a batch by its days, leaving out what cannot be true or may not
// be kept, and taking from staff what the school does not keep of them.
func (s *Store) sort(batch []Event) map[string][]*Event {
	keep, now := s.keep.Load(), s.clock.Now()
	oldest := s.oldest(keep.Names, s.trusted(now))
	byDay := map[string][]*Event{}
	for i := range batch {
		e := &batch[i]
		date := e.At.In(s.location).Format(time.DateOnly)
		if date < oldest || e.At.After(now.Add(48*time.Hour)) || s.totals.isGone(date) {
			s.refused.Add(1)
			continue
		}
		if (e.Path != "" || e.Words != "" || e.Detail != "") && slices.Contains(keep.HostOnly, e.Group) {
			bare := *e
			bare.Path, bare.Words, bare.Engine, bare.Detail = "", "", "", ""
			e = &bare
		}
		byDay[date] = append(byDay[date], e)
	}
	return byDay
}

// oldest is the first date that may still be kept.
func (s *Store) oldest(keep time.Duration, now time.Time) string {
	if keep <= 0 {
		return "2000-01-01"
	}
	return now.Add(-keep).In(s.location).Format(time.DateOnly)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// appendDay stores the events of one day. A damaged file is set aside and the
// events go into a new one.
func (s *Store) appendDay(ctx context.Context, date string, events []*Event, countOnly bool) error {
	return s.writeDay(ctx, date, func(w *writer) error { return w.append(ctx, events, countOnly) })
}

// writeDay runs do on the writer of the day, which it makes if need be.
func (s *Store) writeDay(ctx context.Context, date string, do func(*writer) error) error {
	err := s.tryWrite(ctx, date, true, do)
	if !isDamage(err) {
		return err
	}
	if aside := s.setAside(ctx, date, err); aside != nil {
		return errors.Join(err, aside)
	}
	return s.tryWrite(ctx, date, true, do)
}

func (s *Store) tryWrite(ctx context.Context, date string, create bool, do func(*writer) error) error {
	d, release, err := s.hold(date, create)
	if err != nil || d == nil {
		return err
	}
	defer release()
	d.write.Lock()
	defer d.write.Unlock()
	if err := s.totals.unsettle(ctx, date); err != nil {
		return err
	}
	w, err := d.writing(ctx)
	if err != nil {
		return err
	}
	if err := do(w); err != nil {
		return errors.Join(err, d.dropWriter())
	}
	return nil
}

// writing returns the day's writer. The caller holds use and write.
func (d *day) writing(ctx context.Context) (*writer, error) {
	d.open.Lock()
	defer d.open.Unlock()
	if d.writer != nil {
		return d.writer, nil
	}
	w, err := openWriter(ctx, d)
	if err != nil {
		return nil, err
	}
	d.writer = w
	return w, nil
}

func (d *day) dropWriter() error {
	d.open.Lock()
	defer d.open.Unlock()
	if d.writer == nil {
		return nil
	}
	err := d.writer.close()
	d.writer = nil
	return err
}

// setAside renames a damaged day, so that the next use of its date begins a
// new file, and notes it for Stats.
func (s *Store) setAside(ctx context.Context, date string, why error) error {
	d, release, err := s.hold(date, false)
	if err != nil || d == nil {
		return err
	}
	release()
	d.use.Lock()
	defer d.use.Unlock()
	if !s.still(d) {
		return nil // another call did it
	}
	_ = d.closeHandles() // a damaged file need not close cleanly
	name, err := renameDamaged(d.path, s.clock.Now())
	if err != nil {
		return err
	}
	s.mu.Lock()
	delete(s.days, date)
	s.mu.Unlock()
	if err := s.totals.forget(ctx, date); err != nil {
		return err
	}
	return s.totals.noteDamage(ctx, Damage{File: name, Day: date, At: s.clock.Now(), Why: why.Error()})
}

func renameDamaged(path string, now time.Time) (string, error) {
	aside := path + ".damaged-" + now.UTC().Format("20060102T150405.000")
	for _, end := range []string{"-wal", "-shm", ""} {
		err := os.Rename(path+end, aside+end)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("setting the damaged file %s aside: %w", filepath.Base(path), err)
		}
	}
	return filepath.Base(aside), nil
}

// readDay runs do on a day for questions. A day that is damaged is set aside
// and counts as empty from then on.
func (s *Store) readDay(ctx context.Context, date string, do func(*day, *sql.DB) error) error {
	err := func() error {
		d, release, err := s.hold(date, false)
		if err != nil || d == nil {
			return err
		}
		defer release()
		db, err := d.read()
		if err != nil {
			return err
		}
		return do(d, db)
	}()
	if isDamage(err) {
		return s.setAside(ctx, date, err)
	}
	return err
}
