package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// Session is one sign-in.
type Session struct {
	ID        string
	Account   string
	Person    people.ID
	Subject   string
	Address   netip.Addr
	Device    string // in words: "Chrome on Windows"
	Place     string
	Web       bool // signed in on the people's pages: the address is the person's
	StartedAt time.Time
	UsedAt    time.Time
	Expires   time.Time
	LockedAt  time.Time
	EndedAt   time.Time
	EndedWhy  string
	// LongestGap is the longest time between two requests that were answered,
	// and LongestLimit the idle time that then held: evidence that the lock
	// works.
	LongestGap   time.Duration
	LongestLimit time.Duration
	// FactorAt is when the second factor was shown in this session, ProvedAt
	// when its owner last proved who they are by all that the account asks.
	FactorAt time.Time
	ProvedAt time.Time

	token string // digest
}

// Open reports whether the session has not been ended.
func (s Session) Open() bool { return s.EndedAt.IsZero() }

// newToken returns what a browser shows to be known again: 32 random bytes.
func newToken() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails (Go 1.24)
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// hashToken is what is kept of a token. It is random enough that a plain
// digest cannot be turned back.
func hashToken(t string) string {
	sum := sha256.Sum256([]byte("belisha session " + t))
	return hex.EncodeToString(sum[:])
}

// asPerson is ctx with the person as the actor, for the lines of the sign-in
// itself.
func asPerson(ctx context.Context, p people.Person) context.Context {
	return actor.With(ctx, actor.Actor{ID: "person:" + string(p.ID), Kind: actor.Person, Person: string(p.ID), Audience: p.Kind})
}

// Bounds of the clock and of the table.
const (
	clockSlack  = 2 * time.Minute  // a clock set back by more locks sessions
	touchEvery  = 20 * time.Second // how often the use of a session is kept
	keepSession = 90 * day         // how long ended sessions are listed
)

// Standing is what a browser's token is worth at this moment.
type Standing struct {
	Actor   actor.Actor
	Session Session
	Account Account
	// Locked: the session was left too long; name and password are asked.
	Locked bool
	// AskFactor: the password fitted, and the second factor is still to be
	// shown. Until then the actor is nobody.
	AskFactor bool
	// MustChange: the password must be changed before anything else.
	MustChange bool
	// MustEnrol: the posts ask for a second factor, and there is none yet.
	MustEnrol bool
	// EnrolBy is until when the school waits for it, zero where it is not
	// asked for or is there.
	EnrolBy time.Time
}

// Stand finds out who shows the token. Nobody is no error.
func (r *Room) Stand(ctx context.Context, token string) (Standing, error) {
	nobody := Standing{Actor: actor.Actor{ID: "nobody", Kind: actor.Nobody}}
	if token == "" || len(token) > 100 {
		return nobody, nil
	}
	s, err := readSession(ctx, r.DB, "token", hashToken(token))
	if errors.Is(err, store.ErrNotFound) {
		return nobody, nil
	}
	if err != nil {
		return nobody, err
	}
	if !s.Open() {
		return nobody, nil
	}
	a, err := readAccount(ctx, r.DB, "id", s.Account)
	if err != nil {
		return nobody, err
	}
	p, may, err := r.present(ctx, s.Person)
	if err != nil {
		return nobody, err
	}
	now := r.Clock.Now()
	if why := over(s, a, may, now); why != "" {
		return nobody, r.endNow(ctx, s, why)
	}
	if locked, err := r.idle(ctx, s, p, now); err != nil || locked {
		nobody.Locked = locked
		nobody.Session = s
		return nobody, err
	}
	return r.standing(ctx, s, a, p, now)
}

// over says why a session is at its end, "" when it is not.
func over(s Session, a Account, may bool, now time.Time) string {
	switch {
	case a.Disabled:
		return "the account was closed"
	case !may:
		return "the person has left or may not use the network"
	case !now.Before(s.Expires):
		return "it had lasted as long as a sign-in may"
	case a.Temporary() && !now.Before(a.TemporaryUntil):
		return "the temporary password ran out"
	default:
		return ""
	}
}

// idleLimit is how long the session may be left.
func (r *Room) idleLimit(k people.Kind, place string) time.Duration {
	at := audience(k)
	at.Place = place
	return r.values().Duration(KeyIdleLock, at)
}

// idle locks a session that was left too long, and otherwise keeps that it was
// used. A clock set back locks too: how long it was left is then not known.
func (r *Room) idle(ctx context.Context, s Session, p people.Person, now time.Time) (locked bool, err error) {
	if !s.LockedAt.IsZero() {
		return true, nil
	}
	limit := r.idleLimit(p.Kind, s.Place)
	gap := now.Sub(s.UsedAt)
	if gap >= limit || gap < -clockSlack {
		return true, r.lock(ctx, s, now, gap, limit)
	}
	if gap < touchEvery {
		return false, nil
	}
	return false, r.touch(ctx, s, now, gap, limit)
}

// lock locks a session and writes how long it was left.
func (r *Room) lock(ctx context.Context, s Session, now time.Time, gap, limit time.Duration) error {
	return r.DB.Write(ctx, func(tx *store.Tx) error {
		fresh, err := readSession(ctx, tx, "id", s.ID)
		if err != nil {
			return err
		}
		if !fresh.Open() || !fresh.LockedAt.IsZero() || fresh.UsedAt.After(s.UsedAt) {
			return nil // somebody was quicker
		}
		fresh.LockedAt = now
		if err := updateSession(ctx, tx, fresh); err != nil {
			return err
		}
		return r.Journal.Write(actor.With(ctx, actor.Belisha("access")), tx, journal.Entry{
			Verb: VerbRested, Kind: "session", ID: s.ID,
			After: map[string]any{"left_for": gap.Round(time.Second).String(), "limit": limit.String()},
		})
	})
}

// LockNow locks a session at once, for somebody who leaves the machine.
func (r *Room) LockNow(ctx context.Context, id string) error {
	s, err := readSession(ctx, r.DB, "id", id)
	if err != nil {
		return err
	}
	now := r.Clock.Now()
	return r.lock(ctx, s, now, now.Sub(s.UsedAt), r.values().Duration(KeyIdleLock))
}

// touch keeps that a session was used.
func (r *Room) touch(ctx context.Context, s Session, now time.Time, gap, limit time.Duration) error {
	return r.DB.Write(ctx, func(tx *store.Tx) error { return touchSession(ctx, tx, s, now, gap, limit) })
}

// standing makes the actor.
func (r *Room) standing(ctx context.Context, s Session, a Account, p people.Person, now time.Time) (Standing, error) {
	has, err := hasFactor(ctx, r.DB, a.ID)
	if err != nil {
		return Standing{}, err
	}
	if has && s.FactorAt.IsZero() {
		return Standing{Session: s, Account: a, AskFactor: true, Actor: actor.Actor{ID: "nobody", Kind: actor.Nobody}}, nil
	}
	out := Standing{Session: s, Account: a, MustChange: a.MustChange || r.aged(a, p.Kind)}
	act := actor.Actor{ID: "person:" + string(p.ID), Name: shownName(p), Kind: actor.Person, Person: string(p.ID), Audience: p.Kind, Session: s.ID}
	if out.MustChange {
		out.Actor = actor.New(act) // may change the password, and nothing else
		return out, nil
	}
	held, err := r.People.PostsAt(ctx, p.ID, now)
	if err != nil {
		return Standing{}, err
	}
	if !has {
		out.EnrolBy = r.enrolBy(p, a, held)
		out.MustEnrol = !r.Demo && !out.EnrolBy.IsZero() && !now.Before(out.EnrolBy)
	}
	names, may := r.rightsOf(p, held)
	if out.MustEnrol {
		out.Actor = actor.New(act) // may take a second factor, and nothing else
		return out, nil
	}
	act.Posts = names
	out.Actor = actor.New(act, may...)
	return out, nil
}

// rights are the posts of a person at a moment and what they may do by them.
func (r *Room) rights(ctx context.Context, p people.Person, now time.Time) (names []string, may []actor.Capability, err error) {
	held, err := r.People.PostsAt(ctx, p.ID, now)
	if err != nil {
		return nil, nil, err
	}
	names, may = r.rightsOf(p, held)
	return names, may, nil
}

func (r *Room) rightsOf(p people.Person, held []people.Holder) (names []string, may []actor.Capability) {
	var posts []people.Post
	for _, h := range held {
		posts = append(posts, h.Post)
		names = append(names, string(h.Post))
	}
	return names, r.table.May(p.Kind, posts)
}

// shownName is the name at the top of somebody's pages: of a pupil the first
// name alone, never the family name, since a classmate sees the screen.
func shownName(p people.Person) string {
	if p.Kind == people.Pupil {
		return p.First()
	}
	return p.Name()
}

// ActorOf returns the actor of a person as they would be if they were signed
// in now, for a page that shows what somebody may do.
func (r *Room) ActorOf(ctx context.Context, id people.ID) (actor.Actor, error) {
	p, err := r.People.Present(ctx, id)
	if err != nil {
		return actor.Actor{}, err
	}
	posts, may, err := r.rights(ctx, p, r.Clock.Now())
	if err != nil {
		return actor.Actor{}, err
	}
	return actor.New(actor.Actor{ID: "person:" + string(p.ID), Name: p.Name(), Kind: actor.Person, Person: string(p.ID), Audience: p.Kind, Posts: posts}, may...), nil
}

// end ends a session within a change.
func (r *Room) end(ctx context.Context, tx *store.Tx, s *Session, why string) error {
	s.EndedAt, s.EndedWhy = r.Clock.Now(), why
	if err := updateSession(ctx, tx, *s); err != nil {
		return err
	}
	return r.Journal.Write(ctx, tx, journal.Entry{Verb: VerbEnded, Kind: "session", ID: s.ID, Reason: why})
}

// endNow ends a session that is over by itself.
func (r *Room) endNow(ctx context.Context, s Session, why string) error {
	done := false
	err := r.DB.Write(ctx, func(tx *store.Tx) error {
		fresh, err := readSession(ctx, tx, "id", s.ID)
		if err != nil || !fresh.Open() {
			return err
		}
		done = true
		return r.end(actor.With(ctx, actor.Belisha("access")), tx, &fresh, why)
	})
	if err == nil && done {
		r.signedOut(ctx, []Session{s})
	}
	return err
}

// EndSession ends one session of a person, by its owner or by whoever looks
// after accounts.
func (r *Room) EndSession(ctx context.Context, person people.ID, id, why string) error {
	var s Session
	err := r.DB.Write(ctx, func(tx *store.Tx) (err error) {
		if s, err = readSession(ctx, tx, "id", id); err != nil {
			return err
		}
		if s.Person != person {
			return store.ErrNotFound
		}
		if !s.Open() {
			return nil
		}
		return r.end(ctx, tx, &s, why)
	})
	if err == nil {
		r.signedOut(ctx, []Session{s})
	}
	return err
}

// EndSessions ends every session of a person but keep.
func (r *Room) EndSessions(ctx context.Context, person people.ID, keep, why string) error {
	var ended []Session
	err := r.DB.Write(ctx, func(tx *store.Tx) (err error) {
		ended, err = r.endAll(ctx, tx, person, keep, why)
		return err
	})
	if err == nil {
		r.signedOut(ctx, ended)
	}
	return err
}

func (r *Room) endAll(ctx context.Context, tx *store.Tx, person people.ID, keep, why string) ([]Session, error) {
	open, err := sessions(ctx, tx, "WHERE person = $1 AND ended_at = 0 AND id <> $2", string(person), keep)
	if err != nil {
		return nil, err
	}
	for i := range open {
		if err := r.end(ctx, tx, &open[i], why); err != nil {
			return nil, err
		}
	}
	return open, nil
}

// Sessions returns a person's open sessions, the latest used first.
func (r *Room) Sessions(ctx context.Context, person people.ID) ([]Session, error) {
	return sessions(ctx, r.DB, "WHERE person = $1 AND ended_at = 0 ORDER BY used_at DESC, id", string(person))
}

// lastMoment is when a person's last day is over, zero for an open stay. A site
// whose calendar cannot be read counts as the default one.
func (r *Room) lastMoment(p people.Person) time.Time {
	if p.Until == "" {
		return time.Time{}
	}
	cal, err := r.People.Calendar(context.Background(), p.Site)
	if err != nil {
		cal = people.DefaultCalendar(p.Site)
	}
	return p.Until.End(cal.Location())
}

// row makes the presence row of a person at an address.
func (r *Room) row(p people.Person, subject, session string, at netip.Addr, from time.Time) Row {
	v := r.values()
	lasts := min(v.Duration(KeySessionMax, audience(p.Kind)), v.Duration(KeyWebSession, audience(p.Kind)))
	until := from.Add(lasts)
	if last := r.lastMoment(p); !last.IsZero() && last.Before(until) {
		until = last
	}
	return Row{
		Address: at.Unmap(), Subject: subject, Person: p.ID, Session: session, Certain: Sure, Groups: []string{GroupOf(p.Kind)},
		KeyStage: p.Stage(), Site: p.Site, Place: r.Place(at), SignedUntil: until, Ends: until,
		Idle: v.Duration(KeyWebIdle, audience(p.Kind)),
	}
}

// signedIn tells the gate who is behind the address.
func (r *Room) signedIn(ctx context.Context, s Session, p people.Person) error {
	if r.Presence == nil || !s.Address.IsValid() {
		return nil
	}
	row := r.row(p, s.Subject, s.ID, s.Address, r.Clock.Now())
	if err := r.DB.Write(ctx, func(tx *store.Tx) error { return putWebAddress(ctx, tx, row) }); err != nil {
		return err
	}
	return r.Presence.SignedIn(ctx, row)
}

// Behind returns everybody who is behind an address just now, for a gate that
// must be told everything anew. Who has left the school since, or may no longer
// use the network, is not among them.
func (r *Room) Behind(ctx context.Context) ([]Row, error) {
	now := r.Clock.Now()
	list, err := r.behind(ctx, now)
	if err != nil {
		return nil, err
	}
	out := make([]Row, 0, len(list))
	for _, b := range list {
		p, ok, err := r.present(ctx, b.person)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		row := r.row(p, b.subject, "", b.address, now)
		row.SignedUntil, row.Ends = b.until, b.until
		out = append(out, row)
	}
	return out, nil
}

// ByRequest are the people whom the filter knows just now by what comes with
// their requests, a password or a ticket, or by the network: they may never
// have opened a page of ours.
func (r *Room) ByRequest(ctx context.Context) ([]people.ID, error) {
	list, err := r.behind(ctx, r.Clock.Now())
	if err != nil {
		return nil, err
	}
	var out []people.ID
	for _, b := range list {
		if b.address.IsUnspecified() {
			out = append(out, b.person)
		}
	}
	return out, nil
}

// signedOut tells the gate that nobody is behind the sessions' addresses any
// more. The sessions have ended already; what fails here is logged, and the
// rows end by their own time.
func (r *Room) signedOut(ctx context.Context, ended []Session) {
	if r.Presence == nil {
		return
	}
	for _, s := range ended {
		if !s.Web {
			continue
		}
		if err := r.leaves(ctx, webAddress{s.Subject, s.Address}); err != nil {
			r.Log.ErrorContext(ctx, "a sign-out could not be told to the gate", slog.String("session", s.ID), slog.Any("err", err))
		}
	}
}

// offTheWeb tells the gate that a person is behind no address any more,
// whichever way they came to be there: a browser that signs in to the proxy
// has no session.
func (r *Room) offTheWeb(ctx context.Context, person people.ID) error {
	if r.Presence == nil {
		return nil
	}
	list, err := r.webAddresses(ctx, person)
	if err != nil {
		return err
	}
	for _, w := range list {
		if err := r.leaves(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// leaves tells the gate that somebody is not behind an address any more.
func (r *Room) leaves(ctx context.Context, w webAddress) error {
	// First the record, then the gate: a gate that is told everything anew in
	// between must not hear of somebody who has gone.
	if err := r.DB.Write(ctx, func(tx *store.Tx) error { return dropWebAddress(ctx, tx, w.subject, w.address) }); err != nil {
		return err
	}
	if err := r.Presence.SignedOut(ctx, w.subject, w.address); err != nil {
		return fmt.Errorf("telling the gate of a sign-out: %w", err)
	}
	return nil
}

// deviceWords says a browser's words about itself in ours: "Chrome on
// Windows". What it does not know it leaves out.
func deviceWords(agent string) string {
	has := func(s string) bool { return strings.Contains(agent, s) }
	browser := "A browser"
	switch {
	case has("Edg/"):
		browser = "Edge"
	case has("Firefox/"):
		browser = "Firefox"
	case has("Chrome/") || has("CriOS/"):
		browser = "Chrome"
	case has("Safari/"):
		browser = "Safari"
	}
	for _, s := range []struct{ mark, name string }{
		{"CrOS", "a Chromebook"},
		{"iPad", "an iPad"},
		{"iPhone", "an iPhone"},
		{"Android", "Android"},
		{"Windows", "Windows"},
		{"Mac OS X", "a Mac"},
		{"Linux", "Linux"},
	} {
		if has(s.mark) {
			return browser + " on " + s.name
		}
	}
	return browser
}
