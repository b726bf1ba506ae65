package porter

import (
	"sync"

	"belisha/internal/gate/subject"
	"belisha/internal/verdict"
)

// maxPAC bounds the file by which browsers find the proxy.
const maxPAC = 64 << 10

// maxReminded bounds who is remembered as reminded; beyond it nobody is.
const maxReminded = 100_000

// reminded remembers who was asked to sign the agreement today.
type reminded struct {
	mu   sync.Mutex
	day  string
	rows map[string]struct{}
}

func newReminded() *reminded { return &reminded{rows: make(map[string]struct{})} }

// first reports whether a row is met for the first time on a day.
func (r *reminded) first(row, day string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.day != day {
		r.day = day
		clear(r.rows)
	}
	if _, had := r.rows[row]; had || len(r.rows) >= maxReminded {
		return false
	}
	r.rows[row] = struct{}{}
	return true
}

// Remind turns an open page into the reminder to sign the agreement, once a
// row and day. It is asked only where the reader can go on from there.
func (p *Porter) Remind(a *Answer) bool {
	if a.Who.Agreement != subject.AgreementRemind || a.Who.Several || a.Verdict.Action != verdict.Allow {
		return false
	}
	switch a.Verdict.Reason {
	case verdict.ReasonHelp, verdict.ReasonOurs, verdict.ReasonEssential:
		return false
	}
	if !p.reminded.first(a.Who.ID, a.At.In(p.settings.Load().zone).Format("2006-01-02")) {
		return false
	}
	a.Verdict.Action, a.Verdict.Reason, a.Verdict.TryOut = verdict.Warn, verdict.ReasonAgreement, false
	return true
}
