package verdict_test

import (
	"strings"
	"testing"
	"time"

	"belisha/internal/verdict"
	"belisha/internal/verdict/segment"
)

func TestAPageInsideAnotherIsJudgedAsIfItWereAskedForItself(t *testing.T) {
	lock := verdict.LicenceLock{Form: verdict.LicensedSHA256, Mac: []byte("0123456789abcdef0123456789abcdef")}
	licence, _ := licensedSegment(t, lock, []string{"host.test/worst/page"})
	list := built(t, "adult", []listed{{segment.Name, "bad.test", 0, false}, {segment.URL, "half.test/secret", 0, false}, {segment.AddressRange, "203.0.113.7", 0, false}})
	s, err := verdict.New(verdict.Rules{
		Version: verdict.RulesVersion, Groups: []verdict.Group{{Slug: "pupils"}}, Categories: []verdict.Category{{Slug: "adult"}, {Slug: "illegal"}},
		Locked: verdict.Locked{Categories: []string{"illegal"}}, TunnelPorts: []uint16{443},
		Lines: []verdict.Line{{ID: "l", Categories: []string{"adult"}, Act: verdict.Block}},
		Own: []verdict.Own{
			{ID: "shut", Text: "shut.test", Act: verdict.Block},
			{ID: "page", Text: "open.test/no", Act: verdict.Block},
			{ID: "translator", Text: "translate.google.com", Act: verdict.Allow},
			{ID: "slow", Text: "slow.test", Act: verdict.Warn},
		},
	}, []verdict.Source{
		{Slug: "list", Segment: list}, {Slug: "lic", Segment: licence, Open: func(b []byte) ([]byte, error) { return b, nil }},
	})
	if err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]verdict.Action{
		"translate.google.com/translate?sl=auto&u=http://bad.test/x":                           verdict.Block,
		"translate.google.com/translate?u=http%3A%2F%2Fhalf.test%2Fsecret%2Fmore":              verdict.Block,
		"translate.google.com/translate?u=http://half.test/fine":                               verdict.Allow,
		"translate.google.com/translate?u=shut.test":                                           verdict.Block,
		"translate.google.com/translate?u=slow.test":                                           verdict.Warn,
		"translate.google.com/translate?u=http://host.test/worst/page":                         verdict.Block,
		"translate.google.com/translate?u=http://host.test/other":                              verdict.Allow,
		"translate.google.com/translate?u=203.0.113.7":                                         verdict.Block,
		"translate.google.com/translate?u=198.51.100.7":                                        verdict.Block,
		"translate.google.com/translate?u=https://translate.google.com/translate?u=bad.test":   verdict.Block,
		"translate.google.com/":                                                                verdict.Allow,
		"translate.google.com/translate?u=word":                                                verdict.Allow,
		"translate.google.co.uk/translate?u=bad.test":                                          verdict.Block,
		"half-test.translate.goog/secret?_x_tr_sl=fr":                                          verdict.Block,
		"half-test.translate.goog/fine":                                                        verdict.Allow,
		"open-test.translate.goog/no":                                                          verdict.Block,
		"shut-test.translate.goog/":                                                            verdict.Block,
		"web.archive.org/web/2020/http://half.test/secret":                                     verdict.Block,
		"web.archive.org/web/2020id_/https:/shut.test/":                                        verdict.Block,
		"web.archive.org/web/2020*/bad.test":                                                   verdict.Block,
		"web.archive.org/web/":                                                                 verdict.Allow,
		"archive.ph/http://bad.test/":                                                          verdict.Block,
		"archive.ph/aB3dE":                                                                     verdict.Allow,
		"www.google.com/amp/s/bad.test/x":                                                      verdict.Block,
		"www.google.com/search?q=bad.test":                                                     verdict.Allow,
		"bad-test.cdn.ampproject.org/c/s/bad.test/x":                                           verdict.Block,
		"www.google.co.uk/imgres?imgurl=https%3A%2F%2Fbad.test%2Fi.jpg":                        verdict.Block,
		"external-content.duckduckgo.com/iu/?u=https%3A%2F%2Fbad.test%2Fi.jpg":                 verdict.Block,
		"docs.google.com/viewer?url=http://shut.test/x.pdf":                                    verdict.Block,
		"translated.turbopages.org/proxy_u/en-ru.ru.aa-bb/https/bad.test/":                     verdict.Block,
		"r.jina.ai/https://bad.test/":                                                          verdict.Block,
		"other.test/?u=http://bad.test/":                                                       verdict.Allow,
		"notranslate.goog.test/x":                                                              verdict.Allow,
		"translate.google.com/translate?u=" + strings.Repeat("translate.google.com/t?u=", 200): verdict.Allow,
	} {
		host, path, _ := strings.Cut(url, "/")
		ask := verdict.Ask{Door: verdict.DoorProxy, Host: host, Path: "/" + path, Port: 80, At: time.UnixMilli(1000)}
		v, steps := s.Explain(&ask)
		for _, st := range steps {
			if v.Licensed != 0 && strings.Contains(st.Says+st.Via, "host.test") {
				t.Errorf("%s: the explanation tells the entry: %+v", url, st)
			}
		}
		if v.Action != want || s.Decide(&ask).Action != want {
			t.Errorf("%s: %v (%v), want %v", url, v.Action, v.Reason, want)
		}
	}
	for host, want := range map[string]verdict.Action{"shut-test.translate.goog": verdict.Block, "fine-test.translate.goog": verdict.Allow} {
		if v := s.Decide(&verdict.Ask{Door: verdict.DoorTunnel, Host: host, Port: 443, At: time.UnixMilli(1000)}); v.Action != want {
			t.Errorf("a tunnel to %s: %v (%v), want %v", host, v.Action, v.Reason, want)
		}
	}
}
