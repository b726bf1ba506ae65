package tunnel

import (
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

var (
	noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	here = netip.MustParseAddr("10.1.2.3")
)

func TestWhatIsNoticed(t *testing.T) {
	chunk := func(i int) []byte { return []byte(fmt.Sprintf("%04d the quick brown fox jumps", i)) }
	for _, c := range []struct {
		name string
		kind uint16
		host func(i int) string
		in   int // questions in a minute
		over bool
	}{
		{"a page with many pictures", 1, func(i int) string { return fmt.Sprintf("img%d.cdn.example.com", i) }, 400, false},
		{"videos", 28, func(i int) string { return fmt.Sprintf("rr%d---sn-aigl6nz7.googlevideo.example", i) }, 200, false},
		{"addresses turned round", 12, func(i int) string {
			return fmt.Sprintf("%d.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", i%10)
		}, 500, false},
		{"a mail server that looks up its senders", 16, func(i int) string { return fmt.Sprintf("_dmarc.sender%d.example", i) }, 500, false},
		{"long names, now and then", 1, func(i int) string { return hex.EncodeToString(chunk(i)) + ".telemetry.example" }, 20, false},
		{"a virus scanner that asks about every file", 16, func(i int) string { return hex.EncodeToString(chunk(i)) + ".v1.sophosxl.net" }, 400, false},
		{"what looks like it and is not", 16, func(i int) string { return hex.EncodeToString(chunk(i)) + ".sophosxl.net.evil.example" }, 400, true},
		{"every advertisement in a name of its own", 1, func(i int) string { return hex.EncodeToString(chunk(i)) + ".safeframe.googlesyndication.com" }, 400, false},
		{"bytes in base 32", 1, func(i int) string {
			return strings.ToLower(strings.TrimRight(base32.StdEncoding.EncodeToString(chunk(i)), "=")) + ".t.evil.example"
		}, 200, true},
		{"bytes in hex, TXT", 16, func(i int) string { return hex.EncodeToString(chunk(i)) + ".evil.co.uk" }, 60, true},
		{"the NULL type", 10, func(i int) string { return fmt.Sprintf("p%d.evil.example", i) }, 120, true},
		{"several long labels", 5, func(i int) string {
			return strings.Repeat(hex.EncodeToString(chunk(i))+".", 2) + "evil.example"
		}, 60, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, over := New(), false
			for i := range c.in {
				o, _ := w.Ask(here, c.host(i), c.kind, noon.Add(time.Duration(i)*time.Minute/time.Duration(c.in)))
				over = over || o
			}
			if over != c.over {
				t.Errorf("noticed: %v", over)
			}
		})
	}
}

func TestAParentIsClosedForOneClientAndForAWhile(t *testing.T) {
	w := New()
	name := func(i int) string { return fmt.Sprintf("%060d.evil.example", i) }
	first := 0
	for i := range 100 {
		if _, f := w.Ask(here, name(i), 16, noon); f {
			first++
		}
	}
	if first != 1 {
		t.Errorf("it was noticed %d times", first)
	}
	for _, c := range []struct {
		name   string
		client netip.Addr
		host   string
		after  time.Duration
		over   bool
	}{
		{"the same parent", here, "www.evil.example", time.Minute, true},
		{"another parent", here, "www.fine.example", time.Minute, false},
		{"another client", netip.MustParseAddr("10.1.2.4"), "www.evil.example", time.Minute, false},
		{"ten minutes later", here, "www.evil.example", 11 * time.Minute, false},
	} {
		if over, _ := w.Ask(c.client, c.host, 1, noon.Add(c.after)); over != c.over {
			t.Errorf("%s: %v", c.name, over)
		}
	}
}

func TestWhatIsWatchedIsBounded(t *testing.T) {
	w := New()
	for i := range 3 * maxWatched {
		w.Ask(here, fmt.Sprintf("%060d.evil%d.example", i, i), 16, noon)
	}
	if n := len(w.seen); n > maxWatched {
		t.Errorf("%d parents are watched", n)
	}
}

func FuzzAsk(f *testing.F) {
	f.Add("a.b.co.uk", uint16(1))
	f.Add("", uint16(16))
	f.Add(".", uint16(10))
	f.Fuzz(func(t *testing.T, name string, kind uint16) {
		parent, sub := split(name)
		if !strings.HasSuffix(name, parent) || !strings.HasPrefix(name, sub) || len(parent)+len(sub) > len(name) {
			t.Fatalf("%q: %q and %q", name, sub, parent)
		}
		if weigh(parent, sub, kind) < 0 {
			t.Fatalf("%q weighs less than nothing", name)
		}
	})
}
