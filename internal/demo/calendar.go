package demo

import (
	"time"

	"belisha/internal/school/people"
)

// calendar is an English school's calendar of the school year that now is in,
// and of the one before: three terms, the halves parted by a week.
func calendar(now time.Time) (*people.Calendar, error) {
	c := people.Calendar{Site: people.MainSite, Name: "Ashdown Vale", Zone: people.DefaultZone}
	year := now.Year()
	if now.Month() < time.August {
		year--
	}
	for _, y := range []int{year - 1, year} {
		schoolYear(&c, y)
	}
	for d := range 5 {
		c.Hours[d] = people.Hours{From: 8*60 + 30, Until: 15*60 + 30}
	}
	for _, l := range []struct {
		name        string
		from, until int
	}{
		{"Registration", 8*60 + 40, 9 * 60},
		{"Period 1", 9 * 60, 10 * 60},
		{"Period 2", 10 * 60, 11 * 60},
		{"Period 3", 11*60 + 20, 12*60 + 20},
		{"Period 4", 13*60 + 15, 14*60 + 15},
		{"Period 5", 14*60 + 15, 15*60 + 15},
	} {
		c.Lessons = append(c.Lessons, people.Lesson{Name: l.name, Weekday: people.EveryDay, Hours: people.Hours{From: l.from, Until: l.until}})
	}
	return people.NewCalendar(c)
}

// schoolYear adds the terms of the school year that begins in September of y.
func schoolYear(c *people.Calendar, y int) {
	date := func(year int, m time.Month, d int) time.Time { return time.Date(year, m, d, 12, 0, 0, 0, time.UTC) }
	span := func(name string, from, until time.Time) people.Span {
		return people.Span{Name: name, From: people.DayOf(from), Until: people.DayOf(until)}
	}
	week := func(name string, monday time.Time) people.Span { return span(name, monday, monday.AddDate(0, 0, 4)) }

	autumn := onOrAfter(date(y, time.September, 1), time.Wednesday)
	christmas := onOrBefore(date(y, time.December, 20), time.Friday)
	spring := onOrAfter(date(y+1, time.January, 4), time.Monday)
	easter := easterSunday(y + 1)
	summer := easter.AddDate(0, 0, 8)
	whitsun := onOrBefore(date(y+1, time.May, 31), time.Monday)
	c.Terms = append(c.Terms,
		span("Autumn term", autumn, christmas),
		span("Spring term", spring, easter.AddDate(0, 0, -9)),
		span("Summer term", summer, onOrBefore(date(y+1, time.July, 23), time.Wednesday)))
	c.Closures = append(c.Closures,
		span("Training day", autumn, autumn),
		week("Autumn half-term", onOrBefore(date(y, time.October, 31), time.Monday).AddDate(0, 0, sooner(date(y, time.October, 31)))),
		span("Training day", spring, spring),
		week("Spring half-term", onOrAfter(date(y+1, time.February, 12), time.Monday)),
		span("Early May bank holiday", onOrAfter(date(y+1, time.May, 1), time.Monday), onOrAfter(date(y+1, time.May, 1), time.Monday)),
		week("Summer half-term", whitsun))
}

// sooner is the days to go back so that the half-term week ends in October.
func sooner(last time.Time) int {
	if d := last.Weekday(); d >= time.Monday && d <= time.Thursday {
		return -7
	}
	return 0
}

func onOrAfter(t time.Time, d time.Weekday) time.Time {
	return t.AddDate(0, 0, (int(d)-int(t.Weekday())+7)%7)
}

func onOrBefore(t time.Time, d time.Weekday) time.Time {
	return t.AddDate(0, 0, -((int(t.Weekday()) - int(d) + 7) % 7))
}

// easterSunday is the Gregorian computus.
func easterSunday(y int) time.Time {
	a, b, c := y%19, y/100, y%100
	h := (19*a + b - b/4 - (b-(b+8)/25+1)/3 + 15) % 30
	l := (32 + 2*(b%4) + 2*(c/4) - h - c%4) % 7
	m := (a + 11*h + 22*l) / 451
	n := h + l - 7*m + 114
	return time.Date(y, time.Month(n/31), n%31+1, 12, 0, 0, 0, time.UTC)
}

// lastSchoolDays are the last n school days up to now, oldest first. Today is
// one of them once school has begun.
func lastSchoolDays(c *people.Calendar, now time.Time, n int) []people.Day {
	day := c.Day(now)
	if now.Before(c.On(day, 8*60+45)) {
		day = day.Add(-1)
	}
	var out []people.Day
	for i := 0; len(out) < n && i < 300; i++ {
		if c.SchoolDayOn(day) {
			out = append(out, day)
		}
		day = day.Add(-1)
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out
}
