package devices

import (
	"net/netip"
	"net/url"
	"strings"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
)

type homeView struct {
	web.Base
	Out     web.Panel
	Away    web.Panel
	Facts   web.Summary
	Links   []web.Link
	Devices web.Table
	Again   web.Link
}

type waysView struct {
	web.Base
	Ways []web.Link
	Sees web.Table
}

type wayView struct {
	web.Base
	Sees    web.Summary
	Warning web.Panel
	Closed  web.Panel
	Steps   []string
	Files   []web.Download
	PAC     string
	Device  string
}

type tryOutPageView struct {
	web.Base
	Never  web.Panel
	Groups []triedView
	Begin  bool
	Fields []web.Field
	Path   string
}

type triedView struct {
	Title   string
	State   string
	Table   web.Table
	Running bool
	Real    web.Action
	May     bool
}

type deviceView struct {
	web.Base
	Facts web.Summary
	Seen  bool
}

var (
	homePage   = web.NewPage[homeView](pages, "pages/home.html")
	waysPage   = web.NewPage[waysView](pages, "pages/ways.html")
	wayPage    = web.NewPage[wayView](pages, "pages/way.html")
	tryPage    = web.NewPage[tryOutPageView](pages, "pages/try-out.html")
	devicePage = web.NewPage[deviceView](pages, "pages/device.html")
)

// home lists what was seen, and how the filter stands.
func (r *Room) home(c *web.Ctx) error {
	v := homeView{
		Base:  web.Base{Title: "Devices", Lead: "Which device reaches the filter, and as what it is filtered. The filter forgets after a day, and at each start.", Wide: true},
		Again: web.Link{Title: "Look again", Path: pathHome},
		Devices: web.Table{
			Caption: "Devices", Columns: []web.Column{{Title: "Device"}, {Title: "State"}, {Title: "Last seen"}, {Title: "By"}},
			Empty: web.Empty{Title: "No device was seen yet", Words: "Give one device the file of its platform, open a page on it, and look again.", Step: web.Link{Title: "Files for each platform", Path: pathWays}},
		},
		Links: []web.Link{{Title: "Files and steps for each platform", Path: pathWays}, {Title: "Rules for your firewall or router", Path: pathFirewall}, {Title: "The school's certificate, and the next one", Path: pathCertificate}, {Title: "Try-out", Path: pathTryOut}, {Title: "Devices that try the filter from other sites", Path: "/filter/probe-sites"}, {Title: "Way-out card", Path: pathCard}},
	}
	if c.May(MayManage) {
		v.Links = append(v.Links, web.Link{Title: "The other filter's log", Path: pathLogs})
	}
	if c.May(MayWayOut) {
		v.Links = append(v.Links, web.Link{Title: "Take Belisha out of the path, or put it back", Path: pathOut})
	}
	if err := r.facts(c, &v); err != nil {
		return err
	}
	list, err := r.list(c.Context())
	if err != nil {
		v.Away = web.Panel{Tone: "warn", Title: "The filter does not answer", Words: "What it saw cannot be shown just now."}
		return homePage.Render(c, v)
	}
	for _, d := range list {
		if len(v.Devices.Rows) == mostRows {
			break
		}
		v.Devices.Rows = append(v.Devices.Rows, deviceRow(c, d))
	}
	return homePage.Render(c, v)
}

func deviceRow(c *web.Ctx, d device) web.Row {
	first := web.Cell{Text: d.name()}
	if d.seen == nil {
		return web.Row{Faint: true, Cells: []web.Cell{first, {Text: "not seen yet"}, {}, {}}}
	}
	if d.known != nil {
		first.Small = d.seen.Address.String()
	}
	state := web.Cell{Text: d.seen.as()}
	if d.seen.Signed {
		state.Small = "somebody is signed in there"
	}
	return web.Row{Cells: []web.Cell{first, state, {When: c.Ago(d.seen.At)}, {Text: d.seen.Door}}}
}

// facts are how the filter stands: beside what, reached where, by whose word.
func (r *Room) facts(c *web.Ctx, v *homeView) error {
	ctx := c.Context()
	b, err := r.Beside(ctx)
	if err != nil {
		return err
	}
	d, err := r.Doors(ctx)
	if err != nil {
		return err
	}
	f, err := r.Facts(ctx)
	if err != nil {
		return err
	}
	kind := WordSchool
	if b.Filtered() {
		kind = WordProvider
	}
	w, err := r.Word(ctx, kind)
	if err != nil {
		return err
	}
	out, err := r.Out(ctx)
	if err != nil {
		return err
	}
	if out != nil {
		v.Out = web.Panel{Tone: "bad", Title: "Belisha is taken out of the path", Words: "Since " + c.Words.Moment(out.From) + ": " + out.Reason}
	}
	change := func(path string) web.Link {
		if !c.May(MayManage) {
			return web.Link{}
		}
		return web.Link{Title: "Change", Path: path}
	}
	said := web.SummaryRow{Key: "No way round the filter", Text: "Nobody has given their word yet", Link: change(pathWords)}
	if w != nil {
		said.Text = w.Who + ", on " + c.Words.ShortDate(w.Given) + "; asked again by " + c.Words.ShortDate(w.Review)
	}
	v.Facts.Rows = []web.SummaryRow{
		{Key: "Another filter", Text: b.words(), Link: change(pathBeside)},
		{Key: "Devices reach the filter", Text: d.words(f.PACURL()), Link: change(pathDoors)},
		said,
	}
	return nil
}

func (b Beside) words() string {
	var out string
	switch b.Kind {
	case Unanswered:
		return "Nobody has said yet"
	case Alone:
		return "None: Belisha is the filter"
	case LogOnly:
		return b.Provider + ": Belisha only reads its log"
	default:
		out = b.Provider + " stands behind Belisha"
	}
	if b.Reached != "" && b.Reached != Reached {
		out += "; not reached: " + b.Reached
	}
	return out
}

func (d Doors) words(pac string) string {
	if !d.Open() {
		return "Not yet: it answers on this machine alone"
	}
	var ways []string
	if d.Proxy {
		ways = append(ways, "proxy, with its configuration at "+pac)
	}
	if d.DNS {
		ways = append(ways, "DNS at "+d.Address)
	}
	return strings.Join(ways, "; ")
}

func (r *Room) wayList(c *web.Ctx) error {
	v := waysView{
		Base: web.Base{Title: "Files and steps for each platform", Crumbs: crumbs, Wide: true},
		Sees: web.Table{Caption: "What each way in sees", Columns: []web.Column{{Title: "Way in"}, {Title: "The filter sees"}, {Title: "It does not see"}}},
	}
	for _, w := range Ways() {
		v.Sees.Rows = append(v.Sees.Rows, web.Row{Link: pathWays + "/" + w.Slug, Cells: []web.Cell{{Text: w.Title}, {Text: w.Sees}, {Text: w.Blind}}})
	}
	return waysPage.Render(c, v)
}

func (r *Room) wayPage(c *web.Ctx) error {
	w, ok := wayOf(c.Param("slug"))
	if !ok {
		return store.ErrNotFound
	}
	f, err := r.Facts(c.Context())
	if err != nil {
		return err
	}
	v := wayView{
		Base:  web.Base{Title: w.Title, Crumbs: append(crumbs[:1:1], web.Crumb{Title: "Platforms", Path: pathWays})},
		Steps: w.Steps, PAC: f.PACURL(), Device: "http://" + f.Host + "/device", Files: downloads(w, f, pathFiles),
		Sees: web.Summary{Rows: []web.SummaryRow{{Key: "The filter sees", Text: w.Sees}, {Key: "It does not see", Text: w.Blind}, {Key: "Off site", Text: "Nothing yet: a device at home is not filtered by Belisha."}}},
	}
	if w.Warning != "" {
		v.Warning = web.Panel{Tone: "warn", Title: "Know before you use it", Words: w.Warning}
	}
	if f.PACURL() == "" && f.DNS == "" {
		v.Closed = web.Panel{Tone: "warn", Title: "The filter is not open to devices yet", Words: "Say first at which address they reach it; then the files are here.", Link: web.Link{Title: "Where devices reach the filter", Path: pathDoors}}
	}
	return wayPage.Render(c, v)
}

// tryOutPage shows what would be closed for whom, and makes it real.
func (r *Room) tryOutPage(c *web.Ctx) error {
	ctx := c.Context()
	v := tryOutPageView{Base: web.Base{Title: "Try-out", Crumbs: crumbs, Lead: "What the filter would close, counted without names. Nothing is closed meanwhile."}, Path: pathTryOut}
	b, err := r.Beside(ctx)
	if err != nil {
		return err
	}
	if b.Kind != Behind {
		v.Never = web.Panel{Tone: "note", Title: "There is nothing to try out", Words: "A try-out needs another filter behind Belisha: without one children would be unfiltered meanwhile."}
		return tryPage.Render(c, v)
	}
	groups, err := r.d.Groups(ctx)
	if err != nil {
		return err
	}
	list, err := r.TryOuts(ctx)
	if err != nil {
		return err
	}
	for _, g := range groups {
		t, err := r.triedOf(c, g, list)
		if err != nil {
			return err
		}
		v.Groups = append(v.Groups, t)
	}
	if v.Begin = c.May(MayReal); v.Begin {
		s, err := r.tryOutView(ctx)
		if err != nil {
			return err
		}
		v.Fields = s.Fields
	}
	return tryPage.Render(c, v)
}

func (r *Room) triedOf(c *web.Ctx, g Group, list []TryOut) (triedView, error) {
	out := triedView{Title: g.Title, State: "Real: what the rules close is closed for " + words.Count(g.People, "person", "people") + ".", May: c.May(MayReal)}
	for _, t := range list {
		if t.Group != g.Slug {
			continue
		}
		if !t.Running(c.Now()) {
			break
		}
		out.Running = true
		out.State = "Tried out until " + c.Words.Moment(t.Until) + ". When it is real, this is closed for " + words.Count(g.People, "person", "people") + ":"
		out.Real = web.Action{Path: pathTryOut + "/" + url.PathEscape(g.Slug) + "/real", Title: "Make it real for " + strings.ToLower(g.Title)}
		out.Table = web.Table{
			Caption: "What would have been closed for " + g.Title, Columns: []web.Column{{Title: "Kind of site"}, {Title: "Times", Numeric: true}},
			Empty: web.Empty{Title: "Nothing would have been closed so far", Words: "The counts come in as people use the web."},
		}
		if r.d.Tried == nil {
			break
		}
		tried, err := r.d.Tried(c.Context(), g.Slug, t.From)
		if err != nil {
			return out, err
		}
		for _, x := range tried {
			out.Table.Rows = append(out.Table.Rows, web.Row{Cells: []web.Cell{{Text: x.Category}, {Text: words.Number(int(x.Count))}}})
		}
		break
	}
	return out, nil
}

func (r *Room) makeReal(c *web.Ctx) error {
	if err := r.MakeReal(c.Context(), c.Param("group")); err != nil {
		return err
	}
	c.Notice("It is real now: what the rules close is closed.")
	return c.Redirect(pathTryOut)
}

// thisDevice says to whoever holds it what a device is to the filter.
func (r *Room) thisDevice(c *web.Ctx) error {
	v := deviceView{Base: web.Base{Title: "This device"}}
	ap, err := netip.ParseAddrPort(c.R.RemoteAddr)
	if err != nil {
		return devicePage.Render(c, v)
	}
	a := ap.Addr().Unmap()
	v.Facts.Rows = []web.SummaryRow{{Key: "Address", Text: a.String()}}
	list, err := r.list(c.Context())
	if err != nil {
		v.Facts.Rows = append(v.Facts.Rows, web.SummaryRow{Key: "State", Text: "The filter does not answer just now"})
		return devicePage.Render(c, v)
	}
	d, ok := at(list, a)
	if !ok {
		v.Facts.Rows = append(v.Facts.Rows, web.SummaryRow{Key: "State", Text: "Not seen yet: this page did not come through the filter"})
		return devicePage.Render(c, v)
	}
	v.Seen = true
	state := d.seen.as()
	v.Facts.Rows = append(v.Facts.Rows, web.SummaryRow{Key: "State", Text: strings.ToUpper(state[:1]) + state[1:]}, web.SummaryRow{Key: "It came in by", Text: d.seen.Door, When: c.Ago(d.seen.At)})
	name, certificate := "Not on the school's list", "Not known"
	if d.known != nil {
		name, certificate = d.known.Label, "Not entered as installed"
		if d.known.CA {
			certificate = "Entered as installed"
		}
	}
	v.Facts.Rows = append(v.Facts.Rows, web.SummaryRow{Key: "Known as", Text: name}, web.SummaryRow{Key: "The school's certificate", Text: certificate})
	return devicePage.Render(c, v)
}
