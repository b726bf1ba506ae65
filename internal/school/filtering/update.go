package filtering

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/fetch"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/verdict/lists"
)

// The verbs of lists that are fetched.
const (
	VerbSupply  journal.Verb = "list.address-changed"
	VerbChecked journal.Verb = "list.checked"
)

// Supply is where a list is fetched from, and on what terms. Somebody decided
// it, with a reason; Belisha asks no server for a list by itself.
type Supply struct {
	ID       string // the list's
	Title    string
	URL      string
	Format   string
	Category string
	Map      map[string]string
	// Sum is "", the sha256 that the file must have, or the address of the
	// publisher's file of sums.
	Sum     string
	Plain   bool // http will do
	Private bool // an address inside the school's network will do
	Reason  string
	AddedAt time.Time
	AddedBy string
	EndedAt time.Time
	Version int64
}

// Fetched is how fetching a list goes.
type Fetched struct {
	ID       string
	Terms    string // digest of the terms that the next three belong to
	ETag     string
	Modified string
	Got      string    // sha256 of the file that was taken up
	WellAt   time.Time // when the server last had the newest list for us
	TriedAt  time.Time
	DueAt    time.Time
	Failures int64
	Problem  string
	Since    time.Time // of the problem
}

// Kinds of change of supplies, for the change log.
const kindSupply = "list address"

const maxSupplies = 50

// live reports whether the list is fetched.
func (s Supply) live() bool { return s.EndedAt.IsZero() }

// terms tells one decision from another: what the server said of a file holds
// only for the same address, read in the same way.
func (s Supply) terms() string {
	text, err := json.Marshal([]any{s.URL, s.Format, s.Category, s.Map, s.Sum})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// says is the supply in words, for the change log.
func (s Supply) says() string {
	out := s.Title + " is fetched every day from " + s.URL
	if s.Plain && strings.HasPrefix(s.URL, "http://") {
		out += ", without protection on the way"
	}
	if s.Private {
		out += ", inside the school's network"
	}
	if s.Sum != "" {
		out += ", and must have the publisher's checksum"
	}
	return out
}

func (s *Supply) check() error {
	bad := store.Invalid{}
	s.Title, s.URL, s.Sum, s.Reason = strings.TrimSpace(s.Title), strings.TrimSpace(s.URL), strings.TrimSpace(s.Sum), strings.TrimSpace(s.Reason)
	s.Category = slug(s.Category)
	if s.Map == nil {
		s.Map = map[string]string{}
	}
	if s.ID = slug(s.Title); s.ID == "" || s.ID == starterID || len(s.ID) > 60 {
		bad["title"] = "Give the list a name of its own with letters or digits, at most 60."
	}
	if _, err := fetch.Check(s.URL, s.Plain); err != nil {
		bad["url"] = titleOf(err.Error()) + "."
	}
	if s.Format != "" && s.Format != FormatPhrases && !slices.Contains(lists.Formats, lists.Format(s.Format)) {
		bad["format"] = "Choose one of the formats."
	}
	if _, isSum := pinned(s.Sum); s.Sum != "" && !isSum {
		if _, err := fetch.Check(s.Sum, s.Plain); err != nil {
			bad["sum"] = "Write the 64 letters and figures of a SHA-256 sum, or the address of the publisher's file of sums."
		}
	}
	if s.Format == FormatPhrases && (s.Category != "" || len(s.Map) > 0) {
		bad["category"] = "Phrases name their areas themselves; leave the category out."
	}
	if s.Reason == "" || len(s.Reason) > maxReason {
		bad["reason"] = fmt.Sprintf("Write why, in at most %d characters.", maxReason)
	}
	return bad.OrNil()
}

// AddSupply has a list fetched from now on, at once for the first time. A list
// that was imported from a file under the same name is replaced by what comes,
// within the same bounds as ever.
func (r *Room) AddSupply(ctx context.Context, s Supply) (Supply, error) {
	if err := r.mayImport(ctx, "fetch the list "+s.Title); err != nil {
		return s, err
	}
	if err := s.check(); err != nil {
		return s, err
	}
	have, err := getSupply(ctx, r.d.DB, s.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return s, fmt.Errorf("reading where lists are fetched from: %w", err)
	}
	if have.Version > 0 && have.live() {
		return s, store.Invalid{"title": "A list of this name is fetched already. Change that one, or give this one another name."}
	}
	s.Version, s.AddedAt, s.AddedBy = have.Version, r.now(), actor.From(ctx).ID
	return s, r.keepSupply(ctx, s, have, "A list is fetched from the web from now on.")
}

// ChangeSupply changes where a list is fetched from. s.Version is the one that
// the person saw.
func (r *Room) ChangeSupply(ctx context.Context, id string, s Supply) error {
	if err := r.mayImport(ctx, "change where the list "+id+" is fetched from"); err != nil {
		return err
	}
	have, err := getSupply(ctx, r.d.DB, id)
	if err != nil {
		return err
	}
	if !have.live() || have.Version != s.Version {
		return store.ErrStale
	}
	s.Title = have.Title
	if err := s.check(); err != nil {
		return err
	}
	s.AddedAt, s.AddedBy = r.now(), actor.From(ctx).ID
	return r.keepSupply(ctx, s, have, "Where a list is fetched from was changed.")
}

// EndSupply stops fetching a list. What was taken up of it stays in use, and
// grows old.
func (r *Room) EndSupply(ctx context.Context, id, reason string) error {
	if err := r.mayImport(ctx, "stop fetching the list "+id); err != nil {
		return err
	}
	have, err := getSupply(ctx, r.d.DB, id)
	if err != nil {
		return err
	}
	if !have.live() {
		return store.ErrStale
	}
	reason = strings.TrimSpace(reason)
	if reason == "" || len(reason) > maxReason {
		return store.Invalid{"reason": "Write why, in a sentence."}
	}
	s := have
	s.EndedAt, s.Reason = r.now(), reason
	return r.keepSupply(ctx, s, have, "A list is not fetched any more.")
}

// keepSupply writes a decision with its lines in the change log and the
// journal. Unless it has ended, the list is due at once.
func (r *Room) keepSupply(ctx context.Context, s, have Supply, what string) error {
	c := Change{ID: store.NewID(r.now()), At: r.now(), Actor: actor.From(ctx).ID, Kind: kindSupply, Ref: s.ID, What: what, Reason: s.Reason}
	was := have.Version > 0 && have.live()
	if was {
		c.Was = have.says()
	}
	if s.live() {
		c.Becomes = s.says()
	}
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		n, err := countRows(ctx, tx, "SELECT COUNT(*) FROM filter_supplies WHERE ended_at = 0")
		if err != nil {
			return fmt.Errorf("counting what is fetched: %w", err)
		}
		if s.live() && n >= maxSupplies && !was {
			return store.Invalid{"": fmt.Sprintf("%d lists are fetched already and no more fit.", maxSupplies)}
		}
		if err := putSupply(ctx, tx, s); err != nil {
			return err
		}
		f, err := getFetched(ctx, tx, s.ID)
		if err != nil {
			return err
		}
		f.DueAt, f.Failures, f.Problem, f.Since = r.now(), 0, "", time.Time{}
		if err := putFetched(ctx, tx, f); err != nil {
			return err
		}
		if err := insertChange(ctx, tx, c); err != nil {
			return err
		}
		rows := []journal.Row{{Table: "filter_supplies", ID: s.ID}, {Table: "filter_changes", ID: c.ID}}
		return r.d.Journal.Write(ctx, tx, journal.Entry{Verb: VerbSupply, Kind: "list", ID: s.ID, Before: told{c.Was}, After: told{c.Becomes}, Reason: s.Reason, Rows: rows})
	})
}

// FetchSoon has a list fetched by the next task, which is within a minute.
func (r *Room) FetchSoon(ctx context.Context, id string) error {
	if err := r.mayImport(ctx, "fetch the list "+id); err != nil {
		return err
	}
	s, err := getSupply(ctx, r.d.DB, id)
	if err != nil {
		return err
	}
	if !s.live() {
		return store.ErrStale
	}
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		f, err := getFetched(ctx, tx, id)
		if err != nil {
			return err
		}
		f.DueAt = r.now()
		return putFetched(ctx, tx, f)
	})
}

// Supplied is a supply with how fetching it goes.
type Supplied struct {
	Supply
	Fetched
}

// Supplies are the lists that are fetched, by name.
func (r *Room) Supplies(ctx context.Context) ([]Supplied, error) {
	all, err := listSupplies(ctx, r.d.DB)
	if err != nil {
		return nil, fmt.Errorf("reading where lists are fetched from: %w", err)
	}
	var out []Supplied
	for _, s := range all {
		if !s.live() {
			continue
		}
		f, err := getFetched(ctx, r.d.DB, s.ID)
		if err != nil {
			return nil, err
		}
		out = append(out, Supplied{s, f})
	}
	return out, nil
}

// trouble is the problem of a list that somebody should look at: one attempt
// that fails is the web's way, three are not, and what came and was refused is
// one at once.
func (f Fetched) trouble() bool { return f.Problem != "" && (f.Failures >= 3 || f.WellAt.IsZero()) }

// Trouble is what is wrong with the lists, for the health page: a sentence for
// each list, by name.
func (r *Room) Trouble(ctx context.Context) ([]string, error) {
	all, err := r.Supplies(ctx)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, s := range all {
		if s.trouble() {
			out = append(out, s.Title+" could not be fetched: "+s.Problem)
		}
	}
	refused, err := r.refusedLists(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range refused {
		if !slices.ContainsFunc(all, func(x Supplied) bool { return x.Supply.ID == s.ID && x.trouble() }) {
			out = append(out, s.Title+" was refused: "+s.Problem)
		}
	}
	licensed, err := r.LicensedLists(ctx)
	if err != nil {
		return nil, err
	}
	for _, l := range licensed {
		switch {
		case l.Stale:
			out = append(out, "The licensed list "+l.Title+" is "+daysOld(r.now().Sub(l.Well))+" old")
		case l.Problem != "":
			out = append(out, "The licensed list "+l.Title+" could not be brought: "+l.Problem)
		}
	}
	return out, nil
}
