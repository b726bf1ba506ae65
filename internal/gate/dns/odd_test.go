package dns

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	mdns "github.com/miekg/dns"

	"belisha/internal/gate/gatetest"
	"belisha/internal/verdict"
)

var (
	pupil   = netip.MustParseAddr("10.0.0.9")
	another = netip.MustParseAddr("10.0.0.10")
)

// asked is what the door answers somebody at an address.
func asked(t testing.TB, s *Server, client netip.Addr, wire []byte) *mdns.Msg {
	t.Helper()
	m := new(mdns.Msg)
	if err := m.Unpack(s.Answer(t.Context(), wire, client, false)); err != nil {
		t.Fatalf("an answer that nobody can read: %v", err)
	}
	return m
}

func packed(t testing.TB, name string, kind uint16) []byte {
	t.Helper()
	wire, err := question(name, kind).Pack()
	if err != nil {
		t.Fatal(err)
	}
	return wire
}

// rawQuestion asks for labels of whatever bytes.
func rawQuestion(labels ...string) []byte {
	b := []byte{0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0}
	for _, l := range labels {
		b = append(append(b, byte(len(l))), l...)
	}
	return append(b, 0, 0, 1, 0, 1)
}

func TestANameInOtherLettersIsJudgedAsWhatItMeansAndExistsInASCIIOnly(t *testing.T) {
	w := gatetest.New(t)
	r := gatetest.Rules()
	listed, _, err := verdict.CanonicalHost("bücher-bad.test")
	if err != nil {
		t.Fatal(err)
	}
	r.Own = append(r.Own, verdict.Own{ID: "o9", Text: listed, Act: verdict.Block})
	w.Porter.Use(gatetest.Snapshot(t, r))
	s := door(t, w, scripted(t, func(r *mdns.Msg) *mdns.Msg {
		return reply(t, r, []string{r.Question[0].Name + " 60 A 203.0.113.5"}, nil)
	}))
	for _, c := range []struct {
		labels  []string
		blocked bool
	}{
		{[]string{"ｂａｄ", "test"}, true},
		{[]string{"ba\u00add", "test"}, true},
		{[]string{"x", "bad。test"}, true},
		{[]string{"bücher-bad", "test"}, true},
		{[]string{"bücher", "test"}, false},
		{[]string{"ｏｋ", "test"}, false},
		{[]string{"ok。test"}, false},
		{[]string{"faß", "test"}, false},
	} {
		got := asked(t, s, pupil, withEDNS(rawQuestion(c.labels...)))
		if got.Rcode != mdns.RcodeNameError || len(got.Answer) != 0 || len(got.Question) != 1 {
			t.Errorf("%q: %v", c.labels, got)
		}
		if said := info(got) == int(mdns.ExtendedErrorCodeBlocked); said != c.blocked {
			t.Errorf("%q: says that it is closed: %v", c.labels, said)
		}
	}
	if got := say(asked(t, s, pupil, packed(t, "xn--bcher-kva.test", mdns.TypeA))); got != "NOERROR | A 203.0.113.5" {
		t.Errorf("in ASCII: %s", got)
	}
}

// withEDNS adds an OPT record.
func withEDNS(b []byte) []byte {
	b[11] = 1
	return append(b, 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0)
}

func info(m *mdns.Msg) int {
	if opt := m.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if e, ok := o.(*mdns.EDNS0_EDE); ok {
				return int(e.InfoCode)
			}
		}
	}
	return -1
}

func TestANameIsAnAliasOfOneNameOnly(t *testing.T) {
	w := gatetest.New(t)
	zones := map[string][]string{
		"two.test.":   {"two.test. 60 CNAME ok.test.", "two.test. 60 CNAME bad.test.", "ok.test. 60 A 203.0.113.5", "bad.test. 60 A 203.0.113.66"},
		"other.test.": {"other.test. 60 CNAME bad.test.", "other.test. 60 CNAME ok.test.", "ok.test. 60 A 203.0.113.5"},
		"tree.test.":  {"test. 60 DNAME ok.example.", "tree.test. 60 CNAME x.bad.test.", "x.bad.test. 60 A 203.0.113.66", "tree.ok.example. 60 A 203.0.113.7"},
		"root.test.":  {"test. 60 DNAME .", "root.test. 60 CNAME root.", "root. 60 A 203.0.113.7"},
	}
	s := door(t, w, scripted(t, func(r *mdns.Msg) *mdns.Msg {
		return reply(t, r, zones[strings.ToLower(r.Question[0].Name)], nil)
	}))
	for name, want := range map[string]string{
		"two.test":   "NOERROR | CNAME ok.test. | A 203.0.113.5",
		"other.test": "NXDOMAIN",
		"tree.test":  "NOERROR | DNAME ok.example. | A 203.0.113.7",
		"root.test":  "NOERROR | DNAME . | CNAME root. | A 203.0.113.7",
	} {
		if got := say(ask(t, s, "udp", name, mdns.TypeA)); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestWhoAsksForNamesThatNobodyAnswersTakesNobodyElsesTurn(t *testing.T) {
	w := gatetest.New(t)
	release := make(chan struct{})
	s := door(t, w, scripted(t, func(r *mdns.Msg) *mdns.Msg {
		if strings.HasSuffix(strings.ToLower(r.Question[0].Name), "slow.test.") {
			<-release
		}
		return reply(t, r, []string{r.Question[0].Name + " 60 A 203.0.113.5"}, nil)
	}))
	six := func(i int) netip.Addr {
		return netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 8: byte(i >> 8), 9: byte(i)})
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	refused := 0
	flood := func(n int, from func(int) netip.Addr) {
		for i := range n {
			wg.Go(func() {
				wire := packed(t, fmt.Sprintf("n%d.slow.test", i), mdns.TypeA)
				m := new(mdns.Msg)
				if err := m.Unpack(s.Answer(t.Context(), wire, from(i), false)); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				refused++
			})
		}
	}
	flood(mostWaiting+200, func(int) netip.Addr { return pupil })
	flood(2*mostWaiting+200, six) // each from an address of its own, in one network
	until(t, func() bool {        // those that get no turn are told at once
		mu.Lock()
		defer mu.Unlock()
		return refused >= 400
	})
	for _, who := range []netip.Addr{another, netip.MustParseAddr("2001:db8:1::1")} {
		if got := say(asked(t, s, who, packed(t, "good.test", mdns.TypeA))); got != "NOERROR | A 203.0.113.5" {
			t.Errorf("%v is kept waiting: %s", who, got)
		}
	}
	close(release)
	wg.Wait()
	if got := say(asked(t, s, pupil, packed(t, "good2.test", mdns.TypeA))); got != "NOERROR | A 203.0.113.5" {
		t.Errorf("its turns do not come back: %s", got)
	}
	if s.slow.all != 0 || len(s.slow.held) != 0 {
		t.Errorf("%d turns are lost, of %d clients", s.slow.all, len(s.slow.held))
	}
}

func until(t testing.TB, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it did not come about in 20 seconds")
		}
	}
}

func TestOnIPv6ANetworkIsLimitedAsAWholeAndADeviceByItself(t *testing.T) {
	l := newLimiter(2)
	at := func(s string) bool { return l.take(netip.MustParseAddr(s), gatetest.Noon) }
	for i, want := range []bool{true, true, false} {
		if at("2001:db8::1") != want {
			t.Errorf("question %d of one device: %v", i+1, !want)
		}
	}
	if !at("2001:db8::2") || !at("fe80::1%eth0") || !at("fe80::1%eth1") || at("fe80::1") {
		t.Error("another device in the same network pays for the first")
	}
	n := 0
	for i := range 100 {
		if at(fmt.Sprintf("2001:db8:7::%x", i+1)) {
			n++
		}
	}
	if n != 2*perNetwork {
		t.Errorf("a device that takes a new address each time got %d answers", n)
	}
}

func TestTheSchoolsOwnZonesAreAskedOfTheirServersAlone(t *testing.T) {
	w := gatetest.New(t)
	inside := gatetest.Upstream(t, "dc1.ashdown.local. 60 A 10.1.1.5", "_ldap._tcp.dc._msdcs.ashdown.local. 60 SRV 0 100 389 dc1.ashdown.local.",
		"lo.ashdown.local. 60 A 127.0.0.1", "meta.ashdown.local. 60 A 169.254.169.254", "web.ashdown.local. 60 CNAME dc1.ashdown.local.",
		"trick.ashdown.local. 60 CNAME bad.test.", "bad.test. 60 A 203.0.113.66", "5.1.1.10.in-addr.arpa. 60 PTR dc1.ashdown.local.", "deep.sub.ashdown.local. 60 A 10.9.9.9")
	below := gatetest.Upstream(t, "x.sub.ashdown.local. 60 A 10.2.2.2")
	s := door(t, w, gatetest.Upstream(t, "notashdown.local. 60 A 203.0.113.5", "dc1.other.test. 60 A 10.1.1.5"))
	if err := s.cfg.Resolver.Own([]string{"Ashdown.local. = " + inside, "1.1.10.in-addr.arpa=" + inside, "sub.ashdown.local=" + below}); err != nil {
		t.Fatal(err)
	}
	r := gatetest.Rules()
	r.UnsignedClosed = true // nobody is signed in, and computers must reach what they sign in to
	for i := range r.Groups {
		r.Groups[i].UnlistedClosed = true
	}
	r.Own = append(r.Own, verdict.Own{ID: "o9", Text: "closed.ashdown.local", Act: verdict.Block})
	w.Porter.Use(gatetest.Snapshot(t, r))
	for _, c := range []struct {
		name string
		kind uint16
		want string
	}{
		{"dc1.ashdown.local", mdns.TypeA, "NOERROR | A 10.1.1.5"},
		{"DC1.Ashdown.Local", mdns.TypeA, "NOERROR | A 10.1.1.5"},
		{"_ldap._tcp.dc._msdcs.ashdown.local", mdns.TypeSRV, "NOERROR | SRV 0 100 389 dc1.ashdown.local."},
		{"5.1.1.10.in-addr.arpa", mdns.TypePTR, "NOERROR | PTR dc1.ashdown.local."},
		{"web.ashdown.local", mdns.TypeA, "NOERROR | CNAME dc1.ashdown.local. | A 10.1.1.5"},
		{"x.sub.ashdown.local", mdns.TypeA, "NOERROR | A 10.2.2.2"},
		{"deep.sub.ashdown.local", mdns.TypeA, "NXDOMAIN"}, // the nearer zone's servers know best
		{"nobody.ashdown.local", mdns.TypeA, "NXDOMAIN"},
		{"lo.ashdown.local", mdns.TypeA, "NOERROR"},
		{"meta.ashdown.local", mdns.TypeA, "NOERROR"},
		{"trick.ashdown.local", mdns.TypeA, "NXDOMAIN"},
		{"closed.ashdown.local", mdns.TypeA, "NXDOMAIN"},
		{"notashdown.local", mdns.TypeA, "NXDOMAIN"},
		{"dc1.other.test", mdns.TypeA, "NXDOMAIN"},
	} {
		if got := say(ask(t, s, "udp", c.name, c.kind)); got != c.want {
			t.Errorf("%s %s: %s, want %s", c.name, mdns.TypeToString[c.kind], got, c.want)
		}
	}
}

func TestWhoDoesNotAnswerIsTold(t *testing.T) {
	w := gatetest.New(t)
	quiet := scripted(t, func(*mdns.Msg) *mdns.Msg { return nil })
	s := door(t, w, scripted(t, func(r *mdns.Msg) *mdns.Msg {
		return reply(t, r, []string{r.Question[0].Name + " 60 A 203.0.113.5"}, nil)
	}))
	if err := s.Own([]string{"ashdown.internal=" + quiet}); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range muteAfter + 1 {
		wg.Go(func() { asked(t, s, pupil, packed(t, fmt.Sprintf("n%d.ashdown.internal", i), mdns.TypeA)) })
		wg.Go(func() { asked(t, s, pupil, packed(t, fmt.Sprintf("n%d.test", i), mdns.TypeA)) })
	}
	wg.Wait()
	if got := strings.Join(s.Mute(), " "); got != "ashdown.internal" {
		t.Errorf("mute: %q", got)
	}
}

func TestHowOwnZonesAreWritten(t *testing.T) {
	for text, ok := range map[string]bool{
		"ashdown.internal=10.0.0.2": true, "ashdown.internal=10.0.0.2,10.0.0.3:5353": true, "lan=10.0.0.2": true,
		"10.in-addr.arpa=10.0.0.2": true, "kent.sch.uk=10.0.0.2": true, "d.f.ip6.arpa=10.0.0.2": true,
		"ashdown.internal": false, "=10.0.0.2": false, "ashdown.internal=": false, "ashdown.internal=dc1": false,
		"com=10.0.0.2": false, "co.uk=10.0.0.2": false, "sch.uk=10.0.0.2": false, "arpa=10.0.0.2": false, "in-addr.arpa=10.0.0.2": false,
		".=10.0.0.2": false, "10.0.0.1=10.0.0.2": false, "a b=10.0.0.2": false,
	} {
		if err := CheckZones([]string{text}); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
	if err := CheckZones([]string{"a.internal=10.0.0.2", "A.internal.=10.0.0.3"}); err == nil {
		t.Error("a zone may be there twice")
	}
}

func TestChromeAndAppleAreToldToAskHere(t *testing.T) {
	w := gatetest.New(t)
	s := door(t, w, gatetest.Upstream(t))
	for name, counted := range map[string]bool{"dns-tunnel-check.googlezip.net": false, "canary.mask.apple-dns.net": true, "mask-t.apple-dns.net": true} {
		before := len(w.Porter.Bypasses())
		if got := ask(t, s, "udp", name, mdns.TypeA); got.Rcode != mdns.RcodeNameError {
			t.Errorf("%s: %s", name, say(got))
		}
		if !counted && len(w.Porter.Bypasses()) != before {
			t.Errorf("%s is asked by every browser and counts as going round", name)
		}
	}
}

func TestHowLongAConnectionMayRestIsToldToWhoAsksOnOne(t *testing.T) {
	w := gatetest.New(t)
	s := door(t, w, gatetest.Upstream(t, zone...))
	m := question("ok.test", mdns.TypeA)
	m.SetEdns0(1232, false)
	m.IsEdns0().Option = []mdns.EDNS0{&mdns.EDNS0_TCP_KEEPALIVE{Code: mdns.EDNS0TCPKEEPALIVE}}
	for network, want := range map[string]int{"udp": -1, "tcp": int(idleTCP / (100 * time.Millisecond))} {
		c := &mdns.Client{Net: network, Timeout: 5 * time.Second}
		got, _, err := c.Exchange(m, s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		said := -1
		for _, o := range got.IsEdns0().Option {
			if k, ok := o.(*mdns.EDNS0_TCP_KEEPALIVE); ok {
				said = int(k.Timeout)
			}
		}
		if said != want {
			t.Errorf("%s: %d, want %d", network, said, want)
		}
	}
}

func TestWhatUpstreamCouldNotProveIsSaid(t *testing.T) {
	w := gatetest.New(t)
	s := door(t, w, scripted(t, func(r *mdns.Msg) *mdns.Msg {
		m := new(mdns.Msg)
		m.SetRcode(r, mdns.RcodeServerFailure)
		m.SetEdns0(1232, false)
		code := mdns.ExtendedErrorCodeDNSBogus
		if strings.HasPrefix(strings.ToLower(r.Question[0].Name), "away") {
			code = mdns.ExtendedErrorCodeNoReachableAuthority
		}
		m.IsEdns0().Option = []mdns.EDNS0{&mdns.EDNS0_EDE{InfoCode: code, ExtraText: "<script>"}}
		return m
	}))
	for name, want := range map[string]uint16{"bogus.test": mdns.ExtendedErrorCodeDNSBogus, "away.test": mdns.ExtendedErrorCodeNoReachableAuthority} {
		got := ask(t, s, "udp", name, mdns.TypeA)
		if got.Rcode != mdns.RcodeServerFailure || info(got) != int(want) || strings.Contains(got.String(), "script") {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestWhoChecksSignaturesFindsTheWholeWay(t *testing.T) {
	w := gatetest.New(t)
	r := gatetest.Rules()
	r.UnsignedClosed = true
	for i := range r.Groups {
		r.Groups[i].UnlistedClosed = true
	}
	w.Porter.Use(gatetest.Snapshot(t, r))
	key := "256 3 13 oJMRESz5E4gYzS/q6XDrvU1qMPYIjCWzJaOau8XNEZeqCYKD5ar0IRd8KqXXFJkqmVfRvMGPmM1x8fGAa2XhSA=="
	s := door(t, w, scripted(t, func(r *mdns.Msg) *mdns.Msg {
		switch n := strings.ToLower(r.Question[0].Name); r.Question[0].Qtype {
		case mdns.TypeDNSKEY:
			return reply(t, r, []string{n + " 60 DNSKEY " + key}, nil)
		case mdns.TypeDS:
			return reply(t, r, []string{n + " 60 DS 1 13 2 " + strings.Repeat("ab", 32)}, nil)
		case mdns.TypeNS:
			return reply(t, r, []string{n + " 60 NS a.servers.test."}, nil)
		}
		return reply(t, r, nil, []string{". 60 SOA a. b. 1 2 3 4 5"})
	}))
	for _, c := range []struct {
		name string
		kind uint16
		want string
	}{
		{".", mdns.TypeDNSKEY, "NOERROR | DNSKEY " + key},
		{".", mdns.TypeNS, "NOERROR | NS a.servers.test."},
		{".", mdns.TypeA, "NOERROR"},
		{".", mdns.TypeANY, "REFUSED"},
		{"test", mdns.TypeDS, "NOERROR | DS 1 13 2 " + strings.Repeat("AB", 32)},
		{"unlisted.test", mdns.TypeDNSKEY, "NOERROR | DNSKEY " + key},
		{"unlisted.test", mdns.TypeA, "NXDOMAIN"},
		{"unlisted.test", mdns.TypeTXT, "NOERROR"},
	} {
		if got := say(ask(t, s, "udp", c.name, c.kind)); got != c.want {
			t.Errorf("%s %s: %s, want %s", c.name, mdns.TypeToString[c.kind], got, c.want)
		}
	}
}

func TestAnotherOperationIsDeclinedByItsNumber(t *testing.T) {
	w := gatetest.New(t)
	s := door(t, w)
	for _, op := range []int{mdns.OpcodeIQuery, mdns.OpcodeStatus, mdns.OpcodeNotify, mdns.OpcodeUpdate, 6, 15} {
		m := question("ok.test", mdns.TypeSOA)
		m.Opcode = op
		if got := exchange(t, s, m); got.Rcode != mdns.RcodeNotImplemented || got.Opcode != op {
			t.Errorf("operation %d: %v", op, got)
		}
	}
}

func TestASlowUpstreamKeepsNobodyWaitingWhoHasAnOlderAnswer(t *testing.T) {
	w := gatetest.New(t)
	slow, release := make(chan struct{}), make(chan struct{})
	s := door(t, w, scripted(t, func(r *mdns.Msg) *mdns.Msg {
		select {
		case <-slow:
			<-release
		default:
		}
		return reply(t, r, []string{r.Question[0].Name + " 60 A 203.0.113.5"}, nil)
	}))
	if got := say(ask(t, s, "udp", "ok.test", mdns.TypeA)); got != "NOERROR | A 203.0.113.5" {
		t.Fatal(got)
	}
	close(slow)
	defer close(release)
	w.Clock.Set(gatetest.Noon.Add(2 * time.Minute))
	got := asked(t, s, pupil, withEDNS(rawQuestion("ok", "test")))
	if say(got) != "NOERROR | A 203.0.113.5" || info(got) != int(mdns.ExtendedErrorCodeStaleAnswer) {
		t.Errorf("%v", got)
	}
	for range maxInFlight { // and nobody can take the turn of who has one
		select {
		case s.cfg.Resolver.slots <- struct{}{}:
		default:
		}
	}
	w.Clock.Set(gatetest.Noon.Add(3 * time.Minute))
	if e, err := s.cfg.Resolver.find(t.Context(), key{name: "ok.test", kind: mdns.TypeAAAA}); err != errBusy {
		t.Errorf("%v, %v", e, err)
	}
}

func TestWhatDoesNotFitIsAskedForAgainOverTCP(t *testing.T) {
	w := gatetest.New(t)
	var lines []string
	for i := range 60 {
		lines = append(lines, fmt.Sprintf("many.test. 60 A 203.0.%d.5", i))
	}
	s := door(t, w, scripted(t, func(r *mdns.Msg) *mdns.Msg { return reply(t, r, lines, nil) }))
	for _, c := range []struct {
		network string
		size    uint16 // 0: no EDNS
		whole   bool
	}{{"udp", 0, false}, {"udp", 512, false}, {"udp", 900, false}, {"udp", 4096, true}, {"udp", 1, false}, {"tcp", 0, true}, {"tcp", 512, true}} {
		m := question("many.test", mdns.TypeA)
		if c.size > 0 {
			m.SetEdns0(c.size, false)
		}
		got, _, err := (&mdns.Client{Net: c.network, Timeout: 5 * time.Second, UDPSize: 4096}).Exchange(m, s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if got.Truncated == c.whole || (len(got.Answer) == 60) != c.whole || (got.IsEdns0() != nil) != (c.size > 0) {
			t.Errorf("%s, %d bytes: %d answers, truncated %v", c.network, c.size, len(got.Answer), got.Truncated)
		}
	}
}
