package people

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
)

// Calendar returns a site's calendar, the default one where nobody has
// entered any.
func (r *Room) Calendar(ctx context.Context, site string) (*Calendar, error) {
	if site == "" {
		site = MainSite
	}
	r.mu.Lock()
	c := r.calendars[site]
	r.mu.Unlock()
	if c != nil {
		return c, nil
	}
	c, err := r.readCalendar(ctx, r.db, site)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calendars[site] = c
	return c, nil
}

func (r *Room) readCalendar(ctx context.Context, q store.Querier, site string) (*Calendar, error) {
	c := Calendar{Site: site}
	err := q.QueryRowContext(ctx, "SELECT name, zone, version FROM sites WHERE site = $1", site).Scan(&c.Name, &c.Zone, &c.Version)
	if errors.Is(err, sql.ErrNoRows) {
		return DefaultCalendar(site), nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the calendar: %w", err)
	}
	if c.Terms, err = spans(ctx, q, "SELECT id, name, from_day, until_day FROM terms WHERE site = $1 ORDER BY from_day", site); err != nil {
		return nil, err
	}
	if c.Closures, err = spans(ctx, q, "SELECT id, name, from_day, until_day FROM closures WHERE site = $1 ORDER BY from_day", site); err != nil {
		return nil, err
	}
	if err := readHours(ctx, q, &c); err != nil {
		return nil, err
	}
	if err := readLessons(ctx, q, &c); err != nil {
		return nil, err
	}
	return NewCalendar(c)
}

func spans(ctx context.Context, q store.Querier, query, site string) ([]Span, error) {
	rows, err := q.QueryContext(ctx, query, site)
	if err != nil {
		return nil, fmt.Errorf("reading the calendar: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Span
	for rows.Next() {
		var s Span
		if err := rows.Scan(&s.ID, &s.Name, &s.From, &s.Until); err != nil {
			return nil, fmt.Errorf("reading the calendar: %w", err)
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

func readHours(ctx context.Context, q store.Querier, c *Calendar) error {
	rows, err := q.QueryContext(ctx, "SELECT weekday, opens, closes FROM school_hours WHERE site = $1", c.Site)
	if err != nil {
		return fmt.Errorf("reading the school hours: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var d int
		var h Hours
		if err := rows.Scan(&d, &h.From, &h.Until); err != nil {
			return fmt.Errorf("reading the school hours: %w", err)
		}
		if d >= 0 && d < 7 {
			c.Hours[d] = h
		}
	}
	return rows.Err()
}

func readLessons(ctx context.Context, q store.Querier, c *Calendar) error {
	rows, err := q.QueryContext(ctx, "SELECT id, name, weekday, starts, ends FROM lessons WHERE site = $1", c.Site)
	if err != nil {
		return fmt.Errorf("reading the lessons: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var l Lesson
		if err := rows.Scan(&l.ID, &l.Name, &l.Weekday, &l.From, &l.Until); err != nil {
			return fmt.Errorf("reading the lessons: %w", err)
		}
		c.Lessons = append(c.Lessons, l)
	}
	return rows.Err()
}

// Sites returns every site that has a calendar or people, the main one first.
func (r *Room) Sites(ctx context.Context) ([]string, error) {
	rows, err := r.db.QueryContext(ctx, "SELECT site FROM sites UNION SELECT site FROM people ORDER BY site")
	if err != nil {
		return nil, fmt.Errorf("reading the sites: %w", err)
	}
	defer func() { _ = rows.Close() }()
	out := []string{MainSite}
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, fmt.Errorf("reading the sites: %w", err)
		}
		if s != MainSite {
			out = append(out, s)
		}
	}
	return out, rows.Err()
}

// SetCalendar keeps a site's whole calendar. c.Version must be the one that
// was read, 0 for a site that has none yet.
func (r *Room) SetCalendar(ctx context.Context, c Calendar) error {
	return r.db.Write(ctx, func(tx *store.Tx) error { return r.SetCalendarTx(ctx, tx, c) })
}

// SetCalendarTx is SetCalendar within a change that is already under way.
func (r *Room) SetCalendarTx(ctx context.Context, tx *store.Tx, c Calendar) error {
	c.Site, c.Name = siteName(c.Site), clean(c.Name)
	if c.Name == "" {
		return store.Invalid{"name": "give the site a name"}
	}
	whole, err := NewCalendar(c)
	if err != nil {
		return store.Invalid{"": err.Error()}
	}
	old, err := r.readCalendar(ctx, tx, c.Site)
	if err != nil {
		return err
	}
	if old.Version != c.Version {
		return store.ErrStale
	}
	if err := r.writeCalendar(ctx, tx, whole); err != nil {
		return fmt.Errorf("keeping the calendar: %w", err)
	}
	tx.AfterCommit(r.forgetCalendars)
	return r.journal.Write(ctx, tx, journal.Entry{Verb: VerbCalendar, Kind: "site", ID: c.Site, Before: old, After: whole})
}

func (r *Room) forgetCalendars() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.calendars)
}

func (r *Room) writeCalendar(ctx context.Context, tx *store.Tx, c *Calendar) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO sites (site, name, zone, version) VALUES ($1, $2, $3, $4)
		ON CONFLICT (site) DO UPDATE SET name = excluded.name, zone = excluded.zone, version = excluded.version`,
		c.Site, c.Name, c.Zone, c.Version+1)
	if err != nil {
		return err
	}
	for _, t := range []string{"terms", "closures", "school_hours", "lessons"} {
		if _, err := tx.ExecContext(ctx, "DELETE FROM "+t+" WHERE site = $1", c.Site); err != nil { //nolint:gosec // our own names
			return err
		}
	}
	if err := r.writeSpans(ctx, tx, c.Site, "terms", c.Terms); err != nil {
		return err
	}
	if err := r.writeSpans(ctx, tx, c.Site, "closures", c.Closures); err != nil {
		return err
	}
	return r.writeTimes(ctx, tx, c)
}

func (r *Room) writeSpans(ctx context.Context, tx *store.Tx, site, table string, list []Span) error {
	for _, s := range list {
		_, err := tx.ExecContext(ctx, "INSERT INTO "+table+" (id, site, name, from_day, until_day) VALUES ($1,$2,$3,$4,$5)", //nolint:gosec // our own names
			store.NewID(r.clock.Now()), site, s.Name, string(s.From), string(s.Until))
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *Room) writeTimes(ctx context.Context, tx *store.Tx, c *Calendar) error {
	for d, h := range c.Hours {
		if !h.Open() {
			continue
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO school_hours (site, weekday, opens, closes) VALUES ($1,$2,$3,$4)", c.Site, d, h.From, h.Until); err != nil {
			return err
		}
	}
	for _, l := range c.Lessons {
		_, err := tx.ExecContext(ctx, "INSERT INTO lessons (id, site, name, weekday, starts, ends) VALUES ($1,$2,$3,$4,$5,$6)",
			store.NewID(r.clock.Now()), c.Site, l.Name, l.Weekday, l.From, l.Until)
		if err != nil {
			return err
		}
	}
	return nil
}
