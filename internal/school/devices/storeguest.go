package devices

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"belisha/internal/kit/store"
)

func (r *Room) guestsOf(ctx context.Context, q store.Querier, now time.Time) ([]Guest, error) {
	rows, err := q.QueryContext(ctx, "SELECT id, address, from_at, until_at FROM guests WHERE until_at > $1 ORDER BY from_at, id", store.Millis(now))
	if err != nil {
		return nil, fmt.Errorf("reading who is a guest: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Guest
	for rows.Next() {
		var g Guest
		var address string
		var from, until store.Time
		if err := rows.Scan(&g.ID, &address, &from, &until); err != nil {
			return nil, fmt.Errorf("reading who is a guest: %w", err)
		}
		if g.Address, err = netip.ParseAddr(address); err != nil {
			continue
		}
		g.From, g.Until = from.Time, until.Time
		out = append(out, g)
	}
	return out, rows.Err()
}

func (r *Room) putGuest(ctx context.Context, tx *store.Tx, g Guest) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO guests (id, address, from_at, until_at) VALUES ($1, $2, $3, $4)", g.ID, g.Address.String(), store.Millis(g.From), store.Millis(g.Until))
	if err != nil {
		return fmt.Errorf("writing a guest down: %w", err)
	}
	return nil
}

// dropGuests forgets guests whose time is long over.
func (r *Room) dropGuests(ctx context.Context, tx *store.Tx, before time.Time) error {
	if _, err := tx.ExecContext(ctx, "DELETE FROM guests WHERE until_at < $1", store.Millis(before)); err != nil {
		return fmt.Errorf("forgetting guests: %w", err)
	}
	return nil
}
