package monitoring

import (
	"net/url"
	"slices"
	"strings"

	"belisha/internal/activity"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

type searchView struct {
	web.Base
	Counted web.Panel
	Filter  web.Filter
	Under   string
	Partial web.Panel
	Table   web.Table
	Pager   web.Pager
	Links   []web.Link
}

var searchPage = web.NewPage[searchView](pages, "pages/search.html")

var decisions = []setting.Option{
	{Value: "block", Title: "closed"}, {Value: "allow", Title: "open"}, {Value: "warn", Title: "warned"},
}

// askedOf reads the question from the address.
func askedOf(c *web.Ctx) Asked {
	return Asked{
		Who: c.Query("who"), Device: c.Query("device"), Address: c.Query("address"), Group: c.Query("group"), Host: c.Query("host"),
		Category: c.Query("category"), Action: c.Query("action"), Text: c.Query("text"),
		From: dayOf(c.Query("from")), To: dayOf(c.Query("to")), Cursor: c.Query("after"),
	}
}

// dayOf reads a day as it was typed; what is no day comes out as such, so that
// the form says what is wrong.
func dayOf(s string) people.Day {
	d, err := people.ParseDay(s)
	if err != nil {
		return people.Day(s)
	}
	return d
}

func (a Asked) values() url.Values {
	v := url.Values{}
	for name, text := range map[string]string{
		"who": a.Who, "device": a.Device, "address": a.Address, "group": a.Group, "host": a.Host, "category": a.Category,
		"action": a.Action, "text": a.Text, "from": string(a.From), "to": string(a.To),
	} {
		if text != "" {
			v.Set(name, text)
		}
	}
	return v
}

func (a Asked) fields() []web.Field {
	return []web.Field{
		{Name: "who", Label: "Name", Value: a.Who, Max: 100},
		{Name: "text", Label: "Words in a site, page or search", Value: a.Text, Max: 200},
		web.Field{Kind: web.SelectField, Name: "action", Label: "What the filter did", Options: optionsOf("Anything", decisions)}.Choose(a.Action),
		{Kind: web.DayField, Name: "from", Label: "From", Value: string(a.From)},
		{Kind: web.DayField, Name: "to", Label: "To", Value: string(a.To)},
		{Name: "host", Label: "Site", Value: a.Host, Max: 253},
		{Name: "group", Label: "Group", Value: a.Group, Max: 60},
		{Name: "device", Label: "Device", Value: a.Device, Max: 120},
		{Name: "address", Label: "Address", Value: a.Address, Max: 45},
	}
}

func (r *Room) search(c *web.Ctx) error {
	a := askedOf(c)
	found, err := r.Search(c.Context(), a)
	v := searchView{Base: web.Base{Title: "Web activity", Wide: true, Marking: marking}}
	v.Filter = web.Filter{Path: pathSearch, Fields: a.fields(), Clear: pathSearch, Button: "Search"}
	v.Links = []web.Link{{Title: "Closed most often", Path: pathBlocked}}
	if bad, ok := web.Wrong(err); ok {
		for i := range v.Filter.Fields {
			f := &v.Filter.Fields[i]
			if why, wrong := bad[f.Name]; wrong {
				f.Error = why
			}
			v.Errors.List = append(v.Errors.List, mistake(bad, f)...)
		}
		if why, wrong := bad[""]; wrong {
			v.Errors.List = append(v.Errors.List, web.Mistake{Words: sentence(why)})
		}
		v.Table = rowsTable(c, nil, false)
		return searchPage.Status(422).Render(c, v)
	}
	if err != nil {
		return r.ask(c, err)
	}
	v.fill(c, a, found)
	v.Table = r.withLogs(v.Table, found.Rows)
	if v.Counted, err = r.countedOnly(c); err != nil {
		return err
	}
	return searchPage.Render(c, v)
}

func mistake(bad store.Invalid, f *web.Field) []web.Mistake {
	why, ok := bad[f.Name]
	if !ok {
		return nil
	}
	return []web.Mistake{{Words: why, Ref: f.Ref()}}
}

func (v *searchView) fill(c *web.Ctx, a Asked, found Answer) {
	v.Filter.Said = found.Said
	v.Under = "You are looking for: " + titleOf(purposes, found.Purpose.Purpose) + ". This counts until " + c.Words.Clock(found.Purpose.Until) + "."
	if slices.ContainsFunc(found.Rows, func(s Seen) bool { return s.Found != "" }) {
		v.Under += " “Found” says what was inside and weighed how much; it names phrases of the school's lists and never quotes the page."
	}
	v.Table = rowsTable(c, found.Rows, true)
	if found.Nobody {
		v.Table.Empty = web.Empty{Title: "Nobody of that name is in the record", Words: "Names are those of the roll. Try a shorter part of the name."}
	}
	if found.Partial {
		v.Partial = web.Panel{
			Tone: "note", Title: "Searched back to " + c.Words.Moment(found.SearchedTo),
			Words: "This search takes long. Go on, or narrow it by days or a person.",
		}
	}
	if found.Next == "" && a.Cursor == "" {
		v.Filter.Matches = words.Count(len(found.Rows), "row", "rows")
	}
	q := a.values()
	if found.Next != "" {
		q.Set("after", found.Next)
		v.Pager = web.Pager{After: pathSearch + "?" + q.Encode(), Words: words.Count(len(found.Rows), "row", "rows") + ", newest first"}
		q.Del("after")
	}
	if c.May(MayExport) && len(found.Rows) > 0 {
		v.Exports = []web.Download{{Title: "Take a copy", Path: "/monitoring/activity.csv?" + q.Encode(), Kind: "CSV, noted in the journal"}}
	}
}

// decided is a decision as a tag: the word says it, the tone only helps.
func decided(a activity.Action) web.Tag {
	switch a {
	case activity.Block:
		return web.Tag{Words: "✕ closed", Tone: "red"}
	case activity.Warn:
		return web.Tag{Words: "! warned", Tone: "amber"}
	default:
		return web.Tag{Words: "✓ open", Tone: "green"}
	}
}

// rowsTable shows rows of the record; withWho adds the person.
func rowsTable(c *web.Ctx, rows []Seen, withWho bool) web.Table {
	t := web.Table{
		Caption: "Web activity", Columns: []web.Column{{Title: "Time"}},
		Empty: web.Empty{Title: "Nothing was found", Words: "Nobody's visits fit this question. Try other days, or fewer words."},
	}
	if withWho {
		t.Columns = append(t.Columns, web.Column{Title: "Who"})
	}
	t.Columns = append(t.Columns, web.Column{Title: "Where"}, web.Column{Title: "What was asked for"}, web.Column{Title: "Decision"}, web.Column{Title: "Why"})
	for i := range rows {
		s := &rows[i]
		cells := []web.Cell{{When: c.Near(s.At)}}
		if s.Times > 1 {
			cells[0].Small = words.Number(s.Times) + " times within a minute"
		}
		if withWho {
			cells = append(cells, s.whoCell(c))
		}
		tag := web.Cell{Tag: decided(s.Action)}
		if s.Flagged {
			tag.Small = "in your tray"
		}
		cells = append(cells, web.Cell{Text: s.Where, Small: s.sureness(withWho)}, s.askedCell(), tag, s.whyCell())
		t.Rows = append(t.Rows, web.Row{Cells: cells})
	}
	return t
}

// withLogs adds the way from each row to a concern, where the school's
// concerns are open.
func (r *Room) withLogs(t web.Table, rows []Seen) web.Table {
	if r.d.Cases == nil || len(t.Rows) != len(rows) || len(rows) == 0 {
		return t
	}
	t.Columns = append(t.Columns, web.Column{Title: "Concern"})
	for i := range rows {
		t.Rows[i].Cells = append(t.Rows[i].Cells, web.Cell{Text: "Log a concern", Link: concernFrom(rows[i].Ref)})
	}
	return t
}

func (s *Seen) sureness(withWho bool) string {
	if withWho {
		return ""
	}
	return s.How
}

func (s *Seen) whoCell(c *web.Ctx) web.Cell {
	small := strings.TrimSuffix(s.How+", "+s.Group, ", ")
	if s.Person == "" {
		return web.Cell{Text: sentence(s.How), Small: s.Group}
	}
	cell := web.Cell{Text: s.Name, Small: small}
	if c.May(MayRead) { // the whole day is for listed monitors
		cell.Link = "/monitoring/people/" + url.PathEscape(string(s.Person)) + "?day=" + s.At.In(c.Words.Zone()).Format("2006-01-02")
	}
	return cell
}

func (s *Seen) askedCell() web.Cell {
	cell := web.Cell{Text: s.Host}
	switch {
	case s.Words != "" && s.written():
		cell.Small = "wrote “" + s.Words + "”"
	case s.Words != "":
		cell.Small = "searched for “" + s.Words + "”"
	case s.Path != "":
		cell.Small = s.Path
	}
	return cell
}

func (s *Seen) whyCell() web.Cell {
	cell := web.Cell{Text: kindOf(s.Category), Small: s.Rule}
	if cell.Text == "" {
		cell.Text = kindOf(s.Reason)
	}
	if s.Found != "" {
		cell.Small = strings.TrimPrefix(cell.Small+", found: "+s.Found, ", ")
	}
	return cell
}

// written reports words that were written to an AI service, and searched for
// nowhere.
func (s *Seen) written() bool { return strings.HasPrefix(s.Found, "written to an AI service") }

type timelineView struct {
	web.Base
	Counted web.Panel
	Pick    web.Filter
	Before  string
	After   string
	Cut     string
	Under   string
	Table   web.Table
}

var timelinePage = web.NewPage[timelineView](pages, "pages/timeline.html")

func (r *Room) timeline(c *web.Ctx) error {
	id := people.ID(c.Param("person"))
	day, err := r.Timeline(c.Context(), id, dayOf(c.Query("day")))
	if err != nil {
		return r.ask(c, err)
	}
	path := "/monitoring/people/" + url.PathEscape(string(id))
	v := timelineView{
		Base: web.Base{
			Title: day.Person.Name(), Lead: "Web activity on " + day.Day.Words() + ", in order of time.", Wide: true, Marking: marking,
			Crumbs: []web.Crumb{{Title: "Web activity", Path: pathSearch}},
		},
		Pick: web.Filter{
			Path: path, Button: "Show", Matches: words.Count(len(day.Rows), "row", "rows"),
			Fields: []web.Field{{Kind: web.DayField, Name: "day", Label: "Day", Value: string(day.Day)}},
		},
		Before: path + "?day=" + string(day.Day.Add(-1)), After: path + "?day=" + string(day.Day.Add(1)),
		Under: "You are looking for: " + titleOf(purposes, day.Purpose.Purpose) + ". A row alone proves nothing: somebody else may have held the device.",
		Table: rowsTable(c, day.Rows, false),
	}
	v.Table = r.withLogs(v.Table, day.Rows)
	v.Table.Caption = "One day"
	v.Table.Empty = web.Empty{Title: "Nothing is recorded for this day", Words: "Rows appear where somebody signed in, or where a device is lent to them."}
	if day.Cut {
		v.Cut = "Only the first " + words.Number(maxShown) + " rows are shown. Search with words or a site to see the others."
	}
	if v.Counted, err = r.countedOnly(c); err != nil {
		return err
	}
	return timelinePage.Render(c, v)
}

// export sends a copy of what a search finds.
func (r *Room) export(c *web.Ctx) error {
	copied, err := r.Copy(c.Context(), askedOf(c))
	if err != nil {
		return r.ask(c, err)
	}
	note := "Taken by " + c.Actor.Name + " on " + c.Words.Moment(c.Now()) + " for: " + titleOf(purposes, copied.Purpose.Purpose) + ". " + marking
	if copied.Cut {
		note += " Not everything: only the newest " + words.Number(len(copied.Rows)) + " rows."
	}
	out, err := copyOf(c, copied.Rows, note)
	if err != nil {
		return err
	}
	return c.Send("web-activity.csv", "text/csv; charset=utf-8", out)
}
