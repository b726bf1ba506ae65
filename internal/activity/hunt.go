package activity

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// How a day is searched. A question becomes sets of numbers, one set for each
// column it narrows. A set that is in few rows is followed through its index;
// otherwise the rows are walked back from the newest, a quarter of an hour at
// a time, where a set that is in many rows soon fills a page.
const (
	// followable is up to how many rows of an index are followed.
	followable = 20_000
	// maxFollowed is up to how many numbers of a set are followed.
	maxFollowed = 2_000
	// maxListed is up to how many numbers SQL compares; a longer set is tried
	// in Go.
	maxListed = 4_000
	walkStep  = 15 * time.Minute
)

// set is the numbers that satisfy one part of a question. Its rows are those
// where any of the columns holds one of that column's numbers.
type set struct {
	columns []string
	ids     map[string][]int64
}

func (s set) size() int {
	n := 0
	for _, ids := range s.ids {
		n += len(ids)
	}
	return n
}

// where is the set as a condition.
func (s set) where() string {
	var any []string
	for _, c := range s.columns {
		if ids := s.ids[c]; len(ids) > 0 {
			any = append(any, c+" IN ("+listed(ids)+")")
		}
	}
	return "(" + strings.Join(any, " OR ") + ")"
}

func listed(ids []int64) string {
	b := make([]byte, 0, len(ids)*7)
	for i, id := range ids {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, id, 10)
	}
	return string(b)
}

// hunt is the search of one day.
type hunt struct {
	q     *Query
	need  int
	below int64 // rows before this key only; 0: all

	// what came of it
	events     []Event
	keys       []int64
	reached    int64 // rows from here on have been seen
	reachedTop int64 // where the search of this day began

	db   *sql.DB
	base time.Time
	sets []set
	read *reader
	low  int64
	high int64 // exclusive
}

// run searches the day. Where ctx ends it, events and reached say how far it
// came.
func (h *hunt) run(ctx context.Context, d *day, db *sql.DB) error {
	h.db, h.base = db, d.base
	h.low, h.high = 0, 1<<62
	if !h.q.From.IsZero() {
		h.low = firstKey(h.base, h.q.From)
	}
	if !h.q.To.IsZero() {
		h.high = firstKey(h.base, h.q.To)
	}
	if h.below > 0 {
		h.high = min(h.high, h.below)
	}
	h.reached, h.reachedTop = h.high, h.high
	if h.low >= h.high {
		return nil
	}
	possible, err := h.resolve(ctx)
	if err != nil || !possible {
		return err
	}
	h.read = newReader(db, h.base)
	driver, err := h.cheapest(ctx)
	if err != nil {
		return err
	}
	if driver != nil {
		err = h.follow(ctx, *driver)
	} else {
		err = h.walk(ctx)
	}
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// conditions is the sets as SQL, without those too long for it.
func (h *hunt) conditions() string {
	var b strings.Builder
	for _, s := range h.sets {
		if s.size() <= maxListed {
			b.WriteString(" AND " + s.where())
		}
	}
	return b.String()
}

// cheapest picks the set in the fewest rows, or nil where none is in few.
func (h *hunt) cheapest(ctx context.Context) (*set, error) {
	var best *set
	least := followable + 1
	for i := range h.sets {
		s := &h.sets[i]
		if s.size() > maxFollowed {
			continue
		}
		n, err := h.count(ctx, *s, least)
		if err != nil {
			return nil, err
		}
		if s.size() == 1 && s.columns[0] == "subject" {
			n = min(n, followable) // one person's rows are followed however many
		}
		if n < least {
			best, least = s, n
		}
	}
	return best, nil
}

// count says in how many rows a set is, up to most. A column with no index
// yet counts as many.
func (h *hunt) count(ctx context.Context, s set, most int) (int, error) {
	total := 0
	for _, c := range s.columns {
		has, err := h.hasIndex(ctx, c)
		if err != nil {
			return 0, err
		}
		for _, id := range s.ids[c] {
			if !has {
				return most, nil
			}
			n, err := column[int](ctx, h.db, `SELECT count(*) FROM (SELECT 1 FROM events INDEXED BY events_`+c+
				` WHERE `+c+` = $1 AND `+c+` > 0 AND k >= $2 AND k < $3 LIMIT $4)`, id, h.low, h.high, most-total)
			if err != nil {
				return 0, fmt.Errorf("counting rows: %w", err)
			}
			total += n[0]
			if total >= most {
				return most, nil
			}
		}
	}
	return total, nil
}

func (h *hunt) hasIndex(ctx context.Context, column string) (bool, error) {
	var n int
	err := h.db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND name = $1`,
		"events_"+column).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("reading the indexes: %w", err)
	}
	return n > 0, nil
}

// follow collects the rows of a set through its indexes, newest first. One
// number alone is already in order.
func (h *hunt) follow(ctx context.Context, s set) error {
	more := h.conditions()
	if s.size() == 1 && len(s.columns) == 1 {
		c := s.columns[0]
		id := strconv.FormatInt(s.ids[c][0], 10)
		err := h.collect(ctx, selectEvents+` INDEXED BY events_`+c+` WHERE `+c+` = `+id+` AND `+c+` > 0 AND k >= `+
			strconv.FormatInt(h.low, 10)+` AND k < `+strconv.FormatInt(h.high, 10)+more+` ORDER BY k DESC LIMIT $1`)
		if err == nil {
			h.reached = h.low
		}
		return err
	}
	var keys []int64
	for _, c := range s.columns {
		for _, id := range s.ids[c] {
			found, err := column[int64](ctx, h.db, `SELECT k FROM events INDEXED BY events_`+c+
				` WHERE `+c+` = $1 AND `+c+` > 0 AND k >= $2 AND k < $3 ORDER BY k DESC`, id, h.low, h.high)
			if err != nil {
				return fmt.Errorf("following an index: %w", err)
			}
			keys = append(keys, found...)
		}
	}
	slices.SortFunc(keys, func(a, b int64) int { return cmp.Compare(b, a) })
	keys = slices.Compact(keys)
	for chunk := range slices.Chunk(keys, 200) {
		err := h.collect(ctx, selectEvents+` WHERE k IN (`+listed(chunk)+`)`+more+` ORDER BY k DESC LIMIT $1`)
		if err != nil {
			return err
		}
		h.reached = chunk[len(chunk)-1]
	}
	h.reached = h.low
	return nil
}

// walk goes back through the rows, a step at a time.
func (h *hunt) walk(ctx context.Context) error {
	var newest, oldest sql.NullInt64
	err := h.db.QueryRowContext(ctx, `SELECT (SELECT max(k) FROM events WHERE k < $1), (SELECT min(k) FROM events WHERE k >= $2)`,
		h.high, h.low).Scan(&newest, &oldest)
	if err != nil {
		return fmt.Errorf("finding the end of the day: %w", err)
	}
	if !newest.Valid || !oldest.Valid {
		h.reached = h.low
		return nil
	}
	more := h.conditions()
	step := int64(walkStep/time.Millisecond) << msShift
	for top := newest.Int64 + 1; top > oldest.Int64; top -= step {
		bottom := max(top-step, oldest.Int64)
		err := h.collect(ctx, selectEvents+` WHERE k >= `+strconv.FormatInt(bottom, 10)+
			` AND k < `+strconv.FormatInt(top, 10)+more+` ORDER BY k DESC LIMIT $1`)
		if err != nil {
			return err
		}
		h.reached = bottom
	}
	h.reached = h.low
	return nil
}

// collect adds the rows of a statement that satisfy every set. Where a set is
// too long for SQL the statement's limit does not hold.
func (h *hunt) collect(ctx context.Context, query string) error {
	limit := h.need - len(h.events)
	var long []set
	for _, s := range h.sets {
		if s.size() > maxListed {
			long = append(long, s)
			limit = -1
		}
	}
	raws, err := h.read.rows(ctx, query, limit, h.need-len(h.events), long)
	if err != nil {
		return err
	}
	events, err := h.read.events(ctx, raws)
	if err != nil {
		return err
	}
	h.events = append(h.events, events...)
	for _, r := range raws {
		h.keys = append(h.keys, r.key)
	}
	if len(h.events) >= h.need {
		return errEnough
	}
	return nil
}
