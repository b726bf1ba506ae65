package house_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"belisha/internal/activity"
	"belisha/internal/demo"
	"belisha/internal/house"
	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/school/concerns"
	"belisha/internal/school/people"
)

// figureDays are the school days with web activity.
const figureDays = 90

// figureSize is what the folder of the figures is filled with: how many
// concerns, and how many events a day.
func figureSize() (reports, events int) {
	return fromEnv("BELISHA_FIGURES_CONCERNS", 20_000), fromEnv("BELISHA_FIGURES_EVENTS", 200_000)
}

func fromEnv(name string, otherwise int) int {
	n, err := strconv.Atoi(os.Getenv(name))
	if err != nil || n < 1 {
		return otherwise
	}
	return n
}

func withActor(ctx context.Context, a actor.Actor) context.Context { return actor.With(ctx, a) }

// bigFolder is the school whose pages are timed.
type bigFolder struct {
	h   *house.House
	clk *stepClock
}

// bigSchool opens the folder of the figures; where it is not there, or was
// left half made, it is filled.
func bigSchool(t *testing.T, dir string) *bigFolder {
	t.Helper()
	mark := filepath.Join(dir, "filled")
	at, err := os.ReadFile(mark)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		at = fillFolder(t, dir)
		if err := os.WriteFile(mark, at, 0o600); err != nil {
			t.Fatal(err)
		}
	case err != nil:
		t.Fatal(err)
	}
	now, err := time.Parse(time.RFC3339, string(at))
	if err != nil {
		t.Fatal(err)
	}
	s := &bigFolder{clk: &stepClock{now: now.Add(time.Minute)}}
	s.h = openFigures(t, dir, s.clk)
	if err := s.h.Filtering.Start(withActor(t.Context(), actor.Belisha("figures"))); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeFigures(t, s.h) })
	return s
}

func openFigures(t *testing.T, dir string, clk clock.Clock) *house.House {
	t.Helper()
	data := filepath.Join(dir, "data")
	_, err := os.Stat(data)
	f, err := house.OpenFolder(data, errors.Is(err, fs.ErrNotExist), true, clk.Now())
	if err != nil {
		t.Fatal(err)
	}
	h, err := house.New(t.Context(), house.Config{Dir: data, Demo: true, Clock: clk, Version: "test", Program: "/bin/false"}, f)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func closeFigures(t *testing.T, h *house.House) {
	t.Helper()
	if err := h.Close(); err != nil {
		t.Error(err)
	}
}

// fillFolder makes the demonstration school, then its concerns and its web,
// and answers the moment that is the present of it.
func fillFolder(t *testing.T, dir string) []byte {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(dir, "data")); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	begun := clock.System{}.Now()
	c := &demo.Clock{}
	h := openFigures(t, dir, c)
	size := demo.Village()
	size.Days = figureDays
	if err := demo.FillSize(t.Context(), h, size); err != nil {
		t.Fatal(err)
	}
	closeFigures(t, h)
	now := c.Now()
	t.Logf("the demonstration school took %v", now.Sub(begun).Round(time.Second))
	s := &bigFolder{clk: &stepClock{now: now}}
	s.h = openFigures(t, dir, s.clk)
	reports, events := figureSize()
	ctx := withActor(t.Context(), actor.New(actor.Belisha("figures"), s.h.Capabilities()...))
	days := s.schoolDays(t, now)
	s.report(t, ctx, days, reports)
	t.Logf("with %d concerns %v", reports, clock.System{}.Now().Sub(begun).Round(time.Second))
	s.clk.set(now)
	s.surf(t, ctx, days, events)
	if _, err := s.h.Memory().Enforce(ctx, now); err != nil {
		t.Fatal(err)
	}
	closeFigures(t, s.h)
	t.Logf("with %d events %v", figureDays*events, clock.System{}.Now().Sub(begun).Round(time.Second))
	return []byte(now.Format(time.RFC3339))
}

// schoolDays are the last ninety on which school was, oldest first; the last
// ends with yesterday, so that no event lies ahead.
func (s *bigFolder) schoolDays(t *testing.T, now time.Time) []time.Time {
	t.Helper()
	cal, err := s.h.People.Calendar(t.Context(), people.MainSite)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]time.Time, figureDays)
	day := cal.Day(now)
	for n := figureDays; n > 0; {
		day = day.Add(-1)
		if cal.SchoolDayOn(day) {
			n--
			out[n] = cal.On(day, 8*60+30)
		}
	}
	return out
}

// report makes the concerns: each about a pupil, nine in ten closed.
func (s *bigFolder) report(t *testing.T, ctx context.Context, days []time.Time, reports int) {
	t.Helper()
	pupils, _, err := s.h.People.List(ctx, people.Filter{Kind: people.Pupil, Limit: 500})
	if err != nil {
		t.Fatal(err)
	}
	lead := s.holder(t, ctx, people.SafeguardingLead)
	who := s.holder(t, ctx, people.FilterManager)
	for n := range reports {
		s.clk.set(days[n*len(days)/reports].Add(time.Duration(n%400) * time.Minute))
		k := concerns.Kinds[n%len(concerns.Kinds)]
		if k.Police || k.Images || k.Deliberate || k.Risk > 2 || (k.Route != concerns.ChildProtection && k.Route != concerns.Behaviour) {
			k, _ = concerns.KindOf("time-online")
		}
		p := pupils[n*7%len(pupils)]
		got, err := s.h.Concerns.Report(who, concerns.Report{
			Form: fmt.Sprintf("figures-%d", n), Kind: k.Value, People: []concerns.Mentioned{{Who: p.Username, Role: "pupil"}}, NotKnown: p.Username == "",
			Account: "One of many, so that pages can be timed: something was seen in a lesson, and somebody spoke about it.",
		})
		if err != nil {
			t.Fatalf("concern %d: %v", n, err)
		}
		if n%10 == 0 {
			continue
		}
		told := concerns.Doing{Kind: "parents", Decision: "yes", Who: "The mother, by telephone, by the office"}
		if err := s.h.Concerns.Act(lead, got.ID, 1, told); err != nil {
			t.Fatalf("acting on concern %d: %v", n, err)
		}
		if err := s.h.Concerns.Close(lead, got.ID, 2, concerns.Ending{Outcome: "resolved", Text: "Seen, and done with."}); err != nil {
			t.Fatalf("closing concern %d: %v", n, err)
		}
	}
}

// holder acts as whoever holds a post.
func (s *bigFolder) holder(t *testing.T, ctx context.Context, p people.Post) context.Context {
	t.Helper()
	who, err := s.h.People.HoldersAt(ctx, p, s.clk.Now())
	if err != nil || len(who) == 0 {
		t.Fatalf("nobody is %s: %v", p, err)
	}
	a, err := s.h.Access.ActorOf(ctx, who[0].Person.ID)
	if err != nil {
		t.Fatal(err)
	}
	return withActor(ctx, a)
}

// surf makes the web of the days: what pupils and staff who are on the roll
// look at, as often as few hosts and many are looked at.
func (s *bigFolder) surf(t *testing.T, ctx context.Context, days []time.Time, events int) {
	t.Helper()
	g := s.surfers(t, ctx)
	for _, d := range days {
		batch := make([]activity.Event, 0, 2000)
		step := 7 * time.Hour / time.Duration(events)
		for n := range events {
			batch = append(batch, g.event(d.Add(time.Duration(n)*step)))
			if len(batch) == cap(batch) {
				if err := s.h.Memory().Append(ctx, batch); err != nil {
					t.Fatal(err)
				}
				batch = batch[:0]
			}
		}
	}
}

// surfer is a person of the roll as the record knows them.
type surfer struct {
	subject              func(at time.Time) string
	group, stage, device string
	address              netip.Addr
}

// surfers makes events.
type surfers struct {
	rnd   *rand.Rand
	hosts *rand.Zipf
	words *rand.Zipf
	who   []surfer
	next  uint64
}

func (s *bigFolder) surfers(t *testing.T, ctx context.Context) *surfers {
	t.Helper()
	rnd := rand.New(rand.NewPCG(1934, 90)) //nolint:gosec // test data
	g := &surfers{rnd: rnd, hosts: rand.NewZipf(rnd, 1.15, 3, 20_000), words: rand.NewZipf(rnd, 1.1, 5, 20_000), next: 1 << 40}
	for _, kind := range []people.Kind{people.Pupil, people.Staff} {
		list, _, err := s.h.People.List(ctx, people.Filter{Kind: kind, Limit: 500})
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range list {
			one := surfer{subject: s.pseudonyms(t, ctx, p.ID), group: "pupils", stage: "ks3", device: fmt.Sprintf("laptop-%03d", i), address: netip.AddrFrom4([4]byte{10, 20, byte(i / 200), byte(i%200 + 20)})}
			if kind == people.Staff {
				one.group, one.stage = "staff", ""
			}
			g.who = append(g.who, one)
		}
	}
	return g
}

// pseudonyms are somebody's in the school years of the record: they have
// another one every September.
func (s *bigFolder) pseudonyms(t *testing.T, ctx context.Context, id people.ID) func(time.Time) string {
	t.Helper()
	known := map[int]string{}
	return func(at time.Time) string {
		year := at.Year()
		if at.Month() < time.September {
			year--
		}
		if _, ok := known[year]; !ok {
			subject, err := s.h.Access.Subject(ctx, id, at)
			if err != nil {
				t.Fatal(err)
			}
			known[year] = subject
		}
		return known[year]
	}
}

var figureCategories = []string{"education", "news", "search", "reference", "technology", "video", "sport", "shopping", "games", "social"}

func (g *surfers) event(at time.Time) activity.Event {
	g.next++
	w := g.who[g.rnd.IntN(len(g.who))]
	n := g.hosts.Uint64()
	cat := figureCategories[n%uint64(len(figureCategories))]
	e := activity.Event{
		ID: g.next, Gate: "figures", At: at, Site: people.MainSite, Door: "tunnel", Subject: w.subject(at), Certainty: activity.Sure,
		Device: w.device, Address: w.address, Group: w.group, KeyStage: w.stage,
		Host: fmt.Sprintf("www.place%d.example", n), Categories: []string{cat}, Category: cat,
		Action: activity.Allow, Rule: "default", Reason: "open", RulesNumber: 12, Count: 1, Bytes: g.rnd.Uint64N(90_000),
	}
	switch dice := g.rnd.IntN(100); {
	case dice < 4:
		e.Action, e.Rule, e.Reason = activity.Block, "pupils/"+cat, "category"
	case dice < 16:
		e.Door, e.Path = "proxy", fmt.Sprintf("/a%d/b%d.html", g.words.Uint64(), dice)
	case dice < 18:
		e.Door, e.Host, e.Engine = "proxy", "www.bing.example", "bing"
		e.Words = fmt.Sprintf("word%d thing%d", g.words.Uint64(), g.words.Uint64())
	}
	return e
}
