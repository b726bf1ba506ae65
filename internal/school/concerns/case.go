package concerns

import (
	"context"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/setting"
	"belisha/internal/school/people"
)

// The sources of a concern.
const (
	FromStaff  = "staff"
	FromPupil  = "pupil"
	FromParent = "parent"
	FromPublic = "public"
)

var sources = []setting.Option{
	{Value: FromStaff, Title: "a member of staff"},
	{Value: FromPupil, Title: "a pupil, on the page for pupils"},
	{Value: FromParent, Title: "a parent or carer"},
	{Value: FromPublic, Title: "somebody else"},
}

// The states of a case.
const (
	CaseNew    = "new"    // nobody has decided anything about it
	CaseOpen   = "open"   // it is worked on
	CaseClosed = "closed" // ended, with what came of it
	CaseVoid   = "void"   // entered in error; it stays
)

var states = []setting.Option{
	{Value: CaseNew, Title: "new"}, {Value: CaseOpen, Title: "open"}, {Value: CaseClosed, Title: "closed"}, {Value: CaseVoid, Title: "entered in error"},
}

// The sights of a case.
const (
	SightUsual       = "usual"
	SightLeadAndHead = "lead-and-head"
	SightHead        = "head"
)

var sights = []setting.Option{
	{Value: SightUsual, Title: "Those it goes to"},
	{Value: SightLeadAndHead, Title: "Only the safeguarding lead and the head"},
	{Value: SightHead, Title: "Only the head"},
}

// Case is one concern.
type Case struct {
	ID, Form, Source, Kind string
	Also                   []string
	Route                  Route
	// Tier counts how many steps of the route are passed over because they
	// are in it or must not read it.
	Tier  int
	Sight string
	Risk  int // 3 urgent, 2 high, 1 normal
	State string
	Owner people.ID

	Danger, Images, Care, Hold, Confidential bool

	Reporter, ReplyCode string // keyed marks
	Month               string // "2026-11", where the school is

	Reported    time.Time
	Clock       time.Time // when the time to act began to run
	Due         time.Time
	Read        time.Time // when one of those it goes to first opened it
	First       time.Time // when something was first done
	ReferralDue time.Time // zero: nothing to refer
	Decided     time.Time
	ClosedAt    time.Time
	KeepFrom    int // year of birth of the youngest child in it, else of the report
	Version     int64

	sealed string
	About  About // opened by caseOf only
}

// About is what of a case's head is sealed.
type About struct {
	Reporter people.ID `json:"reporter,omitempty"`
	Name     string    `json:"name,omitempty"`    // as somebody typed it who is not on the roll
	Contact  string    `json:"contact,omitempty"` // how to answer
	Place    string    `json:"place,omitempty"`
	When     string    `json:"when,omitempty"`
	Done     string    `json:"done,omitempty"` // what was done already
	Words    string    `json:"words,omitempty"`
}

// Kind's facts.
func (c *Case) kind() Kind {
	k, _ := KindOf(c.Kind)
	return k
}

// Ref is what people call it.
func (c *Case) Ref() string {
	if len(c.ID) < 6 {
		return strings.ToUpper(c.ID)
	}
	return strings.ToUpper(c.ID[len(c.ID)-6:])
}

// late reports whether nobody has done anything in time.
func (c *Case) late(now time.Time) bool { return c.First.IsZero() && now.After(c.Due) }

// live reports whether something may still be done with it.
func (c *Case) live() bool { return c.State == CaseNew || c.State == CaseOpen }

// Person is somebody in a case.
type Person struct {
	ID, Role string
	Mark     string
	Gone     bool
	Named    Named
}

// Named is who somebody in a case is; sealed.
type Named struct {
	Person people.ID `json:"person,omitempty"`
	Name   string    `json:"name"`
	Pupil  bool      `json:"pupil,omitempty"`
	How    string    `json:"how,omitempty"`  // how it is known that it was them
	Gone   string    `json:"gone,omitempty"` // why they were taken out
}

// Entry is one piece of a case's story. It is never changed.
type Entry struct {
	ID, Kind string
	At       time.Time
	Amends   string
	Told     Told
}

// Told is what an entry says; sealed.
type Told struct {
	By     string `json:"by,omitempty"` // actor; "" for a reporter
	Text   string `json:"text,omitempty"`
	Reason string `json:"reason,omitempty"`
	To     string `json:"to,omitempty"` // a recipient
	Seal   string `json:"seal,omitempty"`
}

// The kinds of entry.
const (
	EntryAccount   = "account"
	EntryEvidence  = "evidence"
	EntryNote      = "note"
	EntryAmendment = "amendment"
	EntryTriage    = "triage"
	EntryPerson    = "person"
	EntrySight     = "sight"
	EntryHold      = "hold"
	EntryImages    = "images"
	EntryFile      = "file"
	EntryReply     = "reply"
	EntryExport    = "export"
	EntryClosed    = "closed"
	EntryReopened  = "reopened"
	EntryVoid      = "void"
	EntryPolicy    = "policy"
	EntryLifted    = "lifted"
)

var entryTitles = []setting.Option{
	{Value: EntryAccount, Title: "What was reported"},
	{Value: EntryEvidence, Title: "What the record of web use said"},
	{Value: EntryNote, Title: "Note"},
	{Value: EntryAmendment, Title: "Amendment"},
	{Value: EntryTriage, Title: "Decided how to go on"},
	{Value: EntryPerson, Title: "People in it"},
	{Value: EntrySight, Title: "Who may see it"},
	{Value: EntryHold, Title: "Legal hold"},
	{Value: EntryImages, Title: "Nothing may be attached"},
	{Value: EntryFile, Title: "File attached"},
	{Value: EntryReply, Title: "Answered whoever raised it"},
	{Value: EntryExport, Title: "Copy made"},
	{Value: EntryClosed, Title: "Closed"},
	{Value: EntryReopened, Title: "Opened again"},
	{Value: EntryVoid, Title: "Entered in error"},
	{Value: EntryPolicy, Title: "What the policy could learn"},
	{Value: EntryLifted, Title: "The web given back"},
}

// Action is something that is to be done, or was.
type Action struct {
	ID, Concern, Kind string
	GivenTo           people.ID
	State             string
	Made, Due, Done   time.Time
	Until             time.Time // end of a sanction
	Version           int64
	Words             ActionWords
}

// ActionWords is what an action says; sealed.
type ActionWords struct {
	What     string `json:"what,omitempty"`
	By       string `json:"by,omitempty"`
	Outcome  string `json:"outcome,omitempty"`
	DoneBy   string `json:"done_by,omitempty"`
	Decision string `json:"decision,omitempty"` // yes or no
	Who      string `json:"who,omitempty"`      // who was told
	Ref      string `json:"ref,omitempty"`
	Reason   string `json:"reason,omitempty"`
	Grade    string `json:"grade,omitempty"`
	Approver string `json:"approver,omitempty"`
	Clause   string `json:"clause,omitempty"`
	Whose    string `json:"whose,omitempty"` // on whom a sanction falls
	// Coursework: yes or no, whether the sanction could touch it.
	Coursework string `json:"coursework,omitempty"`
	Arranged   string `json:"arranged,omitempty"`
}

// The states of an action.
const (
	Planned = "planned"
	Done    = "done"
	Dropped = "dropped"
)

// File is something attached.
type File struct {
	ID, Blob string
	Bytes    int64
	At       time.Time
	Name     string
	Type     string
	By       string
}

// Sighting is a leave to see a case.
type Sighting struct {
	ID     string
	Person people.ID
	Kind   string // named, break or look
	From   time.Time
	Until  time.Time
	Ended  bool
	Reason string
	By     string
}

// Whole is a case with everything in it, as whoever may open it sees it.
type Whole struct {
	Case
	People  []Person
	Entries []Entry
	Actions []Action
	Files   []File
	Sights  []Sighting
	Pauses  []Pause
	// Full: the reader is one of those it goes to; else they were named for it.
	Full bool
	// Receivers are those it goes to now, by name.
	Receivers []people.Office
}

// pupils reports whether a child of the roll is harmed in it or may have
// harmed.
func (w *Whole) pupils() bool {
	return slices.ContainsFunc(w.People, func(p Person) bool {
		return !p.Gone && p.Named.Pupil && (p.Role == roleHarmed || p.Role == roleHarmer)
	})
}

// done reports whether an action of the kind was done.
func (w *Whole) done(kind string) bool {
	return slices.ContainsFunc(w.Actions, func(a Action) bool { return a.Kind == kind && a.State == Done })
}

// keepFrom is the year that a case's keeping counts from: the birth of the
// youngest child in it, else the report.
func (r *Room) keepFrom(ctx context.Context, list []Person, reported time.Time) (int, error) {
	year := 0
	for _, p := range list {
		if p.Gone || p.Named.Person == "" || !p.Named.Pupil {
			continue
		}
		who, err := r.d.Roll.Get(ctx, p.Named.Person)
		if err != nil {
			return 0, err
		}
		if born := who.Born.Time(time.UTC); !born.IsZero() {
			year = max(year, born.Year())
		}
	}
	if year == 0 {
		year = reported.Year()
	}
	return year, nil
}
