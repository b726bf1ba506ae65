package concerns

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"belisha/internal/kit/actor"
	"belisha/internal/school/people"
)

// find returns the only person on the roll that words can mean, or a sentence
// that says who fits.
func (r *Room) find(ctx context.Context, who string) (people.Person, string) {
	if utf8.RuneCountInString(who) > maxShort {
		return people.Person{}, "Write a name, a username or a number."
	}
	list, _, err := r.d.Roll.List(ctx, people.Filter{Words: who, Limit: 20})
	if err != nil {
		return people.Person{}, "The roll could not be asked just now. Say in the account who it is, and tick that you do not know who."
	}
	if len(list) == 0 {
		return people.Person{}, "Nobody on the roll fits “" + cut(who, 40) + "”. Write it another way, or say in the account who it is."
	}
	var exact []people.Person
	for _, p := range list {
		for _, full := range []string{p.Name(), p.Given + " " + p.Family, p.Username, p.UPN, p.MIS} {
			if full != "" && strings.EqualFold(full, who) {
				exact = append(exact, p)
				break
			}
		}
	}
	switch {
	case len(exact) == 1:
		return exact[0], ""
	case len(list) == 1 && calledSo(list[0], who):
		return list[0], ""
	}
	if len(exact) > 1 {
		list = exact
	}
	if actor.From(ctx).Audience != actor.Staff {
		return people.Person{}, "This is nobody's whole name or username here. Write it another way, or say in the account who it is, and tick that you do not know who."
	}
	if len(list) == 1 {
		return people.Person{}, "Nobody is called just that. If you mean " + describe(list[0]) + ", write the whole name or the username."
	}
	var fits []string
	for _, p := range list[:min(len(list), 5)] {
		fits = append(fits, describe(p))
	}
	return people.Person{}, "More than one person fits: " + strings.Join(fits, "; ") + ". Write the username."
}

// calledSo reports whether every word typed is a whole word of a person's
// name: "Bella" must not put Isabella into a case.
func calledSo(p people.Person, who string) bool {
	own := strings.Fields(strings.ToLower(p.Given + " " + p.Preferred + " " + p.Family))
	for _, w := range strings.Fields(strings.ToLower(who)) {
		if !slices.Contains(own, w) {
			return false
		}
	}
	return true
}

// describe tells two people of one name apart.
func describe(p people.Person) string {
	s := p.Name()
	for _, x := range []string{p.Class, string(p.Kind), p.Username} {
		if x != "" && (x != string(people.Pupil) || p.Class == "") {
			s += ", " + x
		}
	}
	return s
}

func (r *Room) personOf(p people.Person, role string) Person {
	n := Named{Person: p.ID, Name: p.Name(), Pupil: p.Kind == people.Pupil}
	if p.Class != "" {
		n.Name += ", " + p.Class
	}
	return Person{Role: role, Mark: r.personMark(p.ID), Named: n}
}

// cut shortens s to n letters.
func cut(s string, n int) string {
	l := []rune(s)
	if len(l) <= n {
		return s
	}
	return string(l[:n]) + "…"
}
