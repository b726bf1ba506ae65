package subject

import (
	"maps"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"
)

// neighbours reads the machine's table of hardware addresses: of IPv4 where the
// system offers it as a file, of IPv6, by which a device has several addresses
// and new ones every day, from the system itself. Behind a router it knows only
// the router, which is why a device entry by hardware address works on the
// school's own network.
type neighbours struct {
	path  string
	six   func() map[netip.Addr]string
	mu    sync.Mutex
	read  time.Time
	known map[netip.Addr]string
}

const neighbourAge = 10 * time.Second

func newNeighbours() *neighbours { return &neighbours{path: "/proc/net/arp", six: neighbours6} }

func (n *neighbours) mac(a netip.Addr, now time.Time) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if age := now.Sub(n.read); n.known == nil || age > neighbourAge || age < 0 {
		n.read = now
		n.known = readNeighbours(n.path)
		maps.Copy(n.known, n.six())
	}
	return n.known[a]
}

func readNeighbours(path string) map[netip.Addr]string {
	out := make(map[netip.Addr]string)
	raw, err := os.ReadFile(path)
	if err != nil {
		return out // the system has no such file: devices are known by address only
	}
	for line := range strings.Lines(string(raw)) {
		f := strings.Fields(line)
		if len(f) < 4 || len(f[3]) != 17 || f[3] == "00:00:00:00:00:00" {
			continue
		}
		if a, err := netip.ParseAddr(f[0]); err == nil {
			out[a] = strings.ToLower(f[3])
		}
	}
	return out
}
