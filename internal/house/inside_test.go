package house_test

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"belisha/internal/house"
	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/school/access"
	"belisha/internal/school/filtering"
	"belisha/internal/school/people"
	"belisha/internal/verdict"
)

func TestTheFilterLearnsWhoAFileIsPermittedForAndNoName(t *testing.T) {
	h := open(t, house.Config{})
	system := actor.With(context.Background(), actor.Belisha("test"))
	if err := h.Filtering.Start(system); err != nil {
		t.Fatal(err)
	}
	add := func(k people.Kind, given string) people.ID {
		t.Helper()
		id, err := h.People.Add(system, people.Person{Kind: k, Given: given, Family: "Quill", Year: map[people.Kind]people.Year{people.Pupil: "7"}[k], Site: people.MainSite})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	ayo, bo, head := add(people.Pupil, "Ayo"), add(people.Pupil, "Bo"), add(people.Staff, "Cee")
	if _, err := h.People.Appoint(system, people.Holder{Person: head, Post: people.Headteacher, From: clock.System{}.Now().Add(-time.Hour)}); err != nil {
		t.Fatal(err)
	}
	as := func(id people.ID, a actor.Audience, may ...actor.Capability) context.Context {
		return actor.With(context.Background(), actor.New(actor.Actor{ID: "person:" + string(id), Person: string(id), Kind: actor.Person, Audience: a}, may...))
	}
	p, err := h.Filtering.AskPermit(as(ayo, actor.Pupil), "https://tools.example.org/setup.exe", filtering.Permit{Purpose: "For the maker club"}, netip.Addr{})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Filtering.GrantPermit(as(head, actor.Staff, filtering.MayPermit), p.ID, time.Hour); err != nil {
		t.Fatal(err)
	}
	permitted := func(id people.ID) bool {
		t.Helper()
		row, err := h.RowOf(system, access.Row{Address: netip.MustParseAddr("10.0.0.7"), Subject: "s1", Person: id, Groups: []string{"pupils"}, Ends: clock.System{}.Now().Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(row.Classes, func(c string) bool { return strings.Contains(c, string(id)) }) {
			t.Errorf("the filter is told who somebody is: %q", row.Classes)
		}
		snap := h.Filtering.Snapshot()
		ok, _ := snap.Permitted(&verdict.Ask{
			Host: p.Host, Path: p.Path, Groups: snap.Names().GroupBits(row.Groups), Classes: snap.Names().ClassNumbers(row.Classes), At: clock.System{}.Now(),
		}, "")
		return ok
	}
	if !permitted(ayo) || permitted(bo) {
		t.Errorf("whoever asked %t, somebody else %t", permitted(ayo), permitted(bo))
	}
}

func TestAFileIsTriedOutWithTheFiltersOwnEyes(t *testing.T) {
	h := open(t, house.Config{})
	if err := h.Filtering.Start(actor.With(context.Background(), actor.Belisha("test"))); err != nil {
		t.Fatal(err)
	}
	program := append([]byte("MZ"), make([]byte, 0x7e)...)
	program[0x3c] = 0x40
	copy(program[0x40:], "PE\x00\x00\x64\x86")
	w, err := h.TryContent(context.Background(), filtering.Sample{Name: "holiday.jpg", Body: append(program, make([]byte, 512)...)})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(w.Kinds, verdict.FileProgram) || w.Scan != "no virus scanner has been set up" {
		t.Errorf("a program called a picture: %+v", w)
	}
	if w, err = h.TryContent(context.Background(), filtering.Sample{Body: []byte("<p>A page about bees.</p>")}); err != nil || len(w.Kinds) != 0 || w.Score > 0 {
		t.Errorf("a page: %+v, %v", w, err)
	}
	in, err := h.Inside(context.Background())
	if err != nil || in.Known || in.Scanner {
		t.Errorf("of a filter that does not run: %+v, %v", in, err)
	}
}
