package review

import (
	"strings"
	"time"

	"belisha/internal/kit/control"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
)

// paper is the head of a page as one could table it; it is seen in print, and
// on a report that was kept.
type paper struct {
	School  string
	Title   string
	Made    web.When
	Policy  string
	Covers  string
	Journal string
}

// promiseLine is one promise with what is wrong with it.
type promiseLine struct {
	Mark  web.State
	Text  string
	Area  string
	Says  string // the figure and since when
	More  string // how many promises rest on the same control
	Todo  string
	Link  string // the evidence
	Owner string
}

// trendView is one trend: bars by month, and this term against the last.
type trendView struct {
	Bars web.Bars
	Said string
}

// body is what the head's page, the governors' and a kept report share.
type body struct {
	Paper      paper
	Statements []string
	Line       string // how the promises stand, in a sentence
	Areas      web.Table
	Broken     []promiseLine
	AtRisk     []promiseLine
	Unknown    []promiseLine
	// Unmeasured says for how many promises nothing here looks for evidence.
	Unmeasured string
	Quiet      string // what did not happen at all, of the trends
	Waits      web.Table
	Looks      []string
	Trends     []trendView
	Levels     web.Table // trends of which no sum makes sense
	Filter     web.Table
	Posts      web.Table
	Turns      web.Table
	Head       bool
}

// body makes the shared parts of a page from a report.
func (r *Room) body(c *web.Ctx, rep Report) body {
	s := rep.Standing
	b := body{
		Head: rep.Kind == ForHead, Statements: rep.School.Statements, Looks: rep.School.Looks,
		Paper: paper{
			School: rep.School.Name, Title: title(rep.Kind), Made: c.Moment(rep.MadeAt), Policy: policyWords(s),
			Covers:  rep.School.Term.Name + ", from " + c.Words.ShortDate(rep.School.Term.From),
			Journal: "line " + words.Number(int(rep.Journal.Seq)) + ", " + rep.Journal.Hash,
		},
		Line: line(rep.Counts), Areas: areas(rep.Areas), Filter: tallies(rep), Posts: filled(rep.School.Posts), Waits: waits(c, rep.School.Waits),
	}
	b.Broken = lines(c, s.In(control.Broken))
	b.AtRisk = lines(c, s.In(control.AtRisk))
	known, unmeasured := measured(s.In(control.Unknown))
	b.Unknown = lines(c, known)
	if unmeasured > 0 {
		b.Unmeasured = "For " + words.Count(unmeasured, "promise", "promises") + " nothing in Belisha looks for evidence yet: they stand on the school's word alone, and count as unknown."
	}
	b.movements(rep)
	b.Turns = web.Table{
		Caption: "Who was given or lost a post this month", Columns: []web.Column{{Title: "Who"}, {Title: "Post"}, {Title: "What"}, {Title: "When"}},
		Empty: web.Empty{Title: "Nobody was given or lost a post this month"},
	}
	for _, t := range rep.School.Turns {
		b.Turns.Rows = append(b.Turns.Rows, web.Row{Cells: []web.Cell{{Text: t.Name}, {Text: t.Post}, {Text: t.Says}, {When: c.Near(t.At)}}})
	}
	return b
}

// movements shows the trends in which something moved, and names the others.
func (b *body) movements(rep Report) {
	var quiet []string
	for _, m := range rep.Trends {
		if m.Total() == 0 && m.Before == 0 {
			quiet = append(quiet, strings.ToLower(m.Title[:1])+m.Title[1:])
			continue
		}
		if m.Level {
			b.level(m, rep.School)
			continue
		}
		b.Trends = append(b.Trends, movement(m, rep.School))
	}
	if len(quiet) > 0 {
		b.Quiet = "None this term, nor the term before: " + words.And(quiet) + "."
	}
}

// level adds a row of how things stand now, and stood when the term before
// ended.
func (b *body) level(m Movement, s School) {
	if len(b.Levels.Columns) == 0 {
		b.Levels = web.Table{Caption: "How things stand", Columns: []web.Column{
			{Title: "What"}, {Title: "Now", Numeric: true}, {Title: "End of the " + strings.ToLower(before(s)[:1]) + before(s)[1:], Numeric: true},
		}}
		if s.Before.Name == "" {
			b.Levels.Columns[2].Title = "End of the term before"
		}
	}
	unit := map[string]string{"per cent": " %"}[m.Unit]
	was := "not known"
	if m.Known {
		was = few(m.Before) + unit
	}
	b.Levels.Rows = append(b.Levels.Rows, web.Row{Cells: []web.Cell{{Text: m.Title}, {Text: few(m.Total()) + unit}, {Text: was}}})
}

// measured takes out the promises for which nothing is built that looks.
func measured(list []Promise) (known []Promise, unmeasured int) {
	for _, p := range list {
		if p.Figure == "not built yet" {
			unmeasured++
		} else {
			known = append(known, p)
		}
	}
	return known, unmeasured
}

func policyWords(s Standing) string {
	switch {
	case s.Title == "":
		return "no policy is in force"
	case !s.Approved:
		return s.Title + ", version " + s.Version + ", not yet approved"
	}
	return s.Title + ", version " + s.Version
}

// line is how the promises stand, in one sentence, the worst first.
func line(n Counts) string {
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{n.Broken, "not being kept"}, {n.AtRisk, "at risk"}, {n.Unknown, "unknown"}, {n.Kept, "kept"}, {n.Words, "words only, which nothing measures"}, {n.Off, "not applicable"}} {
		if p.n > 0 {
			parts = append(parts, words.Number(p.n)+" "+p.what)
		}
	}
	total := n.Broken + n.AtRisk + n.Unknown + n.Kept + n.Words + n.Off
	if total == 0 {
		return ""
	}
	return "Of " + words.Count(total, "promise", "promises") + ": " + words.And(parts) + "."
}

func areas(list []Area) web.Table {
	t := web.Table{
		Caption: "How the promises stand, by part of the policy",
		Columns: []web.Column{
			{Title: "Part of the policy"},
			{Title: "Not being kept", Numeric: true},
			{Title: "At risk", Numeric: true},
			{Title: "Unknown", Numeric: true},
			{Title: "Kept", Numeric: true},
			{Title: "Words only", Numeric: true},
		},
		Empty: web.Empty{Title: "No policy is in force", Words: "Once one is, each of its promises stands here."},
	}
	for _, a := range list {
		t.Rows = append(t.Rows, web.Row{Cells: []web.Cell{
			{Text: a.Name},
			{Text: words.Number(a.Broken)},
			{Text: words.Number(a.AtRisk)},
			{Text: words.Number(a.Unknown)},
			{Text: words.Number(a.Kept)},
			{Text: words.Number(a.Words)},
		}})
	}
	return t
}

// mostPromises bounds each list of promises; the policy's own pages have all.
const mostPromises = 40

// lines shows promises; those that one control brings down are one line.
func lines(c *web.Ctx, list []Promise) []promiseLine {
	var out []promiseLine
	more, at := map[string]int{}, map[string]int{}
	for _, p := range list {
		if i, seen := at[p.Slug]; seen && p.Slug != "" {
			more[p.Slug]++
			out[i].More = words.Count(more[p.Slug], "more promise rests", "more promises rest") + " on the same."
			continue
		}
		if len(out) == mostPromises {
			continue
		}
		at[p.Slug] = len(out)
		l := promiseLine{Mark: web.State{Is: p.State}, Text: short(p.Text, longText), Area: p.Area, Says: p.Figure, Todo: p.Todo, Link: "/policies/clauses/" + p.ID, Owner: p.Owner}
		if !p.Since.IsZero() {
			l.Says += " (so since " + c.Words.ShortDate(p.Since) + ")"
		}
		out = append(out, l)
	}
	return out
}

// How much of a promise's sentence stands in a list and on a button's line;
// the policy's own page has the whole.
const (
	longText  = 220
	shortText = 90
)

// few says a count; one that is hidden is "under 5".
func few(n int) string {
	if n < 0 {
		return "under 5"
	}
	return words.Number(n)
}

func waits(c *web.Ctx, list []Wait) web.Table {
	t := web.Table{
		Caption: "What waits in safeguarding", Columns: []web.Column{{Title: "What"}, {Title: "How many", Numeric: true}, {Title: "The longest waits"}},
		Empty: web.Empty{Title: "Nothing waits in safeguarding"},
	}
	for _, w := range list {
		row := web.Row{Cells: []web.Cell{{Text: w.Title}, {Text: few(w.Count)}, {Text: "nothing waits"}}}
		if w.Count != 0 {
			row.Cells[2] = web.Cell{Text: since(c, w.Oldest), Small: c.Words.Ago(w.Oldest)}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func tallies(rep Report) web.Table {
	t := web.Table{
		Caption: "Changes of the filter", Columns: []web.Column{{Title: "What"}, {Title: "This term", Numeric: true}, {Title: "Last term", Numeric: true}},
	}
	for _, f := range rep.Filter {
		before := words.Number(f.Before)
		if rep.School.Before.From.IsZero() {
			before = "not known"
		}
		t.Rows = append(t.Rows, web.Row{Cells: []web.Cell{{Text: f.What}, {Text: words.Number(f.Now)}, {Text: before}}})
	}
	return t
}

func filled(list []Filled) web.Table {
	t := web.Table{
		Caption: "Who answers for what", Columns: []web.Column{{Title: "Post"}, {Title: "Held by"}, {Title: "Deputies"}},
		Empty: web.Empty{Title: "No post is filled"},
	}
	for _, p := range list {
		row := web.Row{Cells: []web.Cell{{Text: p.Post}, {Text: p.Holder}, {Text: p.Deputies}}}
		if p.Holder == "" {
			row.Cells[1] = web.Cell{Text: "nobody"}
			if p.Needed {
				row.Cells[1].Tag = web.Tag{Words: "needed", Tone: "red"}
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func movement(m Movement, s School) trendView {
	v := trendView{Said: "This term " + few(m.Total()) + "; the term before is not known."}
	if m.Known {
		v.Said = "This term " + few(m.Total()) + "; " + before(s) + " " + few(m.Before) + "."
	}
	if m.Total() < 0 {
		v.Said = "Small counts are hidden, so that no child can be known by them."
	}
	points := make([]web.Point, 0, len(m.Points))
	for _, p := range m.Points {
		points = append(points, web.Point{Label: p.Label, Value: float64(max(0, p.N)), Said: few(p.N)})
	}
	v.Bars = web.NewBars(m.Title, m.Unit, points)
	return v
}

func before(s School) string {
	if s.Before.Name == "" {
		return "the term before"
	}
	return s.Before.Name
}

// dayAsked reads the day in the address: its last moment, or the zero time for
// none.
func dayAsked(c *web.Ctx) (time.Time, bool) {
	d, err := time.ParseInLocation(time.DateOnly, c.Query("on"), c.Words.Zone())
	if err != nil {
		return time.Time{}, c.Query("on") == ""
	}
	end := d.AddDate(0, 0, 1).Add(-time.Second)
	if end.After(c.Now()) {
		return time.Time{}, true
	}
	return end, true
}
