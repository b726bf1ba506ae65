package devices

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"belisha/internal/kit/store"
)

// Beside returns what the school said of another filter.
func (r *Room) Beside(ctx context.Context) (Beside, error) { return r.besideOf(ctx, r.d.DB) }

func (r *Room) besideOf(ctx context.Context, q store.Querier) (Beside, error) {
	var b Beside
	var dns string
	var tested store.Time
	err := q.QueryRowContext(ctx, "SELECT kind, provider, proxy, dns, certificate, tested_at, reached, version FROM filter_beside WHERE one = 1").
		Scan(&b.Kind, &b.Provider, &b.Proxy, &dns, &b.Certificate, &tested, &b.Reached, &b.Version)
	if err != nil {
		return b, fmt.Errorf("reading about the other filter: %w", err)
	}
	b.DNS, b.TestedAt = strings.Fields(dns), tested.Time
	return b, nil
}

// putBeside writes the answer; somebody else's newer one is not written over.
func (r *Room) putBeside(ctx context.Context, tx *store.Tx, b Beside) error {
	res, err := tx.ExecContext(ctx, `UPDATE filter_beside SET kind = $1, provider = $2, proxy = $3, dns = $4, certificate = $5, tested_at = $6, reached = $7,
		version = version + 1 WHERE one = 1 AND version = $8`,
		string(b.Kind), b.Provider, b.Proxy, strings.Join(b.DNS, " "), b.Certificate, store.At(b.TestedAt), b.Reached, b.Version)
	return oneRow(res, err, "writing about the other filter")
}

// oneRow turns a write that met no row into ErrStale.
func oneRow(res sql.Result, err error, doing string) error {
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if n == 0 {
		return store.ErrStale
	}
	return nil
}

// Doors returns where devices reach the filter.
func (r *Room) Doors(ctx context.Context) (Doors, error) {
	var d Doors
	err := r.d.DB.QueryRowContext(ctx, "SELECT address, proxy, dns, captive, dot, ssid, version FROM filter_doors WHERE one = 1").
		Scan(&d.Address, &d.Proxy, &d.DNS, &d.Captive, &d.DoT, &d.SSID, &d.Version)
	if err != nil {
		return d, fmt.Errorf("reading where devices reach the filter: %w", err)
	}
	return d, nil
}

func (r *Room) putDoors(ctx context.Context, tx *store.Tx, d Doors) error {
	res, err := tx.ExecContext(ctx, `UPDATE filter_doors SET address = $1, proxy = $2, dns = $3, captive = $4, dot = $5, ssid = $6, version = version + 1
		WHERE one = 1 AND version = $7`, d.Address, d.Proxy, d.DNS, d.Captive, d.DoT, d.SSID, d.Version)
	return oneRow(res, err, "writing where devices reach the filter")
}

// restoreDoors writes back what stood there, with its number: the form that
// could not be taken can be sent again.
func (r *Room) restoreDoors(ctx context.Context, tx *store.Tx, d Doors) error {
	res, err := tx.ExecContext(ctx, `UPDATE filter_doors SET address = $1, proxy = $2, dns = $3, captive = $4, dot = $5, ssid = $6, version = $7
		WHERE one = 1 AND version = $8`, d.Address, d.Proxy, d.DNS, d.Captive, d.DoT, d.SSID, d.Version, d.Version+1)
	return oneRow(res, err, "writing back where devices reach the filter")
}

// mostRows bounds what a page or a rule reads of a list that only grows.
const mostRows = 500

func (r *Room) tryOutsOf(ctx context.Context, q store.Querier) (out []TryOut, err error) {
	rows, err := q.QueryContext(ctx, "SELECT id, people, from_at, until_at, begun_by, ended_at, ended_by FROM try_outs ORDER BY from_at DESC, id DESC LIMIT $1", mostRows)
	if err != nil {
		return nil, fmt.Errorf("reading what is tried out: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var t TryOut
		var from, until, ended store.Time
		if err := rows.Scan(&t.ID, &t.Group, &from, &until, &t.BegunBy, &ended, &t.EndedBy); err != nil {
			return nil, fmt.Errorf("reading what is tried out: %w", err)
		}
		t.From, t.Until, t.EndedAt = from.Time, until.Time, ended.Time
		out = append(out, t)
	}
	return out, rows.Err()
}

// TryOuts are the times of trying, newest first.
func (r *Room) TryOuts(ctx context.Context) ([]TryOut, error) { return r.tryOutsOf(ctx, r.d.DB) }

func (r *Room) putTryOut(ctx context.Context, tx *store.Tx, t TryOut) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO try_outs (id, people, from_at, until_at, begun_by, ended_at, ended_by) VALUES ($1, $2, $3, $4, $5, 0, '')",
		t.ID, t.Group, store.At(t.From), store.At(t.Until), t.BegunBy)
	if err != nil {
		return fmt.Errorf("beginning a try-out: %w", err)
	}
	return nil
}

func (r *Room) endTryOut(ctx context.Context, tx *store.Tx, id string, at time.Time, by string) error {
	res, err := tx.ExecContext(ctx, "UPDATE try_outs SET ended_at = $1, ended_by = $2 WHERE id = $3 AND ended_at = 0", store.At(at), by, id)
	return oneRow(res, err, "ending a try-out")
}

func (r *Room) outOf(ctx context.Context, q store.Querier) (*WayOut, error) {
	list, err := r.waysOut(ctx, q, "WHERE back_at = 0 ORDER BY from_at DESC LIMIT 1")
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// WaysOut are the times out of the path, newest first.
func (r *Room) WaysOut(ctx context.Context) ([]WayOut, error) {
	return r.waysOut(ctx, r.d.DB, "ORDER BY from_at DESC LIMIT 50")
}

func (r *Room) waysOut(ctx context.Context, q store.Querier, which string) (out []WayOut, err error) {
	rows, err := q.QueryContext(ctx, "SELECT id, from_at, taken_by, reason, told, back_at, back_by FROM ways_out "+which)
	if err != nil {
		return nil, fmt.Errorf("reading the times out of the path: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var w WayOut
		var from, back store.Time
		if err := rows.Scan(&w.ID, &from, &w.By, &w.Reason, &w.Told, &back, &w.BackBy); err != nil {
			return nil, fmt.Errorf("reading the times out of the path: %w", err)
		}
		w.From, w.BackAt = from.Time, back.Time
		out = append(out, w)
	}
	return out, rows.Err()
}

func (r *Room) putWayOut(ctx context.Context, tx *store.Tx, w WayOut) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO ways_out (id, from_at, taken_by, reason, told, back_at, back_by) VALUES ($1, $2, $3, $4, $5, 0, '')",
		w.ID, store.At(w.From), w.By, w.Reason, w.Told)
	if err != nil {
		return fmt.Errorf("taking Belisha out of the path: %w", err)
	}
	return nil
}

func (r *Room) endWayOut(ctx context.Context, tx *store.Tx, id string, at time.Time, by string) error {
	res, err := tx.ExecContext(ctx, "UPDATE ways_out SET back_at = $1, back_by = $2 WHERE id = $3 AND back_at = 0", store.At(at), by, id)
	return oneRow(res, err, "putting Belisha back")
}

func (r *Room) putWord(ctx context.Context, tx *store.Tx, w PathWord) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO path_words (id, kind, who, words, given_on, review_on, written_at, written_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		w.ID, w.Kind, w.Who, w.Words, store.At(w.Given), store.At(w.Review), store.At(w.WrittenAt), w.WrittenBy)
	return err
}

// Word returns the newest word of a kind, nil for none.
func (r *Room) Word(ctx context.Context, kind string) (*PathWord, error) {
	var w PathWord
	var given, review, at store.Time
	err := r.d.DB.QueryRowContext(ctx, "SELECT id, kind, who, words, given_on, review_on, written_at, written_by FROM path_words WHERE kind = $1 ORDER BY written_at DESC, id DESC LIMIT 1", kind).
		Scan(&w.ID, &w.Kind, &w.Who, &w.Words, &given, &review, &at, &w.WrittenBy)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading somebody's word: %w", err)
	}
	w.Given, w.Review, w.WrittenAt = given.Time, review.Time, at.Time
	return &w, nil
}

func (r *Room) putLog(ctx context.Context, tx *store.Tx, l OtherLog) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO other_logs (id, name, digest, first_at, last_at, allowed, blocked, refused, taken_at, taken_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
		l.ID, l.Name, l.Digest, store.At(l.First), store.At(l.Last), l.Allowed, l.Blocked, l.Refused, store.At(l.TakenAt), l.TakenBy)
	if err != nil {
		return fmt.Errorf("writing down what the other filter's log says: %w", err)
	}
	return nil
}

// Logs are the files that were counted, newest first.
func (r *Room) Logs(ctx context.Context) ([]OtherLog, error) { return r.logsOf(ctx, r.d.DB) }

func (r *Room) logsOf(ctx context.Context, q store.Querier) (out []OtherLog, err error) {
	rows, err := q.QueryContext(ctx, "SELECT id, name, digest, first_at, last_at, allowed, blocked, refused, taken_at, taken_by FROM other_logs ORDER BY taken_at DESC, id DESC LIMIT $1", mostRows)
	if err != nil {
		return nil, fmt.Errorf("reading the other filter's logs: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var l OtherLog
		var first, last, taken store.Time
		if err := rows.Scan(&l.ID, &l.Name, &l.Digest, &first, &last, &l.Allowed, &l.Blocked, &l.Refused, &taken, &l.TakenBy); err != nil {
			return nil, fmt.Errorf("reading the other filter's logs: %w", err)
		}
		l.First, l.Last, l.TakenAt = first.Time, last.Time, taken.Time
		out = append(out, l)
	}
	return out, rows.Err()
}
