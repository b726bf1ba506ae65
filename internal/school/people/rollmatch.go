package people

import (
	"fmt"
	"slices"
	"strings"
)

// present is the people who are there, found by every id that rolls use.
type present struct {
	all     map[ID]Person
	by      map[string]ID // "upn:…", "mis:pupil:…", "sourced:…", "user:…", "mail:…"
	byName  map[string][]ID
	kids    map[ID]map[string]bool
	claimed map[ID]int // line of the row that is about this person
}

func newPresent(people []Person, links []Link) *present {
	p := &present{
		all: map[ID]Person{}, by: map[string]ID{}, byName: map[string][]ID{},
		kids: map[ID]map[string]bool{}, claimed: map[ID]int{},
	}
	for _, x := range people {
		p.put(x)
	}
	for _, l := range links {
		c := p.all[l.Child]
		p.kin(l.Parent, c.UPN, c.MIS, c.Sourced)
	}
	return p
}

func (p *present) put(x Person) {
	p.all[x.ID] = x
	for _, k := range keysOf(x) {
		if _, have := p.by[k]; !have {
			p.by[k] = x.ID
		}
	}
	n := nameKey(x)
	if !slices.Contains(p.byName[n], x.ID) {
		p.byName[n] = append(p.byName[n], x.ID)
	}
}

// kin notes who somebody's children are, by every id a roll may use for them.
func (p *present) kin(parent ID, refs ...string) {
	if p.kids[parent] == nil {
		p.kids[parent] = map[string]bool{}
	}
	for _, r := range refs {
		p.kids[parent][strings.ToUpper(r)] = true
	}
}

// keysOf are the ids that stand for one person, strongest first.
func keysOf(x Person) []string {
	var out []string
	add := func(prefix, v string) {
		if v != "" {
			out = append(out, prefix+strings.ToLower(v))
		}
	}
	add("sourced:", x.Sourced)
	add("upn:", x.UPN)
	add("mis:"+misKind(x.Kind)+":", x.MIS)
	add("user:", x.Username)
	return out
}

// misKind keeps the numbers of pupils and of everybody else apart: admission
// numbers and staff codes may be alike.
func misKind(k Kind) string {
	if k == Pupil {
		return "pupil"
	}
	return "adult"
}

func nameKey(x Person) string {
	return misKind(x.Kind) + ":" + fold(x.Given) + "|" + fold(x.Family)
}

// find returns the person a row is about, "" for somebody new. A row whose ids
// belong to different people is a clash, in a sentence.
func (p *present) find(row *rollRow) (id ID, field, clash string) {
	x := row.person
	for _, k := range keysOf(x) {
		got, ok := p.by[k]
		if !ok {
			continue
		}
		kind, _, _ := strings.Cut(k, ":")
		if id == "" {
			id = got
			field = keyField(kind)
			continue
		}
		if got != id {
			return "", keyField(kind), fmt.Sprintf("the %s of this row belongs to %s, but its %s to %s; mend the roll, or one of the two people here",
				keyWords(kind), p.all[got].Name(), keyWords(fieldKey(field)), p.all[id].Name())
		}
	}
	if id == "" && row.former != "" {
		id, field = p.by["upn:"+strings.ToLower(row.former)], "upn"
	}
	if id != "" {
		return id, field, ""
	}
	return p.findByName(row)
}

// findByName is for rows that carry no id that is known: the name and the day
// of birth together, or for adults the name and the e-mail address, or a name
// that only one person has where neither side knows more.
func (p *present) findByName(row *rollRow) (ID, string, string) {
	x := row.person
	var fits []ID
	for _, id := range p.byName[nameKey(x)] {
		if alike(p.all[id], x) && (x.Kind != Parent || p.sameParent(id, row)) {
			fits = append(fits, id)
		}
	}
	switch len(fits) {
	case 0:
		return "", "", ""
	case 1:
		return fits[0], "name", ""
	default:
		return "", "name", fmt.Sprintf("%d people are called %s and nothing in this row tells which one is meant; add an id or the date of birth", len(fits), x.Name())
	}
}

// sameParent reports whether a parent known by name alone has a child or an
// address in common with the row. Two parents of one name must not be given
// each other's children.
func (p *present) sameParent(id ID, row *rollRow) bool {
	if e := p.all[id].Email; e != "" && strings.EqualFold(e, row.person.Email) {
		return true
	}
	return slices.ContainsFunc(row.children, func(c childRef) bool { return p.kids[id][strings.ToUpper(c.ref)] })
}

// alike reports whether two of one name may be taken for one person.
func alike(have, row Person) bool {
	differs := func(a, b string) bool { return a != "" && b != "" && !strings.EqualFold(a, b) }
	if have.Kind != row.Kind || differs(have.Sourced, row.Sourced) || differs(have.MIS, row.MIS) ||
		differs(have.UPN, row.UPN) || differs(have.Username, row.Username) || differs(string(have.Born), string(row.Born)) {
		return false
	}
	switch {
	case have.Born != "" && row.Born != "":
		return true
	case have.Email != "" && row.Email != "":
		return strings.EqualFold(have.Email, row.Email)
	case len(keysOf(row)) > 0 && len(keysOf(have)) > 0:
		return false // both are known by ids, and no id is shared
	default:
		return row.Kind != Pupil || (have.Year == row.Year && have.Class == row.Class)
	}
}

func keyField(key string) string {
	if key == "user" {
		return "username"
	}
	return key
}

func fieldKey(field string) string {
	if field == "username" {
		return "user"
	}
	return field
}

func keyWords(key string) string {
	switch key {
	case "upn":
		return "unique pupil number"
	case "mis":
		return "number"
	case "user":
		return "username"
	default:
		return key
	}
}
