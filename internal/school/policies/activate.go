package policies

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/school/policies/document"
	"belisha/internal/school/policies/meaning"
)

// ErrBusy says that another activation is going on.
var ErrBusy = errors.New("another policy is being put in force at this moment; wait until it is done and look at what it changed")

// Refused says that a text may not come into force because of what it says.
type Refused struct{ Report Report }

// Error is the first error with its line.
func (e *Refused) Error() string {
	for _, p := range e.Report.Problems {
		if p.Level == document.Error {
			return fmt.Sprintf("the policy has %d error(s) and was not put in force; the first: %s", e.Report.Errors, p)
		}
	}
	return "the policy was not put in force"
}

// NotApproved says whose approval is missing.
type NotApproved struct{ Missing []string }

// Error names the approvers.
func (e *NotApproved) Error() string {
	return "not put in force: the approval of " + strings.Join(e.Missing, ", ") +
		" is missing; record one given on paper with --approved ROLE=NAME@DATE"
}

// Blocked says that a room could not prepare the change.
type Blocked struct {
	Room string
	Err  error
}

// Error is the room's sentence.
func (e *Blocked) Error() string {
	return fmt.Sprintf("not put in force: %s cannot take it up: %v", e.Room, e.Err)
}

// Unwrap gives the room's own error.
func (e *Blocked) Unwrap() error { return e.Err }

// Request asks for a text to come into force.
type Request struct {
	Text string
	// Approved are approvals given on paper.
	Approved []Approval
	// Seen is the number of the values on which a preview was made, for a page
	// that showed it; nil where nobody looked at a preview.
	Seen *uint64
}

// Result is what an activation, or its preview, did or would do.
type Result struct {
	Version  string           `json:"version"` // id of the text
	Title    string           `json:"title"`
	Number   uint64           `json:"number"` // of the values
	Hash     string           `json:"hash"`
	Approved bool             `json:"approved"`
	Missing  []string         `json:"missing"` // approvals that are not there
	Already  bool             `json:"already"` // it was in force before
	Settings []SettingChange  `json:"settings"`
	Effects  []setting.Effect `json:"effects"`
	// Trouble is what a room could not take up after the change was kept; it
	// will at its next start.
	Trouble []string `json:"trouble,omitempty"`
	Report  Report   `json:"report"`
}

// SettingChange is one setting whose value changes.
type SettingChange struct {
	Key       string `json:"key"`
	Title     string `json:"title"`
	Where     string `json:"where,omitempty"`
	Old       string `json:"old"`
	New       string `json:"new"`
	Confirmed bool   `json:"confirmed"` // false: it falls back to the safe default
	// Added and Gone are what a list gains and loses, as the setting names it.
	Added  []string `json:"added,omitempty"`
	Gone   []string `json:"gone,omitempty"`
	Clause string   `json:"clause,omitempty"`
}

// prepared is a change that every room has agreed to.
type prepared struct {
	result Result
	ver    Version
	values *setting.Values
	steps  []setting.Step
	names  []string
}

func (p *prepared) abort() {
	for _, s := range p.steps {
		s.Abort()
	}
}

// Propose keeps a text as a version, so that it can be approved. A text that
// is kept already is that version.
func (r *Room) Propose(ctx context.Context, text string) (Version, Report, error) {
	text = canonical(text)
	doc, report := r.text.Check(text)
	if !report.Holds() {
		return Version{}, report, &Refused{report}
	}
	v := Version{
		ID: store.NewID(r.now()), Hash: hashOf(text), Title: doc.Meta.Title, Number: doc.Meta.Version, Text: text,
		ProposedAt: r.now(), ProposedBy: actor.From(ctx).ID,
	}
	_, v.Shipped = r.shipped[v.Hash]
	err := r.d.DB.Write(ctx, func(tx *store.Tx) error {
		have, err := versionByHash(ctx, tx, v.Hash)
		if err == nil {
			v = have
			return nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err := insertVersion(ctx, tx, v); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{
			Verb: proposed, Kind: "policy", ID: v.ID,
			After: map[string]string{"title": v.Title, "version": v.Number, "hash": v.Hash},
			Rows:  []journal.Row{{Table: "policy_versions", ID: v.ID}},
		})
	})
	return v, report, err
}

// Preview says what activating the text would change, for whom, and which
// approvals are missing. Nothing is kept.
func (r *Room) Preview(ctx context.Context, text string) (Result, error) {
	if !r.activating.TryLock() {
		return Result{}, ErrBusy
	}
	defer r.activating.Unlock()
	text = canonical(text)
	doc, report := r.text.Check(text)
	if !report.Holds() {
		return Result{Report: report}, &Refused{report}
	}
	v, err := versionByHash(ctx, r.d.DB, hashOf(text))
	if errors.Is(err, store.ErrNotFound) {
		v, err = Version{Hash: hashOf(text), Title: doc.Meta.Title, Number: doc.Meta.Version, Text: text}, nil
		_, v.Shipped = r.shipped[v.Hash]
	}
	if err != nil {
		return Result{}, err
	}
	p, err := r.prepare(ctx, v, report)
	if err != nil {
		return Result{Report: report}, err
	}
	p.abort()
	return p.result, nil
}

// Activate puts a text in force: every room prepares, all commit in one
// transaction with the journal, and then all publish. One refusal stops all.
func (r *Room) Activate(ctx context.Context, req Request) (Result, error) {
	if !r.activating.TryLock() {
		return Result{}, ErrBusy
	}
	defer r.activating.Unlock()
	v, report, err := r.Propose(ctx, req.Text)
	if err != nil {
		return Result{Report: report}, err
	}
	if err := r.Record(ctx, v.ID, req.Approved); err != nil {
		return Result{Report: report}, err
	}
	if req.Seen != nil && *req.Seen != r.d.Live.Current().Number() {
		return Result{Report: report}, store.ErrStale
	}
	for tries := 1; ; tries++ {
		res, err := r.putInForce(ctx, v, report)
		// A room may have been changed between its preparation and the commit
		// (the filter makes its rules anew when the calendar changes). Nothing
		// was kept then, and all is prepared anew, unless a person decided on
		// what was shown to them.
		if !errors.Is(err, store.ErrStale) || req.Seen != nil || tries == maxPrepared {
			return res, err
		}
	}
}

// maxPrepared bounds how often an activation is prepared anew.
const maxPrepared = 4

// putInForce prepares, commits and publishes once.
func (r *Room) putInForce(ctx context.Context, v Version, report Report) (Result, error) {
	p, err := r.prepare(ctx, v, report)
	if err != nil {
		return Result{Report: report}, err
	}
	defer p.abortUnlessDone()
	if p.result.Already {
		return p.result, nil
	}
	if err := r.refuseUnapproved(ctx, p); err != nil {
		return p.result, err
	}
	if err := r.commit(ctx, p); err != nil {
		return p.result, err
	}
	r.publish(ctx, p)
	return p.result, nil
}

// abortUnlessDone lets the rooms drop what they prepared; publish empties the
// list.
func (p *prepared) abortUnlessDone() { p.abort() }

// prepare asks every room in order.
func (r *Room) prepare(ctx context.Context, v Version, report Report) (*prepared, error) {
	now, err := lastNumber(ctx, r.d.DB)
	if err != nil {
		return nil, err
	}
	have, err := r.Approvals(ctx, v.ID)
	if err != nil {
		return nil, err
	}
	act, _, err := r.inForce(ctx, r.d.DB)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	p := &prepared{ver: v}
	p.values, _ = r.valuesOf(v, uint64(now)+1)
	lacks := missing(p.values.Items("policies.approvers"), have)
	p.result = Result{
		Version: v.ID, Title: strings.TrimSpace(v.Title + " " + v.Number), Number: uint64(now) + 1, Hash: v.Hash,
		Approved: len(lacks) == 0, Missing: lacks, Report: report, Settings: differences(r.d.Live.Current(), p.values), Effects: []setting.Effect{},
	}
	if p.result.Missing == nil {
		p.result.Missing = []string{}
	}
	if err == nil && act.Version == v.ID && v.ID != "" {
		p.result.Already, p.result.Number = true, uint64(now)
		return p, nil
	}
	for _, room := range r.d.Rooms {
		step, err := room.Room.Prepare(ctx, p.values)
		if err != nil {
			p.abort()
			return nil, &Blocked{room.Name, err}
		}
		p.steps, p.names = append(p.steps, step), append(p.names, room.Name)
		for _, e := range step.Preview() {
			if e.Room == "" {
				e.Room = room.Name
			}
			p.result.Effects = append(p.result.Effects, e)
		}
	}
	return p, nil
}

// refuseUnapproved lets nothing through whose approvals are missing, but for
// a shipped policy in a folder in which no approved one was ever in force.
func (r *Room) refuseUnapproved(ctx context.Context, p *prepared) error {
	if p.result.Approved {
		return nil
	}
	before, err := everApproved(ctx, r.d.DB)
	if err != nil {
		return err
	}
	if p.ver.Shipped && !before {
		return nil
	}
	return &NotApproved{p.result.Missing}
}

func (r *Room) commit(ctx context.Context, p *prepared) error {
	now := r.now()
	act := Activation{
		ID: store.NewID(now), Number: int64(p.values.Number()), Version: p.ver.ID, At: now,
		By: actor.From(ctx).ID, Approved: p.result.Approved,
	}
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		last, err := lastNumber(ctx, tx)
		if err != nil {
			return err
		}
		if last+1 != act.Number {
			return store.ErrStale
		}
		for i, s := range p.steps {
			if err := s.Commit(ctx, tx); err != nil {
				return &Blocked{p.names[i], err}
			}
		}
		if err := insertActivation(ctx, tx, act); err != nil {
			return err
		}
		return r.journalActivation(ctx, tx, act, p)
	})
}

func (r *Room) journalActivation(ctx context.Context, tx *store.Tx, act Activation, p *prepared) error {
	err := r.d.Journal.Write(ctx, tx, journal.Entry{
		Verb: activated, Kind: "policy", ID: p.ver.ID,
		After: map[string]any{
			"title": p.result.Title, "number": act.Number, "hash": p.ver.Hash,
			"approved": act.Approved, "missing": p.result.Missing, "settings": len(p.result.Settings),
		},
		Rows: []journal.Row{{Table: "policy_activations", ID: act.ID}},
	})
	if err != nil {
		return err
	}
	for _, c := range p.result.Settings {
		type side struct {
			Value string `json:"value"`
			Where string `json:"where,omitempty"`
		}
		err := r.d.Journal.Write(ctx, tx, journal.Entry{
			Verb: changed, Kind: "setting", ID: c.Key,
			Before: side{c.Old, c.Where}, After: side{c.New, c.Where}, Reason: reasonOf(p.result.Title, c),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func reasonOf(title string, c SettingChange) string {
	if !c.Confirmed {
		return title + " leaves it open: the safe default"
	}
	if c.Clause == "" {
		return title + ", front matter"
	}
	return title + ", clause " + c.Clause
}

// publish makes the committed change the one in force. The records are the
// truth: a room that fails here comes to the same state at its next start.
func (r *Room) publish(ctx context.Context, p *prepared) {
	ctx = context.WithoutCancel(ctx)
	for i, s := range p.steps {
		if err := s.Publish(ctx); err != nil {
			r.d.Log.Error("a room could not take up the policy in force", "room", p.names[i], "err", err)
			p.result.Trouble = append(p.result.Trouble,
				fmt.Sprintf("%s did not take it up (%v); restart Belisha, and it will", p.names[i], err))
		}
	}
	p.steps = nil
	r.d.Live.Publish(p.values)
	r.light.drop()
}

// differences are the settings that differ between two sets of values.
func differences(old, next *setting.Values) []SettingChange {
	out := []SettingChange{}
	for _, key := range next.Book().Keys() {
		s, _ := next.Book().Get(key)
		for _, scope := range scopesOf(key, old, next) {
			o, n := old.Get(key, scope), next.Get(key, scope)
			if meaning.Same(o, n) {
				continue
			}
			out = append(out, SettingChange{
				Key: key, Title: s.Title, Where: document.ScopeWords(scope),
				Old: said(o), New: said(n), Confirmed: n.Confirmed, Clause: n.Clause,
				Added: without(s, n.Items, o.Items), Gone: without(s, o.Items, n.Items),
			})
		}
	}
	return out
}

// without are the titles of the items that other lacks.
func without(s setting.Setting, items, other []string) []string {
	var out []string
	for _, it := range items {
		if !slices.Contains(other, it) {
			out = append(out, optionTitle(s, it))
		}
	}
	return out
}

func optionTitle(s setting.Setting, value string) string {
	for _, o := range s.Options {
		if o.Value == value && o.Title != "" {
			return o.Title
		}
	}
	return value
}

// scopesOf lists the scopes in which either set has a value, the whole school
// first.
func scopesOf(key string, sets ...*setting.Values) []setting.Scope {
	out := []setting.Scope{{}}
	seen := map[setting.Scope]bool{{}: true}
	for _, v := range sets {
		for _, x := range v.All(key) {
			if !seen[x.Scope] {
				seen[x.Scope] = true
				out = append(out, x.Scope)
			}
		}
	}
	return out
}

// said is a value in the words it was given in.
func said(v setting.Value) string {
	if v.Raw == "" {
		return "none"
	}
	return v.Raw
}
