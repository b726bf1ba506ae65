package classroom

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// lessonLong is how far back a look goes where no lesson stands in the
// calendar.
const lessonLong = time.Hour

// Lesson is when the lesson began, and its name where the calendar has one.
type Lesson struct {
	Name  string
	Began time.Time
	Ends  time.Time // zero where the calendar has none
}

// Lesson is the lesson of now.
func (r *Room) Lesson(ctx context.Context) (Lesson, error) {
	cal, err := r.d.People.Calendar(ctx, people.MainSite)
	if err != nil {
		return Lesson{}, fmt.Errorf("reading the calendar: %w", err)
	}
	now := r.now()
	l, ok := cal.LessonAt(now)
	if !ok {
		return Lesson{Began: now.Add(-lessonLong)}, nil
	}
	today := cal.Day(now)
	return Lesson{Name: l.Name, Began: cal.On(today, l.From), Ends: cal.On(today, l.Until)}, nil
}

// Pupil is somebody of a class, and where they are signed in.
type Pupil struct {
	Person  people.Person
	Devices []Present
}

// Class is a class as its teacher sees it now.
type Class struct {
	Name    string
	Pupils  []Pupil
	Signed  int // of these, who is signed in
	Running []Set
	Teaches bool // whoever asks teaches it
	Lesson  Lesson
}

// Class is who of a class is signed in, and what is set for it.
func (r *Room) Class(ctx context.Context, name string) (Class, error) {
	who, err := teacher(ctx, MayLead)
	if err != nil {
		return Class{}, err
	}
	of, err := r.pupilsOf(ctx, name)
	if err != nil {
		return Class{}, err
	}
	if len(of) == 0 {
		return Class{}, store.ErrNotFound
	}
	out := Class{Name: name}
	if out.Teaches, err = r.teaches(ctx, who, name); err != nil {
		return out, err
	}
	if out.Lesson, err = r.Lesson(ctx); err != nil {
		return out, err
	}
	behind, err := r.d.Behind(ctx)
	if err != nil {
		return out, err
	}
	at := map[people.ID][]Present{}
	for _, b := range behind {
		at[b.Person] = append(at[b.Person], b)
	}
	for _, p := range of {
		out.Pupils = append(out.Pupils, Pupil{Person: p, Devices: at[p.ID]})
		if len(at[p.ID]) > 0 {
			out.Signed++
		}
	}
	sort.SliceStable(out.Pupils, func(i, j int) bool { return out.Pupils[i].Person.Name() < out.Pupils[j].Person.Name() })
	running, err := r.Running(ctx)
	if err != nil {
		return out, err
	}
	for _, s := range running {
		if s.Class == name {
			out.Running = append(out.Running, s)
		}
	}
	sort.SliceStable(out.Running, func(i, j int) bool { return out.Running[i].Kind == Pause && out.Running[j].Kind != Pause })
	return out, nil
}

// Classes are those that somebody teaches, and all of the others.
func (r *Room) Classes(ctx context.Context) (mine, others []string, err error) {
	who, err := teacher(ctx, MayLead)
	if err != nil {
		return nil, nil, err
	}
	if mine, err = r.d.People.ClassesOf(ctx, who); err != nil {
		return nil, nil, fmt.Errorf("reading the classes: %w", err)
	}
	all, err := r.d.People.Classes(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the classes: %w", err)
	}
	for _, c := range all {
		if !slices.Contains(mine, c) {
			others = append(others, c)
		}
	}
	return mine, others, nil
}

// Seen is which sites a class opened in this lesson. Only whoever teaches it,
// or has set something for it that runs, may ask; the look is written down
// before it is shown.
func (r *Room) Seen(ctx context.Context, c Class) (Seen, error) {
	who, err := teacher(ctx, MayLook)
	if err != nil {
		return Seen{}, err
	}
	leads := slices.ContainsFunc(c.Running, func(s Set) bool { return s.By == who })
	if !c.Teaches && !leads || actor.From(ctx).Kind != actor.Person {
		return Seen{}, store.ErrForbidden
	}
	var of []people.ID
	for _, p := range c.Pupils {
		of = append(of, p.Person.ID)
	}
	return r.d.Seen(ctx, Look{Class: c.Name, Of: of, Since: c.Lesson.Began})
}
