package notice

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"belisha/internal/kit/store"
)

// kept is a notice as it lies in the outbox.
type kept struct {
	Notice
	id   string
	made time.Time
}

func insert(ctx context.Context, tx *store.Tx, n Notice, now time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO notices (id, about, people, posts, leave_out, what, link, risk, made_at, after_at, closed_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0)`,
		store.NewID(now), n.Key, strings.Join(n.To, " "), strings.Join(n.Posts, " "), strings.Join(n.Not, " "),
		n.What, n.Link, n.Risk, store.At(now), store.At(n.After))
	if err != nil {
		return fmt.Errorf("keeping a notice: %w", err)
	}
	return nil
}

// mostOpen bounds what one run looks at; the most urgent and oldest come
// first.
const mostOpen = 2000

// open are the notices that somebody may still have to be told of.
func (o *Outbox) open(ctx context.Context, now time.Time) ([]kept, error) {
	rows, err := o.DB.QueryContext(ctx, `SELECT id, about, people, posts, leave_out, what, link, risk, made_at
		FROM notices WHERE closed_at = 0 AND after_at <= $1 ORDER BY risk DESC, made_at, id LIMIT $2`, store.At(now), mostOpen)
	if err != nil {
		return nil, fmt.Errorf("reading what is to be told: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []kept
	for rows.Next() {
		var k kept
		var to, posts, not string
		var made store.Time
		if err := rows.Scan(&k.id, &k.Key, &to, &posts, &not, &k.What, &k.Link, &k.Risk, &made); err != nil {
			return nil, fmt.Errorf("reading what is to be told: %w", err)
		}
		k.To, k.Posts, k.Not, k.made = strings.Fields(to), strings.Fields(posts), strings.Fields(not), made.Time
		out = append(out, k)
	}
	return out, rows.Err()
}

// The states of a mail.
const (
	mailSent     = "sent"
	mailTrying   = "trying"
	mailRefused  = "refused" // the server will never take it
	mailGivenUp  = "given up"
	mailUnwanted = "unwanted" // the reader switched gathered mails off
)

// mail is what became of telling one person of one thing.
type mail struct {
	about, person, state, why string
	gathered                  bool
	tries                     int
	first, at, next           time.Time
}

func (m mail) settled() bool { return m.state != "" && m.state != mailTrying }

// mails are what became of telling anybody of one thing, by person.
func (o *Outbox) mails(ctx context.Context, about string) (map[string]mail, error) {
	rows, err := o.DB.QueryContext(ctx, `SELECT about, person, state, why, gathered, tries, first_at, at, next_at
		FROM notice_mails WHERE about = $1`, about)
	if err != nil {
		return nil, fmt.Errorf("reading who was told: %w", err)
	}
	list, err := scanMails(rows)
	out := map[string]mail{}
	for _, m := range list {
		out[m.person] = m
	}
	return out, err
}

func scanMails(rows *sql.Rows) ([]mail, error) {
	defer func() { _ = rows.Close() }()
	var out []mail
	for rows.Next() {
		var m mail
		var first, at, next store.Time
		if err := rows.Scan(&m.about, &m.person, &m.state, &m.why, &m.gathered, &m.tries, &first, &at, &next); err != nil {
			return nil, fmt.Errorf("reading who was told: %w", err)
		}
		m.first, m.at, m.next = first.Time, at.Time, next.Time
		out = append(out, m)
	}
	return out, rows.Err()
}

func saveMail(ctx context.Context, tx *store.Tx, m mail, now time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO notice_mails (id, about, person, state, gathered, tries, first_at, at, next_at, why)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (about, person) DO UPDATE SET state = excluded.state, gathered = excluded.gathered, tries = excluded.tries,
			at = excluded.at, next_at = excluded.next_at, why = excluded.why`,
		store.NewID(now), m.about, m.person, m.state, m.gathered, m.tries, store.At(m.first), store.At(m.at), store.At(m.next), m.why)
	if err != nil {
		return fmt.Errorf("keeping who was told: %w", err)
	}
	return nil
}

func closeNotice(ctx context.Context, tx *store.Tx, id string, now time.Time) error {
	if _, err := tx.ExecContext(ctx, "UPDATE notices SET closed_at = $1 WHERE id = $2", store.At(now), id); err != nil {
		return fmt.Errorf("closing a notice: %w", err)
	}
	return nil
}

// lastMailed is when somebody was last sent a mail: one of gathered notices,
// or an urgent one.
func (o *Outbox) lastMailed(ctx context.Context, person string, gathered bool) (time.Time, error) {
	var at store.Time
	err := o.DB.QueryRowContext(ctx, `SELECT COALESCE(MAX(at), 0) FROM notice_mails
		WHERE person = $1 AND gathered = $2 AND state = $3`, person, gathered, mailSent).Scan(&at)
	if err != nil {
		return time.Time{}, fmt.Errorf("reading when somebody was last told: %w", err)
	}
	return at.Time, nil
}

// wants reports whether somebody wants gathered mails, as everybody does who
// has not said otherwise.
func (o *Outbox) wants(ctx context.Context, person string) (bool, error) {
	yes := true
	err := o.DB.QueryRowContext(ctx, "SELECT gathered FROM notice_wishes WHERE person = $1", person).Scan(&yes)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return false, fmt.Errorf("reading who wants mails: %w", err)
	}
	return yes, nil
}

func saveWish(ctx context.Context, tx *store.Tx, person string, gathered bool, now time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO notice_wishes (person, gathered, at) VALUES ($1, $2, $3)
		ON CONFLICT (person) DO UPDATE SET gathered = excluded.gathered, at = excluded.at`, person, gathered, store.At(now))
	if err != nil {
		return fmt.Errorf("keeping who wants mails: %w", err)
	}
	return nil
}

// agreed are the agreements that hold, of one person or, for "", of all.
func (o *Outbox) agreed(ctx context.Context, person string) ([]Agreed, error) {
	q, args := "SELECT id, person, weekday, from_min, until_min, agreed_at FROM notice_hours WHERE ended_at = 0", []any{}
	if person != "" {
		q, args = q+" AND person = $1", append(args, person)
	}
	rows, err := o.DB.QueryContext(ctx, q+" ORDER BY weekday, from_min, id LIMIT 500", args...)
	if err != nil {
		return nil, fmt.Errorf("reading who agreed to look when: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Agreed
	for rows.Next() {
		var a Agreed
		var at store.Time
		if err := rows.Scan(&a.ID, &a.Person, &a.Weekday, &a.From, &a.Until, &at); err != nil {
			return nil, fmt.Errorf("reading who agreed to look when: %w", err)
		}
		a.At = at.Time
		out = append(out, a)
	}
	return out, rows.Err()
}

func insertHours(ctx context.Context, tx *store.Tx, a Agreed) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO notice_hours (id, person, weekday, from_min, until_min, agreed_at, ended_at)
		VALUES ($1, $2, $3, $4, $5, $6, 0)`, a.ID, a.Person, a.Weekday, a.From, a.Until, store.At(a.At))
	if err != nil {
		return fmt.Errorf("keeping who looks when: %w", err)
	}
	return nil
}

func endHours(ctx context.Context, tx *store.Tx, id, person string, now time.Time) error {
	res, err := tx.ExecContext(ctx, "UPDATE notice_hours SET ended_at = $1 WHERE id = $2 AND person = $3 AND ended_at = 0",
		store.At(now), id, person)
	if err != nil {
		return fmt.Errorf("ending an agreement to look: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return errors.Join(err, store.ErrNotFound)
	}
	return nil
}

// How long what is over is remembered: a notice's words for a month, that
// somebody was told for good measure more than a year.
const (
	keepWords = 30 * 24 * time.Hour
	keepTold  = 400 * 24 * time.Hour
	// oldest is when a notice that could never be sent is let go.
	oldest = 120 * 24 * time.Hour
)

// forget removes what is long over. It tells nothing of anybody, so it leaves
// no line in the journal.
func (o *Outbox) forget(ctx context.Context) error {
	now := o.Clock.Now()
	return o.DB.Write(ctx, func(tx *store.Tx) error {
		for _, step := range []struct {
			q      string
			before time.Duration
		}{
			{"DELETE FROM notices WHERE closed_at > 0 AND closed_at < $1", keepWords},
			{"DELETE FROM notices WHERE made_at < $1 AND after_at < $1", oldest},
			{"DELETE FROM notice_mails WHERE at < $1", keepTold},
		} {
			if _, err := tx.ExecContext(ctx, step.q, store.At(now.Add(-step.before))); err != nil {
				return fmt.Errorf("forgetting old notices: %w", err)
			}
		}
		return nil
	})
}

// counts is how much waits to be mailed, since when, and how many mails of the
// last month never arrived.
func (o *Outbox) counts(ctx context.Context, now time.Time) (waiting int, oldest time.Time, lost int, err error) {
	var since store.Time
	err = o.DB.QueryRowContext(ctx, "SELECT COUNT(*), COALESCE(MIN(made_at), 0) FROM notices WHERE closed_at = 0 AND after_at <= $1", store.At(now)).
		Scan(&waiting, &since)
	if err == nil {
		err = o.DB.QueryRowContext(ctx, "SELECT COUNT(*) FROM notice_mails WHERE state IN ($1, $2) AND at > $3",
			mailRefused, mailGivenUp, store.At(now.Add(-keepWords))).Scan(&lost)
	}
	if err != nil {
		return 0, time.Time{}, 0, fmt.Errorf("counting the mails: %w", err)
	}
	return waiting, since.Time, lost, nil
}
