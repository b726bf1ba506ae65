package backup_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/backup"
	"belisha/internal/kit/control"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store/storetest"
)

func TestAFailedRunLeavesTheOlderBackupsAndSaysWhy(t *testing.T) {
	s := newSchool(t, storetest.SQLite(t, schemas...))
	first := s.run()
	before, err := os.ReadFile(s.path(first))
	s.must(err)
	s.clock.Advance(24 * time.Hour)
	missing := filepath.Join(s.dir, "activity", "2026-11-23.db")
	s.deps.Files = func(context.Context) ([]backup.File, error) {
		return []backup.File{{Name: "activity/2026-11-23.db", Path: missing}}, nil
	}
	room, err := backup.New(s.deps)
	s.must(err)
	s.room = room
	res, err := room.Run(context.Background())
	if err == nil || res.Result != backup.Failed || !strings.Contains(res.Note, "2026-11-23") {
		t.Errorf("%+v, %v", res, err)
	}
	if f := s.control("C64"); f.State != control.AtRisk {
		t.Errorf("C64 after a failed try: %+v", f)
	}
	all, err := room.List()
	s.must(err)
	after, err := os.ReadFile(s.path(first))
	if err != nil || len(all) != 1 || !bytes.Equal(before, after) {
		t.Errorf("the older backup: %v, %v", all, err)
	}
	for _, dir := range []string{s.deps.Target, s.deps.Scratch} {
		entries, err := os.ReadDir(dir)
		s.must(err)
		for _, e := range entries {
			if e.Name() != first.File {
				t.Errorf("left in %s: %s", dir, e.Name())
			}
		}
	}
	lines, err := s.log.List(context.Background(), journal.Filter{Kind: "backup"})
	if err != nil || len(lines) != 2 || lines[0].Verb != backup.VerbFailed || lines[1].Verb != backup.VerbRan {
		t.Errorf("the journal: %+v, %v", lines, err)
	}
}

func TestAFileThatRetentionTookMeanwhileDoesNotStopABackup(t *testing.T) {
	s := newSchool(t, storetest.SQLite(t, schemas...))
	stays := backup.File{Name: "activity/2026-11-22.db", Path: filepath.Join(s.dir, "activity", "2026-11-22.db")}
	asked := 0
	s.deps.Files = func(context.Context) ([]backup.File, error) {
		if asked++; asked == 1 {
			return []backup.File{{Name: "activity/2026-08-01.db", Path: filepath.Join(s.dir, "activity", "2026-08-01.db")}, stays}, nil
		}
		return []backup.File{stays}, nil
	}
	room, err := backup.New(s.deps)
	s.must(err)
	res, err := room.Run(context.Background())
	if err != nil || res.Files != 3 {
		t.Errorf("%+v, %v", res, err)
	}
	if _, err := room.Verify(context.Background(), "", backup.KindVerify); err != nil {
		t.Error(err)
	}
}

func TestOldBackupsGoByTheKeepRule(t *testing.T) {
	s := newSchool(t, storetest.SQLite(t, schemas...))
	s.must(os.MkdirAll(s.deps.Target, 0o700))
	foreign := filepath.Join(s.deps.Target, "belisha-aaaaaaaa-20200101-000000-xxxx.belisha.age")
	s.must(os.WriteFile(foreign, []byte("another school's"), 0o600))
	half := filepath.Join(s.deps.Target, "belisha-4f1c2a90-20200101-000000-xxxx.belisha.age.partial")
	s.must(os.WriteFile(half, []byte("half"), 0o600))
	var made []backup.Result
	for range 4 {
		made = append(made, s.run())
		if len(made) == 1 {
			if _, err := s.room.Verify(context.Background(), "", backup.KindDrill); err != nil {
				t.Fatal(err)
			}
		}
		s.clock.Advance(20 * 24 * time.Hour)
	}
	all, err := s.room.List()
	s.must(err)
	var got []string
	for _, b := range all {
		got = append(got, b.File)
	}
	want := []string{made[3].File, made[2].File, made[0].File} // made[0] was proved
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("kept %v\nwant %v", got, want)
	}
	if _, err := os.Stat(foreign); err != nil {
		t.Errorf("another school's backup: %v", err)
	}
	if _, err := os.Stat(half); err == nil {
		t.Error("a half-written backup was left")
	}
}

func TestTheTaskBacksUpAndProvesAsOftenAsDecided(t *testing.T) {
	s := newSchool(t, storetest.SQLite(t, schemas...))
	ctx := context.Background()
	count := func() (runs, proofs int) {
		log, err := s.room.Log(ctx, 500)
		s.must(err)
		for _, r := range log {
			if r.Kind == backup.KindRun {
				runs++
			} else {
				proofs++
			}
		}
		return runs, proofs
	}
	ts := s.room.Tasks()
	for range 24 * 9 { // nine days, hour by hour
		for _, task := range ts {
			s.must(task.Run(ctx))
		}
		s.clock.Advance(time.Hour)
	}
	if runs, proofs := count(); runs != 9 || proofs != 1 {
		t.Errorf("%d backups and %d proofs in nine days", runs, proofs)
	}
}
