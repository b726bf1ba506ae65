package demo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"belisha/internal/activity"
	"belisha/internal/school/concerns"
	"belisha/internal/school/monitoring"
	"belisha/internal/school/people"
)

// Days of the story of those who watch.
const (
	missedFrom = 24 // no sample was drawn in the week of this day
	judgeAfter = 2  // school days until the monitors judge a sample
	badSample  = 4  // one row of this sample was inappropriate
)

// watched is the story of those who may look: on what it rests, samples drawn
// and judged, contractors who looked for a day, and the head's look at all of
// them.
func (f *filling) watched(add adder) {
	add(namesFrom, 8*60+1, "office", f.assess)
	add(namesFrom-2, 15*60+45, "head", f.bases)
	for ago := range namesFrom - 1 {
		add(ago, 16*60+28, "", func(ctx context.Context) error { return f.judge(ctx, ago) })
	}
	for i, d := range f.days {
		ago := len(f.days) - 1 - i
		if i == 0 || d[:7] == f.days[i-1][:7] || ago >= namesFrom || ago < 25 {
			continue // the last month waits for the head
		}
		add(ago, 8*60+22, "head", func(ctx context.Context) error { return f.review(ctx, f.days[i-1]) })
	}
	f.contractors(add)
	add(35, 16*60+14, "head", f.meet)
	add(18, 8*60+35, "deputy", func(ctx context.Context) error {
		return f.h.Monitoring.ProposeList(ctx, "Somebody new is in the office from next week, and the list should be looked at.")
	})
}

// assess keeps the impact assessment of monitoring, as the school changed it.
func (f *filling) assess(ctx context.Context) error {
	list := f.h.Monitoring.Draft()
	list[0].Text += " The school council asked that this is said in assembly, and it is."
	_, err := f.h.Monitoring.SaveAssessment(ctx, list, "Governors, the staff meeting and the school council", f.cal.Day(f.c.Now()).Add(340))
	return err
}

func (f *filling) bases(ctx context.Context) error {
	today := f.cal.Day(f.c.Now())
	for _, x := range []struct{ of, basis, note string }{
		{"web", "public-task", "Keeping pupils safe online is part of what a maintained school must do."},
		{"signals", "legal-duty", "The duty to safeguard children; see the impact assessment, part 6."},
		{"samples", "public-task", "Finds what no list knows; judged before anybody is named."},
		{"alerts", "public-task", "Misuse of the school's systems is found and answered."},
		{"contractors", "public-task", "The firm that looks after the computers works for the school."},
	} {
		err := f.h.Monitoring.SaveBasis(ctx, monitoring.Basis{
			Activity: x.of, Basis: x.basis, Note: x.note, Reviewer: "The county's data protection officer", On: today.Add(-12), Next: today.Add(340),
		})
		if err != nil {
			return fmt.Errorf("the lawful basis of %s: %w", x.of, err)
		}
	}
	return nil
}

// draw lets the sample of the week be planned, or drawn when its moment has
// come. In one week the machine was off whenever it should have been.
func (f *filling) draw(ctx context.Context, d people.Day, ago int) error {
	missed := missedFrom < len(f.days) && d.Add(-d.Weekday()) == f.days[len(f.days)-1-missedFrom].Add(-f.days[len(f.days)-1-missedFrom].Weekday())
	if ago >= namesFrom || missed {
		return nil
	}
	return f.h.Monitoring.DrawDue(ctx)
}

// judge has the monitors look at the samples that were drawn some days ago.
func (f *filling) judge(ctx context.Context, ago int) error {
	due := f.cal.On(f.days[max(0, len(f.days)-1-ago-judgeAfter)], 24*60)
	var open []monitoring.Draw
	list, err := f.h.Monitoring.Samples(ctx, f.c.Now().AddDate(0, 0, -90))
	for _, d := range list {
		if !d.Complete() && d.Drawn.Before(due) {
			open = append(open, d)
		}
	}
	if err != nil || len(open) == 0 {
		return err
	}
	f.samples++
	bad := f.samples == badSample
	for _, d := range open {
		if ago < f.accountsDay() { // else nobody has an account to sign in with yet
			err = f.session(ctx, "monitor", func(ctx context.Context) error { return f.judgeRows(ctx, d.ID, bad) })
		}
		if err != nil {
			return err
		}
		who, err := f.as(ctx, "assistant")
		if err != nil {
			return err
		}
		if err := f.judgeRows(who, d.ID, false); err != nil { // the rows that were the monitor's own
			return err
		}
	}
	return nil
}

// judgeRows judges what of a sample is not judged yet. A row that was
// inappropriate becomes a concern.
func (f *filling) judgeRows(ctx context.Context, id string, bad bool) error {
	if _, err := f.h.Monitoring.GivePurpose(ctx, "standards", "The random sample of the week."); err != nil {
		return err
	}
	_, rows, _, err := f.h.Monitoring.OpenDraw(ctx, id, 0, 100)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if r.Finding != "" || r.Own {
			continue
		}
		f.pass(5 * time.Second)
		finding := monitoring.FoundFine
		switch {
		case bad && r.Seen.Action == activity.Block:
			finding, bad = monitoring.FoundInappropriate, false
		case r.Seen.Action == activity.Block:
			finding = monitoring.FoundNoConcern
		}
		if _, err := f.h.Monitoring.Judge(ctx, r.ID, finding, r.Version); err != nil {
			return fmt.Errorf("judging row %d of a sample: %w", r.Place, err)
		}
		if finding != monitoring.FoundInappropriate {
			continue
		}
		got, err := f.h.Concerns.Report(ctx, concerns.Report{
			Form: "story-sample", Kind: "deliberate-access", NotKnown: true, Ref: r.Ref(),
			Account: "A row of the random sample: a site that is closed was asked for on purpose, as it seems.",
		})
		if err != nil {
			return fmt.Errorf("a concern from a sample: %w", err)
		}
		f.sampleCase.id = got.ID
		if err := f.lookedAt(ctx, got.ID); err != nil {
			return err
		}
	}
	return nil
}

// lookedAt is the safeguarding lead's first look at the concern from a sample.
func (f *filling) lookedAt(ctx context.Context, id string) error {
	lead, err := f.as(ctx, "dsl")
	if err != nil {
		return err
	}
	f.pass(15 * time.Minute)
	w, err := f.h.Concerns.Open(lead, id)
	if err != nil {
		return err
	}
	_, err = f.h.Concerns.Triage(lead, id, w.Version, concerns.Triage{Kind: w.Kind, Risk: w.Risk, Route: w.Route, Owner: f.cast["dsl"]})
	return err
}

// review is the head's look at who looked in the month of a day.
func (f *filling) review(ctx context.Context, d people.Day) error {
	t := d.Time(f.cal.Location())
	from := time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, t.Location())
	to := from.AddDate(0, 1, 0)
	ids, _, err := f.h.Monitoring.Unreviewed(ctx, from, to)
	if err != nil || len(ids) == 0 {
		return err
	}
	slices.Sort(ids)
	sum := sha256.Sum256([]byte(strings.Join(ids, "\n")))
	return f.h.Monitoring.Sign(ctx, from, to, hex.EncodeToString(sum[:]), "Each look had its purpose, and the samples were judged. Nothing to ask.")
}

// contractors are those whom a monitor lets look for a day.
func (f *filling) contractors(add adder) {
	give := func(ago, minute int, why string, lasts time.Duration) {
		add(ago, minute, "monitor", func(ctx context.Context) error {
			now := f.c.Now()
			_, err := f.h.Monitoring.GrantSight(ctx, monitoring.Grant{
				Person: f.cast["contractor"], Purpose: "operation", Why: why, From: now, Until: now.Add(lasts),
			})
			return err
		})
	}
	give(33, 9*60+12, "Tablets of trolley 2 lose the connection in the hall.", 6*time.Hour)
	give(11, 10*60+2, "A supplier's page is slow in the office.", 4*time.Hour)
	give(0, min(8*60+52, max(0, f.minuteNow()-1)), "The library computers ask for a sign-in again and again.", 23*time.Hour)
}

// meet is the head's talk with those who watch.
func (f *filling) meet(ctx context.Context) error {
	return f.h.Monitoring.Met(ctx, monitoring.Meeting{
		Person: f.cast["dsl"], On: f.cal.Day(f.c.Now()), Note: "Sleeps well. Wants the deputy to take every other week's tray.",
	})
}
