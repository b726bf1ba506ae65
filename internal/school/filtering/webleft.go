package filtering

import (
	"fmt"
	"slices"
	"strings"

	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
)

const pathLeft = "/filter/left-alone"

func (r *Room) leftRoutes() []web.Route {
	return []web.Route{
		{Pattern: "GET " + pathLeft, Needs: MayRead, Do: r.leftPage},
		{Pattern: "GET " + pathLeft + "/new", Needs: MayChange, Do: r.leftNew},
		{Pattern: "POST " + pathLeft, Needs: MayChange, Do: r.leftAdd},
		{Pattern: "GET " + pathLeft + "/{id}", Needs: MayRead, Do: r.leftOne},
		{Pattern: "POST " + pathLeft + "/{id}", Needs: MayChange, Do: r.leftEnd},
	}
}

type leftView struct {
	web.Base
	Note    web.Panel
	Noticed []noticed
	Quiet   web.Empty // where nothing was noticed
	Add     web.Link
	Table   web.Table
	After   web.Summary
}

// noticed is one site with which there was trouble lately.
type noticed struct {
	Host, Says string
	Times      string
	When       web.When
	Act        web.Action
	Todo       string
}

var leftTemplate = web.NewPage[leftView](pages, "pages/left.html")

var leftCrumbs = []web.Crumb{{Title: "Filter", Path: pathRules}, {Title: "What is looked at", Path: pathContent}}

// leftPage is what could not be looked into lately, and what is left alone.
func (r *Room) leftPage(c *web.Ctx) error {
	list, err := liveLeft(c.Context(), r.d.DB)
	if err != nil {
		return fmt.Errorf("reading which sites are left alone: %w", err)
	}
	may, err := r.managing(c)
	if err != nil {
		return err
	}
	in, err := r.inside(c.Context())
	if err != nil {
		return err
	}
	v := leftView{
		Base:  web.Base{Title: "Sites that are not looked into", Lead: "Where the filter looks inside encrypted sites, some programs do not take part: they trust their maker's certificate alone. Left alone they work again, and of them only the name is seen.", Wide: true, Crumbs: leftCrumbs},
		Quiet: web.Empty{Title: "No trouble was noticed", Words: "Since the filter started, every program took the school's certificate where it was asked to."},
		Table: web.Table{
			Caption: "Left alone by the school", ShowCaption: true, Columns: []web.Column{{Title: "Site"}, {Title: "Why"}, {Title: "Added"}},
			Empty: web.Empty{Title: "No site was added here", Words: "What the policy names and what ships with Belisha is left alone all the same."},
		},
	}
	if len(r.LooksInto()) == 0 {
		v.Quiet = web.Empty{Title: "The filter looks into no encrypted site", Words: "So nothing stops working because of it."}
	}
	if !in.Known {
		v.Note = web.Panel{Tone: "warn", Title: "The filter does not answer", Words: "So nobody can say with which sites there is trouble."}
		v.Quiet = web.Empty{}
	}
	for _, t := range in.Troubles {
		if !slices.ContainsFunc(list, func(l Left) bool { return below(t.Host, l.Host) }) || !t.mayLeave() {
			v.Noticed = append(v.Noticed, r.noticed(c, t, may))
		}
	}
	for _, l := range list {
		v.Table.Rows = append(v.Table.Rows, web.Row{Link: pathLeft + "/" + l.ID, Cells: []web.Cell{
			{Text: l.Host}, {Text: l.Reason}, {When: c.Near(l.AddedAt), Small: r.name(c.Context(), l.AddedBy)},
		}})
	}
	if may {
		v.Add = web.Link{Title: "Add a site", Path: pathLeft + "/new"}
	}
	v.After = r.neverSummary(r.d.Live.Current())
	return leftTemplate.Render(c, v)
}

// below reports a host that is another, or is below it.
func below(host, of string) bool { return host == of || strings.HasSuffix(host, "."+of) }

const pinnedReason = "A program does not take the school's certificate for it."

func (r *Room) noticed(c *web.Ctx, t Trouble, may bool) noticed {
	n := noticed{Host: t.Host, Times: words.Count(t.Count, "time", "times"), When: c.Near(t.Last)}
	if t.Devices > 0 {
		n.Times += ", on " + words.Count(t.Devices, "device", "devices")
	}
	reason := pinnedReason
	switch t.Kind {
	case TroubleVisitor:
		n.Says, reason = "It asks visitors for a certificate of their own, which the filter does not have.", "It asks visitors for a certificate of their own."
	case TroubleSite:
		n.Says = "It does not prove that it is itself: " + t.Detail + ". It stays closed where the filter looks inside, for everybody."
		n.Todo = "Only whoever runs the site can mend this. Tell them, if the school needs it."
	default:
		n.Says = "A program did not take the school's certificate, so it does not work there."
		if t.Detail != "" {
			n.Says = "A program does not go on once it has seen the school's certificate: " + t.Detail + "."
		}
		n.Todo = "If browsers complain too, the device lacks the school's certificate, and leaving the site alone would hide that."
	}
	if t.mayLeave() && may {
		n.Act = web.Action{
			Path: pathLeft, Title: "Leave " + t.Host + " alone", Quiet: true,
			Hidden: []web.Hidden{{Name: "host", Value: t.Host}, {Name: "reason", Value: reason}},
		}
	}
	return n
}

func (r *Room) leftForm() formView {
	return formView{
		Base: web.Base{
			Title: "Leave a site alone", Lead: "The filter will not look into it, for anybody, whatever the policy says of its kind. It stays as open or closed as it is.",
			Crumbs: slices.Concat(leftCrumbs, []web.Crumb{{Title: "Sites that are not looked into", Path: pathLeft}}),
		},
		Path: pathLeft, Button: "Leave it alone", Cancel: pathLeft,
		Fields: []web.Field{
			{Name: "host", Label: "Site", Hint: "Such as app.example.com. Everything below it is meant too.", Max: 253},
			{Kind: web.LongField, Name: "reason", Label: "Why", Rows: 2, Max: maxReason},
		},
	}
}

func (r *Room) leftNew(c *web.Ctx) error {
	v := r.leftForm()
	v.Fields[0].Value = c.Query("host")
	return formTemplate.Render(c, v)
}

func (r *Room) leftAdd(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	l, err := r.LeaveAlone(c.Context(), Left{Host: form.Get("host"), Reason: form.Get("reason")})
	if bad, ok := wrong(err); ok {
		return r.leftForm().again(c, form, bad)
	}
	if err != nil {
		return err
	}
	c.Notice("In force: " + l.Host + " is left alone.")
	return c.Redirect(pathLeft)
}

func (r *Room) leftOne(c *web.Ctx) error {
	l, err := getLeft(c.Context(), r.d.DB, c.Param("id"))
	if err != nil {
		return err
	}
	v := oneView{Base: web.Base{Title: "A site that is left alone", Lead: l.Host, Crumbs: r.leftForm().Crumbs}}
	v.Summary.Rows = []web.SummaryRow{
		{Key: "Why", Text: l.Reason},
		{Key: "Added", When: c.Moment(l.AddedAt), Lines: []string{r.name(c.Context(), l.AddedBy)}},
	}
	if !l.EndedAt.IsZero() {
		v.Summary.Rows = append(v.Summary.Rows, web.SummaryRow{Key: "Ended", When: c.Moment(l.EndedAt), Lines: []string{r.name(c.Context(), l.EndedBy)}})
	}
	may, err := r.managing(c)
	if err != nil {
		return err
	}
	if may && l.EndedAt.IsZero() {
		v.ConfirmTitle, v.Confirm = "Look into it again", ending(l.Host+" is then looked into wherever the filter looks inside sites of its kind.", pathLeft+"/"+l.ID)
		v.Confirm.Undo = "You can leave it alone again."
	}
	return oneTemplate.Render(c, v)
}

func (r *Room) leftEnd(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	return done(c, r.LookAgain(c.Context(), c.Param("id"), form.Get("reason")), "It is looked into again.", pathLeft, pathLeft+"/"+c.Param("id"))
}
