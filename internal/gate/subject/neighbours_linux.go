package subject

import (
	"encoding/binary"
	"net"
	"net/netip"
	"syscall"
)

// What the system says of a neighbour, from its headers.
const (
	neighbourHead   = 12 // struct ndmsg
	attributeTo     = 1  // NDA_DST
	attributeLink   = 2  // NDA_LLADDR
	neighbourFailed = 0x20 | 0x01
)

// neighbours6 asks the system for its neighbours of IPv6. What it does not say
// is not known.
func neighbours6() map[netip.Addr]string {
	raw, err := syscall.NetlinkRIB(syscall.RTM_GETNEIGH, syscall.AF_INET6)
	if err != nil {
		return nil
	}
	list, err := syscall.ParseNetlinkMessage(raw)
	if err != nil {
		return nil
	}
	out := map[netip.Addr]string{}
	for _, m := range list {
		if m.Header.Type != syscall.RTM_NEWNEIGH {
			continue
		}
		if a, mac, ok := neighbourOf(m.Data); ok {
			out[a] = mac
		}
	}
	return out
}

// neighbourOf reads one neighbour. One that did not answer is none.
func neighbourOf(b []byte) (at netip.Addr, mac string, ok bool) {
	if len(b) < neighbourHead || b[0] != syscall.AF_INET6 || binary.NativeEndian.Uint16(b[8:10])&neighbourFailed != 0 {
		return at, "", false
	}
	for b = b[neighbourHead:]; len(b) >= 4; {
		n, kind := int(binary.NativeEndian.Uint16(b)), binary.NativeEndian.Uint16(b[2:4])
		if n < 4 || n > len(b) {
			break
		}
		value := b[4:n]
		switch {
		case kind == attributeTo && len(value) == 16:
			at = netip.AddrFrom16([16]byte(value))
		case kind == attributeLink && len(value) == 6:
			mac = net.HardwareAddr(value).String()
		}
		b = b[min((n+3)&^3, len(b)):]
	}
	return at, mac, at.IsValid() && mac != "" && mac != "00:00:00:00:00:00"
}
