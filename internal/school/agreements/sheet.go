package agreements

import (
	"embed"
	"slices"

	"belisha/internal/school/people"
)

// Sheet is one set of rules that an audience signs.
type Sheet string

// The sheets.
const (
	StaffSheet    Sheet = "staff"
	GovernorSheet Sheet = "governor"
	VisitorSheet  Sheet = "visitor"
	YoungSheet    Sheet = "pupil-young"
	OlderSheet    Sheet = "pupil-older"
	ParentSheet   Sheet = "parent"
	HomeSheet     Sheet = "home-school"
	ExternalSheet Sheet = "external"
)

// SheetInfo says what a sheet is.
type SheetInfo struct {
	Sheet Sheet
	Title string // as lists call it
	Who   string // who signs it: "staff"
	Item  string // its name in the setting agreements.audiences
	// Required are the clauses that an edition must have; one that is left out
	// needs a reason, and C34 shows it.
	Required []string
}

// noticeClause is the clause in which people are told that use is monitored.
const noticeClause = "monitored"

// Sheets is every sheet, in the order that pages list them.
var Sheets = []SheetInfo{
	{StaffSheet, "Rules for staff", "staff", "staff", []string{noticeClause, "phones", "pupil-photos", "data-security", "passwords", "access"}},
	{GovernorSheet, "Rules for governors", "governors", "governors", []string{noticeClause}},
	{VisitorSheet, "Rules for visitors and contractors", "visitors and contractors", "visitors", []string{noticeClause}},
	{YoungSheet, "Rules for younger pupils", "pupils up to key stage 2", "pupils", []string{noticeClause}},
	{OlderSheet, "Rules for older pupils", "pupils from key stage 3", "pupils", []string{noticeClause}},
	{ParentSheet, "Parents' agreement", "parents, for each child", "parents", []string{noticeClause}},
	{HomeSheet, "Home-school agreement", "parents, for each child", "home-school", nil},
	{ExternalSheet, "Rules for outside groups", "outside groups", "external", nil},
}

// Info returns what is known of the sheet.
func (s Sheet) Info() (SheetInfo, bool) {
	i := slices.IndexFunc(Sheets, func(x SheetInfo) bool { return x.Sheet == s })
	if i < 0 {
		return SheetInfo{}, false
	}
	return Sheets[i], true
}

// Title is what lists call the sheet.
func (s Sheet) Title() string {
	i, _ := s.Info()
	return i.Title
}

// forPupils reports whether a sheet is a pupil's own rules.
func (s Sheet) forPupils() bool { return s == YoungSheet || s == OlderSheet }

// ticked reports whether each clause has its own box.
func (s Sheet) ticked() bool { return s == StaffSheet }

//go:embed starters/*.md
var starters embed.FS

// Starter is the text that ships for a sheet. The school edits it.
func Starter(s Sheet) string {
	text, err := starters.ReadFile("starters/" + string(s) + ".md")
	if err != nil {
		return ""
	}
	return string(text)
}

// Role is in what part somebody signs.
type Role string

// The roles.
const (
	Self   Role = "self"   // for themselves
	Parent Role = "parent" // a parent, for a child
)

// Words says the role as pages do.
func (r Role) Words() string {
	if r == Parent {
		return "by a parent"
	}
	return "themselves"
}

// need is one signature that somebody's record must have.
type need struct {
	Sheet Sheet
	Role  Role
}

// sheetOf is the sheet that a person signs about themselves, "" for none.
// Pupils whose year is not known get the younger ones' words.
func sheetOf(p people.Person) Sheet {
	switch p.Kind {
	case people.Staff:
		return StaffSheet
	case people.Governor:
		return GovernorSheet
	case people.Visitor, people.Contractor:
		return VisitorSheet
	case people.Pupil:
		switch p.Stage() {
		case people.KS3, people.KS4, people.KS5:
			return OlderSheet
		default:
			return YoungSheet
		}
	}
	return ""
}

// The rules of who signs for a pupil.
const (
	signerPupil  = "pupil"
	signerKS1    = "parent-ks1"
	signerParent = "parent-all"
	signerBoth   = "both"
)

// pupilRoles says who signs a pupil's rules. Where the year is not known, the
// pupil counts as young.
func pupilRoles(rule string, p people.Person) []Role {
	switch rule {
	case signerPupil:
		return []Role{Self}
	case signerParent:
		return []Role{Parent}
	case signerBoth:
		return []Role{Self, Parent}
	}
	switch p.Stage() {
	case people.EYFS, people.KS1, "":
		return []Role{Parent}
	}
	return []Role{Self}
}

// needsOf is every signature that a person's record must have, by the
// school's settings.
func needsOf(p people.Person, rule string, audiences []string) []need {
	has := func(item string) bool { return slices.Contains(audiences, item) }
	own := sheetOf(p)
	info, ok := own.Info()
	if !ok {
		return nil
	}
	var out []need
	if has(info.Item) {
		roles := []Role{Self}
		if p.Kind == people.Pupil {
			roles = pupilRoles(rule, p)
		}
		for _, r := range roles {
			out = append(out, need{own, r})
		}
	}
	if p.Kind != people.Pupil {
		return out
	}
	for _, s := range []Sheet{ParentSheet, HomeSheet} {
		if i, _ := s.Info(); has(i.Item) {
			out = append(out, need{s, Parent})
		}
	}
	return out
}
