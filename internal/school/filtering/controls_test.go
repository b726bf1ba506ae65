package filtering_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/control"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/school/filtering"
	"belisha/internal/verdict"
)

// finding is what a control says now.
func (s *school) finding(slug string) control.Finding {
	s.t.Helper()
	for _, c := range s.room.Controls() {
		if c.Slug == slug {
			f, err := c.Check(context.Background(), s.clock.Now(), s.live.Current())
			must(s.t, err)
			return f
		}
	}
	s.t.Fatalf("there is no control %s", slug)
	return control.Finding{}
}

// stands checks a control's state and that its figure says something.
func (s *school) stands(slug string, want control.State, says string) {
	s.t.Helper()
	f := s.finding(slug)
	said := f.Figure
	for _, r := range f.Rows {
		said += "\n" + string(r.State) + ": " + r.What
	}
	if f.State != want || !strings.Contains(said, says) {
		s.t.Errorf("%s is %s, want %s with %q:\n%s", slug, f.State, want, says, said)
	}
}

// bring imports a list with a name of every category that ships closed.
func (s *school) bring() string {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), "gambling.txt")
	must(s.t, os.WriteFile(path, []byte(many(200, "bets.example")), 0o644))
	must(s.t, os.Chtimes(path, s.clock.Now().Add(-time.Hour), s.clock.Now().Add(-time.Hour)))
	_, err := s.room.Import(console(), filtering.Options{Path: path, Name: "bets", Category: "gambling"})
	must(s.t, err)
	return path
}

// bringRest imports lists of the other categories that bind everybody.
func (s *school) bringRest() {
	s.t.Helper()
	for _, c := range []string{"adult", "games", "malware", "phishing"} {
		path := filepath.Join(s.t.TempDir(), c+".txt")
		must(s.t, os.WriteFile(path, []byte(many(50, c+"-names.example")), 0o644))
		must(s.t, os.Chtimes(path, s.clock.Now().Add(-time.Hour), s.clock.Now().Add(-time.Hour)))
		_, err := s.room.Import(console(), filtering.Options{Path: path, Name: c, Category: c})
		must(s.t, err)
	}
}

func TestTheStarterListAloneIsNeverAGreenTick(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.stands("required-categories", control.Unknown, filtering.StarterSays)
		s.stands("lists-fresh", control.Unknown, filtering.StarterSays)
		if b := s.room.Banners(context.Background()); len(b) != 1 || !strings.Contains(b[0].Words, filtering.StarterSays) {
			t.Errorf("banners %+v", b)
		}
		s.bring()
		s.stands("required-categories", control.AtRisk, "adult, games, malware and phishing rest on the starter list alone")
		s.bringRest()
		s.stands("required-categories", control.Kept, "closed throughout")
		s.stands("lists-fresh", control.Kept, "5 lists, the oldest 1 hour old")
		if b := s.room.Banners(context.Background()); len(b) != 0 {
			t.Errorf("banners %+v", b)
		}
	})
}

func TestASiteThatAnEntryOpensIsSaidBesideTheGreenTick(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.confirmed()
		s.bring()
		s.bringRest()
		_, err := s.room.AddOwn(s.asManager(), filtering.Own{
			Text: "pokerstars.com", Act: verdict.Allow, Groups: []string{filtering.GroupStaff}, Ground: filtering.GroundWrong, Reason: "the maths lesson",
		})
		must(t, err)
		s.stands("required-categories", control.Kept, "the school's own entries open 1 site of them")
		s.stands("required-categories", control.Kept, "Staff: pokerstars.com stands in gambling, and an entry opens it")
	})
}

func TestListsGrowOld(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		path := s.bring()
		s.clock.Advance(4 * 24 * time.Hour)
		s.stands("lists-fresh", control.AtRisk, "4 days old")
		s.clock.Advance(4 * 24 * time.Hour)
		s.stands("lists-fresh", control.Broken, "8 days old")
		_, err := s.room.Update(console()) // the same old file does not make it fresh
		must(t, err)
		s.stands("lists-fresh", control.Broken, "8 days old")
		must(t, os.Chtimes(path, s.clock.Now(), s.clock.Now()))
		_, err = s.room.Update(console())
		must(t, err)
		s.stands("lists-fresh", control.Kept, "less than an hour old")
		must(t, os.WriteFile(path, []byte("<html>"), 0o644))
		if _, err := s.room.Update(console()); err == nil {
			t.Error("a page was taken for a list")
		}
		s.stands("lists-fresh", control.AtRisk, "the latest one was refused")
	})
}

func TestRulesThatDifferFromTheLogAreFound(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.stands("filter-changes-logged", control.Kept, "1 changes logged, version 1 in force")
		must(t, os.WriteFile(filepath.Join(s.dir, "rules", "1.rules"), []byte("{}"), 0o600))
		s.stands("filter-changes-logged", control.Broken, "cannot be read")
		s.stands("required-categories", control.Broken, "no rules in force that the filter would take")
		s.start() // it puts the newest version in force again
		s.stands("filter-changes-logged", control.Kept, "version 1 in force")
		must(t, s.db.Write(context.Background(), func(tx *store.Tx) error {
			_, err := tx.ExecContext(context.Background(), "UPDATE filter_changes SET what = 'nothing happened'")
			return err
		}))
		s.stands("filter-changes-logged", control.Broken, "The journal does not hold")
	})
}

func TestWhoChangesTheFilterIsHeldAgainstTheConfirmedList(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.stands("filter-changers-listed", control.Broken, "no list was ever confirmed")
		s.confirmed()
		_, err := s.room.AddOwn(s.asManager(), filtering.Own{Text: "one.example", Act: verdict.Block, Reason: "x"})
		must(t, err)
		s.stands("filter-changers-listed", control.Kept, "1 changes, 0 by somebody not on the list")
		s.clock.Advance(340 * 24 * time.Hour)
		s.stands("filter-changers-listed", control.AtRisk, "within 30 days")
		s.clock.Advance(30 * 24 * time.Hour)
		s.stands("filter-changers-listed", control.Broken, "longer ago")
	})
}

func TestAnUnlistedChangerIsFound(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.confirmed()
		must(t, s.db.Write(context.Background(), func(tx *store.Tx) error {
			_, err := tx.ExecContext(context.Background(), `INSERT INTO filter_changes (id, at, actor, kind, ref, what, was, becomes, reason, version)
				VALUES ('x', $1, 'person:stranger', 'own entry', '', 'something', '', '', '', 0)`, store.At(s.clock.Now()))
			return err
		}))
		s.stands("filter-changers-listed", control.Broken, "somebody who was not on the list: something")
	})
}

// door answers as a running filter that somebody reconfigured would.
type door struct {
	as  func(group, host string) string
	err error
}

func (d *door) SafeAs(_ context.Context, group, host string) (string, error) {
	if d.err != nil {
		return "", d.err
	}
	return d.as(group, host), nil
}

func TestSafeSearchIsAskedOfTheRunningFilter(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		f := s.finding("safe-search")
		if f.State != control.Kept || !strings.Contains(f.By, "was not asked") {
			t.Errorf("%s by %s: %s", f.State, f.By, f.Figure)
		}
		d := &door{as: func(group, host string) string {
			target, _ := s.room.Snapshot().SafeTarget(s.room.Snapshot().Names().GroupBit(group), host, s.clock.Now())
			return target
		}}
		s.deps.Prober = d
		s.start()
		s.stands("safe-search", control.Kept, "answered as the policy says")
		_, err := s.activate(1, map[string]string{"filtering.safesearch": "strict"}, s.value("filtering.youtube", "moderate", setting.Scope{Group: "staff"}))
		must(t, err)
		s.stands("safe-search", control.Kept, "Staff: www.youtube.com is answered as restrictmoderate.youtube.com")
		d.as = func(string, string) string { return "" }
		s.stands("safe-search", control.Broken, "must be answered as forcesafesearch.google.com")
		d.err = fmt.Errorf("asking: %w", filtering.ErrClosed)
		s.stands("safe-search", control.Kept, "Pupils: www.google.com is answered as forcesafesearch.google.com by the rules, and is closed for whoever is not known")
		d.err = errors.New("the filter does not answer")
		s.stands("safe-search", control.Unknown, "could not be asked")
	})
}
