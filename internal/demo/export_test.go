package demo

import "belisha/internal/kit/clock"

// ClockAt is a demonstration's clock whose present is c's.
func ClockAt(c clock.Clock) *Clock { return &Clock{real: c} }

// With is ctx with the actor.
var With = withActor
