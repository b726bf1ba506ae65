package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"time"

	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"
)

// The codes of an app: what every app knows.
const (
	stepLength = 30 * time.Second
	stepSlack  = 1 // steps before and after, for clocks that differ
	seedBytes  = 20
)

// Enrolment is an app's seed while it is being taken up.
type Enrolment struct {
	Seed string // in the letters of base32, for typing
	URL  string // what the picture holds
}

// StartApp begins to take up an app. Within a session the same seed comes back
// until it is used, so that a page that is loaded twice shows one picture.
func (r *Room) StartApp(ctx context.Context, s Session, issuer string) (Enrolment, error) {
	a, err := r.AccountByID(ctx, s.Account)
	if err != nil {
		return Enrolment{}, err
	}
	raw := r.waiting.getOr("app "+s.ID, r.Clock.Now(), func() []byte {
		b := make([]byte, seedBytes)
		_, _ = rand.Read(b) // crypto/rand.Read never fails (Go 1.24)
		return b
	})
	seed := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw)
	if issuer = strings.TrimSpace(strings.NewReplacer(":", " ", "/", " ").Replace(issuer)); issuer == "" {
		issuer = "Belisha"
	}
	q := url.Values{"secret": {seed}, "issuer": {issuer}}
	u := url.URL{Scheme: "otpauth", Host: "totp", Path: "/" + issuer + ":" + a.Username, RawQuery: strings.ReplaceAll(q.Encode(), "+", "%20")}
	return Enrolment{Seed: seed, URL: u.String()}, nil
}

// FinishApp takes the app up once it shows a right code. The first second
// factor brings recovery codes, to be shown once.
func (r *Room) FinishApp(ctx context.Context, s Session, name, code string) (codes []string, err error) {
	raw, ok := r.waiting.get("app "+s.ID, r.Clock.Now())
	if !ok {
		return nil, store.Invalid{"code": "this took too long, or another window began afresh; load the page again and take the new picture"}
	}
	n, err := r.beginTry(ctx, s.Account)
	if err != nil {
		return nil, err
	}
	seed := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw)
	step, fits := r.stepOf(seed, code)
	if !fits {
		if err := r.wrongFactor(ctx, s.Account, n); err != nil {
			return nil, err
		}
		return nil, store.Invalid{"code": wrongCode}
	}
	if codes, err = r.addFactor(ctx, s, Factor{Kind: FactorApp, Name: name, secret: seed, counter: step}); err != nil {
		return nil, err
	}
	r.waiting.drop("app " + s.ID)
	return codes, nil
}

const wrongCode = "this is not the code that the app shows now; look at the app and at the clock of your phone, and type the six figures"

// stepOf finds the step whose code was typed, with a step to either side.
func (r *Room) stepOf(seed, code string) (step int64, ok bool) {
	code = strings.Join(strings.Fields(code), "")
	if len(code) != 6 {
		return 0, false
	}
	now := r.Clock.Now()
	for d := -stepSlack; d <= stepSlack; d++ {
		at := now.Add(time.Duration(d) * stepLength)
		want, err := totp.GenerateCodeCustom(seed, at, totp.ValidateOpts{Period: uint(stepLength / time.Second), Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err == nil && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			return at.Unix() / int64(stepLength/time.Second), true
		}
	}
	return 0, false
}

// ProveCode takes a code in a session: six figures of an app, or a recovery
// code. A code counts once.
func (r *Room) ProveCode(ctx context.Context, s Session, code string) error {
	ctx = asOwner(ctx, s)
	n, err := r.beginTry(ctx, s.Account)
	if err != nil {
		return err
	}
	ok, err := r.tryApps(ctx, s, code)
	if err == nil && !ok {
		ok, err = r.tryRecovery(ctx, s, code)
	}
	if err != nil {
		return err
	}
	if !ok {
		if err := r.wrongFactor(ctx, s.Account, n); err != nil {
			return err
		}
		return store.Invalid{"code": "this code does not fit, or was used before; wait for the next one in the app, or use a recovery code"}
	}
	return r.nowHere(ctx, s)
}

// asOwner is ctx with the session's owner as the actor: the second factor is
// shown before they are signed in.
func asOwner(ctx context.Context, s Session) context.Context {
	return asPerson(ctx, people.Person{ID: s.Person})
}

func (r *Room) tryApps(ctx context.Context, s Session, code string) (bool, error) {
	list, err := factorsOf(ctx, r.DB, s.Account)
	if err != nil {
		return false, err
	}
	for _, f := range list {
		if f.Kind != FactorApp {
			continue
		}
		seed, err := r.openFor(ctx, "factor "+f.ID, f.secret)
		if err != nil {
			return false, err
		}
		step, fits := r.stepOf(string(seed), code)
		if !fits {
			continue
		}
		moved := false
		err = r.DB.Write(ctx, func(tx *store.Tx) error {
			if moved, err = useFactor(ctx, tx, f.ID, r.Clock.Now(), step, false); err != nil || !moved {
				return err
			}
			return r.proved(ctx, tx, s, FactorApp, nil)
		})
		if err != nil || moved {
			return moved, err
		}
	}
	return false, nil
}

// howManyCodes is how many recovery codes are made at once.
const howManyCodes = 10

// makeCodes makes new recovery codes in place of all that were.
func (r *Room) makeCodes(ctx context.Context, tx *store.Tx, account string) ([]string, error) {
	old, err := recoveryCodes(ctx, tx, account)
	if err != nil {
		return nil, err
	}
	if err := dropCodes(ctx, tx, account); err != nil {
		return nil, err
	}
	rows := codeRows(old)
	now := r.Clock.Now()
	out := make([]string, howManyCodes)
	for i := range out {
		out[i] = newRecovery()
		id := store.NewID(now)
		if err := insertCode(ctx, tx, id, account, hashCode(account, out[i]), now); err != nil {
			return nil, err
		}
		rows = append(rows, journal.Row{Table: "recovery_codes", ID: id})
	}
	return out, r.Journal.Write(ctx, tx, journal.Entry{Verb: VerbCodesMade, Kind: "account", ID: account, After: map[string]any{"count": len(out)}, Rows: rows})
}

func codeRows(list []recoveryCode) []journal.Row {
	var out []journal.Row
	for _, c := range list {
		out = append(out, journal.Row{Table: "recovery_codes", ID: c.id})
	}
	return out
}

// endCodes ends an account's recovery codes.
func (r *Room) endCodes(ctx context.Context, tx *store.Tx, account string) error {
	old, err := recoveryCodes(ctx, tx, account)
	if err != nil || len(old) == 0 {
		return err
	}
	if err := dropCodes(ctx, tx, account); err != nil {
		return err
	}
	return r.Journal.Write(ctx, tx, journal.Entry{Verb: VerbCodesMade, Kind: "account", ID: account, After: map[string]any{"count": 0}, Rows: codeRows(old)})
}

// NewCodes makes new recovery codes for one's own account; the old ones are
// worth nothing then.
func (r *Room) NewCodes(ctx context.Context, person people.ID) (codes []string, err error) {
	a, err := r.AccountOf(ctx, person)
	if err != nil {
		return nil, err
	}
	has, err := hasFactor(ctx, r.DB, a.ID)
	if err != nil {
		return nil, err
	}
	if !has {
		return nil, store.Invalid{"": "recovery codes stand in for a second factor; add one first"}
	}
	err = r.DB.Write(ctx, func(tx *store.Tx) error {
		codes, err = r.makeCodes(ctx, tx, a.ID)
		return err
	})
	return codes, err
}

// CodesLeft is how many recovery codes of an account were not used yet.
func (r *Room) CodesLeft(ctx context.Context, account string) (int, error) {
	list, err := recoveryCodes(ctx, r.DB, account)
	n := 0
	for _, c := range list {
		if c.used.IsZero() {
			n++
		}
	}
	return n, err
}

// newRecovery returns sixteen letters that nobody guesses: "k7mq-2xwp-h9tc-4bfn".
func newRecovery() string {
	var b strings.Builder
	for i := range 16 {
		if i > 0 && i%4 == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(clearLetters[below(len(clearLetters))])
	}
	return b.String()
}

// hashCode is what is kept of a recovery code. It has 79 bits of chance, so a
// plain digest cannot be turned back.
func hashCode(account, code string) string {
	plain := strings.Map(func(c rune) rune {
		if c == '-' || c == ' ' {
			return -1
		}
		return c
	}, strings.ToLower(strings.TrimSpace(code)))
	sum := sha256.Sum256(fmt.Appendf(nil, "belisha recovery code %s %s", account, plain))
	return hex.EncodeToString(sum[:])
}

func (r *Room) tryRecovery(ctx context.Context, s Session, code string) (bool, error) {
	if n := len(strings.TrimSpace(code)); n < 16 || n > 40 {
		return false, nil
	}
	spent := ""
	err := r.DB.Write(ctx, func(tx *store.Tx) (err error) {
		if spent, err = spendCode(ctx, tx, s.Account, hashCode(s.Account, code), r.Clock.Now()); err != nil || spent == "" {
			return err
		}
		return r.proved(ctx, tx, s, "recovery code", []journal.Row{{Table: "recovery_codes", ID: spent}})
	})
	return spent != "" && err == nil, err
}
