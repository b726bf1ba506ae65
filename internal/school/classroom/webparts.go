package classroom

import (
	"fmt"
	"net/http"
	"net/url"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
)

// parts are what can be set for a class, each with its form. Two forms of one
// page may ask for the same thing, so each has names of its own for its
// inputs' ids.
func (r *Room) parts(c *web.Ctx, x Class) ([]part, error) {
	minutes := r.minuteOptions(c.Now(), x.Lesson)
	form := func(kind Kind, title, says, button string, fields ...web.Field) part {
		p := part{Ref: string(kind), Title: title, Words: says, Button: button, Hidden: []web.Hidden{{Name: "kind", Value: string(kind)}, {Name: "class", Value: x.Name}}}
		p.Fields = append(p.Fields, fields...)
		p.Fields = append(p.Fields, web.Field{Kind: web.SelectField, Name: "minutes", Label: "For how long", Options: minutes})
		if !x.Teaches {
			p.Fields = append(p.Fields, web.Field{
				Name: "note", Label: "Why you, who are not down as a teacher of this class", Hint: "Such as: I cover this lesson.", Max: mostNote,
			})
		}
		for i := range p.Fields {
			p.Fields[i].Name = p.Ref + "-" + p.Fields[i].Name
		}
		return p
	}
	pause := form(Pause, "Pause the web", "For everybody of the class, at once. Help services and these pages stay open."+r.whoIsNot(), "Pause the web")
	pause.Open = true
	out := []part{pause}
	focus, err := r.focusFields(c, x)
	if err != nil {
		return nil, err
	}
	out = append(out, form(Focus, "Keep the class on some sites", "Only these sites, and what is below them. What is closed for the class anyway stays closed.", "Keep them on these sites", focus...))
	if stages, _ := Supervised(r.values()); len(stages) > 0 {
		out = append(out, form(Supervise, "Supervise the class", "The web of "+stageWords(x)+" is open while somebody supervises it, and you do from now on.", "I supervise this class"))
	}
	return out, nil
}

// whoIsNot says whom nothing reaches that is set for a class.
func (r *Room) whoIsNot() string {
	if r.d.Strangers == nil || !r.d.Strangers() {
		return ""
	}
	return " It holds on where somebody signs out; a device at which nobody of the class has signed in is not reached."
}

func stageWords(x Class) string {
	if len(x.Pupils) > 0 {
		if s := x.Pupils[0].Person.Stage(); s != "" {
			return string(s)
		}
	}
	return "some pupils"
}

func (r *Room) focusFields(c *web.Ctx, x Class) ([]web.Field, error) {
	lists, err := openLists(c.Context(), r.d.DB, x.Name)
	if err != nil {
		return nil, err
	}
	var out []web.Field
	if len(lists) > 0 {
		f := web.Field{Kind: web.SelectField, Name: "list", Label: "A list of sites", Optional: true, Options: []web.Option{{Label: "None"}}}
		for _, l := range lists {
			f.Options = append(f.Options, web.Option{Value: l.ID, Label: fmt.Sprintf("%s (%s)", l.Title, words.Count(len(l.Hosts), "site", "sites"))})
		}
		out = append(out, f)
	}
	out = append(out, web.Field{
		Kind: web.LongField, Name: "hosts", Label: "Sites", Rows: 3, Max: mostHosts * 260, Optional: len(lists) > 0,
		Hint: fmt.Sprintf("One on each line, up to %d. Many sites fetch pictures and videos from others; add those too.", mostHosts),
	})
	if !r.values().Bool(keyPreviewed) {
		out = append(out, web.Field{Kind: web.CheckField, Name: "looked", Label: "I have looked at these sites myself, and they are suitable", Optional: true, Hint: "It is kept in the register of sites looked at. Not needed for sites that stand there."})
	}
	return out, nil
}

// named puts what is wrong to the fields of one form. What is no field of it
// is said of the whole.
func named(kind Kind, bad store.Invalid) store.Invalid {
	out := store.Invalid{}
	for field, why := range bad {
		if field == "" || field == "class" || field == "kind" {
			out[""] = why
			continue
		}
		out[string(kind)+"-"+field] = why
	}
	return out
}

func (r *Room) superviseForm(c *web.Ctx) error {
	v, err := r.superviseView(c)
	if err != nil {
		return err
	}
	return formTemplate.Render(c, v)
}

func (r *Room) superviseView(c *web.Ctx) (formView, error) {
	v := formView{
		Base: web.Base{Title: "Supervise a room", Crumbs: []web.Crumb{{Title: "My class", Path: pathHome}}},
		Path: pathBegin, Button: "I supervise this room", Cancel: pathHome, Hidden: []web.Hidden{{Name: "kind", Value: string(Supervise)}},
	}
	stages, _ := Supervised(r.values())
	if len(stages) == 0 {
		v.Note = web.Panel{Tone: "note", Title: "Nobody's web needs it", Words: "At this school pupils' web is open without somebody who supervises by this page. You may still write down that you do."}
	}
	places, err := r.d.Places(c.Context())
	if err != nil {
		return v, err
	}
	if len(places) == 0 {
		v.Note = web.Panel{Tone: "note", Title: "No rooms yet", Words: "The network manager enters at which place the school's devices stand. Until then supervise a class."}
	}
	l, err := r.Lesson(c.Context())
	if err != nil {
		return v, err
	}
	f := web.Field{Kind: web.SelectField, Name: "supervise-place", Label: "Room", Options: []web.Option{{Label: "Choose"}}}
	for _, p := range places {
		f.Options = append(f.Options, web.Option{Value: p, Label: p})
	}
	v.Fields = []web.Field{f, {Kind: web.SelectField, Name: "supervise-minutes", Label: "For how long", Options: r.minuteOptions(c.Now(), l)}}
	return v, nil
}

func (r *Room) superviseAgain(c *web.Ctx, form url.Values, bad store.Invalid) error {
	v, err := r.superviseView(c)
	if err != nil {
		return err
	}
	if why, ok := bad[""]; ok && bad["supervise-place"] == "" {
		bad["supervise-place"] = why
		delete(bad, "")
	}
	return v.again(c, form, bad)
}

// again shows a form once more, with what was typed and what is wrong with it.
func (v formView) again(c *web.Ctx, form url.Values, bad store.Invalid) error {
	fields := make([]*web.Field, len(v.Fields))
	for i := range v.Fields {
		fields[i] = &v.Fields[i]
	}
	v.Errors = web.Refill(form, bad, fields...)
	return formTemplate.Status(http.StatusUnprocessableEntity).Render(c, v)
}
