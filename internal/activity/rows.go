package activity

import (
	"context"
	"database/sql"
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
	if err := r.learn(ctx, raws); err != nil {
		return nil, err
	}
	events := make([]Event, 0, len(raws))
	for i := range raws {
		e, err := r.event(&raws[i])
		if err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	return events, nil
}

// numbers is the dictionaries that a row points into, with where.
func (w *raw) numbers() [9]struct {
	dict string
	id   int64
} {
	return [9]struct {
		dict string
		id   int64
	}{
		{dictGates, keyGate(w.key)},
		{dictContexts, w.context},
		{dictVerdicts, w.verdict},
		{dictSubjects, w.subject},
		{dictDevices, w.device},
		{dictAddrs, w.address},
		{dictHosts, w.host},
		{dictPaths, w.path},
		{dictSearches, w.search},
	}
}

// wordsAtOnce is how many numbers one statement looks up.
const wordsAtOnce = 500

// learn looks up the words of the rows that are not known yet, many at once.
// A word that retention has taken is "".
func (r *reader) learn(ctx context.Context, raws []raw) error {
	missing := map[string][]int64{}
	for i := range raws {
		for _, f := range raws[i].numbers() {
			if r.words[f.dict] == nil {
				r.words[f.dict] = map[int64]string{0: ""}
			}
			if _, ok := r.words[f.dict][f.id]; !ok {
				r.words[f.dict][f.id] = ""
				missing[f.dict] = append(missing[f.dict], f.id)
			}
		}
	}
	for dict, ids := range missing {
		for chunk := range slices.Chunk(ids, wordsAtOnce) {
			if err := r.lookUp(ctx, dict, chunk); err != nil {
				return fmt.Errorf("looking up words in %s: %w", dict, err)
			}
		}
	}
	return nil
}

func (r *reader) lookUp(ctx context.Context, dict string, ids []int64) error {
	rows, err := r.db.QueryContext(ctx, `SELECT id, text FROM `+dict+` WHERE id IN (`+listed(ids)+`)`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id int64
		var text string
		if err := rows.Scan(&id, &text); err != nil {
			return err
		}
		r.words[dict][id] = text
	}
	return rows.Err()
}

// event makes one event of a row whose words are known.
func (r *reader) event(w *raw) (Event, error) {
	var texts [9]string
	for i, f := range w.numbers() {
		texts[i] = r.words[f.dict][f.id]
	}
	c, v := unpackContext(texts[1]), unpackVerdict(texts[2])
	e := Event{
		ID: uint64(w.spool), Gate: texts[0], At: keyTime(r.base, w.key), //nolint:gosec // stored the same way
		Site: c.site, Door: c.door, Certainty: c.certainty, Group: c.group, KeyStage: c.keyStage,
		Subject: texts[3], Device: texts[4], Host: texts[6], Path: texts[7],
		Action: v.action, Category: v.category, Categories: v.categories, Rule: v.rule,
		Reason: v.reason, Detail: v.detail, Alert: v.alert, RulesNumber: v.rulesNumber,
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
