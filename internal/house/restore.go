package house

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"belisha/internal/kit/backup"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/vault"
)

// RestoreRequest asks for a backup to be restored to a new folder.
type RestoreRequest struct {
	Archive string
	To      string
	KeyFile string    // the school key; "" reads Words
	Words   io.Reader // the printed recovery words
	Data    string    // this machine's data folder, whose key is tried when none is named
	Clock   clock.Clock
}

// maxWords bounds what is read as recovery words.
const maxWords = 4096

// Restore restores a backup. It needs no running server, and none of the
// records it came from.
func Restore(ctx context.Context, q RestoreRequest) (backup.Restored, error) {
	key, err := q.key()
	if err != nil {
		return backup.Restored{}, err
	}
	// `backup run` prints a name; it lies in the data folder's backups.
	if _, err := os.Stat(q.Archive); errors.Is(err, os.ErrNotExist) {
		if named := filepath.Join(q.Data, "backups", filepath.Base(q.Archive)); fileThere(named) {
			q.Archive = named
		}
	}
	cfg := Config{Clock: q.Clock}
	r := backup.Restore{
		Archive: q.Archive, Folder: q.To, School: key, Clock: q.Clock, Schemas: Schemas(),
		Check: CheckRestored(cfg), Replay: replayErasures(q.Clock), KeyFile: filepath.Join("keys", "school.key"),
	}
	return r.Do(ctx)
}

// key finds the school key: the file named, this machine's own, or the
// recovery words.
func (q RestoreRequest) key() ([]byte, error) {
	if q.KeyFile != "" {
		return vault.ReadKeyFile(q.KeyFile)
	}
	own := filepath.Join(q.Data, "keys", "school.key")
	if _, err := os.Stat(own); err == nil {
		return vault.ReadKeyFile(own)
	}
	b, err := io.ReadAll(io.LimitReader(q.Words, maxWords))
	if err != nil {
		return nil, fmt.Errorf("reading the recovery words: %w", err)
	}
	if len(b) == 0 {
		return nil, errors.New("the school key is needed: name its file with --key, or type the recovery words")
	}
	return vault.FromRecovery(string(b))
}

func fileThere(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
