package scan

import (
	"slices"
	"strings"
)

// mostParts is how many parts a result tells.
const mostParts = 100

func (s *Scratch) begin(p *Phrases, minute uint16) {
	if n := len(p.set.phrases); len(s.counts) < n {
		s.counts = make([]uint32, n)
	}
	if n := len(p.set.categories); len(s.cats) < n {
		s.cats = make([]int, n)
	}
	s.bands = s.bands[:0]
	for _, b := range p.set.bands {
		s.bands = append(s.bands, b.holds(minute))
	}
	s.parts, s.scores = s.parts[:0], s.scores[:0]
}

// clear forgets what was found in one view.
func (s *Scratch) clear() {
	for _, at := range s.touched {
		s.counts[at] = 0
	}
	for _, c := range s.inCats {
		s.cats[c] = 0
	}
	s.touched, s.inCats = s.touched[:0], s.inCats[:0]
}

func (s *Scratch) now(band uint16) bool { return band == none || s.bands[band] }

func (p *Phrases) weigh(t *Text, limit int, minute uint16, s *Scratch, explain bool) Result {
	s.begin(p, minute)
	var out Result
	told := false
	for _, view := range [...][]byte{t.Smart, t.Bare, t.Raw} {
		if len(view) == 0 {
			continue
		}
		s.clear()
		p.matcher.find(view, s)
		one := weighing{p: p, s: s, limit: limit}
		one.run()
		if !told || one.decided() || worse(one.score, out.Score) {
			told = true
			one.tell(&out, explain || one.decided())
		}
		if one.decided() {
			break // as in e2guardian, the first view that decides does
		}
	}
	s.clear()
	return out
}

// worse reports whether a view's score takes the place of another's: the
// highest above zero, else the lowest below.
func worse(score, than int) bool {
	return score < 0 && than <= 0 && score < than || than >= 0 && score > than || than < 0 && score > 0
}

// weighing is the weighing of one view.
type weighing struct {
	p     *Phrases
	s     *Scratch
	limit int

	score    int
	verdict  kind // kindException, kindBanned, or below: what the score says
	deciding int  // index of the phrase or combination that opened or closed
	isCombo  bool
}

func (w *weighing) decided() bool {
	return w.verdict == kindException || w.verdict == kindBanned || w.limit > 0 && w.score > w.limit
}

// run weighs what was found: combinations that open, phrases that open,
// combinations that close, phrases that close, and then the sum.
func (w *weighing) run() {
	for _, at := range w.s.touched {
		for _, c := range w.p.set.anchored[w.p.set.anchors[at]:w.p.set.anchors[at+1]] {
			w.combo(c)
		}
	}
	if w.verdict == kindException {
		return
	}
	for _, at := range w.s.touched {
		r := &w.p.set.phrases[at].rule
		if r.kind == kindPart || !w.s.now(r.band) {
			continue
		}
		switch {
		case r.kind == kindWeighted:
			w.add(r, w.times(w.s.counts[at]))
		case r.kind > w.verdict || r.kind == w.verdict && !w.isCombo && int(at) < w.deciding:
			w.verdict, w.deciding, w.isCombo = r.kind, int(at), false
		}
	}
}

// combo counts a combination if all its parts were found.
func (w *weighing) combo(c uint32) {
	x := &w.p.set.combos[c]
	lowest := ^uint32(0)
	for _, part := range x.parts {
		n := w.s.counts[part]
		if n == 0 {
			return
		}
		lowest = min(lowest, n)
	}
	if !w.s.now(x.band) {
		return
	}
	switch {
	case x.kind == kindWeighted:
		w.add(&x.rule, w.times(lowest))
	case x.kind > w.verdict || x.kind == w.verdict && int(c) < w.deciding:
		w.verdict, w.deciding, w.isCombo = x.kind, int(c), true
	}
}

// times is how often something counts that was found n times.
func (w *weighing) times(n uint32) int {
	if w.p.set.perOccurrence {
		return int(n)
	}
	return 1
}

// add adds a weight to the score and to its category's.
func (w *weighing) add(r *rule, times int) {
	points := r.weight.of(w.limit) * times
	w.score += points
	if points > 0 && r.category != none {
		if w.s.cats[r.category] == 0 {
			w.s.inCats = append(w.s.inCats, r.category)
		}
		w.s.cats[r.category] += points
	}
}

// tell writes what one view came to.
func (w *weighing) tell(out *Result, parts bool) {
	set := w.p.set
	*out = Result{Score: w.score, Exception: w.verdict == kindException, Banned: w.verdict == kindBanned}
	out.Over = w.limit > 0 && w.score > w.limit && w.verdict != kindException
	w.s.scores = w.s.scores[:0]
	for _, c := range w.s.inCats {
		w.s.scores = append(w.s.scores, CategoryScore{set.category(c), w.s.cats[c]})
	}
	slices.SortFunc(w.s.scores, func(a, b CategoryScore) int {
		if a.Score != b.Score {
			return b.Score - a.Score
		}
		return strings.Compare(a.Category, b.Category)
	})
	out.Categories = w.s.scores
	if len(out.Categories) > 0 {
		out.Category = out.Categories[0].Category
	}
	if w.verdict == kindException || w.verdict == kindBanned {
		out.Category = set.category(w.decider().category)
	}
	if parts {
		w.s.parts = w.s.parts[:0]
		w.parts()
		out.Parts = w.s.parts
	}
}

func (w *weighing) decider() *rule {
	if w.isCombo {
		return &w.p.set.combos[w.deciding].rule
	}
	return &w.p.set.phrases[w.deciding].rule
}

// parts lists what counted, the heaviest first.
func (w *weighing) parts() {
	s, set := w.s, w.p.set
	if w.verdict == kindException || w.verdict == kindBanned {
		text := ""
		if w.isCombo {
			text = set.comboText(w.deciding)
		} else {
			text = set.phrases[w.deciding].text
		}
		s.parts = append(s.parts, Part{Phrase: text, Category: set.category(w.decider().category)})
	}
	for _, at := range s.touched {
		for _, c := range set.anchored[set.anchors[at]:set.anchors[at+1]] {
			x := &set.combos[c]
			if x.kind != kindWeighted || !s.now(x.band) || slices.ContainsFunc(x.parts, func(p uint32) bool { return s.counts[p] == 0 }) {
				continue
			}
			lowest := s.counts[x.parts[0]]
			for _, p := range x.parts {
				lowest = min(lowest, s.counts[p])
			}
			s.part(set.comboText(int(c)), set.category(x.category), x.weight.of(w.limit)*w.times(lowest))
		}
		if r := &set.phrases[at].rule; r.kind == kindWeighted && s.now(r.band) {
			s.part(set.phrases[at].text, set.category(r.category), r.weight.of(w.limit)*w.times(s.counts[at]))
		}
	}
	slices.SortStableFunc(s.parts, func(a, b Part) int { return abs(b.Weight) - abs(a.Weight) })
	s.parts = s.parts[:min(len(s.parts), mostParts)]
}

// mostGathered bounds what is gathered before the heaviest are picked.
const mostGathered = 10_000

func (s *Scratch) part(text, category string, weight int) {
	if len(s.parts) < mostGathered {
		s.parts = append(s.parts, Part{text, category, weight})
	}
}

func abs(n int) int { return max(n, -n) }

func (s *set) comboText(c int) string {
	var b strings.Builder
	for i, p := range s.combos[c].parts {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(s.phrases[p].text)
	}
	return b.String()
}
