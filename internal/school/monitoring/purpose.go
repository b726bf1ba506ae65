package monitoring

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// A reason is a sentence, not a page.
const (
	minReason = 8
	maxReason = 500
)

// Purpose is why somebody looks, given for one session and a time.
type Purpose struct {
	ID      string
	Actor   string
	Session string
	Purpose string // one of the school's purposes
	Given   time.Time
	Until   time.Time
}

// List is the list of monitors that the head confirmed.
type List struct {
	ID          string
	ConfirmedAt time.Time
	ConfirmedBy string // actor id
	People      []people.ID
}

// Has says whether the person is on the list.
func (l List) Has(id people.ID) bool { return slices.Contains(l.People, id) }

// whyNot answers "" when the actor may look at the record, or a sentence that
// says why not.
func (r *Room) whyNot(ctx context.Context, a actor.Actor) (string, error) {
	if isPupil(a) || a.Person == "" {
		return "Only people on the school's list of monitors may look at the record of web use.", nil
	}
	list, err := r.List(ctx)
	if err != nil {
		return "", err
	}
	if !list.Has(people.ID(a.Person)) {
		return "Your name is not on the list of monitors that the head has confirmed. Ask the head to confirm it.", nil
	}
	ok, err := r.inPost(ctx, people.ID(a.Person), r.values().Items(keyAuthorised))
	if err != nil {
		return "", err
	}
	if !ok {
		return "The school's policy names the posts whose holders may be monitors, and you hold none of them.", nil
	}
	return "", nil
}

// allowed refuses whoever may not look.
func (r *Room) allowed(ctx context.Context, a actor.Actor) error {
	why, err := r.whyNot(ctx, a)
	if err != nil {
		return err
	}
	if why != "" {
		return fmt.Errorf("%w: %s", store.ErrForbidden, why)
	}
	return nil
}

// GivePurpose notes why the actor in ctx wants to look. From then on, and
// until the purpose runs out, looks count under it.
func (r *Room) GivePurpose(ctx context.Context, purpose, reason string) (Purpose, error) {
	a := actor.From(ctx)
	if err := r.allowed(ctx, a); err != nil {
		return Purpose{}, err
	}
	reason = strings.TrimSpace(reason)
	bad := store.Invalid{}
	if !slices.Contains(r.values().Items(keyPurposes), purpose) {
		bad["purpose"] = "Choose one of the purposes."
	}
	switch n := utf8.RuneCountInString(reason); {
	case n < minReason:
		bad["reason"] = "Say in a few words why you need to look."
	case n > maxReason:
		bad["reason"] = fmt.Sprintf("Shorten the reason to %d letters.", maxReason)
	}
	if err := bad.OrNil(); err != nil {
		return Purpose{}, err
	}
	now := r.d.Clock.Now()
	p := Purpose{
		ID: store.NewID(now), Actor: a.ID, Session: a.Session, Purpose: purpose,
		Given: now, Until: now.Add(r.values().Duration(keyLasts)),
	}
	return p, r.keepPurpose(ctx, p, reason)
}

// keepPurpose notes a purpose with its journal line.
func (r *Room) keepPurpose(ctx context.Context, p Purpose, reason string) error {
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if err := insertPurpose(ctx, tx, p); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbPurpose, Kind: "purpose", ID: p.ID,
			After: map[string]string{"purpose": p.Purpose}, Reason: reason,
			Rows: []journal.Row{{Table: "monitoring_purposes", ID: p.ID}},
		})
	})
}

// ErrNoPurpose: whoever asks has given no purpose that still counts.
var ErrNoPurpose = errors.New("say first why you need to look")

// purpose is what the actor in ctx looks for, or ErrNoPurpose.
func (r *Room) purpose(ctx context.Context) (Purpose, error) {
	a := actor.From(ctx)
	if err := r.allowed(ctx, a); err != nil {
		return Purpose{}, err
	}
	p, err := r.latestPurpose(ctx, a.ID, a.Session, r.d.Clock.Now())
	if errors.Is(err, store.ErrNotFound) {
		return Purpose{}, ErrNoPurpose
	}
	if err != nil {
		return Purpose{}, err
	}
	// A policy that took a purpose away ends what was given for it.
	if !slices.Contains(r.values().Items(keyPurposes), p.Purpose) {
		return Purpose{}, ErrNoPurpose
	}
	return p, nil
}

// Look kinds.
const (
	lookSearch   = "search"
	lookTimeline = "timeline"
	lookExport   = "export"
)

// look journals a look before anything of it is shown. Where it cannot be
// written, nothing is shown.
func (r *Room) look(ctx context.Context, p Purpose, kind string, rows int, asked map[string]string) error {
	verb := VerbViewed
	if kind == lookExport {
		verb = VerbExported
	}
	now := r.d.Clock.Now()
	id := store.NewID(now)
	detail := map[string]string{"purpose": p.Purpose, "kind": kind, "rows": fmt.Sprint(rows)}
	for k, v := range asked {
		if v != "" {
			detail["asked "+k] = v
		}
	}
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if err := insertLook(ctx, tx, id, p, kind, rows, now); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{
			Verb: verb, Kind: "look", ID: id, After: detail,
			Rows: []journal.Row{{Table: "monitoring_looks", ID: id}},
		})
	})
}

// holdersOf lists who holds a post now, once each.
func (r *Room) holdersOf(ctx context.Context, post people.Post) ([]people.Office, error) {
	holders, err := r.d.Roll.HoldersAt(ctx, post, r.d.Clock.Now())
	if err != nil {
		return nil, fmt.Errorf("asking who holds a post: %w", err)
	}
	return holders, nil
}

// Candidates are the people who hold the post of monitor now: the list that
// the head may confirm.
func (r *Room) Candidates(ctx context.Context) ([]people.ID, error) {
	holders, err := r.holdersOf(ctx, people.Monitor)
	if err != nil {
		return nil, err
	}
	var ids []people.ID
	for _, h := range holders {
		if !slices.Contains(ids, h.Person.ID) {
			ids = append(ids, h.Person.ID)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// ConfirmList makes those who hold the post of monitor now the list in force.
// The list given is what the head read: if it has changed since, nothing is
// confirmed.
func (r *Room) ConfirmList(ctx context.Context, read []people.ID) error {
	a := actor.From(ctx)
	if !a.May(MayConfirm) || isPupil(a) {
		return fmt.Errorf("%w: the head confirms who may look", store.ErrForbidden)
	}
	now, err := r.Candidates(ctx)
	if err != nil {
		return err
	}
	read = slices.Sorted(slices.Values(read))
	if !slices.Equal(now, read) {
		return store.ErrStale
	}
	before, err := r.List(ctx)
	if err != nil {
		return err
	}
	l := List{ID: store.NewID(r.d.Clock.Now()), ConfirmedAt: r.d.Clock.Now(), ConfirmedBy: a.ID, People: now}
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if err := insertList(ctx, tx, l); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbMonitors, Kind: "monitor list", ID: l.ID,
			Before: map[string]any{"people": before.People}, After: map[string]any{"people": l.People},
			Rows: []journal.Row{{Table: "monitor_lists", ID: l.ID}},
		})
	})
}
