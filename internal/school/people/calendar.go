package people

import (
	"errors"
	"fmt"
	"sort"
	"time"
)

// DefaultZone is where a school is unless it says otherwise.
const DefaultZone = "Europe/London"

// Span is a stretch of days, both included.
type Span struct {
	ID    string
	Name  string // "Autumn term", "Training day"
	From  Day
	Until Day
}

// Has reports whether d is within the span.
func (s Span) Has(d Day) bool { return s.From <= d && d <= s.Until }

// Hours is a stretch of a day in minutes after midnight; Until is not
// included. Zero is closed.
type Hours struct{ From, Until int }

// Open reports whether there are any hours at all.
func (h Hours) Open() bool { return h.Until > h.From }

// Lesson is one period of the timetable.
type Lesson struct {
	ID      string
	Name    string // "Period 1"
	Weekday int    // 0 = Monday, or EveryDay
	Hours
}

// EveryDay as a Lesson's weekday: on every day that has school hours.
const EveryDay = -1

// Calendar is one site's calendar: when it is a school day, when it is school
// hours, which lesson it is. A Calendar from the store or NewCalendar is whole;
// it never changes.
type Calendar struct {
	Site     string
	Name     string // what the site is called
	Zone     string
	Terms    []Span
	Closures []Span
	Hours    [7]Hours // Monday first
	Lessons  []Lesson
	Version  int64
	loc      *time.Location
}

// DefaultCalendar is what a site has before anybody has entered one: Europe/
// London, Monday to Friday, 8:30 to 15:30, and no terms. Without terms every
// weekday counts as a school day, so that nothing that is due waits for ever.
func DefaultCalendar(site string) *Calendar {
	c := &Calendar{Site: site, Name: "Main site", Zone: DefaultZone}
	if site != MainSite {
		c.Name = site
	}
	for d := range 5 {
		c.Hours[d] = Hours{8*60 + 30, 15*60 + 30}
	}
	if err := c.check(); err != nil {
		c.loc = time.UTC // only where the zone data is missing; it is embedded
	}
	return c
}

// NewCalendar checks c and returns it ready for use, sorted. The error is a
// sentence for whoever typed it.
func NewCalendar(c Calendar) (*Calendar, error) {
	out := c
	out.Terms = append([]Span(nil), c.Terms...)
	out.Closures = append([]Span(nil), c.Closures...)
	out.Lessons = append([]Lesson(nil), c.Lessons...)
	if err := out.check(); err != nil {
		return nil, err
	}
	return &out, nil
}

func (c *Calendar) check() error {
	if c.Zone == "" || c.Zone == "Local" {
		return errors.New("say which time zone the site is in, such as Europe/London")
	}
	loc, err := time.LoadLocation(c.Zone)
	if err != nil {
		return fmt.Errorf("“%s” is not a time zone; write one such as Europe/London", cut(c.Zone, 40))
	}
	c.loc = loc
	if err := checkSpans("term", c.Terms, false); err != nil {
		return err
	}
	if err := checkSpans("closure", c.Closures, true); err != nil {
		return err
	}
	for d, h := range c.Hours {
		if h.From < 0 || h.Until > 24*60 || h.Until < h.From {
			return fmt.Errorf("the school hours of %s must begin before they end", weekdayNames[d])
		}
	}
	return c.checkLessons()
}

// checkSpans sorts the spans by day. Terms may not overlap; closures may.
func checkSpans(what string, spans []Span, overlap bool) error {
	sort.SliceStable(spans, func(i, j int) bool { return spans[i].From < spans[j].From })
	for i, s := range spans {
		switch {
		case s.Name == "":
			return fmt.Errorf("give the %s from %s a name", what, s.From.Words())
		case !s.From.Valid() || !s.Until.Valid():
			return fmt.Errorf("the %s “%s” needs a first and a last day", what, cut(s.Name, 40))
		case s.Until < s.From:
			return fmt.Errorf("the %s “%s” ends on %s, before it begins on %s", what, cut(s.Name, 40), s.Until.Words(), s.From.Words())
		case !overlap && i > 0 && s.From <= spans[i-1].Until:
			return fmt.Errorf("the terms “%s” and “%s” overlap: the first ends on %s, the second begins on %s; change one of them",
				cut(spans[i-1].Name, 40), cut(s.Name, 40), spans[i-1].Until.Words(), s.From.Words())
		}
	}
	return nil
}

func (c *Calendar) checkLessons() error {
	ls := c.Lessons
	sort.SliceStable(ls, func(i, j int) bool {
		if ls[i].Weekday != ls[j].Weekday {
			return ls[i].Weekday < ls[j].Weekday
		}
		return ls[i].From < ls[j].From
	})
	for i, l := range ls {
		switch {
		case l.Name == "":
			return fmt.Errorf("give the lesson at %s a name", clockWords(l.From))
		case l.Weekday < EveryDay || l.Weekday > 6:
			return fmt.Errorf("the lesson “%s” needs a weekday", cut(l.Name, 40))
		case l.From < 0 || l.Until > 24*60 || l.Until <= l.From:
			return fmt.Errorf("the lesson “%s” must begin before it ends", cut(l.Name, 40))
		case i > 0 && ls[i-1].Weekday == l.Weekday && l.From < ls[i-1].Until:
			return fmt.Errorf("the lessons “%s” and “%s” overlap; change one of them", cut(ls[i-1].Name, 40), cut(l.Name, 40))
		}
	}
	return nil
}

var weekdayNames = [7]string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}

func clockWords(minute int) string { return fmt.Sprintf("%d:%02d", minute/60, minute%60) }

// Location is the site's time zone.
func (c *Calendar) Location() *time.Location { return c.loc }

// Day is the day that t falls on at the site.
func (c *Calendar) Day(t time.Time) Day { return DayOf(t.In(c.loc)) }

// minute is the minute of the day on the site's clock.
func (c *Calendar) minute(t time.Time) int {
	l := t.In(c.loc)
	return l.Hour()*60 + l.Minute()
}

// MinuteOfWeek is the site's minute of the week, 0 = Monday 00:00.
func (c *Calendar) MinuteOfWeek(t time.Time) uint16 {
	return uint16(c.Day(t).Weekday()*24*60 + c.minute(t)) //nolint:gosec // at most 10,079
}

// SchoolDay reports whether t falls on a school day: a weekday with school
// hours, within a term where terms are entered, and not in a closure.
func (c *Calendar) SchoolDay(t time.Time) bool { return c.SchoolDayOn(c.Day(t)) }

// SchoolDayOn reports whether d is a school day.
func (c *Calendar) SchoolDayOn(d Day) bool {
	if !d.Valid() || !c.Hours[d.Weekday()].Open() {
		return false
	}
	for _, x := range c.Closures {
		if x.Has(d) {
			return false
		}
	}
	for _, x := range c.Terms {
		if x.Has(d) {
			return true
		}
	}
	return len(c.Terms) == 0
}

// SchoolHours reports whether t is within the school hours of a school day.
func (c *Calendar) SchoolHours(t time.Time) bool {
	if !c.SchoolDay(t) {
		return false
	}
	h, m := c.Hours[c.Day(t).Weekday()], c.minute(t)
	return h.From <= m && m < h.Until
}

// searchDays bounds the search for a school day: a calendar whose terms have
// all ended must not keep a page waiting.
const searchDays = 400

// NextSchoolDay is the first school day after the day of t. Where the
// calendar knows of none (its terms have all ended) it is the next weekday,
// and known is false.
func (c *Calendar) NextSchoolDay(t time.Time) (day Day, known bool) {
	today := c.Day(t)
	for d, n := today.Add(1), 0; n < searchDays; d, n = d.Add(1), n+1 {
		if c.SchoolDayOn(d) {
			return d, true
		}
	}
	d := today.Add(1)
	for d.Weekday() > 4 {
		d = d.Add(1)
	}
	return d, false
}

// AddSchoolDays is the moment n school days after t, at the same time of day.
// What falls due out of school is due on the next school day. Beyond the
// terms that are entered, weekdays count.
func (c *Calendar) AddSchoolDays(t time.Time, n int) time.Time {
	at := t
	for range n {
		d, _ := c.NextSchoolDay(at)
		at = c.On(d, c.minute(t))
	}
	return at
}

// On is the moment of the day d when the site's clock shows the minute. A
// time that the clocks skip in March is the moment after the gap.
func (c *Calendar) On(d Day, minute int) time.Time {
	t := d.Time(time.UTC)
	return time.Date(t.Year(), t.Month(), t.Day(), minute/60, minute%60, 0, 0, c.loc)
}

// NextOpening is when somebody is next at school: t itself in school hours,
// else the beginning of the next school hours.
func (c *Calendar) NextOpening(t time.Time) time.Time {
	if c.SchoolHours(t) {
		return t
	}
	today := c.Day(t)
	if h := c.Hours[today.Weekday()]; c.SchoolDayOn(today) && c.minute(t) < h.From {
		return c.On(today, h.From)
	}
	d, _ := c.NextSchoolDay(t)
	from := c.Hours[d.Weekday()].From
	return c.On(d, from)
}

// LessonAt is the lesson at t.
func (c *Calendar) LessonAt(t time.Time) (Lesson, bool) {
	if !c.SchoolDay(t) {
		return Lesson{}, false
	}
	day, m := c.Day(t).Weekday(), c.minute(t)
	for _, l := range c.Lessons {
		if (l.Weekday == day || l.Weekday == EveryDay) && l.From <= m && m < l.Until {
			return l, true
		}
	}
	return Lesson{}, false
}
