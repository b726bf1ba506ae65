package people

import (
	"errors"
	"fmt"
	"sort"
	"strings"

	"belisha/internal/kit/csvio"
)

// oneRoster reads OneRoster CSV, 1.1 with the roles in users.csv and 1.2 with
// the roles in roles.csv. Columns may stand in any order, and those that are
// not needed may be missing.
type oneRoster struct {
	files map[string]*csvio.File
	roll  *roll
	// site of an org's sourcedId
	sites map[string]string
	roles map[string]string // of 1.2: user → role
	// classes by sourcedId, and what each user is in
	classes map[string]orClass
	member  map[string][]membership
	home    map[string]string // a pupil's registration class
	guards  map[string][]childRef
	users   map[string]bool
}

type orClass struct {
	name     string
	homeroom bool
}

// orTable walks one file's rows by column name.
type orTable struct {
	name string
	file *csvio.File
	at   map[string]int
}

func (o *oneRoster) table(name string) orTable {
	f := o.files[name]
	t := orTable{name: name, file: f, at: map[string]int{}}
	if f == nil {
		return t
	}
	for i, h := range f.Header {
		t.at[csvio.Plain(h)] = i
	}
	for _, x := range f.Faults {
		if name == "users.csv" {
			o.roll.unreadable++
		}
		o.roll.refuse(name, x.Line, x.Field, "%s", x.Reason)
	}
	return t
}

func (t orTable) has(column string) bool {
	_, ok := t.at[csvio.Plain(column)]
	return ok
}

func (t orTable) get(r csvio.Row, column string) string {
	if i, ok := t.at[csvio.Plain(column)]; ok {
		return r.Cells[i]
	}
	return ""
}

// each calls fn with every row that is not marked as deleted.
func (t orTable) each(fn func(r csvio.Row)) {
	if t.file == nil {
		return
	}
	for _, r := range t.file.Rows {
		if !deletedStatus(t.get(r, "status")) {
			fn(r)
		}
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

func readOneRoster(files map[string]*csvio.File) (*roll, error) {
	users := files["users.csv"]
	if users == nil {
		return nil, errors.New("there is no users.csv here; a OneRoster export has one")
	}
	o := &oneRoster{
		files: files,
		roll: &roll{
			format: SourceOneRoster, encoding: users.Encoding, delimiter: csvio.DelimiterName(users.Delimiter),
			has: map[string]bool{"sourced": true, "class": false, "classes": files["enrollments.csv"] != nil},
		},
		sites: map[string]string{}, roles: map[string]string{}, classes: map[string]orClass{},
		member: map[string][]membership{}, home: map[string]string{}, guards: map[string][]childRef{}, users: map[string]bool{},
	}
	o.manifest()
	o.orgs()
	o.readRoles()
	o.readClasses()
	o.enrollments()
	if err := o.readUsers(); err != nil {
		return nil, err
	}
	o.guardians()
	o.sessions()
	return o.roll, nil
}

// manifest tells whether the files are the whole roll or only what changed.
func (o *oneRoster) manifest() {
	t := o.table("manifest.csv")
	t.each(func(r csvio.Row) {
		if strings.EqualFold(t.get(r, "propertyName"), "file.users") && strings.EqualFold(t.get(r, "value"), "delta") {
			o.roll.partial = true
		}
	})
}

// orgs gives each school a site. The only school is the main site.
func (o *oneRoster) orgs() {
	t := o.table("orgs.csv")
	names := map[string]string{}
	t.each(func(r csvio.Row) {
		if strings.EqualFold(t.get(r, "type"), "school") {
			names[t.get(r, "sourcedId")] = t.get(r, "name")
		}
	})
	for id, name := range names {
		o.sites[id] = MainSite
		if len(names) > 1 {
			o.sites[id] = siteName(name)
		}
	}
	o.roll.has["site"] = len(names) > 1
}

func (o *oneRoster) readRoles() {
	t := o.table("roles.csv")
	t.each(func(r csvio.Row) {
		id := t.get(r, "userSourcedId")
		if _, have := o.roles[id]; !have || strings.EqualFold(t.get(r, "roleType"), "primary") {
			o.roles[id] = t.get(r, "role")
		}
	})
}

func (o *oneRoster) readClasses() {
	t := o.table("classes.csv")
	t.each(func(r csvio.Row) {
		name := t.get(r, "classCode")
		homeroom := strings.EqualFold(t.get(r, "classType"), "homeroom")
		if name == "" || homeroom {
			name = firstOf(t.get(r, "title"), name)
		}
		o.classes[t.get(r, "sourcedId")] = orClass{cut(clean(name), maxName), homeroom}
	})
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (o *oneRoster) enrollments() {
	t := o.table("enrollments.csv")
	t.each(func(r csvio.Row) {
		class, ok := o.classes[t.get(r, "classSourcedId")]
		if !ok {
			o.roll.warn(t.name, r.Line, "classSourcedId", "there is no class “%s” in classes.csv; this enrolment was left out", cut(t.get(r, "classSourcedId"), 40))
			return
		}
		user := t.get(r, "userSourcedId")
		teaches := !strings.EqualFold(t.get(r, "role"), "student")
		o.member[user] = append(o.member[user], membership{class.name, teaches})
		if class.homeroom && !teaches {
			o.home[user] = class.name
			o.roll.has["class"] = true
		}
	})
}

func (o *oneRoster) readUsers() error {
	t := o.table("users.csv")
	for _, need := range []string{"sourcedId", "givenName", "familyName"} {
		if !t.has(need) {
			return fmt.Errorf("users.csv has no column %s; export it again as OneRoster 1.1", need)
		}
	}
	if !t.has("role") && len(o.roles) == 0 {
		return errors.New("users.csv has no column role, and there is no roles.csv; export it again as OneRoster 1.1")
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
		o.roll.refuse(t.name, r.Line, "sourcedId", "this person has no sourcedId, so the next roll could not know them again")
		return
	}
	role := firstOf(t.get(r, "role"), o.roles[id])
	kind, ok := parseKind(role)
	if !ok {
		o.roll.unreadable++
		o.roll.refuse(t.name, r.Line, "role", "“%s” is no role that Belisha knows; student, teacher, parent, administrator and their like are", cut(role, 40))
		return
	}
	p := Person{
		Kind: kind, Source: SourceOneRoster, Sourced: id,
		Given: t.get(r, "givenName"), Family: firstOf(t.get(r, "preferredFamilyName"), t.get(r, "familyName")), Preferred: t.get(r, "preferredGivenName"),
		Username: t.get(r, "username"), Email: t.get(r, "email"), Class: o.home[id], Site: o.siteOf(t, r),
		NoAccess: strings.EqualFold(t.get(r, "enabledUser"), "false"),
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
	grades := list(t.get(r, "grades"))
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
	orgs := append(list(t.get(r, "primaryOrgSourcedId")), list(t.get(r, "orgSourcedIds"))...)
	for _, org := range orgs {
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
	t := o.table("academicSessions.csv")
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
