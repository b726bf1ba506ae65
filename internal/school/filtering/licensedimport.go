package filtering

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/fetch"
	"belisha/internal/kit/store"
	"belisha/internal/verdict"
	"belisha/internal/verdict/lists"
	"belisha/internal/verdict/segment"
	"belisha/internal/verdict/snapfile"
)

// maxLicensedFile bounds a supplier's file. It is only ever in memory.
const maxLicensedFile = 64 << 20

// LicensedOptions say which licensed list to bring in and how. One of Data,
// Path and List.URL gives the file.
type LicensedOptions struct {
	List Licensed
	Salt []byte
	Data []byte
	Path string
	// AllowShrink: somebody has asked the supplier, and it has really lost so
	// much.
	AllowShrink bool
}

// LicensedReport is what bringing a licensed list in did. It never has a line
// of it.
type LicensedReport struct {
	ID       string `json:"id"`
	Title    string `json:"title"`
	State    string `json:"state"` // imported, refused, unchanged
	Reason   string `json:"reason,omitempty"`
	Entries  int64  `json:"entries"`
	Previous int64  `json:"previous"`
	Lines    int    `json:"lines"`
	Refused  int    `json:"refused"`
	// At are the first lines that could not be used, by number alone.
	At     []int  `json:"refused_lines,omitempty"`
	Digest string `json:"sha256,omitempty"`
}

// ImportLicensed takes a licensed list up. The file is read in memory, and what
// is kept of it is a keyed digest of each entry.
func (r *Room) ImportLicensed(ctx context.Context, o LicensedOptions) (LicensedReport, error) {
	rep := LicensedReport{Title: strings.TrimSpace(o.List.Title), State: stateRefused}
	if err := r.mayImport(ctx, "import the licensed list "+rep.Title); err != nil {
		return rep, err
	}
	if r.d.Licence == nil {
		return rep, errNoLicence
	}
	if err := o.List.check(); err != nil {
		return rep, err
	}
	// Whoever names a file to be told to a server could have any file of this
	// machine told to one of his own.
	if o.List.SecretFile != "" && actor.From(ctx).Kind == actor.Person {
		return rep, &Refused{Words: "a file with credentials is named at the machine itself, with belisha lists licensed"}
	}
	rep.ID = o.List.ID
	r.fetching.Lock()
	defer r.fetching.Unlock()
	have, err := getLicensed(ctx, r.d.DB, rep.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return rep, err
	}
	if len(o.Salt) > 256 {
		return rep, store.Invalid{"salt": "A salt has at most 256 bytes."}
	}
	if o.List.Salt, err = r.sealSalt(o.Salt); err != nil {
		return rep, err
	}
	if o.List.Version = have.Version; have.live() {
		rep.Previous = have.Entries
	}
	err = r.bringLicensed(ctx, o, have, &rep)
	if err != nil {
		rep.Reason = err.Error()
	}
	return rep, errors.Join(err, r.licensedTried(ctx, rep, err))
}

// bringLicensed gets the file and takes it up.
func (r *Room) bringLicensed(ctx context.Context, o LicensedOptions, have Licensed, rep *LicensedReport) error {
	data, dated, err := r.licensedFile(ctx, o)
	defer clear(data)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	rep.Digest = hex.EncodeToString(sum[:])
	if have.live() && have.Digest == rep.Digest && have.Segment != "" && r.sameTerms(o.List, have, o.Salt) {
		rep.State, rep.Entries = stateUnchanged, have.Entries
		return nil
	}
	l := o.List
	l.Digest, l.DatedAt = rep.Digest, dated
	if l.Segment, l.Entries, err = r.buildLicensed(ctx, data, l, o.Salt, rep); err != nil {
		return err
	}
	rep.Entries = l.Entries
	limit := r.d.Live.Current().Int(keyShrink)
	if have.live() && !o.AllowShrink && lost(have.Entries, l.Entries) > limit {
		return &Refused{Words: fmt.Sprintf("it has %d entries and the last good one had %d: it lost more than %d %%. The last good list stays. If the supplier says that it is right, import it with --allow-shrink", l.Entries, have.Entries, limit)}
	}
	if err := r.takeLicensed(ctx, l, have); err != nil {
		return err
	}
	rep.State = stateImported
	return nil
}

func (r *Room) sameTerms(a, b Licensed, salt []byte) bool {
	old, err := r.openSalt(b.Salt)
	return err == nil && bytes.Equal(old, salt) && a.Form == b.Form && a.URL == b.URL && a.SecretFile == b.SecretFile && a.Private == b.Private && a.Subject == b.Subject && a.Supplier == b.Supplier
}

// licensedFile is the supplier's file, in memory.
func (r *Room) licensedFile(ctx context.Context, o LicensedOptions) ([]byte, time.Time, error) {
	switch {
	case o.List.URL != "":
		return r.fetchLicensed(ctx, o.List)
	case o.Path != "":
		return r.readLicensed(o.Path)
	case len(o.Data) == 0:
		return nil, time.Time{}, &Refused{Words: "say which file the list is in, or where it is fetched from"}
	case len(o.Data) > maxLicensedFile:
		return nil, time.Time{}, &Refused{Words: fmt.Sprintf("the file is larger than %d MB", maxLicensedFile>>20)}
	}
	return bytes.Clone(o.Data), r.now(), nil
}

// readLicensed reads a file of this machine. One that lies in Belisha's own
// folder would be copied by backups.
func (r *Room) readLicensed(path string) ([]byte, time.Time, error) {
	full, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, time.Time{}, &Refused{Words: "there is no such file; look at its name and folder"}
	}
	home, err := filepath.EvalSymlinks(filepath.Dir(r.d.Dir))
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("looking where the list lies: %w", err)
	}
	if rel, err := filepath.Rel(home, full); err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return nil, time.Time{}, &Refused{Words: "the file lies inside Belisha's own folder, where backups would copy it; keep it elsewhere, and delete it afterwards"}
	}
	f, err := os.Open(full)
	if err != nil {
		return nil, time.Time{}, &Refused{Words: "the file cannot be opened; look whether Belisha may read it"}
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxLicensedFile {
		return nil, time.Time{}, &Refused{Words: fmt.Sprintf("it is no file of at most %d MB", maxLicensedFile>>20)}
	}
	data, err := io.ReadAll(io.LimitReader(f, maxLicensedFile))
	if err != nil {
		return nil, time.Time{}, &Refused{Words: "the file cannot be read to its end"}
	}
	at := info.ModTime().UTC()
	if at.After(r.now()) {
		at = r.now()
	}
	return data, at, nil
}

// fetchLicensed fetches the file from the supplier, with the credentials of a
// secret file.
func (r *Room) fetchLicensed(ctx context.Context, l Licensed) ([]byte, time.Time, error) {
	ask := fetch.Ask{URL: l.URL, MaxBytes: maxLicensedFile, Limit: fetchLimit, Private: l.Private}
	if l.SecretFile != "" {
		secret, err := readSecret(l.SecretFile)
		if err != nil {
			return nil, time.Time{}, err
		}
		ask.Secret = secret
	}
	var to bytes.Buffer
	got, err := r.fetcher().To(ctx, ask, &to)
	if err != nil {
		clear(to.Bytes())
		return nil, time.Time{}, err
	}
	at := got.Dated
	if at.IsZero() || at.After(r.now()) {
		at = r.now()
	}
	return to.Bytes(), at, nil
}

// readSecret is the one line of a secret file: "user:password", or "Bearer
// token".
func readSecret(path string) (string, error) {
	const most = 4 << 10
	f, err := os.Open(path)
	if err != nil {
		return "", &Refused{Words: "the file with the supplier's credentials cannot be opened: " + path}
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	line := strings.TrimSpace(string(b))
	if err != nil || len(b) > most || line == "" || strings.ContainsAny(line, "\r\n") {
		return "", &Refused{Words: "the file with the supplier's credentials must have one line, user:password or Bearer and a token: " + path}
	}
	return line, nil
}

// buildLicensed makes the keyed list.
func (r *Room) buildLicensed(ctx context.Context, data []byte, l Licensed, salt []byte, rep *LicensedReport) (string, int64, error) {
	if err := snapfile.Prepare(r.d.Dir); err != nil {
		return "", 0, err
	}
	lock := verdict.LicenceLock{Form: l.Form, Salt: salt, Mac: make([]byte, 32), Alert: alertOf[l.Subject]}
	if _, err := rand.Read(lock.Mac); err != nil {
		return "", 0, fmt.Errorf("making a key: %w", err)
	}
	plain, err := json.Marshal(lock)
	if err != nil {
		return "", 0, fmt.Errorf("writing the key: %w", err)
	}
	sealed, err := r.d.Licence.Seal(plain)
	if err != nil {
		return "", 0, fmt.Errorf("sealing the key: %w", err)
	}
	k := licensedKeys{lock: &lock, b: segment.NewBuilder(), rep: rep}
	k.b.Lock(sealed)
	opt := lists.Options{Category: licensedCategory}
	if l.Form != verdict.LicensedPlain {
		opt.Format = lists.FormatHashed
	}
	report, err := lists.ReadBytes(ctx, "list", data, opt, k.take)
	rep.Lines = report.Lines
	for _, f := range report.Files {
		rep.Refused += f.Invalid
		for _, x := range f.Refused {
			k.refuse(x.Line)
		}
	}
	if err != nil {
		return "", 0, licensedFault(err)
	}
	if k.taken == 0 {
		return "", 0, &Refused{Words: "there is not one entry in it that could be used; is the form right?"}
	}
	hash, stats, err := k.b.Write(snapfile.SegmentsDir(r.d.Dir))
	if err != nil {
		return "", 0, fmt.Errorf("writing the list: %w", err)
	}
	return hash, int64(stats.Keys), nil
}

// licensedFault says why a file was refused, without a word of it: a reason
// that quotes a line is left out.
func licensedFault(err error) error {
	var refusal *lists.Refusal
	switch {
	case !errors.As(err, &refusal):
		return fmt.Errorf("reading the list: %w", err)
	case refusal.Line > 0:
		return &Refused{Words: fmt.Sprintf("it is not a list that can be read, as line %d shows; its lines are never shown here", refusal.Line)}
	}
	return &Refused{Words: "it is not a list that can be read: " + refusal.Reason}
}

// licensedKeys takes entries into a keyed list.
type licensedKeys struct {
	lock  *verdict.LicenceLock
	b     *segment.Builder
	rep   *LicensedReport
	taken int
}

func (k *licensedKeys) refuse(line int) {
	if len(k.rep.At) < refusedKept {
		k.rep.At = append(k.rep.At, line)
	}
}

func (k *licensedKeys) take(e lists.Entry) error {
	key, ok := k.key(e)
	if !ok {
		k.rep.Refused++
		k.refuse(e.Line)
		return nil
	}
	if err := k.b.AddKey(key, licensedCategory); err != nil {
		return fmt.Errorf("building the list: %w", err)
	}
	k.taken++
	return nil
}

// key is an entry's key. A range, an expression or an exception has none.
func (k *licensedKeys) key(e lists.Entry) (uint64, bool) {
	if e.Drop || e.Role != 0 {
		return 0, false
	}
	if k.lock.Form != verdict.LicensedPlain {
		digest, err := hex.DecodeString(e.Text)
		return k.lock.DigestKey(digest), err == nil && e.Kind == lists.Digest && len(digest) == k.lock.Form.Size()
	}
	switch e.Kind {
	case lists.Name, lists.Exact:
		return k.lock.EntryKey(e.Text + "/"), tooWide(e) == ""
	case lists.Address:
		return k.lock.EntryKey(e.Text + "/"), !strings.Contains(e.Text, "/")
	case lists.URL:
		host, path, _ := strings.Cut(e.Text, "/")
		return k.lock.EntryKey(verdict.LicensedAddress(host, "/"+path)), true
	}
	return 0, false
}

// licensedTried keeps how an attempt went, and when to make the next.
func (r *Room) licensedTried(ctx context.Context, rep LicensedReport, why error) error {
	if ctx.Err() != nil {
		return nil
	}
	t, err := getLicensedTry(ctx, r.d.DB, rep.ID)
	if err != nil {
		return err
	}
	t.TriedAt = r.now()
	wait, spread := fetchEvery-fetchJitter, fetchJitter
	if why == nil {
		t.WellAt, t.Failures, t.Problem = r.now(), 0, ""
	} else {
		t.Failures++
		t.Problem = why.Error()
		next := min(firstRetry<<min(t.Failures-1, 10), fetchEvery)
		wait, spread = next-next/4, next/2
	}
	after, err := jitter(wait, spread)
	if err != nil {
		return err
	}
	t.DueAt = r.now().Add(after)
	return r.d.DB.Write(ctx, func(tx *store.Tx) error { return putLicensedTry(ctx, tx, t) })
}

// licensedDue fetches the licensed lists whose time has come.
func (r *Room) licensedDue(ctx context.Context) error {
	all, err := listLicensed(ctx, r.d.DB)
	if err != nil || r.d.Licence == nil {
		return err
	}
	var errs error
	for _, l := range all {
		t, err := getLicensedTry(ctx, r.d.DB, l.ID)
		if err != nil {
			return err
		}
		if wait := t.DueAt.Sub(r.now()); l.URL == "" || wait > 0 && wait < 2*fetchEvery {
			continue
		}
		salt, err := r.openSalt(l.Salt)
		if err != nil {
			errs = errors.Join(errs, err)
			continue
		}
		// What goes wrong stands beside the list, and the tray tells of it.
		if _, err := r.ImportLicensed(ctx, LicensedOptions{List: l, Salt: salt}); err != nil && !readable(err) {
			errs = errors.Join(errs, fmt.Errorf("%s: %w", l.Title, err))
		}
	}
	return errs
}
