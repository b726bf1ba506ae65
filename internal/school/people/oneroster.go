package people

import (
	"errors"
	"fmt"
	"sort"
	"strings"

	"belisha/internal/kit/csvio"
)

// oneRoster reads OneRoster CSV, 1.1 with the roles in users.csv and 1.2 with
// the roles in roles.csv, and the exports that are much like it (see dialect).
// Columns may stand in any order, and those that are not needed may be missing.
type oneRoster struct {
	files map[string]*csvio.File
	roll  *roll
	how   dialect
	past  past
	modes map[string]string // of the manifest: file → bulk, delta, absent
	// site of an org's sourcedId
	sites map[string]string
	roles map[string]orRole
	born  map[string]Day
	// classes by sourcedId, and what each user is in
	classes map[string]orClass
	member  map[string][]membership
	home    map[string]string // a pupil's registration class
	guards  map[string][]childRef
	users   map[string]bool
}

// orRole is what a file of roles says of a user.
type orRole struct{ role, org, grade string }

type orClass struct {
	name     string
	homeroom bool
}

// orTable walks one file's rows by column name.
type orTable struct {
	part
	name string
	file *csvio.File
	at   map[string]int
}

func (o *oneRoster) table(p part) orTable {
	f := o.files[p.file]
	t := orTable{part: p, name: p.file, file: f, at: map[string]int{}}
	if f == nil {
		return t
	}
	for i, h := range f.Header {
		t.at[csvio.Plain(h)] = i
	}
	for _, x := range f.Faults {
		if o.how.people(p.file) {
			o.roll.unreadable++
		}
		o.roll.refuse(p.file, x.Line, x.Field, "%s", x.Reason)
	}
	return t
}

func (t orTable) has(column string) bool {
	_, ok := t.at[csvio.Plain(t.column(column))]
	return ok || t.fixed[column] != ""
}

func (t orTable) get(r csvio.Row, column string) string {
	if i, ok := t.at[csvio.Plain(t.column(column))]; ok {
		return t.id(column, r.Cells[i])
	}
	return t.fixed[column]
}

// each calls fn with every row that is not marked as deleted.
func (t orTable) each(fn func(r csvio.Row)) {
	t.all(func(r csvio.Row, gone bool) {
		if !gone {
			fn(r)
		}
	})
}

// all calls fn with every row, and whether it is marked as deleted.
func (t orTable) all(fn func(r csvio.Row, gone bool)) {
	if t.file == nil {
		return
	}
	for _, r := range t.file.Rows {
		fn(r, deletedStatus(t.get(r, "status")))
	}
}

func deletedStatus(s string) bool {
	w := strings.ToLower(s)
	return w == "tobedeleted" || w == "inactive"
}

// list parts a cell of several ids.
func list(cell string) []string {
	var out []string
	for _, s := range strings.Split(cell, ",") {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

func readOneRoster(files map[string]*csvio.File, known past) (*roll, error) {
	o := &oneRoster{
		files: files, how: dialectOf(files), past: known, modes: map[string]string{},
		sites: map[string]string{}, roles: map[string]orRole{}, born: map[string]Day{}, classes: map[string]orClass{},
		member: map[string][]membership{}, home: map[string]string{}, guards: map[string][]childRef{}, users: map[string]bool{},
	}
	o.roll = &roll{
		format: o.how.format, encoding: "UTF-8", delimiter: "comma", keepsRights: true,
		has: map[string]bool{"sourced": true, "class": false, "classes": o.how.enrols(files)},
	}
	o.manifest()
	if err := o.complete(); err != nil {
		return nil, err
	}
	o.orgs()
	o.readRoles()
	o.readBirths()
	o.readClasses()
	o.enrollments()
	for _, p := range o.how.users {
		if err := o.readUsers(o.table(p)); err != nil {
			return nil, err
		}
	}
	o.relationships()
	o.guardians()
	o.sessions()
	o.keep()
	return o.roll, nil
}

// complete looks whether the people are there, as they must be unless the
// export only tells what has changed.
func (o *oneRoster) complete() error {
	there := false
	for _, p := range o.how.users {
		if f := o.files[p.file]; f != nil {
			there = true
			o.roll.encoding, o.roll.delimiter = f.Encoding, csvio.DelimiterName(f.Delimiter)
		}
	}
	if !there && !o.roll.partial {
		return errors.New("there is no users.csv with people in it here; a OneRoster or School Data Sync export has one")
	}
	return nil
}

// orgs gives each school a site. The only school is the main site.
func (o *oneRoster) orgs() {
	t := o.table(o.how.orgs)
	names := map[string]string{}
	if o.delta("orgs") || o.modes["orgs"] == "absent" {
		for id, name := range o.past.orgs {
			names[id] = name
		}
	}
	t.all(func(r csvio.Row, gone bool) {
		if strings.EqualFold(t.get(r, "type"), "school") {
			names[t.get(r, "sourcedId")] = cut(clean(t.get(r, "name")), maxName)
		}
		if gone {
			delete(names, t.get(r, "sourcedId"))
		}
	})
	for id, name := range names {
		o.sites[id] = MainSite
		if len(names) > 1 {
			o.sites[id] = siteName(name)
		}
	}
	o.roll.has["site"] = len(names) > 1
	o.roll.orgs = names
}

func (o *oneRoster) readRoles() {
	t := o.table(o.how.roles)
	t.each(func(r csvio.Row) {
		id := t.get(r, "userSourcedId")
		first := strings.EqualFold(t.get(r, "roleType"), "primary") || isYes(t.get(r, "isPrimary"))
		if _, have := o.roles[id]; !have || first {
			o.roles[id] = orRole{t.get(r, "role"), t.get(r, "orgSourcedId"), t.get(r, "grade")}
		}
	})
}

// readBirths takes nothing but the day of birth, which tells two of one name
// apart.
func (o *oneRoster) readBirths() {
	t := o.table(part{file: "demographics.csv"})
	t.each(func(r csvio.Row) {
		if d, err := ParseDay(t.get(r, "birthDate")); err == nil && d != "" {
			o.born[firstOf(t.get(r, "userSourcedId"), t.get(r, "sourcedId"))] = d
		}
	})
	o.roll.has["born"] = len(o.born) > 0
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (o *oneRoster) readUsers(t orTable) error {
	if t.file == nil {
		return nil
	}
	for _, need := range []string{"sourcedId", "givenName", "familyName"} {
		if !t.has(need) {
			return fmt.Errorf("%s has no column %s; export it again as OneRoster 1.1 or 1.2, or as School Data Sync", t.name, t.column(need))
		}
	}
	if !t.has("role") && len(o.roles) == 0 && !o.roll.partial {
		return errors.New("users.csv has no column role, and there is no roles.csv; export it again as OneRoster 1.1 or 1.2")
	}
	for field, column := range orColumns {
		if t.has(column) {
			o.roll.has[field] = true
		}
	}
	for _, r := range t.file.Rows {
		o.user(t, r)
	}
	return nil
}

// orColumns is what OneRoster calls our fields.
var orColumns = map[string]string{
	"given": "givenName", "family": "familyName", "preferred": "preferredGivenName", "username": "username", "email": "email",
	"upn": "identifier", "mis": "identifier", "sourced": "sourcedId", "year": "grades", "site": "orgSourcedIds", "kind": "role",
	"no_access": "enabledUser",
}

func orColumn(field string) string {
	if c, ok := orColumns[field]; ok {
		return c
	}
	return field
}

func (o *oneRoster) user(t orTable, r csvio.Row) {
	id := t.get(r, "sourcedId")
	if id == "" {
		o.roll.unreadable++
		o.roll.refuse(t.name, r.Line, t.column("sourcedId"), "this person has no sourcedId, so the next roll could not know them again")
		return
	}
	kind, ok := o.kind(t, r, id)
	if !ok {
		return
	}
	p := Person{
		Kind: kind, Source: o.how.format, Sourced: id,
		Given: t.get(r, "givenName"), Family: firstOf(firstOf(t.get(r, "preferredFamilyName"), t.get(r, "preferredLastName")), t.get(r, "familyName")),
		Preferred: firstOf(t.get(r, "preferredGivenName"), t.get(r, "preferredFirstName")),
		Username:  t.get(r, "username"), Email: t.get(r, "email"), Class: o.home[id], Site: o.siteOf(t, r), Born: o.born[id],
		NoAccess: strings.EqualFold(t.get(r, "enabledUser"), "false"),
	}
	if p.Email == "" && plausibleMail(p.Username) {
		p.Email = p.Username // a sign-in name of Entra is an address
	}
	o.ids(t, r, &p)
	if kind == Pupil && !o.grade(t, r, &p) {
		return
	}
	row := rollRow{file: t.name, line: r.Line, person: p, gone: deletedStatus(t.get(r, "status")), classes: o.member[id]}
	if !o.roll.check(&row, orColumn) {
		return
	}
	o.users[id] = true
	o.agents(t, r, kind)
	o.roll.rows = append(o.roll.rows, row)
}

// kind is what a user is, by the row, the file of roles, or, where only
// changes are told, by what they were.
func (o *oneRoster) kind(t orTable, r csvio.Row, id string) (Kind, bool) {
	role := firstOf(t.get(r, "role"), o.roles[id].role)
	if role == "" && o.roll.partial && o.past.kind != nil {
		if k := o.past.kind(id); k != "" {
			return k, true
		}
	}
	kind, ok := parseKind(role)
	if !ok {
		o.roll.unreadable++
		o.roll.refuse(t.name, r.Line, "role", "“%s” is no role that Belisha knows; student, teacher, parent, administrator and their like are", cut(role, 40))
	}
	return kind, ok
}

// ids finds the unique pupil number where producers put it: in identifier, or
// in userIds as {Type:value}.
func (o *oneRoster) ids(t orTable, r csvio.Row, p *Person) {
	ident := t.get(r, "identifier")
	if p.Kind == Pupil {
		for _, s := range append([]string{ident}, userIDs(t.get(r, "userIds"))...) {
			if _, shaped := upnFault(strings.ToUpper(s)); shaped {
				p.UPN = s
				break
			}
		}
	}
	if !strings.EqualFold(ident, p.UPN) && len(ident) <= maxID {
		p.MIS = ident
	}
}

func userIDs(cell string) []string {
	var out []string
	for _, s := range list(cell) {
		s = strings.Trim(s, "{}")
		if _, v, ok := strings.Cut(s, ":"); ok {
			out = append(out, strings.TrimSpace(v))
		}
	}
	return out
}

// grade reads the first year group of the list.
func (o *oneRoster) grade(t orTable, r csvio.Row, p *Person) bool {
	grades := list(firstOf(t.get(r, "grades"), o.roles[p.Sourced].grade))
	if len(grades) == 0 {
		return true
	}
	y, err := ParseYear(grades[0])
	if err != nil {
		o.roll.spoil(*p)
		o.roll.refuse(t.name, r.Line, "grades", "%s", err)
		return false
	}
	p.Year = y
	return true
}

func (o *oneRoster) siteOf(t orTable, r csvio.Row) string {
	orgs := append(list(t.get(r, "primaryOrgSourcedId")), o.roles[t.get(r, "sourcedId")].org)
	for _, org := range append(orgs, list(t.get(r, "orgSourcedIds"))...) {
		if s, ok := o.sites[org]; ok {
			return s
		}
	}
	return MainSite
}

// agents notes who answers for whom. Producers write a pupil's parents, a
// parent's children, or both.
func (o *oneRoster) agents(t orTable, r csvio.Row, kind Kind) {
	id := t.get(r, "sourcedId")
	for i, other := range list(t.get(r, "agentSourcedIds")) {
		if kind == Pupil {
			o.guards[other] = append(o.guards[other], childRef{ref: id, order: min(i+1, 99)})
		} else {
			o.guards[id] = append(o.guards[id], childRef{ref: other})
		}
	}
}

// guardians hands each parent the children that were noted. OneRoster does
// not say who holds parental responsibility; the office does, on the
// person's page.
func (o *oneRoster) guardians() {
	for i := range o.roll.rows {
		if row := &o.roll.rows[i]; row.person.Kind != Pupil {
			o.handChildren(row)
		}
	}
	var lost []string
	for id := range o.guards {
		if !o.users[id] {
			lost = append(lost, id)
		}
	}
	sort.Strings(lost)
	if o.roll.partial {
		// They may be here already: the export tells only what changed.
		o.roll.ties = map[string][]childRef{}
		for _, id := range lost {
			o.roll.ties[id], o.roll.has["children"] = o.guards[id], true
		}
		return
	}
	for _, id := range lost {
		o.roll.warn("users.csv", 0, "agentSourcedIds", "there is no user “%s”, who is named as somebody's parent or carer", cut(id, 40))
	}
}

func (o *oneRoster) handChildren(row *rollRow) {
	seen := map[string]bool{}
	for _, c := range o.guards[row.person.Sourced] {
		if !seen[c.ref] {
			seen[c.ref] = true
			row.children = append(row.children, c)
			o.roll.has["children"] = true
		}
	}
}

// sessions says that the roll knows the terms. They are not taken over: a
// roll that names only this term would make every later day a holiday.
func (o *oneRoster) sessions() {
	t := o.table(part{file: "academicSessions.csv"})
	n := 0
	t.each(func(r csvio.Row) {
		if strings.EqualFold(t.get(r, "type"), "term") {
			n++
		}
	})
	if n > 0 {
		o.roll.warn("academicSessions.csv", 0, "type", "the file names %d terms; enter the terms of the whole year on the calendar page", n)
	}
}
