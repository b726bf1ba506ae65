package worked

import "time"

// worked is not measured here.
func Time() time.Duration { return 0 }
