package activity

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"
)

// indexAtOnce is how many words one transaction of settling indexes, so that
// a late event need not wait long for its turn.
const indexAtOnce = 4000

// topKept is how many hosts of each action a settled day hands to the totals.
const topKept = 500

// top is one line of the tops of a day.
type top struct {
	kind, word string
	action     Action
	n          uint64
}

// Settle gives every day that is over at now its indexes and its totals.
// Enforce calls it; a day that takes late events is settled again the next
// night.
func (s *Store) Settle(ctx context.Context, now time.Time) ([]string, error) {
	today := now.In(s.location).Format(time.DateOnly)
	var done []string
	for _, date := range s.dates(time.Time{}, time.Time{}) {
		if date >= today || s.totals.isSettled(date) {
			continue
		}
		if err := s.settleDay(ctx, date); err != nil {
			return done, fmt.Errorf("settling %s: %w", date, err)
		}
		done = append(done, date)
	}
	slices.Sort(done)
	return done, nil
}

func (s *Store) settleDay(ctx context.Context, date string) error {
	steps := make([]func(*writer) error, 0, len(settledIndexes)+1)
	for _, column := range settledIndexes {
		steps = append(steps, func(w *writer) error { return w.index(ctx, column) })
	}
	for _, step := range steps {
		if err := s.writeDay(ctx, date, step); err != nil {
			return err
		}
	}
	for more := true; more; {
		err := s.writeDay(ctx, date, func(w *writer) error {
			var err error
			more, err = w.indexWords(ctx)
			return err
		})
		if err != nil {
			return err
		}
	}
	return s.handOver(ctx, date)
}

// index builds one of the indexes that a live day does without.
func (w *writer) index(ctx context.Context, column string) error {
	_, err := w.conn.ExecContext(ctx, `CREATE INDEX IF NOT EXISTS events_`+column+
		` ON events (`+column+`) WHERE `+column+` > 0`)
	if err != nil {
		return fmt.Errorf("indexing the %ss of a day: %w", column, err)
	}
	return nil
}

// The trigram index holds the words of three dictionaries, told apart by
// their numbers: id*4 + the dictionary's place here.
var indexedDicts = []string{dictHosts, dictPaths, dictSearches}

const indexStride = 4

// indexWords adds the next words of the dictionaries to the trigram index and
// says whether there are more.
func (w *writer) indexWords(ctx context.Context) (bool, error) {
	more := false
	err := w.transaction(ctx, func() error {
		for place, name := range indexedDicts {
			upto, err := w.indexed(ctx, name)
			if err != nil {
				return err
			}
			var last sql.NullInt64
			err = w.conn.QueryRowContext(ctx, `SELECT max(id) FROM (SELECT id FROM `+name+
				` WHERE id > $1 ORDER BY id LIMIT $2)`, upto, indexAtOnce).Scan(&last)
			if err != nil {
				return fmt.Errorf("finding what to index in %s: %w", name, err)
			}
			if !last.Valid {
				continue
			}
			_, err = w.conn.ExecContext(ctx, `INSERT INTO found (rowid, t) SELECT id * $1 + $2, text FROM `+name+
				` WHERE id > $3 AND id <= $4`, indexStride, place, upto, last.Int64)
			if err != nil {
				return fmt.Errorf("indexing %s: %w", name, err)
			}
			if err := w.setMeta(ctx, "indexed "+name, last.Int64); err != nil {
				return err
			}
			more = true
		}
		return nil
	})
	return more, err
}

// indexed is the highest number of a dictionary that the trigram index has.
func (w *writer) indexed(ctx context.Context, name string) (int64, error) {
	return readMeta(ctx, w.conn, "indexed "+name)
}

func (w *writer) setMeta(ctx context.Context, name string, value int64) error {
	_, err := w.conn.ExecContext(ctx, `INSERT INTO meta (name, value) VALUES ($1, $2)
		ON CONFLICT DO UPDATE SET value = excluded.value`, name, fmt.Sprint(value))
	if err != nil {
		return fmt.Errorf("noting %q: %w", name, err)
	}
	return nil
}

func readMeta(ctx context.Context, db querier, name string) (int64, error) {
	values, err := column[int64](ctx, db, `SELECT CAST(value AS INTEGER) FROM meta WHERE name = $1`, name)
	if err != nil {
		return 0, fmt.Errorf("reading %q: %w", name, err)
	}
	if len(values) == 0 {
		return 0, nil
	}
	return values[0], nil
}

// handOver copies a day's totals to the file that outlives it. The day takes
// no event meanwhile: one that came between would be missing from the totals.
func (s *Store) handOver(ctx context.Context, date string) error {
	err := s.tryHandOver(ctx, date)
	if isDamage(err) {
		return s.setAside(ctx, date, err)
	}
	return err
}

func (s *Store) tryHandOver(ctx context.Context, date string) error {
	d, release, err := s.hold(date, false)
	if err != nil || d == nil {
		return err
	}
	defer release()
	d.write.Lock()
	defer d.write.Unlock()
	db, err := d.read()
	if err != nil {
		return err
	}
	hours, err := dayTotals(ctx, db)
	if err != nil {
		return err
	}
	tops, err := dayTops(ctx, db)
	if err != nil {
		return err
	}
	if err := d.rest(ctx); err != nil {
		return err
	}
	return s.totals.settle(ctx, date, hours, tops)
}

// rest moves what the day's log holds into its file, so that a copy of the
// file is whole, and gives the writer's cache back: the day is over.
func (d *day) rest(ctx context.Context) error {
	w, err := d.writing(ctx)
	if err != nil {
		return err
	}
	if _, err := w.conn.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		return fmt.Errorf("moving the day's log into its file: %w", err)
	}
	if err := d.dropWriter(); err != nil {
		return fmt.Errorf("closing the day: %w", err)
	}
	return nil
}

// dayTotals reads the lines of a day's hours. Start is the hour.
func dayTotals(ctx context.Context, db querier) ([]Total, error) {
	rows, err := db.QueryContext(ctx, `SELECT hour, site, grp, category, action, n, bytes FROM hours`)
	if err != nil {
		return nil, fmt.Errorf("reading the hours of a day: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all []Total
	for rows.Next() {
		var t Total
		var hour int64
		if err := rows.Scan(&hour, &t.Site, &t.Group, &t.Category, &t.Action, &t.N, &t.Bytes); err != nil {
			return nil, fmt.Errorf("reading the hours of a day: %w", err)
		}
		t.Start = time.Unix(hour, 0)
		all = append(all, t)
	}
	return all, rows.Err()
}

// dayTops reads the hosts and rules of a day that its totals keep.
func dayTops(ctx context.Context, db querier) ([]top, error) {
	rows, err := db.QueryContext(ctx, `SELECT kind, word, action, n FROM (
			SELECT kind, word, action, n,
				row_number() OVER (PARTITION BY kind, action ORDER BY n DESC, word) AS place FROM tops)
		WHERE place <= $1`, topKept)
	if err != nil {
		return nil, fmt.Errorf("reading the hosts of a day: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all []top
	for rows.Next() {
		var l top
		if err := rows.Scan(&l.kind, &l.word, &l.action, &l.n); err != nil {
			return nil, fmt.Errorf("reading the hosts of a day: %w", err)
		}
		all = append(all, l)
	}
	return all, rows.Err()
}
