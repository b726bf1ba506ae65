package agreements

import (
	"context"
	"fmt"

	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

const signatureColumns = `id, sheet, number, hash, person, role, signer, name, job, method, day, at, clauses, discussed, class, place, batch,
	party, until_day, by_actor, voided_at, voided_by, void_reason`

func signatures(ctx context.Context, q store.Querier, rest string, args ...any) ([]Signature, error) {
	rows, err := q.QueryContext(ctx, "SELECT "+signatureColumns+" FROM agreement_signatures "+rest, args...)
	if err != nil {
		return nil, fmt.Errorf("reading signatures: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Signature
	for rows.Next() {
		var s Signature
		var at, voided store.Time
		err := rows.Scan(&s.ID, &s.Sheet, &s.Number, &s.Hash, &s.Person, &s.Role, &s.Signer, &s.Name, &s.Job, &s.Method, &s.Day, &at,
			&s.Clauses, &s.Discussed, &s.Class, &s.Place, &s.Batch, &s.Party, &s.Until, &s.By, &voided, &s.VoidedBy, &s.VoidReason)
		if err != nil {
			return nil, fmt.Errorf("reading signatures: %w", err)
		}
		s.At, s.VoidedAt = at.Time, voided.Time
		out = append(out, s)
	}
	return out, rows.Err()
}

// insertSignature keeps a signature, and tells whether there was none yet for
// this person, edition and role.
func insertSignature(ctx context.Context, tx *store.Tx, s Signature) (fresh bool, err error) {
	res, err := tx.ExecContext(ctx, "INSERT INTO agreement_signatures ("+signatureColumns+`)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,0,'','') ON CONFLICT DO NOTHING`,
		s.ID, string(s.Sheet), s.Number, s.Hash, string(s.Person), string(s.Role), string(s.Signer), s.Name, s.Job, s.Method, string(s.Day), store.At(s.At),
		s.Clauses, s.Discussed, s.Class, s.Place, s.Batch, s.Party, string(s.Until), s.By)
	if err != nil {
		return false, fmt.Errorf("keeping a signature: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("keeping a signature: %w", err)
	}
	return n > 0, nil
}

func voidSignature(ctx context.Context, tx *store.Tx, s Signature) error {
	res, err := tx.ExecContext(ctx, "UPDATE agreement_signatures SET voided_at = $1, voided_by = $2, void_reason = $3 WHERE id = $4 AND voided_at = 0",
		store.At(s.VoidedAt), s.VoidedBy, s.VoidReason, s.ID)
	if err != nil {
		return fmt.Errorf("taking a signature back: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return fmt.Errorf("taking a signature back: %w", err)
	}
	if n == 0 {
		return store.ErrStale
	}
	return nil
}

// signaturesOf are a person's signatures that count, newest first.
func signaturesOf(ctx context.Context, q store.Querier, person people.ID) ([]Signature, error) {
	return signatures(ctx, q, "WHERE person = $1 AND voided_at = 0 ORDER BY number DESC, at DESC", string(person))
}

func signatureByID(ctx context.Context, q store.Querier, id string) (Signature, error) {
	list, err := signatures(ctx, q, "WHERE id = $1", id)
	if err != nil {
		return Signature{}, err
	}
	if len(list) == 0 {
		return Signature{}, store.ErrNotFound
	}
	return list[0], nil
}

// mark is as much of a signature as counting needs.
type mark struct {
	person people.ID
	need   need
	number int64
	signer people.ID
	until  people.Day
	day    people.Day
	method string
}

// eachMark calls fn with every signature that counts and is of a person.
func eachMark(ctx context.Context, q store.Querier, fn func(mark)) error {
	rows, err := q.QueryContext(ctx, "SELECT person, sheet, role, number, signer, until_day, day, method FROM agreement_signatures WHERE voided_at = 0 AND person <> ''")
	if err != nil {
		return fmt.Errorf("counting signatures: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var m mark
		if err := rows.Scan(&m.person, &m.need.Sheet, &m.need.Role, &m.number, &m.signer, &m.until, &m.day, &m.method); err != nil {
			return fmt.Errorf("counting signatures: %w", err)
		}
		fn(m)
	}
	return rows.Err()
}

// Reading is somebody's word that they have read and understood a policy.
type Reading struct {
	ID             string
	Person         people.ID
	Title, Edition string
	Name           string
	At             store.Time
}

func insertReading(ctx context.Context, tx *store.Tx, r Reading) (fresh bool, err error) {
	res, err := tx.ExecContext(ctx, `INSERT INTO policy_readings (id, person, title, edition, name, at) VALUES ($1,$2,$3,$4,$5,$6) ON CONFLICT DO NOTHING`,
		r.ID, string(r.Person), r.Title, r.Edition, r.Name, r.At)
	if err != nil {
		return false, fmt.Errorf("keeping that the policy was read: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("keeping that the policy was read: %w", err)
	}
	return n > 0, nil
}

// readers are the people who have read an edition of a policy.
func readers(ctx context.Context, q store.Querier, title, edition string) (map[people.ID]bool, error) {
	rows, err := q.QueryContext(ctx, "SELECT person FROM policy_readings WHERE title = $1 AND edition = $2", title, edition)
	if err != nil {
		return nil, fmt.Errorf("reading who has read the policy: %w", err)
	}
	defer func() { _ = rows.Close() }()
	out := map[people.ID]bool{}
	for rows.Next() {
		var id people.ID
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("reading who has read the policy: %w", err)
		}
		out[id] = true
	}
	return out, rows.Err()
}

func hasRead(ctx context.Context, q store.Querier, person people.ID, title, edition string) (bool, error) {
	var n int
	err := q.QueryRowContext(ctx, "SELECT count(*) FROM policy_readings WHERE person = $1 AND title = $2 AND edition = $3", string(person), title, edition).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("reading who has read the policy: %w", err)
	}
	return n > 0, nil
}
