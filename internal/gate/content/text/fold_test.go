package text

import (
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"belisha/internal/verdict/scan"
)

// A phrase of a list is found in a page that has the same letters, whichever
// letters they are.
func TestPhrasesAndPagesAreReadInTheSameForm(t *testing.T) {
	x := new(Extractor)
	var differ []rune
	for r := rune(0x80); r <= 0x2ffff; r++ {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			continue
		}
		if first := []rune(norm.NFKC.String(string(r)))[0]; unicode.IsMark(first) || first == ' ' {
			continue // it belongs to the letter before it, which is of its own script
		}
		word := "xx" + string(r) + "yy"
		phrase, err := scan.Folded(word)
		if err != nil {
			t.Fatal(err)
		}
		v := x.Extract(Plain, []byte(word))
		if !strings.Contains(string(v.Smart), phrase) && !strings.Contains(string(v.Bare), phrase) {
			differ = append(differ, r)
		}
	}
	if len(differ) > 0 {
		t.Errorf("%d letters, among them %q", len(differ), differ[:min(len(differ), 60)])
	}
}
