package files

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"unicode/utf16"

	"github.com/bodgit/sevenzip"

	"belisha/internal/verdict"
)

// maxHeader bounds the directory of a 7z, packed and unpacked.
const maxHeader = 8 << 20

// sevenZip looks into a 7z. The library trusts the counts and the memory that
// a file asks for; so its directory is read here first.
func (w *walk) sevenZip(it *item) error {
	d, err := w.sevenHeader(it)
	if err != nil {
		return err
	}
	it.whole = true
	if d.locked || d.odd {
		for _, name := range d.names {
			if err := w.named(it, name); err != nil {
				return err
			}
		}
		if d.locked {
			return errLocked
		}
		return errMethod
	}
	if w.rep.Entries+d.files > w.b.Entries {
		return w.end(it, errMany)
	}
	if d.files == 0 {
		return nil
	}
	z, err := sevenzip.NewReader(io.NewSectionReader(it.r, 0, it.size), it.size)
	if err != nil {
		return sevenError(err)
	}
	for _, f := range z.File {
		if err := w.sevenOne(it, f); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) sevenOne(it *item, f *sevenzip.File) error {
	if f.FileInfo().IsDir() {
		return w.named(it, "")
	}
	r, err := f.Open()
	if err != nil {
		k := verdict.FileUnreadable
		if err = sevenError(err); errors.Is(err, errLocked) {
			k = verdict.FileLocked
		}
		w.rep.add(k, reason(err), within(f.Name, it))
		return w.named(it, f.Name)
	}
	defer func() { _ = r.Close() }() // gives back a buffer at most
	return w.inside(it, f.Name, r, false)
}

func sevenError(err error) error {
	var e *sevenzip.ReadError
	if errors.As(err, &e) && e.Encrypted {
		return errLocked
	}
	return fmt.Errorf("reading 7z: %w", err)
}

// utf16Names splits names that end with a zero each.
func utf16Names(b []byte, most int) []string {
	var out []string
	var one []uint16
	for ; len(b) >= 2 && len(out) < most; b = b[2:] {
		c := binary.LittleEndian.Uint16(b)
		if c != 0 {
			if one = append(one, c); len(one) > maxZipName {
				one = one[1:]
			}
			continue
		}
		out = append(out, string(utf16.Decode(one)))
		one = one[:0]
	}
	return out
}
