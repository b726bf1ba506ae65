package alarms_test

import (
	"testing"
	"time"

	"belisha/internal/school/alarms"
)

var london, _ = time.LoadLocation("Europe/London")

// year is a made-up school year around Monday 23 November 2026: weekdays from
// 8 to 16, no half-term (26 to 30 October), no inset day that the calendar
// knows (6 November).
func inSchool(at time.Time) bool {
	l := at.In(london)
	if l.Weekday() == time.Saturday || l.Weekday() == time.Sunday || l.Hour() < 8 || l.Hour() >= 16 {
		return false
	}
	d := l.Format("01-02")
	return (d < "10-26" || d > "10-30") && d != "11-06"
}

var today = time.Date(2026, 11, 23, 10, 0, 0, 0, london)

// weeks are the hours of six weeks of which 40 in 1,000 requests are closed;
// change may make a day another.
func weeks(change func(at time.Time, h *alarms.Hour)) []alarms.Hour {
	var out []alarms.Hour
	for at := today.AddDate(0, 0, -42); at.Before(today); at = at.Add(time.Hour) {
		h := alarms.Hour{At: at, Base: 20, Value: 0} // machines that ask by themselves
		if inSchool(at) {
			// No two days are alike.
			h.Base = 2000 + float64(at.YearDay()*37%400)
			h.Value = h.Base * (0.03 + float64(at.YearDay()*13%20)/1000)
		}
		if change != nil {
			change(at, &h)
		}
		out = append(out, h)
	}
	return out
}

func day(month time.Month, d int) func(time.Time) bool {
	return func(at time.Time) bool { l := at.In(london); return l.Month() == month && l.Day() == d }
}

func TestBlocksThatFallAreToldFromDaysThatAreOnlyQuiet(t *testing.T) {
	snow := func(at time.Time, h *alarms.Hour) { // two days that no calendar knows
		if day(11, 16)(at) || day(11, 9)(at) {
			h.Base, h.Value = 60, 1
		}
	}
	for _, x := range []struct {
		name string
		now  alarms.Hour
		past []alarms.Hour
		at   time.Time
		want alarms.Judgement
	}{
		{"a day like others", alarms.Hour{Base: 2100, Value: 80}, weeks(nil), today, alarms.Judgement{Known: true}},
		{"a day on which nothing is closed any more", alarms.Hour{Base: 2100, Value: 2}, weeks(nil), today, alarms.Judgement{Known: true, Fell: true}},
		{"the same, after half-term and an inset day", alarms.Hour{Base: 2100, Value: 2}, weeks(snow), today, alarms.Judgement{Known: true, Fell: true}},
		{"a snow day that the calendar does not know", alarms.Hour{Base: 60, Value: 0}, weeks(nil), today, alarms.Judgement{}},
		{"the day after snow days", alarms.Hour{Base: 2100, Value: 75}, weeks(snow), today, alarms.Judgement{Known: true}},
		{"an exam week: half of the traffic, half of the share", alarms.Hour{Base: 1000, Value: 18}, weeks(nil), today, alarms.Judgement{Known: true}},
		{"one class alone in school", alarms.Hour{Base: 300, Value: 0}, weeks(nil), today, alarms.Judgement{}},
		{"half-term", alarms.Hour{Base: 2100, Value: 0}, weeks(nil), time.Date(2026, 10, 27, 10, 0, 0, 0, london), alarms.Judgement{}},
		{"an evening", alarms.Hour{Base: 2100, Value: 0}, weeks(nil), today.Add(9 * time.Hour), alarms.Judgement{}},
		{"a Saturday", alarms.Hour{Base: 2100, Value: 0}, weeks(nil), today.AddDate(0, 0, 5), alarms.Judgement{}},
		{"the first week of all", alarms.Hour{Base: 2100, Value: 0}, weeks(nil)[41*24:], today, alarms.Judgement{}},
		{"a school where hardly anything is ever closed", alarms.Hour{Base: 2100, Value: 0}, weeks(func(_ time.Time, h *alarms.Hour) { h.Value = h.Base * 0.002 }), today, alarms.Judgement{}},
		{"far more is closed than usual", alarms.Hour{Base: 2100, Value: 900}, weeks(nil), today, alarms.Judgement{Known: true}},
		{"no traffic at all", alarms.Hour{}, weeks(nil), today, alarms.Judgement{}},
	} {
		t.Run(x.name, func(t *testing.T) {
			x.now.At = x.at
			got := alarms.Share(x.now, x.past, inSchool, london)
			if got.Known != x.want.Known || got.Fell != x.want.Fell {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestNoOrdinaryDayOfASchoolYearIsAnAlarm(t *testing.T) {
	past := weeks(nil)
	for i, h := range past {
		if i < 20*24 || !inSchool(h.At) {
			continue
		}
		if j := alarms.Share(h, past[:i], inSchool, london); j.Fell {
			t.Errorf("%s: %+v", h.At, j)
		}
	}
}

func TestOneDarkSiteIsToldFromASchoolThatIsClosed(t *testing.T) {
	lower, upper := weeks(nil), weeks(nil)
	for _, x := range []struct {
		name  string
		sites []alarms.SiteHour
		at    time.Time
		dark  int
	}{
		{"both busy", []alarms.SiteHour{{"lower", 2000, lower}, {"upper", 1900, upper}}, today, 0},
		{"one dark", []alarms.SiteHour{{"lower", 20, lower}, {"upper", 1900, upper}}, today, 1},
		{"one gone altogether", []alarms.SiteHour{{"lower", 0, lower}, {"upper", 1900, upper}}, today, 1},
		{"one quiet", []alarms.SiteHour{{"lower", 300, lower}, {"upper", 1900, upper}}, today, 0},
		{"both closed, as on a snow day", []alarms.SiteHour{{"lower", 20, lower}, {"upper", 30, upper}}, today, 0},
		{"the only site", []alarms.SiteHour{{"lower", 0, lower}}, today, 0},
		{"a new site", []alarms.SiteHour{{"lower", 2000, lower}, {"pavilion", 0, nil}}, today, 0},
		{"at night", []alarms.SiteHour{{"lower", 0, lower}, {"upper", 1900, upper}}, today.Add(12 * time.Hour), 0},
	} {
		t.Run(x.name, func(t *testing.T) {
			if dark, _ := alarms.Dark(x.at, x.sites, inSchool, london); len(dark) != x.dark {
				t.Errorf("dark: %v", dark)
			}
		})
	}
}
