package house

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"belisha/internal/gate/ca"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/words"
)

// pageCertificate is the certificate that the pages show off loopback: the one
// in the files that the config names, else one that the school's own authority
// makes for each name, in memory, and makes anew before it ends. A bad file
// never takes the place of a good one.
type pageCertificate struct {
	clock   clock.Clock
	log     *slog.Logger
	files   PagesFile
	listens string
	// authority opens the school's own; roots are the known ones, nil for the
	// machine's.
	authority func() (*ca.CA, error)
	roots     *x509.CertPool

	mu      sync.Mutex
	school  *ca.CA
	own     []string // names and addresses of this machine that are answered
	held    *tls.Certificate
	facts   certificateFacts
	read    [2]fileStamp
	trouble string
}

// certificateFacts is what is known of the certificate in use.
type certificateFacts struct {
	Files bool // from the files of the config; else of the school's authority
	Names []string
	Ends  time.Time
	Known bool     // browsers know who made it, without anything installed
	Lacks []string // configured names that it is not for
	// PEM-free words for the health page where it is not in order.
	Wrong string
}

// fileStamp tells a file that was changed.
type fileStamp struct {
	size int64
	at   time.Time
}

func stampOf(name string) fileStamp {
	s, err := os.Stat(name)
	if err != nil {
		return fileStamp{}
	}
	return fileStamp{s.Size(), s.ModTime()}
}

func newPageCertificate(h *House) *pageCertificate {
	return &pageCertificate{
		clock: h.cfg.Clock, log: h.log, files: h.cfg.File.Pages, listens: h.cfg.Listen.Pages,
		authority: func() (*ca.CA, error) {
			seal, err := CASealer(h.keyFile())
			if err != nil {
				return nil, err
			}
			return ca.Open(h.folder.Path("gate", "ca"), seal, h.cfg.Clock)
		},
	}
}

// wanted reports whether the pages speak TLS.
func (p *pageCertificate) wanted() bool {
	return p.files.CertFile != "" || p.listens != "" && !loopback(p.listens)
}

// begin makes sure that there is a certificate to show, or says in one
// sentence why there is none.
func (p *pageCertificate) begin() error {
	p.look()
	if p.files.CertFile != "" {
		return p.reload()
	}
	a, err := p.authority()
	if err != nil {
		return fmt.Errorf("the pages need a certificate off loopback, and the school's own cannot be used (%w); name one under [pages] cert-file and key-file, or listen on 127.0.0.1", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.school = a
	return nil
}

// look notes the names and addresses that the pages are asked by.
func (p *pageCertificate) look() {
	own := []string{"localhost"}
	own = append(own, p.files.Names...)
	if name, err := os.Hostname(); err == nil && name != "" {
		own = append(own, name)
	}
	for _, a := range addressesOf(p.listens) {
		own = append(own, a.String())
	}
	for i := range own {
		own[i] = strings.ToLower(own[i])
	}
	slices.Sort(own)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.own = slices.Compact(own)
}

// addressesOf are the addresses behind host:port: itself, or all of the
// machine's where it listens on every one.
func addressesOf(listens string) []netip.Addr {
	host, _, err := net.SplitHostPort(listens)
	if err != nil {
		return nil
	}
	a, err := netip.ParseAddr(host)
	if err == nil && !a.IsUnspecified() {
		return []netip.Addr{a.Unmap()}
	}
	if err != nil && host != "" {
		return nil // a name, which the config lists
	}
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var out []netip.Addr
	for _, x := range list {
		if n, err := netip.ParsePrefix(x.String()); err == nil && !n.Addr().IsLinkLocalUnicast() {
			out = append(out, n.Addr().Unmap())
		}
	}
	return out
}

// answers reports whether the pages are asked by the name.
func (p *pageCertificate) answers(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, found := slices.BinarySearch(p.own, strings.ToLower(name))
	return found
}

// url is how somebody opens the pages that listen at an address: by the first
// configured name, else by an address of this machine that others reach.
func (p *pageCertificate) url(listens string) string {
	host, port, err := net.SplitHostPort(listens)
	if err != nil || !p.wanted() {
		return "http://" + listens
	}
	if a, err := netip.ParseAddr(host); err == nil && a.IsUnspecified() {
		for _, own := range addressesOf(listens) {
			if host = own.String(); !own.IsLoopback() {
				break
			}
		}
	}
	if len(p.files.Names) > 0 {
		host = p.files.Names[0]
	}
	if port == "443" {
		return "https://" + host
	}
	return "https://" + net.JoinHostPort(strings.Trim(host, "[]"), port)
}

// config is how the pages speak TLS.
func (p *pageCertificate) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		CipherSuites: []uint16{ // of TLS 1.2; 1.3 has only good ones
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
		GetCertificate: p.certificate,
	}
}

// certificate picks what is shown to whoever asks.
func (p *pageCertificate) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	p.mu.Lock()
	held, school := p.held, p.school
	p.mu.Unlock()
	if held != nil {
		return held, nil
	}
	name := hello.ServerName
	if name == "" {
		at, err := netip.ParseAddrPort(hello.Conn.LocalAddr().String())
		if err != nil {
			return nil, errors.New("the connection has no address")
		}
		name = at.Addr().Unmap().String()
	}
	if !p.answers(name) || school == nil {
		return nil, errors.New("no certificate is made for this name")
	}
	return school.Leaf(strings.ToLower(name))
}

// reload reads the files and takes them into use. Where a good certificate is
// in use, only a good one takes its place.
func (p *pageCertificate) reload() error {
	stamp := [2]fileStamp{stampOf(p.files.CertFile), stampOf(p.files.KeyFile)}
	cert, facts, err := p.load()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.read = stamp
	if err == nil && p.held != nil && facts.Wrong != "" && p.stillGood() {
		err = fmt.Errorf("the new certificate in %s %s", p.files.CertFile, facts.Wrong)
	}
	if err != nil {
		if p.held == nil {
			return err
		}
		p.trouble = err.Error() + "; the one before goes on"
		return err
	}
	p.held, p.facts, p.trouble = &cert, facts, ""
	return nil
}

// stillGood reports whether the certificate in use is in order. p.mu is held.
func (p *pageCertificate) stillGood() bool {
	return p.facts.Wrong == "" && p.clock.Now().Before(p.facts.Ends)
}

// load reads the files and looks at what is in them.
func (p *pageCertificate) load() (tls.Certificate, certificateFacts, error) {
	cert, err := tls.LoadX509KeyPair(p.files.CertFile, p.files.KeyFile)
	if err != nil {
		return cert, certificateFacts{}, fmt.Errorf("the certificate in %s and its key in %s cannot be used: %s; both are PEM, and belong together", p.files.CertFile, p.files.KeyFile, strings.TrimPrefix(plain(err), "tls: "))
	}
	if cert.Leaf == nil {
		if cert.Leaf, err = x509.ParseCertificate(cert.Certificate[0]); err != nil {
			return cert, certificateFacts{}, fmt.Errorf("the certificate in %s is damaged", p.files.CertFile)
		}
	}
	return cert, p.judge(cert), nil
}

// judge says what is known of a certificate, and what is wrong with it.
func (p *pageCertificate) judge(cert tls.Certificate) certificateFacts {
	now := p.clock.Now()
	leaf := cert.Leaf
	f := certificateFacts{Files: true, Ends: leaf.NotAfter, Names: slices.Clone(leaf.DNSNames)}
	for _, a := range leaf.IPAddresses {
		f.Names = append(f.Names, a.String())
	}
	for _, n := range p.files.Names {
		if leaf.VerifyHostname(strings.Trim(n, "[]")) != nil {
			f.Lacks = append(f.Lacks, n)
		}
	}
	between := x509.NewCertPool()
	for _, der := range cert.Certificate[1:] {
		if c, err := x509.ParseCertificate(der); err == nil {
			between.AddCert(c)
		}
	}
	_, err := leaf.Verify(x509.VerifyOptions{Roots: p.roots, Intermediates: between, CurrentTime: now})
	f.Known = err == nil
	switch {
	case now.Before(leaf.NotBefore):
		f.Wrong = "is not valid before " + leaf.NotBefore.UTC().Format("2 January 2006")
	case !now.Before(leaf.NotAfter):
		f.Wrong = "ended on " + leaf.NotAfter.UTC().Format("2 January 2006")
	case len(f.Names) == 0:
		f.Wrong = "is for no name"
	case len(f.Lacks) > 0:
		f.Wrong = "is not for " + words.And(f.Lacks)
	}
	return f
}

// certificateLook is how often the files are looked at.
const certificateLook = time.Minute

// watch takes new files into use.
func (p *pageCertificate) watch(ctx context.Context) error {
	for pause(ctx, certificateLook) == nil {
		p.look()
		p.lookAgain(ctx)
	}
	return nil
}

// lookAgain reads the files where they were changed.
func (p *pageCertificate) lookAgain(ctx context.Context) {
	if p.files.CertFile == "" {
		return
	}
	p.mu.Lock()
	same := p.read == [2]fileStamp{stampOf(p.files.CertFile), stampOf(p.files.KeyFile)}
	p.mu.Unlock()
	if same {
		return
	}
	if err := p.reload(); err != nil {
		p.log.WarnContext(ctx, "the new certificate of the pages is not used", "err", err)
		return
	}
	p.log.InfoContext(ctx, "a new certificate of the pages is in use")
}

// state is what the certificate in use is, and what went wrong lately.
func (p *pageCertificate) state() (f certificateFacts, trouble string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held != nil {
		f = p.facts
		if f.Wrong == "" && !p.clock.Now().Before(f.Ends) {
			f.Wrong = "ended on " + f.Ends.UTC().Format("2 January 2006")
		}
		return f, p.trouble
	}
	f.Names = slices.Clone(p.own)
	if p.school != nil {
		f.Ends = p.school.Ends()
	}
	return f, p.trouble
}

// strict reports whether browsers may be told to come over TLS only: with a
// certificate that they know, and that will go on.
func (p *pageCertificate) strict() bool {
	f, _ := p.state()
	return f.Files && f.Known && f.Wrong == ""
}
