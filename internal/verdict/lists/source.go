package lists

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

const (
	// maxMembers and maxDepth bound what a folder or archive may hold. UT1 has
	// about two hundred files.
	maxMembers = 100_000
	maxDepth   = 16
	// A file that names another category holds one word; more is a list.
	maxAliasFile = 256
)

// errStop ends a walk early without being an error.
var errStop = errors.New("enough seen")

// member is one file of a list, by its slash path inside the folder or archive.
type member struct {
	name string
	link string // the cleaned target inside the tree, if this is a link; "!" if it leads outside
	dir  bool   // the link leads to a folder (known for folders on disk only)
	head string // the content, if short enough to be an alias
	only bool   // the one file that was named, not part of a folder or archive
}

// source is where members come from. members may be called once, before each.
type source interface {
	name() string
	members(ctx context.Context) ([]member, error)
	// each reads the wanted members in the source's own order, decompressed.
	each(ctx context.Context, wanted func(string) bool, read func(string, io.Reader) error) error
	close()
}

// absent is the error of a path at which there is nothing.
type absent string

func (a absent) Error() string {
	return "there is no file or folder " + string(a) + "; look at its name and folder"
}

// Is makes it the error that it is for programs.
func (absent) Is(target error) bool { return target == fs.ErrNotExist }

func open(name string, maxBytes int64) (source, error) {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, absent(name)
	}
	if err != nil {
		return nil, fmt.Errorf("look at the list: %w", err)
	}
	if info.IsDir() {
		root, err := os.OpenRoot(name)
		if err != nil {
			return nil, fmt.Errorf("open the folder: %w", err)
		}
		return &folder{path: name, root: root, budget: &budget{max: maxBytes}}, nil
	}
	if !info.Mode().IsRegular() {
		return nil, &Refusal{File: filepath.Base(name), Reason: "this is neither a file nor a folder"}
	}
	return openFile(name, maxBytes)
}

// folder reads a tree on disk. os.Root keeps every opening, through whatever
// link, inside the tree.
type folder struct {
	path   string
	root   *os.Root
	budget *budget
}

func (f *folder) name() string {
	abs, err := filepath.Abs(f.path)
	if err != nil {
		return filepath.Base(f.path)
	}
	return filepath.Base(abs)
}

func (f *folder) close() { _ = f.root.Close() }

func (f *folder) members(ctx context.Context) ([]member, error) {
	var out []member
	err := fs.WalkDir(f.root.FS(), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("read the folder: %w", err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if d.IsDir() {
			if strings.Count(p, "/") >= maxDepth {
				return &Refusal{File: p, Reason: "the folders go too deep for a list"}
			}
			return nil
		}
		if len(out) >= maxMembers {
			return &Refusal{File: f.name(), Reason: fmt.Sprintf("the folder holds more than %d files", maxMembers)}
		}
		if m, ok := f.look(p, d); ok {
			out = append(out, m)
		}
		return nil
	})
	return out, err
}

func (f *folder) look(p string, d fs.DirEntry) (member, bool) {
	m := member{name: p}
	if d.Type()&fs.ModeSymlink != 0 {
		target, err := f.root.Readlink(p)
		if err != nil {
			return m, false
		}
		m.link = insideLink(p, filepath.ToSlash(target))
		info, err := f.root.Stat(p)
		if err != nil {
			m.link = "!"
			return m, true
		}
		m.dir = info.IsDir()
		return m, true
	}
	info, err := d.Info()
	if err != nil || !info.Mode().IsRegular() {
		return m, false
	}
	if info.Size() <= maxAliasFile {
		if b, err := f.root.ReadFile(p); err == nil {
			m.head = string(b)
		}
	}
	return m, true
}

// insideLink resolves a link's target against the place of the link, and
// gives "!" when it leads out of the tree.
func insideLink(at, target string) string {
	if path.IsAbs(target) || strings.Contains(target, ":") {
		return "!"
	}
	full := path.Join(path.Dir(at), target)
	if full == "." || full == ".." || strings.HasPrefix(full, "../") {
		return "!"
	}
	return full
}

func (f *folder) each(ctx context.Context, wanted func(string) bool, read func(string, io.Reader) error) error {
	return fs.WalkDir(f.root.FS(), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("read the folder: %w", err)
		}
		if d.IsDir() || !wanted(p) {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		return f.one(p, read)
	})
}

func (f *folder) one(p string, read func(string, io.Reader) error) error {
	file, err := f.root.Open(p)
	if err != nil {
		return fmt.Errorf("open a file of the list: %w", err)
	}
	defer file.Close()
	r, err := inflate(p, file, f.budget)
	if err != nil {
		return err
	}
	return read(p, r)
}
