package filtering

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/school/people"
	"belisha/internal/verdict"
)

func stageField() web.Field {
	f := web.Field{Kind: web.SelectField, Name: "stage", Label: "Key stage", Optional: true, Options: []web.Option{{Value: "", Label: "any or not known"}}}
	for _, k := range people.KeyStages {
		f.Options = append(f.Options, web.Option{Value: string(k), Label: string(k)})
	}
	return f
}

func actTag(a verdict.Action) web.Tag {
	return web.Tag{Words: actWord(a), Tone: map[verdict.Action]string{verdict.Allow: "green", verdict.Block: "red", verdict.Warn: "brown"}[a]}
}

func whom(groups []string) string {
	if len(groups) == 0 {
		return "everybody"
	}
	return strings.Join(groups, ", ")
}

// ownList is the school's own entries, a page at a time.
func (r *Room) ownList(c *web.Ctx) error {
	p, find := pageOf(c), strings.ToLower(c.Query("find"))
	list, total, err := findOwn(c.Context(), r.d.DB, find, p.size, p.offset())
	if err != nil {
		return fmt.Errorf("reading the own entries: %w", err)
	}
	may, err := r.managing(c)
	if err != nil {
		return err
	}
	v := listView{
		Base: web.Base{Title: "Own entries", Lead: "Sites that the school itself opens or closes. They count before all lists; help services and what is locked count before them.", Wide: true, Crumbs: home},
		Filter: web.Filter{
			Path: pathOwn, Button: "Find", Fields: []web.Field{{Kind: web.SearchField, Name: "find", Label: "Part of an address", Value: find, Optional: true, Max: 200}},
			Matches: fmt.Sprintf("%d entries", total),
		},
		Table: web.Table{
			Caption: "Own entries", Columns: []web.Column{{Title: "Entry"}, {Title: "Is"}, {Title: "For"}, {Title: "Why"}, {Title: "Added"}},
			Empty: web.Empty{Title: "There are no own entries", Words: "What is open or closed follows from the policy and the lists alone."},
		},
		Pager: p.pager(pathOwn, total, url.Values{"find": {find}}, "entries"),
	}
	if may {
		v.Add = web.Link{Title: "Add an entry", Path: pathOwn + "/new"}
	}
	for _, o := range list {
		v.Table.Rows = append(v.Table.Rows, r.ownRow(c, o))
	}
	return listTemplate.Render(c, v)
}

func (r *Room) ownRow(c *web.Ctx, o Own) web.Row {
	is := web.Cell{Tag: actTag(o.Act)}
	if !o.live(r.now()) {
		is.Tag = web.Tag{Words: "ended"}
	}
	return web.Row{Link: pathOwn + "/" + o.ID, Faint: !o.live(r.now()), Cells: []web.Cell{
		{Text: o.Text},
		is,
		{Text: whom(o.Groups), Small: strings.Join(slices.Concat(o.KeyStages, o.Places), ", ")},
		{Text: o.Reason},
		{When: c.Near(o.AddedAt), Small: r.name(c.Context(), o.AddedBy)},
	}}
}

func (r *Room) ownForm() formView {
	v := formView{
		Base: web.Base{
			Title: "Add an own entry", Lead: "It comes into force within a second of pressing the button, and stands in the change log with your name.",
			Crumbs: slices.Concat(home, []web.Crumb{{Title: "Own entries", Path: pathOwn}}),
		},
		Path: pathOwn, Button: "Add it", Cancel: pathOwn,
	}
	groups := web.Field{Kind: web.ChecksField, Name: "groups", Label: "For whom", Hint: "None ticked is everybody.", Optional: true, Options: groupOptions("")}
	stages := stageField()
	stages.Name, stages.Label, stages.Kind, stages.Options = "stages", "Only key stages", web.ChecksField, stages.Options[1:]
	v.Fields = []web.Field{
		{Name: "entry", Label: "Site", Hint: "example.com is the site and all below it, =example.com this name only, example.com/page these pages. An address or a range works too.", Max: maxEntry},
		{Kind: web.RadiosField, Name: "act", Label: "It is", Inline: true, Options: []web.Option{{Value: "block", Label: "closed"}, {Value: "allow", Label: "open"}, {Value: "warn", Label: "open after a warning"}}},
		{Kind: web.LongField, Name: "reason", Label: "Why", Rows: 2, Max: maxReason},
		groups, stages,
		{Kind: web.RadiosField, Name: "ground", Label: "If the policy closes it, on what ground is it opened", Optional: true, Options: []web.Option{
			{Value: GroundWrong, Label: "The site is not what the list says"}, {Value: GroundApproved, Label: "It was approved by name"},
		}},
		{Name: "approved_by", Label: "Approved by", Hint: "The person or body that approved this site.", Optional: true, Max: maxReason},
		{Name: "window", Label: "Only at these times", Hint: "Such as 12:10 to 13:00.", Optional: true, Max: 40},
		{Kind: web.DayField, Name: "until", Label: "Last day", Optional: true},
		{Name: "place", Label: "Only at this place", Hint: "As the device table has it, such as library.", Optional: true, Max: 60},
	}
	return v
}

func (r *Room) ownNew(c *web.Ctx) error {
	v := r.ownForm()
	v.Fields[0].Value = c.Query("entry")
	return formTemplate.Render(c, v)
}

func (r *Room) ownAdd(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	o, err := r.readOwn(c, form)
	if err == nil {
		_, err = r.AddOwn(c.Context(), o)
	}
	if bad, ok := wrong(err); ok {
		return r.ownForm().again(c, form, bad)
	}
	if err != nil {
		return err
	}
	c.Notice("In force: " + o.Text + " is " + actWord(o.Act) + ".")
	return c.Redirect(pathOwn)
}

func (r *Room) readOwn(c *web.Ctx, form url.Values) (Own, error) {
	o := Own{
		Text: form.Get("entry"), Groups: form["groups"], KeyStages: form["stages"], Window: strings.TrimSpace(form.Get("window")),
		Reason: form.Get("reason"), Ground: form.Get("ground"), ApprovedBy: form.Get("approved_by"),
	}
	act, err := action(form.Get("act"))
	if err != nil {
		return o, store.Invalid{"act": "Choose whether it is open or closed."}
	}
	o.Act = act
	if p := strings.TrimSpace(form.Get("place")); p != "" {
		o.Places = []string{p}
	}
	if u := form.Get("until"); u != "" {
		last, err := people.ParseDay(u)
		if err != nil {
			return o, store.Invalid{"until": err.Error()}
		}
		o.Until = last.End(c.Words.Zone())
	}
	return o, nil
}

// ownOne is one entry, with the way to end it.
func (r *Room) ownOne(c *web.Ctx) error {
	o, err := getOwn(c.Context(), r.d.DB, c.Param("id"))
	if err != nil {
		return err
	}
	v := oneView{Base: web.Base{Title: "Own entry", Lead: o.Text, Crumbs: slices.Concat(home, []web.Crumb{{Title: "Own entries", Path: pathOwn}})}}
	v.Summary.Rows = []web.SummaryRow{
		{Key: "Is", Tags: []web.Tag{actTag(o.Act)}},
		{Key: "For", Text: whom(o.Groups), Lines: slices.Concat(o.KeyStages, o.Places)},
		{Key: "Why", Text: o.Reason},
		{Key: "Added", When: c.Moment(o.AddedAt), Lines: []string{r.name(c.Context(), o.AddedBy)}},
	}
	extra := func(key, text string) {
		if text != "" {
			v.Summary.Rows = append(v.Summary.Rows, web.SummaryRow{Key: key, Text: text})
		}
	}
	extra("Ground", map[string]string{GroundWrong: "the site is not what the list says", GroundApproved: "approved by name"}[o.Ground])
	extra("Approved by", o.ApprovedBy)
	extra("Times", strings.TrimSpace(strings.Join(o.Days, ", ")+" "+o.Window))
	if !o.Until.IsZero() {
		v.Summary.Rows = append(v.Summary.Rows, web.SummaryRow{Key: "Until", When: c.Moment(o.Until)})
	}
	if !o.EndedAt.IsZero() {
		v.Summary.Rows = append(v.Summary.Rows, web.SummaryRow{Key: "Ended", When: c.Moment(o.EndedAt), Lines: []string{r.name(c.Context(), o.EndedBy)}})
	}
	may, err := r.managing(c)
	if err != nil {
		return err
	}
	if may && o.live(r.now()) {
		v.ConfirmTitle, v.Confirm = "End this entry", ending(o.Text+" is then open or closed as the policy and the lists say.", pathOwn+"/"+o.ID)
	}
	return oneTemplate.Render(c, v)
}

// ending is the form that ends a row, with a reason.
func ending(what, path string) web.Confirm {
	return web.Confirm{
		What: what, When: "At once.", Undo: "You can go back to an earlier version on the page of versions.",
		Fields: []web.Field{{Name: "reason", Label: "Why", Max: maxReason}}, Action: web.Action{Path: path, Title: "End it", Grave: true},
	}
}

func (r *Room) ownEnd(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	return done(c, r.EndOwn(c.Context(), c.Param("id"), form.Get("reason")), "The entry has ended.", pathOwn, pathOwn+"/"+c.Param("id"))
}

// categoryList is what filter managers decided about whole categories.
func (r *Room) categoryList(c *web.Ctx) error {
	list, err := liveOverrides(c.Context(), r.d.DB)
	if err != nil {
		return fmt.Errorf("reading the decisions about categories: %w", err)
	}
	may, err := r.managing(c)
	if err != nil {
		return err
	}
	v := listView{
		Base: web.Base{Title: "Categories", Lead: "Decisions of filter managers about whole categories: stricter than the policy, or where the policy leaves it open.", Wide: true, Crumbs: home},
		Table: web.Table{
			Caption: "Decisions about categories", Columns: []web.Column{{Title: "Category"}, {Title: "For"}, {Title: "Is"}, {Title: "Why"}, {Title: "Decided"}},
			Empty: web.Empty{Title: "Nothing was decided here", Words: "The policy and its safe defaults decide about every category."},
		},
	}
	if may {
		v.Add = web.Link{Title: "Decide about a category", Path: pathCategory + "/new"}
	}
	for _, o := range list {
		row := web.Row{Link: pathCategory + "/" + o.ID, Cells: []web.Cell{
			{Text: strings.Join(r.titles([]string{o.Category}), "")},
			{Text: groupTitle[o.Group]},
			{Tag: actTag(o.Act)},
			{Text: o.Reason},
			{When: c.Near(o.AddedAt), Small: r.name(c.Context(), o.AddedBy)},
		}}
		if !r.overrideCounts(o) {
			row.Faint = true
			row.Cells[2].Small = "The policy decides this now, so it does not count."
		}
		v.Table.Rows = append(v.Table.Rows, row)
	}
	return listTemplate.Render(c, v)
}

// overrideCounts reports whether a decision counts beside what the policy says now.
func (r *Room) overrideCounts(o Override) bool {
	if o.Act == verdict.Block {
		return true
	}
	v := r.d.Live.Current()
	val := v.Get(blockKey[o.Group])
	return !slices.Contains(v.Items(keyRequired), o.Category) && !(val.Confirmed && slices.Contains(val.Items, o.Category))
}

func (r *Room) categoryForm(c *web.Ctx) (formView, error) {
	sources, err := r.Sources(c.Context())
	if err != nil {
		return formView{}, err
	}
	v := formView{
		Base: web.Base{
			Title: "Decide about a category", Lead: "What the policy closes can only be closed more strictly here.",
			Crumbs: slices.Concat(home, []web.Crumb{{Title: "Categories", Path: pathCategory}}),
		},
		Path: pathCategory, Button: "Decide", Cancel: pathCategory,
	}
	category := web.Field{Kind: web.SelectField, Name: "category", Label: "Category", Options: []web.Option{{Value: "", Label: "Choose"}}}
	for _, k := range categoriesOf(r.stock, sources) {
		if !k.Neutral && k.Slug != mixedScript {
			category.Options = append(category.Options, web.Option{Value: k.Slug, Label: k.Title})
		}
	}
	v.Fields = []web.Field{
		category,
		{Kind: web.RadiosField, Name: "group", Label: "For", Inline: true, Options: groupOptions("")},
		{Kind: web.RadiosField, Name: "act", Label: "It is", Inline: true, Options: []web.Option{{Value: "block", Label: "closed"}, {Value: "warn", Label: "open after a warning"}, {Value: "allow", Label: "open"}}},
		{Kind: web.LongField, Name: "reason", Label: "Why", Rows: 2, Max: maxReason},
	}
	return v, nil
}

func (r *Room) categoryNew(c *web.Ctx) error {
	v, err := r.categoryForm(c)
	if err != nil {
		return err
	}
	return formTemplate.Render(c, v)
}

func (r *Room) categoryAdd(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	o := Override{Group: form.Get("group"), Category: form.Get("category"), Reason: form.Get("reason")}
	if o.Act, err = action(form.Get("act")); err != nil {
		err = store.Invalid{"act": "Choose whether it is open or closed."}
	} else {
		err = r.SetCategory(c.Context(), o)
	}
	if bad, ok := wrong(err); ok {
		v, err := r.categoryForm(c)
		if err != nil {
			return err
		}
		return v.again(c, form, bad)
	}
	if err != nil {
		return err
	}
	c.Notice("In force.")
	return c.Redirect(pathCategory)
}

func (r *Room) categoryOne(c *web.Ctx) error {
	list, err := liveOverrides(c.Context(), r.d.DB)
	if err != nil {
		return fmt.Errorf("reading the decisions about categories: %w", err)
	}
	i := slices.IndexFunc(list, func(o Override) bool { return o.ID == c.Param("id") })
	if i < 0 {
		return store.ErrNotFound
	}
	o := list[i]
	v := oneView{Base: web.Base{Title: titleOf(o.Category) + " for " + o.Group, Crumbs: slices.Concat(home, []web.Crumb{{Title: "Categories", Path: pathCategory}})}}
	v.Summary.Rows = []web.SummaryRow{
		{Key: "Is", Tags: []web.Tag{actTag(o.Act)}},
		{Key: "Why", Text: o.Reason},
		{Key: "Decided", When: c.Moment(o.AddedAt), Lines: []string{r.name(c.Context(), o.AddedBy)}},
	}
	may, err := r.managing(c)
	if err != nil {
		return err
	}
	if may {
		v.ConfirmTitle, v.Confirm = "Take it back", ending("The category is then open or closed as the policy says.", pathCategory+"/"+o.ID)
	}
	return oneTemplate.Render(c, v)
}

func (r *Room) categoryEnd(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	return done(c, r.EndCategory(c.Context(), c.Param("id"), form.Get("reason")), "Taken back.", pathCategory, pathCategory)
}
