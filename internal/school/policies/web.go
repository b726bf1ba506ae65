package policies

import (
	"embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/control"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
)

//go:embed pages/*.html
var pages embed.FS

// mayJournal lets somebody read the journal.
const mayJournal actor.Capability = "journal.read"

// Section is the room's pages.
func (r *Room) Section() web.Section {
	return web.Section{
		Name: "policies", Title: "Policy",
		Menu: []web.MenuItem{{Title: "Policy", Path: "/policies", Needs: MayRead, Icon: "policy", Area: "Policy"}},
		Routes: []web.Route{
			{Pattern: "GET /policies", Needs: MayRead, Do: r.policyPage},
			{Pattern: "GET /policies/not-kept", Needs: MayEvidence, Do: r.notKeptPage},
			{Pattern: "GET /policies/clauses/{id}", Needs: MayEvidence, Do: r.clausePage},
			{Pattern: "GET /policies/controls", Needs: MayEvidence, Do: r.controlsPage},
			{Pattern: "GET /policies/controls/{slug}", Needs: MayEvidence, Do: r.controlPage},
			{Pattern: "POST /policies/controls/{slug}/look", Needs: MayEvidence, Do: r.lookAgain},
			{Pattern: "GET /policies/settings", Needs: MayEvidence, Do: r.settingsPage},
			{Pattern: "GET /policies/journal", Needs: mayJournal, Do: r.journalPage},
			{Pattern: "GET /policies/text", Needs: MayRead, Do: r.download},
			{Pattern: "GET /policies/versions", Needs: MayRead, Do: r.versionsPage},
			{Pattern: "GET /policies/versions/{id}", Needs: MayRead, Do: r.versionPage},
			{Pattern: "GET /policies/versions/{id}/diff", Needs: MayRead, Do: r.diffPage},
			{Pattern: "POST /policies/versions/{id}/approve", Needs: MayApprove, Do: r.approve},
			{Pattern: "POST /policies/versions/{id}/paper", Needs: MayActivate, Do: r.recordPaper},
			{Pattern: "GET /policies/versions/{id}/activate", Needs: MayActivate, Do: r.activatePage},
			{Pattern: "POST /policies/versions/{id}/activate", Needs: MayActivate, Do: r.activate},
			{Pattern: "GET /policies/propose", Needs: MayEdit, Do: r.proposePage},
			{Pattern: "POST /policies/propose", Needs: MayEdit, Do: r.propose, Body: 2 << 20},
		},
	}
}

// ways are the links under the heading of every page of the room.
func ways(c *web.Ctx) []web.Link {
	var out []web.Link
	for _, w := range []struct {
		needs actor.Capability
		link  web.Link
	}{
		{MayEvidence, web.Link{Title: "What is not being kept", Path: "/policies/not-kept"}},
		{MayEvidence, web.Link{Title: "Controls", Path: "/policies/controls"}},
		{MayEvidence, web.Link{Title: "Settings", Path: "/policies/settings"}},
		{MayRead, web.Link{Title: "Versions", Path: "/policies/versions"}},
		{MayEdit, web.Link{Title: "Propose a new version", Path: "/policies/propose"}},
		{mayJournal, web.Link{Title: "What changed", Path: "/policies/journal"}},
	} {
		if c.May(w.needs) {
			out = append(out, w.link)
		}
	}
	return out
}

type policyView struct {
	web.Base
	Ways   []web.Link
	None   web.Empty // while no policy is in force
	Past   web.Panel // the state of a past day is shown
	Panel  web.Panel // not approved
	Facts  web.Summary
	Said   string // how many promises stand how
	Bad    []badLine
	On     web.Filter
	Blocks []blockView
	Also   []web.Evidence
	Marks  bool
}

// badLine is a clause that is not being kept, at the top of the page.
type badLine struct {
	Mark   web.State
	Text   string
	Figure string
	Link   string
	more   int // further clauses of the same control
}

var policyFile = web.NewPage[policyView](pages, "pages/policy.html", "pages/prose.html", "pages/ways.html")

func (r *Room) policyPage(c *web.Ctx) error {
	s, past, err := r.statusFor(c)
	if err != nil {
		return err
	}
	v := policyView{Base: web.Base{Title: "Policy"}, Ways: ways(c), Marks: c.May(MayEvidence), Past: past}
	if s.Policy == nil {
		v.None = r.noPolicy(c)
		return policyFile.Render(c, v)
	}
	v.Title = s.Policy.Title
	v.Exports = []web.Download{{Title: "Download", Path: "/policies/text", Kind: "Markdown"}}
	v.Facts = policyFacts(c, *s.Policy)
	v.Panel = approvalPanel(*s.Policy)
	states := map[string]ClauseState{}
	for _, cl := range s.Clauses {
		states[cl.ID] = cl
	}
	v.Blocks = proseOf(c, s.doc.Blocks, states, v.Marks)
	if v.Marks {
		v.Said = saidCounts(s.Counts)
		v.Bad = badLines(c, s.Clauses, 5)
		v.On = dayFilter(c)
		for _, a := range s.Also {
			v.Also = append(v.Also, evidenceOf(c, a))
		}
	}
	return policyFile.Render(c, v)
}

// statusFor is the status now, or that of the day in the address.
func (r *Room) statusFor(c *web.Ctx) (Status, web.Panel, error) {
	on := c.Query("on")
	if on == "" || !c.May(MayEvidence) {
		s, err := r.Status(c.Context())
		return s, web.Panel{}, err
	}
	from, err := time.ParseInLocation(time.DateOnly, on, c.Words.Zone())
	if err != nil {
		return Status{}, web.Panel{}, store.Invalid{"on": "Write the day as 2026-11-23."}
	}
	to := from.AddDate(0, 0, 1)
	if !to.Before(c.Now()) {
		s, err := r.Status(c.Context())
		return s, web.Panel{}, err
	}
	at, err := r.watch.LastLook(c.Context(), from, to)
	if err != nil {
		return Status{}, web.Panel{}, err
	}
	s, err := r.StatusOn(c.Context(), at)
	return s, web.Panel{
		Tone: "note", Title: "As it stood on " + c.Words.Moment(at),
		Words: "The text and the marks are those of that day.", Link: web.Link{Title: "Show how it stands now", Path: "/policies"},
	}, err
}

func dayFilter(c *web.Ctx) web.Filter {
	return web.Filter{
		Path: "/policies", Button: "Show that day",
		Fields: []web.Field{{Kind: web.DayField, Name: "on", Label: "How did it stand on", Value: c.Query("on"), Optional: true}},
	}
}

func (r *Room) noPolicy(c *web.Ctx) web.Empty {
	e := web.Empty{Title: "No policy is in force", Words: "Until one is, every setting has its safe default, and nobody has confirmed it."}
	if c.May(MayEdit) {
		e.Words += " Begin with one of the example policies: " + words.Or(r.names) + "."
		e.Step = web.Link{Title: "Propose a policy", Path: "/policies/propose"}
	}
	return e
}

func policyFacts(c *web.Ctx, p PolicyState) web.Summary {
	approval := "by everybody it names"
	if !p.Approved {
		approval = "still missing: " + titles(p.Missing)
	}
	return web.Summary{Rows: []web.SummaryRow{
		{Key: "Version", Text: p.Version, Link: web.Link{Title: "All versions", Path: "/policies/versions"}},
		{Key: "In force since", When: c.Moment(p.Since)},
		{Key: "Approved", Text: approval},
		{Key: "Next review", Text: c.Words.Date(p.Review)},
	}}
}

func approvalPanel(p PolicyState) web.Panel {
	if p.Approved {
		return web.Panel{}
	}
	return web.Panel{
		Tone: "warn", Title: "This policy is in force and not yet approved",
		Words: "The word of these is missing: " + titles(p.Missing) + ".",
		Link:  web.Link{Title: "Approvals", Path: "/policies/versions/" + p.ID},
	}
}

// saidCounts is one line of how the promises stand.
func saidCounts(n Counts) string {
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{
		{n.NotKept, "not being kept"},
		{n.Unknown, "unknown"},
		{n.AtRisk, "at risk"},
		{n.Kept, "kept"},
		{n.NotApplicable, "not applicable"},
		{n.WordsOnly, "words only"},
	} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	return "Of the clauses, " + words.And(parts) + "."
}

// badLines are the clauses that are not being kept or at risk, worst first.
// Those that one control brings down are one line.
func badLines(c *web.Ctx, clauses []ClauseState, most int) []badLine {
	var out []badLine
	for _, want := range []control.State{control.Broken, control.AtRisk} {
		at := map[string]int{}
		for _, cl := range clauses {
			w := worstOf(cl)
			if cl.State != want {
				continue
			}
			if i, seen := at[w.Slug]; seen {
				out[i].more++
				continue
			}
			if len(out) == most {
				continue
			}
			at[w.Slug] = len(out)
			mark := markOf(c, cl)
			mark.Link = ""
			out = append(out, badLine{Mark: mark, Text: cl.Text, Figure: w.Figure, Link: clauseLink(cl.ID)})
		}
	}
	for i := range out {
		if out[i].more > 0 {
			out[i].Figure += "; " + words.Count(out[i].more, "more clause rests on it", "more clauses rest on it")
		}
	}
	return out
}

func clauseLink(id string) string { return "/policies/clauses/" + id }

// worstOf is the control that a clause's state comes from.
func worstOf(cl ClauseState) ControlState {
	for _, c := range cl.Controls {
		if c.State == cl.State {
			return c
		}
	}
	return ControlState{}
}

func markOf(c *web.Ctx, cl ClauseState) web.State {
	w := worstOf(cl)
	s := web.State{Is: cl.State, Figure: w.Figure, Link: clauseLink(cl.ID)}
	if w.At != nil {
		s.When = c.Ago(*w.At)
	}
	if cl.State == control.WordsOnly && len(cl.Settings) > 0 {
		s.Figure = "set here; no control looks at it"
	}
	return s
}

func (r *Room) download(c *web.Ctx) error {
	text, err := r.Export(c.Context(), c.Query("version"))
	if err != nil {
		return err
	}
	return c.Send("online-safety-policy.md", "text/markdown; charset=utf-8", strings.NewReader(text))
}

// known turns an id that is none into "no such page".
func known(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return store.ErrNotFound
	}
	return err
}
