package proxy

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"belisha/internal/gate/gatetest"
	"belisha/internal/gate/porter"
	"belisha/internal/verdict"
)

// looker finds what a test says, and notes what it was asked.
type looker struct {
	mu       sync.Mutex
	request  func(*http.Request) *porter.Finding
	response func(*http.Request, *http.Response) *porter.Finding
	asked    []string
}

func (l *looker) note(s string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, s)
}

func (l *looker) Request(_ context.Context, a *porter.Answer, r *http.Request) *porter.Finding {
	l.note("request " + a.Host + " " + r.URL.String())
	if l.request == nil {
		return nil
	}
	return l.request(r)
}

func (l *looker) Response(_ context.Context, a *porter.Answer, r *http.Request, res *http.Response) *porter.Finding {
	l.note(fmt.Sprint("response ", a.Host, " ", res.StatusCode))
	if l.response == nil {
		return nil
	}
	return l.response(r, res)
}

func found(act verdict.Action, detail string) *porter.Finding {
	return &porter.Finding{Action: act, Reason: verdict.ReasonPhrases, Category: verdict.NoCategory, Detail: detail}
}

// cut fails after its first bytes.
type cut struct{ n int }

func (c *cut) Read(p []byte) (int, error) {
	if c.n++; c.n > 1 {
		return 0, porter.ErrCut
	}
	return copy(p, "first words"), nil
}

func (*cut) Close() error { return nil }

func TestWhatIsFoundInsideDecides(t *testing.T) {
	for _, scheme := range []string{"plain", "inspected"} {
		cases := []struct {
			name     string
			request  func(*http.Request) *porter.Finding
			response func(*http.Request, *http.Response) *porter.Finding
			status   int
			event    string // action, reason and detail
		}{
			{"nothing", nil, nil, 200, "1 unlisted "},
			{"in the request", func(*http.Request) *porter.Finding { return found(verdict.Block, "phrases 90 of 60") }, nil, 403, "0 phrases phrases 90 of 60"},
			{"in the answer", nil, func(*http.Request, *http.Response) *porter.Finding { return found(verdict.Block, "phrases 80 of 60") }, 403, "0 phrases phrases 80 of 60"},
			{"to be written down", nil, func(*http.Request, *http.Response) *porter.Finding { return found(verdict.Allow, "not scanned") }, 200, "1 unlisted not scanned"},
			{"to warn of", nil, func(*http.Request, *http.Response) *porter.Finding { return found(verdict.Warn, "phrases 61 of 60") }, 403, "2 phrases phrases 61 of 60"},
		}
		for _, c := range cases {
			t.Run(scheme+" "+c.name, func(t *testing.T) {
				look := &looker{request: c.request, response: c.response}
				x := newInspection(t, func(c *Config, _ table) { c.Content = look })
				x.SignIn(t, "127.0.0.1", "s1", "pupils")
				page := map[string]string{"plain": x.url("ok.test", "/page"), "inspected": x.at("ok.test", "/page")}[scheme]
				res, body := x.fetch(t, x.browser(), page)
				if res.StatusCode != c.status || c.status == 403 && strings.Contains(body, "says hello") {
					t.Errorf("%d %.200s", res.StatusCode, body)
				}
				events := x.Events(t, 1)
				if e := events[0]; len(events) != 1 || fmt.Sprintf("%d %s %s", e.Action, e.Reason, e.Detail) != c.event {
					t.Errorf("%d events: %+v", len(events), events)
				}
				if c.request != nil && len(look.asked) != 1 || !strings.HasSuffix(look.asked[0], page) {
					t.Errorf("it was asked %q", look.asked)
				}
			})
		}
	}
}

func TestAnAnswerThatIsCutDoesNotLookWhole(t *testing.T) {
	look := &looker{response: func(_ *http.Request, res *http.Response) *porter.Finding {
		res.Body, res.ContentLength = &cut{}, -1
		res.Header.Del("Content-Length")
		return nil
	}}
	x := newInspection(t, func(c *Config, _ table) { c.Content = look })
	for _, page := range []string{x.url("ok.test", "/"), x.at("ok.test", "/")} {
		res, err := x.browser().Get(page)
		if err != nil {
			continue // cut before the head had gone out
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err == nil {
			t.Errorf("%s: %q came as if it were whole", page, body)
		}
	}
}

func TestARuleThatChangesDuringTheLookHolds(t *testing.T) {
	look := &looker{}
	x := newInspection(t, func(c *Config, _ table) { c.Content = look })
	look.response = func(*http.Request, *http.Response) *porter.Finding {
		r := inspected()
		r.Own = append(r.Own, verdict.Own{ID: "new", Text: "ok.test", Act: verdict.Block})
		x.Porter.Use(gatetest.Snapshot(t, r))
		return nil
	}
	if res, body := x.fetch(t, x.browser(), x.at("ok.test", "/")); res.StatusCode != 403 {
		t.Errorf("%d %.100s", res.StatusCode, body)
	}
}

func TestHeadersOfTheRulesReplaceTheClients(t *testing.T) {
	x := newInspection(t, nil)
	r := inspected()
	r.Headers = []verdict.Header{
		{Name: "X-GoogApps-Allowed-Domains", Value: "hill.test", Hosts: []string{"ok.test"}, Groups: []string{"pupils"}},
		{Name: "X-Only-Removed", Hosts: []string{"test"}},
	}
	r.Safe = append(r.Safe, verdict.SafeService{Name: "youtube", Hosts: []string{"www.youtube.com"}, Strict: "restrict.test"})
	x.Porter.Use(gatetest.Snapshot(t, r))
	x.SignIn(t, "127.0.0.1", "s1", "pupils")
	send := func(url string) http.Header {
		req, err := http.NewRequest(http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header = http.Header{
			"X-Googapps-Allowed-Domains": {"gmail.test"}, "x-googapps_allowed_domains": {"gmail.test"},
			"X-Only-Removed": {"x"}, "Youtube-Restrict": {"Moderate"}, "youtube_restrict": {"Moderate"},
		}
		res, err := x.browser().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return x.seen.Load().Header
	}
	for _, url := range []string{x.url("ok.test", "/"), x.at("ok.test", "/")} {
		h := send(url)
		if got := h["X-Googapps-Allowed-Domains"]; len(got) != 1 || got[0] != "hill.test" || h.Get("X-Googapps_allowed_domains") != "" || h.Get("X-Only-Removed") != "" {
			t.Errorf("%s: %v", url, h)
		}
	}
	if got := send(x.at("www.youtube.com", "/watch")); len(got["Youtube-Restrict"]) != 1 || got.Get("Youtube-Restrict") != "Strict" || got.Get("Youtube_restrict") != "" {
		t.Errorf("YouTube: %v", got)
	}
}

func TestSearchesAreAskedForInTheirSafeMode(t *testing.T) {
	cases := []struct{ host, query, mode, want string }{
		{"www.google.co.uk", "q=a&safe=off&hl=en", "strict", "q=a&hl=en&safe=active&ssui=on"},
		{"www.google.com", "SAFE=off&q=a&ssui=off", "moderate", "q=a&safe=active&ssui=on"},
		{"www.bing.com", "q=a&adlt=off&%61dlt_set=off", "strict", "q=a&adlt=strict"},
		{"www4.bing.com", "adlt=off;q=a", "strict", "adlt=strict"},
		{"duckduckgo.com", "q=a&kp=-2", "moderate", "q=a&kp=-1"},
		{"duckduckgo.com", "q=a", "strict", "q=a&kp=1"},
		{"uk.search.yahoo.com", "p=a&vm=p", "strict", "p=a&vm=r"},
		{"www.qwant.com", "q=a&s=0", "strict", "q=a&s=2&safesearch=2"},
	}
	for _, c := range cases {
		e := engineOf(c.host)
		if e == nil {
			t.Errorf("%s is not known", c.host)
			continue
		}
		if got := e.safe(c.query, c.mode); got != c.want {
			t.Errorf("%s ?%s: %q", c.host, c.query, got)
		}
	}
	for host, bare := range map[string]string{
		"google.com": "www.google.com", "images.google.de": "www.google.de", "google.co.uk": "www.google.co.uk", "bing.com": "www.bing.com",
	} {
		if e := engineOf(host); e == nil || e.bare != bare {
			t.Errorf("%s leads to %+v", host, e)
		}
	}
	for _, host := range []string{"mail.google.com", "google.evil.test", "notbing.com", "bing.com.test", "example.test"} {
		if e := engineOf(host); e != nil {
			t.Errorf("%s is taken for %+v", host, e)
		}
	}
}

func TestSafeSearchInsideTLS(t *testing.T) {
	x := newInspection(t, nil)
	r := inspected()
	r.Safe = append(r.Safe, verdict.SafeService{Name: "bing", Hosts: []string{"www.bing.com"}, Strict: "restrict.test"})
	x.Porter.Use(gatetest.Snapshot(t, r))
	x.server.cfg.Lookup.(table)["www.bing.com"] = "203.0.113.1" // only its safe twin is there
	req, err := http.NewRequest(http.MethodGet, x.at("www.bing.com", "/search?q=a&adlt=off"), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Cookie", "A=b; SRCHHPGUSR=NRSLT=-1&ADLT=OFF&X=y; C=d")
	res, err := x.browser().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	res.Body.Close()
	got := x.seen.Load()
	if !strings.Contains(string(body), "www.bing.com says hello") || got.URL.RawQuery != "q=a&adlt=strict" || got.Header.Get("Cookie") != "A=b; SRCHHPGUSR=NRSLT=-1&ADLT=STRICT&X=y; C=d" {
		t.Errorf("%q %q %q", body, got.URL.RawQuery, got.Header.Get("Cookie"))
	}
	res, _ = x.fetch(t, x.browser(), x.at("bing.com", "/search?q=a"))
	if res.StatusCode != 302 || res.Header.Get("Location") != x.at("www.bing.com", "/search?q=a") {
		t.Errorf("bare: %d %s", res.StatusCode, res.Header.Get("Location"))
	}
}

func TestWhoFetchesAheadPastTheFilterIsToldNotTo(t *testing.T) {
	x := newInspection(t, nil)
	res, body := x.fetch(t, x.browser(), x.at("ok.test", advicePath))
	if res.StatusCode != 200 || !strings.Contains(body, `"disallow":true`) || res.Header.Get("Content-Type") != "application/trafficadvice+json" {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}

func TestAWindowsSignInHoldsForNobodyElse(t *testing.T) {
	x := newInspection(t, nil)
	remote := func(authorization string, c *http.Client) string {
		req, err := http.NewRequest(http.MethodGet, x.url("ok.test", "/"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if authorization != "" {
			req.Header.Set("Authorization", authorization)
		}
		res, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		return x.seen.Load().RemoteAddr
	}
	one, other := x.client(nil), x.client(nil)
	first := remote("NTLM TlRMTVNTUAAB", one)
	if again := remote("", one); again != first {
		t.Error("who signed in has another connection to the site for the next request")
	}
	if theirs := remote("", other); theirs == first {
		t.Error("somebody else asks over the connection that was signed in on")
	}
	if a, b := remote("", other), remote("", x.client(nil)); a != b {
		t.Error("connections without a sign-in are not shared")
	}
}

func TestRealEncryptedNamesAreClosed(t *testing.T) {
	for host, want := range map[string]bool{"cloudflare-ech.com": true, "ok.test": false} {
		a := porter.Answer{Question: porter.Question{Host: host}}
		if hidesName(&a) != want {
			t.Errorf("%s: %v", host, !want)
		}
	}
	a := porter.Answer{Question: porter.Question{Host: "cloudflare-ech.com"}, Verdict: verdict.Verdict{Action: verdict.Allow, Reason: verdict.ReasonOwnAllow}}
	if hidesName(&a) {
		t.Error("the school cannot open it")
	}
}

func TestPoolsAreReadAsTheyWereNamed(t *testing.T) {
	cases := []struct {
		to          site
		target, own string
		old         bool
		want        pooled
	}{
		{site{"ok.test", 443, true}, "", "", false, pooled{"ok.test", "ok.test", 443, false}},
		{site{"ok.test", 443, true}, "safe.test", "", false, pooled{"ok.test", "safe.test", 443, false}},
		{site{"ok.test", 8443, true}, "safe.test", "abc", true, pooled{"ok.test", "safe.test", 8443, true}},
		{site{"2001:db8::1", 443, true}, "", "abc", false, pooled{"2001:db8::1", "2001:db8::1", 443, true}},
		{site{"2001:db8::1", 443, true}, "", "", false, pooled{"2001:db8::1", "2001:db8::1", 443, false}},
		{site{"ok.test", 80, false}, "safe.test", "", false, pooled{"safe.test", "safe.test", 80, false}},
	}
	for _, c := range cases {
		key := c.to.pool(c.target, c.own, c.old)
		if !strings.Contains(key, ":") || strings.HasSuffix(key, "]") {
			key = fmt.Sprintf("%s:%d", key, c.to.port)
		}
		if got, err := readPool(key); err != nil || got != c.want {
			t.Errorf("%s: %+v %v", key, got, err)
		}
	}
}
