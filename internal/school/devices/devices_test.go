package devices_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/control"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/school/devices"
)

var monday = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

type school struct {
	room    *devices.Room
	journal *journal.Journal
	clock   *clock.Fake
	ctx     context.Context
	facts   devices.School
	seen    []devices.Seen
	away    error // the filter does not answer
	reach   error
	listen  error
	changed int
	told    error // what the filter says of a change
	tried   []devices.Tried
	known   []devices.Known
	guests  []devices.Guest // told to the filter
}

func each(t *testing.T, fn func(t *testing.T, s *school)) {
	t.Helper()
	storetest.Each(t, []fs.FS{journal.Schema, devices.Schema}, func(t *testing.T, db *store.DB) { fn(t, open(t, db)) })
}

func open(t *testing.T, db *store.DB) *school {
	t.Helper()
	s := &school{clock: clock.NewFake(monday), facts: devices.School{ID: "school-1", Name: "Ashdown Vale", Host: "belisha.ashdown", ProxyPort: 3128, DNSPort: 53}}
	s.ctx = actor.With(context.Background(), actor.New(actor.Actor{ID: "person:head", Kind: actor.Person, Audience: actor.Staff}, devices.MayManage))
	var err error
	if s.journal, err = journal.New(journal.Deps{DB: db, Clock: s.clock, Verbs: devices.Verbs, Protected: devices.Protected}); err != nil {
		t.Fatal(err)
	}
	s.room, err = devices.New(devices.Deps{
		DB: db, Journal: s.journal, Clock: s.clock,
		School: func(context.Context) (devices.School, error) { return s.facts, nil },
		Known: func(context.Context) ([]devices.Known, error) {
			return append(s.known, []devices.Known{
				{ID: "t1", Label: "Tablet 1", Group: "pupils", Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.7/32")}, CA: true},
				{ID: "t2", Label: "Tablet 2", Group: "pupils"},
			}...), nil
		},
		Seen: func(context.Context) ([]devices.Seen, error) { return s.seen, s.away },
		Groups: func(context.Context) ([]devices.Group, error) {
			return []devices.Group{{Slug: "pupils", Title: "Pupils", People: 412}, {Slug: "staff", Title: "Staff", People: 31}}, nil
		},
		Tried: func(context.Context, string, time.Time) ([]devices.Tried, error) { return s.tried, nil },
		Reach: func(context.Context, devices.Beside) error { return s.reach }, CanListen: func(context.Context, devices.Doors) error { return s.listen },
		Changed: func(context.Context) error { s.changed++; return s.told },
		Name:    func(context.Context, string) string { return "Amira Quist" },
		Live:    live(t), Guest: func(_ context.Context, g devices.Guest) error { s.guests = append(s.guests, g); return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *school) behind(t *testing.T) {
	t.Helper()
	b, err := s.room.Beside(s.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.room.SetBeside(s.ctx, devices.Beside{Kind: devices.Behind, Provider: "the county's broadband", Proxy: "10.1.1.1:8080", Version: b.Version}); err != nil {
		t.Fatal(err)
	}
}

func (s *school) opened(t *testing.T) {
	t.Helper()
	d, err := s.room.Doors(s.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.room.SetDoors(s.ctx, devices.Doors{Address: "10.0.0.5", Proxy: true, DNS: true, Version: d.Version}); err != nil {
		t.Fatal(err)
	}
}

func (s *school) pac(t *testing.T) string {
	t.Helper()
	p, err := s.room.PAC(s.ctx)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// whole checks that every protected row is in the journal's chain.
func (s *school) whole(t *testing.T) {
	t.Helper()
	rep, err := s.journal.Verify(s.ctx)
	if err != nil || rep.Fault != nil {
		t.Errorf("the journal: %+v, %v", rep.Fault, err)
	}
}

func TestAnotherFilterIsTriedAndGoingOnIsPossibleWithoutIt(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.reach = errors.New("nothing answers at 10.1.1.1:8080")
		s.behind(t)
		b, err := s.room.Beside(s.ctx)
		if err != nil || b.Reached != "nothing answers at 10.1.1.1:8080" || b.Kind != devices.Behind {
			t.Fatalf("%+v, %v", b, err)
		}
		s.reach = nil
		s.behind(t)
		if b, err = s.room.Beside(s.ctx); err != nil || b.Reached != devices.Reached || s.changed != 2 {
			t.Errorf("%+v, %v, the filter told %d times", b, err, s.changed)
		}
		b.Version--
		if _, err := s.room.SetBeside(s.ctx, b); !errors.Is(err, store.ErrStale) {
			t.Errorf("an older form: %v", err)
		}
		for field, bad := range map[string]devices.Beside{
			"kind": {Kind: "perhaps"}, "provider": {Kind: devices.Behind}, "proxy": {Kind: devices.Behind, Provider: "x", Proxy: "http://10.1.1.1"},
			"dns": {Kind: devices.Behind, Provider: "x", DNS: []string{"dns; rm -rf"}}, "certificate": {Kind: devices.Behind, Provider: "x", Certificate: "hello"},
		} {
			_, err := s.room.SetBeside(s.ctx, bad)
			var wrong store.Invalid
			if !errors.As(err, &wrong) || wrong[field] == "" {
				t.Errorf("%s: %v", field, err)
			}
		}
		s.whole(t)
	})
}

func TestThePACLeadsPastUsOnlyToAnotherFilter(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		if p := s.pac(t); p != "" {
			t.Fatalf("before the doors are open: %s", p)
		}
		s.opened(t)
		if p := s.pac(t); !strings.Contains(p, "PROXY 10.0.0.5:3128") || strings.Contains(p, "; DIRECT") {
			t.Errorf("alone: %s", p)
		}
		var wrong store.Invalid
		if err := s.room.TakeOut(s.ctx, "it is slow", ""); !errors.As(err, &wrong) || wrong["told"] == "" {
			t.Errorf("taken out without another filter, and nobody was told: %v", err)
		}
		if err := s.room.TakeOut(s.ctx, "it is slow", "the head and the safeguarding lead"); err != nil {
			t.Fatal(err)
		}
		if p := s.pac(t); !strings.HasSuffix(p, "return \"PROXY 10.0.0.5:3128\";\n}\n") {
			t.Errorf("taken out without another filter, the PAC opens: %s", p)
		}
		if err := s.room.PutBack(s.ctx); err != nil {
			t.Fatal(err)
		}
		s.behind(t)
		if p := s.pac(t); !strings.Contains(p, "PROXY 10.0.0.5:3128; DIRECT") {
			t.Errorf("beside another filter: %s", p)
		}
		if err := s.room.TakeOut(s.ctx, "it is slow", ""); err != nil {
			t.Fatal(err)
		}
		if p := s.pac(t); !strings.HasSuffix(p, "return \"DIRECT\";\n}\n") {
			t.Errorf("taken out beside another filter: %s", p)
		}
		if err := s.room.TakeOut(s.ctx, "again", ""); err != nil {
			t.Errorf("pressed twice: %v", err)
		}
		if list, err := s.room.WaysOut(s.ctx); err != nil || len(list) != 2 {
			t.Errorf("times out: %+v, %v", list, err)
		}
		s.whole(t)
	})
}

func TestAnAddressThatCannotBeListenedOnIsRefusedBeforeAnythingChanges(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.listen = errors.New("this machine does not have the address 10.0.0.99")
		err := s.room.SetDoors(s.ctx, devices.Doors{Address: "10.0.0.99", Proxy: true, Version: 1})
		var wrong store.Invalid
		if !errors.As(err, &wrong) || !strings.Contains(wrong["ways"], "does not have the address") || s.changed != 0 {
			t.Errorf("%v, told %d times", err, s.changed)
		}
		s.listen = nil
		s.told = store.Invalid{"": "the filter could not listen there"}
		if err := s.room.SetDoors(s.ctx, devices.Doors{Address: "10.0.0.9", Proxy: true, Version: 1}); !errors.As(err, &wrong) {
			t.Errorf("the filter did not come up: %v", err)
		}
		if d, err := s.room.Doors(s.ctx); err != nil || d.Open() || d.Address != "" {
			t.Errorf("the records say that a door is open which is not: %+v, %v", d, err)
		}
		s.told = nil
		for field, bad := range map[string]devices.Doors{
			"address": {Address: "my machine", Proxy: true}, "ways": {Address: "10.0.0.5"}, "ssid": {Address: "10.0.0.5", Proxy: true, SSID: strings.Repeat("x", 40)},
			"dot": {Address: "10.0.0.5", Proxy: true, DoT: "no dot here"},
		} {
			if err := s.room.SetDoors(s.ctx, bad); !errors.As(err, &wrong) || wrong[field] == "" {
				t.Errorf("%s: %v", field, err)
			}
		}
		for name, d := range map[string]devices.Doors{
			"everybody's address": {Address: "0.0.0.0", Proxy: true}, "a name for DNS": {Address: "filter.ashdown", DNS: true},
		} {
			if err := s.room.SetDoors(s.ctx, d); !errors.As(err, &wrong) || wrong["address"] == "" {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestATryOutNeedsAnotherFilterAndEndsByItself(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		var wrong store.Invalid
		if err := s.room.BeginTryOut(s.ctx, []string{"pupils"}, 7); !errors.As(err, &wrong) {
			t.Fatalf("without another filter: %v", err)
		}
		s.behind(t)
		for name, err := range map[string]error{
			"for ever": s.room.BeginTryOut(s.ctx, []string{"pupils"}, 365), "for nobody known": s.room.BeginTryOut(s.ctx, []string{"martians"}, 7),
		} {
			if !errors.As(err, &wrong) {
				t.Errorf("%s: %v", name, err)
			}
		}
		begin := func() {
			t.Helper()
			if err := s.room.BeginTryOut(s.ctx, []string{"pupils", "staff"}, 7); err != nil {
				t.Fatal(err)
			}
		}
		begin()
		begin() // the same form twice
		if list, err := s.room.TryOuts(s.ctx); err != nil || len(list) != 2 {
			t.Fatalf("%+v, %v", list, err)
		}
		if err := s.room.MakeReal(s.ctx, "staff"); err != nil {
			t.Fatal(err)
		}
		if err := s.room.MakeReal(s.ctx, "staff"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("made real twice: %v", err)
		}
		trying, err := s.room.Trying(s.ctx)
		if err != nil || len(trying) != 1 || !trying["pupils"].Equal(monday.AddDate(0, 0, 7)) {
			t.Errorf("trying %v, %v", trying, err)
		}
		s.clock.Advance(7 * 24 * time.Hour)
		if trying, err = s.room.Trying(s.ctx); err != nil || len(trying) != 0 {
			t.Errorf("after the last day: %v, %v", trying, err)
		}
		told := s.changed
		for range 2 {
			if err := s.room.Tasks()[0].Run(s.ctx); err != nil {
				t.Fatal(err)
			}
		}
		if s.changed != told+1 {
			t.Errorf("the filter was told %d times of the end, want once", s.changed-told)
		}
		begin()
		b, err := s.room.Beside(s.ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.room.SetBeside(s.ctx, devices.Beside{Kind: devices.Alone, Version: b.Version}); err != nil {
			t.Fatal(err)
		}
		if trying, err = s.room.Trying(s.ctx); err != nil || len(trying) != 0 {
			t.Errorf("the other filter is gone and the try-out goes on: %v, %v", trying, err)
		}
		s.whole(t)
	})
}

// inPath is what C01 finds now.
func (s *school) inPath(t *testing.T) control.Finding {
	t.Helper()
	f, err := s.room.Controls()[0].Check(s.ctx, s.clock.Now(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestNobodysWordIsNoEvidenceAndAWordEndsOnItsDay(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.opened(t)
		if f := s.inPath(t); f.State != control.Unknown || f.Source != "" {
			t.Fatalf("nobody has said so: %+v", f)
		}
		s.behind(t)
		word := devices.PathWord{Kind: devices.WordProvider, Who: "Ashdown County", Words: "Nothing leaves the school but through our filter.", Given: monday.AddDate(0, 0, -3), Review: monday.AddDate(0, 6, 0)}
		var wrong store.Invalid
		late := word
		late.Review = monday.AddDate(3, 0, 0)
		if err := s.room.GiveWord(s.ctx, late); !errors.As(err, &wrong) || wrong["review"] == "" {
			t.Errorf("a word for three years: %v", err)
		}
		if err := s.room.GiveWord(s.ctx, word); err != nil {
			t.Fatal(err)
		}
		if f := s.inPath(t); f.State != control.Kept || f.Source != control.Provider || f.By != "Ashdown County" {
			t.Errorf("with the letter: %+v", f)
		}
		if err := s.room.TakeOut(s.ctx, "a trial", ""); err != nil {
			t.Fatal(err)
		}
		if f := s.inPath(t); f.State != control.Broken {
			t.Errorf("taken out: %+v", f)
		}
		if f, err := s.room.Weaken(s.ctx, control.Finding{State: control.Kept, Source: control.Measured}); err != nil || f.State != control.Broken {
			t.Errorf("another room's green while we are out: %+v, %v", f, err)
		}
		if err := s.room.PutBack(s.ctx); err != nil {
			t.Fatal(err)
		}
		s.clock.Advance(170 * 24 * time.Hour)
		if f := s.inPath(t); f.State != control.AtRisk {
			t.Errorf("shortly before its day: %+v", f)
		}
		s.clock.Advance(30 * 24 * time.Hour)
		if f := s.inPath(t); f.State != control.Broken {
			t.Errorf("after its day: %+v", f)
		}
	})
}

func TestWhatOnlyCountsOrReadsIsNeverCalledMeasured(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		green := control.Finding{State: control.Kept, Source: control.Measured, Figure: "all closed"}
		if f, err := s.room.Weaken(s.ctx, green); err != nil || f.State != control.Kept {
			t.Errorf("in the path: %+v, %v", f, err)
		}
		s.behind(t)
		if err := s.room.BeginTryOut(s.ctx, []string{"pupils"}, 7); err != nil {
			t.Fatal(err)
		}
		if f, err := s.room.Weaken(s.ctx, green); err != nil || f.State != control.Unknown || f.Source != control.Provider {
			t.Errorf("tried out: %+v, %v", f, err)
		}
		b, err := s.room.Beside(s.ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.room.SetBeside(s.ctx, devices.Beside{Kind: devices.LogOnly, Provider: "the county", Version: b.Version}); err != nil {
			t.Fatal(err)
		}
		if f, err := s.room.Weaken(s.ctx, green); err != nil || f.State != control.Unknown || f.Source != control.Imported {
			t.Errorf("only reading: %+v, %v", f, err)
		}
	})
}

func TestTheOtherFiltersLogIsCountedOnceAndWithoutNames(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		const log = "Time,User,URL,Action\n2026-11-20 09:00:00,b.moss,https://a.example/,Allowed\n2026-11-20 09:01:00,b.moss,https://b.example/,BLOCKED\nyesterday,b.moss,https://c.example/,Allowed\n2026-11-20 09:02:00,b.moss,https://d.example/,not blocked\n"
		var wrong store.Invalid
		if _, err := s.room.TakeLog(s.ctx, "log.csv", []byte(log), time.UTC); !errors.As(err, &wrong) {
			t.Fatalf("of no filter: %v", err)
		}
		s.behind(t)
		l, err := s.room.TakeLog(s.ctx, "log.csv", []byte(log), time.UTC)
		if err != nil || l.Allowed != 1 || l.Blocked != 1 || l.Refused != 2 || !l.Last.Equal(time.Date(2026, 11, 20, 9, 1, 0, 0, time.UTC)) {
			t.Fatalf("%+v, %v", l, err)
		}
		if _, err := s.room.TakeLog(s.ctx, "copy.csv", []byte(log), time.UTC); !errors.As(err, &wrong) || !strings.Contains(wrong["file"], "counted before") {
			t.Errorf("twice: %v", err)
		}
		for name, data := range map[string]string{
			"without a time": "User,Action\nb.moss,Allowed\n", "with no row to read": "Time,Action\nnever,perhaps\n", "a picture": "\x89PNG\r\n\x1a\n\x00",
		} {
			if _, err := s.room.TakeLog(s.ctx, name, []byte(data), time.UTC); !errors.As(err, &wrong) || wrong["file"] == "" {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestAnotherFilterIsReachedInItsOwnLanguage(t *testing.T) {
	answer := func(text string) string {
		t.Helper()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				buf := make([]byte, 200)
				_, _ = c.Read(buf)
				_, _ = c.Write([]byte(text))
				_ = c.Close()
			}
		}()
		return l.Addr().String()
	}
	for name, c := range map[string]struct{ to, says string }{
		"a proxy that opens":   {answer("HTTP/1.1 200 Connection established\r\n\r\n"), ""},
		"a proxy that refuses": {answer("HTTP/1.0 403 Forbidden\r\n\r\n"), ""},
		"one that asks who":    {answer("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"), "asks for a password"},
		"something else":       {answer("SSH-2.0-OpenSSH_9.2\r\n"), "is not a proxy"},
		"nothing at all":       {"127.0.0.1:1", "nothing answers"},
	} {
		err := devices.ReachForTest(context.Background(), devices.Beside{Kind: devices.Behind, Proxy: c.to})
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	u, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = u.Close() })
	go func() {
		buf := make([]byte, 512)
		for {
			n, from, err := u.ReadFrom(buf)
			if err != nil {
				return
			}
			buf[2] |= 0x80
			_, _ = u.WriteTo(buf[:n], from)
		}
	}()
	if err := devices.ReachForTest(context.Background(), devices.Beside{Kind: devices.Behind, DNS: []string{u.LocalAddr().String()}}); err != nil {
		t.Errorf("a DNS server: %v", err)
	}
	if err := devices.ReachForTest(context.Background(), devices.Beside{Kind: devices.Behind, DNS: []string{"127.0.0.1:1"}}); err == nil {
		t.Error("no DNS server was reached")
	}
}
