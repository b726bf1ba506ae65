package filtering

import (
	"slices"
	"strings"

	"belisha/internal/kit/setting"
	"belisha/internal/school/people"
	"belisha/internal/verdict"
)

const dayMinutes = 24 * 60

// windows are a stretch of the clock on some days of the week, as the judge
// has them. A stretch over midnight begins on each of the days.
func windows(days []int, from, to int) []verdict.Window {
	out := make([]verdict.Window, 0, len(days))
	for _, d := range days {
		end := d*dayMinutes + to
		if to <= from {
			end += dayMinutes
		}
		out = append(out, verdict.Window{From: uint16(d*dayMinutes + from), To: uint16(end % (7 * dayMinutes))})
	}
	return out
}

func everyDay() []int { return []int{0, 1, 2, 3, 4, 5, 6} }

// schoolDays are the weekdays with school hours.
func schoolDays(c *people.Calendar) []int {
	var out []int
	for d, h := range c.Hours {
		if h.Open() {
			out = append(out, d)
		}
	}
	return out
}

// noSchool are the spans in which weekly school times do not count: closures
// and the weeks between two terms. Before the first and after the last term
// that is known they count: that is the stricter reading.
func noSchool(c *people.Calendar) []verdict.Span {
	var out []verdict.Span
	loc := c.Location()
	add := func(from, until people.Day) {
		if from.Valid() && until.Valid() && from <= until {
			out = append(out, verdict.Span{From: from.Time(loc).UnixMilli(), Until: until.End(loc).UnixMilli()})
		}
	}
	for _, x := range c.Closures {
		add(x.From, x.Until)
	}
	terms := slices.Clone(c.Terms)
	slices.SortFunc(terms, func(a, b people.Span) int { return strings.Compare(string(a.From), string(b.From)) })
	for i := 1; i < len(terms); i++ {
		add(terms[i-1].Until.Add(1), terms[i].From.Add(-1))
	}
	return out
}

// schoolTime is the clock from one minute to another on school days.
func schoolTime(c *people.Calendar, from, to int) verdict.When {
	days := schoolDays(c)
	if len(days) == 0 {
		days = []int{0, 1, 2, 3, 4}
	}
	return verdict.When{Weekly: windows(days, from, to), Not: noSchool(c)}
}

// schoolHours are the hours of each day as the calendar has them.
func schoolHours(c *people.Calendar) verdict.When {
	w := verdict.When{Not: noSchool(c)}
	for d, h := range c.Hours {
		if h.Open() {
			w.Weekly = append(w.Weekly, windows([]int{d}, h.From, h.Until)...)
		}
	}
	return w
}

// timeScope reads the time of a setting's scope: a stretch of the clock, the
// school hours, or a lesson of the timetable by its name.
func timeScope(c *people.Calendar, name string) (verdict.When, error) {
	if name == "" {
		return verdict.When{}, nil
	}
	if v, err := (setting.Setting{Kind: setting.Span}).Parse(name); err == nil {
		return verdict.When{Weekly: windows(everyDay(), v.From, v.To)}, nil
	}
	if name == "school-hours" || name == "school-day" {
		w := schoolHours(c)
		if len(w.Weekly) == 0 {
			return w, &Refused{Words: "the policy speaks of school hours and the calendar has none; enter them on the calendar page first"}
		}
		return w, nil
	}
	w := verdict.When{Not: noSchool(c)}
	for _, l := range c.Lessons {
		if slug(l.Name) != name {
			continue
		}
		days := []int{l.Weekday}
		if l.Weekday == people.EveryDay {
			days = schoolDays(c)
		}
		w.Weekly = append(w.Weekly, windows(days, l.From, l.Until)...)
	}
	if len(w.Weekly) == 0 {
		return w, &Refused{Words: "time=" + name + " is not a time that the calendar knows; write it as 12:10-13:00, as school-hours, or enter a lesson of that name on the calendar page"}
	}
	return w, nil
}

// ownWhen is the time of an own entry.
func ownWhen(o Own) verdict.When {
	if o.Window == "" && len(o.Days) == 0 {
		return verdict.When{}
	}
	days := everyDay()
	if len(o.Days) > 0 {
		days = nil
		for _, d := range o.Days {
			days = append(days, slices.Index(weekdays, d))
		}
	}
	from, to := 0, dayMinutes
	if v, err := (setting.Setting{Kind: setting.Span}).Parse(o.Window); err == nil {
		from, to = v.From, v.To
	}
	if to == dayMinutes {
		var all []verdict.Window
		for _, d := range days {
			all = append(all, verdict.Window{From: uint16(d * dayMinutes), To: uint16((d + 1) * dayMinutes % (7 * dayMinutes))})
		}
		return verdict.When{Weekly: all}
	}
	return verdict.When{Weekly: windows(days, from, to)}
}

// slug is a name as scopes and files write it.
func slug(s string) string {
	var b strings.Builder
	dash := false
	for _, r := range strings.ToLower(s) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			if dash && b.Len() > 0 {
				b.WriteByte('-')
			}
			b.WriteRune(r)
			dash = false
			continue
		}
		dash = true
	}
	return b.String()
}

// timeWords says the time of a scope: "12:10 to 13:00", "school hours".
func timeWords(s string) string {
	if strings.Contains(s, ":") {
		return strings.Replace(s, "-", " to ", 1)
	}
	return strings.ReplaceAll(s, "-", " ")
}

// whereWords says for whom a narrower value is.
func whereWords(s setting.Scope) string {
	var parts []string
	if s.KeyStage != "" {
		parts = append(parts, strings.ToUpper(s.KeyStage))
	}
	if s.Place != "" {
		parts = append(parts, s.Place)
	}
	if s.Time != "" {
		parts = append(parts, timeWords(s.Time))
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}
