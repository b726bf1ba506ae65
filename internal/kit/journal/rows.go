package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sort"
	"strings"

	"belisha/internal/kit/store"
)

// insertRows notes the state of the protected rows a line wrote, and returns
// the digest that the line commits to ("" for none).
func (j *Journal) insertRows(ctx context.Context, tx *store.Tx, seq int64, rows []Row) (string, error) {
	if len(rows) == 0 {
		return "", nil
	}
	var all strings.Builder
	for i, r := range rows {
		state, gone, err := readRow(ctx, tx, j.protected[r.Table], r.ID)
		if err != nil {
			return "", err
		}
		// Only the newest digest of a row can be checked; without its salt an
		// older one tells nothing about what stood there.
		_, err = tx.ExecContext(ctx, "UPDATE journal_rows SET salt = '' WHERE table_name = $1 AND row_id = $2", r.Table, r.ID)
		if err != nil {
			return "", fmt.Errorf("noting a protected row: %w", err)
		}
		salt := newSalt()
		d := digest(salt, []byte(state))
		if gone {
			salt = ""
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO journal_rows (seq, place, table_name, row_id, gone, salt, digest)
			VALUES ($1, $2, $3, $4, $5, $6, $7)`, seq, int64(i), r.Table, r.ID, gone, salt, d)
		if err != nil {
			return "", fmt.Errorf("noting a protected row: %w", err)
		}
		all.WriteString(rowCommit(r.Table, r.ID, gone, d))
	}
	return digest("", []byte(all.String())), nil
}

func rowCommit(table, id string, gone bool, d string) string {
	return fmt.Sprintf("%s\x00%s\x00%t\x00%s\n", table, id, gone, d)
}

// readRow returns a row as text that is the same on both databases, or gone.
func readRow(ctx context.Context, q store.Querier, p Protected, id string) (state string, gone bool, err error) {
	// The names were checked by plainName when the journal was made.
	rows, err := q.QueryContext(ctx, "SELECT * FROM "+p.Table+" WHERE "+p.Key+" = $1", id) //nolint:gosec // plain names only
	if err != nil {
		return "", false, fmt.Errorf("reading %s: %w", p.Table, err)
	}
	defer func() { _ = rows.Close() }()
	if !rows.Next() {
		return "", true, rows.Err()
	}
	state, err = canonicalRow(rows)
	return state, false, errors.Join(err, rows.Err())
}

// columns reads the current row.
func columns(rows *sql.Rows) (cols []string, vals []any, err error) {
	cols, err = rows.Columns()
	if err != nil {
		return nil, nil, fmt.Errorf("reading a protected row: %w", err)
	}
	vals = make([]any, len(cols))
	ptrs := make([]any, len(cols))
	for i := range vals {
		ptrs[i] = &vals[i]
	}
	if err := rows.Scan(ptrs...); err != nil {
		return nil, nil, fmt.Errorf("reading a protected row: %w", err)
	}
	return cols, vals, nil
}

// canonicalRow is the current row as it is noted.
func canonicalRow(rows *sql.Rows) (string, error) {
	cols, vals, err := columns(rows)
	return canonical(cols, vals, false), err
}

// canonical writes columns in name order. What is zero, false or empty is left
// out, so that a column which a later version adds with such a default leaves
// every row as it was noted. Notes before that wrote every column.
func canonical(cols []string, vals []any, every bool) string {
	order := make([]int, len(cols))
	for i := range order {
		order[i] = i
	}
	sort.Slice(order, func(a, b int) bool { return cols[order[a]] < cols[order[b]] })
	var b strings.Builder
	for _, i := range order {
		v := canonicalValue(vals[i])
		if every || !zero(v) {
			fmt.Fprintf(&b, "%s=%s\x00", cols[i], v)
		}
	}
	return b.String()
}

func zero(value string) bool { return value == "i0" || value == "t0:" || value == "f0" }

// canonicalValue writes a value alike for both drivers: SQLite gives booleans
// and text in more than one Go type.
func canonicalValue(v any) string {
	switch x := v.(type) {
	case nil:
		return "n"
	case bool:
		if x {
			return "i1"
		}
		return "i0"
	case int64:
		return fmt.Sprintf("i%d", x)
	case []byte:
		return fmt.Sprintf("t%d:%s", len(x), x)
	case string:
		return fmt.Sprintf("t%d:%s", len(x), x)
	case float64:
		return fmt.Sprintf("f%g", x)
	default:
		return fmt.Sprintf("?%v", x)
	}
}

// keyedRow reads a row whose first column is its key.
func keyedRow(rows *sql.Rows) (id string, cols []string, vals []any, err error) {
	cols, vals, err = columns(rows)
	if err != nil {
		return "", nil, nil, err
	}
	switch k := vals[0].(type) {
	case string:
		id = k
	case []byte:
		id = string(k)
	default:
		id = fmt.Sprint(k)
	}
	return id, cols[1:], vals[1:], nil
}

// tells reports whether a row is as it was noted. A note from when every
// column was written tells of the columns that there were: later ones stand
// last, and are zero until something is written.
func (n note) tells(cols []string, vals []any) bool {
	if digest(n.salt, []byte(canonical(cols, vals, false))) == n.digest {
		return true
	}
	for i := len(cols); i > 0; i-- {
		if digest(n.salt, []byte(canonical(cols[:i], vals[:i], true))) == n.digest {
			return true
		}
		if !zero(canonicalValue(vals[i-1])) {
			break
		}
	}
	return false
}
