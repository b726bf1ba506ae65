package filtering

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/fetch"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
)

const (
	maxFetch   = 256 << 20
	fetchLimit = 20 * time.Minute
	// fetchEvery is how often a list is asked for; the moment moves about by
	// fetchJitter, so that schools do not all ask at once.
	fetchEvery  = day
	fetchJitter = 2 * time.Hour
	// firstRetry is doubled with every failure, up to a day.
	firstRetry = 15 * time.Minute
)

const stateUnchanged = "unchanged"

// fetcher is what fetches.
func (r *Room) fetcher() *fetch.Client { return &fetch.Client{Roots: r.d.Roots} }

// fetchDue fetches the lists whose time has come.
func (r *Room) fetchDue(ctx context.Context) error {
	all, err := r.Supplies(ctx)
	if err != nil {
		return err
	}
	var errs error
	for _, s := range all {
		// A moment further away than any is chosen was chosen by a clock that was
		// wrong.
		if wait := s.DueAt.Sub(r.now()); wait > 0 && wait < 2*fetchEvery {
			continue
		}
		// What goes wrong with one list is on its page, in the tray and on the
		// health page; the task itself has done what it is for.
		if _, err := r.fetchOne(ctx, s.Supply, false); err != nil && ctx.Err() != nil {
			return err
		} else if err != nil && !readable(err) {
			errs = errors.Join(errs, fmt.Errorf("%s: %w", s.Title, err))
		}
	}
	return errs
}

// readable reports whether an error is a sentence that stands beside the list.
func readable(err error) bool {
	var refused *Refused
	var web fetch.Error
	return errors.As(err, &refused) || errors.As(err, &web)
}

// fetchOne fetches a list and takes it up. What fails leaves the last good one
// in force, and is kept.
func (r *Room) fetchOne(ctx context.Context, s Supply, allowShrink bool) (Report, error) {
	r.fetching.Lock()
	defer r.fetching.Unlock()
	have, err := r.inForce(ctx, s)
	if err != nil {
		return Report{}, err
	}
	f, err := getFetched(ctx, r.d.DB, s.ID)
	if err != nil {
		return Report{}, err
	}
	if have.Version > 0 && !have.Enabled {
		return r.notInUse(ctx, s, have, f)
	}
	rep, got, err := r.bring(ctx, s, have, f, allowShrink)
	if err != nil {
		return rep, errors.Join(err, r.fetchFailed(ctx, rep, have, f, err))
	}
	return rep, r.fetchWell(ctx, s, f, got)
}

// notInUse lets a list alone that somebody took out of use.
func (r *Room) notInUse(ctx context.Context, s Supply, have Source, f Fetched) (Report, error) {
	f.DueAt = r.now().Add(fetchEvery)
	rep := Report{Source: s.ID, Title: s.Title, Path: s.URL, State: stateUnchanged, Reason: "it is not in use", Previous: have.Names}
	return rep, r.d.DB.Write(ctx, func(tx *store.Tx) error { return putFetched(ctx, tx, f) })
}

// bring fetches the file and imports it, unless it is the one that is here.
func (r *Room) bring(ctx context.Context, s Supply, have Source, f Fetched, allowShrink bool) (Report, fetch.Got, error) {
	rep := Report{Source: s.ID, Title: s.Title, Path: s.URL, State: stateRefused, Previous: have.Names}
	ask := fetch.Ask{URL: s.URL, MaxBytes: maxFetch, Limit: fetchLimit, Plain: s.Plain, Private: s.Private}
	known := have.Segment != "" && f.Terms == s.terms() && have.Path == s.URL && !allowShrink
	if known {
		ask.ETag, ask.Modified = f.ETag, f.Modified
	}
	dir := filepath.Join(r.d.Dir, "incoming")
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o700)); err != nil {
		return rep, fetch.Got{}, fmt.Errorf("making room for the list: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, fileName(s.URL))
	got, err := r.fetcher().File(ctx, ask, file)
	if err != nil {
		return rep, got, err
	}
	if !got.Unchanged {
		if err := r.sumHolds(ctx, s, got); err != nil {
			return rep, got, err
		}
	}
	if got.Unchanged || known && got.Sum == f.Got {
		rep.State, rep.Reason = stateUnchanged, "the publisher has nothing newer"
		got.Unchanged = true
		return rep, got, r.foundWell(ctx, have)
	}
	return r.takeFile(ctx, s, rep, got, file, allowShrink)
}

// takeFile imports the file that came. It is as old as its publisher says.
func (r *Room) takeFile(ctx context.Context, s Supply, rep Report, got fetch.Got, file string, allowShrink bool) (Report, fetch.Got, error) {
	if s.Format == FormatPhrases {
		return r.takePhrases(ctx, s, got, file, allowShrink)
	}
	at := got.Dated
	if at.IsZero() || at.After(r.now()) {
		at = r.now()
	}
	if err := os.Chtimes(file, at, at); err != nil {
		return rep, got, fmt.Errorf("dating the list: %w", err)
	}
	rep, err := r.importFrom(ctx, Options{Path: s.URL, Format: s.Format, Name: s.Title, Category: s.Category, Map: s.Map, AllowShrink: allowShrink}, file)
	return rep, got, err
}

// fetchWell keeps that all went well, and when to ask again.
func (r *Room) fetchWell(ctx context.Context, s Supply, f Fetched, got fetch.Got) error {
	now := r.now()
	next := Fetched{ID: s.ID, Terms: s.terms(), ETag: got.ETag, Modified: got.Modified, Got: got.Sum, WellAt: now, TriedAt: now}
	if got.Unchanged {
		next.Got = f.Got
		next.ETag, next.Modified = firstOf(got.ETag, f.ETag), firstOf(got.Modified, f.Modified)
	}
	after, err := jitter(fetchEvery-fetchJitter, fetchJitter)
	if err != nil {
		return err
	}
	next.DueAt = now.Add(after)
	return r.d.DB.Write(ctx, func(tx *store.Tx) error { return putFetched(ctx, tx, next) })
}

// foundWell clears a problem that a list had, now that its publisher says that
// what is here is the newest.
func (r *Room) foundWell(ctx context.Context, have Source) error {
	if have.Problem == "" {
		return nil
	}
	if have.Format == FormatPhrases {
		return r.phrasesFoundWell(ctx, have.ID)
	}
	have.Problem, have.TriedAt = "", r.now()
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if err := putSource(ctx, tx, have); err != nil {
			return fmt.Errorf("noting that the list is well: %w", err)
		}
		return r.d.Journal.Write(ctx, tx, checked(have.ID, "filter_sources"))
	})
}

func checked(id, table string) journal.Entry {
	return journal.Entry{Verb: VerbChecked, Kind: "list", ID: id, Rows: []journal.Row{{Table: table, ID: id}}}
}

// fetchFailed keeps what went wrong and when to try again. That the web fails
// now and then is written in the journal only where it stays so; what came and
// was refused was written down when it was refused.
func (r *Room) fetchFailed(ctx context.Context, rep Report, have Source, f Fetched, why error) error {
	if ctx.Err() != nil {
		return nil // we were stopped; nothing is known of the list
	}
	now := r.now()
	f.ID, f.TriedAt, f.Failures = rep.Source, now, f.Failures+1
	if f.Problem == "" {
		f.Since = now
	}
	f.Problem = why.Error()
	wait := min(firstRetry<<min(f.Failures-1, 10), fetchEvery)
	after, err := jitter(wait-wait/4, wait/2)
	if err != nil {
		return err
	}
	f.DueAt = now.Add(after)
	err = r.d.DB.Write(ctx, func(tx *store.Tx) error { return putFetched(ctx, tx, f) })
	if err != nil || rep.Reason != "" || !f.trouble() || have.Problem == f.Problem {
		return err
	}
	rep.Reason = f.Problem
	if have.Format == FormatPhrases {
		l, err := getPhraseList(ctx, r.d.DB, have.ID)
		if err != nil {
			return err
		}
		return r.phrasesRefused(ctx, l, l, why)
	}
	return r.listRefused(ctx, rep, have)
}

// jitter is a length of time from at least, up to spread longer.
func jitter(least, spread time.Duration) (time.Duration, error) {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return 0, fmt.Errorf("choosing a moment: %w", err)
	}
	return least + time.Duration(binary.BigEndian.Uint64(b[:])%uint64(spread+1)), nil
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// importWeb takes a list up from an address, and has it fetched every day from
// now on. An address that does not serve a list is not kept.
func (r *Room) importWeb(ctx context.Context, o Options) (Report, error) {
	s := Supply{
		Title: firstOf(o.Name, fromPath(fileName(o.Path))), URL: o.Path, Format: o.Format, Category: o.Category, Map: o.Map, Sum: o.Sum, Plain: o.Plain, Private: o.Private,
		Reason: firstOf(o.Reason, "Imported by address."),
	}
	rep := Report{Source: slug(s.Title), Title: s.Title, Path: o.Path, State: stateRefused}
	if err := r.mayImport(ctx, "import the list "+s.Title); err != nil {
		return rep, err
	}
	if err := s.check(); err != nil {
		return rep, err
	}
	was, err := getSupply(ctx, r.d.DB, s.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return rep, fmt.Errorf("reading where lists are fetched from: %w", err)
	}
	rep, err = r.fetchOne(ctx, s, o.AllowShrink)
	if err != nil {
		return rep, err
	}
	if was.Version > 0 && was.live() && was.terms() == s.terms() && was.Plain == s.Plain && was.Private == s.Private {
		return rep, nil
	}
	s.Version, s.AddedAt, s.AddedBy = was.Version, r.now(), actor.From(ctx).ID
	if err := r.keepSupply(ctx, s, was, "A list is fetched from the web from now on."); err != nil {
		return rep, err
	}
	return rep, r.putOff(ctx, s.ID)
}

// putOff waits for tomorrow with a list that was fetched just now.
func (r *Room) putOff(ctx context.Context, id string) error {
	after, err := jitter(fetchEvery-fetchJitter, fetchJitter)
	if err != nil {
		return err
	}
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		f, err := getFetched(ctx, tx, id)
		if err != nil {
			return err
		}
		f.DueAt = r.now().Add(after)
		return putFetched(ctx, tx, f)
	})
}
