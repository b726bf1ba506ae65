package access

import (
	"context"
	"fmt"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/notice"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// Kinds of alert about an account.
const (
	AlertPlaces      = "two-places"
	AlertPupilDevice = "pupils-device"
	AlertCompromised = "compromised"
)

// Alert is something about an account that somebody should look at.
type Alert struct {
	ID         string
	Account    string
	Kind       string
	Says       string // without a name
	At         time.Time
	ReviewedAt time.Time
	By         string // actor
	Note       string
}

// Verbs of alerts.
const (
	VerbAlerted     journal.Verb = "account.alerted"
	VerbReviewed    journal.Verb = "account.alert-reviewed"
	VerbCompromised journal.Verb = "account.compromised"
)

// How alerts are bounded and reviewed.
const (
	alertAgain = 12 * time.Hour // one open alert of a kind for an account in this time
	reviewIn   = 5 * day        // an alert that lies longer is not being kept
	maxAlerts  = 200
)

func alertRow(id string) []journal.Row { return []journal.Row{{Table: "account_alerts", ID: id}} }

// alert keeps an alert, unless the same one waits already.
func (r *Room) alert(ctx context.Context, tx *store.Tx, a Alert) error {
	now := r.Clock.Now()
	open, err := alerts(ctx, tx, "WHERE account = $1 AND kind = $2 AND reviewed_at = 0 AND at > $3 LIMIT 1", a.Account, a.Kind, store.Millis(now.Add(-alertAgain)))
	if err != nil || len(open) > 0 {
		return err
	}
	a.ID, a.At = store.NewID(now), now
	if err := insertAlert(ctx, tx, a); err != nil {
		return err
	}
	return r.Journal.Write(actor.With(ctx, actor.Belisha("access")), tx, journal.Entry{
		Verb: VerbAlerted, Kind: "account", ID: a.Account, After: map[string]any{"kind": a.Kind}, Rows: alertRow(a.ID),
	})
}

// noteElsewhere looks whether a sign-in shows that two people use an account:
// it was used minutes ago at another place, or, of a pupil, at another device;
// or an adult signs in at a device that is for pupils.
func (r *Room) noteElsewhere(ctx context.Context, tx *store.Tx, p people.Person, s Session) error {
	window := r.values().Duration(KeySharedWindow)
	if window == 0 {
		return nil
	}
	if p.Kind == people.Staff && r.PupilDevice != nil && r.PupilDevice(s.Address) {
		err := r.alert(ctx, tx, Alert{Account: s.Account, Kind: AlertPupilDevice, Says: "A sign-in of staff at a device that is for pupils" + at(s.Place)})
		if err != nil {
			return err
		}
	}
	now := r.Clock.Now()
	others, err := sessions(ctx, tx, "WHERE person = $1 AND id <> $2 AND ended_at = 0 AND locked_at = 0 AND used_at > $3 ORDER BY used_at DESC", string(s.Person), s.ID, store.Millis(now.Add(-window)))
	if err != nil {
		return err
	}
	for _, o := range others {
		apart := o.Place != "" && s.Place != "" && o.Place != s.Place
		two := p.Kind == people.Pupil && o.Address.IsValid() && s.Address.IsValid() && o.Address != s.Address
		if !apart && !two {
			continue
		}
		says := fmt.Sprintf("Signed in%s while it was in use%s %s before", at(s.Place), at(o.Place), shortly(now.Sub(o.UsedAt)))
		return r.alert(ctx, tx, Alert{Account: s.Account, Kind: AlertPlaces, Says: says})
	}
	return nil
}

func at(place string) string {
	if place == "" {
		return ""
	}
	return " at " + place
}

func shortly(d time.Duration) string {
	if d < time.Minute {
		return "seconds"
	}
	return lengthWords(d.Round(time.Minute))
}

// Alerts are those that wait, the oldest first, or all of the last 90 days.
func (r *Room) Alerts(ctx context.Context, all bool) ([]Alert, error) {
	if all {
		return alerts(ctx, r.DB, fmt.Sprintf("WHERE at > $1 ORDER BY at DESC LIMIT %d", maxAlerts), store.Millis(r.Clock.Now().Add(-keepSession)))
	}
	return alerts(ctx, r.DB, fmt.Sprintf("WHERE reviewed_at = 0 ORDER BY at LIMIT %d", maxAlerts))
}

// Review keeps what somebody found out about an alert. Nobody reviews one of
// their own account.
func (r *Room) Review(ctx context.Context, id, note string) error {
	if note = strings.TrimSpace(note); note == "" || len(note) > 1000 {
		return store.Invalid{"note": "say in a few words what it was, and what was done"}
	}
	who := actor.From(ctx)
	return r.DB.Write(ctx, func(tx *store.Tx) error {
		list, err := alerts(ctx, tx, "WHERE id = $1", id)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return store.ErrNotFound
		}
		a := list[0]
		owner, err := readAccount(ctx, tx, "id", a.Account)
		if err != nil {
			return err
		}
		if who.Person != "" && who.Person == string(owner.Person) {
			return store.Invalid{"note": "this is about your own account, so somebody else looks into it"}
		}
		a.ReviewedAt, a.By, a.Note = r.Clock.Now(), who.ID, note
		if err := reviewAlert(ctx, tx, a); err != nil {
			return err
		}
		return r.Journal.Write(ctx, tx, journal.Entry{Verb: VerbReviewed, Kind: "account", ID: a.Account, Reason: note, Rows: alertRow(id)})
	})
}

// Compromised is somebody's word that another may know their password. Every
// session and token of theirs ends. With a second factor the account opens
// again by it, and a new password is asked for; without one the account stays
// shut until it is given a temporary password, since whoever knows the old one
// must not choose the new one. The network manager and the head are told.
func (r *Room) Compromised(ctx context.Context, person people.ID) (shut bool, err error) {
	has := false
	var ended []Session
	err = r.DB.Write(ctx, func(tx *store.Tx) error {
		a, err := readAccount(ctx, tx, "person", string(person))
		if err != nil {
			return err
		}
		if has, err = hasFactor(ctx, tx, a.ID); err != nil {
			return err
		}
		if has {
			a.MustChange = true
		} else {
			a.password, a.MustChange, a.TemporaryUntil = "", false, time.Time{}
		}
		if err := updateAccount(ctx, tx, a); err != nil {
			return err
		}
		if ended, err = r.endAll(ctx, tx, person, "", "its owner said that somebody else may know the password"); err != nil {
			return err
		}
		return r.noteCompromised(ctx, tx, a, has)
	})
	if err != nil {
		return false, err
	}
	r.signedOut(ctx, ended)
	return !has, r.offTheWeb(ctx, person)
}

func (r *Room) noteCompromised(ctx context.Context, tx *store.Tx, a Account, has bool) error {
	now := r.Clock.Now()
	if err := r.revokeAll(ctx, tx, a.Person, now); err != nil {
		return err
	}
	says := "Its owner says that somebody else may know the password; it is shut until it is given a temporary one"
	if has {
		says = "Its owner says that somebody else may know the password; it opens by the second factor, and a new password is asked for"
	}
	if err := r.alert(ctx, tx, Alert{Account: a.ID, Kind: AlertCompromised, Says: says}); err != nil {
		return err
	}
	if err := r.Journal.Write(ctx, tx, journal.Entry{Verb: VerbCompromised, Kind: "account", ID: a.ID, Rows: rowOf(a.ID)}); err != nil {
		return err
	}
	return r.tell(ctx, tx, notice.Notice{
		Key: "compromised/" + store.NewID(now), Posts: []string{string(people.Headteacher), string(people.DeputyHead), string(people.AssistantHead), string(people.NetworkManager)}, Not: []string{string(a.Person)},
		What: "Somebody says that their account may be known to another", Link: alertsPath, Risk: 3,
	})
}

func (r *Room) revokeAll(ctx context.Context, tx *store.Tx, person people.ID, now time.Time) error {
	list, err := r.Tokens(ctx, person)
	if err != nil {
		return err
	}
	for _, t := range list {
		if !t.Live(now) {
			continue
		}
		if err := revokeToken(ctx, tx, t.ID, now); err != nil {
			return err
		}
		if err := r.Journal.Write(ctx, tx, journal.Entry{Verb: VerbRevoked, Kind: "token", ID: t.ID, Rows: []journal.Row{{Table: "api_tokens", ID: t.ID}}}); err != nil {
			return err
		}
	}
	return nil
}

const alertsPath = "/accounts/alerts"
