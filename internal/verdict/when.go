package verdict

import "slices"

// weekMinutes is the length of a week.
const weekMinutes = 7 * 24 * 60

type when struct {
	always bool
	weekly []Window
	not    []Span
	also   []Span
}

// holds reports whether the time is one of the rule's. It is a pure question
// about the ask: the local minute of the week, which the door counts (clock
// changes and all), and the instant.
func (w *when) holds(a *Ask) bool {
	if w.always {
		return true
	}
	if len(w.also) > 0 || len(w.not) > 0 {
		at := a.At.UnixMilli()
		for _, s := range w.also {
			if s.covers(at) {
				return true
			}
		}
		for _, s := range w.not {
			if s.covers(at) {
				return false
			}
		}
	}
	for _, x := range w.weekly {
		if x.covers(a.Minute) {
			return true
		}
	}
	return len(w.weekly) == 0 && len(w.also) == 0
}

func (s Span) covers(at int64) bool {
	return (s.From == 0 || at >= s.From) && (s.Until == 0 || at < s.Until)
}

func (x Window) covers(minute uint16) bool {
	switch {
	case x.From == x.To:
		return true
	case x.From < x.To:
		return minute >= x.From && minute < x.To
	}
	return minute >= x.From || minute < x.To
}

// holds reports whether the rule is for this group and subject. If the key
// stage, place or classes are not known, a rule that closes (strict) holds and one that
// opens does not.
func (w *who) holds(g uint8, a *Ask, strict bool) bool {
	if w.groups>>g&1 == 0 {
		return false
	}
	if !w.anyStage && !known(w.stages, a.KeyStage, strict) {
		return false
	}
	if len(w.classes) > 0 && !w.holdsClass(a.Classes, strict) {
		return false
	}
	return w.anyPlace || known(w.places, a.Place, strict)
}

// holdsClass reports whether the rule is for one of the subject's classes.
func (w *who) holdsClass(classes []uint16, strict bool) bool {
	for _, c := range classes {
		if _, found := slices.BinarySearch(w.classes, c); found {
			return true
		}
	}
	return strict && len(classes) == 0
}

func known(set CategorySet, number uint8, strict bool) bool {
	if number == 0 {
		return strict
	}
	return set.Has(number)
}
