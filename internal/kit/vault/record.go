package vault

import (
	"context"
	"fmt"

	"belisha/internal/kit/store"
)

// Key is the key of one record. Destroying it erases what it sealed.
type Key struct {
	id  string
	raw []byte
}

// NewKey makes the key of the record id inside a transaction.
func (v *Vault) NewKey(ctx context.Context, tx *store.Tx, id string) (Key, error) {
	school, err := v.schoolOrLocked()
	if err != nil {
		return Key{}, err
	}
	raw, err := v.makeKey(ctx, tx, school, recordID(id))
	return Key{id, raw}, err
}

// RecordKey returns the key of the record id, ErrDestroyed if it has none.
func (v *Vault) RecordKey(ctx context.Context, q store.Querier, id string) (Key, error) {
	school, err := v.schoolOrLocked()
	if err != nil {
		return Key{}, err
	}
	raw, err := readKey(ctx, q, school, recordID(id))
	return Key{id, raw}, err
}

// DestroyKey destroys the key of the record id. To destroy a key that does
// not exist is no error: erasing twice erases once. The text is overwritten
// before the row goes, so that the database's page does not keep it.
func (v *Vault) DestroyKey(ctx context.Context, tx *store.Tx, id string) error {
	const zeroes = "b1.0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	if _, err := tx.ExecContext(ctx, "UPDATE vault_keys SET wrapped = substr($1, 1, length(wrapped)) WHERE id = $2", zeroes, recordID(id)); err != nil {
		return fmt.Errorf("destroying a key: %w", err)
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM vault_keys WHERE id = $1", recordID(id)); err != nil {
		return fmt.Errorf("destroying a key: %w", err)
	}
	return nil
}

// Seal seals plain for a place.
func (k Key) Seal(at Place, plain []byte) string {
	return sealText(k.raw, at.bytes(recordID(k.id)), plain)
}

// Unseal opens what Seal made for the same place.
func (k Key) Unseal(at Place, sealed string) ([]byte, error) {
	return unsealText(k.raw, at.bytes(recordID(k.id)), sealed)
}

func (v *Vault) schoolOrLocked() ([]byte, error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if v.school == nil {
		return nil, ErrLocked
	}
	return v.school, nil
}

func recordID(id string) string { return "record:" + id }
