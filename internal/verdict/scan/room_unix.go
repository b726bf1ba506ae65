//go:build unix

package scan

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// room returns a table outside the collector's sight, and how it is given
// back: it is most of what the filter holds for long, and the collector lets a
// share of what it sees lie about as garbage. Where the system gives none the
// table is like any other, and nothing is given back.
func room(entries int) (table []uint32, release func([]byte), whole []byte) {
	b, err := unix.Mmap(-1, 0, 4*entries, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return make([]uint32, entries), nil, nil
	}
	hugePages(b)
	return unsafe.Slice((*uint32)(unsafe.Pointer(&b[0])), entries), func(b []byte) { _ = unix.Munmap(b) }, b
}
