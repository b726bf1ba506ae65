// Package help is what a pupil reaches in one step from anywhere: why
// something is closed, and where to turn. Its pages need no sign-in, belong to
// the people's pages that the filter always lets through, and say the same on
// every device whatever was closed, since a classmate sees the screen.
package help

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"belisha/internal/kit/web"
)

// Closed is the latest thing that was closed for a device.
type Closed struct {
	Host string
	At   time.Time
	// Pupil is a sentence a child of eight can read. It never names a
	// distressing theme.
	Pupil string
	// Distress: the theme is one that no screen should name.
	Distress bool
	// First is the one thing to do before all else, where there is one: sign
	// in, sign the agreement.
	First web.Link
	// Sites are those that the class may open, where it is a lesson's focus.
	Sites []web.Link
	// Staff is the reason in a teacher's words; Rule, Category and Group are
	// shown to staff only.
	Staff, Rule, Category, Group string
}

// Place is one service to turn to.
type Place struct {
	Service, Phone, Host, Words string
}

// Deps is what the room needs.
type Deps struct {
	// Latest returns the latest block of the device at the address, asked of
	// the filter itself. ok is false when there was none lately.
	Latest func(ctx context.Context, at netip.Addr) (c Closed, ok bool, err error)
	Places []Place
	// Adult is who a pupil can tell here: "Mrs Okoro, or any adult you trust".
	Adult func(ctx context.Context) string
	// Changers are the people who may change the filter, by name, for staff.
	Changers func(ctx context.Context) []string
	// Certificate is the school's certificate and its fingerprint;
	// store.ErrNotFound where there is none.
	Certificate func(ctx context.Context) (pem []byte, fingerprint string, err error)
	// LooksInto are those for whom the filter looks inside encrypted sites; nil
	// or none: for nobody.
	LooksInto func() []string
	// Notice tells staff, or everybody else in a pupil's words, that use is
	// monitored; may be nil.
	Notice func(staff bool) string
	// Tell is the page on which a pupil tells somebody, "" where there is none.
	Tell string
	// Hide is the page of the hide and tell button, "" where there is none.
	Hide string
}

// Room is the help room.
type Room struct{ d Deps }

// New returns the room.
func New(d Deps) (*Room, error) {
	if d.Latest == nil || d.Adult == nil || d.Changers == nil || d.Certificate == nil || len(d.Places) == 0 {
		return nil, errors.New("the help room needs the latest block, an adult and places to turn to")
	}
	return &Room{d}, nil
}

// Turns returns the places for the foot of every page.
func (r *Room) Turns() []web.Turn {
	out := make([]web.Turn, 0, len(r.d.Places))
	for _, p := range r.d.Places {
		out = append(out, web.Turn{Name: p.Service, Phone: p.Phone, Link: "https://" + p.Host + "/", Words: p.Words})
	}
	return out
}
