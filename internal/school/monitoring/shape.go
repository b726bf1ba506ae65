package monitoring

import (
	"context"
	"strings"

	"belisha/internal/activity"
	"belisha/internal/kit/actor"
	"belisha/internal/school/access"
	"belisha/internal/school/people"
)

// How sure the record is of the person, in words.
const (
	howSure    = "signed in"
	howLikely  = "probably"
	howUnknown = "not known who"
)

// shape makes rows of events: names joined, staff without pages and words,
// nobody named where the record does not know.
func (r *Room) shape(ctx context.Context, events []activity.Event) []Seen {
	type named struct {
		id   people.ID
		name string
	}
	known := map[string]named{}
	tray := actor.From(ctx).May(MayTray)
	detail := r.values().Bool(keyStaff)
	rows := make([]Seen, 0, len(events))
	for i := range events {
		e := &events[i]
		s := Seen{
			At: e.At, How: howUnknown, Group: e.Group, Where: where(e), Host: e.Host, Path: e.Path, Words: e.Words, Engine: e.Engine,
			Category: e.Category, Rule: e.Rule, Reason: e.Reason, Found: e.Detail, Action: e.Action, Times: int(max(e.Count, 1)),
			Flagged: tray && e.Alert != "", Ref: keyOf(e).ref(), Device: e.Device, Certainty: certaintyUnknown,
		}
		if e.Subject != "" && e.Certainty != activity.Unknown {
			n, ok := known[e.Subject]
			if !ok {
				if id, display, found := r.d.Names.Name(ctx, e.Subject); found {
					n = named{id, display}
				}
				known[e.Subject] = n
			}
			s.Person, s.Name, s.How, s.Certainty = n.id, n.name, howLikely, certaintyLikely
			if e.Certainty == activity.Sure {
				s.How, s.Certainty = howSure, certaintySure
			}
			if n.id == "" {
				s.Name, s.How, s.Certainty = "", "somebody no longer known", certaintyUnknown
			}
		}
		if e.Group == access.GroupStaff && !detail {
			s.Path, s.Words, s.Engine, s.Found = "", "", "", ""
		}
		rows = append(rows, s)
	}
	return rows
}

// where says the device, else the address, and the site.
func where(e *activity.Event) string {
	at := e.Device
	if at == "" && e.Address.IsValid() {
		at = e.Address.String()
	}
	if e.Site != "" && e.Site != people.MainSite {
		return strings.TrimPrefix(at+", "+e.Site, ", ")
	}
	return at
}
