package activity

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

const selectEvents = `SELECT k, spool, context, verdict, subject, device, address, host, path, search, n, bytes FROM events`

// raw is a row as it is stored.
type raw struct {
	key, spool                                                     int64
	context, verdict, subject, device, address, host, path, search int64
	n, bytes                                                       int64
}

// value is the number a row has in a column that a set may name.
func (r *raw) value(column string) int64 {
	switch column {
	case "context":
		return r.context
	case "verdict":
		return r.verdict
	case "subject":
		return r.subject
	case "device":
		return r.device
	case "address":
		return r.address
	case "host":
		return r.host
	case "path":
		return r.path
	default:
		return r.search
	}
}

// reader turns rows back into events, remembering the words it has looked up.
type reader struct {
	db    *sql.DB
	base  time.Time
	words map[string]map[int64]string
}

func newReader(db *sql.DB, base time.Time) *reader {
	return &reader{db: db, base: base, words: map[string]map[int64]string{}}
}

// rows reads at most want rows that satisfy the sets given. limit is the
// statement's own, -1 for none.
func (r *reader) rows(ctx context.Context, query string, limit, want int, sets []set) ([]raw, error) {
	rows, err := r.db.QueryContext(ctx, query, limit)
	if err != nil {
		return nil, fmt.Errorf("searching the rows: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all []raw
	for len(all) < want && rows.Next() {
		var w raw
		err := rows.Scan(&w.key, &w.spool, &w.context, &w.verdict, &w.subject, &w.device,
			&w.address, &w.host, &w.path, &w.search, &w.n, &w.bytes)
		if err != nil {
			return nil, fmt.Errorf("reading a row: %w", err)
		}
		if satisfies(&w, sets) {
			all = append(all, w)
		}
	}
	return all, rows.Err()
}

// satisfies tries the sets that were too long for SQL. Their numbers are in
// order.
func satisfies(w *raw, sets []set) bool {
	for _, s := range sets {
		met := false
		for _, c := range s.columns {
			if _, ok := slices.BinarySearch(s.ids[c], w.value(c)); ok {
				met = true
				break
			}
		}
		if !met {
			return false
		}
	}
	return true
}

// events turns rows into events.
func (r *reader) events(ctx context.Context, raws []raw) ([]Event, error) {
	events := make([]Event, 0, len(raws))
	for i := range raws {
		e, err := r.event(ctx, &raws[i])
		if err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	return events, nil
}

func (r *reader) event(ctx context.Context, w *raw) (Event, error) {
	var texts [9]string
	for i, f := range []struct {
		dict string
		id   int64
	}{
		{dictGates, keyGate(w.key)}, {dictContexts, w.context}, {dictVerdicts, w.verdict},
		{dictSubjects, w.subject}, {dictDevices, w.device}, {dictAddrs, w.address},
		{dictHosts, w.host}, {dictPaths, w.path}, {dictSearches, w.search},
	} {
		text, err := r.word(ctx, f.dict, f.id)
		if err != nil {
			return Event{}, err
		}
		texts[i] = text
	}
	c, v := unpackContext(texts[1]), unpackVerdict(texts[2])
	e := Event{
		ID: uint64(w.spool), Gate: texts[0], At: keyTime(r.base, w.key), //nolint:gosec // stored the same way
		Site: c.site, Door: c.door, Certainty: c.certainty, Group: c.group, KeyStage: c.keyStage,
		Subject: texts[3], Device: texts[4], Host: texts[6], Path: texts[7],
		Action: v.action, Category: v.category, Categories: v.categories, Rule: v.rule,
		Reason: v.reason, Alert: v.alert, RulesNumber: v.rulesNumber,
		Count: uint32(w.n), Bytes: uint64(w.bytes), //nolint:gosec // stored the same way
	}
	e.Engine, e.Words = unpackSearch(texts[8])
	if texts[5] != "" {
		addr, err := netip.ParseAddr(texts[5])
		if err != nil {
			return Event{}, fmt.Errorf("reading an address: %w", err)
		}
		e.Address = addr
	}
	return e, nil
}

// word looks one number up. A word that retention has taken is "".
func (r *reader) word(ctx context.Context, dict string, id int64) (string, error) {
	if id == 0 {
		return "", nil
	}
	known := r.words[dict]
	if known == nil {
		known = map[int64]string{}
		r.words[dict] = known
	}
	if text, ok := known[id]; ok {
		return text, nil
	}
	var text string
	err := r.db.QueryRowContext(ctx, `SELECT text FROM `+dict+` WHERE id = $1`, id).Scan(&text)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("looking up a word in %s: %w", dict, err)
	}
	known[id] = text
	return text, nil
}
