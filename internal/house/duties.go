package house

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/duty"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/school/access"
	"belisha/internal/school/people"
)

// schoolDays counts school days by the main site's calendar.
type schoolDays struct{ r *people.Room }

func (s schoolDays) AddSchoolDays(t time.Time, n int) time.Time {
	cal, err := s.r.Calendar(context.Background(), people.MainSite)
	if err != nil {
		cal = people.DefaultCalendar(people.MainSite)
	}
	return cal.AddSchoolDays(t, n)
}

// openDuties opens the book of what somebody must do, as far as no single
// room can tell it.
func (h *House) openDuties() (err error) {
	sources := []duty.Source{
		{Name: "filter-managers", Owed: h.owedManagers},
		{Name: "safeguarding-posts", Owed: h.owedPosts},
	}
	for _, r := range joined[owing](h) {
		sources = append(sources, r.Duties()...)
	}
	h.duties, err = duty.New(duty.Deps{
		DB: h.db, Journal: h.journal, Clock: h.cfg.Clock, Days: schoolDays{h.People}, Sources: sources,
		People: taskPeople{h}, School: h.folder.Meta.School, Notices: h.Notices, Holds: owedHolds,
		Title: func(post string) string { return strings.ToLower(people.Post(post).Title()) },
	})
	if err == nil {
		h.join(h.duties)
	}
	return err
}

// owedHolds is how long a page may say what was owed, where nothing was written
// since: what becomes late does so by the day.
const owedHolds = 20 * time.Second

// Duties is what people of the school owe.
func (h *House) Duties() *duty.Book { return h.duties }

// taskGrants say who has tasks at all: whoever may hold a post.
func taskGrants() []access.Grant {
	var out []access.Grant
	for _, k := range []people.Kind{people.Staff, people.Governor, people.Contractor} {
		out = append(out, access.Grant{Audience: k, May: []actor.Capability{duty.MaySee}})
	}
	return out
}

// taskPeople says who tasks may be given to, and who stands in for whom.
type taskPeople struct{ h *House }

// Staff are those who work at the school today, by name.
func (p taskPeople) Staff(ctx context.Context) ([]duty.Somebody, error) {
	var out []duty.Somebody
	err := p.h.People.Each(ctx, people.Filter{Kind: people.Staff}, func(x people.Person) error {
		out = append(out, duty.Somebody{ID: string(x.ID), Name: x.Name()})
		return nil
	})
	return out, err
}

// Deputises reports whether somebody holds a post only as a deputy, while a
// holder of their own right is here.
func (p taskPeople) Deputises(ctx context.Context, post, person string) (bool, error) {
	holders, err := p.h.People.HoldersAt(ctx, people.Post(post), p.h.cfg.Clock.Now())
	if err != nil {
		return false, err
	}
	deputy, another := false, false
	for _, o := range holders {
		switch {
		case string(o.Person.ID) != person:
			another = another || !o.Holder.Deputy
		case !o.Holder.Deputy:
			return false, nil
		default:
			deputy = true
		}
	}
	return deputy && another, nil
}

// Actor is somebody as they would be if they signed in now. Somebody whose
// account is closed cannot.
func (p taskPeople) Actor(ctx context.Context, person string) (actor.Actor, error) {
	a, err := p.h.Access.AccountOf(ctx, people.ID(person))
	if err == nil && a.Disabled {
		return actor.Actor{}, store.ErrNotFound
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return actor.Actor{}, err
	}
	return p.h.Access.ActorOf(ctx, people.ID(person))
}

// owedManagers: the head confirms who may change the filter, again when the
// list has grown old or no longer names who holds the post.
func (h *House) owedManagers(ctx context.Context, now time.Time) ([]duty.Owed, error) {
	holders, err := h.People.HoldersAt(ctx, people.FilterManager, now)
	if err != nil || len(holders) == 0 {
		return nil, err
	}
	list, err := h.Filtering.Holders(ctx)
	if err != nil {
		return nil, err
	}
	missing := slices.ContainsFunc(holders, func(o people.Office) bool { return !list.Has(o.Person.ID) })
	age := h.live.Current().Duration("filtering.change-review", setting.Scope{})
	if !missing && (age == 0 || now.Sub(list.At) < age) {
		return nil, nil
	}
	since := list.At
	for _, o := range holders {
		if missing && o.Holder.From.After(since) && !o.Holder.From.After(now) {
			since = o.Holder.From
		}
	}
	return []duty.Owed{{
		ID: "managers/" + since.UTC().Format("2006-01-02T15:04"), What: "Confirm who may change the filter", Step: "Look at the list",
		Owner: string(people.Headteacher), Since: since, Due: schoolDays{h.People}.AddSchoolDays(since, 1), Link: "/filter/managers", Risk: 1,
	}}, nil
}

// owedPosts: until a safeguarding lead and a deputy are named, what is closed
// is not watched.
func (h *House) owedPosts(ctx context.Context, now time.Time) ([]duty.Owed, error) {
	ok, _, err := h.Monitoring.Watched(ctx)
	if err != nil || ok {
		return nil, err
	}
	school, err := h.Setup.School(ctx)
	if err != nil {
		return nil, err
	}
	since := school.Done
	if since.IsZero() {
		since = now
	}
	return []duty.Owed{{
		ID: "watched/" + since.UTC().Format("2006-01-02"), What: "Name a safeguarding lead and a deputy", Step: "Name them",
		Owner: string(people.Headteacher), Since: since, Due: since, Link: "/posts", Risk: 2,
	}}, nil
}
