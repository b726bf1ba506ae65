package verdict

import (
	"net/netip"

	"belisha/internal/verdict/canon"
)

// HostKind says whether a canonical host is a name or an address.
type HostKind = canon.Kind

// The kinds of host.
const (
	HostName    = canon.Name
	HostAddress = canon.Address
)

// CanonicalHost returns the one spelling of a host (no port, no userinfo) as
// an Ask needs it, or an error where no browser would open it. Doors call it
// once, at the edge.
func CanonicalHost(raw string) (string, HostKind, error) { return canon.Host(raw) }

// URLParts are the parts of a URL that a decision needs.
type URLParts = canon.Parts

// CanonicalURL reads a URL with or without scheme, for pages and the command
// line.
func CanonicalURL(raw string) (URLParts, error) { return canon.URL(raw) }

// PrivateAddress reports whether nobody may reach the address through the
// filter: private, loopback, link-local, metadata, shared, reserved, or an
// IPv6 address that carries one of these.
func PrivateAddress(a netip.Addr) bool { return canon.Private(a) }
