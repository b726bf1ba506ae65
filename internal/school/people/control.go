package people

import (
	"context"
	"fmt"
	"time"

	"belisha/internal/kit/control"
	"belisha/internal/kit/setting"
)

// The room's settings.
const (
	KeyRequired = "people.roles.required"
	KeyDeputies = "people.posts.deputy-required"
)

// Settings is what the school decides about its posts.
func Settings() []setting.Setting {
	posts := make([]setting.Option, 0, len(Posts))
	for _, p := range Posts {
		posts = append(posts, setting.Option{Value: string(p.Post), Title: lowerFirst(p.Title), Words: p.Words})
	}
	return []setting.Setting{
		{
			Key: KeyRequired, Title: "Posts that must always be filled",
			Help: "If one of these posts has nobody in it, the school is told. One name for each is shown on pages that everybody sees.",
			Kind: setting.List, Options: posts, Default: "headteacher, safeguarding-lead, online-safety-lead, safeguarding-governor, data-manager, network-manager",
			Requirements: []string{"GOV-01", "GOV-02", "GOV-03", "GOV-04"},
		},
		{
			Key: KeyDeputies, Title: "The safeguarding lead and the online-safety lead have a deputy",
			Help: "A child must not have to wait because one person is away.",
			Kind: setting.YesNo, Default: "yes", Requirements: []string{"GOV-03"},
		},
	}
}

// Controls is what must be true of the posts.
func (r *Room) Controls() []control.Control {
	return []control.Control{{
		Number: "C84", Slug: "roles-filled", Title: "Every post that the policy names is filled, deputised and published",
		Requirements: []string{"GOV-01", "GOV-02", "GOV-03", "GOV-04"}, Settings: []string{KeyRequired, KeyDeputies},
		MaxAge: time.Hour, Default: true, Check: r.rolesFilled,
	}}
}

// deputyPost names the posts whose holder is the deputy of another one.
var deputyPost = map[Post]Post{SafeguardingLead: DeputySafeguardingLead, Headteacher: DeputyHead}

// mustHaveDeputy are the posts whose holder must not be the only one.
var mustHaveDeputy = map[Post]bool{SafeguardingLead: true, OnlineSafetyLead: true}

func (r *Room) rolesFilled(ctx context.Context, now time.Time, v *setting.Values) (control.Finding, error) {
	required := v.Items(KeyRequired)
	f := control.Finding{
		Rule:   "each required post is held, has a deputy where one is needed, and is named where everybody can see it",
		Source: control.Measured, By: "the register of posts", At: now, Owner: string(Headteacher),
		Todo: "Open the posts page and name somebody for each post that is marked.",
	}
	if len(required) == 0 {
		f.State, f.Figure = control.Unknown, "no post is required"
		f.Todo = "Say in the policy which posts must be filled."
		return f, nil
	}
	offices, err := r.officesAt(ctx, now)
	if err != nil {
		return control.Finding{}, err
	}
	kept := 0
	for _, name := range required {
		row := postRow(Post(name), offices, v.Bool(KeyDeputies), now)
		if row.State == control.Kept {
			kept++
		}
		f.Rows = append(f.Rows, row)
	}
	states := make([]control.State, 0, len(f.Rows))
	for _, row := range f.Rows {
		states = append(states, row.State)
	}
	f.State = control.Worst(states)
	f.Total = len(f.Rows)
	f.Figure = fmt.Sprintf("%d of %d required posts filled, deputised and named", kept, len(required))
	return f, nil
}

// soon is how long before a post runs out it is at risk.
const soon = 14 * 24 * time.Hour

// tally counts who is in one post.
type tally struct {
	holders, public int
	held            map[ID]bool // people who hold it or are its deputy
	open            bool        // somebody holds it without an end
	ends            time.Time   // the latest end of those with one
}

func (t *tally) add(post Post, h Holder) {
	second := deputyPost[post]
	switch {
	case h.Post != post:
		if second != "" && h.Post == second {
			t.held[h.Person] = true
		}
		return
	case h.Deputy:
	default:
		t.holders++
		t.open = t.open || h.Until.IsZero()
		if h.Until.After(t.ends) {
			t.ends = h.Until
		}
	}
	t.held[h.Person] = true // nobody is their own deputy: people count, not posts
	if h.Public {
		t.public++
	}
}

// postRow looks at one required post.
func postRow(post Post, offices []Office, deputies bool, now time.Time) control.Row {
	t := tally{held: map[ID]bool{}}
	for _, o := range offices {
		t.add(post, o.Holder)
	}
	row := control.Row{State: control.Kept, At: now, Link: "/posts"}
	title := post.Title()
	switch {
	case t.holders == 0:
		row.State, row.What = control.Broken, title+": nobody holds it"
	case deputies && mustHaveDeputy[post] && len(t.held) < 2:
		row.State, row.What = control.Broken, title+": there is no deputy"
	case t.public == 0:
		row.State, row.What = control.Broken, title+": nobody is named on the pages that everybody sees"
	case !t.open && t.ends.Before(now.Add(soon)):
		row.State, row.What = control.AtRisk, title+": the last holder's time ends within two weeks"
	default:
		row.What = title + ": held and named"
	}
	return row
}
