package filtering

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/fetch"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/kit/words"
	"belisha/internal/verdict"
	"belisha/internal/verdict/snapfile"
)

// Licence seals what licensed lists are opened with; the filter opens it with
// the same key. House makes it of the school key.
type Licence interface {
	Seal(plain []byte) ([]byte, error)
	Open(sealed []byte) ([]byte, error)
}

// The subjects of licensed lists.
const (
	SubjectAbuse     = "abuse"
	SubjectTerrorism = "terrorism"
	SubjectOther     = "other"
)

var subjectWords = map[string]string{SubjectAbuse: "abuse images", SubjectTerrorism: "terrorist material", SubjectOther: "other unlawful material"}

// alertOf is the theme that the safeguarding lead hears of when somebody tries
// an address of such a list.
var alertOf = map[string]string{SubjectAbuse: "exploitation", SubjectTerrorism: "extremism", SubjectOther: "exploitation"}

// licensedCategory is what every licensed list closes. It is locked for
// everybody.
const licensedCategory = "illegal"

// Licensed is a list that a supplier hands over under contract. None of its
// entries is kept in words anywhere.
type Licensed struct {
	ID         string
	Title      string
	Supplier   string
	Subject    string
	URL        string // "" for one that is brought in by hand
	SecretFile string // holds what the supplier's server wants to be told
	Private    bool   // an address inside the school's network will do
	Form       verdict.LicensedForm
	Salt       string // sealed
	Segment    string
	Entries    int64
	Digest     string // SHA-256 of the file as the supplier gave it
	ImportedAt time.Time
	ImportedBy string
	DatedAt    time.Time
	Reason     string
	EndedAt    time.Time
	Version    int64
}

// LicensedTry is how bringing a licensed list goes.
type LicensedTry struct {
	ID       string
	TriedAt  time.Time
	WellAt   time.Time
	DueAt    time.Time
	Failures int64
	Problem  string
}

// LicensedStatus is how a licensed list stands: all that is ever shown of it.
type LicensedStatus struct {
	ID       string    `json:"id"`
	Title    string    `json:"title"`
	Supplier string    `json:"supplier"`
	Subject  string    `json:"subject"`
	Form     string    `json:"form"`
	Entries  int64     `json:"entries"`
	Digest   string    `json:"sha256"`
	Imported time.Time `json:"imported"`
	Dated    time.Time `json:"dated"`
	Well     time.Time `json:"well"` // when it was last known to be the newest
	Problem  string    `json:"problem,omitempty"`
	Stale    bool      `json:"stale"`
	Fetched  bool      `json:"fetched"`
	Says     string    `json:"says"`
}

// licensedFresh is how old a licensed list may be before it is told as stale:
// suppliers change theirs every day.
const licensedFresh = 3 * day

const kindLicensed = "licensed list"

const maxLicensedLists = 20

// live reports whether the list is in force.
func (l Licensed) live() bool { return l.Version > 0 && l.EndedAt.IsZero() }

// ref is the list in what is published.
func (l Licensed) ref() snapfile.SegmentRef {
	return snapfile.SegmentRef{Source: "licensed-" + l.ID, Title: "a licensed list", Hash: l.Segment}
}

func (l Licensed) says() string {
	return fmt.Sprintf("%s of %s: %s, SHA-256 %.16s…", l.Title, l.Supplier, words.Count(int(l.Entries), "entry", "entries"), l.Digest)
}

func (l Licensed) status(t LicensedTry, now time.Time) LicensedStatus {
	s := LicensedStatus{
		ID: l.ID, Title: l.Title, Supplier: l.Supplier, Subject: subjectWords[l.Subject], Form: string(l.Form), Entries: l.Entries, Digest: l.Digest,
		Imported: l.ImportedAt, Dated: l.DatedAt, Well: l.ImportedAt, Problem: t.Problem, Fetched: l.URL != "",
	}
	if t.WellAt.After(s.Well) {
		s.Well = t.WellAt
	}
	s.Stale = now.Sub(s.Well) > licensedFresh
	switch {
	case s.Stale:
		s.Says = "older than it may be; bring the newest one in"
	case s.Problem != "":
		s.Says = "in force; the latest attempt failed"
	default:
		s.Says = "in force"
	}
	return s
}

// check brings what somebody wrote about a licensed list into its form.
func (l *Licensed) check() error {
	bad := store.Invalid{}
	l.Title, l.Supplier, l.Reason = strings.TrimSpace(l.Title), strings.TrimSpace(l.Supplier), strings.TrimSpace(l.Reason)
	l.URL, l.SecretFile = strings.TrimSpace(l.URL), strings.TrimSpace(l.SecretFile)
	if l.ID = slug(l.Title); l.ID == "" || len(l.ID) > 50 || len(l.Title) > 100 {
		bad["title"] = "Give the list a name with letters or digits, at most 50."
	}
	if l.Supplier == "" || len(l.Supplier) > 100 {
		bad["supplier"] = "Write who supplies it, in at most 100 characters."
	}
	if _, ok := subjectWords[l.Subject]; !ok {
		bad["subject"] = "Choose what the list is about."
	}
	if l.Form != verdict.LicensedPlain && l.Form.Size() == 0 {
		bad["form"] = "Choose how the supplier writes it."
	}
	if l.URL != "" {
		if _, err := fetch.Check(l.URL, false); err != nil {
			bad["url"] = titleOf(err.Error()) + "."
		}
	}
	if len(l.SecretFile) > 500 || l.SecretFile != "" && l.URL == "" {
		bad["secret"] = "A file with credentials is for a list that is fetched from an address."
	}
	if l.Reason == "" || len(l.Reason) > maxReason {
		bad["reason"] = fmt.Sprintf("Write why, in at most %d characters: the contract, for instance.", maxReason)
	}
	return bad.OrNil()
}

// sealSalt keeps the supplier's salt sealed.
func (r *Room) sealSalt(salt []byte) (string, error) {
	if len(salt) == 0 {
		return "", nil
	}
	sealed, err := r.d.Licence.Seal(salt)
	if err != nil {
		return "", fmt.Errorf("sealing the salt: %w", err)
	}
	return base64.StdEncoding.EncodeToString(sealed), nil
}

func (r *Room) openSalt(text string) ([]byte, error) {
	if text == "" {
		return nil, nil
	}
	sealed, err := base64.StdEncoding.DecodeString(text)
	if err == nil {
		sealed, err = r.d.Licence.Open(sealed)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the salt: %w", err)
	}
	return sealed, nil
}

// unseal is what opens licensed lists here, nil where the key is not here.
func (r *Room) unseal() func([]byte) ([]byte, error) {
	if r.d.Licence == nil {
		return nil
	}
	return r.d.Licence.Open
}

// LicensedLists tells how every licensed list stands.
func (r *Room) LicensedLists(ctx context.Context) ([]LicensedStatus, error) {
	all, err := listLicensed(ctx, r.d.DB)
	if err != nil {
		return nil, err
	}
	var out []LicensedStatus
	for _, l := range all {
		t, err := getLicensedTry(ctx, r.d.DB, l.ID)
		if err != nil {
			return nil, err
		}
		out = append(out, l.status(t, r.now()))
	}
	return out, nil
}

// LicensedSays is the standing statement about licensed lists while none of a
// subject can be named.
const LicensedSays = "The licensed lists of abuse images (IWF) and of terrorist material (CTIRU) are not loaded."

// LicensedSays are the standing statements about licensed lists: which are
// loaded, how old they are, and which are not.
func (r *Room) LicensedSays(ctx context.Context) ([]string, error) {
	all, err := r.LicensedLists(ctx)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return []string{LicensedSays}, nil
	}
	var out []string
	have := map[string]bool{}
	for _, l := range all {
		have[l.Subject] = true
		says := fmt.Sprintf("Licensed list loaded: %s of %s (%s), %s, last known to be the newest %s ago", l.Title, l.Supplier, l.Subject, words.Count(int(l.Entries), "entry", "entries"), daysOld(r.now().Sub(l.Well)))
		if l.Stale {
			says += ", which is too long"
		}
		out = append(out, says+".")
	}
	for _, subject := range []string{SubjectAbuse, SubjectTerrorism} {
		if !have[subjectWords[subject]] {
			out = append(out, "No licensed list of "+subjectWords[subject]+" is loaded.")
		}
	}
	return out, nil
}

// EndLicensed takes a licensed list out of force: the contract is over. It is
// the only way, and stands in the change log.
func (r *Room) EndLicensed(ctx context.Context, id, reason string) error {
	if err := r.mayImport(ctx, "end the licensed list "+id); err != nil {
		return err
	}
	reason = strings.TrimSpace(reason)
	if reason == "" || len(reason) > maxReason {
		return store.Invalid{"reason": "Write why, in a sentence."}
	}
	l, err := getLicensed(ctx, r.d.DB, id)
	if err != nil {
		return err
	}
	if !l.live() {
		return store.ErrStale
	}
	was := l.says()
	l.EndedAt, l.Reason = r.now(), reason
	return r.apply(ctx, &edit{
		change: Change{Kind: kindLicensed, Ref: id, Reason: reason, What: "A licensed list is not in force any more.", Was: was},
		alter: func(st *state) error {
			st.licensed = slices.DeleteFunc(st.licensed, func(x Licensed) bool { return x.ID == id })
			return nil
		},
		write: func(ctx context.Context, tx *store.Tx) ([]journal.Row, error) {
			return []journal.Row{{Table: "filter_licensed", ID: id}}, putLicensed(ctx, tx, l)
		},
	})
}

// takeLicensed puts a licensed list in force.
func (r *Room) takeLicensed(ctx context.Context, l, have Licensed) error {
	l.Version, l.ImportedAt, l.ImportedBy = have.Version, r.now(), actor.From(ctx).ID
	c := Change{Kind: kindLicensed, Ref: l.ID, Reason: l.Reason, What: "A licensed list was taken up.", Becomes: l.says()}
	if have.live() {
		c.Was = have.says()
	}
	return r.apply(ctx, &edit{
		change: c,
		alter: func(st *state) error {
			st.licensed = slices.DeleteFunc(st.licensed, func(x Licensed) bool { return x.ID == l.ID })
			if len(st.licensed) >= maxLicensedLists {
				return &Refused{Words: fmt.Sprintf("there are %d licensed lists already and no more fit", maxLicensedLists)}
			}
			st.licensed = append(st.licensed, l)
			slices.SortFunc(st.licensed, func(a, b Licensed) int { return strings.Compare(a.ID, b.ID) })
			return nil
		},
		write: func(ctx context.Context, tx *store.Tx) ([]journal.Row, error) {
			return []journal.Row{{Table: "filter_licensed", ID: l.ID}}, putLicensed(ctx, tx, l)
		},
	})
}

// errNoLicence: the key that seals licensed lists is not here.
var errNoLicence = errors.New("licensed lists are sealed with a key of the school key, which is not in a file here; no such list can be taken up")
