package gate

import (
	"crypto/tls"
	"fmt"
	"strings"

	"belisha/internal/gate/control"
	"belisha/internal/gate/icap"
	"belisha/internal/gate/identity"
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
	groups, err := peerGroups(d.PeerGroups)
	if err != nil {
		return err
	}
	cfg := icap.Config{
		Porter: r.porter, Content: r.shared.Content, Front: r.proxy, Guard: r.guard, Pages: r.shared.Pages,
		Namer: r.names, Tag: r.looks.signatures, Peers: peers, Groups: groups, Clock: r.cfg.Clock, Log: r.cfg.Log,
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

// peerGroups reads which of our groups those of other proxies are.
func peerGroups(list []string) (map[string]string, error) {
	out := make(map[string]string, len(list))
	for _, text := range list {
		at := max(strings.LastIndexByte(text, '='), 0) // names of a directory have some of their own
		ours := strings.Trim(text[at:], "= ")
		names := identity.Groups([]string{strings.TrimSpace(text[:at])}, false)
		if ours == "" || strings.ContainsAny(ours, ", ") || len(names) != 1 {
			return nil, fmt.Errorf("peer-groups has %q, which is not a group of the directory and one of the rules, such as \"Year 7=pupils\"", text)
		}
		if had, twice := out[names[0]]; twice && had != ours {
			return nil, fmt.Errorf("peer-groups has %q twice, for %s and for %s", names[0], had, ours)
		}
		out[names[0]] = ours
	}
	return out, nil
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
