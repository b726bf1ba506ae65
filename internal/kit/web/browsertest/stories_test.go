package browsertest_test

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"belisha/internal/kit/web/browsertest"
	"belisha/internal/kit/web/storybook"
)

// TestEveryStoryIsAccessible looks at the whole storybook on a phone, a tablet
// and a desk, in light and in dark. With SHOTS set to a folder it leaves
// pictures there for a designer's eye.
func TestEveryStoryIsAccessible(t *testing.T) {
	site, err := storybook.Handler("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(site)
	defer srv.Close()
	looks := []struct {
		name     string
		width    int64
		dark     bool
		contrast bool
	}{
		{"phone-light", 320, false, false},
		{"tablet-dark", 768, true, false},
		{"desk-light", 1440, false, false},
		{"phone-dark", 320, true, false},
		{"contrast", 1024, false, true},
	}
	for _, l := range looks {
		t.Run(l.name, func(t *testing.T) {
			b := browsertest.Open(t, browsertest.Options{Width: l.width, Dark: l.dark, HighContrast: l.contrast})
			for _, s := range storybook.Stories() {
				b.Go(srv.URL + s.Path)
				b.Axe()
				if over := b.Overflows(); over > 0 {
					t.Errorf("%s is %d pixels wider than a window of %d", s.Path, over, l.width)
				}
				shot(b, s.Path, l.width, l.dark)
			}
		})
	}
}

func shot(b *browsertest.Browser, path string, width int64, dark bool) {
	dir := os.Getenv("SHOTS")
	if dir == "" {
		return
	}
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	name := strings.TrimPrefix(path, "/stories/") + "-" + strconv.FormatInt(width, 10) + "-" + scheme + ".png"
	b.Screenshot(filepath.Join(dir, name))
}

func TestTheErrorSummaryHasTheFocusWithoutScript(t *testing.T) {
	site, err := storybook.Handler("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(site)
	defer srv.Close()
	b := browsertest.Open(t, browsertest.Options{})
	b.Go(srv.URL + "/stories/form-wrong")
	if got := b.Focused(); got != "errors" {
		t.Errorf("the focus is on %q, want the summary of errors", got)
	}
}

func TestAPolicyPrintsWithItsMarksAndWithoutTheMenu(t *testing.T) {
	site, err := storybook.Handler("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(site)
	defer srv.Close()
	b := browsertest.Open(t, browsertest.Options{Width: 794, Print: true})
	b.Go(srv.URL + "/stories/prose")
	text := b.Text()
	for _, gone := range []string{"Sign out", "Monitoring", "Childline"} {
		if strings.Contains(text, gone) {
			t.Errorf("the print has %q", gone)
		}
	}
	b.Has("not being kept", "90 days", "Printed Monday 23 November, 8:30 by Ines Halloran")
	if dir := os.Getenv("SHOTS"); dir != "" {
		b.Screenshot(filepath.Join(dir, "prose-print.png"))
		b.Go(srv.URL + "/stories/evidence")
		b.Screenshot(filepath.Join(dir, "evidence-print.png"))
		b.Go(srv.URL + "/stories/list")
		b.Screenshot(filepath.Join(dir, "list-print.png"))
	}
}

func TestTheMenuOfAPhoneOpensWithoutScript(t *testing.T) {
	site, err := storybook.Handler("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(site)
	defer srv.Close()
	b := browsertest.Open(t, browsertest.Options{Width: 360, Height: 740})
	b.Go(srv.URL + "/stories/tray")
	if strings.Contains(b.Text(), "Backups") {
		t.Error("the menu is open before it is asked for")
	}
	b.Tap("Menu")
	b.Has("Backups", "Sign out")
	b.Axe()
	shot(b, "/stories/menu", 360, false)
}

func TestTheKeyboardAloneGetsToThePageAndToARow(t *testing.T) {
	site, err := storybook.Handler("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(site)
	defer srv.Close()
	b := browsertest.Open(t, browsertest.Options{})
	b.Go(srv.URL + "/stories/list")
	b.Key("\t")
	if got := b.Focused(); got != "skip" {
		t.Errorf("the first key leads to %q, want the link that skips to the page", got)
	}
	b.Key("\r")
	if got := b.Focused(); got != "main" {
		t.Errorf("the skip link leads to %q, want the page", got)
	}
	for range 12 { // download, the filter's fields (a day has parts), its button, show all, sort, the first row
		b.Key("\t")
		if b.Focused() == "row" {
			return
		}
	}
	t.Errorf("no row is reached; the focus is on %q", b.Focused())
}
