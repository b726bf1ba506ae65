package identity

import (
	"bytes"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// What is wrong with a token, as the log and the health page say it.
var (
	errNTLM  = errors.New("NTLM")
	errToken = errors.New("malformed")
	errMech  = errors.New("no Kerberos")
)

const maxToken = 64 << 10

// The mechanisms by their object identifiers.
var (
	oidSPNEGO     = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 2}
	oidKerberos   = asn1.ObjectIdentifier{1, 2, 840, 113554, 1, 2, 2}
	oidKerberosMS = asn1.ObjectIdentifier{1, 2, 840, 48018, 1, 2, 2}
	oidNTLM       = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 2, 2, 10}
	ntlmMark      = []byte("NTLMSSP\x00")
)

var (
	tagFrame    = casn1.Tag(0).Constructed() | 0x40 // [APPLICATION 0]
	tagContext0 = casn1.Tag(0).Constructed().ContextSpecific()
	tagContext1 = casn1.Tag(1).Constructed().ContextSpecific()
	tagContext2 = casn1.Tag(2).Constructed().ContextSpecific()
)

// token is what a Negotiate header holds.
type token struct {
	request []byte // KRB_AP_REQ
	bare    bool   // Kerberos itself, without the negotiation around it
	mech    asn1.ObjectIdentifier
}

// IsNegotiate reports a header of one of the schemes that are answered here.
func IsNegotiate(header string) bool {
	scheme, _, _ := strings.Cut(header, " ")
	return strings.EqualFold(scheme, "negotiate") || strings.EqualFold(scheme, "ntlm")
}

// readHeader reads a Proxy-Authorization header.
func readHeader(header string) (token, error) {
	scheme, rest, _ := strings.Cut(header, " ")
	if strings.EqualFold(scheme, "ntlm") {
		return token{}, errNTLM
	}
	rest = strings.TrimSpace(rest)
	if !strings.EqualFold(scheme, "negotiate") || rest == "" || len(rest) > maxToken {
		return token{}, errToken
	}
	raw, err := base64.StdEncoding.DecodeString(rest)
	if err != nil {
		return token{}, errToken
	}
	return readToken(raw)
}

// readToken reads the frame of GSS-API (RFC 2743, 3.1), and the negotiation in
// it (RFC 4178). The first mechanism is the one that the token is of; what
// would take more than one message is refused, since no connection stands for
// anybody here.
func readToken(raw []byte) (token, error) {
	if bytes.HasPrefix(raw, ntlmMark) {
		return token{}, errNTLM
	}
	mech, inner, ok := frame(raw)
	switch {
	case !ok:
		return token{}, errToken
	case mech.Equal(oidKerberos):
		return kerberosIn(inner, token{bare: true, mech: mech})
	case !mech.Equal(oidSPNEGO):
		return token{}, errMech
	}
	first, data, ok := initial(inner)
	switch {
	case !ok:
		return token{}, errToken
	case bytes.HasPrefix(data, ntlmMark), first.Equal(oidNTLM):
		return token{}, errNTLM
	case !first.Equal(oidKerberos) && !first.Equal(oidKerberosMS):
		return token{}, errMech
	}
	mech, inner, ok = frame(data)
	if !ok || !mech.Equal(oidKerberos) {
		return token{}, errToken
	}
	return kerberosIn(inner, token{mech: first})
}

// frame reads [APPLICATION 0] { mechanism, rest }.
func frame(raw []byte) (mech asn1.ObjectIdentifier, rest []byte, ok bool) {
	s := cryptobyte.String(raw)
	var body cryptobyte.String
	if !s.ReadASN1(&body, tagFrame) || !s.Empty() || !body.ReadASN1ObjectIdentifier(&mech) {
		return nil, nil, false
	}
	return mech, body, true
}

// initial reads NegTokenInit: its first mechanism and the token of that.
func initial(raw []byte) (first asn1.ObjectIdentifier, data []byte, ok bool) {
	s := cryptobyte.String(raw)
	var choice, fields, mechs, list, inner cryptobyte.String
	if !s.ReadASN1(&choice, tagContext0) || !choice.ReadASN1(&fields, casn1.SEQUENCE) ||
		!fields.ReadASN1(&mechs, tagContext0) || !mechs.ReadASN1(&list, casn1.SEQUENCE) ||
		!list.ReadASN1ObjectIdentifier(&first) {
		return nil, nil, false
	}
	if !fields.SkipOptionalASN1(tagContext1) {
		return nil, nil, false
	}
	var there bool
	if !fields.ReadOptionalASN1(&inner, &there, tagContext2) {
		return nil, nil, false
	}
	if there && !inner.ReadASN1Bytes(&data, casn1.OCTET_STRING) {
		return nil, nil, false
	}
	return first, data, true
}

// kerberosIn takes the request out of a Kerberos token (RFC 4121, 4.1).
func kerberosIn(b []byte, t token) (token, error) {
	if len(b) < 3 || b[0] != 1 || b[1] != 0 {
		return token{}, errToken
	}
	t.request = b[2:]
	return t, nil
}

// reply is the answer to a token that proved somebody; answer is KRB_AP_REP, or
// nothing where the client did not ask for our proof.
func (t token) reply(answer []byte) (string, error) {
	inner, err := wrapped(oidKerberos, answer)
	if err != nil {
		return "", err
	}
	out := inner
	if !t.bare {
		if out, err = accepted(t.mech, inner); err != nil {
			return "", err
		}
	}
	if len(out) == 0 {
		return "", nil
	}
	return "Negotiate " + base64.StdEncoding.EncodeToString(out), nil
}

func wrapped(mech asn1.ObjectIdentifier, answer []byte) ([]byte, error) {
	if len(answer) == 0 {
		return nil, nil
	}
	var b cryptobyte.Builder
	b.AddASN1(tagFrame, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(mech)
		b.AddBytes([]byte{2, 0})
		b.AddBytes(answer)
	})
	return b.Bytes()
}

// accepted is NegTokenResp: accept-completed.
func accepted(mech asn1.ObjectIdentifier, inner []byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(tagContext1, func(b *cryptobyte.Builder) {
		b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(tagContext0, func(b *cryptobyte.Builder) { b.AddASN1Enum(0) })
			b.AddASN1(tagContext1, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(mech) })
			if len(inner) > 0 {
				b.AddASN1(tagContext2, func(b *cryptobyte.Builder) { b.AddASN1OctetString(inner) })
			}
		})
	})
	return b.Bytes()
}
