package blobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"belisha/internal/kit/store"
)

func (s *Store) total(ctx context.Context) (int64, error) {
	var n int64
	if err := s.DB.QueryRowContext(ctx, "SELECT COALESCE(SUM(bytes), 0) FROM blobs").Scan(&n); err != nil {
		return 0, fmt.Errorf("counting the kept files: %w", err)
	}
	return n, nil
}

// insert notes a file. One that is kept already and unused gets its full time
// again.
func (s *Store) insert(ctx context.Context, b Blob) error {
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO blobs (id, bytes, created_at, idle_since) VALUES ($1, $2, $3, $3)
			ON CONFLICT (id) DO UPDATE SET idle_since = CASE WHEN blobs.idle_since = 0 THEN 0 ELSE excluded.idle_since END`,
			b.ID, b.Bytes, store.At(b.Created))
		return err
	})
	if err != nil {
		return fmt.Errorf("noting a kept file: %w", err)
	}
	return nil
}

// Get returns a file's row, or store.ErrNotFound.
func (s *Store) Get(ctx context.Context, id string) (Blob, error) {
	b := Blob{ID: id}
	var at store.Time
	err := s.DB.QueryRowContext(ctx, "SELECT bytes, created_at FROM blobs WHERE id = $1", id).Scan(&b.Bytes, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return b, store.ErrNotFound
	}
	if err != nil {
		return b, fmt.Errorf("looking for a kept file: %w", err)
	}
	b.Created = at.Time
	return b, nil
}

// Use notes that a record uses the file, in the record's own transaction.
func (s *Store) Use(ctx context.Context, tx *store.Tx, id, kind, record string) error {
	res, err := tx.ExecContext(ctx, "UPDATE blobs SET idle_since = 0 WHERE id = $1", id)
	if err != nil {
		return fmt.Errorf("using a kept file: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, store.ErrNotFound)
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO blob_uses (blob, kind, record) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", id, kind, record)
	if err != nil {
		return fmt.Errorf("using a kept file: %w", err)
	}
	return nil
}

// Release notes that a record uses the file no more.
func (s *Store) Release(ctx context.Context, tx *store.Tx, id, kind, record string) error {
	_, err := tx.ExecContext(ctx, "DELETE FROM blob_uses WHERE blob = $1 AND kind = $2 AND record = $3", id, kind, record)
	if err != nil {
		return fmt.Errorf("letting go of a kept file: %w", err)
	}
	_, err = tx.ExecContext(ctx, `UPDATE blobs SET idle_since = $1 WHERE id = $2 AND idle_since = 0
		AND NOT EXISTS (SELECT 1 FROM blob_uses WHERE blob = $2)`, store.At(s.Clock.Now()), id)
	if err != nil {
		return fmt.Errorf("letting go of a kept file: %w", err)
	}
	return nil
}

// Used returns the files of a record.
func (s *Store) Used(ctx context.Context, kind, record string) ([]Blob, error) {
	return s.list(ctx, `SELECT b.id, b.bytes, b.created_at FROM blobs b JOIN blob_uses u ON u.blob = b.id
		WHERE u.kind = $1 AND u.record = $2 ORDER BY b.id`, kind, record)
}

// All returns every kept file, for the backup.
func (s *Store) All(ctx context.Context) ([]Blob, error) {
	return s.list(ctx, "SELECT id, bytes, created_at FROM blobs ORDER BY id")
}

func (s *Store) list(ctx context.Context, query string, args ...any) ([]Blob, error) {
	rows, err := s.DB.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("listing kept files: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Blob
	for rows.Next() {
		var b Blob
		var at store.Time
		if err := rows.Scan(&b.ID, &b.Bytes, &at); err != nil {
			return nil, fmt.Errorf("listing kept files: %w", err)
		}
		b.Created = at.Time
		out = append(out, b)
	}
	return out, rows.Err()
}

// idle returns up to a thousand files that nothing has used since before.
func (s *Store) idle(ctx context.Context, before time.Time) ([]string, error) {
	all, err := s.list(ctx, "SELECT id, bytes, created_at FROM blobs WHERE idle_since > 0 AND idle_since < $1 ORDER BY idle_since LIMIT 1000",
		store.At(before))
	ids := make([]string, len(all))
	for i, b := range all {
		ids[i] = b.ID
	}
	return ids, err
}

// forget removes the row, unless a record has begun to use the file.
func (s *Store) forget(ctx context.Context, id string) (went bool, err error) {
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		res, err := tx.ExecContext(ctx, "DELETE FROM blobs WHERE id = $1 AND idle_since > 0", id)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		went = n == 1
		return err
	})
	if err != nil {
		return false, fmt.Errorf("forgetting a kept file: %w", err)
	}
	return went, nil
}
