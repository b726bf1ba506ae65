package devices

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
)

func (r *Room) wordStep() Step {
	return Step{
		Title: "No way round the filter",
		View: func(ctx context.Context) (StepView, error) {
			b, err := r.Beside(ctx)
			if err != nil {
				return StepView{}, err
			}
			kind := WordSchool
			if b.Filtered() {
				kind = WordProvider
			}
			f := web.Field{Kind: web.RadiosField, Name: "kind", Label: "Whose word is it?", Options: []web.Option{
				{Value: WordProvider, Label: "The other filter's provider, in a letter"},
				{Value: WordSchool, Label: "Somebody of the school who has tried it"},
			}}
			return StepView{
				Intro: []string{
					"Belisha cannot see what does not come to it. That nothing leaves the school unfiltered is somebody's word, with a day on which it is asked for again.",
					"To try it: on a device of the school switch the proxy off and set another DNS server. Nothing must open. Then try a closed site with everything as it should be.",
				},
				Fields: []web.Field{
					f.Choose(kind),
					{Name: "who", Label: "Who says so?", Max: 200, Hint: "Name and office, or the provider."},
					{Kind: web.LongField, Name: "words", Label: "What do they say, or what was tried from where?", Rows: 4, Max: 2000},
					{Kind: web.DateField, Name: "given", Label: "Day of the letter or of the trial"},
					{Kind: web.DateField, Name: "review", Label: "Asked for again by", Hint: "Within twelve months."},
				},
				Button: "Write it down",
			}, nil
		},
		Save: func(ctx context.Context, form url.Values) error {
			w := PathWord{Kind: form.Get("kind"), Who: form.Get("who"), Words: form.Get("words")}
			// A day that cannot be read stays empty, and the check says so.
			w.Given, _ = time.Parse(time.DateOnly, web.DateText(form, "given"))
			w.Review, _ = time.Parse(time.DateOnly, web.DateText(form, "review"))
			return r.GiveWord(ctx, w)
		},
	}
}

func (r *Room) logView(c *web.Ctx) (formView, error) {
	logs, err := r.Logs(c.Context())
	if err != nil {
		return formView{}, err
	}
	v := formView{Base: web.Base{Title: "The other filter's log", Crumbs: crumbs, Wide: true}, Path: pathLogs}
	v.Intro = []string{"A CSV with a time and an action for each request, as the other filter exports it. Only counts are taken up: no names, no addresses, no pages. What it says is shown as the other filter's word."}
	v.Fields = []web.Field{{Kind: web.FileField, Name: "file", Label: "The log", Accept: ".csv,.txt,.log"}}
	v.Button = "Count it"
	v.Table = web.Table{
		Caption: "Counted so far", Columns: []web.Column{{Title: "File"}, {Title: "From"}, {Title: "To"}, {Title: "Let through", Numeric: true}, {Title: "Closed", Numeric: true}, {Title: "Not readable", Numeric: true}},
		Empty: web.Empty{Title: "Nothing was counted yet"},
	}
	for _, l := range logs {
		v.Table.Rows = append(v.Table.Rows, web.Row{Cells: []web.Cell{
			{Text: l.Name}, {When: c.Moment(l.First)}, {When: c.Moment(l.Last)}, {Text: strconv.FormatInt(l.Allowed, 10)}, {Text: strconv.FormatInt(l.Blocked, 10)}, {Text: strconv.FormatInt(l.Refused, 10)},
		}})
	}
	return v, nil
}

func (r *Room) logPage(c *web.Ctx) error {
	v, err := r.logView(c)
	if err != nil {
		return err
	}
	return logTemplate.Render(c, v)
}

// logTemplate is the form with a file in it.
var logTemplate = web.NewPage[formView](pages, "pages/log.html")

func (r *Room) logTake(c *web.Ctx) error {
	f, name, err := c.Upload("file")
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, LogBytes+1))
	if err != nil {
		return err
	}
	l, err := r.TakeLog(c.Context(), name, data, c.Words.Zone())
	if bad, ok := web.Wrong(err); ok {
		v, err := r.logView(c)
		if err != nil {
			return err
		}
		v.Errors = web.Refill(nil, bad, pointers(v.Fields)...)
		return logTemplate.Status(http.StatusUnprocessableEntity).Render(c, v)
	}
	if err != nil {
		return err
	}
	c.Notice("Counted: " + words.Count(int(l.Allowed), "request was let through", "requests were let through") + ", " + words.Count(int(l.Blocked), "was closed", "were closed") + ", " + words.Count(int(l.Refused), "row could not be read", "rows could not be read") + ".")
	return c.Redirect(pathLogs)
}
