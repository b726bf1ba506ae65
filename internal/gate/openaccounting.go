package gate

import (
	"belisha/internal/gate/accounting"
)

// openRADIUS opens the door for what access points say about who is where,
// where it is set.
func (r *running) openRADIUS(*Settings) error {
	cfg := &r.cfg
	if cfg.Doors.RADIUS == "" {
		return nil
	}
	s, err := accounting.Listen(cfg.Doors.RADIUS, accounting.Config{
		Peers: cfg.Doors.RADIUSPeers, Names: r.names, Table: r.table, Keep: r.keep, Clock: cfg.Clock, Log: cfg.Log,
	})
	if err != nil {
		return plainly(err, cfg.Doors.RADIUS, "--listen-radius")
	}
	r.radius = s
	r.more = append(r.more, opened{"radius", s})
	return nil
}
