package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"belisha/internal/kit/store"
)

// Line is one line as it is read.
type Line struct {
	Seq      int64           `json:"seq"`
	At       time.Time       `json:"at"`
	Actor    string          `json:"actor"`
	OnBehalf string          `json:"on_behalf,omitempty"`
	Verb     Verb            `json:"verb"`
	Says     string          `json:"says"`
	Kind     string          `json:"kind"`
	ID       string          `json:"id"`
	Hash     string          `json:"hash"`
	Detail   json.RawMessage `json:"detail,omitempty"` // {before, after, reason}; empty when erased
	Erased   bool            `json:"erased,omitempty"`
}

// Filter narrows List. The zero Filter is the newest lines.
type Filter struct {
	Kind, ID string
	Verbs    []Verb
	Actor    string
	From, To time.Time
	Before   int64 // lines older than this one, for paging
	After    int64 // lines newer than this one, oldest first
	Limit    int   // 1 to 500; 0 is 100
}

// List returns lines, newest first (oldest first when After is used).
func (j *Journal) List(ctx context.Context, f Filter) ([]Line, error) {
	return j.list(ctx, j.db, f)
}

func (j *Journal) list(ctx context.Context, q store.Querier, f Filter) ([]Line, error) {
	where, args := f.where()
	limit := f.Limit
	if limit <= 0 || limit > 500 {
		limit = 100
	}
	order := "DESC"
	if f.After > 0 || f.After == -1 {
		order = "ASC"
	}
	rows, err := q.QueryContext(ctx, `SELECT l.seq, l.at, l.actor, l.on_behalf, l.verb, l.kind, l.record, l.hash, COALESCE(d.detail, '')
		FROM journal_lines l LEFT JOIN journal_details d ON d.seq = l.seq`+where+
		fmt.Sprintf(" ORDER BY l.seq %s LIMIT %d", order, limit), args...)
	if err != nil {
		return nil, fmt.Errorf("reading the journal: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Line
	for rows.Next() {
		var l Line
		var at store.Time
		var kept string
		if err := rows.Scan(&l.Seq, &at, &l.Actor, &l.OnBehalf, &l.Verb, &l.Kind, &l.ID, &l.Hash, &kept); err != nil {
			return nil, fmt.Errorf("reading the journal: %w", err)
		}
		l.At, l.Says = at.Time, j.verbs[l.Verb]
		if kept == "" {
			l.Erased = true
		} else if l.Detail, err = j.unseal(ctx, l.Seq, kept); err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	return out, rows.Err()
}

func (f Filter) where() (string, []any) {
	var conds []string
	var args []any
	add := func(cond string, arg any) {
		args = append(args, arg)
		conds = append(conds, fmt.Sprintf(cond, len(args)))
	}
	if f.Kind != "" {
		add("l.kind = $%d", f.Kind)
	}
	if f.ID != "" {
		add("l.record = $%d", f.ID)
	}
	if f.Actor != "" {
		add("l.actor = $%d", f.Actor)
	}
	if !f.From.IsZero() {
		add("l.at >= $%d", store.Millis(f.From))
	}
	if !f.To.IsZero() {
		add("l.at < $%d", store.Millis(f.To))
	}
	if f.Before > 0 {
		add("l.seq < $%d", f.Before)
	}
	if f.After > 0 {
		add("l.seq > $%d", f.After)
	}
	if len(f.Verbs) > 0 {
		marks := make([]string, len(f.Verbs))
		for i, v := range f.Verbs {
			args = append(args, string(v))
			marks[i] = fmt.Sprintf("$%d", len(args))
		}
		conds = append(conds, "l.verb IN ("+strings.Join(marks, ", ")+")")
	}
	if len(conds) == 0 {
		return "", nil
	}
	return " WHERE " + strings.Join(conds, " AND "), args
}

// EraseDetail erases what the lines tell beyond that they happened. The chain
// still verifies.
func (j *Journal) EraseDetail(ctx context.Context, tx *store.Tx, seqs ...int64) error {
	for _, s := range seqs {
		if _, err := tx.ExecContext(ctx, "DELETE FROM journal_details WHERE seq = $1", s); err != nil {
			return fmt.Errorf("erasing journal detail: %w", err)
		}
	}
	return nil
}

// Export calls fn for every line, oldest first.
func (j *Journal) Export(ctx context.Context, fn func(Line) error) error {
	return j.db.Snapshot(ctx, func(q store.Querier) error {
		after := int64(-1)
		for {
			lines, err := j.list(ctx, q, Filter{After: after, Limit: 500})
			if err != nil {
				return err
			}
			for _, l := range lines {
				if err := fn(l); err != nil {
					return err
				}
				after = l.Seq
			}
			if len(lines) == 0 {
				return nil
			}
		}
	})
}

// Follow calls fn with each new line after it is committed, at least once and
// in order, until ctx ends. Where it got to is kept under name, so that a
// restart goes on from there. An error of fn is returned, and the same lines
// come again at the next call.
func (j *Journal) Follow(ctx context.Context, name string, fn func(context.Context, []Line) error) error {
	wake := make(chan struct{}, 1)
	j.mu.Lock()
	j.wake = append(j.wake, wake)
	j.mu.Unlock()
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		if err := j.catchUp(ctx, name, fn); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-wake:
		case <-tick.C:
		}
	}
}

func (j *Journal) catchUp(ctx context.Context, name string, fn func(context.Context, []Line) error) error {
	for {
		var after int64
		err := j.db.QueryRowContext(ctx, "SELECT seq FROM journal_cursors WHERE name = $1", name).Scan(&after)
		if errors.Is(noRow(err), store.ErrNotFound) {
			after = -1
		} else if err != nil {
			return fmt.Errorf("following the journal: %w", err)
		}
		lines, err := j.List(ctx, Filter{After: after, Limit: 500})
		if err != nil || len(lines) == 0 {
			return err
		}
		if err := fn(ctx, lines); err != nil {
			return err
		}
		last := lines[len(lines)-1].Seq
		// What fn did is done, even if ctx ended meanwhile.
		keep := context.WithoutCancel(ctx)
		err = j.db.Write(keep, func(tx *store.Tx) error {
			_, err := tx.ExecContext(keep, `INSERT INTO journal_cursors (name, seq) VALUES ($1, $2)
				ON CONFLICT (name) DO UPDATE SET seq = EXCLUDED.seq`, name, last)
			return err
		})
		if err != nil {
			return fmt.Errorf("following the journal: %w", err)
		}
	}
}

// noRow turns "no row" into store.ErrNotFound.
func noRow(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return store.ErrNotFound
	}
	return err
}
