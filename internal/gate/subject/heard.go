package subject

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Hear takes a row that the gate learnt from the network itself, and not from
// its parent: an access point says who is behind an address or a device. Such
// a row names in Of who it is about, so that it follows what the parent tells
// of them and goes when they do. It stays over a full push, and over a restart.
func (t *Table) Hear(r Row, now time.Time) error {
	if err := t.hear(r, now); err != nil {
		return err
	}
	t.changed()
	return nil
}

func (t *Table) hear(r Row, now time.Time) error {
	if r.ID == "" || r.Of == "" || !r.Address.IsValid() && r.MAC == "" {
		return fmt.Errorf("row %q that was heard of has no id, nobody it is about, or neither address nor device", r.ID)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.rows) >= maxRows {
		t.sweepLocked(now)
	}
	before := t.rows[r.ID]
	if before == nil && len(t.rows) >= maxRows {
		return fmt.Errorf("there are more than %d presence rows", maxRows)
	}
	r.Address = r.Address.Unmap().WithZone("")
	r.begin(before, now)
	t.removeLocked(r.ID)
	t.addLocked(&r)
	return nil
}

// Unhear forgets the rows that were heard of and that match. It returns how
// many there were.
func (t *Table) Unhear(match func(*Row) bool) int {
	t.mu.Lock()
	var gone []string
	for id, r := range t.rows {
		if r.Of != "" && match(r) {
			gone = append(gone, id)
		}
	}
	for _, id := range gone {
		t.removeLocked(id)
	}
	t.mu.Unlock()
	if len(gone) > 0 {
		t.changed()
	}
	return len(gone)
}

// Heard is how many rows were heard of, those that match; nil: all.
func (t *Table) Heard(match func(*Row) bool) (n int) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, r := range t.rows {
		if r.Of != "" && (match == nil || match(r)) {
			n++
		}
	}
	return n
}

// keepHeard carries what the gate heard of, and who has left, over a full push.
func (t *Table) keepHeard(before map[string]*Row) {
	for _, r := range before {
		if r.Of != "" || r.Left {
			t.addLocked(r)
		}
	}
}

// retell has the rows that were heard of follow what the parent says of their
// people: who is gone goes, and who is known has the groups, the pause and the
// agreement of now. A full push knows everybody whom there is.
func (t *Table) retell(p *Push) {
	if !p.Full && len(p.Gone)+len(p.Known) == 0 {
		return
	}
	known := make(map[string]*Row, len(p.Known))
	for i := range p.Known {
		known[p.Known[i].ID] = &p.Known[i]
	}
	var heard []*Row
	for _, r := range t.rows {
		if r.Of != "" {
			heard = append(heard, r)
		}
	}
	for _, r := range heard {
		now := known[r.Of]
		if now == nil && (p.Full || slices.Contains(p.Gone, r.Of)) {
			t.removeLocked(r.ID)
			continue
		}
		if now != nil {
			t.removeLocked(r.ID)
			again := r.As(now)
			t.addLocked(&again)
		}
	}
}

// As is a row that was heard of with what the parent says of its person. It
// lasts no longer than either.
func (r *Row) As(of *Row) Row {
	out := *of
	out.ID, out.Of, out.Address, out.Device, out.MAC = r.ID, of.ID, r.Address, r.Device, r.MAC
	out.Certainty, out.used, out.Fresh = min(r.Certainty, of.Certainty), r.used, r.Fresh
	out.Ends = earlier(r.Ends, of.Ends)
	out.SignedUntil = earlier(out.Ends, of.SignedUntil)
	if r.Place != "" {
		out.Place = r.Place
	}
	return out
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// byHardware appends the rows of the device that answers to an address, by its
// hardware address: a device has several addresses of IPv6, and new ones every
// day, and the network names one of them or none.
func (t *Table) byHardware(address netip.Addr, to []*Row, now time.Time) []*Row {
	if len(t.heard) == 0 {
		return to
	}
	mac := t.neighbour.mac(address, now)
	if mac == "" {
		return to
	}
	for _, r := range live(t.heard[mac], nil, now) {
		if r.Address != address {
			to = append(to, r)
		}
	}
	return to
}
