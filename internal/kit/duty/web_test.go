package duty_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/duty"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/notice"
	"belisha/internal/kit/store"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/kit/web/webtest"
)

// roll is who works here; rook is the only holder of everything, robin his
// deputy.
type roll struct{ gone map[string]bool }

func (r *roll) Staff(context.Context) ([]duty.Somebody, error) {
	var out []duty.Somebody
	for _, n := range []string{"Dove", "Lark", "Robin", "Rook", "Wren"} {
		if !r.gone[n] {
			out = append(out, duty.Somebody{ID: n, Name: n})
		}
	}
	return out, nil
}

func (r *roll) Deputises(_ context.Context, _, who string) (bool, error) { return who == "Robin", nil }

func (r *roll) Actor(_ context.Context, who string) (actor.Actor, error) {
	if r.gone[who] {
		return actor.Actor{}, store.ErrNotFound
	}
	if who == "Wren" {
		return seeing(who, "online-safety-lead"), nil
	}
	return seeing(who), nil
}

// told keeps what would be mailed.
type told struct{ list []notice.Notice }

func (m *told) Send(_ context.Context, _ *store.Tx, n notice.Notice) error {
	m.list = append(m.list, n)
	return nil
}

type desk struct {
	book  *duty.Book
	clock *clock.Fake
	roll  *roll
	told  *told
	owed  []duty.Owed
	http  http.Handler
}

func newDesk(t *testing.T, db *store.DB) *desk {
	t.Helper()
	d := &desk{clock: clock.NewFake(webtest.Now), roll: &roll{gone: map[string]bool{}}, told: &told{}}
	d.owed = []duty.Owed{{
		ID: "review/1", What: "Review the policy", Step: "Open it", Owner: "online-safety-lead",
		Since: webtest.Now, Due: webtest.Now.Add(48 * time.Hour), Link: "/policies/1", Risk: 1, ByWord: true,
	}}
	j, err := journal.New(journal.Deps{DB: db, Clock: d.clock, Protected: duty.Protected, Verbs: duty.Verbs})
	if err != nil {
		t.Fatal(err)
	}
	d.book, err = duty.New(duty.Deps{
		DB: db, Journal: j, Clock: d.clock, Days: weekdays{}, People: d.roll, School: "ashdown", Notices: d.told,
		Sources: []duty.Source{{Name: "policies", Owed: func(context.Context, time.Time) ([]duty.Owed, error) { return d.owed, nil }}},
	})
	if err != nil {
		t.Fatal(err)
	}
	d.http = webtest.Site(t, d.book.Section())
	return d
}

func seeing(name string, posts ...string) actor.Actor {
	return actor.New(actor.Actor{ID: "person:" + name, Name: name, Kind: actor.Person, Person: name, Audience: actor.Staff, Posts: posts}, duty.MaySee)
}

const key = "policies:review/1"

func TestATaskIsDoneGivenAndExcusedFromItsPages(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		wren, dove, rook := seeing("Wren", "online-safety-lead"), seeing("Dove"), seeing("Rook", "headteacher")
		webtest.Get(t, d.http, "/tasks", wren).Is(200).Has("Review the policy", "It is done", "due Wednesday")
		webtest.Get(t, d.http, "/tasks", dove).Is(200).Has("You owe nothing; last checked")
		webtest.Get(t, d.http, "/tasks?all=1", dove).HasNot("Review the policy")
		webtest.Get(t, d.http, "/tasks?all=1", rook).Has("Review the policy", "online safety lead")
		webtest.Get(t, d.http, "/tasks/one?key="+key, dove).Is(404)
		webtest.Get(t, d.http, "/tasks", webtest.Nobody()).GoesTo("/sign-in?to=%2Ftasks")
		webtest.Post(t, d.http, "/tasks/done", url.Values{"key": {key}}, dove).Is(403)
		webtest.Post(t, d.http, "/tasks/done", url.Values{"key": {"forged:key"}}, wren).Is(404)
		webtest.Post(t, d.http, "/tasks/give", url.Values{"key": {key}, "person": {"a-pupil"}, "note": {"kept words"}}, wren).
			Is(422).Has("nobody who works at the school", "kept words")
		webtest.Post(t, d.http, "/tasks/give", url.Values{"key": {key}, "person": {"Dove"}}, wren).GoesTo("/tasks")
		webtest.Get(t, d.http, "/tasks", dove).Has("Review the policy")
		d.roll.gone["Dove"] = true
		webtest.Get(t, d.http, "/tasks", wren).Has("Review the policy")
		webtest.Post(t, d.http, "/tasks/excuse", url.Values{"key": {key}, "note": {"closed"}, "until-day": {"31"}, "until-month": {"2"}, "until-year": {"2026"}}, rook).
			Is(422).Has("Give a day to come", "closed")
		webtest.Post(t, d.http, "/tasks/done", url.Values{"key": {key}}, wren).GoesTo("/tasks")
		webtest.Post(t, d.http, "/tasks/done", url.Values{"key": {key}}, wren).GoesTo("/tasks")
		webtest.Get(t, d.http, "/tasks", wren).HasNot("Review the policy")
	})
}

func TestADeputyIsToldOnceATaskIsDueAndMayDoItBefore(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t, schemas...))
	robin := seeing("Robin", "online-safety-lead")
	if got := sees(t, d.book, robin); got != "" {
		t.Errorf("before it is due the deputy's tray says %q", got)
	}
	webtest.Get(t, d.http, "/tasks", robin).Has("Review the policy")
	d.clock.Advance(48 * time.Hour)
	if got := sees(t, d.book, robin); got == "" {
		t.Error("once it is due the deputy's tray says nothing")
	}
}

func TestWhatIsMeasuredIsNotDoneByWord(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t, schemas...))
	d.owed[0].ByWord = false
	wren := seeing("Wren", "online-safety-lead")
	webtest.Get(t, d.http, "/tasks", wren).HasNot("It is done")
	webtest.Post(t, d.http, "/tasks/done", url.Values{"key": {key}}, wren).Is(422).Has("goes away by itself")
}

func TestTenThousandTasksAreReadPageByPage(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t, schemas...))
	d.owed = nil
	for i := range 10_000 {
		d.owed = append(d.owed, duty.Owed{ID: fmt.Sprint(i), What: fmt.Sprintf("Task %d.", i), Owner: "online-safety-lead", Due: webtest.Now.Add(time.Duration(i) * time.Minute)})
	}
	wren := seeing("Wren", "online-safety-lead")
	began := time.Now()
	webtest.Get(t, d.http, "/tasks", wren).Has("Task 0.", "1 to 50 of 10,000").HasNot("Task 50.")
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("the page took %s", took)
	}
	webtest.Get(t, d.http, "/tasks?from=9950", wren).Has("Task 9999.")
	webtest.Get(t, d.http, "/tasks?from=99999999", wren).Is(200)
	webtest.Get(t, d.http, "/tasks?from=-7", wren).Is(200)
}

// address makes a feed and returns its path.
func address(t *testing.T, d *desk, who actor.Actor) string {
	t.Helper()
	token, err := d.book.OpenFeed(as(who))
	if err != nil {
		t.Fatal(err)
	}
	return "/calendar/" + token + ".ics"
}

func TestTasksCanBeReadAsACalendarUntilTheAddressIsClosed(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		wren, nobody := seeing("Wren", "online-safety-lead"), webtest.Nobody()
		path := address(t, d, wren)
		got := webtest.Get(t, d.http, path, nobody).Is(200)
		text := string(got.Body)
		for _, want := range []string{"BEGIN:VCALENDAR\r\n", "SUMMARY:Review the policy", "DTSTART;VALUE=DATE:20261125", "@belisha.invalid"} {
			if !strings.Contains(text, want) {
				t.Errorf("the calendar lacks %q:\n%s", want, text)
			}
		}
		if strings.Contains(text, "Wren") {
			t.Error("the calendar names somebody")
		}
		d.clock.Advance(time.Hour)
		again := webtest.Get(t, d.http, path, nobody)
		if tag := again.Header.Get("ETag"); tag == "" || tag != got.Header.Get("ETag") {
			t.Errorf("an hour later the tag is %s, not %s", tag, got.Header.Get("ETag"))
		}
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("If-None-Match", got.Header.Get("ETag"))
		webtest.Do(t, d.http, r, nobody).Is(304)
		second := address(t, d, wren)
		webtest.Get(t, d.http, path, nobody).Is(404)
		webtest.Get(t, d.http, second, nobody).Is(200)
		webtest.Post(t, d.http, "/tasks/calendar/close", nil, wren).GoesTo("/tasks/calendar")
		webtest.Get(t, d.http, second, nobody).Is(404)
	})
}

func TestACalendarOfSomebodyWhoLeftIsNotThereAndAForgedOneNeverWas(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t, schemas...))
	path := address(t, d, seeing("Wren", "online-safety-lead"))
	d.roll.gone["Wren"] = true
	webtest.Get(t, d.http, path, webtest.Nobody()).Is(404)
	for _, forged := range []string{"/calendar/x.ics", "/calendar/" + strings.Repeat("A", 43) + ".ics", strings.TrimSuffix(path, ".ics")} {
		webtest.Get(t, d.http, forged, webtest.Nobody()).Is(404)
	}
}

func TestACalendarWithNothingDueIsStillACalendar(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t, schemas...))
	path := address(t, d, seeing("Dove"))
	if got := string(webtest.Get(t, d.http, path, webtest.Nobody()).Is(200).Body); !strings.HasSuffix(got, "END:VCALENDAR\r\n") || strings.Contains(got, "VEVENT") {
		t.Errorf("%s", got)
	}
}

func TestNobodyGuessesAddressesForLong(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t, schemas...))
	for range 120 {
		webtest.Get(t, d.http, "/calendar/x.ics", webtest.Nobody())
	}
	webtest.Get(t, d.http, "/calendar/x.ics", webtest.Nobody()).Is(429)
	d.clock.Advance(time.Hour)
	webtest.Get(t, d.http, "/calendar/x.ics", webtest.Nobody()).Is(404)
}

func TestTheAddressIsShownOnce(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t, schemas...))
	wren := seeing("Wren", "online-safety-lead")
	webtest.Post(t, d.http, "/tasks/calendar", nil, wren).Is(200).Has("/calendar/", "not shown again")
	webtest.Get(t, d.http, "/tasks/calendar", wren).Has("An address was made").HasNot(".ics")
}

func TestWhoeverOwesIsRemindedWhenItIsDue(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t, schemas...))
	run := func() []notice.Notice {
		t.Helper()
		d.told.list = nil
		if err := d.book.Tasks()[0].Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		return d.told.list
	}
	if got := run(); len(got) != 0 {
		t.Errorf("two days before: %+v", got)
	}
	d.clock.Advance(30 * time.Hour)
	first := run()
	if len(first) != 1 || first[0].Posts[0] != "online-safety-lead" || first[0].What != "1 task is due" {
		t.Fatalf("the day before: %+v", first)
	}
	d.clock.Advance(5 * 24 * time.Hour)
	late := run()
	if len(late) != 2 {
		t.Fatalf("late: %+v", late)
	}
	for _, n := range late {
		if n.Posts[0] == "online-safety-lead" && n.Key != first[0].Key {
			t.Error("the same task has another key: it would be mailed again each day")
		}
	}
}
