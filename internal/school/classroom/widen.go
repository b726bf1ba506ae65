package classroom

import (
	"context"
	"slices"
	"sort"
	"strings"

	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// mostOffered is how many of the sites that a class asked for in vain are
// offered to its teacher.
const mostOffered = 12

// Widen adds sites to those that a class is kept on, until the same end. Sites
// are made of several, and which shows only when somebody opens them.
func (r *Room) Widen(ctx context.Context, id string, more []string, looked bool) (Set, error) {
	by, err := teacher(ctx, MayLead)
	if err != nil {
		return Set{}, err
	}
	s, err := getSet(ctx, r.d.DB, id)
	if err != nil {
		return s, err
	}
	now := r.now()
	if s.Kind != Focus || !s.Running(now) {
		return s, store.Invalid{"": "The class is not kept on these sites any more."}
	}
	mine, err := r.teaches(ctx, by, s.Class)
	if err != nil {
		return s, err
	}
	if !mine && s.By != by {
		return s, store.Invalid{"": "Only whoever teaches the class, or keeps it on these sites, may add to them."}
	}
	if len(more) == 0 {
		return s, store.Invalid{"": "Choose which sites to add."}
	}
	bad := store.Invalid{}
	hosts, fresh, err := r.checkHosts(ctx, Begun{Hosts: slices.Concat(s.Hosts, more), Looked: looked}, bad)
	if err != nil {
		return s, err
	}
	if err := bad.OrNil(); err != nil {
		return s, err
	}
	s.ID, s.Hosts, s.From, s.By, s.Version = store.NewID(now), hosts, now, by, 1
	if err := r.keep(ctx, s, fresh); err != nil {
		return s, err
	}
	return s, r.apply(ctx, s.says(r.words(ctx)), s.ID)
}

// missing are the sites that a class asked for, that are kept out by nothing
// but its lesson, the most asked for first.
func (r *Room) missing(ctx context.Context, s Set, seen Seen, stage people.KeyStage) ([]Host, error) {
	list := slices.DeleteFunc(slices.Clone(seen.Hosts), func(h Host) bool {
		return h.Blocked == 0 || slices.ContainsFunc(s.Hosts, func(open string) bool { return h.Host == open || strings.HasSuffix(h.Host, "."+open) })
	})
	sort.SliceStable(list, func(i, j int) bool {
		if len(list[i].Who) != len(list[j].Who) {
			return len(list[i].Who) > len(list[j].Who)
		}
		return list[i].Blocked > list[j].Blocked
	})
	var out []Host
	for _, h := range list[:min(len(list), 4*mostOffered)] {
		why, err := r.d.Closed(ctx, h.Host, stage)
		if err != nil {
			return nil, err
		}
		if why == "" && len(out) < mostOffered {
			out = append(out, h)
		}
	}
	return out, nil
}
