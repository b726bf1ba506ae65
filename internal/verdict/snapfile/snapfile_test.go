package snapfile_test

import (
	"crypto/ed25519"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"belisha/internal/verdict"
	"belisha/internal/verdict/segment"
	"belisha/internal/verdict/snapfile"
)

var at = time.Date(2027, 3, 9, 10, 0, 0, 0, time.UTC)

func newKey(t *testing.T) (ed25519.PublicKey, ed25519.PrivateKey) {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return pub, key
}

func rules(blocked ...string) verdict.Rules {
	r := verdict.Rules{
		Version: verdict.RulesVersion, School: "Test School", Groups: []verdict.Group{{Slug: "pupils"}, {Slug: "staff"}},
		Categories: []verdict.Category{{Slug: "adult"}, {Slug: "games"}},
	}
	for _, c := range blocked {
		r.Lines = append(r.Lines, verdict.Line{ID: "L-" + c, Who: verdict.Who{Groups: []string{"pupils"}}, Categories: []string{c}})
	}
	return r
}

func list(t *testing.T, dir, category string, names ...string) snapfile.SegmentRef {
	t.Helper()
	if err := snapfile.Prepare(dir); err != nil {
		t.Fatal(err)
	}
	b := segment.NewBuilder()
	for _, n := range names {
		if err := b.Add(segment.Name, n, category); err != nil {
			t.Fatal(err)
		}
	}
	hash, _, err := b.Write(snapfile.SegmentsDir(dir))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(segment.FileName(snapfile.SegmentsDir(dir), hash), at, at); err != nil {
		t.Fatal(err)
	}
	return snapfile.SegmentRef{Source: category + "-list", Title: "the list", Hash: hash}
}

func publish(t *testing.T, dir string, key ed25519.PrivateKey, r verdict.Rules, refs ...snapfile.SegmentRef) uint64 {
	t.Helper()
	n, err := snapfile.Publish(dir, key, at, r, refs)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func blocks(s *verdict.Snapshot, host string) bool {
	return s.Decide(&verdict.Ask{Host: host, Groups: 1, At: at}).Action == verdict.Block
}

func TestWhatIsPublishedIsOpened(t *testing.T) {
	dir := t.TempDir()
	pub, key := newKey(t)
	if _, err := snapfile.Open(dir, pub); !errors.Is(err, snapfile.ErrNone) {
		t.Fatalf("an empty folder: %v", err)
	}
	adult := list(t, dir, "adult", "bad.test")
	l := snapfile.NewLoader(dir, pub)
	n := publish(t, dir, key, rules("adult"), adult)
	s, err := l.Load()
	if err != nil {
		t.Fatal(err)
	}
	if s.Number() != n || !s.Made().Equal(at) || !blocks(s, "www.bad.test") || blocks(s, "ok.test") || s.Names().School != "Test School" {
		t.Errorf("snapshot %d of %v is not what was published", s.Number(), s.Made())
	}
	if snapfile.Newer(dir, n) {
		t.Error("there is said to be a newer one")
	}
	games := list(t, dir, "games", "play.test")
	n2 := publish(t, dir, key, rules("adult", "games"), adult, games)
	if n2 <= n || !snapfile.Newer(dir, n) {
		t.Fatalf("number %d after %d", n2, n)
	}
	s2, err := l.Load()
	if err != nil {
		t.Fatal(err)
	}
	if !blocks(s2, "play.test") || blocks(s, "play.test") || !blocks(s, "bad.test") {
		t.Error("the new snapshot is not new, or the old one changed")
	}
	if s.Segments()["adult-list"] != s2.Segments()["adult-list"] {
		t.Error("a list that did not change was mapped again")
	}
}

func TestADamagedPartNeverReplacesWhatRuns(t *testing.T) {
	pub, key := newKey(t)
	for name, damage := range map[string]func(t *testing.T, dir string, ref snapfile.SegmentRef){
		"manifest changed": func(t *testing.T, dir string, _ snapfile.SegmentRef) {
			edit(t, filepath.Join(dir, "snapshots", "2.manifest"), `"games"`, `"gomes"`, 20)
		},
		"manifest gone": func(t *testing.T, dir string, _ snapfile.SegmentRef) {
			gone(t, filepath.Join(dir, "snapshots", "2.manifest"))
		},
		"rules changed": func(t *testing.T, dir string, _ snapfile.SegmentRef) {
			edit(t, filepath.Join(dir, "rules", "2.rules"), "L-games", "L-gomes", 0)
		},
		"rules gone": func(t *testing.T, dir string, _ snapfile.SegmentRef) { gone(t, filepath.Join(dir, "rules", "2.rules")) },
		"list changed": func(t *testing.T, dir string, r snapfile.SegmentRef) {
			flip(t, segment.FileName(snapfile.SegmentsDir(dir), r.Hash), 5000)
		},
		"list cut short": func(t *testing.T, dir string, r snapfile.SegmentRef) {
			cut(t, segment.FileName(snapfile.SegmentsDir(dir), r.Hash))
		},
		"list gone": func(t *testing.T, dir string, r snapfile.SegmentRef) {
			gone(t, segment.FileName(snapfile.SegmentsDir(dir), r.Hash))
		},
		"current damaged": func(t *testing.T, dir string, _ snapfile.SegmentRef) {
			write(t, filepath.Join(dir, "current"), "../../2.manifest")
		},
		"current half": func(t *testing.T, dir string, _ snapfile.SegmentRef) {
			write(t, filepath.Join(dir, "current"), "2.man")
		},
		"signature missing": func(t *testing.T, dir string, _ snapfile.SegmentRef) {
			edit(t, filepath.Join(dir, "snapshots", "2.manifest"), "\n", " ", 0)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			publish(t, dir, key, rules("adult"), list(t, dir, "adult", "bad.test"))
			l := snapfile.NewLoader(dir, pub)
			s, err := l.Load()
			if err != nil {
				t.Fatal(err)
			}
			games := list(t, dir, "games", "play.test")
			publish(t, dir, key, rules("games"), games)
			damage(t, dir, games)
			if _, err := l.Load(); err == nil {
				t.Fatal("loaded")
			}
			if !blocks(s, "bad.test") || l.Have() != 1 {
				t.Error("what ran before was touched")
			}
			// A gate that starts now takes the newest that is whole.
			s, skipped, err := snapfile.NewLoader(dir, pub).LoadNewest()
			if err != nil || s.Number() != 1 && name[:4] != "curr" || len(skipped) == 0 {
				t.Errorf("started with %v, passed over %v", err, skipped)
			}
		})
	}
}

func TestAnotherKeyOrAnOlderNumberIsRefused(t *testing.T) {
	dir := t.TempDir()
	pub, key := newKey(t)
	other, otherKey := newKey(t)
	publish(t, dir, key, rules("adult"))
	if _, err := snapfile.Open(dir, other); !errors.Is(err, snapfile.ErrSignature) {
		t.Errorf("with another key: %v", err)
	}
	if _, err := snapfile.Open(dir, nil); !errors.Is(err, snapfile.ErrSignature) {
		t.Errorf("without a key: %v", err)
	}
	publish(t, dir, key, rules("games"))
	l := snapfile.NewLoader(dir, pub)
	if _, err := l.Load(); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "current"), "1.manifest\n")
	if _, err := l.Load(); !errors.Is(err, snapfile.ErrOlder) {
		t.Errorf("going back: %v", err)
	}
	// A manifest under another number's name is not that number.
	b, err := os.ReadFile(filepath.Join(dir, "snapshots", "1.manifest"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "snapshots", "9.manifest"), string(b))
	write(t, filepath.Join(dir, "current"), "9.manifest\n")
	if _, err := l.Load(); !errors.Is(err, snapfile.ErrDamaged) {
		t.Errorf("an old manifest under a new name: %v", err)
	}
	if _, err := snapfile.Publish(dir, otherKey, at, rules("adult"), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Load(); !errors.Is(err, snapfile.ErrSignature) {
		t.Errorf("published by somebody else: %v", err)
	}
}

func TestWhatAGateWouldRefuseIsNotPublished(t *testing.T) {
	dir := t.TempDir()
	pub, key := newKey(t)
	publish(t, dir, key, rules("adult"))
	r := rules("adult")
	r.Lines[0].Categories = []string{"unknown"}
	if _, err := snapfile.Publish(dir, key, at, r, nil); !errors.Is(err, verdict.ErrRules) {
		t.Errorf("rules that cannot be used: %v", err)
	}
	missing := snapfile.SegmentRef{Source: "x", Hash: strings.Repeat("0", 64)}
	if _, err := snapfile.Publish(dir, key, at, rules("adult"), []snapfile.SegmentRef{missing}); !errors.Is(err, snapfile.ErrDamaged) {
		t.Errorf("a list that is not there: %v", err)
	}
	if _, err := snapfile.Publish(dir, key, at, rules("adult"), []snapfile.SegmentRef{{Source: "x", Hash: "../../etc"}}); err == nil {
		t.Error("a hash that is a path was taken")
	}
	s, err := snapfile.Open(dir, pub)
	if err != nil || s.Number() != 1 {
		t.Errorf("after refusals: %v", err)
	}
	if files, _ := os.ReadDir(filepath.Join(dir, "rules")); len(files) != 1 {
		t.Errorf("%d rules files were left", len(files))
	}
}

func TestOldSnapshotsAreClearedAwayAndOneCanGoBack(t *testing.T) {
	dir := t.TempDir()
	pub, key := newKey(t)
	old := list(t, dir, "adult", "bad.test")
	past := at.Add(-48 * time.Hour)
	publish(t, dir, key, rules("adult"), old)
	for range 2 {
		publish(t, dir, key, rules("games"), list(t, dir, "games", "play.test"))
	}
	n, err := snapfile.Again(dir, key, at, 1)
	if err != nil || n != 4 {
		t.Fatalf("going back: %d, %v", n, err)
	}
	s, err := snapfile.Open(dir, pub)
	if err != nil || !blocks(s, "bad.test") || blocks(s, "play.test") {
		t.Fatalf("after going back: %v", err)
	}
	waiting := list(t, dir, "games", "just-built.test")
	for i := range 4 {
		publish(t, dir, key, rules("games"), list(t, dir, "games", "play.test", strings.Repeat("x", i+1)+".test"))
	}
	files, _ := os.ReadDir(filepath.Join(dir, "snapshots"))
	if len(files) != 3 {
		t.Errorf("%d manifests are kept", len(files))
	}
	if _, err := os.Stat(segment.FileName(snapfile.SegmentsDir(dir), waiting.Hash)); err != nil {
		t.Errorf("a list that waits to be published went: %v", err)
	}
	for _, ref := range []snapfile.SegmentRef{old, waiting} {
		if err := os.Chtimes(segment.FileName(snapfile.SegmentsDir(dir), ref.Hash), past, past); err != nil {
			t.Fatal(err)
		}
	}
	publish(t, dir, key, rules("games"))
	if _, err := os.Stat(segment.FileName(snapfile.SegmentsDir(dir), old.Hash)); !os.IsNotExist(err) {
		t.Errorf("a list that no snapshot names is kept: %v", err)
	}
	if !blocks(s, "bad.test") {
		t.Error("the running snapshot lost its list")
	}
	if _, _, err := snapfile.Read(dir, pub, 8); err != nil {
		t.Errorf("reading what is kept: %v", err)
	}
}

func TestRulesAreReadBackAsTheyWerePublished(t *testing.T) {
	dir := t.TempDir()
	pub, key := newKey(t)
	publish(t, dir, key, rules("adult"))
	_, r, err := snapfile.Read(dir, pub, 1)
	if err != nil || len(r.Lines) != 1 || r.Lines[0].Act != verdict.Block {
		t.Errorf("rules read back: %+v, %v", r, err)
	}
}

func edit(t *testing.T, path, old, with string, at int) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := strings.Replace(string(b), old, with, 1)
	if s == string(b) { // the text is not there: change a byte instead
		c := []byte(s)
		c[at] ^= 1
		s = string(c)
	}
	write(t, path, s)
}

func write(t *testing.T, path, s string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(s), 0o600); err != nil {
		t.Fatal(err)
	}
}

func gone(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func flip(t *testing.T, path string, at int) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[min(at, len(b)-1)] ^= 4
	write(t, path, string(b))
}

func cut(t *testing.T, path string) {
	t.Helper()
	if err := os.Truncate(path, 100); err != nil {
		t.Fatal(err)
	}
}
