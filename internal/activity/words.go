package activity

import (
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Lengths that an outsider's words are cut to.
const (
	maxLabel  = 120
	maxDetail = 300
	maxHost   = 253
	maxPath   = 1024
	maxWords  = 400
	maxCats   = 24
)

// sep parts the words of one dictionary entry; clean takes it out of what
// comes in.
const sep = "\x1f"

// clean takes control characters out of s and cuts it to limit bytes at a
// whole character.
func clean(s string, limit int) string {
	if len(s) <= limit && plain(s) {
		return s
	}
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			return -1
		}
		return r
	}, s)
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// plain says that s is printable ASCII, which nearly everything is.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// situation is what one entry of the contexts says.
type situation struct {
	site, door, group, keyStage string
	certainty                   Certainty
}

func packContext(e *Event) string {
	return strings.Join([]string{
		clean(e.Site, maxLabel), clean(e.Door, maxLabel), strconv.Itoa(int(e.Certainty)),
		clean(e.Group, maxLabel), clean(e.KeyStage, maxLabel),
	}, sep)
}

func unpackContext(s string) situation {
	p := parts(s, 5)
	return situation{site: p[0], door: p[1], certainty: Certainty(number(p[2])), group: p[3], keyStage: p[4]}
}

// decision is what one entry of the verdicts says.
type decision struct {
	action      Action
	category    string
	categories  []string
	rule        string
	reason      string
	detail      string
	alert       string
	rulesNumber uint64
}

func packVerdict(e *Event) string {
	cats := e.Categories[:min(len(e.Categories), maxCats)]
	cleaned := make([]string, 0, len(cats))
	for _, c := range cats {
		cleaned = append(cleaned, strings.ReplaceAll(clean(c, maxLabel), ",", " "))
	}
	return strings.Join([]string{
		strconv.Itoa(int(e.Action)), clean(e.Category, maxLabel), strings.Join(cleaned, ","),
		clean(e.Rule, maxLabel), clean(e.Reason, maxLabel), clean(e.Alert, maxLabel),
		strconv.FormatUint(e.RulesNumber, 10), clean(e.Detail, maxDetail),
	}, sep)
}

func unpackVerdict(s string) decision {
	p := parts(s, 8)
	d := decision{
		action: Action(number(p[0])), category: p[1],
		rule: p[3], reason: p[4], alert: p[5], detail: p[7],
	}
	if p[2] != "" {
		d.categories = strings.Split(p[2], ",")
	}
	d.rulesNumber, _ = strconv.ParseUint(p[6], 10, 64)
	return d
}

// has says whether the decision concerns the category at all.
func (d decision) has(category string) bool {
	if d.category == category {
		return true
	}
	for _, c := range d.categories {
		if c == category {
			return true
		}
	}
	return false
}

func packSearch(e *Event) string {
	if e.Words == "" {
		return ""
	}
	return clean(e.Engine, maxLabel) + sep + clean(e.Words, maxWords)
}

func unpackSearch(s string) (engine, words string) {
	engine, words, _ = strings.Cut(s, sep)
	return engine, words
}

func packAddr(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.Unmap().WithZone("").String()
}

// parts splits a packed entry and always answers n words, so that an entry
// written by an older release reads as empty where it said less.
func parts(s string, n int) []string {
	p := strings.SplitN(s, sep, n)
	for len(p) < n {
		p = append(p, "")
	}
	return p
}

func number(s string) uint8 {
	n, err := strconv.ParseUint(s, 10, 8)
	if err != nil {
		return 0
	}
	return uint8(n)
}
