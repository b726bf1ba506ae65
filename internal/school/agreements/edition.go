package agreements

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// Edition is a published text. It never changes.
type Edition struct {
	ID     string
	Sheet  Sheet
	Number int64
	Text   string
	Hash   string
	// Small: a correction. Signatures on the editions before it go on counting.
	Small  bool
	Binds  people.Day // the day from which it must be signed
	Reason string
	Lost   string // clauses that were left out, by name
	By     string
	At     time.Time

	tells bool // it says that use is monitored; set where editions are loaded
}

// Body is the edition's text taken apart. What was published could be read.
func (e Edition) Body() Body {
	b, err := ParseBody(e.Text)
	if err != nil {
		return Body{Title: e.Sheet.Title()}
	}
	return b
}

// Draft is a text that nobody signs yet.
type Draft struct {
	Sheet   Sheet
	Text    string
	By      string
	At      time.Time
	Version int64 // 0: nobody has changed it; it is the starter or the edition in force
}

// known is what every question needs.
type known struct {
	editions  map[Sheet][]Edition // by number
	decisions []Decision          // in the order in which they were made
}

// current is the newest edition, false where there is none.
func (k *known) current(s Sheet) (Edition, bool) {
	list := k.editions[s]
	if len(list) == 0 {
		return Edition{}, false
	}
	return list[len(list)-1], true
}

// bound is the number of the edition that a signature must have been given
// for, or for a later one; 0 while nothing has to be signed.
func (k *known) bound(s Sheet, today people.Day) int64 {
	var n int64
	for _, e := range k.editions[s] {
		if !e.Small && e.Binds <= today {
			n = e.Number
		}
	}
	return n
}

func (k *known) edition(s Sheet, number int64) (Edition, bool) {
	for _, e := range k.editions[s] {
		if e.Number == number {
			return e, true
		}
	}
	return Edition{}, false
}

// load returns what is known, read anew where it was dropped.
func (r *Room) load(ctx context.Context) (*known, error) {
	r.mu.Lock()
	k, turn := r.known, r.turn
	r.mu.Unlock()
	if k != nil {
		return k, nil
	}
	k = &known{editions: map[Sheet][]Edition{}}
	list, err := editions(ctx, r.DB, "ORDER BY sheet, number")
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		e.tells = e.Body().Has(noticeClause)
		k.editions[e.Sheet] = append(k.editions[e.Sheet], e)
	}
	if k.decisions, err = decisions(ctx, r.DB); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.turn == turn {
		r.known = k
	}
	return k, nil
}

// forget drops what is known once the transaction is on disk.
func (r *Room) forget(tx *store.Tx) {
	tx.AfterCommit(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.known = nil
		r.turn++
	})
}

// Draft is the text as somebody would go on with it: the draft, else the
// edition in force, else the starter.
func (r *Room) Draft(ctx context.Context, s Sheet) (Draft, error) {
	if _, ok := s.Info(); !ok {
		return Draft{}, store.ErrNotFound
	}
	d, err := readDraft(ctx, r.DB, s)
	if err == nil || !errors.Is(err, store.ErrNotFound) {
		return d, err
	}
	k, err := r.load(ctx)
	if err != nil {
		return Draft{}, err
	}
	if e, ok := k.current(s); ok {
		return Draft{Sheet: s, Text: e.Text}, nil
	}
	return Draft{Sheet: s, Text: Starter(s)}, nil
}

// SaveDraft keeps a draft. version is that of the draft it was made from.
func (r *Room) SaveDraft(ctx context.Context, s Sheet, text string, version int64) error {
	if _, ok := s.Info(); !ok {
		return store.ErrNotFound
	}
	b, err := ParseBody(text)
	if err != nil {
		return err
	}
	return r.DB.Write(ctx, func(tx *store.Tx) error {
		old, err := readDraft(ctx, tx, s)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if old.Version != version {
			return store.ErrStale
		}
		d := Draft{Sheet: s, Text: b.Text(), By: actor.From(ctx).ID, At: r.Clock.Now(), Version: version + 1}
		if err := putDraft(ctx, tx, d); err != nil {
			return err
		}
		return r.Journal.Write(ctx, tx, journal.Entry{Verb: VerbDrafted, Kind: "agreement", ID: string(s), After: map[string]any{"text": d.Text}})
	})
}

// DropDraft throws a draft away.
func (r *Room) DropDraft(ctx context.Context, s Sheet, version int64) error {
	return r.DB.Write(ctx, func(tx *store.Tx) error {
		old, err := readDraft(ctx, tx, s)
		if err != nil {
			return err
		}
		if old.Version != version {
			return store.ErrStale
		}
		if err := deleteDraft(ctx, tx, s); err != nil {
			return err
		}
		return r.Journal.Write(ctx, tx, journal.Entry{Verb: VerbDrafted, Kind: "agreement", ID: string(s), Before: map[string]any{"text": old.Text}, Reason: "the draft was thrown away"})
	})
}

// Publishing is a draft on its way to people.
type Publishing struct {
	Sheet Sheet
	// Hash is of the text that whoever publishes has read.
	Hash   string
	Small  bool       // a correction that keeps signatures
	Binds  people.Day // from when it must be signed; "" is today
	Reason string
}

const (
	minReason = 10
	maxReason = 500
	maxAhead  = 366 // days
)

// Publish puts an edition before people. Nothing that was signed is touched.
func (r *Room) Publish(ctx context.Context, p Publishing) (Edition, error) {
	d, err := r.Draft(ctx, p.Sheet)
	if err != nil {
		return Edition{}, err
	}
	next, err := ParseBody(d.Text)
	if err != nil {
		return Edition{}, err
	}
	d.Text = next.Text() // a starter, too, is kept as every text is
	if Hash(d.Text) != p.Hash {
		return Edition{}, store.ErrStale
	}
	today, err := r.today(ctx)
	if err != nil {
		return Edition{}, err
	}
	e := Edition{
		ID: store.NewID(r.Clock.Now()), Sheet: p.Sheet, Text: d.Text, Hash: p.Hash, Small: p.Small, Binds: p.Binds,
		Reason: strings.TrimSpace(p.Reason), By: actor.From(ctx).ID, At: r.Clock.Now(),
	}
	err = r.DB.Write(ctx, func(tx *store.Tx) error { return r.publish(ctx, tx, &e, next, today) })
	if err != nil {
		return Edition{}, err
	}
	r.Everybody()
	return e, nil
}

func (r *Room) publish(ctx context.Context, tx *store.Tx, e *Edition, next Body, today people.Day) error {
	list, err := editions(ctx, tx, "WHERE sheet = $1 ORDER BY number", string(e.Sheet))
	if err != nil {
		return err
	}
	old := Edition{}
	if n := len(list); n > 0 {
		old = list[n-1]
	}
	if err := unchanged(ctx, tx, e); err != nil {
		return err
	}
	e.Number = old.Number + 1
	if e.Small || e.Binds == "" {
		e.Binds = today
	}
	if err := checkEdition(*e, old, next, today); err != nil {
		return err
	}
	e.Lost = names(Lost(e.Sheet, before(e.Sheet, old), next))
	if err := insertEdition(ctx, tx, *e); err != nil {
		return err
	}
	if err := deleteDraft(ctx, tx, e.Sheet); err != nil {
		return err
	}
	r.forget(tx)
	return r.Journal.Write(ctx, tx, journal.Entry{
		Verb: VerbPublished, Kind: "agreement", ID: string(e.Sheet), Reason: e.Reason,
		After: map[string]any{"edition": e.Number, "hash": e.Hash, "binds": e.Binds, "small": e.Small, "left out": e.Lost},
		Rows:  []journal.Row{{Table: "agreement_editions", ID: e.ID}},
	})
}

// unchanged refuses to publish over a draft that somebody has changed since.
func unchanged(ctx context.Context, tx *store.Tx, e *Edition) error {
	d, err := readDraft(ctx, tx, e.Sheet)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if Hash(d.Text) != e.Hash {
		return store.ErrStale
	}
	return nil
}

// before is the text that a new edition is held against: the one in force, or
// the starter.
func before(s Sheet, old Edition) Body {
	if old.Number > 0 {
		return old.Body()
	}
	b, err := ParseBody(Starter(s))
	if err != nil {
		return Body{}
	}
	return b
}

func names(list []Clause) string {
	var out []string
	for _, c := range list {
		out = append(out, c.ID)
	}
	return strings.Join(out, " ")
}

// checkEdition says why an edition cannot be published as it is meant.
func checkEdition(e, old Edition, next Body, today people.Day) error {
	bad := store.Invalid{}
	lost := Lost(e.Sheet, before(e.Sheet, old), next)
	if len(e.Reason) > maxReason {
		bad["reason"] = "Say it in fewer words."
	}
	if old.Number > 0 && old.Hash == e.Hash {
		return store.Invalid{"": "This is word for word the edition in force. Change the draft first."}
	}
	if len(lost) > 0 && len(e.Reason) < minReason {
		bad["reason"] = fmt.Sprintf("Rules are left out (%s). Say why, in a sentence; it is kept with the edition.", strings.ReplaceAll(names(lost), " ", ", "))
	}
	if e.Small {
		smallMistakes(bad, e, old, next)
	}
	switch {
	case !e.Binds.Valid():
		bad["binds"] = "Give a day that exists, such as 4 1 2027."
	case e.Binds < today:
		bad["binds"] = "This day is over. Give today or a day to come."
	case e.Binds > today.Add(maxAhead):
		bad["binds"] = "Give a day within a year."
	}
	return bad.OrNil()
}

func smallMistakes(bad store.Invalid, e, old Edition, next Body) {
	if old.Number == 0 {
		bad["small"] = "There is no edition yet that this could be a correction of."
		return
	}
	if len(e.Reason) < minReason && bad["reason"] == "" {
		bad["reason"] = "Say what is corrected, and why it changes nothing that people agreed to."
	}
	for _, c := range Compare(old.Body(), next) {
		if len(c.Pieces) == 1 && (c.Pieces[0].New || c.Pieces[0].Gone) {
			bad["small"] = "A rule came or went, so this is no small correction: people sign anew."
		}
	}
}
