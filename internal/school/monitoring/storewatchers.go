package monitoring

import (
	"context"
	"fmt"
	"time"

	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

func (r *Room) unreviewedLooks(ctx context.Context, from, to time.Time) ([]Look, error) {
	return r.looksWhere(ctx, `LEFT JOIN watch_review_looks w ON w.look = l.id
		WHERE w.look IS NULL AND l.looked_at >= $1 AND l.looked_at < $2 ORDER BY l.looked_at, l.id LIMIT $3`,
		store.Millis(from), store.Millis(to), maxReviewed)
}

// watchers sums the looks of a period by who looked.
func (r *Room) watchers(ctx context.Context, from, to time.Time, me string) ([]Watcher, error) {
	rows, err := r.d.DB.QueryContext(ctx, `SELECT actor, kind, COUNT(*), SUM(rows_n), MAX(looked_at) FROM monitoring_looks
		WHERE looked_at >= $1 AND looked_at < $2 GROUP BY actor, kind ORDER BY actor, kind`, store.Millis(from), store.Millis(to))
	if err != nil {
		return nil, fmt.Errorf("summing up who looked: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all []Watcher
	for rows.Next() {
		var who, kind string
		var n, seen int
		var last store.Time
		if err := rows.Scan(&who, &kind, &n, &seen, &last); err != nil {
			return nil, fmt.Errorf("summing up who looked: %w", err)
		}
		if len(all) == 0 || all[len(all)-1].Actor != who {
			all = append(all, Watcher{Actor: who, Counts: map[string]int{}, Own: who == me})
		}
		w := &all[len(all)-1]
		w.Counts[kind] += n
		w.Looks += n
		w.Rows += seen
		if last.After(w.Last) {
			w.Last = last.Time
		}
	}
	return all, rows.Err()
}

func insertReview(ctx context.Context, tx *store.Tx, v Review, digest, remarks string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO watch_reviews (id, from_at, to_at, reviewer, signed_at, looks, digest, remarks)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		v.ID, store.At(v.From), store.At(v.To), v.Reviewer, store.At(v.Signed), v.Looks, digest, remarks)
	if err != nil {
		return fmt.Errorf("keeping a review: %w", err)
	}
	return nil
}

// insertReviewed notes that a look was reviewed. One that somebody else
// reviewed in the meantime makes the whole review stale.
func insertReviewed(ctx context.Context, tx *store.Tx, review, look string) error {
	done, err := tx.ExecContext(ctx, `INSERT INTO watch_review_looks (look, review) VALUES ($1, $2) ON CONFLICT (look) DO NOTHING`, look, review)
	return changedOne(done, err, "keeping what was reviewed")
}

// reviews are those of periods that began since a moment, newest first.
func (r *Room) reviews(ctx context.Context, since time.Time) ([]Review, error) {
	rows, err := r.d.DB.QueryContext(ctx, `SELECT id, from_at, to_at, reviewer, signed_at, looks, remarks FROM watch_reviews
		WHERE from_at >= $1 ORDER BY from_at DESC, signed_at DESC LIMIT 200`, store.Millis(since))
	if err != nil {
		return nil, fmt.Errorf("reading the reviews: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all []Review
	for rows.Next() {
		var v Review
		var remarks string
		var from, to, signed store.Time
		if err := rows.Scan(&v.ID, &from, &to, &v.Reviewer, &signed, &v.Looks, &remarks); err != nil {
			return nil, fmt.Errorf("reading a review: %w", err)
		}
		v.From, v.To, v.Signed = from.Time, to.Time, signed.Time
		if v.Remarks, err = r.unsealText(ctx, "watch-reviews", v.ID, remarks); err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

func insertMeeting(ctx context.Context, tx *store.Tx, m Meeting, note string, at time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO support_meetings (id, person, held_on, note, held_by, kept_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		m.ID, string(m.Person), string(m.On), note, m.By, store.At(at))
	if err != nil {
		return fmt.Errorf("keeping a talk: %w", err)
	}
	return nil
}

// meetings are the talks since a day, newest first.
func (r *Room) meetings(ctx context.Context, since people.Day) ([]Meeting, error) {
	rows, err := r.d.DB.QueryContext(ctx, `SELECT id, person, held_on, note, held_by FROM support_meetings
		WHERE held_on >= $1 ORDER BY held_on DESC, id DESC LIMIT 200`, string(since))
	if err != nil {
		return nil, fmt.Errorf("reading the talks: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all []Meeting
	for rows.Next() {
		var m Meeting
		var note string
		if err := rows.Scan(&m.ID, &m.Person, &m.On, &note, &m.By); err != nil {
			return nil, fmt.Errorf("reading a talk: %w", err)
		}
		if m.Note, err = r.unsealText(ctx, "support-meetings", m.ID, note); err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, rows.Err()
}

// firstLook is when anybody first looked; zero for never.
func (r *Room) firstLook(ctx context.Context) (time.Time, error) {
	var at store.Time
	err := r.d.DB.QueryRowContext(ctx, `SELECT COALESCE(MIN(looked_at), 0) FROM monitoring_looks`).Scan(&at)
	if err != nil {
		return time.Time{}, fmt.Errorf("asking since when there are looks: %w", err)
	}
	return at.Time, nil
}

// dayLooks are the looks of one person on one day that nobody reviewed.
type dayLooks struct {
	day   people.Day
	actor string
	n     int
}

// waitingByDay sums up the looks that nobody reviewed. It reads them once, so
// that a year of looks costs one question.
func (r *Room) waitingByDay(ctx context.Context, from, to time.Time, zone *time.Location) ([]dayLooks, error) {
	rows, err := r.d.DB.QueryContext(ctx, `SELECT l.actor, l.looked_at FROM monitoring_looks l LEFT JOIN watch_review_looks w ON w.look = l.id
		WHERE w.look IS NULL AND l.looked_at >= $1 AND l.looked_at < $2 ORDER BY l.looked_at LIMIT $3`, store.Millis(from), store.Millis(to), maxReviewed)
	if err != nil {
		return nil, fmt.Errorf("counting the looks that wait for a review: %w", err)
	}
	defer func() { _ = rows.Close() }()
	sums := map[dayLooks]int{}
	for rows.Next() {
		var who string
		var at store.Time
		if err := rows.Scan(&who, &at); err != nil {
			return nil, fmt.Errorf("counting the looks that wait for a review: %w", err)
		}
		sums[dayLooks{day: people.DayOf(at.In(zone)), actor: who}]++
	}
	var all []dayLooks
	for k, n := range sums {
		k.n = n
		all = append(all, k)
	}
	return all, rows.Err()
}
