package verdict

import "math/bits"

// outcome is what follows for one group from one category alone, or from
// none, where nothing else about the ask matters.
type outcome struct {
	rule     uint32
	category int16
	action   Action
	reason   Reason // ReasonNone: more must be weighed
}

// outcomeSlots is the number of outcomes of a group: see outcomeSlot.
const outcomeSlots = 4 * 65

// outcomeSlot numbers the sets of one category and, as 64, the empty one. It
// branches on nothing that came from a list; false means there are several.
func outcomeSlot(set *CategorySet) (int, bool) {
	x := set[0] | set[1] | set[2] | set[3]
	one, two, three := nonzero(set[1]), nonzero(set[2]), nonzero(set[3])
	at := bits.TrailingZeros64(x) + 65*(one+2*two+3*three)
	return at, x&(x-1) == 0 && nonzero(set[0])+one+two+three <= 1
}

// nonzero is 1 if x is not 0.
func nonzero(x uint64) int { return int((x | -x) >> 63) }

// foresee works the outcomes out for every group, so that the usual decision
// is one look into a table.
func (s *Snapshot) foresee() {
	s.outcomes = make([]outcome, len(s.groups)*outcomeSlots)
	for g := range s.groups {
		of := s.outcomes[g*outcomeSlots:][:outcomeSlots]
		of[64] = s.unruled(uint8(g), false)
		for c := range MaxCategories {
			of[c>>6*65+c&63] = s.outcome(uint8(g), uint8(c))
		}
	}
}

func (s *Snapshot) outcome(g, c uint8) outcome {
	for _, i := range s.byCat[c] {
		switch l := &s.lines[i]; {
		case l.who.groups>>g&1 == 0:
			continue
		case !l.who.anyStage || !l.who.anyPlace || len(l.who.classes) > 0 || !l.when.always:
			return outcome{}
		case l.act != Allow && len(s.byCatUnb) > 0: // it may be lifted
			return outcome{}
		default:
			return outcome{uint32(i) + 1, int16(c), l.act, ReasonCategory}
		}
	}
	if len(s.byCatUnb) > 0 {
		return outcome{}
	}
	return s.unruled(g, true)
}

// unruled is the group's choice for a name that no line speaks of.
func (s *Snapshot) unruled(g uint8, listed bool) outcome {
	o := outcome{category: NoCategory, reason: ReasonUnlisted}
	if !s.groups[g].unlistedClosed {
		o.action = Allow
		if listed {
			o.reason = ReasonOpen
		}
	}
	return o
}
