package help_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"belisha/internal/school/help"
)

func room(t *testing.T, latest func(context.Context, netip.Addr) (help.Closed, bool, error)) *help.Room {
	t.Helper()
	r, err := help.New(help.Deps{
		Latest: latest,
		Places: []help.Place{{Service: "Childline", Phone: "0800 1111", Host: "www.childline.org.uk", Words: "Free, day and night."}},
		Adult:  func(context.Context) string { return "any adult you trust" },
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestEveryPageOfHelpIsOpenToEverybodyAndReachableThroughTheFilter(t *testing.T) {
	r := room(t, func(context.Context, netip.Addr) (help.Closed, bool, error) { return help.Closed{At: time.Unix(1, 0)}, true, nil })
	for _, route := range r.Section().Routes {
		if route.Needs != "open" || !route.People {
			t.Errorf("%s needs %q, people %t", route.Pattern, route.Needs, route.People)
		}
	}
}

func TestARoomWithoutAPlaceToTurnToIsRefused(t *testing.T) {
	_, err := help.New(help.Deps{
		Latest: func(context.Context, netip.Addr) (help.Closed, bool, error) {
			return help.Closed{}, false, errors.New("away")
		},
		Adult: func(context.Context) string { return "x" },
	})
	if err == nil {
		t.Fatal("a help room without help was made")
	}
}
