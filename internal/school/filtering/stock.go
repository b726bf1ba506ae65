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
	pinned     []string // apps that take no certificate but their maker's
	safe       []verdict.SafeService
	help       []string
	sampled    map[string][]string
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
	if s.pinned, err = lists.Pinned(); err != nil {
		return nil, fmt.Errorf("reading the pinned apps: %w", err)
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
	s.sample()
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

// serviceName is what the judge and the doors call a service: the proxy makes
// searches safe by that name.
func serviceName(target string) string {
	for _, s := range verdict.SafeServices() {
		if target != "" && (target == s.Strict || target == s.Moderate) {
			return s.Name
		}
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

// samples are entries of a category for trying out rules, the best first.
func (s *stock) samples(slug string, most int) []string {
	all := s.sampled[slug]
	return all[:min(most, len(all))]
}

// sample picks for every category entries to ask for: names that stand in no
// other starter category, then its pages, then what is in others as well.
func (s *stock) sample() {
	listed := map[string][]string{}
	for _, c := range s.starter {
		for _, e := range c.Entries {
			listed[e.Text] = append(listed[e.Text], c.Slug)
		}
	}
	s.sampled = map[string][]string{}
	for _, c := range s.starter {
		var names, pages, shared []string
		for _, e := range c.Entries {
			text := strings.TrimPrefix(e.Text, "=")
			host, _, page := strings.Cut(text, "/")
			switch {
			case s.floor(host):
			case elsewhere(listed, c.Slug, host):
				shared = append(shared, text)
			case page:
				pages = append(pages, text)
			default:
				names = append(names, text)
			}
		}
		all := slices.Concat(names, pages, shared)
		s.sampled[c.Slug] = all[:min(samplesEach, len(all))]
	}
}

// elsewhere reports whether another category has the host or one above it.
func elsewhere(listed map[string][]string, slug, host string) bool {
	for host != "" {
		if slices.ContainsFunc(listed[host], func(other string) bool { return other != slug }) {
			return true
		}
		_, host, _ = strings.Cut(host, ".")
	}
	return false
}

func (s *stock) floor(name string) bool {
	return slices.ContainsFunc(s.help, func(h string) bool { return name == h || strings.HasSuffix(name, "."+h) })
}
