package origdst

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// originalDst is SO_ORIGINAL_DST of linux/netfilter_ipv4.h, and the same
// number for IPv6.
const originalDst = 80

// recorded asks the kernel's record of redirected connections.
func recorded(conn *net.TCPConn, local netip.Addr) (to netip.AddrPort, ok bool) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return to, false
	}
	err = raw.Control(func(fd uintptr) {
		if local.Is4() {
			to, ok = recorded4(int(fd))
			return
		}
		to, ok = recorded6(int(fd))
	})
	return to, ok && err == nil
}

// recorded4 reads a sockaddr_in. The call is for another structure that is
// large enough: the first eight bytes are family, port and address.
func recorded4(fd int) (netip.AddrPort, bool) {
	m, err := unix.GetsockoptIPv6Mreq(fd, unix.SOL_IP, originalDst)
	if err != nil {
		return netip.AddrPort{}, false
	}
	b := m.Multiaddr
	port := uint16(b[2])<<8 | uint16(b[3])
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:8])), port), port != 0
}

// recorded6 reads a sockaddr_in6.
func recorded6(fd int) (netip.AddrPort, bool) {
	m, err := unix.GetsockoptIPv6MTUInfo(fd, unix.SOL_IPV6, originalDst)
	if err != nil {
		return netip.AddrPort{}, false
	}
	port := m.Addr.Port<<8 | m.Addr.Port>>8 // as it travels
	if hostIsBig() {
		port = m.Addr.Port
	}
	return netip.AddrPortFrom(netip.AddrFrom16(m.Addr.Addr).Unmap(), port), port != 0
}

func hostIsBig() bool { return binary.NativeEndian.Uint16([]byte{0, 1}) == 1 }

// Listen takes connections that were redirected to the address, and where the
// system allows it also those that TPROXY leaves as they are.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	cfg := net.ListenConfig{Control: func(network, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) {
			level, name := unix.SOL_IP, unix.IP_TRANSPARENT
			if network == "tcp6" {
				level, name = unix.SOL_IPV6, unix.IPV6_TRANSPARENT
			}
			// Needs a privilege, and only TPROXY needs it.
			_ = unix.SetsockoptInt(int(fd), level, name, 1)
		})
	}}
	ln, err := cfg.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening for redirected connections: %w", err)
	}
	return ln, nil
}
