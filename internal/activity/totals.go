package activity

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"belisha/internal/kit/clock"
)

// totalsSchema makes the file that outlives the day files: counts without
// persons. A day stands in settled while its lines here say the same as its
// file; until then its file is asked. A settled day that is gone has no file
// any more, and takes no event.
const totalsSchema = `
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE settled (day TEXT PRIMARY KEY, gone BOOLEAN NOT NULL) WITHOUT ROWID;
CREATE TABLE days (
	day TEXT NOT NULL, site TEXT NOT NULL, grp TEXT NOT NULL, category TEXT NOT NULL, action INTEGER NOT NULL,
	n INTEGER NOT NULL, bytes INTEGER NOT NULL,
	PRIMARY KEY (day, site, grp, category, action)) WITHOUT ROWID;
CREATE TABLE months (
	month TEXT NOT NULL, site TEXT NOT NULL, grp TEXT NOT NULL, category TEXT NOT NULL, action INTEGER NOT NULL,
	n INTEGER NOT NULL, bytes INTEGER NOT NULL,
	PRIMARY KEY (month, site, grp, category, action)) WITHOUT ROWID;
CREATE TABLE tops (
	day TEXT NOT NULL, kind TEXT NOT NULL, word TEXT NOT NULL, action INTEGER NOT NULL, n INTEGER NOT NULL,
	PRIMARY KEY (kind, action, day, word)) WITHOUT ROWID;
CREATE TABLE damage (file TEXT NOT NULL, day TEXT NOT NULL, at INTEGER NOT NULL, why TEXT NOT NULL);
`

// totals is the file of counts and what is known of the days.
type totals struct {
	db *sql.DB

	mu      sync.Mutex
	settled map[string]bool // true: and gone
}

// openTotals opens the totals; damaged ones are set aside and begun anew,
// which the days still kept then fill again.
func openTotals(ctx context.Context, path string, clk clock.Clock) (*totals, error) {
	t, err := tryTotals(ctx, path)
	if !isDamage(err) {
		return t, err
	}
	now := clk.Now()
	name, aside := renameDamaged(path, now)
	if aside != nil {
		return nil, errors.Join(err, aside)
	}
	t, again := tryTotals(ctx, path)
	if again != nil {
		return nil, again
	}
	return t, t.noteDamage(ctx, Damage{File: name, At: now, Why: err.Error()})
}

func tryTotals(ctx context.Context, path string) (*totals, error) {
	db, err := openSQLite(path, "journal_mode(WAL)", "synchronous(FULL)", "cache_size(-4000)", "secure_delete(ON)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(4)
	t := &totals{db: db, settled: map[string]bool{}}
	err = prepareFile(ctx, db, totalsSchema)
	if err == nil {
		err = t.load(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening %s: %w", filepath.Base(path), err), db.Close())
	}
	return t, nil
}

func (t *totals) load(ctx context.Context) error {
	rows, err := t.db.QueryContext(ctx, `SELECT day, gone FROM settled`)
	if err != nil {
		return fmt.Errorf("reading which days are settled: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var date string
		var gone bool
		if err := rows.Scan(&date, &gone); err != nil {
			return fmt.Errorf("reading which days are settled: %w", err)
		}
		t.settled[date] = gone
	}
	return rows.Err()
}

func (t *totals) close() error { return t.db.Close() }

func (t *totals) isSettled(date string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, ok := t.settled[date]
	return ok
}

func (t *totals) isGone(date string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.settled[date]
}

// unsettle is called before anything is written to a day, so that a crash
// between the two leaves a day that is counted from its own file.
func (t *totals) unsettle(ctx context.Context, date string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if gone, ok := t.settled[date]; !ok || gone {
		return nil
	}
	err := t.within(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM settled WHERE day = $1`, date); err != nil {
			return fmt.Errorf("opening a settled day again: %w", err)
		}
		return replaceDay(ctx, tx, date, nil, nil)
	})
	if err == nil {
		delete(t.settled, date)
	}
	return err
}

// settle takes the totals of a day over and marks it settled.
func (t *totals) settle(ctx context.Context, date string, hours []Total, tops []top) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	err := t.within(ctx, func(tx *sql.Tx) error {
		if err := replaceDay(ctx, tx, date, hours, tops); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO settled (day, gone) VALUES ($1, FALSE)`, date)
		if err != nil {
			return fmt.Errorf("marking a day settled: %w", err)
		}
		return nil
	})
	if err == nil {
		t.settled[date] = false
	}
	return err
}

// forget says that the file of a settled day is gone: its totals stay, its
// hosts and rules do not.
func (t *totals) forget(ctx context.Context, date string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.settled[date]; !ok {
		return nil
	}
	err := t.within(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE settled SET gone = TRUE WHERE day = $1`, date); err != nil {
			return fmt.Errorf("marking a day gone: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM tops WHERE day = $1`, date); err != nil {
			return fmt.Errorf("removing a day's hosts: %w", err)
		}
		return nil
	})
	if err == nil {
		t.settled[date] = true
	}
	return err
}

// replaceDay writes the lines of one day and adds up its month anew.
func replaceDay(ctx context.Context, tx *sql.Tx, date string, hours []Total, tops []top) error {
	for _, table := range []string{"days", "tops"} {
		if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE day = $1`, date); err != nil {
			return fmt.Errorf("clearing the totals of a day: %w", err)
		}
	}
	for _, h := range hours {
		_, err := tx.ExecContext(ctx, `INSERT INTO days (day, site, grp, category, action, n, bytes)
			VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT DO UPDATE SET n = n + excluded.n, bytes = bytes + excluded.bytes`,
			date, h.Site, h.Group, h.Category, int64(h.Action), int64(h.N), int64(h.Bytes)) //nolint:gosec // bounded
		if err != nil {
			return fmt.Errorf("writing the totals of a day: %w", err)
		}
	}
	for _, l := range tops {
		_, err := tx.ExecContext(ctx, `INSERT INTO tops (day, kind, word, action, n) VALUES ($1, $2, $3, $4, $5)`,
			date, l.kind, l.word, int64(l.action), int64(l.n)) //nolint:gosec // bounded
		if err != nil {
			return fmt.Errorf("writing the hosts of a day: %w", err)
		}
	}
	return sumMonth(ctx, tx, date[:len("2006-01")])
}

// sumMonth adds a month up from its days.
func sumMonth(ctx context.Context, tx *sql.Tx, month string) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM months WHERE month = $1`, month); err != nil {
		return fmt.Errorf("clearing the totals of a month: %w", err)
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO months (month, site, grp, category, action, n, bytes)
		SELECT $1, site, grp, category, action, sum(n), sum(bytes) FROM days
		WHERE day >= $1 AND day < $2 GROUP BY site, grp, category, action`, month, month+"~")
	if err != nil {
		return fmt.Errorf("adding up a month: %w", err)
	}
	return nil
}

// within runs do in one transaction on the totals.
func (t *totals) within(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := t.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("beginning to write the totals: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	if err := do(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("keeping the totals: %w", err)
	}
	return nil
}

func (t *totals) noteDamage(ctx context.Context, d Damage) error {
	_, err := t.db.ExecContext(ctx, `INSERT INTO damage (file, day, at, why) VALUES ($1, $2, $3, $4)`,
		d.File, d.Day, d.At.UnixMilli(), d.Why)
	if err != nil {
		return fmt.Errorf("noting a damaged file: %w", err)
	}
	return nil
}

func (t *totals) damaged(ctx context.Context) ([]Damage, error) {
	rows, err := t.db.QueryContext(ctx, `SELECT file, day, at, why FROM damage ORDER BY at`)
	if err != nil {
		return nil, fmt.Errorf("reading the damaged files: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all []Damage
	for rows.Next() {
		var d Damage
		var at int64
		if err := rows.Scan(&d.File, &d.Day, &at, &d.Why); err != nil {
			return nil, fmt.Errorf("reading the damaged files: %w", err)
		}
		d.At = time.UnixMilli(at).UTC()
		all = append(all, d)
	}
	return all, rows.Err()
}

// querier is what reads: a database or one connection of it.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// column reads a result of one column.
func column[T any](ctx context.Context, db querier, query string, args ...any) ([]T, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []T
	for rows.Next() {
		var v T
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}
