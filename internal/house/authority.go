package house

import (
	"context"
	"errors"
	"io/fs"

	"belisha/internal/gate/ca"
	"belisha/internal/kit/store"
	"belisha/internal/school/devices"
)

// suggestedNever are names that a school's certificate has no business with:
// the state's, health's, and banks'.
var suggestedNever = []string{
	"gov.uk", "nhs.uk", "police.uk", "hscni.net", "gov.scot", "gov.wales",
	"barclays.co.uk", "barclaycard.co.uk", "hsbc.co.uk", "firstdirect.com", "lloydsbank.co.uk", "lloydsbank.com", "halifax.co.uk", "halifax-online.co.uk",
	"bankofscotland.co.uk", "natwest.com", "rbs.co.uk", "ulsterbank.co.uk", "santander.co.uk", "nationwide.co.uk", "tsb.co.uk", "virginmoney.com",
	"co-operativebank.co.uk", "metrobankonline.co.uk", "monzo.com", "starlingbank.com", "revolut.com", "chase.co.uk", "tescobank.com", "sainsburysbank.co.uk",
	"nsandi.com", "paypal.com", "wise.com", "visa.com", "mastercard.com", "americanexpress.com",
}

// authority makes the school's certificates, in the filter's folder.
type authority struct{ h *House }

var _ devices.Authority = authority{}

func (a authority) dir() string { return a.h.folder.Path("gate", "ca") }

// Certificates implements devices.Authority.
func (a authority) Certificates(ctx context.Context) (devices.Certificates, error) {
	var out devices.Certificates
	seal, err := CASealer(a.h.keyFile())
	if err != nil {
		return out, nil //nolint:nilerr // the key is not in a file, so there are none
	}
	now, err := ca.Open(a.dir(), seal, a.h.cfg.Clock)
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	if err != nil {
		return out, err
	}
	out.Now, out.Suggested = certificateOf(now), suggestedNever
	next, err := ca.Next(a.dir(), seal, a.h.cfg.Clock)
	switch {
	case err == nil:
		out.Next = certificateOf(next)
	case !errors.Is(err, fs.ErrNotExist):
		return out, err
	}
	if st, err := a.h.gate.status(ctx); err == nil {
		out.InUse = st.CA
	}
	return out, nil
}

func certificateOf(c *ca.CA) *devices.Certificate {
	return &devices.Certificate{Fingerprint: c.Fingerprint(), Ends: c.Ends(), Never: c.Limits().Excluded}
}

// Prepare implements devices.Authority.
func (a authority) Prepare(ctx context.Context, never []string) error {
	seal, err := CASealer(a.h.keyFile())
	if err != nil {
		return err
	}
	name := a.h.schoolName(ctx)
	if name == "" {
		name = "This school"
	}
	if err := ca.Prepare(a.dir(), name, ca.Limits{Excluded: never}, seal, a.h.cfg.Clock); err != nil {
		return store.Invalid{"never": plain(err)}
	}
	return nil
}

// Discard implements devices.Authority.
func (a authority) Discard(context.Context) error { return ca.Discard(a.dir()) }

// Promote implements devices.Authority.
func (a authority) Promote(context.Context) error {
	seal, err := CASealer(a.h.keyFile())
	if err != nil {
		return err
	}
	next, err := ca.Promote(a.dir(), seal, a.h.cfg.Clock)
	if err != nil {
		return err
	}
	a.h.certs.use(next)
	return nil
}

// NextPEM implements devices.Authority.
func (a authority) NextPEM(context.Context) ([]byte, error) {
	seal, err := CASealer(a.h.keyFile())
	if err != nil {
		return nil, store.ErrNotFound
	}
	next, err := ca.Next(a.dir(), seal, a.h.cfg.Clock)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, store.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return next.PEM(), nil
}

// use has the pages made certificates for by the school's next authority,
// where they have none of their own.
func (p *pageCertificate) use(next *ca.CA) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.school != nil {
		p.school = next
	}
}
