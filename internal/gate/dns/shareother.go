//go:build !linux

package dns

import "syscall"

// canShare: elsewhere one socket is read by several.
const canShare = false

func shareAddress(_, _ string, _ syscall.RawConn) error { return nil }
