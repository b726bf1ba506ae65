package verdict

import (
	"fmt"
	"net/netip"
	"strings"

	"belisha/internal/verdict/canon"
	"belisha/internal/verdict/segment"
)

// place files a target under its host, which may be "host", "=host",
// "host/path", an address or a range.
func (c *compiler) place(text string, t target, of string) error {
	if strings.HasPrefix(text, "=") {
		t.exact = true
	}
	text = strings.TrimPrefix(text, "=")
	if p, err := netip.ParsePrefix(text); err == nil {
		if p.Addr().Is4In6() {
			return refuse("%s: %q is not a range of addresses", of, text)
		}
		c.s.places.addRange(p.Masked(), t)
		return nil
	}
	host, path := segment.SplitPage(text)
	canonical, kind, err := canon.Host(host)
	if err != nil {
		return refuse("%s: %q cannot be used: %v", of, text, err)
	}
	t.path = path
	if path != "" && t.exact {
		return refuse("%s: %q is a page, and = is for host names", of, text)
	}
	if kind == canon.Address {
		a := netip.MustParseAddr(canonical)
		c.s.places.addRange(netip.PrefixFrom(a, a.BitLen()), t)
		return nil
	}
	return c.s.places.addHost(canonical, t)
}

func (c *compiler) sources(sources []Source) error {
	for i, src := range sources {
		if src.Segment == nil {
			return refuse("the list %q is missing", src.Slug)
		}
		var numbers []uint8
		for _, slug := range src.Segment.Categories() {
			n, err := c.category(slug, fmt.Sprintf("the list %q", src.Slug))
			if err != nil {
				return err
			}
			numbers = append(numbers, n)
		}
		x := source{
			slug: src.Slug, title: src.Title, segment: src.Segment,
			ranges: src.Segment.HasRanges(), maxPath: src.Segment.MaxPath(),
		}
		for _, st := range src.Segment.Sets() {
			exact := renumber(st.Exact, numbers)
			x.sets = append(x.sets, set{renumber(st.Sub, numbers), exact, st.Pages, exact.Empty() && !st.Pages})
		}
		for _, e := range src.Segment.Expressions() {
			c.s.patterns = append(c.s.patterns, pattern{int32(i), numbers[e.Category], e})
		}
		c.s.maxPath = max(c.s.maxPath, x.maxPath)
		c.s.sources = append(c.s.sources, x)
		c.s.tables = append(c.s.tables, src.Segment.Table())
	}
	return nil
}

func renumber(local CategorySet, numbers []uint8) CategorySet {
	var out CategorySet
	for i, n := range numbers {
		if local.Has(uint8(i)) {
			out.Add(n)
		}
	}
	return out
}
