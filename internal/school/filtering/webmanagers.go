package filtering

import (
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

// managers is who may change the filter.
func (r *Room) managers(c *web.Ctx) error {
	h, err := r.Holders(c.Context())
	if err != nil {
		return err
	}
	offices, err := r.Candidates(c.Context())
	if err != nil {
		return err
	}
	v := listView{
		Base: web.Base{Title: "Who may change the filter", Lead: "Only people who hold the post of filter manager and whom the head has confirmed. Attempts by others are noted.", Crumbs: home},
		Table: web.Table{
			Caption: "Filter managers", Columns: []web.Column{{Title: "Name"}, {Title: "Now"}},
			Empty: web.Empty{Title: "Nobody may change the filter", Words: "Give somebody the post of filter manager, then the head confirms the list here."},
		},
	}
	seen := map[people.ID]bool{}
	var names []string
	differ := false
	for _, o := range offices {
		if seen[o.Person.ID] {
			continue
		}
		seen[o.Person.ID] = true
		names = append(names, o.Person.Name())
		tag := web.Tag{Words: "may change the filter", Tone: "green"}
		if !h.Has(o.Person.ID) {
			tag, differ = web.Tag{Words: "holds the post, not confirmed: may not", Tone: "brown"}, true
		}
		v.Table.Rows = append(v.Table.Rows, web.Row{Cells: []web.Cell{{Text: o.Person.Name()}, {Tag: tag}}})
		v.Confirm.Action.Hidden = append(v.Confirm.Action.Hidden, web.Hidden{Name: "person", Value: string(o.Person.ID)})
	}
	v.Note = r.holdersPanel(c, h, differ)
	if !c.May(MayGrant) {
		v.Confirm = web.Confirm{}
		return listTemplate.Render(c, v)
	}
	who := "nobody"
	if len(names) > 0 {
		who = words.And(names)
	}
	v.ConfirmTitle = "Confirm the list"
	v.Confirm.What = "You confirm that these people, and nobody else, may change the filter: " + who + "."
	v.Confirm.When = "At once. Confirm it again within " + length(r.d.Live.Current().Get(keyReview)) + ", or when somebody comes or goes."
	v.Confirm.Undo = "To take somebody off, end their post and confirm again."
	v.Confirm.Action.Path, v.Confirm.Action.Title = pathManagers, "Confirm the list"
	return listTemplate.Render(c, v)
}

func (r *Room) holdersPanel(c *web.Ctx, h Holders, differ bool) web.Panel {
	switch {
	case h.At.IsZero():
		return web.Panel{Tone: "warn", Title: "The head has not confirmed a list", Words: "Until then nobody may change the filter."}
	case differ:
		return web.Panel{Tone: "warn", Title: "The list and the posts differ", Words: "Only those who are on both may change the filter."}
	case r.now().Sub(h.At) > r.d.Live.Current().Duration(keyReview):
		return web.Panel{Tone: "warn", Title: "The list must be confirmed again", Words: "It was last confirmed on " + c.Words.Date(h.At) + "."}
	}
	return web.Panel{Tone: "good", Title: "Confirmed", Words: "By " + r.name(c.Context(), h.By) + " on " + c.Words.Moment(h.At) + "."}
}

func (r *Room) managersConfirm(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	var read []people.ID
	for _, id := range form["person"] {
		read = append(read, people.ID(id))
	}
	if err := r.ConfirmHolders(c.Context(), read); err != nil {
		return err
	}
	c.Notice("Confirmed: the list of filter managers is in force.")
	return c.Redirect(pathManagers)
}
