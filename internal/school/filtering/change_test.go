package filtering_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/journal"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/school/filtering"
	"belisha/internal/verdict"
)

func TestOnlyAConfirmedHolderChangesTheFilterAndAttemptsAreWrittenDown(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		entry := filtering.Own{Text: "example.org", Act: verdict.Block, Reason: "a trial"}
		for who, ctx := range map[string]context.Context{
			"the head":                       s.asHead(),
			"a teacher":                      s.as(s.other, filtering.MayRead),
			"a manager not confirmed":        s.asManager(),
			"the console":                    console(),
			"an account with the right only": s.as(s.other, filtering.MayChange),
		} {
			if _, err := s.room.AddOwn(ctx, entry); err == nil {
				t.Errorf("%s changed the filter", who)
			}
		}
		s.confirmed()
		if _, err := s.room.AddOwn(s.as(s.other, filtering.MayChange), entry); err == nil {
			t.Error("somebody who is not on the list changed the filter")
		}
		_, err := s.room.AddOwn(s.asManager(), entry)
		must(t, err)
		s.wants("example.org", "staff", "block")
		lines, err := s.journal.List(context.Background(), journal.Filter{Verbs: []journal.Verb{filtering.VerbRefused}})
		must(t, err)
		if len(lines) != 6 {
			t.Errorf("%d attempts are written down, want 6", len(lines))
		}
		if err := s.room.ConfirmHolders(s.asManager(), nil); !errors.Is(err, store.ErrForbidden) {
			t.Errorf("a manager confirmed themself: %v", err)
		}
		s.holds()
	})
}

func TestNoEntrySaysThatAHelpServiceIsClosed(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.confirmed()
		for _, text := range []string{"childline.org.uk", "www.childline.org.uk/get-support", "=samaritans.org", "iwf.org.uk"} {
			_, err := s.room.AddOwn(s.asManager(), filtering.Own{Text: text, Act: verdict.Block, Reason: "a trial", Groups: []string{"pupils"}})
			var refused *filtering.Refused
			if !errors.As(err, &refused) || !strings.Contains(refused.Words, "nothing closes it") {
				t.Errorf("%s: %v", text, err)
			}
		}
	})
}

func TestAnEntryIsForWhatWasWrittenAndNoMore(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.confirmed()
		for text, want := range map[string]string{
			"https://example.com/page?u=http://other.example/": "example.com/page?u=http://other.example",
			"www.example.net/Page":                             "example.net/page",
			"http://b%C3%BCcher.example/":                      "xn--bcher-kva.example",
			`https:\\example.info\x`:                           "example.info/x",
			"http://0xc6336407/":                               "198.51.100.7",
		} {
			o, err := s.room.AddOwn(s.asManager(), filtering.Own{Text: text, Act: verdict.Block, Reason: "a trial"})
			if err != nil || o.Text != want {
				t.Errorf("%s is kept as %q (%v), want %q", text, o.Text, err, want)
			}
		}
		s.wants("http://other.example/", "pupils", "allow")
		must(t, s.room.SetCategory(s.asManager(), filtering.Override{Group: "pupils", Category: "shopping", Act: verdict.Block, Reason: "a trial"}))
		o, err := s.room.AddOwn(s.asManager(), filtering.Own{Text: "https://www.amazon.co.uk/books/", Act: verdict.Allow, Reason: "a trial", Ground: filtering.GroundApproved, ApprovedBy: "the head"})
		if err != nil || o.Text != "www.amazon.co.uk/books" {
			t.Fatalf("%q, %v", o.Text, err)
		}
		s.wants("http://www.amazon.co.uk/books/1", "pupils", "allow")
		s.wants("http://other.amazon.co.uk/books/1", "pupils", "block")
		s.holds()
	})
}

func TestWhatThePolicyClosesIsOpenedOnlyOnAGround(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.confirmed()
		_, err := s.activate(1, map[string]string{"filtering.pupils.block": "shopping, social networks", "filtering.required": "gambling"})
		must(t, err)
		refusedBy := func(o filtering.Own) string {
			_, err := s.room.AddOwn(s.asManager(), o)
			var refused *filtering.Refused
			if !errors.As(err, &refused) {
				t.Errorf("%s: %v, want a refusal", o.Text, err)
				return ""
			}
			return refused.Clause
		}
		shop := filtering.Own{Text: "amazon.co.uk", Act: verdict.Allow, Groups: []string{"pupils"}, Reason: "wanted"}
		if c := refusedBy(shop); c != "filter.1" {
			t.Errorf("the clause is %q", c)
		}
		shop.Ground, shop.ApprovedBy = filtering.GroundApproved, "the local authority"
		_, err = s.room.AddOwn(s.asManager(), shop)
		must(t, err)
		s.wants("amazon.co.uk", "pupils", "allow")
		bet := filtering.Own{Text: "bet365.com", Act: verdict.Allow, Reason: "wanted", Ground: filtering.GroundApproved, ApprovedBy: "somebody"}
		refusedBy(bet)
		bet.Ground = filtering.GroundWrong
		_, err = s.room.AddOwn(s.asManager(), bet)
		must(t, err)
		err = s.room.SetCategory(s.asManager(), filtering.Override{Group: "pupils", Category: "shopping", Act: verdict.Allow, Reason: "wanted"})
		var refused *filtering.Refused
		if !errors.As(err, &refused) || refused.Clause != "filter.1" {
			t.Errorf("a category of the policy was opened: %v", err)
		}
		must(t, s.room.SetCategory(s.asManager(), filtering.Override{Group: "pupils", Category: "news", Act: verdict.Block, Reason: "exams"}))
		s.wants("https://www.bbc.co.uk/news", "pupils", "block")
		s.holds()
	})
}

func TestADecisionAboutACategoryStopsCountingWhenThePolicyDecides(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.confirmed()
		must(t, s.room.SetCategory(s.asManager(), filtering.Override{Group: "pupils", Category: "shopping", Act: verdict.Allow, Reason: "a safe default"}))
		s.wants("amazon.co.uk", "pupils", "allow")
		if err := s.room.SetCategory(s.asManager(), filtering.Override{Group: "pupils", Category: "gambling", Act: verdict.Allow, Reason: "no"}); err == nil {
			t.Error("what nobody may open was opened")
		}
		_, err := s.activate(1, map[string]string{"filtering.pupils.block": "shopping"})
		must(t, err)
		s.wants("amazon.co.uk", "pupils", "block")
	})
}

func TestAChangeThatWouldBreakTheMustListIsRefusedAndChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.confirmed()
		_, err := s.room.AddMust(s.asManager(), filtering.Must{URL: "https://www.bbc.co.uk/news", Group: "pupils", Act: verdict.Allow, Reason: "used in every lesson"})
		must(t, err)
		before, err := s.room.Number(context.Background())
		must(t, err)
		_, err = s.room.AddOwn(s.asManager(), filtering.Own{Text: "bbc.co.uk", Act: verdict.Block, Reason: "a mistake"})
		var refused *filtering.Refused
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), "bbc.co.uk/news must be allowed for pupils") {
			t.Errorf("err = %v", err)
		}
		if _, err := s.activate(1, map[string]string{"filtering.pupils.block": "news"}); !errors.As(err, &refused) {
			t.Errorf("a policy that breaks the must list came into force: %v", err)
		}
		after, err := s.room.Number(context.Background())
		must(t, err)
		if before != after {
			t.Errorf("number %d became %d", before, after)
		}
		s.wants("https://www.bbc.co.uk/news", "pupils", "allow")
		s.holds()
	})
}

func TestGoingBackIsANewVersionWithTheOldDecisions(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.confirmed()
		a, err := s.room.AddOwn(s.asManager(), filtering.Own{Text: "one.example", Act: verdict.Block, Reason: "first"})
		must(t, err) // version 2
		must(t, s.room.EndOwn(s.asManager(), a.ID, "over"))
		_, err = s.room.AddOwn(s.asManager(), filtering.Own{Text: "two.example", Act: verdict.Block, Reason: "second"})
		must(t, err)
		_, err = s.activate(1, map[string]string{"filtering.staff.block": "shopping"})
		must(t, err)
		s.clock.Advance(time.Hour)
		must(t, s.room.RollBack(s.asManager(), 2, "the second was a mistake"))
		s.wants("one.example", "pupils", "block")
		s.wants("two.example", "pupils", "allow")
		s.wants("amazon.co.uk", "staff", "block") // the policy's decision stays
		if err := s.room.RollBack(s.asManager(), 99, "there is none"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("err = %v", err)
		}
		s.holds()
	})
}

func TestTwoChangesPreparedAtOnceDoNotOverwriteEachOther(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.confirmed()
		next := setting.NewValues(s.book, 1, []setting.Value{s.value("filtering.pupils.block", "news", setting.Scope{})})
		step, err := s.room.Prepare(s.asHead(), next)
		must(t, err)
		_, err = s.room.AddOwn(s.asManager(), filtering.Own{Text: "one.example", Act: verdict.Block, Reason: "first"})
		must(t, err)
		err = s.db.Write(s.asHead(), func(tx *store.Tx) error { return step.Commit(s.asHead(), tx) })
		if !errors.Is(err, store.ErrStale) {
			t.Errorf("err = %v", err)
		}
		s.wants("one.example", "pupils", "block")
	})
}

func TestDevicesSayWhereAnAddressIs(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.confirmed()
		_, err := s.room.SaveDevice(s.asManager(), filtering.Device{Label: "Library", Addresses: []string{"10.0.4.0/24"}, Group: "pupils", Place: "library"})
		must(t, err)
		d, err := s.room.SaveDevice(s.asManager(), filtering.Device{Label: "Lab", Addresses: []string{"10.0.4.9"}, Group: "pupils", Place: "lab"})
		must(t, err)
		for addr, want := range map[string]string{"10.0.4.8": "library", "10.0.4.9": "lab", "10.0.5.1": ""} {
			if got := s.room.PlaceOf(netip.MustParseAddr(addr)); got != want {
				t.Errorf("%s is at %q, want %q", addr, got, want)
			}
		}
		if s.changed == 0 {
			t.Error("nobody was told")
		}
		must(t, s.room.RemoveDevice(s.asManager(), d.ID, d.Version))
		if got := s.room.PlaceOf(netip.MustParseAddr("10.0.4.9")); got != "library" {
			t.Errorf("a removed device still counts: %q", got)
		}
		if err := s.room.RemoveDevice(s.asManager(), d.ID, d.Version); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("err = %v", err)
		}
		s.holds()
	})
}

func TestAnEntryEndsByTheClock(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.confirmed()
		_, err := s.room.AddOwn(s.asManager(), filtering.Own{Text: "one.example", Act: verdict.Block, Reason: "today", Until: monday.Add(time.Hour)})
		must(t, err)
		s.wants("one.example", "pupils", "block")
		s.clock.Advance(2 * time.Hour)
		s.wants("one.example", "pupils", "allow")
		must(t, s.room.Refresh(context.Background()))
		s.wants("one.example", "pupils", "allow")
	})
}

func TestWrongEntriesGetASentence(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.confirmed()
		for entry, want := range map[string]string{
			"": "cannot be used", "com": "cannot be used", "0.0.0.0/0": "too wide", "co.uk": "whole ending", "https://": "cannot be used", "exa mple.org": "cannot be used", strings.Repeat("a", 600) + ".org": "at most",
		} {
			_, err := s.room.AddOwn(s.asManager(), filtering.Own{Text: entry, Act: verdict.Block, Reason: "x"})
			var bad store.Invalid
			if !errors.As(err, &bad) || !strings.Contains(bad["entry"], want) {
				t.Errorf("%.20q: %v, want %q", entry, err, want)
			}
		}
		for _, entry := range []string{"https://Example.ORG/Page/", "=www.example.org", "*.example.net", "192.0.2.0/24", "ｅｘａｍｐｌｅ.info"} {
			if _, err := s.room.AddOwn(s.asManager(), filtering.Own{Text: entry, Act: verdict.Block, Reason: "x"}); err != nil {
				t.Errorf("%q: %v", entry, err)
			}
		}
		s.wants("https://example.org/page/1", "pupils", "block")
		s.wants("https://example.org/other", "pupils", "allow")
		s.wants("http://192.0.2.9/", "staff", "block")
	})
}

func TestAnEditAmongTenThousandEntriesTakesLessThanASecond(t *testing.T) {
	s := open(t, sqlite(t)).confirmed()
	edit := func(text string) time.Duration {
		begin := time.Now()
		_, err := s.room.AddOwn(s.asManager(), filtering.Own{Text: text, Act: verdict.Block, Reason: "timed"})
		must(t, err)
		return time.Since(begin)
	}
	alone := edit("alone.example")
	fill(t, s, 10_000)
	took := edit("one.example")
	t.Logf("one edit alone: %v; among 10,000 entries: %v", alone, took)
	if took > 5*time.Second && took > 50*alone { // a second on a quiet machine; a busy one is slow at both
		t.Errorf("it took %v, and %v alone", took, alone)
	}
	s.wants("site-9999.example", "pupils", "block")
	s.wants("one.example", "pupils", "block")
}

// fill puts entries straight into the table, as a roll back of a large school
// would.
func fill(t *testing.T, s *school, n int) {
	t.Helper()
	must(t, s.db.Write(s.asManager(), func(tx *store.Tx) error {
		rows := make([]journal.Row, 0, n)
		for i := range n {
			id := fmt.Sprintf("0ENTRY%020d", i)
			_, err := tx.ExecContext(context.Background(), `INSERT INTO filter_own (id, entry, act, groups_in, stages_in, places_in, days_in, window_in, from_at, until_at,
				reason, ground, approved_by, added_at, added_by, ended_at, ended_by) VALUES ($1, $2, 'block', 'pupils', '', '', '', '', 0, 0, 'many', '', '', 1, 'system:test', 0, '')`,
				id, fmt.Sprintf("site-%d.example", i))
			if err != nil {
				return err
			}
			rows = append(rows, journal.Row{Table: "filter_own", ID: id})
		}
		return s.journal.Write(s.asManager(), tx, journal.Entry{Verb: filtering.VerbChanged, Kind: "filter", ID: "many", Rows: rows})
	}))
}
