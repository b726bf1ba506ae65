package filtering

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
	"belisha/internal/verdict"
	"belisha/internal/verdict/segment"
	"belisha/internal/verdict/snapfile"
	"belisha/lists"
)

// starterID is the list that ships in the program, as a source.
const starterID = "starter"

// Version is one set of rules that is or was in force.
type Version struct {
	ID        string
	Number    int64
	MadeAt    time.Time
	MadeBy    string
	Reason    string
	Summary   string
	RulesHash string // SHA-256 of the rules, as the folder's manifest has it
	Segments  []snapfile.SegmentRef
	StateHash string
	Settings  uint64 // number of the settings it was made from
}

// same reports whether v says the same as what was published with the hash and
// the segments.
func (v Version) same(rulesHash string, segments []snapfile.SegmentRef) bool {
	return v.RulesHash == rulesHash && slices.Equal(v.Segments, segments)
}

// draft is a set of rules that was compiled and tried out, and is not in force.
type draft struct {
	rules    verdict.Rules
	body     []byte // the rules as they are signed
	hash     string
	segments []snapfile.SegmentRef
	snapshot *verdict.Snapshot
	state    *state
	settings uint64
}

// changes reports whether the draft differs from what is in force.
func (d *draft) changes() bool { return !d.state.version.same(d.hash, d.segments) }

// draft compiles what is decided and tries it out. An error says in a sentence
// why it may not come into force.
func (r *Room) draft(ctx context.Context, v *setting.Values, st *state) (*draft, error) {
	cal, err := r.d.People.Calendar(ctx, people.MainSite)
	if err != nil {
		return nil, fmt.Errorf("reading the calendar: %w", err)
	}
	d := &draft{state: st, settings: v.Number()}
	lessons, err := r.lessons(ctx, v)
	if err != nil {
		return nil, err
	}
	if d.rules, err = makeRules(v, st, cal, r.stock, school{r.d.School, r.ours(), r.scanner(), lessons}); err != nil {
		return nil, err
	}
	meant := d.rules
	if d.rules, err = r.tried(ctx, meant); err != nil {
		return nil, err
	}
	if d.body, err = json.Marshal(d.rules); err != nil {
		return nil, fmt.Errorf("writing the rules: %w", err)
	}
	d.hash = hashOf(d.body)
	sources, err := r.open(st, d)
	if err != nil {
		return nil, err
	}
	ref, weighs, err := r.phrasesRef(ctx, st)
	if err != nil {
		return nil, err
	}
	d.segments = append(d.segments, ref)
	if d.snapshot, err = verdict.New(d.rules, sources); err != nil {
		return nil, err
	}
	d.snapshot = d.snapshot.With(weighs)
	// What must hold is asked of the rules as they are meant, also while a
	// group only tries them out.
	judged := &draft{state: d.state, rules: meant, snapshot: d.snapshot}
	if anyTried(d.rules) {
		if judged.snapshot, err = verdict.New(meant, sources); err != nil {
			return nil, err
		}
	}
	return d, r.tryOut(judged, v)
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// open maps the lists of the draft. Those that the rules in force use are
// taken over.
func (r *Room) open(st *state, d *draft) ([]verdict.Source, error) {
	starter, err := r.starterSegment()
	if err != nil {
		return nil, err
	}
	d.segments = []snapfile.SegmentRef{starter}
	for _, s := range st.sources {
		if s.Enabled && s.Segment != "" {
			d.segments = append(d.segments, snapfile.SegmentRef{Source: s.ID, Title: s.Title, Hash: s.Segment})
		}
	}
	for _, l := range st.licensed {
		d.segments = append(d.segments, l.ref())
	}
	have := r.mapped()
	var out []verdict.Source
	for _, ref := range d.segments {
		seg := have[ref.Hash]
		if seg == nil {
			if seg, err = segment.Open(segment.FileName(snapfile.SegmentsDir(r.d.Dir), ref.Hash)); err != nil {
				return nil, &Refused{Words: fmt.Sprintf("The file of the list %q cannot be used: %v. Import the list again.", ref.Title, err)}
			}
			have[ref.Hash] = seg
		}
		src := verdict.Source{Slug: ref.Source, Title: ref.Title, Segment: seg}
		if seg.Lock() != nil {
			if src.Open = r.unseal(); src.Open == nil {
				return nil, &Refused{Words: titleOf(errNoLicence.Error()) + "."}
			}
		}
		out = append(out, src)
	}
	return out, nil
}

// mapped are the lists of the rules in force, by hash.
func (r *Room) mapped() map[string]*segment.Segment {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[string]*segment.Segment{}
	if r.lastNow.snapshot == nil {
		return out
	}
	by := r.lastNow.snapshot.Segments()
	for _, ref := range r.lastNow.segments {
		if s := by[ref.Source]; s != nil {
			out[ref.Hash] = s
		}
	}
	return out
}

// starterSegment builds the starter list once and writes it to the folder.
func (r *Room) starterSegment() (snapfile.SegmentRef, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.starter.Hash != "" {
		return r.starter, nil
	}
	if err := snapfile.Prepare(r.d.Dir); err != nil {
		return r.starter, err
	}
	b := segment.NewBuilder()
	kinds := map[lists.Kind]segment.Kind{lists.Name: segment.Name, lists.Exact: segment.Exact, lists.URL: segment.URL}
	for _, c := range r.stock.starter {
		for _, e := range c.Entries {
			text := e.Text
			if e.Kind == lists.Exact {
				text = strings.TrimPrefix(text, "=")
			}
			if err := b.Add(kinds[e.Kind], text, c.Slug); err != nil {
				return r.starter, fmt.Errorf("building the starter list: %s: %w", e.Text, err)
			}
		}
		// The filter tries itself by a name that leads to nobody.
		if err := b.Add(segment.Name, verdict.ProbeHost(c.Slug), c.Slug); err != nil {
			return r.starter, fmt.Errorf("building the starter list: %s: %w", verdict.ProbeHost(c.Slug), err)
		}
	}
	hash, _, err := b.Write(snapfile.SegmentsDir(r.d.Dir))
	if err != nil {
		return r.starter, fmt.Errorf("writing the starter list: %w", err)
	}
	r.starter = snapfile.SegmentRef{Source: starterID, Title: "starter list", Hash: hash}
	return r.starter, nil
}

// mostFailures is how many reasons a refusal tells.
const mostFailures = 3

// tryOut asks the draft what must hold whatever was decided: help services and
// the school's own pages are open for everybody, nothing that nobody may open
// is open, and the school's own list of what must be open and closed holds.
func (r *Room) tryOut(d *draft, v *setting.Values) error {
	now := r.now()
	var musts []verdict.Must
	for _, h := range slices.Concat(r.stock.help, r.ours()) {
		musts = append(musts, verdict.Must{ID: "always-open", URL: h, Act: verdict.Allow})
	}
	for _, m := range d.state.musts {
		for _, g := range m.groups(d.rules) {
			musts = append(musts, verdict.Must{ID: m.ID, URL: m.URL, Group: g, Act: m.Act})
		}
	}
	var says []string
	for _, f := range verdict.Check(d.snapshot, now, musts) {
		if f.Got.Licensed != 0 {
			continue // nobody's wish stands above a licensed list, and no refusal tells what is in one
		}
		says = append(says, f.Says)
	}
	says = append(says, openedForLessons(d.state, now)...)
	for _, o := range openThough(r.stock, d.snapshot, v.Items(keyRequired), now) {
		says = append(says, o.says())
	}
	if len(says) == 0 {
		return nil
	}
	more := ""
	if len(says) > mostFailures {
		more = fmt.Sprintf(" And %d more.", len(says)-mostFailures)
		says = says[:mostFailures]
	}
	return &Refused{Words: "The new rules do not do what must always hold, so the current rules stay: " + strings.Join(says, " ") + more}
}

// groups are the groups that a line is about, with those made for key stages.
func (m Must) groups(rules verdict.Rules) []string {
	if m.Group == "" {
		return []string{""}
	}
	out := []string{m.Group}
	for _, g := range rules.Groups {
		if strings.HasPrefix(g.Slug, m.Group+"-") {
			out = append(out, g.Slug)
		}
	}
	return out
}

// leak is a name of a category that should be closed and is open by no more
// than the category rules.
type leak struct {
	name, category, group string
}

func (l leak) says() string {
	return fmt.Sprintf("%s is in %s, which nobody may open, and would be open for %s.", l.name, l.category, l.group)
}

// samplesEach is how many names of each category are asked.
const samplesEach = 3

// openThough asks for names of each category, for every group and at every
// time of the week at which a rule begins or ends.
func openThough(s *stock, snap *verdict.Snapshot, categories []string, at time.Time) []leak {
	var out []leak
	for _, c := range categories {
		for _, name := range s.samples(c, samplesEach) {
			for g, group := range snap.Names().Groups {
				if leaks(snap, name, uint64(1)<<g, at) {
					out = append(out, leak{name, c, group.Slug})
				}
			}
		}
	}
	return out
}

// leaks reports whether the name or page is open for the groups at any time of
// the week, other than by a decision about this very site.
func leaks(snap *verdict.Snapshot, name string, groups uint64, at time.Time) bool {
	parts, err := verdict.CanonicalURL(name)
	if err != nil {
		return false
	}
	for _, minute := range snap.Edges() {
		v := snap.Decide(&verdict.Ask{Host: parts.Host, Path: parts.Path, Port: parts.Port, Groups: groups, At: at, Minute: minute})
		if acted(v) != verdict.Allow {
			continue
		}
		if v.Reason == verdict.ReasonOpen || v.Reason == verdict.ReasonUnlisted || v.Reason == verdict.ReasonCategory {
			return true
		}
	}
	return false
}

// step is a prepared change of the settings.
type step struct {
	r       *Room
	draft   *draft
	effects []setting.Effect
}

// Prepare compiles and tries out the rules that next would make.
func (r *Room) Prepare(ctx context.Context, next *setting.Values) (setting.Step, error) {
	if err := r.assessed(ctx, next); err != nil {
		return nil, err
	}
	st, err := r.load(ctx)
	if err != nil {
		return nil, err
	}
	d, err := r.draft(ctx, next, st)
	if err != nil {
		return nil, err
	}
	effects, err := r.effects(ctx, next, st)
	if err != nil {
		return nil, err
	}
	return &step{r: r, draft: d, effects: effects}, nil
}

// Preview says who loses and gains what.
func (s *step) Preview() []setting.Effect { return s.effects }

// Commit keeps the rules as a version. It refuses if somebody changed the
// filter since Prepare.
func (s *step) Commit(ctx context.Context, tx *store.Tx) error {
	if !s.draft.changes() {
		return nil
	}
	var said []string
	for _, e := range s.effects {
		said = append(said, e.Words)
	}
	c := Change{Kind: kindPolicy, What: "The settings of the school changed the filter.", Becomes: strings.Join(said, " ")}
	return s.r.keep(ctx, tx, s.draft, c, nil, "Settings of the policy")
}

// Publish puts the newest version in force.
func (s *step) Publish(ctx context.Context) error { return s.r.Publish(ctx) }

// Abort forgets the draft.
func (s *step) Abort() {}
