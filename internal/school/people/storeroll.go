package people

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
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
	known, err := r.pupils(ctx, tx)
	if err != nil {
		return err
	}
	for _, t := range pl.touched {
		if len(t.row.children) == 0 {
			continue
		}
		if err := r.carryFamily(ctx, tx, rl, known, t.personOf(), t.row); err != nil {
			return err
		}
	}
	return r.carryTies(ctx, tx, rl, known)
}

// carryTies ties parents whom an export of changes names only beside their
// child.
func (r *Room) carryTies(ctx context.Context, tx *store.Tx, rl *roll, known pupilIDs) error {
	ids := make([]string, 0, len(rl.ties))
	for id := range rl.ties {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	for _, id := range ids {
		var parent ID
		err := tx.QueryRowContext(ctx, "SELECT id FROM people WHERE sourced = $1 AND kind <> 'pupil' ORDER BY until_day LIMIT 1", id).Scan(&parent)
		if errors.Is(err, sql.ErrNoRows) {
			rl.warn("users.csv", 0, "agentSourcedIds", "there is no user “%s”, who is named as somebody's parent or carer", cut(id, 40))
			continue
		}
		if err != nil {
			return fmt.Errorf("looking for a parent: %w", err)
		}
		if err := r.carryFamily(ctx, tx, rl, known, parent, &rollRow{file: "users.csv", children: rl.ties[id]}); err != nil {
			return err
		}
	}
	return nil
}

func (r *Room) carryFamily(ctx context.Context, tx *store.Tx, rl *roll, known pupilIDs, parent ID, row *rollRow) error {
	var keep []Link
	for _, c := range row.children {
		child := known.find(c.ref)
		if child == "" {
			rl.noChild(row, c)
			continue
		}
		keep = append(keep, Link{Parent: parent, Child: child, Relation: c.relation, Responsible: c.responsible, Order: c.order})
	}
	return r.replaceChildren(ctx, tx, parent, keep, rl)
}

// pupilIDs is the pupils by every id that rolls use.
type pupilIDs struct{ upn, sourced, mis map[string]ID }

func (p pupilIDs) find(ref string) ID {
	if id, ok := p.upn[upper(ref)]; ok {
		return id
	}
	if id, ok := p.sourced[ref]; ok {
		return id
	}
	return p.mis[upper(ref)]
}

// pupils reads the ids of all pupils; where two have one, those who are here
// come first.
func (r *Room) pupils(ctx context.Context, q store.Querier) (pupilIDs, error) {
	out := pupilIDs{map[string]ID{}, map[string]ID{}, map[string]ID{}}
	rows, err := q.QueryContext(ctx, "SELECT id, upn, sourced, mis FROM people WHERE kind = 'pupil' ORDER BY until_day, id")
	if err != nil {
		return out, fmt.Errorf("reading the pupils: %w", err)
	}
	defer func() { _ = rows.Close() }()
	put := func(m map[string]ID, key string, id ID) {
		if _, have := m[key]; key != "" && !have {
			m[key] = id
		}
	}
	for rows.Next() {
		var id ID
		var upn, sourced, mis string
		if err := rows.Scan(&id, &upn, &sourced, &mis); err != nil {
			return out, fmt.Errorf("reading the pupils: %w", err)
		}
		put(out.upn, upper(upn), id)
		put(out.sourced, sourced, id)
		put(out.mis, upper(mis), id)
	}
	return out, rows.Err()
}

// replaceChildren makes the links of a parent those of the roll. A roll that
// does not know who holds parental responsibility leaves what was entered
// here by hand, and one that is only a part ends no link.
func (r *Room) replaceChildren(ctx context.Context, tx *store.Tx, parent ID, links []Link, rl *roll) error {
	old, err := r.links(ctx, tx, "parent", parent)
	if err != nil {
		return err
	}
	was := map[ID]Link{}
	for _, l := range old {
		was[l.Child] = l
	}
	if !rl.partial {
		if _, err := tx.ExecContext(ctx, "DELETE FROM families WHERE parent = $1", string(parent)); err != nil {
			return fmt.Errorf("tying a family: %w", err)
		}
	}
	for _, l := range links {
		if o, ok := was[l.Child]; ok && (rl.keepsRights || rl.fills) {
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
	if !rl.has["classes"] && rl.changes == nil {
		return nil
	}
	if err := r.carryClassNames(ctx, tx, rl.changes); err != nil {
		return err
	}
	for _, t := range pl.touched {
		id := string(t.personOf())
		if rl.changes == nil {
			if _, err := tx.ExecContext(ctx, "DELETE FROM class_members WHERE person = $1", id); err != nil {
				return fmt.Errorf("keeping classes: %w", err)
			}
		}
		if err := r.carryMember(ctx, tx, id, t.row.classes); err != nil {
			return err
		}
	}
	return nil
}

// carryMember writes what a roll says of one person's classes: first what is
// over, since somebody may leave a class by one line and join it by another.
func (r *Room) carryMember(ctx context.Context, tx *store.Tx, id string, classes []membership) error {
	for _, m := range classes {
		if !m.over {
			continue
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM class_members WHERE class = $1 AND person = $2", m.class, id); err != nil {
			return fmt.Errorf("keeping classes: %w", err)
		}
	}
	for _, m := range classes {
		if m.over {
			continue
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO class_members (class, person, teaches) VALUES ($1, $2, $3)
			ON CONFLICT (class, person) DO NOTHING`, m.class, id, m.teaches)
		if err != nil {
			return fmt.Errorf("keeping classes: %w", err)
		}
	}
	return nil
}

// carryClassNames gives classes the names that a roll of changes has for them,
// and ends those that it ends.
func (r *Room) carryClassNames(ctx context.Context, tx *store.Tx, ch *classChanges) error {
	if ch == nil {
		return nil
	}
	for _, name := range ch.closed {
		if _, err := tx.ExecContext(ctx, "DELETE FROM class_members WHERE class = $1", name); err != nil {
			return fmt.Errorf("ending a class: %w", err)
		}
	}
	old := make([]string, 0, len(ch.renamed))
	for name := range ch.renamed {
		old = append(old, name)
	}
	sort.Strings(old)
	for _, name := range old {
		_, err := tx.ExecContext(ctx, "DELETE FROM class_members WHERE class = $1 AND person IN (SELECT person FROM class_members WHERE class = $2)", name, ch.renamed[name])
		if err == nil {
			_, err = tx.ExecContext(ctx, "UPDATE class_members SET class = $2 WHERE class = $1", name, ch.renamed[name])
		}
		if err != nil {
			return fmt.Errorf("naming a class anew: %w", err)
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
