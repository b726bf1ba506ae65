package files

import (
	"fmt"
	"io"
	"os"
)

// spool holds one entry: in memory while it is small, else in a file without
// a name that others could know.
type spool struct {
	mem  []byte
	most int
	dir  string
	f    *os.File
	n    int64
	back func([]byte)
}

func (s *spool) write(b []byte) error {
	if s.f == nil && len(s.mem)+len(b) > s.most {
		f, err := os.CreateTemp(s.dir, "belisha-look-*")
		if err != nil {
			return fmt.Errorf("making room to unpack: %w", err)
		}
		s.f = f
		if _, err := f.Write(s.mem); err != nil {
			return fmt.Errorf("unpacking to disk: %w", err)
		}
	}
	s.n += int64(len(b))
	if s.f == nil {
		s.mem = append(s.mem, b...)
		return nil
	}
	if _, err := s.f.Write(b); err != nil {
		return fmt.Errorf("unpacking to disk: %w", err)
	}
	return nil
}

// ReadAt reads what was written.
func (s *spool) ReadAt(b []byte, at int64) (int, error) {
	if s.f != nil {
		return s.f.ReadAt(b, at)
	}
	if at < 0 || at >= int64(len(s.mem)) {
		return 0, io.EOF
	}
	n := copy(b, s.mem[at:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (s *spool) close() {
	if s.f != nil {
		_ = s.f.Close()           // it was only ours
		_ = os.Remove(s.f.Name()) // the system's own broom is behind us
	}
	s.back(s.mem[:0])
}
