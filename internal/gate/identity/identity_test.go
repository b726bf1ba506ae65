package identity

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"belisha/internal/gate/control"
	"belisha/internal/gate/spool"
	"belisha/internal/gate/subject"
	"belisha/internal/kit/clock"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// roll is the parent: who names mean.
type roll struct {
	groups map[string]string
	asked  int
	away   bool
	during func() // what happens while it answers
}

func (r *roll) ByName(_ context.Context, in control.NameRequest) (subject.Row, bool, error) {
	r.asked++
	if r.away {
		return subject.Row{}, false, errors.New("nobody answers")
	}
	group, ok := r.groups[in.Name]
	if r.during != nil {
		r.during()
	}
	return subject.Row{
		ID: "row-" + in.Name, Subject: in.Name, Certainty: spool.Sure, Groups: []string{group},
		SignedUntil: noon.Add(time.Hour), Ends: noon.Add(time.Hour),
	}, ok, nil
}

func TestNamesAreRememberedAndForgottenWithTheirPeople(t *testing.T) {
	c, r := clock.NewFake(noon), &roll{groups: map[string]string{"mia": "pupils"}}
	n := NewNames(r, c.Now)
	find := func(how string) *subject.Row {
		row, err := n.Find(t.Context(), control.NameRequest{Name: "Mia", How: how})
		if err != nil {
			t.Fatal(err)
		}
		return row
	}
	if row := find(ByKerberos); row == nil || row.Certainty != spool.Sure {
		t.Fatalf("%+v", row)
	}
	if row := find(ByPeer); row == nil || row.Certainty != spool.Likely {
		t.Errorf("what a proxy says is %+v", row)
	}
	find(ByKerberos)
	if r.asked != 2 {
		t.Errorf("asked %d times", r.asked)
	}
	n.Told(nil, false, []subject.Row{{ID: "row-mia", Subject: "mia", Certainty: spool.Sure, Groups: []string{"pupils", "late"}, Ends: noon.Add(time.Hour)}})
	if row := find(ByPeer); len(row.Groups) != 2 || row.Certainty != spool.Likely || r.asked != 2 {
		t.Errorf("told anew: %+v", row)
	}
	r.away = true
	c.Advance(11 * time.Minute)
	if row := find(ByKerberos); row == nil {
		t.Error("while nobody can be asked, who was known is not known any more")
	}
	n.Told([]string{"row-mia"}, false, nil)
	if _, err := n.Find(t.Context(), control.NameRequest{Name: "mia", How: ByKerberos}); err == nil {
		t.Error("somebody who has left is remembered")
	}
	r.away = false
	delete(r.groups, "mia")
	if row := find(ByKerberos); row != nil {
		t.Errorf("%+v", row)
	}
	asked := r.asked
	find(ByKerberos)
	if r.asked != asked {
		t.Error("a name that nobody has is asked about again and again")
	}
}

func TestSomebodyWhoLeavesWhileTheyAreLookedUpIsNobody(t *testing.T) {
	c, r := clock.NewFake(noon), &roll{groups: map[string]string{"mia": "pupils"}}
	n := NewNames(r, c.Now)
	r.during = func() {
		n.Told([]string{"row-mia"}, false, nil)
		if r.asked == 2 {
			delete(r.groups, "mia")
		}
	}
	if row, err := n.Find(t.Context(), control.NameRequest{Name: "mia", How: ByKerberos}); row != nil || err != nil {
		t.Errorf("%+v %v", row, err)
	}
}

func TestAProxyIsBelievedForTheLastHopAlone(t *testing.T) {
	p := &Peers{Ranges: []netip.Prefix{netip.MustParsePrefix("10.0.0.2/32"), netip.MustParsePrefix("10.1.0.0/16")}}
	cases := []struct {
		name, forwarded, client, want string
	}{
		{"nothing said", "", "", "invalid IP"},
		{"one hop", "10.0.5.7", "", "10.0.5.7"},
		{"what the browser wrote before it", "10.0.0.1, 10.0.5.7", "", "10.0.5.7"},
		{"through two proxies", "10.0.0.9, 10.0.5.7, 10.1.2.3", "", "10.0.5.7"},
		{"nobody but proxies", "10.1.2.3", "", "invalid IP"},
		{"no address", "10.0.5.7, unknown", "", "invalid IP"},
		{"with a port", "10.0.5.7:5123", "", "10.0.5.7"},
		{"of IPv6", "[2001:db8::7]:5123", "", "2001:db8::7"},
		{"one client", "", "10.0.5.7", "10.0.5.7"},
		{"two clients", "", "10.0.5.7,10.0.5.8", "invalid IP"},
		{"both agree", "10.0.5.7", "10.0.5.7", "10.0.5.7"},
		{"both do not", "10.0.5.7", "10.0.0.1", "invalid IP"},
		{"a mapped one", "::ffff:10.0.5.7", "", "10.0.5.7"},
	}
	for _, c := range cases {
		h := http.Header{}
		if c.forwarded != "" {
			h.Set("X-Forwarded-For", c.forwarded)
		}
		if c.client != "" {
			h.Set("X-Client-IP", c.client)
		}
		if got := p.Client(h).String(); got != c.want {
			t.Errorf("%s: %s", c.name, got)
		}
	}
	if (*Peers)(nil).Has(netip.MustParseAddr("10.0.0.2")) {
		t.Error("where nobody is listed somebody is believed")
	}
}

func TestAProxysNameMeansOnePersonOrNobody(t *testing.T) {
	now := func() time.Time { return noon }
	names := NewNames(&roll{groups: map[string]string{"mia": "pupils", "mrhill": "staff"}}, now)
	p := &Peers{Names: names, Now: now}
	for _, c := range []struct {
		name   string
		values []string
		want   string
	}{
		{"none", nil, "-"},
		{"no name", []string{"-"}, "-"},
		{"a machine's", []string{`HILL\PC7$`}, "-"},
		{"one", []string{"mia"}, "mia"},
		{"with a domain", []string{`HILL\mia`}, "mia"},
		{"with a realm", []string{"mia@HILL.TEST"}, "mia"},
		{"of a directory", []string{base64.StdEncoding.EncodeToString([]byte("LDAP://dc/CN=mia,OU=7B"))}, "mia"},
		{"nobody's", []string{"guest"}, ""},
		{"two", []string{"mia", "mrhill"}, ""},
		{"one twice", []string{"mia", "mia"}, "mia"},
		{"control characters", []string{"mia\r\nx"}, "-"},
		{"too long", []string{strings.Repeat("m", 64<<10)}, "-"},
	} {
		row := p.Who(t.Context(), http.Header{"X-Authenticated-User": c.values}, netip.Addr{})
		got := "-"
		if row != nil {
			got = row.Subject
		}
		if got != c.want {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}

// service is a keytab of HTTP/proxy, made for tests.
func service(t testing.TB) *keytab.Keytab {
	t.Helper()
	keys := keytab.New()
	if err := keys.AddEntry("HTTP/proxy", "HILL.TEST", "service", noon, 1, 18); err != nil {
		t.Fatal(err)
	}
	return keys
}

// claim is a ticket, and what is wrong with it.
type claim struct {
	name, realm, as string
	service         string
	key             *keytab.Keytab
	kvno            int // 0: the first
	begins, ends    time.Time
	made            time.Time
	mutual          bool
}

// request makes a KRB_AP_REQ.
func (c claim) request(t testing.TB) (raw []byte, session types.EncryptionKey) {
	t.Helper()
	name := types.NewPrincipalName(1, c.name)
	ticket, session, err := messages.NewTicket(name, c.realm, types.NewPrincipalName(2, c.service), "HILL.TEST",
		types.NewKrbFlags(), c.key, 18, max(c.kvno, 1), c.begins, c.begins, c.ends, c.ends)
	if err != nil {
		t.Fatal(err)
	}
	auth, err := types.NewAuthenticator(c.realm, types.NewPrincipalName(1, c.as))
	if err != nil {
		t.Fatal(err)
	}
	auth.CTime, auth.Cusec = c.made, 0
	req, err := messages.NewAPReq(ticket, session, auth)
	if err != nil {
		t.Fatal(err)
	}
	if c.mutual {
		types.SetFlag(&req.APOptions, optionMutual)
	}
	if raw, err = req.Marshal(); err != nil {
		t.Fatal(err)
	}
	return raw, session
}

func mia(t testing.TB) claim {
	return claim{
		name: "mia", as: "mia", realm: "HILL.TEST", service: "HTTP/proxy", key: service(t),
		begins: noon.Add(-time.Hour), ends: noon.Add(time.Hour), made: noon,
	}
}

func TestATicketMustBeWhatItSays(t *testing.T) {
	keys := service(t)
	if err := keys.AddEntry("cifs/proxy", "HILL.TEST", "files", noon, 1, 18); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		change func(*claim)
		want   error
	}{
		{"a good one", func(*claim) {}, nil},
		{"one that ended just now", func(c *claim) { c.ends = noon.Add(-4 * time.Minute) }, nil},
		{"one that ended", func(c *claim) { c.ends = noon.Add(-6 * time.Minute) }, errExpired},
		{"one of tomorrow", func(c *claim) { c.begins = noon.Add(time.Hour) }, errEarly},
		{"made long ago", func(c *claim) { c.made = noon.Add(-6 * time.Minute) }, errSkew},
		{"somebody else's", func(c *claim) { c.as = "mrhill" }, errMatch},
		{"of another realm", func(c *claim) { c.realm = "ELSEWHERE.TEST" }, errRealm},
		{"by the service's short name", func(c *claim) {
			c.service, c.key = "HTTP/PROXY.hill.test", keytab.New()
			if err := c.key.AddEntry("HTTP/PROXY.hill.test", "HILL.TEST", "service", noon, 1, 18); err != nil {
				t.Fatal(err)
			}
			same := &keys.Entries[0].Key
			c.key.Entries[0].Key.KeyValue = same.KeyValue // one account, two names
		}, nil},
		{"by another number of the key", func(c *claim) {
			c.key = service(t)
			c.key.Entries[0].KVNO, c.kvno = 65537, 65537
		}, nil},
		{"for files under a key of its own, as if for the web", func(c *claim) {
			c.key = keytab.New()
			if err := c.key.AddEntry("HTTP/proxy", "HILL.TEST", "service", noon, 1, 18); err != nil {
				t.Fatal(err)
			}
			c.key.Entries[0].Key = keys.Entries[1].Key
		}, errKey},
		{"for files", func(c *claim) { c.service, c.key = "cifs/proxy", keys }, errService},
		{"under another key", func(c *claim) {
			c.key = keytab.New()
			if err := c.key.AddEntry("HTTP/proxy", "HILL.TEST", "guessed", noon, 1, 18); err != nil {
				t.Fatal(err)
			}
		}, errKey},
	} {
		m := mia(t)
		c.change(&m)
		raw, _ := m.request(t)
		var seen replays
		got, err := verify(keys, raw, netip.MustParseAddr("10.0.0.7"), noon, &seen)
		if !errors.Is(err, c.want) || err == nil && got.who.name != "mia" {
			t.Errorf("%s: %+v %v", c.name, got.who, err)
		}
		if _, again := verify(keys, raw, netip.MustParseAddr("10.0.0.7"), noon, &seen); err == nil && !errors.Is(again, errReplay) {
			t.Errorf("%s, again: %v", c.name, again)
		}
	}
}

func TestWeProveOurselvesToWhoeverAsks(t *testing.T) {
	m := mia(t)
	m.mutual = true
	raw, session := m.request(t)
	var seen replays
	got, err := verify(service(t), raw, netip.Addr{}, noon, &seen)
	if err != nil {
		t.Fatal(err)
	}
	var rep messages.APRep
	if err := rep.Unmarshal(got.answer); err != nil {
		t.Fatal(err)
	}
	plain, err := crypto.DecryptEncPart(rep.EncPart, session, usageAnswer)
	if err != nil {
		t.Fatal(err)
	}
	var part messages.EncAPRepPart
	if err := part.Unmarshal(plain); err != nil || !part.CTime.Equal(noon) {
		t.Errorf("%+v %v", part, err)
	}
	reply, err := token{mech: oidKerberos}.reply(got.answer)
	if err != nil || !strings.HasPrefix(reply, "Negotiate o") {
		t.Errorf("%q %v", reply, err)
	}
}

func TestReplaysAreBoundedAndEnd(t *testing.T) {
	var r replays
	if err := r.add([]byte("a"), noon.Add(skew), noon); err != nil {
		t.Fatal(err)
	}
	if err := r.add([]byte("a"), noon.Add(skew), noon); !errors.Is(err, errReplay) {
		t.Errorf("%v", err)
	}
	for i := range maxReplays {
		r.seen[[16]byte{1, byte(i), byte(i >> 8), byte(i >> 16)}] = noon.Add(skew)
	}
	if err := r.add([]byte("b"), noon.Add(skew), noon); !errors.Is(err, errBusy) {
		t.Errorf("%v", err)
	}
	if err := r.add([]byte("b"), noon.Add(3*skew), noon.Add(2*skew)); err != nil || len(r.seen) != 1 {
		t.Errorf("%v, %d remembered", err, len(r.seen))
	}
}

func TestAKeytabIsTakenUpWhenItComesAndKeptWhenItBreaks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keytab")
	c := clock.NewFake(noon)
	k := NewKerberos(path, NewNames(&roll{}, c.Now), c, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if k.Ready() {
		t.Fatal("without a file")
	}
	raw, err := service(t).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	c.Advance(2 * time.Minute)
	if !k.Ready() || k.Status().Why != "" {
		t.Fatalf("%+v", k.Status())
	}
	for name, bad := range map[string][]byte{"half": raw[:len(raw)/2], "empty": {}, "text": []byte("HTTP/proxy")} {
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, noon, noon.Add(time.Duration(len(bad))*time.Second)); err != nil {
			t.Fatal(err)
		}
		c.Advance(2 * time.Minute)
		if !k.Ready() || k.Status().Why == "" {
			t.Errorf("%s: %+v", name, k.Status())
		}
	}
}

func FuzzToken(f *testing.F) {
	raw, _ := mia(f).request(f)
	kerberos, err := wrapped(oidKerberos, raw)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(kerberos)
	f.Add([]byte("NTLMSSP\x00\x01\x00\x00\x00"))
	f.Add([]byte{0x60, 3, 6, 1, 1})
	f.Add(raw)
	keys := service(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		var seen replays
		request := b
		if got, err := readToken(b); err == nil {
			request = got.request
		}
		p, err := verify(keys, request, netip.Addr{}, noon, &seen)
		if err == nil && p.who != (principal{"mia", "HILL.TEST"}) {
			t.Errorf("%x proves %+v", b, p.who)
		}
		_, _ = readHeader(string(b))
	})
}

func FuzzPeers(f *testing.F) {
	f.Add("10.0.0.1, 10.0.5.7", "10.0.5.7", `HILL\mia`)
	f.Add("[::1]:5", "", "TERBUDovL2RjL0NOPW1pYQ==")
	now := func() time.Time { return noon }
	names := NewNames(&roll{groups: map[string]string{"mia": "pupils"}}, now)
	p := &Peers{Ranges: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")}, Names: names, Now: now}
	f.Fuzz(func(t *testing.T, forwarded, client, user string) {
		h := http.Header{"X-Forwarded-For": {forwarded}, "X-Client-Ip": {client}, "X-Authenticated-User": {user}}
		if a := p.Client(h); a.IsValid() && (p.Has(a) && client == "" || a.Zone() != "") {
			t.Errorf("the client is %s", a)
		}
		if row := p.Who(t.Context(), h, netip.Addr{}); row != nil && row.Subject != "" && !strings.Contains(strings.ToLower(strings.Join(Spellings(user, false), " ")), "mia") {
			t.Errorf("%q is %s", user, row.Subject)
		}
	})
}
