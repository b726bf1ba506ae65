package monitoring

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"belisha/internal/activity"
	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/words"
	"belisha/internal/school/access"
	"belisha/internal/school/people"
)

// The rules by which misuse is found.
const (
	ruleBlocks    = "blocks"
	ruleBypass    = "bypass"
	ruleOddHours  = "odd-hours"
	rulePasswords = "passwords"
	ruleExport    = "export"
)

// Rules are what an alert may be about.
var Rules = []setting.Option{
	{Value: ruleBlocks, Title: "Many closed sites in a short time"},
	{Value: ruleBypass, Title: "A way round the filter was looked for"},
	{Value: ruleOddHours, Title: "Much web use in the middle of the night"},
	{Value: rulePasswords, Title: "Many wrong passwords for one account"},
	{Value: ruleExport, Title: "A monitor took many rows as copies"},
}

// AlertOutcomes are how an alert may be closed.
var AlertOutcomes = []setting.Option{
	{Value: "harmless", Title: "Harmless: a mistake, a lesson, or a machine by itself"},
	{Value: "spoken", Title: "Spoken with whoever it was"},
	{Value: "case", Title: "Raised as a concern or an incident"},
	{Value: "fixed", Title: "Something technical was put right"},
}

// bypassKinds are the kinds of site that lead round a filter.
var bypassKinds = []string{"vpn", "web-proxy", "foreign-dns"}

// Bounds of the rules. A page that tries one closed tracker over and over is
// no misuse: different sites are counted.
const (
	blocksSites  = 15 // different closed sites of one person or device
	blocksWithin = 10 * time.Minute
	bypassTimes  = 3
	nightVisits  = 60
	nightWithin  = 3 * time.Hour
	nightFrom    = 23 // o'clock
	nightUntil   = 5
	wrongTries   = 20 // wrong passwords of one account in a day
	exportRows   = 20_000
	alertJoins   = 24 * time.Hour
	maxWatched   = 20_000 // people and devices counted at a time
)

// Alert is what looks like misuse: for monitors, and those about a monitor for
// the head. It is a reason to look, and no proof of anything.
type Alert struct {
	ID      string
	Rule    string
	Subject string // pseudonym, "" where nobody is known
	Device  string
	Account string // for wrong passwords
	Watcher string // actor, for copies
	Note    string
	First   time.Time
	Last    time.Time
	Times   int
	State   string // SignalOpen or SignalClosed
	Raised  time.Time
	Closed  time.Time
	By      string
	Outcome string
	Version int64
}

// ForHead says whether the alert is about a monitor, and so not for monitors.
func (a Alert) ForHead() bool { return a.Rule == ruleExport }

// watch counts what one person or device did lately, in memory alone.
type watch struct {
	since time.Time
	sites map[string]bool
	n     int
}

// counter counts by rule and who; it forgets everything when it holds too
// much, rather than growing.
type counter struct {
	mu  sync.Mutex
	all map[string]*watch
}

// add counts one more, and says whether that reaches the bound. A count that
// was reached begins anew.
func (c *counter) add(key, site string, at time.Time, within time.Duration, bound int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil || len(c.all) >= maxWatched {
		c.all = map[string]*watch{}
	}
	w := c.all[key]
	if w == nil || at.Sub(w.since) > within || at.Before(w.since.Add(-within)) {
		w = &watch{since: at, sites: map[string]bool{}}
		c.all[key] = w
	}
	if site != "" && w.sites[site] {
		return false
	}
	if site != "" {
		w.sites[site] = true
	}
	if w.n++; w.n < bound {
		return false
	}
	delete(c.all, key)
	return true
}

// misuse looks for misuse in what the filter decided. What speaks of distress
// is the safeguarding lead's, and never counted here.
func (r *Room) misuse(ctx context.Context, events []activity.Event) error {
	on, err := r.Recording(ctx)
	if err != nil || !on {
		return err
	}
	looked := r.values().Items(keyRules)
	zone, err := r.zone(ctx)
	if err != nil {
		return err
	}
	var found []Alert
	for i := range events {
		e := &events[i]
		if e.Alert != "" || e.Action == activity.Support || e.Host == "" {
			continue
		}
		if rule := r.ruleOf(e, zone); slices.Contains(looked, rule) {
			a := Alert{Rule: rule, Device: e.Device, First: e.At, Last: e.At, Times: 1}
			if e.Certainty != activity.Unknown {
				a.Subject = e.Subject
			}
			found = append(found, a)
		}
	}
	return r.raiseAlerts(ctx, found)
}

// ruleOf counts an event, and answers the rule whose bound it reached.
func (r *Room) ruleOf(e *activity.Event, zone *time.Location) string {
	id := who(e)
	if e.Action == activity.Block {
		for _, k := range e.Categories {
			if slices.Contains(bypassKinds, k) {
				if r.counts.add(ruleBypass+" "+id, "", e.At, oneDay, bypassTimes) {
					return ruleBypass
				}
				return ""
			}
		}
		if e.Subject != "" || e.Device != "" {
			if r.counts.add(ruleBlocks+" "+id, e.Host, e.At, blocksWithin, blocksSites) {
				return ruleBlocks
			}
		}
		return ""
	}
	hour := e.At.In(zone).Hour()
	night := hour >= nightFrom || hour < nightUntil
	if night && e.Subject != "" && r.counts.add(ruleOddHours+" "+id, "", e.At, nightWithin, nightVisits) {
		return ruleOddHours
	}
	return ""
}

// raiseAlerts keeps alerts; one of the same rule and person within a day joins
// the one that is open.
func (r *Room) raiseAlerts(ctx context.Context, found []Alert) error {
	if len(found) == 0 {
		return nil
	}
	ctx = actor.With(ctx, actor.Belisha("monitoring"))
	err := r.d.DB.Write(ctx, func(tx *store.Tx) error {
		for _, a := range found {
			if err := r.raiseAlert(ctx, tx, a); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keeping an alert: %w", err)
	}
	return nil
}

// about is what of an alert is sealed.
type aboutAlert struct {
	Device  string `json:"device,omitempty"`
	Account string `json:"account,omitempty"`
	Watcher string `json:"watcher,omitempty"`
	Note    string `json:"note,omitempty"`
}

// joins is what repeats of an alert have in common.
func (a Alert) joins() string {
	switch {
	case a.Watcher != "":
		return "watcher " + a.Watcher
	case a.Account != "":
		return "account " + a.Account
	case a.Subject != "":
		return "subject " + a.Subject
	default:
		return "device " + a.Device
	}
}

func (r *Room) raiseAlert(ctx context.Context, tx *store.Tx, a Alert) error {
	old, err := r.openAlertOf(ctx, tx, a.joins(), a.Rule, a.First.Add(-alertJoins))
	verb := VerbAlertAgain
	switch {
	case errors.Is(err, store.ErrNotFound):
		verb = VerbAlert
		a.ID, a.State, a.Raised, a.Version = store.NewID(r.d.Clock.Now()), SignalOpen, r.d.Clock.Now(), 1
		if err := r.insertAlert(ctx, tx, a); err != nil {
			return err
		}
	case err != nil:
		return err
	default:
		old.Times += a.Times
		if a.Last.After(old.Last) {
			old.Last = a.Last
		}
		if a, err = old, r.updateAlert(ctx, tx, old); err != nil {
			return err
		}
	}
	return r.d.Journal.Write(ctx, tx, journal.Entry{
		Verb: verb, Kind: "alert", ID: a.ID, After: map[string]string{"rule": a.Rule}, Rows: []journal.Row{{Table: "alerts", ID: a.ID}},
	})
}

func (r *Room) sealAlert(ctx context.Context, a Alert) (string, error) {
	plain, err := json.Marshal(aboutAlert{a.Device, a.Account, a.Watcher, a.Note})
	if err != nil {
		return "", fmt.Errorf("writing an alert: %w", err)
	}
	return r.sealBytes(ctx, "alerts", a.ID, plain)
}

// CloseAlert ends an alert with what came of it. Nobody closes one that is
// about themselves.
func (r *Room) CloseAlert(ctx context.Context, id, outcome, note string, version int64) error {
	x, err := r.OpenAlert(ctx, id)
	if err != nil {
		return err
	}
	note = strings.TrimSpace(note)
	bad := store.Invalid{}
	if !known(AlertOutcomes, outcome) {
		bad["outcome"] = "Choose what came of it."
	}
	if utf8.RuneCountInString(note) > maxReason {
		bad["note"] = fmt.Sprintf("Shorten this to %d letters.", maxReason)
	}
	if err := bad.OrNil(); err != nil {
		return err
	}
	if x.State == SignalClosed || x.Version != version {
		return store.ErrStale
	}
	x.State, x.Closed, x.By, x.Outcome, x.Note = SignalClosed, r.d.Clock.Now(), actor.From(ctx).ID, outcome, note
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if err := r.updateAlert(ctx, tx, x); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbAlertClosed, Kind: "alert", ID: id, After: map[string]string{"outcome": outcome},
			Rows: []journal.Row{{Table: "alerts", ID: id}},
		})
	})
}

// OpenAlert answers an alert to whom it is for: one about a monitor to the
// head, any other to a listed monitor with a purpose. Both are journalled.
func (r *Room) OpenAlert(ctx context.Context, id string) (Alert, error) {
	a := actor.From(ctx)
	x, err := r.alert(ctx, id)
	if err != nil {
		return Alert{}, err
	}
	mine, err := r.selves(ctx, a)
	if err != nil {
		return Alert{}, err
	}
	if !x.isFor(a, mine) {
		return Alert{}, store.ErrNotFound
	}
	if x.ForHead() {
		return x, r.d.DB.Write(ctx, func(tx *store.Tx) error {
			return r.d.Journal.Write(ctx, tx, journal.Entry{Verb: VerbAlertOpened, Kind: "alert", ID: id})
		})
	}
	p, err := r.purpose(ctx)
	if err != nil {
		return Alert{}, err
	}
	return x, r.look(ctx, p, lookAlert, 1, map[string]string{"alert": id})
}

const lookAlert = "alert"

// selves are the pseudonyms of whoever asks.
func (r *Room) selves(ctx context.Context, a actor.Actor) ([]string, error) {
	mine, err := r.d.Names.Subjects(ctx, people.ID(a.Person))
	if err != nil {
		return nil, fmt.Errorf("joining a name to the record: %w", err)
	}
	return mine, nil
}

// isFor says whether an alert is one for the actor: those about a monitor are
// for reviewers, the others for monitors; nobody sees one about themselves.
func (x Alert) isFor(a actor.Actor, selves []string) bool {
	if isPupil(a) {
		return false
	}
	if x.ForHead() {
		return a.May(MayReview) && x.Watcher != a.ID
	}
	return a.May(MayRead) && (x.Subject == "" || !slices.Contains(selves, x.Subject))
}

// watchJournal finds what the journal tells of misuse: many wrong passwords of
// one account, and many rows taken as copies.
func (r *Room) watchJournal(ctx context.Context) error {
	now := r.d.Clock.Now()
	from := now.Add(-oneDay)
	tries, err := r.wrongPasswords(ctx, from)
	if err != nil {
		return err
	}
	var found []Alert
	for account, n := range tries {
		if n >= wrongTries {
			found = append(found, Alert{Rule: rulePasswords, Account: account, First: now, Last: now, Times: n})
		}
	}
	copies, err := r.copiesSince(ctx, from)
	if err != nil {
		return err
	}
	for watcher, rows := range copies {
		if rows >= exportRows {
			found = append(found, Alert{Rule: ruleExport, Watcher: watcher, First: now, Last: now, Times: 1, Note: words.Number(rows) + " rows in a day"})
		}
	}
	looked := r.values().Items(keyRules)
	return r.raiseAlerts(ctx, slices.DeleteFunc(found, func(a Alert) bool {
		return !slices.Contains(looked, a.Rule) || r.alertedSince(ctx, a, from)
	}))
}

// wrongPasswords counts them by account, out of the journal.
func (r *Room) wrongPasswords(ctx context.Context, from time.Time) (map[string]int, error) {
	lines, err := r.d.Journal.List(ctx, journal.Filter{Verbs: []journal.Verb{access.VerbFailed}, From: from, Limit: 500})
	if err != nil {
		return nil, fmt.Errorf("reading the wrong passwords in the journal: %w", err)
	}
	out := map[string]int{}
	for _, l := range lines {
		var d struct {
			After struct {
				Count int `json:"count"`
			} `json:"after"`
		}
		if l.Erased || json.Unmarshal(l.Detail, &d) != nil {
			continue
		}
		out[l.ID] += d.After.Count
	}
	return out, nil
}
