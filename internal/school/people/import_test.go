package people_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"

	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/school/people"
)

const pupils = `UPN,Surname,Forename,Year,Reg,DOB
P999123416000,Moss,Ava,Year 4,4B,09/02/2018
V999123422001,Ward,Zoë,Year 4,4B,14/07/2018
E99912342000F,O'Hara,Kit,R,RA,2021-09-21
`

func names(list []people.Named) []string {
	out := []string{}
	for _, n := range list {
		out = append(out, n.Name)
	}
	return out
}

func TestARollBringsInJoinersChangesAndLeavers(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		r := s.roll(pupils)
		if diff := cmp.Diff([]string{"Ava Moss", "Zoë Ward", "Kit O'Hara"}, names(r.Joiners)); diff != "" {
			t.Fatal(diff)
		}
		if len(r.Refused) != 0 || r.Encoding != "UTF-8" || r.Delimiter != "comma" {
			t.Errorf("report: %+v", r)
		}
		next := strings.Replace(pupils, "Year 4,4B,14", "Year 5,5A,14", 1)
		next = next[:strings.Index(next, "E999")] + "G999123416003,Lake,Bea,5,5A,\n"
		r = s.roll(next)
		if diff := cmp.Diff([]string{"Bea Lake"}, names(r.Joiners)); diff != "" {
			t.Error("joiners", diff)
		}
		if diff := cmp.Diff([]string{"Kit O'Hara"}, names(r.Leavers)); diff != "" {
			t.Error("leavers", diff)
		}
		if len(r.Changed) != 1 || r.Changed[0].Name != "Zoë Ward" || cmp.Diff([]string{"year", "class"}, r.Changed[0].Fields) != "" || r.Unchanged != 1 {
			t.Errorf("changed %+v, unchanged %d", r.Changed, r.Unchanged)
		}
		if got := s.find("o'hara").Until; got != "2026-11-23" {
			t.Errorf("the leaver's last day is %q", got)
		}
		// back again
		r = s.roll(pupils)
		if diff := cmp.Diff([]string{"Kit O'Hara"}, names(r.Joiners)); diff == "" {
			t.Error("somebody whose last day is today is still here, and no joiner")
		}
		s.clock.Advance(48 * 3600e9)
		s.roll(next)
		s.clock.Advance(48 * 3600e9)
		r = s.roll(pupils)
		if diff := cmp.Diff([]string{"Kit O'Hara"}, names(r.Joiners)); diff != "" {
			t.Error("coming back", diff)
		}
		if got := s.find("o'hara").Until; got != "" {
			t.Errorf("back, and still leaving on %q", got)
		}
		s.whole()
	})
}

func TestOneImportIsOneJournalLineWithoutNames(t *testing.T) {
	s := newSchool(t)
	r := s.roll(pupils)
	lines, err := s.journal.List(s.ctx, journal.Filter{})
	if err != nil || len(lines) != 1 || lines[0].Verb != people.VerbImported || lines[0].ID != r.ID {
		t.Fatalf("%+v, %v", lines, err)
	}
	for _, name := range []string{"Moss", "Ward", "P9991"} {
		if strings.Contains(string(lines[0].Detail), name) {
			t.Errorf("the line tells %s", name)
		}
	}
	kept, err := s.GetImport(s.ctx, r.ID)
	if err != nil || len(kept.Result.Joiners) != 3 || kept.Digest == "" {
		t.Errorf("kept report: %+v, %v", kept, err)
	}
}

func TestADryRunChangesNothing(t *testing.T) {
	s := newSchool(t)
	r := s.bring(people.Options{Path: s.file("roll.csv", pupils), DryRun: true})
	if len(r.Joiners) != 3 || !r.DryRun {
		t.Errorf("%+v", r)
	}
	if _, n, err := s.List(s.ctx, people.Filter{When: people.WhenAll}); n != 0 || err != nil {
		t.Errorf("%d people after a dry run, %v", n, err)
	}
	if lines, _ := s.journal.List(s.ctx, journal.Filter{}); len(lines) != 0 {
		t.Errorf("journal: %+v", lines)
	}
}

func TestEveryRefusedRowSaysWhereAndWhy(t *testing.T) {
	s := newSchool(t)
	s.add(people.Person{Kind: people.Staff, Given: "Al", Family: "Reed", Username: "areed"})
	r := s.roll(`UPN,Adno,Surname,Forename,Year,DOB,Username,Email
P999123416000,1,Moss,Ava,Year 4,09/02/2018,,
V999123422001,2,Ward,Zoë,Year 4,31/02/2018,,
E99912342000F,3,Hope,Kit,Year 44,21/09/2021,,
G999123416003,4,Lake,,Year 5,,,
P999123416000,5,Moss,Eva,Year 4,,,
X99912341600,6,Dale,Rui,Year 1,,,not-an-address
A999123416000,7,Fell,Ann,Year 2,,,
,8,Gill,Bo,Year 3,,areed,
,9,Gi"ll,Bo,Year 3,,,
,10,Hart,Cy,Year 3,,,
`)
	type where struct {
		Line  int
		Field string
		Why   string
	}
	want := []where{
		{10, "Surname", "quotation mark"},
		{3, "DOB", "not a day in the calendar"},
		{4, "Year", "not a year group"},
		{5, "Forename", "first name"},
		{6, "upn", "line 2"},
		{9, "kind", "Al Reed is here as staff"},
	}
	if len(r.Refused) != len(want) {
		t.Fatalf("refused %+v", r.Refused)
	}
	for i, w := range want {
		g := r.Refused[i]
		if g.File != "roll.csv" || g.Line != w.Line || !strings.EqualFold(g.Field, w.Field) || !strings.Contains(g.Reason, w.Why) {
			t.Errorf("got %+v, want %+v", g, w)
		}
	}
	if diff := cmp.Diff([]string{"Ava Moss", "Rui Dale", "Ann Fell", "Cy Hart"}, names(r.Joiners)); diff != "" {
		t.Error(diff)
	}
	told := fmt.Sprint(r.Warnings)
	for _, w := range []string{"13 places", "check letter", "not an e-mail address"} {
		if !strings.Contains(told, w) {
			t.Errorf("no warning of %q in %s", w, told)
		}
	}
	s.whole()
}

func TestAMistypedRowDoesNotPutAChildOffTheRoll(t *testing.T) {
	s := newSchool(t)
	s.roll(pupils)
	r := s.roll(strings.Replace(pupils, "14/07/2018", "14/17/2018", 1))
	if len(r.Refused) != 1 || len(r.Leavers) != 0 {
		t.Errorf("refused %+v, leavers %+v", r.Refused, r.Leavers)
	}
	r = s.roll(strings.Replace(pupils, "Zoë", `Zo"e`, 1))
	if len(r.Refused) != 1 || len(r.Leavers) != 0 || len(r.Warnings) != 1 {
		t.Errorf("an unreadable row: refused %+v, leavers %+v, warnings %+v", r.Refused, r.Leavers, r.Warnings)
	}
}

func manyPupils(n int) string {
	var b strings.Builder
	b.WriteString("Admission number,Surname,Forename,Year group\n")
	for i := range n {
		fmt.Fprintf(&b, "%d,Name%c,Given%d,%d\n", 100+i, 'a'+i%26, i, i%6+1)
	}
	return b.String()
}

func TestARollWithFewOfThePupilsIsHeldUntilSomebodyLooked(t *testing.T) {
	s := newSchool(t)
	s.roll(manyPupils(40))
	path := s.file("part.csv", manyPupils(20))
	_, err := s.Import(s.ctx, people.Options{Path: path})
	var held people.Held
	if !errors.As(err, &held) || !strings.Contains(err.Error(), "20 of 40 pupils") {
		t.Fatalf("got %v", err)
	}
	if _, n, _ := s.List(s.ctx, people.Filter{}); n != 40 {
		t.Errorf("%d pupils after a held import", n)
	}
	dry := s.bring(people.Options{Path: path, DryRun: true})
	if dry.Held == "" || len(dry.Leavers) != 20 {
		t.Errorf("dry run: held %q, %d leavers", dry.Held, len(dry.Leavers))
	}
	if r := s.bring(people.Options{Path: path, Partial: true}); len(r.Leavers) != 0 || r.Unchanged != 20 {
		t.Errorf("as a part: %+v", r)
	}
	if r := s.bring(people.Options{Path: path, AllowLeavers: true}); len(r.Leavers) != 20 {
		t.Errorf("with leave: %d leavers", len(r.Leavers))
	}
	s.whole()
}

func TestARollOfStaffTouchesNoPupil(t *testing.T) {
	s := newSchool(t)
	s.roll(manyPupils(10))
	s.add(people.Person{Kind: people.Staff, Given: "By", Family: "Hand"})
	r := s.roll("Staff code,Surname,Forename,Work email\nRED,Reed,Al,al@school.example\n")
	if len(r.Joiners) != 1 || r.Joiners[0].Kind != people.Staff || len(r.Leavers) != 0 {
		t.Errorf("%+v", r)
	}
	r = s.roll("Staff code,Surname,Forename,Work email\nOAK,Oak,Bo,bo@school.example\n")
	if diff := cmp.Diff([]string{"Al Reed"}, names(r.Leavers)); diff != "" {
		t.Error("only who came from a roll leaves by one", diff)
	}
}

func TestAPupilNeverBecomesStaffByARoll(t *testing.T) {
	s := newSchool(t)
	s.roll("Kind,Username,Surname,Forename\npupil,amoss,Moss,Ava\n")
	r := s.roll("Kind,Username,Surname,Forename\nteacher,amoss,Moss,Ava\n")
	if len(r.Refused) != 1 || r.Refused[0].Field != "kind" || s.find("moss").Kind != people.Pupil {
		t.Errorf("%+v", r)
	}
}

func TestParentsComeWithTheirChildren(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.roll(pupils)
		r := s.roll(`Kind;Forename;Surname;Email;Child UPN;Relationship;Parental responsibility;Contact priority
parent;Dot;Moss;dot@home.example;P999123416000;mother;yes;1
parent;Dot;Moss;dot@home.example;V999123422001;aunt;no;2
parent;Jan;Ward;;V999123422001;father;Y;1
parent;Jan;Ward;;E99912342000F;father;Y;1
parent;Eve;Hall;eve@home.example;A000000000000;;;
`)
		if diff := cmp.Diff([]string{"Dot Moss", "Jan Ward", "Jan Ward", "Eve Hall"}, names(r.Joiners)); diff != "" {
			t.Fatalf("two parents of one name were made one, or one two: %s", diff)
		}
		if len(r.Refused) != 1 || r.Refused[0].Line != 6 || !strings.Contains(r.Refused[0].Reason, "no pupil on the roll") {
			t.Errorf("refused %+v", r.Refused)
		}
		dot := s.find("dot")
		kids, err := s.Children(s.ctx, dot.ID)
		if err != nil || len(kids) != 2 || kids[0].Person.Given != "Ava" || !kids[0].Link.Responsible || kids[1].Link.Responsible {
			t.Errorf("children: %+v, %v", kids, err)
		}
		zoe, err := s.Parents(s.ctx, s.find("zoe").ID)
		if err != nil || len(zoe) != 2 || zoe[0].Person.Name() != "Jan Ward" {
			t.Errorf("parents: %+v, %v", zoe, err)
		}
		r = s.roll("Kind,Forename,Surname,Child UPN\nparent,Jan,Ward,V999123422001\nparent,Jan,Ward,E99912342000F\n")
		if len(r.Joiners) != 0 || r.Unchanged != 2 {
			t.Errorf("known again by their children: %+v", r)
		}
	})
}

func TestAMappingIsUsedKeptAndUsedAgain(t *testing.T) {
	s := newSchool(t)
	const text = "Kennung,Vorname,Nachname,Stufe\nA1,Max,Berg,5\n"
	path := s.file("odd.csv", text)
	if _, err := s.Import(s.ctx, people.Options{Path: path}); err == nil || !strings.Contains(err.Error(), "Kennung, Vorname") {
		t.Fatalf("without a mapping: %v", err)
	}
	m := s.file("map.toml", "mis = \"Kennung\"\ngiven = \"Vorname\"\nfamily = \"Nachname\"\nyear = \"Stufe\"\n[fixed]\nkind = \"pupil\"\n")
	if r := s.bring(people.Options{Path: path, Map: m}); len(r.Joiners) != 1 || r.Joiners[0].Year != "5" {
		t.Fatalf("%+v", r)
	}
	if r := s.roll(strings.Replace(text, ",5", ",6", 1)); len(r.Changed) != 1 {
		t.Errorf("the same columns again, without the mapping: %+v", r)
	}
	for _, c := range []struct{ toml, want string }{
		{"upn = 7", "name of a column"},
		{"shoe = \"Stufe\"", "nothing that is kept"},
		{"given = \"Rufname\"", "no column “Rufname”"},
		{"given = ", "not TOML"},
	} {
		_, err := s.Import(s.ctx, people.Options{Path: path, Map: s.file("m.toml", c.toml)})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.toml, err)
		}
	}
}

func TestWhatIsNoRollIsRefusedWithASentence(t *testing.T) {
	s := newSchool(t)
	for _, c := range []struct{ name, text, want string }{
		{"page.csv", "<!doctype html><html></html>", "web page"},
		{"book.csv", "PK\x03\x04rubbish", "zip file that cannot be opened"},
		{"empty.csv", "", "empty"},
		{"names.csv", "Forename,Surname\nA,B\n", "whether these are pupils"},
		{"shoes.csv", "Size,Colour\n4,red\n", "no columns for the first and the family name"},
	} {
		_, err := s.Import(s.ctx, people.Options{Path: s.file(c.name, c.text)})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := s.Import(s.ctx, people.Options{Path: filepath.Join(t.TempDir(), "nowhere.csv")}); err == nil || !strings.Contains(err.Error(), "there is no file nowhere.csv") {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestADemonstrationTakesNoRealRoll(t *testing.T) {
	s := onStore(t, storetest.SQLite(t, schemas()...), true)
	for _, dry := range []bool{false, true} {
		if _, err := s.Import(s.ctx, people.Options{Path: s.file("roll.csv", pupils), DryRun: dry}); err == nil || !strings.Contains(err.Error(), "demonstration") {
			t.Errorf("dry run %v: %v", dry, err)
		}
	}
	err := s.db.Write(s.ctx, func(tx *store.Tx) error {
		_, err := s.Fill(s.ctx, tx, []people.Person{{Kind: people.Pupil, Given: "Ava", Family: "Moss", Year: "4"}})
		return err
	})
	if _, n, _ := s.List(s.ctx, people.Filter{}); err != nil || n != 1 {
		t.Errorf("%d invented people, %v", n, err)
	}
}

func zipped(t *testing.T, files map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range files {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "oneroster.zip")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func oneRoster() map[string]string {
	return map[string]string{
		"export/orgs.csv":    "sourcedId,status,name,type\no1,active,Larch School,school\n",
		"export/classes.csv": "sourcedId,title,classCode,classType,schoolSourcedId\nc1,4 Beech,,homeroom,o1\nc2,Maths 4,4Ma,scheduled,o1\n",
		"export/users.csv": "role,sourcedId,givenName,familyName,orgSourcedIds,identifier,username,email,agentSourcedIds,grades,enabledUser,status\n" +
			"student,u1,Ava,Moss,o1,P999123416000,amoss,,\"g1,g2\",04,true,active\n" +
			"student,u2,Zoë,Ward,o1,{},zward,,,KG,false,\n" +
			"teacher,u3,Al,Reed,o1,T7,areed,al@school.example,,,true,\n" +
			"guardian,g1,Dot,Moss,o1,,,dot@home.example,,,true,\n" +
			"parent,g2,Jan,Moss,o1,,,,u1,,true,\n" +
			"student,u9,Old,Pupil,o1,,,,,05,true,tobedeleted\n" +
			"wizard,u8,Odd,One,o1,,,,,,true,\n",
		"export/enrollments.csv": "sourcedId,classSourcedId,schoolSourcedId,userSourcedId,role\n" +
			"e1,c1,o1,u1,student\ne2,c2,o1,u1,student\ne3,c2,o1,u3,teacher\ne4,c9,o1,u1,student\n",
	}
}

func TestOneRosterBringsPeopleClassesAndGuardians(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		r := s.bring(people.Options{Path: zipped(t, oneRoster())})
		if r.Format != people.SourceOneRoster || len(r.Joiners) != 5 || r.LeftOut != 1 {
			t.Fatalf("%+v", r)
		}
		if len(r.Refused) != 1 || r.Refused[0].File != "users.csv" || r.Refused[0].Line != 8 || r.Refused[0].Field != "role" {
			t.Errorf("refused %+v", r.Refused)
		}
		ava := s.find("ava")
		if ava.Class != "4 Beech" || ava.Year != "4" || ava.UPN != "P999123416000" || ava.Sourced != "u1" {
			t.Errorf("Ava: %+v", ava)
		}
		if z := s.find("zward"); !z.NoAccess || z.Year != "R" {
			t.Errorf("Zoë may not use the network: %+v", z)
		}
		parents, err := s.Parents(s.ctx, ava.ID)
		if err != nil || len(parents) != 2 {
			t.Errorf("parents %+v, %v", parents, err)
		}
		teachers, err := s.Members(s.ctx, "4Ma", true)
		if err != nil || len(teachers) != 1 || teachers[0].Name() != "Al Reed" {
			t.Errorf("teachers of 4Ma: %+v, %v", teachers, err)
		}
		// the same people leave when they are marked as deleted
		next := oneRoster()
		next["export/users.csv"] = strings.Replace(next["export/users.csv"], "true,active", "true,tobedeleted", 1)
		r = s.bring(people.Options{Path: zipped(t, next), Partial: true})
		if diff := cmp.Diff([]string{"Ava Moss"}, names(r.Leavers)); diff != "" {
			t.Error(diff)
		}
		s.whole()
	})
}

func TestAFolderOfOneRosterFilesIsReadToo(t *testing.T) {
	s := newSchool(t)
	dir := t.TempDir()
	for name, text := range oneRoster() {
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(name)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if r := s.bring(people.Options{Path: dir}); len(r.Joiners) != 5 {
		t.Errorf("%+v", r)
	}
}

func TestAZipThatUnpacksWithoutEndIsRefused(t *testing.T) {
	s := newSchool(t)
	huge := "sourcedId,givenName,familyName,role\n" + strings.Repeat(strings.Repeat("x", 1<<16)+"\n", 1100)
	_, err := s.Import(s.ctx, people.Options{Path: zipped(t, map[string]string{"users.csv": huge})})
	if err == nil || !strings.Contains(err.Error(), "more than a roll can be") {
		t.Errorf("got %v", err)
	}
	_, err = s.Import(s.ctx, people.Options{Path: zipped(t, map[string]string{"xl/workbook.xml": "<x/>"})})
	if err == nil || !strings.Contains(err.Error(), "XLSX") {
		t.Errorf("a spreadsheet: %v", err)
	}
}

func TestTheRollGoesOnWhenTheSchoolChangesItsSystem(t *testing.T) {
	s := newSchool(t)
	s.roll(pupils)
	files := map[string]string{"users.csv": "sourcedId,givenName,familyName,role,identifier,grades\n" +
		"n1,Ava,Moss,student,P999123416000,04\nn2,Zoë,Ward,student,V999123422001,04\nn3,Kit,O'Hara,student,E99912342000F,KG\n"}
	r := s.bring(people.Options{Path: zipped(t, files)})
	if len(r.Joiners) != 0 || len(r.Leavers) != 0 || len(r.Changed) != 3 {
		t.Errorf("%+v", r)
	}
	files["users.csv"] = files["users.csv"][:strings.Index(files["users.csv"], "n3")]
	if r := s.bring(people.Options{Path: zipped(t, files)}); len(r.Leavers) != 1 {
		t.Errorf("they are of the new system now: %+v", r)
	}
}

// shared is test data that stands beside the checkout.
func shared(t *testing.T, name string) string {
	t.Helper()
	for dir := "."; ; dir = filepath.Join(dir, "..") {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			path := filepath.Join(dir, "..", "shared", "data", "mis", name)
			if _, err := os.Stat(path); err != nil {
				t.Skip("../shared not there")
			}
			return path
		}
		if abs, err := filepath.Abs(dir); err != nil || abs == "/" {
			t.Skip("../shared not there")
		}
	}
}

func TestTheSharedRollsComeInWhole(t *testing.T) {
	for _, c := range []struct {
		file          string
		people, staff int
	}{{"own/sims_students.csv", 120, 0}, {"own/arbor_students.csv", 60, 0}, {"own/oneroster_v1p1_bulk.zip", 120, 10}} {
		t.Run(c.file, func(t *testing.T) {
			s := newSchool(t)
			r := s.bring(people.Options{Path: shared(t, c.file)})
			if len(r.Joiners) != c.people || len(r.Refused) != 0 {
				t.Errorf("%d joiners, refused %+v", len(r.Joiners), r.Refused)
			}
			n, err := s.Counts(s.ctx)
			if err != nil || n[people.Staff] != c.staff || n[people.Pupil] != c.people-c.staff {
				t.Errorf("counts %v, %v", n, err)
			}
			again := s.bring(people.Options{Path: shared(t, c.file)})
			if len(again.Joiners)+len(again.Changed)+len(again.Leavers) != 0 {
				t.Errorf("the same file again: %d joiners, %+v changed, %d leavers", len(again.Joiners), again.Changed, len(again.Leavers))
			}
		})
	}
}

func TestTwoSystemsKnowTheSamePupils(t *testing.T) {
	s := newSchool(t)
	s.bring(people.Options{Path: shared(t, "own/sims_students.csv")})
	r := s.bring(people.Options{Path: shared(t, "own/arbor_students.csv"), Partial: true})
	if len(r.Joiners) != 0 || len(r.Refused) != 0 {
		t.Errorf("%d joiners, refused %+v", len(r.Joiners), r.Refused)
	}
}

func TestForeignOneRosterExportsAreRead(t *testing.T) {
	for _, c := range []struct {
		file   string
		people int
	}{{"oneroster-moodle/Test_minimal_data_set.zip", 6}, {"oneroster-moodle/oneroster_test_data.zip", 1}} {
		t.Run(c.file, func(t *testing.T) {
			s := newSchool(t)
			r := s.bring(people.Options{Path: shared(t, c.file)})
			if len(r.Joiners) != c.people || len(r.Refused) != 0 {
				t.Errorf("%d joiners, refused %+v", len(r.Joiners), r.Refused)
			}
		})
	}
}

func TestAWindows1252RollIsToldAsOne(t *testing.T) {
	s := newSchool(t)
	text, err := charmap.Windows1252.NewEncoder().String(strings.ReplaceAll(pupils, ",", ";"))
	if err != nil {
		t.Fatal(err)
	}
	r := s.roll(text)
	if r.Encoding != "Windows-1252" || r.Delimiter != "semicolon" || len(r.Joiners) != 3 || r.Joiners[1].Name != "Zoë Ward" {
		t.Errorf("%+v", r)
	}
}
