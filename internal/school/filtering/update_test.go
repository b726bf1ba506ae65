package filtering_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/control"
	"belisha/internal/kit/store"
	"belisha/internal/school/filtering"
)

// publisher is a server of one list, over https, with a certificate that the
// room trusts.
type publisher struct {
	*httptest.Server
	text, etag, sums string
	dated            time.Time
	status           int
	asked            int
	sent             int
}

func publish(t *testing.T, s *school, text string) *publisher {
	t.Helper()
	p := &publisher{text: text, dated: monday.Add(-2 * day)}
	p.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/SHA256SUMS" {
			fmt.Fprint(w, p.sums)
			return
		}
		p.asked++
		if p.status != 0 {
			w.WriteHeader(p.status)
			return
		}
		if !p.dated.IsZero() {
			w.Header().Set("Last-Modified", p.dated.Format(http.TimeFormat))
		}
		if p.etag != "" {
			w.Header().Set("ETag", p.etag)
			if r.Header.Get("If-None-Match") == p.etag {
				w.WriteHeader(http.StatusNotModified)
				return
			}
		}
		p.sent++
		fmt.Fprint(w, p.text)
	}))
	t.Cleanup(p.Close)
	s.deps.Roots = x509.NewCertPool()
	s.deps.Roots.AddCert(p.Certificate())
	s.start()
	return p
}

const day = 24 * time.Hour

func (p *publisher) supply() filtering.Supply {
	return filtering.Supply{Title: "Bets", URL: p.URL + "/bets.txt", Category: "gambling", Private: true, Reason: "the county asks for it"}
}

// fetch runs the task that fetches what is due.
func (s *school) fetch() {
	s.t.Helper()
	for _, task := range s.room.Tasks() {
		if task.Name == "filter-fetch" {
			must(s.t, task.Run(context.Background()))
			return
		}
	}
	s.t.Fatal("there is no such task")
}

func (s *school) supplied() filtering.Supplied {
	s.t.Helper()
	all, err := s.room.Supplies(context.Background())
	must(s.t, err)
	if len(all) != 1 {
		s.t.Fatalf("%d lists are fetched", len(all))
	}
	return all[0]
}

func (s *school) waits() []string {
	s.t.Helper()
	items, err := s.room.Waiting(context.Background(), actor.From(s.asManager()))
	must(s.t, err)
	var out []string
	for _, i := range items {
		out = append(out, i.Title)
	}
	return out
}

func (s *school) fresh() control.Finding { s.t.Helper(); return s.finding("lists-fresh") }

func TestAListIsFetchedOnceADayAndTakenUpOnlyWhenItIsNew(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.confirmed()
		p := publish(t, s, many(1000, "bets.example"))
		p.etag = `"one"`
		s.fetch()
		if p.asked != 0 {
			t.Fatal("a server was asked although nobody had decided so")
		}
		_, err := s.room.AddSupply(s.asManager(), p.supply())
		must(t, err)
		s.fetch()
		s.wants("http://site-7.bets.example/", "pupils", "block")
		st, err := s.room.Show(context.Background(), "bets")
		must(t, err)
		if st.Path != p.URL+"/bets.txt" || !st.Dated.Equal(p.dated) {
			t.Errorf("status %+v", st)
		}
		got := s.supplied()
		if wait := got.DueAt.Sub(monday); wait < 22*time.Hour || wait > 24*time.Hour || got.Problem != "" {
			t.Errorf("asked again after %v; %+v", wait, got)
		}
		number, err := s.room.Number(context.Background())
		must(t, err)
		s.fetch()
		if p.asked != 1 {
			t.Errorf("asked %d times in a minute", p.asked)
		}
		s.clock.Advance(25 * time.Hour)
		s.fetch()
		if again, err := s.room.Number(context.Background()); err != nil || again != number || p.asked != 2 || p.sent != 1 {
			t.Errorf("rules %d, then %d; asked %d, sent %d; %v", number, again, p.asked, p.sent, err)
		}
		p.text, p.etag, p.dated = many(1100, "bets.example"), `"two"`, s.clock.Now().Add(-time.Hour)
		s.clock.Advance(25 * time.Hour)
		s.fetch()
		s.wants("http://site-1099.bets.example/", "pupils", "block")
		if left, err := os.ReadDir(filepath.Join(s.dir, "incoming")); err == nil {
			t.Errorf("files were left: %v", left)
		}
		s.holds()
	})
}

func TestWhatABadDayOfThePublisherSendsNeverReplacesTheGoodList(t *testing.T) {
	good := many(1000, "bets.example")
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := z.Write([]byte(good))
	must(t, errors.Join(err, z.Close()))
	for _, c := range []struct {
		name, text, want string
		status           int
	}{
		{"a page that asks to sign in", "<!DOCTYPE html><html><body>Sign in</body></html>", "web page", 0},
		{"an archive cut short", packed.String()[:packed.Len()/2], "cut short", 0},
		{"a picture", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x01", "binary", 0},
		{"nothing", "", "empty", 0},
		{"a list without its names", many(10, "bets.example"), "it lost more than", 0},
		{"prose", "We are moving. Please come back tomorrow, all of you.\n", "not one line", 0},
		{"an error", "", "503", 503},
		{"no list any more", "", "404", 404},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t, sqlite(t)).confirmed()
			p := publish(t, s, good)
			_, err := s.room.AddSupply(s.asManager(), p.supply())
			must(t, err)
			s.fetch()
			p.text, p.status = c.text, c.status
			for range 3 {
				s.clock.Advance(25 * time.Hour)
				s.fetch()
			}
			s.wants("http://site-999.bets.example/", "pupils", "block")
			got := s.supplied()
			if !strings.Contains(got.Problem, c.want) || got.Failures != 3 {
				t.Errorf("%+v", got.Fetched)
			}
			if w := s.waits(); len(w) != 1 || !strings.Contains(w[0], "A list of sites") {
				t.Errorf("in the tray: %q", w)
			}
			trouble, err := s.room.Trouble(context.Background())
			must(t, err)
			if len(trouble) != 1 || !strings.Contains(trouble[0], c.want) {
				t.Errorf("health: %q", trouble)
			}
			if f := s.fresh(); f.State != control.AtRisk {
				t.Errorf("lists are fresh: %v, %s", f.State, f.Figure)
			}
			// And well again by itself.
			p.text, p.status = good, 0
			s.clock.Advance(25 * time.Hour)
			s.fetch()
			if got := s.supplied(); got.Problem != "" || len(s.waits()) != 0 {
				t.Errorf("%+v, in the tray %q", got.Fetched, s.waits())
			}
			if st, err := s.room.Show(context.Background(), "bets"); err != nil || st.Problem != "" {
				t.Errorf("%+v, %v", st, err)
			}
			s.holds()
		})
	}
}

func TestOneFailureOfTheWebIsTriedAgainSoonAndTroublesNobody(t *testing.T) {
	s := open(t, sqlite(t)).confirmed()
	p := publish(t, s, many(300, "bets.example"))
	_, err := s.room.AddSupply(s.asManager(), p.supply())
	must(t, err)
	s.fetch()
	s.clock.Advance(25 * time.Hour)
	p.status = 502
	var waits []time.Duration
	for range 10 {
		s.fetch()
		got := s.supplied()
		waits = append(waits, got.DueAt.Sub(s.clock.Now()))
		if got.Failures == 2 && len(s.waits()) != 0 {
			t.Errorf("in the tray after %d failures: %q", got.Failures, s.waits())
		}
		s.clock.Set(got.DueAt)
	}
	if waits[0] > 20*time.Minute || waits[1] > 40*time.Minute || waits[9] < 18*time.Hour || waits[9] > 30*time.Hour {
		t.Errorf("tried again after %v", waits)
	}
}

func TestAListGrowsOldByItsPublishersDateHoweverOftenItIsAsked(t *testing.T) {
	s := open(t, sqlite(t)).confirmed()
	p := publish(t, s, many(300, "bets.example"))
	_, err := s.room.AddSupply(s.asManager(), p.supply())
	must(t, err)
	if f := s.fresh(); f.State == control.Kept {
		t.Error("a list that was never fetched is no fresh list")
	}
	s.fetch()
	if f := s.fresh(); f.State != control.Kept {
		t.Errorf("%v: %s", f.State, f.Figure)
	}
	for range 8 {
		s.clock.Advance(day)
		s.fetch()
	}
	s.stands("lists-fresh", control.Broken, "its publisher has nothing newer")
	if p.asked < 8 {
		t.Errorf("asked %d times", p.asked)
	}
}

func TestAListMustHaveTheChecksumThatItsPublisherGives(t *testing.T) {
	good := many(300, "bets.example")
	sum := func(text string) string { b := sha256.Sum256([]byte(text)); return hex.EncodeToString(b[:]) }
	for _, c := range []struct {
		name, sums, pin string
		taken           bool
	}{
		{"the file's line", sum("x") + "  other.txt\n" + sum(good) + " *./bets.txt\n", "", true},
		{"the other way to write it", "SHA256 (bets.txt) = " + strings.ToUpper(sum(good)) + "\n", "", true},
		{"a sum alone", sum(good) + "\n", "", true},
		{"a pinned sum", "", "sha256:" + sum(good), true},
		{"another file's sum", sum(good) + "  other.txt\n", "", false},
		{"a sum that does not fit", sum("x") + "  bets.txt\n", "", false},
		{"a pinned sum that does not fit", "", sum("x"), false},
		{"no sums at all", "<html>sign in</html>", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t, sqlite(t)).confirmed()
			p := publish(t, s, good)
			p.sums = c.sums
			x := p.supply()
			if x.Sum = c.pin; c.pin == "" {
				x.Sum = p.URL + "/SHA256SUMS"
			}
			_, err := s.room.AddSupply(s.asManager(), x)
			must(t, err)
			s.fetch()
			want := map[bool]string{true: "block", false: "allow"}[c.taken]
			s.wants("http://site-7.bets.example/", "pupils", want)
			if got := s.supplied(); (got.Problem == "") != c.taken {
				t.Errorf("%+v", got.Fetched)
			}
		})
	}
}

func TestAnAddressInsideTheSchoolIsNotAskedUnlessSomebodySaidSo(t *testing.T) {
	s := open(t, sqlite(t)).confirmed()
	p := publish(t, s, many(300, "bets.example"))
	x := p.supply()
	x.Private = false
	_, err := s.room.AddSupply(s.asManager(), x)
	must(t, err)
	s.fetch()
	if got := s.supplied(); p.asked != 0 || !strings.Contains(got.Problem, "inside the school's network") {
		t.Errorf("asked %d times: %q", p.asked, got.Problem)
	}
}

func TestOnlyAConfirmedHolderDecidesWhatIsFetchedAndItStandsInTheLog(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		p := publish(t, s, many(300, "bets.example"))
		var refused *filtering.Refused
		if _, err := s.room.AddSupply(s.asManager(), p.supply()); !errors.As(err, &refused) {
			t.Errorf("a manager whom the head has not confirmed: %v", err)
		}
		s.confirmed()
		if _, err := s.room.AddSupply(s.as(s.other), p.supply()); !errors.Is(err, store.ErrForbidden) {
			t.Errorf("somebody else: %v", err)
		}
		got, err := s.room.AddSupply(s.asManager(), p.supply())
		must(t, err)
		var bad store.Invalid
		if _, err := s.room.AddSupply(s.asManager(), p.supply()); !errors.As(err, &bad) || bad["title"] == "" {
			t.Errorf("the same again: %v", err)
		}
		have := s.supplied().Supply
		next := have
		next.URL, next.Reason = p.URL+"/moved.txt", "the publisher moved it"
		must(t, s.room.ChangeSupply(s.asManager(), got.ID, next))
		if err := s.room.ChangeSupply(s.asManager(), got.ID, next); !errors.Is(err, store.ErrStale) {
			t.Errorf("a stale form: %v", err)
		}
		if err := s.room.EndSupply(s.asManager(), got.ID, " "); !errors.As(err, &bad) {
			t.Errorf("stopped without a reason: %v", err)
		}
		must(t, s.room.EndSupply(s.asManager(), got.ID, "no longer kept"))
		s.fetch()
		if all, err := s.room.Supplies(context.Background()); err != nil || len(all) != 0 || p.asked != 0 {
			t.Errorf("%d are fetched, asked %d times, %v", len(all), p.asked, err)
		}
		_, err = s.room.AddSupply(s.asManager(), p.supply())
		must(t, err)
		s.holds()
	})
}

func TestWhatIsTypedOfAnAddressIsLookedAt(t *testing.T) {
	s := open(t, sqlite(t)).confirmed()
	for _, c := range []struct {
		field string
		edit  func(x *filtering.Supply)
	}{
		{"url", func(x *filtering.Supply) { x.URL = "http://lists.example/a.txt" }},
		{"url", func(x *filtering.Supply) { x.URL = "file:///etc/passwd" }},
		{"url", func(x *filtering.Supply) { x.URL = "https://me:secret@lists.example/a.txt" }},
		{"title", func(x *filtering.Supply) { x.Title = "starter" }},
		{"title", func(x *filtering.Supply) { x.Title = "…" }},
		{"format", func(x *filtering.Supply) { x.Format = "excel" }},
		{"sum", func(x *filtering.Supply) { x.Sum = "1234" }},
		{"reason", func(x *filtering.Supply) { x.Reason = "" }},
	} {
		x := filtering.Supply{Title: "Bets", URL: "https://lists.example/a.txt", Reason: "why"}
		c.edit(&x)
		_, err := s.room.AddSupply(s.asManager(), x)
		var bad store.Invalid
		if !errors.As(err, &bad) || bad[c.field] == "" {
			t.Errorf("%+v: %v", x, err)
		}
	}
}

func TestAnImportByAddressIsFetchedEveryDayFromThenOn(t *testing.T) {
	s := open(t, sqlite(t))
	p := publish(t, s, many(300, "bets.example"))
	o := filtering.Options{Path: p.URL + "/gambling.txt", Private: true}
	p.status = 404
	if rep, err := s.room.Import(console(), o); err == nil || rep.State != "refused" {
		t.Errorf("%+v, %v", rep, err)
	}
	if all, err := s.room.Supplies(context.Background()); err != nil || len(all) != 0 {
		t.Errorf("an address that serves nothing was kept: %+v, %v", all, err)
	}
	p.status = 0
	rep, err := s.room.Import(console(), o)
	must(t, err)
	if rep.State != "imported" || rep.Source != "gambling" || rep.Names != 300 {
		t.Errorf("%+v", rep)
	}
	s.wants("http://site-7.bets.example/", "pupils", "block")
	reps, err := s.room.Update(console())
	must(t, err)
	if len(reps) != 1 || reps[0].State != "unchanged" {
		t.Errorf("%+v", reps)
	}
	p.text, p.dated = many(400, "bets.example"), monday.Add(-time.Hour)
	s.clock.Advance(25 * time.Hour)
	s.fetch()
	s.wants("http://site-399.bets.example/", "pupils", "block")
	s.holds()
}

func TestAListThatIsOutOfUseIsNotAskedFor(t *testing.T) {
	s := open(t, sqlite(t)).confirmed()
	p := publish(t, s, many(300, "bets.example"))
	_, err := s.room.AddSupply(s.asManager(), p.supply())
	must(t, err)
	s.fetch()
	must(t, s.room.SwitchList(s.asManager(), "bets", false, "it names the wrong sites"))
	s.clock.Advance(25 * time.Hour)
	s.fetch()
	if p.asked != 1 {
		t.Errorf("asked %d times", p.asked)
	}
}

func TestPresetsAreOnlySuggestions(t *testing.T) {
	s := open(t, sqlite(t)).confirmed()
	for _, p := range filtering.Presets() {
		_, err := s.room.AddSupply(s.asManager(), filtering.Supply{Title: p.Title, URL: p.URL, Format: p.Format, Category: p.Category, Reason: "chosen"})
		if err != nil || p.Licence == "" || p.What == "" {
			t.Errorf("%s: %v", p.ID, err)
		}
	}
	if all, err := open(t, sqlite(t)).room.Supplies(context.Background()); err != nil || len(all) != 0 {
		t.Errorf("a school begins with %d lists that are fetched, %v", len(all), err)
	}
}

func TestThereIsAnEndToHowManyListsAreFetched(t *testing.T) {
	s := open(t, sqlite(t)).confirmed()
	var err error
	n := 0
	for ; n < 60 && err == nil; n++ {
		_, err = s.room.AddSupply(s.asManager(), filtering.Supply{Title: fmt.Sprintf("List %d", n), URL: "https://lists.example/a.txt", Reason: "why"})
	}
	if n != 51 || err == nil || !strings.Contains(err.Error(), "no more fit") {
		t.Errorf("after %d: %v", n, err)
	}
}
