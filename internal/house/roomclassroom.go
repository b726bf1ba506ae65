package house

import (
	"context"
	"net/netip"
	"strings"

	"belisha/internal/kit/setting"
	"belisha/internal/school/classroom"
	"belisha/internal/school/filtering"
	"belisha/internal/school/people"
)

// openClassroom opens the room of a lesson's web.
func (h *House) openClassroom() (err error) {
	h.Classroom, err = classroom.New(classroom.Deps{
		DB: h.db, Journal: h.journal, Clock: h.cfg.Clock, Live: h.live, People: h.People, Log: h.log,
		Apply: h.Filtering.Lesson, InForce: h.Filtering.Focused, Site: filtering.Site, Closed: h.closedForPupils,
		Behind: h.onTheWeb, Places: h.Filtering.Places, Seen: h.lessonSeen, Strangers: h.strangers,
	})
	if err != nil {
		return err
	}
	h.join(h.Classroom)
	return nil
}

// lessons is what classes are set, for the filter's rules.
func (h *House) lessons(ctx context.Context, v *setting.Values) (filtering.Lessons, error) {
	var out filtering.Lessons
	if h.Classroom == nil {
		return out, nil
	}
	out.Supervised, out.Clause = classroom.Supervised(v)
	running, err := h.Classroom.Running(ctx)
	if err != nil {
		return out, err
	}
	for _, s := range running {
		if s.Kind == classroom.Supervise {
			out.Sessions = append(out.Sessions, filtering.LessonSession{ID: s.ID, Class: s.Class, Place: s.Place, From: s.From, Until: s.Until})
			continue
		}
		out.Focuses = append(out.Focuses, filtering.LessonFocus{ID: s.ID, Class: s.Class, Hosts: s.Hosts, From: s.From, Until: s.Until})
	}
	return out, nil
}

// closedForPupils says why a site is closed for pupils anyway.
func (h *House) closedForPupils(ctx context.Context, host string, stage people.KeyStage) (string, error) {
	a, err := h.Filtering.Decide(ctx, filtering.Question{URL: host, Group: filtering.GroupPupils, KeyStage: string(stage)})
	if err != nil || a.Action == "allow" {
		return "", err
	}
	return a.Says, nil
}

// onTheWeb is who is signed in on the web, and on which device.
func (h *House) onTheWeb(ctx context.Context) ([]classroom.Present, error) {
	list, err := h.Access.Behind(ctx)
	if err != nil {
		return nil, err
	}
	devices, err := h.Filtering.Devices(ctx)
	if err != nil {
		return nil, err
	}
	named := func(a netip.Addr) string {
		if a.IsUnspecified() {
			return "a browser with a password of its own"
		}
		for _, d := range devices {
			for _, p := range d.Prefixes() {
				if p.Contains(a) {
					return d.Label
				}
			}
		}
		return a.String()
	}
	out := make([]classroom.Present, 0, len(list))
	for _, r := range list {
		out = append(out, classroom.Present{Person: r.Person, Device: named(r.Address), Until: r.SignedUntil})
	}
	return out, nil
}

// lessonSeen asks the record which sites a class opened. Kinds of site that say
// something of somebody's health or distress are never a teacher's to see.
func (h *House) lessonSeen(ctx context.Context, l classroom.Look) (classroom.Seen, error) {
	private := map[string]bool{}
	if snap := h.Filtering.Snapshot(); snap != nil {
		for _, c := range snap.Names().Categories {
			private[c.Slug] = c.Alert != "" && c.Alert != "none"
		}
	}
	quiet := func(category string) bool {
		return private[category] || careKinds[category] || strings.HasPrefix(category, "support")
	}
	list, counted, err := h.Monitoring.Lesson(ctx, l.Class, l.Of, l.Since, quiet)
	out := classroom.Seen{Counted: counted}
	for _, x := range list {
		out.Hosts = append(out.Hosts, classroom.Host{Host: x.Host, Times: x.Times, Blocked: x.Blocked, Who: x.Pupils, Last: x.Last})
	}
	return out, err
}
