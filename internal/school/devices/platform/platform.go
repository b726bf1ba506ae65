// Package platform makes the file that each kind of device takes to be led
// through the filter: a PAC, a registry file, a script, a profile. The same
// facts give the same bytes, so that a school can see whether what its devices
// hold is still what they should. Whatever does not belong in a host name, an
// address or a certificate is refused before it can stand in a script.
package platform

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// Facts are what the files are made of.
type Facts struct {
	School   string // the school's name, for people to read
	SchoolID string // the folder's id: the same profile has the same ids
	Host     string // name of the people's pages: "belisha.ashdown"
	Proxy    string // where devices reach the proxy: "10.0.0.5:3128"; "" while it is not open to them
	DNS      string // address where devices reach DNS: "10.0.0.5"; "" while it is not open
	DoT      string // name of a DNS-over-TLS server that asks the filter; "" for none
	OwnDNS   OwnDNS // the filter's own door for encrypted names
	SSID     string // the school's Wi-Fi, for Apple's profile; "" leaves it out
	// Upstream: another filter stands behind this one, so a device that goes
	// past us is still filtered. Only then does the PAC end in DIRECT.
	Upstream bool
	// Out: Belisha is taken out of the path. With an upstream filter the PAC
	// then answers DIRECT for everything.
	Out bool
	// Certificate is the school's own, UpstreamCertificate the other filter's;
	// PEM, empty for none.
	Certificate, UpstreamCertificate []byte
}

// OwnDNS is the filter's own door for encrypted names, under the name of the
// people's pages.
type OwnDNS struct {
	At      string // its address; "" for none
	DoHPort uint16 // of DNS over HTTPS; 0: it is DNS over TLS, on its usual port
}

// ErrClosed says that there is no address yet to send devices to.
var ErrClosed = errors.New("the filter is not open to devices yet: say first at which address they reach it")

var hostName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$`)

// Host reports whether s is a host name or an address that may stand in a
// file: small letters, digits, dots and hyphens, or an IP address.
func Host(s string) bool {
	if a, err := netip.ParseAddr(s); err == nil {
		return a.Zone() == ""
	}
	return len(s) <= 253 && hostName.MatchString(s)
}

// HostPort reports whether s is such a host with a port.
func HostPort(s string) bool {
	host, port, err := net.SplitHostPort(s)
	if err != nil || !Host(host) {
		return false
	}
	n, err := strconv.Atoi(port)
	return err == nil && n > 0 && n < 65536 && strconv.Itoa(n) == port
}

// Check refuses facts that would not stand in a file.
func (f Facts) Check() error {
	if !Host(f.Host) || !strings.Contains(f.Host, ".") {
		return fmt.Errorf("%.60q is not a host name with a dot, such as belisha.ashdown", f.Host)
	}
	if f.Proxy != "" && !HostPort(f.Proxy) {
		return fmt.Errorf("%.60q is not an address with its port, such as 10.0.0.5:3128", f.Proxy)
	}
	if _, err := netip.ParseAddr(f.DNS); f.DNS != "" && err != nil {
		return fmt.Errorf("%.60q is not an address, such as 10.0.0.5", f.DNS)
	}
	if f.DoT != "" && (!Host(f.DoT) || !strings.Contains(f.DoT, ".")) {
		return fmt.Errorf("%.60q is not the name of a DNS-over-TLS server", f.DoT)
	}
	if _, err := netip.ParseAddr(f.OwnDNS.At); f.OwnDNS.At != "" && err != nil {
		return fmt.Errorf("%.60q is not an address, such as 10.0.0.5", f.OwnDNS.At)
	}
	if !Words(f.SSID, 32) || !Words(f.School, 120) {
		return errors.New("the names of the school and of its Wi-Fi are plain words on one line")
	}
	for _, c := range [][]byte{f.Certificate, f.UpstreamCertificate} {
		if len(c) > 0 {
			if _, err := Certificate(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// Words reports whether s is printable text on one line, of at most that many
// bytes.
func Words(s string, most int) bool {
	if len(s) > most || strings.ToValidUTF8(s, "") != s {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// Certificate reads one certificate authority from PEM and returns its bytes.
func Certificate(text []byte) ([]byte, error) {
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" || len(strings.TrimSpace(string(rest))) > 0 {
		return nil, errors.New("this is not one certificate in PEM: it begins with -----BEGIN CERTIFICATE-----, and there is one only")
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, errors.New("this certificate cannot be read; export it anew, as Base-64 (PEM)")
	}
	if !c.IsCA {
		return nil, errors.New("this certificate is a site's, not an authority's; export the root certificate that the filter signs with")
	}
	return block.Bytes, nil
}

// PACURL is where devices get the PAC; "" while the proxy is not open to them.
func (f Facts) PACURL() string {
	if f.Proxy == "" {
		return ""
	}
	return "http://" + f.Proxy + "/proxy.pac"
}

// File is one file for one kind of device.
type File struct {
	Name  string // "belisha-windows.reg"
	Type  string // MIME
	Title string
	Body  []byte
}

// Names of the files, as pages ask for them.
const (
	NamePAC        = "proxy.pac"
	NameRegistry   = "belisha-windows.reg"
	NameScript     = "belisha-windows.ps1"
	NameIntune     = "belisha-intune.json"
	NameApple      = "belisha-apple.mobileconfig"
	NameAppleDNS   = "belisha-apple-dns.mobileconfig"
	NameChrome     = "belisha-google-admin.txt"
	NameChromium   = "belisha-chromium-policies.json"
	NameCA         = "belisha-school.crt"
	NameUpstreamCA = "other-filter.crt"
)

// maker makes one file; ErrClosed where the facts do not allow it yet.
type maker struct {
	name, kind, title string
	make              func(Facts) ([]byte, error)
}

var makers = []maker{
	{NamePAC, "application/x-ns-proxy-autoconfig", "Proxy configuration (PAC)", PAC},
	{NameChrome, "text/plain; charset=utf-8", "What to enter in Google Admin", chromeText},
	{NameRegistry, "text/plain; charset=utf-16", "Registry file for Windows", registry},
	{NameScript, "text/plain; charset=utf-8", "PowerShell script for Windows", script},
	{NameIntune, "application/json", "Custom profile for Intune", intune},
	{NameApple, "application/x-apple-aspen-config", "Profile for iPads and Macs", apple},
	{NameAppleDNS, "application/x-apple-aspen-config", "DNS profile for iPads and Macs", appleDNS},
	{NameChromium, "application/json", "Policies for Chrome and Chromium on Linux", chromium},
	{NameCA, "application/x-x509-ca-cert", "The school's certificate", func(f Facts) ([]byte, error) { return given(f.Certificate) }},
	{NameUpstreamCA, "application/x-x509-ca-cert", "The other filter's certificate", func(f Facts) ([]byte, error) { return given(f.UpstreamCertificate) }},
}

// ErrNone says that there is no such file for this school.
var ErrNone = errors.New("this file is not for this school as it is set up now")

func given(certificate []byte) ([]byte, error) {
	if len(certificate) == 0 {
		return nil, ErrNone
	}
	return certificate, nil
}

// Make makes the file of that name.
func Make(name string, f Facts) (File, error) {
	if err := f.Check(); err != nil {
		return File{}, err
	}
	for _, m := range makers {
		if m.name != name {
			continue
		}
		body, err := m.make(f)
		if err != nil {
			return File{}, err
		}
		return File{Name: m.name, Type: m.kind, Title: m.title, Body: body}, nil
	}
	return File{}, ErrNone
}

// Has reports whether the file can be made from the facts.
func Has(name string, f Facts) bool {
	_, err := Make(name, f)
	return err == nil
}

// Title is what a file is called on pages.
func Title(name string) string {
	for _, m := range makers {
		if m.name == name {
			return m.title
		}
	}
	return name
}
