package snapfile_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"belisha/internal/verdict/scan"
	"belisha/internal/verdict/snapfile"
)

func phrases(t *testing.T, dir, word string) snapfile.SegmentRef {
	t.Helper()
	b := scan.NewBuilder(scan.Options{})
	if _, err := b.Add(scan.Line{Parts: []string{word}, Weight: 50, Category: "adult"}); err != nil {
		t.Fatal(err)
	}
	file, _, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	ref, err := snapfile.PutPhrases(dir, file)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func score(p *scan.Phrases, text string) int {
	var s scan.Scratch
	return p.Weigh(&scan.Text{Smart: []byte(" " + text + " ")}, 60, 0, &s).Score
}

func TestPhrasesComeIntoForceWithTheRules(t *testing.T) {
	dir := t.TempDir()
	pub, key := newKey(t)
	l := snapfile.NewLoader(dir, pub)
	publish(t, dir, key, rules("adult"))
	s, err := l.Load()
	if err != nil || s.Phrases() != nil {
		t.Fatalf("without phrases: %v, %v", s.Phrases(), err)
	}
	first := phrases(t, dir, "first")
	publish(t, dir, key, rules("adult"), first)
	if s, err = l.Load(); err != nil || score(s.Phrases(), "first second") != 50 {
		t.Fatalf("with phrases: %v", err)
	}
	publish(t, dir, key, rules("adult", "games"), list(t, dir, "adult", "bad.test"), list(t, dir, "games", "play.test"), first)
	again, err := l.Load()
	if err != nil || again.Phrases() != s.Phrases() || !blocks(again, "bad.test") {
		t.Errorf("phrases that did not change were opened anew: %v", err)
	}
	publish(t, dir, key, rules("adult"), phrases(t, dir, "second"))
	if s, err = l.Load(); err != nil || score(s.Phrases(), "second") != 50 || score(s.Phrases(), "first") != 0 {
		t.Errorf("other phrases: %v", err)
	}
	if n, err := snapfile.Again(dir, key, at, 2); err != nil || n != 5 {
		t.Fatalf("going back: %d, %v", n, err)
	}
	if s, err = l.Load(); err != nil || score(s.Phrases(), "first") != 50 {
		t.Errorf("after going back: %v", err)
	}
}

func TestDamagedPhrasesNeverReplaceWhatRuns(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, path string){
		"changed":   func(t *testing.T, path string) { flip(t, path, 12) },
		"cut short": func(t *testing.T, path string) { write(t, path, "BELPHR01") },
		"gone":      gone,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			pub, key := newKey(t)
			l := snapfile.NewLoader(dir, pub)
			publish(t, dir, key, rules("adult"), phrases(t, dir, "first"))
			if _, err := l.Load(); err != nil {
				t.Fatal(err)
			}
			second := phrases(t, dir, "second")
			publish(t, dir, key, rules("adult"), second)
			path := filepath.Join(snapfile.PhrasesDir(dir), second.Hash+".phr")
			damage(t, path)
			if _, err := l.Load(); !errors.Is(err, snapfile.ErrDamaged) || l.Have() != 1 {
				t.Errorf("loaded: %v", err)
			}
			s, skipped, err := snapfile.NewLoader(dir, pub).LoadNewest()
			if err != nil || s.Number() != 1 || score(s.Phrases(), "first") != 50 || len(skipped) == 0 {
				t.Errorf("a new start: %v", err)
			}
			if again := phrases(t, dir, "second"); again != second {
				t.Errorf("the same phrases are named %v", again)
			}
			if _, err := l.Load(); err != nil {
				t.Errorf("once they are whole again: %v", err)
			}
		})
	}
}

func TestWhatIsNotUnderstoodInAManifestIsRefused(t *testing.T) {
	dir := t.TempDir()
	_, key := newKey(t)
	first, second := phrases(t, dir, "first"), phrases(t, dir, "second")
	odd := first
	odd.Kind = "pictures"
	for name, refs := range map[string][]snapfile.SegmentRef{
		"two files of phrases": {first, second}, "an unknown kind": {odd},
		"phrases that are not there": {{Source: "phrases", Kind: snapfile.KindPhrases, Hash: "00" + first.Hash[2:]}},
	} {
		if _, err := snapfile.Publish(dir, key, at, rules("adult"), refs); !errors.Is(err, snapfile.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPhrasesThatNoSnapshotNamesAreClearedAway(t *testing.T) {
	dir := t.TempDir()
	_, key := newKey(t)
	path := func(r snapfile.SegmentRef) string { return filepath.Join(snapfile.PhrasesDir(dir), r.Hash+".phr") }
	used, left := phrases(t, dir, "used"), phrases(t, dir, "left")
	for _, r := range []snapfile.SegmentRef{used, left} {
		past := at.Add(-48 * time.Hour)
		if err := os.Chtimes(path(r), past, past); err != nil {
			t.Fatal(err)
		}
	}
	publish(t, dir, key, rules("adult"), used)
	if _, err := os.Stat(path(left)); !os.IsNotExist(err) {
		t.Errorf("what nobody names is kept: %v", err)
	}
	if _, err := os.Stat(path(used)); err != nil {
		t.Errorf("what is used went: %v", err)
	}
}
