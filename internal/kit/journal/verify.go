package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"belisha/internal/kit/store"
)

// Report is what Verify found.
type Report struct {
	OK      bool   `json:"ok"`
	Lines   int64  `json:"lines"`
	Erased  int64  `json:"erased"` // details erased by retention or on request
	Head    Head   `json:"head"`
	Outside *Head  `json:"outside,omitempty"` // the head kept outside the database
	Fault   *Fault `json:"fault,omitempty"`
}

// Fault is the first place where the journal does not hold.
type Fault struct {
	Seq   int64  `json:"seq"` // the line, 0 when it belongs to none
	Where string `json:"where"`
	What  string `json:"what"` // one plain sentence
}

func (f *Fault) Error() string { return f.What }

// Verify walks the whole chain on one consistent view: every line, every
// detail that was not erased, every row of the protected tables, and the head
// kept outside. It stops at the first fault.
func (j *Journal) Verify(ctx context.Context) (Report, error) {
	var r Report
	err := j.db.Snapshot(ctx, func(q store.Querier) error {
		v := verifier{j: j, q: q, report: &r, details: map[int64]string{}}
		return v.run(ctx)
	})
	var f *Fault
	if errors.As(err, &f) {
		r.Fault = f
		return r, nil
	}
	if err != nil {
		return r, fmt.Errorf("checking the journal: %w", err)
	}
	r.OK = true
	return r, nil
}

type verifier struct {
	j       *Journal
	q       store.Querier
	report  *Report
	details map[int64]string // rows digests by line, "" for lines without rows
	hashAt  string           // hash of the line the outside head names
}

func fault(seq int64, where, what string, args ...any) error {
	return &Fault{Seq: seq, Where: where, What: fmt.Sprintf(what, args...)}
}

func (v *verifier) run(ctx context.Context) error {
	out, have, err := v.j.outside()
	if err != nil {
		return fault(0, "head", "%s.", err)
	}
	if have {
		v.report.Outside = &out
	}
	if err := v.q.QueryRowContext(ctx, "SELECT seq, hash FROM journal_head WHERE one = 1").Scan(&v.report.Head.Seq, &v.report.Head.Hash); err != nil {
		if errors.Is(err, sql.ErrNoRows) {
			return fault(0, "head", "The journal's head row is missing.")
		}
		return err
	}
	if err := v.lines(ctx); err != nil {
		return err
	}
	if err := v.strays(ctx); err != nil {
		return err
	}
	if err := v.rows(ctx); err != nil {
		return err
	}
	return v.head(have, out)
}

// lines checks the chain and each line's detail, in order.
func (v *verifier) lines(ctx context.Context) error {
	rows, err := v.q.QueryContext(ctx, `SELECT l.seq, l.at, l.actor, l.on_behalf, l.verb, l.kind, l.record,
			l.detail_digest, l.rows_digest, l.hash, COALESCE(d.salt, ''), COALESCE(d.detail, '')
		FROM journal_lines l LEFT JOIN journal_details d ON d.seq = l.seq ORDER BY l.seq`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	prev := ""
	for rows.Next() {
		var c chained
		var hash, salt, kept string
		err := rows.Scan(&c.Seq, &c.At, &c.Actor, &c.OnBehalf, &c.Verb, &c.Kind, &c.Record, &c.Detail, &c.Rows, &hash, &salt, &kept)
		if err != nil {
			return err
		}
		v.report.Lines++
		if c.Seq != v.report.Lines {
			return fault(v.report.Lines, "line", "Line %d is missing: the next one is %d.", v.report.Lines, c.Seq)
		}
		if c.hash(prev) != hash {
			return fault(c.Seq, "line", "Line %d was altered, or the line before it was.", c.Seq)
		}
		if err := v.detail(ctx, c, salt, kept); err != nil {
			return err
		}
		v.details[c.Seq] = c.Rows
		if v.report.Outside != nil && v.report.Outside.Seq == c.Seq {
			v.hashAt = hash
		}
		prev = hash
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if v.report.Head.Seq != v.report.Lines || v.report.Head.Hash != prev {
		return fault(v.report.Lines, "head", "The head says the journal ends at line %d, but the last whole line is %d: lines were cut off or added.",
			v.report.Head.Seq, v.report.Lines)
	}
	return nil
}

func (v *verifier) detail(ctx context.Context, c chained, salt, kept string) error {
	if salt == "" && kept == "" {
		v.report.Erased++
		return nil
	}
	plain, err := v.j.unseal(ctx, c.Seq, kept)
	if err != nil || digest(salt, plain) != c.Detail {
		return fault(c.Seq, "detail", "The detail of line %d was altered.", c.Seq)
	}
	return nil
}

// strays finds details and row notes of lines that do not exist, and checks
// that the row notes are the ones the lines commit to.
func (v *verifier) strays(ctx context.Context) error {
	var stray sql.NullInt64
	err := v.q.QueryRowContext(ctx, "SELECT MIN(d.seq) FROM journal_details d LEFT JOIN journal_lines l ON l.seq = d.seq WHERE l.seq IS NULL").Scan(&stray)
	if err != nil {
		return err
	}
	if stray.Valid {
		return fault(stray.Int64, "detail", "There is detail for line %d, and no such line.", stray.Int64)
	}
	return v.rowNotes(ctx)
}

func (v *verifier) rowNotes(ctx context.Context) error {
	rows, err := v.q.QueryContext(ctx, "SELECT seq, table_name, row_id, gone, digest FROM journal_rows ORDER BY seq, place")
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	notes := map[int64]*strings.Builder{}
	for rows.Next() {
		var seq int64
		var table, id, d string
		var gone bool
		if err := rows.Scan(&seq, &table, &id, &gone, &d); err != nil {
			return err
		}
		if notes[seq] == nil {
			notes[seq] = &strings.Builder{}
		}
		notes[seq].WriteString(rowCommit(table, id, gone, d))
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for seq := int64(1); seq <= v.report.Lines; seq++ {
		want, got := v.details[seq], ""
		if b := notes[seq]; b != nil {
			got = digest("", []byte(b.String()))
			delete(notes, seq)
		}
		if got != want {
			return fault(seq, "rows", "What line %d noted of the records it changed was altered.", seq)
		}
	}
	for seq := range notes {
		return fault(seq, "rows", "There are notes of line %d, and no such line.", seq)
	}
	return nil
}

// head compares with the head last written outside the database.
func (v *verifier) head(have bool, out Head) error {
	switch {
	case !have:
		return nil
	case out.Seq > v.report.Lines:
		return fault(v.report.Lines+1, "tail", "The journal was cut off after line %d: its head was written outside the database at line %d.",
			v.report.Lines, out.Seq)
	case out.Seq > 0 && out.Hash != v.hashAt:
		return fault(out.Seq, "tail", "Line %d is not the one whose head was written outside the database: the journal was rewritten.", out.Seq)
	}
	return nil
}
