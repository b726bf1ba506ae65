package filtering_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/store"
	"belisha/internal/school/filtering"
	"belisha/internal/verdict"
	"belisha/internal/verdict/snapfile"
)

// gcmSeal stands for the seal that house makes of the school key.
type gcmSeal struct{ cipher.AEAD }

func newSeal(t *testing.T) gcmSeal {
	t.Helper()
	key := make([]byte, 32)
	_, err := rand.Read(key)
	must(t, err)
	block, err := aes.NewCipher(key)
	must(t, err)
	a, err := cipher.NewGCM(block)
	must(t, err)
	return gcmSeal{a}
}

func (g gcmSeal) Seal(plain []byte) ([]byte, error) {
	nonce := make([]byte, g.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	return g.AEAD.Seal(nonce, nonce, plain, nil), nil
}

func (g gcmSeal) Open(sealed []byte) ([]byte, error) {
	if len(sealed) < g.NonceSize() {
		return nil, errors.New("too short")
	}
	return g.AEAD.Open(nil, sealed[:g.NonceSize()], sealed[g.NonceSize():], nil)
}

// licensedSchool is a school that has the key for licensed lists.
func licensedSchool(t *testing.T, db *store.DB) *school {
	s := open(t, db)
	s.deps.Licence = newSeal(t)
	s.start()
	return s.confirmed()
}

func supplied(title, form string) filtering.Licensed {
	return filtering.Licensed{Title: title, Supplier: "The Supplier", Subject: filtering.SubjectAbuse, Form: verdict.LicensedForm(form), Reason: "our contract"}
}

// The words by which entries would be found anywhere.
var licensedWords = []string{"zzqworst", "zzqhidden", "zzqpage", "zzqbroken"}

const licensedText = "zzqworst.example\nhttp://zzqhidden.example/zzqpage/One?id=7\n192.0.2.44\nco.uk\n10.0.0.0/8\n(zzqbroken\n"

func TestALicensedListIsInForceForEverybodyAndNothingLiftsIt(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.deps.Licence = newSeal(t)
		s.start()
		s.confirmed()
		s.wants("http://zzqworst.example/", "staff", "allow")
		// What the school wants open does not keep the list out.
		must(t, errOfMust(s.room.AddMust(s.asManager(), filtering.Must{URL: "zzqworst.example", Act: verdict.Allow, Reason: "a mistake"})))
		rep, err := s.room.ImportLicensed(s.asManager(), filtering.LicensedOptions{List: supplied("Supplier list", "plain"), Data: []byte(licensedText)})
		must(t, err)
		if rep.State != "imported" || rep.Entries != 3 || rep.Refused != 3 || len(rep.At) != 3 {
			t.Errorf("report %+v", rep)
		}
		for _, url := range []string{"http://zzqworst.example/", "https://www.zzqworst.example/x", "http://zzqhidden.example/zzqpage/one?id=7", "http://192.0.2.44/"} {
			s.wants(url, "staff", "block")
			s.wants(url, "pupils", "block")
		}
		s.wants("http://zzqhidden.example/zzqpage/", "staff", "allow")
		// An own entry does not open it.
		_, err = s.room.AddOwn(s.asManager(), filtering.Own{Text: "zzqworst.example", Act: verdict.Allow, Reason: "please", Ground: filtering.GroundWrong})
		if err == nil {
			s.wants("http://zzqworst.example/", "staff", "block")
		}
		a := s.decide("http://zzqworst.example/deep", "staff")
		if a.Reason != "locked" || strings.Contains(strings.Join(a.Steps, " "), "zzqworst") {
			t.Errorf("answer %+v", a)
		}
		says, err := s.room.LicensedSays(context.Background())
		must(t, err)
		if !strings.Contains(strings.Join(says, " "), "Supplier list of The Supplier (abuse images), 3 entries") || !strings.Contains(says[1], "No licensed list of terrorist material") {
			t.Errorf("says %q", says)
		}
		must(t, s.room.EndLicensed(s.asManager(), "supplier-list", "the contract is over"))
		s.wants("http://192.0.2.44/", "staff", s.decide("http://192.0.2.45/", "staff").Action)
		s.holds()
	})
}

func TestNoEntryOfALicensedListIsFoundInAnyFile(t *testing.T) {
	db := sqlite(t)
	s := licensedSchool(t, db)
	outside, err := os.MkdirTemp("", "belisha-licensed-*") // not below the folder that the test calls its own
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(outside)) })
	file := filepath.Join(outside, "list.txt")
	must(t, os.WriteFile(file, []byte(licensedText), 0o600))
	_, err = s.room.ImportLicensed(console(), filtering.LicensedOptions{List: supplied("Supplier list", "plain"), Path: file})
	must(t, err)
	// What is refused is not told either.
	rep, err := s.room.ImportLicensed(console(), filtering.LicensedOptions{List: supplied("Another", "plain"), Data: []byte("(zzqbroken\n")})
	if err == nil || strings.Contains(fmt.Sprint(rep, err), "zzq") {
		t.Errorf("%+v %v", rep, err)
	}
	rep, err = s.room.ImportLicensed(console(), filtering.LicensedOptions{List: supplied("Another", "plain"), Data: []byte("<html>zzqworst.example\n")})
	if err == nil || strings.Contains(fmt.Sprint(rep, err), "zzq") {
		t.Errorf("%+v %v", rep, err)
	}
	_, err = s.room.ImportLicensed(console(), filtering.LicensedOptions{List: supplied("Inside", "plain"), Path: inside(t, s)})
	if err == nil || !strings.Contains(err.Error(), "Belisha's own folder") {
		t.Errorf("a file in the data folder: %v", err)
	}
	folders := []string{s.dir, filepath.Dir(databaseFile(t, db))}
	n := 0
	for _, folder := range folders {
		must(t, filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() || filepath.Base(path) == "mine.txt" {
				return err
			}
			b, err := os.ReadFile(path)
			n++
			for _, w := range licensedWords {
				if bytes.Contains(b, []byte(w)) || bytes.Contains(b, []byte(hex.EncodeToString([]byte(w)))) {
					t.Errorf("%s holds %q", path, w)
				}
			}
			return err
		}))
	}
	if n < 4 {
		t.Errorf("only %d files were looked at", n)
	}
}

func inside(t *testing.T, s *school) string {
	t.Helper()
	path := filepath.Join(filepath.Dir(s.dir), "mine.txt")
	must(t, os.WriteFile(path, []byte("a.example\n"), 0o600))
	return path
}

func databaseFile(t *testing.T, db *store.DB) string {
	t.Helper()
	var n int
	var name, file string
	must(t, db.QueryRowContext(context.Background(), "PRAGMA database_list").Scan(&n, &name, &file))
	return file
}

func TestAHashedListFromAServerWithCredentials(t *testing.T) {
	s := licensedSchool(t, sqlite(t))
	digest := func(address string) string {
		sum := sha256.Sum256([]byte("pepper" + address))
		return hex.EncodeToString(sum[:])
	}
	text := digest("zzqworst.example/") + "\n" + strings.ToUpper(digest("zzqhidden.example/zzqpage")) + "\n" + digest("another.example/") + "\nnot a digest\n" + strings.Repeat("ab", 16) + "\n"
	asked, status := 0, http.StatusOK
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		user, password, _ := r.BasicAuth()
		if user != "school" || password != "s:cret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(text))
	}))
	t.Cleanup(srv.Close)
	s.deps.Roots = srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	s.start()
	secret := filepath.Join(t.TempDir(), "secret")
	must(t, os.WriteFile(secret, []byte("school:s:cret\n"), 0o600))
	l := supplied("Hashed", "sha256")
	l.URL, l.SecretFile, l.Private = srv.URL+"/list", secret, true
	if _, err := s.room.ImportLicensed(s.asManager(), filtering.LicensedOptions{List: l, Salt: []byte("pepper")}); err == nil || asked > 0 {
		t.Errorf("somebody on a page had a file of the machine told to a server: %v", err)
	}
	rep, err := s.room.ImportLicensed(console(), filtering.LicensedOptions{List: l, Salt: []byte("pepper")})
	must(t, err)
	if rep.Entries != 3 || rep.Refused != 2 {
		t.Errorf("report %+v", rep)
	}
	s.wants("http://www.zzqworst.example/", "staff", "block")
	s.wants("http://zzqhidden.example/ZZQpage/x", "staff", "block")
	s.wants("http://zzqhidden.example/", "staff", "allow")
	// It is asked for again each day, and a list that lost too much is refused.
	s.clock.Advance(25 * time.Hour)
	s.fetch()
	if asked != 2 {
		t.Errorf("asked %d times", asked)
	}
	text = digest("zzqworst.example/") + "\n"
	s.clock.Advance(25 * time.Hour)
	s.fetch()
	s.wants("http://zzqhidden.example/zzqpage", "staff", "block")
	status = http.StatusInternalServerError
	s.clock.Advance(4 * 24 * time.Hour)
	s.fetch()
	list, err := s.room.LicensedLists(context.Background())
	must(t, err)
	if len(list) != 1 || !list[0].Stale || list[0].Problem == "" || list[0].Entries != 3 || len(list[0].Digest) != 64 {
		t.Errorf("status %+v", list)
	}
	waits, err := s.room.Waiting(context.Background(), actor.From(s.asManager()))
	must(t, err)
	if len(waits) != 1 || waits[0].Title != "A licensed list is too old" {
		t.Errorf("waiting %+v", waits)
	}
	trouble, err := s.room.Trouble(context.Background())
	must(t, err)
	if len(trouble) != 1 || !strings.Contains(trouble[0], "Hashed") {
		t.Errorf("trouble %q", trouble)
	}
}

func TestWithoutTheKeyALicensedListIsRefusedAndSoAreItsRules(t *testing.T) {
	s := licensedSchool(t, sqlite(t))
	must(t, errOf(s.room.ImportLicensed(console(), filtering.LicensedOptions{List: supplied("List", "plain"), Data: []byte("zzqworst.example\n")})))
	if _, err := snapfile.NewLoader(s.dir, publicOf(s)).Load(); !errors.Is(err, snapfile.ErrSealed) {
		t.Errorf("a filter without the key took the rules: %v", err)
	}
	if _, err := snapfile.NewLoader(s.dir, publicOf(s)).Unsealing(newSeal(t).Open).Load(); err == nil {
		t.Error("a filter with another key took the rules")
	}
	s.deps.Licence = nil
	room, err := filtering.New(s.deps)
	must(t, err)
	if _, err := room.ImportLicensed(console(), filtering.LicensedOptions{List: supplied("More", "plain"), Data: []byte("a.example\n")}); err == nil || !strings.Contains(err.Error(), "school key") {
		t.Errorf("err = %v", err)
	}
}

func errOfMust(_ filtering.Must, err error) error { return err }

func publicOf(s *school) ed25519.PublicKey { return s.deps.Key.Public().(ed25519.PublicKey) }

func errOf(_ filtering.LicensedReport, err error) error { return err }

func TestOnlyHoldersBringLicensedListsIn(t *testing.T) {
	s := licensedSchool(t, sqlite(t))
	for name, ctx := range map[string]context.Context{"a teacher": s.as(s.other, filtering.MayRead), "nobody": actor.With(context.Background(), actor.New(actor.Actor{ID: "x", Kind: actor.Person}))} {
		if _, err := s.room.ImportLicensed(ctx, filtering.LicensedOptions{List: supplied("List", "plain"), Data: []byte("a.example\n")}); err == nil {
			t.Errorf("%s brought a licensed list in", name)
		}
		if err := s.room.EndLicensed(ctx, "list", "why"); err == nil {
			t.Errorf("%s ended a licensed list", name)
		}
	}
	for field, l := range map[string]filtering.Licensed{
		"title": {Supplier: "x", Subject: "abuse", Form: "plain", Reason: "y"}, "form": {Title: "a", Supplier: "x", Subject: "abuse", Form: "rot13", Reason: "y"},
		"subject": {Title: "a", Supplier: "x", Form: "plain", Reason: "y"}, "url": {Title: "a", Supplier: "x", Subject: "abuse", Form: "plain", Reason: "y", URL: "http://x.example/"},
	} {
		_, err := s.room.ImportLicensed(s.asManager(), filtering.LicensedOptions{List: l, Data: []byte("a.example\n")})
		var bad store.Invalid
		if !errors.As(err, &bad) || bad[field] == "" {
			t.Errorf("%s: %v", field, err)
		}
	}
}
