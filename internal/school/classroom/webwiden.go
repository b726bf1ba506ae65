package classroom

import (
	"net/url"
	"strings"

	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

const (
	widenKind = "widen"
	addPrefix = widenKind + "-add-"
)

// offerMore adds a form, to a class that is kept on some sites, with those that
// it asked for in vain.
func (r *Room) offerMore(c *web.Ctx, v *classView, x Class, seen Seen) error {
	for _, s := range x.Running {
		if s.Kind != Focus || !x.Teaches && string(s.By) != c.Actor.Person {
			continue
		}
		var stage people.KeyStage
		if len(x.Pupils) > 0 {
			stage = x.Pupils[0].Person.Stage()
		}
		list, err := r.missing(c.Context(), s, seen, stage)
		if err != nil || len(list) == 0 {
			return err
		}
		p := part{
			Ref: widenKind, Title: "Something is missing on the sites", Button: "Add them",
			Words:  "The class asked for these in this lesson, and they are kept out. Many sites fetch pictures and videos from others: add what the lesson needs.",
			Hidden: []web.Hidden{{Name: "kind", Value: widenKind}, {Name: "class", Value: x.Name}, {Name: "id", Value: s.ID}},
		}
		for _, h := range list {
			p.Fields = append(p.Fields, web.Field{
				Kind: web.CheckField, Name: addPrefix + h.Host, Label: h.Host, Optional: true,
				Hint: "Kept out " + words.Count(h.Blocked, "time", "times") + ", of " + words.Count(len(h.Who), "pupil", "pupils"),
			})
		}
		if !r.values().Bool(keyPreviewed) {
			p.Fields = append(p.Fields, web.Field{
				Kind: web.CheckField, Name: widenKind + "-looked", Label: "I have looked at these sites myself, and they are suitable", Optional: true,
				Hint: "It is kept in the register of sites looked at. Not needed for sites that stand there.",
			})
		}
		v.Parts = append([]part{p}, v.Parts...)
		return nil
	}
	return nil
}

// widen adds the chosen sites.
func (r *Room) widen(c *web.Ctx, form url.Values) error {
	var more []string
	for name, value := range form {
		if host, ok := strings.CutPrefix(name, addPrefix); ok && len(value) == 1 && value[0] == "yes" && len(more) < mostHosts {
			more = append(more, host)
		}
	}
	s, err := r.Widen(c.Context(), form.Get("id"), more, form.Get(widenKind+"-looked") == "yes")
	if bad, ok := web.Wrong(err); ok {
		if why := bad["hosts"]; why != "" {
			bad[""] = why
			delete(bad, "hosts")
		}
		return r.classAgain(c, Begun{Kind: widenKind, Class: form.Get("class")}, form, named(widenKind, bad))
	}
	return r.done(c, s, err, s.says(c.Words))
}
