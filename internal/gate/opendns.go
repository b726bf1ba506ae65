package gate

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"time"

	"belisha/internal/gate/dns"
	"belisha/internal/gate/dns/doh"
)

// openDNS sets the school's own zones, opens the doors for names over TLS and
// over HTTPS, where they are set, and lets devices be told of them.
func (r *running) openDNS(*Settings) error {
	d := &r.cfg.Doors
	if err := r.dns.Own(d.OwnZones); err != nil {
		return err
	}
	if d.DoT == "" && d.DoH == "" {
		return nil
	}
	certs := &doorCertificates{running: r, certFile: d.CertFile, keyFile: d.KeyFile}
	// Names over UDP and TCP are answered all the same; nobody is told of a
	// door that can prove nothing.
	switch err := certs.check(); {
	case errors.Is(err, errNoCertificate):
		r.cfg.Log.Error("names are not answered over TLS: there is no certificate", "error", err.Error())
		return nil
	case err != nil:
		r.cfg.Log.Error("names over TLS wait for a certificate that can be used", "error", err.Error())
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: certs.get}
	offer := dns.Offered{Proves: func() bool { return certs.check() == nil }}
	if d.DoT != "" {
		s, err := dns.ListenDoT(d.DoT, r.dns, config)
		if err != nil {
			return plainly(err, d.DoT, "--listen-dot")
		}
		r.more = append(r.more, opened{"dot", s})
		offer.DoT = s.Addr()
	}
	if d.DoH != "" {
		s, err := doh.Listen(d.DoH, r.dns, config, r.cfg.Log)
		if err != nil {
			return plainly(err, d.DoH, "listen-doh")
		}
		r.more = append(r.more, opened{"doh", s})
		offer.DoH = s.Addr()
	}
	r.dns.Offer(offer)
	return nil
}

// rereadEvery is how often the pages' certificate is looked at for a newer one.
const (
	rereadEvery = time.Minute
	// retryEvery is how often while none could be read.
	retryEvery = 2 * time.Second
)

var errNoCertificate = errors.New("give [pages] cert-file and key-file, or make the school's certificate")

// doorCertificates prove who answers over TLS: with the pages' certificate
// where the school has one, else with one of the school's own authority.
type doorCertificates struct {
	*running
	certFile, keyFile string

	mu     sync.Mutex
	looked time.Time
	made   time.Time // of the file
	have   *tls.Certificate
	failed error // none could be read when it was last looked at
}

func (c *doorCertificates) check() error {
	if c.certFile != "" {
		_, err := c.fromFile()
		return err
	}
	if !c.authority.Ready() {
		return errNoCertificate
	}
	return nil
}

func (c *doorCertificates) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if c.certFile != "" {
		return c.fromFile()
	}
	set := c.porter.Settings()
	at := set.Sink
	if here, err := netip.ParseAddrPort(hello.Conn.LocalAddr().String()); err == nil {
		at = append([]netip.Addr{here.Addr().Unmap().WithZone("")}, at...)
	}
	return c.authority.Door(set.OwnHosts, at)
}

// fromFile reads the pages' certificate, and again once it was renewed. One
// that cannot be read leaves the one before.
func (c *doorCertificates) fromFile() (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.cfg.Clock.Now()
	age := now.Sub(c.looked).Abs()
	switch {
	case c.have != nil && age < rereadEvery:
		return c.have, nil
	case c.failed != nil && age < retryEvery:
		return nil, c.failed
	}
	c.looked, c.failed = now, nil
	info, err := os.Stat(c.certFile)
	if err == nil && c.have != nil && info.ModTime().Equal(c.made) {
		return c.have, nil
	}
	var pair tls.Certificate
	if err == nil {
		pair, err = tls.LoadX509KeyPair(c.certFile, c.keyFile)
	}
	switch {
	case err == nil:
		c.have, c.made = &pair, info.ModTime()
	case c.have == nil:
		c.failed = fmt.Errorf("reading the pages' certificate: %w", err)
		return nil, c.failed
	default:
		c.cfg.Log.Error("the pages' newer certificate cannot be used for names", "error", err.Error())
	}
	return c.have, nil
}
