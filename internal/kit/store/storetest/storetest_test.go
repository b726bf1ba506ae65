package storetest_test

import (
	"context"
	"io/fs"
	"testing"
	"testing/fstest"

	"belisha/internal/kit/store"
	"belisha/internal/kit/store/storetest"
)

func TestEachGivesAFreshMigratedStore(t *testing.T) {
	schema := fstest.MapFS{"schema/202601010000-marks.sql": &fstest.MapFile{
		Data: []byte("-- +goose Up\nCREATE TABLE marks (id TEXT PRIMARY KEY, n BIGINT NOT NULL, ok BOOLEAN NOT NULL);\n"),
	}}
	for range 2 {
		storetest.Each(t, []fs.FS{schema}, func(t *testing.T, db *store.DB) {
			ctx := context.Background()
			err := db.Write(ctx, func(tx *store.Tx) error {
				_, err := tx.ExecContext(ctx, "INSERT INTO marks (id, n, ok) VALUES ($1, $2, $3)", "a", 1, true)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			var n int
			if err := db.QueryRowContext(ctx, "SELECT count(*) FROM marks WHERE ok = $1", true).Scan(&n); err != nil || n != 1 {
				t.Fatalf("%d marks, %v; the store was not fresh", n, err)
			}
		})
	}
}
