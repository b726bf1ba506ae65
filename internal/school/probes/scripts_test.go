package probes_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"belisha/internal/kit/store/storetest"
	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/probes"
)

// outside answers on loopback as what stands past a filter would.
type outside struct{ lines, want []string }

func (o *outside) add(by, at, want string) {
	word := by + "/" + at
	o.lines, o.want = append(o.lines, word+" "+by+"://"+at), append(o.want, word+" "+want)
}

func newOutside(t *testing.T) *outside {
	t.Helper()
	o := &outside{}
	answer := func(a string) dns.HandlerFunc {
		return func(w dns.ResponseWriter, r *dns.Msg) {
			m := new(dns.Msg)
			if m.SetRcode(r, dns.RcodeNameError); a != "" {
				rr, err := dns.NewRR(r.Question[0].Name + " 5 IN A " + a)
				must(t, err)
				m.SetRcode(r, dns.RcodeSuccess).Answer = []dns.RR{rr}
			}
			_ = w.WriteMsg(m) // who asked has gone away if this fails
		}
	}
	for _, x := range []struct{ by, a, want string }{{"udp", "", "reached"}, {"udp", "192.0.2.1", "ours"}, {"tcp", "", "reached"}, {"tcp", "192.0.2.1", "ours"}} {
		up := make(chan struct{})
		s := &dns.Server{Net: x.by, Handler: answer(x.a), NotifyStartedFunc: func() { close(up) }}
		if x.by == "udp" {
			p, err := net.ListenPacket("udp", "127.0.0.1:0")
			must(t, err)
			s.PacketConn = p
			o.add(x.by, p.LocalAddr().String(), x.want)
		} else {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			must(t, err)
			s.Listener = l
			o.add(x.by, l.Addr().String(), x.want)
		}
		done := make(chan error, 1)
		go func() { done <- s.ActivateAndServe() }()
		<-up
		t.Cleanup(func() {
			must(t, s.Shutdown())
			must(t, <-done)
		})
	}
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	o.add("tls", secure.Listener.Addr().String(), "reached")
	o.add("https", secure.Listener.Addr().String(), "reached")
	// A door that ends whoever names no site, as the filter's own does.
	door, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, io.EOF }})
	must(t, err)
	t.Cleanup(func() { must(t, door.Close()) })
	go func() {
		for {
			c, err := door.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 1)) // it fails, which is the answer
			_ = c.Close()
		}
	}()
	o.add("https", door.Addr().String(), "refused")
	o.quic(t)
	shut, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	o.add("port", secure.Listener.Addr().String(), "reached")
	o.add("port", shut.Addr().String(), "refused")
	o.add("tls", shut.Addr().String(), "refused")
	o.add("udp", shut.Addr().String(), "refused")
	must(t, shut.Close())
	return o
}

// quic adds a server that answers a greeting of no version, as RFC 9000 has it,
// and a place where nobody does.
func (o *outside) quic(t *testing.T) {
	p, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { must(t, p.Close()) })
	go func() {
		b := make([]byte, 2048)
		for {
			n, from, err := p.ReadFrom(b)
			if err != nil {
				return
			}
			if n < 1200 || b[0]&0xc0 != 0xc0 || string(b[6:14]) != "belisha1" {
				continue
			}
			_, _ = p.WriteTo(append([]byte{0x80, 0, 0, 0, 0, 8}, "belisha2\x08belisha1\x00\x00\x00\x01"...), from)
		}
	}()
	o.add("quic", p.LocalAddr().String(), "reached")
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { must(t, silent.Close()) })
	o.add("quic", silent.LocalAddr().String(), "refused")
}

// TestTheFileForDevicesDoesWhatItSays runs the file as a device would: through
// a proxy, with places past the filter that answer and that do not.
func TestTheFileForDevicesDoesWhatItSays(t *testing.T) {
	t.Parallel()
	for p, of := range map[string]string{"sh": "dash", "curl": "curl", "openssl": "openssl", "dig": "bind9-dnsutils", "bash": "bash"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Skip("needs Debian's " + of)
		}
	}
	s := open(t, storetest.SQLite(t, schemas()...))
	site, _, err := s.room.AddSite(ctx(), "Lower school", "")
	must(t, err)
	past := newOutside(t)
	pages := webtest.Site(t, s.room.Section())
	var told string
	way := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch name := r.URL.Hostname(); {
		case name == "here.probe.test":
			fmt.Fprintln(w, "This page is a test.")
		case strings.HasSuffix(name, ".probe.test"):
			w.WriteHeader(http.StatusForbidden)
		case strings.HasPrefix(r.URL.Path, "/probe/plan/"):
			r.Host = webtest.Host
			rec := httptest.NewRecorder()
			pages.ServeHTTP(rec, r)
			lines := strings.Split(strings.TrimSpace(rec.Body.String()), "\n")
			for i, l := range lines { // nobody outside this machine is asked
				if strings.Contains(l, "://1.1.1.1") || strings.Contains(l, "://8.8.8.8") {
					lines = lines[:i]
					break
				}
			}
			fmt.Fprintln(w, strings.Join(append(lines, past.lines...), "\n"))
		default:
			r.Host = webtest.Host
			raw, _ := io.ReadAll(r.Body)
			told = string(raw)
			r.Body = io.NopCloser(strings.NewReader(told))
			pages.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(way.Close)
	text, err := s.room.Script("try.sh", site)
	must(t, err)
	file := filepath.Join(t.TempDir(), "try.sh")
	must(t, os.WriteFile(file, []byte(text), 0o600))
	limit, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	cmd := exec.CommandContext(limit, "sh", file, way.URL)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "no_proxy="}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "right 3, wrong 0") {
		t.Fatalf("%s: %v\n%s", out, err, told)
	}
	want := strings.Join(append([]string{"here open", "adult closed", "gambling closed"}, past.want...), "\n")
	if told != want {
		t.Errorf("it told\n%s\n\nand must tell\n%s", told, want)
	}
	run, err := s.room.Last(ctx(), "Lower school", false)
	if err != nil || run.Right != 3 || run.Kind != probes.Device {
		t.Errorf("kept: %+v, %v", run, err)
	}
}
