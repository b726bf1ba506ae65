package activity

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"
)

// maxTotals bounds one answer of Totals.
const maxTotals = 200_000

// totalKey is what Totals adds up by.
type totalKey struct {
	start                 int64
	site, group, category string
	action                Action
}

// Totals answers how often what was done in [from, to), by hour, day or
// month. Hours are as fine as the store looks: a day or month counts whole
// where the time given touches it. Hours are known as long as their day file.
func (s *Store) Totals(ctx context.Context, from, to time.Time, per Per) ([]Total, error) {
	if err := checkSpan(from, to); err != nil {
		return nil, err
	}
	sums := map[totalKey]amount{}
	var err error
	switch per {
	case PerHour:
		err = s.hourTotals(ctx, from, to, sums)
	case PerDay:
		err = s.settledTotals(ctx, from, to, sums, `SELECT day, site, grp, category, action, n, bytes FROM days
			WHERE day >= $1 AND day <= $2`, time.DateOnly)
		if err == nil {
			err = s.openTotals(ctx, from, to, sums, s.startOfDay)
		}
	case PerMonth:
		err = s.settledTotals(ctx, from, to, sums, `SELECT month, site, grp, category, action, n, bytes FROM months
			WHERE month >= $1 AND month <= $2`, "2006-01")
		if err == nil {
			err = s.openTotals(ctx, startOfMonth(from, s.location), endOfMonth(to, s.location), sums, s.startOfMonth)
		}
	default:
		err = fmt.Errorf("%w: totals are by hour, day or month", ErrQuery)
	}
	if err != nil {
		return nil, err
	}
	return s.sorted(sums)
}

// Tried answers what would have been closed or warned of in [from, to) were
// the rules not only being tried out, by day, category and group.
func (s *Store) Tried(ctx context.Context, from, to time.Time) ([]Total, error) {
	all, err := s.Totals(ctx, from, to, PerDay)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(t Total) bool { return t.Action != WouldBlock && t.Action != WouldWarn }), nil
}

func checkSpan(from, to time.Time) error {
	if from.IsZero() || to.IsZero() || !from.Before(to) {
		return fmt.Errorf("%w: say from when to when", ErrQuery)
	}
	return nil
}

func startOfMonth(t time.Time, loc *time.Location) time.Time {
	t = t.In(loc)
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, loc)
}

// endOfMonth is the first moment after the month that holds the last moment
// before t.
func endOfMonth(t time.Time, loc *time.Location) time.Time {
	return startOfMonth(t.Add(-time.Nanosecond), loc).AddDate(0, 1, 0)
}

func (s *Store) startOfDay(date string) (time.Time, error) {
	return time.ParseInLocation(time.DateOnly, date, s.location)
}

func (s *Store) startOfMonth(date string) (time.Time, error) {
	return time.ParseInLocation("2006-01", date[:len("2006-01")], s.location)
}

// bounds is the first and last date that [from, to) touches.
func (s *Store) bounds(from, to time.Time, layout string) (first, last string) {
	return from.In(s.location).Format(layout), to.Add(-time.Nanosecond).In(s.location).Format(layout)
}

// settledTotals adds what the totals' file says.
func (s *Store) settledTotals(ctx context.Context, from, to time.Time, sums map[totalKey]amount, query, layout string) error {
	first, last := s.bounds(from, to, layout)
	rows, err := s.totals.db.QueryContext(ctx, query, first, last)
	if err != nil {
		return fmt.Errorf("reading the totals: %w", err)
	}
	defer func() { _ = rows.Close() }()
	starts := map[string]int64{}
	for rows.Next() {
		var start string
		var t Total
		if err := rows.Scan(&start, &t.Site, &t.Group, &t.Category, &t.Action, &t.N, &t.Bytes); err != nil {
			return fmt.Errorf("reading the totals: %w", err)
		}
		if _, ok := starts[start]; !ok {
			at, err := time.ParseInLocation(layout, start, s.location)
			if err != nil {
				return fmt.Errorf("reading the date of a total: %w", err)
			}
			starts[start] = at.Unix()
		}
		key := totalKey{starts[start], t.Site, t.Group, t.Category, t.Action}
		sum := sums[key]
		sums[key] = amount{sum.n + t.N, sum.bytes + t.Bytes}
	}
	return rows.Err()
}

// openTotals adds the days that are not settled, from their own files.
func (s *Store) openTotals(ctx context.Context, from, to time.Time, sums map[totalKey]amount, start func(string) (time.Time, error)) error {
	first, last := s.bounds(from, to, time.DateOnly)
	for _, date := range s.dates(from, to) {
		if date < first || date > last || s.totals.isSettled(date) {
			continue
		}
		at, err := start(date)
		if err != nil {
			return fmt.Errorf("reading the date of a day: %w", err)
		}
		err = s.addHours(ctx, date, sums, func(time.Time) (int64, bool) { return at.Unix(), true })
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) hourTotals(ctx context.Context, from, to time.Time, sums map[totalKey]amount) error {
	for _, date := range s.dates(from, to) {
		err := s.addHours(ctx, date, sums, func(hour time.Time) (int64, bool) {
			return hour.Unix(), hour.Before(to) && hour.Add(time.Hour).After(from)
		})
		if err != nil {
			return err
		}
		if len(sums) > maxTotals {
			return fmt.Errorf("%w: choose a shorter time, or days in place of hours", ErrQuery)
		}
	}
	return nil
}

// addHours adds the hours of one day under the start that key gives them.
func (s *Store) addHours(ctx context.Context, date string, sums map[totalKey]amount, key func(time.Time) (int64, bool)) error {
	return s.readDay(ctx, date, func(_ *day, db *sql.DB) error {
		hours, err := dayTotals(ctx, db)
		if err != nil {
			return err
		}
		for _, h := range hours {
			start, ok := key(h.Start)
			if !ok {
				continue
			}
			k := totalKey{start, h.Site, h.Group, h.Category, h.Action}
			sum := sums[k]
			sums[k] = amount{sum.n + h.N, sum.bytes + h.Bytes}
		}
		return nil
	})
}

func (s *Store) sorted(sums map[totalKey]amount) ([]Total, error) {
	all := make([]Total, 0, len(sums))
	for k, a := range sums {
		all = append(all, Total{
			Start: time.Unix(k.start, 0).In(s.location), Site: k.site, Group: k.group,
			Category: k.category, Action: k.action, N: a.n, Bytes: a.bytes,
		})
	}
	slices.SortFunc(all, func(a, b Total) int {
		return cmp.Or(a.Start.Compare(b.Start), strings.Compare(a.Site, b.Site), strings.Compare(a.Group, b.Group),
			strings.Compare(a.Category, b.Category), cmp.Compare(a.Action, b.Action))
	})
	return all, nil
}

// maxTop bounds the lines of one Top.
const maxTop = 1000

// Top answers what was met with an action most often in [from, to). Days
// count whole. Of a settled day only its most frequent hosts are remembered.
func (s *Store) Top(ctx context.Context, from, to time.Time, by By, action Action, limit int) ([]Count, error) {
	if err := checkSpan(from, to); err != nil {
		return nil, err
	}
	if limit < 1 || limit > maxTop {
		return nil, fmt.Errorf("%w: ask for 1 to %d lines", ErrQuery, maxTop)
	}
	sums := map[string]uint64{}
	var err error
	switch by {
	case ByHost, ByRule, ByAlert:
		err = s.topWords(ctx, from, to, string(by), action, sums)
	case ByCategory, ByGroup:
		err = s.topTotals(ctx, from, to, by, action, sums)
	default:
		err = fmt.Errorf("%w: the most frequent are hosts, categories, groups or rules", ErrQuery)
	}
	if err != nil {
		return nil, err
	}
	delete(sums, "")
	all := make([]Count, 0, len(sums))
	for k, n := range sums {
		all = append(all, Count{k, n})
	}
	slices.SortFunc(all, func(a, b Count) int { return cmp.Or(cmp.Compare(b.N, a.N), strings.Compare(a.Key, b.Key)) })
	return all[:min(limit, len(all))], nil
}

func (s *Store) topTotals(ctx context.Context, from, to time.Time, by By, action Action, sums map[string]uint64) error {
	totals, err := s.Totals(ctx, from, to, PerDay)
	if err != nil {
		return err
	}
	for _, t := range totals {
		switch {
		case t.Action != action:
		case by == ByGroup:
			sums[t.Group] += t.N
		default:
			sums[t.Category] += t.N
		}
	}
	return nil
}

func (s *Store) topWords(ctx context.Context, from, to time.Time, kind string, action Action, sums map[string]uint64) error {
	first, last := s.bounds(from, to, time.DateOnly)
	err := addWords(ctx, s.totals.db, sums, `SELECT word, sum(n) FROM tops
		WHERE kind = $1 AND action = $2 AND day >= $3 AND day <= $4 GROUP BY word`, kind, int64(action), first, last)
	if err != nil {
		return err
	}
	for _, date := range s.dates(from, to) {
		if date < first || date > last || s.totals.isSettled(date) {
			continue
		}
		err := s.readDay(ctx, date, func(_ *day, db *sql.DB) error {
			return addWords(ctx, db, sums, `SELECT word, n FROM tops WHERE kind = $1 AND action = $2
				ORDER BY n DESC LIMIT $3`, kind, int64(action), 4*maxTop)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func addWords(ctx context.Context, db querier, sums map[string]uint64, query string, args ...any) error {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("reading the most frequent: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var word string
		var n uint64
		if err := rows.Scan(&word, &n); err != nil {
			return fmt.Errorf("reading the most frequent: %w", err)
		}
		sums[word] += n
	}
	return rows.Err()
}
