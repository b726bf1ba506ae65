package accounting

import (
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // what RADIUS is made of
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"layeh.com/radius"
)

// What is wrong with a packet.
var (
	errMalformed = errors.New("malformed")
	errSecret    = errors.New("another secret")
	errKind      = errors.New("not accounting")
)

// Attributes by their numbers.
const (
	attrUserName      = 1
	attrNASAddress    = 4
	attrFramedAddress = 8
	attrSessionLimit  = 27
	attrCalling       = 31
	attrNASIdentifier = 32
	attrProxyState    = 33
	attrStatus        = 40
	attrDelay         = 41
	attrSession       = 44
	attrSessionTime   = 46
	attrEventTime     = 55
	attrMessageAuth   = 80
	attrNASAddress6   = 95
	attrInterface6    = 96
	attrPrefix6       = 97
	attrFramed6       = 168
)

// What a packet says, by the value of its Acct-Status-Type.
const (
	statusStart   = 1
	statusStop    = 2
	statusInterim = 3
	statusOn      = 7
	statusOff     = 8
	statusAlive   = 0 // a question whether somebody is there (RFC 5997)
)

const (
	headLen     = 20
	maxPerTime  = 5 // addresses of one session
	fieldsLimit = 253
)

// message is one packet that came from who knows the secret.
type message struct {
	id            byte
	authenticator [16]byte
	status        uint32
	user          string
	session       string
	nas           nas // which of the machines behind one peer
	addresses     []netip.Addr
	mac           string
	limit, spent  time.Duration
	delay         time.Duration
	event         time.Time
	proxyState    [][]byte
}

// nas is how an access point names itself, by one of these or all.
type nas struct{ name, four, six string }

// is reports an access point that has one of the names.
func (n nas) is(o nas) bool {
	return n.name != "" && n.name == o.name || n.four != "" && n.four == o.four || n.six != "" && n.six == o.six
}

// read reads and proves a packet.
func read(raw, secret []byte) (*message, error) {
	if len(raw) < headLen {
		return nil, errMalformed
	}
	n := int(binary.BigEndian.Uint16(raw[2:4]))
	if n < headLen || n > len(raw) || n > maxPacket {
		return nil, errMalformed
	}
	raw = raw[:n] // what is behind it is padding
	p, err := radius.Parse(raw, secret)
	if err != nil {
		return nil, errMalformed
	}
	m := &message{id: p.Identifier, authenticator: p.Authenticator}
	switch p.Code {
	case radius.CodeAccountingRequest:
		if !hmac.Equal(requestAuthenticator(raw, secret), raw[4:headLen]) {
			return nil, errSecret
		}
		if !provesItself(raw, secret, [16]byte{}, false) {
			return nil, errSecret
		}
	case radius.CodeStatusServer:
		if !provesItself(raw, secret, p.Authenticator, true) {
			return nil, errSecret
		}
		m.take(p.Attributes)
		m.status = statusAlive
		return m, nil
	default:
		return nil, errKind
	}
	m.take(p.Attributes)
	status, ok := number(p.Attributes, attrStatus)
	if !ok || status == statusAlive {
		return nil, errMalformed
	}
	m.status = status
	return m, nil
}

// requestAuthenticator is what must stand in the head of an accounting request.
func requestAuthenticator(raw, secret []byte) []byte {
	h := md5.New() //nolint:gosec // as above
	h.Write(raw[:4])
	h.Write(make([]byte, 16))
	h.Write(raw[headLen:])
	h.Write(secret)
	return h.Sum(nil)
}

// provesItself checks the Message-Authenticator, where there is one (RFC 3579,
// 3.2); there must be no more than one, and where it is needed, one.
func provesItself(raw, secret []byte, authenticator [16]byte, needed bool) bool {
	at := -1
	for i := headLen; i+2 <= len(raw) && raw[i+1] >= 2; i += int(raw[i+1]) {
		if raw[i] != attrMessageAuth {
			continue
		}
		if at >= 0 || raw[i+1] != 18 || i+18 > len(raw) {
			return false
		}
		at = i + 2
	}
	if at < 0 {
		return !needed
	}
	h := hmac.New(md5.New, secret)
	h.Write(raw[:4])
	h.Write(authenticator[:])
	h.Write(raw[headLen:at])
	h.Write(make([]byte, 16))
	h.Write(raw[at+16:])
	return hmac.Equal(h.Sum(nil), raw[at:at+16])
}

// take reads what is of use here.
func (m *message) take(a radius.Attributes) {
	m.user, m.session = text(a, attrUserName), text(a, attrSession)
	m.nas = nas{text(a, attrNASIdentifier), text(a, attrNASAddress), text(a, attrNASAddress6)}
	m.mac = hardware(text(a, attrCalling))
	m.limit, m.spent, m.delay = seconds(a, attrSessionLimit), seconds(a, attrSessionTime), seconds(a, attrDelay)
	if at, ok := number(a, attrEventTime); ok && at != 0 {
		m.event = time.Unix(int64(at), 0)
	}
	for _, avp := range a {
		switch avp.Type {
		case attrFramedAddress:
			if len(avp.Attribute) == 4 {
				m.at(netip.AddrFrom4([4]byte(avp.Attribute)))
			}
		case attrFramed6:
			if len(avp.Attribute) == 16 {
				m.at(netip.AddrFrom16([16]byte(avp.Attribute)))
			}
		case attrPrefix6:
			m.within(avp.Attribute, a)
		case attrProxyState:
			m.proxyState = append(m.proxyState, avp.Attribute)
		}
	}
}

// within adds the address that a prefix of IPv6 is, or has together with the
// interface's half (RFC 3162). A prefix alone is no address.
func (m *message) within(v []byte, all radius.Attributes) {
	if len(v) < 2 || len(v) > 18 {
		return
	}
	var a [16]byte
	copy(a[:], v[2:])
	half, ok := all.Lookup(attrInterface6)
	switch {
	case v[1] == 128:
	case v[1] == 64 && ok && len(half) == 8:
		copy(a[8:], half)
	default:
		return
	}
	m.at(netip.AddrFrom16(a))
}

// at adds an address that somebody may have. 255.255.255.254 and the like mean
// that the access point does not know it yet.
func (m *message) at(a netip.Addr) {
	a = a.Unmap()
	if !a.IsGlobalUnicast() && !a.IsLoopback() || a == netip.AddrFrom4([4]byte{255, 255, 255, 254}) || len(m.addresses) >= maxPerTime || slices.Contains(m.addresses, a) {
		return
	}
	m.addresses = append(m.addresses, a)
}

func text(a radius.Attributes, t radius.Type) string {
	v, ok := a.Lookup(t)
	if !ok || len(v) > fieldsLimit {
		return ""
	}
	return string(v)
}

func number(a radius.Attributes, t radius.Type) (uint32, bool) {
	v, ok := a.Lookup(t)
	if !ok || len(v) != 4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(v), true
}

func seconds(a radius.Attributes, t radius.Type) time.Duration {
	n, _ := number(a, t)
	return time.Duration(n) * time.Second
}

// hardware reads a hardware address however it is written: "AA-BB-CC-00-11-22",
// "aabb.cc00.1122", "aabbcc001122", with ":NAME" of a network behind it.
func hardware(s string) string {
	var digits strings.Builder
	for _, c := range s {
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f', c >= 'A' && c <= 'F':
			digits.WriteRune(c)
		case c != '-' && c != ':' && c != '.':
			return ""
		}
		if digits.Len() == 12 {
			break
		}
	}
	d := strings.ToLower(digits.String())
	if len(d) != 12 || d == "000000000000" {
		return ""
	}
	mac, err := net.ParseMAC(d[:2] + ":" + d[2:4] + ":" + d[4:6] + ":" + d[6:8] + ":" + d[8:10] + ":" + d[10:])
	if err != nil {
		return ""
	}
	return mac.String()
}

// isHardware reports a name that is a device's hardware address and no more.
func isHardware(name string) bool {
	n := len(name)
	return (n == 12 || n == 14 || n == 17) && hardware(name) != ""
}

// reply is the Accounting-Response: nothing but what a proxy on the way wants
// back.
func (m *message) reply(secret []byte) []byte {
	out := make([]byte, headLen, headLen+64)
	out[0], out[1] = byte(radius.CodeAccountingResponse), m.id
	for _, v := range m.proxyState {
		out = append(out, attrProxyState, byte(len(v)+2))
		out = append(out, v...)
	}
	binary.BigEndian.PutUint16(out[2:4], uint16(len(out)))
	h := md5.New() //nolint:gosec // as above
	h.Write(out[:4])
	h.Write(m.authenticator[:])
	h.Write(out[headLen:])
	h.Write(secret)
	copy(out[4:headLen], h.Sum(nil))
	return out
}
