//go:build !windows

package console

import "context"

// machine is what starts programs here.
func machine() manager { return newSystemd() }

// underManager does nothing here: systemd ends programs by a signal.
func underManager(context.CancelCauseFunc) (ended func()) { return func() {} }
