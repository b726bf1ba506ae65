// Package words makes English out of times and numbers: "63 hours ago",
// "Monday 23 November, 8:30", "1 person", "a, b and c". It is pure: the moment
// and the school's zone are given, so that a sentence can be tested.
package words

import (
	"strconv"
	"strings"
	"time"
)

// Words makes sentences about times, as read in one zone at one moment. The
// zero Words reads in UTC and knows no present: use In.
type Words struct {
	zone *time.Location
	now  time.Time
}

// In returns Words for a reader in zone at now. A nil zone is UTC.
func In(zone *time.Location, now time.Time) Words {
	if zone == nil {
		zone = time.UTC
	}
	return Words{zone: zone, now: now.In(zone)}
}

// Now returns the moment the sentences are made at, in the reader's zone.
func (w Words) Now() time.Time { return w.now }

// Zone returns the reader's zone.
func (w Words) Zone() *time.Location {
	if w.zone == nil {
		return time.UTC
	}
	return w.zone
}

func (w Words) local(t time.Time) time.Time { return t.In(w.Zone()) }

// Clock says the time of day: "8:30", "15:05".
func (w Words) Clock(t time.Time) string { return w.local(t).Format("15:04")[start(w.local(t)):] }

// start drops the nought of "08:30".
func start(t time.Time) int {
	if t.Hour() < 10 {
		return 1
	}
	return 0
}

// Stamp says when something was last looked at: "08:02", and the day too when
// it was not today.
func (w Words) Stamp(t time.Time) string {
	if w.days(t) == 0 {
		return w.local(t).Format("15:04")
	}
	return w.Moment(t)
}

// Date says the day: "Monday 23 November", with the year when it is not this
// one.
func (w Words) Date(t time.Time) string {
	l := w.local(t)
	if l.Year() == w.now.Year() {
		return l.Format("Monday 2 January")
	}
	return l.Format("Monday 2 January 2006")
}

// ShortDate says the day for a table: "23 Nov 2026".
func (w Words) ShortDate(t time.Time) string { return w.local(t).Format("2 Jan 2006") }

// Moment says day and time: "Monday 23 November, 8:30".
func (w Words) Moment(t time.Time) string { return w.Date(t) + ", " + w.Clock(t) }

// Near says a moment as briefly as it can be said without doubt: "today at
// 8:30", "yesterday at 15:05", "tomorrow at 9:00", else as Moment does.
func (w Words) Near(t time.Time) string {
	switch w.days(t) {
	case 0:
		return "today at " + w.Clock(t)
	case -1:
		return "yesterday at " + w.Clock(t)
	case 1:
		return "tomorrow at " + w.Clock(t)
	}
	return w.Moment(t)
}

// days counts the calendar days from today to t's day.
func (w Words) days(t time.Time) int {
	l := w.local(t)
	a := time.Date(w.now.Year(), w.now.Month(), w.now.Day(), 0, 0, 0, 0, time.UTC)
	b := time.Date(l.Year(), l.Month(), l.Day(), 0, 0, 0, 0, time.UTC)
	return int(b.Sub(a).Hours() / 24)
}

// Exact says the moment to the second with its zone, for the title of a time
// in words: "23 November 2026, 08:30:15 GMT".
func (w Words) Exact(t time.Time) string {
	return w.local(t).Format("2 January 2006, 15:04:05 MST")
}

// Ago says how long ago t was, or how long until it: "63 hours ago", "just
// now", "in 3 days". A zero time is "never".
func (w Words) Ago(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	d := w.now.Sub(t)
	switch {
	case d < 0 && d > -time.Minute, d >= 0 && d < time.Minute:
		return "just now"
	case d < 0:
		return "in " + rough(-d)
	}
	return rough(d) + " ago"
}

// rough says a length of time with one unit. Hours go on to three days, since
// "63 hours" tells a safeguarding lead more than "3 days".
func rough(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Hour:
		return Count(int(d/time.Minute), "minute", "minutes")
	case d < 3*day:
		return Count(int(d/time.Hour), "hour", "hours")
	case d < 60*day:
		return Count(int(d/day), "day", "days")
	case d < 730*day:
		return Count(int(d/(30*day)), "month", "months")
	}
	return Count(int(d/(365*day)), "year", "years")
}

// Length says an exact length of time: "90 days", "10 minutes", "1 hour and
// 30 minutes", "less than a second". It is for what a school set, so nothing
// is rounded but parts of a second.
func Length(d time.Duration) string {
	if d < 0 {
		return "minus " + Length(-d)
	}
	if d < time.Second {
		return "less than a second"
	}
	units := []struct {
		size      time.Duration
		one, many string
	}{
		{24 * time.Hour, "day", "days"},
		{time.Hour, "hour", "hours"},
		{time.Minute, "minute", "minutes"},
		{time.Second, "second", "seconds"},
	}
	var parts []string
	for _, u := range units {
		if n := d / u.size; n > 0 {
			parts = append(parts, Count(int(n), u.one, u.many))
			d -= n * u.size
		}
	}
	return And(parts)
}

// Number writes n with commas: "12,345".
func Number(n int) string {
	s := strconv.Itoa(n)
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// Plural picks the word that goes with n.
func Plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// Count writes a number with its word: "1 person", "1,204 people", "no
// people".
func Count(n int, one, many string) string {
	if n == 0 {
		return "no " + many
	}
	return Number(n) + " " + Plural(n, one, many)
}

// And joins a list: "a", "a and b", "a, b and c".
func And(list []string) string { return join(list, "and") }

// Or joins a list: "a", "a or b", "a, b or c".
func Or(list []string) string { return join(list, "or") }

func join(list []string, word string) string {
	switch len(list) {
	case 0:
		return ""
	case 1:
		return list[0]
	}
	last := len(list) - 1
	return strings.Join(list[:last], ", ") + " " + word + " " + list[last]
}

// Size says how big a file is: "512 bytes", "1.4 MB".
func Size(bytes int64) string {
	units := []string{"kB", "MB", "GB", "TB"}
	if bytes < 1000 {
		return Count(int(bytes), "byte", "bytes")
	}
	f := float64(bytes)
	unit := ""
	for _, u := range units {
		f /= 1000
		unit = u
		if f < 999.5 {
			break
		}
	}
	if f < 10 {
		return strconv.FormatFloat(f, 'f', 1, 64) + " " + unit
	}
	return strconv.FormatFloat(f, 'f', 0, 64) + " " + unit
}

// Percent says part of whole without ever rounding "not all" up to 100 % or
// "some" down to 0 %.
func Percent(part, whole int) string {
	switch {
	case whole <= 0:
		return "none to count"
	case part <= 0:
		return "0 %"
	case part >= whole:
		return "100 %"
	}
	p := (part*200 + whole) / (2 * whole)
	return strconv.Itoa(min(99, max(1, p))) + " %"
}
