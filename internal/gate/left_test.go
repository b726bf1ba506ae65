package gate

import (
	"context"
	"testing"
	"time"

	"belisha/internal/gate/gatetest"
	"belisha/internal/gate/subject"
	"belisha/internal/kit/clock"
	"belisha/internal/verdict"
)

func TestSigningOutIsNoWayOutOfAPause(t *testing.T) {
	s := newSchool(t)
	r := gatetest.Rules()
	r.Classes = []string{"class:3A", "class:7B"}
	now := clock.System{}.Now()
	r.Focuses = []verdict.Focus{{
		ID: "p1", Who: verdict.Who{Groups: []string{"pupils"}, Classes: []string{"class:7B"}},
		Span: verdict.Span{From: now.Add(-time.Minute).UnixMilli(), Until: now.Add(time.Hour).UnixMilli()},
	}}
	s.publish(t, r)
	st, c, _ := s.run(t)
	push := func(p subject.Push) {
		t.Helper()
		if err := c.Push(context.Background(), p); err != nil {
			t.Fatal(err)
		}
	}
	is := func(when string, want int) {
		t.Helper()
		if got, _ := s.get(t, st, "ok.test"); got != want {
			t.Errorf("%s: %d, want %d", when, got, want)
		}
	}
	of := func(class string) func(*subject.Row) { return func(r *subject.Row) { r.Classes = []string{class} } }
	is("nobody", 200)
	push(subject.Push{Number: 1, Rows: []subject.Row{s.person("mia", of("class:7B"))}})
	is("of the class", 403)
	push(subject.Push{Number: 2, Gone: []string{"mia"}})
	is("signed out", 403)
	push(subject.Push{Number: 3, Rows: []subject.Row{s.person("sol", of("class:3A"))}})
	is("of another class", 200)
	push(subject.Push{Number: 4, Gone: []string{"sol"}})
	is("who has left too", 403)
	push(subject.Push{Number: 5, Full: true})
	is("told everything anew", 403)
	r.Focuses = nil
	s.publish(t, r)
	if err := c.Reload(context.Background()); err != nil {
		t.Fatal(err)
	}
	is("the lesson is over", 200)
}
