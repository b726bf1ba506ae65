package scan_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"belisha/internal/verdict/scan"
	"belisha/internal/verdict/scan/phraselist"
)

// The oracle is Debian's e2guardian itself: it is run with the same lists,
// fetches the same pages, and its log says what it gave each of them. With the
// decoding off (scan.Text.Plain) the scores must be the same for every page.
//
// What differs in e2guardian, and is kept out of the pages:
//
//   - The smart view ends one byte early, and while it looks for a phrase
//     e2guardian writes that phrase behind the page. A phrase can so match
//     where the page breaks off. No page here ends with a phrase's begin.
//   - Punctuation in a phrase of a list stays, while on a page it becomes a
//     space, so that such a phrase is never found; later versions mend that,
//     and what scan builds without Plain finds it too.
//   - In mode 1 a combination that follows a found one in the list counts as
//     often as the rarest part of both, as the count is only put back by one
//     that was not found. Here every combination has one after it that is on
//     no page.
//   - A share of the limit that comes to 0 makes a phrase a banned one (5 % of
//     10). Shares here are large enough.
const (
	e2 = "/usr/sbin/e2guardian"
	// lastWord is on no list.
	lastWord = " qqzz."
)

// ours are lists for where there are no others: everything that a line may be.
var ours = phraselist.Tree{
	"lists/exceptionphraselist": []byte("#listcategory: \"Fine\"\n<trusted page mark>\n<first half>,<second half>\n"),
	"lists/bannedphraselist":    []byte("#listcategory: \"Closed\"\n< utterly forbidden >\n<hidden>,<banned pair>\n.Include<LISTS/more/extra>\n<word><12>\n"),
	"lists/more/extra":          []byte("<from include>\n#listcategory: \"Other\"\n<extra weight><33>\n#time: 0 0 23 59 0123456\n<all week><9>\n"),
	"lists/weightedphraselist": []byte("#listcategory: \"Weights\"\n<word><10>\n< word ><7>\n<swo><3>\n< prefix><11>\n<suffix ><13>\n<two words><17>\n< good ><-19>\n" +
		"<share><10%>\n<rare>,<pair><21>\n<nope>,<never there><1>\n< a >,< b >,< c ><23>\n<nope>,<never there><1>\n<bad>,< good ><-29>\n<nope>,<never there><1>\n" +
		"<caf\xe9><31>\n<caf\xc3\xa9 utf><37>\n<x/y><5>\n<com-po_und, words><15>\n<WORD><4>\n<dup><5>\n<dup><50>\n<dup><20>\n<pair><2>\n<weighs nothing><0>\n<tag break><6>\n" +
		"<" + strings.Repeat("long phrase ", 15) + "><41>\n<{curly}|pipe~><8>\n<12345><14>\n<{><1>\n"),
}

func TestScoresAreThoseOfE2guardian(t *testing.T) {
	for _, c := range []struct {
		name  string
		mode  int
		limit int
		pages int
		tree  func(t *testing.T) phraselist.Tree
		more  func(t *testing.T, tree phraselist.Tree) []string // pages besides
	}{
		{"our lists, once a page", 2, 60, 200, func(*testing.T) phraselist.Tree { return ours }, nil},
		{"our lists, every occurrence", 1, 160, 200, func(*testing.T) phraselist.Tree { return ours }, nil},
		{"all lists of e2guardian", 2, 100, 400, allLists, nil},
		{"all lists of e2guardian on reading for schools", 2, 50, 20, allLists, realPages},
	} {
		t.Run(c.name, func(t *testing.T) {
			needE2guardian(t)
			tree := c.tree(t)
			p := plainly(t, tree, c.mode == 1)
			pages := madePages(tree, c.pages)
			if c.more != nil {
				pages = append(pages, c.more(t, tree)...)
			}
			dir, proxy := startE2guardian(t, tree, c.mode, c.limit)
			fetch(t, proxy, pages)
			compare(t, p, pages, c.limit, readLog(t, dir, len(pages)))
		})
	}
}

func needE2guardian(t *testing.T) {
	if _, err := os.Stat(e2); err != nil {
		t.Skip("e2guardian is not installed: make needs")
	}
	if os.Getuid() != 0 {
		t.Skip("e2guardian starts as root only")
	}
}

// allLists is every list that e2guardian ships, whatever language it is of,
// under lists that include them all.
func allLists(t *testing.T) phraselist.Tree {
	tree, err := phraselist.Load(context.Background(), filepath.Join(needShared(t), "phraselists/e2guardian/phraselists"))
	if err != nil {
		t.Fatal(err)
	}
	out := phraselist.Tree{}
	for _, root := range phraselist.Roots(tree) {
		main := "lists/" + root.Role.String() + "phraselist"
		out["lists/phraselists/"+root.Path] = tree[root.Path]
		out[main] = append(out[main], ".Include<LISTS/phraselists/"+root.Path+">\n"...)
	}
	return out
}

// plainly builds the lists as e2guardian reads them.
func plainly(t *testing.T, tree phraselist.Tree, perOccurrence bool) *scan.Phrases {
	b := scan.NewBuilder(scan.Options{Plain: true, PerOccurrence: perOccurrence})
	rep, err := phraselist.Read(tree, phraselist.Roots(tree), b)
	if err != nil {
		t.Fatal(err)
	}
	_, p := build(t, b)
	t.Logf("%d lines: %d accepted, %d duplicates, %d refused", rep.Lines, rep.Accepted, rep.Duplicates, rep.Invalid)
	return p
}

// madePages are pages of phrases of the lists among other text: whole, in
// capitals, across tags, in attributes and comments, joined to other words.
func madePages(tree phraselist.Tree, n int) []string {
	var phrases []string
	names := regexp.MustCompile(`<([^<>]{2,60})>`)
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for k := range tree {
			if !yield(k) {
				return
			}
		}
	}) {
		for _, line := range strings.Split(string(tree[name]), "\n") {
			if strings.HasPrefix(strings.TrimSpace(line), "<") {
				for _, m := range names.FindAllStringSubmatch(line, -1) {
					if m[1] != "nope" && m[1] != "never there" {
						phrases = append(phrases, m[1])
					}
				}
			}
		}
	}
	r := rand.New(rand.NewPCG(7, 11))
	filler := strings.Fields("the river a town b council c opened caf\xe9 caf\xc3\xa9 museum, hardly: nobody; (knew) why 12345 {curly}|pipe~ x/y &amp; so-called it's")
	var out []string
	for i := range n {
		var b strings.Builder
		b.WriteString("<!DOCTYPE html><html><head><title>Page " + strconv.Itoa(i) + "</title></head>\n<body>")
		for range 5 + r.IntN(60) {
			phrase := phrases[r.IntN(len(phrases))]
			switch r.IntN(12) {
			case 0:
				fmt.Fprintf(&b, "<p>%s</p>\n", phrase)
			case 1:
				b.WriteString(strings.ToUpper(phrase))
			case 2:
				b.WriteString(strings.Replace(phrase, " ", "</b><i class='x'>", 1))
			case 3:
				fmt.Fprintf(&b, `<img alt="%s" src="/x.png">`, phrase)
			case 4:
				fmt.Fprintf(&b, "<!-- %s -->", phrase)
			case 5:
				b.WriteString(strings.ReplaceAll(phrase, " ", " \t\r\n "))
			case 6:
				b.WriteString(phrase[:len(phrase)/2] + "<wbr>" + phrase[len(phrase)/2:])
			default:
				for range 1 + r.IntN(8) {
					b.WriteString(filler[r.IntN(len(filler))] + " ")
				}
			}
			if r.IntN(3) > 0 {
				b.WriteByte(' ')
			}
		}
		b.WriteString(lastWord + "</body></html>\n" + lastWord)
		out = append(out, b.String())
	}
	return out
}

// realPages are pages that schools read, in another order of their paragraphs,
// as they stand and with a few phrases of the lists among them.
func realPages(t *testing.T, tree phraselist.Tree) []string {
	spice := madePages(tree, 40)
	r := rand.New(rand.NewPCG(3, 5))
	var out []string
	for _, page := range benign(t) {
		parts := strings.Split(page.Text, "\n")
		if len(out)%3 == 1 {
			parts = append(parts, spice[r.IntN(len(spice))])
		}
		r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		out = append(out, "<html><body><p>"+strings.Join(parts, "</p>\n<p class=\"text\">")+"</p>"+lastWord+"</body></html>"+lastWord)
	}
	return out
}

// startE2guardian runs e2guardian on a configuration of its own and returns
// where its log is and the address of the proxy.
func startE2guardian(t *testing.T, tree phraselist.Tree, mode, limit int) (dir string, proxy *url.URL) {
	t.Helper()
	// e2guardian makes the paths of its includes small and ends one at a comma,
	// so the test's own folder, which has its name, will not do.
	dir, err := os.MkdirTemp("", "e2oracle")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	etc := filepath.Join(dir, "etc")
	copyTree(t, "/etc/e2guardian", etc)
	for name, text := range tree {
		put(t, filepath.Join(etc, "lists", strings.TrimPrefix(name, "lists/")), []byte(strings.ReplaceAll(string(text), "<LISTS/", "<"+etc+"/lists/")))
	}
	address := freePort(t)
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	edit(t, filepath.Join(etc, "e2guardian.conf"), map[string]string{
		"filterip": "127.0.0.1", "filterports": strconv.Itoa(address.Port), "nodaemon": "on", "checkip": "", "transparenthttpsport": "", "httpworkers": "20",
		"logfileformat": "4", "weightedphrasemode": strconv.Itoa(mode), "showweightedfound": "on", "daemonuser": "'" + me.Username + "'", "daemongroup": "'" + me.Username + "'",
		"loglocation": "'" + dir + "/access.log'", "pidfilename": "'" + dir + "/pid'", "statlocation": "'" + dir + "/stats'",
	})
	edit(t, filepath.Join(etc, "e2guardianf1.conf"), map[string]string{"naughtynesslimit": strconv.Itoa(limit), "weightedphrasemode": strconv.Itoa(mode)})
	log, err := os.Create(filepath.Join(dir, "said"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(e2, "-N", "-c", filepath.Join(etc, "e2guardian.conf"))
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
		_ = log.Close()
	})
	t.Cleanup(func() {
		if said, err := os.ReadFile(filepath.Join(dir, "said")); err == nil && t.Failed() {
			t.Logf("e2guardian said:\n%s", said)
		}
	})
	await(t, "e2guardian listens", func() bool {
		c, err := net.DialTimeout("tcp", address.String(), time.Second)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	return dir, &url.URL{Scheme: "http", Host: address.String()}
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		put(t, filepath.Join(to, rel), []byte(strings.ReplaceAll(string(b), "/etc/e2guardian", to)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, b, 0o644)); err != nil {
		t.Fatal(err)
	}
}

// edit takes settings out of a configuration and puts others in; "" only takes
// one out.
func edit(t *testing.T, path string, settings map[string]string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, line := range strings.Split(string(b), "\n") {
		key, _, _ := strings.Cut(line, "=")
		if _, ours := settings[strings.TrimSpace(key)]; !ours {
			out = append(out, line)
		}
	}
	for key, value := range settings {
		if value != "" {
			out = append(out, key+" = "+value)
		}
	}
	put(t, path, []byte(strings.Join(out, "\n")+"\n"))
}

func freePort(t *testing.T) *net.TCPAddr {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr)
}

// await asks again until it holds; the other side is a program that tells
// nobody.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	over := time.After(30 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-over:
			t.Fatalf("it did not come to pass: %s", what)
		}
	}
}

func fetch(t *testing.T, proxy *url.URL, pages []string) {
	t.Helper()
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.Atoi(strings.Trim(r.URL.Path, "/"))
		if err != nil || n >= len(pages) {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, pages[n])
	}))
	defer origin.Close()
	c := http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy)}, Timeout: 30 * time.Second}
	defer c.CloseIdleConnections()
	for i := range pages {
		r, err := c.Get(origin.URL + "/" + strconv.Itoa(i))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close()
	}
}

// logged is what e2guardian says of a page.
type logged struct {
	what  string
	score int
}

func readLog(t *testing.T, dir string, n int) map[int]logged {
	t.Helper()
	var out map[int]logged
	await(t, "every page is in the log", func() bool {
		b, err := os.ReadFile(filepath.Join(dir, "access.log"))
		if err != nil {
			return false
		}
		out = map[int]logged{}
		for _, line := range strings.Split(string(b), "\n") {
			f := strings.Split(line, "\t")
			if len(f) < 9 {
				continue
			}
			u, err := url.Parse(f[3])
			if err != nil {
				t.Fatal(err)
			}
			page, err := strconv.Atoi(strings.Trim(u.Path, "/"))
			score, err2 := strconv.Atoi(f[7])
			if err = errors.Join(err, err2); err != nil {
				t.Fatalf("%v in %q", err, line)
			}
			out[page] = logged{f[4], score}
		}
		return len(out) == n
	})
	return out
}

func compare(t *testing.T, p *scan.Phrases, pages []string, limit int, theirs map[int]logged) {
	t.Helper()
	var s scan.Scratch
	var text scan.Text
	closed, excepted, differ := 0, 0, 0
	for i, page := range pages {
		text.Plain([]byte(page))
		r := p.Explain(&text, limit, 0, &s)
		x := theirs[i]
		denied, exception := strings.Contains(x.what, "*DENIED*"), strings.Contains(x.what, "hrase found:") && !strings.Contains(x.what, "anned ")
		if denied != r.Closed() || exception != r.Exception || !exception && x.score != r.Score {
			if differ++; differ <= 5 {
				t.Errorf("page %d: %d (closed %v, exception %v) here; %d %q there\n%v\n%q", i, r.Score, r.Closed(), r.Exception, x.score, x.what, r.Parts, page)
			}
		}
		if denied {
			closed++
		}
		if exception {
			excepted++
		}
	}
	t.Logf("%d pages, %d closed and %d excepted by e2guardian, %d differ", len(pages), closed, excepted, differ)
	if closed == 0 || closed+excepted == len(pages) {
		t.Error("the pages do not tell anything apart")
	}
}
