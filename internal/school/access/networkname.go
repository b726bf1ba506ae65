package access

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"time"

	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// renewAfter is how old a row of somebody whom the network names may be before
// it is written anew: not every request is a line in the journal.
const renewAfter = time.Hour

// maxNetworkName bounds what is looked up.
const maxNetworkName = 256

// Kerberos is how a name was proved, within a realm that is the school's own.
const Kerberos = "kerberos"

// ByNetworkName says who is meant by a name that the school's network has
// proved, or told: the user name of their account or of the roll, or their mail
// address. A name with a realm that nobody has proved means only whoever has
// both: visitors bring theirs along. ok is false where nobody at school has that
// name, where two have it, and for an account that is closed. How says what
// told it.
func (r *Room) ByNetworkName(ctx context.Context, name, realm, how string) (row Row, ok bool, err error) {
	person, err := r.named(ctx, name, realm, how)
	if err != nil || person == "" {
		return Row{}, false, err
	}
	p, may, err := r.present(ctx, person)
	if err != nil || !may {
		return Row{}, false, err
	}
	now := r.Clock.Now()
	subject, err := r.Subject(ctx, p.ID, now)
	if err != nil {
		return Row{}, false, err
	}
	row = r.row(p, subject, "", netip.IPv4Unspecified(), now)
	until, err := r.untilAt(ctx, subject, row.Address)
	if err != nil {
		return Row{}, false, err
	}
	if !until.Before(row.Ends.Add(-renewAfter)) {
		if until.Before(row.Ends) {
			row.SignedUntil, row.Ends = until, until
		}
		return row, true, nil
	}
	err = r.DB.Write(ctx, func(tx *store.Tx) error {
		if err := putWebAddress(ctx, tx, row); err != nil {
			return err
		}
		return r.Journal.Write(asPerson(ctx, p), tx, journal.Entry{Verb: VerbNamed, Kind: "person", ID: string(p.ID), After: map[string]any{"how": how}})
	})
	return row, err == nil, err
}

// named finds the one person whom a name means, "" for nobody.
func (r *Room) named(ctx context.Context, name, realm, how string) (people.ID, error) {
	name, realm = strings.ToLower(strings.TrimSpace(name)), strings.ToLower(strings.TrimSpace(realm))
	if name == "" || len(name)+len(realm) > maxNetworkName {
		return "", nil
	}
	whole := name
	if realm != "" {
		whole = name + "@" + realm
	}
	if how != Kerberos {
		name = whole
	}
	found, err := namesakes(ctx, r.DB, name, whole)
	if err != nil || len(found) != 1 {
		return "", err
	}
	a, err := r.AccountOf(ctx, found[0])
	switch {
	case errors.Is(err, store.ErrNotFound): // on the roll, and without an account of ours: enough for the web
		return found[0], nil
	case err != nil || a.Disabled:
		return "", err
	}
	return found[0], nil
}
