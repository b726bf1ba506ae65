package house

import (
	"context"
	"testing"
	"time"

	"belisha/internal/gate/control"
	"belisha/internal/kit/store"
	"belisha/internal/school/alarms"
)

// Watching looks as the running house does.
type Watching struct{ w *watching }

// Watching returns what looks, without a look behind it.
func (h *House) Watching() Watching {
	return Watching{&watching{h: h, names: deviceNames{list: h.Filtering.Devices, clock: h.cfg.Clock}}}
}

func fresh() *sight { return &sight{alarms.Look{Why: map[string]string{}}} }

// Status is what is made of what the filter says.
func (x Watching) Status(t *testing.T, st control.Status, now time.Time) alarms.Look {
	t.Helper()
	see := fresh()
	x.w.filter(st, now, see)
	x.w.scanners(st, see)
	x.w.signIn(st, see)
	x.w.bypasses(t.Context(), st, now, see)
	return see.Look
}

// Disk is what is made of so much room.
func (x Watching) Disk(free uint64) alarms.Look {
	see := fresh()
	x.w.disk(free, see)
	return see.Look
}

// Records is what is made of the journal, the lists, the certificates, the
// trials and other days.
func (x Watching) Records(t *testing.T, now time.Time) alarms.Look {
	t.Helper()
	see := fresh()
	for _, part := range []func(context.Context, time.Time, *sight) error{
		x.w.journal, x.w.lists, x.w.certificates, x.w.trials, x.w.days,
	} {
		if err := part(t.Context(), now, see); err != nil {
			t.Fatal(err)
		}
	}
	return see.Look
}

// Whole is what a whole look comes to where no filter runs: what happens by the
// clock is not asked, since nothing does.
func (x Watching) Whole(t *testing.T, now time.Time) alarms.Look {
	t.Helper()
	see := fresh()
	x.w.running(t.Context(), now, see)
	if err := x.w.days(t.Context(), now, see); err != nil {
		t.Fatal(err)
	}
	return see.Look
}

// Kinds are the kinds that are watched.
func Kinds() []alarms.Kind { return watched() }

// Spoil changes a line of the journal behind its back.
func (h *House) Spoil(t *testing.T) {
	t.Helper()
	err := h.db.Write(t.Context(), func(tx *store.Tx) error {
		_, err := tx.ExecContext(t.Context(), "UPDATE journal_lines SET verb = 'nothing.happened' WHERE seq = 1")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
