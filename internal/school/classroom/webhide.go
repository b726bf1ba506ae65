package classroom

import (
	"html/template"
	"net/url"
	"strings"

	"belisha/internal/kit/web"
)

const (
	pathHide    = "/hide"
	pathHideGet = "/hide/get"
)

// hideView is a calm page in place of one that somebody wants gone. It says
// nothing of what was there: a classmate sees the screen.
type hideView struct {
	web.Base
	Tell, Site, On web.Link
}

// hideGetView tells how the button gets into a browser.
type hideGetView struct {
	web.Base
	Page   string
	Button template.URL
	Code   string
}

var (
	hidePage    = web.NewPage[hideView](pages, "pages/hide.html")
	hideGetPage = web.NewPage[hideGetView](pages, "pages/hideget.html")
)

func (r *Room) hideRoutes() []web.Route {
	return []web.Route{
		{Pattern: "GET " + pathHide, Needs: web.Open, Do: r.hide, People: true},
		{Pattern: "GET " + pathHideGet, Needs: web.Open, Do: r.hideGet, People: true},
	}
}

// hide is where the button leads. The site comes from it, is never shown, and
// goes along only where the reader chooses to tell.
func (r *Room) hide(c *web.Ctx) error {
	v := hideView{
		Base: web.Base{Title: "It is gone from the screen", OwnTurns: true},
		Tell: web.Link{Title: "Tell someone", Path: "/tell"},
		Site: web.Link{Title: "Say that the site should be closed", Path: "/tickets/new?kind=under"},
		On:   web.Link{Title: "Just go on", Path: "/start"},
	}
	if host := r.hidden(c.Query("site")); host != "" {
		v.Tell.Path += "?" + url.Values{"site": {host}}.Encode()
		v.Site.Path = "/tickets/new?" + url.Values{"kind": {"under"}, "host": {host}}.Encode()
	}
	c.W.Header().Set("Referrer-Policy", "no-referrer")
	return hidePage.Render(c, v)
}

// hidden is the site that the button names, "" for what is no site.
func (r *Room) hidden(text string) string {
	if text == "" || len(text) > 300 {
		return ""
	}
	host, err := r.d.Site(text)
	if err != nil {
		return ""
	}
	return host
}

// hideButton is what the button does: it takes the place of the page, so that
// going back does not show it.
func hideButton(page string) string {
	return "javascript:void(location.replace('" + page + "?site='+encodeURIComponent(location.hostname)))"
}

// hideGet shows the button, to be dragged to the bar of bookmarks.
func (r *Room) hideGet(c *web.Ctx) error {
	scheme := "http://"
	if c.Secure() {
		scheme = "https://"
	}
	host := c.R.Host
	if strings.ContainsFunc(host, func(x rune) bool {
		return !(x >= 'a' && x <= 'z' || x >= 'A' && x <= 'Z' || x >= '0' && x <= '9' || strings.ContainsRune(".-:[]", x))
	}) {
		host = ""
	}
	v := hideGetView{Base: web.Base{Title: "The hide and tell button"}, Page: scheme + host + pathHide}
	v.Code = hideButton(v.Page)
	v.Button = template.URL(v.Code) //nolint:gosec // made of our own address, whose letters were looked at
	return hideGetPage.Render(c, v)
}
