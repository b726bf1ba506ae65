package people_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/store"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/people"
)

var office = webtest.As("office", people.MayRead, people.MayManage, people.MayImport)

func head() actor.Actor {
	return webtest.As("head", people.MayRead, people.MayManage, people.MayAppoint)
}

func TestTheRollIsListedFilteredAndPaged(t *testing.T) {
	s := newSchool(t)
	s.fill(120)
	h := webtest.Site(t, s.Section())
	webtest.Get(t, h, "/people", office).Is(200).Safe().Has("1 to 50 of 120 people", "Name0").Link("/people?from=50")
	webtest.Get(t, h, "/people?from=100", office).Has("101 to 120 of 120 people").Link("/people?from=50")
	webtest.Get(t, h, "/people?year=3&words=name2", office).Is(200).Safe().Has("Everybody, Year 3, here today, matching")
	webtest.Get(t, h, "/people?words=%25", office).Has("Nobody fits")
	webtest.Get(t, h, "/people", webtest.As("other")).Is(403)
}

// fill puts n invented pupils in.
func (s *school) fill(n int) {
	s.t.Helper()
	var list []people.Person
	for i := range n {
		list = append(list, people.Person{
			Kind: people.Pupil, Given: fmt.Sprintf("Given%d", i), Family: fmt.Sprintf("Name%d", i),
			Username: fmt.Sprintf("user%d", i), Year: people.Years[2+i%6], Class: fmt.Sprint(i%6+1, "A"),
		})
	}
	err := s.db.Write(s.ctx, func(tx *store.Tx) error {
		_, err := s.Fill(s.ctx, tx, list)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func person() url.Values {
	return url.Values{"kind": {"pupil"}, "given": {"Ava"}, "family": {"Moss"}, "year": {"4"}, "class": {"4B"}, "site": {"main"}, "born": {"9/2/2018"}}
}

func TestAPersonIsAddedEditedAndLeavesByPages(t *testing.T) {
	s := newSchool(t)
	h := webtest.Site(t, s.Section())
	webtest.Get(t, h, "/people/new", office).Is(200).Safe()
	bad := person()
	bad.Set("given", "")
	bad.Set("born", "31/2/2018")
	d := webtest.Post(t, h, "/people/new", bad, office).Is(422).Safe().Has("is not a day in the calendar")
	if d.Field("family") != "Moss" {
		t.Error("what was typed is lost")
	}
	webtest.Post(t, h, "/people/new", person(), office).Is(303)
	ava := s.find("moss")
	at := "/people/" + string(ava.ID)
	webtest.Get(t, h, at, office).Is(200).Safe().Has("Ava Moss", "Year 4", "KS2", "4B", "9 February 2018").Link(at + "/edit")
	webtest.Get(t, h, at, webtest.As("reader", people.MayRead)).NoLink(at + "/edit")
	webtest.Get(t, h, at+"/edit", office).Is(200).Safe()

	form := person()
	form.Set("class", "4C")
	form.Set("version", "1")
	webtest.Post(t, h, at+"/edit", form, office).GoesTo(at)
	form.Set("class", "4D")
	webtest.Post(t, h, at+"/edit", form, office).Is(409)
	if got := s.find("moss").Class; got != "4C" {
		t.Errorf("a stale form won: %s", got)
	}
	webtest.Get(t, h, at+"/leave", office).Is(200).Safe().Has("cannot sign in")
	webtest.Post(t, h, at+"/leave", url.Values{"until": {"never"}, "version": {"2"}}, office).Is(422).Safe()
	webtest.Post(t, h, at+"/leave", url.Values{"until": {"20/11/2026"}, "version": {"2"}}, office).GoesTo(at)
	webtest.Get(t, h, at, office).Has("left 20 November 2026")
	webtest.Get(t, h, "/people?when=left", office).Has("Moss, Ava")
	webtest.Get(t, h, "/people/nobody", office).Is(404)
}

func TestAFamilyIsTiedByPages(t *testing.T) {
	s := newSchool(t)
	kid := s.add(people.Person{Kind: people.Pupil, Given: "Kit", Family: "Vane"})
	s.add(people.Person{Kind: people.Parent, Given: "Dot", Family: "Vane", Username: "dvane"})
	s.add(people.Person{Kind: people.Parent, Given: "Dan", Family: "Vane"})
	h := webtest.Site(t, s.Section())
	at := "/people/" + string(kid) + "/family"
	webtest.Get(t, h, at, office).Is(200).Safe()
	webtest.Post(t, h, at, url.Values{"who": {"Vane"}}, office).Is(422).Has("More than one person fits")
	webtest.Post(t, h, at, url.Values{"who": {"Nobody"}}, office).Is(422).Has("Nobody here fits")
	webtest.Post(t, h, at, url.Values{"who": {"dot vane"}, "relation": {"mother"}, "responsible": {"yes"}, "order": {"1"}}, office).GoesTo(at)
	webtest.Get(t, h, at, office).Safe().Has("Dot Vane", "mother", "End the tie with Dot Vane")
	dot := s.find("dot")
	webtest.Post(t, h, at+"/end", url.Values{"parent": {string(dot.ID)}, "child": {string(kid)}}, office).GoesTo(at)
	if list, _ := s.Parents(s.ctx, kid); len(list) != 0 {
		t.Errorf("%+v", list)
	}
}

func upload(t *testing.T, h http.Handler, name, text string, fields url.Values, as actor.Actor) *webtest.Doc {
	t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for k, v := range fields {
		if err := m.WriteField(k, v[0]); err != nil {
			t.Fatal(err)
		}
	}
	if name != "" {
		f, err := m.CreateFormFile("roll", name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/people/import", &b)
	r.Header.Set("Content-Type", m.FormDataContentType())
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return webtest.Do(t, h, r, as)
}

func TestARollIsLookedAtAndThenBroughtInByPages(t *testing.T) {
	s := newSchool(t)
	h := webtest.Site(t, s.Section())
	webtest.Get(t, h, "/people/import", office).Is(200).Safe()
	upload(t, h, "", "", url.Values{"how": {"look"}}, office).Is(422).Safe().Has("Choose the file first")
	upload(t, h, "page.csv", "<html></html>", url.Values{"how": {"bring"}}, office).Is(422).Safe().Has("The file page.csv was not read: this is a web page")
	upload(t, h, "roll.csv", pupils+"X,,,,,\n", url.Values{"how": {"look"}, "whole": {"whole"}}, office).
		Is(200).Safe().Has("Nothing has been changed", "Ava Moss", "Rows that did not go in", "Give a name")
	if _, n, _ := s.List(s.ctx, people.Filter{}); n != 0 {
		t.Fatalf("%d people after a look", n)
	}
	upload(t, h, "roll.csv", pupils, url.Values{"how": {"bring"}, "whole": {"whole"}}, office).Is(303)
	list, err := s.Imports(s.ctx)
	if err != nil || len(list) != 1 || list[0].File != "roll.csv" {
		t.Fatalf("%+v, %v", list, err)
	}
	webtest.Get(t, h, "/imports/"+list[0].ID, office).Is(200).Safe().Has("3 people", "CSV, UTF-8, comma between cells")
	webtest.Get(t, h, "/people/import", office).Link("/imports/" + list[0].ID)
	upload(t, h, "roll.csv", manyPupils(20), url.Values{"how": {"bring"}, "whole": {"part"}}, office).Is(303)
	upload(t, h, "roll.csv", manyPupils(4), url.Values{"how": {"bring"}, "whole": {"whole"}}, office).
		Is(422).Safe().Has("Very many would leave", "19 of 23 pupils")
	upload(t, h, "roll.csv", pupils, url.Values{"how": {"bring"}}, webtest.As("reader", people.MayRead)).Is(403)
}

func TestADemonstrationSaysSoBeforeAnythingIsChosen(t *testing.T) {
	s := onStore(t, storetest.SQLite(t, schemas()...), true)
	h := webtest.Site(t, s.Section())
	webtest.Get(t, h, "/people/import", office).Is(200).Safe().Has("This is a demonstration")
	upload(t, h, "roll.csv", pupils, url.Values{"how": {"bring"}}, office).Is(422).Has("takes no real roll")
}

func TestPostsAreGivenChangedAndEndedByPages(t *testing.T) {
	s := newSchool(t)
	s.add(people.Person{Kind: people.Staff, Given: "Al", Family: "Reed", Username: "areed"})
	s.add(people.Person{Kind: people.Pupil, Given: "Ava", Family: "Reed"})
	h := webtest.Site(t, s.Section())
	webtest.Get(t, h, "/posts", head()).Is(200).Safe().Has("Head teacher", "nobody")
	webtest.Get(t, h, "/posts/new", head()).Is(200).Safe()
	webtest.Post(t, h, "/posts/new", url.Values{"who": {""}, "post": {"headteacher"}}, head()).Is(422).Safe().Has("Say who is meant")
	webtest.Post(t, h, "/posts/new", url.Values{"who": {"ava reed"}, "post": {"headteacher"}}, head()).Is(422)
	webtest.Post(t, h, "/posts/new", url.Values{"who": {"areed"}, "post": {"king"}}, head()).Is(422).Has("Choose a post")
	webtest.Post(t, h, "/posts/new", url.Values{"who": {"areed"}, "post": {"online-safety-lead"}, "public": {"yes"}, "contact": {"Room 4"}}, head()).GoesTo("/posts")
	now, err := s.HoldersAt(s.ctx, people.OnlineSafetyLead, s.Now())
	if err != nil || len(now) != 1 || !now[0].Holder.Public {
		t.Fatalf("%+v, %v", now, err)
	}
	at := "/posts/" + now[0].Holder.ID
	webtest.Get(t, h, at, head()).Is(200).Safe().Has("Al Reed")
	webtest.Post(t, h, at, url.Values{"version": {"1"}, "until": {"31/8/2027"}, "contact": {"Room 5"}}, head()).GoesTo("/posts")
	webtest.Post(t, h, at, url.Values{"version": {"1"}, "contact": {"Room 6"}}, head()).Is(409)
	got, _ := s.HolderByID(s.ctx, now[0].Holder.ID)
	if got.Contact != "Room 5" || got.Until.Format("2006-01-02 15:04") != "2027-08-31 23:00" { // the end of that day in London
		t.Errorf("%+v", got)
	}
	webtest.Post(t, h, at+"/end", url.Values{"version": {"2"}}, head()).GoesTo("/posts")
	if now, _ := s.HoldersAt(s.ctx, people.OnlineSafetyLead, s.Now()); len(now) != 0 {
		t.Errorf("still held: %+v", now)
	}
	s.whole()
}

func TestWhoKeepsTheRollCannotMakeThemselvesHead(t *testing.T) {
	s := newSchool(t)
	s.add(people.Person{Kind: people.Staff, Given: "Olu", Family: "Office", Username: "office"})
	h := webtest.Site(t, s.Section())
	webtest.Get(t, h, "/posts/new", office).Is(403)
	webtest.Post(t, h, "/posts/new", url.Values{"who": {"office"}, "post": {"headteacher"}}, office).Is(403)
	if now, _ := s.HoldersAt(s.ctx, people.Headteacher, s.Now()); len(now) != 0 {
		t.Errorf("%+v", now)
	}
}

func TestTheCalendarIsEditedAsText(t *testing.T) {
	s := newSchool(t)
	h := webtest.Site(t, s.Section())
	webtest.Get(t, h, "/calendar", office).Is(200).Safe().Has("No terms are entered", "a school day, in school hours")
	webtest.Get(t, h, "/calendar/main/edit", office).Is(200).Safe().Has("Monday: 8:30 to 15:30")
	form := url.Values{
		"version": {"0"}, "name": {"Larch School"}, "zone": {"Europe/London"},
		"terms":    {"Autumn term: 2/9/2026 to 18/12/2026\r\nSpring term: 5/1/2027 to 26/3/2027"},
		"closures": {"Training day: 27/11/2026"}, "hours": {"Mon: 8.45 to 15:30\nTuesday: 8:45-15:30"}, "lessons": {"Period 1: 9:00 to 10:00\nSwimming: Tuesday 11:00 to 12:00"},
	}
	for field, line := range map[string]string{
		"terms": "Autumn term: 2/9/2026 to 40/12/2026", "hours": "Someday: 8:30 to 15:30", "lessons": "Period 1: 10:00 to 9:00", "closures": "no colon",
	} {
		bad := url.Values{}
		for k, v := range form {
			bad[k] = v
		}
		bad.Set(field, "\n"+line)
		webtest.Post(t, h, "/calendar/main/edit", bad, office).Is(422).Safe().Has("Line 2:")
	}
	overlap := url.Values{}
	for k, v := range form {
		overlap[k] = v
	}
	overlap.Set("terms", "A: 1/9/2026 to 18/12/2026\nB: 18/12/2026 to 20/12/2026")
	webtest.Post(t, h, "/calendar/main/edit", overlap, office).Is(422).Safe().Has("overlap")
	webtest.Post(t, h, "/calendar/main/edit", form, office).GoesTo("/calendar")
	webtest.Get(t, h, "/calendar", office).Safe().Has("Larch School", "Autumn term", "8:45 to 15:30", "Swimming", "27 November 2026")
	webtest.Post(t, h, "/calendar/main/edit", form, office).Is(409)
	c, _ := s.Calendar(s.ctx, people.MainSite)
	back, err := c.Text().Parse(people.Calendar{Site: "main"})
	if err != nil || len(back.Terms) != 2 || back.Hours != c.Hours || len(back.Lessons) != 2 {
		t.Errorf("what is shown cannot be saved again: %+v, %v", back, err)
	}
}

func TestTheExportIsSafeToOpen(t *testing.T) {
	s := newSchool(t)
	s.add(people.Person{Kind: people.Pupil, Given: "=cmd()", Family: "Moss"})
	h := webtest.Site(t, s.Section())
	r := httptest.NewRequest(http.MethodGet, "http://"+webtest.Host+"/people/export", nil)
	r = r.WithContext(actor.With(r.Context(), office))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != 200 || !strings.Contains(w.Body.String(), "'=cmd()") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func BenchmarkThePageOfAFullRoll(b *testing.B) {
	s := onStore(b, storetest.SQLite(b, schemas()...), false)
	s.fill(5000)
	h := webtest.Site(b, s.Section())
	for i := 0; b.Loop(); i++ {
		webtest.Get(b, h, "/people?from="+strconv.Itoa(i%100*50), office).Is(200)
	}
}
