package devices

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
)

// Certificate is one that devices of the school trust, or will.
type Certificate struct {
	Fingerprint string
	Ends        time.Time
	// Never are names for which, and below which, devices refuse it whoever
	// has its key.
	Never []string
}

// Certificates are the school's own.
type Certificates struct {
	Now, Next *Certificate // nil for none
	// InUse is the fingerprint of the one that the running filter signs with,
	// "" where it does not answer.
	InUse string
	// Suggested are names that a new one might never hold for.
	Suggested []string
}

// Authority makes certificates and keeps their keys.
type Authority interface {
	Certificates(ctx context.Context) (Certificates, error)
	// Prepare makes the next one, Discard takes it away, Promote puts it in
	// the place of the one in use.
	Prepare(ctx context.Context, never []string) error
	Discard(ctx context.Context) error
	Promote(ctx context.Context) error
	// NextPEM is the prepared one as devices install it.
	NextPEM(ctx context.Context) ([]byte, error)
}

// mostNever bounds the names in a certificate.
const mostNever = 100

var errNoAuthority = store.Invalid{"": "The school's key is not in a file, so there is no certificate to change."}

// neverNames reads names with commas, spaces or new lines between them.
func neverNames(text string) ([]string, error) {
	var out []string
	for _, w := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return strings.ContainsRune(", ;\n\r\t", r) }) {
		w = strings.TrimSuffix(strings.TrimPrefix(w, "*."), ".")
		if _, err := netip.ParseAddr(w); err == nil || !strings.Contains(w, ".") || strings.Trim(w, "abcdefghijklmnopqrstuvwxyz0123456789-.") != "" || strings.Contains(w, "..") || len(w) > 253 {
			return nil, store.Invalid{"never": fmt.Sprintf("%.60q is not a name such as bank.example.", w)}
		}
		if !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	if len(out) > mostNever {
		return nil, store.Invalid{"never": fmt.Sprintf("At most %d names fit into a certificate; these are %d.", mostNever, len(out))}
	}
	return out, nil
}

// certificateTold is what the journal keeps.
type certificateTold struct {
	Fingerprint string   `json:"fingerprint,omitempty"`
	Never       []string `json:"never,omitempty"`
}

func (c *Certificate) told() certificateTold {
	if c == nil {
		return certificateTold{}
	}
	return certificateTold{c.Fingerprint, c.Never}
}

// changeCertificate does something with the certificates, with its line.
func (r *Room) changeCertificate(ctx context.Context, verb journal.Verb, allowed func(Certificates) error, do func(context.Context) error) error {
	if r.d.Authority == nil {
		return errNoAuthority
	}
	before, err := r.d.Authority.Certificates(ctx)
	if err != nil {
		return err
	}
	if err := allowed(before); err != nil {
		return err
	}
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		// Only what was done is written down: the file comes first, and if the
		// line cannot be kept the page says so.
		if err := do(ctx); err != nil {
			return err
		}
		after, err := r.d.Authority.Certificates(ctx)
		if err != nil {
			return err
		}
		was, is := before.Next.told(), after.Next.told()
		if verb == VerbCertificate {
			was, is = before.Now.told(), after.Now.told()
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{Verb: verb, Kind: "filter", ID: "certificate", Before: was, After: is})
	})
}

// PrepareCertificate makes the certificate that will follow the one in use.
func (r *Room) PrepareCertificate(ctx context.Context, never string) error {
	names, err := neverNames(never)
	if err != nil {
		return err
	}
	return r.changeCertificate(ctx, VerbNextCertificate, func(c Certificates) error {
		switch {
		case c.Now == nil:
			return errNoAuthority
		case c.Next != nil:
			return store.Invalid{"": "One is prepared already. Change to it, or take it away first."}
		}
		return nil
	}, func(ctx context.Context) error { return r.d.Authority.Prepare(ctx, names) })
}

func prepared(c Certificates) error {
	if c.Next == nil {
		return store.ErrStale
	}
	return nil
}

// DiscardCertificate takes the prepared one away.
func (r *Room) DiscardCertificate(ctx context.Context) error {
	return r.changeCertificate(ctx, VerbNextCertificate, prepared, r.authority().Discard)
}

// UseCertificate puts the prepared certificate in the place of the one in use,
// which nothing can be signed with afterwards.
func (r *Room) UseCertificate(ctx context.Context, fingerprint string) error {
	err := r.changeCertificate(ctx, VerbCertificate, func(c Certificates) error {
		if c.Next == nil || c.Next.Fingerprint != fingerprint {
			return store.ErrStale
		}
		return nil
	}, r.authority().Promote)
	if err != nil {
		return err
	}
	return r.d.Changed(ctx)
}

func (r *Room) authority() Authority {
	if r.d.Authority == nil {
		return nobody{}
	}
	return r.d.Authority
}

// nobody makes no certificates.
type nobody struct{}

var errNobody = errors.New("there is nobody who makes certificates")

func (nobody) Certificates(context.Context) (Certificates, error) { return Certificates{}, nil }
func (nobody) Prepare(context.Context, []string) error            { return errNobody }
func (nobody) Discard(context.Context) error                      { return errNobody }
func (nobody) Promote(context.Context) error                      { return errNobody }
func (nobody) NextPEM(context.Context) ([]byte, error)            { return nil, store.ErrNotFound }
