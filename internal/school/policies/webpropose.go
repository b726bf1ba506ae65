package policies

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
	"belisha/internal/school/policies/document"
)

type proposeView struct {
	web.Base
	From     []web.Link // texts to begin with
	Text     web.Field
	File     web.Field
	Problems web.Table
	Said     string
}

var proposeFile = web.NewPage[proposeView](pages, "pages/propose.html")

func (r *Room) proposePage(c *web.Ctx) error {
	text, err := r.beginWith(c)
	if err != nil {
		return err
	}
	return proposeFile.Render(c, r.proposeViewOf(text))
}

// beginWith is the text that the form opens with: a shipped policy, or what
// is in force.
func (r *Room) beginWith(c *web.Ctx) (string, error) {
	if text, ok := r.ShippedText(c.Query("from")); ok {
		return text, nil
	}
	text, err := r.Export(c.Context(), "")
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	return text, err
}

func (r *Room) proposeViewOf(text string) proposeView {
	v := proposeView{
		Base: web.Base{
			Title: "Propose a new version", Crumbs: []web.Crumb{policyCrumb}, Wide: true,
			Lead: "Change the text below, or send a file. Nothing comes into force: the text is checked and kept as a draft, and you see what it would change.",
		},
		Text: web.Field{
			Kind: web.LongField, Name: "text", Label: "The policy", Rows: 30, Value: text,
			Hint: "A value stands in square brackets with its setting: [90 days]{set=access.staff.password-max-age}. A control ends its clause: []{control=password-age}.",
		},
		File: web.Field{Kind: web.FileField, Name: "file", Label: "Or a file of text", Optional: true, Accept: ".md,.markdown,.txt"},
	}
	for _, n := range r.names {
		v.From = append(v.From, web.Link{Title: strings.ReplaceAll(n, "-", " "), Path: "/policies/propose?from=" + n})
	}
	return v
}

func (r *Room) propose(c *web.Ctx) error {
	text, err := proposedText(c)
	if err != nil {
		return err
	}
	ver, report, err := r.Propose(c.Context(), text)
	var refused *Refused
	if errors.As(err, &refused) {
		v := r.proposeViewOf(text)
		v.Errors = web.Errors{List: []web.Mistake{{Words: words.Count(report.Errors, "error stands", "errors stand") + " in the text; the list below says where. Nothing was kept.", Ref: "text"}}}
		v.Problems = problemTable(report)
		v.Said = "What the check says"
		return proposeFile.Status(422).Render(c, v)
	}
	if err != nil {
		return err
	}
	said := "The text is kept as a draft."
	if report.Warnings > 0 {
		said += " The check has " + words.Count(report.Warnings, "warning", "warnings") + ", shown where it is put in force."
	}
	c.Notice(said)
	return c.Redirect(versionLink(ver.ID))
}

// proposedText is the file that was sent, or the text of the form.
func proposedText(c *web.Ctx) (string, error) {
	if _, err := c.Form(); err != nil {
		return "", err
	}
	f, _, err := c.Upload("file")
	if err != nil {
		return c.R.PostFormValue("text"), nil // a form without a file
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, document.MaxBytes+1))
	if err != nil {
		return "", fmt.Errorf("reading the file: %w", err)
	}
	if len(b) == 0 {
		return c.R.PostFormValue("text"), nil
	}
	return string(b), nil
}

// problemTable lists a check's problems, errors first.
func problemTable(rep Report) web.Table {
	t := web.Table{Caption: "What the check says", Columns: []web.Column{{Title: "Line", Numeric: true}, {Title: "What"}, {Title: "How bad"}}}
	for _, level := range []document.Level{document.Error, document.Warning, document.Note} {
		for _, p := range rep.Problems {
			if p.Level != level {
				continue
			}
			line := "the whole"
			if p.Line > 0 {
				line = strconv.Itoa(p.Line)
			}
			t.Rows = append(t.Rows, web.Row{Cells: []web.Cell{{Text: line}, {Text: p.Words}, {Text: string(p.Level)}}})
		}
	}
	return t
}

type activateView struct {
	web.Base
	Panel    web.Panel
	Settings web.Table
	Confirm  web.Confirm
	CanDo    bool
	Problems web.Table
}

var activateFile = web.NewPage[activateView](pages, "pages/activate.html")

func (r *Room) activatePage(c *web.Ctx) error {
	ver, err := r.Version(c.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	return r.showActivate(c, ver, "", 200)
}

// showActivate previews the version; wrong is what stood in the way of the
// last try.
func (r *Room) showActivate(c *web.Ctx, ver Version, wrong string, status int) error {
	v := activateView{Base: web.Base{
		Title:  "Put " + ver.Title + ", " + ver.Number + " in force",
		Crumbs: []web.Crumb{policyCrumb, versionsCrumb, {Title: ver.Number, Path: versionLink(ver.ID)}},
	}}
	seen := r.d.Live.Current().Number()
	res, err := r.Preview(c.Context(), ver.Text)
	if words, ok := inTheWay(err); ok {
		v.Panel = web.Panel{Tone: "bad", Title: "It cannot come into force", Words: words, Link: web.Link{Title: "Back to the version", Path: versionLink(ver.ID)}}
		return activateFile.Status(422).Render(c, v)
	}
	if err != nil {
		return err
	}
	if wrong != "" {
		v.Errors = web.Errors{List: []web.Mistake{{Words: wrong}}}
	}
	may, err := r.mayRun(c, ver, res)
	if err != nil {
		return err
	}
	v.CanDo = may && !res.Already
	v.Panel = activatePanel(ver, res, may)
	v.Settings = changeTable(res.Settings)
	v.Confirm = confirmOf(ver, res, seen)
	v.Problems = problemTable(onlyWarnings(res.Report))
	return activateFile.Status(status).Render(c, v)
}

// inTheWay says which errors are sentences for the reader of this page.
func inTheWay(err error) (string, bool) {
	var refused *Refused
	var blocked *Blocked
	var lacks *NotApproved
	switch {
	case errors.As(err, &refused), errors.As(err, &blocked), errors.As(err, &lacks), errors.Is(err, ErrBusy):
		return err.Error(), true
	}
	return "", false
}

// mayRun reports whether the version may come into force as it stands.
func (r *Room) mayRun(c *web.Ctx, ver Version, res Result) (bool, error) {
	err := r.refuseUnapproved(c.Context(), &prepared{ver: ver, result: res})
	var lacks *NotApproved
	if errors.As(err, &lacks) {
		return false, nil
	}
	return err == nil, err
}

func activatePanel(ver Version, res Result, may bool) web.Panel {
	approvals := web.Link{Title: "Approvals", Path: versionLink(ver.ID)}
	switch {
	case res.Already:
		return web.Panel{Tone: "note", Title: "It is in force already"}
	case len(res.Missing) == 0:
		return web.Panel{}
	case may:
		return web.Panel{
			Tone: "warn", Title: "It would run not yet approved",
			Words: "This is a policy as shipped, in a school that has no approved one. It may run to be tried; until " + titles(res.Missing) + " have approved it, it shows as not being kept.", Link: approvals,
		}
	}
	return web.Panel{Tone: "bad", Title: "It cannot come into force yet", Words: "The approval of " + titles(res.Missing) + " is missing.", Link: approvals}
}

func changeTable(changes []SettingChange) web.Table {
	t := web.Table{
		Caption: "Settings that change", ShowCaption: true, Columns: []web.Column{{Title: "Setting"}, {Title: "Now"}, {Title: "Then"}},
		Empty: web.Empty{Title: "No setting changes"},
	}
	for _, ch := range changes {
		then, now := web.Cell{Text: ch.New}, web.Cell{Text: ch.Old}
		if len(ch.Added)+len(ch.Gone) > 0 && len(ch.Old) > 60 {
			then.Text, now.Text = listChange(ch), "a list, in the policy in force"
		}
		if !ch.Confirmed {
			then.Small = "the safe default: no sentence decides it"
		}
		t.Rows = append(t.Rows, web.Row{Cells: []web.Cell{{Text: ch.Title, Small: wholeSchool(ch.Where)}, now, then}})
	}
	return t
}

// listChange says what a long list gains and loses.
func listChange(ch SettingChange) string {
	var parts []string
	if len(ch.Added) > 0 {
		parts = append(parts, "gains: "+words.And(ch.Added))
	}
	if len(ch.Gone) > 0 {
		parts = append(parts, "loses: "+words.And(ch.Gone))
	}
	return strings.Join(parts, "; ")
}

func confirmOf(ver Version, res Result, seen uint64) web.Confirm {
	conf := web.Confirm{
		What:   fmt.Sprintf("%s, %s, comes into force and %s.", ver.Title, ver.Number, words.Count(len(res.Settings), "setting changes", "settings change")),
		When:   "At once, in one step, without a restart.",
		Undo:   "The policy in force now is kept, and can be put in force again from its page.",
		Action: web.Action{Path: versionLink(ver.ID) + "/activate", Title: "Put it in force", Hidden: []web.Hidden{{Name: "seen", Value: strconv.FormatUint(seen, 10)}}},
		Cancel: web.Link{Title: "Leave things as they are", Path: versionLink(ver.ID)},
	}
	effects := slices.Clone(res.Effects)
	slices.SortStableFunc(effects, func(a, b setting.Effect) int { return rank(a) - rank(b) })
	for _, e := range effects {
		conf.List = append(conf.List, e.Words)
	}
	return conf
}

// rank puts first who loses something.
func rank(e setting.Effect) int {
	if e.Loses {
		return 0
	}
	return 1
}

func onlyWarnings(rep Report) Report {
	var out []Problem
	for _, p := range rep.Problems {
		if p.Level == document.Warning {
			out = append(out, p)
		}
	}
	rep.Problems = out
	return rep
}

func (r *Room) activate(c *web.Ctx) error {
	ver, err := r.Version(c.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	if _, err := c.Form(); err != nil {
		return err
	}
	seen, err := strconv.ParseUint(c.Value("seen"), 10, 64)
	if err != nil {
		return r.showActivate(c, ver, "Look at what it changes first, then put it in force.", 422)
	}
	res, err := r.Activate(c.Context(), Request{Text: ver.Text, Seen: &seen})
	if words, ok := inTheWay(err); ok {
		return r.showActivate(c, ver, words, 422)
	}
	if errors.Is(err, store.ErrStale) {
		return r.showActivate(c, ver, "Another policy came into force since you looked. This is what would change now.", 409)
	}
	if err != nil {
		return err
	}
	said := res.Title + " is in force."
	for _, t := range res.Trouble {
		said += " But " + t + "."
	}
	c.Notice(said)
	return c.Redirect("/policies")
}
