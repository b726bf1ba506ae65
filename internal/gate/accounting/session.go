package accounting

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"belisha/internal/gate/control"
	"belisha/internal/gate/identity"
	"belisha/internal/gate/spool"
	"belisha/internal/gate/subject"
)

const (
	lasts    = 24 * time.Hour   // a session of which nothing more is heard
	lateness = 15 * time.Minute // what is said later is of the past
)

// IDPrefix begins the id of every row that was heard of here.
const IDPrefix = "radius-"

// ids of rows: of whom they were heard, of which machine behind that, of which
// session, and of which of its addresses.
func (m *message) ids(from netip.Addr) (ofPeer, ofNAS, ofSession string) {
	ofPeer = IDPrefix + short(from.String()) + "-"
	ofNAS = ofPeer + short(m.nas) + "-"
	return ofPeer, ofNAS, ofNAS + short(m.session) + "-"
}

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
		changed = s.forget(func(r *subject.Row) bool { return strings.HasPrefix(r.ID, ofNAS) })
	case statusStop:
		s.ledger.stop(ofSession, now)
		changed = s.forget(func(r *subject.Row) bool { return strings.HasPrefix(r.ID, ofSession) || s.sameSession(r, m, ofPeer) })
	case statusStart, statusInterim:
		if late(m, now) || s.ledger.stopped(ofSession, now) {
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

// late reports what is said of the past: kept back on its way, or said again
// by somebody who has recorded it.
func late(m *message, now time.Time) bool {
	return m.delay > lateness || !m.event.IsZero() && now.Sub(m.event) > lateness
}

// somebody puts a person behind the addresses and the device of a session. Who
// was there before by the same peer's word is not any more. It returns how much
// has changed, and false where nobody could be asked.
func (s *Server) somebody(m *message, ofPeer, ofSession string, now time.Time) (changed int, ok bool) {
	rows := m.rows(ofSession, now)
	stays := func(r *subject.Row) bool {
		return slices.ContainsFunc(rows, func(n subject.Row) bool { return n.ID == r.ID })
	}
	others := func(r *subject.Row) bool {
		return strings.HasPrefix(r.ID, ofPeer) && !stays(r) && (m.speaksOf(r) || strings.HasPrefix(r.ID, ofSession))
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
func (m *message) rows(ofSession string, now time.Time) []subject.Row {
	ends := now.Add(lasts)
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

// ledger remembers for a while what was answered, and which sessions are over:
// packets are sent again, and arrive in any order.
type ledger struct {
	mu   sync.Mutex
	seen map[seenKey]answered
	over map[string]time.Time // until when a session that ended does not begin again
	next time.Time
}

type seenKey struct {
	from          netip.AddrPort
	id            byte
	authenticator [16]byte
}

type answered struct {
	reply []byte // nil: it is being taken
	until time.Time
}

const (
	seenFor   = 30 * time.Second
	overFor   = 30 * time.Minute
	maxLedger = 20_000
)

func newLedger() ledger {
	return ledger{seen: make(map[seenKey]answered), over: make(map[string]time.Time)}
}

// begin reports what was answered to the same packet before, or that it is
// being taken just now.
func (l *ledger) begin(k seenKey, now time.Time) (reply []byte, running bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tidy(now)
	if have, ok := l.seen[k]; ok && now.Before(have.until) {
		return have.reply, have.reply == nil
	}
	l.seen[k] = answered{until: now.Add(seenFor)}
	return nil, false
}

func (l *ledger) done(k seenKey, reply []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if have, ok := l.seen[k]; ok {
		l.seen[k] = answered{reply, have.until}
	}
}

func (l *ledger) forget(k seenKey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.seen, k)
}

func (l *ledger) stop(session string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tidy(now)
	l.over[session] = now.Add(overFor)
}

func (l *ledger) stopped(session string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return now.Before(l.over[session])
}

// tidy forgets what is over, and everything where that is not enough.
func (l *ledger) tidy(now time.Time) {
	if now.Before(l.next) && len(l.seen) < maxLedger && len(l.over) < maxLedger {
		return
	}
	l.next = now.Add(seenFor)
	for k, a := range l.seen {
		if !now.Before(a.until) {
			delete(l.seen, k)
		}
	}
	for k, until := range l.over {
		if !now.Before(until) {
			delete(l.over, k)
		}
	}
	if len(l.seen) >= maxLedger {
		clear(l.seen)
	}
	if len(l.over) >= maxLedger {
		clear(l.over)
	}
}
