package access

import (
	"net/http"
	"net/url"
	"sort"
	"strings"

	"belisha/internal/kit/web"
)

const (
	keptPath  = "/account/kept"
	classPath = "/class-passwords"
)

func queryEscape(s string) string { return url.QueryEscape(s) }

// cameFrom is the page of ours that a form stood on.
func cameFrom(c *web.Ctx) string {
	if u, err := url.Parse(c.R.Referer()); err == nil && u.Host == c.R.Host {
		if p := web.SafePath(u.RequestURI()); p != "" && len(p) <= 1000 {
			return p
		}
	}
	return "/"
}

// Keep keeps what was typed into a page whose session had ended, and returns
// where its owner finds it after signing in, "" where it is not kept.
func (r *Room) Keep(req *http.Request, form url.Values) string {
	ok, err := r.keep(req.Context(), r.token(req), req.URL.Path, form)
	if err != nil {
		r.Log.ErrorContext(req.Context(), "what somebody typed could not be kept", "err", err)
	}
	if !ok {
		return ""
	}
	return keptPath
}

type keptView struct {
	web.Base
	Facts web.Summary
	Path  string
	Typed []web.Hidden
	Drop  web.Action
}

var keptTemplate = web.NewPage[keptView](pages, "pages/kept.html")

func (r *Room) keptPage(c *web.Ctx) error {
	p, ok, err := r.kept(c.Context(), personOf(c))
	if err != nil {
		return err
	}
	if !ok {
		return c.Redirect("/")
	}
	v := keptView{
		Base: web.Base{Title: "You had typed this", Lead: "Your session had ended, so it was not taken. Look at it, and send it now or throw it away."},
		Path: keptPath, Drop: web.Action{Path: keptPath + "/drop", Title: "Throw it away", Quiet: true, Grave: true},
	}
	names := make([]string, 0, len(p.Form))
	for k := range p.Form {
		names = append(names, k)
	}
	sort.Strings(names)
	for _, k := range names {
		for _, x := range p.Form[k] {
			v.Typed = append(v.Typed, web.Hidden{Name: k, Value: x})
		}
		if shownTyped := strings.TrimSpace(strings.Join(p.Form[k], ", ")); shownTyped != "" && k != "version" && k != "to" {
			v.Facts.Rows = append(v.Facts.Rows, web.SummaryRow{Key: sentence(strings.ReplaceAll(k, "-", " ")), Text: shownTyped})
		}
	}
	v.Facts.Rows = append(v.Facts.Rows, web.SummaryRow{Key: "Typed", When: c.Near(p.At)})
	return keptTemplate.Render(c, v)
}

// keptPost sends the browser on to the page that the form was for: 307 keeps
// the form, so that page takes it as if it had come at first.
func (r *Room) keptPost(c *web.Ctx) error {
	p, ok, err := r.kept(c.Context(), personOf(c))
	if err != nil {
		return err
	}
	r.typed.drop(c.Actor.Person)
	if !ok || web.SafePath(p.Path) == "" {
		return c.Redirect("/")
	}
	http.Redirect(c.W, c.R, p.Path, http.StatusTemporaryRedirect)
	return nil
}

func (r *Room) dropKeptPost(c *web.Ctx) error {
	r.typed.drop(c.Actor.Person)
	c.Notice("Thrown away.")
	return c.Redirect("/")
}
