package house

import (
	"context"
	"fmt"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/approval"
	"belisha/internal/kit/control"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/trend"
	"belisha/internal/kit/web"
	"belisha/internal/school/people"
	"belisha/internal/school/policies"
	"belisha/internal/school/policies/watch"
	"belisha/internal/school/review"
)

// openReview opens the room where everything comes together. What it asks of
// rooms that open later it asks when a page is made.
func (h *House) openReview() (err error) {
	h.Review, err = review.New(review.Deps{
		DB: h.db, Journal: h.journal, Clock: h.cfg.Clock, Live: h.live, Days: schoolDays{h.People}, Notices: h.Notices,
		Waiting:  func() []review.Source { return h.trays },
		Promises: func(ctx context.Context) (review.Promises, error) { return h.promises.get(ctx, h) },
		Health:   h.Health, Names: h.actorName, Private: privateLines, Facts: schoolFacts{h},
	})
	if err == nil {
		h.join(h.Review)
	}
	return err
}

// waiting is what every tray is gathered from: each room that has something to
// say, by the name that pages give it.
func (h *House) waiting() []review.Source {
	var out []review.Source
	for _, r := range joined[waited](h) {
		name := "another part of Belisha"
		if s, ok := r.(sectioned); ok {
			name = strings.ToLower(s.Section().Title)
		}
		out = append(out, review.Source{Name: name, Waiting: r.Waiting})
	}
	return out
}

// schoolFacts is what reports are made of.
type schoolFacts struct{ h *House }

// Standing is how each promise of the policy stood at a moment.
func (f schoolFacts) Standing(ctx context.Context, at time.Time) (review.Standing, error) {
	st, err := f.h.Policies.Status(ctx)
	if !at.IsZero() {
		st, err = f.h.Policies.StatusOn(ctx, at)
	}
	out := review.Standing{At: st.At}
	if err != nil || st.Policy == nil {
		return out, err
	}
	out.Title, out.Version, out.Approved = st.Policy.Title, st.Policy.Version, st.Policy.Approved
	begun := map[string]time.Time{}
	for _, c := range st.Clauses {
		p := review.Promise{ID: c.ID, Area: c.Heading, Text: c.Text, State: c.State}
		if w := worst(c); w.Slug != "" && c.State != control.Kept {
			p.Figure, p.Todo, p.Owner, p.Slug = w.Figure, w.Todo, strings.ToLower(people.Post(w.Owner).Title()), w.Slug
			if p.Since, err = f.begun(ctx, begun, w.Slug, at); err != nil {
				return out, err
			}
		}
		out.Promises = append(out.Promises, p)
	}
	return out, nil
}

// worst is the control that a clause's state comes from.
func worst(c policies.ClauseState) policies.ControlState {
	for _, k := range c.Controls {
		if k.State == c.State {
			return k
		}
	}
	return policies.ControlState{}
}

// begun is when a control was first found as it is, by the journal.
func (f schoolFacts) begun(ctx context.Context, known map[string]time.Time, slug string, at time.Time) (time.Time, error) {
	if t, ok := known[slug]; ok {
		return t, nil
	}
	lines, err := f.h.journal.List(ctx, journal.Filter{Kind: "control", ID: slug, Verbs: []journal.Verb{watch.Turned}, To: at, Limit: 1})
	if err != nil {
		return time.Time{}, fmt.Errorf("reading since when a promise stands so: %w", err)
	}
	if len(lines) > 0 {
		known[slug] = lines[0].At
	}
	return known[slug], nil
}

// School is what the rooms know besides.
func (f schoolFacts) School(ctx context.Context, now time.Time) (review.School, error) {
	out := review.School{Name: f.h.schoolName(ctx)}
	cal, err := f.h.People.Calendar(ctx, people.MainSite)
	if err != nil {
		return out, err
	}
	out.Term, out.Before = terms(cal, now)
	if out.Statements, err = f.statements(ctx); err != nil {
		return out, err
	}
	if out.Waits, err = f.waits(ctx); err != nil {
		return out, err
	}
	if out.Posts, err = f.posts(ctx, now); err != nil {
		return out, err
	}
	if out.Turns, err = f.turns(ctx, now); err != nil {
		return out, err
	}
	hours, err := f.h.Notices.Hold(ctx)
	for _, a := range hours {
		if who := f.h.named(ctx, []string{a.Person}); len(who) > 0 {
			out.Looks = append(out.Looks, who[0]+", "+a.Words())
		}
	}
	return out, err
}

// withoutTerms is how long a term is taken to be where none is entered.
const withoutTerms = 91 * 24 * time.Hour

// terms are the term of a moment, or the last one begun, and the one before.
func terms(cal *people.Calendar, now time.Time) (this, before review.Span) {
	loc := cal.Location()
	for _, t := range cal.Terms { // sorted
		if t.From.Time(loc).After(now) {
			break
		}
		before = this
		this = review.Span{Name: t.Name, From: t.From.Time(loc), Until: t.Until.End(loc)}
	}
	if this.From.IsZero() {
		this = review.Span{Name: "The last 13 weeks", From: now.Add(-withoutTerms), Until: now}
		before = review.Span{Name: "the 13 weeks before", From: now.Add(-2 * withoutTerms), Until: this.From}
	}
	return this, before
}

// statements are the sentences that every report must carry while they are
// true.
func (f schoolFacts) statements(ctx context.Context) ([]string, error) {
	out, err := f.h.Filtering.LicensedSays(ctx)
	if err != nil {
		return nil, err
	}
	for _, b := range f.h.Filtering.Banners(ctx) {
		out = append(out, b.Title+": "+lowerFirst(b.Words))
	}
	for _, r := range joined[interface {
		Trying(ctx context.Context) (map[string]time.Time, error)
	}](f.h) {
		groups, err := r.Trying(ctx)
		if err != nil {
			return nil, err
		}
		for g, until := range groups {
			out = append(out, "The rules for "+g+" are on trial until "+until.In(f.h.zone()).Format("2 January 2006")+": nothing is closed for them.")
		}
	}
	since, on, err := f.h.Monitoring.RecordingSince(ctx)
	if err != nil {
		return nil, err
	}
	if on {
		out = append(out, "Names are recorded since "+since.In(f.h.zone()).Format("2 January 2006")+"; before that, decisions were counted only.")
	} else {
		out = append(out, "No names are recorded: decisions are counted only, until the head teacher has confirmed the impact assessment and the notice.")
	}
	return append(out,
		"What a site is called is seen, and not the pages on it: encrypted traffic is not opened, except for sites that are closed.",
		"What happens off the school's network is not seen.",
		"These pages say what the school promised and what was measured. They are no inspection's finding."), nil
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// waits is how much waits for the safeguarding lead, and since when: what
// their tray would show, counted.
func (f schoolFacts) waits(ctx context.Context) ([]review.Wait, error) {
	posts := []people.Post{people.SafeguardingLead}
	lead := actor.New(actor.Actor{
		ID: "system:report", Kind: actor.System, Audience: people.Staff, Posts: []string{string(people.SafeguardingLead)},
	}, f.h.Access.Table().May(people.Staff, posts)...)
	var items []web.Item
	for _, r := range joined[waited](f.h) {
		s, ok := r.(sectioned)
		if !ok || !safeguarding[s.Section().Name] {
			continue
		}
		more, err := r.Waiting(ctx, lead)
		if err != nil {
			return nil, err
		}
		items = append(items, more...)
	}
	urgent, other := review.Wait{Title: "Urgent and not yet looked at", Pupils: true}, review.Wait{Title: "Looked at and not yet settled, and all else", Pupils: true}
	for _, i := range items {
		w := &other
		if i.Risk >= 3 {
			w = &urgent
		}
		w.Count++
		if w.Oldest.IsZero() || i.Since.Before(w.Oldest) {
			w.Oldest = i.Since
		}
	}
	return []review.Wait{urgent, other}, nil
}

// safeguarding are the rooms whose lines in the safeguarding lead's tray are
// about children.
var safeguarding = map[string]bool{"monitoring": true, "concerns": true}

// posts are the posts that must be filled, and those that are.
func (f schoolFacts) posts(ctx context.Context, now time.Time) ([]review.Filled, error) {
	needed := f.h.live.Current().Items(people.KeyRequired, setting.Scope{})
	var out []review.Filled
	for _, p := range people.Posts {
		holders, err := f.h.People.HoldersAt(ctx, p.Post, now)
		if err != nil {
			return nil, err
		}
		line := review.Filled{Post: p.Title}
		for _, n := range needed {
			line.Needed = line.Needed || n == string(p.Post)
		}
		var held, deputies []string
		for _, o := range holders {
			if o.Holder.Deputy {
				deputies = append(deputies, o.Person.Name())
			} else {
				held = append(held, o.Person.Name())
			}
		}
		line.Holder, line.Deputies = strings.Join(held, ", "), strings.Join(deputies, ", ")
		if line.Needed || len(holders) > 0 {
			out = append(out, line)
		}
	}
	return out, nil
}

// mostTurns bounds how many changes of posts are told.
const mostTurns = 30

// turns are the posts given and lost since the month began.
func (f schoolFacts) turns(ctx context.Context, now time.Time) ([]review.Turn, error) {
	l := now.In(f.h.zone())
	month := time.Date(l.Year(), l.Month(), 1, 0, 0, 0, 0, f.h.zone())
	lines, err := f.h.journal.List(ctx, journal.Filter{Verbs: []journal.Verb{people.VerbAppointed, people.VerbEnded}, From: month, Limit: mostTurns})
	if err != nil {
		return nil, fmt.Errorf("reading who was given or lost a post: %w", err)
	}
	var out []review.Turn
	for _, line := range lines {
		held, err := f.h.People.HolderByID(ctx, line.ID)
		if err != nil {
			continue // a line about a post that is no longer there
		}
		t := review.Turn{At: line.At, Post: held.Post.Title(), Name: strings.Join(f.h.named(ctx, []string{string(held.Person)}), ""), Says: "was given it"}
		if line.Verb == people.VerbEnded {
			t.Says = "has it no longer"
		}
		out = append(out, t)
	}
	return out, nil
}

// Trends is what became more and what less, of all rooms.
func (f schoolFacts) Trends(ctx context.Context, from, to time.Time) ([]trend.Trend, error) {
	return f.h.trends(ctx, from, to)
}

// Posts are the holders of a post now.
func (f schoolFacts) Posts(ctx context.Context, post string) ([]string, error) {
	return postHolders{f.h.People}.Holders(ctx, post, f.h.cfg.Clock.Now())
}

// policyApprovals are the approvals of policies, which that room keeps itself.
func (h *House) policyApprovals(ctx context.Context, since time.Time) ([]approval.Decided, error) {
	if h.Policies == nil {
		return nil, nil
	}
	versions, err := h.Policies.Versions(ctx)
	if err != nil {
		return nil, err
	}
	var out []approval.Decided
	for _, v := range versions {
		given, err := h.Policies.Approvals(ctx, v.ID)
		if err != nil {
			return nil, err
		}
		for _, g := range given {
			if g.On.Before(since) {
				continue
			}
			d := approval.Decided{
				What: "Policy, version " + v.Number + ", as " + g.Role, Asker: v.ProposedBy, By: g.By,
				Posts: policies.PostsFor(g.Role), At: g.On, Paper: g.Paper,
			}
			if g.Paper {
				d.By = "" // whoever entered it did not decide
			}
			out = append(out, d)
		}
	}
	return out, nil
}
