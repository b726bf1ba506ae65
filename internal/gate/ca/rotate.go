package ca

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"belisha/internal/kit/clock"
)

// A certificate that devices trust ends one day. The next one is made ahead,
// under these names in the same folder, so that devices can have both before
// anything is signed by the newer; then it takes the older's place.
const (
	nextCert = "next.pem"
	nextKey  = "next.key"
	pastCert = "past.pem"
)

// Prepare makes the certificate that will follow the one in dir, and leaves
// that in use. One that is prepared already is never overwritten: devices may
// trust it.
func Prepare(dir, school string, limits Limits, seal Sealer, c clock.Clock) error {
	if !Exists(dir) {
		return fmt.Errorf("preparing the next certificate: there is none yet in %s", dir)
	}
	if _, err := os.Stat(filepath.Join(dir, nextCert)); err == nil {
		return errors.New("preparing the next certificate: one is prepared already")
	}
	// A key without its certificate is left over from a start that was cut off;
	// nobody can have trusted it.
	if err := os.Remove(filepath.Join(dir, nextKey)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("preparing the next certificate: %w", err)
	}
	return create(dir, school, limits, seal, c, nextCert, nextKey)
}

// Next is the certificate that is prepared in dir, as devices install it; the
// error is fs.ErrNotExist where none is.
func Next(dir string, seal Sealer, c clock.Clock) (*CA, error) {
	return open(dir, nextCert, nextKey, seal, c)
}

// Promote puts the prepared certificate in the place of the one in use. The
// key of that is gone then, so nothing can be signed by it again; the
// certificate itself stays, to be recognised and taken off devices.
func Promote(dir string, seal Sealer, c clock.Clock) (*CA, error) {
	next, err := Next(dir, seal, c)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("changing the certificate: none is prepared")
	}
	if err != nil {
		return nil, err
	}
	if ends := next.Ends(); !c.Now().Before(ends) {
		return nil, fmt.Errorf("changing the certificate: the prepared one ended on %s", ends.Format(time.DateOnly))
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	old, err := os.ReadFile(at(certFile))
	if err != nil {
		return nil, fmt.Errorf("changing the certificate: %w", err)
	}
	if err := os.WriteFile(at(pastCert), old, 0o600); err != nil {
		return nil, fmt.Errorf("changing the certificate: %w", err)
	}
	// A crash in between leaves the new certificate with the old key, which
	// Open mends: the prepared key is still there.
	for _, step := range [][2]string{{nextCert, certFile}, {nextKey, keyFile}} {
		if err := os.Rename(at(step[0]), at(step[1])); err != nil {
			return nil, fmt.Errorf("changing the certificate: %w", err)
		}
	}
	return Open(dir, seal, c)
}

// mend finishes a change of certificate that was cut off half way: the
// certificate in use is the newer one, and its key is still the prepared one.
func mend(dir string, seal Sealer, c clock.Clock) (*CA, error) {
	a, err := open(dir, certFile, nextKey, seal, c)
	if err != nil {
		return nil, err
	}
	if err := os.Rename(filepath.Join(dir, nextKey), filepath.Join(dir, keyFile)); err != nil {
		return nil, fmt.Errorf("finishing the change of certificate: %w", err)
	}
	return a, nil
}

// Discard takes a prepared certificate away. Whoever trusts it already trusts
// something that nobody has the key of any more.
func Discard(dir string) error {
	for _, name := range []string{nextKey, nextCert} { // without its key nothing can be signed by it
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("taking the prepared certificate away: %w", err)
		}
	}
	return nil
}
