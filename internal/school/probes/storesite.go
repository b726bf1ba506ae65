package probes

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"belisha/internal/kit/store"
)

const siteColumns = "id, site, grp, hash, made_at, ended_at, version"

func scanSite(into func(...any) error) (s Site, err error) {
	var made, ended store.Time
	err = into(&s.ID, &s.Site, &s.Group, &s.key, &made, &ended, &s.Version)
	s.MadeAt, s.EndedAt = made.Time, ended.Time
	return s, err
}

// Sites are the devices at other sites, those that are tried first.
func (r *Room) Sites(ctx context.Context) (out []Site, err error) {
	rows, err := r.DB.QueryContext(ctx, "SELECT "+siteColumns+" FROM probe_sites ORDER BY ended_at, site, id LIMIT 200")
	if err != nil {
		return nil, fmt.Errorf("reading the sites that are tried: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		s, err := scanSite(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("reading the sites that are tried: %w", err)
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

// running is a site that was not ended.
func (r *Room) running(ctx context.Context, id string) (Site, error) {
	s, err := scanSite(r.DB.QueryRowContext(ctx, "SELECT "+siteColumns+" FROM probe_sites WHERE id = $1 AND ended_at = 0", id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return s, store.ErrNotFound
	}
	return s, err
}

func insertSite(ctx context.Context, tx *store.Tx, s Site) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO probe_sites ("+siteColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7)",
		s.ID, s.Site, s.Group, s.key, store.At(s.MadeAt), store.At(s.EndedAt), s.Version)
	if err != nil {
		return fmt.Errorf("keeping a site that is tried: %w", err)
	}
	return nil
}

func endSite(ctx context.Context, tx *store.Tx, id string, version int64, now time.Time) error {
	res, err := tx.ExecContext(ctx, "UPDATE probe_sites SET ended_at = $1, version = version + 1 WHERE id = $2 AND version = $3 AND ended_at = 0", store.At(now), id, version)
	if err != nil {
		return fmt.Errorf("ending a site that is tried: %w", err)
	}
	n, err := res.RowsAffected()
	if err == nil && n != 1 {
		return store.ErrStale
	}
	return err
}
