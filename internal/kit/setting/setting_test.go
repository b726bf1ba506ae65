package setting_test

import (
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/setting"

	"github.com/google/go-cmp/cmp"
)

const day = 24 * time.Hour

func TestDurationsAreReadAsPoliciesWriteThem(t *testing.T) {
	s := setting.Setting{Key: "a.b.c", Kind: setting.Duration, OffAllowed: true}
	for words, want := range map[string]time.Duration{
		"90 days": 90 * day, "10 minutes": 10 * time.Minute, "twelve months": 360 * day,
		"one school day": day, "week": 7 * day, "a term": 105 * day, "1 hour and 30 minutes": 90 * time.Minute,
		"Ten  Minutes": 10 * time.Minute, "half an hour": 30 * time.Minute, "0.5 hours": 30 * time.Minute, "off": 0, "never": 0,
	} {
		v, err := s.Parse(words)
		if words == "half an hour" { // two counts in a row are not read
			if err == nil {
				t.Errorf("%q was read as %v", words, v.Duration)
			}
			continue
		}
		if err != nil || v.Duration != want {
			t.Errorf("%q = %v, %v; want %v", words, v.Duration, err, want)
		}
	}
	for _, bad := range []string{"soon", "10", "-5 days", "9999999 years", "10 minutes later", "ten apples"} {
		if v, err := s.Parse(bad); err == nil {
			t.Errorf("%q was read as %v", bad, v.Duration)
		}
	}
}

func TestADurationOutOfBoundsSaysTheBound(t *testing.T) {
	s := setting.Setting{Key: "a.b.c", Kind: setting.Duration, Min: time.Minute, Max: 2 * time.Hour}
	_, err := s.Parse("3 hours")
	if err == nil || !strings.Contains(err.Error(), "the most is 2 hours") {
		t.Errorf("err = %v", err)
	}
	if _, err := s.Parse("never"); err == nil {
		t.Error("a bounded duration was switched off")
	}
}

func TestTimesOfDay(t *testing.T) {
	s := setting.Setting{Key: "a.b.c", Kind: setting.Span, OffAllowed: true}
	for words, want := range map[string][2]int{
		"8:30 to 15:30": {510, 930}, "8.30am until 3.30pm": {510, 930}, "22:00–06:00": {1320, 360}, "between 9am and noon": {540, 720},
	} {
		v, err := s.Parse(words)
		if err != nil || v.From != want[0] || v.To != want[1] {
			t.Errorf("%q = %d to %d, %v", words, v.From, v.To, err)
		}
	}
	for _, bad := range []string{"9 to 5", "25:00 to 26:00", "8:3 to 9:00", "noon to noon", "13pm to 14pm"} {
		if _, err := s.Parse(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestAListIsReadWholeAndSaysWhatItDoesNotKnow(t *testing.T) {
	s := setting.Setting{Key: "a.b.c", Kind: setting.List, Options: []setting.Option{
		{Value: "social-networks", Title: "social networks"},
		{Value: "chat"},
		{Value: "gambling"},
		{Value: "music-download", Title: "music downloads"},
		{Value: "arts-crafts", Title: "arts and crafts"},
		{Value: "shopping"},
	}}
	v, err := s.Parse("social networks, chat, gambling, music downloads and shopping, arts and crafts and chat")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"social-networks", "chat", "gambling", "music-download", "shopping", "arts-crafts"}
	if d := cmp.Diff(want, v.Items); d != "" {
		t.Error(d)
	}
	if _, err := s.Parse("gambling and unicorns"); err == nil || !strings.Contains(err.Error(), "unicorns") {
		t.Errorf("err = %v", err)
	}
}

func TestTheNarrowestScopeWins(t *testing.T) {
	b, err := setting.NewBook([]setting.Setting{{Key: "access.idle.lock", Kind: setting.Duration, Default: "10 minutes", Scopes: []string{"place"}}})
	if err != nil {
		t.Fatal(err)
	}
	lib := setting.Scope{Place: "library"}
	vs := setting.NewValues(b, 1, []setting.Value{
		{Key: "access.idle.lock", Duration: 20 * time.Minute, Confirmed: true},
		{Key: "access.idle.lock", Duration: 5 * time.Minute, Scope: lib, Confirmed: true},
	})
	if got := vs.Duration("access.idle.lock"); got != 20*time.Minute {
		t.Errorf("everywhere: %v", got)
	}
	if got := vs.Duration("access.idle.lock", lib); got != 5*time.Minute {
		t.Errorf("library: %v", got)
	}
	if got := vs.Duration("access.idle.lock", setting.Scope{Place: "hall"}); got != 20*time.Minute {
		t.Errorf("hall: %v", got)
	}
	if !vs.Get("access.idle.lock").Confirmed || setting.NewValues(b, 0, nil).Get("access.idle.lock").Confirmed {
		t.Error("confirmed is wrong")
	}
}

func TestABookRefusesTwoSettingsWithOneKeyAndABadDefault(t *testing.T) {
	one := []setting.Setting{{Key: "a.b.c", Kind: setting.YesNo, Default: "no"}}
	if _, err := setting.NewBook(one, one); err == nil {
		t.Error("two settings with one key passed")
	}
	if _, err := setting.NewBook([]setting.Setting{{Key: "a.b.d", Kind: setting.Number, Default: "many"}}); err == nil {
		t.Error("a default that does not parse passed")
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"90 days", "8:30 to 15:30", "a, b and c", "yes", "5 %", "½ day", "and and and"} {
		f.Add(s)
	}
	opts := []setting.Option{{Value: "a"}, {Value: "b", Title: "b and c"}}
	f.Fuzz(func(t *testing.T, words string) {
		for _, k := range []setting.Kind{setting.Duration, setting.Span, setting.List, setting.Choice, setting.YesNo, setting.Number, setting.Text} {
			v, err := setting.Setting{Key: "k", Kind: k, Options: opts, OffAllowed: true}.Parse(words)
			if err == nil && v.Duration < 0 {
				t.Errorf("%q gave %v", words, v.Duration)
			}
		}
	})
}
