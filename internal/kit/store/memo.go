package store

import "sync"

// Turn counts what was written: what was read at one turn reads the same as
// long as the turn is the same. Every Write moves it on, kept or not.
func (d *DB) Turn() uint64 { return d.turn.Load() }

// Memo remembers what was read from the records until anything is written. The
// zero Memo knows nothing; it is safe for several goroutines. What it answers
// is shared: nobody changes it.
type Memo[T any] struct {
	mu    sync.Mutex
	known bool
	turn  uint64
	value T
}

// Get answers what read answered the last time, where nothing was written
// since. An error is not remembered.
func (m *Memo[T]) Get(d *DB, read func() (T, error)) (T, error) {
	turn := d.Turn() // before the reading: what is written meanwhile makes it old
	m.mu.Lock()
	known, value := m.known && m.turn == turn, m.value
	m.mu.Unlock()
	if known {
		return value, nil
	}
	value, err := read()
	if err != nil {
		return value, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.known, m.turn, m.value = true, turn, value
	return value, nil
}
