package filtering

import (
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
	"belisha/internal/verdict/lists"
)

const pathSupplies = "/filter/web-lists"

// supplyRoutes are the pages of lists that are fetched.
func (r *Room) supplyRoutes() []web.Route {
	return []web.Route{
		{Pattern: "GET " + pathSupplies, Needs: MayRead, Do: r.supplyList},
		{Pattern: "GET " + pathSupplies + "/new", Needs: MayChange, Do: r.supplyNew},
		{Pattern: "POST " + pathSupplies, Needs: MayChange, Do: r.supplyAdd},
		{Pattern: "GET " + pathSupplies + "/{id}", Needs: MayRead, Do: r.supplyOne},
		{Pattern: "GET " + pathSupplies + "/{id}/edit", Needs: MayChange, Do: r.supplyEdit},
		{Pattern: "POST " + pathSupplies + "/{id}/edit", Needs: MayChange, Do: r.supplyChange},
		{Pattern: "POST " + pathSupplies + "/{id}/fetch", Needs: MayChange, Do: r.supplyFetch},
		{Pattern: "POST " + pathSupplies + "/{id}/stop", Needs: MayChange, Do: r.supplyStop},
	}
}

type supplyView struct {
	web.Base
	Note    web.Panel
	Summary web.Summary
	Edit    web.Link
	Fetch   web.Action
	End     web.Confirm
}

var supplyTemplate = web.NewPage[supplyView](pages, "pages/supply.html")

var supplyHome = slices.Concat(home, []web.Crumb{{Title: "Lists", Path: pathLists}, {Title: "Lists from the web", Path: pathSupplies}})

// state says how fetching goes, in few words.
func (s Supplied) state() web.Cell {
	switch {
	case s.trouble():
		return web.Cell{Tag: web.Tag{Words: "failed", Tone: "red"}, Small: s.Problem}
	case s.Problem != "":
		return web.Cell{Tag: web.Tag{Words: "tried again soon", Tone: "brown"}, Small: s.Problem}
	case s.WellAt.IsZero():
		return web.Cell{Tag: web.Tag{Words: "not fetched yet", Tone: "brown"}}
	}
	return web.Cell{Tag: web.Tag{Words: "fetched", Tone: "green"}}
}

// supplyList is the lists that are fetched, and those that could be.
func (r *Room) supplyList(c *web.Ctx) error {
	all, err := r.Supplies(c.Context())
	if err != nil {
		return err
	}
	may, err := r.managing(c)
	if err != nil {
		return err
	}
	v := supplyListView{
		Base: web.Base{Title: "Lists from the web", Lead: "Asked for once a day. What is damaged, has the wrong checksum or has lost too many of its names is refused, and the last good list stays.", Wide: true, Crumbs: supplyHome[:2]},
		Table: web.Table{
			Caption: "Lists that are fetched", Columns: []web.Column{{Title: "List"}, {Title: "State"}, {Title: "Last asked"}, {Title: "Decided"}},
			Empty: web.Empty{Title: "No list is fetched", Words: "Belisha asks no server for a list until a filter manager says so."},
		},
	}
	for _, s := range all {
		row := web.Row{Link: pathSupplies + "/" + s.Supply.ID, Cells: []web.Cell{{Text: s.Title, Small: breakable(s.URL)}, s.state(), {Text: "not yet"}, {When: c.Near(s.AddedAt), Small: r.name(c.Context(), s.AddedBy)}}}
		if !s.TriedAt.IsZero() {
			row.Cells[2] = web.Cell{When: c.Ago(s.TriedAt)}
		}
		v.Table.Rows = append(v.Table.Rows, row)
	}
	v.Known = web.Table{Caption: "Published lists", Columns: []web.Column{{Title: "List"}, {Title: "Licence"}, {Title: "From"}}}
	for _, p := range Presets() {
		cell := web.Cell{Text: p.Title, Small: p.What}
		if may {
			cell.Link = pathSupplies + "/new?" + url.Values{"preset": {p.ID}}.Encode()
		}
		v.Known.Rows = append(v.Known.Rows, web.Row{Cells: []web.Cell{cell, {Text: p.Licence}, {Text: breakable(p.URL)}}})
	}
	if may {
		v.Add = web.Link{Title: "Have a list fetched", Path: pathSupplies + "/new"}
	}
	return supplyListTemplate.Render(c, v)
}

type supplyListView struct {
	web.Base
	Add   web.Link
	Table web.Table
	Known web.Table
}

var supplyListTemplate = web.NewPage[supplyListView](pages, "pages/supplies.html")

// supplyForm is the form of one supply; of a new one, version is 0.
func supplyForm(s Supply) formView {
	v := formView{
		Base: web.Base{Title: "Have a list fetched", Lead: "It is asked for within a minute and then once a day, and the decision stands in the change log with your name.", Crumbs: supplyHome},
		Path: pathSupplies, Button: "Have it fetched", Cancel: pathSupplies,
	}
	formats := web.Field{Kind: web.SelectField, Name: "format", Label: "How it is written", Options: formatOptions()}
	terms := web.Field{Kind: web.ChecksField, Name: "terms", Label: "Only if it must be so", Optional: true, Options: []web.Option{
		{Value: "http", Label: "http:// will do", Hint: "Anybody on the way can then change the list. Give a checksum with it.", Chosen: s.Plain},
		{Value: "inside", Label: "The server is inside the school's network", Chosen: s.Private},
	}}
	if s.Version == 0 {
		v.Fields = append(v.Fields, web.Field{Name: "title", Label: "What to call the list", Max: 60, Value: s.Title})
	} else {
		v.Title, v.Lead, v.Button = "Change where "+s.Title+" is fetched from", "It is asked for within a minute.", "Change it"
		v.Path, v.Cancel = pathSupplies+"/"+s.ID+"/edit", pathSupplies+"/"+s.ID
		v.Fields = append(v.Fields, web.Field{Kind: web.HiddenField, Name: "version", Value: strconv.FormatInt(s.Version, 10)})
	}
	v.Fields = append(
		v.Fields,
		web.Field{Name: "url", Label: "Address", Hint: "Such as https://lists.example/list.txt", Max: 2000, Value: s.URL},
		formats.Choose(firstOf(s.Format, string(lists.FormatAuto))),
		web.Field{Name: "category", Label: "Category", Hint: "Of a list that does not name its own, such as gambling.", Optional: true, Max: 60, Value: s.Category},
		web.Field{Kind: web.LongField, Name: "map", Label: "Its names for categories, and ours", Hint: "One a line, such as porn=adult. Common names are known already.", Optional: true, Rows: 3, Max: 4000, Value: mapText(s.Map)},
		web.Field{Name: "sum", Label: "Checksum", Hint: "A SHA-256 sum, or the address of the publisher's file of sums.", Optional: true, Max: 2000, Value: s.Sum},
		terms,
		web.Field{Kind: web.LongField, Name: "reason", Label: "Why", Rows: 2, Max: maxReason},
	)
	return v
}

// formatOptions are the formats in words.
func formatOptions() []web.Option {
	var out []web.Option
	for _, f := range []struct {
		format lists.Format
		label  string
	}{
		{lists.FormatAuto, "find out"},
		{lists.FormatUT1, "UT1, Shalla or squidGuard, in one archive"},
		{lists.FormatE2, "e2guardian's item lists"},
		{lists.FormatHosts, "hosts file"},
		{lists.FormatPlain, "one name a line"},
		{lists.FormatWildcard, "names with *."},
		{lists.FormatAdblock, "adblock or AdGuard rules"},
		{lists.FormatDnsmasq, "dnsmasq settings"},
		{lists.FormatUnbound, "Unbound settings"},
		{lists.FormatRPZ, "response policy zone (RPZ)"},
		{lists.FormatSurge, "Surge or Clash rules"},
		{lists.FormatCSV, "table (CSV) of addresses and categories"},
		{lists.FormatJSON, "JSON"},
		{lists.FormatBind, "zones of BIND"},
		{lists.FormatRegex, "expressions over names, as Pi-hole has them"},
		{lists.FormatP2P, "spans of addresses (P2P, DAT)"},
		{lists.FormatRedwood, "Redwood list"},
		{FormatPhrases, "phrases of e2guardian, to weigh pages with"},
	} {
		out = append(out, web.Option{Value: string(f.format), Label: f.label})
	}
	return out
}

func mapText(m map[string]string) string {
	var out []string
	for theirs, ours := range m {
		out = append(out, theirs+"="+ours)
	}
	sort.Strings(out)
	return strings.Join(out, "\n")
}

// supplyOf reads the form.
func supplyOf(form url.Values) (Supply, error) {
	s := Supply{
		Title: form.Get("title"), URL: form.Get("url"), Format: form.Get("format"), Category: form.Get("category"), Sum: form.Get("sum"), Reason: form.Get("reason"),
		Plain: slices.Contains(form["terms"], "http"), Private: slices.Contains(form["terms"], "inside"), Map: map[string]string{},
	}
	for _, line := range lines(form.Get("map")) {
		theirs, ours, ok := strings.Cut(line, "=")
		if !ok || theirs == "" || slug(ours) == "" || len(s.Map) >= maxOwnCategories {
			return s, store.Invalid{"map": "Write one a line, the list's name, an equals sign, and ours: porn=adult."}
		}
		s.Map[theirs] = ours
	}
	return s, nil
}

func (r *Room) supplyNew(c *web.Ctx) error {
	s := Supply{}
	if p, ok := presetBy(c.Query("preset")); ok {
		s = Supply{Title: p.Title, URL: p.URL, Format: p.Format, Category: p.Category}
	}
	return formTemplate.Render(c, supplyForm(s))
}

func (r *Room) supplyAdd(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	s, err := supplyOf(form)
	if err == nil {
		s, err = r.AddSupply(c.Context(), s)
	}
	if bad, ok := wrong(err); ok {
		return supplyForm(Supply{}).again(c, form, bad)
	}
	if err != nil {
		return err
	}
	c.Notice("It is asked for within a minute.")
	return c.Redirect(pathSupplies + "/" + s.ID)
}

func (r *Room) supplied(c *web.Ctx) (Supplied, error) {
	s, err := getSupply(c.Context(), r.d.DB, c.Param("id"))
	if err != nil {
		return Supplied{}, err
	}
	f, err := getFetched(c.Context(), r.d.DB, s.ID)
	return Supplied{s, f}, err
}

func (r *Room) supplyOne(c *web.Ctx) error {
	s, err := r.supplied(c)
	if err != nil {
		return err
	}
	v := supplyView{Base: web.Base{Title: s.Title, Lead: "A list from the web.", Crumbs: supplyHome}}
	v.Summary.Rows = r.supplyRows(c, s)
	have, err := r.inForce(c.Context(), s.Supply)
	if err != nil {
		return err
	}
	if have.Version > 0 {
		what := words.Count(int(have.Names), "name", "names")
		if have.Format == FormatPhrases {
			what = words.Count(int(have.Names), "phrase", "phrases")
		}
		v.Summary.Rows = slices.Insert(v.Summary.Rows, 2, web.SummaryRow{Key: "The list in force is of", When: c.Moment(have.fresh()), Lines: []string{what}})
	}
	switch {
	case !s.live():
		v.Note = web.Panel{Tone: "note", Title: "It is not fetched any more", Words: "What was taken up of it stays in use until the list is taken out of use."}
	case s.trouble():
		v.Note = web.Panel{Tone: "warn", Title: "It could not be fetched", Words: titleOf(s.Problem) + ". The last good list stays in force, and it is tried again by itself."}
	case strings.HasPrefix(s.URL, "http://"):
		v.Note = web.Panel{Tone: "warn", Title: "Not protected on the way", Words: "Anybody between the school and the server can change this list. Use an address with https:// if there is one."}
	}
	may, err := r.managing(c)
	if err != nil {
		return err
	}
	if may && s.live() {
		page := pathSupplies + "/" + s.Supply.ID
		v.Edit = web.Link{Title: "Change where it is fetched from, or how", Path: page + "/edit"}
		v.Fetch = web.Action{Path: page + "/fetch", Title: "Fetch it now", Quiet: true}
		v.End = web.Confirm{
			What: "The list is not asked for any more.", Whom: "What was taken up of it stays in use, and grows old.", When: "At once.", Undo: "It can be added again.",
			Fields: []web.Field{{Name: "reason", Label: "Why", Max: maxReason}}, Action: web.Action{Path: page + "/stop", Title: "Stop fetching it", Grave: true},
		}
	}
	return supplyTemplate.Render(c, v)
}

func (r *Room) supplyRows(c *web.Ctx, s Supplied) []web.SummaryRow {
	moment := func(at time.Time) web.SummaryRow {
		if at.IsZero() {
			return web.SummaryRow{Text: "not yet"}
		}
		return web.SummaryRow{When: c.Moment(at)}
	}
	keyed := func(key string, row web.SummaryRow) web.SummaryRow { row.Key = key; return row }
	state := s.state()
	rows := []web.SummaryRow{
		{Key: "Address", Text: breakable(s.URL)},
		{Key: "State", Tags: []web.Tag{state.Tag}, Lines: nonEmpty(state.Small)},
		keyed("Last found to be the newest", moment(s.WellAt)),
		keyed("Last asked", moment(s.TriedAt)),
		keyed("Asked again", moment(s.DueAt)),
		{Key: "Category", Text: firstOf(s.Category, "as the list names them"), Lines: nonEmpty(strings.ReplaceAll(mapText(s.Map), "\n", ", "))},
		{Key: "Checksum", Text: firstOf(breakable(s.Sum), "none asked for")},
		{Key: "Decided", When: c.Moment(s.AddedAt), Lines: []string{r.name(c.Context(), s.AddedBy)}},
		{Key: "Why", Text: s.Reason},
	}
	if s.Private {
		rows = append(rows, web.SummaryRow{Key: "Server", Text: "inside the school's network"})
	}
	return rows
}

func nonEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

func (r *Room) supplyEdit(c *web.Ctx) error {
	s, err := r.supplied(c)
	if err != nil {
		return err
	}
	if !s.live() {
		return store.ErrNotFound
	}
	return formTemplate.Render(c, supplyForm(s.Supply))
}

func (r *Room) supplyChange(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	have, err := r.supplied(c)
	if err != nil {
		return err
	}
	s, err := supplyOf(form)
	if err == nil {
		if s.Version, err = strconv.ParseInt(form.Get("version"), 10, 64); err != nil {
			return store.ErrStale
		}
		err = r.ChangeSupply(c.Context(), have.Supply.ID, s)
	}
	if bad, ok := wrong(err); ok {
		return supplyForm(have.Supply).again(c, form, bad)
	}
	if err != nil {
		return err
	}
	c.Notice("Changed. It is asked for within a minute.")
	return c.Redirect(pathSupplies + "/" + have.Supply.ID)
}

func (r *Room) supplyFetch(c *web.Ctx) error {
	page := pathSupplies + "/" + c.Param("id")
	return done(c, r.FetchSoon(c.Context(), c.Param("id")), "It is asked for within a minute.", page, page)
}

func (r *Room) supplyStop(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	page := pathSupplies + "/" + c.Param("id")
	return done(c, r.EndSupply(c.Context(), c.Param("id"), form.Get("reason")), "It is not fetched any more.", page, page)
}
