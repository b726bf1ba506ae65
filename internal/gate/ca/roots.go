package ca

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// rootsFile holds certificates of issuers that are believed besides the
// system's, such as that of a provider who inspects on the way.
const rootsFile = "roots.pem"

// Roots are who may vouch for sites: whom the system believes, and those in the
// folder's file of their own. Without that file it is nil, which means the
// system's.
func Roots(dir string) (*x509.CertPool, error) {
	raw, err := os.ReadFile(filepath.Join(dir, rootsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading whose certificates are believed: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("reading whose certificates the system believes: %w", err)
	}
	if !pool.AppendCertsFromPEM(raw) {
		return nil, fmt.Errorf("reading whose certificates are believed: %s holds no certificate in PEM", filepath.Join(dir, rootsFile))
	}
	return pool, nil
}
