package access

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

func (r *Room) subjectKnown(ctx context.Context, subject string) (bool, error) {
	_, err := r.personOf(ctx, subject)
	if errors.Is(err, ErrNoSubject) {
		return false, nil
	}
	return err == nil, err
}

func (r *Room) personOf(ctx context.Context, subject string) (people.ID, error) {
	var id people.ID
	err := r.DB.QueryRowContext(ctx, "SELECT person FROM subjects WHERE subject = $1", subject).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", ErrNoSubject
	}
	if err != nil {
		return "", fmt.Errorf("reading a pseudonym: %w", err)
	}
	return id, nil
}

func putSubject(ctx context.Context, tx *store.Tx, subject string, person people.ID, year string, at time.Time) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO subjects (subject, person, period, from_at) VALUES ($1, $2, $3, $4) ON CONFLICT (subject) DO NOTHING",
		subject, string(person), year, store.Millis(at))
	if err != nil {
		return fmt.Errorf("keeping a pseudonym: %w", err)
	}
	return nil
}

// Subjects answers the pseudonyms that a person has had, the latest first.
func (r *Room) Subjects(ctx context.Context, person people.ID) ([]string, error) {
	rows, err := r.DB.QueryContext(ctx, "SELECT subject FROM subjects WHERE person = $1 ORDER BY from_at DESC", string(person))
	if err != nil {
		return nil, fmt.Errorf("reading pseudonyms: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, fmt.Errorf("reading pseudonyms: %w", err)
		}
		out = append(out, s)
	}
	return out, rows.Err()
}
