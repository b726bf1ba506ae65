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
	"belisha/internal/school/people"
)

// heads are those to whom goes what nobody saw to.
var heads = []people.Post{people.Headteacher, people.DeputyHead}

// keep stores a change of an alarm with its line in the journal, and tells
// posts about it.
func (r *Room) keep(ctx context.Context, a Alarm, verb journal.Verb, after map[string]string, tell ...people.Post) error {
	return r.DB.Write(ctx, func(tx *store.Tx) error {
		if err := updateAlarm(ctx, tx, a); err != nil {
			return err
		}
		return r.write(ctx, tx, a, verb, after, tell)
	})
}

func (r *Room) write(ctx context.Context, tx *store.Tx, a Alarm, verb journal.Verb, after map[string]string, tell []people.Post) error {
	if err := r.tell(ctx, tx, a, tell); err != nil {
		return err
	}
	return r.Journal.Write(ctx, tx, journal.Entry{Verb: verb, Kind: "alarm", ID: a.ID, After: after, Rows: []journal.Row{{Table: "alarms", ID: a.ID}}})
}

// raise makes an alarm of a signal, or has one go on that ended a little while
// ago: what comes and goes is one alarm.
func (r *Room) raise(ctx context.Context, s Signal, since, now time.Time) error {
	a := Alarm{
		ID: store.NewID(now), Kind: s.Kind, Subject: s.Subject, Words: s.Words, May: s.May, Todo: s.Todo,
		Owner: s.Owner, Risk: s.Risk, Link: s.Link, Since: since, ToldAt: now, Times: 1, Version: 1,
	}
	var tell []people.Post
	if !r.Held(ctx, s.Owner) {
		a.UpAt, tell = now, heads
	} else {
		tell = []people.Post{s.Owner}
	}
	return r.DB.Write(ctx, func(tx *store.Tx) error {
		old, found, err := lately(ctx, tx, s.Kind, s.Subject, now.Add(-sameWithin))
		if err != nil {
			return err
		}
		after := map[string]string{"kind": a.Kind}
		if found {
			old.take(s)
			old.EndedAt, old.Times = time.Time{}, old.Times+1
			if old.Seen() {
				tell = nil // who saw to it is asked again when the time for it has come
			} else {
				old.ToldAt = now
			}
			a, after = old, map[string]string{"kind": a.Kind, "time": fmt.Sprint(old.Times)}
			err = updateAlarm(ctx, tx, a)
		} else {
			err = insertAlarm(ctx, tx, a)
		}
		if err != nil {
			return err
		}
		return r.write(ctx, tx, a, VerbRaised, after, tell)
	})
}

// take has an alarm say what is so now.
func (a *Alarm) take(s Signal) {
	a.Words, a.May, a.Todo, a.Risk, a.Link = s.Words, s.May, s.Todo, s.Risk, s.Link
}

// tell mails posts that there is an alarm, once a day for a kind however many
// there are, and never what it says.
func (r *Room) tell(ctx context.Context, tx *store.Tx, a Alarm, posts []people.Post) error {
	if r.Notices == nil || a.Risk < 2 || len(posts) == 0 {
		return nil
	}
	n := notice.Notice{
		Key: "alarm/" + a.Kind + "/" + r.now().UTC().Format(time.DateOnly), What: "Belisha raised an alarm about the filter", Link: pathAlarms, Risk: a.Risk,
	}
	for _, p := range posts {
		n.Posts = append(n.Posts, string(p))
	}
	if slices.Equal(posts, heads) {
		n.Key, n.What = n.Key+"/up", "An alarm about the filter was not seen to"
	}
	return r.Notices.Send(ctx, tx, n)
}

// goesOn does what is due for an alarm whose thing is still bad.
func (r *Room) goesOn(ctx context.Context, a Alarm, s Signal, now time.Time) error {
	graver := s.Risk > a.Risk
	switch {
	case a.Seen() && (graver || !a.BackAt.IsZero() && !now.Before(a.BackAt)):
		a.take(s)
		a.SeenAt, a.BackAt, a.UpAt, a.ToldAt = time.Time{}, time.Time{}, time.Time{}, now
		return r.keep(ctx, a, VerbBack, nil, a.Owner)
	case a.Seen():
		return nil
	case graver:
		a.take(s)
		a.ToldAt = now
		return r.keep(ctx, a, VerbRaised, map[string]string{"risk": fmt.Sprint(a.Risk)}, a.Owner)
	case a.UpAt.IsZero() && a.Risk >= 2 && r.waited(ctx, a, now):
		a.take(s)
		a.UpAt = now
		return r.keep(ctx, a, VerbUp, nil, heads...)
	case now.Sub(a.ToldAt) >= again:
		a.take(s)
		a.ToldAt = now
		return r.keep(ctx, a, VerbRaised, map[string]string{"told": "again"}, a.Owner)
	}
	return nil
}

// waited reports whether nobody saw to an alarm for so much of the school's
// hours that it goes to the head.
func (r *Room) waited(ctx context.Context, a Alarm, now time.Time) bool {
	most := r.Live.Current().Duration(keyUp)
	return schoolTime(r.School(ctx), a.ToldAt, now, most) >= most
}

func (r *Room) end(ctx context.Context, a Alarm, now time.Time) error {
	a.EndedAt = now
	return r.keep(ctx, a, VerbEnded, nil)
}

// Later is how long an alarm that goes on need not be thought of, in days.
var Later = []int{1, 7, 30}

// SeeTo notes what somebody did about an alarm. It is no task any more; where
// it still goes on after some days, it becomes one again.
func (r *Room) SeeTo(ctx context.Context, id string, version int64, note string, days int) error {
	note = strings.TrimSpace(note)
	bad := store.Invalid{}
	switch {
	case note == "":
		bad["note"] = "Say in a sentence what you found or did"
	case len(note) > mostNote:
		bad["note"] = fmt.Sprintf("Shorten it to %d letters", mostNote)
	}
	if !slices.Contains(Later, days) {
		bad["days"] = "Choose when you want to hear of it again"
	}
	if err := bad.OrNil(); err != nil {
		return err
	}
	who := actor.From(ctx)
	return r.DB.Write(ctx, func(tx *store.Tx) error {
		a, err := get(ctx, tx, id)
		if err != nil {
			return err
		}
		if a.Version != version || a.Seen() {
			return store.ErrStale
		}
		now := r.now()
		a.SeenAt, a.SeenBy, a.Note, a.BackAt = now, who.Person, note, now.Add(time.Duration(days)*day)
		if err := updateAlarm(ctx, tx, a); err != nil {
			return err
		}
		return r.write(ctx, tx, a, VerbSeen, map[string]string{"note": note, "until": a.BackAt.UTC().Format(time.DateOnly)}, nil)
	})
}
