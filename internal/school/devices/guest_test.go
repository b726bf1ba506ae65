package devices_test

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/setting"
	"belisha/internal/kit/web"
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

func TestTheTermsAreAPageForWhoeverIsOnThatNetwork(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		routes := 0
		for _, r := range s.room.Section().Routes {
			if strings.HasSuffix(r.Pattern, " /guest") {
				routes++
				if r.Needs != web.Open || !r.People {
					t.Errorf("%s is not for guests: %+v", r.Pattern, r)
				}
				if m, _, _ := strings.Cut(r.Pattern, " "); m != http.MethodGet && m != http.MethodPost {
					t.Error(m)
				}
			}
		}
		if routes != 2 {
			t.Errorf("%d routes", routes)
		}
	})
}
