package people

import (
	"net/url"
	"strconv"
	"strings"

	"belisha/internal/kit/journal"
	"belisha/internal/kit/web"
)

type personView struct {
	web.Base
	Facts  web.Summary
	Family web.Table
	Posts  web.Table
	Story  web.Timeline
	Links  []web.Link
}

var personPage = web.NewPage[personView](pages, "pages/person.html")

var peopleCrumb = web.Crumb{Title: "People", Path: "/people"}

func (r *Room) personPage(c *web.Ctx) error {
	p, err := r.Get(c.Context(), ID(c.Param("id")))
	if err != nil {
		return err
	}
	today, err := r.Today(c.Context(), p.Site)
	if err != nil {
		return err
	}
	v := personView{Base: web.Base{Title: p.Name(), Crumbs: []web.Crumb{peopleCrumb}}}
	if err := r.facts(c, &v, p, today); err != nil {
		return err
	}
	if v.Family, err = r.familyTable(c, p); err != nil {
		return err
	}
	if v.Posts, err = r.postTable(c, p); err != nil {
		return err
	}
	if c.May(MayManage) {
		v.Links = append(v.Links, web.Link{Title: "Edit", Path: "/people/" + string(p.ID) + "/edit"})
		if p.Kind != Pupil || p.Here(today) {
			v.Links = append(v.Links, web.Link{Title: "Parents and children", Path: "/people/" + string(p.ID) + "/family"})
		}
		if !p.Left(today) {
			v.Links = append(v.Links, web.Link{Title: "Has left", Path: "/people/" + string(p.ID) + "/leave"})
		}
	}
	v.Story, err = r.story(c, p)
	if err != nil {
		return err
	}
	return personPage.Render(c, v)
}

func (r *Room) facts(c *web.Ctx, v *personView, p Person, today Day) error {
	add := func(key, text string) {
		if text != "" {
			v.Facts.Rows = append(v.Facts.Rows, web.SummaryRow{Key: key, Text: text})
		}
	}
	add("Is", KindWords(p.Kind))
	add("Here", firstOf(hereWords(p, today), "now"))
	if p.Given != p.First() {
		add("Full first name", p.Given)
	}
	if p.Kind == Pupil {
		add("Year", firstOf(p.Year.Words(), "not known: the strictest rules hold"))
		add("Key stage", string(p.Stage()))
		add("Class", p.Class)
		add("Born", p.Born.Words())
		add("Unique pupil number", p.UPN)
	}
	classes, err := r.ClassesOf(c.Context(), p.ID)
	if err != nil {
		return err
	}
	add("Teaching classes", strings.Join(classes, ", "))
	add("Username", p.Username)
	add("E-mail", p.Email)
	add("Number in the school's system", p.MIS)
	if p.Site != MainSite {
		add("Site", p.Site)
	}
	add("Comes from", sourceWords(p.Source))
	if p.NoAccess {
		add("Network", "the roll says: not allowed")
	}
	return nil
}

func sourceWords(s string) string {
	switch s {
	case SourceCSV:
		return "a CSV roll"
	case SourceOneRoster:
		return "a OneRoster roll"
	default:
		return "entered by hand"
	}
}

func (r *Room) familyTable(c *web.Ctx, p Person) (web.Table, error) {
	title, load := "Children", r.Children
	if p.Kind == Pupil {
		title, load = "Parents and carers", r.Parents
	}
	t := web.Table{Caption: title, Columns: []web.Column{{Title: "Name"}, {Title: "Relation"}, {Title: "Parental responsibility"}, {Title: "Order of contact"}}}
	list, err := load(c.Context(), p.ID)
	if err != nil {
		return t, err
	}
	for _, x := range list {
		yes, order := "no", ""
		if x.Link.Responsible {
			yes = "yes"
		}
		if x.Link.Order > 0 {
			order = strconv.Itoa(x.Link.Order)
		}
		t.Rows = append(t.Rows, web.Row{Link: "/people/" + string(x.Person.ID), Cells: []web.Cell{
			{Text: x.Person.Name()}, {Text: x.Link.Relation}, {Text: yes}, {Text: order},
		}})
	}
	return t, nil
}

func (r *Room) postTable(c *web.Ctx, p Person) (web.Table, error) {
	t := web.Table{Caption: "Posts", Columns: []web.Column{{Title: "Post"}, {Title: "From"}, {Title: "Until"}}}
	list, err := r.PostsOf(c.Context(), p.ID)
	if err != nil {
		return t, err
	}
	for _, h := range list {
		t.Rows = append(t.Rows, web.Row{Faint: !h.At(c.Now()), Cells: []web.Cell{{Text: postWords(h)}, {When: c.Moment(h.From)}, untilCell(c, h)}})
	}
	return t, nil
}

func postWords(h Holder) string {
	if h.Deputy {
		return h.Post.Title() + " (deputy)"
	}
	return h.Post.Title()
}

func untilCell(c *web.Ctx, h Holder) web.Cell {
	if h.Until.IsZero() {
		return web.Cell{Text: "open"}
	}
	return web.Cell{When: c.Moment(h.Until)}
}

// story is what happened to a person's record.
func (r *Room) story(c *web.Ctx, p Person) (web.Timeline, error) {
	lines, err := r.journal.List(c.Context(), journal.Filter{Kind: "person", ID: string(p.ID), Limit: 20})
	if err != nil {
		return web.Timeline{}, err
	}
	var t web.Timeline
	for _, l := range lines {
		t.Events = append(t.Events, web.Event{When: c.Near(l.At), Who: r.who(c, l.Actor), Words: l.Says})
	}
	return t, nil
}

// who says an actor of the journal in words.
func (r *Room) who(c *web.Ctx, actor string) string {
	kind, id, _ := strings.Cut(actor, ":")
	switch kind {
	case "person":
		if p, err := r.Get(c.Context(), ID(id)); err == nil {
			return p.Name()
		}
		return "somebody who is not on the roll"
	case "system":
		return "Belisha"
	default:
		return actor
	}
}

// formView is a form of this room.
type formView struct {
	web.Base
	Path   string
	Intro  []string
	Fields []web.Field
	Hidden []web.Hidden
	Button string
	Cancel web.Link
	Below  web.Table
	Acts   []web.Action
}

var formPage = web.NewPage[formView](pages, "pages/form.html")

// again shows a form that came back, or passes on what no form can mend.
func again(c *web.Ctx, v formView, form url.Values, err error) error {
	bad, ok := web.Wrong(err)
	if !ok {
		return err
	}
	fields := make([]*web.Field, len(v.Fields))
	for i := range v.Fields {
		fields[i] = &v.Fields[i]
	}
	v.Errors = web.Refill(form, shown(bad), fields...)
	return formPage.Status(badForm).Render(c, v)
}

func personForm(p Person, sites []string) []web.Field {
	kind := web.Field{Kind: web.SelectField, Name: "kind", Label: "What the person is to the school"}
	for _, k := range Kinds {
		kind.Options = append(kind.Options, web.Option{Value: string(k), Label: sentence(KindWords(k))})
	}
	year := web.Field{
		Kind: web.SelectField, Name: "year", Label: "Year group", Hint: "For pupils. Without one the strictest rules hold.", Optional: true,
		Options: []web.Option{{Value: "", Label: "None or not known"}},
	}
	for _, y := range Years {
		year.Options = append(year.Options, web.Option{Value: string(y), Label: y.Words()})
	}
	site := web.Field{Kind: web.SelectField, Name: "site", Label: "Site"}
	for _, s := range sites {
		site.Options = append(site.Options, web.Option{Value: s, Label: s})
	}
	return []web.Field{
		kind.Choose(string(p.Kind)),
		{Name: "given", Label: "First name", Value: p.Given, Max: maxName, Autocomplete: "off"},
		{Name: "family", Label: "Family name", Value: p.Family, Max: maxName, Autocomplete: "off"},
		{Name: "preferred", Label: "Name they go by", Value: p.Preferred, Max: maxName, Optional: true, Autocomplete: "off"},
		{Name: "born", Label: "Date of birth", Value: dayText(p.Born), Width: 12, Optional: true, Hint: "For pupils, such as 9/2/2018"},
		year.Choose(string(p.Year)),
		{Name: "class", Label: "Class", Value: p.Class, Width: 12, Max: maxName, Optional: true},
		site.Choose(firstOf(p.Site, MainSite)),
		{Name: "username", Label: "Username", Value: p.Username, Width: 24, Max: maxID, Optional: true, Autocomplete: "off"},
		{Kind: web.EmailField, Name: "email", Label: "E-mail address", Value: p.Email, Max: maxMail, Optional: true, Autocomplete: "off"},
		{Name: "upn", Label: "Unique pupil number", Value: p.UPN, Width: 16, Max: 20, Optional: true},
		{Name: "mis", Label: "Number in the school's system", Value: p.MIS, Width: 16, Max: maxID, Optional: true},
		{Name: "from", Label: "First day", Value: dayText(p.From), Width: 12, Optional: true, Hint: "Such as 23/11/2026"},
		{Name: "until", Label: "Last day", Value: dayText(p.Until), Width: 12, Optional: true, Hint: "For a short stay. Everything ends with this day by itself."},
	}
}

func dayText(d Day) string {
	if d == "" {
		return ""
	}
	return slashed(d)
}

// personFrom reads the form onto p.
func personFrom(form url.Values, p Person) (Person, error) {
	bad := map[string]string{}
	day := func(name string) Day {
		d, err := ParseDay(form.Get(name))
		if err != nil {
			bad[name] = err.Error()
		}
		return d
	}
	p.Kind, p.Given, p.Family, p.Preferred = Kind(form.Get("kind")), form.Get("given"), form.Get("family"), form.Get("preferred")
	p.Born, p.From, p.Until = day("born"), day("from"), day("until")
	p.Year, p.Class, p.Site = Year(form.Get("year")), form.Get("class"), form.Get("site")
	p.Username, p.Email, p.UPN, p.MIS = form.Get("username"), form.Get("email"), form.Get("upn"), form.Get("mis")
	return p, invalid(bad)
}

func (r *Room) newPage(c *web.Ctx) error {
	v, err := r.personFormView(c, Person{Kind: Pupil})
	if err != nil {
		return err
	}
	return formPage.Render(c, v)
}

func (r *Room) personFormView(c *web.Ctx, p Person) (formView, error) {
	sites, err := r.Sites(c.Context())
	if err != nil {
		return formView{}, err
	}
	v := formView{
		Base: web.Base{Title: "Add a person", Crumbs: []web.Crumb{peopleCrumb}}, Path: "/people/new", Button: "Add",
		Fields: personForm(p, sites), Cancel: web.Link{Title: "Leave without saving", Path: "/people"},
	}
	if p.ID != "" {
		at := "/people/" + string(p.ID)
		v.Title, v.Path, v.Button, v.Cancel.Path = "Edit "+p.Name(), at+"/edit", "Save", at
		v.Crumbs = append(v.Crumbs, web.Crumb{Title: p.Name(), Path: at})
		v.Hidden = []web.Hidden{{Name: "version", Value: strconv.FormatInt(p.Version, 10)}}
	}
	return v, nil
}

func (r *Room) addPerson(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	p, err := personFrom(form, Person{})
	var id ID
	if err == nil {
		id, err = r.Add(c.Context(), p)
	}
	if err != nil {
		v, ferr := r.personFormView(c, Person{Kind: Pupil})
		if ferr != nil {
			return ferr
		}
		return again(c, v, form, err)
	}
	c.Notice("The person was added.")
	return c.Redirect("/people/" + string(id))
}

func (r *Room) editPage(c *web.Ctx) error {
	p, err := r.Get(c.Context(), ID(c.Param("id")))
	if err != nil {
		return err
	}
	v, err := r.personFormView(c, p)
	if err != nil {
		return err
	}
	return formPage.Render(c, v)
}

func (r *Room) changePerson(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	old, err := r.Get(c.Context(), ID(c.Param("id")))
	if err != nil {
		return err
	}
	p, err := personFrom(form, old)
	p.Version = number(form.Get("version"))
	if err == nil {
		err = r.Change(c.Context(), p)
	}
	if err != nil {
		v, ferr := r.personFormView(c, old)
		if ferr != nil {
			return ferr
		}
		// the version that was typed over stays, so that a stale form stays one
		v.Hidden[0].Value = strconv.FormatInt(p.Version, 10)
		return again(c, v, form, err)
	}
	c.Notice("Saved.")
	return c.Redirect("/people/" + string(p.ID))
}

func number(s string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil {
		return -1
	}
	return n
}
