package house

import (
	"context"
	"fmt"
	"time"

	"belisha/internal/school/alarms"
	"belisha/internal/school/people"
)

// Bounds of what is an alarm about the machine.
const (
	hardlyFree = 200 << 20
	failsOften = 3
	mailAway   = time.Hour
	provesEach = 6 * time.Hour
)

// machine looks at the disk and at what happens by the clock.
func (w *watching) machine(ctx context.Context, _ time.Time, see *sight) error {
	free, err := freeBytes(w.h.folder.Dir)
	if err != nil {
		see.cannot("the disk cannot be asked", "disk-full")
	} else {
		w.disk(free, see)
	}
	list, err := w.h.tasks.Health(ctx)
	if err != nil {
		return err
	}
	see.looked("task-fails")
	for _, t := range list {
		if t.Failures < failsOften {
			continue
		}
		see.bad(alarms.Signal{
			Kind: "task-fails", Subject: t.Name, Words: fmt.Sprintf("What happens by the clock fails again and again: %s", t.Name), May: t.Error + ".",
			Todo: "It is tried again by itself. If this stays, look at the health page.", Owner: people.NetworkManager, Risk: 2, Link: "/health", After: 1,
		})
	}
	return nil
}

func (w *watching) disk(free uint64, see *sight) {
	see.looked("disk-full")
	if free >= leastFree {
		return
	}
	risk := 2
	if free < hardlyFree {
		risk = 3
	}
	see.bad(alarms.Signal{
		Kind: "disk-full", Words: "The disk of this machine is nearly full", May: "When it is full, nothing more can be written down: no web activity, no change, no backup.",
		Todo: "Make room where the data folder is.", Owner: people.NetworkManager, Risk: risk, Link: "/health",
	})
}

// mail looks whether people can be told.
func (w *watching) mail(ctx context.Context, now time.Time, see *sight) error {
	s, err := w.h.Notices.State(ctx)
	if err != nil {
		return err
	}
	if !s.On {
		see.cannot("no mail server is named", "mail-away")
		return nil
	}
	see.looked("mail-away")
	if s.Trouble == "" || now.Sub(s.Since) < mailAway {
		return nil
	}
	see.bad(alarms.Signal{
		Kind: "mail-away", Words: "Mail does not go out", May: "Nobody is told by mail that something waits; it stands on their first page alone. " + s.Trouble + ".",
		Todo: "Look at the mail server and at [mail] in the config file. Nothing is lost: it is tried again every few minutes.", Owner: people.NetworkManager, Risk: 2, Link: "/health", After: 1,
	})
	return nil
}

// journal verifies it from time to time; in between what was found last holds.
func (w *watching) journal(ctx context.Context, now time.Time, see *sight) error {
	if w.proved.IsZero() || now.Sub(w.proved) >= provesEach || now.Before(w.proved) {
		rep, err := w.h.journal.Verify(ctx)
		if err != nil {
			see.cannot("it could not be read", "journal-wrong")
			return err
		}
		w.proved, w.fault = now, ""
		if !rep.OK {
			w.fault = rep.Fault.What
		}
	}
	see.looked("journal-wrong")
	if w.fault == "" {
		return nil
	}
	see.bad(alarms.Signal{
		Kind: "journal-wrong", Words: "The journal does not hold", May: w.fault + " Somebody may have changed records behind Belisha’s back, or the disk is damaged.",
		Todo: "Run belisha journal verify, keep a copy of the data folder as it is, and ask who has had access to it.", Owner: people.Headteacher, Risk: 3, Link: "/journal", After: 1,
	})
	return nil
}
