package people

import (
	"fmt"
	"sort"
	"strings"
)

// Named is one person in the report of an import.
type Named struct {
	ID    ID     `json:"id,omitempty"`
	Name  string `json:"name"`
	Kind  Kind   `json:"kind"`
	Year  Year   `json:"year,omitempty"`
	Class string `json:"class,omitempty"`
	Line  int    `json:"line,omitempty"`
}

// Change is a person whose record the roll changes.
type Change struct {
	Named
	Fields []string `json:"fields"`
}

// plan is what a roll would do to the people who are there.
type plan struct {
	add     []planned
	change  []planned
	leave   []Person // with Until set
	same    int
	past    int // rows about people who left and were never here
	touched []planned
	rows    map[ID]*rollRow // of those touched
	pupils  int             // on the roll now, of the kinds and sites the file speaks of
	going   int             // of these, who would leave
}

// planned is a row with the person it is about.
type planned struct {
	row    *rollRow
	before Person // zero for a joiner
	after  Person
	fields []string
	back   bool // had left and is here again
}

func named(p Person, line int) Named {
	return Named{ID: p.ID, Name: p.Name(), Kind: p.Kind, Year: p.Year, Class: p.Class, Line: line}
}

// newPlan works out what the roll does. It refuses rows into r.
func newPlan(r *roll, people []Person, links []Link, today Day) *plan {
	have := newPresent(people, links)
	pl := &plan{rows: map[ID]*rollRow{}}
	for _, second := range []bool{false, true} { // a pupil's main registration goes first
		for i := range r.rows {
			if r.rows[i].second == second {
				pl.row(r, have, &r.rows[i], today)
			}
		}
	}
	pl.settle(r, have, people, today)
	switch {
	case r.partial:
	case r.unreadable > 0:
		r.warn("", 0, "", "%d rows could not be read, so nobody was marked as left for not being in the file; mend the rows and import it again", r.unreadable)
	default:
		pl.absent(r, have, people, today)
	}
	return pl
}

func (pl *plan) row(r *roll, have *present, row *rollRow, today Day) {
	id, field, clash := have.find(row)
	if clash != "" {
		r.spoil(row.person)
		r.refuse(row.file, row.line, field, "%s", clash)
		return
	}
	old := have.all[id]
	if line := have.claimed[id]; id != "" && line != 0 && row.second {
		r.warn(row.file, row.line, field, "%s is registered twice; line %d, the main registration, went in", old.Name(), line)
		return
	} else if id != "" && line != 0 && !pl.merge(old, row) {
		r.refuse(row.file, row.line, field, "this is the same person as line %d (same %s); the first of the two went in", line, keyWords(fieldKey(field)))
		return
	} else if line != 0 {
		return
	}
	if id != "" && misKind(old.Kind) != misKind(row.person.Kind) {
		r.refuse(row.file, row.line, "kind", "%s is here as %s, and the roll says %s; if that is true, mark the old record as left first", old.Name(), old.Kind, row.person.Kind)
		return
	}
	leaving := row.gone || row.person.Left(today)
	switch {
	case id == "" && leaving:
		pl.past++
	case id == "":
		pl.join(have, row)
	case leaving:
		have.claimed[id] = row.line
		pl.leaver(old, row, today)
	default:
		have.claimed[id] = row.line
		pl.update(r, have, old, row, today)
	}
}

// merge adds the children of a second row about the same parent: some systems
// write a row for each child.
func (pl *plan) merge(old Person, row *rollRow) bool {
	first := pl.rows[old.ID]
	if old.Kind == Pupil || len(row.children) == 0 || first == nil {
		return false
	}
	first.children = append(first.children, row.children...)
	return true
}

func (pl *plan) join(have *present, row *rollRow) {
	p := row.person
	p.ID = ID(fmt.Sprintf("new:%s:%d", row.file, row.line)) // until it is made
	have.put(p)
	for _, c := range row.children {
		have.kin(p.ID, c.ref)
	}
	have.claimed[p.ID] = row.line
	done := planned{row: row, after: p}
	pl.add = append(pl.add, done)
	pl.touched = append(pl.touched, done)
	pl.rows[p.ID] = row
}

func (pl *plan) leaver(old Person, row *rollRow, today Day) {
	if old.Left(today) || old.Until == today {
		pl.same++
		return
	}
	old.Until = today
	if row.person.Left(today) {
		old.Until = row.person.Until
	}
	pl.leave = append(pl.leave, old)
}

func (pl *plan) update(r *roll, have *present, old Person, row *rollRow, today Day) {
	after, fields := pl.take(r, old, row)
	back := old.Left(today)
	if back && !r.has["until"] {
		after.Until = ""
		fields = append(fields, "until")
	}
	for _, k := range keysOf(after) {
		if other, taken := have.by[k]; taken && other != old.ID {
			kind, _, _ := strings.Cut(k, ":")
			r.refuse(row.file, row.line, keyField(kind), "this %s is already that of %s", keyWords(kind), have.all[other].Name())
			return
		}
	}
	done := planned{row: row, before: old, after: after, fields: fields, back: back}
	pl.touched = append(pl.touched, done)
	pl.rows[old.ID] = row
	have.put(after)
	switch {
	case back:
		pl.add = append(pl.add, done)
	case len(fields) > 0:
		pl.change = append(pl.change, done)
	default:
		pl.same++
	}
}

// take returns old with what the row says, as far as this roll may say it.
func (pl *plan) take(r *roll, old Person, row *rollRow) (Person, []string) {
	if r.fills && old.Source != r.format {
		return fill(old, row)
	}
	after, fields := take(old, row.person, r.has)
	if r.changes == nil {
		return after, fields
	}
	moved := r.changes.class(after)
	if moved.Class != after.Class {
		fields = append(fields, "class")
	}
	return moved, fields
}

// fill returns old with what it did not have. Where it comes from stays, so
// that the roll it came from still says when the person leaves.
func fill(old Person, told *rollRow) (Person, []string) {
	out, row := old, told.person
	var fields []string
	if row.UPN != "" && old.UPN != "" && old.UPN == told.former {
		out.UPN, fields = row.UPN, []string{"upn"}
	}
	for _, f := range []struct {
		name string
		into *string
		v    string
	}{
		{"preferred", &out.Preferred, row.Preferred},
		{"born", (*string)(&out.Born), string(row.Born)},
		{"email", &out.Email, row.Email},
		{"upn", &out.UPN, row.UPN},
		{"year", (*string)(&out.Year), string(row.Year)},
	} {
		if *f.into == "" && f.v != "" && (f.name != "year" || out.Kind == Pupil) {
			*f.into = f.v
			fields = append(fields, f.name)
		}
	}
	return out, fields
}

// take returns old with what the row says, and the names of the fields that
// change. A field that the file has no column for stays; so does an id, name
// or address whose cell is empty.
func take(old, row Person, has map[string]bool) (Person, []string) {
	out := old
	var fields []string
	set := func(field string, into *string, v string, blankCounts bool) {
		if (has[field] || v != "") && (v != "" || blankCounts) && *into != v {
			*into = v
			fields = append(fields, field)
		}
	}
	set("given", &out.Given, row.Given, false)
	set("family", &out.Family, row.Family, false)
	set("preferred", &out.Preferred, row.Preferred, true)
	set("born", (*string)(&out.Born), string(row.Born), false)
	set("username", &out.Username, row.Username, false)
	set("email", &out.Email, row.Email, false)
	set("upn", &out.UPN, row.UPN, false)
	set("mis", &out.MIS, row.MIS, false)
	set("sourced", &out.Sourced, row.Sourced, false)
	set("year", (*string)(&out.Year), string(row.Year), false)
	set("class", &out.Class, row.Class, true)
	set("from", (*string)(&out.From), string(row.From), false)
	set("until", (*string)(&out.Until), string(row.Until), true)
	if has["site"] {
		set("site", &out.Site, row.Site, false)
	}
	if out.Kind != row.Kind && misKind(out.Kind) == misKind(row.Kind) && out.Source != SourceHand {
		out.Kind = row.Kind
		fields = append(fields, "kind")
	}
	if has["no_access"] && out.NoAccess != row.NoAccess {
		out.NoAccess = row.NoAccess
		fields = append(fields, "no_access")
	}
	out.Source = row.Source
	return out, fields
}

// absent finds the people of this roll's kinds and sites who came from the
// same sort of roll and do not stand in this one: they have left.
func (pl *plan) absent(r *roll, have *present, people []Person, today Day) {
	speaks := map[string]bool{}
	scope := func(p Person) string {
		if r.has["site"] {
			return string(p.Kind) + "@" + p.Site
		}
		return string(p.Kind)
	}
	for i := range r.rows {
		speaks[scope(r.rows[i].person)] = true
	}
	for _, p := range people {
		if p.Here(today) && p.Until != today && p.Source == r.format && speaks[scope(p)] {
			pl.maybeGone(r, have, p, today)
		}
	}
	sort.Slice(pl.leave, func(i, j int) bool { return pl.leave[i].ID < pl.leave[j].ID })
}

// maybeGone marks somebody whom the roll should have named and does not.
func (pl *plan) maybeGone(r *roll, have *present, p Person, today Day) {
	gone := have.claimed[p.ID] == 0 && !r.refusedPerson(p)
	if p.Kind == Pupil {
		pl.pupils++
		if gone {
			pl.going++
		}
	}
	if gone {
		p.Until = today
		pl.leave = append(pl.leave, p)
	}
}

// refusedPerson reports whether p stands in the file on a row that was
// refused: a mistyped date must not put a child off the roll.
func (r *roll) refusedPerson(p Person) bool {
	for _, k := range keysOf(p) {
		if r.spoiled[k] {
			return true
		}
	}
	return r.spoiled[nameKey(p)]
}

// Shares beyond which a roll is taken for a part of one.
const (
	manyLeavers = 30 // per cent of the pupils
	fewLeavers  = 3  // so many may always leave
)

// held says why the plan needs a person's word before it is carried out, ""
// when it does not.
func (pl *plan) held() string {
	if pl.going <= fewLeavers || pl.going*100 <= pl.pupils*manyLeavers {
		return ""
	}
	return fmt.Sprintf("%d of %d pupils are not in this file and would be marked as left. Nothing was changed. "+
		"If they have really left, say that the leavers are right; if the file is only a part of the roll, say that it is a part", pl.going, pl.pupils)
}
