package monitoring

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
			Number: "C12", Slug: "random-review", Title: "Random samples of the record are drawn and judged, one after the other",
			Requirements: []string{"MON-02", "MON-03"}, Settings: []string{keyDrawEvery, keyDrawSize}, MaxAge: time.Hour, Default: true, Check: r.checkDraws,
		},
		{
			Number: "C13", Slug: "findings-followed", Title: "Everything that a sample showed to be inappropriate has a case",
			Requirements: []string{"MON-02"}, MaxAge: time.Hour, Default: true, Check: r.checkFindings,
		},
		{
			Number: "C14", Slug: "monitor-list-current", Title: "Only people whom the head has confirmed may look at the record",
			Requirements: []string{"MON-05"}, Settings: []string{keyListAge, keyAuthorised}, MaxAge: time.Hour, Default: true, Check: r.checkList,
		},
		{
			Number: "C15", Slug: "contractor-grants-timed", Title: "A contractor's sight of the record ends by itself, and was given by somebody who may",
			Requirements: []string{"MON-06"}, Settings: []string{keyGrantMax}, MaxAge: time.Hour, Default: true, Check: r.checkGrants,
		},
		{
			Number: "C16", Slug: "log-views-have-purpose", Title: "Every look at the record has one of the school's purposes",
			Requirements: []string{"MON-09", "MON-11", "MON-15"}, Settings: []string{keyPurposes}, MaxAge: time.Hour, Default: true, Check: r.checkLooks,
		},
		{
			Number: "C17", Slug: "watchers-watched", Title: "Who looked at the record is reviewed by somebody who did not look",
			Requirements: []string{"MON-17"}, Settings: []string{keyReviewed}, MaxAge: time.Hour, Default: true, Check: r.checkWatchers,
		},
		{
			Number: "C19", Slug: "pupils-cannot-read-logs", Title: "No pupil can read the record, whatever posts a record gives them",
			Requirements: []string{"MON-14"}, MaxAge: time.Hour, Default: true, Check: r.checkPupils,
		},
		{
			Number: "C20", Slug: "alerts-handled", Title: "No alert and no signal waits longer than the school allows",
			Requirements: []string{"MON-16"}, Settings: []string{keyAlertDays}, MaxAge: time.Hour, Default: true, Check: r.checkAlerts,
		},
		{
			Number: "C21", Slug: "monitoring-basis", Title: "Each kind of monitoring has a lawful basis that was looked at within a year",
			Requirements: []string{"MON-12"}, MaxAge: time.Hour, Default: true, Check: r.checkBases,
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
var guarded = []actor.Capability{
	MayRead, MayExport, MaySignals, MayConfirm, MayTray, MayPropose, MayContractors, MaySight, MayReview, MayDraws,
	MayAssess, MayExplain, MayAsk, MayErase, MayAlerts, MayReleases, "journal.read",
}

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
		if !slices.Contains(guarded, route.Needs) && route.Needs != maySeeList && !forEverybody(route.Pattern) {
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
