package verdict_test

import (
	"testing"
	"time"

	"belisha/internal/verdict"
)

// lessonRules are a school with a class in a lesson from 1 s to 9 s.
func lessonRules() verdict.Rules {
	during := verdict.Span{From: 1000, Until: 9000}
	return verdict.Rules{
		Version: verdict.RulesVersion, KeyStages: []string{"KS2", "KS3"}, Places: []string{"ict", "library"},
		Groups:     []verdict.Group{{Slug: "pupils", Audience: "pupil"}, {Slug: "staff", Audience: "staff"}},
		Classes:    []string{"class:7B", "class:8C", "class:9D"},
		Categories: []verdict.Category{{Slug: "games"}},
		Own:        []verdict.Own{{ID: "own", Text: "open.test", Act: verdict.Allow}, {ID: "shut", Text: "shut.atlas.test", Act: verdict.Block}},
		Ours:       []string{"filter.test"}, Essentials: []string{"time.test"},
		Focuses: []verdict.Focus{
			{ID: "f1", Who: verdict.Who{Groups: []string{"pupils"}, Classes: []string{"class:7B"}}, Span: during, Hosts: []string{"atlas.test", "maps.example"}},
			{ID: "p1", Who: verdict.Who{Groups: []string{"pupils"}, Classes: []string{"class:8C"}}, Span: during},
		},
	}
}

func TestALessonsFocusAndPause(t *testing.T) {
	s, err := verdict.New(lessonRules(), nil)
	if err != nil {
		t.Fatal(err)
	}
	pupils, staff := s.Names().GroupBit("pupils"), s.Names().GroupBit("staff")
	of := func(c ...string) []uint16 { return s.Names().ClassNumbers(c) }
	for name, x := range map[string]struct {
		a    verdict.Ask
		act  verdict.Action
		why  verdict.Reason
		rule string
	}{
		"a site of the lesson is open":                        {verdict.Ask{Host: "atlas.test", Groups: pupils, Classes: of("class:7B")}, verdict.Allow, verdict.ReasonUnlisted, ""},
		"and what is below it":                                {verdict.Ask{Host: "www.maps.example", Groups: pupils, Classes: of("class:7B")}, verdict.Allow, verdict.ReasonUnlisted, ""},
		"a site whose name only ends alike is not":            {verdict.Ask{Host: "notatlas.test", Groups: pupils, Classes: of("class:7B")}, verdict.Block, verdict.ReasonFocus, "f1"},
		"what is closed otherwise stays closed":               {verdict.Ask{Host: "shut.atlas.test", Groups: pupils, Classes: of("class:7B")}, verdict.Block, verdict.ReasonOwnBlock, "shut"},
		"the school's own open entries wait":                  {verdict.Ask{Host: "open.test", Groups: pupils, Classes: of("class:7B")}, verdict.Block, verdict.ReasonFocus, "f1"},
		"the school's own pages are open":                     {verdict.Ask{Host: "filter.test", Groups: pupils, Classes: of("class:7B")}, verdict.Allow, verdict.ReasonOurs, ""},
		"help services are open":                              {verdict.Ask{Host: "www.childline.org.uk", Groups: pupils, Classes: of("class:8C")}, verdict.Allow, verdict.ReasonHelp, ""},
		"what devices need is open":                           {verdict.Ask{Host: "time.test", Groups: pupils, Classes: of("class:7B")}, verdict.Allow, verdict.ReasonUnlisted, ""},
		"a pause closes the lesson's sites too":               {verdict.Ask{Host: "atlas.test", Groups: pupils, Classes: of("class:8C")}, verdict.Block, verdict.ReasonPaused, "p1"},
		"another class is not touched":                        {verdict.Ask{Host: "open.test", Groups: pupils, Classes: of("class:9D")}, verdict.Allow, verdict.ReasonOwnAllow, "own"},
		"whose class is not known is in none":                 {verdict.Ask{Host: "open.test", Groups: pupils}, verdict.Allow, verdict.ReasonOwnAllow, "own"},
		"the teacher of the class is not held":                {verdict.Ask{Host: "open.test", Groups: staff, Classes: of("class:7B")}, verdict.Allow, verdict.ReasonOwnAllow, "own"},
		"who is of the class and in groups not known is held": {verdict.Ask{Host: "open.test", Classes: of("class:7B")}, verdict.Block, verdict.ReasonFocus, "f1"},
		"several at one device, one of the class, are held":   {verdict.Ask{Host: "open.test", Groups: pupils | staff, Among: of("class:9D", "class:7B")}, verdict.Block, verdict.ReasonFocus, "f1"},
		"several at one device, none of the class, are not":   {verdict.Ask{Host: "open.test", Groups: pupils, Among: of("class:9D")}, verdict.Allow, verdict.ReasonOwnAllow, "own"},
		"in two lessons each of them must have the site":      {verdict.Ask{Host: "atlas.test", Groups: pupils, Classes: of("class:7B", "class:8C")}, verdict.Block, verdict.ReasonPaused, "p1"},
		"before the lesson nothing holds":                     {verdict.Ask{Host: "open.test", Groups: pupils, Classes: of("class:7B"), At: time.UnixMilli(999)}, verdict.Allow, verdict.ReasonOwnAllow, "own"},
		"at its end it is over":                               {verdict.Ask{Host: "open.test", Groups: pupils, Classes: of("class:7B"), At: time.UnixMilli(9000)}, verdict.Allow, verdict.ReasonOwnAllow, "own"},
	} {
		t.Run(name, func(t *testing.T) {
			if x.a.At.IsZero() {
				x.a.At = time.UnixMilli(5000)
			}
			v, steps := s.Explain(&x.a)
			r, _ := s.Names().Rule(v.Rule)
			if v.Action != x.act || v.Reason != x.why || r.ID != x.rule {
				t.Fatalf("got %v by %v of rule %q, want %v by %v of rule %q\n%+v", v.Action, v.Reason, r.ID, x.act, x.why, x.rule, steps)
			}
		})
	}
	for until, a := range map[int64]verdict.Ask{
		9000: {Groups: pupils, Classes: of("class:7B", "class:9D")}, 0: {Groups: staff, Classes: of("class:7B")},
	} {
		if a.At = time.UnixMilli(5000); s.LessonEnds(&a) != until {
			t.Errorf("%+v is held until %d, want %d", a, s.LessonEnds(&a), until)
		}
	}
	if !s.Changes(time.UnixMilli(8000), time.UnixMilli(9000)) || s.Changes(time.UnixMilli(2000), time.UnixMilli(8000)) {
		t.Error("doors are not told of the end of a lesson, or of something that is none")
	}
	for host, is := range map[string]bool{"time.test": true, "www.time.test": true, "atlas.test": false, "sometime.test": false, "no host": false} {
		if s.Essential(host) != is {
			t.Errorf("%s is essential: %v", host, !is)
		}
	}
	a := verdict.Ask{Host: "atlas.test", Groups: pupils, Classes: of("class:7B"), At: time.UnixMilli(5000)}
	if n := testing.AllocsPerRun(100, func() { s.Decide(&a) }); n != 0 {
		t.Errorf("a question in a lesson takes memory %v times", n)
	}
}

func TestAPauseOfAClassHoldsInATryOut(t *testing.T) {
	r := lessonRules()
	r.Groups[0].TryOut = true
	s, err := verdict.New(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	for class, why := range map[string]verdict.Reason{"class:7B": verdict.ReasonFocus, "class:8C": verdict.ReasonPaused} {
		v := s.Decide(&verdict.Ask{Host: "open.test", Groups: s.Names().GroupBit("pupils"), Classes: s.Names().ClassNumbers([]string{class}), At: time.UnixMilli(5000)})
		if v.Action != verdict.Block || v.Reason != why {
			t.Errorf("%s: got %v by %v", class, v.Action, v.Reason)
		}
	}
}

func TestTheWebOfAClassThatNeedsSupervision(t *testing.T) {
	r := lessonRules()
	r.Focuses = nil
	during := verdict.Span{From: 1000, Until: 9000}
	r.Supervision = &verdict.Supervision{
		Who: verdict.Who{Groups: []string{"pupils"}, KeyStages: []string{"KS2"}}, Clause: "4.2",
		Sessions: []verdict.Session{
			{ID: "s1", Who: verdict.Who{Classes: []string{"class:7B"}}, Span: during},
			{ID: "s2", Who: verdict.Who{Places: []string{"ict"}}, Span: during},
		},
	}
	s, err := verdict.New(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	n := s.Names()
	pupils := n.GroupBit("pupils")
	in, ks2, ks3 := time.UnixMilli(5000), n.KeyStage("KS2"), n.KeyStage("KS3")
	for name, x := range map[string]struct {
		a    verdict.Ask
		open bool
	}{
		"nobody supervises":                      {verdict.Ask{Groups: pupils, KeyStage: ks2, Classes: n.ClassNumbers([]string{"class:8C"}), At: in}, false},
		"their class is supervised":              {verdict.Ask{Groups: pupils, KeyStage: ks2, Classes: n.ClassNumbers([]string{"class:7B"}), At: in}, true},
		"until the end":                          {verdict.Ask{Groups: pupils, KeyStage: ks2, Classes: n.ClassNumbers([]string{"class:7B"}), At: time.UnixMilli(9000)}, false},
		"their room is supervised":               {verdict.Ask{Groups: pupils, KeyStage: ks2, Place: n.Place("ict"), At: in}, true},
		"another room is":                        {verdict.Ask{Groups: pupils, KeyStage: ks2, Place: n.Place("library"), At: in}, false},
		"the key stage does not need it":         {verdict.Ask{Groups: pupils, KeyStage: ks3, At: in}, true},
		"a key stage that is not known needs it": {verdict.Ask{Groups: pupils, At: in}, false},
		"staff do not need it":                   {verdict.Ask{Groups: n.GroupBit("staff"), At: in}, true},
		"who is not known needs it":              {verdict.Ask{At: in}, false},
		"the filter tries itself":                {verdict.Ask{Groups: pupils, Attended: true, At: in}, true},
	} {
		t.Run(name, func(t *testing.T) {
			x.a.Host = "atlas.test"
			v := s.Decide(&x.a)
			if got := v.Action == verdict.Allow; got != x.open || !got && v.Reason != verdict.ReasonUnsupervised {
				t.Fatalf("got %v by %v", v.Action, v.Reason)
			}
			if rule, _ := n.Rule(v.Rule); !x.open && rule.Clause != "4.2" {
				t.Errorf("the clause is not told: %+v", rule)
			}
		})
	}
	musts := []verdict.Must{{ID: "m", URL: "open.test", Group: "pupils", Act: verdict.Allow}}
	if f := verdict.Check(s, in, musts); len(f) != 0 {
		t.Errorf("a check of the rules waits for supervision: %+v", f)
	}
}

func TestRulesOfLessonsThatCannotBeMeant(t *testing.T) {
	class := verdict.Who{Classes: []string{"class:7B"}}
	during := verdict.Span{From: 1, Until: 2}
	for name, alter := range map[string]func(*verdict.Rules){
		"a focus for no class":   func(r *verdict.Rules) { r.Focuses = []verdict.Focus{{ID: "x", Span: during}} },
		"a focus without an end": func(r *verdict.Rules) { r.Focuses = []verdict.Focus{{ID: "x", Who: class}} },
		"a focus on a page": func(r *verdict.Rules) {
			r.Focuses = []verdict.Focus{{ID: "x", Who: class, Span: during, Hosts: []string{"a.test/b"}}}
		},
		"a focus for a class not there": func(r *verdict.Rules) {
			r.Focuses = []verdict.Focus{{ID: "x", Who: verdict.Who{Classes: []string{"class:1A"}}, Span: during}}
		},
		"supervision of nobody": func(r *verdict.Rules) {
			r.Supervision = &verdict.Supervision{Sessions: []verdict.Session{{ID: "x", Span: during}}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := lessonRules()
			alter(&r)
			if _, err := verdict.New(r, nil); err == nil {
				t.Fatal("they were taken")
			}
		})
	}
}
