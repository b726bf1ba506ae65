package verdict

// Essential reports a host that devices need for time, certificates and
// updates. Nobody has to sign in for it, and what comes from it is not looked
// at, in the clear as little as where it is encrypted: no person asked for it.
func (s *Snapshot) Essential(host string) bool { return hasOrBelow(s.essentials, host) }
