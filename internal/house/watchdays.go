package house

import (
	"context"
	"fmt"
	"slices"
	"time"

	"belisha/internal/activity"
	"belisha/internal/kit/words"
	"belisha/internal/school/alarms"
	"belisha/internal/school/people"
)

// comparing are the kinds that are held against other days.
var comparing = []string{"traffic-stops", "blocks-fall", "site-dark", "identity-falls", "devices-gone"}

// days holds today against other days.
func (w *watching) days(ctx context.Context, now time.Time, see *sight) error {
	if see.Why[comparing[0]] != "" {
		return nil
	}
	if _, trouble := w.h.gate.pumped(); trouble != "" {
		see.cannot("what passes is not taken up", comparing...)
		return nil
	}
	cal, err := w.h.People.Calendar(ctx, people.MainSite)
	if err != nil {
		return err
	}
	if !cal.SchoolHours(now) {
		see.cannot("only in school hours", comparing...)
		return nil // evenings, weekends and holidays are held against nothing
	}
	if w.h.cfg.Demo {
		see.cannot("the invented people do nothing just now", comparing...)
		return nil
	}
	see.cannot("too little to go by: it takes three school days, and enough that passes", comparing...)
	t, err := w.totals(ctx, now)
	if err != nil {
		return err
	}
	w.still(now, t, cal, see)
	w.blocks(t, cal, see)
	w.sites(t, cal, see)
	if err := w.identity(ctx, now, cal, see); err != nil {
		return err
	}
	return w.absent(ctx, now, cal, see)
}

// still looks whether anything comes at all. What the calendar does not know,
// such as snow, is told as what it may be.
func (w *watching) still(now time.Time, t dayTotals, cal *people.Calendar, see *sight) {
	s := alarms.Still(now, t.today, t.past, cal.SchoolHours, cal.Location())
	if !s.Known {
		return
	}
	see.looked("traffic-stops")
	if !s.Still {
		return
	}
	x := alarms.Signal{
		Kind: "traffic-stops", Words: "Hardly anything comes to the filter today", Owner: people.NetworkManager, Risk: 1, Link: "/devices", After: 5,
		May:  fmt.Sprintf("%.0f requests came in this hour, where usually about %.0f have come by now. The school may be closed today, or devices go past the filter.", s.Now, s.Usual),
		Todo: "If the school is closed, say so in the calendar. If not, open a page from a device, then the page of this device.",
	}
	if s.Sudden {
		x.Words, x.Risk = "All at once hardly anything comes to the filter", 2
	}
	if s.Sudden && s.Machines {
		x.Risk, x.After = 3, 2
		x.May += " Even machines that ask by themselves at night are silent."
	}
	see.bad(x)
}

func (w *watching) blocks(t dayTotals, cal *people.Calendar, see *sight) {
	j := alarms.Share(t.hour, t.past, cal.SchoolHours, cal.Location())
	if !j.Known { // this hour alone says too little
		j = alarms.Share(t.now, t.past, cal.SchoolHours, cal.Location())
	}
	if !j.Known {
		return
	}
	see.looked("blocks-fall")
	if j.Fell {
		see.bad(alarms.Signal{
			Kind: "blocks-fall", Words: "The filter closes far less than usual",
			May:  "Of what was asked for, " + alarms.PerCent(j.Now) + " was closed; at this hour it is usually " + alarms.PerCent(j.Usual) + ". A rule or list may be gone, or the devices that usually meet a closed site go another way.",
			Todo: "Look at the trials of the filter and at what was changed last.", Owner: people.FilterManager, Risk: 2, Link: "/filter/changes",
		})
	}
}

func (w *watching) sites(t dayTotals, cal *people.Calendar, see *sight) {
	dark, known := alarms.Dark(t.now.At, t.sites, cal.SchoolHours, cal.Location())
	if !known {
		return
	}
	see.looked("site-dark")
	for _, s := range dark {
		see.bad(alarms.Signal{
			Kind: "site-dark", Subject: s, Words: "Hardly anything comes from the site " + s + " today, and the others are as busy as usual",
			May: "Its devices may go past the filter, or its line may be down.", Todo: "Open a page from a device there, and look at its trial.", Owner: people.NetworkManager, Risk: 2, Link: "/filter/probes",
		})
	}
}

// identity looks how many of the devices seen lately had somebody signed in.
func (w *watching) identity(ctx context.Context, now time.Time, cal *people.Calendar, see *sight) error {
	ask, stop := context.WithTimeout(ctx, soon)
	defer stop()
	list, err := w.h.gate.client().Seen(ask)
	if err != nil {
		return nil //nolint:nilerr // a filter that is away is an alarm of its own
	}
	h := alarms.Hour{At: now.Truncate(time.Hour)}
	for _, s := range list {
		if isProbe(s.Device) || now.Sub(s.At) > time.Hour {
			continue
		}
		h.Base++
		if s.Signed {
			h.Value++
		}
	}
	past, err := w.h.Alarms.Figures(ctx, figureSigned, now.Add(-pastWeeks))
	if err != nil {
		return err
	}
	if err := w.h.Alarms.Note(ctx, map[string][]alarms.Hour{figureSigned: {h}}); err != nil {
		return err
	}
	j := alarms.Share(h, past, cal.SchoolHours, cal.Location())
	if !j.Known {
		return nil
	}
	see.looked("identity-falls")
	if j.Fell {
		see.bad(alarms.Signal{
			Kind: "identity-falls", Words: "Far fewer devices than usual have somebody signed in",
			May:  "On " + alarms.PerCent(j.Now) + " of the devices seen in the last hour somebody was signed in; usually it is on " + alarms.PerCent(j.Usual) + ". Sign-in may be broken, and whoever is not known meets the strictest rules.",
			Todo: "Sign in from a device behind the filter, and look at what tells the filter who is where.", Owner: people.NetworkManager, Risk: 2, Link: "/devices",
		})
	}
	return nil
}

const (
	figureSigned = "signed in"
	pastWeeks    = 43 * oneDay
	weeksFilled  = 6
)

// dayTotals is the last hour or two, and the hours of past weeks.
type dayTotals struct {
	now   alarms.Hour // with the hour before
	hour  alarms.Hour // alone
	today []alarms.Hour
	past  []alarms.Hour
	sites []alarms.SiteHour
}

// figureSite begins the names of a site's figures; figureAll is all of them.
const (
	figureAll  = "asked"
	figureSite = "asked at "
)

// totals reads the hours of today from the record, and those of past weeks
// from the figures kept of them; these are filled up once.
func (w *watching) totals(ctx context.Context, now time.Time) (dayTotals, error) {
	hour := now.Truncate(time.Hour)
	if !w.filled {
		for at := hour.Add(-weeksFilled * 7 * oneDay); at.Before(hour); at = at.Add(7 * oneDay) {
			if _, _, err := w.taken(ctx, at, at.Add(7*oneDay), hour); err != nil {
				return dayTotals{}, err
			}
		}
		w.filled = true
	}
	all, bySite, err := w.taken(ctx, hour.Add(-3*time.Hour), now, hour)
	if err != nil {
		return dayTotals{}, err
	}
	var t dayTotals
	t.now, t.hour = sum(all, hour), alarms.Hour{At: hour, Base: all[hour].Base, Value: all[hour].Value}
	if t.past, err = w.h.Alarms.Figures(ctx, figureAll, now.Add(-pastWeeks)); err != nil {
		return t, err
	}
	t.today = append(slices.Clone(t.past), t.hour)
	for site, hours := range bySite {
		past, err := w.h.Alarms.Figures(ctx, figureSite+site, now.Add(-pastWeeks))
		if err != nil {
			return t, err
		}
		t.sites = append(t.sites, alarms.SiteHour{Site: site, Now: sum(hours, hour).Base / 2, Past: past})
	}
	return t, w.quiet(ctx, now, bySite, &t)
}

// quiet adds the sites of past weeks from which nothing comes today.
func (w *watching) quiet(ctx context.Context, now time.Time, today map[string]map[time.Time]alarms.Hour, t *dayTotals) error {
	known, err := w.h.memory.Sites(ctx, now.Add(-14*oneDay), now)
	if err != nil {
		return fmt.Errorf("reading which sites there are: %w", err)
	}
	for _, site := range known {
		if _, ok := today[site]; ok {
			continue
		}
		past, err := w.h.Alarms.Figures(ctx, figureSite+site, now.Add(-pastWeeks))
		if err != nil {
			return err
		}
		t.sites = append(t.sites, alarms.SiteHour{Site: site, Past: past})
	}
	return nil
}

// sum is an hour and the one before it.
func sum(hours map[time.Time]alarms.Hour, hour time.Time) alarms.Hour {
	a, b := hours[hour], hours[hour.Add(-time.Hour)]
	return alarms.Hour{At: hour, Base: a.Base + b.Base, Value: a.Value + b.Value}
}

func byHour(list []activity.Total) (all map[time.Time]alarms.Hour, bySite map[string]map[time.Time]alarms.Hour) {
	all, bySite = map[time.Time]alarms.Hour{}, map[string]map[time.Time]alarms.Hour{}
	add := func(to map[time.Time]alarms.Hour, x activity.Total) {
		at := x.Start.UTC()
		h := to[at]
		h.At, h.Base = at, h.Base+float64(x.N)
		if x.Action == activity.Block {
			h.Value += float64(x.N)
		}
		to[at] = h
	}
	for _, x := range list {
		add(all, x)
		if bySite[x.Site] == nil {
			bySite[x.Site] = map[time.Time]alarms.Hour{}
		}
		add(bySite[x.Site], x)
	}
	return all, bySite
}

// taken reads some hours from the record, and keeps the figures of those that
// are over.
func (w *watching) taken(ctx context.Context, from, to, hour time.Time) (all map[time.Time]alarms.Hour, bySite map[string]map[time.Time]alarms.Hour, err error) {
	list, err := w.h.memory.Totals(ctx, from, to, activity.PerHour)
	if err != nil {
		return nil, nil, fmt.Errorf("reading how much passed the filter: %w", err)
	}
	all, bySite = byHour(list)
	over := map[string][]alarms.Hour{}
	note := func(name string, hours map[time.Time]alarms.Hour) {
		for at, h := range hours {
			if at.Before(hour) {
				over[name] = append(over[name], h)
			}
		}
	}
	note(figureAll, all)
	for site, hours := range bySite {
		note(figureSite+site, hours)
	}
	return all, bySite, w.h.Alarms.Note(ctx, over)
}

// goneDevices is what was made of who came on which day, for an hour.
type goneDevices struct {
	at    time.Time
	names []string
	known bool
}

const (
	figureDevice = "device "
	daysBack     = 40 // days in which there are thirteen school days, mostly
)

// absent looks for devices of the school's own list that always came and come
// no more. Which day a device came is all that is kept.
func (w *watching) absent(ctx context.Context, now time.Time, cal *people.Calendar, see *sight) error {
	today := cal.On(cal.Day(now), 0)
	if err := w.noteDevices(ctx, today); err != nil {
		return err
	}
	if w.gone.at.IsZero() || now.Sub(w.gone.at) >= time.Hour || now.Before(w.gone.at) || !cal.SchoolHours(w.gone.at) {
		came, err := w.h.Alarms.FiguresOf(ctx, figureDevice, now.AddDate(0, 0, -daysBack))
		if err != nil {
			return err
		}
		list, err := w.h.Filtering.Devices(ctx)
		if err != nil {
			return err
		}
		known := map[string][]alarms.Hour{}
		for _, d := range list {
			known[d.Label] = came[d.ID]
		}
		var days []time.Time
		for d := cal.Day(now).Add(-1); len(days) < 13 && d > cal.Day(now).Add(-daysBack); d = d.Add(-1) {
			if cal.SchoolDayOn(d) {
				days = append(days, cal.On(d, 0))
			}
		}
		w.gone.at = now
		w.gone.names, w.gone.known = alarms.Absent(today, days, known)
	}
	if !w.gone.known {
		return nil
	}
	see.looked("devices-gone")
	if n := len(w.gone.names); n > 0 {
		see.bad(alarms.Signal{
			Kind: "devices-gone", Words: words.Count(n, "device", "devices") + " that always came to the filter " + words.Plural(n, "has", "have") + " not come for three school days",
			May:  words.And(few(w.gone.names)) + ". It may be laid aside or being mended, or on a network of its own, such as a phone’s.",
			Todo: "Look at it. One that is no longer in use is taken off the list of devices.", Owner: people.NetworkManager, Risk: 1, Link: "/filter/devices", After: 1,
		})
	}
	return nil
}

// noteDevices keeps which listed devices came today, each once a day.
func (w *watching) noteDevices(ctx context.Context, today time.Time) error {
	ask, stop := context.WithTimeout(ctx, soon)
	defer stop()
	list, err := w.h.gate.client().Seen(ask)
	if err != nil {
		return nil //nolint:nilerr // a filter that is away is an alarm of its own
	}
	if w.came == nil {
		w.came = map[string]time.Time{}
	}
	fresh := map[string][]alarms.Hour{}
	for _, s := range list {
		if s.Device == "" || isProbe(s.Device) || s.At.Before(today) || w.came[s.Device].Equal(today) {
			continue
		}
		w.came[s.Device] = today
		fresh[figureDevice+s.Device] = []alarms.Hour{{At: today, Base: 1, Value: 1}}
	}
	return w.h.Alarms.Note(ctx, fresh)
}
