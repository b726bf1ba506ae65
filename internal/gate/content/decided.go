package content

// A door that can have a body go on without its coming by here, as ICAP can,
// asks whether anything of it is still to be looked at.

// Decided reports that its beginning was enough.
func (b *again) Decided() bool { return b.err == nil }

// Decided reports that all of it was looked at.
func (r *replay) Decided() bool { return r.err == nil }

// Decided is not the replay's: the rest may be in the hands of another reader
// yet.
func (o *onwards) Decided() bool { return false }
