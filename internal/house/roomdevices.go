package house

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"

	"belisha/internal/activity"
	"belisha/internal/gate/control"
	kitcontrol "belisha/internal/kit/control"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/school/devices"
	"belisha/internal/school/filtering"
	"belisha/internal/school/review"
)

// openDevices opens the room of how devices come to the filter, and plugs into
// the filter what it decides.
func (h *House) openDevices() (err error) {
	h.Devices, err = devices.New(devices.Deps{
		DB: h.db, Journal: h.journal, Clock: h.cfg.Clock, School: h.devicesSchool, Known: h.knownDevices, Seen: h.seenDevices,
		Groups: h.filterGroups, Tried: h.tried, CanListen: h.canListen, Changed: h.wayChanged, Name: func(ctx context.Context, id string) string { return h.actorName(ctx, id) },
		Live: h.live, Guest: h.gate.guestOn, Authority: authority{h},
	})
	if err != nil {
		return err
	}
	h.gate.pac = h.Devices.PAC
	h.gate.captive = func(ctx context.Context) (bool, error) {
		d, err := h.Devices.Doors(ctx)
		return d.Captive && d.Open(), err
	}
	h.join(h.Devices)
	return nil
}

// devicesSchool is what the files for devices say of the school.
func (h *House) devicesSchool(ctx context.Context) (devices.School, error) {
	s := devices.School{ID: h.folder.Meta.School, Host: h.hostName(), Name: h.schoolName(ctx)}
	pem, _, err := h.certificate(ctx)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return s, err
	}
	s.Certificate = pem
	h.gate.mu.Lock()
	facts := h.gate.facts
	h.gate.mu.Unlock()
	s.ProxyPort, s.DNSPort, s.WebPort = portOf(facts.Proxy), portOf(facts.DNS), portOf(facts.More["transparent"])
	s.DoTPort, s.DoHPort = portOf(facts.More["dot"]), portOf(facts.More["doh"])
	return s, nil
}

func portOf(addr string) uint16 {
	if ap, err := netip.ParseAddrPort(addr); err == nil {
		return ap.Port()
	}
	return 0
}

func (h *House) knownDevices(ctx context.Context) ([]devices.Known, error) {
	list, err := h.Filtering.Devices(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]devices.Known, 0, len(list))
	for _, d := range list {
		out = append(out, devices.Known{ID: d.ID, Label: d.Label, Group: d.Group, Place: d.Place, Addresses: d.Prefixes(), MAC: d.MAC, Shared: d.Shared, CA: d.CA})
	}
	return out, nil
}

// seenDevices asks the filter whom it saw; its own probes are left out.
func (h *House) seenDevices(ctx context.Context) ([]devices.Seen, error) {
	ctx, stop := context.WithTimeout(ctx, soon)
	defer stop()
	list, err := h.gate.client().Seen(ctx)
	if errors.Is(err, control.ErrNotThere) {
		return nil, fmt.Errorf("asking the filter whom it saw: %w", err)
	}
	if err != nil {
		return nil, err
	}
	names := h.groupTitles()
	var out []devices.Seen
	for _, s := range list {
		if isProbe(s.Device) {
			continue
		}
		x := devices.Seen{Address: s.Address, At: s.At, Door: s.Door, Device: s.Device, Signed: s.Signed}
		for _, g := range s.Groups {
			if t := names[g]; t != "" {
				x.Group = strings.ToLower(t[:1]) + t[1:]
			}
		}
		out = append(out, x)
	}
	return out, nil
}

// groupTitles are the titles of the groups of the current rules, by slug.
func (h *House) groupTitles() map[string]string {
	out := map[string]string{}
	if snap := h.Filtering.Snapshot(); snap != nil {
		for _, g := range snap.Names().Groups {
			out[g.Slug] = g.Title
		}
	}
	return out
}

// filterGroups are the groups that a try-out is for.
func (h *House) filterGroups(ctx context.Context) ([]devices.Group, error) {
	counts, err := h.Filtering.PeopleOf(ctx)
	if err != nil {
		return nil, err
	}
	titles := h.groupTitles()
	var out []devices.Group
	for _, g := range filtering.Groups() {
		out = append(out, devices.Group{Slug: g, Title: orSlug(titles[g], g), People: counts[g]})
	}
	return out, nil
}

func orSlug(title, slug string) string {
	if title == "" {
		return slug
	}
	return title
}

// tried is what would have been closed for a group, most often first.
func (h *House) tried(ctx context.Context, group string, since time.Time) ([]devices.Tried, error) {
	totals, err := h.memory.Tried(ctx, since, h.cfg.Clock.Now().Add(time.Minute))
	if err != nil {
		return nil, err
	}
	titles := map[string]string{}
	if snap := h.Filtering.Snapshot(); snap != nil {
		for _, c := range snap.Names().Categories {
			titles[c.Slug] = c.Title
		}
	}
	count := map[string]int64{}
	for _, t := range totals {
		if t.Action == activity.WouldBlock && (t.Group == group || strings.HasPrefix(t.Group, group+"-")) {
			count[t.Category] += int64(t.N)
		}
	}
	var out []devices.Tried
	for slug, n := range count {
		out = append(out, devices.Tried{Category: orSlug(titles[slug], orSlug(slug, "Sites that stand on no list")), Count: n})
	}
	slices.SortFunc(out, func(a, b devices.Tried) int {
		if a.Count != b.Count {
			return int(b.Count - a.Count)
		}
		return strings.Compare(a.Category, b.Category)
	})
	return out, nil
}

// trying are the groups for which nothing is closed now.
func (h *House) trying(ctx context.Context) (map[string]time.Time, error) {
	if h.Devices == nil {
		return nil, nil
	}
	return h.Devices.Trying(ctx)
}

// weakened are the controls of what the filter does, which must not be shown
// as kept while it is out of the path, or closes nothing.
var weakened = []string{"C02", "C03", "C08", "C30"}

// onThePath lets the state of the path weigh on what a room finds.
func (h *House) onThePath(list []kitcontrol.Control) []kitcontrol.Control {
	out := slices.Clone(list)
	for i, c := range out {
		if !slices.Contains(weakened, c.Number) {
			continue
		}
		check := c.Check
		out[i].Check = func(ctx context.Context, now time.Time, v *setting.Values) (kitcontrol.Finding, error) {
			f, err := check(ctx, now, v)
			if err != nil {
				return f, err
			}
			return h.Devices.Weaken(ctx, f)
		}
	}
	return out
}

// canListen tries the addresses that devices shall come to.
func (h *House) canListen(ctx context.Context, d devices.Doors) error {
	a, err := netip.ParseAddr(d.Address)
	if err != nil {
		return nil //nolint:nilerr // a name: where it leads is the network's to say
	}
	port := "0" // the proxy has its port already; the address must be ours
	if d.DNS && h.cfg.Listen.DNS == DefaultListen().DNS {
		port = dnsPort
		if portOf(h.way().DNS) != 0 && h.way().DNS == net.JoinHostPort(a.String(), port) {
			port = "0" // the filter itself listens there
		}
	}
	to := net.JoinHostPort(a.String(), port)
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", to)
	if err == nil {
		var p net.PacketConn
		p, err = (&net.ListenConfig{}).ListenPacket(ctx, "udp", to)
		if err == nil {
			err = p.Close()
		}
		err = errors.Join(err, l.Close())
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("this machine does not have the address %s", a)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("port %s needs a privilege: install Belisha with `sudo belisha service install`, which gives it, then try again", port)
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("another program has port %s of %s; end it, then try again", port, a)
	}
	return fmt.Errorf("the filter cannot listen on %s: %w", to, err)
}

// isDoor reports whether devices reach the filter under that name or address.
func (h *House) isDoor(host string) bool {
	if h.Devices == nil {
		return false
	}
	d, err := h.Devices.Doors(context.Background())
	return err == nil && d.Open() && strings.EqualFold(hostOnly(host), d.Address)
}

// pathHealth says where devices reach the filter, and whether Belisha is in
// the path at all.
func (h *House) pathHealth(ctx context.Context) []review.Check {
	k := review.Check{Name: "Devices", State: kitcontrol.Kept}
	d, err := h.Devices.Doors(ctx)
	if err != nil {
		return []review.Check{{Name: k.Name, State: kitcontrol.Unknown, Words: err.Error()}}
	}
	out, err := h.Devices.Out(ctx)
	if err != nil {
		return []review.Check{{Name: k.Name, State: kitcontrol.Unknown, Words: err.Error()}}
	}
	switch {
	case out != nil:
		k.State, k.Words = kitcontrol.Broken, "Belisha is taken out of the path: it closes nothing and records nothing."
		k.Todo = "Put it back on the page Way out, under Devices."
	case !d.Open():
		k.State, k.Words = kitcontrol.NotApplicable, "The filter answers on this machine alone; no address for devices was said."
	default:
		k.Words = "They reach the filter at " + d.Address + "."
	}
	b, err := h.Devices.Beside(ctx)
	if err == nil && b.Reached != "" && b.Reached != devices.Reached {
		k.State, k.Words = kitcontrol.AtRisk, k.Words+" The other filter was not reached when it was last tried: "+b.Reached+"."
		k.Todo = "Look whether it answers, then save it anew under Devices."
	}
	return []review.Check{k}
}
