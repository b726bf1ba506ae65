package segment

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

// mapFile maps the file for reading. Windows keeps the file while it is
// mapped; who clears old files away tries again later.
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
	m, err := windows.CreateFileMapping(windows.Handle(f.Fd()), nil, windows.PAGE_READONLY, 0, 0, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("mapping: %w", err)
	}
	defer windows.CloseHandle(m)
	at, err := windows.MapViewOfFile(m, windows.FILE_MAP_READ, 0, 0, uintptr(info.Size()))
	if err != nil {
		return nil, nil, fmt.Errorf("mapping: %w", err)
	}
	// The view is outside Go's heap; the pointer is made through an address
	// of the variable, as the address itself is no Go pointer.
	data = unsafe.Slice(*(**byte)(unsafe.Pointer(&at)), int(info.Size()))
	return data, func(b []byte) { _ = windows.UnmapViewOfFile(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) }, nil
}

// syncDir does nothing: Windows keeps renames by itself.
func syncDir(string) error { return nil }
