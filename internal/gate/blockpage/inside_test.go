package blockpage

import (
	"html"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestEveryReasonInsideHasWordsForEveryReader(t *testing.T) {
	m := maker(t)
	for reason := range said {
		for _, reader := range []Reader{Pupil, Staff, Guest} {
			v := view()
			v.Reason, v.Reader, v.Pupil, v.Detail = reason, reader, "", "phrases 140 of 60: adult"
			title, lead, _ := insideWords(v)
			if title == "" || lead == "" {
				t.Errorf("%s has nothing to say to reader %d", reason, reader)
			}
			got := string(m.Page(v))
			if !strings.Contains(html.UnescapeString(got), lead) {
				t.Errorf("%s: the page for reader %d lacks its sentence", reason, reader)
			}
			if strings.Contains(got, "140 of 60") != (reader == Staff) {
				t.Errorf("%s: reader %d and what was found", reason, reader)
			}
			if (reader != Staff) != strings.Contains(got, "Where to turn") {
				t.Errorf("%s: reader %d and where to turn", reason, reader)
			}
		}
	}
}

func TestWhatIsQuietLooksTheSameWhateverWasFound(t *testing.T) {
	m := maker(t)
	v := view()
	v.Quiet, v.Reason = true, "category"
	want := strings.ReplaceAll(string(m.Page(v)), "category", "phrases")
	v.Reason, v.Detail = "phrases", "phrases 140 of 60: self-harm"
	if got := string(m.Page(v)); got != want {
		t.Errorf("the page of a distressing text is another than that of a distressing site:\n%s", got)
	}
	v.Reason = "chat"
	if got := string(m.Page(v)); !strings.Contains(got, quiet) || strings.Contains(got, "wondering") {
		t.Error("a distressing message has words of its own")
	}
}

func TestAFileIsAskedForByItsAddress(t *testing.T) {
	m := maker(t)
	v := view()
	v.Reason, v.Address = "file", `https://ok.test/a b/setup.exe?x=1&y="<script>`
	want := `href="http://belisha.test/download/ask?` + url.Values{"u": {v.Address}}.Encode() + `"`
	if got := string(m.Page(v)); !strings.Contains(html.UnescapeString(got), want) || strings.Contains(got, "<script>") {
		t.Errorf("the page lacks %s", want)
	}
	for _, reason := range []string{"virus", "unscanned", "certificate", "focus"} {
		v.Reason = reason
		if got := string(m.Page(v)); strings.Contains(got, "Ask to open it") || strings.Contains(got, "Ask for this file") {
			t.Errorf("%s: it can be asked for in vain", reason)
		}
	}
}

func TestAClassReadsWhatItsTeacherSet(t *testing.T) {
	m := maker(t)
	until := time.Date(2026, 11, 23, 11, 20, 0, 0, time.UTC)
	page := string(m.Page(View{Reason: "focus", Host: "games.example", Pages: "https://filter.test", Class: true, Sites: []string{"atlas.example"}, Until: until}))
	for _, want := range []string{"Not in this lesson", "Your class is looking at", `href="https://atlas.example/"`, "Until 11:20."} {
		if !strings.Contains(page, want) {
			t.Errorf("the page of a focus does not have %q", want)
		}
	}
	page = string(m.Page(View{Reason: "unsupervised", Pages: "https://filter.test", Clause: "5.3"}))
	if !strings.Contains(page, "while an adult is with you") || !strings.Contains(page, "ask for it in clause 5.3.") {
		t.Error("the page of a class that nobody supervises does not say which clause asks for it")
	}
	page = string(m.Page(View{Reason: "paused", Pages: "https://filter.test", Class: true, Until: until}))
	if !strings.Contains(page, "paused for your class") || strings.Contains(page, "looking at") {
		t.Error("the page of a class's pause says something else")
	}
	page = string(m.Page(View{Reason: "paused", Pages: "https://filter.test"}))
	if !strings.Contains(page, "paused for you") || strings.Contains(page, "Your teacher has paused") {
		t.Error("a pause of one pupil is told as one of the class")
	}
}
