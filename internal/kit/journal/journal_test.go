package journal_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
)

var cases = fstest.MapFS{"202601010000-cases.sql": {Data: []byte(`-- +goose Up
CREATE TABLE cases (id TEXT PRIMARY KEY, title TEXT NOT NULL, open BOOLEAN NOT NULL, at BIGINT NOT NULL);`)}}

type bench struct {
	t    *testing.T
	db   *store.DB
	j    *journal.Journal
	head string
	ctx  context.Context
}

func open(t *testing.T) *bench {
	t.Helper()
	dir := t.TempDir()
	ctx := actor.With(context.Background(), actor.Actor{ID: "person:amira", Kind: actor.Person})
	db, err := store.Open(ctx, store.Config{File: filepath.Join(dir, "records.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(ctx, journal.Schema, cases); err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, db: db, head: filepath.Join(dir, "journal.head"), ctx: ctx}
	b.j, err = journal.New(journal.Deps{
		DB: db, Clock: clock.NewFake(time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)), HeadFile: b.head,
		Protected: []journal.Protected{{Table: "cases", Key: "id"}},
		Verbs:     []journal.VerbInfo{{Verb: "case.opened", Says: "A case was opened"}, {Verb: "case.closed", Says: "A case was closed"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) openCase(id string) {
	b.t.Helper()
	err := b.db.Write(b.ctx, func(tx *store.Tx) error {
		if _, err := tx.ExecContext(b.ctx, "INSERT INTO cases (id, title, open, at) VALUES ($1, $2, $3, $4)", id, "Case "+id, true, 1); err != nil {
			return err
		}
		return b.j.Write(b.ctx, tx, journal.Entry{Verb: "case.opened", Kind: "case", ID: id, After: map[string]string{"title": "Case " + id}, Rows: []journal.Row{{Table: "cases", ID: id}}})
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) sql(query string, args ...any) {
	b.t.Helper()
	if _, err := b.db.Writer().ExecContext(b.ctx, query, args...); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) verify() journal.Report {
	b.t.Helper()
	r, err := b.j.Verify(b.ctx)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func TestAnUntouchedJournalHolds(t *testing.T) {
	b := open(t)
	if r := b.verify(); !r.OK || r.Lines != 0 {
		t.Fatalf("an empty journal: %+v", r)
	}
	for i := range 20 {
		b.openCase(fmt.Sprint("c", i))
	}
	if r := b.verify(); !r.OK || r.Lines != 20 || r.Outside == nil || r.Outside.Seq != 20 {
		t.Fatalf("report: %+v fault %+v", r, r.Fault)
	}
}

func TestEveryEditBehindItsBackIsNamed(t *testing.T) {
	for _, c := range []struct {
		name, sql string
		args      []any
		seq       int64
		says      string
	}{
		{"a line's actor", "UPDATE journal_lines SET actor = 'person:x' WHERE seq = 3", nil, 3, "Line 3 was altered"},
		{"a line's time", "UPDATE journal_lines SET at = at + 1 WHERE seq = 5", nil, 5, "Line 5 was altered"},
		{"a line's hash", "UPDATE journal_lines SET hash = 'ff' WHERE seq = 5", nil, 5, "Line 5 was altered"},
		{"a line cut out", "DELETE FROM journal_lines WHERE seq = 4", nil, 4, "Line 4 is missing"},
		{"a detail", `UPDATE journal_details SET detail = 'p{"after":{"title":"Other"}}' WHERE seq = 2`, nil, 2, "detail of line 2"},
		{"a salt", "UPDATE journal_details SET salt = 'aa' WHERE seq = 2", nil, 2, "detail of line 2"},
		{"a detail out of nowhere", "INSERT INTO journal_details (seq, salt, detail) VALUES (99, 'a', 'pb')", nil, 99, "no such line"},
		{"a row note", "UPDATE journal_rows SET digest = 'ff' WHERE seq = 6", nil, 6, "line 6 noted"},
		{"a row note taken away", "DELETE FROM journal_rows WHERE seq = 6", nil, 6, "line 6 noted"},
		{"a protected row", "UPDATE cases SET open = $1 WHERE id = 'c3'", []any{false}, 4, "Row c3 of cases was altered outside"},
		{"a protected row deleted", "DELETE FROM cases WHERE id = 'c3'", nil, 4, "Row c3 of cases was deleted outside"},
		{"a protected row added", "INSERT INTO cases (id, title, open, at) VALUES ('new', 't', $1, 1)", []any{true}, 0, "Row new of cases was added outside"},
		{"the head row", "UPDATE journal_head SET seq = 4", nil, 8, "lines were cut off or added"},
		{"the head row deleted", "DELETE FROM journal_head", nil, 0, "head row is missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := open(t)
			for i := range 8 {
				b.openCase(fmt.Sprint("c", i))
			}
			b.sql(c.sql, c.args...)
			r := b.verify()
			if r.OK || r.Fault == nil || r.Fault.Seq != c.seq || !strings.Contains(r.Fault.What, c.says) {
				t.Fatalf("fault = %+v, want line %d saying %q", r.Fault, c.seq, c.says)
			}
		})
	}
}

// A school's records outlive the version of the program that wrote them.
func TestAColumnThatALaterVersionAddsLeavesEveryRowAsItWasNoted(t *testing.T) {
	b := open(t)
	for i := range 4 {
		b.openCase(fmt.Sprint("c", i))
	}
	b.sql("ALTER TABLE cases ADD COLUMN weight BIGINT NOT NULL DEFAULT 0")
	b.sql("ALTER TABLE cases ADD COLUMN note TEXT NOT NULL DEFAULT ''")
	if r := b.verify(); !r.OK {
		t.Fatalf("after the new columns: %+v", r.Fault)
	}
	b.openCase("c4")
	if r := b.verify(); !r.OK {
		t.Fatalf("after a row with them: %+v", r.Fault)
	}
	b.sql("UPDATE cases SET note = 'added' WHERE id = 'c2'")
	if r := b.verify(); r.OK || !strings.Contains(r.Fault.What, "Row c2 of cases was altered outside") {
		t.Fatalf("an edit of a new column: %+v", r.Fault)
	}
}

func TestATailCutTogetherWithItsHeadRowIsNoticedByTheHeadOutside(t *testing.T) {
	b := open(t)
	for i := range 6 {
		b.openCase(fmt.Sprint("c", i))
	}
	b.sql("DELETE FROM cases WHERE id IN ('c4', 'c5')")
	b.sql("DELETE FROM journal_rows WHERE seq > 4")
	b.sql("DELETE FROM journal_details WHERE seq > 4")
	b.sql("DELETE FROM journal_lines WHERE seq > 4")
	b.sql("UPDATE journal_head SET seq = 4, hash = (SELECT hash FROM journal_lines WHERE seq = 4)")
	r := b.verify()
	if r.OK || r.Fault.Seq != 5 || !strings.Contains(r.Fault.What, "cut off after line 4") {
		t.Fatalf("fault = %+v", r.Fault)
	}
	if err := os.Remove(b.head); err != nil {
		t.Fatal(err)
	}
	if r := b.verify(); !r.OK {
		t.Fatalf("without the head outside the shorter chain holds by itself: %+v", r.Fault)
	}
}

func TestAnErasedDetailLeavesTheChainWhole(t *testing.T) {
	b := open(t)
	for i := range 5 {
		b.openCase(fmt.Sprint("c", i))
	}
	err := b.db.Write(b.ctx, func(tx *store.Tx) error { return b.j.EraseDetail(b.ctx, tx, 2, 3) })
	if err != nil {
		t.Fatal(err)
	}
	if r := b.verify(); !r.OK || r.Erased != 2 {
		t.Fatalf("report: %+v fault %+v", r, r.Fault)
	}
	lines, err := b.j.List(b.ctx, journal.Filter{Kind: "case", ID: "c1"})
	if err != nil || len(lines) != 1 || !lines[0].Erased || lines[0].Says != "A case was opened" {
		t.Fatalf("lines = %+v, %v", lines, err)
	}
}

func TestARowMayBeDeletedByALineThatSaysSo(t *testing.T) {
	b := open(t)
	b.openCase("c0")
	err := b.db.Write(b.ctx, func(tx *store.Tx) error {
		if _, err := tx.ExecContext(b.ctx, "DELETE FROM cases WHERE id = 'c0'"); err != nil {
			return err
		}
		return b.j.Write(b.ctx, tx, journal.Entry{Verb: "case.closed", Kind: "case", ID: "c0", Rows: []journal.Row{{Table: "cases", ID: "c0"}}})
	})
	if err != nil {
		t.Fatal(err)
	}
	if r := b.verify(); !r.OK {
		t.Fatalf("fault %+v", r.Fault)
	}
}

func TestAFailedChangeLeavesNoLine(t *testing.T) {
	b := open(t)
	err := b.db.Write(b.ctx, func(tx *store.Tx) error {
		if err := b.j.Write(b.ctx, tx, journal.Entry{Verb: "case.opened", Kind: "case", ID: "x"}); err != nil {
			return err
		}
		return store.ErrStale
	})
	if err == nil {
		t.Fatal("the error was swallowed")
	}
	if r := b.verify(); !r.OK || r.Lines != 0 {
		t.Fatalf("report %+v", r)
	}
}

func TestAVerbThatNoRoomDeclaresIsRefused(t *testing.T) {
	b := open(t)
	err := b.db.Write(b.ctx, func(tx *store.Tx) error {
		return b.j.Write(b.ctx, tx, journal.Entry{Verb: "case.vanished", Kind: "case", ID: "x"})
	})
	if err == nil || !strings.Contains(err.Error(), "case.vanished") {
		t.Fatalf("err = %v", err)
	}
}

func TestManyWritersMakeOneChain(t *testing.T) {
	b := open(t)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 20 {
				b.openCase(fmt.Sprintf("w%d-%d", w, i))
			}
		})
	}
	wg.Wait()
	if r := b.verify(); !r.OK || r.Lines != 160 {
		t.Fatalf("report: %+v fault %+v", r, r.Fault)
	}
}

func TestAFollowerSeesEveryLineInOrderAndGoesOnAfterARestart(t *testing.T) {
	b := open(t)
	b.openCase("c0")
	b.openCase("c1")
	var got []string
	follow := func(until int) {
		ctx, stop := context.WithTimeout(b.ctx, 20*time.Second)
		defer stop()
		err := b.j.Follow(ctx, "test", func(_ context.Context, lines []journal.Line) error {
			for _, l := range lines {
				got = append(got, l.ID)
			}
			if len(got) >= until {
				stop()
			}
			return nil
		})
		if err != nil && ctx.Err() == nil {
			t.Fatal(err)
		}
	}
	follow(2)
	b.openCase("c2")
	follow(3)
	if s := strings.Join(got, " "); s != "c0 c1 c2" {
		t.Fatalf("got %q", s)
	}
}
