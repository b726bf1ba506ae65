//go:build unix

package segment

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// mapFile maps the file for reading. The file may be deleted afterwards; the
// mapping stays whole.
func mapFile(path string) (data []byte, release func([]byte), err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if info.Size() < headerSize || info.Size() > 1<<40 {
		return nil, nil, fmt.Errorf("%w: it is %d bytes long", ErrDamaged, info.Size())
	}
	data, err = unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, nil, fmt.Errorf("mapping: %w", err)
	}
	wantHugePages(data)
	return data, func(b []byte) { _ = unix.Munmap(b) }, nil
}

// syncDir makes a rename last.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("opening the folder of list files: %w", err)
	}
	err = d.Sync()
	return errors.Join(err, d.Close())
}
