package verdict

import (
	"slices"
	"strings"
)

func (c *compiler) who(w Who, of string) (who, error) {
	out := who{groups: c.s.known, anyStage: len(w.KeyStages) == 0, anyPlace: len(w.Places) == 0}
	n := c.s.names
	if len(w.Groups) > 0 {
		out.groups = n.GroupBits(w.Groups)
		out.narrowing++
		if out.groups == 0 {
			return out, refuse("%s is for a group that does not exist (%s)", of, strings.Join(w.Groups, ", "))
		}
	}
	for _, s := range w.KeyStages {
		if n.stages[s] == 0 {
			return out, refuse("%s is for the key stage %q, which does not exist", of, s)
		}
		out.stages.Add(n.stages[s])
	}
	for _, s := range w.Places {
		if n.places[s] == 0 {
			return out, refuse("%s is for the place %q, which does not exist", of, s)
		}
		out.places.Add(n.places[s])
	}
	for _, s := range w.Classes {
		if n.classes[s] == 0 {
			return out, refuse("%s is for the class %q, which does not exist", of, s)
		}
		out.classes = append(out.classes, n.classes[s])
	}
	slices.Sort(out.classes)
	if len(out.classes) > 0 {
		out.narrowing++
	}
	if !out.anyStage {
		out.narrowing++
	}
	if !out.anyPlace {
		out.narrowing++
	}
	return out, nil
}

func (c *compiler) when(w When, of string) (when, error) {
	for _, x := range w.Weekly {
		if x.From > weekMinutes || x.To > weekMinutes {
			return when{}, refuse("%s has a time of the week beyond minute %d", of, weekMinutes)
		}
		c.s.edges = append(c.s.edges, x.From%weekMinutes, x.To%weekMinutes)
	}
	for _, s := range append(slices.Clone(w.Not), w.Also...) {
		if s.Until != 0 && s.Until <= s.From {
			return when{}, refuse("%s has a span of time that ends before it begins", of)
		}
		c.s.moments = append(c.s.moments, s.From, s.Until)
	}
	return when{always: len(w.Weekly)+len(w.Not)+len(w.Also) == 0, weekly: w.Weekly, not: w.Not, also: w.Also}, nil
}
