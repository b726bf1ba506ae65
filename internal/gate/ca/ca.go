// Package ca is the school's own certificate authority. The gate uses it on
// devices where the school has installed the certificate, for two purposes: to
// show a page in place of an HTTPS site that it blocks, and to look into those
// that the rules say are looked into. It signs for no other, and its key never
// leaves the file it is sealed in.
package ca

import (
	"container/list"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"belisha/internal/kit/clock"
)

const (
	certFile = "ca.pem"
	keyFile  = "ca.key"

	caYears  = 5
	leafLife = 14 * 24 * time.Hour
	renewAt  = 7 * 24 * time.Hour // a leaf with less life left is made anew
	maxLeafs = 2000
	skew     = 24 * time.Hour // devices whose clock is behind
)

// Sealer seals the key at rest. The caller owns the sealing key.
type Sealer interface {
	Seal(plain []byte) ([]byte, error)
	Open(sealed []byte) ([]byte, error)
}

// CA signs leaves for hosts. It is safe for several goroutines.
type CA struct {
	clock clock.Clock
	cert  *x509.Certificate
	pem   []byte
	key   *ecdsa.PrivateKey
	leaf  *ecdsa.PrivateKey // one key for all leaves of this process; never written

	mu    sync.Mutex
	cache map[string]*list.Element // of *kept
	order *list.List               // the one used last in front
}

type kept struct {
	host string
	leaf *tls.Certificate
}

// Create makes a new authority for the school and writes it to dir. An
// existing one is never overwritten: devices trust it.
func Create(dir, school string, seal Sealer, c clock.Clock) (*CA, error) {
	return CreateLimited(dir, school, Limits{}, seal, c)
}

// CreateLimited is Create for a certificate that does not hold for every name.
func CreateLimited(dir, school string, limits Limits, seal Sealer, c clock.Clock) (*CA, error) {
	if _, err := os.Stat(filepath.Join(dir, keyFile)); err == nil {
		return nil, fmt.Errorf("making the school's certificate: %s already holds one", dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the certificate's folder: %w", err)
	}
	if err := create(dir, school, limits, seal, c, certFile, keyFile); err != nil {
		return nil, err
	}
	return Open(dir, seal, c)
}

// create makes a key and a certificate and writes both.
func create(dir, school string, limits Limits, seal Sealer, c clock.Clock, certTo, keyTo string) error {
	if seal == nil {
		return errors.New("making the school's certificate: there is no key to seal it with")
	}
	if err := limits.check(); err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("making the certificate's key: %w", err)
	}
	der, err := selfSign(key, school, limits, c.Now())
	if err != nil {
		return err
	}
	plain, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("writing the certificate's key: %w", err)
	}
	sealed, err := seal.Seal(plain)
	if err != nil {
		return fmt.Errorf("sealing the certificate's key: %w", err)
	}
	if err := writeNew(filepath.Join(dir, keyTo), sealed); err != nil {
		return err
	}
	return writeNew(filepath.Join(dir, certTo), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func selfSign(key *ecdsa.PrivateKey, school string, limits Limits, now time.Time) ([]byte, error) {
	number, err := serial()
	if err != nil {
		return nil, err
	}
	tmpl := &x509.Certificate{
		SerialNumber:          number,
		Subject:               pkix.Name{CommonName: "Belisha filter of " + school, Organization: []string{school}},
		NotBefore:             now.Add(-skew),
		NotAfter:              now.AddDate(caYears, 0, 0),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	limits.write(tmpl)
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("signing the school's certificate: %w", err)
	}
	return der, nil
}

func writeNew(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("writing the school's certificate: %w", err)
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("writing the school's certificate: %w", err)
	}
	return nil
}

// Open reads the authority in dir. Where there is none the error is
// fs.ErrNotExist.
func Open(dir string, seal Sealer, c clock.Clock) (*CA, error) {
	a, err := open(dir, certFile, keyFile, seal, c)
	if errors.Is(err, errOtherKey) {
		if mended, err := mend(dir, seal, c); err == nil {
			return mended, nil
		}
	}
	return a, err
}

func open(dir, certFrom, keyFrom string, seal Sealer, c clock.Clock) (*CA, error) {
	sealed, err := os.ReadFile(filepath.Join(dir, keyFrom))
	if err != nil {
		return nil, fmt.Errorf("reading the certificate's key: %w", err)
	}
	if seal == nil {
		return nil, errors.New("reading the certificate's key: there is no key to open it with")
	}
	plain, err := seal.Open(sealed)
	if err != nil {
		return nil, fmt.Errorf("opening the certificate's key: %w", err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(plain)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate's key: %w", err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, errors.New("reading the certificate's key: it is of another kind")
	}
	raw, err := os.ReadFile(filepath.Join(dir, certFrom))
	if err != nil {
		return nil, fmt.Errorf("reading the school's certificate: %w", err)
	}
	return fromPEM(raw, key, c)
}

var errOtherKey = errors.New("the key belongs to another certificate")

func fromPEM(raw []byte, key *ecdsa.PrivateKey, c clock.Clock) (*CA, error) {
	block, _ := pem.Decode(raw)
	if block == nil {
		return nil, errors.New("reading the school's certificate: the file is damaged")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("reading the school's certificate: %w", err)
	}
	if pub, ok := cert.PublicKey.(interface{ Equal(crypto.PublicKey) bool }); !ok || !pub.Equal(key.Public()) {
		return nil, fmt.Errorf("reading the school's certificate: %w", errOtherKey)
	}
	leaf, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	return &CA{
		clock: c, cert: cert, key: key, leaf: leaf,
		pem:   pem.EncodeToMemory(block),
		cache: make(map[string]*list.Element), order: list.New(),
	}, nil
}

// Exists reports whether dir holds an authority.
func Exists(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, keyFile))
	return !errors.Is(err, fs.ErrNotExist)
}

// PEM is the certificate that devices install. It holds no secret.
func (c *CA) PEM() []byte { return append([]byte(nil), c.pem...) }

// Fingerprint is the SHA-256 of the certificate, in pairs with colons, as
// devices show it.
func (c *CA) Fingerprint() string {
	sum := sha256.Sum256(c.cert.Raw)
	text := strings.ToUpper(hex.EncodeToString(sum[:]))
	pairs := make([]string, 0, len(sum))
	for i := 0; i < len(text); i += 2 {
		pairs = append(pairs, text[i:i+2])
	}
	return strings.Join(pairs, ":")
}

// Ends is when the certificate stops being valid.
func (c *CA) Ends() time.Time { return c.cert.NotAfter }

// Excludes reports a host that the certificate does not hold for, by what was
// written into it.
func (c *CA) Excludes(host string) bool { return excludes(c.cert, host) }

// Leaf returns a certificate for a host. Callers never ask for one that is
// let through without being looked into.
func (c *CA) Leaf(host string) (*tls.Certificate, error) {
	now := c.clock.Now()
	if leaf := c.have(host, now); leaf != nil {
		return leaf, nil
	}
	if c.Excludes(host) {
		return nil, fmt.Errorf("signing for %s: %w", host, ErrExcluded)
	}
	leaf, err := c.mint(host, now) // twice at once is no harm
	if err != nil {
		return nil, err
	}
	c.keep(host, leaf)
	return leaf, nil
}

func (c *CA) have(host string, now time.Time) *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.cache[host]
	if at == nil {
		return nil
	}
	leaf := at.Value.(*kept).leaf
	if leaf.Leaf.NotAfter.Sub(now) <= renewAt || !now.After(leaf.Leaf.NotBefore) {
		return nil
	}
	c.order.MoveToFront(at)
	return leaf
}

// keep remembers a leaf, and forgets the one that was not used the longest.
func (c *CA) keep(host string, leaf *tls.Certificate) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at := c.cache[host]; at != nil {
		at.Value.(*kept).leaf = leaf
		c.order.MoveToFront(at)
		return
	}
	c.cache[host] = c.order.PushFront(&kept{host, leaf})
	if c.order.Len() > maxLeafs {
		last := c.order.Back()
		c.order.Remove(last)
		delete(c.cache, last.Value.(*kept).host)
	}
}

func (c *CA) mint(host string, now time.Time) (*tls.Certificate, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return c.sign(host, nil, []net.IP{a.AsSlice()}, now)
	}
	return c.sign(host, []string{host}, nil, now)
}

// sign makes a leaf. It does not outlive the authority.
func (c *CA) sign(of string, names []string, addresses []net.IP, now time.Time) (*tls.Certificate, error) {
	number, err := serial()
	if err != nil {
		return nil, err
	}
	ends := now.Add(leafLife)
	if ends.After(c.cert.NotAfter) {
		ends = c.cert.NotAfter
	}
	tmpl := &x509.Certificate{
		SerialNumber: number,
		Subject:      pkix.Name{Organization: []string{"Belisha filter"}},
		NotBefore:    now.Add(-skew),
		NotAfter:     ends,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:     names,
		IPAddresses:  addresses,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, c.cert, c.leaf.Public(), c.key)
	if err != nil {
		return nil, fmt.Errorf("signing for %s: %w", of, err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("signing for %s: %w", of, err)
	}
	return &tls.Certificate{Certificate: [][]byte{der, c.cert.Raw}, PrivateKey: c.leaf, Leaf: parsed}, nil
}

func serial() (*big.Int, error) {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 126))
	if err != nil {
		return nil, fmt.Errorf("making a serial number: %w", err)
	}
	return n.Add(n, big.NewInt(1)), nil
}
