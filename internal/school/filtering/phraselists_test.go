package filtering_test

import (
	"bytes"
	"context"
	"errors"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/filtering"
	"belisha/internal/verdict/scan"
)

// weighs is what a text weighs by the rules in force, and of what.
func (s *school) weighs(text string) scan.Result {
	s.t.Helper()
	p := s.room.Snapshot().Phrases()
	if p == nil {
		s.t.Fatal("there are no phrases in force")
	}
	var x scan.Scratch
	return p.Weigh(&scan.Text{Smart: append(scan.AppendFolded([]byte{' '}, []byte(text)), ' ')}, 60, 0, &x)
}

const (
	casinoText = "online casino with no deposit bonus and free spins"
	oldCounty  = "#listcategory: \"Pornography (County)\"\n< countyword ><70>\n<county>,<pair><30>\n"
)

func TestTheStarterPhrasesAreInForceFromTheStart(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.confirmed()
		if r := s.weighs(casinoText); !r.Closed() || r.Category != "gambling" {
			t.Errorf("weighs %d, of %q", r.Score, r.Category)
		}
		must(t, s.room.SwitchPhrases(s.asManager(), "starter", "gambling", false, "We teach about it."))
		if r := s.weighs(casinoText); r.Score != 0 {
			t.Errorf("an area that was switched off weighs %d", r.Score)
		}
		if r := s.weighs("painless ways to die: suicide methods"); !r.Closed() {
			t.Error("another area went with it")
		}
		must(t, s.room.SwitchPhrases(s.asManager(), "starter", "gambling", true, "The lesson is over."))
		if r := s.weighs(casinoText); !r.Closed() {
			t.Error("switched on again, it does not count")
		}
		var refused *filtering.Refused
		if err := s.room.SwitchPhrases(s.asManager(), "starter", "", false, "All of it."); !errors.As(err, &refused) {
			t.Errorf("the whole starter was switched: %v", err)
		}
		if err := s.room.SwitchPhrases(s.asManager(), "starter", "safe", false, "No."); err == nil {
			t.Error("what takes weight away was switched off")
		}
		s.holds()
	})
}

func TestAPhraseListIsTakenUpRefusedAndSwitched(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.confirmed()
		dir := tree(t, map[string]string{
			"bannedphraselist":       "< countybanned >\n",
			"weightedphraselist":     ".Include</etc/e2guardian/lists/phraselists/a/weighted>\n",
			"phraselists/a/weighted": oldCounty + "rubbish\n<gay><50>\n<gay porn><40>\n#listcategory: \"Religion\"\n<anything><40>\n",
		})
		rep, err := s.room.Import(console(), filtering.Options{Path: dir, Name: "County phrases", Format: filtering.FormatPhrases})
		must(t, err)
		if rep.State != "imported" || rep.Accepted != 4 || rep.Invalid != 3 {
			t.Errorf("report %+v", rep)
		}
		if r := s.weighs("a countyword"); !r.Closed() || r.Category != "adult" {
			t.Errorf("weighs %d of %q", r.Score, r.Category)
		}
		if r := s.weighs("countybanned"); !r.Banned {
			t.Error("what is banned is open")
		}
		if r := s.weighs("gay anything"); r.Score != 0 {
			t.Errorf("who somebody is weighs %d", r.Score)
		}
		before := s.room.Snapshot().Number()
		for name, text := range map[string]string{"empty": "# nothing\n", "not a list": "<html><body>hello</body></html>", "shrunk": "<one><1>\n"} {
			_, err := s.room.ImportPhrases(console(), filtering.PhraseOptions{Path: "x.txt", Name: "County phrases", Data: []byte(text)})
			var refused *filtering.Refused
			if !errors.As(err, &refused) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if r := s.weighs("a countyword"); !r.Closed() || s.room.Snapshot().Number() != before {
			t.Error("a bad list replaced a good one")
		}
		l, err := s.room.PhraseList(context.Background(), "county-phrases")
		must(t, err)
		if l.Problem == "" || !l.Enabled {
			t.Errorf("%+v", l)
		}
		must(t, s.room.SwitchPhrases(s.asManager(), l.ID, "", false, "Too strict."))
		if r := s.weighs("a countyword"); r.Score != 0 {
			t.Error("a list that is not in use counts")
		}
		must(t, s.room.SwitchPhrases(s.asManager(), l.ID, "", true, "Again."))
		must(t, s.room.SwitchPhrases(s.asManager(), l.ID, "adult", false, "Not this."))
		if r := s.weighs("a countyword countybanned"); r.Score != 0 || !r.Banned {
			t.Errorf("with an area off it weighs %d", r.Score)
		}
		s.holds()
	})
}

func TestOnlyManagersChangePhraseLists(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.confirmed()
		ctx := s.asHead()
		var refused *filtering.Refused
		if _, err := s.room.ImportPhrases(ctx, filtering.PhraseOptions{Name: "Mine", Data: []byte(oldCounty)}); err == nil {
			t.Error("somebody else brought a list in")
		}
		if err := s.room.SwitchPhrases(ctx, "starter", "adult", false, "Off."); err == nil || errors.As(err, &refused) && refused.Words == "" {
			t.Errorf("somebody else switched: %v", err)
		}
		if r := s.weighs("countyword"); r.Score != 0 {
			t.Error("it came into force")
		}
	})
}

func TestPhraseListsAreBroughtInOnThePage(t *testing.T) {
	s := open(t, sqlite(t)).confirmed()
	site, manager, _, reader := s.site()
	webtest.Get(t, site, "/filter/phrases", reader).Is(200).Safe().Has("Starter phrases", "in use").NoLink("/filter/phrases/new")
	webtest.Get(t, site, "/filter/phrases/starter", reader).Is(200).Safe().Has("Gambling", "Self harm")
	webtest.Get(t, site, "/filter/phrases/new", reader).Is(403)
	webtest.Get(t, site, "/filter/phrases/new", manager).Is(200).Safe()
	post := func(title, file string) *webtest.Doc {
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		must(t, w.WriteField("title", title))
		part, err := w.CreateFormFile("file", "county.txt")
		must(t, err)
		_, err = part.Write([]byte(file))
		must(t, errors.Join(err, w.Close()))
		r := httptest.NewRequest(http.MethodPost, "/filter/phrases", &body)
		r.Header.Set("Content-Type", w.FormDataContentType())
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		return webtest.Do(t, site, r, manager)
	}
	post("", oldCounty).Is(422).Safe().Has("Give the list a name")
	post("County", "<!doctype html><p>sorry</p>").Is(422).Safe().Has("web page")
	post("County", oldCounty+"oops\n").GoesTo("/filter/phrases/county")
	webtest.Get(t, site, "/filter/phrases/county", manager).Is(200).Safe().Has("county.txt", "oops", "Adult", "Taken up")
	if r := s.weighs("countyword"); !r.Closed() {
		t.Error("what was brought in does not count")
	}
	webtest.Post(t, site, "/filter/phrases/county", url.Values{"area": {"area-adult"}, "use": {"no"}, "reason": {"too strict"}}, manager).GoesTo("/filter/phrases/county")
	webtest.Get(t, site, "/filter/phrases/county", manager).Is(200).Safe().Has("not in use")
	if r := s.weighs("countyword"); r.Score != 0 {
		t.Error("an area that was switched off counts")
	}
	webtest.Get(t, site, "/filter/changes", manager).Is(200).Has("A phrase list was taken up", "The phrase list County")
	webtest.Get(t, site, "/filter/phrases/nothing", manager).Is(404)
}
