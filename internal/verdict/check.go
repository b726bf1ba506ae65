package verdict

import (
	"fmt"
	"strings"
	"time"
)

// Must is one line of the school's own must-block and must-allow list.
type Must struct {
	ID       string
	URL      string // a host or a URL
	Group    string // slug; "" for every group
	KeyStage string
	Place    string
	Act      Action // Block: must not be open; Allow: must be open; Warn: must warn
	// Minute is the minute of the week to ask for; nil: it must hold at every
	// time of the week.
	Minute *uint16
}

// Failure is one line that does not hold.
type Failure struct {
	Must   Must
	Got    Verdict
	Group  string
	Minute uint16
	Says   string // one sentence
}

// Check asks s everything on the list as of the given time and returns what
// does not hold. A line that cannot be asked does not hold.
func Check(s *Snapshot, at time.Time, list []Must) []Failure {
	var out []Failure
	for _, m := range list {
		out = append(out, s.check(m, at)...)
	}
	return out
}

func (s *Snapshot) check(m Must, at time.Time) []Failure {
	url, err := CanonicalURL(m.URL)
	if err != nil {
		return []Failure{{Must: m, Says: fmt.Sprintf("%s cannot be checked: %v.", m.URL, err)}}
	}
	groups, err := s.mustGroups(m)
	if err != nil {
		return []Failure{{Must: m, Says: err.Error()}}
	}
	minutes := s.edges
	if m.Minute != nil {
		minutes = []uint16{*m.Minute}
	}
	var out []Failure
	for _, g := range groups {
		for _, minute := range minutes {
			a := Ask{
				Door: DoorProxy, Host: url.Host, Path: url.Path, Port: url.Port, Groups: 1 << g, At: at, Minute: minute,
				KeyStage: s.names.KeyStage(m.KeyStage), Place: s.names.Place(m.Place), Attended: true,
			}
			if v := s.Decide(&a); v.Action != m.Act {
				slug := s.names.GroupSlug(g)
				out = append(out, Failure{
					Must: m, Got: v, Group: slug, Minute: minute,
					Says: fmt.Sprintf("%s must be %s for %s and is %s.", m.URL, past(m.Act), slug, past(v.Action)),
				})
				break // one time is enough to say so
			}
		}
	}
	return out
}

func (s *Snapshot) mustGroups(m Must) ([]uint8, error) {
	if m.KeyStage != "" && s.names.KeyStage(m.KeyStage) == 0 || m.Place != "" && s.names.Place(m.Place) == 0 {
		return nil, fmt.Errorf("%s cannot be checked: there is no key stage %q or no place %q", m.URL, m.KeyStage, m.Place)
	}
	if m.Group == "" {
		all := make([]uint8, len(s.groups))
		for i := range all {
			all[i] = uint8(i)
		}
		return all, nil
	}
	g, ok := s.names.groups[m.Group]
	if !ok {
		return nil, fmt.Errorf("%s cannot be checked: there is no group %q", m.URL, m.Group)
	}
	return []uint8{g}, nil
}

func past(a Action) string { return strings.ToLower(done(a)) }
