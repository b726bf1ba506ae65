package activity

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// searchTime bounds one search; a page that is not full by then is handed out
// with a cursor that goes on.
const searchTime = 5 * time.Second

// maxSubjects bounds one question about several persons.
const maxSubjects = 100

// check refuses a question that cannot be asked, with a sentence for who
// asked it, and fills in what was left out.
func (q *Query) check() error {
	switch {
	case q.Limit < 0 || q.Limit > MaxLimit:
		return fmt.Errorf("%w: ask for 1 to %d rows a page", ErrQuery, MaxLimit)
	case !q.From.IsZero() && !q.To.IsZero() && !q.From.Before(q.To):
		return fmt.Errorf("%w: the end of the time must be after its beginning", ErrQuery)
	case len(q.Subjects) > maxSubjects:
		return fmt.Errorf("%w: name at most %d people at once", ErrQuery, maxSubjects)
	case len(q.Text) > maxWords:
		return fmt.Errorf("%w: shorten the words to %d letters", ErrQuery, maxWords)
	case !utf8.ValidString(q.Text) || strings.ContainsRune(q.Text, 0):
		return fmt.Errorf("%w: the words hold a character that cannot be read", ErrQuery)
	}
	if q.Limit == 0 {
		q.Limit = 50
	}
	q.Host = strings.Trim(strings.ToLower(strings.TrimSpace(q.Host)), ".")
	q.Text = strings.TrimSpace(q.Text)
	return nil
}

// place is where a page ended: rows below key of date are next.
type place struct {
	date string
	key  int64
}

func (p place) String() string {
	return base64.RawURLEncoding.EncodeToString([]byte(p.date + "/" + strconv.FormatInt(p.key, 36)))
}

func parsePlace(s string) (place, error) {
	bad := fmt.Errorf("%w: the page asked for is not one of this search; begin it again", ErrQuery)
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return place{}, bad
	}
	date, key, ok := strings.Cut(string(raw), "/")
	if !ok {
		return place{}, bad
	}
	if _, err := time.Parse(time.DateOnly, date); err != nil {
		return place{}, bad
	}
	n, err := strconv.ParseInt(key, 36, 64)
	if err != nil || n < 0 {
		return place{}, bad
	}
	return place{date: date, key: n}, nil
}

// Search answers one page, newest first. It ends after a bounded time, with
// what it found and a cursor to go on from.
func (s *Store) Search(ctx context.Context, q Query) (Page, error) {
	if err := q.check(); err != nil {
		return Page{}, err
	}
	after := place{}
	if q.Cursor != "" {
		var err error
		if after, err = parsePlace(q.Cursor); err != nil {
			return Page{}, err
		}
	}
	limited, cancel := context.WithTimeout(ctx, searchTime)
	defer cancel()
	page := Page{SearchedTo: q.To}
	for _, date := range s.dates(q.From, q.To) {
		if after.date != "" && date > after.date {
			continue
		}
		hunt := &hunt{q: &q, need: q.Limit + 1 - len(page.Events)}
		if date == after.date {
			hunt.below = after.key
		}
		err := s.readDay(limited, date, func(d *day, db *sql.DB) error { return hunt.run(limited, d, db) })
		page.take(date, hunt, q.Limit)
		if page.Next != "" {
			return page, nil
		}
		if err != nil && ctx.Err() == nil && limited.Err() != nil {
			page.Partial = true
			page.SearchedTo = keyTime(dayBase(date), hunt.reached)
			page.Next = place{date, hunt.reached}.String()
			return page, nil
		}
		if err != nil {
			return Page{}, fmt.Errorf("searching %s: %w", date, err)
		}
	}
	page.SearchedTo = q.From
	return page, nil
}

// take adds what was found on a day, and sets the cursor when there is more
// than the page holds.
func (p *Page) take(date string, h *hunt, limit int) {
	room := limit - len(p.Events)
	if len(h.events) <= room {
		p.Events = append(p.Events, h.events...)
		return
	}
	p.Events = append(p.Events, h.events[:room]...)
	from := place{date: date, key: h.reachedTop}
	if room > 0 {
		from.key = h.keys[room-1]
	}
	p.Next = from.String()
	p.SearchedTo = keyTime(dayBase(date), from.key)
}

// Timeline answers one person's day in order of time, at most MaxTimeline
// rows of it. The day is the one that holds the moment given.
func (s *Store) Timeline(ctx context.Context, subject string, at time.Time) ([]Event, error) {
	if subject == "" {
		return nil, fmt.Errorf("%w: choose a person", ErrQuery)
	}
	local := at.In(s.location)
	from := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, s.location)
	return s.Person(ctx, subject, from, from.AddDate(0, 0, 1))
}

// Person answers what one person did in [from, to), in order of time, at most
// MaxTimeline rows.
func (s *Store) Person(ctx context.Context, subject string, from, to time.Time) ([]Event, error) {
	q := Query{Subjects: []string{subject}, From: from, To: to}
	if err := q.check(); err != nil {
		return nil, err
	}
	var all []Event
	for _, date := range s.dates(from, to) {
		hunt := &hunt{q: &q, need: MaxTimeline - len(all)}
		err := s.readDay(ctx, date, func(d *day, db *sql.DB) error { return hunt.run(ctx, d, db) })
		if err != nil {
			return nil, fmt.Errorf("reading a person's time on %s: %w", date, err)
		}
		all = append(all, hunt.events...)
		if len(all) >= MaxTimeline {
			break
		}
	}
	for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
		all[i], all[j] = all[j], all[i]
	}
	return all, nil
}

// errEnough ends a hunt whose page is full.
var errEnough = errors.New("enough")
