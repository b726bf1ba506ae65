package lists

import (
	"net/netip"
	"regexp"
	"strings"
)

// dnsmasqLine reads a line of dnsmasq's settings. The longest name wins there,
// so an exception lifts what shorter names say.
func (f *file) dnsmasqLine(line string) error {
	if isComment(line) {
		f.rep.Skipped++
		return nil
	}
	line = dropComment(line)
	key, value, _ := strings.Cut(strings.TrimPrefix(line, "--"), "=")
	switch key = strings.TrimSpace(key); key {
	case "address", "server", "local":
		return f.dnsmasqNames(line, key, strings.TrimSpace(value))
	case "cname", "host-record", "ptr-record", "srv-host", "txt-record", "alias", "rev-server":
		f.skip(line, "the line answers a name with something of its own, which is not blocking it")
	case "addn-hosts", "conf-file", "conf-dir", "hostsdir", "servers-file":
		f.skip(line, "the line reads another file; import that file too")
	default:
		f.skip(line, "a setting of dnsmasq that lists nothing")
	}
	return nil
}

// dnsmasqNames reads "/name/name/target".
func (f *file) dnsmasqNames(line, key, value string) error {
	parts := strings.Split(value, "/")
	if len(parts) < 3 || parts[0] != "" {
		f.skip(line, "the line names no site")
		return nil
	}
	target, role := parts[len(parts)-1], Role(0)
	addr, err := netip.ParseAddr(target)
	switch {
	case key == "server" && target == "#":
		role = Except | Near
	case key == "address" && (target == "" || target == "#" || err == nil && blocking(addr)),
		key != "address" && target == "":
	case key == "address":
		f.skip(line, "the line sends a name to another address, which is not blocking it")
		return nil
	default:
		f.skip(line, "the line asks another server about a name, which is not blocking it")
		return nil
	}
	for _, name := range parts[1 : len(parts)-1] {
		if err := f.dnsmasqName(line, name, role); err != nil {
			return err
		}
	}
	return nil
}

func (f *file) dnsmasqName(line, name string, role Role) error {
	if rest, ok := strings.CutPrefix(name, "*."); ok {
		name, role = rest, role|Below
	}
	kind, text, err := Name, "", errEmptyName
	if name != "" && name != "#" {
		kind, text, err = wholeName(strings.TrimPrefix(strings.TrimPrefix(name, "*"), "."))
	}
	if err != nil {
		f.refuse([]byte(line), err.Error())
		return nil
	}
	return f.put(Entry{Kind: kind, Text: text, Role: role})
}

// unboundLine reads a line of Unbound's settings.
func (f *file) unboundLine(line string) error {
	if isComment(line) {
		f.rep.Skipped++
		return nil
	}
	key, value, _ := strings.Cut(line, ":")
	value = strings.TrimSpace(value)
	switch strings.TrimSpace(key) {
	case "local-zone":
		return f.unboundZone(line, value)
	case "local-data":
		return f.unboundData(line, value)
	case "server", "rpz", "remote-control", "forward-zone", "stub-zone", "auth-zone", "view":
		f.rep.Skipped++
	default:
		f.skip(line, "a setting of Unbound that lists nothing")
	}
	return nil
}

func (f *file) unboundZone(line, value string) error {
	words := strings.Fields(strings.NewReplacer(`"`, " ", `'`, " ").Replace(value))
	if len(words) < 2 {
		f.refuse([]byte(line), "a local zone needs a name and a kind")
		return nil
	}
	role := Role(0)
	switch words[1] {
	case "always_nxdomain", "always_null", "always_refuse", "always_nodata", "always_deny", "refuse", "deny", "static", "redirect", "inform_deny", "inform_redirect":
	case "transparent", "always_transparent", "typetransparent", "inform", "block_a", "nodefault":
		role = Except | Near
	default:
		f.refuse([]byte(line), "this kind of local zone is not known")
		return nil
	}
	kind, text, err := wholeName(words[0])
	if err != nil {
		f.refuse([]byte(line), err.Error())
		return nil
	}
	return f.put(Entry{Kind: kind, Text: text, Role: role})
}

// unboundData reads an answer of one name. An answer that leads somewhere takes
// a zone of that name out again: the name is sent elsewhere and not closed.
func (f *file) unboundData(line, value string) error {
	words := strings.Fields(strings.NewReplacer(`"`, " ", `'`, " ").Replace(value))
	if len(words) < 2 {
		f.refuse([]byte(line), "local data needs a name and an answer")
		return nil
	}
	_, text, err := wholeName(words[0])
	if err != nil {
		f.refuse([]byte(line), err.Error())
		return nil
	}
	if a, perr := netip.ParseAddr(words[len(words)-1]); perr == nil && blocking(a) {
		return f.accept(Exact, text)
	}
	f.note([]byte(line), "the line answers a name with something of its own, which is not blocking it")
	return f.put(Entry{Kind: Name, Text: text, Drop: true})
}

// bindZone finds a zone of BIND's settings.
var bindZone = regexp.MustCompile(`(?i)^zone\s+"?([^"\s{]+)"?\s*(?:in\s*)?\{(.*)$`)

// bindLine reads a line of BIND's settings: a zone that the server answers for
// by itself closes the name and all below, since its file leads nowhere.
func (f *file) bindLine(line string) error {
	m := bindZone.FindStringSubmatch(line)
	if m == nil {
		f.rep.Skipped++
		return nil
	}
	says := strings.ToLower(m[2])
	for _, other := range []string{"forward", "slave", "secondary", "stub", "hint", "mirror", "redirect"} {
		if strings.Contains(says, "type "+other) {
			f.skip(line, "a zone that is asked of another server, which is not blocking it")
			return nil
		}
	}
	if strings.HasSuffix(strings.TrimSuffix(strings.ToLower(m[1]), "."), ".arpa") {
		f.skip(line, "a zone of addresses and no site")
		return nil
	}
	kind, text, err := wholeName(m[1])
	if err != nil {
		f.refuse([]byte(line), err.Error())
		return nil
	}
	return f.accept(kind, text)
}

// surgeLine reads a rule of Surge or Clash, alone, with what happens to it, or
// as an item of a Clash file.
func (f *file) surgeLine(line string) error {
	if isComment(line) || line == "payload:" || line == "rules:" || line == "---" {
		f.rep.Skipped++
		return nil
	}
	body := strings.Trim(strings.TrimSpace(strings.TrimPrefix(dropComment(line), "- ")), `'"`)
	parts := strings.Split(body, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	if len(parts) == 1 {
		return f.surgeName(line, parts[0])
	}
	role, ok := surgeAction(parts)
	if !ok {
		f.skip(line, "the rule says which way a site is reached, which is not blocking it")
		return nil
	}
	e, err := surgeRule(parts[0], parts[1])
	if err != nil {
		f.refuse([]byte(line), err.Error())
		return nil
	}
	if e.Kind == Expression {
		return f.expression(e.Kind, e.Text, line, role, false)
	}
	e.Role |= role
	return f.put(e)
}

// surgeName reads a domain set: "+.name" and ".name" are the name and all
// below, a bare name is itself.
func (f *file) surgeName(line, s string) error {
	kind, role := Exact, Role(0)
	switch {
	case strings.HasPrefix(s, "+."):
		s, kind = s[2:], Name
	case strings.HasPrefix(s, "*."):
		s, kind, role = s[2:], Name, Below
	case strings.HasPrefix(s, "."):
		s, kind = s[1:], Name
	}
	if a, ok := canonicalAddress(s); ok {
		return f.accept(Address, a)
	}
	_, text, err := wholeName(s)
	if err != nil {
		f.refuse([]byte(line), err.Error())
		return nil
	}
	return f.put(Entry{Kind: kind, Text: text, Role: role})
}

// surgeAction is what a rule does: none and REJECT list, DIRECT excepts.
func surgeAction(parts []string) (Role, bool) {
	for _, p := range parts[2:] {
		switch up := strings.ToUpper(p); {
		case strings.HasPrefix(up, "REJECT"):
			return 0, true
		case up == "DIRECT":
			return Except | Near, true
		case up == "NO-RESOLVE", up == "EXTENDED-MATCHING", up == "":
		default:
			return 0, false
		}
	}
	return 0, true
}

func surgeRule(kind, value string) (Entry, error) {
	switch strings.ToUpper(kind) {
	case "DOMAIN":
		_, text, err := wholeName(value)
		return Entry{Kind: Exact, Text: text}, err
	case "DOMAIN-SUFFIX":
		_, text, err := wholeName(strings.TrimPrefix(value, "."))
		return Entry{Kind: Name, Text: text}, err
	case "DOMAIN-KEYWORD":
		if len(value) < 5 || strings.Trim(strings.ToLower(value), "abcdefghijklmnopqrstuvwxyz0123456789.-_") != "" {
			return Entry{}, errPatternTo
		}
		return Entry{Kind: Expression, Text: `^https?://[^/]*` + strings.ReplaceAll(value, ".", `\.`)}, nil
	case "IP-CIDR", "IP-CIDR6":
		if a, ok := canonicalAddress(value); ok {
			return Entry{Kind: Address, Text: a}, nil
		}
		return Entry{}, errBadAddress
	case "URL-REGEX":
		return Entry{Kind: Expression, Text: value}, nil
	case "DOMAIN-REGEX":
		return Entry{Kind: HostExpression, Text: value}, nil
	}
	return Entry{}, errSurge
}
