package probes

import (
	"context"
	"time"

	"belisha/internal/kit/words"
)

// Stand is how a site stands: this machine, or one where a device tries the
// filter.
type Stand struct {
	Site  string
	Since time.Time // when it was named; zero for this machine
	Last  Run       // the newest trial, however old; the zero Run for none
	// Overdue: by now it should have been tried again.
	Overdue bool
}

// State is how the site stands: what is overdue is not known, whatever came
// out last.
func (s Stand) State() State {
	switch {
	case s.Last.ID != "" && s.Last.State() == Wrong:
		return Wrong
	case s.Overdue || s.Last.ID == "":
		return Unknown
	}
	return s.Last.State()
}

func (s Stand) overdueWords(now time.Time) string {
	if s.Last.ID == "" {
		return "no device there has tried it yet"
	}
	return "no device there has tried it for " + words.Length(now.Sub(s.Last.At).Truncate(time.Hour))
}

// Standing is how each site stands, this machine first. A site that was ended
// is none.
func (r *Room) Standing(ctx context.Context) ([]Stand, error) {
	now := r.now()
	within := r.Live.Current().Duration(keyWithin)
	main, err := r.Last(ctx, MainSite, false)
	if err != nil {
		return nil, err
	}
	out := []Stand{{Site: MainSite, Last: main, Overdue: main.ID != "" && now.Sub(main.At) > within}}
	sites, err := r.Sites(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range sites {
		if s.Ended() {
			continue
		}
		x := Stand{Site: s.Name(), Since: s.MadeAt}
		if x.Last, err = r.Last(ctx, x.Site, false); err != nil {
			return nil, err
		}
		if x.Last.At.Before(s.MadeAt) {
			x.Last = Run{} // of one that had this name before
		}
		from := s.MadeAt
		if x.Last.ID != "" {
			from = x.Last.At
		}
		x.Overdue = now.Sub(from) > within && r.dayGone(ctx, from, now)
		out = append(out, x)
	}
	return out, nil
}

// dayGone reports whether a whole school day lies between two moments: a
// device that is off at weekends and in the holidays is not missed.
func (r *Room) dayGone(ctx context.Context, from, to time.Time) bool {
	const most = 60 // days: after so many without a school day it is missed in any case
	zone := r.Local()
	d := startOfDay(from.In(zone)).AddDate(0, 0, 1)
	for n := 0; ; n++ {
		next := d.AddDate(0, 0, 1)
		if next.After(to) {
			return false
		}
		if n >= most || r.SchoolDay(ctx, d.Add(12*time.Hour)) {
			return true
		}
		d = next
	}
}

func startOfDay(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
}
