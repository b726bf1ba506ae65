package scan

// Plain makes the views of a page exactly as e2guardian 5 does with its
// settings as shipped (phrasefiltermode 2, preservecase 0, hexdecodecontent
// off): bytes are taken as they come, nothing is decoded. Use it with phrases
// that were built with Options.Plain.
func (t *Text) Plain(page []byte) {
	t.Smart, t.Raw, t.Bare = append(t.Smart[:0], ' '), t.Raw[:0], nil
	inTag := false
	for _, c := range page {
		c = plainByte(c)
		raw := c
		if c == '<' || c == '>' {
			raw = ' '
		}
		t.Raw = append(t.Raw, raw)
		switch c {
		case '<':
			inTag = true
		case '>':
			inTag, c = false, ' '
		}
		if !inTag && (c != ' ' || t.Smart[len(t.Smart)-1] != ' ') {
			t.Smart = append(t.Smart, c)
		}
	}
}

// plainByte folds one byte of a page: ASCII letters and those of Latin-1 to
// small ones, most punctuation to a space.
func plainByte(c byte) byte {
	if c >= 'A' && c <= 'Z' || c >= 192 && c <= 221 {
		return c + 32
	}
	return plainSpace(c)
}

// plainSpace turns the punctuation into spaces that e2guardian does.
func plainSpace(c byte) byte {
	if c < '/' || c == ':' || c == ';' || c == '=' || c == '?' || c == '@' || c > 90 && c < 97 {
		return ' '
	}
	return c
}

// plainPhrase is a phrase in the form that e2guardian keeps it in.
func plainPhrase(s string) string {
	out := make([]byte, 0, len(s))
	for i := range len(s) {
		if c := plainSpace(s[i]); c != ' ' || len(out) == 0 || out[len(out)-1] != ' ' {
			out = append(out, c)
		}
	}
	return string(out[:min(len(out), MaxPhrase)])
}
