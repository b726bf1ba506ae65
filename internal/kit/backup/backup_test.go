package backup_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"belisha/internal/kit/backup"
	"belisha/internal/kit/blobs"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/control"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/kit/vault"
)

const schoolID = "4f1c2a90-0000-4000-8000-000000000001"

var schemas = []fs.FS{journal.Schema, vault.Schema, blobs.Schema, backup.Schema}

// school is a data folder in use.
type school struct {
	t     *testing.T
	dir   string
	db    *store.DB
	clock *clock.Fake
	vault *vault.Vault
	files *blobs.Store
	log   *journal.Journal
	deps  backup.Deps
	room  *backup.Room
}

func journalOf(db *store.DB, c clock.Clock, v *vault.Vault) (*journal.Journal, error) {
	return journal.New(journal.Deps{DB: db, Clock: c, Sealer: v, Protected: []journal.Protected{{Table: "blobs", Key: "id"}}})
}

func newSchool(t *testing.T, db *store.DB) *school {
	t.Helper()
	ctx := context.Background()
	s := &school{t: t, dir: t.TempDir(), db: db, clock: clock.NewFake(time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC))}
	key := filepath.Join(s.dir, "keys", "school.key")
	var err error
	s.vault, err = vault.Open(ctx, db, s.clock, vault.File(key))
	s.must(err)
	s.files, err = blobs.New(blobs.Deps{DB: db, Vault: s.vault, Clock: s.clock, Dir: filepath.Join(s.dir, "blobs")})
	s.must(err)
	s.log, err = journalOf(db, s.clock, s.vault)
	s.must(err)
	s.must(os.MkdirAll(filepath.Join(s.dir, "activity"), 0o700))
	s.must(os.WriteFile(filepath.Join(s.dir, "activity", "2026-11-22.db"), []byte("a closed day"), 0o600))
	book, err := setting.NewBook(backup.Settings())
	s.must(err)
	s.deps = backup.Deps{
		DB: db, Journal: s.log, Vault: s.vault, Clock: s.clock, Blobs: s.files, Schemas: schemas,
		Live: setting.NewLive(setting.NewValues(book, 0, nil)),
		Files: func(context.Context) ([]backup.File, error) {
			return []backup.File{{Name: "activity/2026-11-22.db", Path: filepath.Join(s.dir, "activity", "2026-11-22.db")}}, nil
		},
		Check:  s.check,
		Target: filepath.Join(s.dir, "backups"), Scratch: filepath.Join(s.dir, "scratch"), KeyFile: key,
		School: schoolID, Version: "test",
	}
	s.room, err = backup.New(s.deps)
	s.must(err)
	s.attach("a letter home")
	return s
}

func (s *school) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *school) check(ctx context.Context, db *store.DB, v *vault.Vault) (journal.Report, error) {
	j, err := journalOf(db, s.clock, v)
	if err != nil {
		return journal.Report{}, err
	}
	return j.Verify(ctx)
}

// attach keeps a file with a journal line that covers its row.
func (s *school) attach(text string) string {
	s.t.Helper()
	ctx := context.Background()
	b, err := s.files.Put(ctx, strings.NewReader(text))
	s.must(err)
	s.must(s.db.Write(ctx, func(tx *store.Tx) error {
		if err := s.files.Use(ctx, tx, b.ID, "letter", "1"); err != nil {
			return err
		}
		return s.log.Write(ctx, tx, journal.Entry{
			Verb: "letter.attached", Kind: "letter", ID: "1", After: text,
			Rows: []journal.Row{{Table: "blobs", ID: b.ID}},
		})
	}))
	return b.ID
}

func (s *school) run() backup.Result {
	s.t.Helper()
	res, err := s.room.Run(context.Background())
	s.must(err)
	return res
}

func (s *school) restore(to string, archive string) (backup.Restored, error) {
	school, err := s.vault.School()
	s.must(err)
	return backup.Restore{
		Archive: archive, Folder: to, School: school, Clock: s.clock, Schemas: schemas, Check: s.check,
		KeyFile: "keys/school.key",
	}.Do(context.Background())
}

func (s *school) path(res backup.Result) string { return filepath.Join(s.deps.Target, res.File) }

// control returns what C64 or C65 finds now.
func (s *school) control(number string) control.Finding {
	s.t.Helper()
	for _, c := range s.room.Controls() {
		if c.Number == number {
			f, err := c.Check(context.Background(), s.clock.Now(), s.deps.Live.Current())
			s.must(err)
			return f
		}
	}
	s.t.Fatalf("no control %s", number)
	return control.Finding{}
}

func TestABackupIsRestoredOnANewMachineFromTheRecoveryWords(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		s := newSchool(t, db)
		words, err := s.vault.RecoveryWords()
		s.must(err)
		secret, err := s.vault.Secret(ctx, "sessions")
		s.must(err)
		res := s.run()
		if res.Result != backup.Done || !res.Encrypted || res.Files != 3 || res.Seq != 1 {
			t.Errorf("the run says %+v", res)
		}
		raw, err := os.ReadFile(s.path(res))
		s.must(err)
		if int64(len(raw)) != res.Bytes {
			t.Errorf("%d bytes written, %d told", len(raw), res.Bytes)
		}
		for _, word := range []string{"letter", "closed day", "CREATE TABLE"} {
			if bytes.Contains(raw, []byte(word)) {
				t.Errorf("the backup can be read without a key: %q", word)
			}
		}

		key, err := vault.FromRecovery(words)
		s.must(err)
		folder := filepath.Join(t.TempDir(), "new")
		got, err := backup.Restore{
			Archive: s.path(res), Folder: folder, School: key, Clock: s.clock, Schemas: schemas,
			Check: s.check, KeyFile: "keys/school.key",
		}.Do(ctx)
		s.must(err)
		if got.School != schoolID || got.Files != 3 || got.Seq != 1 {
			t.Errorf("restored %+v", got)
		}
		again := storetest.Open(t, store.Config{File: filepath.Join(folder, "records.db")}, schemas...)
		v, err := vault.Open(ctx, again, s.clock, vault.File(filepath.Join(folder, "keys", "school.key")))
		s.must(err)
		if was, err := v.Secret(ctx, "sessions"); err != nil || !bytes.Equal(was, secret) {
			t.Errorf("the secret did not come back: %v", err)
		}
		day, err := os.ReadFile(filepath.Join(folder, "activity", "2026-11-22.db"))
		if err != nil || string(day) != "a closed day" {
			t.Errorf("the day file: %q, %v", day, err)
		}
		rep, err := s.check(ctx, again, v)
		if err != nil || !rep.OK || rep.Lines != 1 {
			t.Errorf("the journal: %+v, %v", rep, err)
		}
		left, err := os.ReadDir(filepath.Dir(folder))
		s.must(err)
		if len(left) != 1 {
			t.Errorf("left beside the restored folder: %v", left)
		}
	})
}

func TestABackupOpensWithAnyAgeProgram(t *testing.T) {
	s := newSchool(t, storetest.SQLite(t, schemas...))
	res := s.run()
	school, err := s.vault.School()
	s.must(err)
	id, err := backup.Identity(school)
	s.must(err)
	parsed, err := age.ParseX25519Identity(id.String())
	s.must(err)
	f, err := os.Open(s.path(res))
	s.must(err)
	defer func() { _ = f.Close() }()
	plain, err := age.Decrypt(f, parsed)
	s.must(err)
	if n, err := io.Copy(io.Discard, plain); err != nil || n == 0 {
		t.Errorf("%d bytes, %v", n, err)
	}
}

func TestABackupNeverHoldsTheSchoolKey(t *testing.T) {
	s := newSchool(t, storetest.SQLite(t, schemas...))
	linked := filepath.Join(s.dir, "activity", "innocent.db")
	s.must(os.Link(s.deps.KeyFile, linked))
	for _, path := range []string{s.deps.KeyFile, linked} {
		s.deps.Files = func(context.Context) ([]backup.File, error) {
			return []backup.File{{Name: "activity/day.db", Path: path}}, nil
		}
		room, err := backup.New(s.deps)
		s.must(err)
		if _, err := room.Run(context.Background()); err == nil || !strings.Contains(err.Error(), "school key") {
			t.Errorf("%s: %v", path, err)
		}
	}
	if all, err := s.room.List(); err != nil || len(all) != 0 {
		t.Errorf("a backup was left: %v, %v", all, err)
	}
}

func TestARestoreNeverWritesOverAnythingAndTellsAForeignKey(t *testing.T) {
	s := newSchool(t, storetest.SQLite(t, schemas...))
	res := s.run()
	taken := t.TempDir()
	s.must(os.WriteFile(filepath.Join(taken, "records.db"), []byte("mine"), 0o600))
	if _, err := s.restore(taken, s.path(res)); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("over a folder in use: %v", err)
	}
	if got, err := os.ReadFile(filepath.Join(taken, "records.db")); err != nil || string(got) != "mine" {
		t.Errorf("what was there: %q, %v", got, err)
	}
	empty := t.TempDir()
	if _, err := s.restore(empty, s.path(res)); err != nil {
		t.Errorf("into an empty folder: %v", err)
	}
	other := bytes.Repeat([]byte{7}, vault.KeySize)
	_, err := backup.Restore{
		Archive: s.path(res), Folder: filepath.Join(t.TempDir(), "x"), School: other, Clock: s.clock,
		Schemas: schemas, Check: s.check,
	}.Do(context.Background())
	if err == nil || !strings.Contains(err.Error(), "another school key") {
		t.Errorf("with another school's key: %v", err)
	}
	if _, err := s.restore(filepath.Join(t.TempDir(), "x"), filepath.Join(s.deps.Target, "none")); err == nil || !strings.Contains(err.Error(), "there is no backup") {
		t.Errorf("a backup that is not there: %v", err)
	}
}

func TestAChangedOrCutBackupIsNeverTaken(t *testing.T) {
	s := newSchool(t, storetest.SQLite(t, schemas...))
	res := s.run()
	raw, err := os.ReadFile(s.path(res))
	s.must(err)
	for name, bad := range map[string][]byte{
		"cut short by one byte": raw[:len(raw)-1],
		"cut in half":           raw[:len(raw)/2],
		"changed in the middle": change(raw, len(raw)/2),
		"changed at the end":    change(raw, len(raw)-1),
		"empty":                 {},
		"not a backup":          []byte("<!doctype html><title>Sign in</title>"),
	} {
		path := filepath.Join(t.TempDir(), res.File)
		s.must(os.WriteFile(path, bad, 0o600))
		folder := filepath.Join(t.TempDir(), "new")
		if _, err := s.restore(folder, path); err == nil {
			t.Errorf("%s: restored", name)
		}
		if _, err := os.Stat(folder); err == nil {
			t.Errorf("%s: left a folder", name)
		}
	}
	s.must(os.WriteFile(s.path(res), change(raw, len(raw)-1), 0o600))
	got, err := s.room.Verify(context.Background(), "", backup.KindVerify)
	if err == nil || got.Result != backup.Failed || !strings.Contains(got.Note, "changed since") {
		t.Errorf("verify of a changed backup: %+v, %v", got, err)
	}
	if f := s.control("C65"); f.State != control.Broken || !strings.Contains(f.Todo, "changed since") {
		t.Errorf("C65 after a failed restore: %+v", f)
	}
}

func change(raw []byte, at int) []byte {
	out := bytes.Clone(raw)
	out[at] ^= 1
	return out
}

func TestVerifyFindsAJournalThatWasRewrittenAndAFileThatIsGone(t *testing.T) {
	ctx := context.Background()
	t.Run("a protected row edited behind Belisha's back", func(t *testing.T) {
		s := newSchool(t, storetest.SQLite(t, schemas...))
		_, err := s.db.Writer().ExecContext(ctx, "UPDATE blobs SET bytes = 1")
		s.must(err)
		s.run()
		if res, err := s.room.Verify(ctx, "", backup.KindDrill); err == nil || !strings.Contains(res.Note, "journal does not hold") {
			t.Errorf("%+v, %v", res, err)
		}
	})
	t.Run("an attached file that is missing", func(t *testing.T) {
		s := newSchool(t, storetest.SQLite(t, schemas...))
		s.must(os.Remove(s.files.Path(s.attach("gone"))))
		s.run()
		if res, err := s.room.Verify(ctx, "", backup.KindDrill); err == nil || !strings.Contains(res.Note, "missing from the backup") {
			t.Errorf("%+v, %v", res, err)
		}
	})
	t.Run("an attached file that was changed", func(t *testing.T) {
		s := newSchool(t, storetest.SQLite(t, schemas...))
		path := s.files.Path(s.attach("changed"))
		raw, err := os.ReadFile(path)
		s.must(err)
		s.must(os.WriteFile(path, change(raw, len(raw)-1), 0o600))
		s.run()
		if res, err := s.room.Verify(ctx, "", backup.KindDrill); err == nil || !errors.Is(err, vault.ErrDamaged) {
			t.Errorf("%+v, %v", res, err)
		}
	})
}

func TestTheControlsSayWhatReallyHappened(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		s := newSchool(t, db)
		want := func(number string, state control.State) {
			t.Helper()
			if f := s.control(number); f.State != state {
				t.Errorf("%s is %q (%s; %s), want %q", number, f.State, f.Figure, f.Todo, state)
			}
		}
		want("C64", control.Broken)
		want("C65", control.Unknown)
		res := s.run()
		want("C64", control.Kept)
		want("C65", control.Unknown)
		if _, err := s.room.Verify(ctx, "", backup.KindDrill); err != nil {
			t.Fatal(err)
		}
		want("C65", control.Kept)
		s.clock.Advance(29 * time.Hour)
		want("C64", control.Broken)
		want("C65", control.Kept)
		s.run()
		want("C64", control.Kept)
		s.clock.Advance(110 * 24 * time.Hour)
		want("C65", control.Broken)
		s.clock.Set(res.Started.Add(-24 * time.Hour)) // the clock went back
		want("C64", control.Unknown)
		want("C65", control.Unknown)
		s.clock.Advance(27 * time.Hour)
		last := s.run()
		want("C64", control.Kept)
		s.must(os.Remove(s.path(last)))
		want("C64", control.Broken)
	})
}

func TestARestoreErasesAgainWhatWasErasedSince(t *testing.T) {
	s := newSchool(t, storetest.SQLite(t, schemas...))
	s.must(s.room.NoteErasure(backup.Erasure{Kind: "person", ID: "earlier", At: s.clock.Now().Add(-time.Hour)}))
	res := s.run()
	s.clock.Advance(time.Hour)
	s.must(s.room.NoteErasure(backup.Erasure{Kind: "person", ID: "p7"}))
	folder := filepath.Join(t.TempDir(), "new")
	if _, err := s.restore(folder, s.path(res)); err == nil || !strings.Contains(err.Error(), "1 erasures") {
		t.Errorf("with nobody to erase: %v", err)
	}
	if _, err := os.Stat(folder); err == nil {
		t.Error("it was restored all the same")
	}
	school, err := s.vault.School()
	s.must(err)
	var replayed []backup.Erasure
	q := backup.Restore{
		Archive: s.path(res), Folder: folder, School: school, Clock: s.clock, Schemas: schemas, Check: s.check,
		Replay: func(_ context.Context, where string, list []backup.Erasure) error {
			if _, err := os.Stat(filepath.Join(where, "records.db")); err != nil {
				return err
			}
			replayed = list
			return nil
		},
	}
	got, err := q.Do(context.Background())
	if err != nil || got.Erasures != 1 || len(replayed) != 1 || replayed[0].ID != "p7" {
		t.Errorf("%+v, replayed %+v, %v", got, replayed, err)
	}
	list := filepath.Join(s.deps.Target, "erasures.jsonl")
	f, err := os.OpenFile(list, os.O_APPEND|os.O_WRONLY, 0)
	s.must(err)
	_, err = f.WriteString(`{"at":"2026-11`)
	s.must(errors.Join(err, f.Close()))
	q.Folder = filepath.Join(t.TempDir(), "other")
	if _, err := q.Do(context.Background()); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("with a line of the list cut short: %v", err)
	}
}

func TestABackupMadeWhilePeopleWorkIsWhole(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, db *store.DB) {
		s := newSchool(t, db)
		ctx := context.Background()
		stop, ended := make(chan struct{}), make(chan error, 1)
		wrote := make(chan struct{}, 1)
		go func() {
			for {
				select {
				case <-stop:
					ended <- nil
					return
				default:
				}
				err := db.Write(ctx, func(tx *store.Tx) error {
					return s.log.Write(ctx, tx, journal.Entry{Verb: "letter.read", Kind: "letter", ID: "1"})
				})
				if err != nil {
					ended <- err
					return
				}
				select {
				case wrote <- struct{}{}:
				default:
				}
			}
		}()
		<-wrote
		for range 3 {
			res := s.run()
			if got, err := s.room.Verify(ctx, res.File, backup.KindVerify); err != nil || got.Seq != res.Seq || got.Seq < 2 {
				t.Errorf("%+v, %v", got, err)
			}
			s.clock.Advance(time.Second)
			<-wrote
		}
		close(stop)
		s.must(<-ended)
	})
}

func TestOneRunAtATimeAndResultsReadAsJSON(t *testing.T) {
	s := newSchool(t, storetest.SQLite(t, schemas...))
	inside := make(chan error, 1)
	s.deps.Files = func(context.Context) ([]backup.File, error) {
		_, err := s.room.Run(context.Background())
		inside <- err
		return nil, nil
	}
	var err error
	s.room, err = backup.New(s.deps)
	s.must(err)
	res, err := s.room.Run(context.Background())
	s.must(err)
	if err := <-inside; !errors.Is(err, backup.ErrBusy) {
		t.Errorf("a second run: %v", err)
	}
	data, err := json.Marshal(res)
	s.must(err)
	for _, key := range []string{`"kind":"run"`, `"result":"done"`, `"encrypted":true`, `"file":"belisha-4f1c2a90-20261123-080000-`} {
		if !strings.Contains(string(data), key) {
			t.Errorf("%s is not in %s", key, data)
		}
	}
}
