package monitoring

import (
	"testing"

	"belisha/internal/school/people"
)

func TestTurnsOfTheRhythmsFollowWithoutAGap(t *testing.T) {
	for name, c := range map[string]struct {
		rhythm      string
		day         people.Day
		from, until people.Day
	}{
		"a week runs from Monday to Sunday":             {everyWeek, "2026-11-25", "2026-11-23", "2026-11-29"},
		"a Sunday is the week's last day":               {everyWeek, "2026-11-29", "2026-11-23", "2026-11-29"},
		"a fortnight has two weeks":                     {everyFortnight, "2026-11-25", "2026-11-16", "2026-11-29"},
		"a month has its own length":                    {everyMonth, "2028-02-29", "2028-02-01", "2028-02-29"},
		"the last day of the year is in December":       {everyMonth, "2026-12-31", "2026-12-01", "2026-12-31"},
		"a week may begin in one year and end in other": {everyWeek, "2027-01-01", "2026-12-28", "2027-01-03"},
	} {
		t.Run(name, func(t *testing.T) {
			p := periodOf(c.rhythm, c.day)
			if p.From != c.from || p.Until != c.until {
				t.Errorf("%s to %s, want %s to %s", p.From, p.Until, c.from, c.until)
			}
		})
	}
	for _, rhythm := range []string{everyWeek, everyFortnight, everyMonth} {
		p := periodOf(rhythm, "2026-11-25")
		for range 60 {
			b := p.before(rhythm)
			if b.Until.Add(1) != p.From {
				t.Fatalf("%s: %s ends on %s, the next begins on %s", rhythm, b.Key(), b.Until, p.From)
			}
			p = b
		}
	}
}
