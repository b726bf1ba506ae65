package porter

import "time"

// farBack is how far a clock may be put back before the later time is taken
// for the mistake: a machine that started with a clock of years ahead would
// let nobody in otherwise.
const farBack = 24 * time.Hour

// markEvery is how finely the latest time is marked.
const markEvery = 100 * time.Millisecond

// times returns the time and the latest time ever seen, which differ where the
// clock was put back. What begins goes by the one, what ends by the other.
func (p *Porter) times() (now, high time.Time) {
	now = p.clock.Now()
	for {
		seen := p.high.Load()
		ahead := time.Duration(seen - now.UnixNano())
		if ahead > 0 && ahead < farBack {
			return now, now.Add(ahead)
		}
		if ahead <= 0 && ahead > -markEvery {
			return now, now
		}
		if ahead >= farBack && seen != 0 {
			p.table.Sweep(time.Unix(0, seen)) // who had gone by then does not come back
		}
		if p.high.CompareAndSwap(seen, now.UnixNano()) {
			return now, now
		}
	}
}

// High is the latest time that was ever seen: what has ended by it has ended.
func (p *Porter) High() time.Time {
	_, high := p.times()
	return high
}

// Zone is the zone of the site's clock.
func (p *Porter) Zone() *time.Location { return p.settings.Load().zone }
