package access

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/control"
	"belisha/internal/kit/duty"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// mighty is what makes somebody an administrator: accounts, posts, the filter,
// the policy in force.
var mighty = []actor.Capability{MayManage, people.MayAppoint, "setup.run", "policies.activate", "filtering.change", "filtering.publish"}

// Admin is somebody with the most rights.
type Admin struct {
	Person people.Person
	Posts  []string
	Since  time.Time // of the first of these posts
}

// RightsReview is the head's word that the list was looked at.
type RightsReview struct {
	ID     string
	At     time.Time
	By     string
	People []string
}

// VerbRightsReviewed is journalled when the list was looked at.
const VerbRightsReviewed journal.Verb = "rights.reviewed"

const rightsPath = "/accounts/rights"

// Admins lists everybody who has the most rights now, by name.
func (r *Room) Admins(ctx context.Context) ([]Admin, error) {
	byPerson := map[people.ID]*Admin{}
	now := r.Clock.Now()
	for _, info := range people.Posts {
		holders, err := r.People.HoldersAt(ctx, info.Post, now)
		if err != nil {
			return nil, err
		}
		for _, o := range holders {
			if !r.isMighty(o.Person.Kind, info.Post) {
				continue
			}
			a := byPerson[o.Person.ID]
			if a == nil {
				a = &Admin{Person: o.Person, Since: o.Holder.From}
				byPerson[o.Person.ID] = a
			}
			a.Posts = append(a.Posts, info.Title)
			if o.Holder.From.Before(a.Since) {
				a.Since = o.Holder.From
			}
		}
	}
	out := make([]Admin, 0, len(byPerson))
	for _, a := range byPerson {
		out = append(out, *a)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Person.Name() < out[j].Person.Name() })
	return out, nil
}

func (r *Room) isMighty(k people.Kind, p people.Post) bool {
	may := r.table.May(k, []people.Post{p})
	return slices.ContainsFunc(mighty, func(c actor.Capability) bool { return slices.Contains(may, c) })
}

// ReviewRights keeps that the head looked at the list as it is now. seen are
// the people that the page showed: a list that changed meanwhile is shown
// again.
func (r *Room) ReviewRights(ctx context.Context, seen []string) error {
	list, err := r.Admins(ctx)
	if err != nil {
		return err
	}
	now := idsOf(list)
	if slices.Sort(seen); !slices.Equal(seen, now) {
		return store.ErrStale
	}
	v := RightsReview{ID: store.NewID(r.Clock.Now()), At: r.Clock.Now(), By: actor.From(ctx).ID, People: now}
	return r.DB.Write(ctx, func(tx *store.Tx) error {
		if err := insertReview(ctx, tx, v); err != nil {
			return err
		}
		return r.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbRightsReviewed, Kind: "rights", ID: v.ID, After: map[string]any{"people": len(v.People)}, Rows: []journal.Row{{Table: "rights_reviews", ID: v.ID}},
		})
	})
}

func idsOf(list []Admin) []string {
	out := make([]string, 0, len(list))
	for _, a := range list {
		out = append(out, string(a.Person.ID))
	}
	slices.Sort(out)
	return out
}

// newRights is how long a new administrator may wait for the head's look.
const newRights = 7 * day

// rightsReviewed is C47: everybody with the most rights was looked at, within
// the time that the school says.
func (r *Room) rightsReviewed(ctx context.Context, now time.Time, v *setting.Values) (control.Finding, error) {
	limit := v.Duration(KeyRightsReview)
	f := control.Finding{
		Source: control.Attested, By: "the head's look at the list", At: now, Owner: string(people.Headteacher),
		Rule: "everybody who may change accounts, posts, the filter or the policy was looked at in the last " + daysWords(limit),
	}
	list, err := r.Admins(ctx)
	if err != nil {
		return f, err
	}
	last, err := lastReview(ctx, r.DB)
	if err != nil {
		return f, err
	}
	f.State = control.Kept
	worse := func(s control.State) {
		if s == control.Broken || f.State == control.Kept {
			f.State = s
		}
	}
	fresh := 0
	for _, a := range list {
		if slices.Contains(last.People, string(a.Person.ID)) {
			continue
		}
		fresh++
		row := control.Row{What: "Rights that were not looked at yet", State: control.AtRisk, At: a.Since, Link: rightsPath}
		if now.Sub(a.Since) > newRights {
			row.State = control.Broken
		}
		worse(row.State)
		addRow(&f, row)
	}
	f.Figure = fmt.Sprintf("%d people have the most rights; %d of them not looked at", len(list), fresh)
	switch age := now.Sub(last.At); {
	case last.At.IsZero():
		f.State, f.Figure = control.Unknown, f.Figure+"; nobody has looked at the list yet"
	case age > limit:
		worse(control.Broken)
		f.Figure += "; last looked at " + daysWords(age) + " ago"
	case age > limit-14*day:
		worse(control.AtRisk)
	}
	if f.State != control.Kept {
		f.Todo = "The head looks at the list under Accounts and says that it is right, or ends the posts that are not."
	}
	return f, nil
}

// Duties are the head's look at who has the most rights, and the network
// manager's at alerts.
func (r *Room) Duties() []duty.Source {
	return []duty.Source{{Name: "access-rights", Owed: r.owedRights}}
}

func (r *Room) owedRights(ctx context.Context, now time.Time) ([]duty.Owed, error) {
	last, err := lastReview(ctx, r.DB)
	if err != nil {
		return nil, err
	}
	list, err := r.Admins(ctx)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	since := last.At.Add(r.values().Duration(KeyRightsReview) - 14*day)
	what := "Look at who has the most rights"
	for _, a := range list {
		if last.At.IsZero() || !slices.Contains(last.People, string(a.Person.ID)) {
			if a.Since.Before(since) || last.At.IsZero() {
				since = a.Since
			}
			what = "Look at who has the most rights: somebody is new"
		}
	}
	if now.Before(since) {
		return nil, nil
	}
	return []duty.Owed{{
		ID: "rights/" + since.UTC().Format("2006-01-02T15:04"), What: what, Step: "Look at the list",
		Owner: string(people.Headteacher), Since: since, Due: since.Add(newRights), Link: rightsPath, Risk: 1,
	}}, nil
}
