// Package vouch decides whether a site on the far side of TLS is the one that
// it says it is, as strictly as browsers do and in some things more: the whole
// chain up to an issuer that is believed, the name, the times, keys that are
// long enough, and that nothing of it was revoked. Nobody can be asked to "go
// on anyway", so what browsers find out by asking further is asked here too:
// for an issuer that a site forgot to send, and for lists of what was revoked.
//
// What has been proved is remembered for a short time, by every byte that the
// site sent, so that the next connection costs little.
package vouch

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	provedFor = 10 * time.Minute // that something was proved is believed so long
	maxProofs = 2048             // in each of two generations
	minRSA    = 2048
	skew      = 5 * time.Minute // of the clocks of whoever says what was revoked
)

// What may be wrong besides what crypto/x509 finds.
var (
	ErrRevoked = errors.New("the certificate has been revoked")
	ErrNoProof = errors.New("the certificate asks for a proof that it was not revoked, and the site gives none")
	ErrWeakKey = errors.New("the certificate has a key that is too short")
	errNothing = errors.New("the site showed no certificate")
)

// Options are what a Verifier needs.
type Options struct {
	Roots *x509.CertPool // who is believed; nil: whom the system believes
	Now   func() time.Time
	// Transport asks for issuers and for what was revoked, over plain HTTP;
	// nil: nothing is asked for. It must not reach what is private.
	Transport http.RoundTripper
}

// Verifier verifies sites. It is safe for several goroutines.
type Verifier struct {
	roots *x509.CertPool
	now   func() time.Time
	ask   *asker // or nil

	mu         sync.Mutex
	young, old map[key]proof
}

type key [sha256.Size]byte

// proof is for how long something is proved.
type proof struct{ from, until time.Time }

// New returns a Verifier.
func New(o Options) *Verifier {
	v := &Verifier{roots: o.Roots, now: o.Now, young: make(map[key]proof)}
	if o.Transport != nil {
		v.ask = newAsker(o.Transport, o.Now)
	}
	return v
}

// Close ends what is being asked for.
func (v *Verifier) Close() {
	if v.ask != nil {
		v.ask.close()
	}
}

// Check returns why the other side of a connection is not the host, or nil. It
// stands in for what crypto/tls does, also where a connection is resumed.
func (v *Verifier) Check(ctx context.Context, host string, c *tls.ConnectionState) error {
	if len(c.PeerCertificates) == 0 {
		return errNothing
	}
	now, k := v.now(), keyOf(host, c)
	if v.proved(k, now) {
		return nil
	}
	until, err := v.prove(ctx, host, c, now)
	if err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: c.PeerCertificates, Err: err}
	}
	v.keep(k, proof{now, until})
	return nil
}

// keyOf stands for all that a proof rests on.
func keyOf(host string, c *tls.ConnectionState) key {
	h := sha256.New()
	var size [4]byte
	part := func(b []byte) {
		binary.BigEndian.PutUint32(size[:], uint32(len(b)))
		h.Write(size[:])
		h.Write(b)
	}
	part([]byte(host))
	part(c.OCSPResponse)
	for _, cert := range c.PeerCertificates {
		part(cert.Raw)
	}
	var k key
	h.Sum(k[:0])
	return k
}

func (v *Verifier) proved(k key, now time.Time) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	p, ok := v.young[k]
	if !ok {
		if p, ok = v.old[k]; ok {
			v.put(k, p)
		}
	}
	return ok && !now.Before(p.from) && now.Before(p.until)
}

func (v *Verifier) keep(k key, p proof) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.put(k, p)
}

// put remembers a proof, and forgets those that were not asked for since the
// generation before. v.mu is held.
func (v *Verifier) put(k key, p proof) {
	if len(v.young) >= maxProofs {
		v.old, v.young = v.young, make(map[key]proof, maxProofs)
	}
	v.young[k] = p
}

// prove verifies from the ground up, and says until when that holds.
func (v *Verifier) prove(ctx context.Context, host string, c *tls.ConnectionState, now time.Time) (until time.Time, err error) {
	leaf := c.PeerCertificates[0]
	opts := x509.VerifyOptions{DNSName: host, Roots: v.roots, CurrentTime: now, Intermediates: x509.NewCertPool()}
	for _, cert := range c.PeerCertificates[1:] {
		opts.Intermediates.AddCert(cert)
	}
	chains, err := leaf.Verify(opts)
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) && v.ask != nil {
		chains, err = v.complete(ctx, c.PeerCertificates, &opts, err)
	}
	if err != nil {
		return time.Time{}, err
	}
	chain := strongest(chains)
	if chain == nil {
		return time.Time{}, ErrWeakKey
	}
	until = now.Add(provedFor)
	for _, cert := range chain {
		until = earlier(until, cert.NotAfter)
	}
	said, err := v.notRevoked(ctx, chain, c.OCSPResponse, now)
	return earlier(until, said), err
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// strongest is a chain all of whose keys are long enough, nil where there is
// none. What is believed anyway vouches for itself.
func strongest(chains [][]*x509.Certificate) []*x509.Certificate {
	for _, chain := range chains {
		told := chain
		if len(chain) > 1 {
			told = chain[:len(chain)-1]
		}
		if !slices.ContainsFunc(told, weak) {
			return chain
		}
	}
	return nil
}

func weak(c *x509.Certificate) bool {
	switch k := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return k.N.BitLen() < minRSA
	case *ecdsa.PublicKey:
		return k.Curve == elliptic.P224()
	}
	return false
}
