package demo

import (
	"context"
	"fmt"
	"strings"

	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// pupil is what the web activity needs to know of one.
type pupil struct {
	id    people.ID
	year  people.Year
	stage people.KeyStage
	class string
	// username and parent (the first, with parental responsibility, "" for
	// none) are for what is written about them.
	username string
	parent   people.ID
	late     bool // came for some weeks, later than the rest
}

// years are the year groups of the school.
var years = []people.Year{"R", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"}

// roll gathers everybody before they are put on the roll in one change.
type roll struct {
	f      *filling
	all    []people.Person
	parts  map[string]int // name of the part: place in all
	ties   []tie
	taken  map[string]bool // usernames
	number int             // the MIS's own
}

// tie is a parent and a child by their places in all.
type tie struct {
	parent, child int
	relation      string
}

// enrol puts everybody on the roll.
func (f *filling) enrol(ctx context.Context) error {
	r := &roll{f: f, parts: map[string]int{}, taken: map[string]bool{}}
	r.castIn()
	r.grownUps(people.Staff, f.size.Staff)
	r.grownUps(people.Governor, f.size.Governors)
	r.grownUps(people.Contractor, f.size.Contractors)
	r.families()
	r.shortStays()
	err := f.h.DB().Write(ctx, func(tx *store.Tx) error {
		ids, err := f.h.People.Fill(ctx, tx, r.all)
		if err != nil {
			return err
		}
		for _, t := range r.ties {
			l := people.Link{Parent: ids[t.parent], Child: ids[t.child], Relation: t.relation, Responsible: true, Order: 1}
			if t.relation != "mother" {
				l.Order = 2
			}
			if err := f.h.People.TieTx(ctx, tx, l); err != nil {
				return fmt.Errorf("tying a family: %w", err)
			}
		}
		f.remember(r, ids)
		return nil
	})
	return err
}

// remember keeps who has which part, and the lists that visits draw from.
func (f *filling) remember(r *roll, ids []people.ID) {
	for name, at := range r.parts {
		f.cast[name] = ids[at]
	}
	parent := map[int]people.ID{}
	for _, t := range r.ties {
		if parent[t.child] == "" {
			parent[t.child] = ids[t.parent]
		}
	}
	for i, p := range r.all {
		switch p.Kind {
		case people.Pupil:
			f.pupils = append(f.pupils, pupil{
				id: ids[i], year: p.Year, stage: p.Stage(), class: p.Class, username: p.Username, parent: parent[i], late: p.From != "",
			})
		case people.Staff:
			f.staff = append(f.staff, ids[i])
			f.usernames[ids[i]] = p.Username
		case people.Governor:
			f.governors = append(f.governors, ids[i])
		}
	}
}

// colleague is somebody of the staff without a part.
func (f *filling) colleague(n int) people.ID {
	first := 0
	for _, p := range append(parts(), others()...) {
		if p.kind == people.Staff {
			first++
		}
	}
	rest := f.staff[min(first, len(f.staff)-1):]
	return rest[n%len(rest)]
}

// choose is a pupil of the younger or the older years without a part.
func (f *filling) choose(years string, n int) pupil {
	var fit []pupil
	for _, p := range f.pupils {
		if b := bandOf(p.stage); string(b) == years && !p.late && p.id != f.cast["pupil5"] && p.id != f.cast["pupil10"] {
			fit = append(fit, p)
		}
	}
	return fit[n*13%len(fit)]
}

// castIn adds those with a part. The parent's child is the pupil of Year 5.
func (r *roll) castIn() {
	for _, p := range append(parts(), others()...) {
		person := people.Person{Kind: p.kind, Given: p.given, Family: p.family, Username: p.name, Year: p.year, Site: people.MainSite}
		if p.role == "" {
			person.Username = r.username(p.given, p.family, "")
		} else {
			r.taken[p.name] = true
		}
		if p.kind == people.Pupil {
			person.Class = string(p.year) + "A"
			person.Born = r.born(p.year)
		}
		r.parts[p.name] = r.add(person)
	}
	r.ties = append(r.ties, tie{r.parts["parent"], r.parts["pupil5"], "mother"})
}

func (r *roll) add(p people.Person) int {
	r.number++
	p.Source, p.Site = "demo", people.MainSite
	p.MIS = fmt.Sprintf("AV%05d", r.number)
	r.all = append(r.all, p)
	return len(r.all) - 1
}

func (r *roll) have(k people.Kind) int {
	n := 0
	for _, p := range r.all {
		if p.Kind == k {
			n++
		}
	}
	return n
}

// grownUps adds people of the kind until there are n.
func (r *roll) grownUps(k people.Kind, n int) {
	for i := r.have(k); i < n; i++ {
		given, family := r.pick(grownNames), r.pick(familyNames)
		p := people.Person{Kind: k, Given: given, Family: family, Username: r.username(given, family, "")}
		if k == people.Staff {
			p.Email = p.Username + "@ashdownvale.example"
		}
		r.add(p)
	}
}

// families adds children of every year with their parents: most have two,
// some one, and some children have a brother or sister here.
func (r *roll) families() {
	pupils, parents := r.f.size.Pupils-r.f.size.ShortStay, r.f.size.Parents
	for n := r.have(people.Pupil); n < pupils; {
		family := r.pick(familyNames)
		homes := r.guardians(family, parents-r.have(people.Parent))
		for range min(1+r.f.rand.IntN(3), pupils-n) {
			year := years[n%len(years)]
			given := r.pick(givenNames)
			child := r.add(people.Person{
				Kind: people.Pupil, Given: given, Family: family, Year: year, Born: r.born(year),
				Class: r.class(year, n), Username: r.username(given, family, string(r.born(year))[2:4]),
			})
			for i, parent := range homes {
				r.ties = append(r.ties, tie{parent, child, []string{"mother", "father"}[i]})
			}
			n++
		}
	}
	r.others(parents - r.have(people.Parent))
}

// others gives children who have one parent here another one, a foster carer
// or a grandmother.
func (r *roll) others(n int) {
	has := map[int]int{}
	for _, t := range r.ties {
		has[t.child]++
	}
	for child, p := range r.all {
		if n == 0 {
			return
		}
		if p.Kind != people.Pupil || has[child] != 1 || p.Username == "pupil5" {
			continue
		}
		given, family := r.pick(grownNames), r.pick(familyNames)
		parent := r.add(people.Person{Kind: people.Parent, Given: given, Family: family, Username: r.username(given, family, "")})
		r.ties = append(r.ties, tie{parent, child, []string{"grandmother", "foster carer", "stepfather"}[r.f.rand.IntN(3)]})
		n--
	}
}

// guardians adds one or two parents of a family, while there is room.
func (r *roll) guardians(family string, room int) []int {
	n := 1
	if r.f.rand.IntN(5) < 3 {
		n = 2
	}
	var out []int
	for range min(n, room) {
		given := r.pick(grownNames)
		out = append(out, r.add(people.Person{Kind: people.Parent, Given: given, Family: family, Username: r.username(given, family, "")}))
	}
	return out
}

// shortStays are children who come for some weeks, from the hospital or on a
// managed move, with the day on which they leave.
func (r *roll) shortStays() {
	today := r.f.cal.Day(r.f.now)
	for i := range r.f.size.ShortStay {
		year := years[5+2*(i%3)]
		given, family := r.pick(givenNames), r.pick(familyNames)
		r.add(people.Person{
			Kind: people.Pupil, Given: given, Family: family, Year: year, Class: string(year) + "A", Born: r.born(year),
			Username: r.username(given, family, "s"), From: today.Add(-9 - 4*i), Until: today.Add(5 + 7*i),
		})
	}
}

// class is one of a year's two classes, or of more in a large school.
func (r *roll) class(y people.Year, n int) string {
	streams := max(2, r.f.size.Pupils/(len(years)*28))
	return string(y) + string(rune('A'+n/len(years)%streams))
}

// born is a birthday that fits the year group.
func (r *roll) born(y people.Year) people.Day {
	age := 4
	for i, x := range years {
		if x == y {
			age += i
		}
	}
	begins := r.f.now.Year()
	if r.f.now.Month() < 8 {
		begins--
	}
	month := 9 + r.f.rand.IntN(12)
	year := begins - age - 1
	if month > 12 {
		month, year = month-12, year+1
	}
	return people.Day(fmt.Sprintf("%04d-%02d-%02d", year, month, 1+r.f.rand.IntN(28)))
}

func (r *roll) pick(from []string) string { return from[r.f.rand.IntN(len(from))] }

// username is a name such as "19i.lanyon", with a number where it is taken.
func (r *roll) username(given, family, before string) string {
	plain := strings.ToLower(given[:1] + "." + strings.ReplaceAll(strings.ReplaceAll(family, "-", ""), " ", ""))
	name := before + plain
	for i := 2; r.taken[name]; i++ {
		name = fmt.Sprintf("%s%s%d", before, plain, i)
	}
	r.taken[name] = true
	return name
}

// appoint gives the cast their posts.
func (f *filling) appoint(ctx context.Context) error {
	return f.h.DB().Write(ctx, func(tx *store.Tx) error {
		for _, p := range append(parts(), others()...) {
			for i, post := range p.posts {
				h := people.Holder{Person: f.cast[p.name], Post: post, Public: p.public && i == 0, Contact: p.contact}
				if !h.Public {
					h.Contact = ""
				}
				if _, err := f.h.People.AppointTx(ctx, tx, h); err != nil {
					return fmt.Errorf("giving the post of %s: %w", post.Title(), err)
				}
			}
		}
		return nil
	})
}
