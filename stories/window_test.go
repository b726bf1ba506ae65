//go:build linux

package stories_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/web/browsertest"

	downloads "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestInABrowser tells the stories of testdata/browser in Chromium, with the
// keyboard alone, once on a phone and once at a desk.
func TestInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("make test looks at pages in a browser")
	}
	for _, size := range []string{"phone", "desk"} {
		t.Run(size, func(t *testing.T) {
			p := params("testdata/browser")
			begin := p.Setup
			p.Setup = func(env *testscript.Env) error {
				env.Setenv("SIZE", size)
				return begin(env)
			}
			testscript.RunT(ofTest{t}, p)
		})
	}
}

// ofTest lets a story have the test that tells it.
type ofTest struct{ *testing.T }

// Run tells one story, after the one before: a browser is heavy.
func (t ofTest) Run(name string, f func(testscript.T)) {
	t.T.Run(name, func(t *testing.T) { f(ofTest{t}) })
}

// Parallel is not done.
func (ofTest) Parallel() {}

// Verbose reports whether the whole story is told.
func (ofTest) Verbose() bool { return testing.Verbose() }

var sizes = map[string][2]int64{"phone": {390, 844}, "desk": {1280, 800}}

// window opens a browser on the device at hand, behind the filter, or goes
// back to the one that is open: window [desk's]. The desk's is not behind it.
func window(s *story, args []string) error {
	key := s.at + strings.Join(args, " ")
	if s.window = s.browsers[key]; s.window != nil {
		return nil
	}
	t, ok := s.t.(ofTest)
	if !ok {
		return errors.New("a window is for the stories of testdata/browser")
	}
	size := sizes[s.ts.Getenv("SIZE")]
	o := browsertest.Options{Width: size[0], Height: size[1]}
	if len(args) == 0 {
		o.Proxy = relay(t.T, s.ts.Getenv("PROXY"), s.at)
		o.TrustSPKI = []string{s.net.spki(t.T)}
	}
	s.window = browsertest.Open(t.T, o)
	s.browsers[key] = s.window
	_, port, _ := net.SplitHostPort(s.net.plain)
	s.ts.Setenv("PLAIN", port)
	return nil
}

// goTo types an address: go ADDRESS.
func goTo(s *story, args []string) error { return s.window.Visit(args[0]) }

// shows says that the window comes to show every text: shows TEXT….
func shows(s *story, args []string) error {
	var text string
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(30 * time.Millisecond) {
		text = s.window.Text()
		missing := false
		for _, a := range args {
			missing = missing || !strings.Contains(text, a)
		}
		if !missing {
			return nil
		}
	}
	return fmt.Errorf("%q: the window at %s shows:\n%s", args, s.window.URL(), text)
}

// fit says that the accessibility checker finds nothing on the page, and that
// nothing is wider than the window.
func fit(s *story, _ []string) error {
	s.window.Axe()
	if over := s.window.Overflows(); over > 0 {
		return fmt.Errorf("%s is %d pixels wider than the window", s.window.URL(), over)
	}
	return nil
}

// saves says that the browser comes to save what it finds at an address, under
// a name: saves ADDRESS NAME.
func saves(s *story, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: saves ADDRESS NAME")
	}
	dir := filepath.Join(s.work, "saved")
	err := chromedp.Do(s.window.Context(), chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, downloads.SetDownloadBehavior, downloads.SetDownloadBehaviorParams{Behavior: downloads.SetDownloadBehaviorBehaviorAllow, DownloadPath: dir})
		return err
	}))
	if err != nil {
		return err
	}
	for range 5 {
		_ = s.window.Visit(args[0]) // a page that is saved rather than shown counts as given up
		for end := time.Now().Add(2 * time.Second); time.Now().Before(end); time.Sleep(30 * time.Millisecond) {
			if f, err := os.Stat(filepath.Join(dir, args[1])); err == nil && f.Size() > 0 {
				return os.Remove(filepath.Join(dir, args[1]))
			}
		}
	}
	return fmt.Errorf("nothing was saved; the window shows:\n%s", s.window.Text())
}

// focusSays is all that a reader hears of what has the focus.
const focusSays = `(() => {
	const e = document.activeElement;
	if (e === document.body || e.tagName === "MAIN") return "";
	const of = e.labels ? [...e.labels].map(l => l.innerText).join(" ") : "";
	return [e.getAttribute("aria-label") || "", of, e.innerText || "", e.name || "", e.value || ""].join(" ").replace(/\s+/g, " ");
})()`

// mostTabs is how often somebody presses Tab before they give up.
const mostTabs = 120

// keys uses the keyboard: keys to WORDS goes with Tab to what says so; keys
// type TEXT; keys enter; keys space; keys code USER types a recovery code.
func keys(s *story, args []string) error {
	if len(args) == 1 {
		press := map[string]string{"enter": "\r", "space": " "}[args[0]]
		if press == "" {
			return fmt.Errorf("there is no key %s", args[0])
		}
		s.window.Key(press)
		return nil
	}
	switch args[0] {
	case "to":
		return s.tabTo(args[1])
	case "type":
		s.window.Key(args[1])
		return nil
	case "code":
		left := s.codes[args[1]]
		if len(left) == 0 {
			return errors.New(args[1] + " has no recovery code left")
		}
		s.codes[args[1]] = left[1:]
		s.window.Key(left[0])
		return nil
	}
	return errors.New("usage: keys to WORDS, keys type TEXT, keys code USER, keys enter, keys space")
}

func (s *story) tabTo(words string) error {
	var heard []string
	for i := range mostTabs {
		if i > 0 { // it may have the focus already
			s.window.Key("\t")
		}
		ctx, end := context.WithTimeout(s.window.Context(), 20*time.Second)
		says, err := chromedp.Run(ctx, chromedp.Evaluate[string](focusSays))
		end()
		if err != nil {
			return err
		}
		if strings.Contains(says, words) {
			return nil
		}
		heard = append(heard, fmt.Sprintf("%.40s", says))
	}
	return fmt.Errorf("Tab does not lead to %q but to: %s", words, strings.Join(heard, " | "))
}
