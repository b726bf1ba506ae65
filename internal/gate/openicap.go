package gate

import (
	"belisha/internal/gate/control"
	"belisha/internal/gate/icap"
)

// openICAP opens the door for other proxies and firewalls, where it is set.
func (r *running) openICAP(*Settings) error {
	cfg := &r.cfg
	if cfg.Doors.ICAP == "" {
		return nil
	}
	peers, err := peerRanges(cfg.Doors.Peers)
	if err != nil {
		return err
	}
	s, err := icap.Listen(cfg.Doors.ICAP, icap.Config{
		Porter: r.porter, Content: r.shared.Content, Front: r.proxy, Guard: r.guard, Pages: r.shared.Pages,
		Namer: r.names, Peers: peers, Clock: cfg.Clock, Log: cfg.Log,
	})
	if err != nil {
		return plainly(err, cfg.Doors.ICAP, "--listen-icap")
	}
	r.more = append(r.more, opened{"icap", s})
	return nil
}

// icapStatus is what came by ICAP, nil where that door is not open.
func (r *running) icapStatus() *control.ICAP {
	for _, d := range r.more {
		if s, ok := d.door.(*icap.Server); ok {
			n := s.Counts()
			return &control.ICAP{Requests: n.Requests, Blocked: n.Blocked, Refused: n.Refused, Faults: n.Faults, Conns: n.Conns}
		}
	}
	return nil
}
