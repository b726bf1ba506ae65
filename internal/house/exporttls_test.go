package house

import (
	"context"
	"crypto/x509"
	"net"
	"testing"

	"belisha/internal/kit/duty"
	"belisha/internal/school/review"
)

// PagesOn serves the pages on a listener as Run does. roots stand for the
// authorities that this machine knows.
func (h *House) PagesOn(ctx context.Context, l net.Listener, roots *x509.CertPool) (serve func() error, err error) {
	if err := h.gate.prepareFolder(ctx); err != nil {
		return nil, err
	}
	h.certs.roots = roots
	if err := h.certs.begin(); err != nil {
		return nil, err
	}
	return func() error { return h.servePages(ctx, l) }, nil
}

// LookAgain is what the watch of the certificate does every minute.
func (h *House) LookAgain() { h.certs.lookAgain(context.Background()) }

// CertificateHealth is the health page's line about the certificate.
func (h *House) CertificateHealth() []review.Check { return h.certificateHealth() }

// SchoolCertificate is what devices install.
func (h *House) SchoolCertificate() ([]byte, error) {
	pem, _, err := h.certificate(context.Background())
	return pem, err
}

// Owed is what a source of tasks says is owed now.
func (h *House) Owed(t *testing.T, source string) []duty.Owed {
	t.Helper()
	for _, r := range joined[owing](h) {
		for _, s := range r.Duties() {
			if s.Name == source {
				out, err := s.Owed(context.Background(), h.cfg.Clock.Now())
				if err != nil {
					t.Fatal(err)
				}
				return out
			}
		}
	}
	t.Fatalf("nobody joined the tasks of %s", source)
	return nil
}
