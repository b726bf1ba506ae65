package house

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"belisha/internal/activity"
	"belisha/internal/kit/backup"
	"belisha/internal/kit/clock"
)

// erasedSubject is an erasure of one person's web activity, by pseudonym.
const erasedSubject = "subject"

// EraseSubject takes a person out of web activity, for good: it is noted
// beside the backups first, so that no restore brings it back.
func (h *House) EraseSubject(ctx context.Context, subject string) (int, error) {
	err := h.Backup.NoteErasure(backup.Erasure{At: h.cfg.Clock.Now(), Kind: erasedSubject, ID: subject})
	if err != nil {
		return 0, err
	}
	if _, err := h.Monitoring.Forget(ctx, subject); err != nil {
		return 0, err
	}
	return h.memory.Erase(ctx, subject)
}

// replayErasures erases in a restored folder what was erased since the backup
// was made.
func replayErasures(c clock.Clock) backup.Replay {
	return func(ctx context.Context, folder string, list []backup.Erasure) (err error) {
		if len(list) == 0 {
			return nil
		}
		m, err := activity.Open(activity.Config{Dir: filepath.Join(folder, "activity"), Clock: c})
		if err != nil {
			return fmt.Errorf("opening the restored web activity: %w", err)
		}
		defer func() { err = errors.Join(err, m.Close()) }()
		var forget []string
		for _, e := range list {
			if e.Kind != erasedSubject {
				return fmt.Errorf("something of the kind %q was erased since, and this version does not know how; restore with the version that erased it", e.Kind)
			}
			if _, err := m.Erase(ctx, e.ID); err != nil {
				return fmt.Errorf("erasing again what was erased since: %w", err)
			}
			forget = append(forget, e.ID)
		}
		// The records can be changed only by a house, with the journal's line:
		// the restored one does it when it is opened first.
		b, err := json.Marshal(forget)
		if err != nil {
			return fmt.Errorf("noting what the restored records have to forget: %w", err)
		}
		return writeFile(filepath.Join(folder, forgetFile), b)
	}
}

// forgetFile names, in a restored folder, the pseudonyms that were erased since
// its backup was made.
const forgetFile = "forget.json"

// forgetErased takes out of restored records what was erased since their
// backup: signals and alerts would else come back.
func (h *House) forgetErased(ctx context.Context) error {
	path := h.folder.Path(forgetFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading what the restored records have to forget: %w", err)
	}
	var subjects []string
	if err := json.Unmarshal(b, &subjects); err != nil {
		return fmt.Errorf("%s is damaged; restore the backup again, so that nothing that was erased comes back: %w", forgetFile, err)
	}
	for _, s := range subjects {
		if _, err := h.Monitoring.Forget(ctx, s); err != nil {
			return err
		}
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("forgetting is done, but %s cannot be removed: %w", forgetFile, err)
	}
	return nil
}
