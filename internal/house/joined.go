package house

import (
	"context"
	"fmt"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/approval"
	"belisha/internal/kit/duty"
	"belisha/internal/kit/tasks"
	"belisha/internal/kit/trend"
	"belisha/internal/kit/web"
	"belisha/internal/school/people"

	"github.com/danielgtaylor/huma/v2"
)

// A room's doorplate is what it offers, by the names of its methods:
//
//	Section() web.Section                          its pages
//	Tasks() []tasks.Task                           what it does by the clock
//	Controls() []control.Control                   what must be true
//	Waiting(ctx, actor) ([]web.Item, error)        what waits for somebody
//	Duties() []duty.Source                         what somebody must do by when
//	Trends(ctx, from, to) ([]trend.Trend, error)   what became more, what less
//	API(huma.API)                                  its part of the API
//
// It offers what it has; join puts it among the others.

// join puts open rooms on the list that everything is gathered from.
func (h *House) join(rooms ...any) { h.rooms = append(h.rooms, rooms...) }

// joined are the rooms that offer T.
func joined[T any](h *House) []T {
	var out []T
	for _, r := range h.rooms {
		if t, ok := r.(T); ok {
			out = append(out, t)
		}
	}
	return out
}

type (
	sectioned interface{ Section() web.Section }
	timed     interface{ Tasks() []tasks.Task }
	waited    interface {
		Waiting(ctx context.Context, a actor.Actor) ([]web.Item, error)
	}
	owing    interface{ Duties() []duty.Source }
	trending interface {
		Trends(ctx context.Context, from, to time.Time) ([]trend.Trend, error)
	}
	spoken interface{ API(api huma.API) }
)

// taskList is what runs by the clock.
func (h *House) taskList() []tasks.Task {
	out := h.blobs.Tasks()
	for _, r := range joined[timed](h) {
		out = append(out, r.Tasks()...)
	}
	return out
}

// trends is what became more and what less, of all rooms.
func (h *House) trends(ctx context.Context, from, to time.Time) ([]trend.Trend, error) {
	var out []trend.Trend
	for _, r := range joined[trending](h) {
		t, err := r.Trends(ctx, from, to)
		if err != nil {
			return nil, err
		}
		out = append(out, t...)
	}
	return out, nil
}

// openApprovals opens the asking and deciding that rooms share.
func (h *House) openApprovals() (err error) {
	h.Approvals, err = approval.New(approval.Deps{
		DB: h.db, Journal: h.journal, Clock: h.cfg.Clock, Posts: postHolders{h.People}, Notices: h.Notices,
		Elsewhere: h.policyApprovals,
		Title:     func(post string) string { return strings.ToLower(people.Post(post).Title()) },
	})
	return err
}

// postHolders says who holds a post, by id.
type postHolders struct{ r *people.Room }

// Holders returns the ids of the people who hold the post at a moment.
func (p postHolders) Holders(ctx context.Context, post string, at time.Time) ([]string, error) {
	who, err := p.r.HoldersAt(ctx, people.Post(post), at)
	if err != nil {
		return nil, fmt.Errorf("asking who is %s: %w", post, err)
	}
	out := make([]string, 0, len(who))
	for _, o := range who {
		out = append(out, string(o.Person.ID))
	}
	return out, nil
}
