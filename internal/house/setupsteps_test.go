package house_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"belisha/internal/house"
	"belisha/internal/kit/actor"
	"belisha/internal/kit/setting"
	"belisha/internal/school/devices"
	"belisha/internal/school/setup"
)

// TestWhatTheSetUpIsToldOfUnlistedSitesStandsInThePolicy begins a fresh school
// with each shipped policy and each answer: it comes into force as a shipped
// one does, and says what was chosen.
func TestWhatTheSetUpIsToldOfUnlistedSitesStandsInThePolicy(t *testing.T) {
	for _, name := range []string{"village-primary", "hospital-school"} {
		for choice, want := range map[string][2]string{ // for the youngest, for the others
			setup.UnlistedOpen: {"open", "open"}, setup.UnlistedYoungest: {"previewed-only", "open"}, setup.UnlistedAll: {"previewed-only", "previewed-only"},
		} {
			t.Run(name+" "+choice, func(t *testing.T) {
				h := open(t, house.Config{})
				ctx := actor.With(context.Background(), actor.New(actor.Actor{ID: "setup:code", Kind: actor.Console}, h.Capabilities()...))
				if err := h.Examples().Activate(ctx, name, choice); err != nil {
					t.Fatal(err)
				}
				v := h.Live().Current()
				for i, stage := range []string{"ks1", "ks3"} {
					got := v.Get("filtering.pupils.unlisted", setting.Scope{KeyStage: stage})
					if got.Choice != want[i] || !got.Confirmed {
						t.Errorf("%s: %q, confirmed %t; want %q", stage, got.Choice, got.Confirmed, want[i])
					}
				}
				if in, err := h.Examples().InForce(ctx); err != nil || in == "" {
					t.Errorf("in force: %q, %v", in, err)
				}
			})
		}
	}
}

func TestWhereTheFilterListensIsKeptForItsNextStart(t *testing.T) {
	h := open(t, house.Config{})
	ctx := actor.With(context.Background(), actor.Belisha("test"))
	dir := h.Folder().Dir
	usual := house.Config{Listen: house.DefaultListen()}
	if got := house.WithWay(usual, dir); got.Listen != usual.Listen {
		t.Errorf("before anybody has decided: %+v", got.Listen)
	}
	if _, err := h.Devices.SetBeside(ctx, devices.Beside{Kind: devices.Behind, Provider: "the county", Proxy: "127.0.0.1:1", DNS: []string{"127.0.0.1:1"}, Version: 1}); err != nil {
		t.Fatal(err)
	}
	if err := h.Devices.SetDoors(ctx, devices.Doors{Address: "filter.ashdown", Proxy: true, Version: 1}); err != nil {
		t.Fatal(err)
	}
	got := house.WithWay(usual, dir)
	if got.Listen.Proxy != "0.0.0.0:3128" || got.Listen.DNS != usual.Listen.DNS || got.File.Gate.UpstreamProxy != "127.0.0.1:1" || !slices.Equal(got.File.Gate.UpstreamDNS, []string{"127.0.0.1:1"}) {
		t.Errorf("decided: %+v %+v", got.Listen, got.File.Gate)
	}
	own := usual
	own.Listen.Proxy, own.File.Gate.UpstreamProxy = "127.0.0.1:9999", "10.0.0.1:8080"
	if got := house.WithWay(own, dir); got.Listen.Proxy != "127.0.0.1:9999" || got.File.Gate.UpstreamProxy != "10.0.0.1:8080" {
		t.Errorf("the command line and the config file do not go first: %+v %+v", got.Listen, got.File.Gate)
	}
	if changed, err := h.WriteWay(ctx); err != nil || changed {
		t.Errorf("nothing was decided since, and the file changed: %t, %v", changed, err)
	}
	if err := os.WriteFile(house.WayFile(dir), []byte("{half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := house.WithWay(usual, dir); got.Listen != usual.Listen {
		t.Errorf("a damaged file moves the filter to %+v", got.Listen)
	}
	if !house.SameAddress("0.0.0.0:3128", "[::]:3128") || house.SameAddress("0.0.0.0:3128", "127.0.0.1:3128") {
		t.Error("a filter that listens everywhere is told from itself, or not from another")
	}
}

func TestTheSetUpOffersTheFilesOfTheDevicesRoom(t *testing.T) {
	h := open(t, house.Config{})
	names := map[string]bool{}
	for _, s := range h.Devices.Steps("/set-up/file/") {
		names[s.Slug] = true
	}
	for _, want := range []string{"filter", "doors", "try-out", "platforms", "first-device", "way-out"} {
		if !names[want] {
			t.Errorf("no page %s", want)
		}
	}
	if _, err := os.Stat(filepath.Join(h.Folder().Dir, "gate", "way.json")); err == nil {
		t.Error("a fresh folder has decided something")
	}
	if s := strings.Join(keys(names), " "); len(names) > 8 {
		t.Errorf("too many pages for fifteen minutes: %s", s)
	}
}

func keys(m map[string]bool) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	return out
}
