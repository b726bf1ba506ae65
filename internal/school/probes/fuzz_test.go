package probes_test

import (
	"strings"
	"testing"
	"time"

	"belisha/internal/school/probes"
)

// FuzzWhatADeviceTells: whatever is told, it is read within bounds, and a
// number counts only as it was given.
func FuzzWhatADeviceTells(f *testing.F) {
	good := probes.Number("key", monday)
	for _, s := range []string{"here open\nadult closed", "", "\n\n \n", "a b c\n", strings.Repeat("x y\n", 400), "here\topen\r\n", "\x00 \xff\n", "[{\"Case\":\"here\"}]", good, good + "0", "-" + good, "9223372036854775807-x", "-1-"} {
		f.Add([]byte(s), s)
	}
	f.Fuzz(func(t *testing.T, raw []byte, number string) {
		list := probes.ReadTold(raw)
		if len(list) > 300 {
			t.Errorf("%d answers are read", len(list))
		}
		for _, x := range list {
			if x.Case == "" || x.Outcome == "" || strings.ContainsAny(x.Case+x.Outcome, " \n\t") {
				t.Errorf("read: %q", x)
			}
		}
		at, ok := probes.Given("key", number)
		if ok && probes.Number("key", at) != number {
			t.Errorf("%q counts as given at %s", number, at)
		}
		if _, ok := probes.Given("another", number); ok && len(number) > 0 {
			t.Errorf("%q counts for another key", number)
		}
	})
}

func TestANumberCountsForTheSiteItWasGivenTo(t *testing.T) {
	n := probes.Number("key", monday.Add(123*time.Millisecond))
	if at, ok := probes.Given("key", n); !ok || !at.Equal(monday.Add(123*time.Millisecond)) {
		t.Errorf("%s, %v", at, ok)
	}
	for _, x := range []string{n + "0", n[1:], "0" + n, strings.ToUpper(n), ""} {
		if _, ok := probes.Given("key", x); ok {
			t.Errorf("%q counts", x)
		}
	}
}
