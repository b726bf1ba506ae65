package proxy

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"belisha/internal/gate/identity"
	"belisha/internal/gate/spool"
)

func TestWhatAProxySaysOfWhoAsksCountsOnlyWhereItIsListed(t *testing.T) {
	for _, c := range []struct {
		name, listed, headers string
		open                  bool
		who                   string
		certainty             spool.Certainty
	}{
		{"nobody is listed", "10.9.9.9/32", "X-Authenticated-User: mrhill\r\nX-Client-IP: 10.0.0.8\r\n", false, "mia", spool.Sure},
		{"listed, and says nothing", "127.0.0.1/32", "", false, "", spool.Unknown},
		{"listed, a teacher's name", "127.0.0.1/32", "X-Authenticated-User: HILL\\mrhill\r\nX-Forwarded-For: 10.0.0.9\r\n", true, "mrhill", spool.Likely},
		{"listed, the address of a teacher", "127.0.0.1/32", "X-Forwarded-For: 10.0.0.8\r\n", true, "teacher", spool.Sure},
		{"listed, what the browser claimed before", "127.0.0.1/32", "X-Forwarded-For: 10.0.0.8, 10.0.0.7\r\n", false, "", spool.Unknown},
		{"listed, a name that nobody has at a teacher's address", "127.0.0.1/32", "X-Authenticated-User: guest\r\nX-Forwarded-For: 10.0.0.8\r\n", false, "", spool.Unknown},
		{"listed, two names", "127.0.0.1/32", "X-Authenticated-User: mrhill\r\nX-Authenticated-User: mia\r\nX-Forwarded-For: 10.0.0.9\r\n", false, "", spool.Unknown},
		{"listed, addresses that do not agree", "127.0.0.1/32", "X-Forwarded-For: 10.0.0.7\r\nX-Client-IP: 10.0.0.8\r\n", false, "", spool.Unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, func(cfg *Config, _ table) {
				now := cfg.Clock.Now
				cfg.Peers = &identity.Peers{
					Ranges: []netip.Prefix{netip.MustParsePrefix(c.listed)}, Now: now,
					Names: identity.NewNames(roll{"mia": "pupils", "mrhill": "staff"}, now),
				}
			})
			b.SignIn(t, "127.0.0.1", "mia", "pupils")
			b.SignIn(t, "10.0.0.8", "teacher", "staff")
			got := b.raw(t, fmt.Sprintf("GET http://game.test:%d/ HTTP/1.1\r\nHost: game.test:%[1]d\r\n%sConnection: close\r\n\r\n", port(b.plain), c.headers))
			if c.open != strings.HasPrefix(got, "HTTP/1.1 200") {
				t.Errorf("%.200s", got)
			}
			if r := b.seen.Load(); c.open {
				for _, name := range []string{"X-Authenticated-User", "X-Forwarded-For", "X-Client-Ip"} {
					if r.Header.Get(name) != "" {
						t.Errorf("%s went on to the site", name)
					}
				}
			}
			if list := b.server.cfg.Peers.Status(); len(list) > 1 || (len(list) == 1) != strings.HasPrefix(c.name, "listed") {
				t.Errorf("counted: %+v", list)
			} else if len(list) == 1 && (list[0].Silent == 1) != (c.headers == "" || strings.HasSuffix(c.name, "agree")) {
				t.Errorf("counted as silent: %+v", list)
			}
			if e := b.Events(t, 1)[0]; e.Subject != c.who || e.Certainty != c.certainty {
				t.Errorf("%+v", e)
			}
		})
	}
}
