package monitoring

import (
	"context"
	"fmt"
	"testing"
	"time"

	"belisha/internal/activity"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web/webtest"
)

// quick is how long a page may take here: a hundred times what it takes, so that a
// busy machine does not fail the test and a page that asks once for each row
// does.
const quick = 6 * time.Second

func TestTenThousandLooksAlertsAndRowsKeepThePagesQuick(t *testing.T) {
	s := newSchool(t).ready()
	p, err := s.purpose(s.as(s.monitor))
	check(t, err)
	var events []activity.Event
	for i := range 10_000 {
		e := s.visit()
		e.At, e.Host = monday.Add(time.Duration(i%7200)*time.Second), fmt.Sprintf("site%d.example", i%300)
		events = append(events, e)
	}
	s.clock.Set(monday.Add(2 * time.Hour))
	check(t, s.memory.Append(context.Background(), events))
	check(t, s.d.DB.Write(context.Background(), func(tx *store.Tx) error {
		for i := range 10_000 {
			at := monday.AddDate(0, 0, -i%200).Add(time.Duration(i) * time.Second)
			if err := insertLook(context.Background(), tx, store.NewID(at), p, lookSearch, i%50, at); err != nil {
				return err
			}
			a := Alert{ID: store.NewID(at), Rule: ruleBypass, Subject: fmt.Sprintf("s-%d", i), First: at, Last: at, Times: 1, State: SignalClosed, Raised: at}
			if err := s.insertAlert(context.Background(), tx, a); err != nil {
				return err
			}
		}
		return nil
	}))
	d := s.drawNow()
	s.looking(s.monitor)
	site := s.site()
	for path, as := range map[string]string{
		"/monitoring/samples": "m", "/monitoring/samples/" + d.ID: "m", "/monitoring/activity": "m", "/monitoring/alerts": "m",
		"/monitoring/people/" + string(s.pupil): "m", "/monitoring/watchers": "h", "/monitoring/looks": "h", "/monitoring/gaps": "h",
		"/monitoring/monitors": "h", "/monitoring/contractors": "h", "/monitoring/erasure?person=" + string(s.pupil): "h", "/monitoring/bases": "h",
	} {
		who := s.actor(s.monitor)
		if as == "h" {
			who = s.actor(s.head)
		}
		webtest.Get(t, site, path, who).Is(200)
		begun := time.Now()
		webtest.Get(t, site, path, who).Is(200)
		took := time.Since(begun)
		t.Logf("%-60s %s", path, took.Round(time.Millisecond/10))
		if took > quick {
			t.Errorf("%s takes %s", path, took)
		}
	}
	for _, c := range s.Controls() {
		begun := time.Now()
		_, err := c.Check(context.Background(), s.clock.Now(), s.values())
		check(t, err)
		t.Logf("%-60s %s", c.Slug, time.Since(begun).Round(time.Millisecond/10))
	}
}
