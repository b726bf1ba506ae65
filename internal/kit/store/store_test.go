package store_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"belisha/internal/kit/store"
	"belisha/internal/kit/store/storetest"
)

func schema(files map[string]string) fs.FS {
	m := fstest.MapFS{}
	for name, sql := range files {
		m[name] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + sql)}
	}
	return m
}

var things = schema(map[string]string{
	"schema/202601010000-things.sql": "CREATE TABLE things (id TEXT PRIMARY KEY, open BOOLEAN NOT NULL, at BIGINT NOT NULL);",
})

func count(t *testing.T, q store.Querier) int {
	t.Helper()
	var n int
	if err := q.QueryRowContext(context.Background(), "SELECT count(*) FROM things").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func add(ctx context.Context, tx *store.Tx, id string) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO things (id, open, at) VALUES ($1, $2, $3)", id, true, store.At(time.UnixMilli(1700000000123)))
	return err
}

func TestAChangeIsWholeOrNotAtAll(t *testing.T) {
	storetest.Each(t, []fs.FS{things}, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		told := 0
		err := db.Write(ctx, func(tx *store.Tx) error {
			tx.AfterCommit(func() { told++ })
			return add(ctx, tx, "a")
		})
		if err != nil || count(t, db) != 1 || told != 1 {
			t.Fatalf("after a change: %v, %d rows, told %d times", err, count(t, db), told)
		}
		err = db.Write(ctx, func(tx *store.Tx) error {
			tx.AfterCommit(func() { told++ })
			if err := add(ctx, tx, "b"); err != nil {
				return err
			}
			return store.ErrStale
		})
		if !errors.Is(err, store.ErrStale) || count(t, db) != 1 || told != 1 {
			t.Fatalf("after a refused change: %v, %d rows, told %d times", err, count(t, db), told)
		}
		func() {
			defer func() { _ = recover() }()
			_ = db.Write(ctx, func(tx *store.Tx) error {
				_ = add(ctx, tx, "c")
				panic("a mistake")
			})
		}()
		if count(t, db) != 1 {
			t.Fatal("a panic left half a change")
		}
		if err := db.Write(ctx, func(tx *store.Tx) error { return add(ctx, tx, "d") }); err != nil {
			t.Fatalf("the store is stuck after a panic: %v", err)
		}
	})
}

func TestTheLastStepsRunOnceAtTheEndAndCanStillRefuse(t *testing.T) {
	storetest.Each(t, []fs.FS{things}, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		var order []string
		err := db.Write(ctx, func(tx *store.Tx) error {
			for range 3 {
				tx.Last("key", func(context.Context) error { order = append(order, "last"); return nil })
			}
			order = append(order, "first")
			return nil
		})
		if err != nil || strings.Join(order, " ") != "first last" {
			t.Fatalf("order %v, %v", order, err)
		}
		err = db.Write(ctx, func(tx *store.Tx) error {
			tx.Last("key", func(context.Context) error { return store.ErrForbidden })
			return add(ctx, tx, "x")
		})
		if !errors.Is(err, store.ErrForbidden) || count(t, db) != 0 {
			t.Fatalf("%v, %d rows", err, count(t, db))
		}
	})
}

func TestManyWritersAndReadersDoNotLoseOrMixAnything(t *testing.T) {
	storetest.Each(t, []fs.FS{things}, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 20 {
					err := db.Write(ctx, func(tx *store.Tx) error { return add(ctx, tx, store.NewID(time.Now())) })
					if err != nil {
						t.Error(err)
					}
					count(t, db)
				}
			})
		}
		wg.Wait()
		if n := count(t, db); n != 160 {
			t.Errorf("%d rows, want 160", n)
		}
	})
}

func TestAViewDoesNotChangeWhileItIsLookedAt(t *testing.T) {
	storetest.Each(t, []fs.FS{things}, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		err := db.Snapshot(ctx, func(q store.Querier) error {
			before := count(t, q)
			if err := db.Write(ctx, func(tx *store.Tx) error { return add(ctx, tx, "new") }); err != nil {
				return err
			}
			if after := count(t, q); after != before {
				t.Errorf("the view went from %d to %d rows", before, after)
			}
			return nil
		})
		if err != nil || count(t, db) != 1 {
			t.Fatalf("%v, %d rows afterwards", err, count(t, db))
		}
	})
}

func TestTimesAndYesAndNoComeBackAsTheyWere(t *testing.T) {
	storetest.Each(t, []fs.FS{things}, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		if err := db.Write(ctx, func(tx *store.Tx) error { return add(ctx, tx, "a") }); err != nil {
			t.Fatal(err)
		}
		var open bool
		var at store.Time
		if err := db.QueryRowContext(ctx, "SELECT open, at FROM things").Scan(&open, &at); err != nil {
			t.Fatal(err)
		}
		if !open || at.UnixMilli() != 1700000000123 || at.Location() != time.UTC {
			t.Errorf("open %t at %v", open, at)
		}
		if v, err := (store.Time{}).Value(); err != nil || v != int64(0) {
			t.Errorf("no time is kept as %v, %v", v, err)
		}
	})
}

func TestRecordsOfANewerBelishaAreRefusedUnchanged(t *testing.T) {
	storetest.Each(t, nil, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		newer := schema(map[string]string{"202702020000-more.sql": "CREATE TABLE more (id TEXT PRIMARY KEY);"})
		if err := db.Migrate(ctx, things, newer); err != nil {
			t.Fatal(err)
		}
		if err := db.Migrate(ctx, things, newer); err != nil {
			t.Fatalf("the same again: %v", err)
		}
		if err := db.Migrate(ctx, things); !errors.Is(err, store.ErrNewer) {
			t.Fatalf("an older program: %v", err)
		}
		altered := schema(map[string]string{"202601010000-things.sql": "CREATE TABLE things (id TEXT);"})
		if err := db.Migrate(ctx, altered, newer); err == nil || !strings.Contains(err.Error(), "202601010000") {
			t.Fatalf("an altered migration: %v", err)
		}
	})
}

func TestTwoMigrationsNeedTwoNumbersAndANameThatSaysWhen(t *testing.T) {
	storetest.Each(t, nil, func(t *testing.T, db *store.DB) {
		again := schema(map[string]string{"202601010000-other.sql": "CREATE TABLE other (id TEXT);"})
		if err := db.Migrate(context.Background(), things, again); err == nil || !strings.Contains(err.Error(), "numbered 202601010000") {
			t.Errorf("two of one number: %v", err)
		}
		if err := db.Migrate(context.Background(), schema(map[string]string{"first.sql": "SELECT 1;"})); err == nil {
			t.Error("a migration without a number was taken")
		}
	})
}

func TestOneServerHasAPostgresStoreAtATime(t *testing.T) {
	if os.Getenv("TEST_PG") == "" {
		t.Log("no PostgreSQL here; make test brings one")
		return
	}
	ctx, dsn := context.Background(), storetest.PostgresDSN(t)
	first := storetest.Open(t, store.Config{DSN: dsn})
	second := storetest.Open(t, store.Config{DSN: dsn})
	if err := first.Own(ctx); err != nil {
		t.Fatal(err)
	}
	if err := second.Own(ctx); !errors.Is(err, store.ErrInUse) {
		t.Fatalf("a second server: %v", err)
	}
}

func TestTheRecordsFileIsItsOwnersAlone(t *testing.T) {
	name := filepath.Join(t.TempDir(), "r.db")
	storetest.Open(t, store.Config{File: name}, things)
	s, err := os.Stat(name)
	if err != nil || s.Mode().Perm()&0o077 != 0 {
		t.Errorf("permissions %v, %v", s.Mode(), err)
	}
}

func TestIdsSortByTheTimeTheyWereMadeAndAreNeverTheSame(t *testing.T) {
	start := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	var ids []string
	seen := map[string]bool{}
	for i := range 200 {
		id := store.NewID(start.Add(time.Duration(i) * time.Millisecond))
		if seen[id] || len(id) != 26 {
			t.Fatalf("id %q", id)
		}
		seen[id] = true
		ids = append(ids, id)
	}
	if !sort.StringsAreSorted(ids) {
		t.Error("ids do not sort by time")
	}
}

func TestWhatIsWrongIsSaidFieldByField(t *testing.T) {
	bad := store.Invalid{"name": "write a name", "": "nothing was changed"}
	if got := bad.Error(); got != "nothing was changed; name: write a name" {
		t.Errorf("got %q", got)
	}
	if (store.Invalid{}).OrNil() != nil {
		t.Error("nothing wrong is an error")
	}
}
