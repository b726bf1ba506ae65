package house

import (
	"context"
	"time"

	"belisha/internal/gate/probe"
	kitcontrol "belisha/internal/kit/control"
	"belisha/internal/kit/setting"
	"belisha/internal/school/alarms"
	"belisha/internal/school/devices"
	"belisha/internal/school/people"
	"belisha/internal/school/probes"
)

// openProbes opens the room of the filter's own trials.
func (h *House) openProbes() (err error) {
	h.Probes, err = probes.New(probes.Deps{
		DB: h.db, Journal: h.journal, Clock: h.cfg.Clock, Live: h.live, Trial: h.trial, Zone: probe.Zone, Host: h.hostName,
		SchoolDay: func(ctx context.Context, at time.Time) bool {
			cal, err := h.People.Calendar(ctx, people.MainSite)
			return err != nil || cal.SchoolDay(at)
		},
		Closed:  h.mustClose,
		Local:   h.zone,
		Through: func(ctx context.Context) bool { return ctx.Value(viaFilter{}) != nil },
		// What came out wrong is an alarm at once, and what came out right ends
		// one sooner.
		Alarmed: func(ctx context.Context) {
			if h.tasks == nil {
				return
			}
			if err := h.tasks.Ask(ctx, alarms.Task); err != nil {
				h.log.Warn("alarms are looked for in their turn", "err", err)
			}
		},
	})
	if err != nil {
		return err
	}
	h.join(h.Probes)
	return nil
}

// mustClose are the categories that must be closed at a device of a group; for
// one that nobody knows, those that are closed for every group.
func (h *House) mustClose(ctx context.Context, group string) ([]string, error) {
	expect, err := h.Filtering.Expect(ctx)
	if err != nil {
		return nil, err
	}
	count := map[string]int{}
	var order []string
	for _, e := range expect {
		for _, c := range e.Closed {
			if group != "" && e.Group != group {
				continue
			}
			if count[c.Category] == 0 {
				order = append(order, c.Category)
			}
			count[c.Category]++
		}
	}
	var out []string
	for _, c := range order {
		if group != "" || count[c] == len(expect) {
			out = append(out, c)
		}
	}
	return out, nil
}

// pathNote is what weighs on every trial, and whether Belisha is out of the
// path.
func (h *House) pathNote(ctx context.Context) (note string, out bool, err error) {
	o, err := h.Devices.Out(ctx)
	if err != nil {
		return "", false, err
	}
	if o != nil {
		return "Belisha is taken out of the path: it closes nothing.", true, nil
	}
	b, err := h.Devices.Beside(ctx)
	if err != nil {
		return "", false, err
	}
	switch b.Kind {
	case devices.LogOnly:
		return "Devices go through another filter, and Belisha reads its log. This tries Belisha's own rules, which no device goes by.", false, nil
	case devices.Behind:
		return "Another filter stands behind Belisha. This tries Belisha's own part.", false, nil
	}
	return "", false, nil
}

// tried is what trials say besides of controls that other rooms compute.
var tried = map[string]probes.Area{"C02": probes.Categories, "C08": probes.Search}

// proved lets what was tried weigh on what rests on somebody's word, and on
// what was asked of the rules alone.
func (h *House) proved(list []kitcontrol.Control) []kitcontrol.Control {
	for i, c := range list {
		area, besides := tried[c.Number]
		if !besides && c.Number != "C01" {
			continue
		}
		check := c.Check
		list[i].Check = func(ctx context.Context, now time.Time, v *setting.Values) (kitcontrol.Finding, error) {
			f, err := check(ctx, now, v)
			switch {
			case err != nil || h.Probes == nil:
				return f, err
			case besides:
				return h.Probes.Beside(ctx, now, f, area)
			}
			return h.Probes.Prove(ctx, now, v, f)
		}
		if c.Number == "C01" {
			list[i].Settings = append(list[i].Settings, probes.KeyWithin)
		}
	}
	return list
}
