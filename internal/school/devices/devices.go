// Package devices is how the school's devices come to the filter: whether
// another filter stands behind it, at which address devices reach it, the file
// that each platform takes, which device was seen, filtered as what, and how
// Belisha is taken out of the path in one step that everybody sees.
//
// It never says that nothing goes round the filter because it hopes so: that
// is somebody's word, the provider's or the network manager's, with a day on
// which it is asked for again.
package devices

import (
	"context"
	"embed"
	"errors"
	"net/netip"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/school/access"
	"belisha/internal/school/people"
)

// Schema holds the room's migrations.
//
//go:embed schema/*.sql
var Schema embed.FS

// What somebody may do here.
const (
	MayRead   actor.Capability = "devices.read"
	MayManage actor.Capability = "devices.manage"
	MayWayOut actor.Capability = "devices.way-out"
	MayReal   actor.Capability = "devices.try-out"
)

// Grants is who may do what.
func Grants() []access.Grant {
	return []access.Grant{
		{Post: people.Headteacher, May: []actor.Capability{MayRead, MayManage, MayWayOut, MayReal}},
		{Post: people.NetworkManager, May: []actor.Capability{MayRead, MayManage, MayWayOut}},
		{Post: people.FilterManager, May: []actor.Capability{MayRead, MayManage}},
		{Post: people.DeputyHead, May: []actor.Capability{MayRead}},
		{Post: people.SafeguardingLead, May: []actor.Capability{MayRead}},
		{Post: people.OnlineSafetyLead, May: []actor.Capability{MayRead}},
		{Post: people.ITContractor, May: []actor.Capability{MayRead}},
	}
}

// The room's verbs.
const (
	VerbBeside journal.Verb = "filter.beside"
	VerbDoors  journal.Verb = "filter.doors"
	VerbTryOut journal.Verb = "filter.try-out"
	VerbReal   journal.Verb = "filter.made-real"
	VerbOut    journal.Verb = "filter.taken-out"
	VerbBack   journal.Verb = "filter.put-back"
	VerbWord   journal.Verb = "filter.path-word"
	VerbLog    journal.Verb = "filter.other-log"
	VerbGuest  journal.Verb = "filter.guest"

	VerbNextCertificate journal.Verb = "filter.certificate-prepared"
	VerbCertificate     journal.Verb = "filter.certificate-changed"
)

// Verbs is what the room writes in the journal.
var Verbs = []journal.VerbInfo{
	{Verb: VerbBeside, Says: "It was said which other filter the school has."},
	{Verb: VerbDoors, Says: "The address at which devices reach the filter changed."},
	{Verb: VerbTryOut, Says: "A group began to try the filter out: it counts and closes nothing."},
	{Verb: VerbReal, Says: "A group's try-out ended: what the rules close is closed."},
	{Verb: VerbOut, Says: "Belisha was taken out of the path."},
	{Verb: VerbBack, Says: "Belisha was put back into the path."},
	{Verb: VerbWord, Says: "Somebody gave their word that no way goes round the filter."},
	{Verb: VerbLog, Says: "The other filter's log was counted."},
	{Verb: VerbGuest, Says: "A guest agreed to the terms and went on."},
	{Verb: VerbNextCertificate, Says: "The school's next certificate was prepared or taken away."},
	{Verb: VerbCertificate, Says: "The filter changed to the school's next certificate."},
}

// Protected are the tables that the journal's chain covers.
var Protected = []journal.Protected{
	{Table: "try_outs", Key: "id"}, {Table: "ways_out", Key: "id"}, {Table: "path_words", Key: "id"},
}

// School is what the files say of the school.
type School struct {
	ID, Name, Host string
	// ProxyPort and DNSPort are the ports that the filter listens on, 0 while
	// it does not run.
	ProxyPort, DNSPort uint16
	// DoTPort and DoHPort answer for names over TLS and over HTTPS, 0 for none.
	DoTPort, DoHPort uint16
	// WebPort takes connections that the network redirects, 0 for none.
	WebPort     uint16
	Certificate []byte // PEM, empty for none
}

// Known is a device that the school has entered.
type Known struct {
	ID, Label, Group, Place string
	Addresses               []netip.Prefix
	MAC                     string
	Shared, CA              bool
}

// Seen is what the filter last saw of an address, kept by it in memory alone.
type Seen struct {
	Address netip.Addr
	At      time.Time
	Door    string // "proxy", "tunnel", "DNS"
	Device  string // id of the known device, "" for none
	Group   string // title of the rules it was filtered by, "" for the strictest
	Signed  bool   // somebody is signed in there
}

// Tried is what would have been closed of one category.
type Tried struct {
	Category string
	Count    int64
}

// Deps is what the room needs.
type Deps struct {
	DB      *store.DB
	Journal *journal.Journal
	Clock   clock.Clock
	School  func(ctx context.Context) (School, error)
	// Known are the devices entered; Seen what the filter saw lately.
	Known func(ctx context.Context) ([]Known, error)
	Seen  func(ctx context.Context) ([]Seen, error)
	// Groups are the slugs and titles of the groups that a try-out is for, and
	// how many people are in each.
	Groups func(ctx context.Context) ([]Group, error)
	// Tried is what would have been closed for a group since a moment; nil
	// where that is not counted.
	Tried func(ctx context.Context, group string, since time.Time) ([]Tried, error)
	// CanListen says why the filter could not listen there, nil if it can.
	CanListen func(ctx context.Context, d Doors) error
	// Changed has the filter take what was decided: it is told before the
	// page is answered, so that a fault can be said.
	Changed func(ctx context.Context) error
	// Reach tries another filter; nil is the room's own.
	Reach func(ctx context.Context, b Beside) error
	// Live are the school's decisions; nil: guests are asked nothing. Guest
	// tells the filter of one who may go on; may be nil.
	Live  *setting.Live
	Guest func(ctx context.Context, g Guest) error
	// Authority makes the school's certificates; nil: there are none.
	Authority Authority
	// Name says who an actor of the journal is.
	Name func(ctx context.Context, actor string) string
}

// Group is one of the filter's groups.
type Group struct {
	Slug, Title string
	People      int
}

// Room is the devices room.
type Room struct{ d Deps }

// New returns the room.
func New(d Deps) (*Room, error) {
	if d.DB == nil || d.Journal == nil || d.Clock == nil || d.School == nil || d.Known == nil || d.Seen == nil || d.Groups == nil || d.Name == nil {
		return nil, errors.New("devices: a store, a journal, a clock, the school, its devices, groups and names are needed")
	}
	if d.CanListen == nil {
		d.CanListen = func(context.Context, Doors) error { return nil }
	}
	if d.Changed == nil {
		d.Changed = func(context.Context) error { return nil }
	}
	if d.Reach == nil {
		d.Reach = reach
	}
	return &Room{d}, nil
}

func (r *Room) now() time.Time { return r.d.Clock.Now() }
