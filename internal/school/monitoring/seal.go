package monitoring

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"belisha/internal/kit/vault"
)

// sealBytes keeps a text from whoever reads the records' file. purpose binds
// it to what it is for, id to its row.
func (r *Room) sealBytes(ctx context.Context, purpose, id string, plain []byte) (string, error) {
	if r.d.Sealer == nil {
		return "plain:" + base64.StdEncoding.EncodeToString(plain), nil
	}
	key, bound := sealedFor(purpose, id)
	sealed, err := r.d.Sealer.Seal(ctx, key, bound, plain)
	if err != nil {
		return "", fmt.Errorf("sealing a record: %w", err)
	}
	return "sealed:" + base64.StdEncoding.EncodeToString(sealed), nil
}

// sealedFor is the vault's key for what is sealed, and what binds it to its
// row: signals have a key of their own, all else that of records.
func sealedFor(purpose, id string) (key string, bound []byte) {
	if purpose == sealPurpose {
		return purpose, []byte(id)
	}
	return vault.Records, []byte(purpose + "/" + id)
}

func (r *Room) unsealBytes(ctx context.Context, purpose, id, sealed string) ([]byte, error) {
	kind, text, _ := strings.Cut(sealed, ":")
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("reading a sealed record: %w", err)
	}
	if kind != "sealed" {
		return data, nil
	}
	if r.d.Sealer == nil {
		return nil, errors.New("a record is sealed and the school's key is not there")
	}
	key, bound := sealedFor(purpose, id)
	if data, err = r.d.Sealer.Unseal(ctx, key, bound, data); err != nil {
		return nil, fmt.Errorf("unsealing a record: %w", err)
	}
	return data, nil
}

func (r *Room) sealText(ctx context.Context, purpose, id, text string) (string, error) {
	return r.sealBytes(ctx, purpose, id, []byte(text))
}

func (r *Room) unsealText(ctx context.Context, purpose, id, sealed string) (string, error) {
	plain, err := r.unsealBytes(ctx, purpose, id, sealed)
	return string(plain), err
}
