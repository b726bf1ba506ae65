package text

import (
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// What a character of the first plane becomes in the text, where it is not
// another character.
const (
	asItIs = iota
	drop   // nobody sees it
	gap    // between words
	mark   // belongs to the letter before it
	spell  // stands for several
)

// table says what the characters of the first plane become: in the text, and
// where all is put into plain letters (0: no other).
type table struct{ text, plain [0x10000]uint16 }

// tables are made from the character database when the first page needs them.
// They never change.
var tables = sync.OnceValue(func() *table {
	t := new(table)
	for r := rune(0x80); r <= 0xffff; r++ {
		t.text[r] = uint16(becomes(r))
	}
	for plain, like := range lookAlikes {
		for _, r := range like {
			t.plain[r] = uint16(plain)
			if low := unicode.ToLower(r); low >= 0x80 && low <= 0xffff && t.plain[low] == 0 {
				t.plain[low] = uint16(plain)
			}
		}
	}
	for r := rune(0x80); r <= 0xffff; r++ {
		if t.plain[r] != 0 || t.text[r] != asItIs || !unicode.IsLetter(r) {
			continue
		}
		var b [utf8.UTFMax]byte
		whole := norm.NFD.Bytes(b[:utf8.EncodeRune(b[:], r)])
		base, _ := utf8.DecodeRune(whole)
		switch {
		case base == r:
		case base < 0x80:
			t.plain[r] = uint16(unicode.ToLower(base))
		case base <= 0xffff:
			t.plain[r] = t.plain[base]
		}
	}
	return t
})

// becomes is what a character of the first plane becomes in the text.
func becomes(r rune) rune {
	switch {
	case r >= 0xd800 && r <= 0xdfff, r == 0xfffd, r == 0xfffc, r == 0x2800:
		return gap
	case ignorable(r), unicode.In(r, unicode.Cf, unicode.Cc):
		return drop
	case unicode.IsSpace(r), unicode.In(r, unicode.Z):
		return gap
	case unicode.In(r, unicode.Mn, unicode.Me):
		return mark
	}
	var b [utf8.UTFMax]byte
	s := b[:utf8.EncodeRune(b[:], r)]
	if !norm.NFKC.IsNormal(s) {
		one, n := utf8.DecodeRune(norm.NFKC.Bytes(s))
		if rest := norm.NFKC.Bytes(s)[n:]; len(rest) > 0 || one > 0xffff {
			return spell
		}
		switch one = unicode.ToLower(one); {
		case one == r:
			return asItIs
		case one < 0x80 && ascii[one] == ' ':
			return gap
		case one < 0x80:
			return one
		}
		if other := becomes(one); other != asItIs {
			return other
		}
		return one
	}
	if unicode.In(r, unicode.P, unicode.Sm, unicode.Sc, unicode.Sk) {
		return gap
	}
	if low := unicode.ToLower(r); low != r && low <= 0xffff {
		return low
	}
	return asItIs
}

// ignorable are the characters that are not shown (Default_Ignorable_Code_Point).
func ignorable(r rune) bool {
	switch {
	case r < 0xad:
		return false
	case r == 0xad, r == 0x34f, r == 0x61c, r == 0x115f, r == 0x1160, r == 0x17b4, r == 0x17b5, r == 0x3164, r == 0xfeff, r == 0xffa0:
		return true
	case r >= 0x180b && r <= 0x180f, r >= 0x200b && r <= 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2060 && r <= 0x206f:
		return true
	case r >= 0xfe00 && r <= 0xfe0f, r >= 0xfff0 && r <= 0xfff8:
		return true
	case r >= 0x1bca0 && r <= 0x1bca3, r >= 0x1d173 && r <= 0x1d17a, r >= 0xe0000 && r <= 0xe0fff:
		return true
	}
	return false
}

// general are the combining marks that go with letters of any script.
func general(r rune) bool {
	return r >= 0x300 && r <= 0x36f || r >= 0x1ab0 && r <= 0x1aff || r >= 0x1dc0 && r <= 0x1dff || r >= 0x20d0 && r <= 0x20ff || r >= 0xfe20 && r <= 0xfe2f
}

// enclosed is the letter of a sign that shows one in a box or a circle.
func enclosed(r rune) rune {
	switch {
	case r >= 0x1f150 && r <= 0x1f169:
		return 'a' + r - 0x1f150
	case r >= 0x1f170 && r <= 0x1f189:
		return 'a' + r - 0x1f170
	case r >= 0x1f1e6 && r <= 0x1f1ff:
		return 'a' + r - 0x1f1e6
	}
	return 0
}

// lookAlikes are letters that a reader takes for one of ours, by the letter
// they are taken for: of Cyrillic, Greek, Armenian, Coptic, Cherokee, Lisu and
// the further Latin letters. Collected by eye, from the shapes of the letters.
// Accents are not here; they come off by the character database.
var lookAlikes = map[rune]string{
	'a': "аαɑᴀɐⱥⲁᎪꓮӑ",
	'b': "вьβʙɓƀƃⲃᏼꓐ",
	'c': "сϲᴄƈȼⲥᏟꓚɔ",
	'd': "ԁđðɖɗᴅƌᎠꓓ",
	'e': "еεєҽəɛᴇǝɇ℮ⲉᎬꓰ",
	'f': "ғƒꜰꞙꓝ",
	'g': "ԍɡɢǥɠցᏀꓖ",
	'h': "нһհħʜɦɥⲏᎻꓧ",
	'i': "іιıɩɪɨⲓᎥꓲ",
	'j': "јϳʝɟᴊɉյᎫꓙ",
	'k': "кκᴋƙʞꝁⲕᏦꓗ",
	'l': "ӏłʟɫƚɭլᏞꓡ",
	'm': "мμᴍɱɯⲙᎷꓟ",
	'n': "пηռոɴɲŋƞⲛꓠ",
	'o': "оοσөøᴏɵօⲟꝋꓳ",
	'p': "рρᴘƥþꝑⲣᏢꓑ",
	'q': "ԛզգʠꝗɋ",
	'r': "гʀɹɽɍᎡꓣ",
	's': "ѕʂꜱꞩᏚꓢ",
	't': "тτᴛŧƭʈʇⱦⲧᎢꓔ",
	'u': "υսʉʊᴜиꓴ",
	'v': "ѵνʋᴠʌⱴᏙꓦ",
	'w': "шωԝᴡʍⱳաᎳꓪ",
	'x': "хχⲭꓫ",
	'y': "уγүʏƴɏʎⲩᎩꓬ",
	'z': "ζʐƶᴢɀᏃꓜ",
}
