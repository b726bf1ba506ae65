package concerns

import (
	"context"
	"fmt"
	"time"

	"belisha/internal/kit/store"
)

const pauseColumns = "id, concern, action, mark, from_at, until_at, ended_at, sealed"

func (r *Room) insertPause(ctx context.Context, tx *store.Tx, p *Pause) error {
	sealed, err := r.seal(ctx, "concern_pauses", p.ID, p.Words)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO concern_pauses ("+pauseColumns+") VALUES ($1, $2, $3, $4, $5, $6, 0, $7)",
		p.ID, p.Concern, p.Action, p.Mark, store.At(p.From), store.At(p.Until), sealed)
	if err != nil {
		return fmt.Errorf("keeping that the web is withdrawn: %w", err)
	}
	return nil
}

// endPause keeps that the web was given back early.
func (r *Room) endPause(ctx context.Context, tx *store.Tx, p *Pause) error {
	sealed, err := r.seal(ctx, "concern_pauses", p.ID, p.Words)
	if err != nil {
		return err
	}
	done, err := tx.ExecContext(ctx, "UPDATE concern_pauses SET ended_at = $1, sealed = $2 WHERE id = $3 AND ended_at = 0", store.At(p.Ended), sealed, p.ID)
	return changedOne(done, err)
}

// pausesOf are those that a case has led to, oldest first.
func (r *Room) pausesOf(ctx context.Context, q store.Querier, concern string) ([]Pause, error) {
	rows, err := q.QueryContext(ctx, "SELECT "+pauseColumns+" FROM concern_pauses WHERE concern = $1 ORDER BY from_at, id LIMIT 500", concern)
	if err != nil {
		return nil, fmt.Errorf("reading from whom the web is withdrawn: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Pause
	for rows.Next() {
		var p Pause
		var from, until, ended store.Time
		var sealed string
		if err := rows.Scan(&p.ID, &p.Concern, &p.Action, &p.Mark, &from, &until, &ended, &sealed); err != nil {
			return nil, fmt.Errorf("reading from whom the web is withdrawn: %w", err)
		}
		p.From, p.Until, p.Ended = from.Time, until.Time, ended.Time
		if err := r.unseal(ctx, "concern_pauses", p.ID, sealed, &p.Words); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, rows.Err()
}

// pausedUntil is until when the web is withdrawn from whoever a mark stands
// for; zero for not at all.
func (r *Room) pausedUntil(ctx context.Context, mark string, now time.Time) (time.Time, error) {
	var until store.Time
	err := r.d.DB.QueryRowContext(ctx, "SELECT COALESCE(MAX(until_at), 0) FROM concern_pauses WHERE mark = $1 AND until_at > $2 AND ended_at = 0",
		mark, store.Millis(now)).Scan(&until)
	if err != nil {
		return time.Time{}, fmt.Errorf("reading whether the web is withdrawn: %w", err)
	}
	return until.Time, nil
}

// pausesNow says by mark until when the web is withdrawn, of all from whom it
// is, and how many sanctions of the kind began since a moment.
func (r *Room) pausesNow(ctx context.Context, now, since time.Time) (live map[string]time.Time, lately int, err error) {
	rows, err := r.d.DB.QueryContext(ctx, "SELECT mark, from_at, until_at, ended_at FROM concern_pauses WHERE from_at >= $1 OR until_at > $2", store.Millis(since), store.Millis(now))
	if err != nil {
		return nil, 0, fmt.Errorf("reading from whom the web is withdrawn: %w", err)
	}
	defer func() { _ = rows.Close() }()
	live = map[string]time.Time{}
	for rows.Next() {
		var mark string
		var from, until, ended store.Time
		if err := rows.Scan(&mark, &from, &until, &ended); err != nil {
			return nil, 0, fmt.Errorf("reading from whom the web is withdrawn: %w", err)
		}
		if !from.Before(since) {
			lately++
		}
		if ended.IsZero() && until.After(now) && until.After(live[mark]) {
			live[mark] = until.Time
		}
	}
	return live, lately, rows.Err()
}
