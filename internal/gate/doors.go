package gate

import (
	"errors"
	"net/http"
	"net/netip"
)

// Doors are the ways in besides the proxy and plain DNS, and what they go by.
// An empty address is off; port 0 takes any free one.
type Doors struct {
	// ICAP answers another proxy that keeps its own connections (RFC 3507);
	// ICAPS does so over TLS.
	ICAP, ICAPS string
	// Transparent takes connections to ports 80 and 443 that the network
	// redirects here, with the address that they were meant for; the first
	// byte tells HTTP and TLS apart.
	Transparent string
	// DoT and DoH are DNS over TLS (RFC 7858) and over HTTPS (RFC 8484).
	DoT, DoH string
	// RADIUS takes accounting (RFC 2866) from access points and switches.
	RADIUS string

	Going
}

// Going is what the doors go by, as [gate] of the config file has it.
type Going struct {
	// RADIUSPeers are "address secret-file" pairs: who may send RADIUS
	// accounting, and the file with the shared secret.
	RADIUSPeers []string `toml:"radius-peers" json:"radius-peers"`
	// Peers are addresses or ranges of proxies and ICAP clients that are
	// believed when they say who asks (X-Client-IP, X-Authenticated-User …),
	// and that may use ICAP from off this machine.
	Peers []string `toml:"peers" json:"peers"`
	// PeerGroups are "name=group" pairs: the group of the rules that somebody
	// has whom nobody here knows by name, but of whom such a proxy says that
	// they are in a group of this name (X-Authenticated-Groups, over ICAP).
	PeerGroups []string `toml:"peer-groups" json:"peer-groups"`
	// Keytab is the file with the keys of HTTP/name@REALM by which browsers
	// sign in without a password (Kerberos, RFC 4559).
	Keytab string `toml:"keytab" json:"keytab"`
	// ListenDoH is where DNS over HTTPS listens; the other doors have flags.
	ListenDoH string `toml:"listen-doh" json:"listen-doh"`
	// ListenICAPS is where ICAP over TLS listens.
	ListenICAPS string `toml:"listen-icaps" json:"listen-icaps"`
	// OwnZones are the school's own DNS zones with the servers that know them,
	// as "ashdown.internal=10.0.0.2,10.0.0.3": what computers sign in to.
	OwnZones []string `toml:"own-zones" json:"own-zones"`
	// Clamd are the virus scanner's addresses, tried in order, from [clamd].
	Clamd []string `toml:"-" json:"-"`
	// CertFile and KeyFile are the pages' certificate, for names over TLS;
	// none: the school's own authority.
	CertFile string `toml:"-" json:"-"`
	KeyFile  string `toml:"-" json:"-"`
}

// door is one more way in.
type door interface {
	Serve() error // until Close
	Close() error
	Addr() netip.AddrPort // where it is; not valid for one that is no address
}

// opened is a door with its name in the state file and on the health page.
type opened struct {
	name string
	door
}

// more opens the doors that are set. Each sees to it that it is in the list
// only when it is open.
func (r *running) openMore(set *Settings) error {
	for _, open := range []func(*Settings) error{
		r.openDNS,
		r.openICAP,
		r.openRADIUS,
		r.openTransparent,
	} {
		if err := open(set); err != nil {
			return err
		}
	}
	return nil
}

// serveMore lets the open ones serve.
func (r *running) serveMore(serve func(string, func() error)) {
	for _, d := range r.more {
		serve(d.name, d.Serve)
	}
}

func (r *running) closeMore() {
	for _, d := range r.more {
		if err := d.Close(); err != nil && !errors.Is(err, http.ErrServerClosed) {
			r.cfg.Log.Debug("closing", "door", d.name, "error", err.Error())
		}
	}
}
