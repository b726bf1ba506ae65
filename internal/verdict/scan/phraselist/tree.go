package phraselist

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// Tree is a set of list files by path, with slashes and none at its front.
type Tree map[string][]byte

// Bounds of a tree.
const (
	maxFiles = 5_000
	maxFile  = 8 << 20
	maxTree  = 64 << 20
)

// Load reads a folder, a zip or tar file (also gzipped, bzip2 or zstd), or one
// list. What leads out of it is not followed, and what is no list file (other
// than text, too large, too many) is refused.
func Load(ctx context.Context, name string) (Tree, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("opening the phrase lists: %w", err)
	}
	l := &loader{ctx: ctx, tree: Tree{}}
	if info.IsDir() {
		err = l.folder(name)
	} else {
		err = l.packed(name)
	}
	if err != nil {
		return nil, err
	}
	if len(l.tree) == 0 {
		return nil, errors.New("there is no list in it")
	}
	return l.tree, nil
}

type loader struct {
	ctx  context.Context
	tree Tree
	size int64
}

// add reads one file. Pictures, programs and the like that lie about are left
// out; a list is text.
func (l *loader) add(name string, r io.Reader) error {
	if err := l.ctx.Err(); err != nil {
		return err
	}
	name = path.Clean(strings.ReplaceAll(name, `\`, "/"))
	if !fs.ValidPath(name) || name == "." {
		return fmt.Errorf("the name %q leads out of the list", name)
	}
	if len(l.tree) >= maxFiles {
		return fmt.Errorf("there are more than %d files in it", maxFiles)
	}
	b, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	if len(b) > maxFile {
		return fmt.Errorf("the file %s is larger than %d MB", name, maxFile>>20)
	}
	if l.size += int64(len(b)); l.size > maxTree {
		return fmt.Errorf("the lists are larger than %d MB together", maxTree>>20)
	}
	if bytes.IndexByte(b, 0) < 0 {
		l.tree[name] = b
	}
	return nil
}

func (l *loader) folder(name string) error {
	root, err := os.OpenRoot(name)
	if err != nil {
		return fmt.Errorf("opening the folder of phrase lists: %w", err)
	}
	defer func() { _ = root.Close() }()
	return fs.WalkDir(root.FS(), ".", func(p string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fmt.Errorf("reading the folder of phrase lists: %w", err)
		case e.IsDir() && strings.Count(p, "/") >= maxDepth:
			return fs.SkipDir
		case !e.Type().IsRegular():
			return nil
		}
		f, err := root.Open(filepath.FromSlash(p))
		if err != nil {
			return fmt.Errorf("reading %s: %w", p, err)
		}
		defer f.Close()
		return l.add(p, f)
	})
}

func (l *loader) packed(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("opening the phrase lists: %w", err)
	}
	defer f.Close()
	r := bufio.NewReader(f)
	head, _ := r.Peek(4)
	if bytes.Equal(head, []byte("PK\x03\x04")) {
		return l.zip(f)
	}
	plain, err := unpack(head, r)
	if err != nil {
		return fmt.Errorf("unpacking the phrase lists: %w", err)
	}
	defer plain.Close()
	b := bufio.NewReaderSize(plain, 1024)
	if block, _ := b.Peek(262); len(block) == 262 && string(block[257:262]) == "ustar" {
		return l.tar(b)
	}
	return l.add(filepath.Base(name), b)
}

func unpack(head []byte, r io.Reader) (io.ReadCloser, error) {
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return gzip.NewReader(r)
	case bytes.HasPrefix(head, []byte("BZh")):
		return io.NopCloser(bzip2.NewReader(r)), nil
	case bytes.Equal(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxTree))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	}
	return io.NopCloser(r), nil
}

func (l *loader) tar(r io.Reader) error {
	t := tar.NewReader(r)
	for seen := 0; ; seen++ {
		h, err := t.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("unpacking the phrase lists: %w", err)
		case seen > 2*maxFiles:
			return fmt.Errorf("there are more than %d files in it", maxFiles)
		case h.Typeflag != tar.TypeReg:
			continue
		}
		if err := l.add(h.Name, t); err != nil {
			return err
		}
	}
}

func (l *loader) zip(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("unpacking the phrase lists: %w", err)
	}
	z, err := zip.NewReader(f, info.Size())
	if err != nil {
		return fmt.Errorf("unpacking the phrase lists: %w", err)
	}
	for _, e := range z.File {
		if !e.Mode().IsRegular() {
			continue
		}
		r, err := e.Open()
		if err != nil {
			return fmt.Errorf("unpacking %s: %w", e.Name, err)
		}
		err = l.add(e.Name, r)
		if err = errors.Join(err, r.Close()); err != nil {
			return err
		}
	}
	return nil
}

// names finds files by where lists say that they are.
type names struct {
	tree   Tree
	byBase map[string][]string // paths by file name in small letters
}

func newNames(t Tree) *names {
	n := &names{tree: t, byBase: map[string][]string{}}
	for p := range t {
		base := strings.ToLower(path.Base(p))
		n.byBase[base] = append(n.byBase[base], p)
	}
	for _, paths := range n.byBase {
		slices.Sort(paths)
	}
	return n
}

// find is the file that an .Include in from means: beside it, or the one whose
// path ends like the one that is named, since lists name where they were
// installed and not where they are now. What leads out of the tree is refused.
func (n *names) find(name, from string) (string, error) {
	clean := path.Clean(strings.TrimLeft(strings.ReplaceAll(name, `\`, "/"), "/"))
	if strings.Contains("/"+clean+"/", "/../") {
		return "", errors.New("it leads out of the list")
	}
	for _, p := range []string{path.Join(path.Dir(from), clean), clean} {
		if _, ok := n.tree[p]; ok {
			return p, nil
		}
	}
	best, most := "", 1 // a bare file name says too little to guess by
	for _, p := range n.byBase[strings.ToLower(path.Base(clean))] {
		if same := commonTail(p, clean); same > most {
			best, most = p, same
		}
	}
	if best == "" {
		return "", errors.New("there is no such file in the list")
	}
	return best, nil
}

// commonTail counts the last parts of two paths that are the same.
func commonTail(a, b string) int {
	n := 0
	for {
		i, j := strings.LastIndexByte(a, '/'), strings.LastIndexByte(b, '/')
		if !strings.EqualFold(a[i+1:], b[j+1:]) {
			return n
		}
		n++
		if i < 0 || j < 0 {
			return n
		}
		a, b = a[:i], b[:j]
	}
}
