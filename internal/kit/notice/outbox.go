package notice

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode"

	"belisha/internal/kit/clock"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/kit/tasks"
	"belisha/internal/kit/web"
)

// Schema is the tables of notices.
//
//go:embed schema/*.sql
var Schema embed.FS

// Protected is the table that the journal covers: who agreed to look at
// urgent things when decides whether a child is told that somebody will.
var Protected = []journal.Protected{{Table: "notice_hours", Key: "id"}}

// The journal's verbs.
const (
	VerbMailed journal.Verb = "notice.mailed"
	VerbAgreed journal.Verb = "notice.hours-agreed"
	VerbEnded  journal.Verb = "notice.hours-ended"
	VerbWish   journal.Verb = "notice.wish-changed"
)

// Verbs declares them.
var Verbs = []journal.VerbInfo{
	{Verb: VerbMailed, Says: "People were told by mail that something waits; only how many is kept here."},
	{Verb: VerbAgreed, Says: "Somebody agreed to look at urgent things at stated hours."},
	{Verb: VerbEnded, Says: "Somebody ended their agreement to look at urgent things."},
	{Verb: VerbWish, Says: "Somebody switched their gathered mails on or off."},
}

// Reader is somebody who may be mailed.
type Reader struct {
	Name  string
	Email string // "" where the roll has none
	Posts []string
}

// People says who holds a post now, deputies included, and how somebody is
// reached. Somebody who is not at the school is store.ErrNotFound.
type People interface {
	Holders(ctx context.Context, post string, at time.Time) ([]string, error)
	Reader(ctx context.Context, person string) (Reader, error)
}

// Hours is the school's calendar, as far as telling people needs it.
type Hours interface {
	// SchoolHours reports whether somebody is at school at t.
	SchoolHours(t time.Time) bool
	// NextOpening is when somebody next is, t itself in school hours.
	NextOpening(t time.Time) time.Time
	// Zone is where the school is.
	Zone() *time.Location
}

// Letterhead is what every mail says of the school.
type Letterhead struct {
	School string
	// Base is the address that the pages' paths are put behind
	// ("https://belisha.example.sch.uk"); "" where there is none that a
	// reader's machine could open.
	Base string
}

// Message is one mail.
type Message struct {
	ID       string // stable: a mail that is sent twice can be told by it
	Name, To string
	Subject  string
	Body     string
	Urgent   bool
	At       time.Time
}

// ErrRefused: the mail server will never take this message.
var ErrRefused = errors.New("the mail server refused it")

// Mailer hands mails to a mail server. The errors stand beside their
// messages; err says that the server could not be reached at all.
type Mailer interface {
	Mail(ctx context.Context, all []Message) (each []error, err error)
}

// Deps is what an Outbox needs.
type Deps struct {
	DB      *store.DB
	Journal *journal.Journal
	Clock   clock.Clock
	People  People
	Hours   func(ctx context.Context) Hours
	Letter  func(ctx context.Context) Letterhead
	// Mailer is nil where no mail server is named: then notices are checked and
	// not kept, and everything stands in the tray alone.
	Mailer Mailer
	// Required are the posts whose holders cannot switch their mails off, and
	// Watch those who may agree to look at urgent things out of hours.
	Required []string
	Watch    []string
	// Wake has the task that delivers run at once; nil: it runs in its turn.
	Wake func(ctx context.Context)
	Log  *slog.Logger
}

// Outbox keeps notices and sends them. It is a Sender.
type Outbox struct {
	Deps

	mu      sync.Mutex
	trouble string    // why nothing can be sent just now
	since   time.Time // of the trouble
	again   time.Time // when the server is tried next
	pause   time.Duration
}

// New returns the outbox.
func New(d Deps) (*Outbox, error) {
	if d.DB == nil || d.Journal == nil || d.Clock == nil || d.People == nil || d.Hours == nil || d.Letter == nil {
		return nil, errors.New("notices need records, a journal, a clock, people, hours and a letterhead")
	}
	if d.Log == nil {
		d.Log = slog.Default()
	}
	return &Outbox{Deps: d}, nil
}

// The bounds of one notice.
const (
	maxKey   = 200
	maxWhat  = 200
	maxLink  = 300
	maxNamed = 500
)

// check says what is wrong with a notice. It is the caller's fault, not a
// reader's.
func (n Notice) check() error {
	switch {
	case n.Key == "" || len(n.Key) > maxKey:
		return errors.New("a notice needs a key of at most 200 letters")
	case strings.TrimSpace(n.What) == "" || len(n.What) > maxWhat:
		return errors.New("a notice says what waits in at most 200 letters")
	case strings.ContainsFunc(n.What+n.Key, unicode.IsControl):
		return errors.New("a notice is one line")
	case len(n.Link) > maxLink || web.SafePath(n.Link) == "":
		return errors.New("a notice leads to a page of ours, given as a path")
	case len(n.To) == 0 && len(n.Posts) == 0:
		return errors.New("a notice is for somebody")
	case len(n.To)+len(n.Posts)+len(n.Not) > maxNamed:
		return errors.New("a notice is for at most 500 people")
	case n.Risk < 1 || n.Risk > 3:
		return errors.New("a notice has a risk from 1 to 3")
	}
	for _, who := range append(append(append([]string{}, n.To...), n.Posts...), n.Not...) {
		if who == "" || strings.ContainsAny(who, " ,\n") {
			return fmt.Errorf("a notice cannot be for %q", who)
		}
	}
	return nil
}

// Send keeps a notice in the transaction of what it is about. An urgent one is
// sent as soon as that is safely kept.
func (o *Outbox) Send(ctx context.Context, tx *store.Tx, n Notice) error {
	if n.Link == "" {
		n.Link = "/"
	}
	if err := n.check(); err != nil {
		return fmt.Errorf("keeping a notice: %w", err)
	}
	if o.Mailer == nil {
		// Nobody wants the mails of a year on the day a server is named.
		return nil
	}
	if err := insert(ctx, tx, n, o.Clock.Now().UTC()); err != nil {
		return err
	}
	if n.Risk >= 3 && o.Wake != nil {
		woken := context.WithoutCancel(ctx)
		tx.AfterCommit(func() { o.Wake(woken) })
	}
	return nil
}

// Deliverer is the task that sends.
const Deliverer = "notice.deliver"

// Tasks send what waits, and forget what is long over.
func (o *Outbox) Tasks() []tasks.Task {
	return []tasks.Task{
		{Name: Deliverer, Every: time.Minute, Limit: 5 * time.Minute, Run: o.Deliver},
		{Name: "notice.forget", At: "03:40", Limit: time.Minute, Run: o.forget},
	}
}
