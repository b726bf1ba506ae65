package proxy

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"belisha/internal/gate/blockpage"
	"belisha/internal/gate/gatetest"
	"belisha/internal/gate/spool"
	"belisha/internal/gate/subject"
	"belisha/internal/verdict"
)

// table finds names in a map; a name that is not there does not exist.
type table map[string]string

func (t table) Lookup(_ context.Context, host string) ([]netip.Addr, error) {
	if a, ok := t[host]; ok {
		return []netip.Addr{netip.MustParseAddr(a)}, nil
	}
	return nil, errors.New("no such name")
}

type bench struct {
	*gatetest.World
	server *Server
	plain  *httptest.Server // origin over HTTP
	secure *httptest.Server // origin over TLS
	seen   atomic.Pointer[http.Request]
	roots  *x509.CertPool // the school's certificate
	slow   chan func()    // what happens before /slow answers
}

// newBench opens a door in front of two origins on loopback; change may alter
// its configuration.
func newBench(t testing.TB, change func(*Config, table)) *bench {
	t.Helper()
	b := &bench{World: gatetest.New(t)}
	origin := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.seen.Store(r.Clone(context.Background()))
		w.Header().Set("Alt-Svc", `h3=":443"`)
		switch r.URL.Path {
		case "/big":
			w.Write(make([]byte, 3<<20))
		case "/slow":
			(<-b.slow)()
			io.WriteString(w, "too late")
		case "/stream":
			for i := range 3 {
				fmt.Fprintf(w, "part %d\n", i)
				w.(http.Flusher).Flush()
			}
		case "/ws":
			conn, rw, _ := http.NewResponseController(w).Hijack()
			io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
			io.Copy(conn, rw)
			conn.Close()
		default:
			body, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, "origin says hello to %s%s %s", r.Host, r.URL.Path, body)
		}
	})
	b.plain, b.secure = httptest.NewServer(origin), httptest.NewTLSServer(origin)
	t.Cleanup(b.plain.Close)
	t.Cleanup(b.secure.Close)
	guard, err := NewGuard([]string{b.plain.Listener.Addr().String(), b.secure.Listener.Addr().String()}, b.Clock)
	if err != nil {
		t.Fatal(err)
	}
	pages, err := blockpage.New()
	if err != nil {
		t.Fatal(err)
	}
	names := table{
		"ok.test": "127.0.0.1", "bad.test": "127.0.0.1", "game.test": "127.0.0.1", "harm.test": "127.0.0.1",
		"help.test": "127.0.0.1", "warn.test": "127.0.0.1", "other.test": "127.0.0.1", "inside.test": "10.9.8.7",
		"safe.search.test": "127.0.0.1", "www.search.test": "203.0.113.1",
	}
	cfg := Config{Porter: b.Porter, Lookup: names, Guard: guard, Pages: pages, Secret: "s", Clock: b.Clock, Log: b.Log}
	if change != nil {
		change(&cfg, names)
	}
	if b.server, err = Listen("127.0.0.1:0", cfg); err != nil {
		t.Fatal(err)
	}
	go b.server.Serve()
	t.Cleanup(func() { b.server.Close() })
	return b
}

func port(s *httptest.Server) int { return s.Listener.Addr().(*net.TCPAddr).Port }

func (b *bench) url(host, path string) string {
	return fmt.Sprintf("http://%s:%d%s", host, port(b.plain), path)
}

// client is a browser behind the door.
func (b *bench) client(user *url.Userinfo) *http.Client {
	at := &url.URL{Scheme: "http", Host: b.server.Addr().String(), User: user}
	roots := x509.NewCertPool()
	roots.AddCert(b.secure.Certificate())
	if b.roots != nil {
		roots = b.roots
	}
	return &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		Proxy: http.ProxyURL(at), TLSClientConfig: &tls.Config{RootCAs: roots, Time: b.Clock.Now}, DisableCompression: true,
	}}
}

func (b *bench) get(t testing.TB, url string) (int, string) {
	t.Helper()
	res, err := b.client(nil).Get(url)
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	return res.StatusCode, string(body)
}

// raw sends bytes and returns what comes back within a second.
func (b *bench) raw(t testing.TB, text string) string {
	t.Helper()
	conn, err := net.Dial("tcp", b.server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(systemNow().Add(2 * time.Second))
	io.WriteString(conn, text)
	got, _ := io.ReadAll(conn)
	return string(got)
}

func TestPlainRequests(t *testing.T) {
	b := newBench(t, nil)
	b.SignIn(t, "127.0.0.1", "s1", "pupils")
	cases := []struct {
		url    string
		status int
		says   string
	}{
		{b.url("ok.test", "/page"), 200, "origin says hello to ok.test"},
		{b.url("OK.Test.", "/page"), 200, "origin says hello to ok.test"},
		{b.url("bad.test", "/"), 403, "This page is not for school."},
		{b.url("BAD.test", "/"), 403, "This page is not for school."},
		{b.url("a.b.bad.test", "/"), 403, "This page is not for school."},
		{b.url("game.test", "/"), 403, "Games are closed at school."},
		{b.url("own.test", "/"), 403, "This page is closed"},
		{b.url("help.test", "/"), 200, "origin says hello"},
		{b.url("inside.test", "/"), 403, "This page is closed"},
		{"http://10.0.0.1/", 403, "This page is closed"},
		{"http://169.254.169.254/latest", 403, "This page is closed"},
		{"http://localhost:9000/", 403, "This page is closed"},
		{"http://2130706433/", 403, "This page is closed"},
		{"http://ok.test:25/", 403, "This page is closed"},
		{b.url("nowhere.test", "/"), 502, "could not be reached"},
		{b.url("warn.test", "/"), 403, "Go on to the page"},
	}
	for _, c := range cases {
		t.Run(c.url, func(t *testing.T) {
			status, body := b.get(t, c.url)
			if status != c.status || !strings.Contains(body, c.says) {
				t.Errorf("got %d %.300s", status, body)
			}
		})
	}
}

func TestTheOriginSeesNothingThatIsNotItsBusiness(t *testing.T) {
	b := newBench(t, nil)
	req, _ := http.NewRequest("POST", b.url("ok.test", "/post?x=1"), strings.NewReader("body"))
	for k, v := range map[string]string{
		"X-Forwarded-For": "1.2.3.4", "Proxy-Authorization": "Basic eDp5", "X-Belisha-Client": "1.1.1.1",
		"Connection": "X-Secret", "X-Secret": "a", "Upgrade": "h2c", "Te": "trailers", "X-Kept": "yes",
	} {
		req.Header.Set(k, v)
	}
	res, err := b.client(nil).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	got := b.seen.Load()
	for _, name := range []string{"X-Forwarded-For", "Proxy-Authorization", "X-Belisha-Client", "X-Secret", "Upgrade", "Te"} {
		if v := got.Header.Get(name); v != "" {
			t.Errorf("the origin saw %s: %s", name, v)
		}
	}
	if got.Header.Get("X-Kept") != "yes" || got.Host != fmt.Sprintf("ok.test:%d", port(b.plain)) || got.URL.RawQuery != "x=1" {
		t.Errorf("the origin saw %v %v %v", got.Host, got.URL, got.Header)
	}
	if v := res.Header.Get("Alt-Svc"); v != "" {
		t.Errorf("the browser was sent past the gate: %s", v)
	}
}

func TestRawRequests(t *testing.T) {
	b := newBench(t, nil)
	ok, bad := fmt.Sprintf("ok.test:%d", port(b.plain)), fmt.Sprintf("bad.test:%d", port(b.plain))
	cases := []struct{ name, send, want, not string }{
		{"the absolute URL wins over Host", "GET http://" + bad + "/ HTTP/1.1\r\nHost: " + ok + "\r\nConnection: close\r\n\r\n", "HTTP/1.1 403", "origin"},
		{"and the other way round", "GET http://" + ok + "/ HTTP/1.1\r\nHost: " + bad + "\r\nConnection: close\r\n\r\n", "hello to ok.test", ""},
		{"userinfo hides nothing", "GET http://ok.test@" + bad + "/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "HTTP/1.1 403", "origin"},
		{"a path that looks like a host is never fetched", "GET //" + bad + "/ HTTP/1.1\r\nHost: " + ok + "\r\n\r\n", "HTTP/1.1 400", "origin"},
		{"percent in a host", "GET http://bad%2etest/ HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400", ""},
		{"ftp", "GET ftp://" + ok + "/ HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400", "origin"},
		{"https to the plain door", "GET https://" + ok + "/ HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400", "origin"},
		{"TRACE", "TRACE http://" + ok + "/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "HTTP/1.1 405", "origin"},
		{"smuggling", "GET http://" + ok + "/ HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET http://" + ok + "/x HTTP/1.1\r\n\r\n", "HTTP/1.1 400", "origin"},
		{"TLS on the plain port", "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03", "HTTP/1.1 400", ""},
		{"CONNECT to a mail port", "CONNECT ok.test:25 HTTP/1.1\r\nHost: ok.test\r\n\r\n", "HTTP/1.1 403", "200"},
		{"CONNECT to a blocked name", "CONNECT bad.test:443 HTTP/1.1\r\nHost: bad.test\r\n\r\n", "HTTP/1.1 403", "200 Conn"},
		{"CONNECT to an address", "CONNECT 203.0.113.5:443 HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 403", "200 Conn"},
		{"CONNECT to a metadata address", "CONNECT 169.254.169.254:443 HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 403", "200 Conn"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := b.raw(t, c.send)
			if !strings.Contains(got, c.want) || c.not != "" && strings.Contains(got, c.not) {
				t.Errorf("got %.400q", got)
			}
		})
	}
}

func TestAHostThatDiffersIsNotedOrRefused(t *testing.T) {
	b := newBench(t, nil)
	ask := func(more string) string {
		return b.raw(t, fmt.Sprintf("GET http://ok.test:%d/ HTTP/1.1\r\nHost: bad.test\r\n%sConnection: close\r\n\r\n", port(b.plain), more))
	}
	if got := ask(""); !strings.Contains(got, "hello to ok.test") {
		t.Errorf("got %.200q", got)
	}
	if got := b.seen.Load().Header.Get(noteHeader); got != "" {
		t.Errorf("the site saw %q", got)
	}
	if e := b.Events(t, 1)[0]; e.Host != "ok.test" || e.Detail != "Host said bad.test" {
		t.Errorf("event: %+v", e)
	}
	if got := b.raw(t, fmt.Sprintf("GET http://other.test:%d/ HTTP/1.1\r\nHost: help.test\r\nConnection: close\r\n\r\n", port(b.plain))); !strings.Contains(got, "hello to other.test") {
		t.Errorf("got %.200q", got)
	}
	for _, e := range b.Events(t, 2) {
		if strings.Contains(e.Detail, "help.test") {
			t.Errorf("a help service is named: %+v", e)
		}
	}
	if got := ask(noteHeader + ": x\r\n"); !strings.HasPrefix(got, "HTTP/1.1 400") {
		t.Errorf("a note of a client's own was taken: %.100q", got)
	}
	set := *b.Porter.Settings()
	set.StrictHost = true
	if err := b.Porter.Configure(&set); err != nil {
		t.Fatal(err)
	}
	if got := ask(""); !strings.HasPrefix(got, "HTTP/1.1 400") || strings.Contains(got, "hello") {
		t.Errorf("strictly: %.100q", got)
	}
	if got := b.raw(t, fmt.Sprintf("GET http://ok.test:%d/ HTTP/1.1\r\nHost: OK.test:%d\r\nConnection: close\r\n\r\n", port(b.plain), port(b.plain))); !strings.Contains(got, "hello") {
		t.Errorf("one that agrees: %.100q", got)
	}
}

func TestEachPipelinedRequestIsJudgedOnItsOwn(t *testing.T) {
	b := newBench(t, nil)
	one := func(host, close string) string {
		return fmt.Sprintf("GET http://%s:%d/ HTTP/1.1\r\nHost: x\r\n%s\r\n", host, port(b.plain), close)
	}
	got := b.raw(t, one("ok.test", "")+one("bad.test", "")+one("ok.test", "Connection: close\r\n"))
	first, second := strings.Index(got, "200 OK"), strings.Index(got, "403 Forbidden")
	if first < 0 || second < first || strings.LastIndex(got, "200 OK") < second {
		t.Errorf("got %.2000q", got)
	}
}

func TestALoopIsNoticed(t *testing.T) {
	b := newBench(t, nil)
	got := b.raw(t, fmt.Sprintf("GET http://ok.test:%d/ HTTP/1.1\r\nHost: x\r\nVia: 1.1 %s\r\nConnection: close\r\n\r\n", port(b.plain), b.server.name))
	if !strings.HasPrefix(got, "HTTP/1.1 508") {
		t.Errorf("got %.100q", got)
	}
}

func TestDeskAndDoorsAreNeverReachableEvenWherePrivateIsOpen(t *testing.T) {
	desk := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "desk") }))
	defer desk.Close()
	b := newBench(t, func(c *Config, names table) {
		names["desk.test"], names["zero.test"] = "127.0.0.1", "0.0.0.0"
		c.Guard, _ = NewGuard([]string{"127.0.0.0/8", "0.0.0.0/8"}, c.Clock)
		c.Guard.Forbid([]netip.AddrPort{netip.MustParseAddrPort(desk.Listener.Addr().String())})
	})
	for _, host := range []string{"127.0.0.1", "desk.test", "zero.test", "localhost", "127.0.0.2", "2130706433"} {
		status, body := b.get(t, fmt.Sprintf("http://%s:%d/", host, port(desk)))
		if status != 403 || strings.Contains(body, "desk</") || body == "desk" {
			t.Errorf("%s: %d %.100s", host, status, body)
		}
	}
	if status, _ := b.get(t, b.url("ok.test", "/")); status != 200 {
		t.Errorf("the opened range is closed: %d", status)
	}
}

func TestAWarningIsReadAndThenGoneOnFrom(t *testing.T) {
	b := newBench(t, nil)
	c := b.client(nil)
	res, err := c.Get(b.url("warn.test", "/page"))
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	_, rest, ok := strings.Cut(string(body), `class="first" href="`)
	link, _, _ := strings.Cut(rest, `"`)
	link = strings.ReplaceAll(link, "&amp;", "&")
	if !ok {
		t.Fatalf("no way on: %s", body)
	}
	if res, err := c.Get(strings.Replace(link, "sign=", "sign=x", 1)); err != nil || res.StatusCode != 403 {
		t.Errorf("a forged link: %v %v", res.StatusCode, err)
	}
	if res, err = c.Get(link); err != nil {
		t.Fatal(err)
	}
	body, _ = io.ReadAll(res.Body)
	if res.StatusCode != 200 || !strings.Contains(string(body), "hello to warn.test") {
		t.Errorf("got %d %s", res.StatusCode, body)
	}
	b.Clock.Advance(16 * time.Minute)
	if status, _ := b.get(t, b.url("warn.test", "/page")); status != 403 {
		t.Errorf("later it is %d", status)
	}
}

func TestEventsOfPlainRequests(t *testing.T) {
	b := newBench(t, nil)
	b.SignIn(t, "127.0.0.1", "s1", "pupils")
	b.get(t, b.url("ok.test", "/search?q=i+want+to+vanish"))
	b.get(t, b.url("ok.test", "/login?user=a&password=hunter2&api_token=abc"))
	b.get(t, b.url("help.test", "/chat?q=secret"))
	var search, login, help spool.Event
	for _, e := range b.Events(t, 3) {
		switch {
		case e.Words != "":
			search = e
		case e.Action == spool.ActionSupport:
			help = e
		case e.Host == "ok.test":
			login = e
		}
	}
	if search.Words != "i want to vanish" || search.Alert != "suicide" || search.Subject != "s1" || search.Engine != "any" {
		t.Errorf("search: %+v", search)
	}
	if strings.Contains(login.Path, "hunter2") || strings.Contains(login.Path, "abc") || !strings.Contains(login.Path, "user=a") {
		t.Errorf("login: %q", login.Path)
	}
	if help.Host+help.Path+help.Subject+help.Words+help.Device != "" || help.Address.IsValid() {
		t.Errorf("help: %+v", help)
	}
}

// keeper knows one password, and counts how often it was asked.
type keeper struct{ asked atomic.Int32 }

func (k *keeper) Verify(_ context.Context, user, password string) (subject.Row, bool, error) {
	k.asked.Add(1)
	return subject.Row{Subject: "t1", Groups: []string{"staff"}, SignedUntil: gatetest.Noon.Add(time.Hour), Ends: gatetest.Noon.Add(time.Hour)},
		user == "teacher" && password == "right", nil
}

func TestAPasswordMakesSureWhoItIs(t *testing.T) {
	k := &keeper{}
	b := newBench(t, func(c *Config, _ table) { c.Verifier = k })
	set := *b.Porter.Settings()
	set.AskBasic = true
	b.Porter.Configure(&set)
	try := func(u *url.Userinfo, url string) int {
		res, err := b.client(u).Get(url)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	game := b.url("game.test", "/")
	if got := try(nil, game); got != 407 {
		t.Errorf("without a password: %d", got)
	}
	if got := try(nil, b.url("help.test", "/")); got != 200 {
		t.Errorf("help without a password: %d", got)
	}
	if got := try(nil, b.url("update.test", "/")); got == 407 {
		t.Errorf("what devices need, asked for by a program that has no password: %d", got)
	}
	if got := try(url.UserPassword("teacher", "right"), game); got != 200 {
		t.Errorf("with the right one: %d", got)
	}
	try(url.UserPassword("teacher", "right"), game)
	if k.asked.Load() != 1 {
		t.Errorf("it was asked %d times", k.asked.Load())
	}
	var known []string
	b.server.Known(func(r *subject.Row) { known = append(known, r.Subject) })
	if !slices.Equal(known, []string{"t1"}) {
		t.Errorf("known by a password: %v", known)
	}
	for range 15 {
		if got := try(url.UserPassword("teacher", "wrong"), game); got != 407 {
			t.Errorf("with a wrong one: %d", got)
		}
	}
	if k.asked.Load() > 1+maxWrong {
		t.Errorf("guessing was let go on %d times", k.asked.Load())
	}
	if b.seen.Load().Header.Get("Proxy-Authorization") != "" {
		t.Error("the password was sent on")
	}
	if _, _, ok := parseBasic("Basic " + base64.StdEncoding.EncodeToString([]byte("a\r\nb:c"))); ok {
		t.Error("a name with a line break was taken")
	}
}

func TestStreamsWebSocketsAndBigBodiesPass(t *testing.T) {
	b := newBench(t, nil)
	if status, body := b.get(t, b.url("ok.test", "/big")); status != 200 || len(body) != 3<<20 {
		t.Errorf("big: %d, %d bytes", status, len(body))
	}
	if status, body := b.get(t, b.url("ok.test", "/stream")); status != 200 || body != "part 0\npart 1\npart 2\n" {
		t.Errorf("stream: %d %q", status, body)
	}
	conn, err := net.Dial("tcp", b.server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(systemNow().Add(5 * time.Second))
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", b.url("ok.test", "/ws"))
	r := bufio.NewReader(conn)
	res, err := http.ReadResponse(r, nil)
	if err != nil || res.StatusCode != 101 {
		t.Fatalf("upgrade: %v %v", res, err)
	}
	io.WriteString(conn, "echo me")
	got := make([]byte, 7)
	if _, err := io.ReadFull(r, got); err != nil || string(got) != "echo me" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestSafeSearchIsDialledAsItsSafeTwin(t *testing.T) {
	b := newBench(t, nil)
	if status, body := b.get(t, b.url("www.search.test", "/find")); status != 200 || !strings.Contains(body, "hello to www.search.test") {
		t.Errorf("plain: %d %s", status, body)
	}
	if _, err := b.tunnel(t, fmt.Sprintf("www.search.test:%d", port(b.secure)), "www.search.test"); err != nil {
		t.Errorf("tunnel: %v", err)
	}
}

func TestThePeoplesPagesAndWhatStandsInWhenNobodyServesThem(t *testing.T) {
	b := newBench(t, nil)
	status, body := b.get(t, "http://belisha.test/sign-in")
	if status != 503 || !strings.Contains(body, "0800 1111") {
		t.Errorf("alone: %d %.200s", status, body)
	}
	path := t.TempDir() + "/p.sock"
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go http.Serve(ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "page %s for %s", r.URL.Path, r.Header.Get("X-Belisha-Client"))
	}))
	set := *b.Porter.Settings()
	set.PeopleSocket = path
	b.Porter.Configure(&set)
	if status, body := b.get(t, "http://belisha.test/why"); status != 200 || body != "page /why for 127.0.0.1" {
		t.Errorf("got %d %q", status, body)
	}
	if got := b.raw(t, "GET /why HTTP/1.1\r\nHost: belisha.test\r\nX-Belisha-Client: 9.9.9.9\r\nConnection: close\r\n\r\n"); !strings.Contains(got, "for 127.0.0.1") {
		t.Errorf("direct: %q", got)
	}
}

func TestOneClientCannotTakeAllConnections(t *testing.T) {
	b := newBench(t, nil)
	a := netip.MustParseAddr("10.0.0.1")
	for range maxPerClient {
		if !b.server.admit(a) {
			t.Fatal("refused below the cap")
		}
	}
	if b.server.admit(a) {
		t.Error("there is no cap")
	}
	if !b.server.admit(netip.MustParseAddr("10.0.0.2")) {
		t.Error("another client is refused too")
	}
}

func TestTheSinkExplainsAndForwardsNothing(t *testing.T) {
	b := newBench(t, func(c *Config, _ table) { c.Sink = true })
	got := b.raw(t, "GET /x HTTP/1.1\r\nHost: bad.test\r\nConnection: close\r\n\r\n")
	if !strings.HasPrefix(got, "HTTP/1.1 403") || !strings.Contains(got, "This page is not for school.") {
		t.Errorf("blocked: %.300q", got)
	}
	got = b.raw(t, fmt.Sprintf("GET http://ok.test:%d/ HTTP/1.1\r\nHost: ok.test\r\nConnection: close\r\n\r\n", port(b.plain)))
	if strings.Contains(got, "origin") {
		t.Errorf("the sink forwarded: %.300q", got)
	}
}

func TestWithoutRulesOnlyHelpAndEssentialsAreOpen(t *testing.T) {
	b := newBench(t, func(_ *Config, names table) { names["update.test"] = "127.0.0.1" })
	closed, err := verdict.Closed([]string{"help.test"}, []string{"update.test"})
	if err != nil {
		t.Fatal(err)
	}
	b.Porter.Use(closed)
	for host, want := range map[string]int{"ok.test": 403, "help.test": 200, "update.test": 200, "bad.test": 403} {
		if got, _ := b.get(t, b.url(host, "/")); got != want {
			t.Errorf("%s: %d, want %d", host, got, want)
		}
	}
	p := ":" + strconv.Itoa(port(b.secure))
	if _, err := b.tunnel(t, "ok.test"+p, "ok.test"); err == nil {
		t.Error("a tunnel is open without rules")
	}
	if _, err := b.tunnel(t, "help.test"+p, "help.test"); err != nil {
		t.Errorf("help: %v", err)
	}
}

func TestBehindAnUpstreamProxy(t *testing.T) {
	far := newBench(t, nil) // stands for the provider's filter
	b := newBench(t, func(c *Config, names table) {
		c.Upstream = &url.URL{Scheme: "http", Host: far.server.Addr().String()}
		for name := range names {
			if name != "inside.test" {
				delete(names, name) // only the provider can find names
			}
		}
	})
	if status, body := b.get(t, far.url("ok.test", "/x")); status != 200 || !strings.Contains(body, "hello to ok.test") {
		t.Errorf("plain: %d %.200s", status, body)
	}
	if status, _ := b.get(t, far.url("inside.test", "/")); status != 403 {
		t.Errorf("inside: %d", status)
	}
	set := *b.Porter.Settings()
	set.ConnectPorts = []uint16{uint16(port(far.secure))}
	b.Porter.Configure(&set)
	if _, err := b.tunnel(t, fmt.Sprintf("ok.test:%d", port(far.secure)), "ok.test"); err != nil {
		t.Errorf("tunnel: %v", err)
	}
	if _, err := b.tunnel(t, fmt.Sprintf("ok.test:%d", port(far.secure)), "bad.test"); err == nil {
		t.Error("a blocked name went through")
	}
}
