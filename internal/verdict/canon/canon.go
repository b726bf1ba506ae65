// Package canon gives every host name, address and path one spelling, so that
// a listed thing is found however it is written: in capitals, in full-width
// letters, as a number, with a dot at the end, with escaped letters or with
// detours in the path. What no browser would open is refused, never guessed.
package canon

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// Kind says what a host is.
type Kind uint8

// The kinds of host.
const (
	None    Kind = iota // not a host
	Name                // a name: lower-case A-labels, no dot at the end
	Address             // an IP address, without brackets, embedded IPv4 unwrapped
)

const (
	maxName  = 253
	maxLabel = 63
	maxRaw   = 1024 // mapping may shorten a name; beyond this nobody looks
)

// The reasons a host is refused. Callers show one sentence of their own.
var (
	ErrEmpty     = errors.New("there is no host name")
	ErrTooLong   = errors.New("the host name is too long")
	ErrLabel     = errors.New("a part of the host name is empty or longer than 63 characters")
	ErrCharacter = errors.New("the host name holds a character that no name may have")
	ErrAddress   = errors.New("the host looks like an address and is none")
	ErrZone      = errors.New("an address with a zone is not reachable through the filter")
	ErrPort      = errors.New("the port is not a number from 1 to 65535")
	ErrScheme    = errors.New("only http and https addresses can be judged")
	ErrURLLength = errors.New("the address is longer than 65536 characters")
)

// Host returns the one spelling of a host as a browser would understand it.
// It takes a host without port and userinfo; an IPv6 address may stand in
// brackets. Host of a canonical host is that host.
func Host(raw string) (string, Kind, error) {
	if raw == "" {
		return "", None, ErrEmpty
	}
	if len(raw) > maxRaw {
		return "", None, ErrTooLong
	}
	if raw[0] == '[' || strings.Count(raw, ":") > 1 {
		return hostSix(raw)
	}
	name := strings.TrimSuffix(raw, ".")
	if strings.HasSuffix(name, ".") {
		return "", None, ErrLabel
	}
	if !Canonical(name) || strings.Contains(name, "xn--") {
		mapped, err := mapName(name)
		if err != nil {
			return "", None, err
		}
		name = mapped
	}
	if err := checkLabels(name); err != nil {
		return "", None, err
	}
	if !EndsInNumber(name) {
		return name, Name, nil
	}
	a, err := looseIPv4(name)
	if err != nil {
		return "", None, err
	}
	return a.String(), Address, nil
}

// lookup maps as browsers do (UTS 46, not transitional). Hyphens are left
// alone: names with a hyphen first exist and resolve.
var lookup = idna.New(
	idna.MapForLookup(),
	idna.StrictDomainName(false),
	idna.CheckHyphens(false),
	idna.BidiRule(),
	idna.Transitional(false),
)

func mapName(s string) (string, error) {
	lower := asciiLower(s)
	plain := Canonical(lower)
	if plain && !strings.Contains(lower, "xn--") {
		return lower, nil
	}
	if strings.ContainsAny(s, "%@/\\?#:<>[]^| \t\r\n\x00") {
		return "", ErrCharacter
	}
	mapped, err := lookup.ToASCII(s)
	if plain && (err != nil || mapped != lower) {
		// What stands after xn-- is no letters. Browsers ask for such a name as
		// it is written, so it is judged as it is written.
		return lower, nil
	}
	if err != nil {
		return "", fmt.Errorf("%w (%w)", ErrCharacter, err)
	}
	mapped = strings.TrimSuffix(mapped, ".") // another full stop may have become a dot
	if mapped == "" {
		return "", ErrEmpty
	}
	again, err := lookup.ToASCII(mapped)
	if err != nil || again != mapped || !Canonical(mapped) {
		return "", ErrCharacter
	}
	return mapped, nil
}

func asciiLower(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] >= 'A' && s[i] <= 'Z' {
			return strings.ToLower(s)
		}
	}
	return s
}

// Canonical reports whether s holds only the bytes of a canonical name. It
// does not look at lengths.
func Canonical(s string) bool {
	for i := 0; i < len(s); i++ {
		if class[s[i]] == 0 {
			return false
		}
	}
	return s != ""
}

// Class of a byte in a host name: 0 never, 1 in a label, 2 the dot.
func Class(b byte) uint8 { return class[b] }

var class = makeClass()

func makeClass() [256]uint8 {
	var c [256]uint8
	for b := byte('a'); b <= 'z'; b++ {
		c[b] = 1
	}
	for b := byte('0'); b <= '9'; b++ {
		c[b] = 1
	}
	c['-'], c['_'], c['.'] = 1, 1, 2
	return c
}

func checkLabels(s string) error {
	if s == "" {
		return ErrEmpty
	}
	if len(s) > maxName {
		return ErrTooLong
	}
	start := 0
	for i := 0; i <= len(s); i++ {
		if i < len(s) && s[i] != '.' {
			continue
		}
		if i == start || i-start > maxLabel {
			return ErrLabel
		}
		start = i + 1
	}
	return nil
}

// EndsInNumber answers for a canonical name what browsers ask before they read a host as an IPv4
// address: is the last label all digits, or a hexadecimal number?
func EndsInNumber(s string) bool {
	last := s[strings.LastIndexByte(s, '.')+1:]
	if strings.HasPrefix(last, "0x") {
		return strings.Trim(last[2:], "0123456789abcdef") == ""
	}
	return strings.Trim(last, "0123456789") == ""
}

// looseIPv4 reads the forms that inet_aton and browsers read: one to four
// parts, each decimal, octal (0…) or hexadecimal (0x…), the last filling what
// is left.
func looseIPv4(s string) (netip.Addr, error) {
	parts := strings.Split(s, ".")
	if len(parts) > 4 {
		return netip.Addr{}, ErrAddress
	}
	var sum uint64
	for i, p := range parts {
		n, err := looseNumber(p)
		if err != nil {
			return netip.Addr{}, ErrAddress
		}
		if i < len(parts)-1 {
			if n > 255 {
				return netip.Addr{}, ErrAddress
			}
			sum |= n << (24 - 8*i)
			continue
		}
		if n >= 1<<(8*(5-len(parts))) {
			return netip.Addr{}, ErrAddress
		}
		sum |= n
	}
	return netip.AddrFrom4([4]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)}), nil
}

func looseNumber(p string) (uint64, error) {
	base := 10
	switch {
	case strings.HasPrefix(p, "0x"):
		p, base = p[2:], 16
		if p == "" {
			return 0, nil
		}
	case len(p) > 1 && p[0] == '0':
		p, base = p[1:], 8
	}
	if strings.HasPrefix(p, "+") || strings.HasPrefix(p, "-") || strings.Contains(p, "_") {
		return 0, ErrAddress
	}
	n, err := strconv.ParseUint(p, base, 33)
	if err != nil {
		return 0, fmt.Errorf("number %q in an address: %w", p, err)
	}
	return n, nil
}

func hostSix(raw string) (string, Kind, error) {
	s := raw
	if s[0] == '[' {
		if s[len(s)-1] != ']' {
			return "", None, ErrAddress
		}
		s = s[1 : len(s)-1]
	}
	if strings.Contains(s, "%") {
		return "", None, ErrZone
	}
	a, err := netip.ParseAddr(s)
	if err != nil || !a.Is6() {
		return "", None, ErrAddress
	}
	return Unwrap(a).String(), Address, nil
}
