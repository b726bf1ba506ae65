package house_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"belisha/internal/gate/control"
	"belisha/internal/gate/porter"
	"belisha/internal/house"
	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/school/alarms"
	"belisha/internal/school/probes"
)

// tenOClock is on a school day.
var tenOClock = time.Date(2026, 11, 23, 10, 20, 0, 0, time.UTC)

// found says what a look found bad, with its risk.
func found(l alarms.Look) string {
	var out []string
	for _, s := range l.Bad {
		out = append(out, fmt.Sprintf("%s/%s %d", s.Kind, s.Subject, s.Risk))
	}
	return strings.Join(out, ", ")
}

// complete holds every signal against what pages must be able to say.
func complete(t *testing.T, l alarms.Look) {
	t.Helper()
	kinds := map[string]bool{}
	for _, k := range house.Kinds() {
		kinds[k.Kind] = true
	}
	for _, s := range l.Bad {
		if s.Words == "" || s.May == "" || s.Todo == "" || s.Owner == "" || s.Risk < 1 || !strings.HasPrefix(s.Link, "/") {
			t.Errorf("it does not say everything: %+v", s)
		}
		if !kinds[s.Kind] || !slices.Contains(l.Looked, s.Kind) {
			t.Errorf("%s is on no list of what is looked at", s.Kind)
		}
	}
}

func TestWhatTheFilterSaysOfItselfBecomesAnAlarm(t *testing.T) {
	h := open(t, house.Config{Clock: clock.NewFake(tenOClock)})
	number := h.Filtering.Snapshot().Number()
	tries := func(device string, n uint64, ago time.Duration) []porter.Bypasses {
		return []porter.Bypasses{{Address: netip.MustParseAddr("10.1.2.3"), Device: device, First: tenOClock.Add(-3 * time.Hour), Last: tenOClock.Add(-ago), Foreign: n}}
	}
	for _, x := range []struct {
		name string
		st   func(*control.Status)
		want string
	}{
		{"all well", func(*control.Status) {}, ""},
		{"other rules than those published", func(s *control.Status) { s.RulesNumber++ }, "rules-behind/ 3"},
		{"new rules that cannot be used", func(s *control.Status) { s.RulesError = "the signature does not hold" }, "rules-behind/ 3"},
		{"no scanner is set", func(s *control.Status) { s.Content.Scanners = nil }, ""},
		{"a scanner that nobody asked yet", func(s *control.Status) { s.Content.Scanners = []control.Scanner{{}} }, ""},
		{"the only scanner is away", func(s *control.Status) { s.Content.Scanners = []control.Scanner{{Asked: true}} }, "scanner-away/ 2"},
		{"one of two scanners is away", func(s *control.Status) {
			s.Content.Scanners = []control.Scanner{{Asked: true}, {Asked: true, OK: true}}
		}, ""},
		{"old signatures", func(s *control.Status) { s.Content.Scanners = []control.Scanner{{Asked: true, OK: true, Stale: true}} }, "scanner-old/ 2"},
		{"no ticket can be read", func(s *control.Status) { s.Kerberos = control.Kerberos{Set: true, Why: "there is no keytab"} }, "sign-in-broken/kerberos 2"},
		{"an access point with another secret", func(s *control.Status) {
			s.Accounting = control.Accounting{Set: true, Peers: []control.Speaker{{Address: "10.0.0.7", Refused: 4}, {Address: "10.0.0.8", OK: true}, {Address: "10.0.0.9"}}}
		}, "sign-in-broken/10.0.0.7 2"},
		{"a phone that asks once in a while", func(s *control.Status) { s.Bypasses = tries("", 49, time.Minute) }, ""},
		{"a device that insists", func(s *control.Status) { s.Bypasses = tries("", 51, time.Minute) }, "bypass/10.1.2.3 1"},
		{"one that insisted this morning and gave up", func(s *control.Status) { s.Bypasses = tries("", 900, 3*time.Hour) }, ""},
		{"our own trial", func(s *control.Status) { s.Bypasses = tries("probe-pupils", 900, time.Minute) }, ""},
		{"connections that hide their site", func(s *control.Status) {
			s.Bypasses = tries("tablet-7", 0, time.Minute)
			s.Bypasses[0].Hidden = 60
		}, "bypass/tablet-7 1"},
		{"what browsers ask by themselves", func(s *control.Status) {
			s.Bypasses = tries("", 0, time.Minute)
			s.Bypasses[0].Canary, s.Bypasses[0].Relay = 500, 500
		}, ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			st := control.Status{RulesNumber: number}
			x.st(&st)
			look := h.Watching().Status(t, st, tenOClock)
			if got := found(look); got != x.want {
				t.Errorf("found %q, want %q", got, x.want)
			}
			complete(t, look)
		})
	}
}

func TestAFilterThatIsStartedAgainAndAgainIsAnAlarm(t *testing.T) {
	h := open(t, house.Config{Clock: clock.NewFake(tenOClock)})
	w := h.Watching()
	st := control.Status{RulesNumber: h.Filtering.Snapshot().Number()}
	var got string
	for i := range 4 {
		st.Started = tenOClock.Add(time.Duration(i) * 10 * time.Minute)
		got = found(w.Status(t, st, st.Started.Add(time.Minute)))
		if i < 3 && got != "" {
			t.Errorf("after %d starts: %q", i+1, got)
		}
	}
	if got != "filter-restarts/ 2" {
		t.Errorf("after four starts: %q", got)
	}
	if got := found(w.Status(t, st, st.Started.Add(2*time.Hour))); got != "" {
		t.Errorf("two hours later: %q", got)
	}
}

func TestADiskThatIsNearlyFullIsAnAlarmBeforeItIs(t *testing.T) {
	h := open(t, house.Config{Clock: clock.NewFake(tenOClock)})
	for free, want := range map[uint64]string{3 << 30: "", 1 << 30: "disk-full/ 2", 100 << 20: "disk-full/ 3", 0: "disk-full/ 3"} {
		look := h.Watching().Disk(free)
		if got := found(look); got != want {
			t.Errorf("%d bytes are free: %q", free, got)
		}
		complete(t, look)
	}
}

func TestATrialThatCameOutWrongStandsUntilOneComesOutRight(t *testing.T) {
	c := clock.NewFake(tenOClock)
	h := open(t, house.Config{Clock: c})
	ctx := actor.With(context.Background(), actor.Belisha("test"))
	site, _, err := h.Probes.AddSite(ctx, "Pavilion", "pupils")
	if err != nil {
		t.Fatal(err)
	}
	tell := func(here string) {
		t.Helper()
		if _, err := h.Probes.Report(ctx, site, []probes.Told{{Case: "here", Outcome: here}}); err != nil {
			t.Fatal(err)
		}
	}
	w := h.Watching()
	now := func() string { return found(w.Records(t, c.Now())) }
	if got := now(); got != "" {
		t.Errorf("just named: %q", got)
	}
	tell("nothing")
	if got := now(); got != "trial-wrong/Pavilion (pupils) 3" {
		t.Errorf("not behind the filter: %q", got)
	}
	c.Advance(48 * time.Hour)
	look := w.Records(t, c.Now())
	if got := found(look); got != "trial-wrong/Pavilion (pupils) 3, trial-missing/Pavilion (pupils) 1" {
		t.Errorf("then it was switched off: %q", got)
	}
	complete(t, look)
	tell("open")
	if got := now(); got != "" {
		t.Errorf("back behind the filter: %q", got)
	}
	if err := h.Probes.EndSite(ctx, site.ID, 1); err != nil {
		t.Fatal(err)
	}
	c.Advance(200 * time.Hour)
	if got := now(); got != "" {
		t.Errorf("ended: %q", got)
	}
}

func TestASchoolWithoutARecordIsHeldAgainstNothing(t *testing.T) {
	c := clock.NewFake(tenOClock)
	h := open(t, house.Config{Clock: c})
	look := h.Watching().Records(t, tenOClock)
	for _, kind := range []string{"traffic-stops", "blocks-fall", "site-dark", "devices-gone"} {
		if slices.Contains(look.Looked, kind) || !strings.Contains(look.Why[kind], "too little") {
			t.Errorf("%s: %q", kind, look.Why[kind])
		}
	}
	look = h.Watching().Records(t, tenOClock.Add(12*time.Hour))
	if look.Why["traffic-stops"] != "only in school hours" {
		t.Errorf("at night: %q", look.Why["traffic-stops"])
	}
}

func TestAFilterThatIsAwayIsOneAlarm(t *testing.T) {
	h := open(t, house.Config{Clock: clock.NewFake(tenOClock)})
	look := h.Watching().Whole(t, tenOClock)
	if got := found(look); got != "filter-away/ 3" {
		t.Errorf("found %q", got)
	}
	for _, kind := range []string{"traffic-stops", "blocks-fall", "identity-falls", "scanner-away", "bypass"} {
		if slices.Contains(look.Looked, kind) || look.Why[kind] != "the filter does not answer" {
			t.Errorf("%s: %q", kind, look.Why[kind])
		}
	}
	complete(t, look)
}

func TestAJournalThatDoesNotHoldIsTheHeads(t *testing.T) {
	c := clock.NewFake(tenOClock)
	h := open(t, house.Config{Clock: c})
	w := h.Watching()
	if got := found(w.Records(t, c.Now())); got != "" {
		t.Fatalf("before: %q", got)
	}
	h.Spoil(t)
	if got := found(w.Records(t, c.Now())); got != "" {
		t.Errorf("it is verified at each look: %q", got)
	}
	c.Advance(6 * time.Hour)
	look := w.Records(t, c.Now())
	if got := found(look); got != "journal-wrong/ 3" || look.Bad[0].Owner != "headteacher" {
		t.Errorf("after six hours: %q", got)
	}
	complete(t, look)
}
