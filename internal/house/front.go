package house

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/kit/tasks"
	"belisha/internal/kit/web"
	"belisha/internal/school/concerns"
	"belisha/internal/school/help"
	"belisha/internal/school/people"
	"belisha/internal/school/policies"
	"belisha/internal/school/review"
	"belisha/internal/school/setup"
	"belisha/lists"
)

// openFront opens the rooms that show everything, and plugs all pages
// together.
func (h *House) openFront(ctx context.Context) (err error) {
	if h.Setup, err = setup.New(setup.Deps{
		DB: h.db, Journal: h.journal, Clock: h.cfg.Clock, People: h.People, Accounts: h.Access,
		Policies: examples{h.Policies}, Renamed: h.renamed, Steps: h.setupSteps(), File: h.setupFile,
	}); err != nil {
		return err
	}
	if err := h.openHelp(); err != nil {
		return err
	}
	if err := h.openDuties(); err != nil {
		return err
	}
	h.trays = h.waiting()
	h.sections = []web.Section{h.Review.Section()}
	for _, r := range joined[sectioned](h) {
		if r == sectioned(h.Review) {
			continue
		}
		h.sections = append(h.sections, r.Section())
	}
	h.sections = append(h.sections, h.Help.Section(), h.Setup.Section())
	h.tasks, err = tasks.New(tasks.Deps{DB: h.db, Clock: h.cfg.Clock, Zone: h.zone, Log: h.log}, h.taskList()...)
	if err != nil {
		return err
	}
	return h.plug(ctx)
}

// privateLines are the kinds of journal lines whose detail holds whose web
// history was looked at, asked for, held or erased, and why, or what became of
// a concern.
func privateLines(kind string) bool {
	switch kind {
	case "look", "purpose", "signal", "alert", "draw", "contractor grant", "release", "erasure", "legal hold", "watch review",
		concerns.LineConcern, concerns.LineStaff, concerns.LineHead, concerns.LineList:
		return true
	}
	return false
}

func (h *House) openHelp() (err error) {
	floor, err := lists.HelpFloor()
	if err != nil {
		return fmt.Errorf("reading where to turn: %w", err)
	}
	var places []help.Place
	seen := map[string]bool{}
	for _, f := range floor {
		if !seen[f.Service] {
			seen[f.Service] = true
			places = append(places, help.Place{Service: f.Service, Phone: f.Phone, Host: f.Host, Words: f.Pupil})
		}
	}
	h.Help, err = help.New(help.Deps{Latest: h.latest, Places: places, Adult: h.trustedAdult, Changers: h.filterChangers, Certificate: h.certificate, LooksInto: func() []string { return h.Filtering.LooksInto() }, Tell: h.offered("/tell"), Hide: h.offered("/hide/get"), Notice: h.toldText})
	return err
}

// plug makes the two handlers.
func (h *House) plug(context.Context) error {
	api, err := web.NewAPI(web.APIDeps{Title: "Belisha", Version: h.cfg.Version, Tokens: tokens{h.Access}, Log: h.log})
	if err != nil {
		return err
	}
	h.registerAPI(api)
	if err := api.Err(); err != nil {
		return err
	}
	h.api = api
	h.desk, h.people, err = web.Mux(h.sections, h.webDeps())
	return err
}

// menuAreas is the order of what stands at the top of a page.
func menuAreas() []string {
	return []string{"Home", "Safeguarding", "Policy", "Filter", "Watching", "People", "Records", "Machine"}
}

// webDeps is what all pages share.
func (h *House) webDeps() web.Deps {
	return web.Deps{
		Sessions: h.Access, Reads: pageReads{h}, Clock: h.cfg.Clock, Log: h.log,
		Hosts: h.isDeskHost, PeopleHosts: h.isPeopleHost,
		Areas: menuAreas(),
		About: h.aboutSchool, Beacon: h.Review.Beacon, Version: h.cfg.Version, Demo: h.cfg.Demo, API: h.api, Secure: overTLS, Lock: "/account/lock",
	}
}

// pageReads journals the look at a page whose reading is an event.
type pageReads struct{ h *House }

func (p pageReads) Read(ctx context.Context, verb, path string) error {
	return p.h.db.Write(ctx, func(tx *store.Tx) error {
		return p.h.journal.Write(ctx, tx, journal.Entry{Verb: journal.Verb(verb), Kind: "page", ID: path})
	})
}

// isDeskHost: the desk answers on loopback and to the names in the config.
func (h *House) isDeskHost(host string) bool {
	name := hostOnly(host)
	if ip := net.ParseIP(name); name == "localhost" || (ip != nil && ip.IsLoopback()) {
		return true
	}
	if h.certs.wanted() && h.certs.answers(name) {
		return true
	}
	for _, n := range h.cfg.File.Pages.Names {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// isPeopleHost: the people's pages answer to their own name as well.
func (h *House) isPeopleHost(host string) bool {
	return h.isDeskHost(host) || strings.EqualFold(hostOnly(host), h.hostName()) || h.isDoor(host)
}

func hostOnly(host string) string {
	if n, _, err := net.SplitHostPort(host); err == nil {
		return n
	}
	return strings.Trim(host, "[]")
}

// aboutCache keeps what every page says about the school for a few seconds.
type aboutCache struct {
	mu   sync.Mutex
	at   time.Time
	said web.About
	host string
}

const aboutHolds = time.Second

// renamed forgets what pages said, and tells the filter the new name.
func (h *House) renamed(ctx context.Context) {
	h.about.mu.Lock()
	h.about.at = time.Time{}
	h.about.mu.Unlock()
	if err := h.gate.configure(ctx); err != nil {
		h.log.Warn("the filter could not be told the school's new name yet", "err", err)
	}
}

// aboutSchool is what every page says about the school.
func (h *House) aboutSchool(ctx context.Context) web.About {
	h.about.mu.Lock()
	defer h.about.mu.Unlock()
	now := h.cfg.Clock.Now()
	if !h.about.at.IsZero() && now.Sub(h.about.at) < aboutHolds && !now.Before(h.about.at) {
		return h.about.said
	}
	a := web.About{Zone: h.zone(), Help: h.Help.Turns(), Banners: h.banners(ctx)}
	s, err := h.Setup.School(ctx)
	if err == nil {
		a.School = s.Name
		h.about.host = s.Host
	}
	a.Contact = h.contact(ctx)
	h.about.said, h.about.at = a, now
	return a
}

// hostName is the name of the people's pages.
func (h *House) hostName() string {
	if h.Setup == nil {
		return setup.DefaultHost
	}
	s, err := h.Setup.School(context.Background())
	if err != nil || s.Host == "" {
		return setup.DefaultHost
	}
	return s.Host
}

// contact says whom to ask: GOV-04 wants everybody to know.
func (h *House) contact(ctx context.Context) string {
	for _, p := range []people.Post{people.OnlineSafetyLead, people.SafeguardingLead, people.Headteacher} {
		who, err := h.People.HoldersAt(ctx, p, h.cfg.Clock.Now())
		if err == nil && len(who) > 0 {
			return "Questions about online safety: " + who[0].Person.Name() + ", " + strings.ToLower(p.Title()[:1]) + p.Title()[1:] + "."
		}
	}
	return ""
}

// trustedAdult is who a pupil can tell.
func (h *House) trustedAdult(ctx context.Context) string {
	who, err := h.People.HoldersAt(ctx, people.SafeguardingLead, h.cfg.Clock.Now())
	if err == nil && len(who) > 0 && who[0].Holder.Public {
		return who[0].Person.Name() + ", your teacher, or any adult you trust"
	}
	return "your teacher, or any adult you trust"
}

// filterChangers are the names of those who may change the filter.
func (h *House) filterChangers(ctx context.Context) []string {
	who, err := h.People.HoldersAt(ctx, people.FilterManager, h.cfg.Clock.Now())
	if err != nil {
		return nil
	}
	out := make([]string, 0, len(who))
	for _, o := range who {
		out = append(out, o.Person.Name())
	}
	return out
}

// banners are the sentences that stand on every page while they are true.
func (h *House) banners(ctx context.Context) []web.Banner {
	out := h.Filtering.Banners(ctx)
	if ok, why, err := h.Monitoring.Watched(ctx); err == nil && !ok {
		out = append(out, web.Banner{Title: "Blocked, not watched", Words: why, Link: "/posts", Step: "Name them"})
	}
	return append(out, h.Devices.Banners(ctx)...)
}

// actorName is how a page says who acted.
func (h *House) actorName(ctx context.Context, id string) string {
	kind, rest, ok := strings.Cut(id, ":")
	if !ok {
		return "Nobody signed in"
	}
	switch kind {
	case "person":
		if p, err := h.People.Get(ctx, people.ID(rest)); err == nil {
			return p.Name()
		}
		return "Somebody no longer on the roll"
	case "console":
		return rest + ", at the machine's console"
	case "system":
		return "Belisha (" + rest + ")"
	case "setup":
		return "Whoever set the school up"
	case "token":
		return "A program with a token"
	}
	return id
}

// postsOf are the posts that an actor of the journal holds now.
func (h *House) postsOf(ctx context.Context, id string) []string {
	who, ok := strings.CutPrefix(id, "person:")
	if !ok {
		return nil
	}
	held, err := h.People.PostsAt(ctx, people.ID(who), h.cfg.Clock.Now())
	if err != nil {
		return nil
	}
	out := make([]string, 0, len(held))
	for _, p := range held {
		out = append(out, string(p.Post))
	}
	return out
}

// promiseCache keeps the count of promises for some seconds while nothing is
// written: every page asks.
type promiseCache struct {
	mu   sync.Mutex
	at   time.Time
	turn uint64
	said review.Promises
}

// promisesHold is how long: evidence grows old by the hour.
const promisesHold = 20 * time.Second

func (c *promiseCache) get(ctx context.Context, h *House) (review.Promises, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, turn := h.cfg.Clock.Now(), h.db.Turn()
	if !c.at.IsZero() && c.turn == turn && now.Sub(c.at) < promisesHold && !now.Before(c.at) {
		return c.said, nil
	}
	st, err := h.Policies.Status(ctx)
	if err != nil {
		return review.Promises{}, err
	}
	p := review.Promises{
		Kept: st.Counts.Kept, AtRisk: st.Counts.AtRisk, Broken: st.Counts.NotKept, Unknown: st.Counts.Unknown,
		Words: st.Counts.WordsOnly, Checked: lastChecked(st),
	}
	if st.Policy != nil {
		p.Policy = st.Policy.Title + ", version " + st.Policy.Version
		if !st.Policy.Approved {
			p.Policy += ", not yet approved"
		}
	}
	c.said, c.at, c.turn = p, now, turn
	return p, nil
}

// lastChecked is when any control was last looked at.
func lastChecked(st policies.Status) time.Time {
	var last time.Time
	for _, c := range st.Clauses {
		for _, k := range c.Controls {
			if k.At != nil && k.At.After(last) {
				last = *k.At
			}
		}
	}
	return last
}
