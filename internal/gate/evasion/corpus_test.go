package evasion

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/htmlindex"

	"belisha/internal/gate/content/text"
	"belisha/internal/verdict/canon"
	"belisha/internal/verdict/lists"
)

// Cases that others wrote lie beside the project where they were fetched.
// Where we answer otherwise, doc/differences.md says so case by case; a
// difference that is not in it fails.

const (
	corpus      = "../../../../shared/data"
	differences = "../../../doc/differences.md"
)

// report gathers what was tried, by file.
type report struct{ b strings.Builder }

func (r *report) section(title, why string) { fmt.Fprintf(&r.b, "\n## %s\n\n%s\n", title, why) }

func (r *report) table(head ...string) {
	fmt.Fprintf(&r.b, "\n| %s |\n|%s\n", strings.Join(head, " | "), strings.Repeat("---|", len(head)))
}

func (r *report) row(cells ...any) {
	for _, c := range cells {
		s := strings.NewReplacer("|", `\|`, "\n", " ", "\r", " ", "\x00", `\0`).Replace(fmt.Sprint(c))
		r.b.WriteString("| " + s + " ")
	}
	r.b.WriteString("|\n")
}

func TestCasesThatOthersWroteAgreeOrTheDifferenceIsExplained(t *testing.T) {
	if _, err := os.Stat(corpus); err != nil {
		t.Skip("../shared not there")
	}
	r := new(report)
	r.b.WriteString(`# Where we answer otherwise than cases that others wrote

The cases were fetched beside the project. Each is tried by a test, which fails on a difference that stands in none of these lists.

| cases | tried by | differences |
|---|---|---|
| URLs, names in ASCII, IDNA, public suffixes | ` + "`internal/verdict/canon`" + ` | [names.md](names.md) |
| one listed name in 25 spellings | ` + "`internal/verdict`" + ` | none |
| raw HTTP requests | ` + "`internal/gate/proxy`" + ` | [http-cases.md](http-cases.md) |
| raw ICAP requests | ` + "`internal/gate/icap`" + ` | none |
| the EICAR test file, plain, packed and mailed | ` + "`internal/gate/clamd`" + ` with Debian's clamd | none |
| safe search by DNS | ` + "`lists`" + ` | none |
| one list of names in six formats | ` + "`internal/verdict/lists`" + ` | none |
| response policy zones, lists for DNS, types, Punycode | ` + "`internal/gate/evasion`" + ` | below |

Three files are of parsers that we do not have: changing parts of a URL (` + "`wpt-setters_tests.json`" + `), data: URLs (` + "`data-urls.json`" + `; no proxy is asked for them) and writing a query in an old charset (` + "`wpt-percent-encoding.json`" + `; browsers do that, we only read).
`)
	r.zones(t)
	r.lists(t)
	r.types(t)
	r.punycode(t)
	if *update {
		if err := os.WriteFile(differences, []byte(r.b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(differences)
	if err != nil || string(have) != r.b.String() {
		t.Error("doc/differences.md is not what this test finds: run UPDATE=1 make evasion, and read what changed")
	}
}

var zoneInside = regexp.MustCompile(`(?s)TEMPFILE_CONTENTS (\S+)\n(.*?)TEMPFILE_END`)

// known are the reasons for which a line of another's list is left out; each
// is right for a list of what is closed.
var known = []string{
	"rpz-", "trigger", "only", "address", "local", "answer", "rewrite", "passthru", "drop", "condition", "styl", "whole", "top", "every", "name", "label", "host", "record", "redirect", "modifier", "not", "covers",
}

func (r *report) read(t *testing.T, name string, data []byte, format lists.Format) (lists.Report, []string, error) {
	t.Helper()
	var got []string
	rep, err := lists.ReadBytes(context.Background(), name, data, lists.Options{Category: "l", Format: format}, func(e lists.Entry) error {
		got = append(got, e.Text)
		return nil
	})
	for _, f := range rep.Files {
		for _, x := range f.Refused {
			if !slices.ContainsFunc(known, func(k string) bool { return strings.Contains(x.Reason, k) }) {
				t.Errorf("%s line %d %q is left out without a known reason: %s", name, x.Line, x.Text, x.Reason)
			}
		}
	}
	return rep, got, err
}

// zones reads every zone in Unbound's own tests of RPZ.
func (r *report) zones(t *testing.T) {
	r.section("Response policy zones (Unbound's tests)", "A zone is read for what it closes and what it excepts. What answers with other data, asks who the client is, or goes by the server of a zone is no entry of a list of names; it is left out and told, line by line.")
	r.table("zone", "taken", "left out", "line and reason")
	files, err := filepath.Glob(filepath.Join(corpus, "dns/rpz-unbound/*"))
	if err != nil || len(files) < 5 {
		t.Fatalf("%d zones: %v", len(files), err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(f)
		if strings.HasSuffix(name, ".zone") {
			r.zone(t, name, b)
		}
		for i, m := range zoneInside.FindAllSubmatch(b, -1) {
			r.zone(t, fmt.Sprintf("%s, %d: %s", name, i+1, m[1]), m[2])
		}
	}
}

func (r *report) zone(t *testing.T, name string, b []byte) {
	rep, got, err := r.read(t, name, b, lists.FormatRPZ)
	if err != nil {
		r.row(name, 0, "all", err.Error())
		return
	}
	var out []string
	for _, f := range rep.Files {
		for _, x := range f.Refused {
			out = append(out, fmt.Sprintf("%d `%s`: %s", x.Line, strings.ReplaceAll(x.Text, "`", "'"), x.Reason))
		}
	}
	r.row(name, fmt.Sprintf("%d %s", len(got), strings.Join(got, " ")), len(out), strings.Join(out, "; "))
}

// lists reads what other filters ship for DNS.
func (r *report) lists(t *testing.T) {
	r.section("Lists for DNS", "Each line is taken, told as left out, or lists nothing (a remark, a rule that only changes how a page looks).")
	r.table("file", "lines", "taken", "left out", "lists nothing", "reasons for what is left out")
	for _, f := range []string{"dns/adguard/adguard_sdn_filter.txt.gz", "dns/adguard/test_file_rule_list.txt", "dns/hosts/urlfilter-hosts.gz", "dns/technitium/domain-blocklist.txt", "dns/technitium/ip-blocklist.txt", "dns/hagezi/adblock-fake.txt.gz"} {
		b := plain(t, filepath.Join(corpus, f))
		rep, _, err := r.read(t, filepath.Base(strings.TrimSuffix(f, ".gz")), b, "")
		if err != nil {
			r.row(f, rep.Lines, 0, rep.Invalid, rep.Skipped, err.Error())
			continue
		}
		count := map[string]int{}
		for _, file := range rep.Files {
			for _, x := range file.Refused {
				count[x.Reason]++
			}
		}
		var reasons []string
		for k, n := range count {
			reasons = append(reasons, fmt.Sprintf("%s (%d)", k, n))
		}
		slices.Sort(reasons)
		if rep.Lines != rep.Accepted+rep.Duplicates+rep.Invalid+rep.Skipped && rep.Accepted+rep.Duplicates+rep.Invalid+rep.Skipped < rep.Lines {
			t.Errorf("%s: %d lines, and only %d are accounted for", f, rep.Lines, rep.Accepted+rep.Duplicates+rep.Invalid+rep.Skipped)
		}
		r.row(f, rep.Lines, rep.Accepted, rep.Invalid, rep.Skipped, strings.Join(reasons, "; "))
	}
}

func plain(t *testing.T, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var in io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if in, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	b, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// types reads Content-Type as the Web Platform Tests ask.
func (r *report) types(t *testing.T) {
	var cases []json.RawMessage
	if err := json.Unmarshal(plain(t, filepath.Join(corpus, "url/mime-types.json")), &cases); err != nil {
		t.Fatal(err)
	}
	r.section("Content-Type", "The charset that a browser would read the body in, from the type alone. Where we find one and the standard none, we read a type more kindly than it must be: the page is read in the charset that it seems to mean, and bytes that stay unread are none.")
	r.table("case", "type", "the standard", "we")
	tried, alike := 0, 0
	for n, raw := range cases {
		var c struct {
			Input    string
			Output   *string
			Encoding *string
		}
		if json.Unmarshal(raw, &c) != nil || c.Input == "" {
			continue
		}
		tried++
		want, got := "none", "none"
		if c.Encoding != nil {
			want = strings.ToLower(*c.Encoding)
		}
		if e, err := htmlindex.Get(strings.TrimSpace(text.ParseType([]string{c.Input}).Charset)); err == nil {
			if name, err := htmlindex.Name(e); err == nil {
				got = name
			}
		}
		if got == want {
			alike++
			continue
		}
		if got == "none" || want != "none" {
			t.Errorf("case %d: %q is read as %s, and browsers read %s", n, c.Input, got, want)
		}
		r.row(n, fmt.Sprintf("`%q`", c.Input), want, got)
	}
	fmt.Fprintf(&r.b, "\n%d tried, %d alike.\n", tried, alike)
}

// punycode reads labels that are written in Punycode.
func (r *report) punycode(t *testing.T) {
	var cases []struct{ Description, Decoded, Encoded string }
	if err := json.Unmarshal(plain(t, filepath.Join(corpus, "url/rust-url_punycode_tests.json")), &cases); err != nil {
		t.Fatal(err)
	}
	r.section("Punycode", "The cases are of the coding alone, with sentences and signs that no name may hold. Those are refused (UTS 46); what is taken is taken as the letters it stands for.")
	r.table("case", "coded", "why it is refused")
	tried, alike := 0, 0
	for n, c := range cases {
		if c.Encoded == "" {
			continue
		}
		tried++
		coded, _, err := canon.Host("xn--" + c.Encoded + ".test")
		letters, _, err2 := canon.Host(c.Decoded + ".test")
		switch {
		case err == nil && err2 == nil && coded == letters:
			alike++
		case strings.HasSuffix(c.Encoded, "-") && err == nil && coded != letters:
			r.row(n, "`xn--"+c.Encoded+"`", "it stands for plain letters and is another name to DNS than these: judged as it is written")
		case err == nil && err2 == nil:
			t.Errorf("case %d: %q is %q in letters and %q coded", n, c.Decoded, letters, coded)
		case err != nil:
			r.row(n, "`xn--"+c.Encoded+"`", err.Error())
		default:
			r.row(n, "`xn--"+c.Encoded+"`", "only its letters: "+err2.Error())
		}
	}
	fmt.Fprintf(&r.b, "\n%d tried, %d alike.\n", tried, alike)
}
