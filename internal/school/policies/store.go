package policies

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"belisha/internal/kit/store"
)

// Version is one text that was proposed.
type Version struct {
	ID, Hash, Title, Number, Text string
	// Shipped: it is one of the policies that come with Belisha, unchanged.
	Shipped    bool
	ProposedAt time.Time
	ProposedBy string
}

// Activation is one coming into force.
type Activation struct {
	ID       string
	Number   int64
	Version  string // id
	At       time.Time
	By       string
	Approved bool // all approvals were there at that moment
}

// Approval is one approver's word for one text.
type Approval struct {
	ID     string    `json:"-"`
	Role   string    `json:"role"`
	Name   string    `json:"name"`
	On     time.Time `json:"on"`
	Minute string    `json:"minute,omitempty"`
	Paper  bool      `json:"paper"` // given on paper: attested
	By     string    `json:"by"`    // who recorded it
}

const versionColumns = "v.id, v.hash, v.title, v.version, v.body, v.shipped, v.proposed_at, v.proposed_by"

func scanVersion(row interface{ Scan(...any) error }, more ...any) (Version, error) {
	var v Version
	var at store.Time
	err := row.Scan(append([]any{&v.ID, &v.Hash, &v.Title, &v.Number, &v.Text, &v.Shipped, &at, &v.ProposedBy}, more...)...)
	v.ProposedAt = at.Time
	return v, noRow(err, "reading a policy version")
}

func noRow(err error, doing string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return store.ErrNotFound
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// inForce returns the activation in force and its text.
func (r *Room) inForce(ctx context.Context, q store.Querier) (Activation, Version, error) {
	return inForceBefore(ctx, q, time.Time{})
}

// inForceBefore returns what was in force at a moment; the zero time is now.
func inForceBefore(ctx context.Context, q store.Querier, at time.Time) (Activation, Version, error) {
	limit := int64(1) << 62
	if !at.IsZero() {
		limit = store.Millis(at)
	}
	row := q.QueryRowContext(ctx, `SELECT `+versionColumns+`, a.id, a.number, a.activated_at, a.activated_by, a.approved
		FROM policy_activations a JOIN policy_versions v ON v.id = a.version
		WHERE a.activated_at <= $1 ORDER BY a.number DESC LIMIT 1`, limit)
	var a Activation
	var when store.Time
	v, err := scanVersion(row, &a.ID, &a.Number, &when, &a.By, &a.Approved)
	a.Version, a.At = v.ID, when.Time
	return a, v, err
}

func versionByHash(ctx context.Context, q store.Querier, hash string) (Version, error) {
	return scanVersion(q.QueryRowContext(ctx, "SELECT "+versionColumns+" FROM policy_versions v WHERE v.hash = $1", hash))
}

// Version returns one version.
func (r *Room) Version(ctx context.Context, id string) (Version, error) {
	return scanVersion(r.d.DB.QueryRowContext(ctx, "SELECT "+versionColumns+" FROM policy_versions v WHERE v.id = $1", id))
}

// Versions returns the newest versions first, at most 200.
func (r *Room) Versions(ctx context.Context) ([]Version, error) {
	rows, err := r.d.DB.QueryContext(ctx, "SELECT "+versionColumns+" FROM policy_versions v ORDER BY v.proposed_at DESC, v.id DESC LIMIT 200")
	if err != nil {
		return nil, fmt.Errorf("reading the policy versions: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Version
	for rows.Next() {
		v, err := scanVersion(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// Activations returns every coming into force, newest first, at most 500.
func (r *Room) Activations(ctx context.Context) ([]Activation, error) {
	rows, err := r.d.DB.QueryContext(ctx, `SELECT id, number, version, activated_at, activated_by, approved
		FROM policy_activations ORDER BY number DESC LIMIT 500`)
	if err != nil {
		return nil, fmt.Errorf("reading the policy's history: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Activation
	for rows.Next() {
		var a Activation
		var at store.Time
		if err := rows.Scan(&a.ID, &a.Number, &a.Version, &at, &a.By, &a.Approved); err != nil {
			return nil, fmt.Errorf("reading the policy's history: %w", err)
		}
		a.At = at.Time
		out = append(out, a)
	}
	return out, rows.Err()
}

// everApproved reports whether a policy with all its approvals has ever been
// in force here.
func everApproved(ctx context.Context, q store.Querier) (bool, error) {
	var n int
	err := q.QueryRowContext(ctx, "SELECT count(*) FROM policy_activations WHERE approved = $1", true).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("reading the policy's history: %w", err)
	}
	return n > 0, nil
}

// Approvals returns the approvals that a version has.
func (r *Room) Approvals(ctx context.Context, version string) ([]Approval, error) {
	return approvalsOf(ctx, r.d.DB, version)
}

func approvalsOf(ctx context.Context, q store.Querier, version string) ([]Approval, error) {
	rows, err := q.QueryContext(ctx, `SELECT id, role, name, given_on, minute, paper, kept_by
		FROM policy_approvals WHERE version = $1 ORDER BY given_on, role`, version)
	if err != nil {
		return nil, fmt.Errorf("reading the approvals: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Approval
	for rows.Next() {
		var a Approval
		var on store.Time
		if err := rows.Scan(&a.ID, &a.Role, &a.Name, &on, &a.Minute, &a.Paper, &a.By); err != nil {
			return nil, fmt.Errorf("reading the approvals: %w", err)
		}
		a.On = on.Time
		out = append(out, a)
	}
	return out, rows.Err()
}

func insertVersion(ctx context.Context, tx *store.Tx, v Version) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO policy_versions (id, hash, title, version, body, shipped, proposed_at, proposed_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		v.ID, v.Hash, v.Title, v.Number, v.Text, v.Shipped, store.Millis(v.ProposedAt), v.ProposedBy)
	if err != nil {
		return fmt.Errorf("keeping the policy text: %w", err)
	}
	return nil
}

func insertApproval(ctx context.Context, tx *store.Tx, version string, a Approval, now time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO policy_approvals (id, version, role, name, given_on, minute, paper, kept_at, kept_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		a.ID, version, a.Role, a.Name, store.Millis(a.On), a.Minute, a.Paper, store.Millis(now), a.By)
	if err != nil {
		return fmt.Errorf("keeping an approval: %w", err)
	}
	return nil
}

func insertActivation(ctx context.Context, tx *store.Tx, a Activation) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO policy_activations (id, number, version, activated_at, activated_by, approved)
		VALUES ($1, $2, $3, $4, $5, $6)`, a.ID, a.Number, a.Version, store.Millis(a.At), a.By, a.Approved)
	if err != nil {
		return fmt.Errorf("putting the policy in force: %w", err)
	}
	return nil
}

// lastNumber is the number of the activation in force, 0 for none.
func lastNumber(ctx context.Context, q store.Querier) (int64, error) {
	var n int64
	err := q.QueryRowContext(ctx, "SELECT COALESCE(MAX(number), 0) FROM policy_activations").Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("reading the policy's history: %w", err)
	}
	return n, nil
}
