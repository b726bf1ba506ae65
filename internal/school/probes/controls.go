package probes

import (
	"context"
	"fmt"
	"time"

	"belisha/internal/kit/control"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

// Controls is what must be true of what the room tries.
func (r *Room) Controls() []control.Control {
	return []control.Control{{
		Number: "C03", Slug: "programs-blocked", Title: "Programs and other executable files cannot be downloaded.",
		Requirements: []string{"FIL-08", "FIL-09"}, Settings: []string{"filtering.downloads", "filtering.staff.downloads", "filtering.inspect"},
		MaxAge: 2 * time.Hour, Default: true, Check: r.filesClosed,
	}}
}

// stale is how old the nightly trial may be.
const stale = 26 * time.Hour

// shown bounds the rows of a finding.
const shown = 200

// filesClosed is C03: every test file that the policy closes was closed in the
// last trial with files.
func (r *Room) filesClosed(ctx context.Context, now time.Time, v *setting.Values) (control.Finding, error) {
	f := control.Finding{
		State: control.Unknown, Rule: "each harmless test file of a kind that the policy closes is kept out, under its own name, in disguise and in an archive",
		Source: control.Measured, By: "test files, asked of the running filter each night", Owner: string(people.FilterManager), At: now,
	}
	run, err := r.Last(ctx, MainSite, true)
	if err != nil {
		return f, err
	}
	if run.ID == "" || now.Sub(run.At) > stale {
		f.Figure, f.Todo = "no trial with files in the last day", "Press “Try it now” on the page of trials."
		return f, nil
	}
	list, err := r.Answers(ctx, run.ID)
	if err != nil {
		return f, err
	}
	f.At = run.At
	n := map[State]int{}
	for _, a := range list {
		if a.Area != Files {
			continue
		}
		n[a.State]++
		f.Rows = append(f.Rows, a.row(run))
	}
	weighFiles(&f, n, v)
	f.Total = len(f.Rows)
	f.Rows = f.Rows[:min(len(f.Rows), shown)]
	return f, nil
}

// weighFiles says what the answers come to.
func weighFiles(f *control.Finding, n map[State]int, v *setting.Values) {
	f.Figure = fmt.Sprintf("%d of %s kept out", n[Right], words.Count(n[Right]+n[Wrong]+n[Unknown], "test file", "test files"))
	switch {
	case n[Wrong] > 0:
		f.State, f.Todo = control.Broken, "Look at the trial: it names the files that came through, and for whom."
	case n[Unknown] > 0 || n[Right]+n[NotSo] == 0:
		f.State, f.Todo = control.Unknown, "Look at the trial: some files could not be asked for."
	case n[Right] == 0:
		f.State, f.Figure = control.Broken, "no kind of file is closed for anybody"
		f.Todo = "Say in the policy which kinds of file are closed."
	case !inspected(v):
		f.State = control.AtRisk
		f.Figure += "; on encrypted sites files are not seen, since the filter does not look inside them for every group"
		f.Todo = "Let the filter look inside encrypted sites, or close kinds of site that offer programs; and have devices set so that nobody can install."
	default:
		f.State = control.Kept
	}
}

// inspected reports whether the filter looks inside encrypted sites for every
// group.
func inspected(v *setting.Values) bool {
	for _, g := range []string{"pupils", "staff", "guests"} {
		if v.Choice("filtering.inspect", setting.Scope{Group: g}) != "on" {
			return false
		}
	}
	return true
}

func (a Answer) row(run Run) control.Row {
	what := a.What
	if a.Group != "" {
		what = a.Group + ": " + what
	}
	state := control.Unknown
	switch a.State {
	case Right:
		state = control.Kept
	case Wrong:
		state = control.Broken
	case NotSo:
		state = control.NotApplicable
	}
	if a.State != Right {
		what += ". " + a.Said
	}
	return control.Row{What: what, State: state, At: run.At, Link: pathRun + run.ID}
}

// Prove holds what is said of the path against what was tried. What no trial
// can see, the ways past the filter, rests on the word that f has, unless
// devices tried them.
func (r *Room) Prove(ctx context.Context, now time.Time, v *setting.Values, f control.Finding) (control.Finding, error) {
	within := v.Duration(keyWithin)
	list, err := r.Since(ctx, now.Add(-within), mostRuns)
	if err != nil {
		return f, err
	}
	stand, err := r.Standing(ctx)
	if err != nil {
		return f, err
	}
	f.Rule = "every trial of the last " + words.Length(within) + " came out right at each site; " + f.Rule
	p := r.weigh(list)
	if f.State == control.Broken { // a word that ran out, or Belisha taken out: nothing tried mends that
		f.Figure += "; " + p.figure()
		return f, nil
	}
	state := p.state()
	for _, x := range stand {
		if !x.Overdue || x.Site == MainSite {
			continue
		}
		state = control.Worst([]control.State{state, control.Unknown})
		f.Rows = append(f.Rows, control.Row{What: x.Site + ": " + x.overdueWords(now), State: control.Unknown, At: now, Link: pathList})
	}
	direct, tried, err := r.direct(ctx, stand)
	if err != nil {
		return f, err
	}
	if direct == Wrong {
		state = control.Broken
	}
	if direct == Right && f.State != control.Kept && f.State != control.AtRisk && state == control.Kept && f.Source == "" {
		// Nobody's word is needed for what devices tried themselves.
		f.State, f.Source, f.By, f.Figure, f.Todo = control.Kept, control.Measured, "trials by the filter and by devices: "+words.And(tried), "", ""
	}
	f.Figure = join(f.Figure, p.figure())
	f.Figure += pastWords(direct, tried)
	if state != control.Kept {
		f.Todo = "Open the page of trials: it says what went wrong and what to do."
	}
	if state == control.Broken {
		f.Source, f.By = control.Measured, "trials of the running filter"
	}
	f.State = control.Worst([]control.State{f.State, state})
	f.Rows = append(p.rows, f.Rows...)
	f.Total = len(f.Rows)
	f.Rows = f.Rows[:min(len(f.Rows), shown)]
	return f, nil
}

func pastWords(direct State, tried []string) string {
	switch {
	case direct == Wrong:
		return "; a device got past it"
	case len(tried) == 0:
		return "; ways past it were not tried"
	case direct == Right:
		return "; devices could not get past it: " + words.And(tried)
	}
	return "; ways past it were all tried only at " + words.And(tried)
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

// mostRuns bounds how many trials are looked at: two weeks of hourly ones, for
// as many sites as there can be.
const mostRuns = 20_000

// proof is what the trials of some time come to.
type proof struct {
	runs, wrong, blind int
	sites              map[string]bool
	rows               []control.Row
}

func (r *Room) weigh(list []Run) proof {
	p := proof{sites: map[string]bool{}}
	for _, x := range list {
		p.runs++
		p.sites[x.Site] = true
		row := control.Row{At: x.At, Link: pathRun + x.ID}
		switch x.State() {
		case Wrong:
			p.wrong++
			row.What, row.State = fmt.Sprintf("%s: %s came out wrong", x.Site, words.Count(x.Wrong, "question", "questions")), control.Broken
		case Unknown:
			p.blind++
			row.What, row.State = fmt.Sprintf("%s: %s could not be asked", x.Site, words.Count(x.Blind, "question", "questions")), control.Unknown
		default:
			continue
		}
		p.rows = append(p.rows, row)
	}
	return p
}

func (p proof) state() control.State {
	switch {
	case p.wrong > 0:
		return control.Broken
	case p.runs == 0 || p.blind == p.runs || !p.sites[MainSite]:
		return control.Unknown
	case p.blind > 0:
		return control.AtRisk
	}
	return control.Kept
}

func (p proof) figure() string {
	if p.runs == 0 {
		return "no trial was made lately"
	}
	return fmt.Sprintf("%d of %s came out right", p.runs-p.wrong-p.blind, words.Count(p.runs, "trial", "trials"))
}

// direct is what devices found of ways past the filter, in the newest trial of
// each site: Right only where every device tried every way. tried are the sites
// where all ways were closed.
func (r *Room) direct(ctx context.Context, stand []Stand) (State, []string, error) {
	out := Right
	var tried []string
	for _, x := range stand {
		if x.Site == MainSite {
			continue
		}
		n := map[State]int{}
		if x.Last.ID != "" && !x.Overdue {
			answers, err := r.Answers(ctx, x.Last.ID)
			if err != nil {
				return NotSo, nil, err
			}
			for _, a := range answers {
				if a.Area == Direct {
					n[a.State]++
				}
			}
		}
		switch {
		case n[Wrong] > 0:
			return Wrong, nil, nil
		case n[Right] == 0 || n[Unknown]+n[NotSo] > 0:
			out = NotSo
		default:
			tried = append(tried, x.Site)
		}
	}
	if len(tried) == 0 {
		out = NotSo
	}
	return out, tried, nil
}

// Beside adds to another room's finding what the last trial of this machine
// found in an area. What was not tried lately adds nothing but a word.
func (r *Room) Beside(ctx context.Context, now time.Time, f control.Finding, about Area) (control.Finding, error) {
	run, err := r.Last(ctx, MainSite, false)
	if err != nil {
		return f, err
	}
	if run.ID == "" || now.Sub(run.At) > stale {
		f.Figure = join(f.Figure, "not tried at the filter's doors lately")
		return f, nil
	}
	list, err := r.Answers(ctx, run.ID)
	if err != nil {
		return f, err
	}
	n := map[State]int{}
	var rows []control.Row
	for _, a := range list {
		if a.Area != about {
			continue
		}
		n[a.State]++
		if a.State == Wrong {
			rows = append(rows, a.row(run))
		}
	}
	if n[Right]+n[Wrong] == 0 {
		return f, nil
	}
	f.Figure = join(f.Figure, fmt.Sprintf("%d of %s tried at the filter's doors came out right", n[Right], words.Count(n[Right]+n[Wrong]+n[Unknown], "question", "questions")))
	if n[Wrong] > 0 {
		f.State, f.Todo = control.Broken, "Open the page of trials: it says which came out wrong and what to do."
		f.Rows = append(rows, f.Rows...)
		f.Total += len(rows)
		f.Rows = f.Rows[:min(len(f.Rows), shown)]
	}
	return f, nil
}
