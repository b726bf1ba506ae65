package verdict

// Names are the words of a snapshot: slugs and titles of what asks and
// verdicts have as numbers. Do not change what it returns.
type Names struct {
	School     string
	Groups     []Group
	KeyStages  []string
	Places     []string
	Classes    []string
	Categories []Category
	rules      []RuleInfo // number = index + 1
	groups     map[string]uint8
	stages     map[string]uint8
	places     map[string]uint8
	categories map[string]uint8
	classes    map[string]uint16
	everyone   uint64
}

// RuleInfo says which rule of the file a number in a verdict is.
type RuleInfo struct {
	Kind   string // "line", "own", "unblock", "focus", "supervision"
	ID     string
	Act    Action
	Clause string
	Says   string // the note or reason given with it
	// Classes are those it is narrowed to.
	Classes []string
	// Hosts are the sites of a focus, and Until its end in Unix milliseconds.
	Hosts []string
	Until int64
}

// Rule returns the rule behind Verdict.Rule; false for 0 and unknown numbers.
func (n *Names) Rule(number uint32) (RuleInfo, bool) {
	if number == 0 || int(number) > len(n.rules) {
		return RuleInfo{}, false
	}
	return n.rules[number-1], true
}

// GroupBit returns the bit of a group for Ask.Groups; 0 (not known, so the
// strictest) if there is no such group.
func (n *Names) GroupBit(slug string) uint64 {
	if g, ok := n.groups[slug]; ok {
		return 1 << g
	}
	return 0
}

// GroupBits returns the bits of several groups; one unknown slug makes the
// whole unknown.
func (n *Names) GroupBits(slugs []string) uint64 {
	var bits uint64
	for _, s := range slugs {
		b := n.GroupBit(s)
		if b == 0 {
			return 0
		}
		bits |= b
	}
	return bits
}

// Everyone are the bits of the groups whose rules hold together for who is
// not known.
func (n *Names) Everyone() uint64 { return n.everyone }

// Whole are the bits of all groups.
func (n *Names) Whole() uint64 { return ^uint64(0) >> (64 - uint(len(n.Groups))) }

// ClassNumbers returns the numbers of somebody's classes for Ask.Classes: 0
// for one that no rule names, and nothing where no rule names any.
func (n *Names) ClassNumbers(slugs []string) []uint16 {
	if len(n.classes) == 0 || len(slugs) == 0 {
		return nil
	}
	out := make([]uint16, len(slugs))
	for i, s := range slugs {
		out[i] = n.classes[s]
	}
	return out
}

// KeyStage returns the number of a key stage, 0 if it is not known.
func (n *Names) KeyStage(slug string) uint8 { return n.stages[slug] }

// Place returns the number of a place, 0 if it is not known.
func (n *Names) Place(slug string) uint8 { return n.places[slug] }

// CategoryNumber returns the number of a category.
func (n *Names) CategoryNumber(slug string) (uint8, bool) {
	c, ok := n.categories[slug]
	return c, ok
}

// Category returns the category behind a number of a verdict; false for
// NoCategory.
func (n *Names) Category(number int16) (Category, bool) {
	if number < 0 || int(number) >= len(n.Categories) {
		return Category{}, false
	}
	return n.Categories[number], true
}

// GroupSlug returns the slug of the group behind a number of a verdict.
func (n *Names) GroupSlug(number uint8) string {
	if int(number) >= len(n.Groups) {
		return ""
	}
	return n.Groups[number].Slug
}

// Slugs lists the categories of a set by slug.
func (n *Names) Slugs(set CategorySet) []string {
	var out []string
	for i, c := range n.Categories {
		if set.Has(uint8(i)) {
			out = append(out, c.Slug)
		}
	}
	return out
}
