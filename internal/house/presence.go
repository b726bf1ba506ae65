package house

import (
	"context"
	"errors"
	"net/netip"

	"belisha/internal/gate/control"
	"belisha/internal/gate/spool"
	"belisha/internal/gate/subject"
	"belisha/internal/school/access"
)

// rowID names the row of a subject at an address.
func rowID(subjectID string, at netip.Addr) string { return shortHash(subjectID + " " + at.String()) }

var certainties = map[string]spool.Certainty{access.Sure: spool.Sure}

func toRow(r access.Row) subject.Row {
	c, ok := certainties[r.Certain]
	if !ok {
		c = spool.Likely
	}
	return subject.Row{
		ID: rowID(r.Subject, r.Address), Address: r.Address, Subject: r.Subject, Certainty: c,
		Groups: r.Groups, KeyStage: string(r.KeyStage), Site: r.Site, Place: r.Place, SignedUntil: r.SignedUntil, Ends: r.Ends,
	}
}

// SignedIn tells the filter who is behind an address.
func (g *gateDoor) SignedIn(ctx context.Context, r access.Row) error {
	row := toRow(r)
	g.mu.Lock()
	if g.rows[r.Subject] == nil {
		g.rows[r.Subject] = map[string]bool{}
	}
	g.rows[r.Subject][row.ID] = true
	g.mu.Unlock()
	return g.push(ctx, subject.Push{Rows: []subject.Row{row}})
}

// SignedOut tells the filter that somebody is gone from an address, or from
// everywhere.
func (g *gateDoor) SignedOut(ctx context.Context, who string, at netip.Addr) error {
	p := subject.Push{}
	g.mu.Lock()
	ids, here := g.rows[who]
	switch {
	case at.IsValid():
		p.Gone = []string{rowID(who, at)}
		delete(ids, rowID(who, at))
	case here:
		for id := range ids {
			p.Gone = append(p.Gone, id)
		}
		delete(g.rows, who)
	default:
		// They signed in before this server started, and it is not known
		// where: everybody signs in again rather than one staying signed in.
		p.Full = true
	}
	g.mu.Unlock()
	return g.push(ctx, p)
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
