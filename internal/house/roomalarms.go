package house

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"time"

	"belisha/internal/activity"
	"belisha/internal/gate/control"
	"belisha/internal/school/alarms"
	"belisha/internal/school/people"
)

// openAlarms opens the room of what Belisha notices by itself.
func (h *House) openAlarms() (err error) {
	w := &watching{h: h}
	h.Alarms, err = alarms.New(alarms.Deps{
		DB: h.db, Journal: h.journal, Clock: h.cfg.Clock, Live: h.live, Notices: h.Notices, Look: w.look,
		Name: func(ctx context.Context, person string) string {
			if n := h.named(ctx, []string{person}); len(n) > 0 {
				return n[0]
			}
			return "Somebody no longer on the roll"
		},
	})
	if err != nil {
		return err
	}
	h.join(h.Alarms)
	return nil
}

// watching looks at everything that may become an alarm. Only one look runs at
// a time.
type watching struct {
	h      *House
	starts []time.Time // of the filter, those of the last hour
	lost   uint64      // events that the filter had dropped, at the last look
	seeded bool
	filled bool // the figures of past weeks are there
}

// look is one look at everything. A thing that cannot be looked at is left as
// it was.
func (w *watching) look(ctx context.Context, now time.Time) (alarms.Look, error) {
	var out alarms.Look
	bad := func(s alarms.Signal) { out.Bad = append(out.Bad, s) }
	looked := func(kinds ...string) { out.Looked = append(out.Looked, kinds...) }
	if w.h.gate.child == nil {
		return out, nil // a command on a folder that nobody serves: nothing is watched
	}
	st, err := w.h.gate.status(ctx)
	looked("filter-away")
	if err != nil {
		bad(alarms.Signal{
			Kind: "filter-away", Words: "The filter does not answer", May: "Browsers behind it reach nothing: it never opens by itself.",
			Todo: "Belisha starts it again by itself. If this stays, look at the health page.", Owner: people.NetworkManager, Risk: 3, Link: "/health",
		})
	} else {
		w.filter(st, now, bad, looked)
		w.scanners(st, bad, looked)
		w.bypasses(st, now, bad, looked)
	}
	for _, part := range []func(context.Context, time.Time, func(alarms.Signal), func(...string)) error{w.record, w.lists, w.certificates, w.trials, w.days} {
		if err := part(ctx, now, bad, looked); err != nil {
			w.h.log.Warn("something could not be looked at for alarms", "err", err)
		}
	}
	return out, nil
}

// Bounds of what is an alarm.
const (
	oftenStarted = 3 // starts of the filter within an hour
	insists      = 50
	bypassWithin = 2 * time.Hour
)

// filter looks at the process itself.
func (w *watching) filter(st control.Status, now time.Time, bad func(alarms.Signal), looked func(...string)) {
	looked("filter-restarts", "rules-behind")
	if n := len(w.starts); n == 0 || !w.starts[n-1].Equal(st.Started) {
		w.starts = append(w.starts, st.Started)
	}
	for len(w.starts) > 0 && now.Sub(w.starts[0]) > time.Hour && len(w.starts) > 1 {
		w.starts = w.starts[1:]
	}
	if len(w.starts) > oftenStarted {
		bad(alarms.Signal{
			Kind: "filter-restarts", Words: fmt.Sprintf("The filter was started %d times within an hour", len(w.starts)),
			May: "Something ends it: a fault, too little memory, or somebody at the machine.", Todo: "Look into gate/gate.log in the data folder, and report it.",
			Owner: people.NetworkManager, Risk: 2, Link: "/health", After: 1,
		})
	}
	snap := w.h.Filtering.Snapshot()
	if snap != nil && st.RulesNumber != snap.Number() || st.RulesError != "" {
		bad(alarms.Signal{
			Kind: "rules-behind", Words: "The filter does not hold the rules that were published", May: "What was decided last is not in force.",
			Todo: "It takes new rules within a second. If this stays, look at the health page and into gate/gate.log.", Owner: people.FilterManager, Risk: 3, Link: "/health",
		})
	}
}

// record looks whether what passes the filter is written down.
func (w *watching) record(ctx context.Context, _ time.Time, bad func(alarms.Signal), looked func(...string)) error {
	looked("record-stuck")
	if _, trouble := w.h.gate.pumped(); trouble != "" {
		bad(alarms.Signal{
			Kind: "record-stuck", Words: "What passes the filter is not taken up", May: "The disk may be full, or the records cannot be written. Nothing is lost yet.",
			Todo: "Look at the health page, and make room.", Owner: people.NetworkManager, Risk: 2, Link: "/health",
		})
	}
	st, err := w.h.gate.status(ctx)
	if err != nil {
		return nil //nolint:nilerr // told as an alarm of its own
	}
	looked("record-lost")
	lost := st.Spool.Dropped + st.Spool.Lost + st.Decisions.Unrecorded
	if w.seeded && lost > w.lost {
		bad(alarms.Signal{
			Kind: "record-lost", Words: "Some of what passed the filter was not written down", May: "More came than the disk could take, so the record has a gap.",
			Todo: "Look at the health page: whether the disk is full or slow.", Owner: people.NetworkManager, Risk: 2, Link: "/health", After: 1,
		})
	}
	w.lost, w.seeded = lost, true
	return nil
}

// scanners looks at the virus scanners.
func (w *watching) scanners(st control.Status, bad func(alarms.Signal), looked func(...string)) {
	list := st.Content.Scanners
	looked("scanner-away", "scanner-old")
	asked, there, stale := 0, 0, 0
	for _, s := range list {
		if !s.Asked {
			continue
		}
		asked++
		switch {
		case s.OK && s.Stale:
			there, stale = there+1, stale+1
		case s.OK:
			there++
		}
	}
	if asked > 0 && there == 0 {
		bad(alarms.Signal{
			Kind: "scanner-away", Words: "No virus scanner answers", May: "Files that must be scanned stay out, or come in unscanned where the policy lets them.",
			Todo: "Start it again: on Debian, systemctl restart clamav-daemon.", Owner: people.NetworkManager, Risk: 2, Link: "/health",
		})
	}
	if there > 0 && stale == there {
		bad(alarms.Signal{
			Kind: "scanner-old", Words: "The virus scanner's signatures are old", May: "It does not know the newest viruses.",
			Todo: "Look why it fetches none: on Debian, systemctl status clamav-freshclam.", Owner: people.NetworkManager, Risk: 2, Link: "/health",
		})
	}
}

// bypasses looks for devices that insist on a way round the filter. What
// browsers and phones ask by themselves, once in a while, is not counted.
func (w *watching) bypasses(st control.Status, now time.Time, bad func(alarms.Signal), looked func(...string)) {
	looked("bypass")
	for _, b := range st.Bypasses {
		if b.Foreign+b.Tunnel < insists || now.Sub(b.Last) > bypassWithin {
			continue
		}
		subject := b.Address.String()
		if b.Device != "" {
			subject = b.Device
		}
		if isProbe(b.Device) {
			continue
		}
		bad(alarms.Signal{
			Kind: "bypass", Subject: subject, Words: "The device " + subject + " tries again and again to go round the filter",
			May:  fmt.Sprintf("%d times within a day it asked for names of services outside the school, or sent data in names. A program may do that by itself, such as a VPN or a browser with a name service of its own.", b.Foreign+b.Tunnel),
			Todo: "Look at the device: take the VPN off, or turn its own name service off. It was closed each time that the filter saw it.", Owner: people.NetworkManager, Risk: 1, Link: "/devices",
		})
	}
}

// lists looks whether the lists are fresh.
func (w *watching) lists(ctx context.Context, _ time.Time, bad func(alarms.Signal), looked func(...string)) error {
	trouble, err := w.h.Filtering.Trouble(ctx)
	if err != nil {
		return err
	}
	licensed, err := w.h.Filtering.LicensedLists(ctx)
	if err != nil {
		return err
	}
	aged, err := w.h.Filtering.Aged(ctx)
	if err != nil {
		return err
	}
	looked("list-trouble", "list-stale", "licensed-stale")
	if len(trouble) > 0 {
		bad(alarms.Signal{
			Kind: "list-trouble", Words: "A list of sites does not come in as it should", May: "The last good one is in force, and grows older.",
			Todo: trouble[0] + ".", Owner: people.FilterManager, Risk: 2, Link: "/filter/lists",
		})
	}
	for _, title := range aged {
		bad(alarms.Signal{
			Kind: "list-stale", Subject: title, Words: "The list " + title + " is older than the policy lets it be", May: "New sites are not on it.",
			Todo: "Look on the page of lists why none came, or bring one in: belisha lists update.", Owner: people.FilterManager, Risk: 2, Link: "/filter/lists",
		})
	}
	for _, l := range licensed {
		if l.Stale {
			bad(alarms.Signal{
				Kind: "licensed-stale", Subject: l.ID, Words: "The licensed list " + l.Title + " is old", May: "What its supplier added lately is not closed by it.",
				Todo: "Look on the page of licensed lists, and ask the supplier.", Owner: people.FilterManager, Risk: 2, Link: "/filter/licensed",
			})
		}
	}
	return nil
}

// trials looks at what came of the newest trial.
func (w *watching) trials(ctx context.Context, now time.Time, bad func(alarms.Signal), looked func(...string)) error {
	list, err := w.h.Probes.Since(ctx, now.Add(-26*time.Hour), 500)
	if err != nil {
		return err
	}
	looked("trial-wrong")
	seen := map[string]bool{}
	for _, x := range list {
		if seen[x.Site] {
			continue
		}
		seen[x.Site] = true
		if x.Wrong == 0 {
			continue
		}
		bad(alarms.Signal{
			Kind: "trial-wrong", Subject: x.Site, Words: fmt.Sprintf("A trial of the filter came out wrong (%s)", x.Site), May: "Something that must be closed was open, or a device is not behind the filter.",
			Todo: "Open the trial: it says what went wrong and what to do.", Owner: people.FilterManager, Risk: 3, Link: "/filter/probes/" + x.ID, After: 1,
		})
	}
	return nil
}

// warnDays is how long before its end a certificate is an alarm.
const warnDays = 30

// authorityEnds is when the certificate that devices trust ends.
func (h *House) authorityEnds(ctx context.Context) (time.Time, bool) {
	text, _, err := h.certificate(ctx)
	if err != nil {
		return time.Time{}, false
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return time.Time{}, false
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return time.Time{}, false
	}
	return c.NotAfter, true
}

// certificates looks when they end.
func (w *watching) certificates(ctx context.Context, now time.Time, bad func(alarms.Signal), looked func(...string)) error {
	looked("certificate-ends")
	ends := func(subject, what, todo string, at time.Time) {
		left := at.Sub(now)
		if at.IsZero() || left > warnDays*oneDay {
			return
		}
		risk := 2
		if left <= urgentDays*oneDay {
			risk = 3
		}
		bad(alarms.Signal{
			Kind: "certificate-ends", Subject: subject, Words: fmt.Sprintf("%s ends on %s", what, at.In(w.h.zone()).Format("2 January 2006")), May: "After that browsers and devices refuse what it stands for.",
			Todo: todo, Owner: people.NetworkManager, Risk: risk, Link: "/health", After: 1,
		})
	}
	if w.h.certs.wanted() {
		f, _ := w.h.certs.state()
		if f.Files {
			ends("pages", "The certificate of the pages", "Put a new one into the files under [pages]; it is taken into use by itself.", f.Ends)
		}
	}
	if at, ok := w.h.authorityEnds(ctx); ok {
		ends("authority", "The school's certificate on devices", "Prepare the next one, have devices install it, and then change to it.", at)
	}
	return nil
}

// days holds today against other days.
func (w *watching) days(ctx context.Context, now time.Time, bad func(alarms.Signal), looked func(...string)) error {
	cal, err := w.h.People.Calendar(ctx, people.MainSite)
	if err != nil {
		return err
	}
	if !cal.SchoolHours(now) {
		return nil // evenings, weekends and holidays are held against nothing
	}
	t, err := w.totals(ctx, now)
	if err != nil {
		return err
	}
	w.blocks(t, cal, bad, looked)
	w.sites(t, cal, bad, looked)
	return w.identity(ctx, now, cal, bad, looked)
}

func (w *watching) blocks(t dayTotals, cal *people.Calendar, bad func(alarms.Signal), looked func(...string)) {
	j := alarms.Share(t.now, t.past, cal.SchoolHours, cal.Location())
	if !j.Known {
		return
	}
	looked("blocks-fall")
	if j.Fell {
		bad(alarms.Signal{
			Kind: "blocks-fall", Words: "The filter closes far less than usual",
			May:  "Of what was asked for, " + alarms.PerCent(j.Now) + " was closed; at this hour it is usually " + alarms.PerCent(j.Usual) + ". A rule or list may be gone, or the devices that usually meet a closed site go another way.",
			Todo: "Look at the trials of the filter and at what was changed last.", Owner: people.FilterManager, Risk: 2, Link: "/filter/changes",
		})
	}
}

func (w *watching) sites(t dayTotals, cal *people.Calendar, bad func(alarms.Signal), looked func(...string)) {
	dark, known := alarms.Dark(t.now.At, t.sites, cal.SchoolHours, cal.Location())
	if !known {
		return
	}
	looked("site-dark")
	for _, s := range dark {
		bad(alarms.Signal{
			Kind: "site-dark", Subject: s, Words: "Hardly anything comes from the site " + s + " today, and the others are as busy as usual",
			May: "Its devices may go past the filter, or its line may be down.", Todo: "Open a page from a device there, and look at its trial.", Owner: people.NetworkManager, Risk: 2, Link: "/filter/probes",
		})
	}
}

// identity looks how many of the devices seen lately had somebody signed in.
func (w *watching) identity(ctx context.Context, now time.Time, cal *people.Calendar, bad func(alarms.Signal), looked func(...string)) error {
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
	looked("identity-falls")
	if j.Fell {
		bad(alarms.Signal{
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
	now   alarms.Hour
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
	t.now = sum(all, hour)
	if t.past, err = w.h.Alarms.Figures(ctx, figureAll, now.Add(-pastWeeks)); err != nil {
		return t, err
	}
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
