package register

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
)

// entryColumns are the columns of every register, before its own.
var entryColumns = []string{
	"id", "version", "state", "made_by", "made_name", "made_at", "changed_name", "changed_at",
	"closed_at", "reviewed_by", "reviewed_name", "reviewed_at", "void_reason",
}

func (e *Entry) scan() []any {
	return []any{
		&e.ID, &e.Version,
		namedText[State]{&e.State},
		&e.MadeBy, &e.MadeName,
		instant{&e.MadeAt},
		&e.ChangedName,
		instant{&e.ChangedAt},
		instant{&e.ClosedAt},
		&e.ReviewedBy, &e.ReviewedName,
		instant{&e.ReviewedAt},
		&e.VoidReason,
	}
}

func (e *Entry) values() []any {
	return []any{
		e.ID, e.Version, string(e.State), e.MadeBy, e.MadeName, store.At(e.MadeAt), e.ChangedName, store.At(e.ChangedAt),
		store.At(e.ClosedAt), e.ReviewedBy, e.ReviewedName, store.At(e.ReviewedAt), e.VoidReason,
	}
}

// Columns are the register's table, column by column.
func (g *Register[T, P]) Columns() []string {
	out := append([]string(nil), entryColumns...)
	for _, f := range g.Fields {
		out = append(out, f.Name)
	}
	return out
}

func (g *Register[T, P]) values(r *T) []any {
	out := P(r).entry().values()
	for _, f := range g.Fields {
		out = append(out, f.value(r))
	}
	return out
}

func (g *Register[T, P]) scanInto(row interface{ Scan(...any) error }, r *T) error {
	into := P(r).entry().scan()
	for _, f := range g.Fields {
		into = append(into, f.scan(r))
	}
	return row.Scan(into...)
}

// Create keeps a new record.
func (m *Room[T, P]) Create(ctx context.Context, r *T) error {
	if err := m.allow(ctx, "write"); err != nil {
		return err
	}
	if err := m.validate(ctx, r); err != nil {
		return err
	}
	now, who := m.Clock.Now().UTC(), actor.From(ctx)
	*P(r).entry() = Entry{
		ID: store.NewID(now), Version: 1, State: Open, MadeBy: who.ID, MadeName: who.Name, MadeAt: now,
		ChangedName: who.Name, ChangedAt: now,
	}
	cols := m.Columns()
	marks := make([]string, len(cols))
	for i := range cols {
		marks[i] = fmt.Sprintf("$%d", i+1)
	}
	var empty T
	_, after := m.diff(&empty, r)
	return m.DB.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO "+m.Name+" ("+strings.Join(cols, ", ")+") VALUES ("+strings.Join(marks, ", ")+")", m.values(r)...)
		if err != nil {
			return fmt.Errorf("keeping a %s: %w", m.One, err)
		}
		return m.line(ctx, tx, "recorded", P(r).entry().ID, nil, after, "")
	})
}

func (m *Room[T, P]) line(ctx context.Context, tx *store.Tx, what, id string, before, after map[string]string, reason string) error {
	e := journal.Entry{Verb: m.verb(what), Kind: m.Name, ID: id, Reason: reason, Rows: []journal.Row{{Table: m.Name, ID: id}}}
	if len(before) > 0 {
		e.Before = before
	}
	if len(after) > 0 {
		e.After = after
	}
	return m.Journal.Write(ctx, tx, e)
}

// Get returns a record.
func (m *Room[T, P]) Get(ctx context.Context, id string) (*T, error) { return m.get(ctx, m.DB, id) }

func (m *Room[T, P]) get(ctx context.Context, q store.Querier, id string) (*T, error) {
	r := new(T)
	err := m.scanInto(q.QueryRowContext(ctx, "SELECT "+strings.Join(m.Columns(), ", ")+" FROM "+m.Name+" WHERE id = $1", id), r)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, store.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("reading a %s: %w", m.One, err)
	}
	return r, nil
}

// Save keeps a changed record. Its Version must be the one that was read:
// store.ErrStale says that somebody else changed it since. A change takes a
// sign-off back.
func (m *Room[T, P]) Save(ctx context.Context, r *T) error {
	if err := m.validate(ctx, r); err != nil {
		return err
	}
	return m.change(ctx, "write", "changed", "", P(r).entry().ID, P(r).entry().Version, func(now *T) error {
		if P(now).entry().State == Void {
			return store.Invalid{"": "This record is void and is not changed any more."}
		}
		e := *P(now).entry()
		e.ReviewedBy, e.ReviewedName, e.ReviewedAt = "", "", time.Time{}
		*now = *r
		*P(now).entry() = e
		return m.stands(now)
	})
}

// CloseRecord ends a record, if nothing stands in the way.
func (m *Room[T, P]) CloseRecord(ctx context.Context, id string, version int64) error {
	return m.change(ctx, "write", "closed", "", id, version, func(r *T) error {
		e := P(r).entry()
		if err := m.to(e, Closed); err != nil {
			return err
		}
		return m.stands(r)
	})
}

// stands says what is in the way of a record being closed.
func (m *Room[T, P]) stands(r *T) error {
	if m.Close == nil || P(r).entry().State != Closed {
		return nil
	}
	return m.Close(r, m.Clock.Now()).OrNil()
}

// Review signs a record off. Whoever made it cannot.
func (m *Room[T, P]) Review(ctx context.Context, id string, version int64) error {
	return m.change(ctx, "review", "reviewed", "", id, version, func(r *T) error {
		e, who := P(r).entry(), actor.From(ctx)
		if e.MadeBy == who.ID {
			return store.Invalid{"": "You made this record, so somebody else signs it off."}
		}
		e.ReviewedBy, e.ReviewedName, e.ReviewedAt = who.ID, who.Name, m.Clock.Now().UTC()
		return nil
	})
}

// Void marks a record as made by mistake. It stays, with the reason.
func (m *Room[T, P]) Void(ctx context.Context, id string, version int64, reason string) error {
	reason = strings.TrimSpace(reason)
	if reason == "" || len(reason) > 1000 {
		return store.Invalid{"reason": "Say in a sentence why this record is void."}
	}
	return m.change(ctx, "review", "voided", reason, id, version, func(r *T) error {
		P(r).entry().VoidReason = reason
		return m.to(P(r).entry(), Void)
	})
}

// to moves a record on. Nothing leaves void; a closed one is not closed again.
func (m *Room[T, P]) to(e *Entry, s State) error {
	if e.State == Void || e.State == s {
		return store.ErrStale
	}
	e.State, e.ClosedAt = s, m.Clock.Now().UTC()
	return nil
}

// change reads a record in a transaction, has fn change it, and keeps it with
// its journal line.
func (m *Room[T, P]) change(ctx context.Context, may, what, reason, id string, version int64, fn func(r *T) error) error {
	if err := m.allow(ctx, may); err != nil {
		return err
	}
	return m.DB.Write(ctx, func(tx *store.Tx) error {
		r, err := m.get(ctx, tx, id)
		if err != nil {
			return err
		}
		if P(r).entry().Version != version {
			return store.ErrStale
		}
		was := *r
		if err := fn(r); err != nil {
			return err
		}
		e := P(r).entry()
		e.Version, e.ChangedName, e.ChangedAt = version+1, actor.From(ctx).Name, m.Clock.Now().UTC()
		if err := m.update(ctx, tx, r, version); err != nil {
			return err
		}
		before, after := m.diff(&was, r)
		return m.line(ctx, tx, what, id, before, after, reason)
	})
}

func (m *Room[T, P]) update(ctx context.Context, tx *store.Tx, r *T, version int64) error {
	cols, sets := m.Columns(), []string{}
	for i, c := range cols {
		sets = append(sets, fmt.Sprintf("%s = $%d", c, i+1))
	}
	args := append(m.values(r), version)
	res, err := tx.ExecContext(ctx, "UPDATE "+m.Name+" SET "+strings.Join(sets, ", ")+fmt.Sprintf(" WHERE id = $1 AND version = $%d", len(args)), args...)
	if err != nil {
		return fmt.Errorf("keeping a %s: %w", m.One, err)
	}
	n, err := res.RowsAffected()
	if err == nil && n != 1 { // on PostgreSQL two may have read the same version
		return store.ErrStale
	}
	return err
}

// Query narrows a list. The zero Query is the newest records that are not
// void.
type Query struct {
	Words  string            // in any text, or a person's name
	State  State             // "" is all but void
	Only   map[string]string // choice fields by name
	Sort   string            // a listed field, "" is when it was made
	Up     bool              // oldest or smallest first
	Offset int
	Limit  int // 1 to 200; 0 is 50
}

// List returns a page of records and how many there are in all.
func (m *Room[T, P]) List(ctx context.Context, q Query) ([]*T, int, error) {
	if q.Limit <= 0 || q.Limit > 200 {
		q.Limit = 50
	}
	where, args, err := m.where(ctx, q)
	if err != nil {
		return nil, 0, err
	}
	var total int
	if err := m.DB.QueryRowContext(ctx, "SELECT count(*) FROM "+m.Name+where, args...).Scan(&total); err != nil {
		return nil, 0, fmt.Errorf("counting the register: %w", err)
	}
	var out []*T
	err = m.each(ctx, where+m.order(q)+fmt.Sprintf(" LIMIT %d OFFSET %d", q.Limit, max(0, q.Offset)), args, func(r *T) error {
		out = append(out, r)
		return nil
	})
	return out, total, err
}

func (m *Room[T, P]) each(ctx context.Context, tail string, args []any, fn func(*T) error) error {
	rows, err := m.DB.QueryContext(ctx, "SELECT "+strings.Join(m.Columns(), ", ")+" FROM "+m.Name+tail, args...)
	if err != nil {
		return fmt.Errorf("reading the register: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		r := new(T)
		if err := m.scanInto(rows, r); err != nil {
			return fmt.Errorf("reading the register: %w", err)
		}
		if err := fn(r); err != nil {
			return err
		}
	}
	return rows.Err()
}

// order sorts by a listed field of this register, never by words of a request.
func (m *Room[T, P]) order(q Query) string {
	by, dir := "made_at", "DESC"
	for _, f := range m.Fields {
		if f.Name == q.Sort && f.opt.listed && f.kind != personKind {
			by = f.Name
		}
	}
	if q.Up {
		dir = "ASC"
	}
	return " ORDER BY " + by + " " + dir + ", id " + dir
}

// where builds the condition of a query.
func (m *Room[T, P]) where(ctx context.Context, q Query) (string, []any, error) {
	var conds []string
	var args []any
	arg := func(v any) string {
		args = append(args, v)
		return fmt.Sprintf("$%d", len(args))
	}
	if q.State == "" {
		conds = append(conds, "state <> "+arg(string(Void)))
	} else {
		conds = append(conds, "state = "+arg(string(q.State)))
	}
	for _, f := range m.Fields {
		if v := q.Only[f.Name]; v != "" && f.kind == choiceKind {
			conds = append(conds, f.Name+" = "+arg(v))
		}
	}
	if q.Words != "" {
		any, err := m.matches(ctx, q.Words, arg)
		if err != nil {
			return "", nil, err
		}
		conds = append(conds, "("+strings.Join(any, " OR ")+")")
	}
	return " WHERE " + strings.Join(conds, " AND "), args, nil
}

// matches are the conditions under which a record matches words.
func (m *Room[T, P]) matches(ctx context.Context, said string, arg func(any) string) ([]string, error) {
	pattern := arg("%" + store.LikeEscape(strings.ToLower(said)) + "%")
	var any []string
	var ids []string
	for _, f := range m.Fields {
		switch f.kind {
		case textKind, longKind:
			any = append(any, "lower("+f.Name+") LIKE "+pattern+` ESCAPE '\'`)
		case personKind:
			if ids == nil {
				found, err := m.People.FindPeople(ctx, said, 50)
				if err != nil {
					return nil, err
				}
				ids = []string{"''"} // nobody: an empty list is no SQL
				for _, p := range found {
					ids = append(ids, arg(p.ID))
				}
			}
			any = append(any, "("+f.Name+" <> '' AND "+f.Name+" IN ("+strings.Join(ids, ", ")+"))")
		}
	}
	return append(any, pattern+" = ''"), nil // never an empty list
}
