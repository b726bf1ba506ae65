package people

import (
	"fmt"
	"io"
	"sort"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"belisha/internal/kit/csvio"
)

// rollFields are the columns of a roll and the names they go by in the
// exports that schools have. Where a file has two that fit, the earlier wins.
var rollFields = []csvio.Field{
	{Name: "kind", Names: []string{"Person type", "Role", "Type", "Category of person"}},
	{Name: "given", Names: []string{"Legal forename", "Legal first name", "Given name", "Forename", "First name", "Forenames", "First names", "Firstname"}},
	{Name: "family", Names: []string{"Legal surname", "Legal last name", "Family name", "Surname", "Last name", "Lastname", "Legal family name"}},
	{Name: "preferred", Names: []string{"Preferred forename", "Preferred first name", "Preferred given name", "Preferred name", "Known as", "Chosen name"}},
	{Name: "preferred_family", Names: []string{"Preferred surname", "Preferred last name", "Preferred family name", "Chosen surname"}},
	{Name: "name", Names: []string{"Full name", "Pupil name", "Student name", "Staff name", "Pupil", "Student"}},
	{Name: "born", Names: []string{"Date of birth", "DOB", "Birth date", "Birthday", "D.O.B."}},
	{Name: "username", Names: []string{"User name", "Login", "Logon name", "Network username", "Network user name", "sAMAccountName"}},
	{Name: "email", Names: []string{"Primary email", "Email address", "School email", "Work email", "E-mail", "Mail", "Primary email address", "Home email"}},
	{Name: "upn", Names: []string{"Unique pupil number", "UPN number"}},
	{Name: "mis", Names: []string{
		"Admission number", "Adno", "Admission no", "Adm no", "MIS id", "Staff code", "Staff id", "Employee number",
		"Payroll number", "Person id", "Student id", "Pupil id", "Student Arbor ID", "Arbor ID", "Staff Arbor ID", "Contact id", "External id", "Id",
	}},
	{Name: "year", Names: []string{"Year group", "NC year", "National curriculum year", "Curriculum year", "Yr", "YearGroup", "Grade", "NCyearActual"}},
	{Name: "class", Names: []string{"Registration group", "Registration form", "Reg group", "Reg", "Tutor group", "Form", "Class name", "Form group", "Tutor"}},
	{Name: "site", Names: []string{"Campus", "School site", "Building"}},
	{Name: "from", Names: []string{"Date of admission", "Admission date", "Date of entry", "Start date", "Date on roll", "DOA", "Date of arrival", "Joined"}},
	{Name: "until", Names: []string{"Date of leaving", "Leaving date", "Date left", "End date", "DOL", "Expected leaving date", "Leave date", "Date off roll"}},
	{Name: "status", Names: []string{"Enrolment status", "Enrollment status", "On roll", "Pupil status"}},
	{Name: "children", Names: []string{"Child UPN", "Child", "Pupil UPN", "Child admission number", "Pupils", "Child id", "Children's UPNs"}},
	{Name: "relation", Names: []string{"Relationship", "Relation to child", "Relationship to pupil", "Relationship to student"}},
	{Name: "responsible", Names: []string{"Parental responsibility", "PR", "Has parental responsibility"}},
	{Name: "order", Names: []string{"Contact priority", "Priority", "Contact order"}},
}

// rollProfile is how the columns of one kind of file are read.
type rollProfile struct {
	Columns map[string]string `toml:"columns" json:"columns"` // field → column
	Fixed   map[string]string `toml:"fixed" json:"fixed"`     // field → the value for all rows
}

// ParseProfile reads a mapping file:
//
//	upn    = "Unique number"     # field = column of the file
//	given  = "Chosen forename"
//	[fixed]
//	kind   = "staff"             # the same for every row
func ParseProfile(data []byte) (*rollProfile, error) {
	var raw map[string]any
	if err := toml.Unmarshal(data, &raw); err != nil {
		return nil, fmt.Errorf("the mapping file is not TOML: %w", err)
	}
	p := &rollProfile{Columns: map[string]string{}, Fixed: map[string]string{}}
	for key, v := range raw {
		switch x := v.(type) {
		case string:
			p.Columns[key] = x
		case map[string]any:
			if err := p.table(key, x); err != nil {
				return nil, err
			}
		default:
			return nil, fmt.Errorf("the mapping file: %s must be the name of a column in quotation marks", cut(key, 40))
		}
	}
	return p, p.checkFields()
}

func (p *rollProfile) table(name string, values map[string]any) error {
	into := p.Columns
	switch name {
	case "columns":
	case "fixed":
		into = p.Fixed
	default:
		return fmt.Errorf("the mapping file has a part called [%s]; it may have [columns] and [fixed]", cut(name, 40))
	}
	for k, v := range values {
		s, ok := v.(string)
		if !ok {
			return fmt.Errorf("the mapping file: %s must be words in quotation marks", cut(k, 40))
		}
		into[k] = s
	}
	return nil
}

func (p *rollProfile) checkFields() error {
	known := map[string]bool{}
	var names []string
	for _, f := range rollFields {
		known[f.Name] = true
		names = append(names, f.Name)
	}
	for _, m := range []map[string]string{p.Columns, p.Fixed} {
		keys := make([]string, 0, len(m))
		for k := range m {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		for _, k := range keys {
			if !known[k] {
				return fmt.Errorf("the mapping file names “%s”, which is nothing that is kept of a person; the names are: %s", cut(k, 40), strings.Join(names, ", "))
			}
		}
	}
	return nil
}

// readCSVRoll reads a roll from CSV. given is the mapping that the person at
// the machine named, or nil; saved looks up the mapping that an earlier file
// with the same columns was read with.
func readCSVRoll(r io.Reader, name string, given *rollProfile, saved func(fingerprint string) *rollProfile) (*roll, error) {
	f, err := csvio.Read(r, csvio.Usual)
	if err != nil {
		return nil, err
	}
	c := &csvRoll{file: f, name: name, roll: &roll{
		format: SourceCSV, encoding: f.Encoding, delimiter: csvio.DelimiterName(f.Delimiter), has: map[string]bool{},
		header: f.Header,
	}}
	if err := c.columns(given, saved); err != nil {
		return nil, err
	}
	for _, x := range f.Faults {
		c.roll.unreadable++
		c.roll.refuse(name, x.Line, x.Field, "%s", x.Reason)
	}
	for _, row := range f.Rows {
		c.row(row)
	}
	return c.roll, nil
}

type csvRoll struct {
	file  *csvio.File
	name  string
	at    map[string]int
	fixed map[string]string
	kind  Kind // of rows that do not say
	roll  *roll
}

// columns decides which column is which.
func (c *csvRoll) columns(given *rollProfile, saved func(string) *rollProfile) error {
	fp := csvio.Fingerprint(c.file.Header)
	use := given
	if use == nil && saved != nil {
		use = saved(fp)
	}
	c.at = csvio.Match(c.file.Header, rollFields)
	if use != nil {
		chosen, err := csvio.Choose(c.file.Header, use.Columns)
		if err != nil {
			return err
		}
		c.override(chosen)
		c.fixed = use.Fixed
	}
	c.dropOtherKinds(use)
	for f := range c.at {
		c.roll.has[f] = true
	}
	for f := range c.fixed {
		c.roll.has[f] = true
	}
	if !c.roll.has["name"] && (!c.roll.has["given"] || !c.roll.has["family"]) {
		return fmt.Errorf("no columns for the first and the family name were found; the columns are: %s. Name them in a mapping file (given = \"…\", family = \"…\")",
			cut(strings.Join(c.file.Header, ", "), 400))
	}
	kind, err := c.defaultKind()
	if err != nil {
		return err
	}
	c.kind = kind
	c.roll.profile = c.profile()
	return nil
}

// dropOtherKinds forgets a column that was taken for the kind by a loose name
// ("Type", "Role") when none of its cells names one: it is about something
// else.
func (c *csvRoll) dropOtherKinds(use *rollProfile) {
	i, ok := c.at["kind"]
	if !ok || csvio.Plain(c.file.Header[i]) == "kind" || (use != nil && use.Columns["kind"] != "") {
		return
	}
	for _, r := range c.file.Rows {
		if _, ok := parseKind(r.Cells[i]); ok {
			return
		}
	}
	delete(c.at, "kind")
}

// override puts the columns that a person chose before those found by name.
func (c *csvRoll) override(chosen map[string]int) {
	taken := map[int]bool{}
	for _, i := range chosen {
		taken[i] = true
	}
	for f, i := range c.at {
		if _, ok := chosen[f]; taken[i] && !ok {
			delete(c.at, f)
		}
	}
	for f, i := range chosen {
		c.at[f] = i
	}
}

func (c *csvRoll) profile() *rollProfile {
	p := &rollProfile{Columns: map[string]string{}, Fixed: c.fixed}
	for f, i := range c.at {
		p.Columns[f] = c.file.Header[i]
	}
	return p
}

// defaultKind is what the rows are where no column says it.
func (c *csvRoll) defaultKind() (Kind, error) {
	if c.roll.has["kind"] {
		return "", nil
	}
	header := map[string]bool{}
	for _, h := range c.file.Header {
		header[csvio.Plain(h)] = true
	}
	has := func(names ...string) bool {
		for _, n := range names {
			if header[n] {
				return true
			}
		}
		return false
	}
	switch {
	case c.roll.has["children"]:
		return Parent, nil
	case c.roll.has["upn"] || c.roll.has["year"]:
		return Pupil, nil
	case has("staffcode", "staffid", "jobtitle", "employeenumber", "payrollnumber", "staffname", "staffarborid"):
		return Staff, nil
	case c.roll.has["class"] || has("admissionnumber", "adno", "pupilname", "studentname", "pupil", "student"):
		return Pupil, nil
	}
	return "", fmt.Errorf("the file does not say whether these are pupils, staff or parents; add a column “Kind”, or write kind = \"…\" under [fixed] in a mapping file")
}

// value is a row's cell for a field.
func (c *csvRoll) value(row csvio.Row, field string) string {
	if i, ok := c.at[field]; ok {
		return row.Cells[i]
	}
	return c.fixed[field]
}

// column is what the file calls a field.
func (c *csvRoll) column(field string) string {
	if field == "given" || field == "family" {
		if _, ok := c.at[field]; !ok {
			field = "name"
		}
	}
	if i, ok := c.at[field]; ok {
		return c.file.Header[i]
	}
	return field
}

func (c *csvRoll) row(raw csvio.Row) {
	row := rollRow{file: c.name, line: raw.Line}
	kind, ok := c.kind, true
	if kind == "" {
		kind, ok = parseKind(c.value(raw, "kind"))
	}
	if !ok {
		c.roll.unreadable++
		c.roll.refuse(c.name, raw.Line, c.column("kind"), "“%s” is none of pupil, staff, parent, governor, visitor, contractor", cut(c.value(raw, "kind"), 40))
		return
	}
	row.person = Person{Kind: kind, Source: SourceCSV}
	c.names(raw, &row.person)
	p := &row.person
	p.Username, p.Email = c.value(raw, "username"), c.value(raw, "email")
	p.MIS, p.Class = c.value(raw, "mis"), c.value(raw, "class")
	if kind == Pupil {
		p.UPN = c.value(raw, "upn")
	}
	p.Site = siteName(c.value(raw, "site"))
	if !c.days(raw, p) || !c.year(raw, p) {
		return
	}
	status := strings.ToLower(c.value(raw, "status"))
	row.gone, row.second = goneStatus(status), kind == Pupil && (strings.Contains(status, "subsid") || strings.Contains(status, "guest"))
	if kind == Parent {
		row.children = c.children(raw)
	}
	if c.roll.check(&row, c.column) {
		c.roll.rows = append(c.roll.rows, row)
	}
}

func (c *csvRoll) names(raw csvio.Row, p *Person) {
	p.Given, p.Family = c.value(raw, "given"), c.value(raw, "family")
	if p.Given == "" && p.Family == "" {
		p.Given, p.Family = splitName(c.value(raw, "name"))
	}
	p.Preferred = c.value(raw, "preferred")
	// The name somebody is known by is the one to show; the legal family name
	// is not needed here.
	if known := c.value(raw, "preferred_family"); known != "" && p.Family != "" {
		p.Family = known
	}
}

func (c *csvRoll) days(raw csvio.Row, p *Person) bool {
	for _, d := range []struct {
		field string
		into  *Day
	}{{"born", &p.Born}, {"from", &p.From}, {"until", &p.Until}} {
		day, err := ParseDay(c.value(raw, d.field))
		if err != nil {
			c.roll.spoil(*p)
			c.roll.refuse(c.name, raw.Line, c.column(d.field), "%s", err)
			return false
		}
		*d.into = day
	}
	return true
}

func (c *csvRoll) year(raw csvio.Row, p *Person) bool {
	if p.Kind != Pupil {
		return true
	}
	y, err := ParseYear(c.value(raw, "year"))
	if err != nil {
		c.roll.spoil(*p)
		c.roll.refuse(c.name, raw.Line, c.column("year"), "%s", err)
		return false
	}
	p.Year = y
	return true
}

// children reads a parent's child or children: several ids are parted by
// semicolons, commas or spaces.
func (c *csvRoll) children(raw csvio.Row) []childRef {
	order, err := strconv.Atoi(strings.TrimSpace(c.value(raw, "order")))
	if err != nil || order < 0 || order > 99 {
		order = 0
	}
	var out []childRef
	for _, ref := range strings.FieldsFunc(c.value(raw, "children"), func(r rune) bool { return strings.ContainsRune(";,| ", r) }) {
		out = append(out, childRef{
			ref: ref, relation: cut(clean(c.value(raw, "relation")), 60),
			responsible: isYes(c.value(raw, "responsible")), order: order,
		})
	}
	return out
}

// goneStatus reports whether a roll's status means that somebody has left.
func goneStatus(s string) bool {
	switch strings.ToLower(strings.Join(strings.Fields(s), "")) {
	case "left", "leaver", "former", "offroll", "off-roll", "withdrawn", "ceased", "no", "n", "inactive":
		return true
	}
	return false
}
