package verdict

import (
	"math/bits"
	"slices"
	"time"
)

// SafeMode says how safe a service is kept for somebody in these groups:
// "strict", "moderate" or "off", as SafeTarget does by host. It is for doors
// that see inside and can ask for the safe mode in the request itself. A
// service that the rules do not name is off.
func (s *Snapshot) SafeMode(groups uint64, name string, at time.Time) string {
	i := slices.IndexFunc(s.services, func(x service) bool { return x.name == name })
	if i < 0 {
		return "off"
	}
	if groups == 0 || groups&^s.known != 0 {
		groups = s.strict
	}
	if s.tryOuts != 0 {
		groups &^= s.trying(at)
	}
	l := levelOff
	for ; groups != 0; groups &= groups - 1 {
		l = max(l, s.groups[bits.TrailingZeros64(groups)].levels[i])
	}
	switch l {
	case levelStrict:
		return "strict"
	case levelModerate:
		return "moderate"
	}
	return "off"
}
