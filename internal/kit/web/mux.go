package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sort"
	"strings"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/words"
)

// RouteInfo is one line of the table of routes and who may use them.
type RouteInfo struct {
	Section string
	Method  string
	Path    string
	Needs   actor.Capability
	People  bool
	Reads   string
}

// Routes returns the table of all routes of the sections, by path.
func Routes(sections []Section) []RouteInfo {
	var out []RouteInfo
	for _, s := range sections {
		for _, r := range s.Routes {
			method, path, _ := strings.Cut(r.Pattern, " ")
			out = append(out, RouteInfo{Section: s.Name, Method: method, Path: path, Needs: r.Needs, People: r.People, Reads: r.Reads})
		}
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].Path != out[j].Path {
			return out[i].Path < out[j].Path
		}
		return out[i].Method < out[j].Method
	})
	return out
}

// site is what all requests share. It does not change once made.
type site struct {
	Deps
	menu   []MenuItem
	notice noticeBox
}

// Mux plugs the sections together and returns the desk, which answers
// everything, and the people's pages, which answer only routes with People.
// A route without a capability, with an unknown method, or given twice is an
// error.
func Mux(sections []Section, d Deps) (desk, people http.Handler, err error) {
	if err := d.check(); err != nil {
		return nil, nil, err
	}
	box, err := newNoticeBox()
	if err != nil {
		return nil, nil, err
	}
	s := &site{Deps: d, notice: box}
	deskMux, peopleMux := http.NewServeMux(), http.NewServeMux()
	seen := map[string]string{}
	for _, sec := range sections {
		if err := s.addMenu(sec); err != nil {
			return nil, nil, err
		}
		for _, r := range sec.Routes {
			if err := s.checkRoute(sec, r, seen); err != nil {
				return nil, nil, err
			}
			deskMux.Handle(r.Pattern, s.handler(r))
			if r.People {
				peopleMux.Handle(r.Pattern, s.handler(r))
			}
		}
	}
	s.orderMenu()
	if d.API != nil {
		if err := d.API.Err(); err != nil {
			return nil, nil, err
		}
		deskMux.Handle(apiPrefix+"/", d.API)
	}
	for _, m := range []*http.ServeMux{deskMux, peopleMux} {
		m.Handle("GET "+assetPrefix, http.HandlerFunc(serveAsset))
	}
	peopleHosts := d.PeopleHosts
	if peopleHosts == nil {
		peopleHosts = d.Hosts
	}
	return s.outer(deskMux, d.Hosts), s.outer(peopleMux, peopleHosts), nil
}

// check looks at what house plugged in and fills what has a usual value.
func (d *Deps) check() error {
	switch {
	case d.Sessions == nil:
		return errors.New("web: no Sessions plugged in")
	case d.Clock == nil:
		return errors.New("web: no Clock plugged in")
	case d.Log == nil:
		return errors.New("web: no Log plugged in")
	case d.Hosts == nil:
		return errors.New("web: no Hosts plugged in; see HostList")
	case d.About == nil:
		return errors.New("web: no About plugged in")
	}
	fill(&d.SignIn, "/sign-in")
	fill(&d.SignOut, "/sign-out")
	fill(&d.Account, "/account")
	return nil
}

func fill(s *string, usual string) {
	if *s == "" {
		*s = usual
	}
}

func (s *site) checkRoute(sec Section, r Route, seen map[string]string) error {
	method, path, ok := strings.Cut(r.Pattern, " ")
	switch {
	case !ok || !strings.HasPrefix(path, "/"):
		return fmt.Errorf("route %q of %s: write a method and a path", r.Pattern, sec.Name)
	case method != http.MethodGet && method != http.MethodPost:
		return fmt.Errorf("route %q of %s: a page takes GET or POST", r.Pattern, sec.Name)
	case r.Needs == "":
		return fmt.Errorf("route %q of %s: it says no capability; say Open if everybody may", r.Pattern, sec.Name)
	case r.Do == nil:
		return fmt.Errorf("route %q of %s: it does nothing", r.Pattern, sec.Name)
	case r.Reads != "" && s.Reads == nil:
		return fmt.Errorf("route %q of %s: its reading is an event, and no Reads is plugged in", r.Pattern, sec.Name)
	case strings.HasPrefix(path, assetPrefix) || strings.HasPrefix(path, apiPrefix+"/"):
		return fmt.Errorf("route %q of %s: this part of the addresses is taken", r.Pattern, sec.Name)
	}
	if other, twice := seen[r.Pattern]; twice {
		return fmt.Errorf("route %q is given by %s and by %s", r.Pattern, other, sec.Name)
	}
	seen[r.Pattern] = sec.Name
	return nil
}

// addMenu takes a section's entries. An entry without a capability or with a
// picture that is not there stops the start.
func (s *site) addMenu(sec Section) error {
	for _, m := range sec.Menu {
		if m.Needs == "" {
			return fmt.Errorf("menu entry %q of %s: it says no capability", m.Title, sec.Name)
		}
		if m.Icon != "" && !slices.Contains(iconNames(), m.Icon) {
			return fmt.Errorf("menu entry %q of %s: there is no icon %q; there are %s", m.Title, sec.Name, m.Icon, words.And(iconNames()))
		}
	}
	s.menu = append(s.menu, sec.Menu...)
	return nil
}

// orderMenu puts the entries of the areas in the areas' order, each area's in
// the order of the sections.
func (s *site) orderMenu() {
	place := func(m MenuItem) int {
		if i := slices.Index(s.Areas, m.Area); i >= 0 {
			return i
		}
		return len(s.Areas)
	}
	slices.SortStableFunc(s.menu, func(a, b MenuItem) int { return place(a) - place(b) })
}

// allowed reports whether a may use what needs the capability.
func allowed(a actor.Actor, needs actor.Capability) bool {
	switch needs {
	case Open:
		return true
	case SignedIn:
		return a.SignedIn()
	}
	return a.May(needs)
}

// handler wraps a route: who asks, may they, the bound on the body, the line
// in the journal, and errors turned into pages.
func (s *site) handler(r Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		c := s.ctx(w, req, r)
		if err := s.serve(c); err != nil {
			s.fail(c, err)
		}
	})
}

func (s *site) ctx(w http.ResponseWriter, req *http.Request, r Route) *Ctx {
	limit := r.Body
	if limit <= 0 {
		limit = maxForm
	}
	req.Body = http.MaxBytesReader(w, req.Body, limit)
	about := s.About(req.Context())
	return &Ctx{
		W: w, R: req, Actor: actor.From(context.Background()), Words: words.In(about.Zone, s.Clock.Now()),
		site: s, route: r, about: about, people: r.People, limit: limit,
	}
}

func (s *site) serve(c *Ctx) error {
	a, err := s.Sessions.Actor(c.R)
	var first SeeOther
	if err != nil && !errors.As(err, &first) {
		return fmt.Errorf("asking who is there: %w", err)
	}
	c.Actor = a
	c.R = c.R.WithContext(remembering(actor.With(c.R.Context(), a)))
	if first.To != "" && c.route.Needs != Open && c.R.URL.Path != pathOf(first.To) {
		return first
	}
	if !allowed(a, c.route.Needs) {
		if !a.SignedIn() {
			return ErrSignIn
		}
		return errForbidden
	}
	if c.route.Reads != "" {
		if err := s.Reads.Read(c.Context(), c.route.Reads, c.R.URL.Path); err != nil {
			return fmt.Errorf("writing that the page was read: %w", err)
		}
	}
	return c.route.Do(c)
}

func pathOf(to string) string {
	path, _, _ := strings.Cut(to, "?")
	return path
}

// HostList returns a check for Deps.Hosts that takes the given names and
// addresses, whatever the port. Only they are answered, so that a page
// elsewhere cannot reach Belisha under a name of its own (DNS rebinding).
func HostList(hosts ...string) func(string) bool {
	list := make([]string, 0, len(hosts))
	for _, h := range hosts {
		list = append(list, bareHost(h))
	}
	return func(host string) bool { return slices.Contains(list, bareHost(host)) }
}

// bareHost drops the port, the brackets and a last dot.
func bareHost(h string) string {
	if name, _, err := net.SplitHostPort(h); err == nil {
		h = name
	}
	h = strings.TrimSuffix(strings.TrimPrefix(h, "["), "]")
	return strings.ToLower(strings.TrimSuffix(h, "."))
}

func (s *site) secure(r *http.Request) bool {
	return r.TLS != nil || s.Secure != nil && s.Secure(r)
}

// log writes one line about a fault, without names or what was asked for in
// the query.
func (s *site) log(c *Ctx, p Problem, err error) {
	s.Deps.Log.LogAttrs(c.Context(), slog.LevelError, "a page failed",
		slog.String("id", p.ID), slog.String("route", c.route.Pattern), slog.String("error", err.Error()))
}
