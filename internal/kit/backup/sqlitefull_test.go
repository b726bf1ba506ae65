package backup

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"belisha/internal/kit/store/storetest"
)

func TestSQLiteSaysToThatTheDiskIsFull(t *testing.T) {
	ctx := context.Background()
	db := storetest.SQLite(t)
	for _, q := range []string{"CREATE TABLE big (x TEXT)", "PRAGMA max_page_count = 8"} {
		if _, err := db.Writer().ExecContext(ctx, q); err != nil {
			t.Fatal(err)
		}
	}
	_, err := db.Writer().ExecContext(ctx, "INSERT INTO big VALUES (zeroblob(1000000))")
	var said diskFull
	if err = full(err, filepath.Join("mnt", "backups")); !errors.As(err, &said) {
		t.Errorf("a database that cannot grow: %v", err)
	}
}
