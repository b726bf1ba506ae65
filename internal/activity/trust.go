package activity

import (
	"context"
	"fmt"
	"time"
)

// A clock that jumps forward must not make a night's work of a year: what is
// removed cannot be brought back. Enforce therefore removes nothing when far
// more time has passed since it last ran than a night, until the clock has
// held for most of a day. A server that was off over the summer removes a day
// later, which harms nobody.
const (
	longestRest = 10 * 24 * time.Hour
	doubtLasts  = 20 * time.Hour
)

// Notes that the totals keep about the clock, in seconds.
const (
	metaEnforced = "enforced" // when Enforce last removed what was old
	metaDoubt    = "doubt"    // since when the clock is doubted
)

// held says why nothing may be removed now, "" where it may.
func (s *Store) held(ctx context.Context, now time.Time) (string, error) {
	last, err := readMeta(ctx, s.totals.db, metaEnforced)
	if err != nil {
		return "", err
	}
	doubt, err := readMeta(ctx, s.totals.db, metaDoubt)
	if err != nil {
		return "", err
	}
	since := now.Sub(time.Unix(doubt, 0))
	settled := doubt > 0 && since >= doubtLasts && since <= longestRest
	if last == 0 || now.Sub(time.Unix(last, 0)) <= longestRest || settled {
		s.enforced.Store(now.Unix())
		return "", s.totals.note(ctx, map[string]int64{metaEnforced: now.Unix(), metaDoubt: 0})
	}
	if doubt == 0 || since < 0 || since > longestRest {
		if err := s.totals.note(ctx, map[string]int64{metaDoubt: now.Unix()}); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("The clock says that %d days have passed since old web activity was last removed. Nothing is removed until it has said so for a day; look whether the date is right.",
		int(now.Sub(time.Unix(last, 0)).Hours()/24)), nil
}

// trusted is the time by which an event is called too old: a clock that has
// jumped far ahead makes nothing old that is not.
func (s *Store) trusted(now time.Time) time.Time {
	last := s.enforced.Load()
	if last == 0 {
		return now
	}
	if most := time.Unix(last, 0).Add(longestRest); now.After(most) {
		return most
	}
	return now
}

func (t *totals) note(ctx context.Context, notes map[string]int64) error {
	for name, v := range notes {
		_, err := t.db.ExecContext(ctx, `INSERT INTO meta (name, value) VALUES ($1, $2)
			ON CONFLICT DO UPDATE SET value = excluded.value`, name, fmt.Sprint(v))
		if err != nil {
			return fmt.Errorf("noting %q: %w", name, err)
		}
	}
	return nil
}
