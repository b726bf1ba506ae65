package blockpage

import (
	"fmt"
	"testing"
	"time"
)

// kindsOfView differ from each other in one thing each.
func kindsOfView() []View {
	at := time.Date(2026, 11, 23, 12, 30, 40, 0, time.UTC)
	base := View{
		Reason: "category", Host: "bad.test", Pupil: "Not for school.", Title: "Games", Teacher: "Games of all kinds.", Category: "games",
		Rule: "l1", Clause: "3.1", Group: "pupils", Address: "http://bad.test/a?b=c", School: "Hill <School>", Adult: "Ask.",
		Pages: "http://belisha.test", Notice: "Use is kept.", Help: []Help{{Name: "Childline", Phone: "0800 1111"}}, At: at,
	}
	change := []func(*View){
		func(*View) {}, func(v *View) { v.Host = "other-site.test" }, func(v *View) { v.Host = "2001:db8::1" }, func(v *View) { v.Host = `x"><b>` },
		func(v *View) { v.Host = "" }, func(v *View) { v.Reader = Staff }, func(v *View) { v.Reader = Guest }, func(v *View) { v.Quiet = true },
		func(v *View) { v.Reason = "file" }, func(v *View) { v.Reason, v.Address = "file", "http://bad.test/setup.exe" },
		func(v *View) { v.Reason, v.Address = "file", "" }, func(v *View) { v.GoOn = "http://belisha.test/go?x=1" }, func(v *View) { v.Detail = "setup.exe" },
		func(v *View) { v.Pupil = "Other words." }, func(v *View) { v.Title = "Play" }, func(v *View) { v.Teacher = "Play of all kinds." },
		func(v *View) { v.Clause = "4.2" }, func(v *View) { v.Rule = "l2" }, func(v *View) { v.School = "Dale School" }, func(v *View) { v.Notice = "" },
		func(v *View) { v.Help = []Help{{Name: "Childline", Phone: "0800 1112"}} }, func(v *View) { v.Help = nil }, func(v *View) { v.At = at.Add(time.Minute) },
		func(v *View) { v.At = at.In(time.FixedZone("", 3600)) }, func(v *View) { v.Pages = "" }, func(v *View) { v.Adult = "" },
	}
	var all []View
	for _, reader := range []Reader{Pupil, Staff} {
		for _, f := range change {
			v := base
			v.Reader = reader
			f(&v)
			all = append(all, v)
		}
	}
	return all
}

func TestAPageThatIsKeptIsTheOneThatWouldBeMade(t *testing.T) {
	m, err := New()
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		for i, v := range kindsOfView() {
			if got, want := string(m.page(v)), string(m.Page(v)); got != want {
				t.Errorf("view %d: kept %q, made %q", i, got, want)
			}
		}
	}
}

func TestKeptPagesAreBounded(t *testing.T) {
	m, err := New()
	if err != nil {
		t.Fatal(err)
	}
	v := kindsOfView()[0]
	for i := range 3 * maxKept {
		v.Rule = fmt.Sprint("rule", i)
		m.page(v)
		if n := len(m.kept.pages); n > maxKept {
			t.Fatalf("%d pages are kept", n)
		}
	}
}

func BenchmarkPage(b *testing.B) {
	m, err := New()
	if err != nil {
		b.Fatal(err)
	}
	v := kindsOfView()[0]
	b.Run("made", func(b *testing.B) {
		for b.Loop() {
			m.Page(v)
		}
	})
	b.Run("kept", func(b *testing.B) {
		for b.Loop() {
			m.page(v)
		}
	})
}
