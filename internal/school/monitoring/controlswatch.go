package monitoring

import (
	"context"
	"fmt"
	"slices"
	"time"

	"belisha/internal/kit/control"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/trend"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

// judgedBack is how many turns of the rhythm the control on samples goes back.
const judgedBack = 4

// checkDraws looks at the samples of the last turns: was each drawn, and was
// each judged in time.
func (r *Room) checkDraws(ctx context.Context, now time.Time, v *setting.Values) (control.Finding, error) {
	rhythm := v.Choice(keyDrawEvery)
	f := control.Finding{
		Source: control.Measured, By: "the samples drawn, and what was found about each row", Owner: string(people.Monitor),
		Rule: fmt.Sprintf("every %s with school days has a random sample, all of it judged within %d school days", rhythm, judgeWithin),
	}
	since, on, err := r.RecordingSince(ctx)
	if err != nil {
		return f, err
	}
	if !on {
		f.State, f.Figure = control.Unknown, "names are not recorded, so there is nothing to draw from"
		f.Todo = "The head confirms the impact assessment and the notice."
		return f, nil
	}
	turns, err := r.turns(ctx, now, since, rhythm)
	if err != nil {
		return f, err
	}
	missed, late, waits, done, empty := 0, 0, 0, 0, 0
	for _, t := range turns {
		f.Rows = append(f.Rows, t.row())
		switch {
		case t.missed:
			missed++
		case t.late:
			late++
		case t.draw.Complete() && t.draw.Rows == 0:
			empty++
		case t.draw.Complete():
			done++
		case !t.draw.Drawn.IsZero():
			waits++
		}
	}
	f.Total = len(f.Rows)
	f.Todo = "The monitors open the sample and judge each row."
	switch {
	case missed > 0:
		f.State, f.Figure = control.Broken, words.Count(missed, "sample was", "samples were")+" never drawn"
		f.Todo = "Was Belisha switched off? The next sample is drawn by itself."
	case late > 0:
		f.State, f.Figure = control.Broken, words.Count(late, "sample", "samples")+" not judged in time"
	case empty > 0:
		f.State, f.Figure = control.AtRisk, words.Count(empty, "sample", "samples")+" found nothing to draw from"
		f.Todo = "Is the web used in school hours at all, and through the filter?"
	case done == 0:
		f.State, f.Figure, f.Todo = control.Unknown, "no sample has been judged yet", ""
	case waits > 0:
		f.State, f.Figure = control.Kept, fmt.Sprintf("the last %d judged, one waits and is not late", done)
	default:
		f.State, f.Figure, f.Todo = control.Kept, fmt.Sprintf("the last %d judged", done), ""
	}
	return f, nil
}

// sampleTurn is one turn of the rhythm with its sample.
type sampleTurn struct {
	period period
	draw   Draw
	over   bool
	missed bool
	late   bool
	due    time.Time
}

func (t sampleTurn) row() control.Row {
	row := control.Row{What: t.period.Words() + ": ", State: control.Kept, At: t.draw.Drawn, Link: pathDraws}
	switch {
	case t.missed:
		row.What, row.State = row.What+"no sample was drawn", control.Broken
	case t.draw.Drawn.IsZero():
		row.What, row.State = row.What+"the sample is drawn at a moment that nobody knows", control.Unknown
	case t.draw.Complete() && t.draw.Rows == 0:
		row.What, row.State = row.What+"nothing was recorded that could be drawn", control.AtRisk
	case t.draw.Complete():
		row.What += words.Count(t.draw.Rows, "row", "rows") + ", all judged"
	case t.late:
		row.What, row.State = row.What+fmt.Sprintf("%d of %d rows not judged in time", t.draw.Unjudged, t.draw.Rows), control.Broken
	default:
		row.What, row.State = row.What+fmt.Sprintf("%d of %d rows still to judge", t.draw.Unjudged, t.draw.Rows), control.AtRisk
	}
	return row
}

// turns are the turns of the rhythm that count: those with school days, that
// began since names are recorded, newest first.
func (r *Room) turns(ctx context.Context, now, since time.Time, rhythm string) ([]sampleTurn, error) {
	c, err := r.d.Roll.Calendar(ctx, people.MainSite)
	if err != nil {
		return nil, err
	}
	draws, err := r.draws(ctx, now.Add(-200*oneDay))
	if err != nil {
		return nil, err
	}
	var all []sampleTurn
	p := periodOf(rhythm, c.Day(now))
	for range judgedBack + 1 {
		t := sampleTurn{period: p, over: !now.Before(p.end(c.Location()))}
		i := slices.IndexFunc(draws, func(d Draw) bool { return d.Period == p.Key() })
		if i >= 0 {
			t.draw = draws[i]
		}
		began := !p.start(c.Location()).Before(since)
		t.missed = t.over && t.draw.Drawn.IsZero() && began && p.schoolIn(c)
		if !t.draw.Drawn.IsZero() {
			t.due = c.AddSchoolDays(t.draw.Drawn, judgeWithin)
			t.late = !t.draw.Complete() && now.After(t.due) || t.draw.Complete() && t.draw.Last.After(t.due)
		}
		if i >= 0 || t.missed {
			all = append(all, t)
		}
		p = p.before(rhythm)
	}
	return all, nil
}

// followedBack is how far back findings are asked for their case.
const followedBack = 366 * oneDay

// checkFindings asks for the case behind each inappropriate row.
func (r *Room) checkFindings(ctx context.Context, now time.Time, _ *setting.Values) (control.Finding, error) {
	f := control.Finding{
		Source: control.Measured, By: "what the monitors found, and the cases that began from it", Owner: string(people.Monitor),
		Rule: "every row found inappropriate has a case",
	}
	found, err := r.inappropriate(ctx, now.Add(-followedBack))
	if err != nil {
		return f, err
	}
	f.Total = len(found)
	if len(found) == 0 {
		draws, err := r.draws(ctx, now.Add(-followedBack))
		if err != nil {
			return f, err
		}
		f.State, f.Figure = control.Kept, "nothing was found inappropriate"
		if !slices.ContainsFunc(draws, Draw.Complete) {
			f.State, f.Figure = control.Unknown, "no sample has been judged yet"
		}
		return f, nil
	}
	if r.d.Cases == nil {
		f.State, f.Figure = control.Unknown, few(len(found))+" found, and no cases to compare with"
		f.Todo = "Open the concerns, and log one for each finding."
		return f, nil
	}
	open, err := r.unfollowed(ctx, found)
	if err != nil {
		return f, err
	}
	seen := map[string]bool{}
	for _, d := range open {
		// A line for each sample, without when it was: evidence is read by many.
		if !seen[d.Draw] && len(f.Rows) < maxEvidence {
			seen[d.Draw] = true
			f.Rows = append(f.Rows, control.Row{What: "Something found inappropriate has no case", State: control.Broken, Link: pathDraws + "/" + d.Draw})
		}
	}
	f.Total = len(f.Rows)
	f.State, f.Figure = control.Kept, "all followed up, of "+few(len(found))+" found in a year"
	if len(open) > 0 {
		f.State, f.Figure = control.Broken, few(len(open))+" without a case, of "+few(len(found))+" found in a year"
		f.Todo = "Open the sample and log a concern for each of them."
	}
	return f, nil
}

// checkGrants looks at every grant that ran in the last year.
func (r *Room) checkGrants(ctx context.Context, now time.Time, v *setting.Values) (control.Finding, error) {
	f := control.Finding{
		Source: control.Measured, By: "the grants themselves", Owner: string(people.Headteacher),
		Rule: "every grant ends within " + words.Length(v.Duration(keyGrantMax)) + ", and whoever gave it may look themselves or is the head",
	}
	all, err := r.grantsSince(ctx, now.Add(-followedBack))
	if err != nil {
		return f, err
	}
	wrong, running := 0, 0
	for _, g := range all {
		why := ""
		if g.RunsAt(now) {
			running++
			ok, err := r.stillGrantor(ctx, g.By)
			if err != nil {
				return f, err
			}
			if !ok {
				why = "A grant that runs was given by somebody who is no longer on the list"
			}
		}
		if g.Until.IsZero() || g.Until.Sub(g.From) > 14*oneDay {
			why = "A grant has no end, or a late one"
		}
		if g.RunsAt(now) && g.Until.Sub(g.From) > v.Duration(keyGrantMax) {
			why = "A grant that runs lasts longer than the policy allows"
		}
		if why == "" {
			continue
		}
		wrong++
		if len(f.Rows) < maxEvidence {
			f.Rows = append(f.Rows, control.Row{What: why, State: control.Broken, At: g.At, Link: pathGrants + "/" + g.ID})
		}
	}
	f.Total = len(all)
	f.State, f.Figure = control.Kept, words.Count(len(all), "grant", "grants")+" in a year, "+words.Count(running, "runs", "run")+" now"
	if len(all) == 0 {
		f.Figure = "no contractor was given sight of the record"
	}
	if wrong > 0 {
		f.State, f.Figure, f.Todo = control.Broken, words.Count(wrong, "grant", "grants")+" not in order", "End it on its page; a listed monitor may give a new one."
	}
	return f, nil
}

// checkWatchers looks for turns that are over and were not reviewed.
func (r *Room) checkWatchers(ctx context.Context, now time.Time, v *setting.Values) (control.Finding, error) {
	rhythm := v.Choice(keyReviewed)
	f := control.Finding{
		Source: control.Measured, By: "the looks, and the reviews signed", Owner: string(people.Headteacher),
		Rule: fmt.Sprintf("every look is reviewed by somebody else, each %s within %d school days", rhythm, reviewWithin),
	}
	first, err := r.firstLook(ctx)
	if err != nil {
		return f, err
	}
	if first.IsZero() {
		f.State, f.Figure = control.Kept, "nobody has looked"
		return f, nil
	}
	owed, err := r.owedReviews(ctx, now, rhythm)
	if err != nil {
		return f, err
	}
	late, waiting := 0, 0
	for _, o := range owed {
		state := control.AtRisk
		if now.After(o.due) {
			state = control.Broken
			late++
		} else {
			waiting++
		}
		f.Rows = append(f.Rows, control.Row{What: o.period.Words() + ": " + words.Count(o.looks, "look waits", "looks wait"), State: state, At: o.period.start(o.zone), Link: o.link()})
	}
	f.Total = len(f.Rows)
	f.Todo = "The head opens the review and signs it; what the head looked at is for the chair of governors."
	switch {
	case late > 0:
		f.State, f.Figure = control.Broken, words.Count(late, "review is", "reviews are")+" late"
	case waiting > 0:
		f.State, f.Figure = control.Kept, words.Count(waiting, "review waits", "reviews wait")+", not late"
	default:
		f.State, f.Figure, f.Todo = control.Kept, "every look of a "+rhythm+" that is over was reviewed", ""
	}
	return f, nil
}

// owedReview is a turn whose looks wait for a review.
type owedReview struct {
	period period
	looks  int
	heads  int // of those, looks by a holder of the head's post
	due    time.Time
	zone   *time.Location
}

func (o owedReview) link() string { return pathWatchers + "?from=" + string(o.period.From) }

// owedReviews are the turns of the last year that are over and have looks that
// nobody reviewed, newest first.
func (r *Room) owedReviews(ctx context.Context, now time.Time, rhythm string) ([]owedReview, error) {
	c, err := r.d.Roll.Calendar(ctx, people.MainSite)
	if err != nil {
		return nil, err
	}
	looks, err := r.waitingByDay(ctx, now.Add(-followedBack), now, c.Location())
	if err != nil {
		return nil, err
	}
	heads, err := r.holdersOf(ctx, people.Headteacher)
	if err != nil {
		return nil, err
	}
	byTurn := map[period]*owedReview{}
	for _, l := range looks {
		p := periodOf(rhythm, l.day)
		if now.Before(p.end(c.Location())) {
			continue
		}
		o := byTurn[p]
		if o == nil {
			end := p.end(c.Location())
			o = &owedReview{period: p, due: c.AddSchoolDays(end, reviewWithin), zone: c.Location()}
			byTurn[p] = o
		}
		o.looks += l.n
		if slices.ContainsFunc(heads, func(h people.Office) bool { return "person:"+string(h.Person.ID) == l.actor }) {
			o.heads += l.n
		}
	}
	var out []owedReview
	for _, o := range byTurn {
		out = append(out, *o)
	}
	slices.SortFunc(out, func(a, b owedReview) int { return b.period.start(time.UTC).Compare(a.period.start(time.UTC)) })
	return out, nil
}

// few is a count of what children did or met, as everybody may read it who may
// read evidence: one to four could tell of a child.
func few(n int) string {
	if n > 0 && n <= trend.Hidden {
		return "under 5"
	}
	return words.Number(n)
}

// checkAlerts looks for what waits too long.
func (r *Room) checkAlerts(ctx context.Context, now time.Time, v *setting.Values) (control.Finding, error) {
	days := int(v.Int(keyAlertDays))
	f := control.Finding{
		Source: control.Measured, By: "the alerts and signals that are open", Owner: string(people.Monitor),
		Rule: "none older than " + words.Count(days, "school day", "school days"),
	}
	c, err := r.d.Roll.Calendar(ctx, people.MainSite)
	if err != nil {
		return f, err
	}
	waiting, late := 0, 0
	see := func(what, link string, raised time.Time) {
		waiting++
		if !now.After(c.AddSchoolDays(raised, days)) {
			return
		}
		late++
		// One line of each kind, without when: evidence is read by many, and a
		// moment can tell of a child.
		if !slices.ContainsFunc(f.Rows, func(x control.Row) bool { return x.What == what }) {
			f.Rows = append(f.Rows, control.Row{What: what, State: control.Broken, Link: link})
		}
	}
	signals, err := r.openSignals(ctx)
	if err != nil {
		return f, err
	}
	for _, s := range signals {
		see("A signal waits for the safeguarding lead", pathSignals, s.Raised)
	}
	alerts, err := r.openAlerts(ctx)
	if err != nil {
		return f, err
	}
	for _, a := range alerts {
		see("An alert waits: "+titleOf(Rules, a.Rule), pathAlerts, a.Raised)
	}
	f.Total = len(f.Rows)
	f.State, f.Figure = control.Kept, "none waits"
	switch {
	case late > 0:
		f.State, f.Figure = control.Broken, few(late)+" waiting too long"
		f.Todo = "Open them and say what came of each."
	case waiting > 0:
		f.Figure = few(waiting) + " waiting, none too long"
	}
	return f, nil
}

// checkBases asks for the lawful basis of each kind of monitoring that is
// done. It rests on somebody's word.
func (r *Room) checkBases(ctx context.Context, now time.Time, _ *setting.Values) (control.Finding, error) {
	f := control.Finding{
		Source: control.Attested, By: "the record of lawful bases", Owner: string(people.Headteacher),
		Rule: "each kind of monitoring that is done has a basis, looked at within a year",
	}
	doing, err := r.activities(ctx)
	if err != nil {
		return f, err
	}
	have, err := r.bases(ctx)
	if err != nil {
		return f, err
	}
	zone, err := r.zone(ctx)
	if err != nil {
		return f, err
	}
	today := people.DayOf(now.In(zone))
	wrong := 0
	for _, a := range doing {
		b, ok := have[a]
		row := control.Row{What: sentence(titleOf(Activities, a)) + ": " + titleOf(Bases, b.Basis), State: control.Kept, Link: pathBases}
		switch {
		case !ok:
			row.What, row.State = sentence(titleOf(Activities, a))+": no basis is recorded", control.Broken
		case b.Basis == "not-done":
			row.What, row.State = sentence(titleOf(Activities, a))+": the record says that it is not done, and it is", control.Broken
		case b.Next < today:
			row.What, row.State = row.What+"; it was to be looked at again by "+b.Next.Words(), control.Broken
		}
		if row.State == control.Broken {
			wrong++
		} else if f.At.IsZero() || b.On.Time(zone).Before(f.At) {
			f.By = "the word of " + b.Reviewer
		}
		f.Rows = append(f.Rows, row)
	}
	f.Total = len(doing)
	switch {
	case len(doing) == 0:
		f.State, f.Figure = control.Unknown, "nothing is monitored yet"
	case wrong > 0:
		f.State, f.Figure = control.Broken, fmt.Sprintf("%d of %s without a basis looked at in time", wrong, words.Count(len(doing), "kind of monitoring", "kinds of monitoring"))
		f.Todo = "The head or the data manager enters it on the page of lawful bases."
	default:
		f.State, f.Figure = control.Kept, "all "+words.Count(len(doing), "kind of monitoring", "kinds of monitoring")
	}
	return f, nil
}
