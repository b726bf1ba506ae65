package people

import (
	"net/url"
	"slices"
	"strconv"
	"time"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
)

type postsView struct {
	web.Base
	Now   web.Table
	Past  web.Table
	Links []web.Link
}

var postsListPage = web.NewPage[postsView](pages, "pages/posts.html")

func (r *Room) postsPage(c *web.Ctx) error {
	now, err := r.officesAt(c.Context(), c.Now())
	if err != nil {
		return err
	}
	past, err := r.PastPosts(c.Context(), c.Now())
	if err != nil {
		return err
	}
	later, err := r.laterPosts(c)
	if err != nil {
		return err
	}
	v := postsView{
		Base: web.Base{Title: "Posts", Wide: true, Lead: "Who holds which post now. A post ends by itself on its day, and what it allowed ends with it."},
		Now:  r.nowTable(c, now, later), Past: web.Table{Caption: "Before", Columns: postColumnsShown()},
	}
	for _, o := range past {
		v.Past.Rows = append(v.Past.Rows, r.officeRow(c, o, true))
	}
	if c.May(MayAppoint) {
		v.Links = []web.Link{{Title: "Give somebody a post", Path: "/posts/new"}}
	}
	return postsListPage.Render(c, v)
}

// laterPosts are the times in posts that begin in the future.
func (r *Room) laterPosts(c *web.Ctx) ([]Office, error) {
	hs, err := r.holders(c.Context(), r.db, " WHERE from_at > $1 ORDER BY from_at, id LIMIT 100", store.Millis(c.Now()))
	if err != nil {
		return nil, err
	}
	out := make([]Office, 0, len(hs))
	for _, h := range hs {
		p, err := r.Get(c.Context(), h.Person)
		if err != nil {
			return nil, err
		}
		out = append(out, Office{h, p})
	}
	return out, nil
}

func postColumnsShown() []web.Column {
	return []web.Column{{Title: "Post"}, {Title: "Held by"}, {Title: "From"}, {Title: "Until"}, {Title: "Shown to everybody"}}
}

// nowTable has a row for every post that is held, and one for each that is
// not but must be.
func (r *Room) nowTable(c *web.Ctx, now, later []Office) web.Table {
	t := web.Table{Caption: "Now", Columns: postColumnsShown()}
	required := r.live.Current().Items(KeyRequired)
	for _, info := range Posts {
		n := len(t.Rows)
		for _, o := range append(slices.Clone(now), later...) {
			if o.Holder.Post == info.Post {
				t.Rows = append(t.Rows, r.officeRow(c, o, o.Holder.From.After(c.Now())))
			}
		}
		if len(t.Rows) == n && slices.Contains(required, string(info.Post)) {
			t.Rows = append(t.Rows, web.Row{Cells: []web.Cell{{Text: info.Title, Small: info.Says}, {Tag: web.Tag{Words: "nobody", Tone: "red"}}, {}, {}, {}}})
		}
	}
	return t
}

func (r *Room) officeRow(c *web.Ctx, o Office, faint bool) web.Row {
	link := ""
	if c.May(MayAppoint) {
		link = "/posts/" + o.Holder.ID
	}
	public := web.Cell{Text: "no"}
	if o.Holder.Public {
		public = web.Cell{Text: "yes", Small: o.Holder.Contact}
	}
	return web.Row{Link: link, Faint: faint, Cells: []web.Cell{
		{Text: postWords(o.Holder)}, {Text: o.Person.Name()}, {When: c.Moment(o.Holder.From)}, untilCell(c, o.Holder), public,
	}}
}

func postForm(h Holder) []web.Field {
	return []web.Field{
		{Kind: web.CheckField, Name: "deputy", Label: "Is the deputy in this post", Value: yes(h.Deputy)},
		{Name: "until", Label: "Last day in the post", Width: 12, Optional: true, Hint: "Such as 31/8/2027. Leave it empty for no end."},
		{Kind: web.CheckField, Name: "public", Label: "Name this person on the pages that everybody sees", Value: yes(h.Public)},
		{Name: "contact", Label: "How to reach them", Value: h.Contact, Max: maxContact, Optional: true, Hint: "Room 4, or office@school.example"},
	}
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

func newPostView() formView {
	post := web.Field{Kind: web.RadiosField, Name: "post", Label: "Post"}
	for _, p := range Posts {
		post.Options = append(post.Options, web.Option{Value: string(p.Post), Label: p.Title, Hint: p.Says})
	}
	fields := []web.Field{
		{Name: "who", Label: "Who", Max: 100, Hint: "The name, the username or the number of somebody on the roll"},
		post,
		{Name: "from", Label: "First day in the post", Width: 12, Optional: true, Hint: "Leave it empty to begin now."},
	}
	return formView{
		Base: web.Base{Title: "Give somebody a post", Crumbs: []web.Crumb{{Title: "Posts", Path: "/posts"}}, Lead: "A post decides what its holder may see and change here, from its first moment to its last."},
		Path: "/posts/new", Button: "Give the post", Fields: append(fields, postForm(Holder{})...), Cancel: web.Link{Title: "Leave without saving", Path: "/posts"},
	}
}

func (r *Room) newPostPage(c *web.Ctx) error { return formPage.Render(c, newPostView()) }

func (r *Room) appoint(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	h, err := r.holderFrom(c, form)
	if err == nil {
		_, err = r.Appoint(c.Context(), h)
	}
	if err != nil {
		if bad, ok := web.Wrong(err); ok && bad["person"] != "" {
			bad["who"] = bad["person"]
			delete(bad, "person")
		}
		return again(c, newPostView(), form, err)
	}
	c.Notice("The post was given.")
	return c.Redirect("/posts")
}

func (r *Room) holderFrom(c *web.Ctx, form url.Values) (Holder, error) {
	p, err := r.find(c.Context(), form.Get("who"), func(p Person) bool { return p.Kind != Pupil })
	if err != nil {
		return Holder{}, err
	}
	h, err := r.termsFrom(c, form, p)
	if err != nil {
		return Holder{}, err
	}
	from, err := ParseDay(form.Get("from"))
	if err != nil {
		return Holder{}, store.Invalid{"from": err.Error()}
	}
	cal, err := r.Calendar(c.Context(), p.Site)
	if err != nil {
		return Holder{}, err
	}
	if from != "" && from != cal.Day(c.Now()) {
		h.From = from.Time(cal.Location())
	}
	h.Person, h.Post = p.ID, Post(form.Get("post"))
	return h, nil
}

// termsFrom reads what may be changed of a time in a post.
func (r *Room) termsFrom(c *web.Ctx, form url.Values, p Person) (Holder, error) {
	h := Holder{Deputy: form.Get("deputy") != "", Public: form.Get("public") != "", Contact: form.Get("contact")}
	until, err := ParseDay(form.Get("until"))
	if err != nil {
		return h, store.Invalid{"until": err.Error()}
	}
	if until == "" {
		return h, nil
	}
	cal, err := r.Calendar(c.Context(), p.Site)
	if err != nil {
		return h, err
	}
	h.Until = until.End(cal.Location())
	return h, nil
}

func (r *Room) postView(c *web.Ctx) (formView, Holder, Person, error) {
	h, err := r.HolderByID(c.Context(), c.Param("id"))
	if err != nil {
		return formView{}, h, Person{}, err
	}
	p, err := r.Get(c.Context(), h.Person)
	if err != nil {
		return formView{}, h, p, err
	}
	cal, err := r.Calendar(c.Context(), p.Site)
	if err != nil {
		return formView{}, h, p, err
	}
	v := formView{
		Base: web.Base{Title: postWords(h), Lead: p.Name(), Crumbs: []web.Crumb{{Title: "Posts", Path: "/posts"}}},
		Path: "/posts/" + h.ID, Button: "Save", Fields: postForm(h), Cancel: web.Link{Title: "Leave without saving", Path: "/posts"},
		Hidden: []web.Hidden{{Name: "version", Value: strconv.FormatInt(h.Version, 10)}},
	}
	if !h.Until.IsZero() {
		v.Fields[1].Value = dayText(cal.Day(h.Until.Add(-time.Millisecond)))
	}
	if h.At(c.Now()) || h.From.After(c.Now()) {
		v.Acts = []web.Action{{Path: "/posts/" + h.ID + "/end", Title: "End it now", Quiet: true, Grave: true, Hidden: v.Hidden}}
	}
	return v, h, p, nil
}

func (r *Room) postPage(c *web.Ctx) error {
	v, _, _, err := r.postView(c)
	if err != nil {
		return err
	}
	return formPage.Render(c, v)
}

func (r *Room) changePostPage(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	v, old, p, err := r.postView(c)
	if err != nil {
		return err
	}
	h, err := r.termsFrom(c, form, p)
	h.ID, h.Version = old.ID, number(form.Get("version"))
	if err == nil {
		err = r.ChangePost(c.Context(), h)
	}
	if err != nil {
		v.Hidden[0].Value = strconv.FormatInt(h.Version, 10)
		return again(c, v, form, err)
	}
	c.Notice("Saved.")
	return c.Redirect("/posts")
}

func (r *Room) endPostPage(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	if err := r.EndPost(c.Context(), c.Param("id"), number(form.Get("version")), ""); err != nil {
		return err
	}
	c.Notice("The post has ended, and what it allowed with it.")
	return c.Redirect("/posts")
}
