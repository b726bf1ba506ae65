package porter

import (
	"slices"
	"strings"
	"unicode"
)

// theme is a group of phrases that mean somebody may need help.
type theme struct {
	name    string
	phrases []string // normalised, with a space at either end
}

func compileThemes(in map[string][]string) []theme {
	var out []theme
	for name, phrases := range in {
		t := theme{name: name}
		for _, p := range phrases {
			if n := normalise(p); n != "" {
				t.phrases = append(t.phrases, " "+n+" ")
			}
		}
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b theme) int { return strings.Compare(a.name, b.name) })
	return out
}

// themeOf finds the first theme with a phrase of which all words stand
// together in the words searched for.
func themeOf(themes []theme, words string) string {
	if words == "" || len(themes) == 0 {
		return ""
	}
	text := " " + normalise(words) + " "
	for _, t := range themes {
		for _, p := range t.phrases {
			if strings.Contains(text, p) {
				return t.name
			}
		}
	}
	return ""
}

// normalise makes words comparable: lower case, letters and digits only, one
// space between them; an apostrophe vanishes, so that "don't" is one word.
func normalise(s string) string {
	var b strings.Builder
	space := false
	for _, r := range s {
		switch {
		case r == '\'' || r == '’' || unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Cf, r):
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			if space && b.Len() > 0 {
				b.WriteByte(' ')
			}
			space = false
			b.WriteRune(unicode.ToLower(r))
		default:
			space = true
		}
	}
	return b.String()
}

// Theme is the theme of words that somebody wrote, "" for none.
func (p *Porter) Theme(words string) string { return themeOf(p.settings.Load().themes, words) }
