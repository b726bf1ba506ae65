// Package worked tells how long the processors have worked for this process,
// so that a test of speed holds its figure on a machine that others use too.
package worked

import (
	"time"

	"belisha/internal/kit/clock"
)

// By is how long do takes: by the clock on the wall or, where others keep the
// processors busy, by the time that they worked for this process.
func By(do func()) time.Duration {
	began, before := clock.System{}.Now(), Time()
	do()
	wall, work := clock.System{}.Now().Sub(began), Time()-before
	if before == 0 {
		return wall // it is not measured here
	}
	return min(wall, work)
}
