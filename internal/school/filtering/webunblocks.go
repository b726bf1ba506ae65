package filtering

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"belisha/internal/kit/web"
)

type decideView struct {
	web.Base
	Note     web.Panel
	Summary  web.Summary
	Grant    web.Confirm
	Refuse   web.Confirm
	End      web.Confirm
	Decides  bool
	Ends     bool
	Explains web.Link
}

var decideTemplate = web.NewPage[decideView](pages, "pages/decide.html")

// unblockList is everything that was asked for lessons.
func (r *Room) unblockList(c *web.Ctx) error {
	p := pageOf(c)
	f := unblockFilter{State: UnblockState(c.Query("state")), Words: strings.ToLower(c.Query("find")), page: p}
	if !slices.Contains([]UnblockState{UnblockAsked, UnblockGranted, UnblockRefused, UnblockWithdrawn, UnblockLapsed, UnblockEnded}, f.State) {
		f.State = ""
	}
	list, total, err := findUnblocks(c.Context(), r.d.DB, f)
	if err != nil {
		return fmt.Errorf("reading what was asked for lessons: %w", err)
	}
	state := web.Field{Kind: web.SelectField, Name: "state", Label: "State", Optional: true, Options: []web.Option{
		{Value: "", Label: "all"},
		{Value: string(UnblockAsked), Label: "waits"},
		{Value: string(UnblockGranted), Label: "granted"},
		{Value: string(UnblockEnded), Label: "closed again"},
		{Value: string(UnblockRefused), Label: "refused"},
		{Value: string(UnblockWithdrawn), Label: "taken back"},
		{Value: string(UnblockLapsed), Label: "not decided in time"},
	}}
	return listTemplate.Render(c, listView{
		Base: web.Base{Title: "Sites opened for lessons", Lead: "Asked by a teacher for a class, a purpose and a time; decided by a filter manager; closed by themselves.", Wide: true, Crumbs: home},
		Filter: web.Filter{
			Path: pathUnblocks, Button: "Find", Matches: fmt.Sprintf("%d sites", total),
			Fields: []web.Field{state.Choose(string(f.State)), {Kind: web.SearchField, Name: "find", Label: "Part of an address", Value: f.Words, Optional: true, Max: 200}},
		},
		Table: r.unblockTable(c, list, pathUnblocks, true),
		Pager: p.pager(pathUnblocks, total, url.Values{"state": {string(f.State)}, "find": {f.Words}}, "sites"),
	})
}

// unblockOne is one, with the buttons that decide about it.
func (r *Room) unblockOne(c *web.Ctx) error {
	u, err := r.Unblock(c.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	page := pathUnblocks + "/" + u.ID
	v := decideView{
		Base:     web.Base{Title: "Site for a lesson", Lead: strings.Join(u.Hosts, ", "), Crumbs: slices.Concat(home, []web.Crumb{{Title: "Sites opened for lessons", Path: pathUnblocks}})},
		Summary:  r.unblockSummary(c, u),
		Explains: web.Link{Title: "Why it is closed now", Path: pathTry + "?" + url.Values{"url": {u.Hosts[0]}, "group": {GroupPupils}}.Encode()},
	}
	live := u.Until.After(r.now())
	if u.State == UnblockAsked && live {
		why, err := r.mayDecide(c.Context(), c.Actor, u.AskedBy)
		if err != nil {
			return err
		}
		v.Decides = why == ""
		if why != "" && c.May(MayUnblock) {
			v.Note = web.Panel{Tone: "note", Title: "Not yours to decide", Words: why}
		}
		v.Grant = web.Confirm{
			What: strings.Join(u.Hosts, ", ") + " opens for " + forWords(u.For) + ".", Whom: "Nobody else, and no other site.",
			List: []string{"Asked by " + r.name(c.Context(), "person:"+string(u.AskedBy)), "What for: " + u.Purpose},
			When: "Within a second, until " + c.Words.Clock(u.Until) + "; then it closes by itself.", Undo: "It can be closed before that.",
			Action: web.Action{Path: page + "/grant", Title: "Open it"},
		}
		v.Refuse = web.Confirm{
			What: "It stays closed, and whoever asked reads why.", When: "At once.", Fields: []web.Field{{Name: "reason", Label: "Why not", Max: mostPurpose}},
			Action: web.Action{Path: page + "/refuse", Title: "Refuse it", Quiet: true},
		}
	}
	if u.State == UnblockGranted && live && c.May(MayUnblock) {
		v.Ends = true
		v.End = web.Confirm{
			What: strings.Join(u.Hosts, ", ") + " is closed again for " + forWords(u.For) + ".", When: "At once.",
			Action: web.Action{Path: page + "/end", Title: "Close it now", Grave: true},
		}
	}
	return decideTemplate.Render(c, v)
}

func (r *Room) unblockGrant(c *web.Ctx) error {
	page := pathUnblocks + "/" + c.Param("id")
	return done(c, r.GrantUnblock(c.Context(), c.Param("id")), "Open until its end.", page, page)
}

func (r *Room) unblockRefuse(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	page := pathUnblocks + "/" + c.Param("id")
	return done(c, r.RefuseUnblock(c.Context(), c.Param("id"), form.Get("reason")), "Refused. Whoever asked reads why.", page, page)
}

func (r *Room) unblockEnd(c *web.Ctx) error {
	page := pathUnblocks + "/" + c.Param("id")
	return done(c, r.EndUnblock(c.Context(), c.Param("id")), "Closed.", page, page)
}
