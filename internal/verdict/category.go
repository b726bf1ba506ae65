package verdict

import "math/bits"

// ruling is what one category line says of a name.
type ruling struct {
	line     int32
	category int16
}

const noLine = -1

// byCategory applies the category lines, the unblocks of categories, and the
// group's choice for the rest.
func (s *Snapshot) byCategory(a *Ask, f *facts, v *Verdict) {
	if at, single := outcomeSlot(&f.cats); single {
		if o := s.outcomes[int(v.Group)*outcomeSlots+at]; o.reason != ReasonNone {
			v.Action, v.Reason, v.Category, v.Rule = o.action, o.reason, o.category, o.rule
			return
		}
	}
	s.weighLines(a, f, v)
}

// weighLines is byCategory where more than one category, or the ask itself,
// has a say.
func (s *Snapshot) weighLines(a *Ask, f *facts, v *Verdict) {
	ruled := f.cats.And(s.ruled)
	if !ruled.Empty() {
		s.rule(a, ruled, v)
		if v.Action == Block && v.Rule != 0 || v.Action == Warn {
			s.lift(a, f.cats, v)
			return
		}
		if v.Rule != 0 { // an allow line
			return
		}
	}
	closed := s.groups[v.Group].unlistedClosed
	if closed && !f.cats.Empty() && len(s.byCatUnb) > 0 && s.lift(a, f.cats, v) {
		return
	}
	v.Reason = ReasonOpen
	if f.cats.Empty() || closed {
		v.Reason = ReasonUnlisted
	}
	if !closed {
		v.Action = Allow
	}
}

// rule sets v to what the category lines say of the categories in cats. It
// leaves v.Rule 0 if no line holds.
func (s *Snapshot) rule(a *Ask, cats CategorySet, v *Verdict) {
	if c := cats.only(); c != NoCategory { // the usual case: nothing to weigh up
		if i := s.lineFor(a, v.Group, uint8(c)); i != noLine {
			s.state(ruling{i, c}, v)
		}
		return
	}
	s.weigh(a, cats, v)
}

// weigh is rule for a name in several categories.
func (s *Snapshot) weigh(a *Ask, cats CategorySet, v *Verdict) {
	worst, opening := ruling{line: noLine}, ruling{line: noLine}
	exception := ruling{line: noLine}
	for w := range cats {
		for rest := cats[w]; rest != 0; rest &= rest - 1 {
			c := uint8(w<<6 + bits.TrailingZeros64(rest))
			i := s.lineFor(a, v.Group, c)
			if i == noLine {
				continue
			}
			r := ruling{i, int16(c)}
			switch l := &s.lines[i]; {
			case l.act != Allow:
				if worst.line == noLine || s.worse(r, worst) {
					worst = r
				}
			case l.except && (exception.line == noLine || l.weight > s.lines[exception.line].weight):
				exception = r
			default:
				opening = r
			}
		}
	}
	s.settle(a, cats, worst, exception, opening, v)
}

// settle picks among the worst line, the strongest exception and a plain
// allow line. An exception must be as narrow as every line it lifts.
func (s *Snapshot) settle(a *Ask, cats CategorySet, worst, exception, opening ruling, v *Verdict) {
	if exception.line != noLine {
		if worst.line == noLine {
			s.state(exception, v)
			return
		}
		narrower := s.narrower(a, cats, s.lines[exception.line].weight, v.Group)
		if narrower.line == noLine {
			s.state(exception, v)
			return
		}
		worst = narrower
	}
	switch {
	case worst.line != noLine:
		s.state(worst, v)
	case opening.line != noLine:
		s.state(opening, v)
	}
}

// narrower finds the worst block or warn line that is narrower than weight.
func (s *Snapshot) narrower(a *Ask, cats CategorySet, weight, g uint8) ruling {
	worst := ruling{line: noLine}
	for w := range cats {
		for rest := cats[w]; rest != 0; rest &= rest - 1 {
			c := uint8(w<<6 + bits.TrailingZeros64(rest))
			i := s.lineFor(a, g, c)
			if i == noLine || s.lines[i].act == Allow || s.lines[i].weight <= weight {
				continue
			}
			if r := (ruling{i, int16(c)}); worst.line == noLine || s.worse(r, worst) {
				worst = r
			}
		}
	}
	return worst
}

func (s *Snapshot) state(r ruling, v *Verdict) {
	v.Action, v.Reason = s.lines[r.line].act, ReasonCategory
	v.Category, v.Rule = r.category, uint32(r.line)+1
}

// lineFor is the line that decides for one category: the first that holds,
// since they are sorted.
func (s *Snapshot) lineFor(a *Ask, g, category uint8) int32 {
	for _, i := range s.byCat[category] {
		l := &s.lines[i]
		if l.who.holds(g, a, l.act != Allow) && l.when.holds(a) {
			return i
		}
	}
	return noLine
}

// worse orders lines that close: block before warn, a category that alerts
// before others, the narrower line, and then as they come.
func (s *Snapshot) worse(x, y ruling) bool {
	a, b := &s.lines[x.line], &s.lines[y.line]
	if a.act != b.act {
		return strictness(a.act) > strictness(b.act)
	}
	if p, q := s.alerting.Has(uint8(x.category)), s.alerting.Has(uint8(y.category)); p != q {
		return p
	}
	return a.weight > b.weight
}

// lift judges again without the categories that a running unblock opens, and
// takes that answer if it is allow.
func (s *Snapshot) lift(a *Ask, cats CategorySet, v *Verdict) bool {
	at := a.At.UnixMilli()
	var opened CategorySet
	var until int64
	rule := int32(-1)
	for _, i := range s.byCatUnb {
		u := &s.unblocks[i]
		if cats.And(u.categories).Empty() || !u.span.covers(at) || !u.who.holds(v.Group, a, false) {
			continue
		}
		opened = opened.Union(u.categories)
		if rule < 0 || u.span.Until < until { // who needs two is open until the first ends
			until, rule = u.span.Until, i
		}
	}
	if rule < 0 {
		return false
	}
	rest := cats
	for w := range rest {
		rest[w] &^= opened[w]
	}
	again := *v
	again.Action, again.Rule = Allow, 0
	s.rule(a, rest.And(s.ruled), &again)
	if again.Action != Allow {
		return false
	}
	v.Action, v.Reason, v.Until = Allow, ReasonUnblock, until
	v.Rule, v.Category = s.unblockRule(rule), cats.And(opened).first()
	return true
}

// first is the lowest category of the set, or NoCategory.
func (s CategorySet) first() int16 {
	for w, bitsOf := range s {
		if bitsOf != 0 {
			return int16(w<<6 + bits.TrailingZeros64(bitsOf))
		}
	}
	return NoCategory
}

// only is the category of a set of one, else NoCategory.
func (s CategorySet) only() int16 {
	c := s.first()
	if c == NoCategory {
		return c
	}
	s[c>>6] &= s[c>>6] - 1
	if !s.Empty() {
		return NoCategory
	}
	return c
}
