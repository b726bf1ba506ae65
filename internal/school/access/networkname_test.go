package access_test

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"belisha/internal/school/access"
	"belisha/internal/school/people"
)

func TestANameOfTheNetworkMeansOnePersonOrNobody(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		mia := s.person(people.Pupil, "mia")
		hill := s.person(people.Staff, "mrhill")
		roll := func(p people.Person) people.ID {
			id, err := s.people.Add(s.ctx, p)
			s.must(err)
			return id
		}
		// On the roll, and without an account of ours.
		ben := roll(people.Person{Kind: people.Pupil, Given: "Ben", Family: "Low", Year: "4", Email: "Ben.Low@hill.test"})
		roll(people.Person{Kind: people.Parent, Given: "Ann", Family: "Low", Email: "low@home.test"})
		roll(people.Person{Kind: people.Parent, Given: "Tom", Family: "Low", Email: "low@home.test"})
		roll(people.Person{Kind: people.Staff, Given: "Una", Family: "Gone", Username: "una", Until: "2026-10-01"})
		barred := roll(people.Person{Kind: people.Pupil, Given: "Bo", Family: "Low", Year: "4", Username: "bo"})
		p, err := s.people.Get(s.ctx, barred)
		s.must(err)
		p.NoAccess = true
		s.must(s.people.Change(s.ctx, p))
		shut := s.person(people.Staff, "shut")
		a, err := s.AccountOf(s.ctx, shut)
		s.must(err)
		s.must(s.SetDisabled(s.ctx, a.ID, true, a.Version, "left early"))
		for _, c := range []struct {
			what, name, realm, how string
			want                   people.ID
		}{
			{"a user name", "mia", "", "accounting", mia},
			{"in capitals", "MrHill", "", "peer", hill},
			{"with the school's own realm", "mia", "HILL.TEST", access.Kerberos, mia},
			{"with a realm that nobody proved", "mia", "another.test", "accounting", ""},
			{"a mail address", "ben.low", "hill.test", "accounting", ben},
			{"a mail address as the name", "ben.low@hill.test", "", "peer", ben},
			{"two people's address", "low", "home.test", "accounting", ""},
			{"somebody who has left", "una", "", "peer", ""},
			{"somebody who may not use the network", "bo", "", "peer", ""},
			{"a closed account", "shut", "", access.Kerberos, ""},
			{"nobody's", "guest", "", "peer", ""},
			{"none", "", "", "peer", ""},
			{"SQL", "' OR 1=1 --", "", "peer", ""},
		} {
			row, ok, err := s.ByNetworkName(s.ctx, c.name, c.realm, c.how)
			if err != nil || row.Person != c.want || ok != (c.want != "") {
				t.Errorf("%s: %q %v %v", c.what, row.Person, ok, err)
			}
		}
	})
}

func TestSomebodyTheNetworkNamesIsToldToTheFilterWithEverybodyAndUntilTheyLeave(t *testing.T) {
	s := newSchool(t)
	id := s.person(people.Staff, "mrhill")
	row, ok, err := s.ByNetworkName(s.ctx, "mrhill", "", "accounting")
	if err != nil || !ok || row.Address != netip.IPv4Unspecified() || !row.Ends.After(monday) {
		t.Fatalf("%+v %v %v", row, ok, err)
	}
	behind := func() int {
		list, err := s.Behind(s.ctx)
		s.must(err)
		return len(list)
	}
	if behind() != 1 {
		t.Error("they are not told with everybody")
	}
	s.clock.Advance(time.Minute)
	if list, err := s.ByRequest(s.ctx); err != nil || !slices.Equal(list, []people.ID{row.Person}) {
		t.Errorf("on the web by the network: %v %v", list, err)
	}
	if again, _, err := s.ByNetworkName(s.ctx, "mrhill", "", "accounting"); err != nil || !again.Ends.Equal(row.Ends) {
		t.Errorf("a minute later it is written anew: %v %v", again.Ends, err)
	}
	s.clock.Advance(2 * time.Hour)
	if again, _, err := s.ByNetworkName(s.ctx, "mrhill", "", "accounting"); err != nil || !again.Ends.After(row.Ends) {
		t.Errorf("two hours later it is not: %v %v", again.Ends, err)
	}
	p, err := s.people.Get(s.ctx, id)
	s.must(err)
	p.Until = "2026-11-01"
	s.must(s.people.Change(s.ctx, p))
	if behind() != 0 {
		t.Error("somebody who has left is told with everybody")
	}
}
