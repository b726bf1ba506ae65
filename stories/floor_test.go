//go:build linux

package stories_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"belisha/internal/gate/control"
	"belisha/internal/gate/spool"
	"belisha/internal/gate/subject"
	"belisha/internal/verdict"
	"belisha/lists"

	"github.com/miekg/dns"
)

// helpHosts are all names of the help floor: what is built in, and what the
// pages print.
func helpHosts() ([]string, error) {
	out := verdict.HelpFloor()
	printed, err := lists.HelpFloor()
	for _, h := range printed {
		out = append(out, h.Host)
	}
	slices.Sort(out)
	return slices.Compact(out), err
}

// ownPages must be there for everybody, whatever their state.
var ownPages = []string{"/help", "/why", "/tell", "/sign-in", "/tickets/new"}

// floor walks the help floor on the device at hand: every host, and a name
// below it, by the proxy, through a tunnel, by DNS over both transports; and
// the pages of Belisha where to turn. floor away says that the server is not
// there to show them, floor sites that the school has no pages yet.
func floor(s *story, args []string) error {
	hosts, err := helpHosts()
	if err != nil || len(hosts) < 20 {
		return fmt.Errorf("%d hosts of the help floor: %w", len(hosts), err)
	}
	var wrong []string
	for _, h := range hosts {
		for _, name := range []string{h, "www." + h} {
			wrong = append(wrong, s.floorOf(name)...)
		}
	}
	for _, path := range ownPages {
		if slices.Contains(args, "sites") {
			break
		}
		p, err := s.through(&url.URL{Scheme: "http", Host: "belisha.ashdown", Path: path}, "")
		switch {
		case err != nil:
			wrong = append(wrong, path+": "+err.Error())
		case len(args) == 0 && p.status != 200:
			wrong = append(wrong, fmt.Sprintf("%s: %d", path, p.status))
		case !strings.Contains(p.text, "0800 1111"): // the filter itself says it while the server is away
			wrong = append(wrong, path+" does not name Childline: "+p.text)
		}
	}
	if len(wrong) > 0 {
		return errors.New(strings.Join(wrong, "\n"))
	}
	return nil
}

// floorOf tries one name at every door.
func (s *story) floorOf(name string) (wrong []string) {
	for _, scheme := range []string{"http", "https"} {
		p, err := s.through(&url.URL{Scheme: scheme, Host: name, Path: "/"}, "")
		if err != nil || p.status != 200 || !strings.Contains(p.text, "the real site") {
			wrong = append(wrong, fmt.Sprintf("%s://%s: %d %v %.60s", scheme, name, p.status, err, p.text))
		}
	}
	for _, over := range [][]string{{name, "127.0.0.1"}, {"tcp", name, "127.0.0.1"}} {
		if err := dig(s, over); err != nil {
			wrong = append(wrong, "DNS: "+err.Error())
		}
	}
	return wrong
}

// shut says that an ordinary page is closed at every door, so that a walk of
// the help floor in this state proves something: shut HOST.
func shut(s *story, args []string) error {
	for _, scheme := range []string{"http", "https"} {
		p, err := s.through(&url.URL{Scheme: scheme, Host: args[0], Path: "/"}, "")
		if err != nil {
			return err
		}
		if p.status == 200 || strings.Contains(p.text, "the real site") {
			return fmt.Errorf("%s://%s is open", scheme, args[0])
		}
	}
	if err := dig(s, args[:1]); err != nil {
		return err
	}
	if s.page.status == dns.RcodeSuccess && strings.Contains(s.page.text, "127.0.0.1") {
		return fmt.Errorf("%s leads to the site by DNS: %s", args[0], s.page.text)
	}
	return nil
}

// paused tells the filter that the web is paused for whoever has the device at
// hand, as no page of the school does yet.
func paused(s *story, _ []string) error {
	at := s.now()
	row := subject.Row{
		ID: "paused", Address: netip.MustParseAddr(s.at), Subject: "paused", Certainty: spool.Sure, Groups: []string{"pupils"},
		SignedUntil: at.Add(time.Hour), PausedUntil: at.Add(time.Hour), Ends: at.Add(time.Hour),
	}
	c := control.NewClient(control.SocketPath(filepath.Join(s.data, "gate")))
	st, err := c.Status(context.Background())
	if err != nil {
		return err
	}
	return c.Push(context.Background(), subject.Push{Number: st.Presence + 1, Rows: []subject.Row{row}})
}
