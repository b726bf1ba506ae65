package accounting

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"layeh.com/radius"

	"belisha/internal/gate/control"
	"belisha/internal/gate/spool"
	"belisha/internal/gate/subject"
	"belisha/internal/kit/clock"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

const secret = "a shared secret"

// roll knows two people.
type roll struct{ away atomic.Bool }

func (r *roll) Find(_ context.Context, in control.NameRequest) (*subject.Row, error) {
	if r.away.Load() {
		return nil, errors.New("nobody answers")
	}
	groups := map[string]string{"mia": "pupils", "mrhill": "staff", "ben@hill.test": "pupils"}
	name := in.Name
	if in.Realm != "" {
		name += "@" + in.Realm
	}
	group, ok := groups[name]
	if !ok {
		return nil, nil
	}
	return &subject.Row{
		ID: "row-" + name, Subject: name, Certainty: spool.Sure, Groups: []string{group},
		SignedUntil: noon.Add(48 * time.Hour), Ends: noon.Add(48 * time.Hour),
	}, nil
}

// logbook is a log that may be read while it is written.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

type bench struct {
	*Server
	table *subject.Table
	clock *clock.Fake
	roll  *roll
	kept  atomic.Int64
	log   *logbook
	file  string
}

func open(t *testing.T, peers ...string) *bench {
	t.Helper()
	b := &bench{table: subject.New(nil), clock: clock.NewFake(noon), roll: &roll{}, log: &logbook{}, file: filepath.Join(t.TempDir(), "secret")}
	if err := os.WriteFile(b.file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if peers == nil {
		peers = []string{"127.0.0.0/8 " + b.file}
	}
	var err error
	b.Server, err = Listen("127.0.0.1:0", Config{
		Peers: peers, Names: b.roll, Table: b.table, Keep: func() error { b.kept.Add(1); return nil },
		Clock: b.clock, Log: slog.New(slog.NewTextHandler(b.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- b.Serve() }()
	t.Cleanup(func() {
		b.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return b
}

// at is who is behind an address, as a test says it.
func (b *bench) at(address string) string {
	f := b.table.Find(netip.MustParseAddr(address), b.clock.Now())
	return fmt.Sprintf("%s %v %d", f.Subject, f.Groups, f.Certainty)
}

const nobody = " [] 0"

// packet is an accounting request, or what a test makes of one.
type packet struct {
	status           uint32
	user, session    string
	address, calling string
	nas              string
	wait             time.Duration // before it
	more             func(*radius.Packet)
	secret           string
}

func (p packet) bytes(t testing.TB) []byte {
	t.Helper()
	r := radius.New(radius.CodeAccountingRequest, []byte(secret))
	if p.secret != "" {
		r.Secret = []byte(p.secret)
	}
	r.Add(attrStatus, radius.NewInteger(p.status))
	for at, v := range map[radius.Type]string{attrUserName: p.user, attrSession: p.session, attrCalling: p.calling, attrNASIdentifier: p.nas} {
		if v != "" {
			r.Add(at, radius.Attribute(v))
		}
	}
	if p.address != "" {
		a := netip.MustParseAddr(p.address)
		if a.Is4() {
			r.Add(attrFramedAddress, a.AsSlice())
		} else {
			r.Add(attrFramed6, a.AsSlice())
		}
	}
	if p.more != nil {
		p.more(r)
	}
	raw, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// say sends packets one after the other and reports whether each was answered.
func (b *bench) say(t *testing.T, list ...packet) {
	t.Helper()
	conn := b.dial(t)
	for _, p := range list {
		b.clock.Advance(p.wait)
		raw := p.bytes(t)
		if reply := exchange(t, conn, raw); !radius.IsAuthenticResponse(reply, raw, []byte(secret)) {
			t.Fatalf("the answer to %+v is %x", p, reply)
		}
	}
}

func (b *bench) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("udp", b.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(clock.System{}.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func exchange(t *testing.T, conn net.Conn, raw []byte) []byte {
	t.Helper()
	if _, err := conn.Write(raw); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, maxPacket)
	n, err := conn.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	return buf[:n]
}

// alive asks whether somebody is there, by which a test knows that what it
// sent before has been looked at.
func (b *bench) alive(t *testing.T, conn net.Conn) {
	t.Helper()
	exchange(t, conn, packet{status: statusStop, session: "none"}.bytes(t))
}

func start(user, session, address string) packet {
	return packet{status: statusStart, user: user, session: session, address: address}
}

func TestWhoSignsInToTheWiFiIsLikelyThereUntilTheyAreGone(t *testing.T) {
	b := open(t)
	b.say(t, start("mia", "1", "10.0.0.7"))
	if got := b.at("10.0.0.7"); got != "mia [pupils] 1" {
		t.Fatalf("after the start: %q", got)
	}
	if b.kept.Load() == 0 {
		t.Error("it was answered before it was kept")
	}
	b.say(t, packet{status: statusInterim, user: "mia", session: "1", address: "10.0.0.7"})
	if got := b.at("10.0.0.7"); got != "mia [pupils] 1" {
		t.Errorf("after an update: %q", got)
	}
	b.say(t, packet{status: statusStop, user: "mia", session: "1", address: "10.0.0.7"})
	if got := b.at("10.0.0.7"); got != nobody {
		t.Errorf("after the stop: %q", got)
	}
	b.say(t, start("mia", "1", "10.0.0.7"))
	if got := b.at("10.0.0.7"); got != nobody {
		t.Errorf("a start that came after its own stop: %q", got)
	}
}

func TestNamesAreReadAsNetworksWriteThem(t *testing.T) {
	for name, want := range map[string]string{
		"mia": "mia [pupils] 1", `HILL\mia`: "mia [pupils] 1", "ben@hill.test": "ben@hill.test [pupils] 1",
		"mia@another.test": nobody, "nobody": nobody, "host/pc7.hill.test": nobody, "PC7$": nobody, "": nobody,
		"aa-bb-cc-00-11-22": nobody, "mia\r\nX": nobody, "anonymous@hill.test": nobody,
	} {
		b := open(t)
		b.say(t, start(name, "1", "10.0.0.7"))
		if got := b.at("10.0.0.7"); got != want {
			t.Errorf("%q: %q", name, got)
		}
		if strings.Contains(b.log.String(), "mia") {
			t.Error("a name is in the log")
		}
	}
}

// by adds an access point's address, number32 a number.
func by(address string) func(*radius.Packet) {
	return func(r *radius.Packet) {
		r.Add(attrNASAddress, radius.Attribute(netip.MustParseAddr(address).AsSlice()))
	}
}

func number32(at radius.Type, n uint32) func(*radius.Packet) {
	return func(r *radius.Packet) { r.Add(at, radius.NewInteger(n)) }
}

func TestASessionEndsAndAddressesChangeHands(t *testing.T) {
	cases := []struct {
		name string
		say  []packet
		wait time.Duration
		at   string
		want string
	}{
		{"after a day", []packet{start("mia", "1", "10.0.0.7")}, 24 * time.Hour, "10.0.0.7", nobody},
		{"when the access point ends it", []packet{{status: statusStart, user: "mia", session: "1", address: "10.0.0.7", more: func(r *radius.Packet) {
			r.Add(attrSessionLimit, radius.NewInteger(600))
			r.Add(attrSessionTime, radius.NewInteger(60))
		}}}, 9 * time.Minute, "10.0.0.7", nobody},
		{"somebody else has the address now", []packet{start("mrhill", "1", "10.0.0.7"), start("mia", "2", "10.0.0.7")}, 0, "10.0.0.7", "mia [pupils] 1"},
		{"somebody unknown has the address now", []packet{start("mrhill", "1", "10.0.0.7"), start("guest", "2", "10.0.0.7")}, 0, "10.0.0.7", nobody},
		{"the device has changed hands", []packet{
			{status: statusStart, user: "mrhill", session: "1", address: "10.0.0.7", calling: "AA-BB-CC-00-11-22"},
			{status: statusStart, user: "mia", session: "2", address: "10.0.0.8", calling: "aabb.cc00.1122"},
		}, 0, "10.0.0.7", nobody},
		{"the address is known only later", []packet{
			{status: statusStart, user: "mia", session: "1", calling: "AA-BB-CC-00-11-22"},
			{status: statusInterim, user: "mia", session: "1", calling: "AA-BB-CC-00-11-22", address: "10.0.0.9"},
		}, 0, "10.0.0.9", "mia [pupils] 1"},
		{"of IPv6", []packet{start("mia", "1", "2001:db8::7")}, 0, "2001:db8::7", "mia [pupils] 1"},
		{"the access point begins anew", []packet{
			{status: statusStart, user: "mia", session: "1", address: "10.0.0.7", nas: "hall"},
			{status: statusOn, nas: "hall"},
		}, 0, "10.0.0.7", nobody},
		{"another one does", []packet{
			{status: statusStart, user: "mia", session: "1", address: "10.0.0.7", nas: "hall"},
			{status: statusOff, nas: "gym"},
		}, 0, "10.0.0.7", "mia [pupils] 1"},
		{"the stop has no number", []packet{start("mia", "1", "10.0.0.7"), {status: statusStop, address: "10.0.0.7"}}, 0, "10.0.0.7", nobody},
		{"the stop of another session at the address", []packet{start("mia", "2", "10.0.0.7"), {status: statusStop, session: "1", address: "10.0.0.7"}}, 0, "10.0.0.7", "mia [pupils] 1"},
		{"what is said of the past", []packet{{status: statusStart, user: "mia", session: "1", address: "10.0.0.7", more: func(r *radius.Packet) {
			r.Add(attrEventTime, radius.NewInteger(uint32(noon.Add(-time.Hour).Unix())))
		}}}, 0, "10.0.0.7", nobody},
		{"the number is used again", []packet{
			start("mia", "1", "10.0.0.7"),
			{status: statusStop, session: "1", wait: time.Minute},
			{status: statusStart, user: "mrhill", session: "1", address: "10.0.0.7", wait: time.Minute},
		}, 0, "10.0.0.7", "mrhill [staff] 1"},
		{"the numbers begin again with the access point", []packet{
			{status: statusStart, user: "mia", session: "1", address: "10.0.0.7", nas: "hall"},
			{status: statusStop, session: "1", nas: "hall"},
			{status: statusOn, nas: "hall"},
			{status: statusStart, user: "mrhill", session: "1", address: "10.0.0.7", nas: "hall"},
		}, 0, "10.0.0.7", "mrhill [staff] 1"},
		{"the access point ends by another of its names", []packet{
			{status: statusStart, user: "mia", session: "1", address: "10.0.0.7", nas: "hall", more: by("10.0.0.2")},
			{status: statusOff, more: by("10.0.0.2")},
		}, 0, "10.0.0.7", nobody},
		{"the access point ends and has no name", []packet{
			{status: statusStart, user: "mia", session: "1", address: "10.0.0.7", nas: "hall"},
			{status: statusOff},
		}, 0, "10.0.0.7", nobody},
		{"a start that was kept back is of before", []packet{
			start("mrhill", "2", "10.0.0.7"),
			{status: statusStart, user: "mia", session: "1", address: "10.0.0.7", more: number32(attrDelay, 600)},
		}, 0, "10.0.0.7", "mrhill [staff] 1"},
		{"a session that nobody ended goes on being told", []packet{
			start("mia", "1", "10.0.0.7"),
			{status: statusStart, user: "mrhill", session: "2", address: "10.0.0.7", wait: 5 * time.Minute},
			{status: statusInterim, user: "mia", session: "1", address: "10.0.0.7", wait: 5 * time.Minute, more: number32(attrSessionTime, 600)},
		}, 0, "10.0.0.7", "mrhill [staff] 1"},
		{"updates came and come no more", []packet{
			start("mia", "1", "10.0.0.7"),
			{status: statusInterim, user: "mia", session: "1", address: "10.0.0.7", wait: 10 * time.Minute},
		}, time.Hour, "10.0.0.7", nobody},
		{"updates come every hour", []packet{
			start("mia", "1", "10.0.0.7"),
			{status: statusInterim, user: "mia", session: "1", address: "10.0.0.7", wait: time.Hour},
		}, 2 * time.Hour, "10.0.0.7", "mia [pupils] 1"},
		{"updates never came", []packet{start("mia", "1", "10.0.0.7")}, 20 * time.Hour, "10.0.0.7", "mia [pupils] 1"},
		{"a prefix that is an address", []packet{{status: statusStart, user: "mia", session: "1", more: func(r *radius.Packet) {
			r.Add(attrPrefix6, append([]byte{0, 128}, netip.MustParseAddr("2001:db8::7").AsSlice()...))
		}}}, 0, "2001:db8::7", "mia [pupils] 1"},
		{"a prefix and the interface's half", []packet{{status: statusStart, user: "mia", session: "1", more: func(r *radius.Packet) {
			r.Add(attrPrefix6, append([]byte{0, 64}, netip.MustParseAddr("2001:db8::").AsSlice()[:8]...))
			r.Add(attrInterface6, radius.Attribute{0, 0, 0, 0, 0, 0, 0, 7})
		}}}, 0, "2001:db8::7", "mia [pupils] 1"},
		{"a prefix alone", []packet{{status: statusStart, user: "mia", session: "1", more: func(r *radius.Packet) {
			r.Add(attrPrefix6, append([]byte{0, 64}, netip.MustParseAddr("2001:db8::").AsSlice()[:8]...))
		}}}, 0, "2001:db8::", nobody},
		{"no address yet", []packet{start("mia", "1", "255.255.255.254")}, 0, "255.255.255.254", nobody},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := open(t)
			b.say(t, c.say...)
			b.clock.Advance(c.wait)
			if got := b.at(c.at); got != c.want {
				t.Errorf("%q", got)
			}
		})
	}
}

func TestSomebodyWhoSignedInAndAnotherByTheAccessPointAreNobody(t *testing.T) {
	b := open(t)
	err := b.table.Apply(subject.Push{Number: 1, Rows: []subject.Row{{
		ID: "a", Address: netip.MustParseAddr("10.0.0.7"), Subject: "mrhill", Certainty: spool.Sure, Groups: []string{"staff"},
		SignedUntil: noon.Add(time.Hour), Ends: noon.Add(time.Hour),
	}}}, noon)
	if err != nil {
		t.Fatal(err)
	}
	b.say(t, start("mia", "1", "10.0.0.7"))
	if got := b.at("10.0.0.7"); !strings.HasPrefix(got, " [") || !strings.Contains(got, "pupils") || !strings.HasSuffix(got, " 0") {
		t.Errorf("%q", got)
	}
	b.say(t, packet{status: statusStop, session: "1"})
	if got := b.at("10.0.0.7"); got != "mrhill [staff] 2" {
		t.Errorf("after the stop: %q", got)
	}
}

func TestWhatIsNotProvedIsNeitherTakenNorAnswered(t *testing.T) {
	good := start("mia", "1", "10.0.0.7")
	wrong := good
	wrong.secret = "another secret"
	auth := func(change byte) packet {
		p := good
		p.more = func(r *radius.Packet) { r.Add(attrMessageAuth, append(bytes.Repeat([]byte{0}, 15), change)) }
		return p
	}
	cases := map[string][]byte{
		"another secret":                     wrong.bytes(t),
		"a wrong Message-Authenticator":      auth(1).bytes(t),
		"nothing":                            {},
		"half a head":                        good.bytes(t)[:10],
		"shorter than it says":               good.bytes(t)[:30],
		"an access request":                  append([]byte{1}, good.bytes(t)[1:]...),
		"a status that nobody proves":        append([]byte{12}, good.bytes(t)[1:]...),
		"no status":                          (packet{user: "mia", session: "1", address: "10.0.0.7"}).bytes(t),
		"a field that is longer than itself": {4, 1, 0, 22, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 200},
	}
	b := open(t)
	for name, raw := range cases {
		before := b.Status(0).Peers[0]
		conn := b.dial(t)
		if _, err := conn.Write(raw); err != nil {
			t.Fatal(err)
		}
		b.alive(t, conn)
		after := b.Status(0).Peers[0]
		if b.at("10.0.0.7") != nobody || after.Refused != before.Refused+1 || after.Taken != before.Taken+1 {
			t.Errorf("%s: %q %+v", name, b.at("10.0.0.7"), after)
		}
	}
}

func TestStrangersAreDroppedAndCounted(t *testing.T) {
	b := open(t, "10.9.9.0/24 "+filepath.Join(t.TempDir(), "none"))
	conn := b.dial(t)
	for range 3 {
		if _, err := conn.Write(start("mia", "1", "10.0.0.7").bytes(t)); err != nil {
			t.Fatal(err)
		}
	}
	for b.Status(0).Strange < 3 {
		<-time.After(time.Millisecond)
	}
	s := b.Status(0)
	if b.at("10.0.0.7") != nobody || s.Peers[0].OK || s.Peers[0].Why == "" {
		t.Errorf("%+v", s)
	}
	if strings.Count(b.log.String(), "not in radius-peers") != 1 {
		t.Errorf("the log: %s", b.log)
	}
}

func TestNothingIsAnsweredWhileNobodyCanBeAskedAndAStopIsAllTheSame(t *testing.T) {
	b := open(t)
	b.say(t, start("mia", "1", "10.0.0.7"))
	b.roll.away.Store(true)
	conn := b.dial(t)
	late := start("mrhill", "2", "10.0.0.8").bytes(t)
	if _, err := conn.Write(late); err != nil {
		t.Fatal(err)
	}
	b.say(t, packet{status: statusStop, session: "1"})
	if got := b.at("10.0.0.7"); got != nobody {
		t.Errorf("after the stop: %q", got)
	}
	b.roll.away.Store(false)
	// The same packet again, as it is sent when no answer came.
	if reply := exchange(t, conn, late); !radius.IsAuthenticResponse(reply, late, []byte(secret)) {
		t.Error("it is not answered when somebody can be asked again")
	}
	if got := b.at("10.0.0.8"); got != "mrhill [staff] 1" {
		t.Errorf("%q", got)
	}
}

func TestAPacketThatIsSentAgainIsAnsweredAgainAndTakenOnce(t *testing.T) {
	b := open(t)
	conn := b.dial(t)
	raw := start("mia", "1", "10.0.0.7").bytes(t)
	first := exchange(t, conn, raw)
	kept := b.kept.Load()
	if second := exchange(t, conn, raw); !bytes.Equal(first, second) || b.kept.Load() != kept {
		t.Errorf("%x, then %x", first, second)
	}
	state := start("mia", "1", "10.0.0.7")
	state.more = func(r *radius.Packet) { r.Add(attrProxyState, radius.Attribute("back")) }
	if reply := exchange(t, conn, state.bytes(t)); !bytes.Contains(reply, []byte("back")) {
		t.Error("what a proxy on the way wants back is not there")
	}
}

func TestRadclientIsUnderstood(t *testing.T) {
	program, err := exec.LookPath("radclient")
	if err != nil {
		t.Skip("freeradius-utils is not installed")
	}
	b := open(t)
	send := func(lines ...string) string {
		cmd := exec.Command(program, "-x", "-r", "1", "-t", "5", b.Addr().String(), "acct", secret)
		cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
		out, _ := cmd.CombinedOutput() // without an answer it says so
		return string(out)
	}
	session := `Acct-Session-Id = "5A00-7"`
	if out := send("Acct-Status-Type = Start", `User-Name = "mia"`, session, "Framed-IP-Address = 10.0.0.7", `Calling-Station-Id = "AA-BB-CC-00-11-22"`, "NAS-IP-Address = 10.0.0.2", "Message-Authenticator = 0x00"); !strings.Contains(out, "Received Accounting-Response") {
		t.Fatal(out)
	}
	if got := b.at("10.0.0.7"); got != "mia [pupils] 1" {
		t.Errorf("%q", got)
	}
	if out := send("Acct-Status-Type = Stop", session, "NAS-IP-Address = 10.0.0.2"); !strings.Contains(out, "Received Accounting-Response") {
		t.Fatal(out)
	}
	if got := b.at("10.0.0.7"); got != nobody {
		t.Errorf("%q", got)
	}
	cmd := exec.Command(program, "-r", "1", "-t", "5", b.Addr().String(), "status", secret)
	cmd.Stdin = strings.NewReader("Message-Authenticator = 0x00\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("whether somebody is there: %v\n%s", err, out)
	}
}

func TestPeersThatCannotBeRead(t *testing.T) {
	for _, line := range []string{"10.0.0.2", "hall /secret", "10.0.0.0/99 /secret", ""} {
		if _, err := readPeers([]string{line}); err == nil {
			t.Errorf("%q was taken", line)
		}
	}
}

func FuzzPacket(f *testing.F) {
	f.Add(start("mia", "1", "10.0.0.7").bytes(f))
	f.Add(packet{status: statusStop, session: "1", calling: "AA-BB-CC-00-11-22:School"}.bytes(f))
	f.Add([]byte{4, 1, 0, 22, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 80, 2})
	f.Fuzz(func(t *testing.T, raw []byte) {
		if m, err := read(raw, []byte(secret)); err == nil {
			_ = m.reply([]byte(secret))
		}
		if len(raw) < headLen {
			return
		}
		// With a right authenticator, so that what is behind it is reached.
		raw = bytes.Clone(raw)
		raw[0] = 4
		raw[2], raw[3] = byte(len(raw)>>8), byte(len(raw))
		copy(raw[4:headLen], requestAuthenticator(raw, []byte(secret)))
		m, err := read(raw, []byte(secret))
		if err != nil {
			return
		}
		if len(m.addresses) > maxPerTime || len(m.user) > fieldsLimit {
			t.Errorf("%+v", m)
		}
		if reply := m.reply([]byte(secret)); !radius.IsAuthenticResponse(reply, raw, []byte(secret)) {
			t.Errorf("the answer %x is not one", reply)
		}
		for _, r := range m.rows("radius-", noon, noon.Add(lasts)) {
			if !r.Address.IsValid() && r.MAC == "" {
				t.Errorf("%+v", r)
			}
		}
	})
}
