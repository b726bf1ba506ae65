package spool

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	segmentMark = "BELSPL1\n"
	segmentHead = 16 // the mark and the number of the first event
	segmentExt  = ".spool"
)

// segments lists the numbers of the segments in dir, oldest first. A segment's
// number is the number of the first event it may hold.
func segments(dir string) ([]uint64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("listing the spool: %w", err)
	}
	var out []uint64
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), segmentExt)
		if !ok || len(name) != 16 {
			continue
		}
		if n, err := strconv.ParseUint(name, 16, 64); err == nil {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out, nil
}

func segmentPath(dir string, number uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%016x%s", number, segmentExt))
}

// scan reads the records of a segment from offset on and gives each, with the
// offset after it, to fn until fn says stop, the records end, or one is torn.
// It returns the offset after the last whole record, and whether the segment
// ended cleanly there.
func scan(f io.ReaderAt, offset int64, fn func(record, int64) bool) (end int64, clean bool, err error) {
	if offset < segmentHead {
		offset = segmentHead
	}
	r := bufio.NewReaderSize(io.NewSectionReader(f, offset, 1<<62), 64<<10)
	var head [recordHead]byte
	buf := make([]byte, 0, 4<<10)
	for {
		n, err := io.ReadFull(r, head[:])
		if err != nil {
			return offset, n == 0 && errors.Is(err, io.EOF), ignoreEnd(err)
		}
		size := binary.LittleEndian.Uint32(head[:])
		if size == 0 || size > maxPayload {
			return offset, false, nil
		}
		buf = slices.Grow(buf[:0], int(size))[:size]
		if _, err := io.ReadFull(r, buf); err != nil {
			return offset, false, ignoreEnd(err)
		}
		if crc32.Checksum(buf, crcTable) != binary.LittleEndian.Uint32(head[4:]) {
			return offset, false, nil
		}
		rec, err := decodePayload(buf)
		if err != nil {
			return offset, false, nil
		}
		offset += recordHead + int64(size)
		if !fn(rec, offset) {
			return offset, true, nil
		}
	}
}

// ignoreEnd makes the end of a file, whole or torn, no error.
func ignoreEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}
