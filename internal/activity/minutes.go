package activity

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"
)

// Heartbeat notes that a filter was alive at a moment, and how many routine
// events it could not keep since its heartbeat before. A minute with a
// heartbeat and no event was quiet; one without is a gap in the log.
func (s *Store) Heartbeat(ctx context.Context, gate, site string, at time.Time, dropped uint64) error {
	date := at.In(s.location).Format(time.DateOnly)
	if at.After(s.clock.Now().Add(48*time.Hour)) || date < s.oldest(s.keep.Load().Names, s.trusted(s.clock.Now())) || s.totals.isGone(date) {
		s.refused.Add(1)
		return nil
	}
	err := s.writeDay(ctx, date, func(w *writer) error {
		_, err := w.addBeat.ExecContext(ctx, at.Truncate(time.Minute).Unix(),
			clean(site, maxLabel), clean(gate, maxLabel), int64(min(dropped, 1<<62))) //nolint:gosec // bounded
		return err
	})
	if err != nil {
		return fmt.Errorf("noting a heartbeat: %w", err)
	}
	return nil
}

// Minutes answers every minute of one site in [from, to), at most 31 days,
// those in which nothing happened included. The site "" means all together.
func (s *Store) Minutes(ctx context.Context, site string, from, to time.Time) ([]Minute, error) {
	if err := checkSpan(from, to); err != nil {
		return nil, err
	}
	from = from.Truncate(time.Minute)
	n := int(to.Sub(from).Minutes())
	if from.Add(time.Duration(n) * time.Minute).Before(to) {
		n++
	}
	if n > maxMinutes {
		return nil, fmt.Errorf("%w: choose at most 31 days", ErrQuery)
	}
	all := make([]Minute, n)
	for i := range all {
		all[i].At = from.Add(time.Duration(i) * time.Minute).In(s.location)
	}
	for _, date := range s.dates(from, to) {
		err := s.readDay(ctx, date, func(_ *day, db *sql.DB) error { return addMinutes(ctx, db, site, from, all) })
		if err != nil {
			return nil, fmt.Errorf("reading the minutes of %s: %w", date, err)
		}
	}
	return all, nil
}

func addMinutes(ctx context.Context, db querier, site string, from time.Time, all []Minute) error {
	last := from.Add(time.Duration(len(all)) * time.Minute)
	rows, err := db.QueryContext(ctx, `
		SELECT minute, sum(n), 0, 0 FROM minutes WHERE minute >= $1 AND minute < $2 AND ($3 = '' OR site = $3) GROUP BY minute
		UNION ALL
		SELECT minute, 0, count(*), sum(dropped) FROM beats WHERE minute >= $1 AND minute < $2 AND ($3 = '' OR site = $3) GROUP BY minute`,
		from.Unix(), last.Unix(), clean(site, maxLabel))
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var minute int64
		var m Minute
		if err := rows.Scan(&minute, &m.Events, &m.Beats, &m.Dropped); err != nil {
			return err
		}
		at := &all[(minute-from.Unix())/60]
		at.Events += m.Events
		at.Beats += m.Beats
		at.Dropped += m.Dropped
	}
	return rows.Err()
}

// Sites answers the sites that were heard of in [from, to).
func (s *Store) Sites(ctx context.Context, from, to time.Time) ([]string, error) {
	var all []string
	for _, date := range s.dates(from, to) {
		err := s.readDay(ctx, date, func(_ *day, db *sql.DB) error {
			sites, err := column[string](ctx, db, `
				SELECT site FROM minutes WHERE minute >= $1 AND minute < $2
				UNION SELECT site FROM beats WHERE minute >= $1 AND minute < $2`, from.Unix(), to.Unix())
			all = append(all, sites...)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("reading the sites of %s: %w", date, err)
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}
