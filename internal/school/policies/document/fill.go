package document

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// attributes that a span may have, by what they belong to.
var knownAttrs = []string{
	"set", "control", "req", "group", "place", "time", "keystage", "audience", "site", "reason", "review", "lang", "dir", "title",
}

var requirementID = regexp.MustCompile(`^[A-Z]{2,3}-[0-9]{2}$`)

// fill adds what one span says to the clause.
func (r *reader) fill(c *Clause, s *span, words string) {
	line := r.line(s.start)
	a := s.attrs
	for key := range a.pairs {
		r.knownAttr(line, key)
	}
	for _, class := range a.classes {
		if class != "off" {
			r.problem(Note, line, "span", fmt.Sprintf("the class .%s means nothing to Belisha", class))
		}
	}
	if a.id != "" {
		if c.given {
			r.problem(Error, line, "twice", fmt.Sprintf("this clause already has the name #%s; keep one", c.ID))
		} else {
			c.ID, c.given = a.id, true
		}
	}
	r.checkReview(line, a.pairs["review"])
	if key, ok := a.pairs["set"]; ok {
		r.fillValue(c, line, key, words, a)
	} else if strings.TrimSpace(words) == "" && a.id == "" && a.pairs["control"] == "" && a.pairs["req"] == "" {
		r.problem(Warning, line, "span", "this span holds nothing and says nothing; take it out")
	}
	for _, name := range strings.Fields(a.pairs["control"]) {
		ref := ControlRef{Name: name, Line: line, Off: a.has("off"), Reason: a.pairs["reason"], Review: a.pairs["review"]}
		if ref.Off && (ref.Reason == "" || ref.Review == "") {
			r.problem(Error, line, "off", fmt.Sprintf("a control that is off needs reason=\"…\" and review=2027-09-01; add both to %s", name))
		}
		c.Controls = append(c.Controls, ref)
	}
	for _, id := range strings.Fields(a.pairs["req"]) {
		if !requirementID.MatchString(id) {
			r.problem(Error, line, "requirement", fmt.Sprintf("%q is not a requirement id; write it as FIL-02", short(id)))
			continue
		}
		c.Requirements = append(c.Requirements, id)
		c.reqAt = line
	}
	if _, ok := a.pairs["control"]; ok && strings.TrimSpace(a.pairs["control"]) == "" {
		r.problem(Error, line, "span", "control= names no control")
	}
}

func (r *reader) knownAttr(line int, key string) {
	for _, k := range knownAttrs {
		if k == key {
			return
		}
	}
	words := fmt.Sprintf("%s= means nothing here; a span may have %s", short(key), strings.Join(knownAttrs, ", "))
	if near := Nearest(key, knownAttrs); near != "" {
		words = fmt.Sprintf("%s= means nothing here; did you mean %s=?", short(key), near)
	}
	r.problem(Error, line, "span", words)
}

func (r *reader) checkReview(line int, day string) {
	if day == "" {
		return
	}
	if _, err := time.Parse(time.DateOnly, day); err != nil {
		r.problem(Error, line, "span", fmt.Sprintf("review=%s is not a day; write it as 2027-09-01", short(day)))
	}
}

func (r *reader) fillValue(c *Clause, line int, key, words string, a attrs) {
	if key == "" || strings.ContainsAny(key, " \t") {
		r.problem(Error, line, "span", "set= takes one setting; give each value its own brackets")
		return
	}
	if strings.TrimSpace(words) == "" {
		r.problem(Error, line, "no-value", fmt.Sprintf("the brackets before {set=%s} are empty; put the value in them", key))
		return
	}
	v := Value{Key: key, Words: words, Line: line, Reason: a.pairs["reason"], Review: a.pairs["review"]}
	v.Scope.Group = a.pairs["group"]
	v.Scope.Place = a.pairs["place"]
	v.Scope.Time = a.pairs["time"]
	v.Scope.KeyStage = a.pairs["keystage"]
	v.Scope.Audience = a.pairs["audience"]
	v.Scope.Site = a.pairs["site"]
	c.Values = append(c.Values, v)
}
