package filtering_test

import (
	"context"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/filtering"
	"belisha/internal/verdict"
)

// looksInto reports whether the rules in force end the encryption of a site.
func (s *school) looksInto(host string) bool {
	snap := s.room.Snapshot()
	groups := snap.Names().GroupBit(filtering.GroupPupils)
	v := snap.Decide(&verdict.Ask{Door: verdict.DoorTunnel, Host: host, Port: 443, Groups: groups, At: s.clock.Now()})
	return snap.Inspects(groups, s.clock.Now(), host, &v)
}

func TestASiteThatTakesNoCertificateIsLeftAloneByOnePress(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		in := filtering.Inside{Known: true, Certificate: "ab:cd", Troubles: []filtering.Trouble{
			{Host: "api.app.example", Kind: filtering.TroublePinned, Count: 12, Devices: 3, Last: s.clock.Now()},
			{Host: "cards.example", Kind: filtering.TroubleVisitor, Count: 1, Last: s.clock.Now()},
			{Host: "old.example", Kind: filtering.TroubleSite, Detail: "certificate expired", Count: 1, Last: s.clock.Now()},
		}}
		s.deps.Inside = func(context.Context) (filtering.Inside, error) { return in, nil }
		s.deps.Assessed = func(context.Context) (bool, error) { return true, nil }
		s.start()
		s.confirmed()
		first, one, _, _ := s.site()
		quiet := in.Troubles
		in.Troubles = nil
		webtest.Get(t, first, "/filter/left-alone", one).Is(200).Safe().Has("looks into no encrypted site")
		in.Troubles = quiet
		_, err := s.activate(1, nil, s.value("filtering.inspect", "on", setting.Scope{Group: "pupils"}))
		must(t, err)
		site, manager, _, reader := s.site()
		if !s.looksInto("api.app.example") {
			t.Fatal("it is not looked into to begin with")
		}
		webtest.Get(t, site, "/filter/left-alone", manager).Is(200).Safe().Has("api.app.example", "12 times, on 3 devices", "Leave api.app.example alone",
			"Leave cards.example alone", "certificate expired", "Only whoever runs the site").HasNot("Leave old.example alone")
		webtest.Get(t, site, "/filter/left-alone", reader).Is(200).Safe().Has("api.app.example").HasNot("Leave api.app.example alone")
		press := url.Values{"host": {"api.app.example"}, "reason": {"A program does not take the school's certificate for it."}}
		webtest.Post(t, site, "/filter/left-alone", press, reader).Is(403)
		webtest.Post(t, site, "/filter/left-alone", press, manager).Is(303)
		if s.looksInto("api.app.example") || s.looksInto("v2.api.app.example") || !s.looksInto("app.example") {
			t.Error("the wrong sites are left alone")
		}
		webtest.Get(t, site, "/filter/left-alone", manager).HasNot("Leave api.app.example alone").Has("Leave cards.example alone")
		webtest.Post(t, site, "/filter/left-alone", press, manager).Is(422).Safe().Has("left alone already")
		for bad, says := range map[string]string{"co.uk": "not the name of a site", "203.0.113.9": "not the name of a site", "a b": "not the name of a site", "": "not the name of a site"} {
			webtest.Post(t, site, "/filter/left-alone", url.Values{"host": {bad}, "reason": {"x"}}, manager).Is(422).Safe().Has(says)
		}
		webtest.Post(t, site, "/filter/left-alone", url.Values{"host": {"https://b.example/x"}, "reason": {""}}, manager).Is(422).Has("Write why")
		s.ends(t, manager, "api.app.example")
		in = filtering.Inside{}
		webtest.Get(t, site, "/filter/left-alone", manager).Is(200).Safe().Has("The filter does not answer")
	})
}

// ends has a site looked into again, by its page.
func (s *school) ends(t *testing.T, manager actor.Actor, host string) {
	t.Helper()
	site, _, _, _ := s.site()
	page := webtest.Get(t, site, "/filter/left-alone", manager)
	links := regexp.MustCompile(`/filter/left-alone/[^"/?]+`).FindAllString(string(page.Body), -1)
	path := links[len(links)-1]
	webtest.Get(t, site, path, manager).Is(200).Safe().Has(host, "Look into it again")
	webtest.Post(t, site, path, url.Values{"reason": {""}}, manager).GoesTo(path)
	webtest.Post(t, site, path, url.Values{"reason": {"The app was mended."}}, manager).GoesTo("/filter/left-alone")
	if !s.looksInto(host) {
		t.Error("it is still left alone")
	}
	webtest.Get(t, site, "/filter/changes", manager).Has("A site is left alone.", "A site is left alone no longer.", "The app was mended.")
}

func TestWhatIsDecidedAboutTheWaysInIsInTheRules(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		if d, ports := s.room.Snapshot().Doors(); d != (verdict.Doors{}) || ports != nil {
			t.Errorf("by default %+v %v", d, ports)
		}
		effects, err := s.activate(1, map[string]string{"filtering.two-names": "refused", "filtering.name-tunnels": "counted", "filtering.secure-ports": "8443 and 9443"})
		must(t, err)
		if d, ports := s.room.Snapshot().Doors(); !d.StrictHost || !d.NameTunnelsOpen || !slices.Equal(ports, []uint16{443, 8443, 9443}) {
			t.Errorf("%+v %v", d, ports)
		}
		if len(effects) != 3 {
			t.Errorf("effects: %+v", effects)
		}
		for _, bad := range []string{"22", "80", "0", "99999", "https", "443, 25"} {
			if _, err := s.activate(2, map[string]string{"filtering.secure-ports": bad}); err == nil || !strings.Contains(err.Error(), "ports of encrypted sites") {
				t.Errorf("%q: %v", bad, err)
			}
		}
	})
}
