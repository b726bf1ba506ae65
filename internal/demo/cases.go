package demo

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"belisha/internal/school/concerns"
	"belisha/internal/school/people"
)

// caseRun is one concern as it goes through the school's hands.
type caseRun struct {
	f    *filling
	add  adder
	lead string // who of the cast goes on with it
	id   string // "" until it is reported, or where that lay before the story
}

// step has somebody open the case and do something in it.
func (c *caseRun) step(ago, minute int, part string, do func(ctx context.Context, w *concerns.Whole) error) {
	c.add(ago, minute, part, func(ctx context.Context) error {
		if c.id == "" {
			return nil
		}
		w, err := c.f.h.Concerns.Open(ctx, c.id)
		if err != nil {
			return fmt.Errorf("opening a concern: %w", err)
		}
		return do(ctx, w)
	})
}

// report has a member of staff write the concern down.
func (c *caseRun) report(ago, minute int, by people.ID, in concerns.Report) {
	c.add(ago, minute, "", func(ctx context.Context) error {
		who, err := c.f.asPerson(ctx, by)
		if err != nil {
			return err
		}
		in.Form = fmt.Sprintf("story-%d-%d", ago, minute)
		got, err := c.f.h.Concerns.Report(who, in)
		if err != nil {
			return fmt.Errorf("reporting a concern (%s): %w", in.Kind, err)
		}
		c.id = got.ID
		return nil
	})
}

// triage decides how urgent it is, and leaves the rest as it came.
func (c *caseRun) triage(ago, minute, risk int, note string) {
	c.step(ago, minute, c.lead, func(ctx context.Context, w *concerns.Whole) error {
		_, err := c.f.h.Concerns.Triage(ctx, c.id, w.Version, concerns.Triage{
			Kind: w.Kind, Also: w.Also, Risk: risk, Route: w.Route, Owner: c.f.cast[c.lead], Note: note,
		})
		return err
	})
}

func (c *caseRun) act(ago, minute int, in concerns.Doing) {
	c.step(ago, minute, c.lead, func(ctx context.Context, w *concerns.Whole) error {
		return c.f.h.Concerns.Act(ctx, c.id, w.Version, in)
	})
}

func (c *caseRun) spoke(ago, minute int, said string) {
	c.act(ago, minute, concerns.Doing{Kind: "spoke", What: said, Done: true})
}

// parents records who at home was told; with "- " before it, why nobody was.
func (c *caseRun) parents(ago, minute int, home string) {
	in := concerns.Doing{Kind: "parents", Decision: "yes", Who: home}
	if why, no := strings.CutPrefix(home, "- "); no {
		in = concerns.Doing{Kind: "parents", Decision: "no", Reason: why}
	}
	c.act(ago, minute, in)
}

// investigated is the head's look at what was done on purpose.
func (c *caseRun) investigated(ago, minute int, found string) {
	c.act(ago, minute, concerns.Doing{Kind: "investigation", What: "What was tried, by whom, and why."})
	c.step(ago-1, 11*60, "head", func(ctx context.Context, w *concerns.Whole) error {
		for _, a := range w.Actions {
			if a.Kind == "investigation" && a.State == concerns.Planned {
				return c.f.h.Concerns.Finish(ctx, a.ID, a.Version, concerns.Done, found)
			}
		}
		return errors.New("no investigation waits for the head")
	})
}

func (c *caseRun) note(ago, minute int, part, text string) {
	c.step(ago, minute, part, func(ctx context.Context, w *concerns.Whole) error {
		return c.f.h.Concerns.Note(ctx, c.id, w.Version, text)
	})
}

func (c *caseRun) reply(ago, minute int, text string) {
	c.step(ago, minute, c.lead, func(ctx context.Context, w *concerns.Whole) error {
		return c.f.h.Concerns.Reply(ctx, c.id, w.Version, text)
	})
}

func (c *caseRun) close(ago, minute int, outcome, text, policy string) {
	c.step(ago, minute, c.lead, func(ctx context.Context, w *concerns.Whole) error {
		return c.f.h.Concerns.Close(ctx, c.id, w.Version, concerns.Ending{Outcome: outcome, Text: text, Policy: policy})
	})
}

// cases are the concerns of the story.
func (f *filling) cases(add adder) {
	list := tolds()
	const from, until = 67, 7
	for i, t := range list {
		f.ordinary(add, i, from-i*(from-until)/len(list), t)
	}
	f.special(add)
	f.pending(add)
	add(21, 15*60+52, "dsl", func(ctx context.Context) error { return f.h.Concerns.ReadTrends(ctx) })
	add(20, 15*60+52, "head", func(ctx context.Context) error { return f.h.Concerns.ReadTrends(ctx) })
}

// outcomeOf is how ordinary concerns end.
func outcomeOf(kind string, i int) string {
	switch kind {
	case "harmful-content", "advertising":
		return "accidental"
	case "self-harm":
		return "referred"
	}
	if i%7 == 5 {
		return "watch"
	}
	return "resolved"
}

// ordinary takes a concern from the report to its end within a week.
func (f *filling) ordinary(add adder, i, ago int, t told) {
	kind, _ := concerns.KindOf(t.kind)
	minute := 8*60 + 50 + i*37%300
	c := &caseRun{f: f, add: add, lead: "dsl"}
	if i%4 == 3 {
		c.lead = "ddsl"
	}
	in := concerns.Report{Kind: t.kind, Account: t.text, Place: t.place, Done: t.done}
	if t.kind == "bullying" {
		in.Also = []string{"bullying"}
	}
	for n := range 1 + i%5/4 {
		role := "harmed"
		if kind.Deliberate || t.kind == "gambling" {
			role = "harmer"
		}
		in.People = append(in.People, concerns.Mentioned{Who: f.choose(t.years, 7*i+3*n).username, Role: role})
	}
	c.report(ago, minute, f.colleague(i), in)
	c.triage(ago, minute+11+i%25, kind.Risk, "")
	if kind.Police {
		c.act(ago, minute+38, concerns.Doing{
			Kind: "police", Decision: "no", Reason: "Nothing was asked for and nobody met. We asked the police's schools officer, who advises to block and report.",
		})
	}
	c.spoke(ago, 14*60+35+i%40, t.spoke)
	c.parents(ago-1, 9*60+30+i%50, t.home)
	if kind.Deliberate {
		c.investigated(ago-1, 10*60+25, "Spoke with everybody concerned. Done out of curiosity; the rule was explained and is understood.")
	}
	if i%3 == 0 {
		c.reply(ago-1, 15*60+5, "Thank you for writing this down. We have spoken with the pupil and with home; you need do nothing more.")
	}
	policy := ""
	if i%14 == 6 {
		policy = "Say in the rules for pupils, too, what sharing an account is."
	}
	c.close(ago-4, 15*60+12+i%30, outcomeOf(t.kind, i), t.end, policy)
}

// raised is the concern that a signal becomes, in one step from it.
func (f *filling) raised(ctx context.Context, signal string) error {
	got, err := f.h.Concerns.Report(ctx, concerns.Report{
		Form: "story-signal", Kind: "self-harm", Ref: "signal:" + signal,
		Account: "Was looking for words for how a friend feels, as they said when asked. Talked for half an hour; both friends know where to go.",
	})
	if err != nil {
		return fmt.Errorf("a concern from a signal: %w", err)
	}
	w, err := f.h.Concerns.Open(ctx, got.ID)
	if err != nil {
		return err
	}
	return f.h.Concerns.Act(ctx, got.ID, w.Version, concerns.Doing{Kind: "spoke", What: "Both friends, together and apart.", Done: true})
}

// manyConcerns are a day's part of the concerns of a large school, on which
// pages are timed: short, and most of them closed.
func (f *filling) manyConcerns(ctx context.Context, d people.Day, ago int) error {
	if f.size.Concerns == 0 {
		return nil
	}
	who, err := f.asPerson(ctx, f.colleague(ago))
	if err != nil {
		return err
	}
	lead, err := f.as(ctx, "dsl")
	if err != nil {
		return err
	}
	for n := range f.size.Concerns / len(f.days) {
		k := concerns.Kinds[(n+ago)%len(concerns.Kinds)]
		if k.Route != concerns.ChildProtection && k.Route != concerns.Behaviour || k.Risk > 2 {
			k, _ = concerns.KindOf("time-online")
		}
		got, err := f.h.Concerns.Report(who, concerns.Report{
			Form: fmt.Sprintf("many-%s-%d", d, n), Kind: k.Value, NotKnown: true, Account: "One of many, so that pages can be timed.",
		})
		if err != nil {
			return fmt.Errorf("one of many concerns: %w", err)
		}
		if n%10 == 0 || k.Police || k.Deliberate {
			continue
		}
		if err := f.h.Concerns.Close(lead, got.ID, 1, concerns.Ending{Outcome: "resolved", Text: "Seen, and done with."}); err != nil {
			return fmt.Errorf("closing one of many concerns: %w", err)
		}
	}
	return nil
}
