package monitoring

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"belisha/internal/activity"
	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// mayLesson lets a teacher see which sites a class opens in a lesson, by the
// classroom's own name for it.
const mayLesson actor.Capability = "classroom.look"

// VerbLesson is a teacher's look at a lesson. It is no look of a monitor: it
// shows sites and how many pupils, and needs no place on the list.
const VerbLesson journal.Verb = "lesson.viewed"

// mostLesson bounds how far back a lesson's look goes, and how many sites it
// shows.
const (
	mostLesson      = 4 * time.Hour
	mostLessonHosts = 200
)

// LessonHost is a site that pupils of a class opened.
type LessonHost struct {
	Host           string
	Times, Blocked int
	Pupils         []people.ID
	Last           time.Time
}

// Lesson answers which sites these pupils opened since a moment: hosts and no
// more, for the purpose of a lesson, and journals the look. What alerts a
// safeguarding lead, what quiet says of a kind of site, help services and the
// school's own pages are left out: they are not a teacher's to see. counted says
// that names are not recorded, so that nothing is known of a class.
func (r *Room) Lesson(ctx context.Context, class string, of []people.ID, since time.Time, quiet func(category string) bool) (list []LessonHost, counted bool, err error) {
	a := actor.From(ctx)
	if isPupil(a) || a.Audience != actor.Staff || !a.May(mayLesson) {
		return nil, false, store.ErrForbidden
	}
	on, err := r.Recording(ctx)
	if err != nil || !on {
		return nil, !on, err
	}
	now := r.d.Clock.Now()
	if now.Sub(since) > mostLesson {
		since = now.Add(-mostLesson)
	}
	by := map[string]*LessonHost{}
	for _, id := range of {
		events, err := r.eventsOf(ctx, id, since, now)
		if err != nil {
			return nil, false, err
		}
		for _, e := range events {
			if !lessons(e, quiet) {
				continue
			}
			h := by[e.Host]
			if h == nil {
				h = &LessonHost{Host: e.Host}
				by[e.Host] = h
			}
			h.add(e, id)
		}
	}
	for _, h := range by {
		list = append(list, *h)
	}
	slices.SortFunc(list, func(x, y LessonHost) int {
		return cmp.Or(cmp.Compare(len(y.Pupils), len(x.Pupils)), cmp.Compare(y.Times, x.Times), cmp.Compare(x.Host, y.Host))
	})
	list = list[:min(len(list), mostLessonHosts)]
	return list, false, r.d.DB.Write(ctx, func(tx *store.Tx) error {
		return r.d.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbLesson, Kind: "lesson", ID: class,
			After: map[string]string{"purpose": "lesson", "class": class, "sites": fmt.Sprint(len(list))},
		})
	})
}

// lessons reports a row that a teacher may see the host of. A safeguarding lead
// who teaches sees no more by it than any teacher does.
func lessons(e activity.Event, quiet func(category string) bool) bool {
	if e.Host == "" || e.Alert != "" || e.Action == activity.Support || e.Door == "pages" || e.Reason == "ours" || e.Reason == "help" {
		return false
	}
	return !quiet(e.Category) && !slices.ContainsFunc(e.Categories, quiet)
}

func (h *LessonHost) add(e activity.Event, who people.ID) {
	n := max(int(e.Count), 1)
	h.Times += n
	if e.Action == activity.Block {
		h.Blocked += n
	}
	if !slices.Contains(h.Pupils, who) {
		h.Pupils = append(h.Pupils, who)
	}
	if e.At.After(h.Last) {
		h.Last = e.At
	}
}
