package text

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
	"golang.org/x/text/transform"
)

// How far a charset is looked for in a page: a thousand bytes, and on to the
// end of its head, as browsers do.
const (
	prescan = 1024
	headLen = 16 << 10
	// maxMetas is how many of its elements are looked at.
	maxMetas = 200
)

// UTF8 gives the body in UTF-8, as a browser chooses to read it: by its first
// bytes, then by what the message says, then by what the page says of itself,
// then by guessing. What it gives may be body itself, and is valid until the
// Extractor is used again.
func (x *Extractor) UTF8(t Type, kind Kind, body []byte) []byte {
	name := Charset(t, kind, body)
	if name == "utf-8" {
		return bytes.TrimPrefix(body, []byte("\ufeff"))
	}
	enc := encodingOf(name)
	if enc == nil {
		return body
	}
	x.decoded, _ = decodeTo(x.decoded[:0], enc.NewDecoder(), body, true)
	return bytes.TrimPrefix(x.decoded, []byte("\ufeff"))
}

// decodeTo appends what body is in UTF-8, and gives what is left of it: the
// begin of a letter, where more will come.
func decodeTo(out []byte, dec transform.Transformer, body []byte, last bool) (all, rest []byte) {
	for {
		if cap(out)-len(out) < 2*len(body)+16 {
			out = append(make([]byte, 0, len(out)+3*len(body)+64), out...)
		}
		wrote, read, err := dec.Transform(out[len(out):cap(out)], body, last)
		out, body = out[:len(out)+wrote], body[read:]
		if err != transform.ErrShortDst || len(out) > maxOut {
			return out, body
		}
	}
}

func encodingOf(name string) encoding.Encoding {
	switch name {
	case "utf-16le":
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	case "utf-16be":
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	case "utf-32le":
		return utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM)
	case "utf-32be":
		return utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM)
	case "windows-1252":
		return charmap.Windows1252
	}
	enc, err := htmlindex.Get(name)
	if err != nil {
		return nil
	}
	return enc
}

// Charset gives the name of the encoding of a body.
func Charset(t Type, kind Kind, body []byte) string {
	switch {
	case bytes.HasPrefix(body, []byte{0xef, 0xbb, 0xbf}):
		return "utf-8"
	case bytes.HasPrefix(body, []byte{0xff, 0xfe, 0, 0}):
		return "utf-32le"
	case bytes.HasPrefix(body, []byte{0, 0, 0xfe, 0xff}):
		return "utf-32be"
	case bytes.HasPrefix(body, []byte{0xff, 0xfe}):
		return "utf-16le"
	case bytes.HasPrefix(body, []byte{0xfe, 0xff}):
		return "utf-16be"
	}
	if name := known(t.Charset); name != "" && (!isWide(name) || looksWide(name, body)) {
		return name
	}
	if kind == JSON || kind == Events {
		if name := widthOf(body[:min(len(body), SniffLen)]); name != "" {
			return name
		}
		return "utf-8"
	}
	if kind.Markup() {
		name := known(metaCharset(body[:min(len(body), prescan)]))
		if name == "" && len(body) > prescan {
			name = known(metaCharset(headOf(body)))
		}
		if name != "" {
			switch {
			case isWide(name):
				return "utf-8" // it was read, so it is not that
			case name == "x-user-defined":
				return "windows-1252"
			}
			return name
		}
	}
	return guess(body)
}

// known is the canonical name of a label that browsers know, "" for others:
// among them UTF-7, which they do not read.
func known(label string) string {
	label = strings.ToLower(strings.TrimSpace(label))
	switch label {
	case "":
		return ""
	case "utf-32", "utf-32le", "ucs-4":
		return "utf-32le"
	case "utf-32be":
		return "utf-32be"
	}
	enc, err := htmlindex.Get(label)
	if err != nil {
		return ""
	}
	name, err := htmlindex.Name(enc)
	if err != nil || name == "replacement" {
		return ""
	}
	return name
}

func isWide(name string) bool {
	return strings.HasPrefix(name, "utf-16") || strings.HasPrefix(name, "utf-32")
}

// looksWide keeps a page that is called UTF-16 and is not from being read as
// nothing but rubbish: it is read as what it is as well as can be told.
func looksWide(name string, body []byte) bool {
	head := body[:min(len(body), SniffLen)]
	return strings.HasPrefix(name, "utf-16") || bytes.IndexByte(head, 0) >= 0
}

// guess is for a body that nobody says anything of.
func guess(body []byte) string {
	head := body[:min(len(body), SniffLen)]
	if name := widthOf(head); name != "" {
		return name
	}
	if i := bytes.Index(body, []byte{0x1b, '$'}); i >= 0 && i+2 < len(body) && (body[i+2] == 'B' || body[i+2] == '@' || body[i+2] == '(') {
		return "iso-2022-jp"
	}
	if utf8.Valid(body) || validBut(body) {
		return "utf-8"
	}
	return legacy(body)
}

// validBut reports UTF-8 that was cut off within its last letter.
func validBut(body []byte) bool {
	for n := 1; n < utf8.UTFMax && n < len(body); n++ {
		if utf8.RuneStart(body[len(body)-n]) {
			return utf8.Valid(body[:len(body)-n])
		}
	}
	return false
}

// widthOf tells text of two or four bytes a letter by its zero bytes.
func widthOf(head []byte) string {
	if len(head) < 8 || bytes.IndexByte(head, 0) < 0 {
		return ""
	}
	var zeros [4]int
	n := len(head) &^ 3
	for i, c := range head[:n] {
		if c == 0 {
			zeros[i&3]++
		}
	}
	most, few := n/4*7/10, n/4*1/10
	switch {
	case zeros[1] >= most && zeros[2] >= most && zeros[3] >= most && zeros[0] <= few:
		return "utf-32le"
	case zeros[0] >= most && zeros[1] >= most && zeros[2] >= most && zeros[3] <= few:
		return "utf-32be"
	case zeros[1] >= most && zeros[3] >= most && zeros[0] <= few && zeros[2] <= few:
		return "utf-16le"
	case zeros[0] >= most && zeros[2] >= most && zeros[1] <= few && zeros[3] <= few:
		return "utf-16be"
	}
	return ""
}

// legacy guesses among the encodings of old pages by which letters there
// would be: East Asian ones have most letters in valid pairs, Cyrillic has
// words of letters above 7F.
func legacy(body []byte) string {
	body = body[:min(len(body), 16<<10)]
	high, pairs, kana, euc := 0, 0, 0, 0
	run, long := 0, 0
	for i := 0; i < len(body); i++ {
		c := body[i]
		if c < 0x80 {
			run = 0
			continue
		}
		high++
		if run++; run == 4 {
			long++
		}
		if i+1 < len(body) && body[i+1] >= 0x40 && body[i+1] != 0x7f {
			d := body[i+1]
			switch {
			case c >= 0xa1 && d >= 0xa1:
				euc++
			case c == 0x82 || c == 0x83:
				kana++
			}
			pairs++
		}
	}
	switch {
	case high == 0:
		return "utf-8"
	case kana*5 > high:
		return "shift_jis"
	case long*8 < high: // single letters among plain ones: a language of Europe
		return "windows-1252"
	case euc*2 >= high-8 && evenRuns(body):
		return eastAsian(body)
	}
	return singleByte(body)
}

// evenRuns reports that letters above 7F stand in pairs nearly everywhere.
func evenRuns(body []byte) bool {
	even, odd, run := 0, 0, 0
	for _, c := range append(body[:len(body):len(body)], ' ') {
		if c >= 0x80 {
			run++
			continue
		}
		switch {
		case run == 0:
		case run%2 == 0:
			even++
		default:
			odd++
		}
		run = 0
	}
	return even > 4*odd
}

// eastAsian tells Japanese by its kana, Korean by its syllables, and takes the
// rest for Chinese.
func eastAsian(body []byte) string {
	kana, hangul, n := 0, 0, 0
	for i := 0; i+1 < len(body); i++ {
		if body[i] < 0x80 {
			continue
		}
		n++
		switch c := body[i]; {
		case c == 0xa4 || c == 0xa5:
			kana++
		case c >= 0xb0 && c <= 0xc8:
			hangul++
		}
		i++
	}
	switch {
	case kana*4 > n:
		return "euc-jp"
	case hangul*10 > n*8:
		return "euc-kr"
	}
	return "gb18030"
}

// metaCharset finds what a page says of its encoding: in a meta element or an
// XML declaration.
func metaCharset(head []byte) string {
	if bytes.HasPrefix(head, []byte("<?xml")) {
		end := bytes.IndexByte(head, '>')
		if i := indexFold(head[:max(end, 0)], "encoding"); i >= 0 {
			return afterEquals(head[i+len("encoding"):])
		}
	}
	for i, metas := 0, 0; i < len(head) && metas < maxMetas; {
		j := bytes.IndexByte(head[i:], '<')
		if j < 0 {
			return ""
		}
		i += j + 1
		if bytes.HasPrefix(head[i:], []byte("!--")) {
			i = comment(head, i+3)
			continue
		}
		if len(head) < i+5 || !equalFold(head[i:i+4], "meta") || head[i+4] > ' ' && head[i+4] != '/' {
			continue
		}
		metas++
		end := skipTag(head, i+4)
		if k := indexFold(head[i:end], "charset"); k >= 0 {
			if name := afterEquals(head[i+k+len("charset") : end]); name != "" {
				return name
			}
		}
		i = end
	}
	return ""
}

// headOf is the part of a page in which its charset is looked for.
func headOf(body []byte) []byte {
	if len(body) <= prescan {
		return body
	}
	head := body[:min(len(body), headLen)]
	for _, end := range [...]string{"</head", "<body"} {
		if i := indexFold(head[prescan:], end); i >= 0 {
			head = head[:prescan+i]
		}
	}
	return head
}

func indexFold(s []byte, lower string) int {
	for i := 0; i+len(lower) <= len(s); i++ {
		if equalFold(s[i:i+len(lower)], lower) {
			return i
		}
	}
	return -1
}

func afterEquals(s []byte) string {
	s = bytes.TrimLeft(s, " \t\r\n\f")
	if len(s) == 0 || s[0] != '=' {
		return ""
	}
	s = bytes.TrimLeft(s[1:], " \t\r\n\f\"'")
	if i := bytes.IndexAny(s, " \t\r\n\f\"';>"); i >= 0 {
		s = s[:i]
	}
	return string(s)
}
