package alarms

import (
	"slices"
	"time"
)

// Bounds of what is told from a silence.
const (
	leastAsked    = 40   // requests that should have come by now before silence means anything
	silent        = 0.03 // of what should have come
	leastMachines = 10   // requests an hour by night, of machines that ask by themselves
	machinesQuiet = 0.3  // of those
	wasBusy       = 0.5  // of the usual, in an hour of this school day: then the school is open
)

// Stillness is what the traffic of now comes to beside that of other days.
type Stillness struct {
	Known bool
	Still bool // hardly anything comes
	// Sudden: earlier today the school was as busy as usual. Machines: what
	// asks by itself also at night has gone silent too.
	Sudden, Machines bool
	Now, Usual       float64
}

// Still judges whether hardly anything comes any more in the hour at now,
// beside the same hour of other school days. The hours of this day stand among
// today.
func Still(now time.Time, today, past []Hour, school SchoolHour, zone *time.Location) Stillness {
	hour := now.Truncate(time.Hour)
	gone := now.Sub(hour).Hours()
	if !school(hour) || !school(now) {
		return Stillness{}
	}
	others := usual(hour, past, school, zone)
	if len(others) < leastDays {
		return Stillness{}
	}
	base := func(h Hour) float64 { return h.Base }
	s := Stillness{Usual: median(others, base) * gone, Now: of(today, hour).Base}
	if s.Usual < leastAsked {
		return s
	}
	s.Known = true
	s.Still = s.Now < silent*s.Usual
	for at := startOfDay(now.In(zone)); at.Before(hour); at = at.Add(time.Hour) {
		list := usual(at, past, school, zone)
		if school(at) && len(list) >= leastDays && of(today, at).Base > wasBusy*median(list, base) {
			s.Sudden = true
		}
	}
	nights := slices.DeleteFunc(slices.Clone(past), func(h Hour) bool {
		at := h.At.In(zone)
		return at.Hour() < 1 || at.Hour() > 4 || school(h.At)
	})
	night := median(nights, base)
	s.Machines = night >= leastMachines && night*gone >= 5 && s.Now < machinesQuiet*night*gone
	return s
}

func of(hours []Hour, at time.Time) Hour {
	for _, h := range hours {
		if h.At.Equal(at) {
			return h
		}
	}
	return Hour{At: at}
}

// Bounds of what is told of single devices.
const (
	daysHere   = 10  // school days that are looked at
	daysCame   = 8   // on how many of them a device must have come to be one that always does
	daysGone   = 3   // whole school days without it
	mostAbsent = 0.5 // of the devices that always come: more missing is no single device's doing
)

// Absent names the devices that came on nearly every school day and then on
// none of the last three nor today, where most others did come. days are the
// school days before today, the newest first; came says who came on which day.
func Absent(today time.Time, days []time.Time, came map[string][]Hour) (gone []string, known bool) {
	if len(days) < daysGone+daysHere {
		return nil, false
	}
	regular := 0
	for name, list := range came {
		n, lately := 0, of(list, today).Base > 0
		for i, d := range days[:daysGone+daysHere] {
			switch here := of(list, d).Base > 0; {
			case here && i < daysGone:
				lately = true
			case here:
				n++
			}
		}
		if n < daysCame {
			continue
		}
		regular++
		if !lately {
			gone = append(gone, name)
		}
	}
	if regular == 0 || float64(len(gone)) > mostAbsent*float64(regular) && regular > 1 {
		return nil, false
	}
	slices.Sort(gone)
	return gone, true
}
