package access

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// Token is what a program shows to the API. It may do no more than its maker
// may at that moment, and only what it was made for.
type Token struct {
	ID        string
	Name      string // what it is for: "the MIS at night"
	Person    people.ID
	May       []actor.Capability
	MadeAt    time.Time
	Expires   time.Time
	RevokedAt time.Time
	UsedAt    time.Time
}

// Live reports whether the token still opens anything.
func (t Token) Live(now time.Time) bool { return t.RevokedAt.IsZero() && now.Before(t.Expires) }

// Bounds of tokens.
const (
	maxTokenLife = 366 * day
	maxTokens    = 50 // of one person, that are alive
	tokenMark    = "belisha_"
)

// neverToken is what no program may be given: what opens doors for others, and
// what is a person's own decision.
var neverToken = []actor.Capability{
	MayManage, MayTokens, MayFactors, MayHeadFactor, people.MayAppoint, "setup.run", "policies.approve", "policies.activate",
	"filtering.grant-status", "monitoring.list.confirm",
}

// Issue makes a token for its maker. The secret comes back once.
func (r *Room) Issue(ctx context.Context, name string, may []actor.Capability, lasts time.Duration) (Token, string, error) {
	maker := actor.From(ctx)
	now := r.Clock.Now()
	t := Token{ID: store.NewID(now), Name: strings.Join(strings.Fields(name), " "), Person: people.ID(maker.Person), May: slices.Clone(may), MadeAt: now, Expires: now.Add(lasts)}
	if err := r.checkToken(ctx, maker, t, lasts); err != nil {
		return Token{}, "", err
	}
	slices.Sort(t.May)
	t.May = slices.Compact(t.May)
	secret := tokenMark + newToken()
	err := r.DB.Write(ctx, func(tx *store.Tx) error {
		if err := insertToken(ctx, tx, t, hashBearer(secret)); err != nil {
			return err
		}
		return r.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbIssued, Kind: "token", ID: t.ID,
			After: map[string]any{"name": t.Name, "may": t.May, "expires": t.Expires}, Rows: []journal.Row{{Table: "api_tokens", ID: t.ID}},
		})
	})
	return t, secret, err
}

func (r *Room) checkToken(ctx context.Context, maker actor.Actor, t Token, lasts time.Duration) error {
	if maker.Kind != actor.Person || maker.Person == "" || !maker.May(MayTokens) {
		return store.ErrForbidden
	}
	bad := store.Invalid{}
	if t.Name == "" || len([]rune(t.Name)) > 80 {
		bad["name"] = "say in a few words what the token is for"
	}
	if len(t.May) == 0 {
		bad["may"] = "choose at least one thing that the program may do"
	}
	for _, c := range t.May {
		if !maker.May(c) || slices.Contains(neverToken, c) {
			bad["may"] = "a token may do no more than you may yourself, and no token looks after accounts or decides for a person"
		}
	}
	if lasts < time.Hour || lasts > maxTokenLife {
		bad["lasts"] = "a token lasts between an hour and a year"
	}
	n, err := r.liveTokens(ctx, t.Person, t.MadeAt)
	if err != nil {
		return err
	}
	if n >= maxTokens {
		bad[""] = "there are 50 tokens of yours already; end the ones that nothing uses any more"
	}
	return bad.OrNil()
}

func (r *Room) liveTokens(ctx context.Context, person people.ID, now time.Time) (n int, err error) {
	list, err := r.Tokens(ctx, person)
	for _, x := range list {
		if x.Live(now) {
			n++
		}
	}
	return n, err
}

func hashBearer(secret string) string {
	sum := sha256.Sum256([]byte("belisha token " + secret))
	return hex.EncodeToString(sum[:])
}

// ErrBadToken says that a token opens nothing.
var ErrBadToken = errors.New("this token is not known, has run out or was ended; make a new one on your account's page")

// TokenActor finds out who shows a bearer token.
func (r *Room) TokenActor(ctx context.Context, bearer string) (actor.Actor, error) {
	nobody := actor.Actor{ID: "nobody", Kind: actor.Nobody}
	if !strings.HasPrefix(bearer, tokenMark) || len(bearer) > 100 {
		return nobody, ErrBadToken
	}
	t, err := readToken(ctx, r.DB, "hash", hashBearer(bearer))
	if errors.Is(err, store.ErrNotFound) {
		return nobody, ErrBadToken
	}
	if err != nil {
		return nobody, err
	}
	now := r.Clock.Now()
	maker, err := r.makerOf(ctx, t, now)
	if err != nil {
		return nobody, err
	}
	_, has, err := r.rights(ctx, maker, now)
	if err != nil {
		return nobody, err
	}
	if err := r.tokenUsed(ctx, t, now); err != nil {
		return nobody, err
	}
	var caps []actor.Capability
	for _, c := range t.May {
		if slices.Contains(has, c) {
			caps = append(caps, c)
		}
	}
	return actor.New(actor.Actor{ID: "token:" + t.ID, Name: t.Name, Kind: actor.Token, Person: string(t.Person), Audience: maker.Kind}, caps...), nil
}

// makerOf returns who made a token, if both still count.
func (r *Room) makerOf(ctx context.Context, t Token, now time.Time) (people.Person, error) {
	maker, may, err := r.present(ctx, t.Person)
	if err != nil {
		return people.Person{}, err
	}
	if !may || !t.Live(now) {
		return people.Person{}, ErrBadToken
	}
	a, err := readAccount(ctx, r.DB, "person", string(maker.ID))
	if err != nil || a.Disabled {
		return people.Person{}, errors.Join(ignoreNotFound(err), ErrBadToken)
	}
	lacks, err := r.lacksFactor(ctx, maker, a, now)
	if err != nil || lacks {
		return people.Person{}, errors.Join(err, ErrBadToken)
	}
	return maker, nil
}

// lacksFactor reports whether an account opens nothing before it has a second
// factor: a token that a password alone made opens nothing then either.
func (r *Room) lacksFactor(ctx context.Context, p people.Person, a Account, now time.Time) (bool, error) {
	if r.Demo {
		return false, nil
	}
	held, err := r.People.PostsAt(ctx, p.ID, now)
	if err != nil {
		return false, err
	}
	by := r.enrolBy(p, a, held)
	if by.IsZero() || now.Before(by) {
		return false, nil
	}
	has, err := hasFactor(ctx, r.DB, a.ID)
	return !has, err
}

func ignoreNotFound(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// tokenUsed keeps when a token was last used, to the minute.
func (r *Room) tokenUsed(ctx context.Context, t Token, now time.Time) error {
	if gap := now.Sub(t.UsedAt); gap >= 0 && gap < time.Minute {
		return nil
	}
	return r.DB.Write(ctx, func(tx *store.Tx) error { return touchToken(ctx, tx, t.ID, now) })
}

// Revoke ends a token of a person.
func (r *Room) Revoke(ctx context.Context, person people.ID, id string) error {
	return r.DB.Write(ctx, func(tx *store.Tx) error {
		t, err := readToken(ctx, tx, "id", id)
		if err != nil {
			return err
		}
		if t.Person != person {
			return store.ErrNotFound
		}
		if !t.RevokedAt.IsZero() {
			return nil
		}
		if err := revokeToken(ctx, tx, id, r.Clock.Now()); err != nil {
			return err
		}
		return r.Journal.Write(ctx, tx, journal.Entry{Verb: VerbRevoked, Kind: "token", ID: id, Rows: []journal.Row{{Table: "api_tokens", ID: id}}})
	})
}

// Bearer is the API's door: it answers who shows a token.
type Bearer struct{ Room *Room }

// Actor answers who shows the token.
func (b Bearer) Actor(ctx context.Context, bearer string) (actor.Actor, error) {
	return b.Room.TokenActor(ctx, bearer)
}
