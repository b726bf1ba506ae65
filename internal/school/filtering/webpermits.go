package filtering

import (
	"bytes"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"belisha/internal/kit/csvio"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

var permitStates = []UnblockState{UnblockAsked, UnblockGranted, UnblockEnded, UnblockRefused, UnblockWithdrawn, UnblockLapsed}

// permitList is every file that was asked for; of those who may not read the
// filter, what waits and what they decided themselves.
func (r *Room) permitList(c *web.Ctx) error {
	p := pageOf(c)
	f := permitFilter{State: UnblockState(c.Query("state")), Words: strings.ToLower(c.Query("find")), page: p}
	if !slices.Contains(permitStates, f.State) {
		f.State = ""
	}
	if !c.May(MayRead) {
		f.Mine = people.ID(c.Actor.Person)
	}
	list, total, err := findPermits(c.Context(), r.d.DB, f)
	if err != nil {
		return fmt.Errorf("reading which files were asked for: %w", err)
	}
	if f.Mine != "" {
		if list, err = r.seenBy(c, list); err != nil {
			return err
		}
	}
	state := web.Field{Kind: web.SelectField, Name: "state", Label: "State", Optional: true, Options: []web.Option{
		{Value: "", Label: "all"},
		{Value: string(UnblockAsked), Label: "waits"},
		{Value: string(UnblockGranted), Label: "permitted"},
		{Value: string(UnblockEnded), Label: "closed again"},
		{Value: string(UnblockRefused), Label: "refused"},
		{Value: string(UnblockWithdrawn), Label: "taken back"},
		{Value: string(UnblockLapsed), Label: "not decided in time"},
	}}
	v := listView{
		Base: web.Base{Title: "Files that were asked for", Lead: "One file of a closed kind, for one person and a time; never one in which the scanner found something.", Wide: true},
		Filter: web.Filter{
			Path: pathPermits, Button: "Find",
			Fields: []web.Field{state.Choose(string(f.State)), {Kind: web.SearchField, Name: "find", Label: "Part of an address", Value: f.Words, Optional: true, Max: 200}},
		},
		Table: r.permitTable(c, list, pathPermits, true),
		Pager: p.pager(pathPermits, total, url.Values{"state": {string(f.State)}, "find": {f.Words}}, "files"),
	}
	if f.Mine == "" {
		v.Crumbs, v.Filter.Matches = home, words.Count(total, "file", "files")
		v.Add = web.Link{Title: "Copy as a table", Path: "/filter/downloads.csv"}
	}
	return listTemplate.Render(c, v)
}

// seenBy keeps what the reader decided or may decide.
func (r *Room) seenBy(c *web.Ctx, list []Permit) ([]Permit, error) {
	var out []Permit
	for _, p := range list {
		if string(p.DecidedBy) == c.Actor.Person {
			out = append(out, p)
			continue
		}
		why, err := r.mayPermit(c.Context(), c.Actor, p)
		if err != nil {
			return nil, err
		}
		if why == "" {
			out = append(out, p)
		}
	}
	return out, nil
}

// permitOne is one file, with the buttons that decide about it.
func (r *Room) permitOne(c *web.Ctx) error {
	p, err := r.Permit(c.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	page := pathPermits + "/" + p.ID
	v := decideView{
		Base:     web.Base{Title: "File that was asked for", Lead: shown(p), Crumbs: []web.Crumb{{Title: "Files that were asked for", Path: pathPermits}}},
		Summary:  r.permitSummary(c, p, true),
		Explains: web.Link{Title: "What is looked at, and which kinds of file are closed", Path: pathContent},
	}
	why, err := r.mayPermit(c.Context(), c.Actor, p)
	if err != nil {
		return err
	}
	if p.State == UnblockAsked && p.Until.After(r.now()) {
		v.Decides = why == ""
		if why != "" {
			v.Note = web.Panel{Tone: "note", Title: "Not yours to decide", Words: why}
		}
		if err := r.permitButtons(c, &v, p, page); err != nil {
			return err
		}
	}
	if p.Running(r.now()) && why == "" {
		v.Ends = true
		v.End = web.Confirm{What: "The file is closed again.", When: "At once.", Action: web.Action{Path: page + "/end", Title: "Close it now", Grave: true}}
	}
	return decideTemplate.Render(c, v)
}

func (r *Room) permitButtons(c *web.Ctx, v *decideView, p Permit, page string) error {
	long, err := r.permitLengths(c)
	if err != nil {
		return err
	}
	who := r.name(c.Context(), "person:"+string(p.AskedBy))
	v.Grant = web.Confirm{
		What: who + " may download this file.", Whom: "Nobody else, and no other file of the site.",
		List:   []string{"What for: " + p.Purpose, "It is scanned for viruses as every file is, where a scanner has been set up."},
		When:   "Within a second; then it closes by itself.",
		Fields: []web.Field{{Kind: web.SelectField, Name: "minutes", Label: "For how long", Options: long}}, Undo: "It can be closed before that.",
		Action: web.Action{Path: page + "/grant", Title: "Permit it"},
	}
	v.Refuse = web.Confirm{
		What: "It stays closed, and whoever asked reads why.", When: "At once.", Fields: []web.Field{{Name: "reason", Label: "Why not", Max: mostPurpose}},
		Action: web.Action{Path: page + "/refuse", Title: "Refuse it", Quiet: true},
	}
	return nil
}

// permitLengths are how long a file may be permitted for; a day first.
func (r *Room) permitLengths(c *web.Ctx) ([]web.Option, error) {
	cal, err := r.d.People.Calendar(c.Context(), people.MainSite)
	if err != nil {
		return nil, fmt.Errorf("reading the calendar: %w", err)
	}
	most := int(r.d.Live.Current().Duration(keyPermitMax) / time.Minute)
	var out []web.Option
	if l, ok := cal.LessonAt(c.Now()); ok {
		local := c.Now().In(cal.Location())
		if left := l.Until - (local.Hour()*60 + local.Minute()); left >= int(leastPermit/time.Minute) && left <= most {
			out = append(out, web.Option{Value: strconv.Itoa(left), Label: fmt.Sprintf("To the end of %s, %d minutes", l.Name, left)})
		}
	}
	for _, n := range []int{10, 60, 4 * 60, 24 * 60, 3 * 24 * 60, 7 * 24 * 60} {
		if n <= most {
			out = append(out, web.Option{Value: strconv.Itoa(n), Label: words.Length(time.Duration(n) * time.Minute), Chosen: n == min(24*60, most)})
		}
	}
	return out, nil
}

func (r *Room) permitGrant(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	page := pathPermits + "/" + c.Param("id")
	n, err := strconv.Atoi(strings.TrimSpace(form.Get("minutes")))
	if err != nil || n < 0 || n > 14*24*60 {
		return done(c, store.Invalid{"minutes": "Choose for how long."}, "", page, page)
	}
	return done(c, r.GrantPermit(c.Context(), c.Param("id"), time.Duration(n)*time.Minute), "Permitted until its end.", page, page)
}

func (r *Room) permitRefuse(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	page := pathPermits + "/" + c.Param("id")
	return done(c, r.RefusePermit(c.Context(), c.Param("id"), form.Get("reason")), "Refused. Whoever asked reads why.", page, page)
}

func (r *Room) permitEnd(c *web.Ctx) error {
	page := pathPermits + "/" + c.Param("id")
	return done(c, r.EndPermit(c.Context(), c.Param("id")), "Closed.", page, page)
}

// permitCSV is a copy of everything that was asked for.
func (r *Room) permitCSV(c *web.Ctx) error {
	list, _, err := findPermits(c.Context(), r.d.DB, permitFilter{page: page{at: 1, size: mostExported}})
	if err != nil {
		return fmt.Errorf("reading which files were asked for: %w", err)
	}
	var out bytes.Buffer
	w, err := csvio.NewWriter(&out)
	if err != nil {
		return fmt.Errorf("writing the copy: %w", err)
	}
	if err := w.Row("asked", "file", "what for", "by", "group", "state", "decided", "decided by", "until", "why not"); err != nil {
		return fmt.Errorf("writing the copy: %w", err)
	}
	names := map[string]string{}
	name := func(id people.ID) string {
		key := "person:" + string(id)
		if _, known := names[key]; !known && id != "" {
			names[key] = r.name(c.Context(), key)
		}
		return names[key]
	}
	for _, p := range list {
		err := w.Row(stamp(p.AskedAt), p.Address(), p.Purpose, name(p.AskedBy), p.Group, permitTag(p, r.now()).Words, stamp(p.DecidedAt), name(p.DecidedBy), stamp(p.Until), p.Answer)
		if err != nil {
			return fmt.Errorf("writing the copy: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("writing the copy: %w", err)
	}
	return c.Send("files-asked-for.csv", "text/csv; charset=utf-8", &out)
}

// stamp is a moment in a copy, empty for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}
