package concerns

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"belisha/internal/kit/journal"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
)

// Outcomes are how a case may end.
var Outcomes = []setting.Option{
	{Value: "resolved", Title: "Dealt with here"},
	{Value: "referred", Title: "Passed to another service, which goes on with it"},
	{Value: "accidental", Title: "By accident; nobody did anything wrong"},
	{Value: "unfounded", Title: "It turned out not to be so"},
	{Value: "watch", Title: "Nothing more to do now; looked at again if it happens again"},
}

// Ending is what came of a case.
type Ending struct {
	Outcome string
	Text    string
	// Policy is what the policy could learn, "" for nothing.
	Policy string
}

// Close ends a case. It cannot be closed while something that must be in it is
// missing: Missing says what.
func (r *Room) Close(ctx context.Context, id string, version int64, in Ending) error {
	text, err := needed("text", in.Text, maxLong)
	bad := store.Invalid{}
	if !hasOption(Outcomes, in.Outcome) {
		bad["outcome"] = "Choose what came of it."
	}
	in.Policy = clean(in.Policy)
	long(bad, "policy", in.Policy, maxLong)
	var lacking store.Invalid
	if errors.As(err, &lacking) {
		maps.Copy(bad, lacking)
	}
	if err := bad.OrNil(); err != nil {
		return err
	}
	_, err = r.work(ctx, id, version, false, func(_ *store.Tx, w *Whole) (change, error) {
		if !w.live() {
			return change{}, errNotLive
		}
		if missing := r.Missing(w); len(missing) > 0 {
			bad := store.Invalid{}
			for i, m := range missing {
				bad[fmt.Sprintf("missing%d", i)] = m
			}
			return change{}, bad
		}
		w.State, w.ClosedAt = CaseClosed, r.now()
		if w.First.IsZero() {
			w.First = w.ClosedAt
		}
		entries := []Entry{{Kind: EntryClosed, Told: Told{Text: text, Reason: optionTitle(Outcomes, in.Outcome)}}}
		if in.Policy != "" {
			entries = append(entries, Entry{Kind: EntryPolicy, Told: Told{Text: in.Policy}})
		}
		return change{verb: VerbClosed, entries: entries}, nil
	})
	return err
}

// Missing is what a case still needs before it may be closed, in sentences.
func (r *Room) Missing(w *Whole) []string {
	var out []string
	if w.pupils() && !w.done(actParents) {
		out = append(out, "Record that the parents or carers were told, or why not.")
	}
	if w.kind().Deliberate && !w.done(actInvestigation) {
		out = append(out, "The head investigates what was done on purpose before it is closed.")
	}
	if !w.ReferralDue.IsZero() && w.Decided.IsZero() {
		out = append(out, "Record whether the police or children's social care were told, or why not.")
	}
	if slices.ContainsFunc(w.Actions, func(a Action) bool { return a.State == Planned }) {
		out = append(out, "An action is not done yet. Finish it, or say why it is not needed.")
	}
	return out
}

// Reopen opens a closed case again.
func (r *Room) Reopen(ctx context.Context, id string, version int64, reason string) error {
	reason, err := needed("reason", reason, maxLong)
	if err != nil {
		return err
	}
	_, err = r.work(ctx, id, version, false, func(_ *store.Tx, w *Whole) (change, error) {
		if w.live() {
			return change{}, store.ErrStale
		}
		w.State = CaseOpen
		return change{verb: VerbReopened, entries: []Entry{{Kind: EntryReopened, Told: Told{Text: "Opened again.", Reason: reason}}}}, nil
	})
	return err
}

// Void marks a case as entered in error. It stays, with the reason.
func (r *Room) Void(ctx context.Context, id string, version int64, reason string) error {
	reason, err := needed("reason", reason, maxLong)
	if err != nil {
		return err
	}
	_, err = r.work(ctx, id, version, false, func(tx *store.Tx, w *Whole) (change, error) {
		if !w.live() {
			return change{}, errNotLive
		}
		w.State, w.ClosedAt = CaseVoid, r.now()
		ch := change{verb: VerbVoided, entries: []Entry{{Kind: EntryVoid, Told: Told{Text: "Entered in error. It stays to be read.", Reason: reason}}}}
		err := r.liftAll(ctx, tx, w, "The concern was entered in error.", &ch)
		return ch, err
	})
	return err
}

// Export makes a copy of a case for somebody. Who gets it and why is sealed
// with the case; the copy carries a check sum that stands in the journal, so
// that a copy can be told from one that was altered.
func (r *Room) Export(ctx context.Context, id string, version int64, to, why string) (w *Whole, sum string, err error) {
	bad := store.Invalid{}
	to, why = clean(to), clean(why)
	if to == "" {
		bad["to"] = "Say who gets the copy."
	}
	if why == "" {
		bad["reason"] = "Say what it is for."
	}
	long(bad, "to", to, maxShort)
	long(bad, "reason", why, maxLong)
	if err := bad.OrNil(); err != nil {
		return nil, "", err
	}
	w, err = r.work(ctx, id, version, false, func(tx *store.Tx, w *Whole) (change, error) {
		if sum, err = checksum(w); err != nil {
			return change{}, err
		}
		err := r.write(ctx, tx, journal.Entry{Verb: VerbExported, ID: id, After: map[string]string{"sum": sum}})
		return change{verb: VerbNoted, entries: []Entry{{Kind: EntryExport, Told: Told{Text: "A copy was made.", To: to, Reason: why, Seal: sum}}}}, err
	})
	return w, sum, err
}

// checksum is SHA-256 over everything that a copy shows, in a fixed order.
func checksum(w *Whole) (string, error) {
	b, err := json.Marshal(struct {
		ID      string
		About   About
		People  []Person
		Entries []Entry
		Actions []Action
		Files   []File
	}{w.ID, w.About, w.People, w.Entries, w.Actions, w.Files})
	if err != nil {
		return "", fmt.Errorf("working out the check sum of a case: %w", err)
	}
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:]), nil
}
