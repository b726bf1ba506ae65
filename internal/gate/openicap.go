package gate

import (
	"crypto/tls"

	"belisha/internal/gate/control"
	"belisha/internal/gate/icap"
)

// openICAP opens the doors for other proxies and firewalls, where they are set.
func (r *running) openICAP(*Settings) error {
	d := &r.cfg.Doors
	if d.ICAP == "" && d.ICAPS == "" {
		return nil
	}
	peers, err := peerRanges(d.Peers)
	if err != nil {
		return err
	}
	cfg := icap.Config{
		Porter: r.porter, Content: r.shared.Content, Front: r.proxy, Guard: r.guard, Pages: r.shared.Pages,
		Namer: r.names, Tag: r.looks.signatures, Peers: peers, Clock: r.cfg.Clock, Log: r.cfg.Log,
	}
	if d.ICAP != "" {
		if cfg.Beside, err = icap.Listen(d.ICAP, cfg); err != nil {
			return plainly(err, d.ICAP, "--listen-icap")
		}
		r.more = append(r.more, opened{"icap", cfg.Beside})
	}
	if d.ICAPS == "" {
		return nil
	}
	certs := &doorCertificates{running: r, certFile: d.CertFile, keyFile: d.KeyFile}
	if err := certs.check(); err != nil {
		// The proxies that were to ask here let nothing through then.
		r.cfg.Log.Error("ICAP is not answered over TLS: there is no certificate", "error", err.Error())
		return nil
	}
	cfg.TLS = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: certs.get}
	s, err := icap.Listen(d.ICAPS, cfg)
	if err != nil {
		return plainly(err, d.ICAPS, "listen-icaps")
	}
	r.more = append(r.more, opened{"icaps", s})
	return nil
}

// icapStatus is what came by ICAP, nil where no such door is open.
func (r *running) icapStatus() *control.ICAP {
	var sum *control.ICAP
	for _, d := range r.more {
		s, ok := d.door.(*icap.Server)
		if !ok {
			continue
		}
		if sum == nil {
			sum = new(control.ICAP)
		}
		n := s.Counts()
		sum.Requests += n.Requests
		sum.Blocked += n.Blocked
		sum.Refused += n.Refused
		sum.Faults += n.Faults
		sum.Conns += n.Conns
	}
	return sum
}
