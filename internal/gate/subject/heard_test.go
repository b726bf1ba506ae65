package subject

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"belisha/internal/gate/spool"
)

// heard is what an access point says of somebody whom the parent knows.
func heard(id, of, subject string, groups ...string) Row {
	r := row(id, subject, groups...)
	r.Of, r.Certainty = of, spool.Likely
	return r
}

func TestWhatIsHeardOfSomebodyIsLikelyAndFollowsTheirRow(t *testing.T) {
	table := New(nil)
	if err := table.Hear(heard("w1", "k1", "s1", "pupils"), now); err != nil {
		t.Fatal(err)
	}
	find := func() Found { return table.Find(desk, now) }
	if f := find(); f.Subject != "s1" || f.Certainty != spool.Likely || !f.Signed {
		t.Fatalf("got %+v", f)
	}
	known := row("k1", "s1", "pupils", "late")
	known.Address, known.PausedUntil = netip.IPv4Unspecified(), now.Add(time.Minute)
	if err := table.Apply(Push{Number: 1, Full: true, Known: []Row{known}}, now); err != nil {
		t.Fatal(err)
	}
	if f := find(); f.Subject != "s1" || len(f.Groups) != 2 || !f.Paused || f.Certainty != spool.Likely {
		t.Errorf("told anew: %+v", f)
	}
	if len(table.Paused(now)) != 0 {
		t.Error("the parent is told of a row that it never told")
	}
	path := filepath.Join(t.TempDir(), "presence")
	if err := table.Save(path); err != nil {
		t.Fatal(err)
	}
	again := New(nil)
	if err := again.Load(path, now); err != nil {
		t.Fatal(err)
	}
	if f := again.Find(desk, now); f.Subject != "s1" {
		t.Errorf("after a restart: %+v", f)
	}
	if err := table.Apply(Push{Number: 2, Gone: []string{"k1"}}, now); err != nil {
		t.Fatal(err)
	}
	if f := find(); f.Subject != "" || len(f.Groups) != 0 {
		t.Errorf("they have left the school, and are still here: %+v", f)
	}
}

func TestAFullPushThatDoesNotKnowThemEndsWhatWasHeard(t *testing.T) {
	table := New(nil)
	if err := table.Hear(heard("w1", "k1", "s1", "staff"), now); err != nil {
		t.Fatal(err)
	}
	if err := table.Apply(Push{Number: 7, Full: true}, now); err != nil {
		t.Fatal(err)
	}
	if f := table.Find(desk, now); f.Subject != "" {
		t.Errorf("got %+v", f)
	}
}

func TestTwoPeopleBehindAnAddressAreNobodyHoweverTheyWereFound(t *testing.T) {
	table := New(nil)
	push(t, table, row("a", "s1", "staff"))
	if err := table.Hear(heard("w1", "k2", "s2", "pupils"), now); err != nil {
		t.Fatal(err)
	}
	if f := table.Find(desk, now); f.Subject != "" || !f.Several || f.Certainty != spool.Unknown || len(f.Groups) != 2 {
		t.Errorf("a teacher signed in, and the network says it is a pupil: %+v", f)
	}
	if n := table.Unhear(func(r *Row) bool { return r.Subject == "s2" }); n != 1 {
		t.Errorf("%d rows forgotten", n)
	}
	if n := table.Unhear(func(*Row) bool { return true }); n != 0 {
		t.Error("somebody who signed in was forgotten with what was heard")
	}
	if f := table.Find(desk, now); f.Subject != "s1" || f.Certainty != spool.Sure {
		t.Errorf("got %+v", f)
	}
}

func TestSignedInAndHeardOfIsAsSureAsSigningIn(t *testing.T) {
	table := New(nil)
	push(t, table, row("a", "s1", "staff"))
	late := heard("w1", "k1", "s1", "staff")
	late.Ends = now.Add(5 * time.Hour)
	if err := table.Hear(late, now); err != nil {
		t.Fatal(err)
	}
	if f := table.Find(desk, now); f.Certainty != spool.Sure {
		t.Errorf("got %+v", f)
	}
}

func TestADeviceThatTheNetworkNamesIsFoundByAllItsAddresses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "arp")
	os.WriteFile(path, []byte("IP address HW type Flags HW address Mask Device\n10.0.0.7 0x1 0x2 AA:bb:cc:00:11:22 * eth0\n"), 0o600)
	private := netip.MustParseAddr("2001:db8::7:1")
	table := New(nil)
	table.neighbour.path = path
	table.neighbour.six = func() map[netip.Addr]string { return map[netip.Addr]string{private: "aa:bb:cc:00:11:22"} }
	r := heard("w1", "k1", "s1", "pupils")
	r.MAC = "aa:bb:cc:00:11:22"
	if err := table.Hear(r, now); err != nil {
		t.Fatal(err)
	}
	byMAC := r
	byMAC.ID, byMAC.Address = "w2", netip.Addr{}
	if err := table.Hear(byMAC, now); err != nil {
		t.Fatal(err)
	}
	for _, a := range []netip.Addr{desk, private} {
		if f := table.Find(a, now); f.Subject != "s1" || f.Address != a {
			t.Errorf("%s: %+v", a, f)
		}
	}
	if f := table.Find(netip.MustParseAddr("2001:db8::8"), now); f.Subject != "" {
		t.Errorf("another device: %+v", f)
	}
	table.Unhear(func(*Row) bool { return true })
	if f := table.Find(private, now); f.Subject != "" {
		t.Errorf("gone: %+v", f)
	}
}

func TestWhatIsHeardEndsByTheClockAndMustNameSomebody(t *testing.T) {
	table := New(nil)
	if err := table.Hear(heard("w1", "k1", "s1", "pupils"), now); err != nil {
		t.Fatal(err)
	}
	if f := table.Find(desk, now.Add(time.Hour)); f.Subject != "" {
		t.Errorf("got %+v", f)
	}
	for _, r := range []Row{heard("", "k", "s"), heard("w", "", "s"), {ID: "w", Of: "k"}} {
		if table.Hear(r, now) == nil {
			t.Errorf("%+v was taken", r)
		}
	}
}
