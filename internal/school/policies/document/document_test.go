package document_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"belisha/internal/kit/setting"
	"belisha/internal/school/policies/document"
)

const example = `---
title: Online safety policy
version: "2.0"
owner: online-safety-lead
review: 12 months
approvers: [headteacher, governing-body]
---

## Passwords {#passwords}

- Staff change their password every [90 days]{set=access.staff.password-max-age}. []{control=password-age}
- A session left for [10 minutes]{set=access.idle-lock} locks, and both name
  and password are asked again. []{control=idle-lock req="ACC-17 ACC-18"}
- In the library a session locks after [5 *short* minutes]{set=access.idle-lock place=library}.

## Filtering

Pupils cannot reach [social networks, [chat]{set=x.y.z} and
gambling]{set=filtering.pupils.block #no-social}. {control=required-categories}

| who | what |
|-----|------|
| staff | [yes]{set=a.b} []{control="C05 C06"} |
`

func TestTheExampleOfTheDesignIsRead(t *testing.T) {
	doc, problems := document.Parse(example)
	if len(problems) != 0 {
		t.Fatalf("problems: %v", problems)
	}
	if doc.Meta.Title != "Online safety policy" || doc.Meta.Version != "2.0" || len(doc.Meta.Approvers) != 2 {
		t.Errorf("front matter: %+v", doc.Meta)
	}
	type value struct{ Key, Words string }
	type clause struct {
		ID, Text string
		Line     int
		Values   []value
		Controls []string
		Reqs     []string
	}
	var got []clause
	for _, c := range doc.Clauses {
		x := clause{ID: c.ID, Text: c.Text, Line: c.Line, Reqs: c.Requirements}
		for _, v := range c.Values {
			x.Values = append(x.Values, value{v.Key, v.Words})
		}
		for _, r := range c.Controls {
			x.Controls = append(x.Controls, r.Name)
		}
		got = append(got, x)
	}
	want := []clause{
		{"passwords-1", "Staff change their password every 90 days.", 11, []value{{"access.staff.password-max-age", "90 days"}}, []string{"password-age"}, nil},
		{
			"passwords-2", "A session left for 10 minutes locks, and both name and password are asked again.", 12,
			[]value{{"access.idle-lock", "10 minutes"}},
			[]string{"idle-lock"},
			[]string{"ACC-17", "ACC-18"},
		},
		{"passwords-3", "In the library a session locks after 5 short minutes.", 14, []value{{"access.idle-lock", "5 short minutes"}}, nil, nil},
		{
			"no-social", "Pupils cannot reach social networks, chat and gambling.", 18,
			[]value{{"filtering.pupils.block", "social networks, chat and gambling"}, {"x.y.z", "chat"}},
			[]string{"required-categories"},
			nil,
		},
		{"filtering-2", "staff · yes", 23, []value{{"a.b", "yes"}}, []string{"C05", "C06"}, nil},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if at := doc.Clauses[2].Values[0].Scope; at != (setting.Scope{Place: "library"}) {
		t.Errorf("scope %+v", at)
	}
	if vs := doc.Values(); vs[0].Key != "policies.review" || vs[0].Words != "12 months" || vs[0].Line != 5 {
		t.Errorf("the front matter's review is no value: %+v", vs[0])
	}
}

func TestBadSyntaxIsReportedWithItsLineAndWhatToDo(t *testing.T) {
	const front = "---\ntitle: A\n---\n"
	for _, c := range []struct {
		name, text string
		line       int
		words      string
	}{
		{"a space before the braces", front + "Every [90 days] {set=a.b}.", 4, "no space"},
		{"no brackets at all", front + "Every 90 days{set=a.b}.", 4, "square brackets"},
		{"no closing brace", front + "One.\n\nEvery [90 days]{set=a.b.", 6, "no }"},
		{"no opening bracket", front + "Every 90 days]{set=a.b}.", 4, "no [ before it"},
		{"an open quotation mark", front + "A. []{control=\"a b}", 4, "quotation mark"},
		{"curly quotation marks", front + "A. []{control='a'}", 4, "straight double quotes"},
		{"a key twice", front + "A [b]{set=a set=b}", 4, "stands twice"},
		{"an unknown attribute", front + "A [b]{sett=a}", 4, "did you mean set="},
		{"an empty value", front + "A []{set=a.b}", 4, "are empty"},
		{"a control on nothing", front + "[]{control=a}", 4, "no sentence"},
		{"a value in a heading", front + "## A [b]{set=a}", 4, "heading is not a clause"},
		{"a value in the head of a table", front + "| [b]{set=a} | c |\n|---|---|\n| d | e |", 4, "head of a table"},
		{"a bare control in the middle", front + "A {control=a} and more words.", 4, "only end a clause"},
		{"two clauses with one name", front + "A [b]{#x}\n\nC [d]{#x}", 6, "already used on line 4"},
		{"a requirement that is none", front + "A []{req=FIL2}", 4, "FIL-02"},
		{"a control off without a reason", front + "A []{control=a .off}", 4, "needs reason"},
		{"a review that is no day", front + "A []{control=a .off reason=x review=soon}", 4, "2027-09-01"},
		{"a value that goes with a link address", front + "See [the page](<a[b]{set=x}>).", 4, "move it"},
		{"front matter that never closes", "---\ntitle: A\n\nText.", 1, "never closed"},
		{"front matter twice", "---\ntitle: A\ntitle: B\n---\nText.", 3, "stands twice"},
		{"an unknown key of front matter", "---\ntitel: A\n---\nText.", 2, `did you mean "title"`},
		{"a nested map in front matter", "---\nowner: {a: b}\n---\nText.", 2, "quotation marks"},
		{"no front matter", "Text.", 1, "does not begin with front matter"},
		{"not text", "\xff\xfe", 0, "UTF-8"},
		{"nothing", "  \n", 0, "empty"},
		{"HTML", front + "<script>alert(1)</script>\n", 4, "HTML"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, problems := document.Parse(c.text)
			for _, p := range problems {
				if p.Line == c.line && strings.Contains(p.Words, c.words) {
					return
				}
			}
			t.Errorf("no problem on line %d with %q in %v", c.line, c.words, problems)
		})
	}
}

func TestWhatIsNotOursIsLeftAlone(t *testing.T) {
	doc, problems := document.Parse("---\ntitle: A\n---\n" +
		"See [the guide](https://example.org/x), a set {a, b}, \\[not a span\\]{set=x}, `[code]{set=y}` &amp; an ![image](http://example.org/i.png).\n\n" +
		"```\n[more]{set=z}\n```\n\n[bad](javascript:alert)\n")
	if len(problems) != 0 {
		t.Fatalf("problems: %v", problems)
	}
	if n := len(doc.Values()); n != 0 {
		t.Fatalf("%d values were read", n)
	}
	want := "See the guide, a set {a, b}, [not a span]{set=x}, [code]{set=y} & an image."
	if doc.Clauses[0].Text != want {
		t.Errorf("got  %s\nwant %s", doc.Clauses[0].Text, want)
	}
	for _, r := range doc.Blocks[2].Runs {
		if r.Href != "" {
			t.Errorf("a dangerous link was kept: %+v", r)
		}
	}
}

func TestWindowsLineEndsAndAByteOrderMarkChangeNothing(t *testing.T) {
	a, _ := document.Parse(example)
	b, problems := document.Parse("\ufeff" + strings.ReplaceAll(example, "\n", "\r\n"))
	if len(problems) != 0 || len(a.Clauses) != len(b.Clauses) || a.Clauses[3].Line != b.Clauses[3].Line {
		t.Fatalf("%v: %d and %d clauses", problems, len(a.Clauses), len(b.Clauses))
	}
}

func TestADifferenceIsOneOfWordsAndOneOfSettings(t *testing.T) {
	old, _ := document.Parse(example)
	text := strings.Replace(example, "[90 days]", "[60 days]", 1)
	text = strings.Replace(text, "- In the library a session locks after [5 *short* minutes]{set=access.idle-lock place=library}.\n", "", 1)
	text = strings.Replace(text, "- Staff change", "- A new clause. []{control=first-logon-change}\n- Staff change", 1)
	next, problems := document.Parse(text)
	if len(problems) != 0 {
		t.Fatal(problems)
	}
	d := document.Diff(old, next)
	var got []string
	for _, c := range d.Clauses {
		got = append(got, string(c.Kind)+" "+c.Old+" → "+c.New)
	}
	want := []string{
		"added  → A new clause.",
		"changed Staff change their password every 90 days. → Staff change their password every 60 days.",
		"removed In the library a session locks after 5 short minutes. → ",
	}
	if x := cmp.Diff(want, got); x != "" {
		t.Error(x)
	}
	wantWords := []document.Piece{{Text: "Staff change their password every"}, {Kind: "removed", Text: "90"}, {Kind: "added", Text: "60"}, {Text: "days."}}
	if x := cmp.Diff(wantWords, d.Clauses[1].Words); x != "" {
		t.Error(x)
	}
	var values []string
	for _, v := range d.Values {
		values = append(values, string(v.Kind)+" "+v.Key+" "+v.Where+" "+v.Old+" → "+v.New)
	}
	wantValues := []string{
		"changed access.staff.password-max-age  90 days → 60 days",
		"removed access.idle-lock place library 5 short minutes → ",
	}
	if x := cmp.Diff(wantValues, values); x != "" {
		t.Error(x)
	}
}

func TestADocumentDoesNotDifferFromItself(t *testing.T) {
	a, _ := document.Parse(example)
	b, _ := document.Parse(example)
	if d := document.Diff(a, b); len(d.Clauses)+len(d.Values) != 0 {
		t.Errorf("%+v", d)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(example)
	f.Add("---\ntitle: [a\n---\n- [[[a]{set=b}]{x]{\n  - `]{`\n| a | [b]{set=c}\n|---|---|\n| \\| | []{control=d}")
	f.Add("*a [b* c]{set=x.y #q} **[d]{set=z}**\n> > - [e](f[g]{set=h})\n")
	f.Fuzz(func(t *testing.T, text string) {
		doc, problems := document.Parse(text)
		ids := map[string]bool{}
		n := strings.Count(doc.Text, "\n") + 1
		for _, c := range doc.Clauses {
			if c.Text == "" || c.ID == "" || c.Line < 1 || c.Line > n {
				t.Fatalf("clause %+v in %d lines", c, n)
			}
			ids[c.ID] = true
		}
		failed := false
		for _, p := range problems {
			failed = failed || p.Level == document.Error
			if p.Line < 0 || p.Line > n && doc.Text != "" || p.Words == "" {
				t.Fatalf("problem %+v in %d lines", p, n)
			}
		}
		if !failed && len(ids) != len(doc.Clauses) {
			t.Fatal("two clauses have one id and nobody said so")
		}
		again, _ := document.Parse(doc.Text)
		if doc.Text != "" && len(again.Clauses) != len(doc.Clauses) {
			t.Fatal("reading twice differs")
		}
	})
}
