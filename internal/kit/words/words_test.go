package words_test

import (
	"testing"
	"time"
	_ "time/tzdata"

	"belisha/internal/kit/words"
)

func london(t *testing.T) *time.Location {
	t.Helper()
	z, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestTimesAreSaidAsTheSchoolReadsThem(t *testing.T) {
	now := time.Date(2026, 11, 23, 8, 30, 0, 0, time.UTC)
	w := words.In(london(t), now)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	const day = 24 * time.Hour
	cases := []struct{ name, got, want string }{
		{"this moment is just now", w.Ago(now), "just now"},
		{"a clock a little ahead is still now", w.Ago(ago(-5 * time.Second)), "just now"},
		{"one minute has no s", w.Ago(ago(90 * time.Second)), "1 minute ago"},
		{"hours go on to three days", w.Ago(ago(63 * time.Hour)), "63 hours ago"},
		{"after three days it is days", w.Ago(ago(3 * day)), "3 days ago"},
		{"after two months it is months", w.Ago(ago(90 * day)), "3 months ago"},
		{"after two years it is years", w.Ago(ago(800 * day)), "2 years ago"},
		{"the future is in", w.Ago(ago(-2 * time.Hour)), "in 2 hours"},
		{"a time that never was is never", w.Ago(time.Time{}), "never"},
		{"a moment has its weekday and no nought before the hour", w.Moment(now), "Monday 23 November, 8:30"},
		{"another year is said", w.Date(ago(400 * day)), "Sunday 19 October 2025"},
		{"summer time is the school's", w.Clock(time.Date(2026, 7, 1, 11, 5, 0, 0, time.UTC)), "12:05"},
		{"today is today", w.Near(ago(time.Hour)), "today at 7:30"},
		{"yesterday is by the calendar, not by 24 hours", w.Near(ago(9 * time.Hour)), "yesterday at 23:30"},
		{"tomorrow is tomorrow", w.Near(ago(-day)), "tomorrow at 8:30"},
		{"longer ago is a date", w.Near(ago(3 * day)), "Friday 20 November, 8:30"},
		{"a check of today is a time", w.Stamp(ago(28 * time.Minute)), "08:02"},
		{"a check of another day says the day", w.Stamp(ago(2 * day)), "Saturday 21 November, 8:30"},
		{"exact has seconds and zone", w.Exact(now), "23 November 2026, 08:30:00 GMT"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.got != c.want {
				t.Errorf("got %q, want %q", c.got, c.want)
			}
		})
	}
}

func TestNumbersAndListsAreSaid(t *testing.T) {
	cases := []struct{ name, got, want string }{
		{"thousands have commas", words.Number(1234567), "1,234,567"},
		{"a negative number keeps its sign", words.Number(-1234), "-1,234"},
		{"three figures have none", words.Number(999), "999"},
		{"none is no", words.Count(0, "person", "people"), "no people"},
		{"one is one", words.Count(1, "person", "people"), "1 person"},
		{"many are counted", words.Count(1204, "person", "people"), "1,204 people"},
		{"two are joined by and", words.And([]string{"a", "b"}), "a and b"},
		{"three have a comma", words.Or([]string{"a", "b", "c"}), "a, b or c"},
		{"a nothing list is empty", words.And(nil), ""},
		{"a length is exact", words.Length(90 * time.Minute), "1 hour and 30 minutes"},
		{"days are days", words.Length(90 * 24 * time.Hour), "90 days"},
		{"a tiny length is said", words.Length(time.Millisecond), "less than a second"},
		{"bytes", words.Size(1), "1 byte"},
		{"kilobytes", words.Size(1400), "1.4 kB"},
		{"megabytes", words.Size(64_000_000), "64 MB"},
		{"a size at the edge takes the next unit", words.Size(999_999), "1.0 MB"},
		{"nearly all is not all", words.Percent(9999, 10000), "99 %"},
		{"a few are not none", words.Percent(1, 10000), "1 %"},
		{"all is all", words.Percent(5, 5), "100 %"},
		{"nothing to count is said", words.Percent(0, 0), "none to count"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.got != c.want {
				t.Errorf("got %q, want %q", c.got, c.want)
			}
		})
	}
}
