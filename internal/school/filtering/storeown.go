package filtering

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"belisha/internal/kit/store"
)

const ownColumns = `id, entry, act, groups_in, stages_in, places_in, days_in, window_in, from_at, until_at,
	reason, ground, approved_by, added_at, added_by, ended_at, ended_by`

func scanOwn(scan func(...any) error) (Own, error) {
	var o Own
	var act, groups, stages, places, days string
	var from, until, added, ended store.Time
	err := scan(&o.ID, &o.Text, &act, &groups, &stages, &places, &days, &o.Window, &from, &until,
		&o.Reason, &o.Ground, &o.ApprovedBy, &added, &o.AddedBy, &ended, &o.EndedBy)
	if err != nil {
		return o, err
	}
	o.Groups, o.KeyStages, o.Places, o.Days = split(groups), split(stages), split(places), split(days)
	o.From, o.Until, o.AddedAt, o.EndedAt = from.Time, until.Time, added.Time, ended.Time
	o.Act, err = action(act)
	return o, err
}

func ownRows(ctx context.Context, q store.Querier, query string, args ...any) ([]Own, error) {
	var out []Own
	rows, err := q.QueryContext(ctx, query, args...)
	err = each(rows, err, func(scan func(...any) error) error {
		o, err := scanOwn(scan)
		out = append(out, o)
		return err
	})
	return out, err
}

// liveOwn are the entries that count, in the order in which they were made.
func liveOwn(ctx context.Context, q store.Querier, now time.Time) ([]Own, error) {
	return ownRows(ctx, q, "SELECT "+ownColumns+" FROM filter_own WHERE ended_at = 0 AND (until_at = 0 OR until_at > $1) ORDER BY id", store.At(now))
}

// findOwn is one page of the entries whose text holds the words; live ones
// first.
func findOwn(ctx context.Context, q store.Querier, words string, limit, offset int) ([]Own, int, error) {
	like := "%" + store.LikeEscape(words) + "%"
	n, err := countRows(ctx, q, `SELECT COUNT(*) FROM filter_own WHERE entry LIKE $1 ESCAPE '\'`, like)
	if err != nil {
		return nil, 0, err
	}
	list, err := ownRows(ctx, q, "SELECT "+ownColumns+` FROM filter_own WHERE entry LIKE $1 ESCAPE '\'
		ORDER BY CASE WHEN ended_at = 0 THEN 0 ELSE 1 END, entry, id LIMIT $2 OFFSET $3`, like, limit, offset)
	return list, n, err
}

func getOwn(ctx context.Context, q store.Querier, id string) (Own, error) {
	o, err := scanOwn(q.QueryRowContext(ctx, "SELECT "+ownColumns+" FROM filter_own WHERE id = $1", id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return o, store.ErrNotFound
	}
	return o, err
}

func insertOwn(ctx context.Context, tx *store.Tx, o Own) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO filter_own ("+ownColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
		o.ID, o.Text, o.Act.String(), join(o.Groups), join(o.KeyStages), join(o.Places), join(o.Days), o.Window, store.At(o.From), store.At(o.Until),
		o.Reason, o.Ground, o.ApprovedBy, store.At(o.AddedAt), o.AddedBy, store.At(o.EndedAt), o.EndedBy)
	return err
}

// endRow ends a row of a table whose rows are never changed otherwise. It is
// stale if the row has ended already.
func endRow(ctx context.Context, tx *store.Tx, table, id, by string, at time.Time) error {
	res, err := tx.ExecContext(ctx, "UPDATE "+table+" SET ended_at = $1, ended_by = $2 WHERE id = $3 AND ended_at = 0", store.At(at), by, id)
	if err != nil {
		return err
	}
	return one(res)
}

func one(res sql.Result) error {
	n, err := res.RowsAffected()
	if err == nil && n != 1 {
		return store.ErrStale
	}
	return err
}

const overrideColumns = "id, group_in, category, act, reason, added_at, added_by, ended_at, ended_by"

func liveOverrides(ctx context.Context, q store.Querier) ([]Override, error) {
	var out []Override
	rows, err := q.QueryContext(ctx, "SELECT "+overrideColumns+" FROM filter_categories WHERE ended_at = 0 ORDER BY id")
	err = each(rows, err, func(scan func(...any) error) error {
		var o Override
		var act string
		var added, ended store.Time
		if err := scan(&o.ID, &o.Group, &o.Category, &act, &o.Reason, &added, &o.AddedBy, &ended, &o.EndedBy); err != nil {
			return err
		}
		o.AddedAt, o.EndedAt = added.Time, ended.Time
		var err error
		o.Act, err = action(act)
		out = append(out, o)
		return err
	})
	return out, err
}

func insertOverride(ctx context.Context, tx *store.Tx, o Override) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO filter_categories ("+overrideColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
		o.ID, o.Group, o.Category, o.Act.String(), o.Reason, store.At(o.AddedAt), o.AddedBy, store.At(o.EndedAt), o.EndedBy)
	return err
}

const mustColumns = "id, url, group_in, act, reason, added_at, added_by, ended_at, ended_by"

func liveMusts(ctx context.Context, q store.Querier) ([]Must, error) {
	var out []Must
	rows, err := q.QueryContext(ctx, "SELECT "+mustColumns+" FROM filter_musts WHERE ended_at = 0 ORDER BY id")
	err = each(rows, err, func(scan func(...any) error) error {
		var m Must
		var act string
		var added, ended store.Time
		if err := scan(&m.ID, &m.URL, &m.Group, &act, &m.Reason, &added, &m.AddedBy, &ended, &m.EndedBy); err != nil {
			return err
		}
		m.AddedAt, m.EndedAt = added.Time, ended.Time
		var err error
		m.Act, err = action(act)
		out = append(out, m)
		return err
	})
	return out, err
}

func insertMust(ctx context.Context, tx *store.Tx, m Must) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO filter_musts ("+mustColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
		m.ID, m.URL, m.Group, m.Act.String(), m.Reason, store.At(m.AddedAt), m.AddedBy, store.At(m.EndedAt), m.EndedBy)
	return err
}

const deviceColumns = "id, label, addresses, mac, group_in, stage, site, place, shared, ca, version"

func scanDevice(scan func(...any) error) (Device, error) {
	var d Device
	var addresses string
	err := scan(&d.ID, &d.Label, &addresses, &d.MAC, &d.Group, &d.KeyStage, &d.Site, &d.Place, &d.Shared, &d.CA, &d.Version)
	d.Addresses = split(addresses)
	return d, err
}

func listDevices(ctx context.Context, q store.Querier) ([]Device, error) {
	var out []Device
	rows, err := q.QueryContext(ctx, "SELECT "+deviceColumns+" FROM filter_devices ORDER BY label, id")
	err = each(rows, err, func(scan func(...any) error) error {
		d, err := scanDevice(scan)
		out = append(out, d)
		return err
	})
	return out, err
}

func getDevice(ctx context.Context, q store.Querier, id string) (Device, error) {
	d, err := scanDevice(q.QueryRowContext(ctx, "SELECT "+deviceColumns+" FROM filter_devices WHERE id = $1", id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return d, store.ErrNotFound
	}
	return d, err
}

func insertDevice(ctx context.Context, tx *store.Tx, d Device) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO filter_devices ("+deviceColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
		d.ID, d.Label, join(d.Addresses), d.MAC, d.Group, d.KeyStage, d.Site, d.Place, d.Shared, d.CA, d.Version)
	return err
}

func updateDevice(ctx context.Context, tx *store.Tx, d Device) error {
	res, err := tx.ExecContext(ctx, `UPDATE filter_devices SET label = $1, addresses = $2, mac = $3, group_in = $4, stage = $5, site = $6,
		place = $7, shared = $8, ca = $9, version = version + 1 WHERE id = $10 AND version = $11`,
		d.Label, join(d.Addresses), d.MAC, d.Group, d.KeyStage, d.Site, d.Place, d.Shared, d.CA, d.ID, d.Version)
	if err != nil {
		return err
	}
	return one(res)
}

func deleteDevice(ctx context.Context, tx *store.Tx, d Device) error {
	res, err := tx.ExecContext(ctx, "DELETE FROM filter_devices WHERE id = $1 AND version = $2", d.ID, d.Version)
	if err != nil {
		return err
	}
	return one(res)
}
