package spool

import (
	"encoding/binary"
	"fmt"
	"os"
	"time"
)

// run is the writer's one goroutine: it owns the file.
func (w *Writer) run() {
	defer close(w.done)
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-w.wake:
		case <-tick.C:
			w.collect()
			if n%10 == 0 {
				w.everySecond()
			}
		case <-w.stop:
			w.flush()
			return
		}
		w.flush()
	}
}

// collect queues what was counted since the last tick.
func (w *Writer) collect() {
	tallies := w.merge.takeDirty()
	if len(tallies) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.used+int64(len(w.buf)) >= w.opt.MaxBytes {
		return
	}
	for _, t := range tallies {
		w.buf = appendRecord(w.buf, func(b []byte) []byte { return appendTally(b, t.id, t.count, t.bytes) })
	}
	w.queued++
}

// everySecond closes windows, makes what is written durable against a power
// cut, and looks how much the reader has drained.
func (w *Writer) everySecond() {
	for _, ended := range w.merge.takeEnded(w.opt.Clock.Now(), false) {
		w.closeWindow(ended)
	}
	if w.dirty && w.file != nil {
		if err := w.file.Sync(); err != nil {
			w.failed(err)
		}
		w.dirty = false
	}
	w.measure()
}

func (w *Writer) measure() {
	numbers, err := segments(w.opt.Dir)
	if err != nil {
		return
	}
	var total int64
	for _, n := range numbers {
		if fi, err := os.Stat(segmentPath(w.opt.Dir, n)); err == nil {
			total += fi.Size()
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.used = total
}

// flush writes the queue to the file. What the disk refuses stays queued, up
// to the bounds of the queue, and is tried again.
func (w *Writer) flush() {
	w.mu.Lock()
	if len(w.buf) == 0 {
		w.written = w.queued
		w.flushed.Broadcast()
		w.mu.Unlock()
		return
	}
	batch, upTo, first := w.buf, w.queued, w.nextID
	w.buf = w.spare[:0]
	w.mu.Unlock()

	err := w.append(batch, first)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.buf = append(batch, w.buf...)
		w.spare = nil
		w.mu.Unlock()
		w.failed(err)
		w.mu.Lock()
		return
	}
	w.spare = batch[:0]
	if cap(batch) > maxUrgent {
		w.spare = nil
	}
	w.used += int64(len(batch))
	w.written = upTo
	w.flushed.Broadcast()
}

func (w *Writer) failed(err error) {
	w.mu.Lock()
	w.stats.Failures++
	first := w.stats.Failures%600 == 1 // about once a minute while it lasts
	w.mu.Unlock()
	if first {
		w.opt.Log.Error("the spool cannot write: make room on the disk", "error", err.Error())
	}
}

// append writes a batch of whole records, in a new segment when the present
// one is full. A batch that was only half written is cut off again.
func (w *Writer) append(batch []byte, nextID uint64) error {
	if w.file != nil && w.fileLen > w.opt.MaxBytes/segmentShare {
		old := w.file
		w.file = nil
		if err := old.Sync(); err != nil {
			w.failed(err)
		}
		old.Close()
	}
	if w.file == nil {
		if err := w.newSegment(firstID(batch, nextID)); err != nil {
			return err
		}
	}
	n, err := w.file.Write(batch)
	if err != nil {
		if n > 0 {
			if cut := w.file.Truncate(w.fileLen); cut != nil {
				// The torn record ends this segment; go on in another.
				w.file.Close()
				w.file = nil
			} else if _, seek := w.file.Seek(w.fileLen, 0); seek != nil {
				w.file.Close()
				w.file = nil
			}
		}
		return fmt.Errorf("writing the spool: %w", err)
	}
	w.fileLen += int64(n)
	w.dirty = true
	return nil
}

// firstID is the number of the first event in a batch, or the next one where
// it holds only tallies.
func firstID(batch []byte, next uint64) uint64 {
	for len(batch) > recordHead {
		size := binary.LittleEndian.Uint32(batch)
		rec, err := decodePayload(batch[recordHead : recordHead+size])
		if err == nil && !rec.tally {
			return rec.event.ID
		}
		batch = batch[recordHead+size:]
	}
	return next
}

func (w *Writer) newSegment(number uint64) error {
	path := segmentPath(w.opt.Dir, number)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if os.IsExist(err) {
		return w.reopen(path)
	}
	if err != nil {
		return fmt.Errorf("beginning a spool segment: %w", err)
	}
	head := binary.LittleEndian.AppendUint64([]byte(segmentMark), number)
	if _, err := f.Write(head); err != nil {
		f.Close()
		os.Remove(path)
		return fmt.Errorf("beginning a spool segment: %w", err)
	}
	w.file, w.fileLen = f, segmentHead
	return nil
}

// reopen goes on in a segment that exists but whose first record was never
// finished.
func (w *Writer) reopen(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("going on in a spool segment: %w", err)
	}
	end, _, err := scan(f, 0, func(record, int64) bool { return true })
	if err == nil {
		err = f.Truncate(end)
	}
	if err == nil {
		_, err = f.Seek(end, 0)
	}
	if err != nil {
		f.Close()
		return fmt.Errorf("going on in a spool segment: %w", err)
	}
	w.file, w.fileLen = f, end
	return nil
}

// leftover is an event to write for repeats that a killed gate had tallied.
type leftover struct {
	event  Event
	closes uint64
}

// recoverSpool finds the next number and the tallies nobody closed. A torn
// record at the end of a segment is left where it is: the reader stops there.
func (w *Writer) recoverSpool() ([]leftover, error) {
	numbers, err := segments(w.opt.Dir)
	if err != nil {
		return nil, err
	}
	tallies := make(map[uint64]tallyOf)
	for _, n := range numbers {
		w.nextID = max(w.nextID, n)
		if err := w.eachRecord(n, func(r record) {
			switch {
			case r.tally:
				tallies[r.of] = tallyOf{r.of, r.count, r.bytes}
			default:
				w.nextID = max(w.nextID, r.event.ID+1)
				delete(tallies, r.closes)
			}
		}); err != nil {
			return nil, err
		}
	}
	w.measure()
	if len(tallies) == 0 {
		return nil, nil
	}
	var out []leftover
	for _, n := range numbers {
		if err := w.eachRecord(n, func(r record) {
			t, ok := tallies[r.event.ID]
			if r.tally || !ok || t.count == 0 {
				return
			}
			e := r.event
			e.Count, e.Bytes = t.count, t.bytes
			out = append(out, leftover{e, r.event.ID})
		}); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (w *Writer) eachRecord(number uint64, fn func(record)) error {
	f, err := os.Open(segmentPath(w.opt.Dir, number))
	if os.IsNotExist(err) {
		return nil // drained in the meantime
	}
	if err != nil {
		return fmt.Errorf("reading the spool: %w", err)
	}
	defer f.Close()
	_, _, err = scan(f, 0, func(r record, _ int64) bool { fn(r); return true })
	if err != nil {
		return fmt.Errorf("reading the spool: %w", err)
	}
	return nil
}
