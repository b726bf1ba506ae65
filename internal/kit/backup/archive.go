package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"

	"belisha/internal/kit/journal"
)

// A backup is tar, compressed by zstd, encrypted by age. The manifest is its
// last entry, since it tells every other entry's digest.
const (
	manifestName = "manifest.json"
	format       = 1
	maxManifest  = 64 << 20
)

// Manifest is what a backup says about itself.
type Manifest struct {
	Format    int            `json:"format"`
	School    string         `json:"school"`
	Version   string         `json:"version"`
	Made      time.Time      `json:"made"`
	Records   string         `json:"records"` // the records' file name
	Journal   journal.Head   `json:"journal"`
	Recipient string         `json:"recipient"`
	Files     []ManifestFile `json:"files"`
}

// ManifestFile is one file of a backup.
type ManifestFile struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// archive writes a backup onto a file.
type archive struct {
	out  *os.File
	sum  *counter
	age  io.WriteCloser
	zip  *zstd.Encoder
	tar  *tar.Writer
	made time.Time
	man  Manifest
	skip func(fs.FileInfo) bool
}

// counter digests and counts what goes through.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// add copies one file in. A file that is shorter than it was is an error:
// only files that do not change may be given.
func (a *archive) add(ctx context.Context, f File) (err error) {
	in, err := os.Open(f.Path)
	if err != nil {
		return fmt.Errorf("reading %s: %w", f.Name, err)
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	info, err := in.Stat()
	if err != nil {
		return fmt.Errorf("reading %s: %w", f.Name, err)
	}
	if !info.Mode().IsRegular() || !filepath.IsLocal(filepath.FromSlash(f.Name)) || f.Name == manifestName {
		return fmt.Errorf("%s is not a file that belongs into a backup", f.Name)
	}
	if a.skip != nil && a.skip(info) {
		return fmt.Errorf("%s is the school key; it must never be in a backup", f.Name)
	}
	sum := sha256.New()
	if err := a.head(f.Name, info.Size()); err != nil {
		return err
	}
	n, err := io.CopyN(io.MultiWriter(a.tar, sum), ctxReader{ctx, in}, info.Size())
	if err != nil {
		return fmt.Errorf("copying %s: %w", f.Name, full(err, a.where()))
	}
	a.man.Files = append(a.man.Files, ManifestFile{f.Name, n, hex.EncodeToString(sum.Sum(nil))})
	return nil
}

// where is the folder that the backup goes to.
func (a *archive) where() string { return filepath.Dir(a.out.Name()) }

func (a *archive) head(name string, size int64) error {
	err := a.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: a.made})
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, full(err, a.where()))
	}
	return nil
}

// close writes the manifest and everything that is still held back, down to
// the disk.
func (a *archive) close() error {
	data, err := json.Marshal(a.man)
	if err != nil {
		return fmt.Errorf("writing the manifest: %w", err)
	}
	if err := a.head(manifestName, int64(len(data))); err != nil {
		return err
	}
	if _, err := a.tar.Write(data); err != nil {
		return fmt.Errorf("writing the manifest: %w", full(err, a.where()))
	}
	for _, end := range []func() error{a.tar.Close, a.zip.Close, a.age.Close, a.out.Sync} {
		if err := end(); err != nil {
			return fmt.Errorf("ending the backup: %w", full(err, a.where()))
		}
	}
	return nil
}

func newArchive(out *os.File, sum io.Writer, to *age.X25519Recipient, man Manifest) (*archive, error) {
	a := &archive{out: out, made: man.Made, man: man}
	a.sum = &counter{w: io.MultiWriter(out, sum)}
	var err error
	if a.age, err = age.Encrypt(a.sum, to); err != nil {
		return nil, fmt.Errorf("encrypting the backup: %w", full(err, out.Name()))
	}
	if a.zip, err = zstd.NewWriter(a.age, zstd.WithEncoderConcurrency(1)); err != nil {
		return nil, fmt.Errorf("compressing the backup: %w", err)
	}
	a.tar = tar.NewWriter(a.zip)
	return a, nil
}

// unpack extracts a backup into an empty folder and checks every file against
// the manifest.
func unpack(ctx context.Context, in io.Reader, id age.Identity, folder string) (Manifest, error) {
	var man Manifest
	plain, err := age.Decrypt(in, id)
	var no *age.NoIdentityMatchError
	if errors.As(err, &no) {
		return man, errors.New("this backup was made for another school key; give the key of the school that made it")
	}
	if err != nil {
		return man, fmt.Errorf("this is not a whole backup: %w", err)
	}
	zip, err := zstd.NewReader(plain, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(128<<20))
	if err != nil {
		return man, fmt.Errorf("opening the backup: %w", err)
	}
	defer zip.Close()
	got := map[string]ManifestFile{}
	t := tar.NewReader(ctxReader{ctx, zip})
	for {
		h, err := t.Next()
		if err != nil {
			return man, fmt.Errorf("the backup breaks off; it was cut short or changed: %w", err)
		}
		if h.Name == manifestName {
			man, err = readManifest(t, h.Size)
			if err != nil {
				return man, err
			}
			// What follows must be the end of the archive and nothing else:
			// age tells here if the last part is missing.
			if _, err := io.Copy(io.Discard, zip); err != nil {
				return man, fmt.Errorf("the backup breaks off; it was cut short or changed: %w", err)
			}
			return man, man.same(got)
		}
		f, err := extract(t, h, folder)
		if err != nil {
			return man, err
		}
		got[f.Name] = f
	}
}

func readManifest(r io.Reader, size int64) (Manifest, error) {
	var man Manifest
	if size > maxManifest {
		return man, errors.New("the backup's manifest is too long; this is not a backup of Belisha")
	}
	data, err := io.ReadAll(io.LimitReader(r, maxManifest))
	if err != nil {
		return man, fmt.Errorf("reading the backup's manifest: %w", err)
	}
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(&man); err != nil {
		return man, fmt.Errorf("reading the backup's manifest: %w", err)
	}
	if man.Format > format {
		return man, errors.New("this backup was made by a newer version of Belisha; restore it with that version")
	}
	return man, nil
}

func extract(r io.Reader, h *tar.Header, folder string) (f ManifestFile, err error) {
	name := filepath.FromSlash(h.Name)
	if h.Typeflag != tar.TypeReg || !filepath.IsLocal(name) {
		return f, fmt.Errorf("the backup holds %q, which is not a plain file of a data folder", h.Name)
	}
	path := filepath.Join(folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return f, fmt.Errorf("restoring %s: %w", h.Name, full(err, folder))
	}
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return f, fmt.Errorf("restoring %s: %w", h.Name, full(err, folder))
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(out, sum), r)
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return f, fmt.Errorf("restoring %s: %w", h.Name, full(err, folder))
	}
	return ManifestFile{h.Name, n, hex.EncodeToString(sum.Sum(nil))}, nil
}

// same compares what was unpacked with what the manifest tells.
func (m Manifest) same(got map[string]ManifestFile) error {
	for _, want := range m.Files {
		if got[want.Name] != want {
			return fmt.Errorf("the backup's %s is not the file that was copied; use another backup", want.Name)
		}
	}
	if len(got) != len(m.Files) {
		return errors.New("the backup holds files that its manifest does not name; use another backup")
	}
	return nil
}

// ctxReader stops a long copy when the context ends.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (c ctxReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
