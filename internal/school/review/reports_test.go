package review

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/control"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/notice"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/kit/trend"
	"belisha/internal/kit/web/webtest"
)

// weekdays counts Mondays to Fridays.
type weekdays struct{}

func (weekdays) AddSchoolDays(t time.Time, n int) time.Time {
	for n > 0 {
		t = t.Add(24 * time.Hour)
		if d := t.Weekday(); d != time.Saturday && d != time.Sunday {
			n--
		}
	}
	return t
}

// settings are the room's own, by their defaults.
func settings(t *testing.T) *setting.Live {
	t.Helper()
	b, err := setting.NewBook(Settings())
	if err != nil {
		t.Fatal(err)
	}
	return setting.NewLive(setting.NewValues(b, 0, nil))
}

// facts is a small school.
type facts struct {
	standing Standing
	past     Standing
	school   School
	trends   []trend.Trend
	posts    map[string][]string
}

func (f *facts) Standing(_ context.Context, at time.Time) (Standing, error) {
	if !at.IsZero() {
		return f.past, nil
	}
	return f.standing, nil
}
func (f *facts) School(context.Context, time.Time) (School, error) { return f.school, nil }
func (f *facts) Trends(context.Context, time.Time, time.Time) ([]trend.Trend, error) {
	return f.trends, nil
}

func (f *facts) Posts(_ context.Context, post string) ([]string, error) { return f.posts[post], nil }

func aSchool() *facts {
	return &facts{
		standing: Standing{Title: "Online safety", Version: "2.0", Approved: true, Promises: []Promise{
			{ID: "a", Area: "Passwords", Text: "Passwords change.", State: control.Broken, Figure: "3 are too old", Since: nine.AddDate(0, -1, 0)},
			{ID: "b", Area: "Passwords", Text: "Screens lock.", State: control.Kept},
			{ID: "c", Area: "Copies", Text: "A copy is made.", State: control.Unknown},
		}},
		past: Standing{Title: "Online safety", Version: "1.0", Promises: []Promise{{ID: "a", Area: "Passwords", Text: "Passwords change.", State: control.Kept}}},
		school: School{
			Name: "Ashdown Vale", Statements: []string{"No licensed list is loaded."},
			Term: Span{Name: "Autumn term", From: nine.AddDate(0, -2, 0), Until: nine.AddDate(0, 1, 0)}, Before: Span{Name: "Summer term", From: nine.AddDate(0, -7, 0), Until: nine.AddDate(0, -4, 0)},
			Waits: []Wait{{Title: "Urgent", Count: 2, Oldest: nine.Add(-9 * 24 * time.Hour), Pupils: true}},
			Posts: []Filled{{Post: "Safeguarding governor", Needed: true}},
			Turns: []Turn{{At: nine, Post: "Filter manager", Name: "Tomos Bell", Says: "was given it"}},
		},
		trends: []trend.Trend{{Title: "Concerns", Unit: "concerns", Pupils: true, Points: []trend.Point{{Label: "October", N: 3}, {Label: "November", N: 12}}}},
		posts:  map[string][]string{"headteacher": {"Rook"}, "chair-of-governors": {"Lark"}, "online-safety-lead": {"Wren"}},
	}
}

// told keeps what would be mailed.
type told struct{ list []notice.Notice }

func (m *told) Send(_ context.Context, _ *store.Tx, n notice.Notice) error {
	m.list = append(m.list, n)
	return nil
}

type office struct {
	room  *Room
	clock *clock.Fake
	facts *facts
	log   *journal.Journal
	told  *told
	db    *store.DB
}

func newOffice(t *testing.T, db *store.DB) *office {
	t.Helper()
	o := &office{clock: clock.NewFake(nine), facts: aSchool(), told: &told{}, db: db}
	var err error
	o.log, err = journal.New(journal.Deps{DB: db, Clock: o.clock, Protected: Protected, Verbs: Verbs})
	if err != nil {
		t.Fatal(err)
	}
	o.room, err = New(Deps{
		DB: db, Journal: o.log, Clock: o.clock, Live: settings(t), Facts: o.facts, Days: weekdays{}, Notices: o.told,
		Waiting:  func() []Source { return nil },
		Promises: func(context.Context) (Promises, error) { return Promises{Policy: "Online safety", Broken: 1}, nil },
		Health:   func(context.Context) []Check { return nil },
		Names:    func(_ context.Context, id string) string { return id },
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func reader(name string, kind actor.Audience, caps []actor.Capability, posts ...string) actor.Actor {
	return actor.New(actor.Actor{ID: "person:" + name, Name: name, Kind: actor.Person, Person: name, Audience: kind, Posts: posts}, caps...)
}

var (
	rook  = reader("Rook", actor.Staff, []actor.Capability{MayReadHead, MayReadBoard}, "headteacher")
	lark  = reader("Lark", actor.Governor, []actor.Capability{MayReadBoard}, "chair-of-governors")
	wren  = reader("Wren", actor.Staff, []actor.Capability{MayReadBoard}, "online-safety-lead")
	robin = reader("Robin", actor.Governor, []actor.Capability{MayReadBoard})
)

var schemas = []fs.FS{journal.Schema, Schema}

func TestTheHeadSeesInTwoMinutesWhatIsWrongAndWhatWaits(t *testing.T) {
	o := newOffice(t, storetest.SQLite(t, schemas...))
	h := webtest.Site(t, o.room.Section())
	webtest.Get(t, h, "/head", lark).Is(403)
	webtest.Get(t, h, "/head", rook).Is(200).Has(
		"Of 3 promises: 1 not being kept, 1 unknown and 1 kept.", "Not being kept: Passwords change.", "See why", "3 are too old", "so since 23 Oct 2026",
		"Urgent", "8 days ago", "November", "12", "Tomos Bell", "Filter manager", "No licensed list is loaded.",
	)
}

func TestTheGovernorsSeeCountsAndNoSmallOnes(t *testing.T) {
	o := newOffice(t, storetest.SQLite(t, schemas...))
	h := webtest.Site(t, o.room.Section())
	d := webtest.Get(t, h, "/governors", robin).Is(200)
	d.Has("Passwords", "under 5", "Small counts are hidden", "Nobody is safeguarding governor", "waited for more than a week", "No licensed list is loaded.")
	d.HasNot("Tomos Bell")
	for _, path := range []string{"/governors.csv", "/governors.html"} {
		got := webtest.Get(t, h, path, robin).Is(200)
		if body := string(got.Body); strings.Contains(body, "Tomos") || !strings.Contains(body, "under 5") || !strings.Contains(body, "No licensed list") {
			t.Errorf("%s: %s", path, body)
		}
	}
	past := webtest.Get(t, h, "/governors?on=2026-10-01", robin)
	past.Has("as they stood on", "Of 1 promise: 1 kept.").HasNot("3 are too old")
	webtest.Get(t, h, "/governors?on=yesterday", robin).Is(422)
	webtest.Get(t, h, "/governors?on=2199-01-01", robin).Is(200).Has("1 not being kept")
}

// due runs the task that makes reports.
func (o *office) due(t *testing.T) {
	t.Helper()
	if err := o.room.Tasks()[0].Run(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func (o *office) look(t *testing.T) control.Finding {
	t.Helper()
	f, err := o.room.Controls()[0].Check(context.Background(), o.clock.Now(), o.room.d.Live.Current())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (o *office) newest(t *testing.T, kind string) Kept {
	t.Helper()
	k, err := o.room.newest(context.Background(), kind)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestAReportIsMadeInTimeSignedAndNeverChanged(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, db *store.DB) {
		o := newOffice(t, db)
		if f := o.look(t); f.State != control.Unknown {
			t.Errorf("before any report: %+v", f)
		}
		o.due(t)
		o.due(t)
		if all, err := o.room.reports(context.Background(), ForHead, ForBoard); err != nil || len(all) != 2 {
			t.Fatalf("%d reports, %v", len(all), err)
		}
		if f := o.look(t); f.State != control.AtRisk || !strings.Contains(f.Figure, "head teacher") {
			t.Errorf("nobody has signed yet: %+v", f)
		}
		h := webtest.Site(t, o.room.Section())
		head, board := o.newest(t, ForHead), o.newest(t, ForBoard)
		webtest.Get(t, h, "/reports/"+head.ID, lark).Is(404)
		webtest.Get(t, h, "/reports/"+board.ID, robin).Is(200).Has("Nobody it is for has opened it yet").HasNot("Sign as read")
		o.facts.standing.Promises[0].Figure = "now 9 are too old"
		webtest.Get(t, h, "/reports/"+head.ID, rook).Is(200).Has("3 are too old", "Sign as read").HasNot("now 9")
		sign := func(k Kept, who actor.Actor, digest string) *webtest.Doc {
			return webtest.Post(t, h, "/reports/"+k.ID+"/sign", url.Values{"digest": {digest}, "comment": {"Minute 7"}}, who)
		}
		sign(head, rook, "forged").Is(409)
		sign(board, robin, board.Digest).Is(403)
		sign(head, lark, head.Digest).Is(404)
		for _, s := range []struct {
			k   Kept
			who actor.Actor
		}{{head, rook}, {board, lark}, {board, wren}, {board, wren}} {
			sign(s.k, s.who, s.k.Digest).GoesTo("/reports/" + s.k.ID)
		}
		if f := o.look(t); f.State != control.Kept {
			t.Errorf("all have signed: %+v", f)
		}
		webtest.Get(t, h, "/reports/"+board.ID, robin).Has("Minute 7", "Lark", "Wren")
		if rep, err := o.log.Verify(context.Background()); err != nil || !rep.OK {
			t.Errorf("the journal: %+v %v", rep.Fault, err)
		}
		if _, err := db.Writer().ExecContext(context.Background(), "UPDATE reports SET body = '{}' WHERE id = $1", board.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := o.room.Open(actor.With(context.Background(), lark), board.ID); !errors.Is(err, ErrAltered) {
			t.Errorf("an altered report: %v", err)
		}
	})
}

func TestAReportThatNobodyReadsIsNotKeptAndComesAgainInTime(t *testing.T) {
	o := newOffice(t, storetest.SQLite(t, schemas...))
	o.due(t)
	owed, err := o.room.Duties()[0].Owed(context.Background(), nine)
	if err != nil || len(owed) != 3 || owed[0].Owner != "headteacher" || !owed[0].Due.After(nine) {
		t.Fatalf("%+v %v", owed, err)
	}
	o.clock.Advance(15 * 24 * time.Hour)
	if f := o.look(t); f.State != control.Broken || !strings.Contains(f.Figure, "not signed by") {
		t.Errorf("two weeks later: %+v", f)
	}
	first := o.newest(t, ForHead)
	o.due(t)
	if o.newest(t, ForHead).ID != first.ID {
		t.Error("a report was made before its time")
	}
	o.clock.Advance(15 * 24 * time.Hour)
	o.due(t)
	if o.newest(t, ForHead).ID == first.ID {
		t.Error("after a month no report was made")
	}
	o.clock.Advance(60 * 24 * time.Hour)
	if f := o.look(t); f.State != control.Broken || !strings.Contains(f.Figure, "older than it may be") {
		t.Errorf("no report for two months: %+v", f)
	}
}

func TestWithoutAPolicyThereIsNothingToReport(t *testing.T) {
	o := newOffice(t, storetest.SQLite(t, schemas...))
	o.facts.standing = Standing{}
	o.due(t)
	if all, err := o.room.reports(context.Background(), ForHead, ForBoard); err != nil || len(all) != 0 {
		t.Errorf("%d reports, %v", len(all), err)
	}
}

func TestTheHeadIsMailedWhereTheJournalEndedAndNoDetail(t *testing.T) {
	o := newOffice(t, storetest.SQLite(t, schemas...))
	o.due(t)
	o.told.list = nil
	if err := o.room.Tasks()[1].Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	end, err := o.log.Head(context.Background())
	if err != nil || len(o.told.list) != 2 {
		t.Fatalf("%+v %v", o.told.list, err)
	}
	if n := o.told.list[0]; !strings.Contains(n.What, end.Hash) || n.Posts[0] != "headteacher" || len(n.What) > 200 {
		t.Errorf("%+v", n)
	}
	if n := o.told.list[1]; !strings.Contains(n.What, "1 promise is not being kept") {
		t.Errorf("%+v", n)
	}
}
