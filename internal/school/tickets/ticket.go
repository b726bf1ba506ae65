package tickets

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// Kind is what somebody reports.
type Kind string

// The kinds of report.
const (
	Over  Kind = "over"  // closed, and should be open
	Under Kind = "under" // open, and should be closed
	Wrong Kind = "wrong" // something else about the filter
)

// Kinds are all of them, in the order of pages.
func Kinds() []Kind { return []Kind{Over, Under, Wrong} }

// Words is the kind as pages say it.
func (k Kind) Words() string {
	switch k {
	case Over:
		return "should be open"
	case Under:
		return "should be closed"
	}
	return "something is wrong"
}

// State is where a report stands.
type State string

// The states.
const (
	Open   State = "open"
	Taken  State = "taken"
	Closed State = "closed"
)

// Outcome is what was decided about a report.
type Outcome string

// The outcomes.
const (
	Opened    Outcome = "opened"
	Shut      Outcome = "closed"
	Entry     Outcome = "entry" // an own entry of the school
	Mended    Outcome = "mended"
	Unchanged Outcome = "unchanged"
)

// Outcomes are all of them, in the order of pages.
func Outcomes() []Outcome { return []Outcome{Opened, Shut, Entry, Mended, Unchanged} }

// Words is the outcome as pages say it.
func (o Outcome) Words() string {
	switch o {
	case Opened:
		return "it is open now"
	case Shut:
		return "it is closed now"
	case Entry:
		return "an own entry was made"
	case Mended:
		return "it was put right"
	case Unchanged:
		return "nothing was changed"
	}
	return ""
}

// Ticket is one report.
type Ticket struct {
	ID         string
	Number     int64
	Kind       Kind
	Site       string // as it was typed
	Said       string
	Who        people.ID      // "" where nobody was signed in
	Audience   actor.Audience // of whoever reported
	Place      string
	AskedAt    time.Time
	DueAt      time.Time
	Owner      people.Post
	State      State
	TakenBy    people.ID
	TakenAt    time.Time
	AnsweredAt time.Time
	Outcome    Outcome
	ClosedAt   time.Time
	Reopened   int
	Version    int64
}

// Late reports whether the answer is overdue.
func (t Ticket) Late(now time.Time) bool { return t.AnsweredAt.IsZero() && now.After(t.DueAt) }

// Event is one thing that happened to a report.
type Event struct {
	ID     string
	Ticket string
	At     time.Time
	By     string // actor
	What   string // "reported", "taken", "replied", "closed", "reopened"
	Said   string
}

// Bounds of a report.
const (
	mostSite = 300
	mostSaid = 1000
	mostOpen = 20_000 // that wait for an answer
	mostAnon = 1_000  // of those, from nobody who is signed in
)

// check brings a report into its one form and says what is wrong.
func (t *Ticket) check() error {
	bad := store.Invalid{}
	t.Site, t.Said = oneLine(t.Site), manyLines(t.Said)
	if t.Kind != Over && t.Kind != Under && t.Kind != Wrong {
		bad["kind"] = "Choose what you want to tell us."
	}
	if t.Site == "" && t.Kind != Wrong {
		bad["site"] = "Write which site it is, such as example.com."
	}
	if len([]rune(t.Site)) > mostSite {
		bad["site"] = fmt.Sprintf("Write at most %d letters. The name of the site is enough.", mostSite)
	}
	if t.Said == "" && t.Kind == Wrong {
		bad["said"] = "Write what is wrong."
	}
	if len([]rune(t.Said)) > mostSaid {
		bad["said"] = fmt.Sprintf("Write at most %d letters.", mostSaid)
	}
	return bad.OrNil()
}

// oneLine takes out what no site's name has: breaks and unseen signs.
func oneLine(s string) string {
	return strings.Join(strings.Fields(strings.Map(seen, strings.ToValidUTF8(s, ""))), " ")
}

func manyLines(s string) string {
	return strings.TrimSpace(strings.Map(func(x rune) rune {
		if x == '\n' {
			return x
		}
		return seen(x)
	}, strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\r\n", "\n")))
}

func seen(x rune) rune {
	switch {
	case x == '\t' || x == '\n' || x == '\r':
		return ' '
	case unicode.IsControl(x) || unicode.Is(unicode.Cf, x):
		return -1
	}
	return x
}

// answer is a reply in its one form.
func answer(said string) (string, error) {
	said = manyLines(said)
	if said == "" || len([]rune(said)) > mostSaid {
		return "", store.Invalid{"said": fmt.Sprintf("Write what whoever reported it is to read, in at most %d letters.", mostSaid)}
	}
	return said, nil
}
