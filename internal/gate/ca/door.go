package ca

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// Door returns a certificate for doors of the school's own, such as names
// over TLS: for all their names and addresses at once, since a device that was
// told of such a door by an address wants to see that very address in it.
func (c *CA) Door(names []string, addresses []netip.Addr) (*tls.Certificate, error) {
	text := strings.Builder{}
	for _, n := range names {
		text.WriteString(n + " ")
	}
	ips := make([]net.IP, 0, len(addresses))
	for _, a := range addresses {
		text.WriteString(a.String() + " ")
		ips = append(ips, a.AsSlice())
	}
	// A space is in no host's name, so it shares the leaves' cache.
	key, now := "door "+text.String(), c.clock.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if have := c.cache[key]; have != nil && have.Leaf.NotAfter.Sub(now) > renewAt && now.After(have.Leaf.NotBefore) {
		return have, nil
	}
	number, err := serial()
	if err != nil {
		return nil, err
	}
	tmpl := &x509.Certificate{
		SerialNumber: number,
		Subject:      pkix.Name{Organization: []string{"Belisha filter"}},
		NotBefore:    now.Add(-skew),
		NotAfter:     now.Add(leafLife),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:     names,
		IPAddresses:  ips,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, c.cert, c.leaf.Public(), c.key)
	if err != nil {
		return nil, fmt.Errorf("signing for the school's own doors: %w", err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("signing for the school's own doors: %w", err)
	}
	if len(c.cache) >= maxLeafs {
		clear(c.cache)
	}
	leaf := &tls.Certificate{Certificate: [][]byte{der, c.cert.Raw}, PrivateKey: c.leaf, Leaf: parsed}
	c.cache[key] = leaf
	return leaf, nil
}
