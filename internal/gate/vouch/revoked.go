package vouch

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"math/big"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ocsp"
)

const (
	maxList   = 3 << 20 // of what one issuer has revoked
	maxLists  = 48
	listFor   = 12 * time.Hour // a list is asked for anew at the latest
	maxSaid   = 2048           // single answers about certificates
	maxAnswer = 16 << 10
	// saidFor bounds the wait for who says what was revoked. If they do not,
	// the site is believed, as browsers do: else whoever can keep them silent
	// could close the web.
	saidFor = 1200 * time.Millisecond
)

var (
	errNotList   = errors.New("what was sent is no list of the issuer's")
	errNotAnswer = errors.New("what was sent is no answer about the certificate")
)

// revokedSet holds the serial numbers of a list, as numbers drawn from them.
type revokedSet []uint64

func numberOf(serial *big.Int) uint64 {
	sum := sha256.Sum256(serial.Bytes())
	return binary.BigEndian.Uint64(sum[:])
}

func (s revokedSet) has(serial *big.Int) bool {
	_, found := slices.BinarySearch(s, numberOf(serial))
	return found
}

// notRevoked finds out whether anything of a chain was taken back by its
// issuer, and until when that need not be asked again.
func (v *Verifier) notRevoked(ctx context.Context, chain []*x509.Certificate, staple []byte, now time.Time) (until time.Time, err error) {
	until = now.Add(provedFor)
	if len(chain) < 2 {
		return until, nil
	}
	said, err := stapled(chain[0], chain[1], staple, now)
	if err != nil {
		return until, err
	}
	if said.IsZero() && mustStaple(chain[0]) {
		return until, ErrNoProof
	}
	if !said.IsZero() {
		until = earlier(until, said)
	}
	if v.ask == nil {
		return until, nil
	}
	return until, v.ask.revoked(ctx, chain, !said.IsZero())
}

// stapled reads what the site itself brings of its issuer: an error where that
// says revoked, and until when it says good; zero where it says nothing.
func stapled(leaf, issuer *x509.Certificate, staple []byte, now time.Time) (until time.Time, err error) {
	if len(staple) == 0 {
		return time.Time{}, nil
	}
	res, err := ocsp.ParseResponseForCert(staple, leaf, issuer)
	if err != nil {
		return time.Time{}, nil //nolint:nilerr // not a proof of anything
	}
	return verdictOf(res, now)
}

// verdictOf is what an answer about a certificate says.
func verdictOf(res *ocsp.Response, now time.Time) (until time.Time, err error) {
	switch {
	case res.Status == ocsp.Revoked && !now.Before(res.RevokedAt):
		return time.Time{}, ErrRevoked
	case res.Status != ocsp.Good || now.Add(skew).Before(res.ThisUpdate):
		return time.Time{}, nil
	case res.NextUpdate.IsZero():
		return now.Add(provedFor), nil
	case !now.Before(res.NextUpdate):
		return time.Time{}, nil
	}
	return res.NextUpdate, nil
}

// featureID is the extension that names TLS features (RFC 7633).
var featureID = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}

// mustStaple reports a certificate that is not to be believed unless the site
// brings the proof along.
func mustStaple(c *x509.Certificate) bool {
	const statusRequest = 5
	for _, e := range c.Extensions {
		var features []int
		if e.Id.Equal(featureID) {
			if rest, err := asn1.Unmarshal(e.Value, &features); err == nil && len(rest) == 0 {
				return slices.Contains(features, statusRequest)
			}
		}
	}
	return false
}

// revoked asks who signed each certificate whether it was taken back. For the
// first nobody is asked where the site brought the answer.
func (a *asker) revoked(ctx context.Context, chain []*x509.Certificate, answered bool) error {
	ctx, cancel := context.WithTimeout(ctx, saidFor)
	defer cancel()
	told := make(chan bool, len(chain))
	asked := 0
	for i, c := range chain[:len(chain)-1] {
		if i == 0 && answered {
			continue
		}
		asked++
		go func() { told <- a.isRevoked(ctx, c, chain[i+1], i == 0) }()
	}
	for range asked {
		if <-told {
			return ErrRevoked
		}
	}
	return nil
}

// isRevoked asks by a list, or by a single question where there is none.
func (a *asker) isRevoked(ctx context.Context, c, issuer *x509.Certificate, single bool) bool {
	if at := firstPlain(c.CRLDistributionPoints); at != "" {
		set, ok := a.lists.get(ctx, at+" "+string(issuer.SubjectKeyId), func(ctx context.Context) (revokedSet, time.Time, error) {
			return a.list(ctx, at, issuer)
		})
		return ok && set.has(c.SerialNumber)
	}
	at := firstPlain(c.OCSPServer)
	if at == "" || !single {
		return false
	}
	is, ok := a.said.get(ctx, string(c.Raw[:min(len(c.Raw), 512)])+string(c.Signature), func(ctx context.Context) (bool, time.Time, error) {
		return a.answer(ctx, at, c, issuer)
	})
	return ok && is
}

func firstPlain(urls []string) string {
	if i := slices.IndexFunc(urls, plain); i >= 0 {
		return urls[i]
	}
	return ""
}

// plain reports an address that may be asked: over TLS the question would
// come up again.
func plain(at string) bool {
	return len(at) < 1024 && len(at) > len("http://") && strings.EqualFold(at[:len("http://")], "http://")
}

// list fetches what an issuer has revoked.
func (a *asker) list(ctx context.Context, at string, issuer *x509.Certificate) (revokedSet, time.Time, error) {
	body, err := a.get(ctx, at, maxList)
	if err != nil {
		return nil, time.Time{}, err
	}
	list, err := x509.ParseRevocationList(body)
	if err != nil || list.CheckSignatureFrom(issuer) != nil {
		return nil, time.Time{}, errNotList
	}
	now := a.now()
	if !list.NextUpdate.IsZero() && now.After(list.NextUpdate) {
		return nil, time.Time{}, errNotList
	}
	set := make(revokedSet, 0, len(list.RevokedCertificateEntries))
	for i := range list.RevokedCertificateEntries {
		if e := &list.RevokedCertificateEntries[i]; e.ReasonCode != 8 { // 8 takes one off the list
			set = append(set, numberOf(e.SerialNumber))
		}
	}
	slices.Sort(set)
	until := now.Add(listFor)
	if !list.NextUpdate.IsZero() {
		until = earlier(until, list.NextUpdate)
	}
	return set, until, nil
}

// answer asks an issuer about one certificate.
func (a *asker) answer(ctx context.Context, at string, c, issuer *x509.Certificate) (bool, time.Time, error) {
	question, err := ocsp.CreateRequest(c, issuer, nil)
	if err != nil {
		return false, time.Time{}, err
	}
	body, err := a.post(ctx, at, "application/ocsp-request", question, maxAnswer)
	if err != nil {
		return false, time.Time{}, err
	}
	res, err := ocsp.ParseResponseForCert(body, c, issuer)
	if err != nil {
		return false, time.Time{}, errNotAnswer
	}
	now := a.now()
	until, err := verdictOf(res, now)
	switch {
	case errors.Is(err, ErrRevoked):
		return true, now.Add(listFor), nil
	case until.IsZero():
		return false, time.Time{}, errNotAnswer
	}
	return false, earlier(until, now.Add(listFor)), nil
}
