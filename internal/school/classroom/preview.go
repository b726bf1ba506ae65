package classroom

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// Verdict is what somebody found who looked at a site.
type Verdict string

// The verdicts.
const (
	Suitable    Verdict = "suitable"
	WithCare    Verdict = "care" // with an adult beside them
	NotSuitable Verdict = "not"
)

var verdictWords = map[Verdict]string{Suitable: "suitable", WithCare: "with an adult beside them", NotSuitable: "not suitable"}

// Preview is one look at a site before it is used with pupils.
type Preview struct {
	ID       string
	Host     string
	Verdict  Verdict
	FromYear people.Year // "" is the youngest
	ToYear   people.Year // "" is the oldest
	Note     string
	LookedAt time.Time
	LookedBy people.ID
}

// years are the ages that it is meant for, in words.
func (p Preview) years() string {
	switch {
	case p.FromYear == "" && p.ToYear == "":
		return "any age"
	case p.ToYear == "":
		return p.FromYear.Words() + " and older"
	case p.FromYear == "":
		return "up to " + p.ToYear.Words()
	case p.FromYear == p.ToYear:
		return p.FromYear.Words()
	}
	return p.FromYear.Words() + " to " + p.ToYear.Words()
}

// old reports a look that counts no more.
func (r *Room) old(p Preview) bool {
	return r.now().Sub(p.LookedAt) > r.values().Duration(keyPreviewAge)
}

// Preview writes down that somebody looked at a site. The newest look counts.
func (r *Room) Preview(ctx context.Context, p Preview) (Preview, error) {
	by, err := teacher(ctx, MayLead)
	if err != nil {
		return p, err
	}
	now := r.now()
	p.ID, p.LookedAt, p.LookedBy, p.Note = store.NewID(now), now, by, oneLine(p.Note)
	bad := store.Invalid{}
	if host, err := r.d.Site(p.Host); err != nil {
		bad["host"] = sentence(err)
	} else {
		p.Host = host
	}
	if verdictWords[p.Verdict] == "" {
		bad["verdict"] = "Say what you found."
	}
	from, to := slices.Index(people.Years, p.FromYear), slices.Index(people.Years, p.ToYear)
	switch {
	case p.FromYear != "" && from < 0 || p.ToYear != "" && to < 0:
		bad["from_year"] = "Choose year groups of the list."
	case from >= 0 && to >= 0 && to < from:
		bad["to_year"] = "The oldest year group comes before the youngest."
	}
	if n := len([]rune(p.Note)); n > mostNote || p.Verdict == NotSuitable && n < leastNote {
		bad["note"] = fmt.Sprintf("Write what you found, in at most %d letters.", mostNote)
	}
	if err := bad.OrNil(); err != nil {
		return p, err
	}
	return p, r.d.DB.Write(ctx, func(tx *store.Tx) error { return r.keepPreview(ctx, tx, p) })
}

func (r *Room) keepPreview(ctx context.Context, tx *store.Tx, p Preview) error {
	rows := []journal.Row{{Table: "class_previews", ID: p.ID}}
	switch before, err := newestPreview(ctx, tx, p.Host); {
	case err == nil: // its row says from now on that it is not the newest
		rows = append(rows, journal.Row{Table: "class_previews", ID: before.ID})
	case !errors.Is(err, store.ErrNotFound):
		return err
	}
	if err := insertPreview(ctx, tx, p); err != nil {
		return err
	}
	return r.d.Journal.Write(ctx, tx, journal.Entry{
		Verb: VerbPreviewed, Kind: "preview", ID: p.ID, After: told{p.Host + ": " + verdictWords[p.Verdict]}, Reason: p.Note,
		Rows: rows,
	})
}

// SiteList is sites that are used together.
type SiteList struct {
	ID       string
	Title    string
	Hosts    []string
	Plan     string // what the class does with them
	Class    string // "" for any
	Homework bool   // shown to the class's pupils and their parents
	MadeAt   time.Time
	MadeBy   people.ID
	EndedAt  time.Time
	Version  int64
}

const (
	mostLists = 2_000
	mostPlan  = 500
)

// KeepList keeps a list of sites, all of which somebody has looked at.
func (r *Room) KeepList(ctx context.Context, l SiteList, looked bool) (SiteList, error) {
	by, err := teacher(ctx, MayLead)
	if err != nil {
		return l, err
	}
	now := r.now()
	l.ID, l.MadeAt, l.MadeBy, l.Version = store.NewID(now), now, by, 1
	l.Title, l.Plan, l.Class = oneLine(l.Title), oneLine(l.Plan), strings.TrimSpace(l.Class)
	bad := store.Invalid{}
	if n := len([]rune(l.Title)); n == 0 || n > mostName {
		bad["title"] = fmt.Sprintf("Give the list a name of at most %d letters.", mostName)
	}
	if n := len([]rune(l.Plan)); n < leastNote || n > mostPlan {
		bad["plan"] = fmt.Sprintf("Write what the class does with the sites, in %d to %d letters.", leastNote, mostPlan)
	}
	if l.Class != "" || l.Homework {
		of, err := r.pupilsOf(ctx, l.Class)
		if err != nil {
			return l, err
		}
		if len(of) == 0 {
			bad["class"] = "Choose a class that has pupils."
		}
	}
	hosts, fresh, err := r.checkHosts(ctx, Begun{Hosts: l.Hosts, Looked: looked}, bad)
	if err != nil {
		return l, err
	}
	if err := bad.OrNil(); err != nil {
		return l, err
	}
	l.Hosts = hosts
	return l, r.d.DB.Write(ctx, func(tx *store.Tx) error {
		have, err := openLists(ctx, tx, "")
		if err != nil {
			return err
		}
		if len(have) >= mostLists {
			return store.Invalid{"": fmt.Sprintf("There are %d lists already. Take away one that nobody uses.", mostLists)}
		}
		for _, h := range fresh {
			p := Preview{ID: store.NewID(now), Host: h, Verdict: Suitable, Note: "Looked at for the list " + l.Title, LookedAt: now, LookedBy: by}
			if err := r.keepPreview(ctx, tx, p); err != nil {
				return err
			}
		}
		if err := insertList(ctx, tx, l); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbListed, Kind: "site-list", ID: l.ID, After: told{l.Title + ": " + strings.Join(l.Hosts, ", ")}, Reason: l.Plan, Rows: listRows(l),
		})
	})
}

// EndList takes a list away.
func (r *Room) EndList(ctx context.Context, id string) error {
	if _, err := teacher(ctx, MayLead); err != nil {
		return err
	}
	l, err := getList(ctx, r.d.DB, id)
	if err != nil {
		return err
	}
	l.EndedAt = r.now()
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if err := endList(ctx, tx, l); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{Verb: VerbUnlisted, Kind: "site-list", ID: l.ID, Before: told{l.Title}, Rows: listRows(l)})
	})
}

func listRows(l SiteList) []journal.Row { return []journal.Row{{Table: "class_lists", ID: l.ID}} }
