package demo_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"belisha/internal/activity"
	"belisha/internal/demo"
	"belisha/internal/house"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/control"
	"belisha/internal/kit/web"
	"belisha/internal/school/access"
	"belisha/internal/school/concerns"
	"belisha/internal/school/filtering"
	"belisha/internal/school/people"
	"belisha/internal/verdict"
)

// open opens a fresh demonstration folder whose present is now.
func open(t testing.TB, now clock.Clock) *house.House {
	t.Helper()
	dir := t.TempDir()
	f, err := house.OpenFolder(dir, true, true, now.Now())
	if err != nil {
		t.Fatal(err)
	}
	h, err := house.New(t.Context(), house.Config{Dir: dir, Demo: true, Clock: demo.ClockAt(now), Version: "test"}, f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// wednesday is a day in the middle of a term.
var wednesday = time.Date(2026, 11, 25, 11, 20, 0, 0, time.UTC)

// stateOf finds a control in the policy's states.
func stateOf(t *testing.T, h *house.House, slug string) control.State {
	t.Helper()
	st, err := h.Policies.Status(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range st.Clauses {
		for _, k := range c.Controls {
			if k.Slug == slug {
				return k.State
			}
		}
	}
	t.Fatalf("no clause of the policy has the control %s", slug)
	return ""
}

func TestTheDemonstrationSchoolIsWhole(t *testing.T) {
	h := open(t, clock.NewFake(wednesday))
	begun := clock.System{}.Now()
	if err := demo.Fill(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	t.Logf("filled in %v", clock.System{}.Now().Sub(begun).Round(10*time.Millisecond))

	t.Run("everybody is there", func(t *testing.T) { everybody(t, h) })
	t.Run("the journal holds", func(t *testing.T) {
		rep, err := h.Journal().Verify(t.Context())
		if err != nil || rep.Fault != nil {
			t.Errorf("Verify() = %+v, %v", rep.Fault, err)
		}
		t.Logf("%d lines", rep.Lines)
		inOrder(t, h, wednesday)
	})
	t.Run("what is not kept is what was left undone", func(t *testing.T) { promises(t, h) })
	t.Run("the web of a term is remembered", func(t *testing.T) { remembered(t, h) })
	t.Run("every account opens", func(t *testing.T) { accounts(t, h) })
	t.Run("two signals wait for the safeguarding lead", func(t *testing.T) {
		a, err := h.Access.ActorOf(t.Context(), personNamed(t, h, "dsl"))
		if err != nil {
			t.Fatal(err)
		}
		items, err := h.Monitoring.Waiting(t.Context(), a)
		if err != nil || len(items) != 2 {
			t.Errorf("%d items wait, want 2 (%v)", len(items), err)
		}
	})
	t.Run("what people told was looked after", func(t *testing.T) { lookedAfter(t, h) })
	t.Run("something waits for everybody who decides", func(t *testing.T) { trays(t, h) })
	t.Run("a site is open for a lesson now", func(t *testing.T) { openNow(t, h) })
	t.Run("what the filter found inside is remembered", func(t *testing.T) { foundInside(t, h) })
	t.Run("a class is kept on some sites now", func(t *testing.T) { keptOn(t, h) })
	t.Run("a device of another site tried the filter", func(t *testing.T) { tried(t, h) })
	t.Run("it is not filled twice", func(t *testing.T) {
		if err := demo.Fill(t.Context(), h); !errors.Is(err, demo.ErrFilled) {
			t.Errorf("a second Fill: %v, want ErrFilled", err)
		}
	})
}

// as is ctx as one of the accounts.
func as(t *testing.T, h *house.House, username string) context.Context {
	t.Helper()
	a, err := h.Access.ActorOf(t.Context(), personNamed(t, h, username))
	if err != nil {
		t.Fatal(err)
	}
	return demo.With(t.Context(), a)
}

func lookedAfter(t *testing.T, h *house.House) {
	states := map[string]int{}
	restricted := 0
	for at := 0; ; {
		p, err := h.Concerns.List(as(t, h, "dsl"), concerns.Asked{State: "all", Offset: at})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range p.Lines {
			states[c.State]++
			if c.Sight != concerns.SightUsual {
				restricted++
			}
		}
		if at += len(p.Lines); len(p.Lines) == 0 || at >= p.Total {
			break
		}
	}
	if states[concerns.CaseClosed] < 45 || states[concerns.CaseOpen] < 3 || states[concerns.CaseNew] < 2 || states[concerns.CaseVoid] != 1 || restricted != 1 {
		t.Errorf("concerns that the safeguarding lead sees: %v, %d of them restricted", states, restricted)
	}
	if got, err := h.Concerns.List(as(t, h, "teacher"), concerns.Asked{State: "all"}); err == nil && len(got.Lines) > 0 {
		t.Errorf("a teacher sees %d concerns", len(got.Lines))
	}
}

func trays(t *testing.T, h *house.House) {
	for username, want := range map[string]string{
		"head": "Approval asked: Hold staff", "dsl": "A concern waits for you (late)", "filter": "A site is asked for", "monitor": "Remind those who have not signed",
		"teacher": "Something was given to you to do", "governor": "A policy text waits", "parent": "There are rules for you to sign",
	} {
		a, err := h.Access.ActorOf(t.Context(), personNamed(t, h, username))
		if err != nil {
			t.Fatal(err)
		}
		items, err := h.Review.Tray(demo.With(t.Context(), a), a)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(items, func(it web.Item) bool { return strings.HasPrefix(it.Title, want) }) {
			t.Errorf("in the tray of %s nothing begins with %q: %v", username, want, items)
		}
		if len(items) > 15 {
			t.Errorf("%d things wait for %s; that is more than anybody reads", len(items), username)
		}
	}
}

func openNow(t *testing.T, h *house.House) {
	snap := h.Filtering.Snapshot()
	n := snap.Names()
	ask := verdict.Ask{Door: verdict.DoorProxy, Host: "www.ikea.com", Path: "/", Groups: n.GroupBit(access.GroupPupils), KeyStage: n.KeyStage("KS3"), At: wednesday}
	if v := snap.Decide(&ask); v.Action == verdict.Allow {
		t.Error("it is open for everybody")
	}
	ask.Classes = n.ClassNumbers([]string{filtering.ForClass("8A")})
	if v := snap.Decide(&ask); v.Action != verdict.Allow {
		t.Errorf("for class 8A it is not open: %v", v.Reason)
	}
}

func foundInside(t *testing.T, h *house.House) {
	reasons := map[string]int{}
	for _, host := range []string{"friends-league.example", "mods.blocks.example", "pictures.example", "copilot.microsoft.com"} {
		p, err := h.Memory().Search(t.Context(), activity.Query{From: wednesday.AddDate(0, 0, -80), To: wednesday, Host: host, Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range p.Events {
			if e.Detail == "" {
				t.Errorf("of %s nothing is said of what was found", host)
			}
			reasons[e.Reason]++
		}
	}
	if reasons["phrases"] != 2 || reasons["file"] != 3 || reasons["chat"] != 1 {
		t.Errorf("found inside: %v", reasons)
	}
	list, err := h.Filtering.LicensedLists(t.Context())
	if err != nil || len(list) != 1 || list[0].Entries != 1 {
		t.Errorf("licensed lists: %+v, %v", list, err)
	}
	for _, host := range []string{"www.barclays.co.uk", "www.nhs.uk"} {
		if inspected(h, host) {
			t.Errorf("%s is looked into", host)
		}
	}
	if !inspected(h, "www.britannica.com") {
		t.Error("nothing is looked into for pupils")
	}
}

func inspected(h *house.House, host string) bool {
	snap := h.Filtering.Snapshot()
	n := snap.Names()
	ask := verdict.Ask{Door: verdict.DoorTunnel, Host: host, Groups: n.GroupBit(access.GroupPupils), KeyStage: n.KeyStage("KS3"), At: wednesday}
	v := snap.Decide(&ask)
	return snap.Inspects(ask.Groups, wednesday, host, &v)
}

func keptOn(t *testing.T, h *house.House) {
	list, err := h.Classroom.Running(t.Context())
	if err != nil || len(list) != 1 || list[0].Class != "6A" {
		t.Errorf("running: %+v, %v", list, err)
	}
}

func tried(t *testing.T, h *house.House) {
	list, err := h.Probes.Since(t.Context(), wednesday.AddDate(0, 0, -60), 200)
	if err != nil {
		t.Fatal(err)
	}
	wrong := 0
	for _, r := range list {
		if r.Wrong > 0 {
			wrong++
		}
	}
	if len(list) < 25 || wrong != 1 {
		t.Errorf("%d trials, %d of them went wrong; want a term's, and one", len(list), wrong)
	}
}

func personNamed(t *testing.T, h *house.House, username string) people.ID {
	t.Helper()
	p, err := h.People.ByUsername(t.Context(), username)
	if err != nil {
		t.Fatalf("%s: %v", username, err)
	}
	return p.ID
}

func everybody(t *testing.T, h *house.House) {
	size := demo.Village()
	want := map[people.Kind]int{
		people.Pupil: size.Pupils, people.Staff: size.Staff, people.Parent: size.Parents,
		people.Governor: size.Governors, people.Contractor: size.Contractors,
	}
	got, err := h.People.Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for k, n := range want {
		if got[k] != n {
			t.Errorf("%d of %s, want %d", got[k], people.KindTitle(k), n)
		}
	}
	children, err := h.People.Children(t.Context(), personNamed(t, h, "parent"))
	if err != nil || len(children) != 1 || children[0].Person.Year != "5" {
		t.Errorf("the parent's children: %v, %v", children, err)
	}
}

func promises(t *testing.T, h *house.House) {
	for slug, want := range map[string]control.State{
		"roles-filled": control.Broken, "password-age": control.Broken, "log-complete": control.Broken,
		"incidents-triaged": control.Broken, "filter-reports-answered": control.Broken, "who-has-signed": control.Broken,
		"signed-before-access": control.Broken, "parents-told": control.Kept, "referral-decided": control.Kept,
		"deliberate-access-investigated": control.Kept, "trends-read": control.Kept, "exceptions-expire": control.Kept,
		"class-discussion": control.Kept, "staff-read-policy": control.Kept, "reports-read": control.Kept,
		"admin-rights-reviewed": control.Kept, "contractor-grants-timed": control.Kept,
		"policy-in-force": control.Kept, "monitor-list-current": control.Kept, "log-views-have-purpose": control.Kept,
		"log-not-altered": control.Kept, "idle-lock": control.Kept, "first-logon-change": control.Kept,
		"backup-ran": control.Kept, "restore-proven": control.Unknown, "required-categories": control.Unknown,
	} {
		if got := stateOf(t, h, slug); got != want {
			t.Errorf("%s is %q, want %q", slug, got, want)
		}
	}
}

func remembered(t *testing.T, h *house.House) {
	s, err := h.Memory().Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d days, %d events, %d KB", s.Days, s.Events, s.Bytes>>10)
	if s.Days < 50 || s.Events < 60_000 {
		t.Errorf("%d events on %d days, want a term's", s.Events, s.Days)
	}
}

func accounts(t *testing.T, h *house.House) {
	for _, a := range demo.Accounts() {
		s, _, err := h.Access.SignIn(t.Context(), access.Attempt{Username: a.Username, Password: a.Password, From: netip.MustParseAddr("127.0.0.1")})
		if err != nil {
			t.Errorf("%s: %v", a.Role, err)
			continue
		}
		who, err := h.Access.ActorOf(t.Context(), s.Person)
		if err != nil {
			t.Fatal(err)
		}
		if who.Audience == people.Pupil && len(who.Capabilities()) > 0 {
			t.Errorf("%s may %v", a.Role, who.Capabilities())
		}
	}
}

func TestTheDemonstrationSchoolCanBeMadeOnAnyDay(t *testing.T) {
	if testing.Short() {
		t.Skip("six schools are made in the full run")
	}
	size := demo.Size{Pupils: 60, Staff: 30, Parents: 40, Governors: 2, Contractors: 1, ShortStay: 1, Days: 62, Visits: 12}
	for name, now := range map[string]time.Time{
		"the night of the new year":            time.Date(2027, 1, 1, 0, 10, 0, 0, time.UTC),
		"the middle of the summer holidays":    time.Date(2027, 8, 14, 15, 0, 0, 0, time.UTC),
		"the first day of September":           time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC),
		"a Sunday on which the clocks go back": time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC),
		"early on a school day":                time.Date(2027, 3, 2, 8, 46, 0, 0, time.UTC),
		"a leap day":                           time.Date(2028, 2, 29, 12, 0, 0, 0, time.UTC),
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, clock.NewFake(now))
			if err := demo.FillSize(t.Context(), h, size); err != nil {
				t.Fatal(err)
			}
			if st := stateOf(t, h, "policy-in-force"); st != control.Kept {
				t.Errorf("the policy is %q", st)
			}
			inOrder(t, h, now)
		})
	}
}

// inOrder holds every line of the journal against the one before it.
func inOrder(t *testing.T, h *house.House, now time.Time) {
	t.Helper()
	f := journalAll()
	last := now
	for {
		lines, err := h.Journal().List(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range lines {
			if l.At.After(last) {
				t.Errorf("line %d, %s, is of %v, and a later one of %v", l.Seq, l.Verb, l.At, last)
				return
			}
			last = l.At
		}
		if len(lines) < f.Limit {
			return
		}
		f.Before = lines[len(lines)-1].Seq
	}
}
