package lists

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
)

var (
	errPattern    = errors.New("the rule is about a part of an address and names no host")
	errPatternTo  = errors.New("the rule covers nearly everything")
	errDenyAllow  = errors.New("the condition $denyallow is only read on a rule that blocks a name and what is below it")
	errRewriteOut = errors.New("an exception from being sent elsewhere is not one from being listed")
)

// rule is one line of the adblock language, taken apart.
type rule struct {
	except bool
	expr   bool   // body is a regular expression
	body   string // without modifiers
	mods   []string
	role   Role
	drop   bool
	deny   []string // denyallow: what the rule leaves alone
}

// adblockLine reads a line of a list in the adblock language.
func (f *file) adblockLine(line string) error {
	if line[0] == '!' || line == "#" || line[0] == ';' || strings.HasPrefix(line, "# ") || strings.HasPrefix(line, "#\t") ||
		line[0] == '[' && strings.HasSuffix(line, "]") || styling(line) {
		f.rep.Skipped++
		return nil
	}
	if fields := strings.Fields(line); len(fields) > 1 {
		if _, ok := hostsAddress(fields[0]); ok {
			return f.hostsLine(line)
		}
	}
	return f.ruleLine(line, line)
}

// ruleLine reads one rule. A rule with a condition is left out, for without
// the condition it would cover more than its author meant.
func (f *file) ruleLine(line, body string) error {
	r := splitRule(body)
	if err := r.modify(); err != nil {
		f.refuse([]byte(line), err.Error())
		return nil
	}
	if r.expr {
		return f.ruleExpression(&r, line)
	}
	e, err := r.entry()
	if err != nil {
		f.refuse([]byte(line), err.Error())
		return nil
	}
	if len(r.deny) > 0 {
		if e.Kind != Name {
			f.refuse([]byte(line), errDenyAllow.Error())
			return nil
		}
		e.Role |= Scoped
	}
	if e.Kind == Expression {
		return f.expression(e.Kind, e.Text, line, e.Role, e.Drop)
	}
	if err := f.put(e); err != nil {
		return err
	}
	for _, name := range r.deny {
		kind, text, err := One(name)
		if err != nil || kind != Name {
			continue // what cannot be left alone is closed with the rest
		}
		if err := f.put(Entry{Kind: kind, Text: text, Role: Except | Scoped, Drop: e.Drop}); err != nil {
			return err
		}
	}
	return nil
}

// ruleExpression reads /expression/. In lists for DNS it is about the host, in
// lists for browsers about the whole address; what cannot be told from its
// anchors is read as both.
func (f *file) ruleExpression(r *rule, line string) error {
	host, page := about(r.body)
	if host {
		if err := f.expression(HostExpression, r.body, line, r.role, r.drop); err != nil || !page {
			return err
		}
	}
	return f.expression(Expression, r.body, line, r.role, r.drop)
}

// options are what stands behind the last $ of a rule, if it can be that.
var options = regexp.MustCompile(`^~?[A-Za-z0-9_-]+(=.*)?(,~?[A-Za-z0-9_-]+(=.*)?)*$`)

func splitRule(s string) rule {
	var r rule
	s, r.except = strings.CutPrefix(s, "@@")
	r.body = s
	if len(s) > 2 && s[0] == '/' && s[1] != '/' {
		if end := strings.LastIndexByte(s, '/'); end > 0 && (end == len(s)-1 || s[end+1] == '$') {
			r.expr, r.body = true, s[1:end]
			if end+2 < len(s) {
				r.mods = splitOptions(s[end+2:])
			}
			return r
		}
	}
	for i := len(s) - 1; i > 0; i-- {
		if s[i] == '$' && s[i-1] != '\\' {
			if options.MatchString(s[i+1:]) {
				r.body, r.mods = s[:i], splitOptions(s[i+1:])
			}
			break
		}
	}
	return r
}

// splitOptions parts at commas, but not at "\,".
func splitOptions(s string) []string {
	var out []string
	from := 0
	for i := range len(s) {
		if s[i] == ',' && (i == 0 || s[i-1] != '\\') {
			out = append(out, s[from:i])
			from = i + 1
		}
	}
	return append(out, s[from:])
}

// modify takes in the modifiers, and refuses every one that narrows the rule
// in a way that cannot be kept, or that is not known.
func (r *rule) modify() error {
	if r.except {
		r.role |= Except
	}
	for _, m := range r.mods {
		name, value, _ := strings.Cut(m, "=")
		switch strings.ToLower(name) {
		case "important":
			r.role |= Important
		case "badfilter":
			r.drop = true
		case "all", "document", "doc", "match-case", "":
			// The page itself, which is all that is decided here; and letter case
			// that means nothing in a host.
			if name == "match-case" && (r.expr || strings.ContainsRune(strings.Trim(r.body, "|/"), '/')) {
				return modifierError(name, "letter case is not kept")
			}
		case "dnsrewrite":
			if err := r.rewrite(value); err != nil {
				return err
			}
		case "denyallow":
			if r.except || r.expr {
				return errDenyAllow
			}
			r.deny = append(r.deny, strings.Split(value, "|")...)
		default:
			return r.narrowing(strings.ToLower(strings.TrimPrefix(name, "~")))
		}
	}
	return nil
}

// rewrite reads what an answer is replaced by: nothing or an address that
// leads nowhere is blocking.
func (r *rule) rewrite(value string) error {
	if r.except {
		return errRewriteOut
	}
	parts := strings.Split(value, ";")
	last := parts[len(parts)-1]
	if a, err := netip.ParseAddr(last); err == nil && blocking(a) {
		return nil
	}
	if len(parts) == 1 || len(parts) == 3 && parts[1] == "" && parts[2] == "" {
		switch strings.ToUpper(parts[0]) {
		case "NXDOMAIN", "REFUSED", "SERVFAIL", "NOERROR":
			return nil
		}
	}
	return modifierError("dnsrewrite", "it sends the name elsewhere, which is not blocking it")
}

func (r *rule) narrowing(name string) error {
	why := "it is not known here, and the rule may be meant for less than it says"
	switch name {
	case "third-party", "3p", "first-party", "1p", "strict1p", "strict3p":
		why = "the rule holds only inside some other pages"
	case "domain", "from", "to":
		why = "the rule holds only on some sites' pages"
	case "client", "ctag":
		why = "the rule holds only for some devices"
	case "dnstype":
		why = "the rule holds only for some questions"
	case "app", "method", "header", "popup", "popunder", "network":
		why = "the rule holds only for some requests"
	case "script", "image", "stylesheet", "css", "object", "xmlhttprequest", "xhr", "subdocument", "frame", "ping", "websocket", "media", "font", "other", "webrtc":
		why = "the rule is for a part of pages"
	}
	return modifierError(name, why)
}

func modifierError(name, why string) error {
	return fmt.Errorf("the rule has the condition $%.30s: %s", name, why)
}

// entry is what the rule's pattern names.
func (r *rule) entry() (Entry, error) {
	e := Entry{Role: r.role, Drop: r.drop}
	body, exact, substring := r.anchors()
	switch {
	case strings.HasPrefix(body, "*."):
		body, e.Role = body[2:], e.Role|Below
	case strings.HasPrefix(body, ".") && substring:
		body, e.Role = body[1:], e.Role|Below
	}
	if len(strings.Trim(body, "*^|./:")) < 3 && !isAddress(body) {
		return e, errPatternTo
	}
	if strings.Contains(body, "*") && e.Role&Below == 0 {
		return r.wild(body, e)
	}
	if strings.ContainsAny(body, "*^|$") || strings.HasPrefix(body, "/") || strings.HasPrefix(body, "?") {
		return e, errPattern
	}
	kind, text, err := One(strings.TrimPrefix(body, "="))
	e.Kind, e.Text = kind, text
	if err == nil && exact && kind == Name {
		e.Kind = Exact
	}
	if kind != Name {
		e.Role &^= Below
	}
	return e, err
}

func isAddress(s string) bool {
	_, err := netip.ParseAddr(strings.Trim(s, "[]"))
	return err == nil
}

// anchors takes the marks of where a pattern begins and ends off it.
func (r *rule) anchors() (body string, exact, substring bool) {
	body = r.body
	switch {
	case strings.HasPrefix(body, "||"):
		body = body[2:]
	case strings.HasPrefix(body, "|"):
		body, exact = body[1:], true
	default:
		substring = true
	}
	for _, scheme := range []string{"https://", "http://", "://", "//"} {
		if rest, ok := strings.CutPrefix(body, scheme); ok {
			body, exact, substring = rest, !strings.HasPrefix(rest, "*"), false
			break
		}
	}
	body = strings.TrimSuffix(strings.TrimSuffix(body, "|"), "*")
	body = strings.TrimSuffix(body, "^")
	if exact && !strings.Contains(strings.TrimSuffix(body, "/"), "/") {
		body = strings.TrimSuffix(body, "/")
	}
	return body, exact, substring
}

// wild makes an expression of a host with stars in it. A star stands for any
// part of the host.
func (r *rule) wild(body string, e Entry) (Entry, error) {
	if strings.Trim(body, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_*") != "" {
		return e, errPattern
	}
	// What is left of the last label must name something.
	left := body
	if dot := strings.LastIndexByte(body, '.'); dot >= 0 {
		left = body[:dot]
	}
	if len(strings.Trim(strings.NewReplacer("*", "", ".", "", "-", "").Replace(left), "")) < 4 || !strings.Contains(body, ".") {
		return e, errPatternTo
	}
	quoted := strings.ReplaceAll(regexp.QuoteMeta(body), `\*`, `[^/]*`)
	front := `^https?://([^/]*\.)?`
	if strings.HasPrefix(r.body, "|") && !strings.HasPrefix(r.body, "||") {
		front = `^https?://`
	}
	e.Kind, e.Text = Expression, front+quoted+`(:[0-9]+)?(/|$)`
	return e, nil
}
