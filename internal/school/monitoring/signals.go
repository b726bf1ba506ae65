package monitoring

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"belisha/internal/activity"
	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/school/access"
)

// joinWithin is how long repeats of one person join one signal.
const joinWithin = time.Hour

// aroundSignal is how much of the time before and after is shown with one.
const aroundSignal = time.Hour

// SignalTitle is all that a tray says about a signal.
const SignalTitle = "A pupil may need you"

// The states of a signal.
const (
	SignalOpen   = "open" // nobody has looked
	SignalSeen   = "seen"
	SignalClosed = "closed"
)

// Outcomes are how a signal may be closed.
var Outcomes = []setting.Option{
	{Value: "no-concern", Title: "Not a concern"},
	{Value: "spoken", Title: "I spoke with the pupil, nothing more is needed"},
	{Value: "raised", Title: "Raised as a concern in the school's safeguarding records"},
	{Value: "passed", Title: "Passed on to another service"},
}

const outcomeNoConcern = "no-concern"

// Signal is what may be worrying about one person or device, repeats within
// an hour together.
type Signal struct {
	ID      string
	Subject string // "" for nobody known: then a device or an address
	Device  string
	Address netip.Addr
	First   time.Time
	Last    time.Time
	Times   int
	Themes  []string // sealed at rest, as is
	Note    string   // what the lead wrote on closing it
	State   string
	Raised  time.Time
	SeenAt  time.Time
	SeenBy  string
	Closed  time.Time
	By      string
	Outcome string
	Version int64
}

// who is what joins repeats: the person, else the device, else the address.
func who(e *activity.Event) string {
	switch {
	case e.Subject != "":
		return "subject " + e.Subject
	case e.Device != "":
		return "device " + e.Device
	case e.Address.IsValid():
		return "address " + e.Address.Unmap().String()
	default:
		return "site " + e.Site + ", " + e.Group
	}
}

// worrying says whether an event may become a signal: it carries one of the
// school's themes, and it is not a member of staff's.
func (r *Room) worrying(e *activity.Event) bool {
	return e.Alert != "" && e.Action != activity.Support && e.Group != access.GroupStaff &&
		slices.Contains(r.values().Items(keyThemes), e.Alert)
}

// Saw is told of every event, and puts the worrying ones in the tray at once.
// Events told again count once. While names are not recorded a signal says
// when, and at which site, but never who or on which device.
func (r *Room) Saw(ctx context.Context, events []activity.Event) error {
	// A child in danger comes first: counting misuse must not stand in the way.
	if err := r.signalled(ctx, events); err != nil {
		return err
	}
	// What was counted cannot be counted again, so a fault here must not hold up
	// the record: it is told, and the record goes on.
	if err := r.misuse(ctx, events); err != nil {
		r.d.Log.Error("misuse could not be noted", "err", err)
	}
	return nil
}

// signalled puts what is worrying in the tray.
func (r *Room) signalled(ctx context.Context, events []activity.Event) error {
	var worrying []activity.Event
	for i := range events {
		if r.worrying(&events[i]) {
			worrying = append(worrying, events[i])
		}
	}
	if len(worrying) == 0 {
		return nil
	}
	on, err := r.Recording(ctx)
	if err != nil {
		return err
	}
	for i := range worrying {
		if worrying[i].Certainty == activity.Unknown {
			worrying[i].Subject = "" // a device, never a person
		}
		if !on {
			worrying[i].Subject, worrying[i].Device, worrying[i].Address = "", "", netip.Addr{}
		}
	}
	slices.SortStableFunc(worrying, func(a, b activity.Event) int { return a.At.Compare(b.At) })
	ctx = actor.With(ctx, actor.Belisha("monitoring"))
	err = r.d.DB.Write(ctx, func(tx *store.Tx) error {
		for i := range worrying {
			if err := r.raise(ctx, tx, &worrying[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("putting a signal in the tray: %w", err)
	}
	return nil
}

// raise makes a signal of an event, or joins it to one of the hour before.
func (r *Room) raise(ctx context.Context, tx *store.Tx, e *activity.Event) error {
	known, err := hasEvent(ctx, tx, e)
	if err != nil || known {
		return err
	}
	s, err := r.joinable(ctx, tx, who(e), e.At)
	verb := VerbRepeated
	if errors.Is(err, store.ErrNotFound) {
		verb = VerbRaised
		now := r.d.Clock.Now()
		s, err = Signal{
			ID: store.NewID(now), Subject: e.Subject, Device: e.Device, Address: e.Address,
			First: e.At, Last: e.At, State: SignalOpen, Raised: now,
		}, nil
	}
	if err != nil {
		return err
	}
	s.Times += int(max(e.Count, 1))
	if e.At.Before(s.First) {
		s.First = e.At
	}
	if e.At.After(s.Last) {
		s.Last = e.At
	}
	if !slices.Contains(s.Themes, e.Alert) {
		s.Themes = append(s.Themes, e.Alert)
	}
	if err := r.saveSignal(ctx, tx, who(e), &s); err != nil {
		return err
	}
	if err := insertEvent(ctx, tx, s.ID, e); err != nil {
		return err
	}
	return r.d.Journal.Write(ctx, tx, journal.Entry{
		Verb: verb, Kind: "signal", ID: s.ID,
		Rows: []journal.Row{{Table: "signals", ID: s.ID}},
	})
}

// sealPurpose binds what is sealed to this room.
const sealPurpose = "signals"

// about is what of a signal is sealed.
type about struct {
	Themes []string `json:"themes"`
	Note   string   `json:"note,omitempty"`
}

// seal keeps what a signal is about from whoever reads the records' file.
func (r *Room) seal(ctx context.Context, s *Signal) (string, error) {
	plain, err := json.Marshal(about{s.Themes, s.Note})
	if err != nil {
		return "", fmt.Errorf("writing what a signal is about: %w", err)
	}
	return r.sealBytes(ctx, sealPurpose, s.ID, plain)
}

func (r *Room) unseal(ctx context.Context, s *Signal, sealed string) error {
	data, err := r.unsealBytes(ctx, sealPurpose, s.ID, sealed)
	if err != nil {
		return err
	}
	var a about
	if err := json.Unmarshal(data, &a); err != nil {
		return fmt.Errorf("reading a signal: %w", err)
	}
	s.Themes, s.Note = a.Themes, a.Note
	return nil
}

// mayTray refuses whoever the tray is not for.
func mayTray(a actor.Actor) error {
	if isPupil(a) || !a.May(MayTray) {
		return fmt.Errorf("%w: only the safeguarding lead and the deputies see this", store.ErrForbidden)
	}
	return nil
}

// OpenSignal shows one signal to a safeguarding lead, and journals it. A
// signal opened for the first time counts as seen.
func (r *Room) OpenSignal(ctx context.Context, id string) (Signal, error) {
	a := actor.From(ctx)
	if err := mayTray(a); err != nil {
		return Signal{}, err
	}
	var s Signal
	err := r.d.DB.Write(ctx, func(tx *store.Tx) error {
		var err error
		if s, err = r.signal(ctx, tx, id); err != nil {
			return err
		}
		e := journal.Entry{Verb: VerbOpened, Kind: "signal", ID: id}
		if s.State == SignalOpen {
			s.State, s.SeenAt, s.SeenBy = SignalSeen, r.d.Clock.Now(), a.ID
			if err := r.updateSignal(ctx, tx, &s); err != nil {
				return err
			}
			e.Rows = []journal.Row{{Table: "signals", ID: id}}
		}
		return r.d.Journal.Write(ctx, tx, e)
	})
	return s, err
}

// CloseSignal ends a signal with what came of it. The note is sealed with it,
// and stands in no journal line: those who read the journal may not read it.
func (r *Room) CloseSignal(ctx context.Context, id, outcome, note string, version int64) error {
	a := actor.From(ctx)
	if err := mayTray(a); err != nil {
		return err
	}
	bad := store.Invalid{}
	if !slices.ContainsFunc(Outcomes, func(o setting.Option) bool { return o.Value == outcome }) {
		bad["outcome"] = "Choose what came of it."
	}
	if utf8.RuneCountInString(note) > maxReason {
		bad["note"] = fmt.Sprintf("Shorten this to %d letters.", maxReason)
	}
	if err := bad.OrNil(); err != nil {
		return err
	}
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		s, err := r.signal(ctx, tx, id)
		if err != nil {
			return err
		}
		if s.Version != version || s.State == SignalClosed {
			return store.ErrStale
		}
		s.State, s.Closed, s.By, s.Outcome = SignalClosed, r.d.Clock.Now(), a.ID, outcome
		s.Note = strings.TrimSpace(note)
		if err := r.updateSignal(ctx, tx, &s); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbClosed, Kind: "signal", ID: id,
			After: map[string]string{"outcome": outcome},
			Rows:  []journal.Row{{Table: "signals", ID: id}},
		})
	})
}

// Waiting is the room's part of the tray. A line says nothing of whom or
// what: the tray is seen from the door.
func (r *Room) Waiting(ctx context.Context, a actor.Actor) ([]web.Item, error) {
	var items []web.Item
	if mayTray(a) == nil {
		open, err := r.openSignals(ctx)
		if err != nil {
			return nil, err
		}
		for _, s := range open {
			item := web.Item{
				Key: s.ID, Title: SignalTitle, Step: "Open it", Link: "/monitoring/signals/" + s.ID,
				Risk: 3, Since: s.Raised, Room: "monitoring",
			}
			if s.State == SignalSeen {
				item.Step, item.Risk = "Say what came of it", 2
			}
			items = append(items, item)
		}
	}
	if a.May(MayConfirm) && !isPupil(a) {
		mine, err := r.waitingForHead(ctx)
		if err != nil {
			return nil, err
		}
		items = append(items, mine...)
	}
	more, err := r.waitingAlerts(ctx, a)
	return append(items, more...), err
}

// Forget removes the closed signals of a pseudonym whose web activity is
// erased. What is still open stays until a safeguarding lead has closed it.
func (r *Room) Forget(ctx context.Context, subject string) (int, error) {
	n := 0
	err := r.d.DB.Write(ctx, func(tx *store.Tx) error {
		ids, err := removeSignals(ctx, tx, `subject = $1`, subject)
		if err != nil || len(ids) == 0 {
			return err
		}
		n = len(ids)
		return r.noteTidied(ctx, tx, "erased", ids)
	})
	if err != nil {
		return n, err
	}
	return n, r.d.DB.Write(ctx, func(tx *store.Tx) error {
		ids, err := removeAlerts(ctx, tx, `subject = $1`, subject)
		if err != nil || len(ids) == 0 {
			return err
		}
		return r.noteAlertsTidied(ctx, tx, "erased", ids)
	})
}

// noteAlertsTidied journals the removal of alerts.
func (r *Room) noteAlertsTidied(ctx context.Context, tx *store.Tx, why string, ids []string) error {
	e := journal.Entry{Verb: VerbAlertsTidied, Kind: "alert", ID: why, After: map[string]int{"removed": len(ids)}}
	for _, id := range ids {
		e.Rows = append(e.Rows, journal.Row{Table: "alerts", ID: id})
	}
	return r.d.Journal.Write(ctx, tx, e)
}

// noteTidied journals the removal of signals.
func (r *Room) noteTidied(ctx context.Context, tx *store.Tx, why string, ids []string) error {
	e := journal.Entry{Verb: VerbTidied, Kind: "signal", ID: why, After: map[string]int{"removed": len(ids)}}
	for _, id := range ids {
		e.Rows = append(e.Rows, journal.Row{Table: "signals", ID: id})
	}
	return r.d.Journal.Write(ctx, tx, e)
}

// unopenedAfter is when the head is told that a signal waits unopened.
const unopenedAfter = oneDay

// waitingForHead is what only the head can do, and how long signals have
// waited unopened: not whose, nor what.
func (r *Room) waitingForHead(ctx context.Context) ([]web.Item, error) {
	var items []web.Item
	open, err := r.openSignals(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range open { // longest first
		if s.State == SignalOpen && r.d.Clock.Now().Sub(s.Raised) >= unopenedAfter {
			items = append(items, web.Item{
				Key: "unopened", Title: "A signal waits unopened for the safeguarding lead", Step: "See who holds the post",
				Link: "/posts", Risk: 2, Since: s.Raised, Room: "monitoring",
			})
			break
		}
	}
	list, err := r.List(ctx)
	if err != nil {
		return nil, err
	}
	now, err := r.Candidates(ctx)
	if err != nil {
		return nil, err
	}
	old := !list.ConfirmedAt.IsZero() && r.d.Clock.Now().Sub(list.ConfirmedAt) > r.values().Duration(keyListAge)
	if old || !slices.Equal(now, list.People) {
		since := list.ConfirmedAt
		if since.IsZero() {
			since = r.d.Clock.Now()
		}
		items = append(items, web.Item{
			Key: "monitors", Title: "The list of monitors needs your word", Step: "Look at it",
			Link: "/monitoring/monitors", Risk: 1, Since: since, Room: "monitoring",
		})
	}
	return items, nil
}
