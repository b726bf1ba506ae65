//go:build linux

package stories_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// device takes a device in hand: device NAME. Each has an address of its own.
func device(s *story, args []string) error {
	if len(args) != 1 {
		return errors.New("usage: device NAME")
	}
	a, ok := s.devices[args[0]]
	if !ok {
		a = fmt.Sprintf("127.0.9.%d", len(s.devices)+1)
		s.devices[args[0]] = a
	}
	s.at = a
	s.ts.Setenv("ADDRESS", a)
	return nil
}

func (s *story) dialer() *net.Dialer {
	return &net.Dialer{Timeout: 5 * time.Second, LocalAddr: &net.TCPAddr{IP: net.ParseIP(s.at)}}
}

// ask opens an address through the filter's proxy, on the device at hand:
// ask [--as USER] URL [STATUS]. What came stands for sees.
func ask(s *story, args []string) error {
	auth := ""
	if len(args) > 2 && args[0] == "--as" {
		auth, args = "Basic "+base64.StdEncoding.EncodeToString([]byte(args[1]+":"+password)), args[2:]
	}
	if len(args) > 2 && args[0] == "--ticket" {
		var err error
		if auth, err = s.ticket(args[1]); err != nil {
			return err
		}
		args = args[2:]
	}
	if len(args) < 1 || len(args) > 2 {
		return errors.New("usage: ask [--as USER] [--ticket USER] URL [STATUS]")
	}
	u, err := url.Parse(args[0])
	if err != nil {
		return err
	}
	p, err := s.through(u, auth)
	if err != nil {
		return err
	}
	s.page = p
	if len(args) == 2 && strconv.Itoa(p.status) != args[1] {
		return fmt.Errorf("%s answered %d, not %s:\n%s", args[0], p.status, args[1], p.text)
	}
	return nil
}

// asks opens an address again and again: asks N URL STATUS.
func asks(s *story, args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil || len(args) != 3 {
		return errors.New("usage: asks N URL STATUS")
	}
	for range n {
		if err := ask(s, args[1:]); err != nil {
			return err
		}
	}
	return nil
}

// through sends one request through the proxy. A site's usual port leads to
// the street's.
func (s *story) through(u *url.URL, auth string) (page, error) {
	proxy := s.ts.Getenv("PROXY")
	c, err := s.dialer().Dial("tcp", proxy)
	if err != nil {
		return page{}, err
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	host := u.Hostname()
	port := map[string]string{"http": s.net.plain, "https": s.net.secure}[u.Scheme]
	_, port, _ = net.SplitHostPort(port)
	if u.Port() != "" {
		port = u.Port()
	}
	if u.Scheme == "https" {
		return tunnel(c, net.JoinHostPort(host, port), u, auth)
	}
	at := *u
	at.Host = net.JoinHostPort(host, port)
	if host == "belisha.ashdown" {
		at.Host = host
	}
	req, err := http.NewRequest(http.MethodGet, at.String(), nil)
	if err != nil {
		return page{}, err
	}
	req.Header.Set("Accept", "text/html") // a page in a window, as a browser opens one
	if auth != "" {
		req.Header.Set("Proxy-Authorization", auth)
	}
	if err := req.WriteProxy(c); err != nil {
		return page{}, err
	}
	return readPage(c, req)
}

func readPage(c net.Conn, req *http.Request) (page, error) {
	resp, err := http.ReadResponse(bufio.NewReader(c), req)
	if err != nil {
		return page{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	return newPage(resp.StatusCode, resp.Request.URL.Path, readSome(resp.Body)), nil
}

// tunnel asks for a tunnel, and inside it for the page.
func tunnel(c net.Conn, to string, u *url.URL, auth string) (page, error) {
	head := "CONNECT " + to + " HTTP/1.1\r\nHost: " + to + "\r\n"
	if auth != "" {
		head += "Proxy-Authorization: " + auth + "\r\n"
	}
	if _, err := c.Write([]byte(head + "\r\n")); err != nil {
		return page{}, err
	}
	req, err := http.NewRequest(http.MethodConnect, "//"+to, nil)
	if err != nil {
		return page{}, err
	}
	br := bufio.NewReader(c)
	resp, err := http.ReadResponse(br, req)
	if err != nil {
		return page{}, err
	}
	if resp.StatusCode != http.StatusOK {
		defer func() { _ = resp.Body.Close() }()
		return newPage(resp.StatusCode, "", readSome(resp.Body)), nil
	}
	t := tls.Client(c, &tls.Config{ServerName: u.Hostname(), InsecureSkipVerify: true}) //nolint:gosec // the story looks at whose certificate came
	if err := t.HandshakeContext(context.Background()); err != nil {
		// The filter lets go of a tunnel whose inside it does not allow.
		return newPage(0, "", "the tunnel was closed"), nil //nolint:nilerr // that is the answer
	}
	get, err := http.NewRequest(http.MethodGet, u.String(), nil)
	if err != nil {
		return page{}, err
	}
	get.Host = to // as a browser says it
	if err := get.Write(t); err != nil {
		return page{}, err
	}
	p, err := readPage(t, get)
	p.text = "certificate: " + t.ConnectionState().PeerCertificates[0].Subject.CommonName + "\n" + p.text
	return p, err
}

// dig asks the filter's DNS: dig [tcp] NAME [WANTED]. WANTED is NXDOMAIN or
// a word of the answer.
func dig(s *story, args []string) error {
	over := "udp"
	if len(args) > 0 && args[0] == "tcp" {
		over, args = "tcp", args[1:]
	}
	if len(args) < 1 || len(args) > 2 {
		return errors.New("usage: dig [tcp] NAME [WANTED]")
	}
	c := &dns.Client{Net: over, Timeout: 5 * time.Second, Dialer: &net.Dialer{LocalAddr: &net.UDPAddr{IP: net.ParseIP(s.at)}}}
	if over == "tcp" {
		c.Dialer = s.dialer()
	}
	m := new(dns.Msg)
	m.SetQuestion(dns.Fqdn(args[0]), dns.TypeA)
	in, _, err := c.Exchange(m, s.ts.Getenv("DNS"))
	if err != nil {
		return err
	}
	lines := []string{dns.RcodeToString[in.Rcode]}
	for _, rr := range append(in.Answer, in.Extra...) {
		lines = append(lines, strings.ReplaceAll(rr.String(), "\t", " "))
	}
	s.page = page{status: in.Rcode, text: strings.Join(lines, "\n")}
	if len(args) == 2 && !strings.Contains(s.page.text, args[1]) {
		return fmt.Errorf("%s is answered as:\n%s", args[0], s.page.text)
	}
	return nil
}
