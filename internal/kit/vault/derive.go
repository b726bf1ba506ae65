package vault

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
)

// Derive returns a key for a use outside the records, such as the backup's. It
// is the same for the same school key, so that the printed recovery words open
// it as well.
func (v *Vault) Derive(name string) ([]byte, error) {
	school, err := v.schoolOrLocked()
	if err != nil {
		return nil, err
	}
	return DeriveFrom(school, name)
}

// DeriveFrom is Derive for a school key in hand, on a machine where there is
// no vault yet.
func DeriveFrom(school []byte, name string) ([]byte, error) {
	k, err := hkdf.Key(sha256.New, school, nil, "belisha "+name, KeySize)
	if err != nil {
		return nil, fmt.Errorf("deriving a key: %w", err)
	}
	return k, nil
}

// Given is a school key in hand. It opens a vault and never makes a key.
func Given(school []byte) KeySource { return given(school) }

type given []byte

func (g given) Where() string { return "a key in hand" }

func (g given) Key([]byte, bool) ([]byte, error) {
	if len(g) != KeySize {
		return nil, ErrNoKey
	}
	return append([]byte(nil), g...), nil
}

// School returns the school key itself, for the restore of a backup.
func (v *Vault) School() ([]byte, error) {
	school, err := v.schoolOrLocked()
	if err != nil {
		return nil, err
	}
	return append([]byte(nil), school...), nil
}
