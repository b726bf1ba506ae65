package access

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/notice"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

// Kinds of second factor.
const (
	FactorApp     = "app"     // an app that shows six figures (TOTP)
	FactorPasskey = "passkey" // a phone, computer or key that signs (WebAuthn)
)

// Factor is something that somebody has besides a password.
type Factor struct {
	ID      string
	Account string
	Kind    string
	Name    string // as its owner calls it
	Site    string // of a passkey: the name of the pages it was made for
	MadeAt  time.Time
	UsedAt  time.Time

	counter    int64
	credential string
	secret     string // sealed
}

// maxFactors bounds what an account may have.
const maxFactors = 10

// Factors returns a person's second factors, the oldest first.
func (r *Room) Factors(ctx context.Context, account string) ([]Factor, error) {
	return factorsOf(ctx, r.DB, account)
}

// HasFactor reports whether an account has a second factor.
func (r *Room) HasFactor(ctx context.Context, account string) (bool, error) {
	return hasFactor(ctx, r.DB, account)
}

// mustHave are the posts whose holders must have a second factor. The post of
// the IT contractor stands for every contractor's account.
func (r *Room) mustHave() []string { return r.values().Get(KeyFactorPosts, setting.Scope{}).Items }

// enrolBy is until when somebody must have taken a second factor, zero where
// the school asks for none.
func (r *Room) enrolBy(p people.Person, a Account, held []people.Holder) time.Time {
	since := time.Time{}
	must := r.mustHave()
	earlier := func(t time.Time) {
		if since.IsZero() || t.Before(since) {
			since = t
		}
	}
	if p.Kind == people.Contractor && slices.Contains(must, string(people.ITContractor)) {
		earlier(a.MadeAt)
	}
	for _, h := range held {
		if slices.Contains(must, string(h.Post)) && h.Post.OpenTo(p.Kind) {
			earlier(h.From)
		}
	}
	if since.IsZero() {
		return time.Time{}
	}
	if a.MadeAt.After(since) {
		since = a.MadeAt
	}
	return since.Add(r.values().Duration(KeyFactorGrace))
}

// Who must have a second factor before records of cases may be opened.
var casePosts = []people.Post{people.Headteacher, people.SafeguardingLead, people.DeputySafeguardingLead, people.FilterManager}

// SecondFactor reports whether everybody whose account opens the most has a
// second factor: every holder of the posts of head, safeguarding lead and
// deputy, and filter manager, and every contractor. why says what is missing,
// without a name.
func (r *Room) SecondFactor(ctx context.Context) (ok bool, why string) {
	missing, err := r.withoutFactor(ctx)
	if err != nil {
		return false, "it could not be found out who has a second factor"
	}
	if len(missing) == 0 {
		return true, ""
	}
	return false, "no second factor yet: " + words.And(missing)
}

// withoutFactor names the posts, in words, whose holders lack a second factor.
func (r *Room) withoutFactor(ctx context.Context) ([]string, error) {
	have, err := accountsWithFactor(ctx, r.DB)
	if err != nil {
		return nil, err
	}
	var missing []string
	for _, post := range casePosts {
		lack, held, err := r.lacking(ctx, post, have)
		if err != nil {
			return nil, err
		}
		title := strings.ToLower(post.Title())
		switch {
		case held == 0 && post == people.Headteacher:
			missing = append(missing, "there is no head teacher")
		case lack == 1:
			missing = append(missing, "a holder of the post "+title)
		case lack > 1:
			missing = append(missing, fmt.Sprintf("%d holders of the post %s", lack, title))
		}
	}
	lack := 0
	err = r.eachOpen(ctx, func(a Account, p people.Person) error {
		if p.Kind == people.Contractor && !have[a.ID] {
			lack++
		}
		return nil
	})
	if lack > 0 {
		missing = append(missing, words.Count(lack, "contractor's account", "contractors' accounts"))
	}
	return missing, err
}

// lacking counts the holders of a post, and those of them without a second
// factor. A holder without an account cannot sign in, and lacks none.
func (r *Room) lacking(ctx context.Context, post people.Post, have map[string]bool) (lack, held int, err error) {
	holders, err := r.People.HoldersAt(ctx, post, r.Clock.Now())
	if err != nil {
		return 0, 0, err
	}
	for _, o := range holders {
		held++
		a, err := r.AccountOf(ctx, o.Person.ID)
		if ignoreNotFound(err) != nil {
			return 0, 0, err
		}
		if err == nil && !a.Disabled && !have[a.ID] {
			lack++
		}
	}
	return lack, held, nil
}

// Fresh reports whether whoever asks proved who they are within a time: by the
// second factor where the account has one, else by the password. Programs and
// the console are not asked again.
func (r *Room) Fresh(ctx context.Context, within time.Duration) (bool, error) {
	a := actor.From(ctx)
	if a.Kind != actor.Person || a.Session == "" {
		return a.SignedIn(), nil
	}
	s, err := readSession(ctx, r.DB, "id", a.Session)
	if err != nil {
		return false, ignoreNotFound(err)
	}
	age := r.Clock.Now().Sub(s.ProvedAt)
	return !s.ProvedAt.IsZero() && age < within && age >= -clockSlack, nil
}

// addFactor keeps a new second factor, with the first recovery codes where
// there were none, and ends the other sessions: they were opened by a password
// alone.
func (r *Room) addFactor(ctx context.Context, s Session, f Factor) (codes []string, err error) {
	now := r.Clock.Now()
	f.ID, f.Account, f.MadeAt = store.NewID(now), s.Account, now
	if f.Name, err = factorName(f.Name, f.Kind); err != nil {
		return nil, err
	}
	plain := f.secret
	if f.secret, err = r.sealFor(ctx, "factor "+f.ID, []byte(plain)); err != nil {
		return nil, err
	}
	var ended []Session
	err = r.DB.Write(ctx, func(tx *store.Tx) error {
		ended, codes = nil, nil
		have, err := factorsOf(ctx, tx, s.Account)
		if err != nil {
			return err
		}
		if len(have) >= maxFactors {
			return store.Invalid{"name": fmt.Sprintf("an account has at most %d second factors; take one away first", maxFactors)}
		}
		if codes, err = r.keepFactor(ctx, tx, f, len(have) == 0); err != nil {
			return err
		}
		if ended, err = r.endAll(ctx, tx, s.Person, s.ID, "a second factor was added"); err != nil {
			return err
		}
		if err := clearTries(ctx, tx, tryKey(s.Account)); err != nil {
			return err
		}
		// Whoever learned the password might do this: its owner hears of it.
		if err := r.tell(ctx, tx, notice.Notice{
			Key: "second-factor-added/" + f.ID, To: []string{string(s.Person)}, What: "A second factor was added to your account", Link: "/account", Risk: 2,
		}); err != nil {
			return err
		}
		return mustProve(ctx, tx, s.ID, now)
	})
	if err != nil {
		return nil, err
	}
	r.signedOut(ctx, ended)
	return codes, nil
}

func (r *Room) keepFactor(ctx context.Context, tx *store.Tx, f Factor, first bool) (codes []string, err error) {
	if f.credential != "" {
		taken, err := credentialTaken(ctx, tx, f.credential)
		if err != nil {
			return nil, err
		}
		if taken {
			return nil, store.Invalid{"name": "this passkey is known here already"}
		}
	}
	if err := insertFactor(ctx, tx, f); err != nil {
		return nil, err
	}
	err = r.Journal.Write(ctx, tx, journal.Entry{
		Verb: VerbFactorAdded, Kind: "account", ID: f.Account, After: map[string]any{"kind": f.Kind},
		Rows: []journal.Row{{Table: "account_factors", ID: f.ID}},
	})
	if err != nil || !first {
		return nil, err
	}
	return r.makeCodes(ctx, tx, f.Account)
}

// mustProve keeps the proof, unless the session ended meanwhile.
func mustProve(ctx context.Context, tx *store.Tx, session string, now time.Time) error {
	ok, err := proveSession(ctx, tx, session, now)
	if err != nil {
		return err
	}
	if !ok {
		return store.Invalid{"code": "this session has ended or locked; sign in again"}
	}
	return nil
}

func factorName(name, kind string) (string, error) {
	name = strings.TrimSpace(name)
	if name == "" {
		name = map[string]string{FactorApp: "App", FactorPasskey: "Passkey"}[kind]
	}
	if len(name) > 60 {
		return "", store.Invalid{"name": "a name has at most 60 letters"}
	}
	return name, nil
}

// ErrLastFactor says why the only second factor stays.
var ErrLastFactor = store.Invalid{"": "your post needs a second factor, and this is your only one; add another before you take it away"}

// RemoveFactor takes one of one's own second factors away. The last one stays
// where the posts ask for one.
func (r *Room) RemoveFactor(ctx context.Context, person people.ID, id string) error {
	a, p, err := r.ownAccount(ctx, person)
	if err != nil {
		return err
	}
	held, err := r.People.PostsAt(ctx, person, r.Clock.Now())
	if err != nil {
		return err
	}
	needed := !r.enrolBy(p, a, held).IsZero() && !r.Demo
	return r.DB.Write(ctx, func(tx *store.Tx) error {
		list, err := factorsOf(ctx, tx, a.ID)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(list, func(f Factor) bool { return f.ID == id })
		if i < 0 {
			return store.ErrNotFound
		}
		if len(list) == 1 && needed {
			return ErrLastFactor
		}
		if err := r.dropFactors(ctx, tx, list[i:i+1]); err != nil {
			return err
		}
		if len(list) == 1 {
			if err := r.endCodes(ctx, tx, a.ID); err != nil {
				return err
			}
		}
		return r.Journal.Write(ctx, tx, journal.Entry{Verb: VerbFactorRemoved, Kind: "account", ID: a.ID, After: map[string]any{"kind": list[i].Kind}, Rows: []journal.Row{{Table: "account_factors", ID: id}}})
	})
}

func (r *Room) dropFactors(ctx context.Context, tx *store.Tx, list []Factor) error {
	for _, f := range list {
		if err := dropFactor(ctx, tx, f.ID); err != nil {
			return err
		}
	}
	return nil
}

// proved keeps within a change that a session's owner showed the second
// factor.
func (r *Room) proved(ctx context.Context, tx *store.Tx, s Session, how string, rows []journal.Row) error {
	if err := clearTries(ctx, tx, tryKey(s.Account)); err != nil {
		return err
	}
	if err := mustProve(ctx, tx, s.ID, r.Clock.Now()); err != nil {
		return err
	}
	return r.Journal.Write(ctx, tx, journal.Entry{Verb: VerbProved, Kind: "session", ID: s.ID, After: map[string]any{"by": how}, Rows: rows})
}

// nowHere tells the gate who is behind the address, once the second factor was
// shown in a session of the people's pages.
func (r *Room) nowHere(ctx context.Context, s Session) error {
	if !s.Web || !s.FactorAt.IsZero() {
		return nil
	}
	p, may, err := r.present(ctx, s.Person)
	if err != nil || !may {
		return err
	}
	return r.signedIn(ctx, s, p)
}
