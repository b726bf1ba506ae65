package text

import "bytes"

// figures are digits and signs that are written for the letter they look like.
var figures = [128]byte{'0': 'o', '1': 'i', '3': 'e', '4': 'a', '5': 's', '7': 't', '@': 'a', '$': 's', '!': 'i', '|': 'l'}

// Typed reads something short that somebody typed: a search, or a line to an
// AI service. Bare also has it with signs read as the letters they look like,
// and with letters that were typed several times typed once.
func (x *Extractor) Typed(s []byte) Views {
	x.Begin()
	x.plain(&x.main, s)
	x.main.space()
	out := fold(x.folded[:0], x.main.out)
	plain := len(out)
	x.scratch[0] = letters(x.scratch[0][:0], s)
	x.plain(&x.side, x.scratch[0])
	x.side.space()
	out = append(out, fold(x.scratch[1][:0], x.side.out)...)
	x.side.reset()
	out = once(out, out[:plain])
	x.folded = out
	return Views{Smart: x.main.out, Bare: collapse(out)}
}

// letters reads figures between letters as letters.
func letters(out, s []byte) []byte {
	for i, c := range s {
		if c < 0x80 && figures[c] != 0 && (i > 0 && wordly(s[i-1]) || i+1 < len(s) && wordly(s[i+1])) {
			c = figures[c]
		}
		out = append(out, c)
	}
	return out
}

func wordly(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c < 0x80 && figures[c] != 0 && c != '!' && c != '|' || c >= 0x80
}

// once appends words with every letter that is doubled written once.
func once(out, words []byte) []byte {
	for i, c := range words {
		if i > 0 && c == words[i-1] && letter(c) {
			continue
		}
		out = append(out, c)
	}
	return out
}

// collapse leaves one space where there are several.
func collapse(s []byte) []byte {
	if !bytes.Contains(s, []byte("  ")) {
		return s
	}
	w := 0
	for i, c := range s {
		if c == ' ' && i > 0 && s[i-1] == ' ' {
			continue
		}
		s[w] = c
		w++
	}
	return s[:w]
}
