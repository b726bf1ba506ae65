// Package store opens the school's records: SQLite in the data folder, or
// PostgreSQL when the school has outgrown it. One SQL text serves both: $1
// placeholders, ids made by us, times as UTC milliseconds, no triggers.
//
// Reads go through DB; every write goes through Write, which runs one
// transaction. What must be the transaction's last statement (the journal's
// chain head) is registered on the Tx with Last.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	_ "github.com/jackc/pgx/v5/stdlib" // PostgreSQL driver
	_ "modernc.org/sqlite"             // SQLite driver
)

// Dialect tells the two databases apart, for the few places that must know.
type Dialect string

// The databases.
const (
	SQLite   Dialect = "sqlite"
	Postgres Dialect = "postgres"
)

// Config says where the records are.
type Config struct {
	// File is the SQLite file. Ignored when DSN is set.
	File string
	// DSN is a PostgreSQL connection string ("postgres://…").
	DSN string
}

// DB is the open store. It is safe for several goroutines.
type DB struct {
	dialect Dialect
	write   *sql.DB
	read    *sql.DB
	// advisory holds the session that owns PostgreSQL's advisory lock.
	advisory *sql.Conn
	turn     atomic.Uint64
}

// Querier is what reads: the pool outside a transaction, the Tx inside one.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// ErrInUse says that another server holds the store.
var ErrInUse = errors.New("another Belisha server is using these records; stop it first")

// advisoryKey is Belisha's number for PostgreSQL's advisory lock: one serve
// per database.
const advisoryKey = 0x62656c69736861 // "belisha"

// Open opens the store and checks that it answers.
func Open(ctx context.Context, c Config) (*DB, error) {
	if c.DSN != "" {
		return openPostgres(ctx, c.DSN)
	}
	return openSQLite(ctx, c.File)
}

func openSQLite(ctx context.Context, file string) (*DB, error) {
	if file == "" {
		return nil, errors.New("opening the records: no file was named")
	}
	// Nobody but this account reads the records, whatever the system's usual
	// permissions are. SQLite gives its other files those of this one.
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the records: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("opening the records: %w", err)
	}
	base := "file:" + (&url.URL{Path: filepath.ToSlash(file)}).EscapedPath()
	pragmas := "_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(ON)&_pragma=secure_delete(ON)"
	w, err := sql.Open("sqlite", base+"?_txlock=immediate&"+pragmas)
	if err != nil {
		return nil, fmt.Errorf("opening the records: %w", err)
	}
	w.SetMaxOpenConns(1)
	r, err := sql.Open("sqlite", base+"?"+pragmas+"&_pragma=query_only(ON)")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the records: %w", err), w.Close())
	}
	r.SetMaxOpenConns(6)
	db := &DB{dialect: SQLite, write: w, read: r}
	if err := w.PingContext(ctx); err != nil {
		return nil, errors.Join(unopened(file, err), db.Close())
	}
	return db, nil
}

// ErrDamaged: the file of the records is not what it was.
var ErrDamaged = errors.New("the records are damaged; keep the file as it is for whoever looks into it, and bring the school back with `belisha backup restore`")

// unopened says why a file could not be opened as records.
func unopened(file string, err error) error {
	var code interface{ Code() int }
	if errors.As(err, &code) && (code.Code()&0xff == sqliteCorrupt || code.Code()&0xff == sqliteNotADB) {
		return fmt.Errorf("%s: %w", file, ErrDamaged)
	}
	return fmt.Errorf("opening the records in %s: %w", file, err)
}

// What SQLite calls a file that it cannot read as one of its own.
const (
	sqliteCorrupt = 11
	sqliteNotADB  = 26
)

func openPostgres(ctx context.Context, dsn string) (*DB, error) {
	if !strings.HasPrefix(dsn, "postgres://") && !strings.HasPrefix(dsn, "postgresql://") {
		return nil, errors.New("opening the records: the DSN must begin with postgres://")
	}
	p, err := sql.Open("pgx", dsn)
	if err != nil {
		return nil, fmt.Errorf("opening the records: %w", err)
	}
	p.SetMaxOpenConns(8)
	db := &DB{dialect: Postgres, write: p, read: p}
	if err := p.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the records: %w", err), db.Close())
	}
	return db, nil
}

// Own takes the store for one server. On PostgreSQL it is an advisory lock
// held by one session; on SQLite the data folder's lock does the same work
// and Own does nothing.
func (d *DB) Own(ctx context.Context) error {
	if d.dialect != Postgres || d.advisory != nil {
		return nil
	}
	c, err := d.write.Conn(ctx)
	if err != nil {
		return fmt.Errorf("taking the records: %w", err)
	}
	var got bool
	if err := c.QueryRowContext(ctx, "SELECT pg_try_advisory_lock($1)", int64(advisoryKey)).Scan(&got); err != nil {
		return errors.Join(fmt.Errorf("taking the records: %w", err), c.Close())
	}
	if !got {
		return errors.Join(ErrInUse, c.Close())
	}
	d.advisory = c
	return nil
}

// Dialect says which database this is.
func (d *DB) Dialect() Dialect { return d.dialect }

// Close closes the store. A DB that failed to open may be closed.
func (d *DB) Close() error {
	var errs []error
	if d.advisory != nil {
		errs = append(errs, d.advisory.Close())
	}
	errs = append(errs, d.write.Close())
	if d.read != d.write {
		errs = append(errs, d.read.Close())
	}
	return errors.Join(errs...)
}

// QueryContext reads rows outside a transaction.
func (d *DB) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return d.read.QueryContext(ctx, query, args...)
}

// QueryRowContext reads one row outside a transaction.
func (d *DB) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return d.read.QueryRowContext(ctx, query, args...)
}

// Writer returns the write connection pool, for migrations, backup
// (VACUUM INTO) and tests. Rooms use Write.
func (d *DB) Writer() *sql.DB { return d.write }
