package concerns

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// Asked narrows a list of cases. The zero Asked is what is new and open.
// Nothing sealed is searched: what happened cannot be looked for by its words.
type Asked struct {
	State    string // "" is new and open; "all" is all
	Area     Area
	Kind     string
	Person   people.ID
	From, To people.Day
	Offset   int
}

// pageSize is how many cases one page shows.
const pageSize = 50

// anyCase reports whether there is any case at all.
func (r *Room) anyCase(ctx context.Context) (bool, error) {
	var n int
	err := r.d.DB.QueryRowContext(ctx, "SELECT count(*) FROM (SELECT id FROM concerns LIMIT 1) one").Scan(&n)
	if err != nil {
		return false, fmt.Errorf("looking whether a concern is kept: %w", err)
	}
	return n > 0, nil
}

// Listed is one line of a list.
type Listed struct {
	Case
	People []Person
}

// Page is one page of a list.
type Page struct {
	Lines []Listed
	Total int
	From  int // number of the first, from 1
	More  bool
}

// List returns the cases that whoever asks may open, the most urgent and the
// longest waiting first, and journals that the list was looked at.
func (r *Room) List(ctx context.Context, in Asked) (Page, error) {
	if err := r.mustBeReady(ctx); err != nil {
		return Page{}, err
	}
	rd, err := r.reader(ctx)
	if err != nil {
		return Page{}, err
	}
	cal, err := r.calendar(ctx)
	if err != nil {
		return Page{}, err
	}
	var a args
	where := rd.seesSQL(&a, r.now()) + in.where(r, &a, cal.Location())
	var p Page
	if err := r.d.DB.QueryRowContext(ctx, "SELECT count(*) FROM concerns c WHERE "+where, a.list...).Scan(&p.Total); err != nil {
		return p, fmt.Errorf("counting concerns: %w", err)
	}
	order := " ORDER BY c.risk DESC, c.reported_at, c.id"
	if in.State != "" {
		order = " ORDER BY c.reported_at DESC, c.id DESC"
	}
	in.Offset = max(in.Offset, 0)
	list, err := r.pageOf(ctx, where+order+fmt.Sprintf(" LIMIT %d OFFSET %d", pageSize, in.Offset), a.list)
	if err != nil {
		return p, err
	}
	p.From, p.More = in.Offset+1, in.Offset+len(list) < p.Total
	if p.Lines, err = r.withPeople(ctx, list); err != nil || len(list) == 0 {
		return p, err
	}
	return p, r.d.DB.Write(ctx, func(tx *store.Tx) error {
		return r.d.Journal.Write(ctx, tx, journal.Entry{Verb: VerbListed, Kind: LineList, ID: "list", After: map[string]int{"shown": len(list)}})
	})
}

// pageOf reads the cases of one page. Which they are is found in the lists'
// indexes first, so that what is sealed is read of these alone.
func (r *Room) pageOf(ctx context.Context, rest string, list []any) ([]Case, error) {
	found, err := ids(ctx, r.d.DB, "SELECT c.id FROM concerns c WHERE "+rest, list...)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	var a args
	var in []string
	for _, id := range found {
		in = append(in, a.add(id))
	}
	out, err := r.cases(ctx, "c.id IN ("+strings.Join(in, ", ")+")", a.list...)
	slices.SortFunc(out, func(x, y Case) int { return slices.Index(found, x.ID) - slices.Index(found, y.ID) })
	return out, err
}

func (in *Asked) where(r *Room, a *args, zone *time.Location) string {
	var w strings.Builder
	switch in.State {
	case "":
		w.WriteString(" AND c.state IN (" + a.add(CaseNew) + ", " + a.add(CaseOpen) + ")")
	case "all":
	default:
		w.WriteString(" AND c.state = " + a.add(in.State))
	}
	if in.Kind != "" {
		w.WriteString(" AND c.kind = " + a.add(in.Kind))
	} else if kinds := kindsOf(in.Area); len(kinds) > 0 {
		var in []string
		for _, k := range kinds {
			in = append(in, a.add(k))
		}
		w.WriteString(" AND c.kind IN (" + strings.Join(in, ", ") + ")")
	}
	if in.Person != "" {
		w.WriteString(" AND c.id IN (SELECT q.concern FROM concern_people q WHERE NOT q.gone AND q.role <> " + a.add(roleKept) +
			" AND q.mark = " + a.add(r.personMark(in.Person)) + ")")
	}
	if in.From.Valid() {
		w.WriteString(" AND c.reported_at >= " + a.add(store.Millis(in.From.Time(zone))))
	}
	if in.To.Valid() {
		w.WriteString(" AND c.reported_at < " + a.add(store.Millis(in.To.End(zone))))
	}
	return w.String()
}

// withPeople reads who is in the cases of one page.
func (r *Room) withPeople(ctx context.Context, list []Case) ([]Listed, error) {
	if len(list) == 0 {
		return nil, nil
	}
	var a args
	var in []string
	at := map[string]int{}
	out := make([]Listed, len(list))
	for i, c := range list {
		out[i].Case, at[c.ID] = c, i
		in = append(in, a.add(c.ID))
	}
	rows, err := r.d.DB.QueryContext(ctx, "SELECT concern, id, role, mark, sealed FROM concern_people WHERE NOT gone AND concern IN ("+
		strings.Join(in, ", ")+") ORDER BY id", a.list...)
	if err != nil {
		return nil, fmt.Errorf("reading who is in concerns: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var concern, sealed string
		var p Person
		if err := rows.Scan(&concern, &p.ID, &p.Role, &p.Mark, &sealed); err != nil {
			return nil, fmt.Errorf("reading who is in concerns: %w", err)
		}
		if err := r.unseal(ctx, "concern_people", p.ID, sealed, &p.Named); err != nil {
			return nil, err
		}
		i := at[concern]
		out[i].People = append(out[i].People, p)
	}
	return out, rows.Err()
}

// waitingCases are the cases that wait for the actor: those nobody has done
// anything about, and those they own.
func (r *Room) waitingCases(ctx context.Context, rd *reader) ([]Case, error) {
	var a args
	where := "c.state IN (" + a.add(CaseNew) + ", " + a.add(CaseOpen) + ") AND (c.state = " + a.add(CaseNew) + " OR c.owner = " + a.add(rd.a.Person) + ") AND " + rd.seesSQL(&a, r.now())
	return r.pageOf(ctx, where+" ORDER BY c.risk DESC, c.reported_at, c.id LIMIT 100", a.list)
}

// countedCases are the cases that are new or open, as far as a report counts
// them: how urgent, since when, and whether anybody has opened them.
func (r *Room) countedCases(ctx context.Context) ([]Case, error) {
	rows, err := r.d.DB.QueryContext(ctx, `SELECT risk, reported_at, read_at FROM concerns
		WHERE state IN ($1, $2) AND route IN ($3, $4) ORDER BY reported_at LIMIT 2000`, CaseNew, CaseOpen, string(ChildProtection), string(Behaviour))
	if err != nil {
		return nil, fmt.Errorf("counting what waits: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Case
	for rows.Next() {
		var c Case
		var reported, read store.Time
		if err := rows.Scan(&c.Risk, &reported, &read); err != nil {
			return nil, fmt.Errorf("counting what waits: %w", err)
		}
		c.Reported, c.Read = reported.Time, read.Time
		out = append(out, c)
	}
	return out, rows.Err()
}

// forced is one case that was opened by force.
type forced struct {
	ID, Concern, Person string
	At                  time.Time
}

func (r *Room) forcedSince(ctx context.Context, rd *reader, since time.Time) ([]forced, error) {
	var a args
	where := "s.kind = " + a.add(sightBreak) + " AND s.from_at >= " + a.add(store.Millis(since)) + " AND s.person <> " + a.add(rd.a.Person) +
		" AND (" + rd.goesSQL(&a) + " OR c.route IN (" + a.add(string(ChildProtection)) + ", " + a.add(string(Behaviour)) + ", " + a.add(string(SecurityRoute)) + ")) AND " + rd.freeSQL(&a)
	rows, err := r.d.DB.QueryContext(ctx, "SELECT s.id, s.concern, s.person, s.from_at FROM concern_sights s JOIN concerns c ON c.id = s.concern WHERE "+where+
		" ORDER BY s.from_at LIMIT 50", a.list...)
	if err != nil {
		return nil, fmt.Errorf("asking which concerns were opened by force: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []forced
	for rows.Next() {
		var f forced
		var at store.Time
		if err := rows.Scan(&f.ID, &f.Concern, &f.Person, &at); err != nil {
			return nil, fmt.Errorf("asking which concerns were opened by force: %w", err)
		}
		f.At = at.Time
		out = append(out, f)
	}
	return out, rows.Err()
}

// Wait is how long what was reported has waited for somebody to open it: no
// more than that, for the head.
type Wait struct {
	Unread int
	Oldest time.Time // zero: nothing waits
	Late   int       // those whose time to act is over
	Due    time.Time // when the first of these should have been acted on
}

// WaitingTimes counts what nobody has opened or acted on. It tells no case,
// and what is about the head is not counted: the head reads it.
func (r *Room) WaitingTimes(ctx context.Context) (Wait, error) {
	var w Wait
	var oldest store.Time
	err := r.d.DB.QueryRowContext(ctx, "SELECT count(*), COALESCE(min(reported_at), 0) FROM concerns WHERE state = $1 AND read_at = 0 AND route <> $2", CaseNew, string(HeadComplaint)).Scan(&w.Unread, &oldest)
	if err != nil {
		return w, fmt.Errorf("counting what waits: %w", err)
	}
	w.Oldest = oldest.Time
	var due store.Time
	err = r.d.DB.QueryRowContext(ctx, "SELECT count(*), COALESCE(min(due_at), 0) FROM concerns WHERE state = $1 AND first_at = 0 AND due_at < $2 AND route <> $3",
		CaseNew, store.Millis(r.now()), string(HeadComplaint)).Scan(&w.Late, &due)
	if err != nil {
		return w, fmt.Errorf("counting what waits: %w", err)
	}
	w.Due = due.Time
	return w, nil
}

// monthCount is how many of a kind were reported in a month.
type monthCount struct {
	Month, Kind string
	N           int
}

// monthCounts counts what was reported, month by month; what was entered in
// error does not count.
func (r *Room) monthCounts(ctx context.Context, from, to string) ([]monthCount, error) {
	rows, err := r.d.DB.QueryContext(ctx, `SELECT month, kind, count(*) FROM concerns WHERE month >= $1 AND month <= $2 AND state <> $3
		GROUP BY month, kind ORDER BY month, kind`, from, to, CaseVoid)
	if err != nil {
		return nil, fmt.Errorf("counting concerns by month: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []monthCount
	for rows.Next() {
		var m monthCount
		if err := rows.Scan(&m.Month, &m.Kind, &m.N); err != nil {
			return nil, fmt.Errorf("counting concerns by month: %w", err)
		}
		out = append(out, m)
	}
	return out, rows.Err()
}

// lastReported is when anything was last reported, zero for never.
func (r *Room) lastReported(ctx context.Context) (time.Time, error) {
	var at store.Time
	if err := r.d.DB.QueryRowContext(ctx, "SELECT COALESCE(max(reported_at), 0) FROM concerns").Scan(&at); err != nil {
		return time.Time{}, fmt.Errorf("asking for the latest concern: %w", err)
	}
	return at.Time, nil
}

// receipt is that somebody read or said something.
type receipt struct {
	Kind, Person, Post string
	At                 time.Time
}

func (r *Room) insertReceipt(ctx context.Context, tx *store.Tx, verb journal.Verb, x receipt) error {
	id := store.NewID(x.At)
	_, err := tx.ExecContext(ctx, "INSERT INTO concern_receipts (id, kind, person, post, at) VALUES ($1, $2, $3, $4, $5)",
		id, x.Kind, x.Person, x.Post, store.At(x.At))
	if err != nil {
		return fmt.Errorf("keeping a receipt: %w", err)
	}
	return r.line(ctx, tx, verb, "receipt", row("concern_receipts", id))
}

// lastReceipt is when somebody in a post ("" for any) last did something.
func (r *Room) lastReceipt(ctx context.Context, kind, post string) (receipt, error) {
	x := receipt{Kind: kind}
	rows, err := r.d.DB.QueryContext(ctx, "SELECT person, post, at FROM concern_receipts WHERE kind = $1 AND (post = $2 OR $2 = '') ORDER BY at DESC LIMIT 1", kind, post)
	if err != nil {
		return x, fmt.Errorf("reading the receipts: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var at store.Time
		if err := rows.Scan(&x.Person, &x.Post, &at); err != nil {
			return x, fmt.Errorf("reading the receipts: %w", err)
		}
		x.At = at.Time
	}
	return x, rows.Err()
}

// keepReceipt writes down that whoever asks read or said something.
func (r *Room) keepReceipt(ctx context.Context, verb journal.Verb, kind, post string) error {
	a := actor.From(ctx)
	if !person(a) {
		return store.ErrForbidden
	}
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		return r.insertReceipt(ctx, tx, verb, receipt{kind, a.Person, post, r.now()})
	})
}
