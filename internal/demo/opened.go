package demo

import (
	"context"
	"fmt"
	"time"

	"belisha/internal/school/filtering"
)

// lessonSite is a site that a teacher asks to be opened for a class.
type lessonSite struct {
	ago, minute int
	who         string // of the cast
	site, class string
	purpose     string
	minutes     int
	granted     int    // minutes until it was granted; 0: it was not
	by          string // who decided
	why         string // why it was refused
}

func lessonSites() []lessonSite {
	return []lessonSite{
		{49, 9*60 + 8, "teacher", "www.ikea.com", "8A", "Scale drawing: a room is furnished from the catalogue.", 40, 4, "filter", ""},
		{43, 11*60 + 25, "computing", "www.argos.co.uk", "10A", "How an online shop puts its prices, for business studies.", 40, 6, "filter", ""},
		{34, 14*60 + 18, "teacher", "wetransfer.com", "9B", "Handing in the films for media studies.", 45, 3, "filter", ""},
		{25, 10*60 + 2, "teacher", "www.sportsdirect.com", "6A", "Choosing shirts for the house match.", 30, 9, "filter", "The office orders the shirts with you. A lesson is not needed for it."},
		{20, 13*60 + 16, "teacher", "open.spotify.com", "7A", "Rhythm and metre: three songs for poetry.", 40, 5, "computing", ""},
		{13, 9*60 + 5, "teacher", "www.smythstoys.com", "5A", "How toys are advertised, for the unit on persuading.", 40, 0, "", ""},
		{8, 11*60 + 22, "teacher", "www.smythstoys.com", "5A", "How toys are advertised, for the unit on persuading.", 40, 2, "computing", ""},
		{2, 14*60 + 20, "teacher", "www.ikea.com", "8A", "Scale drawing, second lesson.", 45, 4, "filter", ""},
	}
}

// lessonsOpened are the sites opened for lessons over the term, and one that is
// open now where it is school time.
func (f *filling) lessonsOpened(add adder) {
	list := lessonSites()
	if now := f.minuteNow(); f.cal.SchoolHours(f.now) && now > 9*60+10 {
		list = append(list, lessonSite{0, now - 9, "teacher", "www.ikea.com", "8A", "Scale drawing, third lesson.", 45, 3, "filter", ""})
	}
	add(0, 8*60+56, "teacher", f.askForNext)
	for _, x := range list {
		id := ""
		add(x.ago, x.minute, x.who, func(ctx context.Context) error {
			now := f.c.Now()
			u, err := f.h.Filtering.AskUnblock(ctx, filtering.Unblock{
				Hosts: []string{x.site}, For: filtering.ForClass(x.class), Purpose: x.purpose, From: now, Until: now.Add(time.Duration(x.minutes) * time.Minute),
			})
			if err != nil {
				return fmt.Errorf("asking for %s: %w", x.site, err)
			}
			id = u.ID
			return nil
		})
		if x.granted == 0 {
			continue
		}
		add(x.ago, x.minute+x.granted, x.by, func(ctx context.Context) error {
			switch {
			case id == "":
				return nil
			case x.why != "":
				return f.h.Filtering.RefuseUnblock(ctx, id, x.why)
			}
			return f.h.Filtering.GrantUnblock(ctx, id)
		})
	}
}

// askForNext asks for a site for a lesson of the next school day: it waits for
// a filter manager.
func (f *filling) askForNext(ctx context.Context) error {
	next, ok := f.cal.NextSchoolDay(f.c.Now())
	from := f.cal.On(next, 11*60+20)
	if !ok || from.Sub(f.c.Now()) > 13*24*time.Hour {
		return nil
	}
	_, err := f.h.Filtering.AskUnblock(ctx, filtering.Unblock{
		Hosts: []string{"wetransfer.com"}, For: filtering.ForClass("9B"), Purpose: "Handing in the films for media studies.", From: from, Until: from.Add(45 * time.Minute),
	})
	return err
}
