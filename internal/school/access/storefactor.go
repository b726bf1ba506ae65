package access

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"belisha/internal/kit/store"
)

const factorColumns = `f.id, f.account, f.kind, f.name, f.site, f.credential, f.secret, f.made_at, COALESCE(u.used_at, 0), COALESCE(u.counter, 0)`

func hasFactor(ctx context.Context, q store.Querier, account string) (bool, error) {
	var n int
	if err := q.QueryRowContext(ctx, "SELECT count(*) FROM account_factors WHERE account = $1", account).Scan(&n); err != nil {
		return false, fmt.Errorf("looking for a second factor: %w", err)
	}
	return n > 0, nil
}

// factorsOf reads an account's second factors, the oldest first.
func factorsOf(ctx context.Context, q store.Querier, account string) ([]Factor, error) {
	rows, err := q.QueryContext(ctx, "SELECT "+factorColumns+` FROM account_factors f LEFT JOIN account_factor_uses u ON u.factor = f.id
		WHERE f.account = $1 ORDER BY f.made_at, f.id`, account)
	if err != nil {
		return nil, fmt.Errorf("reading second factors: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Factor
	for rows.Next() {
		var f Factor
		var made, used store.Time
		if err := rows.Scan(&f.ID, &f.Account, &f.Kind, &f.Name, &f.Site, &f.credential, &f.secret, &made, &used, &f.counter); err != nil {
			return nil, fmt.Errorf("reading second factors: %w", err)
		}
		f.MadeAt, f.UsedAt = made.Time, used.Time
		out = append(out, f)
	}
	return out, rows.Err()
}

// accountsWithFactor is every account that has a second factor.
func accountsWithFactor(ctx context.Context, q store.Querier) (map[string]bool, error) {
	rows, err := q.QueryContext(ctx, "SELECT DISTINCT account FROM account_factors")
	if err != nil {
		return nil, fmt.Errorf("reading second factors: %w", err)
	}
	defer func() { _ = rows.Close() }()
	out := map[string]bool{}
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("reading second factors: %w", err)
		}
		out[id] = true
	}
	return out, rows.Err()
}

func insertFactor(ctx context.Context, tx *store.Tx, f Factor) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO account_factors (id, account, kind, name, site, credential, secret, made_at) VALUES ($1,$2,$3,$4,$5,$6,$7,$8)`,
		f.ID, f.Account, f.Kind, f.Name, f.Site, f.credential, f.secret, store.Millis(f.MadeAt))
	if err == nil {
		_, err = tx.ExecContext(ctx, "INSERT INTO account_factor_uses (factor, used_at, counter) VALUES ($1,$2,$3)", f.ID, store.Millis(f.MadeAt), f.counter)
	}
	if err != nil {
		return fmt.Errorf("keeping a second factor: %w", err)
	}
	return nil
}

// useFactor moves a factor's counter on, and reports whether it did: a code
// that was used once is not taken again.
func useFactor(ctx context.Context, tx *store.Tx, id string, now time.Time, counter int64, mayStay bool) (bool, error) {
	past := "counter < $2"
	if mayStay { // passkeys that do not count stay at zero
		past = "counter <= $2"
	}
	res, err := tx.ExecContext(ctx, "UPDATE account_factor_uses SET used_at = $1, counter = $2 WHERE factor = $3 AND "+past, store.Millis(now), counter, id)
	if err != nil {
		return false, fmt.Errorf("keeping the use of a second factor: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("keeping the use of a second factor: %w", err)
	}
	return n == 1, nil
}

func dropFactor(ctx context.Context, tx *store.Tx, id string) error {
	for _, q := range []string{"DELETE FROM account_factor_uses WHERE factor = $1", "DELETE FROM account_factors WHERE id = $1"} {
		if _, err := tx.ExecContext(ctx, q, id); err != nil {
			return fmt.Errorf("taking a second factor away: %w", err)
		}
	}
	return nil
}

// credentialTaken reports whether a passkey is somebody's already.
func credentialTaken(ctx context.Context, q store.Querier, credential string) (bool, error) {
	var n int
	if err := q.QueryRowContext(ctx, "SELECT count(*) FROM account_factors WHERE credential = $1", credential).Scan(&n); err != nil {
		return false, fmt.Errorf("looking for a passkey: %w", err)
	}
	return n > 0, nil
}

// A recovery code as it is kept.
type recoveryCode struct {
	id, hash string
	used     time.Time
}

func recoveryCodes(ctx context.Context, q store.Querier, account string) ([]recoveryCode, error) {
	rows, err := q.QueryContext(ctx, "SELECT id, hash, used_at FROM recovery_codes WHERE account = $1 ORDER BY id", account)
	if err != nil {
		return nil, fmt.Errorf("reading recovery codes: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []recoveryCode
	for rows.Next() {
		var c recoveryCode
		var used store.Time
		if err := rows.Scan(&c.id, &c.hash, &used); err != nil {
			return nil, fmt.Errorf("reading recovery codes: %w", err)
		}
		c.used = used.Time
		out = append(out, c)
	}
	return out, rows.Err()
}

func insertCode(ctx context.Context, tx *store.Tx, id, account, hash string, now time.Time) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO recovery_codes (id, account, hash, made_at, used_at) VALUES ($1,$2,$3,$4,0)", id, account, hash, store.Millis(now))
	if err != nil {
		return fmt.Errorf("keeping a recovery code: %w", err)
	}
	return nil
}

// spendCode uses a recovery code up, and returns its id, "" where it is none
// of the account's or was used.
func spendCode(ctx context.Context, tx *store.Tx, account, hash string, now time.Time) (string, error) {
	var id string
	err := tx.QueryRowContext(ctx, "UPDATE recovery_codes SET used_at = $1 WHERE account = $2 AND hash = $3 AND used_at = 0 RETURNING id", store.Millis(now), account, hash).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("using a recovery code: %w", err)
	}
	return id, nil
}

func dropCodes(ctx context.Context, tx *store.Tx, account string) error {
	if _, err := tx.ExecContext(ctx, "DELETE FROM recovery_codes WHERE account = $1", account); err != nil {
		return fmt.Errorf("ending recovery codes: %w", err)
	}
	return nil
}

// restsUntil is until when tries under a key rest.
func restsUntil(ctx context.Context, q store.Querier, key string) (time.Time, error) {
	var until store.Time
	err := q.QueryRowContext(ctx, "SELECT locked_until FROM account_tries WHERE account = $1", key).Scan(&until)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("reading wrong tries: %w", err)
	}
	return until.Time, nil
}

// proveSession keeps that a session's owner proved who they are, and reports
// whether the session was still there to be proved in.
func proveSession(ctx context.Context, tx *store.Tx, id string, now time.Time) (bool, error) {
	res, err := tx.ExecContext(ctx, "UPDATE sessions SET factor_at = $1, proved_at = $1 WHERE id = $2 AND ended_at = 0 AND locked_at = 0", store.Millis(now), id)
	if err != nil {
		return false, fmt.Errorf("keeping a session: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("keeping a session: %w", err)
	}
	return n == 1, nil
}

// provedByPassword keeps that the owner of a session without a second factor
// typed the password again.
func provedByPassword(ctx context.Context, tx *store.Tx, id string, now time.Time) error {
	if _, err := tx.ExecContext(ctx, "UPDATE sessions SET proved_at = $1 WHERE id = $2 AND ended_at = 0 AND locked_at = 0", store.Millis(now), id); err != nil {
		return fmt.Errorf("keeping a session: %w", err)
	}
	return nil
}

// FactorReset is that somebody's second factor was taken away by another.
type FactorReset struct {
	At     time.Time
	By     string // actor
	Reason string
}

func insertReset(ctx context.Context, tx *store.Tx, id, account string, f FactorReset) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO factor_resets (id, account, at, by_actor, reason) VALUES ($1,$2,$3,$4,$5)", id, account, store.Millis(f.At), f.By, f.Reason)
	if err != nil {
		return fmt.Errorf("keeping who took a second factor away: %w", err)
	}
	return nil
}

func resetsOf(ctx context.Context, q store.Querier, account string, since time.Time) ([]FactorReset, error) {
	rows, err := q.QueryContext(ctx, "SELECT at, by_actor, reason FROM factor_resets WHERE account = $1 AND at >= $2 ORDER BY at DESC LIMIT 20", account, store.Millis(since))
	if err != nil {
		return nil, fmt.Errorf("reading who took a second factor away: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []FactorReset
	for rows.Next() {
		var f FactorReset
		var at store.Time
		if err := rows.Scan(&at, &f.By, &f.Reason); err != nil {
			return nil, fmt.Errorf("reading who took a second factor away: %w", err)
		}
		f.At = at.Time
		out = append(out, f)
	}
	return out, rows.Err()
}
