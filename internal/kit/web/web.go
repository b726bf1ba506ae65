package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
)

// Handler answers one request. An error becomes a page in one place (see
// Explain): return it, do not write it.
type Handler func(c *Ctx) error

// Two capabilities that nobody has to be given.
const (
	// Open: everybody, signed in or not.
	Open actor.Capability = "open"
	// SignedIn: anybody who is signed in.
	SignedIn actor.Capability = "signed-in"
)

// Route is one address and who may use it. A route without Needs stops the
// start.
type Route struct {
	// Pattern is a method and a path: "GET /people/{id}".
	Pattern string
	// Needs is the capability, or Open or SignedIn.
	Needs actor.Capability
	// Do answers.
	Do Handler
	// People: one of the people's pages. They are reachable through the gate
	// by anybody in the school, and nothing else is.
	People bool
	// Reads is the journal's verb for looking at this page, where looking is
	// itself an event ("activity.viewed"). The line is written before the page
	// is made; if it cannot be written there is no page.
	Reads string
	// Body is the largest body taken, in bytes; 0 is 1 MB.
	Body int64
}

// MenuItem is one entry of the menu, shown to whoever has the capability.
type MenuItem struct {
	Title string
	Path  string
	Needs actor.Capability
	Icon  string // one of IconNames, "" for none
	// Area is the part of the menu that the entry belongs to: "Filter". The
	// areas are what stands at the top of a page; the entries of the one that
	// the reader is in stand below them. "" stands by itself.
	Area string
}

// Section is what a room shows: its part of the menu and its routes.
type Section struct {
	Name   string // "monitoring"
	Title  string // "Monitoring"
	Menu   []MenuItem
	Routes []Route
}

// Item is one line of the tray: what waits for somebody, and the one next
// step. It carries no detail, since the tray is seen from the door.
type Item struct {
	Key   string // unique within the room
	Title string // "A search was flagged"
	Step  string // what the button says: "Look at it"
	Link  string
	Risk  int // 3 urgent, 2 high, 1 normal
	Since time.Time
	Room  string
}

// Sessions says who is behind a request. House plugs school/access in.
//
// Nobody is an actor of kind actor.Nobody and no error. An error of type
// SeeOther together with an actor sends that actor to one page first (a
// password that must be changed, a locked session): every other page that is
// not Open leads there. Any other error is a fault and nothing is shown.
type Sessions interface {
	Actor(r *http.Request) (actor.Actor, error)
}

// Keeper is what Sessions may be besides: it keeps a form that came after its
// session had ended, for its owner alone, and returns the page that shows it
// again; "" where it is not kept.
type Keeper interface {
	Keep(r *http.Request, form url.Values) string
}

// Reads writes the journal line of a page whose reading is an event.
type Reads interface {
	Read(ctx context.Context, verb, path string) error
}

// Banner is a sentence that stands at the top of every page of the desk, for
// whoever is signed in, as long as it is true: "Blocked, not watched". The
// people's pages do not show it.
type Banner struct {
	Title string // "Starter list"
	Words string // "This is not a filter on its own."
	Link  string // where to mend it, "" for none
	Step  string // the words of the link
	// Needs is who may mend it: others read the words without the link.
	Needs actor.Capability
}

// Turn is one place to turn for help.
type Turn struct {
	Name  string // "Childline"
	Phone string // "0800 1111"
	Link  string
	Words string // "free, day and night"
}

// About is what every page says about the school.
type About struct {
	School  string
	Zone    *time.Location
	Contact string // "Ask Mrs Okoro, the online-safety lead"
	Help    []Turn // the same on every page
	Banners []Banner
}

// Beacon is what the light at the top of the page stands for.
type Beacon struct {
	Waiting int       // items that wait for this actor
	NotKept int       // promises not being kept that this actor may know of
	Unknown int       // promises with no evidence
	Checked time.Time // when this was last looked at; zero lights the beacon
}

// Lit reports whether somebody should look: something waits, is not kept, or
// is not known. An unlit beacon does not mean safe.
func (b Beacon) Lit() bool {
	return b.Waiting > 0 || b.NotKept > 0 || b.Unknown > 0 || b.Checked.IsZero()
}

// Deps is what house plugs into the pages.
type Deps struct {
	Sessions Sessions
	Reads    Reads // may be nil when no route has Reads
	Clock    clock.Clock
	Log      *slog.Logger
	// Hosts says which Host headers the desk answers to (see HostList);
	// PeopleHosts the same for the people's pages, nil means Hosts.
	Hosts       func(host string) bool
	PeopleHosts func(host string) bool
	// About is asked for every page; it must be quick.
	About func(ctx context.Context) About
	// Beacon is asked for every page of somebody who is signed in. nil: no
	// beacon's count is shown and the globe is lit, since nothing is known.
	Beacon func(ctx context.Context, a actor.Actor) (Beacon, error)
	// Secure says whether the reader's connection is TLS although r.TLS is
	// nil (behind the gate's own TLS). May be nil.
	Secure  func(r *http.Request) bool
	Version string
	Demo    bool
	// SignIn is the path of the sign-in page, "/sign-in" when empty; SignOut
	// takes a POST, "/sign-out" when empty; Account is the page of one's own
	// account, "/account" when empty.
	SignIn, SignOut, Account string
	// Areas is the order of the menu's areas; those not named come last.
	Areas []string
	// Lock takes a POST and locks the session; the button is left out when it
	// is empty. The key L presses it, with the browser's own key for that.
	Lock string
	// API answers under /api/v1/; nil for none. Make it with NewAPI, and add
	// its Routes to the table.
	API *API
}
