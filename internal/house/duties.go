package house

import (
	"context"
	"slices"
	"time"

	"belisha/internal/kit/duty"
	"belisha/internal/kit/setting"
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
	h.duties, err = duty.New(duty.Deps{DB: h.db, Journal: h.journal, Clock: h.cfg.Clock, Days: schoolDays{h.People}, Sources: sources})
	return err
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
