package porter_test

import (
	"context"
	"net/netip"
	"testing"

	"belisha/internal/gate/gatetest"
	"belisha/internal/gate/porter"
	"belisha/internal/gate/probe"
	"belisha/internal/gate/subject"
	"belisha/internal/verdict"
)

// Before names are recorded nothing says who asked. A trial of the filter must
// still be told from a child: it asks for what alarms the safeguarding lead.
func TestATrialIsKnownAsOneAlsoBeforeNamesAreRecorded(t *testing.T) {
	w := gatetest.New(t)
	set := *w.Porter.Settings()
	set.CountOnly = true
	if err := w.Porter.Configure(&set); err != nil {
		t.Fatal(err)
	}
	for _, device := range []string{probe.Device("pupils"), "tablet-1"} {
		who := subject.Found{Row: subject.Row{Address: netip.MustParseAddr("10.1.1.1"), Device: device, Subject: "s", Groups: []string{"pupils"}}}
		a := w.Porter.Judge(&who, porter.Question{Door: verdict.DoorProxy, Host: "harm.test", Path: "/", Port: 80})
		w.Porter.Record(context.Background(), &a)
	}
	events := w.Events(t, 2)
	if !probe.IsDevice(events[0].Device) || events[0].Alert == "" {
		t.Errorf("the trial is written down as %+v", events[0])
	}
	if e := events[1]; e.Device != "" || e.Subject != "" || e.Address.IsValid() {
		t.Errorf("of a child is written down %+v", e)
	}
}
