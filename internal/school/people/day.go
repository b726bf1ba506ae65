package people

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Day is a day of the calendar, "2026-11-23", without a zone. Days compare as
// text. "" is no day.
type Day string

// DayOf returns the day that t falls on in t's own zone.
func DayOf(t time.Time) Day { return Day(t.Format(time.DateOnly)) }

// Time returns the day's first moment in loc.
func (d Day) Time(loc *time.Location) time.Time {
	t, err := time.ParseInLocation(time.DateOnly, string(d), loc)
	if err != nil {
		return time.Time{}
	}
	return t
}

// End returns the first moment after the day in loc.
func (d Day) End(loc *time.Location) time.Time { return d.Add(1).Time(loc) }

// Add returns the day n days later.
func (d Day) Add(n int) Day {
	t := d.Time(time.UTC)
	if t.IsZero() {
		return ""
	}
	return DayOf(t.AddDate(0, 0, n))
}

// Weekday returns 0 for Monday to 6 for Sunday.
func (d Day) Weekday() int { return (int(d.Time(time.UTC).Weekday()) + 6) % 7 }

// Valid reports whether d is a day that exists.
func (d Day) Valid() bool {
	_, err := time.Parse(time.DateOnly, string(d))
	return err == nil
}

// Words returns the day as British pages write it: "23 November 2026".
func (d Day) Words() string {
	t := d.Time(time.UTC)
	if t.IsZero() {
		return ""
	}
	return t.Format("2 January 2006")
}

var dayForms = []string{
	time.DateOnly, "2/1/2006", "2-1-2006", "2.1.2006", "2 Jan 2006", "2 January 2006",
	"2-Jan-2006", "2006/1/2", "2/1/2006 15:04", "2/1/2006 15:04:05", "2006-01-02 15:04:05", time.RFC3339,
}

// ParseDay reads a day as British schools and their systems write it:
// 2026-11-23, 23/11/2026, 23 Nov 2026. The day comes before the month. Two
// figures for a year are refused: 09/02/08 could be three days. "" is no day.
func ParseDay(s string) (Day, error) {
	s = strings.Join(strings.Fields(s), " ")
	if s == "" {
		return "", nil
	}
	for _, form := range dayForms {
		t, err := time.Parse(form, s)
		if err != nil {
			continue
		}
		if t.Year() < 1900 || t.Year() > 2200 {
			return "", fmt.Errorf("“%s” is not a day that anybody here can have; write it as day/month/year", cut(s, 30))
		}
		return DayOf(t), nil
	}
	return "", fmt.Errorf("“%s” is not a day in the calendar; write it as 23/11/2026 or 2026-11-23", cut(s, 30))
}

// Year is a year group: "N" (nursery), "R" (reception), "1" to "14", or ""
// where it is not known or does not apply.
type Year string

// Years is every year group, youngest first.
var Years = []Year{"N", "R", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14"}

// Stage returns the key stage of the year.
func (y Year) Stage() KeyStage {
	if y == "N" || y == "R" {
		return EYFS
	}
	n, err := strconv.Atoi(string(y))
	switch {
	case err != nil || n < 1:
		return ""
	case n <= 2:
		return KS1
	case n <= 6:
		return KS2
	case n <= 9:
		return KS3
	case n <= 11:
		return KS4
	default:
		return KS5
	}
}

// Words returns the year as a page says it: "Year 7", "Reception".
func (y Year) Words() string {
	switch y {
	case "":
		return ""
	case "N":
		return "Nursery"
	case "R":
		return "Reception"
	default:
		return "Year " + string(y)
	}
}

var yearWords = map[string]Year{
	"n": "N", "nursery": "N", "n1": "N", "n2": "N", "pk": "N", "prekindergarten": "N", "preschool": "N",
	"r": "R", "rec": "R", "reception": "R", "kg": "R", "kindergarten": "R", "yr": "R", "yearr": "R", "0": "R", "00": "R",
}

// ParseYear reads a year group as rolls write it: "Year 7", "Y07", "7",
// "Reception", "KG". "" is none.
func ParseYear(s string) (Year, error) {
	w := strings.ToLower(strings.Join(strings.Fields(s), ""))
	if w == "" {
		return "", nil
	}
	if y, ok := yearWords[w]; ok {
		return y, nil
	}
	digits := strings.TrimLeft(strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(w, "yeargroup"), "year"), "y"), "0")
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 || n > 14 {
		return "", fmt.Errorf("“%s” is not a year group; write Nursery, Reception or Year 1 to Year 14", cut(s, 30))
	}
	return Year(strconv.Itoa(n)), nil
}

// cut shortens s to n runes for a sentence, so that a bad file cannot fill a
// page.
func cut(s string, n int) string {
	r := []rune(strings.ToValidUTF8(s, "�"))
	if len(r) <= n {
		return string(r)
	}
	return string(r[:n]) + "…"
}
