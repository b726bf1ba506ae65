package classroom

import (
	"context"
	"errors"
	"fmt"
	"time"

	"belisha/internal/kit/control"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

// Controls are what must be true here.
func (r *Room) Controls() []control.Control {
	return []control.Control{{
		Number: "C09", Slug: "sites-previewed", Title: "Every site on a class list has been looked at by a member of staff.",
		Requirements: []string{"FIL-17", "FIL-18"}, MaxAge: 25 * time.Hour, Check: r.previewed,
	}}
}

const mostRows = 100

// previewed holds every site of a list, and of what classes are kept on now,
// against the register.
func (r *Room) previewed(ctx context.Context, now time.Time, v *setting.Values) (control.Finding, error) {
	f := control.Finding{
		Rule: "every site on a class list was looked at within " + words.Length(v.Duration(keyPreviewAge)), Source: control.Measured,
		By: "the register of sites looked at", At: now, Owner: string(people.OnlineSafetyLead),
	}
	lists, err := openLists(ctx, r.d.DB, "")
	if err != nil {
		return f, err
	}
	running, err := runningSets(ctx, r.d.DB, now)
	if err != nil {
		return f, err
	}
	for _, s := range running {
		if s.Kind == Focus {
			lists = append(lists, SiteList{Title: "class " + s.Class + " now", Hosts: s.Hosts})
		}
	}
	sites, good := 0, 0
	for _, l := range lists {
		for _, h := range l.Hosts {
			sites++
			why, err := r.lacks(ctx, h, now, v)
			if err != nil {
				return f, err
			}
			if why == "" {
				good++
			} else if len(f.Rows) < mostRows {
				f.Rows = append(f.Rows, control.Row{What: h + " (" + l.Title + "): " + why, State: control.Broken, At: now, Link: pathLists})
			}
		}
	}
	if sites == 0 {
		f.State, f.Figure = control.Unknown, "there is no list of sites yet, so it is not known what is used with pupils"
		f.Todo = "Teachers keep the sites of their lessons as lists, on the page My class."
		return f, nil
	}
	f.State, f.Figure = control.Kept, fmt.Sprintf("%s of %s looked at", words.Number(good), words.Count(sites, "site", "sites"))
	if good < sites {
		f.State, f.Todo = control.Broken, "Look at the sites again, or take them from the lists."
	}
	return f, nil
}

// lacks says why a site does not count as looked at, "" where it does.
func (r *Room) lacks(ctx context.Context, host string, now time.Time, v *setting.Values) (string, error) {
	p, err := newestPreview(ctx, r.d.DB, host)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return "nobody has looked at it", nil
	case err != nil:
		return "", err
	case p.Verdict == NotSuitable:
		return "it was found not suitable", nil
	case now.Sub(p.LookedAt) > v.Duration(keyPreviewAge):
		return "the last look was too long ago", nil
	}
	return "", nil
}
