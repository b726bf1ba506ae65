//go:build unix

package house

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// freeBytes is the room left for this user on the disk that holds dir.
func freeBytes(dir string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("asking for the room on the disk: %w", err)
	}
	return s.Bavail * uint64(s.Bsize), nil //nolint:unconvert // the types differ between systems
}

// credentialMissing reports whether systemd gave no credential.
func credentialMissing() bool { return os.Getenv("CREDENTIALS_DIRECTORY") == "" }
