package backup

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// erasuresName is the list of erasures beside the backups.
const erasuresName = "erasures.jsonl"

// replay erases what was erased since the backup was made.
func (q Restore) replay(ctx context.Context, work string, man Manifest) (int, error) {
	all, err := readErasures(filepath.Join(filepath.Dir(q.Archive), erasuresName))
	if err != nil {
		return 0, err
	}
	var since []Erasure
	for _, e := range all {
		if !e.At.Before(man.Made) {
			since = append(since, e)
		}
	}
	if len(since) == 0 {
		return 0, nil
	}
	if q.Replay == nil {
		return 0, fmt.Errorf("%d erasures were made since this backup and cannot be made again here; nothing was restored", len(since))
	}
	if err := q.Replay(ctx, work, since); err != nil {
		return 0, fmt.Errorf("erasing again what was erased since this backup: %w", err)
	}
	return len(since), nil
}

// NoteErasure notes beside the backups that something was erased. Call it
// before the erasure is committed: an erasure that cannot be noted must not be
// made, since a restore would bring it back.
func (r *Room) NoteErasure(e Erasure) (err error) {
	if err := os.MkdirAll(r.Target, 0o700); err != nil {
		return fmt.Errorf("noting an erasure beside the backups: %w", err)
	}
	if e.At.IsZero() {
		e.At = r.Clock.Now().UTC()
	}
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("noting an erasure beside the backups: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(r.Target, erasuresName), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("noting an erasure beside the backups: %w", err)
	}
	// A line that a full disk cut short must not swallow the next one.
	_, err = f.Write(append(append([]byte("\n"), line...), '\n'))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("noting an erasure beside the backups: %w", full(err, r.Target))
	}
	return nil
}

func readErasures(path string) (out []Erasure, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the list of erasures: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		if len(strings.TrimSpace(lines.Text())) == 0 {
			continue
		}
		var e Erasure
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("line %d of %s cannot be read; mend or remove the line, so that nothing erased comes back", n, path)
		}
		out = append(out, e)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the list of erasures: %w", err)
	}
	return out, nil
}
