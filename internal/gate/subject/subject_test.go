package subject

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"belisha/internal/gate/spool"
)

var (
	now  = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	desk = netip.MustParseAddr("10.0.0.7")
)

func row(id, subject string, groups ...string) Row {
	return Row{
		ID: id, Address: desk, Subject: subject, Certainty: spool.Sure, Groups: groups,
		KeyStage: "ks2", SignedUntil: now.Add(time.Hour), Ends: now.Add(time.Hour),
	}
}

func push(t *testing.T, table *Table, rows ...Row) {
	t.Helper()
	if err := table.Apply(Push{Number: table.Number() + 1, Rows: rows}, now); err != nil {
		t.Fatal(err)
	}
}

func TestFind(t *testing.T) {
	pc := Device{ID: "pc7", Addresses: []netip.Prefix{netip.PrefixFrom(desk, 32)}, Groups: []string{"pupils"}, Place: "library"}
	shared := pc
	shared.Shared = true
	room := Device{ID: "room", Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")}, Groups: []string{"pupils"}}
	byDevice := row("r", "s1", "staff")
	byDevice.Address, byDevice.Device = netip.Addr{}, "pc7"
	paused := row("r", "s1", "pupils")
	paused.PausedUntil = now.Add(time.Minute)
	cases := []struct {
		name    string
		devices []Device
		rows    []Row
		at      time.Time
		want    string
	}{
		{"nobody known is nobody", nil, nil, now, "subject= device= groups=[] certainty=0 signed=false paused=false"},
		{
			"one person signed in at an address is sure", nil,
			[]Row{row("a", "s1", "staff")},
			now,
			"subject=s1 device= groups=[staff] certainty=2 signed=true paused=false",
		},
		{
			"two people at one address are nobody in particular, with the groups of both", nil,
			[]Row{row("a", "s1", "staff"), row("b", "s2", "pupils")},
			now,
			"subject= device= groups=[staff pupils] certainty=0 signed=false paused=false",
		},
		{
			"the same person twice is one person", nil,
			[]Row{row("a", "s1", "staff"), row("b", "s1", "staff")},
			now,
			"subject=s1 device= groups=[staff] certainty=2 signed=true paused=false",
		},
		{
			"a row ends by the clock", nil,
			[]Row{row("a", "s1", "staff")},
			now.Add(time.Hour),
			"subject= device= groups=[] certainty=0 signed=false paused=false",
		},
		{
			"a device without a person is likely, and a device only",
			[]Device{pc},
			nil, now,
			"subject= device=pc7 groups=[pupils] certainty=1 signed=false paused=false",
		},
		{
			"a shared device never makes a person sure",
			[]Device{shared},
			[]Row{row("a", "s1", "staff")},
			now,
			"subject=s1 device=pc7 groups=[staff] certainty=1 signed=true paused=false",
		},
		{
			"a range of addresses is a room, not a person's device",
			[]Device{room},
			[]Row{row("a", "s1", "staff")},
			now,
			"subject=s1 device=room groups=[staff] certainty=1 signed=true paused=false",
		},
		{
			"a row may name the device instead of the address",
			[]Device{pc},
			[]Row{byDevice},
			now,
			"subject=s1 device=pc7 groups=[staff] certainty=2 signed=true paused=false",
		},
		{
			"two people on a device lose the device's group too",
			[]Device{pc},
			[]Row{row("a", "s1", "staff"), row("b", "s2")},
			now,
			"subject= device=pc7 groups=[] certainty=1 signed=false paused=false",
		},
		{"a pause holds until its time", nil, []Row{paused}, now, "subject=s1 device= groups=[pupils] certainty=2 signed=true paused=true"},
		{"a pause ends by the clock", nil, []Row{paused}, now.Add(2 * time.Minute), "subject=s1 device= groups=[pupils] certainty=2 signed=true paused=false"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			table := New(nil)
			if err := table.SetDevices(c.devices); err != nil {
				t.Fatal(err)
			}
			push(t, table, c.rows...)
			f := table.Find(netip.MustParseAddr("::ffff:10.0.0.7"), c.at)
			got := fmt.Sprintf("subject=%s device=%s groups=%v certainty=%d signed=%v paused=%v",
				f.Subject, f.Device, f.Groups, f.Certainty, f.Signed, f.Paused)
			if got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestAPushOutOfOrderIsRefusedUntilAFullOne(t *testing.T) {
	table := New(nil)
	push(t, table, row("a", "s1"))
	if err := table.Apply(Push{Number: 5, Rows: []Row{row("b", "s2")}}, now); err == nil {
		t.Fatal("a gap in the stream was accepted")
	}
	if err := table.Apply(Push{Number: 9, Full: true, Rows: []Row{row("b", "s2", "pupils")}}, now); err != nil {
		t.Fatal(err)
	}
	if f := table.Find(desk, now); f.Subject != "s2" || table.Number() != 9 {
		t.Errorf("after the full push: %+v, number %d", f, table.Number())
	}
	if err := table.Apply(Push{Number: 10, Gone: []string{"b"}}, now); err != nil {
		t.Fatal(err)
	}
	if f := table.Find(desk, now); f.Subject != "" {
		t.Errorf("signed out, but %q is still there", f.Subject)
	}
}

func TestTheTableSurvivesARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "presence")
	table := New(nil)
	ended := row("old", "s9")
	ended.Address, ended.Ends = netip.MustParseAddr("10.0.0.8"), now.Add(time.Minute)
	push(t, table, row("a", "s1", "staff"), ended)
	table.SetDevices([]Device{{ID: "pc7", Addresses: []netip.Prefix{netip.PrefixFrom(desk, 32)}}})
	if err := table.Save(path); err != nil {
		t.Fatal(err)
	}
	again := New(nil)
	if err := again.Load(path, now.Add(2*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if f := again.Find(desk, now.Add(2*time.Minute)); f.Subject != "s1" || f.Device != "pc7" || again.Number() != 1 {
		t.Errorf("got %+v, number %d", f, again.Number())
	}
	if rows, _ := again.Len(); rows != 1 {
		t.Errorf("%d rows: the ended one came back", rows)
	}
	os.WriteFile(path, []byte("{half"), 0o600)
	if err := New(nil).Load(path, now); err == nil {
		t.Error("a damaged file was taken for a table")
	}
}

func TestADeviceIsFoundByItsHardwareAddress(t *testing.T) {
	path := filepath.Join(t.TempDir(), "arp")
	os.WriteFile(path, []byte("IP address       HW type     Flags       HW address            Mask     Device\n"+
		"10.0.0.7         0x1         0x2         AA:bb:cc:00:11:22     *        eth0\n"), 0o600)
	table := New(nil)
	table.neighbour.path = path
	table.SetDevices([]Device{{ID: "tab3", MAC: "aa:BB:cc:00:11:22", Shared: true}})
	if f := table.Find(desk, now); f.Device != "tab3" {
		t.Errorf("got device %q", f.Device)
	}
}
