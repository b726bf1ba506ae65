package filtering

import (
	"errors"
	"slices"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
)

// beforeRoutes are the pages on which somebody goes back to a list as it was.
func (r *Room) beforeRoutes() []web.Route {
	return []web.Route{
		{Pattern: "GET " + pathLists + "/{id}/before", Needs: MayChange, Do: r.beforeOne},
		{Pattern: "POST " + pathLists + "/{id}/before", Needs: MayChange, Do: r.beforeTake},
	}
}

func beforePath(id string) string { return pathLists + "/" + id + "/before" }

// backLink leads to the page, where there is a version to go back to.
func (r *Room) backLink(c *web.Ctx, id string) (web.Link, error) {
	_, undone, err := r.ListBefore(c.Context(), id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return web.Link{}, nil
	case err != nil:
		return web.Link{}, err
	case undone:
		return web.Link{Title: "Take up again what somebody went back from", Path: beforePath(id)}, nil
	}
	return web.Link{Title: "Go back to the list as it was before", Path: beforePath(id)}, nil
}

func (r *Room) beforeOne(c *web.Ctx) error {
	id := c.Param("id")
	was, undone, err := r.ListBefore(c.Context(), id)
	if err != nil {
		return err
	}
	is, err := r.Show(c.Context(), id)
	if err != nil {
		return err
	}
	v := oneView{Base: web.Base{
		Title: "Go back to " + is.Title + " as it was", Lead: "The list that was in force before the present one.",
		Crumbs: slices.Concat(home, []web.Crumb{{Title: "Lists", Path: pathLists}, {Title: is.Title, Path: pathLists + "/" + id}}),
	}}
	stays, button := "What is fetched after that is taken up as ever; the present one only if its publisher changes it.", "Go back to it"
	if undone {
		v.Title, v.Lead, button = "Take up "+is.Title+" again", "The list that somebody went back from.", "Take it up again"
		stays = "What is fetched after that is taken up as ever."
	}
	v.Summary.Rows = []web.SummaryRow{
		{Key: "In force", Text: words.Count(int(is.Names), "name", "names"), Lines: []string{"of " + c.Words.Moment(*is.Dated)}},
		{Key: "It would be", Text: words.Count(int(was.Names), "name", "names"), Lines: []string{"of " + c.Words.Moment(was.fresh())}},
	}
	v.Confirm = web.Confirm{
		What: "The filter uses that list instead. " + stays, Whom: "Everybody.", When: "At once.", Undo: "You can come back here and take the present one up again.",
		Fields: []web.Field{{Name: "reason", Label: "Why", Max: maxReason}}, Action: web.Action{Path: beforePath(id), Title: button, Grave: true},
		Cancel: web.Link{Title: "Cancel", Path: pathLists + "/" + id},
	}
	return oneTemplate.Render(c, v)
}

func (r *Room) beforeTake(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	id := c.Param("id")
	return done(c, r.BackToList(c.Context(), id, form.Get("reason")), "In force.", pathLists+"/"+id, beforePath(id))
}
