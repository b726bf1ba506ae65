package clamd_test

import (
	"context"
	"testing"

	"belisha/internal/gate/clamd"
	"belisha/internal/gate/probe"
	"belisha/internal/kit/clock"
)

func TestALargeFileTellsWhetherTheScannerKnowsItsLimit(t *testing.T) {
	const size = 12 << 20
	for _, c := range []struct {
		name string
		conf []string
		want clamd.Status
	}{
		{"the limit is above it", nil, clamd.Found},
		{"the limit is below it, and that is said", []string{"MaxFileSize 5M"}, clamd.Unscanned},
		{"the limit is below it, and that is kept quiet", []string{"MaxFileSize 5M", "AlertExceedsMax no"}, clamd.Clean},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := start(t, c.conf...)
			pool, err := clamd.New([]string{d.address()}, clamd.Options{Clock: clock.System{}})
			if err != nil {
				t.Fatal(err)
			}
			if res := pool.Scan(context.Background(), probe.Largest(size)); res.Status != c.want {
				t.Errorf("%+v", res)
			}
		})
	}
}
