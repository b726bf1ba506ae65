package lists

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

const (
	sniffBytes = 64 << 10
	tarBlock   = 512
)

// openFile tells a tar archive from a single list by its content, never by
// its name.
func openFile(name string, maxBytes int64) (source, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open the list: %w", err)
	}
	base := filepath.Base(name)
	if z, err := openZip(base, f, maxBytes); z != nil || err != nil {
		return z, err
	}
	if z, err := openSeven(base, f, maxBytes); z != nil || err != nil {
		return z, err
	}
	r, err := inflate(base, f, &budget{max: maxBytes})
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	head, err := r.Peek(tarBlock)
	if err != nil && !errors.Is(err, io.EOF) {
		_ = f.Close()
		return nil, err
	}
	if isTar(head) {
		return &archive{base: base, file: f, max: maxBytes}, nil
	}
	return &single{base: base, data: f, max: maxBytes}, nil
}

// isTar looks for the magic word of the tar formats in use; the oldest one,
// without it, is not read.
func isTar(head []byte) bool {
	return len(head) >= 262 && bytes.Equal(head[257:262], []byte("ustar"))
}

// single is one list in one file.
type single struct {
	base string
	data io.ReadSeeker
	max  int64
}

func (s *single) name() string { return s.base }
func (s *single) close() {
	if c, ok := s.data.(io.Closer); ok {
		_ = c.Close()
	}
}

func (s *single) members(context.Context) ([]member, error) {
	return []member{{name: s.base, only: true}}, nil
}

func (s *single) each(_ context.Context, _ func(string) bool, read func(string, io.Reader) error) error {
	if _, err := s.data.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read the list from its start: %w", err)
	}
	r, err := inflate(s.base, s.data, &budget{max: s.max})
	if err != nil {
		return err
	}
	return read(s.base, r)
}

// archive is a tar file, gzipped or not. It is read twice: once for the names,
// so that aliases and categories are known, once for the content.
type archive struct {
	base string
	file *os.File
	max  int64
}

func (a *archive) name() string { return a.base }
func (a *archive) close()       { _ = a.file.Close() }

// walk calls visit for every member and then makes sure that the archive ends
// as archives do: one cut short between two members looks complete otherwise.
func (a *archive) walk(ctx context.Context, bud *budget, visit func(string, *tar.Header, io.Reader) error) error {
	if _, err := a.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read the archive from its start: %w", err)
	}
	r, err := inflate(a.base, a.file, bud)
	if err != nil {
		return err
	}
	end := &zeroTail{r: r}
	tr := tar.NewReader(end)
	for n := 0; ; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return a.checkEnd(end)
		}
		if err != nil {
			return a.damaged(err)
		}
		if n >= maxMembers {
			return &Refusal{File: a.base, Reason: fmt.Sprintf("the archive holds more than %d files", maxMembers)}
		}
		name, err := a.safeName(h.Name)
		if err != nil {
			return err
		}
		if err := visit(name, h, tr); err != nil {
			return a.damaged(err)
		}
	}
}

func (a *archive) checkEnd(end *zeroTail) error {
	if end.zeros < tarBlock {
		return &Refusal{File: a.base, Reason: "the archive is cut short; fetch it again"}
	}
	// What follows the end mark must still be a sound stream, or a gzip cut
	// short there would pass.
	if _, err := io.Copy(io.Discard, end); err != nil {
		return a.damaged(err)
	}
	return nil
}

// damaged turns the errors of a broken archive into the refusal, and leaves
// every other error as it is.
func (a *archive) damaged(err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &Refusal{File: a.base, Reason: "the archive is cut short; fetch it again"}
	case errors.Is(err, tar.ErrHeader), errors.Is(err, tar.ErrFieldTooLong):
		return &Refusal{File: a.base, Reason: "the archive is damaged; fetch it again"}
	}
	return err
}

func (a *archive) safeName(name string) (string, error) { return safeName(a.base, name) }

// safeName cleans a member's path and refuses the archive when one would lie
// outside it: no honest list has such a path.
func safeName(base, name string) (string, error) {
	slash := strings.ReplaceAll(name, `\`, "/")
	bad := strings.HasPrefix(slash, "/") || strings.ContainsRune(slash, 0) || len(slash) > 1024 ||
		len(slash) > 1 && slash[1] == ':'
	for _, part := range strings.Split(slash, "/") {
		bad = bad || part == ".."
	}
	if bad {
		return "", &Refusal{File: base, Reason: fmt.Sprintf(
			"the archive holds the path %q, which leads out of it; do not use this archive", printable([]byte(name)))}
	}
	clean := path.Clean(slash)
	if strings.Count(clean, "/") > maxDepth {
		return "", &Refusal{File: base, Reason: "the folders go too deep for a list"}
	}
	return clean, nil
}

func (a *archive) members(ctx context.Context) ([]member, error) {
	var out []member
	err := a.walk(ctx, &budget{max: a.max}, func(name string, h *tar.Header, r io.Reader) error {
		m := member{name: name}
		switch h.Typeflag {
		case tar.TypeSymlink:
			m.link = insideLink(name, strings.ReplaceAll(h.Linkname, `\`, "/"))
		case tar.TypeReg:
			if h.Size <= maxAliasFile {
				b, err := io.ReadAll(r)
				if err != nil {
					return err
				}
				m.head = string(b)
			}
		default:
			return nil // folders, devices and hard links hold no lines
		}
		out = append(out, m)
		return nil
	})
	return out, err
}

func (a *archive) each(ctx context.Context, wanted func(string) bool, read func(string, io.Reader) error) error {
	bud := &budget{max: a.max}
	return a.walk(ctx, bud, func(name string, h *tar.Header, r io.Reader) error {
		if h.Typeflag != tar.TypeReg || !wanted(name) {
			return nil
		}
		in, err := inflateMember(name, r, bud)
		if err != nil {
			return err
		}
		return read(name, in)
	})
}

// zeroTail remembers how many zero bytes the stream ended with so far.
type zeroTail struct {
	r     *bufio.Reader
	zeros int
}

func (z *zeroTail) Read(p []byte) (int, error) {
	n, err := z.r.Read(p)
	rest := bytes.TrimRight(p[:n], "\x00")
	if len(rest) > 0 {
		z.zeros = 0
	}
	z.zeros += n - len(rest)
	return n, err
}
