package register

import (
	"context"
	"fmt"

	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
)

// Retain removes records that were closed or void longer than the school
// keeps them, with what the journal tells of them beyond that they were. It
// returns how many went.
func (m *Room[T, P]) Retain(ctx context.Context) (int, error) {
	keep := m.Live.Current().Duration(m.Keep)
	if keep <= 0 {
		return 0, nil // kept for ever
	}
	before := store.At(m.Clock.Now().Add(-keep))
	var ids []string
	err := m.each(ctx, " WHERE closed_at > 0 AND closed_at < $1 AND state <> 'open' ORDER BY closed_at LIMIT 2000", []any{before}, func(r *T) error {
		ids = append(ids, P(r).entry().ID)
		return nil
	})
	if err != nil {
		return 0, err
	}
	for i, id := range ids {
		if err := m.remove(ctx, id); err != nil {
			return i, err
		}
	}
	return len(ids), nil
}

func (m *Room[T, P]) remove(ctx context.Context, id string) error {
	var seqs []int64
	for before := int64(0); ; {
		lines, err := m.Journal.List(ctx, journal.Filter{Kind: m.Name, ID: id, Before: before, Limit: 500})
		if err != nil {
			return err
		}
		for _, l := range lines {
			seqs, before = append(seqs, l.Seq), l.Seq
		}
		if len(lines) < 500 {
			break
		}
	}
	return m.DB.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM "+m.Name+" WHERE id = $1", id); err != nil {
			return fmt.Errorf("removing a %s: %w", m.One, err)
		}
		if err := m.Journal.EraseDetail(ctx, tx, seqs...); err != nil {
			return err
		}
		return m.line(ctx, tx, "removed", id, nil, nil, "")
	})
}
