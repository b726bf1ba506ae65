package house

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	gatecontrol "belisha/internal/gate/control"
	"belisha/internal/kit/control"
	"belisha/internal/kit/words"
	"belisha/internal/school/review"
)

// quietFor is how long an access point may say nothing on a school day before
// it is worth a look.
const quietFor = 24 * time.Hour

// identityHealth says whether the network tells the filter who is there, where
// it is to.
func (h *House) identityHealth(ctx context.Context) []review.Check {
	f := h.cfg.File.Gate
	if f.Keytab == "" && h.cfg.Listen.RADIUS == "" && len(f.Peers) == 0 {
		return nil
	}
	st, err := h.gate.status(ctx)
	if err != nil {
		return nil // the filter's own line says so
	}
	var out []review.Check
	if st.Kerberos.Set {
		out = append(out, h.kerberosHealth(st.Kerberos))
	}
	if st.Accounting.Set {
		out = append(out, h.accountingHealth(st.Accounting))
	}
	if len(f.Peers) > 0 {
		if k, ok := h.proxiesHealth(st.Proxies); ok {
			out = append(out, k)
		}
	}
	return out
}

// proxiesHealth says which listed proxies do not say who asks: for whoever
// comes through them the strictest rules hold, and one that is no proxy is
// believed all the same. Those that only use ICAP are not among them.
func (h *House) proxiesHealth(list []gatecontrol.Proxy) (review.Check, bool) {
	k := review.Check{Name: "Listed proxies", State: control.Kept}
	var good, silent []string
	for _, p := range list {
		last := p.Last.In(h.zone()).Format("15:04")
		if p.Silent > 0 {
			silent = append(silent, fmt.Sprintf("%s (%d of %d requests, last at %s)", p.Address, p.Silent, p.Asked, last))
			continue
		}
		good = append(good, fmt.Sprintf("%s last at %s", p.Address, last))
	}
	if len(good) > 0 {
		k.Words = "They say who asks: " + words.And(few(good)) + "."
	}
	if len(silent) > 0 {
		k.State = control.AtRisk
		k.Words = strings.TrimSpace("These do not say who asks, so nobody is known there: " + strings.Join(few(silent), "; ") + ". " + k.Words)
		k.Todo = "If it is a proxy, have it send X-Forwarded-For; if it is a device, take it out of [gate] peers at once, since whatever it says of others is believed. doc/identity.md says how."
	}
	return k, len(list) > 0
}

// few are the first of a long list, and how many more there are.
func few(list []string) []string {
	const most = 8
	if len(list) <= most {
		return list
	}
	return append(slices.Clone(list[:most]), fmt.Sprintf("%d more", len(list)-most))
}

func (h *House) kerberosHealth(s gatecontrol.Kerberos) review.Check {
	k := review.Check{Name: "Sign-in by Kerberos", State: control.Kept}
	refused := uint64(0)
	for _, n := range s.Refused {
		refused += n
	}
	switch {
	case !s.OK:
		k.State, k.Words = control.Broken, "Nobody can sign in by their computer: "+s.Why+"."
		k.Todo = "Put the keytab there; it is taken into use within a minute. doc/identity.md says how it is made."
	case s.Why != "":
		k.State, k.Words = control.AtRisk, "The newer file cannot be used, and the one before is: "+s.Why+"."
		k.Todo = "Mend the keytab before the domain changes its keys."
	case s.Proved == 0 && refused > 0:
		k.State, k.Words = control.AtRisk, "Nobody was proved since the filter's start, and "+countOf(refused)+" refused: "+refusals(s.Refused)+"."
		k.Todo = "Look at the clocks, and at the name by which browsers reach the proxy; doc/identity.md says what each means."
	case s.Proved == 0:
		k.State, k.Words = control.Unknown, "Ready; nobody has signed in by it since the filter's start."
	default:
		k.Words = fmt.Sprintf("%d requests proved, last %s.", s.Proved, s.Last.In(h.zone()).Format("2 January 15:04"))
		if refused > 0 {
			k.Words += " " + strings.ToUpper(countOf(refused)[:1]) + countOf(refused)[1:] + " refused: " + refusals(s.Refused) + "."
		}
	}
	return k
}

func countOf(n uint64) string { return words.Count(int(n), "token was", "tokens were") }

// refusals are the kinds of what was refused, the most frequent first.
func refusals(m map[string]uint64) string {
	kinds := slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		if m[a] != m[b] {
			return int(m[b]) - int(m[a])
		}
		return strings.Compare(a, b)
	})
	var out []string
	for _, kind := range kinds {
		out = append(out, fmt.Sprintf("%s %d", kind, m[kind]))
	}
	return strings.Join(out, ", ")
}

func (h *House) accountingHealth(s gatecontrol.Accounting) review.Check {
	k := review.Check{Name: "Who is on the Wi-Fi", State: control.Kept}
	now := h.cfg.Clock.Now()
	var good, bad []string
	for _, p := range s.Peers {
		switch {
		case !p.OK:
			bad = append(bad, p.Address+": "+p.Why)
		case p.Taken == 0 && p.Refused > 0:
			bad = append(bad, p.Address+" uses another secret than ours")
		case p.Taken == 0:
			bad = append(bad, p.Address+" has said nothing since the filter's start")
		case now.Sub(p.Last) > quietFor:
			bad = append(bad, p.Address+" has said nothing since "+p.Last.In(h.zone()).Format("2 January 15:04"))
		default:
			good = append(good, fmt.Sprintf("%s last at %s", p.Address, p.Last.In(h.zone()).Format("15:04")))
		}
	}
	k.Words = "At " + words.Count(s.Sessions, "address somebody is", "addresses people are") + " known."
	if len(good) > 0 {
		k.Words += " Heard: " + words.And(good) + "."
	}
	if s.Unknown > 0 {
		k.Words += fmt.Sprintf(" %d sign-ins under names that nobody here has.", s.Unknown)
	}
	switch {
	case len(s.Peers) == 0:
		k.State, k.Words, k.Todo = control.AtRisk, "Nobody may say who is there: the list is empty.", "List the access points under [gate] radius-peers."
	case len(bad) > 0:
		k.State = control.AtRisk
		k.Words += " " + strings.Join(bad, "; ") + "."
		k.Todo = "Look at the accounting server and its secret on the access points; doc/identity.md says how."
	}
	if s.Strange > 0 {
		k.Words += fmt.Sprintf(" %d packets came from addresses that are not listed, and were dropped.", s.Strange)
	}
	return k
}
