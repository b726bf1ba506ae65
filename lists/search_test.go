package lists

import (
	"bufio"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func shared(t *testing.T, parts ...string) *os.File {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	f, err := os.Open(filepath.Join(append([]string{filepath.Dir(here), "..", "..", "shared", "data"}, parts...)...))
	if err != nil {
		t.Skip("../shared not there")
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func searcher(t testing.TB) *Searcher {
	t.Helper()
	engines, err := SearchEngines()
	if err != nil {
		t.Fatal(err)
	}
	return NewSearcher(engines)
}

func wordsOf(t *testing.T, s *Searcher, raw string) (engine, words, kind string, ok bool) {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return s.Words(u.Hostname(), u.EscapedPath(), u.RawQuery)
}

func TestSearchWords(t *testing.T) {
	s := searcher(t)
	tests := []struct{ name, url, engine, words, kind string }{
		{"parameters in any order", "https://www.google.co.uk/search?hl=en&client=x&q=how+do+volcanoes+erupt", "google", "how do volcanoes erupt", Web},
		{"plus, blank and a real plus", "https://www.google.com/search?q=a+b%20c%2Bd", "google", "a b c+d", Web},
		{"encoded twice", "https://www.google.com/search?q=caf%25C3%25A9%2520culture", "google", "café culture", Web},
		{"a percent sign that is meant", "https://www.google.com/search?q=100%25+wool", "google", "100% wool", Web},
		{"bytes of an old page", "https://www.google.fr/search?q=caf%E9", "google", "café", Web},
		{"pictures by parameter", "https://www.google.de/search?q=cat&tbm=isch", "google", "cat", Image},
		{"films by parameter first", "https://www.google.com.au/search?udm=7&q=cat", "google", "cat", Video},
		{"what is still typed", "https://www.google.co.uk/complete/search?q=how+to+k&client=gws-wiz", "google", "how to k", Suggest},
		{"twice the same parameter hides nothing", "https://www.bing.com/search?q=kittens&q=other", "bing", "kittens other", Web},
		{"an escaped parameter name", "https://www.bing.com/search?%71=kittens", "bing", "kittens", Web},
		{"a slash at the end", "https://www.bing.com/images/search/?q=x", "bing", "x", Image},
		{"words in the path", "https://www.google.co.uk/maps/search/pizza+near+me/@51.5,-0.1,12z", "google-maps", "pizza near me", Web},
		{"hashtags", "https://www.tiktok.com/tag/homework", "tiktok", "homework", Video},
		{"one part in the middle", "https://www.reddit.com/r/maths/search/?q=primes", "reddit", "primes", Web},
		{"names below", "https://uk.search.yahoo.com/search;_ylt=A?p=tides", "yahoo", "tides", Web},
		{"duckduckgo at its front page", "https://duckduckgo.com/?t=h_&q=tudor+houses&ia=images", "duckduckgo", "tudor houses", Image},
		{"wikipedia in any language", "https://cy.wikipedia.org/w/index.php?search=Alan+Turing&title=x", "wikipedia", "Alan Turing", Web},
		{"line breaks and controls become blanks", "https://www.google.com/search?q=a%0D%0Ab%00%09c", "google", "a b c", Web},
		{"amazon under any ending", "https://www.amazon.co.uk/s?k=glue&ref=x", "amazon", "glue", Web},
		{"pictures of a stock", "https://www.gettyimages.co.uk/search/2/image?family=creative&phrase=red+kite", "getty", "red kite", Image},
		{"a service without a lock", "https://metager.de/meta/meta.ger3?focus=web&eingabe=tides", "metager", "tides", Web},
		{"an AI service asked by its address", "https://claude.ai/new?q=volcanoes", "claude", "volcanoes", Web},
		{"words in JSON in a parameter", "https://x.com/i/api/graphql/a-B_c/SearchTimeline?variables=%7B%22rawQuery%22%3A%22red%20kite%22%2C%22count%22%3A20%7D&features=%7B%7D", "x", "red kite", Web},
		{"words deep in JSON", "https://uk.pinterest.com/resource/BaseSearchResource/get/?source_url=%2Fsearch&data=%7B%22options%22%3A%7B%22query%22%3A%22red+kite%22%7D%7D", "pinterest", "red kite", Image},
		{"JSON that is none", "https://x.com/i/api/graphql/a/SearchTimeline?variables=%7B%22rawQuery%22", "x", "", Web},
		{"words in several parameters", "https://www.google.com/search?as_q=tudor&as_epq=royal+houses", "google", "tudor royal houses", Web},
		{"escaped as old scripts do", "https://www.bing.com/search?q=%u0063at%u00e9", "bing", "caté", Web},
		{"the picture service of another country", "https://uk.pinterest.com/search/pins/?rs=typed&q=red+kite", "pinterest", "red kite", Image},
		{"asked of a programs' address", "https://tenor.googleapis.com/v2/search?key=x&q=cat", "tenor", "cat", Image},
		{"a locked name of the service", "https://forcesafesearch.google.com/search?udm=2&q=cat", "google", "cat", Image},
		{"asked of the mode that answers", "https://www.google.com/search?udm=50&q=cat", "google", "cat", Web},
		{"no words", "https://www.google.co.uk/search?q=", "google", "", Web},
		{"not the search page", "https://www.google.co.uk/about?q=x", "", "", ""},
		{"not an engine", "https://example.org/?q=x", "", "", ""},
		{"a name that only looks like one", "https://www.google.evil.com/search?q=x", "", "", ""},
		{"nor this one", "https://www.google.com.evil.net/search?q=x", "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			engine, words, kind, ok := wordsOf(t, s, tt.url)
			if engine != tt.engine || words != tt.words || kind != tt.kind || ok != (tt.words != "") {
				t.Errorf("%s: got %q %q %q %v, want %q %q %q", tt.url, engine, words, kind, ok, tt.engine, tt.words, tt.kind)
			}
		})
	}
	_, words, _, _ := s.Words("www.bing.com", "/search", "q="+strings.Repeat("ü", 5000))
	if n := len([]rune(words)); n != 300 {
		t.Errorf("a search of 5000 letters gave %d", n)
	}
}

func TestSearchWordsOfRealAddresses(t *testing.T) {
	s, n := searcher(t), 0
	for sc := bufio.NewScanner(shared(t, "search_urls.jsonl")); sc.Scan(); n++ {
		var c struct{ URL, Engine, Term string }
		if err := json.Unmarshal(sc.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		engine, words, kind, ok := wordsOf(t, s, c.URL)
		if kind == Suggest {
			words, ok = "", false // not finished
		}
		if engine != c.Engine || words != c.Term || ok != (c.Term != "") {
			t.Errorf("%s: got %q %q %v, want %q %q", c.URL, engine, words, ok, c.Engine, c.Term)
		}
	}
	if n == 0 {
		t.Error("there was no address")
	}
}

func TestEverySearchServiceOfTheListsHasItsRow(t *testing.T) {
	engines, err := SearchEngines()
	if err != nil {
		t.Fatal(err)
	}
	var hosts []string
	for _, e := range engines {
		hosts = append(hosts, strings.TrimSuffix(strings.TrimPrefix(e.Host, "*."), ".*"))
	}
	// Those that are gone, have no address for words, or are a list of others.
	without := map[string]bool{}
	for _, h := range strings.Fields(`alexandria.org alltheweb.com altavista.com aport.ru arianna.libero.it discretesearch.com exalead.com
		excite.com gigablast.com gigablast.org infoseek.co.jp kidoz.net mamma.com neeva.com onesearch.com petalsearch.com searx.space shenma.cn yippy.com`) {
		without[h] = true
	}
	for _, slug := range []string{"search-engines", "search-without-lock"} {
		for _, e := range starter(t)[slug].Entries {
			host, _, _ := strings.Cut(e.Text, "/")
			found := without[host]
			for _, h := range hosts {
				found = found || h == host || strings.HasSuffix(h, "."+host) || strings.HasPrefix(host, h+".") || strings.HasPrefix("www."+host, h+".")
			}
			if !found {
				t.Errorf("%s in %s has no row", host, slug)
			}
		}
	}
}

func TestAddressesThatAreNoSearchCostNothing(t *testing.T) {
	s := searcher(t)
	if n := testing.AllocsPerRun(100, func() { s.Words("cdn.pages.example.com", "/a/b/c", "q=x") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzWords(f *testing.F) {
	s := searcher(f)
	f.Add("www.google.com", "/search", "q=%25%2525&&=&q")
	f.Add("a.b.c.wikipedia.org", "/w/index.php", "search=%")
	f.Add("", "", "")
	f.Add(".", "//@", "%=%")
	f.Fuzz(func(t *testing.T, host, path, query string) {
		_, words, kind, ok := s.Words(host, path, query)
		if ok != (words != "") || ok && kind == "" || len([]rune(words)) > maxWords || strings.ContainsAny(words, "\n\r\x00") {
			t.Errorf("%q %q %q gave %q %q %v", host, path, query, words, kind, ok)
		}
	})
}

func TestSafeSearch(t *testing.T) {
	hosts, err := SafeSearchHosts()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]SafeSearch{}
	google := 0
	for _, h := range hosts {
		if _, twice := got[h.Host]; twice {
			t.Errorf("%s stands there twice", h.Host)
		}
		if checkHost(h.Host) != nil {
			t.Errorf("%s is no host name", h.Host)
		}
		got[h.Host] = h
		if h.Strict == "forcesafesearch.google.com" {
			google++
		}
	}
	if google < 185 {
		t.Errorf("%d names of Google, about 190 are in use", google)
	}
}

func TestSafeSearchAgreesWithWhatOthersFound(t *testing.T) {
	hosts, err := SafeSearchHosts()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]SafeSearch{}
	for _, h := range hosts {
		got[h.Host] = h
	}
	sc := bufio.NewScanner(shared(t, "dns", "safesearch_expected.tsv"))
	for sc.Scan() {
		c := strings.Split(sc.Text(), "\t")
		if h, ok := got[c[0]]; c[0] != "host" && (!ok || h.Strict != c[2] && h.Moderate != c[2]) {
			t.Errorf("%s: %+v, want %s", c[0], h, c[2])
		}
	}
}

func TestSearchServicesWithoutALockAreInTheirCategory(t *testing.T) {
	rows, err := safeSearchRows()
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, e := range starter(t)["search-without-lock"].Entries {
		listed[e.Text] = true
	}
	none := 0
	for _, r := range rows {
		held := false
		for _, p := range parents(r.Host) {
			held = held || listed[p]
		}
		if r.kind == "none" {
			none++
		}
		if held != (r.kind == "none") {
			t.Errorf("%s is %s, and in search-without-lock: %v", r.Host, r.kind, held)
		}
	}
	if none == 0 {
		t.Error("no service is without a lock")
	}
}
