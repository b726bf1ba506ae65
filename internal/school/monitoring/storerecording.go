package monitoring

import (
	"context"
	"encoding/json"
	"fmt"

	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// insertAssessment keeps a version and answers its number.
func insertAssessment(ctx context.Context, tx *store.Tx, x Assessment, body string) (int, error) {
	n := 0
	if err := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(number), 0) + 1 FROM assessments`).Scan(&n); err != nil {
		return 0, fmt.Errorf("numbering the impact assessment: %w", err)
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO assessments (id, number, saved_at, saved_by, body, consulted, review_on)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`, x.ID, n, store.At(x.Saved), x.By, body, x.Consulted, string(x.Review))
	if err != nil {
		return 0, fmt.Errorf("keeping the impact assessment: %w", err)
	}
	return n, nil
}

func (r *Room) assessment(ctx context.Context, rest string, args ...any) (Assessment, error) {
	var x Assessment
	var saved store.Time
	var body, review string
	err := r.d.DB.QueryRowContext(ctx, `SELECT id, number, saved_at, saved_by, body, consulted, review_on FROM assessments `+rest, args...).
		Scan(&x.ID, &x.Number, &saved, &x.By, &body, &x.Consulted, &review)
	if err != nil {
		return Assessment{}, fmt.Errorf("reading the impact assessment: %w", found(err))
	}
	x.Saved, x.Review = saved.Time, people.Day(review)
	if err := json.Unmarshal([]byte(body), &x.Parts); err != nil {
		return Assessment{}, fmt.Errorf("reading the impact assessment: %w", err)
	}
	return x, nil
}

// assessments are all versions, newest first, without their parts.
func (r *Room) assessments(ctx context.Context) ([]Assessment, error) {
	rows, err := r.d.DB.QueryContext(ctx, `SELECT id, number, saved_at, saved_by, consulted, review_on FROM assessments ORDER BY number DESC LIMIT 100`)
	if err != nil {
		return nil, fmt.Errorf("reading the impact assessments: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all []Assessment
	for rows.Next() {
		var x Assessment
		var saved store.Time
		if err := rows.Scan(&x.ID, &x.Number, &saved, &x.By, &x.Consulted, &x.Review); err != nil {
			return nil, fmt.Errorf("reading an impact assessment: %w", err)
		}
		x.Saved = saved.Time
		all = append(all, x)
	}
	return all, rows.Err()
}

func insertGrounds(ctx context.Context, tx *store.Tx, recording, assessment string, g Grounds) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO recording_grounds (recording, assessment, notice_text, told_on) VALUES ($1, $2, $3, $4)`,
		recording, assessment, g.Text, string(g.ToldOn))
	if err != nil {
		return fmt.Errorf("keeping what the recording rests on: %w", err)
	}
	return nil
}

// grounds are what a recording rests on; store.ErrNotFound for one that was
// confirmed before they were kept.
func (r *Room) grounds(ctx context.Context, recording string) (g Grounds, assessment string, err error) {
	var told string
	err = r.d.DB.QueryRowContext(ctx, `SELECT assessment, notice_text, told_on FROM recording_grounds WHERE recording = $1`, recording).
		Scan(&assessment, &g.Text, &told)
	if err != nil {
		return Grounds{}, "", fmt.Errorf("reading what the recording rests on: %w", found(err))
	}
	g.ToldOn = people.Day(told)
	return g, assessment, nil
}
