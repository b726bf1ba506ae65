package access

import (
	"context"
	"fmt"
	"strings"

	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// States that a list of accounts may be narrowed to.
const (
	StateTemporary = "temporary"
	StateResting   = "resting"
	StateClosed    = "closed"
)

// ListFilter narrows List.
type ListFilter struct {
	Words  string
	State  string
	Offset int
}

// Listed is an account with whose it is.
type Listed struct {
	Account Account
	Name    string
	Kind    people.Kind
}

// List returns accounts in the order of their usernames, a page of them, and
// how many there are in all.
func (r *Room) List(ctx context.Context, f ListFilter) ([]Listed, int, error) {
	where, args := f.where(store.Millis(r.Clock.Now()))
	from := accountTables + " JOIN people p ON p.id = a.person" + where
	var total int
	if err := r.DB.QueryRowContext(ctx, "SELECT count(*)"+from, args...).Scan(&total); err != nil {
		return nil, 0, fmt.Errorf("counting accounts: %w", err)
	}
	list, err := accounts(ctx, r.DB, " JOIN people p ON p.id = a.person"+where+fmt.Sprintf(" ORDER BY a.username LIMIT %d OFFSET %d", perPage, max(f.Offset, 0)), args...)
	if err != nil {
		return nil, 0, err
	}
	out := make([]Listed, 0, len(list))
	for _, a := range list {
		p, err := r.People.Get(ctx, a.Person)
		if err != nil {
			return nil, 0, err
		}
		out = append(out, Listed{a, p.Name(), p.Kind})
	}
	return out, total, nil
}

func (f ListFilter) where(now int64) (string, []any) {
	var conds []string
	var args []any
	if w := strings.ToLower(strings.TrimSpace(f.Words)); w != "" {
		args = append(args, "%"+store.LikeEscape(w)+"%")
		conds = append(conds, `(a.username LIKE $1 ESCAPE '\' OR p.search LIKE $1 ESCAPE '\')`)
	}
	switch f.State {
	case StateTemporary:
		conds = append(conds, "a.temporary_until <> 0")
	case StateResting:
		args = append(args, now)
		conds = append(conds, fmt.Sprintf("t.locked_until > $%d", len(args)))
	case StateClosed:
		args = append(args, true)
		conds = append(conds, fmt.Sprintf("a.disabled = $%d", len(args)))
	}
	if len(conds) == 0 {
		return "", nil
	}
	return " WHERE " + strings.Join(conds, " AND "), args
}
