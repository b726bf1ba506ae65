package lists

import (
	"strings"
	"testing"
)

// fixed are the slugs that rules and policies name.
const fixed = `adult nudify self-harm suicide eating-disorder drugs alcohol-tobacco weapons gore hate extremism gambling games
social-networks chat random-video dating ai-companions ai-chatbots piracy file-sharing vpn web-proxy foreign-dns remote-control
malware phishing shopping music-download media-download video-sharing streaming webmail newsgroups-forums search-without-lock
search-engines image-search url-shorteners translation url-fetchers advertising trackers cryptomining fraud essay-mills
anonymous-messaging webcam violence-shock illegal news education learning-platforms health support-services banking government
software-updates cdn kids uk-schools-suppliers`

func starter(t *testing.T) map[string]Category {
	t.Helper()
	list, err := Starter()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]Category{}
	for i, c := range list {
		if i > 0 && list[i-1].Slug >= c.Slug {
			t.Errorf("%s stands after %s", c.Slug, list[i-1].Slug)
		}
		out[c.Slug] = c
	}
	return out
}

func TestStarterIsLargeEnough(t *testing.T) {
	cats := starter(t)
	distinct := map[string]bool{}
	for _, c := range cats {
		for _, e := range c.Entries {
			distinct[e.Text] = true
		}
	}
	if len(cats) < 48 || len(distinct) < 3200 {
		t.Errorf("%d categories with %d names; at least 48 and 3200 are promised", len(cats), len(distinct))
	}
	t.Logf("%d categories, %d names", len(cats), len(distinct))
	for _, slug := range strings.Fields(fixed) {
		if _, ok := cats[slug]; !ok {
			t.Errorf("the category %s is not there", slug)
		}
	}
}

func TestNoEntryIsHiddenByAnotherOfItsCategory(t *testing.T) {
	for slug, c := range starter(t) {
		names := map[string]bool{}
		for _, e := range c.Entries {
			if e.Kind == Name {
				names[e.Text] = true
			}
		}
		for _, e := range c.Entries {
			host, _, _ := strings.Cut(e.Text, "/")
			for _, p := range parents(host) {
				if names[p] && p != e.Text {
					t.Errorf("%s: %s is covered by %s already", slug, e.Text, p)
				}
			}
		}
	}
}

// parents gives the name and every name above it that has a dot.
func parents(host string) []string {
	var out []string
	for strings.Contains(host, ".") {
		out = append(out, host)
		_, host, _ = strings.Cut(host, ".")
	}
	return out
}

func TestPupilsSeeOneSentenceForEveryDistressingTheme(t *testing.T) {
	cats := starter(t)
	want := cats["adult"].Pupil
	for _, slug := range strings.Fields("nudify self-harm suicide eating-disorder gore violence-shock extremism hate illegal webcam drugs weapons") {
		if got := cats[slug].Pupil; got != want {
			t.Errorf("%s says %q, not %q", slug, got, want)
		}
	}
	// Were it said of distressing pages only, the sentence would name them.
	same := 0
	for slug, c := range cats {
		if c.Pupil == want {
			same++
		}
		if c.Area == "distress" && c.Pupil != want {
			t.Errorf("%s is of the area distress and says %q", slug, c.Pupil)
		}
		for _, word := range strings.Fields("suicide harm sex porn adult nude dead death kill abuse eating drug hate terror naughty wrong trouble") {
			for _, said := range strings.FieldsFunc(strings.ToLower(c.Pupil), func(r rune) bool { return r < 'a' || r > 'z' }) {
				if said == word && slug != "support-services" {
					t.Errorf("%s: the pupil's sentence says %q", slug, word)
				}
			}
		}
		if len(c.Pupil) > 110 || !strings.HasSuffix(c.Pupil, ".") || !strings.HasSuffix(c.Teacher, ".") {
			t.Errorf("%s: %q is too long for a child, or no sentence", slug, c.Pupil)
		}
	}
	if same < 12 {
		t.Errorf("only %d categories share the sentence", same)
	}
}

func TestAlertsGoToTheThemesThatNeedAPerson(t *testing.T) {
	want := map[string]string{"self-harm": "selfharm", "suicide": "suicide", "eating-disorder": "selfharm", "nudify": "exploitation", "extremism": "extremism"}
	for slug, c := range starter(t) {
		w := want[slug]
		if w == "" {
			w = "none"
		}
		if c.Alert != w {
			t.Errorf("%s alerts %q, want %q", slug, c.Alert, w)
		}
	}
}

func TestNoCategoryOuts(t *testing.T) {
	for slug, c := range starter(t) {
		text := strings.ToLower(slug + " " + c.Title + " " + c.Teacher)
		for _, word := range []string{"lgbt", "gay", "lesbian", "trans-", "transgender", "gender", "sexual orientation", "religio", "faith", "church", "islam", "christian", "jewish", "pregnan", "abortion"} {
			if strings.Contains(text, word) {
				t.Errorf("%s speaks of %q", slug, word)
			}
		}
	}
}

func TestHelpFloorStandsInNoCategory(t *testing.T) {
	floor, err := HelpFloor()
	if err != nil {
		t.Fatal(err)
	}
	need := map[string]bool{}
	for _, s := range strings.Split("Childline CEOP Report-Remove NSPCC Samaritans Papyrus Shout Beat Switchboard", " ") {
		need[strings.ReplaceAll(s, "-", " ")] = true
	}
	listed := map[string]string{}
	for slug, c := range starter(t) {
		if slug == "support-services" || slug == "health" {
			continue
		}
		for _, e := range c.Entries {
			host, _, _ := strings.Cut(e.Text, "/")
			listed[host] = slug
		}
	}
	for _, h := range floor {
		for service := range need {
			if strings.HasPrefix(h.Service, service) {
				delete(need, service)
			}
		}
		for _, p := range parents(h.Host) {
			if slug, ok := listed[p]; ok {
				t.Errorf("%s of the help floor is in %s as %s", h.Host, slug, p)
			}
		}
		for host, slug := range listed {
			if strings.HasSuffix(host, "."+h.Host) {
				t.Errorf("%s, below %s of the help floor, is in %s", host, h.Host, slug)
			}
		}
	}
	for service := range need {
		t.Errorf("%s is not on the help floor", service)
	}
}

func TestEssentialsStandInNoClosedCategory(t *testing.T) {
	names, err := Essentials()
	if err != nil || len(names) < 50 {
		t.Fatalf("%d names, %v", len(names), err)
	}
	cats := starter(t)
	for _, slug := range strings.Fields("adult games social-networks chat vpn foreign-dns web-proxy remote-control malware phishing shopping piracy file-sharing advertising trackers") {
		for _, e := range cats[slug].Entries {
			for _, name := range names {
				for _, p := range parents(name) {
					if e.Text == p && e.Kind == Name {
						t.Errorf("%s, which devices need, is closed by %s of %s", name, p, slug)
					}
				}
			}
		}
	}
}

func TestBadCategoryFilesAreRefused(t *testing.T) {
	head := "# title: T\n# area: content\n# alert: none\n# pupil: P.\n# teacher: T.\n"
	for name, text := range map[string]string{
		"no title":       "# area: content\n# alert: none\n# pupil: P.\n# teacher: T.\na.com\n",
		"unknown area":   strings.Replace(head, "content", "things", 1) + "a.com\n",
		"unknown alert":  strings.Replace(head, "none", "loud", 1) + "a.com\n",
		"empty":          head,
		"twice":          head + "a.com\na.com\n",
		"capitals":       head + "A.com\n",
		"one label":      head + "com\n",
		"address":        head + "192.0.2.1\n",
		"scheme":         head + "https://a.com\n",
		"slash at end":   head + "a.com/x/\n",
		"page of www":    head + "www.a.com/x\n",
		"exact page":     head + "=a.com/x\n",
		"empty label":    head + "a..com\n",
		"blank in path":  head + "a.com/x y\n",
		"name too long ": head + strings.Repeat("a", 64) + ".com\n",
	} {
		if c, err := parseCategory("x", text); err == nil {
			t.Errorf("%s: accepted as %+v", name, c)
		}
	}
	c, err := parseCategory("x", head+"a.com\n=b.com\nc.com/d?e=f\n")
	if err != nil || len(c.Entries) != 3 || c.Entries[1] != (Entry{Exact, "b.com"}) || c.Entries[2] != (Entry{URL, "c.com/d?e=f"}) {
		t.Errorf("a good file: %+v %v", c, err)
	}
}
