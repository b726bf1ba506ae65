package devices

import (
	"bytes"
	"net/http"
	"net/url"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/school/devices/platform"
)

const pathFirewall = "/devices/firewall"

type firewallsView struct {
	web.Base
	Notes  []web.Panel
	Path   string
	Fields []web.Field
	Files  web.Table
}

type firewallView struct {
	web.Base
	Does  string
	Steps []string
	Undo  string
	File  web.Download
	Text  string
	Back  web.Link
}

var (
	firewallsPage = web.NewPage[firewallsView](pages, "pages/firewalls.html")
	firewallPage  = web.NewPage[firewallView](pages, "pages/firewall.html")
)

func (r *Room) firewallRoutes() []web.Route {
	return []web.Route{
		{Pattern: "GET " + pathFirewall, Needs: MayRead, Do: r.firewallList},
		{Pattern: "GET " + pathFirewall + "/{name}", Needs: MayRead, Do: r.firewallShow},
		{Pattern: "GET " + pathFirewall + "/{name}/file", Needs: MayRead, Do: r.firewallSend},
	}
}

// written is what stands in the address: the pages keep nothing of it.
func (r *Room) written(c *web.Ctx) (Redirect, url.Values, error) {
	q := c.R.URL.Query()
	w := Redirect{Place: q.Get("place"), Filtered: q.Get("networks"), Inside: q.Get("inside"), Except: q.Get("except"), Resolvers: q.Get("resolvers")}
	if w.Filtered != "" {
		return w, q, nil
	}
	have, err := r.Suggested(c.Context())
	if err != nil {
		return w, q, err
	}
	w.Filtered = have.Filtered
	return w, q, nil
}

func (w Redirect) fields() []web.Field {
	return []web.Field{
		{Name: "place", Label: "Which building or site?", Optional: true, Max: 120, Width: 30, Value: w.Place, Hint: "For schools with several: make the files once for each."},
		{Kind: web.LongField, Name: "networks", Label: "Networks whose devices go through the filter", Rows: 4, Max: 8000, Value: w.Filtered, Hint: "Such as 10.0.0.0/16, one on each line. The ranges that are entered for devices stand here already."},
		{Kind: web.LongField, Name: "except", Label: "Left alone", Optional: true, Rows: 2, Max: 8000, Value: w.Except, Hint: "Servers and devices that need the internet without the filter. Nobody browses from them. Belisha's own machine is always left alone."},
		{Kind: web.LongField, Name: "inside", Label: "More addresses of the school's own", Optional: true, Rows: 2, Max: 8000, Value: w.Inside, Hint: "Public addresses of your own servers. Private networks, such as 192.168.0.0/16, are inside in any case."},
		{Kind: web.LongField, Name: "resolvers", Label: "Services for names over HTTPS to close by address", Optional: true, Rows: 2, Max: 8000, Value: w.Resolvers, Hint: "The filter closes them by name. Addresses are for devices that know one by heart."},
	}
}

func (w Redirect) query() string {
	q := url.Values{}
	for name, value := range map[string]string{"place": w.Place, "networks": w.Filtered, "except": w.Except, "inside": w.Inside, "resolvers": w.Resolvers} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

func (r *Room) firewallList(c *web.Ctx) error {
	w, q, err := r.written(c)
	if err != nil {
		return err
	}
	n, err := r.Network(c.Context(), w)
	bad, isBad := web.Wrong(err)
	if err != nil && !isBad {
		return err
	}
	v := firewallsView{
		Base: web.Base{
			Title: "Rules for your firewall or router", Crumbs: crumbs, Wide: true,
			Lead: "With these, no device of the school goes past the filter, also none that knows nothing of it: web pages and questions for names are led to it, and encrypted names and QUIC are closed.",
		},
		Path: pathFirewall, Fields: w.fields(), Notes: notes(n),
	}
	if isBad {
		v.Errors = web.Refill(nil, bad, pointers(v.Fields)...)
		return firewallsPage.Status(http.StatusUnprocessableEntity).Render(c, v)
	}
	v.Files = web.Table{
		Caption: "Rules", Columns: []web.Column{{Title: "For"}, {Title: "What it does"}},
		Empty: web.Empty{Title: "Write the school's networks first", Words: "Then the rules are here, with your addresses filled in."},
	}
	for _, f := range platform.Firewalls() {
		if _, err := platform.MakeFirewall(f.Name, n); err == nil {
			v.Files.Rows = append(v.Files.Rows, web.Row{Link: pathFirewall + "/" + f.Name + w.query(), Cells: []web.Cell{{Text: f.Title}, {Text: f.Does}}})
		}
	}
	if err := n.Check(); err != nil && len(q) > 0 {
		v.Errors = web.Refill(nil, store.Invalid{"networks": err.Error()}, pointers(v.Fields)...)
		return firewallsPage.Status(http.StatusUnprocessableEntity).Render(c, v)
	}
	return firewallsPage.Render(c, v)
}

// notes say what is missing before the rules can do all they are for.
func notes(n platform.Network) []web.Panel {
	var out []web.Panel
	if !n.Filter.IsValid() {
		return []web.Panel{{
			Tone: "warn", Title: "The filter has no address for devices yet", Words: "Say at which address devices reach it, in numbers such as 10.0.0.5.",
			Link: web.Link{Title: "Where devices reach the filter", Path: pathDoors},
		}}
	}
	if n.Web == 0 {
		out = append(out, web.Panel{
			Tone: "warn", Title: "The filter takes no redirected web connections yet",
			Words: "The rules below then close the web to whatever does not use the proxy. To have connections led to the filter instead, start it on Linux with --listen-transparent and an address such as 0.0.0.0:8480, and open this page again.",
		})
	}
	if n.DNS == 0 {
		out = append(out, web.Panel{
			Tone: "warn", Title: "The filter does not answer for names yet", Words: "The rules below then close other resolvers and lead nowhere. Open DNS to devices first.",
			Link: web.Link{Title: "Where devices reach the filter", Path: pathDoors},
		})
	}
	return out
}

func (r *Room) firewallShow(c *web.Ctx) error {
	w, _, err := r.written(c)
	if err != nil {
		return err
	}
	file, err := r.FirewallFile(c.Context(), c.Param("name"), w)
	if _, ok := web.Wrong(err); ok {
		return c.Redirect(pathFirewall + w.query())
	}
	if err != nil {
		return err
	}
	for _, f := range platform.Firewalls() {
		if f.Name != file.Name {
			continue
		}
		return firewallPage.Render(c, firewallView{
			Base: web.Base{Title: f.Title, Crumbs: append(crumbs[:1:1], web.Crumb{Title: "Rules for firewalls", Path: pathFirewall + w.query()}), Wide: true},
			Does: f.Does, Steps: f.Steps, Undo: f.Undo, Text: string(file.Body),
			File: web.Download{Title: "The rules as a file", Path: pathFirewall + "/" + f.Name + "/file" + w.query(), Kind: "text"},
			Back: web.Link{Title: "Change the addresses", Path: pathFirewall + w.query()},
		})
	}
	return store.ErrNotFound
}

func (r *Room) firewallSend(c *web.Ctx) error {
	w, _, err := r.written(c)
	if err != nil {
		return err
	}
	f, err := r.FirewallFile(c.Context(), c.Param("name"), w)
	if _, ok := web.Wrong(err); ok {
		return c.Redirect(pathFirewall + w.query())
	}
	if err != nil {
		return err
	}
	return c.Send(f.Name, f.Type, bytes.NewReader(f.Body))
}
