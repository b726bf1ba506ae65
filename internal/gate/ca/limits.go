package ca

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"belisha/internal/verdict"
)

// Limits are what a certificate may not be used for, whoever holds its key:
// devices themselves refuse it there. They are written into it when it is made
// and cannot be changed afterwards.
type Limits struct {
	// Excluded are names for which, and below which, it never holds, such as
	// the school's bank.
	Excluded []string
	// Permitted, if any are given, are the only names for which, and below
	// which, it holds. A filter that inspects the web at large gives none.
	Permitted []string
}

// maxLimits bounds a certificate's size: some devices read no large ones.
const maxLimits = 100

// ErrExcluded is wrapped by the error for a name that the certificate does not
// hold for.
var ErrExcluded = errors.New("the school's certificate does not hold for it")

func (l *Limits) check() error {
	for _, list := range [][]string{l.Excluded, l.Permitted} {
		if len(list) > maxLimits {
			return fmt.Errorf("making the school's certificate: it can have %d names written into it, not %d", maxLimits, len(list))
		}
		for i, name := range list {
			host, kind, err := verdict.CanonicalHost(name)
			if err != nil || kind != verdict.HostName {
				return fmt.Errorf("making the school's certificate: %q is not a host name", name)
			}
			list[i] = host
		}
	}
	return nil
}

func (l *Limits) write(tmpl *x509.Certificate) {
	if len(l.Excluded)+len(l.Permitted) == 0 {
		return
	}
	tmpl.ExcludedDNSDomains, tmpl.PermittedDNSDomains = l.Excluded, l.Permitted
	tmpl.PermittedDNSDomainsCritical = true // what does not understand it must not trust it
}

// excludes reports a name that a certificate does not hold for. An address is
// no name, and limits of names say nothing of it.
func excludes(cert *x509.Certificate, host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return false
	}
	for _, name := range cert.ExcludedDNSDomains {
		if under(host, name) {
			return true
		}
	}
	for _, name := range cert.PermittedDNSDomains {
		if under(host, name) {
			return false
		}
	}
	return len(cert.PermittedDNSDomains) > 0
}

func under(host, name string) bool {
	name = strings.TrimPrefix(name, ".")
	return host == name || strings.HasSuffix(host, "."+name)
}

// Limits are what was written into the certificate.
func (c *CA) Limits() Limits {
	return Limits{Excluded: slices.Clone(c.cert.ExcludedDNSDomains), Permitted: slices.Clone(c.cert.PermittedDNSDomains)}
}
