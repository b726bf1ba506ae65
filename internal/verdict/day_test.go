package verdict_test

import (
	"strings"
	"testing"
	"time"

	"belisha/internal/verdict"
	"belisha/internal/verdict/segment"
)

// daySnapshot compiles rules over a small list.
func daySnapshot(t *testing.T, r verdict.Rules) *verdict.Snapshot {
	t.Helper()
	r.Version = verdict.RulesVersion
	b := segment.NewBuilder()
	for name, category := range map[string]string{"games.test": "games", "adult.test": "adult"} {
		if err := b.Add(segment.Name, name, category); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	hash, _, err := b.Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	seg, err := segment.Open(segment.FileName(dir, hash))
	if err != nil {
		t.Fatal(err)
	}
	s, err := verdict.New(r, []verdict.Source{{Slug: "l", Segment: seg}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func dayRules() verdict.Rules {
	return verdict.Rules{
		Groups: []verdict.Group{
			{Slug: "pupils"},
			{Slug: "staff"},
			{Slug: "youngest", UnlistedClosed: true, KnownOnly: true},
		},
		Categories: []verdict.Category{{Slug: "games"}, {Slug: "adult"}},
		Classes:    []string{"7B", "8C"},
		Lines:      []verdict.Line{{ID: "l1", Who: verdict.Who{Groups: []string{"pupils", "youngest"}}, Categories: []string{"games"}, Act: verdict.Block}},
		Locked:     verdict.Locked{Categories: []string{"adult"}},
		Help:       []string{"help.test"}, Essentials: []string{"update.test"},
	}
}

func TestAnUnblockForAClassIsForWhoIsInIt(t *testing.T) {
	r := dayRules()
	r.Unblocks = []verdict.Unblock{{ID: "u1", Hosts: []string{"games.test"}, Who: verdict.Who{Classes: []string{"7B"}}, Span: verdict.Span{From: 10, Until: 20}}}
	r.Own = []verdict.Own{
		{ID: "o1", Text: "exam.test", Act: verdict.Block, Who: verdict.Who{Classes: []string{"8C"}}},
		{ID: "o2", Text: "adult.test", Act: verdict.Allow, Who: verdict.Who{Classes: []string{"7B"}}},
	}
	s := daySnapshot(t, r)
	for _, c := range []struct {
		name    string
		host    string
		classes []string
		at      int64
		want    verdict.Action
	}{
		{"in the class", "games.test", []string{"7B"}, 10, verdict.Allow},
		{"in the class among others", "games.test", []string{"set 3", "7B", "7"}, 10, verdict.Allow},
		{"before it begins", "games.test", []string{"7B"}, 9, verdict.Block},
		{"when it has ended", "games.test", []string{"7B"}, 20, verdict.Block},
		{"in another class that the rules name", "games.test", []string{"8C"}, 10, verdict.Block},
		{"in a class that no rule names", "games.test", []string{"9A"}, 10, verdict.Block},
		{"in no class that is known", "games.test", nil, 10, verdict.Block},
		{"an own block holds for its class", "exam.test", []string{"8C"}, 10, verdict.Block},
		{"and not for another", "exam.test", []string{"7B"}, 10, verdict.Allow},
		{"nor for one that no rule names", "exam.test", []string{"9A"}, 10, verdict.Allow},
		{"but for who is in no known class", "exam.test", nil, 10, verdict.Block},
		{"nothing lifts what is locked", "adult.test", []string{"7B"}, 10, verdict.Block},
	} {
		a := verdict.Ask{Host: c.host, Groups: s.Names().GroupBit("pupils"), Classes: s.Names().ClassNumbers(c.classes), At: time.UnixMilli(c.at)}
		if v := s.Decide(&a); v.Action != c.want {
			t.Errorf("%s: %s, want %s", c.name, v.Action, c.want)
		}
	}
	a := verdict.Ask{Host: "games.test", Groups: 1, Classes: s.Names().ClassNumbers([]string{"7B"}), At: time.UnixMilli(10)}
	v, steps := s.Explain(&a)
	if last := steps[len(steps)-1]; v.Until != 20 || !strings.Contains(last.Says, "u1") || !strings.Contains(last.Says, "only for 7B") {
		t.Errorf("it is explained as %q, until %d", last.Says, v.Until)
	}
	if n := testing.AllocsPerRun(100, func() { s.Decide(&a) }); n != 0 {
		t.Errorf("a decision for a class takes memory %v times", n)
	}
	r.Unblocks[0].Who.Classes = []string{"7X"}
	r.Version = verdict.RulesVersion
	if _, err := verdict.New(r, nil); err == nil || !strings.Contains(err.Error(), `"7X"`) {
		t.Errorf("a class that does not exist: %v", err)
	}
}

func TestWhoIsNotKnownIsNotHeldToTheYoungestsRules(t *testing.T) {
	s := daySnapshot(t, dayRules())
	n := s.Names()
	for _, c := range []struct {
		name   string
		groups uint64
		host   string
		want   verdict.Action
	}{
		{"nobody known, a site on no list", 0, "any.test", verdict.Allow},
		{"nobody known, a game", 0, "games.test", verdict.Block},
		{"nobody known, a locked site", 0, "adult.test", verdict.Block},
		{"one of the youngest", n.GroupBit("youngest"), "any.test", verdict.Block},
		{"one of the youngest and somebody of staff", n.GroupBits([]string{"youngest", "staff"}), "any.test", verdict.Block},
		{"everybody at once", n.Whole(), "any.test", verdict.Block},
		{"a group that is not in these rules", 1 << 60, "games.test", verdict.Block},
	} {
		if v := s.Decide(&verdict.Ask{Host: c.host, Groups: c.groups}); v.Action != c.want {
			t.Errorf("%s: %s, want %s", c.name, v.Action, c.want)
		}
	}
	r := dayRules()
	r.Version = verdict.RulesVersion
	for i := range r.Groups {
		r.Groups[i].KnownOnly = true
	}
	if _, err := verdict.New(r, nil); err == nil {
		t.Error("rules without any for who is not known were taken")
	}
}

func TestAGroupOnTrialChangesNothingAndSaysWhatItWouldHaveDone(t *testing.T) {
	r := dayRules()
	r.Groups[0].TryOut = true
	r.Groups[0].Safe = map[string]string{"": "strict"}
	r.UnsignedClosed = true
	r.Safe = []verdict.SafeService{{Name: "search", Hosts: []string{"search.test"}, Strict: "safe.test"}}
	s := daySnapshot(t, r)
	pupils, staff := s.Names().GroupBit("pupils"), s.Names().GroupBit("staff")
	for _, c := range []struct {
		name  string
		ask   verdict.Ask
		act   verdict.Action
		tried bool
		why   verdict.Reason
	}{
		{"a game", verdict.Ask{Host: "games.test", Groups: pupils}, verdict.Allow, true, verdict.ReasonCategory},
		{"an open site is nothing to count", verdict.Ask{Host: "any.test", Groups: pupils}, verdict.Allow, false, verdict.ReasonUnlisted},
		{"what is locked", verdict.Ask{Host: "adult.test", Groups: pupils}, verdict.Allow, true, verdict.ReasonLocked},
		{"nobody signed in", verdict.Ask{Host: "any.test", Groups: pupils, Unsigned: true}, verdict.Allow, true, verdict.ReasonUnsigned},
		{"the agreement", verdict.Ask{Host: "any.test", Groups: pupils, Held: true}, verdict.Allow, true, verdict.ReasonAgreement},
		{"a public address", verdict.Ask{Host: "203.0.113.9", Groups: pupils}, verdict.Allow, true, verdict.ReasonAddress},
		{"an inside address stays closed", verdict.Ask{Host: "10.0.0.1", Groups: pupils}, verdict.Block, false, verdict.ReasonPrivate},
		{"this machine stays closed", verdict.Ask{Host: "localhost", Groups: pupils}, verdict.Block, false, verdict.ReasonPrivate},
		{"what is no name stays closed", verdict.Ask{Host: "A b", Groups: pupils}, verdict.Block, false, verdict.ReasonMalformed},
		{"a pause somebody pressed holds", verdict.Ask{Host: "any.test", Groups: pupils, Paused: true}, verdict.Block, false, verdict.ReasonPaused},
		{"help is help", verdict.Ask{Host: "help.test", Groups: pupils, Held: true}, verdict.Allow, false, verdict.ReasonHelp},
		{"a group that is not on trial", verdict.Ask{Host: "adult.test", Groups: staff}, verdict.Block, false, verdict.ReasonLocked},
		{"somebody of both", verdict.Ask{Host: "adult.test", Groups: pupils | staff}, verdict.Block, false, verdict.ReasonLocked},
		{"who is not known is held to the groups not on trial", verdict.Ask{Host: "adult.test"}, verdict.Block, false, verdict.ReasonLocked},
	} {
		v, steps := s.Explain(&c.ask)
		if v.Action != c.act || v.TryOut != c.tried || v.Reason != c.why || c.tried && v.Tried != verdict.Block {
			t.Errorf("%s: %+v", c.name, v)
		}
		if says := steps[len(steps)-1].Says; c.tried != strings.Contains(says, "tried out") {
			t.Errorf("%s is explained as %q", c.name, says)
		}
	}
	if to, forced := s.SafeTarget(pupils, "search.test", time.UnixMilli(0)); forced {
		t.Errorf("a search of a group on trial is sent to %s", to)
	}
	if _, forced := s.SafeTarget(staff, "search.test", time.UnixMilli(0)); !forced {
		t.Error("a search of another group is not made safe any more")
	}
}

func TestATrialEndsByTheClockAlthoughNobodyPublishes(t *testing.T) {
	end := time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)
	r := dayRules()
	r.Groups[0].TryOut, r.Groups[0].TryOutUntil = true, end
	r.Groups[0].Safe = map[string]string{"": "strict"}
	r.Safe = []verdict.SafeService{{Name: "search", Hosts: []string{"search.test"}, Strict: "safe.test"}}
	s := daySnapshot(t, r)
	pupils := s.Names().GroupBit("pupils")
	for _, c := range []struct {
		at    time.Time
		tried bool
	}{{end.Add(-time.Millisecond), true}, {end, false}, {end.Add(time.Hour), false}} {
		for _, host := range []string{"adult.test", "games.test"} {
			v := s.Decide(&verdict.Ask{Host: host, Groups: pupils, At: c.at})
			if v.TryOut != c.tried || (v.Action == verdict.Allow) != c.tried {
				t.Errorf("%s at %s: %+v", host, c.at, v)
			}
		}
		if _, forced := s.SafeTarget(pupils, "search.test", c.at); forced == c.tried {
			t.Errorf("at %s a search is forced: %v", c.at, forced)
		}
	}
	if !s.Changes(end.Add(-time.Second), end) {
		t.Error("what is open is not judged again at the end of the trial")
	}
}

func TestWhatBeginsOrEndsBetweenTwoMomentsIsKnown(t *testing.T) {
	r := dayRules()
	r.Unblocks = []verdict.Unblock{{ID: "u1", Hosts: []string{"games.test"}, Span: verdict.Span{From: 1000, Until: 2000}}}
	r.Own = []verdict.Own{{ID: "o1", Text: "exam.test", Act: verdict.Block, Span: verdict.Span{Until: 3000}}}
	s := daySnapshot(t, r)
	for _, c := range []struct {
		after, until int64
		want         bool
	}{
		{1, 999, false},
		{999, 1000, true},
		{1000, 1999, false},
		{1999, 2000, true},
		{2000, 2999, false},
		{2500, 9999, true},
		{3000, 9999, false},
	} {
		if got := s.Changes(time.UnixMilli(c.after), time.UnixMilli(c.until)); got != c.want {
			t.Errorf("after %d until %d: %v", c.after, c.until, got)
		}
	}
}
