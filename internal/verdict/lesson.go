package verdict

import (
	"math/bits"
	"strings"
)

// Bounds of what is said of lessons.
const (
	MaxFocuses    = 2_000
	MaxSessions   = 2_000
	MaxFocusHosts = 50 // of one focus
)

// Focus is what a teacher set for a class until an end: its web opens these
// hosts, and what is below them, and nothing else. It opens nothing that is
// closed otherwise. Without hosts the web of the class is paused. Where several
// hold for somebody, each of them must have the host.
type Focus struct {
	ID string `json:"id"`
	// Who must name classes: whose classes are not known is in none of them.
	Who   Who      `json:"who"`
	Span  Span     `json:"span"`
	Hosts []string `json:"hosts,omitempty"`
}

// Supervision says whose web is open only while somebody supervises them. If a
// subject's key stage is not known, it waits too.
type Supervision struct {
	Who      Who       `json:"who"`
	Clause   string    `json:"clause,omitempty"`
	Sessions []Session `json:"sessions,omitempty"`
}

// Session is somebody supervising a class or a place until an end.
type Session struct {
	ID   string `json:"id"`
	Who  Who    `json:"who"`
	Span Span   `json:"span"`
}

type focus struct {
	who    who
	span   Span
	paused bool
}

type supervision struct {
	who      who
	sessions []session
	rule     uint32
}

type session struct {
	who  who
	span Span
}

// lessons compiles what holds for classes during their lessons.
func (c *compiler) lessons() error {
	for i, f := range c.r.Focuses {
		of := "focus " + f.ID
		w, err := c.who(f.Who, of)
		if err != nil {
			return err
		}
		if len(w.classes) == 0 || f.Span.Until == 0 {
			return refuse("%s names no class or has no end", of)
		}
		if len(f.Hosts) > MaxFocusHosts {
			return refuse("%s names %d hosts and at most %d fit", of, len(f.Hosts), MaxFocusHosts)
		}
		c.s.moments = append(c.s.moments, f.Span.From, f.Span.Until)
		c.s.focuses = append(c.s.focuses, focus{who: w, span: f.Span, paused: len(f.Hosts) == 0})
		c.s.names.rules = append(c.s.names.rules, RuleInfo{
			Kind: "focus", ID: f.ID, Classes: f.Who.Classes, Hosts: f.Hosts, Until: f.Span.Until,
		})
		for _, h := range f.Hosts {
			if strings.ContainsAny(h, "/=") {
				return refuse("%s names %q, which is not a host name", of, h)
			}
			if err := c.place(h, target{kind: targetFocus, index: int32(i)}, of); err != nil {
				return err
			}
		}
	}
	return c.supervised()
}

func (c *compiler) supervised() error {
	x := c.r.Supervision
	if x == nil {
		return nil
	}
	w, err := c.who(x.Who, "supervision")
	if err != nil {
		return err
	}
	if len(x.Sessions) > MaxSessions {
		return refuse("there are %d sessions of supervision and at most %d fit", len(x.Sessions), MaxSessions)
	}
	out := &supervision{who: w}
	for _, s := range x.Sessions {
		of := "supervision " + s.ID
		w, err := c.who(s.Who, of)
		if err != nil {
			return err
		}
		if len(w.classes) == 0 && w.anyPlace || s.Span.Until == 0 {
			return refuse("%s names no class and no place, or has no end", of)
		}
		c.s.moments = append(c.s.moments, s.Span.From, s.Span.Until)
		out.sessions = append(out.sessions, session{w, s.Span})
	}
	c.s.names.rules = append(c.s.names.rules, RuleInfo{Kind: "supervision", ID: "supervision", Clause: x.Clause})
	out.rule = uint32(len(c.s.names.rules))
	c.s.supervision = out
	return nil
}

// classPaused is the focus without hosts that holds for the subject, or -1.
func (s *Snapshot) classPaused(a *Ask) int {
	for i := range s.focuses {
		if f := &s.focuses[i]; f.paused && s.focused(f, a) {
			return i
		}
	}
	return -1
}

// unfocused is a focus that holds for the subject and does not have the host,
// or -1.
func (s *Snapshot) unfocused(a *Ask, h *hits) int {
	for i := range s.focuses {
		if f := &s.focuses[i]; !f.paused && s.focused(f, a) && !h.names(targetFocus, int32(i)) {
			return i
		}
	}
	return -1
}

// focused reports that a focus holds for the subject at the moment.
func (s *Snapshot) focused(f *focus, a *Ask) bool {
	if !f.span.covers(a.At.UnixMilli()) || !f.who.holdsClass(a.Classes, false) && !f.who.holdsClass(a.Among, false) {
		return false
	}
	// Whoever is in several groups, or in one that is not known, is held by
	// what holds for any of them.
	return s.groupsOf(a)&f.who.groups != 0
}

// LessonEnds is until when a pause or a focus holds for a subject who is asked
// about at a moment, in milliseconds; 0: none does.
func (s *Snapshot) LessonEnds(a *Ask) (until int64) {
	for i := range s.focuses {
		if f := &s.focuses[i]; s.focused(f, a) {
			until = max(until, f.span.Until)
		}
	}
	return until
}

// names reports that the rule of this kind and index names the host.
func (h *hits) names(kind targetKind, index int32) bool {
	if !h.has(kind) {
		return false
	}
	list := h.list()
	for i := range list {
		if list[i].kind == kind && list[i].index == index {
			return true
		}
	}
	return false
}

// alone reports that nobody supervises a subject whose web needs it.
func (s *Snapshot) alone(a *Ask) bool {
	x := s.supervision
	if x == nil || a.Attended {
		return false
	}
	needs := false
	for rest := s.groupsOf(a); rest != 0 && !needs; rest &= rest - 1 {
		needs = x.who.holds(uint8(bits.TrailingZeros64(rest)), a, true)
	}
	if !needs {
		return false
	}
	at := a.At.UnixMilli()
	for i := range x.sessions {
		if t := &x.sessions[i]; t.span.covers(at) && t.with(a) {
			return false
		}
	}
	return true
}

// with reports that the session is of the subject's class, or of a class that
// all at the address are in, and of the place.
func (t *session) with(a *Ask) bool {
	if len(t.who.classes) > 0 && !t.who.holdsClass(a.Classes, false) && !t.who.holdsClass(a.Together, false) {
		return false
	}
	return t.who.anyPlace || known(t.who.places, a.Place, false)
}

// focusRule is the number of a focus among all rules.
func (s *Snapshot) focusRule(i int) uint32 {
	return uint32(len(s.lines)+len(s.own)+len(s.unblocks)) + uint32(i) + 1
}
