package agreements

import (
	"strings"
	"unicode"
)

// Change is one clause that differs between two texts.
type Change struct {
	ID     string
	Pieces []Piece
}

// Piece is a stretch of words that stayed, came or went.
type Piece struct {
	Words     string
	New, Gone bool
}

// Compare lists the clauses that differ, in the order of the new text, those
// that went at the end.
func Compare(old, next Body) []Change {
	was := map[string]string{}
	for _, c := range old.Clauses() {
		was[c.ID] = c.Text
	}
	var out []Change
	for _, c := range next.Clauses() {
		text, had := was[c.ID]
		switch {
		case !had:
			out = append(out, Change{c.ID, []Piece{{Words: c.Text, New: true}}})
		case text != c.Text:
			out = append(out, Change{c.ID, pieces(strings.Fields(text), strings.Fields(c.Text))})
		}
	}
	for _, c := range old.Clauses() {
		if !next.Has(c.ID) {
			out = append(out, Change{c.ID, []Piece{{Words: c.Text, Gone: true}}})
		}
	}
	return out
}

// pieces compares word by word. A clause has at most a thousand letters, so
// the table is small.
func pieces(a, b []string) []Piece {
	longest := make([][]int, len(a)+1)
	for i := range longest {
		longest[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				longest[i][j] = longest[i+1][j+1] + 1
				continue
			}
			longest[i][j] = max(longest[i+1][j], longest[i][j+1])
		}
	}
	var out []Piece
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			out = say(out, Piece{Words: a[i]})
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && longest[i+1][j] >= longest[i][j+1]:
			out = say(out, Piece{Words: a[i], Gone: true})
			i++
		default:
			out = say(out, Piece{Words: b[j], New: true})
			j++
		}
	}
	return out
}

func say(out []Piece, p Piece) []Piece {
	if n := len(out); n > 0 && out[n-1].New == p.New && out[n-1].Gone == p.Gone {
		out[n-1].Words += " " + p.Words
		return out
	}
	return append(out, p)
}

// ReadingAge is about how old somebody is who reads the text without trouble:
// the grade of Flesch and Kincaid, five years on. It is a hint and no measure.
func ReadingAge(b Body) int {
	sentences, count, syllables := 0, 0, 0
	for _, c := range b.Clauses() {
		for _, s := range strings.FieldsFunc(c.Text, func(r rune) bool { return strings.ContainsRune(".!?;:", r) }) {
			words := strings.Fields(s)
			if len(words) == 0 {
				continue
			}
			sentences++
			count += len(words)
			for _, w := range words {
				syllables += syllablesOf(w)
			}
		}
	}
	if sentences == 0 {
		return 0
	}
	grade := 0.39*float64(count)/float64(sentences) + 11.8*float64(syllables)/float64(count) - 15.59
	return max(5, int(grade+5.5))
}

// syllablesOf counts groups of vowels; a last silent e is none.
func syllablesOf(word string) int {
	w := strings.ToLower(strings.TrimFunc(word, func(r rune) bool { return !unicode.IsLetter(r) }))
	n, before := 0, false
	for _, r := range w {
		is := strings.ContainsRune("aeiouy", r)
		if is && !before {
			n++
		}
		before = is
	}
	if n > 1 && strings.HasSuffix(w, "e") && !strings.HasSuffix(w, "le") {
		n--
	}
	return max(n, 1)
}
