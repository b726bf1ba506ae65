package gate

import (
	"belisha/internal/gate/accounting"
	"belisha/internal/gate/identity"
	"belisha/internal/gate/proxy"
)

// openIdentity is how the browsers' door finds out who asks besides by their
// address and their password.
func (r *running) openIdentity(pc *proxy.Config) error {
	cfg := &r.cfg
	peers, err := peerRanges(cfg.Doors.Peers)
	if err != nil {
		return err
	}
	if len(peers) > 0 {
		r.peers = &identity.Peers{Ranges: peers, Names: r.names, Now: cfg.Clock.Now}
		pc.Peers = r.peers
	}
	if cfg.Doors.Keytab != "" {
		pc.Kerberos = identity.NewKerberos(cfg.Doors.Keytab, r.names, cfg.Clock, cfg.Log)
	}
	return nil
}

// Check looks at what can be looked at without the network and the files.
func (g Going) Check() error {
	if _, err := peerRanges(g.Peers); err != nil {
		return err
	}
	if _, err := peerGroups(g.PeerGroups); err != nil {
		return err
	}
	return accounting.CheckPeers(g.RADIUSPeers)
}
