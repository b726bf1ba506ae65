//go:build !linux

package origdst

import (
	"context"
	"net"
	"net/netip"
)

func recorded(*net.TCPConn, netip.Addr) (netip.AddrPort, bool) { return netip.AddrPort{}, false }

// Listen refuses: this system keeps no record of redirected connections that
// could be asked.
func Listen(context.Context, string) (net.Listener, error) { return nil, ErrNotHere }
