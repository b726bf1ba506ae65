package filtering_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/filtering"
)

func TestHowAListWasReadIsOnItsPageAndAsCSV(t *testing.T) {
	s := open(t, sqlite(t)).confirmed()
	path := filepath.Join(t.TempDir(), "games.txt")
	must(t, os.WriteFile(path, []byte("||a.example^\n@@||ok.a.example^\n||b.example^$client=x\n! note\n||c.example/x^\n/ga(me/\n||co.uk^\n"), 0o600))
	rep, err := s.room.Import(console(), filtering.Options{Path: path, Name: "Games", Category: "games"})
	must(t, err)
	if rep.Kinds != (filtering.Kinds{Names: 1, Pages: 1, Exceptions: 1}) || rep.Invalid != 3 {
		t.Errorf("kinds %+v, invalid %d", rep.Kinds, rep.Invalid)
	}
	site, manager, _, reader := s.site()
	page := string(webtest.Get(t, site, "/filter/lists/games/report", reader).Is(200).Safe().Link("/filter/lists/games/faults.csv").Body)
	for _, want := range []string{"1 name, 1 page, 1 exception of the list itself", "The rule has the condition $client: the rule holds only for some devices", "adblock", "It is an ending that many sites share"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not on the page", want)
		}
	}
	csv := string(webtest.Get(t, site, "/filter/lists/games/faults.csv", reader).Is(200).Body)
	if !strings.Contains(csv, "games.txt") || !strings.Contains(csv, "missing closing") {
		t.Errorf("csv %s", csv)
	}
	// A refused attempt is told on the same page, and the list stays.
	must(t, os.WriteFile(path, []byte("<html>sign in</html>"), 0o600))
	if _, err := s.room.Import(console(), filtering.Options{Path: path, Name: "Games", Category: "games"}); err == nil {
		t.Fatal("a web page was taken for a list")
	}
	webtest.Get(t, site, "/filter/lists/games/report", manager).Is(200).Safe().Has("It was refused", "web page, not a list")
	webtest.Get(t, site, "/filter/lists/games", manager).Is(200).Safe().Link("/filter/lists/games/report")
	webtest.Get(t, site, "/filter/lists/none/report", manager).Is(404)
	if a := s.decide("http://x.a.example/", "pupils"); !slices.Contains(a.Categories, "games") {
		t.Errorf("the last good list does not stay: %+v", a)
	}
	if a := s.decide("http://ok.a.example/", "pupils"); len(a.Categories) > 0 || !strings.Contains(strings.Join(a.Steps, " "), "excepts ok.a.example") {
		t.Errorf("the list's exception does not hold: %+v", a)
	}
}

func TestLicensedListsOnTheirPages(t *testing.T) {
	s := licensedSchool(t, sqlite(t))
	site, manager, _, reader := s.site()
	webtest.Get(t, site, "/filter/licensed", reader).Is(200).Safe().Has("None is loaded")
	post := func(fields map[string]string, file string) *webtest.Doc {
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		for k, v := range fields {
			must(t, w.WriteField(k, v))
		}
		if file != "" {
			part, err := w.CreateFormFile("file", "list.txt")
			must(t, err)
			_, err = part.Write([]byte(file))
			must(t, err)
		}
		must(t, w.Close())
		r := httptest.NewRequest(http.MethodPost, "/filter/licensed", &body)
		r.Header.Set("Content-Type", w.FormDataContentType())
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		return webtest.Do(t, site, r, manager)
	}
	fields := map[string]string{"title": "Supplier list", "supplier": "The Supplier", "subject": "abuse", "form": "plain", "salt": "zzqsalt", "reason": "our contract"}
	post(fields, "").Is(422).Safe().Has("Choose the supplier")
	post(fields, "<html>zzqworst.example</html>").Is(422).Safe()
	post(fields, licensedText).GoesTo("/filter/licensed/supplier-list")
	s.wants("http://zzqworst.example/", "staff", "block")
	for _, path := range []string{"/filter/licensed", "/filter/licensed/supplier-list", "/filter/licensed/new", "/filter/lists", "/filter", "/filter/changes", "/filter/versions"} {
		page := webtest.Get(t, site, path, manager).Is(200).Safe()
		for _, w := range append(licensedWords, "zzqsalt") {
			if strings.Contains(string(page.Body), w) {
				t.Errorf("%s shows %q", path, w)
			}
		}
	}
	webtest.Get(t, site, "/filter/licensed/supplier-list", reader).Is(200).Safe().Has("The Supplier", "SHA-256", "in force")
	webtest.Get(t, site, "/filter/licensed/new", reader).Is(403)
	webtest.Post(t, site, "/filter/licensed/supplier-list/stop", url.Values{"reason": {"over"}}, manager).GoesTo("/filter/licensed")
	webtest.Get(t, site, "/filter/licensed/supplier-list", manager).Is(404)
}
