package porter

import (
	"net/netip"
	"testing"
	"time"

	"belisha/internal/gate/subject"
	"belisha/internal/kit/clock"
	"belisha/internal/verdict"
)

func TestWhoWasSeenIsKnownForADayAndBounded(t *testing.T) {
	now := clock.NewFake(time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC))
	p := &Porter{clock: now, seen: newSeen()}
	see := func(address string, door verdict.Door) {
		p.seen.saw(&subject.Found{Row: subject.Row{Address: netip.MustParseAddr(address), Device: "tablet", Groups: []string{"pupils"}}}, door, now.Now())
	}
	see("10.0.0.7", verdict.DoorProxy)
	see("10.0.0.8", verdict.DoorNone) // a page asked, no device
	if got := p.Seen(); len(got) != 1 || got[0].Address.String() != "10.0.0.7" || got[0].Device != "tablet" || got[0].Door == "" {
		t.Fatalf("seen %+v", got)
	}
	now.Advance(23 * time.Hour)
	see("10.0.0.9", verdict.DoorDNS)
	if got := p.Seen(); len(got) != 2 || got[0].Address.String() != "10.0.0.9" {
		t.Errorf("the newest is not first: %+v", got)
	}
	now.Advance(2 * time.Hour)
	if got := p.Seen(); len(got) != 1 {
		t.Errorf("a day later: %+v", got)
	}
	for i := range 200_000 {
		a := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		p.seen.saw(&subject.Found{Row: subject.Row{Address: a}}, verdict.DoorDNS, now.Now())
	}
	if n := len(p.Seen()); n > seenShards*seenPerShard || n == 0 {
		t.Errorf("%d addresses are remembered", n)
	}
}
