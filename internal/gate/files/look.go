package files

import (
	"bytes"
	"mime"
	"strings"

	"belisha/internal/verdict"
)

// Look says what a file's first bytes, names and type say of it. Where they
// differ the worse counts. The more of the first Head bytes it is given, the
// surer it is; it is meant to be asked again once more have come, or by Open.
func Look(m *Meta, head []byte) Guess {
	head = head[:min(len(head), Head)]
	g := Guess{Format: sniff(head)}
	a := &about[g.Format]
	g.Kinds = a.kinds
	if g.Format != PE && hidden(head) {
		g.Kinds |= about[PE].kinds
		if !a.deep {
			g.Format = PE // whatever stands in front; an archive goes on being one
		}
	}
	var buf [96]byte
	typ := typeOf(m.Type, &buf)
	byType, known := types[string(typ)]
	g.Saved = m.Saved || known && byType.saved && byType.kinds == 0
	var names Kinds // what the names in Content-Disposition say
	if len(m.Disposition) > 0 {
		g.Saved = disposition(m.Disposition, func(name string) {
			c, _ := byName(name)
			names |= c.kinds
		}) || g.Saved
	}
	g.Kinds |= names
	if known && (!byType.saved || g.Saved) && !packs(g.Format, byType.kinds) {
		g.Kinds |= byType.kinds
	}
	if c, ok := byName(last(m.Path)); ok {
		g.called(c, typ, head)
	} else if c, ok := byName(lastWhole(m.Path)); ok { // to a browser, what looks like parameters is part of the name
		g.called(c, typ, head)
	}
	g.Whole = about[g.Format].deep || office(typ) || string(typ) == "image/svg+xml" || g.Saved || g.Kinds != 0 || g.Format == Unknown && notText(head) && !flows(typ)
	return g
}

// called takes up what the name in the URL says, where it counts. What is
// called an archive that nothing fixed tells, and is not known for one, nobody
// here can open.
func (g *Guess) called(c called, typ, head []byte) {
	if !believed(c, g, typ, head) || packs(g.Format, c.kinds) {
		return
	}
	g.Kinds |= c.kinds
	if c.loose && g.Format == Unknown {
		g.Kinds |= 1 << verdict.FileUnreadable
	}
}

// packs reports that a name or type only says "archive" of what Open will tell
// apart: a zip may be a document.
func packs(f Format, k Kinds) bool { return f == Zip && k == 1<<verdict.FileArchive }

// believed reports whether what the name in the URL says counts.
func believed(c called, g *Guess, typ, head []byte) bool {
	switch {
	case g.Saved:
		return true
	case c.saved:
		return false
	case g.Format.Media(), g.Format == HTML && (len(typ) == 0 || string(typ) == "text/html" || string(typ) == "application/xhtml+xml"):
		return false // a page or picture that a browser shows, whatever its address
	}
	return !c.binary || notText(head)
}

// notText reports bytes that are no text.
func notText(head []byte) bool {
	head = head[:min(len(head), 1024)]
	if len(head) >= 2 && (head[0] == 0xff && head[1] == 0xfe || head[0] == 0xfe && head[1] == 0xff) {
		return false // UTF-16
	}
	if bytes.IndexByte(head, 0) >= 0 {
		return true
	}
	odd := 0
	for _, c := range head {
		if c < 7 || c > 13 && c < 27 {
			odd++
		}
	}
	return odd*50 > len(head)
}

// flows are types of which there are more forms than their first bytes tell.
func flows(typ []byte) bool { return begins(typ, "audio/") || begins(typ, "video/") }

// office are types that a browser hands to an office program, whatever the
// bytes look like: text may hold macros too.
func office(typ []byte) bool {
	return begins(typ, "application/ms") || begins(typ, "application/vnd.ms-") || begins(typ, "application/vnd.openxmlformats") ||
		begins(typ, "application/vnd.oasis") || begins(typ, "application/rtf") || begins(typ, "text/rtf")
}

func begins(typ []byte, with string) bool {
	return len(typ) >= len(with) && string(typ[:len(with)]) == with
}

// tailSize is how many of a file's last bytes Tail makes use of: the record at
// the end of a zip and the longest comment behind it.
const tailSize = 64<<10 + 22

// TailSize is how many of a file's last bytes Tail makes use of.
const TailSize = tailSize

// Tail reports that the last bytes of a file are the end of an archive or of
// an image of a disc, so that a picture or film that was let through as it
// came has something hung on behind. Its caller keeps the last TailSize bytes
// back until it has asked.
func Tail(tail []byte) bool {
	tail = tail[max(0, len(tail)-tailSize):]
	for at := 0; ; {
		i := bytes.Index(tail[at:], []byte("PK\x05\x06"))
		if i < 0 {
			break
		}
		at += i
		if rest := tail[at:]; len(rest) >= 22 && 22+int(rest[20])+int(rest[21])<<8 <= len(rest) && (rest[10]|rest[11] != 0) {
			return true
		}
		at += 4
	}
	return footer(tail) != Unknown
}

// footer is what the last 512 bytes of an image of a disc say.
func footer(tail []byte) Format {
	if len(tail) < 512 {
		return Unknown
	}
	switch end := tail[len(tail)-512:]; {
	case string(end[:4]) == "koly":
		return DMG
	case string(end[:8]) == "conectix":
		return DriveImage
	}
	return Unknown
}

// encodedWords gives the names in RFC 2047 words, which some servers send.
func encodedWords(s string, do func(string)) {
	d := mime.WordDecoder{}
	if name, err := d.DecodeHeader(strings.ReplaceAll(s, "_", "=5F")); err == nil {
		do(name)
	}
}
