package devices_test

import (
	"strings"
	"testing"

	"belisha/internal/kit/web"
	"belisha/internal/school/devices"
)

func TestRulesForAFirewallHaveTheSchoolsAddresses(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		w := devices.Redirect{Place: "Lower school", Filtered: "10.0.0.0/16", Except: "10.0.0.9"}
		if _, err := s.room.FirewallFile(s.ctx, "belisha-nftables.nft", w); err == nil || !strings.Contains(err.Error(), "at which address") {
			t.Errorf("before the filter is open to devices: %v", err)
		}
		s.opened(t)
		text := func() string {
			t.Helper()
			f, err := s.room.FirewallFile(s.ctx, "belisha-nftables.nft", w)
			if err != nil {
				t.Fatal(err)
			}
			return string(f.Body)
		}
		if got := text(); !strings.Contains(got, "10.0.0.5") || !strings.Contains(got, "10.0.0.9") || !strings.Contains(got, "Lower school") || !strings.Contains(got, "redirect to :53 ") || strings.Contains(got, "the web, to the filter") {
			t.Errorf("without a door for the web: %s", got)
		}
		s.facts.WebPort = 8480
		if got := text(); !strings.Contains(got, "redirect to :8480 ") {
			t.Errorf("with one: %s", got)
		}
		w.Filtered, w.Resolvers = "10.0.0.0/16 the library", "10.9.0.0/24"
		_, err := s.room.FirewallFile(s.ctx, "belisha-nftables.nft", w)
		if bad, ok := web.Wrong(err); !ok || !strings.Contains(bad["networks"], `"the"`) || !strings.Contains(bad["resolvers"], "write addresses alone") {
			t.Errorf("what is no address: %v", err)
		}
		if _, err := s.room.FirewallFile(s.ctx, "nothing", devices.Redirect{Filtered: "10.0.0.0/16"}); err == nil {
			t.Error("a file that is not there")
		}
	})
}
