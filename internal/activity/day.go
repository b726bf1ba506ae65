package activity

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"modernc.org/sqlite"
)

// The key of a row holds its time, its gate and the end of its spool number,
// so that the order of rows is the order of time, a second insertion of the
// same event meets the first, and no other index is needed for either.
//
//	28 bits milliseconds since the day's base | 10 bits gate | 25 bits number
const (
	numberBits = 25
	gateBits   = 10
	msShift    = numberBits + gateBits
	maxGates   = 1 << gateBits
)

// dayBase is earlier than the first moment of date in any zone of the world,
// so that a day file means the same whatever the school's zone becomes.
func dayBase(date string) time.Time {
	midnight, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return time.Time{}
	}
	return midnight.Add(-14 * time.Hour)
}

func makeKey(base, at time.Time, gate int64, id uint64) int64 {
	ms := at.Sub(base).Milliseconds()
	return ms<<msShift | gate<<numberBits | int64(id&(1<<numberBits-1)) //nolint:gosec // masked to 25 bits
}

func keyTime(base time.Time, key int64) time.Time {
	return base.Add(time.Duration(key>>msShift) * time.Millisecond)
}

func keyGate(key int64) int64 { return key >> numberBits & (maxGates - 1) }

// firstKey is the smallest key at or after t, held within what a key can say.
func firstKey(base, t time.Time) int64 {
	ms := max(t.Sub(base).Milliseconds(), 0)
	return min(ms, 1<<(63-msShift)-1) << msShift
}

// The dictionaries of a day. Each is a table of (id, text); a text may stand
// there twice, which costs a little room and nothing else, since every
// question collects all ids that fit.
const (
	dictGates    = "gates"
	dictContexts = "contexts" // site, door, certainty, group, key stage
	dictVerdicts = "verdicts" // action, category, categories, rule, reason, alert, rules number
	dictSubjects = "subjects"
	dictDevices  = "devices"
	dictAddrs    = "addresses"
	dictHosts    = "hosts"
	dictPaths    = "paths"
	dictSearches = "searches" // engine, words
)

var dictNames = []string{
	dictGates, dictContexts, dictVerdicts, dictSubjects, dictDevices,
	dictAddrs, dictHosts, dictPaths, dictSearches,
}

// daySchema makes a day file. The order of the events' columns is the order
// of eventColumns.
const daySchema = `
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE gates (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE contexts (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE verdicts (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE subjects (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE devices (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE addresses (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE hosts (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE paths (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE searches (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE events (
	k INTEGER PRIMARY KEY, spool INTEGER NOT NULL, context INTEGER NOT NULL, verdict INTEGER NOT NULL,
	subject INTEGER NOT NULL, device INTEGER NOT NULL, address INTEGER NOT NULL,
	host INTEGER NOT NULL, path INTEGER NOT NULL, search INTEGER NOT NULL,
	n INTEGER NOT NULL, bytes INTEGER NOT NULL);
CREATE INDEX events_subject ON events (subject) WHERE subject > 0;
CREATE INDEX events_path ON events (path) WHERE path > 0;
CREATE INDEX events_search ON events (search) WHERE search > 0;
CREATE TABLE hours (
	hour INTEGER NOT NULL, site TEXT NOT NULL, grp TEXT NOT NULL, category TEXT NOT NULL,
	action INTEGER NOT NULL, n INTEGER NOT NULL, bytes INTEGER NOT NULL,
	PRIMARY KEY (hour, site, grp, category, action)) WITHOUT ROWID;
CREATE TABLE tops (
	kind TEXT NOT NULL, word TEXT NOT NULL, action INTEGER NOT NULL, n INTEGER NOT NULL,
	PRIMARY KEY (kind, word, action)) WITHOUT ROWID;
CREATE TABLE minutes (
	minute INTEGER NOT NULL, site TEXT NOT NULL, n INTEGER NOT NULL,
	PRIMARY KEY (minute, site)) WITHOUT ROWID;
CREATE TABLE beats (
	minute INTEGER NOT NULL, site TEXT NOT NULL, gate TEXT NOT NULL, dropped INTEGER NOT NULL,
	PRIMARY KEY (minute, site, gate)) WITHOUT ROWID;
CREATE TABLE counted (gate TEXT PRIMARY KEY, upto INTEGER NOT NULL) WITHOUT ROWID;
CREATE VIRTUAL TABLE found USING fts5 (t, content='', detail=none, tokenize='trigram');
`

// The settled indexes are built in one sorted pass when the day is over; kept
// live, the one on hosts alone would cost a third of the rate of intake.
var settledIndexes = []string{"host", "device", "address", "verdict"}

// day is one day file. Whoever uses its handles holds use for reading; who
// closes or removes the file holds it for writing. One append at a time holds
// write, always taken after use.
type day struct {
	date string
	path string
	base time.Time

	use   sync.RWMutex
	write sync.Mutex

	open    sync.Mutex // guards the three below
	reader  *sql.DB
	writer  *writer
	lastUse uint64
}

func newDay(dir, date string) *day {
	return &day{date: date, path: filepath.Join(dir, dayFile(date)), base: dayBase(date)}
}

func dayFile(date string) string { return "day-" + date + ".db" }

// dateOf reads the date from the name of a day file.
func dateOf(name string) (string, bool) {
	rest, ok := strings.CutPrefix(name, "day-")
	if !ok {
		return "", false
	}
	date, ok := strings.CutSuffix(rest, ".db")
	if !ok {
		return "", false
	}
	_, err := time.Parse(time.DateOnly, date)
	return date, err == nil
}

// openSQLite opens one database file with the pragmas given.
func openSQLite(path string, pragmas ...string) (*sql.DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("finding %s: %w", path, err)
	}
	slashed := filepath.ToSlash(abs)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed // a Windows drive
	}
	q := url.Values{"_txlock": {"immediate"}}
	for _, p := range append([]string{"busy_timeout(10000)", "temp_store(MEMORY)"}, pragmas...) {
		q.Add("_pragma", p)
	}
	u := url.URL{Scheme: "file", Path: slashed, RawQuery: q.Encode()}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", filepath.Base(path), err)
	}
	return db, nil
}

// read returns the handle for questions, opened when first needed. The caller
// holds use.
func (d *day) read() (*sql.DB, error) {
	d.open.Lock()
	defer d.open.Unlock()
	if d.reader != nil {
		return d.reader, nil
	}
	db, err := openSQLite(d.path, "query_only(1)", "cache_size(-2000)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(2)
	d.reader = db
	return db, nil
}

// closeHandles gives back what the day holds open. The caller holds use for
// writing, or knows that nobody else can.
func (d *day) closeHandles() error {
	d.open.Lock()
	defer d.open.Unlock()
	var errs []error
	if d.writer != nil {
		errs = append(errs, d.writer.close())
		d.writer = nil
	}
	if d.reader != nil {
		errs = append(errs, d.reader.Close())
		d.reader = nil
	}
	return errors.Join(errs...)
}

// remove unlinks the day with its side files. The caller holds use for
// writing.
func (d *day) remove() error {
	if err := d.closeHandles(); err != nil {
		return fmt.Errorf("closing day %s before its removal: %w", d.date, err)
	}
	return removeDatabase(d.path)
}

func removeDatabase(path string) error {
	for _, end := range []string{"-wal", "-shm", ""} {
		err := os.Remove(path + end)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("removing %s: %w", filepath.Base(path)+end, err)
		}
	}
	return nil
}

// prepareFile makes the tables of a new day, or checks that an old one is
// ours.
func prepareFile(ctx context.Context, db *sql.DB, schema string) error {
	var tables int
	err := db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE name = 'meta'`).Scan(&tables)
	if err != nil {
		return fmt.Errorf("reading the tables: %w", err)
	}
	if tables > 0 {
		return nil
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("beginning to make the tables: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(ctx, schema); err != nil {
		return fmt.Errorf("making the tables: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("keeping the tables: %w", err)
	}
	return nil
}

// SQLite's result codes for a file that cannot be trusted.
const (
	sqliteCorrupt = 11
	sqliteNotADB  = 26
)

// isDamage tells a file that is broken from a call that failed.
func isDamage(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	code := e.Code() & 0xff
	return code == sqliteCorrupt || code == sqliteNotADB
}
