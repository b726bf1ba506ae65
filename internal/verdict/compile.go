package verdict

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
)

// ErrRules is wrapped by every error about rules that cannot be used.
var ErrRules = errors.New("the rules cannot be used")

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrRules, fmt.Sprintf(format, args...))
}

// New compiles rules and list sources into a snapshot. It refuses whatever it
// does not understand whole; it never leaves a part out.
func New(r Rules, sources []Source) (*Snapshot, error) {
	c := &compiler{r: &r, s: &Snapshot{images: NoCategory, mixed: NoCategory}}
	c.s.places.byKey = map[uint64]int32{}
	for _, step := range []func() error{
		c.bounds, c.dictionary, c.groups, c.lines, c.floor, c.owns, c.opened, c.lessons, c.lockedHosts, c.safe, c.content,
		func() error { return c.sources(sources) },
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	c.s.places.close()
	c.s.foresee()
	c.week()
	return c.s, nil
}

// Closed is the snapshot where there is none: the help floor, added to, and
// the school's essentials are open and nothing else is.
func Closed(help, essentials []string) (*Snapshot, error) {
	return WithoutRules(help, nil, essentials, false)
}

// WithoutRules is the snapshot where there is none, with the people's own
// pages, and with everything else open where the school has set it so.
func WithoutRules(help, ours, essentials []string, open bool) (*Snapshot, error) {
	s, err := New(Rules{
		Version: RulesVersion, Groups: []Group{{Slug: "everybody"}},
		Help: help, Ours: ours, Essentials: essentials,
	}, nil)
	if err != nil {
		return nil, err
	}
	s.mode = modeClosed
	if open {
		s.mode = modeOpen
	}
	return s, nil
}

type compiler struct {
	r *Rules
	s *Snapshot
}

func (c *compiler) bounds() error {
	r := c.r
	if r.Version != RulesVersion {
		return refuse("they are of version %d and this program reads version %d", r.Version, RulesVersion)
	}
	if len(r.Groups) == 0 || len(r.Groups) > MaxGroups {
		return refuse("there are %d groups; there must be 1 to %d", len(r.Groups), MaxGroups)
	}
	if len(r.KeyStages) > 255 || len(r.Places) > 255 {
		return refuse("there are more than 255 key stages or places")
	}
	for _, b := range []struct {
		what   string
		n, max int
	}{
		{"categories", len(r.Categories), MaxCategories},
		{"lines", len(r.Lines), MaxLines},
		{"own entries", len(r.Own), MaxOwn},
		{"unblocks", len(r.Unblocks), MaxUnblocks},
		{"classes", len(r.Classes), MaxClasses},
		{"help hosts", len(r.Help), MaxLines},
		{"own host names", len(r.Ours), MaxLines},
		{"essentials", len(r.Essentials), MaxLines},
		{"locked hosts", len(r.Locked.Hosts), MaxOwn},
		{"safe services", len(r.Safe), MaxLines},
		{"headers", len(r.Headers), MaxHeaders},
		{"permits", len(r.Permits), MaxPermits},
		{"lessons", len(r.Focuses), MaxFocuses},
		{"hosts never inspected", len(r.Splice.Hosts), MaxLines},
	} {
		if b.n > b.max {
			return refuse("there are %d %s and at most %d fit", b.n, b.what, b.max)
		}
	}
	return nil
}

func (c *compiler) dictionary() error {
	r := c.r
	n := &Names{School: r.School, Groups: r.Groups, KeyStages: r.KeyStages, Places: r.Places, Classes: r.Classes, Categories: r.Categories}
	var groups, categories []string
	for _, g := range r.Groups {
		groups = append(groups, g.Slug)
	}
	for _, x := range r.Categories {
		categories = append(categories, x.Slug)
	}
	var err error
	number := func(what string, slugs []string, from uint8) map[string]uint8 {
		m := make(map[string]uint8, len(slugs))
		for i, s := range slugs {
			if _, twice := m[s]; s == "" || twice {
				err = refuse("the %s %q is there twice or has no name", what, s)
			}
			m[s] = uint8(i) + from
		}
		return m
	}
	n.groups, n.categories = number("group", groups, 0), number("category", categories, 0)
	n.stages, n.places = number("key stage", r.KeyStages, 1), number("place", r.Places, 1)
	n.classes = make(map[string]uint16, len(r.Classes))
	for i, s := range r.Classes {
		if _, twice := n.classes[s]; s == "" || twice {
			err = refuse("the class %q is there twice or has no name", s)
		}
		n.classes[s] = uint16(i) + 1
	}
	if err != nil {
		return err
	}
	c.s.names = n
	for i, x := range r.Categories {
		if x.Alert != "" {
			c.s.alerting.Add(uint8(i))
		}
	}
	if i, ok := n.categories["image-search"]; ok {
		c.s.images = int16(i)
	}
	if i, ok := n.categories["mixed-script"]; ok {
		c.s.mixed = int16(i)
	}
	return nil
}

// tryUntil is when a group's try-out ends, in Unix milliseconds; 0 is none.
func tryUntil(g Group) int64 {
	switch {
	case !g.TryOut:
		return 0
	case g.TryOutUntil.IsZero():
		return math.MaxInt64
	}
	return g.TryOutUntil.UnixMilli()
}

func (c *compiler) groups() error {
	for i, g := range c.r.Groups {
		c.s.groups = append(c.s.groups, group{unlistedClosed: g.UnlistedClosed, addressesOpen: g.AddressesOpen, tryUntil: tryUntil(g)})
		if !g.KnownOnly {
			c.s.strict |= 1 << i
		}
		if g.TryOut {
			c.s.tryOuts |= 1 << i
			if !g.TryOutUntil.IsZero() {
				c.s.moments = append(c.s.moments, g.TryOutUntil.UnixMilli())
			}
		}
	}
	c.s.known = ^uint64(0) >> (64 - uint(len(c.r.Groups)))
	if c.s.strict == 0 {
		return refuse("every group is only for who is known to be in it, so there are no rules for who is not known")
	}
	c.s.names.everyone = c.s.strict
	c.s.unsigned = c.r.UnsignedClosed
	c.s.ports, c.s.doors = slices.Clone(c.r.TunnelPorts), c.r.Doors
	return nil
}

func (c *compiler) category(slug, of string) (uint8, error) {
	i, ok := c.s.names.categories[slug]
	if !ok {
		return 0, refuse("%s names the category %q, which does not exist", of, slug)
	}
	return i, nil
}

func (c *compiler) lines() error {
	for i, l := range c.r.Lines {
		of := fmt.Sprintf("line %d (%s)", i+1, l.ID)
		w, err := c.who(l.Who, of)
		if err != nil {
			return err
		}
		t, err := c.when(l.When, of)
		if err != nil {
			return err
		}
		if l.Except && l.Act != Allow {
			return refuse("%s is an exception and does not allow", of)
		}
		x := line{who: w, when: t, act: l.Act, except: l.Except, weight: w.narrowing}
		if len(l.When.Weekly)+len(l.When.Not)+len(l.When.Also) > 0 {
			x.weight++
		}
		c.s.lines = append(c.s.lines, x)
		if err := c.lineCategories(i, l, of); err != nil {
			return err
		}
		c.s.names.rules = append(c.s.names.rules, RuleInfo{Kind: "line", ID: l.ID, Act: l.Act, Clause: l.Clause, Says: l.Note, Classes: l.Who.Classes})
	}
	for i := range c.s.byCat {
		c.s.sortLines(c.s.byCat[i])
	}
	for _, slug := range c.r.Locked.Categories {
		n, err := c.category(slug, "the locked layer")
		if err != nil {
			return err
		}
		if c.r.Categories[n].Neutral {
			return refuse("the locked layer names %q, which is never a reason to block", slug)
		}
		c.s.locked.Add(n)
	}
	return nil
}

func (c *compiler) lineCategories(i int, l Line, of string) error {
	if len(l.Categories) == 0 {
		return refuse("%s names no category", of)
	}
	var seen CategorySet
	for _, slug := range l.Categories {
		n, err := c.category(slug, of)
		if err != nil {
			return err
		}
		if c.r.Categories[n].Neutral && l.Act != Allow {
			return refuse("%s would block by %q, which is never a reason to block", of, slug)
		}
		if seen.Has(n) {
			continue
		}
		seen.Add(n)
		c.s.byCat[n] = append(c.s.byCat[n], int32(i))
	}
	c.s.ruled = c.s.ruled.Union(seen)
	return nil
}

// sortLines brings the lines of a category into the order in which the first
// that holds decides.
func (s *Snapshot) sortLines(list []int32) {
	sort.SliceStable(list, func(i, j int) bool {
		x, y := &s.lines[list[i]], &s.lines[list[j]]
		switch {
		case x.weight != y.weight:
			return x.weight > y.weight
		case x.except != y.except:
			return x.except
		}
		return strictness(x.act) > strictness(y.act)
	})
}

func strictness(a Action) int {
	switch a {
	case Allow:
		return 0
	case Warn:
		return 1
	}
	return 2
}

func (c *compiler) floor() error {
	for _, part := range []struct {
		hosts []string
		kind  targetKind
		of    string
	}{
		{helpFloor, targetHelp, "the help floor"},
		{c.r.Help, targetHelp, "the help floor"},
		{c.r.Ours, targetOurs, "the school's own pages"},
		{privateNames, targetPrivate, "the private names"},
		{c.r.Essentials, targetEssential, "the essentials"},
	} {
		for _, h := range part.hosts {
			if strings.ContainsAny(h, "/=") {
				return refuse("%q among %s is not a host name", h, part.of)
			}
			if part.kind == targetHelp && !strings.Contains(h, ".") {
				return refuse("%q among %s is a whole ending and not a host name", h, part.of)
			}
			if err := c.place(h, target{kind: part.kind, exact: part.kind == targetOurs}, part.of); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *compiler) owns() error {
	for i, o := range c.r.Own {
		of := fmt.Sprintf("own entry %d (%s)", i+1, o.ID)
		w, err := c.who(o.Who, of)
		if err != nil {
			return err
		}
		t, err := c.when(o.When, of)
		if err != nil {
			return err
		}
		c.s.moments = append(c.s.moments, o.Span.From, o.Span.Until)
		c.s.own = append(c.s.own, own{who: w, when: t, span: o.Span, act: o.Act})
		c.s.names.rules = append(c.s.names.rules, RuleInfo{Kind: "own", ID: o.ID, Act: o.Act, Clause: o.Clause, Says: o.Reason, Classes: o.Who.Classes})
		if err := c.place(o.Text, target{kind: targetOwn, index: int32(i)}, of); err != nil {
			return err
		}
	}
	return nil
}

func (c *compiler) opened() error {
	for _, slug := range c.r.Unliftable {
		n, err := c.category(slug, "what no unblock opens")
		if err != nil {
			return err
		}
		c.s.keeps.Add(n)
	}
	for i, u := range c.r.Unblocks {
		of := fmt.Sprintf("unblock %d (%s)", i+1, u.ID)
		w, err := c.who(u.Who, of)
		if err != nil {
			return err
		}
		if u.Span.Until == 0 {
			return refuse("%s has no end", of)
		}
		c.s.moments = append(c.s.moments, u.Span.From, u.Span.Until)
		x := unblock{who: w, span: u.Span}
		for _, slug := range u.Categories {
			n, err := c.category(slug, of)
			if err != nil {
				return err
			}
			x.categories.Add(n)
		}
		for i := range x.categories {
			x.categories[i] &^= c.s.keeps[i]
		}
		if !x.categories.Empty() {
			c.s.byCatUnb = append(c.s.byCatUnb, int32(i))
		}
		c.s.unblocks = append(c.s.unblocks, x)
		c.s.names.rules = append(c.s.names.rules, RuleInfo{Kind: "unblock", ID: u.ID, Act: Allow, Says: u.Reason, Classes: u.Who.Classes})
		for _, h := range u.Hosts {
			if err := c.place(h, target{kind: targetUnblock, index: int32(i)}, of); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *compiler) lockedHosts() error {
	for _, h := range c.r.Locked.Hosts {
		if err := c.place(h, target{kind: targetLocked}, "the locked layer"); err != nil {
			return err
		}
	}
	return nil
}

// week sorts out the edges of the week, and the moments besides.
func (c *compiler) week() {
	slices.Sort(c.s.moments)
	c.s.moments = slices.Compact(c.s.moments)
	c.s.edges = append(c.s.edges, 0)
	slices.Sort(c.s.edges)
	c.s.edges = slices.Compact(c.s.edges)
}
