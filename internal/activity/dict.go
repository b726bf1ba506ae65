package activity

import (
	"context"
	"database/sql"
	"fmt"
)

// Sizes of a dictionary's cache, in entries of one generation. A text that
// has fallen out of the cache is entered a second time.
const (
	cacheSmall = 50_000
	cacheLarge = 100_000
)

// dict turns the words of one dictionary into numbers while a day is written.
// Two generations of cache bound its memory: what is used again moves to the
// younger one, the rest is forgotten.
type dict struct {
	name  string
	limit int
	next  int64
	young map[string]int64
	old   map[string]int64
	add   *sql.Stmt
}

// loadDict reads what the day already has, the newest entries first.
func loadDict(ctx context.Context, conn *sql.Conn, name string) (*dict, error) {
	d := &dict{name: name, limit: cacheSmall, young: map[string]int64{}, old: map[string]int64{}}
	if name == dictPaths || name == dictHosts {
		d.limit = cacheLarge
	}
	add, err := conn.PrepareContext(ctx, `INSERT INTO `+name+` (id, text) VALUES ($1, $2)`)
	if err != nil {
		return nil, fmt.Errorf("preparing the dictionary %s: %w", name, err)
	}
	d.add = add
	// The highest number is remembered even where the last entries were
	// erased, so that a number never changes its meaning.
	err = conn.QueryRowContext(ctx, `SELECT coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE name = $1),
		(SELECT max(id) FROM `+name+`), 0)`, "last "+name).Scan(&d.next)
	if err != nil {
		return nil, fmt.Errorf("reading the end of the dictionary %s: %w", name, err)
	}
	var highest int64
	err = conn.QueryRowContext(ctx, `SELECT coalesce(max(id), 0) FROM `+name).Scan(&highest)
	if err != nil {
		return nil, fmt.Errorf("reading the end of the dictionary %s: %w", name, err)
	}
	d.next = max(d.next, highest)
	rows, err := conn.QueryContext(ctx, `SELECT id, text FROM `+name+` ORDER BY id DESC LIMIT $1`, d.limit)
	if err != nil {
		return nil, fmt.Errorf("reading the dictionary %s: %w", name, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id int64
		var text string
		if err := rows.Scan(&id, &text); err != nil {
			return nil, fmt.Errorf("reading the dictionary %s: %w", name, err)
		}
		d.young[text] = id
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading the dictionary %s: %w", name, err)
	}
	return d, nil
}

// id answers the number of text, entering it if it is new. The empty text is
// always 0 and stands in no dictionary.
func (d *dict) id(ctx context.Context, text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	if id, ok := d.young[text]; ok {
		return id, nil
	}
	if id, ok := d.old[text]; ok {
		d.remember(text, id)
		return id, nil
	}
	id := d.next + 1
	if _, err := d.add.ExecContext(ctx, id, text); err != nil {
		return 0, fmt.Errorf("entering a word in %s: %w", d.name, err)
	}
	d.next = id
	d.remember(text, id)
	return id, nil
}

func (d *dict) remember(text string, id int64) {
	if len(d.young) >= d.limit {
		d.old, d.young = d.young, make(map[string]int64, d.limit)
	}
	d.young[text] = id
}
