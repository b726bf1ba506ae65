package agreements

import (
	"context"
	"fmt"

	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// talks are a school year's talks by class.
func talks(ctx context.Context, q store.Querier, year string) (map[string]*Talk, error) {
	out := map[string]*Talk{}
	byID := map[string]*Talk{}
	rows, err := q.QueryContext(ctx, "SELECT id, class, day, teacher, present, by_actor, at FROM class_talks WHERE school_year = $1", year)
	if err != nil {
		return nil, fmt.Errorf("reading which classes have talked: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		t := &Talk{Year: year}
		if err := rows.Scan(&t.ID, &t.Class, &t.Day, &t.Teacher, &t.Present, &t.By, &t.At); err != nil {
			return nil, fmt.Errorf("reading which classes have talked: %w", err)
		}
		out[t.Class], byID[t.ID] = t, t
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading which classes have talked: %w", err)
	}
	return out, absences(ctx, q, year, byID)
}

func absences(ctx context.Context, q store.Querier, year string, byID map[string]*Talk) error {
	rows, err := q.QueryContext(ctx, `SELECT a.talk, a.person, a.caught FROM class_talk_absences a
		JOIN class_talks t ON t.id = a.talk WHERE t.school_year = $1 ORDER BY a.person`, year)
	if err != nil {
		return fmt.Errorf("reading who missed the talk: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var talk string
		var a Absence
		if err := rows.Scan(&talk, &a.Person, &a.Caught); err != nil {
			return fmt.Errorf("reading who missed the talk: %w", err)
		}
		if t := byID[talk]; t != nil {
			t.Absent = append(t.Absent, a)
		}
	}
	return rows.Err()
}

func insertTalk(ctx context.Context, tx *store.Tx, t Talk) (fresh bool, err error) {
	res, err := tx.ExecContext(ctx, `INSERT INTO class_talks (id, school_year, class, day, teacher, present, by_actor, at)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$8) ON CONFLICT DO NOTHING`,
		t.ID, t.Year, t.Class, string(t.Day), t.Teacher, t.Present, t.By, t.At)
	if err != nil {
		return false, fmt.Errorf("keeping a talk: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil || n == 0 {
		return false, err
	}
	for _, a := range t.Absent {
		if _, err := tx.ExecContext(ctx, "INSERT INTO class_talk_absences (talk, person, caught) VALUES ($1,$2,'')", t.ID, string(a.Person)); err != nil {
			return false, fmt.Errorf("keeping who missed the talk: %w", err)
		}
	}
	return true, nil
}

func catchUp(ctx context.Context, tx *store.Tx, talk string, person people.ID, on people.Day) error {
	if _, err := tx.ExecContext(ctx, "UPDATE class_talk_absences SET caught = $1 WHERE talk = $2 AND person = $3 AND caught = ''", string(on), talk, string(person)); err != nil {
		return fmt.Errorf("keeping who has caught up: %w", err)
	}
	return nil
}
