package people

import (
	"context"
	"strings"

	"belisha/internal/kit/store"
)

// Find returns the only person here that words can mean: a whole name, a
// username or a number, or a part that fits nobody else. The error names the
// field "who".
func (r *Room) Find(ctx context.Context, words string) (Person, error) {
	return r.find(ctx, words, func(Person) bool { return true })
}

func (r *Room) find(ctx context.Context, words string, fits func(Person) bool) (Person, error) {
	if strings.TrimSpace(words) == "" {
		return Person{}, store.Invalid{"who": "say who is meant"}
	}
	list, _, err := r.List(ctx, Filter{Words: words, Limit: 500})
	if err != nil {
		return Person{}, err
	}
	return pick(list, words, fits)
}

// pick returns the only one of the list that fits: by the whole name, username
// or number first, else the only one at all.
func pick(list []Person, words string, fits func(Person) bool) (Person, error) {
	w := fold(clean(words))
	var some, exact []Person
	for _, p := range list {
		if !fits(p) {
			continue
		}
		some = append(some, p)
		for _, full := range []string{p.Name(), p.Username, p.UPN, p.MIS, p.Family + ", " + p.First(), p.Given + " " + p.Family} {
			if full != "" && fold(full) == w {
				exact = append(exact, p)
				break
			}
		}
	}
	switch {
	case len(exact) == 1:
		return exact[0], nil
	case len(exact) == 0 && len(some) == 1:
		return some[0], nil
	case len(some) == 0:
		return Person{}, store.Invalid{"who": "nobody here fits “" + cut(words, 40) + "”"}
	default:
		return Person{}, store.Invalid{"who": "more than one person fits “" + cut(words, 40) + "”; write the username or the number"}
	}
}
