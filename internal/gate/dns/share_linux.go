package dns

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// canShare: several sockets share one port, so that each core has its own.
const canShare = true

func shareAddress(_, _ string, c syscall.RawConn) error {
	var err error
	if e := c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	}); e != nil {
		return e
	}
	return err
}
