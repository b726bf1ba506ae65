package classroom

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"belisha/internal/kit/csvio"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

const (
	perPage      = 50
	mostExported = 100_000
)

// name is somebody by id, for a table.
func (r *Room) name(ctx context.Context, id people.ID) string {
	p, err := r.d.People.Get(ctx, id)
	if err != nil {
		return "somebody who is not on the roll"
	}
	return p.Name()
}

func (r *Room) verdictTag(p Preview) web.Tag {
	switch {
	case p.Verdict == NotSuitable:
		return web.Tag{Words: verdictWords[p.Verdict], Tone: "red"}
	case r.old(p):
		return web.Tag{Words: "look again", Tone: "brown"}
	}
	return web.Tag{Words: verdictWords[p.Verdict], Tone: "green"}
}

// sitesPage is the register of sites looked at.
func (r *Room) sitesPage(c *web.Ctx) error {
	at, err := strconv.Atoi(c.Query("page"))
	if err != nil || at < 1 || at > mostExported {
		at = 1
	}
	q := c.Query("q")
	if len(q) > 200 {
		q = ""
	}
	f := previewFilter{Words: q, Verdict: Verdict(c.Query("found")), Limit: perPage, Offset: (at - 1) * perPage}
	list, total, err := findPreviews(c.Context(), r.d.DB, f)
	if err != nil {
		return err
	}
	found := web.Field{Kind: web.SelectField, Name: "found", Label: "Found", Options: []web.Option{{Label: "Anything"}}}
	for _, v := range []Verdict{Suitable, WithCare, NotSuitable} {
		found.Options = append(found.Options, web.Option{Value: string(v), Label: verdictWords[v], Chosen: f.Verdict == v})
	}
	v := listView{
		Base: web.Base{
			Title: "Sites looked at", Wide: true, Crumbs: []web.Crumb{{Title: "My class", Path: pathHome}},
			Lead:    "Which sites a member of staff looked at before they are used with pupils, when, and what they found.",
			Exports: []web.Download{{Title: "Take a copy", Path: pathSites + ".csv", Kind: "CSV"}},
		},
		Links:  []web.Link{{Title: "Write down a site", Path: pathSites + "/look"}},
		Filter: web.Filter{Path: pathSites, Button: "Find", Matches: words.Count(total, "site", "sites"), Fields: []web.Field{{Kind: web.SearchField, Name: "q", Label: "Site", Value: q, Max: 200, Optional: true}, found}},
		Table: web.Table{
			Caption: "Sites looked at", Columns: []web.Column{{Title: "Site"}, {Title: "Found"}, {Title: "For"}, {Title: "Looked at"}, {Title: "By"}, {Title: "Note"}},
			Empty: web.Empty{Title: "No site stands here", Words: "Look at a site as the pupils will see it, and write it down here."},
		},
		Pager: pager(pathSites, url.Values{"q": {q}, "found": {string(f.Verdict)}}, at, total),
	}
	for _, p := range list {
		v.Table.Rows = append(v.Table.Rows, web.Row{Link: sitePath(p.Host), Cells: []web.Cell{
			{Text: p.Host}, {Tag: r.verdictTag(p)}, {Text: p.years()}, {When: c.Near(p.LookedAt)}, {Text: r.name(c.Context(), p.LookedBy)}, {Text: p.Note},
		}})
	}
	return listTemplate.Render(c, v)
}

func sitePath(host string) string { return pathSites + "/one?" + url.Values{"host": {host}}.Encode() }

func pager(path string, q url.Values, at, total int) web.Pager {
	link := func(n int) string {
		q.Set("page", strconv.Itoa(n))
		return path + "?" + q.Encode()
	}
	var out web.Pager
	last := min(at*perPage, total)
	if total > perPage {
		out.Words = fmt.Sprintf("%s to %s of %s", words.Number((at-1)*perPage+1), words.Number(last), words.Number(total))
	}
	if at > 1 {
		out.Before = link(at - 1)
	}
	if last < total {
		out.After = link(at + 1)
	}
	return out
}

func (r *Room) sitesCSV(c *web.Ctx) error {
	list, _, err := findPreviews(c.Context(), r.d.DB, previewFilter{Limit: mostExported})
	if err != nil {
		return err
	}
	names := map[people.ID]string{}
	rows := [][]string{{"site", "found", "for", "looked at", "by", "note"}}
	for _, p := range list {
		if _, known := names[p.LookedBy]; !known {
			names[p.LookedBy] = r.name(c.Context(), p.LookedBy)
		}
		rows = append(rows, []string{p.Host, verdictWords[p.Verdict], p.years(), p.LookedAt.UTC().Format("2006-01-02T15:04:05Z"), names[p.LookedBy], p.Note})
	}
	return sendCSV(c, "sites-looked-at.csv", rows)
}

func sendCSV(c *web.Ctx, name string, rows [][]string) error {
	var out bytes.Buffer
	w, err := csvio.NewWriter(&out)
	if err != nil {
		return fmt.Errorf("writing the copy: %w", err)
	}
	for _, row := range rows {
		if err := w.Row(row...); err != nil {
			return fmt.Errorf("writing the copy: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("writing the copy: %w", err)
	}
	return c.Send(name, "text/csv; charset=utf-8", &out)
}

// sitePage is all looks at one site.
func (r *Room) sitePage(c *web.Ctx) error {
	host, err := r.d.Site(c.Query("host"))
	if err != nil {
		return store.ErrNotFound
	}
	list, err := looksAt(c.Context(), r.d.DB, host)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return store.ErrNotFound
	}
	v := listView{
		Base:  web.Base{Title: host, Wide: true, Crumbs: []web.Crumb{{Title: "My class", Path: pathHome}, {Title: "Sites looked at", Path: pathSites}}},
		Links: []web.Link{{Title: "Look again", Path: pathSites + "/look?" + url.Values{"host": {host}}.Encode()}},
		Table: web.Table{Caption: "Looks at " + host, Columns: []web.Column{{Title: "Looked at"}, {Title: "Found"}, {Title: "For"}, {Title: "By"}, {Title: "Note"}}},
	}
	if why, err := r.d.Closed(c.Context(), host, list[0].FromYear.Stage()); err == nil && why != "" {
		v.Note = web.Panel{Tone: "warn", Title: "Pupils cannot open it", Words: why + " A look does not open it: ask for it for a lesson."}
	}
	for i, p := range list {
		v.Table.Rows = append(v.Table.Rows, web.Row{Faint: i > 0, Cells: []web.Cell{
			{When: c.Near(p.LookedAt)}, {Tag: r.verdictTag(p)}, {Text: p.years()}, {Text: r.name(c.Context(), p.LookedBy)}, {Text: p.Note},
		}})
	}
	return listTemplate.Render(c, v)
}

func lookView() formView {
	years := func(first string) []web.Option {
		out := []web.Option{{Label: first}}
		for _, y := range people.Years {
			out = append(out, web.Option{Value: string(y), Label: y.Words()})
		}
		return out
	}
	found := web.Field{Kind: web.RadiosField, Name: "verdict", Label: "What did you find?"}
	for _, v := range []Verdict{Suitable, WithCare, NotSuitable} {
		w := verdictWords[v]
		found.Options = append(found.Options, web.Option{Value: string(v), Label: strings.ToUpper(w[:1]) + w[1:]})
	}
	return formView{
		Base: web.Base{
			Title: "Write down a site", Crumbs: []web.Crumb{{Title: "My class", Path: pathHome}, {Title: "Sites looked at", Path: pathSites}},
			Lead: "Look at it as a pupil would: the first page, what it links to, advertisements, comments and chat.",
		},
		Path: pathSites + "/look", Button: "Write it down", Cancel: pathSites,
		Fields: []web.Field{
			{Name: "host", Label: "Site", Max: 300, Hint: "Such as example.org"},
			found,
			{Kind: web.SelectField, Name: "from_year", Label: "From", Optional: true, Options: years("The youngest")},
			{Kind: web.SelectField, Name: "to_year", Label: "To", Optional: true, Options: years("The oldest")},
			{Kind: web.LongField, Name: "note", Label: "Note", Optional: true, Rows: 2, Max: mostNote},
		},
	}
}

func (r *Room) lookForm(c *web.Ctx) error {
	v := lookView()
	if h := c.Query("host"); len(h) <= 300 {
		v.Fields[0].Value = h
	}
	return formTemplate.Render(c, v)
}

func (r *Room) looked(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	p, err := r.Preview(c.Context(), Preview{
		Host: form.Get("host"), Verdict: Verdict(form.Get("verdict")), FromYear: people.Year(form.Get("from_year")), ToYear: people.Year(form.Get("to_year")), Note: form.Get("note"),
	})
	if bad, ok := web.Wrong(err); ok {
		return lookView().again(c, form, bad)
	}
	if err != nil {
		return err
	}
	c.Notice("Written down.")
	return c.Redirect(sitePath(p.Host))
}
