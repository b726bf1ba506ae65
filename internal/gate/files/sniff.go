package files

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// magic is a format by fixed bytes at a fixed place.
type magic struct {
	at   int
	sig  string
	is   Format
	more func([]byte) bool // what else must hold, or nil
}

// magics are tried in order; the first byte is looked up first, so that a page
// or a picture is compared with few of them.
var magics = [...]magic{
	{0, "\x89PNG\r\n\x1a\n", Image, nil},
	{0, "\xff\xd8\xff", Image, nil},
	{0, "GIF87a", Image, nil},
	{0, "GIF89a", Image, nil},
	{0, "II*\x00", Image, nil},
	{0, "MM\x00*", Image, nil},
	{0, "\x00\x00\x01\x00", Image, isIcon},
	{0, "\x00\x00\x02\x00", Image, isIcon},
	{0, "BM", Image, isBitmap},
	{0, "8BPS", Image, nil},
	{0, "\xff\x0a", Image, nil},
	{0, "\x00\x00\x00\x0cJXL \r\n\x87\n", Image, nil},
	{0, "ID3", Sound, nil},
	{0, "OggS", Sound, nil},
	{0, "fLaC", Sound, nil},
	{0, "MThd", Sound, nil},
	{0, "\x1aE\xdf\xa3", Video, nil},
	{0, "FLV\x01", Video, nil},
	{0, "wOFF", Font, nil},
	{0, "wOF2", Font, nil},
	{0, "OTTO", Font, nil},
	{0, "ttcf", Font, nil},
	{0, "\x00\x01\x00\x00\x00", Font, nil},
	{0, "\x00asm", Wasm, nil},
	{0, "PK\x03\x04", Zip, nil},
	{0, "PK\x05\x06", Zip, nil},
	{0, "PK\x07\x08", Zip, nil},
	{0, "PK00PK\x03\x04", Zip, nil},
	{0, "7z\xbc\xaf\x27\x1c", SevenZip, nil},
	{0, "Rar!\x1a\x07", RAR, nil},
	{0, "RE\x7e\x5e", RAR, nil},
	{0, "\x1f\x8b", Gzip, nil},
	{0, "BZh", Bzip2, isBzip2},
	{0, "\xfd7zXZ\x00", XZ, nil},
	{0, "\x28\xb5\x2f\xfd", Zstd, nil},
	{1, "\x2a\x4d\x18", Zstd, isSkippable},
	{0, "MSCF\x00\x00\x00\x00", Cab, nil},
	{0, "!<arch>\n", Ar, nil},
	{0, "\x1f\x9d", OddArchive, nil},
	{0, "\x1f\xa0", OddArchive, nil},
	{0, "LZIP\x01", OddArchive, nil},
	{0, "\x04\x22\x4d\x18", OddArchive, nil},
	{0, "\x02\x21\x4c\x18", OddArchive, nil},
	{0, "\x78\x9f\x3e\x22", OddArchive, nil}, // attachments of an Outlook message
	{0, "StuffIt ", OddArchive, nil},
	{0, "(This file must be converted with BinHex", OddArchive, nil},
	{0, "\x60\xea", OddArchive, nil},
	{0, "ISc(", OddArchive, nil},
	{0, "ALZ\x01", OddArchive, nil},
	{0, "EGGA", OddArchive, nil},
	{0, "SIT!", OddArchive, nil},
	{0, "070701", OddArchive, isCpio},
	{0, "070707", OddArchive, isCpio},
	{0, "\x7fELF", ELF, nil},
	{0, "\xfe\xed\xfa\xce", MachO, nil},
	{0, "\xfe\xed\xfa\xcf", MachO, nil},
	{0, "\xce\xfa\xed\xfe", MachO, nil},
	{0, "\xcf\xfa\xed\xfe", MachO, nil},
	{0, "\xca\xfe\xba\xbe", JavaClass, isClass},
	{0, "\xca\xfe\xba\xbe", MachO, nil},
	{0, "\xca\xfe\xba\xbf", MachO, nil},
	{0, "\xbe\xba\xfe\xca", MachO, nil},
	{0, "dex\n", DEX, nil},
	{0, "dey\n", DEX, nil},
	{0, "cdex", DEX, nil},
	{0, "\xed\xab\xee\xdb", RPM, nil},
	{0, "xar!", XAR, nil},
	{0, "Cr24", CRX, nil},
	{0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLE, nil},
	{0, "\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d", OneNote, nil},
	{0, "L\x00\x00\x00\x01\x14\x02\x00", Shortcut, nil},
	{0, "FasdUAS ", Shell, nil}, // AppleScript
	{0, "ITSF", Help, nil},
	{0, "?_\x03\x00", Help, nil},
	{0, "FWS", Flash, isFlash},
	{0, "CWS", Flash, isFlash},
	{0, "ZWS", Flash, isFlash},
	{0, "conectix", DriveImage, nil},
	{0, "vhdxfile", DriveImage, nil},
	{0, "KDMV", DriveImage, nil},
	{0, "COWD", DriveImage, nil},
	{0, "# Disk DescriptorFile", DriveImage, nil},
	{0, "QFI\xfb", DriveImage, nil},
	{0, "<<< ", DriveImage, isVirtualBox},
	{0, "MSWIM\x00\x00\x00", DriveImage, nil},
	{0, "hsqs", DriveImage, nil},
	{0, "EVF\x09\r\n\xff\x00", DriveImage, nil},
	{0, "MZ", PE, isDOS},
	{0, "ZM", DOS, isDOS},
	{2, "-lh", OddArchive, isLHA},
	{2, "-lz", OddArchive, isLHA},
	{7, "**ACE**", OddArchive, nil},
	{257, "ustar", Tar, nil},
	{510, "\x55\xaa", DriveImage, isBootSector},
	{512, "EFI PART", DriveImage, nil},
	{32769, "CD001", DiscImage, nil},
	{34817, "CD001", DiscImage, nil},
	{32769, "BEA01", DiscImage, nil},
	{32769, "NSR0", DiscImage, nil},
	{0x8001 + 0x800, "NSR0", DiscImage, nil},
}

// sniff says what the bytes are.
func sniff(head []byte) Format {
	if len(head) == 0 {
		return Unknown
	}
	first := head[0]
	for i := range magics {
		m := &magics[i]
		if m.at == 0 && m.sig[0] != first || len(head) < m.at+len(m.sig) || string(head[m.at:m.at+len(m.sig)]) != m.sig {
			continue
		}
		if m.more == nil || m.more(head) {
			return m.is
		}
	}
	if f := riff(head); f != Unknown {
		return f
	}
	if f := markup(head); f != Unknown {
		return f
	}
	return loose(head)
}

// riff tells formats by a word behind a length.
func riff(h []byte) Format {
	if len(h) < 12 {
		return Unknown
	}
	switch string(h[:4]) {
	case "RIFF":
		switch string(h[8:12]) {
		case "WEBP":
			return Image
		case "WAVE":
			return Sound
		case "AVI ":
			return Video
		}
	case "FORM":
		return Sound
	}
	if string(h[4:8]) == "ftyp" {
		switch string(h[8:12]) {
		case "avif", "avis", "heic", "heix", "mif1", "msf1", "heim", "heis":
			return Image
		case "M4A ", "M4B ":
			return Sound
		}
		return Video
	}
	if h[0] == 0xff && h[1]&0xe0 == 0xe0 && h[1]&0x06 != 0 && h[1] != 0xfe && h[2]&0xf0 != 0xf0 && h[2]&0xf0 != 0 {
		return Sound // MPEG layer frames; 0xfe, layer 1 with checks, is nearly always UTF-16
	}
	if h[0] == 0x47 && len(h) > 188 && h[188] == 0x47 {
		return Video // MPEG transport stream
	}
	return Unknown
}

// marks are how a page begins, as browsers sniff it, and what else is told by
// its first words.
var marks = [...]struct {
	word string
	is   Format
}{
	{"<!doctype html", HTML},
	{"<html", HTML},
	{"<head", HTML},
	{"<body", HTML},
	{"<script", HTML},
	{"<iframe", HTML},
	{"<style", HTML},
	{"<title", HTML},
	{"<table", HTML},
	{"<div", HTML},
	{"<h1", HTML},
	{"<font", HTML},
	{"<a ", HTML},
	{"<p>", HTML},
	{"<p ", HTML},
	{"<br", HTML},
	{"<b>", HTML},
	{"<meta", HTML},
	{"<link", HTML},
	{"<form", HTML},
	{"<svg", SVG},
	{"<!doctype svg", SVG},
	{"<job", Shell},
	{"<package", Shell},
	{"<scriptlet", Shell},
	{"<component", Shell},
	{"<hta:", Shell},
	{"{\\rt", RTF},
	{"%!ps", Unknown},
	{"#!", Shell},
	{"[internetshortcut", Shortcut},
	{"[shell]", Shortcut},
	{"[desktop entry]", Shortcut},
	{"windows registry editor", Shell},
	{"regedit4", Shell},
	{"@echo off", Shell},
}

// markup tells what is text by its first words, behind a byte order mark,
// white space, comments and an XML declaration.
func markup(h []byte) Format {
	h = h[:min(len(h), 4096)]
	h = bytes.TrimPrefix(h, []byte("\xef\xbb\xbf"))
	var wide [2048]byte
	h = narrow(h, &wide)
	xml := false
	for range 32 {
		for len(h) > 0 && (h[0] == ' ' || h[0] >= '\t' && h[0] <= '\r') {
			h = h[1:]
		}
		switch {
		case bytes.HasPrefix(h, []byte("<!--")):
			_, rest, ok := bytes.Cut(h, []byte("-->"))
			if !ok {
				return HTML
			}
			h = rest
			continue
		case bytes.HasPrefix(h, []byte("<?xml")):
			_, rest, ok := bytes.Cut(h, []byte("?>"))
			if !ok {
				return XML
			}
			h, xml = rest, true
			continue
		}
		break
	}
	for i := range marks {
		if foldPrefix(h, marks[i].word) {
			return marks[i].is
		}
	}
	if i := bytes.Index(h[:min(len(h), 1024)], []byte("%PDF-")); i >= 0 {
		return PDF
	}
	if xml {
		return XML
	}
	return Unknown
}

// narrow is UTF-16 with its mark as one byte a letter, in buf; what is none
// stays as it is.
func narrow(h []byte, buf *[2048]byte) []byte {
	low := 0
	switch {
	case bytes.HasPrefix(h, []byte("\xff\xfe")):
	case bytes.HasPrefix(h, []byte("\xfe\xff")):
		low = 1
	default:
		return h
	}
	n := 0
	for i := 2; i+1 < len(h); i += 2 {
		if buf[n] = h[i+low]; h[i+1-low] != 0 {
			buf[n] = '?'
		}
		n++
	}
	return buf[:n]
}

// foldPrefix reports whether h begins with word, which is in lower case.
func foldPrefix(h []byte, word string) bool {
	if len(h) < len(word) {
		return false
	}
	for i := range len(word) {
		c := h[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != word[i] {
			return false
		}
	}
	return true
}

// loose are formats with nothing fixed to tell them by.
func loose(h []byte) Format {
	switch {
	case isTar(h):
		return Tar
	case isLZMA(h):
		return LZMA
	case isMail(h):
		return Mail
	}
	return Unknown
}

// hidden finds a Windows program by its inner header, wherever it stands in
// the first bytes: the outer one may be odd, empty or behind something else.
func hidden(h []byte) bool {
	for at := 0; ; {
		i := bytes.Index(h[at:], []byte("PE\x00\x00"))
		if i < 0 {
			return false
		}
		at += i
		if isCOFF(h[at+4:]) {
			return true
		}
		at += 4
	}
}

// isCOFF reports a header as Windows would run it.
func isCOFF(h []byte) bool {
	if len(h) < 22 {
		return false
	}
	machine, sections := binary.LittleEndian.Uint16(h), binary.LittleEndian.Uint16(h[2:])
	switch machine {
	case 0x014c, 0x8664, 0xaa64, 0x01c0, 0x01c2, 0x01c4, 0x0200, 0x0ebc, 0xa641, 0xa64e:
	default:
		return false
	}
	opt := binary.LittleEndian.Uint16(h[20:])
	return sections > 0 && sections <= 96 && (opt == 0x10b || opt == 0x20b || opt == 0x107)
}

// ext is the last extension of a name in lower case, written into buf.
func ext(name string, buf *[20]byte) []byte {
	i := strings.LastIndexByte(name, '.')
	if i < 0 || len(name)-i-1 > len(buf) {
		return nil
	}
	out := buf[:0]
	for _, c := range []byte(name[i+1:]) {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		out = append(out, c)
	}
	return out
}
