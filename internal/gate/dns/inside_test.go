package dns

import (
	"errors"
	"testing"

	"belisha/internal/gate/gatetest"
	"belisha/internal/gate/porter"
)

func TestANameThatLeadsOnlyInsideIsToldFromOneThatDoesNotExist(t *testing.T) {
	w := gatetest.New(t)
	up := gatetest.Upstream(t, "rebind.test. 60 A 10.0.0.1", "half.test. 60 A 10.0.0.1", "half.test. 60 A 203.0.113.7", "six.test. 60 AAAA fd00::1")
	r, err := NewResolver([]string{up}, public, w.Clock, w.Log)
	if err != nil {
		t.Fatal(err)
	}
	for name, inside := range map[string]bool{"rebind.test": true, "six.test": true, "nowhere.test": false} {
		for range 2 { // the second time from the cache
			if list, err := r.Lookup(t.Context(), name); err == nil || errors.Is(err, porter.ErrInside) != inside {
				t.Errorf("%s: %v, %v", name, list, err)
			}
		}
	}
	if list, err := r.Lookup(t.Context(), "half.test"); err != nil || len(list) != 1 {
		t.Errorf("half.test: %v, %v", list, err)
	}
}
