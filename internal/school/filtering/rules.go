package filtering

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
	"belisha/internal/verdict"
)

// blockKey is the setting that says what a group may not open.
var blockKey = map[string]string{GroupPupils: keyPupils, GroupStaff: keyStaff, GroupGuests: keyGuests}

var audienceOf = map[string]string{GroupPupils: "pupil", GroupStaff: "staff", GroupGuests: "guest"}

// mixedScript is the judge's own category: names in letters of two scripts,
// made to look like another name. It is closed where phishing is.
const mixedScript = "mixed-script"

// hard is what no exception for an approved kind of site opens.
var hard = []string{"adult", "illegal", "malware", "nudify", "phishing"}

// maker makes the rules from what is decided.
type maker struct {
	v     *setting.Values
	st    *state
	cal   *people.Calendar
	stock *stock
	// scanner: a virus scanner has been set up.
	scanner bool
	during  Lessons
	rules   verdict.Rules
	// members are the groups that stand for a group: itself, and those made
	// for key stages whose unlisted sites are treated otherwise.
	members map[string][]string
	places  map[string]bool
}

// school is what of the school goes into the rules besides decisions.
type school struct {
	id      string
	ours    []string // host names of the people's pages
	scanner bool     // a virus scanner has been set up
	lessons Lessons
}

// makeRules compiles what is decided into rules. The same decisions give the
// same rules, byte for byte.
func makeRules(v *setting.Values, st *state, cal *people.Calendar, s *stock, about school) (verdict.Rules, error) {
	m := &maker{v: v, st: st, cal: cal, stock: s, scanner: about.scanner, during: about.lessons, members: map[string][]string{}, places: map[string]bool{}}
	m.rules = verdict.Rules{
		Version: verdict.RulesVersion, School: about.id, Help: s.help, Ours: about.ours, Essentials: s.essentials, Safe: s.safe,
		Locked:         verdict.Locked{Categories: []string{"illegal"}},
		UnsignedClosed: v.Choice(keyUnsigned) == "closed",
	}
	for _, k := range people.KeyStages {
		m.rules.KeyStages = append(m.rules.KeyStages, string(k))
	}
	m.categories()
	m.groups()
	for _, step := range []func() error{m.closed, m.allowed, m.images, m.social, m.locks, m.own, m.unblocks, m.permits, m.lessons, m.splice, m.headers, m.doors} {
		if err := step(); err != nil {
			return verdict.Rules{}, err
		}
	}
	for p := range m.places {
		m.rules.Places = append(m.rules.Places, p)
	}
	for _, d := range st.devices {
		if d.Place != "" && !m.places[d.Place] {
			m.places[d.Place] = true
			m.rules.Places = append(m.rules.Places, d.Place)
		}
	}
	sort.Strings(m.rules.Places)
	return m.rules, nil
}

func (m *maker) categories() {
	m.rules.Categories = categoriesOf(m.stock, m.st.sources)
}

// categoriesOf are all categories there are: those that ship, and those that
// only an imported list has.
func categoriesOf(s *stock, sources []Source) []verdict.Category {
	var out []verdict.Category
	known := map[string]bool{mixedScript: true}
	for _, slug := range s.slugs() {
		known[slug] = true
		out = append(out, s.category(slug))
	}
	out = append(out, verdict.Category{
		Slug: mixedScript, Title: "Look-alike names", Area: "security",
		Pupil: "This name is made to look like another one.", Teacher: "Names written in letters of several scripts, to be taken for another site.",
	})
	var more []verdict.Category
	for _, src := range sources {
		for _, c := range src.Categories {
			if known[c.Slug] {
				continue
			}
			known[c.Slug] = true
			more = append(more, verdict.Category{
				Slug: c.Slug, Title: titleOf(c.Slug), Area: "neutral", Neutral: c.Neutral,
				Pupil: "This page is closed at school.", Teacher: "Sites that the list " + src.Title + " calls " + c.From + ".",
			})
		}
	}
	sort.Slice(more, func(i, j int) bool { return more[i].Slug < more[j].Slug })
	return append(out, more...)
}

// titleOf is a slug as a title: "Sports news".
func titleOf(slug string) string {
	s := strings.ReplaceAll(slug, "-", " ")
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func (m *maker) groups() {
	whole := m.v.Get(keyUnlisted)
	for _, slug := range Groups() {
		g := m.group(slug, slug)
		if slug == GroupPupils {
			g.UnlistedClosed = whole.Choice == "previewed-only"
			g.UnlistedClause = whole.Clause
		}
		m.rules.Groups = append(m.rules.Groups, g)
		m.members[slug] = []string{slug}
	}
	base := m.rules.Groups[0].Content
	for _, stage := range people.KeyStages {
		m.stage(stage, whole, base)
	}
}

// scopeStage is a key stage as scopes write it.
func scopeStage(k people.KeyStage) string { return strings.ToLower(string(k)) }

func stageGroup(k people.KeyStage) string { return GroupPupils + "-" + scopeStage(k) }

func (m *maker) group(base, slug string) verdict.Group {
	at := setting.Scope{Group: base}
	return verdict.Group{
		Slug: slug, Title: groupTitle[base], Audience: audienceOf[base],
		Safe: map[string]string{"": m.v.Choice(keySafeSearch, at), youtube: m.v.Choice(keyYouTube, at)}, Content: m.contentOf(at),
	}
}

// scoped are the values of a key that say something for the group: the one for
// the whole group first, then the narrower ones.
func scoped(v *setting.Values, key, group string) []setting.Value {
	out := []setting.Value{v.Get(key, setting.Scope{Group: group})}
	for _, x := range v.All(key) {
		narrow := x.Scope
		narrow.Group = ""
		if (x.Scope.Group == "" || x.Scope.Group == group) && narrow != (setting.Scope{}) {
			out = append(out, x)
		}
	}
	return out
}

// who is a scope in the judge's form; the place is noted.
func (m *maker) who(group string, s setting.Scope) verdict.Who {
	w := verdict.Who{Groups: m.members[group]}
	if s.KeyStage != "" {
		w.KeyStages = []string{strings.ToUpper(s.KeyStage)}
	}
	if s.Place != "" {
		w.Places = []string{s.Place}
		m.places[s.Place] = true
	}
	return w
}

// scopeID is a scope as a part of a line's id.
func scopeID(s setting.Scope) string {
	out := ""
	for _, p := range []string{s.KeyStage, s.Place, s.Time} {
		if p != "" {
			out += "-" + p
		}
	}
	return out
}

func (m *maker) line(l verdict.Line) {
	if len(l.Categories) > 0 {
		m.rules.Lines = append(m.rules.Lines, l)
	}
}

// closed makes the lines of what each group may not open.
func (m *maker) closed() error {
	for _, g := range Groups() {
		values := scoped(m.v, blockKey[g], g)
		for i, val := range values {
			when, err := timeScope(m.cal, val.Scope.Time)
			if err != nil {
				return err
			}
			who, id := m.who(g, val.Scope), scopeID(val.Scope)
			items := closedItems(m.v, m.st, g, val)
			m.closedLines(g, val, items, who, when, id)
			if i > 0 {
				m.line(verdict.Line{
					ID: g + "-open" + id, Who: who, When: when, Act: verdict.Allow, Clause: val.Clause,
					Categories: without(m.everClosed(g, values), items.all()),
				})
			}
		}
		m.hard(g, values)
	}
	return nil
}

// items are the categories that one value closes, by what closes them.
type items struct {
	said     []string // by the value itself
	required []string // by what nobody may open
	added    []string // by filter managers
	warned   []string // by filter managers
}

func (i items) all() []string {
	return slices.Concat(i.said, i.required, i.added, i.warned)
}

// closedItems works out what is closed for a group where a value holds: what
// it says and what nobody may open; then what filter managers decided, which
// may be looser only where neither the policy nor what is required says it.
func closedItems(v *setting.Values, st *state, group string, val setting.Value) items {
	var out items
	required := v.Items(keyRequired)
	decided := map[string]verdict.Action{}
	for _, o := range st.overrides {
		if o.Group == group {
			decided[o.Category] = o.Act
		}
	}
	for _, slug := range val.Items {
		act, ok := decided[slug]
		if ok && act != verdict.Block && !val.Confirmed && !slices.Contains(required, slug) {
			continue
		}
		out.said = append(out.said, slug)
	}
	out.required = without(required, out.said)
	for _, o := range st.overrides {
		if o.Group != group || slices.Contains(out.said, o.Category) || slices.Contains(out.required, o.Category) {
			continue
		}
		switch o.Act {
		case verdict.Block:
			out.added = append(out.added, o.Category)
		case verdict.Warn:
			out.warned = append(out.warned, o.Category)
		}
	}
	slices.Sort(out.added)
	slices.Sort(out.warned)
	return out
}

func (m *maker) closedLines(g string, val setting.Value, it items, who verdict.Who, when verdict.When, id string) {
	m.line(verdict.Line{ID: g + "-block" + id, Who: who, When: when, Act: verdict.Block, Clause: val.Clause, Categories: m.withLookalikes(it.said)})
	m.line(verdict.Line{ID: g + "-required" + id, Who: who, When: when, Act: verdict.Block, Clause: m.v.Get(keyRequired).Clause, Categories: m.withLookalikes(it.required)})
	m.line(verdict.Line{ID: g + "-manager-block" + id, Who: who, When: when, Act: verdict.Block, Categories: it.added, Note: "decided by a filter manager"})
	m.line(verdict.Line{ID: g + "-manager-warn" + id, Who: who, When: when, Act: verdict.Warn, Categories: it.warned, Note: "decided by a filter manager"})
}

func (m *maker) withLookalikes(list []string) []string {
	if slices.Contains(list, "phishing") {
		return append(slices.Clone(list), mixedScript)
	}
	return list
}

// everClosed are the categories that any value of the group closes.
func (m *maker) everClosed(g string, values []setting.Value) []string {
	var out []string
	for _, val := range values {
		out = append(out, without(closedItems(m.v, m.st, g, val).all(), out)...)
	}
	return out
}

// hard closes, more narrowly than any exception for approved sites, what such
// an exception must not open.
func (m *maker) hard(g string, values []setting.Value) {
	if g != GroupPupils {
		return
	}
	closed := slices.Clone(hard)
	for _, val := range values {
		have := closedItems(m.v, m.st, g, val).all()
		closed = slices.DeleteFunc(closed, func(c string) bool { return !slices.Contains(have, c) })
	}
	w := verdict.Who{Groups: m.members[g], KeyStages: m.rules.KeyStages}
	m.line(verdict.Line{
		ID: g + "-always", Who: w, When: verdict.When{Weekly: []verdict.Window{{}}}, Act: verdict.Block,
		Clause: values[0].Clause, Categories: closed,
	})
}

// allowed makes the exceptions for approved kinds of site.
func (m *maker) allowed() error {
	values := m.v.All(keyAllow)
	narrowed := slices.ContainsFunc(values, func(v setting.Value) bool { return v.Scope.KeyStage != "" })
	if !narrowed {
		m.exception(m.v.Get(keyAllow), setting.Scope{})
		return nil
	}
	for _, stage := range people.KeyStages {
		at := setting.Scope{KeyStage: scopeStage(stage)}
		m.exception(m.v.Get(keyAllow, at), at)
	}
	return nil
}

func (m *maker) exception(val setting.Value, at setting.Scope) {
	var slugs []string
	for _, item := range val.Items {
		if c, ok := approved[item]; ok {
			slugs = append(slugs, c)
		}
	}
	m.line(verdict.Line{
		ID: "pupils-approved" + scopeID(at), Who: m.who(GroupPupils, at), Act: verdict.Allow, Except: true,
		Clause: val.Clause, Categories: slugs,
	})
}

// images makes the lines of open image search.
func (m *maker) images() error {
	for _, g := range Groups() {
		for i, val := range scoped(m.v, keyImages, g) {
			when, err := timeScope(m.cal, val.Scope.Time)
			if err != nil {
				return err
			}
			act := verdict.Block
			if err := act.UnmarshalText([]byte(val.Choice)); err != nil {
				return fmt.Errorf("reading the setting of image search: %w", err)
			}
			if i == 0 && act == verdict.Allow {
				continue
			}
			m.line(verdict.Line{
				ID: g + "-images" + scopeID(val.Scope), Who: m.who(g, val.Scope), When: when, Act: act,
				Clause: val.Clause, Categories: []string{"image-search"},
			})
		}
	}
	return nil
}

// social closes social networks for staff in the hours that the school says.
func (m *maker) social() error {
	val := m.v.Get(keySocial)
	if val.Off {
		return nil
	}
	m.line(verdict.Line{
		ID: "staff-social-hours", Who: verdict.Who{Groups: m.members[GroupStaff]}, When: schoolTime(m.cal, val.From, val.To),
		Act: verdict.Block, Clause: val.Clause, Categories: []string{"social-networks"},
	})
	return nil
}

// locks closes search engines whose safe mode cannot be forced, where it is to
// be forced.
func (m *maker) locks() error {
	for _, g := range []string{GroupPupils, GroupGuests} {
		val := m.v.Get(keySafeSearch, setting.Scope{Group: g})
		if val.Choice == "strict" {
			m.line(verdict.Line{
				ID: g + "-safe-search", Who: m.who(g, setting.Scope{}), Act: verdict.Block, Clause: val.Clause,
				Categories: []string{"search-without-lock"},
			})
		}
	}
	return nil
}

// own brings the school's own entries in.
func (m *maker) own() error {
	for _, o := range m.st.own {
		w := verdict.Who{KeyStages: o.KeyStages, Places: o.Places}
		for _, g := range o.Groups {
			w.Groups = append(w.Groups, m.members[g]...)
		}
		for _, p := range o.Places {
			m.places[p] = true
		}
		m.rules.Own = append(m.rules.Own, verdict.Own{
			ID: o.ID, Text: o.Text, Act: o.Act, Who: w, When: ownWhen(o),
			Span: verdict.Span{From: store.Millis(o.From), Until: store.Millis(o.Until)}, Reason: o.Reason,
		})
	}
	return nil
}

func without(list, taken []string) []string {
	var out []string
	for _, x := range list {
		if !slices.Contains(taken, x) && !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	return out
}
