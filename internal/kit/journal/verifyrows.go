package journal

import (
	"context"
	"errors"
	"fmt"
	"sort"
)

// note is the newest state of a protected row that the journal knows.
type note struct {
	seq    int64
	gone   bool
	salt   string
	digest string
}

// rows compares every row of the protected tables with its newest note.
func (v *verifier) rows(ctx context.Context) error {
	tables := make([]string, 0, len(v.j.protected))
	for t := range v.j.protected {
		tables = append(tables, t)
	}
	sort.Strings(tables)
	var first *Fault
	for _, t := range tables {
		err := v.table(ctx, v.j.protected[t])
		var f *Fault
		if errors.As(err, &f) {
			if first == nil || f.Seq < first.Seq {
				first = f
			}
			continue
		}
		if err != nil {
			return err
		}
	}
	if first != nil {
		return first
	}
	return nil
}

func (v *verifier) table(ctx context.Context, p Protected) error {
	notes, err := v.notes(ctx, p.Table)
	if err != nil {
		return err
	}
	rows, err := v.q.QueryContext(ctx, "SELECT "+p.Key+" AS journal_row_key, t.* FROM "+p.Table+" t ORDER BY "+p.Key) //nolint:gosec // plain names only
	if err != nil {
		return fmt.Errorf("reading %s: %w", p.Table, err)
	}
	defer func() { _ = rows.Close() }()
	var first *Fault
	keep := func(f *Fault) {
		if first == nil || f.Seq < first.Seq {
			first = f
		}
	}
	for rows.Next() {
		id, cols, vals, err := keyedRow(rows)
		if err != nil {
			return err
		}
		n, known := notes[id]
		delete(notes, id)
		switch {
		case !known:
			keep(&Fault{Where: "row", What: fmt.Sprintf("Row %s of %s was added outside Belisha.", id, p.Table)})
		case n.gone:
			keep(&Fault{Seq: n.seq, Where: "row", What: fmt.Sprintf("Row %s of %s was deleted in line %d and is there again.", id, p.Table, n.seq)})
		case !n.tells(cols, vals):
			keep(&Fault{Seq: n.seq, Where: "row", What: fmt.Sprintf("Row %s of %s was altered outside Belisha; its last change here was line %d.", id, p.Table, n.seq)})
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for id, n := range notes {
		if !n.gone {
			keep(&Fault{Seq: n.seq, Where: "row", What: fmt.Sprintf("Row %s of %s was deleted outside Belisha; its last change here was line %d.", id, p.Table, n.seq)})
		}
	}
	if first != nil {
		return first
	}
	return nil
}

// notes returns the newest note of each row of a table.
func (v *verifier) notes(ctx context.Context, table string) (map[string]note, error) {
	rows, err := v.q.QueryContext(ctx, "SELECT row_id, seq, gone, salt, digest FROM journal_rows WHERE table_name = $1 ORDER BY seq, place", table)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	out := map[string]note{}
	for rows.Next() {
		var id string
		var n note
		if err := rows.Scan(&id, &n.seq, &n.gone, &n.salt, &n.digest); err != nil {
			return nil, err
		}
		out[id] = n
	}
	return out, rows.Err()
}
