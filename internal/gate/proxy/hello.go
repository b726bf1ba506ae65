package proxy

import (
	"encoding/binary"
	"errors"
)

// maxHello bounds a ClientHello, over all its records. Large key shares make
// one of 2 kB; nothing real comes near this.
const maxHello = 64 << 10

var (
	errMoreHello = errors.New("the first message is not complete yet")
	errNotTLS    = errors.New("the tunnel does not begin with TLS")
	errBadHello  = errors.New("the first TLS message is malformed")
	errNoName    = errors.New("the first TLS message names no server")
)

// hello is what a tunnel's first message tells without decrypting anything.
type hello struct {
	name string // as sent
	ech  bool   // the encrypted-name extension is there, real or greased
}

const (
	recordHandshake      = 22
	messageHello         = 1
	extensionName        = 0
	extensionECH         = 0xfe0d
	helloFixed           = 2 + 32
	recordHeader         = 5
	maxRecord            = 1<<14 + 256
	maxServerName        = 255
	nameTypeHost    byte = 0
)

// readHello reads the ClientHello at the start of b, which may span several
// records. errMoreHello asks to be called again with more.
func readHello(b []byte) (hello, error) {
	message, err := helloMessage(b)
	if err != nil {
		return hello{}, err
	}
	return parseHello(message)
}

// helloMessage joins the records that carry the first handshake message.
func helloMessage(b []byte) ([]byte, error) {
	var message []byte
	for {
		if len(b) < recordHeader {
			return nil, tlsSoFar(b)
		}
		size := int(binary.BigEndian.Uint16(b[3:]))
		if b[0] != recordHandshake || b[1] != 3 {
			return nil, errNotTLS
		}
		if size == 0 || size > maxRecord {
			return nil, errBadHello
		}
		if len(message) == 0 && len(b) > recordHeader && b[recordHeader] != messageHello {
			return nil, errBadHello
		}
		have := min(size, len(b)-recordHeader)
		message = append(message, b[recordHeader:recordHeader+have]...)
		if len(message) >= 4 {
			want := 4 + int(message[1])<<16 + int(message[2])<<8 + int(message[3])
			if want > maxHello {
				return nil, errBadHello
			}
			if len(message) >= want {
				return message[4:want], nil
			}
		}
		if have < size {
			return nil, errMoreHello
		}
		b = b[recordHeader+size:]
	}
}

// tlsSoFar tells early what cannot become a TLS record.
func tlsSoFar(b []byte) error {
	if len(b) > 0 && b[0] != recordHandshake || len(b) > 1 && b[1] != 3 {
		return errNotTLS
	}
	return errMoreHello
}

// field reads a length of n bytes and that many bytes after it.
func field(b []byte, n int) (value, rest []byte, ok bool) {
	if len(b) < n {
		return nil, nil, false
	}
	size := 0
	for _, c := range b[:n] {
		size = size<<8 | int(c)
	}
	if len(b)-n < size {
		return nil, nil, false
	}
	return b[n : n+size], b[n+size:], true
}

func parseHello(b []byte) (hello, error) {
	if len(b) < helloFixed || b[0] != 3 {
		return hello{}, errBadHello
	}
	_, b, ok := field(b[helloFixed:], 1) // session
	if !ok {
		return hello{}, errBadHello
	}
	suites, b, ok := field(b, 2)
	if !ok || len(suites) == 0 || len(suites)%2 != 0 {
		return hello{}, errBadHello
	}
	_, b, ok = field(b, 1) // compression
	if !ok {
		return hello{}, errBadHello
	}
	if len(b) == 0 {
		return hello{}, errNoName
	}
	extensions, b, ok := field(b, 2)
	if !ok || len(b) != 0 {
		return hello{}, errBadHello
	}
	return parseExtensions(extensions)
}

func parseExtensions(b []byte) (hello, error) {
	var h hello
	named := false
	for len(b) > 0 {
		if len(b) < 2 {
			return hello{}, errBadHello
		}
		kind := binary.BigEndian.Uint16(b)
		value, rest, ok := field(b[2:], 2)
		if !ok {
			return hello{}, errBadHello
		}
		b = rest
		switch kind {
		case extensionName:
			if named {
				return hello{}, errBadHello // two of them: two servers may read two names
			}
			named = true
			if h.name, ok = serverName(value); !ok {
				return hello{}, errBadHello
			}
		case extensionECH:
			h.ech = true
		}
	}
	if !named {
		return hello{}, errNoName
	}
	return h, nil
}

// serverName reads the one host name of the extension. A second name, another
// type or anything behind it is malformed.
func serverName(b []byte) (string, bool) {
	list, rest, ok := field(b, 2)
	if !ok || len(rest) != 0 || len(list) < 1 || list[0] != nameTypeHost {
		return "", false
	}
	name, rest, ok := field(list[1:], 2)
	if !ok || len(rest) != 0 || len(name) == 0 || len(name) > maxServerName {
		return "", false
	}
	for _, c := range name {
		if c <= ' ' || c >= 0x7f {
			return "", false
		}
	}
	return string(name), true
}
