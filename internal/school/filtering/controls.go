package filtering

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/control"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
	"belisha/internal/verdict"
	"belisha/internal/verdict/snapfile"
)

// Controls is what must be true of the filter.
func (r *Room) Controls() []control.Control {
	return []control.Control{
		{
			Number: "C02", Slug: "required-categories", Title: "What must be closed is closed for everybody it binds",
			Requirements: []string{"FIL-02", "FIL-03", "FIL-04", "FIL-06", "FIL-07"}, Settings: []string{keyRequired, keyPupils, keyStaff, keyGuests},
			MaxAge: time.Hour, Default: true, Check: r.requiredCategories,
		},
		{
			Number: "C04", Slug: "exceptions-expire", Title: "Every site opened for a lesson, and every file permitted, closes again when it was meant to",
			Requirements: []string{"FIL-05", "FIL-06", "FIL-09"}, Settings: []string{keyUnblock, keyUnblockMax, keyApprover, keyPermitMax},
			MaxAge: time.Hour, Default: true, Check: r.exceptionsExpire,
		},
		{
			Number: "C05", Slug: "filter-changes-logged", Title: "Every change of the filter stands in its change log",
			Requirements: []string{"FIL-10"}, MaxAge: 24 * time.Hour, Default: true, Check: r.changesLogged,
		},
		{
			Number: "C06", Slug: "filter-changers-listed", Title: "Only people whom the head confirmed change the filter",
			Requirements: []string{"FIL-11"}, Settings: []string{keyReview}, MaxAge: 24 * time.Hour, Default: true, Check: r.changersListed,
		},
		{
			Number: "C07", Slug: "lists-fresh", Title: "The lists behind the filter are fresh",
			Requirements: []string{"FIL-12"}, Settings: []string{keyListAge, keyShrink}, MaxAge: time.Hour, Default: true, Check: r.listsFresh,
		},
		{
			Number: "C08", Slug: "safe-search", Title: "Safe search is forced",
			Requirements: []string{"FIL-15", "FIL-16"}, Settings: []string{keySafeSearch, keyYouTube, keyImages}, MaxAge: time.Hour, Default: true, Check: r.safeSearch,
		},
	}
}

// owner is the post that answers for the filter.
const owner = string(people.FilterManager)

// maxRows is how many rows of evidence a finding shows.
const maxRows = 200

// cut keeps a finding's rows within bounds, worst first.
func cut(f *control.Finding) {
	f.Total = len(f.Rows)
	rank := map[control.State]int{control.Broken: 0, control.Unknown: 1, control.AtRisk: 2}
	slices.SortStableFunc(f.Rows, func(a, b control.Row) int { return of(rank, a.State) - of(rank, b.State) })
	if len(f.Rows) > maxRows {
		f.Rows = f.Rows[:maxRows]
	}
}

func of(rank map[control.State]int, s control.State) int {
	if n, ok := rank[s]; ok {
		return n
	}
	return 3
}

// published reads what is in force from the folder, signature and all: what
// the filter itself would take.
func (r *Room) published() (*verdict.Snapshot, error) {
	public, ok := r.d.Key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("the key has no public half")
	}
	return snapfile.NewLoader(r.d.Dir, public).Unsealing(r.unseal()).Load()
}

// requiredCategories asks the rules in force, as published, for names of every
// category that a group may not open.
func (r *Room) requiredCategories(ctx context.Context, now time.Time, v *setting.Values) (control.Finding, error) {
	f := control.Finding{
		Rule:   "no site of a category that the policy closes is open for a group that it binds, at any time of the week",
		Source: control.Measured, By: "sample names of each category, asked of the rules in force", At: now, Owner: owner,
		Todo: "Open the page of the filter and look which rule opens the category.",
	}
	snap, err := r.published()
	if err != nil {
		f.State, f.Figure = control.Broken, "there are no rules in force that the filter would take: "+err.Error()
		f.Todo = "Restart Belisha; if this stays, look at the health page."
		return f, nil
	}
	st, err := r.load(ctx)
	if err != nil {
		return f, err
	}
	asked := 0
	var opened []control.Row
	for _, g := range Groups() {
		rows, n := r.closedRows(snap, st, v, g, now)
		asked += n
		f.Rows = append(f.Rows, rows...)
		opened = append(opened, openedRows(snap, st, alwaysClosed(v, st, g), g, now)...)
	}
	f.State = control.Worst(states(f.Rows))
	wrong := count(f.Rows, control.Broken)
	f.Figure = fmt.Sprintf("%d of %d closed categories are closed throughout, %d names asked", len(f.Rows)-wrong, len(f.Rows), asked)
	if len(opened) > 0 {
		f.Figure += "; the school's own entries open " + words.Count(len(opened), "site", "sites") + " of them"
		f.Rows = append(opened, f.Rows...) // first, so that nobody has to look for them
	}
	if n := len(st.licensed); n > 0 {
		f.Figure += "; " + words.Count(n, "licensed list", "licensed lists") + " closed for everybody besides"
	} else {
		f.Figure += "; no licensed list is loaded"
	}
	if f.State == control.Kept && !imported(st) {
		f.State = control.Unknown
		f.Figure += "; " + StarterSays
		f.Todo = "Import category lists: belisha lists import PATH."
	}
	if thin := restsOnStarter(st, v); f.State == control.Kept && len(thin) > 0 {
		f.State = control.AtRisk
		f.Figure += "; " + words.And(thin) + " " + words.Plural(len(thin), "rests", "rest") + " on the starter list alone"
		f.Todo = "Import a list that has these categories too: belisha lists import PATH."
	}
	cut(&f)
	return f, nil
}

// imported reports whether any list but the starter list is in use.
func imported(st *state) bool {
	return slices.ContainsFunc(st.sources, func(s Source) bool { return s.Enabled && s.Segment != "" })
}

// restsOnStarter are the categories that bind everybody and that no imported
// list has. What is illegal is left out: those lists are licensed, and a
// standing statement says that they are not loaded.
func restsOnStarter(st *state, v *setting.Values) []string {
	have := map[string]bool{"illegal": true}
	for _, s := range st.sources {
		for _, c := range s.Categories {
			have[c.Slug] = have[c.Slug] || (s.Enabled && s.Segment != "" && c.Names > 0)
		}
	}
	var thin []string
	for _, slug := range v.Items(keyRequired) {
		if !have[slug] {
			thin = append(thin, slug)
		}
	}
	return thin
}

// closedRows are the categories of a group, each with whether it is closed in
// the whole and by its samples.
func (r *Room) closedRows(snap *verdict.Snapshot, st *state, v *setting.Values, g string, now time.Time) ([]control.Row, int) {
	var rows []control.Row
	asked := 0
	for _, slug := range alwaysClosed(v, st, g) {
		row := control.Row{What: groupTitle[g] + ": " + slug + " is closed", State: control.Kept, At: now, Link: "/filter"}
		samples := r.stock.samples(slug, samplesEach)
		if len(samples) == 0 {
			row.State, row.What = control.Unknown, groupTitle[g]+": there is no name of "+slug+" to ask for"
		}
		for _, name := range samples {
			asked++
			if leaks(snap, name, snap.Names().GroupBit(g), now) {
				row.State, row.What = control.Broken, groupTitle[g]+": "+name+" is open although it is in "+slug
				break
			}
		}
		rows = append(rows, row)
	}
	return rows, asked
}

// openedRows are the sites of closed categories that an entry of the school's
// own opens for a group. Each was given a ground, and none may go unseen.
func openedRows(snap *verdict.Snapshot, st *state, closed []string, g string, now time.Time) []control.Row {
	var rows []control.Row
	for _, o := range st.own {
		parts, err := verdict.CanonicalURL(strings.TrimPrefix(o.Text, "="))
		if o.Act != verdict.Allow || err != nil {
			continue
		}
		ask := verdict.Ask{Host: parts.Host, Path: parts.Path, Port: parts.Port, Groups: snap.Names().GroupBit(g), At: now}
		for _, ask.Minute = range snap.Edges() {
			v := snap.Decide(&ask)
			in := slices.DeleteFunc(snap.Names().Slugs(v.Categories), func(c string) bool { return !slices.Contains(closed, c) })
			if acted(v) != verdict.Allow || v.Reason != verdict.ReasonOwnAllow || len(in) == 0 {
				continue
			}
			rows = append(rows, control.Row{
				What:  fmt.Sprintf("%s: %s stands in %s, and an entry opens it", groupTitle[g], o.Text, in[0]),
				State: control.Kept, At: o.AddedAt, Link: "/filter/own/" + o.ID,
			})
			break
		}
	}
	return rows
}

// alwaysClosed are the categories that every value closes for the group: what
// a narrower value opens is open for some, as decided.
func alwaysClosed(v *setting.Values, st *state, g string) []string {
	values := scoped(v, blockKey[g], g)
	var out []string
	first := closedItems(v, st, g, values[0])
	for _, slug := range slices.Concat(first.said, first.required, first.added) {
		everywhere := true
		for _, val := range values[1:] {
			x := closedItems(v, st, g, val)
			everywhere = everywhere && slices.Contains(slices.Concat(x.said, x.required, x.added), slug)
		}
		if everywhere {
			out = append(out, slug)
		}
	}
	return out
}

func states(rows []control.Row) []control.State {
	out := make([]control.State, 0, len(rows))
	for _, x := range rows {
		out = append(out, x.State)
	}
	return out
}

func count(rows []control.Row, s control.State) int {
	n := 0
	for _, x := range rows {
		if x.State == s {
			n++
		}
	}
	return n
}

// changesLogged holds what is in force against the newest line of the change
// log, and the log against the journal.
func (r *Room) changesLogged(ctx context.Context, now time.Time, _ *setting.Values) (control.Finding, error) {
	f := control.Finding{
		Rule:   "the journal holds, and the rules in force are those of the newest line of the change log",
		Source: control.Measured, By: "the journal's chain and the signed rules in the filter's folder", At: now, Owner: owner, State: control.Kept,
	}
	last, err := latestVersion(ctx, r.d.DB)
	if err != nil {
		return f, err
	}
	n, err := countRows(ctx, r.d.DB, "SELECT COUNT(*) FROM filter_changes")
	if err != nil {
		return f, err
	}
	f.Figure = fmt.Sprintf("%d changes logged, version %d in force", n, last.Number)
	fault := func(words, todo string) {
		f.State, f.Todo = control.Broken, todo
		f.Rows = append(f.Rows, control.Row{What: words, State: control.Broken, At: now, Link: "/filter/changes"})
	}
	public, _ := r.d.Key.Public().(ed25519.PublicKey)
	number, err := snapfile.Current(r.d.Dir)
	if err == nil {
		var m snapfile.Manifest
		if m, _, err = snapfile.Read(r.d.Dir, public, number); err == nil && !last.same(m.Rules, m.Segments) {
			fault("The rules in force are not those of the newest version.", "Restart Belisha: it puts the newest version in force.")
		}
	}
	if err != nil {
		fault("The rules in force cannot be read: "+err.Error()+".", "Restart Belisha: it puts the newest version in force.")
	}
	unlogged, err := versionsWithoutChange(ctx, r.d.DB)
	if err != nil {
		return f, err
	}
	if unlogged > 0 {
		fault(fmt.Sprintf("%d versions have no line in the change log.", unlogged), "Ask who has had access to the records, and look at the journal.")
	}
	rep, err := r.d.Journal.Verify(ctx)
	if err != nil {
		return f, fmt.Errorf("verifying the journal: %w", err)
	}
	if !rep.OK {
		fault("The journal does not hold: "+rep.Fault.What, "Run belisha journal verify, and ask who has had access to the records.")
	}
	if f.State != control.Kept {
		f.Figure = fmt.Sprintf("%d faults; ", len(f.Rows)) + f.Figure
	}
	cut(&f)
	return f, nil
}

// changersListed holds everybody who changed the filter against the list of
// holders in force at that moment, and the list against its age.
func (r *Room) changersListed(ctx context.Context, now time.Time, v *setting.Values) (control.Finding, error) {
	limit := v.Duration(keyReview)
	f := control.Finding{
		Rule:   "everybody who changed the filter was on the list that the head had confirmed, and the list was confirmed within " + length(v.Get(keyReview)),
		Source: control.Measured, By: "the change log and the confirmed lists", At: now, Owner: string(people.Headteacher), State: control.Kept,
	}
	lists, err := allHolders(ctx, r.d.DB)
	if err != nil {
		return f, err
	}
	changes, err := changesByPeople(ctx, r.d.DB, now.Add(-limit))
	if err != nil {
		return f, err
	}
	outsiders := 0
	for _, c := range changes {
		if h := heldAt(lists, c.At); !h.Has(personOf(c.Actor)) {
			if head, err := r.byHead(ctx, c); err != nil || head {
				if err != nil {
					return f, err
				}
				continue
			}
			outsiders++
			f.Rows = append(f.Rows, control.Row{What: "Changed by somebody who was not on the list: " + c.What, State: control.Broken, At: c.At, Link: "/filter/changes"})
		}
	}
	row, err := r.holdersRow(ctx, lists, v.Get(keyReview), now)
	if err != nil {
		return f, err
	}
	f.Rows = append(f.Rows, row)
	f.State = control.Worst(states(f.Rows))
	f.Figure = fmt.Sprintf("%d changes, %d by somebody not on the list", len(changes), outsiders)
	if len(lists) == 0 {
		f.Figure += "; no list was ever confirmed"
	}
	if f.State != control.Kept {
		f.Todo = "The head opens the page of filter managers, looks at the list and confirms it."
	}
	cut(&f)
	return f, nil
}

// holdersRow says how the list itself stands.
func (r *Room) holdersRow(ctx context.Context, lists []Holders, review setting.Value, now time.Time) (control.Row, error) {
	limit := review.Duration
	row := control.Row{State: control.Kept, At: now, Link: "/filter/managers"}
	if len(lists) == 0 {
		row.State, row.What = control.Broken, "The head has not confirmed who may change the filter"
		return row, nil
	}
	last := lists[len(lists)-1]
	offices, err := r.Candidates(ctx)
	if err != nil {
		return row, err
	}
	row.At = last.At
	age := now.Sub(last.At)
	switch {
	case age > limit:
		row.State, row.What = control.Broken, "The list was last confirmed longer ago than "+length(review)
	case slices.ContainsFunc(offices, func(o people.Office) bool { return !last.Has(o.Person.ID) }):
		row.State, row.What = control.AtRisk, "Somebody holds the post of filter manager and is not on the confirmed list; they cannot change anything"
	case limit-age < 30*day:
		row.State, row.What = control.AtRisk, "The list must be confirmed again within 30 days"
	default:
		row.What = "The head confirmed the list"
	}
	return row, nil
}

// heldAt is the list in force at a moment.
func heldAt(lists []Holders, at time.Time) Holders {
	var out Holders
	for _, h := range lists {
		if h.At.After(at) {
			break
		}
		out = h
	}
	return out
}

// mayNow reports whether somebody could change the filter at this moment.
func (r *Room) mayNow(ctx context.Context, a actor.Actor) (bool, error) {
	if !a.May(MayChange) || a.Kind != actor.Person || a.Audience == actor.Pupil {
		return false, nil
	}
	h, err := r.Holders(ctx)
	return h.Has(people.ID(a.Person)), err
}
