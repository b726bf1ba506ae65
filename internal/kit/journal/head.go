package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"
)

// Head is the end of the chain at a moment.
type Head struct {
	Seq  int64     `json:"seq"`
	Hash string    `json:"hash"`
	At   time.Time `json:"at"`
}

// Head returns the chain's head as the database has it.
func (j *Journal) Head(ctx context.Context) (Head, error) {
	var h Head
	err := j.db.QueryRowContext(ctx, "SELECT seq, hash FROM journal_head WHERE one = 1").Scan(&h.Seq, &h.Hash)
	if err != nil {
		return Head{}, fmt.Errorf("reading the journal's head: %w", err)
	}
	h.At = j.clock.Now().UTC()
	return h, nil
}

// committed runs after each commit: it writes the head outside the database
// and wakes the followers.
func (j *Journal) committed(h Head) {
	j.mu.Lock()
	defer j.mu.Unlock()
	// Two commits may arrive here in either order.
	if h.Seq > j.written {
		if err := j.writeHead(h); err != nil {
			slog.Error("the journal's head could not be written outside the database", "err", err)
		} else {
			j.written = h.Seq
		}
	}
	for _, c := range j.wake {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

func (j *Journal) writeHead(h Head) error {
	if j.headFile == "" {
		return nil
	}
	b, err := json.Marshal(h)
	if err != nil {
		return err
	}
	tmp := j.headFile + ".new"
	if err := os.WriteFile(tmp, append(b, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, j.headFile)
}

// outside reads the head last written outside the database.
func (j *Journal) outside() (h Head, ok bool, err error) {
	if j.headFile == "" {
		return Head{}, false, nil
	}
	b, err := os.ReadFile(j.headFile)
	if errors.Is(err, fs.ErrNotExist) {
		return Head{}, false, nil
	}
	if err != nil {
		return Head{}, false, fmt.Errorf("reading the head kept outside the database: %w", err)
	}
	if err := json.Unmarshal(b, &h); err != nil {
		return Head{}, false, fmt.Errorf("%s is damaged", filepath.Base(j.headFile))
	}
	return h, true, nil
}
