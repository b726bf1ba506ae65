package house

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"belisha/internal/gate"
	"belisha/internal/gate/porter"
	"belisha/internal/school/filtering"
	"belisha/lists"
)

// writeSettings writes what the filter must know besides its rules. What was
// read first is written first, so that the newest stays.
func (g *gateDoor) writeSettings(ctx context.Context) error {
	g.writing.Lock()
	defer g.writing.Unlock()
	h := g.h
	floor, err := lists.HelpFloor()
	if err != nil {
		return fmt.Errorf("reading where to turn: %w", err)
	}
	essentials, err := lists.Essentials()
	if err != nil {
		return fmt.Errorf("reading the essentials: %w", err)
	}
	recording, err := h.Monitoring.Recording(ctx)
	if err != nil {
		return err
	}
	about, err := h.Setup.School(ctx)
	if err != nil {
		return err
	}
	s := porter.Settings{
		SchoolName: about.Name, Site: "main", TimeZone: h.zone().String(), OwnHosts: []string{about.Host},
		PeopleSocket: h.peopleSocket(), TrustedAdult: "If something worries you, tell " + h.trustedAdult(ctx) + ".", Essentials: essentials,
		AskBasic: h.cfg.File.Gate.AskBasic, CountOnly: !recording, Themes: filtering.SearchPhrases(),
		Forbidden: g.forbidden(),
		Notice:    h.toldText(false), NoticeStaff: h.toldText(true),
	}
	if err := g.plugged(ctx, &s); err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, f := range floor {
		s.HelpHosts = append(s.HelpHosts, f.Host)
		if !seen[f.Service] {
			seen[f.Service] = true
			s.Help = append(s.Help, porter.HelpLine{Name: f.Service, Phone: f.Phone, URL: "https://" + f.Host + "/", Says: f.Pupil})
		}
	}
	return gate.WriteSettings(g.dir, s)
}

// plugged asks the rooms that have a say in how devices find the filter.
func (g *gateDoor) plugged(ctx context.Context, s *porter.Settings) (err error) {
	if g.h.Devices != nil {
		d, err := g.h.Devices.Doors(ctx)
		if err != nil {
			return err
		}
		if d.Open() {
			// Devices find the first pages by this machine's address.
			s.OwnHosts = append(s.OwnHosts, d.Address)
		}
	}
	if g.pac != nil {
		if s.PAC, err = g.pac(ctx); err != nil {
			return fmt.Errorf("making the file by which browsers find the proxy: %w", err)
		}
	}
	if g.captive != nil {
		if s.Captive, err = g.captive(ctx); err != nil {
			return fmt.Errorf("asking whether devices are led to sign-in: %w", err)
		}
	}
	return nil
}

// forbidden are the desk's and the admin page's addresses: never reachable
// through the filter.
func (g *gateDoor) forbidden() []netip.AddrPort {
	var out []netip.AddrPort
	for _, a := range []net.Addr{g.pages, g.admin} {
		if a == nil {
			continue
		}
		ap, err := netip.ParseAddrPort(a.String())
		if err != nil {
			continue
		}
		out = append(out, ap)
		if ap.Addr().IsUnspecified() { // the pages off loopback, on every address of this machine
			for _, own := range addressesOf(a.String()) {
				out = append(out, netip.AddrPortFrom(own, ap.Port()))
			}
		}
	}
	return out
}
