package canon_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"belisha/internal/verdict/canon"

	"golang.org/x/net/publicsuffix"
)

// The cases of the Web Platform Tests and others lie beside the project where
// they were fetched. Where we answer otherwise than they ask, the reason is
// one of the classes below, and doc/names.md names every such case.

var update = flag.Bool("update", false, "write doc/names.md")

const corpus = "../../../../shared/data/url"

func read(t *testing.T, file string) []json.RawMessage {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(corpus, file))
	if err != nil {
		t.Skip("../shared not there")
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		t.Fatal(err)
	}
	return raw
}

// differs is one case that we answer otherwise.
type differs struct {
	input, want, got string // want and got are "" for refused
	relative         bool   // the URL is read against another
	err              error
}

// classes are the reasons, the first that fits counts.
var classes = []struct {
	name, why string
	fits      func(d differs) bool
}{
	{"a dot at the end", "The standard keeps the dot that ends a whole name; we take one off, since both spellings are one name to DNS and to every list.", func(d differs) bool {
		return d.got != "" && d.want == d.got+"."
	}},
	{"an empty part", "The standard lets two dots follow each other in a URL; no such name can be looked up (RFC 1035 section 2.3.1), so it is refused before anybody is asked.", func(d differs) bool {
		return d.got == "" && (strings.Contains(d.want, "..") || strings.HasPrefix(d.want, "."))
	}},
	{"longer than DNS allows", "A part of more than 63 or a name of more than 253 characters cannot be looked up (RFC 1035 section 2.3.4); the standard leaves that to DNS, we refuse it.", func(d differs) bool {
		return d.got == "" && (len(strings.TrimSuffix(d.want, ".")) > 253 || slices.ContainsFunc(strings.Split(d.want, "."), func(l string) bool { return len(l) > 63 }))
	}},
	{"a character that no name has", "The standard lets some punctuation stand in a host ($ , ( ) = and the like). No name in DNS that people open has it and every server on the way reads it differently, so it is refused.", func(d differs) bool {
		return d.got == "" && strings.ContainsAny(d.want, "!\"$&'()*+,;=`{}~")
	}},
	{"letters of a newer Unicode", "The standard follows a newer table of letters than the library does (it maps ẞ to ß, and older capitals that were refused before). Written out in such letters a name is refused, or read as before the change. Browsers send names in ASCII (xn--), and these are read alike.", func(d differs) bool {
		return !ascii(d.input) && (d.got == "" || strings.Contains(d.input, "ẞ"))
	}},
	{"an IPv4 address inside an IPv6 one", "It is judged as the IPv4 address that it carries, so that a private one stays private.", func(d differs) bool {
		return strings.HasPrefix(d.want, "::") && strings.Count(d.got, ".") == 3
	}},
	{"no slashes after the scheme, or an IPv6 address without brackets", "Browsers read such an address against the page it stands on, or refuse it. Nobody sends it over the wire; a person who types it into a form of ours means the site.", func(d differs) bool {
		return d.relative
	}},
	{"nothing but dots", "A URL may name the root of DNS; it is no site, and refused.", func(d differs) bool { return strings.Trim(d.input, "htps:/.") == "" }},
	{"an empty xn--", "It stands for no letters at all, and is refused.", func(d differs) bool { return d.want == "xn--" }},
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > 127 })
}

// explained sorts a difference into its class.
func explained(d differs) int {
	return slices.IndexFunc(classes, func(c struct {
		name, why string
		fits      func(d differs) bool
	},
	) bool {
		return c.fits(d)
	})
}

// report gathers by file and class which cases differ.
type report struct {
	same, all map[string]int
	cases     map[string]map[int][]int
	files     []string
}

func (r *report) add(t *testing.T, file string, n int, same bool, d differs) {
	t.Helper()
	if r.all[file]++; r.all[file] == 1 {
		r.files = append(r.files, file)
		r.cases[file] = map[int][]int{}
	}
	if same {
		r.same[file]++
		return
	}
	c := explained(d)
	if c < 0 {
		t.Errorf("%s case %d: %q gives %q (%v), want %q, and no reason is known", file, n, d.input, d.got, d.err, d.want)
		return
	}
	r.cases[file][c] = append(r.cases[file][c], n)
}

func TestNamesAreReadAsBrowsersReadThemOrTheDifferenceIsExplained(t *testing.T) {
	r := &report{same: map[string]int{}, all: map[string]int{}, cases: map[string]map[int][]int{}}
	r.urls(t, "wpt-urltestdata.json")
	r.urls(t, "ada_verifydnslength_tests.json")
	r.hosts(t, "wpt-toascii.json")
	r.hosts(t, "wpt-IdnaTestV2.json")
	text := r.text()
	const doc = "../../../doc/names.md"
	if *update {
		if err := os.WriteFile(doc, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(doc)
	if err != nil || string(have) != text {
		t.Error("doc/names.md is not what this test finds: run it with -update and read what changed")
	}
}

var webScheme = regexp.MustCompile(`(?i)^[\x00-\x20]*(https?|wss?):`)

func (r *report) urls(t *testing.T, file string) {
	for n, raw := range read(t, file) {
		var c struct {
			Input, Base, Href, Hostname string
			Failure                     bool
		}
		if json.Unmarshal(raw, &c) != nil || !webScheme.MatchString(c.Input) {
			continue // a remark, or an address that no proxy is asked for
		}
		p, err := canon.URL(c.Input)
		d := differs{input: c.Input, want: strings.Trim(c.Hostname, "[]"), got: p.Host, err: err}
		if err != nil {
			d.got = ""
		}
		if c.Href == "" && !c.Failure {
			continue
		}
		d.relative = c.Base != "" && (!strings.Contains(c.Input, "//") || strings.Count(c.Input, ":") > 2 && !strings.Contains(c.Input, "["))
		r.add(t, file, n, d.got == d.want || c.Failure && err != nil, d)
	}
}

func (r *report) hosts(t *testing.T, file string) {
	for n, raw := range read(t, file) {
		var c struct {
			Input  string
			Output *string
		}
		if json.Unmarshal(raw, &c) != nil || c.Input == "" {
			continue
		}
		got, _, err := canon.Host(c.Input)
		d := differs{input: c.Input, got: got, err: err}
		if err != nil {
			d.got = ""
		}
		if c.Output != nil {
			d.want = *c.Output
		}
		r.add(t, file, n, d.got == d.want, d)
	}
}

func (r *report) text() string {
	var b strings.Builder
	b.WriteString("# How names and addresses are read\n\nHosts are read as browsers read them (WHATWG URL, UTS 46 not transitional). The cases of the Web Platform Tests and two others were tried; where we answer otherwise, this says why. Case numbers count from 0 in the file. Generated by the test beside `internal/verdict/canon`, which fails on a difference without a reason.\n\n| file | tried | alike |\n|---|---|---|\n")
	for _, f := range r.files {
		fmt.Fprintf(&b, "| %s | %d | %d |\n", f, r.all[f], r.same[f])
	}
	for i, c := range classes {
		var lines strings.Builder
		for _, f := range r.files {
			if list := r.cases[f][i]; len(list) > 0 {
				fmt.Fprintf(&lines, "- %s: %s\n", f, strings.Trim(strings.ReplaceAll(fmt.Sprint(list), " ", ", "), "[]"))
			}
		}
		if lines.Len() > 0 {
			fmt.Fprintf(&b, "\n## %s\n\n%s\n\n%s", strings.ToUpper(c.name[:1])+c.name[1:], c.why, lines.String())
		}
	}
	return b.String()
}

// The library behind "not a whole country" when somebody lists a name.
func TestPublicSuffixesAreThoseOfTheList(t *testing.T) {
	f, err := os.Open(filepath.Join(corpus, "test_psl_public.txt"))
	if err != nil {
		t.Skip("../shared not there")
	}
	defer func() { _ = f.Close() }()
	check := regexp.MustCompile(`^checkPublicSuffix\('([^']*)', (?:'([^']*)'|null)\)`)
	n := 0
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		m := check.FindStringSubmatch(lines.Text())
		if m == nil {
			continue
		}
		n++
		name, _, err := canon.Host(m[1])
		got := ""
		if err == nil {
			got, _ = publicsuffix.EffectiveTLDPlusOne(name)
		}
		want := m[2]
		if want != "" {
			want, _, _ = canon.Host(want)
		}
		if got != want {
			t.Errorf("the registrable name of %q is %q, want %q", m[1], got, want)
		}
	}
	if n == 0 {
		t.Error("no case was read")
	}
}

// The list in the program may be older than the one fetched; what would be
// judged otherwise is told, not failed.
func TestThePublicSuffixListInTheProgramIsNearTheFetchedOne(t *testing.T) {
	f, err := os.Open(filepath.Join(corpus, "public_suffix_list.dat.gz"))
	if err != nil {
		t.Skip("../shared not there")
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	rules, other := 0, 0
	lines := bufio.NewScanner(z)
	for lines.Scan() {
		rule, _, _ := strings.Cut(lines.Text(), " ")
		if rule == "" || strings.HasPrefix(rule, "//") || strings.ContainsAny(rule, "*!") {
			continue
		}
		name, kind, err := canon.Host(rule)
		if err != nil || kind != canon.Name {
			t.Errorf("the suffix %q cannot be read: %v", rule, err)
			continue
		}
		rules++
		if s, _ := publicsuffix.PublicSuffix("a." + name); s != name {
			other++
		}
	}
	if rules < 5000 || other*10 > rules {
		t.Errorf("of %d suffixes %d are not known to the program", rules, other)
	}
}
