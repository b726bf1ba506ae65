// Package fetch brings one file from the web to a file here, on terms: over
// https unless somebody said otherwise, from an address of the open internet
// unless somebody said otherwise, within a size and a time, through few
// redirects, and only if it has changed since. What goes wrong is one sentence
// that a person can act on.
//
// The address is checked when the connection is made, after the name was
// resolved, so that a name which points inwards, now or by the time of the
// second look, leads nowhere.
package fetch

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"
)

const (
	maxURL       = 2000
	maxRedirects = 5
	maxHeader    = 64 << 10
	maxTag       = 200
	dialLimit    = 20 * time.Second
	answerLimit  = 60 * time.Second
)

// Error says in one sentence why nothing was fetched.
type Error string

func (e Error) Error() string { return string(e) }

// Ask is what to fetch, and on what terms.
type Ask struct {
	URL string
	// ETag and Modified are what the server said of the copy that is here; ""
	// asks for the file whatever it is.
	ETag, Modified string
	MaxBytes       int64
	Limit          time.Duration
	// Secret is told to the server itself and to no other that it sends us on
	// to: "user:password", or "Bearer token".
	Secret string
	// Plain: http will do, since a person said so.
	Plain bool
	// Private: an address of a private network will do, since a person said so.
	Private bool
}

// Got is what came.
type Got struct {
	Unchanged bool   // the copy that is here is the newest
	Bytes     int64  // of the file
	Sum       string // sha256 of the file, in hexadecimal
	ETag      string
	Modified  string    // the server's Last-Modified, as it wrote it
	Dated     time.Time // the same; zero where it said nothing
}

// Client fetches. The zero value trusts the authorities that the machine
// trusts.
type Client struct {
	Roots *x509.CertPool // nil: those of the machine
	Agent string         // what to call ourselves
}

// Check looks at an address by itself, without asking for it.
func Check(text string, plain bool) (*url.URL, error) {
	if len(text) > maxURL {
		return nil, Error(fmt.Sprintf("the address is longer than %d characters", maxURL))
	}
	u, err := url.Parse(strings.TrimSpace(text))
	switch {
	case err != nil || u.Host == "" || u.Opaque != "" || u.Hostname() == "":
		return nil, Error("this is no web address; write it as https://lists.example/list.txt")
	case u.User != nil:
		return nil, Error("an address with a user name or password in it is not kept; use one without")
	case u.Scheme == "http" && !plain:
		return nil, Error("the address begins with http://, so anybody on the way could change the file; use https://, or say that http will do")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, Error("the address must begin with https://")
	}
	u.Fragment = ""
	return u, nil
}

// File fetches into a new file at path. Where it ends with an error, or with
// Unchanged, no file is left.
func (c *Client) File(ctx context.Context, a Ask, path string) (Got, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return Got{}, fmt.Errorf("making the file to fetch into: %w", err)
	}
	got, err := c.To(ctx, a, f)
	if cerr := f.Close(); err == nil && cerr != nil {
		err = fmt.Errorf("writing what was fetched: %w", cerr)
	}
	if err != nil || got.Unchanged {
		return got, errors.Join(err, os.Remove(path))
	}
	return got, nil
}

// To fetches into w.
func (c *Client) To(ctx context.Context, a Ask, w io.Writer) (Got, error) {
	u, err := Check(a.URL, a.Plain)
	if err != nil {
		return Got{}, err
	}
	if a.Limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, a.Limit)
		defer cancel()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return Got{}, Error("this is no web address; write it as https://lists.example/list.txt")
	}
	req.Header.Set("User-Agent", c.agent())
	if a.ETag != "" {
		req.Header.Set("If-None-Match", a.ETag)
	}
	if a.Modified != "" {
		req.Header.Set("If-Modified-Since", a.Modified)
	}
	tell(req, a.Secret)
	transport := c.transport(a.Private)
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, CheckRedirect: redirects(u.Scheme == "http" && a.Plain)}
	resp, err := client.Do(req)
	if err != nil {
		return Got{}, sentence(ctx, u.Hostname(), err)
	}
	defer func() { _ = resp.Body.Close() }()
	got, err := take(a, resp, w)
	if err != nil {
		return Got{}, sentence(ctx, u.Hostname(), err)
	}
	return got, nil
}

// tell gives the server its secret. Another host that it sends us on to is not
// given it: net/http takes the header off there.
func tell(req *http.Request, secret string) {
	if secret == "" {
		return
	}
	if strings.HasPrefix(secret, "Bearer ") {
		req.Header.Set("Authorization", secret)
		return
	}
	user, password, _ := strings.Cut(secret, ":")
	req.SetBasicAuth(user, password)
}

func (c *Client) agent() string {
	if c.Agent == "" {
		return "Belisha"
	}
	return c.Agent
}

func (c *Client) transport(private bool) *http.Transport {
	d := &net.Dialer{Timeout: dialLimit, Control: func(_, address string, _ syscall.RawConn) error { return allowed(address, private) }}
	return &http.Transport{
		Proxy: nil, DialContext: d.DialContext, TLSHandshakeTimeout: dialLimit, ResponseHeaderTimeout: answerLimit,
		MaxResponseHeaderBytes: maxHeader, DisableCompression: true, DisableKeepAlives: true, ForceAttemptHTTP2: true,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.Roots},
	}
}

// redirects follows few, and never from https to http.
func redirects(plain bool) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects {
			return Error(fmt.Sprintf("the server sent us on more than %d times", maxRedirects))
		}
		if _, err := Check(req.URL.String(), plain); err != nil {
			return Error("the server sent us on to " + printable(req.URL.Redacted()) + ", where we do not go: " + err.Error())
		}
		return nil
	}
}

// take reads the answer.
func take(a Ask, resp *http.Response, w io.Writer) (Got, error) {
	got := Got{ETag: header(resp, "ETag"), Modified: header(resp, "Last-Modified")}
	if at, err := http.ParseTime(got.Modified); err == nil {
		got.Dated = at.UTC()
	} else {
		got.Modified = ""
	}
	switch {
	case resp.StatusCode == http.StatusNotModified && (a.ETag != "" || a.Modified != ""):
		got.Unchanged = true
		return got, nil
	case resp.StatusCode != http.StatusOK:
		return got, Error(fmt.Sprintf("the server answered %d %s", resp.StatusCode, strings.ToLower(http.StatusText(resp.StatusCode))))
	case a.MaxBytes > 0 && resp.ContentLength > a.MaxBytes:
		return got, tooLarge(a.MaxBytes)
	}
	body := io.Reader(resp.Body)
	if a.MaxBytes > 0 {
		body = io.LimitReader(body, a.MaxBytes+1)
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, sum), body)
	if err != nil {
		return got, err
	}
	if a.MaxBytes > 0 && n > a.MaxBytes {
		return got, tooLarge(a.MaxBytes)
	}
	got.Bytes, got.Sum = n, hex.EncodeToString(sum.Sum(nil))
	return got, nil
}

func tooLarge(most int64) Error {
	return Error(fmt.Sprintf("the file is larger than %d MB, which is the most that is fetched", most>>20))
}

// header is a header that is short enough to be kept.
func header(resp *http.Response, name string) string {
	v := resp.Header.Get(name)
	if len(v) > maxTag {
		return ""
	}
	return v
}

// sentence says an error of the network in words.
func sentence(ctx context.Context, host string, err error) error {
	var ours Error
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var slow net.Error
	var refused *net.OpError
	switch {
	case errors.As(err, &ours):
		return ours
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case errors.As(err, &dns):
		return Error("there is no server called " + printable(host) + ", or this machine cannot look names up")
	case errors.As(err, &cert):
		return Error("the certificate of " + printable(host) + " is not one to trust (" + printable(cert.Err.Error()) + ")")
	case errors.Is(ctx.Err(), context.DeadlineExceeded), errors.As(err, &slow) && slow.Timeout():
		return Error(printable(host) + " did not send the file in time")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return Error(printable(host) + " broke off in the middle of the file")
	case errors.As(err, &refused):
		return Error("no connection to " + printable(host) + " (" + printable(refused.Err.Error()) + ")")
	}
	return Error("fetching from " + printable(host) + " failed: " + printable(err.Error()))
}

// printable bounds what a server can put into our sentences.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r > 0x2000 && r < 0x2070 {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if r := []rune(s); len(r) > 120 {
		return string(r[:120]) + "…"
	}
	return s
}

// inner are the ranges that are not the open internet, besides those that the
// standard library names.
var inner = prefixes("100.64.0.0/10", "192.0.0.0/24", "198.18.0.0/15", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "fec0::/10", "100::/64",
	"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")

// nowhere are ranges to which nobody may send us, whatever a person said: what
// answers there is the machine's surroundings, not a server.
var nowhere = prefixes("0.0.0.0/8", "169.254.0.0/16", "240.0.0.0/4", "fe80::/10")

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, 0, len(list))
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func in(list []netip.Prefix, a netip.Addr) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// allowed looks at the address that a connection is about to be made to.
func allowed(address string, private bool) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return Error("the server has no address that can be looked at")
	}
	a := at.Addr().Unmap().WithZone("")
	switch {
	case in(nowhere, a) || a.IsMulticast() || a.IsUnspecified():
		return Error("the server's address, " + a.String() + ", is none that a file is fetched from")
	case private:
		return nil
	case !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || in(inner, a):
		return Error("the server's address, " + a.String() + ", is inside the school's network; if that is meant, say so for this list")
	}
	return nil
}
