package verdict_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"belisha/internal/verdict"
	"belisha/internal/verdict/segment"
)

// TestEverySpellingOfAListedNameIsFound uses the variants of the shared test
// data: one listed domain in many spellings.
func TestEverySpellingOfAListedNameIsFound(t *testing.T) {
	f, err := os.Open(filepath.Join("..", "..", "..", "shared", "data", "url_variants.jsonl"))
	if err != nil {
		t.Skip("../shared not there")
	}
	defer f.Close()
	type variant struct{ URL, Domain, Category, Expect, Transform string }
	var list []variant
	for sc := bufio.NewScanner(f); sc.Scan(); {
		var v variant
		if err := json.Unmarshal(sc.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		list = append(list, v)
	}
	b := segment.NewBuilder()
	seen := map[string]bool{}
	rules := verdict.Rules{Version: verdict.RulesVersion, Groups: []verdict.Group{{Slug: "pupils"}}}
	for _, v := range list {
		if !seen[v.Category] {
			seen[v.Category] = true
			rules.Categories = append(rules.Categories, verdict.Category{Slug: v.Category})
		}
		if err := b.Add(segment.Name, v.Domain, v.Category); err != nil {
			t.Fatal(v.Domain, err)
		}
	}
	dir := t.TempDir()
	hash, _, err := b.Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	seg, err := segment.Open(segment.FileName(dir, hash))
	if err != nil {
		t.Fatal(err)
	}
	s, err := verdict.New(rules, []verdict.Source{{Slug: "list", Segment: seg}})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range list {
		u, err := verdict.CanonicalURL(v.URL)
		if err != nil {
			t.Errorf("%s (%s): %v", v.URL, v.Transform, err)
			continue
		}
		n, _ := s.Names().CategoryNumber(v.Category)
		got := s.Decide(&verdict.Ask{Host: u.Host, Path: u.Path, Port: u.Port}).Categories.Has(n)
		if want := v.Expect != "not"; got != want {
			t.Errorf("%s (%s): found %v, want %v", v.URL, v.Transform, got, want)
		}
	}
}
