package agreements

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// How a signature was given.
const (
	OnScreen = "screen"
	OnPaper  = "paper"
	Imported = "import"
)

// Signature is one signature under one edition. It is never changed; one that
// was entered by mistake is taken back, and stays to be seen.
type Signature struct {
	ID     string
	Sheet  Sheet
	Number int64
	Hash   string    // of the text that was signed
	Person people.ID // whose record it is on: the pupil, when a parent signs; "" for an outside group
	Role   Role
	Signer people.ID
	Name   string // as it was typed, or stands on the paper
	Job    string // staff: job title
	Method string
	Day    people.Day // on the slip
	At     time.Time  // when it came in
	// Clauses are those that were ticked, one by one where the sheet asks so.
	Clauses   string
	Discussed bool // the parent has talked it through with the child
	Class     string
	Place     string // where the paper lies
	Batch     string // slips that were entered together
	Party     string // an outside group
	Until     people.Day
	By        string // actor who entered it

	VoidedAt   time.Time
	VoidedBy   string
	VoidReason string
}

// Voided reports whether the signature was taken back.
func (s Signature) Voided() bool { return !s.VoidedAt.IsZero() }

// Signing is a signature on its way, as a form sends it.
type Signing struct {
	Sheet     Sheet
	Number    int64     // of the edition that was read
	Person    people.ID // whose record; "" is one's own
	Name      string
	Job       string
	Ticks     []string
	Discussed bool
}

// ErrNewer says that the edition somebody read is no longer the newest.
var ErrNewer = errors.New("the rules changed while you were reading them; please read them once more")

const (
	maxName = 100
	maxText = 300
)

// Sign takes a signature on screen. A second one for the same edition changes
// nothing and is no error.
func (r *Room) Sign(ctx context.Context, s Signing) (Signature, error) {
	me, whose, role, err := r.signers(ctx, s)
	if err != nil {
		return Signature{}, err
	}
	l, err := r.lens(ctx)
	if err != nil {
		return Signature{}, err
	}
	if !slices.Contains(l.needs(whose), need{s.Sheet, role}) {
		return Signature{}, store.ErrForbidden
	}
	e, ok := l.k.current(s.Sheet)
	if !ok {
		return Signature{}, store.ErrNotFound
	}
	if e.Number != s.Number {
		return Signature{}, ErrNewer
	}
	if err := s.check(e, me, role); err != nil {
		return Signature{}, err
	}
	sig := Signature{
		ID: store.NewID(r.Clock.Now()), Sheet: s.Sheet, Number: e.Number, Hash: e.Hash, Person: whose.ID, Role: role, Signer: me.ID,
		Name: clean(s.Name), Job: clean(s.Job), Method: OnScreen, Day: l.today, At: r.Clock.Now(), Clauses: strings.Join(s.Ticks, " "),
		Discussed: s.Discussed, Class: whose.Class, By: actor.From(ctx).ID,
	}
	if sig, err = r.keep(ctx, sig, VerbSigned); err != nil {
		return Signature{}, err
	}
	r.Changed(ctx, whose.ID)
	return sig, nil
}

// keep writes a signature, or returns the one that is there already.
func (r *Room) keep(ctx context.Context, sig Signature, verb journal.Verb) (Signature, error) {
	err := r.DB.Write(ctx, func(tx *store.Tx) error {
		fresh, err := insertSignature(ctx, tx, sig)
		if err != nil {
			return err
		}
		if !fresh {
			sig, err = r.existing(ctx, tx, sig)
			return err
		}
		r.changes(tx, sig.Person)
		return r.Journal.Write(ctx, tx, sig.line(verb))
	})
	return sig, err
}

func (r *Room) existing(ctx context.Context, tx *store.Tx, s Signature) (Signature, error) {
	list, err := signaturesOf(ctx, tx, s.Person)
	if err != nil {
		return s, err
	}
	for _, old := range list {
		if old.Sheet == s.Sheet && old.Number == s.Number && old.Role == s.Role {
			return old, nil
		}
	}
	return s, store.ErrStale
}

func (s Signature) line(verb journal.Verb) journal.Entry {
	return journal.Entry{
		Verb: verb, Kind: "person", ID: string(s.Person),
		After: map[string]any{"rules": s.Sheet, "edition": s.Number, "role": s.Role, "method": s.Method, "day": s.Day},
		Rows:  []journal.Row{{Table: "agreement_signatures", ID: s.ID}},
	}
}

// signers are who signs, whose record it is, and in which role. Somebody
// else's child is not found, rather than refused: nobody learns who is here.
func (r *Room) signers(ctx context.Context, s Signing) (me, whose people.Person, role Role, err error) {
	me, err = r.me(ctx)
	if err != nil {
		return me, whose, "", err
	}
	if s.Person == "" || s.Person == me.ID {
		return me, me, Self, nil
	}
	children, err := r.People.Children(ctx, me.ID)
	if err != nil {
		return me, whose, "", err
	}
	today, err := r.today(ctx)
	if err != nil {
		return me, whose, "", err
	}
	for _, c := range children {
		if c.Person.ID != s.Person || !c.Person.Here(today) {
			continue
		}
		if !c.Link.Responsible {
			return me, whose, "", store.Invalid{"": "Only somebody with parental responsibility can sign for " + c.Person.First() + ". If you have it, ask the school office to put it on the record."}
		}
		return me, c.Person, Parent, nil
	}
	return me, whose, "", store.ErrNotFound
}

// me is the person who is signed in.
func (r *Room) me(ctx context.Context) (people.Person, error) {
	a := actor.From(ctx)
	if a.Kind != actor.Person || a.Person == "" {
		return people.Person{}, store.ErrForbidden
	}
	return r.People.Present(ctx, people.ID(a.Person))
}

func (s Signing) check(e Edition, me people.Person, role Role) error {
	bad := store.Invalid{}
	if why := badName(s.Name, me); why != "" {
		bad["name"] = why
	}
	if s.Sheet == StaffSheet && clean(s.Job) == "" {
		bad["job"] = "Write your job title, such as Teacher."
	}
	if len(s.Job) > maxName {
		bad["job"] = "Write it in fewer words."
	}
	if role == Parent && !s.Discussed && s.Sheet != HomeSheet {
		bad["discussed"] = "Talk the rules through with your child first, then tick this."
	}
	b := e.Body()
	if s.Sheet.ticked() {
		for _, c := range b.Clauses() {
			if !slices.Contains(s.Ticks, c.ID) {
				bad["tick-"+c.ID] = "Tick this rule if you agree to it: " + short(c.Text)
			}
		}
	} else if len(s.Ticks) == 0 {
		bad["agree"] = "Tick the box if you agree."
	}
	for _, t := range s.Ticks {
		if t != agreeAll && !b.Has(t) {
			return ErrNewer
		}
	}
	return bad.OrNil()
}

// agreeAll is the tick of a sheet with one box for all rules.
const agreeAll = "all"

// badName says what is wrong with a typed name: it must be that of who is
// signed in, so that nobody signs on a device that somebody else left open.
func badName(name string, p people.Person) string {
	typed := foldWords(name)
	switch {
	case len(typed) == 0:
		return "Type your own name."
	case len(name) > maxName:
		return "This is too long for a name."
	}
	for _, own := range foldWords(p.Given + " " + p.Preferred + " " + p.Family) {
		if slices.Contains(typed, own) {
			if p.Kind != people.Pupil && len(typed) < 2 {
				return "Type your full name: first name and family name."
			}
			return ""
		}
	}
	return "This is not the name of whoever is signed in here. Type your own name, or sign out so that you can sign in yourself."
}

// foldWords are the words of a name without case and accents.
func foldWords(s string) []string {
	s = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFD.String(s))
	return strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && r != '\'' && r != '’' })
}

func clean(s string) string { return strings.Join(strings.Fields(s), " ") }

func short(s string) string {
	r := []rune(s)
	if len(r) <= 60 {
		return string(r)
	}
	return string(r[:60]) + "…"
}

// Item is one thing that somebody has to sign, or has signed.
type Item struct {
	Sheet   Sheet
	Number  int64 // of the newest edition
	Person  people.Person
	Role    Role
	Binds   people.Day
	Changed bool // an earlier edition was signed
	Signed  Signature
	Done    bool
}

// Items are what the person who is signed in has to sign, for themselves and
// for their children, and what they have signed.
func (r *Room) Items(ctx context.Context, me people.Person) ([]Item, error) {
	l, err := r.lens(ctx)
	if err != nil {
		return nil, err
	}
	out, err := r.itemsOf(ctx, l, me, Self)
	if err != nil || me.Kind == people.Pupil {
		return out, err
	}
	children, err := r.People.Children(ctx, me.ID)
	if err != nil {
		return nil, err
	}
	for _, c := range children {
		if !c.Link.Responsible || !c.Person.Here(l.today) {
			continue
		}
		more, err := r.itemsOf(ctx, l, c.Person, Parent)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

func (r *Room) itemsOf(ctx context.Context, l lens, p people.Person, role Role) ([]Item, error) {
	list, err := signaturesOf(ctx, r.DB, p.ID)
	if err != nil {
		return nil, err
	}
	var out []Item
	for _, n := range l.needs(p) {
		e, ok := l.k.current(n.Sheet)
		if n.Role != role || !ok {
			continue
		}
		least := l.newest(n.Sheet)
		asks, _ := l.k.edition(n.Sheet, least)
		it := Item{Sheet: n.Sheet, Number: e.Number, Person: p, Role: role, Binds: asks.Binds}
		for _, s := range list {
			if (need{s.Sheet, s.Role}) != n {
				continue
			}
			it.Changed = true
			if l.reached(n, marksOf([]Signature{s}), least) {
				it.Done, it.Signed = true, s
				break
			}
		}
		out = append(out, it)
	}
	return out, nil
}

// ReadPolicy takes a member of staff's word that they have read and
// understood the policy in force. A second one changes nothing.
func (r *Room) ReadPolicy(ctx context.Context, title, version, name string, understood bool) error {
	me, err := r.me(ctx)
	if err != nil {
		return err
	}
	p, ok, err := r.policy(ctx)
	if err != nil {
		return err
	}
	if me.Kind != people.Staff || !ok {
		return store.ErrForbidden
	}
	if p.Title != title || p.edition() != version {
		return ErrNewer
	}
	bad := store.Invalid{}
	if why := badName(name, me); why != "" {
		bad["name"] = why
	}
	if !understood {
		bad["understood"] = "Tick this once you have read the policy and understood it."
	}
	if err := bad.OrNil(); err != nil {
		return err
	}
	reading := Reading{ID: store.NewID(r.Clock.Now()), Person: me.ID, Title: p.Title, Edition: p.edition(), Name: clean(name), At: store.At(r.Clock.Now())}
	err = r.DB.Write(ctx, func(tx *store.Tx) error {
		fresh, err := insertReading(ctx, tx, reading)
		if err != nil || !fresh {
			return err
		}
		return r.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbRead, Kind: "person", ID: string(me.ID), After: map[string]any{"policy": p.Title, "version": p.edition()},
			Rows: []journal.Row{{Table: "policy_readings", ID: reading.ID}},
		})
	})
	if err != nil {
		return fmt.Errorf("keeping that the policy was read: %w", err)
	}
	r.Changed(ctx, me.ID)
	return nil
}
