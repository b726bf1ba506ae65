package policies

import (
	"context"
	"errors"
	"time"

	"belisha/internal/kit/control"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/school/policies/document"
	"belisha/internal/school/policies/watch"
)

// Status is the policy in force and how each of its clauses stands.
type Status struct {
	// Policy is nil while none is in force.
	Policy  *PolicyState  `json:"policy"`
	At      time.Time     `json:"at"` // the moment the states are of
	Counts  Counts        `json:"counts"`
	Clauses []ClauseState `json:"clauses"`
	// Also are controls that are on although no clause names them.
	Also []ControlState `json:"also"`
	// Undecided are settings whose safe default is in force, unconfirmed.
	Undecided []string `json:"undecided"`

	doc *document.Doc
}

// Counts are how many clauses stand how.
type Counts struct {
	Kept          int `json:"kept"`
	AtRisk        int `json:"at_risk"`
	NotKept       int `json:"broken"`
	Unknown       int `json:"unknown"`
	NotApplicable int `json:"not_applicable"`
	WordsOnly     int `json:"words_only"`
}

// PolicyState is the version in force.
type PolicyState struct {
	ID       string    `json:"id"`
	Title    string    `json:"title"`
	Version  string    `json:"version"`
	Number   int64     `json:"number"`
	Hash     string    `json:"hash"`
	Since    time.Time `json:"since"`
	By       string    `json:"by"`
	Approved bool      `json:"approved"` // now, not only when it came into force
	Missing  []string  `json:"missing"`
	Shipped  bool      `json:"shipped"`
	Review   time.Time `json:"review"`
}

// ClauseState is one clause and how it stands.
type ClauseState struct {
	ID           string         `json:"id"`
	Line         int            `json:"line"`
	Heading      string         `json:"heading"`
	Text         string         `json:"text"`
	State        control.State  `json:"state"`
	Requirements []string       `json:"requirements,omitempty"`
	Settings     []SettingState `json:"settings"`
	Controls     []ControlState `json:"controls"`
}

// SettingState is one value that a clause gives.
type SettingState struct {
	Key    string `json:"key"`
	Title  string `json:"title"`
	Words  string `json:"words"`
	Where  string `json:"where,omitempty"`
	Reason string `json:"reason,omitempty"`
	Advice string `json:"advice,omitempty"`
}

// ControlState is one control and what it found.
type ControlState struct {
	Number string         `json:"number"`
	Slug   string         `json:"slug"`
	Title  string         `json:"title"`
	State  control.State  `json:"state"`
	Figure string         `json:"figure"`
	Rule   string         `json:"rule,omitempty"`
	Source control.Source `json:"source,omitempty"`
	By     string         `json:"by,omitempty"`
	At     *time.Time     `json:"at"` // when the evidence was taken; null: never
	Todo   string         `json:"todo,omitempty"`
	Owner  string         `json:"owner,omitempty"`
	Reason string         `json:"reason,omitempty"`
	Review string         `json:"review,omitempty"` // the day, for not applicable

	finding control.Finding
}

// Status says how the policy in force stands now. Controls that have never
// been looked at are looked at first.
func (r *Room) Status(ctx context.Context) (Status, error) {
	found, err := r.watch.Last(ctx, time.Time{})
	if err != nil {
		return Status{}, err
	}
	for _, c := range r.watch.Controls() {
		if _, looked := found[c.Slug]; looked {
			continue
		}
		if err := r.RunControls(ctx, c.Slug); err != nil {
			return Status{}, err
		}
	}
	return r.statusAt(ctx, r.now(), time.Time{})
}

// StatusOn says how the policy that was in force stood at a past moment.
func (r *Room) StatusOn(ctx context.Context, at time.Time) (Status, error) {
	if !at.Before(r.now()) {
		return r.Status(ctx)
	}
	return r.statusAt(ctx, at, at)
}

// statusAt reads the findings before limit (zero: all).
func (r *Room) statusAt(ctx context.Context, at, limit time.Time) (Status, error) {
	s := Status{At: at, Clauses: []ClauseState{}, Also: []ControlState{}, Undecided: []string{}, doc: &document.Doc{}}
	act, ver, err := inForceBefore(ctx, r.d.DB, limit)
	none := errors.Is(err, store.ErrNotFound)
	if err != nil && !none {
		return s, err
	}
	var values *setting.Values
	if none {
		values = setting.NewValues(r.d.Book, 0, nil)
	} else {
		s.doc, values = r.reading.of(ver), r.values(ver)
		if s.Policy, err = r.policyState(ctx, act, ver, values); err != nil {
			return s, err
		}
	}
	states, err := r.controlStates(ctx, s.doc, values, at, limit)
	if err != nil {
		return s, err
	}
	named := map[string]bool{}
	for _, c := range s.doc.Clauses {
		cs := r.clauseState(c, states, at, named)
		s.Counts.add(cs.State)
		s.Clauses = append(s.Clauses, cs)
	}
	for _, c := range r.watch.Controls() {
		if c.Default && !named[c.Slug] {
			s.Also = append(s.Also, states[c.Slug])
		}
	}
	for _, key := range r.d.Book.Keys() {
		if !values.Get(key).Confirmed {
			s.Undecided = append(s.Undecided, key)
		}
	}
	return s, nil
}

func (c *Counts) add(s control.State) {
	switch s {
	case control.Kept:
		c.Kept++
	case control.AtRisk:
		c.AtRisk++
	case control.Broken:
		c.NotKept++
	case control.NotApplicable:
		c.NotApplicable++
	case control.WordsOnly:
		c.WordsOnly++
	default:
		c.Unknown++
	}
}

func (r *Room) policyState(ctx context.Context, act Activation, ver Version, values *setting.Values) (*PolicyState, error) {
	have, err := r.Approvals(ctx, ver.ID)
	if err != nil {
		return nil, err
	}
	lacks := missing(values.Items("policies.approvers"), have)
	if lacks == nil {
		lacks = []string{}
	}
	return &PolicyState{
		ID: ver.ID, Title: ver.Title, Version: ver.Number, Number: act.Number, Hash: ver.Hash,
		Since: act.At, By: act.By, Approved: len(lacks) == 0, Missing: lacks, Shipped: ver.Shipped,
		Review: reviewDue(act, have, values),
	}, nil
}

// controlStates says how every control of the catalogue stands.
func (r *Room) controlStates(ctx context.Context, doc *document.Doc, values *setting.Values, at, limit time.Time) (map[string]ControlState, error) {
	out := map[string]ControlState{}
	for _, c := range watch.Catalogue() {
		out[c.Slug] = ControlState{Number: c.Number, Slug: c.Slug, Title: c.Title, State: control.Unknown, Figure: "not built yet"}
	}
	last, err := r.watch.Last(ctx, limit)
	if err != nil {
		return nil, err
	}
	for _, c := range r.watch.Controls() {
		found, looked := last[c.Slug]
		if !looked {
			s := out[c.Slug]
			s.Title, s.Figure = c.Title, "not looked at yet"
			out[c.Slug] = s
			continue
		}
		out[c.Slug] = stateOf(c, watch.Settled(c, found, at, whyOff(c, doc, values)))
	}
	return out, nil
}

// whyOff finds the reason that the policy gives for switching off what the
// control depends on.
func whyOff(c control.Control, doc *document.Doc, values *setting.Values) watch.OffReason {
	for _, key := range c.Settings {
		if _, declared := values.Book().Get(key); !declared {
			continue
		}
		v := values.Get(key)
		if !v.Off {
			continue
		}
		for _, d := range doc.Values() {
			if d.Key == v.Key && d.Clause == v.Clause && d.Reason != "" {
				review, _ := time.Parse(time.DateOnly, d.Review) // the check has reported a day that is none
				return watch.OffReason{Reason: d.Reason, Review: review}
			}
		}
	}
	return watch.OffReason{}
}

func stateOf(c control.Control, f control.Finding) ControlState {
	s := ControlState{
		Number: c.Number, Slug: c.Slug, Title: c.Title, State: f.State, Figure: f.Figure, Rule: f.Rule, Source: f.Source,
		By: f.By, Todo: f.Todo, Owner: f.Owner, Reason: f.Reason, finding: f,
	}
	if !f.At.IsZero() {
		at := f.At.UTC()
		s.At = &at
	}
	if !f.Review.IsZero() {
		s.Review = f.Review.Format(time.DateOnly)
	}
	return s
}

func (r *Room) clauseState(c *document.Clause, states map[string]ControlState, at time.Time, named map[string]bool) ClauseState {
	cs := ClauseState{
		ID: c.ID, Line: c.Line, Heading: c.Heading, Text: c.Text, Requirements: c.Requirements,
		Settings: []SettingState{}, Controls: []ControlState{},
	}
	for _, v := range c.Values {
		ss := SettingState{Key: v.Key, Words: v.Words, Where: document.ScopeWords(v.Scope), Reason: v.Reason}
		if s, ok := r.d.Book.Get(v.Key); ok {
			ss.Title, ss.Advice = s.Title, s.Advice
		}
		cs.Settings = append(cs.Settings, ss)
	}
	var all []control.State
	for _, ref := range c.Controls {
		slug, _ := watch.Find(ref.Name)
		st, ok := states[slug]
		if !ok { // a name that a check refuses, in a text from before
			st = ControlState{Slug: ref.Name, State: control.Unknown, Figure: "there is no such control"}
		}
		if ref.Off {
			st = switchedOff(st, ref, at)
		} else {
			named[slug] = true
		}
		cs.Controls = append(cs.Controls, st)
		all = append(all, st.State)
	}
	cs.State = control.Worst(all)
	return cs
}

// switchedOff is a control that a clause does not apply.
func switchedOff(st ControlState, ref document.ControlRef, at time.Time) ControlState {
	st = ControlState{
		Number: st.Number, Slug: st.Slug, Title: st.Title, State: control.NotApplicable,
		Reason: ref.Reason, Review: ref.Review, Figure: "does not apply: " + ref.Reason,
	}
	review, err := time.Parse(time.DateOnly, ref.Review)
	if ref.Reason == "" || err != nil || at.After(review) {
		st.State = control.Unknown
		st.Figure = "switched off, and that was to be looked at again on " + ref.Review
		st.Todo = "Decide again, and give a new review date in the policy."
	}
	return st
}
