package alarms

import (
	"fmt"
	"slices"
	"time"
)

// Hour is what one hour of the school's web use came to.
type Hour struct {
	At    time.Time // its start
	Base  float64   // all of it: requests, or addresses that were seen
	Value float64   // the part that counts: blocks, or addresses with somebody signed in
}

// Bounds of what is held against what.
const (
	weeksBack   = 6    // how far back other days are looked at
	leastDays   = 3    // with fewer there is no telling what is usual
	fallsBelow  = 0.2  // of the usual share
	leastValue  = 15   // how many should have been seen before it means anything
	quietDay    = 0.25 // of the usual: so little that the school is not really here
	siteIsDark  = 0.03 // of its usual
	othersAwake = 0.5
)

// SchoolHour reports whether an hour is one of a school day's.
type SchoolHour func(at time.Time) bool

// usual are the hours of other days that an hour is held against: the same
// hour of the same weekday, or, where there are too few, of any school day.
func usual(now time.Time, past []Hour, school SchoolHour, zone *time.Location) []Hour {
	here := now.In(zone)
	var same, any []Hour
	for _, h := range past {
		at := h.At.In(zone)
		if !h.At.Before(startOfDay(here)) || now.Sub(h.At) > weeksBack*7*day || at.Hour() != here.Hour() || !school(h.At) || h.Base <= 0 {
			continue
		}
		any = append(any, h)
		if at.Weekday() == here.Weekday() {
			same = append(same, h)
		}
	}
	if len(busy(same)) >= leastDays {
		return busy(same)
	}
	return busy(any)
}

func startOfDay(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
}

// busy leaves out the days on which hardly anybody was there: an inset day, or
// snow that no calendar knows.
func busy(list []Hour) []Hour {
	m := median(list, func(h Hour) float64 { return h.Base })
	return slices.DeleteFunc(slices.Clone(list), func(h Hour) bool { return h.Base < quietDay*m })
}

func median(list []Hour, of func(Hour) float64) float64 {
	if len(list) == 0 {
		return 0
	}
	values := make([]float64, 0, len(list))
	for _, h := range list {
		values = append(values, of(h))
	}
	slices.Sort(values)
	mid := len(values) / 2
	if len(values)%2 == 1 {
		return values[mid]
	}
	return (values[mid-1] + values[mid]) / 2
}

// Judgement is what holding an hour against others came to.
type Judgement struct {
	Known bool // there was enough to go by
	Fell  bool
	Usual float64 // the share that is usual
	Now   float64
}

// Share judges whether a share of something, such as blocks of all requests,
// has fallen to a small part of what is usual at this hour. A day on which the
// school is hardly there says nothing.
func Share(now Hour, past []Hour, school SchoolHour, zone *time.Location) Judgement {
	if !school(now.At) || now.Base <= 0 {
		return Judgement{}
	}
	others := usual(now.At, past, school, zone)
	if len(others) < leastDays {
		return Judgement{}
	}
	share := median(others, func(h Hour) float64 { return h.Value / h.Base })
	traffic := median(others, func(h Hour) float64 { return h.Base })
	j := Judgement{Usual: share, Now: now.Value / now.Base}
	if now.Base < quietDay*traffic || share*now.Base < leastValue {
		return j
	}
	j.Known = true
	j.Fell = j.Now < fallsBelow*share
	return j
}

// SiteHour is an hour of one site.
type SiteHour struct {
	Site string
	Now  float64
	Past []Hour
}

// Dark names the sites from which hardly anything comes although the others
// are as busy as usual. Where the school has one site, a quiet one is for the
// gaps of the record to tell.
func Dark(at time.Time, sites []SiteHour, school SchoolHour, zone *time.Location) (dark []string, known bool) {
	if len(sites) < 2 || !school(at) {
		return nil, false
	}
	type fact struct {
		site       string
		now, usual float64
	}
	var facts []fact
	for _, s := range sites {
		others := usual(at, s.Past, school, zone)
		if len(others) < leastDays {
			continue
		}
		facts = append(facts, fact{s.Site, s.Now, median(others, func(h Hour) float64 { return h.Base })})
	}
	for i, f := range facts {
		var now, was float64
		for k, o := range facts {
			if k != i {
				now, was = now+o.now, was+o.usual
			}
		}
		if was < 10*leastValue || f.usual < 10*leastValue {
			continue
		}
		known = true
		if f.now < siteIsDark*f.usual && now > othersAwake*was {
			dark = append(dark, f.site)
		}
	}
	return dark, known
}

// PerCent says a share.
func PerCent(x float64) string {
	switch {
	case x <= 0:
		return "none"
	case x < 0.01:
		return fmt.Sprintf("%.1f in a thousand", x*1000)
	}
	return fmt.Sprintf("%.0f in a hundred", x*100)
}
