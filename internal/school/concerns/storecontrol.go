package concerns

import (
	"context"
	"fmt"
	"time"

	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
)

// timing is what C22 looks at of one case.
type timing struct {
	ID                string
	Clock, Due, First time.Time
}

// timings are the cases reported since a moment, but for those entered in
// error.
func (r *Room) timings(ctx context.Context, since time.Time) ([]timing, error) {
	rows, err := r.d.DB.QueryContext(ctx, "SELECT id, clock_at, due_at, first_at FROM concerns WHERE reported_at >= $1 AND state <> $2", store.Millis(since), CaseVoid)
	if err != nil {
		return nil, fmt.Errorf("reading how soon concerns were acted on: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []timing
	for rows.Next() {
		var t timing
		var clock, due, first store.Time
		if err := rows.Scan(&t.ID, &clock, &due, &first); err != nil {
			return nil, fmt.Errorf("reading how soon concerns were acted on: %w", err)
		}
		t.Clock, t.Due, t.First = clock.Time, due.Time, first.Time
		out = append(out, t)
	}
	return out, rows.Err()
}

// referrals are the cases with something to refer since a moment.
func (r *Room) referrals(ctx context.Context, since time.Time) ([]timing, error) {
	rows, err := r.d.DB.QueryContext(ctx, "SELECT id, clock_at, referral_due_at, decided_at FROM concerns WHERE referral_due_at > 0 AND reported_at >= $1 AND state <> $2",
		store.Millis(since), CaseVoid)
	if err != nil {
		return nil, fmt.Errorf("reading what was referred: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []timing
	for rows.Next() {
		var t timing
		var clock, due, decided store.Time
		if err := rows.Scan(&t.ID, &clock, &due, &decided); err != nil {
			return nil, fmt.Errorf("reading what was referred: %w", err)
		}
		t.Clock, t.Due, t.First = clock.Time, due.Time, decided.Time
		out = append(out, t)
	}
	return out, rows.Err()
}

// closedSince are the ids of the cases closed since a moment, of some kinds or
// of all.
func (r *Room) closedSince(ctx context.Context, since time.Time, kinds ...string) ([]string, error) {
	var a args
	where := "state = " + a.add(CaseClosed) + " AND closed_at >= " + a.add(store.Millis(since))
	for i, k := range kinds {
		if i == 0 {
			where += " AND kind IN (" + a.add(k)
			continue
		}
		where += ", " + a.add(k)
	}
	if len(kinds) > 0 {
		where += ")"
	}
	return ids(ctx, r.d.DB, "SELECT id FROM concerns WHERE "+where+" ORDER BY closed_at DESC", a.list...)
}

// actedIn are the cases, of those closed since a moment, in which an action of
// a kind was done before they were closed.
func (r *Room) actedIn(ctx context.Context, since time.Time, kind string) (map[string]bool, error) {
	list, err := ids(ctx, r.d.DB, `SELECT DISTINCT c.id FROM concerns c JOIN concern_actions a ON a.concern = c.id
		WHERE c.state = $1 AND c.closed_at >= $2 AND a.kind = $3 AND a.state = $4 AND a.done_at <= c.closed_at`,
		CaseClosed, store.Millis(since), kind, Done)
	out := map[string]bool{}
	for _, id := range list {
		out[id] = true
	}
	return out, err
}

func ids(ctx context.Context, q store.Querier, query string, list ...any) ([]string, error) {
	rows, err := q.QueryContext(ctx, query, list...)
	if err != nil {
		return nil, fmt.Errorf("reading concerns: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("reading concerns: %w", err)
		}
		out = append(out, id)
	}
	return out, rows.Err()
}

// tables of what hangs on a case, children first, with those that the journal
// covers.
var caseTables = []struct {
	name string
	rows bool
}{
	{"concern_people", true}, {"concern_entries", true}, {"concern_actions", true}, {"concern_sights", true}, {"concern_files", true}, {"concern_pauses", true}, {"concern_refs", false},
}

// over are the closed cases whose time is over and that no hold keeps.
func (r *Room) over(ctx context.Context, year int) ([]string, error) {
	return ids(ctx, r.d.DB, "SELECT id FROM concerns WHERE state IN ($1, $2) AND NOT hold AND keep_from < $3 ORDER BY closed_at LIMIT 200", CaseClosed, CaseVoid, year)
}

// remove takes a case with everything in it, and lets its files go.
func (r *Room) remove(ctx context.Context, id string) error {
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		files, err := r.filesOf(ctx, tx, id)
		if err != nil {
			return err
		}
		if keep := r.d.Files(); keep != nil {
			for _, f := range files {
				if err := keep.Release(ctx, tx, f.Blob, "concern", f.ID); err != nil {
					return err
				}
			}
		}
		var gone []journal.Row
		for _, t := range caseTables {
			if t.rows {
				list, err := ids(ctx, tx, "SELECT id FROM "+t.name+" WHERE concern = $1", id)
				if err != nil {
					return err
				}
				for _, x := range list {
					gone = append(gone, row(t.name, x))
				}
			}
			if _, err := tx.ExecContext(ctx, "DELETE FROM "+t.name+" WHERE concern = $1", id); err != nil {
				return fmt.Errorf("removing a concern: %w", err)
			}
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM concerns WHERE id = $1", id); err != nil {
			return fmt.Errorf("removing a concern: %w", err)
		}
		return r.line(ctx, tx, VerbRemoved, id, append(gone, row("concerns", id))...)
	})
}

// pupilCasesClosed are the cases closed since a moment in which a child of the
// roll was harmed or may have harmed. Whether somebody is a child is sealed, so
// it is asked of each.
func (r *Room) pupilCasesClosed(ctx context.Context, since time.Time) ([]string, error) {
	rows, err := r.d.DB.QueryContext(ctx, `SELECT c.id, p.id, p.sealed FROM concerns c JOIN concern_people p ON p.concern = c.id
		WHERE c.state = $1 AND c.closed_at >= $2 AND NOT p.gone AND p.mark <> '' AND p.role IN ($3, $4) ORDER BY c.closed_at DESC, c.id`,
		CaseClosed, store.Millis(since), roleHarmed, roleHarmer)
	if err != nil {
		return nil, fmt.Errorf("reading closed concerns: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		var id, pid, sealed string
		if err := rows.Scan(&id, &pid, &sealed); err != nil {
			return nil, fmt.Errorf("reading closed concerns: %w", err)
		}
		if len(out) > 0 && out[len(out)-1] == id {
			continue
		}
		var n Named
		if err := r.unseal(ctx, "concern_people", pid, sealed, &n); err != nil {
			return nil, err
		}
		if n.Pupil {
			out = append(out, id)
		}
	}
	return out, rows.Err()
}
