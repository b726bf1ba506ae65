package house

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// folderFormat is the layout of the data folder this Belisha writes.
const folderFormat = 1

// Errors of the data folder, each with what to do next.
var (
	// ErrHeld: another Belisha works on the folder.
	ErrHeld = errors.New("another Belisha server is using this data folder; stop it, or name another folder with --data")
	// ErrNewerFolder: the folder is of a newer version.
	ErrNewerFolder = errors.New("this data folder was made by a newer version of Belisha; start that version, nothing was changed")
	// ErrDemoFolder: the folder holds the demonstration school.
	ErrDemoFolder = errors.New("this folder holds the demonstration school; start it with --demo, or name another folder with --data")
	// ErrNoFolder: there is no data folder.
	ErrNoFolder = errors.New("there is no data folder here; start `belisha serve` once, or name the folder with --data")
)

// Folder is one school's data folder, held by this process.
type Folder struct {
	Dir  string
	Meta Meta
	// Fresh: the folder was made just now.
	Fresh bool
	lock  *os.File
}

// Meta is folder.json.
type Meta struct {
	Format  int       `json:"format"`
	School  string    `json:"school"` // the school's UUID
	Demo    bool      `json:"demo,omitempty"`
	Created time.Time `json:"created"`
}

// OpenFolder takes the folder for this process. With create it makes one
// where there is none.
func OpenFolder(dir string, create, demo bool, now time.Time) (*Folder, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("finding the data folder: %w", err)
	}
	if _, err := os.Stat(filepath.Join(abs, "folder.json")); errors.Is(err, fs.ErrNotExist) && !create {
		return nil, fmt.Errorf("%s: %w", abs, ErrNoFolder)
	}
	if err := os.MkdirAll(abs, 0o700); err != nil {
		return nil, fmt.Errorf("making the data folder: %s", plain(err))
	}
	f := &Folder{Dir: abs}
	if f.lock, err = lockFile(filepath.Join(abs, "lock")); err != nil {
		return nil, err
	}
	if err := f.readMeta(demo, now); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (f *Folder) readMeta(demo bool, now time.Time) error {
	name := filepath.Join(f.Dir, "folder.json")
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		f.Meta = Meta{Format: folderFormat, School: newUUID(), Demo: demo, Created: now.UTC()}
		f.Fresh = true
		return f.writeMeta()
	}
	if err != nil {
		return fmt.Errorf("reading the data folder: %s", plain(err))
	}
	if err := json.Unmarshal(b, &f.Meta); err != nil {
		return fmt.Errorf("%s is damaged; put it back from a backup", name)
	}
	if f.Meta.Format > folderFormat {
		return ErrNewerFolder
	}
	if demo && !f.Meta.Demo {
		return errors.New("this folder holds a real school; the demonstration needs a folder of its own (--data)")
	}
	if f.Meta.Demo && !demo {
		return ErrDemoFolder
	}
	return nil
}

func (f *Folder) writeMeta() error {
	b, err := json.MarshalIndent(f.Meta, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(f.Dir, "folder.json"), append(b, '\n'))
}

// Path returns a name below the folder.
func (f *Folder) Path(parts ...string) string {
	return filepath.Join(append([]string{f.Dir}, parts...)...)
}

// Close lets the folder go.
func (f *Folder) Close() error {
	if f.lock == nil {
		return nil
	}
	err := f.lock.Close()
	f.lock = nil
	return err
}

// writeFile writes a file so that it is either the old one or the new one,
// whole, whenever the machine stops.
func writeFile(name string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return fmt.Errorf("writing %s: %s", filepath.Base(name), plain(err))
	}
	_, werr := tmp.Write(data)
	err = errors.Join(werr, tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), name)
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
		return fmt.Errorf("writing %s: %s", filepath.Base(name), plain(err))
	}
	return nil
}

// plain says what an operating system error means and what to do.
func plain(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return "the disk is full; make room, then start again: nothing was lost"
	case errors.Is(err, fs.ErrPermission):
		return "this account may not write there; give it the folder, or name another with --data"
	case errors.Is(err, syscall.EROFS):
		return "the disk is read-only; name another folder with --data"
	default:
		return err.Error()
	}
}

func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails (Go 1.24)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
