package subject

import (
	"net/netip"
	"slices"
	"testing"
	"time"
)

func TestWhoSignsOutOfALessonLeavesItBehind(t *testing.T) {
	table := New(nil)
	mia := row("a", "s1", "pupils")
	mia.Classes = []string{"class:7B"}
	push(t, table, mia)
	gone := Push{Number: table.Number() + 1, Gone: []string{"a"}}
	if late := table.Leaving(&gone, now.Add(time.Hour)); len(late) != 0 {
		t.Errorf("who was gone already leaves: %+v", late)
	}
	leaving := table.Leaving(&gone, now)
	if len(leaving) != 1 || leaving[0].Subject != "s1" {
		t.Fatalf("leaving: %+v", leaving)
	}
	if err := table.Apply(gone, now); err != nil {
		t.Fatal(err)
	}
	table.Stay(leaving[0], now.Add(time.Hour), now)
	nobody := func(when string, f Found, among ...string) {
		t.Helper()
		if f.Subject != "" || f.Signed || f.Several || f.Paused || f.Certainty != 0 || len(f.Groups) != 0 || !slices.Equal(f.Among, among) {
			t.Errorf("%s: %+v", when, f)
		}
	}
	nobody("signed out", table.Find(desk, now), "class:7B")
	if err := table.Apply(Push{Number: 9, Full: true}, now); err != nil {
		t.Fatal(err)
	}
	nobody("told everything anew", table.Find(desk, now), "class:7B")
	if len(table.Paused(now)) != 0 || table.Heard(nil) != 0 {
		t.Error("who has left is counted among those who are there")
	}
	push(t, table, row("b", "s2", "staff"))
	if f := table.Find(desk, now); f.Subject != "s2" || len(f.Among) != 0 || len(f.Groups) != 1 {
		t.Errorf("a teacher takes the device over: %+v", f)
	}
	if err := table.Apply(Push{Number: 11, Gone: []string{"b"}}, now); err != nil {
		t.Fatal(err)
	}
	nobody("and leaves it", table.Find(desk, now), "class:7B")
	nobody("at the lesson's end", table.Find(desk, now.Add(time.Hour)))
}

func TestSomebodysDeviceIsAsStrictAsWhoLeftIt(t *testing.T) {
	table := New(nil)
	if err := table.SetDevices([]Device{{ID: "desk", Groups: []string{"staff"}, Addresses: []netip.Prefix{netip.PrefixFrom(desk, 32)}}}); err != nil {
		t.Fatal(err)
	}
	mia := row("a", "s1", "pupils")
	mia.Classes = []string{"class:7B"}
	table.Stay(mia, now.Add(time.Hour), now)
	f := table.Find(desk, now)
	if !slices.Contains(f.Groups, "pupils") || !slices.Contains(f.Groups, "staff") || f.Device != "desk" {
		t.Errorf("%+v", f)
	}
	if d := table.devices["desk"].Groups; len(d) != 1 {
		t.Errorf("the device table was changed: %v", d)
	}
}

func TestOfSeveralPeopleTheClassesOfAnyAreTold(t *testing.T) {
	table := New(nil)
	mia, ben := row("a", "s1", "pupils"), row("b", "s2", "pupils")
	mia.Classes, ben.Classes = []string{"class:7B", "set:x"}, []string{"set:x"}
	push(t, table, mia, ben)
	f := table.Find(desk, now)
	if !slices.Equal(f.Together, []string{"set:x"}) || !slices.Contains(f.Among, "class:7B") || len(f.Among) != 2 {
		t.Errorf("together %v, among %v", f.Together, f.Among)
	}
}
