package upstream

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"

	mdns "github.com/miekg/dns"
)

const (
	maxIdle    = 8   // connections over TLS that are kept
	maxStreams = 128 // and that are open at once
	maxWrong   = 64  // a flood of wrong answers ends the try
)

func dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("reaching %s: %w", address, err)
	}
	if err := within(ctx, conn); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

func within(ctx context.Context, conn net.Conn) error {
	at, ok := ctx.Deadline()
	if !ok {
		return nil
	}
	if err := conn.SetDeadline(at); err != nil {
		return fmt.Errorf("setting the time for an answer: %w", err)
	}
	return nil
}

func (s *server) askUDP(ctx context.Context, m *mdns.Msg, wire []byte) (*mdns.Msg, error) {
	conn, err := dial(ctx, "udp", s.address) // connected: only the server's datagrams arrive
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if _, err := conn.Write(wire); err != nil {
		return nil, fmt.Errorf("asking %s: %w", s.address, err)
	}
	buf := make([]byte, 4096)
	for range maxWrong {
		n, err := conn.Read(buf)
		if err != nil {
			return nil, fmt.Errorf("waiting for %s: %w", s.address, err)
		}
		got := new(mdns.Msg)
		if err := got.Unpack(buf[:n]); (err == nil || got.Truncated) && matches(m, got) {
			return got, nil
		}
	}
	return nil, fmt.Errorf("%s sent only answers to other questions", s.address)
}

func (s *server) askTCP(ctx context.Context, m *mdns.Msg, wire []byte) (*mdns.Msg, error) {
	conn, err := dial(ctx, "tcp", s.address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return s.talk(conn, m, wire)
}

// askTLS asks over a connection that is kept. One that had been closed by the
// other side is no fault of the server's: a fresh one is tried.
func (s *server) askTLS(ctx context.Context, m *mdns.Msg, wire []byte) (*mdns.Msg, error) {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for %s: %w", s.address, ctx.Err())
	}
	select {
	case conn := <-s.idle:
		if within(ctx, conn) == nil {
			if got, err := s.talk(conn, m, wire); err == nil {
				s.keep(conn)
				return got, nil
			}
		}
		_ = conn.Close()
	default:
	}
	plain, err := dial(ctx, "tcp", s.address)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(plain, s.tls)
	if err := conn.HandshakeContext(ctx); err != nil {
		plain.Close()
		return nil, fmt.Errorf("proving that %s is %s: %w", s.address, s.tls.ServerName, err)
	}
	got, err := s.talk(conn, m, wire)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	s.keep(conn)
	return got, nil
}

func (s *server) keep(conn *tls.Conn) {
	select {
	case s.idle <- conn:
	default:
		_ = conn.Close()
	}
}

// talk asks one question on a stream.
func (s *server) talk(conn net.Conn, m *mdns.Msg, wire []byte) (*mdns.Msg, error) {
	if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(wire))), wire...)); err != nil {
		return nil, fmt.Errorf("asking %s: %w", s.address, err)
	}
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, fmt.Errorf("waiting for %s: %w", s.address, err)
	}
	buf := make([]byte, min(int(binary.BigEndian.Uint16(size[:])), maxReply))
	if _, err := io.ReadFull(conn, buf); err != nil {
		return nil, fmt.Errorf("waiting for %s: %w", s.address, err)
	}
	got := new(mdns.Msg)
	if err := got.Unpack(buf); err != nil || !matches(m, got) {
		return nil, fmt.Errorf("%s sent an answer to another question", s.address)
	}
	return got, nil
}

// Close gives up the connections that were kept.
func (c *Client) Close() {
	for _, s := range c.servers {
		for s.idle != nil {
			select {
			case conn := <-s.idle:
				_ = conn.Close()
				continue
			default:
			}
			break
		}
	}
}
