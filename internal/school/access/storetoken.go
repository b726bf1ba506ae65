package access

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

const tokenColumns = "k.id, k.name, k.person, k.capabilities, k.made_at, k.expires_at, k.revoked_at, COALESCE(u.used_at, 0)"

const tokenTables = " FROM api_tokens k LEFT JOIN api_token_uses u ON u.token = k.id"

func scanToken(sc scanner) (Token, error) {
	var t Token
	var may string
	var made, expires, revoked, used store.Time
	err := sc.Scan(&t.ID, &t.Name, &t.Person, &may, &made, &expires, &revoked, &used)
	t.MadeAt, t.Expires, t.RevokedAt, t.UsedAt = made.Time, expires.Time, revoked.Time, used.Time
	for _, c := range strings.Fields(may) {
		t.May = append(t.May, actor.Capability(c))
	}
	return t, err
}

// readToken finds a token by "id" or "hash".
func readToken(ctx context.Context, q store.Querier, by, value string) (Token, error) {
	column := map[string]string{"id": "k.id", "hash": "k.hash"}[by]
	t, err := scanToken(q.QueryRowContext(ctx, "SELECT "+tokenColumns+tokenTables+" WHERE "+column+" = $1", value)) //nolint:gosec // one of two names
	if errors.Is(err, sql.ErrNoRows) {
		return Token{}, store.ErrNotFound
	}
	if err != nil {
		return Token{}, fmt.Errorf("reading a token: %w", err)
	}
	return t, nil
}

// Tokens returns a person's tokens, the latest first.
func (r *Room) Tokens(ctx context.Context, person people.ID) ([]Token, error) {
	rows, err := r.DB.QueryContext(ctx, "SELECT "+tokenColumns+tokenTables+" WHERE k.person = $1 ORDER BY k.made_at DESC, k.id LIMIT 200", string(person))
	if err != nil {
		return nil, fmt.Errorf("reading tokens: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Token
	for rows.Next() {
		t, err := scanToken(rows)
		if err != nil {
			return nil, fmt.Errorf("reading tokens: %w", err)
		}
		out = append(out, t)
	}
	return out, rows.Err()
}

func insertToken(ctx context.Context, tx *store.Tx, t Token, hash string) error {
	words := make([]string, len(t.May))
	for i, c := range t.May {
		words[i] = string(c)
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO api_tokens (id, hash, name, person, capabilities, made_at, expires_at, revoked_at) VALUES ($1,$2,$3,$4,$5,$6,$7,0)`,
		t.ID, hash, t.Name, string(t.Person), strings.Join(words, " "), store.Millis(t.MadeAt), store.Millis(t.Expires))
	if err != nil {
		return fmt.Errorf("making a token: %w", err)
	}
	return nil
}

func revokeToken(ctx context.Context, tx *store.Tx, id string, now time.Time) error {
	if _, err := tx.ExecContext(ctx, "UPDATE api_tokens SET revoked_at = $1 WHERE id = $2", store.Millis(now), id); err != nil {
		return fmt.Errorf("ending a token: %w", err)
	}
	return nil
}

func touchToken(ctx context.Context, tx *store.Tx, id string, now time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO api_token_uses (token, used_at) VALUES ($1, $2)
		ON CONFLICT (token) DO UPDATE SET used_at = excluded.used_at`, id, store.Millis(now))
	if err != nil {
		return fmt.Errorf("noting a token's use: %w", err)
	}
	return nil
}
