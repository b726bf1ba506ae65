package ledger_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"belisha/internal/school/policies/ledger"
	"belisha/policies"
)

func TestTheLedgerHolds397DutiesAndAStateForEach(t *testing.T) {
	l, err := ledger.Read(policies.Files)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(l.Requirements); n != 397 {
		t.Errorf("%d requirements", n)
	}
	if n := len(l.Coverage()); n != 397 {
		t.Errorf("%d states", n)
	}
	if h, v := len(l.Asked("H", "FIL", "MON", "ACC", "POL")), len(l.Asked("V", "FIL", "MON", "ACC", "POL")); h != 59 || v != 66 {
		t.Errorf("asked: %d of the hospital school, %d of the village primary", h, v)
	}
	fil, ok := l.Get("FIL-10")
	if !ok || fil.Where != "H" || fil.Mode != "E" || !strings.Contains(fil.Words, "logged") {
		t.Errorf("FIL-10: %+v", fil)
	}
}

func TestACoverageThatClaimsWithoutProofIsRefused(t *testing.T) {
	const head = "id,area,requirement,parameters,where,mode,how\nFIL-01,FIL,One,,HV,E,how\n"
	const law = "term,replaced by,since,source\n"
	for row, want := range map[string]string{
		"FIL-01,enforced,,TestX\n":                                  "name what covers it",
		"FIL-01,enforced,internal/x,\n":                             "name what covers it",
		"FIL-01,missing,internal/x,TestX\n":                         "is not enforced",
		"FIL-02,enforced,internal/x,TestX\n":                        "no requirement",
		"FIL-01,enforced,a/b,TestX\nFIL-01,enforced,a/b,TestX\n":    "twice",
		"FIL-01,enforced,internal/x,TestX,too much of a good row\n": "wrong number of fields",
	} {
		_, err := ledger.Read(fstest.MapFS{
			"ledger.csv": {Data: []byte(head)}, "law.csv": {Data: []byte(law)}, "coverage.csv": {Data: []byte("id,state,by,tests\n" + row)},
		})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", row, err)
		}
	}
}

// tree is what there is in the project, for claims to be held against.
type tree struct {
	packages map[string]bool // "internal/kit/journal"
	quoted   map[string]bool // every "…" of the program's own code that looks like a key or a slug
	tests    map[string]bool // "internal/kit/journal.TestX"
	files    map[string]bool // stories and browser tests by path
	root     string
}

var (
	quotedName = regexp.MustCompile(`"([a-z][a-z0-9.-]+)"`)
	testFunc   = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Example)\w*)\(`)
)

func read(t *testing.T) tree {
	t.Helper()
	root, err := filepath.Abs("../../../..")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Fatal("the project's root is not where this test looks for it")
	}
	tr := tree{packages: map[string]bool{}, quoted: map[string]bool{}, tests: map[string]bool{}, files: map[string]bool{}, root: root}
	for _, dir := range []string{"cmd", "internal", "lists", "policies", "stories"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(p string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			return tr.add(p)
		})
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	return tr
}

func (tr tree) add(p string) error {
	rel, err := filepath.Rel(tr.root, p)
	if err != nil {
		return err
	}
	rel = filepath.ToSlash(rel)
	if strings.HasSuffix(rel, ".txtar") {
		tr.files[rel] = true
	}
	if !strings.HasSuffix(rel, ".go") {
		return nil
	}
	b, err := os.ReadFile(p)
	if err != nil {
		return err
	}
	pkg := rel[:strings.LastIndex(rel, "/")]
	if strings.HasSuffix(rel, "_test.go") {
		for _, m := range testFunc.FindAllSubmatch(b, -1) {
			tr.tests[pkg+"."+string(m[1])] = true
		}
		return nil
	}
	tr.packages[pkg] = true
	if strings.HasSuffix(rel, "watch/catalogue.go") {
		return nil // a name in the catalogue is not yet a control that is built
	}
	for _, m := range quotedName.FindAllSubmatch(b, -1) {
		tr.quoted[string(m[1])] = true
	}
	return nil
}

// covers reports whether there is such a thing: a package by its path, a
// setting by its key, a control by its slug ("control:password-age").
func (tr tree) covers(by string) bool {
	if slug, ok := strings.CutPrefix(by, "control:"); ok {
		return tr.quoted[slug]
	}
	if strings.Contains(by, "/") {
		return tr.packages[by]
	}
	return strings.Count(by, ".") >= 1 && tr.quoted[by]
}

func TestNoRequirementNamesAThingOrATestThatDoesNotExist(t *testing.T) {
	l, err := ledger.Read(policies.Files)
	if err != nil {
		t.Fatal(err)
	}
	tr := read(t)
	if len(tr.packages) < 20 || len(tr.tests) < 50 {
		t.Fatalf("found %d packages and %d tests: the walk is wrong", len(tr.packages), len(tr.tests))
	}
	for _, c := range l.Coverage() {
		for _, by := range c.By {
			if !tr.covers(by) {
				t.Errorf("%s is covered by %q, which does not exist", c.ID, by)
			}
		}
		for _, test := range c.Tests {
			if !tr.tests[test] && !tr.files[test] {
				t.Errorf("%s is shown by %q, which does not exist", c.ID, test)
			}
		}
	}
}

func TestAFalseClaimWouldBeFound(t *testing.T) {
	tr := read(t)
	for _, by := range []string{"internal/school/nothing", "control:mail-trace", "access.no-such-key", "word"} {
		if tr.covers(by) {
			t.Errorf("%q passes", by)
		}
	}
	for _, by := range []string{"internal/school/policies", "control:policy-in-force", "policies.review"} {
		if !tr.covers(by) {
			t.Errorf("%q does not pass", by)
		}
	}
	if tr.tests["internal/school/policies.TestThatThereIsNot"] || !tr.tests["internal/school/policies.TestC76SaysWhatIsWrongWithThePolicyInForce"] {
		t.Error("tests are not told apart")
	}
}
