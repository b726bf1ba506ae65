package verdict

import (
	"testing"
	"time"
)

func TestHowSafeAServiceIsKeptIsSaidByName(t *testing.T) {
	s, err := New(Rules{
		Version: RulesVersion,
		Groups: []Group{
			{Slug: "pupils"},
			{Slug: "sixth", Safe: map[string]string{"tube": "moderate"}},
			{Slug: "staff", Safe: map[string]string{"": "off"}},
			{Slug: "trial", TryOut: true},
		},
		Safe: []SafeService{{Name: "tube", Hosts: []string{"www.tube.test"}, Strict: "strict.tube.test", Moderate: "mild.tube.test"}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name, service string
		groups        uint64
		want          string
	}{
		{"as nothing is set", "tube", 1, "strict"},
		{"as the group sets it", "tube", 2, "moderate"},
		{"as the group sets it for all", "tube", 4, "off"},
		{"of two groups the stricter", "tube", 2 | 4, "moderate"},
		{"nobody known", "tube", 0, "strict"},
		{"a group that is being tried out", "tube", 8, "off"},
		{"a service that the rules do not name", "other", 1, "off"},
	}
	for _, c := range cases {
		if got := s.SafeMode(c.groups, c.service, time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)); got != c.want {
			t.Errorf("%s: %s", c.name, got)
		}
	}
}
