package people

import (
	"sort"
	"strings"

	"belisha/internal/kit/csvio"
)

// part is one file of an export, and what it calls the columns that OneRoster
// names. fixed is what holds for all its rows; marked ids are told apart from
// those of another file by a word before them.
type part struct {
	file    string
	columns map[string]string
	fixed   map[string]string
	mark    string
}

func (p part) column(name string) string {
	if c, ok := p.columns[name]; ok {
		return c
	}
	return name
}

// id marks a user's id, so that a teacher and a pupil with the same number
// stay two people.
func (p part) id(column, value string) string {
	if p.mark != "" && value != "" && (column == "sourcedId" && p.fixed["role"] != "" || column == "userSourcedId") {
		return p.mark + value
	}
	return value
}

// dialect is one way of writing a roster as CSV: which files, which columns.
type dialect struct {
	format string
	users  []part
	orgs   part
	roles  part
	class  part
	enrol  []part
}

// people reports whether a file's rows are people.
func (d dialect) people(file string) bool {
	for _, p := range d.users {
		if p.file == file {
			return true
		}
	}
	return false
}

func (d dialect) enrols(files map[string]*csvio.File) bool {
	for _, p := range d.enrol {
		if files[p.file] != nil {
			return true
		}
	}
	return false
}

// dialectOf tells OneRoster, Microsoft's School Data Sync 2.1 and its classic
// form apart by their files and columns.
func dialectOf(files map[string]*csvio.File) dialect {
	switch {
	case files["student.csv"] != nil || files["teacher.csv"] != nil:
		return classicSDS()
	case isSDS(files):
		d := oneRosterDialect()
		d.format = SourceSDS
		d.class.columns = map[string]string{"classCode": "code"}
		return d
	}
	return oneRosterDialect()
}

func oneRosterDialect() dialect {
	return dialect{
		format: SourceOneRoster, users: []part{{file: "users.csv"}}, orgs: part{file: "orgs.csv"}, roles: part{file: "roles.csv"},
		class: part{file: "classes.csv"}, enrol: []part{{file: "enrollments.csv"}},
	}
}

func classicSDS() dialect {
	person := func(file, role, mark string) part {
		return part{file: file, mark: mark, fixed: map[string]string{"role": role}, columns: map[string]string{
			"sourcedId": "SIS ID", "givenName": "First Name", "familyName": "Last Name", "username": "Username", "email": "Email",
			"grades": "Grade", "orgSourcedIds": "School SIS ID", "identifier": role + " Number", "role": "-", "status": "Status",
		}}
	}
	enrol := func(file, role, mark string) part {
		return part{file: file, mark: mark, fixed: map[string]string{"role": role}, columns: map[string]string{
			"classSourcedId": "Section SIS ID", "userSourcedId": "SIS ID", "role": "-",
		}}
	}
	return dialect{
		format: SourceSDS,
		users:  []part{person("student.csv", "Student", ""), person("teacher.csv", "Teacher", "teacher-")},
		orgs:   part{file: "school.csv", fixed: map[string]string{"type": "school"}, columns: map[string]string{"sourcedId": "SIS ID", "type": "-"}},
		roles:  part{file: "roles.csv"},
		class:  part{file: "section.csv", columns: map[string]string{"sourcedId": "SIS ID", "title": "Section Name", "classCode": "-"}},
		enrol:  []part{enrol("studentenrollment.csv", "student", ""), enrol("teacherroster.csv", "teacher", "teacher-")},
	}
}

// isSDS: School Data Sync has no manifest, and columns that OneRoster has not.
func isSDS(files map[string]*csvio.File) bool {
	if files["manifest.csv"] != nil {
		return false
	}
	return hasColumn(files["users.csv"], "activeDirectoryMatchId") || hasColumn(files["roles.csv"], "isPrimary") ||
		hasColumn(files["roles.csv"], "sessionSourcedId") || files["relationships.csv"] != nil
}

func hasColumn(f *csvio.File, name string) bool {
	if f == nil {
		return false
	}
	for _, h := range f.Header {
		if csvio.Plain(h) == csvio.Plain(name) {
			return true
		}
	}
	return false
}

// manifest tells which files are whole and which say only what changed.
func (o *oneRoster) manifest() {
	t := o.table(part{file: "manifest.csv"})
	t.each(func(r csvio.Row) {
		if file, ok := strings.CutPrefix(strings.ToLower(t.get(r, "propertyName")), "file."); ok {
			o.modes[file] = strings.ToLower(strings.TrimSpace(t.get(r, "value")))
		}
	})
	if o.delta("users") || o.modes["users"] == "absent" {
		o.roll.partial = true
	}
	if o.delta("enrollments") {
		o.roll.changes = &classChanges{members: map[string][]membership{}, homes: map[string]string{}, unhomed: map[string]string{}, renamed: map[string]string{}}
	}
}

func (o *oneRoster) delta(file string) bool { return o.modes[file] == "delta" }

// classChanges is what a roll of changes says of classes, by users' ids.
type classChanges struct {
	members map[string][]membership
	homes   map[string]string // registration class that somebody is in now
	unhomed map[string]string // and that somebody is not in any more
	renamed map[string]string // old name of a class → new one
	closed  []string
}

func (o *oneRoster) readClasses() {
	if o.modes["classes"] == "delta" || o.modes["classes"] == "absent" {
		for id, c := range o.past.classes {
			o.classes[id] = c
		}
	}
	t := o.table(o.how.class)
	t.all(func(r csvio.Row, gone bool) {
		id := t.get(r, "sourcedId")
		was, known := o.classes[id]
		if gone {
			delete(o.classes, id)
			if known && o.roll.changes != nil {
				o.roll.changes.closed = append(o.roll.changes.closed, was.name)
			}
			return
		}
		c := className(t, r)
		if known && was.name != c.name && o.roll.changes != nil {
			o.roll.changes.renamed[was.name] = c.name
		}
		o.classes[id] = c
	})
}

func className(t orTable, r csvio.Row) orClass {
	name := t.get(r, "classCode")
	homeroom := strings.EqualFold(t.get(r, "classType"), "homeroom")
	if name == "" || homeroom {
		name = firstOf(t.get(r, "title"), name)
	}
	return orClass{cut(clean(name), maxName), homeroom}
}

func (o *oneRoster) enrollments() {
	for _, p := range o.how.enrol {
		t := o.table(p)
		t.all(func(r csvio.Row, gone bool) { o.enrolment(t, r, gone) })
	}
	if ch := o.roll.changes; ch != nil {
		ch.members, ch.homes = o.member, o.home
	}
}

// enrolment is one user in one class, or in a roll of changes no longer in it.
func (o *oneRoster) enrolment(t orTable, r csvio.Row, gone bool) {
	changes := o.roll.changes
	if gone && changes == nil {
		return
	}
	class, ok := o.classes[t.get(r, "classSourcedId")]
	if !ok {
		if !gone {
			o.roll.warn(t.name, r.Line, "classSourcedId", "there is no class “%s” in %s; this enrolment was left out", cut(t.get(r, "classSourcedId"), 40), o.how.class.file)
		}
		return
	}
	user := t.get(r, "userSourcedId")
	teaches := !strings.EqualFold(t.get(r, "role"), "student")
	o.member[user] = append(o.member[user], membership{class.name, teaches, gone})
	switch {
	case !class.homeroom || teaches:
	case gone:
		changes.unhomed[user] = class.name
	default:
		o.home[user] = class.name
		o.roll.has["class"] = changes == nil
	}
}

// relationships is School Data Sync's file of who answers for whom.
func (o *oneRoster) relationships() {
	t := o.table(part{file: "relationships.csv"})
	t.each(func(r csvio.Row) {
		child, adult := t.get(r, "userSourcedId"), t.get(r, "relationshipUserSourcedId")
		if child == "" || adult == "" {
			return
		}
		o.guards[adult] = append(o.guards[adult], childRef{ref: child, relation: cut(strings.ToLower(clean(t.get(r, "relationshipRole"))), 60)})
	})
}

// keep notes what an export of changes would need, where this one knew it.
func (o *oneRoster) keep() {
	o.roll.classes = o.classes
}

// settle puts what a roll of changes says of classes to people whom it does
// not name otherwise: they were enrolled, or their class has a new name.
func (pl *plan) settle(r *roll, have *present, people []Person, today Day) {
	ch := r.changes
	if ch == nil {
		return
	}
	told := map[string]bool{}
	for _, row := range r.rows {
		told[row.person.Sourced] = true
	}
	for _, p := range people {
		if p.Sourced == "" || told[p.Sourced] || !p.Here(today) {
			continue
		}
		after := ch.class(p)
		if ch.members[p.Sourced] != nil || after.Class != p.Class {
			pl.settled(p, after, ch.members[p.Sourced])
		}
	}
	var lost []string
	for id := range ch.members {
		if _, known := have.by["sourced:"+strings.ToLower(id)]; !known && !told[id] {
			lost = append(lost, id)
		}
	}
	sort.Strings(lost)
	for _, id := range lost {
		r.warn("enrollments.csv", 0, "userSourcedId", "there is nobody “%s” on the roll; what the file says of their classes was left out", cut(id, 40))
	}
}

func (pl *plan) settled(before, after Person, classes []membership) {
	done := planned{row: &rollRow{file: "enrollments.csv", person: after, classes: classes}, before: before, after: after}
	pl.touched = append(pl.touched, done)
	if after.Class == before.Class {
		pl.same++
		return
	}
	done.fields = []string{"class"}
	pl.change = append(pl.change, done)
}

// class gives p the registration class that a roll of changes leaves them.
func (ch *classChanges) class(p Person) Person {
	if to, ok := ch.renamed[p.Class]; ok {
		p.Class = to
	}
	if from, ok := ch.unhomed[p.Sourced]; ok && strings.EqualFold(p.Class, from) {
		p.Class = ""
	}
	if to, ok := ch.homes[p.Sourced]; ok {
		p.Class = to
	}
	return p
}
