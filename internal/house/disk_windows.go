package house

import (
	"fmt"

	"golang.org/x/sys/windows"
)

// freeBytes is the room left for this user on the disk that holds dir.
func freeBytes(dir string) (uint64, error) {
	p, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, fmt.Errorf("asking for the room on the disk: %w", err)
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(p, &free, nil, nil); err != nil {
		return 0, fmt.Errorf("asking for the room on the disk: %w", err)
	}
	return free, nil
}

// credentialMissing: Windows has no systemd.
func credentialMissing() bool { return true }
