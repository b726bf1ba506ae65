package access

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// webAddress is an address that the gate was told is somebody's.
type webAddress struct {
	subject string
	address netip.Addr
}

func putWebAddress(ctx context.Context, tx *store.Tx, r Row) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO web_addresses (subject, address, person, until_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (subject, address) DO UPDATE SET until_at = excluded.until_at`,
		r.Subject, addressText(r.Address), string(r.Person), store.Millis(r.Ends))
	if err != nil {
		return fmt.Errorf("noting an address: %w", err)
	}
	return nil
}

func dropWebAddress(ctx context.Context, tx *store.Tx, subject string, at netip.Addr) error {
	if _, err := tx.ExecContext(ctx, "DELETE FROM web_addresses WHERE subject = $1 AND address = $2", subject, addressText(at)); err != nil {
		return fmt.Errorf("forgetting an address: %w", err)
	}
	return nil
}

func dropOldAddresses(ctx context.Context, tx *store.Tx, now time.Time) error {
	if _, err := tx.ExecContext(ctx, "DELETE FROM web_addresses WHERE until_at < $1", store.Millis(now)); err != nil {
		return fmt.Errorf("forgetting old addresses: %w", err)
	}
	return nil
}

// webAddresses are the addresses that are a person's now.
func (r *Room) webAddresses(ctx context.Context, person people.ID) ([]webAddress, error) {
	rows, err := r.DB.QueryContext(ctx, "SELECT subject, address FROM web_addresses WHERE person = $1", string(person))
	if err != nil {
		return nil, fmt.Errorf("reading addresses: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []webAddress
	for rows.Next() {
		var w webAddress
		var text string
		if err := rows.Scan(&w.subject, &text); err != nil {
			return nil, fmt.Errorf("reading addresses: %w", err)
		}
		if a, err := netip.ParseAddr(text); err == nil {
			w.address = a
			out = append(out, w)
		}
	}
	return out, rows.Err()
}

// behind reads every address that is somebody's at the moment.
func (r *Room) behind(ctx context.Context, now time.Time) ([]bound, error) {
	rows, err := r.DB.QueryContext(ctx, "SELECT subject, address, person, until_at FROM web_addresses WHERE until_at > $1 ORDER BY address, subject", store.Millis(now))
	if err != nil {
		return nil, fmt.Errorf("reading who is on the web: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []bound
	for rows.Next() {
		var b bound
		var address string
		var until store.Time
		if err := rows.Scan(&b.subject, &address, &b.person, &until); err != nil {
			return nil, fmt.Errorf("reading who is on the web: %w", err)
		}
		if a, err := netip.ParseAddr(address); err == nil {
			b.address, b.until = a, until.Time
			out = append(out, b)
		}
	}
	return out, rows.Err()
}

// untilAt is until when an address is a subject's, zero where it is not.
func (r *Room) untilAt(ctx context.Context, subject string, at netip.Addr) (time.Time, error) {
	var until store.Time
	err := r.DB.QueryRowContext(ctx, "SELECT until_at FROM web_addresses WHERE subject = $1 AND address = $2", subject, addressText(at)).Scan(&until)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("reading until when somebody is on the web: %w", err)
	}
	return until.Time, nil
}

// namesakes are the people whose account or whose line of the roll has a user
// name, or a mail address, all of them in lower case; two are as good as ten.
func namesakes(ctx context.Context, q store.Querier, name, mail string) ([]people.ID, error) {
	rows, err := q.QueryContext(ctx, `SELECT id FROM people WHERE username = $1 OR username = $2 OR LOWER(email) = $2
		UNION SELECT person FROM accounts WHERE username = $1 OR username = $2 LIMIT 2`, name, mail)
	if err != nil {
		return nil, fmt.Errorf("looking a name up: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []people.ID
	for rows.Next() {
		var id people.ID
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("looking a name up: %w", err)
		}
		out = append(out, id)
	}
	return out, rows.Err()
}

// bound is a person at an address until a moment.
type bound struct {
	webAddress
	person people.ID
	until  time.Time
}
