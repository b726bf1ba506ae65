package concerns

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"belisha/internal/kit/store"
)

// args numbers the arguments of a query.
type args struct{ list []any }

func (a *args) add(v any) string {
	a.list = append(a.list, v)
	return fmt.Sprintf("$%d", len(a.list))
}

// goesSQL is the condition that a case c goes to the reader.
func (rd *reader) goesSQL(a *args) string {
	var ways []string
	for _, x := range Routes {
		tiers := rd.sees[x.Route]
		if len(tiers) == 0 {
			continue
		}
		var in []string
		for _, t := range tiers {
			in = append(in, a.add(t))
		}
		ways = append(ways, "c.route = "+a.add(string(x.Route))+" AND c.tier IN ("+strings.Join(in, ", ")+")")
	}
	if len(ways) == 0 {
		return "1 = 0"
	}
	cond := "(c.sight = " + a.add(SightUsual) + " AND ((" + strings.Join(ways, ") OR (") + ")))"
	if rd.head || rd.lead {
		cond += " OR c.sight = " + a.add(SightLeadAndHead)
	}
	if rd.head {
		cond += " OR c.sight = " + a.add(SightHead)
	}
	return "(" + cond + ")"
}

// freeSQL is the condition that neither the reader nor their family is in a
// case c.
func (rd *reader) freeSQL(a *args) string {
	if len(rd.marks) == 0 {
		return "1 = 0"
	}
	var in []string
	for _, m := range rd.marks {
		in = append(in, a.add(m))
	}
	return "c.id NOT IN (SELECT p.concern FROM concern_people p WHERE NOT p.gone AND p.role <> " + a.add(roleWitness) +
		" AND p.mark IN (" + strings.Join(in, ", ") + "))"
}

// leaveSQL is the condition that the reader was named for a case c.
func (rd *reader) leaveSQL(a *args, now time.Time) string {
	return "c.id IN (SELECT s.concern FROM concern_sights s WHERE s.person = " + a.add(rd.a.Person) +
		" AND s.kind <> " + a.add(sightLook) + " AND NOT s.ended AND s.until_at > " + a.add(store.Millis(now)) + ")"
}

// seesSQL is the condition that the reader may open a case c.
func (rd *reader) seesSQL(a *args, now time.Time) string {
	if !person(rd.a) {
		return "1 = 0"
	}
	return "(" + rd.goesSQL(a) + " OR " + rd.leaveSQL(a, now) + ") AND " + rd.freeSQL(a)
}

func (rd *reader) isBarred(ctx context.Context, q store.Querier, id string) (bool, error) {
	var a args
	free, err := holds(ctx, q, &a, id, rd.freeSQL(&a))
	return !free, err
}

func (rd *reader) goesTo(ctx context.Context, q store.Querier, id string) (bool, error) {
	var a args
	return holds(ctx, q, &a, id, rd.goesSQL(&a))
}

func (rd *reader) hasLeave(ctx context.Context, q store.Querier, id string, now time.Time) (bool, error) {
	var a args
	return holds(ctx, q, &a, id, rd.leaveSQL(&a, now))
}

// holds reports whether a condition holds of a case.
func holds(ctx context.Context, q store.Querier, a *args, id, cond string) (bool, error) {
	var one int
	err := q.QueryRowContext(ctx, "SELECT 1 FROM concerns c WHERE "+cond+" AND c.id = "+a.add(id), a.list...).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("asking who may see a concern: %w", err)
	}
	return true, nil
}

// The kinds of leave.
const (
	sightNamed = "named"
	sightBreak = "break"
	sightLook  = "look"
)

func (r *Room) insertSight(ctx context.Context, tx *store.Tx, concern string, s Sighting) error {
	sealed, err := r.seal(ctx, "concern_sights", s.ID, sightWords{s.Reason, s.By})
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO concern_sights (id, concern, person, kind, from_at, until_at, ended, sealed)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, s.ID, concern, string(s.Person), s.Kind, store.At(s.From), store.At(s.Until), s.Ended, sealed)
	if err != nil {
		return fmt.Errorf("keeping who may see a concern: %w", err)
	}
	return nil
}

type sightWords struct {
	Reason string `json:"reason,omitempty"`
	By     string `json:"by,omitempty"`
}

func endSight(ctx context.Context, tx *store.Tx, concern, id string) error {
	done, err := tx.ExecContext(ctx, "UPDATE concern_sights SET ended = TRUE WHERE id = $1 AND concern = $2 AND NOT ended", id, concern)
	return changedOne(done, err)
}

// sightsOf are the leaves of a case.
func (r *Room) sightsOf(ctx context.Context, q store.Querier, concern string) ([]Sighting, error) {
	rows, err := q.QueryContext(ctx, `SELECT id, person, kind, from_at, until_at, ended, sealed FROM concern_sights
		WHERE concern = $1 ORDER BY from_at, id`, concern)
	if err != nil {
		return nil, fmt.Errorf("reading who may see a concern: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Sighting
	for rows.Next() {
		var s Sighting
		var from, until store.Time
		var sealed string
		if err := rows.Scan(&s.ID, &s.Person, &s.Kind, &from, &until, &s.Ended, &sealed); err != nil {
			return nil, fmt.Errorf("reading who may see a concern: %w", err)
		}
		var w sightWords
		if err := r.unseal(ctx, "concern_sights", s.ID, sealed, &w); err != nil {
			return nil, err
		}
		s.From, s.Until, s.Reason, s.By = from.Time, until.Time, w.Reason, w.By
		out = append(out, s)
	}
	return out, rows.Err()
}

// lookedFor reports whether somebody gave a purpose for a closed case that
// still counts.
func lookedFor(ctx context.Context, q store.Querier, concern, person string, now time.Time) (bool, error) {
	var one int
	err := q.QueryRowContext(ctx, `SELECT 1 FROM concern_sights WHERE concern = $1 AND person = $2 AND kind IN ($3, $4) AND until_at > $5 AND from_at <= $5 LIMIT 1`,
		concern, person, sightLook, sightBreak, store.Millis(now)).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading the purposes of a concern: %w", err)
	}
	return true, nil
}
