//go:build linux

package stories_test

import (
	"strings"
	"testing"

	"belisha/internal/kit/web/browsertest"
)

// TestABrowserFindsTheFilterByItsPAC is a device that was given nothing but
// the address of the proxy configuration: it is filtered, knows what it is,
// and goes past Belisha only when Belisha was taken out and another filter
// stands behind.
func TestABrowserFindsTheFilterByItsPAC(t *testing.T) {
	w := newWorld(t)
	desk := browsertest.Open(t, browsertest.Options{})
	w.signIn(desk, "head")
	desk.Go("http://" + w.srv.Pages + "/devices/beside")
	fits(t, desk)
	w.pick(t, desk, "kind", "behind")
	desk.Fill("provider", "the county's broadband")
	desk.Press("Try it")
	desk.Go("http://" + w.srv.Pages + "/devices/doors")
	fits(t, desk)
	desk.Fill("address", "127.0.0.1")
	desk.Press("Save and go on")
	desk.Go("http://" + w.srv.Pages + "/devices")
	pac := "http://" + w.srv.Proxy + "/proxy.pac"
	desk.Has(pac, "stands behind Belisha")

	child := browsertest.Open(t, browsertest.Options{PAC: pac})
	child.Go("http://www.1001games.com/")
	// The head is signed in on this very machine: the page is one for staff.
	child.Has("www.1001games.com", "closed for you")
	child.Go(ourHost + "/device")
	child.Has("goes through the school's filter")
	fits(t, child)
	desk.Go("http://" + w.srv.Pages + "/devices")
	desk.Has("127.0.0.1", "seen, filtered")

	desk.Go("http://" + w.srv.Pages + "/setup/way-out")
	desk.Fill("reason", "a trial")
	desk.Press("Take Belisha out")
	desk.Has("Put Belisha back")
	past := browsertest.Open(t, browsertest.Options{PAC: pac, Resolve: "MAP www.1001games.com 127.0.0.1:1"})
	if err := past.Visit("http://www.1001games.com/"); err == nil && strings.Contains(past.Text(), "closed for you") {
		t.Errorf("taken out, and the filter still answers: %s", past.Text())
	}
	past.Go(ourHost + "/help") // our own pages stay where they are
	past.Has("Childline")
}
