package house

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"belisha/internal/kit/control"
	"belisha/internal/kit/duty"
	"belisha/internal/kit/store"
	"belisha/internal/kit/words"
	"belisha/internal/school/access"
	"belisha/internal/school/people"
	"belisha/internal/school/review"
)

// schoolName is what the school is called, "" before it was said.
func (h *House) schoolName(ctx context.Context) string {
	if h.Setup == nil {
		return ""
	}
	about, err := h.Setup.School(ctx)
	if err != nil {
		return ""
	}
	return about.Name
}

// pupilDevice reports whether the school keeps a device at the address for
// pupils.
func (h *House) pupilDevice(at netip.Addr) bool {
	if h.Filtering == nil {
		return false
	}
	known, err := h.Filtering.Devices(context.Background())
	if err != nil {
		return false // it is an alert's hint, and no door
	}
	for _, d := range known {
		if d.Group != access.GroupPupils {
			continue
		}
		for _, p := range d.Prefixes() {
			if p.Contains(at.Unmap()) {
				return true
			}
		}
	}
	return false
}

// AppointHead makes somebody on the roll head teacher, with an account where
// there is none: the way back from the machine when no head is left. ending
// ends the post of whoever holds it.
func (h *House) AppointHead(ctx context.Context, person people.ID, ending bool) (temporary string, err error) {
	now := h.cfg.Clock.Now()
	held, err := h.People.HoldersAt(ctx, people.Headteacher, now)
	if err != nil {
		return "", err
	}
	for _, o := range held {
		switch {
		case o.Person.ID == person:
			return "", store.Invalid{"who": "this person is head teacher already; `belisha access reset --head` opens the account again"}
		case !ending && !o.Holder.Deputy:
			return "", store.Invalid{"who": "there is a head teacher; add --end to end that post"}
		}
	}
	if _, err := h.People.Appoint(ctx, people.Holder{Person: person, Post: people.Headteacher}); err != nil {
		return "", err
	}
	if _, err = h.Access.AccountOf(ctx, person); errors.Is(err, store.ErrNotFound) {
		temporary, err = h.Access.CreateAccount(ctx, access.NewAccount{Person: person})
	}
	if err != nil {
		return "", err
	}
	// Last, so that the school is never without a head.
	for _, o := range held {
		if o.Holder.Deputy {
			continue
		}
		if err := h.People.EndPost(ctx, o.Holder.ID, o.Holder.Version, "ended from the machine's console"); err != nil {
			return "", err
		}
	}
	return temporary, nil
}

// Days before the certificate's end.
const (
	renewDays  = 21 // the network manager's task
	urgentDays = 7
	oneDay     = 24 * time.Hour
)

// Duties is the network manager's task to renew a certificate from files. The
// school's own authority makes its certificates anew by itself.
func (p *pageCertificate) Duties() []duty.Source {
	return []duty.Source{{Name: "certificate", Owed: func(_ context.Context, now time.Time) ([]duty.Owed, error) {
		f, _ := p.state()
		if !p.wanted() || f.Ends.IsZero() || f.Ends.Sub(now) > renewDays*oneDay {
			return nil, nil
		}
		risk := 2
		if f.Ends.Sub(now) <= urgentDays*oneDay {
			risk = 3
		}
		return []duty.Owed{{
			ID: "certificate/" + f.Ends.UTC().Format(time.DateOnly), What: "Renew the certificate of these pages", Step: "Look at it",
			Owner: string(people.NetworkManager), Since: f.Ends.Add(-renewDays * oneDay), Due: f.Ends.Add(-urgentDays * oneDay), Link: "/health", Risk: risk,
		}}, nil
	}}}
}

// certificateHealth says how the pages are protected on their way.
func (h *House) certificateHealth() []review.Check {
	p := h.certs
	if !p.wanted() {
		if h.cfg.Listen.Pages == "" {
			return nil // a command on a folder that nobody serves
		}
		return []review.Check{{Name: "Pages", State: control.NotApplicable, Words: "Only this machine reaches them, so they need no certificate."}}
	}
	f, trouble := p.state()
	if f.Files || p.files.CertFile == "" {
		return []review.Check{p.check(f, trouble)}
	}
	// Not serving: look at the files as they are.
	_, f, err := p.load()
	if err != nil {
		return []review.Check{{Name: "Pages' certificate", State: control.Broken, Words: err.Error(), Todo: "Put a good one there; it is taken into use by itself."}}
	}
	return []review.Check{p.check(f, "")}
}

func (p *pageCertificate) check(f certificateFacts, trouble string) review.Check {
	k := review.Check{Name: "Pages' certificate", State: control.Kept}
	left := int(f.Ends.Sub(p.clock.Now()) / oneDay)
	whose := "Made by the school's own authority, and made anew by itself"
	if f.Files {
		whose = "From the file " + p.files.CertFile
	}
	k.Words = fmt.Sprintf("%s, for %s; %s left.", whose, words.And(f.Names), words.Count(left, "day", "days"))
	switch {
	case f.Wrong != "":
		k.State, k.Words = control.Broken, "The certificate "+f.Wrong+"."
		k.Todo = "Put a new one into the files under [pages]; it is taken into use by itself."
	case trouble != "":
		k.State, k.Words = control.AtRisk, k.Words+" "+trouble+"."
		k.Todo = "Mend the files; they are looked at every minute."
	case left <= urgentDays:
		k.State, k.Todo = control.Broken, "Renew it now: browsers refuse the pages after its end."
	case left <= renewDays:
		k.State, k.Todo = control.AtRisk, "Renew it; the new file is taken into use by itself."
	case f.Files && !f.Known:
		k.State, k.Todo = control.AtRisk, "This machine does not know who made it. Add what leads to its authority to the file, or install that authority on the devices."
	}
	return k
}

// PagesProtected reports whether the pages travel over TLS, and why not.
func (h *House) PagesProtected() (ok bool, why string) {
	if !h.certs.wanted() {
		return false, "the pages are not served over HTTPS (--listen-pages off loopback, or [pages] cert-file)"
	}
	if f, _ := h.certs.state(); f.Wrong != "" {
		return false, "the certificate of the pages " + f.Wrong
	}
	return true, ""
}
