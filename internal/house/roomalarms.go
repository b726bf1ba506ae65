package house

import (
	"context"
	"time"

	"belisha/internal/school/alarms"
	"belisha/internal/school/people"
)

// openAlarms opens the room of what Belisha notices by itself.
func (h *House) openAlarms() (err error) {
	w := &watching{h: h, names: deviceNames{list: h.Filtering.Devices, clock: h.cfg.Clock}}
	h.Alarms, err = alarms.New(alarms.Deps{
		DB: h.db, Journal: h.journal, Clock: h.cfg.Clock, Live: h.live, Notices: h.Notices, Look: w.look, Kinds: watched(),
		Name: func(ctx context.Context, person string) string {
			if n := h.named(ctx, []string{person}); len(n) > 0 {
				return n[0]
			}
			return "Somebody no longer on the roll"
		},
		School: func(ctx context.Context) alarms.SchoolHour { return h.hours(ctx).SchoolHours },
		Held: func(ctx context.Context, post people.Post) bool {
			list, err := h.People.HoldersAt(ctx, post, h.cfg.Clock.Now())
			return err != nil || len(list) > 0
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
	names  deviceNames
	starts []time.Time // of the filter, those of the last hour
	lost   uint64      // events that the filter had dropped, at the last look
	seeded bool
	filled bool // the figures of past weeks are there

	proved time.Time // when the journal was last verified
	fault  string    // what was wrong with it then, "" for nothing

	came map[string]time.Time // the school day on which a device was noted
	gone goneDevices          // what was last made of that
}

// sight is what one look finds.
type sight struct{ alarms.Look }

func (s *sight) bad(x alarms.Signal) { s.Bad = append(s.Bad, x) }

// looked notes kinds that could be looked at.
func (s *sight) looked(kinds ...string) {
	s.Looked = append(s.Looked, kinds...)
	for _, k := range kinds {
		delete(s.Why, k)
	}
}

// cannot notes why kinds could not be looked at. One that was looked at all the
// same is well because there is nothing of it.
func (s *sight) cannot(why string, kinds ...string) {
	for _, k := range kinds {
		s.Why[k] = why
	}
}

// look is one look at everything. A thing that cannot be looked at is left as
// it was.
func (w *watching) look(ctx context.Context, now time.Time) (alarms.Look, error) {
	see := &sight{alarms.Look{Why: map[string]string{}}}
	if w.h.gate.child == nil {
		return see.Look, nil // a command on a folder that nobody serves: nothing is watched
	}
	w.running(ctx, now, see)
	for _, part := range []func(context.Context, time.Time, *sight) error{
		w.record, w.machine, w.mail, w.journal, w.lists, w.certificates, w.trials, w.days,
	} {
		if err := part(ctx, now, see); err != nil {
			w.h.log.Warn("something could not be looked at for alarms", "err", err)
		}
	}
	return see.Look, nil
}

// running looks at the filter's own process, and at what it says.
func (w *watching) running(ctx context.Context, now time.Time, see *sight) {
	see.looked("filter-away")
	st, err := w.h.gate.status(ctx)
	if err != nil {
		see.bad(alarms.Signal{
			Kind: "filter-away", Words: "The filter does not answer", May: "Browsers behind it reach nothing: it never opens by itself.",
			Todo: "Belisha starts it again by itself. If this stays, look at the health page.", Owner: people.NetworkManager, Risk: 3, Link: "/health",
		})
		see.cannot("the filter does not answer", comparing...) // one cause, one alarm
		see.cannot("the filter does not answer", "filter-restarts", "rules-behind", "record-lost", "scanner-away", "scanner-old", "bypass", "sign-in-broken")
		return
	}
	w.filter(st, now, see)
	w.scanners(st, see)
	w.signIn(st, see)
	w.bypasses(ctx, st, now, see)
}

// Bounds of what is an alarm.
const (
	oftenStarted = 3 // starts of the filter within an hour
	insists      = 50
	bypassWithin = 2 * time.Hour
)

// watched is what is looked at, with when it is an alarm, in the order of
// pages.
func watched() []alarms.Kind {
	return []alarms.Kind{
		{Kind: "filter-away", Title: "The filter answers", When: "it does not, at two looks in a row"},
		{Kind: "filter-restarts", Title: "The filter stays up", When: "it is started more than three times within an hour"},
		{Kind: "rules-behind", Title: "The filter holds the current rules", When: "it does not, at two looks in a row"},
		{Kind: "trial-wrong", Title: "Trials of the filter come out right", When: "the newest trial of a site came out wrong"},
		{Kind: "trial-missing", Title: "Trials are made", When: "this machine made none for three hours, or a device of a site told nothing for a school day"},
		{Kind: "traffic-stops", Title: "Something passes the filter", When: "less than 3 in a hundred of what is usual at this hour of a school day"},
		{Kind: "blocks-fall", Title: "The filter closes what it usually closes", When: "the share that is closed falls below a fifth of the usual at this hour of a school day"},
		{Kind: "site-dark", Title: "All sites come to the filter", When: "less than 3 in a hundred comes from one site, and the others are busy"},
		{Kind: "identity-falls", Title: "People are signed in", When: "the share of devices with somebody signed in falls below a fifth of the usual"},
		{Kind: "sign-in-broken", Title: "The network tells who is there", When: "Kerberos or an access point’s accounting does not work"},
		{Kind: "devices-gone", Title: "Known devices come to the filter", When: "one that came on eight of ten school days came on none of the last three"},
		{Kind: "bypass", Title: "Nobody insists on a way round", When: "a device tried more than fifty times within a day, and in the last two hours"},
		{Kind: "record-stuck", Title: "What passes is taken up", When: "it cannot be written, at two looks in a row"},
		{Kind: "record-lost", Title: "Nothing is missing in the record", When: "the filter had to drop something since the last look"},
		{Kind: "journal-wrong", Title: "The journal holds", When: "it does not, when it is verified every six hours"},
		{Kind: "disk-full", Title: "There is room on the disk", When: "less than 2 GB is free; urgent below 200 MB"},
		{Kind: "task-fails", Title: "What happens by the clock is done", When: "a task failed three times in a row"},
		{Kind: "mail-away", Title: "Mail goes out", When: "the mail server could not be reached for an hour"},
		{Kind: "scanner-away", Title: "A virus scanner answers", When: "none does, at two looks in a row"},
		{Kind: "scanner-old", Title: "The virus scanner’s signatures are new", When: "those of every scanner are older than three days"},
		{Kind: "list-trouble", Title: "Lists come in", When: "one could not be fetched or read"},
		{Kind: "list-stale", Title: "Lists are fresh", When: "one is older than the policy lets it be"},
		{Kind: "licensed-stale", Title: "Licensed lists are fresh", When: "one is older than it may be"},
		{Kind: "certificate-ends", Title: "Certificates last", When: "one ends within 30 days; urgent within 7"},
		{Kind: "certificate-wrong", Title: "The pages’ certificate is in order", When: "it has ended, or is not for the pages’ names"},
	}
}
