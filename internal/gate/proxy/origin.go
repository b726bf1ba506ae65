package proxy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"belisha/internal/gate/vouch"
	"belisha/internal/verdict"
)

const (
	originSessions = 512     // kept to be resumed; each holds the site's certificates
	originStream   = 1 << 20 // read ahead of a slow browser, for each answer
	originConn     = 3 << 20
)

// What is pooled as one site's connections is named in the host of a request's
// URL: "name", or "name!safe twin!whose!1" where a connection may not be
// shared with others: because another machine is asked under the name, because
// a sign-in holds for the connection, or because it must not be HTTP/2.
const poolMark = "!"

// pool names the connections that a request may use. Own is whose connection
// it must be, "" where it may be anybody's.
func (t site) pool(target, own string, old bool) string {
	if !t.secure && target != "" {
		t.host, target = target, ""
	}
	if target == "" && own == "" && !old {
		return t.authority()
	}
	first := ""
	if old || own != "" {
		first = "1"
	}
	// A host holds neither mark; the colons of an address would be taken for
	// the port's.
	key := strings.Join([]string{strings.ReplaceAll(t.host, ":", "^"), target, own, first}, poolMark)
	return key + ":" + strconv.Itoa(int(t.port))
}

// pooled is what a pool's name says.
type pooled struct {
	host, dial string
	port       uint16
	old        bool // HTTP/1.1 only
}

func readPool(address string) (p pooled, err error) {
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		return p, fmt.Errorf("reading %q: %w", address, err)
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return p, fmt.Errorf("reading %q: %w", address, err)
	}
	p.port = uint16(port)
	parts := strings.Split(host, poolMark)
	if p.host, _, err = verdict.CanonicalHost(strings.ReplaceAll(parts[0], "^", ":")); err != nil {
		return p, fmt.Errorf("reading %q: %w", address, err)
	}
	p.dial = p.host
	if len(parts) == 4 {
		p.old = parts[3] != ""
		if parts[1] != "" {
			p.dial = parts[1]
		}
	}
	return p, nil
}

// origins is the pool of connections to sites whose TLS the gate speaks.
func (s *Server) newOrigins() *http.Transport {
	base := &tls.Config{
		MinVersion: tls.VersionTLS12, Time: s.porter.Now, ClientSessionCache: tls.NewLRUClientSessionCache(originSessions),
		InsecureSkipVerify: true, // in dialTLS it is verified, and more strictly
	}
	return &http.Transport{
		DialTLSContext: func(ctx context.Context, _, address string) (net.Conn, error) { return s.dialTLS(ctx, base, address) },
		// Plain HTTP is never asked of this pool.
		DialContext:        func(context.Context, string, string) (net.Conn, error) { return nil, errForbidden },
		DisableCompression: true, ForceAttemptHTTP2: true,
		MaxIdleConns: 2000, MaxIdleConnsPerHost: 32, IdleConnTimeout: 60 * time.Second,
		ResponseHeaderTimeout: answerFor, MaxResponseHeaderBytes: 128 << 10,
		ReadBufferSize: 16 << 10, WriteBufferSize: 8 << 10,
		HTTP2: &http.HTTP2Config{
			MaxReceiveBufferPerStream: originStream, MaxReceiveBufferPerConnection: originConn,
			SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second, WriteByteTimeout: time.Minute,
		},
	}
}

// dialTLS connects to a site and makes sure that it is the one.
func (s *Server) dialTLS(ctx context.Context, base *tls.Config, address string) (net.Conn, error) {
	p, err := readPool(address)
	if err != nil {
		return nil, err
	}
	raw, err := s.dial.dial(ctx, p.dial, p.port)
	if err != nil {
		return nil, err
	}
	cfg := base.Clone()
	cfg.ServerName, cfg.NextProtos = p.host, []string{"h2", "http/1.1"}
	if p.old {
		cfg.NextProtos = cfg.NextProtos[1:]
	}
	cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		s.troubles.add(p.host, troubleClientCertificate, "", noClient, s.porter.Now())
		return new(tls.Certificate), nil // we have none to show
	}
	ctx, cancel := context.WithTimeout(ctx, helloFor)
	defer cancel()
	cfg.VerifyConnection = func(c tls.ConnectionState) error { return s.vouch.Check(ctx, p.host, &c) }
	conn := tls.Client(raw, cfg)
	if err := conn.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, &handshakeError{err}
	}
	return conn, nil
}

// handshakeError is how a site failed to prove that it is the one.
type handshakeError struct{ err error }

func (e *handshakeError) Error() string { return "agreeing on TLS with the site: " + e.err.Error() }
func (e *handshakeError) Unwrap() error { return e.err }

// Alerts by which a site ends a connection for want of something.
const (
	alertHandshake   tls.AlertError = 40
	alertBad         tls.AlertError = 42
	alertVersion     tls.AlertError = 70
	alertCertificate tls.AlertError = 116
)

// alerted reports that the other side ended TLS with one of these alerts.
func alerted(err error, any ...tls.AlertError) bool {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return false
	}
	says := op.Err.Error() // its type is crypto/tls's own
	return slices.ContainsFunc(any, func(a tls.AlertError) bool { return a.Error() == says })
}

const wantsVisitor = "site asks for a certificate of the visitor"

// certificateFault says what is wrong with a site's proof of being itself.
// What only went wrong on the way is no fault of that kind.
func certificateFault(err error) (detail string, bad bool) {
	var (
		invalid x509.CertificateInvalidError
		name    x509.HostnameError
		unknown x509.UnknownAuthorityError
		failed  *handshakeError
		system  x509.SystemRootsError
	)
	switch {
	case errors.As(err, &invalid):
		return invalidDetail(&invalid), true
	case errors.As(err, &name):
		return "certificate for another name", true
	case errors.As(err, &unknown):
		return "certificate of an unknown issuer", true
	case errors.Is(err, vouch.ErrRevoked):
		return "certificate revoked", true
	case errors.Is(err, vouch.ErrNoProof):
		return "certificate without the proof that it asks for", true
	case errors.Is(err, vouch.ErrWeakKey):
		return "certificate with a key that is too short", true
	case errors.As(err, &system):
		return "certificate cannot be checked: this machine has no list of issuers", true
	case alerted(err, alertCertificate, alertBad):
		return wantsVisitor, true
	case !errors.As(err, &failed):
		return "", false
	case alerted(err, alertHandshake, alertVersion), strings.Contains(err.Error(), "unsupported protocol version"):
		return "site speaks only outdated encryption", true
	}
	var verification *tls.CertificateVerificationError
	if errors.As(err, &verification) {
		return "certificate cannot be verified", true
	}
	return "", false
}

func invalidDetail(e *x509.CertificateInvalidError) string {
	switch e.Reason {
	case x509.Expired:
		return "certificate expired or not valid yet: " + e.Cert.NotBefore.UTC().Format(time.DateOnly) + " to " + e.Cert.NotAfter.UTC().Format(time.DateOnly)
	case x509.NotAuthorizedToSign, x509.TooManyIntermediates, x509.CANotAuthorizedForThisName, x509.IncompatibleUsage:
		return "certificate of an issuer who may not give it"
	}
	return "certificate is not valid"
}
