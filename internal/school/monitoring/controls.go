package monitoring

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/control"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

// lookedBack is how far the controls on looks go back.
const lookedBack = 30 * oneDay

// maxEvidence bounds the rows that a finding shows.
const maxEvidence = 200

// Controls is what must be true of monitoring.
func (r *Room) Controls() []control.Control {
	return []control.Control{
		{
			Number: "C11", Slug: "log-complete", Title: "The record of web use has no unexplained gap",
			Requirements: []string{"MON-01"}, Settings: []string{keyGap}, MaxAge: time.Hour, Default: true, Check: r.checkLog,
		},
		{
			Number: "C14", Slug: "monitor-list-current", Title: "Only people whom the head has confirmed may look at the record",
			Requirements: []string{"MON-05"}, Settings: []string{keyListAge, keyAuthorised}, MaxAge: time.Hour, Default: true, Check: r.checkList,
		},
		{
			Number: "C16", Slug: "log-views-have-purpose", Title: "Every look at the record has one of the school's purposes",
			Requirements: []string{"MON-09", "MON-11", "MON-15"}, Settings: []string{keyPurposes}, MaxAge: time.Hour, Default: true, Check: r.checkLooks,
		},
		{
			Number: "C19", Slug: "pupils-cannot-read-logs", Title: "No pupil can read the record, whatever posts a record gives them",
			Requirements: []string{"MON-14"}, MaxAge: time.Hour, Default: true, Check: r.checkPupils,
		},
	}
}

// checkList compares who may look with the list that the head confirmed.
func (r *Room) checkList(ctx context.Context, now time.Time, v *setting.Values) (control.Finding, error) {
	f := control.Finding{
		Source: control.Measured, By: "posts held now, and the list that the head confirmed", Owner: string(people.Headteacher),
		Rule: "the list and the holders of the post of monitor are the same, and confirmed within " + words.Length(v.Duration(keyListAge)),
	}
	list, err := r.List(ctx)
	if err != nil {
		return f, err
	}
	holders, err := r.Candidates(ctx)
	if err != nil {
		return f, err
	}
	differ := 0
	for _, id := range union(holders, list.People) {
		row, err := r.listRow(ctx, id, slices.Contains(holders, id), list.Has(id))
		if err != nil {
			return f, err
		}
		if row.State == control.Broken {
			differ++
		}
		if f.Total++; len(f.Rows) < maxEvidence {
			f.Rows = append(f.Rows, row)
		}
	}
	f.Todo = "The head opens the list of monitors and confirms it."
	age := now.Sub(list.ConfirmedAt)
	switch {
	case list.ConfirmedAt.IsZero():
		f.State, f.Figure = control.Broken, "the head has never confirmed the list"
	case differ > 0:
		f.State, f.Figure = control.Broken, words.Count(differ, "name differs", "names differ")+" between the list and the post"
	case age > v.Duration(keyListAge):
		f.State, f.Figure = control.Broken, "confirmed "+words.Length(age)+" ago"
	case age > v.Duration(keyListAge)*11/12:
		f.State, f.Figure = control.AtRisk, "confirmed "+words.Length(age)+" ago"
	default:
		f.State, f.Todo = control.Kept, ""
		f.Figure = words.Count(len(list.People), "monitor", "monitors") + ", confirmed " + words.Length(age) + " ago"
	}
	return f, nil
}

func union(a, b []people.ID) []people.ID {
	return slices.Compact(slices.Sorted(slices.Values(slices.Concat(a, b))))
}

func (r *Room) listRow(ctx context.Context, id people.ID, holds, listed bool) (control.Row, error) {
	name, err := r.display(ctx, id)
	if err != nil {
		return control.Row{}, err
	}
	row := control.Row{What: name + ": on the list, and holds the post of monitor", State: control.Kept, Link: "/monitoring/monitors"}
	switch {
	case holds && !listed:
		row.What, row.State = name+": holds the post of monitor, and is not on the list", control.Broken
	case listed && !holds:
		row.What, row.State = name+": on the list, and no longer holds the post of monitor", control.Broken
	}
	return row, nil
}

// display is how a member of staff is named.
func (r *Room) display(ctx context.Context, id people.ID) (string, error) {
	p, err := r.d.Roll.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return "somebody no longer on the roll", nil
	}
	if err != nil {
		return "", fmt.Errorf("asking who is on the list: %w", err)
	}
	return p.Name(), nil
}

// checkLooks asks of every look in the journal what it was for.
func (r *Room) checkLooks(ctx context.Context, now time.Time, v *setting.Values) (control.Finding, error) {
	f := control.Finding{
		Source: control.Measured, By: "the journal and the purposes given", Owner: string(people.Headteacher),
		Rule: "every look has a purpose that the policy names, given before it and still counting",
	}
	looks, without := 0, 0
	filter := journal.Filter{Verbs: []journal.Verb{VerbViewed, VerbExported}, From: now.Add(-lookedBack), Limit: 500}
	for {
		lines, err := r.d.Journal.List(ctx, filter)
		if err != nil {
			return f, fmt.Errorf("reading the looks in the journal: %w", err)
		}
		for _, l := range lines {
			looks++
			why, err := r.unpurposed(ctx, l)
			if err != nil {
				return f, err
			}
			if why == "" {
				continue
			}
			without++
			if len(f.Rows) < maxEvidence {
				f.Rows = append(f.Rows, control.Row{What: why, State: control.Broken, At: l.At, Link: fmt.Sprintf("/journal/%d", l.Seq)})
			}
		}
		if len(lines) < filter.Limit {
			break
		}
		filter.Before = lines[len(lines)-1].Seq
	}
	f.Total = without
	switch {
	case without > 0:
		f.State, f.Figure = control.Broken, fmt.Sprintf("%d of %s without a purpose", without, words.Count(looks, "look", "looks"))
		f.Todo = "Ask who looked, and why; the journal names them."
	case looks == 0:
		f.State, f.Figure = control.Kept, "nobody looked in the last 30 days"
	default:
		f.State, f.Figure = control.Kept, "all "+words.Count(looks, "look", "looks")+" of the last 30 days"
	}
	return f, nil
}

// unpurposed says why a look in the journal does not count as having a
// purpose, "" where it has one.
func (r *Room) unpurposed(ctx context.Context, l journal.Line) (string, error) {
	purpose, by, err := r.purposeOfLook(ctx, l.ID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return "A look for which no purpose was given", nil
	case err != nil:
		return "", err
	case by != l.Actor:
		return "A look under somebody else's purpose", nil
	case !slices.ContainsFunc(purposes, func(o setting.Option) bool { return o.Value == purpose }):
		return "A look for a purpose that Belisha does not know", nil
	default:
		return "", nil
	}
}

// guarded are the capabilities that let somebody see the record.
var guarded = []actor.Capability{MayRead, MayExport, MaySignals, MayConfirm, MayTray, "journal.read"}

// checkPupils asks the table of who may do what, and the room's own routes.
func (r *Room) checkPupils(context.Context, time.Time, *setting.Values) (control.Finding, error) {
	f := control.Finding{
		State: control.Kept, Source: control.Measured, By: "the table of who may do what, and the pages themselves",
		Rule: "no pupil has any capability that shows the record, with any posts", Owner: string(people.NetworkManager),
	}
	wrong := 0
	for _, c := range guarded {
		row := control.Row{What: "A pupil with every post cannot have \"" + string(c) + "\"", State: control.Kept}
		if r.d.Matrix.CanEver(people.Pupil, c) {
			row.What, row.State = "A pupil could have \""+string(c)+"\"", control.Broken
			wrong++
		}
		f.Rows = append(f.Rows, row)
	}
	routes := r.Section().Routes
	for _, route := range routes {
		if !slices.Contains(guarded, route.Needs) && route.Needs != maySeeList {
			f.Rows = append(f.Rows, control.Row{What: "The page " + route.Pattern + " asks for none of them", State: control.Broken})
			wrong++
		}
	}
	f.Total = len(f.Rows)
	f.Figure = fmt.Sprintf("%d capabilities and %d pages, closed to every pupil", len(guarded), len(routes))
	if wrong > 0 {
		f.State, f.Figure = control.Broken, words.Count(wrong, "way in", "ways in")+" for a pupil"
		f.Todo = "Update Belisha; until then take pupils' accounts away from this server."
	}
	return f, nil
}

// checkLog looks for gaps in the school hours of the last days.
func (r *Room) checkLog(ctx context.Context, now time.Time, v *setting.Values) (control.Finding, error) {
	limit := v.Duration(keyGap)
	f := control.Finding{
		Source: control.Measured, By: "the record, minute by minute, and the filter's sign of life", Owner: string(people.NetworkManager),
		Rule: "in school hours no gap over " + words.Length(limit),
	}
	from, err := r.logSince(ctx, now)
	if err != nil {
		return f, err
	}
	if !from.IsZero() && !from.Before(now.Add(-logLag)) {
		f.State, f.Figure = control.Unknown, "the record has only just begun"
		return f, nil
	}
	if from.IsZero() {
		f.State, f.Figure = control.Unknown, "nothing has been recorded yet"
		f.Todo = "Send a browser through the filter."
		return f, nil
	}
	sites, err := r.d.Memory.Sites(ctx, from, now)
	if err != nil {
		return f, err
	}
	if len(sites) == 0 {
		sites = []string{""} // a filter that fell silent everywhere
	}
	sum := logSum{limit: limit}
	for _, site := range sites {
		if err := r.readLog(ctx, site, from, now, &sum); err != nil {
			return f, err
		}
	}
	return sum.finding(f, len(sites)), nil
}

// logSince is how far back the record is judged: seven days, or the first
// moment of the record where that is later; a month where seven days hold no
// school hours. The zero time: there is no record.
func (r *Room) logSince(ctx context.Context, now time.Time) (time.Time, error) {
	st, err := r.d.Memory.Stats(ctx)
	if err != nil || st.First == "" {
		return time.Time{}, err
	}
	c, err := r.d.Roll.Calendar(ctx, people.MainSite)
	if err != nil {
		return time.Time{}, err
	}
	days := 7
	if !anySchool(c, now.Add(-7*oneDay), now) {
		days = 30
	}
	from := now.Add(-time.Duration(days) * oneDay).Truncate(time.Minute)
	first := people.Day(st.First).Time(c.Location())
	if first.After(from) {
		return r.firstSign(ctx, first, now)
	}
	return from, nil
}

func anySchool(c *people.Calendar, from, to time.Time) bool {
	for t := from; t.Before(to); t = t.Add(30 * time.Minute) {
		if c.SchoolHours(t) {
			return true
		}
	}
	return false
}

// firstSign is the first minute in which anything was recorded.
func (r *Room) firstSign(ctx context.Context, from, now time.Time) (time.Time, error) {
	minutes, err := r.d.Memory.Minutes(ctx, "", from, now)
	if err != nil {
		return time.Time{}, err
	}
	for _, m := range minutes {
		if m.Events > 0 || m.Beats > 0 {
			return m.At, nil
		}
	}
	return time.Time{}, nil
}

// logSum gathers what the minutes of all sites say.
type logSum struct {
	limit   time.Duration
	school  int // minutes of school hours looked at
	dropped uint64
	gaps    []control.Row
}

// logLag is how far behind now the record may be: the last minute is not over,
// and the filter signs once a minute.
const logLag = 2 * time.Minute

func (r *Room) readLog(ctx context.Context, site string, from, now time.Time, sum *logSum) error {
	minutes, err := r.d.Memory.Minutes(ctx, site, from, now.Add(-logLag))
	if err != nil {
		return err
	}
	at := site
	if at == "" {
		at = people.MainSite
	}
	c, err := r.d.Roll.Calendar(ctx, at)
	if err != nil {
		return err
	}
	var began time.Time
	for _, m := range minutes {
		sum.dropped += m.Dropped
		silent := m.Events == 0 && m.Beats == 0 && c.SchoolHours(m.At)
		if c.SchoolHours(m.At) {
			sum.school++
		}
		switch {
		case silent && began.IsZero():
			began = m.At
		case !silent && !began.IsZero():
			sum.gap(at, began, m.At, c.Location())
			began = time.Time{}
		}
	}
	if !began.IsZero() {
		sum.gap(at, began, now.Add(-logLag), c.Location())
	}
	return nil
}

func (s *logSum) gap(site string, from, to time.Time, zone *time.Location) {
	if to.Sub(from) <= s.limit {
		return
	}
	from, to = from.In(zone), to.In(zone)
	s.gaps = append(s.gaps, control.Row{
		What:  fmt.Sprintf("Nothing was recorded at %s from %s to %s (%s)", site, from.Format("15:04 on Monday 2 January"), to.Format("15:04"), words.Length(to.Sub(from))),
		State: control.Broken, At: from,
	})
}

func (s *logSum) finding(f control.Finding, sites int) control.Finding {
	f.Total = len(s.gaps)
	f.Rows = s.gaps[:min(len(s.gaps), maxEvidence)]
	hours := words.Count(s.school/60, "school hour", "school hours")
	switch {
	case len(s.gaps) > 0:
		f.State, f.Figure = control.Broken, words.Count(len(s.gaps), "gap", "gaps")+" in "+hours
		f.Todo = "Look at the health page, and note why the filter was silent."
	case s.school == 0:
		f.State, f.Figure = control.Unknown, "no school hours since the record began"
	case s.dropped > 0:
		f.State, f.Figure = control.AtRisk, fmt.Sprintf("no gap in %s, but the filter could not keep %s of routine visits", hours, words.Count(int(min(s.dropped, 1<<31)), "row", "rows")) //nolint:gosec // bounded
		f.Todo = "Free some disk space, or give the server a faster disk."
	default:
		f.State = control.Kept
		f.Figure = strings.TrimSpace("no gap in " + hours + " at " + words.Count(sites, "site", "sites"))
	}
	return f
}
