package icap

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"belisha/internal/gate/gatetest"
	"belisha/internal/gate/porter"
	"belisha/internal/gate/spool"
	"belisha/internal/gate/subject"
	"belisha/internal/verdict"
)

func TestRequestsAreJudgedByTheAddressThatIsAskedFor(t *testing.T) {
	world, s := open(t, nil)
	world.SignIn(t, "10.0.0.9", "teacher", "staff")
	w := dial(t, s)
	for _, c := range []struct {
		name, head, client string
		open               bool
		reason             string
	}{
		{"an open page", get("http://ok.test/a"), "10.0.0.7", true, ""},
		{"an open page under a certificate of the client's", get("https://ok.test/a"), "10.0.0.7", true, ""},
		{"a closed page", get("http://bad.test/"), "10.0.0.7", false, "category"},
		{"a closed page of a site that the client has opened for us", get("https://www.bad.test/x"), "10.0.0.7", false, "category"},
		{"a name in capitals with a dot at its end", "GET http://BAD.test./ HTTP/1.1\r\nHost: BAD.test.\r\n\r\n", "10.0.0.7", false, "category"},
		{"behind a name and password", "GET http://ok.test@bad.test/ HTTP/1.1\r\nHost: bad.test\r\n\r\n", "10.0.0.7", false, "category"},
		{"a tunnel", "CONNECT ok.test:443 HTTP/1.1\r\nHost: ok.test:443\r\n\r\n", "10.0.0.7", true, ""},
		{"a tunnel to a closed site", "CONNECT bad.test:443 HTTP/1.1\r\nHost: bad.test:443\r\n\r\n", "10.0.0.7", false, "category"},
		{"a tunnel to a port for mail", "CONNECT ok.test:25 HTTP/1.1\r\nHost: ok.test:25\r\n\r\n", "10.0.0.7", false, "port"},
		{"a tunnel without a port", "CONNECT ok.test HTTP/1.1\r\nHost: ok.test\r\n\r\n", "10.0.0.7", false, "malformed"},
		{"a page on a port for mail", get("http://ok.test:25/"), "10.0.0.7", false, "port"},
		{"another scheme", "GET ftp://ok.test/ HTTP/1.1\r\nHost: ok.test\r\n\r\n", "10.0.0.7", false, "port"},
		{"a scheme that is none", "GET gopher://ok.test/ HTTP/1.1\r\nHost: ok.test\r\n\r\n", "10.0.0.7", false, "malformed"},
		{"an origin's form, which names the host beside it", "GET /a HTTP/1.1\r\nHost: bad.test\r\n\r\n", "10.0.0.7", false, "category"},
		{"an origin's form without a host", "GET /a HTTP/1.1\r\n\r\n", "10.0.0.7", false, "malformed"},
		{"two hosts", "GET http://ok.test/ HTTP/1.1\r\nHost: ok.test\r\nHost: bad.test\r\n\r\n", "10.0.0.7", false, "malformed"},
		{"a host that is not the address's", "GET http://ok.test/ HTTP/1.1\r\nHost: bad.test\r\n\r\n", "10.0.0.7", false, "malformed"},
		{"a backslash", "GET http://bad.test\\@ok.test/ HTTP/1.1\r\nHost: ok.test\r\n\r\n", "10.0.0.7", false, "malformed"},
		{"no address", "GET  HTTP/1.1\r\nHost: ok.test\r\n\r\n", "10.0.0.7", false, "malformed"},
		{"a header with a space in its name", "GET http://ok.test/ HTTP/1.1\r\nHost: ok.test\r\nX A: b\r\n\r\n", "10.0.0.7", false, "malformed"},
		{"two lengths", "GET http://ok.test/ HTTP/1.1\r\nHost: ok.test\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "10.0.0.7", false, "malformed"},
		{"an address inside", get("http://169.254.169.254/"), "10.0.0.7", false, "private"},
		{"an address in place of a name", get("http://93.184.216.34/"), "10.0.0.7", false, "address"},
		{"a help service", get("http://" + gatetest.HelpHost + "/"), "10.0.0.7", true, ""},
		{"games for who is not known", get("http://game.test/"), "10.0.0.7", false, "category"},
		{"games for staff", get("http://game.test/"), "10.0.0.9", true, ""},
		{"games for an address that is no address", get("http://game.test/"), "10.0.0.9, 10.0.0.7", false, "category"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.send(strings.Replace(reqmod(c.head, "Allow: 204\r\n"), "10.0.0.7", c.client, 1))
			r := w.reply()
			if c.open != (r.code == 204) {
				t.Fatalf("%d: %s", r.code, r.res)
			}
			if c.open {
				return
			}
			if r.code != 200 || !strings.HasPrefix(r.res, "HTTP/1.1 403 ") || !strings.Contains(r.body, "Hill School") ||
				!strings.Contains(r.res, "Content-Length: "+strconv.Itoa(len(r.body))+"\r\n") {
				t.Errorf("the page is %q, %d bytes", r.res, len(r.body))
			}
			client, _ := netip.ParseAddr(c.client)
			if b, ok := world.Porter.Latest(client); client.IsValid() && (!ok || b.Reason != c.reason || b.Door != "icap") {
				t.Errorf("written down: %+v", b)
			}
		})
	}
}

func TestAReaderOfTheHeadAloneGetsTheHeadAlone(t *testing.T) {
	_, s := open(t, nil)
	w := dial(t, s)
	w.send(reqmod("HEAD http://bad.test/ HTTP/1.1\r\nHost: bad.test\r\n\r\n", ""))
	if r := w.reply(); r.code != 200 || r.hasBody || !strings.HasPrefix(r.res, "HTTP/1.1 403") {
		t.Errorf("%+v", r)
	}
}

func TestWhatTheRulesSayOfHeadersIsDoneAndTheRestStaysAsItCame(t *testing.T) {
	world, s := open(t, nil)
	rules := gatetest.Rules()
	rules.Headers = []verdict.Header{{Name: "YouTube-Restrict", Value: "Strict", Hosts: []string{"video.test"}}}
	world.Porter.Use(gatetest.Snapshot(t, rules))
	head := "GET http://www.video.test/ HTTP/1.1\r\nhost: www.video.test\r\nx-Odd:  one \r\nyoutube-restrict: None\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\n\r\n"
	want := "GET http://www.video.test/ HTTP/1.1\r\nhost: www.video.test\r\nx-Odd:  one \r\nYoutube-Restrict: Strict\r\n\r\n"
	w := dial(t, s)
	w.send(reqmod(head, "Allow: 204\r\n"))
	if r := w.reply(); r.code != 200 || r.req != want || r.hasBody {
		t.Errorf("%d %q", r.code, r.req)
	}
	w.send(reqmod(strings.ReplaceAll(head, "www.video.test", "ok.test"), "Allow: 204\r\n"))
	if r := w.reply(); r.code != 204 {
		t.Errorf("another host: %d", r.code)
	}
	// A body that the client keeps is not sent back.
	post := strings.Replace(head, "GET", "POST", 1)
	text := strings.Replace(reqmod(post, "Allow: 206\r\nPreview: 3\r\n"), "null-body", "req-body", 1)
	w.send(text + chunk("abc") + last)
	if r := w.reply(); r.code != 206 || r.original != 0 || r.body != "" || !strings.Contains(r.req, "Youtube-Restrict: Strict") {
		t.Errorf("206: %+v", r)
	}
}

func TestASearchGoesOnInItsSafeMode(t *testing.T) {
	_, s := open(t, nil)
	w := dial(t, s)
	for head, want := range map[string]string{
		get("https://find.test/s?q=red+fox"):             "GET https://find.test/s?q=red+fox&safe=active HTTP/1.1\r\nHost: find.test\r\n",
		"GET /s?q=a HTTP/1.1\r\nHost: find.test\r\n\r\n": "GET /s?q=a&safe=active HTTP/1.1\r\nHost: find.test\r\n",
	} {
		w.send(reqmod(head, "Allow: 204\r\n"))
		if r := w.reply(); r.code != 200 || !strings.HasPrefix(r.req, want) || r.hasBody {
			t.Errorf("%d %q", r.code, r.req)
		}
	}
}

func TestAnExchangeIsWrittenDownOnce(t *testing.T) {
	world, s := open(t, nil)
	w := dial(t, s)
	ask := func(host string) {
		w.send(reqmod(get("http://"+host+"/"), "Allow: 204\r\n"))
		w.reply()
	}
	answer := func(host string) {
		w.send(respmod(get("http://"+host+"/"), pageHead, "Allow: 204\r\n") + chunk("abc") + last)
		w.reply()
	}
	ask("one.test") // and its answer
	answer("one.test")
	answer("two.test") // of a client that hands over answers alone
	ask("bad.test")    // closed, so no answer comes
	answer("game.test")
	got := map[string]uint32{}
	for _, e := range world.Events(t, 4) {
		got[e.Host+" "+strconv.Itoa(int(e.Action))] += e.Count
		if e.Door != "icap" {
			t.Errorf("%+v", e)
		}
	}
	want := map[string]uint32{"one.test 1": 1, "two.test 1": 1, "bad.test 0": 1, "game.test 0": 1}
	for k, n := range want {
		if got[k] != n {
			t.Errorf("%s is written down %d times, of %v", k, got[k], got)
		}
	}
	if n := world.Porter.Counts(); n.Allowed != 2 || n.Blocked != 2 {
		t.Errorf("%+v", n)
	}
}

func TestAnAnswerIsJudgedAgainWhateverWasSaidOfItsRequest(t *testing.T) {
	world, s := open(t, nil)
	w := dial(t, s)
	w.send(reqmod(get("http://ok.test/"), "Allow: 204\r\n"))
	if r := w.reply(); r.code != 204 {
		t.Fatal(r.code)
	}
	rules := gatetest.Rules()
	rules.Own = append(rules.Own, verdict.Own{ID: "o3", Text: "ok.test", Act: verdict.Block})
	world.Porter.Use(gatetest.Snapshot(t, rules))
	w.send(respmod(get("http://ok.test/"), pageHead, "Allow: 204\r\n") + chunk("abc") + last)
	if r := w.reply(); r.code != 200 || !strings.HasPrefix(r.res, "HTTP/1.1 403") {
		t.Errorf("%d %s", r.code, r.res)
	}
}

func TestAnAnswerWithoutItsRequestStaysOut(t *testing.T) {
	_, s := open(t, nil)
	w := dial(t, s)
	w.send("RESPMOD icap://f/respmod ICAP/1.0\r\nAllow: 204\r\nEncapsulated: res-hdr=0, res-body=" + strconv.Itoa(len(pageHead)) + "\r\n\r\n" + pageHead + chunk("abc") + last)
	if r := w.reply(); r.code != 200 || !strings.HasPrefix(r.res, "HTTP/1.1 403") {
		t.Errorf("%d %s", r.code, r.res)
	}
}

func TestWhatIsOnItsWayEndsWhenTheRulesCloseIt(t *testing.T) {
	world, s := open(t, func(c *Config) { c.Content = inside{response: outcomes["looked at as it comes"]} })
	for _, c := range []struct {
		name  string
		close func()
	}{
		{"the site is closed", func() {
			rules := gatetest.Rules()
			rules.Own = append(rules.Own, verdict.Own{ID: "o3", Text: "live.test", Act: verdict.Block})
			world.Porter.Use(gatetest.Snapshot(t, rules))
		}},
		{"the person has signed out", func() {
			rules := gatetest.Rules()
			rules.UnsignedClosed = true
			world.Porter.Use(gatetest.Snapshot(t, rules))
			if err := world.Table.Apply(subject.Push{Number: world.Table.Number() + 1, Gone: []string{"mia"}}, world.Clock.Now()); err != nil {
				t.Fatal(err)
			}
		}},
		{"the person's web is paused", func() {
			world.Porter.Use(gatetest.Snapshot(t, gatetest.Rules()))
			err := world.Table.Apply(subject.Push{Number: world.Table.Number() + 1, Rows: []subject.Row{{
				ID: "mia", Address: netip.MustParseAddr("10.0.0.7"), Subject: "mia", Certainty: spool.Sure, Groups: []string{"pupils"},
				SignedUntil: gatetest.Noon.Add(time.Hour), PausedUntil: gatetest.Noon.Add(time.Hour), Ends: gatetest.Noon.Add(time.Hour),
			}}}, world.Clock.Now())
			if err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			world.Porter.Use(gatetest.Snapshot(t, gatetest.Rules()))
			world.SignIn(t, "10.0.0.7", "mia", "pupils")
			w := dial(t, s)
			w.send(respmod(get("http://live.test/"), pageHead, "") + chunk("first"))
			tp := make([]byte, 4096)
			var got strings.Builder
			for !strings.Contains(got.String(), "first") {
				n, err := w.r.Read(tp)
				if err != nil {
					t.Fatal(err)
				}
				got.Write(tp[:n])
			}
			c.close()
			world.Clock.Advance(lookEvery)
			blocked := s.Counts().Blocked
			w.send(chunk("second"))
			rest, _ := io.ReadAll(w.r)
			if strings.Contains(string(rest), "second") || strings.Contains(string(rest), "0\r\n\r\n") {
				t.Errorf("more came: %q", rest)
			}
			until(t, func() bool { return s.Counts().Conns == 0 })
			if s.Counts().Blocked != blocked+1 {
				t.Error("it is not written down")
			}
		})
	}
}

func TestWhatIsFoundOnTheWayCutsItOff(t *testing.T) {
	_, s := open(t, func(c *Config) {
		c.Content = inside{response: func(_ *porter.Answer, _ *http.Request, res *http.Response) *porter.Finding {
			res.Body = io.NopCloser(&cutAfter{from: res.Body})
			return nil
		}}
	})
	w := dial(t, s)
	w.send(respmod(get("http://ok.test/"), pageHead, "") + chunk(strings.Repeat("x", 100_000)) + chunk("BAD") + last)
	if r, err := w.tryReply(); err == nil || len(r.body) != 100_000 || strings.Contains(r.body, "BAD") {
		t.Errorf("%v, %d bytes", err, len(r.body))
	}
	w = dial(t, s) // before anything went out there is time for a page
	w.send(respmod(get("http://ok.test/"), pageHead, "") + chunk("BAD") + last)
	if r := w.reply(); r.code != 200 || !strings.HasPrefix(r.res, "HTTP/1.1 403") {
		t.Errorf("%d %s", r.code, r.res)
	}
	w = dial(t, s) // nor may it be taken for clean where all of it has come
	w.send(respmod(get("http://ok.test/"), pageHead, "Preview: 10\r\nAllow: 204\r\n") + chunk("BAD") + "0; ieof\r\n\r\n")
	if r := w.reply(); r.code != 200 || !strings.HasPrefix(r.res, "HTTP/1.1 403") {
		t.Errorf("in the preview: %d %s", r.code, r.res)
	}
}

// cutAfter finds something in a piece that begins with B.
type cutAfter struct{ from io.Reader }

func (c *cutAfter) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	if i := strings.IndexByte(string(p[:n]), 'B'); i >= 0 {
		return i, porter.ErrCut
	}
	return n, err
}

func TestAFaultInsideIsAPageAndNotALetThrough(t *testing.T) {
	_, s := open(t, func(c *Config) {
		c.Content = inside{response: func(*porter.Answer, *http.Request, *http.Response) *porter.Finding { panic("a fault") }}
	})
	w := dial(t, s)
	w.send(respmod(get("http://ok.test/"), pageHead, "Allow: 204\r\n") + chunk("abc") + last)
	if r := w.reply(); r.code != 200 || !strings.HasPrefix(r.res, "HTTP/1.1 403") {
		t.Errorf("%d %s", r.code, r.res)
	}
	if s.Counts().Faults != 1 {
		t.Error("it is not counted")
	}
}

// register knows people by name.
type register map[string]string // name to group

func (r register) ByName(_ context.Context, name string, _ netip.Addr) (*subject.Row, bool) {
	group, ok := r[name]
	if !ok {
		return nil, false
	}
	return &subject.Row{
		ID: name, Subject: name, Certainty: spool.Sure, Groups: []string{group},
		SignedUntil: gatetest.Noon.Add(time.Hour), Ends: gatetest.Noon.Add(time.Hour),
	}, true
}

func TestNamesCountOnlyWhereTheyLeadToSomebody(t *testing.T) {
	asked := ""
	_, s := open(t, func(c *Config) {
		c.Namer = register{"mr.hill": "staff", "mia": "pupils"}
		c.Front = &desk{password: func(header string) *subject.Row {
			asked = header
			if header == "Basic "+base64.StdEncoding.EncodeToString([]byte("mr.hill:right")) {
				row, _ := register{"mr.hill": "staff"}.ByName(context.Background(), "mr.hill", netip.Addr{})
				return row
			}
			return nil
		}}
	})
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	for _, c := range []struct {
		name, headers string
		open          bool
	}{
		{"a name of staff", "X-Client-Username: mr.hill\r\n", true},
		{"as other proxies send it", "X-Authenticated-User: " + b64(`WinNT://HILL/mr.hill`) + "\r\n", true},
		{"a name that nobody has", "X-Client-Username: head\r\n", false},
		{"a pupil's", "X-Client-Username: mia\r\n", false},
		{"two people", "X-Client-Username: mr.hill\r\nX-Authenticated-User: mia\r\n", false},
		{"a name twice", "X-Client-Username: mr.hill\r\nX-Authenticated-User: HILL\\mr.hill\r\n", true},
		{"a right password", "Proxy-Authorization: Basic " + b64("mr.hill:right") + "\r\n", true},
		{"a wrong one", "Proxy-Authorization: Basic " + b64("mr.hill:wrong") + "\r\n", false},
	} {
		w := dial(t, s)
		w.send(reqmod(get("http://game.test/"), c.headers+"Allow: 204\r\n"))
		if r := w.reply(); c.open != (r.code == 204) {
			t.Errorf("%s: %d", c.name, r.code)
		}
	}
	if asked == "" {
		t.Error("no password was asked about")
	}
	// What the browser itself says, in the request within, is nobody's word.
	w := dial(t, s)
	head := "GET http://game.test/ HTTP/1.1\r\nHost: game.test\r\nX-Client-Username: mr.hill\r\nX-Authenticated-User: mr.hill\r\n\r\n"
	w.send(reqmod(head, "Allow: 204\r\n"))
	if r := w.reply(); r.code != 200 {
		t.Errorf("a name within the request counts: %d", r.code)
	}
}

func TestThePeoplesPagesAreServedToTheClientBehindTheProxy(t *testing.T) {
	_, s := open(t, func(c *Config) {
		c.Front = &desk{own: func(w http.ResponseWriter, r *http.Request, client netip.Addr) {
			form, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			w.Header().Set("Set-Cookie", "a=b")
			w.WriteHeader(http.StatusSeeOther)
			_, _ = io.WriteString(w, client.String()+" "+r.Method+" "+r.Host+" "+r.URL.Path+" "+string(form))
		}}
	})
	w := dial(t, s)
	head := "POST http://" + gatetest.OwnHost + "/sign-in HTTP/1.1\r\nHost: " + gatetest.OwnHost + "\r\nContent-Length: 7\r\n\r\n"
	w.send(strings.Replace(reqmod(head, "Preview: 2\r\n"), "null-body", "req-body", 1) + chunk("a=") + last)
	if r := w.reply(); r.code != 100 {
		t.Fatal(r.code)
	}
	w.send(chunk("hello") + last)
	r := w.reply()
	if r.code != 200 || !strings.HasPrefix(r.res, "HTTP/1.1 303 ") || !strings.Contains(r.res, "Set-Cookie: a=b\r\n") ||
		r.body != "10.0.0.7 POST "+gatetest.OwnHost+" /sign-in a=hello" {
		t.Errorf("%+v", r)
	}
}

func TestStrangersAreNotAnswered(t *testing.T) {
	_, s := open(t, func(c *Config) { c.Peers = []netip.Prefix{netip.MustParsePrefix("10.1.0.0/24")} })
	for address, want := range map[string]bool{"127.0.0.1": true, "::1": true, "10.1.0.9": true, "10.2.0.9": false, "": false} {
		a, _ := netip.ParseAddr(address)
		if got := s.mayAsk(a); got != want {
			t.Errorf("%q: %v", address, got)
		}
	}
	x := exchange{c: &conn{stranger: true}, s: s, m: &message{method: methodOptions, service: "/reqmod"}}
	if err := x.run(); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("a stranger gets %v", err)
	}
}
