package people

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ctfFields is where our fields stand in a pupil of the file.
var ctfFields = map[string]string{
	"given": "Forename", "family": "Surname", "preferred": "BasicDetails/PreferredForename", "preferred_family": "BasicDetails/PreferredSurname",
	"born": "DOB", "upn": "UPN", "former": "BasicDetails/FormerUPN", "year": "BasicDetails/NCyearActual",
}

var ctfWanted = func() map[string]bool {
	out := map[string]bool{}
	for _, path := range ctfFields {
		out[path] = true
	}
	return out
}()

const ctfContact = "Contacts/Contact"

// ctfColumn is what the file calls a field.
func ctfColumn(field string) string {
	path := ctfFields[field]
	if path == "" {
		return field
	}
	return path[strings.LastIndexByte(path, '/')+1:]
}

// pupil reads one pupil with their contacts. What else the file tells of a
// child (health, needs, attendance, ethnicity) is not kept.
func (c *ctfReader) pupil() error {
	line, _ := c.x.InputPos()
	c.pupils++
	if c.pupils > maxCTFRows {
		return fmt.Errorf("it has more than %d pupils; no school has so many", maxCTFRows)
	}
	got := map[string]string{}
	var list []map[string]string
	now := map[string]string{}
	err := c.element(func(path, text string) {
		if rest, ok := strings.CutPrefix(path, ctfContact+"/"); ok {
			now[rest] = text
		} else if ctfWanted[path] {
			got[path] = text
		}
	}, func(path string) {
		if path != ctfContact {
			return
		}
		if len(list) < maxContacts {
			list = append(list, now)
		}
		now = map[string]string{}
	})
	if err != nil {
		return err
	}
	c.row(line, got, list)
	return nil
}

// row makes a roll's row of a pupil.
func (c *ctfReader) row(line int, got map[string]string, list []map[string]string) {
	get := func(field string) string { return got[ctfFields[field]] }
	p := Person{
		Kind: Pupil, Source: SourceCTF, Given: get("given"), Family: firstOf(get("preferred_family"), get("family")), Preferred: get("preferred"), UPN: get("upn"),
	}
	born, err := ParseDay(get("born"))
	if err != nil {
		c.roll.spoil(p)
		c.roll.refuse(c.name, line, "DOB", "%s", err)
		return
	}
	p.Born = born
	if p.Year, err = ParseYear(get("year")); err != nil {
		// Some write M or X for a child who follows no year: the row is good,
		// and without a year the strictest rules hold.
		c.roll.warn(c.name, line, "NCyearActual", "%s", err)
	}
	row := rollRow{file: c.name, line: line, person: p, former: strings.ToUpper(get("former"))}
	if !c.roll.check(&row, ctfColumn) {
		return
	}
	c.roll.rows = append(c.roll.rows, row)
	for _, x := range list {
		c.contact(line, row.person.UPN, x)
	}
}

// contacts are the parents that the pupils of a file name. The file has no
// numbers for them: two of one name are one person where an address, a
// telephone number or an e-mail address is the same.
type contacts struct {
	rows   []rollRow
	at     map[string]int
	others int
}

// relations are the file's words for who somebody is to a child.
var relations = map[string]string{
	"PAM": "mother", "PAF": "father", "STP": "step-parent", "STM": "step-mother", "STF": "step-father", "FOS": "foster carer", "FOM": "foster mother", "FOF": "foster father",
	"GPA": "grandparent", "FAM": "family", "REL": "relative", "CAR": "carer", "OTH": "other",
}

// strangers are contacts who are nobody's parent or carer.
var strangers = []string{"DOC", "SWR", "HTC", "TCH", "CHM", "RLG", "OTH"}

func (c *ctfReader) contact(line int, upn string, x map[string]string) {
	code := strings.ToUpper(x["Relationship"])
	responsible := isYes(firstOf(firstOf(x["Responsibility"], x["ParentalResponsibility"]), x["Responsible"]))
	if !responsible && slices.Contains(strangers, code) {
		c.folk.others++
		return
	}
	p := Person{Kind: Parent, Source: SourceCTF, Given: x["Forename"], Family: x["Surname"], Email: firstOf(x["Email"], x["Address/Email"])}
	if upn == "" {
		c.roll.warn(c.name, line, "UPN", "this pupil has no unique pupil number, so %s was not tied to them; do it on the person's page", cut(clean(p.Name()), 80))
		return
	}
	order, err := strconv.Atoi(x["Order"])
	if err != nil || order < 0 || order > 99 {
		order = 0
	}
	relation, ok := relations[code]
	if !ok {
		relation = cut(clean(x["Relationship"]), 60)
	}
	child := childRef{ref: upn, relation: relation, responsible: responsible, order: order}
	row := rollRow{file: c.name, line: line, person: p, children: []childRef{child}}
	if !c.roll.check(&row, ctfColumn) {
		return
	}
	c.folk.put(row, x)
}

// put adds a contact, or the child to one who is there already.
func (f *contacts) put(row rollRow, x map[string]string) {
	var keys []string
	for path, text := range x {
		same := path == "Email" || strings.HasSuffix(path, "/Email") || strings.HasSuffix(path, "PhoneNo") || strings.HasSuffix(path, "TelephoneNumber") || strings.HasSuffix(path, "PostCode")
		if same {
			keys = append(keys, nameKey(row.person)+"|"+strings.ToLower(strings.ReplaceAll(text, " ", "")))
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		if i, ok := f.at[k]; ok {
			f.rows[i].children = append(f.rows[i].children, row.children...)
			return
		}
	}
	for _, k := range keys {
		f.at[k] = len(f.rows)
	}
	f.rows = append(f.rows, row)
}

// errNotXML is for a file that was said to be one and is not.
var errNotXML = errors.New("it is not XML, and a Common Transfer File is; look at which file it is")
