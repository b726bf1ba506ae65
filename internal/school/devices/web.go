package devices

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/school/devices/platform"
)

//go:embed pages/*.html
var pages embed.FS

const (
	pathHome   = "/devices"
	pathBeside = "/devices/beside"
	pathDoors  = "/devices/doors"
	pathTryOut = "/devices/try-out"
	pathWords  = "/devices/path"
	pathLogs   = "/devices/other-log"
	pathWays   = "/devices/platforms"
	pathFiles  = "/devices/files/"
	pathOut    = "/setup/way-out"
	pathCard   = "/setup/way-out/card"
)

// Section is the room's pages.
func (r *Room) Section() web.Section {
	return web.Section{
		Name: "devices", Title: "Devices",
		Menu: []web.MenuItem{{Title: "Devices", Path: pathHome, Needs: MayRead, Icon: "devices", Area: "Filter"}},
		Routes: slices.Concat(r.firewallRoutes(), r.guestRoutes(), r.certificateRoutes(), []web.Route{
			{Pattern: "GET " + pathHome, Needs: MayRead, Do: r.home},
			{Pattern: "GET " + pathBeside, Needs: MayManage, Do: r.ask(r.besideStep())},
			{Pattern: "POST " + pathBeside, Needs: MayManage, Do: r.answer(r.besideStep(), pathBeside, "Saved.")},
			{Pattern: "GET " + pathDoors, Needs: MayManage, Do: r.ask(r.doorsStep())},
			{Pattern: "POST " + pathDoors, Needs: MayManage, Do: r.answer(r.doorsStep(), pathDoors, "Saved: the filter listens there.")},
			{Pattern: "GET " + pathTryOut, Needs: MayRead, Do: r.tryOutPage},
			{Pattern: "POST " + pathTryOut, Needs: MayReal, Do: r.answer(r.tryOutStep(), pathTryOut, "Begun: nothing is closed for them until the day you chose.")},
			{Pattern: "POST " + pathTryOut + "/{group}/real", Needs: MayReal, Do: r.makeReal},
			{Pattern: "GET " + pathWords, Needs: MayManage, Do: r.ask(r.wordStep())},
			{Pattern: "POST " + pathWords, Needs: MayManage, Do: r.answer(r.wordStep(), pathWords, "Written down.")},
			{Pattern: "GET " + pathLogs, Needs: MayManage, Do: r.logPage},
			{Pattern: "POST " + pathLogs, Needs: MayManage, Do: r.logTake, Body: LogBytes + 1<<20},
			{Pattern: "GET " + pathWays, Needs: MayRead, Do: r.wayList},
			{Pattern: "GET " + pathWays + "/{slug}", Needs: MayRead, Do: r.wayPage},
			{Pattern: "GET " + pathFiles + "{name}", Needs: MayRead, Do: r.file},
			{Pattern: "GET " + pathOut, Needs: MayWayOut, Do: r.outPage},
			{Pattern: "POST " + pathOut, Needs: MayWayOut, Do: r.outPost},
			{Pattern: "GET " + pathCard, Needs: MayRead, Do: r.cardPage},
			{Pattern: "GET /device", Needs: web.Open, Do: r.thisDevice, People: true},
		}),
	}
}

// Step is one question about the devices. The set-up asks it, and afterwards
// the desk does.
type Step struct {
	Slug, Title string
	// Asked reports whether it is asked at all; nil: always.
	Asked func(ctx context.Context) (bool, error)
	// View is the question as it stands.
	View func(ctx context.Context) (StepView, error)
	// Save takes the answer; nil where there is only something to see.
	Save func(ctx context.Context, form url.Values) error
}

// StepView is what is shown of a step.
type StepView struct {
	Intro  []string
	Note   web.Panel
	Fields []web.Field
	Facts  web.Summary
	Table  web.Table
	Files  []web.Download
	Button string // "" where there is nothing to save
}

// formView is a step at the desk.
type formView struct {
	web.Base
	StepView
	Path   string
	Cancel web.Link
}

var formPage = web.NewPage[formView](pages, "pages/form.html")

var crumbs = []web.Crumb{{Title: "Devices", Path: pathHome}}

func (s Step) desk(c *web.Ctx) (formView, error) {
	v, err := s.View(c.Context())
	if err != nil {
		return formView{}, err
	}
	return formView{
		Base: web.Base{Title: s.Title, Crumbs: crumbs}, StepView: v, Path: c.R.URL.Path, Cancel: web.Link{Title: "Leave without saving", Path: pathHome},
	}, nil
}

// ask shows a step at the desk.
func (r *Room) ask(s Step) web.Handler {
	return func(c *web.Ctx) error {
		v, err := s.desk(c)
		if err != nil {
			return err
		}
		return formPage.Render(c, v)
	}
}

// answer takes the answer to a step at the desk.
func (r *Room) answer(s Step, to, said string) web.Handler {
	return func(c *web.Ctx) error {
		form, err := c.Form()
		if err != nil {
			return err
		}
		err = s.Save(c.Context(), form)
		if bad, ok := web.Wrong(err); ok {
			v, err := s.desk(c)
			if err != nil {
				return err
			}
			v.Errors = web.Refill(form, bad, pointers(v.Fields)...)
			return formPage.Status(http.StatusUnprocessableEntity).Render(c, v)
		}
		if err != nil {
			return err
		}
		c.Notice(said)
		return c.Redirect(to)
	}
}

func pointers(fields []web.Field) []*web.Field {
	out := make([]*web.Field, len(fields))
	for i := range fields {
		out[i] = &fields[i]
	}
	return out
}

// file sends one platform's file.
func (r *Room) file(c *web.Ctx) error {
	f, err := r.File(c.Context(), c.Param("name"))
	if err != nil {
		return err
	}
	return c.Send(f.Name, f.Type, bytes.NewReader(f.Body))
}

// File makes a platform's file from the facts of now.
func (r *Room) File(ctx context.Context, name string) (platform.File, error) {
	facts, err := r.Facts(ctx)
	if err != nil {
		return platform.File{}, err
	}
	f, err := platform.Make(name, facts)
	if errors.Is(err, platform.ErrNone) || errors.Is(err, platform.ErrClosed) {
		return f, store.ErrNotFound
	}
	return f, err
}

// downloads are the files of a way in that can be made now.
func downloads(w Way, f platform.Facts, under string) []web.Download {
	var out []web.Download
	for _, name := range w.Files {
		if platform.Has(name, f) {
			kind := strings.ToUpper(name[strings.LastIndexByte(name, '.')+1:])
			out = append(out, web.Download{Title: platform.Title(name), Path: under + name, Kind: kind})
		}
	}
	return out
}

// device is one line of the list: what the school knows and what was seen.
type device struct {
	known *Known
	seen  *Seen
}

// list joins what is known and what was seen, what was seen last first.
func (r *Room) list(ctx context.Context) ([]device, error) {
	known, err := r.d.Known(ctx)
	if err != nil {
		return nil, fmt.Errorf("asking for the devices: %w", err)
	}
	seen, err := r.d.Seen(ctx)
	if err != nil {
		return nil, fmt.Errorf("asking the filter what it saw: %w", err)
	}
	by := map[string]*Known{}
	for i := range known {
		by[known[i].ID] = &known[i]
	}
	had := map[string]bool{}
	var out []device
	for i := range seen {
		s := &seen[i]
		had[s.Device] = true
		out = append(out, device{known: by[s.Device], seen: s})
	}
	for i := range known {
		if !had[known[i].ID] {
			out = append(out, device{known: &known[i]})
		}
	}
	return out, nil
}

// at is the line of an address.
func at(list []device, a netip.Addr) (device, bool) {
	i := slices.IndexFunc(list, func(d device) bool { return d.seen != nil && d.seen.Address == a })
	if i < 0 {
		return device{}, false
	}
	return list[i], true
}

// as says what a device is filtered as.
func (s Seen) as() string {
	if s.Group == "" {
		return "seen, filtered by the strictest rules: nobody has said what it is"
	}
	return "seen, filtered as " + s.Group
}
