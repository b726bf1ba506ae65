package monitoring

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"belisha/internal/activity"
	"belisha/internal/kit/store"
)

const signalColumns = `id, subject, device, address, first_at, last_at, times, about, state,
	raised_at, seen_at, seen_by, closed_at, closed_by, outcome, version`

func (r *Room) scanSignal(ctx context.Context, scan func(...any) error) (Signal, error) {
	var s Signal
	var first, last, raised, seen, closed store.Time
	var addr, about string
	err := scan(&s.ID, &s.Subject, &s.Device, &addr, &first, &last, &s.Times, &about, &s.State,
		&raised, &seen, &s.SeenBy, &closed, &s.By, &s.Outcome, &s.Version)
	if err != nil {
		return Signal{}, fmt.Errorf("reading a signal: %w", found(err))
	}
	s.First, s.Last, s.Raised, s.SeenAt, s.Closed = first.Time, last.Time, raised.Time, seen.Time, closed.Time
	if addr != "" {
		if s.Address, err = netip.ParseAddr(addr); err != nil {
			return Signal{}, fmt.Errorf("reading a signal's address: %w", err)
		}
	}
	return s, r.unseal(ctx, &s, about)
}

func (r *Room) signal(ctx context.Context, q store.Querier, id string) (Signal, error) {
	return r.scanSignal(ctx, q.QueryRowContext(ctx, `SELECT `+signalColumns+` FROM signals WHERE id = $1`, id).Scan)
}

// joinable is the signal that an event at a moment joins: of the same person
// or device, not closed, and within the hour.
func (r *Room) joinable(ctx context.Context, tx *store.Tx, who string, at time.Time) (Signal, error) {
	return r.scanSignal(ctx, tx.QueryRowContext(ctx, `SELECT `+signalColumns+` FROM signals
		WHERE who = $1 AND state <> $2 AND last_at >= $3 AND first_at <= $4 ORDER BY last_at DESC LIMIT 1`,
		who, SignalClosed, store.Millis(at.Add(-joinWithin)), store.Millis(at.Add(joinWithin))).Scan)
}

// saveSignal inserts a signal, or updates the one of its id.
func (r *Room) saveSignal(ctx context.Context, tx *store.Tx, who string, s *Signal) error {
	if s.Version > 0 {
		return r.updateSignal(ctx, tx, s)
	}
	about, err := r.seal(ctx, s)
	if err != nil {
		return err
	}
	addr := ""
	if s.Address.IsValid() {
		addr = s.Address.Unmap().WithZone("").String()
	}
	s.Version = 1
	_, err = tx.ExecContext(ctx, `INSERT INTO signals (`+signalColumns+`, who)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, '', 0, '', '', $11, $12)`,
		s.ID, s.Subject, s.Device, addr, store.At(s.First), store.At(s.Last), s.Times, about, s.State, store.At(s.Raised), s.Version, who)
	if err != nil {
		return fmt.Errorf("keeping a signal: %w", err)
	}
	return nil
}

func (r *Room) updateSignal(ctx context.Context, tx *store.Tx, s *Signal) error {
	about, err := r.seal(ctx, s)
	if err != nil {
		return err
	}
	done, err := tx.ExecContext(ctx, `UPDATE signals SET first_at = $1, last_at = $2, times = $3, about = $4, state = $5,
		seen_at = $6, seen_by = $7, closed_at = $8, closed_by = $9, outcome = $10, version = version + 1
		WHERE id = $11 AND version = $12`,
		store.At(s.First), store.At(s.Last), s.Times, about, s.State, store.At(s.SeenAt), s.SeenBy,
		store.At(s.Closed), s.By, s.Outcome, s.ID, s.Version)
	if err != nil {
		return fmt.Errorf("changing a signal: %w", err)
	}
	n, err := done.RowsAffected()
	if err != nil {
		return fmt.Errorf("changing a signal: %w", err)
	}
	if n == 0 {
		return store.ErrStale
	}
	s.Version++
	return nil
}

// openSignals are those that wait for somebody, longest first.
func (r *Room) openSignals(ctx context.Context) ([]Signal, error) {
	return r.signals(ctx, `WHERE state <> $1 ORDER BY raised_at, id LIMIT 500`, SignalClosed)
}

// closedSignals are those closed since a moment, newest first.
func (r *Room) closedSignals(ctx context.Context, since time.Time) ([]Signal, error) {
	return r.signals(ctx, `WHERE state = $1 AND closed_at >= $2 ORDER BY closed_at DESC, id LIMIT 200`, SignalClosed, store.Millis(since))
}

// unworrying are the closed signals of a person that were no concern, whose
// rows carry no mark any more.
func (r *Room) unworrying(ctx context.Context, subject string) ([]Signal, error) {
	return r.signals(ctx, `WHERE subject = $1 AND state = $2 AND outcome = $3 ORDER BY first_at LIMIT 500`,
		subject, SignalClosed, outcomeNoConcern)
}

func (r *Room) signals(ctx context.Context, rest string, args ...any) ([]Signal, error) {
	rows, err := r.d.DB.QueryContext(ctx, `SELECT `+signalColumns+` FROM signals `+rest, args...)
	if err != nil {
		return nil, fmt.Errorf("reading the signals: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all []Signal
	for rows.Next() {
		s, err := r.scanSignal(ctx, rows.Scan)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, rows.Err()
}

func hasEvent(ctx context.Context, tx *store.Tx, e *activity.Event) (bool, error) {
	var one int
	err := tx.QueryRowContext(ctx, `SELECT 1 FROM signal_events WHERE gate = $1 AND number = $2 AND at = $3`,
		e.Gate, int64(e.ID), store.Millis(e.At)).Scan(&one) //nolint:gosec // compared for equality only
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking whether an event was told before: %w", err)
	}
	return true, nil
}

func insertEvent(ctx context.Context, tx *store.Tx, signal string, e *activity.Event) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO signal_events (gate, number, at, signal) VALUES ($1, $2, $3, $4)`,
		e.Gate, int64(e.ID), store.Millis(e.At), signal) //nolint:gosec // compared for equality only
	if err != nil {
		return fmt.Errorf("keeping an event of a signal: %w", err)
	}
	return nil
}

// removeSignals takes the closed signals of which the condition on $1 holds,
// and answers their ids.
func removeSignals(ctx context.Context, tx *store.Tx, condition string, arg any) ([]string, error) {
	rows, err := tx.QueryContext(ctx, `SELECT id FROM signals WHERE `+condition+` AND state = $2 ORDER BY id LIMIT 1000`,
		arg, SignalClosed)
	if err != nil {
		return nil, fmt.Errorf("finding old signals: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("finding old signals: %w", err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("finding old signals: %w", err)
	}
	for _, id := range ids {
		if _, err := tx.ExecContext(ctx, `DELETE FROM signal_events WHERE signal = $1`, id); err != nil {
			return nil, fmt.Errorf("removing an old signal's events: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM signals WHERE id = $1`, id); err != nil {
			return nil, fmt.Errorf("removing an old signal: %w", err)
		}
	}
	return ids, nil
}
