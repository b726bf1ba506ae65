package demo

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"time"

	"belisha/internal/activity"
	"belisha/internal/school/access"
	"belisha/internal/school/people"
)

// gate is what the filter of the demonstration's past is called in the record.
const gate = "ashdown-vale"

// device is a machine that several people use, or that nobody signs in to.
type device struct {
	label, address, group, place string
	stage                        people.KeyStage
	shared                       bool
	door                         string
}

// kit is the school's shared devices.
func kit() []device {
	var out []device
	for i, label := range []string{"Tablet trolley 1", "Tablet trolley 2", "Tablet trolley 3", "Reception tablets"} {
		out = append(out, device{label: label, address: netip.AddrFrom4([4]byte{10, 20, 40, byte(10 + i)}).String(), group: access.GroupPupils, shared: true, stage: people.KS1, door: "dns"})
	}
	for i, label := range []string{"Library computer 1", "Library computer 2"} {
		out = append(out, device{label: label, address: netip.AddrFrom4([4]byte{10, 20, 30, byte(10 + i)}).String(), group: access.GroupPupils, place: "library", shared: true, stage: people.KS3, door: "tunnel"})
	}
	return append(out, device{label: "Kitchen tablet", address: "10.21.9.14", group: access.GroupStaff, door: "dns"})
}

// visitor is whoever is behind a visit.
type visitor struct {
	person   people.ID // "" for a device that is nobody's
	device   string
	address  netip.Addr
	group    string
	stage    people.KeyStage
	band     band
	door     string
	certain  activity.Certainty
	nameless bool // an address that nothing is known of
}

// pupilAt is a pupil who signed in.
func (f *filling) pupilAt(i int) visitor {
	p := f.pupils[i]
	return visitor{
		person: p.id, address: netip.AddrFrom4([4]byte{10, 20, byte(i / 200), byte(20 + i%200)}), device: laptop(i),
		group: access.GroupPupils, stage: p.stage, band: bandOf(p.stage), door: "tunnel", certain: activity.Sure,
	}
}

func laptop(i int) string {
	return "Laptop " + string(rune('A'+i/30%26)) + string(rune('0'+i/10%3)) + string(rune('0'+i%10))
}

func (f *filling) staffAt(i int) visitor {
	return visitor{
		person: f.staff[i], address: netip.AddrFrom4([4]byte{10, 21, byte(i / 200), byte(20 + i%200)}),
		group: access.GroupStaff, band: grown, door: "tunnel", certain: activity.Sure,
	}
}

func deviceAt(d device) visitor {
	v := visitor{device: d.label, address: netip.MustParseAddr(d.address), group: d.group, stage: d.stage, band: bandOf(d.stage), door: d.door}
	if d.group == access.GroupStaff {
		v.band = grown
	}
	return v
}

// strangerAt is a phone or laptop that nobody knows: it has the strictest
// rules.
func strangerAt(n int) visitor {
	return visitor{
		address: netip.AddrFrom4([4]byte{10, 22, 0, byte(30 + n)}), group: access.GroupPupils, band: senior, door: "dns", nameless: true,
	}
}

// lesson is a class that is online for a stretch of the day.
type lesson struct {
	from, until int // minutes after midnight
	who         []int
	topic       topic
}

// timetable picks the classes that are online in each lesson of the day.
func (f *filling) timetable() []lesson {
	byClass := map[string][]int{}
	var classes []string
	for i, p := range f.pupils {
		if len(byClass[p.class]) == 0 {
			classes = append(classes, p.class)
		}
		byClass[p.class] = append(byClass[p.class], i)
	}
	all := lessons()
	var out []lesson
	for _, l := range f.cal.Lessons {
		if l.Name == "Registration" {
			continue
		}
		for range 5 {
			who := byClass[classes[f.rand.IntN(len(classes))]]
			topics := all[bandOf(f.pupils[who[0]].stage)]
			out = append(out, lesson{l.From, l.Until, who, topics[f.rand.IntN(len(topics))]})
		}
	}
	return out
}

// day makes one school day's web activity up to the present, in order of time.
func (f *filling) day(ctx context.Context, d people.Day, visits int, names bool) ([]activity.Event, error) {
	var out []activity.Event
	lessons := f.timetable()
	for range visits {
		v, at, t := f.visit(lessons)
		events, err := f.pages(ctx, d, v, at, t, names)
		if err != nil {
			return nil, err
		}
		out = append(out, events...)
	}
	slices.SortStableFunc(out, func(a, b activity.Event) int { return cmp.Compare(a.At.UnixMilli(), b.At.UnixMilli()) })
	for i := range out {
		f.events++
		out[i].ID = f.events
	}
	return out, nil
}

// visit picks who, when (a minute of the day) and what.
func (f *filling) visit(ls []lesson) (visitor, int, topic) {
	between := func(from, until int) int { return from + f.rand.IntN(until-from) }
	choose := func(ts []topic) topic { return ts[f.rand.IntN(len(ts))] }
	switch n := f.rand.IntN(100); {
	case n < 58:
		l := ls[f.rand.IntN(len(ls))]
		v := f.pupilAt(l.who[f.rand.IntN(len(l.who))])
		if v.band == little && f.rand.IntN(2) == 0 {
			v = deviceAt(f.devices[f.rand.IntN(4)])
		}
		return v, between(l.from, l.until-4), l.topic
	case n < 68:
		v := f.pupilAt(f.rand.IntN(len(f.pupils)))
		return v, between(12*60+20, 13*60+10), choose(pauses()[v.band])
	case n < 73:
		l := ls[f.rand.IntN(len(ls))]
		v := f.pupilAt(l.who[f.rand.IntN(len(l.who))])
		return v, between(l.from, l.until-4), choose(pauses()[v.band])
	case n < 91:
		v := f.staffAt(f.rand.IntN(len(f.staff)))
		return v, between(7*60+50, 17*60), choose(lessons()[grown])
	case n < 94:
		v := f.staffAt(f.rand.IntN(len(f.staff)))
		return v, between(12*60+20, 13*60+10), choose(pauses()[grown])
	case n < 98:
		v := deviceAt(f.devices[f.rand.IntN(len(f.devices))])
		return v, between(8*60+35, 15*60+25), choose(lessons()[v.band])
	default:
		v := strangerAt(f.rand.IntN(6))
		return v, between(8*60+35, 15*60+25), choose(pauses()[senior])
	}
}

// pages makes the events of one visit: some pages of the topic within a few
// minutes, and what they bring along.
func (f *filling) pages(ctx context.Context, d people.Day, v visitor, minute int, t topic, names bool) ([]activity.Event, error) {
	at := f.cal.On(d, minute).Add(time.Duration(f.rand.IntN(60_000)) * time.Millisecond)
	var out []activity.Event
	for range 2 + f.rand.IntN(4) {
		p := t.pages[f.rand.IntN(len(t.pages))]
		e, err := f.event(ctx, v, p, at, names)
		if err != nil {
			return nil, err
		}
		if at.Before(f.now.Add(-time.Minute)) {
			out = append(out, e)
		}
		if e.Action == activity.Allow && f.rand.IntN(3) == 0 {
			if e, err = f.event(ctx, v, page{host: around()[f.rand.IntN(len(around()))]}, at.Add(400*time.Millisecond), names); err != nil {
				return nil, err
			}
			if e.At.Before(f.now.Add(-time.Minute)) {
				out = append(out, e)
			}
		}
		at = at.Add(time.Duration(4+f.rand.IntN(90)) * time.Second)
	}
	return out, nil
}

// event is one decision as the filter would have written it down. Without
// names it is only good for counting.
func (f *filling) event(ctx context.Context, v visitor, p page, at time.Time, names bool) (activity.Event, error) {
	door := v.door
	if p.path != "" && door == "tunnel" {
		door = "proxy" // asked without TLS: the whole address is seen
	}
	dec, err := f.decide(ctx, v, door, p, at)
	if err != nil {
		return activity.Event{}, err
	}
	e := activity.Event{
		Gate: gate, At: at, Site: people.MainSite, Door: door, Group: v.group, KeyStage: string(v.stage),
		Host: p.host, Categories: dec.categories, Category: dec.category, Rule: dec.rule, Reason: dec.reason, Action: dec.action,
		Alert: dec.alert, RulesNumber: dec.number, Count: uint32(1 + f.rand.IntN(3)), //nolint:gosec // small
	}
	if e.Action == activity.Allow {
		e.Bytes = uint64(8_000 + f.rand.IntN(400_000)) //nolint:gosec // positive
	}
	if dec.support {
		return activity.Event{Gate: gate, At: at, Site: people.MainSite, Door: door, Action: activity.Support, Reason: dec.reason, Count: 1}, nil
	}
	if !names {
		return e, nil
	}
	e.Device, e.Address, e.Certainty = v.device, v.address, v.certain
	if v.person != "" {
		if e.Subject, err = f.subject(ctx, v.person, at); err != nil {
			return e, err
		}
	}
	if door == "proxy" {
		e.Path, e.Words, e.Engine = p.path, p.words, p.engine
	}
	return e, nil
}

// subject is somebody's pseudonym at a moment.
func (f *filling) subject(ctx context.Context, id people.ID, at time.Time) (string, error) {
	year := at.Year()
	if at.Month() < time.September {
		year--
	}
	key := string(id) + time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).Format("2006")
	if s, ok := f.subjects[key]; ok {
		return s, nil
	}
	s, err := f.h.Access.Subject(ctx, id, at)
	f.subjects[key] = s
	return s, err
}
