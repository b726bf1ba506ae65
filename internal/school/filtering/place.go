package filtering

import (
	"context"
	"net/netip"
	"slices"
)

// placedAt is a range of addresses and the place where its devices are.
type placedAt struct {
	in    netip.Prefix
	place string
}

// setPlaces notes where the devices are.
func (r *Room) setPlaces(devices []Device) {
	var out []placedAt
	for _, d := range devices {
		if d.Place == "" {
			continue
		}
		for _, p := range d.Prefixes() {
			out = append(out, placedAt{p, d.Place})
		}
	}
	slices.SortStableFunc(out, func(a, b placedAt) int { return b.in.Bits() - a.in.Bits() })
	r.mu.Lock()
	defer r.mu.Unlock()
	r.placed = out
}

// PlaceOf says at which place of the school an address is, "" if that is not
// known. The narrowest range of the device table decides.
func (r *Room) PlaceOf(a netip.Addr) string {
	a = a.Unmap()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.placed {
		if p.in.Contains(a) {
			return p.place
		}
	}
	return ""
}

// readPlaces brings what PlaceOf knows up to date.
func (r *Room) readPlaces(ctx context.Context) error {
	devices, err := r.Devices(ctx)
	if err != nil {
		return err
	}
	r.setPlaces(devices)
	return nil
}
