package blobs_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/blobs"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/store"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/kit/vault"
)

var schemas = []fs.FS{vault.Schema, blobs.Schema}

func open(t *testing.T, db *store.DB) (*blobs.Store, *clock.Fake) {
	t.Helper()
	c := clock.NewFake(time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC))
	v, err := vault.Open(context.Background(), db, c, vault.File(filepath.Join(t.TempDir(), "k")))
	if err != nil {
		t.Fatal(err)
	}
	s, err := blobs.New(blobs.Deps{DB: db, Vault: v, Clock: c, Dir: filepath.Join(t.TempDir(), "blobs"), Largest: 1 << 20, Total: 2 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

func put(t *testing.T, s *blobs.Store, text string) string {
	t.Helper()
	b, err := s.Put(context.Background(), strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return b.ID
}

func read(t *testing.T, s *blobs.Store, id string) (string, error) {
	t.Helper()
	r, err := s.Open(context.Background(), id)
	if err != nil {
		return "", err
	}
	defer func() { _ = r.Close() }()
	b, err := io.ReadAll(r)
	return string(b), err
}

func TestAFileIsKeptOnceSealedAndReadBack(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, db *store.DB) {
		s, _ := open(t, db)
		id := put(t, s, "a letter home")
		if again := put(t, s, "a letter home"); again != id {
			t.Errorf("the same file got two names, %s and %s", id, again)
		}
		if other := put(t, s, "another letter"); other == id {
			t.Error("two files have one name")
		}
		if got, err := read(t, s, id); err != nil || got != "a letter home" {
			t.Errorf("%q, %v", got, err)
		}
		raw, err := os.ReadFile(s.Path(id))
		if err != nil || bytes.Contains(raw, []byte("letter")) {
			t.Errorf("the file can be read on the disk (%v)", err)
		}
		raw[len(raw)-1] ^= 1
		if err := os.WriteFile(s.Path(id), raw, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := read(t, s, id); !errors.Is(err, vault.ErrDamaged) {
			t.Errorf("a changed file: %v", err)
		}
		for _, bad := range []string{"", "../../etc/passwd", strings.Repeat("a", 64)} {
			if _, err := read(t, s, bad); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%q: %v", bad, err)
			}
		}
	})
}

func TestAFileIsCollectedThirtyDaysAfterItsLastUse(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		s, c := open(t, db)
		used, unused := put(t, s, "used"), put(t, s, "never used")
		change := func(fn func(context.Context, *store.Tx, string, string, string) error, record string) {
			t.Helper()
			if err := db.Write(ctx, func(tx *store.Tx) error { return fn(ctx, tx, used, "consent", record) }); err != nil {
				t.Fatal(err)
			}
		}
		change(s.Use, "1")
		change(s.Use, "2")
		change(s.Release, "1")
		c.Advance(31 * 24 * time.Hour)
		if n, err := s.Collect(ctx); err != nil || n != 1 {
			t.Fatalf("collected %d, %v", n, err)
		}
		if _, err := read(t, s, unused); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the unused file: %v", err)
		}
		if _, err := os.Stat(s.Path(unused)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the unused file is still on the disk: %v", err)
		}
		if got, err := read(t, s, used); err != nil || got != "used" {
			t.Errorf("the used file: %q, %v", got, err)
		}
		change(s.Release, "2")
		c.Advance(29 * 24 * time.Hour)
		if n, err := s.Collect(ctx); err != nil || n != 0 {
			t.Errorf("collected %d before its time, %v", n, err)
		}
		put(t, s, "used") // attached anew: its time begins again
		c.Advance(29 * 24 * time.Hour)
		if n, err := s.Collect(ctx); err != nil || n != 0 {
			t.Errorf("collected %d though it was put again, %v", n, err)
		}
		c.Advance(2 * 24 * time.Hour)
		if n, err := s.Collect(ctx); err != nil || n != 1 {
			t.Errorf("collected %d at last, %v", n, err)
		}
	})
}

func TestTheFileStoreIsBoundedAndLeavesNothingBehind(t *testing.T) {
	db := storetest.SQLite(t, schemas...)
	s, _ := open(t, db)
	ctx := context.Background()
	if _, err := s.Put(ctx, strings.NewReader(strings.Repeat("x", 1<<20+1))); !errors.Is(err, blobs.ErrTooLarge) {
		t.Errorf("a large file: %v", err)
	}
	put(t, s, strings.Repeat("a", 1<<20))
	put(t, s, strings.Repeat("b", 1<<20))
	if _, err := s.Put(ctx, strings.NewReader("one more")); !errors.Is(err, blobs.ErrFull) {
		t.Errorf("a full store: %v", err)
	}
	if _, err := s.Put(ctx, io.MultiReader(strings.NewReader("half"), brokenReader{})); err == nil {
		t.Error("a file that broke off was kept")
	}
	left, err := filepath.Glob(filepath.Join(s.Dir, "passing-*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	err = db.Write(ctx, func(tx *store.Tx) error { return s.Use(ctx, tx, strings.Repeat("0", 64), "x", "1") })
	if !errors.Is(err, store.ErrNotFound) {
		t.Errorf("using a file that is not there: %v", err)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("the upload broke off") }
