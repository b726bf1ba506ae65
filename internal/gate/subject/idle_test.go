package subject

import (
	"path/filepath"
	"testing"
	"time"
)

func TestARowThatIsLeftAloneEndsAndOnlyANewSignInBringsItBack(t *testing.T) {
	table := New(nil)
	idle := row("r", "s1", "pupils")
	idle.Idle, idle.Fresh = 10*time.Minute, true
	push(t, table, idle)
	there := func(after time.Duration) bool {
		f := table.Find(desk, now.Add(after))
		return f.Subject == "s1" && f.Signed
	}
	if !there(10*time.Minute-time.Millisecond) || there(10*time.Minute) {
		t.Fatal("it does not end after ten minutes without use")
	}
	if !table.Changes(now.Add(9*time.Minute), now.Add(10*time.Minute)) {
		t.Error("nobody judges running tunnels again when it ends")
	}
	found := table.Find(desk, now)
	found.Used(now.Add(8 * time.Minute)) // of a copy, as doors have it
	if !there(17*time.Minute) || there(18*time.Minute) {
		t.Fatal("use does not keep it")
	}
	// Told again, with the rules or alone, it stays ended.
	again := idle
	again.Fresh = false
	late := now.Add(30 * time.Minute)
	if err := table.Apply(Push{Number: 9, Full: true, Rows: []Row{again}}, late); err != nil {
		t.Fatal(err)
	}
	if there(30 * time.Minute) {
		t.Fatal("telling it again brought it back")
	}
	if err := table.Apply(Push{Number: 10, Rows: []Row{idle}}, late); err != nil {
		t.Fatal(err)
	}
	if !there(39*time.Minute) || there(40*time.Minute) {
		t.Fatal("signing in does not begin anew")
	}
	// After a restart it is not for ever.
	path := filepath.Join(t.TempDir(), "presence")
	if err := table.Save(path); err != nil {
		t.Fatal(err)
	}
	table = New(nil)
	if err := table.Load(path, late); err != nil {
		t.Fatal(err)
	}
	if !there(35*time.Minute) || there(40*time.Minute) {
		t.Error("after a restart its ten minutes are not ten minutes")
	}
}

func TestARowWithoutAnIdleLimitLastsUntilItsEnd(t *testing.T) {
	table := New(nil)
	push(t, table, row("r", "s1", "pupils"))
	if f := table.Find(desk, now.Add(59*time.Minute)); f.Subject != "s1" {
		t.Error("it ended before its end")
	}
}
