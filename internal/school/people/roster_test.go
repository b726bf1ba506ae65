package people_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"belisha/internal/school/people"
)

func oneRoster12() map[string]string {
	return map[string]string{
		"manifest.csv":     "propertyName,value\nmanifest.version,1.0\noneroster.version,1.2\nfile.users,bulk\nfile.roles,bulk\nfile.classes,bulk\nfile.enrollments,bulk\nfile.orgs,bulk\n",
		"orgs.csv":         "sourcedId,name,type\no1,Larch School,school\n",
		"classes.csv":      "sourcedId,title,classCode,classType,schoolSourcedId\nc1,4 Beech,,homeroom,o1\nc2,Maths 4,4Ma,scheduled,o1\nc3,4 Ash,,homeroom,o1\n",
		"users.csv":        "sourcedId,status,enabledUser,username,givenName,familyName,preferredGivenName,agentSourcedIds,grades,primaryOrgSourcedId\nu1,,true,amoss,Ava,Moss,Avie,g1,04,o1\nu2,,true,zward,Zoë,Ward,,g1,04,o1\nt1,,true,areed,Al,Reed,,,,o1\ng1,,true,,Dot,Moss,,,,o1\n",
		"roles.csv":        "sourcedId,userSourcedId,roleType,role,orgSourcedId\nr1,u1,primary,student,o1\nr2,u2,primary,student,o1\nr3,t1,secondary,proctor,o1\nr4,t1,primary,teacher,o1\nr5,g1,primary,guardian,o1\n",
		"enrollments.csv":  "sourcedId,classSourcedId,userSourcedId,role\ne1,c1,u1,student\ne2,c2,u1,student\ne3,c1,u2,student\ne4,c2,t1,teacher\n",
		"demographics.csv": "sourcedId,birthDate,sex\nu1,2018-02-09,female\n",
	}
}

func TestOneRosterTwelveIsReadWithRolesPreferredNamesAndBirths(t *testing.T) {
	s := newSchool(t)
	r := s.bring(people.Options{Path: zipped(t, oneRoster12()), Format: people.FormatOneRoster})
	if len(r.Joiners) != 4 || len(r.Refused) != 0 || len(r.Warnings) != 0 {
		t.Fatalf("%+v", r)
	}
	ava := s.find("amoss")
	if ava.Name() != "Avie Moss" || ava.Born != "2018-02-09" || ava.Class != "4 Beech" || ava.Year != "4" {
		t.Errorf("Ava: %+v", ava)
	}
	if al := s.find("areed"); al.Kind != people.Staff {
		t.Errorf("Al: %+v", al)
	}
}

// delta is an export of what changed since oneRoster12.
func delta(files map[string]string) map[string]string {
	manifest := "propertyName,value\noneroster.version,1.2\n"
	for _, f := range []string{"users", "roles", "classes", "enrollments", "orgs"} {
		mode := "absent"
		if files[f+".csv"] != "" {
			mode = "delta"
		}
		manifest += "file." + f + "," + mode + "\n"
	}
	files["manifest.csv"] = manifest
	return files
}

func (s *school) classes(id people.ID) string {
	s.t.Helper()
	list, err := s.ClassesOf(s.ctx, id)
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.Join(list, ", ")
}

func TestAnExportOfChangesChangesOnlyWhatItNames(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.bring(people.Options{Path: zipped(t, oneRoster12())})
		ava, zoe, dot := s.find("amoss"), s.find("zward"), s.find("dot")

		// Zoë moves to another class; nobody else is named, and nobody leaves.
		r := s.bring(people.Options{Path: zipped(t, delta(map[string]string{
			"enrollments.csv": "sourcedId,status,classSourcedId,userSourcedId,role\ne3,tobedeleted,c1,u2,student\ne9,active,c3,u2,student\ne8,active,c2,u2,student\n",
		}))})
		if len(r.Leavers)+len(r.Joiners)+len(r.Refused)+len(r.Warnings) != 0 || len(r.Changed) != 1 || r.Changed[0].Name != "Zoë Ward" {
			t.Fatalf("%+v", r)
		}
		if got := s.find("zward").Class + "; " + s.classes(zoe.ID); got != "4 Ash; 4 Ash, 4Ma" {
			t.Errorf("Zoë is in %s", got)
		}
		if got := s.find("amoss").Class + "; " + s.classes(ava.ID); got != "4 Beech; 4 Beech, 4Ma" {
			t.Errorf("Ava is in %s", got)
		}

		// A pupil without a role in this export, a new one, and one who left.
		r = s.bring(people.Options{Path: zipped(t, delta(map[string]string{
			"users.csv":       "sourcedId,status,givenName,familyName,username,agentSourcedIds,grades,enabledUser\nu1,active,Ava,Marsh,amoss,g1,05,true\nu3,active,Kit,Lake,klake,g1,04,true\nu2,tobedeleted,Zoë,Ward,zward,,04,true\nu9,active,Odd,One,oone,,04,true\n",
			"roles.csv":       "sourcedId,status,userSourcedId,roleType,role\nr9,active,u3,primary,student\n",
			"enrollments.csv": "sourcedId,status,classSourcedId,userSourcedId,role\ne7,active,c1,u3,student\n",
		}))})
		if diff := cmp.Diff([]string{"Kit Lake"}, names(r.Joiners)); diff != "" {
			t.Error("joiners", diff)
		}
		if diff := cmp.Diff([]string{"Zoë Ward"}, names(r.Leavers)); diff != "" {
			t.Error("leavers", diff)
		}
		if len(r.Refused) != 1 || r.Refused[0].Line != 5 || r.Refused[0].Field != "role" {
			t.Errorf("refused %+v", r.Refused)
		}
		if a := s.find("amoss"); a.Family != "Marsh" || a.Year != "5" || a.Class != "4 Beech" || s.classes(a.ID) != "4 Beech, 4Ma" {
			t.Errorf("Ava: %+v in %s", a, s.classes(a.ID))
		}
		if got := s.find("klake"); got.Class != "4 Beech" {
			t.Errorf("Kit: %+v", got)
		}
		kids, err := s.Children(s.ctx, dot.ID)
		if err != nil || len(kids) != 3 {
			t.Errorf("Dot has %d children, %v", len(kids), err)
		}

		// A class gets another name, and one ends.
		r = s.bring(people.Options{Path: zipped(t, delta(map[string]string{
			"classes.csv":     "sourcedId,status,title,classCode,classType\nc1,active,4 Willow,,homeroom\nc2,tobedeleted,Maths 4,4Ma,scheduled\n",
			"enrollments.csv": "sourcedId,status,classSourcedId,userSourcedId,role\n",
		}))})
		if len(r.Leavers)+len(r.Joiners) != 0 {
			t.Errorf("%+v", r)
		}
		if a := s.find("amoss"); a.Class != "4 Willow" || s.classes(a.ID) != "4 Willow" {
			t.Errorf("Ava is in %s; %s", a.Class, s.classes(a.ID))
		}
		s.whole()
	})
}

func TestAnEmptyExportOfChangesChangesNothing(t *testing.T) {
	s := newSchool(t)
	s.bring(people.Options{Path: zipped(t, oneRoster12())})
	r := s.bring(people.Options{Path: zipped(t, delta(map[string]string{"users.csv": "sourcedId,status,givenName,familyName\n"}))})
	if len(r.Leavers)+len(r.Joiners)+len(r.Changed)+len(r.Refused) != 0 {
		t.Errorf("%+v", r)
	}
	whole := oneRoster12()
	whole["users.csv"] = "sourcedId,givenName,familyName\n"
	if _, err := s.Import(s.ctx, people.Options{Path: zipped(t, whole)}); err == nil || !strings.Contains(err.Error(), "users.csv") {
		t.Errorf("a whole roll without a soul: %v", err)
	}
}

func sds() map[string]string {
	return map[string]string{
		"orgs.csv":          "sourcedId,name,type,parentSourcedId\no1,Larch School,school,\n",
		"users.csv":         "sourcedId,username,givenName,familyName,password,activeDirectoryMatchId,email,phone,sms\nu1,amoss@school.example,Ava,Moss,,,,,\nt1,areed,Al,Reed,,,al@school.example,,\ng1,,Dot,Moss,,,dot@home.example,,\n",
		"roles.csv":         "userSourcedId,orgSourcedId,role,sessionSourcedId,grade,isPrimary,roleStartDate,roleEndDate\nu1,o1,student,s1,04,true,,\nt1,o1,teacher,s1,,true,,\ng1,o1,guardian,s1,,true,,\n",
		"classes.csv":       "sourcedId,orgSourcedId,title,sessionSourcedIds,courseSourcedId,code\nc1,o1,Maths 4,s1,,4Ma\n",
		"enrollments.csv":   "classSourcedId,userSourcedId,role\nc1,u1,student\nc1,t1,teacher\n",
		"relationships.csv": "userSourcedId,relationshipUserSourcedId,relationshipRole\nu1,g1,Parent\n",
	}
}

func TestSchoolDataSyncBringsPeopleClassesAndFamilies(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		r := s.bring(people.Options{Path: zipped(t, sds()), Format: people.FormatSDS})
		if len(r.Joiners) != 3 || len(r.Refused) != 0 || r.Format != people.SourceSDS {
			t.Fatalf("%+v", r)
		}
		ava := s.find("ava")
		if ava.Year != "4" || ava.Email != "amoss@school.example" || ava.Kind != people.Pupil || s.classes(ava.ID) != "4Ma" {
			t.Errorf("Ava: %+v in %s", ava, s.classes(ava.ID))
		}
		parents, err := s.Parents(s.ctx, ava.ID)
		if err != nil || len(parents) != 1 || parents[0].Link.Relation != "parent" {
			t.Errorf("parents %+v, %v", parents, err)
		}
		// School Data Sync always sends everybody: who is missing has left.
		next := sds()
		next["users.csv"] = strings.Replace(next["users.csv"], "t1,areed,Al,Reed,,,al@school.example,,\n", "t2,bfox,Bo,Fox,,,,,\n", 1)
		next["roles.csv"] = strings.Replace(next["roles.csv"], "t1,o1", "t2,o1", 1)
		if r = s.bring(people.Options{Path: zipped(t, next)}); cmp.Diff([]string{"Al Reed"}, names(r.Leavers)) != "" {
			t.Errorf("leavers %+v", r.Leavers)
		}
		if _, err := s.Import(s.ctx, people.Options{Path: zipped(t, sds()), Format: people.FormatOneRoster}); err == nil || !strings.Contains(err.Error(), "School Data Sync") {
			t.Errorf("said to be OneRoster: %v", err)
		}
		s.whole()
	})
}

func TestClassicSchoolDataSyncIsReadAndNumbersOfTeachersAndPupilsMayBeAlike(t *testing.T) {
	s := newSchool(t)
	r := s.bring(people.Options{Path: zipped(t, map[string]string{
		"school.csv":            "SIS ID,Name\n1,Larch School\n",
		"student.csv":           "SIS ID,School SIS ID,Username,First Name,Last Name,Grade,Student Number\n12,1,amoss,Ava,Moss,04,P999123416000\n",
		"teacher.csv":           "SIS ID,School SIS ID,Username,First Name,Last Name\n12,1,areed,Al,Reed\n",
		"section.csv":           "SIS ID,School SIS ID,Section Name\n7,1,Maths 4\n",
		"studentenrollment.csv": "Section SIS ID,SIS ID\n7,12\n",
		"teacherroster.csv":     "Section SIS ID,SIS ID\n7,12\n",
	})})
	if len(r.Joiners) != 2 || len(r.Refused) != 0 || len(r.Warnings) != 0 {
		t.Fatalf("%+v", r)
	}
	if a := s.find("ava"); a.UPN != "P999123416000" || s.classes(a.ID) != "Maths 4" {
		t.Errorf("Ava: %+v in %s", a, s.classes(a.ID))
	}
	if teachers, err := s.Members(s.ctx, "Maths 4", true); err != nil || len(teachers) != 1 || teachers[0].Name() != "Al Reed" {
		t.Errorf("teachers %+v, %v", teachers, err)
	}
}

func TestAFormatThatIsNotTheFilesIsToldSo(t *testing.T) {
	s := newSchool(t)
	for _, c := range []struct {
		name string
		text string
		f    people.Format
		want string
	}{
		{"roll.csv", pupils, people.FormatCTF, "not XML"},
		{"roll.csv", pupils, people.FormatSDS, "School Data Sync"},
		{"in.xml", ctfHead + ctfAva + ctfTail, people.FormatOneRoster, "is XML"},
		{"in.xml", ctfHead + ctfAva + ctfTail, people.FormatCSV, "XML, not CSV"},
		{"roll.csv", pupils, "ldap", "not a format that is read here yet"},
	} {
		if _, err := s.Import(s.ctx, people.Options{Path: s.file(c.name, c.text), Format: c.f}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s as %s: %v", c.name, c.f, err)
		}
	}
}

func TestANewSchoolYearIsOneRoll(t *testing.T) {
	s := newSchool(t)
	roll := func(first int) string {
		var b strings.Builder
		b.WriteString("Admission number,Surname,Forename,Year group,Reg\n")
		for cohort := first; cohort < first+7; cohort++ {
			for i := range 20 {
				year := first + 6 - cohort
				fmt.Fprintf(&b, "%d,Name%d,Given%d,%s,%dA\n", cohort*100+i, i, cohort, []string{"R", "1", "2", "3", "4", "5", "6"}[year], year)
			}
		}
		return b.String()
	}
	s.roll(roll(1))
	s.clock.Advance(300 * 24 * time.Hour)
	r := s.roll(roll(2))
	if len(r.Joiners) != 20 || len(r.Leavers) != 20 || len(r.Changed) != 120 || len(r.Refused) != 0 {
		t.Errorf("%d joined, %d left, %d changed, %d refused", len(r.Joiners), len(r.Leavers), len(r.Changed), len(r.Refused))
	}
}

func TestAPupilRegisteredTwiceComesInOnceByTheMainRegistration(t *testing.T) {
	s := newSchool(t)
	r := s.roll("UPN,Surname,Forename,Year,Reg,Enrolment status\nP999123416000,Moss,Ava,4,Ward school,Subsidiary (dual registration)\nP999123416000,Moss,Ava,4,4B,Main (dual registration)\n")
	if len(r.Joiners) != 1 || len(r.Refused) != 0 || !strings.Contains(fmt.Sprint(r.Warnings), "registered twice") || s.find("ava").Class != "4B" {
		t.Errorf("%+v", r)
	}
}

func TestFiveThousandPupilsAndTheirParentsComeInQuickly(t *testing.T) {
	s := newSchool(t)
	var users, roles, relations strings.Builder
	users.WriteString("sourcedId,username,givenName,familyName,activeDirectoryMatchId\n")
	roles.WriteString("userSourcedId,orgSourcedId,role,grade,isPrimary\n")
	relations.WriteString("userSourcedId,relationshipUserSourcedId,relationshipRole\n")
	for i := range 5000 {
		fmt.Fprintf(&users, "u%d,pupil%d,Given%d,Name%d,\ng%d,,Parent%d,Name%d,\n", i, i, i, i%700, i, i, i%700)
		fmt.Fprintf(&roles, "u%d,o1,student,%d,true\ng%d,o1,guardian,,true\n", i, 7+i%7, i)
		fmt.Fprintf(&relations, "u%d,g%d,parent\n", i, i)
	}
	files := map[string]string{"users.csv": users.String(), "roles.csv": roles.String(), "relationships.csv": relations.String()}
	path := zipped(t, files)
	begin := time.Now()
	r := s.bring(people.Options{Path: path})
	first := time.Since(begin)
	again := s.bring(people.Options{Path: path})
	t.Logf("10,000 people in %v, and again in %v", first, time.Since(begin)-first)
	if len(r.Joiners) != 10_000 || len(r.Refused) != 0 || again.Unchanged != 10_000 {
		t.Errorf("%d joiners, %d refused; again %d unchanged", len(r.Joiners), len(r.Refused), again.Unchanged)
	}
	if first > 90*time.Second {
		t.Errorf("it took %v", first)
	}
}
