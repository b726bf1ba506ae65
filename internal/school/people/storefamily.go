package people

import (
	"context"
	"fmt"
	"strings"

	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
)

func upper(s string) string { return strings.ToUpper(s) }

// Relative is a parent or a child with how the two are tied.
type Relative struct {
	Person Person
	Link   Link
}

// Parents returns a child's parents and carers in the order of contact.
func (r *Room) Parents(ctx context.Context, child ID) ([]Relative, error) {
	return r.relatives(ctx, "child", child)
}

// Children returns a parent's children. Staff may be parents too.
func (r *Room) Children(ctx context.Context, parent ID) ([]Relative, error) {
	return r.relatives(ctx, "parent", parent)
}

func (r *Room) relatives(ctx context.Context, side string, id ID) ([]Relative, error) {
	links, err := r.links(ctx, r.db, side, id)
	if err != nil {
		return nil, err
	}
	out := make([]Relative, 0, len(links))
	for _, l := range links {
		other := l.Parent
		if side == "parent" {
			other = l.Child
		}
		p, err := r.get(ctx, r.db, other)
		if err != nil {
			return nil, err
		}
		out = append(out, Relative{p, l})
	}
	return out, nil
}

// links reads the links of a parent or of a child; side is "parent" or
// "child".
func (r *Room) links(ctx context.Context, q store.Querier, side string, id ID) ([]Link, error) {
	where := "WHERE parent = $1"
	if side == "child" {
		where = "WHERE child = $1"
	}
	return r.readLinks(ctx, q, where, string(id))
}

func (r *Room) readLinks(ctx context.Context, q store.Querier, where string, args ...any) ([]Link, error) {
	rows, err := q.QueryContext(ctx, "SELECT parent, child, relation, responsible, place FROM families "+where+
		" ORDER BY CASE WHEN place = 0 THEN 100 ELSE place END, parent, child", args...)
	if err != nil {
		return nil, fmt.Errorf("reading a family: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Link
	for rows.Next() {
		var l Link
		if err := rows.Scan(&l.Parent, &l.Child, &l.Relation, &l.Responsible, &l.Order); err != nil {
			return nil, fmt.Errorf("reading a family: %w", err)
		}
		out = append(out, l)
	}
	return out, rows.Err()
}

func putLink(ctx context.Context, tx *store.Tx, l Link) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO families (parent, child, relation, responsible, place) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (parent, child) DO UPDATE SET relation = excluded.relation, responsible = excluded.responsible, place = excluded.place`,
		string(l.Parent), string(l.Child), l.Relation, l.Responsible, l.Order)
	if err != nil {
		return fmt.Errorf("tying a family: %w", err)
	}
	return nil
}

// Tie makes somebody a child's parent or carer, or changes how they are.
func (r *Room) Tie(ctx context.Context, l Link) error {
	return r.db.Write(ctx, func(tx *store.Tx) error { return r.TieTx(ctx, tx, l) })
}

// TieTx is Tie within a change that is already under way.
func (r *Room) TieTx(ctx context.Context, tx *store.Tx, l Link) error {
	l.Relation = cut(clean(l.Relation), 60)
	parent, err := r.get(ctx, tx, l.Parent)
	if err != nil {
		return err
	}
	child, err := r.get(ctx, tx, l.Child)
	if err != nil {
		return err
	}
	if child.Kind != Pupil || parent.Kind == Pupil {
		return store.Invalid{"child": "a parent is an adult, and the child a pupil"}
	}
	if l.Order < 0 || l.Order > 99 {
		return store.Invalid{"order": "the order of contact is a number from 1 to 99"}
	}
	if err := putLink(ctx, tx, l); err != nil {
		return err
	}
	return r.journal.Write(ctx, tx, journal.Entry{Verb: VerbTied, Kind: "person", ID: string(l.Child), After: l})
}

// Untie ends a tie that was a mistake or was ended by a court.
func (r *Room) Untie(ctx context.Context, parent, child ID, reason string) error {
	return r.db.Write(ctx, func(tx *store.Tx) error {
		res, err := tx.ExecContext(ctx, "DELETE FROM families WHERE parent = $1 AND child = $2", string(parent), string(child))
		if err != nil {
			return fmt.Errorf("untying a family: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return store.ErrNotFound
		}
		return r.journal.Write(ctx, tx, journal.Entry{
			Verb: VerbTied, Kind: "person", ID: string(child),
			Before: map[string]any{"parent": parent}, Reason: reason,
		})
	})
}

// Members returns who is in a teaching class; teaching says the teachers or
// the pupils.
func (r *Room) Members(ctx context.Context, class string, teaching bool) ([]Person, error) {
	return r.people(ctx, r.db, " WHERE id IN (SELECT person FROM class_members WHERE class = $1 AND teaches = $2) ORDER BY sort_name, id", class, teaching)
}

// ClassesOf returns the classes that somebody is in or teaches.
func (r *Room) ClassesOf(ctx context.Context, id ID) ([]string, error) {
	rows, err := r.db.QueryContext(ctx, "SELECT class FROM class_members WHERE person = $1 ORDER BY class", string(id))
	if err != nil {
		return nil, fmt.Errorf("reading classes: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		var c string
		if err := rows.Scan(&c); err != nil {
			return nil, fmt.Errorf("reading classes: %w", err)
		}
		out = append(out, c)
	}
	return out, rows.Err()
}
