package tickets

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

const columns = `id, number, kind, site, said, who, audience, place, asked_at, due_at, owner, state,
	taken_by, taken_at, answered_at, outcome, closed_at, reopened, version`

func scan(into func(...any) error) (Ticket, error) {
	var t Ticket
	var asked, due, taken, answered, closed store.Time
	err := into(&t.ID, &t.Number, &t.Kind, &t.Site, &t.Said, &t.Who, &t.Audience, &t.Place, &asked, &due, &t.Owner, &t.State,
		&t.TakenBy, &taken, &answered, &t.Outcome, &closed, &t.Reopened, &t.Version)
	t.AskedAt, t.DueAt, t.TakenAt, t.AnsweredAt, t.ClosedAt = asked.Time, due.Time, taken.Time, answered.Time, closed.Time
	return t, err
}

func list(ctx context.Context, q store.Querier, rest string, args ...any) (out []Ticket, err error) {
	rows, err := q.QueryContext(ctx, "SELECT "+columns+" FROM tickets "+rest, args...)
	if err != nil {
		return nil, fmt.Errorf("reading reports: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		t, err := scan(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("reading reports: %w", err)
		}
		out = append(out, t)
	}
	return out, rows.Err()
}

func (r *Room) get(ctx context.Context, q store.Querier, id string) (Ticket, error) {
	t, err := scan(q.QueryRowContext(ctx, "SELECT "+columns+" FROM tickets WHERE id = $1", id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return t, store.ErrNotFound
	}
	return t, err
}

func count(ctx context.Context, q store.Querier, query string, args ...any) (int, error) {
	var n int
	if err := q.QueryRowContext(ctx, query, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("counting reports: %w", err)
	}
	return n, nil
}

// waitingCount is how many reports are not decided, and how many of those came
// from nobody who was signed in.
func waitingCount(ctx context.Context, q store.Querier) (all, anon int, err error) {
	if all, err = count(ctx, q, "SELECT COUNT(*) FROM tickets WHERE state <> $1", Closed); err != nil {
		return 0, 0, err
	}
	anon, err = count(ctx, q, "SELECT COUNT(*) FROM tickets WHERE state <> $1 AND who = ''", Closed)
	return all, anon, err
}

func nextNumber(ctx context.Context, tx *store.Tx) (int64, error) {
	var n int64
	if err := tx.QueryRowContext(ctx, "SELECT COALESCE(MAX(number), 0) + 1 FROM tickets").Scan(&n); err != nil {
		return 0, fmt.Errorf("numbering a report: %w", err)
	}
	return n, nil
}

func insertTicket(ctx context.Context, tx *store.Tx, t Ticket) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO tickets ("+columns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
		t.ID, t.Number, t.Kind, t.Site, t.Said, string(t.Who), string(t.Audience), t.Place, store.At(t.AskedAt), store.At(t.DueAt), string(t.Owner), t.State,
		string(t.TakenBy), store.At(t.TakenAt), store.At(t.AnsweredAt), t.Outcome, store.At(t.ClosedAt), t.Reopened, t.Version)
	if err != nil {
		return fmt.Errorf("keeping a report: %w", err)
	}
	return nil
}

// updateTicket writes what may change of a report, unless somebody else has.
func updateTicket(ctx context.Context, tx *store.Tx, t Ticket) error {
	res, err := tx.ExecContext(ctx, `UPDATE tickets SET due_at = $1, owner = $2, state = $3, taken_by = $4, taken_at = $5, answered_at = $6,
		outcome = $7, closed_at = $8, reopened = $9, version = version + 1 WHERE id = $10 AND version = $11`,
		store.At(t.DueAt), string(t.Owner), t.State, string(t.TakenBy), store.At(t.TakenAt), store.At(t.AnsweredAt),
		t.Outcome, store.At(t.ClosedAt), t.Reopened, t.ID, t.Version)
	if err != nil {
		return fmt.Errorf("keeping a report: %w", err)
	}
	n, err := res.RowsAffected()
	if err == nil && n != 1 {
		return store.ErrStale
	}
	return err
}

func insertEvent(ctx context.Context, tx *store.Tx, e Event) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO ticket_events (id, ticket_id, at, by_id, what, said) VALUES ($1, $2, $3, $4, $5, $6)",
		e.ID, e.Ticket, store.At(e.At), e.By, e.What, e.Said)
	if err != nil {
		return fmt.Errorf("keeping what happened to a report: %w", err)
	}
	return nil
}

// events is what happened to a report, oldest first.
func events(ctx context.Context, q store.Querier, id string) (out []Event, err error) {
	rows, err := q.QueryContext(ctx, "SELECT id, ticket_id, at, by_id, what, said FROM ticket_events WHERE ticket_id = $1 ORDER BY at, id LIMIT 500", id)
	if err != nil {
		return nil, fmt.Errorf("reading what happened to a report: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var e Event
		var at store.Time
		if err := rows.Scan(&e.ID, &e.Ticket, &at, &e.By, &e.What, &e.Said); err != nil {
			return nil, fmt.Errorf("reading what happened to a report: %w", err)
		}
		e.At = at.Time
		out = append(out, e)
	}
	return out, rows.Err()
}

func deleteTicket(ctx context.Context, tx *store.Tx, id string) ([]journal.Row, error) {
	rows := []journal.Row{{Table: "tickets", ID: id}}
	had, err := events(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	for _, e := range had {
		rows = append(rows, journal.Row{Table: "ticket_events", ID: e.ID})
	}
	for _, q := range []string{"DELETE FROM ticket_events WHERE ticket_id = $1", "DELETE FROM tickets WHERE id = $1"} {
		if _, err := tx.ExecContext(ctx, q, id); err != nil {
			return nil, fmt.Errorf("removing a report: %w", err)
		}
	}
	return rows, nil
}

func closedBefore(ctx context.Context, q store.Querier, t time.Time) ([]Ticket, error) {
	return list(ctx, q, "WHERE state = $1 AND closed_at < $2 ORDER BY closed_at LIMIT 2000", Closed, store.At(t))
}

// overdue are the reports whose answer is late, the latest first.
func overdue(ctx context.Context, q store.Querier, now time.Time, limit int) ([]Ticket, error) {
	return list(ctx, q, "WHERE answered_at = 0 AND due_at < $1 AND state <> $2 ORDER BY due_at, id LIMIT $3", store.At(now), Closed, limit)
}

// notDue are the reports that wait for an answer and are not late.
func notDue(ctx context.Context, q store.Querier, now time.Time, limit int) ([]Ticket, error) {
	return list(ctx, q, "WHERE answered_at = 0 AND due_at >= $1 AND state <> $2 ORDER BY due_at, id LIMIT $3", store.At(now), Closed, limit)
}

// Filter narrows the list of reports.
type Filter struct {
	State  State
	Late   bool // not answered, and overdue
	Kind   Kind
	Words  string // part of the site
	By     people.ID
	Limit  int
	Offset int
}

// List is one stretch of the reports, the newest first, and how many there are.
func (r *Room) List(ctx context.Context, f Filter) ([]Ticket, int, error) {
	where, args := f.where(r.now())
	n, err := count(ctx, r.DB, "SELECT COUNT(*) FROM tickets "+where, args...)
	if err != nil {
		return nil, 0, err
	}
	args = append(args, f.Limit, f.Offset)
	out, err := list(ctx, r.DB, fmt.Sprintf("%s ORDER BY number DESC LIMIT $%d OFFSET $%d", where, len(args)-1, len(args)), args...)
	return out, n, err
}

func (f Filter) where(now time.Time) (string, []any) {
	var conds []string
	var args []any
	add := func(cond string, arg any) {
		args = append(args, arg)
		conds = append(conds, fmt.Sprintf(cond, len(args)))
	}
	if f.State != "" {
		add("state = $%d", f.State)
	}
	if f.Late {
		add("state <> $%d AND answered_at = 0", Closed)
		add("due_at < $%d", store.At(now))
	}
	if f.Kind != "" {
		add("kind = $%d", f.Kind)
	}
	if f.Words != "" {
		add(`LOWER(site) LIKE $%d ESCAPE '\'`, "%"+store.LikeEscape(strings.ToLower(f.Words))+"%")
	}
	if f.By != "" {
		add("who = $%d", string(f.By))
	}
	if len(conds) == 0 {
		return "", nil
	}
	return "WHERE " + strings.Join(conds, " AND "), args
}

// tally is what the control counts.
type tally struct {
	all, late, lateOpen int
}

// tallySince counts the reports that came since, and how many of them were, or
// are, answered late. What still waits counts whenever it came.
func tallySince(ctx context.Context, q store.Querier, since, now time.Time) (t tally, err error) {
	if t.all, err = count(ctx, q, "SELECT COUNT(*) FROM tickets WHERE asked_at >= $1", store.At(since)); err != nil {
		return t, err
	}
	if t.late, err = count(ctx, q, "SELECT COUNT(*) FROM tickets WHERE asked_at >= $1 AND answered_at > due_at", store.At(since)); err != nil {
		return t, err
	}
	t.lateOpen, err = count(ctx, q, "SELECT COUNT(*) FROM tickets WHERE state <> $1 AND answered_at = 0 AND due_at < $2", Closed, store.At(now))
	return t, err
}

// eachSince calls fn for the time and kind of every report from one moment to
// another.
func eachSince(ctx context.Context, q store.Querier, from, to time.Time, fn func(at time.Time, k Kind)) (err error) {
	rows, err := q.QueryContext(ctx, "SELECT asked_at, kind FROM tickets WHERE asked_at >= $1 AND asked_at < $2 ORDER BY asked_at", store.At(from), store.At(to))
	if err != nil {
		return fmt.Errorf("counting reports: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var at store.Time
		var k Kind
		if err := rows.Scan(&at, &k); err != nil {
			return fmt.Errorf("counting reports: %w", err)
		}
		fn(at.Time, k)
	}
	return rows.Err()
}
