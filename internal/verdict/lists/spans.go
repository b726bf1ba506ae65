package lists

import (
	"net/netip"
	"strconv"
	"strings"
)

// spanLine reads a line of a list of address spans, as programs that share
// files have them: "who:from-to", or "from - to , level , who". A level above
// 127 means that the span is let through.
func (f *file) spanLine(line string) error {
	if isComment(line) {
		f.rep.Skipped++
		return nil
	}
	body := dropComment(line)
	if parts := strings.Split(body, ","); len(parts) > 1 {
		body = parts[0]
		if level, err := strconv.Atoi(strings.TrimSpace(parts[1])); err == nil && level > 127 {
			f.skip(line, "the span is let through by the list")
			return nil
		}
	}
	if a, b, ok := span(body[strings.LastIndexByte(body, ':')+1:]); ok {
		return f.addressSpan(line, a, b)
	}
	if a, ok := canonicalAddress(strings.TrimSpace(body)); ok {
		return f.accept(Address, a)
	}
	f.refuse([]byte(line), errBadAddress.Error())
	return nil
}

// span reads "from-to"; figures may be filled up with noughts.
func span(s string) (a, b netip.Addr, ok bool) {
	from, to, ok := strings.Cut(s, "-")
	if !ok {
		return a, b, false
	}
	return addressSpan(noNoughts(from), noNoughts(to))
}

func noNoughts(s string) string {
	parts := strings.Split(strings.TrimSpace(s), ".")
	for i, p := range parts {
		if len(p) > 1 && len(p) <= 3 {
			if parts[i] = strings.TrimLeft(p, "0"); parts[i] == "" {
				parts[i] = "0"
			}
		}
	}
	return strings.Join(parts, ".")
}

func addressSpan(from, to string) (a, b netip.Addr, ok bool) {
	a, err := netip.ParseAddr(strings.TrimSpace(from))
	b, berr := netip.ParseAddr(strings.TrimSpace(to))
	return a, b, err == nil && berr == nil && a.Is4() && b.Is4() && a.Compare(b) <= 0
}

// addressSpan hands "from-to" over as the ranges that make it up.
func (f *file) addressSpan(line string, a, b netip.Addr) error {
	if x, y := a.As4(), b.As4(); x[0] != y[0] {
		f.refuse([]byte(line), "the span of addresses is too wide")
		return nil
	}
	for {
		p := netip.PrefixFrom(a, 32)
		for n := 31; n >= 8; n-- {
			wider := netip.PrefixFrom(a, n).Masked()
			if wider.Addr() != a || lastOf(wider).Compare(b) > 0 {
				break
			}
			p = wider
		}
		text := p.String()
		if p.Bits() == 32 {
			text = p.Addr().String()
		}
		if err := f.accept(Address, text); err != nil {
			return err
		}
		last := lastOf(p)
		if last.Compare(b) >= 0 {
			return nil
		}
		a = last.Next()
	}
}

func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().As4()
	for i := p.Bits(); i < 32; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	return netip.AddrFrom4(b)
}
