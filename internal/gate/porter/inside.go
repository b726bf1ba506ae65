package porter

import "belisha/internal/verdict"

// Inspects reports whether TLS to host, which the answer is about, is ended by
// the filter for this person.
func (a *Answer) Inspects(host string) bool {
	return a.snapshot.Inspects(a.bits(), a.At, host, &a.Verdict)
}

// Headers calls do for every header that a door removes from the request, with
// value "", and then for every one that it sets.
func (a *Answer) Headers(do func(name, value string)) {
	a.snapshot.Headers(a.bits(), a.At, a.Host, do)
}

// SafeMode is how safe a service is kept for this person: "strict",
// "moderate" or "off".
func (a *Answer) SafeMode(service string) string {
	return a.snapshot.SafeMode(a.bits(), service, a.At)
}

func (a *Answer) bits() uint64 { return groupBits(a.snapshot.Names(), &a.Who) }

// Note gives the answer a detail for its record, where nothing was found that
// has one.
func (a *Answer) Note(detail string) {
	if a.finding == nil {
		a.finding = &Finding{Action: verdict.Allow, Category: verdict.NoCategory, Detail: detail}
	}
}
