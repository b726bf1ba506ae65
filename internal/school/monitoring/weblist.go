package monitoring

import (
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

type monitorsView struct {
	web.Base
	State   web.Panel
	Table   web.Table
	Confirm web.Confirm
	May     bool
	Links   []web.Link
}

type recordingView struct {
	web.Base
	On       bool
	Since    web.Summary
	Stop     web.Confirm
	Path     string
	Assessed web.Field
	Notice   web.Field
	Draft    []string
}

var (
	monitorsPage  = web.NewPage[monitorsView](pages, "pages/monitors.html")
	recordingPage = web.NewPage[recordingView](pages, "pages/recording.html")
)

// monitors is the list that staff may read: who may look at the record.
func (r *Room) monitors(c *web.Ctx) error {
	list, err := r.List(c.Context())
	if err != nil {
		return err
	}
	holders, err := r.Candidates(c.Context())
	if err != nil {
		return err
	}
	v := monitorsView{
		Base: web.Base{
			Title: "Who may look at web activity",
			Lead:  "Only these people may look, each time for a purpose that the policy names. Every look is noted in the journal.",
		},
		May: c.May(MayConfirm),
	}
	names, differ, err := r.monitorRows(c, list, holders, &v)
	if err != nil {
		return err
	}
	if err := r.monitorsState(c, list, differ, &v); err != nil {
		return err
	}
	v.Confirm = web.Confirm{
		What: "You confirm that these people, and nobody else, may look at the record of web use: " + orNobody(names) + ".",
		When: "At once. Confirm it again within " + r.listAge() + ", or when somebody comes or goes.",
		Undo: "To take somebody off, end their post and confirm again.", Action: web.Action{Path: pathMonitors, Title: "Confirm the list"},
	}
	for _, id := range holders {
		v.Confirm.Action.Hidden = append(v.Confirm.Action.Hidden, web.Hidden{Name: "person", Value: string(id)})
	}
	if v.May {
		v.Links = []web.Link{{Title: "Who looked, and for what", Path: pathLooks}, {Title: "Recording of names", Path: pathRecord}}
	}
	return monitorsPage.Render(c, v)
}

// monitorRows fills the table, and answers who holds the post now and whether
// that differs from the list.
func (r *Room) monitorRows(c *web.Ctx, list List, holders []people.ID, v *monitorsView) (names []string, differ bool, err error) {
	v.Table = web.Table{
		Caption: "Monitors", Columns: []web.Column{{Title: "Name"}, {Title: "Now"}},
		Empty: web.Empty{Title: "Nobody may look", Words: "Give somebody the post of authorised monitor, then confirm the list here."},
	}
	for _, id := range union(holders, list.People) {
		name, err := r.display(c.Context(), id)
		if err != nil {
			return nil, false, err
		}
		tag := web.Tag{Words: "may look", Tone: "green"}
		switch {
		case !list.Has(id):
			tag, differ = web.Tag{Words: "holds the post, not confirmed: may not look", Tone: "amber"}, true
		case !contains(holders, id):
			tag, differ = web.Tag{Words: "no longer holds the post: may not look", Tone: "amber"}, true
		}
		if contains(holders, id) {
			names = append(names, name)
		}
		v.Table.Rows = append(v.Table.Rows, web.Row{Cells: []web.Cell{{Text: name}, {Tag: tag}}})
	}
	return names, differ, nil
}

// listAge is how often the list is confirmed, in the policy's own words.
func (r *Room) listAge() string {
	v := r.values().Get(keyListAge)
	if v.Raw != "" {
		return v.Raw
	}
	return words.Length(v.Duration)
}

func contains(ids []people.ID, id people.ID) bool { return List{People: ids}.Has(id) }

func orNobody(names []string) string {
	if len(names) == 0 {
		return "nobody"
	}
	return words.And(names)
}

// monitorsState says how the list stands.
func (r *Room) monitorsState(c *web.Ctx, list List, differ bool, v *monitorsView) error {
	switch {
	case list.ConfirmedAt.IsZero():
		v.State = web.Panel{Tone: "warn", Title: "The head has not confirmed a list", Words: "Until then nobody may look."}
		return nil
	case differ:
		v.State = web.Panel{Tone: "warn", Title: "The list and the posts differ", Words: "Only those who are on both may look."}
		return nil
	}
	by, err := r.actorName(c, list.ConfirmedBy)
	if err != nil {
		return err
	}
	v.State = web.Panel{Tone: "good", Title: "Confirmed", Words: "By " + by + " on " + c.Words.Moment(list.ConfirmedAt) + "."}
	return nil
}

func (r *Room) confirmMonitors(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	var read []people.ID
	for _, id := range form["person"] {
		read = append(read, people.ID(id))
	}
	if err := r.ConfirmList(c.Context(), read); err != nil {
		return err
	}
	c.Notice("Confirmed: the list of monitors is in force.")
	return c.Redirect(pathMonitors)
}

// draft is what an impact assessment of this record should say; the school
// writes its own.
var draft = []string{
	"What is recorded: who, on which device, asked for which site, when, and what the filter decided; search words and pages where they can be seen.",
	"What is not: the content of pages, pictures, messages, passwords; visits to help services are only counted.",
	"Why: to keep children safe, and to find out what happened when something went wrong.",
	"Who sees it: people on the list of monitors, for a purpose, each look noted; signals go to the safeguarding lead and the deputies alone.",
	"How long: names, search words and counts each for the time that the policy states.",
	"What could go wrong: somebody is taken for somebody else; a search about health, faith or identity is read as something it is not; somebody looks who need not.",
	"What was done about it: rows say how sure they are; a row alone grounds no sanction; looking is limited, noted and reviewed by the head.",
}

func (r *Room) recordingView(c *web.Ctx) (recordingView, error) {
	v := recordingView{
		Base: web.Base{
			Title:  "Recording of names",
			Lead:   "Names are recorded only after you confirm that the impact assessment is done and that pupils, staff and parents have been told.",
			Crumbs: []web.Crumb{{Title: "Who may look", Path: pathMonitors}},
		},
		Path: pathRecord, Draft: draft,
		Assessed: web.Field{Kind: web.DateField, Name: "assessed", Label: "When was the impact assessment signed?"},
		Notice:   web.Field{Kind: web.LongField, Name: "notice", Label: "Where were people told?", Rows: 2, Max: maxNotice},
	}
	on, err := r.Recording(c.Context())
	if err != nil || !on {
		return v, err
	}
	rec, err := r.recording(c.Context())
	if err != nil {
		return v, err
	}
	by, err := r.actorName(c, rec.ConfirmedBy)
	if err != nil {
		return v, err
	}
	v.On = true
	v.Lead = "Names are recorded."
	v.Since.Rows = []web.SummaryRow{
		{Key: "Since", When: c.Moment(rec.ConfirmedAt)},
		{Key: "Confirmed by", Text: by},
		{Key: "Impact assessment", Text: rec.AssessedOn.Words()},
		{Key: "People were told by", Text: rec.Notice},
	}
	v.Stop = web.Confirm{
		What: "From now on visits are only counted, and signals cannot say who.",
		When: "At once. What is recorded stays until its time is over.", Undo: "You can confirm it again on this page.",
		Action: web.Action{Path: pathRecord + "/stop", Title: "Stop recording names", Grave: true},
	}
	return v, nil
}

func (r *Room) recordingPage(c *web.Ctx) error {
	v, err := r.recordingView(c)
	if err != nil {
		return err
	}
	return recordingPage.Render(c, v)
}

func (r *Room) confirmRecording(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	err = r.ConfirmRecording(c.Context(), dayOf(web.DateText(form, "assessed")), form.Get("notice"))
	if bad, ok := web.Wrong(err); ok {
		v, err := r.recordingView(c)
		if err != nil {
			return err
		}
		v.Errors = web.Refill(form, bad, &v.Assessed, &v.Notice)
		return recordingPage.Status(422).Render(c, v)
	}
	if err != nil {
		return err
	}
	c.Notice("Names are recorded from now on.")
	return c.Redirect(pathRecord)
}

func (r *Room) stopRecording(c *web.Ctx) error {
	if err := r.StopRecording(c.Context()); err != nil {
		return err
	}
	c.Notice("Names are no longer recorded.")
	return c.Redirect(pathRecord)
}
