package phraselist

import (
	"errors"
	"strings"

	"belisha/internal/verdict/scan"
)

// lineAt is one line on its way in.
type lineAt struct {
	*reader
	report *FileReport
	number int
	above  []string // files that are being read, the line's last
}

func (x *lineAt) refuse(text, reason string) {
	x.report.Invalid++
	if len(x.report.Refused) < maxRefused {
		if len(text) > quoted {
			text = text[:quoted]
		}
		text = strings.ToValidUTF8(text, "?")
		x.report.Refused = append(x.report.Refused, Refused{File: x.report.File, Line: x.number, Text: text, Reason: reason})
	}
}

// take takes a line up. The order in which it is looked at, and that the whole
// line is made small first, is e2guardian's.
func (x *lineAt) take(raw string, st *state, keepCase *bool) error {
	if at := strings.IndexByte(raw, 0); at >= 0 {
		raw = raw[:at]
	}
	trimmed := strings.Trim(raw, " \t\r\n")
	if trimmed == "" {
		return nil
	}
	if len(trimmed) > maxLine {
		x.refuse(trimmed, "the line is too long")
		return nil
	}
	line := trimmed
	if !*keepCase {
		line = lower(line)
	}
	switch {
	case line[0] == '<':
		x.phrase(trimmed, line, st)
	case line[0] == '.':
		return x.include(trimmed, st)
	case strings.HasPrefix(line, "#listcategory:"):
		word := before(after(raw, `"`), `"`)
		if len(word) < 2 {
			word = ""
		}
		st.category = word
	case strings.HasPrefix(line, "#noconvert"):
		*keepCase = true
	case strings.HasPrefix(line, "#time: "):
		x.time(trimmed, after(line, "#time: "), st)
	case line[0] != '#':
		x.refuse(trimmed, "it begins with neither <, # nor .Include, and means nothing")
	}
	return nil
}

func (x *lineAt) time(text, band string, st *state) {
	b, err := parseBand(band)
	st.band, st.unknown = &b, err != nil
	if err != nil {
		st.band = nil
		x.refuse(text, err.Error()+"; the lines under it hold at all times")
	}
}

func (x *lineAt) phrase(text, line string, st *state) {
	l := parsePhrase(line, st.role)
	l.Category, l.Band = st.category, st.band
	if st.unknown && (l.Kind == scan.Exception || l.Kind == scan.Weighted && l.Weight < 0) {
		x.refuse(text, "it opens pages at times that could not be read")
		return
	}
	duplicate, err := x.b.Add(l)
	switch {
	case err != nil:
		x.refuse(text, err.Error())
	case duplicate:
		x.report.Duplicates++
	default:
		x.report.Accepted++
	}
}

func (x *lineAt) include(text string, st *state) error {
	const word = ".include<"
	if len(text) < len(word) || !strings.EqualFold(text[:len(word)], word) || before(text[len(word):], ">") == "" {
		x.refuse(text, "it is no .Include<file>")
		return nil
	}
	name, err := x.names.find(before(text[len(word):], ">"), x.report.File)
	switch {
	case err != nil:
		x.refuse(text, err.Error())
		return nil
	case len(x.above) >= maxDepth:
		x.refuse(text, "too many lists include one another")
		return nil
	}
	for _, open := range x.above {
		if open == name {
			x.refuse(text, "the list includes itself")
			return nil
		}
	}
	if x.includes++; x.includes > maxIncludes {
		return errors.New("the lists include one another too often")
	}
	return x.file(name, *st, x.above)
}

// parsePhrase reads a line that begins with <.
func parsePhrase(line string, role Role) scan.Line {
	l := scan.Line{Kind: scan.Banned}
	if role == Exception {
		l.Kind = scan.Exception
	}
	weight := after(line, "><")
	if l.Weight = number(before(weight, "%>")); l.Weight != 0 {
		l.Percent = true
	} else {
		l.Weight = number(before(weight, ">"))
	}
	if l.Weight != 0 {
		l.Kind = scan.Weighted
		line = before(line, "><") + ">"
	}
	if len(after(line, ">,")) <= 2 {
		l.Parts = []string{before(after(line, "<"), ">")}
		return l
	}
	for len(line) > 2 && len(l.Parts) <= scan.MaxParts {
		line = after(line, "<")
		l.Parts = append(l.Parts, before(line, ">"))
		line = after(line, ">,")
	}
	return l
}

// parseBand reads "sh sm eh em days"; day 0 is Monday.
func parseBand(s string) (scan.Band, error) {
	f := strings.Fields(s)
	bad := errors.New("a time is written as five figures: from hour and minute, to hour and minute, days (0 is Monday)")
	if len(f) != 5 || len(f[4]) > 7 {
		return scan.Band{}, bad
	}
	var n [4]int
	for i := range n {
		n[i] = number(f[i])
		if f[i] != digits(f[i]) || n[i] > 59 || i%2 == 0 && n[i] > 23 {
			return scan.Band{}, bad
		}
	}
	b := scan.Band{Start: uint16(n[0]*60 + n[1]), End: uint16(n[2]*60 + n[3])}
	for _, d := range f[4] {
		if d < '0' || d > '6' {
			return scan.Band{}, bad
		}
		b.Days |= 1 << (d - '0')
	}
	if b.End < b.Start {
		return scan.Band{}, errors.New("a time ends before it begins; write two, one to 23 59 and one from 0 0")
	}
	return b, nil
}

func digits(s string) string { return s[:len(s)-len(strings.TrimLeft(s, "0123456789"))] }

// number reads a number as C's atoi does, with bounds.
func number(s string) int {
	s = strings.TrimLeft(s, " \t\n\v\f\r")
	sign := 1
	if s != "" && (s[0] == '-' || s[0] == '+') {
		if s[0] == '-' {
			sign = -1
		}
		s = s[1:]
	}
	n := 0
	for _, c := range digits(s) {
		n = min(n*10+int(c-'0'), 2*scan.MaxWeight)
	}
	return sign * n
}

// lower makes ASCII letters small, and nothing else.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// after is what follows the first sep, "" without one.
func after(s, sep string) string {
	_, rest, _ := strings.Cut(s, sep)
	return rest
}

// before is what comes before the first sep, "" without one.
func before(s, sep string) string {
	if head, _, ok := strings.Cut(s, sep); ok {
		return head
	}
	return ""
}
