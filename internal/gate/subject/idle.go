package subject

import (
	"sync/atomic"
	"time"
)

// Used notes that somebody asks for something, or has something open. It may
// be called on any copy of a row.
func (r *Row) Used(now time.Time) {
	if r.used != nil && r.Idle > 0 {
		r.used.Store(now.UnixMilli())
	}
}

// begin is the row as it enters the table. One that is only told again goes on
// where it was, also when it had been left alone for too long.
func (r *Row) begin(before *Row, now time.Time) {
	if !r.Fresh && before != nil && before.used != nil {
		r.used = before.used
		return
	}
	r.used = new(atomic.Int64)
	r.used.Store(now.UnixMilli())
}

// over reports whether the row has ended: by its time, or because it was left
// alone for too long.
func (r *Row) over(now time.Time) bool {
	if !now.Before(r.Ends) {
		return true
	}
	at := r.idleAt()
	return !at.IsZero() && !now.Before(at)
}

// idleAt is when the row ends unless it is used, zero where it does not.
func (r *Row) idleAt() time.Time {
	if r.Idle <= 0 || r.used == nil {
		return time.Time{}
	}
	return time.UnixMilli(r.used.Load()).Add(r.Idle)
}
