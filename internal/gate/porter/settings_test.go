package porter_test

import (
	"slices"
	"testing"

	"belisha/internal/gate/gatetest"
	"belisha/internal/verdict"
)

func TestWhatTheRulesSayOfTheDoorsHoldsWithTheRulesAndEndsWithThem(t *testing.T) {
	w := gatetest.New(t)
	is := func(when string, strict, open bool, ports ...uint16) {
		t.Helper()
		if s := w.Porter.Settings(); s.StrictHost != strict || s.TunnelsOpen != open || !slices.Equal(s.ConnectPorts, ports) {
			t.Errorf("%s: strict %t, tunnels open %t, ports %v", when, s.StrictHost, s.TunnelsOpen, s.ConnectPorts)
		}
	}
	is("at first", false, false)
	rules := gatetest.Rules()
	rules.Doors, rules.TunnelPorts = verdict.Doors{StrictHost: true, NameTunnelsOpen: true}, []uint16{443, 8443}
	w.Porter.Use(gatetest.Snapshot(t, rules))
	is("with rules that say so", true, true, 443, 8443)
	set := *w.Porter.Settings()
	set.StrictHost, set.TunnelsOpen, set.ConnectPorts, set.SchoolName = false, false, []uint16{9443}, "Another"
	if err := w.Porter.Configure(&set); err != nil {
		t.Fatal(err)
	}
	is("with settings besides", true, true, 9443)
	w.Porter.Use(gatetest.Snapshot(t, gatetest.Rules()))
	is("with rules that say nothing", false, false, 9443)
	if w.Porter.Settings().SchoolName != "Another" {
		t.Error("the settings went with the rules")
	}
}
