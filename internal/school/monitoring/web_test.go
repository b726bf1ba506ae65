package monitoring

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"belisha/internal/activity"
	"belisha/internal/kit/actor"
	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/access"
	"belisha/internal/school/people"
)

func TestThePagesFitTheirStructs(t *testing.T) {
	all := []webtest.Checkable{
		purposePage, searchPage, timelinePage, blockedPage, looksPage, signalsPage, signalPage, monitorsPage, recordingPage,
		sheetPage, samplePage, sightPage, checkPage,
	}
	webtest.Check(t, all...)
	webtest.PlainWords(t, all...)
}

func TestWhatWasFoundInsideIsSaidToMonitorsAndNotOfStaff(t *testing.T) {
	s := newSchool(t)
	s.confirm()
	check(t, s.ConfirmRecording(s.as(s.head), "2026-09-14", "Letter of 4 September"))
	s.saw(s.visit(func(e *activity.Event) {
		e.Host, e.Action, e.Category, e.Reason, e.Detail = "page.example", activity.Block, "adult", "phrases", "phrases 140 of 60: adult; “a phrase” 100"
	}), s.visit(func(e *activity.Event) {
		e.Host, e.Action, e.Words, e.Engine, e.Detail = "chat.example", activity.Allow, "help me with rivers", "chat", "written to an AI service"
	}), s.visit(func(e *activity.Event) {
		e.Host, e.Group, e.Action, e.Detail = "desk.example", access.GroupStaff, activity.Block, "phrases 150 of 60: adult"
	}))
	site, me := s.site(), s.actor(s.monitor)
	asked := "/monitoring/activity?who=okonjo"
	webtest.Post(t, site, "/monitoring/purpose", url.Values{"purpose": {"crime"}, "reason": {"Asked by the police"}, "to": {asked}}, me)
	webtest.Get(t, site, asked, me).Is(200).Safe().
		Has("found: phrases 140 of 60: adult; “a phrase” 100", "wrote “help me with rivers”", "never quotes the page", "desk.example").
		HasNot("phrases 150")
	csv := string(webtest.Get(t, site, "/monitoring/activity.csv?who=okonjo", me).Is(200).Body)
	if !strings.Contains(csv, "found inside") || !strings.Contains(csv, "phrases 140 of 60") || strings.Contains(csv, "phrases 150") {
		t.Errorf("the copy:\n%s", csv)
	}
}

func TestAReaderGivesAPurposeAndComesToWhatTheyAskedFor(t *testing.T) {
	s := newSchool(t)
	s.confirm()
	check(t, s.ConfirmRecording(s.as(s.head), "2026-09-14", "Letter of 4 September"))
	s.saw(s.visit(), s.visit(func(e *activity.Event) {
		e.Host, e.Action, e.Category, e.Rule, e.Path = "dice.example", activity.Block, "gambling", "pupils", ""
		e.Words, e.Engine, e.Count = "win at dice", "search", 3
	}))
	site, me := s.site(), s.actor(s.monitor)
	asked := "/monitoring/activity?who=okonjo"
	to := "/monitoring/purpose?" + url.Values{"to": {asked}}.Encode()
	webtest.Get(t, site, asked, me).GoesTo(to)
	webtest.Get(t, site, to, me).Is(200).Safe().Has("Why do you need to look?", "A safeguarding concern", "30 minutes")
	webtest.Post(t, site, "/monitoring/purpose", url.Values{"purpose": {"crime"}, "reason": {""}, "to": {asked}}, me).
		Is(422).Safe().Has("Say in a few words why you need to look.")
	webtest.Post(t, site, "/monitoring/purpose", url.Values{"purpose": {"crime"}, "reason": {"Asked by the police"}, "to": {asked}}, me).GoesTo(asked)
	d := webtest.Get(t, site, asked, me).Is(200).Safe().Has(
		"Robin Okonjo", "signed in", "pond.example", "/frogs", "dice.example", "searched for “win at dice”",
		"✕ closed", "✓ open", "3 times within a minute", "preventing or detecting crime", "2 rows")
	if d.Field("who") != "okonjo" {
		t.Error("what was typed is lost")
	}
	d.Link("/monitoring/people/" + string(s.pupil) + "?day=2026-11-23")
	webtest.Get(t, site, "/monitoring/people/"+string(s.pupil)+"?day=2026-11-23", me).Is(200).Safe().
		Has("Robin Okonjo", "23 November 2026", "dice.example", "A row alone proves nothing")
	webtest.Get(t, site, "/monitoring/people/nobody", me).Is(404)
	webtest.Get(t, site, "/monitoring/activity?address=library", me).Is(422).Safe().Has("Write the address as numbers")
	webtest.Get(t, site, "/monitoring/activity?who=zebulon", me).Is(200).Safe().Has("Nobody of that name")
	webtest.Get(t, site, "/monitoring/blocked", me).Is(200).Safe().Has("dice.example", "Gambling", "Visits to help services: 0").HasNot("Okonjo")
	csv := webtest.Get(t, site, "/monitoring/activity.csv?who=okonjo", me).Is(200)
	for _, want := range []string{"Robin Okonjo", "dice.example", "Taken by Tobias Fennimore", "preventing or detecting crime"} {
		if !strings.Contains(string(csv.Body), want) {
			t.Errorf("the copy does not say %q:\n%s", want, csv.Body)
		}
	}
}

func TestAPageThatIsFullLeadsToTheNext(t *testing.T) {
	s := newSchool(t).ready()
	var events []activity.Event
	for i := range 70 {
		events = append(events, s.visit(func(e *activity.Event) { e.At = monday.Add(-time.Duration(i) * time.Minute) }))
	}
	s.saw(events...)
	first, err := s.Search(s.as(s.monitor), Asked{})
	check(t, err)
	second, err := s.Search(s.as(s.monitor), Asked{Cursor: first.Next})
	check(t, err)
	if len(first.Rows) != 50 || len(second.Rows) != 20 || second.Next != "" {
		t.Errorf("pages of %d and %d rows", len(first.Rows), len(second.Rows))
	}
	webtest.Get(t, s.site(), "/monitoring/activity", s.actor(s.monitor)).Is(200).Safe().Has("50 rows, newest first", "Next")
}

func TestASignalIsOpenedAndClosedOnItsPages(t *testing.T) {
	s := newSchool(t).ready()
	s.saw(s.visit(worrying))
	site, lead := s.site(), s.actor(s.lead)
	list := webtest.Get(t, site, "/monitoring/signals", lead).Is(200).Safe().
		Has("A pupil may need you", "not opened").HasNot("Okonjo", "no way out", "search.example", "elf-harm")
	page := s.tray(s.lead)[0].Link
	list.Link(page)
	d := webtest.Get(t, site, page, lead).Is(200).Safe().Has("Robin Okonjo", "Self-harm", "no way out", "not why")
	webtest.Post(t, site, page, url.Values{"version": {d.Field("version")}}, lead).Is(422).Safe().Has("Choose what came of it.")
	webtest.Post(t, site, page, url.Values{"version": {d.Field("version")}, "outcome": {"spoken"}}, lead).GoesTo("/monitoring/signals")
	webtest.Get(t, site, "/monitoring/signals", lead).Is(200).Safe().Has("I spoke with the pupil", "Nothing waits")
	webtest.Get(t, site, page, lead).Is(200).Safe().Has("Closed by Oona Marsh")
	webtest.Get(t, site, "/monitoring/signals/none", lead).Is(404)
}

func TestTheHeadConfirmsOnThePages(t *testing.T) {
	s := newSchool(t)
	site, head := s.site(), s.actor(s.head)
	webtest.Get(t, site, "/monitoring/monitors", head).Is(200).Safe().
		Has("The head has not confirmed a list", "Tobias Fennimore", "holds the post, not confirmed")
	webtest.Post(t, site, "/monitoring/monitors", url.Values{"person": {string(s.monitor)}}, head).GoesTo("/monitoring/monitors")
	webtest.Get(t, site, "/monitoring/monitors", head).Is(200).Safe().Has("By Amira Quist", "may look")
	webtest.Get(t, site, "/monitoring/monitors", s.actor(s.lead)).Is(200).Safe().Has("Tobias Fennimore").HasNot("Confirm the list")
	form := url.Values{"assessed-day": {"14"}, "assessed-month": {"9"}, "assessed-year": {""}, "notice": {"Letter home"}}
	webtest.Get(t, site, "/monitoring/recording", head).Is(200).Safe().Has("When did you sign the impact assessment", "What is recorded", "90 days", "Childline")
	webtest.Post(t, site, "/monitoring/recording", form, head).Is(422).Safe().Has("Enter the day")
	form.Set("assessed-year", "2026")
	webtest.Post(t, site, "/monitoring/recording", form, head).GoesTo("/monitoring/recording")
	webtest.Get(t, site, "/monitoring/recording", head).Is(200).Safe().Has("Letter home", "Stop recording names")
	webtest.Get(t, site, "/monitoring/looks", head).Is(200).Safe().Has("Nobody has looked")
	webtest.Post(t, site, "/monitoring/recording/stop", nil, head).GoesTo("/monitoring/recording")
}

func TestBeforeRecordingThePagesSayCountedOnly(t *testing.T) {
	s := newSchool(t)
	s.confirm()
	_, err := s.GivePurpose(s.as(s.monitor), "quality", "Trying it out before term")
	check(t, err)
	site, me := s.site(), s.actor(s.monitor)
	webtest.Get(t, site, "/monitoring/activity", me).Is(200).Safe().Has("Counted only")
	webtest.Get(t, site, "/monitoring/blocked", me).Is(200).Safe().Has("Counted only", "Nothing was closed in this time")
}

// TestNoPageOpensForAPupil walks every page as a pupil whose record claims
// everything, and as nobody.
func TestNoPageOpensForAPupil(t *testing.T) {
	s := newSchool(t).ready()
	s.saw(s.visit(worrying))
	claims := actor.New(s.actor(s.pupil), MayRead, MayExport, MayTray, MayConfirm, maySeeList, MaySignals, MayPropose, MayContractors,
		MaySight, MayReview, MayDraws, MayAssess, MayExplain, MayAsk, MayErase, MayAlerts, MayReleases)
	site := s.site()
	for _, route := range s.Section().Routes {
		method, path, _ := strings.Cut(route.Pattern, " ")
		path = strings.NewReplacer("{person}", string(s.pupil), "{id}", s.tray(s.lead)[0].Key).Replace(path)
		for name, a := range map[string]actor.Actor{"a pupil": claims, "nobody": webtest.Nobody(), "another member of staff": s.actor(s.person(people.Staff, "Una", "Vale"))} {
			var d *webtest.Doc
			if method == "GET" {
				d = webtest.Get(t, site, path, a)
			} else {
				d = webtest.Post(t, site, path, url.Values{"version": {"1"}, "outcome": {"spoken"}, "purpose": {"crime"}, "reason": {"let me in please"}, "person": {string(s.monitor)}}, a)
			}
			mayList := name == "another member of staff" && path == pathMonitors && method == "GET" || path == pathCheck
			if d.Status < 300 && !mayList && !strings.Contains(string(d.Body), "You cannot look yet") {
				t.Errorf("%s: %s %s answers %d", name, method, path, d.Status)
			}
			d.HasNot("no way out", "search.example")
		}
	}
}
