package porter_test

import (
	"net/netip"
	"testing"
	"time"

	"belisha/internal/gate/gatetest"
	"belisha/internal/gate/porter"
	"belisha/internal/gate/subject"
	"belisha/internal/verdict"
)

func TestTheLatestBlockIsOnlyForWhomItWas(t *testing.T) {
	w := gatetest.New(t)
	at := netip.MustParseAddr("127.0.0.1")
	visit := func(host string) {
		who := w.Porter.Who(at, nil)
		a := w.Porter.Judge(&who, porter.Question{Door: verdict.DoorProxy, Host: host, Path: "/", Port: 80})
		w.Porter.Record(t.Context(), &a)
	}
	sees := func(when, want string) {
		t.Helper()
		if b, _ := w.Porter.Latest(at); b.Host != want {
			t.Errorf("%s: %q is shown, want %q", when, b.Host, want)
		}
	}
	leave := func(id string) {
		t.Helper()
		if err := w.Table.Apply(subject.Push{Number: w.Table.Number() + 1, Gone: []string{id}}, w.Clock.Now()); err != nil {
			t.Fatal(err)
		}
	}
	visit("bad.test")
	sees("whoever it was, nobody being signed in", "bad.test")
	w.SignIn(t, "127.0.0.1", "s1", "pupils")
	sees("whoever signs in after it", "")
	visit("own.test")
	sees("the one who was refused", "own.test")
	leave("s1")
	sees("the device after they signed out", "")
	w.SignIn(t, "127.0.0.1", "s2", "pupils")
	sees("the next one", "")
	visit("game.test")
	sees("the next one's own", "game.test")
	w.Clock.Advance(61 * time.Minute)
	sees("whoever comes an hour later", "")
}

func TestTheLatestBlockOfSomebodyWhoProvesThemselvesIsTheirsAlone(t *testing.T) {
	w := gatetest.New(t)
	at := netip.MustParseAddr("127.0.0.1")
	visit := func(name, host string) {
		row := subject.Row{ID: name, Subject: name, Groups: []string{"pupils"}, Ends: gatetest.Noon.Add(time.Hour)}
		who := w.Porter.Who(at, &row)
		a := w.Porter.Judge(&who, porter.Question{Door: verdict.DoorProxy, Host: host, Path: "/", Port: 80})
		w.Porter.Record(t.Context(), &a)
	}
	visit("s1", "bad.test")
	visit("s2", "own.test")
	for who, want := range map[string]string{"s1": "bad.test", "s2": "own.test", "s3": "", "": ""} {
		if b, _ := w.Porter.LatestOf(at, who); b.Host != want {
			t.Errorf("%q sees %q", who, b.Host)
		}
	}
	w.SignIn(t, "127.0.0.1", "s1", "pupils") // on the pages, too
	if b, _ := w.Porter.Latest(at); b.Host != "bad.test" {
		t.Errorf("signed in as well: %q", b.Host)
	}
	w.Clock.Advance(61 * time.Minute)
	if b, ok := w.Porter.LatestOf(at, "s2"); ok {
		t.Errorf("an hour later: %q", b.Host)
	}
}
