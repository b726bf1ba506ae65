package filtering

import (
	"context"
	"fmt"
	"slices"
	"time"

	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
	"belisha/internal/verdict"
)

// Lessons is what classes are set during their lessons, as another room keeps
// it. It is no decision about the filter: it narrows what is open already.
type Lessons struct {
	Focuses []LessonFocus
	// Supervised are the key stages whose web needs somebody who supervises,
	// and Clause what says so.
	Supervised []people.KeyStage
	Clause     string
	Sessions   []LessonSession
}

// LessonFocus keeps a class on some sites until an end; without sites its web
// is paused.
type LessonFocus struct {
	ID, Class   string
	Hosts       []string
	From, Until time.Time
}

// LessonSession is somebody supervising a class, or whoever is at a place.
type LessonSession struct {
	ID, Class, Place string
	From, Until      time.Time
}

func (r *Room) lessons(ctx context.Context, v *setting.Values) (Lessons, error) {
	if r.d.Lessons == nil {
		return Lessons{}, nil
	}
	l, err := r.d.Lessons(ctx, v)
	if err != nil {
		return l, fmt.Errorf("asking what classes are set: %w", err)
	}
	return l, nil
}

// Lesson puts in force what classes are set now. What it says stands in the
// change log.
func (r *Room) Lesson(ctx context.Context, says string) error {
	if err := r.catchUpBy(ctx, Change{Kind: kindLesson, What: says}); err != nil {
		return err
	}
	return r.Publish(ctx)
}

// Focused reports whether what was set for a class, by its id, is in the rules
// in force.
func (r *Room) Focused(id string) bool {
	snap := r.Snapshot()
	if snap == nil {
		return false
	}
	for n := uint32(1); ; n++ {
		rule, ok := snap.Names().Rule(n)
		if !ok || rule.Kind == "focus" && rule.ID == id {
			return ok
		}
	}
}

func (m *maker) lessons() error {
	for _, f := range m.during.Focuses {
		m.rules.Focuses = append(m.rules.Focuses, verdict.Focus{
			ID: f.ID, Hosts: f.Hosts, Who: m.classOf(f.Class), Span: span(f.From, f.Until),
		})
	}
	if len(m.during.Supervised) > 0 {
		x := &verdict.Supervision{Who: verdict.Who{Groups: slices.Clone(m.members[GroupPupils])}, Clause: m.during.Clause}
		for _, k := range m.during.Supervised {
			x.Who.KeyStages = append(x.Who.KeyStages, string(k))
		}
		for _, s := range m.during.Sessions {
			y := verdict.Session{ID: s.ID, Span: span(s.From, s.Until)}
			if s.Class != "" {
				y.Who = m.classOf(s.Class)
			}
			if s.Place != "" {
				m.places[s.Place] = true
				y.Who.Places = []string{s.Place}
			}
			x.Sessions = append(x.Sessions, y)
		}
		m.rules.Supervision = x
	}
	slices.Sort(m.rules.Classes)
	return nil
}

// classOf are the pupils of a class.
func (m *maker) classOf(class string) verdict.Who {
	label := ForClass(class)
	if !slices.Contains(m.rules.Classes, label) {
		m.rules.Classes = append(m.rules.Classes, label)
	}
	return verdict.Who{Groups: slices.Clone(m.members[GroupPupils]), Classes: []string{label}}
}

func span(from, until time.Time) verdict.Span {
	return verdict.Span{From: store.Millis(from), Until: store.Millis(until)}
}

// Site is the one form of the name of a site that somebody typed or copied from
// the address bar.
func Site(text string) (string, error) { return oneHost(text) }

// Places are the places of the school's devices.
func (r *Room) Places(ctx context.Context) ([]string, error) {
	list, err := r.Devices(ctx)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, d := range list {
		if d.Place != "" && !slices.Contains(out, d.Place) {
			out = append(out, d.Place)
		}
	}
	slices.Sort(out)
	return out, nil
}
