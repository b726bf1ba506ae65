package verdict_test

import (
	"strings"
	"testing"

	"belisha/internal/verdict"
)

// FuzzDecide judges any address as it is asked for: nothing falls over, what
// is locked stays closed however it is written, and what an address leads to
// is the same when it is read again.
func FuzzDecide(f *testing.F) {
	r := verdict.Rules{
		Version: verdict.RulesVersion, Groups: []verdict.Group{{Slug: "pupils", Audience: "pupil"}},
		Own:    []verdict.Own{{ID: "o", Text: "ok.test/secret", Act: verdict.Block}, {ID: "p", Text: "never.test", Act: verdict.Allow}},
		Locked: verdict.Locked{Hosts: []string{"never.test"}},
	}
	s, err := verdict.New(r, nil)
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{
		"http://never.test/", "https://NEVER.test.:443/a?b", "http://ok.test/a/../secret", "http://ok.test/%73ecret", "https://translate.google.com/translate?u=http://never.test/",
		"http://ok-test.translate.goog/secret", "http://0x7f.1/", "http://[::ffff:10.0.0.1]/", "http://web.archive.org/web/2020/http://never.test/", "//never.test", "http://x@never.test/", "h/ #",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := verdict.CanonicalURL(text)
		if err != nil {
			return
		}
		ask := verdict.Ask{Door: verdict.DoorProxy, Host: u.Host, Path: u.Path, Port: u.Port, Groups: 1}
		v := s.Decide(&ask)
		if (u.Host == "never.test" || len(u.Host) > 11 && u.Host[len(u.Host)-11:] == ".never.test") && v.Action != verdict.Block {
			t.Fatalf("%q is %+v, and it is open: %+v", text, u, v)
		}
		if strings.TrimSpace(u.Path) != u.Path {
			return // no request can name it, and where it ends nobody could say
		}
		again, err := verdict.CanonicalURL("http://" + joined(u) + u.Path)
		if err != nil || again.Host != u.Host || again.Path != u.Path {
			t.Fatalf("%q is %+v, and read again %+v, %v", text, u, again, err)
		}
		if w := s.Decide(&verdict.Ask{Door: verdict.DoorProxy, Host: again.Host, Path: again.Path, Port: u.Port, Groups: 1}); w != v {
			t.Fatalf("%q is %+v, and read again %+v", text, v, w)
		}
	})
}

func joined(u verdict.URLParts) string {
	for _, c := range u.Host {
		if c == ':' {
			return "[" + u.Host + "]"
		}
	}
	return u.Host
}
