package classroom

import (
	"fmt"
	"slices"
	"strings"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/web"
	"belisha/internal/school/people"
)

func (r *Room) listsPage(c *web.Ctx) error {
	lists, err := openLists(c.Context(), r.d.DB, "")
	if err != nil {
		return err
	}
	v := listView{
		Base: web.Base{
			Title: "Lists of sites", Wide: true, Crumbs: []web.Crumb{{Title: "My class", Path: pathHome}},
			Lead: "Sites that are used together, with what the class does with them. A list for homework stands on the page of homework sites.",
		},
		Links: []web.Link{{Title: "Make a list", Path: pathLists + "/new"}},
		Table: web.Table{
			Caption: "Lists of sites", Columns: []web.Column{{Title: "List"}, {Title: "Sites"}, {Title: "For"}, {Title: "What for"}, {Title: "By"}},
			Empty: web.Empty{Title: "No list yet", Words: "A list saves typing: choose it when you keep a class on its sites."},
		},
	}
	for _, l := range lists {
		whom := "any class"
		if l.Class != "" {
			whom = "class " + l.Class
		}
		if l.Homework {
			whom += ", homework"
		}
		v.Table.Rows = append(v.Table.Rows, web.Row{Cells: []web.Cell{
			{Text: l.Title}, {Text: strings.Join(l.Hosts, ", ")}, {Text: whom}, {Text: l.Plan}, {Text: r.name(c.Context(), l.MadeBy)},
		}})
		if string(l.MadeBy) == c.Actor.Person || c.May(MayCheck) {
			v.Ends = append(v.Ends, web.Action{Path: pathLists + "/" + l.ID + "/end", Title: "Take away " + l.Title, Quiet: true})
		}
	}
	return listTemplate.Render(c, v)
}

func (r *Room) listView(c *web.Ctx) (formView, error) {
	mine, others, err := r.Classes(c.Context())
	if err != nil {
		return formView{}, err
	}
	class := web.Field{Kind: web.SelectField, Name: "class", Label: "Class", Optional: true, Options: []web.Option{{Label: "Any class"}}}
	for _, x := range slices.Concat(mine, others) {
		class.Options = append(class.Options, web.Option{Value: x, Label: "Class " + x})
	}
	v := formView{
		Base: web.Base{Title: "Make a list", Crumbs: []web.Crumb{{Title: "My class", Path: pathHome}, {Title: "Lists of sites", Path: pathLists}}},
		Path: pathLists + "/new", Button: "Keep the list", Cancel: pathLists,
		Fields: []web.Field{
			{Name: "title", Label: "Name", Max: mostName},
			{Kind: web.LongField, Name: "hosts", Label: "Sites", Rows: 4, Max: mostHosts * 260, Hint: fmt.Sprintf("One on each line, up to %d.", mostHosts)},
			{Kind: web.LongField, Name: "plan", Label: "What the class does with them", Rows: 2, Max: mostPlan, Hint: "And how it fits their age and what they are to learn."},
			class,
			{Kind: web.CheckField, Name: "homework", Label: "For homework: the class and their parents see it", Optional: true},
		},
	}
	if !r.values().Bool(keyPreviewed) {
		v.Fields = append(v.Fields, web.Field{Kind: web.CheckField, Name: "looked", Label: "I have looked at these sites myself, and they are suitable", Optional: true})
	}
	return v, nil
}

func (r *Room) listForm(c *web.Ctx) error {
	v, err := r.listView(c)
	if err != nil {
		return err
	}
	return formTemplate.Render(c, v)
}

func (r *Room) listKept(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	_, err = r.KeepList(c.Context(), SiteList{
		Title: form.Get("title"), Hosts: strings.Fields(strings.ReplaceAll(form.Get("hosts"), ",", " ")), Plan: form.Get("plan"),
		Class: form.Get("class"), Homework: form.Get("homework") == "yes",
	}, form.Get("looked") == "yes")
	if bad, ok := web.Wrong(err); ok {
		v, err := r.listView(c)
		if err != nil {
			return err
		}
		return v.again(c, form, bad)
	}
	if err != nil {
		return err
	}
	c.Notice("Kept.")
	return c.Redirect(pathLists)
}

func (r *Room) listEnd(c *web.Ctx) error {
	if err := r.EndList(c.Context(), c.Param("id")); err != nil {
		return err
	}
	c.Notice("Taken away.")
	return c.Redirect(pathLists)
}

// homework are the sites that a teacher chose for the classes of whoever asks;
// a pupil's own.
func (r *Room) homework(c *web.Ctx) error {
	v := listView{Base: web.Base{Title: "Homework sites", Lead: "Sites that your teachers have looked at. Look at them together with an adult at home: sites change."}}
	v.Table = web.Table{
		Caption: "Homework sites", Columns: []web.Column{{Title: "What"}, {Title: "Site"}},
		Empty: web.Empty{Title: "No homework sites", Words: "If you are a pupil, sign in to see those of your class."},
	}
	if c.Actor.Audience == actor.Pupil && c.Actor.Person != "" {
		p, err := r.d.People.Get(c.Context(), people.ID(c.Actor.Person))
		if err != nil {
			return err
		}
		classes, err := r.d.People.ClassesOf(c.Context(), p.ID)
		if err != nil {
			return err
		}
		lists, err := openLists(c.Context(), r.d.DB, "")
		if err != nil {
			return err
		}
		for _, l := range lists {
			if !l.Homework || l.Class != p.Class && !slices.Contains(classes, l.Class) {
				continue
			}
			for _, h := range l.Hosts {
				v.Table.Rows = append(v.Table.Rows, web.Row{Cells: []web.Cell{{Text: l.Title, Small: l.Plan}, {Text: h, Link: "https://" + h + "/"}}})
			}
		}
	}
	return listTemplate.Render(c, v)
}

// logPage is what was set, by whom, for whoever looks after it.
func (r *Room) logPage(c *web.Ctx) error {
	list, err := latestSets(c.Context(), r.d.DB, "", 200)
	if err != nil {
		return err
	}
	v := listView{
		Base: web.Base{
			Title: "What was set for classes", Wide: true, Crumbs: []web.Crumb{{Title: "My class", Path: pathHome}}, Lead: "The latest 200.",
			Exports: []web.Download{{Title: "Take a copy", Path: pathLog + ".csv", Kind: "CSV"}},
		},
		Table: web.Table{
			Caption: "What was set", Columns: []web.Column{{Title: "When"}, {Title: "What"}, {Title: "By"}, {Title: "Over"}, {Title: "Why"}},
			Empty: web.Empty{Title: "Nothing was set yet"},
		},
	}
	for _, s := range list {
		over := web.Cell{Text: "runs"}
		if !s.EndedAt.IsZero() {
			over = web.Cell{When: c.Near(s.EndedAt)}
		}
		v.Table.Rows = append(v.Table.Rows, web.Row{Faint: !s.Running(c.Now()), Cells: []web.Cell{
			{When: c.Near(s.From)}, {Text: s.says(c.Words)}, {Text: r.name(c.Context(), s.By)}, over, {Text: s.Note},
		}})
	}
	return listTemplate.Render(c, v)
}

func (r *Room) logCSV(c *web.Ctx) error {
	list, err := latestSets(c.Context(), r.d.DB, "", mostExported)
	if err != nil {
		return err
	}
	const form = "2006-01-02T15:04:05Z"
	rows := [][]string{{"from", "until", "over", "what", "class", "place", "sites", "by", "why"}}
	for _, s := range list {
		over := ""
		if !s.EndedAt.IsZero() {
			over = s.EndedAt.UTC().Format(form)
		}
		rows = append(rows, []string{s.From.UTC().Format(form), s.Until.UTC().Format(form), over, string(s.Kind), s.Class, s.Place, strings.Join(s.Hosts, " "), r.name(c.Context(), s.By), s.Note})
	}
	return sendCSV(c, "classes.csv", rows)
}
