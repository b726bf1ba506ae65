package classroom

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"belisha/internal/kit/store"
)

const previewColumns = "id, host, verdict, from_year, to_year, note, looked_at, looked_by"

func scanPreview(scan func(...any) error) (Preview, error) {
	var p Preview
	var at store.Time
	err := scan(&p.ID, &p.Host, &p.Verdict, &p.FromYear, &p.ToYear, &p.Note, &at, &p.LookedBy)
	p.LookedAt = at.Time
	return p, err
}

// newestPreview is the look at a host that counts.
func newestPreview(ctx context.Context, q store.Querier, host string) (Preview, error) {
	p, err := scanPreview(q.QueryRowContext(ctx, "SELECT "+previewColumns+" FROM class_previews WHERE newest AND host = $1", host).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return p, store.ErrNotFound
	}
	if err != nil {
		return p, fmt.Errorf("reading who looked at a site: %w", err)
	}
	return p, nil
}

func insertPreview(ctx context.Context, tx *store.Tx, p Preview) error {
	if _, err := tx.ExecContext(ctx, "UPDATE class_previews SET newest = FALSE WHERE host = $1 AND newest", p.Host); err != nil {
		return fmt.Errorf("keeping a look at a site: %w", err)
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO class_previews ("+previewColumns+", newest) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, TRUE)",
		p.ID, p.Host, string(p.Verdict), string(p.FromYear), string(p.ToYear), p.Note, store.At(p.LookedAt), string(p.LookedBy))
	if err != nil {
		return fmt.Errorf("keeping a look at a site: %w", err)
	}
	return nil
}

// previewFilter narrows the register.
type previewFilter struct {
	Words   string
	Verdict Verdict
	Limit   int
	Offset  int
}

// findPreviews are the looks that count, by the name of the site.
func findPreviews(ctx context.Context, q store.Querier, f previewFilter) ([]Preview, int, error) {
	where, args := []string{"newest"}, []any{}
	if f.Words != "" {
		args = append(args, "%"+store.LikeEscape(strings.ToLower(f.Words))+"%")
		where = append(where, fmt.Sprintf(`host LIKE $%d ESCAPE '\'`, len(args)))
	}
	if f.Verdict != "" {
		args = append(args, string(f.Verdict))
		where = append(where, fmt.Sprintf("verdict = $%d", len(args)))
	}
	cond := " FROM class_previews WHERE " + strings.Join(where, " AND ")
	var n int
	if err := q.QueryRowContext(ctx, "SELECT COUNT(*)"+cond, args...).Scan(&n); err != nil {
		return nil, 0, fmt.Errorf("counting the sites looked at: %w", err)
	}
	args = append(args, f.Limit, f.Offset)
	rows, err := q.QueryContext(ctx, fmt.Sprintf("SELECT %s%s ORDER BY host LIMIT $%d OFFSET $%d", previewColumns, cond, len(args)-1, len(args)), args...)
	list, err := each(rows, err, scanPreview, "the sites looked at")
	return list, n, err
}

// looksAt are all looks at a host, newest first.
func looksAt(ctx context.Context, q store.Querier, host string) ([]Preview, error) {
	rows, err := q.QueryContext(ctx, "SELECT "+previewColumns+" FROM class_previews WHERE host = $1 ORDER BY looked_at DESC, id DESC LIMIT 200", host)
	return each(rows, err, scanPreview, "who looked at a site")
}
