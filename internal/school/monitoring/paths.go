package monitoring

import "strings"

// The addresses that rules name in what they say.
const (
	pathMonitors = "/monitoring/monitors"
	pathSignals  = "/monitoring/signals"
	pathDraws    = "/monitoring/samples"
	pathGrants   = "/monitoring/contractors"
	pathWatchers = "/monitoring/watchers"
	pathAlerts   = "/monitoring/alerts"
	pathBases    = "/monitoring/bases"
	pathAssess   = "/monitoring/assessment"
	pathGaps     = "/monitoring/gaps"
	pathReleases = "/monitoring/releases"
	pathErasure  = "/monitoring/erasure"
	pathSight    = "/monitoring/sight"
	pathCheck    = "/monitors/check"
)

// forEverybody says whether a page is open to pupils as well: only the one
// that says whether the person in front of them may look.
func forEverybody(pattern string) bool { return strings.HasSuffix(pattern, " "+pathCheck) }
