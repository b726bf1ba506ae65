// Package subject answers who is behind an address. What it knows is pushed
// to it: presence rows from sign-in, which end by the clock, and the table of
// the school's devices. It never guesses: an address with two people, a shared
// tablet or an expired row is a device or nobody, and the strictest rules hold.
package subject

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"belisha/internal/gate/spool"
)

// maxRows bounds presence rows and devices, each.
const maxRows = 100_000

// What a row says of the school's agreement. Any other word counts as hold.
const (
	AgreementSigned = "" // or the school does not ask for it
	AgreementRemind = "remind"
	AgreementHold   = "hold"
)

// Row is what one sign-in tells: no name and no password. Groups, key stage
// and place are the slugs of the current rules.
type Row struct {
	ID          string          `json:"id"`
	Address     netip.Addr      `json:"address,omitzero"`
	Device      string          `json:"device,omitempty"`
	Subject     string          `json:"subject"`
	Certainty   spool.Certainty `json:"certainty"` // the most that may be claimed
	Groups      []string        `json:"groups,omitempty"`
	KeyStage    string          `json:"keyStage,omitempty"`
	Classes     []string        `json:"classes,omitempty"`
	Site        string          `json:"site,omitempty"`
	Place       string          `json:"place,omitempty"`
	SignedUntil time.Time       `json:"signedUntil,omitzero"`
	PausedUntil time.Time       `json:"pausedUntil,omitzero"`
	Agreement   string          `json:"agreement,omitempty"` // AgreementSigned, AgreementRemind or AgreementHold
	Ends        time.Time       `json:"ends"`
	// Idle ends the row before that, when nothing was asked and nothing was
	// open for so long; 0: it does not.
	Idle time.Duration `json:"idle,omitzero"`
	// Fresh: they have signed in just now. A row that is only told again goes
	// on where it was.
	Fresh bool `json:"fresh,omitempty"`
	// Of is the row at no address of its own by which the parent knows who this
	// is about, where the gate heard of somebody from the network; see Hear.
	Of string `json:"of,omitempty"`
	// MAC is the hardware address of a device that the network named.
	MAC string `json:"mac,omitempty"`
	// Left: nobody is signed in there any more; what a teacher set for the
	// classes of who was holds on until it ends. See Stay.
	Left bool          `json:"left,omitempty"`
	used *atomic.Int64 // unix milliseconds; shared by all copies of the row
}

// Device is a line of the school's device table.
type Device struct {
	ID        string         `json:"id"`
	Addresses []netip.Prefix `json:"addresses,omitempty"`
	MAC       string         `json:"mac,omitempty"`
	Groups    []string       `json:"groups,omitempty"`
	KeyStage  string         `json:"keyStage,omitempty"`
	Site      string         `json:"site,omitempty"`
	Place     string         `json:"place,omitempty"`
	Shared    bool           `json:"shared,omitempty"`
	// CA: the school's certificate is installed on it, so a page can be shown
	// in place of a blocked HTTPS site.
	CA bool `json:"ca,omitempty"`
	// Attended: the filter tries itself from here, and nobody needs to be
	// supervised.
	Attended bool `json:"attended,omitempty"`
	// Guests: it is a network for guests, whose web waits until they have
	// agreed to the school's terms, or signed in.
	Guests bool `json:"guests,omitempty"`
}

// Push is one message of the numbered presence stream.
type Push struct {
	Number uint64 `json:"number"`
	// Full replaces everything; else Rows are added or replaced by ID and
	// Gone are taken away.
	Full bool     `json:"full,omitempty"`
	Rows []Row    `json:"rows,omitempty"`
	Gone []string `json:"gone,omitempty"`
	// Known are the people who are there by the password that their browser
	// gives with each request, and behind no address of their own.
	Known []Row `json:"known,omitempty"`
}

// Found is who was found behind an address.
type Found struct {
	Row
	CA      bool // the device has the school's certificate
	Signed  bool // somebody is signed in
	Paused  bool // and their web is paused
	Held    bool // and it waits for the agreement to be signed
	Several bool // several people: Groups are all of theirs, and nobody in particular is meant
	Shared  bool // the device is one that several people use
	Proved  bool // by the request itself, whoever else is behind the address
	// Together are the classes that all of several people are in, Among those
	// that any of them is in.
	Together []string
	Among    []string
	Attended bool // the filter tries itself from there
	Guests   bool // it is on a network for guests
}

// Held reports that the web waits for the school's agreement to be signed.
func (r *Row) Held() bool {
	return r.Agreement != AgreementSigned && r.Agreement != AgreementRemind
}

// Guest reports somebody on a network for guests who has not gone on yet.
func (f *Found) Guest() bool { return f.Guests && f.Held && !f.Signed }

// Table knows presence and devices. It is safe for several goroutines.
type Table struct {
	mu        sync.RWMutex
	number    uint64
	rows      map[string]*Row       // by ID
	byAddress map[netip.Addr][]*Row // rows bound to an address
	byDevice  map[string][]*Row     // rows bound to a device
	heard     map[string][]*Row     // rows with a hardware address
	devices   map[string]*Device    // by ID
	exact     map[netip.Addr]*Device
	ranges    []deviceRange
	byMAC     map[string]*Device
	neighbour *neighbours
	changed   func()
}

type deviceRange struct {
	prefix netip.Prefix
	device *Device
}

// New returns an empty table. Changed, which may be nil, is called after every
// change, outside any lock.
func New(changed func()) *Table {
	if changed == nil {
		changed = func() {}
	}
	t := &Table{neighbour: newNeighbours(), changed: changed}
	t.clearRows()
	t.setDevices(nil)
	return t
}

func (t *Table) clearRows() {
	t.rows = make(map[string]*Row)
	t.byAddress = make(map[netip.Addr][]*Row)
	t.byDevice = make(map[string][]*Row)
	t.heard = make(map[string][]*Row)
}

// Apply takes one push. A push that is not the next in order is refused, so
// that the sender sends everything again; a full one always fits.
func (t *Table) Apply(p Push, now time.Time) error {
	if err := t.apply(p, now); err != nil {
		return err
	}
	t.changed()
	return nil
}

func (t *Table) apply(p Push, now time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !p.Full && p.Number != t.number+1 {
		return fmt.Errorf("presence push %d does not follow %d: send everything again", p.Number, t.number)
	}
	before := t.rows
	if p.Full {
		t.clearRows()
		t.keepHeard(before)
	}
	t.retell(&p)
	if len(t.rows)+len(p.Rows) > maxRows {
		t.sweepLocked(now)
	}
	for _, id := range p.Gone {
		t.removeLocked(id)
	}
	for i := range p.Rows {
		row := p.Rows[i]
		if row.ID == "" || !row.Address.IsValid() && row.Device == "" {
			return fmt.Errorf("presence row %q has no id, or neither address nor device", row.ID)
		}
		if len(t.rows) >= maxRows {
			return fmt.Errorf("there are more than %d presence rows", maxRows)
		}
		row.Address = row.Address.Unmap().WithZone("")
		row.begin(before[row.ID], now)
		t.removeLocked(row.ID)
		t.addLocked(&row)
	}
	t.number = p.Number
	return nil
}

func (t *Table) addLocked(r *Row) {
	t.rows[r.ID] = r
	if r.MAC != "" {
		t.heard[r.MAC] = append(t.heard[r.MAC], r)
	}
	if r.Address.IsValid() {
		t.byAddress[r.Address] = append(t.byAddress[r.Address], r)
	}
	if r.Device != "" && !r.Address.IsValid() {
		t.byDevice[r.Device] = append(t.byDevice[r.Device], r)
	}
}

func (t *Table) removeLocked(id string) {
	r := t.rows[id]
	if r == nil {
		return
	}
	delete(t.rows, id)
	drop(t.byAddress, r.Address, r)
	drop(t.byDevice, r.Device, r)
	drop(t.heard, r.MAC, r)
}

func drop[K comparable](from map[K][]*Row, key K, r *Row) {
	rows, ok := from[key]
	if !ok {
		return
	}
	if rows = without(rows, r); len(rows) > 0 {
		from[key] = rows
	} else {
		delete(from, key)
	}
}

func without(rows []*Row, r *Row) []*Row {
	kept := make([]*Row, 0, len(rows))
	for _, have := range rows {
		if have != r {
			kept = append(kept, have)
		}
	}
	return kept
}

// Sweep forgets rows that have ended.
func (t *Table) Sweep(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweepLocked(now)
}

func (t *Table) sweepLocked(now time.Time) {
	for id, r := range t.rows {
		if !now.Before(r.Ends) {
			t.removeLocked(id)
		}
	}
}

// SetDevices replaces the device table.
func (t *Table) SetDevices(devices []Device) error {
	if len(devices) > maxRows {
		return fmt.Errorf("there are more than %d devices", maxRows)
	}
	t.mu.Lock()
	t.setDevices(devices)
	t.mu.Unlock()
	t.changed()
	return nil
}

func (t *Table) setDevices(devices []Device) {
	t.devices = make(map[string]*Device, len(devices))
	t.exact = make(map[netip.Addr]*Device, len(devices))
	t.byMAC = make(map[string]*Device)
	t.ranges = nil
	for i := range devices {
		d := devices[i]
		t.devices[d.ID] = &d
		for _, p := range d.Addresses {
			if p.IsSingleIP() {
				t.exact[p.Addr().Unmap()] = &d
				continue
			}
			t.ranges = append(t.ranges, deviceRange{p.Masked(), &d})
		}
		if d.MAC != "" {
			t.byMAC[strings.ToLower(d.MAC)] = &d
		}
	}
}

// Find says who is behind an address now. What is not known stays empty: no
// groups means the strictest rules.
func (t *Table) Find(address netip.Addr, now time.Time) Found {
	address = address.Unmap().WithZone("")
	t.mu.RLock()
	defer t.mu.RUnlock()
	device := t.deviceLocked(address, now)
	rows := live(t.byAddress[address], nil, now)
	if device != nil {
		rows = live(t.byDevice[device.ID], rows, now)
	}
	rows = t.byHardware(address, rows, now)
	rows, left := apart(rows)
	found := Found{Row: Row{Address: address}}
	if device != nil {
		found = fromDevice(device, address)
	}
	one, ok := single(rows)
	switch {
	case len(rows) == 0:
		found.stay(left)
		return found
	case !ok:
		// Several people at one address: nobody in particular, and none of
		// their groups may loosen the rules for the others.
		found.Several, found.KeyStage = true, ""
		found.Groups, found.Together, found.Among = allGroups(rows), together(rows), among(rows)
		found.Paused = all(rows, func(r *Row) bool { return now.Before(r.PausedUntil) })
		found.Held = all(rows, (*Row).Held)
		return found
	}
	return withRow(found, one, device, now)
}

func fromDevice(d *Device, address netip.Addr) Found {
	return Found{CA: d.CA, Shared: d.Shared, Attended: d.Attended, Held: d.Guests, Guests: d.Guests, Row: Row{
		Address: address, Device: d.ID, Certainty: spool.Likely, Groups: d.Groups,
		KeyStage: d.KeyStage, Site: d.Site, Place: d.Place,
	}}
}

func withRow(found Found, r *Row, device *Device, now time.Time) Found {
	place, site, id := found.Place, found.Site, found.Device
	at := found.Address
	found.Row = *r
	found.Address = at // of the question; a row may be of a device
	if found.Device == "" {
		found.Device = id
	}
	if found.Place == "" {
		found.Place = place
	}
	if found.Site == "" {
		found.Site = site
	}
	if device != nil && device.Shared {
		found.Certainty = min(found.Certainty, spool.Likely)
	}
	found.Signed = now.Before(r.SignedUntil)
	found.Paused = now.Before(r.PausedUntil)
	found.Held = r.Held()
	return found
}

// live appends the rows that have not ended.
func live(rows, to []*Row, now time.Time) []*Row {
	for _, r := range rows {
		if !r.over(now) {
			to = append(to, r)
		}
	}
	return to
}

// single returns the surest and then the newest row if all of them are of one
// person.
func single(rows []*Row) (*Row, bool) {
	if len(rows) == 0 {
		return nil, false
	}
	best := rows[0]
	for _, r := range rows[1:] {
		if r.Subject != best.Subject {
			return nil, false
		}
		if r.Certainty > best.Certainty || r.Certainty == best.Certainty && r.Ends.After(best.Ends) {
			best = r
		}
	}
	return best, true
}

func all(rows []*Row, is func(*Row) bool) bool {
	return !slices.ContainsFunc(rows, func(r *Row) bool { return !is(r) })
}

// allGroups are the groups of all; none if those of one are not known.
func allGroups(rows []*Row) (out []string) {
	for _, r := range rows {
		if len(r.Groups) == 0 {
			return nil
		}
		for _, g := range r.Groups {
			if !slices.Contains(out, g) {
				out = append(out, g)
			}
		}
	}
	return out
}

// together are the classes that all are in.
func together(rows []*Row) []string {
	out := slices.Clone(rows[0].Classes)
	for _, r := range rows[1:] {
		out = slices.DeleteFunc(out, func(c string) bool { return !slices.Contains(r.Classes, c) })
	}
	return out
}

// among are the classes that any is in.
func among(rows []*Row) (out []string) {
	for _, r := range rows {
		for _, c := range r.Classes {
			if !slices.Contains(out, c) {
				out = append(out, c)
			}
		}
	}
	return out
}

func (t *Table) deviceLocked(address netip.Addr, now time.Time) *Device {
	if d := t.exact[address]; d != nil {
		return d
	}
	if len(t.byMAC) > 0 {
		if mac := t.neighbour.mac(address, now); mac != "" {
			if d := t.byMAC[mac]; d != nil {
				return d
			}
		}
	}
	var best *deviceRange
	for i := range t.ranges {
		r := &t.ranges[i]
		if r.prefix.Contains(address) && (best == nil || r.prefix.Bits() > best.prefix.Bits()) {
			best = r
		}
	}
	if best == nil {
		return nil
	}
	// A range is a room or a class set, never one person's device.
	d := *best.device
	d.Shared = true
	return &d
}

// Changes reports whether somebody's row, sign-in or pause ends after the one
// instant and not after the other.
func (t *Table) Changes(after, until time.Time) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, r := range t.rows {
		for _, at := range [...]time.Time{r.Ends, r.SignedUntil, r.PausedUntil, r.idleAt()} {
			if at.After(after) && !at.After(until) {
				return true
			}
		}
	}
	return false
}

// Paused says until when the web is paused, by row, for those rows for which
// it is now.
func (t *Table) Paused(now time.Time) map[string]time.Time {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var out map[string]time.Time
	for id, r := range t.rows {
		if !now.Before(r.PausedUntil) || !now.Before(r.Ends) || r.Of != "" || r.Left {
			continue
		}
		if out == nil {
			out = map[string]time.Time{}
		}
		out[id] = r.PausedUntil
	}
	return out
}

// KnownByNetwork calls do with everybody of whom an access point told.
func (t *Table) KnownByNetwork(now time.Time, do func(*Row)) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, r := range t.rows {
		if r.Of != "" && now.Before(r.Ends) {
			do(r)
		}
	}
}

// Number is the number of the last push applied.
func (t *Table) Number() uint64 {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.number
}

// Len is how many presence rows and devices there are.
func (t *Table) Len() (rows, devices int) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.rows), len(t.devices)
}
