// Package web is how a room shows itself: routes with the capability that
// each needs, pages bound to a struct, forms, lists and the marks of the
// face, in one layout. It holds no school words and knows no room.
//
// A room's web.go looks like this:
//
//	//go:embed pages/*.html
//	var pages embed.FS
//
//	type listView struct {
//		web.Base          // Title, Lead, Crumbs, Errors, Wide, Marking
//		Loans web.Table   // small structs of this package, one per partial
//	}
//
//	var listPage = web.NewPage[listView](pages, "pages/list.html")
//
//	func (r *Room) Section() web.Section {
//		return web.Section{Name: "loans", Title: "Loans",
//			Menu: []web.MenuItem{{Title: "Loans", Path: "/loans", Needs: "loans.read", Icon: "register"}},
//			Routes: []web.Route{
//				{Pattern: "GET /loans", Needs: "loans.read", Do: r.list},
//				{Pattern: "POST /loans", Needs: "loans.lend", Do: r.lend},
//			}}
//	}
//
//	func (r *Room) list(c *web.Ctx) error {
//		loans, err := r.open(c.Context())
//		if err != nil {
//			return err // web.Explain turns it into a page
//		}
//		return listPage.Render(c, listView{Base: web.Base{Title: "Loans", Wide: true}, Loans: table(c, loans)})
//	}
//
// and pages/list.html holds no logic:
//
//	{{define "main"}}{{template "table" .Loans}}{{end}}
//
// The layout writes the heading from Base.Title. A form that comes back with
// store.Invalid is shown again by its room, with everything that was typed:
//
//	if bad, ok := web.Wrong(err); ok {
//		v.Errors = web.Refill(form, bad, &v.Device, &v.Until)
//		return formPage.Status(422).Render(c, v)
//	}
//
// and one that worked ends with c.Notice("Lent until Friday.") and
// c.Redirect("/loans"). A page's test calls webtest.Check(t, listPage) and
// then looks at it with webtest.Get. The storybook
// (kit/web/storybook) shows every partial.
//
// Partials and the struct each takes: icon Icon, when When, link Link, state
// State, margin-state State, tag Tag, panel Panel, details Details, empty
// Empty, download Download, table Table, summary Summary, timeline Timeline,
// history History, pager Pager, tray Tray, evidence Evidence, bars Bars, spark
// Spark, field Field, errors Errors, action Action, filter Filter, confirm
// Confirm, hidden []Hidden, turn Turn.
//
// Classes for a room's own markup: "prose" around a policy, "clause" around
// one of its clauses with its margin-state first, "value" on what a setting
// decides; "buttons" around the buttons of a form; "quiet" for small print;
// "second" for a second line; "hide" for words that are only read aloud. An
// id in a page is never "main", "menu" or "turns": the layout has those.
//
// It may import kit/{actor,words} by the plan, and besides them kit/clock,
// the error types of kit/store (so that there is one place that turns them
// into sentences) and the states of kit/control (for their marks).
package web
