package access

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"belisha/internal/kit/store"
)

const sessionColumns = `id, token, account, person, subject, address, device, place, web, started_at, used_at, expires_at,
	locked_at, ended_at, ended_why, longest_gap, longest_limit, factor_at, proved_at`

func scanSession(sc scanner) (Session, error) {
	var s Session
	var address string
	var started, used, expires, locked, ended, factor, proved store.Time
	var gap, limit int64
	err := sc.Scan(&s.ID, &s.token, &s.Account, &s.Person, &s.Subject, &address, &s.Device, &s.Place, &s.Web, &started, &used, &expires,
		&locked, &ended, &s.EndedWhy, &gap, &limit, &factor, &proved)
	s.StartedAt, s.UsedAt, s.Expires, s.LockedAt, s.EndedAt = started.Time, used.Time, expires.Time, locked.Time, ended.Time
	s.FactorAt, s.ProvedAt = factor.Time, proved.Time
	s.LongestGap, s.LongestLimit = time.Duration(gap)*time.Millisecond, time.Duration(limit)*time.Millisecond
	if a, e := netip.ParseAddr(address); e == nil {
		s.Address = a
	}
	return s, err
}

// readSession finds a session by "id" or "token".
func readSession(ctx context.Context, q store.Querier, by, value string) (Session, error) {
	column := map[string]string{"id": "id", "token": "token"}[by]
	s, err := scanSession(q.QueryRowContext(ctx, "SELECT "+sessionColumns+" FROM sessions WHERE "+column+" = $1", value)) //nolint:gosec // one of two names
	if errors.Is(err, sql.ErrNoRows) {
		return Session{}, store.ErrNotFound
	}
	if err != nil {
		return Session{}, fmt.Errorf("reading a session: %w", err)
	}
	return s, nil
}

func sessions(ctx context.Context, q store.Querier, rest string, args ...any) ([]Session, error) {
	rows, err := q.QueryContext(ctx, "SELECT "+sessionColumns+" FROM sessions "+rest, args...)
	if err != nil {
		return nil, fmt.Errorf("reading sessions: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Session
	for rows.Next() {
		s, err := scanSession(rows)
		if err != nil {
			return nil, fmt.Errorf("reading sessions: %w", err)
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

func addressText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.Unmap().String()
}

func insertSession(ctx context.Context, tx *store.Tx, s Session) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO sessions (`+sessionColumns+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,0,0,'',0,0,$13,$14)`,
		s.ID, s.token, s.Account, string(s.Person), s.Subject, addressText(s.Address), s.Device, s.Place, s.Web,
		store.Millis(s.StartedAt), store.Millis(s.UsedAt), store.Millis(s.Expires), store.Millis(s.FactorAt), store.Millis(s.ProvedAt))
	if err != nil {
		return fmt.Errorf("opening a session: %w", err)
	}
	return nil
}

func updateSession(ctx context.Context, tx *store.Tx, s Session) error {
	_, err := tx.ExecContext(ctx, `UPDATE sessions SET token=$1, address=$2, place=$3, web=$4, used_at=$5, expires_at=$6, locked_at=$7,
		ended_at=$8, ended_why=$9, factor_at=$10, proved_at=$11 WHERE id=$12`,
		s.token, addressText(s.Address), s.Place, s.Web, store.Millis(s.UsedAt), store.Millis(s.Expires), store.Millis(s.LockedAt), store.Millis(s.EndedAt), s.EndedWhy,
		store.Millis(s.FactorAt), store.Millis(s.ProvedAt), s.ID)
	if err != nil {
		return fmt.Errorf("keeping a session: %w", err)
	}
	return nil
}

// touchSession keeps that a session was used now, unless it ended, locked or
// was used later meanwhile. The longest gap is the longest in proportion to
// the limit that held.
func touchSession(ctx context.Context, tx *store.Tx, s Session, now time.Time, gap, limit time.Duration) error {
	_, err := tx.ExecContext(ctx, `UPDATE sessions SET used_at = $1 WHERE id = $2 AND ended_at = 0 AND locked_at = 0 AND used_at < $1`,
		store.Millis(now), s.ID)
	if err != nil {
		return fmt.Errorf("keeping a session: %w", err)
	}
	if s.LongestLimit > 0 && gap.Seconds()/limit.Seconds() <= s.LongestGap.Seconds()/s.LongestLimit.Seconds() {
		return nil
	}
	_, err = tx.ExecContext(ctx, `UPDATE sessions SET longest_gap = $1, longest_limit = $2 WHERE id = $3`, gap.Milliseconds(), limit.Milliseconds(), s.ID)
	if err != nil {
		return fmt.Errorf("keeping a session: %w", err)
	}
	return nil
}

// dropOldSessions forgets sessions that ended long ago; the journal keeps
// that they were.
func dropOldSessions(ctx context.Context, tx *store.Tx, before time.Time) error {
	if _, err := tx.ExecContext(ctx, "DELETE FROM sessions WHERE ended_at <> 0 AND ended_at < $1", store.Millis(before)); err != nil {
		return fmt.Errorf("forgetting old sessions: %w", err)
	}
	return nil
}
