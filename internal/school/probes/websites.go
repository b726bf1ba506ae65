package probes

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
)

type sitesView struct {
	web.Base
	Unread  web.Panel
	Token   web.Panel
	Scripts []script
	Table   web.Table
	Ends    []web.Action
	Fields  []web.Field
	May     bool
	Path    string
}

var sitesTemplate = web.NewPage[sitesView](pages, "pages/sites.html")

var groupWords = map[string]string{"": "a device that nobody knows", "pupils": "pupils", "staff": "staff", "guests": "guests"}

func siteFields() []web.Field {
	var groups []web.Option
	for _, g := range []string{"", "pupils", "staff", "guests"} {
		groups = append(groups, web.Option{Value: g, Label: groupWords[g]})
	}
	return []web.Field{
		{Kind: web.TextField, Name: "site", Label: "The site", Hint: "Such as “Lower school” or “Sports pavilion”.", Max: mostName},
		{Kind: web.SelectField, Name: "group", Label: "Whose rules the device there goes by", Options: groups, Optional: true},
	}
}

func (r *Room) sitesPage(c *web.Ctx) error {
	v, err := r.sitesOf(c)
	if err != nil {
		return err
	}
	return sitesTemplate.Render(c, v)
}

func (r *Room) sitesOf(c *web.Ctx) (sitesView, error) {
	v := sitesView{
		Base: web.Base{
			Title: "Devices that try the filter from other sites", Crumbs: []web.Crumb{{Title: "Trials of the filter", Path: pathList}},
			Lead: "A site where no Belisha runs is tried by a device of its own, such as an office computer: it runs a small file each hour, asks for made-up sites, and tells what happened.",
		},
		May: c.May(MayManage), Fields: siteFields(), Path: "/filter/probe-sites",
		Table: web.Table{
			Caption: "Sites", Columns: []web.Column{{Title: "Site"}, {Title: "Rules"}, {Title: "Since"}, {Title: "Told last"}},
			Empty: web.Empty{Title: "No other site is named", Words: "Where all devices of the school are on this machine’s network, none is needed; yet only a device can find out whether the firewall lets it past the filter."},
		},
	}
	if ways, unread := r.Ways(); len(unread) > 0 {
		v.Unread = web.Panel{Tone: "warn", Title: "The policy names what no device can try: " + words.And(unread), Words: fmt.Sprintf("Where a device must not get to past the filter is said by addresses, such as 192.0.2.53, or 192.0.2.7:8080; up to %d.", mostPast)}
	} else if len(ways) == 0 {
		v.Unread = web.Panel{Tone: "note", Title: "Ways past the filter are not tried", Words: "The policy names no address outside that devices must not get to."}
	}
	list, err := r.Sites(c.Context())
	if err != nil {
		return v, err
	}
	for _, s := range list {
		row := web.Row{Faint: s.Ended(), Cells: []web.Cell{{Text: s.Site}, {Text: groupWords[s.Group]}, {When: c.Near(s.MadeAt)}, {}}}
		last, err := r.Last(c.Context(), s.Name(), false)
		if err != nil {
			return v, err
		}
		switch {
		case s.Ended():
			row.Cells[3].Text = "ended"
		case last.ID == "":
			row.Cells[3].Text = "nothing yet"
		default:
			row.Cells[3].When, row.Cells[3].State = c.Near(last.At), runState(last)
		}
		v.Table.Rows = append(v.Table.Rows, row)
		if v.May && !s.Ended() {
			v.Ends = append(v.Ends, web.Action{
				Path: "/filter/probe-sites/" + s.ID + "/end", Title: "End " + s.Name(), Quiet: true, Hidden: []web.Hidden{{Name: "version", Value: strconv.FormatInt(s.Version, 10)}},
			})
		}
	}
	return v, nil
}

func (r *Room) sitesPost(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	ctx := actor.With(c.Context(), c.Actor)
	s, _, err := r.AddSite(ctx, form.Get("site"), form.Get("group"))
	bad, wrong := web.Wrong(err)
	if err != nil && !wrong {
		return err
	}
	v, verr := r.sitesOf(c)
	if verr != nil {
		return errors.Join(verr, err)
	}
	if wrong {
		v.Errors = web.Refill(form, store.Invalid(bad), &v.Fields[0], &v.Fields[1])
		return sitesTemplate.Status(http.StatusUnprocessableEntity).Render(c, v)
	}
	v.Token = web.Panel{
		Tone: "good", Title: s.Name() + " is named",
		Words: "Save one of these as a file on the device there, and have it run each hour as the people there would, by the task scheduler or cron. The key in it signs what the device tells, and is shown this once; whoever loses it ends the site and names it anew.",
	}
	for _, x := range []struct{ file, title string }{
		{"try.ps1", "Windows, PowerShell: try-the-filter.ps1"}, {"try.sh", "Mac, Linux, Chromebook with Linux: try-the-filter.sh"},
	} {
		text, err := r.Script(x.file, s)
		if err != nil {
			return err
		}
		v.Scripts = append(v.Scripts, script{Title: x.title, Text: text})
	}
	return sitesTemplate.Render(c, v)
}

func (r *Room) siteEnd(c *web.Ctx) error {
	n, err := strconv.ParseInt(c.Value("version"), 10, 64)
	if err != nil {
		return store.ErrStale
	}
	if err := r.EndSite(actor.With(c.Context(), c.Actor), c.Param("id"), n); err != nil {
		return err
	}
	c.Notice("Ended: its key is worth nothing any more.")
	return c.Redirect("/filter/probe-sites")
}

// plan is what a device is to try: a number, then one line each, a word and an
// address.
func (r *Room) plan(c *web.Ctx, s Site) ([]string, error) {
	must, err := r.Closed(c.Context(), s.Group)
	if err != nil {
		return nil, err
	}
	out := []string{"number " + s.number(r.now()), "here http://here." + r.Zone + "/"}
	for _, m := range must {
		out = append(out, m+" http://"+m+"."+r.Zone+"/")
	}
	ways, _ := r.Ways()
	for _, w := range ways {
		out = append(out, w.Case()+" "+w.By+"://"+w.To.String())
	}
	return out, nil
}

// devicePlan gives a device its questions as plain lines, which any shell can
// read. They are no secret.
func (r *Room) devicePlan(c *web.Ctx) error {
	s, err := r.running(c.Context(), c.Param("site"))
	if err != nil {
		return err
	}
	lines, err := r.plan(c, s)
	if err != nil {
		return err
	}
	return c.Send("", "text/plain; charset=utf-8", strings.NewReader(strings.Join(lines, "\n")+"\n"))
}

// Bounds of what a device tells.
const (
	mostLines = 300
	mostTold  = 32 << 10
)

// deviceReport takes what a device tells: lines of a word and an outcome,
// signed.
func (r *Room) deviceReport(c *web.Ctx) error {
	s, err := r.running(c.Context(), c.Param("site"))
	if err != nil {
		return err
	}
	raw, err := io.ReadAll(io.LimitReader(c.R.Body, mostTold))
	if err != nil {
		return fmt.Errorf("reading what a device tells: %w", err)
	}
	if err := r.signed(c.Context(), s, c.Query("number"), c.Query("sign"), raw); err != nil {
		return err
	}
	if !r.rate.may(s.ID, r.now()) {
		return store.Invalid{"": "This device told a moment ago; once an hour is enough"}
	}
	told := readTold(raw)
	if len(told) == 0 {
		return store.Invalid{"": "Nothing that could be read was told; each line holds a word and an outcome, such as “here open”"}
	}
	run, err := r.Report(actor.With(c.Context(), actor.Belisha("site probe")), s, told)
	if err != nil {
		return err
	}
	return c.Send("", "text/plain; charset=utf-8", strings.NewReader(fmt.Sprintf("right %d, wrong %d, not asked %d\n", run.Right, run.Wrong, run.Blind)))
}

func readTold(raw []byte) []Told {
	var out []Told
	for line := range strings.Lines(string(raw)) {
		f := strings.Fields(line)
		if len(f) == 2 && len(out) < mostLines {
			out = append(out, Told{Case: f[0], Outcome: f[1]})
		}
	}
	return out
}

type script struct{ Title, Text string }

//go:embed scripts
var scripts embed.FS

// Script is one of the files for devices, try.sh or try.ps1, made for a site. It
// holds the site's key.
func (r *Room) Script(name string, s Site) (string, error) {
	raw, err := scripts.ReadFile("scripts/" + name)
	if err != nil {
		return "", fmt.Errorf("reading the file for devices: %w", err)
	}
	return strings.NewReplacer("@BASE@", "http://"+r.Host(), "@SITE@", s.ID, "@KEY@", s.key, "@ZONE@", r.Zone).Replace(string(raw)), nil
}
