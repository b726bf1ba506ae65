package activity

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// rowsAtOnce is how many rows one statement inserts; past some dozens the
// gain is gone.
const rowsAtOnce = 32

const eventColumns = 12

const insertEvents = `INSERT INTO events
	(k, spool, context, verdict, subject, device, address, host, path, search, n, bytes) VALUES `

// writer is the one connection that writes to a day. It is thrown away after
// any error, because its dictionaries then know numbers that were rolled back.
type writer struct {
	base  time.Time
	db    *sql.DB
	conn  *sql.Conn
	dicts map[string]*dict
	many  *sql.Stmt
	one   *sql.Stmt
	known *sql.Stmt
	// newest is the highest key stored; 0 in an empty day.
	newest int64

	addHour, addTop, addMinute, addBeat *sql.Stmt
	readMark, setMark                   *sql.Stmt
	prepared                            []*sql.Stmt
}

func openWriter(ctx context.Context, d *day) (*writer, error) {
	// FULL: a commit is on the disk when Append returns, not only in the
	// kernel. At batches of a thousand the price is small.
	db, err := openSQLite(d.path, "journal_mode(WAL)", "synchronous(FULL)", "cache_size(-48000)",
		"wal_autocheckpoint(6000)", "journal_size_limit(67108864)", "secure_delete(FAST)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	w := &writer{base: d.base, db: db, dicts: map[string]*dict{}}
	if err := w.prepare(ctx); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

func (w *writer) prepare(ctx context.Context) error {
	if err := prepareFile(ctx, w.db, daySchema); err != nil {
		return err
	}
	conn, err := w.db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("opening the day's connection: %w", err)
	}
	w.conn = conn
	for _, name := range dictNames {
		d, err := loadDict(ctx, conn, name)
		if err != nil {
			return err
		}
		w.dicts[name] = d
	}
	err = conn.QueryRowContext(ctx, `SELECT coalesce(max(k), 0) FROM events`).Scan(&w.newest)
	if err != nil {
		return fmt.Errorf("finding the newest event: %w", err)
	}
	return w.prepareStatements(ctx)
}

func (w *writer) prepareStatements(ctx context.Context) error {
	row := "(" + strings.TrimSuffix(strings.Repeat("?,", eventColumns), ",") + ")"
	statements := []struct {
		into **sql.Stmt
		text string
	}{
		{&w.one, insertEvents + row},
		{&w.many, insertEvents + strings.TrimSuffix(strings.Repeat(row+",", rowsAtOnce), ",")},
		{&w.known, `SELECT k FROM events WHERE k IN (SELECT value FROM json_each($1))`},
		{&w.addHour, `INSERT INTO hours (hour, site, grp, category, action, n, bytes) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT DO UPDATE SET n = n + excluded.n, bytes = bytes + excluded.bytes`},
		{&w.addTop, `INSERT INTO tops (kind, word, action, n) VALUES ($1, $2, $3, $4)
			ON CONFLICT DO UPDATE SET n = n + excluded.n`},
		{&w.addMinute, `INSERT INTO minutes (minute, site, n) VALUES ($1, $2, $3)
			ON CONFLICT DO UPDATE SET n = n + excluded.n`},
		{&w.addBeat, `INSERT INTO beats (minute, site, gate, dropped) VALUES ($1, $2, $3, $4)
			ON CONFLICT DO UPDATE SET dropped = dropped + excluded.dropped`},
		{&w.readMark, `SELECT coalesce((SELECT upto FROM counted WHERE gate = $1), 0)`},
		{&w.setMark, `INSERT INTO counted (gate, upto) VALUES ($1, $2)
			ON CONFLICT DO UPDATE SET upto = excluded.upto`},
	}
	for _, s := range statements {
		stmt, err := w.conn.PrepareContext(ctx, s.text)
		if err != nil {
			return fmt.Errorf("preparing to write the day: %w", err)
		}
		*s.into = stmt
		w.prepared = append(w.prepared, stmt)
	}
	return nil
}

// close gives the file back. The statements go first: SQLite keeps a
// connection with an open statement alive, and its log with it.
func (w *writer) close() error {
	var errs []error
	for _, stmt := range w.prepared {
		errs = append(errs, stmt.Close())
	}
	for _, d := range w.dicts {
		errs = append(errs, d.add.Close())
	}
	if w.conn != nil {
		errs = append(errs, w.conn.Close())
	}
	return errors.Join(append(errs, w.db.Close())...)
}

// transaction runs do between BEGIN and COMMIT. Whatever it returns in error
// has been rolled back.
func (w *writer) transaction(ctx context.Context, do func() error) error {
	if _, err := w.conn.ExecContext(ctx, `BEGIN IMMEDIATE`); err != nil {
		return fmt.Errorf("beginning to write the day: %w", err)
	}
	err := do()
	if err == nil {
		_, err = w.conn.ExecContext(ctx, `COMMIT`)
	}
	if err != nil {
		// The rollback must happen even where ctx is what ended the work.
		_, back := w.conn.ExecContext(context.WithoutCancel(ctx), `ROLLBACK`)
		return errors.Join(fmt.Errorf("writing the day: %w", err), ignoreNoTransaction(back))
	}
	return nil
}

// ignoreNoTransaction drops the complaint that SQLite had rolled back already.
func ignoreNoTransaction(err error) error {
	if err != nil && strings.Contains(err.Error(), "no transaction is active") {
		return nil
	}
	return err
}

// pending is an event made ready for its row.
type pending struct {
	event *Event
	key   int64
	row   []any
}

// append stores events in one transaction with their roll-ups. Events that
// are stored already are passed over.
func (w *writer) append(ctx context.Context, events []*Event, countOnly bool) error {
	return w.transaction(ctx, func() error {
		t := newTally()
		marks := map[string]mark{}
		ready := make([]pending, 0, len(events))
		for _, e := range events {
			if countOnly || e.Action == Support {
				if err := w.count(ctx, t, marks, e); err != nil {
					return err
				}
				continue
			}
			p, err := w.ready(ctx, e)
			if err != nil {
				return err
			}
			ready = append(ready, p)
		}
		fresh, err := w.fresh(ctx, ready)
		if err != nil {
			return err
		}
		if err := w.insert(ctx, fresh); err != nil {
			return err
		}
		for _, p := range fresh {
			t.add(p.event)
		}
		if err := w.saveMarks(ctx, marks); err != nil {
			return err
		}
		return w.save(ctx, t)
	})
}

// ready makes the row of one event, entering its words in the dictionaries.
func (w *writer) ready(ctx context.Context, e *Event) (pending, error) {
	gate, err := w.dicts[dictGates].id(ctx, clean(e.Gate, maxLabel))
	if err != nil {
		return pending{}, err
	}
	if gate >= maxGates {
		return pending{}, fmt.Errorf("more than %d filters have reported on one day", maxGates-1)
	}
	p := pending{event: e, key: makeKey(w.base, e.At, gate, e.ID), row: make([]any, 0, eventColumns)}
	p.row = append(p.row, p.key, int64(e.ID)) //nolint:gosec // read back the same way
	for _, field := range []struct{ dict, text string }{
		{dictContexts, packContext(e)},
		{dictVerdicts, packVerdict(e)},
		{dictSubjects, clean(e.Subject, maxLabel)},
		{dictDevices, clean(e.Device, maxLabel)},
		{dictAddrs, packAddr(e.Address)},
		{dictHosts, strings.ToLower(clean(e.Host, maxHost))},
		{dictPaths, clean(e.Path, maxPath)},
		{dictSearches, packSearch(e)},
	} {
		id, err := w.dicts[field.dict].id(ctx, field.text)
		if err != nil {
			return pending{}, err
		}
		p.row = append(p.row, id)
	}
	p.row = append(p.row, int64(max(e.Count, 1)), int64(min(e.Bytes, 1<<62))) //nolint:gosec // bounded
	return p, nil
}

// fresh leaves out what is stored already and what stands in the batch twice,
// and puts the rest in order. Where the batch is newer than everything
// stored, as it mostly is, nothing is looked up.
func (w *writer) fresh(ctx context.Context, ready []pending) ([]pending, error) {
	if len(ready) == 0 {
		return nil, nil
	}
	slices.SortFunc(ready, func(a, b pending) int { return cmp.Compare(a.key, b.key) })
	stored := map[int64]bool{}
	if ready[0].key <= w.newest {
		if err := w.lookUp(ctx, ready, stored); err != nil {
			return nil, err
		}
	}
	fresh := ready[:0]
	for _, p := range ready {
		if stored[p.key] {
			continue
		}
		stored[p.key] = true
		fresh = append(fresh, p)
	}
	return fresh, nil
}

// lookUp marks the keys that are stored already.
func (w *writer) lookUp(ctx context.Context, ready []pending, stored map[int64]bool) error {
	keys := make([]int64, 0, len(ready))
	for _, p := range ready {
		keys = append(keys, p.key)
	}
	list, err := json.Marshal(keys)
	if err != nil {
		return fmt.Errorf("listing the batch: %w", err)
	}
	rows, err := w.known.QueryContext(ctx, string(list))
	if err != nil {
		return fmt.Errorf("looking for events stored before: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var key int64
		if err := rows.Scan(&key); err != nil {
			return fmt.Errorf("looking for events stored before: %w", err)
		}
		stored[key] = true
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("looking for events stored before: %w", err)
	}
	return nil
}

func (w *writer) insert(ctx context.Context, fresh []pending) error {
	args := make([]any, 0, rowsAtOnce*eventColumns)
	if len(fresh) > 0 {
		w.newest = max(w.newest, fresh[len(fresh)-1].key)
	}
	for len(fresh) >= rowsAtOnce {
		args = args[:0]
		for _, p := range fresh[:rowsAtOnce] {
			args = append(args, p.row...)
		}
		if _, err := w.many.ExecContext(ctx, args...); err != nil {
			return fmt.Errorf("storing events: %w", err)
		}
		fresh = fresh[rowsAtOnce:]
	}
	for _, p := range fresh {
		if _, err := w.one.ExecContext(ctx, p.row...); err != nil {
			return fmt.Errorf("storing an event: %w", err)
		}
	}
	return nil
}
