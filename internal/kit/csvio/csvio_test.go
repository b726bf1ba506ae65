package csvio_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"belisha/internal/kit/csvio"
)

func in16(s string, little, mark bool) []byte {
	units := utf16.Encode([]rune(s))
	if mark {
		units = append([]uint16{0xFEFF}, units...)
	}
	var b []byte
	for _, u := range units {
		if little {
			b = append(b, byte(u), byte(u>>8))
		} else {
			b = append(b, byte(u>>8), byte(u))
		}
	}
	return b
}

func TestTheSameRollIsReadInEveryEncodingAndDelimiter(t *testing.T) {
	const text = "Forename,Surname\r\nZoë,O’Hara\r\nSiân,Łukasik\r\n"
	west := []byte("Forename;Surname\nZo\xeb;O\x92Hara\n")
	for _, c := range []struct {
		name, encoding string
		raw            []byte
		delim          rune
		rows           int
	}{
		{"plain UTF-8", "UTF-8", []byte(text), ',', 2},
		{"UTF-8 with a mark", "UTF-8 with a byte order mark", []byte("\uFEFF" + text), ',', 2},
		{"UTF-16 LE", "UTF-16 LE", in16(text, true, true), ',', 2},
		{"UTF-16 BE", "UTF-16 BE", in16(text, false, true), ',', 2},
		{"UTF-16 LE without a mark", "UTF-16 LE", in16("Forename\tSurname\nZoë\tO’Hara\n", true, false), '\t', 1},
		{"UTF-16 BE without a mark", "UTF-16 BE", in16("Forename\tSurname\nZoë\tO’Hara\n", false, false), '\t', 1},
		{"Windows-1252 with semicolons", "Windows-1252", west, ';', 1},
		{"a spreadsheet's sep line", "UTF-8", []byte("sep=;\nForename;Surname\nZoë;O’Hara\n"), ';', 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := csvio.Read(bytes.NewReader(c.raw), csvio.Usual)
			if err != nil {
				t.Fatal(err)
			}
			if f.Encoding != c.encoding || f.Delimiter != c.delim || len(f.Rows) != c.rows {
				t.Fatalf("encoding %q, delimiter %q, %d rows", f.Encoding, f.Delimiter, len(f.Rows))
			}
			if diff := cmp.Diff([]string{"Zoë", "O’Hara"}, f.Rows[0].Cells); diff != "" {
				t.Errorf("first row: %s", diff)
			}
		})
	}
}

func TestRowsKnowTheirLineOfTheFile(t *testing.T) {
	const text = "\n\nName,Note\nA,\"two\nlines\"\n\nB,x\r\nC,\"a \"\"b\"\" c\"\nD\n"
	f, err := csvio.Read(strings.NewReader(text), csvio.Usual)
	if err != nil {
		t.Fatal(err)
	}
	want := []csvio.Row{
		{Line: 4, Cells: []string{"A", "two\nlines"}},
		{Line: 7, Cells: []string{"B", "x"}},
		{Line: 8, Cells: []string{"C", `a "b" c`}},
		{Line: 9, Cells: []string{"D", ""}},
	}
	if diff := cmp.Diff(want, f.Rows); diff != "" {
		t.Error(diff)
	}
	if f.HeaderLine != 3 || len(f.Faults) != 0 {
		t.Errorf("header on line %d, faults %v", f.HeaderLine, f.Faults)
	}
}

func TestABadRowIsReportedAndTheRestIsRead(t *testing.T) {
	for _, c := range []struct {
		name, row, reason string
		field             string
	}{
		{"a bare quotation mark", `Al"bert,7`, "quotation mark inside a cell", "Name"},
		{"text after a closing mark", `"Albert"x,7`, "after a closing quotation mark", "Name"},
		{"a mark that is never closed", `Albert,"7`, "never closed", "Year"},
		{"too many cells", `Smith, Albert,7`, "3 cells and the header 2", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := csvio.Read(strings.NewReader("Name,Year\nBefore,1\n"+c.row+"\nAfter,2\n"), csvio.Usual)
			if err != nil {
				t.Fatal(err)
			}
			if len(f.Faults) != 1 || f.Faults[0].Line != 3 || f.Faults[0].Field != c.field || !strings.Contains(f.Faults[0].Reason, c.reason) {
				t.Errorf("faults: %+v", f.Faults)
			}
			if len(f.Rows) != 2 || f.Rows[1].Cells[0] != "After" || f.Rows[1].Line != 4 {
				t.Errorf("rows: %+v", f.Rows)
			}
		})
	}
}

func TestWhatIsNoCSVIsRefusedWithASentence(t *testing.T) {
	for _, c := range []struct{ name, raw, want string }{
		{"nothing", "  \n", "empty"},
		{"a web page", "<!DOCTYPE html>\n<html><body>Sign in</body></html>", "web page"},
		{"a spreadsheet", "PK\x03\x04\x14\x00", "XLSX"},
		{"an old spreadsheet", "\xD0\xCF\x11\xE0\xA1", "old Excel"},
		{"a PDF", "%PDF-1.7", "PDF"},
		{"XML", "<?xml version=\"1.0\"?><CTfile/>", "XML"},
		{"JSON", `{"users": []}`, "JSON"},
		{"a picture", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "not a text file"},
		{"a header alone", "Name,Year\n", "no rows"},
		{"two columns of one name", "Name,Year,name\nA,1,B\n", "two columns are called"},
		{"a lie about its encoding", "\xEF\xBB\xBFName\nZo\xeb\n", "says that it is UTF-8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := csvio.Read(strings.NewReader(c.raw), csvio.Usual)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want a sentence with %q", err, c.want)
			}
		})
	}
}

func TestEverythingIsBounded(t *testing.T) {
	lim := csvio.Limits{Bytes: 1 << 10, Rows: 3, Field: 20, Cells: 4}
	for _, c := range []struct{ name, text, want string }{
		{"bytes", strings.Repeat("a,b\n", 400), "larger than"},
		{"rows", "n\n1\n2\n3\n4\n", "more than 3 rows"},
	} {
		if _, err := csvio.Read(strings.NewReader(c.text), lim); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	f, err := csvio.Read(strings.NewReader("n,m\n"+strings.Repeat("x", 30)+",1\nok,2\n1,2,3,4,5,6\n"), lim)
	if err != nil || len(f.Faults) != 2 || len(f.Rows) != 1 {
		t.Errorf("a long cell and a wide row: %+v, %v", f, err)
	}
}

func TestColumnsAreFoundByAnyOfTheirNames(t *testing.T) {
	header := []string{"Adno", "Legal Surname", "Legal_Forename", "Preferred Surname", "DateOfBirth"}
	fields := []csvio.Field{
		{Name: "family", Names: []string{"Legal Surname", "Surname"}},
		{Name: "given", Names: []string{"Forename", "Legal Forename"}},
		{Name: "born", Names: []string{"DOB", "Date of birth"}},
		{Name: "year", Names: []string{"Year group"}},
	}
	want := map[string]int{"family": 1, "given": 2, "born": 4}
	if diff := cmp.Diff(want, csvio.Match(header, fields)); diff != "" {
		t.Error(diff)
	}
	if _, err := csvio.Choose(header, map[string]string{"given": "Vorname"}); err == nil || !strings.Contains(err.Error(), "no column “Vorname”") {
		t.Errorf("a column that is not there: %v", err)
	}
	if csvio.Fingerprint([]string{"A b", "C"}) != csvio.Fingerprint([]string{"c", "a_B"}) {
		t.Error("the order of columns changed the fingerprint")
	}
}

func TestNoCellIsAFormula(t *testing.T) {
	for in, want := range map[string]string{
		"=1+1": "'=1+1", "+44 20": "'+44 20", "-5": "-5", "-5.25": "-5.25", "@sum": "'@sum", "\tx": "'\tx",
		"Ann": "Ann", "": "", "  =x": "'  =x", "-cmd": "'-cmd", "＝x": "'＝x",
	} {
		if got := csvio.Safe(in); got != want {
			t.Errorf("Safe(%q) = %q, want %q", in, got, want)
		}
	}
	var b bytes.Buffer
	w, err := csvio.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Row("Name", `=HYPERLINK("x")`); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got, want := b.String(), "\uFEFFName,\"'=HYPERLINK(\"\"x\"\")\"\r\n"; got != want {
		t.Errorf("wrote %q, want %q", got, want)
	}
}

func FuzzReadNeverPanicsAndKeepsItsPromises(f *testing.F) {
	for _, s := range []string{"a,b\n1,2\n", "a;b\r\"x\n\"\"\";2\r", "\xff\xfea\x00\n\x00", "sep=\t\na\tb\n", "\"a", "a\"b,c\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		file, err := csvio.Read(bytes.NewReader(raw), csvio.Usual)
		if err != nil {
			return
		}
		last := 0
		for _, r := range file.Rows {
			if len(r.Cells) != len(file.Header) || r.Line <= last {
				t.Fatalf("row %+v after line %d, header of %d", r, last, len(file.Header))
			}
			last = r.Line
		}
	})
}

func BenchmarkReadARollOfFiveThousand(b *testing.B) {
	var text strings.Builder
	text.WriteString("Adno,Surname,Forename,Year\n")
	for i := range 5000 {
		fmt.Fprintf(&text, "%d,Nowak,Maja,Year %d\n", i, i%13+1)
	}
	for b.Loop() {
		if _, err := csvio.Read(strings.NewReader(text.String()), csvio.Usual); err != nil {
			b.Fatal(err)
		}
	}
}
