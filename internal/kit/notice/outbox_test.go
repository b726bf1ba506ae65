package notice_test

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/notice"
	"belisha/internal/kit/store"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/kit/web/webtest"
)

var schemas = []fs.FS{journal.Schema, notice.Schema}

// monday is in school hours, evening is not.
var (
	monday  = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	evening = time.Date(2026, 11, 23, 18, 0, 0, 0, time.UTC)
	tuesday = time.Date(2026, 11, 24, 8, 30, 0, 0, time.UTC)
)

// weekdays is a school that is open on weekdays from 8:30 to 15:30.
type weekdays struct{}

func (weekdays) SchoolHours(t time.Time) bool {
	m := t.Hour()*60 + t.Minute()
	return t.Weekday() != time.Saturday && t.Weekday() != time.Sunday && m >= 8*60+30 && m < 15*60+30
}

func (w weekdays) NextOpening(t time.Time) time.Time {
	for !w.SchoolHours(t) {
		t = t.Truncate(time.Minute).Add(time.Minute)
	}
	return t
}

func (weekdays) Zone() *time.Location { return time.UTC }

// staff is who there is and what they hold.
type staff struct {
	posts map[string][]string
	mails map[string]string
}

func (s *staff) Holders(_ context.Context, post string, _ time.Time) ([]string, error) {
	return s.posts[post], nil
}

func (s *staff) Reader(_ context.Context, who string) (notice.Reader, error) {
	m, here := s.mails[who]
	if !here {
		return notice.Reader{}, store.ErrNotFound
	}
	r := notice.Reader{Name: who, Email: m}
	for p, held := range s.posts {
		for _, h := range held {
			if h == who {
				r.Posts = append(r.Posts, p)
			}
		}
	}
	return r, nil
}

type desk struct {
	t     *testing.T
	db    *store.DB
	clock *clock.Fake
	log   *journal.Journal
	staff *staff
	sink  *sink
	out   *notice.Outbox
	woken int
}

func newDesk(t *testing.T, db *store.DB) *desk {
	t.Helper()
	d := &desk{t: t, db: db, clock: clock.NewFake(monday), sink: newSink(t), staff: &staff{
		posts: map[string][]string{"safeguarding-lead": {"dove", "lark"}},
		mails: map[string]string{"dove": "dove@example.org", "lark": "lark@example.org", "wren": "wren@example.org"},
	}}
	var err error
	d.log, err = journal.New(journal.Deps{DB: db, Clock: d.clock, Protected: notice.Protected, Verbs: notice.Verbs})
	d.must(err)
	d.out = d.open(notice.Server{Address: d.sink.l.Addr().String(), From: "belisha@example.org"})
	return d
}

func (d *desk) open(m notice.Mailer) *notice.Outbox {
	d.t.Helper()
	o, err := notice.New(notice.Deps{
		DB: d.db, Journal: d.log, Clock: d.clock, People: d.staff, Mailer: m,
		Hours: func(context.Context) notice.Hours { return weekdays{} },
		Letter: func(context.Context) notice.Letterhead {
			return notice.Letterhead{School: "Ashdown Vale", Base: "https://desk.example.org"}
		},
		Required: []string{"safeguarding-lead"}, Watch: []string{"safeguarding-lead"},
		Wake: func(context.Context) { d.woken++ },
	})
	d.must(err)
	return o
}

func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) send(n notice.Notice) {
	d.t.Helper()
	if n.What == "" {
		n.What = "A concern waits for you"
	}
	ctx := context.Background()
	d.must(d.db.Write(ctx, func(tx *store.Tx) error { return d.out.Send(ctx, tx, n) }))
}

// at delivers at a moment and returns what arrived.
func (d *desk) at(t time.Time) []string {
	d.t.Helper()
	d.clock.Set(t)
	d.must(d.out.Deliver(context.Background()))
	return d.sink.taken()
}

// to counts the mails by their reader.
func to(mails []string, who string) int {
	n := 0
	for _, m := range mails {
		if strings.Contains(m, "<"+who+"@example.org>") {
			n++
		}
	}
	return n
}

func as(name string, posts ...string) context.Context {
	return actor.With(context.Background(), person(name, posts...))
}

func person(name string, posts ...string) actor.Actor {
	return actor.New(actor.Actor{ID: "person:" + name, Name: name, Kind: actor.Person, Person: name, Audience: actor.Staff, Posts: posts})
}

func TestSomebodyIsToldOnceAndLearnsNoDetail(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		n := notice.Notice{Key: "concern/1/new", Posts: []string{"safeguarding-lead"}, Not: []string{"lark"}, Link: "/concerns", Risk: 2}
		d.send(n)
		d.send(n) // the same thing again
		got := d.at(monday)
		if len(got) != 1 || to(got, "dove") != 1 {
			t.Fatalf("%d mails: %v", len(got), got)
		}
		for _, want := range []string{"Subject: Something waits for you at Belisha (Ashdown Vale)", "A concern waits for you", "https://desk.example.org/", "Auto-Submitted: auto-generated"} {
			if !strings.Contains(got[0], want) {
				t.Errorf("the mail does not say %q:\n%s", want, got[0])
			}
		}
		if strings.Contains(got[0], "Urgent") {
			t.Error("it is called urgent")
		}
		if again := d.at(monday.Add(2 * time.Hour)); len(again) != 0 {
			t.Errorf("told again: %v", again)
		}
		d.send(n)
		if again := d.at(monday.Add(4 * time.Hour)); len(again) != 0 {
			t.Errorf("told of what was told: %v", again)
		}
		if rep, err := d.log.Verify(context.Background()); err != nil || !rep.OK {
			t.Errorf("the journal: %+v %v", rep.Fault, err)
		}
	})
}

func TestWhatIsNotUrgentIsGatheredAndWaitsForSchool(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t, schemas...))
	d.clock.Set(evening)
	for _, k := range []string{"a", "b", "c"} {
		d.send(notice.Notice{Key: k, To: []string{"wren"}, What: "Approval " + k + " waits", Risk: 1})
	}
	if got := d.at(evening); len(got) != 0 {
		t.Fatalf("in the evening: %v", got)
	}
	got := d.at(tuesday)
	if len(got) != 1 || !strings.Contains(got[0], "Approval a waits") || !strings.Contains(got[0], "Approval c waits") {
		t.Fatalf("in the morning: %v", got)
	}
	d.send(notice.Notice{Key: "d", To: []string{"wren"}, Risk: 1})
	if got := d.at(tuesday.Add(30 * time.Minute)); len(got) != 0 {
		t.Errorf("half an hour later: %v", got)
	}
	if got := d.at(tuesday.Add(time.Hour)); len(got) != 1 {
		t.Errorf("an hour later: %d mails", len(got))
	}
}

func TestWhatIsUrgentGoesAtOnceAndInTheEveningOnlyToWhoAgreed(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t, schemas...))
	d.send(notice.Notice{Key: "day", Posts: []string{"safeguarding-lead"}, Risk: 3})
	if d.woken != 1 {
		t.Error("nobody was woken to send it")
	}
	got := d.at(monday)
	if len(got) != 2 || !strings.Contains(got[0], "Subject: Urgent: something waits for you") {
		t.Fatalf("by day: %d mails %v", len(got), got)
	}
	d.must(d.out.Agree(as("dove", "safeguarding-lead"), 0, 17*60, 20*60))
	d.send(notice.Notice{Key: "evening", Posts: []string{"safeguarding-lead"}, Risk: 3})
	if got := d.at(evening); len(got) != 1 || to(got, "dove") != 1 {
		t.Errorf("in the evening: %v", got)
	}
	if got := d.at(tuesday); len(got) != 1 || to(got, "lark") != 1 {
		t.Errorf("in the morning: %v", got)
	}
}

func TestAFloodOfUrgentThingsIsOneMailAMinute(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t, schemas...))
	for i := range 40 {
		d.send(notice.Notice{Key: "flood/" + strconv.Itoa(i), To: []string{"wren"}, Risk: 3})
	}
	got := d.at(monday)
	if len(got) != 1 || !strings.Contains(got[0], "Urgent") || !strings.Contains(got[0], "28 more things") {
		t.Fatalf("%d mails: %q", len(got), got)
	}
	d.send(notice.Notice{Key: "next", To: []string{"wren"}, Risk: 3})
	if got := d.at(monday.Add(30 * time.Second)); len(got) != 0 {
		t.Errorf("half a minute later: %q", got)
	}
	if got := d.at(monday.Add(time.Minute)); len(got) != 1 {
		t.Errorf("a minute later %d mails", len(got))
	}
}

func TestThePageSaysHonestlyWhetherSomebodyReads(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t, schemas...))
	const lead = "safeguarding-lead"
	read := func(at time.Time) (bool, time.Time) {
		t.Helper()
		d.clock.Set(at)
		now, next, err := d.out.Reading(context.Background(), at, lead)
		d.must(err)
		return now, next
	}
	if now, _ := read(monday); !now {
		t.Error("nobody reads by day")
	}
	if now, next := read(evening); now || !next.Equal(tuesday) {
		t.Errorf("in the evening, nobody agreed: %t %s", now, next)
	}
	d.must(d.out.Agree(as("dove", lead), 0, 19*60, 20*60))
	if now, next := read(evening); now || !next.Equal(evening.Add(time.Hour)) {
		t.Errorf("an hour before: %t %s", now, next)
	}
	if now, _ := read(evening.Add(time.Hour)); !now {
		t.Error("at the hour that was agreed nobody reads")
	}
	if who, until, err := d.out.Watching(context.Background(), evening.Add(time.Hour), lead); err != nil || who != "dove" || !until.Equal(evening.Add(2*time.Hour)) {
		t.Errorf("who watches: %q until %s, %v", who, until, err)
	}
	if who, _, err := d.out.Watching(context.Background(), evening, lead); err != nil || who != "" {
		t.Errorf("an hour before %q is said to watch, %v", who, err)
	}
	d.staff.mails["dove"] = ""
	if who, _, err := d.out.Watching(context.Background(), evening.Add(time.Hour), lead); err != nil || who != "" {
		t.Errorf("without an address %q is said to watch, %v", who, err)
	}
	if now, _ := read(evening.Add(time.Hour)); now {
		t.Error("somebody who cannot be reached is said to read")
	}
	d.staff.mails["dove"] = "dove@example.org"
	delete(d.staff.posts, lead)
	if now, _ := read(evening.Add(time.Hour)); now {
		t.Error("somebody who lost the post is said to read")
	}
	if now, _ := read(monday); now {
		t.Error("with nobody in post somebody is said to read")
	}
}

func TestAMailServerThatIsAwayLosesNothing(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t, schemas...))
	d.out = d.open(notice.Server{Address: "127.0.0.1:1", From: "belisha@example.org"})
	d.send(notice.Notice{Key: "a", To: []string{"wren"}, Risk: 1})
	if got := d.at(monday); len(got) != 0 {
		t.Fatal("sent by a server that is away")
	}
	st, err := d.out.State(context.Background())
	d.must(err)
	if st.Trouble == "" || st.Waiting != 1 || !st.Since.Equal(monday) {
		t.Errorf("the state does not tell: %+v", st)
	}
	d.out = d.open(notice.Server{Address: d.sink.l.Addr().String()}) // back again, after a restart
	if got := d.at(monday.Add(time.Minute)); len(got) != 1 {
		t.Errorf("%d mails once it was back", len(got))
	}
}

func TestARefusedAddressAndAMissingOneAreTold(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t, schemas...))
	d.sink.refuse = "wren@example.org"
	d.staff.mails["lark"] = ""
	d.send(notice.Notice{Key: "a", To: []string{"wren", "dove"}, Posts: []string{"safeguarding-lead"}, Risk: 1})
	if got := d.at(monday); len(got) != 1 || to(got, "dove") != 1 {
		t.Fatalf("%v", got)
	}
	st, err := d.out.State(context.Background())
	d.must(err)
	if st.Lost != 1 || strings.Join(st.Unreachable, "") != "lark" {
		t.Errorf("%+v", st)
	}
	d.sink.refuse = ""
	if got := d.at(monday.Add(2 * time.Hour)); to(got, "wren") != 0 {
		t.Error("what was refused for good is tried again")
	}
	d.staff.mails["lark"] = "lark@example.org"
	if got := d.at(monday.Add(4 * time.Hour)); to(got, "lark") != 1 {
		t.Error("an address that was entered later gets no mail")
	}
}

func TestWhoLeftOrLostThePostIsToldNothing(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t, schemas...))
	d.clock.Set(evening)
	d.send(notice.Notice{Key: "a", To: []string{"wren"}, Posts: []string{"safeguarding-lead"}, Risk: 1})
	delete(d.staff.mails, "wren")
	d.staff.posts["safeguarding-lead"] = []string{"dove"}
	if got := d.at(tuesday); len(got) != 1 || to(got, "dove") != 1 {
		t.Errorf("%v", got)
	}
}

func TestGatheredMailsCanBeSwitchedOffButNotByWhoMustBeTold(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t, schemas...))
	d.must(d.out.Wish(as("wren"), false))
	var bad store.Invalid
	if err := d.out.Wish(as("dove", "safeguarding-lead"), false); !errors.As(err, &bad) {
		t.Errorf("the safeguarding lead switches mails off: %v", err)
	}
	d.send(notice.Notice{Key: "a", To: []string{"wren", "dove"}, Risk: 1})
	d.send(notice.Notice{Key: "b", To: []string{"wren"}, Risk: 3})
	got := d.at(monday)
	if to(got, "dove") != 1 || to(got, "wren") != 1 {
		t.Errorf("%v", got)
	}
}

func TestANoticeThatMakesNoSenseIsNotKept(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t, schemas...))
	good := notice.Notice{Key: "k", To: []string{"wren"}, What: "Something", Link: "/", Risk: 1}
	for name, spoil := range map[string]func(*notice.Notice){
		"no key":               func(n *notice.Notice) { n.Key = "" },
		"nothing said":         func(n *notice.Notice) { n.What = " " },
		"a second header":      func(n *notice.Notice) { n.What = "x\r\nBcc: all" },
		"a foreign page":       func(n *notice.Notice) { n.Link = "//elsewhere" },
		"nobody":               func(n *notice.Notice) { n.To = nil },
		"no risk":              func(n *notice.Notice) { n.Risk = 0 },
		"a list inside a name": func(n *notice.Notice) { n.To = []string{"a b"} },
	} {
		n := good
		spoil(&n)
		err := d.db.Write(context.Background(), func(tx *store.Tx) error { return d.out.Send(context.Background(), tx, n) })
		if err == nil {
			t.Errorf("%s: kept", name)
		}
	}
}

func TestWithoutAMailServerNothingIsKeptForLater(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t, schemas...))
	named := d.out
	d.out = d.open(nil)
	d.send(notice.Notice{Key: "a", To: []string{"wren"}, Risk: 3})
	if st, err := d.out.State(context.Background()); err != nil || st.On || st.Waiting != 0 {
		t.Errorf("%+v %v", st, err)
	}
	d.out = named
	if got := d.at(monday); len(got) != 0 {
		t.Errorf("once a server was named: %v", got)
	}
}

func TestAPersonsOwnPageKeepsChoicesAndHours(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t, schemas...))
	h := webtest.Site(t, d.out.Section())
	wren, dove := person("wren"), person("dove", "safeguarding-lead")
	webtest.Get(t, h, "/account/mails", wren).Is(200).Has("Tell me by mail what waits for me").HasNot("I agree to look")
	webtest.Post(t, h, "/account/mails/hours", url.Values{"day": {"0"}, "from": {"17:00"}, "until": {"20:00"}}, wren).Is(403)
	webtest.Post(t, h, "/account/mails/hours", url.Values{"day": {"0"}, "from": {"20:00"}, "until": {"17:00"}}, dove).Is(422).Has("after it begins")
	webtest.Post(t, h, "/account/mails/hours", url.Values{"day": {"0"}, "from": {"17:00"}, "until": {"20:00"}}, dove).GoesTo("/account/mails")
	webtest.Post(t, h, "/account/mails/hours", url.Values{"day": {"0"}, "from": {"19:00"}, "until": {"21:00"}}, dove).Is(422).Has("overlaps")
	webtest.Get(t, h, "/account/mails", dove).Has("cannot be switched off", "Monday, 17:00 to 20:00")
	all, err := d.out.Hold(context.Background())
	d.must(err)
	if len(all) != 1 {
		t.Fatalf("%+v", all)
	}
	lark := person("lark", "safeguarding-lead")
	webtest.Get(t, h, "/account/mails", lark).Has("dove")
	webtest.Post(t, h, "/account/mails/hours/"+all[0].ID+"/end", nil, lark).Is(404)
	webtest.Post(t, h, "/account/mails/hours/"+all[0].ID+"/end", nil, dove).GoesTo("/account/mails")
	webtest.Post(t, h, "/account/mails/hours/"+all[0].ID+"/end", nil, dove).Is(404)
}

func TestTheServersSettingsAreCheckedInASentence(t *testing.T) {
	for name, c := range map[string]struct {
		s    notice.Server
		want string
	}{
		"only the fixed key":          {notice.Server{Address: "127.0.0.1:25"}, ""},
		"a whole setting":             {notice.Server{Address: "mail.example.org:587", From: "belisha@example.org", User: "u", PasswordFile: "/p"}, ""},
		"no port":                     {notice.Server{Address: "mail.example.org"}, "host:port"},
		"an unknown word":             {notice.Server{Address: "m:25", TLS: "perhaps"}, "none of"},
		"no password":                 {notice.Server{Address: "m:25", User: "u"}, "password-file"},
		"a password on an open line":  {notice.Server{Address: "m.example.org:25", TLS: "if-offered", User: "u", PasswordFile: "/p"}, "never sent"},
		"a sender that is no address": {notice.Server{Address: "m:25", From: "us"}, "mail.from"},
	} {
		err := c.s.Check()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAServerWithoutASealedLineIsNotUsedOffThisMachine(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t, schemas...))
	d.out = d.open(notice.Server{Address: d.sink.l.Addr().String(), TLS: notice.TLSAlways})
	d.send(notice.Notice{Key: "a", To: []string{"wren"}, Risk: 1})
	if got := d.at(monday); len(got) != 0 {
		t.Errorf("sent over an open line: %v", got)
	}
	if d.out.Trouble() == "" {
		t.Error("nobody is told why")
	}
}
