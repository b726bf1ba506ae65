package verdict

import (
	"math/bits"
	"slices"
	"time"

	"belisha/internal/verdict/canon"
)

// level is how safe a service is kept; the higher the stricter.
type level uint8

const (
	levelOff level = iota
	levelModerate
	levelStrict
)

type service struct{ name, strict, moderate string }

func (c *compiler) safe() error {
	s := c.s
	s.safe = map[string]int32{}
	names := map[string]bool{"": true}
	for i, x := range c.r.Safe {
		if x.Moderate == "" {
			x.Moderate = x.Strict
		}
		for _, host := range append(slices.Clone(x.Hosts), x.Strict, x.Moderate) {
			if h, kind, err := canon.Host(host); err != nil || kind != canon.Name || h != host {
				return refuse("the safe service %q has %q, which is not a host name in lower case", x.Name, host)
			}
		}
		for _, host := range x.Hosts {
			if _, twice := s.safe[host]; twice {
				return refuse("the safe service %q has %q, which is there twice", x.Name, host)
			}
			s.safe[host] = int32(i)
		}
		names[x.Name] = true
		s.services = append(s.services, service{x.Name, x.Strict, x.Moderate})
	}
	for g := range c.r.Groups {
		for name := range c.r.Groups[g].Safe {
			if !names[name] {
				return refuse("the group %q sets the safe service %q, which does not exist", c.r.Groups[g].Slug, name)
			}
		}
		for _, x := range c.r.Safe {
			l, err := c.r.Groups[g].level(x.Name)
			if err != nil {
				return err
			}
			s.groups[g].levels = append(s.groups[g].levels, l)
		}
	}
	return nil
}

func (g *Group) level(service string) (level, error) {
	word, ok := g.Safe[service]
	if !ok {
		word, ok = g.Safe[""]
	}
	switch {
	case !ok || word == "strict":
		return levelStrict, nil
	case word == "moderate":
		return levelModerate, nil
	case word == "off":
		return levelOff, nil
	}
	return 0, refuse("the group %q sets a safe service to %q: use strict, moderate or off", g.Slug, word)
}

// SafeTarget returns the name that host must be answered and dialled as, so
// that the service's safe mode is on. Of several groups the strictest
// counts; no group, or one not known, is all groups that hold for who is not
// known. A group that is being tried out then changes no search.
func (s *Snapshot) SafeTarget(groups uint64, host string, at time.Time) (target string, ok bool) {
	i, ok := s.safe[host]
	if !ok {
		return "", false
	}
	if groups == 0 || groups&^s.known != 0 {
		groups = s.strict
	}
	if s.tryOuts != 0 {
		groups &^= s.trying(at) // another filter sees to it, and nothing is changed
	}
	l := levelOff
	for ; groups != 0; groups &= groups - 1 {
		l = max(l, s.groups[bits.TrailingZeros64(groups)].levels[i])
	}
	switch l {
	case levelStrict:
		return s.services[i].strict, true
	case levelModerate:
		return s.services[i].moderate, true
	}
	return "", false
}
