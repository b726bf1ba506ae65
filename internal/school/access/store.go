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

const accountColumns = `a.id, a.person, a.username, a.password, a.password_at, a.must_change, a.temporary_until, a.disabled, a.made_at, a.version,
	COALESCE(t.locked_until, 0), COALESCE(t.last_in, 0)`

const accountTables = " FROM accounts a LEFT JOIN account_tries t ON t.account = a.id"

type scanner interface{ Scan(dest ...any) error }

func scanAccount(s scanner) (Account, error) {
	var a Account
	var passwordAt, until, made, locked, last store.Time
	err := s.Scan(&a.ID, &a.Person, &a.Username, &a.password, &passwordAt, &a.MustChange, &until, &a.Disabled, &made, &a.Version, &locked, &last)
	a.PasswordAt, a.TemporaryUntil, a.MadeAt, a.LockedUntil, a.LastIn = passwordAt.Time, until.Time, made.Time, locked.Time, last.Time
	return a, err
}

// readAccount finds an account by "id", "person" or "username".
func readAccount(ctx context.Context, q store.Querier, by, value string) (Account, error) {
	column := map[string]string{"id": "a.id", "person": "a.person", "username": "a.username"}[by]
	a, err := scanAccount(q.QueryRowContext(ctx, "SELECT "+accountColumns+accountTables+" WHERE "+column+" = $1", value)) //nolint:gosec // one of three names
	if errors.Is(err, sql.ErrNoRows) {
		return Account{}, store.ErrNotFound
	}
	if err != nil {
		return Account{}, fmt.Errorf("reading an account: %w", err)
	}
	return a, nil
}

// AccountOf returns a person's account.
func (r *Room) AccountOf(ctx context.Context, person people.ID) (Account, error) {
	return readAccount(ctx, r.DB, "person", string(person))
}

// AccountByID returns an account.
func (r *Room) AccountByID(ctx context.Context, id string) (Account, error) {
	return readAccount(ctx, r.DB, "id", id)
}

// accounts reads every account that the rest of a query picks.
func accounts(ctx context.Context, q store.Querier, rest string, args ...any) ([]Account, error) {
	rows, err := q.QueryContext(ctx, "SELECT "+accountColumns+accountTables+rest, args...)
	if err != nil {
		return nil, fmt.Errorf("reading accounts: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Account
	for rows.Next() {
		a, err := scanAccount(rows)
		if err != nil {
			return nil, fmt.Errorf("reading accounts: %w", err)
		}
		out = append(out, a)
	}
	return out, rows.Err()
}

func insertAccount(ctx context.Context, tx *store.Tx, a Account) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO accounts (id, person, username, password, password_at, must_change, temporary_until, disabled, made_at, version)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)`,
		a.ID, string(a.Person), a.Username, a.password, store.Millis(a.PasswordAt), a.MustChange, store.Millis(a.TemporaryUntil), a.Disabled,
		store.Millis(a.MadeAt), a.Version)
	if err != nil {
		return fmt.Errorf("keeping an account: %w", err)
	}
	return nil
}

func updateAccount(ctx context.Context, tx *store.Tx, a Account) error {
	res, err := tx.ExecContext(ctx, `UPDATE accounts SET username=$1, password=$2, password_at=$3, must_change=$4, temporary_until=$5, disabled=$6, version=version+1
		WHERE id=$7 AND version=$8`,
		a.Username, a.password, store.Millis(a.PasswordAt), a.MustChange, store.Millis(a.TemporaryUntil), a.Disabled, a.ID, a.Version)
	if err != nil {
		return fmt.Errorf("keeping an account: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return store.ErrStale
	}
	return nil
}

func clearTries(ctx context.Context, tx *store.Tx, account string) error {
	if _, err := tx.ExecContext(ctx, "UPDATE account_tries SET failed = 0, failed_since = 0, locked_until = 0 WHERE account = $1", account); err != nil {
		return fmt.Errorf("forgetting wrong tries: %w", err)
	}
	return nil
}

// countTry counts a wrong try within the window and returns how many there
// are now.
func countTry(ctx context.Context, tx *store.Tx, account string, now time.Time, window time.Duration) (int64, error) {
	ms, oldest := store.Millis(now), store.Millis(now.Add(-window))
	var n int64
	err := tx.QueryRowContext(ctx, `INSERT INTO account_tries (account, failed, failed_since, locked_until, last_in) VALUES ($1, 1, $2, 0, 0)
		ON CONFLICT (account) DO UPDATE SET
			failed = CASE WHEN account_tries.failed_since < $3 OR account_tries.failed_since > $2 THEN 1 ELSE account_tries.failed + 1 END,
			failed_since = CASE WHEN account_tries.failed_since < $3 OR account_tries.failed_since > $2 THEN $2 ELSE account_tries.failed_since END
		RETURNING failed`, account, ms, oldest).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("counting a wrong try: %w", err)
	}
	return n, nil
}

func lockUntil(ctx context.Context, tx *store.Tx, account string, until time.Time) error {
	_, err := tx.ExecContext(ctx, "UPDATE account_tries SET failed = 0, failed_since = 0, locked_until = $1 WHERE account = $2", store.Millis(until), account)
	if err != nil {
		return fmt.Errorf("letting an account rest: %w", err)
	}
	return nil
}

func noteIn(ctx context.Context, tx *store.Tx, account string, now time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO account_tries (account, failed, failed_since, locked_until, last_in) VALUES ($1, 0, 0, 0, $2)
		ON CONFLICT (account) DO UPDATE SET failed = 0, failed_since = 0, locked_until = 0, last_in = excluded.last_in`, account, store.Millis(now))
	if err != nil {
		return fmt.Errorf("noting a sign-in: %w", err)
	}
	return nil
}
