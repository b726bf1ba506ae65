package duty

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"

	"github.com/emersion/go-ical"
)

// OpenFeed makes a new secret address for the actor's tasks as a calendar. The
// one before it is closed. It is told this once: only its digest is kept.
func (b *Book) OpenFeed(ctx context.Context) (token string, err error) {
	a := actor.From(ctx)
	if a.Person == "" || b.People == nil {
		return "", store.ErrForbidden
	}
	raw := make([]byte, 32)
	if _, err := rand.Read(raw); err != nil {
		return "", fmt.Errorf("making a secret address: %w", err)
	}
	token = base64.RawURLEncoding.EncodeToString(raw)
	now := b.Clock.Now().UTC()
	return token, b.DB.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO calendar_feeds (person, digest, made_at) VALUES ($1, $2, $3)
			ON CONFLICT (person) DO UPDATE SET digest = excluded.digest, made_at = excluded.made_at`,
			a.Person, digestOf(token), store.At(now))
		if err != nil {
			return fmt.Errorf("keeping a calendar's address: %w", err)
		}
		return b.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbFeed, Kind: "calendar", ID: a.Person, Rows: []journal.Row{{Table: "calendar_feeds", ID: a.Person}},
		})
	})
}

// CloseFeed closes the actor's address at once.
func (b *Book) CloseFeed(ctx context.Context) error {
	a := actor.From(ctx)
	if a.Person == "" {
		return store.ErrForbidden
	}
	return b.DB.Write(ctx, func(tx *store.Tx) error {
		res, err := tx.ExecContext(ctx, "DELETE FROM calendar_feeds WHERE person = $1", a.Person)
		if err != nil {
			return fmt.Errorf("closing a calendar's address: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, store.ErrNotFound)
		}
		return b.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbNoFeed, Kind: "calendar", ID: a.Person, Rows: []journal.Row{{Table: "calendar_feeds", ID: a.Person}},
		})
	})
}

// FeedSince is when the actor's address was made, the zero time for none.
func (b *Book) FeedSince(ctx context.Context) (time.Time, error) {
	var at store.Time
	err := b.DB.QueryRowContext(ctx, "SELECT made_at FROM calendar_feeds WHERE person = $1", actor.From(ctx).Person).Scan(&at)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, fmt.Errorf("reading a calendar's address: %w", err)
	}
	return at.Time, nil
}

func digestOf(token string) string {
	h := sha256.Sum256([]byte(token))
	return hex.EncodeToString(h[:])
}

// horizon is how far a calendar looks ahead.
const horizon = 400 * 24 * time.Hour

// mostEvents bounds a calendar.
const mostEvents = 500

// Feed is the calendar behind a secret address, and its tag: the same tasks
// give the same bytes. An address that was closed, replaced or invented, and
// that of somebody who has left, is store.ErrNotFound.
func (b *Book) Feed(ctx context.Context, token string, zone *time.Location) (body []byte, tag string, err error) {
	if b.People == nil || len(token) != 43 {
		return nil, "", store.ErrNotFound
	}
	var person string
	err = b.DB.QueryRowContext(ctx, "SELECT person FROM calendar_feeds WHERE digest = $1", digestOf(token)).Scan(&person)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, "", store.ErrNotFound
	}
	if err != nil {
		return nil, "", fmt.Errorf("reading a calendar's address: %w", err)
	}
	a, err := b.People.Actor(ctx, person)
	if err != nil {
		return nil, "", err
	}
	mine, err := b.mine(ctx, a)
	if err != nil {
		return nil, "", err
	}
	body, err = b.calendar(mine, zone)
	if err != nil {
		return nil, "", err
	}
	h := sha256.Sum256(body)
	return body, `"` + hex.EncodeToString(h[:16]) + `"`, nil
}

// mine are the tasks that the actor sees. Sources that fail are an error: a
// calendar that lacks them would say that nothing is due.
func (b *Book) mine(ctx context.Context, a actor.Actor) ([]Duty, error) {
	all, failed, err := b.All(ctx)
	if err != nil {
		return nil, err
	}
	if len(failed) > 0 {
		return nil, fmt.Errorf("working out what %s owes: %w", failed[0].Source, failed[0].Err)
	}
	var out []Duty
	for _, d := range all {
		if d.sees(a) {
			out = append(out, d)
		}
	}
	return out, nil
}

// calendar writes tasks as days of a calendar. What changes from one reading
// to the next though the tasks do not stands nowhere in it.
func (b *Book) calendar(mine []Duty, zone *time.Location) ([]byte, error) {
	cal := ical.NewCalendar()
	cal.Props.SetText(ical.PropVersion, "2.0")
	cal.Props.SetText(ical.PropProductID, "-//Belisha//Tasks//EN")
	cal.Props.SetText("X-WR-CALNAME", "Belisha tasks")
	now := b.Clock.Now()
	for _, d := range mine {
		if d.Due.IsZero() || d.Due.After(now.Add(horizon)) || len(cal.Children) == mostEvents {
			continue
		}
		cal.Children = append(cal.Children, b.event(d, zone))
	}
	var out bytes.Buffer
	if len(cal.Children) == 0 {
		// The library writes no calendar without an event; none is what is due.
		out.WriteString("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Belisha//Tasks//EN\r\nX-WR-CALNAME:Belisha tasks\r\nEND:VCALENDAR\r\n")
		return out.Bytes(), nil
	}
	if err := ical.NewEncoder(&out).Encode(cal); err != nil {
		return nil, fmt.Errorf("writing the calendar: %w", err)
	}
	return out.Bytes(), nil
}

func (b *Book) event(d Duty, zone *time.Location) *ical.Component {
	h := sha256.Sum256([]byte(b.School + "\n" + d.Key))
	e := ical.NewEvent()
	e.Props.SetText(ical.PropUID, hex.EncodeToString(h[:16])+"@belisha.invalid")
	made := d.Since
	if made.IsZero() || made.After(d.Due) {
		made = d.Due
	}
	e.Props.SetDateTime(ical.PropDateTimeStamp, made.UTC())
	day := d.Due.In(zone)
	e.Props.SetDate(ical.PropDateTimeStart, day)
	e.Props.SetDate(ical.PropDateTimeEnd, day.AddDate(0, 0, 1))
	e.Props.SetText(ical.PropSummary, d.What)
	e.Props.SetText(ical.PropTransparency, "TRANSPARENT") // it does not make anybody busy
	return e.Component
}

// gauge bounds how often an address may be asked for: guessing is hopeless,
// and nobody's program keeps the school busy.
type gauge struct {
	mu    sync.Mutex
	since time.Time
	asked map[string]int
}

const (
	gaugeSpan  = time.Hour
	gaugeMost  = 120 // for one asker in a span
	gaugeNames = 4096
)

func newGauge() *gauge { return &gauge{asked: map[string]int{}} }

// allow counts one more request of an asker.
func (g *gauge) allow(asker string, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now.Sub(g.since) >= gaugeSpan || now.Before(g.since) || len(g.asked) >= gaugeNames {
		g.since, g.asked = now, map[string]int{}
	}
	g.asked[asker]++
	return g.asked[asker] <= gaugeMost
}
