package verdict

import (
	"net/netip"
	"slices"

	"belisha/internal/verdict/segment"
)

// privateNames are names that always mean this machine or the machine's
// owner's secrets, whatever they resolve to.
var privateNames = []string{"localhost", "metadata.google.internal", "metadata.goog"}

func (p *places) addHost(host string, t target) error {
	key, ok := segment.NameKey(host)
	if !ok {
		return refuse("%q is not a host name", host)
	}
	i, known := p.byKey[key]
	if !known {
		i = int32(len(p.lists))
		p.byKey[key] = i
		p.lists = append(p.lists, nil)
		p.hosts = append(p.hosts, host)
	}
	p.lists[i] = append(p.lists[i], t)
	return nil
}

func (p *places) addRange(r netip.Prefix, t target) {
	p.ranges = append(p.ranges, rangeTargets{r, []target{t}})
}

// close builds the filter: at least 128 bits for every host, one of them
// set.
func (p *places) close() {
	bits := uint(15)
	for 1<<bits < 128*len(p.lists) {
		bits++
	}
	p.shift = 64 - bits
	p.filter = make([]uint64, 1<<(bits-6))
	for key := range p.byKey {
		n := key >> p.shift
		p.filter[n>>6] |= 1 << (n & 63)
	}
	slices.SortStableFunc(p.ranges, func(x, y rangeTargets) int { return y.prefix.Bits() - x.prefix.Bits() })
}

// maybe reports whether the rules can name this host.
func (p *places) maybe(key uint64) bool {
	n := key >> p.shift
	return p.filter[n>>6]>>(n&63)&1 == 1
}

// maybeAny reports whether the rules can name one of these hosts.
func (p *places) maybeAny(keys []uint64) bool {
	var any uint64
	for _, key := range keys {
		n := key >> p.shift
		any |= p.filter[n>>6] >> (n & 63)
	}
	return any&1 == 1
}

// list returns what the rules say of a host, which must be the host itself
// and not one with the same key.
func (p *places) list(key uint64, host string) []target {
	i, ok := p.byKey[key]
	if !ok || p.hosts[i] != host {
		return nil
	}
	return p.lists[i]
}
