package concerns

import (
	"context"
	"fmt"
	"time"

	"belisha/internal/kit/control"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/trend"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

// lookBack is how far back the controls look.
const lookBack = 365 * oneDay

// Controls is what must be true of how concerns are handled. They name no
// case by more than its number, and nobody.
func (r *Room) Controls() []control.Control {
	c := func(number, slug, title string, reqs, settings []string, check func(context.Context, time.Time) (control.Finding, error)) control.Control {
		return control.Control{
			Number: number, Slug: slug, Title: title, Requirements: reqs, Settings: settings, MaxAge: 25 * time.Hour,
			Check: func(ctx context.Context, now time.Time, _ *setting.Values) (control.Finding, error) {
				if why := r.Closed(ctx); len(why) > 0 {
					return control.Finding{
						State: control.Unknown, Figure: "no concern can be kept here yet: " + why[0], Rule: title,
						Source: control.Measured, By: "the case log", At: now, Owner: string(people.Headteacher), Todo: "Put right what is missing.",
					}, nil
				}
				f, err := check(ctx, now)
				f.At, f.Source, f.By = now, control.Measured, "the case log"
				return f, err
			},
		}
	}
	return []control.Control{
		c("C22", "incidents-triaged", "Incidents are looked at in time.", []string{"INC-01", "INC-18"},
			[]string{keyTargetUrgent, keyTargetHigh, keyTargetNormal}, r.triagedInTime),
		c("C23", "parents-told", "Parents were told of their child's incident, or the reason why not is recorded.", []string{"INC-16"}, []string{keyParents}, r.parentsTold),
		c("C24", "deliberate-access-investigated", "The head investigates deliberate access before it is decided.", []string{"INC-08"}, nil, r.investigated),
		c("C25", "referral-decided", "What may be illegal was referred, or the reason why not is recorded.", []string{"INC-14", "INC-15"}, []string{keyReferral}, r.referred),
		c("C26", "sanctions-applied", "Sanctions are in force for as long as they were given, and no longer.", []string{"INC-09", "INC-10"}, []string{keySanctions}, r.sanctionsApplied),
		c("C28", "trends-read", "The report on trends was read.", []string{"INC-02", "INC-21"}, []string{keyTrends}, r.trendsRead),
		c("C29", "routes-have-receivers", "Every kind of report has somebody to receive it.", []string{"INC-05", "INC-23", "CMP-01", "CMP-02"},
			[]string{keyBehaviour, keySecurity}, r.routesLive),
	}
}

// score is how many of some cases were in time.
type score struct{ all, good, double, waiting int }

func scoreOf(list []timing, now time.Time) score {
	var s score
	for _, t := range list {
		end := t.First
		if end.IsZero() {
			if !now.After(t.Due) {
				s.waiting++ // its time is not over
				continue
			}
			end = now
		}
		s.all++
		if !end.After(t.Due) {
			s.good++
		}
		if end.Sub(t.Clock) > 2*t.Due.Sub(t.Clock) {
			s.double++
		}
	}
	return s
}

// finding says a score: 95 of 100 in time and none beyond double its time is
// kept.
func (s score) finding(what, owner, todo string) control.Finding {
	f := control.Finding{
		State: control.Kept, Owner: owner, Rule: "95 % within their time, and none beyond double its time",
		Figure: fmt.Sprintf("%s in time, of %s in the last year; %s beyond double the time", words.Percent(s.good, s.all), words.Count(s.all, what, what+"s"), few(s.double)),
	}
	if s.all > 0 && s.all <= trend.Hidden {
		f.Figure = "all in time, of " + few(s.all) + " " + what + "s in the last year"
		if s.good < s.all {
			f.Figure = "not all in time, of " + few(s.all) + " " + what + "s in the last year"
		}
	}
	switch {
	case s.all == 0:
		f.State, f.Figure = control.Unknown, "nothing to measure: none in the last year"
	case s.double > 0 || s.good*100 < s.all*95:
		f.State, f.Todo = control.Broken, todo
	case s.good < s.all:
		f.State = control.AtRisk
	}
	if s.waiting > 0 {
		f.Figure += fmt.Sprintf("; %s waiting within their time", few(s.waiting))
	}
	return f
}

func (r *Room) triagedInTime(ctx context.Context, now time.Time) (control.Finding, error) {
	list, err := r.timings(ctx, now.Add(-lookBack))
	if err != nil {
		return control.Finding{}, err
	}
	return scoreOf(list, now).finding("concern", string(people.SafeguardingLead), "Open the tray: something waits beyond its time. If there are too many for one, name another deputy."), nil
}

func (r *Room) referred(ctx context.Context, now time.Time) (control.Finding, error) {
	list, err := r.referrals(ctx, now.Add(-lookBack))
	if err != nil {
		return control.Finding{}, err
	}
	f := scoreOf(list, now).finding("case", string(people.SafeguardingLead), "Decide now whether police or children's social care are told, and write it down, with the reason if not.")
	f.Rule = "decided within " + words.Length(r.values().Duration(keyReferral)) + ", 95 %, and none beyond double the time"
	return f, nil
}

// few is a count of cases as everybody may read it who may read evidence:
// governors and whoever looks after the network among them. One to four could
// tell of a child.
func few(n int) string {
	if n > 0 && n <= trend.Hidden {
		return "under 5"
	}
	return words.Number(n)
}

// every says whether each of some closed cases has what it must have.
func every(list []string, have map[string]bool, what, none, todo, owner string) control.Finding {
	f := control.Finding{State: control.Kept, Rule: what, Owner: owner}
	lacking := 0
	for _, id := range list {
		if !have[id] {
			lacking++
		}
	}
	f.Figure = "all of " + few(len(list)) + " closed cases have it"
	if lacking > 0 {
		// No row for each: its address would tell everybody who reads evidence
		// that there is a case, and from when.
		f.Rows = []control.Row{{What: "Closed cases that lack it: " + few(lacking), State: control.Broken, Link: "/concerns?state=closed"}}
		f.Total = len(f.Rows)
		f.Figure = few(lacking) + " of " + few(len(list)) + " closed cases lack it"
	}
	switch {
	case len(list) == 0:
		f.State, f.Figure = control.Unknown, none
	case lacking > 0:
		f.State, f.Todo = control.Broken, todo
	}
	return f
}

func (r *Room) parentsTold(ctx context.Context, now time.Time) (control.Finding, error) {
	since := now.Add(-lookBack)
	list, err := r.pupilCasesClosed(ctx, since)
	if err != nil {
		return control.Finding{}, err
	}
	told, err := r.actedIn(ctx, since, actParents)
	if err != nil {
		return control.Finding{}, err
	}
	return every(list, told, "each closed case of a child says that parents were told, or why not", "no case of a child was closed in the last year",
		"Open the case again, and write down whether the parents were told.", string(people.SafeguardingLead)), nil
}

func (r *Room) investigated(ctx context.Context, now time.Time) (control.Finding, error) {
	since := now.Add(-lookBack)
	var kinds []string
	for _, k := range Kinds {
		if k.Deliberate {
			kinds = append(kinds, k.Value)
		}
	}
	list, err := r.closedSince(ctx, since, kinds...)
	if err != nil {
		return control.Finding{}, err
	}
	have, err := r.actedIn(ctx, since, actInvestigation)
	if err != nil {
		return control.Finding{}, err
	}
	return every(list, have, "the head has investigated each before it was closed", "nothing done on purpose was closed in the last year",
		"Open the case again and give the investigation to the head.", string(people.Headteacher)), nil
}

func (r *Room) trendsRead(ctx context.Context, now time.Time) (control.Finding, error) {
	every := r.values().Duration(keyTrends)
	f := control.Finding{State: control.Kept, Rule: "the head and the safeguarding lead each opened them within " + words.Length(every), Owner: string(people.SafeguardingLead)}
	last, err := r.lastReported(ctx)
	if err != nil {
		return f, err
	}
	if last.IsZero() {
		f.State, f.Figure = control.Unknown, "there is nothing to read yet"
		return f, nil
	}
	var late []string
	for _, p := range []people.Post{people.Headteacher, people.SafeguardingLead} {
		got, err := r.lastReceipt(ctx, receiptTrends, string(p))
		if err != nil {
			return f, err
		}
		if got.At.IsZero() || now.Sub(got.At) > every {
			late = append(late, p.Title())
		}
	}
	f.Figure = "read by both in time"
	if len(late) > 0 {
		f.State, f.Figure, f.Todo = control.Broken, "not read in time by: "+words.And(late), "Open Concerns, Trends."
	}
	return f, nil
}

// routesLive: every route has somebody who receives it, and somebody on the
// next step who is not the same person, for when it is about them.
func (r *Room) routesLive(ctx context.Context, _ time.Time) (control.Finding, error) {
	f := control.Finding{State: control.Kept, Rule: "every way has somebody who receives it, and somebody else if it is about them", Owner: string(people.Headteacher)}
	lacking := 0
	for _, x := range Routes {
		first, rest, err := r.ladder(ctx, x.Route)
		if err != nil {
			return f, err
		}
		switch {
		case first == 0:
			lacking++
			f.Rows = append(f.Rows, control.Row{What: x.Title + ": nobody holds the post it goes to", State: control.Broken, Link: "/posts"})
		case rest == 0:
			lacking++
			f.Rows = append(f.Rows, control.Row{What: x.Title + ": nobody else receives it if it is about them", State: control.Broken, Link: "/posts"})
		default:
			f.Rows = append(f.Rows, control.Row{What: x.Title, State: control.Kept})
		}
	}
	f.Total = len(f.Rows)
	f.Figure = fmt.Sprintf("%d of %d ways have a receiver and somebody else besides", len(Routes)-lacking, len(Routes))
	if lacking > 0 {
		f.State, f.Todo = control.Broken, "Fill the posts: who is named there receives what is reported."
	}
	return f, nil
}

// ladder counts who receives a route at its own step, and how many others
// there are, there or further up.
func (r *Room) ladder(ctx context.Context, route Route) (first, others int, err error) {
	seen := map[people.ID]bool{}
	for i, posts := range r.chain(route) {
		who, err := r.holders(ctx, posts)
		if err != nil {
			return 0, 0, err
		}
		if i == 0 {
			first = len(who)
		}
		for _, o := range who {
			seen[o.Person.ID] = true
		}
	}
	return first, len(seen) - 1, nil
}
