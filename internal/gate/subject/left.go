package subject

import (
	"slices"
	"time"

	"belisha/internal/gate/spool"
)

// leftPrefix begins the id of a row that stays where somebody has left.
const leftPrefix = "left-"

// Leaving are the rows of people at an address that a push ends, and that have
// not ended before by themselves.
func (t *Table) Leaving(p *Push, now time.Time) (out []Row) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	ends := func(r *Row) bool {
		if !p.Full {
			return slices.Contains(p.Gone, r.ID)
		}
		return !slices.ContainsFunc(p.Rows, func(n Row) bool { return n.ID == r.ID })
	}
	if p.Full || len(p.Gone) > 0 {
		for _, r := range t.rows {
			if r.Subject != "" && r.Of == "" && !r.Left && r.Address.IsValid() && len(r.Classes) > 0 && !r.over(now) && ends(r) {
				out = append(out, *r)
			}
		}
	}
	return out
}

// Stay keeps an address, from which somebody has signed out, in the lesson of
// their class until its end or until somebody signs in there: a pause that
// ends with the press of a button is none. It makes nobody known.
func (t *Table) Stay(r Row, until, now time.Time) {
	stays := Row{
		ID: leftPrefix + r.ID, Address: r.Address, Groups: r.Groups, Classes: r.Classes, Certainty: spool.Unknown,
		Ends: until, Left: true,
	}
	stays.begin(nil, now)
	t.mu.Lock()
	if len(t.rows) < maxRows {
		t.removeLocked(stays.ID)
		t.addLocked(&stays)
	}
	t.mu.Unlock()
	t.changed()
}

// apart takes who has left out of the rows of an address.
func apart(rows []*Row) (there, left []*Row) {
	if !slices.ContainsFunc(rows, func(r *Row) bool { return r.Left }) {
		return rows, nil
	}
	for _, r := range rows {
		if r.Left {
			left = append(left, r)
		} else {
			there = append(there, r)
		}
	}
	return there, left
}

// stay has nobody in particular held by what was set for the classes of those
// who have left, as strictly as if they were there.
func (f *Found) stay(left []*Row) {
	if len(left) == 0 {
		return
	}
	f.Among = among(left)
	if len(f.Groups) == 0 {
		return // the strictest rules hold already
	}
	f.Groups = slices.Clone(f.Groups)
	for _, r := range left {
		for _, g := range r.Groups {
			if !slices.Contains(f.Groups, g) {
				f.Groups = append(f.Groups, g)
			}
		}
	}
}
