package content

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
)

// Bounds of what is held back at one time.
const (
	memoryEach  = 1 << 20   // of one message; the rest goes to a file
	memoryFree  = 128 << 10 // of one message, not counted
	memoryTotal = 128 << 20 // of all messages, beyond that
	diskTotal   = 4 << 30   // of all messages
)

// errFull says that too much is being held back.
var errFull = errors.New("too much is being looked at at once")

// store holds messages back until they were looked at: in memory while they
// are small, then in a file.
type store struct {
	dir          string
	memory, disk atomic.Int64
}

func newStore(dir string) *store { return &store{dir: dir} }

// take reserves n bytes of a total, or reports that there is no room.
func take(total *atomic.Int64, n, most int64) bool {
	if total.Add(n) > most {
		total.Add(-n)
		return false
	}
	return true
}

// held is one message that is held back. It is written, then read at any
// place, and freed.
type held struct {
	s      *store
	mem    []byte
	taken  int64 // of the memory's total
	file   *os.File
	onDisk int64
}

// hold begins a message in a buffer that is lent.
func (s *store) hold(lent []byte) *held { return &held{s: s, mem: lent[:0]} }

// room is where the next bytes go that are read, or nil where memory is full.
func (h *held) room(expect int64) ([]byte, error) {
	if h.file != nil || len(h.mem) >= memoryEach {
		return nil, nil
	}
	if cap(h.mem)-len(h.mem) < 4<<10 {
		size := min(max(2*cap(h.mem), 32<<10, int(min(expect, memoryEach))+4<<10), memoryEach+4<<10)
		if grow := int64(size) - memoryFree - h.taken; grow > 0 {
			if !take(&h.s.memory, grow, memoryTotal) {
				return nil, errFull
			}
			h.taken += grow
		}
		h.mem = append(make([]byte, 0, size), h.mem...)
	}
	return h.mem[len(h.mem):cap(h.mem)], nil
}

// fill reads r to its end, or until there are more than most bytes. expect is
// how many there will be, -1 where nobody knows.
func (h *held) fill(r io.Reader, most, expect int64) (more bool, err error) {
	var buf []byte
	for {
		b, err := h.room(expect)
		if err != nil {
			return false, err
		}
		if b == nil {
			if buf == nil {
				buf = make([]byte, 64<<10)
			}
			b = buf
		}
		n, rerr := r.Read(b)
		if buf == nil {
			h.mem = h.mem[:len(h.mem)+n]
		} else if err := h.spill(b[:n]); err != nil {
			return false, err
		}
		switch {
		case errors.Is(rerr, io.EOF):
			return h.size() > most, nil
		case rerr != nil:
			return false, rerr
		case h.size() > most:
			return true, nil
		}
	}
}

// spill writes to the file.
func (h *held) spill(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if h.file == nil {
		f, err := os.CreateTemp(h.s.dir, "held-")
		if err != nil {
			return fmt.Errorf("making room for a file that is looked at: %w", err)
		}
		h.file = f
	}
	if !take(&h.s.disk, int64(len(b)), diskTotal) {
		return errFull
	}
	h.onDisk += int64(len(b))
	if _, err := h.file.Write(b); err != nil {
		return fmt.Errorf("holding back a file that is looked at: %w", err)
	}
	return nil
}

func (h *held) size() int64 { return int64(len(h.mem)) + h.onDisk }

// whole is the message where all of it is in memory.
func (h *held) whole() ([]byte, bool) { return h.mem, h.file == nil }

// reader reads it from the beginning.
func (h *held) reader() io.ReadSeeker { return io.NewSectionReader(h, 0, h.size()) }

// ReadAt implements io.ReaderAt.
func (h *held) ReadAt(b []byte, off int64) (int, error) {
	n := 0
	if off < int64(len(h.mem)) {
		n = copy(b, h.mem[off:])
		if n == len(b) {
			return n, nil
		}
	}
	if h.file == nil {
		return n, io.EOF
	}
	m, err := h.file.ReadAt(b[n:], off+int64(n)-int64(len(h.mem)))
	return n + m, err
}

// free gives everything back; the buffer goes to whoever lent it.
func (h *held) free() (lent []byte, err error) {
	h.s.memory.Add(-h.taken)
	h.s.disk.Add(-h.onDisk)
	lent = h.mem
	if h.file != nil {
		err = errors.Join(h.file.Close(), os.Remove(h.file.Name()))
	}
	h.mem, h.taken, h.onDisk, h.file = nil, 0, 0, nil
	return lent, err
}
