package monitoring

import (
	"time"

	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

// grantsView lists the contractors' grants and lets one be given.
func (r *Room) grantsView(c *web.Ctx) (sheetView, error) {
	v := sheetView{Base: web.Base{
		Title: "Contractors' sight of web activity",
		Lead:  "A contractor sees devices and sites, for a purpose and a time; names only where you say so. It ends by itself. What they looked at stands on the page of the grant.",
	}}
	if err := r.mayGrant(c.Context(), c.Actor); err != nil {
		return v, err
	}
	counted, err := r.countedOnly(c)
	if err != nil {
		return v, err
	}
	v.Panels = []web.Panel{counted}
	all, err := r.grantsSince(c.Context(), c.Now().Add(-followedBack))
	if err != nil {
		return v, err
	}
	t := web.Table{
		Caption: "Grants", Columns: []web.Column{{Title: "Contractor"}, {Title: "For"}, {Title: "Until"}, {Title: "State"}},
		Empty: web.Empty{Title: "No contractor was given sight of the record", Words: "Give it here when one has to find a fault."},
	}
	for _, g := range all {
		name, err := r.display(c.Context(), g.Person)
		if err != nil {
			return v, err
		}
		by, err := r.actorName(c, g.By)
		if err != nil {
			return v, err
		}
		t.Rows = append(t.Rows, web.Row{Link: pathGrants + "/" + g.ID, Faint: !g.RunsAt(c.Now()), Cells: []web.Cell{
			{Text: name, Small: "by " + by},
			{Text: sentence(titleOf(purposes, g.Purpose)), Small: namesWords(g.Names)},
			{When: c.Near(g.EndsAt())},
			{Tag: grantTag(g, c.Now())},
		}})
	}
	v.Tables = []web.Table{t}
	form, err := r.grantForm(c)
	v.Forms = []sheetForm{form}
	return v, err
}

func namesWords(names bool) string {
	if names {
		return "with names"
	}
	return "devices and sites only"
}

func grantTag(g Grant, now time.Time) web.Tag {
	switch {
	case g.RunsAt(now):
		return web.Tag{Words: "may look", Tone: "green"}
	case g.Ended.IsZero() && now.Before(g.From):
		return web.Tag{Words: "not yet"}
	default:
		return web.Tag{Words: "ended"}
	}
}

func (r *Room) grantForm(c *web.Ctx) (sheetForm, error) {
	list, _, err := r.d.Roll.List(c.Context(), people.Filter{Kind: people.Contractor, Limit: 500})
	who := web.Field{Kind: web.SelectField, Name: "person", Label: "Contractor", Options: []web.Option{{Label: "Choose"}}}
	for _, p := range list {
		who.Options = append(who.Options, web.Option{Value: string(p.ID), Label: p.Name()})
	}
	longest := r.values().Duration(keyGrantMax)
	return sheetForm{
		Title: "Let a contractor look", Path: pathGrants, Button: "Give sight until then",
		Fields: []web.Field{
			who, r.purposeField(),
			{Kind: web.LongField, Name: "why", Label: "What the contractor has to do", Rows: 2, Max: maxReason},
			{Kind: web.MomentField, Name: "until", Label: "Until", Hint: "At most " + words.Length(longest) + " from now. It ends by itself.", Value: c.Now().Add(min(longest, 4*time.Hour)).In(c.Words.Zone()).Format("2006-01-02T15:04")},
			{Kind: web.CheckField, Name: "names", Label: "Show names as well", Hint: "Only where a fault cannot be found without."},
		},
	}, err
}

func (r *Room) giveGrant(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	until, _ := time.ParseInLocation("2006-01-02T15:04", form.Get("until"), c.Words.Zone()) // what is no moment has no end, and is refused
	_, err = r.GrantSight(c.Context(), Grant{
		Person: people.ID(form.Get("person")), Purpose: form.Get("purpose"), Why: form.Get("why"), Names: form.Get("names") == "yes", Until: until,
	})
	return r.done(c, err, r.grantsView, 0, pathGrants, "The contractor may look until then.")
}

// grantView is one grant with everything that was looked at under it.
func (r *Room) grantView(c *web.Ctx) (sheetView, error) {
	v := sheetView{Base: web.Base{Title: "A contractor's sight", Crumbs: []web.Crumb{{Title: "Contractors", Path: pathGrants}}}}
	if err := r.mayGrant(c.Context(), c.Actor); err != nil {
		return v, err
	}
	g, err := r.grant(c.Context(), c.Param("id"))
	if err != nil {
		return v, err
	}
	name, err := r.display(c.Context(), g.Person)
	if err != nil {
		return v, err
	}
	by, err := r.actorName(c, g.By)
	if err != nil {
		return v, err
	}
	v.Summary.Rows = []web.SummaryRow{
		{Key: "Contractor", Text: name},
		{Key: "For", Text: sentence(titleOf(purposes, g.Purpose)), Lines: []string{g.Why}},
		{Key: "Sees", Text: namesWords(g.Names)},
		{Key: "From", When: c.Moment(g.From)},
		{Key: "Until", When: c.Moment(g.EndsAt())},
		{Key: "Given by", Text: by, When: c.Moment(g.At)},
		{Key: "State", Tags: []web.Tag{grantTag(g, c.Now())}},
	}
	t, err := r.lookedAt(c, g)
	if err != nil {
		return v, err
	}
	v.Tables = []web.Table{t}
	if c.Now().Before(g.EndsAt()) {
		v.Forms = []sheetForm{{Title: "End it now", Lead: "The contractor sees nothing more, at once.", Path: pathGrants + "/" + g.ID + "/end", Button: "End it", Quiet: true}}
	}
	return v, nil
}

// lookedAt lists what a contractor looked at, with what was asked.
func (r *Room) lookedAt(c *web.Ctx, g Grant) (web.Table, error) {
	t := web.Table{
		Caption: "What was looked at", ShowCaption: true, Columns: []web.Column{{Title: "When"}, {Title: "What was asked"}, {Title: "Rows", Numeric: true}},
		Empty: web.Empty{Title: "The contractor has not looked"},
	}
	looks, err := r.looksUnder(c.Context(), "grant:"+g.ID)
	if err != nil {
		return t, err
	}
	asked, err := r.askedUnder(c.Context(), g)
	if err != nil {
		return t, err
	}
	for _, l := range looks {
		t.Rows = append(t.Rows, web.Row{Cells: []web.Cell{{When: c.Moment(l.At)}, {Text: asked[l.ID]}, {Text: words.Number(l.Rows)}}})
	}
	return t, nil
}

func (r *Room) stopGrant(c *web.Ctx) error {
	err := r.EndSight(c.Context(), c.Param("id"))
	return r.done(c, err, r.grantView, 0, pathGrants+"/"+c.Param("id"), "Ended.")
}

type sightView struct {
	web.Base
	Counted web.Panel
	Under   string
	Filter  web.Filter
	Table   web.Table
}

var sightPage = web.NewPage[sightView](pages, "pages/sight.html")

// sightOf is what a contractor with a grant sees.
func (r *Room) sightOf(c *web.Ctx) error {
	device, host, day := c.Query("device"), c.Query("host"), dayOf(c.Query("day"))
	found, g, err := r.Sighted(c.Context(), device, host, day)
	bad, wrong := web.Wrong(err)
	if err != nil && !wrong {
		return err
	}
	v := sightView{Base: web.Base{Title: "Web activity by device", Lead: "What you look at is listed for whoever let you.", Wide: true, Marking: marking}}
	v.Under = "You may look until " + c.Words.Moment(g.EndsAt()) + ", for: " + titleOf(purposes, g.Purpose) + "."
	v.Filter = web.Filter{Path: pathSight, Button: "Show", Fields: []web.Field{
		{Name: "device", Label: "Device", Value: device, Max: 120},
		{Name: "host", Label: "Site", Value: host, Max: 253},
		{Kind: web.DayField, Name: "day", Label: "Day", Value: string(day)},
	}}
	if wrong {
		for _, why := range bad {
			v.Errors.List = append(v.Errors.List, web.Mistake{Words: sentence(why)})
		}
	}
	v.Table = rowsTable(c, found.Rows, g.Names)
	if v.Counted, err = r.countedOnly(c); err != nil {
		return err
	}
	return sightPage.Render(c, v)
}
