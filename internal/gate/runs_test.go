package gate

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"belisha/internal/gate/control"
	"belisha/internal/gate/gatetest"
	"belisha/internal/gate/subject"
	"belisha/internal/kit/clock"
	"belisha/internal/verdict"
)

// endless begins a download that never ends by itself, and returns what ends
// when it is cut off.
func (s *school) endless(t *testing.T, st control.State, host string) <-chan time.Time {
	t.Helper()
	c := &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: st.Proxy})}}
	res, err := c.Get(fmt.Sprintf("http://%s:%d/endless", host, portOf(s.origin)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	if res.StatusCode != 200 {
		t.Fatalf("%s: %d", host, res.StatusCode)
	}
	return ended(res.Body)
}

func ended(r io.Reader) <-chan time.Time {
	out := make(chan time.Time, 1)
	go func() {
		_, _ = io.Copy(io.Discard, r)
		out <- clock.System{}.Now()
	}()
	return out
}

// TestWhatRunsIsClosedWithinASecond has a tunnel and a download run when they
// become closed.
func TestWhatRunsIsClosedWithinASecond(t *testing.T) {
	unblocked := func(until time.Time) verdict.Rules {
		r := dayRules()
		r.Unblocks = []verdict.Unblock{{
			ID: "u1", Hosts: []string{"game.test"}, Who: verdict.Who{Groups: []string{"pupils"}, Classes: []string{"class:7B"}},
			Span: verdict.Span{From: 1, Until: until.UnixMilli()},
		}}
		return r
	}
	inClass := func(r *subject.Row) { r.Classes = []string{"class:7B"} }
	for _, c := range []struct {
		name string
		end  func(t *testing.T, s *school, c *control.Client, until time.Time) time.Time
	}{
		{"when the time of an unblock is over", func(_ *testing.T, _ *school, _ *control.Client, until time.Time) time.Time { return until }},
		{"when an unblock is taken back", func(t *testing.T, s *school, _ *control.Client, _ time.Time) time.Time {
			from := clock.System{}.Now()
			s.publish(t, dayRules())
			return from
		}},
		{"when the person signs out", func(t *testing.T, s *school, c *control.Client, _ time.Time) time.Time {
			from := clock.System{}.Now()
			signIn(t, c)
			return from
		}},
		{"when the person is held for the agreement", func(t *testing.T, s *school, c *control.Client, _ time.Time) time.Time {
			from := clock.System{}.Now()
			signIn(t, c, s.person("p", func(r *subject.Row) { inClass(r); r.Agreement = subject.AgreementHold }))
			return from
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSchool(t)
			secure := s.secureOrigin(t)
			wait := time.Minute
			if c.name == "when the time of an unblock is over" {
				wait = 3 * time.Second
			}
			until := clock.System{}.Now().Add(wait)
			s.publish(t, unblocked(until))
			st, client, _ := s.run(t)
			if _, err := connect(st, "game.test", portOf(secure)); err == nil {
				t.Error("it is open to who is in no class")
			}
			signIn(t, client, s.person("p", inClass))
			conn, err := connect(st, "game.test", portOf(secure))
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprint(conn, "GET /endless HTTP/1.1\r\nHost: game.test\r\n\r\n")
			tunnel, download := ended(conn), s.endless(t, st, "game.test")
			other := s.endless(t, st, "update.test")
			from := c.end(t, s, client, until)
			for what, end := range map[string]<-chan time.Time{"tunnel": tunnel, "download": download} {
				select {
				case at := <-end:
					late := at.Sub(from)
					t.Logf("the %s was cut off %s after", what, late)
					if late > time.Second || late < 0 {
						t.Errorf("the %s was cut off %s after", what, late)
					}
				case <-time.After(10 * time.Second):
					t.Errorf("the %s still runs", what)
				}
			}
			if got, _ := s.get(t, st, "game.test"); got != 403 {
				t.Errorf("asked again: %d", got)
			}
			select {
			case <-other:
				t.Error("what is open was cut off too")
			default:
			}
		})
	}
}

func TestAGrantIsInForceForNewRequestsWithinASecond(t *testing.T) {
	s := newSchool(t)
	s.publish(t, dayRules())
	st, c, _ := s.run(t)
	signIn(t, c, s.person("p", func(r *subject.Row) { r.Classes = []string{"class:7B"} }))
	if got, _ := s.get(t, st, "game.test"); got != 403 {
		t.Fatalf("before: %d", got)
	}
	if got := resolve(t, st, "game.test"); got != "NXDOMAIN" {
		t.Fatalf("before, by DNS: %s", got)
	}
	var worst time.Duration
	for i := range 5 {
		closed, open := dayRules(), dayRules()
		open.Unblocks = []verdict.Unblock{{
			ID: fmt.Sprint("u", i), Hosts: []string{"game.test"}, Who: verdict.Who{Classes: []string{"class:7B"}},
			Span: verdict.Span{From: 1, Until: clock.System{}.Now().Add(time.Minute).UnixMilli()},
		}}
		s.publish(t, open)
		from := clock.System{}.Now()
		until(t, "the grant", func() bool { got, _ := s.get(t, st, "game.test"); return got == 200 })
		worst = max(worst, clock.System{}.Now().Sub(from))
		answer := resolveOver(t, "udp", st.DNS, "game.test")
		if len(answer.Answer) != 1 || answer.Answer[0].Header().Ttl > 60 {
			t.Errorf("by DNS: %v", answer)
		}
		n := s.publish(t, closed)
		until(t, "the end", func() bool { now, _ := c.Status(context.Background()); return now.RulesNumber == n })
		if got, _ := s.get(t, st, "game.test"); got != 403 {
			t.Errorf("after it was taken back: %d", got)
		}
	}
	t.Logf("from the swap of the rules to the first open request, at worst of five: %s", worst)
	if worst > time.Second {
		t.Errorf("a grant took %s", worst)
	}
}

// TestAWholeYearsTunnelsCloseWithinASecond has many run when they are closed:
// none waits for the record of another.
func TestAWholeYearsTunnelsCloseWithinASecond(t *testing.T) {
	const many = 240 // a year group
	s := newSchool(t)
	secure := s.secureOrigin(t)
	s.publish(t, gatetest.Rules())
	st, c, _ := s.run(t)
	signIn(t, c, s.person("p", func(r *subject.Row) { r.Groups = []string{"staff"} }))
	var all []<-chan time.Time
	for range many {
		conn, err := connect(st, "game.test", portOf(secure))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, ended(conn))
	}
	until(t, "all of them", func() bool { now, _ := c.Status(context.Background()); return now.Tunnels >= many })
	from := clock.System{}.Now()
	signIn(t, c, s.person("p", nil))
	var worst time.Duration
	for i, end := range all {
		select {
		case at := <-end:
			worst = max(worst, at.Sub(from))
		case <-time.After(10 * time.Second):
			t.Fatalf("tunnel %d still runs", i)
		}
	}
	t.Logf("%d tunnels were closed in %s", many, worst)
	if worst > time.Second {
		t.Errorf("the last of %d tunnels was closed after %s", many, worst)
	}
}
