package accounting

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
	"time"

	"belisha/internal/gate/control"
	"belisha/internal/gate/identity"
	"belisha/internal/gate/spool"
	"belisha/internal/gate/subject"
)

const (
	lasts    = 24 * time.Hour   // a session of which nothing more is heard
	silent   = time.Hour        // one that was told again and again, and is no more
	lateness = 15 * time.Minute // what is said later is of the past
)

// IDPrefix begins the id of every row that was heard of here.
const IDPrefix = "radius-"

// ids of rows: of whom they were heard, of which machine behind that, of which
// session, and of which of its addresses.
func (m *message) ids(from netip.Addr) (ofPeer, ofNAS, ofSession string) {
	ofPeer = IDPrefix + short(from.String()) + "-"
	ofNAS = ofPeer + short(m.nas.name+"\x00"+m.nas.four+"\x00"+m.nas.six) + "-"
	return ofPeer, ofNAS, ofNAS + short(m.session) + "-"
}

// sessionOf is the session of a row's id.
func sessionOf(id string) string { return id[:strings.LastIndexByte(id, '-')+1] }

func short(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:8])
}

// take puts in force what a message says, and reports whether that is done.
func (s *Server) take(m *message, from netip.Addr, now time.Time) bool {
	ofPeer, ofNAS, ofSession := m.ids(from)
	changed := 0
	switch m.status {
	case statusAlive:
		return true
	case statusOn, statusOff:
		gone := s.ledger.began(ofPeer, ofNAS, m.nas)
		changed = s.forget(func(r *subject.Row) bool {
			return strings.HasPrefix(r.ID, ofNAS) || slices.Contains(gone, sessionOf(r.ID)) || m.nas == (nas{}) && strings.HasPrefix(r.ID, ofPeer)
		})
	case statusStop:
		s.ledger.stop(ofSession, m.said(now), now)
		changed = s.forget(func(r *subject.Row) bool { return strings.HasPrefix(r.ID, ofSession) || s.sameSession(r, m, ofPeer) })
	case statusStart, statusInterim:
		if late(m, now) || s.ledger.stopped(ofSession, m, now) {
			return true
		}
		n, ok := s.somebody(m, ofPeer, ofSession, now)
		if !ok {
			return false
		}
		changed = n
	}
	if changed == 0 {
		return true
	}
	if err := s.cfg.Keep(); err != nil {
		s.cfg.Log.Error("who is there by RADIUS accounting cannot be kept over a restart", "error", err.Error())
		return false
	}
	return true
}

func (s *Server) forget(match func(*subject.Row) bool) int { return s.cfg.Table.Unhear(match) }

// sameSession reports a row for which the end is meant although the session has
// no number: those of its device or address, as this peer has told them.
func (s *Server) sameSession(r *subject.Row, m *message, ofPeer string) bool {
	return m.session == "" && strings.HasPrefix(r.ID, ofPeer) && m.speaksOf(r)
}

// speaksOf reports a row of the message's device, or at one of its addresses.
func (m *message) speaksOf(r *subject.Row) bool {
	return m.mac != "" && r.MAC == m.mac || r.Address.IsValid() && slices.Contains(m.addresses, r.Address)
}

// behind is how far the clock of an access point may be behind ours before what
// it says is taken to be said late.
const behind = 2 * time.Minute

// said is when it was so, by our clock.
func (m *message) said(now time.Time) time.Time {
	age := m.delay
	if d := now.Sub(m.event); !m.event.IsZero() && d > behind {
		age = max(age, d)
	}
	return now.Add(-age)
}

// late reports what is said of the past: kept back on its way, or said again
// by somebody who has recorded it.
func late(m *message, now time.Time) bool {
	return m.delay > lateness || !m.event.IsZero() && now.Sub(m.event) > lateness
}

// somebody puts a person behind the addresses and the device of a session. Who
// was there before by the same peer's word is not any more. It returns how much
// has changed, and false where nobody could be asked.
func (s *Server) somebody(m *message, ofPeer, ofSession string, now time.Time) (changed int, ok bool) {
	began := m.said(now).Add(-m.spent)
	ends := s.ledger.goesOn(ofSession, m, began, now)
	rows := m.rows(ofSession, now, ends)
	stays := func(r *subject.Row) bool {
		return slices.ContainsFunc(rows, func(n subject.Row) bool { return n.ID == r.ID })
	}
	others := func(r *subject.Row) bool {
		return strings.HasPrefix(r.ID, ofPeer) && !stays(r) && (m.speaksOf(r) || strings.HasPrefix(r.ID, ofSession))
	}
	if s.cfg.Table.Heard(func(r *subject.Row) bool { return others(r) && s.ledger.later(sessionOf(r.ID), began) }) > 0 {
		return 0, true // what it says was so before somebody else came
	}
	changed = s.forget(others)
	who, err := s.who(m)
	if err != nil {
		return changed, false // what was known of this very session stays
	}
	if who == nil {
		if len(rows) > 0 && m.status == statusStart {
			s.unknown.Add(1)
		}
		return changed + s.forget(func(r *subject.Row) bool { return strings.HasPrefix(r.ID, ofSession) }), true
	}
	for i := range rows {
		row := rows[i].As(who)
		row.Fresh = m.status == statusStart
		if err := s.cfg.Table.Hear(row, now); err != nil {
			s.cfg.Log.Error("who is there by RADIUS accounting could not be taken", "error", err.Error())
			return changed, false
		}
		changed++
	}
	return changed, true
}

// who is meant by the name in a message, nil for nobody: a device's own name,
// and one that hides somebody's, mean nobody.
func (s *Server) who(m *message) (*subject.Row, error) {
	name := m.user
	if i := strings.LastIndexByte(name, '\\'); i >= 0 {
		name = name[i+1:]
	}
	name, realm, _ := strings.Cut(name, "@")
	if !identity.IsName(name) || strings.Contains(name, "/") || isHardware(name) {
		return nil, nil
	}
	ctx, stop := context.WithTimeout(s.ctx, handleFor)
	defer stop()
	return s.cfg.Names.Find(ctx, control.NameRequest{Name: name, Realm: realm, How: identity.ByAccounting})
}

// rows are one for each address of the session, or one for its device.
func (m *message) rows(ofSession string, now, ends time.Time) []subject.Row {
	if m.limit > 0 {
		if at := now.Add(max(m.limit-m.spent, 0)); at.Before(ends) {
			ends = at
		}
	}
	row := subject.Row{MAC: m.mac, Certainty: spool.Likely, Ends: ends}
	var out []subject.Row
	for _, a := range m.addresses {
		row.ID, row.Address = ofSession+a.String(), a
		out = append(out, row)
	}
	if len(out) == 0 && m.mac != "" {
		row.ID = ofSession + "device"
		out = append(out, row)
	}
	return out
}
