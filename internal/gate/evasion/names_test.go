package evasion

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	mdns "github.com/miekg/dns"

	"belisha/internal/gate/gatetest"
)

// doDNS asks for a name: dns udp NAME TYPE and perhaps "do", "ad", "edns1",
// "class=CH", "opcode=5".
func (r *run) doDNS(args string) error {
	f := strings.Fields(args)
	if len(f) < 3 {
		return errors.New("dns has a way, a name and a type")
	}
	name, err := unescape(f[1])
	if err != nil {
		return err
	}
	m := new(mdns.Msg)
	m.Id, m.RecursionDesired = mdns.Id(), true
	kind, ok := mdns.StringToType[f[2]]
	if !ok {
		if _, err := fmt.Sscanf(f[2], "TYPE%d", &kind); err != nil {
			return err
		}
	}
	m.Question = []mdns.Question{{Name: mdns.Fqdn(name), Qtype: kind, Qclass: mdns.ClassINET}}
	m.SetEdns0(1232, false)
	for _, o := range f[3:] {
		switch {
		case o == "do":
			m.IsEdns0().SetDo()
		case o == "edns1":
			m.IsEdns0().SetVersion(1)
		case o == "noedns":
			m.Extra = nil
		case strings.HasPrefix(o, "class="):
			m.Question[0].Qclass = mdns.StringToClass[o[6:]]
		case strings.HasPrefix(o, "opcode="):
			_, _ = fmt.Sscanf(o[7:], "%d", &m.Opcode)
		}
	}
	r.names, err = r.exchange(f[0], m)
	r.silent = err != nil
	return nil
}

func (r *run) exchange(way string, m *mdns.Msg) (*mdns.Msg, error) {
	local := net.TCPAddrFromAddrPort(netip.AddrPortFrom(r.addr, 0))
	d := &net.Dialer{Timeout: patience, LocalAddr: local}
	conf := &tls.Config{RootCAs: r.school, ServerName: gatetest.OwnHost}
	switch way {
	case "doh":
		return r.overHTTPS(m, d, conf)
	case "dot":
		c := &mdns.Client{Net: "tcp-tls", Timeout: patience, Dialer: d, TLSConfig: conf}
		got, _, err := c.Exchange(m, r.state.More["dot"])
		return got, err
	case "udp":
		d.LocalAddr = net.UDPAddrFromAddrPort(netip.AddrPortFrom(r.addr, 0))
	}
	c := &mdns.Client{Net: way, Timeout: patience, Dialer: d}
	got, _, err := c.Exchange(m, r.state.DNS)
	return got, err
}

func (r *run) overHTTPS(m *mdns.Msg, d *net.Dialer, conf *tls.Config) (*mdns.Msg, error) {
	raw, err := m.Pack()
	if err != nil {
		return nil, err
	}
	tr := &http.Transport{DialContext: d.DialContext, TLSClientConfig: conf, ForceAttemptHTTP2: true}
	defer tr.CloseIdleConnections()
	res, err := (&http.Client{Transport: tr, Timeout: patience}).Post("https://"+r.state.More["doh"]+"/dns-query", "application/dns-message", bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	got := new(mdns.Msg)
	return got, got.Unpack(b)
}

// doDNSRaw sends bytes: dnsraw udp|tcp|stream "bytes". For tcp the length is
// put before them; for stream it is not.
func (r *run) doDNSRaw(args string) error {
	way, rest, _ := strings.Cut(args, " ")
	text, _, err := quoted(rest)
	if err != nil {
		return err
	}
	r.names, r.silent = nil, false
	if way == "udp" {
		return r.overUDP([]byte(text))
	}
	c, err := dialFrom(r.addr, r.state.DNS)
	if err != nil {
		return err
	}
	r.use(c)
	if way == "tcp" {
		text = string(binary.BigEndian.AppendUint16(nil, uint16(len(text)))) + text
	}
	r.send([]byte(text), 0)
	if err := c.SetReadDeadline(now().Add(time.Second)); err != nil {
		return err
	}
	head := make([]byte, 2)
	if _, err := io.ReadFull(r.r, head); err != nil {
		r.silent = true
		return nil
	}
	msg := make([]byte, binary.BigEndian.Uint16(head))
	if _, err := io.ReadFull(r.r, msg); err != nil {
		r.silent = true
		return nil
	}
	return r.unpack(msg)
}

func (r *run) overUDP(b []byte) error {
	d := &net.Dialer{LocalAddr: net.UDPAddrFromAddrPort(netip.AddrPortFrom(r.addr, 0))}
	c, err := d.Dial("udp", r.state.DNS)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Write(b); err != nil {
		return err
	}
	if err := c.SetReadDeadline(now().Add(500 * time.Millisecond)); err != nil {
		return err
	}
	buf := make([]byte, 64<<10)
	n, err := c.Read(buf)
	if err != nil {
		r.silent = true
		return nil
	}
	return r.unpack(buf[:n])
}

// unpack reads at least the head of an answer.
func (r *run) unpack(b []byte) error {
	if len(b) < 12 {
		return fmt.Errorf("an answer of %d bytes", len(b))
	}
	r.names = new(mdns.Msg)
	if err := r.names.Unpack(b); err != nil {
		r.names.Rcode = int(b[3] & 15)
	}
	return nil
}

// hasRcode is one of several words, "silent" among them.
func (r *run) hasRcode(args string) error {
	have := "silent"
	if r.names != nil {
		have = mdns.RcodeToString[r.names.Rcode]
	}
	for want := range strings.FieldsSeq(args) {
		if want == have {
			return nil
		}
	}
	return fmt.Errorf("got %s: %v", have, r.names)
}

// hasAnswers is "none", or has/lacks "text" of the whole answer.
func (r *run) hasAnswers(args string) error {
	if r.names == nil {
		return errors.New("nothing was answered")
	}
	if args == "none" {
		if len(r.names.Answer) != 0 {
			return fmt.Errorf("got %v", r.names.Answer)
		}
		return nil
	}
	return has("the answer", []byte(r.names.String()), args)
}

func (r *run) hasEDE(args string) error {
	if r.names == nil || r.names.IsEdns0() == nil {
		return fmt.Errorf("no EDNS: %v", r.names)
	}
	for _, o := range r.names.IsEdns0().Option {
		if e, ok := o.(*mdns.EDNS0_EDE); ok {
			for want := range strings.FieldsSeq(args) {
				if fmt.Sprint(e.InfoCode) == want {
					return nil
				}
			}
		}
	}
	return fmt.Errorf("got %v", r.names.IsEdns0())
}
