package filtering

import (
	"bytes"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"belisha/internal/kit/csvio"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
)

// listList is the lists behind the filter.
func (r *Room) listList(c *web.Ctx) error {
	all, err := r.Status(c.Context())
	if err != nil {
		return err
	}
	v := listView{
		Base:  web.Base{Title: "Lists", Lead: "Where the filter knows sites from.", Wide: true, Crumbs: home},
		Table: web.Table{Caption: "Lists", Columns: []web.Column{{Title: "List"}, {Title: "Names", Numeric: true}, {Title: "Categories", Numeric: true}, {Title: "Dated"}, {Title: "State"}}},
		Add:   web.Link{Title: "Lists from the web", Path: pathSupplies},
		After: []string{"Lists are fetched from the web every day where a filter manager says so, or brought in from a file, here or at the machine itself: belisha lists import PATH. UT1 and squidGuard folders, e2guardian's lists, hosts files, plain and wildcard lists, adblock rules, Pi-hole's expressions, settings of dnsmasq, Unbound and BIND, response policy zones, Surge and Clash rules, tables and JSON are read, also packed. A list that is damaged, or that has lost too many of its names, is refused, and the last good one stays."},
	}
	may, err := r.managing(c)
	if err != nil {
		return err
	}
	if may {
		v.Other = web.Link{Title: "Bring a list in from a file", Path: pathLists + "/new"}
	}
	if len(all) == 1 {
		v.Note = web.Panel{Tone: "warn", Title: "Only the starter list", Words: "This is the " + StarterSays + ". Have category lists fetched from the web, or bring them in from a file."}
	}
	for _, s := range all {
		row := web.Row{Link: pathLists + "/" + s.Source, Faint: !s.InUse, Cells: []web.Cell{
			{Text: s.Title, Small: s.Path},
			{Text: words.Number(int(s.Names))},
			{Text: words.Number(len(s.Categories))},
			{},
			{Text: s.Says, Small: s.Problem},
		}}
		if s.Dated != nil {
			row.Cells[3].When = c.Ago(*s.Dated)
		}
		v.Table.Rows = append(v.Table.Rows, row)
	}
	says, err := r.LicensedSays(c.Context())
	if err != nil {
		return err
	}
	v.After = append(v.After, says...)
	return listTemplate.Render(c, v)
}

// listOne is one list with its categories.
func (r *Room) listOne(c *web.Ctx) error {
	s, err := r.Show(c.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	v := listView{
		Base:  web.Base{Title: s.Title, Lead: titleOf(s.Says) + ".", Wide: true, Crumbs: slices.Concat(home, []web.Crumb{{Title: "Lists", Path: pathLists}})},
		Table: web.Table{Caption: "Categories of the list", Columns: []web.Column{{Title: "Category"}, {Title: "As the list calls it"}, {Title: "Names", Numeric: true}}},
	}
	if s.Source != starterID {
		v.Add = web.Link{Title: "How it was read", Path: pathLists + "/" + s.Source + "/report"}
	}
	if s.Problem != "" {
		v.Note = web.Panel{Tone: "warn", Title: "The latest one was refused", Words: titleOf(s.Problem) + ". The last good list stays in force."}
	}
	for _, k := range s.Categories {
		cell := web.Cell{Text: k.Slug}
		if k.Neutral {
			cell.Small = "Nothing is closed because it is in this category."
		}
		v.Table.Rows = append(v.Table.Rows, web.Row{Cells: []web.Cell{cell, {Text: k.From}, {Text: words.Number(int(k.Names))}}})
	}
	may, err := r.managing(c)
	if err != nil {
		return err
	}
	if may {
		if v.Other, err = r.backLink(c, s.Source); err != nil {
			return err
		}
	}
	if may && s.Source != starterID {
		v.ConfirmTitle, v.Confirm = "Take it out of use", ending("Sites that only this list names are then open or closed as sites on no list are.", pathLists+"/"+s.Source)
		v.Confirm.Undo = "It can be taken into use again here."
		v.Confirm.Action.Title, v.Confirm.Action.Hidden = "Take it out of use", []web.Hidden{{Name: "use", Value: "no"}}
		if !s.InUse {
			v.ConfirmTitle, v.Confirm.What, v.Confirm.Undo = "Take it into use", "The filter uses this list from now on.", "It can be taken out of use again here."
			v.Confirm.Action = web.Action{Path: pathLists + "/" + s.Source, Title: "Take it into use", Hidden: []web.Hidden{{Name: "use", Value: "yes"}}}
		}
	}
	return listTemplate.Render(c, v)
}

func (r *Room) listSwitch(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	to := pathLists + "/" + c.Param("id")
	return done(c, r.SwitchList(c.Context(), c.Param("id"), form.Get("use") == "yes", form.Get("reason")), "In force.", to, to)
}

// mustList is what must always be closed or open.
func (r *Room) mustList(c *web.Ctx) error {
	list, err := liveMusts(c.Context(), r.d.DB)
	if err != nil {
		return fmt.Errorf("reading the must list: %w", err)
	}
	may, err := r.managing(c)
	if err != nil {
		return err
	}
	v := listView{
		Base: web.Base{Title: "What must always be closed or open", Lead: "Asked before any change comes into force, at every time of the week. A change that would break a line is refused.", Wide: true, Crumbs: home},
		Table: web.Table{
			Caption: "Must list", Columns: []web.Column{{Title: "Address"}, {Title: "Must be"}, {Title: "For"}, {Title: "Why"}},
			Empty: web.Empty{Title: "The school has added nothing yet", Words: "Help services, the school's own pages and what nobody may open are always asked."},
		},
	}
	if may {
		v.Add = web.Link{Title: "Add a line", Path: pathMusts + "/new"}
	}
	for _, m := range list {
		group := "everybody"
		if m.Group != "" {
			group = groupTitle[m.Group]
		}
		v.Table.Rows = append(v.Table.Rows, web.Row{Link: pathMusts + "/" + m.ID, Cells: []web.Cell{{Text: m.URL}, {Tag: actTag(m.Act)}, {Text: group}, {Text: m.Reason}}})
	}
	return listTemplate.Render(c, v)
}

func mustForm() formView {
	return formView{
		Base: web.Base{
			Title: "Add to what must always hold", Lead: "It must hold now: add an own entry first if it does not.",
			Crumbs: slices.Concat(home, []web.Crumb{{Title: "Must list", Path: pathMusts}}),
		},
		Path: pathMusts, Button: "Add it", Cancel: pathMusts,
		Fields: []web.Field{
			{Name: "url", Label: "Address", Max: maxEntry},
			{Kind: web.RadiosField, Name: "act", Label: "It must be", Inline: true, Options: []web.Option{{Value: "block", Label: "closed"}, {Value: "allow", Label: "open"}}},
			{Kind: web.SelectField, Name: "group", Label: "For", Options: groupOptions("everybody")},
			{Kind: web.LongField, Name: "reason", Label: "Why", Rows: 2, Max: maxReason},
		},
	}
}

func (r *Room) mustNew(c *web.Ctx) error { return formTemplate.Render(c, mustForm()) }

func (r *Room) mustAdd(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	m := Must{URL: form.Get("url"), Group: form.Get("group"), Reason: form.Get("reason")}
	if m.Act, err = action(form.Get("act")); err != nil {
		err = store.Invalid{"act": "Choose open or closed."}
	} else {
		_, err = r.AddMust(c.Context(), m)
	}
	if bad, ok := wrong(err); ok {
		return mustForm().again(c, form, bad)
	}
	if err != nil {
		return err
	}
	c.Notice("Added. It is asked before every change from now on.")
	return c.Redirect(pathMusts)
}

func (r *Room) mustOne(c *web.Ctx) error {
	list, err := liveMusts(c.Context(), r.d.DB)
	if err != nil {
		return fmt.Errorf("reading the must list: %w", err)
	}
	i := slices.IndexFunc(list, func(m Must) bool { return m.ID == c.Param("id") })
	if i < 0 {
		return store.ErrNotFound
	}
	m := list[i]
	v := oneView{Base: web.Base{Title: "What must always hold", Lead: m.says() + ".", Crumbs: slices.Concat(home, []web.Crumb{{Title: "Must list", Path: pathMusts}})}}
	v.Summary.Rows = []web.SummaryRow{
		{Key: "Must be", Tags: []web.Tag{actTag(m.Act)}},
		{Key: "For", Text: whom(split(m.Group))},
		{Key: "Why", Text: m.Reason},
		{Key: "Added", When: c.Moment(m.AddedAt), Lines: []string{r.name(c.Context(), m.AddedBy)}},
	}
	may, err := r.managing(c)
	if err != nil {
		return err
	}
	if may {
		v.ConfirmTitle, v.Confirm = "End this line", ending("This address is not asked any more before a change.", pathMusts+"/"+m.ID)
		v.Confirm.Undo = "It can be added again."
	}
	return oneTemplate.Render(c, v)
}

func (r *Room) mustEnd(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	return done(c, r.EndMust(c.Context(), c.Param("id"), form.Get("reason")), "The line has ended.", pathMusts, pathMusts)
}

// changeList is the change log.
func (r *Room) changeList(c *web.Ctx) error {
	p := pageOf(c)
	total, err := countRows(c.Context(), r.d.DB, "SELECT COUNT(*) FROM filter_changes")
	if err != nil {
		return fmt.Errorf("counting the changes: %w", err)
	}
	list, err := listChanges(c.Context(), r.d.DB, p.size, p.offset())
	if err != nil {
		return fmt.Errorf("reading the change log: %w", err)
	}
	v := listView{
		Base: web.Base{
			Title: "Change log", Lead: "Every change of the filter: what, before and after, why, by whom. Nothing is ever taken out.", Wide: true, Crumbs: home,
			Exports: []web.Download{{Title: "Take a copy", Path: "/filter/changes.csv", Kind: "CSV"}},
		},
		Table: web.Table{
			Caption: "Changes", Columns: []web.Column{{Title: "When"}, {Title: "What"}, {Title: "Before"}, {Title: "After"}, {Title: "Why"}, {Title: "Version", Numeric: true}},
			Empty: web.Empty{Title: "Nothing has changed yet"},
		},
		Pager: p.pager(pathChanges, total, url.Values{}, "changes"),
	}
	for _, x := range list {
		row := web.Row{Cells: []web.Cell{{When: c.Near(x.At)}, {Text: x.What, Small: "by " + r.name(c.Context(), x.Actor)}, {Text: breakable(x.Was)}, {Text: breakable(x.Becomes)}, {Text: breakable(x.Reason)}, {}}}
		if x.Version > 0 {
			n := strconv.FormatInt(x.Version, 10)
			row.Cells[5] = web.Cell{Text: n, Link: pathVersions + "/" + n}
		}
		v.Table.Rows = append(v.Table.Rows, row)
	}
	return listTemplate.Render(c, v)
}

// mostExported bounds the copy of the change log.
const mostExported = 100_000

func (r *Room) changeCSV(c *web.Ctx) error {
	list, err := listChanges(c.Context(), r.d.DB, mostExported, 0)
	if err != nil {
		return fmt.Errorf("reading the change log: %w", err)
	}
	var out bytes.Buffer
	w, err := csvio.NewWriter(&out)
	if err != nil {
		return fmt.Errorf("writing the copy: %w", err)
	}
	if err := w.Row("when", "what", "before", "after", "why", "by", "version"); err != nil {
		return fmt.Errorf("writing the copy: %w", err)
	}
	for _, x := range list {
		if err := w.Row(x.At.UTC().Format("2006-01-02T15:04:05Z"), x.What, x.Was, x.Becomes, x.Reason, r.name(c.Context(), x.Actor), strconv.FormatInt(x.Version, 10)); err != nil {
			return fmt.Errorf("writing the copy: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("writing the copy: %w", err)
	}
	return c.Send("filter-changes.csv", "text/csv; charset=utf-8", &out)
}

// versionList is every set of rules that was in force.
func (r *Room) versionList(c *web.Ctx) error {
	p := pageOf(c)
	latest, err := latestNumber(c.Context(), r.d.DB)
	if err != nil {
		return fmt.Errorf("counting the versions: %w", err)
	}
	list, err := listVersions(c.Context(), r.d.DB, p.size, p.offset())
	if err != nil {
		return fmt.Errorf("reading the versions: %w", err)
	}
	v := listView{
		Base: web.Base{Title: "Versions", Lead: "Every set of rules that was in force. You can go back to what filter managers had decided; what the policy decides stays.", Wide: true, Crumbs: home},
		Table: web.Table{
			Caption: "Versions", Columns: []web.Column{{Title: "Version"}, {Title: "Made"}, {Title: "What changed"}, {Title: "By"}},
			Empty: web.Empty{Title: "There are no rules yet"},
		},
		Pager: p.pager(pathVersions, int(latest), url.Values{}, "versions"),
	}
	for _, x := range list {
		cell := web.Cell{Text: strconv.FormatInt(x.Number, 10)}
		if x.Number == latest {
			cell.Tag = web.Tag{Words: "in force", Tone: "green"}
		}
		v.Table.Rows = append(v.Table.Rows, web.Row{Link: pathVersions + "/" + cell.Text, Cells: []web.Cell{cell, {When: c.Near(x.MadeAt)}, {Text: breakable(x.Summary), Small: breakable(x.Reason)}, {Text: r.name(c.Context(), x.MadeBy)}}})
	}
	return listTemplate.Render(c, v)
}

func (r *Room) versionOf(c *web.Ctx) (Version, error) {
	n, err := strconv.ParseInt(c.Param("number"), 10, 64)
	if err != nil {
		return Version{}, store.ErrNotFound
	}
	return versionByNumber(c.Context(), r.d.DB, n)
}

func (r *Room) versionOne(c *web.Ctx) error {
	x, err := r.versionOf(c)
	if err != nil {
		return err
	}
	latest, err := latestNumber(c.Context(), r.d.DB)
	if err != nil {
		return fmt.Errorf("counting the versions: %w", err)
	}
	may, err := r.managing(c)
	if err != nil {
		return err
	}
	v := oneView{Base: web.Base{Title: fmt.Sprintf("Version %d", x.Number), Crumbs: slices.Concat(home, []web.Crumb{{Title: "Versions", Path: pathVersions}})}}
	v.Summary.Rows = []web.SummaryRow{
		{Key: "Made", When: c.Moment(x.MadeAt), Lines: []string{r.name(c.Context(), x.MadeBy)}},
		{Key: "What changed", Text: breakable(x.Summary)},
		{Key: "Why", Text: orNone(x.Reason)},
		{Key: "Lists", Text: segmentsText(x.Segments)},
		{Key: "Fingerprint", Text: x.RulesHash[:min(16, len(x.RulesHash))]},
	}
	if may && x.Number != latest {
		v.ConfirmTitle = "Go back"
		v.Confirm = web.Confirm{
			What: fmt.Sprintf("Own entries and decisions about categories become what they were in version %d.", x.Number),
			Whom: "What the policy decides, the lists, the must list and the devices stay as they are now.", When: "At once, as a new version.",
			Undo:   "You can go back to today's version in the same way.",
			Fields: []web.Field{{Name: "reason", Label: "Why", Max: maxReason}},
			Action: web.Action{Path: pathVersions + "/" + strconv.FormatInt(x.Number, 10), Title: "Go back", Grave: true}, Cancel: web.Link{Title: "Cancel", Path: pathVersions},
		}
	}
	return oneTemplate.Render(c, v)
}

func (r *Room) versionBack(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	x, err := r.versionOf(c)
	if err != nil {
		return err
	}
	return done(c, r.RollBack(c.Context(), x.Number, form.Get("reason")), fmt.Sprintf("Back to what was decided in version %d.", x.Number),
		pathVersions, pathVersions+"/"+strconv.FormatInt(x.Number, 10))
}

// breakable lets long addresses break over lines on a phone.
func breakable(s string) string {
	const long = 24
	f := strings.Split(s, " ")
	for i, w := range f {
		if len(w) > long {
			f[i] = strings.NewReplacer("/", "/\u200b", ".", ".\u200b", "-", "-\u200b").Replace(w)
		}
	}
	return strings.Join(f, " ")
}

// lines are the lines of a text area.
func lines(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' || r == ',' || r == ' ' })
}
