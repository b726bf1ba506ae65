package storybook

import (
	"strconv"
	"time"

	"belisha/internal/kit/control"
	"belisha/internal/kit/web"
)

type trayView struct {
	web.Base
	Tray  web.Tray
	State string
}

var trayPage = web.NewPage[trayView](pages, "pages/tray.html")

func trayStory(c *web.Ctx) error {
	return trayPage.Render(c, trayView{
		Base: web.Base{Title: "What needs you"},
		Tray: web.Tray{Lines: []web.TrayLine{
			{Title: "A search was flagged", Step: "Look at it", Link: "/stories/record", Risk: 3, Since: c.Ago(now.Add(-63 * time.Hour))},
			{Title: "The network manager's post has no deputy", Step: "Name one", Link: "/stories/form", Risk: 2, Since: c.Ago(now.Add(-9 * 24 * time.Hour))},
			{Title: "Approve the filter's list of changers", Step: "Read and approve", Link: "/stories/confirm", Risk: 1, Since: c.Ago(now.Add(-2 * time.Hour))},
		}},
		State: "14 promises kept, 1 not being kept, 2 unknown; looked at 8:02.",
	})
}

func emptyTrayStory(c *web.Ctx) error {
	return trayPage.Render(c, trayView{
		Base:  web.Base{Title: "What needs you"},
		Tray:  web.Tray{Empty: "Nothing waits for you; last checked 08:02."},
		State: "17 promises kept; looked at 8:02.",
	})
}

type clause struct {
	Mark           web.State
	Before, Value  string
	After, Section string
}

type proseView struct {
	web.Base
	Clauses []clause
}

var prosePage = web.NewPage[proseView](pages, "pages/prose.html")

func proseStory(c *web.Ctx) error {
	mark := func(s control.State, figure string) web.State {
		return web.State{Is: s, Figure: figure, When: c.Ago(now.Add(-20 * time.Minute)), Link: "/stories/evidence"}
	}
	return prosePage.Render(c, proseView{
		Base: web.Base{
			Title: "Online safety policy", Lead: "Version 4, in force since Monday 2 November.",
			Crumbs: []web.Crumb{{Title: "Policies", Path: "/stories"}}, Exports: []web.Download{{Title: "Download", Path: "/stories", Kind: "text"}},
		},
		Clauses: []clause{
			{Section: "Filtering", Mark: mark(control.Kept, "0 of 41 asked sites let through"), Before: "At school every pupil is blocked from ", Value: "gambling, games, chat and shopping", After: "."},
			{Mark: mark(control.AtRisk, "lists 6 days old, 7 allowed"), Before: "The lists that the filter uses are never older than ", Value: "7 days", After: "."},
			{Section: "Passwords", Mark: mark(control.Broken, "2 of 31 older than 90 days"), Before: "Staff change their passwords at least every ", Value: "90 days", After: ", and nobody shares one with anybody, for any reason, at any time of the year."},
			{Mark: mark(control.Unknown, "nothing measured yet"), Before: "A screen locks after ", Value: "10 minutes", After: " without use."},
			{Section: "Conduct", Mark: mark(control.WordsOnly, ""), Before: "Everybody is kind on line, as in the playground", After: "."},
			{Mark: mark(control.NotApplicable, "no phones in school"), Before: "Phones are collected at ", Value: "8:45", After: "."},
		},
	})
}

type evidenceView struct {
	web.Base
	Cards   []web.Evidence
	History web.History
}

var evidencePage = web.NewPage[evidenceView](pages, "pages/evidence.html")

func evidenceStory(c *web.Ctx) error {
	ago := func(d time.Duration) web.When { return c.Ago(now.Add(-d)) }
	strip := web.History{Caption: "The last 14 days"}
	for i := range 14 {
		s := control.Kept
		if i > 9 {
			s = control.Broken
		}
		strip.Points = append(strip.Points, web.HistoryPoint{Label: strconv.Itoa(10+i) + " November", State: web.State{Is: s}, Link: "/stories/evidence"})
	}
	return evidencePage.Render(c, evidenceView{
		Base: web.Base{Title: "No staff password is older than 90 days", Crumbs: []web.Crumb{{Title: "Policy", Path: "/stories/prose"}, {Title: "Passwords", Path: "/stories/prose"}}},
		Cards: []web.Evidence{
			{Title: "Passwords", State: web.State{Is: control.Broken}, Figure: "2 of 31 passwords are older than 90 days", Rule: "No staff password older than 90 days", When: ago(4 * time.Minute), Source: control.Measured, By: "sign-in records", Owner: "Network manager", Todo: "Ask the two to change theirs, or end their sessions."},
			{Title: "Restore drill", State: web.State{Is: control.Kept}, Figure: "A backup was restored and checked", Rule: "Once a term", When: ago(700 * time.Hour), Source: control.Attested, By: "Amira Quist, head teacher", Owner: "Network manager"},
			{Title: "Blocked sites", State: web.State{Is: control.AtRisk}, Figure: "1 of 3 filters has not reported today", Rule: "Every filter reports daily", When: ago(26 * time.Hour), Source: control.Imported, By: "the firewall's log", Owner: "Network manager", Todo: "Look at the filter in the annexe."},
			{Title: "Way out", State: web.State{Is: control.Kept}, Figure: "The provider says that no unfiltered path exists", Rule: "Confirmed yearly", When: ago(80 * 24 * time.Hour), Source: control.Provider, By: "letter of 4 September", Owner: "Head teacher"},
			{Title: "Idle lock", State: web.State{}, Figure: "", Rule: "Screens lock after 10 minutes", Owner: "Network manager", Todo: "Connect the device list."},
			{Title: "Phones", State: web.State{Is: control.NotApplicable}, Rule: "Phones are collected", Source: control.Attested, By: "Amira Quist, head teacher", Reason: "No pupil brings one; looked at again in July."},
		},
		History: strip,
	})
}

type listView struct {
	web.Base
	Filter web.Filter
	List   web.Table
	Pager  web.Pager
}

var listPage = web.NewPage[listView](pages, "pages/list.html")

func listStory(c *web.Ctx) error {
	t := web.Table{Caption: "Blocked requests", Columns: []web.Column{{Title: "Site"}, {Title: "Who"}, {Title: "When", Sort: "/stories/list", Sorted: "descending"}, {Title: "State"}, {Title: "Times", Numeric: true}}}
	sites := []string{"casino.example", "a-very-long-name-of-a-site-that-does-not-end.example", "chat.example", "shop.example", "games.example"}
	for i := range 24 {
		tag := web.Tag{Words: "sure", Tone: "green"}
		if i%3 == 1 {
			tag = web.Tag{Words: "likely", Tone: "brown"}
		}
		t.Rows = append(t.Rows, web.Row{Link: "/stories/record", Faint: i > 20, Cells: []web.Cell{
			{Text: sites[i%len(sites)], Small: "gambling"},
			{Text: "Year 5 pupil", Tag: tag},
			{When: c.Near(now.Add(-time.Duration(i*97) * time.Minute))},
			{State: web.State{Is: []control.State{control.Kept, control.AtRisk, control.Broken, control.Unknown}[i%4]}},
			{Text: strconv.Itoa(1 + i*i*7)},
		}})
	}
	return listPage.Render(c, listView{
		Base: web.Base{
			Title: "Blocked requests", Wide: true, SeenBy: "the listed monitors, for the purpose you chose: a pattern in Year 5.",
			Exports: []web.Download{{Title: "Download", Path: "/stories", Kind: "CSV"}},
		},
		Filter: web.Filter{
			Path: "/stories/list", Said: "Blocked, Year 5, this week.", Matches: "24 of 1,204", Clear: "/stories/list", Button: "Show",
			Fields: []web.Field{
				{Kind: web.SearchField, Name: "q", Label: "Words in the site's name"},
				{Kind: web.SelectField, Name: "year", Label: "Year", Options: []web.Option{{Label: "All years"}, {Value: "5", Label: "Year 5", Chosen: true}}},
				{Kind: web.DayField, Name: "from", Label: "From", Value: "2026-11-16"},
			},
		},
		List: t, Pager: web.Pager{Before: "/stories/list", After: "/stories/list", Words: "25 to 48 of 1,204 requests"},
	})
}

func emptyListStory(c *web.Ctx) error {
	return listPage.Render(c, listView{
		Base: web.Base{Title: "People"}, Filter: web.Filter{Path: "/stories/list-empty", Fields: []web.Field{{Kind: web.SearchField, Name: "q", Label: "Name or username"}}},
		List: web.Table{Caption: "People", Empty: web.Empty{Title: "Nobody is here yet", Words: "Pupils, staff, parents and governors will be listed here once the roll is in.", Step: web.Link{Title: "Bring in the roll", Path: "/stories/form"}}},
	})
}

type recordView struct {
	web.Base
	Facts web.Summary
	Story web.Timeline
	Undo  web.Action
}

var recordPage = web.NewPage[recordView](pages, "pages/record.html")

func recordStory(c *web.Ctx) error {
	return recordPage.Render(c, recordView{
		Base: web.Base{
			Title: "A tablet taken in lesson 3", Marking: "Record 2026-0117", SeenBy: "the head, the deputies and the class teacher.",
			Crumbs: []web.Crumb{{Title: "Confiscated things", Path: "/stories/list"}},
		},
		Facts: web.Summary{Rows: []web.SummaryRow{
			{Key: "Whose", Text: "Tomos Llŷr-Ŵyn, 5B", Link: web.Link{Title: "Change", Path: "/stories/form"}},
			{Key: "Taken", When: c.Moment(now.Add(-70 * time.Hour)), Lines: []string{"by Ruth Abara, in the library"}},
			{Key: "Kept in", Text: "the office safe", Tags: []web.Tag{{Words: "two keys", Tone: "teal"}}},
			{Key: "State", State: web.State{Is: control.AtRisk}},
		}},
		Story: web.Timeline{Events: []web.Event{
			{When: c.Moment(now.Add(-70 * time.Hour)), Who: "Ruth Abara", Words: "Taken in lesson 3."},
			{When: c.Moment(now.Add(-69 * time.Hour)), Who: "Jon Wye", Words: "Where it is kept was changed.", Changes: []web.Change{{Field: "Kept in", Before: "staff room", After: "office safe"}}, Reason: "The staff room is not locked."},
		}},
		Undo: web.Action{Path: "/stories/confirm", Title: "Void this record", Grave: true},
	})
}
