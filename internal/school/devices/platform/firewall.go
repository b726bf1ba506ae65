package platform

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"text/template"
)

// Network is what the files for firewalls and routers are made of.
type Network struct {
	School, Place string     // for people to read
	Filter        netip.Addr // where the school's network finds the filter
	// Filtered are the networks whose devices go through the filter, Inside
	// what of other networks is the school's own and is left as it is.
	Filtered, Inside []netip.Prefix
	// Except are servers and devices that are left alone; the filter's own
	// machine always is.
	Except []netip.Prefix
	// Web is the port for connections that are redirected, 0 while there is
	// none: the web is then closed to whatever does not go through the proxy.
	// DNS is the port of the filter's resolver, 0 while it is not open.
	Web, DNS uint16
	// Resolvers are addresses of names over HTTPS that are closed.
	Resolvers []netip.Addr
}

// maxRanges bounds each list of addresses in a file.
const maxRanges = 256

// ErrNoFilter says that there is no address yet to send anything to.
var ErrNoFilter = errors.New("say first at which address devices reach the filter, as numbers such as 10.0.0.5; then the rules for firewalls are here")

// Check refuses what would not stand in a rule, in a sentence.
func (n Network) Check() error {
	switch {
	case !n.Filter.IsValid() || n.Filter.IsLoopback() || n.Filter.IsUnspecified() || n.Filter.Zone() != "":
		return ErrNoFilter
	case !Words(n.School, 120) || !Words(n.Place, 120):
		return errors.New("the names of the school and of the place are plain words on one line")
	case len(n.Filtered) == 0:
		return errors.New("write at least one network whose devices go through the filter, such as 10.0.0.0/16")
	}
	for _, list := range [][]netip.Prefix{n.Filtered, n.Inside, n.Except} {
		if len(list) > maxRanges {
			return fmt.Errorf("at most %d networks fit in one list; these are %d", maxRanges, len(list))
		}
		for _, p := range list {
			if !p.IsValid() || p.Addr().Zone() != "" || p.Bits() == 0 {
				return fmt.Errorf("%s is no network such as 10.0.0.0/16: it must not be everything", p)
			}
		}
	}
	if len(n.Resolvers) > maxRanges {
		return fmt.Errorf("at most %d addresses fit in one list; these are %d", maxRanges, len(n.Resolvers))
	}
	return nil
}

// Ranges reads addresses and networks, one after another, with spaces, commas
// or new lines between.
func Ranges(text string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ' ' || r == ',' || r == ';' || r == '\n' || r == '\r' || r == '\t' }) {
		if p, err := netip.ParsePrefix(word); err == nil {
			out = append(out, p.Masked())
			continue
		}
		a, err := netip.ParseAddr(word)
		if err != nil || a.Zone() != "" {
			return nil, fmt.Errorf("%.60q is no address or network; write numbers such as 10.0.0.5 or 10.0.0.0/16", word)
		}
		a = a.Unmap()
		out = append(out, netip.PrefixFrom(a, a.BitLen()))
	}
	if len(out) > maxRanges {
		return nil, fmt.Errorf("at most %d networks fit in one list; these are %d", maxRanges, len(out))
	}
	return out, nil
}

// private are the ranges of networks that are not on the internet.
var private = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("224.0.0.0/4"),
	netip.MustParsePrefix("fc00::/7"), netip.MustParsePrefix("fe80::/10"), netip.MustParsePrefix("ff00::/8"),
}

// rules are a network as the templates see it: each list by kind of address,
// without what another of its entries covers.
type rules struct {
	Network
	Says               string // "for Ashdown School, main building"
	School4, School6   []netip.Prefix
	Inside4, Inside6   []netip.Prefix
	Except4, Except6   []netip.Prefix
	Resolve4, Resolve6 []netip.Prefix
	Filter4            bool
	Outside            []string // whatever is not inside, as ranges
}

func (n Network) rules() rules {
	r := rules{Network: n, Says: "for " + cmp.Or(n.School, "the school"), Filter4: n.Filter.Is4()}
	if n.Place != "" {
		r.Says += ", " + n.Place
	}
	r.School4, r.School6 = byKind(n.Filtered)
	r.Inside4, r.Inside6 = byKind(slices.Concat(private, n.Filtered, n.Inside, one(n.Filter)))
	r.Except4, r.Except6 = byKind(append(one(n.Filter), n.Except...))
	var resolvers []netip.Prefix
	for _, a := range n.Resolvers {
		resolvers = append(resolvers, one(a)...)
	}
	r.Resolve4, r.Resolve6 = byKind(resolvers)
	r.Outside = outside(r.Inside4)
	return r
}

func one(a netip.Addr) []netip.Prefix {
	a = a.Unmap()
	return []netip.Prefix{netip.PrefixFrom(a, a.BitLen())}
}

// byKind sorts a list, and leaves out what other entries cover: most firewalls
// refuse a list that says something twice.
func byKind(list []netip.Prefix) (four, six []netip.Prefix) {
	sorted := slices.Clone(list)
	slices.SortFunc(sorted, func(a, b netip.Prefix) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
	})
	for _, p := range sorted {
		to := &six
		if p.Addr().Is4() {
			to = &four
		}
		if k := len(*to); k > 0 && (*to)[k-1].Overlaps(p) {
			continue
		}
		*to = append(*to, p)
	}
	return four, six
}

// outside is what a sorted list of ranges leaves, as "from-to".
func outside(inside []netip.Prefix) []string {
	var out []string
	next := netip.AddrFrom4([4]byte{1})
	for _, p := range inside {
		if before := p.Addr().Prev(); before.IsValid() && next.Compare(before) <= 0 {
			out = append(out, next.String()+"-"+before.String())
		}
		last := p.Addr().As4()
		for i := range 32 - p.Bits() {
			last[3-i/8] |= 1 << (i % 8)
		}
		next = netip.AddrFrom4(last).Next()
		if !next.IsValid() {
			return out
		}
	}
	if last := netip.AddrFrom4([4]byte{223, 255, 255, 255}); next.Compare(last) <= 0 {
		out = append(out, next.String()+"-"+last.String())
	}
	return out
}

// Firewall is the file for one kind of firewall or router.
type Firewall struct {
	Name  string // of the file
	Title string
	Does  string
	Steps []string
	Undo  string
	four  bool // it is written for IPv4: filter and networks must have such addresses
	text  *template.Template
}

// MakeFirewall makes the file of that name.
func MakeFirewall(name string, n Network) (File, error) {
	if err := n.Check(); err != nil {
		return File{}, err
	}
	for _, f := range Firewalls() {
		if f.Name != name {
			continue
		}
		if err := f.fits(n); err != nil {
			return File{}, err
		}
		var b bytes.Buffer
		if err := f.text.Execute(&b, n.rules()); err != nil {
			return File{}, fmt.Errorf("making %s: %w", name, err)
		}
		return File{Name: f.Name, Type: "text/plain; charset=utf-8", Title: f.Title, Body: bytes.TrimLeft(b.Bytes(), "\n")}, nil
	}
	return File{}, ErrNone
}

func (f Firewall) fits(n Network) error {
	four := slices.ContainsFunc(n.Filtered, func(p netip.Prefix) bool { return p.Addr().Is4() })
	if f.four && (!n.Filter.Is4() || !four) {
		return fmt.Errorf("%s takes IPv4 addresses: write one of the filter and one network", f.Title)
	}
	return nil
}

// Firewalls are the kinds there are, in the order of pages.
func Firewalls() []Firewall {
	return []Firewall{
		nftables(), iptables(), openwrt(), packetFilter(), routerOS(), unifi(), fortigate(), ciscoIOS(), windowsFirewall(),
	}
}

// joined writes a list with something between.
func joined(list []netip.Prefix, between string) string {
	words := make([]string, len(list))
	for i, p := range list {
		words[i] = bare(p)
	}
	return strings.Join(words, between)
}

// bare is a network, or an address alone.
func bare(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

// mask is a network's mask with dots, wildcard its complement as Cisco has it.
func mask(p netip.Prefix) string {
	return dots(^uint32(0) << (32 - p.Bits()))
}

func wildcard(p netip.Prefix) string {
	return dots(^(^uint32(0) << (32 - p.Bits())))
}

func dots(n uint32) string {
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}).String()
}

func parse(name, text string) *template.Template {
	return template.Must(template.New(name).Funcs(template.FuncMap{
		"list": joined, "bare": bare, "mask": mask, "wildcard": wildcard, "addr": func(p netip.Prefix) string { return p.Addr().String() },
		"quoted": func(list []string) string {
			words := make([]string, len(list))
			for i, w := range list {
				words[i] = strconv.Quote(w)
			}
			return strings.Join(words, ", ")
		},
	}).Parse(strings.TrimLeft(text, "\n")))
}

func words(list []netip.Prefix) []string {
	out := make([]string, len(list))
	for i, p := range list {
		out[i] = bare(p)
	}
	return out
}
