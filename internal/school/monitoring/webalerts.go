package monitoring

import (
	"net/url"
	"strconv"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
)

// alertsView lists what looks like misuse, without saying whose.
func (r *Room) alertsView(c *web.Ctx) (sheetView, error) {
	v := sheetView{Base: web.Base{
		Title: "Alerts about misuse",
		Lead:  "What may be a way round the filter, an attack, or somebody who tries one closed site after another. An alert is a reason to look, and no proof of anything. What speaks of distress is never here: it went to the safeguarding lead.",
	}}
	counted, err := r.countedOnly(c)
	if err != nil {
		return v, err
	}
	v.Panels = []web.Panel{counted}
	open, err := r.openAlerts(c.Context())
	if err != nil {
		return v, err
	}
	closed, err := r.alerts(c.Context(), `WHERE state = $1 AND closed_at >= $2 ORDER BY closed_at DESC, id LIMIT 200`,
		SignalClosed, store.Millis(c.Now().Add(-r.values().Duration(keyNames))))
	if err != nil {
		return v, err
	}
	mine, err := r.selves(c.Context(), c.Actor)
	if err != nil {
		return v, err
	}
	waits := web.Table{
		Caption: "Waiting", Columns: []web.Column{{Title: "What"}, {Title: "Since"}},
		Empty: web.Empty{Title: "Nothing waits", Words: "That is no proof that nothing happens. A filter sees only part of it."},
	}
	for _, a := range open {
		if a.isFor(c.Actor, mine) {
			waits.Rows = append(waits.Rows, web.Row{Link: pathAlerts + "/" + a.ID, Cells: []web.Cell{{Text: titleOf(Rules, a.Rule), Small: timesWords(a.Times)}, {When: c.Ago(a.Raised)}}})
		}
	}
	done := web.Table{
		Caption: "Closed", ShowCaption: true, Columns: []web.Column{{Title: "What"}, {Title: "Closed"}, {Title: "What came of it"}},
		Empty: web.Empty{Words: "Alerts that were closed are listed here."},
	}
	for _, a := range closed {
		if a.isFor(c.Actor, mine) {
			done.Rows = append(done.Rows, web.Row{Link: pathAlerts + "/" + a.ID, Faint: true, Cells: []web.Cell{{Text: titleOf(Rules, a.Rule)}, {When: c.Near(a.Closed)}, {Text: titleOf(AlertOutcomes, a.Outcome)}}})
		}
	}
	v.Tables = []web.Table{waits, done}
	return v, nil
}

func (r *Room) alertView(c *web.Ctx) (sheetView, error) {
	a, err := r.OpenAlert(c.Context(), c.Param("id"))
	if err != nil {
		return sheetView{}, err
	}
	v := sheetView{Base: web.Base{
		Title: titleOf(Rules, a.Rule), Lead: "Opening this is noted. Look for a harmless reason first: a lesson, a machine that asks by itself, somebody else on the device.",
		Crumbs: []web.Crumb{{Title: "Alerts", Path: pathAlerts}}, Marking: marking,
	}}
	add := func(key, text string) {
		if text != "" {
			v.Summary.Rows = append(v.Summary.Rows, web.SummaryRow{Key: key, Text: text})
		}
	}
	switch {
	case a.Watcher != "":
		name, err := r.actorName(c, a.Watcher)
		if err != nil {
			return v, err
		}
		add("Who", name)
	case a.Subject != "":
		id, display, ok := r.d.Names.Name(c.Context(), a.Subject)
		if !ok {
			display = "Somebody no longer known"
		}
		add("Who", display)
		if ok && c.May(MayRead) {
			v.Links = []web.Link{{Title: "The whole day of " + display, Path: "/monitoring/people/" + url.PathEscape(string(id)) + "?day=" + a.First.In(c.Words.Zone()).Format("2006-01-02")}}
		}
	case a.Rule != rulePasswords:
		add("Who", "Not known who")
	}
	add("Account", a.Account)
	if a.Account != "" && c.May("access.manage") {
		v.Links = append(v.Links, web.Link{Title: "The account", Path: "/accounts/" + url.PathEscape(a.Account)})
	}
	add("Device", a.Device)
	v.Summary.Rows = append(v.Summary.Rows, web.SummaryRow{Key: "First", When: c.Moment(a.First)}, web.SummaryRow{Key: "Last", When: c.Moment(a.Last)})
	add("How often", words.Count(a.Times, "time", "times"))
	add("Note", a.Note)
	if a.State == SignalClosed {
		by, err := r.actorName(c, a.By)
		if err != nil {
			return v, err
		}
		add("What came of it", titleOf(AlertOutcomes, a.Outcome)+", closed by "+by)
		return v, nil
	}
	v.Forms = []sheetForm{{
		Title: "Close it", Path: pathAlerts + "/" + a.ID, Button: "Close it", Hidden: []web.Hidden{{Name: "version", Value: strconv.FormatInt(a.Version, 10)}},
		Fields: []web.Field{radios("outcome", "What came of it?", AlertOutcomes), {Kind: web.LongField, Name: "note", Label: "Note", Optional: true, Rows: 2, Max: maxReason}},
	}}
	return v, nil
}

func (r *Room) closeAlert(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	version, err := strconv.ParseInt(form.Get("version"), 10, 64)
	if err != nil {
		return store.ErrStale
	}
	err = r.CloseAlert(c.Context(), c.Param("id"), form.Get("outcome"), form.Get("note"), version)
	return r.done(c, err, r.alertView, 0, pathAlerts, "Closed.")
}
