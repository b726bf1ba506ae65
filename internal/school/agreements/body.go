package agreements

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"belisha/internal/kit/store"
)

// The bounds of a text.
const (
	maxBody    = 40_000
	maxClauses = 60
	maxClause  = 1_000
)

// Clause is one rule: what is agreed to, one at a time.
type Clause struct{ ID, Text string }

// Part is a stretch of the text below one heading.
type Part struct {
	Heading string
	Prose   []string
	Clauses []Clause
}

// Body is a text as it is read: a title and its parts.
type Body struct {
	Title string
	Parts []Part
}

var clauseID = regexp.MustCompile(`\s*\{#([a-z0-9][a-z0-9-]{0,39})\}\s*$`)

// ParseBody reads the text of a sheet: "# " its title, "## " a heading, "- " a
// clause that ends with its name in braces, anything else a paragraph. A
// clause without a name is given one. It is plain words: nothing in it is
// taken for markup.
func ParseBody(text string) (Body, error) {
	p := bodyParser{seen: map[string]int{}}
	bad := func(why string) (Body, error) { return Body{}, store.Invalid{"body": why} }
	switch {
	case len(text) > maxBody:
		return bad("This is longer than anybody would sign: forty thousand letters are the most.")
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return bad("There are signs in it that are not letters; paste it again as plain text.")
	}
	for n, line := range strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		if why := p.line(line); why != "" {
			return bad(fmt.Sprintf("Line %d: %s", n+1, why))
		}
	}
	p.endParagraph()
	switch {
	case p.body.Title == "":
		return bad("Begin with a title: a line such as “# Rules for staff”.")
	case p.clauses == 0:
		return bad("There is nothing to agree to. Write each rule on a line that begins with “- ”.")
	}
	p.nameTheRest()
	return p.body, nil
}

type bodyParser struct {
	body      Body
	paragraph []string
	inClause  bool
	clauses   int
	seen      map[string]int // clause names, with the line they stand on
}

func (p *bodyParser) part() *Part {
	if len(p.body.Parts) == 0 {
		p.body.Parts = append(p.body.Parts, Part{})
	}
	return &p.body.Parts[len(p.body.Parts)-1]
}

func (p *bodyParser) endParagraph() {
	if len(p.paragraph) > 0 {
		q := p.part()
		q.Prose = append(q.Prose, strings.Join(p.paragraph, " "))
		p.paragraph = nil
	}
}

// line takes one line and says what is wrong with it.
func (p *bodyParser) line(line string) string {
	words := strings.Join(strings.Fields(line), " ")
	switch {
	case words == "":
		p.endParagraph()
		p.inClause = false
	case strings.HasPrefix(words, "# "):
		return p.title(words[2:])
	case strings.HasPrefix(words, "## "):
		p.endParagraph()
		p.inClause = false
		p.body.Parts = append(p.body.Parts, Part{Heading: words[3:]})
	case strings.HasPrefix(words, "- ") || strings.HasPrefix(words, "* "):
		p.endParagraph()
		return p.clause(words[2:])
	case p.inClause && strings.HasPrefix(line, " "):
		q := p.part()
		last := &q.Clauses[len(q.Clauses)-1]
		return p.put(last, last.Text+" "+words)
	default:
		p.inClause = false
		p.paragraph = append(p.paragraph, words)
	}
	return ""
}

func (p *bodyParser) title(words string) string {
	if p.body.Title != "" {
		return "there is a second title; a heading begins with “## ”."
	}
	if len(words) > 120 {
		return "the title is too long."
	}
	p.body.Title = words
	return ""
}

func (p *bodyParser) clause(words string) string {
	if p.clauses++; p.clauses > maxClauses {
		return fmt.Sprintf("there are more than %d rules; nobody reads that many.", maxClauses)
	}
	q := p.part()
	q.Clauses = append(q.Clauses, Clause{})
	p.inClause = true
	return p.put(&q.Clauses[len(q.Clauses)-1], words)
}

// put sets a clause's words and takes its name off their end.
func (p *bodyParser) put(c *Clause, words string) string {
	if m := clauseID.FindStringSubmatch(words); m != nil {
		if p.seen[m[1]] > 0 {
			return "two rules are called “" + m[1] + "”."
		}
		p.seen[m[1]]++
		c.ID, words = m[1], strings.TrimSuffix(words, m[0])
	}
	c.Text = strings.TrimSpace(words)
	if len(c.Text) > maxClause {
		return "this rule is too long to be one rule."
	}
	if utf8.RuneCountInString(c.Text) < 10 {
		return "a rule is a sentence; this one is too short."
	}
	return ""
}

// nameTheRest names clauses that have none: own-1, own-2, …
func (p *bodyParser) nameTheRest() {
	n := 0
	for i := range p.body.Parts {
		for k := range p.body.Parts[i].Clauses {
			c := &p.body.Parts[i].Clauses[k]
			for c.ID == "" {
				n++
				if id := "own-" + strconv.Itoa(n); p.seen[id] == 0 {
					p.seen[id]++
					c.ID = id
				}
			}
		}
	}
}

// Clauses are all clauses in order.
func (b Body) Clauses() []Clause {
	var out []Clause
	for _, p := range b.Parts {
		out = append(out, p.Clauses...)
	}
	return out
}

// Has reports whether there is a clause of the name.
func (b Body) Has(id string) bool {
	return slices.ContainsFunc(b.Clauses(), func(c Clause) bool { return c.ID == id })
}

// Text writes the body as ParseBody reads it, always in the same way.
func (b Body) Text() string {
	var s strings.Builder
	s.WriteString("# " + b.Title + "\n")
	for _, p := range b.Parts {
		if p.Heading != "" {
			s.WriteString("\n## " + p.Heading + "\n")
		}
		for _, w := range p.Prose {
			s.WriteString("\n" + w + "\n")
		}
		if len(p.Clauses) > 0 {
			s.WriteString("\n")
		}
		for _, c := range p.Clauses {
			s.WriteString("- " + c.Text + " {#" + c.ID + "}\n")
		}
	}
	return s.String()
}

// Hash is what a signature keeps of the text it was given for.
func Hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// Lost are the clauses of the old text, and those that the sheet requires,
// that the new one has not.
func Lost(s Sheet, old, next Body) []Clause {
	var out []Clause
	for _, c := range old.Clauses() {
		if !next.Has(c.ID) {
			out = append(out, c)
		}
	}
	info, _ := s.Info()
	for _, id := range info.Required {
		if !next.Has(id) && !old.Has(id) {
			out = append(out, Clause{ID: id, Text: "The rule called “" + id + "”, which these rules must have."})
		}
	}
	return out
}

// LacksOf are the required clauses that a text has not.
func LacksOf(s Sheet, b Body) []string {
	info, _ := s.Info()
	var out []string
	for _, id := range info.Required {
		if !b.Has(id) {
			out = append(out, id)
		}
	}
	return out
}
