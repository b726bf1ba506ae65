package people

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"belisha/internal/kit/store"
)

// CalendarText is a calendar as it is typed: a line for each term, closure,
// weekday and lesson.
type CalendarText struct {
	Name, Zone string
	Terms      string // "Autumn term: 2/9/2026 to 18/12/2026"
	Closures   string // "Training day: 27/11/2026"
	Hours      string // "Monday: 8:30 to 15:30"
	Lessons    string // "Period 1: 9:00 to 10:00" or "Swimming: Wednesday 11:00 to 12:00"
}

// maxLines bounds each part of a typed calendar.
const maxLines = 300

// Text writes a calendar as it is typed.
func (c *Calendar) Text() CalendarText {
	t := CalendarText{Name: c.Name, Zone: c.Zone, Terms: spanText(c.Terms), Closures: spanText(c.Closures)}
	var hours, lessons strings.Builder
	for d, h := range c.Hours {
		if h.Open() {
			fmt.Fprintf(&hours, "%s: %s\n", weekdayNames[d], h.Words())
		}
	}
	for _, l := range c.Lessons {
		day := ""
		if l.Weekday != EveryDay {
			day = weekdayNames[l.Weekday] + " "
		}
		fmt.Fprintf(&lessons, "%s: %s%s\n", l.Name, day, l.Hours.Words())
	}
	t.Hours, t.Lessons = hours.String(), lessons.String()
	return t
}

// Words says the hours: "8:30 to 15:30".
func (h Hours) Words() string { return clockWords(h.From) + " to " + clockWords(h.Until) }

func spanText(list []Span) string {
	var b strings.Builder
	for _, s := range list {
		fmt.Fprintf(&b, "%s: %s", s.Name, slashed(s.From))
		if s.Until != s.From {
			fmt.Fprintf(&b, " to %s", slashed(s.Until))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func slashed(d Day) string { return d.Time(time.UTC).Format("2/1/2006") }

// Parse reads a typed calendar onto the site and version of c. What is wrong
// is told by part and line.
func (t CalendarText) Parse(c Calendar) (Calendar, error) {
	bad := store.Invalid{}
	c.Name, c.Zone = clean(t.Name), clean(t.Zone)
	c.Terms = parseSpans(bad, "terms", t.Terms)
	c.Closures = parseSpans(bad, "closures", t.Closures)
	c.Hours = [7]Hours{}
	eachLine(bad, "hours", t.Hours, func(name, rest string) error {
		d, ok := parseWeekday(name)
		if !ok {
			return fmt.Errorf("“%s” is not a weekday", cut(name, 30))
		}
		h, err := parseHours(rest)
		c.Hours[max(d, 0)] = h
		return err
	})
	c.Lessons = nil
	eachLine(bad, "lessons", t.Lessons, func(name, rest string) error {
		l := Lesson{Name: name, Weekday: EveryDay}
		if first, times, ok := strings.Cut(rest, " "); ok {
			if d, is := parseWeekday(first); is {
				l.Weekday, rest = d, times
			}
		}
		h, err := parseHours(rest)
		l.Hours = h
		c.Lessons = append(c.Lessons, l)
		return err
	})
	return c, bad.OrNil()
}

// eachLine calls fn with the name and the rest of every line "name: rest".
func eachLine(bad store.Invalid, part, text string, fn func(name, rest string) error) {
	lines := strings.Split(text, "\n")
	if len(lines) > maxLines {
		bad[part] = fmt.Sprintf("there are more than %d lines here", maxLines)
		return
	}
	for i, raw := range lines {
		line := clean(raw)
		if line == "" || bad[part] != "" {
			continue
		}
		name, rest, ok := strings.Cut(line, ":")
		err := error(nil)
		if !ok || strings.TrimSpace(name) == "" {
			err = fmt.Errorf("begin the line with a name and a colon")
		} else {
			err = fn(cut(strings.TrimSpace(name), 60), strings.TrimSpace(rest))
		}
		if err != nil {
			bad[part] = fmt.Sprintf("line %d: %s", i+1, err)
		}
	}
}

func parseSpans(bad store.Invalid, part, text string) []Span {
	var out []Span
	eachLine(bad, part, text, func(name, rest string) error {
		from, until, ok := strings.Cut(rest, " to ")
		if !ok {
			until = from
		}
		a, err := ParseDay(from)
		if err != nil {
			return err
		}
		b, err := ParseDay(until)
		if err != nil {
			return err
		}
		if a == "" || b == "" {
			return fmt.Errorf("write the days as 2/9/2026 to 18/12/2026")
		}
		out = append(out, Span{Name: name, From: a, Until: b})
		return nil
	})
	return out
}

func parseWeekday(s string) (int, bool) {
	w := strings.ToLower(s)
	for i, n := range weekdayNames {
		if low := strings.ToLower(n); w == low || (len(w) == 3 && strings.HasPrefix(low, w)) {
			return i, true
		}
	}
	return 0, false
}

func parseHours(s string) (Hours, error) {
	from, until, ok := strings.Cut(strings.NewReplacer("–", "-", " to ", "-").Replace(s), "-")
	if !ok {
		return Hours{}, fmt.Errorf("write the times as 8:30 to 15:30")
	}
	a, err := parseClock(from)
	if err != nil {
		return Hours{}, err
	}
	b, err := parseClock(until)
	if err != nil {
		return Hours{}, err
	}
	if b <= a {
		return Hours{}, fmt.Errorf("the time ends before it begins")
	}
	return Hours{a, b}, nil
}

func parseClock(s string) (int, error) {
	h, m, ok := strings.Cut(strings.Replace(strings.TrimSpace(s), ".", ":", 1), ":")
	if !ok {
		m = "0"
	}
	hour, err1 := strconv.Atoi(h)
	minute, err2 := strconv.Atoi(m)
	if err1 != nil || err2 != nil || hour < 0 || hour > 24 || minute < 0 || minute > 59 || hour*60+minute > 24*60 {
		return 0, fmt.Errorf("“%s” is not a time of day; write it as 8:30", cut(s, 20))
	}
	return hour*60 + minute, nil
}
