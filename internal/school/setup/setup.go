// Package setup is the first hour of a school with Belisha: behind a one-time
// code that the machine prints, the school is named, its first accounts are
// made, and a policy is put in force, so that a real folder then works as the
// demonstration does. When that is done the pages close for good; what they
// set is changed on the rooms' own pages.
package setup

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// Schema holds the room's migrations.
//
//go:embed schema/*.sql
var Schema embed.FS

// The verbs of the room.
const (
	VerbNamed journal.Verb = "school.named"
	verbCode  journal.Verb = "setup.code-refused"
	verbDone  journal.Verb = "setup.finished"

	verbUnlisted journal.Verb = "setup.unlisted"
)

// Verbs are the room's journal verbs.
var Verbs = []journal.VerbInfo{
	{Verb: VerbNamed, Says: "The school was named."},
	{Verb: verbCode, Says: "A wrong set-up code was typed."},
	{Verb: verbDone, Says: "The first set-up was finished."},
	{Verb: verbUnlisted, Says: "The set-up was told what happens to sites that stand on no list."},
}

// How long a code holds, and how many wrong ones are taken before a new one
// must be printed.
const (
	codeHolds = 24 * time.Hour
	codeTries = 10
)

// DefaultHost is the name of the people's pages until the school has named
// them; the schema has it too.
const DefaultHost = "belisha.school"

// School is what is known of the school itself.
type School struct {
	Name    string
	Host    string // host name of the people's pages: "belisha.ashdown"
	Done    time.Time
	Version int64
}

// Accounts makes the first accounts. school/access is one.
type Accounts interface {
	// FirstAccountTx gives the person a name and a password of their own.
	FirstAccountTx(ctx context.Context, tx *store.Tx, person people.ID, username, password string) error
}

// Policies are the shipped policies. school/policies is plugged in.
type Policies interface {
	Examples(ctx context.Context) ([]Example, error)
	// Effects says in sentences what would change. Unlisted is what the policy
	// shall say of sites that stand on no list, "" for what it says.
	Effects(ctx context.Context, example, unlisted string) ([]string, error)
	Activate(ctx context.Context, example, unlisted string) error
	// InForce is the title of the policy in force, "" before there is one.
	InForce(ctx context.Context) (string, error)
}

// Example is a shipped policy.
type Example struct{ Name, Title, Words string }

// Deps is what the room needs.
type Deps struct {
	DB       *store.DB
	Journal  *journal.Journal
	Clock    clock.Clock
	People   *people.Room
	Accounts Accounts
	Policies Policies
	// Steps are the pages that other rooms bring, in their order; File is what
	// they offer for download. Both may be nil.
	Steps []Step
	File  func(ctx context.Context, name string) (File, error)
	// Renamed is told after the school's name or host name changed.
	Renamed func(ctx context.Context)
}

// Room is the set-up.
type Room struct{ d Deps }

// New returns the room.
func New(d Deps) (*Room, error) {
	if d.DB == nil || d.Journal == nil || d.Clock == nil || d.People == nil || d.Accounts == nil || d.Policies == nil {
		return nil, errors.New("the set-up needs records, a journal, a clock, people, accounts and policies")
	}
	if d.File == nil {
		d.File = func(context.Context, string) (File, error) { return File{}, store.ErrNotFound }
	}
	if d.Renamed == nil {
		d.Renamed = func(context.Context) {}
	}
	return &Room{d}, nil
}

// Code makes a new one-time code, in place of any before, and returns it for
// the machine's owner to read. Once the set-up is done there is none.
func (r *Room) Code(ctx context.Context) (string, error) {
	s, err := r.School(ctx)
	if err != nil || !s.Done.IsZero() {
		return "", err
	}
	code := newCode()
	err = r.setCode(ctx, hashCode(code), r.d.Clock.Now().Add(codeHolds))
	return code, err
}

// letters that are not mistaken for one another when read aloud.
const letters = "23456789abcdefghjkmnpqrstuvwxyz"

// newCode returns a code such as "k7mq-2xwp-h9tc": 59 bits.
func newCode() string {
	var b strings.Builder
	for i := range 12 {
		if i > 0 && i%4 == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(letters[below(len(letters))])
	}
	return b.String()
}

// below returns a random number below n, each as likely as the other.
func below(n int) int {
	limit := 256 - 256%n
	for {
		var one [1]byte
		_, _ = rand.Read(one[:]) // crypto/rand.Read never fails (Go 1.24)
		if int(one[0]) < limit {
			return int(one[0]) % n
		}
	}
}

func hashCode(code string) string {
	clean := strings.NewReplacer("-", "", " ", "").Replace(strings.ToLower(strings.TrimSpace(code)))
	h := sha256.Sum256([]byte("belisha set-up " + clean))
	return hex.EncodeToString(h[:])
}

// ErrCode says that the code is not the one that was printed.
var ErrCode = errors.New("this is not the code that Belisha printed when it started; look at the window it was started in")

// ErrDone says that there is nothing left to set up.
var ErrDone = errors.New("the school is set up already; sign in instead")

// Check reports whether the code is right. Wrong ones are counted, and after
// ten the code is void.
func (r *Room) Check(ctx context.Context, code string) error {
	return r.checkHash(ctx, hashCode(code))
}

func (r *Room) checkHash(ctx context.Context, hash string) error {
	st, err := r.state(ctx)
	if err != nil {
		return err
	}
	if !st.done.IsZero() {
		return ErrDone
	}
	right := subtle.ConstantTimeCompare([]byte(hash), []byte(st.codeHash)) == 1
	if st.codeHash == "" || st.tries >= codeTries || !r.d.Clock.Now().Before(st.until) {
		return errors.New("the code is no longer good; start `belisha serve` again and use the new one")
	}
	if !right {
		if err := r.countTry(ctx); err != nil {
			return err
		}
		return ErrCode
	}
	return nil
}

// Name is what the first page asks.
type Name struct {
	School string
	Host   string
	Zone   string
	Sites  []string // names of sites besides the main one; none takes none away
}

var hostName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$`)

func (n *Name) check() error {
	n.School, n.Host = strings.TrimSpace(n.School), strings.ToLower(strings.TrimSpace(n.Host))
	bad := store.Invalid{}
	if n.School == "" {
		bad["school"] = "Write the school's name"
	}
	if len(n.School) > 120 {
		bad["school"] = "Write a name of at most 120 letters"
	}
	if !hostName.MatchString(n.Host) || len(n.Host) > 200 {
		bad["host"] = "Write a name with a dot, such as belisha.ashdown"
	}
	if _, err := time.LoadLocation(n.Zone); err != nil || n.Zone == "" || n.Zone == "Local" {
		bad["zone"] = "Write the time zone as Europe/London"
	}
	if len(n.Sites) > maxSites {
		bad["sites"] = fmt.Sprintf("Write at most %d sites", maxSites)
	}
	for _, name := range n.Sites {
		if len(name) > 100 || siteSlug(name) == "" {
			bad["sites"] = fmt.Sprintf("“%.40s” is not a name of a site: use letters, at most 100", name)
		}
	}
	return bad.OrNil()
}

// maxSites is how many sites a school may have besides the main one.
const maxSites = 20

// siteSlug is a site's name as records have it.
func siteSlug(name string) string {
	s := strings.Trim(notSlug.ReplaceAllString(strings.ToLower(name), "-"), "-")
	if s == people.MainSite {
		return ""
	}
	return s
}

var notSlug = regexp.MustCompile(`[^a-z0-9]+`)

// addSites gives each new site a calendar of its own.
func (r *Room) addSites(ctx context.Context, tx *store.Tx, n Name) error {
	have, err := r.d.People.Sites(ctx)
	if err != nil {
		return err
	}
	for _, name := range n.Sites {
		slug := siteSlug(name)
		if slices.Contains(have, slug) {
			continue
		}
		have = append(have, slug)
		cal := people.DefaultCalendar(slug)
		cal.Name, cal.Zone = name, n.Zone
		if err := r.d.People.SetCalendarTx(ctx, tx, *cal); err != nil {
			return err
		}
	}
	return nil
}

// SetName names the school.
func (r *Room) SetName(ctx context.Context, n Name) error {
	if err := n.check(); err != nil {
		return err
	}
	err := r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if err := r.writeName(ctx, tx, n); err != nil {
			return err
		}
		cal, err := r.d.People.Calendar(ctx, people.MainSite)
		if err != nil {
			return err
		}
		next := *cal
		next.Zone = n.Zone
		if err := r.d.People.SetCalendarTx(ctx, tx, next); err != nil {
			return err
		}
		if err := r.addSites(ctx, tx, n); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{Verb: VerbNamed, Kind: "school", ID: "1", After: n})
	})
	if err == nil {
		r.d.Renamed(ctx)
	}
	return err
}

// First is one of the first accounts.
type First struct {
	Posts    []people.Post
	Given    string
	Family   string
	Username string
	Password string
	Deputy   bool
}

// AddFirst makes the person, the account and the posts in one change. Somebody
// of the staff whom the roll has under that user name is taken as they are.
func (r *Room) AddFirst(ctx context.Context, f First) error {
	id, onRoll := r.existing(ctx, f.Username)
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if !onRoll {
			var err error
			if id, err = r.d.People.AddTx(ctx, tx, people.Person{
				Kind: people.Staff, Given: f.Given, Family: f.Family, Username: f.Username, Site: people.MainSite,
			}); err != nil {
				return err
			}
		}
		for _, p := range f.Posts {
			h := people.Holder{Person: id, Post: p, From: r.d.Clock.Now(), Public: true, Deputy: f.Deputy}
			if _, err := r.d.People.AppointTx(ctx, tx, h); err != nil {
				return fmt.Errorf("giving the post of %s: %w", p.Title(), err)
			}
		}
		return r.d.Accounts.FirstAccountTx(ctx, tx, id, f.Username, f.Password)
	})
}

// Finish closes the set-up. It needs a head teacher.
func (r *Room) Finish(ctx context.Context) error {
	heads, err := r.d.People.HoldersAt(ctx, people.Headteacher, r.d.Clock.Now())
	if err != nil {
		return err
	}
	if len(heads) == 0 {
		return store.Invalid{"": "Nobody is head teacher yet. Make that account first"}
	}
	if in, err := r.d.Policies.InForce(ctx); err != nil || in == "" {
		if err != nil {
			return err
		}
		return store.Invalid{"": "No policy is chosen yet. Choose one first"}
	}
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if err := r.writeDone(ctx, tx, r.d.Clock.Now()); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{Verb: verbDone, Kind: "school", ID: "1"})
	})
}

// owner is the actor that acts during the set-up: whoever has the code has
// the machine.
func owner() actor.Actor {
	return actor.New(actor.Actor{ID: "setup:code", Name: "Whoever sets this school up", Kind: actor.Console},
		"policies.activate", "policies.edit", "people.manage", "people.import", "access.manage", "filtering.publish", "devices.manage", "devices.try-out")
}
