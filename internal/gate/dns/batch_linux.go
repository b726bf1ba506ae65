package dns

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const batchSize = 32

// mmsghdr is the system's struct mmsghdr: a message and how long it was.
type mmsghdr struct {
	unix.Msghdr
	Len uint32
}

// batch takes and sends many datagrams in one call. Nothing in it is made
// anew for a question.
type batch struct {
	conn    *net.UDPConn
	raw     syscall.RawConn
	n       int
	in      [batchSize]mmsghdr
	out     [batchSize]mmsghdr
	inBuf   [batchSize]unix.Iovec
	outBuf  [batchSize]unix.Iovec
	names   [batchSize]unix.RawSockaddrInet6
	control [batchSize][64]byte
	data    [batchSize][maxQuestion]byte
	answers [batchSize][maxQuestion]byte
	told    bool // each datagram tells which of our addresses it was sent to

	recv, send func(fd uintptr) bool
	errno      syscall.Errno
	sent, to   int
}

func newBatch(conn *net.UDPConn) (*batch, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("opening DNS over UDP: %w", err)
	}
	b := &batch{conn: conn, raw: raw}
	for i := range batchSize {
		b.inBuf[i].Base = &b.data[i][0]
		b.inBuf[i].SetLen(maxQuestion)
		h := &b.in[i]
		h.Name, h.Iov = (*byte)(unsafe.Pointer(&b.names[i])), &b.inBuf[i]
		h.SetIovlen(1)
	}
	at := conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr()
	if at.IsUnspecified() {
		b.told = b.tell(at.Is6() && !at.Is4In6())
	}
	b.recv = func(fd uintptr) bool {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&b.in[0])), batchSize, unix.MSG_DONTWAIT, 0, 0)
		b.n, b.errno = int(n), errno
		return errno != unix.EAGAIN && errno != unix.EINTR
	}
	b.send = func(fd uintptr) bool {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&b.out[b.sent])), uintptr(b.to-b.sent), unix.MSG_DONTWAIT, 0, 0)
		b.errno = errno
		if errno == 0 {
			b.sent += int(n)
		}
		return errno != unix.EAGAIN && errno != unix.EINTR
	}
	return b, nil
}

// tell asks the system to say which of our addresses a question came to: the
// answer must come from there, or nobody believes it.
func (b *batch) tell(six bool) (ok bool) {
	err := b.raw.Control(func(fd uintptr) {
		if six {
			ok = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1) == nil
			return
		}
		ok = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1) == nil
	})
	return ok && err == nil
}

// read waits for datagrams, and tells how many came.
func (b *batch) read() (int, error) {
	for i := range b.in {
		h := &b.in[i]
		h.Namelen = unix.SizeofSockaddrInet6
		if b.told {
			h.Control = &b.control[i][0]
			h.SetControllen(len(b.control[i]))
		}
	}
	b.n = 0
	if err := b.raw.Read(b.recv); err != nil {
		if errors.Is(err, net.ErrClosed) {
			return 0, net.ErrClosed
		}
		return 0, fmt.Errorf("reading DNS questions: %w", err)
	}
	if b.errno != 0 {
		return 0, fmt.Errorf("reading DNS questions: %w", b.errno)
	}
	b.to = 0
	return b.n, nil
}

// question is one of those that came. Cut off is one that is longer than any
// question.
func (b *batch) question(i int) []byte { return b.data[i][:min(b.in[i].Len, maxQuestion)] }

// room is where its answer may be written.
func (b *batch) room(i int) []byte { return b.answers[i][:0] }

// from is who asked.
func (b *batch) from(i int) netip.AddrPort {
	n := &b.names[i]
	port := *(*[2]byte)(unsafe.Pointer(&n.Port)) // as it is on the wire
	if n.Family == unix.AF_INET {
		four := (*unix.RawSockaddrInet4)(unsafe.Pointer(n))
		return netip.AddrPortFrom(netip.AddrFrom4(four.Addr), binary.BigEndian.Uint16(port[:]))
	}
	a := netip.AddrFrom16(n.Addr)
	if n.Scope_id != 0 {
		a = a.WithZone(strconv.Itoa(int(n.Scope_id)))
	}
	return netip.AddrPortFrom(a, binary.BigEndian.Uint16(port[:]))
}

// answer puts the answer to question i with those that are sent next.
func (b *batch) answer(i int, wire []byte) {
	if len(wire) == 0 {
		return
	}
	h := &b.out[b.to]
	b.outBuf[b.to].Base = &wire[0]
	b.outBuf[b.to].SetLen(len(wire))
	h.Name, h.Namelen = b.in[i].Name, b.in[i].Namelen
	h.Iov = &b.outBuf[b.to]
	h.SetIovlen(1)
	h.Control = nil
	h.SetControllen(0)
	if c := b.cameTo(i); len(c) > 0 {
		h.Control = &c[0]
		h.SetControllen(len(c))
	}
	b.to++
}

// cameTo says from which of our addresses the answer to question i must come,
// in the system's words; nil where there is only one.
func (b *batch) cameTo(i int) []byte {
	if !b.told {
		return nil
	}
	c := b.control[i][:min(int(b.in[i].Controllen), len(b.control[i]))]
	at := unix.CmsgLen(0)
	if len(c) < at {
		return nil
	}
	h := (*unix.Cmsghdr)(unsafe.Pointer(&c[0]))
	switch {
	case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(c) >= at+12:
		clear(c[at : at+4]) // by whatever way leads there
		return c[:unix.CmsgSpace(12)]
	case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(c) >= at+20:
		if c[at] != 0xfe { // an address of one link alone keeps its link
			clear(c[at+16 : at+20])
		}
		return c[:unix.CmsgSpace(20)]
	}
	return nil
}

// flush sends what was answered. Who has gone since is left out.
func (b *batch) flush() {
	b.sent = 0
	for b.sent < b.to {
		if b.raw.Write(b.send) != nil {
			return
		}
		if b.errno != 0 {
			b.sent++
		}
	}
	b.to = 0
}

// later returns a function that answers question i after others were taken.
func (b *batch) later(i int) func([]byte) {
	to := b.from(i)
	came := append([]byte(nil), b.cameTo(i)...)
	return func(wire []byte) {
		_, _, _ = b.conn.WriteMsgUDPAddrPort(wire, came, to) // who asked has gone: no matter
	}
}
