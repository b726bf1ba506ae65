package activity

import (
	"context"
	"testing"
	"time"
)

func TestWhatIsHeldOfSomebodyIsCountedOverAllDaysAndAllTheirPseudonyms(t *testing.T) {
	b := newStore(t, Keep{})
	var events []Event
	add := func(subject string, at time.Time) {
		e := visit(uint64(len(events)+1), at)
		e.Subject = subject
		events = append(events, e)
	}
	add("p-amber", monday.AddDate(0, 0, -40))
	add("p-amber", monday)
	add("p-amber-last-year", monday.AddDate(0, 0, -90))
	add("p-birch", monday.AddDate(0, 0, -100))
	add("", monday.AddDate(0, 0, -3))
	b.append(t, events...)
	all, ages := []string{"p-amber", "p-amber-last-year"}, monday.AddDate(-1, 0, 0)
	for _, c := range []struct {
		name     string
		subjects []string
		from     time.Time
		rows     int
		first    time.Time
	}{
		{"both pseudonyms", all, ages, 3, monday.AddDate(0, 0, -90)},
		{"one of them", all[:1], ages, 2, monday.AddDate(0, 0, -40)},
		{"since a moment ago", all, monday, 1, monday},
		{"somebody of whom nothing is held", []string{"p-cedar"}, ages, 0, time.Time{}},
	} {
		got, err := b.Held(context.Background(), c.subjects, c.from, monday.AddDate(0, 0, 1))
		if err != nil {
			t.Fatal(err)
		}
		if got.Rows != c.rows || !got.First.Equal(c.first) || (c.rows > 0 && !got.Last.Equal(monday)) {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
	if _, err := b.Held(context.Background(), nil, ages, monday); err == nil {
		t.Error("without anybody everything was counted")
	}
}
