package house

import (
	"context"
	"fmt"
	"strings"

	"belisha/internal/gate/control"
	kitcontrol "belisha/internal/kit/control"
	"belisha/internal/kit/words"
	"belisha/internal/school/review"
)

// scannerLimits is what every reader of the health page must know of clamd.
const scannerLimits = "A scanner says nothing of files above its own MaxFileSize unless clamd.conf has AlertExceedsMax yes; the nightly trial tries it."

// insideHealth says how what looks inside messages stands: the virus scanners,
// and the door for other proxies.
func (h *House) insideHealth(ctx context.Context) []review.Check {
	st, err := h.gate.status(ctx)
	if err != nil {
		return nil // the filter's own line says so
	}
	var out []review.Check
	if len(st.Content.Scanners) > 0 {
		out = append(out, h.scannerHealth(&st.Content))
	}
	if st.ICAP != nil {
		out = append(out, icapHealth(st.ICAP))
	}
	return out
}

// scannerHealth is as good as the best scanner: one that answers is enough.
func (h *House) scannerHealth(c *control.Content) review.Check {
	k := review.Check{Name: "Virus scanner", State: kitcontrol.Broken}
	var says []string
	for _, s := range c.Scanners {
		state := kitcontrol.Broken
		switch {
		case !s.Asked:
			state = kitcontrol.Unknown
			says = append(says, s.Address+" was not asked yet")
		case !s.OK:
			says = append(says, s.Address+" does not answer: "+s.Why)
		case s.Stale:
			state = kitcontrol.AtRisk
			says = append(says, s.Address+" answers, and its signatures are old or of no date")
		default:
			state = kitcontrol.Kept
			says = append(says, fmt.Sprintf("%s answers: %s, signatures %s of %s", s.Address, s.Version, s.Signatures, s.Made.In(h.zone()).Format("2 January")))
		}
		if kitcontrol.Worst([]kitcontrol.State{k.State, state}) == k.State {
			k.State = state
		}
	}
	k.Words = fmt.Sprintf("%s. Files scanned since the filter’s start: %d; that could not be looked at as they must: %d. %s", strings.Join(says, "; "), c.Scanned, c.Unscanned, scannerLimits)
	switch k.State {
	case kitcontrol.Broken:
		k.Todo = "Start it again: on Debian, systemctl restart clamav-daemon."
	case kitcontrol.AtRisk:
		k.Todo = "Look why it fetches no signatures: on Debian, systemctl status clamav-freshclam."
	}
	return k
}

func icapHealth(i *control.ICAP) review.Check {
	k := review.Check{Name: "ICAP", State: kitcontrol.Kept}
	k.Words = fmt.Sprintf("Messages since the filter’s start: %d, closed %d, refused %d; %s open now.", i.Requests, i.Blocked, i.Refused, words.Count(i.Conns, "connection", "connections"))
	if i.Refused > 0 {
		k.Words += " Refused is what was malformed, came from an address that is not under peers, or was too many at once."
	}
	if i.Faults > 0 {
		k.State, k.Todo = kitcontrol.AtRisk, "Look into gate/gate.log in the data folder, and report it."
		k.Words += fmt.Sprintf(" Faults: %d.", i.Faults)
	}
	return k
}
