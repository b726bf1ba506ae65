package lists

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/bodgit/sevenzip"
)

const (
	sevenMagic = "7z\xbc\xaf\x27\x1c"
	// maxSevenHeader bounds the list of contents, which is read into memory.
	maxSevenHeader = 8 << 20
)

// seven is a 7z archive with lists in it.
type seven struct {
	base string
	file *os.File
	z    *sevenzip.Reader
	max  int64
	size int64
}

// openSeven gives nil for a file that is no 7z archive, and leaves it at its
// start.
func openSeven(base string, f *os.File, maxBytes int64) (source, error) {
	var head [32]byte
	n, err := f.ReadAt(head[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		_ = f.Close()
		return nil, fmt.Errorf("open the list: %w", err)
	}
	if n < len(sevenMagic) || string(head[:len(sevenMagic)]) != sevenMagic {
		return nil, nil
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("open the list: %w", err)
	}
	z, err := readSeven(base, f, info.Size(), head[:n])
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return &seven{base: base, file: f, z: z, max: maxBytes, size: info.Size()}, nil
}

const errSeven = "the 7z archive is cut short, damaged or locked; fetch it again"

func readSeven(base string, f io.ReaderAt, size int64, head []byte) (z *sevenzip.Reader, err error) {
	defer func() {
		// The reader is not ours; a fault in it must end the import, not the
		// program.
		if recover() != nil {
			z, err = nil, &Refusal{File: base, Reason: errSeven}
		}
	}()
	if len(head) < 32 || binary.LittleEndian.Uint64(head[20:]) > maxSevenHeader {
		return nil, &Refusal{File: base, Reason: errSeven}
	}
	z, err = sevenzip.NewReader(f, size)
	switch {
	case err != nil:
		return nil, &Refusal{File: base, Reason: errSeven}
	case len(z.File) > maxMembers:
		return nil, &Refusal{File: base, Reason: fmt.Sprintf("the archive holds more than %d files", maxMembers)}
	}
	return z, nil
}

func (s *seven) name() string { return s.base }
func (s *seven) close()       { _ = s.file.Close() }

// walk calls visit for every file of the archive, in its order: whoever goes
// through in order unpacks each part once.
func (s *seven) walk(ctx context.Context, visit func(name string, f *sevenzip.File) error) (err error) {
	defer func() {
		if recover() != nil {
			err = &Refusal{File: s.base, Reason: errSeven}
		}
	}()
	for _, f := range s.z.File {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !f.Mode().IsRegular() {
			continue
		}
		name, err := safeName(s.base, f.Name)
		if err != nil {
			return err
		}
		if err := visit(name, f); err != nil {
			return err
		}
	}
	return nil
}

func (s *seven) members(ctx context.Context) ([]member, error) {
	var out []member
	bud := &budget{max: s.max}
	err := s.walk(ctx, func(name string, f *sevenzip.File) error {
		m := member{name: name}
		if f.UncompressedSize <= maxAliasFile {
			err := s.open(name, f, bud, func(r io.Reader) error {
				b, err := io.ReadAll(io.LimitReader(r, maxAliasFile+1))
				m.head = string(b)
				return err
			})
			if err != nil {
				return err
			}
		}
		out = append(out, m)
		return nil
	})
	return out, err
}

func (s *seven) each(ctx context.Context, wanted func(string) bool, read func(string, io.Reader) error) error {
	bud := &budget{max: s.max}
	return s.walk(ctx, func(name string, f *sevenzip.File) error {
		if !wanted(name) {
			return nil
		}
		return s.open(name, f, bud, func(r io.Reader) error {
			in, err := inflateMember(name, r, bud)
			if err != nil {
				return err
			}
			return read(name, in)
		})
	})
}

// open reads a file's content: what comes out is charged, whatever the archive
// says that it holds. A solid archive has no packed size for each file, so the
// whole archive's stands for it.
func (s *seven) open(name string, f *sevenzip.File, bud *budget, use func(io.Reader) error) error {
	r, err := f.Open()
	if err != nil {
		return &Refusal{File: s.base, Reason: errSeven}
	}
	err = use(&charged{name: name, r: r, raw: &counted{n: s.size}, bud: bud})
	return errors.Join(err, r.Close())
}
