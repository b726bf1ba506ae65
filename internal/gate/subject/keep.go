package subject

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// kept is the file that lets a gate that starts again know who is there
// before its parent, if there is one, tells it.
type kept struct {
	Number  uint64   `json:"number"`
	Rows    []Row    `json:"rows"`
	Devices []Device `json:"devices"`
}

// Save writes the table to a file, whole or not at all.
func (t *Table) Save(path string) error {
	t.mu.RLock()
	k := kept{Number: t.number, Rows: make([]Row, 0, len(t.rows)), Devices: make([]Device, 0, len(t.devices))}
	for _, r := range t.rows {
		k.Rows = append(k.Rows, *r)
	}
	for _, d := range t.devices {
		k.Devices = append(k.Devices, *d)
	}
	t.mu.RUnlock()
	raw, err := json.Marshal(k)
	if err != nil {
		return fmt.Errorf("writing presence: %w", err)
	}
	tmp := path + ".new"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("writing presence: %w", err)
	}
	_, err = f.Write(raw)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("writing presence: %w", err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("writing presence: %w", err)
	}
	return nil
}

// Load reads what Save wrote. No file is an empty table. Rows that ended in
// the meantime are left out.
func (t *Table) Load(path string, now time.Time) error {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading presence: %w", err)
	}
	var k kept
	if err := json.Unmarshal(raw, &k); err != nil {
		return fmt.Errorf("reading presence: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.number = k.Number
	t.setDevices(k.Devices)
	for i := range k.Rows {
		if r := k.Rows[i]; now.Before(r.Ends) && len(t.rows) < maxRows {
			r.begin(nil, now)
			t.addLocked(&r)
		}
	}
	return nil
}
