package probes_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/control"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/probes"
)

var monday = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

type school struct {
	t       *testing.T
	clock   *clock.Fake
	journal *journal.Journal
	live    *setting.Live
	room    *probes.Room
	answers []probes.Answer
	err     error
}

func schemas() []fs.FS { return []fs.FS{journal.Schema, probes.Schema} }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func ctx() context.Context { return actor.With(context.Background(), actor.Belisha("test")) }

// inspected are settings that the filtering room declares and the control
// reads.
func inspected() []setting.Setting {
	return []setting.Setting{{
		Key: "filtering.inspect", Title: "Inside", Kind: setting.Choice, Default: "on", Scopes: []string{"group"},
		Options: []setting.Option{{Value: "on", Title: "on"}, {Value: "off", Title: "off"}},
	}}
}

func open(t *testing.T, db *store.DB, more ...setting.Value) *school {
	t.Helper()
	s := &school{t: t, clock: clock.NewFake(monday)}
	var err error
	s.journal, err = journal.New(journal.Deps{DB: db, Clock: s.clock, Protected: probes.Protected, Verbs: probes.Verbs})
	must(t, err)
	book, err := setting.NewBook(probes.Settings(), inspected())
	must(t, err)
	s.live = setting.NewLive(setting.NewValues(book, 0, more))
	s.room, err = probes.New(probes.Deps{
		DB: db, Journal: s.journal, Clock: s.clock, Live: s.live, Zone: "probe.test",
		Trial: func(context.Context, bool) ([]probes.Answer, string, error) { return s.answers, "", s.err },
		SchoolDay: func(_ context.Context, at time.Time) bool {
			return at.Weekday() != time.Saturday && at.Weekday() != time.Sunday
		},
		Closed: func(context.Context, string) ([]string, error) { return []string{"adult", "gambling"}, nil },
	})
	must(t, err)
	return s
}

func each(t *testing.T, fn func(t *testing.T, s *school)) {
	t.Helper()
	storetest.Each(t, schemas(), func(t *testing.T, db *store.DB) { fn(t, open(t, db)) })
}

func answer(area probes.Area, state probes.State) probes.Answer {
	return probes.Answer{Case: "x", Area: area, Group: "Pupils", What: "A program cannot be downloaded", State: state, Said: "It was so."}
}

func (s *school) tries(k probes.Kind, list ...probes.Answer) probes.Run {
	s.t.Helper()
	s.answers = list
	run, err := s.room.Try(ctx(), k)
	must(s.t, err)
	return run
}

func (s *school) files() control.Finding {
	s.t.Helper()
	f, err := s.room.Controls()[0].Check(ctx(), s.clock.Now(), s.live.Current())
	must(s.t, err)
	return f
}

func TestFilesAreKeptOutOnlyWhenEveryTestFileWas(t *testing.T) {
	for _, x := range []struct {
		name  string
		kind  probes.Kind
		later time.Duration
		list  []probes.Answer
		want  control.State
	}{
		{"all closed", probes.Nightly, 0, []probes.Answer{answer(probes.Files, probes.Right), answer(probes.Files, probes.Right)}, control.Kept},
		{"one came through", probes.Nightly, 0, []probes.Answer{answer(probes.Files, probes.Right), answer(probes.Files, probes.Wrong)}, control.Broken},
		{"one could not be asked", probes.Nightly, 0, []probes.Answer{answer(probes.Files, probes.Right), answer(probes.Files, probes.Unknown)}, control.Unknown},
		{"nothing is closed for anybody", probes.Nightly, 0, []probes.Answer{answer(probes.Files, probes.NotSo)}, control.Broken},
		{"closed for some, as the policy says", probes.Nightly, 0, []probes.Answer{answer(probes.Files, probes.Right), answer(probes.Files, probes.NotSo)}, control.Kept},
		{"an hourly trial has no files", probes.Hourly, 0, []probes.Answer{answer(probes.Path, probes.Right)}, control.Unknown},
		{"two days ago", probes.Nightly, 48 * time.Hour, []probes.Answer{answer(probes.Files, probes.Right)}, control.Unknown},
	} {
		t.Run(x.name, func(t *testing.T) {
			s := open(t, storetest.SQLite(t, schemas()...))
			s.tries(x.kind, x.list...)
			s.clock.Advance(x.later)
			if f := s.files(); f.State != x.want {
				t.Errorf("%s: %s", f.State, f.Figure)
			}
		})
	}
}

func TestFilesOnSitesThatAreNotLookedIntoAreARisk(t *testing.T) {
	s := open(t, storetest.SQLite(t, schemas()...), setting.Value{Key: "filtering.inspect", Choice: "off", Raw: "off"})
	s.tries(probes.Nightly, answer(probes.Files, probes.Right))
	if f := s.files(); f.State != control.AtRisk || !strings.Contains(f.Figure, "encrypted") {
		t.Errorf("%s: %s", f.State, f.Figure)
	}
}

func (s *school) path(word control.State) control.Finding {
	s.t.Helper()
	f := control.Finding{State: word, Source: control.Attested, Figure: "said so", Rule: "by somebody's word"}
	if word == control.Unknown {
		f.Source = ""
	}
	f, err := s.room.Prove(ctx(), s.clock.Now(), s.live.Current(), f)
	must(s.t, err)
	return f
}

func TestThePathIsKeptOnlyWhenEveryTrialOfADayCameOutRight(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		if f := s.path(control.Kept); f.State != control.Unknown {
			t.Errorf("nothing was tried: %s", f.State)
		}
		s.tries(probes.Hourly, answer(probes.Path, probes.Right))
		if f := s.path(control.Kept); f.State != control.Kept || f.Source != control.Attested || !strings.Contains(f.Figure, "ways past it were not tried") {
			t.Errorf("%s %s: %s", f.State, f.Source, f.Figure)
		}
		if f := s.path(control.Unknown); f.State != control.Unknown {
			t.Errorf("without a word, what no trial sees is %s", f.State)
		}
		s.clock.Advance(time.Hour)
		s.tries(probes.Hourly, answer(probes.Categories, probes.Wrong))
		s.clock.Advance(time.Hour)
		s.tries(probes.Hourly, answer(probes.Path, probes.Right))
		if f := s.path(control.Kept); f.State != control.Broken || f.Source != control.Measured {
			t.Errorf("one trial came out wrong: %s %s", f.State, f.Source)
		}
		s.clock.Advance(23*time.Hour + time.Minute)
		if f := s.path(control.Kept); f.State != control.Kept {
			t.Errorf("a day later: %s, %s", f.State, f.Figure)
		}
		s.clock.Advance(48 * time.Hour)
		if f := s.path(control.Kept); f.State != control.Unknown {
			t.Errorf("nothing was tried for days: %s", f.State)
		}
		s.err = errors.New("it is away")
		s.tries(probes.Hourly)
		if f := s.path(control.Kept); f.State != control.Unknown {
			t.Errorf("the filter could not be asked: %s", f.State)
		}
	})
}

func TestADeviceOfAnotherSiteTellsWhatHappenedThere(t *testing.T) {
	storetest.Each(t, schemas(), func(t *testing.T, db *store.DB) {
		s := open(t, db, setting.Value{Key: "filtering.probes.direct", Text: "192.0.2.7:443, nonsense, 192.0.2.7:443 and 192.0.2.53", Raw: "x"})
		site, key, err := s.room.AddSite(ctx(), "Lower school", "pupils")
		must(t, err)
		if list, unread := s.room.Ways(); len(list) != 6 || len(unread) != 1 {
			t.Errorf("to be tried: %v, not read: %v", list, unread)
		}
		out := func(said string, list ...probes.Told) []probes.Told {
			for _, w := range []string{"port/192.0.2.7:443", "udp/192.0.2.53:53", "tcp/192.0.2.53:53", "tls/192.0.2.53:853", "https/192.0.2.53:443"} {
				list = append(list, probes.Told{w, "refused"})
			}
			return append(list, probes.Told{"quic/192.0.2.53:443", said})
		}
		s.tries(probes.Hourly, answer(probes.Path, probes.Right))
		for _, x := range []struct {
			name string
			told []probes.Told
			run  [3]int // right, wrong, not asked
			path control.State
		}{
			{"all well", out("refused", probes.Told{"here", "open"}, probes.Told{"adult", "closed"}, probes.Told{"gambling", "gone"}), [3]int{9, 0, 0}, control.Kept},
			{"names asked elsewhere are led to us", append(out("refused", probes.Told{"here", "open"}, probes.Told{"adult", "closed"}, probes.Told{"gambling", "closed"}), probes.Told{"udp/192.0.2.53:53", "ours"}), [3]int{9, 0, 0}, control.Kept},
			{"one open", out("refused", probes.Told{"here", "open"}, probes.Told{"adult", "open"}, probes.Told{"gambling", "closed"}), [3]int{8, 1, 0}, control.Broken},
			{"not behind the filter", []probes.Told{{"here", "nothing"}, {"adult", "gone"}, {"gambling", "nothing"}}, [3]int{0, 1, 8}, control.Broken},
			{"the firewall lets QUIC out", out("reached", probes.Told{"here", "open"}, probes.Told{"adult", "closed"}, probes.Told{"gambling", "closed"}), [3]int{8, 1, 0}, control.Broken},
			{"it has no program for QUIC", out("untried", probes.Told{"here", "open"}, probes.Told{"adult", "closed"}, probes.Told{"gambling", "closed"}), [3]int{8, 0, 0}, control.Kept},
			{"nonsense", []probes.Told{{"adult", "purple"}}, [3]int{0, 0, 9}, control.AtRisk},
		} {
			t.Run(x.name, func(t *testing.T) {
				s.clock.Advance(25 * time.Hour)
				s.tries(probes.Hourly, answer(probes.Path, probes.Right))
				run, err := s.room.Report(ctx(), site, x.told)
				must(t, err)
				if got := [3]int{run.Right, run.Wrong, run.Blind}; got != x.run {
					t.Errorf("%v, want %v", got, x.run)
				}
				if f := s.path(control.Kept); f.State != x.path {
					t.Errorf("the path is %s: %s", f.State, f.Figure)
				}
			})
		}
		t.Run("its word on the way out is worth as much as a person's", func(t *testing.T) {
			s.clock.Advance(25 * time.Hour)
			s.tries(probes.Hourly, answer(probes.Path, probes.Right))
			_, err := s.room.Report(ctx(), site, out("refused", probes.Told{"here", "open"}, probes.Told{"adult", "closed"}, probes.Told{"gambling", "closed"}))
			must(t, err)
			if f := s.path(control.Unknown); f.State != control.Kept || f.Source != control.Measured {
				t.Errorf("%s %s: %s", f.State, f.Source, f.Figure)
			}
		})
		t.Run("it is asked in plain lines, and its answers are signed", func(t *testing.T) { signs(t, s, site, key) })
		rep, err := s.journal.Verify(context.Background())
		if err != nil || !rep.OK {
			t.Errorf("the journal does not hold: %+v, %v", rep, err)
		}
	})
}

// signs has a device tell in every way in which it must be refused, and once as
// it must.
func signs(t *testing.T, s *school, site probes.Site, key string) {
	h := webtest.Site(t, s.room.Section())
	number := func() string {
		page := string(webtest.Get(t, h, "/probe/plan/"+site.ID, webtest.Nobody()).Is(200).Has("here http://here.probe.test/", "udp/192.0.2.53:53 udp://192.0.2.53:53").Body)
		return strings.TrimSpace(strings.TrimPrefix(strings.SplitN(page, "\n", 2)[0], "number "))
	}
	tell := func(number, key, told, sent string) int {
		m := hmac.New(sha256.New, []byte(key))
		m.Write([]byte(number + "\n" + told))
		r := httptest.NewRequest(http.MethodPost, "http://"+webtest.Host+"/probe/report/"+site.ID+"?number="+number+"&sign="+hex.EncodeToString(m.Sum(nil)), strings.NewReader(sent))
		r.Header.Set("Content-Type", "text/plain")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	const good, worse = "here open\nadult closed", "here open\nadult open"
	s.clock.Advance(time.Hour)
	first := number()
	for name, got := range map[string]int{
		"another key": tell(first, key+"x", good, good), "other words than were signed": tell(first, key, worse, good),
		"a number of its own": tell("1", key, good, good), "no key": tell(first, "", good, good),
	} {
		if got != http.StatusForbidden {
			t.Errorf("%s: %d", name, got)
		}
	}
	s.clock.Advance(2 * time.Minute)
	if got := tell(first, key, good, good); got != http.StatusOK {
		t.Errorf("as it must be: %d", got)
	}
	s.clock.Advance(2 * time.Minute)
	if got := tell(first, key, good, good); got != http.StatusUnprocessableEntity {
		t.Errorf("the same again: %d", got)
	}
	late := number()
	s.clock.Advance(time.Hour)
	if got := tell(late, key, good, good); got != http.StatusUnprocessableEntity {
		t.Errorf("an hour late: %d", got)
	}
	late = number()
	if got := [2]int{tell(late, key, good, good), tell(number(), key, good, good)}; got != [2]int{200, 422} {
		t.Errorf("twice within a minute: %v", got)
	}
	s.clock.Set(s.clock.Now().Add(-48 * time.Hour)) // the machine's clock is put right
	if got := tell(number(), key, good, good); got != http.StatusOK {
		t.Errorf("after the clock went back: %d", got)
	}
	must(t, s.room.EndSite(ctx(), site.ID, 1))
	webtest.Get(t, h, "/probe/plan/"+site.ID, webtest.Nobody()).Is(404)
	s.clock.Advance(72 * time.Hour)
}

func TestWhoeverSitsAtADeviceTriesItWithLinksAlone(t *testing.T) {
	s := open(t, storetest.SQLite(t, schemas()...))
	h := webtest.Site(t, s.room.Section())
	webtest.Get(t, h, "/probe", webtest.Nobody()).Is(200).Has("did not come through the filter", "here.probe.test", "adult", "gambling").Safe()
	s.room.Through = func(context.Context) bool { return true }
	webtest.Get(t, h, "/probe", webtest.Nobody()).Is(200).Has("came to you through the filter").Safe()
}

func TestNoTwoSitesAreCalledTheSame(t *testing.T) {
	s := open(t, storetest.SQLite(t, schemas()...))
	for _, x := range []struct {
		name, group string
		ok          bool
	}{
		{"Pavilion", "pupils", true},
		{"Pavilion", "staff", true},
		{"Pavilion", "", true},
		{" pavilion ", "pupils", false},
		{"Pavilion (pupils)", "", false},
		{"this  MACHINE", "", false},
		{"", "", false},
		{strings.Repeat("x", 61), "", false},
		{"Hall", "governors", false},
	} {
		if _, _, err := s.room.AddSite(ctx(), x.name, x.group); (err == nil) != x.ok {
			t.Errorf("%q for %q: %v", x.name, x.group, err)
		}
	}
}

func TestWhatADeviceCannotTryIsSaid(t *testing.T) {
	s := open(t, storetest.SQLite(t, schemas()...), setting.Value{Key: "filtering.probes.direct", Text: "dns.example and 192.0.2.300", Raw: "x"})
	h := webtest.Site(t, s.room.Section())
	webtest.Get(t, h, "/filter/probe-sites", webtest.As("nils", probes.MayRead)).Is(200).Has("names what no device can try: dns.example and 192.0.2.300").Safe()
}

func TestTheListSaysWhereNobodyTriesIt(t *testing.T) {
	s := open(t, storetest.SQLite(t, schemas()...))
	site, _, err := s.room.AddSite(ctx(), "Pavilion", "pupils")
	must(t, err)
	_, err = s.room.Report(ctx(), site, []probes.Told{{"here", "open"}, {"adult", "closed"}, {"gambling", "closed"}})
	must(t, err)
	s.clock.Advance(8 * 24 * time.Hour)
	s.tries(probes.Hourly, answer(probes.Path, probes.Right))
	h := webtest.Site(t, s.room.Section())
	webtest.Get(t, h, "/filter/probes", webtest.As("nils", probes.MayRead)).Is(200).Has("Nobody tries it any more at Pavilion (pupils)", "no device there has tried it for").Safe()
}

func TestASiteIsMissedAfterASchoolDayWithoutIt(t *testing.T) {
	s := open(t, storetest.SQLite(t, schemas()...))
	pupils, _, err := s.room.AddSite(ctx(), "Pavilion", "pupils")
	must(t, err)
	staff, _, err := s.room.AddSite(ctx(), "Pavilion", "staff")
	must(t, err)
	good := []probes.Told{{"here", "open"}, {"adult", "closed"}, {"gambling", "closed"}}
	report := func(x probes.Site) {
		_, err := s.room.Report(ctx(), x, good)
		must(t, err)
	}
	at := func(days, hours int) control.State {
		s.clock.Set(monday.Add(time.Duration(days*24+hours) * time.Hour))
		s.tries(probes.Hourly, answer(probes.Path, probes.Right))
		report(staff)
		list, err := s.room.Standing(ctx())
		must(t, err)
		for _, x := range list {
			if x.Site == "Pavilion (pupils)" && x.Overdue {
				return control.Unknown
			}
		}
		return control.Kept
	}
	if got := at(1, 0); got != control.Kept {
		t.Errorf("named on Monday, on Tuesday it is %s", got)
	}
	if got := at(2, 1); got != control.Unknown {
		t.Errorf("named on Monday, and no word by Wednesday: %s, although another device of the site tells", got)
	}
	if f := s.path(control.Kept); f.State == control.Kept {
		t.Errorf("the path is %s: %s", f.State, f.Figure)
	}
	s.clock.Set(monday.Add(4*24*time.Hour + 4*time.Hour)) // a Friday
	report(pupils)
	for _, x := range []struct {
		day, hour int
		want      control.State
	}{{5, 9, control.Kept}, {6, 23, control.Kept}, {7, 12, control.Kept}, {8, 1, control.Unknown}, {12, 0, control.Unknown}, {13, 0, control.Unknown}, {14, 0, control.Unknown}} {
		if got := at(x.day, x.hour); got != x.want {
			t.Errorf("last told on a Friday, %d days after the Monday before it is %s", x.day, got)
		}
	}
}

func TestOldTrialsAreRemoved(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		first := s.tries(probes.Hourly, answer(probes.Path, probes.Right), answer(probes.Categories, probes.Wrong))
		s.clock.Advance(8 * 24 * time.Hour)
		must(t, s.room.Retain(ctx()))
		if list, err := s.room.Answers(ctx(), first.ID); err != nil || len(list) != 1 || list[0].State != probes.Wrong {
			t.Errorf("after a week: %v, %v", list, err)
		}
		s.clock.Advance(400 * 24 * time.Hour)
		must(t, s.room.Retain(ctx()))
		if list, err := s.room.Since(ctx(), time.Time{}, 10); err != nil || len(list) != 0 {
			t.Errorf("after a year: %v, %v", list, err)
		}
	})
}

func TestThePagesSayWhatIsWrongAndWhatToDo(t *testing.T) {
	s := open(t, storetest.SQLite(t, schemas()...))
	run := s.tries(probes.Nightly, answer(probes.Files, probes.Right), answer(probes.Categories, probes.Wrong))
	h := webtest.Site(t, s.room.Section())
	who := webtest.As("nils", probes.MayRead, probes.MayRun, probes.MayManage)
	webtest.Get(t, h, "/filter/probes", who).Is(200).Has("1 question came out wrong", "A program cannot be downloaded", "It was so.").Safe()
	webtest.Get(t, h, "/filter/probes/"+run.ID, who).Is(200).Has("Trial of the filter", "What must be closed").Safe()
	webtest.Post(t, h, "/filter/probe-sites", map[string][]string{"site": {"Lower school"}, "group": {"staff"}}, who).Is(200).Has("Lower school (staff) is named", "try-the-filter.ps1").Safe()
	webtest.Post(t, h, "/filter/probe-sites", map[string][]string{"site": {""}, "group": {"staff"}}, who).Is(422).Has("Give the site's name")
}
