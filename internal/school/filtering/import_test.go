package filtering_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/school/filtering"
)

func console() context.Context {
	return actor.With(context.Background(), actor.New(actor.Actor{ID: "console:office", Kind: actor.Console}))
}

// tree writes a UT1 tree.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, []byte(text), 0o644))
		must(t, os.Chtimes(path, monday.Add(-time.Hour), monday.Add(-time.Hour)))
	}
	return dir
}

func many(n int, ending string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "site-%d.%s\n", i, ending)
	}
	return b.String()
}

func TestAnImportedTreeIsTakenUpAndMappedToOurCategories(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		dir := tree(t, map[string]string{
			"gambling/domains": many(200, "bets.example"), "redirector/domains": "way-round.example\nco.uk\n192.0.2.7\n", "redirector/urls": "co.uk/login\nplain.example/round\n",
			"sect/domains": "a-faith.example\n", "cooking/domains": "cakes.example\n", "learning-platforms/domains": "not-ours.example\n",
			"jobs/domains": "work.example\n", "jobs/usage": "white\n",
		})
		rep, err := s.room.Import(console(), filtering.Options{Path: dir, Name: "County list"})
		must(t, err)
		if rep.State != "imported" || rep.Source != "county-list" || rep.Invalid != 2 {
			t.Errorf("report %+v", rep)
		}
		var refused []string
		for _, f := range rep.Files {
			for _, l := range f.Refused {
				refused = append(refused, l.Text+": "+l.Reason)
			}
		}
		if len(refused) != 2 || !strings.Contains(refused[0], "co.uk: it is an ending") || !strings.Contains(refused[1], "co.uk/login: it is an ending") {
			t.Errorf("refused lines %q", refused)
		}
		s.wants("http://site-7.bets.example/", "staff", "block")
		s.wants("http://way-round.example/", "pupils", "block")
		s.wants("http://www.bbc.co.uk/", "pupils", "allow")
		for _, open := range []string{"a-faith.example", "cakes.example", "work.example", "not-ours.example"} {
			s.wants("http://"+open+"/", "pupils", "allow")
		}
		if a := s.decide("http://a-faith.example/", "pupils"); !slices.Equal(a.Categories, []string{"list-sect"}) {
			t.Errorf("categories %v", a.Categories)
		}
		if a := s.decide("http://not-ours.example/", "pupils"); !slices.Equal(a.Categories, []string{"list-learning-platforms"}) {
			t.Errorf("a list from outside got into an approved category: %v", a.Categories)
		}
		// Nothing is ever closed by who somebody is, not even on purpose.
		err = s.confirmed().room.SetCategory(s.asManager(), filtering.Override{Group: "pupils", Category: "list-sect", Reason: "no"})
		if err == nil || !strings.Contains(err.Error(), "Nothing is ever closed") {
			t.Errorf("err = %v", err)
		}
		s.holds()
	})
}

func TestAListThatIsNoListOrHasShrunkLeavesTheLastGoodOne(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		dir := t.TempDir()
		path := filepath.Join(dir, "gambling.txt")
		write := func(text string) { must(t, os.WriteFile(path, []byte(text), 0o644)) }
		write(many(1000, "bets.example"))
		_, err := s.room.Import(console(), filtering.Options{Path: path, Name: "bets", Category: "gambling"})
		must(t, err)
		for what, text := range map[string]string{
			"a web page": "<!DOCTYPE html><html><body>Please sign in</body></html>", "half of it": many(499, "bets.example"), "nothing": "\n\n# nothing\n",
		} {
			write(text)
			rep, err := s.room.Import(console(), filtering.Options{Path: path, Name: "bets", Category: "gambling"})
			var refused *filtering.Refused
			if rep.State != "refused" || !errors.As(err, &refused) || rep.Reason == "" {
				t.Errorf("%s was taken: %+v, %v", what, rep.State, err)
			}
			s.wants("http://site-999.bets.example/", "pupils", "block")
		}
		st, err := s.room.Show(context.Background(), "bets")
		must(t, err)
		if st.Problem == "" || st.Names != 1000 || !strings.Contains(st.Says, "last good") {
			t.Errorf("status %+v", st)
		}
		write(many(499, "bets.example"))
		_, err = s.room.Import(console(), filtering.Options{Path: path, Name: "bets", Category: "gambling", AllowShrink: true})
		must(t, err)
		s.wants("http://site-999.bets.example/", "pupils", "allow")
		write(many(500, "bets.example"))
		reps, err := s.room.Update(console())
		must(t, err)
		if len(reps) != 1 || reps[0].State != "imported" || reps[0].Names != 500 || reps[0].Previous != 499 {
			t.Errorf("update %+v", reps)
		}
		s.holds()
	})
}

func TestAnImportSaysWhatIsWrongWithWhatWasTyped(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		for _, x := range []struct {
			o    filtering.Options
			want string
		}{
			{filtering.Options{}, "which file"},
			{filtering.Options{Path: "x.txt", Format: "excel"}, "there is no format"},
			{filtering.Options{Path: "ftp://lists.example/x.txt"}, "must begin with https://"},
			{filtering.Options{Path: "http://lists.example/x.txt"}, "begins with http://"},
			{filtering.Options{Path: filepath.Join(t.TempDir(), "missing.txt")}, "missing.txt"},
			{filtering.Options{Path: "x", Name: "starter"}, "name of its own"},
		} {
			_, err := s.room.Import(console(), x.o)
			if err == nil || !strings.Contains(err.Error(), x.want) {
				t.Errorf("%+v: %v", x.o, err)
			}
		}
		if _, err := s.room.Import(s.as(s.other), filtering.Options{Path: "x.txt"}); err == nil {
			t.Error("somebody without status imported a list")
		}
	})
}

func TestRealListsAreTakenUp(t *testing.T) {
	shared := "../../../../shared/data/categories"
	if _, err := os.Stat(shared); err != nil {
		t.Skip("../shared not there")
	}
	each(t, func(t *testing.T, s *school) {
		begin := time.Now()
		rep, err := s.room.Import(console(), filtering.Options{Path: shared + "/ut1", Name: "UT1"})
		must(t, err)
		t.Logf("UT1: %d names, %d categories, %d invalid in %v", rep.Names, len(rep.Categories), rep.Invalid, time.Since(begin))
		name := firstOf(t, shared+"/ut1/games/domains.gz")
		s.wants("http://"+name+"/", "staff", "block")
		for _, cat := range []string{"sect", "associations_religieuses", "sexual_education", "liste_bu", "jobsearch"} {
			if name := firstOf(t, shared+"/ut1/"+cat+"/domains.gz"); name != "" {
				if a := s.decide("http://"+name+"/", "pupils"); a.Action != "allow" && slices.Contains([]string{"list-" + cat}, a.Category) {
					t.Errorf("%s is closed by %s", name, a.Category)
				}
			}
		}
		rep, err = s.room.Import(console(), filtering.Options{Path: shared + "/hosts/blp-piracy.hosts.gz", Category: "piracy"})
		must(t, err)
		if rep.Names < 100 {
			t.Errorf("names %d", rep.Names)
		}
		s.wants("https://www.childline.org.uk/", "pupils", "allow")
		s.holds()
	})
}

func firstOf(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	must(t, err)
	buf := make([]byte, 4096)
	n, _ := z.Read(buf)
	for _, l := range strings.Split(string(buf[:n]), "\n") {
		if strings.Contains(l, ".") && !strings.ContainsAny(l, "0123456789/ ") {
			return strings.TrimSpace(l)
		}
	}
	return ""
}

func TestTheNightlyTaskTakesOnlyNewerListsAndLeavesAMissingPathAlone(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		path := s.bring()
		nightly := func() error {
			for _, task := range s.room.Tasks() {
				if task.Name == "filter-lists" {
					return task.Run(context.Background())
				}
			}
			t.Fatal("there is no such task")
			return nil
		}
		before, err := s.room.Number(context.Background())
		must(t, err)
		must(t, nightly())
		must(t, os.Rename(path, path+".away"))
		must(t, nightly())
		after, err := s.room.Number(context.Background())
		must(t, err)
		if before != after {
			t.Errorf("nothing is newer, and number %d became %d", before, after)
		}
		must(t, os.Rename(path+".away", path))
		must(t, os.WriteFile(path, []byte(many(300, "bets.example")), 0o644))
		s.clock.Advance(24 * time.Hour)
		must(t, os.Chtimes(path, s.clock.Now(), s.clock.Now()))
		must(t, nightly())
		s.wants("http://site-299.bets.example/", "pupils", "block")
	})
}

func TestAListTakenOutOfUseIsNotAsked(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.bring()
		s.confirmed()
		s.wants("http://site-7.bets.example/", "pupils", "block")
		must(t, s.room.SwitchList(s.asManager(), "bets", false, "it names the wrong sites"))
		s.wants("http://site-7.bets.example/", "pupils", "allow")
		must(t, s.room.SwitchList(s.asManager(), "bets", true, "mended"))
		s.wants("http://site-7.bets.example/", "pupils", "block")
		s.holds()
	})
}
