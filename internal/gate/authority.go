package gate

import (
	"crypto/tls"
	"errors"
	"io/fs"
	"net/netip"
	"path/filepath"
	"sync/atomic"

	"belisha/internal/gate/ca"
)

// authority is the school's certificate as the doors use it. It may be another
// from one moment to the next, when the school changes to one that it prepared.
type authority struct{ now atomic.Pointer[ca.CA] }

var errNoAuthority = errors.New("the school has no certificate")

// Ready reports whether there is one.
func (a *authority) Ready() bool { return a.now.Load() != nil }

// Leaf makes a certificate in place of a host's.
func (a *authority) Leaf(host string) (*tls.Certificate, error) {
	if c := a.now.Load(); c != nil {
		return c.Leaf(host)
	}
	return nil, errNoAuthority
}

// Excludes reports a host that the certificate does not hold for.
func (a *authority) Excludes(host string) bool {
	c := a.now.Load()
	return c == nil || c.Excludes(host)
}

// Door makes a certificate for doors of the school's own.
func (a *authority) Door(names []string, at []netip.Addr) (*tls.Certificate, error) {
	if c := a.now.Load(); c != nil {
		return c.Door(names, at)
	}
	return nil, errNoAuthority
}

// fingerprint is that of the one in use, "" for none.
func (a *authority) fingerprint() string {
	if c := a.now.Load(); c != nil {
		return c.Fingerprint()
	}
	return ""
}

// readCA takes the school's certificate into use, or the one that has taken
// its place. If that cannot be used, the one before goes on.
func (r *running) readCA() error {
	if r.cfg.Seal == nil {
		return nil
	}
	c, err := ca.Open(filepath.Join(r.cfg.Dir, "ca"), r.cfg.Seal, r.cfg.Clock)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		r.cfg.Log.Error("the school's certificate cannot be used; no pages are shown in place of HTTPS sites", "error", err.Error())
		return err
	case c.Fingerprint() == r.authority.fingerprint():
		return nil
	}
	r.authority.now.Store(c)
	return nil
}
