package verdict_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"belisha/internal/verdict"
	"belisha/internal/verdict/segment"
)

// plainJudge decides as the comment of Snapshot says, in the plainest way:
// no hashes, no sets, no order worked out beforehand.
type plainJudge struct {
	r      verdict.Rules
	listed map[string][]string // name to categories
}

func (p *plainJudge) decide(a *verdict.Ask) verdict.Verdict {
	groups := p.groups(a)
	allTried := !slices.ContainsFunc(groups, func(g int) bool { return !p.r.Groups[g].TryOut })
	if act, why, settled := p.whoever(a); settled {
		return tried(act, why, allTried && why != verdict.ReasonPaused && why != verdict.ReasonFocus)
	}
	var v verdict.Verdict
	for i, g := range groups {
		act, why := p.group(a, g, p.categories(a))
		x := tried(act, why, p.r.Groups[g].TryOut)
		if i == 0 || strict(x.Action) > strict(v.Action) || x.Action == v.Action && x.TryOut && !v.TryOut {
			v = x
		}
	}
	return v
}

func tried(act verdict.Action, why verdict.Reason, out bool) verdict.Verdict {
	if out && act != verdict.Allow {
		return verdict.Verdict{Action: verdict.Allow, Reason: why, TryOut: true, Tried: act}
	}
	return verdict.Verdict{Action: act, Reason: why}
}

// groups are those whose rules hold together.
func (p *plainJudge) groups(a *verdict.Ask) (out []int) {
	unknown := a.Groups == 0 || a.Groups>>len(p.r.Groups) != 0
	for g := range p.r.Groups {
		if unknown && !p.r.Groups[g].KnownOnly || !unknown && a.Groups>>g&1 == 1 {
			out = append(out, g)
		}
	}
	return out
}

func (p *plainJudge) categories(a *verdict.Ask) (cats []string) {
	for name, cs := range p.listed {
		if below(a.Host, name) {
			cats = append(cats, cs...)
		}
	}
	return cats
}

// whoever is what holds whatever the subject's groups are.
func (p *plainJudge) whoever(a *verdict.Ask) (verdict.Action, verdict.Reason, bool) {
	for _, h := range append(verdict.HelpFloor(), p.r.Help...) {
		if below(a.Host, h) {
			return verdict.Allow, verdict.ReasonHelp, true
		}
	}
	for _, h := range p.r.Locked.Hosts {
		if below(a.Host, h) {
			return verdict.Block, verdict.ReasonLocked, true
		}
	}
	for _, c := range p.categories(a) {
		if slices.Contains(p.r.Locked.Categories, c) {
			return verdict.Block, verdict.ReasonLocked, true
		}
	}
	essential := slices.ContainsFunc(p.r.Essentials, func(h string) bool { return below(a.Host, h) })
	switch {
	case a.Paused || slices.ContainsFunc(p.focuses(a), func(f verdict.Focus) bool { return len(f.Hosts) == 0 }):
		return verdict.Block, verdict.ReasonPaused, true
	case a.Unsigned && p.r.UnsignedClosed && !essential:
		return verdict.Block, verdict.ReasonUnsigned, true
	case a.Held && !essential:
		return verdict.Block, verdict.ReasonAgreement, true
	case essential:
	case p.alone(a):
		return verdict.Block, verdict.ReasonUnsupervised, true
	case p.unfocused(a):
		return verdict.Block, verdict.ReasonFocus, true
	}
	return verdict.Block, verdict.ReasonNone, false
}

// focuses are those that hold for the subject now.
func (p *plainJudge) focuses(a *verdict.Ask) (out []verdict.Focus) {
	for _, f := range p.r.Focuses {
		if at := a.At.UnixMilli(); at < f.Span.From || at >= f.Span.Until || !p.inClass(f.Who.Classes, a, false) && !p.among(f.Who.Classes, a) {
			continue
		}
		if slices.ContainsFunc(p.groups(a), func(g int) bool {
			return len(f.Who.Groups) == 0 || slices.Contains(f.Who.Groups, p.r.Groups[g].Slug)
		}) {
			out = append(out, f)
		}
	}
	return out
}

// among reports that any of several at the address is in one of the classes.
func (p *plainJudge) among(classes []string, a *verdict.Ask) bool {
	among := *a
	among.Classes = a.Among
	return p.inClass(classes, &among, false)
}

// atSchool reports that the subject, or all at the address, are in one of the
// classes.
func (p *plainJudge) atSchool(classes []string, a *verdict.Ask) bool {
	together := *a
	together.Classes = a.Together
	return p.inClass(classes, a, false) || p.inClass(classes, &together, false)
}

func (p *plainJudge) unfocused(a *verdict.Ask) bool {
	return slices.ContainsFunc(p.focuses(a), func(f verdict.Focus) bool {
		return !slices.ContainsFunc(f.Hosts, func(h string) bool { return below(a.Host, h) })
	})
}

func (p *plainJudge) alone(a *verdict.Ask) bool {
	x := p.r.Supervision
	if x == nil || a.Attended {
		return false
	}
	if !slices.ContainsFunc(p.groups(a), func(g int) bool { return p.holds(x.Who, g, a, true) }) {
		return false
	}
	return !slices.ContainsFunc(x.Sessions, func(s verdict.Session) bool {
		at := a.At.UnixMilli()
		in := len(s.Who.Classes) == 0 || p.atSchool(s.Who.Classes, a)
		there := len(s.Who.Places) == 0 || a.Place > 0 && slices.Contains(s.Who.Places, p.r.Places[a.Place-1])
		return at >= s.Span.From && at < s.Span.Until && in && there
	})
}

func below(host, name string) bool { return host == name || strings.HasSuffix(host, "."+name) }

func strict(a verdict.Action) int {
	return map[verdict.Action]int{verdict.Block: 2, verdict.Warn: 1, verdict.Allow: 0}[a]
}

func (p *plainJudge) group(a *verdict.Ask, g int, cats []string) (verdict.Action, verdict.Reason) {
	longest, act := 0, verdict.Allow
	for _, o := range p.r.Own {
		if !below(a.Host, o.Text) || !p.holds(o.Who, g, a, o.Act != verdict.Allow) {
			continue
		}
		if len(o.Text) > longest || len(o.Text) == longest && strict(o.Act) > strict(act) {
			longest, act = len(o.Text), o.Act
		}
	}
	if longest > 0 && act == verdict.Allow {
		return act, verdict.ReasonOwnAllow
	}
	if longest > 0 {
		return act, verdict.ReasonOwnBlock
	}
	var opened []string
	kept := slices.ContainsFunc(cats, func(c string) bool { return slices.Contains(p.r.Unliftable, c) })
	for _, u := range p.r.Unblocks {
		if at := a.At.UnixMilli(); at < u.Span.From || at >= u.Span.Until || !p.holds(u.Who, g, a, false) {
			continue
		}
		for _, h := range u.Hosts {
			if below(a.Host, h) && !kept {
				return verdict.Allow, verdict.ReasonUnblock
			}
		}
		for _, c := range u.Categories {
			if !slices.Contains(p.r.Unliftable, c) {
				opened = append(opened, c)
			}
		}
	}
	act, ruled := p.lines(a, g, cats)
	closed := p.r.Groups[g].UnlistedClosed
	if ruled && act == verdict.Allow {
		return act, verdict.ReasonCategory
	}
	if ruled || closed {
		var left []string
		touched := false
		for _, c := range cats {
			if slices.Contains(opened, c) {
				touched = true
			} else {
				left = append(left, c)
			}
		}
		if x, again := p.lines(a, g, left); touched && (!again || x == verdict.Allow) {
			return verdict.Allow, verdict.ReasonUnblock
		}
	}
	switch {
	case ruled:
		return act, verdict.ReasonCategory
	case closed:
		return verdict.Block, verdict.ReasonUnlisted
	case len(cats) == 0:
		return verdict.Allow, verdict.ReasonUnlisted
	}
	return verdict.Allow, verdict.ReasonOpen
}

// lines is what the category lines say of a name in these categories.
func (p *plainJudge) lines(a *verdict.Ask, g int, cats []string) (verdict.Action, bool) {
	worst, exception, ruled := 0, -1, false
	type closing struct{ weight, strict int }
	var closings []closing
	for _, c := range cats {
		best, bestLine := -1, verdict.Line{}
		for _, l := range p.r.Lines {
			if !slices.Contains(l.Categories, c) || !p.holds(l.Who, g, a, l.Act != verdict.Allow) || !inWindow(l.When, a.Minute) {
				continue
			}
			// Narrowness first, then exceptions, then the stricter.
			rank := weight(l)*100 + strict(l.Act)
			if l.Except {
				rank = weight(l)*100 + 50
			}
			if rank > best {
				best, bestLine = rank, l
			}
		}
		if best < 0 {
			continue
		}
		ruled = true
		if bestLine.Except {
			exception = max(exception, weight(bestLine))
		}
		if bestLine.Act != verdict.Allow {
			closings = append(closings, closing{weight(bestLine), strict(bestLine.Act)})
		}
	}
	for _, c := range closings {
		if c.weight > exception {
			worst = max(worst, c.strict)
		}
	}
	return []verdict.Action{verdict.Allow, verdict.Warn, verdict.Block}[worst], ruled
}

func weight(l verdict.Line) int {
	n := 0
	for _, given := range []bool{len(l.Who.Groups) > 0, len(l.Who.KeyStages) > 0, len(l.Who.Places) > 0, len(l.Who.Classes) > 0, len(l.When.Weekly) > 0} {
		if given {
			n++
		}
	}
	return n
}

func inWindow(w verdict.When, minute uint16) bool {
	if len(w.Weekly) == 0 {
		return true
	}
	for _, x := range w.Weekly {
		for m := x.From; ; m = (m + 1) % 10080 {
			if m == minute {
				return true
			}
			if (m+1)%10080 == x.To%10080 {
				break
			}
		}
	}
	return false
}

func (p *plainJudge) holds(w verdict.Who, g int, a *verdict.Ask, strict bool) bool {
	if len(w.Groups) > 0 && !slices.Contains(w.Groups, p.r.Groups[g].Slug) {
		return false
	}
	if len(w.KeyStages) > 0 && (a.KeyStage == 0 && !strict || a.KeyStage > 0 && !slices.Contains(w.KeyStages, p.r.KeyStages[a.KeyStage-1])) {
		return false
	}
	if len(w.Classes) > 0 && !p.inClass(w.Classes, a, strict) {
		return false
	}
	return len(w.Places) == 0 || a.Place == 0 && strict || a.Place > 0 && slices.Contains(w.Places, p.r.Places[a.Place-1])
}

func (p *plainJudge) inClass(of []string, a *verdict.Ask, strict bool) bool {
	for _, c := range a.Classes {
		if c > 0 && slices.Contains(of, p.r.Classes[c-1]) {
			return true
		}
	}
	return strict && len(a.Classes) == 0
}

var (
	someCategories = []string{"c0", "c1", "c2", "c3"}
	someGroups     = []string{"g0", "g1", "g2"}
	someNames      = []string{"a.test", "b.a.test", "c.b.a.test", "b.test", "x.co.uk", "y.x.co.uk", "test", "co.uk"}
)

func someOf(t *rapid.T, name string, from []string, most int) []string {
	return rapid.SliceOfNDistinct(rapid.SampledFrom(from), 0, most, rapid.ID[string]).Draw(t, name)
}

func drawWho(t *rapid.T) verdict.Who {
	return verdict.Who{
		Groups: someOf(t, "groups", someGroups, 2), KeyStages: someOf(t, "stages", []string{"k1", "k2"}, 1),
		Places:  someOf(t, "places", []string{"p1", "p2"}, 1),
		Classes: someOf(t, "classes", []string{"7b", "8c"}, 1),
	}
}

func drawRules(t *rapid.T) verdict.Rules {
	r := verdict.Rules{Version: verdict.RulesVersion, KeyStages: []string{"k1", "k2"}, Places: []string{"p1", "p2"}, Classes: []string{"7b", "8c"}}
	for i, g := range someGroups {
		r.Groups = append(r.Groups, verdict.Group{
			Slug: g, UnlistedClosed: rapid.IntRange(0, 5).Draw(t, "closed") == 0,
			TryOut: rapid.IntRange(0, 3).Draw(t, "try-out") == 0, KnownOnly: i > 0 && rapid.IntRange(0, 3).Draw(t, "known only") == 0,
		})
	}
	r.UnsignedClosed = rapid.Bool().Draw(t, "unsigned closed")
	r.Essentials = someOf(t, "essentials", someNames, 1)
	for _, c := range someCategories {
		r.Categories = append(r.Categories, verdict.Category{Slug: c})
	}
	action := rapid.SampledFrom([]verdict.Action{verdict.Block, verdict.Block, verdict.Allow, verdict.Warn})
	for range rapid.IntRange(0, 6).Draw(t, "lines") {
		l := verdict.Line{Who: drawWho(t), Act: action.Draw(t, "act")}
		l.Categories = append(someOf(t, "categories", someCategories, 2), rapid.SampledFrom(someCategories).Draw(t, "category"))
		l.Except = l.Act == verdict.Allow && rapid.Bool().Draw(t, "except")
		if rapid.Bool().Draw(t, "timed") {
			l.When.Weekly = []verdict.Window{{From: rapid.Uint16Range(0, 10079).Draw(t, "from"), To: rapid.Uint16Range(0, 10080).Draw(t, "to")}}
		}
		r.Lines = append(r.Lines, l)
	}
	for range rapid.IntRange(0, 3).Draw(t, "own") {
		r.Own = append(r.Own, verdict.Own{Text: rapid.SampledFrom(someNames).Draw(t, "text"), Who: drawWho(t), Act: action.Draw(t, "act")})
	}
	for range rapid.IntRange(0, 2).Draw(t, "unblocks") {
		r.Unblocks = append(r.Unblocks, verdict.Unblock{
			Who: drawWho(t), Hosts: someOf(t, "hosts", someNames, 1),
			Categories: someOf(t, "opens", someCategories, 2),
			Span:       verdict.Span{From: rapid.Int64Range(1, 3).Draw(t, "from"), Until: rapid.Int64Range(4, 6).Draw(t, "until")},
		})
	}
	for range rapid.IntRange(0, 2).Draw(t, "focuses") {
		r.Focuses = append(r.Focuses, verdict.Focus{
			Who:   verdict.Who{Groups: someOf(t, "focus groups", someGroups, 2), Classes: []string{rapid.SampledFrom([]string{"7b", "8c"}).Draw(t, "focus class")}},
			Hosts: someOf(t, "focus hosts", someNames, 2),
			Span:  verdict.Span{From: rapid.Int64Range(1, 3).Draw(t, "from"), Until: rapid.Int64Range(4, 6).Draw(t, "until")},
		})
	}
	if rapid.IntRange(0, 3).Draw(t, "supervision") == 0 {
		r.Supervision = &verdict.Supervision{Who: verdict.Who{Groups: someOf(t, "groups", someGroups, 2), KeyStages: someOf(t, "stages", []string{"k1", "k2"}, 1)}}
		for range rapid.IntRange(0, 2).Draw(t, "sessions") {
			s := verdict.Session{Span: verdict.Span{From: rapid.Int64Range(1, 3).Draw(t, "from"), Until: rapid.Int64Range(4, 6).Draw(t, "until")}}
			s.Who.Places = someOf(t, "places", []string{"p1", "p2"}, 1)
			if len(s.Who.Places) == 0 || rapid.Bool().Draw(t, "class too") {
				s.Who.Classes = []string{rapid.SampledFrom([]string{"7b", "8c"}).Draw(t, "class")}
			}
			r.Supervision.Sessions = append(r.Supervision.Sessions, s)
		}
	}
	r.Unliftable = someOf(t, "unliftable", someCategories[2:], 1)
	r.Locked.Categories = someOf(t, "locked", someCategories[3:], 1)
	r.Locked.Hosts = someOf(t, "locked hosts", someNames[2:3], 1)
	r.Help = someOf(t, "help", someNames[3:4], 1)
	return r
}

func TestDecideIsThePlainJudge(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		p := &plainJudge{r: drawRules(rt), listed: map[string][]string{}}
		b := segment.NewBuilder()
		for range rapid.IntRange(0, 8).Draw(rt, "listed") {
			n, c := rapid.SampledFrom(someNames).Draw(rt, "name"), rapid.SampledFrom(someCategories).Draw(rt, "in")
			p.listed[n] = append(p.listed[n], c)
			if err := b.Add(segment.Name, n, c); err != nil {
				rt.Fatal(err)
			}
		}
		hash, _, err := b.Write(dir)
		if err != nil {
			rt.Fatal(err)
		}
		seg, err := segment.Open(segment.FileName(dir, hash))
		if err != nil {
			rt.Fatal(err)
		}
		s, err := verdict.New(p.r, []verdict.Source{{Slug: "l", Segment: seg}})
		if err != nil {
			rt.Fatal(err)
		}
		for range 20 {
			a := &verdict.Ask{
				Host:   rapid.SampledFrom([]string{"", "w.", "v.w."}).Draw(rt, "below") + rapid.SampledFrom(someNames).Draw(rt, "host"),
				Groups: rapid.Uint64Range(0, 9).Draw(rt, "groups"), KeyStage: rapid.Uint8Range(0, 2).Draw(rt, "stage"), Place: rapid.Uint8Range(0, 2).Draw(rt, "place"),
				At: time.UnixMilli(rapid.Int64Range(0, 7).Draw(rt, "at")), Minute: rapid.Uint16Range(0, 10079).Draw(rt, "minute"),
				Paused:   rapid.IntRange(0, 9).Draw(rt, "paused") == 0,
				Unsigned: rapid.IntRange(0, 9).Draw(rt, "unsigned") == 0, Held: rapid.IntRange(0, 9).Draw(rt, "held") == 0,
				Classes:  rapid.SliceOfN(rapid.Uint16Range(0, 2), 0, 2).Draw(rt, "classes"),
				Together: rapid.SliceOfN(rapid.Uint16Range(0, 2), 0, 1).Draw(rt, "together"),
				Among:    rapid.SliceOfN(rapid.Uint16Range(0, 2), 0, 1).Draw(rt, "among"),
				Attended: rapid.IntRange(0, 3).Draw(rt, "attended") == 0,
			}
			want, v := p.decide(a), s.Decide(a)
			if v.Action != want.Action || v.Reason != want.Reason || v.TryOut != want.TryOut || v.Tried != want.Tried {
				_, steps := s.Explain(a)
				rt.Fatalf("%+v\n got %+v\nwant %+v\nrules %+v\nlisted %v\n%+v", *a, v, want, p.r, p.listed, steps)
			}
		}
	})
}
