package backup

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"strings"

	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
)

// copyRecords writes one consistent copy of the records as an SQLite file, and
// returns the end of its journal.
func copyRecords(ctx context.Context, db *store.DB, path string, schemas []fs.FS) (journal.Head, error) {
	if db.Dialect() == store.SQLite {
		if err := vacuumInto(ctx, db, path); err != nil {
			return journal.Head{}, fmt.Errorf("copying the records: %w", full(err, filepath.Dir(path)))
		}
		return headOf(ctx, path)
	}
	to, err := store.Open(ctx, store.Config{File: path})
	if err != nil {
		return journal.Head{}, err
	}
	err = to.Migrate(ctx, schemas...)
	if err == nil {
		_, err = CopyRecords(ctx, db, to)
	}
	if err = errors.Join(err, intoOneFile(ctx, to), to.Close()); err != nil {
		return journal.Head{}, fmt.Errorf("copying the records: %w", full(err, filepath.Dir(path)))
	}
	return headOf(ctx, path)
}

// vacuumInto copies over a connection of its own, so that nobody who writes
// has to wait.
func vacuumInto(ctx context.Context, db *store.DB, path string) (err error) {
	var n int
	var name, file string
	if err := db.QueryRowContext(ctx, "PRAGMA database_list").Scan(&n, &name, &file); err != nil {
		return err
	}
	own, err := sql.Open("sqlite", sqliteURL(file)+"?_pragma=busy_timeout(10000)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, own.Close()) }()
	_, err = own.ExecContext(ctx, "VACUUM INTO $1", path)
	return err
}

func sqliteURL(file string) string {
	return "file:" + (&url.URL{Path: filepath.ToSlash(file)}).EscapedPath()
}

// intoOneFile folds SQLite's log back into the file.
func intoOneFile(ctx context.Context, db *store.DB) error {
	if _, err := db.Writer().ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		return fmt.Errorf("closing the copy of the records: %w", err)
	}
	return nil
}

func headOf(ctx context.Context, path string) (h journal.Head, err error) {
	own, err := sql.Open("sqlite", sqliteURL(path)+"?mode=ro")
	if err != nil {
		return h, fmt.Errorf("looking at the copy of the records: %w", err)
	}
	defer func() { err = errors.Join(err, own.Close()) }()
	if err := own.QueryRowContext(ctx, "SELECT seq, hash FROM journal_head WHERE one = 1").Scan(&h.Seq, &h.Hash); err != nil {
		return h, fmt.Errorf("looking at the copy of the records: %w", err)
	}
	return h, nil
}

// CopyRecords copies every row of every table of from, as it stood at one
// moment, into to, an SQLite store that was just migrated with the same
// schemas. It returns the number of rows of each table, counted on both sides.
func CopyRecords(ctx context.Context, from, to *store.DB) (map[string]int64, error) {
	if to.Dialect() != store.SQLite {
		return nil, errors.New("records are copied into an SQLite file only")
	}
	counts := map[string]int64{}
	err := from.Snapshot(ctx, func(q store.Querier) error {
		tables, err := tableNames(ctx, to)
		if err != nil {
			return err
		}
		return to.Write(ctx, func(tx *store.Tx) error {
			// Tables come in the order of their names; what they point at is
			// checked when all are there.
			if _, err := tx.ExecContext(ctx, "PRAGMA defer_foreign_keys = ON"); err != nil {
				return err
			}
			for _, t := range tables {
				n, err := copyTable(ctx, q, tx, t)
				if err != nil {
					return fmt.Errorf("copying the table %s: %w", t, err)
				}
				counts[t] = n
			}
			return nil
		})
	})
	return counts, err
}

// tableNames lists the tables that hold records: not those of the migrations,
// which the new store has already.
func tableNames(ctx context.Context, db *store.DB) ([]string, error) {
	rows, err := db.QueryContext(ctx, `SELECT name FROM sqlite_master WHERE type = 'table'
		AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'goose%' AND name <> 'schema_sums' ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("listing the tables: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		var n string
		if err := rows.Scan(&n); err != nil {
			return nil, fmt.Errorf("listing the tables: %w", err)
		}
		out = append(out, n)
	}
	return out, rows.Err()
}

func copyTable(ctx context.Context, q store.Querier, tx *store.Tx, table string) (int64, error) {
	// The names come from the schema that this program carries.
	if _, err := tx.ExecContext(ctx, "DELETE FROM "+table); err != nil {
		return 0, err
	}
	rows, err := q.QueryContext(ctx, "SELECT * FROM "+table)
	if err != nil {
		return 0, err
	}
	defer func() { _ = rows.Close() }()
	cols, err := rows.Columns()
	if err != nil {
		return 0, err
	}
	marks := make([]string, len(cols))
	for i := range cols {
		marks[i] = fmt.Sprintf("$%d", i+1)
	}
	insert, err := tx.PrepareContext(ctx, "INSERT INTO "+table+" ("+strings.Join(cols, ", ")+") VALUES ("+strings.Join(marks, ", ")+")")
	if err != nil {
		return 0, err
	}
	defer func() { _ = insert.Close() }()
	vals, into := make([]any, len(cols)), make([]any, len(cols))
	for i := range vals {
		into[i] = &vals[i]
	}
	var n int64
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return n, err
		}
		if _, err := insert.ExecContext(ctx, vals...); err != nil {
			return n, err
		}
		n++
	}
	if err := rows.Err(); err != nil {
		return n, err
	}
	return n, counted(ctx, tx, table, n)
}

func counted(ctx context.Context, tx *store.Tx, table string, want int64) error {
	var got int64
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM "+table).Scan(&got); err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("%d rows arrived of %d", got, want)
	}
	return nil
}
