package verdict

import "runtime"

// Essential reports a host that devices need for time, certificates and the
// like, and that nobody has to sign in for.
func (s *Snapshot) Essential(host string) bool {
	a := Ask{Host: host}
	var f facts
	if !s.look(&a, &f, nil) || !f.placed {
		return false
	}
	var h hits
	s.hits(&a, &f, &h)
	runtime.KeepAlive(s) // the tables are outside the collector's sight
	return h.has(targetEssential)
}
