// Package upstream asks other resolvers: over UDP with a port, a number and a
// spelling of its own for every question, over TCP where an answer does not
// fit, or over TLS. What does not answer the question asked is never believed.
package upstream

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	mdns "github.com/miekg/dns"

	"belisha/internal/kit/clock"
)

const (
	firstTry   = 1500 * time.Millisecond
	secondTry  = 2500 * time.Millisecond
	maxUDP     = 1232
	maxReply   = 65535
	badAfter   = 2 // tries in a row
	badFor     = 10 * time.Second
	plainFor   = 10 * time.Minute
	maxServers = 16
)

// ErrNone says that no resolver answered, or that there is none.
var ErrNone = errors.New("no upstream resolver answers")

// Failed is an answer that says that the name could not be found out, such as
// SERVFAIL. Info is the extended error that came with it, or -1.
type Failed struct {
	Server string
	Rcode  int
	Info   int
}

// Error implements error.
func (f *Failed) Error() string {
	return fmt.Sprintf("%s answered %s", f.Server, mdns.RcodeToString[f.Rcode])
}

// Bogus reports that the server knows an answer and could not prove it by
// DNSSEC (RFC 8914: 1, 2 and 5 to 12).
func (f *Failed) Bogus() bool {
	return f.Info == 1 || f.Info == 2 || f.Info >= 5 && f.Info <= 12
}

// Question is what is asked. CD asks for what upstream could not validate.
type Question struct {
	Name   string
	Kind   uint16
	DO, CD bool
}

// Client asks servers, the one that answered last first. It is safe for
// several goroutines.
type Client struct {
	clock   clock.Clock
	servers []*server
	first   atomic.Uint32
}

// server is one resolver with what is known of its health.
type server struct {
	address  string // host:port
	tls      *tls.Config
	idle     chan *tls.Conn
	slots    chan struct{}
	fails    atomic.Int32
	badUntil atomic.Int64 // Unix ms
	oneCase  atomic.Bool  // it does not give the spelling back
	plain    atomic.Int64 // Unix ms until when it is asked without EDNS, which it does not know
	clock    clock.Clock
}

// New takes "192.0.2.1", "192.0.2.1:53" or "tls://192.0.2.1#dns.example". Roots
// are the certificates that name servers over TLS; nil: the system's.
func New(list []string, roots *x509.CertPool, c clock.Clock) (*Client, error) {
	out := &Client{clock: c}
	if len(list) > maxServers {
		return nil, fmt.Errorf("there are %d upstream resolvers and at most %d are asked", len(list), maxServers)
	}
	for _, s := range list {
		one, err := parse(s)
		if err != nil {
			return nil, err
		}
		one.clock = c
		if one.tls != nil {
			one.tls.RootCAs = roots
		}
		out.servers = append(out.servers, one)
	}
	return out, nil
}

// Check reports what is wrong with one line of upstream-dns.
func Check(s string) error {
	_, err := parse(s)
	return err
}

func parse(text string) (*server, error) {
	s, overTLS := strings.CutPrefix(text, "tls://")
	port, name := uint16(53), ""
	if overTLS {
		port = 853
		s, name, _ = strings.Cut(s, "#")
	}
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		s = netip.AddrPortFrom(a, port).String()
	}
	host, _, err := net.SplitHostPort(s)
	if err != nil || host == "" {
		return nil, fmt.Errorf("the upstream resolver %q is not an address: use one such as 192.0.2.1, 192.0.2.1:53 or tls://192.0.2.1#dns.example", text)
	}
	out := &server{address: s}
	if overTLS {
		if name == "" {
			name = host
		}
		out.tls = &tls.Config{ServerName: name, MinVersion: tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(4)}
		out.idle, out.slots = make(chan *tls.Conn, maxIdle), make(chan struct{}, maxStreams)
	}
	return out, nil
}

// System are the resolvers this machine is set up to use.
func System() []string {
	conf, err := mdns.ClientConfigFromFile("/etc/resolv.conf")
	if err != nil {
		return nil
	}
	var out []string
	for _, s := range conf.Servers {
		out = append(out, net.JoinHostPort(s, conf.Port))
	}
	return out
}

// Exchange returns the whole answer to a question. Every server is asked
// twice before it gives up; those that did not answer lately come last.
func (c *Client) Exchange(ctx context.Context, q Question) (*mdns.Msg, error) {
	if len(c.servers) == 0 {
		return nil, ErrNone
	}
	var last error
	for _, wait := range [...]time.Duration{firstTry, secondTry} {
		for _, n := range c.order() {
			s := c.servers[n]
			got, err := s.ask(ctx, q, wait)
			if err == nil {
				s.fails.Store(0)
				c.first.Store(uint32(n))
				return got, nil
			}
			var said *Failed
			if !errors.As(err, &said) && ctx.Err() == nil && s.fails.Add(1) >= badAfter {
				s.badUntil.Store(c.clock.Now().Add(badFor).UnixMilli())
			}
			if last == nil || said != nil {
				last = err
			}
			if ctx.Err() != nil {
				return nil, fmt.Errorf("%w: %w", ErrNone, last)
			}
		}
		if said := (*Failed)(nil); errors.As(last, &said) {
			return nil, last // a server is there, and asking again gives the same
		}
	}
	return nil, fmt.Errorf("%w: %w", ErrNone, last)
}

// order is in which order the servers are asked.
func (c *Client) order() []int {
	now := c.clock.Now().UnixMilli()
	out := make([]int, 0, len(c.servers))
	for i := range c.servers {
		out = append(out, (int(c.first.Load())+i)%len(c.servers))
	}
	slices.SortStableFunc(out, func(a, b int) int {
		return bad(c.servers[a], now) - bad(c.servers[b], now)
	})
	return out
}

func bad(s *server, now int64) int {
	if s.badUntil.Load() > now {
		return 1
	}
	return 0
}

func (s *server) ask(ctx context.Context, q Question, wait time.Duration) (*mdns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	edns := s.plain.Load() <= s.clock.Now().UnixMilli()
	got, err := s.try(ctx, q, edns)
	if err == nil && edns && old(got) {
		if got, err = s.try(ctx, q, false); err == nil && !old(got) {
			s.plain.Store(s.clock.Now().Add(plainFor).UnixMilli())
		}
	}
	if err != nil {
		return nil, err
	}
	if got.Rcode != mdns.RcodeSuccess && got.Rcode != mdns.RcodeNameError {
		return nil, &Failed{Server: s.address, Rcode: got.Rcode, Info: info(got)}
	}
	return got, nil
}

// old reports an answer of a server that does not know EDNS (RFC 6891 7): it
// takes the question for a mistake, and may not even repeat it.
func old(got *mdns.Msg) bool {
	return (got.Rcode == mdns.RcodeFormatError || got.Rcode == mdns.RcodeNotImplemented) && got.IsEdns0() == nil
}

// try asks over UDP, and again over TCP where the answer does not fit or
// somebody may have meddled; or over TLS.
func (s *server) try(ctx context.Context, q Question, edns bool) (*mdns.Msg, error) {
	m, wire, err := s.message(q, edns)
	if err != nil {
		return nil, err
	}
	if s.tls != nil {
		return s.askTLS(ctx, m, wire)
	}
	got, err := s.askUDP(ctx, m, wire)
	if err != nil {
		return nil, err
	}
	if len(got.Question) == 0 || !got.Truncated && got.Question[0].Name == m.Question[0].Name {
		return got, nil
	}
	got, err = s.askTCP(ctx, m, wire)
	if err == nil && len(got.Question) > 0 && got.Question[0].Name != m.Question[0].Name {
		s.oneCase.Store(true) // its own doing, not somebody's in between
	}
	return got, err
}

func (s *server) message(q Question, edns bool) (*mdns.Msg, []byte, error) {
	m := new(mdns.Msg)
	m.SetQuestion(mdns.Fqdn(q.Name), q.Kind)
	if edns {
		m.SetEdns0(maxUDP, q.DO)
	}
	m.CheckingDisabled = q.CD
	var random [34]byte
	rand.Read(random[:])
	m.Id = binary.BigEndian.Uint16(random[32:])
	if !s.oneCase.Load() {
		m.Question[0].Name = mixedCase(m.Question[0].Name, random[:32])
	}
	wire, err := m.Pack()
	if err != nil {
		return nil, nil, fmt.Errorf("writing the question: %w", err)
	}
	return m, wire, nil
}

// mixedCase spells a name in a way that nobody can guess.
func mixedCase(name string, random []byte) string {
	b := []byte(name)
	for i, c := range b {
		if ('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z') && random[i/8%len(random)]>>(i%8)&1 == 1 {
			b[i] = c ^ 0x20
		}
	}
	return string(b)
}

// matches reports whether an answer belongs to the question, whatever its
// spelling.
func matches(m, got *mdns.Msg) bool {
	if !got.Response || got.Opcode != mdns.OpcodeQuery || got.Id != m.Id {
		return false
	}
	if len(got.Question) == 0 { // it says nothing but that it could not read the question
		return old(got) && len(got.Answer) == 0
	}
	return len(got.Question) == 1 &&
		strings.EqualFold(got.Question[0].Name, m.Question[0].Name) &&
		got.Question[0].Qtype == m.Question[0].Qtype && got.Question[0].Qclass == m.Question[0].Qclass
}

func info(m *mdns.Msg) int {
	if opt := m.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if e, ok := o.(*mdns.EDNS0_EDE); ok {
				return int(e.InfoCode)
			}
		}
	}
	return -1
}
