package verdict_test

import (
	"testing"
	"time"

	"belisha/internal/verdict"
	"belisha/internal/verdict/segment"
)

func TestNoUnblockOpensWhatIsBelowItsHostAndInACategoryThatNothingLifts(t *testing.T) {
	at := time.UnixMilli(1000)
	r := verdict.Rules{
		Version: verdict.RulesVersion, Groups: []verdict.Group{{Slug: "pupils", UnlistedClosed: true}},
		Categories: []verdict.Category{{Slug: "blogs"}, {Slug: "adult"}}, Unliftable: []string{"adult"},
		Lines: []verdict.Line{{ID: "l", Act: verdict.Block, Categories: []string{"blogs", "adult"}}},
		Unblocks: []verdict.Unblock{
			{ID: "u", Hosts: []string{"site.test"}, Span: verdict.Span{From: 1, Until: 2000}},
			{ID: "c", Categories: []string{"adult"}, Span: verdict.Span{From: 1, Until: 2000}},
		},
	}
	b, dir := segment.NewBuilder(), t.TempDir()
	for name, category := range map[string]string{"site.test": "blogs", "bad.site.test": "adult", "other.test": "adult"} {
		if err := b.Add(segment.Name, name, category); err != nil {
			t.Fatal(err)
		}
	}
	hash, _, err := b.Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	seg, err := segment.Open(segment.FileName(dir, hash))
	if err != nil {
		t.Fatal(err)
	}
	s, err := verdict.New(r, []verdict.Source{{Slug: "l", Segment: seg}})
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]verdict.Action{
		"site.test": verdict.Allow, "good.site.test": verdict.Allow, "bad.site.test": verdict.Block, "x.bad.site.test": verdict.Block, "other.test": verdict.Block,
	} {
		if v := s.Decide(&verdict.Ask{Host: host, Groups: 1, At: at}); v.Action != want {
			t.Errorf("%s: %s (%s), want %s", host, v.Action, v.Reason, want)
		}
	}
}
