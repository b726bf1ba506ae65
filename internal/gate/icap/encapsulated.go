package icap

import (
	"strings"
)

// The parts of an encapsulated message.
const (
	reqHead  = "req-hdr"
	resHead  = "res-hdr"
	reqBody  = "req-body"
	resBody  = "res-body"
	optBody  = "opt-body"
	nullBody = "null-body"
)

// part is one entry of Encapsulated: what begins at which byte.
type part struct {
	name string
	at   int
}

const (
	maxParts  = 3
	maxDigits = 7
)

// parseEncapsulated reads "req-hdr=0, res-hdr=137, res-body=296". Offsets
// begin with 0 and grow; a body, or the word that there is none, is last and
// there is exactly one. What is there besides is compose's to judge.
func parseEncapsulated(value string) ([]part, error) {
	var parts []part
	for entry := range strings.SplitSeq(value, ",") {
		name, digits, ok := strings.Cut(strings.TrimSpace(entry), "=")
		p := part{name: strings.ToLower(strings.TrimSpace(name))}
		if !ok || len(parts) == maxParts {
			return nil, bad("Encapsulated is not a list of up to three name=offset")
		}
		if p.at, ok = offset(strings.TrimSpace(digits)); !ok {
			return nil, bad("an offset in Encapsulated is not a number")
		}
		if err := follows(parts, p); err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	if last := parts[len(parts)-1].name; last == reqHead || last == resHead {
		return nil, bad("Encapsulated must end with a body or null-body")
	}
	return parts, nil
}

func offset(digits string) (n int, ok bool) {
	if digits == "" || len(digits) > maxDigits {
		return 0, false
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return 0, false
		}
		n = n*10 + int(digits[i]-'0')
	}
	return n, true
}

// follows reports whether a part may stand after the ones before it.
func follows(before []part, p part) error {
	switch p.name {
	case reqHead, resHead, reqBody, resBody, optBody, nullBody:
	default:
		return bad("Encapsulated names a part that ICAP does not know")
	}
	if len(before) == 0 {
		if p.at != 0 {
			return bad("the first part in Encapsulated must begin at 0")
		}
		return nil
	}
	last := before[len(before)-1]
	switch {
	case last.name != reqHead && last.name != resHead:
		return bad("nothing follows the body in Encapsulated")
	case p.at <= last.at:
		return bad("the offsets in Encapsulated do not grow")
	case p.at-last.at > maxBlock:
		return bad("a head is larger than is taken here")
	case last.name == p.name:
		return bad("a part is named twice in Encapsulated")
	}
	return nil
}

// compose reports whether the parts make what the method is about.
func compose(method string, parts []part) error {
	names := make([]string, len(parts))
	for i, p := range parts {
		names[i] = p.name
	}
	switch method + " " + strings.Join(names, " ") {
	case "REQMOD req-hdr req-body", "REQMOD req-hdr null-body",
		"RESPMOD req-hdr res-hdr res-body", "RESPMOD req-hdr res-hdr null-body",
		"RESPMOD res-hdr res-body", "RESPMOD res-hdr null-body",
		"OPTIONS opt-body", "OPTIONS null-body", "OPTIONS ":
		return nil
	}
	return &fault{statusComposition, "the parts in Encapsulated do not make a " + method}
}
