// Package scan weighs text by phrases, as e2guardian's phrase lists have it:
// weights that add up, combinations, exceptions, banned phrases, categories
// and times of day. It reads those lists, builds one matcher from all of them,
// keeps that in a file, and weighs pages against it.
//
// A page is weighed in several views, each by itself, and the worst counts.
// Whoever makes the views decides what is decoded; AppendFolded is the form
// that phrases are compiled to, and Text.Plain makes the views exactly as
// e2guardian does.
//
// Weighing is a pure function of the text, the limit and the minute of the
// week. It allocates nothing once its Scratch has grown, its time is bounded
// by the text's length times the longest phrase, and in practice it reads some
// hundred megabytes a second.
package scan

// Bounds of what a set of phrases may hold.
const (
	// MaxPhrase is the length that a phrase is cut to, as e2guardian does.
	MaxPhrase = 127
	// MaxPhrases is how many different phrases fit.
	MaxPhrases = 200_000
	// MaxCombinations is how many combinations fit.
	MaxCombinations = 200_000
	// MaxParts is how many phrases one combination may have.
	MaxParts = 64
	// MaxWeight bounds one weight, up and down.
	MaxWeight     = 1_000_000
	maxCategories = 1000
	maxCategory   = 200 // bytes of a category's name
	maxBands      = 1000
)

// Text is what is weighed: the same page in up to three views, each folded and
// without zero bytes. An empty view is not looked at. Bytes at its very begin
// and end count as they stand: a view that begins and ends with a space lets
// whole words match there.
type Text struct {
	// Smart is what a reader sees: tags are gone, spaces are single.
	Smart []byte
	// Bare is Smart with letters as they look: accents taken off, look-alikes
	// of other scripts and digits used as letters replaced. May be empty.
	Bare []byte
	// Raw has tags and attributes as well.
	Raw []byte
}

// Scratch is what one weighing works in. A zero one is ready; one that is used
// again needs no memory. It must not be shared between goroutines, and a
// Result made with it holds until it is used again.
type Scratch struct {
	counts  []uint32 // by phrase
	touched []uint32 // phrases found
	cats    []int    // score by category
	inCats  []uint16 // categories with a score
	parts   []Part
	scores  []CategoryScore
	bands   []bool // times that are now
}

// Result is what weighing found.
type Result struct {
	// Score is the weight of the worst view, negative where good phrases
	// outweigh.
	Score int
	// Over: the score is greater than the limit, which was not 0.
	Over bool
	// Exception: an exception phrase or combination was found, which opens the
	// page whatever else it has.
	Exception bool
	// Banned: a banned phrase or combination was found, which closes the page
	// whatever its score.
	Banned bool
	// Category is the category with the highest score, or that of the
	// exception or banned phrase; "" for none.
	Category string
	// Categories are all with a score above zero, highest first.
	Categories []CategoryScore
	// Parts are what counted, the heaviest first, at most a hundred. They are
	// filled in when the page is closed or excepted, or asked for by Explain.
	Parts []Part
}

// Part is one phrase or combination that counted.
type Part struct {
	Phrase   string // "word", or "one, two" of a combination
	Category string
	Weight   int // what it added; 0 for a banned or exception phrase
}

// CategoryScore is the sum of what one category's phrases added.
type CategoryScore struct {
	Category string
	Score    int
}

// Closed reports whether the page is to be closed.
func (r *Result) Closed() bool { return !r.Exception && (r.Banned || r.Over) }

// Phrases is a set of phrases that is ready to weigh with. It is immutable;
// any number of goroutines use it at once.
type Phrases struct {
	set     *set
	matcher *matcher
	hash    string
}

// Count is how many different phrases and how many combinations there are.
func (p *Phrases) Count() (phrases, combinations int) {
	return len(p.set.phrases), len(p.set.combos)
}

// ByCategory is how many phrases and combinations count towards each category,
// "" for those of none.
func (p *Phrases) ByCategory() map[string]int { return p.set.counted() }

// Size is how many bytes the table takes that phrases are found with.
func (p *Phrases) Size() int { return p.matcher.size() }

// Categories are the categories of the phrases, sorted.
func (p *Phrases) Categories() []string { return p.set.sortedCategories() }

// Hash is the SHA-256 in hex of the file that the phrases were opened from.
func (p *Phrases) Hash() string { return p.hash }

// Weigh weighs the text for somebody with this limit at this minute of the
// week (0 = Monday 00:00). With limit 0 nothing is over, whatever it weighs.
func (p *Phrases) Weigh(t *Text, limit int, minute uint16, s *Scratch) Result {
	return p.weigh(t, limit, minute, s, false)
}

// Explain is Weigh with all its Parts, also where the page stays open.
func (p *Phrases) Explain(t *Text, limit int, minute uint16, s *Scratch) Result {
	return p.weigh(t, limit, minute, s, true)
}
