package policies_test

import (
	"bytes"
	"context"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/control"
	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/policies"
)

// The readers of the pages.
var (
	teacher  = webtest.As("teacher", policies.MayRead)
	governor = webtest.As("governor", policies.MayRead, policies.MayEvidence)
	head     = holder("headteacher", policies.MayRead, policies.MayEvidence, policies.MayEdit, policies.MayActivate, policies.MayApprove, "journal.read")
	deputy   = holder("deputy-head", policies.MayRead, policies.MayEvidence, policies.MayEdit)
)

func holder(post string, caps ...actor.Capability) actor.Actor {
	a := webtest.As(post, caps...)
	a.Posts = []string{post}
	return a
}

func TestATeacherReadsTheRulesAndNotTheirState(t *testing.T) {
	s := newSchool(t)
	if _, err := s.activate(s.shipped("village-primary")); err != nil {
		t.Fatal(err)
	}
	h := webtest.Site(t, s.Section())
	webtest.Get(t, h, "/policies", teacher).Is(200).Has("Children never use social networks at school", "not yet approved").
		HasNot("How it stands", "margin ", "{set=").NoLink("/policies/not-kept").NoLink("/policies/propose")
	webtest.Get(t, h, "/policies/not-kept", teacher).Is(403)
	webtest.Get(t, h, "/policies/propose", teacher).Is(403)
	webtest.Get(t, h, "/policies/text", teacher).Is(200).Has("{set=filtering.pupils.block}")
}

func TestTheGovernorSeesWhatIsNotBeingKeptFirst(t *testing.T) {
	s := newSchool(t)
	s.age = control.Finding{
		State: control.Broken, Figure: "2 of 31 passwords older than 90 days", Source: control.Measured, By: "sign-in records",
		Owner: "network-manager", Todo: "Ask the two to change theirs.", Rows: []control.Row{{What: "A password 97 days old", State: control.Broken, At: monday}},
	}
	if _, err := s.activate(s.shipped("hospital-school")); err != nil {
		t.Fatal(err)
	}
	h := webtest.Site(t, s.Section())
	page := webtest.Get(t, h, "/policies", governor).Is(200).Has("not being kept", "2 of 31 passwords older than 90 days", "words only")
	text := page.Text()
	if strings.Index(text, "How it stands") > strings.Index(text, "The filter in the way") {
		t.Error("what is not being kept does not stand first")
	}
	page.Link("/policies/clauses/accounts-6")
	webtest.Get(t, h, "/policies/clauses/accounts-6", governor).Is(200).
		Has("Staff change their password every 90 days.", "2 of 31", "Ask the two to change theirs.", "Network manager", "Measured here", "ACC-06")
	webtest.Get(t, h, "/policies/not-kept", governor).Is(200).Has("Ask the two to change theirs.", "not built yet")
	webtest.Get(t, h, "/policies/controls/C43", governor).Is(200).Has("A password 97 days old", "Staff change their password every 90 days.", "worst state of each day")
	webtest.Get(t, h, "/policies/controls/mail-trace", governor).Is(200).Has("not built yet", "No clause of the policy in force names it.")
	webtest.Get(t, h, "/policies/controls/nothing", governor).Is(404)
	webtest.Get(t, h, "/policies/clauses/nothing", governor).Is(404)
	webtest.Get(t, h, "/policies/controls", governor).Is(200).Has("C94 attestations-fresh")
	webtest.Get(t, h, "/policies/settings", governor).Is(200).Has("Safe default, unconfirmed", "Staff change their password every 90 days.")
	webtest.Get(t, h, "/policies?on=2026-11-20", governor).Is(200).Has("No policy is in force")
	webtest.Get(t, h, "/policies?on=yesterday", governor).Is(422)
	s.age.State, s.age.Figure = control.Kept, "0 of 31 passwords older than 90 days"
	webtest.Post(t, h, "/policies/controls/password-age/look", nil, governor).GoesTo("/policies/controls/password-age")
	webtest.Get(t, h, "/policies/controls/password-age", governor).Has("0 of 31")
}

func TestAVersionGoesFromAProposalToBeingInForce(t *testing.T) {
	s := newSchool(t)
	h := webtest.Site(t, s.Section())
	webtest.Get(t, h, "/policies", head).Is(200).Has("No policy is in force").Link("/policies/propose")
	webtest.Get(t, h, "/policies/propose?from=village-primary", deputy).Is(200).Field("text")

	bad := webtest.Post(t, h, "/policies/propose", url.Values{"text": {strings.Replace(short, "90 days", "soon", 1)}}, deputy).Is(422)
	bad.Has("1 error stands in the text", "not a length of time")
	if got := bad.Field("text"); !strings.Contains(got, "[soon]") {
		t.Errorf("what was typed is lost: %q", got)
	}

	sent := webtest.Post(t, h, "/policies/propose", url.Values{"text": {strings.ReplaceAll(short, "\n", "\r\n")}}, deputy).Is(303)
	draft := sent.Header.Get("Location")
	webtest.Get(t, h, draft, deputy).Is(200).Has("a draft: never in force", "not yet").NoLink(draft + "/activate").NoLink(draft + "/approve")
	webtest.Get(t, h, draft+"/activate", head).Is(200).Has("It cannot come into force yet", "the headteacher").NoLink(draft + "/activate")
	webtest.Post(t, h, draft+"/activate", url.Values{"seen": {"0"}}, head).Is(422).Has("is missing")

	if items, err := s.Waiting(context.Background(), head); err != nil || len(items) != 1 || items[0].Link != draft {
		t.Errorf("the head's tray: %+v, %v", items, err)
	}
	if items, err := s.Waiting(context.Background(), deputy); err != nil || len(items) != 0 {
		t.Errorf("the deputy's tray: %+v, %v", items, err)
	}
	webtest.Post(t, h, draft+"/paper", url.Values{"role": {"headteacher"}, "name": {"Ada Ferris"}, "on": {"2030-01-01"}}, head).
		Is(422).Has("cannot be in the future")
	webtest.Post(t, h, draft+"/approve", url.Values{"role": {"headteacher"}}, head).GoesTo(draft)
	webtest.Get(t, h, draft, head).Has("in Belisha").Link(draft + "/activate")

	if items, err := s.Waiting(context.Background(), head); err != nil || len(items) != 1 || items[0].Link != draft+"/activate" {
		t.Errorf("the head's tray after approving: %+v, %v", items, err)
	}
	page := webtest.Get(t, h, draft+"/activate", head).Is(200).Has("comes into force", "90 days", "Pupils lose:", "without a restart")
	if page.Field("seen") != "0" {
		t.Error("the preview does not carry its number")
	}
	webtest.Post(t, h, draft+"/activate", url.Values{"seen": {"7"}}, head).Is(409).Has("Another policy came into force since you looked")
	webtest.Post(t, h, draft+"/activate", url.Values{"seen": {"0"}}, deputy).Is(403)
	webtest.Post(t, h, draft+"/activate", url.Values{"seen": {"0"}}, head).GoesTo("/policies")
	if s.live.Current().Duration("access.staff.password-max-age") != 90*day {
		t.Fatal("the setting did not change")
	}
	webtest.Get(t, h, "/policies/versions", governor).Is(200).Has("in force since", "all given")
	webtest.Get(t, h, "/policies/journal", head).Is(200).Has("A policy text came into force.", "off → 90 days; Small policy 1, clause passwords-1", "by the headteacher: headteacher", "person:deputy-head").
		HasNot("broken")
	webtest.Get(t, h, draft+"/activate", head).Has("It is in force already")

	sent = webtest.Post(t, h, "/policies/propose", url.Values{"text": {strings.Replace(short, "90 days", "60 days", 1)}}, deputy).Is(303)
	webtest.Get(t, h, sent.Header.Get("Location")+"/diff", governor).Is(200).Has("Changed, under Passwords", "90", "60")
}

func TestAPolicyMayBeSentAsAFile(t *testing.T) {
	s := newSchool(t)
	h := webtest.Site(t, s.Section())
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	_ = w.WriteField("text", "")
	f, err := w.CreateFormFile("file", "policy.md")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = f.Write([]byte(short))
	_ = w.Close()
	r := httptest.NewRequest(http.MethodPost, "/policies/propose", &body)
	r.Header.Set("Content-Type", w.FormDataContentType())
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	webtest.Do(t, h, r, deputy).Is(303)
	if v, _ := s.Versions(console); len(v) != 1 {
		t.Errorf("%d versions", len(v))
	}
}

func TestWhatAPolicySaysIsNeverMarkup(t *testing.T) {
	s := newSchool(t)
	text := short + "- A *<b>bold</b>* [word](javascript:alert(1)) <script>alert(1)</script> `<i>`.\n\n<script>alert(2)</script>\n"
	if _, err := s.activate(text, "headteacher=Ada Ferris@2026-11-20"); err != nil {
		t.Fatal(err)
	}
	webtest.Get(t, webtest.Site(t, s.Section()), "/policies", teacher).Is(200).HasNot("<script>alert", "javascript:alert", "<b>bold")
}
