package porter_test

import (
	"net/netip"
	"testing"
	"time"

	"belisha/internal/gate/gatetest"
	"belisha/internal/gate/porter"
	"belisha/internal/gate/subject"
)

func TestWhoGoesRoundTheFilterIsListedLastFirstAndInBounds(t *testing.T) {
	w := gatetest.New(t)
	who := func(n int) *subject.Found {
		a := netip.AddrFrom4([4]byte{10, 1, byte(n >> 8), byte(n)})
		return &subject.Found{Row: subject.Row{Address: a, Device: "d", Subject: "s"}}
	}
	for n := range 3000 {
		w.Porter.Bypassed(who(n), porter.BypassCanary)
		w.Clock.Set(gatetest.Noon.Add(time.Duration(n) * time.Second))
	}
	w.Clock.Set(gatetest.Noon.Add(time.Hour))
	w.Porter.Bypassed(who(2999), porter.BypassForeign)
	list := w.Porter.Bypasses()
	if len(list) > 2048 || len(list) < 1000 || list[0].Address != who(2999).Address {
		t.Fatalf("%d are listed, first %+v", len(list), list[0])
	}
	if one := list[0]; one.Canary != 1 || one.Foreign != 1 || one.Relay != 0 || one.Device != "d" || one.Subject != "s" {
		t.Errorf("%+v", one)
	}
	set := *w.Porter.Settings()
	set.CountOnly = true
	if err := w.Porter.Configure(&set); err != nil {
		t.Fatal(err)
	}
	w.Clock.Set(gatetest.Noon.Add(2 * time.Hour))
	w.Porter.Bypassed(who(5000), porter.BypassRelay)
	if one := w.Porter.Bypasses()[0]; one.Relay != 1 || one.Subject != "" {
		t.Errorf("where only counts are kept: %+v", one)
	}
}
