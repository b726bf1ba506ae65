package monitoring

import (
	"errors"
	"net/url"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

// erasureView begins with a person, shows what would go, and lets it be asked.
func (r *Room) erasureView(c *web.Ctx) (sheetView, error) {
	v := sheetView{Base: web.Base{
		Title: "Requests about a person's web activity",
		Lead:  "First you see what is held, and what would go. Then somebody else has to allow it. Removed rows stay as counts without person, device, address, pages and words.",
	}}
	if err := mayErase(c.Actor); err != nil {
		return v, err
	}
	if err := r.erasureList(c, &v); err != nil {
		return v, err
	}
	who := c.Query("person")
	if who == "" {
		who = c.Value("person")
	}
	if who == "" {
		v.Forms = []sheetForm{{Title: "Whose", Path: pathErasure + "/find", Button: "Show what is held", Fields: []web.Field{{Name: "who", Label: "Name or username", Max: 100}}}}
		return v, nil
	}
	return v, r.rehearsalPart(c, people.ID(who), &v)
}

func (r *Room) erasureList(c *web.Ctx, v *sheetView) error {
	all, err := r.erasures(c.Context(), `ORDER BY asked_at DESC, id DESC LIMIT 100`)
	if err != nil {
		return err
	}
	t := web.Table{Caption: "Requests", ShowCaption: true, Columns: []web.Column{{Title: "Asked"}, {Title: "By"}, {Title: "Rows", Numeric: true}, {Title: "State"}}, Empty: web.Empty{Title: "Nothing was asked for"}}
	for _, x := range all {
		by, err := r.actorName(c, x.AskedBy)
		if err != nil {
			return err
		}
		t.Rows = append(t.Rows, web.Row{Link: pathErasure + "/" + x.ID, Cells: []web.Cell{{When: c.Near(x.Asked)}, {Text: by}, {Text: words.Number(x.Rows)}, {Tag: erasureTag(x)}}})
	}
	v.Tables = []web.Table{t}
	return nil
}

func erasureTag(x Erasure) web.Tag {
	switch x.State {
	case ErasureDone:
		return web.Tag{Words: "removed", Tone: "green"}
	case ErasureAllowed:
		return web.Tag{Words: "allowed, being removed", Tone: "amber"}
	case ErasureRefused:
		return web.Tag{Words: "not allowed"}
	default:
		return web.Tag{Words: "waits for somebody else", Tone: "amber"}
	}
}

// rehearsalPart shows what is held about one person.
func (r *Room) rehearsalPart(c *web.Ctx, id people.ID, v *sheetView) error {
	plan, err := r.Rehearse(c.Context(), id)
	if err != nil {
		return err
	}
	name, err := r.display(c.Context(), id)
	if err != nil {
		return err
	}
	rows := words.Count(plan.Rows, "row", "rows")
	v.Summary.Rows = []web.SummaryRow{{Key: "Person", Text: name}, {Key: "Rows that would go", Text: rows}}
	if plan.Rows > 0 {
		v.Summary.Rows = append(v.Summary.Rows, web.SummaryRow{Key: "First", When: c.Moment(plan.First)}, web.SummaryRow{Key: "Last", When: c.Moment(plan.Last)})
	}
	hidden := []web.Hidden{{Name: "person", Value: string(id)}}
	why := web.Field{Kind: web.LongField, Name: "why", Label: "Who asked, and why it is granted", Rows: 2, Max: maxReason}
	if plan.Hold != nil {
		by, err := r.actorName(c, plan.Hold.By)
		if err != nil {
			return err
		}
		v.Panels = append(v.Panels, web.Panel{Tone: "warn", Title: "Kept for a legal reason", Words: plan.Hold.Why + " (since " + c.Words.Date(plan.Hold.Made) + ", by " + by + "). Nothing is removed on request until this is lifted."})
		v.Forms = []sheetForm{{Title: "Lift it", Path: pathErasure + "/lift", Hidden: hidden, Button: "Lift the legal hold", Quiet: true}}
		return nil
	}
	v.Panels = append(v.Panels, web.Panel{Tone: "note", Title: "What stays", Words: "Counts without names; what became part of a case; the journal's lines, which hold no page and no search. What waits for the safeguarding lead stays until it is closed. Backups keep it until they run out, and no restore brings it back."})
	v.Forms = []sheetForm{
		{Title: "Ask to remove it", Lead: "Nothing happens before somebody else has allowed it.", Path: pathErasure, Hidden: hidden, Fields: []web.Field{why}, Button: "Ask to remove it"},
		{
			Title: "Keep it for a legal reason", Lead: "A court, the police or a claim needs it: then nothing of it is removed on request.", Path: pathErasure + "/hold", Hidden: hidden, Quiet: true, Button: "Keep it",
			Fields: []web.Field{{Kind: web.LongField, Name: "hold", Label: "Who needs it, and where that is written", Rows: 2, Max: maxReason}},
		},
	}
	return nil
}

func (r *Room) findErasure(c *web.Ctx) error {
	if err := mayErase(c.Actor); err != nil {
		return err
	}
	id, err := r.anybody(c.Context(), c.Value("who"))
	return r.done(c, err, r.erasureView, 0, pathErasure+"?"+url.Values{"person": {string(id)}}.Encode(), "Nothing is removed yet.")
}

func (r *Room) askErasure(c *web.Ctx) error {
	_, err := r.AskErasure(c.Context(), people.ID(c.Value("person")), c.Value("why"))
	return r.done(c, err, r.erasureView, 0, pathErasure, "Asked. Somebody else has to allow it.")
}

func (r *Room) holdErasure(c *web.Ctx) error {
	id := people.ID(c.Value("person"))
	err := r.KeepForLaw(c.Context(), id, c.Value("hold"))
	if bad, ok := web.Wrong(err); ok {
		err = store.Invalid{"hold": bad["why"]}
	}
	return r.done(c, err, r.erasureView, 1, pathErasure+"?"+url.Values{"person": {string(id)}}.Encode(), "Kept for a legal reason.")
}

func (r *Room) liftErasure(c *web.Ctx) error {
	id := people.ID(c.Value("person"))
	err := r.LiftHold(c.Context(), id)
	return r.done(c, err, r.erasureView, 0, pathErasure+"?"+url.Values{"person": {string(id)}}.Encode(), "The legal hold is lifted.")
}

// askedErasureView is one request: what whoever decides needs to know.
func (r *Room) askedErasureView(c *web.Ctx) (sheetView, error) {
	v := sheetView{Base: web.Base{Title: "A request to remove web activity", Crumbs: []web.Crumb{{Title: "Requests", Path: pathErasure}}}}
	if err := mayErase(c.Actor); err != nil {
		return v, err
	}
	all, err := r.erasures(c.Context(), `WHERE id = $1`, c.Param("id"))
	if err != nil {
		return v, err
	}
	if len(all) == 0 {
		return v, store.ErrNotFound
	}
	x := all[0]
	name, err := r.display(c.Context(), x.Person)
	if err != nil {
		return v, err
	}
	by, err := r.actorName(c, x.AskedBy)
	if err != nil {
		return v, err
	}
	v.Summary.Rows = []web.SummaryRow{
		{Key: "Person", Text: name},
		{Key: "Why", Text: x.Why},
		{Key: "Asked by", Text: by, When: c.Moment(x.Asked)},
		{Key: "Rows", Text: words.Number(x.Rows)},
		{Key: "State", Tags: []web.Tag{erasureTag(x)}},
	}
	if !x.Done.IsZero() {
		v.Summary.Rows = append(v.Summary.Rows, web.SummaryRow{Key: "Removed", When: c.Moment(x.Done)})
	}
	if _, err := r.holdOf(c.Context(), x.Person); !errors.Is(err, store.ErrNotFound) {
		v.Panels = []web.Panel{{Tone: "warn", Title: "Kept for a legal reason", Words: "It is not removed until that is lifted."}}
		if err != nil {
			return v, err
		}
	}
	if x.State == ErasureAsked {
		v.Links = []web.Link{{Title: "The approval", Path: "/approvals/" + x.Approval}}
	}
	return v, nil
}
