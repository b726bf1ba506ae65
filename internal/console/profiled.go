//go:build profile

package console

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
)

// profiled notes where the filter spends its time, in a file of the folder
// BELISHA_PROFILE. Only `PROFILE=file make bench-peers` builds this: the
// compiler reads what comes out when it builds the program that schools run.
func profiled() (stop func(), err error) {
	dir := os.Getenv("BELISHA_PROFILE")
	if dir == "" {
		return func() {}, nil
	}
	f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%d.pprof", os.Getpid())))
	if err != nil {
		return nil, fmt.Errorf("writing where time is spent: %w", err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, fmt.Errorf("writing where time is spent: %w", err)
	}
	return func() {
		pprof.StopCPUProfile()
		_ = f.Close()
	}, nil
}
