package concerns

import (
	"bytes"
	"context"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/web"
	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/people"
)

func TestThePagesFitTheirStructsAndSpeakPlainly(t *testing.T) {
	all := []webtest.Checkable{closedPage, homePage, reportPage, sentPage, casePage, askPage, attachPage, trendsPage, tellPage}
	webtest.Check(t, all...)
	webtest.PlainWords(t, all...)
}

// site is the room's pages with the school's own clock.
func (s *school) site(t testing.TB) http.Handler {
	t.Helper()
	d := webtest.Deps()
	d.Clock = s.clock
	d.About = func(context.Context) web.About {
		zone, _ := time.LoadLocation("Europe/London")
		return web.About{School: "Ashdown Primary School", Zone: zone}
	}
	desk, _, err := web.Mux([]web.Section{s.Section()}, d)
	check(t, err)
	return desk
}

func (s *school) get(t testing.TB, h http.Handler, path string, who people.ID) *webtest.Doc {
	t.Helper()
	return webtest.Get(t, h, path, s.actor(who))
}

func (s *school) step(t testing.TB, h http.Handler, id, name string, who people.ID, form url.Values) *webtest.Doc {
	t.Helper()
	form.Set("version", strconv.FormatInt(s.version(id), 10))
	return webtest.Post(t, h, "/concerns/"+id+"/"+name, form, s.actor(who))
}

func TestAMemberOfStaffReportsOnOnePageAndGetsAReceipt(t *testing.T) {
	s := newSchool(t)
	h := s.site(t)
	d := s.get(t, h, "/concerns/new", s.teacher).Is(200)
	d.Has("Is anybody in danger now?", "ring 999 first", "What happened?")
	d.Safe()
	form := url.Values{"form": {d.Field("form")}, "danger": {"no"}, "kind": {"bullying"}, "who1": {"Robin Okonj"}, "role1": {"harmed"}, "account": {"They said: leave me"}}
	form.Set("who1", "Nobody Atall")
	bad := webtest.Post(t, h, "/concerns/new", form, s.actor(s.teacher)).Is(422)
	bad.Has("Nobody on the roll fits")
	if bad.Field("account") != "They said: leave me" || bad.Field("form") != form.Get("form") {
		t.Error("what was typed is lost")
	}
	// It is still there tomorrow.
	if got := s.get(t, h, "/concerns/new", s.teacher).Field("account"); got != "They said: leave me" {
		t.Errorf("the draft says %q", got)
	}
	form.Set("who1", "Robin")
	sent := webtest.Post(t, h, "/concerns/new", form, s.actor(s.teacher)).Is(303)
	path := sent.Header.Get("Location")
	receipt := s.get(t, h, path, s.teacher).Is(200)
	receipt.Has("received", "Attach a file")
	receipt.HasNot("leave me", "Robin")
	s.get(t, h, path, s.other).Is(404)
	if s.get(t, h, "/concerns/new", s.teacher).Field("account") != "" {
		t.Error("the draft stays after it was sent")
	}
}

func TestWhoseSessionEndedFindsTheirTextAgain(t *testing.T) {
	s := newSchool(t)
	h := s.site(t)
	form := url.Values{"kind": {"bullying"}, "account": {"Typed for ten minutes"}}
	sent := webtest.Post(t, h, "/concerns/new", form, webtest.Nobody()).Is(303)
	if to := sent.Header.Get("Location"); !strings.HasPrefix(to, "/sign-in?to=") {
		t.Fatalf("led to %s", to)
	}
	r := httptest.NewRequest(http.MethodGet, "/concerns/new", nil)
	for _, k := range sent.Header.Values("Set-Cookie") {
		if name, _, _ := strings.Cut(k, ";"); strings.Contains(name, cookieLoose) {
			r.Header.Add("Cookie", name)
		}
	}
	if got := webtest.Do(t, h, r, s.actor(s.teacher)).Is(200).Field("account"); got != "Typed for ten minutes" {
		t.Errorf("after signing in: %q", got)
	}
}

func TestTheIntimateImageQuestionComesBeforeAnyFile(t *testing.T) {
	s := newSchool(t)
	h := s.site(t)
	id := s.report(s.teacher, "bullying")
	d := s.get(t, h, "/concerns/"+id+"/attach", s.teacher).Is(200)
	d.Has("undressed or in a sexual way")
	if strings.Contains(string(d.Body), `type="file"`) {
		t.Error("a file can be chosen before the question is answered")
	}
	upload := func(who people.ID, shows, name string, body []byte) *webtest.Doc {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		if shows != "" {
			check(t, w.WriteField("shows", shows))
		}
		f, err := w.CreateFormFile("file", name)
		check(t, err)
		_, err = f.Write(body)
		check(t, err)
		check(t, w.Close())
		r := httptest.NewRequest(http.MethodPost, "/concerns/"+id+"/file", &b)
		r.Header.Set("Content-Type", w.FormDataContentType())
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		return webtest.Do(t, h, r, s.actor(who))
	}
	upload(s.teacher, "", "a.txt", []byte("hello")).Is(403)
	upload(s.teacher, "no", "a.exe", []byte("MZ\x00\x01")).Is(422).Has("Only PDF")
	upload(s.teacher, "no", "../../a.pdf", []byte("<html>")).Is(303)
	upload(s.other, "no", "a.txt", []byte("hello")).Is(404)
	w, err := s.Open(s.as(s.lead), id)
	check(t, err)
	if len(w.Files) != 1 || w.Files[0].Name != "a.txt" {
		t.Fatalf("attached: %+v", w.Files)
	}
	file := s.get(t, h, "/concerns/"+id+"/files/"+w.Files[0].ID, s.lead).Is(200)
	if file.Header.Get("Content-Disposition") == "" || string(file.Body) != "<html>" || !strings.HasPrefix(file.Header.Get("Content-Type"), "text/plain") {
		t.Errorf("the file: %v %q", file.Header, string(file.Body))
	}
	s.get(t, h, "/concerns/"+id+"/files/"+w.Files[0].ID, s.teacher).Is(404)

	webtest.Post(t, h, "/concerns/"+id+"/attach", url.Values{}, s.actor(s.teacher)).Is(422)
	webtest.Post(t, h, "/concerns/"+id+"/attach", url.Values{"shows": {"unsure"}}, s.actor(s.teacher)).Is(200).Has("Do not look at it any further", "Report Remove", "in person, now")
	upload(s.teacher, "no", "a.txt", []byte("hello")).Is(403)
	upload(s.lead, "no", "a.txt", []byte("hello")).Is(403)
	s.get(t, h, "/concerns/"+id+"/attach", s.lead).Is(200).HasNot("The file")
	w, err = s.Open(s.as(s.lead), id)
	check(t, err)
	if !w.Images || w.ReferralDue.IsZero() {
		t.Error("the case does not know that it may be for the police")
	}
	images := s.report(s.teacher, "images")
	s.get(t, h, "/concerns/"+images+"/attach", s.teacher).Has("Nothing can be attached")
}

func TestTheLeadWorksACaseToItsEndByItsPages(t *testing.T) {
	s := newSchool(t)
	h := s.site(t)
	id := s.report(s.teacher, "bullying")
	s.get(t, h, "/concerns", s.lead).Is(200).Has("Robin Okonjo", "Bullied or threatened", "Report a concern")
	d := s.get(t, h, "/concerns/"+id, s.lead).Is(200)
	d.Has("they would not leave me alone", "Who may see this", "Nell Ashdown", "Record that the parents")
	d.Safe()
	for _, name := range regexp.MustCompile(`/concerns/`+id+`/([a-z]+)`).FindAllStringSubmatch(string(d.Body), -1) {
		if name[1] != "takeout" {
			s.get(t, h, "/concerns/"+id+"/"+name[1]+"?kind=police", s.lead).Is(200).Safe()
		}
	}
	s.clock.Advance(time.Minute)
	s.step(t, h, id, "triage", s.lead, url.Values{"kind": {"bullying"}, "risk": {"9"}, "route": {"behaviour"}}).Is(422).Has("how urgent")
	s.step(t, h, id, "triage", s.lead, url.Values{"kind": {"bullying"}, "risk": {"2"}, "route": {"behaviour"}, "owner": {string(s.deputy)}, "also": {"racist"}}).Is(303)
	s.step(t, h, id, "note", s.lead, url.Values{"text": {"Spoke with class teacher"}}).Is(303)
	s.step(t, h, id, "act", s.lead, url.Values{"kind": {"parents"}, "decision": {"yes"}, "who": {"Mother, by me"}}).Is(303)
	s.step(t, h, id, "act", s.lead, url.Values{"kind": {"support"}, "what": {"Lunch club"}, "given": {"Bram Cole"}, "due": {"2026-11-30"}}).Is(303)
	s.step(t, h, id, "close", s.lead, url.Values{"outcome": {"resolved"}, "text": {"x"}}).Is(422).Has("An action is not done yet")
	given := s.get(t, h, "/concerns", s.other).Is(200)
	given.HasNot("Robin", "Bullied")
	path := regexp.MustCompile(`/concern-given/[a-z0-9]+`).FindString(string(given.Body))
	own := s.get(t, h, path, s.other).Is(200)
	own.Has("Lunch club")
	webtest.Post(t, h, path, url.Values{"version": {own.Field("version")}, "state": {"done"}, "outcome": {"They came"}}, s.actor(s.other)).Is(303)
	webtest.Post(t, h, path, url.Values{"version": {own.Field("version")}, "state": {"done"}, "outcome": {"again"}}, s.actor(s.other)).Is(409)
	s.step(t, h, id, "close", s.lead, url.Values{"outcome": {"resolved"}, "text": {"All well"}, "policy": {"Talk about it in class"}}).Is(303)
	s.get(t, h, "/concerns/"+id, s.lead).GoesTo("/concerns/" + id + "/look")
	s.get(t, h, "/concerns/"+id+"/receipt", s.teacher).Has("closed")
	webtest.Post(t, h, "/concerns/"+id+"/look", url.Values{"purpose": {"agency"}}, s.actor(s.lead)).Is(303)
	s.get(t, h, "/concerns/"+id, s.lead).Is(200).Has("All well")
	printed := s.step(t, h, id, "export", s.lead, url.Values{"to": {"Lead of the next school"}, "reason": {"The child moves"}}).Is(200)
	printed.Has("Copy of concern", "check sum", "keep locked away", "Lead of the next school")
	printed.HasNot("Decide how to go on")
	if len(s.lines(VerbExported)) != 1 {
		t.Error("a copy has no line")
	}
	webtest.Post(t, h, "/concerns", url.Values{"who": {"Robin Okonjo"}}, s.actor(s.lead)).Is(200).Has("Concerns about Robin Okonjo", "closed")
	webtest.Post(t, h, "/concerns", url.Values{"who": {"zzz"}}, s.actor(s.lead)).Is(422)
}

func TestForgedIdsAndOthersCasesAreNotThere(t *testing.T) {
	s := newSchool(t)
	h := s.site(t)
	id := s.report(s.teacher, "grooming")
	for _, path := range []string{"/concerns/" + id, "/concerns/" + id + "/triage", "/concerns/" + id + "/note", "/concerns/forged", "/concerns/forged/triage", "/concerns/forged/receipt", "/concern-given/forged"} {
		s.get(t, h, path, s.teacher).Is(404).HasNot("Robin")
		s.get(t, h, path, s.network).Is(404).HasNot("Robin")
	}
	s.get(t, h, "/concerns/forged", s.lead).Is(404)
	s.get(t, h, "/concerns/"+id, s.head).GoesTo("/concerns/" + id + "/break")
	s.get(t, h, "/concerns/"+id+"/break", s.head).Is(200).HasNot("Robin", "Grooming")
	webtest.Post(t, h, "/concerns/"+id+"/note", url.Values{"version": {"1"}, "text": {"forged"}}, s.actor(s.network)).Is(404)
	webtest.Post(t, h, "/concerns/"+id+"/note", url.Values{"version": {"0"}, "text": {"stale"}}, s.actor(s.lead)).Is(409)
	webtest.Post(t, h, "/concerns/"+id+"/export", url.Values{"version": {"1"}, "to": {"me"}, "reason": {"x"}}, s.actor(s.office)).Is(404)
}

func TestEveryRouteAgainstEveryRole(t *testing.T) {
	s := newSchool(t)
	h := s.site(t)
	id := s.report(s.teacher, "grooming")
	roles := map[string]actor.Actor{
		"nobody": webtest.Nobody(), "pupil": s.actor(s.sam), "parent": s.actor(s.mother), "teacher": s.actor(s.other),
		"network manager": s.actor(s.network), "office": s.actor(s.office), "governor": s.actor(s.governor),
		"console": actor.New(actor.Actor{ID: "console:root", Kind: actor.Console, Posts: []string{"headteacher", "safeguarding-lead"}}, MayRead, MayReport, MayCount),
	}
	for _, rt := range web.Routes([]web.Section{s.Section()}) {
		path := strings.NewReplacer("{id}", id, "{step}", "triage", "{file}", "x").Replace(rt.Path)
		for name, a := range roles {
			var d *webtest.Doc
			if rt.Method == http.MethodGet {
				d = webtest.Get(t, h, path, a)
			} else {
				d = webtest.Post(t, h, path, url.Values{}, a)
			}
			if d.Status >= 500 {
				t.Errorf("%s %s as %s: %d", rt.Method, path, name, d.Status)
			}
			for _, secret := range []string{"Robin Okonjo", "leave me alone", "Grooming or exploitation,"} {
				if strings.Contains(string(d.Body), secret) {
					t.Errorf("%s %s tells %s %q", rt.Method, path, name, secret)
				}
			}
		}
	}
}

func TestAChildTellsInThreeTaps(t *testing.T) {
	s := newSchool(t)
	h := s.site(t)
	s.clock.Set(time.Date(2026, 11, 27, 22, 0, 0, 0, time.UTC)) // Friday night
	evening := "No one at school will read this before Monday at 8:30. In danger, ring 999. To talk to someone now, ring Childline, 0800 1111."
	d := webtest.Get(t, h, "/tell", webtest.Nobody()).Is(200)
	d.Has("Who is it about?", "Me", "Somebody is in danger now", "999", "0800 1111", evening)
	d.Safe()
	d = webtest.Post(t, h, "/tell/what", url.Values{"about": {"friend"}}, webtest.Nobody()).Is(200)
	d.Has("What is it about?", "Somebody is unkind", evening)
	d.Safe()
	d = webtest.Post(t, h, "/tell/write", url.Values{"about": {"friend"}, "what": {"unkind"}}, webtest.Nobody()).Is(200)
	d.Has("You can leave this empty", "What can the school see?", evening)
	d.Safe()
	form := url.Values{"about": {"friend"}, "what": {"unkind"}, "form": {d.Field("form")}, "text": {strings.Repeat("a", maxTold+1)}}
	webtest.Post(t, h, "/tell", form, webtest.Nobody()).Is(422).Has("Shorten this")
	form.Set("text", "")
	d = webtest.Post(t, h, "/tell", form, webtest.Nobody()).Is(200)
	d.Has("It has arrived", evening)
	d.HasNot("help is coming", "somebody will")
	code := regexp.MustCompile(`[0-9A-F]{5}(-[0-9A-F]{5}){3}`).FindString(string(d.Body))
	webtest.Post(t, h, "/tell/answer", url.Values{"code": {code}}, webtest.Nobody()).Is(200).Has("Nobody has read it yet")
	webtest.Post(t, h, "/tell/answer", url.Values{"code": {"guess"}}, webtest.Nobody()).Is(422).Has("not known here")
	danger := webtest.Post(t, h, "/tell/what", url.Values{"about": {"danger"}}, webtest.Nobody()).Is(200)
	if i, j := strings.Index(string(danger.Body), "999"), strings.Index(string(danger.Body), "Somebody is unkind"); i < 0 || i > j {
		t.Error("in danger, 999 does not stand first")
	}
	// Nothing of what was chosen stands in an address, where the next child finds it.
	for _, name := range []string{"/tell/what", "/tell/write"} {
		webtest.Get(t, h, name, webtest.Nobody()).Is(405)
	}
	webtest.Post(t, h, "/tell/write", url.Values{"about": {"x"}, "what": {"y"}}, webtest.Nobody()).GoesTo("/tell")
}

func TestTellNamesTheChildOnlyByTheFirstName(t *testing.T) {
	s := newSchool(t)
	h := s.site(t)
	d := webtest.Post(t, h, "/tell/write", url.Values{"about": {"me"}, "what": {"feel"}}, s.actor(s.robin)).Is(200)
	d.Has("May we know that it was you, Robin?")
	if strings.Contains(regexp.MustCompile(`(?s)<main.*</main>`).FindString(string(d.Body)), "Okonjo") {
		t.Error("a surname stands on a child's page")
	}
}

func TestThePageSaysWhyItIsClosedAndWhomToTell(t *testing.T) {
	s := newSchool(t)
	h := s.site(t)
	s.shut = []string{"The pages are not served over HTTPS."}
	s.get(t, h, "/concerns", s.lead).Is(423).Has("not served over HTTPS", "in person", "999")
	s.get(t, h, "/concerns/new", s.teacher).Is(423).Has("any adult you trust")
	webtest.Get(t, h, "/tell", webtest.Nobody()).Is(200).Has("Nothing can be written here just now", "0800 1111")
	webtest.Post(t, h, "/tell", url.Values{"about": {"me"}, "what": {"feel"}, "form": {"f"}, "text": {"x"}}, webtest.Nobody()).Is(423).Has("0800 1111")
}

func TestTrendsAreReadAndTheQuietIsAnswered(t *testing.T) {
	s := newSchool(t)
	h := s.site(t)
	s.report(s.teacher, "bullying")
	s.get(t, h, "/concerns/trends", s.head).Is(200).Has("under 5", "What waits")
	s.get(t, h, "/concerns/trends", s.lead).Is(200).HasNot("under 5")
	s.get(t, h, "/concerns/trends", s.teacher).Is(403)
	webtest.Post(t, h, "/concerns/trends", nil, s.actor(s.head)).Is(303)
	if len(s.lines(VerbTrends)) != 1 {
		t.Error("nobody wrote down that the trends were read")
	}
	s.get(t, h, "/concerns/quiet", s.lead).Is(200).Has("Ask in the staffroom")
	webtest.Post(t, h, "/concerns/quiet", nil, s.actor(s.lead)).Is(303)
}

func TestARowThatMayNoLongerBeOpenedLosesNoText(t *testing.T) {
	s := newSchool(t)
	h := s.site(t)
	s.rows["row:1"] = Seen{Ref: "row:1", Person: s.robin, Certainty: Sure, Words: "pond.example", At: monday}
	d := s.get(t, h, "/concerns/new?from=row:1", s.lead).Is(200)
	d.Has("pond.example", "Robin Okonjo, who was signed in")
	form := url.Values{"form": {d.Field("form")}, "ref": {"row:1"}, "kind": {"bullying"}, "account": {"Half an hour of typing"}}
	s.refuse = true // the purpose is over
	bad := webtest.Post(t, h, "/concerns/new", form, s.actor(s.lead)).Is(422)
	bad.Has("may not be opened just now", "give a purpose")
	if bad.Field("account") != "Half an hour of typing" || bad.Field("ref") != "row:1" {
		t.Error("what was typed is lost")
	}
	if got := s.get(t, h, "/concerns/new?from=none", s.lead).Is(200); got.Field("account") != "Half an hour of typing" || got.Field("ref") != "" {
		t.Error("it cannot be reported without the row")
	}
	s.refuse = false
	webtest.Post(t, h, "/concerns/new", form, s.actor(s.lead)).Is(303)
}
