package policies

import (
	"time"

	"belisha/internal/kit/web"
	"belisha/internal/school/policies/document"
)

var versionsCrumb = web.Crumb{Title: "Versions", Path: "/policies/versions"}

func versionLink(id string) string { return "/policies/versions/" + id }

type versionsView struct {
	web.Base
	Ways    []web.Link
	List    web.Table
	History web.Table
}

var versionsFile = web.NewPage[versionsView](pages, "pages/versions.html", "pages/ways.html")

func (r *Room) versionsPage(c *web.Ctx) error {
	versions, err := r.Versions(c.Context())
	if err != nil {
		return err
	}
	acts, err := r.Activations(c.Context())
	if err != nil {
		return err
	}
	v := versionsView{Base: web.Base{
		Title: "Versions of the policy", Crumbs: []web.Crumb{policyCrumb}, Wide: true,
		Lead: "Every text that was proposed is kept as it was, with who approved it and when it was in force.",
	}, Ways: ways(c)}
	v.List = web.Table{Caption: "Texts", ShowCaption: true, Columns: []web.Column{{Title: "Text"}, {Title: "Stands"}, {Title: "Approvals"}, {Title: "Proposed"}}, Empty: r.noPolicy(c)}
	title := map[string]string{}
	for _, ver := range versions {
		title[ver.ID] = ver.Title + ", " + ver.Number
		lacks, err := r.Missing(c.Context(), ver)
		if err != nil {
			return err
		}
		approvals := web.Cell{Text: "all given"}
		if len(lacks) > 0 {
			approvals = web.Cell{Text: "missing: " + titles(lacks)}
		}
		v.List.Rows = append(v.List.Rows, web.Row{Link: versionLink(ver.ID), Cells: []web.Cell{
			{Text: title[ver.ID], Small: shippedWords(ver)}, {Text: standing(c, ver, acts)}, approvals, {When: c.Near(ver.ProposedAt)},
		}})
	}
	v.History = web.Table{Caption: "What was in force when", ShowCaption: true, Columns: []web.Column{{Title: "From"}, {Title: "Text"}, {Title: "Put in force by"}, {Title: "Approved then"}}}
	for _, a := range acts {
		yes := "not yet"
		if a.Approved {
			yes = "yes"
		}
		v.History.Rows = append(v.History.Rows, web.Row{Cells: []web.Cell{
			{Text: c.Words.Moment(a.At)}, {Text: title[a.Version], Link: versionLink(a.Version)}, {Text: r.name(c, a.By)}, {Text: yes},
		}})
	}
	return versionsFile.Render(c, v)
}

func shippedWords(v Version) string {
	if v.Shipped {
		return "shipped with Belisha"
	}
	return ""
}

// standing says whether a version is, was or never was in force.
func standing(c *web.Ctx, v Version, acts []Activation) string {
	for i, a := range acts {
		if a.Version != v.ID {
			continue
		}
		if i == 0 {
			return "in force since " + c.Words.Moment(a.At)
		}
		return "was in force until " + c.Words.Moment(acts[i-1].At)
	}
	return "a draft: never in force"
}

type versionView struct {
	web.Base
	Facts     web.Summary
	Approvals web.Table
	Own       []ownApproval
	Paper     paperForm
	Links     []web.Link
	Blocks    []blockView
}

// ownApproval is the button of one approval that the reader can give.
type ownApproval struct {
	Path, Title string
	Hidden      []web.Hidden
	Body        bool // a body's decision, which needs its minute
	Minute      web.Field
}

// paperForm records an approval given on paper.
type paperForm struct {
	Path   string
	Fields []web.Field
}

var versionFile = web.NewPage[versionView](pages, "pages/version.html", "pages/prose.html")

func (r *Room) versionPage(c *web.Ctx) error {
	v, err := r.versionViewOf(c)
	if err != nil {
		return err
	}
	return versionFile.Render(c, v)
}

func (r *Room) versionViewOf(c *web.Ctx) (versionView, error) {
	ver, err := r.Version(c.Context(), c.Param("id"))
	if err != nil {
		return versionView{}, err
	}
	acts, err := r.Activations(c.Context())
	if err != nil {
		return versionView{}, err
	}
	have, err := r.Approvals(c.Context(), ver.ID)
	if err != nil {
		return versionView{}, err
	}
	v := versionView{Base: web.Base{
		Title: ver.Title + ", " + ver.Number, Crumbs: []web.Crumb{policyCrumb, versionsCrumb},
		Exports: []web.Download{{Title: "Download", Path: "/policies/text?version=" + ver.ID, Kind: "Markdown"}},
	}}
	needed := r.needed(ver)
	lacks := missing(needed, have)
	v.Facts = web.Summary{Rows: []web.SummaryRow{
		{Key: "Stands", Text: standing(c, ver, acts), Lines: nonEmpty(shippedWords(ver))},
		{Key: "Proposed", When: c.Moment(ver.ProposedAt), Lines: []string{"by " + r.name(c, ver.ProposedBy)}},
		{Key: "Mark of the text", Text: ver.Hash[:16], Lines: []string{"It changes with every letter of the text."}},
	}}
	v.Approvals = r.approvalTable(c, needed, have)
	if c.May(MayApprove) {
		if v.Own, err = r.ownApprovals(c, ver); err != nil {
			return v, err
		}
	}
	if c.May(MayActivate) && len(lacks) > 0 {
		v.Paper = paperFormOf(ver, lacks)
	}
	inForce := len(acts) > 0 && acts[0].Version == ver.ID
	if len(acts) > 0 && !inForce {
		v.Links = append(v.Links, web.Link{Title: "What differs from the policy in force", Path: versionLink(ver.ID) + "/diff"})
	}
	if c.May(MayActivate) && !inForce {
		v.Links = append(v.Links, web.Link{Title: "See what it would change, and put it in force", Path: versionLink(ver.ID) + "/activate"})
	}
	v.Blocks = proseOf(c, r.reading.of(ver).Blocks, nil, false)
	return v, nil
}

func nonEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

func (r *Room) approvalTable(c *web.Ctx, needed []string, have []Approval) web.Table {
	t := web.Table{
		Caption: "Approvals", ShowCaption: true, Columns: []web.Column{{Title: "By"}, {Title: "Who"}, {Title: "How"}, {Title: "When"}},
		Empty: web.Empty{Title: "The text names nobody who must approve it"},
	}
	for _, role := range needed {
		cells := []web.Cell{{Text: ownerTitle(approverTitle(role))}, {Text: "not yet"}, {}, {}}
		for _, a := range have {
			if a.Role != role {
				continue
			}
			how := web.Cell{Text: "in Belisha", Small: a.Minute}
			if a.Paper {
				how = web.Cell{Text: "on paper", Small: "recorded by " + r.name(c, a.By)}
			}
			cells = []web.Cell{cells[0], {Text: a.Name}, how, {Text: c.Words.ShortDate(a.On)}}
		}
		t.Rows = append(t.Rows, web.Row{Cells: cells})
	}
	return t
}

func (r *Room) ownApprovals(c *web.Ctx, ver Version) ([]ownApproval, error) {
	roles, err := r.OwnRoles(c.Context(), ver, c.Actor)
	if err != nil || ver.ProposedBy == c.Actor.ID {
		return nil, err
	}
	var out []ownApproval
	for _, role := range roles {
		own := ownApproval{
			Path: versionLink(ver.ID) + "/approve", Title: "Approve it as " + approverTitle(role),
			Hidden: []web.Hidden{{Name: "role", Value: role}},
		}
		if bodies[role] {
			own.Title, own.Body = "Record that "+approverTitle(role)+" approved it", true
			own.Minute = web.Field{Name: "minute", Label: "Minute of the decision", Hint: "Such as: 12 October, item 4", Max: maxName}
		}
		out = append(out, own)
	}
	return out, nil
}

func paperFormOf(ver Version, lacks []string) paperForm {
	role := web.Field{Kind: web.SelectField, Name: "role", Label: "Whose approval"}
	for _, l := range lacks {
		role.Options = append(role.Options, web.Option{Value: l, Label: ownerTitle(approverTitle(l))})
	}
	return paperForm{Path: versionLink(ver.ID) + "/paper", Fields: []web.Field{
		role,
		{Name: "name", Label: "Name on the paper", Max: maxName},
		{Kind: web.DayField, Name: "on", Label: "Day on which it was given"},
		{Name: "paperminute", Label: "Minute of the decision, if a body decided", Optional: true, Max: maxName},
	}}
}

func (r *Room) approve(c *web.Ctx) error {
	if _, err := c.Form(); err != nil {
		return err
	}
	err := r.Approve(c.Context(), c.Param("id"), c.Value("role"), c.Value("minute"))
	if err != nil {
		return r.versionAgain(c, err)
	}
	c.Notice("Your approval is kept.")
	return c.Redirect(versionLink(c.Param("id")))
}

func (r *Room) recordPaper(c *web.Ctx) error {
	if _, err := c.Form(); err != nil {
		return err
	}
	on, _ := time.Parse(time.DateOnly, c.Value("on")) // the zero day is refused with a sentence
	err := r.Record(c.Context(), c.Param("id"), []Approval{{Role: c.Value("role"), Name: c.Value("name"), On: on, Minute: c.Value("paperminute")}})
	if err != nil {
		return r.versionAgain(c, err)
	}
	c.Notice("The approval on paper is recorded. It shows as somebody's word.")
	return c.Redirect(versionLink(c.Param("id")))
}

// versionAgain shows the page with what is wrong with the form.
func (r *Room) versionAgain(c *web.Ctx, wrong error) error {
	bad, ok := web.Wrong(wrong)
	if !ok {
		return wrong
	}
	v, err := r.versionViewOf(c)
	if err != nil {
		return err
	}
	form, err := c.Form()
	if err != nil {
		return err
	}
	var fields []*web.Field
	for i := range v.Paper.Fields {
		fields = append(fields, &v.Paper.Fields[i])
	}
	v.Errors = web.Refill(form, bad, fields...)
	return versionFile.Status(422).Render(c, v)
}

type diffView struct {
	web.Base
	Settings web.Table
	Clauses  []clauseDiff
	Same     web.Empty
}

// clauseDiff is one clause that differs.
type clauseDiff struct {
	Heading string
	What    string
	Words   []document.Piece
	Notes   []string
}

var diffFile = web.NewPage[diffView](pages, "pages/diff.html")

func (r *Room) diffPage(c *web.Ctx) error {
	ver, err := r.Version(c.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	_, now, err := r.inForce(c.Context(), r.d.DB)
	if with := c.Query("with"); with != "" {
		now, err = r.Version(c.Context(), with)
	}
	if err != nil {
		return err
	}
	d := document.Diff(r.reading.of(now), r.reading.of(ver))
	v := diffView{Base: web.Base{
		Title: "What differs", Lead: "From " + now.Title + ", " + now.Number + " to " + ver.Title + ", " + ver.Number + ".",
		Crumbs: []web.Crumb{policyCrumb, versionsCrumb, {Title: ver.Number, Path: versionLink(ver.ID)}},
	}}
	v.Settings = web.Table{
		Caption: "Settings", ShowCaption: true, Columns: []web.Column{{Title: "Setting"}, {Title: "Was"}, {Title: "Becomes"}},
		Empty: web.Empty{Title: "No setting differs"},
	}
	for _, s := range d.Values {
		v.Settings.Rows = append(v.Settings.Rows, web.Row{Cells: []web.Cell{{Text: r.titleOf(s.Key), Small: wholeSchool(s.Where)}, {Text: leftOpen(s.Old)}, {Text: leftOpen(s.New)}}})
	}
	for _, ch := range d.Clauses {
		v.Clauses = append(v.Clauses, clauseDiffOf(ch))
	}
	if len(d.Clauses)+len(d.Values) == 0 {
		v.Same = web.Empty{Title: "The two texts say the same"}
	}
	return diffFile.Render(c, v)
}

// leftOpen says that a text gives no value.
func leftOpen(words string) string {
	if words == "" {
		return "left open"
	}
	return words
}

func (r *Room) titleOf(key string) string {
	if s, ok := r.d.Book.Get(key); ok && s.Title != "" {
		return s.Title
	}
	return key
}

func clauseDiffOf(ch document.Change) clauseDiff {
	out := clauseDiff{Heading: ch.Heading, What: map[document.ChangeKind]string{
		document.Added: "Added", document.Removed: "Taken out", document.Changed: "Changed",
	}[ch.Kind], Words: ch.Words}
	switch {
	case ch.Kind == document.Added:
		out.Words = []document.Piece{{Kind: document.Added, Text: ch.New}}
	case ch.Kind == document.Removed:
		out.Words = []document.Piece{{Kind: document.Removed, Text: ch.Old}}
	case len(out.Words) == 0:
		out.Notes = append(out.Notes, "The words are the same.")
	}
	for _, n := range ch.ControlsGone {
		out.Notes = append(out.Notes, "The control "+n+" is no longer named.")
	}
	for _, n := range ch.ControlsNew {
		out.Notes = append(out.Notes, "The control "+n+" is named.")
	}
	return out
}
