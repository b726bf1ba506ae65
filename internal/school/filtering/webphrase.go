package filtering

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
	"belisha/lists/phrases"
)

const pathPhrases = "/filter/phrases"

// phraseRoutes are the pages of phrase lists.
func (r *Room) phraseRoutes() []web.Route {
	return []web.Route{
		{Pattern: "GET " + pathPhrases, Needs: MayRead, Do: r.phraseLists},
		{Pattern: "GET " + pathPhrases + "/new", Needs: MayChange, Do: r.phraseNew},
		{Pattern: "POST " + pathPhrases, Needs: MayChange, Do: r.phraseAdd, Body: maxPhraseUpload + 1<<20},
		{Pattern: "GET " + pathPhrases + "/{id}", Needs: MayRead, Do: r.phraseOne},
		{Pattern: "POST " + pathPhrases + "/{id}", Needs: MayChange, Do: r.phraseSwitch},
	}
}

var phraseHome = slices.Concat(home, []web.Crumb{{Title: "Lists", Path: pathLists}, {Title: "Phrase lists", Path: pathPhrases}})

func (l PhraseList) tag() web.Tag {
	switch {
	case !l.Enabled:
		return web.Tag{Words: "not in use", Tone: "grey"}
	case l.Problem != "":
		return web.Tag{Words: "last attempt refused", Tone: "brown"}
	case len(l.Off) > 0:
		return web.Tag{Words: "in use in part", Tone: "brown"}
	}
	return web.Tag{Words: "in use", Tone: "green"}
}

func (r *Room) phraseLists(c *web.Ctx) error {
	all, err := r.PhraseLists(c.Context())
	if err != nil {
		return err
	}
	may, err := r.managing(c)
	if err != nil {
		return err
	}
	v := listView{
		Base: web.Base{Title: "Phrase lists", Lead: "What pages are weighed with, where the filter sees inside. A page whose weight is over a group's limit is closed.", Wide: true, Crumbs: phraseHome[:2]},
		Table: web.Table{
			Caption: "Phrase lists", Columns: []web.Column{{Title: "List"}, {Title: "Phrases", Numeric: true}, {Title: "Combinations", Numeric: true}, {Title: "Taken up"}, {Title: "State"}},
		},
		After: []string{"Where pages are not looked into, nothing is weighed. No list closes a page for who somebody is or what they believe."},
	}
	for _, l := range all {
		row := web.Row{Link: pathPhrases + "/" + l.ID, Cells: []web.Cell{
			{Text: l.Title, Small: breakable(l.Path)}, {Text: words.Number(int(l.Phrases))}, {Text: words.Number(int(l.Combinations))}, {Text: "with the program"}, {Tag: l.tag(), Small: l.Problem},
		}}
		if l.ID != starterID {
			row.Cells[3] = web.Cell{When: c.Ago(l.ImportedAt)}
		}
		v.Table.Rows = append(v.Table.Rows, row)
	}
	if may {
		v.Add = web.Link{Title: "Bring a phrase list in", Path: pathPhrases + "/new"}
	}
	return listTemplate.Render(c, v)
}

func (r *Room) phraseOne(c *web.Ctx) error {
	l, err := r.PhraseList(c.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	may, err := r.managing(c)
	if err != nil {
		return err
	}
	v := phraseView{Read: l.ID != starterID, Base: web.Base{Title: l.Title, Lead: "What the list counts, and how it was read.", Wide: true, Crumbs: phraseHome}}
	v.Summary.Rows = []web.SummaryRow{
		{Key: "State", Tags: []web.Tag{l.tag()}, Lines: nonEmpty(l.Problem)},
		{Key: "Phrases", Text: words.Number(int(l.Phrases))},
		{Key: "Combinations", Text: words.Number(int(l.Combinations))},
		{Key: "SHA-256", Text: breakable(l.Hash[:min(16, len(l.Hash))])},
	}
	if l.ID != starterID {
		v.Summary.Rows = append(v.Summary.Rows,
			web.SummaryRow{Key: "From", Text: breakable(l.Path)},
			web.SummaryRow{Key: "Taken up", When: c.Moment(l.ImportedAt), Lines: []string{r.name(c.Context(), l.ImportedBy)}},
			web.SummaryRow{Key: "Lines", Text: words.Number(l.Report.Lines), Lines: []string{fmt.Sprintf("%s taken up, %s there already, %s not usable",
				words.Number(l.Report.Accepted), words.Number(l.Report.Duplicates), words.Number(l.Report.Invalid))}})
	}
	v.Areas = web.Table{Caption: "Areas", Columns: []web.Column{{Title: "Area"}, {Title: "Counts", Numeric: true}, {Title: "State"}}}
	for _, a := range l.Areas {
		tag := web.Tag{Words: "in use", Tone: "green"}
		if !l.Enabled || slices.Contains(l.Off, a.Slug) {
			tag = web.Tag{Words: "not in use", Tone: "grey"}
		}
		v.Areas.Rows = append(v.Areas.Rows, web.Row{Cells: []web.Cell{{Text: a.Title}, {Text: words.Number(a.Lines)}, {Tag: tag}}})
	}
	v.Faults = phraseFaults(l)
	if may {
		v.Confirm = phraseConfirm(l)
	}
	return phraseTemplate.Render(c, v)
}

type phraseView struct {
	web.Base
	Summary web.Summary
	Areas   web.Table
	Read    bool // there is a report of how it was read
	Faults  web.Table
	Confirm web.Confirm
}

var phraseTemplate = web.NewPage[phraseView](pages, "pages/phrases.html")

// wholeList stands for all areas of a list in the form.
const wholeList = "all"

func phraseConfirm(l PhraseList) web.Confirm {
	var areas []web.Option
	if l.ID != starterID {
		areas = append(areas, web.Option{Value: wholeList, Label: "The whole list"})
	}
	for _, a := range l.Areas {
		if a.Slug != "" && (l.ID != starterID || a.Slug != phrases.Safe) {
			areas = append(areas, web.Option{Value: "area-" + a.Slug, Label: a.Title})
		}
	}
	return web.Confirm{
		What: "Pages are weighed with the area, or not any more.", Whom: "Everybody whose pages are weighed.", When: "At once.", Undo: "It can be switched again in the same way.",
		Fields: []web.Field{
			web.Field{Kind: web.SelectField, Name: "area", Label: "Which", Options: areas}.Choose(areas[0].Value),
			web.Field{Kind: web.SelectField, Name: "use", Label: "It is from now on", Options: []web.Option{{Value: "no", Label: "not in use"}, {Value: "yes", Label: "in use"}}}.Choose("no"),
			{Name: "reason", Label: "Why", Max: maxReason},
		},
		Action: web.Action{Path: pathPhrases + "/" + l.ID, Title: "Switch"}, Cancel: web.Link{Title: "Cancel", Path: pathPhrases},
	}
}

func (r *Room) phraseSwitch(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	area, ok := strings.CutPrefix(form.Get("area"), "area-")
	if form.Get("area") == wholeList {
		area = ""
	} else if !ok {
		return store.ErrNotFound
	}
	to := pathPhrases + "/" + c.Param("id")
	return done(c, r.SwitchPhrases(c.Context(), c.Param("id"), area, form.Get("use") == "yes", form.Get("reason")), "In force.", to, to)
}

func phraseForm() formView {
	return formView{
		Base: web.Base{Title: "Bring a phrase list in", Lead: "Lists in e2guardian's format: one list, or a folder of them packed as zip or tar. The same name replaces an earlier one.", Crumbs: phraseHome},
		Path: pathPhrases, Upload: true, Button: "Bring it in", Cancel: pathPhrases,
		Fields: []web.Field{
			{Name: "title", Label: "What to call the list", Max: 50},
			{Kind: web.FileField, Name: "file", Label: "The file", Hint: fmt.Sprintf("Up to %d megabytes.", maxPhraseUpload>>20)},
		},
	}
}

func (r *Room) phraseNew(c *web.Ctx) error { return formTemplate.Render(c, phraseForm()) }

func (r *Room) phraseAdd(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	var l PhraseList
	data, name, err := handedOver(c, maxPhraseUpload, "Choose the file.")
	if err == nil && strings.TrimSpace(form.Get("title")) == "" {
		err = store.Invalid{"title": "Give the list a name."}
	}
	if err == nil {
		l, err = r.ImportPhrases(c.Context(), PhraseOptions{Path: name, Name: form.Get("title"), Data: data})
	}
	if bad, ok := wrong(err); ok {
		return phraseForm().again(c, form, bad)
	}
	if err != nil {
		return err
	}
	said := fmt.Sprintf("%s in force.", words.Count(l.Report.Accepted, "line is", "lines are"))
	if l.Report.Invalid > 0 {
		said += fmt.Sprintf(" %s could not be used.", words.Count(l.Report.Invalid, "line", "lines"))
	}
	c.Notice(said)
	return c.Redirect(pathPhrases + "/" + l.ID)
}

func phraseFaults(l PhraseList) web.Table {
	t := web.Table{
		Caption: "The first lines that could not be used", Columns: []web.Column{{Title: "File"}, {Title: "Line", Numeric: true}, {Title: "What it says"}, {Title: "Why"}},
		Empty: web.Empty{Title: "Every line was understood"},
	}
	for _, f := range l.Report.Files {
		for _, x := range f.Refused {
			if len(t.Rows) == shownFaults {
				return t
			}
			t.Rows = append(t.Rows, web.Row{Cells: []web.Cell{{Text: breakable(x.File)}, {Text: strconv.Itoa(x.Line)}, {Text: breakable(x.Text)}, {Text: titleOf(x.Reason)}}})
		}
	}
	return t
}
