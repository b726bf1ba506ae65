package people

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
)

type importView struct {
	web.Base
	Form   formView
	Past   web.Table
	Told   web.Panel
	Report reportView
}

var importStartPage = web.NewPage[importView](pages, "pages/import.html")

// reportView is what an import did, or would do.
type reportView struct {
	Show     bool
	Facts    web.Summary
	Refused  web.Table
	Warnings web.Table
	Joiners  web.Table
	Leavers  web.Table
	Changed  web.Table
}

func importForm() formView {
	return formView{
		Path: "/people/import", Button: "Go on",
		Fields: []web.Field{
			{Kind: web.FileField, Name: "roll", Label: "The roll", Accept: ".csv,.txt,.tsv,.zip,.xml", Hint: "A CSV export of pupils, staff or parents; an export of OneRoster or School Data Sync as a zip file; or a Common Transfer File (.xml) from another school, which adds pupils and their contacts and marks nobody as left"},
			web.Field{Kind: web.RadiosField, Name: "how", Label: "What to do", Options: []web.Option{
				{Value: "look", Label: "Only look: show what would change", Hint: "Nothing is changed."},
				{Value: "bring", Label: "Bring the roll in"},
			}}.Choose("look"),
			web.Field{Kind: web.RadiosField, Name: "whole", Label: "Is this the whole roll?", Options: []web.Option{
				{Value: "whole", Label: "Yes", Hint: "Whoever is not in it is marked as left. If that would be very many, nothing is changed and you are asked."},
				{Value: "leavers", Label: "Yes, and I have looked: many have really left"},
				{Value: "part", Label: "No, it is a part", Hint: "Nobody leaves by it."},
			}}.Choose("whole"),
		},
		Cancel: web.Link{Title: "Leave without importing", Path: "/people"},
	}
}

func (r *Room) importPage(c *web.Ctx) error {
	v, err := r.importView(c)
	if err != nil {
		return err
	}
	return importStartPage.Render(c, v)
}

func (r *Room) importView(c *web.Ctx) (importView, error) {
	v := importView{Base: web.Base{Title: "Import a roll", Crumbs: []web.Crumb{peopleCrumb}}, Form: importForm()}
	if r.demo {
		v.Told = web.Panel{Tone: "note", Title: "This is a demonstration", Words: sentence(DemoRefuses) + "."}
	}
	v.Past = web.Table{Caption: "Imports before", Columns: []web.Column{
		{Title: "When"}, {Title: "File"}, {Title: "Joined", Numeric: true}, {Title: "Left", Numeric: true}, {Title: "Changed", Numeric: true}, {Title: "Refused", Numeric: true},
	}}
	list, err := r.Imports(c.Context())
	if err != nil {
		return v, err
	}
	for _, i := range list {
		v.Past.Rows = append(v.Past.Rows, web.Row{Link: "/imports/" + i.ID, Cells: []web.Cell{
			{Text: c.Words.Near(i.At)}, {Text: i.File}, count(len(i.Result.Joiners)), count(len(i.Result.Leavers)), count(len(i.Result.Changed)), count(len(i.Result.Refused)),
		}})
	}
	return v, nil
}

func count(n int) web.Cell { return web.Cell{Text: words.Number(n)} }

func (r *Room) importRoll(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	v, err := r.importView(c)
	if err != nil {
		return err
	}
	o, err := uploaded(c)
	if errors.Is(err, web.ErrNoFile) {
		err = invalid(map[string]string{"roll": "choose the file first"})
	}
	var res Result
	if err == nil {
		whole := form.Get("whole")
		o.DryRun, o.AllowLeavers, o.Partial = form.Get("how") != "bring", whole == "leavers", whole == "part"
		res, err = r.Import(c.Context(), o)
	}
	var held Held
	bad, wrong := web.Wrong(err)
	switch {
	case wrong:
		if bad[""] != "" {
			bad = map[string]string{"roll": bad[""]}
		}
		v.Errors = web.Refill(form, shown(bad), &v.Form.Fields[0], &v.Form.Fields[1], &v.Form.Fields[2])
		return importStartPage.Status(badForm).Render(c, v)
	case errors.As(err, &held):
		web.Refill(form, nil, &v.Form.Fields[0], &v.Form.Fields[1], &v.Form.Fields[2])
		v.Told = web.Panel{Tone: "warn", Title: "Very many would leave", Words: held.Error() + "."}
		v.Report = layOut(res)
		return importStartPage.Status(badForm).Render(c, v)
	case err != nil:
		return err
	case res.DryRun:
		web.Refill(form, nil, &v.Form.Fields[0], &v.Form.Fields[1], &v.Form.Fields[2])
		v.Told = web.Panel{Tone: "note", Title: "This is what would change", Words: "Nothing has been changed. To bring the roll in, choose the same file again below."}
		if res.Held != "" {
			v.Told.List = []string{res.Held + "."}
		}
		v.Report = layOut(res)
		return importStartPage.Render(c, v)
	}
	c.Notice("The roll is in.")
	return c.Redirect("/imports/" + res.ID)
}

func uploaded(c *web.Ctx) (Options, error) {
	f, name, err := c.Upload("roll")
	if err != nil {
		return Options{}, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxZip+1))
	if err != nil {
		return Options{}, fmt.Errorf("reading the roll: %w", err)
	}
	if data == nil {
		data = []byte{}
	}
	return Options{Data: data, Name: cut(clean(name), 200)}, nil
}

func (r *Room) importedPage(c *web.Ctx) error {
	i, err := r.GetImport(c.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	v := importView{
		Base:   web.Base{Title: "Import of " + c.Words.Moment(i.At), Wide: true, Crumbs: []web.Crumb{peopleCrumb, {Title: "Import a roll", Path: "/people/import"}}},
		Report: layOut(i.Result),
	}
	v.Report.Facts.Rows = append([]web.SummaryRow{{Key: "File", Text: i.File}, {Key: "By", Text: r.who(c, i.Actor)}}, v.Report.Facts.Rows...)
	return importStartPage.Render(c, v)
}

// shownRows is how many rows of each part a report shows.
const shownRows = 500

// layOut lays out a result.
func layOut(res Result) reportView {
	v := reportView{Show: true}
	add := func(key, text string) { v.Facts.Rows = append(v.Facts.Rows, web.SummaryRow{Key: key, Text: text}) }
	add("Joined", words.Count(len(res.Joiners), "person", "people"))
	add("Left", words.Count(len(res.Leavers), "person", "people"))
	add("Changed", words.Count(len(res.Changed), "person", "people"))
	add("As before", words.Count(res.Unchanged, "person", "people"))
	add("Refused", words.Count(len(res.Refused), "row", "rows"))
	readAs := []string{formatWords(res.Format), res.Encoding}
	if res.Delimiter != "" {
		readAs = append(readAs, res.Delimiter+" between cells")
	}
	add("Read as", strings.Join(readAs, ", "))
	v.Refused = refusals("Rows that did not go in", res.Refused)
	v.Warnings = refusals("Worth a look", res.Warnings)
	v.Joiners = namesTable("Joined", res.Joiners)
	v.Leavers = namesTable("Left", res.Leavers)
	v.Changed = web.Table{Caption: "Changed", Columns: []web.Column{{Title: "Name"}, {Title: "What"}}}
	for _, ch := range res.Changed[:min(len(res.Changed), shownRows)] {
		v.Changed.Rows = append(v.Changed.Rows, web.Row{Link: "/people/" + string(ch.ID), Cells: []web.Cell{{Text: ch.Name}, {Text: strings.Join(ch.Fields, ", ")}}})
	}
	return v
}

func refusals(caption string, list []Refusal) web.Table {
	t := web.Table{Caption: caption, Columns: []web.Column{{Title: "File"}, {Title: "Line", Numeric: true}, {Title: "Column"}, {Title: "Why"}}}
	for _, x := range list[:min(len(list), shownRows)] {
		line := ""
		if x.Line > 0 {
			line = strconv.Itoa(x.Line)
		}
		t.Rows = append(t.Rows, web.Row{Cells: []web.Cell{{Text: x.File}, {Text: line}, {Text: x.Field}, {Text: sentence(x.Reason)}}})
	}
	return t
}

func namesTable(caption string, list []Named) web.Table {
	t := web.Table{Caption: caption, Columns: []web.Column{{Title: "Name"}, {Title: "Who"}, {Title: "Year"}, {Title: "Class"}}}
	for _, n := range list[:min(len(list), shownRows)] {
		link := ""
		if n.ID != "" {
			link = "/people/" + string(n.ID)
		}
		t.Rows = append(t.Rows, web.Row{Link: link, Cells: []web.Cell{{Text: n.Name}, {Text: kindWord(n.Kind)}, {Text: n.Year.Words()}, {Text: n.Class}}})
	}
	return t
}
