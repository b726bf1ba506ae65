package filtering_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"belisha/internal/kit/setting"
	"belisha/internal/school/filtering"
	"belisha/internal/school/people"
	"belisha/internal/verdict"
)

// handling is how the messages of somebody are looked at by the rules in force.
func (s *school) handling(k people.Kind, stage people.KeyStage) verdict.Handling {
	snap := s.room.Snapshot()
	return snap.Handling(snap.Names().GroupBits(s.room.GroupsOf(k, stage)), s.clock.Now())
}

func TestOnTheFirstDayProgramsStayOutForEverybodyAndNothingIsLookedInto(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		pupil, staff := s.handling(people.Pupil, "KS3"), s.handling(people.Staff, "")
		for _, k := range []verdict.FileKind{verdict.FileProgram, verdict.FileInstaller, verdict.FileScript, verdict.FileApp, verdict.FileDisk} {
			if pupil.File(k) != verdict.Block || staff.File(k) != verdict.Block {
				t.Errorf("%s: pupils %s, staff %s", k, pupil.File(k), staff.File(k))
			}
		}
		for _, k := range []verdict.FileKind{verdict.FileMacro, verdict.FileActive, verdict.FileLocked, verdict.FileUnreadable} {
			if pupil.File(k) != verdict.Block || staff.File(k) != verdict.Allow {
				t.Errorf("%s: pupils %s, staff %s", k, pupil.File(k), staff.File(k))
			}
		}
		if pupil.File(verdict.FileArchive) != verdict.Allow {
			t.Error("every archive is closed")
		}
		if pupil.Inspect || staff.Inspect || pupil.Phrases != 60 || staff.Phrases != 160 || !pupil.Chat || staff.Chat {
			t.Errorf("pupils %+v, staff %+v", pupil, staff)
		}
		if pupil.Viruses != verdict.ScanNone {
			t.Error("files wait for a scanner that nobody has set up")
		}
		// Somebody not known is held to the strictest of all.
		snap := s.room.Snapshot()
		if h := snap.Handling(0, s.clock.Now()); h.Phrases != 60 || h.File(verdict.FileMacro) != verdict.Block {
			t.Errorf("somebody not known: %+v", h)
		}
		if len(snap.Names().Groups) != 3 {
			t.Errorf("%d groups without any sentence that treats a key stage otherwise", len(snap.Names().Groups))
		}
	})
}

func TestAScannerThatIsSetUpScansAndOneThatIsRequiredKeepsFilesOutUntilThen(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		there := false
		s.deps.Scanner = func() bool { return there }
		s.start()
		_, err := s.activate(1, map[string]string{"filtering.viruses": "required", "filtering.viruses.max-size": "10"})
		must(t, err)
		if h := s.handling(people.Pupil, ""); h.Viruses != verdict.ScanClosed || h.MaxScan != 10<<20 || h.TooLarge != verdict.Block {
			t.Errorf("required, without a scanner: %+v", h)
		}
		for _, c := range []struct {
			word  string
			there bool
			want  verdict.Scan
		}{
			{"closed", false, verdict.ScanNone},
			{"closed", true, verdict.ScanClosed},
			{"open", true, verdict.ScanOpen},
			{"open", false, verdict.ScanNone},
			{"off", true, verdict.ScanNone},
			{"required", true, verdict.ScanClosed},
		} {
			there = c.there
			_, err := s.activate(s.live.Current().Number()+1, map[string]string{"filtering.viruses": c.word})
			must(t, err)
			if h := s.handling(people.Pupil, ""); h.Viruses != c.want {
				t.Errorf("%s with a scanner %t: %d, want %d", c.word, c.there, h.Viruses, c.want)
			}
		}
		// The machine gets a scanner, and Belisha is started again.
		there = false
		_, err = s.activate(s.live.Current().Number()+1, map[string]string{"filtering.viruses": "closed"})
		must(t, err)
		there = true
		s.start()
		if h := s.handling(people.Pupil, ""); h.Viruses != verdict.ScanClosed {
			t.Errorf("after a scanner was set up: %+v", h)
		}
	})
}

func TestAKeyStageHasItsOwnLimitsAndFiles(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		effects, err := s.activate(1, map[string]string{"filtering.pages.limit": "100"},
			s.value("filtering.pages.limit", "60", setting.Scope{KeyStage: "ks1"}),
			s.value("filtering.pages.limit", "160", setting.Scope{KeyStage: "ks4"}),
			s.value("filtering.downloads", "programs, archives", setting.Scope{KeyStage: "ks4"}))
		must(t, err)
		for stage, want := range map[people.KeyStage]int{"KS1": 60, "KS2": 100, "KS3": 100, "KS4": 160} {
			if h := s.handling(people.Pupil, stage); h.Phrases != want {
				t.Errorf("%s: %d, want %d", stage, h.Phrases, want)
			}
		}
		if h := s.handling(people.Pupil, "KS4"); h.File(verdict.FileArchive) != verdict.Block || h.File(verdict.FileMacro) != verdict.Allow {
			t.Error("the files of key stage 4 are not its own")
		}
		snap := s.room.Snapshot()
		if h := snap.Handling(0, s.clock.Now()); h.Phrases != 60 || h.File(verdict.FileArchive) != verdict.Block {
			t.Errorf("somebody not known: %+v", h)
		}
		// What is closed by name is closed for those groups as for all pupils.
		s.ask(filtering.Question{URL: "https://www.roblox.com/", Group: "pupils", KeyStage: "ks4"})
		if a := s.ask(filtering.Question{URL: "https://www.roblox.com/", Group: "pupils", KeyStage: "ks4"}); a.Action != "block" {
			t.Errorf("games for key stage 4: %s", a.Action)
		}
		said := words(effects)
		for _, want := range []string{
			"Pupils: a page is closed above the weight 100, before 60.", "Pupils of KS4: a page is closed above the weight 160, before 60.",
			"Pupils of KS4: may not download archives any more.", "Pupils of KS4: may download installers, scripts",
		} {
			if !strings.Contains(said, want) {
				t.Errorf("nobody is told %q:\n%s", want, said)
			}
		}
		if strings.Contains(said, "Pupils of KS3") || strings.Contains(said, "Pupils of KS1") {
			t.Errorf("what is the same is said again:\n%s", said)
		}
	})
}

func words(effects []setting.Effect) string {
	var out []string
	for _, e := range effects {
		out = append(out, e.Words)
	}
	return strings.Join(out, "\n")
}

func TestLookingInsideNeedsTheSignedImpactAssessment(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		signed := false
		s.deps.Assessed = func(context.Context) (bool, error) { return signed, nil }
		s.start()
		_, err := s.activate(1, map[string]string{"filtering.inspect": "on"})
		if got := refusal(err); !strings.Contains(got, "pupils, staff and guests needs the head's signed impact assessment") {
			t.Fatalf("switched on without it: %q, %v", got, err)
		}
		if h := s.handling(people.Pupil, ""); h.Inspect {
			t.Fatal("it is looked into all the same")
		}
		signed = true
		effects, err := s.activate(2, nil, s.value("filtering.inspect", "listed", setting.Scope{Group: "pupils"}))
		must(t, err)
		if said := words(effects); !strings.Contains(said, "Pupils: the filter looks inside encrypted sites of these kinds: search engines") {
			t.Errorf("effects:\n%s", said)
		}
		snap := s.room.Snapshot()
		inspects := func(group, host string) bool {
			ask := verdict.Ask{Door: verdict.DoorTunnel, Host: host, Port: 443, Groups: snap.Names().GroupBit(group), At: s.clock.Now()}
			v := snap.Decide(&ask)
			return snap.Inspects(ask.Groups, ask.At, host, &v)
		}
		for _, c := range []struct {
			group, host string
			want        bool
		}{
			{"pupils", "www.google.com", true},
			{"pupils", "www.example.org", false},
			{"staff", "www.google.com", false},
			{"pupils", "www.childline.org.uk", false},
			{"pupils", "www.barclays.co.uk", false},
			{"pupils", "www.nhs.uk", false},
			{"pupils", "fe3.delivery.mp.microsoft.com", false},
			{"pupils", "belisha.ashdown", false},
			{"pupils", "captive.apple.com", false},
		} {
			if got := inspects(c.group, c.host); got != c.want {
				t.Errorf("%s for %s: looked into %t", c.host, c.group, got)
			}
		}
		// Less needs nobody's signature.
		signed = false
		_, err = s.activate(3, nil, s.value("filtering.inspect", "off", setting.Scope{Group: "pupils"}))
		must(t, err)
		_, err = s.activate(4, nil, s.value("filtering.inspect", "on", setting.Scope{KeyStage: "ks4"}))
		if refusal(err) == "" {
			t.Errorf("one key stage without it: %v", err)
		}
	})
}

func TestWhatIsNeverLookedIntoIsAsThePolicySays(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.deps.Assessed = func(context.Context) (bool, error) { return true, nil }
		s.start()
		_, err := s.activate(1, map[string]string{"filtering.inspect": "on", "filtering.inspect.never": "banking, webmail", "filtering.inspect.never-hosts": "https://union.example/, library.example"})
		must(t, err)
		snap := s.room.Snapshot()
		for host, want := range map[string]bool{"www.union.example": false, "library.example": false, "mail.proton.me": false, "www.example.org": true} {
			ask := verdict.Ask{Door: verdict.DoorTunnel, Host: host, Groups: snap.Names().GroupBit("pupils"), At: s.clock.Now()}
			v := snap.Decide(&ask)
			if got := snap.Inspects(ask.Groups, ask.At, host, &v); got != want {
				t.Errorf("%s: looked into %t, %v", host, got, snap.Names().Slugs(v.Categories))
			}
		}
		_, err = s.activate(2, map[string]string{"filtering.inspect.never-hosts": "the bank"})
		if got := refusal(err); !strings.Contains(got, "never looked into") || !strings.Contains(got, "such as example.com") {
			t.Errorf("a word in place of a site: %q", got)
		}
	})
}

func TestHeadersAreSetForTheGroupsAndTheClientsCopyIsRemoved(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		_, err := s.activate(1, map[string]string{
			"filtering.tenants.google": "school.example and other.example", "filtering.tenants.slack": "T111, T222", "filtering.youtube": "strict",
		}, s.value("filtering.youtube", "moderate", setting.Scope{Group: "staff"}), s.value("filtering.tenants.microsoft-personal", "no", setting.Scope{Group: "pupils"}),
			s.value("filtering.tenants.google", "staff.example", setting.Scope{Group: "staff"}))
		must(t, err)
		snap := s.room.Snapshot()
		sent := func(group, host string) (out []string) {
			last := map[string]string{"YouTube-Restrict": "the client's", "X-GoogApps-Allowed-Domains": "the client's"}
			snap.Headers(snap.Names().GroupBit(group), s.clock.Now(), host, func(name, value string) { last[name] = value })
			for k, v := range last {
				if v != "" && v != "the client's" {
					out = append(out, k+"="+v)
				}
				if v == "the client's" && (k == "YouTube-Restrict" && strings.Contains(host, "youtube") || k != "YouTube-Restrict" && strings.Contains(host, "google")) {
					t.Errorf("%s keeps the client's %s", host, k)
				}
			}
			slices.Sort(out)
			return out
		}
		for _, c := range []struct{ group, host, want string }{
			{"pupils", "www.youtube.com", "YouTube-Restrict=Strict"},
			{"staff", "www.youtube.com", "YouTube-Restrict=Moderate"},
			{"pupils", "accounts.google.com", "X-GoogApps-Allowed-Domains=school.example,other.example"},
			{"staff", "accounts.google.com", "X-GoogApps-Allowed-Domains=staff.example"},
			{"guests", "school.slack.com", "X-Slack-Allowed-Workspaces-Requester=T111 X-Slack-Allowed-Workspaces=T111,T222"},
			{"pupils", "login.live.com", "sec-Restrict-Tenant-Access-Policy=restrict-msa"},
			{"staff", "login.live.com", ""},
			{"pupils", "www.example.org", ""},
		} {
			want := strings.Fields(c.want)
			slices.Sort(want)
			if got := sent(c.group, c.host); !slices.Equal(got, want) {
				t.Errorf("%s to %s: %q, want %q", c.group, c.host, got, want)
			}
		}
		// Somebody not known is held to the strictest.
		last := ""
		snap.Headers(0, s.clock.Now(), "www.youtube.com", func(_, value string) { last = value })
		if last != "Strict" {
			t.Errorf("somebody not known: %q", last)
		}
		_, err = s.activate(2, map[string]string{"filtering.tenants.google": "school.example\r\nX-Evil: 1"})
		if got := refusal(err); !strings.Contains(got, "neither a domain nor an id") {
			t.Errorf("a header in a header: %q, %v", got, err)
		}
	})
}

func TestGoingBackKeepsWhatThePolicySaysOfContent(t *testing.T) {
	s := open(t, sqlite(t)).confirmed()
	_, err := s.activate(1, map[string]string{"filtering.pages.limit": "120"})
	must(t, err)
	_, err = s.room.AddOwn(s.asManager(), filtering.Own{Text: "example.org", Act: verdict.Block, Reason: "a trial"})
	must(t, err)
	must(t, s.room.RollBack(s.asManager(), 1, "it was too strict"))
	if h := s.handling(people.Pupil, ""); h.Phrases != 120 {
		t.Errorf("the limit is %d", h.Phrases)
	}
}

func TestImageSearchIsClosedWarnedOfOrOpenForEveryEngine(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		_, err := s.activate(1, map[string]string{"filtering.image-search": "warn"},
			s.value("filtering.image-search", "block", setting.Scope{Group: "pupils"}), s.value("filtering.image-search", "allow", setting.Scope{Group: "guests"}),
			s.value("filtering.safesearch", "off", setting.Scope{Group: "pupils"}), s.value("filtering.safesearch", "off", setting.Scope{Group: "guests"}))
		must(t, err)
		for _, url := range []string{
			"https://www.google.co.uk/search?hl=en&tbm=isch&q=cats", "https://www.google.com/search?q=cats&udm=2", "https://images.google.com/", "https://www.google.fr/imghp",
			"https://www.bing.com/images/search?q=cats", "https://duckduckgo.com/?q=cats&iax=images&ia=images", "https://duckduckgo.com/i.js?q=cats",
			"https://images.search.yahoo.com/search/images?p=cats", "https://www.ecosia.org/images?q=cats", "https://search.brave.com/images?q=cats",
			"https://www.qwant.com/?q=cats&t=images", "https://api.qwant.com/v3/search/images?q=cats", "https://www.startpage.com/sp/search?query=cats&cat=pics",
			"https://www.startpage.com/do/search?cat=images&query=cats", "https://yandex.com/images/search?text=cats", "https://yandex.kz/images/?text=cats", "https://ya.ru/images/search?text=cats",
			"https://image.baidu.com/search/index?word=cats", "https://pixabay.com/images/search/cats/", "https://unsplash.com/s/photos/cats", "https://www.pexels.com/search/cats/",
			"https://www.shutterstock.com/search/cats", "https://giphy.com/search/cats",
		} {
			s.wants(url, "pupils", "block")
			s.wants(url, "staff", "warn")
			s.wants(url, "guests", "allow")
		}
		for _, url := range []string{"https://www.google.com/search?q=tbm=isch", "https://www.bing.com/search?q=images", "https://duckduckgo.com/?q=ia", "https://www.ecosia.org/search?q=images", "https://www.startpage.com/sp/search?query=cat%3Dpics"} {
			s.wants(url, "staff", "allow")
		}
	})
}
