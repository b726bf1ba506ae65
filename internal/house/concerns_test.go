package house_test

import (
	"strings"
	"testing"

	"belisha/internal/house"
)

func TestConcernsOpenOnlyWhereTheyAreSafe(t *testing.T) {
	why := strings.Join(open(t, house.Config{}).Concerns.Closed(t.Context()), "\n")
	for _, want := range []string{"HTTPS", "second factor", "backup", "Designated safeguarding lead"} {
		if !strings.Contains(why, want) {
			t.Errorf("a fresh school is not told of %q; it is told:\n%s", want, why)
		}
	}
	if why := open(t, house.Config{Demo: true}).Concerns.Closed(t.Context()); len(why) > 0 {
		t.Errorf("the demonstration is closed: %v", why)
	}
}
