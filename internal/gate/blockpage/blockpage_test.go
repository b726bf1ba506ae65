package blockpage

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

var help = []Help{
	{"Childline", "0800 1111", "https://www.childline.org.uk/", "Talk about anything, day or night."},
	{"Samaritans", "116 123", "https://www.samaritans.org/", "Someone to listen."},
	{"CEOP", "", "https://www.ceop.police.uk/", "Report someone online who worries you."},
}

func view() View {
	return View{
		Reason: "category", Host: "bad.test", Pupil: "Games are closed during lessons.", Title: "Games",
		Teacher: "Games of all kinds.", Category: "games", Rule: "r7", Clause: "filtering.2", Group: "pupils",
		School: "Hill School", Pages: "http://belisha.test", Help: help, At: time.Date(2026, 11, 23, 10, 15, 0, 0, time.UTC),
	}
}

func maker(t *testing.T) *Maker {
	t.Helper()
	m, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestAPupilReadsASentenceAndWhereToTurn(t *testing.T) {
	got := string(maker(t).Page(view()))
	for _, want := range []string{"Games are closed during lessons.", "Where to turn", "0800 1111", "tel:08001111", "http://belisha.test/why", "Hill School"} {
		if !strings.Contains(got, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, not := range []string{"r7", "filtering.2", "<script", "http-equiv", "src="} {
		if strings.Contains(got, not) {
			t.Errorf("the pupil's page holds %q", not)
		}
	}
}

func TestADistressingCategoryIsNeverNamedAndItsPageIsLikeAnyOther(t *testing.T) {
	m := maker(t)
	v := view()
	v.Quiet, v.Title, v.Pupil, v.Category, v.Teacher = true, "Self-harm", "About hurting yourself.", "self-harm", "Sites that promote it."
	got := string(m.Page(v))
	v.Title, v.Category = "Suicide", "suicide"
	other := string(m.Page(v))
	if got != other {
		t.Error("two distressing categories give two different pages")
	}
	for _, not := range []string{"elf-harm", "hurting", "promote"} {
		if strings.Contains(got, not) {
			t.Errorf("the page holds %q", not)
		}
	}
}

func TestWhereToTurnIsTheSameOnEveryPupilsPage(t *testing.T) {
	m := maker(t)
	cut := func(v View) string {
		s := string(m.Page(v))
		return s[strings.Index(s, "Where to turn"):strings.Index(s, "<footer>")]
	}
	want := cut(view())
	for _, reason := range []string{"paused", "unsigned", "no-rules", "own-block", "unlisted", "malformed", "warn", "agreement"} {
		v := view()
		v.Reason = reason
		if cut(v) != want {
			t.Errorf("%s: where to turn differs", reason)
		}
	}
}

func TestStaffReadRuleListAndCategory(t *testing.T) {
	v := view()
	v.Reader = Staff
	got := string(maker(t).Page(v))
	for _, want := range []string{"Games of all kinds.", "r7", "filtering.2", "Games", "pupils"} {
		if !strings.Contains(got, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestNothingAnAttackerWritesActsInThePage(t *testing.T) {
	v := view()
	evil := `"><script>alert(1)</script><img src=x onerror=a>'`
	v.Host, v.Group, v.Title, v.Rule, v.Category, v.Pupil, v.School = evil, evil, evil, evil, evil, evil, evil
	v.GoOn = "javascript:alert(1)"
	for _, reader := range []Reader{Pupil, Staff} {
		v.Reader = reader
		got := string(maker(t).Page(v))
		for _, not := range []string{"<script", "<img", `href="javascript:`} {
			if strings.Contains(got, not) {
				t.Errorf("reader %d: the page holds %q", reader, not)
			}
		}
	}
}

func TestTheAnswerIsNotKeptNotFramedAndSetsNoCookie(t *testing.T) {
	w := httptest.NewRecorder()
	maker(t).Write(w, 403, view())
	h := w.Result().Header
	if w.Code != 403 || h.Get("Cache-Control") != "no-store" || h.Get("X-Frame-Options") != "DENY" || h.Get("Set-Cookie") != "" ||
		!strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("status %d, headers %v", w.Code, h)
	}
	if n := w.Body.Len(); n > 12<<10 {
		t.Errorf("the page weighs %d bytes", n)
	}
}

// TestPagesForTheEye writes the pages where somebody asks to look at them.
func TestPagesForTheEye(t *testing.T) {
	m := maker(t)
	staff := view()
	staff.Reader = Staff
	dir := os.Getenv("BELISHA_PAGES")
	if dir == "" {
		dir = t.TempDir()
	}
	for name, v := range map[string]View{"pupil": view(), "staff": staff} {
		if err := os.WriteFile(dir+"/"+name+".html", m.Page(v), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheStyleIsTheOneTheHeaderAllows(t *testing.T) {
	w := httptest.NewRecorder()
	maker(t).Write(w, 403, view())
	_, rest, _ := strings.Cut(w.Body.String(), "<style>")
	style, _, ok := strings.Cut(rest, "</style>")
	if !ok || !strings.Contains(style, "--ink") {
		t.Fatalf("no style: %.200s", rest)
	}
	sum := sha256.Sum256([]byte(style))
	if want := "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(w.Header().Get("Content-Security-Policy"), want) {
		t.Errorf("a browser would leave the page unstyled: %s", w.Header().Get("Content-Security-Policy"))
	}
}

func TestAnUnsignedAgreementIsAskedForInWordsForWhoReads(t *testing.T) {
	m := maker(t)
	for _, c := range []struct {
		name      string
		reader    Reader
		goOn      string
		want, not []string
	}{
		{"a pupil who is held", Pupil, "", []string{"Please sign the school&#39;s agreement first", "You have not done anything wrong", "/agreement", "Where to turn"}, []string{"Go on", "/ask", "r7"}},
		{"a pupil who is reminded", Pupil, "http://ok.test/", []string{"go on and do it later today", "/agreement", `href="http://ok.test/"`}, []string{"first</h1>", "r7"}},
		{"staff who are held", Staff, "", []string{"Your signature", "/agreement"}, []string{"Go on", "r7"}},
		{"staff who are reminded", Staff, "http://ok.test/", []string{"Your signature", "Go on to the page"}, []string{"r7"}},
	} {
		v := view()
		v.Reader, v.Reason, v.GoOn = c.reader, "agreement", c.goOn
		got := string(m.Page(v))
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: the page lacks %q", c.name, want)
			}
		}
		for _, not := range c.not {
			if strings.Contains(got, not) {
				t.Errorf("%s: the page holds %q", c.name, not)
			}
		}
	}
}

func TestStaffAreLedToAskForASiteForALessonWhereThatCanBe(t *testing.T) {
	m := maker(t)
	for reason, want := range map[string]bool{"category": true, "unlisted": true, "locked": false, "own-block": false, "private": false, "paused": false} {
		for _, reader := range []Reader{Pupil, Staff} {
			v := view()
			v.Reader, v.Reason = reader, reason
			if got := strings.Contains(string(m.Page(v)), "/unblock/ask?host="+v.Host); got != (want && reader == Staff) {
				t.Errorf("%s, reader %d: asked for is %v", reason, reader, got)
			}
		}
	}
}

func TestWhoeverReadsCanSayThatTheSiteShouldBeOpen(t *testing.T) {
	for _, reader := range []Reader{Pupil, Staff} {
		v := view()
		v.Reader = reader
		if got := string(maker(t).Page(v)); !strings.Contains(got, `href="http://belisha.test/tickets/new?host=bad.test&amp;kind=over"`) {
			t.Errorf("reader %d finds no way to report it", reader)
		}
		v.Reason = "paused"
		if got := string(maker(t).Page(v)); strings.Contains(got, "/tickets/new") {
			t.Errorf("reader %d is led to report a pause as a fault of the filter", reader)
		}
	}
}
