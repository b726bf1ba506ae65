package house

import (
	"context"
	"errors"
	"fmt"
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
		for _, e := range list {
			if e.Kind != erasedSubject {
				return fmt.Errorf("something of the kind %q was erased since, and this version does not know how; restore with the version that erased it", e.Kind)
			}
			if _, err := m.Erase(ctx, e.ID); err != nil {
				return fmt.Errorf("erasing again what was erased since: %w", err)
			}
		}
		return nil
	}
}
