package phrases_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"belisha/internal/verdict/scan"
	"belisha/internal/verdict/scan/phraselist"
	"belisha/lists"
	"belisha/lists/phrases"
)

func starter(t *testing.T) *scan.Phrases {
	t.Helper()
	areas, err := phrases.Starter()
	if err != nil {
		t.Fatal(err)
	}
	b := scan.NewBuilder(scan.Options{})
	for _, a := range areas {
		if a.Title == "" {
			t.Errorf("the area %s has no title", a.Slug)
		}
		rep, err := phraselist.Read(phraselist.Tree{a.Slug: a.List}, []phraselist.Root{{Path: a.Slug}}, b)
		if err != nil || rep.Invalid > 0 {
			t.Fatalf("%s: %v, %+v", a.Slug, err, rep)
		}
		if rep.Accepted < 30 {
			t.Errorf("%s has only %d phrases", a.Slug, rep.Accepted)
		}
	}
	_, p, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func weigh(p *scan.Phrases, text string) scan.Result {
	var s scan.Scratch
	return p.Explain(&scan.Text{Smart: append(scan.AppendFolded([]byte{' '}, []byte(text)), ' ')}, 60, 0, &s)
}

func TestOneCommonWordClosesNothing(t *testing.T) {
	p := starter(t)
	for _, text := range []string{"porn", "casino", "suicide", "cannabis", "kill yourself", "gay", "lesbian", "transgender", "muslim", "jewish", "catholic", "pregnant", "islam", "abortion", "sikh", "traveller", "refugee"} {
		if r := weigh(p, "a page about "+text+" in general"); r.Closed() || r.Score > 40 {
			t.Errorf("%q weighs %d: %v", text, r.Score, r.Parts)
		}
	}
}

// TestWhoSomebodyIsWeighsNothing holds no word of belonging against a page.
func TestWhoSomebodyIsWeighsNothing(t *testing.T) {
	p := starter(t)
	for _, text := range []string{
		"LGBT+ History Month: coming out as gay, lesbian, bisexual or trans at school", "Switchboard LGBT helpline for young people and their families",
		"Ramadan, Eid and the five pillars of Islam", "Judaism, the synagogue and the Torah", "Hindu, Sikh, Buddhist and Christian festivals",
		"pregnancy week by week, and your choices: midwife, abortion, adoption", "Gypsy, Roma and Traveller communities in Britain", "transgender teenagers and gender identity",
	} {
		if r := weigh(p, text); r.Score > 0 {
			t.Errorf("%q weighs %d: %v", text, r.Score, r.Parts)
		}
	}
}

func TestPagesThatShouldBeClosedAre(t *testing.T) {
	p := starter(t)
	for area, text := range map[string]string{
		"adult":           "Free porn videos and XXX movies. You must be 18 to enter. Hot girls and MILFs on live sex cams.",
		"self-harm":       "self harm tips: how to hide your cuts, where to cut, and what a sharpener blade does. hit beans, hit styro",
		"suicide":         "Painless ways to die: suicide methods compared. How to kill yourself with an exit bag",
		"eating-disorder": "thinspo and meanspo for pro ana girls. my ugw, ana tips and how to purge",
		"drugs":           "Buy weed online, cannabis seeds and THC gummies with stealth shipping",
		"weapons":         "Handguns for sale, ammo for sale, ghost guns and gun parts",
		"gore":            "uncensored death videos, real gore and beheading videos",
		"hate":            "white power! race traitors and subhumans, deport them all",
		"extremism":       "join the caliphate, kill the kuffar: the terrorist handbook",
		"gambling":        "Online casino with no deposit bonus, 50 free spins, live dealer blackjack and online slots",
		"grooming":        "don't tell your parents, you are mature for your age, delete our chat and send me nudes",
		"bullying":        "everyone hates you, you ugly bitch. go kill yourself, nobody likes you",
		"web-proxy":       "Unblocked games 66: free web proxy to bypass school filter, hide your IP and surf anonymously",
	} {
		if r := weigh(p, text); !r.Closed() || r.Category != area {
			t.Errorf("%s: weighs %d, of %q: %v", area, r.Score, r.Category, r.Parts)
		}
	}
}

func TestPagesThatHelpTeachAndReportStayOpen(t *testing.T) {
	p := starter(t)
	for name, text := range map[string]string{
		"a helpline":        "If you have thoughts of suicide or self harm, call Samaritans on 116 123 or Childline on 0800 1111. Where to get help: talk to someone you trust.",
		"health advice":     "NHS: self-harm. Some people cut themselves. Getting help: see a GP. Treatment for eating disorders such as anorexia includes therapy.",
		"sex education":     "Relationships and sex education at key stage 4: consent, contraception, pornography and sexting. Lesson plan and learning objectives.",
		"news of a trial":   "The court heard that he had bought cocaine and carried a machete. Police said he was jailed for murder after a fight over drugs.",
		"history":           "Students study the Holocaust: Nazi ideas of a master race and racial purity led to genocide. Holocaust Memorial Day, Second World War.",
		"a set text":        "In the novel the word nigger is used by characters of the time. GCSE revision, chapter by chapter.",
		"a probability sum": "Maths homework: the probability in roulette, blackjack and slot machines. Expected value at a casino.",
		"drug education":    "Talk to Frank: what cannabis, THC and ketamine do. Getting high has risks. PSHE for pupils in year 9.",
		"a town":            "Scunthorpe, Penistone and Cockermouth; Essex and Middlesex cricket; the coon cat and the dyke that keeps the sea out",
	} {
		if r := weigh(p, text); r.Closed() || r.Score > 40 {
			t.Errorf("%s weighs %d: %v", name, r.Score, r.Parts)
		}
	}
}

func TestAreasAreCategoriesOrSayTheyAreNot(t *testing.T) {
	starter, err := lists.Starter()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{phrases.Safe: true, "grooming": true, "bullying": true} // pages have these, sites do not
	for _, c := range starter {
		known[c.Slug] = true
	}
	areas, err := phrases.Starter()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range areas {
		if !known[a.Slug] {
			t.Errorf("there is no category %s", a.Slug)
		}
		if !bytes.Contains(a.List, []byte("#listcategory: \""+a.Slug+"\"")) {
			t.Errorf("the list %s does not name its category", a.Slug)
		}
	}
}

// TestSchoolReadingStaysOpen weighs whole pages of school reading: none may
// come near the limit for the youngest.
func TestSchoolReadingStaysOpen(t *testing.T) {
	path := filepath.Join("..", "..", "..", "shared", "data", "pages_benign.jsonl.gz")
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("../shared not there")
	}
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	p := starter(t)
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 16<<20)
	n, most := 0, 0
	for lines.Scan() {
		var page struct{ ID, Text string }
		if err := json.Unmarshal(lines.Bytes(), &page); err != nil {
			t.Fatal(err)
		}
		r := weigh(p, page.Text)
		n, most = n+1, max(most, r.Score)
		if r.Score > 40 {
			t.Errorf("%s weighs %d: %v", page.ID, r.Score, r.Parts)
		}
	}
	t.Logf("%d pages, the heaviest weighs %d", n, most)
}

// TestShortMessages prints how the labelled messages weigh; a message is no
// page, so that only what is fine is held to a limit.
func TestShortMessages(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "data", "alerts_labelled_dev.tsv"))
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("../shared not there")
	}
	if err != nil {
		t.Fatal(err)
	}
	p := starter(t)
	count, some := map[string]int{}, map[string]int{}
	for _, line := range strings.Split(string(b), "\n")[1:] {
		f := strings.Split(line, "\t")
		if len(f) < 6 {
			continue
		}
		r := weigh(p, f[1])
		count[f[2]]++
		if r.Score >= 20 {
			some[f[2]]++
		}
		if f[2] == "benign" && r.Score > 60 {
			t.Errorf("%s, %q, weighs %d: %v", f[0], f[1], r.Score, r.Parts)
		}
	}
	for label, n := range count {
		t.Logf("%s: %d of %d weigh 20 or more", label, some[label], n)
	}
}
