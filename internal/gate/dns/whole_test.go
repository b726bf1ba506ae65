package dns

import (
	"encoding/hex"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	mdns "github.com/miekg/dns"

	"belisha/internal/gate/gatetest"
	"belisha/internal/gate/spool"
	"belisha/internal/kit/clock"
	"belisha/internal/verdict"
	"belisha/internal/verdict/segment"
)

// scripted is an upstream resolver that answers as f says; nil is silence.
func scripted(t testing.TB, f func(r *mdns.Msg) *mdns.Msg) string {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &mdns.Server{PacketConn: pc, Handler: mdns.HandlerFunc(func(w mdns.ResponseWriter, r *mdns.Msg) {
		if m := f(r); m != nil {
			w.WriteMsg(m)
		}
	})}
	go s.ActivateAndServe()
	t.Cleanup(func() { s.Shutdown() })
	return pc.LocalAddr().String()
}

// reply makes an answer of zone lines for the sections.
func reply(t testing.TB, r *mdns.Msg, answer, ns []string) *mdns.Msg {
	t.Helper()
	m := new(mdns.Msg)
	m.SetReply(r)
	for _, l := range answer {
		m.Answer = append(m.Answer, record(t, l))
	}
	for _, l := range ns {
		m.Ns = append(m.Ns, record(t, l))
	}
	return m
}

func record(t testing.TB, line string) mdns.RR {
	t.Helper()
	rr, err := mdns.NewRR(line)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return rr
}

// exchange asks with whatever the message says.
func exchange(t testing.TB, s *Server, m *mdns.Msg) *mdns.Msg {
	t.Helper()
	c := &mdns.Client{Timeout: 8 * time.Second, UDPSize: 4096}
	got, _, err := c.Exchange(m, s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func question(name string, kind uint16) *mdns.Msg {
	m := new(mdns.Msg)
	m.SetQuestion(mdns.Fqdn(name), kind)
	return m
}

const sig = " RRSIG A 8 2 60 20300101000000 20200101000000 1 signer.test. AAAA"

func TestEveryNameBehindANameIsJudgedAndStrangersRecordsAreDropped(t *testing.T) {
	w := gatetest.New(t)
	answers := map[string][]string{
		"d.tree.test.":    {"tree.test. 60 DNAME bad.test.", "d.tree.test. 60 CNAME d.bad.test.", "d.bad.test. 60 A 203.0.113.6"},
		"lazy.tree.test.": {"tree.test. 60 DNAME bad.test."},
		"deep.test.":      {"deep.test. 60 CNAME a.test.", "a.test. 60 CNAME b.test.", "b.test. 60 CNAME bad.test.", "bad.test. 60 A 203.0.113.6"},
		"loop.test.":      {"loop.test. 60 CNAME loop2.test.", "loop2.test. 60 CNAME loop.test."},
		"odd.test.":       {`odd.test. 60 CNAME \001x.bad.test.`, `\001x.bad.test. 60 A 203.0.113.6`},
		"upper.test.":     {"UPPER.test. 60 CNAME BAD.Test.", "bad.TEST. 60 A 203.0.113.6"},
		"extra.test.":     {"extra.test. 60 A 203.0.113.7", "bank.test. 60 A 203.0.113.66", "extra.test. 60 TXT \"x\""},
		"only.test.":      {"bank.test. 60 A 203.0.113.66"},
		"svc.test.":       {"svc.test. 60 HTTPS 0 bad.test."},
		"svc2.test.":      {"svc2.test. 60 HTTPS 1 cdn.bad-cdn.test. alpn=h2"},
		"fine.test.":      {"fine.test. 60 HTTPS 1 ok.test. alpn=h2"},
	}
	s := door(t, w, scripted(t, func(r *mdns.Msg) *mdns.Msg {
		return reply(t, r, answers[strings.ToLower(r.Question[0].Name)], nil)
	}))
	for _, c := range []struct {
		host string
		kind uint16
		want string
	}{
		{"d.tree.test", mdns.TypeA, "NXDOMAIN"},
		{"lazy.tree.test", mdns.TypeA, "NXDOMAIN"},
		{"deep.test", mdns.TypeA, "NXDOMAIN"},
		{"odd.test", mdns.TypeA, "NXDOMAIN"},
		{"upper.test", mdns.TypeA, "NXDOMAIN"},
		{"loop.test", mdns.TypeA, "NOERROR | CNAME loop2.test. | CNAME loop.test."},
		{"extra.test", mdns.TypeA, "NOERROR | A 203.0.113.7"},
		{"only.test", mdns.TypeA, "NOERROR"},
		{"svc.test", mdns.TypeHTTPS, "NOERROR"},
		{"svc2.test", mdns.TypeHTTPS, "NOERROR"},
		{"fine.test", mdns.TypeHTTPS, `NOERROR | HTTPS 1 ok.test. alpn="h2"`},
	} {
		if got := say(ask(t, s, "udp", c.host, c.kind)); got != c.want {
			t.Errorf("%s: %s, want %s", c.host, got, c.want)
		}
	}
}

func TestPrivateAddressesOfPublicNamesDoNotComeOut(t *testing.T) {
	w := gatetest.New(t)
	var now atomic.Pointer[[]string]
	s := door(t, w, scripted(t, func(r *mdns.Msg) *mdns.Msg { return reply(t, r, *now.Load(), nil) }))
	n := 0
	try := func(kind uint16, lines ...string) *mdns.Msg {
		n++
		name := "r" + hex.EncodeToString([]byte{byte(n)}) + ".test"
		for i, l := range lines {
			lines[i] = name + ". 60 IN " + l
		}
		now.Store(&lines)
		return ask(t, s, "udp", name, kind)
	}
	for _, a := range strings.Fields(`10.0.0.1 127.0.0.1 127.255.0.9 169.254.169.254 172.16.0.1 172.31.255.255 192.168.1.1 0.0.0.0 0.1.2.3
		100.64.0.1 100.127.255.255 192.0.0.8 198.18.0.1 198.19.255.255 224.0.0.1 240.0.0.1 255.255.255.255`) {
		if got := say(try(mdns.TypeA, "A "+a)); got != "NOERROR" {
			t.Errorf("A %s: %s", a, got)
		}
		if got := say(try(mdns.TypeHTTPS, "HTTPS 1 . alpn=h2 ipv4hint=203.0.113.9,"+a)); got != `NOERROR | HTTPS 1 . alpn="h2" ipv4hint="203.0.113.9"` {
			t.Errorf("hint %s: %s", a, got)
		}
	}
	for _, a := range strings.Fields(`:: ::1 ::ffff:10.0.0.1 ::10.0.0.1 64:ff9b::a00:1 64:ff9b::7f00:1 64:ff9b:1::1 2002:a00:1:: 2001::1 fc00::1 fd12::1 fe80::1 fec0::1 ff02::1 100::1`) {
		if got := say(try(mdns.TypeAAAA, "AAAA "+a)); got != "NOERROR" {
			t.Errorf("AAAA %s: %s", a, got)
		}
		if strings.HasPrefix(a, "::ffff:") {
			continue // the library does not write it as a hint
		}
		if got := say(try(mdns.TypeHTTPS, "HTTPS 1 . alpn=h2 ipv6hint="+a)); got != `NOERROR | HTTPS 1 . alpn="h2"` {
			t.Errorf("hint %s: %s", a, got)
		}
	}
	for _, a := range []string{"A 203.0.113.9", "AAAA 2606:4700::1111", "AAAA 64:ff9b::808:808"} {
		kind := mdns.TypeA
		if strings.HasPrefix(a, "AAAA") {
			kind = mdns.TypeAAAA
		}
		if got := say(try(kind, a)); got != "NOERROR | "+a {
			t.Errorf("%s: %s", a, got)
		}
	}
}

func TestANameThatTurnsPrivateDoesNotComeOut(t *testing.T) {
	w := gatetest.New(t)
	var turned atomic.Bool
	s := door(t, w, scripted(t, func(r *mdns.Msg) *mdns.Msg {
		if turned.Load() {
			return reply(t, r, []string{"turn.test. 0 A 192.168.0.1"}, nil)
		}
		return reply(t, r, []string{"turn.test. 0 A 203.0.113.5"}, nil)
	}))
	if got := say(ask(t, s, "udp", "turn.test", mdns.TypeA)); got != "NOERROR | A 203.0.113.5" {
		t.Fatal(got)
	}
	turned.Store(true)
	if got := say(ask(t, s, "udp", "turn.test", mdns.TypeA)); got != "NOERROR" {
		t.Error(got)
	}
}

func TestAnAddressThatIsListedClosesTheName(t *testing.T) {
	w := gatetest.New(t)
	s := door(t, w, gatetest.Upstream(t, "host.test. 60 A 203.0.113.77", "ok.test. 60 A 203.0.113.5", `hint.test. 60 HTTPS 1 . ipv4hint=203.0.113.78`))
	if got := say(ask(t, s, "udp", "host.test", mdns.TypeA)); got != "NOERROR | A 203.0.113.77" {
		t.Errorf("before it was listed: %s", got)
	}
	r := gatetest.Rules()
	r.Own = append(r.Own, verdict.Own{ID: "net", Text: "203.0.113.64/26", Act: verdict.Block})
	w.Porter.Use(gatetest.Snapshot(t, r))
	for host, want := range map[string]string{"host.test": "NXDOMAIN", "ok.test": "NOERROR | A 203.0.113.5"} {
		ask(t, s, "udp", host, mdns.TypeA)
		if got := say(ask(t, s, "udp", host, mdns.TypeA)); got != want {
			t.Errorf("%s: %s, want %s", host, got, want)
		}
	}
	if got := say(ask(t, s, "udp", "hint.test", mdns.TypeHTTPS)); got != "NOERROR" {
		t.Errorf("a hint: %s", got)
	}
	for _, e := range w.Events(t, 4) {
		if e.Action == spool.ActionBlock && (e.Rule != "net" || e.Host == "203.0.113.77") {
			t.Errorf("%+v", e)
		}
	}
}

func TestSignedAnswersPassWholeOrNotAtAll(t *testing.T) {
	w := gatetest.New(t)
	s := door(t, w, scripted(t, func(r *mdns.Msg) *mdns.Msg {
		name := strings.ToLower(r.Question[0].Name)
		var m *mdns.Msg
		switch name {
		case "signed.test.":
			m = reply(t, r, []string{name + " 60 A 203.0.113.5", name + sig}, nil)
		case "half.test.":
			m = reply(t, r, []string{name + " 60 A 10.0.0.1", name + " 60 A 203.0.113.5", name + sig}, nil)
		case "none.test.":
			m = reply(t, r, nil, []string{
				"test. 60 SOA a. b. 1 2 3 4 60", "test. 60 RRSIG SOA 8 1 60 20300101000000 20200101000000 1 test. AAAA",
				"none.test. 60 NSEC o.test. TXT RRSIG NSEC",
			})
		default:
			m = reply(t, r, []string{name + " 60 A 203.0.113.51"}, nil)
		}
		m.AuthenticatedData = true
		if !r.IsEdns0().Do() {
			m.Answer = withoutProofs(m.Answer)
		}
		return m
	}))
	for _, c := range []struct {
		name, host         string
		do, ad, wantAD     bool
		answers, authority int
	}{
		{"who checks gets the proof", "signed.test", true, false, true, 2, 0},
		{"who understands AD gets it", "signed.test", false, true, true, 1, 0},
		{"who does not, does not", "signed.test", false, false, false, 1, 0},
		{"what was changed has none", "half.test", true, false, false, 1, 0},
		{"nothing is proved too", "none.test", true, false, true, 0, 3},
		{"who does not check gets the bare nothing", "none.test", false, false, false, 0, 1},
		{"a safe name is never proved", "www.search.test", true, true, false, 2, 0},
		{"nor is a block", "bad.test", true, true, false, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			for range 2 { // the second time from what is remembered
				m := question(c.host, mdns.TypeA)
				m.SetEdns0(1232, c.do)
				m.AuthenticatedData = c.ad
				got := exchange(t, s, m)
				if got.AuthenticatedData != c.wantAD || len(got.Answer) != c.answers || len(got.Ns) != c.authority {
					t.Errorf("%v", got)
				}
				if got.IsEdns0().Do() != c.do {
					t.Error("DO did not come back")
				}
			}
		})
	}
}

func TestCheckingDisabledIsAskedForByItself(t *testing.T) {
	w := gatetest.New(t)
	s := door(t, w, scripted(t, func(r *mdns.Msg) *mdns.Msg {
		if !r.CheckingDisabled {
			m := new(mdns.Msg)
			return m.SetRcode(r, mdns.RcodeServerFailure)
		}
		return reply(t, r, []string{"bogus.test. 60 A 203.0.113.5"}, nil)
	}))
	m := question("bogus.test", mdns.TypeA)
	m.SetEdns0(1232, false)
	got := exchange(t, s, m)
	if got.Rcode != mdns.RcodeServerFailure || code(got) != 22 {
		t.Errorf("%v", got)
	}
	m.CheckingDisabled = true
	if got := exchange(t, s, m); say(got) != "NOERROR | A 203.0.113.5" || !got.CheckingDisabled {
		t.Errorf("%v", got)
	}
}

func code(m *mdns.Msg) int {
	for _, o := range m.IsEdns0().Option {
		if e, ok := o.(*mdns.EDNS0_EDE); ok {
			return int(e.InfoCode)
		}
	}
	return -1
}

func TestABlockSaysWhichKindAndForHowLong(t *testing.T) {
	w := gatetest.New(t)
	s := door(t, w)
	r := gatetest.Rules()
	r.Locked.Hosts = append(r.Locked.Hosts, "locked.test")
	w.Porter.Use(gatetest.Snapshot(t, r))
	try := func(what, host string, kind uint16, want int, ttl uint32) {
		t.Helper()
		got := ask(t, s, "udp", host, kind)
		soa, ok := got.Ns[0].(*mdns.SOA)
		if code(got) != want || !ok || soa.Hdr.Ttl != ttl || soa.Minttl != ttl {
			t.Errorf("%s: %v", what, got)
		}
		for _, private := range []string{"adult", "self", "pupil", "l1", "127.0.0.1"} {
			if strings.Contains(got.IsEdns0().String(), private) {
				t.Errorf("%s says too much: %v", what, got.IsEdns0())
			}
		}
	}
	try("a category", "bad.test", mdns.TypeA, 15, 30)
	try("a theme nobody speaks of", "harm.test", mdns.TypeAAAA, 15, 30)
	try("another type", "harm.test", mdns.TypeTXT, 15, 30)
	try("what is locked", "locked.test", mdns.TypeA, 16, 30)
	r.UnsignedClosed = true
	w.Porter.Use(gatetest.Snapshot(t, r))
	try("who must sign in", "ok.test", mdns.TypeA, 18, 5)
}

func TestCookies(t *testing.T) {
	w := gatetest.New(t)
	s := door(t, w)
	send := func(cookie string) *mdns.Msg {
		m := question("bad.test", mdns.TypeA)
		m.SetEdns0(1232, false)
		m.IsEdns0().Option = []mdns.EDNS0{&mdns.EDNS0_COOKIE{Code: mdns.EDNS0COOKIE, Cookie: cookie}}
		return exchange(t, s, m)
	}
	cookie := func(m *mdns.Msg) string {
		for _, o := range m.IsEdns0().Option {
			if c, ok := o.(*mdns.EDNS0_COOKIE); ok {
				return c.Cookie
			}
		}
		return ""
	}
	first := cookie(send("0102030405060708"))
	if len(first) != 48 || !strings.HasPrefix(first, "0102030405060708") {
		t.Fatalf("cookie %q", first)
	}
	raw, err := hex.DecodeString(first)
	if err != nil {
		t.Fatal(err)
	}
	here := netip.MustParseAddr("127.0.0.1")
	for _, c := range []struct {
		name   string
		cookie []byte
		from   netip.Addr
		after  time.Duration
		want   bool
	}{
		{"ours", raw, here, 0, true},
		{"ours, half an hour later", raw, here, 30 * time.Minute, true},
		{"ours, too late", raw, here, 2 * time.Hour, false},
		{"from another address", raw, netip.MustParseAddr("127.0.0.2"), 0, false},
		{"the client's alone", raw[:8], here, 0, false},
		{"a made-up one", append(append([]byte(nil), raw[:16]...), 1, 2, 3, 4, 5, 6, 7, 8), here, 0, false},
	} {
		if got := s.cookies.see(&query{cookie: c.cookie}, c.from, w.Clock.Now().Add(c.after)); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	for _, bad := range []string{"0102", "010203040506070809", strings.Repeat("01", 41)} {
		if got := send(bad); got.Rcode != mdns.RcodeFormatError {
			t.Errorf("a cookie of %d bytes: %v", len(bad)/2, got)
		}
	}
}

func TestAnOlderAnswerServesForAnHourWhileUpstreamIsAway(t *testing.T) {
	w := gatetest.New(t)
	var away atomic.Bool
	var asked atomic.Int32
	s := door(t, w, scripted(t, func(r *mdns.Msg) *mdns.Msg {
		asked.Add(1)
		if away.Load() {
			return new(mdns.Msg).SetRcode(r, mdns.RcodeServerFailure)
		}
		return reply(t, r, []string{"ok.test. 60 A 203.0.113.5"}, nil)
	}))
	try := func(what string, after time.Duration, want string, ede int) {
		t.Helper()
		w.Clock.Set(gatetest.Noon.Add(after))
		got := ask(t, s, "udp", "ok.test", mdns.TypeA)
		if say(got) != want || code(got) != ede {
			t.Errorf("%s: %v", what, got)
		}
		if ede == 3 && got.Answer[0].Header().Ttl > 30 {
			t.Errorf("%s: held for %d s", what, got.Answer[0].Header().Ttl)
		}
	}
	const fine = "NOERROR | A 203.0.113.5"
	try("at first", 0, fine, -1)
	away.Store(true)
	try("while it holds", 30*time.Second, fine, -1)
	try("when it is over and upstream is away", 2*time.Minute, fine, 3)
	n := asked.Load()
	try("and again, without asking", 2*time.Minute+time.Second, fine, 3)
	if asked.Load() != n {
		t.Error("upstream was asked again at once")
	}
	try("an hour later", 62*time.Minute, "SERVFAIL", 22)
	n = asked.Load()
	try("and again, without asking", 62*time.Minute+time.Second, "SERVFAIL", 22)
	if asked.Load() != n {
		t.Error("a failing upstream was asked again at once")
	}
	away.Store(false)
	try("when it is back", 63*time.Minute, fine, -1)
}

func TestNothingIsHeldAsLongAsItsZoneSaysAndAMinuteAtMost(t *testing.T) {
	w := gatetest.New(t)
	var asked atomic.Int32
	s := door(t, w, scripted(t, func(r *mdns.Msg) *mdns.Msg {
		asked.Add(1)
		least := "3600"
		if strings.HasPrefix(strings.ToLower(r.Question[0].Name), "short.") {
			least = "5"
		}
		m := reply(t, r, nil, []string{"test. 3600 SOA a. b. 1 2 3 4 " + least})
		m.Rcode = mdns.RcodeNameError
		return m
	}))
	for _, c := range []struct {
		host string
		at   time.Duration
		more int32
	}{
		{"long.test", 0, 1},
		{"long.test", 59 * time.Second, 0},
		{"long.test", 61 * time.Second, 1},
		{"short.test", 62 * time.Second, 1},
		{"short.test", 66 * time.Second, 0},
		{"short.test", 68 * time.Second, 1},
	} {
		w.Clock.Set(gatetest.Noon.Add(c.at))
		n := asked.Load()
		if got := ask(t, s, "udp", c.host, mdns.TypeA); got.Rcode != mdns.RcodeNameError || asked.Load()-n != c.more {
			t.Errorf("%s after %s: %d questions, %v", c.host, c.at, asked.Load()-n, got)
		}
	}
}

func TestDataInNamesIsNoticedAndClosed(t *testing.T) {
	w := gatetest.New(t)
	s := door(t, w, scripted(t, func(r *mdns.Msg) *mdns.Msg {
		return reply(t, r, []string{r.Question[0].Name + ` 0 TXT "downstream"`}, nil)
	}))
	closed := 0
	for i := range 60 {
		label := hex.EncodeToString([]byte(strings.Repeat(string(rune('a'+i%26)), 15) + string(rune('0'+i/26)) + "tunnel~~~~~~~~"))
		if got := ask(t, s, "udp", label+".t.example", mdns.TypeTXT); len(got.Answer) == 0 {
			closed++
		}
	}
	if closed < 10 || closed > 55 {
		t.Errorf("%d of 60 were closed", closed)
	}
	if got := say(ask(t, s, "udp", "www.other.example", mdns.TypeTXT)); !strings.HasPrefix(got, "NOERROR | TXT") {
		t.Errorf("another parent: %s", got)
	}
	list := w.Porter.Bypasses()
	if len(list) != 1 || list[0].Tunnel != uint64(closed) {
		t.Errorf("%+v", list)
	}
	set := *w.Porter.Settings()
	set.TunnelsOpen = true
	if err := w.Porter.Configure(&set); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, s, "udp", "x.t.example", mdns.TypeTXT); len(got.Answer) == 0 {
		t.Error("closed although the school only counts")
	}
}

func TestWhoGoesRoundTheFilterByNameIsCounted(t *testing.T) {
	w := gatetest.New(t)
	s := door(t, w)
	r := gatetest.Rules()
	r.Categories = append(r.Categories, verdict.Category{Slug: foreign, Title: "Foreign DNS"})
	r.Lines = append(r.Lines, verdict.Line{ID: "f", Categories: []string{foreign}, Act: verdict.Block})
	r.Own = append(r.Own, verdict.Own{ID: "x", Text: "unrelated.test", Act: verdict.Block})
	w.Porter.Use(snapshotWith(t, r, "dns.google", foreign))
	for _, name := range []string{"use-application-dns.net", "mask.icloud.com", "mask-h2.icloud.com", "dns.google", "dns.google", "bad.test"} {
		ask(t, s, "udp", name, mdns.TypeA)
	}
	list := w.Porter.Bypasses()
	if len(list) != 1 || list[0].Canary != 1 || list[0].Relay != 2 || list[0].Foreign != 2 || list[0].Address.String() != "127.0.0.1" {
		t.Errorf("%+v", list)
	}
	w.Clock.Set(gatetest.Noon.Add(25 * time.Hour))
	if list := w.Porter.Bypasses(); len(list) != 0 {
		t.Errorf("a day later: %+v", list)
	}
}

func TestOtherRecordsOfASafeNameAreWhatTheyAre(t *testing.T) {
	w := gatetest.New(t)
	s := door(t, w, gatetest.Upstream(t, "www.search.test. 60 MX 10 mail.search.test.", "www.search.test. 60 A 203.0.113.50",
		"www.search.test. 60 HTTPS 1 . alpn=h2 ipv4hint=203.0.113.50", "safe.search.test. 60 AAAA 2001:4860::51"))
	for kind, want := range map[uint16]string{
		mdns.TypeMX: "NOERROR | MX 10 mail.search.test.", mdns.TypeA: "NOERROR | CNAME safe.search.test.",
		mdns.TypeAAAA:  "NOERROR | CNAME safe.search.test. | AAAA 2001:4860::51",
		mdns.TypeHTTPS: "NOERROR", mdns.TypeSVCB: "NOERROR", mdns.TypeCNAME: "NOERROR | CNAME safe.search.test.",
	} {
		if got := say(ask(t, s, "udp", "www.search.test", kind)); got != want {
			t.Errorf("%s: %s, want %s", mdns.TypeToString[kind], got, want)
		}
	}
}

func TestAMandatoryParameterThatGoesIsMandatoryNoMore(t *testing.T) {
	w := gatetest.New(t)
	s := door(t, w, gatetest.Upstream(t,
		`m.test. 60 HTTPS 1 . mandatory=alpn,ech alpn="h3,h2" ech="aGVsbG8="`,
		`n.test. 60 HTTPS 1 . mandatory=ech ech="aGVsbG8=" port=443`,
		`o.test. 60 SVCB 1 . alpn="h3" no-default-alpn="" port=443`,
	))
	for _, c := range []struct {
		host string
		kind uint16
		want string
	}{
		{"m.test", mdns.TypeHTTPS, `NOERROR | HTTPS 1 . mandatory="alpn" alpn="h2"`},
		{"n.test", mdns.TypeHTTPS, `NOERROR | HTTPS 1 . port="443"`},
		{"o.test", mdns.TypeSVCB, `NOERROR | SVCB 1 . port="443"`},
	} {
		if got := say(ask(t, s, "udp", c.host, c.kind)); got != c.want {
			t.Errorf("%s: %s, want %s", c.host, got, c.want)
		}
	}
}

func TestOverTLSNoAnswerTellsByItsLengthWhatWasAsked(t *testing.T) {
	w := gatetest.New(t)
	s := door(t, w, gatetest.Upstream(t, zone...))
	for _, host := range []string{"bad.test", "ok.test", "fine.test", "a.very.long.name.that.nobody.has.test"} {
		for _, pads := range []bool{true, false} {
			m := question(host, mdns.TypeA)
			m.SetEdns0(1232, true)
			if pads {
				m.IsEdns0().Option = []mdns.EDNS0{&mdns.EDNS0_PADDING{Padding: make([]byte, 10)}}
			}
			wire, err := m.Pack()
			if err != nil {
				t.Fatal(err)
			}
			for _, secure := range []bool{true, false} {
				got := s.Answer(t.Context(), wire, netip.MustParseAddr("127.0.0.1"), secure)
				if (len(got)%468 == 0) != (pads && secure) {
					t.Errorf("%s, padding %v, TLS %v: %d bytes", host, pads, secure, len(got))
				}
			}
		}
	}
}

func TestWhatIsRememberedIsBoundedByItsBytes(t *testing.T) {
	c := newCache()
	now := clock.System{}.Now()
	for i := range 20_000 {
		m := question(hex.EncodeToString([]byte{byte(i >> 8), byte(i)})+".test", mdns.TypeTXT)
		for range 10 {
			m.Answer = append(m.Answer, record(t, `x.test. 60 TXT "`+strings.Repeat("a", 200)+`"`))
		}
		e, err := newEntry(m, now)
		if err != nil {
			t.Fatal(err)
		}
		c.put(key{name: m.Question[0].Name, kind: mdns.TypeTXT}, e)
	}
	held := 0
	for i := range c.shards {
		sum := 0
		for _, e := range c.shards[i].m {
			sum += e.size()
		}
		if sum != c.shards[i].bytes {
			t.Fatalf("shard %d holds %d bytes and counts %d", i, sum, c.shards[i].bytes)
		}
		held += sum
	}
	if held > cacheShards*(maxBytes+maxCached) || held < cacheShards*maxBytes/2 {
		t.Errorf("%d bytes are held", held)
	}
}

// snapshotWith compiles rules with a list of one name.
func snapshotWith(t testing.TB, r verdict.Rules, name, category string) *verdict.Snapshot {
	t.Helper()
	b := segment.NewBuilder()
	for n, c := range map[string]string{name: category, "bad.test": "adult"} {
		if err := b.Add(segment.Name, n, c); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	hash, _, err := b.Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	seg, err := segment.Open(segment.FileName(dir, hash))
	if err != nil {
		t.Fatal(err)
	}
	s, err := verdict.New(r, []verdict.Source{{Slug: "one", Title: "one", Segment: seg}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
