package devices

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"belisha/internal/kit/journal"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
)

// The room's settings.
const (
	KeyGuests    = "filtering.guests.captive"
	KeyGuestsFor = "filtering.guests.for"
)

// Settings is what the school decides about guests.
func Settings() []setting.Setting {
	return []setting.Setting{
		{
			Key: KeyGuests, Title: "Guests agree to the school's terms before they go on", Kind: setting.YesNo, Default: "yes",
			Help:         "It holds in the address ranges that are entered for the group guests. Their web waits until they have read what holds and pressed a button, or signed in. No name is asked for.",
			Requirements: []string{"AUP-07", "ACC-27", "NET-07"},
		},
		{
			Key: KeyGuestsFor, Title: "How long a guest may go on", Kind: setting.Duration, Min: 15 * time.Minute, Max: 24 * time.Hour, Default: "4 hours",
			Help: "After this time the terms are shown again.", Requirements: []string{"AUP-07"},
		},
	}
}

// Guest is somebody on the network for guests who agreed to the terms. There
// is no name.
type Guest struct {
	ID          string
	Address     netip.Addr
	From, Until time.Time
}

const (
	guestGroup = "guests"
	mostGuests = 5000 // at a time
	guestKept  = 24 * time.Hour
)

func (r *Room) values() *setting.Values {
	if r.d.Live == nil {
		return nil
	}
	return r.d.Live.Current()
}

// AsksGuests reports a network for guests, where they agree before they go on:
// a range that is entered for them.
func (r *Room) AsksGuests(k Known) bool {
	v := r.values()
	if v == nil || k.Group != guestGroup || !v.Bool(KeyGuests) {
		return false
	}
	for _, p := range k.Addresses {
		if !p.IsSingleIP() {
			return true
		}
	}
	return false
}

// guestNetwork reports that an address belongs to such a network, and to
// nothing that is entered more closely.
func (r *Room) guestNetwork(ctx context.Context, at netip.Addr) (bool, error) {
	known, err := r.d.Known(ctx)
	if err != nil {
		return false, fmt.Errorf("asking for the school's networks: %w", err)
	}
	best, asks := -1, false
	for _, k := range known {
		for _, p := range k.Addresses {
			if p.Contains(at) && p.Bits() > best {
				best, asks = p.Bits(), r.AsksGuests(k) && !p.IsSingleIP()
			}
		}
	}
	return asks, nil
}

// GoOn lets a guest on who has agreed to the terms, for the time that the
// school allows.
func (r *Room) GoOn(ctx context.Context, at netip.Addr) (Guest, error) {
	at = at.Unmap().WithZone("")
	ours, err := r.guestNetwork(ctx, at)
	if err != nil {
		return Guest{}, err
	}
	if !ours {
		return Guest{}, store.Invalid{"": "This device is not on the school's network for guests."}
	}
	now := r.now()
	g := Guest{ID: store.NewID(now), Address: at, From: now, Until: now.Add(r.values().Duration(KeyGuestsFor))}
	err = r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if err := r.dropGuests(ctx, tx, now.Add(-guestKept)); err != nil {
			return err
		}
		running, err := r.guestsOf(ctx, tx, now)
		if err != nil {
			return err
		}
		for _, have := range running {
			if have.Address == at { // pressed twice
				g = have
				return nil
			}
		}
		if len(running) >= mostGuests {
			return store.Invalid{"": "There are too many guests on the network just now. Try again later, or ask the school's office."}
		}
		if err := r.putGuest(ctx, tx, g); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{Verb: VerbGuest, Kind: "guest", ID: g.ID})
	})
	if err != nil {
		return Guest{}, err
	}
	if r.d.Guest == nil {
		return g, nil
	}
	return g, r.d.Guest(ctx, g)
}

// Guests are those who may go on now.
func (r *Room) Guests(ctx context.Context) ([]Guest, error) { return r.guestsOf(ctx, r.d.DB, r.now()) }

// guestTerms is what holds, in sentences.
var guestTerms = []string{
	"Everything on this network goes through the school's filter. Pages that are not for a school stay closed.",
	"What is opened is written down with the time and this device's address, and without your name. People whom the school has named may look at it to keep children safe.",
	"Open, send and store nothing here that is against the law, harms others, or is not fit for a place with children.",
	"Take no pictures of pupils, and do not write to them privately.",
	"Do not go round the filter, and do not let a pupil use your device.",
}
