package web_test

import (
	"testing"
	"testing/fstest"

	"belisha/internal/kit/web"
	"belisha/internal/kit/web/webtest"
)

type helloView struct {
	web.Base
	Name web.Field
	List web.Table
}

var helloFiles = fstest.MapFS{"hello.html": {Data: []byte(
	`{{define "main"}}<form method="post" action="/hello">{{template "field" .Name}}<button>Go</button></form>{{template "table" .List}}{{end}}`)}}

var helloPage = web.NewPage[helloView](helloFiles, "hello.html")

func TestAPageFitsItsStruct(t *testing.T) {
	webtest.Check(t, helloPage)
}

func TestAPageIsShownInTheLayout(t *testing.T) {
	site := webtest.Site(t, web.Section{Name: "hello", Routes: []web.Route{{
		Pattern: "GET /hello", Needs: "hello.say",
		Do: func(c *web.Ctx) error {
			return helloPage.Render(c, helloView{Base: web.Base{Title: "Say hello"}, Name: web.Field{Name: "name", Label: "Your name"}})
		},
	}}})
	d := webtest.Get(t, site, "/hello", webtest.As("Ada", "hello.say"))
	d.Is(200).Has("Say hello", "Ashdown Primary School", "Ada", "Nothing waits for you; last checked 08:02").Safe()
	webtest.Get(t, site, "/hello", webtest.Nobody()).GoesTo("/sign-in?to=%2Fhello")
	webtest.Get(t, site, "/hello", webtest.As("Bea")).Is(403).Has("not for your account")
}
