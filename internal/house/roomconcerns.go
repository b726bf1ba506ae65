package house

import (
	"context"
	"sync"
	"time"

	"belisha/internal/kit/control"
	"belisha/internal/school/concerns"
	"belisha/internal/school/monitoring"
	"belisha/internal/school/people"
)

// openConcerns opens the case log.
func (h *House) openConcerns(ctx context.Context) (err error) {
	ready := &concernsReady{h: h}
	h.Concerns, err = concerns.New(ctx, concerns.Deps{
		DB: h.db, Journal: h.journal, Clock: h.cfg.Clock, Live: h.live, Roll: h.People, Sealer: h.vault, Log: h.log,
		Files: func() concerns.Files {
			if h.blobs == nil {
				return nil
			}
			return h.blobs
		},
		Evidence: rowEvidence{h}, Notices: h.Notices, Adult: h.trustedAdult, Ready: ready.reasons, Watching: h.watching,
		Changed: h.tellOf, Held: h.heldBack, Strangers: h.strangers,
	})
	if err != nil {
		return err
	}
	h.gate.paused = h.Concerns.Paused
	h.join(h.Concerns)
	return nil
}

// rowEvidence answers the case log from the record of web use.
type rowEvidence struct{ h *House }

// careKinds are kinds of site that say something of somebody's health or
// distress: what led there never leads to a sanction.
var careKinds = map[string]bool{
	"self-harm": true, "suicide": true, "eating-disorder": true, "health": true, "support-services": true, "help": true, "drugs": true,
}

// Evidence answers what a row or a signal says; monitoring refuses whoever may
// not see it.
func (e rowEvidence) Evidence(ctx context.Context, ref string) (concerns.Seen, error) {
	s, err := e.h.Monitoring.Evidence(ctx, ref)
	if err != nil {
		return concerns.Seen{}, err
	}
	out := concerns.Seen{Ref: s.Ref, At: s.At, Person: s.Person, Certainty: s.Certainty, Theme: s.Theme, Device: s.Device, Words: rowWords(s)}
	if out.Theme == "" && careKinds[s.Category] {
		out.Theme = s.Category
	}
	return out, nil
}

// rowWords is a row of the record as a case keeps it.
func rowWords(s monitoring.Seen) string {
	text := ""
	add := func(name, v string) {
		if v != "" {
			text += name + v + "\n"
		}
	}
	add("What the filter did: ", s.Action.String())
	add("Site: ", s.Host+s.Path)
	add("Searched for: ", s.Words)
	add("Kind of site: ", s.Category)
	add("Where: ", s.Where)
	add("Who: ", s.How)
	add("About: ", s.Theme)
	return text
}

// concernsReady works out whether a child's case is safe here: nobody reads
// along, nobody signs in with a stolen password, and nothing is lost. In the
// demonstration nobody is real.
type concernsReady struct {
	h *House

	mu           sync.Mutex
	at           time.Time
	closed, late []string
}

// readyHolds is how long an answer counts: every page asks.
const readyHolds = 2 * time.Second

func (c *concernsReady) reasons(ctx context.Context) (closed, late []string) {
	if c.h.cfg.Demo {
		return nil, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.h.cfg.Clock.Now()
	if !c.at.IsZero() && now.Sub(c.at) < readyHolds && !now.Before(c.at) {
		return c.closed, c.late
	}
	c.closed, c.late, c.at = c.exposed(), c.missing(ctx, now), now
	return c.closed, c.late
}

// exposed is why somebody could read along: nothing is opened then.
func (c *concernsReady) exposed() []string {
	var out []string
	if !c.h.certs.wanted() {
		out = append(out, "The pages are not served over HTTPS, so somebody on the network could read along. The network manager gives them a certificate (see Health).")
	} else if f, _ := c.h.certs.state(); f.Wrong != "" {
		out = append(out, "The certificate of the pages is not in order: it "+f.Wrong+". The network manager renews it.")
	}
	return out
}

// missing is what must be mended before the first concern is kept, and soon
// when it is missing later.
func (c *concernsReady) missing(ctx context.Context, now time.Time) []string {
	var out []string
	if ok, why := c.h.Access.SecondFactor(ctx); !ok {
		out = append(out, "A password alone would open a child's case: "+why+". Each of them sets one up under My account.")
	}
	if why := c.backup(ctx, now); why != "" {
		out = append(out, "What is written could be lost: "+why+". The network manager sees to the backup.")
	}
	for _, p := range []people.Post{people.SafeguardingLead} {
		if who, err := c.h.People.HoldersAt(ctx, p, now); err != nil || len(who) == 0 {
			out = append(out, "Nobody is named as "+p.Title()+", so nobody would read it. The head names somebody under Posts.")
		}
	}
	return out
}

// watching is who is told of an urgent concern out of school hours just now,
// by name: somebody who has agreed to be and can be mailed.
func (h *House) watching(ctx context.Context, at time.Time) (string, time.Time, error) {
	id, until, err := h.Notices.Watching(ctx, at, string(people.SafeguardingLead), string(people.DeputySafeguardingLead))
	if err != nil || id == "" {
		return "", time.Time{}, err
	}
	p, err := h.People.Get(ctx, people.ID(id))
	if err != nil {
		return "", time.Time{}, err
	}
	return p.Name(), until, nil
}

// backup says why there is no working backup, "" where there is one.
func (c *concernsReady) backup(ctx context.Context, now time.Time) string {
	if c.h.Backup == nil {
		return "there is no backup yet"
	}
	for _, k := range c.h.Backup.Controls() {
		if k.Number != "C64" {
			continue
		}
		f, err := k.Check(ctx, now, c.h.live.Current())
		switch {
		case err != nil:
			return "it could not be found out whether there is a backup"
		case f.State == control.Broken || f.State == control.Unknown:
			return f.Figure
		}
		return ""
	}
	return "nobody looks whether there is a backup"
}
