package people

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"belisha/internal/kit/store"
)

// savedProfile returns the mapping that a file with these columns was last
// read with, nil for none.
func (r *Room) savedProfile(ctx context.Context, fingerprint string) (*rollProfile, error) {
	var text string
	err := r.db.QueryRowContext(ctx, "SELECT mapping FROM import_profiles WHERE fingerprint = $1", fingerprint).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading how this file was read before: %w", err)
	}
	var p rollProfile
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return nil, fmt.Errorf("reading how this file was read before: %w", err)
	}
	return &p, nil
}

func (r *Room) saveProfile(ctx context.Context, tx *store.Tx, fingerprint string, p *rollProfile) error {
	text, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("keeping how this file is read: %w", err)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO import_profiles (fingerprint, mapping, used_at) VALUES ($1, $2, $3)
		ON CONFLICT (fingerprint) DO UPDATE SET mapping = excluded.mapping, used_at = excluded.used_at`,
		fingerprint, string(text), store.Millis(r.clock.Now()))
	if err != nil {
		return fmt.Errorf("keeping how this file is read: %w", err)
	}
	return nil
}

// carryOut writes a plan. ids of joiners are made here.
func (r *Room) carryOut(ctx context.Context, tx *store.Tx, rl *roll, pl *plan) error {
	for i := range pl.add {
		if err := r.carryJoiner(ctx, tx, &pl.add[i]); err != nil {
			return fmt.Errorf("line %d: %w", pl.add[i].row.line, err)
		}
	}
	for _, c := range pl.change {
		if err := r.update(ctx, tx, c.after); err != nil {
			return fmt.Errorf("line %d: %w", c.row.line, err)
		}
	}
	for _, p := range pl.leave {
		if err := r.update(ctx, tx, p); err != nil {
			return err
		}
	}
	if err := r.carryFamilies(ctx, tx, rl, pl); err != nil {
		return err
	}
	return r.carryClasses(ctx, tx, rl, pl)
}

func (r *Room) carryJoiner(ctx context.Context, tx *store.Tx, j *planned) error {
	if j.back {
		return r.update(ctx, tx, j.after)
	}
	j.after.ID = ID(store.NewID(r.clock.Now()))
	j.after.Version = 1
	j.row.person.ID = j.after.ID
	return r.insert(ctx, tx, j.after)
}

// personOf is the id of the person that a planned row is about, after the
// joiners were made.
func (j planned) personOf() ID {
	if j.row.person.ID != "" {
		return j.row.person.ID
	}
	return j.after.ID
}

// carryFamilies ties the parents of this roll to their children.
func (r *Room) carryFamilies(ctx context.Context, tx *store.Tx, rl *roll, pl *plan) error {
	if !rl.has["children"] {
		return nil
	}
	for _, t := range pl.touched {
		if len(t.row.children) == 0 {
			continue
		}
		if err := r.carryFamily(ctx, tx, rl, t); err != nil {
			return err
		}
	}
	return nil
}

func (r *Room) carryFamily(ctx context.Context, tx *store.Tx, rl *roll, t planned) error {
	parent := t.personOf()
	var keep []Link
	for _, c := range t.row.children {
		child, err := r.pupilBy(ctx, tx, c.ref)
		if err != nil {
			return err
		}
		if child == "" {
			rl.noChild(t.row, c)
			continue
		}
		keep = append(keep, Link{Parent: parent, Child: child, Relation: c.relation, Responsible: c.responsible, Order: c.order})
	}
	return r.replaceChildren(ctx, tx, parent, keep, rl.format == SourceOneRoster)
}

// pupilBy finds a pupil by any id that rolls use.
func (r *Room) pupilBy(ctx context.Context, q store.Querier, ref string) (ID, error) {
	var id ID
	err := q.QueryRowContext(ctx, `SELECT id FROM people WHERE kind = 'pupil' AND (upn = $1 OR sourced = $2 OR (mis <> '' AND upper(mis) = $1))
		ORDER BY CASE WHEN upn = $1 THEN 0 WHEN sourced = $2 THEN 1 ELSE 2 END, until_day LIMIT 1`, upper(ref), ref).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("looking for a child: %w", err)
	}
	return id, nil
}

// replaceChildren makes the links of a parent those of the roll. A roll that
// does not know who holds parental responsibility leaves what was entered
// here by hand.
func (r *Room) replaceChildren(ctx context.Context, tx *store.Tx, parent ID, links []Link, keepRights bool) error {
	old, err := r.links(ctx, tx, "parent", parent)
	if err != nil {
		return err
	}
	was := map[ID]Link{}
	for _, l := range old {
		was[l.Child] = l
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM families WHERE parent = $1", string(parent)); err != nil {
		return fmt.Errorf("tying a family: %w", err)
	}
	for _, l := range links {
		if o, ok := was[l.Child]; ok && keepRights {
			l.Responsible, l.Relation = o.Responsible, o.Relation
		}
		if err := putLink(ctx, tx, l); err != nil {
			return err
		}
	}
	return nil
}

// carryClasses makes the classes of the roll's people those of the roll.
func (r *Room) carryClasses(ctx context.Context, tx *store.Tx, rl *roll, pl *plan) error {
	if !rl.has["classes"] {
		return nil
	}
	for _, t := range pl.touched {
		id := string(t.personOf())
		if _, err := tx.ExecContext(ctx, "DELETE FROM class_members WHERE person = $1", id); err != nil {
			return fmt.Errorf("keeping classes: %w", err)
		}
		for _, m := range t.row.classes {
			_, err := tx.ExecContext(ctx, `INSERT INTO class_members (class, person, teaches) VALUES ($1, $2, $3)
				ON CONFLICT (class, person) DO NOTHING`, m.class, id, m.teaches)
			if err != nil {
				return fmt.Errorf("keeping classes: %w", err)
			}
		}
	}
	return nil
}

// Imported is one import as it is kept.
type Imported struct {
	ID     string
	At     time.Time
	Actor  string
	File   string
	Format string
	Digest string
	Result Result
}

func (r *Room) keepImport(ctx context.Context, tx *store.Tx, i Imported) error {
	text, err := json.Marshal(i.Result)
	if err != nil {
		return fmt.Errorf("keeping the report: %w", err)
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO imports (id, at, actor, file, format, digest, result) VALUES ($1,$2,$3,$4,$5,$6,$7)",
		i.ID, store.Millis(i.At), i.Actor, i.File, i.Format, i.Digest, string(text))
	if err != nil {
		return fmt.Errorf("keeping the report: %w", err)
	}
	return nil
}

// GetImport returns the report of an import.
func (r *Room) GetImport(ctx context.Context, id string) (Imported, error) {
	out, err := r.imports(ctx, "WHERE id = $1", id)
	if err != nil {
		return Imported{}, err
	}
	if len(out) == 0 {
		return Imported{}, store.ErrNotFound
	}
	return out[0], nil
}

// Imports returns the latest imports, newest first.
func (r *Room) Imports(ctx context.Context) ([]Imported, error) {
	return r.imports(ctx, "ORDER BY at DESC, id DESC LIMIT 20")
}

func (r *Room) imports(ctx context.Context, rest string, args ...any) ([]Imported, error) {
	rows, err := r.db.QueryContext(ctx, "SELECT id, at, actor, file, format, digest, result FROM imports "+rest, args...)
	if err != nil {
		return nil, fmt.Errorf("reading imports: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Imported
	for rows.Next() {
		var i Imported
		var at store.Time
		var text string
		if err := rows.Scan(&i.ID, &at, &i.Actor, &i.File, &i.Format, &i.Digest, &text); err != nil {
			return nil, fmt.Errorf("reading imports: %w", err)
		}
		i.At = at.Time
		if err := json.Unmarshal([]byte(text), &i.Result); err != nil {
			return nil, fmt.Errorf("reading imports: %w", err)
		}
		out = append(out, i)
	}
	return out, rows.Err()
}
