// Package blobs keeps files that people attach: each is written once, sealed
// by the vault, and named by a keyed digest of its content, so that the same
// file is kept once and its name tells nothing. A file that no record uses is
// collected 30 days later.
package blobs

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"belisha/internal/kit/clock"
	"belisha/internal/kit/store"
	"belisha/internal/kit/tasks"
	"belisha/internal/kit/vault"
)

// Schema is the tables of blobs.
//
//go:embed schema/*.sql
var Schema embed.FS

// KeepIdle is how long a file stays after the last record let go of it.
const KeepIdle = 30 * 24 * time.Hour

// The bounds where Deps gives none.
const (
	DefaultLargest = 25 << 20
	DefaultTotal   = 20 << 30
)

// What can go wrong.
var (
	ErrTooLarge = errors.New("this file is too large")
	ErrFull     = errors.New("the school's file store is full; ask the network manager")
)

// Deps is what a Store needs.
type Deps struct {
	DB      *store.DB
	Vault   *vault.Vault
	Clock   clock.Clock
	Dir     string
	Largest int64 // bytes of one file
	Total   int64 // bytes of all files
}

// Store keeps files. It is safe for several goroutines.
type Store struct {
	Deps
	// mu keeps a Put from writing a file that a collection removes.
	mu sync.Mutex
}

// Blob is one stored file.
type Blob struct {
	ID      string
	Bytes   int64
	Created time.Time
}

// New returns a store in d.Dir, which is made if it is not there.
func New(d Deps) (*Store, error) {
	if d.DB == nil || d.Vault == nil || d.Clock == nil || d.Dir == "" {
		return nil, errors.New("the file store needs records, a vault, a clock and a folder")
	}
	if d.Largest == 0 {
		d.Largest = DefaultLargest
	}
	if d.Total == 0 {
		d.Total = DefaultTotal
	}
	if err := os.MkdirAll(d.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of files: %w", err)
	}
	return &Store{Deps: d}, nil
}

// Put keeps what r holds and returns its id. The file is on disk when Put
// returns; unless a record uses it (Use), it is collected after KeepIdle. Put
// writes to the database and must not be called inside a transaction.
func (s *Store) Put(ctx context.Context, r io.Reader) (b Blob, err error) {
	secret, err := s.Vault.Secret(ctx, "blobs")
	if err != nil {
		return b, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	used, err := s.total(ctx)
	if err != nil {
		return b, err
	}
	// The id, which the seal is bound to, is known only once all was read:
	// so the content is sealed to a passing place first.
	passing, digest, n, err := s.spool(r, hmac.New(sha256.New, secret))
	if passing != "" {
		defer func() { err = errors.Join(err, gone(os.Remove(passing))) }()
	}
	if err != nil {
		return b, err
	}
	if used+n > s.Total {
		return b, ErrFull
	}
	b = Blob{ID: digest, Bytes: n, Created: s.Clock.Now()}
	if err := s.place(passing, b.ID); err != nil {
		return b, err
	}
	return b, s.insert(ctx, b)
}

var passingPlace = vault.Place{Table: "blobs", Row: "passing", Column: "file"}

func filePlace(id string) vault.Place {
	return vault.Place{Table: "blobs", Row: id, Column: "file"}
}

// spool seals r into a temporary file.
func (s *Store) spool(r io.Reader, digest hash.Hash) (path, id string, n int64, err error) {
	f, err := os.CreateTemp(s.Dir, "passing-*")
	if err != nil {
		return "", "", 0, fmt.Errorf("keeping a file: %w", err)
	}
	path = f.Name()
	defer func() { err = errors.Join(err, f.Close()) }()
	w, err := s.Vault.SealWriter(f, vault.Attachments, passingPlace)
	if err != nil {
		return path, "", 0, err
	}
	n, err = io.Copy(io.MultiWriter(w, digest), io.LimitReader(r, s.Largest+1))
	if err != nil {
		return path, "", 0, fmt.Errorf("keeping a file: %w", err)
	}
	if n > s.Largest {
		return path, "", 0, fmt.Errorf("%w; the largest may have %d MB", ErrTooLarge, s.Largest>>20)
	}
	return path, hex.EncodeToString(digest.Sum(nil)), n, w.Close()
}

// place seals the passing file again, bound to its id, under its own name.
func (s *Store) place(passing, id string) (err error) {
	in, err := os.Open(passing)
	if err != nil {
		return fmt.Errorf("keeping a file: %w", err)
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	plain, err := s.Vault.OpenReader(in, vault.Attachments, passingPlace)
	if err != nil {
		return err
	}
	final := s.Path(id)
	if err := os.MkdirAll(filepath.Dir(final), 0o700); err != nil {
		return fmt.Errorf("keeping a file: %w", err)
	}
	out, err := os.CreateTemp(s.Dir, "passing-*")
	if err != nil {
		return fmt.Errorf("keeping a file: %w", err)
	}
	err = s.sealInto(out, id, plain)
	if err = errors.Join(err, out.Close()); err != nil {
		return errors.Join(err, os.Remove(out.Name()))
	}
	if err := os.Rename(out.Name(), final); err != nil {
		return errors.Join(fmt.Errorf("keeping a file: %w", err), os.Remove(out.Name()))
	}
	return nil
}

func (s *Store) sealInto(out *os.File, id string, plain io.Reader) error {
	w, err := s.Vault.SealWriter(out, vault.Attachments, filePlace(id))
	if err != nil {
		return err
	}
	if _, err := io.Copy(w, plain); err != nil {
		return fmt.Errorf("keeping a file: %w", err)
	}
	return errors.Join(w.Close(), out.Sync())
}

// Open returns the content of a file; the caller closes it.
func (s *Store) Open(ctx context.Context, id string) (io.ReadCloser, error) {
	if _, err := s.Get(ctx, id); err != nil {
		return nil, err
	}
	f, err := os.Open(s.Path(id))
	if err != nil {
		return nil, fmt.Errorf("opening a kept file: %w", err)
	}
	plain, err := s.Vault.OpenReader(f, vault.Attachments, filePlace(id))
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return readCloser{plain, f}, nil
}

type readCloser struct {
	io.Reader
	io.Closer
}

// Path is where the sealed file lies.
func (s *Store) Path(id string) string {
	if len(id) != 2*sha256.Size || strings.Trim(id, "0123456789abcdef") != "" {
		return filepath.Join(s.Dir, "none") // never a path that somebody typed
	}
	return filepath.Join(s.Dir, id[:2], id)
}

// Collect removes what nothing has used for KeepIdle, and what a Put that was
// cut off left behind. It returns how many files went.
func (s *Store) Collect(ctx context.Context) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids, err := s.idle(ctx, s.Clock.Now().Add(-KeepIdle))
	if err != nil {
		return 0, err
	}
	n := 0
	for _, id := range ids {
		went, err := s.forget(ctx, id)
		if err != nil {
			return n, err
		}
		if !went {
			continue
		}
		if err := gone(os.Remove(s.Path(id))); err != nil {
			return n, fmt.Errorf("removing a file: %w", err)
		}
		n++
	}
	return n, s.sweep()
}

// Tasks collect once a night.
func (s *Store) Tasks() []tasks.Task {
	return []tasks.Task{{Name: "blobs.collect", At: "03:20", Limit: 10 * time.Minute, Removes: true, Run: func(ctx context.Context) error {
		_, err := s.Collect(ctx)
		return err
	}}}
}

// sweep removes temporary files. The lock says that no Put is under way.
func (s *Store) sweep() error {
	left, err := filepath.Glob(filepath.Join(s.Dir, "passing-*"))
	if err != nil {
		return fmt.Errorf("looking for half-written files: %w", err)
	}
	for _, f := range left {
		if err := gone(os.Remove(f)); err != nil {
			return fmt.Errorf("removing a half-written file: %w", err)
		}
	}
	return nil
}

func gone(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// Check opens the sealed file at path, which may lie in a restored folder,
// and compares its content with its id.
func Check(ctx context.Context, v *vault.Vault, path, id string) (err error) {
	secret, err := v.Secret(ctx, "blobs")
	if err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("checking a kept file: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	plain, err := v.OpenReader(f, vault.Attachments, filePlace(id))
	if err != nil {
		return fmt.Errorf("checking a kept file: %w", err)
	}
	digest := hmac.New(sha256.New, secret)
	if _, err := io.Copy(digest, plain); err != nil {
		return fmt.Errorf("checking a kept file: %w", err)
	}
	if hex.EncodeToString(digest.Sum(nil)) != id {
		return fmt.Errorf("checking a kept file: %w", vault.ErrDamaged)
	}
	return nil
}
