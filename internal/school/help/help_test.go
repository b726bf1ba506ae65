package help_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/help"
)

func room(t *testing.T, latest func(context.Context, netip.Addr) (help.Closed, bool, error)) *help.Room {
	t.Helper()
	r, err := help.New(help.Deps{
		Latest:   latest,
		Places:   []help.Place{{Service: "Childline", Phone: "0800 1111", Host: "www.childline.org.uk", Words: "Free, day and night."}},
		Adult:    func(context.Context) string { return "any adult you trust" },
		Changers: func(context.Context) []string { return []string{"Tomos Bell"} },
		Certificate: func(context.Context) ([]byte, string, error) {
			return []byte("-----BEGIN CERTIFICATE-----\n"), "AB:CD:EF", nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestEveryPageOfHelpIsOpenToEverybodyAndReachableThroughTheFilter(t *testing.T) {
	r := room(t, func(context.Context, netip.Addr) (help.Closed, bool, error) {
		return help.Closed{At: time.Unix(1, 0)}, true, nil
	})
	for _, route := range r.Section().Routes {
		if route.Needs != "open" || !route.People {
			t.Errorf("%s needs %q, people %t", route.Pattern, route.Needs, route.People)
		}
	}
}

func TestARoomWithoutAPlaceToTurnToIsRefused(t *testing.T) {
	_, err := help.New(help.Deps{
		Latest: func(context.Context, netip.Addr) (help.Closed, bool, error) {
			return help.Closed{}, false, errors.New("away")
		},
		Adult:       func(context.Context) string { return "x" },
		Changers:    func(context.Context) []string { return nil },
		Certificate: func(context.Context) ([]byte, string, error) { return nil, "", nil },
	})
	if err == nil {
		t.Fatal("a help room without help was made")
	}
}

func blocked(c help.Closed) func(context.Context, netip.Addr) (help.Closed, bool, error) {
	return func(context.Context, netip.Addr) (help.Closed, bool, error) { return c, true, nil }
}

func TestWhySaysItInAChildsWordsAndNeverNamesADistressingSite(t *testing.T) {
	c := help.Closed{Host: "games.example", At: webtest.Now, Pupil: "Games are not open at school.", Staff: "Computer games.", Rule: "pupils-block", Category: "games"}
	h := webtest.Site(t, room(t, blocked(c)).Section())
	d := webtest.Get(t, h, "/why", webtest.Nobody())
	d.Is(200)
	d.Has("games.example", "Games are not open at school.", "any adult you trust", "not in trouble")
	d.HasNot("pupils-block")
	staff := webtest.As("person:1")
	staff.Audience = actor.Staff
	webtest.Get(t, h, "/why", staff).Has("pupils-block", "Computer games.")

	c.Distress, c.Host = true, "harm.example"
	h = webtest.Site(t, room(t, blocked(c)).Section())
	for _, page := range []string{"/why", "/ask"} {
		webtest.Get(t, h, page, webtest.Nobody()).HasNot("harm.example")
	}
	webtest.Get(t, h, "/ask", staff).Has("harm.example", "Tomos Bell")
}

func TestWhyStillAnswersWhenTheFilterDoesNot(t *testing.T) {
	h := webtest.Site(t, room(t, func(context.Context, netip.Addr) (help.Closed, bool, error) {
		return help.Closed{}, false, errors.New("away")
	}).Section())
	webtest.Get(t, h, "/why", webtest.Nobody()).Has("Ask your teacher", "Where to turn")
	webtest.Get(t, h, "/help", webtest.Nobody()).Has("Childline", "0800 1111", "999")
}

func TestTheCertificateIsGivenWithItsFingerprint(t *testing.T) {
	h := webtest.Site(t, room(t, blocked(help.Closed{})).Section())
	webtest.Get(t, h, "/certificate", webtest.Nobody()).Has("AB:CD:EF", "closed sites only")
	d := webtest.Get(t, h, "/certificate.crt", webtest.Nobody())
	d.Is(200)
	d.Has("BEGIN CERTIFICATE")
}

func TestWhySaysThreeThingsToDoToEachReader(t *testing.T) {
	c := help.Closed{Host: "games.example", At: webtest.Now, Pupil: "Games are not open at school."}
	h := webtest.Site(t, room(t, blocked(c)).Section())
	pupil := webtest.Get(t, h, "/why", webtest.Nobody()).Is(200).Safe()
	pupil.Link("/tickets/new?host=games.example&kind=over").Link("/tickets/new?host=games.example&kind=wrong").Link("/help").NoLink("/tell").Has("any adult you trust")
	staff := webtest.As("person:1")
	staff.Audience = actor.Staff
	webtest.Get(t, h, "/why", staff).Is(200).Safe().Link("/unblock/ask?host=games.example")
	webtest.Get(t, h, "/ask", staff).Link("/unblock/ask?host=games.example")
	webtest.Get(t, h, "/ask", webtest.Nobody()).Link("/tickets/new?host=games.example&kind=over")
	c.Distress, c.Host = true, "harm.example"
	h = webtest.Site(t, room(t, blocked(c)).Section())
	webtest.Get(t, h, "/why", webtest.Nobody()).Link("/tickets/new?kind=over").HasNot("harm.example")
}

func TestWhyTellsWhoeverItCannotKnowWhatToDo(t *testing.T) {
	h := webtest.Site(t, room(t, func(context.Context, netip.Addr) (help.Closed, bool, error) { return help.Closed{}, false, nil }).Section())
	webtest.Get(t, h, "/why", webtest.Nobody()).Is(200).Has("a password of its own", "Write the name of the site").Link("/tickets/new?kind=over")
}

func TestThePeoplesAddressByItselfSaysWhatCanBeDone(t *testing.T) {
	site := webtest.Site(t, room(t, blocked(help.Closed{})).Section())
	webtest.Get(t, site, "/start", webtest.Nobody()).Is(200).Has("Sign in", "Why is a page closed?", "Where to turn").HasNot("Your account")
	webtest.Get(t, site, "/start", webtest.As("Ada")).Is(200).Has("Rules to sign", "Your account").HasNot("So that the web opens")
}
