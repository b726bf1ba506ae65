package monitoring

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"belisha/internal/activity"
	"belisha/internal/kit/approval"
	"belisha/internal/kit/control"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/kit/web"
	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/access"
	"belisha/internal/school/people"
)

func (s *school) contractor() people.ID {
	return s.person(people.Contractor, "Ivor", "Pike")
}

func (s *school) grantFor(who people.ID, change ...func(*Grant)) Grant {
	g := Grant{Person: who, Purpose: "operation", Why: "The tablets in 5A lose their connection", Until: s.clock.Now().Add(4 * time.Hour)}
	for _, c := range change {
		c(&g)
	}
	return g
}

func TestAContractorSeesDevicesForATimeAndNobodyElsesGrant(t *testing.T) {
	storetest.Each(t, schemas(), func(t *testing.T, db *store.DB) {
		s := onStore(t, db).ready()
		s.saw(s.visit(func(e *activity.Event) { e.Words, e.Engine = "secret words", "search" }), s.visit(worrying))
		pike := s.contractor()
		if _, _, err := s.Sighted(s.as(pike), "", "", ""); !errors.Is(err, store.ErrForbidden) {
			t.Errorf("looked without a grant: %v", err)
		}
		g, err := s.GrantSight(s.as(s.monitor), s.grantFor(pike))
		check(t, err)
		found, _, err := s.Sighted(s.as(pike), "tablet-9", "", "")
		check(t, err)
		if len(found.Rows) != 1 {
			t.Fatalf("%d rows; want the one that is no alert", len(found.Rows))
		}
		if r := found.Rows[0]; r.Name != "" || r.Person != "" || r.Words != "" || r.Path != "" || r.Ref != "" || r.Host != "pond.example" {
			t.Errorf("a contractor sees %+v", r)
		}
		looks, err := s.looksUnder(context.Background(), "grant:"+g.ID)
		check(t, err)
		if len(looks) != 1 || looks[0].Actor != "person:"+string(pike) {
			t.Errorf("listed for the grantor: %+v", looks)
		}
		s.is("log-views-have-purpose", control.Kept, "all 1 look")
		s.is("contractor-grants-timed", control.Kept, "1 grant in a year, 1 runs now")
		s.clock.Set(g.Until)
		if _, _, err := s.Sighted(s.as(pike), "", "", ""); !errors.Is(err, store.ErrForbidden) {
			t.Errorf("looked after the end: %v", err)
		}
		s.holds()
	})
}

func TestAGrantNeedsAnEndAPurposeAndAContractor(t *testing.T) {
	s := newSchool(t).ready()
	pike := s.contractor()
	strong := true
	s.d.Strong = func(context.Context, people.ID) (bool, error) { return strong, nil }
	for field, change := range map[string]func(*Grant){
		"until":   func(g *Grant) { g.Until = time.Time{} },
		"purpose": func(g *Grant) { g.Purpose = "curiosity" },
		"why":     func(g *Grant) { g.Why = "it" },
		"person":  func(g *Grant) { g.Person = s.pupil },
	} {
		var bad store.Invalid
		if _, err := s.GrantSight(s.as(s.monitor), s.grantFor(pike, change)); !errors.As(err, &bad) || bad[field] == "" {
			t.Errorf("%s: %v", field, err)
		}
	}
	var bad store.Invalid
	if _, err := s.GrantSight(s.as(s.monitor), s.grantFor(pike, func(g *Grant) { g.Until = monday.Add(48 * time.Hour) })); !errors.As(err, &bad) || !strings.Contains(bad["until"], "1 day") {
		t.Errorf("longer than the policy lets it: %v", err)
	}
	strong = false
	if _, err := s.GrantSight(s.as(s.monitor), s.grantFor(pike)); !errors.As(err, &bad) || !strings.Contains(bad["person"], "second factor") {
		t.Errorf("without a second factor: %v", err)
	}
	strong = true
	for name, id := range map[string]people.ID{"the lead": s.lead, "the pupil": s.pupil, "the contractor": pike} {
		if _, err := s.GrantSight(s.as(id), s.grantFor(pike)); !errors.Is(err, store.ErrForbidden) {
			t.Errorf("given by %s: %v", name, err)
		}
	}
	if _, err := s.GrantSight(s.as(s.head), s.grantFor(pike, func(g *Grant) { g.Names = true })); err != nil {
		t.Error(err)
	}
}

func TestAGrantFallsWithWhoeverGaveItAndCanBeEnded(t *testing.T) {
	s := newSchool(t).ready()
	pike := s.contractor()
	g, err := s.GrantSight(s.as(s.monitor), s.grantFor(pike))
	check(t, err)
	held, err := s.people.PostsAt(context.Background(), s.monitor, s.clock.Now())
	check(t, err)
	s.person(people.Staff, "Nell", "Ashdown", people.Monitor)
	check(t, s.people.EndPost(s.as(s.head), held[0].ID, held[0].Version, "gone"))
	s.clock.Set(monday.Add(time.Minute))
	s.confirm()
	if _, _, err := s.Sighted(s.as(pike), "", "", ""); !errors.Is(err, store.ErrForbidden) {
		t.Errorf("looked under a grant of somebody off the list: %v", err)
	}
	s.is("contractor-grants-timed", control.Broken, "1 grant not in order")
	check(t, s.EndSight(s.as(s.head), g.ID))
	s.is("contractor-grants-timed", control.Kept, "no run now")
}

func TestContractorsPages(t *testing.T) {
	s := newSchool(t).ready()
	s.saw(s.visit())
	pike := s.contractor()
	site, me := s.site(), s.actor(s.monitor)
	webtest.Get(t, site, "/monitoring/contractors", me).Is(200).Safe().Has("Ivor Pike", "Show names as well", "At most 1 day")
	form := url.Values{"person": {string(pike)}, "purpose": {"operation"}, "why": {"It"}, "until": {"2026-11-23T15:00"}}
	webtest.Post(t, site, "/monitoring/contractors", form, me).Is(422).Safe().Has("what the contractor has to do")
	form.Set("why", "Find out why the tablets drop out")
	webtest.Post(t, site, "/monitoring/contractors", form, me).GoesTo("/monitoring/contractors")
	webtest.Get(t, site, "/monitoring/sight?device=tablet-9", s.actor(pike)).Is(200).Safe().Has("tablet-9", "pond.example").HasNot("Robin", "Okonjo", "/frogs")
	webtest.Get(t, site, "/monitoring/activity", s.actor(pike)).Is(403)
	all, err := s.grantsSince(context.Background(), monday)
	check(t, err)
	path := "/monitoring/contractors/" + all[0].ID
	webtest.Get(t, site, path, me).Is(200).Safe().Has("devices and sites only", "Find out why", "What was looked at", "device tablet-9").HasNot("has not looked")
	webtest.Post(t, site, path+"/end", nil, me).GoesTo(path)
	webtest.Get(t, site, "/monitoring/sight", s.actor(pike)).Is(403)
	webtest.Get(t, site, "/monitoring/contractors", s.actor(s.lead)).Is(403)
}

func TestLooksAreReviewedBySomebodyElse(t *testing.T) {
	storetest.Each(t, schemas(), func(t *testing.T, db *store.DB) {
		s := onStore(t, db)
		s.person(people.Governor, "Hal", "Brook", people.ChairOfGovernors)
		both := s.person(people.Staff, "Vera", "Toll", people.Headteacher, people.Monitor)
		s.ready()
		for range 3 {
			_, err := s.Search(s.as(s.monitor), Asked{})
			check(t, err)
		}
		_, err := s.GivePurpose(s.as(both), "crime", "Asked by the police")
		check(t, err)
		_, err = s.Search(s.as(both), Asked{})
		check(t, err)
		from, to := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
		ids, own, err := s.Unreviewed(s.as(both), from, to)
		check(t, err)
		if len(ids) != 3 || own != 1 {
			t.Errorf("%d of others and %d of one's own wait; want 3 and 1", len(ids), own)
		}
		var bad store.Invalid
		if err := s.Sign(s.as(both), from, to, digestOf(ids), "All had their reasons"); !errors.As(err, &bad) || bad["period"] == "" {
			t.Errorf("signed before the month was over: %v", err)
		}
		s.clock.Set(to.Add(10 * time.Hour))
		s.is("watchers-watched", control.Kept, "1 review waits")
		if err := s.Sign(s.as(both), from, to, "something else", "All had their reasons"); !errors.Is(err, store.ErrStale) {
			t.Errorf("signed for looks that were not shown: %v", err)
		}
		check(t, s.Sign(s.as(both), from, to, digestOf(ids), "All had their reasons"))
		ids, own, err = s.Unreviewed(s.as(both), from, to)
		check(t, err)
		if len(ids) != 0 || own != 1 {
			t.Errorf("afterwards %d and %d wait", len(ids), own)
		}
		s.clock.Set(to.AddDate(0, 0, 30))
		s.is("watchers-watched", control.Broken, "1 review is late")
		owed, err := s.owedWatchers(context.Background(), s.clock.Now())
		check(t, err)
		if len(owed) != 1 || owed[0].Owner != string(people.ChairOfGovernors) {
			t.Errorf("owed: %+v", owed)
		}
		rest, _, err := s.Unreviewed(s.as(s.head), from, to)
		check(t, err)
		check(t, s.Sign(s.as(s.head), from, to, digestOf(rest), "The police had asked in writing"))
		s.is("watchers-watched", control.Kept, "every look")
		s.holds()
	})
}

func TestAReviewIsSignedOnItsPage(t *testing.T) {
	s := newSchool(t).ready()
	_, err := s.Search(s.as(s.monitor), Asked{})
	check(t, err)
	s.clock.Set(time.Date(2026, 12, 2, 9, 0, 0, 0, time.UTC))
	site, head := s.site(), s.actor(s.head)
	page := webtest.Get(t, site, "/monitoring/watchers", head).Is(200).Safe().Has("Tobias Fennimore", "1 search", "1 look of others", "1 November 2026 to 30 November 2026")
	form := url.Values{"from": {page.Field("from")}, "digest": {page.Field("digest")}, "remarks": {""}}
	webtest.Post(t, site, "/monitoring/watchers", form, head).Is(422).Safe().Has("even if all was in order")
	form.Set("remarks", "In order; a parent had asked")
	webtest.Post(t, site, "/monitoring/watchers", form, head).GoesTo("/monitoring/watchers?from=2026-11-01")
	webtest.Get(t, site, "/monitoring/watchers", head).Is(200).Safe().Has("In order; a parent had asked", "Nothing waits for you in this period")
	talk := url.Values{"who": {"Tobias Fennimore"}, "on-day": {"1"}, "on-month": {"12"}, "on-year": {"2026"}, "note": {"Shares the samples with a second monitor"}}
	webtest.Post(t, site, "/monitoring/watchers/support", url.Values{"who": {"Robin Okonjo"}}, head).Is(422).Safe().Has("Choose somebody who watches.", "Enter the day of the talk")
	webtest.Post(t, site, "/monitoring/watchers/support", talk, head).GoesTo("/monitoring/watchers")
	webtest.Get(t, site, "/monitoring/watchers", head).Is(200).Has("Shares the samples")
	webtest.Get(t, site, "/monitoring/watchers", s.actor(s.monitor)).Is(403)
	webtest.Get(t, site, "/monitoring/looks?who=person:"+string(s.monitor)+"&from=2026-11-01&until=2026-11-30", head).Is(200).Safe().Has("Tobias Fennimore")
}

func TestSomebodyElseMayAskForTheListAndTheHeadDecides(t *testing.T) {
	s := newSchool(t)
	s.confirm()
	s.clock.Set(monday.Add(time.Hour))
	nell := s.person(people.Staff, "Nell", "Ashdown", people.Monitor)
	if err := s.ProposeList(s.as(s.pupil), "let me look please"); !errors.Is(err, store.ErrForbidden) {
		t.Errorf("asked by a pupil: %v", err)
	}
	check(t, s.ProposeList(s.as(s.lead), "Nell takes over from January"))
	if _, err := s.GivePurpose(s.as(nell), "quality", "Trying it out"); !errors.Is(err, store.ErrForbidden) {
		t.Errorf("looked before the head decided: %v", err)
	}
	id, err := s.openProposal(context.Background())
	check(t, err)
	if _, err := s.approvals.Decide(s.as(s.lead), id, approval.Decision{Yes: true}); !errors.Is(err, store.ErrForbidden) {
		t.Errorf("decided by whoever asked: %v", err)
	}
	other := s.person(people.Staff, "Una", "Vale", people.Monitor)
	if _, err := s.approvals.Decide(s.as(s.head), id, approval.Decision{Yes: true}); !errors.Is(err, store.ErrStale) {
		t.Errorf("approved although one more came: %v", err)
	}
	held, err := s.people.PostsAt(context.Background(), other, s.clock.Now())
	check(t, err)
	check(t, s.people.EndPost(s.as(s.head), held[0].ID, held[0].Version, "a mistake"))
	s.clock.Set(s.clock.Now().Add(time.Minute))
	_, err = s.approvals.Decide(s.as(s.head), id, approval.Decision{Yes: true})
	check(t, err)
	all, err := s.Versions(context.Background())
	check(t, err)
	if len(all) != 2 || all[0].Number != 2 || !all[0].Has(nell) || all[0].AskedBy != "person:"+string(s.lead) || all[0].ConfirmedBy != "person:"+string(s.head) {
		t.Errorf("versions: %+v", all)
	}
	s.is("monitor-list-current", control.Kept, "2 monitors")
	webtest.Get(t, s.site(), "/monitoring/monitors", s.actor(s.lead)).Is(200).Safe().Has("asked by Oona Marsh", "Amira Quist", "Ask for the list")
	s.holds()
}

func TestAnybodyMayCheckABadge(t *testing.T) {
	s := newSchool(t)
	s.confirm()
	site := s.site()
	if _, err := s.NewBadge(s.as(s.pupil), s.pupil); !errors.Is(err, store.ErrForbidden) {
		t.Errorf("a pupil made a badge: %v", err)
	}
	if _, err := s.NewBadge(s.as(s.head), s.lead); !errors.Is(err, store.ErrForbidden) {
		t.Errorf("a badge for somebody off the list: %v", err)
	}
	webtest.Post(t, site, "/monitoring/monitors/badge", nil, s.actor(s.monitor)).GoesTo("/monitoring/monitors")
	b, err := s.badge(context.Background(), `person = $1`, string(s.monitor))
	check(t, err)
	webtest.Get(t, site, "/monitoring/monitors", s.actor(s.monitor)).Is(200).Safe().Has("Your code is " + b.Code)
	for name, who := range map[string]string{"as printed": b.Code, "small, with a space": strings.ToLower(b.Code[:5]) + "+" + strings.ToLower(b.Code[6:])} {
		webtest.Get(t, site, "/monitors/check?code="+who, webtest.Nobody()).Is(200).Safe().Has("Yes, now", "Tobias Fennimore")
		if t.Failed() {
			t.Fatal(name)
		}
	}
	webtest.Get(t, site, "/monitors/check?code=AAAAA-AAAAA", s.actor(s.pupil)).Is(200).Safe().Has("This code is nobody's").HasNot("Fennimore")
	held, err := s.people.PostsAt(context.Background(), s.monitor, s.clock.Now())
	check(t, err)
	check(t, s.people.EndPost(s.as(s.head), held[0].ID, held[0].Version, "moved on"))
	s.clock.Set(monday.Add(time.Minute))
	webtest.Get(t, site, "/monitors/check?code="+b.Code, webtest.Nobody()).Is(200).Has("is not on the list of those who may look now")
}

func TestAGapIsExplainedOnceItIsOver(t *testing.T) {
	s := newSchool(t)
	at := func(h, m int) time.Time { return time.Date(2026, 11, 23, h, m, 0, 0, time.UTC) }
	s.clock.Set(at(11, 0))
	s.beat(at(10, 30), at(11, 0))
	s.clock.Set(at(11, 40))
	sum, _, err := s.gaps(context.Background(), s.clock.Now(), s.values())
	check(t, err)
	if len(sum.gaps) != 1 || !sum.gaps[0].Open {
		t.Fatalf("the gap that goes on: %+v", sum.gaps)
	}
	var bad store.Invalid
	if err := s.ExplainGap(s.as(s.head), sum.gaps[0].Site, sum.gaps[0].From, sum.gaps[0].To, "The power was cut"); !errors.As(err, &bad) || !strings.Contains(bad["gap"], "goes on") {
		t.Errorf("a gap that goes on was explained away: %v", err)
	}
	s.beat(at(11, 30), at(12, 0))
	s.clock.Set(at(12, 0))
	s.is("log-complete", control.Broken, "1 gap")
	site, head := s.site(), s.actor(s.head)
	sum, _, err = s.gaps(context.Background(), s.clock.Now(), s.values())
	check(t, err)
	webtest.Get(t, site, "/monitoring/gaps", head).Is(200).Safe().Has("not explained", "11:00")
	form := url.Values{"gap": {gapValue(sum.gaps[0])}, "why": {"no"}}
	webtest.Post(t, site, "/monitoring/gaps", form, head).Is(422).Safe()
	form.Set("why", "The electrician cut the power; a battery is ordered")
	webtest.Post(t, site, "/monitoring/gaps", form, head).GoesTo("/monitoring/gaps")
	f := s.is("log-complete", control.Kept, "1 gap")
	if !strings.Contains(f.Figure, "explained") || f.Rows[0].State != control.Kept {
		t.Errorf("explained: %+v", f)
	}
	webtest.Get(t, site, "/monitoring/gaps", head).Is(200).Safe().Has("a battery is ordered", "by Amira Quist")
	webtest.Post(t, site, "/monitoring/gaps", form, head).Is(409)
	if err := s.ExplainGap(s.as(s.lead), "main", at(1, 0), at(2, 0), "The power was cut"); !errors.Is(err, store.ErrForbidden) {
		t.Errorf("explained by the lead: %v", err)
	}
	if err := s.ExplainGap(s.as(s.head), "main", at(1, 0), at(2, 0), "The power was cut"); !errors.As(err, &bad) {
		t.Errorf("a gap that never was: %v", err)
	}
}

// tried is a pupil who tries many different closed sites.
func (s *school) tried(n int, change ...func(*activity.Event)) {
	s.t.Helper()
	var events []activity.Event
	for i := range n {
		e := s.visit(append([]func(*activity.Event){func(e *activity.Event) {
			e.Action, e.Category, e.Categories = activity.Block, "games", []string{"games"}
			e.Host = "game" + string(rune('a'+i)) + ".example"
		}}, change...)...)
		events = append(events, e)
	}
	s.saw(events...)
}

func TestMisuseIsForMonitorsAndDistressIsNot(t *testing.T) {
	s := newSchool(t).ready()
	s.tried(13)
	s.tried(25, func(e *activity.Event) { e.Host = "tracker.example" }) // one page that asks again and again
	s.tried(25, worrying, func(e *activity.Event) { e.Subject = "s-" + string(s.head) })
	open, err := s.openAlerts(context.Background())
	check(t, err)
	if len(open) != 0 {
		t.Fatalf("too little was taken for misuse: %+v", open)
	}
	s.tried(1, func(e *activity.Event) { e.Host = "one-more.example" })
	s.tried(3, func(e *activity.Event) { e.Categories = []string{"vpn"} })
	open, err = s.openAlerts(context.Background())
	check(t, err)
	var rules []string
	for _, a := range open {
		rules = append(rules, a.Rule)
	}
	slices.Sort(rules)
	if !slices.Equal(rules, []string{ruleBlocks, ruleBypass}) {
		t.Fatalf("alerts of %v", rules)
	}
	for name, want := range map[people.ID]int{s.monitor: 2, s.head: 0, s.pupil: 0} {
		n := 0
		for _, i := range s.tray(name) {
			if strings.HasPrefix(i.Key, "alert/") {
				n++
				if strings.Contains(i.Title+i.Link, "Robin") {
					t.Errorf("the tray names a child: %+v", i)
				}
			}
		}
		if n != want {
			t.Errorf("%s has %d alerts in the tray, want %d", name, n, want)
		}
	}
	for _, i := range s.tray(s.lead) {
		if strings.HasPrefix(i.Key, "alert/") {
			t.Errorf("misuse is in the safeguarding tray: %+v", i)
		}
	}
	var about string
	check(t, s.d.DB.QueryRowContext(context.Background(), `SELECT about FROM alerts LIMIT 1`).Scan(&about))
	if !strings.HasPrefix(about, "sealed:") {
		t.Errorf("an alert rests as %q", about)
	}
}

func TestAnAlertThatWaitsTooLongIsNotKept(t *testing.T) {
	s := newSchool(t).ready()
	s.is("alerts-handled", control.Kept, "none waits")
	s.tried(20)
	s.is("alerts-handled", control.Kept, "none too long")
	s.clock.Set(monday.AddDate(0, 0, 2))
	s.is("alerts-handled", control.Kept, "none too long")
	s.clock.Set(monday.AddDate(0, 0, 3))
	s.is("alerts-handled", control.Broken, "under 5 waiting too long")
	for _, row := range s.finding("alerts-handled").Rows {
		if !row.At.IsZero() {
			t.Errorf("everybody who reads evidence sees when it was: %+v", row)
		}
	}
	site, me := s.site(), s.actor(s.monitor)
	open, err := s.openAlerts(context.Background())
	check(t, err)
	path := "/monitoring/alerts/" + open[0].ID
	webtest.Get(t, site, "/monitoring/alerts", me).Is(200).Safe().Has("Many closed sites").HasNot("Robin").Link(path)
	webtest.Get(t, site, path, me).GoesTo("/monitoring/purpose?" + url.Values{"to": {path}}.Encode())
	s.looking(s.monitor)
	d := webtest.Get(t, site, path, me).Is(200).Safe().Has("Robin Okonjo", "tablet-9", "harmless reason first")
	form := url.Values{"version": {d.Field("version")}}
	webtest.Post(t, site, path, form, me).Is(422).Safe().Has("Choose what came of it.")
	form.Set("outcome", "harmless")
	webtest.Post(t, site, path, form, me).GoesTo("/monitoring/alerts")
	webtest.Post(t, site, path, form, me).Is(409)
	s.is("alerts-handled", control.Kept, "none waits")
	webtest.Get(t, site, path, s.actor(s.lead)).Is(403)
	s.holds()
}

func TestManyCopiesByOneMonitorAreToldToTheHead(t *testing.T) {
	s := newSchool(t).ready()
	p, err := s.purpose(s.as(s.monitor))
	check(t, err)
	check(t, s.look(s.as(s.monitor), p, lookExport, exportRows, nil))
	check(t, s.watchJournal(context.Background()))
	check(t, s.watchJournal(context.Background()))
	open, err := s.openAlerts(context.Background())
	check(t, err)
	if len(open) != 1 || open[0].Rule != ruleExport || open[0].Watcher != "person:"+string(s.monitor) {
		t.Fatalf("alerts: %+v", open)
	}
	if _, err := s.OpenAlert(s.as(s.monitor), open[0].ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the monitor opened the alert about the monitor: %v", err)
	}
	if _, err := s.OpenAlert(s.as(s.head), open[0].ID); err != nil {
		t.Errorf("the head: %v", err)
	}
	items := s.tray(s.head)
	if !slices.ContainsFunc(items, func(i web.Item) bool { return i.Key == "alert/"+open[0].ID }) {
		t.Errorf("the head's tray: %+v", items)
	}
}

func TestManyWrongPasswordsOfOneAccountAreTold(t *testing.T) {
	s := newSchool(t).ready()
	failed := func(account string, n int) {
		check(t, s.d.DB.Write(s.as(s.head), func(tx *store.Tx) error {
			return s.d.Journal.Write(s.as(s.head), tx, journal.Entry{Verb: access.VerbFailed, Kind: "account", ID: account, After: map[string]any{"count": n}})
		}))
	}
	failed("a.quist", 19)
	failed("t.fenn", 3)
	check(t, s.watchJournal(context.Background()))
	open, err := s.openAlerts(context.Background())
	check(t, err)
	if len(open) != 0 {
		t.Fatalf("nineteen wrong passwords were an alert: %+v", open)
	}
	failed("a.quist", 1)
	check(t, s.watchJournal(context.Background()))
	check(t, s.watchJournal(context.Background()))
	if open, err = s.openAlerts(context.Background()); err != nil || len(open) != 1 || open[0].Account != "a.quist" || open[0].Times != 20 {
		t.Fatalf("alerts: %+v, %v", open, err)
	}
}

func TestANightOnTheWebIsToldAndAQuietMachineIsNot(t *testing.T) {
	s := newSchool(t).ready()
	s.clock.Set(time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC))
	var few, many []activity.Event
	for i := range 70 {
		at := s.clock.Now().Add(-time.Duration(i) * time.Minute)
		many = append(many, s.visit(func(e *activity.Event) { e.At = at }))
		few = append(few, s.visit(func(e *activity.Event) { e.At, e.Subject, e.Certainty = at, "", activity.Unknown }))
	}
	s.saw(few...)
	s.saw(many...)
	open, err := s.openAlerts(context.Background())
	check(t, err)
	if len(open) != 1 || open[0].Rule != ruleOddHours {
		t.Errorf("alerts: %+v", open)
	}
}

func TestWhatIsCountedForAlertsIsBounded(t *testing.T) {
	var c counter
	for i := range 3 * maxWatched {
		c.add("subject "+strconv.Itoa(i), "", monday, time.Hour, 5)
	}
	if len(c.all) > maxWatched {
		t.Errorf("%d people are counted at once", len(c.all))
	}
}
