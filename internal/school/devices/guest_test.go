package devices_test

import (
	"context"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/web"
	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/devices"
)

func live(t *testing.T) *setting.Live {
	t.Helper()
	book, err := setting.NewBook(devices.Settings())
	if err != nil {
		t.Fatal(err)
	}
	return setting.NewLive(setting.NewValues(book, 0, nil))
}

func guests(at ...string) devices.Known {
	k := devices.Known{ID: "g", Label: "Guest Wi-Fi", Group: "guests"}
	for _, a := range at {
		k.Addresses = append(k.Addresses, netip.MustParsePrefix(a))
	}
	return k
}

func TestAGuestAgreesOnceAndForATime(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.known = []devices.Known{guests("10.9.0.0/16"), {ID: "r", Group: "pupils", Addresses: []netip.Prefix{netip.MustParsePrefix("10.9.5.0/24")}}}
		at := netip.MustParseAddr("10.9.0.7")
		open := context.Background()
		g, err := s.room.GoOn(open, at)
		if err != nil || len(s.guests) != 1 || s.guests[0] != g || g.Until.Sub(g.From) != 4*time.Hour {
			t.Fatalf("%+v %v %v", g, s.guests, err)
		}
		again, err := s.room.GoOn(open, at)
		if err != nil || again.ID != g.ID {
			t.Errorf("pressed twice: %+v %v", again, err)
		}
		if list, err := s.room.Guests(open); err != nil || len(list) != 1 || list[0].Address != at {
			t.Errorf("%v %v", list, err)
		}
		for _, elsewhere := range []string{"10.0.0.7", "10.9.5.3", "192.0.2.1"} {
			if _, err := s.room.GoOn(open, netip.MustParseAddr(elsewhere)); err == nil {
				t.Errorf("from %s, which is not for guests", elsewhere)
			} else if _, ok := web.Wrong(err); !ok {
				t.Errorf("%s: %v", elsewhere, err)
			}
		}
		s.clock.Advance(4 * time.Hour)
		if list, err := s.room.Guests(open); err != nil || len(list) != 0 {
			t.Errorf("when it is over: %v %v", list, err)
		}
		if next, err := s.room.GoOn(open, at); err != nil || next.ID == g.ID {
			t.Errorf("the next time: %+v %v", next, err)
		}
		s.whole(t)
	})
}

func TestOnlyRangesForGuestsAsk(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		pupils := guests("10.9.0.0/16")
		pupils.Group = "pupils"
		for name, c := range map[string]struct {
			k    devices.Known
			want bool
		}{
			"a range for guests": {guests("10.9.0.0/16"), true}, "one device": {guests("10.9.0.7/32"), false}, "a range for pupils": {pupils, false}, "no address": {guests(), false},
		} {
			if got := s.room.AsksGuests(c.k); got != c.want {
				t.Errorf("%s: %v", name, got)
			}
		}
	})
}

func TestGuestsReadTheTermsAndPress(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		site := webtest.Site(t, s.room.Section())
		anybody := actor.Actor{}
		webtest.Get(t, site, "/guest", anybody).Is(200).Safe().Has("This is not the network for guests").HasNot("I agree")
		webtest.Post(t, site, "/guest", url.Values{}, anybody).Is(422).Safe().Has("not on the school's network for guests")
		s.known = []devices.Known{guests("192.0.2.0/24", "127.0.0.0/8")} // where the test's client is
		webtest.Get(t, site, "/guest", anybody).Is(200).Safe().Has("What holds here", "without your name", "I agree: go on as a guest").Link("/sign-in")
		webtest.Post(t, site, "/guest", url.Values{}, anybody).GoesTo("/guest")
		webtest.Get(t, site, "/guest", anybody).Is(200).Safe().Has("You are on the network as a guest").HasNot("I agree")
		if len(s.guests) != 1 {
			t.Errorf("the filter was told %v", s.guests)
		}
	})
}

func TestTheRulesForFirewallsHavePages(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		site, reader := webtest.Site(t, s.room.Section()), webtest.As("a reader", devices.MayRead)
		webtest.Get(t, site, "/devices/firewall", reader).Is(200).Safe().Has("The filter has no address for devices yet")
		s.opened(t)
		s.known = []devices.Known{{ID: "r", Group: "pupils", Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")}}}
		webtest.Get(t, site, "/devices/firewall", reader).Is(200).Safe().Has("takes no redirected web connections yet", "OPNsense", "FortiGate")
		s.facts.WebPort = 8480
		page := webtest.Get(t, site, "/devices/firewall?networks=10.0.0.0%2F16&except=10.0.0.9&place=Lower+school", reader).Is(200).Safe().HasNot("no redirected web")
		page.Link("/devices/firewall/belisha-nftables.nft?except=10.0.0.9&networks=10.0.0.0%2F16&place=Lower+school")
		webtest.Get(t, site, "/devices/firewall/belisha-nftables.nft?networks=10.0.0.0%2F16", reader).Is(200).Safe().Has("To take it back", "nft delete table inet belisha", "10.0.0.0/16")
		file := webtest.Get(t, site, "/devices/firewall/belisha-nftables.nft/file?networks=10.0.0.0%2F16", reader).Is(200)
		if !strings.HasPrefix(string(file.Body), "#!/usr/sbin/nft -f") {
			t.Errorf("the file: %.100s", file.Body)
		}
		bad := webtest.Get(t, site, "/devices/firewall?networks=the+library", reader).Is(422).Safe().Has("is no address or network")
		if got := bad.Field("networks"); got != "the library" {
			t.Errorf("what was typed is lost: %q", got)
		}
		webtest.Get(t, site, "/devices/firewall?networks=0.0.0.0%2F0", reader).Is(422).Has("it must not be everything")
		webtest.Get(t, site, "/devices/firewall/nothing?networks=10.0.0.0%2F16", reader).Is(404)
		webtest.Get(t, site, "/devices/firewall", webtest.As("a pupil")).Is(403)
	})
}
