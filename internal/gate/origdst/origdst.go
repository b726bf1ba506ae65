// Package origdst finds out where a connection was going before the network
// redirected it here: by the kernel's own record of a redirection (REDIRECT
// and DNAT on this machine), or by the address that it came in on (TPROXY).
package origdst

import (
	"errors"
	"net"
	"net/netip"
)

// ErrNotHere says that this system cannot take redirected connections.
var ErrNotHere = errors.New("connections that the network redirects can be taken on Linux only: leave --listen-transparent out, and give devices the proxy instead")

// Of is the address that a connection was meant for. It is this machine's own
// where nothing redirected the connection, or where another machine did, which
// leaves no record here.
func Of(conn *net.TCPConn) (netip.AddrPort, error) {
	local, ok := conn.LocalAddr().(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}, errors.New("the connection has no address of its own")
	}
	at := plain(local.AddrPort())
	if to, ok := recorded(conn, at.Addr()); ok {
		return to, nil
	}
	return at, nil
}

func plain(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}
