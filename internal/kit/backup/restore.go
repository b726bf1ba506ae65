package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"filippo.io/age"

	"belisha/internal/kit/blobs"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/store"
	"belisha/internal/kit/vault"
)

// Restore is a restore of one backup into a new data folder.
type Restore struct {
	Archive string // the backup
	Folder  string // where to: not there yet, or empty
	School  []byte // the school key, from its file or its recovery words
	Clock   clock.Clock
	Schemas []fs.FS
	Check   Check
	Replay  Replay
	// KeyFile is where in the folder the school key is written; "" for
	// nowhere.
	KeyFile string
}

// Restored is what came of it.
type Restored struct {
	Folder   string    `json:"folder"`
	Archive  string    `json:"archive"`
	School   string    `json:"school"`
	Made     time.Time `json:"made"`
	Version  string    `json:"version"`
	Files    int       `json:"files"`
	Seq      int64     `json:"journal_seq"`
	Erasures int       `json:"erasures_replayed"`
}

// Do restores. Until everything was checked the folder bears another name, so
// a restore that fails leaves nothing that could be mistaken for a school.
func (q Restore) Do(ctx context.Context) (out Restored, err error) {
	folder, err := filepath.Abs(q.Folder)
	if err != nil {
		return out, fmt.Errorf("finding the folder: %w", err)
	}
	if err := emptyOrNew(folder); err != nil {
		return out, err
	}
	id, err := Identity(q.School)
	if err != nil {
		return out, err
	}
	if err := os.MkdirAll(filepath.Dir(folder), 0o700); err != nil {
		return out, fmt.Errorf("making the folder: %w", err)
	}
	work, err := os.MkdirTemp(filepath.Dir(folder), ".restoring-*")
	if err != nil {
		return out, fmt.Errorf("making a folder beside %s: %w", folder, full(err, folder))
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	man, err := q.into(ctx, id, work)
	if err != nil {
		return out, err
	}
	erased, err := q.replay(ctx, work, man)
	if err != nil {
		return out, err
	}
	if q.KeyFile != "" {
		if err := vault.WriteKeyFile(filepath.Join(work, q.KeyFile), q.School); err != nil {
			return out, err
		}
	}
	if err := os.Remove(folder); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return out, fmt.Errorf("replacing the empty folder %s: %w", folder, err)
	}
	if err := os.Rename(work, folder); err != nil {
		return out, fmt.Errorf("naming the restored folder: %w", err)
	}
	return Restored{
		Folder: folder, Archive: q.Archive, School: man.School, Made: man.Made, Version: man.Version,
		Files: len(man.Files), Seq: man.Journal.Seq, Erasures: erased,
	}, syncDir(filepath.Dir(folder))
}

func emptyOrNew(folder string) error {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking into %s: %w", folder, err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s is not empty; restore into a new folder, nothing was changed", folder)
	}
	return nil
}

// into unpacks and checks: every file's digest, the records, the journal up to
// the manifest's head, and that what is sealed opens.
func (q Restore) into(ctx context.Context, id age.Identity, work string) (man Manifest, err error) {
	in, err := os.Open(q.Archive)
	if errors.Is(err, fs.ErrNotExist) {
		return man, fmt.Errorf("%s: %w", q.Archive, ErrMissing)
	}
	if err != nil {
		return man, fmt.Errorf("opening the backup: %w", err)
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	if man, err = unpack(ctx, in, id, work); err != nil {
		return man, err
	}
	return man, q.prove(ctx, work, man)
}

// prove looks at a copy of the restored records, so that the restored ones
// stay as they were saved.
func (q Restore) prove(ctx context.Context, work string, man Manifest) (err error) {
	name := filepath.FromSlash(man.Records)
	if man.Records == "" || !filepath.IsLocal(name) {
		return errors.New("the backup does not say which file holds the records; use another backup")
	}
	dir, err := os.MkdirTemp(work, "proof-*")
	if err != nil {
		return fmt.Errorf("checking the records: %w", full(err, work))
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "records.db")
	if err := copyFile(filepath.Join(work, name), path); err != nil {
		return err
	}
	if err := whole(ctx, path); err != nil {
		return err
	}
	db, err := store.Open(ctx, store.Config{File: path})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.Migrate(ctx, q.Schemas...); err != nil {
		return err
	}
	v, err := vault.Open(ctx, db, q.Clock, vault.Given(q.School))
	if err != nil {
		return err
	}
	return errors.Join(q.proveJournal(ctx, db, v, man), proveBlobs(ctx, db, v, work))
}

func (q Restore) proveJournal(ctx context.Context, db *store.DB, v *vault.Vault, man Manifest) error {
	rep, err := q.Check(ctx, db, v)
	if err != nil {
		return err
	}
	if rep.Fault != nil {
		return fmt.Errorf("the restored journal does not hold: %s", rep.Fault.What)
	}
	if !rep.OK || rep.Head.Seq != man.Journal.Seq || rep.Head.Hash != man.Journal.Hash {
		return errors.New("the restored journal does not end where the backup says it does; use another backup")
	}
	return nil
}

// whole has SQLite look at every page of a restored file, and at what points
// where.
func whole(ctx context.Context, path string) (err error) {
	db, err := store.Open(ctx, store.Config{File: path})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var said string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&said); err != nil {
		return fmt.Errorf("checking the restored records: %w", err)
	}
	if said != "ok" {
		return fmt.Errorf("the restored records are damaged: %s", said)
	}
	rows, err := db.QueryContext(ctx, "PRAGMA foreign_key_check")
	if err != nil {
		return fmt.Errorf("checking the restored records: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if rows.Next() {
		return errors.New("the restored records point at records that are not there; use another backup")
	}
	return rows.Err()
}

// proveBlobs opens up to fifty attached files, drawn at random, and compares
// their digests with their names; all that are used must be there.
func proveBlobs(ctx context.Context, db *store.DB, v *vault.Vault, work string) error {
	var keeps bool
	err := db.QueryRowContext(ctx, "SELECT count(*) > 0 FROM sqlite_master WHERE type = 'table' AND name = 'blobs'").Scan(&keeps)
	if err != nil || !keeps {
		return err
	}
	rows, err := db.QueryContext(ctx, `SELECT b.id, (SELECT count(*) FROM blob_uses u WHERE u.blob = b.id)
		FROM blobs b ORDER BY random()`)
	if err != nil {
		return fmt.Errorf("listing the restored files: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for opened := 0; rows.Next(); {
		var id string
		var uses int
		if err := rows.Scan(&id, &uses); err != nil {
			return fmt.Errorf("listing the restored files: %w", err)
		}
		path := filepath.Join(work, "blobs", id[:2], id)
		if _, err := os.Stat(path); err != nil {
			if uses > 0 {
				return fmt.Errorf("the attached file %s… is missing from the backup", id[:8])
			}
			continue
		}
		if opened++; opened <= 50 {
			if err := blobs.Check(ctx, v, path, id); err != nil {
				return err
			}
		}
	}
	return rows.Err()
}

// prove restores a backup into the scratch place.
func (r *Room) prove(ctx context.Context, file string, res *Result) (err error) {
	path, err := r.find(file)
	if err != nil {
		return err
	}
	res.File, res.Encrypted = filepath.Base(path), true
	if res.Bytes, res.SHA256, err = digestFile(ctx, path); err != nil {
		return err
	}
	made, known, err := r.madeAs(ctx, res.File)
	if err != nil {
		return err
	}
	if known && made.SHA256 != res.SHA256 {
		return fmt.Errorf("the backup %s is not the file that was written; it was changed since", res.File)
	}
	school, err := r.Vault.School()
	if err != nil {
		return err
	}
	id, err := Identity(school)
	if err != nil {
		return err
	}
	dir, remove, err := r.scratch()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	q := Restore{Archive: path, School: school, Clock: r.Clock, Schemas: r.Schemas, Check: r.Check}
	man, err := q.into(ctx, id, dir)
	if err != nil {
		return err
	}
	res.Files, res.Seq = len(man.Files), man.Journal.Seq
	return nil
}

// find returns the path of a backup by its name, or of the newest. A path
// elsewhere is taken as it is.
func (r *Room) find(file string) (string, error) {
	if file != "" {
		if filepath.Base(file) == file {
			file = filepath.Join(r.Target, file)
		}
		if _, err := os.Stat(file); err != nil {
			return "", fmt.Errorf("%s: %w", filepath.Base(file), ErrMissing)
		}
		return file, nil
	}
	all, err := r.List()
	if err != nil {
		return "", err
	}
	if len(all) == 0 {
		return "", ErrNone
	}
	return all[0].Path, nil
}

func digestFile(ctx context.Context, path string) (n int64, sum string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, "", fmt.Errorf("reading the backup: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	if n, err = io.Copy(h, ctxReader{ctx, f}); err != nil {
		return 0, "", fmt.Errorf("reading the backup: %w", err)
	}
	return n, hex.EncodeToString(h.Sum(nil)), nil
}

func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("checking the records: %w", err)
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("checking the records: %w", full(err, to))
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("checking the records: %w", full(err, to))
	}
	return nil
}
