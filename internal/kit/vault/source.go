package vault

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/argon2"

	"belisha/internal/kit/store"
)

// KeySource is where the school key comes from.
type KeySource interface {
	// Key returns the school key. salt belongs to the records. fresh says
	// that nothing was sealed yet, so that the key may be made; otherwise a
	// missing key is ErrNoKey.
	Key(salt []byte, fresh bool) ([]byte, error)
	// Where says in words where the key lies, for the health page.
	Where() string
}

// fileSource is a key file.
type fileSource struct {
	path string
	make bool
}

// File takes the key from a file, and makes the file, readable by its owner
// only, for fresh records.
func File(path string) KeySource { return fileSource{path: path, make: true} }

// Credential takes the key from the systemd credential belisha.key. It is
// nil when systemd gave none.
func Credential() KeySource {
	dir := os.Getenv("CREDENTIALS_DIRECTORY")
	if dir == "" {
		return nil
	}
	path := filepath.Join(dir, "belisha.key")
	if _, err := os.Stat(path); err != nil {
		return nil
	}
	return fileSource{path: path}
}

func (f fileSource) Where() string { return "the file " + f.path }

func (f fileSource) Key(_ []byte, fresh bool) ([]byte, error) {
	key, err := ReadKeyFile(f.path)
	switch {
	case err == nil:
		return key, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case !fresh || !f.make:
		return nil, fmt.Errorf("%w (looked for %s)", ErrNoKey, f.path)
	}
	key = random(KeySize)
	if err := WriteKeyFile(f.path, key); err != nil {
		return nil, err
	}
	return key, nil
}

// ReadKeyFile reads a school key that WriteKeyFile wrote.
func ReadKeyFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("reading the school key: %w", err)
	}
	if info.Size() > 4096 {
		return nil, fmt.Errorf("%s is not a school key; it is too long", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the school key: %w", err)
	}
	key, err := FromRecovery(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s is not a school key: %w", path, err)
	}
	return key, nil
}

// WriteKeyFile writes a school key, in the form of its recovery words, to a
// file that does not exist yet.
func WriteKeyFile(path string, key []byte) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("making the folder of the school key: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("writing the school key: %w", err)
	}
	defer func() {
		if err != nil { // half a key must not be left where a key is looked for
			err = errors.Join(err, os.Remove(path))
		}
	}()
	_, err = f.WriteString(Words(key) + "\n")
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("writing the school key: %w", err)
	}
	return nil
}

// passphraseSource stretches a passphrase.
type passphraseSource struct{ words string }

// Passphrase makes the key from words that somebody types at each start.
func Passphrase(words string) KeySource { return passphraseSource{words} }

// MinPassphrase is the fewest characters a passphrase may have.
const MinPassphrase = 15

func (p passphraseSource) Where() string { return "a passphrase typed at the start" }

func (p passphraseSource) Key(salt []byte, fresh bool) ([]byte, error) {
	words := strings.TrimSpace(p.words)
	if words == "" {
		return nil, ErrLocked
	}
	if fresh && len([]rune(words)) < MinPassphrase {
		return nil, fmt.Errorf("the passphrase is too short; use at least %d characters, several words are best", MinPassphrase)
	}
	// 64 MiB, three passes: about a third of a second, once at each start.
	return argon2.IDKey([]byte(words), salt, 3, 64*1024, 2, KeySize), nil
}

// schoolKey gets the key from src and proves it against the records, or, on
// fresh records, keeps the proof.
func (v *Vault) schoolKey(ctx context.Context, src KeySource) ([]byte, error) {
	var salt, proof string
	err := v.db.QueryRowContext(ctx, "SELECT salt, proof FROM vault_roots WHERE id = 'school'").Scan(&salt, &proof)
	if errors.Is(err, sql.ErrNoRows) {
		return v.firstKey(ctx, src)
	}
	if err != nil {
		return nil, fmt.Errorf("looking for the vault: %w", err)
	}
	rawSalt, err := base64.RawStdEncoding.DecodeString(salt)
	if err != nil {
		return nil, ErrDamaged
	}
	key, err := src.Key(rawSalt, false)
	if err != nil {
		return nil, err
	}
	if _, err := unsealText(key, rootPlace(), proof); err != nil {
		return nil, ErrWrongKey
	}
	return key, nil
}

func (v *Vault) firstKey(ctx context.Context, src KeySource) ([]byte, error) {
	salt := random(16)
	key, err := src.Key(salt, true)
	if err != nil {
		return nil, err
	}
	if len(key) != KeySize {
		return nil, fmt.Errorf("the school key has %d bytes; it must have %d", len(key), KeySize)
	}
	err = v.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO vault_roots (id, salt, proof, created_at) VALUES ('school', $1, $2, $3)",
			base64.RawStdEncoding.EncodeToString(salt), sealText(key, rootPlace(), []byte("Belisha")), store.At(v.clock.Now()))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("founding the vault: %w", err)
	}
	return key, nil
}

func rootPlace() []byte { return frame("root", "vault_roots", "school", "proof") }
