// Package browsertest drives a real Chromium in tests: through a proxy, at a
// size, in a colour scheme, with the accessibility checker. A test that needs
// it is skipped where no Chromium is installed, and says so.
package browsertest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// limit is how long one step of a page may take.
const limit = 30 * time.Second

// Options say what sort of browser to open.
type Options struct {
	// Proxy is host:port of an HTTP proxy that everything goes through,
	// loopback too. "" for none.
	Proxy string
	// PAC is the address of a proxy configuration that the browser fetches and
	// keeps to. "" for none.
	PAC string
	// TrustSPKI are base64 SHA-256 digests of public keys that the browser
	// takes as trusted, as if the school's authority were installed.
	TrustSPKI []string
	// Resolve are host resolver rules: "MAP * 127.0.0.1".
	Resolve string
	// Width and Height are the window's, 1280 × 900 unless set.
	Width, Height int64
	// Dark asks for the dark scheme.
	Dark bool
	// Print shows the page as it prints.
	Print bool
	// HighContrast asks for the system's own few colours.
	HighContrast bool
	// NoScript switches scripts off.
	NoScript bool
}

// names are what Chromium is called.
var names = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"}

// find returns the path of a Chromium, or skips the test.
func find(t testing.TB) string {
	t.Helper()
	for _, n := range names {
		if p, err := exec.LookPath(n); err == nil {
			return p
		}
	}
	t.Skip("no Chromium on PATH: install chromium to run the browser tests")
	return ""
}

// Browser is an open browser with one page.
type Browser struct {
	t   testing.TB
	ctx context.Context
}

// Open starts a Chromium that ends with the test.
func Open(t testing.TB, o Options) *Browser {
	t.Helper()
	if testing.Short() {
		t.Skip("make test looks at pages in a browser; make check needs only Go")
	}
	path := find(t)
	profile, err := os.MkdirTemp("", "belisha-browser-")
	if err != nil {
		t.Fatalf("making the browser's folder: %v", err)
	}
	// Chromium still writes while it ends: removing is tried, never insisted on.
	t.Cleanup(func() { _ = os.RemoveAll(profile) })
	alloc, endAlloc := chromedp.NewExecAllocator(context.Background(), flags(path, profile, o)...)
	ctx, endTab := chromedp.NewContext(alloc)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx)
		endTab()
		endAlloc()
	})
	b := &Browser{t: t, ctx: ctx}
	// The browser lives with the context that first runs: no limit on it.
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting Chromium: %v", err)
	}
	b.run("setting the browser up", setUp(o))
	return b
}

func flags(path, profile string, o Options) []chromedp.ExecAllocatorOption {
	f := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("disable-features", "AsyncDns,HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,Translate,OptimizationHints,MediaRouter"),
	}
	if o.Proxy != "" {
		f = append(f, chromedp.ProxyServer(o.Proxy), chromedp.Flag("proxy-bypass-list", "<-loopback>"))
	}
	if o.PAC != "" {
		f = append(f, chromedp.Flag("proxy-pac-url", o.PAC))
	}
	if len(o.TrustSPKI) > 0 {
		f = append(f, chromedp.Flag("ignore-certificate-errors-spki-list", strings.Join(o.TrustSPKI, ",")))
	}
	if o.Resolve != "" {
		f = append(f, chromedp.Flag("host-resolver-rules", o.Resolve))
	}
	return f
}

// setUp gives the page its size, its scheme and its scripts.
func setUp(o Options) chromedp.Action[chromedp.Void] {
	scheme := "light"
	if o.Dark {
		scheme = "dark"
	}
	kind := ""
	if o.Print {
		kind = "print"
	}
	media := emulation.SetEmulatedMediaParams{Media: kind, Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	if o.HighContrast {
		media.Features = append(media.Features, &emulation.MediaFeature{Name: "forced-colors", Value: "active"})
	}
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if err := chromedp.Do(ctx, chromedp.EmulateViewport(orElse(o.Width, 1280), orElse(o.Height, 900))); err != nil {
			return err
		}
		if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
			return err
		}
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: o.NoScript})
		return err
	})
}

func orElse(n, usual int64) int64 {
	if n == 0 {
		return usual
	}
	return n
}

// run does an action within the limit and ends the test when it fails.
func (b *Browser) run(doing string, acts ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := b.try(acts...); err != nil {
		b.t.Fatalf("%s: %v", doing, err)
	}
}

func (b *Browser) try(acts ...chromedp.Action[chromedp.Void]) error {
	ctx, end := context.WithTimeout(b.ctx, limit)
	defer end()
	return chromedp.Do(ctx, acts...)
}

// ask does an action that answers, within the limit.
func ask[T any](b *Browser, doing string, act chromedp.Action[T]) T {
	b.t.Helper()
	ctx, end := context.WithTimeout(b.ctx, limit)
	defer end()
	v, err := chromedp.Run(ctx, act)
	if err != nil {
		b.t.Fatalf("%s: %v", doing, err)
	}
	return v
}

// Context is the tab's context, for actions of chromedp that are not here.
func (b *Browser) Context() context.Context { return b.ctx }

// Visit opens an address and waits for the page. An error, such as a refused
// certificate, is returned: a blocked page is often the point of the test.
func (b *Browser) Visit(url string) error {
	return b.try(chromedp.Navigate(url))
}

// Go opens an address that must be there.
func (b *Browser) Go(url string) {
	b.t.Helper()
	if err := b.Visit(url); err != nil {
		b.t.Fatalf("opening %s: %v", url, err)
	}
}

// Text is what the reader sees.
func (b *Browser) Text() string {
	b.t.Helper()
	return ask(b, "reading the page", chromedp.Evaluate[string](`document.body ? document.body.innerText : ""`))
}

// Has checks that the reader sees the words.
func (b *Browser) Has(words ...string) {
	b.t.Helper()
	text := b.Text()
	for _, w := range words {
		if !strings.Contains(text, w) {
			b.t.Errorf("the page does not say %q; it says:\n%.1500s", w, text)
		}
	}
}

// URL is the page's address.
func (b *Browser) URL() string {
	b.t.Helper()
	return ask(b, "reading the address", chromedp.Location())
}

// Fill types into the field of that name.
func (b *Browser) Fill(name, value string) {
	b.t.Helper()
	sel := chromedp.CSS(fmt.Sprintf(`[name=%q]`, name))
	b.run("filling "+name, chromedp.WaitVisible(sel), chromedp.Clear(sel), chromedp.SendKeys(sel, value))
}

// Press presses the button or link that says the words, and waits for the
// next page.
func (b *Browser) Press(words string) {
	b.t.Helper()
	xpath := fmt.Sprintf(`//*[self::button or self::a][contains(normalize-space(.), %s)]`, quoteXPath(words))
	ctx, end := context.WithTimeout(b.ctx, limit)
	defer end()
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.Search(xpath))); err != nil {
		b.t.Fatalf("pressing %q: %v", words, err)
	}
}

// Tap presses a button that opens something on the same page.
func (b *Browser) Tap(words string) {
	b.t.Helper()
	xpath := fmt.Sprintf(`//*[self::button or self::a or self::summary][contains(normalize-space(.), %s)]`, quoteXPath(words))
	b.run("tapping "+words, chromedp.Click(chromedp.Search(xpath)))
}

// Key presses a key, such as "\t" for Tab or "\r" for Enter.
func (b *Browser) Key(keys string) {
	b.t.Helper()
	b.run("pressing a key", chromedp.KeyEvent(keys))
}

// quoteXPath puts words into XPath's quotes.
func quoteXPath(s string) string {
	if !strings.Contains(s, "'") {
		return "'" + s + "'"
	}
	return `"` + strings.ReplaceAll(s, `"`, "") + `"`
}

// Screenshot writes a picture of the whole page to file.
func (b *Browser) Screenshot(file string) {
	b.t.Helper()
	png := ask(b, "taking the picture", chromedp.FullScreenshot(100))
	if err := os.WriteFile(file, png, 0o600); err != nil {
		b.t.Fatalf("writing the picture: %v", err)
	}
}

// PDF writes the page as it prints to file.
func (b *Browser) PDF(file string) {
	b.t.Helper()
	pdf := ask(b, "printing", chromedp.PrintToPDF())
	if err := os.WriteFile(file, pdf, 0o600); err != nil {
		b.t.Fatalf("writing the print: %v", err)
	}
}

// Overflows reports by how many pixels the page is wider than the window.
func (b *Browser) Overflows() int {
	b.t.Helper()
	return ask(b, "measuring the page", chromedp.Evaluate[int](`document.documentElement.scrollWidth - document.documentElement.clientWidth`))
}

// focused waits until the browser has drawn twice, since it gives the focus
// when it draws.
const focused = `new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => {
	const e = document.activeElement;
	done(e.className || e.id || e.tagName.toLowerCase());
})))`

// Focused returns the class, else the id, else the tag of what has the focus.
func (b *Browser) Focused() string {
	b.t.Helper()
	return ask(b, "asking for the focus", chromedp.Evaluate[string](focused, chromedp.EvalAwaitPromise))
}

// finding is one thing that the checker found.
type finding struct {
	ID    string   `json:"id"`
	Help  string   `json:"help"`
	Nodes []string `json:"nodes"`
}

// checks are the rules that the checker runs: WCAG 2.2 AA and good practice.
const checks = `axe.run(document, {runOnly: ["wcag2a","wcag2aa","wcag21a","wcag21aa","wcag22aa","best-practice"], resultTypes: ["violations"]})
	.then(r => JSON.stringify(r.violations.map(v => ({id: v.id, help: v.help, nodes: v.nodes.slice(0, 4).map(n => n.html.slice(0, 200) + " — " + n.failureSummary.slice(0, 300))}))))`

// Axe runs the accessibility checker on the page. Whatever it finds fails the
// test.
func (b *Browser) Axe() {
	b.t.Helper()
	src, err := os.ReadFile(axePath())
	if err != nil {
		b.t.Fatalf("reading the accessibility checker: %v", err)
	}
	ask(b, "loading the accessibility checker", chromedp.Evaluate[bool](string(src)+";true"))
	raw := ask(b, "checking accessibility", chromedp.Evaluate[string](checks, chromedp.EvalAwaitPromise))
	var found []finding
	if err := json.Unmarshal([]byte(raw), &found); err != nil {
		b.t.Fatalf("reading the checker's answer: %v", err)
	}
	for _, f := range found {
		b.t.Errorf("%s: %s (%s)\n  %s", b.URL(), f.Help, f.ID, strings.Join(f.Nodes, "\n  "))
	}
}

// axePath is where the checker lies in the source tree.
func axePath() string {
	_, here, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(here), "..", "..", "..", "..", "dev", "browser", "vendor", "axe.min.js")
}
