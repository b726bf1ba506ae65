package people_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"

	"belisha/internal/school/people"
)

const ctfHead = `<?xml version="1.0" encoding="UTF-8"?>
<CTfile><Header><DocumentName>Common Transfer File</DocumentName><CTFversion>24.0</CTFversion><DateTime>2026-11-20T08:15:00</DateTime>
<SourceSchool><LEA>999</LEA><Estab>1234</Estab><SchoolName>Heron Infants</SchoolName></SourceSchool></Header><CTFpupilData>
`
const ctfTail = "</CTFpupilData></CTfile>\n"

const ctfAva = `<Pupil><UPN>P999123416000</UPN><Surname>Moss</Surname><Forename>Ava</Forename><DOB>2018-02-09</DOB><Sex>F</Sex>
<BasicDetails><PreferredForename>Avie</PreferredForename><NCyearActual>4</NCyearActual><MedicalFlag>1</MedicalFlag></BasicDetails>
<Contacts><Contact><Order>1</Order><Surname>Moss</Surname><Forename>Dot</Forename><Relationship>PAM</Relationship><Responsibility>1</Responsibility>
<Phones><Phone><PhoneNo>01632 960001</PhoneNo></Phone></Phones><Email>dot@home.example</Email></Contact>
<Contact><Order>2</Order><Surname>Hall</Surname><Forename>Eve</Forename><Relationship>SWR</Relationship><Responsibility>0</Responsibility></Contact></Contacts>
<SchoolHistory><School><LEA>999</LEA><Estab>1234</Estab><LeavingDate>2026-07-22</LeavingDate></School></SchoolHistory></Pupil>
`

const ctfTwo = `<Pupil><UPN>V999123422001</UPN><Surname>Moss</Surname><Forename>Zoë</Forename><DOB>2018-07-14</DOB><BasicDetails><NCyearActual>X</NCyearActual></BasicDetails>
<Contacts><Contact><Surname>Moss</Surname><Forename>Dot</Forename><Relationship>PAM</Relationship><Responsibility>true</Responsibility><Email>dot@home.example</Email></Contact></Contacts></Pupil>
<Pupil><UPN>E99912342000F</UPN><Surname>Reed</Surname><Forename></Forename><DOB>2018-07-14</DOB></Pupil>
<Pupil><UPN>G999123416003</UPN><Surname>Lake</Surname><Forename>Bea</Forename><DOB>2018-17-14</DOB></Pupil>
`

func TestACommonTransferFileBringsPupilsAndTheirParents(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		r := s.bring(people.Options{Path: s.file("9991234_CTF_9984321_001.xml", ctfHead+ctfAva+ctfTwo+ctfTail)})
		if diff := cmp.Diff([]string{"Avie Moss", "Zoë Moss", "Dot Moss"}, names(r.Joiners)); diff != "" {
			t.Fatal(diff)
		}
		if r.Format != "ctf" || r.Encoding != "UTF-8" {
			t.Errorf("read as %s, %s", r.Format, r.Encoding)
		}
		want := []people.Refusal{
			{File: "9991234_CTF_9984321_001.xml", Line: 12, Field: "Forename", Reason: "give a first name"},
			{File: "9991234_CTF_9984321_001.xml", Line: 13, Field: "DOB", Reason: "“2018-17-14” is not a day in the calendar; write it as 23/11/2026 or 2026-11-23"},
		}
		if diff := cmp.Diff(want, r.Refused); diff != "" {
			t.Error(diff)
		}
		told := fmt.Sprint(r.Warnings)
		for _, w := range []string{"not a year group", "1 contacts without parental responsibility", "strictest rules"} {
			if !strings.Contains(told, w) {
				t.Errorf("no warning of %q in %s", w, told)
			}
		}
		ava := s.find("ava")
		if ava.Year != "4" || ava.Born != "2018-02-09" || ava.Until != "" || ava.Source != people.SourceCTF {
			t.Errorf("Ava: %+v", ava)
		}
		kids, err := s.Children(s.ctx, s.find("dot").ID)
		if err != nil || len(kids) != 2 || !kids[0].Link.Responsible || kids[0].Link.Relation != "mother" {
			t.Errorf("one mother of two: %+v, %v", kids, err)
		}
		again := s.bring(people.Options{Path: s.file("again.xml", ctfHead+ctfAva+ctfTwo+ctfTail)})
		if len(again.Joiners)+len(again.Changed)+len(again.Leavers) != 0 {
			t.Errorf("the same file again: %+v", again)
		}
		s.whole()
	})
}

func TestATransferFileFillsWhatIsMissingAndOverwritesNothing(t *testing.T) {
	s := newSchool(t)
	s.roll("UPN,Surname,Forename,Year,Reg,DOB\nP999123416000,Moss,Ava,5,5B,\nG999123416003,Lake,Bea,5,5B,\n")
	s.roll("Kind,Forename,Surname,Email,Child UPN,Relationship,Parental responsibility\nparent,Dot,Moss,dot@home.example,P999123416000,aunt,no\n")
	r := s.bring(people.Options{Path: s.file("in.xml", ctfHead+ctfAva+ctfTail)})
	if len(r.Joiners) != 0 || len(r.Leavers) != 0 || len(r.Changed) != 1 || cmp.Diff([]string{"preferred", "born"}, r.Changed[0].Fields) != "" {
		t.Fatalf("%+v", r)
	}
	if ava := s.find("ava"); ava.Year != "5" || ava.Born != "2018-02-09" || ava.Source != people.SourceCSV {
		t.Errorf("Ava: %+v", ava)
	}
	kids, err := s.Children(s.ctx, s.find("dot").ID)
	if err != nil || len(kids) != 1 || kids[0].Link.Responsible || kids[0].Link.Relation != "aunt" {
		t.Errorf("the office knows better than a former school: %+v, %v", kids, err)
	}
	// The roll that Ava came from still says when she leaves.
	if r := s.roll("UPN,Surname,Forename,Year,Reg,DOB\nG999123416003,Lake,Bea,5,5B,\n"); cmp.Diff([]string{"Avie Moss"}, names(r.Leavers)) != "" {
		t.Errorf("leavers %+v", r.Leavers)
	}
}

func TestAPupilIsKnownAgainByAFormerNumber(t *testing.T) {
	s := newSchool(t)
	s.roll("UPN,Surname,Forename,Year\nE99912342000F,Moss,Ava,4\n")
	renumbered := strings.Replace(ctfAva, "<BasicDetails>", "<BasicDetails><FormerUPN>E99912342000F</FormerUPN>", 1)
	r := s.bring(people.Options{Path: s.file("in.xml", ctfHead+renumbered+ctfTail)})
	if cmp.Diff([]string{"Dot Moss"}, names(r.Joiners)) != "" || s.find("ava").UPN != "P999123416000" {
		t.Errorf("joiners %+v; %+v", r.Joiners, s.find("ava"))
	}
	if kids, err := s.Children(s.ctx, s.find("dot").ID); err != nil || len(kids) != 1 {
		t.Errorf("children %+v, %v", kids, err)
	}
}

func TestATransferFileIsReadInTheEncodingsThatSystemsWrite(t *testing.T) {
	text := ctfHead + strings.ReplaceAll(ctfAva, "Ava", "Zoë") + ctfTail
	wide := func(s string, little, mark bool) []byte {
		var b bytes.Buffer
		units := utf16.Encode([]rune(s))
		if mark {
			units = append([]uint16{0xFEFF}, units...)
		}
		for _, u := range units {
			if little {
				b.Write([]byte{byte(u), byte(u >> 8)})
			} else {
				b.Write([]byte{byte(u >> 8), byte(u)})
			}
		}
		return b.Bytes()
	}
	says := func(label string) string { return strings.Replace(text, "UTF-8", label, 1) }
	west, err := charmap.Windows1252.NewEncoder().String(says("windows-1252"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, encoding string
		data           []byte
	}{
		{"UTF-8 with a mark", "UTF-8 with a byte order mark", []byte("\uFEFF" + text)},
		{"Windows-1252", "Windows-1252", []byte(west)},
		{"UTF-16 LE with a mark", "UTF-16 LE", wide(says("UTF-16"), true, true)},
		{"UTF-16 BE with a mark", "UTF-16 BE", wide(says("utf-16"), false, true)},
		{"UTF-16 without a mark", "UTF-16 LE", wide(says("UTF-16"), true, false)},
		{"UTF-8 that says UTF-16", "UTF-8", []byte(says("utf-16"))},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSchool(t)
			for _, o := range []people.Options{{Data: c.data, Name: "in.xml"}, {Path: s.file("in.xml", string(c.data))}} {
				o.DryRun = true
				r := s.bring(o)
				if r.Encoding != c.encoding || len(r.Joiners) != 2 || r.Joiners[0].Name != "Avie Moss" {
					t.Errorf("%+v", r)
				}
			}
		})
	}
}

func TestHostileXMLIsRefusedWithASentence(t *testing.T) {
	inside := func(s string) string { return ctfHead + "<Pupil><UPN>" + s + "</UPN></Pupil>" + ctfTail }
	secret := filepath.Join(t.TempDir(), "secret.txt")
	if err := os.WriteFile(secret, []byte("the school's key"), 0o600); err != nil {
		t.Fatal(err)
	}
	dtd := func(decl, use string) string {
		return `<?xml version="1.0"?><!DOCTYPE CTfile [` + decl + `]><CTfile><CTFpupilData><Pupil><Surname>` + use + `</Surname></Pupil></CTFpupilData></CTfile>`
	}
	laughs := `<!ENTITY a "ha">`
	for i := 'b'; i < 'k'; i++ {
		laughs += fmt.Sprintf(`<!ENTITY %c "%s">`, i, strings.Repeat(fmt.Sprintf("&%c;", i-1), 10))
	}
	for _, c := range []struct{ name, text, want string }{
		{"an entity that grows", dtd(laughs, "&j;"), "document type"},
		{"an entity from a file", dtd(`<!ENTITY x SYSTEM "file://`+secret+`">`, "&x;"), "document type"},
		{"an entity from the network", dtd(`<!ENTITY % x SYSTEM "http://127.0.0.1:1/x.dtd"> %x;`, ""), "document type"},
		{"a document type from elsewhere", `<!DOCTYPE CTfile SYSTEM "http://127.0.0.1:1/x.dtd"><CTfile/>`, "document type"},
		{"an entity that nobody declared", inside("&nothing;"), "entity"},
		{"elements in elements without end", ctfHead + strings.Repeat("<a>", 100_000), "deep"},
		{"an attribute beyond all measure", inside(`</UPN><UPN a="` + strings.Repeat("x", 3<<20) + `">`), "longer than 1 MB"},
		{"a thousand attributes", ctfHead + "<Pupil " + strings.Repeat(`a="1" `, 1000) + "/>" + ctfTail, "attributes"},
		{"a value beyond all measure", inside(strings.Repeat("x", 3<<20)), "longer than 1 MB"},
		{"a comment beyond all measure", inside("<!--" + strings.Repeat("x", 3<<20) + "-->"), "longer than 1 MB"},
		{"a name beyond all measure", ctfHead + "<" + strings.Repeat("x", 3<<20), "longer than 1 MB"},
		{"a file cut short", ctfHead + ctfAva[:200], "ends in the middle"},
		{"elements that do not match", ctfHead + "<Pupil></Pupils>", "damaged"},
		{"a lie about its encoding", strings.ReplaceAll(inside("P99"), "Heron", "H\xe9ron"), "says that it is UTF-8"},
		{"an encoding that nobody reads", strings.Replace(inside("P99"), "UTF-8", "UTF-7", 1), "is not read"},
		{"some other XML", `<?xml version="1.0"?><rss><channel/></rss>`, "<rss>"},
		{"no pupil", ctfHead + ctfTail, "no pupil"},
		{"nothing but a declaration", `<?xml version="1.0"?>`, "nothing in it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSchool(t)
			_, err := s.Import(s.ctx, people.Options{Path: s.file("in.xml", c.text)})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %.300v", err)
			}
			if err != nil && (len(err.Error()) > 400 || strings.Contains(err.Error(), "key")) {
				t.Errorf("that is no sentence: %.500s", err)
			}
			if _, n, _ := s.List(s.ctx, people.Filter{}); n != 0 {
				t.Errorf("%d people came in", n)
			}
		})
	}
}

func TestTheSharedTransferFileComesInWhole(t *testing.T) {
	s := newSchool(t)
	path := shared(t, "own/ctf_9991234_9984321_001.xml")
	r := s.bring(people.Options{Path: path, Format: people.FormatCTF})
	if len(r.Joiners) != 25 || len(r.Refused) != 0 || !strings.Contains(fmt.Sprint(r.Warnings), "3 September 2025") {
		t.Errorf("%d joiners, refused %+v, warnings %+v", len(r.Joiners), r.Refused, r.Warnings)
	}
	s = newSchool(t)
	s.bring(people.Options{Path: shared(t, "own/sims_students.csv")})
	if r := s.bring(people.Options{Path: path}); len(r.Joiners) != 0 || len(r.Leavers) != 0 {
		t.Errorf("they are here already: %d joiners, %d leavers", len(r.Joiners), len(r.Leavers))
	}
}
