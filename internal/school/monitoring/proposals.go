package monitoring

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/approval"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// kindList is the kind of approval that a list of monitors asks for.
const kindList = "monitor list"

// Version is one list of monitors that was in force, with how it came to be.
type Version struct {
	List
	Number   int
	AskedBy  string // actor who proposed it, "" where the head confirmed it alone
	Approval string
}

// ProposeList asks the head to confirm those who hold the post of monitor now.
// The head confirms by approval; until then nothing changes.
func (r *Room) ProposeList(ctx context.Context, why string) error {
	a := actor.From(ctx)
	if isPupil(a) || !a.May(MayPropose) || a.Kind != actor.Person {
		return fmt.Errorf("%w: only some posts may ask for a change of the list of monitors", store.ErrForbidden)
	}
	why = strings.TrimSpace(why)
	if len(why) < minReason || len(why) > maxReason {
		return store.Invalid{"why": "Say in a few words why the list should be confirmed now."}
	}
	now, err := r.Candidates(ctx)
	if err != nil {
		return err
	}
	list, err := r.List(ctx)
	if err != nil {
		return err
	}
	if slices.Equal(now, list.People) && r.d.Clock.Now().Sub(list.ConfirmedAt) < oneDay {
		return store.Invalid{"why": "This list was confirmed just now. Give or end the post of authorised monitor first."}
	}
	names := make([]string, 0, len(now))
	for _, id := range now {
		name, err := r.display(ctx, id)
		if err != nil {
			return err
		}
		names = append(names, name)
	}
	at := r.d.Clock.Now()
	id := store.NewID(at)
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		ap, err := r.d.Approvals.Ask(ctx, tx, approval.Request{
			Kind: kindList, Record: id, Title: "These people may look at the record of web use: " + orNobody(names), Why: why,
			Link: pathMonitors, Deciders: []approval.Decider{{Post: string(people.Headteacher)}}, Expires: at.Add(30 * oneDay),
		})
		if err != nil {
			return err
		}
		if err := insertProposal(ctx, tx, id, at, a.ID, now, ap.ID); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbProposed, Kind: "monitor list", ID: id, After: map[string]any{"people": now}, Reason: why,
			Rows: []journal.Row{{Table: "monitor_proposals", ID: id}},
		})
	})
}

// listDecided puts a proposed list in force when the head approved it. Where
// the posts have changed since, the approval cannot be given: the head would
// confirm people whom nobody showed.
func (r *Room) listDecided(ctx context.Context, tx *store.Tx, ap approval.Approval) error {
	p, err := proposal(ctx, tx, ap.Record)
	if err != nil {
		return err
	}
	rows := []journal.Row{{Table: "monitor_proposals", ID: ap.Record}}
	if ap.State != approval.Granted {
		if err := closeProposal(ctx, tx, ap.Record, "refused", r.d.Clock.Now(), ""); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{Verb: VerbNotConfirmed, Kind: "monitor list", ID: ap.Record, Rows: rows})
	}
	now, err := r.Candidates(ctx)
	if err != nil {
		return err
	}
	if !slices.Equal(now, p) {
		return fmt.Errorf("%w: who holds the post of monitor has changed since this was asked; say no, and have it asked again", store.ErrStale)
	}
	at := r.d.Clock.Now()
	l := List{ID: store.NewID(at), ConfirmedAt: at, ConfirmedBy: actor.From(ctx).ID, People: p}
	if err := insertList(ctx, tx, l); err != nil {
		return err
	}
	if err := closeProposal(ctx, tx, ap.Record, "confirmed", at, l.ID); err != nil {
		return err
	}
	return r.d.Journal.Write(ctx, tx, journal.Entry{
		Verb: VerbMonitors, Kind: "monitor list", ID: l.ID, After: map[string]any{"people": l.People, "asked": ap.Record},
		Rows: append(rows, journal.Row{Table: "monitor_lists", ID: l.ID}),
	})
}

// Badge is a monitor's code: whoever is asked to hand something over types it
// in and sees whether the person may look.
type Badge struct {
	Person people.ID
	Code   string
	Made   time.Time
}

// codeLetters are easy to tell apart on a badge.
const codeLetters = "ABCDEFGHJKMNPQRSTVWXYZ23456789"

// newCode is ten letters, in two halves.
func newCode() string {
	var b [10]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails (Go 1.24)
	for i := range b {
		b[i] = codeLetters[int(b[i])%len(codeLetters)]
	}
	return string(b[:5]) + "-" + string(b[5:])
}

// NewBadge makes a new code for a listed monitor; an old one no longer counts.
// Monitors make their own, the head anybody's.
func (r *Room) NewBadge(ctx context.Context, id people.ID) (Badge, error) {
	a := actor.From(ctx)
	if isPupil(a) || string(id) != a.Person && !a.May(MayConfirm) {
		return Badge{}, fmt.Errorf("%w: a monitor makes their own code, or the head does", store.ErrForbidden)
	}
	list, err := r.List(ctx)
	if err != nil {
		return Badge{}, err
	}
	if !list.Has(id) {
		return Badge{}, fmt.Errorf("%w: this person is not on the list of monitors", store.ErrForbidden)
	}
	b := Badge{Person: id, Code: newCode(), Made: r.d.Clock.Now()}
	return b, r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if err := putBadge(ctx, tx, b); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbBadge, Kind: "monitor badge", ID: string(id), Rows: []journal.Row{{Table: "monitor_badges", ID: string(id)}},
		})
	})
}

// CheckBadge says whose code it is and whether they may look at this moment.
// An unknown code is nobody's.
func (r *Room) CheckBadge(ctx context.Context, code string) (name string, may bool, err error) {
	code = strings.ToUpper(strings.Join(strings.Fields(code), ""))
	if len(code) == 10 && !strings.Contains(code, "-") {
		code = code[:5] + "-" + code[5:]
	}
	b, err := r.badge(ctx, `code = $1`, code)
	if err != nil {
		return "", false, err
	}
	if name, err = r.display(ctx, b.Person); err != nil {
		return "", false, err
	}
	list, err := r.List(ctx)
	if err != nil || !list.Has(b.Person) {
		return name, false, err
	}
	holders, err := r.Candidates(ctx)
	if err != nil || !slices.Contains(holders, b.Person) {
		return name, false, err
	}
	may, err = r.inPost(ctx, b.Person, r.values().Items(keyAuthorised))
	return name, may, err
}
