package verdict

import (
	"fmt"
	"net/netip"
	"slices"
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
	for _, src := range sources {
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
		if src.Segment.Lock() != nil {
			if err := c.licensed(src, numbers); err != nil {
				return err
			}
			continue
		}
		c.source(src, numbers)
	}
	return nil
}

func (c *compiler) source(src Source, numbers []uint8) {
	x := source{
		slug: src.Slug, title: src.Title, segment: src.Segment,
		ranges: src.Segment.HasRanges(), maxPath: src.Segment.MaxPath(),
	}
	if roles := src.Segment.Roles(); slices.ContainsFunc(roles, func(r segment.Role) bool { return r != 0 }) {
		x.weighed = &weighed{}
		for i, r := range roles {
			x.weighed.parts = append(x.weighed.parts, part{numbers[i], r})
		}
	}
	for i, st := range src.Segment.Sets() {
		exact := renumber(st.Exact, numbers)
		plain := exact.Empty() && !st.Pages && (x.weighed == nil || i == 0)
		x.sets = append(x.sets, set{renumber(st.Sub, numbers), exact, st.Pages, plain})
	}
	for _, e := range src.Segment.Expressions() {
		if x.weighed != nil {
			x.weighed.patterns = append(x.weighed.patterns, e)
			c.s.weighPatterns = true
			continue
		}
		c.s.patterns = append(c.s.patterns, pattern{int32(len(c.s.sources)), numbers[e.Category], e})
	}
	c.s.maxPath = max(c.s.maxPath, x.maxPath)
	c.s.sources = append(c.s.sources, x)
	c.s.tables = append(c.s.tables, src.Segment.Table())
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
