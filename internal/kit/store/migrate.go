package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"sort"
	"strings"
	"testing/fstest"

	"github.com/pressly/goose/v3"
)

// ErrNewer says that the records were written by a newer Belisha.
var ErrNewer = errors.New("these records were written by a newer version of Belisha; start that version, nothing was changed")

// Migrate brings the store up to the schema that the rooms declare. Each
// file system holds files named YYYYMMDDHHMM-what.sql at its root or in
// schema/; they are merged and run in order, forward only. A store of a newer
// version, or one whose past migrations differ, is refused unchanged.
func (d *DB) Migrate(ctx context.Context, schemas ...fs.FS) error {
	merged, sums, err := merge(schemas)
	if err != nil {
		return err
	}
	dialect := goose.DialectSQLite3
	if d.dialect == Postgres {
		dialect = goose.DialectPostgres
	}
	p, err := goose.NewProvider(dialect, d.write, merged, goose.WithAllowOutofOrder(true))
	if err != nil {
		return fmt.Errorf("reading the schema: %w", err)
	}
	if err := d.refuseNewer(ctx, sums); err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("bringing the records up to date: %w", err)
	}
	return d.recordSums(ctx, sums)
}

// merge gathers the migration files of all rooms and their checksums by
// version.
func merge(schemas []fs.FS) (fstest.MapFS, map[int64]string, error) {
	out := fstest.MapFS{}
	sums := map[int64]string{}
	for _, s := range schemas {
		err := fs.WalkDir(s, ".", func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || !strings.HasSuffix(path, ".sql") {
				return err
			}
			return addMigration(out, sums, s, path, e.Name())
		})
		if err != nil {
			return nil, nil, fmt.Errorf("reading the schema: %w", err)
		}
	}
	return out, sums, nil
}

func addMigration(out fstest.MapFS, sums map[int64]string, s fs.FS, path, name string) error {
	data, err := fs.ReadFile(s, path)
	if err != nil {
		return err
	}
	stamp, what, ok := strings.Cut(name, "-")
	var v int64
	if _, err := fmt.Sscanf(stamp, "%d", &v); err != nil || !ok || len(stamp) != 12 {
		return fmt.Errorf("%s must be named YYYYMMDDHHMM-what.sql", name)
	}
	if _, dup := sums[v]; dup {
		return fmt.Errorf("two migrations are numbered %d; give %s its own minute", v, name)
	}
	sum := sha256.Sum256(data)
	sums[v] = hex.EncodeToString(sum[:])
	// goose wants an underscore after the number.
	out[stamp+"_"+strings.ReplaceAll(what, "-", "_")] = &fstest.MapFile{Data: data}
	return nil
}

const sumsTable = `CREATE TABLE IF NOT EXISTS schema_sums (version BIGINT PRIMARY KEY, sum TEXT NOT NULL)`

func (d *DB) refuseNewer(ctx context.Context, sums map[int64]string) error {
	if _, err := d.write.ExecContext(ctx, sumsTable); err != nil {
		return fmt.Errorf("looking at the records: %w", err)
	}
	rows, err := d.write.QueryContext(ctx, "SELECT version, sum FROM schema_sums ORDER BY version")
	if err != nil {
		return fmt.Errorf("looking at the records: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var v int64
		var sum string
		if err := rows.Scan(&v, &sum); err != nil {
			return fmt.Errorf("looking at the records: %w", err)
		}
		have, known := sums[v]
		if !known {
			return ErrNewer
		}
		if have != sum {
			return fmt.Errorf("migration %d is not the one these records were made with; use the Belisha that made them", v)
		}
	}
	return rows.Err()
}

func (d *DB) recordSums(ctx context.Context, sums map[int64]string) error {
	versions := make([]int64, 0, len(sums))
	for v := range sums {
		versions = append(versions, v)
	}
	sort.Slice(versions, func(i, j int) bool { return versions[i] < versions[j] })
	return d.Write(ctx, func(tx *Tx) error {
		for _, v := range versions {
			_, err := tx.ExecContext(ctx,
				"INSERT INTO schema_sums (version, sum) VALUES ($1, $2) ON CONFLICT (version) DO NOTHING", v, sums[v])
			if err != nil {
				return fmt.Errorf("noting the schema: %w", err)
			}
		}
		return nil
	})
}
