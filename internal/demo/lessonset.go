package demo

import (
	"context"
	"fmt"

	"belisha/internal/school/classroom"
	"belisha/internal/school/people"
)

// lookedAtSite is a teacher's look at a site before pupils use it.
type lookedAtSite struct {
	ago, minute int
	who, host   string
	found       classroom.Verdict
	from, to    people.Year
	note        string
}

// setLesson is the web of a class for a lesson.
type setLesson struct {
	ago, minute int
	kind        classroom.Kind
	class       string
	hosts       []string
	minutes     int
	note        string
}

// classroom is the story of the web in lessons: sites that were looked at
// before, lessons that kept to some of them, and one that does now where it is
// school time.
func (f *filling) classroom(add adder) {
	// The cast's own pupils are in none of these classes, so that their web is as it usually is.
	for _, x := range []lookedAtSite{
		{46, 16*60 + 2, "teacher", "www.britishmuseum.org", classroom.Suitable, "3", "", "The Roman rooms; nothing to sign in to."},
		{41, 16*60 + 4, "teacher", "www.english-heritage.org.uk", classroom.Suitable, "", "", "Good pictures of Hadrian's Wall."},
		{26, 16*60 + 3, "computing", "scratch.mit.edu", classroom.WithCare, "4", "", "Comments by strangers under the projects."},
		{19, 16*60 + 6, "computing", "www.codewars.com", classroom.NotSuitable, "", "", "Chat with strangers, and advertisements."},
	} {
		add(x.ago, x.minute, x.who, func(ctx context.Context) error {
			_, err := f.h.Classroom.Preview(ctx, classroom.Preview{Host: x.host, Verdict: x.found, FromYear: x.from, ToYear: x.to, Note: x.note})
			return err
		})
	}
	romans := []string{"www.britishmuseum.org", "www.english-heritage.org.uk"}
	list := []setLesson{
		{37, 10*60 + 6, classroom.Focus, "6A", romans, 40, "History: the Romans."},
		{22, 14*60 + 12, classroom.Pause, "9B", nil, 10, "Screens down while we plan the film."},
		{14, 11*60 + 24, classroom.Focus, "6A", romans, 40, "History: the Romans, second lesson."},
		{3, 9*60 + 7, classroom.Pause, "8A", nil, 15, "Everybody listens to the safety talk."},
	}
	if now := f.minuteNow(); f.cal.SchoolHours(f.now) && now > 9*60+10 {
		list = append(list, setLesson{0, now - 6, classroom.Focus, "6A", romans, 40, "History: the Romans, third lesson."})
	}
	_, members := f.classes()
	for _, x := range list {
		if len(members[x.class]) == 0 {
			continue // a small school has not every class
		}
		add(x.ago, x.minute, "teacher", func(ctx context.Context) error {
			_, err := f.h.Classroom.Begin(ctx, classroom.Begun{Kind: x.kind, Class: x.class, Hosts: x.hosts, Minutes: x.minutes, Note: x.note, Looked: true})
			if err != nil {
				return fmt.Errorf("setting the web of class %s: %w", x.class, err)
			}
			return nil
		})
	}
}
