package people_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

func london(t *testing.T, s string) time.Time {
	t.Helper()
	loc, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.ParseInLocation("2006-01-02 15:04", s, loc)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func autumn(t *testing.T) *people.Calendar {
	t.Helper()
	c := *people.DefaultCalendar(people.MainSite)
	c.Terms = []people.Span{
		{Name: "Spring term", From: "2027-01-05", Until: "2027-03-26"},
		{Name: "Autumn term", From: "2026-09-02", Until: "2026-12-18"},
	}
	c.Closures = []people.Span{{Name: "Half term", From: "2026-10-26", Until: "2026-10-30"}, {Name: "Training day", From: "2026-11-27", Until: "2026-11-27"}}
	c.Lessons = []people.Lesson{
		{Name: "Period 1", Weekday: people.EveryDay, Hours: people.Hours{From: 9 * 60, Until: 10 * 60}},
		{Name: "Swimming", Weekday: 2, Hours: people.Hours{From: 11 * 60, Until: 12 * 60}},
	}
	out, err := people.NewCalendar(c)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestASchoolDayIsCountedByTheCalendar(t *testing.T) {
	c := autumn(t)
	for _, x := range []struct {
		at         string
		day, hours bool
	}{
		{"2026-11-23 09:00", true, true},
		{"2026-11-23 08:29", true, false},
		{"2026-11-23 15:29", true, true},
		{"2026-11-23 15:30", true, false},
		{"2026-11-21 10:00", false, false}, // Saturday
		{"2026-10-28 10:00", false, false}, // half term
		{"2026-11-27 10:00", false, false}, // training day
		{"2026-12-25 10:00", false, false}, // between terms
		{"2026-10-23 09:00", true, true},   // summer time
	} {
		at := london(t, x.at)
		if c.SchoolDay(at) != x.day || c.SchoolHours(at) != x.hours {
			t.Errorf("%s: school day %v, hours %v", x.at, c.SchoolDay(at), c.SchoolHours(at))
		}
	}
}

func TestDueTimesCountSchoolDays(t *testing.T) {
	c := autumn(t)
	for _, x := range []struct {
		from string
		days int
		want string
	}{
		{"2026-11-23 10:00", 1, "2026-11-24 10:00"},
		{"2026-11-26 10:00", 1, "2026-11-30 10:00"}, // over the training day and the weekend
		{"2026-12-18 16:00", 1, "2027-01-05 16:00"}, // over Christmas
		{"2026-10-23 10:00", 2, "2026-11-03 10:00"}, // over half term and the end of summer time
		{"2026-11-23 10:00", 0, "2026-11-23 10:00"},
		{"2027-03-26 10:00", 1, "2027-03-29 10:00"}, // no terms known beyond: weekdays count
	} {
		if got := c.AddSchoolDays(london(t, x.from), x.days); !got.Equal(london(t, x.want)) {
			t.Errorf("%d school days after %s: %s, want %s", x.days, x.from, got, x.want)
		}
	}
}

func TestSomebodyIsNextAtSchool(t *testing.T) {
	c := autumn(t)
	for at, want := range map[string]string{
		"2026-11-23 09:00": "2026-11-23 09:00",
		"2026-11-23 07:00": "2026-11-23 08:30",
		"2026-11-20 19:12": "2026-11-23 08:30",
		"2026-12-24 12:00": "2027-01-05 08:30",
	} {
		if got := c.NextOpening(london(t, at)); !got.Equal(london(t, want)) {
			t.Errorf("from %s: %s, want %s", at, got, want)
		}
	}
}

func TestTheMinuteOfTheWeekIsTheSitesOwn(t *testing.T) {
	c := autumn(t)
	for at, want := range map[string]uint16{
		"2026-11-23 00:00": 0, "2026-11-23 09:05": 545, "2026-11-29 23:59": 7*24*60 - 1, "2026-07-01 09:05": 2*24*60 + 545,
	} {
		if got := c.MinuteOfWeek(london(t, at)); got != want {
			t.Errorf("%s: %d, want %d", at, got, want)
		}
	}
}

func TestTheLessonIsKnown(t *testing.T) {
	c := autumn(t)
	for at, want := range map[string]string{
		"2026-11-23 09:30": "Period 1", "2026-11-23 10:00": "", "2026-11-25 11:10": "Swimming", "2026-11-24 11:10": "", "2026-11-28 09:30": "",
	} {
		if got, _ := c.LessonAt(london(t, at)); got.Name != want {
			t.Errorf("%s: %q, want %q", at, got.Name, want)
		}
	}
}

func TestWithoutTermsEveryWeekdayIsASchoolDay(t *testing.T) {
	c := people.DefaultCalendar("north")
	if !c.SchoolDay(london(t, "2026-12-25 10:00")) || c.SchoolDay(london(t, "2026-12-26 10:00")) {
		t.Error("a Friday is one, a Saturday is not")
	}
}

func TestACalendarThatContradictsItselfIsRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(*people.Calendar)
		want string
	}{
		{"overlapping terms", func(c *people.Calendar) { c.Terms[1].From = "2026-12-18" }, "“Autumn term” and “Spring term” overlap"},
		{"a term that ends first", func(c *people.Calendar) { c.Terms[0].Until = "2026-01-01" }, "before it begins"},
		{"a day that is none", func(c *people.Calendar) { c.Closures[0].From = "2026-02-30" }, "first and a last day"},
		{"a zone that is none", func(c *people.Calendar) { c.Zone = "Mars/Phobos" }, "not a time zone"},
		{"hours that end first", func(c *people.Calendar) { c.Hours[0] = people.Hours{From: 900, Until: 500} }, "Monday must begin before"},
		{"overlapping lessons", func(c *people.Calendar) {
			c.Lessons = append(c.Lessons, people.Lesson{Name: "Choir", Weekday: 2, Hours: people.Hours{From: 690, Until: 700}})
		}, "“Swimming” and “Choir” overlap"},
		{"a term without a name", func(c *people.Calendar) { c.Terms[0].Name = "" }, "a name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cal := *autumn(t)
			cal.Terms = append([]people.Span(nil), cal.Terms...)
			cal.Closures = append([]people.Span(nil), cal.Closures...)
			c.edit(&cal)
			if _, err := people.NewCalendar(cal); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestTheCalendarIsKeptAndAStaleFormRefused(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		c := *autumn(t)
		if err := s.SetCalendar(s.ctx, c); err != nil {
			t.Fatal(err)
		}
		got, err := s.Calendar(s.ctx, people.MainSite)
		if err != nil || len(got.Terms) != 2 || got.Terms[0].Name != "Autumn term" || len(got.Lessons) != 2 || got.SchoolDay(london(t, "2026-12-25 10:00")) {
			t.Fatalf("%+v, %v", got, err)
		}
		if err := s.SetCalendar(s.ctx, c); !errors.Is(err, store.ErrStale) {
			t.Errorf("the same form again: %v", err)
		}
		again := *got
		again.Zone = "Europe/Lisbon"
		if err := s.SetCalendar(s.ctx, again); err != nil {
			t.Fatal(err)
		}
		if got, _ := s.Calendar(s.ctx, people.MainSite); got.Zone != "Europe/Lisbon" {
			t.Errorf("an old calendar was shown: %s", got.Zone)
		}
		s.whole()
	})
}

func TestDaysAndYearsAreReadAsSchoolsWriteThem(t *testing.T) {
	for in, want := range map[string]people.Day{
		"2026-11-23": "2026-11-23", "23/11/2026": "2026-11-23", "3/1/2026": "2026-01-03", "23-Nov-2026": "2026-11-23",
		"23 November 2026": "2026-11-23", "23.11.2026": "2026-11-23", "23/11/2026 00:00:00": "2026-11-23", "": "",
	} {
		if got, err := people.ParseDay(in); err != nil || got != want {
			t.Errorf("ParseDay(%q) = %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"31/02/2026", "11/23/2026", "09/02/08", "soon", "2026", "01/01/0001"} {
		if got, err := people.ParseDay(in); err == nil {
			t.Errorf("ParseDay(%q) = %q, want a refusal", in, got)
		}
	}
	for in, want := range map[string]people.Year{
		"Year 7": "7", "Year  7": "7", "y07": "7", "07": "7", "7": "7", "13": "13", "Reception": "R", "R": "R", "KG": "R",
		"Nursery": "N", "PK": "N", "Year R": "R", "": "",
	} {
		if got, err := people.ParseYear(in); err != nil || got != want {
			t.Errorf("ParseYear(%q) = %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"Year 44", "-1", "Beech", "7B", "15"} {
		if got, err := people.ParseYear(in); err == nil {
			t.Errorf("ParseYear(%q) = %q, want a refusal", in, got)
		}
	}
	for y, want := range map[people.Year]people.KeyStage{"N": "EYFS", "R": "EYFS", "1": "KS1", "2": "KS1", "3": "KS2", "6": "KS2", "7": "KS3", "9": "KS3", "10": "KS4", "11": "KS4", "12": "KS5", "13": "KS5", "": ""} {
		if got := y.Stage(); got != want {
			t.Errorf("year %q is %q, want %q", y, got, want)
		}
	}
}
