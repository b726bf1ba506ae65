// Package access is the hall's door: who may sign in, how long a sign-in
// lasts, and what somebody may then do.
//
// An account belongs to one person of the roll and has a password, kept as
// Argon2id. Signing in makes a session, kept on the server; a session that is
// left for the idle time locks, and both name and password are asked again.
// The posts somebody holds at this moment, and the sort of person they are,
// decide what they may do: Grants is the one table. A pupil never gets more
// than the pages that everybody has, whatever posts a record may claim.
//
// Signing in on the people's pages also tells the gate who is behind an
// address: a presence row with a pseudonym that changes every school year,
// never a name.
package access

import (
	"context"
	"net/netip"
	"time"

	"belisha/internal/school/people"
)

// Groups that a person falls into by what they are to the school. The rules
// of the filter are made for them.
const (
	GroupPupils = "pupils"
	GroupStaff  = "staff"
	GroupGuests = "guests"
)

// Sure is the certainty of a presence row made by a sign-in: somebody typed
// this person's name and password at this address.
const Sure = "sure"

// Row says who is behind an address. It holds no name and no password.
type Row struct {
	Address  netip.Addr
	Subject  string // pseudonym, see Subjects
	Person   people.ID
	Session  string // the session behind it, "" for a proxy sign-in
	Certain  string // Sure
	Groups   []string
	KeyStage people.KeyStage
	Site     string
	Place    string
	// SignedUntil is when the sign-in runs out, Ends when the row is dropped.
	SignedUntil time.Time
	Ends        time.Time
	// Idle ends it before that, when it is left alone for so long; 0: never.
	Idle time.Duration
}

// Presence is told who is behind an address. House plugs in what hands the
// rows to the gate.
type Presence interface {
	// SignedIn takes the place of whoever was behind the address.
	SignedIn(ctx context.Context, r Row) error
	// SignedOut ends the row of the subject at the address.
	SignedOut(ctx context.Context, subject string, at netip.Addr) error
}

// Secrets gives a named secret of the vault, made at the first asking.
type Secrets interface {
	Secret(ctx context.Context, name string) ([]byte, error)
}

// GroupOf is the filter's group of a kind of person.
func GroupOf(k people.Kind) string {
	switch k {
	case people.Pupil:
		return GroupPupils
	case people.Staff, people.Governor:
		return GroupStaff
	default:
		return GroupGuests
	}
}
