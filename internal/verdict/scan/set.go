package scan

import (
	"cmp"
	"slices"
)

// kind says what a phrase or combination does. The values order what beats
// what where the same phrase stands in several lines.
type kind uint8

const (
	kindPart      kind = iota // only a part of combinations
	kindWeighted              // adds its weight
	kindBanned                // closes
	kindException             // opens
	kinds
)

// none stands for no category and for no time.
const none = 0xffff

// weight is what a phrase adds: points, or per cent of the limit.
type weight struct {
	points  int32
	percent bool
}

// of is what the weight is under a limit. As in e2guardian the division is of
// whole numbers.
func (w weight) of(limit int) int {
	if w.percent {
		return int(w.points) * limit / 100
	}
	return int(w.points)
}

// heavier orders weights of the same phrase. How points stand to per cent
// depends on the limit; 100 is taken for it.
func (w weight) heavier(o weight) bool { return w.of(100) > o.of(100) }

// rule is what a phrase or combination does, for what, and when.
type rule struct {
	kind     kind
	weight   weight
	category uint16 // none: of no category
	band     uint16 // none: always
}

// phrase is one different string.
type phrase struct {
	text string
	rule
}

// combo is a combination: all parts must be there.
type combo struct {
	parts []uint32 // phrases, sorted, each once
	rule
}

// Band is a time of day on some days of the week, both ends included.
type Band struct {
	Days       uint8  // bit 0: Monday
	Start, End uint16 // minutes of the day
}

func (b Band) holds(minute uint16) bool {
	day, at := minute/1440, minute%1440
	return day < 7 && b.Days&(1<<day) != 0 && at >= b.Start && at <= b.End
}

// set is everything that a file of phrases says.
type set struct {
	perOccurrence bool     // mode 1: every time counts; else once
	phrases       []phrase // sorted by text
	combos        []combo
	categories    []string
	bands         []Band

	// anchors and anchored say which combinations to try once a phrase was
	// found: each hangs from the one part that the fewest share. Those of
	// phrase i are anchored[anchors[i]:anchors[i+1]].
	anchors  []uint32
	anchored []uint32
}

// anchor files every combination under one of its parts.
func (s *set) anchor() {
	shared := make([]uint32, len(s.phrases))
	for i := range s.combos {
		for _, p := range s.combos[i].parts {
			shared[p]++
		}
	}
	rarest := func(parts []uint32) uint32 {
		return slices.MinFunc(parts, func(a, b uint32) int { return cmp.Compare(shared[a], shared[b]) })
	}
	s.anchors = make([]uint32, len(s.phrases)+1)
	for i := range s.combos {
		s.anchors[rarest(s.combos[i].parts)+1]++
	}
	for i := range s.phrases {
		s.anchors[i+1] += s.anchors[i]
	}
	next := slices.Clone(s.anchors)
	s.anchored = make([]uint32, len(s.combos))
	for i := range s.combos {
		at := rarest(s.combos[i].parts)
		s.anchored[next[at]] = uint32(i)
		next[at]++
	}
}

func (s *set) category(n uint16) string {
	if int(n) < len(s.categories) {
		return s.categories[n]
	}
	return ""
}

func (s *set) sortedCategories() []string {
	out := slices.Clone(s.categories)
	slices.Sort(out)
	return out
}

// counted is how many phrases and combinations count towards each category.
func (s *set) counted() map[string]int {
	out := map[string]int{}
	for i := range s.phrases {
		if s.phrases[i].kind != kindPart {
			out[s.category(s.phrases[i].category)]++
		}
	}
	for i := range s.combos {
		out[s.category(s.combos[i].category)]++
	}
	return out
}
