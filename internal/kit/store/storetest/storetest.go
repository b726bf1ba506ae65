// Package storetest runs a test on every database Belisha knows: SQLite in a
// directory of the test, and, when the environment names a throw-away server
// in TEST_PG ("postgres://…"), a fresh PostgreSQL database as well.
package storetest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // to make and drop databases

	"belisha/internal/kit/store"
)

// Each runs fn on a fresh store per database, migrated with schemas. The
// stores are closed, and the PostgreSQL database dropped, when fn's test ends.
func Each(t *testing.T, schemas []fs.FS, fn func(t *testing.T, db *store.DB)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) { fn(t, SQLite(t, schemas...)) })
	if os.Getenv("TEST_PG") != "" {
		t.Run("PostgreSQL", func(t *testing.T) { fn(t, Postgres(t, schemas...)) })
	}
}

// SQLite returns a fresh SQLite store in a directory of the test, migrated
// with schemas.
func SQLite(t testing.TB, schemas ...fs.FS) *store.DB {
	t.Helper()
	return Open(t, store.Config{File: filepath.Join(t.TempDir(), "records.db")}, schemas...)
}

// Postgres returns a fresh database on the server that TEST_PG names,
// migrated with schemas. The test is skipped when TEST_PG is empty.
func Postgres(t testing.TB, schemas ...fs.FS) *store.DB {
	t.Helper()
	return Open(t, store.Config{DSN: PostgresDSN(t)}, schemas...)
}

// Open opens a store that the test closes at its end, and migrates it when
// there are schemas.
func Open(t testing.TB, c store.Config, schemas ...fs.FS) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("closing the store: %v", err)
		}
	})
	if len(schemas) == 0 {
		return db
	}
	if err := db.Migrate(context.Background(), schemas...); err != nil {
		t.Fatal(err)
	}
	return db
}

// PostgresDSN makes an empty database on the server that TEST_PG names and
// returns its connection string. It is dropped when the test ends. The test is
// skipped when TEST_PG is empty.
func PostgresDSN(t testing.TB) string {
	t.Helper()
	server := os.Getenv("TEST_PG")
	if server == "" {
		t.Skip("TEST_PG names no PostgreSQL server")
	}
	var b [8]byte
	_, _ = rand.Read(b[:])
	name := "belishatest" + hex.EncodeToString(b[:])
	onServer(t, server, "CREATE DATABASE "+name)
	t.Cleanup(func() { onServer(t, server, "DROP DATABASE "+name+" WITH (FORCE)") })
	u, err := url.Parse(server)
	if err != nil {
		t.Fatalf("TEST_PG is not a postgres:// address: %v", err)
	}
	u.Path = "/" + name
	return u.String()
}

func onServer(t testing.TB, dsn, query string) {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatalf("opening TEST_PG: %v", err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(context.Background(), query); err != nil {
		t.Fatalf("on the server of TEST_PG: %v", err)
	}
}
