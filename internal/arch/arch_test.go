package arch_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"testing"
)

// file is one Go file of the project that is not a test.
type file struct {
	path    string // slash path from the root
	pkg     string // import path below the module, "internal/kit/store"
	imports []string
	ast     *ast.File
	fset    *token.FileSet
}

// root finds the module's root.
func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above this test")
		}
		dir = up
	}
}

func files(t *testing.T) []file {
	t.Helper()
	top := root(t)
	var out []file
	for _, d := range []string{"cmd", "internal", "lists", "policies"} {
		err := filepath.WalkDir(filepath.Join(top, d), func(p string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go") {
				return err
			}
			rel, err := filepath.Rel(top, p)
			if err != nil {
				return err
			}
			f, err := read(p, filepath.ToSlash(rel))
			out = append(out, f)
			return err
		})
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	if len(out) < 50 {
		t.Fatalf("found only %d files: the walk is wrong", len(out))
	}
	return out
}

func read(name, rel string) (file, error) {
	fset := token.NewFileSet()
	a, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
	if err != nil {
		return file{}, err
	}
	f := file{path: rel, pkg: rel[:strings.LastIndex(rel, "/")], ast: a, fset: fset}
	for _, i := range a.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return file{}, err
		}
		f.imports = append(f.imports, p)
	}
	return f, nil
}

// within reports whether pkg is p or below it.
func within(pkg, p string) bool { return pkg == p || strings.HasPrefix(pkg, p+"/") }

// ours cuts the module's name off an import, or returns "".
func ours(imp string) string {
	if s, ok := strings.CutPrefix(imp, "belisha/"); ok {
		return s
	}
	return ""
}

// mayImport is who may import which packages of ours. A package not named by
// any rule may import none of them.
var mayImport = []struct {
	from string
	to   []string
	why  string
}{
	{"cmd", []string{"internal"}, "the program sees the house and its console"},
	{"internal/house", []string{"internal", "lists", "policies"}, "only the house sees everything"},
	{"internal/console", []string{"internal", "lists", "policies"}, "the console is the house's second front"},
	{"internal/kit/register", []string{"internal/kit"}, "a register is made of kit"},
	{"internal/kit/web", []string{"internal/kit/actor", "internal/kit/words", "internal/kit/store", "internal/kit/clock", "internal/kit/control", "internal/kit/web"}, "pages know who asks, how to say it, and the errors of the store; sessions and journal are plugged in"},
	{"internal/kit/store", []string{"internal/kit/store"}, "the store knows drivers only"},
	{"internal/kit", []string{"internal/kit"}, "kit has no school words and never looks into a room"},
	{"internal/school/people", []string{"internal/kit", "internal/school/people"}, "people is the hall: it leans on kit only"},
	{"internal/school/access", []string{"internal/kit", "internal/school/people", "internal/school/access"}, "access stands in the hall beside people"},
	{"internal/school/filtering", []string{"internal/kit", "internal/school/people", "internal/school/access", "internal/school/filtering", "internal/verdict", "lists"}, "filtering is the one room that knows the judge"},
	{"internal/school/monitoring", []string{"internal/kit", "internal/school/people", "internal/school/access", "internal/school/monitoring", "internal/activity"}, "monitoring looks into the memory, and into no other room"},
	{"internal/school/policies", []string{"internal/kit", "internal/school/people", "internal/school/access", "internal/school/policies", "policies"}, "policies sees settings and controls, never a room"},
	{"internal/school/help", []string{"internal/kit", "internal/school/people", "internal/school/access"}, "a room imports no room: the filter's latest block is plugged in"},
	{"internal/school/review", []string{"internal/kit", "internal/school/people", "internal/school/access", "internal/activity"}, "review composes what rooms offer and imports none"},
	{"internal/school/setup", []string{"internal/kit", "internal/school/people", "internal/school/access"}, "a room imports no room: policies are plugged in"},
	{"internal/school/agreements", []string{"internal/kit", "internal/school/people", "internal/school/access"}, "a room imports no room: which policy is in force is plugged in"},
	{"internal/school/concerns", []string{"internal/kit", "internal/school/people", "internal/school/access"}, "a room imports no room: the row of web activity behind a concern is plugged in"},
	{"internal/school/classroom", []string{"internal/kit", "internal/school/people", "internal/school/access"}, "a room imports no room: the filter and the record of web use are plugged in"},
	{"internal/school/tickets", []string{"internal/kit", "internal/school/people", "internal/school/access"}, "a room imports no room"},
	{"internal/school/probes", []string{"internal/kit", "internal/school/people", "internal/school/access"}, "a room imports no room: what asks the filter is plugged in"},
	{"internal/school/alarms", []string{"internal/kit", "internal/school/people", "internal/school/access"}, "a room imports no room: what is looked at is plugged in"},
	{"internal/school/devices", []string{"internal/kit", "internal/school/people", "internal/school/access", "internal/school/devices"}, "a room imports no room: what the filter saw of a device is plugged in"},
	{"internal/demo", []string{"internal"}, "the demonstration fills every room"},
	{"internal/school/registers", []string{"internal/kit", "internal/school/people", "internal/school/access"}, "a register imports no room"},
	{"internal/verdict", []string{"internal/verdict"}, "a verdict never waits on a record: it is made from the snapshot alone"},
	{"internal/gate", []string{"internal/verdict", "internal/gate", "internal/kit/clock", "internal/kit/words"}, "the door works when records, pages and parent are gone"},
	{"internal/activity", []string{"internal/kit/clock", "internal/activity"}, "the memory knows no school and no records"},
	{"internal/arch", nil, "tests only"},
	{"lists", []string{"lists"}, "data"},
	{"policies", []string{"policies"}, "data"},
}

func TestNobodyImportsWhatIsNotTheirs(t *testing.T) {
	for _, f := range files(t) {
		rule := -1
		for i, r := range mayImport { // first match wins: narrow rules stand first
			if within(f.pkg, r.from) {
				rule = i
				break
			}
		}
		for _, imp := range f.imports {
			o := ours(imp)
			if o == "" {
				continue
			}
			if rule < 0 {
				t.Errorf("%s imports %s, and no rule says who %s is", f.path, o, f.pkg)
				continue
			}
			if !anyWithin(o, mayImport[rule].to) {
				t.Errorf("%s imports %s: %s", f.path, o, mayImport[rule].why)
			}
		}
	}
}

func anyWithin(pkg string, list []string) bool {
	for _, p := range list {
		if within(pkg, p) {
			return true
		}
	}
	return false
}

// never is what some places may not import from anywhere.
var never = []struct{ in, imp, why string }{
	{"internal/verdict", "database/sql", "a verdict never waits on a database"},
	{"internal/verdict", "net/http", "a verdict never asks the network"},
	{"internal/verdict", "log/slog", "a verdict does not log"},
	{"internal/gate", "database/sql", "the door works when the database is gone"},
	{"internal/kit/store", "net/http", "the store knows drivers only"},
}

func TestTheJudgeAndTheDoorKnowNoDatabase(t *testing.T) {
	for _, f := range files(t) {
		for _, n := range never {
			if !within(f.pkg, n.in) {
				continue
			}
			for _, imp := range f.imports {
				if imp == n.imp {
					t.Errorf("%s imports %s: %s", f.path, imp, n.why)
				}
			}
		}
	}
}

// layer is what a file of a room may import, by its name.
func layer(name string) string {
	switch {
	case strings.HasPrefix(name, "store"):
		return "store"
	case strings.HasPrefix(name, "web"):
		return "web"
	case strings.HasPrefix(name, "api"):
		return "api"
	default:
		return "rules"
	}
}

var layerNever = map[string]map[string]string{
	"rules": {"database/sql": "SQL belongs in store.go", "net/http": "that belongs in web.go", "html/template": "that belongs in web.go"},
	"store": {"net/http": "that belongs in web.go", "html/template": "that belongs in web.go"},
	"web":   {"database/sql": "SQL belongs in store.go"},
	"api":   {"database/sql": "SQL belongs in store.go", "html/template": "an API makes no pages"},
}

func TestInARoomEachKindOfCodeIsInItsFile(t *testing.T) {
	for _, f := range files(t) {
		if !within(f.pkg, "internal/school") {
			continue
		}
		name := f.path[strings.LastIndex(f.path, "/")+1:]
		for _, imp := range f.imports {
			if why, bad := layerNever[layer(name)][imp]; bad {
				t.Errorf("%s imports %s: %s", f.path, imp, why)
			}
		}
	}
}

func TestTheWordPolicyIsNeverSpokenAtTheDoor(t *testing.T) {
	for _, f := range files(t) {
		if !within(f.pkg, "internal/verdict") && !within(f.pkg, "internal/gate") {
			continue
		}
		b, err := os.ReadFile(filepath.Join(root(t), filepath.FromSlash(f.path)))
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(b), "\n") {
			l := strings.ToLower(line)
			for _, fine := range []string{"content-security-policy", "referrer-policy", "permissions-policy", "cross-origin-resource-policy", "cross-origin-opener-policy", "response policy zone"} {
				l = strings.ReplaceAll(l, fine, "")
			}
			if strings.Contains(l, "policy") || strings.Contains(l, "policies") {
				t.Errorf("%s:%d: rules are what the filter applies; policies are documents: %s", f.path, i+1, strings.TrimSpace(line))
			}
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	said := map[string]bool{}
	for _, f := range files(t) {
		said[f.pkg] = said[f.pkg] || (f.ast.Doc != nil && len(f.ast.Doc.Text()) > 40)
	}
	var silent []string
	for p, ok := range said {
		if !ok {
			silent = append(silent, p)
		}
	}
	sort.Strings(silent)
	if len(silent) > 0 {
		t.Errorf("packages without a package comment: %s", strings.Join(silent, ", "))
	}
}

// banned calls and the only packages that may use them.
var banned = []struct {
	pkg, name string
	in        []string
	why       string
}{
	{"time", "Now", []string{"internal/kit/clock"}, "ask the clock that was handed in, so that a story can live through a year"},
	{"template", "HTML", []string{"internal/kit/web"}, "only kit/web may say that text is already HTML"},
	{"template", "HTMLAttr", []string{"internal/kit/web"}, "only kit/web may say that text is already HTML"},
	{"template", "JS", nil, "no script is made from data"},
}

func TestTimeComesFromTheClockAndHTMLFromTheKit(t *testing.T) {
	for _, f := range files(t) {
		if f.ast.Name.Name == "main" {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, ok := sel.X.(*ast.Ident)
			if !ok || x.Obj != nil {
				return true
			}
			for _, b := range banned {
				if x.Name == b.pkg && sel.Sel.Name == b.name && !anyWithin(f.pkg, b.in) {
					t.Errorf("%s: %s.%s: %s", f.fset.Position(sel.Pos()), b.pkg, b.name, b.why)
				}
			}
			return true
		})
	}
}

func TestNobodyRegistersThemselvesInAnInit(t *testing.T) {
	for _, f := range files(t) {
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s: rooms are wired by hand in internal/house/rooms.go", f.fset.Position(fn.Pos()))
			}
		}
	}
}

// longest is the hard limit of a file; the soft one is 400 lines.
const longest = 600

func TestNoFileIsTooLongToRead(t *testing.T) {
	for _, f := range files(t) {
		if n := f.fset.Position(f.ast.End()).Line; n > longest {
			t.Errorf("%s has %d lines; split it by subject (at most %d)", f.path, n, longest)
		}
	}
}

// The journal notes rows without what is zero or empty, so a column that a
// migration adds must begin so: any other default would make every row look as
// if somebody had altered it.
func TestAColumnThatIsAddedBeginsAtZero(t *testing.T) {
	top := root(t)
	added := regexp.MustCompile(`(?i)ADD\s+COLUMN\s+[^;]*`)
	zero := regexp.MustCompile(`(?i)NOT NULL DEFAULT (0|''|FALSE)$`)
	seen := 0
	err := filepath.WalkDir(filepath.Join(top, "internal"), func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(p) != ".sql" {
			return err
		}
		text, err := os.ReadFile(p)
		for _, c := range added.FindAllString(string(text), -1) {
			seen++
			if !zero.MatchString(strings.TrimSpace(c)) {
				t.Errorf("%s: %s: a column is added as NOT NULL DEFAULT 0, '' or FALSE", p, c)
			}
		}
		return err
	})
	if err != nil || seen == 0 {
		t.Fatalf("%d columns, %v", seen, err)
	}
}
