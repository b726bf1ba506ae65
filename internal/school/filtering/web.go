package filtering

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
	"belisha/internal/verdict"
)

//go:embed pages/*.html
var pages embed.FS

const (
	pathRules    = "/filter"
	pathTry      = "/filter/try"
	pathOwn      = "/filter/own"
	pathCategory = "/filter/categories"
	pathLists    = "/filter/lists"
	pathMusts    = "/filter/musts"
	pathDevices  = "/filter/devices"
	pathChanges  = "/filter/changes"
	pathVersions = "/filter/versions"
	pathManagers = "/filter/managers"
)

// Section is the room's pages.
func (r *Room) Section() web.Section {
	return web.Section{
		Name: "filtering", Title: "Filter",
		Menu: []web.MenuItem{
			{Title: "Filter", Path: pathRules, Needs: MayRead, Icon: "filter", Area: "Filter"},
			{Title: "Sites for lessons", Path: pathUnblock, Needs: MayAsk, Icon: "clock", Area: "Filter"},
			{Title: "Files asked for", Path: pathPermits, Needs: MayPermit, Icon: "download", Area: "Filter"},
			{Title: "What is looked at", Path: pathContent, Needs: MayInside, Icon: "look", Area: "Filter"},
		},
		Routes: slices.Concat(r.unblockRoutes(), r.permitRoutes(), r.contentRoutes(), r.leftRoutes(), r.supplyRoutes(), r.licensedRoutes(), r.phraseRoutes(), r.reportRoutes(), r.beforeRoutes(), r.uploadRoutes(), []web.Route{
			{Pattern: "GET " + pathRules, Needs: MayRead, Do: r.rulesPage},
			{Pattern: "GET " + pathTry, Needs: MayRead, Do: r.tryPage},
			{Pattern: "GET " + pathOwn, Needs: MayRead, Do: r.ownList},
			{Pattern: "GET " + pathOwn + "/new", Needs: MayChange, Do: r.ownNew},
			{Pattern: "POST " + pathOwn, Needs: MayChange, Do: r.ownAdd},
			{Pattern: "GET " + pathOwn + "/{id}", Needs: MayRead, Do: r.ownOne},
			{Pattern: "POST " + pathOwn + "/{id}", Needs: MayChange, Do: r.ownEnd},
			{Pattern: "GET " + pathCategory, Needs: MayRead, Do: r.categoryList},
			{Pattern: "GET " + pathCategory + "/new", Needs: MayChange, Do: r.categoryNew},
			{Pattern: "POST " + pathCategory, Needs: MayChange, Do: r.categoryAdd},
			{Pattern: "GET " + pathCategory + "/{id}", Needs: MayRead, Do: r.categoryOne},
			{Pattern: "POST " + pathCategory + "/{id}", Needs: MayChange, Do: r.categoryEnd},
			{Pattern: "GET " + pathMusts, Needs: MayRead, Do: r.mustList},
			{Pattern: "GET " + pathMusts + "/new", Needs: MayChange, Do: r.mustNew},
			{Pattern: "POST " + pathMusts, Needs: MayChange, Do: r.mustAdd},
			{Pattern: "GET " + pathMusts + "/{id}", Needs: MayRead, Do: r.mustOne},
			{Pattern: "POST " + pathMusts + "/{id}", Needs: MayChange, Do: r.mustEnd},
			{Pattern: "GET " + pathLists, Needs: MayRead, Do: r.listList},
			{Pattern: "GET " + pathLists + "/{id}", Needs: MayRead, Do: r.listOne},
			{Pattern: "POST " + pathLists + "/{id}", Needs: MayChange, Do: r.listSwitch},
			{Pattern: "GET " + pathDevices, Needs: MayRead, Do: r.deviceList},
			{Pattern: "GET " + pathDevices + "/{id}", Needs: MayChange, Do: r.deviceForm},
			{Pattern: "POST " + pathDevices + "/{id}", Needs: MayChange, Do: r.deviceSave},
			{Pattern: "POST " + pathDevices + "/{id}/remove", Needs: MayChange, Do: r.deviceRemove},
			{Pattern: "GET " + pathChanges, Needs: MayRead, Do: r.changeList},
			{Pattern: "GET /filter/changes.csv", Needs: MayRead, Do: r.changeCSV},
			{Pattern: "GET " + pathVersions, Needs: MayRead, Do: r.versionList},
			{Pattern: "GET " + pathVersions + "/{number}", Needs: MayRead, Do: r.versionOne},
			{Pattern: "POST " + pathVersions + "/{number}", Needs: MayChange, Do: r.versionBack},
			{Pattern: "GET " + pathManagers, Needs: MayRead, Do: r.managers},
			{Pattern: "POST " + pathManagers, Needs: MayGrant, Do: r.managersConfirm},
		}),
	}
}

// Banners are the sentences that stand on every page while they are true.
func (r *Room) Banners(ctx context.Context) []web.Banner {
	sources, err := r.Sources(ctx)
	if err != nil || slices.ContainsFunc(sources, func(s Source) bool { return s.Enabled && s.Segment != "" }) {
		return nil
	}
	return []web.Banner{{Title: "Starter list", Words: "This is the " + StarterSays + ".", Link: pathLists, Step: "Bring in category lists", Needs: MayRead}}
}

type rulesView struct {
	web.Base
	State     web.Panel
	Try       string
	Groups    web.Table
	Everybody web.Summary
	Links     []web.Link
}

type listView struct {
	web.Base
	Note         web.Panel
	Add          web.Link
	Other        web.Link
	Filter       web.Filter
	Table        web.Table
	Pager        web.Pager
	ConfirmTitle string
	Confirm      web.Confirm
	After        []string
}

type formView struct {
	web.Base
	Note    web.Panel
	Path    string
	Upload  bool // the form carries a file
	Fields  []web.Field
	Button  string
	Cancel  string
	Actions []web.Action
}

type oneView struct {
	web.Base
	Summary      web.Summary
	ConfirmTitle string
	Confirm      web.Confirm
}

type tryView struct {
	web.Base
	Filter  web.Filter
	Problem web.Panel
	Asked   bool
	Says    web.Panel
	Answer  web.Summary
	Steps   []string
}

var (
	rulesTemplate = web.NewPage[rulesView](pages, "pages/rules.html")
	tryTemplate   = web.NewPage[tryView](pages, "pages/try.html")
	listTemplate  = web.NewPage[listView](pages, "pages/list.html")
	formTemplate  = web.NewPage[formView](pages, "pages/form.html")
	oneTemplate   = web.NewPage[oneView](pages, "pages/one.html")
)

var home = []web.Crumb{{Title: "Filter", Path: pathRules}}

// wrong turns what the room refuses into what a form shows.
func wrong(err error) (store.Invalid, bool) {
	var refused *Refused
	if errors.As(err, &refused) {
		return store.Invalid{"": refused.Words}, true
	}
	if errors.Is(err, verdict.ErrRules) {
		return store.Invalid{"": err.Error()}, true
	}
	return web.Wrong(err)
}

// again shows a form once more, with everything that was typed.
func (v formView) again(c *web.Ctx, form url.Values, bad store.Invalid) error {
	ptrs := make([]*web.Field, 0, len(v.Fields))
	for i := range v.Fields {
		ptrs = append(ptrs, &v.Fields[i])
	}
	v.Errors = web.Refill(form, bad, ptrs...)
	return formTemplate.Status(422).Render(c, v)
}

// done ends a post of one button: a refusal is told on the page it came from.
func done(c *web.Ctx, err error, said, to, from string) error {
	if bad, ok := wrong(err); ok {
		c.Notice("Not done. " + sentences(bad))
		return c.Redirect(from)
	}
	if err != nil {
		return err
	}
	c.Notice(said)
	return c.Redirect(to)
}

func sentences(bad store.Invalid) string {
	var out []string
	for _, k := range slices.Sorted(mapKeys(bad)) {
		out = append(out, bad[k])
	}
	return strings.Join(out, " ")
}

func mapKeys(bad store.Invalid) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range bad {
			if !yield(k) {
				return
			}
		}
	}
}

// name says who acted.
func (r *Room) name(ctx context.Context, id string) string {
	if p := personOf(id); p != "" {
		if who, err := r.d.People.Get(ctx, p); err == nil {
			return who.Name()
		}
		return "Somebody no longer on the roll"
	}
	if user, ok := strings.CutPrefix(id, "console:"); ok {
		return user + ", at the console"
	}
	if strings.HasPrefix(id, "system:") {
		return "Belisha"
	}
	return id
}

// tryPage says what would happen to an address.
func (r *Room) tryPage(c *web.Ctx) error {
	q := Question{URL: c.Query("url"), Group: c.Query("group"), User: c.Query("user"), KeyStage: c.Query("stage")}
	groups := web.Field{Kind: web.SelectField, Name: "group", Label: "Group", Options: groupOptions("somebody not known")}
	v := tryView{
		Base: web.Base{Title: "Try an address", Lead: "What would happen now, by the current rules, and why. Nothing is recorded.", Crumbs: home},
		Filter: web.Filter{Path: pathTry, Button: "Try", Fields: []web.Field{
			{Kind: web.TextField, Name: "url", Label: "Address", Value: q.URL, Max: maxEntry},
			groups.Choose(q.Group), stageField().Choose(q.KeyStage),
			{Kind: web.TextField, Name: "user", Label: "Or a username", Value: q.User, Optional: true, Max: 100},
		}},
	}
	if q.URL == "" {
		return tryTemplate.Render(c, v)
	}
	a, err := r.Decide(c.Context(), q)
	if bad, ok := wrong(err); ok || errors.Is(err, ErrNobody) {
		v.Problem = web.Panel{Tone: "warn", Title: "That could not be tried", Words: sentences(bad)}
		if !ok {
			v.Problem.Words = err.Error()
		}
		return tryTemplate.Status(422).Render(c, v)
	}
	if err != nil {
		return err
	}
	v.Asked, v.Steps = true, a.Steps
	v.Says = web.Panel{Tone: map[string]string{"allow": "good", "block": "bad", "warn": "warn"}[a.Action], Title: map[string]string{"allow": "Open", "block": "Closed", "warn": "Open after a warning"}[a.Action], Words: a.Says}
	v.Answer = web.Summary{Rows: []web.SummaryRow{
		{Key: "Address", Text: a.URL},
		{Key: "Group", Text: a.Group},
		{Key: "Categories", Text: orNone(strings.Join(a.Categories, ", "))},
		{Key: "Rule", Text: orNone(a.Rule)},
		{Key: "Clause of the policy", Text: orNone(a.Clause)},
	}}
	if a.SafeAs != "" {
		v.Answer.Rows = append(v.Answer.Rows, web.SummaryRow{Key: "Answered as", Text: a.SafeAs, Lines: []string{"So that its safe mode is on."}})
	}
	return tryTemplate.Render(c, v)
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func groupOptions(nobody string) []web.Option {
	var out []web.Option
	if nobody != "" {
		out = append(out, web.Option{Value: "", Label: nobody})
	}
	for _, g := range Groups() {
		out = append(out, web.Option{Value: g, Label: groupTitle[g]})
	}
	return out
}

// page is which stretch of a long list is shown.
type page struct{ at, size int }

const pageSize = 50

func pageOf(c *web.Ctx) page {
	n, err := strconv.Atoi(c.Query("page"))
	if err != nil || n < 1 || n > 100_000 {
		n = 1
	}
	return page{at: n, size: pageSize}
}

func (p page) offset() int { return (p.at - 1) * p.size }

func (p page) pager(path string, total int, q url.Values, what string) web.Pager {
	link := func(n int) string {
		q := mapClone(q)
		q.Set("page", strconv.Itoa(n))
		return path + "?" + q.Encode()
	}
	out := web.Pager{}
	last := min(p.offset()+p.size, total)
	if total > p.size {
		out.Words = fmt.Sprintf("%s to %s of %s %s", words.Number(p.offset()+1), words.Number(last), words.Number(total), what)
	}
	if p.at > 1 {
		out.Before = link(p.at - 1)
	}
	if last < total {
		out.After = link(p.at + 1)
	}
	return out
}

func mapClone(q url.Values) url.Values {
	out := url.Values{}
	for k, v := range q {
		out[k] = slices.Clone(v)
	}
	return out
}

// managing reports whether this reader could change something just now.
func (r *Room) managing(c *web.Ctx) (bool, error) { return r.mayNow(c.Context(), c.Actor) }
