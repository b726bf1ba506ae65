package dns

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	mdns "github.com/miekg/dns"

	"belisha/internal/gate/gatetest"
	"belisha/internal/gate/porter"
	"belisha/internal/gate/spool"
	"belisha/internal/kit/clock"
	"belisha/internal/verdict"
)

func public(a netip.Addr) bool { return !verdict.PrivateAddress(a) }

var zone = []string{
	"ok.test. 600 A 203.0.113.5", "ok.test. 60 AAAA 2001:4860::5",
	`ok.test. 60 HTTPS 1 . alpn="h2,h3" ipv4hint="203.0.113.5" ech="aGVsbG8="`,
	"help.test. 60 A 203.0.113.9",
	"alias.test. 60 CNAME cdn.bad-cdn.test.", "cdn.bad-cdn.test. 60 A 203.0.113.6",
	"fine.test. 60 CNAME ok.test.",
	"rebind.test. 60 A 10.0.0.1", "rebind.test. 60 AAAA ::ffff:10.0.0.1",
	"half.test. 60 A 10.0.0.1", "half.test. 60 A 203.0.113.7",
	"www.search.test. 60 A 203.0.113.50", "safe.search.test. 60 A 203.0.113.51",
}

func door(t testing.TB, w *gatetest.World, upstream ...string) *Server {
	t.Helper()
	return doorAt(t, w, w.Clock, upstream...)
}

func doorAt(t testing.TB, w *gatetest.World, c clock.Clock, upstream ...string) *Server {
	t.Helper()
	r, err := NewResolver(upstream, public, c, w.Log)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Listen("127.0.0.1:0", Config{Porter: w.Porter, Resolver: r, Clock: c, Log: w.Log})
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve()
	t.Cleanup(func() { s.Close() })
	return s
}

func ask(t testing.TB, s *Server, network, name string, kind uint16) *mdns.Msg {
	t.Helper()
	m := new(mdns.Msg)
	m.SetQuestion(mdns.Fqdn(name), kind)
	m.SetEdns0(1232, false)
	c := &mdns.Client{Net: network, Timeout: 3 * time.Second}
	got, _, err := c.Exchange(m, s.Addr().String())
	if err != nil {
		t.Fatalf("%s %s over %s: %v", name, mdns.TypeToString[kind], network, err)
	}
	if got.Question[0].Name != m.Question[0].Name {
		t.Errorf("asked %q, the question came back as %q", m.Question[0].Name, got.Question[0].Name)
	}
	return got
}

func say(m *mdns.Msg) string {
	out := []string{mdns.RcodeToString[m.Rcode]}
	for _, rr := range m.Answer {
		out = append(out, strings.Join(strings.Fields(rr.String())[3:], " "))
	}
	return strings.Join(out, " | ")
}

func TestAnswersOverUDPAndTCP(t *testing.T) {
	w := gatetest.New(t)
	s := door(t, w, gatetest.Upstream(t, zone...))
	cases := []struct {
		name string
		kind uint16
		want string
	}{
		{"ok.test", mdns.TypeA, "NOERROR | A 203.0.113.5"},
		{"OK.TeSt", mdns.TypeA, "NOERROR | A 203.0.113.5"},
		{"ok.test", mdns.TypeHTTPS, `NOERROR | HTTPS 1 . alpn="h2" ipv4hint="203.0.113.5"`},
		{"fine.test", mdns.TypeA, "NOERROR | CNAME ok.test. | A 203.0.113.5"},
		{"nowhere.test", mdns.TypeA, "NXDOMAIN"},
		{"bad.test", mdns.TypeA, "NXDOMAIN"},
		{"BAD.test", mdns.TypeAAAA, "NXDOMAIN"},
		{"deep.down.bad.test", mdns.TypeA, "NXDOMAIN"},
		{"notbad.test", mdns.TypeA, "NXDOMAIN"}, // open, and upstream does not know it
		{"bad.test", mdns.TypeHTTPS, "NOERROR"},
		{"bad.test", mdns.TypeTXT, "NOERROR"},
		{"bad.test", mdns.TypeMX, "NOERROR"},
		{"bad.test", mdns.TypeANY, "NOERROR"},
		{"bad.test", 65280, "NOERROR"},
		{"warn.test", mdns.TypeA, "NXDOMAIN"},
		{"alias.test", mdns.TypeA, "NXDOMAIN"},
		{"rebind.test", mdns.TypeA, "NOERROR"},
		{"rebind.test", mdns.TypeAAAA, "NOERROR"},
		{"half.test", mdns.TypeA, "NOERROR | A 203.0.113.7"},
		{"help.test", mdns.TypeA, "NOERROR | A 203.0.113.9"},
		{"www.search.test", mdns.TypeA, "NOERROR | CNAME safe.search.test. | A 203.0.113.51"},
		{"www.search.test", mdns.TypeHTTPS, "NOERROR"},
		{"belisha.test", mdns.TypeA, "NOERROR | A 127.0.0.1"},
		{"use-application-dns.net", mdns.TypeA, "NXDOMAIN"},
		{"mask.icloud.com", mdns.TypeAAAA, "NXDOMAIN"},
		{"_dns.resolver.arpa", mdns.TypeSVCB, "NOERROR"},
		{"ok.test", mdns.TypeANY, `NOERROR | HINFO "RFC8482" ""`},
		{"ok.test", mdns.TypeAXFR, "REFUSED"},
	}
	for _, network := range []string{"udp", "tcp"} {
		for _, c := range cases {
			if network == "tcp" && c.kind == mdns.TypeAXFR {
				continue // the client library asks it another way there
			}
			t.Run(network+" "+c.name+" "+mdns.Type(c.kind).String(), func(t *testing.T) {
				for range 2 { // the second time from the cache
					if got := say(ask(t, s, network, c.name, c.kind)); got != c.want {
						t.Errorf("got %s, want %s", got, c.want)
					}
				}
			})
		}
	}
}

func TestABlockSaysSoAndDoesNotLast(t *testing.T) {
	w := gatetest.New(t)
	set := *w.Porter.Settings()
	set.Sink = []netip.Addr{netip.MustParseAddr("192.0.2.80")}
	w.Porter.Configure(&set)
	s := door(t, w)
	got := ask(t, s, "udp", "bad.test", mdns.TypeA)
	if say(got) != "NOERROR | A 192.0.2.80" || got.Answer[0].Header().Ttl > 60 {
		t.Errorf("got %v", got)
	}
	if ede, ok := got.IsEdns0().Option[0].(*mdns.EDNS0_EDE); !ok || ede.InfoCode != 15 {
		t.Errorf("the answer does not say that it is a block: %v", got.IsEdns0())
	}
	if got := ask(t, s, "udp", "bad.test", mdns.TypeAAAA); say(got) != "NOERROR" {
		t.Errorf("AAAA: %s", say(got))
	}
}

func TestTheCacheIsNotSharedBetweenGroupsDecisions(t *testing.T) {
	w := gatetest.New(t)
	s := door(t, w, gatetest.Upstream(t, "game.test. 60 A 203.0.113.8"))
	w.SignIn(t, "127.0.0.1", "teacher", "staff")
	if got := say(ask(t, s, "udp", "game.test", mdns.TypeA)); got != "NOERROR | A 203.0.113.8" {
		t.Fatalf("staff: %s", got)
	}
	w.SignIn(t, "127.0.0.1", "teacher2", "staff") // two people: nobody in particular
	if got := say(ask(t, s, "udp", "game.test", mdns.TypeA)); got != "NXDOMAIN" {
		t.Errorf("ambiguous: %s", got)
	}
}

func TestEveryDecisionIsRecordedAndHelpWithoutATrace(t *testing.T) {
	w := gatetest.New(t)
	s := door(t, w, gatetest.Upstream(t, zone...))
	w.SignIn(t, "127.0.0.1", "s1", "pupils")
	ask(t, s, "udp", "harm.test", mdns.TypeA)
	ask(t, s, "udp", "ok.test", mdns.TypeA)
	ask(t, s, "udp", "help.test", mdns.TypeA)
	by := map[uint8]spool.Event{}
	for _, e := range w.Events(t, 3) {
		by[e.Action] = e
	}
	block := by[spool.ActionBlock]
	if block.Host != "harm.test" || block.Alert != "selfharm" || block.Subject != "s1" || block.Certainty != spool.Sure ||
		block.Category != "self-harm" || block.Rule != "l1" || block.Door != "dns" || block.Group != "pupils" {
		t.Errorf("block: %+v", block)
	}
	if by[spool.ActionAllow].Host != "ok.test" {
		t.Errorf("allow: %+v", by[spool.ActionAllow])
	}
	help := by[spool.ActionSupport]
	if help.Host != "" || help.Subject != "" || help.Address.IsValid() || help.Device != "" || help.Count == 0 {
		t.Errorf("help: %+v", help)
	}
	if b, ok := w.Porter.Latest(netip.MustParseAddr("127.0.0.1")); !ok || b.Host != "harm.test" || !b.Alert {
		t.Errorf("latest: %+v", b)
	}
}

func TestWithoutUpstreamOpenNamesFailAndClosedOnesStayClosed(t *testing.T) {
	w := gatetest.New(t)
	s := door(t, w)
	if got := say(ask(t, s, "udp", "ok.test", mdns.TypeA)); got != "SERVFAIL" {
		t.Errorf("ok.test: %s", got)
	}
	if got := say(ask(t, s, "udp", "bad.test", mdns.TypeA)); got != "NXDOMAIN" {
		t.Errorf("bad.test: %s", got)
	}
}

func TestASlowUpstreamHoldsUpNobodyElse(t *testing.T) {
	w := gatetest.New(t)
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	s := door(t, w, silent.LocalAddr().String(), gatetest.Upstream(t, zone...))
	conn, err := net.Dial("udp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	m := new(mdns.Msg)
	m.SetQuestion("ok.test.", mdns.TypeA)
	wire, _ := m.Pack()
	conn.Write(wire)
	before := clock.System{}.Now()
	if got := say(ask(t, s, "udp", "bad.test", mdns.TypeA)); got != "NXDOMAIN" {
		t.Errorf("bad.test: %s", got)
	}
	if took := (clock.System{}).Now().Sub(before); took > time.Second {
		t.Errorf("a block took %v while upstream was slow", took)
	}
}

func TestWrongAnswersFromUpstreamAreDropped(t *testing.T) {
	w := gatetest.New(t)
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	go func() {
		buf := make([]byte, 2048)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			q := new(mdns.Msg)
			if q.Unpack(buf[:n]) != nil {
				continue
			}
			reply := func(change func(*mdns.Msg), ip string) {
				m := new(mdns.Msg)
				m.SetReply(q)
				rr, _ := mdns.NewRR(q.Question[0].Name + " 60 A " + ip)
				m.Answer = []mdns.RR{rr}
				change(m)
				out, _ := m.Pack()
				pc.WriteTo(out, from)
			}
			reply(func(m *mdns.Msg) { m.Id++ }, "203.0.113.66")
			reply(func(m *mdns.Msg) { m.Question[0].Name = "evil.test." }, "203.0.113.66")
			reply(func(m *mdns.Msg) { m.Question[0].Qtype = mdns.TypeAAAA }, "203.0.113.66")
			pc.WriteTo([]byte("junk"), from)
			reply(func(*mdns.Msg) {}, "203.0.113.5")
		}
	}()
	s := door(t, w, pc.LocalAddr().String())
	if got := say(ask(t, s, "udp", "ok.test", mdns.TypeA)); got != "NOERROR | A 203.0.113.5" {
		t.Errorf("got %s", got)
	}
}

func TestMalformedQuestions(t *testing.T) {
	w := gatetest.New(t)
	s := door(t, w)
	good := new(mdns.Msg)
	good.SetQuestion("bad.test.", mdns.TypeA)
	wire, _ := good.Pack()
	change := func(f func(b []byte) []byte) []byte { return f(append([]byte(nil), wire...)) }
	named := func(name []byte) []byte {
		return append(append(append([]byte(nil), wire[:12]...), name...), 0, 0, 1, 0, 1)
	}
	cases := []struct {
		name string
		raw  []byte
		want int // -1: no answer
	}{
		{"no question", change(func(b []byte) []byte { b[5] = 0; return b[:12] }), mdns.RcodeFormatError},
		{"two questions", change(func(b []byte) []byte { b[5] = 2; return append(b, b[12:]...) }), mdns.RcodeFormatError},
		{"cut off", wire[:len(wire)-3], mdns.RcodeFormatError},
		{"a compressed question", change(func(b []byte) []byte { b[12] = 0xc0; b[13] = 12; return b }), mdns.RcodeFormatError},
		{"opcode 5", change(func(b []byte) []byte { b[2] |= 5 << 3; return b }), mdns.RcodeNotImplemented},
		{"EDNS version 1", change(func(b []byte) []byte {
			b[11] = 1
			return append(b, 0, 0, 41, 4, 208, 0, 1, 0, 0, 0, 0)
		}), mdns.RcodeBadVers},
		{"class CHAOS", change(func(b []byte) []byte { b[len(b)-1] = 3; return b }), mdns.RcodeRefused},
		{"a label of spaces", change(func(b []byte) []byte { b[13] = ' '; return b }), mdns.RcodeFormatError},
		{"a label of 64", named(append([]byte{64}, bytes.Repeat([]byte{'a'}, 64)...)), mdns.RcodeFormatError},
		{"a name of 256", named(bytes.Repeat(append([]byte{63}, bytes.Repeat([]byte{'a'}, 63)...), 4)), mdns.RcodeFormatError},
		{"127 labels", named(bytes.Repeat([]byte{1, 'a'}, 127)), mdns.RcodeServerFailure}, // open, and nobody to ask
		{"a dot inside a label", named([]byte{8, 'b', 'a', 'd', '.', 't', 'e', 's', 't'}), mdns.RcodeFormatError},
		{"a byte that is no letter", named([]byte{3, 'a', 0, 'b', 4, 't', 'e', 's', 't'}), mdns.RcodeFormatError},
		{"an underscore and a hyphen first", named([]byte{4, '_', 'b', '-', 'c', 2, '-', 'x', 3, 'f', 'a', 'd', 4, 't', 'e', 's', 't'}), mdns.RcodeServerFailure},
		{"capitals below a closed name", named([]byte{1, 'X', 3, 'b', 'A', 'D', 4, 'T', 'e', 's', 't'}), mdns.RcodeNameError},
		{"an address for a name", named([]byte{1, '1', 1, '2', 1, '3', 1, '4'}), mdns.RcodeNameError},
		{"the root, and nobody upstream", named(nil), mdns.RcodeServerFailure},
		{"two OPT records", change(func(b []byte) []byte {
			b[11] = 2
			return append(b, bytes.Repeat([]byte{0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0}, 2)...)
		}), mdns.RcodeFormatError},
		{"an option that is cut off", change(func(b []byte) []byte {
			b[11] = 1
			return append(b, 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 4, 0, 12, 0, 9)
		}), mdns.RcodeFormatError},
		{"an answer", change(func(b []byte) []byte { b[2] |= 0x80; return b }), -1},
		{"five bytes", wire[:5], -1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			conn, err := net.Dial("udp", s.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.Write(c.raw)
			wait := 2 * time.Second
			if c.want < 0 {
				wait = 100 * time.Millisecond
			}
			conn.SetReadDeadline(clock.System{}.Now().Add(wait))
			buf := make([]byte, 2048)
			n, err := conn.Read(buf)
			if c.want < 0 {
				if err == nil {
					t.Errorf("it was answered")
				}
				return
			}
			got := new(mdns.Msg)
			if err != nil || got.Unpack(buf[:n]) != nil || got.Rcode != c.want {
				t.Errorf("rcode %d, %v", got.Rcode, err)
			}
		})
	}
}

func TestPipelinedTCPAndABrokenConnectionBesides(t *testing.T) {
	w := gatetest.New(t)
	s := door(t, w)
	half, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer half.Close()
	half.Write([]byte{0, 50, 1})
	conn, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	m := new(mdns.Msg)
	m.SetQuestion("bad.test.", mdns.TypeA)
	wire, _ := m.Pack()
	one := append(binary.BigEndian.AppendUint16(nil, uint16(len(wire))), wire...)
	conn.Write(append(append([]byte(nil), one...), one...))
	conn.SetReadDeadline(clock.System{}.Now().Add(3 * time.Second))
	for i := range 2 {
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			t.Fatalf("answer %d: %v", i, err)
		}
		buf := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(conn, buf); err != nil {
			t.Fatalf("answer %d: %v", i, err)
		}
	}
}

func TestAClientThatFloodsIsSentToTCP(t *testing.T) {
	l := newLimiter(3)
	a := netip.MustParseAddr("10.0.0.1")
	for i := range 5 {
		if got := l.take(a, gatetest.Noon); got != (i < 3) {
			t.Errorf("question %d: %v", i, got)
		}
	}
	if !l.take(netip.MustParseAddr("10.0.0.2"), gatetest.Noon) {
		t.Error("another client is limited too")
	}
	if !l.take(a, gatetest.Noon.Add(time.Second)) {
		t.Error("the next second is limited too")
	}
}

func TestAClientThatFloodsIsRefusedOverTCP(t *testing.T) {
	w := gatetest.New(t)
	r, err := NewResolver(nil, public, w.Clock, w.Log)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Listen("127.0.0.1:0", Config{Porter: w.Porter, Resolver: r, Clock: w.Clock, Log: w.Log, PerClient: 3})
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve()
	t.Cleanup(func() { s.Close() })
	wire, err := question("bad.test", mdns.TypeA).Pack()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{mdns.RcodeNameError, mdns.RcodeNameError, mdns.RcodeNameError, mdns.RcodeRefused} {
		got := new(mdns.Msg)
		if err := got.Unpack(s.Answer(t.Context(), wire, netip.MustParseAddr("192.0.2.1"), false)); err != nil || got.Rcode != want {
			t.Errorf("question %d: %v, %v", i+1, got, err)
		}
	}
}

func FuzzQuestion(f *testing.F) {
	w := gatetest.New(f)
	r, _ := NewResolver(nil, public, w.Clock, w.Log)
	s := newServer(Config{Porter: w.Porter, Resolver: r, Clock: w.Clock, Log: w.Log, PerClient: 5000})
	s.tcp, _ = net.Listen("tcp", "127.0.0.1:0")
	defer s.tcp.Close()
	m := new(mdns.Msg)
	m.SetQuestion("bad.test.", mdns.TypeA)
	wire, _ := m.Pack()
	f.Add(wire)
	m.SetEdns0(1232, true)
	wire, _ = m.Pack()
	f.Add(wire)
	f.Fuzz(func(t *testing.T, b []byte) {
		q, rcode, drop := parse(b)
		if drop {
			return
		}
		var out []byte
		if rcode != rcodeOK {
			out = q.short(nil, rcode, noEDE)
		} else {
			var ok bool
			if out, ok = s.answer(t.Context(), &q, netip.MustParseAddr("127.0.0.1"), nil, false); !ok {
				return
			}
		}
		got := new(mdns.Msg)
		if err := got.Unpack(out); err != nil {
			t.Fatalf("the answer to %x cannot be read: %v", b, err)
		}
		if got.Id != binary.BigEndian.Uint16(b) || !got.Response {
			t.Fatalf("the answer to %x is not its answer", b)
		}
	})
}

// BenchmarkAgainstPlain asks the gate and a plain server in turns for many
// names, of which half are closed and the others remembered, and reports the
// gate's rate as a share of the plain one's.
func BenchmarkAgainstPlain(b *testing.B) {
	const names = 20_000
	w := gatetest.New(b)
	real, err := porter.New(porter.Deps{
		Clock: clock.System{}, Table: w.Table, Spool: benchSpool(b), Log: w.Log,
		Settings: w.Porter.Settings(), Snapshot: w.Porter.Snapshot(),
	})
	if err != nil {
		b.Fatal(err)
	}
	w.Porter = real
	s := doorAt(b, w, clock.System{}, scripted(b, func(r *mdns.Msg) *mdns.Msg {
		return reply(b, r, []string{r.Question[0].Name + " 600 A 203.0.113.5"}, nil)
	}))
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	plain := &mdns.Server{PacketConn: pc, Handler: mdns.HandlerFunc(func(w mdns.ResponseWriter, r *mdns.Msg) {
		m := new(mdns.Msg)
		m.SetReply(r)
		m.Answer = []mdns.RR{&mdns.A{Hdr: mdns.RR_Header{Name: r.Question[0].Name, Rrtype: 1, Class: 1, Ttl: 60}, A: net.IPv4(203, 0, 113, 5)}}
		w.WriteMsg(m)
	})}
	go plain.ActivateAndServe()
	defer plain.Shutdown()
	wires := make([][]byte, names)
	for i := range wires {
		host := fmt.Sprintf("www.host%d.ok.test.", i)
		if i%2 == 0 {
			host = fmt.Sprintf("www.host%d.bad.test.", i)
		}
		if wires[i], err = question(host, mdns.TypeA).Pack(); err != nil {
			b.Fatal(err)
		}
	}
	rate(b, s.Addr().String(), wires)
	var ours, theirs time.Duration
	for b.Loop() {
		ours += rate(b, s.Addr().String(), wires)
		theirs += rate(b, pc.LocalAddr().String(), wires)
	}
	b.ReportMetric(float64(theirs)/float64(ours), "of-plain")
	b.ReportMetric(names*float64(b.N)/ours.Seconds(), "answers/s")
}

func benchSpool(b *testing.B) *spool.Writer {
	sp, err := spool.Open(spool.Options{Dir: b.TempDir(), Clock: clock.System{}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { sp.Close() })
	return sp
}

// rate asks every question over several sockets, some in flight on each.
func rate(b *testing.B, addr string, wires [][]byte) time.Duration {
	b.Helper()
	const sockets, window = 4, 20
	start := clock.System{}.Now()
	errs := make(chan error, sockets)
	for n := range sockets {
		share := wires[n*len(wires)/sockets : (n+1)*len(wires)/sockets]
		go func() { errs <- askAll(addr, share, window) }()
	}
	for range sockets {
		if err := <-errs; err != nil {
			b.Fatal(err)
		}
	}
	return clock.System{}.Now().Sub(start)
}

func askAll(addr string, wires [][]byte, window int) error {
	conn, err := net.Dial("udp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	buf := make([]byte, 512)
	conn.SetDeadline(clock.System{}.Now().Add(30 * time.Second))
	for len(wires) > 0 {
		some := wires[:min(window, len(wires))]
		for _, w := range some {
			conn.Write(w)
		}
		for range some {
			if _, err := conn.Read(buf); err != nil {
				return fmt.Errorf("an answer is missing: %w", err)
			}
		}
		wires = wires[len(some):]
	}
	return nil
}
