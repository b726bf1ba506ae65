package review

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"belisha/internal/kit/store"
)

func insertReport(ctx context.Context, tx *store.Tx, k Kept, body string) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO reports (id, kind, made_at, from_at, digest, body) VALUES ($1, $2, $3, $4, $5, $6)",
		k.ID, k.Kind, store.At(k.MadeAt), store.At(k.From), k.Digest, body)
	if err != nil {
		return fmt.Errorf("keeping a report: %w", err)
	}
	return nil
}

const reportColumns = "id, kind, made_at, from_at, digest"

func scanReport(row interface{ Scan(...any) error }, more ...any) (Kept, error) {
	var k Kept
	var made, from store.Time
	err := row.Scan(append([]any{&k.ID, &k.Kind, &made, &from, &k.Digest}, more...)...)
	if errors.Is(err, sql.ErrNoRows) {
		return k, store.ErrNotFound
	}
	if err != nil {
		return k, fmt.Errorf("reading a report: %w", err)
	}
	k.MadeAt, k.From = made.Time, from.Time
	return k, nil
}

// report returns a kept report with its text.
func (r *Room) report(ctx context.Context, id string) (Kept, string, error) {
	var body string
	k, err := scanReport(r.d.DB.QueryRowContext(ctx, "SELECT "+reportColumns+", body FROM reports WHERE id = $1", id), &body)
	return k, body, err
}

// newest is the last report of a kind.
func (r *Room) newest(ctx context.Context, kind string) (Kept, error) {
	return scanReport(r.d.DB.QueryRowContext(ctx, "SELECT "+reportColumns+" FROM reports WHERE kind = $1 ORDER BY made_at DESC, id DESC LIMIT 1", kind))
}

// reports are the newest reports of the kinds, at most 100.
func (r *Room) reports(ctx context.Context, kinds ...string) ([]Kept, error) {
	marks, args := make([]string, len(kinds)), make([]any, len(kinds))
	for i, k := range kinds {
		marks[i], args[i] = fmt.Sprintf("$%d", i+1), k
	}
	rows, err := r.d.DB.QueryContext(ctx, "SELECT "+reportColumns+" FROM reports WHERE kind IN ("+strings.Join(marks, ", ")+") ORDER BY made_at DESC, id DESC LIMIT 100", args...) //nolint:gosec // placeholders only
	if err != nil {
		return nil, fmt.Errorf("listing the reports: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Kept
	for rows.Next() {
		k, err := scanReport(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	return out, rows.Err()
}

func saveReceipt(ctx context.Context, tx *store.Tx, x Receipt) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO report_receipts (id, report, person, name, posts, opened_at, signed_at, comment)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (report, person) DO UPDATE SET posts = excluded.posts, signed_at = excluded.signed_at, comment = excluded.comment
		WHERE report_receipts.signed_at = 0`,
		x.ID, x.Report, x.Person, x.Name, strings.Join(x.Posts, " "), store.At(x.Opened), store.At(x.Signed), x.Comment)
	if err != nil {
		return fmt.Errorf("keeping who read a report: %w", err)
	}
	return nil
}

// receipts are who opened and signed a report, in that order.
func receipts(ctx context.Context, q store.Querier, report string) ([]Receipt, error) {
	rows, err := q.QueryContext(ctx, `SELECT id, report, person, name, posts, opened_at, signed_at, comment
		FROM report_receipts WHERE report = $1 ORDER BY opened_at, id LIMIT 200`, report)
	if err != nil {
		return nil, fmt.Errorf("reading who read a report: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Receipt
	for rows.Next() {
		var x Receipt
		var held string
		var opened, signed store.Time
		if err := rows.Scan(&x.ID, &x.Report, &x.Person, &x.Name, &held, &opened, &signed, &x.Comment); err != nil {
			return nil, fmt.Errorf("reading who read a report: %w", err)
		}
		x.Posts, x.Opened, x.Signed = strings.Fields(held), opened.Time, signed.Time
		out = append(out, x)
	}
	return out, rows.Err()
}
