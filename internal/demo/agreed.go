package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"belisha/internal/school/agreements"
	"belisha/internal/school/people"
)

// adder puts an act into the story: school days back from the last, minute of
// the day, who of the cast does it ("" is Belisha), and what.
type adder func(ago, minute int, part string, do func(ctx context.Context) error)

// Days of the story of the agreements.
const (
	rulesDay  = 56 // the rules are published
	slipsFrom = 53 // slips come back, class by class, from this day
	slipsDays = 12
	talksFrom = 48
	readFrom  = 38 // staff read the second policy
)

// agreed is the story of the rules: published, signed on screen by grown-ups
// and on paper by families, talked about in class; and what was left undone.
func (f *filling) agreed(add adder) {
	add(rulesDay, 15*60+20, "head", f.publishRules)
	for i, id := range f.staff {
		add(readFrom-i%6, 16*60+i%9, "", func(ctx context.Context) error { return f.readPolicy(ctx, id) })
		if i%22 != 21 { // two have not signed
			add(rulesDay-1-i%4, 15*60+25+i%9, "", func(ctx context.Context) error { return f.signStaff(ctx, id) })
		}
	}
	for i, id := range f.governors {
		add(rulesDay-5-i%2, 16*60+12, "", func(ctx context.Context) error {
			return f.signOwn(ctx, id, agreements.GovernorSheet)
		})
	}
	add(rulesDay-6, 9*60+2, "contractor", func(ctx context.Context) error {
		return f.signOwn(ctx, f.cast["contractor"], agreements.VisitorSheet)
	})
	f.slips(add)
	f.talks(add)
	add(rulesDay-8, 16*60+10, "parent", f.signAtHome)
	add(34, 9*60+30, "office", func(ctx context.Context) error {
		today := f.cal.Day(f.c.Now())
		return f.h.Agreements.RecordGroup(ctx, agreements.Group{
			Party: "Ashdown Brass Band", Leader: "Clive Farthingale", Day: today.Add(-1), Until: today.Add(300), Place: "Office, grey cabinet, file 12",
		})
	})
	for _, ago := range []int{44, 35, 26, 17, 8} {
		add(ago, 14*60+40, "monitor", f.remindUnsigned)
	}
	add(3, 15*60+55, "online", f.askHold)
}

// remindUnsigned reminds those who have not signed. The home-school agreement
// is left for another day.
func (f *filling) remindUnsigned(ctx context.Context) error {
	list, err := f.h.Agreements.Counts(ctx)
	if err != nil {
		return err
	}
	for _, c := range list {
		if !c.Asked || len(c.Lacks) == 0 || c.Sheet == agreements.HomeSheet && f.cal.Day(f.c.Now()) > f.days[max(0, len(f.days)-10)] {
			continue
		}
		if _, err := f.h.Agreements.Chase(ctx, c.Sheet); err != nil {
			return err
		}
	}
	return nil
}

// published are the rules that the school gives out.
var published = []agreements.Sheet{
	agreements.StaffSheet, agreements.GovernorSheet, agreements.VisitorSheet, agreements.YoungSheet, agreements.OlderSheet,
	agreements.ParentSheet, agreements.HomeSheet, agreements.ExternalSheet,
}

func (f *filling) publishRules(ctx context.Context) error {
	for _, s := range published {
		d, err := f.h.Agreements.Draft(ctx, s)
		if err != nil {
			return err
		}
		body, err := agreements.ParseBody(d.Text)
		if err != nil {
			return fmt.Errorf("reading the rules “%s”: %w", s.Title(), err)
		}
		_, err = f.h.Agreements.Publish(ctx, agreements.Publishing{
			Sheet: s, Hash: agreements.Hash(body.Text()), Reason: "For the new school year, as the governors agreed.",
		})
		if err != nil {
			return fmt.Errorf("publishing the rules “%s”: %w", s.Title(), err)
		}
		for _, c := range body.Clauses() {
			f.clauses[s] = append(f.clauses[s], c.ID)
		}
		f.pass(20 * time.Second)
	}
	return nil
}

// signStaff signs on screen, rule by rule.
func (f *filling) signStaff(ctx context.Context, id people.ID) error {
	p, err := f.h.People.Get(ctx, id)
	if err != nil {
		return err
	}
	who, err := f.asPerson(ctx, id)
	if err != nil {
		return err
	}
	_, err = f.h.Agreements.Sign(who, agreements.Signing{
		Sheet: agreements.StaffSheet, Number: 1, Name: p.Given + " " + p.Family, Job: f.job(id), Ticks: f.clauses[agreements.StaffSheet],
	})
	return err
}

// job is what somebody writes behind their name.
func (f *filling) job(id people.ID) string {
	for _, p := range append(parts(), others()...) {
		if f.cast[p.name] == id && len(p.posts) > 0 {
			return p.posts[0].Title()
		}
	}
	return []string{"Teacher", "Teacher", "Teaching assistant", "Teacher", "Midday supervisor"}[len(string(id))%5]
}

// signOwn signs rules with one box for all of them.
func (f *filling) signOwn(ctx context.Context, id people.ID, s agreements.Sheet) error {
	p, err := f.h.People.Get(ctx, id)
	if err != nil {
		return err
	}
	who, err := f.asPerson(ctx, id)
	if err != nil {
		return err
	}
	_, err = f.h.Agreements.Sign(who, agreements.Signing{Sheet: s, Number: 1, Name: p.Given + " " + p.Family, Ticks: []string{"all"}})
	return err
}

// signAtHome is the parent of the cast, who signs for the child; the
// home-school agreement still waits.
func (f *filling) signAtHome(ctx context.Context) error {
	for _, s := range []agreements.Sheet{agreements.YoungSheet, agreements.ParentSheet} {
		_, err := f.h.Agreements.Sign(ctx, agreements.Signing{
			Sheet: s, Number: 1, Person: f.cast["pupil5"], Name: "Chinelo Nwankwo-Lyle", Ticks: []string{"all"}, Discussed: true,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// readPolicy is a member of staff who reads the policy in force, and says so.
func (f *filling) readPolicy(ctx context.Context, id people.ID) error {
	p, err := f.h.People.Get(ctx, id)
	if err != nil {
		return err
	}
	who, err := f.asPerson(ctx, id)
	if err != nil {
		return err
	}
	policy, _, err := f.h.Agreements.Policy(ctx)
	if err != nil {
		return err
	}
	return f.h.Agreements.ReadPolicy(who, policy.Title, policy.Version+" ("+policy.ID+")", p.Given+" "+p.Family, true)
}

// classes are the school's classes in order, with the places of their pupils.
func (f *filling) classes() ([]string, map[string][]int) {
	members := map[string][]int{}
	for i, p := range f.pupils {
		members[p.class] = append(members[p.class], i)
	}
	var names []string
	for c := range members {
		names = append(names, c)
	}
	slices.Sort(names)
	return names, members
}

// slips come back on paper, class by class. Of two classes none came back, and
// here and there a child's is missing.
func (f *filling) slips(add adder) {
	names, members := f.classes()
	for n, class := range names {
		if class == "3B" || class == "9A" {
			continue
		}
		add(slipsFrom-n%slipsDays, 15*60+40+n/slipsDays, "office", func(ctx context.Context) error {
			return f.recordClass(ctx, class, members[class])
		})
	}
}

// recordClass enters a class's slips: the pupils' own, and the parents'.
func (f *filling) recordClass(ctx context.Context, class string, members []int) error {
	var own, home []agreements.Slip
	sheet := agreements.YoungSheet
	for n, i := range members {
		p := f.pupils[i]
		if p.late || p.id == f.cast["pupil5"] {
			continue
		}
		if s := p.stage; s == people.KS3 || s == people.KS4 {
			sheet = agreements.OlderSheet
		}
		own = append(own, agreements.Slip{Person: p.id})
		if (n+len(class))%31 != 7 && p.parent != "" {
			home = append(home, agreements.Slip{Person: p.id, Signer: p.parent})
		}
	}
	for _, x := range []struct {
		sheet agreements.Sheet
		role  agreements.Role
		slips []agreements.Slip
	}{
		{sheet, agreements.Self, own},
		{sheet, agreements.Parent, home},
		{agreements.ParentSheet, agreements.Parent, home},
		{agreements.HomeSheet, agreements.Parent, home},
	} {
		if len(x.slips) == 0 {
			continue
		}
		_, err := f.h.Agreements.Record(ctx, agreements.Paper{
			Sheet: x.sheet, Number: 1, Role: x.role, Day: f.cal.Day(f.c.Now()).Add(-1), Place: "Office, grey cabinet, file " + class, Slips: x.slips,
		})
		if err != nil {
			return fmt.Errorf("the slips of class %s: %w", class, err)
		}
	}
	return nil
}

// talks are the classes' talks about the rules, and those with the pupils who
// were away.
func (f *filling) talks(add adder) {
	names, members := f.classes()
	for n, class := range names {
		teacher := f.staff[n%len(f.staff)]
		add(talksFrom-n%10, 9*60+20+n/10, "", func(ctx context.Context) error {
			who, err := f.asPerson(ctx, teacher)
			if err != nil {
				return err
			}
			p, err := f.h.People.Get(ctx, teacher)
			if err != nil {
				return err
			}
			var here []int
			for _, i := range members[class] {
				if !f.pupils[i].late {
					here = append(here, i)
				}
			}
			if len(here) < 2 {
				return nil
			}
			t := agreements.Talk{Class: class, Day: f.cal.Day(f.c.Now()), Teacher: p.Given + " " + p.Family, Present: len(here)}
			if n%3 == 0 {
				t.Present--
				t.Absent = []agreements.Absence{{Person: f.pupils[here[n%len(here)]].id}}
			}
			return f.h.Agreements.RecordTalk(who, t)
		})
		if n%3 == 0 {
			add(talksFrom-12-n%10, 9*60+35, "", func(ctx context.Context) error { return f.catchUp(ctx, class, teacher) })
		}
	}
}

// catchUp is a talk with those who were away.
func (f *filling) catchUp(ctx context.Context, class string, teacher people.ID) error {
	who, err := f.asPerson(ctx, teacher)
	if err != nil {
		return err
	}
	all, err := f.h.Agreements.Talks(who)
	if err != nil {
		return err
	}
	for _, t := range all {
		if t.Class != class || t.Talk == nil {
			continue
		}
		var missed []people.ID
		for _, a := range t.Talk.Absent {
			missed = append(missed, a.Person)
		}
		if len(missed) > 0 {
			return f.h.Agreements.CatchUp(who, class, missed)
		}
	}
	return nil
}

// askHold asks the head to hold staff who have not signed.
func (f *filling) askHold(ctx context.Context) error {
	day := f.cal.Day(f.c.Now()).Add(7)
	cut, err := f.h.Agreements.CutOff(ctx, "staff", day)
	if err != nil {
		return err
	}
	asked, err := f.h.Agreements.SetMode(ctx, agreements.ModeChange{Audience: "staff", Mode: agreements.Hold, From: day, Seen: cut.Now})
	if err == nil && !asked {
		err = errors.New("staff were held without the head's word")
	}
	return err
}
