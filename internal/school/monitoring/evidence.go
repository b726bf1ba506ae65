package monitoring

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"belisha/internal/activity"
	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
)

// The words for how certain the record is of a person.
const (
	certaintySure    = "sure"
	certaintyLikely  = "likely"
	certaintyUnknown = "unknown"
)

// Evidence answers what a reference stands for, to a room that begins a case
// from it: the row, the person where the record knows one, and how certain
// that is. A signal's is for safeguarding leads; a row's for whoever may look
// at rows just now. Each is journalled.
func (r *Room) Evidence(ctx context.Context, ref string) (Seen, error) {
	switch {
	case strings.HasPrefix(ref, refSignal):
		return r.signalEvidence(ctx, ref)
	case strings.HasPrefix(ref, refDraw):
		rows, err := r.drawRows(ctx, `WHERE id = $1`, strings.TrimPrefix(ref, refDraw))
		if err != nil {
			return Seen{}, err
		}
		if len(rows) == 0 || !rows[0].named() {
			return Seen{}, store.ErrNotFound // nobody is named before somebody found a reason
		}
		return r.rowEvidence(ctx, ref, rows[0].key)
	case strings.HasPrefix(ref, refRow):
		k, err := parseRow(ref)
		if err != nil {
			return Seen{}, err
		}
		return r.rowEvidence(ctx, ref, k)
	}
	return Seen{}, store.ErrNotFound
}

// rowEvidence answers a row. Whoever has the tray needs no purpose; anybody
// else is a listed monitor with one, and sees no row that carries an alert.
func (r *Room) rowEvidence(ctx context.Context, ref string, k rowKey) (Seen, error) {
	a := actor.From(ctx)
	tray := mayTray(a) == nil
	if !tray {
		if _, err := r.purpose(ctx); err != nil {
			return Seen{}, evidenceRefused(err)
		}
	}
	e, err := r.event(ctx, k)
	if err != nil {
		return Seen{}, err
	}
	if e.Alert != "" && !tray {
		return Seen{}, store.ErrNotFound
	}
	s := r.shape(ctx, []activity.Event{e})[0]
	s.Ref = ref
	return s, r.noteEvidence(ctx, ref)
}

// evidenceRefused makes a missing purpose a refusal: the asking room cannot
// ask for one.
func evidenceRefused(err error) error {
	if errors.Is(err, ErrNoPurpose) {
		return fmt.Errorf("%w: give a purpose on the page of web activity first", store.ErrForbidden)
	}
	return err
}

func (r *Room) signalEvidence(ctx context.Context, ref string) (Seen, error) {
	if err := mayTray(actor.From(ctx)); err != nil {
		return Seen{}, err
	}
	sig, err := r.signal(ctx, r.d.DB, strings.TrimPrefix(ref, refSignal))
	if err != nil {
		return Seen{}, err
	}
	s := Seen{At: sig.First, How: howUnknown, Certainty: certaintyUnknown, Device: sig.Device}
	rows, err := r.Around(ctx, sig)
	if err != nil {
		return Seen{}, err
	}
	for i := range rows {
		if rows[i].Flagged {
			s = rows[i]
			break
		}
	}
	if s.Certainty == certaintyUnknown && sig.Subject != "" {
		// The rows are gone; who it was is kept with the signal, how certain is not.
		if id, display, ok := r.d.Names.Name(ctx, sig.Subject); ok {
			s.Person, s.Name, s.How, s.Certainty = id, display, howLikely, certaintyLikely
		}
	}
	var themed []string
	for _, t := range sig.Themes {
		themed = append(themed, titleOf(themes, t))
	}
	s.Ref, s.Theme = ref, strings.Join(themed, ", ")
	return s, r.noteEvidence(ctx, ref)
}

// noteEvidence journals that something of the record was taken into a case.
func (r *Room) noteEvidence(ctx context.Context, ref string) error {
	kind, id, _ := strings.Cut(ref, ":")
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		return r.d.Journal.Write(ctx, tx, journal.Entry{Verb: VerbTaken, Kind: "evidence", ID: kind + ":" + short8(id)})
	})
}

// short8 shortens a reference for the journal's line, which is never erased:
// enough to tell two apart, too little to find the row by.
func short8(id string) string {
	if len(id) > 8 {
		return id[len(id)-8:]
	}
	return id
}
