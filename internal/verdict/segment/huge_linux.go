package segment

import "golang.org/x/sys/unix"

// wantHugePages asks the system to read the file in huge pages where it must
// read it from disk. It is a wish: nothing depends on its being granted.
func wantHugePages(data []byte) { _ = unix.Madvise(data, unix.MADV_HUGEPAGE) }
