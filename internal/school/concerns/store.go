package concerns

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// found makes the store's word of a row that is not there.
func found(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return store.ErrNotFound
	}
	return err
}

// changedOne is ErrStale where an update changed nothing.
func changedOne(done sql.Result, err error) error {
	if err != nil {
		return fmt.Errorf("changing a concern: %w", err)
	}
	n, err := done.RowsAffected()
	if err != nil {
		return fmt.Errorf("changing a concern: %w", err)
	}
	if n == 0 {
		return store.ErrStale
	}
	return nil
}

const caseColumns = `c.id, c.form, c.source, c.kind, c.also, c.route, c.tier, c.sight, c.risk, c.state, c.owner,
	c.danger, c.images, c.care, c.hold, c.confidential, c.reporter, c.reply_code, c.about, c.month,
	c.reported_at, c.clock_at, c.due_at, c.read_at, c.first_at, c.referral_due_at, c.decided_at, c.closed_at, c.keep_from, c.version`

func scanCase(scan func(...any) error) (Case, error) {
	var c Case
	var also string
	var reported, clock, due, read, first, referral, decided, closed store.Time
	err := scan(&c.ID, &c.Form, &c.Source, &c.Kind, &also, &c.Route, &c.Tier, &c.Sight, &c.Risk, &c.State, &c.Owner,
		&c.Danger, &c.Images, &c.Care, &c.Hold, &c.Confidential, &c.Reporter, &c.ReplyCode, &c.sealed, &c.Month,
		&reported, &clock, &due, &read, &first, &referral, &decided, &closed, &c.KeepFrom, &c.Version)
	if err != nil {
		return Case{}, fmt.Errorf("reading a concern: %w", found(err))
	}
	if also != "" {
		c.Also = strings.Split(also, ",")
	}
	c.Reported, c.Clock, c.Due, c.Read, c.First = reported.Time, clock.Time, due.Time, read.Time, first.Time
	c.ReferralDue, c.Decided, c.ClosedAt = referral.Time, decided.Time, closed.Time
	return c, nil
}

// caseOf reads a case with what its head has sealed.
func (r *Room) caseOf(ctx context.Context, q store.Querier, id string) (Case, error) {
	c, err := scanCase(q.QueryRowContext(ctx, "SELECT "+caseColumns+" FROM concerns c WHERE c.id = $1", id).Scan)
	if err != nil {
		return c, err
	}
	return c, r.unseal(ctx, "concerns", c.ID, c.sealed, &c.About)
}

// routeOf is which way a case goes, "" for none that is there.
func routeOf(ctx context.Context, q store.Querier, id string) (route Route, err error) {
	err = q.QueryRowContext(ctx, "SELECT route FROM concerns WHERE id = $1", id).Scan(&route)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading which way a concern goes: %w", err)
	}
	return route, nil
}

// byForm finds what was made of a form that was sent before.
func byForm(ctx context.Context, q store.Querier, form string) (Case, error) {
	return scanCase(q.QueryRowContext(ctx, "SELECT "+caseColumns+" FROM concerns c WHERE c.form = $1", form).Scan)
}

func (r *Room) insertCase(ctx context.Context, tx *store.Tx, c *Case) error {
	sealed, err := r.seal(ctx, "concerns", c.ID, c.About)
	if err != nil {
		return err
	}
	c.Version, c.sealed = 1, sealed
	_, err = tx.ExecContext(ctx, `INSERT INTO concerns (id, form, source, kind, also, route, tier, sight, risk, state, owner,
		danger, images, care, hold, confidential, reporter, reply_code, about, month,
		reported_at, clock_at, due_at, read_at, first_at, referral_due_at, decided_at, closed_at, keep_from, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30)`,
		c.ID, c.Form, c.Source, c.Kind, strings.Join(c.Also, ","), string(c.Route), c.Tier, c.Sight, c.Risk, c.State, string(c.Owner),
		c.Danger, c.Images, c.Care, c.Hold, c.Confidential, c.Reporter, c.ReplyCode, sealed, c.Month,
		store.At(c.Reported), store.At(c.Clock), store.At(c.Due), store.At(c.Read), store.At(c.First),
		store.At(c.ReferralDue), store.At(c.Decided), store.At(c.ClosedAt), c.KeepFrom, c.Version)
	if err != nil {
		return fmt.Errorf("keeping a concern: %w", err)
	}
	return nil
}

// updateCase keeps what may change of a case. A case that somebody changed
// meanwhile is ErrStale.
func updateCase(ctx context.Context, tx *store.Tx, c *Case) error {
	done, err := tx.ExecContext(ctx, `UPDATE concerns SET kind = $1, also = $2, route = $3, tier = $4, sight = $5, risk = $6, state = $7,
		owner = $8, images = $9, care = $10, hold = $11, due_at = $12, read_at = $13, first_at = $14, referral_due_at = $15,
		decided_at = $16, closed_at = $17, keep_from = $18, version = version + 1 WHERE id = $19 AND version = $20`,
		c.Kind, strings.Join(c.Also, ","), string(c.Route), c.Tier, c.Sight, c.Risk, c.State,
		string(c.Owner), c.Images, c.Care, c.Hold, store.At(c.Due), store.At(c.Read), store.At(c.First), store.At(c.ReferralDue),
		store.At(c.Decided), store.At(c.ClosedAt), c.KeepFrom, c.ID, c.Version)
	if err := changedOne(done, err); err != nil {
		return err
	}
	c.Version++
	return nil
}

func (r *Room) insertPerson(ctx context.Context, tx *store.Tx, concern string, p Person) error {
	sealed, err := r.seal(ctx, "concern_people", p.ID, p.Named)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO concern_people (id, concern, role, mark, gone, sealed) VALUES ($1, $2, $3, $4, $5, $6)",
		p.ID, concern, p.Role, p.Mark, p.Gone, sealed)
	if err != nil {
		return fmt.Errorf("keeping who is in a concern: %w", err)
	}
	return nil
}

// takeOut marks a person as taken out of a case, with the reason. The row
// stays.
func (r *Room) takeOut(ctx context.Context, tx *store.Tx, concern string, p Person) error {
	sealed, err := r.seal(ctx, "concern_people", p.ID, p.Named)
	if err != nil {
		return err
	}
	done, err := tx.ExecContext(ctx, "UPDATE concern_people SET gone = TRUE, sealed = $1 WHERE id = $2 AND concern = $3 AND NOT gone", sealed, p.ID, concern)
	return changedOne(done, err)
}

// peopleOf are the people in a case.
func (r *Room) peopleOf(ctx context.Context, q store.Querier, concern string) ([]Person, error) {
	rows, err := q.QueryContext(ctx, "SELECT id, role, mark, gone, sealed FROM concern_people WHERE concern = $1 ORDER BY id", concern)
	if err != nil {
		return nil, fmt.Errorf("reading who is in a concern: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Person
	for rows.Next() {
		var p Person
		var sealed string
		if err := rows.Scan(&p.ID, &p.Role, &p.Mark, &p.Gone, &sealed); err != nil {
			return nil, fmt.Errorf("reading who is in a concern: %w", err)
		}
		if err := r.unseal(ctx, "concern_people", p.ID, sealed, &p.Named); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, rows.Err()
}

func (r *Room) insertEntry(ctx context.Context, tx *store.Tx, concern string, e Entry) error {
	sealed, err := r.seal(ctx, "concern_entries", e.ID, e.Told)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO concern_entries (id, concern, kind, at, amends, sealed) VALUES ($1, $2, $3, $4, $5, $6)",
		e.ID, concern, e.Kind, store.At(e.At), e.Amends, sealed)
	if err != nil {
		return fmt.Errorf("keeping an entry of a concern: %w", err)
	}
	return nil
}

// maxEntries bounds how much of one case a page shows; a case has tens.
const maxEntries = 2000

// entriesOf is the story of a case, oldest first.
func (r *Room) entriesOf(ctx context.Context, q store.Querier, concern string) ([]Entry, error) {
	rows, err := q.QueryContext(ctx, fmt.Sprintf("SELECT id, kind, at, amends, sealed FROM concern_entries WHERE concern = $1 ORDER BY at, id LIMIT %d", maxEntries), concern)
	if err != nil {
		return nil, fmt.Errorf("reading a concern: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Entry
	for rows.Next() {
		var e Entry
		var at store.Time
		var sealed string
		if err := rows.Scan(&e.ID, &e.Kind, &at, &e.Amends, &sealed); err != nil {
			return nil, fmt.Errorf("reading a concern: %w", err)
		}
		if err := r.unseal(ctx, "concern_entries", e.ID, sealed, &e.Told); err != nil {
			return nil, err
		}
		e.At = at.Time
		out = append(out, e)
	}
	return out, rows.Err()
}

// countEntries bounds what is written to one case.
func countEntries(ctx context.Context, q store.Querier, concern string) (int, error) {
	var n int
	if err := q.QueryRowContext(ctx, "SELECT count(*) FROM concern_entries WHERE concern = $1", concern).Scan(&n); err != nil {
		return 0, fmt.Errorf("counting the entries of a concern: %w", err)
	}
	return n, nil
}

func insertRef(ctx context.Context, tx *store.Tx, ref, concern string) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO concern_refs (ref, concern) VALUES ($1, $2) ON CONFLICT DO NOTHING", ref, concern)
	if err != nil {
		return fmt.Errorf("keeping where a concern came from: %w", err)
	}
	return nil
}

// maxRefs bounds how many rows are asked about at once.
const maxRefs = 500

// Linked answers which rows and signals of the record of web use have a case:
// ref to the path of its page. It tells no more than that there is one.
func (r *Room) Linked(ctx context.Context, refs []string) (map[string]string, error) {
	out := map[string]string{}
	for len(refs) > 0 {
		part := refs[:min(len(refs), maxRefs)]
		refs = refs[len(part):]
		var a args
		var in []string
		for _, x := range part {
			in = append(in, a.add(x))
		}
		if err := r.linked(ctx, out, strings.Join(in, ", "), a.list); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (r *Room) linked(ctx context.Context, out map[string]string, in string, list []any) error {
	rows, err := r.d.DB.QueryContext(ctx, "SELECT ref, concern FROM concern_refs WHERE ref IN ("+in+") ORDER BY ref, concern", list...)
	if err != nil {
		return fmt.Errorf("asking which rows have a concern: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var ref, id string
		if err := rows.Scan(&ref, &id); err != nil {
			return fmt.Errorf("asking which rows have a concern: %w", err)
		}
		if out[ref] == "" {
			out[ref] = "/concerns/" + id
		}
	}
	return rows.Err()
}

// hasRef reports whether a case came from the record of web use.
func hasRef(ctx context.Context, q store.Querier, concern string) (bool, error) {
	var n int
	err := q.QueryRowContext(ctx, "SELECT count(*) FROM concern_refs WHERE concern = $1", concern).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("asking where a concern came from: %w", err)
	}
	return n > 0, nil
}

// mine are the cases that somebody reported, the latest first.
func (r *Room) mine(ctx context.Context, id people.ID) ([]Case, error) {
	return r.cases(ctx, "c.reporter = $1 ORDER BY c.reported_at DESC, c.id DESC LIMIT 100", r.personMark(id))
}

// byCode finds the case that a reply code belongs to.
func (r *Room) byCode(ctx context.Context, code string) (Case, error) {
	m := r.mark("code", code)
	if m == "" {
		return Case{}, store.ErrNotFound
	}
	list, err := r.cases(ctx, "c.reply_code = $1 LIMIT 1", m)
	if err != nil {
		return Case{}, err
	}
	if len(list) == 0 {
		return Case{}, store.ErrNotFound
	}
	return list[0], nil
}

// cases reads cases without what is sealed.
func (r *Room) cases(ctx context.Context, rest string, list ...any) ([]Case, error) {
	rows, err := r.d.DB.QueryContext(ctx, "SELECT "+caseColumns+" FROM concerns c WHERE "+rest, list...)
	if err != nil {
		return nil, fmt.Errorf("reading concerns: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Case
	for rows.Next() {
		c, err := scanCase(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}
