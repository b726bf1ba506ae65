package setup

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/school/people"
)

// Step is a page of the set-up that another room brings. House plugs it in.
type Step struct {
	Slug, Title string
	// Asked reports whether it is asked at all; nil: always.
	Asked func(ctx context.Context) (bool, error)
	View  func(ctx context.Context) (StepView, error)
	// Save takes the answer; nil where there is only something to see.
	Save func(ctx context.Context, form url.Values) error
}

// StepView is what a step shows.
type StepView struct {
	Intro  []string
	Note   web.Panel
	Fields []web.Field
	Facts  web.Summary
	Table  web.Table
	Files  []web.Download
	Button string
}

// File is a file that the set-up gives for devices.
type File struct {
	Name, Type string
	Body       []byte
}

// page is one page of the set-up in its order.
type page struct {
	Slug, Title string
	Done        bool
}

// Path is the page's address.
func (p page) Path() string { return "/set-up/" + p.Slug }

// The room's own pages, by the place they have among the others: before those
// of other rooms that need the name, and around the policy.
var (
	ownFirst = []page{{Slug: "school", Title: "Your school"}}
	ownLater = []page{
		{Slug: "head", Title: "The head teacher's account"},
		{Slug: "roll", Title: "Your people, from the office's system"},
		{Slug: "people", Title: "Who does what"},
		{Slug: "calendar", Title: "The school's calendar"},
		{Slug: "unlisted", Title: "Sites that stand on no list"},
		{Slug: "policy", Title: "Choose a policy to begin with"},
	}
	ownLast = page{Slug: "finish", Title: "Ready"}
)

// afterPolicy are the other rooms' pages that come after the policy: they show
// what is in force by then.
var afterPolicy = []string{"platforms", "first-device", "way-out"}

// plan is the set-up's pages as they are asked now.
func (r *Room) plan(ctx context.Context) ([]page, error) {
	done, err := r.stepsDone(ctx)
	if err != nil {
		return nil, err
	}
	out := slices.Clone(ownFirst)
	var last []page
	for _, s := range r.d.Steps {
		if s.Asked != nil {
			asked, err := s.Asked(ctx)
			if err != nil {
				return nil, err
			}
			if !asked {
				continue
			}
		}
		p := page{Slug: s.Slug, Title: s.Title}
		if slices.Contains(afterPolicy, s.Slug) {
			last = append(last, p)
		} else {
			out = append(out, p)
		}
	}
	out = append(append(append(out, ownLater...), last...), ownLast)
	for i := range out {
		out[i].Done = done[out[i].Slug]
	}
	return out, nil
}

// next is the page after one, and place its number.
func next(plan []page, slug string) (after page, place int) {
	i := slices.IndexFunc(plan, func(p page) bool { return p.Slug == slug })
	if i < 0 || i == len(plan)-1 {
		return ownLast, len(plan)
	}
	return plan[i+1], i + 1
}

// step finds another room's page.
func (r *Room) step(slug string) (Step, bool) {
	i := slices.IndexFunc(r.d.Steps, func(s Step) bool { return s.Slug == slug })
	if i < 0 {
		return Step{}, false
	}
	return r.d.Steps[i], true
}

// SetCalendar takes the calendar as it was typed: terms that overlap, and
// whatever else is wrong, is said by part and line.
func (r *Room) SetCalendar(ctx context.Context, t people.CalendarText, version int64) error {
	cal, err := r.d.People.Calendar(ctx, people.MainSite)
	if err != nil {
		return err
	}
	have := cal.Text()
	t.Name, t.Zone, t.Lessons = have.Name, have.Zone, have.Lessons
	parsed, err := t.Parse(people.Calendar{Site: people.MainSite, Version: version})
	if err != nil {
		return err
	}
	return r.d.People.SetCalendar(ctx, parsed)
}

// The choices for sites that stand on no list.
const (
	UnlistedOpen     = "open"
	UnlistedYoungest = "youngest"
	UnlistedAll      = "previewed"
)

// SetUnlisted notes what the policy shall say of sites that stand on no list.
func (r *Room) SetUnlisted(ctx context.Context, choice string) error {
	if !slices.Contains([]string{UnlistedOpen, UnlistedYoungest, UnlistedAll}, choice) {
		return store.Invalid{"unlisted": "Choose one of the three"}
	}
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if err := r.writeUnlisted(ctx, tx, choice); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{Verb: verbUnlisted, Kind: "school", ID: "1", After: map[string]string{"unlisted": choice}})
	})
}

// existing finds a person of the roll to give an account to, by user name.
func (r *Room) existing(ctx context.Context, username string) (people.ID, bool) {
	p, err := r.d.People.ByUsername(ctx, strings.TrimSpace(username))
	return p.ID, err == nil && p.Kind == people.Staff
}
