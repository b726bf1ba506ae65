package filtering

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

// Where somebody asks for a file, and where it is decided. The page that
// stands in place of a closed file leads to pathPermit + "/ask?u=<address>".
const (
	pathPermit  = "/download"
	pathPermits = "/filter/downloads"
)

// permitRoutes are the pages of single files: the asker's, which are open
// through the filter, and those on which they are decided.
func (r *Room) permitRoutes() []web.Route {
	const small = 16 << 10
	return []web.Route{
		{Pattern: "GET " + pathPermit, Needs: web.SignedIn, Do: r.myPermits, People: true},
		{Pattern: "GET " + pathPermit + "/ask", Needs: web.SignedIn, Do: r.permitAsk, People: true},
		{Pattern: "POST " + pathPermit + "/ask", Needs: web.SignedIn, Do: r.permitAsked, People: true, Body: small},
		{Pattern: "GET " + pathPermit + "/{id}", Needs: web.SignedIn, Do: r.myPermitPage, People: true},
		{Pattern: "POST " + pathPermit + "/{id}/end", Needs: web.SignedIn, Do: r.myPermitEnd, People: true, Body: small},
		{Pattern: "GET " + pathPermits, Needs: MayPermit, Do: r.permitList},
		{Pattern: "GET /filter/downloads.csv", Needs: MayRead, Do: r.permitCSV},
		{Pattern: "GET " + pathPermits + "/{id}", Needs: MayPermit, Do: r.permitOne},
		{Pattern: "POST " + pathPermits + "/{id}/grant", Needs: MayPermit, Do: r.permitGrant, Body: small},
		{Pattern: "POST " + pathPermits + "/{id}/refuse", Needs: MayPermit, Do: r.permitRefuse, Body: small},
		{Pattern: "POST " + pathPermits + "/{id}/end", Needs: MayPermit, Do: r.permitEnd, Body: small},
	}
}

// permitForm is the page on which somebody asks for a file.
func (r *Room) permitForm(ctx context.Context, who people.Person) formView {
	v := formView{
		Base: web.Base{
			Title: "Ask for a file", Crumbs: []web.Crumb{{Title: "Files you asked for", Path: pathPermit}},
			Lead: "Some kinds of file are closed, because they can harm the school's machines. One file can be permitted for you, for a short time.",
		},
		Path: pathPermit + "/ask", Button: "Ask for it", Cancel: pathPermit,
		Note: web.Panel{Tone: "note", Title: "What happens then", Words: r.whoPermits(groupOf(who.Kind)) + " A file in which the virus scanner finds something stays closed for everybody."},
	}
	v.Fields = []web.Field{
		{Kind: web.LongField, Name: "url", Label: "Address of the file", Rows: 2, Max: mostPermitPath + maxEntry, Hint: "Exactly this file is permitted, and nothing else."},
		{Kind: web.LongField, Name: "purpose", Label: "What you need it for", Rows: 2, Max: mostPurpose},
		{Kind: web.HiddenField, Name: "hash"},
	}
	return v
}

// whoPermits says who decides what somebody of the group asks.
func (r *Room) whoPermits(group string) string {
	var posts []people.Post
	staff := false
	for _, p := range r.approvers(group) {
		if p == AnyStaff {
			staff = true
			continue
		}
		posts = append(posts, people.Post(p))
	}
	switch who := words.And(postTitles(posts)); {
	case staff:
		return "A member of staff decides."
	case who == "":
		return "The head teacher decides."
	default:
		return "One of these decides: " + who + "."
	}
}

func (r *Room) permitAsk(c *web.Ctx) error {
	who, err := r.permitAsker(c.Context())
	if err != nil {
		return err
	}
	v := r.permitForm(c.Context(), who)
	if u := c.Query("u"); len(u) <= mostPermitPath+maxEntry {
		v.Fields[0].Value = u
	}
	if h := c.Query("hash"); len(h) == 64 {
		v.Fields[2].Value = h
	}
	return formTemplate.Render(c, v)
}

func (r *Room) permitAsked(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	p, err := r.AskPermit(c.Context(), form.Get("url"), Permit{Purpose: form.Get("purpose"), Hash: form.Get("hash")}, addressOf(c))
	var already *AskedAlready
	if errors.As(err, &already) {
		c.Notice(already.Error())
		return c.Redirect(pathPermit + "/" + already.ID)
	}
	if bad, ok := wrong(err); ok {
		who, err := r.permitAsker(c.Context())
		if err != nil {
			return err
		}
		return r.permitForm(c.Context(), who).again(c, form, bad)
	}
	if err != nil {
		return err
	}
	c.Notice("Asked. You read here what was decided.")
	return c.Redirect(pathPermit + "/" + p.ID)
}

// addressOf is where the reader asks from, not valid if that is not known.
func addressOf(c *web.Ctx) netip.Addr {
	at, err := netip.ParseAddrPort(c.R.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap()
}

// permitTag says where a permit stands.
func permitTag(p Permit, now time.Time) web.Tag {
	switch {
	case p.Running(now):
		return web.Tag{Words: "permitted", Tone: "green"}
	case p.State == UnblockGranted || p.State == UnblockEnded:
		return web.Tag{Words: "closed again"}
	case p.State == UnblockAsked && now.Before(p.Until):
		return web.Tag{Words: "waits", Tone: "brown"}
	case p.State == UnblockRefused:
		return web.Tag{Words: "refused", Tone: "red"}
	case p.State == UnblockWithdrawn:
		return web.Tag{Words: "taken back"}
	}
	return web.Tag{Words: "not decided in time"}
}

func (r *Room) permitTable(c *web.Ctx, list []Permit, path string, who bool) web.Table {
	t := web.Table{
		Caption: "Files", Columns: []web.Column{{Title: "File"}, {Title: "Is"}, {Title: "Asked"}, {Title: "What for"}},
		Empty: web.Empty{Title: "No file was asked for", Words: "Whoever needs a file of a closed kind asks from the page that stands in its place, or here."},
	}
	if who {
		t.Columns = append(t.Columns, web.Column{Title: "Asked by"})
	}
	for _, p := range list {
		row := web.Row{Link: path + "/" + p.ID, Faint: !p.Until.After(r.now()), Cells: []web.Cell{
			{Text: breakable(shown(p))}, {Tag: permitTag(p, r.now())}, {When: c.Near(p.AskedAt)}, {Text: p.Purpose},
		}}
		if who {
			row.Cells = append(row.Cells, web.Cell{Text: r.name(c.Context(), "person:"+string(p.AskedBy)), Small: p.Group})
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// shown is a file's address, cut where a page could not show it.
func shown(p Permit) string {
	const long = 300
	if a := p.Address(); len(a) > long {
		return a[:long] + "…"
	}
	return p.Address()
}

// myPermits is what somebody asked for.
func (r *Room) myPermits(c *web.Ctx) error {
	if c.Actor.Person == "" {
		return store.ErrForbidden
	}
	p := pageOf(c)
	list, total, err := findPermits(c.Context(), r.d.DB, permitFilter{By: people.ID(c.Actor.Person), page: p})
	if err != nil {
		return fmt.Errorf("reading what was asked: %w", err)
	}
	return listTemplate.Render(c, listView{
		Base:  web.Base{Title: "Files you asked for", Lead: "One file each, for you alone and for a time.", Wide: true},
		Add:   web.Link{Title: "Ask for a file", Path: pathPermit + "/ask"},
		Table: r.permitTable(c, list, pathPermit, false),
		Pager: p.pager(pathPermit, total, url.Values{}, "files"),
	})
}

func (r *Room) permitSummary(c *web.Ctx, p Permit, who bool) web.Summary {
	s := web.Summary{Rows: []web.SummaryRow{
		{Key: "Is", Tags: []web.Tag{permitTag(p, r.now())}},
		{Key: "File", Text: breakable(shown(p))},
		{Key: "What for", Text: p.Purpose},
		{Key: "Asked", When: c.Moment(p.AskedAt)},
	}}
	if who {
		s.Rows[3].Lines = []string{r.name(c.Context(), "person:"+string(p.AskedBy)) + ", " + p.Group}
	}
	if p.Hash != "" {
		s.Rows = append(s.Rows, web.SummaryRow{Key: "Only these bytes", Text: breakable(p.Hash)})
	}
	if !p.DecidedAt.IsZero() {
		s.Rows = append(s.Rows, web.SummaryRow{Key: "Decided", When: c.Moment(p.DecidedAt), Lines: []string{r.name(c.Context(), "person:"+string(p.DecidedBy))}})
	}
	if p.State == UnblockGranted || p.State == UnblockEnded {
		s.Rows = append(s.Rows, web.SummaryRow{Key: "Until", When: c.Moment(p.Until)})
	}
	if p.Answer != "" {
		s.Rows = append(s.Rows, web.SummaryRow{Key: "Why not", Text: p.Answer})
	}
	if !p.EndedAt.IsZero() {
		s.Rows = append(s.Rows, web.SummaryRow{Key: "Ended", When: c.Moment(p.EndedAt), Lines: []string{r.name(c.Context(), p.EndedBy)}})
	}
	return s
}

// myPermitPage is one that the reader asked for.
func (r *Room) myPermitPage(c *web.Ctx) error {
	p, err := r.myPermit(c.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	v := oneView{Base: web.Base{Title: "File you asked for", Crumbs: []web.Crumb{{Title: "Files you asked for", Path: pathPermit}}}, Summary: r.permitSummary(c, p, false)}
	end := web.Action{Path: pathPermit + "/" + p.ID + "/end", Grave: true}
	switch {
	case p.State == UnblockAsked && p.Until.After(r.now()):
		end.Title = "Take it back"
		v.ConfirmTitle, v.Confirm = "You do not need it?", web.Confirm{What: "Nobody decides about it any more.", When: "At once.", Action: end}
	case p.Running(r.now()):
		end.Title = "Close it now"
		v.ConfirmTitle, v.Confirm = "You have the file?", web.Confirm{What: "It is closed again for you.", When: "At once.", Action: end}
	}
	return oneTemplate.Render(c, v)
}

func (r *Room) myPermitEnd(c *web.Ctx) error {
	p, err := r.myPermit(c.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	page := pathPermit + "/" + p.ID
	if p.State == UnblockAsked {
		return done(c, r.WithdrawPermit(c.Context(), p.ID), "Taken back.", page, page)
	}
	return done(c, r.EndPermit(c.Context(), p.ID), "Closed.", page, page)
}

// waitingPermits is what is asked and waits for the reader's decision. Where
// any member of staff decides, it waits for those who teach whoever asks.
func (r *Room) waitingPermits(ctx context.Context, a actor.Actor) ([]web.Item, error) {
	if !a.May(MayPermit) || a.Kind != actor.Person {
		return nil, nil
	}
	open, err := askedPermits(ctx, r.d.DB, r.now())
	if err != nil {
		return nil, fmt.Errorf("reading which files are asked for: %w", err)
	}
	may := map[people.ID]bool{} // by asker
	var out []web.Item
	for _, p := range open {
		if _, asked := may[p.AskedBy]; !asked {
			if may[p.AskedBy], err = r.waitsFor(ctx, a, p); err != nil {
				return nil, err
			}
		}
		if may[p.AskedBy] {
			out = append(out, web.Item{
				Key: p.ID, Title: "A file is asked for", Step: "Decide", Link: pathPermits + "/" + p.ID, Risk: 2, Since: p.AskedAt, Room: "filtering",
			})
		}
	}
	return out, nil
}

// waitsFor reports whether a permit waits for this reader in particular.
func (r *Room) waitsFor(ctx context.Context, a actor.Actor, p Permit) (bool, error) {
	why, err := r.mayPermit(ctx, a, p)
	if err != nil || why != "" {
		return false, err
	}
	d, err := r.permitDeciders(ctx, p)
	if err != nil || slices.Contains(d.holders, people.ID(a.Person)) {
		return err == nil, err
	}
	who, err := r.d.People.Get(ctx, p.AskedBy)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading who asks: %w", err)
	}
	teachers, err := r.teachersOf(ctx, who)
	if err != nil || len(teachers) > 0 {
		return slices.Contains(teachers, people.ID(a.Person)), err
	}
	managers, err := r.confirmedManagers(ctx)
	return slices.Contains(managers, people.ID(a.Person)), err
}
