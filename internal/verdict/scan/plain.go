package scan

// Plain makes the views of a page exactly as e2guardian 5.3.5, Debian's,
// does with its settings as shipped (phrasefiltermode 2, preservecase 0, hexdecodecontent
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

// plainSpace turns the punctuation into spaces that e2guardian 5.3.5 does;
// later versions do more of it.
func plainSpace(c byte) byte {
	if c < '.' || c == ':' || c == ';' || c == '?' || c > 'Z' && c < 'a' {
		return ' '
	}
	return c
}

// plainPhrase is a phrase as e2guardian 5.3.5 keeps it: as it is written, so
// that one with punctuation is on no page.
func plainPhrase(s string) string { return s[:min(len(s), MaxPhrase)] }
