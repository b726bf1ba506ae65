package vouch

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"slices"
	"time"
)

const (
	maxIssuer  = 32 << 10
	maxClimb   = 3 // issuers that are asked for, one for another
	issuerFor  = 24 * time.Hour
	climbFor   = 4 * time.Second
	maxIssuers = 512
)

var errNotIssuer = errors.New("what was sent is no issuer's certificate")

// complete finds issuers that a site should have sent and did not, where its
// certificate says they are, as browsers do. What is found there is believed
// no more than what a site sends.
func (v *Verifier) complete(ctx context.Context, sent []*x509.Certificate, opts *x509.VerifyOptions, failed error) ([][]*x509.Certificate, error) {
	ctx, cancel := context.WithTimeout(ctx, climbFor)
	defer cancel()
	at := sent[0]
	for range maxClimb + len(sent) {
		if i := slices.IndexFunc(sent, func(c *x509.Certificate) bool { return c != at && at.CheckSignatureFrom(c) == nil }); i >= 0 {
			at = sent[i]
			sent = slices.Delete(slices.Clone(sent), i, i+1)
			continue
		}
		issuer := v.issuerOf(ctx, at)
		if issuer == nil {
			return nil, failed
		}
		opts.Intermediates.AddCert(issuer)
		if chains, err := sent[0].Verify(*opts); err == nil {
			return chains, nil
		}
		at = issuer
	}
	return nil, failed
}

// issuerOf is who signed a certificate, by its own word where that is to be
// had; nil if nobody there did.
func (v *Verifier) issuerOf(ctx context.Context, c *x509.Certificate) *x509.Certificate {
	for _, at := range c.IssuingCertificateURL[:min(len(c.IssuingCertificateURL), 2)] {
		if !plain(at) {
			continue
		}
		issuer, _ := v.ask.issuers.get(ctx, at, func(ctx context.Context) (*x509.Certificate, time.Time, error) {
			return v.ask.issuer(ctx, at)
		})
		if issuer != nil && issuer.IsCA && c.CheckSignatureFrom(issuer) == nil {
			return issuer
		}
	}
	return nil
}

func (a *asker) issuer(ctx context.Context, at string) (*x509.Certificate, time.Time, error) {
	body, err := a.get(ctx, at, maxIssuer)
	if err != nil {
		return nil, time.Time{}, err
	}
	if block, _ := pem.Decode(body); block != nil {
		body = block.Bytes
	}
	c, err := x509.ParseCertificate(body)
	if err != nil {
		return nil, time.Time{}, errNotIssuer
	}
	return c, a.now().Add(issuerFor), nil
}
