package agreements

import (
	"bytes"
	"context"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/people"
)

func TestPagesFitTheirStructsAndSpeakPlainly(t *testing.T) {
	all := []webtest.Checkable{
		formPage, overviewPage, listPage, minePage, signPage, copyPage, policyPage, textPage, publishPage, posterPage, paperPage, slipsPage, personPage, importPage, tablePage, toldPage,
	}
	webtest.Check(t, all...)
	webtest.PlainWords(t, all...)
}

func (s *school) get(path string, who people.ID) *webtest.Doc {
	s.t.Helper()
	return webtest.Get(s.t, s.site(), path, s.actor(who))
}

func (s *school) post(path string, form url.Values, who people.ID) *webtest.Doc {
	s.t.Helper()
	return webtest.Post(s.t, s.site(), path, form, s.actor(who))
}

func TestSomebodyReadsTicksTypesTheirNameAndHasSigned(t *testing.T) {
	s := newSchool(t)
	s.publish(StaffSheet, OlderSheet)
	s.get("/agreement", s.older).Is(200).Safe().Has("Pupils' rules", "Please read these rules").Link("/agreement/sign/pupil-older")
	d := s.get("/agreement/sign/pupil-older", s.older).Is(200).Safe()
	d.Has("I do not use services for which I am under age.", "Type your own name", "Ask the head teacher")
	d.HasNot("Hartnell, class")
	s.post("/agreement/sign/pupil-older", url.Values{"number": {"1"}, "name": {"Robin"}, "agree": {"yes"}}, s.older).Is(422).Safe().Has("not the name of whoever is signed in")
	s.post("/agreement/sign/pupil-older", url.Values{"number": {"1"}, "name": {"Zoë"}, "agree": {"yes"}}, s.older).GoesTo("/agreement")
	s.get("/agreement", s.older).Has("There is nothing for you to sign", "23 November 2026, on screen")
	s.get("/agreement/sign/staff", s.older).Is(404)
}

func TestStaffTickEachRuleAndLoseNothingWhenOneIsMissing(t *testing.T) {
	s := newSchool(t)
	s.publish(StaffSheet)
	form := url.Values{"number": {"1"}, "name": {"Tobias Fennimore"}, "job": {"Teacher of music"}, "tick-phones": {"yes"}}
	d := s.post("/agreement/sign/staff", form, s.teacher).Is(422).Safe()
	d.Has("Tick this rule if you agree to it")
	if d.Field("job") != "Teacher of music" || d.Field("name") != "Tobias Fennimore" {
		t.Error("what was typed is gone")
	}
	b, err := ParseBody(Starter(StaffSheet))
	check(t, err)
	for _, c := range b.Clauses() {
		form.Set("tick-"+c.ID, "yes")
	}
	s.post("/agreement/sign/staff", form, s.teacher).GoesTo("/agreement")
	list, err := s.Of(context.Background(), s.teacher)
	check(t, err)
	if len(list) != 1 || list[0].Job != "Teacher of music" || !strings.Contains(list[0].Clauses, "phones") {
		t.Fatalf("kept as %+v", list)
	}
	s.get("/agreement/signed/"+list[0].ID, s.teacher).Is(200).Safe().Has("Teacher of music", "Signed by")
	s.get("/agreement/signed/"+list[0].ID, s.older).Is(404)
	s.get("/agreement/signed/"+list[0].ID, s.mother).Is(404)
}

func TestAFormOfAnOldEditionComesBackWithTheNewTextAndWhatWasTyped(t *testing.T) {
	s := newSchool(t)
	s.publish(OlderSheet)
	s.edit(OlderSheet, func(text string) string { return text + "- I charge my laptop at home. {#charge}\n" })
	s.publish(OlderSheet)
	d := s.post("/agreement/sign/pupil-older", url.Values{"number": {"1"}, "name": {"Zoë"}, "agree": {"yes"}}, s.older).Is(409).Safe()
	d.Has("The rules have changed", "I charge my laptop at home.")
	if d.Field("name") != "Zoë" || d.Field("number") != "2" {
		t.Errorf("the form has name %q, edition %q", d.Field("name"), d.Field("number"))
	}
	for _, bad := range []string{"", "x", "-1"} {
		if s.post("/agreement/sign/pupil-older", url.Values{"number": {bad}, "name": {"Zoë"}, "agree": {"yes"}}, s.older); len(s.changed) != 0 {
			t.Fatalf("edition %q was signed", bad)
		}
	}
}

func TestAParentSignsForTheirOwnChildOnly(t *testing.T) {
	s := newSchool(t)
	s.publish(YoungSheet, ParentSheet)
	s.get("/agreement", s.mother).Is(200).Has("sign it for Robin").Link("/agreement/sign/parent/" + string(s.young))
	s.get("/agreement", s.uncle).Has("There is nothing for you to sign")
	path := "/agreement/sign/parent/" + string(s.young)
	s.get(path, s.mother).Is(200).Safe().Has("For Robin Okonjo, class 1A", "I have talked the rules through with Robin")
	s.get(path, s.uncle).Is(422).Has("parental responsibility")
	s.get(path, s.older).Is(404)
	s.get("/agreement/sign/parent/"+string(s.older), s.mother).Is(404)
	s.post(path, url.Values{"number": {"1"}, "name": {"Ife Okonjo"}, "agree": {"yes"}, "discussed": {"yes"}}, s.mother).GoesTo("/agreement")
	s.post(path, url.Values{"number": {"1"}, "name": {"Dele Okonjo"}, "agree": {"yes"}, "discussed": {"yes"}}, s.uncle).Is(422)
}

func TestEveryPageOfTheDeskOpensForTheHeadAndForNoPupil(t *testing.T) {
	s := newSchool(t)
	s.publish(StaffSheet, OlderSheet, YoungSheet)
	sig, err := s.sign(s.older, OlderSheet)
	check(t, err)
	for _, path := range []string{
		"/agreements", "/agreements/list/pupil-young", "/agreements/list/staff?class=8B", "/agreements/text/staff", "/agreements/text/governor",
		"/agreements/text/staff/edit", "/agreements/text/governor/publish", "/agreements/poster/staff", "/agreements/slips?sheet=pupil-young", "/agreements/paper",
		"/agreements/paper?sheet=pupil-young&class=1A", "/agreements/person/" + string(s.older), "/agreements/signature/" + sig.ID, "/agreements/import", "/agreements/groups",
		"/agreements/hold/pupils", "/agreements/talks", "/agreements/talks/8B",
	} {
		s.get(path, s.head).Is(200).Safe()
		if d := s.get(path, s.older); !strings.Contains(d.Text(), "not for your account") {
			t.Errorf("%s opens for a pupil", path)
		}
	}
	for _, path := range []string{"/agreements/list/none", "/agreements/text/none", "/agreements/hold/none", "/agreements/person/none", "/agreements/signature/none", "/agreements/scan/none", "/agreements/talks/none", "/agreements/poster/governor"} {
		s.get(path, s.head).Is(404)
	}
}

func TestTheListOfTheUnsignedIsByClassAndCanBeDownloaded(t *testing.T) {
	s := newSchool(t)
	s.publish(OlderSheet)
	formula := s.person(people.Person{Kind: people.Pupil, Given: "=cmd", Family: "Moss", Year: "8", Class: "8C"})
	s.get("/agreements/list/pupil-older", s.office).Is(200).Has("Zoë Hartnell", "8B", "0 of 2 have signed").Link(personLink(formula))
	s.get("/agreements/list/pupil-older?class=8B", s.office).Has("Zoë Hartnell").HasNot("Moss")
	d := s.get("/agreements/list/pupil-older/export", s.office).Is(200)
	if !strings.Contains(d.Text(), "'=cmd Moss") {
		t.Errorf("the file says %q", d.Text())
	}
	s.post("/agreements/list/pupil-older/chase", url.Values{}, s.office).GoesTo("/agreements/list/pupil-older")
	s.get("/agreements/list/pupil-older", s.office).Has("Last reminded")
}

func TestTheOfficeTicksAClassOfSlips(t *testing.T) {
	s := newSchool(t)
	s.publish(YoungSheet)
	father := s.person(people.Person{Kind: people.Parent, Given: "Tunde", Family: "Okonjo"})
	check(t, s.people.Tie(s.as(s.office), people.Link{Parent: father, Child: s.young, Responsible: true}))
	s.get("/agreements/paper?sheet=pupil-young&class=1A", s.office).Is(200).Safe().Has("Robin Okonjo, 1A, signed by Ife Okonjo", "Robin Okonjo, 1A, signed by Tunde Okonjo")
	form := url.Values{
		"sheet": {"pupil-young"}, "role": {"parent"}, "class": {"1A"}, "number": {"1"}, "day-day": {"20"}, "day-month": {"11"}, "day-year": {"2026"},
		"place": {"office, file 1A"}, "slip": {string(s.young)},
	}
	d := s.upload("/agreements/paper", form, "", nil, s.office).Is(422).Safe()
	d.Has("Say which parent signed for Robin Okonjo")
	if d.Field("place") != "office, file 1A" {
		t.Error("what was typed is gone")
	}
	form.Set("slip", string(s.young)+"/"+string(father))
	s.upload("/agreements/paper", form, "scan", []byte("\x89PNG\r\n\x1a\n and so on"), s.office).GoesTo("/agreements/paper?sheet=pupil-young&class=1A&role=parent")
	list, err := s.Of(context.Background(), s.young)
	check(t, err)
	if len(list) != 1 || list[0].Signer != father {
		t.Fatalf("kept as %+v", list)
	}
	s.get(signatureLink(list[0].ID), s.office).Has("Open the scan", "Take it back", "office, file 1A")
	if d := s.get("/agreements/scan/"+list[0].Batch, s.office).Is(200); !strings.Contains(d.Text(), "and so on") {
		t.Error("the scan is not what was sent")
	}
	s.post(signatureLink(list[0].ID)+"/void", url.Values{"reason": {"the wrong Okonjo was ticked"}}, s.office).GoesTo(signatureLink(list[0].ID))
	s.get(signatureLink(list[0].ID), s.office).Has("the wrong Okonjo was ticked").HasNot("Take it back")
}

func (s *school) upload(path string, form url.Values, field string, file []byte, who people.ID) *webtest.Doc {
	s.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for k, list := range form {
		for _, v := range list {
			check(s.t, w.WriteField(k, v))
		}
	}
	if field != "" {
		f, err := w.CreateFormFile(field, "slips.png")
		check(s.t, err)
		_, err = f.Write(file)
		check(s.t, err)
	}
	check(s.t, w.Close())
	r := httptest.NewRequest(http.MethodPost, path, &body)
	r.Header.Set("Content-Type", w.FormDataContentType())
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return webtest.Do(s.t, s.site(), r, s.actor(who))
}

func TestHoldingShowsFirstHowManyItCutsOff(t *testing.T) {
	s := newSchool(t)
	s.publish(OlderSheet, YoungSheet)
	d := s.get("/agreements/hold/pupils", s.head).Is(200).Safe()
	d.Has("Holding them would cut off 2 people today", "Now: nothing happens", "1A", "8B")
	form := url.Values{"mode": {"hold"}, "seen": {"1"}, "from-day": {"23"}, "from-month": {"11"}, "from-year": {"2026"}}
	d = s.post("/agreements/hold/pupils", form, s.head).Is(422)
	d.Has("Meanwhile it would be 2 people")
	form.Set("seen", d.Field("seen"))
	s.post("/agreements/hold/pupils", form, s.head).GoesTo("/agreements")
	s.stands(s.older, Hold)
	s.get("/agreements", s.head).Has("They are held until they sign")
	s.post("/agreements/hold/pupils", form, s.teacher).Is(403)
}

func TestATextIsChangedComparedAndPublished(t *testing.T) {
	s := newSchool(t)
	s.get("/agreements/text/staff", s.head).Is(200).Has("Not published yet", "My own phone").Link("/agreements/text/staff/publish")
	s.post("/agreements/text/staff/publish", url.Values{"hash": {s.draftHash(StaffSheet)}}, s.head).GoesTo("/agreements/text/staff")
	_, err := s.sign(s.teacher, StaffSheet)
	check(t, err)
	s.get("/agreements/text/staff/edit", s.head).Is(200).Safe().Has("Keep the draft")
	draft, err := s.Draft(context.Background(), StaffSheet)
	check(t, err)
	text := strings.ReplaceAll(draft.Text, "\n", "\r\n") // as browsers send it
	s.post("/agreements/text/staff/edit", url.Values{"body": {"nothing"}, "version": {"0"}}, s.head).Is(422).Has("Begin with a title")
	changed := strings.Replace(text, "from 8:30 to 15:30", "from 8:15 to 15:45", 1)
	s.post("/agreements/text/staff/edit", url.Values{"body": {changed}, "version": {"0"}}, s.head).GoesTo("/agreements/text/staff")
	d := s.post("/agreements/text/staff/edit", url.Values{"body": {changed}, "version": {"0"}}, s.head).Is(422)
	d.Has("Somebody else changed the draft meanwhile")
	if !strings.Contains(d.Field("body"), "8:15") {
		t.Error("the text that was typed is gone")
	}
	s.get("/agreements/text/staff", s.head).Has("What the draft changes", "8:15", "Throw the draft away")
	s.get("/agreements/text/staff/publish", s.head).Is(200).Safe().Has("1 person has signed so far")
	s.post("/agreements/text/staff/publish", url.Values{"hash": {s.draftHash(StaffSheet)}, "small": {"anew"}}, s.head).GoesTo("/agreements/text/staff")
	s.get("/agreement", s.teacher).Has("These rules have changed")
	s.get("/agreements/text/staff", s.head).Has("Edition 2")
	s.post("/agreements/text/staff/publish", url.Values{"hash": {"x"}}, s.office).Is(403)
}

func TestAClassTalkIsRecordedByItsTeacher(t *testing.T) {
	s := newSchool(t)
	s.get("/agreements/talks", s.teacher).Is(200).Safe().Has("8B", "not yet", "30 September 2026")
	s.get("/agreements/talks/8B", s.teacher).Is(200).Safe().Has("Zoë Hartnell")
	form := url.Values{"day-day": {"14"}, "day-month": {"9"}, "day-year": {"2026"}, "teacher": {"Tobias Fennimore"}, "present": {"none"}}
	s.post("/agreements/talks/8B", form, s.teacher).Is(422).Has("Say how many were there")
	kit := s.person(people.Person{Kind: people.Pupil, Given: "Kit", Family: "Moss", Year: "8", Class: "8B"})
	form.Set("present", "1")
	form.Set("absent", string(kit))
	s.post("/agreements/talks/8B", form, s.teacher).GoesTo("/agreements/talks")
	s.get("/agreements/talks/8B", s.teacher).Has("Kit Moss", "They have caught up").HasNot("Zoë")
	s.post("/agreements/talks/8B/caught", url.Values{}, s.teacher).Is(422)
	s.post("/agreements/talks/8B/caught", url.Values{"absent": {string(kit)}}, s.teacher).GoesTo("/agreements/talks")
	s.get("/agreements/talks", s.teacher).Has("14 September 2026")
}

func TestAnOutsideGroupSignsOnPaperAndItRunsOut(t *testing.T) {
	s := newSchool(t)
	form := url.Values{
		"party": {"Tuesday choir"}, "leader": {"Nell Arbour"}, "place": {"office"},
		"day-day": {"20"}, "day-month": {"11"}, "day-year": {"2026"}, "until-day": {"18"}, "until-month": {"12"}, "until-year": {"2026"},
	}
	s.post("/agreements/groups", form, s.office).Is(422).Has("not published yet")
	s.publish(ExternalSheet)
	s.post("/agreements/groups", form, s.office).GoesTo("/agreements/groups")
	s.get("/agreements/groups", s.office).Is(200).Has("Tuesday choir", "18 December 2026")
	s.clock.Set(monday.AddDate(0, 1, 5))
	s.get("/agreements/groups", s.office).HasNot("Tuesday choir")
	form.Set("until-year", "2025")
	s.post("/agreements/groups", form, s.office).Is(422)
}

func TestThePolicyIsReadOnItsOwnPage(t *testing.T) {
	s := newSchool(t)
	s.get("/agreement/policy", s.teacher).Is(404)
	s.policy = &Policy{Title: "Online safety policy", Version: "2.0", Link: "/policy", Since: monday.AddDate(0, 0, -3)}
	s.get("/agreement", s.teacher).Has("The school's policy")
	s.get("/agreement/policy", s.teacher).Is(200).Safe().Has("version 2.0", "20 November").Link("/policy")
	form := url.Values{"title": {"Online safety policy"}, "version": {"2.0"}, "name": {"Tobias Fennimore"}}
	s.post("/agreement/policy", form, s.teacher).Is(422).Has("Tick this once you have read")
	form.Set("understood", "yes")
	s.post("/agreement/policy", form, s.teacher).GoesTo("/agreement")
	s.get("/agreement/policy", s.teacher).Has("You have said that you read and understood it")
	s.get("/agreement/policy", s.older).Is(404)
}

func TestTheImportPageSaysWhatBecameOfEachRow(t *testing.T) {
	s := newSchool(t)
	s.publish(OlderSheet)
	s.upload("/agreements/import", nil, "", nil, s.office).Is(422).Has("Choose a file first")
	s.upload("/agreements/import", nil, "file", []byte("person,date\n"+string(s.older)+",10/09/2026\nx,10/09/2026\n"), s.office).Is(200).Safe().Has("Taken in", "Line", "Nobody on the roll is “x”")
}
