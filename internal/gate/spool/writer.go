package spool

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"belisha/internal/kit/clock"
)

const (
	defaultMax   = 256 << 20
	minMax       = 64 << 10
	segmentShare = 32 // a segment is at most this part of the whole
	reserveShare = 8  // this part of the whole is kept for blocks and alerts
	flushEvery   = 100 * time.Millisecond
	maxBuffer    = 4 << 20
	maxUrgent    = 6 << 20
	waitForDisk  = 250 * time.Millisecond
)

// ErrLate says that an event is queued but was not on disk in time.
var ErrLate = errors.New("the spool was too slow")

// ErrFull says that there is no room: the event was dropped, and counted.
var ErrFull = errors.New("the spool is full")

// Options says where a spool is and how big it may grow.
type Options struct {
	Dir      string
	MaxBytes int64 // 0: 256 MB
	Site     string
	Clock    clock.Clock
	Log      *slog.Logger
}

// Stats is what the spool has done since it was opened.
type Stats struct {
	Events   uint64 `json:"events"`   // decisions taken, repeats included
	Records  uint64 `json:"records"`  // events written
	Dropped  uint64 `json:"dropped"`  // routine events dropped for want of room
	Lost     uint64 `json:"lost"`     // blocks and alerts dropped: the reserved room was full too
	Failures uint64 `json:"failures"` // writes that the disk refused
	Late     uint64 `json:"late"`     // blocks whose page did not wait for the disk
	Bytes    int64  `json:"bytes"`    // on disk, not yet drained
	LastID   uint64 `json:"lastId"`
}

// Writer appends events to the spool. An event that Put returned nil for is in
// the file: killing the process does not lose it. Add is for what may be
// dropped when there is no room; it is in the file at most 100 ms later.
type Writer struct {
	opt     Options
	merge   *merger
	routine int64 // bytes up to which routine events are taken

	mu      sync.Mutex
	flushed *sync.Cond
	buf     []byte
	queued  uint64 // batches handed in
	written uint64 // batches on disk
	nextID  uint64
	stats   Stats
	used    int64
	closed  bool

	file    *os.File
	fileLen int64
	dirty   bool // since the last fsync
	spare   []byte

	wake chan struct{}
	stop chan struct{}
	done chan struct{}
}

// Open opens the spool for appending, numbers on where the last gate stopped,
// and writes down the repeats that a killed gate had counted but not closed.
func Open(opt Options) (*Writer, error) {
	if opt.MaxBytes == 0 {
		opt.MaxBytes = defaultMax
	}
	opt.MaxBytes = max(opt.MaxBytes, minMax)
	if opt.Clock == nil {
		opt.Clock = clock.System{}
	}
	if opt.Log == nil {
		opt.Log = slog.Default()
	}
	if err := os.MkdirAll(opt.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the spool's folder: %w", err)
	}
	w := &Writer{
		opt: opt, merge: newMerger(), nextID: 1,
		routine: opt.MaxBytes - opt.MaxBytes/reserveShare,
		wake:    make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
	w.flushed = sync.NewCond(&w.mu)
	left, err := w.recoverSpool()
	if err != nil {
		return nil, err
	}
	for i := range left {
		w.queueLocked(&left[i].event, left[i].closes)
	}
	go w.run()
	return w, nil
}

// Add takes a routine event. It never waits. A repeat within a minute is only
// counted. It reports false when the event had to be dropped.
func (w *Writer) Add(e Event) bool {
	return w.take(&e, false, false) == nil
}

// Put takes an event that must not be lost, and returns when it is in the
// file, or after a quarter of a second with ErrLate.
func (w *Writer) Put(ctx context.Context, e Event) error {
	if err := w.take(&e, true, true); err != nil {
		return err
	}
	return w.sync(ctx, waitForDisk)
}

// Queue takes an event that must not be lost, as Put does, and does not wait
// for it: it is in the file at most 100 ms later.
func (w *Writer) Queue(e Event) error { return w.take(&e, true, false) }

func (w *Writer) take(e *Event, urgent, now bool) error {
	if e.Count == 0 {
		e.Count = 1
	}
	mergeable := e.Kind == Decision
	k := keyOf(e)
	if mergeable {
		merged, ended := w.merge.repeat(k, e)
		if merged {
			w.mu.Lock()
			w.stats.Events += uint64(e.Count)
			w.mu.Unlock()
			return nil
		}
		w.closeWindow(ended)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if e.Kind == Decision {
		w.stats.Events += uint64(e.Count)
	}
	if err := w.roomLocked(urgent); err != nil {
		return err
	}
	w.queueLocked(e, 0)
	if mergeable {
		w.merge.begin(k, e)
	}
	if now || urgent && len(w.buf) > maxBuffer/2 {
		w.poke()
	}
	return nil
}

// AddBytes counts bytes of an event that was recorded when it began. It
// reports false when its minute is over; the total is then only in the gate's
// own counters.
func (w *Writer) AddBytes(e *Event, n uint64) bool {
	return n == 0 || w.merge.addBytes(keyOf(e), n)
}

// roomLocked keeps the last part of the spool for what must not be lost.
func (w *Writer) roomLocked(urgent bool) error {
	if w.closed {
		return ErrFull
	}
	used := w.used + int64(len(w.buf))
	if urgent && used < w.opt.MaxBytes && len(w.buf) < maxUrgent {
		return nil
	}
	if !urgent && used < w.routine && len(w.buf) < maxBuffer {
		return nil
	}
	if urgent {
		w.stats.Lost++
	} else {
		w.stats.Dropped++
	}
	return ErrFull
}

func (w *Writer) queueLocked(e *Event, closes uint64) {
	e.ID = w.nextID
	w.nextID++
	w.buf = appendRecord(w.buf, func(b []byte) []byte { return appendEvent(b, e, closes) })
	w.queued++
	w.stats.Records++
	w.stats.LastID = e.ID
}

func (w *Writer) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// sync waits until everything queued by now is in the file.
func (w *Writer) sync(ctx context.Context, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.flushed.Broadcast()
	})
	defer stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	want := w.queued
	for w.written < want && ctx.Err() == nil {
		w.flushed.Wait()
	}
	if w.written < want {
		w.stats.Late++
		return ErrLate
	}
	return nil
}

// closeWindow writes the repeats of an ended window as one event.
func (w *Writer) closeWindow(ended *window) {
	if ended == nil || ended.count == 0 && ended.bytes == 0 {
		return
	}
	e := ended.event
	e.Count, e.Bytes = ended.count, ended.bytes
	if e.Count == 0 {
		return // bytes alone are no event
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.roomLocked(e.Action == ActionBlock || e.Alert != "") == nil {
		w.queueLocked(&e, ended.event.ID)
	}
}

// Stats returns the counters.
func (w *Writer) Stats() Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.stats
	s.Bytes = w.used + int64(len(w.buf))
	return s
}

// Close writes everything that is queued and counted, and ends.
func (w *Writer) Close() error {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return nil
	}
	w.mu.Unlock()
	for _, ended := range w.merge.takeEnded(time.Time{}, true) {
		w.closeWindow(ended)
	}
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	close(w.stop)
	<-w.done
	if w.file == nil {
		return nil
	}
	if err := errors.Join(w.file.Sync(), w.file.Close()); err != nil {
		return fmt.Errorf("closing the spool: %w", err)
	}
	return nil
}
