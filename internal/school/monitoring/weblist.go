package monitoring

import (
	"strconv"

	"belisha/internal/kit/store"
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
	// Propose lets somebody ask the head; Badge makes a code of one's own.
	Propose   sheetForm
	MayAsk    bool
	Badge     web.Action
	BadgeSays string
	Versions  web.Table
	Links     []web.Link
}

type recordingView struct {
	web.Base
	On       bool
	Since    web.Summary
	Stop     web.Confirm
	Path     string
	Assessed web.Field
	Notice   web.Field
	Text     web.Field
	Told     web.Field
	Hidden   []web.Hidden
	Parts    []sheetText
	Links    []web.Link
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
	v.Links = append(v.Links, web.Link{Title: "Check a badge", Path: pathCheck})
	if err := r.proposePart(c, list, &v); err != nil {
		return err
	}
	if err := r.versionsPart(c, &v); err != nil {
		return err
	}
	return monitorsPage.Render(c, v)
}

// proposePart is what others than the head may do: ask, and make a code.
func (r *Room) proposePart(c *web.Ctx, list List, v *monitorsView) error {
	open, err := r.openProposal(c.Context())
	if err != nil {
		return err
	}
	v.MayAsk = c.May(MayPropose) && !v.May && open == ""
	v.Propose = sheetForm{
		Lead: "Those who hold the post of monitor now are shown to the head, who says yes or no. Until then nothing changes.",
		Path: pathMonitors + "/propose", Button: "Ask the head to confirm it",
		Fields: []web.Field{{Kind: web.LongField, Name: "why", Label: "Why now", Rows: 2, Max: maxReason}},
	}
	if open != "" && v.May {
		v.Links = append(v.Links, web.Link{Title: "Somebody asks you to confirm a list", Path: "/approvals/" + open})
	}
	if !list.Has(people.ID(c.Actor.Person)) {
		return nil
	}
	v.Badge = web.Action{Path: pathMonitors + "/badge", Title: "Make a new code for my badge", Quiet: true}
	b, err := r.badge(c.Context(), `person = $1`, c.Actor.Person)
	if ignoreMissing(err) != nil {
		return err
	}
	v.BadgeSays = "You have no code yet. Print it on your badge: anybody may check it on the page " + pathCheck + "."
	if err == nil {
		v.BadgeSays = "Your code is " + b.Code + ", made on " + c.Words.Date(b.Made) + ". Anybody may check it on the page " + pathCheck + "."
	}
	return nil
}

// versionsPart lists every list that was in force.
func (r *Room) versionsPart(c *web.Ctx, v *monitorsView) error {
	all, err := r.Versions(c.Context())
	if err != nil {
		return err
	}
	v.Versions = web.Table{
		Caption: "Lists so far", ShowCaption: true, Columns: []web.Column{{Title: "Version", Numeric: true}, {Title: "Confirmed"}, {Title: "By"}, {Title: "Who"}},
		Empty: web.Empty{Words: "Every list that the head confirms is kept here."},
	}
	for _, l := range all {
		by, err := r.actorName(c, l.ConfirmedBy)
		if err != nil {
			return err
		}
		cell := web.Cell{Text: by}
		if l.AskedBy != "" {
			asked, err := r.actorName(c, l.AskedBy)
			if err != nil {
				return err
			}
			cell.Small = "asked by " + asked
		}
		names := make([]string, 0, len(l.People))
		for _, id := range l.People {
			name, err := r.display(c.Context(), id)
			if err != nil {
				return err
			}
			names = append(names, name)
		}
		v.Versions.Rows = append(v.Versions.Rows, web.Row{Cells: []web.Cell{{Text: words.Number(l.Number)}, {When: c.Moment(l.ConfirmedAt)}, cell, {Text: orNobody(names)}}})
	}
	return nil
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

func (r *Room) recordingView(c *web.Ctx) (recordingView, error) {
	v := recordingView{
		Base: web.Base{
			Title:  "Recording of names",
			Lead:   "Names are recorded only after you confirm that the impact assessment is done and that pupils, staff and parents have been told.",
			Crumbs: []web.Crumb{{Title: "Who may look", Path: pathMonitors}},
		},
		Path:     pathRecord,
		Assessed: web.Field{Kind: web.DateField, Name: "assessed", Label: "When did you sign the impact assessment below?"},
		Notice:   web.Field{Kind: web.LongField, Name: "notice", Label: "Where does the notice hang, and how were people told?", Rows: 2, Max: maxNotice},
		Text:     web.Field{Kind: web.LongField, Name: "text", Label: "What the notice says", Rows: 6, Max: maxPart, Value: r.NoticeText(), Hint: "Pupils, staff, parents and visitors read this. Change what is different at your school."},
		Told:     web.Field{Kind: web.DateField, Name: "told", Label: "Since when has it hung there?", Optional: true, Hint: "Left empty: since the day you signed."},
	}
	x, err := r.standing(c.Context())
	if err != nil {
		return v, err
	}
	v.Hidden = []web.Hidden{{Name: "version", Value: strconv.Itoa(x.Number)}}
	for _, p := range x.Parts {
		v.Parts = append(v.Parts, sheetText{p.Title, p.Text})
	}
	v.Links = []web.Link{{Title: "Change the impact assessment", Path: pathAssess}, {Title: "Lawful bases of monitoring", Path: pathBases}}
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
	if err := r.groundsPart(c, rec, &v); err != nil {
		return v, err
	}
	v.Stop = web.Confirm{
		What: "From now on visits are only counted, and signals cannot say who.",
		When: "At once. What is recorded stays until its time is over.", Undo: "You can confirm it again on this page.",
		Action: web.Action{Path: pathRecord + "/stop", Title: "Stop recording names", Grave: true},
	}
	return v, nil
}

// groundsPart shows which version the head signed and what the notice says.
func (r *Room) groundsPart(c *web.Ctx, rec Recording, v *recordingView) error {
	g, id, err := r.grounds(c.Context(), rec.ID)
	if ignoreMissing(err) != nil {
		return err
	}
	if err != nil { // confirmed before the text was kept
		v.Since.Rows = append(v.Since.Rows, web.SummaryRow{Key: "Text", Text: "Signed on paper. Save the impact assessment here, so that it is at hand."})
		return nil
	}
	x, err := r.assessment(c.Context(), `WHERE id = $1`, id)
	if err != nil {
		return err
	}
	v.Parts = nil
	for _, p := range x.Parts {
		v.Parts = append(v.Parts, sheetText{p.Title, p.Text})
	}
	v.Since.Rows = append(v.Since.Rows,
		web.SummaryRow{Key: "Version", Text: strconv.Itoa(x.Number)},
		web.SummaryRow{Key: "Notice since", Text: g.ToldOn.Words()}, web.SummaryRow{Key: "The notice says", Text: g.Text})
	return nil
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
	version, err := r.versionRead(c)
	if err != nil {
		return err
	}
	err = r.StartRecording(c.Context(), Grounds{
		Assessment: version, AssessedOn: dayOf(web.DateText(form, "assessed")), Notice: form.Get("notice"),
		Text: form.Get("text"), ToldOn: dayOf(web.DateText(form, "told")),
	})
	if bad, ok := web.Wrong(err); ok {
		v, err := r.recordingView(c)
		if err != nil {
			return err
		}
		v.Errors = web.Refill(form, bad, &v.Assessed, &v.Notice, &v.Text, &v.Told)
		if form.Get("text") == "" {
			v.Text.Value = r.NoticeText()
		}
		return recordingPage.Status(422).Render(c, v)
	}
	if err != nil {
		return err
	}
	c.Notice("Names are recorded from now on.")
	return c.Redirect(pathRecord)
}

// versionRead is the version of the assessment that the head read on the page.
func (r *Room) versionRead(c *web.Ctx) (int, error) {
	if v := c.Value("version"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			return 0, store.ErrStale
		}
		return n, nil
	}
	x, err := r.standing(c.Context())
	return x.Number, err
}

func (r *Room) stopRecording(c *web.Ctx) error {
	if err := r.StopRecording(c.Context()); err != nil {
		return err
	}
	c.Notice("Names are no longer recorded.")
	return c.Redirect(pathRecord)
}
