package content

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
)

// Bounds of what is held back at one time, over all messages.
const (
	memoryEach  = 1 << 20  // of one message; the rest goes to a file
	memoryTotal = 96 << 20 // of all messages
	diskTotal   = 2 << 30  // of all messages
)

// errFull says that too much is being held back at once.
var errFull = errors.New("too much is being looked at at once")

// store holds messages back until they were looked at: in memory while they
// are small, then in a file that has no name any more.
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

// held is one message that is held back. It is written once, then read at any
// place, and closed.
type held struct {
	s      *store
	mem    []byte
	taken  int64 // of the memory's total
	file   *os.File
	onDisk int64
}

func (s *store) hold() *held { return &held{s: s} }

// Write keeps the bytes.
func (h *held) Write(b []byte) (int, error) {
	if h.file == nil && len(h.mem)+len(b) <= memoryEach {
		if grow := int64(len(h.mem)+len(b)) - h.taken; grow > 0 {
			grow = (grow + 64<<10 - 1) &^ (64<<10 - 1)
			if !take(&h.s.memory, grow, memoryTotal) {
				return 0, errFull
			}
			h.taken += grow
		}
		h.mem = append(h.mem, b...)
		return len(b), nil
	}
	if err := h.spill(); err != nil {
		return 0, err
	}
	if !take(&h.s.disk, int64(len(b)), diskTotal) {
		return 0, errFull
	}
	n, err := h.file.Write(b)
	h.onDisk += int64(len(b))
	return n, err
}

// spill begins the file. What is in memory stays there.
func (h *held) spill() error {
	if h.file != nil {
		return nil
	}
	f, err := os.CreateTemp(h.s.dir, "held-")
	if err != nil {
		return fmt.Errorf("making room for a file that is looked at: %w", err)
	}
	h.file = f
	return nil
}

// Size is the number of bytes kept.
func (h *held) Size() int64 { return int64(len(h.mem)) + h.onDisk }

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

// Close gives everything back.
func (h *held) Close() error {
	h.s.memory.Add(-h.taken)
	h.s.disk.Add(-h.onDisk)
	h.mem, h.taken, h.onDisk = nil, 0, 0
	if h.file == nil {
		return nil
	}
	f := h.file
	h.file = nil
	return errors.Join(f.Close(), os.Remove(f.Name()))
}
