package filtering

import (
	"bytes"
	"compress/gzip"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"belisha/internal/kit/store"
	"belisha/internal/verdict"
	"belisha/internal/verdict/snapfile"
)

// load reads everything that is decided in the room, on one view.
func (r *Room) load(ctx context.Context) (*state, error) {
	st := &state{}
	err := r.d.DB.Snapshot(ctx, func(q store.Querier) error {
		var err error
		if st.own, err = liveOwn(ctx, q, r.now()); err != nil {
			return err
		}
		if st.overrides, err = liveOverrides(ctx, q); err != nil {
			return err
		}
		if st.musts, err = liveMusts(ctx, q); err != nil {
			return err
		}
		if st.sources, err = listSources(ctx, q); err != nil {
			return err
		}
		if st.licensed, err = listLicensed(ctx, q); err != nil {
			return err
		}
		if st.phrases, err = listPhrases(ctx, q); err != nil {
			return err
		}
		if st.devices, err = listDevices(ctx, q); err != nil {
			return err
		}
		if st.left, err = liveLeft(ctx, q); err != nil {
			return err
		}
		if st.unblocks, err = grantedUnblocks(ctx, q); err != nil {
			return err
		}
		if st.permits, err = grantedPermits(ctx, q); err != nil {
			return err
		}
		st.version, err = latestVersion(ctx, q)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading what the filter does: %w", err)
	}
	return st, nil
}

// each calls fn for every row.
func each(rows *sql.Rows, err error, fn func(scan func(...any) error) error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

func join(list []string) string { return strings.Join(list, ",") }

func split(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

func action(word string) (verdict.Action, error) {
	var a verdict.Action
	err := a.UnmarshalText([]byte(word))
	return a, err
}

const versionColumns = "id, number, made_at, made_by, reason, summary, rules_hash, segments, state_hash, settings"

func scanVersion(scan func(...any) error) (Version, error) {
	var v Version
	var at store.Time
	var segments string
	var settings int64
	err := scan(&v.ID, &v.Number, &at, &v.MadeBy, &v.Reason, &v.Summary, &v.RulesHash, &segments, &v.StateHash, &settings)
	if err != nil {
		return v, err
	}
	v.MadeAt, v.Settings = at.Time, uint64(settings)
	return v, json.Unmarshal([]byte(segments), &v.Segments)
}

// latestVersion is the newest version, the zero one when there is none.
func latestVersion(ctx context.Context, q store.Querier) (Version, error) {
	v, err := scanVersion(q.QueryRowContext(ctx, "SELECT "+versionColumns+" FROM filter_versions ORDER BY number DESC LIMIT 1").Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return Version{}, nil
	}
	return v, err
}

func versionByNumber(ctx context.Context, q store.Querier, n int64) (Version, error) {
	v, err := scanVersion(q.QueryRowContext(ctx, "SELECT "+versionColumns+" FROM filter_versions WHERE number = $1", n).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return v, store.ErrNotFound
	}
	return v, err
}

func listVersions(ctx context.Context, q store.Querier, limit, offset int) ([]Version, error) {
	var out []Version
	rows, err := q.QueryContext(ctx, "SELECT "+versionColumns+" FROM filter_versions ORDER BY number DESC LIMIT $1 OFFSET $2", limit, offset)
	err = each(rows, err, func(scan func(...any) error) error {
		v, err := scanVersion(scan)
		out = append(out, v)
		return err
	})
	return out, err
}

func latestNumber(ctx context.Context, q store.Querier) (int64, error) {
	var n int64
	err := q.QueryRowContext(ctx, "SELECT COALESCE(MAX(number), 0) FROM filter_versions").Scan(&n)
	return n, err
}

// bodiesKept is how many versions can still be looked into, and how many that
// were decided otherwise can be gone back to: lessons, which come and go all
// day, do not push those out.
const bodiesKept = 200

func insertVersion(ctx context.Context, tx *store.Tx, v Version, rules, decided []byte) error {
	segments, err := json.Marshal(v.Segments)
	if err != nil {
		return fmt.Errorf("writing a version: %w", err)
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO filter_versions ("+versionColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
		v.ID, v.Number, store.At(v.MadeAt), v.MadeBy, v.Reason, v.Summary, v.RulesHash, string(segments), v.StateHash, int64(v.Settings))
	if err != nil {
		return fmt.Errorf("keeping a version of the rules: %w", err)
	}
	if err := insertBody(ctx, tx, v.RulesHash, rules, v.MadeAt); err != nil {
		return err
	}
	if err := insertBody(ctx, tx, v.StateHash, decided, v.MadeAt); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM filter_bodies WHERE hash NOT IN (
		SELECT rules_hash FROM filter_versions WHERE number > $1 UNION SELECT state_hash FROM (
			SELECT state_hash, MAX(number) AS newest FROM filter_versions GROUP BY state_hash ORDER BY newest DESC LIMIT $2) decided)`,
		v.Number-bodiesKept, bodiesKept)
	if err != nil {
		return fmt.Errorf("clearing old rules away: %w", err)
	}
	return nil
}

func insertBody(ctx context.Context, tx *store.Tx, hash string, body []byte, at time.Time) error {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(body); err != nil {
		return fmt.Errorf("packing the rules: %w", err)
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("packing the rules: %w", err)
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO filter_bodies (hash, body, kept_at) VALUES ($1, $2, $3) ON CONFLICT (hash) DO NOTHING",
		hash, base64.StdEncoding.EncodeToString(packed.Bytes()), store.At(at))
	if err != nil {
		return fmt.Errorf("keeping the rules: %w", err)
	}
	return nil
}

// maxBody bounds what one body may unpack to.
const maxBody = 64 << 20

// loadBody returns a body and checks that it is what its hash says.
func loadBody(ctx context.Context, q store.Querier, hash string) ([]byte, error) {
	var text string
	err := q.QueryRowContext(ctx, "SELECT body FROM filter_bodies WHERE hash = $1", hash).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, store.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	packed, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(z, maxBody))
	if err != nil {
		return nil, err
	}
	if hashOf(body) != hash {
		return nil, errors.New("what is kept is not what its hash says: the records were changed from outside")
	}
	return body, nil
}

func segmentsText(refs []snapfile.SegmentRef) string {
	var out []string
	for _, r := range refs {
		out = append(out, r.Source)
	}
	return strings.Join(out, ", ")
}

// Change is one line of the change log.
type Change struct {
	ID      string
	At      time.Time
	Actor   string
	Kind    string
	Ref     string // id of what was changed
	What    string // a sentence
	Was     string
	Becomes string
	Reason  string
	Version int64 // the version that came of it, 0 for none
}

const changeColumns = "id, at, actor, kind, ref, what, was, becomes, reason, version"

func insertChange(ctx context.Context, tx *store.Tx, c Change) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO filter_changes ("+changeColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
		c.ID, store.At(c.At), c.Actor, c.Kind, c.Ref, c.What, c.Was, c.Becomes, c.Reason, c.Version)
	if err != nil {
		return fmt.Errorf("writing the change log: %w", err)
	}
	return nil
}

func scanChange(scan func(...any) error) (Change, error) {
	var c Change
	var at store.Time
	err := scan(&c.ID, &at, &c.Actor, &c.Kind, &c.Ref, &c.What, &c.Was, &c.Becomes, &c.Reason, &c.Version)
	c.At = at.Time
	return c, err
}

// listChanges are the newest lines of the change log.
func listChanges(ctx context.Context, q store.Querier, limit, offset int) ([]Change, error) {
	var out []Change
	rows, err := q.QueryContext(ctx, "SELECT "+changeColumns+" FROM filter_changes ORDER BY at DESC, version DESC, id DESC LIMIT $1 OFFSET $2", limit, offset)
	err = each(rows, err, func(scan func(...any) error) error {
		c, err := scanChange(scan)
		out = append(out, c)
		return err
	})
	return out, err
}

// changesByPeople are the lines since a time that are not the program's or the
// policy's own.
func changesByPeople(ctx context.Context, q store.Querier, since time.Time) ([]Change, error) {
	var out []Change
	rows, err := q.QueryContext(ctx, "SELECT "+changeColumns+` FROM filter_changes
		WHERE at >= $1 AND kind NOT IN ($2, $3, $4, $5, $6, $7, $8, $9) ORDER BY at, id`,
		store.At(since), kindPolicy, kindProgram, kindHolders, kindList, kindUnblockEnd, kindPermit, kindPermitEnd, kindLesson)
	err = each(rows, err, func(scan func(...any) error) error {
		c, err := scanChange(scan)
		out = append(out, c)
		return err
	})
	return out, err
}

func countRows(ctx context.Context, q store.Querier, query string, args ...any) (int, error) {
	var n int
	err := q.QueryRowContext(ctx, query, args...).Scan(&n)
	return n, err
}

// versionsWithoutChange counts versions that no line of the change log made.
func versionsWithoutChange(ctx context.Context, q store.Querier) (int, error) {
	return countRows(ctx, q, "SELECT COUNT(*) FROM filter_versions v WHERE NOT EXISTS (SELECT 1 FROM filter_changes c WHERE c.version = v.number)")
}
