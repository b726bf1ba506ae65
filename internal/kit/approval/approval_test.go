package approval_test

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/approval"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/control"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/notice"
	"belisha/internal/kit/store"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/kit/web/webtest"
)

var schemas = []fs.FS{journal.Schema, approval.Schema}

// posts is who holds what: post to people.
type posts map[string][]string

func (p posts) Holders(_ context.Context, post string, _ time.Time) ([]string, error) {
	return p[post], nil
}

type desk struct {
	t     *testing.T
	db    *store.DB
	clock *clock.Fake
	log   *journal.Journal
	room  *approval.Room
}

func newDesk(t *testing.T, db *store.DB, p posts) *desk {
	t.Helper()
	d := &desk{t: t, db: db, clock: clock.NewFake(webtest.Now)}
	var err error
	d.log, err = journal.New(journal.Deps{DB: db, Clock: d.clock, Protected: approval.Protected, Verbs: approval.Verbs})
	d.must(err)
	d.room, err = approval.New(approval.Deps{DB: db, Journal: d.log, Clock: d.clock, Posts: p})
	d.must(err)
	return d
}

func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// person is somebody with posts.
func person(name string, held ...string) actor.Actor {
	a := webtest.As(name)
	a.Posts = held
	return a
}

func as(a actor.Actor) context.Context { return actor.With(context.Background(), a) }

func (d *desk) ask(who actor.Actor, deciders ...approval.Decider) string {
	d.t.Helper()
	var a approval.Approval
	d.must(d.db.Write(as(who), func(tx *store.Tx) (err error) {
		a, err = d.room.Ask(as(who), tx, approval.Request{
			Kind: "policy", Record: "1", Title: "Put version 2.0 in force",
			Why: "The review is due.", Link: "/policies/1", Deciders: deciders, Expires: d.clock.Now().Add(14 * 24 * time.Hour),
		})
		return err
	}))
	return a.ID
}

func (d *desk) state(id string) approval.State {
	d.t.Helper()
	a, err := d.room.Get(context.Background(), id)
	d.must(err)
	return a.State
}

func (d *desk) holds() {
	d.t.Helper()
	rep, err := d.log.Verify(context.Background())
	if err != nil || !rep.OK {
		d.t.Errorf("the journal: %+v, %v", rep.Fault, err)
	}
}

var head = approval.Decider{Post: "headteacher"}

func TestEverybodyNamedHasToSayYes(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db, posts{"headteacher": {"Rook"}, approval.Chair: {"Lark"}})
		id := d.ask(person("Wren"), head, approval.Decider{Post: "office-manager", Body: "governing body"})
		rook, tern := person("Rook", "headteacher"), person("Tern", "office-manager")
		a, err := d.room.Decide(as(rook), id, approval.Decision{Place: 0, Yes: true})
		d.must(err)
		if a.State != approval.Open || strings.Join(d.room.Missing(a), "; ") != "governing body" {
			t.Errorf("after the head: %s, missing %v", a.State, d.room.Missing(a))
		}
		var bad store.Invalid
		if _, err := d.room.Decide(as(tern), id, approval.Decision{Place: 1, Yes: true}); !errors.As(err, &bad) || bad["minute"] == "" || bad["on"] == "" {
			t.Errorf("a body without minute and day: %v", err)
		}
		if _, err := d.room.Decide(as(rook), id, approval.Decision{Place: 1, Yes: true, Minute: "7", On: "2026-11-20"}); !errors.Is(err, store.ErrForbidden) {
			t.Errorf("the head for the governors: %v", err)
		}
		a, err = d.room.Decide(as(tern), id, approval.Decision{Place: 1, Yes: true, Minute: "7", On: "2026-11-20"})
		d.must(err)
		if a.State != approval.Granted || d.state(id) != approval.Granted {
			t.Errorf("after both: %s", a.State)
		}
		if _, err := d.room.Decide(as(rook), id, approval.Decision{Place: 0, Yes: false, Note: "no"}); !errors.Is(err, approval.ErrClosed) {
			t.Errorf("after it was granted: %v", err)
		}
		d.holds()
	})
}

func TestOneNoEndsItAndNeedsAReason(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db, posts{"headteacher": {"Rook"}})
		id := d.ask(person("Wren"), head, head)
		rook := as(person("Rook", "headteacher"))
		var bad store.Invalid
		if _, err := d.room.Decide(rook, id, approval.Decision{Place: 1}); !errors.As(err, &bad) || bad["note"] == "" {
			t.Errorf("a no without a reason: %v", err)
		}
		a, err := d.room.Decide(rook, id, approval.Decision{Place: 1, Note: "Too soon."})
		if err != nil || a.State != approval.Refused || d.state(id) != approval.Refused {
			t.Errorf("%s, %v", a.State, err)
		}
		d.holds()
	})
}

func TestNobodyDecidesTheirOwn(t *testing.T) {
	for _, tc := range []struct {
		name  string
		posts posts
		asker actor.Actor
		by    actor.Actor
		want  error
	}{
		{"the head asked and is the head", posts{"headteacher": {"Rook"}}, person("Rook", "headteacher"), person("Rook", "headteacher"), approval.ErrOwn},
		{"the head asked, the deputy who acts as head decides", posts{"headteacher": {"Rook", "Dove"}}, person("Rook", "headteacher"), person("Dove", "headteacher"), nil},
		{"the head asked and nobody else holds the post: the chair", posts{"headteacher": {"Rook"}, approval.Chair: {"Lark"}}, person("Rook", "headteacher"), person("Lark", approval.Chair), nil},
		{"the post is empty: the chair", posts{approval.Chair: {"Lark"}}, person("Wren"), person("Lark", approval.Chair), nil},
		{"somebody else holds the post: not the chair", posts{"headteacher": {"Dove"}, approval.Chair: {"Lark"}}, person("Wren"), person("Lark", approval.Chair), store.ErrForbidden},
		{"the chair asked", posts{approval.Chair: {"Lark"}}, person("Lark", approval.Chair), person("Lark", approval.Chair), approval.ErrOwn},
		{"a teacher", posts{"headteacher": {"Rook"}}, person("Wren"), person("Dove"), store.ErrForbidden},
		{"nobody", posts{}, person("Wren"), webtest.Nobody(), store.ErrForbidden},
		{"Belisha itself", posts{}, person("Wren"), actor.Belisha("task"), store.ErrForbidden},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := newDesk(t, storetest.SQLite(t, schemas...), tc.posts)
			id := d.ask(tc.asker, head)
			if _, err := d.room.Decide(as(tc.by), id, approval.Decision{Yes: true}); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
}

func TestARequestEndsWithItsTime(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t, schemas...), posts{"headteacher": {"Rook"}})
	id := d.ask(person("Wren"), head)
	d.clock.Advance(14 * 24 * time.Hour)
	if d.state(id) != approval.Expired {
		t.Errorf("it is %s on its last moment", d.state(id))
	}
	rook := person("Rook", "headteacher")
	if _, err := d.room.Decide(as(rook), id, approval.Decision{Yes: true}); !errors.Is(err, approval.ErrClosed) {
		t.Errorf("after its time: %v", err)
	}
	d.must(d.room.Tasks()[0].Run(as(actor.Belisha("task"))))
	d.must(d.room.Tasks()[0].Run(as(actor.Belisha("task"))))
	lines, err := d.log.List(context.Background(), journal.Filter{Verbs: []journal.Verb{approval.VerbExpired}})
	if err != nil || len(lines) != 1 {
		t.Errorf("%d lines say it expired, %v", len(lines), err)
	}
	d.holds()
}

func TestAPaperDecisionIsShownAsSuch(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t, schemas...), posts{"headteacher": {"Rook"}})
	id := d.ask(person("Wren"), head)
	a, err := d.room.Decide(as(person("Rook", "headteacher")), id, approval.Decision{Yes: true, PaperName: "Ada Rook", On: "2026-11-20"})
	if err != nil || !a.Parts[0].Paper || a.Parts[0].Name != "Ada Rook" {
		t.Errorf("%+v, %v", a.Parts, err)
	}
}

func TestTheTrayAndThePagesShowOnlyWhatIsOnesOwnToDecide(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t, schemas...), posts{"headteacher": {"Rook"}})
	webtest.Check(t, approval.ListPage, approval.ShowPage)
	wren, rook, dove := person("Wren"), person("Rook", "headteacher"), person("Dove")
	id := d.ask(wren, head)
	site := webtest.Site(t, d.room.Section())
	items, err := d.room.Waiting(context.Background(), rook)
	if err != nil || len(items) != 1 || items[0].Link != "/approvals/"+id {
		t.Errorf("the head's tray: %+v, %v", items, err)
	}
	if items, err := d.room.Waiting(context.Background(), dove); err != nil || len(items) != 0 {
		t.Errorf("a teacher's tray: %+v, %v", items, err)
	}
	webtest.Get(t, site, "/approvals", rook).Is(200).Safe().Has("Put version 2.0 in force", "headteacher")
	webtest.Get(t, site, "/approvals/"+id, dove).Is(404)
	webtest.Get(t, site, "/approvals/"+id, wren).Is(200).Has("has not decided").NoLink("/approvals/" + id + "/decide").Link("/approvals/" + id + "/withdraw")
	webtest.Get(t, site, "/approvals/"+id, rook).Is(200).Safe().Link("/approvals/" + id + "/decide")
	post := func(v url.Values) *webtest.Doc { return webtest.Post(t, site, "/approvals/"+id+"/decide", v, rook) }
	post(url.Values{"place": {"0"}}).Is(422).Safe().Has("Choose yes or no.")
	post(url.Values{"place": {"0"}, "answer": {"no"}}).Is(422).Has("Say why not")
	post(url.Values{"place": {"x"}, "answer": {"yes"}}).Is(404)
	post(url.Values{"place": {"0"}, "answer": {"yes"}}).GoesTo("/approvals/" + id)
	post(url.Values{"place": {"0"}, "answer": {"yes"}}).Is(409)
	webtest.Get(t, site, "/approvals/"+id, wren).Is(200).Has("yes, Rook", "granted")

	second := d.ask(wren, head)
	webtest.Post(t, site, "/approvals/"+second+"/withdraw", nil, rook).Is(403)
	webtest.Post(t, site, "/approvals/"+second+"/withdraw", nil, wren).GoesTo("/approvals")
	if d.state(second) != approval.Withdrawn {
		t.Errorf("it is %s", d.state(second))
	}
	d.holds()
}

// told keeps what would be mailed.
type told struct{ list []notice.Notice }

func (m *told) Send(_ context.Context, _ *store.Tx, n notice.Notice) error {
	m.list = append(m.list, n)
	return nil
}

func TestDecidersAreToldThatSomethingWaitsAndTheAskerThatItWasDecided(t *testing.T) {
	p := posts{"headteacher": {"Rook"}, approval.Chair: {"Lark"}}
	d := newDesk(t, storetest.SQLite(t, schemas...), p)
	m := &told{}
	d.room.Notices = m
	id := d.ask(person("Wren"), head)
	if len(m.list) != 1 || strings.Join(m.list[0].Posts, " ") != "headteacher" || m.list[0].Not[0] != "Wren" || strings.Contains(m.list[0].What, "2.0") {
		t.Fatalf("asked: %+v", m.list)
	}
	_, err := d.room.Decide(as(person("Rook", "headteacher")), id, approval.Decision{Yes: true})
	d.must(err)
	if len(m.list) != 2 || m.list[1].To[0] != "Wren" {
		t.Fatalf("decided: %+v", m.list)
	}
	d.ask(person("Rook", "headteacher"), head)
	if last := m.list[len(m.list)-1]; !slices.Contains(last.Posts, approval.Chair) {
		t.Errorf("nobody but the asker holds the post, and the chair is not told: %+v", last)
	}
}

func TestAnApprovalByAnybodyElseIsFound(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, db *store.DB) {
		p := posts{"headteacher": {"Rook"}, approval.Chair: {"Lark"}}
		d := newDesk(t, db, p)
		var elsewhere []approval.Decided
		d.room.Elsewhere = func(context.Context, time.Time) ([]approval.Decided, error) { return elsewhere, nil }
		look := func() control.Finding {
			f, err := d.room.Controls()[0].Check(context.Background(), d.clock.Now(), nil)
			d.must(err)
			return f
		}
		if f := look(); f.State != control.Unknown {
			t.Errorf("nothing was decided: %+v", f)
		}
		id := d.ask(person("Wren"), head)
		_, err := d.room.Decide(as(person("Rook", "headteacher")), id, approval.Decision{Yes: true})
		d.must(err)
		if f := look(); f.State != control.Kept || !strings.Contains(f.Figure, "1 decisions") {
			t.Errorf("by the head: %+v", f)
		}
		at := d.clock.Now()
		for name, bad := range map[string]approval.Decided{
			"by the asker":                     {Asker: "person:Rook", By: "person:Rook", Posts: []string{"headteacher"}, At: at},
			"by a teacher":                     {Asker: "person:Wren", By: "person:Dove", Posts: []string{"headteacher"}, At: at},
			"by the chair though there's head": {Asker: "person:Wren", By: "person:Lark", Posts: []string{"headteacher"}, At: at},
			"by nobody in person":              {Asker: "person:Wren", By: "console:root", Posts: []string{"headteacher"}, At: at},
		} {
			elsewhere = []approval.Decided{bad}
			if f := look(); f.State != control.Broken || f.Total != 1 {
				t.Errorf("%s: %+v", name, f)
			}
		}
		elsewhere = []approval.Decided{
			{Asker: "person:Rook", By: "person:Lark", Posts: []string{"headteacher"}, At: at},
			{Asker: "person:Wren", Posts: []string{"headteacher"}, At: at, Paper: true},
		}
		if f := look(); f.State != control.Kept || !strings.Contains(f.Figure, "on paper") {
			t.Errorf("the chair for the head, and paper: %+v", f)
		}
	})
}
