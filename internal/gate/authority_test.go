package gate

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"belisha/internal/gate/ca"
	"belisha/internal/gate/gatetest"
	"belisha/internal/kit/clock"
)

// showsBy opens a page in place of a closed secure site, and says whether the
// browser believes it.
func (s *school) showsBy(t *testing.T, proxy string, roots []byte) error {
	t.Helper()
	conn, err := net.Dial("tcp", proxy)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(clock.System{}.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, "CONNECT bad.test:443 HTTP/1.1\r\nHost: bad.test:443\r\n\r\n")
	if _, err := io.ReadFull(conn, make([]byte, len("HTTP/1.1 200 Connection established\r\n\r\n"))); err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(roots)
	return tls.Client(conn, &tls.Config{ServerName: "bad.test", RootCAs: pool}).Handshake()
}

func TestAChangedCertificateIsTakenIntoUseWhileTheFilterRuns(t *testing.T) {
	s := newSchool(t)
	s.publish(t, gatetest.Rules())
	if err := WriteSettings(s.dir, Settings{Site: "main", CAEverywhere: true}); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(s.dir, "ca")
	s.cfg.Seal = plainSeal{}
	first, err := ca.Create(dir, "Hill School", plainSeal{}, clock.System{})
	if err != nil {
		t.Fatal(err)
	}
	st, client, _ := s.run(t)
	if err := s.showsBy(t, st.Proxy, first.PEM()); err != nil {
		t.Fatal(err)
	}
	if err := ca.Prepare(dir, "Hill School", ca.Limits{Excluded: []string{"bank.test"}}, plainSeal{}, clock.System{}); err != nil {
		t.Fatal(err)
	}
	second, err := ca.Promote(dir, plainSeal{}, clock.System{})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if now, err := client.Status(t.Context()); err != nil || now.CA != second.Fingerprint() {
		t.Errorf("in use is %s (%v)", now.CA, err)
	}
	if err := s.showsBy(t, st.Proxy, second.PEM()); err != nil {
		t.Error(err)
	}
	if s.showsBy(t, st.Proxy, first.PEM()) == nil {
		t.Error("the one before is still in use")
	}
	if err := os.WriteFile(filepath.Join(dir, "ca.key"), []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := client.Reload(t.Context()); err != nil {
		t.Errorf("a damaged certificate keeps the filter from being told: %v", err)
	}
	if err := s.showsBy(t, st.Proxy, second.PEM()); err != nil {
		t.Errorf("a damaged one took the good one's place: %v", err)
	}
}
