package demo

import (
	"context"
	"fmt"
	"time"

	"belisha/internal/school/access"
	"belisha/internal/school/probes"
)

// Days of the story of the filter's trials.
const (
	triedFrom = 30 // a device of the sports hall tries the filter from this day
	passedBy  = 12 // on this day it was on a network of its own
)

// probed is the story of a device at another site that tries the filter each
// morning, as the main site's machine does by itself.
func (f *filling) probed(add adder) {
	var site probes.Site
	add(triedFrom, 8*60+16, "network", func(ctx context.Context) (err error) {
		site, _, err = f.h.Probes.AddSite(ctx, "Sports hall", access.GroupPupils)
		return err
	})
	for ago := range triedFrom {
		add(ago, 8*60+27, "", func(ctx context.Context) error {
			must, err := f.h.Probes.Closed(ctx, access.GroupPupils)
			if err != nil || site.ID == "" {
				return err
			}
			here, of := "open", "closed"
			if ago == passedBy {
				here, of = "nothing", "nothing"
			}
			told := []probes.Told{{Case: "here", Outcome: here}}
			ways, _ := f.h.Probes.Ways()
			for _, w := range ways {
				told = append(told, probes.Told{Case: w.Case(), Outcome: "refused"})
			}
			for _, c := range must {
				told = append(told, probes.Told{Case: c, Outcome: of})
			}
			if _, err := f.h.Probes.Report(ctx, site, told); err != nil {
				return fmt.Errorf("what the device of the sports hall tells: %w", err)
			}
			f.pass(20 * time.Second)
			return nil
		})
	}
}
