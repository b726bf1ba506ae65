package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	suffix  = ".belisha.age"
	partial = ".partial"
	stamp   = "20060102-150405"
)

// prefix begins the names of this school's backups, so that two schools may
// share a folder and neither removes the other's.
func (r *Room) prefix() string {
	return "belisha-" + strings.ReplaceAll(r.School, "-", "")[:min(8, len(strings.ReplaceAll(r.School, "-", "")))] + "-"
}

// make writes one backup. Until it is whole it bears another name, and
// nothing older is touched.
func (r *Room) make(ctx context.Context, res *Result) (err error) {
	id, err := r.identity()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(r.Target, 0o700); err != nil {
		return fmt.Errorf("making the backup folder: %w; see the backup folder in the configuration file", err)
	}
	if err := r.dropPartial(); err != nil {
		return err
	}
	dir, remove, err := r.scratch()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	man := Manifest{
		Format: format, School: r.School, Version: r.Version, Made: res.Started,
		Records: r.Records, Recipient: id.Recipient().String(),
	}
	records := filepath.Join(dir, r.Records)
	if man.Journal, err = copyRecords(ctx, r.DB, records, r.Schemas); err != nil {
		return err
	}
	res.File = r.prefix() + res.Started.Format(stamp) + "-" + res.ID[len(res.ID)-4:] + suffix
	path := filepath.Join(r.Target, res.File)
	out, err := os.OpenFile(path+partial, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("writing the backup: %w", full(err, r.Target))
	}
	sum := sha256.New()
	a, err := newArchive(out, sum, id.Recipient(), man)
	if err == nil {
		a.skip = r.isKey
		err = r.fill(ctx, a, records)
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return errors.Join(err, os.Remove(path+partial))
	}
	if err := os.Rename(path+partial, path); err != nil {
		return errors.Join(fmt.Errorf("naming the backup: %w", err), os.Remove(path+partial))
	}
	res.Bytes, res.SHA256, res.Encrypted = a.sum.n, hex.EncodeToString(sum.Sum(nil)), true
	res.Files, res.Seq = len(a.man.Files), a.man.Journal.Seq
	return syncDir(r.Target)
}

// fill copies everything in, the records first.
func (r *Room) fill(ctx context.Context, a *archive, records string) error {
	if err := a.add(ctx, File{Name: r.Records, Path: records}); err != nil {
		return err
	}
	if err := r.fillFiles(ctx, a); err != nil {
		return err
	}
	if err := r.fillBlobs(ctx, a); err != nil {
		return err
	}
	return a.close()
}

// fillFiles copies what Files lists. A file that went meanwhile is passed over
// only if it is no longer listed: a day's retention or new rules may take one
// away, and nothing else may.
func (r *Room) fillFiles(ctx context.Context, a *archive) error {
	if r.Files == nil {
		return nil
	}
	all, err := r.Files(ctx)
	if err != nil {
		return fmt.Errorf("listing the files to copy: %w", err)
	}
	for _, f := range all {
		err := a.add(ctx, f)
		if errors.Is(err, fs.ErrNotExist) {
			err = r.stillListed(ctx, f, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *Room) stillListed(ctx context.Context, f File, missing error) error {
	now, err := r.Files(ctx)
	if err != nil {
		return fmt.Errorf("listing the files to copy: %w", err)
	}
	if slices.Contains(now, f) {
		return missing
	}
	return nil
}

func (r *Room) fillBlobs(ctx context.Context, a *archive) error {
	if r.Blobs == nil {
		return nil
	}
	all, err := r.Blobs.All(ctx)
	if err != nil {
		return err
	}
	for _, b := range all {
		err := a.add(ctx, File{Name: "blobs/" + b.ID[:2] + "/" + b.ID, Path: r.Blobs.Path(b.ID)})
		// One that nothing used may have been collected meanwhile. One that is
		// missing though it is used is found by Verify.
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// isKey reports whether the file is the school key, under whatever name.
func (r *Room) isKey(info fs.FileInfo) bool {
	if r.KeyFile == "" {
		return false
	}
	key, err := os.Stat(r.KeyFile)
	return err == nil && os.SameFile(key, info)
}

// dropPartial removes what runs that died left in the target.
func (r *Room) dropPartial() error {
	left, err := filepath.Glob(filepath.Join(r.Target, r.prefix()+"*"+suffix+partial))
	if err != nil {
		return fmt.Errorf("looking for half-written backups: %w", err)
	}
	for _, f := range left {
		if err := os.Remove(f); err != nil {
			return fmt.Errorf("removing a half-written backup: %w", err)
		}
	}
	return nil
}

// Stored is one backup in the target folder.
type Stored struct {
	File  string    `json:"file"`
	Path  string    `json:"path"`
	Made  time.Time `json:"made"`
	Bytes int64     `json:"bytes"`
}

// List returns the backups in the target folder, newest first, whether or not
// the records know of them.
func (r *Room) List() ([]Stored, error) {
	entries, err := os.ReadDir(r.Target)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking into the backup folder: %w", err)
	}
	var out []Stored
	for _, e := range entries {
		name, ok := strings.CutPrefix(e.Name(), r.prefix())
		if !ok || !strings.HasSuffix(name, suffix) || len(name) < len(stamp) {
			continue
		}
		made, err := time.Parse(stamp, name[:len(stamp)])
		if err != nil {
			continue
		}
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		out = append([]Stored{{File: e.Name(), Path: filepath.Join(r.Target, e.Name()), Made: made, Bytes: info.Size()}}, out...)
	}
	return out, nil
}

// prune removes backups older than the keep rule, but never the two newest,
// nor the newest that was proved by a restore.
func (r *Room) prune(ctx context.Context, made Result) error {
	all, err := r.List()
	if err != nil {
		return err
	}
	before := made.Started.Add(-r.Live.Current().Duration(KeyKeep))
	proof, _, err := r.newest(ctx, Done, KindVerify, KindDrill)
	if err != nil {
		return err
	}
	for i, s := range all {
		if i < 2 || !s.Made.Before(before) || s.File == proof.File {
			continue
		}
		if err := os.Remove(s.Path); err != nil {
			return fmt.Errorf("removing an old backup: %w", err)
		}
	}
	return nil
}

// diskFull is a full disk in one plain sentence.
type diskFull struct {
	where string
	cause error
}

func (d diskFull) Error() string {
	return fmt.Sprintf("the disk of %s is full, so this was not done; free some space or name another folder, the older backups are untouched", d.where)
}

func (d diskFull) Unwrap() error { return d.cause }

// full says that a disk is full, where that is what happened: by the system's
// word or by SQLite's.
func full(err error, where string) error {
	var no syscall.Errno
	var coded interface{ Code() int }
	const sqliteFull, windowsFull = 13, 112
	switch {
	case errors.As(err, &no) && (no == syscall.ENOSPC || runtime.GOOS == "windows" && no == windowsFull),
		errors.As(err, &coded) && coded.Code()&0xff == sqliteFull:
		return diskFull{where, err}
	}
	return err
}

func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // folders cannot be synced there
	}
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("ending the backup: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("ending the backup: %w", err)
	}
	return nil
}
