package scan

import "golang.org/x/sys/unix"

// hugePages asks for large pages, since a table is read all over; without
// them it is as it was.
func hugePages(b []byte) { _ = unix.Madvise(b, unix.MADV_HUGEPAGE) }
