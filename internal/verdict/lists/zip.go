package lists

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

const zipMagic = "PK\x03\x04"

// zipped is a zip archive with lists in it.
type zipped struct {
	base string
	file *os.File
	z    *zip.Reader
	max  int64
}

// openZip gives nil for a file that is no zip archive, and leaves it at its
// start.
func openZip(base string, f *os.File, maxBytes int64) (source, error) {
	var head [len(zipMagic)]byte
	n, err := f.ReadAt(head[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		_ = f.Close()
		return nil, fmt.Errorf("open the list: %w", err)
	}
	if string(head[:n]) != zipMagic {
		return nil, nil
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("open the list: %w", err)
	}
	z, err := zip.NewReader(f, info.Size())
	if err == nil && len(z.File) > maxMembers {
		err = &Refusal{File: base, Reason: fmt.Sprintf("the archive holds more than %d files", maxMembers)}
	} else if err != nil {
		err = &Refusal{File: base, Reason: "the zip archive is cut short or damaged; fetch it again"}
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return &zipped{base: base, file: f, z: z, max: maxBytes}, nil
}

func (z *zipped) name() string { return z.base }
func (z *zipped) close()       { _ = z.file.Close() }

// walk calls visit for every file of the archive.
func (z *zipped) walk(ctx context.Context, visit func(name string, f *zip.File) error) error {
	for _, f := range z.z.File {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !f.Mode().IsRegular() {
			continue
		}
		name, err := safeName(z.base, f.Name)
		if err != nil {
			return err
		}
		if err := visit(name, f); err != nil {
			return err
		}
	}
	return nil
}

func (z *zipped) members(ctx context.Context) ([]member, error) {
	var out []member
	err := z.walk(ctx, func(name string, f *zip.File) error {
		m := member{name: name}
		if f.UncompressedSize64 <= maxAliasFile {
			r, err := z.open(name, f, &budget{max: z.max})
			if err != nil {
				return err
			}
			b, err := io.ReadAll(io.LimitReader(r, maxAliasFile+1))
			if err != nil {
				return err
			}
			m.head = string(b)
		}
		out = append(out, m)
		return nil
	})
	return out, err
}

func (z *zipped) each(ctx context.Context, wanted func(string) bool, read func(string, io.Reader) error) error {
	bud := &budget{max: z.max}
	return z.walk(ctx, func(name string, f *zip.File) error {
		if !wanted(name) {
			return nil
		}
		r, err := z.open(name, f, bud)
		if err != nil {
			return err
		}
		in, err := inflateMember(name, r, bud)
		if err != nil {
			return err
		}
		return read(name, in)
	})
}

// open gives a file's content: what comes out is charged, whatever the archive
// says that it holds.
func (z *zipped) open(name string, f *zip.File, bud *budget) (io.Reader, error) {
	r, err := f.Open()
	if err != nil {
		return nil, gzipRefusal(name, err)
	}
	return &charged{name: name, r: r, raw: &counted{n: int64(min(f.CompressedSize64, uint64(z.max)))}, bud: bud}, nil
}
