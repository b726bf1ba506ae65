// Package vault keeps what must stay secret even from somebody who copies the
// records: secrets, the CA's key, sealed identities, attachments, and the
// detail of journal lines.
//
// One school key, which lies outside the records and outside every backup,
// wraps the data keys that lie in the table vault_keys. What is sealed is
// bound to its place (table, row, column), so that a value moved to another
// row does not open there. A key of a single record can be destroyed, which
// erases what was sealed with it wherever copies of it lie.
//
// Sealing never writes, so it may be used inside a transaction. Secret may
// write on its first use and must not be called inside one.
package vault

import (
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/crypto/chacha20poly1305"

	"belisha/internal/kit/clock"
	"belisha/internal/kit/store"
)

// Schema is the vault's tables.
//
//go:embed schema/*.sql
var Schema embed.FS

// KeySize is the length of every key, in bytes.
const KeySize = chacha20poly1305.KeySize

// What can go wrong.
var (
	// ErrLocked: the school key has not been given yet.
	ErrLocked = errors.New("the sealed records are locked; give the school key first")
	// ErrWrongKey: the key given is not the one the records were sealed with.
	ErrWrongKey = errors.New("this is not the key that these records were sealed with; give the school's own key or its printed recovery words")
	// ErrNoKey: the records were sealed, and the key is not where it should be.
	ErrNoKey = errors.New("the school key is missing; put it back, or make it again from the printed recovery words")
	// ErrDamaged: sealed bytes were changed, cut short or moved.
	ErrDamaged = errors.New("the sealed text was changed or belongs somewhere else; it was not opened")
	// ErrDestroyed: the key of this record was destroyed, so its text is erased.
	ErrDestroyed = errors.New("this was erased")
)

// Purpose names what a data key is for. Each has a key of its own. It is an
// alias, so that a package may ask for sealing without importing this one.
type Purpose = string

// The purposes.
const (
	Subjects    Purpose = "subjects"
	Journal     Purpose = "journal"
	Snapshots   Purpose = "snapshots"
	CA          Purpose = "ca"
	Attachments Purpose = "attachments"
	Signals     Purpose = "signals"
	Secrets     Purpose = "secrets"
	Records     Purpose = "records"
)

// Purposes are all purposes; Open makes a key for each.
var Purposes = []Purpose{Subjects, Journal, Snapshots, CA, Attachments, Signals, Secrets, Records}

// Place is where a sealed value lies. A value opens only in the place it was
// sealed for.
type Place struct{ Table, Row, Column string }

func (p Place) bytes(purpose string) []byte {
	return frame(purpose, p.Table, p.Row, p.Column)
}

// frame joins parts so that no two lists of parts give the same bytes.
func frame(parts ...string) []byte {
	var out []byte
	for _, s := range parts {
		out = append(out, fmt.Sprintf("%d:", len(s))...)
		out = append(out, s...)
	}
	return out
}

// Vault seals and opens. It is safe for several goroutines.
type Vault struct {
	db    *store.DB
	clock clock.Clock

	mu       sync.RWMutex
	school   []byte // nil while locked
	purposes map[Purpose][]byte
	secrets  map[string][]byte
}

// Open opens the vault in db with the school key of src. On fresh records it
// has src make the key. With a nil src the vault stays locked until Unlock.
func Open(ctx context.Context, db *store.DB, c clock.Clock, src KeySource) (*Vault, error) {
	if db == nil || c == nil {
		return nil, errors.New("opening the vault: it needs the records and a clock")
	}
	v := &Vault{db: db, clock: c}
	if src == nil {
		return v, nil
	}
	if err := v.Unlock(ctx, src); err != nil {
		return nil, err
	}
	return v, nil
}

// Unlock takes the school key from src and readies every purpose's key.
func (v *Vault) Unlock(ctx context.Context, src KeySource) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	school, err := v.schoolKey(ctx, src)
	if err != nil {
		return fmt.Errorf("opening the vault: %w", err)
	}
	keys := make(map[Purpose][]byte, len(Purposes))
	for _, p := range Purposes {
		k, err := v.ensureKey(ctx, school, "purpose:"+p)
		if err != nil {
			return fmt.Errorf("opening the vault: %w", err)
		}
		keys[p] = k
	}
	v.school, v.purposes, v.secrets = school, keys, map[string][]byte{}
	return nil
}

// Locked reports whether the school key is still to be given.
func (v *Vault) Locked() bool {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.school == nil
}

// RecoveryWords returns the school key as the groups of letters that a school
// prints and keeps in two safes.
func (v *Vault) RecoveryWords() (string, error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if v.school == nil {
		return "", ErrLocked
	}
	return Words(v.school), nil
}

// Seal seals plain, bound to aad: it opens only with the same.
func (v *Vault) Seal(_ context.Context, purpose string, aad, plain []byte) ([]byte, error) {
	k, err := v.purposeKey(purpose)
	if err != nil {
		return nil, err
	}
	return seal(k, frame(purpose, string(aad)), plain), nil
}

// Unseal opens what Seal made for the same purpose and aad.
func (v *Vault) Unseal(_ context.Context, purpose string, aad, sealed []byte) ([]byte, error) {
	k, err := v.purposeKey(purpose)
	if err != nil {
		return nil, err
	}
	return unseal(k, frame(purpose, string(aad)), sealed)
}

// SealText seals plain for a TEXT column.
func (v *Vault) SealText(_ context.Context, p Purpose, at Place, plain []byte) (string, error) {
	k, err := v.purposeKey(p)
	if err != nil {
		return "", err
	}
	return sealText(k, at.bytes(p), plain), nil
}

// UnsealText opens what SealText made for the same purpose and place.
func (v *Vault) UnsealText(_ context.Context, p Purpose, at Place, sealed string) ([]byte, error) {
	k, err := v.purposeKey(p)
	if err != nil {
		return nil, err
	}
	return unsealText(k, at.bytes(p), sealed)
}

// Secret returns the 32 random bytes called name, made on first use. It must
// not be called inside a transaction.
func (v *Vault) Secret(ctx context.Context, name string) ([]byte, error) {
	s, school, err := v.knownSecret(name)
	if err != nil || s != nil {
		return s, err
	}
	// The records are waited for without the lock: whoever writes to them may
	// need the vault to seal, and the two would wait for each other.
	if s, err = v.ensureKey(ctx, school, "secret:"+name); err != nil {
		return nil, fmt.Errorf("reading a secret: %w", err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.school == nil {
		return nil, ErrLocked
	}
	v.secrets[name] = s
	return append([]byte(nil), s...), nil
}

// knownSecret returns a copy of a secret that was read before, else of the
// school key.
func (v *Vault) knownSecret(name string) (secret, school []byte, err error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if v.school == nil {
		return nil, nil, ErrLocked
	}
	if s, ok := v.secrets[name]; ok {
		return append([]byte(nil), s...), nil, nil
	}
	return nil, append([]byte(nil), v.school...), nil
}

func (v *Vault) purposeKey(p Purpose) ([]byte, error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if v.school == nil {
		return nil, ErrLocked
	}
	k, ok := v.purposes[p]
	if !ok {
		return nil, fmt.Errorf("nothing is sealed for the purpose %q", p)
	}
	return k, nil
}

// ensureKey returns the wrapped key id, making it if there is none.
func (v *Vault) ensureKey(ctx context.Context, school []byte, id string) ([]byte, error) {
	k, err := readKey(ctx, v.db, school, id)
	if !errors.Is(err, ErrDestroyed) {
		return k, err
	}
	err = v.db.Write(ctx, func(tx *store.Tx) error {
		k, err = readKey(ctx, tx, school, id) // another process may have made it
		if errors.Is(err, ErrDestroyed) {
			k, err = v.makeKey(ctx, tx, school, id)
		}
		return err
	})
	return k, err
}

func (v *Vault) makeKey(ctx context.Context, tx *store.Tx, school []byte, id string) ([]byte, error) {
	k := random(KeySize)
	_, err := tx.ExecContext(ctx, "INSERT INTO vault_keys (id, wrapped, created_at) VALUES ($1, $2, $3)",
		id, sealText(school, keyPlace(id), k), store.At(v.clock.Now()))
	if err != nil {
		return nil, fmt.Errorf("keeping a key: %w", err)
	}
	return k, nil
}

// readKey returns the wrapped key id, or ErrDestroyed if there is none.
func readKey(ctx context.Context, q store.Querier, school []byte, id string) ([]byte, error) {
	var wrapped string
	err := q.QueryRowContext(ctx, "SELECT wrapped FROM vault_keys WHERE id = $1", id).Scan(&wrapped)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrDestroyed
	}
	if err != nil {
		return nil, fmt.Errorf("reading a key: %w", err)
	}
	return unsealText(school, keyPlace(id), wrapped)
}

func keyPlace(id string) []byte { return frame("key", "vault_keys", id, "wrapped") }

const sealedPrefix = "b1." // the way of sealing: XChaCha20-Poly1305, base64

func sealText(key, place, plain []byte) string {
	return sealedPrefix + base64.RawStdEncoding.EncodeToString(seal(key, place, plain))
}

func unsealText(key, place []byte, sealed string) ([]byte, error) {
	text, ok := strings.CutPrefix(sealed, sealedPrefix)
	if !ok {
		return nil, ErrDamaged
	}
	raw, err := base64.RawStdEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, ErrDamaged
	}
	return unseal(key, place, raw)
}

// seal returns a random nonce and the sealed text.
func seal(key, place, plain []byte) []byte {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		panic("vault: a key of the wrong length: " + err.Error()) // all keys are made here
	}
	nonce := random(aead.NonceSize())
	return aead.Seal(nonce, nonce, plain, place)
}

func unseal(key, place, sealed []byte) ([]byte, error) {
	if len(sealed) < chacha20poly1305.NonceSizeX {
		return nil, ErrDamaged
	}
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, fmt.Errorf("opening sealed text: %w", err)
	}
	plain, err := aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], place)
	if err != nil {
		return nil, ErrDamaged
	}
	return plain, nil
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // crypto/rand.Read never fails (Go 1.24)
	return b
}
