//go:build !linux

package dns

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
)

// batch takes and sends one datagram at a time.
type batch struct {
	conn    *net.UDPConn
	data    [maxQuestion]byte
	answers [maxQuestion]byte
	n       int
	asker   netip.AddrPort
}

func newBatch(conn *net.UDPConn) (*batch, error) { return &batch{conn: conn}, nil }

func (b *batch) read() (int, error) {
	n, from, err := b.conn.ReadFromUDPAddrPort(b.data[:])
	if errors.Is(err, net.ErrClosed) {
		return 0, net.ErrClosed
	}
	if err != nil {
		return 0, fmt.Errorf("reading DNS questions: %w", err)
	}
	b.n, b.asker = n, from
	return 1, nil
}

func (b *batch) question(int) []byte     { return b.data[:b.n] }
func (b *batch) room(int) []byte         { return b.answers[:0] }
func (b *batch) from(int) netip.AddrPort { return b.asker }
func (b *batch) flush()                  {}

func (b *batch) answer(_ int, wire []byte) {
	if len(wire) > 0 {
		_, _ = b.conn.WriteToUDPAddrPort(wire, b.asker) // who asked has gone: no matter
	}
}

func (b *batch) later(int) func([]byte) {
	to := b.asker
	return func(wire []byte) { _, _ = b.conn.WriteToUDPAddrPort(wire, to) }
}
