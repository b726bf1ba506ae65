package people

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"belisha/internal/kit/store"
)

const personColumns = `id, kind, given, family, preferred, born, username, email, upn, mis, sourced, source,
	year, class, site, from_day, until_day, no_access, version`

type scanner interface{ Scan(dest ...any) error }

func scanPerson(s scanner) (Person, error) {
	var p Person
	err := s.Scan(&p.ID, &p.Kind, &p.Given, &p.Family, &p.Preferred, &p.Born, &p.Username, &p.Email, &p.UPN, &p.MIS, &p.Sourced, &p.Source,
		&p.Year, &p.Class, &p.Site, &p.From, &p.Until, &p.NoAccess, &p.Version)
	return p, err
}

// Get returns a person, here or left.
func (r *Room) Get(ctx context.Context, id ID) (Person, error) { return r.get(ctx, r.db, id) }

func (r *Room) get(ctx context.Context, q store.Querier, id ID) (Person, error) {
	p, err := scanPerson(q.QueryRowContext(ctx, "SELECT "+personColumns+" FROM people WHERE id = $1", string(id)))
	if errors.Is(err, sql.ErrNoRows) {
		return Person{}, store.ErrNotFound
	}
	if err != nil {
		return Person{}, fmt.Errorf("reading a person: %w", err)
	}
	return p, nil
}

// ByUsername returns the person with the username, in any case of letters.
func (r *Room) ByUsername(ctx context.Context, name string) (Person, error) {
	p, err := r.owner(ctx, r.db, "username", strings.ToLower(clean(name)))
	if err == nil && p.ID == "" {
		return Person{}, store.ErrNotFound
	}
	return p, err
}

// owner returns who has the id, the zero Person for nobody.
func (r *Room) owner(ctx context.Context, q store.Querier, field, value string) (Person, error) {
	column := map[string]string{"username": "username", "upn": "upn", "sourced": "sourced"}[field]
	if value == "" || column == "" {
		return Person{}, nil
	}
	p, err := scanPerson(q.QueryRowContext(ctx, "SELECT "+personColumns+" FROM people WHERE "+column+" = $1", value)) //nolint:gosec // one of three names
	if errors.Is(err, sql.ErrNoRows) {
		return Person{}, nil
	}
	if err != nil {
		return Person{}, fmt.Errorf("looking for a %s: %w", field, err)
	}
	return p, nil
}

func searchText(p Person) string {
	return fold(strings.Join([]string{p.Given, p.Preferred, p.Family, p.Given, p.Username, p.Email, p.UPN, p.MIS, p.Class}, " "))
}

func sortName(p Person) string { return fold(p.Family + " " + p.First()) }

func (r *Room) insert(ctx context.Context, tx *store.Tx, p Person) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO people (`+personColumns+`, search, sort_name, changed_at)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22)`,
		string(p.ID), string(p.Kind), p.Given, p.Family, p.Preferred, string(p.Born), p.Username, p.Email, p.UPN, p.MIS, p.Sourced, p.Source,
		string(p.Year), p.Class, p.Site, string(p.From), string(p.Until), p.NoAccess, p.Version,
		searchText(p), sortName(p), store.Millis(r.clock.Now()))
	if err != nil {
		return fmt.Errorf("keeping a person: %w", err)
	}
	return nil
}

// update keeps p over the row whose version it was read at.
func (r *Room) update(ctx context.Context, tx *store.Tx, p Person) error {
	res, err := tx.ExecContext(ctx, `UPDATE people SET kind=$1, given=$2, family=$3, preferred=$4, born=$5, username=$6, email=$7, upn=$8,
		mis=$9, sourced=$10, source=$11, year=$12, class=$13, site=$14, from_day=$15, until_day=$16, no_access=$17,
		search=$18, sort_name=$19, changed_at=$20, version=version+1 WHERE id=$21 AND version=$22`,
		string(p.Kind), p.Given, p.Family, p.Preferred, string(p.Born), p.Username, p.Email, p.UPN, p.MIS, p.Sourced, p.Source,
		string(p.Year), p.Class, p.Site, string(p.From), string(p.Until), p.NoAccess,
		searchText(p), sortName(p), store.Millis(r.clock.Now()), string(p.ID), p.Version)
	if err != nil {
		return fmt.Errorf("keeping a person: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return fmt.Errorf("keeping a person: %w", err)
	}
	if n == 0 {
		return store.ErrStale
	}
	return nil
}

// Filter narrows a list of people. The zero Filter is everybody who is here.
type Filter struct {
	Kind   Kind
	Year   Year
	Stage  KeyStage
	Class  string
	Site   string
	Words  string // parts of names, usernames, numbers
	When   When
	Offset int
	Limit  int // 1 to 500; 0 is 50
}

// When says which time of people a list is about.
type When string

// The times.
const (
	WhenHere  When = ""      // at the school today
	WhenLeft  When = "left"  // gone
	WhenLater When = "later" // not yet here
	WhenAll   When = "all"
)

// maxWords bounds how many words of a search count.
const maxWords = 6

func (f Filter) where(today Day) (string, []any) {
	var conds []string
	var args []any
	add := func(cond string, v ...any) {
		for _, x := range v {
			args = append(args, x)
			cond = strings.Replace(cond, "?", fmt.Sprintf("$%d", len(args)), 1)
		}
		conds = append(conds, cond)
	}
	for column, v := range map[string]string{"kind": string(f.Kind), "year": string(f.Year), "class": f.Class, "site": f.Site} {
		if v != "" {
			add(column+" = ?", v)
		}
	}
	if f.Stage != "" {
		add("kind = 'pupil'")
		conds = append(conds, yearsOf(f.Stage))
	}
	words := strings.Fields(fold(clean(f.Words)))
	for _, w := range words[:min(len(words), maxWords)] {
		add(`search LIKE ? ESCAPE '\'`, "%"+store.LikeEscape(w)+"%")
	}
	d := string(today)
	switch f.When {
	case WhenLeft:
		add("until_day <> '' AND until_day < ?", d)
	case WhenLater:
		add("from_day > ?", d)
	case WhenAll:
	default:
		add("(until_day = '' OR until_day >= ?) AND from_day <= ?", d, d)
	}
	if len(conds) == 0 {
		return "", nil
	}
	return " WHERE " + strings.Join(conds, " AND "), args
}

// yearsOf is the SQL for the years of a key stage; the years are our own
// short words.
func yearsOf(s KeyStage) string {
	var in []string
	for _, y := range Years {
		if y.Stage() == s {
			in = append(in, "'"+string(y)+"'")
		}
	}
	if len(in) == 0 {
		return "1 = 0"
	}
	return "year IN (" + strings.Join(in, ", ") + ")"
}

// List returns people in the order of their family names, and how many there
// are in all.
func (r *Room) List(ctx context.Context, f Filter) ([]Person, int, error) {
	today, err := r.Today(ctx, firstOf(f.Site, MainSite))
	if err != nil {
		return nil, 0, err
	}
	where, args := f.where(today)
	var total int
	if err := r.db.QueryRowContext(ctx, "SELECT count(*) FROM people"+where, args...).Scan(&total); err != nil {
		return nil, 0, fmt.Errorf("counting people: %w", err)
	}
	limit := f.Limit
	if limit <= 0 || limit > 500 {
		limit = 50
	}
	out, err := r.people(ctx, r.db, fmt.Sprintf("%s ORDER BY sort_name, id LIMIT %d OFFSET %d", where, limit, max(f.Offset, 0)), args...)
	return out, total, err
}

// Each calls fn with everybody who fits the filter, in order, without a limit.
func (r *Room) Each(ctx context.Context, f Filter, fn func(Person) error) error {
	today, err := r.Today(ctx, firstOf(f.Site, MainSite))
	if err != nil {
		return err
	}
	where, args := f.where(today)
	rows, err := r.db.QueryContext(ctx, "SELECT "+personColumns+" FROM people"+where+" ORDER BY sort_name, id", args...)
	if err != nil {
		return fmt.Errorf("reading people: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		p, err := scanPerson(rows)
		if err != nil {
			return fmt.Errorf("reading people: %w", err)
		}
		if err := fn(p); err != nil {
			return err
		}
	}
	return rows.Err()
}

// people reads everybody that the rest of a query picks.
func (r *Room) people(ctx context.Context, q store.Querier, rest string, args ...any) ([]Person, error) {
	rows, err := q.QueryContext(ctx, "SELECT "+personColumns+" FROM people"+rest, args...)
	if err != nil {
		return nil, fmt.Errorf("reading people: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Person
	for rows.Next() {
		p, err := scanPerson(rows)
		if err != nil {
			return nil, fmt.Errorf("reading people: %w", err)
		}
		out = append(out, p)
	}
	return out, rows.Err()
}

// Classes returns the registration classes of pupils who are here, and the
// years, for filters.
func (r *Room) Classes(ctx context.Context) ([]string, error) {
	rows, err := r.db.QueryContext(ctx, "SELECT DISTINCT class FROM people WHERE kind = 'pupil' AND class <> '' ORDER BY class")
	if err != nil {
		return nil, fmt.Errorf("reading classes: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		var c string
		if err := rows.Scan(&c); err != nil {
			return nil, fmt.Errorf("reading classes: %w", err)
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

// Counts returns how many people of each kind are here today.
func (r *Room) Counts(ctx context.Context) (map[Kind]int, error) {
	today, err := r.Today(ctx, MainSite)
	if err != nil {
		return nil, err
	}
	where, args := Filter{}.where(today)
	rows, err := r.db.QueryContext(ctx, "SELECT kind, count(*) FROM people"+where+" GROUP BY kind", args...)
	if err != nil {
		return nil, fmt.Errorf("counting people: %w", err)
	}
	defer func() { _ = rows.Close() }()
	out := map[Kind]int{}
	for rows.Next() {
		var k Kind
		var n int
		if err := rows.Scan(&k, &n); err != nil {
			return nil, fmt.Errorf("counting people: %w", err)
		}
		out[k] = n
	}
	return out, rows.Err()
}

// GetTx is Get within a change that is already under way.
func (r *Room) GetTx(ctx context.Context, tx *store.Tx, id ID) (Person, error) {
	return r.get(ctx, tx, id)
}
