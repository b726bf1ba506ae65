// Package storybook shows every partial and every state of a page with
// invented people, without a database. Designers look at it at 320, 768 and
// 1440 pixels, in light and dark; the browser tests run the accessibility
// checker over all of it; a hidden route of a development server shows it.
package storybook

import (
	"context"
	"embed"
	"io"
	"log/slog"
	"net/http"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
)

//go:embed pages/*.html
var pages embed.FS

// Story is one page of the storybook.
type Story struct {
	Path  string // "/stories/tray"
	Title string
	What  string // what to look at
	do    web.Handler
	// people: in the layout of the people's pages. nobody: not signed in.
	people, nobody bool
}

// Stories returns all stories, in the order of the list.
func Stories() []Story {
	return []Story{
		{Path: "/stories/tray", Title: "Home, with things that wait", What: "The beacon is lit. Highest risk first, then longest waiting.", do: trayStory},
		{Path: "/stories/tray-empty", Title: "Home, with nothing waiting", What: "The beacon is unlit and says when it last looked.", do: emptyTrayStory},
		{Path: "/stories/prose", Title: "A policy as prose", What: "A mark and its word beside each clause; values underlined.", do: proseStory},
		{Path: "/stories/evidence", Title: "Evidence", What: "Measured, attested, imported, provider, none, and not applicable.", do: evidenceStory},
		{Path: "/stories/list", Title: "A long list", What: "Filter in words, sticky head, whole row is the target.", do: listStory},
		{Path: "/stories/list-empty", Title: "An empty list", What: "What will be here and how to begin.", do: emptyListStory},
		{Path: "/stories/record", Title: "A record", What: "Summary first, then the story.", do: recordStory},
		{Path: "/stories/form", Title: "A form at the desk", What: "Every kind of field.", do: formStory},
		{Path: "/stories/form-wrong", Title: "A form that came back", What: "The summary has the focus; nothing typed is lost.", do: wrongFormStory},
		{Path: "/stories/confirm", Title: "Before it is done", What: "What will happen, to whom, from when.", do: confirmStory},
		{Path: "/stories/figures", Title: "Figures", What: "Bars, sparklines and their tables.", do: figuresStory},
		{Path: "/stories/marks", Title: "Marks, tags and panels", What: "A shape and a word, never colour alone.", do: marksStory},
		{Path: "/stories/sign-in", Title: "Sign in", What: "A people's page: big words, no menu.", do: signInStory, people: true, nobody: true},
		{Path: "/stories/blocked", Title: "Words for a child of eight", What: "No scolding; who can help.", do: blockedStory, people: true, nobody: true},
		{Path: "/stories/not-found", Title: "No such page", What: "A status page.", do: fails(store.ErrNotFound)},
		{Path: "/stories/stale", Title: "Somebody was first", What: "A status page.", do: fails(store.ErrStale)},
		{Path: "/stories/fault", Title: "A fault", What: "A status page with its number.", do: fails(io.ErrUnexpectedEOF)},
	}
}

func fails(err error) web.Handler { return func(*web.Ctx) error { return err } }

type indexView struct {
	web.Base
	List web.Table
}

var indexPage = web.NewPage[indexView](pages, "pages/index.html")

func index(c *web.Ctx) error {
	t := web.Table{Caption: "Stories", Columns: []web.Column{{Title: "Story"}, {Title: "What to look at"}}}
	for _, s := range Stories() {
		t.Rows = append(t.Rows, web.Row{Link: s.Path, Cells: []web.Cell{{Text: s.Title}, {Text: s.What}}})
	}
	return indexPage.Render(c, indexView{Base: web.Base{Title: "Storybook", Lead: "Every part of a page, with invented people."}, List: t})
}

// Section returns the stories as routes that everybody may open. It belongs
// on a development server and in tests only.
func Section() web.Section {
	s := web.Section{
		Name: "stories", Title: "Stories", Menu: menu(),
		Routes: []web.Route{{Pattern: "GET /stories", Needs: web.Open, Do: index}},
	}
	for _, st := range Stories() {
		s.Routes = append(s.Routes, web.Route{Pattern: "GET " + st.Path, Needs: web.Open, Do: st.do, People: st.people})
	}
	return s
}

func menu() []web.MenuItem {
	return []web.MenuItem{
		{Title: "Home", Path: "/stories/tray", Needs: web.Open, Icon: "home"},
		{Title: "Policy", Path: "/stories/prose", Needs: web.Open, Icon: "policy"},
		{Title: "Filtering", Path: "/stories/confirm", Needs: web.Open, Icon: "filter"},
		{Title: "Monitoring", Path: "/stories/list", Needs: web.Open, Icon: "look"},
		{Title: "People", Path: "/stories/record", Needs: web.Open, Icon: "people"},
		{Title: "Evidence", Path: "/stories/evidence", Needs: web.Open, Icon: "evidence"},
		{Title: "Backups", Path: "/stories/figures", Needs: web.Open, Icon: "backup"},
	}
}

// now is when all stories are told: a Monday morning in November.
var now = time.Date(2026, 11, 23, 8, 30, 0, 0, time.UTC)

// rested is somebody for whom nothing waits.
const rested = "person:jon"

// reader signs a made-up head in for every story but those for nobody.
type reader struct{}

func (reader) Actor(r *http.Request) (actor.Actor, error) {
	for _, s := range Stories() {
		if s.Path == r.URL.Path && s.nobody {
			return actor.Actor{ID: "nobody", Kind: actor.Nobody}, nil
		}
	}
	if r.URL.Path == "/stories/tray-empty" {
		return actor.New(actor.Actor{ID: rested, Name: "Jon Wye", Kind: actor.Person, Audience: actor.Staff}), nil
	}
	return actor.New(actor.Actor{ID: "person:ines", Name: "Ines Halloran", Kind: actor.Person, Audience: actor.Staff}), nil
}

// Handler returns a site with the stories alone. hosts are the names that it
// answers to.
func Handler(hosts ...string) (http.Handler, error) {
	desk, _, err := web.Mux([]web.Section{Section()}, web.Deps{
		Sessions: reader{}, Clock: clock.NewFake(now), Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Hosts: web.HostList(hosts...), Version: "storybook", Demo: true,
		About: func(context.Context) web.About { return about() },
		Beacon: func(_ context.Context, a actor.Actor) (web.Beacon, error) {
			if a.ID == rested {
				return web.Beacon{Checked: now.Add(-28 * time.Minute)}, nil
			}
			return web.Beacon{Waiting: 3, NotKept: 1, Checked: now.Add(-28 * time.Minute)}, nil
		},
	})
	return desk, err
}

func about() web.About {
	return web.About{
		School: "Ashdown Primary School", Zone: time.UTC,
		Contact: "Questions about this page: Bela Okoro, online-safety lead, room 4.",
		Help: []web.Turn{
			{Name: "A grown-up you trust"},
			{Name: "Childline", Phone: "0800 1111", Words: "free, day and night"},
			{Name: "In danger now", Phone: "999"},
		},
		Banners: []web.Banner{{Title: "Starter list", Words: "It is not a filter on its own.", Link: "/stories/confirm", Step: "Load a full list"}},
	}
}
