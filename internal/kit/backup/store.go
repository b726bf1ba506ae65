package backup

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"belisha/internal/kit/store"
)

const runColumns = "id, kind, result, started_at, ended_at, file, target, bytes, sha256, encrypted, files, seq, note"

func insertRun(ctx context.Context, tx *store.Tx, r Result) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO backup_runs ("+runColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		r.ID, string(r.Kind), r.Result, store.At(r.Started), store.At(r.Ended), r.File, r.Target,
		r.Bytes, r.SHA256, r.Encrypted, r.Files, r.Seq, r.Note)
	if err != nil {
		return fmt.Errorf("keeping what came of a backup: %w", err)
	}
	return nil
}

func scanRun(row interface{ Scan(...any) error }) (Result, error) {
	var r Result
	var started, ended store.Time
	err := row.Scan(&r.ID, &r.Kind, &r.Result, &started, &ended, &r.File, &r.Target,
		&r.Bytes, &r.SHA256, &r.Encrypted, &r.Files, &r.Seq, &r.Note)
	r.Started, r.Ended = started.Time, ended.Time
	return r, err
}

// newest returns the newest run of the kinds that ended as result ("" for
// either way). One that bears a time still to come (the clock was wrong) counts
// only where there is no other.
func (r *Room) newest(ctx context.Context, result string, kinds ...Kind) (Result, bool, error) {
	args := []any{result, store.At(r.Clock.Now().Add(time.Minute))}
	marks := make([]string, len(kinds))
	for i, k := range kinds {
		args = append(args, string(k))
		marks[i] = fmt.Sprintf("$%d", i+3)
	}
	res, err := scanRun(r.DB.QueryRowContext(ctx, "SELECT "+runColumns+` FROM backup_runs
		WHERE ($1 = '' OR result = $1) AND kind IN (`+strings.Join(marks, ", ")+`)
		ORDER BY CASE WHEN ended_at > $2 THEN 1 ELSE 0 END, id DESC LIMIT 1`, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return Result{}, false, nil
	}
	if err != nil {
		return Result{}, false, fmt.Errorf("reading the backups' log: %w", err)
	}
	return res, true, nil
}

// Log returns the newest runs and checks, newest first.
func (r *Room) Log(ctx context.Context, limit int) ([]Result, error) {
	rows, err := r.DB.QueryContext(ctx, "SELECT "+runColumns+" FROM backup_runs ORDER BY id DESC LIMIT $1", min(max(limit, 1), 500))
	if err != nil {
		return nil, fmt.Errorf("reading the backups' log: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Result
	for rows.Next() {
		res, err := scanRun(rows)
		if err != nil {
			return nil, fmt.Errorf("reading the backups' log: %w", err)
		}
		out = append(out, res)
	}
	return out, rows.Err()
}

// madeAs returns the run that made the file.
func (r *Room) madeAs(ctx context.Context, file string) (Result, bool, error) {
	res, err := scanRun(r.DB.QueryRowContext(ctx, "SELECT "+runColumns+` FROM backup_runs
		WHERE kind = $1 AND result = $2 AND file = $3 ORDER BY id DESC LIMIT 1`, string(KindRun), Done, file))
	if errors.Is(err, sql.ErrNoRows) {
		return Result{}, false, nil
	}
	if err != nil {
		return Result{}, false, fmt.Errorf("reading the backups' log: %w", err)
	}
	return res, true, nil
}
