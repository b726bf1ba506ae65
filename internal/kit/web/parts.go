package web

import (
	"time"

	"belisha/internal/kit/control"
)

// Icon is one of the few pictures, always beside its word: partial "icon".
// Names are in IconNames; an unknown name shows nothing.
type Icon struct{ Name string }

// When is a time in words with the exact moment on focus: partial "when".
// Make it with Ctx.Ago, Ctx.Near or Ctx.Moment.
type When struct {
	Words string // "63 hours ago"
	Exact string // "23 November 2026, 08:30:15 GMT"
	ISO   string
}

// Ago returns t as "63 hours ago".
func (c *Ctx) Ago(t time.Time) When { return c.when(t, c.Words.Ago(t)) }

// Near returns t as "today at 8:30".
func (c *Ctx) Near(t time.Time) When { return c.when(t, c.Words.Near(t)) }

// Moment returns t as "Monday 23 November, 8:30".
func (c *Ctx) Moment(t time.Time) When { return c.when(t, c.Words.Moment(t)) }

func (c *Ctx) when(t time.Time, said string) When {
	if t.IsZero() {
		return When{Words: "never"}
	}
	return When{Words: said, Exact: c.Words.Exact(t), ISO: t.UTC().Format(time.RFC3339)}
}

// State is the mark of a control's or a clause's state, always with its word:
// partial "state" in a line, "margin-state" beside a clause.
type State struct {
	Is control.State
	// Figure and When are shown on hover and focus in the margin.
	Figure string
	When   When
	// Link opens the evidence, "" for none.
	Link string
}

// Shape names the mark's shape: disc, half, cross, ring or dash.
func (s State) Shape() string {
	switch s.Is {
	case control.Kept:
		return "disc"
	case control.AtRisk:
		return "half"
	case control.Broken:
		return "cross"
	case control.WordsOnly, control.NotApplicable:
		return "dash"
	}
	return "ring"
}

// Word is the state's word. A state that nobody set is unknown, never kept.
func (s State) Word() string {
	if s.Is == "" {
		return control.Unknown.Words()
	}
	return s.Is.Words()
}

// Tag is a short word in a box: partial "tag". Tone is "", "teal", "brown",
// "red" or "green"; it never says anything that the word does not.
type Tag struct{ Words, Tone string }

// Link is a link, or plain words when Path is empty.
type Link struct{ Title, Path string }

// Action is a button that posts: partial "action". Hidden are name and value
// pairs sent along.
type Action struct {
	Path   string
	Title  string
	Quiet  bool // a plain button rather than the page's main one
	Grave  bool // it takes something away
	Hidden []Hidden
}

// Hidden is one value that a form sends along.
type Hidden struct{ Name, Value string }

// Panel is a box that says one thing: partial "panel". Tone is "note",
// "good", "warn" or "bad".
type Panel struct {
	Tone  string
	Title string
	Words string
	List  []string
	Link  Link
}

// Details hides words that few readers need: partial "details".
type Details struct{ Title, Words string }

// Empty says what will be here and how to begin: partial "empty".
type Empty struct {
	Title string // "Nobody has been imported yet"
	Words string
	Step  Link
}

// Download is an export beside a title: partial "download".
type Download struct{ Title, Path, Kind string }

// Cell is one cell of a table. Only one of its parts is usually set.
type Cell struct {
	Text  string
	Small string // a second line
	When  When
	State State
	Tag   Tag
	Link  string // of Text
}

// Column is the head of a column.
type Column struct {
	Title   string
	Numeric bool
	Sort    string // path that sorts by it, "" for none
	Sorted  string // "ascending" or "descending" when it is the order now
}

// Row is one row. With a Link the whole row is the target; the first cell's
// text names it.
type Row struct {
	Link  string
	Cells []Cell
	// Faint: a row of the past, such as a leaver.
	Faint bool
}

// Table is partial "table". Every row has as many cells as there are columns.
type Table struct {
	Caption string
	// ShowCaption: the caption is not shown where a heading above says it.
	ShowCaption bool
	// Sides: the columns are held side by side, so they are equally wide.
	Sides   bool
	Columns []Column
	Rows    []Row
	Empty   Empty // shown in place of a table without rows
}

// Numeric reports whether column i holds numbers.
func (t Table) Numeric(i int) bool { return i < len(t.Columns) && t.Columns[i].Numeric }

// Title returns the head of column i, for narrow screens.
func (t Table) Title(i int) string {
	if i < len(t.Columns) {
		return t.Columns[i].Title
	}
	return ""
}

// SummaryRow is one line of a summary. Text, When, State, Tags and Lines are
// shown in this order, those that are set.
type SummaryRow struct {
	Key   string
	Text  string
	Lines []string
	When  When
	State State
	Tags  []Tag
	Link  Link // "Change"
}

// Summary is a list of facts: partial "summary".
type Summary struct {
	Title string // a heading above, "" for none
	Rows  []SummaryRow
}

// Pager leads through a long list: partial "pager".
type Pager struct {
	Before, After string // paths, "" for none
	Words         string // "51 to 100 of 1,204 people"
}

// TrayLine is one line of the tray as shown.
type TrayLine struct {
	Title string
	Step  string
	Link  string
	Risk  int
	Since When
}

// RiskWord says the risk in a word.
func (l TrayLine) RiskWord() string {
	switch {
	case l.Risk >= 3:
		return "Urgent"
	case l.Risk == 2:
		return "High"
	}
	return ""
}

// Tray is what waits: partial "tray".
type Tray struct {
	Lines []TrayLine
	// Empty is said when nothing waits: "Nothing waits for you; last checked
	// 08:02".
	Empty string
}

// Change is one field of a record before and after.
type Change struct{ Field, Before, After string }

// Event is one thing that happened to a record.
type Event struct {
	When    When
	Who     string
	Words   string // "Given back to Tom's mother"
	Changes []Change
	Reason  string
}

// Timeline is a record's story in time order: partial "timeline".
type Timeline struct{ Events []Event }

// HistoryPoint is a state at one time: "23 November".
type HistoryPoint struct {
	Label string
	State State
	Link  string
}

// History is a strip of states, oldest first: partial "history".
type History struct {
	Caption string
	Points  []HistoryPoint
}

// First and Last are the ends of the strip, for its foot.
func (h History) First() string { return h.end(0) }

// Last is the newest point's label.
func (h History) Last() string { return h.end(len(h.Points) - 1) }

func (h History) end(i int) string {
	if i < 0 || i >= len(h.Points) {
		return ""
	}
	return h.Points[i].Label
}

// Point is one figure of a chart.
type Point struct {
	Label string
	Value float64
	Said  string // the value in words, "" to write the number
}

// Filter is a filter in words above a list: partial "filter". It sends GET.
type Filter struct {
	Path    string
	Fields  []Field
	Said    string   // "Open, about Year 5, this term"
	Clear   string   // path of the whole list
	Button  string   // "Show"
	Hidden  []Hidden // kept in the address
	Matches string   // "12 of 340"
}

// Confirm is the page before what cannot be taken back: partial "confirm".
// It says what will happen, to whom and from when; never "Are you sure?".
type Confirm struct {
	What   string // "The filter will block shopping for pupils."
	Whom   string // "412 pupils lose it; staff keep it."
	When   string // "At once."
	List   []string
	Undo   string // "You can go back to the rules of today until Friday."
	Action Action
	Cancel Link
	Fields []Field // a reason, a password
}

// Evidence is a card that shows why a state is what it is: partial
// "evidence". Measured and attested are told apart.
type Evidence struct {
	Title  string
	State  State
	Figure string
	Rule   string
	When   When
	Source control.Source
	By     string
	Owner  string
	Todo   string
	Link   Link
	Reason string // why it does not apply
}

// SourceWord says where the evidence came from.
func (e Evidence) SourceWord() string {
	switch e.Source {
	case control.Measured:
		return "Measured here"
	case control.Attested:
		return "Somebody's word"
	case control.Imported:
		return "From another system"
	case control.Provider:
		return "From a provider's letter"
	}
	return "No evidence"
}

// SourceShape names the card's edge: a measured one is solid, the others are
// not.
func (e Evidence) SourceShape() string {
	if e.Source == "" {
		return "none"
	}
	return string(e.Source)
}

// EvidenceOf turns a control's finding into its card.
func (c *Ctx) EvidenceOf(title string, f control.Finding) Evidence {
	return Evidence{
		Title: title, State: State{Is: f.State}, Figure: f.Figure, Rule: f.Rule, When: c.Ago(f.At),
		Source: f.Source, By: f.By, Owner: f.Owner, Todo: f.Todo, Reason: f.Reason,
	}
}
