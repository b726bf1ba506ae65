package verdict

import (
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

// alphabets are those whose letters are taken for another's. Japanese and
// Korean mixes are usual, and not among them.
var alphabets = [...]*unicode.RangeTable{unicode.Latin, unicode.Cyrillic, unicode.Greek, unicode.Armenian, unicode.Cherokee, unicode.Coptic}

// latinLike are the Cyrillic letters that look Latin.
const latinLike = "асԁеһіјӏорԛѕԝхуѵѡҽ"

// cyrillicEndings are the countries in whose names a word of Cyrillic letters
// is nothing odd.
const cyrillicEndings = " bg by kg kz mk mn rs ru su tj ua uz "

// mixedScript reports whether one label has letters of several alphabets, or
// none but letters that look like those of another.
func mixedScript(host string) bool {
	ending := host[strings.LastIndexByte(host, '.')+1:]
	plainly := !strings.HasPrefix(ending, "xn--") && !strings.Contains(cyrillicEndings, " "+ending+" ")
	for label := range strings.SplitSeq(host, ".") {
		if !strings.HasPrefix(label, "xn--") {
			continue
		}
		shown, err := idna.Punycode.ToUnicode(label)
		if err != nil || mixed(shown) || plainly && looksLatin(shown) {
			return true
		}
	}
	return false
}

func mixed(label string) bool {
	found := 0
	for _, a := range alphabets {
		if strings.ContainsFunc(label, func(r rune) bool { return unicode.Is(a, r) }) {
			found++
		}
	}
	return found > 1
}

// looksLatin reports a word of Cyrillic letters that could all be Latin ones.
func looksLatin(label string) bool {
	return !strings.ContainsFunc(label, func(r rune) bool { return unicode.IsLetter(r) && !strings.ContainsRune(latinLike, r) })
}
