package alarms

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/notice"
	"belisha/internal/kit/store"
	"belisha/internal/kit/tasks"
)

// Bounds of alarms.
const (
	every       = 3 * time.Minute
	usualAfter  = 2       // looks that must find it bad
	goodBefore  = 3       // looks that must find it well before it ends
	mostOfKind  = 10      // alarms of one kind that run at a time
	mostPending = 500     // things that were bad and are no alarm yet
	again       = 3 * day // how long nobody saw to it before it is told again
	mostNote    = 1000
)

// Look looks at everything once: what stayed bad becomes an alarm, what is
// well again ends one.
func (r *Room) LookOnce(ctx context.Context) error {
	r.looking.Lock()
	defer r.looking.Unlock()
	now := r.now()
	look, err := r.Look(ctx, now)
	if err != nil {
		return fmt.Errorf("looking for alarms: %w", err)
	}
	running, err := r.Running(ctx)
	if err != nil {
		return err
	}
	bad := map[string]Signal{}
	for _, s := range look.Bad {
		bad[s.key()] = s
	}
	perKind := map[string]int{}
	for _, a := range running {
		perKind[a.Kind]++
		key := a.Kind + "\n" + a.Subject
		s, still := bad[key]
		switch {
		case still:
			delete(r.good, a.ID)
			delete(bad, key)
			if err := r.tellAgain(ctx, a, s, now); err != nil {
				return err
			}
		case !slices.Contains(look.Looked, a.Kind):
		default:
			if r.good[a.ID]++; r.good[a.ID] >= goodBefore {
				delete(r.good, a.ID)
				if err := r.end(ctx, a, now); err != nil {
					return err
				}
			}
		}
	}
	return r.count(ctx, look, bad, perKind, now)
}

// count notes what is bad and no alarm yet, and raises what was bad often
// enough.
func (r *Room) count(ctx context.Context, look Look, bad map[string]Signal, perKind map[string]int, now time.Time) error {
	for key := range r.bad {
		kind, _, _ := strings.Cut(key, "\n")
		if _, still := bad[key]; !still && slices.Contains(look.Looked, kind) {
			delete(r.bad, key)
		}
	}
	for _, s := range look.Bad { // in order, so that the first are raised first
		key := s.key()
		if _, fresh := bad[key]; !fresh {
			continue
		}
		delete(bad, key)
		c := r.bad[key]
		if c == nil {
			if len(r.bad) >= mostPending {
				continue
			}
			c = &count{since: now}
			r.bad[key] = c
		}
		c.n++
		after := s.After
		if after == 0 {
			after = usualAfter
		}
		if c.n < after || perKind[s.Kind] >= mostOfKind {
			continue
		}
		perKind[s.Kind]++
		delete(r.bad, key)
		if err := r.raise(ctx, s, c.since, now); err != nil {
			return err
		}
	}
	return nil
}

func (r *Room) raise(ctx context.Context, s Signal, since, now time.Time) error {
	a := Alarm{
		ID: store.NewID(now), Kind: s.Kind, Subject: s.Subject, Words: s.Words, May: s.May, Todo: s.Todo,
		Owner: s.Owner, Risk: s.Risk, Link: s.Link, Since: since, ToldAt: now, Version: 1,
	}
	return r.DB.Write(ctx, func(tx *store.Tx) error {
		if err := insertAlarm(ctx, tx, a); err != nil {
			return err
		}
		if err := r.tell(ctx, tx, a, now); err != nil {
			return err
		}
		return r.Journal.Write(ctx, tx, journal.Entry{Verb: VerbRaised, Kind: "alarm", ID: a.ID, After: map[string]string{"kind": a.Kind}, Rows: []journal.Row{{Table: "alarms", ID: a.ID}}})
	})
}

// tell mails the owner that there is an alarm, once a day for a kind however
// many there are, and never what it says.
func (r *Room) tell(ctx context.Context, tx *store.Tx, a Alarm, now time.Time) error {
	if r.Notices == nil || a.Risk < 2 {
		return nil
	}
	return r.Notices.Send(ctx, tx, notice.Notice{
		Key: "alarm/" + a.Kind + "/" + now.UTC().Format(time.DateOnly), Posts: []string{string(a.Owner)},
		What: "Belisha raised an alarm about the filter", Link: pathAlarms, Risk: a.Risk,
	})
}

// tellAgain tells the owner again of what nobody saw to for days.
func (r *Room) tellAgain(ctx context.Context, a Alarm, s Signal, now time.Time) error {
	if !a.SeenAt.IsZero() || now.Sub(a.ToldAt) < again {
		return nil
	}
	a.ToldAt, a.Words, a.May, a.Todo = now, s.Words, s.May, s.Todo
	return r.DB.Write(ctx, func(tx *store.Tx) error {
		if err := updateAlarm(ctx, tx, a); err != nil {
			return err
		}
		if err := r.tell(ctx, tx, a, now); err != nil {
			return err
		}
		return r.Journal.Write(ctx, tx, journal.Entry{Verb: VerbRaised, Kind: "alarm", ID: a.ID, After: map[string]string{"told": "again"}, Rows: []journal.Row{{Table: "alarms", ID: a.ID}}})
	})
}

func (r *Room) end(ctx context.Context, a Alarm, now time.Time) error {
	a.EndedAt = now
	return r.DB.Write(ctx, func(tx *store.Tx) error {
		if err := updateAlarm(ctx, tx, a); err != nil {
			return err
		}
		return r.Journal.Write(ctx, tx, journal.Entry{Verb: VerbEnded, Kind: "alarm", ID: a.ID, Rows: []journal.Row{{Table: "alarms", ID: a.ID}}})
	})
}

// SeeTo notes what somebody did about an alarm. It leaves the tray and goes on
// until it ends by itself.
func (r *Room) SeeTo(ctx context.Context, id string, version int64, note string) error {
	note = strings.TrimSpace(note)
	switch {
	case note == "":
		return store.Invalid{"note": "Say in a sentence what you found or did"}
	case len(note) > mostNote:
		return store.Invalid{"note": fmt.Sprintf("Shorten it to %d letters", mostNote)}
	}
	who := actor.From(ctx)
	return r.DB.Write(ctx, func(tx *store.Tx) error {
		a, err := get(ctx, tx, id)
		if err != nil {
			return err
		}
		if a.Version != version || !a.SeenAt.IsZero() {
			return store.ErrStale
		}
		a.SeenAt, a.SeenBy, a.Note = r.now(), who.Person, note
		if err := updateAlarm(ctx, tx, a); err != nil {
			return err
		}
		return r.Journal.Write(ctx, tx, journal.Entry{Verb: VerbSeen, Kind: "alarm", ID: a.ID, After: map[string]string{"note": note}, Rows: []journal.Row{{Table: "alarms", ID: a.ID}}})
	})
}

// Tasks is what happens by the clock.
func (r *Room) Tasks() []tasks.Task {
	return []tasks.Task{
		{Name: "alarms", Every: every, Limit: 2 * time.Minute, Run: func(ctx context.Context) error {
			return r.LookOnce(actor.With(ctx, actor.Belisha("alarms")))
		}},
		{Name: "alarms-retention", At: "03:50", Limit: 10 * time.Minute, Removes: true, Run: func(ctx context.Context) error {
			return r.Retain(actor.With(ctx, actor.Belisha("alarms")))
		}},
	}
}

// Retain removes alarms that ended long ago, and figures that are no longer
// held against anything.
func (r *Room) Retain(ctx context.Context) error {
	now := r.now()
	return r.DB.Write(ctx, func(tx *store.Tx) error {
		if err := removeFigures(ctx, tx, now.Add(-(weeksBack+1)*7*day)); err != nil {
			return err
		}
		gone, err := endedBefore(ctx, tx, now.Add(-r.Live.Current().Duration(keyKeep)))
		if err != nil || len(gone) == 0 {
			return err
		}
		var rows []journal.Row
		for _, a := range gone {
			if err := deleteAlarm(ctx, tx, a.ID); err != nil {
				return err
			}
			rows = append(rows, journal.Row{Table: "alarms", ID: a.ID})
		}
		return r.Journal.Write(ctx, tx, journal.Entry{Verb: VerbRemoved, Kind: "alarms", ID: "old", After: map[string]int{"alarms": len(gone)}, Rows: rows})
	})
}
