package devices

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/school/devices/platform"
)

// Doors is where devices reach the filter.
type Doors struct {
	Address string // of this machine on the school's network: "10.0.0.5" or a name
	Proxy   bool   // the proxy is open to devices
	DNS     bool   // DNS is open to devices
	Captive bool   // "are you online?" checks lead to sign-in
	DoT     string // name of a DNS-over-TLS server that asks the filter
	SSID    string // the school's Wi-Fi
	Version int64
}

// Open reports whether devices can reach anything.
func (d Doors) Open() bool { return d.Proxy || d.DNS }

func (d *Doors) check() error {
	bad := store.Invalid{}
	d.Address, d.DoT, d.SSID = strings.ToLower(strings.TrimSpace(d.Address)), strings.ToLower(strings.TrimSpace(d.DoT)), strings.TrimSpace(d.SSID)
	if !platform.Host(d.Address) || unspecified(d.Address) {
		bad["address"] = "Write this machine's address on the school's network, such as 10.0.0.5, or its name"
	}
	if !d.Proxy && !d.DNS {
		bad["ways"] = "Choose at least one way"
	}
	if _, err := netip.ParseAddr(d.Address); d.DNS && err != nil && bad["address"] == "" {
		bad["address"] = "For DNS write the address in numbers, such as 10.0.0.5: devices cannot look up the name of what looks up names"
	}
	if d.DoT != "" && (!platform.Host(d.DoT) || !strings.Contains(d.DoT, ".")) {
		bad["dot"] = "Write a name such as dns.ashdown.example, or leave it empty"
	}
	if !platform.Words(d.SSID, 32) {
		bad["ssid"] = "Write the Wi-Fi's name as devices show it, at most 32 letters"
	}
	return bad.OrNil()
}

func unspecified(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && (a.IsUnspecified() || a.IsMulticast())
}

// OnlyHere reports that the address is this machine's own loopback, which no
// other device reaches.
func (d Doors) OnlyHere() bool {
	a, err := netip.ParseAddr(d.Address)
	return d.Address == "localhost" || err == nil && a.IsLoopback()
}

// SetDoors opens the filter to devices. What the machine does not allow is
// refused before anything changes.
func (r *Room) SetDoors(ctx context.Context, d Doors) error {
	if err := d.check(); err != nil {
		return err
	}
	before, err := r.Doors(ctx)
	if err != nil {
		return err
	}
	if err := r.d.CanListen(ctx, d); err != nil {
		return store.Invalid{"ways": err.Error()}
	}
	err = r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if err := r.putDoors(ctx, tx, d); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{Verb: VerbDoors, Kind: "filter", ID: "doors", Before: before, After: d})
	})
	if err != nil {
		return err
	}
	if err := r.d.Changed(ctx); err != nil {
		return errors.Join(err, r.undoDoors(ctx, before))
	}
	return nil
}

// undoDoors writes back what was, where the filter could not take what is: the
// records never say that a door is open which is not.
func (r *Room) undoDoors(ctx context.Context, before Doors) error {
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if err := r.restoreDoors(ctx, tx, before); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{Verb: VerbDoors, Kind: "filter", ID: "doors", After: before, Reason: "the filter could not listen there"})
	})
}

// Facts are what the platforms' files are made of.
func (r *Room) Facts(ctx context.Context) (platform.Facts, error) {
	s, err := r.d.School(ctx)
	if err != nil {
		return platform.Facts{}, fmt.Errorf("asking for the school's name: %w", err)
	}
	d, err := r.Doors(ctx)
	if err != nil {
		return platform.Facts{}, err
	}
	b, err := r.Beside(ctx)
	if err != nil {
		return platform.Facts{}, err
	}
	out, err := r.Out(ctx)
	if err != nil {
		return platform.Facts{}, err
	}
	f := platform.Facts{
		School: s.Name, SchoolID: s.ID, Host: s.Host, DoT: d.DoT, SSID: d.SSID,
		Upstream: b.Filtered(), Out: out != nil, Certificate: s.Certificate, UpstreamCertificate: []byte(b.Certificate),
	}
	if d.Proxy && s.ProxyPort != 0 {
		f.Proxy = net.JoinHostPort(d.Address, strconv.Itoa(int(s.ProxyPort)))
	}
	if d.DNS {
		f.DNS = d.Address
	}
	f.OwnDNS = ownDNS(s, d)
	return f, nil
}

// tlsPort is where every device looks for DNS over TLS.
const tlsPort = 853

// ownDNS is the filter's own door for names over TLS or HTTPS, as devices on
// the school's Wi-Fi find it.
func ownDNS(s School, d Doors) (own platform.OwnDNS) {
	if a, err := netip.ParseAddr(d.Address); err != nil || a.IsLoopback() {
		return own
	}
	switch {
	case s.DoTPort == tlsPort:
		return platform.OwnDNS{At: d.Address}
	case s.DoHPort != 0:
		return platform.OwnDNS{At: d.Address, DoHPort: s.DoHPort}
	}
	return own
}

// PAC is what the filter serves as proxy configuration, "" for none.
func (r *Room) PAC(ctx context.Context) (string, error) {
	f, err := r.Facts(ctx)
	if err != nil {
		return "", err
	}
	file, err := platform.Make(platform.NamePAC, f)
	if err != nil {
		return "", nil //nolint:nilerr // not open to devices yet: there is none
	}
	return string(file.Body), nil
}
