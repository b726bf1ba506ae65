package devices

import (
	"context"
	"fmt"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
)

// WayOut is a time at which Belisha was out of the path.
type WayOut struct {
	ID     string
	From   time.Time
	By     string
	Reason string
	Told   string // who was told, where no other filter stands behind
	BackAt time.Time
	BackBy string
}

// TakeOut takes Belisha out of the path. With another filter behind, the proxy
// configuration then answers DIRECT; without one nothing here opens: what was
// done at the router is written down, and who was told that children are
// unfiltered.
func (r *Room) TakeOut(ctx context.Context, reason, told string) error {
	reason, told = strings.TrimSpace(reason), strings.TrimSpace(told)
	bad := store.Invalid{}
	if reason == "" || len(reason) > 500 {
		bad["reason"] = "Write why, in a sentence of at most 500 letters"
	}
	b, err := r.Beside(ctx)
	if err != nil {
		return err
	}
	if !b.Filtered() && (told == "" || len(told) > 500) {
		bad["told"] = "Write who was told: without Belisha children are unfiltered"
	}
	if len(bad) > 0 {
		return bad
	}
	w := WayOut{ID: store.NewID(r.now()), From: r.now(), By: actor.From(ctx).ID, Reason: reason, Told: told}
	err = r.d.DB.Write(ctx, func(tx *store.Tx) error {
		open, err := r.outOf(ctx, tx)
		if err != nil || open != nil {
			return err // pressed twice: it is out already
		}
		if err := r.putWayOut(ctx, tx, w); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbOut, Kind: "way-out", ID: w.ID, After: map[string]string{"told": told}, Reason: reason, Rows: []journal.Row{{Table: "ways_out", ID: w.ID}},
		})
	})
	if err != nil {
		return err
	}
	return r.d.Changed(ctx)
}

// PutBack puts Belisha back into the path.
func (r *Room) PutBack(ctx context.Context) error {
	err := r.d.DB.Write(ctx, func(tx *store.Tx) error {
		open, err := r.outOf(ctx, tx)
		if err != nil {
			return err
		}
		if open == nil {
			return nil // it is in already
		}
		if err := r.endWayOut(ctx, tx, open.ID, r.now(), actor.From(ctx).ID); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{Verb: VerbBack, Kind: "way-out", ID: open.ID, Rows: []journal.Row{{Table: "ways_out", ID: open.ID}}})
	})
	if err != nil {
		return err
	}
	return r.d.Changed(ctx)
}

// Out is the time out of the path that runs now, nil for none.
func (r *Room) Out(ctx context.Context) (*WayOut, error) { return r.outOf(ctx, r.d.DB) }

// Kinds of word that no way goes round the filter.
const (
	WordProvider = "provider" // the other filter's owner, in a letter
	WordSchool   = "school"   // somebody of the school who has looked
)

// PathWord is somebody's word that no way to the internet goes round the
// filter.
type PathWord struct {
	ID        string
	Kind      string
	Who       string // "Ashdown County broadband", "Bela Quist, network manager"
	Words     string // what was written or tried
	Given     time.Time
	Review    time.Time
	WrittenAt time.Time
	WrittenBy string
}

// longestWord is how long somebody's word holds at most.
const longestWord = 366 * 24 * time.Hour

// GiveWord writes down such a word.
func (r *Room) GiveWord(ctx context.Context, w PathWord) error {
	bad := store.Invalid{}
	w.Who, w.Words = strings.TrimSpace(w.Who), strings.TrimSpace(w.Words)
	if w.Kind != WordProvider && w.Kind != WordSchool {
		bad["kind"] = "Choose whose word it is"
	}
	if w.Who == "" || len(w.Who) > 200 {
		bad["who"] = "Write who says so"
	}
	if w.Words == "" || len(w.Words) > 2000 {
		bad["words"] = "Write what they say, or what was tried from which device"
	}
	now := r.now()
	if w.Given.IsZero() || w.Given.After(now) {
		bad["given"] = "Write the day of the letter or of the trial; it is not in the future"
	}
	if !w.Review.After(now) || w.Review.After(now.Add(longestWord)) {
		bad["review"] = "Write a day within the next twelve months"
	}
	if len(bad) > 0 {
		return bad
	}
	w.ID, w.WrittenAt, w.WrittenBy = store.NewID(now), now, actor.From(ctx).ID
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if err := r.putWord(ctx, tx, w); err != nil {
			return fmt.Errorf("writing the word down: %w", err)
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{Verb: VerbWord, Kind: "path-word", ID: w.ID, After: w, Rows: []journal.Row{{Table: "path_words", ID: w.ID}}})
	})
}
