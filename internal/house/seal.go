package house

import (
	"context"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"belisha/internal/gate/ca"
	"belisha/internal/kit/store"
	"belisha/internal/kit/vault"
	"belisha/internal/school/filtering"

	"golang.org/x/crypto/chacha20poly1305"
)

// caSealer seals the key of the school's certificate authority with a key
// that comes from the school key. The filter opens it by itself, before and
// without the records.
type caSealer struct {
	aead  cipher.AEAD
	place []byte
}

// CASealer returns the sealer for a data folder whose school key lies in a
// file. Where it does not, there is none, and no page is shown in place of a
// blocked HTTPS site.
func CASealer(keyFile string) (interface {
	Seal(plain []byte) ([]byte, error)
	Open(sealed []byte) ([]byte, error)
}, error,
) {
	return fileSealer(keyFile, "belisha certificate authority", "gate/ca")
}

// LicenceSealer returns what seals licensed lists for the filter of a data
// folder whose school key lies in a file. Without it no such list is taken up,
// and a filter without it takes no rules that have one.
func LicenceSealer(keyFile string) (interface {
	Seal(plain []byte) ([]byte, error)
	Open(sealed []byte) ([]byte, error)
}, error,
) {
	return fileSealer(keyFile, "belisha licensed lists", "gate/licensed")
}

func fileSealer(keyFile, purpose, place string) (caSealer, error) {
	school, err := vault.ReadKeyFile(keyFile)
	if err != nil {
		return caSealer{}, err
	}
	key, err := hkdf.Key(sha256.New, school, nil, purpose, chacha20poly1305.KeySize)
	if err != nil {
		return caSealer{}, fmt.Errorf("making the key of the filter's secrets: %w", err)
	}
	a, err := chacha20poly1305.NewX(key)
	if err != nil {
		return caSealer{}, fmt.Errorf("making the key of the filter's secrets: %w", err)
	}
	return caSealer{a, []byte(place)}, nil
}

// Seal seals one of the filter's secrets.
func (s caSealer) Seal(plain []byte) ([]byte, error) {
	nonce := make([]byte, s.aead.NonceSize())
	_, _ = rand.Read(nonce) // crypto/rand.Read never fails (Go 1.24)
	return s.aead.Seal(nonce, nonce, plain, s.place), nil
}

// Open opens it.
func (s caSealer) Open(sealed []byte) ([]byte, error) {
	n := s.aead.NonceSize()
	if len(sealed) < n {
		return nil, errors.New("the sealed secret is damaged")
	}
	plain, err := s.aead.Open(nil, sealed[:n], sealed[n:], s.place)
	if err != nil {
		return nil, errors.New("it was sealed with another school key, or is damaged")
	}
	return plain, nil
}

// licence seals licensed lists; nil where the school key lies in no file.
func (h *House) licence() filtering.Licence {
	seal, err := LicenceSealer(h.keyFile())
	if err != nil {
		return nil
	}
	return seal
}

// certificate is the school's certificate, as devices install it.
func (h *House) certificate(context.Context) (pem []byte, fingerprint string, err error) {
	seal, err := CASealer(h.keyFile())
	if err != nil {
		return nil, "", store.ErrNotFound
	}
	a, err := ca.Open(h.folder.Path("gate", "ca"), seal, h.cfg.Clock)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", store.ErrNotFound
	}
	if err != nil {
		return nil, "", err
	}
	return a.PEM(), a.Fingerprint(), nil
}

// publicKeyFile holds the key that the filter trusts rules by.
const publicKeyFile = "school.pub"

func writePublicKey(dir string, key ed25519.PublicKey) error {
	return writeFile(filepath.Join(dir, publicKeyFile), []byte(hex.EncodeToString(key)+"\n"))
}

// ReadPublicKey reads the key that the filter of a folder trusts rules by.
func ReadPublicKey(dir string) (ed25519.PublicKey, error) {
	b, err := os.ReadFile(filepath.Join(dir, publicKeyFile))
	if err != nil {
		return nil, errors.New("the filter has no school key yet; start `belisha serve` on this folder first")
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(b)))
	if err != nil || len(key) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("%s is damaged; start `belisha serve` to write it again", publicKeyFile)
	}
	return ed25519.PublicKey(key), nil
}
