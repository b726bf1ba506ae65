package review

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"belisha/internal/kit/control"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
)

type headView struct {
	web.Base
	Failed web.Panel
	First  []web.TrayLine // at most three
	None   string
	Rest   string // how many more lines of promises there are
	// Unknown says how many promises have no evidence.
	Unknown string
	Body    body
}

type boardView struct {
	web.Base
	Past web.Panel
	On   web.Filter
	Body body
	Asks []string // questions to ask
}

type listView struct {
	web.Base
	Table web.Table
}

type keptView struct {
	web.Base
	Body     body
	Receipts web.Table
	Sign     bool
	Path     string
	Comment  web.Field
	Hidden   []web.Hidden
	Promise  string
}

var (
	headPage    = web.NewPage[headView](pages, "pages/head.html", "pages/parts.html")
	boardPage   = web.NewPage[boardView](pages, "pages/governors.html", "pages/parts.html")
	reportsPage = web.NewPage[listView](pages, "pages/reports.html")
	keptPage    = web.NewPage[keptView](pages, "pages/kept.html", "pages/parts.html")
)

// three is how many things the head is given to do first, five how many
// promises of a kind stand on the page of two minutes.
const (
	three = 3
	five  = 5
)

func (r *Room) headPage(c *web.Ctx) error {
	rep, err := r.Make(c.Context(), ForHead, time.Time{})
	if err != nil {
		return err
	}
	items, failed, err := r.tray(c.Context(), c.Actor)
	if err != nil && len(failed) == 0 {
		return err
	}
	v := headView{Base: web.Base{Title: "The head’s page", Wide: true, Lead: line(rep.Counts), Exports: []web.Download{{Title: "Reports", Path: "/reports"}}}, Body: r.body(c, rep), Failed: failedPanel(failed)}
	for _, i := range items[:min(len(items), three)] {
		v.First = append(v.First, trayLine(c, i))
	}
	for _, p := range v.Body.Broken {
		if len(v.First) >= three {
			break
		}
		v.First = append(v.First, web.TrayLine{Title: "Not being kept: " + short(p.Text, shortText), Step: "See why", Link: p.Link, Risk: 1})
	}
	more := 0
	for _, list := range []*[]promiseLine{&v.Body.Broken, &v.Body.AtRisk} {
		more += max(0, len(*list)-five)
		*list = (*list)[:min(len(*list), five)]
	}
	if more > 0 {
		v.Rest = "Show " + words.Number(more) + " more that " + words.Plural(more, "is", "are") + " not being kept or at risk"
	}
	if n := rep.Counts.Unknown; n > 0 {
		v.Unknown = "For " + words.Count(n, "promise", "promises") + " there is no evidence, so that " + words.Plural(n, "it does", "they do") + " not count as kept."
	}
	if len(failed) == 0 {
		v.None = "Nothing waits for you; last checked " + c.Words.Stamp(c.Now()) + "."
	}
	return headPage.Render(c, v)
}

// short cuts a promise to what fits a line, at a word.
func short(s string, most int) string {
	if len([]rune(s)) <= most {
		return s
	}
	cut := string([]rune(s)[:most])
	if i := strings.LastIndexByte(cut, ' '); i > 0 {
		cut = cut[:i]
	}
	return strings.TrimRight(cut, ",;: ") + " …"
}

func (r *Room) boardPage(c *web.Ctx) error {
	on, ok := dayAsked(c)
	if !ok {
		return store.Invalid{"on": "Write the day as 2026-11-23."}
	}
	rep, err := r.Make(c.Context(), ForBoard, on)
	if err != nil {
		return err
	}
	v := boardView{
		Base: web.Base{Title: "For the governors", Wide: true, Lead: line(rep.Counts), Exports: []web.Download{
			{Title: "Reports", Path: "/reports"}, {Title: "Keep as a paper", Path: "/governors.html", Kind: "HTML"}, {Title: "The figures", Path: "/governors.csv", Kind: "CSV"},
		}},
		Body: r.body(c, rep), Asks: asks(rep),
		On: web.Filter{Path: "/governors", Button: "Show that day", Fields: []web.Field{{Kind: web.DayField, Name: "on", Label: "How did the promises stand on", Value: c.Query("on"), Optional: true}}},
	}
	if !on.IsZero() {
		v.Past = web.Panel{
			Tone: "note", Title: "The promises as they stood on " + c.Words.Date(on), Words: "What waits, what changed and who holds which post are as they are now.",
			Link: web.Link{Title: "Show how they stand now", Path: "/governors"},
		}
	}
	return boardPage.Render(c, v)
}

// asks are questions that a governor may put, from what the figures say.
func asks(rep Report) []string {
	var out []string
	if b := rep.Standing.In(control.Broken); len(b) > 0 {
		q := "What is being done about the " + words.Count(len(b), "promise that is not being kept", "promises that are not being kept") + ", and by when?"
		if oldest := oldestOf(b); !oldest.IsZero() {
			q += " The oldest has been so since " + oldest.Format("2 January 2006") + "."
		}
		out = append(out, q)
	}
	if rep.Counts.Unknown > 0 {
		out = append(out, "For "+words.Count(rep.Counts.Unknown, "promise", "promises")+" there is no evidence. Who will bring it?")
	}
	for _, p := range rep.School.Posts {
		if p.Needed && p.Holder == "" {
			out = append(out, "Nobody is "+strings.ToLower(p.Post)+". When will the post be filled?")
		}
	}
	for _, w := range rep.School.Waits {
		if w.Count != 0 && rep.MadeAt.Sub(w.Oldest) > 7*day {
			out = append(out, "Something in safeguarding has waited for more than a week ("+strings.ToLower(w.Title)+"). Why?")
		}
	}
	if rep.Counts.Words > 0 {
		out = append(out, words.Count(rep.Counts.Words, "promise is", "promises are")+" words only. How does the school know that they are kept?")
	}
	return out
}

func oldestOf(list []Promise) time.Time {
	var out time.Time
	for _, p := range list {
		if !p.Since.IsZero() && (out.IsZero() || p.Since.Before(out)) {
			out = p.Since
		}
	}
	return out
}

// kinds are the kinds of report that the reader may open.
func kinds(c *web.Ctx) []string {
	if c.May(MayReadHead) {
		return []string{ForHead, ForBoard}
	}
	return []string{ForBoard}
}

func (r *Room) reportList(c *web.Ctx) error {
	all, err := r.reports(c.Context(), kinds(c)...)
	if err != nil {
		return err
	}
	v := listView{Base: web.Base{Title: "Reports", Wide: true, Lead: "Each is kept as it was made. Whoever it is for opens and signs it."}}
	v.Table = web.Table{
		Caption: "Reports, newest first", Columns: []web.Column{{Title: "Report"}, {Title: "Made"}, {Title: "Signed by"}},
		Empty: web.Empty{Title: "No report was made yet", Words: "The first is made in the night after a policy came into force."},
	}
	for _, k := range all {
		got, err := receipts(c.Context(), r.d.DB, k.ID)
		if err != nil {
			return err
		}
		var who []string
		for _, x := range got {
			if !x.Signed.IsZero() {
				who = append(who, x.Name)
			}
		}
		cell := web.Cell{Text: words.And(who)}
		if len(who) == 0 {
			cell = web.Cell{Text: "nobody yet"}
		}
		v.Table.Rows = append(v.Table.Rows, web.Row{Link: "/reports/" + k.ID, Cells: []web.Cell{{Text: title(k.Kind)}, {When: c.Moment(k.MadeAt)}, cell}})
	}
	return reportsPage.Render(c, v)
}

func (r *Room) reportPage(c *web.Ctx) error {
	v, err := r.kept(c)
	if err != nil {
		return err
	}
	return keptPage.Render(c, v)
}

func (r *Room) kept(c *web.Ctx) (keptView, error) {
	k, err := r.Open(c.Context(), c.Param("id"))
	if err != nil {
		return keptView{}, err
	}
	at := "/reports/" + k.ID
	v := keptView{
		Base: web.Base{
			Title: title(k.Kind) + ", " + c.Words.ShortDate(k.MadeAt), Wide: true, Lead: line(k.Body.Counts),
			Crumbs:  []web.Crumb{{Title: "Reports", Path: "/reports"}},
			Exports: []web.Download{{Title: "Keep as a paper", Path: at + "/report.html", Kind: "HTML"}, {Title: "The figures", Path: at + "/report.csv", Kind: "CSV"}},
		},
		Body: r.body(c, k.Body), Path: at + "/sign", Hidden: []web.Hidden{{Name: "digest", Value: k.Digest}},
		Comment: web.Field{Kind: web.LongField, Name: "comment", Label: "What you say to it", Hint: "Such as the minute of the meeting, or what is to be done.", Optional: true, Rows: 3, Max: maxComment},
	}
	got, err := receipts(c.Context(), r.d.DB, k.ID)
	if err != nil {
		return v, err
	}
	v.Sign = reads(k.Kind, c.Actor)
	v.Receipts = web.Table{
		Caption: "Who opened and signed it", Columns: []web.Column{{Title: "Who"}, {Title: "Opened"}, {Title: "Signed"}, {Title: "What they said"}},
		Empty: web.Empty{Title: "Nobody it is for has opened it yet"},
	}
	for _, x := range got {
		signed := web.Cell{Text: "not yet"}
		if !x.Signed.IsZero() {
			signed = web.Cell{When: c.Moment(x.Signed)}
			v.Sign = v.Sign && x.Person != c.Actor.Person
		}
		v.Receipts.Rows = append(v.Receipts.Rows, web.Row{Cells: []web.Cell{{Text: x.Name}, {When: c.Moment(x.Opened)}, signed, {Text: x.Comment}}})
	}
	return v, nil
}

func (r *Room) signReport(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	err = r.Sign(c.Context(), c.Param("id"), c.Value("digest"), c.Value("comment"))
	if bad, ok := web.Wrong(err); ok {
		v, err := r.kept(c)
		if err != nil {
			return err
		}
		v.Errors = web.Refill(form, bad, &v.Comment)
		return keptPage.Status(http.StatusUnprocessableEntity).Render(c, v)
	}
	if err != nil {
		return err
	}
	c.Notice("Your signature was kept.")
	return c.Redirect("/reports/" + c.Param("id"))
}

func (r *Room) boardCSV(c *web.Ctx) error {
	rep, err := r.Make(c.Context(), ForBoard, time.Time{})
	if err != nil {
		return err
	}
	return sendCSV(c, rep)
}

func (r *Room) reportCSV(c *web.Ctx) error {
	k, err := r.Open(c.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	return sendCSV(c, k.Body)
}

func (r *Room) boardAlone(c *web.Ctx) error {
	rep, err := r.Make(c.Context(), ForBoard, time.Time{})
	if err != nil {
		return err
	}
	return r.sendAlone(c, rep)
}

func (r *Room) reportAlone(c *web.Ctx) error {
	k, err := r.Open(c.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	return r.sendAlone(c, k.Body)
}

// sendAlone sends a report as one file that needs nothing else.
func (r *Room) sendAlone(c *web.Ctx, rep Report) error {
	t, err := template.ParseFS(pages, "pages/alone.html")
	if err != nil {
		return errors.New("the paper of a report cannot be made")
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "alone.html", r.body(c, rep)); err != nil {
		return fmt.Errorf("making the paper of a report: %w", err)
	}
	return c.Send("belisha-"+rep.Kind+"-"+rep.MadeAt.Format(time.DateOnly)+".html", "text/html; charset=utf-8", &b)
}
