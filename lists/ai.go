package lists

import (
	"fmt"
	"strings"
)

// AIService says where one AI service takes what somebody writes.
type AIService struct {
	Name   string
	Host   string // exact, "*.name" for names below, or "name.*" for any country ending
	Path   string // exact, or "/x*" for what begins so
	Fields []string
}

// AIServices gives the services that ship.
func AIServices() ([]AIService, error) {
	var out []AIService
	err := eachRow("ai-services.tsv", "service", 4, func(c []string) error {
		s := AIService{Name: c[0], Host: c[1], Path: c[2], Fields: strings.Fields(c[3])}
		if s.Name == "" || s.Host == "" || !strings.HasPrefix(s.Path, "/") || len(s.Fields) == 0 {
			return fmt.Errorf("the row of %q is not whole", s.Name)
		}
		out = append(out, s)
		return nil
	})
	return out, err
}

// Chats knows the addresses of AI services. It never changes after it is made
// and may be used by many at once.
type Chats struct {
	exact, below, country map[string][]AIService
}

// NewChats makes a Chats of the services.
func NewChats(services []AIService) *Chats {
	c := &Chats{exact: map[string][]AIService{}, below: map[string][]AIService{}, country: map[string][]AIService{}}
	for _, s := range services {
		if rest, ok := strings.CutPrefix(s.Host, "*."); ok {
			c.below[rest] = append(c.below[rest], s)
			continue
		}
		if rest, ok := strings.CutSuffix(s.Host, ".*"); ok {
			c.country[rest] = append(c.country[rest], s)
			continue
		}
		c.exact[s.Host] = append(c.exact[s.Host], s)
	}
	return c
}

// Service names the service that a request to host and path writes to, and the
// fields that hold what was written. The path is without its query.
func (c *Chats) Service(host, path string) (name string, fields []string, ok bool) {
	for _, group := range c.at(host) {
		for i := range group {
			if _, hit := matchPath(group[i].Path, path); hit {
				return group[i].Name, group[i].Fields, true
			}
		}
	}
	return "", nil, false
}

// Answers reports a host on which a service answers.
func (c *Chats) Answers(host string) bool {
	at := c.at(host)
	return len(at[0])+len(at[1])+len(at[2]) > 0
}

func (c *Chats) at(host string) [3][]AIService { return places(host, c.exact, c.below, c.country) }

// places gives the rows for a host: its own, those of a parent, those for any
// country ending.
func places[T any](host string, exact, below, country map[string][]T) (out [3][]T) {
	out[0] = exact[host]
	for rest := host; ; {
		_, parent, more := strings.Cut(rest, ".")
		if !more {
			break
		}
		if g := below[parent]; g != nil {
			out[1] = g
			break
		}
		rest = parent
	}
	last := strings.LastIndexByte(host, '.')
	if last < 0 || !countryEnding(host[last+1:]) {
		return out
	}
	if g := country[host[:last]]; g != nil {
		out[2] = g
		return out
	}
	if before := strings.LastIndexByte(host[:last], '.'); before >= 0 && secondLevel(host[before+1:last]) {
		out[2] = country[host[:before]]
	}
	return out
}
