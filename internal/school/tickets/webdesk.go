package tickets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/csvio"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/school/people"
)

type deskView struct {
	web.Base
	Summary web.Summary
	Links   []web.Link
	Story   web.Timeline
	Take    web.Action
	Takes   bool
	Answers bool
	Close   form
	Reply   form
}

// form is one form of the page.
type form struct {
	Path   string
	Hidden []web.Hidden
	Fields []web.Field
	Button string
}

var deskTemplate = web.NewPage[deskView](pages, "pages/desk.html")

// seesPupils: whoever sees the safeguarding tray may read which pupil it was.
const seesPupils actor.Capability = "safeguarding.tray"

// reporter says who reported. A pupil is not named to those who look after
// the filter.
func (r *Room) reporter(ctx context.Context, a actor.Actor, t Ticket) string {
	switch {
	case t.Who == "":
		return "Nobody signed in"
	case t.Audience == actor.Pupil && !a.May(seesPupils):
		return "A pupil"
	}
	return r.name(ctx, t.Who)
}

func (r *Room) name(ctx context.Context, id people.ID) string {
	p, err := r.People.Get(ctx, id)
	if err != nil {
		return "Somebody no longer on the roll"
	}
	return p.Name()
}

// by says who did something to a report.
func (r *Room) by(ctx context.Context, a actor.Actor, t Ticket, e Event) string {
	id, ok := strings.CutPrefix(e.By, "person:")
	switch {
	case e.What == "reported" || e.What == "reopened":
		return r.reporter(ctx, a, t)
	case ok:
		return r.name(ctx, people.ID(id))
	}
	return "Belisha"
}

// deskFilter reads the filter of the list from the address.
func deskFilter(c *web.Ctx) (Filter, url.Values) {
	f := Filter{Words: c.Query("find"), Kind: Kind(c.Query("kind"))}
	q := url.Values{}
	if len(f.Words) > 100 {
		f.Words = f.Words[:100]
	}
	if f.Kind != Over && f.Kind != Under && f.Kind != Wrong {
		f.Kind = ""
	}
	switch s := c.Query("state"); s {
	case string(Open), string(Taken), string(Closed):
		f.State = State(s)
		q.Set("state", s)
	case "late":
		f.Late = true
		q.Set("state", s)
	}
	for k, v := range map[string]string{"kind": string(f.Kind), "find": f.Words} {
		if v != "" {
			q.Set(k, v)
		}
	}
	return f, q
}

// deskList is every report, a page at a time.
func (r *Room) deskList(c *web.Ctx) error {
	p := pageOf(c)
	f, q := deskFilter(c)
	f.Limit, f.Offset = p.size, p.offset()
	list, total, err := r.List(c.Context(), f)
	if err != nil {
		return err
	}
	state := web.Field{Kind: web.SelectField, Name: "state", Label: "State", Optional: true, Options: []web.Option{
		{Value: "", Label: "all"}, {Value: "late", Label: "late"}, {Value: string(Open), Label: "waits"}, {Value: string(Taken), Label: "somebody sees to it"}, {Value: string(Closed), Label: "answered"},
	}}
	kind := web.Field{Kind: web.SelectField, Name: "kind", Label: "Kind", Optional: true, Options: []web.Option{{Value: "", Label: "all"}}}
	for _, k := range Kinds() {
		kind.Options = append(kind.Options, web.Option{Value: string(k), Label: k.Words()})
	}
	v := listView{
		Base: web.Base{
			Title: "Reports about the filter", Lead: "What people say should be open, should be closed, or is wrong. Pupils are not named.", Wide: true,
			Exports: []web.Download{{Title: "Take a copy", Path: "/tickets.csv?" + q.Encode(), Kind: "CSV"}},
		},
		Filter: web.Filter{
			Path: pathDesk, Button: "Show", Matches: fmt.Sprintf("%d reports", total),
			Fields: []web.Field{state.Choose(q.Get("state")), kind.Choose(string(f.Kind)), {Kind: web.SearchField, Name: "find", Label: "Part of the site", Value: f.Words, Optional: true, Max: 100}},
		},
		Table: web.Table{
			Caption: "Reports", Columns: []web.Column{{Title: "Number", Numeric: true}, {Title: "About"}, {Title: "Is"}, {Title: "By"}, {Title: "Came"}, {Title: "Due"}},
			Empty: web.Empty{Title: "There is no report", Words: "People report from the page that stands in place of a closed site, and from “Why is this closed?”."},
		},
		Pager: p.pager(pathDesk, total, q),
	}
	for _, t := range list {
		v.Table.Rows = append(v.Table.Rows, web.Row{Link: pathDesk + "/" + t.ID, Faint: t.State == Closed, Cells: []web.Cell{
			{Text: strconv.FormatInt(t.Number, 10)},
			{Text: about(t)},
			{Tag: r.stateTag(t)},
			{Text: r.reporter(c.Context(), c.Actor, t), Small: t.Place},
			{When: c.Near(t.AskedAt)},
			{When: c.Near(t.DueAt)},
		}})
	}
	return listTemplate.Render(c, v)
}

// mostExported bounds a copy.
const mostExported = 100_000

func (r *Room) deskCSV(c *web.Ctx) error {
	f, _ := deskFilter(c)
	f.Limit = mostExported
	list, _, err := r.List(c.Context(), f)
	if err != nil {
		return err
	}
	err = r.DB.Write(c.Context(), func(tx *store.Tx) error {
		return r.Journal.Write(c.Context(), tx, journal.Entry{Verb: VerbExported, Kind: "tickets", ID: "csv", After: map[string]int{"reports": len(list)}})
	})
	if err != nil {
		return err
	}
	var out bytes.Buffer
	w, err := csvio.NewWriter(&out)
	if err != nil {
		return fmt.Errorf("writing the copy: %w", err)
	}
	if err := w.Row("number", "kind", "site", "said", "by", "place", "came", "due", "answered", "outcome", "state"); err != nil {
		return fmt.Errorf("writing the copy: %w", err)
	}
	names := map[people.ID]string{}
	for _, t := range list {
		if _, known := names[t.Who]; !known {
			names[t.Who] = r.reporter(c.Context(), c.Actor, t)
		}
		err := w.Row(strconv.FormatInt(t.Number, 10), string(t.Kind), t.Site, t.Said, names[t.Who], t.Place,
			stamp(t.AskedAt), stamp(t.DueAt), stamp(t.AnsweredAt), t.Outcome.Words(), string(t.State))
		if err != nil {
			return fmt.Errorf("writing the copy: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("writing the copy: %w", err)
	}
	return c.Send("reports-about-the-filter.csv", "text/csv; charset=utf-8", &out)
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

// deskOne is one report with what can be done about it.
func (r *Room) deskOne(c *web.Ctx) error {
	v, err := r.deskOf(c)
	if err != nil {
		return err
	}
	return deskTemplate.Render(c, v)
}

func (r *Room) deskOf(c *web.Ctx) (deskView, error) {
	t, err := r.get(c.Context(), r.DB, c.Param("id"))
	if err != nil {
		return deskView{}, err
	}
	list, err := events(c.Context(), r.DB, t.ID)
	if err != nil {
		return deskView{}, err
	}
	v := deskView{
		Base:    web.Base{Title: fmt.Sprintf("Report %d", t.Number), Lead: about(t), Crumbs: []web.Crumb{{Title: "Reports about the filter", Path: pathDesk}}},
		Summary: r.facts(c, t), Links: links(c, t),
	}
	for _, e := range list {
		v.Story.Events = append(v.Story.Events, web.Event{When: c.Near(e.At), Who: r.by(c.Context(), c.Actor, t, e), Words: told(e, t)})
	}
	if !c.May(MayAnswer) || t.State == Closed {
		return v, nil
	}
	at, hidden := pathDesk+"/"+t.ID, []web.Hidden{{Name: "version", Value: strconv.FormatInt(t.Version, 10)}}
	v.Answers, v.Takes = true, t.State == Open
	v.Take = web.Action{Path: at + "/take", Title: "I see to it", Quiet: true, Hidden: hidden}
	var outcomes []web.Option
	for _, o := range Outcomes() {
		outcomes = append(outcomes, web.Option{Value: string(o), Label: o.Words()})
	}
	v.Close = form{Path: at + "/close", Hidden: hidden, Button: "Answer and close", Fields: []web.Field{
		{Kind: web.RadiosField, Name: "outcome", Label: "What was done", Options: outcomes},
		{Kind: web.LongField, Name: "said", Label: "The answer, and why", Hint: "Whoever reported it reads this. Write so that a child understands it.", Rows: 3, Max: mostSaid},
	}}
	v.Reply = form{Path: at + "/reply", Hidden: hidden, Button: "Reply, and leave it open", Fields: []web.Field{
		{Kind: web.LongField, Name: "reply", Label: "A first reply", Rows: 2, Max: mostSaid},
	}}
	return v, nil
}

func (r *Room) facts(c *web.Ctx, t Ticket) web.Summary {
	s := web.Summary{Rows: []web.SummaryRow{
		{Key: "Is", Tags: []web.Tag{r.stateTag(t)}},
		{Key: "Site", Text: t.Site},
		{Key: "What they wrote", Text: t.Said},
		{Key: "By", Text: r.reporter(c.Context(), c.Actor, t), Lines: []string{t.Place}},
		{Key: "Came", When: c.Moment(t.AskedAt)},
		{Key: "Due", When: c.Moment(t.DueAt), Lines: []string{t.Owner.Title()}},
	}}
	if t.TakenBy != "" {
		s.Rows = append(s.Rows, web.SummaryRow{Key: "Seen to by", Text: r.name(c.Context(), t.TakenBy), When: c.Moment(t.TakenAt)})
	}
	if t.Outcome != "" {
		s.Rows = append(s.Rows, web.SummaryRow{Key: "What was done", Text: t.Outcome.Words(), When: c.Moment(t.ClosedAt)})
	}
	out := s.Rows[:0]
	for _, row := range s.Rows {
		if row.Text != "" || row.When.Words != "" || len(row.Tags) > 0 {
			out = append(out, row)
		}
	}
	s.Rows = out
	return s
}

// links lead to what helps to decide a report, as far as the reader may.
func links(c *web.Ctx, t Ticket) []web.Link {
	var out []web.Link
	if t.Site != "" && c.May("filtering.read") {
		out = append(out, web.Link{Title: "What happens to this site for pupils, and why", Path: "/filter/try?" + url.Values{"url": {t.Site}, "group": {"pupils"}}.Encode()})
	}
	if t.Site != "" && c.May("filtering.change") {
		out = append(out, web.Link{Title: "Make an own entry for it", Path: "/filter/own/new?" + url.Values{"entry": {t.Site}}.Encode()})
	}
	return out
}

func version(c *web.Ctx) int64 {
	n, err := strconv.ParseInt(c.Value("version"), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

func (r *Room) deskTake(c *web.Ctx) error {
	if err := r.Take(c.Context(), c.Param("id"), version(c)); err != nil {
		return err
	}
	c.Notice("Yours.")
	return c.Redirect(pathDesk + "/" + c.Param("id"))
}

// back shows the page once more with what is wrong, and everything typed.
func (r *Room) back(c *web.Ctx, err error, pick func(v *deskView) []web.Field, rename map[string]string) error {
	bad, wrong := web.Wrong(err)
	if !wrong {
		return err
	}
	posted, ferr := c.Form()
	if ferr != nil {
		return ferr
	}
	v, verr := r.deskOf(c)
	if verr != nil {
		return errors.Join(verr, err)
	}
	said := store.Invalid{}
	for k, words := range bad {
		if to, ok := rename[k]; ok {
			k = to
		}
		said[k] = words
	}
	fields := pick(&v)
	ptrs := make([]*web.Field, 0, len(fields))
	for i := range fields {
		ptrs = append(ptrs, &fields[i])
	}
	v.Errors = web.Refill(posted, said, ptrs...)
	return deskTemplate.Status(422).Render(c, v)
}

func (r *Room) deskReply(c *web.Ctx) error {
	err := r.Reply(c.Context(), c.Param("id"), version(c), c.Value("reply"))
	if err != nil {
		return r.back(c, err, func(v *deskView) []web.Field { return v.Reply.Fields }, map[string]string{"said": "reply"})
	}
	c.Notice("Sent.")
	return c.Redirect(pathDesk + "/" + c.Param("id"))
}

func (r *Room) deskClose(c *web.Ctx) error {
	err := r.Close(c.Context(), c.Param("id"), version(c), Outcome(c.Value("outcome")), c.Value("said"))
	if err != nil {
		return r.back(c, err, func(v *deskView) []web.Field { return v.Close.Fields }, nil)
	}
	c.Notice("Answered and closed.")
	return c.Redirect(pathDesk)
}
