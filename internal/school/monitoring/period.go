package monitoring

import (
	"time"

	"belisha/internal/kit/setting"
	"belisha/internal/school/people"
)

// The rhythms that a school may choose.
const (
	everyWeek      = "week"
	everyFortnight = "fortnight"
	everyMonth     = "month"
)

var rhythms = []setting.Option{
	{Value: everyWeek, Title: "week", Words: []string{"weekly", "once a week", "each week", "every week"}},
	{Value: everyFortnight, Title: "fortnight", Words: []string{"fortnightly", "two weeks", "every fortnight", "each fortnight"}},
	{Value: everyMonth, Title: "month", Words: []string{"monthly", "once a month", "each month", "every month"}},
}

// period is one turn of a rhythm, from the first day to the last.
type period struct{ From, Until people.Day }

// firstMonday is where fortnights are counted from.
const firstMonday people.Day = "2024-01-01"

// periodOf is the turn that holds a day.
func periodOf(rhythm string, d people.Day) period {
	switch rhythm {
	case everyMonth:
		t := d.Time(time.UTC)
		first := time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
		return period{people.DayOf(first), people.DayOf(first.AddDate(0, 1, -1))}
	case everyFortnight:
		monday := d.Add(-d.Weekday())
		weeks := int(monday.Time(time.UTC).Sub(firstMonday.Time(time.UTC)) / (7 * oneDay))
		if weeks%2 != 0 {
			monday = monday.Add(-7)
		}
		return period{monday, monday.Add(13)}
	default:
		monday := d.Add(-d.Weekday())
		return period{monday, monday.Add(6)}
	}
}

// before is the turn before.
func (p period) before(rhythm string) period { return periodOf(rhythm, p.From.Add(-1)) }

// Key names the turn for good.
func (p period) Key() string { return string(p.From) + "/" + string(p.Until) }

// start and end are its moments; end is the first one after it.
func (p period) start(z *time.Location) time.Time { return p.From.Time(z) }
func (p period) end(z *time.Location) time.Time   { return p.Until.End(z) }

// Words says it: "16 to 22 November 2026".
func (p period) Words() string { return p.From.Words() + " to " + p.Until.Words() }

// schoolIn says whether the turn holds a school day at all.
func (p period) schoolIn(c *people.Calendar) bool {
	for d := p.From; d <= p.Until; d = d.Add(1) {
		if c.SchoolDayOn(d) {
			return true
		}
	}
	return false
}
