package monitoring

import (
	"slices"
	"strconv"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
)

// signalMarking is printed on the pages of signals.
const signalMarking = "Safeguarding: keep locked away."

type signalsView struct {
	web.Base
	Unwatched web.Panel
	Nameless  web.Panel
	Open      web.Table
	Closed    web.Table
}

type signalView struct {
	web.Base
	Summary web.Summary
	Advice  web.Panel
	Person  web.Link
	Why     web.Table
	Table   web.Table
	Open    bool
	Path    string
	Outcome web.Field
	Note    web.Field
	Version web.Field
	Closed  string
	Log     web.Link
}

var (
	signalsPage = web.NewPage[signalsView](pages, "pages/signals.html")
	signalPage  = web.NewPage[signalView](pages, "pages/signal.html")
)

// signalList shows what waits. It tells no more than the tray does.
func (r *Room) signalList(c *web.Ctx) error {
	open, err := r.openSignals(c.Context())
	if err != nil {
		return err
	}
	closed, err := r.closedSignals(c.Context(), c.Now().Add(-r.values().Duration(keyNames)))
	if err != nil {
		return err
	}
	v := signalsView{Base: web.Base{
		Title: "Signals", Marking: signalMarking,
		Lead: "A site was closed, or something was searched for, that may mean a pupil needs you. A signal is a reason to look, and no proof of anything.",
	}}
	ok, why, err := r.Watched(c.Context())
	if err != nil {
		return err
	}
	if !ok {
		v.Unwatched = web.Panel{Tone: "warn", Title: "Blocked, not watched", Words: why}
	}
	on, err := r.Recording(c.Context())
	if err != nil {
		return err
	}
	if !on {
		v.Nameless = web.Panel{
			Tone: "note", Title: "Signals cannot say who",
			Words: "Names are not recorded yet. A signal says only that something happened, and when. The head confirms the impact assessment before names are recorded.",
		}
	}
	v.Open = web.Table{
		Caption: "Waiting", Columns: []web.Column{{Title: "What"}, {Title: "Since"}, {Title: "State"}},
		Empty: web.Empty{Title: "Nothing waits; last checked " + c.Words.Clock(c.Now()), Words: "That is no proof that all is well. A filter sees only part of what happens."},
	}
	for _, s := range open {
		tag := web.Tag{Words: "not opened", Tone: "amber"}
		if s.State == SignalSeen {
			tag = web.Tag{Words: "opened"}
		}
		v.Open.Rows = append(v.Open.Rows, web.Row{
			Link:  pathSignals + "/" + s.ID,
			Cells: []web.Cell{{Text: SignalTitle, Small: timesWords(s.Times)}, {When: c.Ago(s.Raised)}, {Tag: tag}},
		})
	}
	v.Closed = web.Table{
		Caption: "Closed", ShowCaption: true, Columns: []web.Column{{Title: "What"}, {Title: "Closed"}, {Title: "What came of it"}},
		Empty: web.Empty{Words: "Signals that you close are listed here."},
	}
	for _, s := range closed {
		v.Closed.Rows = append(v.Closed.Rows, web.Row{
			Link: pathSignals + "/" + s.ID, Faint: true,
			Cells: []web.Cell{{Text: SignalTitle}, {When: c.Near(s.Closed)}, {Text: titleOf(Outcomes, s.Outcome)}},
		})
	}
	return signalsPage.Render(c, v)
}

func timesWords(n int) string {
	if n < 2 {
		return ""
	}
	return words.Number(n) + " times"
}

func (r *Room) signalPage(c *web.Ctx) error {
	s, err := r.OpenSignal(c.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	v, err := r.signalView(c, s)
	if err != nil {
		return err
	}
	return signalPage.Render(c, v)
}

// signalView shows one signal, opened.
func (r *Room) signalView(c *web.Ctx, s Signal) (signalView, error) {
	v := signalView{
		Base: web.Base{
			Title: SignalTitle, Wide: true, Marking: signalMarking,
			Lead:   "Opening this is noted in the journal. Only the safeguarding lead and the deputies see it.",
			Crumbs: []web.Crumb{{Title: "Signals", Path: pathSignals}},
		},
		Advice: web.Panel{
			Tone: "note", Title: "Before you act",
			Words: "These rows say what was asked for on a device, not why. Talk with the pupil first where that is safe. In danger, ring 999.",
		},
		Open: s.State != SignalClosed, Path: pathSignals + "/" + s.ID,
		Version: web.Field{Kind: web.HiddenField, Name: "version", Value: strconv.FormatInt(s.Version, 10)},
		Note:    web.Field{Kind: web.LongField, Name: "note", Label: "A note for you and the deputies", Optional: true, Rows: 3, Max: maxReason},
	}
	v.Outcome = web.Field{Kind: web.RadiosField, Name: "outcome", Label: "What came of it?"}
	for _, o := range Outcomes {
		v.Outcome.Options = append(v.Outcome.Options, web.Option{Value: o.Value, Label: o.Title})
	}
	rows, err := r.Around(c.Context(), s)
	if err != nil {
		return v, err
	}
	flagged := slices.DeleteFunc(slices.Clone(rows), func(row Seen) bool { return !row.Flagged })
	if r.d.Cases != nil {
		v.Log = web.Link{Title: "Log a concern from this signal", Path: concernFrom(refSignal + s.ID)}
	}
	if err := r.summarise(c, s, flagged, &v); err != nil {
		return v, err
	}
	v.Why = rowsTable(c, flagged, true)
	v.Why.Caption, v.Why.ShowCaption = "What it is about", true
	v.Why.Empty = web.Empty{Words: "The rows that it is about are not kept."}
	v.Table = rowsTable(c, rows, true)
	v.Table.Caption = "An hour before and after"
	v.Table.ShowCaption = true
	v.Table.Empty = web.Empty{Title: "No rows are kept", Words: "Either names were not recorded at that time, or the time for which the policy keeps rows is over."}
	return v, nil
}

func (r *Room) summarise(c *web.Ctx, s Signal, flagged []Seen, v *signalView) error {
	name := "Not known who"
	if s.Subject != "" {
		id, display, ok := r.d.Names.Name(c.Context(), s.Subject)
		if ok {
			name = display
			if len(flagged) > 0 {
				name += ", " + flagged[0].How
			}
			v.Person = web.Link{Title: "The whole day of " + display, Path: "/monitoring/people/" + string(id) + "?day=" + s.First.In(c.Words.Zone()).Format("2006-01-02")}
		}
	}
	if !c.May(MayRead) {
		v.Person = web.Link{} // the whole day is for listed monitors, with a purpose
	}
	var about []string
	for _, t := range s.Themes {
		about = append(about, titleOf(themes, t))
	}
	v.Summary.Rows = []web.SummaryRow{
		{Key: "Who", Text: name},
		{Key: "About", Text: sentence(words.And(about))},
		{Key: "First", When: c.Moment(s.First)},
		{Key: "How often", Text: words.Count(s.Times, "time", "times")},
	}
	if s.Device != "" {
		v.Summary.Rows = append(v.Summary.Rows, web.SummaryRow{Key: "Device", Text: s.Device})
	}
	if s.State != SignalClosed {
		return nil
	}
	by, err := r.actorName(c, s.By)
	if err != nil {
		return err
	}
	if s.Note != "" {
		v.Summary.Rows = append(v.Summary.Rows, web.SummaryRow{Key: "Note", Text: s.Note})
	}
	v.Closed = titleOf(Outcomes, s.Outcome) + ". Closed by " + by + " on " + c.Words.Moment(s.Closed) + "."
	return nil
}

func (r *Room) closeSignal(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	version, err := strconv.ParseInt(form.Get("version"), 10, 64)
	if err != nil {
		return store.ErrStale
	}
	id := c.Param("id")
	err = r.CloseSignal(c.Context(), id, form.Get("outcome"), form.Get("note"), version)
	if bad, ok := web.Wrong(err); ok {
		s, err := r.OpenSignal(c.Context(), id)
		if err != nil {
			return err
		}
		v, err := r.signalView(c, s)
		if err != nil {
			return err
		}
		v.Errors = web.Refill(form, bad, &v.Outcome, &v.Note)
		return signalPage.Status(422).Render(c, v)
	}
	if err != nil {
		return err
	}
	c.Notice("Closed.")
	return c.Redirect(pathSignals)
}
