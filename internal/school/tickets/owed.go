package tickets

import (
	"context"
	"fmt"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/control"
	"belisha/internal/kit/duty"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/tasks"
	"belisha/internal/kit/trend"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

// mostOwed is how many reports a tray or a list of tasks names one by one.
const mostOwed = 50

// answers is who has to answer a report: its owner, or the head where nobody
// holds that post.
func (r *Room) answers(ctx context.Context, owner people.Post, now time.Time) (people.Post, error) {
	who, err := r.People.HoldersAt(ctx, owner, now)
	if err != nil {
		return owner, fmt.Errorf("asking who answers reports: %w", err)
	}
	if len(who) == 0 {
		return people.Headteacher, nil
	}
	return owner, nil
}

// Waiting is what the reader has to answer and is not late: what is late is a
// task, which goes up.
func (r *Room) Waiting(ctx context.Context, a actor.Actor) ([]web.Item, error) {
	if !a.May(MayAnswer) {
		return nil, nil
	}
	now := r.now()
	list, err := notDue(ctx, r.DB, now, 4*mostOwed)
	if err != nil {
		return nil, err
	}
	post := map[people.Post]people.Post{}
	var out []web.Item
	for _, t := range list {
		if t.State == Taken && string(t.TakenBy) != a.Person || len(out) == mostOwed {
			continue
		}
		if _, known := post[t.Owner]; !known {
			if post[t.Owner], err = r.answers(ctx, t.Owner, now); err != nil {
				return nil, err
			}
		}
		if a.Holds(string(post[t.Owner])) || t.State == Taken {
			out = append(out, web.Item{
				Key: t.ID, Title: fmt.Sprintf("Report %d about the filter", t.Number), Step: "Answer it", Link: pathDesk + "/" + t.ID,
				Risk: 1, Since: t.AskedAt, Room: "tickets",
			})
		}
	}
	return out, nil
}

// Duties are the reports whose answer is overdue.
func (r *Room) Duties() []duty.Source {
	return []duty.Source{{Name: "tickets", Owed: r.owed}}
}

func (r *Room) owed(ctx context.Context, now time.Time) ([]duty.Owed, error) {
	list, err := overdue(ctx, r.DB, now, mostOwed)
	if err != nil {
		return nil, err
	}
	var out []duty.Owed
	for _, t := range list {
		post, err := r.answers(ctx, t.Owner, now)
		if err != nil {
			return nil, err
		}
		out = append(out, duty.Owed{
			ID: fmt.Sprintf("%s/%d", t.ID, t.Reopened), What: fmt.Sprintf("Answer report %d about the filter", t.Number), Step: "Answer it",
			Owner: string(post), Since: t.AskedAt, Due: t.DueAt, Link: pathDesk + "/" + t.ID, Risk: 1,
		})
	}
	return out, nil
}

// Tasks is what happens by the clock.
func (r *Room) Tasks() []tasks.Task {
	return []tasks.Task{{Name: "tickets-retention", At: "03:20", Limit: 10 * time.Minute, Removes: true, Run: func(ctx context.Context) error {
		_, err := r.Retain(actor.With(ctx, actor.Belisha("tickets")))
		return err
	}}}
}

// Controls is what must be true of reports.
func (r *Room) Controls() []control.Control {
	return []control.Control{{
		Number: "C10", Slug: "filter-reports-answered", Title: "Reports about the filter are answered in time",
		Requirements: []string{"FIL-13", "FIL-25"}, Settings: []string{keyRoute, keyDue}, MaxAge: time.Hour, Default: true, Check: r.answeredInTime,
	}}
}

// lookedBack is how far the control looks.
const lookedBack = 30 * day

func (r *Room) answeredInTime(ctx context.Context, now time.Time, v *setting.Values) (control.Finding, error) {
	within := max(1, int(v.Duration(keyDue)/day))
	owner := people.Post(v.Choice(keyRoute))
	f := control.Finding{
		Rule:   "every report is answered within " + words.Count(within, "school day", "school days") + " by the " + owner.Title(),
		Source: control.Measured, By: "the times of the reports and their answers", At: now, Owner: string(owner), State: control.Kept,
	}
	t, err := tallySince(ctx, r.DB, now.Add(-lookedBack), now)
	if err != nil {
		return f, err
	}
	f.Figure = fmt.Sprintf("%s in 30 days, %d answered late, %d late and not answered", words.Count(t.all, "report", "reports"), t.late, t.lateOpen)
	who, err := r.People.HoldersAt(ctx, owner, now)
	if err != nil {
		return f, fmt.Errorf("asking who answers reports: %w", err)
	}
	switch {
	case t.lateOpen > 0:
		f.State, f.Todo = control.Broken, "Answer what is late; the oldest first."
	case t.late > 0:
		f.State, f.Todo = control.AtRisk, "Look why the answers came late."
	case len(who) == 0:
		f.State, f.Todo = control.AtRisk, "Name somebody who answers reports; until then they wait for the head."
		f.Figure += "; nobody holds the post that answers them"
	}
	if t.lateOpen == 0 {
		return f, nil
	}
	list, err := overdue(ctx, r.DB, now, 200)
	if err != nil {
		return f, err
	}
	for _, x := range list {
		f.Rows = append(f.Rows, control.Row{What: fmt.Sprintf("Report %d is not answered", x.Number), State: control.Broken, At: x.DueAt, Link: pathDesk + "/" + x.ID})
	}
	f.Total = t.lateOpen
	return f, nil
}

// Trends is how many reports of each kind came, by month.
func (r *Room) Trends(ctx context.Context, from, to time.Time) ([]trend.Trend, error) {
	cal, err := r.People.Calendar(ctx, people.MainSite)
	if err != nil {
		return nil, fmt.Errorf("reading the calendar: %w", err)
	}
	zone := cal.Location()
	at := map[string]int{}
	var months []trend.Point
	first := from.In(zone)
	for m := time.Date(first.Year(), first.Month(), 1, 0, 0, 0, 0, zone); m.Before(to) && len(months) < 60; m = m.AddDate(0, 1, 0) {
		at[m.Format("2006-01")] = len(months)
		months = append(months, trend.Point{Label: m.Format("January")})
	}
	by := map[Kind]*trend.Trend{}
	var out []trend.Trend
	for _, k := range Kinds() {
		by[k] = &trend.Trend{Title: "Reports about the filter: " + k.Words(), Unit: "reports", Points: append([]trend.Point(nil), months...), Pupils: true, Link: pathDesk + "?kind=" + string(k)}
	}
	err = eachSince(ctx, r.DB, from, to, func(t time.Time, k Kind) {
		if i, ok := at[t.In(zone).Format("2006-01")]; ok && by[k] != nil {
			by[k].Points[i].N++
		}
	})
	if err != nil {
		return nil, err
	}
	for _, k := range Kinds() {
		out = append(out, *by[k])
	}
	return out, nil
}
