package monitoring

import (
	"embed"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

//go:embed pages/*.html
var pages embed.FS

// marking is printed on every page that shows the record.
const marking = "Web activity of named people. Keep it locked away."

const (
	pathSearch  = "/monitoring/activity"
	pathPurpose = "/monitoring/purpose"
	pathBlocked = "/monitoring/blocked"
	pathRecord  = "/monitoring/recording"
	pathLooks   = "/monitoring/looks"
)

// Section is the room's pages.
func (r *Room) Section() web.Section {
	s := r.section()
	for i := range s.Routes {
		if !forEverybody(s.Routes[i].Pattern) {
			s.Routes[i].Do = notPupils(s.Routes[i].Do)
		}
	}
	return s
}

// notPupils closes a page to pupils by what they are, besides the table of
// who may do what: one mistake there must not show a child the record.
func notPupils(do web.Handler) web.Handler {
	return func(c *web.Ctx) error {
		if isPupil(c.Actor) {
			return store.ErrForbidden
		}
		return do(c)
	}
}

func (r *Room) section() web.Section {
	return web.Section{
		Name: "monitoring", Title: "Monitoring",
		Menu: []web.MenuItem{
			{Title: "Web activity", Path: pathSearch, Needs: MayRead, Icon: "search", Area: "Watching"},
			{Title: "Signals", Path: pathSignals, Needs: MayTray, Icon: "evidence", Area: "Safeguarding"},
			{Title: "Random samples", Path: pathDraws, Needs: MayDraws, Icon: "evidence", Area: "Watching"},
			{Title: "Alerts", Path: pathAlerts, Needs: MayAlerts, Icon: "evidence", Area: "Watching"},
			{Title: "Asked for", Path: pathReleases, Needs: MayReleases, Icon: "search", Area: "Watching"},
			{Title: "Who may look", Path: pathMonitors, Needs: maySeeList, Icon: "people", Area: "Watching"},
			{Title: "Who looked", Path: pathWatchers, Needs: MayReview, Icon: "people", Area: "Watching"},
			{Title: "Contractors", Path: pathGrants, Needs: MayContractors, Icon: "people", Area: "Watching"},
			{Title: "Your sight of web activity", Path: pathSight, Needs: MaySight, Icon: "search", Area: "Watching"},
			{Title: "Requests about data", Path: pathErasure, Needs: MayErase, Icon: "people", Area: "Watching"},
			{Title: "Lawful bases", Path: pathBases, Needs: MayAssess, Icon: "policy", Area: "Watching"},
			{Title: "Gaps", Path: pathGaps, Needs: MayExplain, Icon: "evidence", Area: "Watching"},
		},
		Routes: append(r.watchRoutes(), []web.Route{
			{Pattern: "GET " + pathPurpose, Needs: MayRead, Do: r.askPurpose},
			{Pattern: "POST " + pathPurpose, Needs: MayRead, Do: r.takePurpose},
			{Pattern: "GET " + pathSearch, Needs: MayRead, Do: r.search},
			{Pattern: "GET /monitoring/activity.csv", Needs: MayExport, Do: r.export},
			{Pattern: "GET /monitoring/people/{person}", Needs: MayRead, Do: r.timeline},
			{Pattern: "GET " + pathBlocked, Needs: MayRead, Do: r.blocked},
			{Pattern: "GET " + pathSignals, Needs: MayTray, Do: r.signalList},
			{Pattern: "GET /monitoring/signals/{id}", Needs: MayTray, Do: r.signalPage},
			{Pattern: "POST /monitoring/signals/{id}", Needs: MayTray, Do: r.closeSignal},
			{Pattern: "GET " + pathMonitors, Needs: maySeeList, Do: r.monitors},
			{Pattern: "POST " + pathMonitors, Needs: MayConfirm, Do: r.confirmMonitors},
			{Pattern: "GET " + pathRecord, Needs: MayConfirm, Do: r.recordingPage},
			{Pattern: "POST " + pathRecord, Needs: MayConfirm, Do: r.confirmRecording},
			{Pattern: "POST /monitoring/recording/stop", Needs: MayConfirm, Do: r.stopRecording},
			{Pattern: "GET " + pathLooks, Needs: MayReview, Do: r.looks},
		}...),
	}
}

// watchRoutes are the pages about those who watch, and what watching rests on.
func (r *Room) watchRoutes() []web.Route {
	return []web.Route{
		{Pattern: "GET " + pathCheck, Needs: web.Open, People: true, Do: r.checkBadge},
		{Pattern: "POST /monitoring/monitors/badge", Needs: maySeeList, Do: r.newBadge},
		{Pattern: "POST /monitoring/monitors/propose", Needs: MayPropose, Do: r.proposeList},
		{Pattern: "GET " + pathDraws, Needs: MayDraws, Do: r.sheet(r.samplesView)},
		{Pattern: "GET " + pathDraws + "/{id}", Needs: MayRead, Do: r.sample},
		{Pattern: "POST " + pathDraws + "/{id}", Needs: MayRead, Do: r.judge},
		{Pattern: "GET " + pathGrants, Needs: MayContractors, Do: r.sheet(r.grantsView)},
		{Pattern: "POST " + pathGrants, Needs: MayContractors, Do: r.giveGrant},
		{Pattern: "GET " + pathGrants + "/{id}", Needs: MayContractors, Do: r.sheet(r.grantView)},
		{Pattern: "POST " + pathGrants + "/{id}/end", Needs: MayContractors, Do: r.stopGrant},
		{Pattern: "GET " + pathSight, Needs: MaySight, Do: r.sightOf},
		{Pattern: "GET " + pathWatchers, Needs: MayReview, Do: r.sheet(r.watchersView)},
		{Pattern: "POST " + pathWatchers, Needs: MayReview, Do: r.signReview},
		{Pattern: "POST " + pathWatchers + "/support", Needs: MayReview, Do: r.keepTalk},
		{Pattern: "GET " + pathAssess, Needs: MayAssess, Do: r.sheet(r.assessView)},
		{Pattern: "POST " + pathAssess, Needs: MayAssess, Do: r.saveAssessment},
		{Pattern: "GET " + pathAssess + "/{number}", Needs: MayAssess, Do: r.sheet(r.assessedView)},
		{Pattern: "GET " + pathBases, Needs: MayAssess, Do: r.sheet(r.basesView)},
		{Pattern: "POST " + pathBases, Needs: MayAssess, Do: r.saveBasis},
		{Pattern: "GET " + pathGaps, Needs: MayExplain, Do: r.sheet(r.gapsView)},
		{Pattern: "POST " + pathGaps, Needs: MayExplain, Do: r.explainGap},
		{Pattern: "GET " + pathAlerts, Needs: MayAlerts, Do: r.sheet(r.alertsView)},
		{Pattern: "GET " + pathAlerts + "/{id}", Needs: MayAlerts, Do: r.sheet(r.alertView)},
		{Pattern: "POST " + pathAlerts + "/{id}", Needs: MayAlerts, Do: r.closeAlert},
		{Pattern: "GET " + pathReleases, Needs: MayReleases, Do: r.sheet(r.releasesView)},
		{Pattern: "POST " + pathReleases, Needs: MayAsk, Do: r.askRelease},
		{Pattern: "GET " + pathReleases + "/{id}", Needs: MayReleases, Do: r.sheet(r.releaseView)},
		{Pattern: "POST " + pathReleases + "/{id}", Needs: MayRead, Do: r.answerRelease},
		{Pattern: "GET " + pathReleases + "/{id}/rows.csv", Needs: MayAsk, Do: r.fetchRelease},
		{Pattern: "GET " + pathErasure, Needs: MayErase, Do: r.sheet(r.erasureView)},
		{Pattern: "POST " + pathErasure, Needs: MayErase, Do: r.askErasure},
		{Pattern: "POST " + pathErasure + "/find", Needs: MayErase, Do: r.findErasure},
		{Pattern: "POST " + pathErasure + "/hold", Needs: MayErase, Do: r.holdErasure},
		{Pattern: "POST " + pathErasure + "/lift", Needs: MayErase, Do: r.liftErasure},
		{Pattern: "GET " + pathErasure + "/{id}", Needs: MayErase, Do: r.sheet(r.askedErasureView)},
	}
}

type purposeView struct {
	web.Base
	Refused web.Panel
	Counted web.Panel
	May     bool
	Path    string
	To      web.Field
	Purpose web.Field
	Reason  web.Field
	Lasts   string
}

var purposePage = web.NewPage[purposeView](pages, "pages/purpose.html")

// ask sends a reader without a purpose to give one, and back afterwards.
func (r *Room) ask(c *web.Ctx, err error) error {
	if !errors.Is(err, ErrNoPurpose) {
		return err
	}
	return c.Redirect(pathPurpose + "?" + url.Values{"to": {c.R.URL.RequestURI()}}.Encode())
}

func (r *Room) purposeForm(c *web.Ctx) (purposeView, error) {
	v := purposeView{
		Base: web.Base{
			Title: "Why do you need to look?",
			Lead:  "The record of web use names people. Choose what you need it for; your purpose and each look are noted in the journal.",
		},
		Path:   pathPurpose,
		To:     web.Field{Kind: web.HiddenField, Name: "to", Value: c.Back(pathSearch)},
		Reason: web.Field{Kind: web.LongField, Name: "reason", Label: "Why, in a sentence", Rows: 3, Max: maxReason, Hint: "Do not name a child here if you can help it. The head can read this."},
		Lasts:  words.Length(r.values().Duration(keyLasts)),
	}
	var options []web.Option
	for _, p := range r.values().Items(keyPurposes) {
		options = append(options, web.Option{Value: p, Label: sentence(titleOf(purposes, p))})
	}
	v.Purpose = web.Field{Kind: web.RadiosField, Name: "purpose", Label: "What you need it for", Options: options}
	why, err := r.whyNot(c.Context(), c.Actor)
	if err != nil {
		return v, err
	}
	v.May = why == ""
	if !v.May {
		v.Refused = web.Panel{Tone: "warn", Title: "You cannot look yet", Words: why, Link: web.Link{Title: "Who may look", Path: pathMonitors}}
	}
	v.Counted, err = r.countedOnly(c)
	return v, err
}

// countedOnly is the panel that says that names are not recorded; empty where
// they are.
func (r *Room) countedOnly(c *web.Ctx) (web.Panel, error) {
	on, err := r.Recording(c.Context())
	if err != nil || on {
		return web.Panel{}, err
	}
	p := web.Panel{
		Tone: "note", Title: "Counted only",
		Words: "Names are not recorded yet. What the filter decides is counted, and nobody's visits are kept. The head starts it by confirming the impact assessment and that everybody has been told.",
	}
	if c.May(MayConfirm) {
		p.Link = web.Link{Title: "Confirm the impact assessment", Path: pathRecord}
	}
	return p, nil
}

func (r *Room) askPurpose(c *web.Ctx) error {
	v, err := r.purposeForm(c)
	if err != nil {
		return err
	}
	return purposePage.Render(c, v)
}

func (r *Room) takePurpose(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	_, err = r.GivePurpose(c.Context(), form.Get("purpose"), form.Get("reason"))
	if bad, ok := web.Wrong(err); ok {
		v, err := r.purposeForm(c)
		if err != nil {
			return err
		}
		v.Errors = web.Refill(form, bad, &v.Purpose, &v.Reason)
		return purposePage.Status(422).Render(c, v)
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.Back(pathSearch))
}

func sentence(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// short are the parts of a category's name that are letters, not words.
var short = map[string]string{"ai": "AI", "vpn": "VPN", "dns": "DNS", "url": "URL", "cdn": "CDN"}

// kindOf says a category or a reason as people do: "AI chatbots" for
// ai-chatbots.
func kindOf(slug string) string {
	parts := strings.Split(slug, "-")
	for i, p := range parts {
		if s, ok := short[p]; ok {
			parts[i] = s
		}
	}
	return sentence(strings.Join(parts, " "))
}

type blockedView struct {
	web.Base
	Tabs       []web.Link
	Counted    web.Panel
	Hosts      web.Bars
	HasHosts   bool
	Categories web.Bars
	HasCats    bool
	Empty      web.Empty
	Support    string
}

var blockedPage = web.NewPage[blockedView](pages, "pages/blocked.html")

func (r *Room) blocked(c *web.Ctx) error {
	days, err := strconv.Atoi(c.Query("days"))
	if err != nil {
		days = 7
	}
	b, err := r.Blocked(c.Context(), days)
	if err != nil {
		return err
	}
	v := blockedView{
		Base: web.Base{
			Title: "Closed most often", Lead: "Over the last " + words.Count(b.Days, "day", "days") + ", without anybody's name.",
			Crumbs: []web.Crumb{{Title: "Web activity", Path: pathSearch}},
		},
		HasHosts: len(b.Hosts) > 0, HasCats: len(b.Categories) > 0,
		Empty: web.Empty{Title: "Nothing was closed in this time", Words: "Sites that the filter closes are counted here."},
		Support: "Visits to help services: " + words.Number(int(min(b.Support, 1<<31))) + //nolint:gosec // bounded
			". They are only counted; who it was, and where they went, is not kept.",
	}
	for _, d := range []int{1, 7, 30} {
		v.Tabs = append(v.Tabs, web.Link{Title: words.Count(d, "day", "days"), Path: pathBlocked + "?days=" + strconv.Itoa(d)})
	}
	v.Counted, err = r.countedOnly(c)
	if err != nil {
		return err
	}
	var hosts, cats []web.Point
	for _, h := range b.Hosts {
		hosts = append(hosts, web.Point{Label: h.Key, Value: float64(h.N)})
	}
	for _, k := range b.Categories {
		cats = append(cats, web.Point{Label: kindOf(k.Key), Value: float64(k.N)})
	}
	v.Hosts, v.Categories = web.NewBars("Sites", "times closed", hosts), web.NewBars("Kinds of site", "times closed", cats)
	return blockedPage.Render(c, v)
}

type looksView struct {
	web.Base
	Table web.Table
}

var looksPage = web.NewPage[looksView](pages, "pages/looks.html")

// looks shows the reviewer who looked, and for what.
func (r *Room) looks(c *web.Ctx) error {
	now := c.Now()
	lead := "The last 30 days, newest first. The reasons and questions stand in the journal."
	from, until := now.Add(-lookedBack), now.Add(oneDay)
	if a, z := dayOf(c.Query("from")), dayOf(c.Query("until")); a.Valid() && z.Valid() {
		from, until = a.Time(c.Words.Zone()), z.End(c.Words.Zone())
		lead = a.Words() + " to " + z.Words() + ", newest first. The reasons and questions stand in the journal."
	}
	looks, err := r.looksWhere(c.Context(), `WHERE l.looked_at >= $1 AND l.looked_at < $2 AND ($3 = '' OR l.actor = $3)
		ORDER BY l.looked_at DESC, l.id DESC LIMIT 500`, store.Millis(from), store.Millis(until), c.Query("who"))
	if err != nil {
		return err
	}
	v := looksView{Base: web.Base{
		Title: "Looks at web activity", Lead: lead, Wide: true,
		Crumbs: []web.Crumb{{Title: "Who looked, reviewed", Path: pathWatchers}},
	}}
	v.Table = web.Table{
		Caption: "Looks", Columns: []web.Column{{Title: "When"}, {Title: "Who"}, {Title: "What"}, {Title: "For"}, {Title: "Rows", Numeric: true}},
		Empty: web.Empty{Title: "Nobody has looked", Words: "Each search, timeline and copy stands here with its purpose."},
	}
	names := map[string]string{}
	for _, l := range looks {
		name, ok := names[l.Actor]
		if !ok {
			if name, err = r.actorName(c, l.Actor); err != nil {
				return err
			}
			names[l.Actor] = name
		}
		row := web.Row{Cells: []web.Cell{
			{When: c.Near(l.At)}, {Text: name}, {Text: sentence(l.Kind)}, {Text: sentence(titleOf(purposes, l.Purpose))}, {Text: words.Number(l.Rows)},
		}}
		if c.May("journal.read") {
			row.Link = "/journal?kind=look&id=" + url.QueryEscape(l.ID)
		}
		v.Table.Rows = append(v.Table.Rows, row)
	}
	return looksPage.Render(c, v)
}

// actorName is how a page names who acted.
func (r *Room) actorName(c *web.Ctx, id string) (string, error) {
	person, ok := strings.CutPrefix(id, "person:")
	if !ok {
		return id, nil
	}
	return r.display(c.Context(), people.ID(person))
}

func optionsOf(first string, options []setting.Option) []web.Option {
	all := []web.Option{{Label: first}}
	for _, o := range options {
		all = append(all, web.Option{Value: o.Value, Label: sentence(o.Title)})
	}
	return all
}
