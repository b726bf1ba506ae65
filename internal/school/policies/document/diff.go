package document

import (
	"strings"

	"belisha/internal/kit/setting"
)

// ChangeKind says what became of a clause or a value.
type ChangeKind string

// The kinds of change.
const (
	Added   ChangeKind = "added"
	Removed ChangeKind = "removed"
	Changed ChangeKind = "changed"
)

// Change is one clause that differs between two documents.
type Change struct {
	Kind    ChangeKind `json:"kind"`
	ID      string     `json:"id"`
	Line    int        `json:"line"` // in the new document; in the old one when removed
	Heading string     `json:"heading,omitempty"`
	Old     string     `json:"old,omitempty"`
	New     string     `json:"new,omitempty"`
	Words   []Piece    `json:"words,omitempty"` // of a changed clause
	// Controls that were named and are not, and the other way round.
	ControlsGone []string `json:"controls_gone,omitempty"`
	ControlsNew  []string `json:"controls_new,omitempty"`
}

// Piece is a stretch of words that stayed, went or came.
type Piece struct {
	Kind ChangeKind `json:"kind,omitempty"` // "" for words that stayed
	Text string     `json:"text"`
}

// ValueChange is one value that differs.
type ValueChange struct {
	Kind  ChangeKind    `json:"kind"`
	Key   string        `json:"key"`
	Scope setting.Scope `json:"-"`
	Where string        `json:"where,omitempty"` // the scope in words
	Old   string        `json:"old,omitempty"`
	New   string        `json:"new,omitempty"`
	Line  int           `json:"line"`
}

// Difference is what differs between two documents.
type Difference struct {
	Clauses []Change      `json:"clauses"`
	Values  []ValueChange `json:"settings"`
}

// Diff compares two documents: clauses are matched by id where the author
// gave one, then by their text, then by what is most like it under the same
// heading. A made-up id counts clauses and moves when one is put in, so that
// it matches nothing by itself.
func Diff(old, next *Doc) Difference {
	pairs := match(old.Clauses, next.Clauses)
	d := Difference{Clauses: []Change{}, Values: diffValues(old, next)}
	taken := map[*Clause]bool{}
	for _, n := range next.Clauses {
		o := pairs[n]
		if o == nil {
			d.Clauses = append(d.Clauses, Change{Kind: Added, ID: n.ID, Line: n.Line, Heading: n.Heading, New: n.Text, ControlsNew: names(n, nil)})
			continue
		}
		taken[o] = true
		if c, differs := compare(o, n); differs {
			d.Clauses = append(d.Clauses, c)
		}
	}
	for _, o := range old.Clauses {
		if !taken[o] {
			d.Clauses = append(d.Clauses, Change{Kind: Removed, ID: o.ID, Line: o.Line, Heading: o.Heading, Old: o.Text, ControlsGone: names(o, nil)})
		}
	}
	return d
}

func compare(o, n *Clause) (Change, bool) {
	c := Change{Kind: Changed, ID: n.ID, Line: n.Line, Heading: n.Heading, ControlsGone: names(o, n), ControlsNew: names(n, o)}
	if o.Text != n.Text {
		c.Old, c.New = o.Text, n.Text
		c.Words = DiffWords(o.Text, n.Text)
	}
	return c, o.Text != n.Text || len(c.ControlsGone) > 0 || len(c.ControlsNew) > 0
}

// names are the controls of c that other does not name.
func names(c, other *Clause) []string {
	has := map[string]bool{}
	if other != nil {
		for _, r := range other.Controls {
			has[r.key()] = true
		}
	}
	var out []string
	for _, r := range c.Controls {
		if !has[r.key()] {
			out = append(out, r.key())
		}
	}
	return out
}

func (r ControlRef) key() string {
	if r.Off {
		return r.Name + " (off)"
	}
	return r.Name
}

// match pairs each new clause with its old one.
func match(old, next []*Clause) map[*Clause]*Clause {
	pairs := map[*Clause]*Clause{}
	used := map[*Clause]bool{}
	pass := func(key func(*Clause) string) {
		index := map[string][]*Clause{}
		for _, o := range old {
			if k := key(o); k != "" && !used[o] {
				index[k] = append(index[k], o)
			}
		}
		for _, n := range next {
			k := key(n)
			if pairs[n] != nil || k == "" || len(index[k]) == 0 {
				continue
			}
			pairs[n] = index[k][0]
			used[index[k][0]] = true
			index[k] = index[k][1:]
		}
	}
	pass(func(c *Clause) string {
		if c.given {
			return c.ID
		}
		return ""
	})
	pass(func(c *Clause) string { return c.HeadingID + "\n" + c.Text })
	pass(func(c *Clause) string { return c.Text })
	left := len(next) - len(pairs)
	for _, n := range next {
		if pairs[n] == nil && left <= maxGuesses {
			if o := mostLike(n, old, used); o != nil {
				pairs[n], used[o] = o, true
			}
		}
	}
	return pairs
}

// maxGuesses bounds the pairing by likeness; two documents that differ in more
// clauses than this are different documents.
const maxGuesses = 200

// mostLike finds the unmatched old clause that n was made of: at least half
// of the longer one's words in order, or the same settings.
func mostLike(n *Clause, old []*Clause, used map[*Clause]bool) *Clause {
	var best *Clause
	most := 0.5
	for _, o := range old {
		if used[o] || o.HeadingID != n.HeadingID || o.given && n.given {
			continue
		}
		l := likeness(o, n)
		if l >= most && (best == nil || l > most) {
			best, most = o, l
		}
	}
	return best
}

func likeness(o, n *Clause) float64 {
	same, longer := 0, max(len(strings.Fields(o.Text)), len(strings.Fields(n.Text)))
	for _, p := range DiffWords(o.Text, n.Text) {
		if p.Kind == "" {
			same += len(strings.Fields(p.Text))
		}
	}
	l := float64(same) / float64(max(longer, 1))
	if k := keysOf(o); k != "" && k == keysOf(n) {
		l = (1 + l) / 2
	}
	return l
}

func keysOf(c *Clause) string {
	var b strings.Builder
	for _, v := range c.Values {
		b.WriteString(v.Key + " " + ScopeWords(v.Scope) + "\n")
	}
	return b.String()
}

type place struct {
	key   string
	scope setting.Scope
}

func diffValues(old, next *Doc) []ValueChange {
	had := map[place]Placed{}
	for _, v := range old.Values() {
		had[place{v.Key, v.Scope}] = v
	}
	out := []ValueChange{}
	now := map[place]bool{}
	for _, v := range next.Values() {
		p := place{v.Key, v.Scope}
		if now[p] {
			continue
		}
		now[p] = true
		o, was := had[p]
		c := ValueChange{Kind: Added, Key: v.Key, Scope: v.Scope, Where: ScopeWords(v.Scope), New: v.Words, Line: v.Line}
		if was && o.Words == v.Words {
			continue
		}
		if was {
			c.Kind, c.Old = Changed, o.Words
		}
		out = append(out, c)
	}
	gone := map[place]bool{}
	for _, v := range old.Values() {
		p := place{v.Key, v.Scope}
		if now[p] || gone[p] {
			continue
		}
		gone[p] = true
		out = append(out, ValueChange{Kind: Removed, Key: v.Key, Scope: v.Scope, Where: ScopeWords(v.Scope), Old: v.Words, Line: v.Line})
	}
	return out
}

// ScopeWords says a scope in words: "group pupils, place library".
func ScopeWords(s setting.Scope) string {
	var out []string
	for _, p := range [][2]string{
		{"group", s.Group},
		{"audience", s.Audience},
		{"key stage", s.KeyStage},
		{"place", s.Place},
		{"site", s.Site},
		{"time", s.Time},
	} {
		if p[1] != "" {
			out = append(out, p[0]+" "+p[1])
		}
	}
	return strings.Join(out, ", ")
}

// DiffWords compares two texts word by word.
func DiffWords(a, b string) []Piece {
	x, y := strings.Fields(a), strings.Fields(b)
	if len(x)*len(y) > 1<<20 { // two very long clauses: say the whole
		return []Piece{{Removed, a}, {Added, b}}
	}
	// lcs[i][j] is the longest common run of words of x[i:] and y[j:].
	lcs := make([][]int, len(x)+1)
	for i := range lcs {
		lcs[i] = make([]int, len(y)+1)
	}
	for i := len(x) - 1; i >= 0; i-- {
		for j := len(y) - 1; j >= 0; j-- {
			if x[i] == y[j] {
				lcs[i][j] = lcs[i+1][j+1] + 1
			} else {
				lcs[i][j] = max(lcs[i+1][j], lcs[i][j+1])
			}
		}
	}
	var out []Piece
	i, j := 0, 0
	for i < len(x) || j < len(y) {
		switch {
		case i < len(x) && j < len(y) && x[i] == y[j]:
			out = say(out, "", x[i])
			i, j = i+1, j+1
		case j >= len(y) || i < len(x) && lcs[i+1][j] >= lcs[i][j+1]:
			out = say(out, Removed, x[i])
			i++
		default:
			out = say(out, Added, y[j])
			j++
		}
	}
	return out
}

func say(out []Piece, kind ChangeKind, word string) []Piece {
	if n := len(out); n > 0 && out[n-1].Kind == kind {
		out[n-1].Text += " " + word
		return out
	}
	return append(out, Piece{kind, word})
}
