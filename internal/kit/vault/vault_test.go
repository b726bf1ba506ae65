package vault_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/clock"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/kit/vault"
)

var now = clock.NewFake(time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC))

func open(t *testing.T, db *store.DB, src vault.KeySource) *vault.Vault {
	t.Helper()
	v, err := vault.Open(context.Background(), db, now, src)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSealedTextOpensOnlyInItsOwnPlace(t *testing.T) {
	storetest.Each(t, []fs.FS{vault.Schema}, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		path := filepath.Join(t.TempDir(), "keys", "school.key")
		v := open(t, db, vault.File(path))
		at := vault.Place{Table: "subjects", Row: "1", Column: "person"}
		sealed, err := v.SealText(ctx, vault.Subjects, at, []byte("a child"))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(sealed, "child") {
			t.Error("the text can be read without the key")
		}
		again := open(t, db, vault.File(path)) // the next start
		if got, err := again.UnsealText(ctx, vault.Subjects, at, sealed); err != nil || string(got) != "a child" {
			t.Errorf("after a new start: %q, %v", got, err)
		}
		for name, place := range map[string]vault.Place{
			"another table":  {Table: "subject", Row: "1", Column: "person"},
			"another row":    {Table: "subjects", Row: "2", Column: "person"},
			"another column": {Table: "subjects", Row: "1", Column: "name"},
			"shifted parts":  {Table: "subjects1", Row: "", Column: "person"},
		} {
			if _, err := v.UnsealText(ctx, vault.Subjects, place, sealed); !errors.Is(err, vault.ErrDamaged) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := v.UnsealText(ctx, vault.CA, at, sealed); !errors.Is(err, vault.ErrDamaged) {
			t.Errorf("another purpose: %v", err)
		}
		for i := range len(sealed) {
			changed := []byte(sealed)
			changed[i] ^= 1
			if got, err := v.UnsealText(ctx, vault.Subjects, at, string(changed)); err == nil {
				t.Errorf("letter %d changed and it opened as %q", i, got)
			}
		}
	})
}

func TestTheJournalCanHaveItsDetailSealed(t *testing.T) {
	ctx := context.Background()
	v := open(t, storetest.SQLite(t, vault.Schema), vault.File(filepath.Join(t.TempDir(), "k")))
	var sealer journal.Sealer = v
	sealed, err := sealer.Seal(ctx, "journal", []byte("line 7"), []byte("what changed"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := sealer.Unseal(ctx, "journal", []byte("line 7"), sealed); err != nil || string(got) != "what changed" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := sealer.Unseal(ctx, "journal", []byte("line 8"), sealed); !errors.Is(err, vault.ErrDamaged) {
		t.Errorf("under another line: %v", err)
	}
	if _, err := sealer.Seal(ctx, "nothing", nil, nil); err == nil {
		t.Error("a purpose nobody declared was sealed")
	}
}

func TestTheKeyFileIsMadeOnceAndNeverMadeAnew(t *testing.T) {
	ctx := context.Background()
	db := storetest.SQLite(t, vault.Schema)
	path := filepath.Join(t.TempDir(), "keys", "school.key")
	v := open(t, db, vault.File(path))
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("key file: %v %v", info, err)
	}
	words, err := v.RecoveryWords()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	if _, err := vault.Open(ctx, db, now, vault.File(path)); !errors.Is(err, vault.ErrNoKey) {
		t.Errorf("with the key away: %v", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a new key was made over records sealed with another")
	}
	key, err := vault.FromRecovery(words)
	if err != nil {
		t.Fatal(err)
	}
	if err := vault.WriteKeyFile(path, key); err != nil {
		t.Fatal(err)
	}
	open(t, db, vault.File(path))

	other := filepath.Join(t.TempDir(), "other.key")
	if err := vault.WriteKeyFile(other, make([]byte, vault.KeySize)); err != nil {
		t.Fatal(err)
	}
	if _, err := vault.Open(ctx, db, now, vault.File(other)); !errors.Is(err, vault.ErrWrongKey) {
		t.Errorf("with another school's key: %v", err)
	}
	if err := os.WriteFile(other, []byte("not a key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := vault.Open(ctx, db, now, vault.File(other)); err == nil || !strings.Contains(err.Error(), "not a school key") {
		t.Errorf("with a file that is no key: %v", err)
	}
}

func TestAPassphraseOpensTheVaultAndAWrongOneDoesNot(t *testing.T) {
	ctx := context.Background()
	db := storetest.SQLite(t, vault.Schema)
	if _, err := vault.Open(ctx, db, now, vault.Passphrase("short")); err == nil || !strings.Contains(err.Error(), "too short") {
		t.Errorf("a short passphrase: %v", err)
	}
	v := open(t, db, vault.Passphrase("seven grey herons wading"))
	want, err := v.Secret(ctx, "sessions")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := vault.Open(ctx, db, now, vault.Passphrase("seven grey herons waiting")); !errors.Is(err, vault.ErrWrongKey) {
		t.Errorf("a wrong passphrase: %v", err)
	}
	locked := open(t, db, nil)
	if _, err := locked.Secret(ctx, "sessions"); !errors.Is(err, vault.ErrLocked) || !locked.Locked() {
		t.Errorf("a locked vault: %v", err)
	}
	if _, err := locked.Seal(ctx, vault.CA, nil, nil); !errors.Is(err, vault.ErrLocked) {
		t.Errorf("a locked vault sealed: %v", err)
	}
	if err := locked.Unlock(ctx, vault.Passphrase("seven grey herons wading")); err != nil {
		t.Fatal(err)
	}
	if got, err := locked.Secret(ctx, "sessions"); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the secret changed: %v", err)
	}
	if got, err := locked.Secret(ctx, "other"); err != nil || bytes.Equal(got, want) || len(got) != 32 {
		t.Errorf("another secret: %d bytes, %v", len(got), err)
	}
}

func TestADestroyedKeyErasesWhatItSealed(t *testing.T) {
	storetest.Each(t, []fs.FS{vault.Schema}, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		v := open(t, db, vault.File(filepath.Join(t.TempDir(), "k")))
		at := vault.Place{Table: "journal_details", Row: "7", Column: "body"}
		var sealed, other string
		err := db.Write(ctx, func(tx *store.Tx) error {
			for id, into := range map[string]*string{"7": &sealed, "8": &other} {
				k, err := v.NewKey(ctx, tx, id)
				if err != nil {
					return err
				}
				*into = k.Seal(at, []byte("what was said"))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		k, err := v.RecordKey(ctx, db, "7")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := k.Unseal(at, sealed); err != nil || string(got) != "what was said" {
			t.Fatalf("%q, %v", got, err)
		}
		if _, err := k.Unseal(at, other); !errors.Is(err, vault.ErrDamaged) {
			t.Errorf("one record's key opened another's text: %v", err)
		}
		for range 2 {
			if err := db.Write(ctx, func(tx *store.Tx) error { return v.DestroyKey(ctx, tx, "7") }); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := v.RecordKey(ctx, db, "7"); !errors.Is(err, vault.ErrDestroyed) {
			t.Errorf("after erasure: %v", err)
		}
		if _, err := v.RecordKey(ctx, db, "8"); err != nil {
			t.Errorf("the other record's key went too: %v", err)
		}
	})
}

func TestRecoveryWordsTellWhereTheSlipIs(t *testing.T) {
	key := make([]byte, vault.KeySize)
	for range 200 {
		if _, err := rand.Read(key); err != nil {
			t.Fatal(err)
		}
		words := vault.Words(key)
		got, err := vault.FromRecovery(strings.ToLower(strings.ReplaceAll(words, "-", " \n")))
		if err != nil || !bytes.Equal(got, key) {
			t.Fatalf("%s: %v", words, err)
		}
	}
	words := vault.Words(key)
	groups := strings.Split(words, "-")
	for i := range words {
		if words[i] == '-' {
			continue
		}
		for _, r := range "07AZ" {
			if byte(r) == words[i] {
				continue
			}
			slip := words[:i] + string(r) + words[i+1:]
			if _, err := vault.FromRecovery(slip); err == nil {
				t.Fatalf("a wrong letter at %d was not noticed", i)
			}
		}
		if i+1 < len(words) && words[i+1] != '-' && words[i] != words[i+1] {
			slip := words[:i] + string(words[i+1]) + string(words[i]) + words[i+2:]
			if _, err := vault.FromRecovery(slip); err == nil {
				t.Fatalf("letters changed over at %d were not noticed", i)
			}
		}
	}
	groups[2], groups[5] = groups[5], groups[2]
	if _, err := vault.FromRecovery(strings.Join(groups, "-")); err == nil || !strings.Contains(err.Error(), "group 3") {
		t.Errorf("groups changed over: %v", err)
	}
	for _, bad := range []string{"", "abc", strings.Repeat("A", 5000), "ééééé-" + words} {
		if _, err := vault.FromRecovery(bad); err == nil {
			t.Errorf("%.20q was read", bad)
		}
	}
}

func TestASealedFileOpensWholeOrNotAtAll(t *testing.T) {
	db := storetest.SQLite(t, vault.Schema)
	v := open(t, db, vault.File(filepath.Join(t.TempDir(), "k")))
	at := vault.Place{Table: "blobs", Row: "x", Column: "file"}
	for _, size := range []int{0, 1, 64*1024 - 1, 64 * 1024, 64*1024 + 1, 3 * 64 * 1024, 200_000} {
		plain := make([]byte, size)
		_, _ = rand.Read(plain)
		sealed := sealFile(t, v, at, plain)
		if got, err := openFile(v, at, sealed); err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("%d bytes: got %d, %v", size, len(got), err)
		}
		for _, cut := range []int{1, 16, 17, 64*1024 + 16, len(sealed) / 2} {
			if cut > len(sealed) {
				continue
			}
			if _, err := openFile(v, at, sealed[:len(sealed)-cut]); !errors.Is(err, vault.ErrDamaged) {
				t.Errorf("%d bytes cut by %d: %v", size, cut, err)
			}
		}
		for _, i := range []int{0, 20, 40, len(sealed) - 1} {
			changed := bytes.Clone(sealed)
			changed[i] ^= 1
			if _, err := openFile(v, at, changed); !errors.Is(err, vault.ErrDamaged) {
				t.Errorf("%d bytes changed at %d: %v", size, i, err)
			}
		}
		if _, err := openFile(v, at, append(bytes.Clone(sealed), 'x')); !errors.Is(err, vault.ErrDamaged) {
			t.Errorf("%d bytes with more after: %v", size, err)
		}
		if _, err := openFile(v, vault.Place{Table: "blobs", Row: "y", Column: "file"}, sealed); !errors.Is(err, vault.ErrDamaged) {
			t.Errorf("in another place: %v", err)
		}
	}
}

func TestChunksOfASealedFileCannotBeChangedOver(t *testing.T) {
	db := storetest.SQLite(t, vault.Schema)
	v := open(t, db, vault.File(filepath.Join(t.TempDir(), "k")))
	at := vault.Place{Table: "blobs", Row: "x", Column: "file"}
	sealed := sealFile(t, v, at, bytes.Repeat([]byte("ab"), 100_000))
	const head, chunk = 16 + 19, 64*1024 + 16
	a, b := bytes.Clone(sealed[head:head+chunk]), bytes.Clone(sealed[head+chunk:head+2*chunk])
	copy(sealed[head:], b)
	copy(sealed[head+chunk:], a)
	if _, err := openFile(v, at, sealed); !errors.Is(err, vault.ErrDamaged) {
		t.Errorf("chunks changed over: %v", err)
	}
}

func sealFile(t *testing.T, v *vault.Vault, at vault.Place, plain []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := v.SealWriter(&out, vault.Attachments, at)
	if err != nil {
		t.Fatal(err)
	}
	for len(plain) > 0 {
		n := min(len(plain), 50_001)
		if _, err := w.Write(plain[:n]); err != nil {
			t.Fatal(err)
		}
		plain = plain[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func openFile(v *vault.Vault, at vault.Place, sealed []byte) ([]byte, error) {
	r, err := v.OpenReader(bytes.NewReader(sealed), vault.Attachments, at)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

func TestWhoeverWritesMaySealWhileAnotherWaitsForANewSecret(t *testing.T) {
	storetest.Each(t, []fs.FS{vault.Schema}, func(t *testing.T, db *store.DB) {
		ctx, stop := context.WithTimeout(context.Background(), 10*time.Second)
		defer stop()
		v := open(t, db, vault.File(filepath.Join(t.TempDir(), "keys", "school.key")))
		made := make(chan error, 1)
		err := db.Write(ctx, func(*store.Tx) error {
			asks := make(chan struct{})
			go func() {
				close(asks)
				_, err := v.Secret(ctx, "subjects-2026")
				made <- err
			}()
			<-asks
			for range 50_000 { // long enough for the other to stand and wait
				if _, err := v.SealText(ctx, vault.Subjects, vault.Place{Table: "journal", Row: "1", Column: "detail"}, []byte("x")); err != nil {
					return err
				}
			}
			return ctx.Err()
		})
		if err != nil {
			t.Fatalf("the writer waited for whoever waited for it: %v", err)
		}
		if err := <-made; err != nil {
			t.Errorf("the secret: %v", err)
		}
	})
}
