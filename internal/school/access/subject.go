package access

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"time"

	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// period is the school year that a moment is in, by the year it begins in:
// pseudonyms change on 1 September.
func period(at time.Time) string {
	y := at.UTC().Year()
	if at.UTC().Month() < time.September {
		y--
	}
	return fmt.Sprint(y)
}

// Subject is the pseudonym that a person has on the web at a moment: a keyed
// digest whose key stays in the vault and changes every school year. Without
// the key and this register nobody can tell who it is. It must not be called
// inside a transaction.
func (r *Room) Subject(ctx context.Context, person people.ID, at time.Time) (string, error) {
	year := period(at)
	key, err := r.Secrets.Secret(ctx, "subjects-"+year)
	if err != nil {
		return "", fmt.Errorf("making a pseudonym: %w", err)
	}
	if len(key) < 16 {
		return "", errors.New("making a pseudonym: the key is too short")
	}
	m := hmac.New(sha256.New, key)
	m.Write([]byte("belisha subject " + year + " " + string(person)))
	subject := strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(m.Sum(nil)[:15]))
	known, err := r.subjectKnown(ctx, subject)
	if err != nil || known {
		return subject, err
	}
	return subject, r.DB.Write(ctx, func(tx *store.Tx) error { return putSubject(ctx, tx, subject, person, year, at) })
}

// Name answers who is behind a pseudonym.
func (r *Room) Name(ctx context.Context, subject string) (person people.ID, display string, ok bool) {
	id, err := r.personOf(ctx, subject)
	if err != nil {
		return "", "", false
	}
	p, err := r.People.Get(ctx, id)
	if err != nil {
		return "", "", false
	}
	return id, p.Name(), true
}

// ErrNoSubject says that a pseudonym is nobody's here.
var ErrNoSubject = store.ErrNotFound
