package monitoring

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"belisha/internal/activity"
	"belisha/internal/kit/actor"
	"belisha/internal/kit/store"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

// query turns a form's question into the memory's, and says it in words.
func (r *Room) query(ctx context.Context, a Asked) (activity.Query, string, error) {
	q := activity.Query{
		Device: a.Device, Group: a.Group, Host: a.Host, Category: a.Category,
		Text: a.Text, Cursor: a.Cursor, Limit: 50,
	}
	if !actor.From(ctx).May(MayTray) {
		q.Alert = activity.NoAlert // being a monitor gives no sight of child protection
	}
	bad := store.Invalid{}
	a.readAddress(&q, bad)
	a.readAction(&q, bad)
	if err := r.readDays(ctx, &a, &q, bad); err != nil {
		return q, "", err
	}
	if err := r.readWho(ctx, a, &q, bad); err != nil {
		return q, "", err
	}
	return q, a.said(), bad.OrNil()
}

func (a Asked) readAddress(q *activity.Query, bad store.Invalid) {
	if a.Address == "" {
		return
	}
	addr, err := netip.ParseAddr(a.Address)
	if err != nil {
		bad["address"] = "Write the address as numbers, such as 10.1.2.3."
		return
	}
	q.Address = addr
}

func (a Asked) readAction(q *activity.Query, bad store.Invalid) {
	if a.Action == "" {
		return
	}
	for _, act := range []activity.Action{activity.Block, activity.Allow, activity.Warn} {
		if act.String() == a.Action {
			q.Action = &act
			return
		}
	}
	bad["action"] = "Choose what the filter decided."
}

// readDays fills in the days that were left out: the last seven.
func (r *Room) readDays(ctx context.Context, a *Asked, q *activity.Query, bad store.Invalid) error {
	zone, err := r.zone(ctx)
	if err != nil {
		return err
	}
	if a.To == "" {
		a.To = people.DayOf(r.d.Clock.Now().In(zone))
	}
	if a.From == "" && a.To.Valid() {
		a.From = a.To.Add(-6)
	}
	if !a.From.Valid() {
		bad["from"] = "Enter a day, such as 14 9 2026."
	}
	if !a.To.Valid() {
		bad["to"] = "Enter a day, such as 14 9 2026."
	}
	if len(bad) > 0 {
		return nil
	}
	if a.To < a.From {
		bad["to"] = "The last day must not be before the first."
		return nil
	}
	q.From, q.To = a.From.Time(zone), a.To.End(zone)
	return nil
}

// readWho turns a name or a person into pseudonyms.
func (r *Room) readWho(ctx context.Context, a Asked, q *activity.Query, bad store.Invalid) error {
	ids := []people.ID{}
	switch {
	case a.Person != "":
		ids = append(ids, a.Person)
	case a.Who != "":
		found, n, err := r.d.Roll.List(ctx, people.Filter{Words: a.Who, When: people.WhenAll, Limit: maxNamed})
		if err != nil {
			return fmt.Errorf("looking for people of that name: %w", err)
		}
		if n > maxNamed {
			bad["who"] = fmt.Sprintf("%s fit this name. Type more of it.", words.Count(n, "person", "people"))
			return nil
		}
		for _, p := range found {
			ids = append(ids, p.ID)
		}
	}
	for _, id := range ids {
		subjects, err := r.d.Names.Subjects(ctx, id)
		if err != nil {
			return fmt.Errorf("joining a name to the record: %w", err)
		}
		q.Subjects = append(q.Subjects, subjects...)
	}
	return nil
}

// said is the question in words: "blocked, 7B, “frogs”, 2 to 9 November".
func (a Asked) said() string {
	var parts []string
	add := func(before, v, after string) {
		if v != "" {
			parts = append(parts, before+v+after)
		}
	}
	switch a.Action {
	case "block":
		parts = append(parts, "closed")
	case "allow":
		parts = append(parts, "open")
	case "warn":
		parts = append(parts, "warned")
	}
	add("", a.Who, "")
	if a.Person != "" {
		parts = append(parts, "one person")
	}
	add("group ", a.Group, "")
	add("device ", a.Device, "")
	add("address ", a.Address, "")
	add("", a.Category, "")
	add("at ", a.Host, "")
	add("with “", a.Text, "”")
	if a.From.Valid() && a.To.Valid() {
		if a.From == a.To {
			parts = append(parts, "on "+a.From.Words())
		} else {
			parts = append(parts, "from "+a.From.Words()+" to "+a.To.Words())
		}
	}
	s := strings.Join(parts, ", ")
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
