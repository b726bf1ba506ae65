package verdict_test

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"belisha/internal/verdict"
	"belisha/internal/verdict/segment"
)

var (
	term    = time.Date(2027, 3, 9, 10, 0, 0, 0, time.UTC) // a Tuesday
	closure = time.Date(2027, 4, 6, 10, 0, 0, 0, time.UTC)
)

func span(from, until time.Time) verdict.Span {
	return verdict.Span{From: from.UnixMilli(), Until: until.UnixMilli()}
}

func who(groups ...string) verdict.Who { return verdict.Who{Groups: groups} }

// weekdays is the same window on Monday to Friday.
func weekdays(from, to uint16) []verdict.Window {
	var out []verdict.Window
	for d := range uint16(5) {
		out = append(out, verdict.Window{From: d*1440 + from, To: d*1440 + to})
	}
	return out
}

func schoolRules() verdict.Rules {
	closures := []verdict.Span{span(closure.AddDate(0, 0, -5), closure.AddDate(0, 0, 5))}
	r := verdict.Rules{
		Version: verdict.RulesVersion, School: "Test School",
		Groups: []verdict.Group{
			{Slug: "pupils", Audience: "pupil"},
			{Slug: "staff", AddressesOpen: true},
			{Slug: "guests"},
			{Slug: "reception", UnlistedClosed: true},
		},
		KeyStages: []string{"ks1", "ks4"}, Places: []string{"library", "classroom"},
		Locked:         verdict.Locked{Categories: []string{"illegal"}, Hosts: []string{"locked.example", "lockedpage.example/worst"}},
		Help:           []string{"counsellor.school.example"},
		Ours:           []string{"belisha.school.example"},
		Essentials:     []string{"update.vendor.example"},
		UnsignedClosed: true,
		TunnelPorts:    []uint16{443},
	}
	for _, c := range strings.Fields("adult illegal games social chat shopping learning health mixed-script image-search self-harm news kids") {
		r.Categories = append(r.Categories, verdict.Category{Slug: c, Title: c, Neutral: c == "health"})
	}
	r.Categories[10].Alert = "selfharm"
	r.Lines = []verdict.Line{
		{ID: "P1", Who: who("pupils"), Categories: []string{"adult", "games", "social", "chat", "shopping", "self-harm"}, Act: verdict.Block, Clause: "FIL-1"},
		{
			ID: "P2", Who: verdict.Who{Groups: []string{"pupils"}, KeyStages: []string{"ks4"}},
			When: verdict.When{Weekly: weekdays(720, 780), Not: closures}, Categories: []string{"social"}, Act: verdict.Allow,
		},
		{ID: "P3", Who: verdict.Who{Groups: []string{"pupils"}}, Categories: []string{"learning"}, Act: verdict.Allow, Except: true},
		{ID: "L1", Who: verdict.Who{Places: []string{"library"}}, Categories: []string{"news"}, Act: verdict.Block},
		{ID: "P5", Who: who("pupils"), Categories: []string{"image-search"}, Act: verdict.Warn},
		{ID: "P6", Who: who("pupils"), Categories: []string{"mixed-script"}, Act: verdict.Block},
		{ID: "P7", Who: who("pupils"), When: verdict.When{Weekly: weekdays(900, 960)}, Categories: []string{"chat"}, Act: verdict.Block},
		{ID: "S1", Who: who("staff"), Categories: []string{"adult", "games"}, Act: verdict.Block},
		{ID: "S2", Who: who("staff"), When: verdict.When{Weekly: weekdays(510, 930), Not: closures}, Categories: []string{"social"}, Act: verdict.Block},
		{ID: "G1", Who: who("guests"), When: verdict.When{Weekly: []verdict.Window{{From: 6*1440 + 1320, To: 360}}}, Categories: []string{"social"}, Act: verdict.Block},
		{ID: "R1", Who: who("reception"), Categories: []string{"kids"}, Act: verdict.Allow},
	}
	r.Own = []verdict.Own{
		{ID: "O2", Text: "ok.games.example", Act: verdict.Allow, Who: who("pupils")},
		{ID: "O3", Text: "bad.ok.games.example", Act: verdict.Block, Who: who("pupils")},
		{ID: "O4", Text: "shut.example", Act: verdict.Block, Who: who("pupils")},
		{ID: "O5", Text: "shut.example/open", Act: verdict.Allow, Who: who("pupils")},
		{ID: "O6", Text: "tie.example", Act: verdict.Allow, Who: who("pupils")},
		{ID: "O7", Text: "tie.example", Act: verdict.Block, Who: who("pupils")},
		{ID: "O8", Text: "=exact.example", Act: verdict.Block},
		{ID: "O9", Text: "openedshut.example", Act: verdict.Block},
		{ID: "O10", Text: "192.0.2.44", Act: verdict.Allow},
		{ID: "O11", Text: "192.0.2.0/24", Act: verdict.Block},
		{ID: "O12", Text: "previewed.example", Act: verdict.Allow, Who: who("reception")},
		{ID: "O13", Text: "past.example", Act: verdict.Block, Span: span(term.AddDate(0, -2, 0), term.AddDate(0, -1, 0))},
	}
	r.Unblocks = []verdict.Unblock{
		{ID: "U1", Who: who("pupils"), Span: span(term.Add(-time.Hour), term.Add(time.Hour)), Hosts: []string{"opened.example", "openedshut.example", "openillegal.example"}},
		{ID: "U2", Who: who("pupils"), Span: span(term.Add(-time.Hour), term.Add(time.Hour)), Categories: []string{"shopping"}},
		{ID: "U3", Who: who("pupils"), Span: span(term.Add(-2*time.Hour), term.Add(-time.Hour)), Hosts: []string{"late.example"}},
	}
	return r
}

func schoolSegment(t testing.TB) *segment.Segment {
	t.Helper()
	b := segment.NewBuilder()
	add := func(kind segment.Kind, category string, texts ...string) {
		for _, x := range texts {
			if err := b.Add(kind, x, category); err != nil {
				t.Fatal(x, err)
			}
		}
	}
	add(segment.Name, "adult", "bad.test", "opened.example", "late.example")
	add(segment.Exact, "adult", "only.example")
	add(segment.URL, "adult", "ok.test/sex")
	add(segment.Name, "illegal", "illegal.example", "learnillegal.example", "openillegal.example")
	add(segment.Name, "games", "games.example", "socialgames.example", "learngames.example", "shopgames.example")
	add(segment.Pattern, "games", `(^|[-./])free-pokies`)
	add(segment.Name, "social", "social.example", "socialgames.example")
	add(segment.Name, "chat", "chat.example", "learnchat.example")
	add(segment.Name, "shopping", "shop.example", "shopgames.example")
	add(segment.Name, "learning", "learn.example", "learngames.example", "learnnews.example", "learnchat.example", "learnillegal.example")
	add(segment.Name, "news", "news.example", "learnnews.example")
	add(segment.Name, "kids", "kids.example")
	add(segment.AddressRange, "adult", "203.0.113.0/24")
	dir := t.TempDir()
	hash, _, err := b.Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := segment.Open(segment.FileName(dir, hash))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func school(t testing.TB) *verdict.Snapshot {
	t.Helper()
	s, err := verdict.New(schoolRules(), []verdict.Source{{Slug: "starter", Title: "starter list", Segment: schoolSegment(t)}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheCorpusOfDecisions(t *testing.T) {
	s := school(t)
	f, err := os.Open("testdata/decide.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n, cases := 0, 0
	for sc := bufio.NewScanner(f); sc.Scan(); {
		n++
		line := strings.TrimSpace(sc.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		cases++
		question, want, ok := strings.Cut(line, " → ")
		parts := strings.Split(question, " · ")
		if !ok || len(parts) != 3 {
			t.Fatalf("line %d cannot be read: %s", n, line)
		}
		a, err := parseAsk(s, parts[0], parts[1], parts[2])
		if err != nil {
			t.Fatalf("line %d: %v", n, err)
		}
		v := s.Decide(a)
		if got := describe(s, v); got != want {
			_, steps := s.Explain(a)
			t.Errorf("line %d: %s\n  got %s\n  because %+v", n, line, got, steps)
		}
		if e, _ := s.Explain(a); e != v {
			t.Errorf("line %d: the explanation has another answer: %+v", n, e)
		}
	}
	if cases < 100 {
		t.Errorf("only %d cases were read", cases)
	}
}

func describe(s *verdict.Snapshot, v verdict.Verdict) string {
	out := v.Action.String() + " " + v.Reason.String()
	if r, ok := s.Names().Rule(v.Rule); ok {
		out += " (" + r.ID + ")"
	}
	return out
}

func parseAsk(s *verdict.Snapshot, who, when, what string) (*verdict.Ask, error) {
	a := &verdict.Ask{At: term}
	a.Unsigned, a.Paused, a.PrivateOpen = strings.Contains(who, "!"), strings.Contains(who, "~"), strings.Contains(who, "^")
	who = strings.NewReplacer("!", "", "~", "", "^", "").Replace(who)
	who, place, _ := strings.Cut(who, "@")
	who, stage, _ := strings.Cut(who, "/")
	a.Place, a.KeyStage = s.Names().Place(place), s.Names().KeyStage(stage)
	if place == "" {
		a.Place = s.Names().Place("classroom") // known, and nothing special
	}
	if who != "?" {
		a.Groups = s.Names().GroupBits(strings.Split(who, "+"))
	}
	words := strings.Fields(when)
	if len(words) == 3 {
		a.At = closure
	}
	var h, m uint16
	if _, err := fmt.Sscanf(words[1], "%d:%d", &h, &m); err != nil {
		return nil, err
	}
	a.Minute = uint16(strings.Index("MonTueWedThuFriSatSun", words[0])/3)*1440 + h*60 + m
	door, url, _ := strings.Cut(what, " ")
	a.Door = map[string]verdict.Door{"proxy": verdict.DoorProxy, "tunnel": verdict.DoorTunnel, "dns": verdict.DoorDNS}[door]
	u, err := verdict.CanonicalURL(url)
	if err != nil {
		return nil, err
	}
	a.Host, a.Path, a.Port = u.Host, u.Path, u.Port
	if a.Door == verdict.DoorTunnel && u.Port == 80 {
		a.Port = 443
	}
	return a, nil
}

func TestDecideTakesNoMemory(t *testing.T) {
	s := school(t)
	for _, a := range []verdict.Ask{
		{Door: verdict.DoorDNS, Host: "plain.example", Groups: 2},
		{Door: verdict.DoorTunnel, Port: 443, Host: "sub.a.b.c.bad.example.co.uk"},
		{Door: verdict.DoorDNS, Host: "www.childline.org.uk"},
		{Door: verdict.DoorDNS, Host: "www.ok.games.example", Groups: 1},
	} {
		a.At = term
		free := schoolRules()
		s := s
		if a.Path == "" { // expressions need the whole URL; without them nothing does
			var err error
			if s, err = verdict.New(free, nil); err != nil {
				t.Fatal(err)
			}
		}
		if n := testing.AllocsPerRun(200, func() { s.Decide(&a) }); n != 0 {
			t.Errorf("%s: %v allocations", a.Host, n)
		}
	}
	w := makeWorld(2000, 60, 500)
	seg, _, _ := w.build(t, t.TempDir())
	big := w.snapshot(t, seg)
	i := 0
	if n := testing.AllocsPerRun(499, func() {
		big.Decide(&verdict.Ask{Host: w.ask[i%500], Groups: 1, At: term})
		i++
	}); n != 0 {
		t.Errorf("listed names: %v allocations", n)
	}
}

func TestAHostThatNoDoorMadeCanonicalIsRefused(t *testing.T) {
	s := school(t)
	for _, host := range []string{
		"", "BAD.test", "bad.test.", ".bad.test", "bad..test", "127.1", "0x7f.1", "2130706433", "[::1]",
		"::ffff:127.0.0.1", "bad test", "bücher.example", "a." + strings.Repeat("b", 64) + ".test", strings.Repeat("a.", 127) + "aa",
	} {
		if v := s.Decide(&verdict.Ask{Host: host, Groups: 2, At: term}); v.Action != verdict.Block || v.Reason != verdict.ReasonMalformed {
			t.Errorf("%q: %s", host, describe(s, v))
		}
	}
}

func TestWithoutRulesOnlyHelpAndEssentialsAreOpen(t *testing.T) {
	closed, err := verdict.Closed([]string{"counsellor.school.example"}, []string{"update.vendor.example"})
	if err != nil {
		t.Fatal(err)
	}
	open, err := verdict.WithoutRules(nil, []string{"belisha.school.example"}, nil, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		s    *verdict.Snapshot
		host string
		want string
	}{
		{closed, "www.childline.org.uk", "allow help"},
		{closed, "counsellor.school.example", "allow help"},
		{closed, "update.vendor.example", "allow essential"},
		{closed, "plain.example", "block no-rules"},
		{closed, "127.0.0.1", "block private"},
		{closed, "", "block malformed"},
		{open, "plain.example", "allow no-rules"},
		{open, "10.0.0.1", "block private"},
		{open, "belisha.school.example", "allow ours"},
	} {
		if got := describe(c.s, c.s.Decide(&verdict.Ask{Host: c.host, At: term})); got != c.want {
			t.Errorf("%s: %s, want %s", c.host, got, c.want)
		}
	}
	if closed.HasRules() || !school(t).HasRules() {
		t.Error("HasRules is wrong")
	}
}

func TestExplainTellsTheListTheParentAndTheClause(t *testing.T) {
	s := school(t)
	_, steps := s.Explain(&verdict.Ask{Host: "www.bad.test", Groups: 1, At: term, Place: 2})
	var says []string
	for _, st := range steps {
		says = append(says, st.Says)
	}
	got := strings.Join(says, " ")
	want := "Found in adult (starter list, via parent bad.test). Blocked by rule P1 for pupils, clause FIL-1."
	if got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
	_, steps = s.Explain(&verdict.Ask{Host: "chat.example", At: term})
	groups := 0
	for _, st := range steps {
		if st.What == "group" {
			groups++
		}
	}
	if groups != 4 {
		t.Errorf("not knowing who it is, %d groups were compared", groups)
	}
}

func TestTheMustListIsCheckedAtEveryTimeOfTheWeek(t *testing.T) {
	s := school(t)
	noon := uint16(1440 + 750)
	got := verdict.Check(s, term, []verdict.Must{
		{URL: "http://bad.test/", Group: "pupils", Act: verdict.Block},
		{URL: "social.example", Group: "pupils", KeyStage: "ks4", Act: verdict.Block}, // open at lunch
		{URL: "social.example", Group: "pupils", KeyStage: "ks4", Act: verdict.Allow, Minute: &noon},
		{URL: "news.example", Act: verdict.Allow, Place: "classroom"}, // closed for reception
		{URL: "http://[bad", Act: verdict.Block},
		{URL: "ok.test", Group: "nobody", Act: verdict.Block},
	})
	var says []string
	for _, f := range got {
		says = append(says, f.Says)
	}
	if len(got) != 4 || got[0].Minute != 720 || got[0].Group != "pupils" || got[1].Group != "reception" {
		t.Errorf("failures: %q", says)
	}
}

func TestSafeTargetIsTheStrictestOfTheGroups(t *testing.T) {
	r := schoolRules()
	r.Safe = verdict.SafeServices()
	r.Groups[1].Safe = map[string]string{"": "off", "youtube": "moderate"}
	s, err := verdict.New(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		groups uint64
		host   string
		want   string
	}{
		{1, "www.google.co.uk", "forcesafesearch.google.com"},
		{2, "www.google.co.uk", ""},
		{3, "www.google.co.uk", "forcesafesearch.google.com"},
		{0, "www.google.com", "forcesafesearch.google.com"},
		{1, "www.youtube.com", "restrict.youtube.com"},
		{2, "www.youtube.com", "restrictmoderate.youtube.com"},
		{1, "www.bing.com", "strict.bing.com"},
		{1, "mail.google.com", ""},
		{1 << 40, "duckduckgo.com", "safe.duckduckgo.com"},
		{1, "mail.yandex.ru", ""},
	} {
		got, ok := s.SafeTarget(c.groups, c.host, time.UnixMilli(0))
		if got != c.want || ok != (c.want != "") {
			t.Errorf("%d %s: %q %v, want %q", c.groups, c.host, got, ok, c.want)
		}
	}
	if !s.Support("www.childline.org.uk") || s.Support("plain.example") {
		t.Error("Support is wrong")
	}
}

func TestRulesThatAreNotUnderstoodAreRefused(t *testing.T) {
	for name, change := range map[string]func(*verdict.Rules){
		"another version":         func(r *verdict.Rules) { r.Version = 2 },
		"no groups":               func(r *verdict.Rules) { r.Groups = nil },
		"65 groups":               func(r *verdict.Rules) { r.Groups = make([]verdict.Group, 65) },
		"a group twice":           func(r *verdict.Rules) { r.Groups[1].Slug = "pupils" },
		"an unknown group":        func(r *verdict.Rules) { r.Lines[0].Who.Groups = []string{"pupils", "x"} },
		"an unknown key stage":    func(r *verdict.Rules) { r.Lines[0].Who.KeyStages = []string{"x"} },
		"an unknown place":        func(r *verdict.Rules) { r.Lines[0].Who.Places = []string{"x"} },
		"an unknown category":     func(r *verdict.Rules) { r.Lines[0].Categories = []string{"x"} },
		"no category":             func(r *verdict.Rules) { r.Lines[0].Categories = nil },
		"a block by a neutral":    func(r *verdict.Rules) { r.Lines[0].Categories = []string{"health"} },
		"a lock by a neutral":     func(r *verdict.Rules) { r.Locked.Categories = []string{"health"} },
		"a blocking exception":    func(r *verdict.Rules) { r.Lines[0].Except = true },
		"a minute out of range":   func(r *verdict.Rules) { r.Lines[1].When.Weekly[0].To = 20000 },
		"a backward span":         func(r *verdict.Rules) { r.Lines[1].When.Not = []verdict.Span{{From: 5, Until: 4}} },
		"an own entry of no host": func(r *verdict.Rules) { r.Own[0].Text = "a b" },
		"a helping ending":        func(r *verdict.Rules) { r.Help = []string{"uk"} },
		"a helping page":          func(r *verdict.Rules) { r.Help = []string{"a.test/x"} },
		"an endless unblock":      func(r *verdict.Rules) { r.Unblocks[0].Span.Until = 0 },
		"a wrong safe level": func(r *verdict.Rules) {
			r.Safe = verdict.SafeServices()
			r.Groups[0].Safe = map[string]string{"google": "on"}
		},
		"an unknown safe service": func(r *verdict.Rules) { r.Groups[0].Safe = map[string]string{"goggle": "strict"} },
	} {
		r := schoolRules()
		change(&r)
		if _, err := verdict.New(r, nil); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	r := schoolRules()
	r.Categories = r.Categories[1:]
	r.Lines, r.Unblocks = nil, nil
	if _, err := verdict.New(r, []verdict.Source{{Slug: "starter", Segment: schoolSegment(t)}}); err == nil {
		t.Error("a list with a category that the rules do not know: taken")
	}
}
