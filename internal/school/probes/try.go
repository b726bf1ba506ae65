package probes

import (
	"context"
	"errors"
	"fmt"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/kit/tasks"
)

// Bounds of one trial.
const (
	mostAnswers = 2000
	mostText    = 400
	tryFor      = 5 * time.Minute
)

// ErrTrying says that a trial is running already.
var ErrTrying = errors.New("the filter is being tried just now; look again in a minute")

// Try has the filter asked, and keeps what came of it.
func (r *Room) Try(ctx context.Context, kind Kind) (Run, error) {
	if !r.trying.TryLock() {
		return Run{}, ErrTrying
	}
	defer r.trying.Unlock()
	ctx, stop := context.WithTimeout(ctx, tryFor)
	defer stop()
	begun := r.now()
	answers, note, err := r.Trial(ctx, kind != Hourly)
	if err != nil {
		answers = []Answer{{
			Case: "filter answers", Area: Path, What: "The filter answers on this machine", State: Unknown,
			Said: fmt.Sprintf("It could not be asked: %v. Look at the health page.", err),
		}}
	}
	run := Run{At: begun, Site: MainSite, Kind: kind, Took: r.now().Sub(begun), Note: note}
	return r.keep(ctx, run, answers)
}

// keep stores a trial with its line in the journal.
func (r *Room) keep(ctx context.Context, run Run, answers []Answer) (Run, error) {
	run.ID = store.NewID(r.now())
	answers = answers[:min(len(answers), mostAnswers)]
	for i := range answers {
		a := &answers[i]
		a.Said, a.What = short(a.Said), short(a.What)
		switch a.State {
		case Right:
			run.Right++
		case Wrong:
			run.Wrong++
		case NotSo:
			run.NotSo++
		default:
			a.State = Unknown
			run.Blind++
		}
	}
	// The trial is kept also when the time for it is over.
	ctx = context.WithoutCancel(ctx)
	err := r.DB.Write(ctx, func(tx *store.Tx) error {
		if err := insertRun(ctx, tx, run); err != nil {
			return err
		}
		for i, a := range answers {
			if err := insertAnswer(ctx, tx, run.ID, i, a); err != nil {
				return err
			}
		}
		return r.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbTried, Kind: "probe", ID: run.ID,
			After: map[string]any{"site": run.Site, "right": run.Right, "wrong": run.Wrong, "not asked": run.Blind},
		})
	})
	if err != nil {
		return run, fmt.Errorf("keeping a trial of the filter: %w", err)
	}
	r.Alarmed(ctx)
	return run, nil
}

func short(s string) string {
	if len(s) <= mostText {
		return s
	}
	cut := mostText
	for cut > 0 && s[cut]&0xc0 == 0x80 {
		cut--
	}
	return s[:cut] + "…"
}

// Names of the tasks.
const (
	TaskHourly  = "probes"
	TaskNightly = "probes-with-files"
)

// Tasks is what happens by the clock.
func (r *Room) Tasks() []tasks.Task {
	try := func(k Kind) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := r.Try(actor.With(ctx, actor.Belisha("probes")), k)
			return err
		}
	}
	return []tasks.Task{
		{Name: TaskHourly, Every: time.Hour, Limit: 2 * tryFor, Run: try(Hourly)},
		{Name: TaskNightly, At: "02:10", Limit: 2 * tryFor, Run: try(Nightly)},
		{Name: "probes-retention", At: "03:40", Limit: 10 * time.Minute, Removes: true, Run: func(ctx context.Context) error {
			return r.Retain(actor.With(ctx, actor.Belisha("probes")))
		}},
	}
}

// keepRight is how long single answers are kept that were right.
const keepRight = 7 * day

// Retain removes what is older than the school keeps.
func (r *Room) Retain(ctx context.Context) error {
	now := r.now()
	return r.DB.Write(ctx, func(tx *store.Tx) error {
		if err := removeRight(ctx, tx, now.Add(-keepRight)); err != nil {
			return err
		}
		n, err := removeRuns(ctx, tx, now.Add(-r.Live.Current().Duration(keyKeep)))
		if err != nil || n == 0 {
			return err
		}
		return r.Journal.Write(ctx, tx, journal.Entry{Verb: VerbRemoved, Kind: "probes", ID: "old", After: map[string]int64{"trials": n}})
	})
}
