package verdict

import (
	"testing"
	"time"
)

var handlingNoon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func handlingRules() Rules {
	return Rules{
		Version: RulesVersion,
		Groups: []Group{
			{Slug: "pupils", Content: &Content{Inspect: true, Phrases: 60, Viruses: "closed", MaxScan: 1000, Files: map[string]Action{"program": Block, "archive": Warn}}},
			{Slug: "staff", Content: &Content{Inspect: true, InspectOnly: []string{"webmail"}, Phrases: 160, Viruses: "open", TooLarge: Allow}},
			{Slug: "guests"},
		},
		Categories: []Category{{Slug: "banking"}, {Slug: "webmail"}},
		Splice:     Splice{Hosts: []string{"pinned.test"}, Categories: []string{"banking"}},
		Headers: []Header{
			{Name: "YouTube-Restrict", Value: "Strict", Hosts: []string{"www.youtube.test"}, Groups: []string{"pupils"}},
			{Name: "YouTube-Restrict", Value: "Moderate", Hosts: []string{"youtube.test"}, Groups: []string{"staff"}},
		},
		Permits: []Permit{{ID: "p", Host: "files.test", Path: "/a.exe", Span: Span{From: 1, Until: handlingNoon.UnixMilli() + 1000}, Hash: ""}},
	}
}

func compiled(t *testing.T, r Rules) *Snapshot {
	t.Helper()
	s, err := New(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestHandlingOfSeveralGroupsIsTheStrictest(t *testing.T) {
	s := compiled(t, handlingRules())
	both := s.Handling(s.Names().GroupBits([]string{"pupils", "staff"}), handlingNoon)
	if both.Phrases != 60 || both.Viruses != ScanClosed || both.MaxScan != DefaultMaxScan || both.TooLarge != Block {
		t.Fatalf("pupils and staff together are looked at as %+v", both)
	}
	if both.File(FileProgram) != Block || both.File(FileArchive) != Warn || both.File(FileScript) != Allow {
		t.Fatalf("files of both: %v", both)
	}
	if unknown := s.Handling(0, handlingNoon); unknown != both {
		t.Fatalf("somebody not known is looked at as %+v, not as the strictest %+v", unknown, both)
	}
	if guests := s.Handling(s.Names().GroupBit("guests"), handlingNoon); guests.Looks() || guests.Inspect {
		t.Fatalf("guests, of whom nothing is said, are looked at: %+v", guests)
	}
}

func TestTLSIsEndedOnlyWhereTheRulesSaySo(t *testing.T) {
	s := compiled(t, handlingRules())
	in := func(slug string) *Verdict {
		v := &Verdict{Action: Allow}
		if n, ok := s.Names().CategoryNumber(slug); ok {
			v.Categories.Add(n)
		}
		return v
	}
	pupils, staff, guests := s.Names().GroupBit("pupils"), s.Names().GroupBit("staff"), s.Names().GroupBit("guests")
	for _, c := range []struct {
		says, host, category string
		groups               uint64
		want                 bool
	}{
		{"a pupil's ordinary site", "site.test", "", pupils, true},
		{"a bank is nobody's business", "bank.test", "banking", pupils, false},
		{"a pinned site and what is below it", "a.pinned.test", "", pupils, false},
		{"a name that only ends alike", "notpinned.test", "", pupils, true},
		{"staff outside the category", "site.test", "", staff, false},
		{"staff in the category", "mail.test", "webmail", staff, true},
		{"guests", "site.test", "", guests, false},
	} {
		if got := s.Inspects(c.groups, handlingNoon, c.host, in(c.category)); got != c.want {
			t.Errorf("%s: inspected %t", c.says, got)
		}
	}
	if s.Inspects(pupils, handlingNoon, "help.test", &Verdict{Action: Allow, Support: true}) {
		t.Error("a help service is inspected")
	}
}

func TestAHeaderOfTheClientIsRemovedForEverybodyAndSetForItsGroup(t *testing.T) {
	s := compiled(t, handlingRules())
	sent := func(group, host string) string {
		value := "from the client"
		s.Headers(s.Names().GroupBit(group), handlingNoon, host, func(_, v string) { value = v })
		return value
	}
	for _, c := range []struct{ group, host, want string }{
		{"pupils", "www.youtube.test", "Strict"},
		{"staff", "www.youtube.test", "Moderate"},
		{"guests", "www.youtube.test", ""},
		{"pupils", "other.test", "from the client"},
	} {
		if got := sent(c.group, c.host); got != c.want {
			t.Errorf("%s at %s: %q, want %q", c.group, c.host, got, c.want)
		}
	}
}

func TestAPermitOpensItsFileForItsTime(t *testing.T) {
	r := handlingRules()
	r.Permits[0].Hash = "aa00000000000000000000000000000000000000000000000000000000000000"
	s := compiled(t, r)
	a := &Ask{Host: "files.test", Path: "/a.exe", At: handlingNoon, Groups: s.Names().GroupBit("pupils")}
	if ok, again := s.Permitted(a, ""); ok || !again {
		t.Fatalf("before its bytes are known: %t %t", ok, again)
	}
	if ok, _ := s.Permitted(a, r.Permits[0].Hash); !ok {
		t.Fatal("the very file is not open")
	}
	if ok, again := s.Permitted(a, "bb"+r.Permits[0].Hash[2:]); ok || again {
		t.Fatal("another file at the same address is open")
	}
	a.At = handlingNoon.Add(time.Minute)
	if ok, again := s.Permitted(a, r.Permits[0].Hash); ok || again {
		t.Fatal("it is open after its end")
	}
}

func TestWhatIsSaidOfContentAndCannotBeUsedIsRefused(t *testing.T) {
	for says, change := range map[string]func(*Rules){
		"a kind of file that does not exist": func(r *Rules) { r.Groups[0].Content.Files["toast"] = Block },
		"a negative weight":                  func(r *Rules) { r.Groups[0].Content.Phrases = -1 },
		"an unknown word for viruses":        func(r *Rules) { r.Groups[0].Content.Viruses = "maybe" },
		"a category that does not exist":     func(r *Rules) { r.Splice.Categories = []string{"toast"} },
		"a header with a line break":         func(r *Rules) { r.Headers[0].Value = "a\r\nb" },
		"a header that is no token":          func(r *Rules) { r.Headers[0].Name = "You Tube" },
		"a permit without an end":            func(r *Rules) { r.Permits[0].Span.Until = 0 },
	} {
		r := handlingRules()
		change(&r)
		if _, err := New(r, nil); err == nil {
			t.Errorf("%s is taken", says)
		}
	}
}
