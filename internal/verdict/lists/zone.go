package lists

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
)

var (
	errBadAddress = errors.New("this is no address and no range of addresses")
	errSurge      = errors.New("this kind of rule names no site")
	errOutside    = errors.New("the name lies outside the zone")
	errEntryLong  = errors.New("the entry goes over too many lines")
)

// zone is a response policy zone on its way through.
type zone struct {
	apex, origin string // absolute, without the dot at the end; "" until known
	owner        string // of the entry before
	depth        int    // of open parentheses
	tokens       []string
	blank        bool // the entry begins with a blank
	begun        bool
}

// maxZoneTokens bounds an entry that goes over several lines.
const maxZoneTokens = 512

// zoneLine reads a line of a zone file.
func (f *file) zoneLine(string) error {
	z := &f.zone
	if !z.begun {
		z.blank = f.raw != "" && (f.raw[0] == ' ' || f.raw[0] == '\t')
		z.tokens = z.tokens[:0]
	}
	z.scan(f.raw)
	if len(z.tokens) > maxZoneTokens {
		z.depth, z.begun = 0, false
		f.refuse([]byte(f.raw), errEntryLong.Error())
		return nil
	}
	if z.begun = z.depth > 0; z.begun {
		f.rep.Skipped++
		return nil
	}
	if len(z.tokens) == 0 {
		f.rep.Skipped++
		return nil
	}
	if strings.HasPrefix(z.tokens[0], "$") {
		return f.zoneDirective()
	}
	return f.zoneEntry()
}

// scan parts a line into words; quotes, comments and parentheses are as in
// master files.
func (z *zone) scan(line string) {
	word, quoted := strings.Builder{}, false
	flush := func() {
		if word.Len() > 0 {
			z.tokens = append(z.tokens, word.String())
			word.Reset()
		}
	}
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quoted:
			if quoted = c != '"'; quoted {
				word.WriteByte(c)
			}
		case c == '"':
			quoted = true
		case c == ';':
			flush()
			return
		case c == '(':
			flush()
			z.depth++
		case c == ')':
			flush()
			z.depth = max(0, z.depth-1)
		case c == ' ' || c == '\t':
			flush()
		default:
			word.WriteByte(c)
		}
	}
	flush()
}

func (f *file) zoneDirective() error {
	z := &f.zone
	switch strings.ToUpper(z.tokens[0]) {
	case "$ORIGIN":
		if len(z.tokens) > 1 {
			z.origin = z.absolute(z.tokens[1])
		}
		f.rep.Skipped++
	case "$TTL":
		f.rep.Skipped++
	case "$INCLUDE":
		f.skip(f.raw, "another file is not read; import it too")
	default:
		f.refuse([]byte(f.raw), "this instruction is not read")
	}
	return nil
}

// absolute is a name of the zone from the root on.
func (z *zone) absolute(name string) string {
	if abs, ok := strings.CutSuffix(name, "."); ok {
		return strings.ToLower(abs)
	}
	base := z.origin
	if base == "" {
		base = z.apex
	}
	if name == "@" {
		return base
	}
	if base == "" {
		return strings.ToLower(name)
	}
	return strings.ToLower(name + "." + base)
}

func (f *file) zoneEntry() error {
	z := &f.zone
	rest := z.tokens
	if !z.blank {
		z.owner, rest = z.absolute(rest[0]), rest[1:]
	}
	for len(rest) > 0 && (isTTL(rest[0]) || isClass(rest[0])) {
		rest = rest[1:]
	}
	if len(rest) == 0 {
		f.refuse([]byte(f.raw), "the entry has no kind")
		return nil
	}
	kind := strings.ToUpper(rest[0])
	switch kind {
	case "SOA":
		if z.apex == "" {
			z.apex = z.owner
			if z.origin == "" {
				z.origin = z.owner
			}
		}
		f.rep.Skipped++
		return nil
	case "NS", "DNSKEY", "RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "DS", "CAA", "MX":
		f.rep.Skipped++
		return nil
	}
	name, err := z.trigger()
	if err != nil {
		f.refuse([]byte(f.raw), err.Error())
		return nil
	}
	if name == "" {
		f.rep.Skipped++
		return nil
	}
	return f.zoneTrigger(name, kind, rest[1:])
}

func isTTL(s string) bool {
	return s[0] >= '0' && s[0] <= '9' && strings.Trim(strings.ToLower(s), "0123456789smhdw") == ""
}

func isClass(s string) bool {
	switch strings.ToUpper(s) {
	case "IN", "CH", "HS":
		return true
	}
	return false
}

// trigger is the owner inside the zone, "" for the zone itself.
func (z *zone) trigger() (string, error) {
	if z.apex == "" || z.owner == z.apex {
		if z.owner == z.apex {
			return "", nil
		}
		return z.owner, nil
	}
	name, ok := strings.CutSuffix(z.owner, "."+z.apex)
	if !ok {
		return "", errOutside
	}
	return name, nil
}

func (f *file) zoneTrigger(name, kind string, data []string) error {
	for suffix, what := range map[string]string{
		".rpz-client-ip": "who asks", ".rpz-nsdname": "the name of the site's name server", ".rpz-nsip": "the address of the site's name server",
	} {
		if strings.HasSuffix(name, suffix) {
			f.skip(f.raw, "the rule goes by "+what+", which a list of sites cannot keep")
			return nil
		}
	}
	role, why := zoneAction(kind, data)
	if why != "" {
		f.skip(f.raw, why)
		return nil
	}
	if turned, ok := strings.CutSuffix(name, ".rpz-ip"); ok {
		return f.zoneAnswer(turned, role)
	}
	e := Entry{Kind: Exact, Role: role}
	if rest, ok := strings.CutPrefix(name, "*."); ok {
		e.Kind, e.Role, name = Name, role|Below, rest
	}
	_, text, err := wholeName(name)
	if err != nil {
		f.refuse([]byte(f.raw), err.Error())
		return nil
	}
	e.Text = text
	return f.put(e)
}

// zoneAnswer takes up a rule that goes by the address in the answer: names that
// lead to a listed address are closed where names are asked for.
func (f *file) zoneAnswer(turned string, role Role) error {
	if role != 0 {
		f.skip(f.raw, "the rule excepts an address, and an exception goes by name here")
		return nil
	}
	p, err := zoneAddress(turned)
	if err != nil {
		f.refuse([]byte(f.raw), err.Error())
		return nil
	}
	if p.Bits() < 8 || p.Addr().Is6() && p.Bits() < 32 {
		f.refuse([]byte(f.raw), "this would cover half the internet")
		return nil
	}
	text := p.String()
	if p.IsSingleIP() {
		text = p.Addr().String()
	}
	text, ok := canonicalAddress(text)
	if !ok {
		f.refuse([]byte(f.raw), errBadAddress.Error())
		return nil
	}
	return f.put(Entry{Kind: Address, Text: text})
}

// zoneAddress reads "24.0.2.0.192" as 192.0.2.0/24, and "48.zz.1.db8.2001" as
// 2001:db8:1::/48: the length, and then the parts from the last on, zz for the
// longest run of zeros.
func zoneAddress(turned string) (netip.Prefix, error) {
	length, rest, ok := strings.Cut(turned, ".")
	parts := strings.Split(rest, ".")
	slices.Reverse(parts)
	text := strings.Join(parts, ".")
	if ok && (len(parts) != 4 || slices.Contains(parts, "zz")) {
		text = strings.Join(parts, ":")
		for _, x := range [...][2]string{{":zz:", "::"}, {"zz:", "::"}, {":zz", "::"}, {"zz", "::"}} {
			if strings.Contains(text, x[0]) {
				text = strings.Replace(text, x[0], x[1], 1)
				break
			}
		}
	}
	p, err := netip.ParsePrefix(text + "/" + length)
	if err != nil || p != p.Masked() {
		return netip.Prefix{}, errBadAddress
	}
	return p, nil
}

// zoneAction is what an entry does, or why it does nothing that a list can.
func zoneAction(kind string, data []string) (Role, string) {
	const other = "the rule answers with something of its own, which is not blocking"
	if len(data) == 0 {
		return 0, "the entry has no content"
	}
	switch kind {
	case "CNAME":
		switch strings.ToLower(data[0]) {
		case ".", "*.", "rpz-drop.", "rpz-drop":
			return 0, ""
		case "rpz-passthru.", "rpz-passthru":
			return Except | Near, ""
		case "rpz-tcp-only.", "rpz-tcp-only":
			return 0, "the rule only asks for TCP"
		}
	case "A", "AAAA":
		if a, err := netip.ParseAddr(data[0]); err == nil && blocking(a) {
			return 0, ""
		}
	}
	return 0, other
}
