package store_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"belisha/internal/kit/store"
)

func TestAMemoReadsAgainOnceAnythingWasWritten(t *testing.T) {
	ctx := context.Background()
	d, err := store.Open(ctx, store.Config{File: filepath.Join(t.TempDir(), "records.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	write := func(sql string) error {
		return d.Write(ctx, func(tx *store.Tx) error {
			_, err := tx.ExecContext(ctx, sql)
			return err
		})
	}
	if err := write("CREATE TABLE notes (n BIGINT)"); err != nil {
		t.Fatal(err)
	}
	reads := 0
	var m store.Memo[int]
	count := func() int {
		t.Helper()
		n, err := m.Get(d, func() (int, error) {
			reads++
			var n int
			return n, d.QueryRowContext(ctx, "SELECT count(*) FROM notes").Scan(&n)
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	first := count()
	if again := count(); first != 0 || again != 0 || reads != 1 {
		t.Errorf("asked twice with nothing written between, it read %d times", reads)
	}
	if err := write("INSERT INTO notes (n) VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	if n := count(); n != 1 {
		t.Errorf("after a note was written it counts %d", n)
	}
	if err := write("INSERT INTO nowhere (n) VALUES (1)"); err == nil {
		t.Fatal("a note was written into a table that is not there")
	}
	if count() != 1 || reads != 3 {
		t.Errorf("after a change that failed it did not read again: %d times", reads)
	}
	if _, err := (&store.Memo[int]{}).Get(d, func() (int, error) { return 0, errors.New("no") }); err == nil {
		t.Error("an error was swallowed")
	}
}

func TestWhatIsWrittenWhileAMemoReadsMakesItOld(t *testing.T) {
	ctx := context.Background()
	d, err := store.Open(ctx, store.Config{File: filepath.Join(t.TempDir(), "records.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	var m store.Memo[string]
	if _, err := m.Get(d, func() (string, error) {
		return "before", d.Write(ctx, func(*store.Tx) error { return nil })
	}); err != nil {
		t.Fatal(err)
	}
	if got, _ := m.Get(d, func() (string, error) { return "after", nil }); got != "after" {
		t.Errorf("it still says %q", got)
	}
}
