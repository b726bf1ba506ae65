package house

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"belisha/internal/gate/control"
	"belisha/internal/gate/spool"
	"belisha/internal/gate/subject"
	"belisha/internal/school/access"
	"belisha/internal/school/devices"
	"belisha/internal/school/filtering"
	"belisha/internal/school/people"
)

// rowID names the row of a subject at an address.
func rowID(subjectID string, at netip.Addr) string { return shortHash(subjectID + " " + at.String()) }

var certainties = map[string]spool.Certainty{access.Sure: spool.Sure}

// toRow is who is behind an address, as the filter takes it.
func (g *gateDoor) toRow(ctx context.Context, r access.Row) (subject.Row, error) {
	c, ok := certainties[r.Certain]
	if !ok {
		c = spool.Likely
	}
	row := subject.Row{
		ID: rowID(r.Subject, r.Address), Address: r.Address, Subject: r.Subject, Certainty: c,
		// A sentence may give the youngest a group of their own.
		Groups:   g.h.Filtering.Narrow(r.Groups, r.KeyStage),
		KeyStage: string(r.KeyStage), Site: r.Site, Place: r.Place, SignedUntil: r.SignedUntil, Ends: r.Ends, Idle: r.Idle,
	}
	who, err := g.h.People.Get(ctx, r.Person)
	if err != nil {
		return row, fmt.Errorf("reading who is behind an address: %w", err)
	}
	classes, err := g.h.People.ClassesOf(ctx, r.Person)
	if err != nil {
		return row, err
	}
	row.Classes = append(filtering.ClassLabels(who, classes), g.h.Filtering.PermitLabels(r.Person)...)
	if g.paused != nil {
		if row.PausedUntil, err = g.paused(ctx, r.Person); err != nil {
			return row, fmt.Errorf("asking whether the web is withdrawn: %w", err)
		}
	}
	if g.standing != nil {
		if row.Agreement, err = g.standing(ctx, r.Person); err != nil {
			return row, fmt.Errorf("asking for a signature: %w", err)
		}
	}
	return row, nil
}

// everybody tells the filter who is behind which address, all of it anew: at
// the start, and whenever the rules change, since groups may have.
func (g *gateDoor) everybody(ctx context.Context) error {
	// What is read here must reach the filter before any later sign-out does,
	// or it would bring back who has gone.
	g.telling.Lock()
	defer g.telling.Unlock()
	list, err := g.h.Access.Behind(ctx)
	if err != nil {
		return err
	}
	p := subject.Push{Full: true}
	for _, r := range list {
		if err := g.addRow(ctx, &p, r); err != nil {
			return err
		}
	}
	guests, err := g.h.Devices.Guests(ctx)
	if err != nil {
		return err
	}
	for _, x := range guests {
		p.Rows = append(p.Rows, g.guestRow(x))
	}
	return g.push(ctx, p)
}

// guestRow is somebody on the network for guests, of whom nothing is known but
// that they have agreed to the terms.
func (g *gateDoor) guestRow(x devices.Guest) subject.Row {
	return subject.Row{
		ID: "guest:" + x.ID, Address: x.Address, Certainty: spool.Likely, Groups: g.h.Filtering.Narrow([]string{access.GroupGuests}, ""),
		SignedUntil: x.Until, Ends: x.Until,
	}
}

// guestOn tells the filter of a guest.
func (g *gateDoor) guestOn(ctx context.Context, x devices.Guest) error {
	g.telling.Lock()
	defer g.telling.Unlock()
	row := g.guestRow(x)
	row.Fresh = true
	return g.push(ctx, subject.Push{Rows: []subject.Row{row}})
}

// addRow adds somebody to a message.
func (g *gateDoor) addRow(ctx context.Context, p *subject.Push, r access.Row) error {
	row, err := g.toRow(ctx, r)
	if err != nil {
		return err
	}
	if r.Address.IsUnspecified() { // their browser gives its password with each request
		p.Known = append(p.Known, row)
	} else {
		p.Rows = append(p.Rows, row)
	}
	return nil
}

// personChanged tells the filter at once what it must know anew of somebody:
// they have signed the agreement, or are in another class.
func (g *gateDoor) personChanged(ctx context.Context, person people.ID) error {
	g.telling.Lock()
	defer g.telling.Unlock()
	list, err := g.h.Access.Behind(ctx)
	if err != nil {
		return err
	}
	var p subject.Push
	for _, r := range list {
		if r.Person != person {
			continue
		}
		if r.Address.IsUnspecified() { // the filter asks anew with the next password
			p.Gone = append(p.Gone, rowID(r.Subject, r.Address))
		}
		if err := g.addRow(ctx, &p, r); err != nil {
			return err
		}
	}
	if len(p.Rows)+len(p.Known) == 0 {
		return nil
	}
	return g.push(ctx, p)
}

// SignedIn tells the filter who is behind an address.
func (g *gateDoor) SignedIn(ctx context.Context, r access.Row) error {
	g.telling.Lock()
	defer g.telling.Unlock()
	row, err := g.toRow(ctx, r)
	if err != nil {
		return err
	}
	row.Fresh = true
	return g.push(ctx, subject.Push{Rows: []subject.Row{row}})
}

// SignedOut tells the filter that somebody is gone from an address, or from
// everywhere.
func (g *gateDoor) SignedOut(ctx context.Context, who string, at netip.Addr) error {
	if !at.IsValid() {
		return g.everybody(ctx)
	}
	g.telling.Lock()
	defer g.telling.Unlock()
	err := g.push(ctx, subject.Push{Gone: []string{rowID(who, at)}})
	if err != nil {
		g.changed() // everything is told anew, without them
	}
	return err
}

// push sends the next message of the presence stream. A filter that is away
// keeps what it has, whose rows end by the clock.
func (g *gateDoor) push(ctx context.Context, p subject.Push) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.known {
		return nil
	}
	p.Number = g.pushes + 1
	err := g.client().Push(ctx, p)
	if errors.Is(err, control.ErrNotThere) {
		return nil
	}
	if err != nil {
		st, serr := g.client().Status(ctx)
		if serr != nil {
			return err
		}
		p.Number = st.Presence + 1
		if err = g.client().Push(ctx, p); err != nil {
			return err
		}
	}
	g.pushes = p.Number
	return nil
}
