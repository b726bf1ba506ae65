package lists

import (
	"errors"
	"net/netip"
	"strings"

	"belisha/internal/verdict/canon"
)

const (
	maxName  = 253
	maxLabel = 63
	// A name may be longer before it is mapped than after; beyond this it is
	// not worth looking.
	maxRawName = 1024
)

var (
	errEmptyName    = errors.New("there is no name")
	errNameTooLong  = errors.New("the name is longer than 253 characters")
	errLabelTooLong = errors.New("a part of the name is longer than 63 characters")
	errEmptyLabel   = errors.New("a part of the name between two dots is empty")
	errBadCharacter = errors.New("the name holds a character that no name may have")
	errNumberName   = errors.New("the name ends in a number, as only an address does")
	errBadIDN       = errors.New("the name is not a valid international name")
)

// Canonical is the one spelling of a host name: mapped by UTS 46, A-labels,
// lower-case, without a dot at the end, within the limits of DNS. Underscores
// are allowed, since listed names have them. An address is not a name.
// Canonical of a canonical name is that name.
func Canonical(host string) (string, error) {
	if len(host) > maxRawName {
		return "", errNameTooLong
	}
	name := strings.TrimSuffix(host, ".")
	if !isPlainName(name) {
		mapped, err := mapName(name)
		if err != nil {
			return "", err
		}
		name = mapped
	}
	if err := checkName(name); err != nil {
		return "", err
	}
	return name, nil
}

// isPlainName reports whether mapping could not change the name: lower-case
// ASCII without an A-label, which must be checked. It is the fast path that
// nearly every line takes.
func isPlainName(s string) bool {
	for i := 0; i < len(s); i++ {
		if !nameByte(s[i]) && s[i] != '.' {
			return false
		}
	}
	return !strings.Contains(s, "xn--")
}

func nameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

func mapName(s string) (string, error) {
	lower := strings.ToLower(s)
	if isPlainName(lower) {
		return lower, nil
	}
	if strings.HasSuffix(s, ".") {
		return "", errEmptyLabel // one dot at the end is already gone
	}
	// The door's own reading, so that a name which the door would judge is
	// never refused in a list: also one whose A-label stands for no letters,
	// which devices ask for as it is written.
	mapped, kind, err := canon.Host(s)
	switch {
	case err == canon.ErrCharacter: // wrapped, it tells of letters
		return "", errBadCharacter
	case err != nil || kind != canon.Name:
		return "", errBadIDN
	}
	return mapped, nil
}

func checkName(s string) error {
	if s == "" {
		return errEmptyName
	}
	if len(s) > maxName {
		return errNameTooLong
	}
	start, number := 0, true
	for i := 0; i <= len(s); i++ {
		if i < len(s) && s[i] != '.' {
			if !nameByte(s[i]) {
				return errBadCharacter
			}
			number = number && s[i] >= '0' && s[i] <= '9'
			continue
		}
		if i == start {
			return errEmptyLabel
		}
		if i-start > maxLabel {
			return errLabelTooLong
		}
		if i < len(s) {
			start, number = i+1, true
		}
	}
	if number || hexNumber(s[start:]) {
		return errNumberName
	}
	return nil
}

// hexNumber reports a label such as 0x7f, which browsers read as a number.
func hexNumber(label string) bool {
	if !strings.HasPrefix(label, "0x") {
		return false
	}
	return strings.Trim(label[2:], "0123456789abcdef") == ""
}

// canonicalAddress reads an IP address or CIDR range, and reports false for
// anything else. A zone is never part of a list. An address that carries an
// IPv4 one is that one, as it is at the doors.
func canonicalAddress(s string) (string, bool) {
	if s == "" || !strings.ContainsAny(s[:1], "0123456789abcdefABCDEF:[") {
		return "", false
	}
	bare := strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")
	if a, err := netip.ParseAddr(bare); err == nil && a.Zone() == "" {
		return canon.Unwrap(a).String(), true
	}
	if !strings.Contains(s, "/") {
		return "", false
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return "", false
	}
	p = carried(p.Masked())
	return p.String(), !p.Addr().Is4In6()
}

// carried is the range of IPv4 addresses that a range of IPv6 ones carries, or
// the range itself.
func carried(p netip.Prefix) netip.Prefix {
	four := canon.Unwrap(p.Addr())
	if !four.Is4() || p.Addr().Is4() {
		return p
	}
	skip := 96
	if b := p.Addr().As16(); b[0] == 0x20 { // 6to4 has the address after its first 16 bits
		skip = 16
	}
	if p.Bits() < skip {
		return p
	}
	return netip.PrefixFrom(four, min(32, p.Bits()-skip)).Masked()
}
