package lists

import (
	"fmt"
	"regexp"
	"strings"
)

// expression hands an expression over, about a page or a host.
func (f *file) expression(kind Kind, text, line string, role Role, drop bool) error {
	text = anyScheme(text)

	if f.run.expressions++; f.run.expressions > maxExpressions {
		return &Refusal{File: f.rep.File, Line: f.lines.no, Reason: fmt.Sprintf("the list holds more than %d expressions", maxExpressions)}
	}
	re, err := regexp.Compile("(?i)" + text)
	switch {
	case err != nil:
		f.refuse([]byte(line), "the expression cannot be used: "+expressionFault(err))
		return nil
	case len(text) < minExpression || re.MatchString("") || kind == Expression && re.MatchString(anyPage) || kind == HostExpression && re.MatchString(anyHost):
		f.refuse([]byte(line), "the expression would match nearly every page")
		return nil
	}
	return f.put(Entry{Kind: kind, Text: text, Role: role, Drop: drop})
}

// secureOnly finds what names https and not http.
var secureOnly = regexp.MustCompile(`(?i)https(\\?:)`)

// anyScheme makes an expression that names https mean both: which of the two
// an address has plays no part here.
func anyScheme(text string) string { return secureOnly.ReplaceAllString(text, "https?$1") }

// anyPage and anyHost are what nobody means; what matches them matches nearly
// all.
const (
	anyPage = "http://qvxz.jkwy/"
	anyHost = "qvxz.jkwy"
)

const minExpression = 3

func expressionFault(err error) string {
	return strings.TrimPrefix(err.Error(), "error parsing regexp: ")
}

// about tells what an expression can be meant for. No whole address is without
// a slash: one that is bound to the beginning, names no scheme and has no
// slash is about a host. Bound to the end alone, it may be about either.
func about(text string) (host, page bool) {
	if strings.ContainsRune(text, '/') {
		return false, true
	}
	body := strings.TrimPrefix(text, "(?i)")
	for _, start := range []string{"^", "(^", "(?:^", `(\.|^)`, `(?:\.|^)`, `(?:^|\.)`} {
		if rest, ok := strings.CutPrefix(body, start); ok {
			page = strings.HasPrefix(strings.TrimLeft(rest, "(?:"), "http")
			return !page, page
		}
	}
	return strings.HasSuffix(body, "$") && !strings.HasSuffix(body, `\$`), true
}

// regexLine reads a list of expressions over host names, as Pi-hole has them.
// What stands behind a semicolon narrows or turns an expression round.
func (f *file) regexLine(line string) error {
	if isComment(line) {
		f.rep.Skipped++
		return nil
	}
	body := dropComment(line)
	if len(body) > 2 && body[0] == '/' && body[len(body)-1] == '/' {
		body = body[1 : len(body)-1]
	}
	if i := strings.LastIndexByte(body, ';'); i > 0 {
		switch option, _, _ := strings.Cut(strings.ToLower(body[i+1:]), "="); option {
		case "reply":
			body = body[:i]
		case "querytype", "invert":
			f.refuse([]byte(line), modifierError(option, "the rule holds only for some questions, or for all others").Error())
			return nil
		}
	}
	if kind, text, err := One(body); err == nil && !strings.ContainsAny(body, `\()[]{}+?|^$*`) {
		if kind == Name {
			kind = Exact
		}
		return f.put(Entry{Kind: kind, Text: text})
	}
	return f.expression(HostExpression, body, line, 0, false)
}
