package spool

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const cursorFile = "cursor"

// Cursor is a place in the spool: everything before it has been taken over.
type Cursor struct {
	Segment uint64 `json:"segment"`
	Offset  int64  `json:"offset"`
}

// Reader drains a spool that a gate, in this process or another, writes.
// There is one reader to a spool. What Next returned and Ack did not confirm
// comes again, with the same IDs, also after either side was killed.
type Reader struct {
	dir     string
	at      Cursor
	damaged uint64
}

// OpenReader opens the spool in dir at the place last acknowledged.
func OpenReader(dir string) (*Reader, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the spool's folder: %w", err)
	}
	r := &Reader{dir: dir}
	raw, err := os.ReadFile(filepath.Join(dir, cursorFile))
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the spool's cursor: %w", err)
	}
	if err := json.Unmarshal(raw, &r.at); err != nil {
		// A damaged cursor costs a second delivery, which is harmless.
		r.at = Cursor{}
	}
	return r, nil
}

// Damaged is how many segments ended in a torn or damaged record so far. The
// events behind such a record in its segment are lost.
func (r *Reader) Damaged() uint64 { return r.damaged }

// Next returns up to limit events after the last acknowledged place, oldest
// first, and the cursor to acknowledge once they are safely stored. No events
// and no error means that nothing new is there.
func (r *Reader) Next(limit int) ([]Event, Cursor, error) {
	numbers, err := segments(r.dir)
	if err != nil {
		return nil, r.at, err
	}
	var out []Event
	at := r.at
	for i, number := range numbers {
		if number < at.Segment {
			continue
		}
		if number > at.Segment {
			at = Cursor{Segment: number}
		}
		last := i == len(numbers)-1
		clean, err := r.take(&at, &out, limit)
		if err != nil {
			return nil, r.at, err
		}
		if len(out) >= limit || last {
			break
		}
		if !clean {
			r.damaged++
		}
		at = Cursor{Segment: numbers[i+1]}
	}
	return out, at, nil
}

// take appends the events of one segment from at on.
func (r *Reader) take(at *Cursor, out *[]Event, limit int) (clean bool, err error) {
	f, err := os.Open(segmentPath(r.dir, at.Segment))
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("opening a spool segment: %w", err)
	}
	defer f.Close()
	end, clean, err := scan(f, at.Offset, func(rec record, _ int64) bool {
		if !rec.tally {
			*out = append(*out, rec.event)
		}
		return len(*out) < limit
	})
	if err != nil {
		return false, fmt.Errorf("reading a spool segment: %w", err)
	}
	at.Offset = end
	return clean, nil
}

// Ack confirms everything up to c: it will not come again, and segments that
// lie wholly before c are deleted.
func (r *Reader) Ack(c Cursor) error {
	if c == r.at {
		return nil
	}
	raw, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("writing the spool's cursor: %w", err)
	}
	if err := writeFileAtomic(filepath.Join(r.dir, cursorFile), raw); err != nil {
		return fmt.Errorf("writing the spool's cursor: %w", err)
	}
	r.at = c
	numbers, err := segments(r.dir)
	if err != nil {
		return err
	}
	for _, n := range numbers {
		if n >= c.Segment {
			break
		}
		if err := os.Remove(segmentPath(r.dir, n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("deleting a drained spool segment: %w", err)
		}
	}
	return nil
}

func writeFileAtomic(path string, data []byte) error {
	tmp := path + ".new"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(tmp, path)
}
