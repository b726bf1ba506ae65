package lists

import (
	"errors"
	"net/netip"
	"strings"

	"belisha/internal/verdict/canon"
)

var (
	errOneLabel  = errors.New("this would cover a whole top-level name")
	errWords     = errors.New("there is more than one word on the line")
	errHostsLine = errors.New("this is a line of a hosts file; read the list as hosts")
	errStar      = errors.New("a star is only read at the start, as *.name")
)

func isComment(s string) bool {
	return s[0] == '#' || s[0] == '!' || s[0] == ';' || strings.HasPrefix(s, "//") ||
		s[0] == '[' && strings.HasSuffix(s, "]") && !strings.Contains(s, ":")
}

// dropComment removes a comment that follows a blank.
func dropComment(s string) string {
	for i := 1; i < len(s); i++ {
		if s[i-1] != ' ' && s[i-1] != '\t' {
			continue
		}
		if s[i] == '#' || s[i] == '!' || s[i] == ';' || strings.HasPrefix(s[i:], "//") {
			return strings.TrimSpace(s[:i])
		}
	}
	return s
}

// nameLine reads a line of a plain or wildcard list, or of UT1 domains. Lines
// in the adblock language are understood in between.
func (f *file) nameLine(line string) error {
	if isComment(line) || styling(line) {
		f.rep.Skipped++
		return nil
	}
	body, drop := dropComment(line), false
	if f.diff {
		var ok bool
		if body, drop, ok = diffLine(body); !ok {
			f.refuse([]byte(line), "a line of a diff file begins with + or -")
			return nil
		}
	}
	if adblock(body) {
		return f.ruleLine(line, body)
	}
	if a, b, ok := span(body); ok && !drop {
		return f.addressSpan(line, a, b)
	}
	kind, text, err := f.nameEntry(body)
	if err != nil {
		f.refuse([]byte(line), err.Error())
		return nil
	}
	return f.put(Entry{Kind: kind, Text: text, Drop: drop})
}

// diffLine parts a line of a diff file: "+entry" or "-entry".
func diffLine(body string) (rest string, drop, ok bool) {
	if len(body) < 2 || body[0] != '+' && body[0] != '-' {
		return "", false, false
	}
	return strings.TrimSpace(body[1:]), body[0] == '-', true
}

// adblock reports a line that only the adblock language has.
func adblock(s string) bool {
	return len(s) > 2 && s[0] == '/' && s[1] != '/' && strings.HasSuffix(s, "/") || strings.HasPrefix(s, "@@") ||
		strings.HasPrefix(s, "|") || strings.ContainsAny(s, "^$")
}

// styling reports rules that change how a page looks and name no host to
// block.
func styling(line string) bool {
	for _, mark := range []string{"##", "#@#", "#?#", "#$#", "#%#", "$$"} {
		// After a blank the same characters begin a comment.
		if i := strings.Index(line, mark); i == 0 || i > 0 && line[i-1] != ' ' && line[i-1] != '\t' {
			return true
		}
	}
	return false
}

func (f *file) nameEntry(s string) (Kind, string, error) {
	if strings.ContainsAny(s, " \t") {
		if _, ok := hostsAddress(strings.Fields(s)[0]); ok {
			return 0, "", errHostsLine
		}
		return 0, "", errWords
	}
	switch {
	case strings.HasPrefix(s, "*."):
		return wholeName(s[2:])
	case strings.HasPrefix(s, "."):
		return wholeName(s[1:])
	}
	kind, text, err := One(s)
	if err == nil && kind == Name && f.run.opt.Exact && f.rep.Format == FormatPlain {
		kind = Exact
	}
	return kind, text, err
}

// One reads one entry as a person writes it: a name (with everything below
// it), =name (itself only), *.name, an address or range, or host/path.
func One(s string) (Kind, string, error) {
	if s == "" {
		return 0, "", errEmptyName
	}
	if strings.HasPrefix(s, "=") {
		_, text, err := wholeName(s[1:])
		return Exact, text, err
	}
	s = strings.TrimPrefix(s, "*.")
	if strings.Contains(s, "*") {
		return 0, "", errStar
	}
	if a, ok := canonicalAddress(s); ok {
		return Address, a, nil
	}
	if !strings.ContainsAny(s, `/\?#:@[%`) {
		return wholeName(s)
	}
	return urlEntry(s)
}

// urlEntry reads host/path; without a path the entry is the whole host.
func urlEntry(s string) (Kind, string, error) {
	loc, err := splitLocation(s)
	switch {
	case err != nil:
		return 0, "", err
	case loc.path == "" && loc.addr:
		return Address, loc.host, nil
	case !loc.addr && !strings.Contains(loc.host, "."):
		return 0, "", errOneLabel
	case loc.path == "":
		return Name, loc.host, nil
	}
	return URL, loc.text(), nil
}

// wholeName reads a name that stands for itself and what lies below. One label
// alone would close a whole country: that is a school's own decision, never a
// list's.
func wholeName(s string) (Kind, string, error) {
	if strings.Contains(s, "*") {
		return 0, "", errStar
	}
	text, err := Canonical(s)
	if err != nil {
		return 0, "", err
	}
	if !strings.Contains(text, ".") {
		return 0, "", errOneLabel
	}
	return Name, text, nil
}

// urlLine reads a line of UT1 urls.
func (f *file) urlLine(line string) error {
	if line[0] == '#' {
		f.rep.Skipped++
		return nil
	}
	body, drop, ok := line, false, true
	if f.diff {
		body, drop, ok = diffLine(line)
	}
	if !ok || strings.ContainsAny(body, " \t") {
		f.refuse([]byte(line), errWords.Error())
		return nil
	}
	kind, text, err := urlEntry(body)
	if err != nil {
		f.refuse([]byte(line), err.Error())
		return nil
	}
	return f.put(Entry{Kind: kind, Text: text, Drop: drop})
}

// expressionLine reads a line of UT1 expressions. Lines s@from@to@ rewrite
// addresses; they list nothing.
func (f *file) expressionLine(line string) error {
	if line[0] == '#' || strings.HasPrefix(line, "s@") {
		f.rep.Skipped++
		return nil
	}
	return f.expression(Expression, line, line, 0, false)
}

// hostsLine reads "address name [name …] [# comment]". Names match exactly, as
// they do in a hosts file.
func (f *file) hostsLine(line string) error {
	if isComment(line) {
		f.rep.Skipped++
		return nil
	}
	body, _, _ := strings.Cut(line, "#")
	fields := strings.Fields(body)
	addr, ok := hostsAddress(fields[0])
	switch {
	case len(fields) == 1 && ok && blocking(addr):
		f.rep.Skipped++
		return nil
	case len(fields) == 1:
		return f.nameLine(fields[0])
	}
	if !ok {
		f.refuse([]byte(line), "the line does not begin with an address")
		return nil
	}
	blocks := blocking(addr)
	for _, name := range fields[1:] {
		if err := f.hostsName(line, name, blocks); err != nil {
			return err
		}
	}
	return nil
}

func (f *file) hostsName(line, name string, blocks bool) error {
	if ownHost(name) {
		f.rep.Skipped++
		return nil
	}
	if !blocks {
		f.rep.Skipped++
		f.note([]byte(line), "the line sends a name to another address, which is not blocking it")
		return nil
	}
	if a, ok := canonicalAddress(name); ok {
		return f.accept(Address, a)
	}
	_, text, err := wholeName(name)
	if err != nil {
		f.refuse([]byte(line), err.Error())
		return nil
	}
	return f.accept(Exact, text)
}

// hostsAddress reads the first field of a hosts line; a zone is dropped.
func hostsAddress(s string) (netip.Addr, bool) {
	bare, _, _ := strings.Cut(s, "%")
	if a, err := netip.ParseAddr(bare); err == nil {
		return a.Unmap(), true
	}
	if strings.Trim(s, "0123456789.") != "" {
		return netip.Addr{}, false
	}
	text, kind, err := canon.Host(s) // "0" is short for 0.0.0.0
	if err != nil || kind != canon.Address {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(text)
	return a, err == nil
}

// blocking are the addresses that lead nowhere.
func blocking(a netip.Addr) bool {
	return a.IsUnspecified() || a.IsLoopback()
}

// ownHost are the names every hosts file has for the machine itself.
func ownHost(name string) bool {
	switch strings.ToLower(strings.TrimSuffix(name, ".")) {
	case "localhost", "localhost.localdomain", "local", "broadcasthost", "0.0.0.0",
		"ip6-localhost", "ip6-loopback", "ip6-localnet", "ip6-mcastprefix",
		"ip6-allnodes", "ip6-allrouters", "ip6-allhosts", "localhost4", "localhost6",
		"localhost4.localdomain4", "localhost6.localdomain6":
		return true
	}
	return false
}
