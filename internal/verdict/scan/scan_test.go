package scan_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"belisha/internal/verdict/scan"
)

func made(t testing.TB, o scan.Options, lines ...scan.Line) *scan.Phrases {
	t.Helper()
	b := scan.NewBuilder(o)
	for _, l := range lines {
		if _, err := b.Add(l); err != nil {
			t.Fatalf("%q: %v", l.Parts, err)
		}
	}
	_, p := build(t, b)
	return p
}

func word(weight int, parts ...string) scan.Line {
	return scan.Line{Parts: parts, Weight: weight, Category: "adult"}
}

func TestWeighing(t *testing.T) {
	banned, except := word(0, "forbidden"), word(0, "school library")
	banned.Kind, except.Kind = scan.Banned, scan.Exception
	bannedPair, exceptPair := word(0, "alpha", "omega"), word(0, "lesson", "plan")
	bannedPair.Kind, exceptPair.Kind = scan.Banned, scan.Exception
	share := scan.Line{Parts: []string{"tenth"}, Weight: 10, Percent: true, Category: "drugs"}
	evening := word(40, "evening")
	evening.Band = &scan.Band{Days: 1 << 0, Start: 18 * 60, End: 20 * 60}
	lines := []scan.Line{
		banned, except, bannedPair, exceptPair, share, evening,
		word(30, " word "), word(20, "part"), word(50, "one", "two", "three"), word(-25, " museum "),
		{Parts: []string{"joint"}, Weight: 35, Category: "drugs"},
	}
	monday := uint16(19 * 60)
	for _, c := range []struct {
		name, text string
		limit      int
		minute     uint16
		mode1      bool
		score      int
		closed     bool
		category   string
	}{
		{name: "nothing in it", text: "the quick brown fox", limit: 60},
		{name: "a word counts as a word", text: "a Word, and a sword, wordless", limit: 60, score: 30, category: "adult"},
		{name: "a part counts inside a word", text: "apartment", limit: 60, score: 20, category: "adult"},
		{name: "once a page however often", text: "word part word part word", limit: 60, score: 50, category: "adult"},
		{name: "every time in mode 1", text: "word part word part word", limit: 60, mode1: true, score: 130, closed: true, category: "adult"},
		{name: "a combination needs all its parts", text: "one two", limit: 60},
		{name: "a combination in any order", text: "three, two. one", limit: 60, score: 50, category: "adult"},
		{name: "a combination as often as its rarest part in mode 1", text: "one one two three three", limit: 600, mode1: true, score: 50, category: "adult"},
		{name: "good phrases take away", text: "part museum", limit: 60, score: -5, category: "adult"},
		{name: "the limit itself is not over it", text: "word tenth part", limit: 55, score: 55, category: "adult"},
		{name: "over the limit is closed", text: "word tenth part", limit: 54, score: 55, closed: true, category: "adult"},
		{name: "a share of the limit", text: "tenth", limit: 160, score: 16, category: "drugs"},
		{name: "the heaviest category leads", text: "joint part", limit: 160, score: 55, category: "drugs"},
		{name: "a banned phrase closes", text: "forbidden", limit: 160, closed: true, category: "adult"},
		{name: "a banned combination closes", text: "omega before alpha", limit: 160, closed: true, category: "adult"},
		{name: "an exception beats everything", text: "forbidden word part one two three school library", limit: 10, score: 100, category: "adult"},
		{name: "an exception of several parts beats everything", text: "plan of a lesson: forbidden, alpha omega", limit: 10, category: "adult"},
		{name: "in its time", text: "good evening", limit: 60, minute: monday, score: 40, category: "adult"},
		{name: "its last minute belongs to it", text: "good evening", limit: 60, minute: 20 * 60, score: 40, category: "adult"},
		{name: "after its time", text: "good evening", limit: 60, minute: 20*60 + 1},
		{name: "on another day", text: "good evening", limit: 60, minute: 1440 + monday},
		{name: "no limit, nothing over", text: "word part one two three", score: 100, category: "adult"},
		{name: "capitals and marks do not hide", text: "WORD", limit: 60, score: 30, category: "adult"},
		{name: "invisible marks do not hide", text: "p\u00ada\u200brt", limit: 60, score: 20, category: "adult"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := made(t, scan.Options{PerOccurrence: c.mode1}, lines...)
			var s scan.Scratch
			for range 2 { // a scratch that was used weighs the same
				r := p.Weigh(&scan.Text{Smart: view(c.text)}, c.limit, c.minute, &s)
				if r.Score != c.score || r.Closed() != c.closed || r.Category != c.category {
					t.Errorf("score %d, closed %v, category %q; want %d, %v, %q", r.Score, r.Closed(), r.Category, c.score, c.closed, c.category)
				}
			}
		})
	}
}

func TestTheWorstViewCounts(t *testing.T) {
	p := made(t, scan.Options{}, word(30, "seen"), word(70, "hidden"), word(-10, "calm"))
	var s scan.Scratch
	for _, c := range []struct {
		name             string
		smart, bare, raw string
		want             int
	}{
		{"what is read weighs more", "seen", "", "calm", 30},
		{"what is not read weighs more", "seen", "", "seen hidden", 100},
		{"letters as they look weigh more", "", "hidden", "seen", 70},
		{"good phrases only count where nothing is bad", "calm", "", "seen", 30},
		{"the better of two good ones", "calm", "", "", -10},
	} {
		text := scan.Text{Smart: view(c.smart), Bare: view(c.bare), Raw: view(c.raw)}
		if r := p.Weigh(&text, 200, 0, &s); r.Score != c.want {
			t.Errorf("%s: %d, want %d", c.name, r.Score, c.want)
		}
	}
}

func TestTheStrongerOfTwoLinesStays(t *testing.T) {
	kind := func(k scan.Kind, text string) scan.Line { return scan.Line{Parts: []string{text}, Kind: k} }
	var s scan.Scratch
	for name, c := range map[string]struct {
		lines  []scan.Line
		score  int
		closed bool
	}{
		"the higher weight":                {lines: []scan.Line{word(10, "same"), word(30, "same"), word(20, "same")}, score: 30},
		"banned before a weight":           {lines: []scan.Line{kind(scan.Banned, "same"), word(30, "same")}, closed: true},
		"banned after a weight":            {lines: []scan.Line{word(30, "same"), kind(scan.Banned, "same")}, closed: true},
		"exception before banned":          {lines: []scan.Line{kind(scan.Exception, "same"), kind(scan.Banned, "same")}},
		"by itself and as a part":          {lines: []scan.Line{word(30, "same", "other"), word(7, "same")}, score: 7},
		"a part alone does nothing":        {lines: []scan.Line{word(30, "same", "other")}},
		"one combination twice adds twice": {lines: []scan.Line{word(30, "sa", "me"), word(30, "me", "sa")}, score: 60},
	} {
		p := made(t, scan.Options{}, c.lines...)
		if r := p.Weigh(&scan.Text{Smart: view("same")}, 100, 0, &s); r.Score != c.score || r.Closed() != c.closed {
			t.Errorf("%s: score %d, closed %v", name, r.Score, r.Closed())
		}
	}
}

func TestLinesThatCannotBeUsed(t *testing.T) {
	for name, c := range map[string]struct {
		line scan.Line
		want error
	}{
		"nothing in it":         {word(10, ""), scan.ErrEmpty},
		"a single letter":       {word(10, " a "), scan.ErrShort},
		"marks only":            {word(10, "//"), scan.ErrShort},
		"an unknown encoding":   {word(10, "\xa4\x6a\xb3\xb0"), scan.ErrEncoding},
		"a weight out of sight": {word(scan.MaxWeight+1, "word"), scan.ErrWeight},
		"too many parts":        {word(1, strings.Split(strings.Repeat("ab cd ef gh ", 30), " ")...), nil},
	} {
		_, err := scan.NewBuilder(scan.Options{}).Add(c.line)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	many := make([]string, scan.MaxParts+1)
	for i := range many {
		many[i] = "part" + strings.Repeat("x", i)
	}
	if _, err := scan.NewBuilder(scan.Options{}).Add(word(1, many...)); !errors.Is(err, scan.ErrParts) {
		t.Errorf("too many parts: %v", err)
	}
}

func TestLatin1AndUTF8PhrasesFindTheSamePages(t *testing.T) {
	var s scan.Scratch
	for _, list := range []string{"größe", "gr\xf6\xdfe", "GRÖSSE", "gro\u0308ße"} {
		form, err := scan.Folded(list)
		if err != nil {
			t.Fatal(err)
		}
		p := made(t, scan.Options{}, word(10, list))
		found := p.Weigh(&scan.Text{Smart: view("Die GRÖßE")}, 0, 0, &s).Score
		if want := map[bool]int{true: 10}[form == "größe"]; found != want {
			t.Errorf("%q: %d", list, found)
		}
	}
}

func TestWhatCountedIsTold(t *testing.T) {
	p := made(t, scan.Options{}, word(30, "first"), word(20, "second"), word(50, "first", "third"), word(-5, "calm"))
	var s scan.Scratch
	text := scan.Text{Smart: view("first second third calm")}
	if r := p.Weigh(&text, 200, 0, &s); r.Parts != nil || r.Score != 95 {
		t.Errorf("an open page: %+v", r)
	}
	want := []scan.Part{{"first, third", "adult", 50}, {"first", "adult", 30}, {"second", "adult", 20}, {"calm", "adult", -5}}
	if r := p.Explain(&text, 200, 0, &s); !slices.Equal(r.Parts, want) {
		t.Errorf("explained: %v", r.Parts)
	}
	if r := p.Weigh(&text, 60, 0, &s); !slices.Equal(r.Parts, want) {
		t.Errorf("a closed page: %v", r.Parts)
	}
}

func TestWeighingNeedsNoMemory(t *testing.T) {
	p := made(t, scan.Options{}, word(30, "first"), word(20, "second"), word(50, "first", "third"), word(-5, "calm"))
	text := scan.Text{Smart: view(strings.Repeat("first and second, third and calm ", 200)), Raw: view("first")}
	var s scan.Scratch
	p.Weigh(&text, 1000, 0, &s)
	if n := testing.AllocsPerRun(100, func() { p.Weigh(&text, 1000, 0, &s) }); n != 0 {
		t.Errorf("%v allocations for a page that stays open", n)
	}
}

func TestNoPhrasesWeighNothing(t *testing.T) {
	p := made(t, scan.Options{})
	var s scan.Scratch
	for _, n := range []int{0, 1, 2047, 2048, 100_000} {
		if r := p.Explain(&scan.Text{Smart: bytes.Repeat([]byte("a"), n), Raw: bytes.Repeat([]byte(" "), n)}, 60, 0, &s); r.Score != 0 || r.Closed() {
			t.Errorf("%d bytes: %+v", n, r)
		}
	}
}

// naive counts occurrences one by one.
func naive(text, phrase string) (n int) {
	for i := range len(text) {
		if strings.HasPrefix(text[i:], phrase) {
			n++
		}
	}
	return n
}

// TestEveryOccurrenceIsFound holds the matcher against a search for one phrase
// after the other, in texts that are long enough to be read at several places
// at once, and made so that phrases overlap, contain one another and stand
// where the places join.
func TestEveryOccurrenceIsFound(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		letters := rapid.SampledFrom([]string{"ab", "ab ", "abc é", "abcdefgh /\xc3\xa9"}).Draw(rt, "letters")
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		random := func(n int) string {
			b := make([]byte, n)
			for i := range b {
				b[i] = letters[r.IntN(len(letters))]
			}
			return string(b)
		}
		b := scan.NewBuilder(scan.Options{Plain: true, PerOccurrence: true})
		phrases := map[string]int{}
		for i := range rapid.IntRange(1, 60).Draw(rt, "phrases") {
			text := strings.Join(strings.FieldsFunc(random(1+r.IntN(12)), func(c rune) bool { return c == ' ' }), " ")
			if r.IntN(20) == 0 {
				text = strings.TrimSpace(random(100))
				text = strings.Join(strings.Fields(text), " ")
			}
			if text == "" || phrases[text] != 0 {
				continue
			}
			phrases[text] = 1 + i
			if _, err := b.Add(scan.Line{Parts: []string{text}, Weight: 1 + i}); err != nil {
				rt.Fatal(err)
			}
		}
		_, p := build(t, b)
		text := random(rapid.IntRange(0, 9000).Draw(rt, "length"))
		want := 0
		for phrase, weight := range phrases {
			want += weight * naive(text, phrase)
		}
		var s scan.Scratch
		if got := p.Weigh(&scan.Text{Raw: []byte(text)}, 0, 0, &s).Score; got != want {
			rt.Fatalf("weighs %d, one by one %d", got, want)
		}
	})
}

func TestTheMatcherStaysSmall(t *testing.T) {
	p, file := wholeLists(t, 10_000)
	n, _ := p.Count()
	if n < 10_000 || p.Size() > 32<<20 {
		t.Errorf("%d phrases take %d MB", n, p.Size()>>20)
	}
	t.Logf("%d phrases: table %.1f MB, file %d KB", n, float64(p.Size())/(1<<20), len(file)>>10)
}

func TestTooManyPhrasesAreRefused(t *testing.T) {
	b := scan.NewBuilder(scan.Options{})
	r := rand.New(rand.NewPCG(5, 6))
	for range 40_000 {
		text := make([]byte, 12)
		for i := range text {
			text[i] = 'a' + byte(r.IntN(26))
		}
		if _, err := b.Add(word(1, string(text))); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := b.Build(); !errors.Is(err, scan.ErrLarge) {
		t.Errorf("built: %v", err)
	}
}

func sample(t testing.TB) []byte {
	t.Helper()
	b := scan.NewBuilder(scan.Options{})
	for i, l := range []scan.Line{
		word(30, "first"), word(-20, " second "), word(50, "first", "third"),
		{Parts: []string{"tenth"}, Weight: 10, Percent: true, Category: "drugs", Band: &scan.Band{Days: 31, Start: 60, End: 600}},
		{Parts: []string{"never"}, Kind: scan.Banned},
		{Parts: []string{"always", "ever"}, Kind: scan.Exception},
	} {
		if _, err := b.Add(l); err != nil {
			t.Fatal(i, err)
		}
	}
	file, _ := build(t, b)
	return file
}

func TestADamagedFileIsRefused(t *testing.T) {
	file := sample(t)
	again := open(t, file)
	if n, c := again.Count(); n != 7 || c != 2 || !slices.Equal(again.Categories(), []string{"adult", "drugs"}) {
		t.Errorf("%d phrases and %d combinations of %v", n, c, again.Categories())
	}
	for i := range file {
		if _, err := scan.Open(file[:i]); !errors.Is(err, scan.ErrDamaged) {
			t.Fatalf("cut at %d: %v", i, err)
		}
	}
	if _, err := scan.Open(append(bytes.Clone(file), 0)); !errors.Is(err, scan.ErrDamaged) {
		t.Errorf("with more behind: %v", err)
	}
	newer := bytes.Clone(file)
	newer[7]++
	if _, err := scan.Open(newer); !errors.Is(err, scan.ErrDamaged) {
		t.Errorf("another version: %v", err)
	}
}

func FuzzOpen(f *testing.F) {
	file := sample(f)
	f.Add(file)
	f.Add(file[:len(file)/2])
	f.Add([]byte("BELPHR01\x00\x00\x00\xff\xff\xff\xff\x0f"))
	text := scan.Text{Smart: view("first second third tenth never always ever")}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := scan.Open(b)
		if err != nil {
			return
		}
		var s scan.Scratch
		p.Explain(&text, 60, 700, &s)
	})
}

func FuzzFold(f *testing.F) {
	for _, s := range []string{"Größe", "a\u0301b", "\u202ep\u200bo", "\xff\xfe<b>", "  \t\u00a0 x", "\U0001F52B gun"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		once := scan.AppendFolded(nil, b)
		if bytes.Contains(once, []byte("  ")) || bytes.IndexByte(once, 0) >= 0 {
			t.Fatalf("%q folds to %q", b, once)
		}
		var text scan.Text
		text.Plain(b)
		if len(text.Raw) != len(b) || len(text.Smart) > len(b)+1 {
			t.Fatalf("the views of %q are %d and %d long", b, len(text.Raw), len(text.Smart))
		}
	})
}

func TestListsAreMergedByCategory(t *testing.T) {
	first := made(t, scan.Options{}, word(30, "first"), word(50, "first", "third"), scan.Line{Parts: []string{"joint"}, Weight: 35, Category: "drugs", Band: &scan.Band{Days: 1, Start: 0, End: 60}})
	second := made(t, scan.Options{}, word(40, "first"), scan.Line{Parts: []string{"pair", "two"}, Weight: 9, Category: "drugs"})
	var s scan.Scratch
	for name, c := range map[string]struct {
		keep  func(string) bool
		score int
	}{
		"all of both":     {func(string) bool { return true }, 40 + 50 + 35 + 9},
		"one is left out": {func(c string) bool { return c != "drugs" }, 40 + 50},
	} {
		b := scan.NewBuilder(scan.Options{})
		for _, p := range []*scan.Phrases{first, second} {
			if err := b.Merge(p, c.keep); err != nil {
				t.Fatal(err)
			}
		}
		_, p := build(t, b)
		if r := p.Weigh(&scan.Text{Smart: view("first third joint pair two")}, 0, 30, &s); r.Score != c.score {
			t.Errorf("%s: %d, want %d", name, r.Score, c.score)
		}
	}
}

func TestATableThatIsReadStaysAndOneThatNobodyHoldsGoes(t *testing.T) {
	b := scan.NewBuilder(scan.Options{Plain: true, PerOccurrence: true})
	if _, err := b.Add(scan.Line{Parts: []string{"needle"}, Weight: 1}); err != nil {
		t.Fatal(err)
	}
	file, _ := build(t, b)
	text := []byte(strings.Repeat("hay needle stack ", 5000))
	var readers sync.WaitGroup
	for range 20 { // as many tables are made, read while they are collected, and left
		readers.Go(func() {
			p, err := scan.Open(file)
			if err != nil {
				t.Error(err)
				return
			}
			var s scan.Scratch
			if got := p.Weigh(&scan.Text{Raw: text}, 0, 0, &s).Score; got != 5000 {
				t.Errorf("%d", got)
			}
		})
		runtime.GC()
	}
	readers.Wait()
}
