package access

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// Attempt is somebody at the door.
type Attempt struct {
	Username string
	Password string
	From     netip.Addr
	Device   string // the browser's own words about itself
	// Web: on the people's pages, so the address becomes this person's on
	// the web.
	Web bool
	// Cookie is the session that the browser had, "" for none.
	Cookie string
}

// Refused is the one answer to everything that is wrong at the door: which of
// name, password and account it was is nobody's business.
type Refused struct{ Words string }

func (e Refused) Error() string { return e.Words }

// refusal is the sentence, the same for every cause.
func (r *Room) refusal() error {
	return Refused{fmt.Sprintf("This name and password do not open an account. Look at both and try again. After %d wrong tries an account rests for %s. "+
		"If you forgot your password, ask whoever looks after accounts for a new one.", r.values().Int(KeyTries), lengthWords(r.values().Duration(KeyLockFor)))}
}

// lengthWords says a length of time that a policy would set.
func lengthWords(d time.Duration) string {
	switch {
	case d >= 2*time.Hour && d%time.Hour == 0:
		return fmt.Sprintf("%d hours", d/time.Hour)
	case d == time.Hour:
		return "an hour"
	case d == time.Minute:
		return "a minute"
	default:
		return fmt.Sprintf("%d minutes", d/time.Minute)
	}
}

// prove checks a name and a password. Whatever is wrong costs the same time
// and gives the same answer.
func (r *Room) prove(ctx context.Context, username, password string, from netip.Addr) (Account, people.Person, error) {
	now := r.Clock.Now()
	rest := r.values().Duration(KeyLockFor)
	if r.guard.closed(from, now, rest) {
		return Account{}, people.Person{}, r.refusal()
	}
	a, p, may, err := r.candidate(ctx, username)
	if err != nil {
		return Account{}, people.Person{}, err
	}
	fit, err := r.hash.Check(ctx, a.password, password)
	if err != nil {
		return Account{}, people.Person{}, err
	}
	if fit && may {
		return a, p, nil
	}
	r.guard.failed(from, now, r.values().Int(KeyTries), rest)
	if fit {
		// A right password for an account that may not sign in is no guess,
		// and is not counted against it.
		a = Account{}
	}
	if err := r.wrongTry(ctx, a); err != nil {
		return Account{}, people.Person{}, err
	}
	return Account{}, people.Person{}, r.refusal()
}

// nobodysTries is the row that counts tries at names that are no account's.
const nobodysTries = "nobody"

// candidate returns the account of a username, the zero one for nobody, and
// whether it may be signed in to at all.
func (r *Room) candidate(ctx context.Context, username string) (Account, people.Person, bool, error) {
	a, err := readAccount(ctx, r.DB, "username", strings.ToLower(strings.TrimSpace(username)))
	if errors.Is(err, store.ErrNotFound) {
		return Account{}, people.Person{}, false, nil
	}
	if err != nil {
		return Account{}, people.Person{}, false, err
	}
	p, may, err := r.present(ctx, a.Person)
	if err != nil {
		return Account{}, people.Person{}, false, err
	}
	now := r.Clock.Now()
	locked := a.LockedUntil.After(now)
	stale := a.Temporary() && !now.Before(a.TemporaryUntil)
	return a, p, may && !a.Disabled && !locked && !stale, nil
}

// wrongTry counts a wrong password, and lets the account rest when there were
// too many. A try at no account, or at one that rests already, writes as much,
// so that the time taken tells nothing.
func (r *Room) wrongTry(ctx context.Context, a Account) error {
	now := r.Clock.Now()
	rest := r.values().Duration(KeyLockFor)
	resting := a.LockedUntil.After(now)
	key := a.ID
	if key == "" || resting {
		key = nobodysTries
	}
	locked := false
	err := r.DB.Write(ctx, func(tx *store.Tx) error {
		until := now.Add(rest)
		if resting && a.LockedUntil.After(until) { // the clock went back
			if err := lockUntil(ctx, tx, a.ID, until); err != nil {
				return err
			}
		}
		n, err := countTry(ctx, tx, key, now, rest)
		locked = err == nil && key != nobodysTries && n >= r.values().Int(KeyTries)
		if err != nil || !locked {
			return err
		}
		return r.rest(ctx, tx, a.ID, n, until)
	})
	if err != nil || locked {
		return err
	}
	return r.noteFailure(ctx, key)
}

// rest lets an account rest.
func (r *Room) rest(ctx context.Context, tx *store.Tx, account string, tries int64, until time.Time) error {
	if err := lockUntil(ctx, tx, account, until); err != nil {
		return err
	}
	return r.Journal.Write(ctx, tx, journal.Entry{Verb: VerbLocked, Kind: "account", ID: account, After: map[string]any{"tries": tries, "until": until}})
}

// noteFailure writes the journal's line of wrong tries: the first at once,
// the rest as a count later.
func (r *Room) noteFailure(ctx context.Context, key string) error {
	if !r.failed.note(key, r.Clock.Now()) {
		return nil
	}
	return r.writeFailures(ctx, key, 1)
}

func (r *Room) writeFailures(ctx context.Context, key string, n int) error {
	return r.DB.Write(ctx, func(tx *store.Tx) error {
		return r.Journal.Write(ctx, tx, journal.Entry{Verb: VerbFailed, Kind: "account", ID: key, After: map[string]any{"count": n}})
	})
}

// SignIn opens a session for somebody who knows a name and a password. The
// token is for the browser's cookie alone; what is kept is its digest. Where
// the browser had a session of the same person it goes on, unlocked, under a
// new token; anybody else's is ended.
func (r *Room) SignIn(ctx context.Context, t Attempt) (Session, string, error) {
	a, p, err := r.prove(ctx, t.Username, t.Password, t.From)
	if err != nil {
		return Session{}, "", err
	}
	subject, err := r.Subject(ctx, p.ID, r.Clock.Now())
	if err != nil {
		return Session{}, "", err
	}
	token := newToken()
	var s Session
	var ended []Session
	half := false
	err = r.DB.Write(ctx, func(tx *store.Tx) (err error) {
		s, half, ended, err = r.open(ctx, tx, a, p, t, subject, token)
		return err
	})
	if err != nil {
		return Session{}, "", err
	}
	r.signedOut(ctx, ended)
	if s.Web && !half {
		if err := r.signedIn(ctx, s, p); err != nil {
			return Session{}, "", err
		}
	}
	return s, token, nil
}

// open makes the session, or unlocks the one that was there. half says that
// the second factor is still to be shown; a session in which it was shown keeps
// it when it is unlocked.
func (r *Room) open(ctx context.Context, tx *store.Tx, a Account, p people.Person, t Attempt, subject, token string) (s Session, half bool, ended []Session, err error) {
	ctx = asPerson(ctx, p)
	if err := noteIn(ctx, tx, a.ID, r.Clock.Now()); err != nil {
		return Session{}, false, nil, err
	}
	has, err := hasFactor(ctx, tx, a.ID)
	if err != nil {
		return Session{}, false, nil, err
	}
	s, ended, err = r.openOrUnlock(ctx, tx, a, p, t, subject, token, has)
	return s, has && s.FactorAt.IsZero(), ended, err
}

func (r *Room) openOrUnlock(ctx context.Context, tx *store.Tx, a Account, p people.Person, t Attempt, subject, token string, has bool) (s Session, ended []Session, err error) {
	now := r.Clock.Now()
	most := now.Add(r.values().Duration(KeySessionMax, audience(p.Kind)))
	old, err := readSession(ctx, tx, "token", hashToken(t.Cookie))
	switch {
	case t.Cookie == "" || errors.Is(err, store.ErrNotFound):
	case err != nil:
		return Session{}, nil, err
	case old.Person == p.ID && old.Open() && !old.LockedAt.IsZero() && old.Expires.After(now):
		return r.unlock(ctx, tx, old, t, token, most, has)
	case old.Open():
		if err := r.end(ctx, tx, &old, "somebody signed in afresh in the same browser"); err != nil {
			return Session{}, nil, err
		}
		ended = append(ended, old)
	}
	proved := now
	if has {
		proved = time.Time{}
	}
	s = Session{
		ID: store.NewID(now), Account: a.ID, Person: p.ID, Subject: subject, Address: t.From, Device: deviceWords(t.Device),
		Place: r.Place(t.From), Web: t.Web, StartedAt: now, UsedAt: now, Expires: most, ProvedAt: proved, token: hashToken(token),
	}
	if err := insertSession(ctx, tx, s); err != nil {
		return Session{}, nil, err
	}
	if err := r.noteElsewhere(ctx, tx, p, s); err != nil {
		return Session{}, nil, err
	}
	return s, ended, r.Journal.Write(ctx, tx, journal.Entry{
		Verb: VerbStarted, Kind: "session", ID: s.ID,
		After: map[string]any{"account": a.ID, "address": s.Address.String(), "device": s.Device, "web": t.Web},
	})
}

// unlock opens a session that had locked, under a new token. At another address
// the second factor is asked for again: whoever has the cookie and the password
// may have them from somebody else.
func (r *Room) unlock(ctx context.Context, tx *store.Tx, s Session, t Attempt, token string, most time.Time, has bool) (_ Session, ended []Session, err error) {
	now := r.Clock.Now()
	if s.Address != t.From {
		ended = append(ended, s) // the device has another address now
		s.FactorAt, s.ProvedAt = time.Time{}, time.Time{}
	}
	if !has {
		s.ProvedAt = now
	}
	s.LockedAt, s.UsedAt, s.token = time.Time{}, now, hashToken(token)
	s.Address, s.Place, s.Web = t.From, r.Place(t.From), s.Web || t.Web
	if s.Expires.After(most) {
		s.Expires = most
	}
	if err := updateSession(ctx, tx, s); err != nil {
		return Session{}, nil, err
	}
	return s, ended, r.Journal.Write(ctx, tx, journal.Entry{Verb: VerbUnlocked, Kind: "session", ID: s.ID})
}

// VerifyBasic checks a name and a password that a browser sent to the proxy.
// ok is false where they do not fit; an error is something else, and the gate
// then keeps to what it knew.
func (r *Room) VerifyBasic(ctx context.Context, username, password string, from netip.Addr) (row Row, ok bool, err error) {
	a, p, err := r.prove(ctx, username, password, from)
	var refused Refused
	if errors.As(err, &refused) {
		return Row{}, false, nil
	}
	if err != nil {
		return Row{}, false, err
	}
	// A password that must be changed first opens nothing before that.
	if a.MustChange || r.aged(a, p.Kind) {
		return Row{}, false, nil
	}
	now := r.Clock.Now()
	subject, err := r.Subject(ctx, p.ID, now)
	if err != nil {
		return Row{}, false, err
	}
	row = r.row(p, subject, "", from, now)
	err = r.DB.Write(ctx, func(tx *store.Tx) error {
		if err := noteIn(ctx, tx, a.ID, now); err != nil {
			return err
		}
		if err := putWebAddress(ctx, tx, row); err != nil {
			return err
		}
		return r.Journal.Write(asPerson(ctx, p), tx, journal.Entry{Verb: VerbProxied, Kind: "account", ID: a.ID, After: map[string]any{"address": from.String()}})
	})
	if err != nil {
		return Row{}, false, err
	}
	return row, true, nil
}
