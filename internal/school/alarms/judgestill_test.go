package alarms_test

import (
	"slices"
	"testing"
	"time"

	"belisha/internal/school/alarms"
)

func TestAStillSchoolIsToldFromOneThatIsClosed(t *testing.T) {
	at := today.Add(30 * time.Minute)
	hours := func(eight, nine, ten float64) []alarms.Hour {
		return []alarms.Hour{
			{At: today.Add(-9 * time.Hour), Base: 20},
			{At: today.Add(-2 * time.Hour), Base: eight},
			{At: today.Add(-time.Hour), Base: nine},
			{At: today, Base: ten},
		}
	}
	machines := weeks(nil)
	small := weeks(func(_ time.Time, h *alarms.Hour) { h.Base /= 50 })
	for _, x := range []struct {
		name  string
		at    time.Time
		today []alarms.Hour
		past  []alarms.Hour
		want  alarms.Stillness
	}{
		{"a day like others", at, hours(2000, 2000, 1000), machines, alarms.Stillness{Known: true, Sudden: true}},
		{"nothing comes any more, from one minute to the next", at, hours(2000, 2000, 0), machines, alarms.Stillness{Known: true, Still: true, Sudden: true, Machines: true}},
		{"everybody went home, and machines go on", at, hours(2000, 2000, 12), machines, alarms.Stillness{Known: true, Still: true, Sudden: true}},
		{"a snow day: only machines since the morning", at, hours(20, 20, 10), machines, alarms.Stillness{Known: true, Still: true}},
		{"the power is off since the morning", at, hours(0, 0, 0), machines, alarms.Stillness{Known: true, Still: true, Machines: true}},
		{"one class alone in school", at, hours(100, 100, 60), machines, alarms.Stillness{Known: true}},
		{"a minute into the hour", today.Add(time.Minute), hours(2000, 2000, 0), machines, alarms.Stillness{}},
		{"a school so small that an hour says nothing", at, hours(40, 40, 0), small, alarms.Stillness{}},
		{"half-term", time.Date(2026, 10, 27, 10, 30, 0, 0, london), nil, machines, alarms.Stillness{}},
		{"a Sunday", at.AddDate(0, 0, -1), nil, machines, alarms.Stillness{}},
		{"after school", today.Add(7 * time.Hour), nil, machines, alarms.Stillness{}},
		{"the first week of all", at, hours(2000, 2000, 0), machines[41*24:], alarms.Stillness{}},
	} {
		t.Run(x.name, func(t *testing.T) {
			got := alarms.Still(x.at, x.today, x.past, inSchool, london)
			got.Now, got.Usual = 0, 0
			if !got.Known {
				got = alarms.Stillness{}
			}
			if got != x.want {
				t.Errorf("%+v, want %+v", got, x.want)
			}
		})
	}
}

func TestADeviceThatAlwaysCameAndComesNoMoreIsNamed(t *testing.T) {
	var days []time.Time
	for d := today.AddDate(0, 0, -1); len(days) < 13; d = d.AddDate(0, 0, -1) {
		if inSchool(d) {
			days = append(days, d)
		}
	}
	on := func(skip ...int) []alarms.Hour {
		out := []alarms.Hour{{At: today, Base: 1}}
		for i, d := range days {
			if !slices.Contains(skip, i) {
				out = append(out, alarms.Hour{At: d, Base: 1})
			}
		}
		return out
	}
	none := func(skip ...int) []alarms.Hour { return on(skip...)[1:] }
	all := map[string][]alarms.Hour{
		"here":                      on(),
		"ill for a week":            none(0, 1),
		"gone":                      none(0, 1, 2),
		"came back today":           on(0, 1, 2),
		"comes on Mondays":          none(0, 1, 2, 3, 5, 6, 7, 8, 10, 11, 12),
		"missed a day in between":   none(0, 1, 2, 7),
		"new, since four days only": none(0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12),
	}
	gone, known := alarms.Absent(today, days, all)
	if !known || !slices.Equal(gone, []string{"gone", "missed a day in between"}) {
		t.Errorf("%v, %v", gone, known)
	}
	if _, known := alarms.Absent(today, days[:12], all); known {
		t.Error("too few days are enough")
	}
	away := map[string][]alarms.Hour{"a": none(0, 1, 2), "b": none(0, 1, 2), "c": on()}
	if gone, known := alarms.Absent(today, days, away); known || len(gone) != 0 {
		t.Errorf("most are away, so it is the school's own doing: %v", gone)
	}
}
