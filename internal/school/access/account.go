package access

import (
	"context"
	"errors"
	"strings"
	"time"

	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// Account is a person's way in.
type Account struct {
	ID         string
	Person     people.ID
	Username   string
	PasswordAt time.Time
	// MustChange: the password was given by somebody else.
	MustChange bool
	// TemporaryUntil is when a password given by somebody else is worth
	// nothing any more; zero for one's own.
	TemporaryUntil time.Time
	Disabled       bool
	MadeAt         time.Time
	Version        int64
	// LockedUntil and LastIn are of the tries that stand beside the account.
	LockedUntil time.Time
	LastIn      time.Time

	password string // PHC string; "" lets nobody in
}

// Temporary reports whether the password is one that somebody else gave.
func (a Account) Temporary() bool { return !a.TemporaryUntil.IsZero() }

// NewAccount is what an account is made of.
type NewAccount struct {
	Person   people.ID
	Username string // "" takes the one of the roll
	// Password is one's own; "" makes a temporary one.
	Password string
}

// CreateAccount makes a person's account. Where no password was given, the
// temporary one comes back, to be shown once.
func (r *Room) CreateAccount(ctx context.Context, n NewAccount) (temporary string, err error) {
	a, temporary, err := r.prepareAccount(ctx, n)
	if err != nil {
		return "", err
	}
	err = r.DB.Write(ctx, func(tx *store.Tx) error { return r.putAccount(ctx, tx, a) })
	return temporary, err
}

// CreateAccountTx is CreateAccount within a change that is already under way.
func (r *Room) CreateAccountTx(ctx context.Context, tx *store.Tx, n NewAccount) (temporary string, err error) {
	p, err := r.People.GetTx(ctx, tx, n.Person)
	if err != nil {
		return "", err
	}
	a, temporary, err := r.newAccount(ctx, n, p)
	if err != nil {
		return "", err
	}
	return temporary, r.putAccount(ctx, tx, a)
}

// FirstAccountTx makes an account with a password of one's own, for the
// set-up of a school.
func (r *Room) FirstAccountTx(ctx context.Context, tx *store.Tx, person people.ID, username, password string) error {
	if password == "" {
		return store.Invalid{"password": "choose a password"}
	}
	_, err := r.CreateAccountTx(ctx, tx, NewAccount{Person: person, Username: username, Password: password})
	return err
}

func (r *Room) prepareAccount(ctx context.Context, n NewAccount) (Account, string, error) {
	p, err := r.People.Get(ctx, n.Person)
	if err != nil {
		return Account{}, "", err
	}
	return r.newAccount(ctx, n, p)
}

func (r *Room) newAccount(ctx context.Context, n NewAccount, p people.Person) (Account, string, error) {
	now := r.Clock.Now()
	name := strings.ToLower(strings.TrimSpace(n.Username))
	if name == "" {
		name = p.Username
	}
	if bad := badUsername(name); bad != "" {
		return Account{}, "", store.Invalid{"username": bad}
	}
	a := Account{ID: store.NewID(now), Person: p.ID, Username: name, MadeAt: now, Version: 1}
	password, temporary := n.Password, ""
	if password == "" {
		temporary = newTemporary()
		password = temporary
	} else if why := weakness(password, r.values().Int(KeyMinLength, audience(p.Kind)), name, p.Given, p.Family, p.Name(), p.Username); why != "" {
		return Account{}, "", store.Invalid{"password": why}
	}
	return a, temporary, r.setPassword(ctx, &a, password, temporary != "")
}

// setPassword gives the account a password in memory.
func (r *Room) setPassword(ctx context.Context, a *Account, password string, temporary bool) error {
	phc, err := r.hash.Make(ctx, password)
	if err != nil {
		return err
	}
	now := r.Clock.Now()
	a.password, a.PasswordAt = phc, now
	a.MustChange, a.TemporaryUntil = false, time.Time{}
	if temporary {
		a.MustChange = r.values().Bool(KeyMustChange)
		a.TemporaryUntil = now.Add(r.values().Duration(KeyTemporaryAge))
	}
	return nil
}

func badUsername(name string) string {
	switch {
	case name == "":
		return "give a username"
	case len(name) > 60:
		return "a username has at most 60 letters"
	case strings.ContainsAny(name, ":\"<>/\\\t\r\n"):
		return "a username has no colons, slashes, angle brackets or quotation marks"
	}
	return ""
}

// putAccount keeps a new account.
func (r *Room) putAccount(ctx context.Context, tx *store.Tx, a Account) error {
	if err := r.refuseTaken(ctx, tx, a); err != nil {
		return err
	}
	if err := insertAccount(ctx, tx, a); err != nil {
		return err
	}
	return r.Journal.Write(ctx, tx, journal.Entry{
		Verb: VerbCreated, Kind: "account", ID: a.ID,
		After: map[string]any{"person": a.Person, "username": a.Username, "temporary": a.Temporary()}, Rows: rowOf(a.ID),
	})
}

func rowOf(account string) []journal.Row { return []journal.Row{{Table: "accounts", ID: account}} }

// refuseTaken refuses a second account of a person, and a username that is
// somebody else's here or on the roll.
func (r *Room) refuseTaken(ctx context.Context, tx *store.Tx, a Account) error {
	if old, err := readAccount(ctx, tx, "person", string(a.Person)); err == nil {
		return store.Invalid{"person": "this person has an account already: " + old.Username}
	} else if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if _, err := readAccount(ctx, tx, "username", a.Username); err == nil {
		return store.Invalid{"username": "this username is taken"}
	} else if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	p, err := r.People.ByUsername(ctx, a.Username)
	if err == nil && p.ID != a.Person {
		return store.Invalid{"username": "this username is somebody else's on the roll"}
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return nil
}

// Reset gives an account a temporary password, which comes back to be shown
// once, wakes it if it rests, and ends its sessions. It is the answer to a
// lost password.
func (r *Room) Reset(ctx context.Context, username string) (temporary string, err error) {
	a, err := readAccount(ctx, r.DB, "username", strings.ToLower(strings.TrimSpace(username)))
	if err != nil {
		return "", err
	}
	temporary = newTemporary()
	next := a
	if err := r.setPassword(ctx, &next, temporary, true); err != nil {
		return "", err
	}
	var ended []Session
	err = r.DB.Write(ctx, func(tx *store.Tx) error {
		if err := updateAccount(ctx, tx, next); err != nil {
			return err
		}
		if err := clearTries(ctx, tx, a.ID); err != nil {
			return err
		}
		if ended, err = r.endAll(ctx, tx, a.Person, "", "a new password was given"); err != nil {
			return err
		}
		return r.Journal.Write(ctx, tx, journal.Entry{Verb: VerbReset, Kind: "account", ID: a.ID, Rows: rowOf(a.ID)})
	})
	if err != nil {
		return "", err
	}
	r.signedOut(ctx, ended)
	return temporary, r.offTheWeb(ctx, a.Person)
}

// SetDisabled closes an account at once, or opens it again.
func (r *Room) SetDisabled(ctx context.Context, id string, disabled bool, version int64, reason string) error {
	var ended []Session
	err := r.DB.Write(ctx, func(tx *store.Tx) (err error) {
		ended, err = r.setDisabled(ctx, tx, id, disabled, version, reason)
		return err
	})
	if err != nil || !disabled {
		return err
	}
	r.signedOut(ctx, ended)
	a, err := readAccount(ctx, r.DB, "id", id)
	if err != nil {
		return err
	}
	return r.offTheWeb(ctx, a.Person)
}

func (r *Room) setDisabled(ctx context.Context, tx *store.Tx, id string, disabled bool, version int64, reason string) (ended []Session, err error) {
	a, err := readAccount(ctx, tx, "id", id)
	if err != nil {
		return nil, err
	}
	if a.Version != version {
		return nil, store.ErrStale
	}
	if a.Disabled == disabled {
		return nil, nil
	}
	a.Disabled = disabled
	if err := updateAccount(ctx, tx, a); err != nil {
		return nil, err
	}
	verb := VerbEnabled
	if disabled {
		verb = VerbDisabled
		if ended, err = r.endAll(ctx, tx, a.Person, "", "the account was closed"); err != nil {
			return nil, err
		}
	}
	return ended, r.Journal.Write(ctx, tx, journal.Entry{Verb: verb, Kind: "account", ID: id, Reason: reason, Rows: rowOf(id)})
}

// ErrWrongPassword says that the present password was mistyped.
var ErrWrongPassword = store.Invalid{"current": "this is not your present password"}

// ChangePassword gives an account a password of the owner's choosing. keep is
// the session that goes on; all others end. present is the password until now,
// temporary or not.
func (r *Room) ChangePassword(ctx context.Context, person people.ID, keep, present, wanted string) error {
	a, p, err := r.ownAccount(ctx, person)
	if err != nil {
		return err
	}
	if err := r.checkPresent(ctx, a, present); err != nil {
		return err
	}
	if why := weakness(wanted, r.values().Int(KeyMinLength, audience(p.Kind)), a.Username, p.Given, p.Family, p.Name()); why != "" {
		return store.Invalid{"password": why}
	}
	same, err := r.hash.Check(ctx, a.password, wanted)
	if err != nil {
		return err
	}
	if same {
		return store.Invalid{"password": "this is the password you have now; choose another one"}
	}
	next := a
	if err := r.setPassword(ctx, &next, wanted, false); err != nil {
		return err
	}
	var ended []Session
	err = r.DB.Write(ctx, func(tx *store.Tx) (err error) {
		if err := updateAccount(ctx, tx, next); err != nil {
			return err
		}
		if ended, err = r.endAll(ctx, tx, person, keep, "the password was changed"); err != nil {
			return err
		}
		return r.Journal.Write(ctx, tx, journal.Entry{Verb: VerbPassword, Kind: "account", ID: a.ID, Rows: rowOf(a.ID)})
	})
	if err != nil {
		return err
	}
	r.signedOut(ctx, ended)
	return r.proxyOut(ctx, p, keep)
}

// proxyOut ends what a browser that signed in to the proxy with the old
// password is open to. The device of the session that goes on stays its
// owner's.
func (r *Room) proxyOut(ctx context.Context, p people.Person, keep string) error {
	if err := r.offTheWeb(ctx, p.ID); err != nil {
		return err
	}
	s, err := readSession(ctx, r.DB, "id", keep)
	if err != nil || !s.Web || !s.Open() {
		return ignoreNotFound(err)
	}
	return r.signedIn(ctx, s, p)
}

func (r *Room) ownAccount(ctx context.Context, person people.ID) (Account, people.Person, error) {
	a, err := readAccount(ctx, r.DB, "person", string(person))
	if err != nil {
		return Account{}, people.Person{}, err
	}
	p, err := r.People.Get(ctx, person)
	return a, p, err
}

// checkPresent asks for the present password, with the same rest after too
// many wrong ones as at the door.
func (r *Room) checkPresent(ctx context.Context, a Account, present string) error {
	now := r.Clock.Now()
	if a.LockedUntil.After(now) {
		return store.Invalid{"current": "there were too many wrong tries; wait, then try again"}
	}
	ok, err := r.hash.Check(ctx, a.password, present)
	if err != nil {
		return err
	}
	if !ok {
		if err := r.wrongTry(ctx, a); err != nil {
			return err
		}
		return ErrWrongPassword
	}
	return nil
}

// aged reports whether a password has grown older than the school allows.
func (r *Room) aged(a Account, k people.Kind) bool {
	age := r.values().Duration(KeyPasswordAge)
	return age > 0 && ages(k) && !r.Clock.Now().Before(a.PasswordAt.Add(age))
}
