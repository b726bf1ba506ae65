package activity

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// totalsCopy is where Files puts a whole copy of the totals, whose own file
// changes at any moment. Open takes it up where totals.db is not there, as in
// a restored folder.
const totalsCopy = "totals.copy.db"

// Files lists what a backup of the store copies: the files of the settled
// days, which rest, and a fresh copy of the totals. A day that is still open
// comes with the next backup after its night.
func (s *Store) Files() ([]string, error) {
	var all []string
	s.mu.Lock()
	for date, d := range s.days {
		if s.totals.isSettled(date) {
			all = append(all, d.path)
		}
	}
	s.mu.Unlock()
	slices.Sort(all)
	copied, err := s.totals.copyTo(filepath.Join(s.dir, totalsCopy))
	if err != nil {
		return nil, err
	}
	return append(all, copied), nil
}

func (t *totals) copyTo(path string) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := removeDatabase(path); err != nil {
		return "", err
	}
	if _, err := t.db.ExecContext(context.Background(), `VACUUM INTO $1`, path); err != nil {
		return "", fmt.Errorf("copying the totals of web activity: %w", err)
	}
	return path, nil
}

// takeUpTotals puts the copy of the totals in place in a restored folder.
func takeUpTotals(dir, path string) error {
	_, err := os.Stat(path)
	if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	err = os.Rename(filepath.Join(dir, totalsCopy), path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("taking up the restored totals of web activity: %w", err)
	}
	return nil
}
