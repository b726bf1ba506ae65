package text

import (
	"bytes"
	"strings"
)

// SniffLen is how many of a body's first bytes tell what it is.
const SniffLen = 1445

// Type is a Content-Type as browsers take it: of a parameter that stands there
// twice the first counts, and what is malformed does not make it less.
type Type struct {
	Media   string // "text/html", in lower case; "" where there is none
	Charset string // as it stands
}

// ParseType reads the Content-Type fields of a message; the last that is a
// type counts.
func ParseType(fields []string) Type {
	var out Type
	for _, field := range fields {
		for field != "" {
			var one string
			one, field = cutComma(field)
			if t := parseType(one); t.Media != "" {
				if t.Charset == "" && t.Media == out.Media {
					t.Charset = out.Charset
				}
				out = t
			}
		}
	}
	return out
}

// cutComma takes what stands before the first comma off that is not in quotes.
func cutComma(s string) (one, rest string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted:
			i++
		case c == ',' && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

func parseType(field string) Type {
	media, rest, _ := strings.Cut(field, ";")
	media = strings.ToLower(strings.Trim(media, " \t\r\n"))
	main, sub, ok := strings.Cut(media, "/")
	if !ok || main == "" || sub == "" || strings.ContainsAny(media, " \t,") || media == "*/*" {
		return Type{}
	}
	t := Type{Media: media}
	for rest != "" && t.Charset == "" {
		var name, value string
		name, value, rest = parameter(rest)
		if strings.EqualFold(name, "charset") && !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			t.Charset = value
		}
	}
	return t
}

// parameter takes the next one off s as browsers do (the MIME Sniffing
// standard): a quoted value is what its escapes mean, and what stands between
// its end and the next ";" is nothing.
func parameter(s string) (name, value, rest string) {
	s = strings.TrimLeft(s, " \t\r\n")
	i := strings.IndexAny(s, ";=")
	if i < 0 {
		return s, "", ""
	}
	name = s[:i]
	if s[i] == ';' {
		return name, "", s[i+1:]
	}
	s = s[i+1:]
	if !strings.HasPrefix(s, `"`) {
		value, rest, _ = strings.Cut(s, ";")
		return name, strings.TrimRight(value, " \t\r\n"), rest
	}
	var b strings.Builder
	for i = 1; i < len(s) && s[i] != '"'; i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	_, rest, _ = strings.Cut(s[min(i, len(s)):], ";")
	return name, b.String(), rest
}

// KindOf says how a body is read, by what it is said to be and its first
// bytes. Text is read as text whatever it is called: some browser shows it.
func KindOf(t Type, head []byte) Kind {
	head = head[:min(len(head), SniffLen)]
	switch kind := declared(t.Media); kind {
	case None:
	case JSON:
		if first := bytes.TrimLeft(head, " \t\r\n\ufeff"); len(first) > 0 && first[0] == '<' {
			return HTML // an error page that was sent in place of data
		}
		return JSON
	default:
		return kind
	}
	if wide(t, head) || !noText(head) && !mediaMagic(head) && len(head) > 0 {
		if startsAsPage(head) {
			if bytes.HasPrefix(bytes.TrimLeft(head, " \t\r\n\f"), []byte("<?xml")) {
				return XML
			}
			return HTML
		}
		return Plain
	}
	return None
}

// declared is the kind of a media type; None for one that is not text.
func declared(media string) Kind {
	switch media {
	case "text/html", "multipart/x-mixed-replace":
		return HTML
	case "text/xml", "application/xml":
		return XML
	case "text/event-stream":
		return Events
	case "text/css":
		return Style
	case "application/json", "text/json", "application/manifest+json", "application/x-ndjson", "application/jsonl":
		return JSON
	case "text/javascript", "application/javascript", "application/x-javascript", "text/ecmascript", "application/ecmascript", "text/jscript":
		return Script
	}
	switch {
	case strings.HasSuffix(media, "+json"):
		return JSON
	case strings.HasSuffix(media, "+xml"):
		return XML
	case strings.HasPrefix(media, "text/"):
		return Plain
	}
	return None
}

// IsMedia reports pictures, sound, films and fonts.
func IsMedia(media string) bool {
	main, sub, _ := strings.Cut(media, "/")
	switch main {
	case "image":
		return sub != "svg+xml"
	case "video", "audio", "font":
		return true
	case "application":
		return strings.HasPrefix(sub, "font") || strings.HasPrefix(sub, "x-font") || sub == "vnd.ms-fontobject" || sub == "vnd.apple.mpegurl" || sub == "x-mpegurl" || sub == "dash+xml"
	}
	return false
}

// noText reports bytes that stand in no text (WHATWG MIME sniffing).
func noText(head []byte) bool {
	for _, c := range head {
		if c <= 0x08 || c == 0x0b || c >= 0x0e && c <= 0x1a || c >= 0x1c && c <= 0x1f {
			return true
		}
	}
	return false
}

// wide reports text of two or four bytes a letter.
func wide(t Type, head []byte) bool {
	if bytes.HasPrefix(head, []byte{0xff, 0xfe}) || bytes.HasPrefix(head, []byte{0xfe, 0xff}) || bytes.HasPrefix(head, []byte{0, 0, 0xfe, 0xff}) {
		return true
	}
	label := strings.ToLower(t.Charset)
	if strings.HasPrefix(label, "utf-16") || strings.HasPrefix(label, "utf16") || strings.HasPrefix(label, "utf-32") || label == "ucs-2" || label == "unicode" {
		return true
	}
	return widthOf(head) != ""
}

var magics = []string{
	"\x89PNG\r\n\x1a\n", "GIF87a", "GIF89a", "\xff\xd8\xff", "OggS\x00", "\x1a\x45\xdf\xa3", "ID3", "fLaC", "wOFF", "wOF2", "\x00\x01\x00\x00", "OTTO", "ttcf",
	"%PDF-", "%!PS-Adobe-", "PK\x03\x04", "\x1f\x8b\x08", "Rar!\x1a\x07", "7z\xbc\xaf\x27\x1c", "BZh", "\xfd7zXZ\x00", "\x28\xb5\x2f\xfd", "MZ", "\x7fELF", "MSCF",
}

// mediaMagic reports the first bytes of a picture, a film, a font, a document
// or an archive.
func mediaMagic(head []byte) bool {
	for _, m := range magics {
		if len(head) >= len(m) && string(head[:len(m)]) == m {
			return m != "MZ" && m != "ID3" || noText(head)
		}
	}
	return len(head) >= 12 && (string(head[4:8]) == "ftyp" || string(head[:4]) == "RIFF" && (string(head[8:12]) == "WEBP" || string(head[8:12]) == "AVI " || string(head[8:12]) == "WAVE"))
}

var pageStarts = []string{
	"<!doctype html", "<html", "<head", "<script", "<iframe", "<h1", "<div", "<font", "<table", "<a", "<style", "<title", "<b", "<body", "<br", "<p", "<!--",
	"<?xml", "<svg", "<rss", "<feed", "<meta", "<span", "<center", "<ul", "<section", "<main", "<article",
}

// startsAsPage reports that a browser that was told nothing takes it for a
// page.
func startsAsPage(head []byte) bool {
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\ufeff")), " \t\r\n\f")
	for _, tag := range pageStarts {
		if len(head) < len(tag) || !equalFold(head[:len(tag)], tag) {
			continue
		}
		if tag == "<!--" || tag == "<?xml" || len(head) == len(tag) || head[len(tag)] <= ' ' || head[len(tag)] == '>' || head[len(tag)] == '/' {
			return true
		}
	}
	return false
}
