package people_test

import (
	"errors"
	"testing"
	"time"

	"belisha/internal/kit/control"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

func (s *school) appoint(h people.Holder) string {
	s.t.Helper()
	id, err := s.Appoint(s.ctx, h)
	if err != nil {
		s.t.Fatalf("appointing: %v", err)
	}
	return id
}

func TestAPostIsHeldForATime(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		al := s.add(people.Person{Kind: people.Staff, Given: "Al", Family: "Reed"})
		bo := s.add(people.Person{Kind: people.Staff, Given: "Bo", Family: "Oak"})
		s.appoint(people.Holder{Person: al, Post: people.NetworkManager, From: monday, Until: monday.Add(24 * time.Hour)})
		s.appoint(people.Holder{Person: bo, Post: people.NetworkManager, Deputy: true, From: monday.Add(-time.Hour)})
		for _, c := range []struct {
			at   time.Time
			want int
		}{{monday.Add(-time.Minute), 1}, {monday, 2}, {monday.Add(24 * time.Hour), 1}} {
			got, err := s.HoldersAt(s.ctx, people.NetworkManager, c.at)
			if err != nil || len(got) != c.want {
				t.Errorf("at %s: %d holders, %v", c.at, len(got), err)
			}
		}
		got, err := s.HoldersAt(s.ctx, people.NetworkManager, monday)
		if err != nil || got[0].Person.ID != al || !got[1].Holder.Deputy {
			t.Errorf("the holder stands before the deputy: %+v", got)
		}
		s.whole()
	})
}

func TestNobodyHoldsAPostWhoMayNot(t *testing.T) {
	s := newSchool(t)
	kid := s.add(people.Person{Kind: people.Pupil, Given: "Ava", Family: "Moss"})
	gov := s.add(people.Person{Kind: people.Governor, Given: "Gus", Family: "Hall"})
	var bad store.Invalid
	for _, h := range []people.Holder{
		{Person: kid, Post: people.Monitor},
		{Person: kid, Post: people.SafeguardingGovernor},
		{Person: gov, Post: people.Headteacher},
		{Person: gov, Post: "king"},
		{Person: "nobody", Post: people.Monitor},
		{Person: gov, Post: people.ChairOfGovernors, From: monday, Until: monday.Add(-time.Hour)},
	} {
		if _, err := s.Appoint(s.ctx, h); !errors.As(err, &bad) {
			t.Errorf("%s as %s: %v", h.Person, h.Post, err)
		}
	}
	for _, p := range people.Posts {
		if p.Post.OpenTo(people.Pupil) {
			t.Errorf("a pupil may hold %s", p.Post)
		}
	}
}

func TestAPostEndsAtOnceAndWithItsHolder(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		al := s.add(people.Person{Kind: people.Staff, Given: "Al", Family: "Reed"})
		id := s.appoint(people.Holder{Person: al, Post: people.FilterManager})
		if _, err := s.Appoint(s.ctx, people.Holder{Person: al, Post: people.FilterManager}); err == nil {
			t.Error("the same post twice at once")
		}
		s.clock.Advance(time.Hour)
		if err := s.EndPost(s.ctx, id, 7, ""); !errors.Is(err, store.ErrStale) {
			t.Errorf("a stale form: %v", err)
		}
		if err := s.EndPost(s.ctx, id, 1, "has moved on"); err != nil {
			t.Fatal(err)
		}
		if got, _ := s.PostsAt(s.ctx, al, s.clock.Now()); len(got) != 0 {
			t.Errorf("still holds %+v", got)
		}
		s.appoint(people.Holder{Person: al, Post: people.Monitor})
		p, _ := s.Get(s.ctx, al)
		if err := s.Leave(s.ctx, al, "2026-11-22", p.Version, "left"); err != nil {
			t.Fatal(err)
		}
		if got, _ := s.PostsAt(s.ctx, al, s.clock.Now()); len(got) != 0 {
			t.Errorf("somebody who left holds %+v", got)
		}
		if got, _ := s.HoldersAt(s.ctx, people.Monitor, s.clock.Now()); len(got) != 0 {
			t.Errorf("the post is held by somebody who left: %+v", got)
		}
		s.whole()
	})
}

func TestAPostGivenBehindBelishasBackIsFound(t *testing.T) {
	s := newSchool(t)
	al := s.add(people.Person{Kind: people.Staff, Given: "Al", Family: "Reed"})
	s.appoint(people.Holder{Person: al, Post: people.OfficeManager})
	if _, err := s.db.Writer().Exec("UPDATE posts SET post = 'headteacher'"); err != nil {
		t.Fatal(err)
	}
	if r, err := s.journal.Verify(s.ctx); err != nil || r.OK {
		t.Errorf("not found: %+v, %v", r, err)
	}
}

func (s *school) c84(given ...setting.Value) control.Finding {
	s.t.Helper()
	v := setting.NewValues(s.live.Current().Book(), 1, given)
	f, err := s.Controls()[0].Check(s.ctx, s.clock.Now(), v)
	if err != nil {
		s.t.Fatal(err)
	}
	return f
}

func TestRolesFilledTellsWhatIsTrue(t *testing.T) {
	s := newSchool(t)
	two := setting.Value{Key: people.KeyRequired, Items: []string{"headteacher", "safeguarding-lead"}, Confirmed: true}
	if f := s.c84(two); f.State != control.Broken || f.Total != 2 || f.Figure != "0 of 2 required posts filled, deputised and named" {
		t.Errorf("with nobody: %+v", f)
	}
	head := s.add(people.Person{Kind: people.Staff, Given: "Al", Family: "Reed"})
	lead := s.add(people.Person{Kind: people.Staff, Given: "Bo", Family: "Oak"})
	dep := s.add(people.Person{Kind: people.Staff, Given: "Cy", Family: "Elm"})
	s.appoint(people.Holder{Person: head, Post: people.Headteacher, Public: true})
	s.appoint(people.Holder{Person: lead, Post: people.SafeguardingLead, Public: true})
	if f := s.c84(two); f.State != control.Broken || f.Rows[1].What != "Designated safeguarding lead: there is no deputy" {
		t.Errorf("without a deputy: %+v", f)
	}
	if f := s.c84(two, setting.Value{Key: people.KeyDeputies, Bool: false, Confirmed: true}); f.State != control.Kept {
		t.Errorf("where no deputy is asked for: %+v", f)
	}
	s.appoint(people.Holder{Person: lead, Post: people.DeputySafeguardingLead})
	if f := s.c84(two); f.State != control.Broken {
		t.Errorf("the lead is nobody's deputy but their own: %+v", f)
	}
	s.appoint(people.Holder{Person: dep, Post: people.DeputySafeguardingLead, Until: monday.Add(30 * 24 * time.Hour)})
	if f := s.c84(two); f.State != control.Kept || f.Source != control.Measured {
		t.Errorf("all filled: %+v", f)
	}
	h, _ := s.PostsOf(s.ctx, head)
	h[0].Public = false
	if err := s.ChangePost(s.ctx, h[0]); err != nil {
		t.Fatal(err)
	}
	if f := s.c84(two); f.State != control.Broken {
		t.Errorf("nobody is named as head: %+v", f)
	}
	h, _ = s.PostsOf(s.ctx, head)
	h[0].Public, h[0].Until = true, monday.Add(5*24*time.Hour)
	if err := s.ChangePost(s.ctx, h[0]); err != nil {
		t.Fatal(err)
	}
	if f := s.c84(two); f.State != control.AtRisk {
		t.Errorf("the head's time ends this week: %+v", f)
	}
	s.clock.Advance(6 * 24 * time.Hour)
	if f := s.c84(two); f.State != control.Broken {
		t.Errorf("the head's time is over: %+v", f)
	}
}

func TestTheDefaultPostsAreRealOnes(t *testing.T) {
	s := newSchool(t)
	items := s.live.Current().Items(people.KeyRequired)
	if len(items) != 6 {
		t.Errorf("required by default: %v", items)
	}
	for _, i := range items {
		if _, ok := people.Post(i).Info(); !ok {
			t.Errorf("%s is no post", i)
		}
	}
}
