package web_test

import (
	"testing"

	"belisha/internal/kit/web"
	"belisha/internal/kit/web/webtest"
)

func TestTheMenuShowsAreasAndWhatIsInTheReadersOwn(t *testing.T) {
	say := func(c *web.Ctx) error { return helloPage.Render(c, helloView{Base: web.Base{Title: "Here"}}) }
	site := webtest.Site(t, web.Section{
		Name: "filter",
		Menu: []web.MenuItem{
			{Title: "Rules", Path: "/rules", Needs: "rules.read", Area: "Filter"},
			{Title: "Devices", Path: "/devices", Needs: "devices.read", Area: "Filter"},
			{Title: "Calendar", Path: "/calendar", Needs: "rules.read"},
		},
		Routes: []web.Route{
			{Pattern: "GET /rules", Needs: "rules.read", Do: say},
			{Pattern: "GET /devices", Needs: "devices.read", Do: say},
			{Pattern: "GET /calendar", Needs: "rules.read", Do: say},
		},
	})
	webtest.Get(t, site, "/devices", webtest.As("Ada", "rules.read", "devices.read")).Is(200).
		Has("Filter", "Rules Devices Calendar", "Sign out Rules Devices Here")
	webtest.Get(t, site, "/calendar", webtest.As("Ada", "rules.read", "devices.read")).Is(200).
		HasNot("Sign out Rules Devices")
	// Who has one entry of an area has the entry, and no second row.
	webtest.Get(t, site, "/rules", webtest.As("Bea", "rules.read")).Is(200).
		Has("Menu Rules Calendar").HasNot("Devices", "Filter")
}
