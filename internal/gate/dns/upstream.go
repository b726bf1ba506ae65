package dns

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	mdns "github.com/miekg/dns"
)

const (
	tryFor   = 2 * time.Second
	rounds   = 2
	maxReply = 65535
)

// ErrNoUpstream says that no resolver answered, or that there is none.
var ErrNoUpstream = errors.New("no upstream resolver answers")

// upstream asks other resolvers. Every question has its own socket, and so
// its own port, and its own number; an answer to anything else is dropped.
type upstream struct {
	servers atomic.Pointer[[]string]
	first   atomic.Uint32 // the one that answered last
}

// setServers takes "host:port" or plain addresses.
func (u *upstream) setServers(list []string) error {
	var out []string
	for _, s := range list {
		if a, err := netip.ParseAddr(s); err == nil {
			s = netip.AddrPortFrom(a, 53).String()
		}
		if _, _, err := net.SplitHostPort(s); err != nil {
			return fmt.Errorf("the upstream resolver %q is not an address with a port, such as 192.0.2.1:53", s)
		}
		out = append(out, s)
	}
	u.servers.Store(&out)
	return nil
}

// SystemServers are the resolvers this machine is set up to use.
func SystemServers() []string {
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

// exchange asks for one name and type, and returns the whole answer.
func (u *upstream) exchange(ctx context.Context, name string, kind uint16, do bool) (*mdns.Msg, error) {
	list := u.servers.Load()
	if list == nil || len(*list) == 0 {
		return nil, ErrNoUpstream
	}
	var last error
	start := u.first.Load()
	for i := range len(*list) * rounds {
		n := (int(start) + i) % len(*list)
		got, err := u.ask(ctx, (*list)[n], name, kind, do)
		if err == nil {
			u.first.Store(uint32(n))
			return got, nil
		}
		last = err
		if ctx.Err() != nil {
			break
		}
	}
	return nil, fmt.Errorf("%w: %w", ErrNoUpstream, last)
}

func (u *upstream) ask(ctx context.Context, server, name string, kind uint16, do bool) (*mdns.Msg, error) {
	m := new(mdns.Msg)
	m.SetQuestion(mdns.Fqdn(name), kind)
	m.SetEdns0(maxUDP, do)
	var id [2]byte
	rand.Read(id[:])
	m.Id = binary.BigEndian.Uint16(id[:])
	wire, err := m.Pack()
	if err != nil {
		return nil, fmt.Errorf("writing the question: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, tryFor)
	defer cancel()
	got, err := askUDP(ctx, server, m, wire)
	if err == nil && got.Truncated {
		got, err = askTCP(ctx, server, m, wire)
	}
	if err != nil {
		return nil, err
	}
	if got.Rcode != mdns.RcodeSuccess && got.Rcode != mdns.RcodeNameError {
		return nil, fmt.Errorf("%s answered %s", server, mdns.RcodeToString[got.Rcode])
	}
	return got, nil
}

// matches reports whether an answer belongs to the question.
func matches(m, got *mdns.Msg) bool {
	return got.Response && got.Id == m.Id && len(got.Question) == 1 &&
		strings.EqualFold(got.Question[0].Name, m.Question[0].Name) &&
		got.Question[0].Qtype == m.Question[0].Qtype && got.Question[0].Qclass == m.Question[0].Qclass
}

func askUDP(ctx context.Context, server string, m *mdns.Msg, wire []byte) (*mdns.Msg, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "udp", server) // connected: only the server's datagrams arrive
	if err != nil {
		return nil, fmt.Errorf("reaching %s: %w", server, err)
	}
	defer conn.Close()
	if at, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(at); err != nil {
			return nil, fmt.Errorf("reaching %s: %w", server, err)
		}
	}
	if _, err := conn.Write(wire); err != nil {
		return nil, fmt.Errorf("asking %s: %w", server, err)
	}
	buf := make([]byte, 4096)
	for range 64 { // a flood of wrong answers ends the try
		n, err := conn.Read(buf)
		if err != nil {
			return nil, fmt.Errorf("waiting for %s: %w", server, err)
		}
		got := new(mdns.Msg)
		if err := got.Unpack(buf[:n]); (err == nil || got.Truncated) && matches(m, got) {
			return got, nil
		}
	}
	return nil, fmt.Errorf("%s sent only answers to other questions", server)
}

func askTCP(ctx context.Context, server string, m *mdns.Msg, wire []byte) (*mdns.Msg, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", server)
	if err != nil {
		return nil, fmt.Errorf("reaching %s over TCP: %w", server, err)
	}
	defer conn.Close()
	if at, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(at); err != nil {
			return nil, fmt.Errorf("reaching %s over TCP: %w", server, err)
		}
	}
	if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(wire))), wire...)); err != nil {
		return nil, fmt.Errorf("asking %s over TCP: %w", server, err)
	}
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, fmt.Errorf("waiting for %s over TCP: %w", server, err)
	}
	buf := make([]byte, min(int(binary.BigEndian.Uint16(size[:])), maxReply))
	if _, err := io.ReadFull(conn, buf); err != nil {
		return nil, fmt.Errorf("waiting for %s over TCP: %w", server, err)
	}
	got := new(mdns.Msg)
	if err := got.Unpack(buf); err != nil || !matches(m, got) {
		return nil, fmt.Errorf("%s sent an answer to another question", server)
	}
	return got, nil
}
