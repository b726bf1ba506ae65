package text

import "bytes"

// Cut is where a page that comes in pieces can be cut without taking a word, a
// tag or a script apart: behind the last space in its text, or behind the last
// element that parts the text. s begins in text. within is what the next piece
// must begin with if s has to be cut at its end all the same.
func Cut(s []byte) (at int, within string) {
	for i := 0; i < len(s); {
		end := len(s)
		if j := bytes.IndexByte(s[i:], '<'); j >= 0 {
			end = i + j
		}
		if k := bytes.LastIndexAny(s[i:end], " \t\r\n\f"); k >= 0 {
			at = i + k + 1
		}
		if end == len(s) {
			break
		}
		next, block, open := passTag(s, end)
		if next >= len(s) {
			return at, open
		}
		if i = next; block {
			at = i
		}
	}
	return at, ""
}

// passTag gives the place behind the markup at i, which is len(s) where it may
// go on. block says that it parts the text; open is what we are in the middle
// of.
func passTag(s []byte, i int) (next int, block bool, open string) {
	if i+4 > len(s) {
		return len(s), false, ""
	}
	switch c := s[i+1]; {
	case string(s[i:i+4]) == "<!--":
		return comment(s, i+4), false, "<!--"
	case c == '!' || c == '?':
		return past(s, i+2, '>'), false, ""
	case c == '/' && isLetter(s[i+2]):
		name, end := tagName(s, i+2)
		return skipTag(s, end), isBlock(name), ""
	case !isLetter(c):
		return i + 1, false, ""
	}
	name, end := tagName(s, i+1)
	next, block = skipTag(s, end), isBlock(name)
	switch word := string(word(&name)); word {
	case "script", "style":
		if next >= len(s) {
			return len(s), block, ""
		}
		_, next = rawText(s, next, word)
		return next, true, "<" + word + ">"
	}
	return next, block, ""
}
