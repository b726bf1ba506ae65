package filtering

import (
	"fmt"
	"slices"
	"strings"

	"belisha/internal/verdict"
	"belisha/lists"
)

// stock is what ships in the program, read once.
type stock struct {
	starter    []lists.Category
	bySlug     map[string]lists.Category
	essentials []string
	safe       []verdict.SafeService
	help       []string
}

// youtube is the name of the service that has a setting of its own.
const youtube = "youtube"

func newStock() (*stock, error) {
	s := &stock{bySlug: map[string]lists.Category{}}
	var err error
	if s.starter, err = lists.Starter(); err != nil {
		return nil, fmt.Errorf("reading the starter list: %w", err)
	}
	for _, c := range s.starter {
		s.bySlug[c.Slug] = c
	}
	if s.essentials, err = lists.Essentials(); err != nil {
		return nil, fmt.Errorf("reading the essentials: %w", err)
	}
	help, err := lists.HelpFloor()
	if err != nil {
		return nil, fmt.Errorf("reading the help floor: %w", err)
	}
	for _, h := range help {
		s.help = append(s.help, h.Host)
	}
	hosts, err := lists.SafeSearchHosts()
	if err != nil {
		return nil, fmt.Errorf("reading the safe search names: %w", err)
	}
	s.safe = services(hosts)
	return s, nil
}

// services gathers the hosts that are answered alike.
func services(hosts []lists.SafeSearch) []verdict.SafeService {
	var out []verdict.SafeService
	at := map[string]int{}
	for _, h := range hosts {
		key := h.Strict + " " + h.Moderate
		i, ok := at[key]
		if !ok {
			i = len(out)
			at[key] = i
			out = append(out, verdict.SafeService{Name: serviceName(h.Strict), Strict: h.Strict, Moderate: h.Moderate})
		}
		out[i].Hosts = append(out[i].Hosts, h.Host)
	}
	return out
}

func serviceName(target string) string {
	if strings.HasSuffix(target, ".youtube.com") {
		return youtube
	}
	return target
}

// category returns the starter category in the judge's form.
func (s *stock) category(slug string) verdict.Category {
	c := s.bySlug[slug]
	out := verdict.Category{Slug: c.Slug, Title: c.Title, Area: c.Area, Pupil: c.Pupil, Teacher: c.Teacher}
	if c.Alert != "none" {
		out.Alert = c.Alert
	}
	return out
}

func (s *stock) slugs() []string {
	out := make([]string, 0, len(s.starter))
	for _, c := range s.starter {
		out = append(out, c.Slug)
	}
	return out
}

// samples are names of a category that stand in no other starter category, for
// trying out rules.
func (s *stock) samples(slug string, most int) []string {
	var out []string
	for _, e := range s.bySlug[slug].Entries {
		if e.Kind == lists.Name && !s.elsewhere(slug, e.Text) && !s.floor(e.Text) {
			out = append(out, e.Text)
		}
		if len(out) == most {
			break
		}
	}
	return out
}

func (s *stock) elsewhere(slug, name string) bool {
	for _, c := range s.starter {
		if c.Slug != slug && slices.ContainsFunc(c.Entries, func(e lists.Entry) bool { return e.Text == name }) {
			return true
		}
	}
	return false
}

func (s *stock) floor(name string) bool {
	return slices.ContainsFunc(s.help, func(h string) bool { return name == h || strings.HasSuffix(name, "."+h) })
}
