package people

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"belisha/internal/kit/store"
)

// past is what is known from rolls before: how a file with these columns was
// read, who somebody was, and what the system calls its classes and schools.
type past struct {
	profile func(fingerprint string) *rollProfile
	kind    func(sourced string) Kind
	orgs    map[string]string
	classes map[string]orClass
}

const (
	rosterOrg   = "org"
	rosterClass = "class"
)

// past reads what is known from rolls before. err is told of what goes wrong
// while the file is read.
func (r *Room) past(ctx context.Context, err *error) (past, error) {
	p := past{orgs: map[string]string{}, classes: map[string]orClass{}}
	p.profile = func(fp string) *rollProfile {
		got, e := r.savedProfile(ctx, fp)
		*err = errors.Join(*err, e)
		return got
	}
	p.kind = func(sourced string) (k Kind) {
		e := r.db.QueryRowContext(ctx, "SELECT kind FROM people WHERE sourced = $1 ORDER BY until_day LIMIT 1", sourced).Scan(&k)
		if e != nil && !errors.Is(e, sql.ErrNoRows) {
			*err = errors.Join(*err, fmt.Errorf("looking who somebody was: %w", e))
		}
		return k
	}
	rows, e := r.db.QueryContext(ctx, "SELECT what, id, name, homeroom FROM roster_names WHERE format = $1", SourceOneRoster)
	if e != nil {
		return p, fmt.Errorf("reading the classes of the last roll: %w", e)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var what, id string
		var c orClass
		if e := rows.Scan(&what, &id, &c.name, &c.homeroom); e != nil {
			return p, fmt.Errorf("reading the classes of the last roll: %w", e)
		}
		if what == rosterOrg {
			p.orgs[id] = c.name
		} else {
			p.classes[id] = c
		}
	}
	return p, rows.Err()
}

// keepRoster keeps what this roll calls its classes and schools, for an export
// of changes that comes later.
func (r *Room) keepRoster(ctx context.Context, tx *store.Tx, rl *roll) error {
	if rl.format != SourceOneRoster {
		return nil
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM roster_names WHERE format = $1", rl.format); err != nil {
		return fmt.Errorf("keeping the names of classes: %w", err)
	}
	put := func(what, id, name string, homeroom bool) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO roster_names (format, what, id, name, homeroom) VALUES ($1, $2, $3, $4, $5)", rl.format, what, id, name, homeroom)
		if err != nil {
			return fmt.Errorf("keeping the names of classes: %w", err)
		}
		return nil
	}
	for id, name := range rl.orgs {
		if err := put(rosterOrg, id, name, false); err != nil {
			return err
		}
	}
	for id, c := range rl.classes {
		if err := put(rosterClass, id, c.name, c.homeroom); err != nil {
			return err
		}
	}
	return nil
}
